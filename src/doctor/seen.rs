//! What was seen of this machine and this project: captured once, side by side, then only read.
//!
//! Each part may be missing: it was not asked for, or it could not be had. A check takes its parts by
//! the methods here, which give the reason to skip it where one is missing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Skip;
use super::images::Needed;
use crate::ambient::Ambient;
use crate::compose::{Build, Project};
use crate::diagnostic::{Diagnostic, Source, Span};
use crate::docker::Facts;
use crate::docker::buildkit::{Collects, Findings};
use crate::docker::config::DockerConfig;
use crate::docker::detect::{Info, Machine};
use crate::docker::host::Endpoint;
use crate::docker::programs::Programs;
use crate::docker::survey::{
    Availability, DaemonFile, Installed, Leftovers, LocalCache, MissingContext, OwnBuilder, Ports,
    Scratch, Usage,
};
use crate::dockerfile::{Dockerfile, Stage};
use crate::failure::{Class, Failure};
use crate::human;

/// What was seen.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The process's surroundings.
    pub ambient: &'a Ambient,
    /// The docker configuration, or why it cannot be read.
    pub config: Option<Result<&'a DockerConfig, &'a Failure>>,
    /// Where the engine is, or why that is not known.
    pub endpoint: Option<Result<&'a Endpoint, &'a Failure>>,
    /// The engine, or why there is none.
    pub engine: Option<Result<&'a Facts, &'a Failure>>,
    /// The full picture of Docker.
    pub machine: Option<&'a Machine>,
    /// The docker programs.
    pub programs: Option<&'a Programs>,
    /// What else lies about of Docker.
    pub installed: Option<&'a Installed>,
    /// The engine's configuration file, where it is one of this machine.
    pub daemon_file: Option<&'a DaemonFile>,
    /// Other engines that answer, when the one in use does not.
    pub neighbours: &'a [PathBuf],
    /// What the engine's build cache holds.
    pub usage: Option<&'a Usage>,
    /// What builds have left behind in the engine.
    pub leftovers: Option<&'a Leftovers>,
    /// The container of the selected builder, where it has one on this engine.
    pub own_builder: Option<&'a OwnBuilder>,
    /// The rules by which the engine collects its build cache; none where it does not tell them.
    pub collects: Option<&'a [Collects]>,
    /// The ports that are taken.
    pub ports: Option<&'a Ports>,
    /// The directories that programs write into.
    pub scratch: Option<&'a Scratch>,
    /// The directories that builds keep their caches in.
    pub caches: Option<&'a [LocalCache]>,
    /// The project, or why it cannot be loaded; nothing where there is none.
    pub project: Option<Result<&'a Project, &'a Failure>>,
    /// What is missing of the project's files, each with its class.
    pub missing: &'a [(Class, Diagnostic)],
    /// How it will be built, or why it cannot be.
    pub outlook: Option<Result<&'a Outlook, &'a Failure>>,
    /// The Dockerfiles that will be built.
    pub dockerfiles: &'a [Read],
    /// Their contexts.
    pub contexts: Option<&'a [ContextSeen]>,
    /// The images that they begin with, and whether they can be had.
    pub images: Option<&'a [(Needed, Availability)]>,
    /// What the engine's frontend finds in the Dockerfiles, when that was asked for.
    pub lints: Option<&'a [Lint]>,
    /// Builds that were tried, when that was asked for.
    pub trials: Option<&'a [Trial]>,
    /// How long looking at each took.
    pub took: &'a [Looked],
}

/// How long it took to look at something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// What was looked at.
    pub what: String,
    /// How long.
    pub took: Duration,
}

/// How a project will be built.
#[derive(Debug, Clone, Default)]
pub struct Outlook {
    /// For each service that is built, in order.
    pub ways: Vec<Way>,
    /// What there is to tell about it.
    pub notes: Vec<Diagnostic>,
}

/// How a service will be built.
#[derive(Debug, Clone)]
pub struct Way {
    /// The service.
    pub service: String,
    /// The builder, as plans call it.
    pub builder: String,
    /// Whether that is one which is sent all of a context: the classic builder, or Podman's.
    pub classic: bool,
}

/// A builder that was tried with a build of a step or two.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The builder, as plans call it.
    pub builder: String,
    /// How long the first build took, or why it failed.
    pub first: Result<Duration, Failure>,
    /// How long the same took again, when it succeeded.
    pub again: Option<Duration>,
    /// Whether the second one came from the cache.
    pub cached: bool,
    /// Whether a cache mount kept what was left in it, where that could be tried.
    pub kept: Option<bool>,
}

/// What the engine's frontend finds in a Dockerfile.
#[derive(Debug)]
pub struct Lint {
    /// The service that is built from it.
    pub service: String,
    /// What it finds.
    pub findings: Findings,
}

/// A Dockerfile that was read.
#[derive(Debug, Clone)]
pub struct Read {
    /// The service that is built from it.
    pub service: String,
    /// Its text, under its name.
    pub source: Arc<Source>,
    /// What it says.
    pub dockerfile: Dockerfile,
    /// The build section.
    pub build: Build,
    /// Whether it is the form that will be built.
    pub chosen: bool,
}

