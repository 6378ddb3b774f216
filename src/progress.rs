//! The state of a run, folded from its events: what every view of it shares.
//!
//! It knows nothing but the events. The same events give the same state, whether they come from a
//! build that goes on or from a journal, so whatever is drawn from it can be drawn again later. It is
//! bounded: of each log only the last lines are kept, and only while they may still be needed.

mod job;
mod kind;

use crate::diagnostic::Diagnostic;
use crate::event::{Event, JobId, Opening, Outcome, Record, RunResult, StepId};

pub use job::{Counts, Job, Moving, State, Step, Warning};
pub use kind::{Kind, instruction};

/// How long a step runs, in milliseconds, before that is worth a word, and how much longer until it is
/// again.
const PATIENCE: u64 = 3_000;
const REMINDER: u64 = 30_000;

/// A run, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// What it set out to do.
    pub opening: Option<Opening>,
    /// What there was to tell before it began.
    pub notes: Vec<Diagnostic>,
    /// Its jobs, in the order of the plan.
    pub jobs: Vec<Job>,
    /// How it ended, and after how many milliseconds.
    pub finished: Option<(RunResult, u64)>,
    /// When the newest event happened.
    pub now: u64,
}

impl Run {
    /// Takes one event.
    pub fn take(&mut self, record: &Record) {
        let at = record.at;
        self.now = self.now.max(at);
        match &record.event {
            Event::RunStarted(opening) => {
                let jobs = opening.jobs.iter().enumerate();
                self.jobs = jobs
                    .map(|(id, planned)| Job::new(JobId(id), planned))
                    .collect();
                self.opening = Some((**opening).clone());
            }
            Event::Note { diagnostic } => self.notes.push(diagnostic.clone()),
            Event::RunFinished { result, took } => self.finished = Some((*result, *took)),
            Event::JobStarted { job } => self.with(*job, |job| job.start(at)),
            // What matters of it are its steps.
            Event::ProgramStarted { .. } | Event::JobNote { .. } => {}
            Event::Step {
                job,
                step,
                name,
                needs,
                state,
            } => self.with(*job, |job| job.step(*step, name, needs, state, at)),
            Event::StepGoesOn { job, step, .. } => self.with(*job, |job| job.mention(*step, at)),
            Event::Progress {
                job,
                step,
                what,
                current,
                total,
            } => self.with(*job, |job| job.moved(*step, what, *current, *total)),
            Event::Log { job, step, line } => self.with(*job, |job| job.log(*step, line)),
            Event::LogCut { job, step } => self.with(*job, |job| job.cut(*step)),
            Event::Warning {
                job,
                message,
                line,
                url,
            } => self.with(*job, |job| job.warn(message, *line, url.as_deref())),
            // It changes nothing: whoever shows a run line by line tells it.
            Event::FellBack { job, way, .. } => self.with(*job, |job| job.fall_back(way)),
            Event::JobFinished { job, outcome, took } => {
                self.with(*job, |job| job.finish(outcome, at, *took));
            }
        }
    }

    fn with(&mut self, id: JobId, change: impl FnOnce(&mut Job)) {
        if let Some(job) = self.jobs.get_mut(id.0) {
            change(job);
        }
    }

    /// A job.
    pub fn job(&self, id: JobId) -> Option<&Job> {
        self.jobs.get(id.0)
    }

    /// The steps that run so long by `now` that it is time to say so: job, step, and for how many
    /// milliseconds.
    pub fn overdue(&self, now: u64) -> Vec<(JobId, StepId, u64)> {
        let running = self
            .jobs
            .iter()
            .filter(|job| matches!(job.state, State::Running { .. }));
        running
            .flat_map(|job| job.running().map(move |(id, step)| (job.id, id, step)))
            .filter_map(|(job, id, step)| {
                let due = match step.mentioned {
                    None => step.since + PATIENCE,
                    Some(last) => last + REMINDER,
                };
                (now >= due).then(|| (job, id, now - step.since))
            })
            .collect()
    }

    /// The jobs that the run could not have been faster than: the one that ended last, before it the
    /// one that it waited for longest, and so on; first things first. Empty when nothing was built.
    pub fn critical_path(&self) -> Vec<&Job> {
        let ended = |job: &&Job| job.ended_at().unwrap_or_default();
        let ran = |job: &&Job| job.took().is_some_and(|took| took > 0);
        let mut path = Vec::new();
        let mut next = self.jobs.iter().filter(ran).max_by_key(ended);
        while let Some(job) = next {
            path.push(job);
            let needs = job.planned.needs.iter().filter_map(|need| self.job(*need));
            next = needs.filter(ran).max_by_key(ended);
        }
        path.reverse();
        path
    }

    /// How many services have jobs that are as `wanted`.
    pub fn services(&self, wanted: impl Fn(&State) -> bool) -> usize {
        let jobs = self.jobs.iter().filter(|job| wanted(&job.state));
        jobs.map(|job| job.planned.services.len()).sum()
    }

    /// Whether every job is over and ended with an image.
    pub fn is_built(&self) -> bool {
        self.jobs
            .iter()
            .all(|job| matches!(job.outcome(), Some(Outcome::Built { .. })))
    }
}

#[cfg(test)]
mod tests;
