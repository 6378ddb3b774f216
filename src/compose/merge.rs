//! One file over another: the merge of Compose, place by place.
//!
//! Mappings merge, lists append, scalars are replaced, and an empty override changes nothing;
//! [`special`] names the places where it is otherwise. The accumulated side has been through
//! `canonical` and the other has not, which decides what clashes. `!reset` and `!override` act
//! before the merge, on the accumulated side.

use std::collections::HashSet;

use crate::diagnostic::Diagnostic;

use super::tree::{Directive, Entry, Map, Node, Path, Value};

/// The ways of merging that are not the general one.
enum Special {
    /// The override replaces all there was.
    Replace,
    /// `K: v` and `- K=v` are the same; the last `K` wins.
    Pairs,
    /// A name alone is a mapping from it to nothing.
    Names,
    /// A name alone is a dependency like any other.
    Dependencies,
    /// A string alone is a list of one.
    Sequence,
    /// `host: ip` and `- host=ip` are the same; every pair is kept once.
    Hosts,
    /// A string alone is the context.
    Build,
    /// Options are merged only when the driver stays.
    Logging,
    /// Two numbers or one mean the whole limit.
    Ulimit,
}

const SPECIALS: [(&str, Special); 34] = [
    ("networks.*.labels", Special::Pairs),
    ("volumes.*.labels", Special::Pairs),
    ("secrets.*.labels", Special::Pairs),
    ("configs.*.labels", Special::Pairs),
    ("services.*.annotations", Special::Pairs),
    ("services.*.build", Special::Build),
    ("services.*.build.args", Special::Pairs),
    ("services.*.build.additional_contexts", Special::Pairs),
    ("services.*.build.extra_hosts", Special::Hosts),
    ("services.*.build.labels", Special::Pairs),
    ("services.*.build.no_cache_filter", Special::Sequence),
    ("services.*.command", Special::Replace),
    ("services.*.depends_on", Special::Dependencies),
    ("services.*.deploy.labels", Special::Pairs),
    ("services.*.dns", Special::Sequence),
    ("services.*.dns_opt", Special::Sequence),
    ("services.*.dns_search", Special::Sequence),
    ("services.*.entrypoint", Special::Replace),
    ("services.*.env_file", Special::Sequence),
    ("services.*.environment", Special::Pairs),
    ("services.*.extends", Special::Replace),
    ("services.*.extra_hosts", Special::Hosts),
    ("services.*.gpus", Special::Replace),
    ("services.*.healthcheck.test", Special::Replace),
    ("services.*.label_file", Special::Sequence),
    ("services.*.labels", Special::Pairs),
    ("services.*.logging", Special::Logging),
    ("services.*.models", Special::Names),
    ("services.*.networks", Special::Names),
    ("services.*.sysctls", Special::Pairs),
    ("services.*.tmpfs", Special::Sequence),
    ("services.*.ulimits.*", Special::Ulimit),
    ("services.*.volumes.*.volume.labels", Special::Pairs),
    ("services.*.provider", Special::Replace),
];

/// Lists that keep one item per text before `=`, at its first place.
const SETS: [&str; 20] = [
    "services.*.annotations",
    "services.*.build.additional_contexts",
    "services.*.build.args",
    "services.*.build.labels",
    "services.*.build.tags",
    "services.*.cap_add",
    "services.*.cap_drop",
    "services.*.deploy.labels",
    "services.*.dns",
    "services.*.dns_opt",
    "services.*.dns_search",
    "services.*.env_file",
    "services.*.environment",
    "services.*.expose",
    "services.*.external_links",
    "services.*.labels",
    "services.*.links",
    "services.*.profiles",
    "services.*.sysctls",
    "services.*.tmpfs",
];

/// `over` merged onto `base`, both standing at `path`.
pub(super) fn merge(base: Node, over: Node, path: &Path<'_>, errors: &mut Vec<Diagnostic>) -> Node {
    match SPECIALS.iter().find(|(pattern, _)| path.matches(pattern)) {
        Some((_, special)) if !over.is_null() => merge_special(special, base, over, path, errors),
        _ => merge_plainly(base, over, path, errors),
    }
}