impl Read {
    /// The stages that the service needs, by number.
    pub fn needed_stages(&self) -> Vec<(usize, Stage<'_>)> {
        let target = self.build.target.as_deref();
        let needed = self.dockerfile.needed_stages(target, &self.build.args);
        let stages = self.dockerfile.stages().into_iter().enumerate();
        stages
            .filter(|(number, _)| needed.contains(number))
            .collect()
    }
}

/// A build context that was looked at.
#[derive(Debug, Clone, Default)]
pub struct ContextSeen {
    /// The service that is built from it.
    pub service: String,
    /// Its directory.
    pub directory: PathBuf,
    /// The ignore file that counts, when there is one.
    pub ignore_file: Option<PathBuf>,
    /// The instruction that takes all of it, when there is one.
    pub whole: Option<Span>,
    /// Bytes of what is not ignored; nothing when it was not measured.
    pub bytes: Option<u64>,
    /// Whether that is all, and not only what could be counted in time.
    pub complete: bool,
    /// What is largest in it, with its bytes.
    pub largest: Vec<(String, u64)>,
    /// Directories in it that hardly belong into an image.
    pub clutter: Vec<String>,
    /// Manifests of package managers in it whose versions nothing fixes.
    pub unlocked: Vec<String>,
    /// Sources of `COPY` and `ADD` that the ignore file leaves out.
    pub lost: Vec<Lost>,
}

/// A source that is there and ignored.
#[derive(Debug, Clone)]
pub struct Lost {
    /// The source as it is written.
    pub source: String,
    /// The instruction.
    pub place: Span,
}

impl<'a> Seen<'a> {
    /// What was seen where nothing was looked at.
    pub fn nothing(ambient: &'a Ambient) -> Self {
        Self {
            ambient,
            config: None,
            endpoint: None,
            engine: None,
            machine: None,
            programs: None,
            installed: None,
            daemon_file: None,
            neighbours: &[],
            usage: None,
            leftovers: None,
            own_builder: None,
            collects: None,
            ports: None,
            scratch: None,
            caches: None,
            project: None,
            missing: &[],
            outlook: None,
            dockerfiles: &[],
            contexts: None,
            images: None,
            lints: None,
            trials: None,
            took: &[],
        }
    }

    pub(super) fn config(&self) -> Result<&'a DockerConfig, Skip> {
        match self.config {
            Some(Ok(config)) => Ok(config),
            Some(Err(_)) => Err("the docker configuration cannot be read (CLI-07)".into()),
            None => Err("the docker configuration was not read".into()),
        }
    }

    pub(super) fn endpoint(&self) -> Result<&'a Endpoint, Skip> {
        match self.endpoint {
            Some(Ok(endpoint)) => Ok(endpoint),
            Some(Err(_)) => Err("it is not known where the engine is (ENG-01)".into()),
            None => Err("the engine was not looked for".into()),
        }
    }

    pub(super) fn facts(&self) -> Result<&'a Facts, Skip> {
        match self.engine {
            Some(Ok(facts)) => Ok(facts),
            Some(Err(_)) => Err("no engine answers (ENG-02)".into()),
            None => self.endpoint().and(Err("the engine was not asked".into())),
        }
    }

    pub(super) fn machine(&self) -> Result<&'a Machine, Skip> {
        self.machine
            .ok_or_else(|| "the engine was not asked".into())
    }

    pub(super) fn info(&self) -> Result<&'a Info, Skip> {
        self.facts()?;
        let info = self.machine()?.info.as_ref();
        info.ok_or_else(|| "the engine does not tell of itself".into())
    }

    pub(super) fn programs(&self) -> Result<&'a Programs, Skip> {
        self.programs
            .ok_or_else(|| "the programs were not looked for".into())
    }

    pub(super) fn installed(&self) -> Result<&'a Installed, Skip> {
        self.installed
            .ok_or_else(|| "the programs were not looked for".into())
    }

    /// The docker context in use, when it does not exist.
    pub(super) fn missing_context(&self) -> Option<&'a MissingContext> {
        self.installed?.missing_context.as_ref()
    }

    pub(super) fn project(&self) -> Result<&'a Project, Skip> {
        match self.project {
            Some(Ok(project)) => Ok(project),
            Some(Err(_)) => Err("the project cannot be loaded (CMP-01, ENV-01)".into()),
            None => Err("there is no project here".into()),
        }
    }

    pub(super) fn outlook(&self) -> Result<&'a Outlook, Skip> {
        match self.outlook {
            Some(Ok(outlook)) => Ok(outlook),
            Some(Err(_)) => Err("there is no way to build the project (CMP-09)".into()),
            None => self.project().and(Err("no plan was made".into())),
        }
    }

    /// The Dockerfiles that will be built; all where nothing could be chosen.
    pub(super) fn chosen(&self) -> Result<impl Iterator<Item = &'a Read>, Skip> {
        self.project()?;
        let any = self.dockerfiles.iter().any(|read| read.chosen);
        Ok(self
            .dockerfiles
            .iter()
            .filter(move |read| read.chosen || !any))
    }

    /// What it means that nothing can be built.
    pub(super) fn nothing_builds(&self) -> String {
        let services = self.project().map_or(0, |project| {
            let services = project.services.values();
            services.filter(|service| service.build.is_some()).count()
        });
        match services {
            0 => "nothing can be built".to_owned(),
            1 => "its one service cannot be built".to_owned(),
            _ => format!(
                "none of its {} can be built",
                human::count(services, "service")
            ),
        }
    }
}
