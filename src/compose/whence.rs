//! Where the value of a variable comes from: while compose files are read, and inside of
//! containers. These are two worlds, and mistaking one for the other is what people ask about.

use crate::diagnostic::{Diagnostic, Span};

use super::merge::pairs_to_map;
use super::model::{Project, Setting, Variable};
use super::resolved::environment;
use super::tree::Node;

/// All that is known of one variable.
#[derive(Debug)]
pub struct Whence<'p> {
    /// The values it has for `${NAME}`, the one that counts first.
    pub interpolation: &'p [Setting],
    /// The values it has for `${NAME}` in included projects, when it has none above.
    pub included: &'p [Setting],
    /// How the compose files use it, when they do.
    pub used: Option<&'p Variable>,
    /// The services whose containers have it, or ask for it.
    pub containers: Vec<Container>,
    /// What is worth knowing about all of this.
    pub notes: Vec<Diagnostic>,
}

/// What one service's container gets.
#[derive(Debug)]
pub struct Container {
    /// The service.
    pub service: String,
    /// The values it is given, the one that counts first.
    pub values: Vec<Given>,
}

/// A value that the container of a service is given.
#[derive(Debug)]
pub struct Given {
    /// The value; none when the variable is asked for by name and not set.
    pub value: Option<String>,
    /// The place that gives it.
    pub at: Span,
    /// How it is given.
    pub by: By,
}

/// How a container is given a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// `environment:` with a value.
    Environment,
    /// `environment:` with a name alone: the value is that of `${NAME}`.
    PassedThrough,
    /// A file of `env_file:`.
    File,
}

impl Whence<'_> {
    /// Whether anything sets it.
    pub fn is_set(&self) -> bool {
        let given = |container: &Container| {
            let first = container.values.first();
            first.is_some_and(|given| given.value.is_some())
        };
        !self.interpolation.is_empty()
            || !self.included.is_empty()
            || self.containers.iter().any(given)
    }
}

impl Project {
    /// Where the variable `name` gets its values, for compose files and in the containers of
    /// `services`; all active services when none is named.
    ///
    /// # Errors
    /// A service that is not there.
    pub fn whence(&self, name: &str, services: &[String]) -> Result<Whence<'_>, Diagnostic> {
        let mut notes = Vec::new();
        let mut containers = Vec::new();
        for service in self.select(services)? {
            let values = self.given(name, &service, &mut notes);
            if !values.is_empty() {
                containers.push(Container { service, values });
            }
        }
        let interpolation = self
            .settings
            .get(name)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let included = self.included.get(name).map(Vec::as_slice);
        let used = self.variables.get(name);
        let empty = interpolation
            .first()
            .is_none_or(|winner| winner.value.is_empty());
        if let Some(used) = used.filter(|_| empty && included.is_none()) {
            notes.extend(mistaken(name, used, &containers));
        }
        Ok(Whence {
            interpolation,
            included: included.unwrap_or_default(),
            used,
            containers,
            notes,
        })
    }

    /// The values that the container of a service is given, the one that counts first.
    fn given(&self, name: &str, service: &str, notes: &mut Vec<Diagnostic>) -> Vec<Given> {
        let Some(node) = self.tree.at(&["services", service]) else {
            return Vec::new();
        };
        let written = node.get("environment").cloned().map(pairs_to_map);
        let bare = written.is_some_and(|map| map.get(name).is_some_and(Node::is_null));
        let files: Vec<String> = environment::files(node, &self.here);
        let mut node = node.clone();
        let mut errors = Vec::new();
        environment::resolve(service, &mut node, self, &mut errors);
        notes.extend(errors.into_iter().map(|mut error| {
            error.severity = crate::diagnostic::Severity::Warning;
            error
        }));
        let Some(winner) = node.at(&["environment", name]) else {
            return Vec::new();
        };
        let by = |span: &Span| {
            if files.contains(&span.source.name) {
                By::File
            } else {
                By::Environment
            }
        };
        let mut values = vec![Given {
            value: winner.scalar_text(),
            at: winner.span.clone(),
            by: if bare {
                By::PassedThrough
            } else {
                by(&winner.span)
            },
        }];
        values.extend(winner.overrode.iter().rev().map(|old| Given {
            value: Node::new(old.value.clone(), old.span.clone()).scalar_text(),
            at: old.span.clone(),
            by: by(&old.span),
        }));
        values
    }
}

/// `${NAME}` is empty although a container has the variable.
fn mistaken(name: &str, used: &Variable, containers: &[Container]) -> Option<Diagnostic> {
    let (service, given) = containers.iter().find_map(|container| {
        let mut values = container.values.iter();
        let file = values.rfind(|given| given.by == By::File)?;
        Some((&container.service, file))
    })?;
    let place = used.places.first()?;
    Some(
        Diagnostic::warning(format!(
            "`${{{name}}}` is empty: `env_file` sets variables in containers, not in compose files"
        ))
        .at(place.clone(), "used here")
        // The place is told without its line, which may hold a secret.
        .help(format!(
            "{} sets it for the container of `{service}`",
            given.at
        ))
        .help(format!(
            "set it in `.env` too, or read this file for both: dcb --env-file {} ...",
            given.at.source.name
        )),
    )
}