fn merge_plainly(base: Node, over: Node, path: &Path<'_>, errors: &mut Vec<Diagnostic>) -> Node {
    let span = over.span.clone();
    match (base.value, over.value) {
        (value, Value::Null) => Node::new(value, base.span),
        (Value::Map(below), Value::Map(above)) => Node::new(
            Value::Map(merge_maps(below, above, path, errors)),
            base.span,
        ),
        (Value::List(mut items), Value::List(more)) => {
            items.extend(more);
            Node::new(Value::List(items), base.span)
        }
        (value @ (Value::Map(_) | Value::List(_)), other) => {
            let below = Node::new(value, base.span);
            let above = Node::new(other, span);
            errors.push(
                Diagnostic::error(format!("cannot override {path}"))
                    .at(above.span.clone(), format!("this is {}", above.kind()))
                    .see(below.span.clone(), format!("this is {}", below.kind()))
                    .help("write it in the same form, or put `!override` before the value"),
            );
            below
        }
        (_, value) => Node::new(value, span),
    }
}

fn merge_maps(mut below: Map, above: Map, path: &Path<'_>, errors: &mut Vec<Diagnostic>) -> Map {
    for (key, entry) in above {
        let merged = match below.get_mut(&key) {
            None => entry,
            Some(slot) => {
                let at = slot.at.clone();
                let base = std::mem::replace(&mut slot.node, Node::new(Value::Null, at.clone()));
                Entry {
                    at,
                    node: merge(base, entry.node, &path.join(&key), errors),
                }
            }
        };
        below.insert(key, merged);
    }
    below
}

fn merge_special(
    special: &Special,
    base: Node,
    over: Node,
    path: &Path<'_>,
    errors: &mut Vec<Diagnostic>,
) -> Node {
    match special {
        Special::Replace => over,
        Special::Pairs => merge_flat(pairs_to_map(base), pairs_to_map(text_to_list(over))),
        Special::Dependencies => merge_plainly(
            dependencies_to_map(base),
            dependencies_to_map(over),
            path,
            errors,
        ),
        Special::Names => merge_plainly(names_to_map(base), names_to_map(over), path, errors),
        Special::Sequence => merge_plainly(to_list(base), to_list(over), path, errors),
        Special::Hosts => merge_hosts(hosts_to_list(base), hosts_to_list(over), path, errors),
        Special::Build => merge_plainly(build_to_map(base), build_to_map(over), path, errors),
        Special::Logging => {
            let driver = |node: &Node| node.get("driver").and_then(Node::scalar_text);
            match (driver(&base), driver(&over)) {
                (Some(one), Some(other)) if one != other => over,
                _ => merge_plainly(base, over, path, errors),
            }
        }
        Special::Ulimit => match (&base.value, &over.value) {
            (Value::Map(_), Value::Map(_)) => merge_plainly(base, over, path, errors),
            _ => over,
        },
    }
}

/// A merge in which an empty value counts: `A:` asks the environment, whatever `A` was before.
fn merge_flat(base: Node, over: Node) -> Node {
    match (base.value, over.value) {
        (Value::Map(mut below), Value::Map(above)) => {
            below.extend(above);
            Node::new(Value::Map(below), base.span)
        }
        (_, value) => Node::new(value, over.span),
    }
}

/// Whether every item of this list is a text; other items are the schema's to complain about.
fn is_plain(items: &[Node]) -> bool {
    items.iter().all(|item| item.as_text().is_some())
}

/// `- K=v` and `- K` as a mapping from `K`; the last of several wins.
pub(super) fn pairs_to_map(node: Node) -> Node {
    let items = match node.value {
        Value::List(items) if is_plain(&items) => items,
        Value::Null => Vec::new(),
        _ => return node,
    };
    let mut map = Map::new();
    for item in items {
        let Some(text) = item.scalar_text() else {
            continue;
        };
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Value::Text(value.to_owned())),
            None => (text.as_str(), Value::Null),
        };
        let value = Node::new(value, item.span.clone());
        map.insert(key.to_owned(), Entry::new(&item.span, value));
    }
    Node::new(Value::Map(map), node.span)
}

/// `- name` as a mapping from `name` to nothing.
pub(super) fn names_to_map(node: Node) -> Node {
    let Value::List(items) = node.value else {
        return node;
    };
    if !is_plain(&items) {
        return Node::new(Value::List(items), node.span);
    }
    let mut map = Map::new();
    for item in items {
        if let Some(name) = item.scalar_text() {
            let entry = Entry::new(&item.span, Node::new(Value::Null, item.span.clone()));
            map.insert(name, entry);
        }
    }
    Node::new(Value::Map(map), node.span)
}

