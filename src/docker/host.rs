//! Where the engine is: `DOCKER_HOST`, docker contexts, the default socket.
//!
//! The order is the docker CLI's: `DOCKER_HOST`, then `DOCKER_CONTEXT`, then the configuration's
//! current context, then the default socket. TLS and ssh are refused by name.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::api_version::{self, ApiVersion};
use super::config::DockerConfig;
use crate::ambient::Ambient;
use crate::failure::{Class, Failure};
use crate::human;

/// The socket an engine listens on when nobody says otherwise.
const DEFAULT: &str = "unix:///var/run/docker.sock";

/// An engine's address and who gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// How to reach it.
    pub address: Address,
    /// Who said so.
    pub origin: Origin,
    /// The version of its API that `DOCKER_API_VERSION` pins.
    pub pinned: Option<ApiVersion>,
}

/// How to reach an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket.
    Unix(PathBuf),
    /// Plain TCP: host and port, as they go into a socket address.
    Tcp(String),
}

/// Who said where the engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `DOCKER_HOST`.
    DockerHost,
    /// The context that `DOCKER_CONTEXT` names.
    ContextVariable(String),
    /// The context that `config.json` names.
    CurrentContext(String),
    /// Nobody.
    Default,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

impl fmt::Display for Origin {
    /// Completes "the address comes from ...".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DockerHost => f.write_str("DOCKER_HOST"),
            Self::ContextVariable(name) => write!(f, "docker context `{name}` (DOCKER_CONTEXT)"),
            Self::CurrentContext(name) => write!(f, "docker context `{name}`"),
            Self::Default => f.write_str("the default"),
        }
    }
}

/// Finds the engine that the docker CLI would talk to here.
///
/// # Errors
/// When the address, the context or the pinned API is wrong, or TLS or ssh is asked for.
pub fn resolve(ambient: &Ambient, config: &DockerConfig) -> Result<Endpoint, Failure> {
    let (address, origin) = if let Some(host) = ambient.variable("DOCKER_HOST") {
        (host.to_owned(), Origin::DockerHost)
    } else if let Some(name) = ambient.variable("DOCKER_CONTEXT") {
        let origin = Origin::ContextVariable(name.to_owned());
        (context_host(config, name, &origin)?, origin)
    } else if config.current_context.is_empty() {
        (DEFAULT.to_owned(), Origin::Default)
    } else {
        let origin = Origin::CurrentContext(config.current_context.clone());
        (
            context_host(config, &config.current_context, &origin)?,
            origin,
        )
    };
    let address = parse(&address, &origin)?;
    let tls = origin == Origin::DockerHost
        && ["DOCKER_TLS_VERIFY", "DOCKER_TLS"]
            .into_iter()
            .any(|name| ambient.variable(name).is_some());
    if tls && matches!(address, Address::Tcp(_)) {
        return Err(refuse(&origin, "TLS"));
    }
    let pinned = api_version::pinned(ambient.variable("DOCKER_API_VERSION"))?;
    Ok(Endpoint {
        address,
        origin,
        pinned,
    })
}

/// What dcb reads of a context's `meta.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Meta {
    endpoints: MetaEndpoints,
}

