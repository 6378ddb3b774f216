//! `dcb verify`: services that do not run are built and started, all are checked, and what was started is
//! taken down again. What ran before goes on.

mod probe;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::future::join_all;

use super::build::{Found, exit_code, is_built};
use super::clean::api;
use super::handover::Handover;
use super::stop::Stop;
use super::up::with_dependencies;
use super::{App, UNWRITTEN};
use crate::cli::{BuildFlags, Verify};
use crate::compose::Project;
use crate::docker::api::Api;
use crate::docker::belongings::{Belongings, Container, Unnamed, Whose};
use crate::docker::compose_cli;
use crate::failure::{Class, Failure};
use crate::plan::Plan;
use crate::process::Command;
use crate::report::{self, Verdict};
use crate::settings::{Check, Typed};
use crate::{human, plan, process};
use probe::Prober;

/// How many lines of a service's log are shown when it does not work.
const LOG: usize = 10;
/// How long asking for a log may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is checked of one service.
struct Subject {
    service: String,
    /// What shows that it works; without any it must be healthy, or keep running.
    check: Option<Check>,
}

/// What is to be started and checked.
struct Trial<'a> {
    handover: Handover<'a>,
    api: Api,
    whose: Whose,
    /// What was there.
    before: Belongings,
    subjects: Vec<Subject>,
    /// What starts the services that do not run.
    start: Option<Command>,
}

impl App<'_> {
    /// `dcb verify`.
    pub(super) async fn verify(&self, verify: &Verify) -> anyhow::Result<ExitCode> {
        let flags = BuildFlags::default();
        let found = self
            .look(self.typed(&flags, &verify.services, false))
            .await?;
        let project = &found.loaded.project;
        plan::check_services(project, &verify.services)?;
        let compose = found.compose.as_ref().ok_or_else(compose_cli::missing)?;
        let handover = Handover {
            app: self,
            compose,
            flags: &found.loaded.flags,
            project: Some(project),
            stdin: found.loaded.stdin.as_deref(),
        };
        let (api, whose) = (api(&found)?, self.own(&found));
        let before = api.belongings(&whose).await?;
        let subjects = subjects(&found, &verify.services);
        let missing = missing(project, &before, &subjects);
        let start = (!missing.is_empty()).then(|| handover.start(&missing));
        let trial = Trial {
            start: start.transpose()?,
            handover,
            api,
            whose,
            before,
            subjects,
        };
        let (stopped, absent): (Vec<String>, Vec<String>) = missing
            .into_iter()
            .partition(|service| trial.before.containers.iter().any(|one| one.is_of(service)));
        let plan = if verify.no_build || absent.is_empty() {
            None
        } else {
            let typed = Typed {
                to_start: true,
                ..self.typed(&flags, &absent, false)
            };
            Some(self.plan(typed, &found).await?)
        };
        if verify.dry_run {
            self.show_trial(&trial, plan.as_ref())?;
            return Ok(ExitCode::SUCCESS);
        }
        if !stopped.is_empty() {
            report::note(&format!("{}\n", as_they_are(&stopped)));
        }
        if let Some(plan) = plan {
            let ended = self.execute("verify", &plan, false, found.engine).await?;
            if !ended.iter().all(is_built) {
                return Ok(exit_code(&ended));
            }
        }
        self.try_out(&trial, verify).await
    }

    /// Starts what is missing, checks, and takes down what was started.
    async fn try_out(&self, trial: &Trial<'_>, verify: &Verify) -> anyhow::Result<ExitCode> {
        let stop = Stop::watch().context("failed to watch for signals")?;
        if let Some(start) = &trial.start {
            // What could not be started has no container: its check says so.
            self.run_compose(start)?;
        }
        let mut asked = stop.asked().clone();
        let verdicts = tokio::select! {
            verdicts = self.waiting("checking", self.check_all(trial, verify.timeout)) => Some(verdicts?),
            _ = asked.wait_for(|asked| *asked) => None,
        };
        let failed: Vec<String> = verdicts
            .iter()
            .flatten()
            .filter(|verdict| verdict.outcome.is_err())
            .map(|verdict| verdict.service.clone())
            .collect();
        if let Some(verdicts) = &verdicts {
            report::result(&report::verdicts(verdicts)).context(UNWRITTEN)?;
            self.show_logs(&trial.handover, &failed).await?;
        }
        if !verify.keep {
            self.restore(trial).await?;
        }
        stop.obey(|| self.close());
        let number = verdicts.as_ref().map_or(0, Vec::len);
        if failed.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        let message = format!("{} of {number} checks failed", failed.len());
        Err(Failure::new(Class::VerifyFailed, message).into())
    }

    /// Shows what would be checked, built and started.
    fn show_trial(&self, trial: &Trial<'_>, plan: Option<&Plan>) -> anyhow::Result<()> {
        let planned = trial
            .subjects
            .iter()
            .map(|subject| (&*subject.service, subject.told()));
        report::result(&report::checks_to_do(planned)).context(UNWRITTEN)?;
        if let Some(plan) = plan.filter(|plan| !plan.jobs.is_empty()) {
            report::diagnostics(&plan.notes, self.ambient.stderr);
            report::result("\n").context(UNWRITTEN)?;
            report::plan(plan, None, self.detail(), self.ambient.stdout).context(UNWRITTEN)?;
        }
        if let Some(start) = &trial.start {
            report::command_only(start).context(UNWRITTEN)?;
        }
        Ok(())
    }

    /// Carries out all checks side by side.
    async fn check_all(&self, trial: &Trial<'_>, limit: Duration) -> Result<Vec<Verdict>, Failure> {
        let here = trial.api.belongings(&trial.whose).await?;
        let deadline = Instant::now() + limit;
        let checked = trial.subjects.iter().map(async |subject| {
            let began = Instant::now();
            let containers: Vec<&Container> = here
                .containers
                .iter()
                .filter(|one| one.is_of(&subject.service))
                .collect();
            let prober = Prober {
                app: self,
                handover: &trial.handover,
                api: &trial.api,
                service: &subject.service,
                containers: &containers,
                deadline,
            };
            Verdict {
                service: subject.service.clone(),
                check: subject.told(),
                outcome: prober.try_out(subject.check.as_ref()).await,
                took: began.elapsed(),
            }
        });
        Ok(join_all(checked).await)
    }

    async fn show_logs(&self, handover: &Handover<'_>, failed: &[String]) -> Result<(), Failure> {
        if failed.is_empty() {
            return Ok(());
        }
        let command = handover.logs(LOG, failed)?;
        // Without its log the verdict stands all the same.
        if let Ok(answer) = process::answer(&command, &self.ambient.directory, PATIENCE).await {
            report::note(&format!("\n{}", answer.stdout));
        }
        Ok(())
    }

    /// Takes down what was not there `before`, and stops what did not run.
    async fn restore(&self, trial: &Trial<'_>) -> Result<(), Failure> {
        let Trial {
            api, whose, before, ..
        } = trial;
        let now = api.belongings(whose).await?;
        for container in &now.containers {
            let known = before.containers.iter().find(|one| one.id == container.id);
            if known.is_some_and(|known| !known.runs()) {
                api.stop(container).await?;
            }
        }
        let mut new = now.without(before);
        new.images.clear();
        self.take_away(api, &new, Unnamed::Remove).await
    }
}

