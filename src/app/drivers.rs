//! The builders of one engine, as a plan's jobs ask for them.

use std::sync::Arc;

use tokio::sync::watch;

use super::build::Open;
use crate::ambient::Ambient;
use crate::docker::api::Api;
use crate::docker::buildkit::Client;
use crate::docker::buildx::Buildx;
use crate::docker::classic::Classic;
use crate::docker::config::DockerConfig;
use crate::docker::credentials::Credentials;
use crate::docker::push::Push;
use crate::docker::{BuildError, Built, Reached, Strategy};
use crate::event::{Events, JobId, Pushed};
use crate::failure::Failure;
use crate::plan::{Attempt, Job, Plan};
use crate::{report, run};

/// The builders of one engine.
pub(super) struct Drivers {
    buildkit: Result<Client, Failure>,
    /// Where the plan asks for a builder of the user's own.
    buildx: Option<Result<Buildx, Failure>>,
    classic: Result<Classic, Failure>,
    push: Push,
    api: Result<Api, Failure>,
    credentials: Arc<Credentials>,
    /// Whether somebody is there to answer.
    interactive: bool,
}

impl Drivers {
    pub(super) async fn new(
        plan: &Plan,
        open: Open,
        credentials: Arc<Credentials>,
        ambient: &Ambient,
        config: &DockerConfig,
    ) -> Self {
        let is_own = |job: &Job| job.attempt.strategy.builder().is_some();
        let buildx = if plan.jobs.iter().any(is_own) {
            Some(Buildx::find(ambient, config, &open.facts).await)
        } else {
            None
        };
        Self {
            buildx,
            classic: Classic::new(&open.facts, Arc::clone(&credentials)),
            push: Push::new(&open.facts, Arc::clone(&credentials)),
            api: Api::new(&open.facts.endpoint, open.facts.spoken()),
            credentials,
            buildkit: open.buildkit,
            interactive: ambient.stdin_is_terminal && ambient.stderr.columns.is_some(),
        }
    }
}

impl Drivers {
    /// A refusal by a registry, with what is wrong with the credentials for it.
    fn explained(&self, error: BuildError) -> BuildError {
        match error {
            BuildError::Failed { failure, reached } => BuildError::Failed {
                failure: Box::new(self.credentials.explain(*failure)),
                reached,
            },
            BuildError::Stopped => BuildError::Stopped,
        }
    }
}

impl run::Builder for Drivers {
    async fn build(
        &self,
        job: JobId,
        attempt: &Attempt,
        events: &Events,
        mut stop: watch::Receiver<bool>,
    ) -> Result<Built, BuildError> {
        let spec = &attempt.spec;
        let missing = |failure: &Failure| {
            Err(BuildError::Failed {
                failure: Box::new(failure.clone()),
                reached: Reached::NoRun,
            })
        };
        let build = async {
            match &attempt.strategy {
                Strategy::BuildKit => match &self.buildkit {
                    Ok(client) => {
                        client
                            .build(job, &attempt.prefix, spec, events, &mut stop)
                            .await
                    }
                    Err(failure) => missing(failure),
                },
                Strategy::Buildx(name) => match &self.buildx {
                    Some(Ok(buildx)) => buildx.build(job, name, spec, events, &mut stop).await,
                    Some(Err(failure)) => missing(failure),
                    None => unreachable!("the plan has no builder of the user's own"),
                },
                Strategy::Classic => match &self.classic {
                    Ok(classic) => classic.build(job, spec, events, &mut stop).await,
                    Err(failure) => missing(failure),
                },
            }
        };
        // On the heap: a build's state is large, and each job has one.
        let built = self.credentials.telling(job, events, Box::pin(build)).await;
        let mut built = built.map_err(|error| self.explained(error))?;
        if let (Ok(api), Some(image), None) = (&self.api, &built.image, built.size) {
            built.size = api.image_size(image).await;
        }
        Ok(built)
    }

    async fn push(
        &self,
        job: JobId,
        index: usize,
        name: &str,
        events: &Events,
        mut stop: watch::Receiver<bool>,
    ) -> Result<Pushed, BuildError> {
        let push = self.push.push(job, index, name, events, &mut stop);
        let pushed = self.credentials.telling(job, events, push).await;
        pushed.map_err(|error| self.explained(error))
    }

    async fn agree(&self, question: &str) -> bool {
        if !self.interactive {
            return false;
        }
        let question = question.to_owned();
        let answer = tokio::task::spawn_blocking(move || report::ask(&question)).await;
        matches!(answer, Ok(Ok(true)))
    }
}
