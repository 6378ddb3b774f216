//! One job: its build, again where that can help, and at most one way around its builder.
//!
//! Only what is not the user's doing is tried again. A registry that stumbled is asked twice more;
//! a base image that cannot be looked up is taken as it is here; and where the builder itself was
//! the obstacle, another way is taken if the plan has one. Once a `RUN` has begun, nothing is.

use std::time::Duration;

use tokio::sync::watch;

use super::Builder;
use crate::docker::{BuildError, PullPolicy};
use crate::event::{Event, Events, Outcome};
use crate::failure::{Class, Failure, Obstacle};
use crate::plan::{Attempt, Detour, Fallback, Job};

/// How long to wait before a registry is asked again.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];

/// Builds `job` until it is done, cannot be done, or `stop` turns true.
pub(super) async fn carry_out(
    fallback: Fallback,
    job: &Job,
    builder: &impl Builder,
    events: &Events,
    stop: watch::Receiver<bool>,
) -> Outcome {
    let first = patiently(job, &job.attempt, builder, events, &stop).await;
    let Err(BuildError::Failed { failure, ran }) = first else {
        return outcome(first);
    };
    let Some(detour) = way_around(job, &failure).filter(|_| !ran) else {
        return Outcome::Failed(failure);
    };
    let attempt = &detour.attempt;
    if fallback == Fallback::Ask && !builder.agree(&question(job, attempt, &failure)).await {
        return Outcome::Failed(failure);
    }
    let _ = events
        .send(Event::FellBack {
            job: job.id,
            strategy: attempt.strategy.to_string(),
            dockerfile: attempt.spec.dockerfile_name.clone(),
            because: failure.clone(),
        })
        .await;
    outcome(patiently(job, attempt, builder, events, &stop).await)
}

fn outcome(result: Result<crate::docker::Built, BuildError>) -> Outcome {
    match result {
        Ok(built) => Outcome::Built { image: built.image },
        Err(BuildError::Failed { failure, .. }) => Outcome::Failed(failure),
        Err(BuildError::Stopped) => Outcome::Stopped,
    }
}

/// The first way around what `failure` says stood in the way.
fn way_around<'a>(job: &'a Job, failure: &Failure) -> Option<&'a Detour> {
    let obstacle = failure.class.obstacle()?;
    job.detours
        .iter()
        .find(|detour| obstacle == Obstacle::Frontend || detour.around == obstacle)
}

fn question(job: &Job, attempt: &Attempt, failure: &Failure) -> String {
    format!(
        "{}: {failure}; build with {} and `{}` instead?",
        job.service, attempt.strategy, attempt.spec.dockerfile_name
    )
}

/// One attempt, repeated where a registry was the trouble.
async fn patiently(
    job: &Job,
    attempt: &Attempt,
    builder: &impl Builder,
    events: &Events,
    stop: &watch::Receiver<bool>,
) -> Result<crate::docker::Built, BuildError> {
    let build = |attempt: Attempt| {
        let stop = stop.clone();
        async move { builder.build(job.id, &attempt, events, stop).await }
    };
    let mut result = build(attempt.clone()).await;
    for pause in PAUSES {
        let Err(BuildError::Failed {
            failure,
            ran: false,
        }) = &result
        else {
            return result;
        };
        if !failure.transient {
            break;
        }
        tell(job, events, format!("{failure}; trying again in {pause:?}")).await;
        if stopped(stop, pause).await {
            return Err(BuildError::Stopped);
        }
        result = build(attempt.clone()).await;
    }
    match &result {
        Err(BuildError::Failed {
            failure,
            ran: false,
        }) if failure.class == Class::RegistryUnreachable
            && attempt.spec.pull == PullPolicy::Always =>
        {
            let mut offline = attempt.clone();
            offline.spec.pull = PullPolicy::Missing;
            let local = build(offline).await;
            if local.is_ok() {
                tell(
                    job,
                    events,
                    format!("{failure}: built with the base images that are here, however old"),
                )
                .await;
                return local;
            }
            result
        }
        _ => result,
    }
}

async fn tell(job: &Job, events: &Events, message: String) {
    // A report that is gone must not stop the build.
    let _ = events
        .send(Event::Warning {
            job: job.id,
            message,
            line: None,
            url: None,
        })
        .await;
}

/// Waits for `pause`, or until `stop` turns true.
async fn stopped(stop: &watch::Receiver<bool>, pause: Duration) -> bool {
    let mut stop = stop.clone();
    let asked = stop.wait_for(|stop| *stop);
    tokio::time::timeout(pause, asked)
        .await
        .is_ok_and(|asked| asked.is_ok())
}
