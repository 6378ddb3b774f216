//! Compose projects.

mod model;

pub use model::{Build, Context, Dockerfile, Project, Secret, SecretSource, Service, Ulimit};
