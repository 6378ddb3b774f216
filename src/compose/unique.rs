//! Lists of which Compose keeps one item per key: the last one, at the place of the first.

use std::collections::hash_map::Entry as Slot;
use std::sync::LazyLock;

use foldhash::{HashMap, HashMapExt};

use super::canonical::mount_target;
use super::places::{Place, Rules};
use super::tree::{Node, Value};

/// What makes two items the same.
#[derive(Clone, Copy)]
enum Key {
    /// The text before `=`.
    Name,
    /// The `path` of a mapping, or the text.
    Path,
    /// Where it is mounted.
    Target,
    /// Where it is mounted; below this directory when nothing else is said.
    Mounted(&'static str),
    /// The device inside the container.
    Device,
    /// Address, published port, port and protocol.
    Port,
}

/// The lists that are sets.
static SETS: LazyLock<Rules<Key>> = LazyLock::new(|| Rules::new(&TABLE));

const TABLE: [(&str, Key); 27] = [
    ("services.*.annotations", Key::Name),
    ("services.*.build.additional_contexts", Key::Name),
    ("services.*.build.args", Key::Name),
    ("services.*.build.labels", Key::Name),
    ("services.*.build.tags", Key::Name),
    ("services.*.cap_add", Key::Name),
    ("services.*.cap_drop", Key::Name),
    ("services.*.configs", Key::Mounted("")),
    ("services.*.deploy.labels", Key::Name),
    ("services.*.devices", Key::Device),
    ("services.*.dns", Key::Name),
    ("services.*.dns_opt", Key::Name),
    ("services.*.dns_search", Key::Name),
    ("services.*.env_file", Key::Path),
    ("services.*.environment", Key::Name),
    ("services.*.expose", Key::Name),
    ("services.*.external_links", Key::Name),
    ("services.*.labels", Key::Name),
    ("services.*.links", Key::Name),
    ("services.*.networks.*.aliases", Key::Name),
    ("services.*.networks.*.link_local_ips", Key::Name),
    ("services.*.ports", Key::Port),
    ("services.*.profiles", Key::Name),
    ("services.*.secrets", Key::Mounted("/run/secrets")),
    ("services.*.sysctls", Key::Name),
    ("services.*.tmpfs", Key::Name),
    ("services.*.volumes", Key::Target),
];

/// Removes what Compose keeps only once from the lists of a project.
pub(super) fn deduplicate(project: &mut Node) {
    walk(project, &Place::root(&SETS));
}

fn walk(node: &mut Node, place: &Place<'_, Key>) {
    match (&mut node.value, place.rule()) {
        (Value::List(items), Some(key)) => keep_once(items, *key),
        (Value::Map(map), _) if place.goes_on() => {
            for (key, entry) in map {
                walk(&mut entry.node, &place.join(key));
            }
        }
        _ => {}
    }
}

/// Keeps the last item of every key, at the place of the first.
fn keep_once(items: &mut Vec<Node>, key: Key) {
    if items.len() < 2 {
        return;
    }
    let mut places = HashMap::with_capacity(items.len());
    let mut kept: Vec<Node> = Vec::with_capacity(items.len());
    for item in items.drain(..) {
        let Some(text) = key.of(&item) else {
            kept.push(item);
            continue;
        };
        match places.entry(text) {
            Slot::Occupied(place) => {
                let place: &mut Node = &mut kept[*place.get()];
                let old = std::mem::replace(place, Node::new(Value::Null, item.span.clone()));
                *place = item.instead_of(old);
            }
            Slot::Vacant(place) => {
                place.insert(kept.len());
                kept.push(item);
            }
        }
    }
    *items = kept;
}

impl Key {
    /// The key of an item; what has none is kept.
    fn of(self, item: &Node) -> Option<String> {
        let part = |key: &str| item.get(key).and_then(Node::scalar_text);
        let whole = item.scalar_text();
        match (self, whole) {
            (Self::Name, Some(text)) => Some(text.split('=').next().unwrap_or(&text).to_owned()),
            (Self::Name, None) => None,
            (Self::Path | Self::Port, Some(text)) => Some(text),
            (Self::Path, None) => part("path"),
            (Self::Target, Some(text)) => mount_target(&text),
            (Self::Target, None) => part("target"),
            (Self::Mounted(below), Some(text)) => Some(format!("{below}/{text}")),
            (Self::Mounted(below), None) => {
                part("target").or_else(|| part("source").map(|source| format!("{below}/{source}")))
            }
            (Self::Device, Some(text)) => text.split(':').nth(1).or(Some(&text)).map(str::to_owned),
            (Self::Device, None) => part("target").or_else(|| part("source")),
            (Self::Port, None) => {
                let or = |key: &str, other: &str| part(key).unwrap_or_else(|| other.to_owned());
                Some(format!(
                    "{}:{}:{}/{}",
                    or("host_ip", "0.0.0.0"),
                    or("published", ""),
                    or("target", ""),
                    or("protocol", "tcp")
                ))
            }
        }
    }
}