impl Subject {
    /// What is checked, in a few words.
    fn told(&self) -> String {
        match &self.check {
            Some(check) => check.to_string(),
            None => "healthy, or keeps running".to_owned(),
        }
    }
}

/// What is checked of the services named, or of all.
fn subjects(found: &Found, named: &[String]) -> Vec<Subject> {
    let project = &found.loaded.project;
    let configured = &found.loaded.extension.verify;
    let services = project.services.keys();
    let services = services.filter(|service| named.is_empty() || named.contains(service));
    services
        .flat_map(|service| {
            let checks: Vec<Option<Check>> = match configured.get(service) {
                Some(checks) => checks.iter().cloned().map(Some).collect(),
                None if is_to_end(project, service) => vec![Some(Check::Ends)],
                None => vec![None],
            };
            checks.into_iter().map(|check| Subject {
                service: service.clone(),
                check,
            })
        })
        .collect()
}

/// That images are not looked at where there are containers.
fn as_they_are(stopped: &[String]) -> String {
    let names = human::list(stopped);
    match stopped {
        [_] => format!("{names} has a stopped container, which is started as it is"),
        _ => format!("{names} have stopped containers, which are started as they are"),
    }
}

/// Whether another service waits for the end of this one.
fn is_to_end(project: &Project, service: &str) -> bool {
    project.services.keys().any(|other| {
        let condition = ["services", other, "depends_on", service, "condition"];
        let condition = project.tree.at(&condition);
        condition.and_then(|node| node.as_text()) == Some("service_completed_successfully")
    })
}

/// The services that are needed and do not run.
fn missing(project: &Project, before: &Belongings, subjects: &[Subject]) -> Vec<String> {
    let services: Vec<String> = subjects.iter().map(|one| one.service.clone()).collect();
    let runs = |service: &String| {
        let mut own = before.containers.iter().filter(|one| one.is_of(service));
        own.any(Container::runs)
    };
    let mut needed = with_dependencies(project, &services);
    needed.retain(|service| !runs(service));
    needed
}
