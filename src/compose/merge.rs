//! One file over another: the merge of Compose, place by place.
//!
//! Mappings merge, lists append, scalars are replaced, and an empty override changes nothing;
//! [`special`] names the places where it is otherwise. The accumulated side has been through
//! `canonical` and the other has not, which decides what clashes. `!reset` and `!override` act
//! before the merge, on the accumulated side.

use std::collections::HashSet;
use std::sync::LazyLock;

use indexmap::map::Entry as Slot;

use crate::diagnostic::Diagnostic;

use super::places::{Place, Rules};
use super::tree::{Entry, Map, Node, Value};

/// The ways of merging that are not the general one.
#[derive(Clone, Copy)]
pub(super) enum Special {
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

/// Where these hold.
static SPECIALS: LazyLock<Rules<Special>> = LazyLock::new(|| Rules::new(&TABLE));

const TABLE: [(&str, Special); 34] = [
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

/// Where two nodes are merged.
pub(super) type Where<'a> = Place<'a, Special>;

/// The place of a whole project.
pub(super) fn root() -> Where<'static> {
    Place::root(&SPECIALS)
}

/// `over` merged onto `base`, both standing at `place`.
pub(super) fn merge(
    base: Node,
    over: Node,
    place: &Where<'_>,
    errors: &mut Vec<Diagnostic>,
) -> Node {
    match place.rule() {
        Some(special) if !over.is_null() => merge_special(*special, base, over, place, errors),
        _ => merge_plainly(base, over, place, errors),
    }
}

fn merge_plainly(base: Node, over: Node, place: &Where<'_>, errors: &mut Vec<Diagnostic>) -> Node {
    match (&base.value, &over.value) {
        (_, Value::Null) => base,
        (Value::Map(_), Value::Map(_)) | (Value::List(_), Value::List(_)) => {
            merge_inside(base, over, place, errors)
        }
        (Value::Map(_) | Value::List(_), _) => {
            let (below, above) = (base, over);
            errors.push(
                Diagnostic::error(format!("cannot override {place}"))
                    .at(above.span.clone(), format!("this is {}", above.kind()))
                    .see(below.span.clone(), format!("this is {}", below.kind()))
                    .help("write it in the same form, or put `!override` before the value"),
            );
            below
        }
        _ => over.instead_of(base),
    }
}

/// Two mappings, or two lists.
fn merge_inside(
    mut base: Node,
    over: Node,
    place: &Where<'_>,
    errors: &mut Vec<Diagnostic>,
) -> Node {
    match (&mut base.value, over.value) {
        (Value::Map(below), Value::Map(above)) => merge_maps(below, above, place, errors),
        (Value::List(items), Value::List(more)) => items.extend(more),
        _ => {}
    }
    base
}

fn merge_maps(below: &mut Map, above: Map, place: &Where<'_>, errors: &mut Vec<Diagnostic>) {
    for (key, entry) in above {
        let merged = match below.get_mut(&key) {
            None => entry,
            Some(slot) => {
                let at = slot.at.clone();
                let base = std::mem::replace(&mut slot.node, Node::new(Value::Null, at.clone()));
                Entry {
                    at,
                    node: merge(base, entry.node, &place.join(&key), errors),
                }
            }
        };
        below.insert(key, merged);
    }
}

fn merge_special(
    special: Special,
    base: Node,
    over: Node,
    place: &Where<'_>,
    errors: &mut Vec<Diagnostic>,
) -> Node {
    match special {
        Special::Replace => over.instead_of(base),
        Special::Pairs => merge_flat(pairs_to_map(base), pairs_to_map(text_to_list(over))),
        Special::Dependencies => merge_plainly(
            dependencies_to_map(base),
            dependencies_to_map(over),
            place,
            errors,
        ),
        Special::Names => merge_plainly(names_to_map(base), names_to_map(over), place, errors),
        Special::Sequence => merge_plainly(to_list(base), to_list(over), place, errors),
        Special::Hosts => merge_hosts(hosts_to_list(base), hosts_to_list(over), place, errors),
        Special::Build => merge_plainly(build_to_map(base), build_to_map(over), place, errors),
        Special::Logging => {
            let driver = |node: &Node| node.get("driver").and_then(Node::scalar_text);
            match (driver(&base), driver(&over)) {
                (Some(one), Some(other)) if one != other => over.instead_of(base),
                _ => merge_plainly(base, over, place, errors),
            }
        }
        Special::Ulimit => match (&base.value, &over.value) {
            (Value::Map(_), Value::Map(_)) => merge_plainly(base, over, place, errors),
            _ => over.instead_of(base),
        },
    }
}

/// A merge in which an empty value counts: `A:` asks the environment, whatever `A` was before.
fn merge_flat(base: Node, over: Node) -> Node {
    match (base.value, over.value) {
        (Value::Map(mut below), Value::Map(above)) => {
            for (key, entry) in above {
                put(&mut below, key, entry);
            }
            Node::new(Value::Map(below), base.span)
        }
        (_, value) => Node::new(value, over.span),
    }
}

/// Sets `key`, over what it was before.
fn put(map: &mut Map, key: String, mut entry: Entry) {
    match map.entry(key) {
        Slot::Occupied(mut slot) => {
            let old = slot.get().node.clone();
            entry.node = entry.node.instead_of(old);
            slot.insert(entry);
        }
        Slot::Vacant(slot) => {
            slot.insert(entry);
        }
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
    let mut map = Map::default();
    for item in items {
        let Some(text) = item.scalar_text() else {
            continue;
        };
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Value::Text(value.to_owned())),
            None => (text.as_str(), Value::Null),
        };
        let mut value = Node::new(value, item.span.clone());
        value.overrode = item.overrode;
        put(&mut map, key.to_owned(), Entry::new(&item.span, value));
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
    let mut map = Map::default();
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
fn merge_hosts(
    base: Node,
    mut over: Node,
    place: &Where<'_>,
    errors: &mut Vec<Diagnostic>,
) -> Node {
    if let (Value::List(items), Value::List(more)) = (&base.value, &mut over.value) {
        let known: HashSet<&str> = items.iter().filter_map(Node::as_text).collect();
        more.retain(|item| item.as_text().is_none_or(|text| !known.contains(text)));
    }
    merge_plainly(base, over, place, errors)
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
