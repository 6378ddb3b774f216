//! The only room that talks to an engine or a docker program.
//!
//! - [`host`] finds the engine's address, [`config`] reads the docker configuration.
//! - [`detect`] asks the engine what it is and looks for Docker Compose: [`Facts`].
//! - [`buildkit`] drives the engine's own BuildKit with a [`BuildSpec`].
//! - [`compose_cli`] hands verbs over to Docker Compose.
//! - [`api`] is the rest of the Engine API.

pub mod api;
pub mod buildkit;
pub mod compose_cli;
pub mod config;
pub mod detect;
pub mod host;
mod http;
pub mod reference;
mod spec;

pub use detect::{ApiVersion, Engine, Facts};
pub use spec::{BuildSpec, CacheUse, ContextSource, DockerfileSource, Network, PullPolicy};
