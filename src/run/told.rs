//! What a run says of itself before its first job and after its last.

use std::ffi::OsString;

use crate::docker::Strategy;
use crate::dockerfile::Markers;
use crate::event::{Clock, Event, Opening, Outcome, Planned, RunResult, SCHEMA};
use crate::plan::{Job, Plan};

use super::{Ended, attempts};

/// What is going to be done, for the verb that was typed and the flags that chose the project.
pub fn opening(plan: &Plan, verb: &str, flags: &[OsString], clock: Clock) -> Event {
    let engine = plan.engine.as_ref();
    Event::RunStarted(Box::new(Opening {
        schema: SCHEMA,
        dcb: env!("CARGO_PKG_VERSION").to_owned(),
        began: clock.date(),
        verb: verb.to_owned(),
        flags: flags
            .iter()
            .map(|flag| flag.to_string_lossy().into_owned())
            .collect(),
        project: plan.project.clone(),
        directory: plan.directory.display().to_string(),
        engine: engine.map(|engine| {
            let product = if engine.podman { "Podman" } else { "Docker" };
            format!("{product} {}", engine.version)
        }),
        pushes: plan.jobs.iter().any(|job| !job.push.is_empty()),
        parallel: plan.parallel.value,
        jobs: plan.jobs.iter().map(planned).collect(),
    }))
}

fn planned(job: &Job) -> Planned {
    let services = job.services().into_iter().map(str::to_owned);
    Planned {
        services: services.collect(),
        needs: job.needs.clone(),
        way: attempts::way(&job.attempt, None),
        output: job.attempt.spec.output.as_ref().map(ToString::to_string),
        variant: job.attempt.variant.clone(),
        unusual: is_unusual(job),
    }
}

/// Whether a service was planned on another builder, or in another form, than the usual one.
fn is_unusual(job: &Job) -> bool {
    let optimised = Markers::default().optimised;
    let variant = job.attempt.variant.as_ref();
    job.attempt.strategy != Strategy::BuildKit || variant.is_some_and(|own| *own != optimised)
}

/// How it all ended.
pub fn closing(ended: &[Ended], stopped: bool, clock: Clock) -> Event {
    let built = |(outcome, _): &Ended| matches!(outcome, Outcome::Built { .. });
    let result = match ended.iter().all(built) {
        true => RunResult::Built,
        false if stopped => RunResult::Stopped,
        false => RunResult::Failed,
    };
    Event::RunFinished {
        result,
        took: clock.now(),
    }
}
