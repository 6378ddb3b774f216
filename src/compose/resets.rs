//! `!reset` and `!override`: what a document asks to be forgotten of the documents before it.

use super::tree::{Directive, Entry, Map, Node, Value};

/// What a document asks to be forgotten of the documents before it.
#[derive(Debug, Clone, Default)]
pub(super) struct Resets(Vec<Vec<String>>);

impl Resets {
    /// Takes the directives out of `document`, and with them what `!reset` marks.
    pub(super) fn take(document: &mut Node) -> Self {
        let mut resets = Self::default();
        resets.collect(document, &mut Vec::new());
        resets
    }

    fn collect(&mut self, node: &mut Node, path: &mut Vec<String>) {
        match &mut node.value {
            Value::Map(map) => map.retain(|key, entry| {
                path.push(key.clone());
                let directive = entry.node.directive.take();
                match directive {
                    Some(Directive::Override) => {
                        self.0.push(path.clone());
                        empty_resets(&mut entry.node);
                    }
                    Some(Directive::Reset) => self.0.push(path.clone()),
                    None => self.collect(&mut entry.node, path),
                }
                path.pop();
                directive != Some(Directive::Reset)
            }),
            Value::List(items) => {
                items.retain(|item| item.directive != Some(Directive::Reset));
                for (index, item) in items.iter_mut().enumerate() {
                    item.directive = None;
                    path.push(index.to_string());
                    self.collect(item, path);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    /// Removes from `project` what was asked to be forgotten.
    pub(super) fn apply(&self, project: &mut Node) -> Forgotten<'_> {
        let mut forgotten = Vec::new();
        for path in &self.0 {
            let Some((last, way)) = path.split_last() else {
                continue;
            };
            let parent = follow(project, way);
            if let Some(map) = parent.and_then(Node::as_map_mut)
                && let Some(entry) = map.shift_remove(last)
            {
                forgotten.push((path.as_slice(), entry.node));
            }
        }
        Forgotten(forgotten)
    }

    /// The same, for one service that stands alone.
    pub(super) fn apply_to_service(&self, name: &str, service: Node) -> Node {
        if self.0.is_empty() {
            return service;
        }
        let span = service.span.clone();
        let whole = service.clone();
        let wrap = |key: &str, node: Node| {
            let map = Map::from_iter([(key.to_owned(), Entry::new(&span, node))]);
            Node::new(Value::Map(map), span.clone())
        };
        let mut project = wrap("services", wrap(name, service));
        self.apply(&mut project);
        let services = project.get_mut("services").and_then(Node::as_map_mut);
        // Where the whole service is to go, what it extends stays: the tag was about other files.
        match services.and_then(|services| services.shift_remove(name)) {
            Some(entry) => entry.node,
            None => whole,
        }
    }
}

/// What [`Resets::apply`] removed.
pub(super) struct Forgotten<'r>(Vec<(&'r [String], Node)>);

impl Forgotten<'_> {
    /// Lets the values of `project` that took the places of these know of them.
    pub(super) fn recall(self, project: &mut Node) {
        for (path, old) in self.0 {
            if let Some(slot) = follow(project, path) {
                let nothing = Node::new(Value::Null, slot.span.clone());
                let new = std::mem::replace(slot, nothing);
                *slot = new.instead_of(old);
            }
        }
    }
}

fn follow<'n>(project: &'n mut Node, path: &[String]) -> Option<&'n mut Node> {
    path.iter().try_fold(project, |node, key| node.get_mut(key))
}

/// Below an `!override` a `!reset` is only an empty value.
fn empty_resets(node: &mut Node) {
    if node.directive.take() == Some(Directive::Reset) {
        node.value = Value::Null;
    }
    match &mut node.value {
        Value::Map(map) => map
            .values_mut()
            .for_each(|entry| empty_resets(&mut entry.node)),
        Value::List(items) => items.iter_mut().for_each(empty_resets),
        _ => {}
    }
}
