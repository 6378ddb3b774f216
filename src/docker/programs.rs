//! The docker programs of this machine and their versions.
//!
//! A program is asked for its version once, side by side with the others; the answer is kept per
//! path, size and time of change, because asking costs 20 to 500 ms and reading it back none to
//! speak of. Kept is one small file per program below dcb's cache directory, each replaced as a
//! whole: two dcb at once lose nothing, and a file that is not as it was written counts as none. What
//! did not answer as it should is asked again each time, for it may have been mended.

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::compose_cli;
use super::config::{self, DockerConfig};
use super::version::Version;
use crate::ambient::Ambient;
use crate::human;
use crate::process::{self, Command};

/// How long a program may take to tell its version. Most need 20 to 60 ms and Compose v1 500, twenty
/// times that on a machine that is busy; and a Compose that is not known may name images wrongly.
const PATIENCE: Duration = Duration::from_secs(10);

/// The name of buildx as a plugin.
const BUILDX: &str = "docker-buildx";

/// Variables with which these programs end in an error before they tell anything.
const DISTRACTING: [&str; 10] = [
    "BUILDKIT_PROGRESS",
    "COMPOSE_ANSI",
    "COMPOSE_BAKE",
    "COMPOSE_ENV_FILES",
    "COMPOSE_FILE",
    "COMPOSE_PARALLEL_LIMIT",
    "COMPOSE_PROGRESS",
    "COMPOSE_PROJECT_NAME",
    "DOCKER_BUILDKIT",
    "DOCKER_CONTEXT",
];

/// A program that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Where it lies.
    pub path: PathBuf,
    /// Its version, or why it cannot be used.
    pub version: Result<Version, String>,
}

impl Program {
    /// Whether it works and is at least of this version.
    pub fn is_at_least(&self, major: u64, minor: u64) -> bool {
        matches!(&self.version, Ok(version) if !version.is_before(major, minor))
    }

    /// Whether it works and is older than this version.
    pub fn is_before(&self, major: u64, minor: u64) -> bool {
        matches!(&self.version, Ok(version) if version.is_before(major, minor))
    }
}

/// The docker programs of this machine; none where there is none of its name.
#[derive(Debug, Clone, Default)]
pub struct Programs {
    /// The docker CLI.
    pub docker: Option<Program>,
    /// Its plugin buildx.
    pub buildx: Option<Program>,
    /// The Docker Compose that dcb hands verbs to.
    pub compose: Option<Compose>,
}

/// A Docker Compose with its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compose {
    /// What kind of program it is.
    pub form: Form,
    /// The program.
    pub program: Program,
}

/// The forms of Docker Compose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A plugin of the docker CLI, version 2 or later.
    Plugin,
    /// The same program standing alone.
    Standalone,
    /// The Python program.
    V1,
}

impl Programs {
    /// Finds them all, side by side.
    pub async fn find(ambient: &Ambient, config: &DockerConfig) -> Self {
        let versions = Versions::of(ambient);
        let docker = async {
            let path = on_path(ambient, "docker")?;
            Some(versions.ask(&path, Asked::Cli).await)
        };
        let buildx = async {
            // The docker CLI and Compose take the first of this name, and fail if it is broken.
            let path = config.plugin_candidates(BUILDX).next()?;
            Some(versions.ask(&path, Asked::Plugin).await)
        };
        let (docker, buildx, compose) =
            tokio::join!(docker, buildx, compose(&versions, ambient, config));
        Self {
            docker,
            buildx,
            compose,
        }
    }
}

/// The Compose that [`compose_cli::find`] finds; failing that, the plugin that cannot be used.
async fn compose(versions: &Versions, ambient: &Ambient, config: &DockerConfig) -> Option<Compose> {
    let name = compose_cli::NAME;
    if let Some(path) = config.plugin(name) {
        let program = versions.ask(&path, Asked::Plugin).await;
        let form = Form::Plugin;
        return Some(Compose { form, program });
    }
    if let Some(path) = on_path(ambient, name) {
        let program = versions.ask(&path, Asked::Compose).await;
        let form = if program.is_before(2, 0) {
            Form::V1
        } else {
            Form::Standalone
        };
        return Some(Compose { form, program });
    }
    let path = config.plugin_candidates(name).next()?;
    Some(Compose {
        form: Form::Plugin,
        program: versions.ask(&path, Asked::Plugin).await,
    })
}

/// The buildx to build with: the plugin that the docker CLI would take, else a program on `PATH`.
pub(super) async fn buildx(ambient: &Ambient, config: &DockerConfig) -> Option<Program> {
    let plugin = config.plugin_candidates(BUILDX).next();
    let path = plugin
        .or_else(|| on_path(ambient, BUILDX))
        .or_else(|| on_path(ambient, "buildx"))?;
    Some(Versions::of(ambient).ask(&path, Asked::Plugin).await)
}

