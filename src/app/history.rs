//! `dcb history`: what happened before.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;

use super::{App, UNWRITTEN};
use crate::cli::{History, HistoryVerb, PlanFormat};
use crate::event::Record;
use crate::failure::{Class, Failure};
use crate::journal::{self, Journal, RunId, Summary};
use crate::report;

/// Runs in the list, and before the newest for its trend.
const LISTED: usize = 30;

impl App<'_> {
    /// `dcb history`.
    pub(super) fn show_history(&self, history: &History) -> anyhow::Result<ExitCode> {
        let journal = self.journal()?;
        let json = history.format == PlanFormat::Json;
        let text = match history.what.as_ref().unwrap_or(&HistoryVerb::List) {
            HistoryVerb::List => {
                let runs = journal.summaries(LISTED);
                let (newest, before) = runs.split_last().ok_or_else(none)?;
                let trends = journal::trend(before, newest);
                if json {
                    report::history::list_json(&runs, &trends)
                } else {
                    report::history::list(&runs, &trends, now())
                }
            }
            HistoryVerb::Show { run } if json => {
                report::history::show_json(&summary(&journal, known(&journal, *run)?)?)
            }
            HistoryVerb::Show { run } => {
                let run = known(&journal, *run)?;
                let records = records(&journal, run)?;
                report::history::again(run, &records, false, self.style())
            }
            HistoryVerb::Log { service, step, run } => {
                let run = known(&journal, *run)?;
                let records = records(&journal, run)?;
                match service {
                    None => report::history::again(run, &records, true, self.style()),
                    Some(service) => report::history::logs(&records, service, step.as_deref())
                        .ok_or_else(|| no_log(run, service, step.as_deref()))?,
                }
            }
            HistoryVerb::Compare { first, second } => {
                let first = summary(&journal, known(&journal, Some(*first))?)?;
                let second = summary(&journal, known(&journal, *second)?)?;
                let compared = journal::compare(&first, &second);
                if json {
                    report::history::comparison_json(&first, &second, &compared)
                } else {
                    report::history::comparison(&first, &second, &compared)
                }
            }
        };
        report::result(&text).context(UNWRITTEN)?;
        Ok(ExitCode::SUCCESS)
    }

    /// The journal of this project.
    ///
    /// # Errors
    /// When the project cannot be loaded, or there is no place for what dcb keeps.
    pub(super) fn journal(&self) -> Result<Journal, Failure> {
        let project = self.load()?;
        let state = self.ambient.state_directory().ok_or_else(|| {
            let failure = Failure::new(Class::Usage, "there is no home directory to keep runs in");
            failure.hint("set one: export HOME=/home/me")
        })?;
        Ok(Journal::of(&state, &project.name, &project.directory))
    }

    fn style(&self) -> crate::diagnostic::Style {
        report::style(self.ambient.stdout)
    }
}

/// The run of this number, or the newest.
///
/// # Errors
/// When there is no such run.
pub(super) fn known(journal: &Journal, run: Option<RunId>) -> Result<RunId, Failure> {
    let runs = journal.runs();
    match (run, runs.last()) {
        (None, Some(newest)) => Ok(*newest),
        (Some(run), _) if runs.contains(&run) => Ok(run),
        (Some(run), Some(newest)) => {
            let failure = Failure::new(Class::Usage, format!("there is no run {run}"));
            Err(failure.hint(format!("the newest is {newest}; all of them: dcb history")))
        }
        (_, None) => Err(none()),
    }
}

/// The records of a run.
///
/// # Errors
/// When they cannot be read.
pub(super) fn records(journal: &Journal, run: RunId) -> Result<Vec<Record>, Failure> {
    journal::records(&journal.records(run)).map_err(|broken| unreadable(run, &broken.to_string()))
}

fn summary(journal: &Journal, run: RunId) -> Result<Summary, Failure> {
    let summary = journal.summary(run);
    summary.map_err(|error| unreadable(run, &error.to_string()))
}

fn unreadable(run: RunId, why: &str) -> Failure {
    Failure::new(Class::Usage, format!("run {run} cannot be read: {why}"))
}

fn none() -> Failure {
    Failure::new(Class::Usage, "nothing was built here yet").hint("build: dcb build")
}

fn no_log(run: RunId, service: &str, step: Option<&str>) -> Failure {
    let step = step.map_or_else(String::new, |step| {
        format!(" whose name has `{step}` in it")
    });
    let failure = Failure::new(
        Class::Usage,
        format!("in run {run} no step of `{service}`{step} wrote anything"),
    );
    failure.hint(format!("its services and steps: dcb history show {run}"))
}

/// The date, in milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}
