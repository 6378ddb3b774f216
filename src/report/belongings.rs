//! What of a project goes, and what stays: a line each.

use std::fmt::Write;

use super::caches;
use super::columns::{self, Side, columns};
use crate::cache::{Item, Place};
use crate::docker::belongings::{Belongings, Image};
use crate::human;

/// How much of an image's id is shown, as the docker CLI has it.
const ID: usize = 12;

/// What is known before it happens.
pub struct Leave<'a> {
    /// What goes.
    pub goes: &'a Belongings,
    /// What stays, although it is of the same project.
    pub stays: &'a Belongings,
    /// Whether it is of all projects, which are then named first.
    pub everybody: bool,
    /// The project whose build cache it is.
    pub project: &'a str,
    /// What goes of the build cache.
    pub caches: (Vec<&'a Item>, Vec<&'a Place>),
    /// What else there is to tell of what stays, a line each.
    pub remarks: &'a [String],
}

impl Leave<'_> {
    /// Whether nothing goes.
    pub fn is_empty(&self) -> bool {
        self.goes.is_empty() && !self.has_caches()
    }

    fn has_caches(&self) -> bool {
        !self.caches.0.is_empty() || !self.caches.1.is_empty()
    }

    /// The whole list: what goes by project, what stays in a line.
    pub fn list(&self) -> String {
        let mut text = String::new();
        let mut projects = self.goes.projects();
        if self.everybody {
            let _ = writeln!(
                text,
                "of ALL {} on this engine: {}",
                human::count(projects.len(), "project"),
                human::list(&projects)
            );
        }
        if self.has_caches() {
            projects.insert(self.project);
        }
        for project in projects {
            let _ = writeln!(text, "what goes of `{project}`:");
            let mut rows = rows(self.goes, project);
            if project == self.project {
                let (items, places) = &self.caches;
                let kept = caches::in_short(items, places).into_iter();
                rows.extend(kept.map(|[what, size]| ["  cache".to_owned(), what, size]));
            }
            text.push_str(&columns(&rows, [Side::Left; 3], columns::plain));
        }
        let volumes = &self.stays.volumes;
        if !volumes.is_empty() {
            let names = volumes.iter().map(|volume| &volume.name);
            let _ = writeln!(
                text,
                "what stays: {}, unless --volumes is said: {}",
                human::count(volumes.len(), "volume"),
                human::list(names)
            );
        }
        for remark in self.remarks {
            let _ = writeln!(text, "{remark}");
        }
        text
    }

    /// What is removed, in short: `2 containers, 1 network and 3 images`.
    pub fn in_short(&self) -> String {
        let counts = [
            (self.goes.containers.len(), "container"),
            (self.goes.networks.len(), "network"),
            (self.goes.volumes.len(), "volume"),
            (self.goes.images.len(), "image"),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let mut parts: Vec<String> = counts
            .map(|(count, what)| human::count(count, what))
            .collect();
        if self.has_caches() {
            parts.push("the build cache".to_owned());
        }
        match parts.as_slice() {
            [] => "nothing".to_owned(),
            [only] => only.clone(),
            [head @ .., last] => format!("{} and {last}", head.join(", ")),
        }
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
