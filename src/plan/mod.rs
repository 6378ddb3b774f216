//! What will be built, with which builder and Dockerfile, in which order, and why.
//!
//! [`plan`] is a pure function of the project, the files it names, what is known of the engine, and
//! the request. Everything that is decided is decided here; `run` only carries it out.

mod graph;
mod inputs;
mod refuse;
mod spec;

use std::fmt;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use crate::compose::{Build, Project, Service};
use crate::diagnostic::Diagnostic;
use crate::docker::{BuildSpec, Engine};
use crate::event::JobId;
use crate::failure::{Class, Failure};
use crate::human;

pub use inputs::Inputs;

/// What is asked for: the words of the command line and the settings behind them.
#[derive(Debug, Clone)]
pub struct Request {
    /// The services named; all when empty.
    pub services: Vec<String>,
    /// `--no-cache`.
    pub no_cache: bool,
    /// `--pull`.
    pub pull: bool,
    /// `--build-arg`, values resolved.
    pub build_args: IndexMap<String, String>,
    /// The arguments for proxies that the docker configuration adds.
    pub proxy_args: Vec<(String, String)>,
    /// How many jobs run side by side.
    pub parallel: Set<usize>,
    /// The character between project and service in an image's name.
    pub separator: char,
    /// `DOCKER_DEFAULT_PLATFORM`.
    pub default_platform: Option<String>,
    /// The directory that paths are told relative to.
    pub directory: PathBuf,
}

/// A value and who set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set<T> {
    /// The value.
    pub value: T,
    /// Who set it: a flag, a variable, or a default, as people know it.
    pub from: &'static str,
}

/// What will be done. `jobs[i].needs` are all below `i`.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The project's name.
    pub project: String,
    /// The project's directory.
    pub directory: PathBuf,
    /// The files it was read from.
    pub files: Vec<PathBuf>,
    /// The engine that will build, when one answered.
    pub engine: Option<Engine>,
    /// What is built, each after what it needs.
    pub jobs: Vec<Job>,
    /// How many jobs run side by side.
    pub parallel: Set<usize>,
    /// What there is to tell before it begins.
    pub notes: Vec<Diagnostic>,
}

/// One image to build.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its place in the plan.
    pub id: JobId,
    /// The service it belongs to.
    pub service: String,
    /// The jobs whose images it begins with.
    pub needs: Vec<JobId>,
    /// Its place in the engine's memory of transferred files.
    pub prefix: String,
    /// Why it is built, and why this way.
    pub because: Reason,
    /// What the builder is asked for.
    pub spec: BuildSpec,
}

/// Why a job is in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Its service was named, or none was.
    Asked,
    /// The image of this service begins with it.
    NeededBy(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("the engine's own BuildKit builds it"),
            Self::NeededBy(service) => write!(
                f,
                "the image of `{service}` begins with it; the engine's own BuildKit builds it"
            ),
        }
    }
}

/// Decides what to build and how.
///
/// # Errors
/// When a service is unknown, a file is missing, an image's name is not one, services begin with
/// each other, or something is asked for that this engine or this dcb cannot do.
pub fn plan(
    project: &Project,
    inputs: &Inputs,
    engine: Option<&Engine>,
    request: &Request,
) -> Result<Plan, Failure> {
    let asked = selected(project, &request.services)?;
    let graph = graph::Graph::new(project, inputs, request);
    let order = graph.order(&asked)?;
    let chosen = || {
        order.iter().filter_map(|(name, _)| {
            Some((
                &project.services[name.as_str()],
                project.services[name.as_str()].build.as_ref()?,
            ))
        })
    };
    check(chosen(), inputs, engine, request)?;
    let mut jobs: Vec<Job> = Vec::new();
    for (service, build) in chosen() {
        let place = |name: &str| {
            jobs.iter()
                .find(|job| job.service == name)
                .map(|job| job.id)
        };
        let needs = graph.needs(&service.name).filter_map(place).collect();
        let because = order[service.name.as_str()].clone();
        jobs.push(Job {
            id: JobId(jobs.len()),
            service: service.name.clone(),
            needs,
            prefix: spec::prefix(project, service, build),
            because,
            spec: spec::spec(project, service, build, request)?,
        });
    }
    let mut notes = project.notes.clone();
    if jobs.is_empty() {
        notes.push(Diagnostic::warning(
            "no service has a `build:` section: nothing to build",
        ));
    }
    Ok(Plan {
        project: project.name.clone(),
        directory: project.directory.clone(),
        files: project.files.clone(),
        engine: engine.cloned(),
        jobs,
        parallel: request.parallel.clone(),
        notes,
    })
}

/// The services that were named, or all.
fn selected<'a>(project: &'a Project, names: &[String]) -> Result<Vec<&'a Service>, Failure> {
    if names.is_empty() {
        return Ok(project.services.values().collect());
    }
    names
        .iter()
        .map(|name| {
            project
                .services
                .get(name)
                .ok_or_else(|| unknown(project, name))
        })
        .collect()
}

fn unknown(project: &Project, name: &str) -> Failure {
    let failure = Failure::new(
        Class::Usage,
        format!("the project `{}` has no service `{name}`", project.name),
    );
    let known = project.services.keys().map(String::as_str);
    match human::nearest(name, known.clone()) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint(format!("its services are {}", human::list(known))),
    }
}

/// Everything that is wrong before a build begins, told at once.
fn check<'a>(
    services: impl Iterator<Item = (&'a Service, &'a Build)>,
    inputs: &Inputs,
    engine: Option<&Engine>,
    request: &Request,
) -> Result<(), Failure> {
    let mut missing = Vec::new();
    let mut class = Class::DockerfileMissing;
    let mut refused = Vec::new();
    for (service, build) in services {
        if let Some(problem) = inputs.problem(&service.name, build) {
            if problem.class == Class::ContextMissing {
                class = Class::ContextMissing;
            }
            missing.push(problem.diagnostic);
        }
        refused.extend(refuse::refusals(service, build, engine));
        let platform = request.default_platform.as_deref();
        refused.extend(refuse::excluded_platform(service, build, platform));
    }
    if !missing.is_empty() {
        missing.extend(refused);
        return Err(Failure::found(
            class,
            "files that the build needs are missing",
            missing,
        ));
    }
    if !refused.is_empty() {
        return Err(Failure::found(
            Class::Unsupported,
            "the project asks for what cannot be built here",
            refused,
        ));
    }
    Ok(())
}

/// `path` as it is told to people: relative to `directory` when it lies below it.
fn told(path: &Path, directory: &Path) -> String {
    match path.strip_prefix(directory) {
        Ok(relative) if !relative.as_os_str().is_empty() => relative.display().to_string(),
        _ => path.display().to_string(),
    }
}
