//! What is left out: resources that no service uses, and values that say what is so anyway.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::compose::places::{Place, Rules};
use crate::compose::tree::{Map, Node, Value};

use super::section;

/// What stays although it says nothing.
#[derive(Clone, Copy)]
enum Stays {
    /// Everything in this mapping.
    Inside,
    /// The key, unless its value is null.
    Itself,
}

/// What stays, by place.
static STAYS: LazyLock<Rules<Stays>> = LazyLock::new(|| {
    let maps = MAPS.map(|way| (way, Stays::Inside));
    let kept = KEPT.map(|way| (way, Stays::Itself));
    Rules::new(&[&maps[..], &kept].concat())
});

/// Mappings whose keys are people's own names: everything in them stays.
const MAPS: [&str; 33] = [
    "configs",
    "models",
    "networks",
    "networks.*.driver_opts",
    "networks.*.ipam.config.*.aux_addresses",
    "networks.*.ipam.options",
    "networks.*.labels",
    "secrets",
    "secrets.*.driver_opts",
    "secrets.*.labels",
    "configs.*.labels",
    "services",
    "services.*.annotations",
    "services.*.build.additional_contexts",
    "services.*.build.args",
    "services.*.build.labels",
    "services.*.build.ulimits",
    "services.*.deploy.labels",
    "services.*.environment",
    "services.*.labels",
    "services.*.logging.options",
    "services.*.models",
    "services.*.networks",
    "services.*.networks.*.driver_opts",
    "services.*.provider.options",
    "services.*.storage_opt",
    "services.*.sysctls",
    "services.*.ulimits",
    "services.*.volumes.*.volume.labels",
    "services.*.post_start.*.environment",
    "volumes",
    "volumes.*.driver_opts",
    "volumes.*.labels",
];

/// Keys that mean something even when their value is empty.
const KEPT: [&str; 20] = [
    "services.*.attach",
    // An empty path is not the path that is meant when there is none.
    "services.*.build.context",
    "services.*.build.dockerfile",
    "services.*.command",
    "services.*.deploy",
    "services.*.deploy.replicas",
    "services.*.depends_on.*.required",
    "services.*.develop",
    "services.*.entrypoint",
    "services.*.healthcheck",
    "services.*.healthcheck.retries",
    "services.*.init",
    "services.*.logging",
    "services.*.scale",
    "services.*.stop_grace_period",
    "services.*.ulimits.*.soft",
    "services.*.ulimits.*.hard",
    "services.*.volumes.*.bind",
    "services.*.volumes.*.tmpfs",
    "services.*.volumes.*.volume",
];

/// Leaves only the resources that services use.
pub(super) fn resources(tree: &mut Node) {
    let mut used: [(&str, HashSet<String>); 5] =
        ["networks", "volumes", "secrets", "configs", "models"].map(|kind| (kind, HashSet::new()));
    for entry in section(tree, "services")
        .into_iter()
        .flat_map(|map| map.values())
    {
        for (kind, names) in &mut used {
            names.extend(used_by(&entry.node, kind));
        }
    }
    for (kind, names) in used {
        if let Some(map) = section(tree, kind) {
            map.retain(|name, _| names.contains(name));
        }
    }
}

/// The resources of one kind that a service uses.
fn used_by(service: &Node, kind: &str) -> Vec<String> {
    let items = |keys: &[&str]| service.at(keys).and_then(Node::as_list).unwrap_or_default();
    let source = |item: &Node| item.get("source").and_then(Node::scalar_text);
    match kind {
        "networks" | "models" => {
            let map = service.get(kind).and_then(Node::as_map);
            map.into_iter().flat_map(Map::keys).cloned().collect()
        }
        "volumes" => items(&["volumes"])
            .iter()
            .filter(|item| item.get("type").and_then(Node::as_text) == Some("volume"))
            .filter_map(source)
            .collect(),
        _ => {
            let built = match kind {
                "secrets" => items(&["build", "secrets"]),
                _ => &[],
            };
            items(&[kind])
                .iter()
                .chain(built)
                .filter_map(source)
                .collect()
        }
    }
}

/// Leaves out keys whose values say nothing.
pub(super) fn values(tree: &mut Node) {
    walk(tree, &Place::root(&STAYS));
}

fn walk(node: &mut Node, place: &Place<'_, Stays>) {
    match &mut node.value {
        Value::Map(map) => {
            let own = matches!(place.rule(), Some(Stays::Inside));
            map.retain(|key, entry| {
                if !own && key.starts_with("x-") {
                    return true;
                }
                let place = place.join(key);
                walk(&mut entry.node, &place);
                let kept = matches!(place.rule(), Some(Stays::Itself));
                own || !is_empty(&entry.node) || (kept && !entry.node.is_null())
            });
        }
        Value::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                walk(item, &place.item(index));
            }
        }
        _ => {}
    }
}

fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::Null | Value::Bool(false) | Value::Int(0) => true,
        Value::Text(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.is_empty(),
        Value::Bool(true) | Value::Int(_) | Value::Float(_) => false,
    }
}
