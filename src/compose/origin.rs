//! Where the values of a tree were set, and what they overrode.

use std::fmt::Write;

use serde_json::Value as Json;

use crate::diagnostic::Span;

use super::tree::{Node, Value};

/// One value of a resolved project.
#[derive(Debug, Clone)]
pub struct Origin<'n> {
    /// The keys and indices that lead to it.
    pub keys: Vec<Json>,
    /// The value.
    pub value: Json,
    /// Where it stands; none when nobody wrote it.
    pub at: Option<&'n Span>,
    /// What it overrode, the nearest first.
    pub over: Vec<(Json, &'n Span)>,
}

impl Origin<'_> {
    /// The way to it as text: `services.web.ports[0].target`.
    pub fn way(&self) -> String {
        let mut way = String::new();
        for key in &self.keys {
            match key {
                Json::String(key) => {
                    if !way.is_empty() {
                        way.push('.');
                    }
                    let plain = !key.is_empty() && !key.contains(['.', '[', ' ', '"']);
                    let _ = if plain {
                        write!(way, "{key}")
                    } else {
                        write!(way, "{key:?}")
                    };
                }
                index => {
                    let _ = write!(way, "[{index}]");
                }
            }
        }
        way
    }
}

/// The origins of all scalars of `tree`, and of lists and mappings that are empty or took the
/// place of others.
pub fn origins(tree: &Node) -> Vec<Origin<'_>> {
    let mut found = Vec::new();
    walk(tree, &mut Vec::new(), &mut found);
    found
}

fn walk<'n>(node: &'n Node, keys: &mut Vec<Json>, found: &mut Vec<Origin<'n>>) {
    let inner = match &node.value {
        Value::List(items) => items.len(),
        Value::Map(map) => map.len(),
        _ => 0,
    };
    if inner == 0 || !node.overrode.is_empty() {
        let over = node.overrode.iter().rev();
        found.push(Origin {
            keys: keys.clone(),
            value: json(node),
            at: Some(&node.span).filter(|span| !span.source.name.is_empty()),
            over: over
                .map(|old| {
                    (
                        json(&Node::new(old.value.clone(), old.span.clone())),
                        &old.span,
                    )
                })
                .collect(),
        });
    }
    if is_one_row(node, keys) {
        return;
    }
    match &node.value {
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                keys.push(index.into());
                walk(item, keys, found);
                keys.pop();
            }
        }
        Value::Map(map) => {
            for (key, entry) in map {
                keys.push(key.as_str().into());
                walk(&entry.node, keys, found);
                keys.pop();
            }
        }
        _ => {}
    }
}

/// Whether the parts of a value have no rows of their own: a list, or an item of one, that took the
/// place of another is told as a whole.
fn is_one_row(node: &Node, keys: &[Json]) -> bool {
    let in_list = keys.last().is_some_and(Json::is_number);
    !node.overrode.is_empty() && (in_list || node.as_list().is_some())
}

fn json(node: &Node) -> Json {
    serde_json::to_value(node).unwrap_or_default()
}
