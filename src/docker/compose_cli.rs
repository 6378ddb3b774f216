//! Docker Compose: finding it, and the command that hands a verb over to it.
//!
//! Three kinds are in use: the plugin `docker compose` (v2 and later), the same program standing
//! alone, and the Python `docker-compose` (v1). The plugin is run directly: its program accepts the
//! verbs without the docker CLI in front, which saves a process and works where there is no CLI.

use std::path::PathBuf;

use super::config::DockerConfig;
use super::programs::{self, Asked, Versions};
use crate::ambient::Ambient;
use crate::failure::{Class, Failure};
use crate::process::Command;

/// The name of its program, plugin or not.
pub(super) const NAME: &str = "docker-compose";

/// A Docker Compose of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compose {
    /// Its program.
    pub program: PathBuf,
    /// Which of them it is.
    pub kind: Kind,
}

/// The kinds of Docker Compose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Version 2 or later.
    Modern,
    /// Version 1, written in Python.
    V1,
}

impl Compose {
    /// The character between project and service in an image's name.
    pub fn separator(&self) -> char {
        match self.kind {
            Kind::Modern => '-',
            Kind::V1 => '_',
        }
    }

    /// The command that runs `arguments` with it.
    pub fn command(&self, arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Command {
        Command::new(&self.program).args(arguments)
    }
}

/// Looks for Docker Compose: the plugin, then `docker-compose` on `PATH`.
///
/// Which kind the latter is costs half a second to ask, once per program: see [`programs`].
pub async fn find(ambient: &Ambient, config: &DockerConfig) -> Option<Compose> {
    if let Some(program) = config.plugin(NAME) {
        return Some(Compose {
            program,
            kind: Kind::Modern,
        });
    }
    let path = programs::on_path(ambient, NAME)?;
    let program = Versions::of(ambient).ask(&path, Asked::Compose).await;
    let kind = if program.is_before(2, 0) {
        Kind::V1
    } else {
        Kind::Modern
    };
    Some(Compose {
        program: program.path,
        kind,
    })
}

/// What to tell when there is none.
pub fn missing() -> Failure {
    let install: &[&str] = if cfg!(target_os = "linux") {
        &[
            "install it from Docker's packages: sudo apt-get install docker-compose-plugin",
            "or from Debian's, 13 and later: sudo apt-get install docker-compose",
        ]
    } else {
        &["install Docker Desktop, or: brew install docker-compose"]
    };
    let failure = Failure::new(
        Class::ComposeMissing,
        "no Docker Compose found: neither the plugin `docker-compose` nor a program of that name on PATH",
    );
    let install = install.iter();
    install
        .fold(failure, |failure, hint| failure.hint(*hint))
        .hint("building alone needs none: dcb build")
}
