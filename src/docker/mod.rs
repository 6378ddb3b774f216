//! The only room that talks to an engine or a docker program.
//!
//! - [`host`] finds the engine's address, [`config`] reads the docker configuration, [`credentials`]
//!   says who the user is at a registry.
//! - [`tls`] and [`ssh`] lead to engines of other machines.
//! - [`detect`] asks the engine what it is: [`Facts`], and for the full picture [`detect::Machine`].
//! - [`programs`] finds the docker programs and their versions, [`variables`] judges the variables.
//! - [`cache_records`] are what the engine's build cache holds, [`cache_directory`] is a cache in files.
//! - [`survey`] asks what else a diagnosis needs.
//! - [`daemon_edit`] changes one thing in an engine's configuration.
//! - [`buildkit`] drives the engine's own BuildKit with a [`BuildSpec`].
//! - [`buildx`] hands a build to a builder of the user's own.
//! - [`classic`] drives the builder of engines without BuildKit, and Podman's.
//! - [`push`] brings images to their registries.
//! - [`explain`] reads a builder's words when a build fails.
//! - [`compose_cli`] hands verbs over to Docker Compose, [`child_environment`] says with which variables.
//! - [`plugin`] is what the docker CLI and its plugins say to each other.
//! - [`belongings`] is what an engine has of a project, [`condition`] how a container is.
//! - [`api`] is the rest of the Engine API.

pub mod api;
mod api_version;
pub mod belongings;
pub mod buildkit;
pub mod buildx;
pub mod cache_directory;
pub mod cache_entry;
pub mod cache_records;
pub mod child_environment;
pub mod classic;
pub mod compose_cli;
pub mod condition;
pub mod config;
pub mod credentials;
pub mod daemon_edit;
pub mod detect;
mod explain;
pub mod host;
mod http;
mod outcome;
pub mod plugin;
pub mod programs;
pub mod push;
pub mod reference;
mod spec;
pub mod ssh;
pub mod survey;
pub mod tls;
pub mod variables;
mod version;

pub use api_version::ApiVersion;
pub use buildkit::Worker;
pub use cache_entry::{CacheEntry, CacheKey, CacheKind};
pub use detect::{Engine, Facts};
pub use outcome::{BuildError, Built, Reached};
pub use spec::{
    BuildSpec, CacheUse, ContextSource, Destination, DockerfileSource, Keeper, NamedContext,
    Network, Output, OutputForm, PullPolicy, SecretValue, SshAgent, Strategy,
};
pub use version::Version;
