//! Images to their registries: `POST /images/NAME/push` of the Engine API.
//!
//! The engine pushes what it keeps, so this is the same for every builder that leaves its image there,
//! for every engine and image store; an image of several platforms goes as a whole. Dropping the
//! connection is what stops it.

use std::io;
use std::sync::Arc;

use http_body_util::{BodyExt, StreamBody};
use hyper::Response;
use hyper::body::{Bytes, Frame, Incoming};
use tokio::sync::watch;

use super::api_version::ApiVersion;
use super::classic::message::{Lines, Message};
use super::classic::no_tokens;
use super::credentials::{Credentials, registry_auth};
use super::detect::{self, Facts};
use super::explain;
use super::host::Endpoint;
use super::http::{self, Exchange};
use super::outcome::BuildError;
use super::reference;
use crate::event::{Event, Events, JobId, Pushed, StepId, StepState};
use crate::failure::{Class, Failure};

/// Pushes images that an engine keeps.
#[derive(Clone)]
pub struct Push {
    endpoint: Endpoint,
    api: ApiVersion,
    podman: bool,
    credentials: Arc<Credentials>,
}

/// Why an image is not in its registry.
enum Ended {
    /// The engine or the registry said why.
    Said(String),
    /// The connection to the engine could not be opened.
    Unreachable(io::Error),
    /// It broke, or was over too early.
    Broken(String),
}

impl Push {
    /// For the images of an engine, with the user's credentials. Nothing is sent yet.
    pub fn new(facts: &Facts, credentials: Arc<Credentials>) -> Self {
        Self {
            endpoint: facts.endpoint.clone(),
            api: facts.spoken(),
            podman: facts.engine.podman,
            credentials,
        }
    }

    /// Pushes the image of the full name `name`, the `index`th of `job`, and tells `events` how far
    /// it is. When `stop` turns true the connection is dropped, which makes the engine give up.
    ///
    /// # Errors
    /// [`BuildError::Failed`] with its cause, [`BuildError::Stopped`] after `stop`.
    pub async fn push(
        &self,
        job: JobId,
        index: usize,
        name: &str,
        events: &Events,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Pushed, BuildError> {
        let step = Step {
            job,
            id: StepId::of_push(index),
            name: format!("push {name}"),
            began: events.clock().now(),
            events,
        };
        let began = step.began;
        step.is(StepState::Running { began }).await;
        let ended = tokio::select! {
            biased;
            Ok(_) = stop.wait_for(|stop| *stop) => None,
            ended = self.converse(name, &step) => Some(ended),
        };
        match ended {
            Some(Ok(digest)) => {
                let (began, ended) = (step.began, events.clock().now());
                let took = ended - began;
                step.is(StepState::Done { began, ended, took }).await;
                Ok(Pushed {
                    name: name.to_owned(),
                    digest,
                })
            }
            Some(Err(ended)) => {
                let failure = self.failure(name, ended).await;
                step.fail(&failure.message).await;
                Err(BuildError::before_any_step(failure))
            }
            None => {
                step.fail("context canceled").await;
                Err(BuildError::Stopped)
            }
        }
    }

    /// Sends the request and follows the answer to its end: the digest that the registry knows.
    async fn converse(&self, name: &str, step: &Step<'_>) -> Result<Option<String>, Ended> {
        let registry = reference::registry(name);
        let login = self.credentials.of(registry).await;
        if self.podman && login.is_token() {
            self.credentials.trouble(registry, no_tokens(registry));
        }
        let login = registry_auth(registry, &login);
        let headers = [("x-registry-auth", login.reveal())];
        let address = &self.endpoint.address;
        let mut exchange = Exchange::open(address).await.map_err(Ended::Unreachable)?;
        let body = StreamBody::new(futures_util::stream::empty::<io::Result<Frame<Bytes>>>());
        let response = exchange
            .post(&path(name, self.api), &headers, body)
            .await
            .map_err(|error| Ended::Broken(error.to_string()))?;
        if !response.status().is_success() {
            return Err(refused(response).await);
        }
        follow(response.into_body(), step).await
    }

    async fn failure(&self, name: &str, ended: Ended) -> Failure {
        match ended {
            Ended::Said(text) => explain::push(&text, name, None),
            Ended::Unreachable(error) => detect::unreachable(&self.endpoint, &error),
            Ended::Broken(why) => match detect::engine(&self.endpoint).await {
                Err(_) => detect::lost(&self.endpoint, &why),
                Ok(_) => Failure::new(
                    Class::DaemonError,
                    format!("the engine broke off the push of `{name}`: {why}"),
                )
                .hint("look into its log: journalctl -u docker --since -5min"),
            },
        }
    }
}

/// The path of the request. A push without a tag would be one of all tags.
fn path(name: &str, api: ApiVersion) -> String {
    let (repository, tag) = name.rsplit_once(':').unwrap_or((name, "latest"));
    format!("/v{api}/images/{repository}/push?tag={tag}")
}

/// What an answer other than 200 says.
async fn refused(response: Response<Incoming>) -> Ended {
    let status = response.status();
    let (Ok(words) | Err(words)) = http::refusal(response).await;
    Ended::Said(format!("{} ({status})", words.trim()))
}

/// Follows the engine's messages to their end.
async fn follow(mut body: Incoming, step: &Step<'_>) -> Result<Option<String>, Ended> {
    let mut lines = Lines::default();
    let mut digest = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Ended::Broken(error.to_string()))?;
        for message in frame
            .data_ref()
            .map(|bytes| lines.take(bytes))
            .into_iter()
            .flatten()
        {
            digest = step.take(message).await?.or(digest);
        }
    }
    match lines.end() {
        Some(message) => Ok(step.take(message).await?.or(digest)),
        None => Ok(digest),
    }
}