#[derive(Deserialize)]
struct MetaEndpoints {
    docker: MetaEndpoint,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetaEndpoint {
    #[serde(default)]
    host: String,
}

fn context_host(config: &DockerConfig, name: &str, origin: &Origin) -> Result<String, Failure> {
    if name == "default" {
        return Ok(DEFAULT.to_owned());
    }
    let id = human::hex(&Sha256::digest(name));
    let contexts = config.directory.join("contexts");
    let path = contexts.join("meta").join(&id).join("meta.json");
    let text = std::fs::read(&path).map_err(|error| {
        let failure = Failure::new(
            Class::HostInvalid,
            format!(
                "{origin} does not exist: failed to read `{}`: {error}",
                path.display()
            ),
        )
        .hint("docker context ls");
        match origin {
            Origin::ContextVariable(_) => failure.hint("unset DOCKER_CONTEXT"),
            _ => failure.hint("docker context use default"),
        }
    })?;
    let meta: Meta = serde_json::from_slice(&text).map_err(|error| {
        Failure::new(
            Class::HostInvalid,
            format!("{origin} is broken: `{}`: {error}", path.display()),
        )
        .hint(format!("docker context rm {name}"))
    })?;
    if contexts.join("tls").join(&id).join("docker").is_dir() {
        return Err(refuse(origin, "TLS"));
    }
    Ok(meta.endpoints.docker.host)
}

fn parse(address: &str, origin: &Origin) -> Result<Address, Failure> {
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
    match scheme {
        "unix" if rest.is_empty() => Ok(Address::Unix(PathBuf::from("/var/run/docker.sock"))),
        "unix" => Ok(Address::Unix(PathBuf::from(rest))),
        "tcp" | "http" => Ok(Address::Tcp(with_port(rest.trim_end_matches('/')))),
        "" if rest.starts_with('/') => {
            Err(invalid(address, origin).hint(format!("write it as an address: unix://{rest}")))
        }
        "ssh" => Err(refuse(origin, "ssh")),
        "npipe" => Err(refuse(origin, "a named pipe")),
        "https" => Err(refuse(origin, "TLS")),
        _ => Err(invalid(address, origin)),
    }
}

/// `host` with the engine's port when it names none. Source: `ParseTCPAddr` of the docker CLI.
fn with_port(host: &str) -> String {
    let host = if host.is_empty() { "localhost" } else { host };
    let bare = host.rsplit(']').next().unwrap_or(host);
    if bare.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:2375")
    }
}

fn invalid(address: &str, origin: &Origin) -> Failure {
    Failure::new(
        Class::HostInvalid,
        format!("`{address}` is not the address of an engine; it comes from {origin}"),
    )
    .hint("addresses look like unix:///var/run/docker.sock or tcp://127.0.0.1:2375")
}

fn refuse(origin: &Origin, what: &str) -> Failure {
    let failure = Failure::new(
        Class::Unsupported,
        format!("{origin} leads to the engine over {what}, which this dcb does not speak yet"),
    )
    .hint("docker compose build");
    if what == "ssh" {
        failure.hint("or forward the engine's socket: ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST, then DOCKER_HOST=unix:///tmp/docker.sock")
    } else {
        failure
    }
}

impl Endpoint {
    /// The docker context in use, `default` when it is none or `DOCKER_HOST` overrules them.
    pub fn context(&self) -> &str {
        match &self.origin {
            Origin::ContextVariable(name) | Origin::CurrentContext(name) => name,
            Origin::DockerHost | Origin::Default => "default",
        }
    }

    /// The socket's path, when the engine listens on one.
    pub fn socket(&self) -> Option<&Path> {
        match &self.address {
            Address::Unix(path) => Some(path),
            Address::Tcp(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Result<String, Class> {
        parse(text, &Origin::DockerHost)
            .map(|address| address.to_string())
            .map_err(|failure| failure.class)
    }

    #[test]
    fn addresses_are_read_as_the_docker_cli_reads_them() {
        for (text, expected) in [
            ("unix:///run/d.sock", Ok("unix:///run/d.sock")),
            ("unix://", Ok("unix:///var/run/docker.sock")),
            ("tcp://10.0.0.1:2375", Ok("tcp://10.0.0.1:2375")),
            ("tcp://10.0.0.1", Ok("tcp://10.0.0.1:2375")),
            ("tcp://[::1]", Ok("tcp://[::1]:2375")),
            ("tcp://[::1]:99", Ok("tcp://[::1]:99")),
            ("tcp://", Ok("tcp://localhost:2375")),
            ("ssh://me@host", Err(Class::Unsupported)),
            ("https://host", Err(Class::Unsupported)),
            ("/var/run/docker.sock", Err(Class::HostInvalid)),
            ("fd://", Err(Class::HostInvalid)),
        ] {
            assert_eq!(address(text), expected.map(str::to_owned), "{text}");
        }
    }
}
