//! The files of this machine that a plan depends on, read once before it is made.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use crate::compose::{self, Build, Project};
use crate::diagnostic::Diagnostic;
use crate::dockerfile::Dockerfile;
use crate::failure::Class;
use crate::human;

/// What was found of each service's build.
#[derive(Debug, Default)]
pub struct Inputs(HashMap<String, Found>);

#[derive(Debug)]
struct Found {
    dockerfile: Result<Dockerfile, Missing>,
    context: bool,
}

#[derive(Debug)]
struct Missing {
    why: String,
    /// A file near it that was probably meant.
    instead: Option<String>,
}

/// Something a build needs that is not there.
pub(super) struct Problem {
    pub(super) class: Class,
    pub(super) diagnostic: Diagnostic,
}

impl Inputs {
    /// Reads what the services of `project` need.
    pub fn read(project: &Project) -> Self {
        Self(
            project
                .services
                .values()
                .filter_map(|service| Some((service.name.clone(), found(service.build.as_ref()?))))
                .collect(),
        )
    }

    /// The Dockerfile of a service, when it is a file of this machine or written inline.
    pub(super) fn dockerfile(&self, service: &str) -> Option<&Dockerfile> {
        self.0.get(service)?.dockerfile.as_ref().ok()
    }

    /// What is missing for a service.
    pub(super) fn problem(&self, service: &str, build: &Build) -> Option<Problem> {
        let found = self.0.get(service)?;
        let at = |key: &str| build.keys.get(key).unwrap_or(&build.at).clone();
        if let (compose::Context::Directory(path), false) = (&build.context, found.context) {
            return Some(Problem {
                class: Class::ContextMissing,
                diagnostic: Diagnostic::error(format!(
                    "the build context of `{service}` is not a directory: `{}`",
                    path.display()
                ))
                .at(at("context"), "this directory does not exist"),
            });
        }
        let (Err(missing), compose::Dockerfile::File(path)) =
            (&found.dockerfile, &build.dockerfile)
        else {
            return None;
        };
        let mut diagnostic = Diagnostic::error(format!(
            "failed to read the Dockerfile of `{service}`, `{}`: {}",
            path.display(),
            missing.why
        ))
        .at(at("dockerfile"), "named here");
        if let Some(instead) = &missing.instead {
            diagnostic = diagnostic.help(format!("did you mean `{instead}`?"));
        }
        Some(Problem {
            class: Class::DockerfileMissing,
            diagnostic,
        })
    }
}

fn found(build: &Build) -> Found {
    let context = match &build.context {
        compose::Context::Directory(path) => path.is_dir(),
        compose::Context::Remote(_) | compose::Context::Service(_) => true,
    };
    let dockerfile = match &build.dockerfile {
        compose::Dockerfile::Inline(text, _) => Ok(Dockerfile::parse(text)),
        compose::Dockerfile::InContext(_) => Ok(Dockerfile::default()),
        compose::Dockerfile::File(path) => std::fs::read(path)
            .map(|text| Dockerfile::parse(&String::from_utf8_lossy(&text)))
            .map_err(|error| missing(path, &error)),
    };
    Found {
        dockerfile,
        context,
    }
}

fn missing(path: &Path, error: &io::Error) -> Missing {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    Missing {
        why,
        instead: (error.kind() == io::ErrorKind::NotFound)
            .then(|| neighbour(path))
            .flatten(),
    }
}

/// A Dockerfile in the same directory that was probably meant.
fn neighbour(path: &Path) -> Option<String> {
    let names: Vec<String> = std::fs::read_dir(path.parent()?)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.to_lowercase().contains("dockerfile"))
        .collect();
    let wanted = path.file_name()?.to_string_lossy();
    let near = human::nearest(&wanted, names.iter().map(String::as_str));
    match (near, names.as_slice()) {
        (Some(near), _) => Some(near.to_owned()),
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    }
}
