//! One build from request to image: solve and status side by side.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use bollard_buildkit_proto::moby::buildkit::v1::{SolveResponse, StatusRequest};
use futures_util::future::OptionFuture;
use futures_util::{StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tonic::Status;

use super::offers::{Guard, Offer};
use super::session::random_id;
use super::status::Steps;
use super::{Client, attributes, error};
use crate::docker::detect::ApiVersion;
use crate::docker::spec::{BuildSpec, ContextSource, DockerfileSource};
use crate::event::{Event, Events, JobId};
use crate::failure::Failure;
use crate::human;

/// How long the status stream may go on after the solve is over. The engine ends it within 20 ms
/// of the solve, or two seconds after a cancellation.
const DRAIN: Duration = Duration::from_secs(2);

/// An image that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Its id as the engine lists it.
    pub image: Option<String>,
}

/// Why there is no image.
#[derive(Debug, Clone)]
pub enum BuildError {
    /// The build failed.
    Failed(Box<Failure>),
    /// The user stopped it.
    Stopped,
}

impl Client {
    /// Builds one image and tells `events` what happens.
    ///
    /// `prefix` names the job's place in the engine's memory of transferred files: the same prefix
    /// transfers only what changed, and two builds that share one evict each other's files. It is
    /// made of `[a-z0-9]`. When `stop` turns true the engine is told to stop the running step.
    ///
    /// # Errors
    /// [`BuildError::Failed`] with its cause, [`BuildError::Stopped`] after `stop`.
    pub async fn build(
        &self,
        job: JobId,
        prefix: &str,
        spec: &BuildSpec,
        events: &Events,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Built, BuildError> {
        let spec = self
            .resolve_hosts(spec)
            .await
            .map_err(|failure| BuildError::Failed(Box::new(failure)))?;
        let spec = spec.as_ref();
        let prefix = &if self.engine.api < ApiVersion::V23_0 {
            with_rules(prefix, spec)
        } else {
            prefix.to_owned()
        };
        let offers = self.offer(prefix, spec);
        let reference = random_id();
        let request = attributes::request(reference.clone(), self.session.reference(prefix), spec);
        let mut control = self.control.client();
        let solve = async move { control.solve(request).await };
        let mut steps = Steps::new(job);
        let result = self.watch(solve, reference, &mut steps, events, stop).await;
        for message in offers.iter().flat_map(Guard::notes) {
            let warning = Event::Warning {
                job,
                message,
                line: None,
                url: None,
            };
            let _ = events.send(warning).await;
        }
        match result {
            None => Err(BuildError::Stopped),
            Some(Ok(response)) => Ok(Built {
                image: image_id(&response.exporter_response),
            }),
            Some(Err(status)) => {
                let context = error::Context {
                    endpoint: &self.endpoint,
                    steps: &steps,
                    spec,
                };
                Err(BuildError::Failed(Box::new(error::explain(
                    &status, &context,
                ))))
            }
        }
    }

    /// Runs the solve and folds its status; nothing when it was stopped.
    async fn watch(
        &self,
        solve: impl Future<Output = Result<tonic::Response<SolveResponse>, Status>>,
        reference: String,
        steps: &mut Steps,
        events: &Events,
        stop: &mut watch::Receiver<bool>,
    ) -> Option<Result<SolveResponse, Status>> {
        let mut control = self.control.client();
        let status = async move { control.status(StatusRequest { r#ref: reference }).await };
        let mut status = std::pin::pin!(
            futures_util::stream::once(status)
                .map_ok(tonic::Response::into_inner)
                .try_flatten()
        );
        let mut solve = OptionFuture::from(Some(Box::pin(solve)));
        let mut running = true;
        let mut result = None;
        let mut stopped = false;
        let mut listening = true;
        let drain = tokio::time::sleep(Duration::MAX);
        tokio::pin!(drain);
        loop {
            tokio::select! {
                biased;
                message = status.next(), if listening => match message {
                    Some(Ok(message)) => tell(steps.fold(message), events).await,
                    Some(Err(_)) | None => listening = false,
                },
                Some(answer) = &mut solve, if running => {
                    running = false;
                    // A solve that failed before it became a job leaves the status call hanging.
                    listening &= answer.is_ok() || !steps.is_empty();
                    result = Some(answer.map(tonic::Response::into_inner));
                    drain.as_mut().reset(tokio::time::Instant::now() + DRAIN);
                },
                _ = stop.wait_for(|stop| *stop), if !stopped && result.is_none() => {
                    // Dropping the call resets it, which makes the engine kill the running step.
                    solve = None.into();
                    running = false;
                    stopped = true;
                    listening &= !steps.is_empty();
                    drain.as_mut().reset(tokio::time::Instant::now() + DRAIN);
                },
                () = &mut drain => listening = false,
            }
            if !listening && !running {
                return if stopped { None } else { result };
            }
        }
    }

    /// Lets the engine read what the build needs of this machine.
    fn offer(&self, prefix: &str, spec: &BuildSpec) -> Vec<Guard> {
        let offers = self.session.offers();
        let mut guards = Vec::new();
        if let ContextSource::Directory(path) = &spec.context {
            let offer = Offer::Directory(path.clone());
            guards.push(offers.put(prefix, "context", offer));
        }
        let dockerfile = match &spec.dockerfile {
            DockerfileSource::File(path) => {
                let directory = path.parent().unwrap_or(Path::new("/"));
                Some(Offer::Directory(directory.to_owned()))
            }
            DockerfileSource::Inline(content) => Some(Offer::File {
                name: attributes::INLINE_NAME.to_owned(),
                content: content.clone(),
            }),
            DockerfileSource::InContext(_) => None,
        };
        guards.extend(dockerfile.map(|offer| offers.put(prefix, "dockerfile", offer)));
        guards
    }
}

/// The prefix of a transfer under the ignore rules of the moment, for engines before 23.
///
/// Their BuildKit keeps the hashes of what was transferred in a radix tree whose deletion answers
/// "not there" of a node that the same transfer has changed before. So what it hashed below a
/// directory stays when the directory goes right after all others whose names begin as its own do
/// (`foo1/`, then `foo2/`), or right after one such came (`handle/` comes, `handler/` goes). When
/// the directory is back, files that are ignored by then still count, and a step from the cache puts
/// them into the image. Changed rules therefore begin a new transfer; its steps stay cached.
///
/// Directories that are removed from the context meet the same fault, with Docker's own clients as
/// with us: only a walk of the whole context would tell beforehand.
fn with_rules(prefix: &str, spec: &BuildSpec) -> String {
    match ignore_rules(spec) {
        Some(rules) => format!("{prefix}{}", human::hex(&Sha256::digest(rules)[..6])),
        None => prefix.to_owned(),
    }
}

/// What the ignore file holds that the engine will ask for: the Dockerfile's own, else the context's.
fn ignore_rules(spec: &BuildSpec) -> Option<Vec<u8>> {
    let own = match &spec.dockerfile {
        DockerfileSource::File(path) => {
            let mut name = path.clone().into_os_string();
            name.push(".dockerignore");
            std::fs::read(name).ok()
        }
        DockerfileSource::InContext(_) | DockerfileSource::Inline(_) => None,
    };
    own.or_else(|| match &spec.context {
        ContextSource::Directory(path) => std::fs::read(path.join(".dockerignore")).ok(),
        ContextSource::Remote(_) => None,
    })
}

async fn tell(told: Vec<Event>, events: &Events) {
    for event in told {
        // A report that is gone must not stop the build.
        let _ = events.send(event).await;
    }
}

/// The image's id: its configuration's digest in the classic store, its manifest's in containerd's.
fn image_id(response: &HashMap<String, String>) -> Option<String> {
    response.get("containerimage.digest").cloned()
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;

    use super::*;
    use crate::docker::spec::{CacheUse, Network, PullPolicy};

    #[test]
    fn a_transfer_begins_anew_exactly_when_the_rules_that_count_change() {
        let directory = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| {
            std::fs::write(directory.path().join(name), text).expect("written");
        };
        let spec = BuildSpec {
            context: ContextSource::Directory(directory.path().into()),
            dockerfile: DockerfileSource::File(directory.path().join("web.Dockerfile")),
            dockerfile_name: "web.Dockerfile".into(),
            target: None,
            args: IndexMap::new(),
            labels: IndexMap::new(),
            tags: Vec::new(),
            platform: None,
            cache: CacheUse::Normal,
            pull: PullPolicy::Missing,
            network: Network::Default,
            extra_hosts: Vec::new(),
            shm_size: None,
            ulimits: Vec::new(),
        };
        let prefix = || with_rules("ab12", &spec);
        assert_eq!(prefix(), "ab12");
        write(".dockerignore", "target\n");
        let first = prefix();
        assert!(first.starts_with("ab12") && first != "ab12", "{first}");
        assert_eq!(prefix(), first);
        write(".dockerignore", "target\n.git\n");
        let second = prefix();
        assert_ne!(second, first);
        write("web.Dockerfile.dockerignore", "target\n");
        assert_eq!(prefix(), first, "the Dockerfile's own rules count");
        write(".dockerignore", "");
        assert_eq!(prefix(), first);
        assert!(first.chars().all(|c| c.is_ascii_alphanumeric()), "{first}");
    }
}
