//! The environment of a container: `env_file` below `environment`, and labels from files.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use crate::compose::dotenv::{self, Assigned};
use crate::compose::files::{read_env, shown};
use crate::compose::merge::pairs_to_map;
use crate::compose::model::Project;
use crate::compose::tree::{Entry, Map, Node, Value};
use crate::diagnostic::{Diagnostic, Position, Source, Span};

/// Replaces `env_file` of a service by what it says, below `environment`, and gives variables
/// without a value that of the project.
pub(in crate::compose) fn resolve(
    name: &str,
    service: &mut Node,
    project: &Project,
    errors: &mut Vec<Diagnostic>,
) {
    let span = service.span.clone();
    let own = match service.get("environment") {
        Some(node) => pairs_to_map(node.clone()),
        None => Node::new(Value::Map(Map::default()), span.clone()),
    };
    let Value::Map(own) = own.value else {
        return;
    };
    let own = with_values(own, &project.environment);
    let Some(map) = service.as_map_mut() else {
        return;
    };
    let files = map.shift_remove("env_file");
    let mut all = Map::default();
    if let Some(files) = files {
        match from_files(name, &files.node, &own, project) {
            Ok(assigned) => all = assigned,
            Err(error) => errors.push(error),
        }
    }
    for (key, mut entry) in own {
        if let Some(old) = all.get(&key) {
            entry.node = entry.node.instead_of(old.node.clone());
        }
        all.insert(key, entry);
    }
    all.sort_keys();
    let entry = Entry::new(&span, Node::new(Value::Map(all), span.clone()));
    match map.get_mut("environment") {
        Some(slot) => slot.node.value = entry.node.value,
        None => {
            map.insert("environment".to_owned(), entry);
        }
    }
}

/// The names of the files that `env_file` of a service names, as spans in them have them.
pub(in crate::compose) fn files(service: &Node, here: &Path) -> Vec<String> {
    let items = service.get("env_file").and_then(Node::as_list);
    let paths = items.into_iter().flatten();
    paths
        .filter_map(|item| item.get("path")?.as_text())
        .map(|path| shown(Path::new(path), here))
        .collect()
}

/// Gives the arguments of a build that have no value that of the project's variable; those that
/// no variable gives a value are left out.
pub(super) fn arguments(service: &mut Node, project: &Project) {
    let args = service
        .get_mut("build")
        .and_then(|build| build.get_mut("args"));
    let Some(map) = args.and_then(Node::as_map_mut) else {
        return;
    };
    *map = with_values(std::mem::take(map), &project.environment);
    map.retain(|_, entry| !entry.node.is_null());
}

/// Null values resolved where the project has a variable of that name.
fn with_values(mut own: Map, variables: &IndexMap<String, String>) -> Map {
    for (name, entry) in &mut own {
        if entry.node.is_null()
            && let Some(value) = variables.get(name)
        {
            entry.node.value = Value::Text(value.clone());
        }
    }
    own
}

/// What the files assign, later ones over earlier.
fn from_files(name: &str, files: &Node, own: &Map, project: &Project) -> Result<Map, Diagnostic> {
    let mut outer = project.environment.clone();
    for (key, entry) in own {
        if let Some(value) = entry.node.scalar_text() {
            outer.entry(key.clone()).or_insert(value);
        }
    }
    let mut latest: IndexMap<String, Assigned> = IndexMap::new();
    let mut all = Map::default();
    for item in files.as_list().unwrap_or_default() {
        let path = item.get("path").and_then(Node::as_text).unwrap_or_default();
        let optional = item
            .get("required")
            .is_some_and(|node| matches!(node.value, Value::Bool(false)));
        let raw = item.get("format").and_then(Node::as_text) == Some("raw");
        if !Path::new(path).exists() {
            if optional {
                continue;
            }
            return Err(missing("env file", name, path, item, project));
        }
        let source = read_env(Path::new(path), &shown(Path::new(path), &project.here))
            .map_err(|error| error.at(item.span.clone(), "named here"))?;
        let assigned = if raw {
            raw_lines(&source)
        } else {
            dotenv::parse(&source, &outer, &latest, &mut |_, _| {})?
        };
        for (key, Assigned { value, at }) in assigned {
            latest.insert(
                key.clone(),
                Assigned {
                    value: value.clone(),
                    at: at.clone(),
                },
            );
            let mut entry = Entry::new(&at, Node::text(value, &at));
            if let Some(old) = all.get(&key) {
                let old: &Entry = old;
                entry.node = entry.node.instead_of(old.node.clone());
            }
            all.insert(key, entry);
        }
    }
    Ok(all)
}

fn missing(kind: &str, service: &str, path: &str, item: &Node, project: &Project) -> Diagnostic {
    let shown = shown(Path::new(path), &project.here);
    let error = Diagnostic::error(format!("{kind} `{shown}` not found"))
        .at(item.span.clone(), format!("service `{service}` needs it"));
    match kind {
        "env file" => error.help(format!(
            "create it, or write `{{path: {shown}, required: false}}`"
        )),
        _ => error,
    }
}

/// A file of `NAME=value` lines that are taken as they are.
fn raw_lines(source: &std::sync::Arc<Source>) -> IndexMap<String, Assigned> {
    let mut assigned = IndexMap::new();
    for (number, line) in source.text.lines().enumerate() {
        let line_start = line.trim_start();
        if line_start.starts_with('#') {
            continue;
        }
        if let Some((name, value)) = line_start.split_once('=') {
            let line = number + 1;
            let start = Position { line, column: 1 };
            let end = Position {
                line,
                column: name.chars().count() + 1,
            };
            assigned.insert(
                name.to_owned(),
                Assigned {
                    value: value.to_owned(),
                    at: Span::new(source, start, end),
                },
            );
        }
    }
    assigned
}

/// Puts the labels of the files that `label_file` of a service names below its own.
pub(in crate::compose) fn labels(
    name: &str,
    service: &mut Node,
    here: &Path,
) -> Result<(), Diagnostic> {
    let Some(files) = service.get("label_file").cloned() else {
        return Ok(());
    };
    let nothing = IndexMap::new();
    let mut latest: IndexMap<String, Assigned> = IndexMap::new();
    for item in files.as_list().unwrap_or_default() {
        let path = PathBuf::from(item.as_text().unwrap_or_default());
        let shown = shown(&path, here);
        if !path.exists() {
            return Err(Diagnostic::error(format!("label file `{shown}` not found"))
                .at(item.span.clone(), format!("service `{name}` needs it")));
        }
        let source =
            read_env(&path, &shown).map_err(|error| error.at(item.span.clone(), "named here"))?;
        latest.extend(dotenv::parse(&source, &nothing, &latest, &mut |_, _| {})?);
    }
    let mut all = Map::default();
    for (key, Assigned { value, at }) in latest {
        all.insert(key, Entry::new(&at, Node::text(value, &at)));
    }
    let own = service.get("labels").cloned().map(pairs_to_map);
    if let Some(Value::Map(own)) = own.map(|node| node.value) {
        for (key, mut entry) in own {
            if let Some(old) = all.get(&key) {
                entry.node = entry.node.instead_of(old.node.clone());
            }
            all.insert(key, entry);
        }
    }
    if let Some(map) = service.as_map_mut() {
        map.shift_remove("label_file");
        let node = Node::new(Value::Map(all), files.span.clone());
        map.insert("labels".to_owned(), Entry::new(&files.span, node));
    }
    Ok(())
}