/// A program on `PATH`.
pub(super) fn on_path(ambient: &Ambient, name: &str) -> Option<PathBuf> {
    let path = ambient.variable("PATH").unwrap_or_default();
    which::which_in(name, Some(path), &ambient.directory).ok()
}

/// How a program is asked for its version.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked {
    /// As a plugin of the docker CLI, which is ten times cheaper than its `version`.
    Plugin,
    /// As the docker CLI.
    Cli,
    /// As a Compose standing alone.
    Compose,
}

/// What a plugin tells of itself.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    version: String,
}

impl Asked {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Plugin => &["docker-cli-plugin-metadata"],
            Self::Cli => &["--version"],
            Self::Compose => &["version", "--short"],
        }
    }

    /// The text that the version is read from.
    fn read(self, said: &str) -> Result<String, String> {
        let text = match self {
            Self::Plugin => {
                let metadata: Metadata = serde_json::from_str(said)
                    .map_err(|error| format!("it does not answer as a plugin does: {error}"))?;
                metadata.version
            }
            Self::Cli | Self::Compose => said.to_owned(),
        };
        match human::sanitize(text.trim().lines().next().unwrap_or_default()) {
            line if line.is_empty() => Err("it does not tell its version".to_owned()),
            line => Ok(line),
        }
    }
}

/// Asks programs for their versions, and keeps the answers.
pub(super) struct Versions(Option<PathBuf>);

impl Versions {
    /// With the answers kept for this user.
    pub(super) fn of(ambient: &Ambient) -> Self {
        let kept = ambient.cache_directory();
        Self(kept.map(|directory| directory.join("programs")))
    }

    /// The program at `path` with its version.
    pub(super) async fn ask(&self, path: &Path, asked: Asked) -> Program {
        Program {
            path: path.to_owned(),
            version: self.version(path, asked).await.map(|t| Version::read(&t)),
        }
    }

    async fn version(&self, path: &Path, asked: Asked) -> Result<String, String> {
        if let Some(why) = unusable(path) {
            return Err(why);
        }
        let stamp = stamp(path, asked);
        let file = self.0.as_ref().zip(stamp.as_ref());
        let file = file.map(|(directory, stamp)| directory.join(&stamp.name));
        if let (Some(file), Some(stamp)) = (&file, &stamp)
            && let Some(text) = recall(file, stamp)
        {
            return Ok(text);
        }
        let mut command = Command::new(path).args(asked.arguments().iter().copied());
        command.environment = DISTRACTING.map(|name| (name.to_owned(), None)).into();
        // Where the program lies there is no `.env` that Compose would read and stumble over.
        let directory = path.parent().unwrap_or(path);
        let said = process::output(&command, directory, PATIENCE)
            .await
            .map_err(|error| human::sanitize(&error.to_string()))?;
        let text = asked.read(&said)?;
        if let (Some(file), Some(stamp)) = (&file, &stamp) {
            // What cannot be kept is asked again next time, and nothing else.
            let _ = keep(file, stamp, &text);
        }
        Ok(text)
    }
}

/// Why what lies at `path` cannot be run, as far as can be told without trying.
pub(super) fn unusable(path: &Path) -> Option<String> {
    match path.metadata() {
        Err(error) => Some(match std::fs::read_link(path) {
            Ok(target) => format!("it is a link to `{}`: {error}", target.display()),
            Err(_) => error.to_string(),
        }),
        Ok(data) if !data.is_file() => Some("it is not a file".to_owned()),
        Ok(_) if !config::is_program(path) => Some("it is not executable".to_owned()),
        Ok(_) => None,
    }
}

/// What tells one build of a program from another, and the name under which it is kept.
struct Stamp {
    name: String,
    line: String,
}

fn stamp(path: &Path, asked: Asked) -> Option<Stamp> {
    let path = path.canonicalize().ok()?;
    let data = path.metadata().ok()?;
    let changed = data.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let id = format!("{asked:?} {}", path.display());
    Some(Stamp {
        name: human::hex(&Sha256::digest(&id)[..8]),
        line: format!("{id} {} {}", data.len(), changed.as_nanos()),
    })
}

/// What was kept under this stamp.
fn recall(file: &Path, stamp: &Stamp) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let version = text.strip_prefix(&stamp.line)?.strip_prefix('\n')?;
    let version = version.strip_suffix('\n')?;
    (!version.is_empty() && !version.contains('\n')).then(|| version.to_owned())
}

fn keep(file: &Path, stamp: &Stamp, version: &str) -> std::io::Result<()> {
    let directory = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    let mut fresh = tempfile::NamedTempFile::new_in(directory)?;
    std::io::Write::write_all(
        &mut fresh,
        format!("{}\n{version}\n", stamp.line).as_bytes(),
    )?;
    fresh.persist(file).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(all(test, unix))]
mod tests;