/// A string as the build that has it for its context.
pub(super) fn build_to_map(node: Node) -> Node {
    if node.as_text().is_none() {
        return node;
    }
    let span = node.span.clone();
    let map = Map::from_iter([("context".to_owned(), Entry::new(&span, node))]);
    Node::new(Value::Map(map), span)
}

/// `- name` as a mapping from `name` to the way a dependency is meant when nothing is said.
pub(super) fn dependencies_to_map(node: Node) -> Node {
    if node.as_list().is_none() {
        return node;
    }
    let mut node = names_to_map(node);
    for entry in node.as_map_mut().into_iter().flat_map(Map::values_mut) {
        let span = entry.at.clone();
        let condition = Node::text("service_started", &span);
        let required = Node::new(Value::Bool(true), span.clone());
        entry.node.value = Value::Map(Map::from_iter([
            ("condition".to_owned(), Entry::new(&span, condition)),
            ("required".to_owned(), Entry::new(&span, required)),
        ]));
    }
    node
}

/// Appends the pairs that are not there yet.
fn merge_hosts(base: Node, mut over: Node, path: &Path<'_>, errors: &mut Vec<Diagnostic>) -> Node {
    if let (Value::List(items), Value::List(more)) = (&base.value, &mut over.value) {
        let known: HashSet<&str> = items.iter().filter_map(Node::as_text).collect();
        more.retain(|item| item.as_text().is_none_or(|text| !known.contains(text)));
    }
    merge_plainly(base, over, path, errors)
}

/// A text where pairs belong is a list of that one, but only over others.
fn text_to_list(node: Node) -> Node {
    match node.value {
        Value::Text(_) => to_list(node),
        _ => node,
    }
}

fn to_list(node: Node) -> Node {
    match node.value {
        Value::List(_) | Value::Null => node,
        _ => {
            let span = node.span.clone();
            Node::new(Value::List(vec![node]), span)
        }
    }
}

/// `host: ip` and `host: [ip, …]` as `- host=ip`, in the order of hosts.
fn hosts_to_list(node: Node) -> Node {
    let Value::Map(mut map) = node.value else {
        return node;
    };
    map.sort_keys();
    let mut items = Vec::new();
    for (host, entry) in map {
        let addresses = match entry.node.value {
            Value::List(items) => items,
            _ => vec![entry.node],
        };
        for address in addresses {
            let text = address.scalar_text().unwrap_or_default();
            items.push(Node::text(format!("{host}={text}"), &address.span));
        }
    }
    Node::new(Value::List(items), node.span)
}

/// Removes what Compose keeps only once from the lists of a project.
pub(super) fn deduplicate(project: &mut Node) {
    let Some(services) = project.get_mut("services").and_then(Node::as_map_mut) else {
        return;
    };
    for entry in services.values_mut() {
        for pattern in SETS {
            let mut keys = pattern.split('.').skip(2);
            let list = keys.try_fold(&mut entry.node, |node, key| node.get_mut(key));
            if let Some(Value::List(items)) = list.map(|node| &mut node.value) {
                keep_once(items, |text| text.split('=').next().unwrap_or(text));
            }
        }
    }
}

/// Keeps the last item of every key, at the place of the first.
fn keep_once(items: &mut Vec<Node>, key: fn(&str) -> &str) {
    let mut places = std::collections::HashMap::new();
    let mut kept: Vec<Node> = Vec::with_capacity(items.len());
    for item in items.drain(..) {
        let Some(text) = item.scalar_text() else {
            kept.push(item);
            continue;
        };
        match places.entry(key(&text).to_owned()) {
            std::collections::hash_map::Entry::Occupied(place) => kept[*place.get()] = item,
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push(item);
            }
        }
    }
    *items = kept;
}

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
    pub(super) fn apply(&self, project: &mut Node) {
        for path in &self.0 {
            let Some((last, way)) = path.split_last() else {
                continue;
            };
            let parent = way
                .iter()
                .try_fold(&mut *project, |node, key| node.get_mut(key));
            if let Some(map) = parent.and_then(Node::as_map_mut) {
                map.shift_remove(last);
            }
        }
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
