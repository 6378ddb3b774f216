//! A service's `build:` section and the request, joined into what the builder is asked for.

use indexmap::IndexMap;
use sha2::{Digest, Sha256};

use super::{Request, told};
use crate::compose::{self, Build, Project, Service};
use crate::diagnostic::Diagnostic;
use crate::docker::{
    BuildSpec, CacheUse, ContextSource, DockerfileSource, Network, PullPolicy, reference,
};
use crate::failure::{Class, Failure};
use crate::human;
use crate::secret::ArgValue;

/// The build of one service.
pub(super) fn spec(
    project: &Project,
    service: &Service,
    build: &Build,
    request: &Request,
) -> Result<BuildSpec, Failure> {
    let (dockerfile, dockerfile_name) = dockerfile(build, request);
    Ok(BuildSpec {
        context: match &build.context {
            compose::Context::Directory(path) => ContextSource::Directory(path.clone()),
            compose::Context::Remote(url) | compose::Context::Service(url) => {
                ContextSource::Remote(url.clone())
            }
        },
        dockerfile,
        dockerfile_name,
        target: build.target.clone(),
        args: args(build, request),
        labels: labels(project, service, build),
        tags: tags(project, service, build, request.separator)?,
        platform: platform(service, build, request),
        cache: if request.no_cache || build.no_cache {
            CacheUse::None
        } else {
            CacheUse::Normal
        },
        pull: if request.pull || build.pull {
            PullPolicy::Always
        } else {
            PullPolicy::Missing
        },
        network: match build.network.as_deref() {
            Some("host") => Network::Host,
            Some("none") => Network::None,
            _ => Network::Default,
        },
        extra_hosts: build.extra_hosts.clone(),
        shm_size: build.shm_size,
        ulimits: build.ulimits.clone(),
    })
}

fn dockerfile(build: &Build, request: &Request) -> (DockerfileSource, String) {
    match &build.dockerfile {
        compose::Dockerfile::File(path) => (
            DockerfileSource::File(path.clone()),
            told(path, &request.directory),
        ),
        compose::Dockerfile::InContext(path) => {
            (DockerfileSource::InContext(path.clone()), path.clone())
        }
        compose::Dockerfile::Inline(text, span) => (
            DockerfileSource::Inline(text.clone()),
            format!("dockerfile_inline at {span}"),
        ),
    }
}

/// The arguments in Compose's order of strength: the command line, the file, the proxies.
fn args(build: &Build, request: &Request) -> IndexMap<String, ArgValue> {
    let mut args: IndexMap<&String, &String> = build.args.iter().collect();
    args.extend(&request.build_args);
    for (name, value) in &request.proxy_args {
        // BuildKit gives a step both spellings with the value of either, whichever it meets last: a
        // value of the user's own must stand under both.
        let own = args.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        let value = own.map_or(value, |(_, value)| *value);
        args.entry(name).or_insert(value);
    }
    args.into_iter()
        .map(|(name, value)| (name.clone(), ArgValue::new(name, value)))
        .collect()
}

/// The labels of the file, and those by which Compose knows its images.
///
/// Compose also writes its version; dcb does not, so that an update of either leaves images and
/// containers alone.
fn labels(project: &Project, service: &Service, build: &Build) -> IndexMap<String, String> {
    let mut labels = build.labels.clone();
    for (name, value) in [
        ("com.docker.compose.project", &project.name),
        ("com.docker.compose.service", &service.name),
    ] {
        labels.insert(name.to_owned(), value.clone());
    }
    labels
}

/// All names of the image in full form: the additional ones first, as Compose orders them.
fn tags(
    project: &Project,
    service: &Service,
    build: &Build,
    separator: char,
) -> Result<Vec<String>, Failure> {
    let image = service.image_name(&project.name, separator);
    let mut tags: Vec<String> = Vec::new();
    for name in build.tags.iter().chain([&image]) {
        let full = reference::normalize(name).map_err(|error| {
            let written = if *name == image {
                project.tree.at(&["services", &service.name, "image"])
            } else {
                project
                    .tree
                    .at(&["services", &service.name, "build", "tags"])
            };
            let at = written.map_or(&service.at, |node| &node.span).clone();
            let mut diagnostic = Diagnostic::error(error.to_string()).at(at, "");
            if service.image.is_none() && *name == image {
                diagnostic =
                    diagnostic.help(format!("give it a name: `image: {}`", image.to_lowercase()));
            }
            let message = format!("the image of `{}` cannot be named so", service.name);
            Failure::found(Class::ComposeInvalid, message, vec![diagnostic])
        })?;
        if !tags.contains(&full) {
            tags.push(full);
        }
    }
    Ok(tags)
}

fn platform(service: &Service, build: &Build, request: &Request) -> Option<String> {
    build
        .platforms
        .first()
        .or(service.platform.as_ref())
        .or(request.default_platform.as_ref())
        .cloned()
}

/// The name under which the engine keeps what this build transfers. Whatever changes the set of
/// transferred files must change it, or builds evict each other's files.
pub(super) fn prefix(project: &Project, service: &Service, build: &Build) -> String {
    let mut hash = Sha256::new();
    for part in [
        project.directory.display().to_string(),
        service.name.clone(),
        format!("{:?}", build.context),
        match &build.dockerfile {
            compose::Dockerfile::File(path) => path.display().to_string(),
            compose::Dockerfile::InContext(path) => path.clone(),
            compose::Dockerfile::Inline(..) => String::new(),
        },
        build.target.clone().unwrap_or_default(),
    ] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    human::hex(&hash.finalize()[..6])
}
