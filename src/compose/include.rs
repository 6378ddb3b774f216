//! `include:`: whole projects as parts of this one.
//!
//! An included project is loaded by itself, with its own directory and its own `.env`, and its
//! services, networks and so on are put below those of the document that includes it.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::diagnostic::{Diagnostic, Span};

use super::discover::{default_env_file, read_env_files};
use super::dotenv::Assigned;
use super::files::{directory_of, shown};
use super::load::{Loader, Scope, asked_for};
use super::merge;
use super::model::Setting;
use super::paths;
use super::rebase;
use super::resets::Resets;
use super::schema;
use super::tree::{Entry, Map, Node, Value};

/// The sections that an included project contributes.
const SECTIONS: [&str; 6] = [
    "services", "volumes", "networks", "secrets", "configs", "models",
];

/// One item of `include:`.
struct Item {
    paths: Vec<String>,
    env_files: Option<Vec<String>>,
    project_directory: Option<String>,
    at: Span,
}

/// Loads what `document` includes and puts it below its own definitions.
pub(super) fn apply(
    loader: &mut Loader<'_>,
    document: &mut Node,
    file: &Path,
    scope: &Scope,
    resets: &Resets,
) {
    let Some(entry) = document
        .as_map_mut()
        .and_then(|map| map.shift_remove("include"))
    else {
        return;
    };
    let errors = schema::check_include(&entry.node);
    if !errors.is_empty() {
        loader.findings.tell(errors);
        return;
    }
    let mut scope = scope.clone();
    scope.chain.push(file.to_owned());
    for item in entry.node.as_list().into_iter().flatten() {
        let item = read(item);
        if let Some(imported) = load(loader, &item, &scope) {
            import(loader, imported, document, resets);
        }
    }
}

fn read(node: &Node) -> Item {
    let texts = |node: &Node| match node.as_list() {
        Some(items) => items
            .iter()
            .filter_map(Node::as_text)
            .map(str::to_owned)
            .collect(),
        None => node
            .as_text()
            .map(str::to_owned)
            .into_iter()
            .collect::<Vec<_>>(),
    };
    let whole = node.as_text().map(|_| texts(node));
    Item {
        paths: whole
            .or_else(|| node.get("path").map(texts))
            .unwrap_or_default(),
        env_files: node
            .get("env_file")
            .map(texts)
            .filter(|files| !files.is_empty()),
        project_directory: node
            .get("project_directory")
            .and_then(Node::as_text)
            .filter(|directory| !directory.is_empty())
            .map(str::to_owned),
        at: node.span.clone(),
    }
}

/// The tree of one included project, with absolute paths.
fn load(loader: &mut Loader<'_>, item: &Item, scope: &Scope) -> Option<Node> {
    let files = files(loader, item, scope)?;
    let Some(main) = files.first() else {
        loader.findings.note(
            Diagnostic::warning("include names no file, it has no effect")
                .at(item.at.clone(), "`path` is missing"),
        );
        return None;
    };
    if let Some(begin) = scope.chain.iter().position(|file| file == main) {
        let mut way: Vec<String> = scope.chain[begin..]
            .iter()
            .map(|file| shown(file, loader.here))
            .collect();
        way.push(shown(main, loader.here));
        loader.error(
            Diagnostic::error(format!("include cycle detected: {}", way.join(" -> ")))
                .at(item.at.clone(), "closes the circle"),
        );
        return None;
    }
    let directory = match &item.project_directory {
        Some(directory) => paths::absolute(&scope.directory, directory),
        None => directory_of(main),
    };
    let inner = Scope {
        environment: environment(loader, item, scope, &directory)?,
        // Compose takes a project directory that does not exist for a file that is to lie there.
        directory: match item.project_directory.as_deref() {
            Some(given) if Path::new(given).is_relative() && !directory.is_dir() => {
                directory_of(&directory)
            }
            _ => directory,
        },
        chain: scope.chain.clone(),
        asked: Some(item.at.clone()),
    };
    let mut model = loader.model(&files, &inner)?;
    rebase::defaults(&mut model);
    rebase::absolute(&mut model, &inner.directory, &inner.environment);
    Some(model)
}

fn files(loader: &mut Loader<'_>, item: &Item, scope: &Scope) -> Option<Vec<PathBuf>> {
    let mut files = Vec::new();
    for name in &item.paths {
        let path = paths::absolute(&scope.directory, name);
        if !path.exists() {
            let error = Diagnostic::error(format!(
                "failed to read `{}`: no such file",
                shown(&path, loader.here)
            ));
            let error = error.at(item.at.clone(), "asked for here");
            loader.error(if name.contains("://") || name.starts_with("git@") {
                error.help("dcb does not fetch compose files; `docker compose config` does")
            } else {
                error
            });
            return None;
        }
        files.push(path);
    }
    Some(files)
}

/// The includer's variables, and below them those of the included project's `.env`.
fn environment(
    loader: &mut Loader<'_>,
    item: &Item,
    scope: &Scope,
    directory: &Path,
) -> Option<Rc<indexmap::IndexMap<String, String>>> {
    let files: Vec<PathBuf> = match &item.env_files {
        Some(names) => names
            .iter()
            .filter(|name| *name != "/dev/null")
            .map(|name| paths::absolute(&scope.directory, name))
            .collect(),
        None => default_env_file(directory).into_iter().collect(),
    };
    if files.is_empty() {
        return Some(Rc::clone(&scope.environment));
    }
    let unset = &mut loader.findings.unset;
    match read_env_files(&files, loader.here, &scope.environment, unset) {
        Ok(assigned) => {
            let mut merged = (*scope.environment).clone();
            for (name, mut values) in assigned {
                if let Some(Assigned { value, at }) = values.pop() {
                    let settings = loader.findings.included.entry(name.clone()).or_default();
                    settings.push(Setting {
                        value: value.clone(),
                        at: Some(at),
                    });
                    merged.entry(name).or_insert(value);
                }
            }
            Some(Rc::new(merged))
        }
        Err(error) => {
            loader.error(asked_for(error, Some(&item.at)));
            None
        }
    }
}

/// Puts the sections of `imported` below those of `document`.
fn import(loader: &mut Loader<'_>, mut imported: Node, document: &mut Node, resets: &Resets) {
    resets.apply(&mut imported);
    let span = document.span.clone();
    let Some(map) = document.as_map_mut() else {
        return;
    };
    for section in SECTIONS {
        let below = imported
            .as_map_mut()
            .and_then(|map| map.shift_remove(section))
            .filter(|entry| entry.node.as_map().is_some());
        let Some(below) = below else {
            continue;
        };
        let slot = map.entry(section.to_owned()).or_insert_with(|| {
            Entry::new(
                &below.at,
                Node::new(Value::Map(Map::default()), span.clone()),
            )
        });
        if slot.node.is_null() {
            slot.node.value = Value::Map(Map::default());
        }
        let above = std::mem::replace(&mut slot.node, Node::new(Value::Null, span.clone()));
        slot.node = loader.merge(below.node, above, &merge::root().join(section));
    }
}
