//! The files of this machine that a plan depends on, read once before it is made.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::told;
use crate::compose::{self, Build, Project};
use crate::diagnostic::{Diagnostic, Source};
use crate::dockerfile::{Dockerfile, Markers, Name};
use crate::failure::Class;
use crate::human;

/// What was found of each service's build.
#[derive(Debug, Default)]
pub struct Inputs(HashMap<String, Vec<Form>>);

/// One of the forms in which a service can be built.
#[derive(Debug)]
pub(super) struct Form {
    /// Which of several it is; nothing when there is only one.
    pub(super) variant: Option<Variant>,
    /// Its build section, where that is not the service's own.
    build: Option<Build>,
    /// What the Dockerfile is called.
    pub(super) name: String,
    /// Its text, when it is a file of this machine or written inline.
    pub(super) source: Option<Arc<Source>>,
    /// The Dockerfile; an empty one when it is inside a remote context.
    pub(super) dockerfile: Dockerfile,
    missing: Option<Missing>,
    context: bool,
}

/// Which of several forms one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variant {
    pub(super) role: Role,
    /// The marker in its name, or `plain`.
    pub(super) marker: String,
}

/// What a form is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Today's builders.
    Optimised,
    /// Every builder.
    Traditional,
    /// Whatever its name says.
    Named,
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

/// Where else to look for forms.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    /// The markers of pairs.
    pub markers: &'a Markers,
    /// One more marker that is asked for by name.
    pub named: Option<&'a str>,
    /// The traditional form of the whole project, when its compose file has one beside it.
    pub traditional: Option<&'a Project>,
}

impl Inputs {
    /// Reads what the services of `project` need, in every form they have.
    pub fn read(project: &Project, beside: Beside<'_>) -> Self {
        let forms = |service: &compose::Service| {
            let build = service.build.as_ref()?;
            let other = beside
                .traditional
                .and_then(|project| project.services.get(&service.name)?.build.as_ref());
            let forms = match other {
                Some(other) => vec![
                    Form::read(project, build).of(Role::Optimised, &beside.markers.optimised),
                    Form::read(project, other)
                        .of(Role::Traditional, &beside.markers.traditional)
                        .with(other.clone()),
                ],
                None => pair(project, build, beside),
            };
            Some((service.name.clone(), forms))
        };
        Self(project.services.values().filter_map(forms).collect())
    }

    /// The forms of a service, the optimised one first; none when it does not build.
    pub(super) fn forms(&self, service: &str) -> &[Form] {
        self.0.get(service).map(Vec::as_slice).unwrap_or_default()
    }
}

impl Form {
    fn read(project: &Project, build: &Build) -> Self {
        let context = match &build.context {
            compose::Context::Directory(path) => path.is_dir(),
            compose::Context::Remote(_) | compose::Context::Service(_) => true,
        };
        let (name, text) = match &build.dockerfile {
            compose::Dockerfile::Inline(text, span) => {
                (format!("dockerfile_inline at {span}"), Ok(text.clone()))
            }
            compose::Dockerfile::InContext(path) => (path.clone(), Ok(String::new())),
            compose::Dockerfile::File(path) => (
                told(path, &project.here),
                std::fs::read(path)
                    .map(|text| String::from_utf8_lossy(&text).into_owned())
                    .map_err(|error| missing(path, &error)),
            ),
        };
        let (text, missing) = match text {
            Ok(text) => (text, None),
            Err(missing) => (String::new(), Some(missing)),
        };
        let here = !matches!(build.dockerfile, compose::Dockerfile::InContext(_));
        Self {
            variant: None,
            build: None,
            dockerfile: Dockerfile::parse(&text),
            source: (here && missing.is_none()).then(|| Source::new(&name, text)),
            name,
            missing,
            context,
        }
    }

    fn of(mut self, role: Role, marker: &str) -> Self {
        self.variant = Some(Variant {
            role,
            marker: marker.to_owned(),
        });
        self
    }

    fn with(mut self, build: Build) -> Self {
        self.build = Some(build);
        self
    }

