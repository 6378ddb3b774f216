//! Short forms to long forms, in the accumulated project after every file.
//!
//! Done between files rather than at the end, because the next file merges against long forms;
//! that is what makes a list clash with a mapping here and not there.

use crate::diagnostic::Diagnostic;

use super::merge::{build_to_map, dependencies_to_map, names_to_map, pairs_to_map};
use super::tree::{Entry, Map, Node, Value};

/// Brings every short form of `project` into its long form.
pub(super) fn canonicalise(project: &mut Node, errors: &mut Vec<Diagnostic>) {
    let Some(services) = project.get_mut("services").and_then(Node::as_map_mut) else {
        return;
    };
    for entry in services.values_mut() {
        service(&mut entry.node, errors);
    }
}

fn service(service: &mut Node, errors: &mut Vec<Diagnostic>) {
    rewrite(service, "build", build_to_map);
    rewrite(service, "depends_on", depends_on);
    rewrite(service, "networks", names_to_map);
    rewrite(service, "models", names_to_map);
    let Some(build) = service.get_mut("build") else {
        return;
    };
    for key in ["args", "labels", "additional_contexts"] {
        rewrite(build, key, pairs_to_map);
    }
    rewrite(build, "ssh", |ssh| {
        check_ssh(&ssh, errors);
        pairs_to_map(ssh)
    });
    rewrite(build, "secrets", |mut secrets| {
        if let Value::List(items) = &mut secrets.value {
            for item in items {
                wrap_text(item, "source");
            }
        }
        secrets
    });
}

/// Replaces what `key` maps to, unless that is nothing.
fn rewrite(node: &mut Node, key: &str, by: impl FnOnce(Node) -> Node) {
    if let Some(slot) = node.get_mut(key)
        && !slot.is_null()
    {
        let nothing = Node::new(Value::Null, slot.span.clone());
        let old = std::mem::replace(slot, nothing);
        *slot = by(old);
    }
}

/// A text alone becomes a mapping that has it under `key`.
fn wrap_text(node: &mut Node, key: &str) {
    if node.as_text().is_some() {
        let span = node.span.clone();
        let text = std::mem::replace(node, Node::new(Value::Null, span.clone()));
        let map = Map::from_iter([(key.to_owned(), Entry::new(&span, text))]);
        node.value = Value::Map(map);
    }
}

/// Every dependency with its condition, and whether it is required.
fn depends_on(node: Node) -> Node {
    let mut node = dependencies_to_map(node);
    for entry in node.as_map_mut().into_iter().flat_map(Map::values_mut) {
        let span = entry.node.span.clone();
        if let Some(map) = entry.node.as_map_mut() {
            let required = Node::new(Value::Bool(true), span.clone());
            map.entry("required".to_owned())
                .or_insert_with(|| Entry::new(&span, required));
        }
    }
    node
}

/// Only `default` may stand without a path.
fn check_ssh(ssh: &Node, errors: &mut Vec<Diagnostic>) {
    for item in ssh.as_list().into_iter().flatten() {
        if let Some(id) = item.as_text()
            && id != "default"
            && !id.contains('=')
        {
            errors.push(
                Diagnostic::error(format!("invalid ssh key `{id}`"))
                    .at(item.span.clone(), "only `default` goes without a path")
                    .help(format!("write `{id}=/path/to/key-or-socket`")),
            );
        }
    }
}
