//! What the engine's Dockerfile frontend finds in the Dockerfiles that a plan builds.

use futures_util::{StreamExt, stream};

use super::super::check::check;
use crate::docker::buildkit::Client;
use crate::docker::{ApiVersion, Strategy};
use crate::doctor::Lint;
use crate::plan::Plan;

/// How many Dockerfiles are looked at side by side: each mostly waits for the engine.
const SIDE_BY_SIDE: usize = 8;

/// What is found of each Dockerfile that BuildKit builds; nothing is built. Engines before 27.0, whose
/// frontend has no checks, need not be asked.
pub(super) async fn found(client: &Client, plan: &Plan) -> Vec<Lint> {
    let knows = plan.engine.as_ref();
    let knows = knows.is_some_and(|engine| engine.api >= ApiVersion::V27_0);
    let jobs = plan.jobs.iter();
    let jobs = jobs.filter(|job| knows && job.attempt.strategy == Strategy::BuildKit);
    let asked = jobs.map(|job| async {
        let checked = check(client, job, plan.fallback).await;
        Lint {
            service: job.service.clone(),
            findings: checked.findings,
        }
    });
    stream::iter(asked).buffered(SIDE_BY_SIDE).collect().await
}
