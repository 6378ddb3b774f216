//! How a container is.

use bollard::models::{ContainerStateStatusEnum, HealthStatusEnum};
use bollard::query_parameters::InspectContainerOptions;

use super::api::{Api, failed};
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
        let asked = self
            .engine()
            .inspect_container(id, None::<InspectContainerOptions>);
        let container = match asked.await {
            Ok(container) => container,
            Err(bollard::errors::Error::DockerResponseServerError {
                status_code: 404, ..
            }) => return Ok(Condition::Gone),
            Err(error) => return Err(failed("look at a container", &error)),
        };
        let state = container.state.unwrap_or_default();
        let restarting = state.status == Some(ContainerStateStatusEnum::RESTARTING);
        if restarting || state.running != Some(true) {
            return Ok(Condition::Ended {
                code: state.exit_code.unwrap_or_default(),
                again: restarting,
            });
        }
        let health = state.health.and_then(|health| {
            let said = health.log.and_then(|mut log| log.pop()?.output);
            match health.status? {
                HealthStatusEnum::EMPTY | HealthStatusEnum::NONE => None,
                HealthStatusEnum::STARTING => Some(Health::Starting),
                HealthStatusEnum::HEALTHY => Some(Health::Healthy),
                HealthStatusEnum::UNHEALTHY => Some(Health::Unhealthy(said.unwrap_or_default())),
            }
        });
        Ok(Condition::Runs {
            since: state.started_at.unwrap_or_default(),
            health,
        })
    }
}
