//! What of a project goes, and what stays: a line each.

use std::fmt::Write;

use super::columns::{self, Side, columns};
use crate::docker::belongings::{Belongings, Image};
use crate::human;

/// How much of an image's id is shown, as the docker CLI has it.
const ID: usize = 12;

/// The whole list; what `goes` is told by project when there are several, `stays` in a line.
pub fn belongings(goes: &Belongings, stays: &Belongings, everybody: bool) -> String {
    let mut text = String::new();
    let projects = goes.projects();
    if everybody {
        let _ = writeln!(
            text,
            "of ALL {} on this engine: {}",
            human::count(projects.len(), "project"),
            human::list(&projects)
        );
    }
    for project in projects {
        let _ = writeln!(text, "what goes of `{project}`:");
        text.push_str(&columns(
            &rows(goes, project),
            [Side::Left; 3],
            columns::plain,
        ));
    }
    if !stays.volumes.is_empty() {
        let names = stays.volumes.iter().map(|volume| &volume.name);
        let _ = writeln!(
            text,
            "what stays: {}, unless --volumes is said: {}",
            human::count(stays.volumes.len(), "volume"),
            human::list(names)
        );
    }
    text
}

/// What is removed, in short: `2 containers, 1 network and 3 images`.
pub fn belongings_in_short(goes: &Belongings) -> String {
    let counts = [
        (goes.containers.len(), "container"),
        (goes.networks.len(), "network"),
        (goes.volumes.len(), "volume"),
        (goes.images.len(), "image"),
    ];
    let parts: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| human::count(count, what))
        .collect();
    match parts.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

fn rows(goes: &Belongings, project: &str) -> Vec<[String; 3]> {
    let heads = ["  KIND", "NAME", "STATE"].map(str::to_owned);
    let mut rows = vec![heads];
    let mut add = |kind: &str, name: &str, more: String| {
        rows.push([format!("  {kind}"), name.to_owned(), more]);
    };
    for container in goes.containers.iter().filter(|one| one.project == project) {
        add("container", &container.name, container.state.clone());
    }
    for network in goes.networks.iter().filter(|one| one.project == project) {
        add("network", &network.name, String::new());
    }
    for volume in goes.volumes.iter().filter(|one| one.project == project) {
        add("volume", &volume.name, "with all that is in it".to_owned());
    }
    for image in goes.images.iter().filter(|one| one.project == project) {
        let size = human::bytes(image.size);
        let name = |name: &str| {
            if image.has_others {
                (
                    name.to_owned(),
                    "the name only: the image has others".to_owned(),
                )
            } else {
                (name.to_owned(), size.clone())
            }
        };
        if image.names.is_empty() {
            add("image", short(image), format!("{size}, without a name"));
        }
        for (name, more) in image.names.iter().map(|own| name(own)) {
            add("image", &name, more);
        }
    }
    rows
}

fn short(image: &Image) -> &str {
    let id = image.id.strip_prefix("sha256:").unwrap_or(&image.id);
    id.get(..ID).unwrap_or(id)
}
