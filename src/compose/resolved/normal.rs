//! What nobody wrote and Compose adds: the default network, names of resources, dependencies that
//! other keys imply.

use std::collections::HashSet;

use crate::compose::tree::{Entry, Map, Node, Value};

use super::{implied, nowhere, section};

/// The sections whose resources get names.
const SECTIONS: [&str; 4] = ["networks", "volumes", "secrets", "configs"];

/// Completes one service.
pub(super) fn service(service: &mut Node) {
    dependencies(service);
    let has = |key: &str| {
        service.get(key).is_some_and(|node| match &node.value {
            Value::Null => false,
            Value::Map(map) => !map.is_empty(),
            Value::List(items) => !items.is_empty(),
            _ => true,
        })
    };
    if !has("networks") && !has("network_mode") && !has("provider") {
        let none = Entry::new(&nowhere(), Node::new(Value::Null, nowhere()));
        let map = Map::from_iter([("default".to_owned(), none)]);
        set(service, "networks", Value::Map(map));
    }
    if let Some(build) = service.get_mut("build")
        && build.get("dockerfile").is_none()
        && build.get("dockerfile_inline").is_none_or(Node::is_null)
    {
        set(build, "dockerfile", Value::Text("Dockerfile".to_owned()));
    }
    if let Some(scale) = service.get("scale").cloned()
        && let Some(deploy) = service.get_mut("deploy").and_then(Node::as_map_mut)
        && !scale.is_null()
    {
        let entry = Entry::new(&scale.span.clone(), scale);
        deploy.insert("replicas".to_owned(), entry);
    }
    let secrets = service.get_mut("secrets").map(|node| &mut node.value);
    if let Some(Value::List(items)) = secrets {
        for item in items {
            let source = item.get("source").and_then(Node::scalar_text);
            if let Some(source) = source.filter(|_| item.get("target").is_none()) {
                set(
                    item,
                    "target",
                    Value::Text(format!("/run/secrets/{source}")),
                );
            }
        }
    }
}

/// Sets a key of a mapping to what nobody wrote.
fn set(node: &mut Node, key: &str, value: Value) {
    if let Some(map) = node.as_map_mut() {
        let node = Node::new(value, nowhere());
        map.insert(key.to_owned(), Entry::new(&nowhere(), node));
    }
}

/// Makes the dependencies that other keys imply explicit.
fn dependencies(service: &mut Node) {
    let mut implied: Vec<(String, &Node, bool)> = Vec::new();
    let texts = |key: &str| {
        let list = service.get(key).and_then(Node::as_list).unwrap_or_default();
        list.iter().filter_map(|item| Some((item, item.as_text()?)))
    };
    let first = |text: &str| text.split(':').next().unwrap_or_default().to_owned();
    for (item, text) in texts("links") {
        implied.push((first(text), item, true));
    }
    for key in ["network_mode", "ipc", "pid", "uts", "cgroup"] {
        if let Some(node) = service.get(key)
            && let Some(name) = node
                .as_text()
                .and_then(|text| text.strip_prefix("service:"))
        {
            implied.push((name.to_owned(), node, true));
        }
    }
    for (item, text) in texts("volumes_from") {
        if !text.starts_with("container:") {
            implied.push((first(text), item, false));
        }
    }
    let mut all = match service.get("depends_on").map(|node| &node.value) {
        Some(Value::Map(map)) => map.clone(),
        _ => Map::default(),
    };
    for (name, node, restart) in implied {
        let entry = |value: Value| Entry::new(&node.span, Node::new(value, node.span.clone()));
        all.entry(name).or_insert_with(|| {
            let mut map = Map::default();
            let condition = Value::Text("service_started".to_owned());
            map.insert("condition".to_owned(), entry(condition));
            if restart {
                map.insert("restart".to_owned(), entry(Value::Bool(true)));
            }
            map.insert("required".to_owned(), entry(Value::Bool(true)));
            entry(Value::Map(map))
        });
    }
    all.sort_keys();
    if all.is_empty() {
        return;
    }
    match service.get_mut("depends_on") {
        Some(node) => node.value = Value::Map(all),
        None => set(service, "depends_on", Value::Map(all)),
    }
}

/// Leaves out dependencies on services that do not take part: those are optional, and what is
/// written could not be loaded with them.
pub(super) fn only_present(tree: &mut Node) {
    let Some(services) = section(tree, "services") else {
        return;
    };
    let names: HashSet<String> = services.keys().cloned().collect();
    for entry in services.values_mut() {
        let needed = entry.node.get_mut("depends_on").and_then(Node::as_map_mut);
        if let Some(needed) = needed {
            needed.retain(|name, _| names.contains(name));
        }
    }
}

/// Completes the resources of the project called `project`.
pub(super) fn resources(tree: &mut Node, project: &str) {
    let map = tree.as_map_mut();
    if let Some(map) = map {
        let none = || Entry::new(&nowhere(), Node::new(Value::Map(Map::default()), nowhere()));
        let networks = map.entry("networks".to_owned()).or_insert_with(none);
        if networks.node.is_null() {
            networks.node.value = Value::Map(Map::default());
        }
        if let Some(networks) = networks.node.as_map_mut() {
            networks.entry("default".to_owned()).or_insert_with(none);
        }
    }
    for kind in SECTIONS {
        let Some(resources) = section(tree, kind) else {
            continue;
        };
        for (key, entry) in resources.iter_mut() {
            if entry.node.is_null() {
                entry.node.value = Value::Map(Map::default());
            }
            resource(key, &mut entry.node, project);
        }
        resources.sort_keys();
    }
}

fn resource(key: &str, node: &mut Node, project: &str) {
    let external = node.get("external").cloned();
    let given = external.as_ref().and_then(|node| node.get("name").cloned());
    let is_external =
        external.is_some_and(|node| !matches!(node.value, Value::Bool(false) | Value::Null));
    let Some(map) = node.as_map_mut() else {
        return;
    };
    if is_external {
        if let Some(entry) = map.get_mut("external") {
            entry.node.value = Value::Bool(true);
        }
        map.retain(|key, _| key == "name" || key == "external" || key.starts_with("x-"));
    }
    if let Some(name) = given {
        let at = name.span.clone();
        map.entry("name".to_owned())
            .or_insert_with(|| Entry::new(&at, name));
    }
    let named = map
        .get("name")
        .is_some_and(|entry| entry.node.as_text().is_some_and(|text| !text.is_empty()));
    if !named {
        let name = if is_external {
            key.to_owned()
        } else {
            format!("{project}_{key}")
        };
        map.shift_insert(0, "name".to_owned(), implied(&name));
    }
}
