//! The builders of one engine, as a plan's jobs ask for them.

use std::io::{self, Write};

use tokio::sync::watch;

use crate::ambient::Ambient;
use crate::docker::buildkit::Client;
use crate::docker::{BuildError, Built, Facts, Strategy};
use crate::event::{Events, JobId};
use crate::failure::Failure;
use crate::plan::Attempt;
use crate::run;

/// The builders of one engine.
pub(super) struct Drivers {
    buildkit: Result<Client, Failure>,
    /// Whether somebody is there to answer.
    interactive: bool,
}

impl Drivers {
    pub(super) fn new(
        _facts: &Facts,
        buildkit: Result<Client, Failure>,
        ambient: &Ambient,
    ) -> Self {
        Self {
            buildkit,
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
        match (attempt.strategy, &self.buildkit) {
            (Strategy::BuildKit, Ok(client)) => {
                client
                    .build(job, &attempt.prefix, &attempt.spec, events, &mut stop)
                    .await
            }
            (Strategy::BuildKit, Err(failure)) => Err(BuildError::Failed {
                failure: Box::new(failure.clone()),
                ran: false,
            }),
            (Strategy::Classic, _) => todo!(),
        }
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
