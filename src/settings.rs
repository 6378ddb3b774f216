//! From what was typed to what is meant: flags, then variables, then defaults, and who said it.

mod builders;
mod caches;
mod extension;
mod files;
mod given;
mod no_cache;
mod output;
mod showing;
mod verify;

use indexmap::IndexMap;

use crate::ambient::Ambient;
use crate::cli::{BuildFlags, ProjectFlags};
use crate::compose::{self, Project};
use crate::docker::cache_entry;
use crate::docker::compose_cli::Compose;
use crate::docker::config::DockerConfig;
use crate::docker::host::Endpoint;
use crate::failure::{Class, Failure};
use crate::plan::{Request, SOURCE_DATE_EPOCH, Set};
use crate::secret::ArgValue;

pub use builders::{begins_traditional, named_builder};
pub use caches::{cleared, outgoing, pruned};
pub use extension::Extension;
pub use files::{Pair, pair};
pub use given::Given;
pub use no_cache::builds_all_anew;
pub use showing::show;
pub use verify::{Address, Check};

/// Which project to load.
///
/// # Errors
/// When `-f -` is given and standard input cannot be read.
pub fn project(
    ambient: &Ambient,
    flags: &ProjectFlags,
    services: &[String],
) -> Result<compose::Request, Failure> {
    let stdin = if flags.files.iter().any(|file| file == "-") {
        let text = std::io::read_to_string(std::io::stdin()).map_err(|error| {
            Failure::new(
                Class::ComposeInvalid,
                format!("failed to read the compose file from standard input: {error}"),
            )
        })?;
        Some(text)
    } else {
        None
    };
    Ok(compose::Request {
        directory: ambient.directory.clone(),
        environment: ambient.environment.clone(),
        files: flags.files.clone(),
        project_directory: flags.project_directory.clone(),
        project_name: flags.name.clone(),
        env_files: flags.env_files.clone(),
        profiles: flags.profiles.clone(),
        services: services.to_vec(),
        stdin,
    })
}

/// What was typed about a build.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "they are flags")]
pub struct Typed<'a> {
    /// The flags.
    pub flags: &'a BuildFlags,
    /// The flags that choose the project.
    pub project: &'a ProjectFlags,
    /// The services named.
    pub services: &'a [String],
    /// Whether base images are to be looked up anew.
    pub pull: bool,
    /// Whether the images are to be pushed.
    pub push: bool,
    /// `--output`.
    pub output: Option<&'a str>,
    /// Whether the Dockerfiles are checked and nothing is built.
    pub check: bool,
    /// Whether the images are to be started here.
    pub to_start: bool,
}

/// What to build of `project`, and how.
///
/// # Errors
/// When a variable has a value that it cannot have.
pub fn request(
    ambient: &Ambient,
    typed: Typed<'_>,
    project: &Project,
    extension: &Extension,
    docker: &Docker<'_>,
) -> Result<Request, Failure> {
    let flags = typed.flags;
    let (policy, own_policies) = builders::policies(ambient, typed, project, extension)?;
    let address = docker.endpoint.address.to_string();
    Ok(Request {
        services: typed.services.to_vec(),
        no_cache: no_cache::read(&flags.no_cache)?,
        pull: typed.pull,
        build_args: build_args(&flags.build_args, &project.environment),
        proxy_args: docker.config.proxy_arguments(&address),
        parallel: parallel(ambient, typed)?,
        separator: docker.separator,
        default_platform: project
            .environment
            .get("DOCKER_DEFAULT_PLATFORM")
            .filter(|platform| !platform.is_empty())
            .cloned(),
        push: typed.push,
        check: typed.check,
        output: match typed.output {
            Some(text) => output::read(text, ambient)?,
            None => None,
        },
        source_date_epoch: ambient
            .variable(SOURCE_DATE_EPOCH)
            .filter(|date| !date.is_empty())
            .map(str::to_owned),
        cache_variables: cache_variables(ambient),
        to_start: typed.to_start,
        directory: ambient.directory.clone(),
        policy,
        own_policies,
        fallback: builders::fallback(flags),
        keep_going: !flags.fail_fast,
    })
}

