//! The builders of one engine, as a plan's jobs ask for them.

use std::io::{self, Write};

use tokio::sync::watch;

use super::build::Open;
use crate::ambient::Ambient;
use crate::docker::buildkit::Client;
use crate::docker::classic::Classic;
use crate::docker::{BuildError, Built, Strategy};
use crate::event::{Events, JobId};
use crate::failure::Failure;
use crate::plan::Attempt;
use crate::run;

/// The builders of one engine.
pub(super) struct Drivers {
    buildkit: Result<Client, Failure>,
    classic: Result<Classic, Failure>,
    /// Whether somebody is there to answer.
    interactive: bool,
}

impl Drivers {
    pub(super) fn new(open: Open, ambient: &Ambient) -> Self {
        Self {
            classic: Classic::new(&open.facts),
            buildkit: open.buildkit,
            interactive: ambient.stdin_is_terminal && ambient.stderr.columns.is_some(),
        }
    }
}

impl run::Builder for Drivers {
    async fn build(
        &self,
        job: JobId,
        attempt: &Attempt,
        events: &Events,
        mut stop: watch::Receiver<bool>,
    ) -> Result<Built, BuildError> {
        let spec = &attempt.spec;
        let missing = match attempt.strategy {
            Strategy::BuildKit => match &self.buildkit {
                Ok(client) => {
                    return client
                        .build(job, &attempt.prefix, spec, events, &mut stop)
                        .await;
                }
                Err(failure) => failure,
            },
            Strategy::Classic => match &self.classic {
                Ok(classic) => return classic.build(job, spec, events, &mut stop).await,
                Err(failure) => failure,
            },
        };
        Err(BuildError::Failed {
            failure: Box::new(missing.clone()),
            ran: false,
        })
    }

    async fn agree(&self, question: &str) -> bool {
        if !self.interactive {
            return false;
        }
        let question = format!("{question} [y/N] ");
        let answer = tokio::task::spawn_blocking(move || {
            io::stderr().write_all(question.as_bytes())?;
            let mut line = String::new();
            io::stdin().read_line(&mut line)?;
            Ok::<_, io::Error>(line)
        });
        let answer = answer.await;
        matches!(answer, Ok(Ok(line)) if matches!(line.trim(), "y" | "Y" | "yes"))
    }
}
