//! What this machine's Docker can do, found out in a few milliseconds.
//!
//! ```text
//! engine ──> Facts     one GET /_ping: all that a build asks before it opens BuildKit
//! machine ─> Machine   the full picture, for those who show or diagnose it
//! ```
//!
//! The ping has a limit of its own, so that a dead or hung engine of this machine costs two seconds and
//! not a request's whole patience; ten where the engine is elsewhere, once ssh has logged in. Whether BuildKit is really there is proven by opening it, never by a
//! version: see [`super::buildkit::Client::connect`].

mod builder;
mod info;
mod machine;
mod surroundings;

use std::io;
use std::path::Path;

use hyper::{Response, StatusCode};

use super::api_version::{self, ApiVersion};
use super::host::{Endpoint, Origin};
use super::http;
use crate::failure::{Class, Failure};

pub use builder::{BUILDX_BUILDER, Builder, Chooser, Driver};
pub(super) use builder::{directory as buildx_directory, driver as builder_driver};
pub use info::{ImageStore, Info, Product};
pub use machine::{BuildKit, Machine, buildkit, machine, runs_here};
pub use surroundings::{Disk, Wsl, build_server};

/// What is known of the engine before anything is built.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Where the engine is.
    pub endpoint: Endpoint,
    /// What it is.
    pub engine: Engine,
}

impl Facts {
    /// The version of the API in which this engine is spoken to.
    pub fn spoken(&self) -> ApiVersion {
        let offered = self.engine.api.min(ApiVersion::NEWEST);
        self.endpoint.pinned.unwrap_or(offered)
    }
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

/// Asks the engine at `endpoint` what it is.
///
/// # Errors
/// When nothing answers there in time, what answers is no engine, or it does not speak the pinned
/// version of the API.
pub async fn engine(endpoint: &Endpoint) -> Result<Engine, Failure> {
    let prepared = http::prepare(&endpoint.address).await;
    prepared.map_err(|error| unreachable(endpoint, &error))?;
    let limits = endpoint.address.limits();
    match tokio::time::timeout(limits.answer, ping(endpoint)).await {
        Err(_) => Err(hung(endpoint)),
        Ok(Err(error)) => Err(unreachable(endpoint, &error)),
        Ok(Ok((head, body))) => read(endpoint, &head, body.trim()),
    }
}

/// The builder that the engine recommends: `2` is BuildKit, `1` the classic one. Engines say so in
/// their answer to a ping, by `features.buildkit` of their configuration.
pub(super) async fn builder_version(endpoint: &Endpoint) -> Result<Option<String>, Failure> {
    let limit = endpoint.address.limits().answer;
    match tokio::time::timeout(limit, ping(endpoint)).await {
        Err(_) => Err(hung(endpoint)),
        Ok(Err(error)) => Err(unreachable(endpoint, &error)),
        Ok(Ok((head, body))) => {
            read(endpoint, &head, body.trim())?;
            let version = head.headers().get("builder-version");
            Ok(version.and_then(|it| it.to_str().ok()).map(str::to_owned))
        }
    }
}

/// A pinned version goes into the path, so that the engine itself says whether it speaks it.
async fn ping(endpoint: &Endpoint) -> io::Result<(Response<()>, String)> {
    let get = async |path: &str| http::get(&endpoint.address, path, http::SHORT).await;
    if let Some(pinned) = endpoint.pinned {
        let answer = get(&format!("/v{pinned}/_ping")).await?;
        // Some proxies let nothing but the bare path through.
        if !matches!(answer.0.status().as_u16(), 403 | 404) {
            return Ok(answer);
        }
    }
    get("/_ping").await
}

/// What the answer to a ping tells.
fn read(endpoint: &Endpoint, head: &Response<()>, body: &str) -> Result<Engine, Failure> {
    let header = |name: &str| head.headers().get(name).and_then(|v| v.to_str().ok());
    let api = header("api-version").and_then(ApiVersion::parse);
    match (api, endpoint.pinned) {
        (Some(api), Some(pinned)) if pinned > api || head.status() == StatusCode::BAD_REQUEST => {
            Err(api_version::refused(endpoint, pinned, api, body))
        }
        (Some(api), _) if head.status().is_success() => Ok(Engine {
            version: header("server").map_or_else(|| "unknown".to_owned(), server_version),
            api,
            os: header("ostype").unwrap_or("linux").to_owned(),
            podman: header("libpod-api-version").is_some(),
        }),
        _ => Err(not_an_engine(endpoint, head.status(), body)),
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
            endpoint.address.limits().answer.as_secs()
        ),
    )
    .hint(if endpoint.address.is_here() {
        "restart it: sudo systemctl restart docker"
    } else {
        "restart it on its machine: sudo systemctl restart docker"
    })
    .hint("Docker Desktop restarts from its menu; a paused one, or a suspended machine, looks like this too")
}

