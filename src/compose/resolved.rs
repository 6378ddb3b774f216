//! The project as Compose sees it in the end: what `dcb config` writes.
//!
//! ```text
//! the loaded tree
//!   choose        the services asked for and what they depend on
//!   environment   env_file below environment, null values from the project's variables
//!   normal        networks, names and dependencies that nobody wrote
//!   forms         every value in the form that Compose writes
//!   prune         resources that no service uses, values that say nothing
//! ```
//!
//! The result is still a tree of places, so that every value can be asked where it comes from. It
//! is valid input: Compose and dcb read the same project from it.

pub(super) mod environment;
mod forms;
mod normal;
mod prune;
pub(super) mod words;

use std::collections::HashSet;

use crate::diagnostic::{Diagnostic, Position, Source, Span};

use super::model::Project;
use super::tree::{Map, Node, Value};

impl Project {
    /// The project with `services` and what they depend on; all active services when none is
    /// named.
    ///
    /// # Errors
    /// A service that is not there, a file of variables that cannot be read, a value that has no
    /// such form.
    pub fn resolved(&self, services: &[String]) -> Result<Node, Vec<Diagnostic>> {
        let chosen = self.select(services).map_err(|error| vec![error])?;
        let chosen: HashSet<String> = self.with_dependencies(&chosen).into_iter().collect();
        let mut tree = self.tree.clone();
        let mut errors = Vec::new();
        if let Some(map) = tree.as_map_mut() {
            map.shift_remove("version");
        }
        name(&mut tree, &self.name);
        if let Some(services) = tree.get_mut("services").and_then(Node::as_map_mut) {
            services.retain(|name, _| chosen.contains(name));
            services.sort_keys();
            for (name, entry) in services {
                environment::resolve(name, &mut entry.node, self, &mut errors);
                environment::arguments(&mut entry.node, self);
                normal::service(&mut entry.node);
            }
        }
        normal::only_present(&mut tree);
        normal::resources(&mut tree, &self.name);
        forms::apply(&mut tree, &mut errors);
        prune::resources(&mut tree);
        prune::values(&mut tree);
        if errors.is_empty() {
            Ok(tree)
        } else {
            Err(errors)
        }
    }
}

/// Puts the project's name at the top.
fn name(tree: &mut Node, name: &str) {
    let Some(map) = tree.as_map_mut() else {
        return;
    };
    let written = map.shift_remove("name").filter(|entry| {
        let text = entry.node.as_text().unwrap_or_default();
        super::name::normalise(text) == name
    });
    let entry = written.map_or_else(
        || implied(name),
        |mut entry| {
            entry.node.value = Value::Text(name.to_owned());
            entry
        },
    );
    map.shift_insert(0, "name".to_owned(), entry);
}

/// An entry that nobody wrote.
fn implied(text: &str) -> super::tree::Entry {
    let nowhere = nowhere();
    super::tree::Entry::new(&nowhere, Node::text(text, &nowhere))
}

/// The place of what nobody wrote.
pub(super) fn nowhere() -> Span {
    let start = Position { line: 1, column: 1 };
    Span::new(&Source::new("", ""), start, start)
}

/// The entries of a section of the project.
fn section<'n>(tree: &'n mut Node, name: &str) -> Option<&'n mut Map> {
    tree.get_mut(name).and_then(Node::as_map_mut)
}