    /// Its build section; `own` is that of the service.
    pub(super) fn build<'a>(&'a self, own: &'a Build) -> &'a Build {
        self.build.as_ref().unwrap_or(own)
    }

    /// Whether it is the one for `role`.
    pub(super) fn is(&self, role: Role) -> bool {
        self.variant.as_ref().is_some_and(|own| own.role == role)
    }

    /// What is missing for it.
    pub(super) fn problem(&self, service: &str, own: &Build) -> Option<Problem> {
        let build = self.build(own);
        let at = |key: &str| build.keys.get(key).unwrap_or(&build.at).clone();
        if let (compose::Context::Directory(path), false) = (&build.context, self.context) {
            return Some(Problem {
                class: Class::ContextMissing,
                diagnostic: Diagnostic::error(format!(
                    "the build context of `{service}` is not a directory: `{}`",
                    path.display()
                ))
                .at(at("context"), "this directory does not exist"),
            });
        }
        let (Some(missing), compose::Dockerfile::File(path)) = (&self.missing, &build.dockerfile)
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

/// The forms that stand beside the Dockerfile of `build`, itself among them.
///
/// The file that the project names always takes part. A plain file that it does not name is taken
/// for the traditional form of an optimised one and for nothing else: beside a `Dockerfile.test`
/// there often lies a `Dockerfile` that makes another image altogether.
fn pair(project: &Project, build: &Build, beside: Beside<'_>) -> Vec<Form> {
    let Markers {
        optimised,
        traditional,
    } = beside.markers;
    let own = || vec![Form::read(project, build)];
    let compose::Dockerfile::File(path) = &build.dockerfile else {
        return own();
    };
    let markers = [optimised.as_str(), traditional.as_str()];
    let known = beside.named.into_iter().chain(markers);
    let Some(name) = path
        .file_name()
        .and_then(|name| Name::read(name.to_str()?, known))
    else {
        return own();
    };
    let beside_it = |names: &[String]| {
        names
            .iter()
            .map(|name| path.with_file_name(name))
            .find(|path| path.is_file())
    };
    let marked = |marker: &str| beside_it(&name.with(marker));
    let plain = || beside_it(std::slice::from_ref(&name.plain));
    let form = |path: std::path::PathBuf| {
        let build = Build {
            dockerfile: compose::Dockerfile::File(path),
            ..build.clone()
        };
        Form::read(project, &build).with(build)
    };
    let mut forms = Vec::new();
    let mut add = |path: Option<std::path::PathBuf>, role, marker: &str| {
        forms.extend(path.map(|path| form(path).of(role, marker)));
    };
    if let Some(named) = beside.named.filter(|named| !markers.contains(named)) {
        add(marked(named), Role::Named, named);
    }
    match (
        name.marker.as_deref(),
        marked(optimised),
        marked(traditional),
    ) {
        (None, Some(path), None) => {
            add(Some(path), Role::Optimised, optimised);
            add(plain(), Role::Traditional, PLAIN);
        }
        (None, None, Some(path)) => {
            add(plain(), Role::Optimised, PLAIN);
            add(Some(path), Role::Traditional, traditional);
        }
        (Some(_), Some(first), Some(second)) => {
            add(Some(first), Role::Optimised, optimised);
            add(Some(second), Role::Traditional, traditional);
        }
        (Some(own), Some(first), None) if own == optimised => {
            add(Some(first), Role::Optimised, optimised);
            add(plain(), Role::Traditional, PLAIN);
        }
        // Two forms beside a plain file that is itself the one named are forms of something else.
        (None, Some(first), Some(second)) if beside.named.is_some() => {
            add(Some(first), Role::Optimised, optimised);
            add(Some(second), Role::Traditional, traditional);
        }
        _ => {}
    }
    if forms.len() < 2 && beside.named.is_none() {
        return own();
    }
    if !forms
        .iter()
        .any(|form| form.build(build).dockerfile == build.dockerfile)
    {
        forms.push(
            Form::read(project, build).of(Role::Named, name.marker.as_deref().unwrap_or(PLAIN)),
        );
    }
    forms
}

/// The form whose name has no marker.
const PLAIN: &str = "plain";

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
