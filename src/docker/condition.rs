//! How a container is.

use serde::Deserialize;

use super::api::{Api, escaped, failed};
use crate::failure::Failure;

/// How a container is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Its processes run.
    Runs {
        /// When they were started, in the engine's words: another word is another start.
        since: String,
        /// What its health check says; nothing where it has none.
        health: Option<Health>,
    },
    /// It ended, and its engine may start it again.
    Ended {
        /// Its exit code.
        code: i64,
        /// Whether it is about to be started again.
        again: bool,
    },
    /// There is none any more.
    Gone,
}

/// What a health check says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Nothing yet.
    Starting,
    /// All is well.
    Healthy,
    /// It is not; what its last attempt printed.
    Unhealthy(String),
}

impl Api {
    /// How the container with this id is.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn condition(&self, id: &str) -> Result<Condition, Failure> {
        let path = format!("containers/{}/json", escaped(id));
        let state = match self.get::<Container>(&path).await {
            Ok(container) => container.state.unwrap_or_default(),
            Err(error) if error.is_missing() => return Ok(Condition::Gone),
            Err(error) => return Err(failed("look at a container", &error)),
        };
        let restarting = state.status == "restarting";
        if restarting || !state.running {
            return Ok(Condition::Ended {
                code: state.exit_code,
                again: restarting,
            });
        }
        let health = state.health.and_then(|health| {
            let said = health.log.and_then(|mut log| log.pop()?.output);
            match health.status.as_str() {
                "starting" => Some(Health::Starting),
                "healthy" => Some(Health::Healthy),
                "unhealthy" => Some(Health::Unhealthy(said.unwrap_or_default())),
                // Without a health check it is `none`, or nothing at all.
                _ => None,
            }
        });
        Ok(Condition::Runs {
            since: state.started_at,
            health,
        })
    }
}

/// Of `GET /containers/ID/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
    state: Option<State>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct State {
    status: String,
    running: bool,
    exit_code: i64,
    started_at: String,
    health: Option<Checked>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Checked {
    status: String,
    log: Option<Vec<Attempt>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attempt {
    output: Option<String>,
}
