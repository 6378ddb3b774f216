//! What this machine's Docker can do, found out in a few milliseconds.
//!
//! One `GET /_ping` with a limit of its own tells the engine, its API and its kind, so that a dead
//! or hung engine costs two seconds and not a request's whole patience. Whether BuildKit is really
//! there is proven by opening it, never by a version: see [`super::buildkit::Client::connect`].

use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::host::Endpoint;
use super::http;
use crate::failure::{Class, Failure};

/// How long the engine may take to answer its first request.
const ANSWER: Duration = Duration::from_secs(2);

/// What is known of the engine and its surroundings.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Where the engine is.
    pub endpoint: Endpoint,
    /// What it is.
    pub engine: Engine,
}

/// An engine that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// Its version as it tells it, such as `28.5.2` or `20.10.24+dfsg1`.
    pub version: String,
    /// The newest API it speaks.
    pub api: ApiVersion,
    /// The system its containers run on: `linux` or `windows`.
    pub os: String,
    /// Whether it is Podman's imitation of an engine.
    pub podman: bool,
}

/// A version of the Engine API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ApiVersion(pub u32, pub u32);

impl ApiVersion {
    /// Engine 23.0, with BuildKit 0.10: `shm-size` and `ulimit` are obeyed, errors carry details.
    pub const V23_0: Self = Self(1, 42);
    /// Engine 29.2: gRPC straight on the socket.
    pub const DIRECT_GRPC: Self = Self(1, 53);

    /// Reads `1.41`.
    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.trim().split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// Asks the engine at `endpoint` what it is.
///
/// # Errors
/// When nothing answers there within two seconds, or what answers is no engine.
pub async fn engine(endpoint: &Endpoint) -> Result<Engine, Failure> {
    let answer = tokio::time::timeout(ANSWER, http::get(&endpoint.address, "/_ping")).await;
    let (head, body) = match answer {
        Err(_) => return Err(hung(endpoint)),
        Ok(Err(error)) => return Err(unreachable(endpoint, &error)),
        Ok(Ok(answer)) => answer,
    };
    let header = |name: &str| head.headers().get(name).and_then(|v| v.to_str().ok());
    let api = header("api-version").and_then(ApiVersion::parse);
    match api {
        Some(api) if head.status().is_success() => Ok(Engine {
            version: header("server").map_or_else(|| "unknown".to_owned(), server_version),
            api,
            os: header("ostype").unwrap_or("linux").to_owned(),
            podman: header("libpod-api-version").is_some(),
        }),
        _ => Err(not_an_engine(endpoint, head.status(), body.trim())),
    }
}

/// The version in `Docker/28.5.2+dfsg4 (linux)`.
fn server_version(server: &str) -> String {
    let version = server.split(' ').next().unwrap_or(server);
    version
        .split_once('/')
        .map_or(version, |(_, version)| version)
        .to_owned()
}

fn hung(endpoint: &Endpoint) -> Failure {
    Failure::new(
        Class::DaemonHung,
        format!(
            "the engine at {} accepts connections and does not answer ({}s)",
            endpoint.address,
            ANSWER.as_secs()
        ),
    )
    .hint("restart it: sudo systemctl restart docker (Docker Desktop: Restart from its menu)")
    .hint("a paused Docker Desktop or a suspended machine looks like this too")
}

fn not_an_engine(endpoint: &Endpoint, status: hyper::StatusCode, body: &str) -> Failure {
    let said = crate::human::sanitize(body.lines().next().unwrap_or_default());
    Failure::new(
        Class::DaemonError,
        format!(
            "what answers at {} is not a healthy engine: {status} {said}",
            endpoint.address
        ),
    )
    .hint(format!("the address comes from {}", endpoint.origin))
    .hint("a proxy in front of the engine must let /_ping, /grpc and /session through")
}

/// The engine went away in the middle of a build.
pub(super) fn lost(endpoint: &Endpoint, why: &str) -> Failure {
    Failure::new(
        Class::DaemonLost,
        format!("the engine at {} went away: {why}", endpoint.address),
    )
    .hint("look into its log: journalctl -u docker --since -5min")
    .hint("then build again; finished steps are kept")
}

/// Tells why a connection to the engine failed, and what mends it.
pub(super) fn unreachable(endpoint: &Endpoint, error: &io::Error) -> Failure {
    let address = &endpoint.address;
    let from = format!("the address comes from {}", endpoint.origin);
    match (error.kind(), endpoint.socket()) {
        (io::ErrorKind::PermissionDenied, Some(socket)) => Failure::new(
            Class::SocketForbidden,
            format!("{address} may not be opened by this user{}", owner(socket)),
        )
        .hint("join the socket's group and log in again: sudo usermod -aG docker $USER")
        .hint("or use a rootless engine: dockerd-rootless-setuptool.sh install"),
        (io::ErrorKind::TimedOut, _) => Failure::new(
            Class::DaemonDown,
            format!("{address} does not accept a connection"),
        )
        .hint(from),
        (io::ErrorKind::NotFound, Some(_)) => Failure::new(
            Class::DaemonDown,
            format!("no engine is running: {address} does not exist"),
        )
        .hint(start())
        .hint(from),
        (io::ErrorKind::ConnectionRefused, _) => Failure::new(
            Class::DaemonDown,
            format!("no engine is running: nothing listens at {address}"),
        )
        .hint(start())
        .hint(from),
        _ => Failure::new(
            Class::DaemonDown,
            format!("the engine at {address} cannot be reached: {error}"),
        )
        .hint(from),
    }
}

fn start() -> &'static str {
    if cfg!(target_os = "macos") {
        "start Docker Desktop: open -a Docker"
    } else if cfg!(windows) {
        "start Docker Desktop from the start menu"
    } else {
        "start it: sudo systemctl start docker"
    }
}

#[cfg(unix)]
fn owner(socket: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(socket).map_or_else(
        |_| String::new(),
        |data| {
            format!(
                " (mode {:o}, user {}, group {})",
                data.mode() & 0o7777,
                data.uid(),
                data.gid()
            )
        },
    )
}

#[cfg(not(unix))]
fn owner(_socket: &Path) -> String {
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_kept_as_the_engine_tells_them() {
        assert_eq!(
            server_version("Docker/28.5.2+dfsg4 (linux)"),
            "28.5.2+dfsg4"
        );
        assert_eq!(server_version("Libpod/4.3.1 (linux)"), "4.3.1");
        assert_eq!(server_version("odd"), "odd");
    }

    #[test]
    fn api_versions_compare_as_numbers() {
        assert!(ApiVersion::parse("1.9") < ApiVersion::parse("1.41"));
        assert_eq!(ApiVersion::parse("two"), None);
    }
}
