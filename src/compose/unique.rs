//! Lists of which Compose keeps one item per key: the last one, at the place of the first.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use super::canonical::mount_target;
use super::tree::{Map, Node, Value};

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

/// Lists of services that are sets.
const SETS: [(&str, Key); 25] = [
    ("annotations", Key::Name),
    ("build.additional_contexts", Key::Name),
    ("build.args", Key::Name),
    ("build.labels", Key::Name),
    ("build.tags", Key::Name),
    ("cap_add", Key::Name),
    ("cap_drop", Key::Name),
    ("configs", Key::Mounted("")),
    ("deploy.labels", Key::Name),
    ("devices", Key::Device),
    ("dns", Key::Name),
    ("dns_opt", Key::Name),
    ("dns_search", Key::Name),
    ("env_file", Key::Path),
    ("environment", Key::Name),
    ("expose", Key::Name),
    ("external_links", Key::Name),
    ("labels", Key::Name),
    ("links", Key::Name),
    ("ports", Key::Port),
    ("profiles", Key::Name),
    ("secrets", Key::Mounted("/run/secrets")),
    ("sysctls", Key::Name),
    ("tmpfs", Key::Name),
    ("volumes", Key::Target),
];

/// Removes what Compose keeps only once from the lists of a project.
pub(super) fn deduplicate(project: &mut Node) {
    let Some(services) = project.get_mut("services").and_then(Node::as_map_mut) else {
        return;
    };
    for entry in services.values_mut() {
        for (way, key) in SETS {
            let list = way
                .split('.')
                .try_fold(&mut entry.node, |node, key| node.get_mut(key));
            if let Some(Value::List(items)) = list.map(|node| &mut node.value) {
                keep_once(items, key);
            }
        }
        let networks = entry.node.get_mut("networks").and_then(Node::as_map_mut);
        for network in networks.into_iter().flat_map(Map::values_mut) {
            for key in ["aliases", "link_local_ips"] {
                let list = network.node.get_mut(key).map(|node| &mut node.value);
                if let Some(Value::List(items)) = list {
                    keep_once(items, Key::Name);
                }
            }
        }
    }
}

/// Keeps the last item of every key, at the place of the first.
fn keep_once(items: &mut Vec<Node>, key: Key) {
    let mut places = HashMap::new();
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
