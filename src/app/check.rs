//! `build --check`: what BuildKit's frontend finds in the Dockerfiles of a project.
//!
//! The plan is that of a build, so a Dockerfile is checked in the form, for the stage and with the
//! arguments that would be built. Nothing runs, so nothing depends on anything.

use std::collections::HashSet;
use std::process::ExitCode;

use anyhow::Context;
use futures_util::{StreamExt, stream};

use super::stop::Stop;
use super::{App, UNWRITTEN};
use crate::cli::{Build, CheckFormat};
use crate::docker::Strategy;
use crate::docker::buildkit::Client;
use crate::failure::{Class, Failure, Obstacle};
use crate::human;
use crate::plan::{Fallback, Job, Plan, Reason};
use crate::report::{self, Checked, Progress};
use crate::settings::Typed;

impl App<'_> {
    /// `dcb build --check`.
    pub(super) async fn check(&self, build: &Build) -> anyhow::Result<ExitCode> {
        let typed = Typed {
            check: true,
            ..self.typed(&build.flags, &build.services, build.pull)
        };
        let found = self.look(typed).await?;
        let plan = self.plan(typed, &found).await?;
        let quiet = self.showing(build.quiet, &plan)?.progress == Progress::Quiet;
        if !quiet {
            report::diagnostics(found.notes(), self.ambient.stderr);
        }
        if jobs(&plan).next().is_none() {
            return Ok(ExitCode::SUCCESS);
        }
        let client = &found.engine?.buildkit?;
        let checks = jobs(&plan).map(|job| async {
            let mut checked = check(client, job, plan.fallback).await;
            let failure = checked.findings.failure.take();
            checked.findings.failure =
                failure.map(|failure| advised(&plan, job, self.credentials.explain(failure)));
            checked
        });
        // In the plan's order, however many are checked at a time.
        let parallel = plan.parallel.value.clamp(1, MOST);
        let stop = Stop::watch().context("failed to watch for signals")?;
        let mut asked = stop.asked().clone();
        let checked: Vec<Checked<'_>> = tokio::select! {
            checked = stream::iter(checks).buffered(parallel).collect() => checked,
            _ = asked.wait_for(|stop| *stop) => {
                stop.obey(|| self.close());
                return Ok(ExitCode::FAILURE);
            }
        };
        let (stdout, stderr) = (self.ambient.stdout, self.ambient.stderr);
        match build.format {
            CheckFormat::Json => report::result(&report::checked_json(&checked)),
            CheckFormat::Text => report::checked(&checked, stdout, stderr),
        }
        .context(UNWRITTEN)?;
        if build.format == CheckFormat::Text {
            match summary(&checked) {
                Some(failure) => {
                    report::failure(&failure, stderr);
                }
                None if quiet => {}
                None => report::nothing_found(&checked),
            }
        }
        Ok(exit_code(&checked))
    }
}

/// Checks at a time, however many builds may be: each is short and mostly waits.
const MOST: usize = 64;

/// What was asked for.
fn jobs(plan: &Plan) -> impl Iterator<Item = &Job> {
    let is_asked_for = |job: &&Job| !matches!(job.because, Reason::NeededBy(_));
    plan.jobs.iter().filter(is_asked_for)
}

/// Checks one; with the engine's own frontend where the one that its Dockerfile names cannot be had.
pub(super) async fn check<'a>(client: &Client, job: &'a Job, fallback: Fallback) -> Checked<'a> {
    let attempt = &job.attempt;
    let mut checked = Checked {
        services: job.services(),
        otherwise: None,
        findings: client.check(job.id, &attempt.prefix, &attempt.spec).await,
    };
    let built_in = job
        .detours
        .iter()
        .map(|detour| &detour.attempt)
        .find(|way| {
            way.strategy == Strategy::BuildKit
                && way.spec.dockerfile_name == attempt.spec.dockerfile_name
        });
    if let (Some(failure), Some(way), Fallback::Auto) =
        (&checked.findings.failure, built_in, fallback)
        && failure.class.obstacle() == Some(Obstacle::Frontend)
    {
        checked.otherwise = Some(format!("{failure}; checked with the engine's own frontend"));
        checked.findings = client.check(job.id, &way.prefix, &way.spec).await;
    }
    checked
}

/// What was found, as the one failure that it amounts to; nothing when nothing was.
fn summary(checked: &[Checked<'_>]) -> Option<Failure> {
    let found = report::distinct(checked);
    let files: HashSet<&str> = found
        .iter()
        .filter_map(|(finding, _)| Some(finding.at.as_ref()?.source.name.as_str()))
        .collect();
    let message = format!(
        "{} in {}",
        human::count(found.len(), "finding"),
        human::count(files.len(), "file")
    );
    let failure = Failure::new(Class::CheckFound, message);
    (!found.is_empty()).then(|| {
        failure.hint("a check can be left out by its name: `# check=skip=RULE` in the first line of the Dockerfile")
    })
}

/// The exit code: that of findings and failures when they agree, else 1.
fn exit_code(checked: &[Checked<'_>]) -> ExitCode {
    let classes = checked.iter().flat_map(|one| {
        let found = (!one.findings.found.is_empty()).then_some(Class::CheckFound);
        let failed = one.findings.failure.as_ref().map(|failure| failure.class);
        found.into_iter().chain(failed)
    });
    let mut codes = classes.map(Class::exit_code);
    match codes.next() {
        None => ExitCode::SUCCESS,
        Some(first) if codes.all(|code| code == first) => ExitCode::from(first),
        Some(_) => ExitCode::FAILURE,
    }
}

/// A failure with what mends it when the base image is another service's.
fn advised(plan: &Plan, job: &Job, failure: Failure) -> Failure {
    let is_missing = matches!(
        failure.class,
        Class::ImageMissing | Class::RegistryDenied | Class::RegistryUnreachable
    );
    if !is_missing || job.needs.is_empty() {
        return failure;
    }
    let needs: Vec<&str> = job
        .needs
        .iter()
        .map(|need| plan.jobs[need.0].service.as_str())
        .collect();
    failure.hint(format!(
        "some checks look at the base image, which may not be built yet: dcb build {}",
        needs.join(" ")
    ))
}
