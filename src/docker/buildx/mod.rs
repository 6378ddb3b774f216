//! Builders of the user's own, through buildx: in a container, remote, in Kubernetes, in a cloud.
//!
//! ```text
//! BuildSpec ── arguments ─> buildx build --builder NAME --progress=rawjson --load (or --push)
//!                                │ standard error
//!              stream <──────────┘
//!                ├── message ─> BuildKit's Steps ─> events
//!                └── text ────> failure
//! ```
//!
//! buildx speaks to the builder, boots it where it can, and puts the image into the engine or straight
//! into its registry; dcb hands it one build at a time and hears what BuildKit says, as it does of the
//! engine's own. The program
//! is the docker CLI's plugin, run by itself: that saves a process and works where there is no CLI.
//! What buildx keeps (`docker buildx use`, the builders) is read, see [`builders`], and never changed.

mod arguments;
pub mod builders;
mod failure;
pub(super) mod instance;
pub mod manage;
mod message;
mod stream;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::Deserialize;
use tokio::sync::watch;

use super::api::Api;
use super::buildkit::Steps;
use super::config::DockerConfig;
use super::detect::Facts;
use super::outcome::{BuildError, Built};
use super::programs::{self, Program};
use super::spec::{BuildSpec, Keeper};
use crate::ambient::Ambient;
use crate::event::{Event, Events, JobId, Pushed};
use crate::failure::{Class, Failure};
use crate::human;
use crate::process::{self, Command, Followed};
use arguments::Around;
use stream::{Piece, Pieces};

/// The first buildx that tells its progress as JSON.
const WITH_RAWJSON: (u64, u64) = (0, 13);

/// Lines of text that are kept to tell why a build failed: the excerpt of the Dockerfile and the
/// error after it.
const KEPT: usize = 200;

/// The buildx of this machine, on one engine.
pub struct Buildx {
    program: PathBuf,
    facts: Facts,
    directory: PathBuf,
    environment: IndexMap<String, String>,
    proxies: Vec<(String, String)>,
}

impl Buildx {
    /// Finds buildx, which is asked for its version once.
    ///
    /// # Errors
    /// When there is none, or it cannot do what dcb needs.
    pub async fn find(
        ambient: &Ambient,
        config: &DockerConfig,
        facts: &Facts,
    ) -> Result<Self, Failure> {
        let address = facts.endpoint.address.to_string();
        Ok(Self {
            program: program(ambient, config).await?,
            facts: facts.clone(),
            directory: ambient.directory.clone(),
            environment: ambient.environment.clone(),
            proxies: config.proxy_arguments(&address),
        })
    }