/// The variables that caches are reached with, where they are set. As with buildx they are those of
/// this process, and none of a `.env` file.
fn cache_variables(ambient: &Ambient) -> IndexMap<String, ArgValue> {
    cache_entry::VARIABLES
        .into_iter()
        .filter_map(|name| {
            let value = ambient.variable(name)?;
            Some((name.to_owned(), ArgValue::new(name, value)))
        })
        .collect()
}

/// What is known of Docker here when a request is made.
pub struct Docker<'a> {
    /// The docker configuration.
    pub config: &'a DockerConfig,
    /// Where the engine is.
    pub endpoint: &'a Endpoint,
    /// The character between project and service in an image's name.
    pub separator: char,
}

/// The character between project and service in an image's name: that of the Compose which will
/// look for the image.
pub fn separator(flags: &ProjectFlags, ambient: &Ambient, compose: Option<&Compose>) -> char {
    let variable = ambient.variable("COMPOSE_COMPATIBILITY");
    let compatible = flags.compatibility || matches!(variable, Some("1" | "true" | "TRUE" | "t"));
    if compatible {
        '_'
    } else {
        compose.map_or('-', Compose::separator)
    }
}

/// `--build-arg`; one without a value has that of the project's environment, or is left out.
fn build_args(
    flags: &[String],
    environment: &IndexMap<String, String>,
) -> IndexMap<String, String> {
    flags
        .iter()
        .filter_map(|flag| match flag.split_once('=') {
            Some((name, value)) => Some((name.to_owned(), value.to_owned())),
            None => Some((flag.clone(), environment.get(flag)?.clone())),
        })
        .collect()
}

/// Memory that a build is counted with: fewer run side by side where there is less of it.
const MEMORY: u64 = 512 << 20;
/// Builds that run side by side even on one processor: most of them wait for the engine's disk.
const AT_LEAST: usize = 4;

fn parallel(ambient: &Ambient, typed: Typed<'_>) -> Result<Set<usize>, Failure> {
    // Compose reads everything below one as no limit.
    let limit = |limit: i64| {
        usize::try_from(limit)
            .ok()
            .filter(|n| *n > 0)
            .unwrap_or(usize::MAX)
    };
    if let Some(jobs) = typed.flags.jobs {
        return Ok(Set {
            value: jobs as usize,
            from: "--jobs",
        });
    }
    if let Some(jobs) = typed.project.parallel {
        return Ok(Set {
            value: limit(jobs),
            from: "--parallel",
        });
    }
    match ambient.variable("COMPOSE_PARALLEL_LIMIT") {
        None => Ok(default_parallel(ambient)),
        Some(text) => match text.parse() {
            Ok(number) => Ok(Set {
                value: limit(number),
                from: "COMPOSE_PARALLEL_LIMIT",
            }),
            Err(_) => Err(Failure::new(
                Class::Usage,
                format!("COMPOSE_PARALLEL_LIMIT is `{text}`, which is no whole number"),
            )
            .hint("unset COMPOSE_PARALLEL_LIMIT, or use --jobs N")),
        },
    }
}

fn default_parallel(ambient: &Ambient) -> Set<usize> {
    let processors = ambient.processors();
    let by_memory = ambient.memory.map_or(usize::MAX, |bytes| {
        usize::try_from(bytes / MEMORY).unwrap_or(usize::MAX)
    });
    let (value, from) = if by_memory < processors.max(AT_LEAST) {
        (by_memory.max(1), "the memory of this machine")
    } else if processors < AT_LEAST {
        (AT_LEAST, "the default for few processors")
    } else {
        (processors, "the number of processors")
    };
    Set { value, from }
}
