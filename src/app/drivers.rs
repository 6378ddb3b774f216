//! The builders of one engine, as a plan's jobs ask for them.

use tokio::sync::watch;

use super::build::Open;
use crate::ambient::Ambient;
use crate::docker::buildkit::Client;
use crate::docker::buildx::Buildx;
use crate::docker::classic::Classic;
use crate::docker::config::DockerConfig;
use crate::docker::{BuildError, Built, Strategy};
use crate::event::{Events, JobId};
use crate::failure::Failure;
use crate::plan::{Attempt, Job, Plan};
use crate::{report, run};

/// The builders of one engine.
pub(super) struct Drivers {
    buildkit: Result<Client, Failure>,
    /// Where the plan asks for a builder of the user's own.
    buildx: Option<Result<Buildx, Failure>>,
    classic: Result<Classic, Failure>,
    /// Whether somebody is there to answer.
    interactive: bool,
}

impl Drivers {
    pub(super) async fn new(
        plan: &Plan,
        open: Open,
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
            classic: Classic::new(&open.facts),
            buildkit: open.buildkit,
            interactive: ambient.stdin_is_terminal && ambient.stderr.columns.is_some(),
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
        let missing = match &attempt.strategy {
            Strategy::BuildKit => match &self.buildkit {
                Ok(client) => {
                    return client
                        .build(job, &attempt.prefix, spec, events, &mut stop)
                        .await;
                }
                Err(failure) => failure,
            },
            Strategy::Buildx(name) => match &self.buildx {
                Some(Ok(buildx)) => return buildx.build(job, name, spec, events, &mut stop).await,
                Some(Err(failure)) => failure,
                None => unreachable!("the plan has no builder of the user's own"),
            },
            Strategy::Classic => match &self.classic {
                Ok(classic) => return classic.build(job, spec, events, &mut stop).await,
                Err(failure) => failure,
            },
        };
        Err(BuildError::Failed {
            failure: Box::new(missing.clone()),
            ran: false,
        })
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