fn not_an_engine(endpoint: &Endpoint, status: StatusCode, body: &str) -> Failure {
    let said = crate::human::sanitize(body.lines().next().unwrap_or_default());
    if said.contains("HTTP request to an HTTPS server") {
        return wants_tls(endpoint);
    }
    Failure::new(
        Class::DaemonError,
        format!(
            "what answers at {} is not a healthy engine: {status} {said}",
            endpoint.address
        ),
    )
    .hint(endpoint.origin.hint())
    .hint("a proxy in front of the engine must let /_ping, /grpc and /session through")
}

/// What Go's servers answer to those who speak without TLS where it is needed.
fn wants_tls(endpoint: &Endpoint) -> Failure {
    let failure = Failure::new(
        Class::TlsFailed,
        format!(
            "the engine at {} speaks TLS, and it was not asked for",
            endpoint.address
        ),
    );
    match &endpoint.origin {
        Origin::ContextVariable(name) | Origin::CurrentContext(name) => failure.hint(format!(
            "give the context its certificates: docker context update {name} --docker host={},ca=ca.pem,cert=cert.pem,key=key.pem",
            endpoint.address
        )),
        Origin::DockerHost | Origin::Default => failure.hint(
            "ask for it: export DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=DIRECTORY, with ca.pem, cert.pem and key.pem in it",
        ),
    }
}

/// The engine went away in the middle of a build.
pub(super) fn lost(endpoint: &Endpoint, why: &str) -> Failure {
    Failure::new(
        Class::DaemonLost,
        format!("the engine at {} went away: {why}", endpoint.address),
    )
    .hint(if endpoint.address.is_here() {
        "look into its log: journalctl -u docker --since -5min"
    } else {
        "look into its log on its machine: journalctl -u docker --since -5min"
    })
    .hint("then build again; finished steps are kept")
}

/// Tells why a connection to the engine failed, and what mends it.
pub(super) fn unreachable(endpoint: &Endpoint, error: &io::Error) -> Failure {
    let address = &endpoint.address;
    let from = endpoint.origin.hint();
    if let Some(failure) = http::told(error) {
        return failure.clone().hint(from);
    }
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
        .hint(start(endpoint))
        .hint(from),
        (io::ErrorKind::ConnectionRefused, _) => Failure::new(
            Class::DaemonDown,
            format!("no engine is running: nothing listens at {address}"),
        )
        .hint(start(endpoint))
        .hint(from),
        _ => Failure::new(
            Class::DaemonDown,
            format!("the engine at {address} cannot be reached: {error}"),
        )
        .hint(from),
    }
}

