//! One build from request to image: solve and status side by side.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bollard_buildkit_proto::moby::buildkit::v1::{SolveResponse, StatusRequest};
use futures_util::future::OptionFuture;
use futures_util::{StreamExt, TryStreamExt};
use tokio::sync::watch;
use tonic::Status;

use super::offers::{Guard, Offer, Offers};
use super::session::random_id;
use super::status::Steps;
use super::{Client, attributes, contexts, error, prefix};
use crate::docker::api_version::ApiVersion;
use crate::docker::detect;
use crate::docker::outcome::{BuildError, Built};
use crate::docker::spec::{BuildSpec, ContextSource, DockerfileSource};
use crate::event::{Event, Events, JobId};
use crate::failure::{Class, Failure};

/// How long the status stream may go on after the solve is over. The engine ends it within 20 ms
/// of the solve, or two seconds after a cancellation.
const DRAIN: Duration = Duration::from_secs(2);

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
            .map_err(BuildError::before_any_step)?;
        let spec = spec.as_ref();
        let session = self
            .session(spec)
            .await
            .map_err(BuildError::before_any_step)?;
        let prefix = if self.facts.spoken() < ApiVersion::V23_0 {
            prefix::under_rules(prefix, spec)
        } else {
            prefix.to_owned()
        };
        let place = &self.places.of(&prefix, spec);
        let offers = offer(session.offers(), place, spec);
        let reference = random_id();
        let request = attributes::request(reference.clone(), session.reference(place), spec);
        let mut control = self.control.client();
        let solve = async move { control.solve(request).await };
        let mut steps = Steps::new(job, events.clock());
        let result = self.watch(solve, reference, &mut steps, events, stop).await;
        for message in offers.iter().flat_map(Guard::notes) {
            let warning = Event::Warning {
                job,
                message,
                line: None,
                url: None,
            };
            events.send(warning).await;
        }
        match result {
            None => Err(BuildError::Stopped),
            Some(Ok(response)) => Ok(Built::here(image_id(&response.exporter_response))),
            Some(Err(status)) => {
                let context = error::Context {
                    endpoint: self.endpoint(),
                    steps: &steps,
                    spec,
                };
                let failure = error::explain(&status, &context);
                Err(BuildError::Failed {
                    failure: Box::new(self.unless_lost(failure).await),
                    ran: steps.ran(),
                })
            }
        }
    }

    /// `failure`, unless it is what an engine says while it is going down: it kills what runs.
    async fn unless_lost(&self, failure: Failure) -> Failure {
        if failure.class != Class::RunKilled {
            return failure;
        }
        match detect::engine(self.endpoint()).await {
            Ok(_) => failure,
            Err(gone) => error::lost(self.endpoint(), &Status::unavailable(gone.message)),
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
}

/// Lets the engine read what the build needs of this machine.
fn offer(offers: &Arc<Offers>, prefix: &str, spec: &BuildSpec) -> Vec<Guard> {
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
        DockerfileSource::Instead(path, content) => Some(in_its_place(path, content)),
        DockerfileSource::Inline(content) => Some(Offer::Files(vec![(
            attributes::INLINE_NAME.to_owned(),
            content.clone(),
        )])),
        DockerfileSource::InContext(_) => None,
    };
    guards.extend(dockerfile.map(|offer| offers.put(prefix, "dockerfile", offer)));
    guards.extend(contexts::offers(spec).map(|(name, offer)| offers.put(prefix, &name, offer)));
    guards
}

/// What the engine reads where `path` would be: `content`, and the ignore file of its own.
fn in_its_place(path: &Path, content: &str) -> Offer {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ignore = format!("{name}.dockerignore");
    let mut files = vec![(name.into_owned(), content.to_owned())];
    if let Ok(text) = std::fs::read_to_string(path.with_file_name(&ignore)) {
        files.push((ignore, text));
    }
    Offer::Files(files)
}

async fn tell(told: Vec<Event>, events: &Events) {
    for event in told {
        events.send(event).await;
    }
}

/// The image's id: its configuration's digest in the classic store, its manifest's in containerd's.
fn image_id(response: &HashMap<String, String>) -> Option<String> {
    response.get("containerimage.digest").cloned()
}
