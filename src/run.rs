//! Carrying out a plan: jobs side by side, each after what it needs.
//!
//! A job that fails takes down those that need it and no other. Everything that happens is sent to
//! the events; what comes back is how each job ended.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;

use crate::docker::buildkit::Client;
use crate::docker::{BuildError, Built};
use crate::event::{Event, Events, JobId, Outcome};
use crate::plan::{Job, Plan};

/// What builds one job.
pub trait Builder {
    /// Builds `job`, telling `events` what happens, until it is done or `stop` turns true.
    fn build(
        &self,
        job: &Job,
        events: &Events,
        stop: watch::Receiver<bool>,
    ) -> impl Future<Output = Result<Built, BuildError>>;
}

impl Builder for Client {
    async fn build(
        &self,
        job: &Job,
        events: &Events,
        mut stop: watch::Receiver<bool>,
    ) -> Result<Built, BuildError> {
        Client::build(self, job.id, &job.prefix, &job.spec, events, &mut stop).await
    }
}

/// How a job ended, and how long it took.
pub type Ended = (Outcome, Duration);

/// Builds everything in `plan`; how each job ended, in the plan's order.
pub async fn execute(
    plan: &Plan,
    builder: &impl Builder,
    events: &Events,
    stop: &watch::Receiver<bool>,
) -> Vec<Ended> {
    let mut ended: HashMap<JobId, Ended> = HashMap::new();
    let mut waiting: Vec<&Job> = plan.jobs.iter().collect();
    let mut running = FuturesUnordered::new();
    loop {
        skip(&mut waiting, &mut ended, events).await;
        while running.len() < plan.parallel.value.max(1)
            && let Some(job) = next(&mut waiting, &ended)
        {
            running.push(one(job, builder, events, stop.clone()));
        }
        match running.next().await {
            Some((job, end)) => ended.insert(job, end),
            None => break,
        };
    }
    plan.jobs
        .iter()
        .map(|job| {
            ended
                .remove(&job.id)
                .unwrap_or((Outcome::Stopped, Duration::ZERO))
        })
        .collect()
}

/// The first job whose needs are all built.
fn next<'a>(waiting: &mut Vec<&'a Job>, ended: &HashMap<JobId, Ended>) -> Option<&'a Job> {
    let built = |need: &JobId| matches!(ended.get(need), Some((Outcome::Built { .. }, _)));
    let index = waiting.iter().position(|job| job.needs.iter().all(built))?;
    Some(waiting.remove(index))
}

/// Takes out the jobs that can no longer be built.
async fn skip(waiting: &mut Vec<&Job>, ended: &mut HashMap<JobId, Ended>, events: &Events) {
    let lost = |job: &Job, ended: &HashMap<JobId, Ended>| {
        job.needs
            .iter()
            .find(|need| !matches!(ended.get(need), None | Some((Outcome::Built { .. }, _))))
            .copied()
    };
    // Jobs stand after what they need, so one pass reaches those that need a skipped one too.
    let mut rest = Vec::with_capacity(waiting.len());
    for job in waiting.drain(..) {
        match lost(job, ended) {
            None => rest.push(job),
            Some(because) => {
                let outcome = Outcome::Skipped { because };
                let took = finished(job.id, &outcome, Instant::now(), events).await;
                ended.insert(job.id, (outcome, took));
            }
        }
    }
    *waiting = rest;
}

async fn one(
    job: &Job,
    builder: &impl Builder,
    events: &Events,
    stop: watch::Receiver<bool>,
) -> (JobId, Ended) {
    let began = Instant::now();
    if *stop.borrow() {
        return (job.id, (Outcome::Stopped, Duration::ZERO));
    }
    let _ = events.send(Event::JobStarted { job: job.id }).await;
    let outcome = match builder.build(job, events, stop).await {
        Ok(built) => Outcome::Built { image: built.image },
        Err(BuildError::Failed { failure, .. }) => Outcome::Failed(failure),
        Err(BuildError::Stopped) => Outcome::Stopped,
    };
    let took = finished(job.id, &outcome, began, events).await;
    (job.id, (outcome, took))
}

async fn finished(job: JobId, outcome: &Outcome, began: Instant, events: &Events) -> Duration {
    let took = began.elapsed();
    // A report that is gone must not stop the build.
    let _ = events
        .send(Event::JobFinished {
            job,
            outcome: outcome.clone(),
            took: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        })
        .await;
    took
}
