//! Addresses of engines: how they are written and what is known of them before any is tried.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Origin;
use crate::docker::ssh::{Destination, Ssh};
use crate::docker::tls::Tls;
use crate::failure::{Class, Failure};
use crate::secret;

/// How to reach an engine.
#[derive(Debug, Clone)]
pub enum Address {
    /// A Unix socket.
    Unix(PathBuf),
    /// Plain TCP: host and port, as they go into a socket address.
    Tcp(String),
    /// TCP with TLS.
    Tls(Arc<Tls>),
    /// A docker CLI on another machine, run there through ssh.
    Ssh(Arc<Ssh>),
}

impl fmt::Display for Address {
    /// As the docker CLI writes it, and as proxies and builders are kept under.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(host) => write!(f, "tcp://{host}"),
            Self::Tls(tls) => write!(f, "tcp://{}", tls.host()),
            Self::Ssh(ssh) => ssh.destination().fmt(f),
        }
    }
}

/// How long an engine may take.
#[derive(Debug, Clone, Copy)]
pub(in crate::docker) struct Limits {
    /// To take a connection.
    pub(in crate::docker) connect: Duration,
    /// To answer a first request, with what it takes to connect.
    pub(in crate::docker) answer: Duration,
}

impl Limits {
    /// On this machine: an engine that is alive answers within milliseconds.
    const HERE: Self = Self {
        connect: Duration::from_secs(1),
        answer: Duration::from_secs(2),
    };
    /// Over a network, whose worst round trips take a second, and TLS takes three of them.
    const AWAY: Self = Self {
        connect: Duration::from_secs(8),
        answer: Duration::from_secs(10),
    };
}

impl Address {
    /// Whether it is on this machine, as far as the address tells.
    pub fn is_here(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp(host) => is_loopback(host),
            Self::Tls(tls) => is_loopback(tls.host()),
            Self::Ssh(_) => false,
        }
    }

    /// How long an engine there may take.
    pub(in crate::docker) fn limits(&self) -> Limits {
        if self.is_here() {
            Limits::HERE
        } else {
            Limits::AWAY
        }
    }
}

/// Whether `host:port` is on this machine.
fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// An address as it was written.
pub(super) enum Written {
    Unix(PathBuf),
    /// Host and port; whether TLS is spoken there stands elsewhere.
    Tcp(String),
    /// Host and port, with TLS.
    Https(String),
    Ssh(Destination),
}

/// Reads an address.
///
/// # Errors
/// When it is none, or one that only the docker CLI reaches.
pub(super) fn parse(address: &str, origin: &Origin) -> Result<Written, Failure> {
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
    match scheme {
        "unix" if rest.is_empty() => Ok(Written::Unix(PathBuf::from("/var/run/docker.sock"))),
        "unix" => Ok(Written::Unix(PathBuf::from(rest))),
        "tcp" | "http" => Ok(Written::Tcp(with_port(rest.trim_end_matches('/'), 2375))),
        "https" => Ok(Written::Https(with_port(rest.trim_end_matches('/'), 2376))),
        "" if rest.starts_with('/') => {
            Err(invalid(address, origin).hint(format!("write it as an address: unix://{rest}")))
        }
        "ssh" => Destination::parse(rest)
            .map(Written::Ssh)
            .map_err(|why| unusable(address, origin, why)),
        "npipe" => Err(refuse(origin, "a named pipe")),
        _ => Err(invalid(address, origin)),
    }
}

/// `host` with the engine's port when it names none: 2375 of `tcp://`, with and without TLS. Source:
/// `ParseTCPAddr` of the docker CLI.
fn with_port(host: &str, port: u16) -> String {
    let host = if host.is_empty() { "localhost" } else { host };
    let bare = host.rsplit(']').next().unwrap_or(host);
    if bare.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:{port}")
    }
}

fn invalid(address: &str, origin: &Origin) -> Failure {
    Failure::new(
        Class::HostInvalid,
        format!(
            "`{}` is not the address of an engine; it comes from {origin}",
            secret::without_password(address)
        ),
    )
    .hint("addresses look like unix:///var/run/docker.sock, tcp://127.0.0.1:2375 or ssh://me@host")
}

fn unusable(address: &str, origin: &Origin, why: &str) -> Failure {
    Failure::new(
        Class::HostInvalid,
        format!(
            "`{}` cannot be used: {why}; it comes from {origin}",
            secret::without_password(address)
        ),
    )
    .hint("such addresses look like ssh://me@host, ssh://host:2222 or ssh://host/run/docker.sock")
}

fn refuse(origin: &Origin, what: &str) -> Failure {
    Failure::new(
        Class::Unsupported,
        format!("{origin} leads to the engine over {what}, which this dcb does not speak yet"),
    )
    .hint("docker compose build")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Result<String, Class> {
        match parse(text, &Origin::DockerHost) {
            Ok(Written::Unix(path)) => Ok(format!("unix {}", path.display())),
            Ok(Written::Tcp(host)) => Ok(format!("tcp {host}")),
            Ok(Written::Https(host)) => Ok(format!("tls {host}")),
            Ok(Written::Ssh(destination)) => Ok(destination.to_string()),
            Err(failure) => Err(failure.class),
        }
    }

    #[test]
    fn addresses_are_read_as_the_docker_cli_reads_them() {
        for (text, expected) in [
            ("unix:///run/d.sock", Ok("unix /run/d.sock")),
            ("unix://", Ok("unix /var/run/docker.sock")),
            ("tcp://10.0.0.1:2375", Ok("tcp 10.0.0.1:2375")),
            ("tcp://10.0.0.1", Ok("tcp 10.0.0.1:2375")),
            ("tcp://[::1]", Ok("tcp [::1]:2375")),
            ("tcp://[::1]:99", Ok("tcp [::1]:99")),
            ("tcp://", Ok("tcp localhost:2375")),
            ("https://host", Ok("tls host:2376")),
            ("https://host:443/", Ok("tls host:443")),
            ("ssh://me@host", Ok("ssh://me@host")),
            ("ssh://", Err(Class::HostInvalid)),
            ("npipe:////./pipe/docker_engine", Err(Class::Unsupported)),
            ("/var/run/docker.sock", Err(Class::HostInvalid)),
            ("fd://", Err(Class::HostInvalid)),
        ] {
            assert_eq!(address(text), expected.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn no_password_in_an_address_is_repeated() {
        for text in ["ssh://me:hunter2@host", "ftp://me:hunter2@host"] {
            let Err(failure) = parse(text, &Origin::DockerHost) else {
                panic!("`{text}` is no address");
            };
            assert!(!failure.message.contains("hunter2"), "{failure}");
            assert!(failure.message.contains("://me:***@host"), "{failure}");
        }
    }

    #[test]
    fn only_what_is_elsewhere_is_given_more_time() {
        for (host, here) in [
            ("127.0.0.1:2375", true),
            ("[::1]:2375", true),
            ("localhost:2375", true),
            ("10.0.0.1:2375", false),
            ("localhost.example.org:2375", false),
        ] {
            let address = Address::Tcp(host.to_owned());
            assert_eq!(
                address.limits().answer == Limits::HERE.answer,
                here,
                "{host}"
            );
        }
        assert_eq!(
            Address::Unix("/run/d.sock".into()).limits().connect,
            Limits::HERE.connect
        );
    }
}
