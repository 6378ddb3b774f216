//! The full picture of this machine's Docker, all of it asked side by side.
//!
//! ```text
//! ┌ ping ─┬ POST /grpc ┐                       engine, two seconds in all (elsewhere: ten)
//! │       ├ GET /info  │
//! │       └ GET /version
//! ├ docker --version, plugin metadata          programs, kept from run to run
//! └ files, variables                           builder, build server, WSL
//! ```
//!
//! What fails leaves its part empty and says so; nothing here is an error.

use std::io;

use hyper::StatusCode;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::builder::Builder;
use super::info::{Info, Product};
use super::surroundings::{self, Disk, Wsl};
use super::{Engine, Facts};
use crate::ambient::Ambient;
use crate::docker::api_version::ApiVersion;
use crate::docker::config::DockerConfig;
use crate::docker::host::Endpoint;
use crate::docker::http::{self, Upgrade};
use crate::docker::programs::Programs;
use crate::docker::variables::{self, Invalid};
use crate::failure::Failure;
use crate::human;

/// The most that is read of an answer. With many runtimes and devices `/info` has 100 KiB.
const LARGEST: usize = 4 << 20;

/// The full picture.
#[derive(Debug)]
pub struct Machine {
    /// Where the engine is.
    pub endpoint: Endpoint,
    /// The engine, or why there is none.
    pub engine: Result<Facts, Failure>,
    /// Its BuildKit; not known without an engine.
    pub buildkit: Option<BuildKit>,
    /// What it tells of itself.
    pub info: Option<Info>,
    /// The docker programs.
    pub programs: Programs,
    /// The builder that Compose would build with.
    pub builder: Builder,
    /// The disk of the engine's data, when it is one of this machine.
    pub disk: Option<Disk>,
    /// The build server that this runs on; `unknown` when it tells no name.
    pub build_server: Option<String>,
    /// The kind of WSL that this runs in.
    pub wsl: Option<Wsl>,
    /// Variables with values that they cannot have.
    pub invalid: Vec<Invalid>,
    /// What could not be found out, and why.
    pub problems: Vec<String>,
}

/// How an engine's BuildKit is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildKit {
    /// By upgrading `POST /grpc`.
    Hijacked,
    /// Straight on the socket.
    Direct,
    /// Not at all.
    None {
        /// The status of the engine's answer, when that was the reason.
        status: Option<u16>,
        /// Why.
        reason: String,
    },
    /// It could not be asked, and why: the engine went away, is stuck, or answers with an error of
    /// its own.
    Unknown(String),
}

/// Finds out everything.
pub async fn machine(ambient: &Ambient, config: &DockerConfig, endpoint: &Endpoint) -> Machine {
    let (asked, programs) = tokio::join!(ask(endpoint), Programs::find(ambient, config));
    let kernel = surroundings::kernel_release();
    let disk = asked.info.as_ref();
    Machine {
        disk: disk.and_then(|info| Disk::of(info, endpoint.socket(), &ambient.hostname, &kernel)),
        endpoint: endpoint.clone(),
        engine: asked.engine,
        buildkit: asked.buildkit,
        info: asked.info,
        programs,
        builder: Builder::selected(ambient, config, endpoint),
        build_server: surroundings::build_server(&ambient.environment),
        wsl: Wsl::of(&kernel),
        invalid: variables::invalid(&ambient.environment),
        problems: asked.problems,
    }
}

/// Whether the engine runs on this machine, with its disks and ports. One that does not tell in time
/// does not.
pub async fn runs_here(ambient: &Ambient, facts: &Facts) -> bool {
    let Ok(info) = get(facts, "info", until(&facts.endpoint)).await else {
        return false;
    };
    let info = imitated(Info::read(&info, &Value::Null), &facts.engine);
    let kernel = surroundings::kernel_release();
    surroundings::is_here(&info, facts.endpoint.socket(), &ambient.hostname, &kernel)
}

/// What the engine itself answered.
struct Asked {
    engine: Result<Facts, Failure>,
    buildkit: Option<BuildKit>,
    info: Option<Info>,
    problems: Vec<String>,
}

async fn ask(endpoint: &Endpoint) -> Asked {
    // A failed login is told by the ping.
    let _ = http::prepare(&endpoint.address).await;
    let until = until(endpoint);
    let facts = match super::engine(endpoint).await {
        Ok(engine) => Facts {
            endpoint: endpoint.clone(),
            engine,
        },
        Err(failure) => {
            return Asked {
                engine: Err(failure),
                buildkit: None,
                info: None,
                problems: Vec::new(),
            };
        }
    };
    let (buildkit, info, version) = tokio::join!(
        buildkit_until(&facts, until),
        get(&facts, "info", until),
        get(&facts, "version", until),
    );
    let problems = [&info, &version]
        .into_iter()
        .filter_map(|answer| answer.as_ref().err().cloned());
    let problems = problems.collect();
    let read = match (info, version) {
        (Err(_), Err(_)) => None,
        (info, version) => Some(Info::read(
            &info.unwrap_or_default(),
            &version.unwrap_or_default(),
        )),
    };
    Asked {
        info: read.map(|info| imitated(info, &facts.engine)),
        buildkit: Some(buildkit),
        engine: Ok(facts),
        problems,
    }
}

