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

use super::caches::{self, Caches};
use super::offers::{Guard, Offer, Offers};
use super::receive::Receipt;
use super::session::random_id;
use super::status::Steps;
use super::{Client, anew, attributes, contexts, error, prefix};
use crate::docker::api_version::ApiVersion;
use crate::docker::detect;
use crate::docker::outcome::{BuildError, Built, Reached};
use crate::docker::spec::{BuildSpec, CacheUse, ContextSource, DockerfileSource};
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
            .resolve(spec)
            .await
            .map_err(BuildError::before_any_step)?;
        let spec = spec.as_ref();
        let (caches, told) = Caches::prepare(spec).await;
        caches::tell(told, job, events).await;
        let mut caches = caches.map_err(BuildError::before_any_step)?;
        let mut steps = Steps::new(job, events.clock());
        let solved = loop {
            let solved = self
                .solve(prefix, spec, &caches, &mut steps, events, stop)
                .await
                .map_err(BuildError::before_any_step)?;
            let refused = match &solved.answer {
                Some(Err(status)) if steps.is_empty() => caches.leave_out(status.message()),
                _ => None,
            };
            let Some(refused) = refused else {
                break solved;
            };
            caches::tell(vec![refused], job, events).await;
        };
        let mut told = caches.failed(steps.failed_caches());
        if let Some(failure) = solved.lost {
            caches::tell(told, job, events).await;
            return Err(BuildError::Failed {
                failure: Box::new(failure),
                reached: Reached::Run,
            });
        }
        match solved.answer {
            None => Err(BuildError::Stopped),
            Some(Ok(response)) => {
                told.extend(caches.finish(&response.exporter_response).await);
                caches::tell(told, job, events).await;
                Ok(Built::here(image_id(&response.exporter_response)))
            }
            Some(Err(status)) => {
                let context = error::Context {
                    endpoint: self.endpoint(),
                    steps: &steps,
                    spec,
                };
                let failure = match caches.unwritten(&steps, &mut told) {
                    Some(Ok(())) => None,
                    Some(Err(failure)) => Some(failure),
                    None => Some(error::explain(&status, &context)),
                };
                caches::tell(told, job, events).await;
                let Some(failure) = failure else {
                    return Ok(Built::here(None));
                };
                Err(BuildError::Failed {
                    failure: Box::new(self.unless_lost(failure).await),
                    reached: steps.reached(),
                })
            }
        }
    }

    /// Sends the request, and follows it and what comes of it to their end.
    ///
    /// # Errors
    /// When no session can be had.
    async fn solve(
        &self,
        prefix: &str,
        spec: &BuildSpec,
        caches: &Caches,
        steps: &mut Steps,
        events: &Events,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Solved, Failure> {
        let session = self.session(spec, caches).await?;
        let place = &self.place(prefix, spec);
        let offers = offer(session.offers(), place, spec);
        let reference = random_id();
        let request =
            attributes::request(reference.clone(), session.reference(place), spec, caches);
        let control = self.control.clone();
        let solve = async move {
            match spec.cache {
                CacheUse::Mounts => Box::pin(anew::solve(&control, request)).await,
                _ => control.client().solve(request).await,
            }
        };
        let job = steps.job();
        let enough = async {
            let failed = OptionFuture::from(session.receipt().map(Receipt::failed));
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => {}
                Some(()) = failed => {}
            }
        };
        let answer = self.watch(solve, reference, steps, events, enough).await;
        for message in offers.iter().flat_map(Guard::notes) {
            let warning = Event::Warning {
                job,
                message,
                line: None,
                url: None,
            };
            events.send(warning).await;
        }
        let built = matches!(answer, Some(Ok(_)));
        let lost = match session.receipt() {
            Some(receipt) => receipt.settle(built).await.err(),
            None => None,
        };
        let lost = lost.filter(|_| !*stop.borrow());
        Ok(Solved { answer, lost })
    }

    /// Where the engine keeps what it is sent for a build of `spec` under `prefix`.
    pub(super) fn place(&self, prefix: &str, spec: &BuildSpec) -> String {
        let prefix = if self.facts.spoken() < ApiVersion::V23_0 {
            prefix::under_rules(prefix, spec)
        } else {
            prefix.to_owned()
        };
        self.places.of(&prefix, spec)
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

    /// Runs the solve and folds its status; nothing when there was `enough` of it before its end.
    pub(super) async fn watch<T>(
        &self,
        solve: impl Future<Output = Result<tonic::Response<T>, Status>>,
        reference: String,
        steps: &mut Steps,
        events: &Events,
        enough: impl Future<Output = ()>,
    ) -> Option<Result<T, Status>> {
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
        tokio::pin!(drain, enough);
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
                () = &mut enough, if !stopped && result.is_none() => {
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

/// What became of a request.
struct Solved {
    /// What the engine answered; nothing when it was stopped.
    answer: Option<Result<SolveResponse, Status>>,
    /// Why what it sent did not arrive.
    lost: Option<Failure>,
}

/// Lets the engine read what the build needs of this machine.
pub(super) fn offer(offers: &Arc<Offers>, prefix: &str, spec: &BuildSpec) -> Vec<Guard> {
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
