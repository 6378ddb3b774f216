//! Carrying out a plan: jobs side by side, each after what it needs; a job is a build, and the push of
//! its image where that is asked for.
//!
//! A job that fails takes down those that need it and no other, unless all are to stop. Among the
//! jobs that can begin, the one with the longest path below it goes first. Everything that happens
//! is sent to the events; what comes back is how each job ended.
//!
//! [`attempts`] carries out one job.

mod attempts;
mod told;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;

pub use told::{closing, opening};

use crate::docker::{BuildError, Built};
use crate::event::{Event, Events, JobId, Outcome, Pushed};
use crate::failure::{Class, Failure};
use crate::plan::{Attempt, Job, Plan};

/// What builds and pushes.
pub trait Builder {
    /// Builds `job` as `attempt` says, telling `events` what happens, until it is done or `stop`
    /// turns true.
    fn build(
        &self,
        job: JobId,
        attempt: &Attempt,
        events: &Events,
        stop: watch::Receiver<bool>,
    ) -> impl Future<Output = Result<Built, BuildError>>;

    /// Pushes the image of the full name `name`, the `index`th of `job`, telling `events` how far it
    /// is, until it is done or `stop` turns true.
    fn push(
        &self,
        job: JobId,
        index: usize,
        name: &str,
        events: &Events,
        stop: watch::Receiver<bool>,
    ) -> impl Future<Output = Result<Pushed, BuildError>>;

    /// Whether the user agrees to another way, when they want to be asked.
    fn agree(&self, question: &str) -> impl Future<Output = bool>;
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
    let mut waiting = by_urgency(plan);
    let company = Company::default();
    let mut running = FuturesUnordered::new();
    let (give_up, gave_up) = watch::channel(None);
    loop {
        skip(&mut waiting, &mut ended, events, *gave_up.borrow()).await;
        while running.len() < plan.parallel.value.max(1)
            && let Some(job) = next(&mut waiting, &ended)
        {
            company.joined(job.id);
            running.push(one(
                plan,
                job,
                builder,
                events,
                (stop.clone(), gave_up.clone()),
                &company,
            ));
        }
        let Some((job, end)) = running.next().await else {
            break;
        };
        if !plan.keep_going && matches!(end.0, Outcome::Failed(_)) {
            give_up.send_if_modified(|first| first.is_none() && first.replace(job).is_none());
        }
        company.left(job);
        ended.insert(job, end);
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

/// What a job is taken for, in milliseconds, of which nothing is known.
const UNKNOWN: u64 = 1_000;

/// The jobs, those that begin the longest path first: by the time that the jobs on it took before, where
/// that is known.
fn by_urgency(plan: &Plan) -> Vec<&Job> {
    let time = |job: &Job| job.known.unwrap_or(UNKNOWN);
    let mut from: Vec<u64> = plan.jobs.iter().map(time).collect();
    // Jobs stand after what they need, so one pass from the end sees each after all behind it.
    for job in plan.jobs.iter().rev() {
        for need in &job.needs {
            from[need.0] = from[need.0].max(time(&plan.jobs[need.0]) + from[job.id.0]);
        }
    }
    let mut jobs: Vec<&Job> = plan.jobs.iter().collect();
    jobs.sort_by_key(|job| std::cmp::Reverse(from[job.id.0]));
    jobs
}

/// The first job whose needs are all built.
fn next<'a>(waiting: &mut Vec<&'a Job>, ended: &HashMap<JobId, Ended>) -> Option<&'a Job> {
    let built = |need: &JobId| matches!(ended.get(need), Some((Outcome::Built { .. }, _)));
    let index = waiting.iter().position(|job| job.needs.iter().all(built))?;
    Some(waiting.remove(index))
}

/// Takes out the jobs that can no longer be built: all of them once `gave_up` names a failed job.
async fn skip(
    waiting: &mut Vec<&Job>,
    ended: &mut HashMap<JobId, Ended>,
    events: &Events,
    gave_up: Option<JobId>,
) {
    let lost = |job: &Job, ended: &HashMap<JobId, Ended>| {
        let need = job
            .needs
            .iter()
            .find(|need| !matches!(ended.get(need), None | Some((Outcome::Built { .. }, _))));
        need.copied().or(gave_up)
    };
    // Jobs stand after what they need and urgency keeps that order, so one pass reaches those that
    // need a skipped one too.
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
    plan: &Plan,
    job: &Job,
    builder: &impl Builder,
    events: &Events,
    (mut stop, mut gave_up): (watch::Receiver<bool>, watch::Receiver<Option<JobId>>),
    company: &Company,
) -> (JobId, Ended) {
    let began = Instant::now();
    if *stop.borrow() {
        return (job.id, (Outcome::Stopped, Duration::ZERO));
    }
    events.send(Event::JobStarted { job: job.id }).await;
    let (ask, asked) = watch::channel(false);
    let build = attempts::carry_out(plan.fallback, job, builder, events, asked);
    tokio::pin!(build);
    let mut outcome = tokio::select! {
        outcome = &mut build => outcome,
        Ok(_) = stop.wait_for(|stop| *stop) => {
            let _ = ask.send(true);
            build.await
        }
        Ok(_) = gave_up.wait_for(Option::is_some) => {
            let _ = ask.send(true);
            build.await
        }
    };
    if let Outcome::Failed(failure) = &mut outcome
        && company.had(job.id)
    {
        offer_alone(job, failure);
    }
    let took = finished(job.id, &outcome, began, events).await;
    (job.id, (outcome, took))
}

/// Which jobs run, and which of them ever ran beside another.
#[derive(Default)]
struct Company {
    running: RefCell<BTreeSet<JobId>>,
    accompanied: RefCell<BTreeSet<JobId>>,
}

impl Company {
    fn joined(&self, job: JobId) {
        let mut running = self.running.borrow_mut();
        running.insert(job);
        if running.len() > 1 {
            self.accompanied.borrow_mut().extend(running.iter());
        }
    }

    fn left(&self, job: JobId) {
        self.running.borrow_mut().remove(&job);
    }

    fn had(&self, job: JobId) -> bool {
        self.accompanied.borrow().contains(&job)
    }
}

/// Jobs side by side share the machine's memory: what was killed may well fit in it alone.
fn offer_alone(job: &Job, failure: &mut Failure) {
    if failure.class == Class::RunKilled {
        failure.hints.push(format!(
            "other services were built at the same time; build it alone: dcb build --jobs 1 {}",
            job.service
        ));
    }
}

async fn finished(job: JobId, outcome: &Outcome, began: Instant, events: &Events) -> Duration {
    let took = began.elapsed();
    events
        .send(Event::JobFinished {
            job,
            outcome: outcome.clone(),
            took: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        })
        .await;
    took
}

#[cfg(test)]
mod tests;
