//! Docker Compose: finding it, and the command that hands a verb over to it.
//!
//! Three kinds are in use: the plugin `docker compose` (v2 and later), the same program standing
//! alone, and the Python `docker-compose` (v1). The plugin is run directly: its program accepts the
//! verbs without the docker CLI in front, which saves a process and works where there is no CLI.

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use semver::Version;

use super::config::DockerConfig;
use crate::ambient::Ambient;
use crate::failure::{Class, Failure};
use crate::process::{self, Command};

/// How long `docker-compose version` may take; v1 needs half a second.
const PATIENCE: Duration = Duration::from_secs(10);

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
/// Which kind the latter is costs half a second to ask, so the answer is kept per path, size and
/// time of change in dcb's cache directory.
pub async fn find(ambient: &Ambient, config: &DockerConfig) -> Option<Compose> {
    if let Some(program) = config.plugin("docker-compose") {
        return Some(Compose {
            program,
            kind: Kind::Modern,
        });
    }
    let path = ambient.variable("PATH").unwrap_or_default();
    let program = which::which_in("docker-compose", Some(path), &ambient.directory).ok()?;
    let kind = kind_of(ambient, &program).await;
    Some(Compose { program, kind })
}

/// What to tell when there is none.
pub fn missing() -> Failure {
    let install = if cfg!(target_os = "linux") {
        "install the plugin: sudo apt-get install docker-compose-plugin (Docker's packages) or docker-compose (Debian 13 and later)"
    } else {
        "install Docker Desktop, or: brew install docker-compose"
    };
    Failure::new(
        Class::ComposeMissing,
        "no Docker Compose found: neither the plugin `docker-compose` nor a program of that name on PATH",
    )
    .hint(install)
    .hint("building alone needs none: dcb build")
}

async fn kind_of(ambient: &Ambient, program: &Path) -> Kind {
    let key = stamp(program);
    let cache = ambient
        .cache_directory()
        .map(|directory| directory.join("compose-kind"));
    if let (Some(key), Some(cache)) = (&key, &cache) {
        let known = std::fs::read_to_string(cache).unwrap_or_default();
        if let Some(version) = known.strip_prefix(key.as_str()) {
            return kind_from(version);
        }
    }
    let command = Command::new(program).args(["version", "--short"]);
    let Ok(version) = process::output(&command, PATIENCE).await else {
        return Kind::Modern;
    };
    if let (Some(key), Some(cache)) = (key, cache) {
        // A cache that cannot be written costs half a second next time and nothing else.
        let _ = remember(&cache, &format!("{key}{version}"));
    }
    kind_from(&version)
}

fn kind_from(version: &str) -> Kind {
    match Version::parse(version.trim().trim_start_matches('v')) {
        Ok(version) if version.major <= 1 => Kind::V1,
        _ => Kind::Modern,
    }
}

/// What tells one build of a program from another.
fn stamp(program: &Path) -> Option<String> {
    let program = program.canonicalize().ok()?;
    let data = program.metadata().ok()?;
    let changed = data.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!(
        "{}\t{}\t{}\t",
        program.display(),
        data.len(),
        changed.as_nanos()
    ))
}

/// Replaces a small file as a whole.
fn remember(path: &Path, text: &str) -> std::io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    let fresh = path.with_extension(format!("{}", std::process::id()));
    std::fs::write(&fresh, text)?;
    std::fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_python_compose_is_version_one() {
        for (version, kind) in [
            ("1.29.2\n", Kind::V1),
            ("2.26.1-4", Kind::Modern),
            ("v2.40.3", Kind::Modern),
            ("5.0.0", Kind::Modern),
            ("dev", Kind::Modern),
        ] {
            assert_eq!(kind_from(version), kind, "{version}");
        }
    }
}
