//! One form of a service's build: its Dockerfile, read, and what is missing for it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::given::Given;
use super::guard::Asked;
use super::{contexts, told};
use crate::compose::{self, Build, Project};
use crate::diagnostic::{Diagnostic, Source, Span};
use crate::dockerfile::{Dockerfile, Use};
use crate::failure::Class;
use crate::human;

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
    /// What it asks of its builder.
    pub(super) uses: Vec<Use>,
    /// What it is given beside its files.
    pub(super) given: Given,
    missing: Option<Missing>,
    context: bool,
    /// Named directories that are none.
    contexts: Vec<Diagnostic>,
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

impl Form {
    pub(super) fn read(project: &Project, build: &Build) -> Self {
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
        let dockerfile = Dockerfile::parse(&text);
        Self {
            variant: None,
            build: None,
            uses: dockerfile.features(),
            dockerfile,
            source: (here && missing.is_none()).then(|| Source::new(&name, text)),
            name,
            given: Given::read(project, build),
            missing,
            context,
            contexts: contexts::missing(build),
        }
    }

    /// The first of `names` that is the name of no stage, and one that was probably meant; nothing
    /// where the Dockerfile is elsewhere.
    pub(super) fn without_stage<'a>(
        &self,
        names: &'a [String],
    ) -> Option<(&'a String, Option<String>)> {
        self.source.as_ref()?;
        let stages = self.dockerfile.stages();
        let is_there = |wanted: &String| {
            stages.iter().enumerate().any(|(number, stage)| {
                stage
                    .name
                    .as_ref()
                    .map_or_else(|| format!("stage-{number}"), Clone::clone)
                    .eq_ignore_ascii_case(wanted)
            })
        };
        let missing = names.iter().find(|name| !is_there(name))?;
        let known = stages.iter().filter_map(|stage| stage.name.as_deref());
        let near = human::nearest(missing, known).map(str::to_owned);
        Some((missing, near))
    }

    /// Whether a step of it may have a cache mount; what is elsewhere may have any.
    pub(super) fn may_use_cache_mounts(&self) -> bool {
        self.source.is_none() || self.dockerfile.cache_mounts().next().is_some()
    }

    /// What `no_cache_filter:` says of stages that are not there; BuildKit passes over them in silence.
    pub(super) fn without_stages(&self, asked: &Asked<'_>) -> Option<Diagnostic> {
        let build = asked.build;
        let (missing, near) = self.without_stage(&build.no_cache_filter)?;
        let at = build
            .keys
            .get("no_cache_filter")
            .unwrap_or(&build.at)
            .clone();
        let message = format!(
            "`{}` has no stage `{missing}`: nothing is built anew for it",
            self.name
        );
        let warning = Diagnostic::warning(message).at(at, "");
        Some(match near {
            Some(near) => warning.help(format!("did you mean `{near}`?")),
            None => warning,
        })
    }

    /// The same, as the one for `role`.
    pub(super) fn of(mut self, role: Role, marker: &str) -> Self {
        self.variant = Some(Variant {
            role,
            marker: marker.to_owned(),
        });
        self
    }

    /// The same with a build section of its own.
    pub(super) fn with(mut self, build: Build) -> Self {
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

    /// Whether its name has this marker.
    pub(super) fn is_called(&self, marker: &str) -> bool {
        self.variant
            .as_ref()
            .is_some_and(|own| own.marker == marker)
    }

    /// `error` at the line of the Dockerfile that uses something.
    pub(super) fn at(&self, used: &Use, error: Diagnostic) -> Diagnostic {
        match &self.source {
            Some(source) => error.at(Span::lines(source, used.line, used.line), ""),
            None => error,
        }
    }

    /// Everything that is missing for it.
    pub(super) fn problems(&self, service: &str, own: &Build) -> Vec<Problem> {
        let contexts = self.contexts.iter().map(|diagnostic| Problem {
            class: Class::ContextMissing,
            diagnostic: diagnostic.clone(),
        });
        contexts.chain(self.problem(service, own)).collect()
    }

    /// The main context or the Dockerfile, when it is missing.
    fn problem(&self, service: &str, own: &Build) -> Option<Problem> {
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