fn start(endpoint: &Endpoint) -> &'static str {
    if !endpoint.address.is_here() {
        "start it on its machine: sudo systemctl start docker; it must listen on that port (dockerd -H)"
    } else if cfg!(target_os = "macos") {
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
    use crate::docker::host::Address;

    fn endpoint(pinned: Option<ApiVersion>) -> Endpoint {
        Endpoint {
            address: Address::Unix("/run/docker.sock".into()),
            origin: Origin::Default,
            pinned,
        }
    }

    /// What an answer such as `200 OK` with header lines tells.
    fn told(
        pinned: Option<ApiVersion>,
        status: u16,
        headers: &str,
        body: &str,
    ) -> Result<Engine, Failure> {
        let mut head = Response::builder().status(status);
        for (name, value) in headers.lines().filter_map(|line| line.split_once(": ")) {
            head = head.header(name, value);
        }
        read(&endpoint(pinned), &head.body(()).expect("an answer"), body)
    }

    const E29: &str =
        "Api-Version: 1.56\nBuilder-Version: 2\nOstype: linux\nServer: Docker/29.7.2 (linux)";
    const PODMAN: &str = "Api-Version: 1.41\nBuilder-Version: \nBuildkit-Version: \nLibpod-Api-Version: 4.3.1\nServer: Libpod/4.3.1 (linux)";

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
    fn a_ping_tells_the_engine() {
        let engine = told(None, 200, E29, "OK").expect("an engine");
        assert_eq!(
            (engine.version.as_str(), engine.api),
            ("29.7.2", ApiVersion(1, 56))
        );
        assert!(!engine.podman);
        let podman = told(None, 200, PODMAN, "OK").expect("an engine");
        assert!(podman.podman);
        assert_eq!(
            (podman.os.as_str(), podman.api),
            ("linux", ApiVersion(1, 41))
        );
        let windows = "Api-Version: 1.51\nBuilder-Version: 1\nOstype: windows\nServer: Docker/28.5.1 (windows)";
        assert_eq!(
            told(None, 200, windows, "OK").expect("an engine").os,
            "windows"
        );
    }

    #[test]
    fn what_answers_otherwise_is_no_healthy_engine() {
        let starting = "Content-Type: text/plain";
        for (status, headers) in [(500, E29), (200, starting), (404, starting)] {
            let failure = told(None, status, headers, "no").expect_err("no engine");
            assert_eq!(failure.class, Class::DaemonError, "{status}");
        }
    }

    #[test]
    fn a_pin_beyond_what_the_engine_speaks_names_the_variable_and_the_remedy() {
        let too_old =
            "client version 1.12 is too old. Minimum supported API version is 1.40, please upgrade";
        for (pin, status, body, speaks) in [
            (
                ApiVersion(1, 99),
                400,
                "client version 1.99 is too new",
                "speaks 1.56 and older",
            ),
            // Podman takes every version.
            (ApiVersion(1, 99), 200, "OK", "speaks 1.56 and older"),
            (ApiVersion(1, 12), 400, too_old, "speaks 1.40 to 1.56"),
        ] {
            let failure = told(Some(pin), status, E29, body).expect_err("refused");
            assert_eq!(failure.class, Class::ApiRange);
            assert!(
                failure
                    .message
                    .starts_with("DOCKER_API_VERSION pins API 1."),
                "{failure}"
            );
            assert!(failure.message.ends_with(speaks), "{failure}");
            assert_eq!(failure.hints, ["unset DOCKER_API_VERSION"]);
        }
    }

    #[test]
    fn a_pin_changes_how_the_engine_is_spoken_to_and_not_what_it_is() {
        let spoken = |pinned, headers| {
            let engine = told(pinned, 200, headers, "OK").expect("an engine");
            let facts = Facts {
                endpoint: endpoint(pinned),
                engine,
            };
            (facts.spoken(), facts.engine.api)
        };
        let pin = ApiVersion(1, 45);
        assert_eq!(spoken(Some(pin), E29), (pin, ApiVersion(1, 56)));
        assert_eq!(spoken(None, E29), (ApiVersion(1, 56), ApiVersion(1, 56)));
        let newer = E29.replace("1.56", "1.99");
        assert_eq!(
            spoken(None, &newer),
            (ApiVersion::NEWEST, ApiVersion(1, 99))
        );
    }
}
