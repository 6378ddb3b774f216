//! From what was typed to what is meant: flags, then variables, then defaults, and who said it.

use indexmap::IndexMap;

use crate::ambient::Ambient;
use crate::cli::{BuildFlags, ProjectFlags};
use crate::compose::{self, Project};
use crate::docker::compose_cli::Compose;
use crate::docker::config::DockerConfig;
use crate::docker::host::Endpoint;
use crate::failure::{Class, Failure};
use crate::plan::{Request, Set};

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

/// What to build of `project`, and how.
///
/// # Errors
/// When a variable has a value that it cannot have.
pub fn request(
    ambient: &Ambient,
    flags: &BuildFlags,
    services: &[String],
    project: &Project,
    docker: &Docker<'_>,
) -> Result<Request, Failure> {
    let address = docker.endpoint.address.to_string();
    Ok(Request {
        services: services.to_vec(),
        no_cache: flags.no_cache,
        pull: flags.pull,
        build_args: build_args(&flags.build_args, &project.environment),
        proxy_args: docker.config.proxy_arguments(&address),
        parallel: parallel(ambient, flags)?,
        separator: docker.separator,
        default_platform: project
            .environment
            .get("DOCKER_DEFAULT_PLATFORM")
            .filter(|platform| !platform.is_empty())
            .cloned(),
        directory: ambient.directory.clone(),
    })
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

fn parallel(ambient: &Ambient, flags: &BuildFlags) -> Result<Set<usize>, Failure> {
    if let Some(jobs) = flags.jobs {
        return Ok(Set {
            value: jobs as usize,
            from: "--jobs",
        });
    }
    match ambient.variable("COMPOSE_PARALLEL_LIMIT") {
        None => Ok(Set {
            value: ambient.processors(),
            from: "the number of processors",
        }),
        Some(text) => match text.parse::<i64>() {
            Ok(limit) => Ok(Set {
                // Compose reads everything below one as no limit.
                value: usize::try_from(limit)
                    .ok()
                    .filter(|n| *n > 0)
                    .unwrap_or(usize::MAX),
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
