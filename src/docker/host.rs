//! Where the engine is: `DOCKER_HOST`, docker contexts, the default socket.
//!
//! The order is the docker CLI's: `DOCKER_HOST`, then `DOCKER_CONTEXT`, then the configuration's
//! current context, then the default socket. [`address`] reads what is found, [`context`] what a
//! docker context holds; how such an address is reached is a matter of [`super::http`].

mod address;
mod context;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::api_version::{self, ApiVersion};
use super::config::DockerConfig;
use super::ssh::Ssh;
use super::tls::{Tls, Trust, Wanted};
use crate::ambient::Ambient;
use crate::failure::Failure;

pub use address::Address;
use address::Written;

/// The socket an engine listens on when nobody says otherwise.
const DEFAULT: &str = "unix:///var/run/docker.sock";
/// Where it is when nobody says otherwise but that TLS is to be used.
const DEFAULT_TLS: &str = "tcp://localhost:2376";

/// An engine's address and who gave it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// How to reach it.
    pub address: Address,
    /// Who said so.
    pub origin: Origin,
    /// The version of its API that `DOCKER_API_VERSION` pins.
    pub pinned: Option<ApiVersion>,
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

impl Origin {
    /// Who said it, and what brings back the usual engine.
    pub(super) fn hint(&self) -> String {
        let usual = match self {
            Self::DockerHost => "; for the usual engine: unset DOCKER_HOST",
            Self::ContextVariable(_) => "; for the usual engine: unset DOCKER_CONTEXT",
            Self::CurrentContext(_) => "; for the usual engine: docker context use default",
            Self::Default => "",
        };
        format!("the address comes from {self}{usual}")
    }
}

/// An address as it is written somewhere, and the TLS that goes with it.
struct Found {
    address: String,
    tls: Option<Wanted>,
    origin: Origin,
}

/// Finds the engine that the docker CLI would talk to here.
///
/// # Errors
/// When the address, the context, a certificate or the pinned API is wrong.
pub fn resolve(ambient: &Ambient, config: &DockerConfig) -> Result<Endpoint, Failure> {
    let Found {
        address,
        tls,
        origin,
    } = find(ambient, config)?;
    let address = match (address::parse(&address, &origin)?, tls) {
        (Written::Unix(path), _) => Address::Unix(path),
        (Written::Tcp(host), None) => Address::Tcp(host),
        (Written::Tcp(host) | Written::Https(host), Some(wanted)) => {
            Address::Tls(Arc::new(Tls::new(host, &wanted)?))
        }
        (Written::Https(host), None) => {
            Address::Tls(Arc::new(Tls::new(host, &what_there_is(ambient, config))?))
        }
        (Written::Ssh(destination), _) => Address::Ssh(Arc::new(Ssh::new(destination, ambient))),
    };
    Ok(Endpoint {
        address,
        origin,
        pinned: api_version::pinned(ambient.variable("DOCKER_API_VERSION"))?,
    })
}

fn find(ambient: &Ambient, config: &DockerConfig) -> Result<Found, Failure> {
    if let Some(host) = ambient.variable("DOCKER_HOST") {
        return Ok(Found {
            address: host.to_owned(),
            tls: tls_of_variables(ambient, config),
            origin: Origin::DockerHost,
        });
    }
    let (name, origin) = if let Some(name) = ambient.variable("DOCKER_CONTEXT") {
        (name, Origin::ContextVariable(name.to_owned()))
    } else {
        let name = config.current_context.as_str();
        (name, Origin::CurrentContext(name.to_owned()))
    };
    if matches!(name, "" | "default") {
        let tls = tls_of_variables(ambient, config);
        return Ok(Found {
            address: tls.as_ref().map_or(DEFAULT, |_| DEFAULT_TLS).to_owned(),
            tls,
            origin: if name.is_empty() {
                Origin::Default
            } else {
                origin
            },
        });
    }
    let (address, tls) = context::read(config, name, &origin)?;
    Ok(Found {
        address,
        tls,
        origin,
    })
}

/// The TLS that the variables ask for: any value of the two counts, `0` too, and only
/// `DOCKER_TLS_VERIFY` has the engine's certificate checked. Source: `ClientOptions` of the docker CLI.
fn tls_of_variables(ambient: &Ambient, config: &DockerConfig) -> Option<Wanted> {
    let verify = ambient.variable("DOCKER_TLS_VERIFY").is_some();
    let wanted = verify || ambient.variable("DOCKER_TLS").is_some();
    wanted.then(|| Wanted {
        trust: if verify {
            Trust::Authority
        } else {
            Trust::Anything
        },
        needs_authority: true,
        ..what_there_is(ambient, config)
    })
}

/// The certificates that lie where the docker CLI looks for them, whichever those are.
fn what_there_is(ambient: &Ambient, config: &DockerConfig) -> Wanted {
    let directory = ambient.variable("DOCKER_CERT_PATH");
    Wanted {
        directory: directory.map_or_else(
            || config.directory.clone(),
            |directory| ambient.directory.join(directory),
        ),
        trust: Trust::Authority,
        needs_authority: false,
        context: None,
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

    /// The socket's path, when the engine listens on one of this machine.
    pub fn socket(&self) -> Option<&Path> {
        match &self.address {
            Address::Unix(path) => Some(path),
            Address::Tcp(_) | Address::Tls(_) | Address::Ssh(_) => None,
        }
    }

    /// Closes what its connections share. To be called where this process ends without ado: by a
    /// signal, or by becoming another program.
    pub fn close(&self) {
        if let Address::Ssh(ssh) = &self.address {
            ssh.close();
        }
    }
}
