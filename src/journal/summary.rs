//! What came of a run, in short: what history and trends are made of.

use serde::{Deserialize, Serialize};

use super::store::RunId;
use crate::event::{Outcome, RunResult, StepState};
use crate::failure::Class;
use crate::progress::{self, Job, Kind, Run};

/// A run in short. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Its number.
    pub run: RunId,
    /// When it began, since 1970.
    pub began: u64,
    /// The verb that was typed.
    pub verb: String,
    /// The engine it was built on.
    pub engine: Option<String>,
    /// How it ended; nothing when it was broken off.
    pub result: Option<RunResult>,
    /// How long it took.
    pub took: u64,
    /// Its jobs, in the order of the plan.
    pub services: Vec<ServiceSummary>,
}

/// A job in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceSummary {
    /// The services that use its image.
    pub names: Vec<String>,
    /// Whether there is an image.
    pub built: bool,
    /// Why not, when it failed.
    pub class: Option<Class>,
    /// How long it took.
    pub took: u64,
    /// How it was built: `buildkit with Dockerfile`.
    pub way: String,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// The steps of its Dockerfile, each after those that it begins with.
    pub steps: Vec<StepSummary>,
}

/// A step in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSummary {
    /// Its name as the builder gave it.
    pub name: String,
    /// What it does.
    pub kind: Kind,
    /// What became of it.
    pub outcome: StepOutcome,
    /// How long it took.
    pub took: u64,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// It did not come to its end.
    Open,
    /// Its result was there already.
    Cached,
    /// It ran.
    Done,
    /// It failed.
    Failed,
}

impl Summary {
    /// The short form of a run.
    pub fn of(id: RunId, run: &Run) -> Self {
        let opening = run.opening.as_ref();
        Self {
            run: id,
            began: opening.map_or(0, |opening| opening.began),
            verb: opening.map_or_else(String::new, |opening| opening.verb.clone()),
            engine: opening.and_then(|opening| opening.engine.clone()),
            result: run.finished.map(|(result, _)| result),
            took: run.finished.map_or(run.now, |(_, took)| took),
            services: run.jobs.iter().map(service).collect(),
        }
    }

    /// The job whose image a service uses.
    pub fn service(&self, name: &str) -> Option<&ServiceSummary> {
        let mut services = self.services.iter();
        services.find(|service| service.names.iter().any(|own| own == name))
    }
}

impl StepSummary {
    /// What it is known by from run to run: its instruction, for the place before it may change.
    pub fn key(&self) -> &str {
        progress::instruction(&self.name).unwrap_or(&self.name)
    }
}

impl ServiceSummary {
    /// The service that gives the job its name.
    pub fn name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// How many of its instructions were there already, and how many there are. Base images are none.
    pub fn cached(&self) -> (usize, usize) {
        let own = self
            .steps
            .iter()
            .filter(|step| step.kind == Kind::Instruction);
        let cached = |step: &&StepSummary| step.outcome == StepOutcome::Cached;
        (own.clone().filter(cached).count(), own.count())
    }
}

fn service(job: &Job) -> ServiceSummary {
    let (built, class, size) = match job.outcome() {
        Some(Outcome::Built { size, .. }) => (true, None, *size),
        Some(Outcome::Failed(failure)) => (false, Some(failure.class), None),
        _ => (false, None, None),
    };
    let own = job
        .steps_in_order()
        .into_iter()
        .filter(|(_, step)| matches!(step.kind, Kind::Instruction | Kind::Base))
        .filter(|(id, _)| job.told_by(*id) == *id);
    ServiceSummary {
        names: job.planned.services.clone(),
        built,
        class,
        took: job.took().unwrap_or_default(),
        way: job.way.to_string(),
        size,
        steps: own
            .map(|(_, step)| {
                let (outcome, took) = match step.state {
                    StepState::Waiting | StepState::Running { .. } => (StepOutcome::Open, 0),
                    StepState::Cached => (StepOutcome::Cached, 0),
                    StepState::Done { took, .. } => (StepOutcome::Done, took),
                    StepState::Failed { took, .. } => (StepOutcome::Failed, took),
                };
                StepSummary {
                    name: step.name.clone(),
                    kind: step.kind,
                    outcome,
                    took,
                }
            })
            .collect(),
    }
}