/// Podman tells that it is one in its answer to the ping, even when `/version` fails.
fn imitated(mut info: Info, engine: &Engine) -> Info {
    if engine.podman {
        info.product = Product::Podman;
    }
    info
}

/// `GET /vX/WHAT`, on the path of the version that the engine is spoken to in.
async fn get(facts: &Facts, what: &str, until: Instant) -> Result<Value, String> {
    let path = format!("/v{}/{what}", facts.spoken());
    let failed = |why: String| format!("GET {path}: {}", human::sanitize(&why));
    let answer = http::get(&facts.endpoint.address, &path, LARGEST);
    let (head, body) = match timeout_at(until, answer).await {
        Err(_) => return Err(failed(late(&facts.endpoint))),
        Ok(Err(error)) => return Err(failed(error.to_string())),
        Ok(Ok(answer)) => answer,
    };
    if !head.status().is_success() {
        let said = body.trim().lines().next().unwrap_or_default();
        return Err(failed(format!("{} {said}", head.status())));
    }
    serde_json::from_str(&body).map_err(|error| failed(error.to_string()))
}

/// Whether and how the engine's BuildKit can be reached: it is opened and closed again.
pub async fn buildkit(facts: &Facts) -> BuildKit {
    buildkit_until(facts, until(&facts.endpoint)).await
}

/// When all answers of an engine must be there.
fn until(endpoint: &Endpoint) -> Instant {
    Instant::now() + endpoint.address.limits().answer
}

fn late(endpoint: &Endpoint) -> String {
    format!("no answer in {:?}", endpoint.address.limits().answer)
}

async fn buildkit_until(facts: &Facts, until: Instant) -> BuildKit {
    let spoken = facts.spoken();
    let address = &facts.endpoint.address;
    if spoken < ApiVersion::BUILDKIT {
        let by = if facts.endpoint.pinned.is_some() {
            "DOCKER_API_VERSION pins"
        } else {
            "the engine speaks"
        };
        let needed = ApiVersion::BUILDKIT;
        return refused(
            None,
            &format!("{by} API {spoken}, and BuildKit needs {needed}"),
        );
    }
    let open = async {
        if spoken < ApiVersion::DIRECT_GRPC {
            Ok(match http::upgrade(address, "/grpc", &[]).await? {
                Upgrade::Done(_) => BuildKit::Hijacked,
                Upgrade::Refused(status, reason) => refused(Some(status), &reason),
            })
        } else if http::speaks_http2(address).await? {
            Ok(BuildKit::Direct)
        } else {
            Ok(refused(None, "the socket does not speak HTTP/2"))
        }
    };
    match timeout_at(until, open).await {
        Ok(Ok(found)) => found,
        Ok(Err::<_, io::Error>(error)) => BuildKit::Unknown(human::sanitize(&error.to_string())),
        Err(_) => BuildKit::Unknown(late(&facts.endpoint)),
    }
}

fn refused(status: Option<StatusCode>, reason: &str) -> BuildKit {
    let reason = human::sanitize(reason.trim().lines().next().unwrap_or_default());
    match status {
        // The engine's own trouble says nothing about its BuildKit.
        Some(status) if status.is_server_error() => {
            BuildKit::Unknown(format!("POST /grpc answered {status} {reason}"))
        }
        status => BuildKit::None {
            status: status.map(|status| status.as_u16()),
            reason,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_from_an_engine_in_trouble() {
        let none = |status, reason: &str| BuildKit::None {
            status,
            reason: reason.to_owned(),
        };
        for (status, said, told) in [
            (
                Some(404),
                "{\"message\":\"page not found\"}\n",
                none(Some(404), "{\"message\":\"page not found\"}"),
            ),
            (
                Some(403),
                "\nForbidden\nby the proxy",
                none(Some(403), "Forbidden"),
            ),
            (None, "pinned", none(None, "pinned")),
            (
                Some(500),
                "paused",
                BuildKit::Unknown("POST /grpc answered 500 Internal Server Error paused".into()),
            ),
        ] {
            let status = status.map(|status| StatusCode::from_u16(status).expect("a status"));
            assert_eq!(refused(status, said), told);
        }
    }
}