/// A push as a step of its job.
struct Step<'a> {
    job: JobId,
    id: StepId,
    name: String,
    /// On the clock of the run.
    began: u64,
    events: &'a Events,
}

impl Step<'_> {
    /// Takes a message: it tells how far a layer is, the digest at the end, or why there is none.
    async fn take(&self, mut message: Message) -> Result<Option<String>, Ended> {
        if let Some(detail) = message.failure() {
            return Err(Ended::Said(detail.message));
        }
        if let (Some(progress), Some(layer)) = (&message.progress_detail, &message.id)
            && progress.current > 0
        {
            self.tell(Event::Progress {
                job: self.job,
                step: self.id,
                what: layer.clone(),
                current: progress.current,
                total: progress.total,
            })
            .await;
        } else if let Some(digest) = message.status.filter(|status| status.contains("digest: ")) {
            self.tell(Event::Log {
                job: self.job,
                step: self.id,
                line: digest,
            })
            .await;
        }
        Ok(message.aux.and_then(|aux| aux.digest))
    }

    async fn is(&self, state: StepState) {
        self.tell(Event::Step {
            job: self.job,
            step: self.id,
            name: self.name.clone(),
            needs: Vec::new(),
            state,
        })
        .await;
    }

    async fn fail(&self, why: &str) {
        let ended = self.events.clock().now();
        self.is(StepState::Failed {
            error: why.to_owned(),
            began: self.began,
            ended,
            took: ended - self.began,
        })
        .await;
    }

    async fn tell(&self, event: Event) {
        self.events.send(event).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tag_is_pushed_and_never_all() {
        let api = ApiVersion(1, 41);
        for (name, expected) in [
            (
                "docker.io/library/web:latest",
                "/v1.41/images/docker.io/library/web/push?tag=latest",
            ),
            (
                "localhost:5000/a/web:1.0",
                "/v1.41/images/localhost:5000/a/web/push?tag=1.0",
            ),
        ] {
            assert_eq!(path(name, api), expected);
        }
    }
}
