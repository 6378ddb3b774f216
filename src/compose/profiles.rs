//! Which services take part: profiles, and the names on the command line.

use std::collections::{BTreeSet, HashSet};

use indexmap::IndexMap;

use super::model::Project;
use super::tree::{Map, Node};

/// The profiles that are asked for: the flags, else `COMPOSE_PROFILES`. Without any that is the one
/// profile without a name, as in Compose, to which services with `profiles: [""]` belong.
pub(super) fn requested(flags: &[String], environment: &IndexMap<String, String>) -> Vec<String> {
    if !flags.is_empty() {
        return flags.to_vec();
    }
    let list = environment.get("COMPOSE_PROFILES").map(String::as_str);
    let items = list.unwrap_or_default().split(',');
    items.map(|item| item.trim().to_owned()).collect()
}

/// The names of the active services.
///
/// Naming a service activates it, all its profiles, and the services its build takes images from;
/// not the services it depends on.
pub(super) fn active(services: &Map, profiles: &[String], named: &[String]) -> HashSet<String> {
    let mut profiles: HashSet<String> = profiles.iter().cloned().collect();
    let mut chosen = HashSet::new();
    let mut waiting: Vec<String> = named.to_vec();
    while let Some(name) = waiting.pop() {
        let Some(entry) = services.get(&name) else {
            continue;
        };
        if chosen.insert(name) {
            profiles.extend(profiles_of(&entry.node).map(str::to_owned));
            waiting.extend(images_taken(&entry.node).map(str::to_owned));
        }
    }
    let is_active = |service: &Node| {
        profiles.contains("*")
            || profiles_of(service).next().is_none()
            || profiles_of(service).any(|profile| profiles.contains(profile))
    };
    let names = services.iter();
    names
        .filter(|(name, entry)| chosen.contains(*name) || is_active(&entry.node))
        .map(|(name, _)| name.clone())
        .collect()
}

impl Project {
    /// The profiles that services belong to, by name.
    pub fn profiles(&self) -> BTreeSet<String> {
        let all = self.tree.get("services").and_then(Node::as_map);
        all.into_iter()
            .flat_map(Map::values)
            .flat_map(|entry| profiles_of(&entry.node))
            .map(str::to_owned)
            .collect()
    }
}

fn profiles_of(service: &Node) -> impl Iterator<Item = &str> {
    let list = service.get("profiles").and_then(Node::as_list);
    list.into_iter().flatten().filter_map(Node::as_text)
}

/// The services whose images are contexts of this service's build.
fn images_taken(service: &Node) -> impl Iterator<Item = &str> {
    let contexts = service.at(&["build", "additional_contexts"]);
    contexts
        .and_then(Node::as_map)
        .into_iter()
        .flat_map(Map::values)
        .filter_map(|entry| entry.node.as_text()?.strip_prefix("service:"))
}