    /// Builds one image with the builder called `builder` and puts it where it is to go; tells `events`
    /// what happens. When `stop` turns true buildx is asked to end, which stops the running step.
    ///
    /// # Errors
    /// [`BuildError::Failed`] with its cause, [`BuildError::Stopped`] after `stop`.
    pub async fn build(
        &self,
        job: JobId,
        builder: &str,
        spec: &BuildSpec,
        events: &Events,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Built, BuildError> {
        // Dropped with all that is in it when the build is over, however it ends.
        let private = tempfile::Builder::new()
            .prefix("dcb-buildx-")
            .tempdir()
            .map_err(|error| arguments::unwritten(&std::env::temp_dir(), &error))
            .map_err(BuildError::before_any_step)?;
        let around = Around {
            program: &self.program,
            builder,
            directory: private.path(),
            environment: &self.environment,
            proxies: &self.proxies,
        };
        let command = arguments::command(spec, &around).map_err(BuildError::before_any_step)?;
        let mut heard = Heard::new(job, events);
        let ended = self.run(&command, &mut heard, stop).await?;
        heard.end().await;
        let status = match ended {
            Followed::Stopped => return Err(BuildError::Stopped),
            Followed::Ended(status) => status,
        };
        if status.success() {
            let built = match spec.destination {
                Keeper::Engine => self.image(builder, spec).await,
                Keeper::Registry => Ok(pushed(spec, private.path())),
            };
            return built.map_err(|failure| heard.failed(failure));
        }
        let context = failure::Context {
            builder,
            spec,
            steps: &heard.steps,
            lines: heard.lines.make_contiguous(),
            status: status.to_string(),
        };
        let failure = failure::explain(&context);
        Err(heard.failed(failure))
    }

    async fn run(
        &self,
        command: &Command,
        heard: &mut Heard<'_>,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Followed, BuildError> {
        let started = Event::ProgramStarted {
            job: heard.job,
            command: command.to_string(),
        };
        tell(vec![started], heard.events).await;
        let stop = async {
            // A sender that is gone asks for nothing.
            if stop.wait_for(|stop| *stop).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        process::follow(command, &self.directory, stop, async |bytes: &[u8]| {
            heard.hear(bytes).await;
        })
        .await
        .map_err(|error| BuildError::before_any_step(unusable(&self.program, &error.to_string())))
    }

    /// The image that was built, as the engine has it now.
    async fn image(&self, builder: &str, spec: &BuildSpec) -> Result<Built, Failure> {
        // What is written elsewhere is no image of the engine.
        let tag = spec.tags.first().filter(|_| spec.output.is_none());
        let Some(tag) = tag else {
            return Ok(Built::here(None));
        };
        let facts = &self.facts;
        let api = Api::new(&facts.endpoint, facts.spoken())?;
        match api.image_id(tag).await? {
            Some(id) => Ok(Built::here(Some(id))),
            None => Err(Failure::new(
                Class::BuilderBroken,
                format!(
                    "the builder `{builder}` built `{tag}`, and the engine at {} does not have it",
                    self.facts.endpoint.address
                ),
            )
            .hint(format!(
                "to which engine does it load? docker buildx inspect {builder}"
            ))),
        }
    }
}

/// The image under all its names in their registries, with the digest that buildx wrote down.
fn pushed(spec: &BuildSpec, directory: &Path) -> Built {
    #[derive(Deserialize)]
    struct Metadata {
        #[serde(rename = "containerimage.digest")]
        digest: String,
    }
    let read = || -> Option<Metadata> {
        let json = std::fs::read(arguments::metadata(directory)).ok()?;
        serde_json::from_slice(&json).ok()
    };
    let digest = read().map(|metadata| metadata.digest);
    let names = spec.tags.iter().map(|name| Pushed {
        name: name.clone(),
        digest: digest.clone(),
    });
    Built {
        pushed: names.collect(),
        ..Built::default()
    }
}

/// buildx, when it can tell its progress.
///
/// # Errors
/// When there is none, it cannot be used, or it is too old.
pub async fn program(ambient: &Ambient, config: &DockerConfig) -> Result<PathBuf, Failure> {
    let Some(Program { path, version }) = programs::buildx(ambient, config).await else {
        return Err(Failure::new(
            Class::BuildxMissing,
            "a builder of your own needs buildx, and there is none: neither the plugin `docker-buildx` nor a program of that name on PATH",
        )
        .hint(INSTALL[0])
        .hint(INSTALL[1]));
    };
    let (major, minor) = WITH_RAWJSON;
    match version {
        Ok(version) if version.is_before(major, minor) => Err(Failure::new(
            Class::BuildxMissing,
            format!(
                "buildx {version} (`{}`) is too old for a builder of your own: it takes {major}.{minor} or later, which tells its progress as data",
                path.display()
            ),
        )
        .hint(INSTALL[0])
        .hint(INSTALL[1])),
        Ok(_) => Ok(path),
        Err(why) => Err(unusable(&path, &why)),
    }
}

/// Where to get it.
const INSTALL: [&str; 2] = [
    "install it from Docker's packages: sudo apt-get install docker-buildx-plugin",
    "or from Debian's, 13 and later: sudo apt-get install docker-buildx",
];

fn unusable(path: &Path, why: &str) -> Failure {
    Failure::new(
        Class::BuildxMissing,
        format!(
            "buildx cannot be used (`{}`): {}",
            path.display(),
            human::sanitize(why)
        ),
    )
    .hint(INSTALL[0])
    .hint(INSTALL[1])
}

/// What a build said so far.
struct Heard<'a> {
    job: JobId,
    events: &'a Events,
    pieces: Pieces,
    steps: Steps,
    /// The last lines of text.
    lines: VecDeque<String>,
}

impl<'a> Heard<'a> {
    fn new(job: JobId, events: &'a Events) -> Self {
        Self {
            job,
            events,
            pieces: Pieces::default(),
            steps: Steps::new(job, events.clock()),
            lines: VecDeque::new(),
        }
    }

    async fn hear(&mut self, bytes: &[u8]) {
        let pieces = self.pieces.feed(bytes);
        self.take(pieces).await;
    }

    async fn end(&mut self) {
        let pieces = std::mem::take(&mut self.pieces).end();
        self.take(pieces).await;
    }

    async fn take(&mut self, pieces: Vec<Piece>) {
        for piece in pieces {
            match piece {
                Piece::Message(json) => {
                    if let Some(message) = message::read(&json) {
                        tell(self.steps.fold(message), self.events).await;
                    }
                }
                Piece::Text(line) => self.line(line).await,
            }
        }
    }

    async fn line(&mut self, line: String) {
        if let Some(warning) = line.strip_prefix("WARNING: ") {
            let warning = Event::Warning {
                job: self.job,
                message: human::sanitize(warning),
                line: None,
                url: None,
            };
            tell(vec![warning], self.events).await;
            return;
        }
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    fn failed(&self, failure: Failure) -> BuildError {
        BuildError::Failed {
            failure: Box::new(failure),
            reached: self.steps.reached(),
        }
    }
}

async fn tell(told: Vec<Event>, events: &Events) {
    for event in told {
        events.send(event).await;
    }
}
