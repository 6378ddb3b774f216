//! `x-dcb.cache`: the caches that a team shares and this machine keeps, said once for all services.
//!
//! ```text
//! write: dev    reads dev, prod, local    writes dev, local      what people do at their desks
//! write: prod   reads prod, local         writes prod, local     what is released
//! write: none   reads dev, prod, local    writes local           who may not push
//! ```
//!
//! So no build for development ever writes what production builds begin with. They become entries of
//! `cache_from` and `cache_to` as if each service had written them, at the place where they stand
//! here, and everything that is known of those holds for them. A service with entries of its own keeps
//! to these: two authors of one list would leave nobody knowing what is in it.

use std::path::PathBuf;

use super::Reader;
use crate::compose::{Build, Node, Project};
use crate::diagnostic::Span;
use crate::docker::{CacheKey, reference};
use crate::human;

/// What stands for the service in a place.
const SERVICE: &str = "{service}";
/// What stands for the project.
const PROJECT: &str = "{project}";

/// The caches of all services.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct TeamCaches {
    dev: Option<Place>,
    prod: Option<Place>,
    local: Option<Place>,
    write: Write,
    /// Where `write` stands.
    write_at: Option<Span>,
}

/// Where one is kept, and where that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    text: String,
    at: Span,
}

/// The caches of all services, as a build server has to know them.
#[derive(Debug)]
pub struct SharedCaches {
    /// Their names in registries, whichever of them is written.
    pub images: Vec<String>,
    /// The directories, absolute.
    pub directories: Vec<PathBuf>,
    /// The variable that is `write`: `BUILD_KIND` of `write: ${BUILD_KIND:-dev}`.
    pub chosen_by: Option<String>,
    /// Where the cache of production stands, when another is written and no variable can say otherwise.
    pub prod_unwritten: Option<Span>,
}

/// Which of a registry's caches is written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Write {
    #[default]
    Dev,
    Prod,
    None,
}

impl TeamCaches {
    /// Gives them to every service of `project` that is built, names none itself, and is not among
    /// those `without` them.
    pub(super) fn add_to(&self, project: &mut Project, without: impl Fn(&str) -> bool) {
        let (name, directory) = (project.name.clone(), project.directory.clone());
        for service in project.services.values_mut() {
            let Some(build) = &mut service.build else {
                continue;
            };
            let own = !build.cache_from.is_empty() || !build.cache_to.is_empty();
            if own || without(&service.name) {
                continue;
            }
            for key in [CacheKey::From, CacheKey::To] {
                for (kind, place) in self.places(key) {
                    let text = fill(&place.text, &service.name, &name, kind);
                    let text = match (kind, key) {
                        (Kind::Registry, CacheKey::From) => format!("type=registry,ref={text}"),
                        (Kind::Registry, CacheKey::To) => {
                            format!("type=registry,ref={text},mode=max")
                        }
                        (Kind::Local, key) => {
                            let path = directory.join(text);
                            match key {
                                CacheKey::From => format!("type=local,src={}", path.display()),
                                CacheKey::To => {
                                    format!("type=local,dest={},mode=max", path.display())
                                }
                            }
                        }
                    };
                    lend(build, key, text, &place.at);
                }
            }
        }
    }

    /// What a build server has to know of them; nothing where there are none. `services` are those that
    /// have them.
    pub(super) fn shared(&self, project: &Project, services: &[&str]) -> Option<SharedCaches> {
        let filled = |place: &Option<Place>, kind| -> Vec<String> {
            let names = services.iter();
            let place = place.iter();
            place
                .flat_map(|place| {
                    let names = names.clone();
                    names.map(|name| fill(&place.text, name, &project.name, kind))
                })
                .collect()
        };
        let any = [&self.dev, &self.prod, &self.local];
        any.iter().find(|place| place.is_some())?;
        let images = [&self.dev, &self.prod].map(|place| filled(place, Kind::Registry));
        let directories = filled(&self.local, Kind::Local);
        let chosen_by = self.write_at.as_ref().and_then(|at| {
            let mut variables = project.variables.iter();
            let (name, _) =
                variables.find(|(_, it)| it.alternate.is_empty() && it.places.contains(at))?;
            Some(name.clone())
        });
        let fixed = chosen_by.is_none() && self.write != Write::Prod;
        let prod = self.prod.as_ref().filter(|_| fixed);
        Some(SharedCaches {
            images: images.concat(),
            directories: directories
                .iter()
                .map(|text| project.directory.join(text))
                .collect(),
            chosen_by,
            prod_unwritten: prod.map(|place| place.at.clone()),
        })
    }

    /// The places that are read, or written.
    fn places(&self, key: CacheKey) -> Vec<(Kind, &Place)> {
        let (dev, prod) = match (key, self.write) {
            (CacheKey::From, Write::Dev | Write::None) => (true, true),
            (_, Write::Prod) => (false, true),
            (CacheKey::To, Write::Dev) => (true, false),
            (CacheKey::To, Write::None) => (false, false),
        };
        let local = self.local.iter().map(|place| (Kind::Local, place));
        let dev = self.dev.iter().filter(|_| dev);
        let prod = self.prod.iter().filter(|_| prod);
        let registry = dev.chain(prod).map(|place| (Kind::Registry, place));
        registry.chain(local).collect()
    }
}

/// What a cache is kept in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Registry,
    Local,
}

/// Adds an entry to `build`, with the place where it stands.
fn lend(build: &mut Build, key: CacheKey, text: String, at: &Span) {
    let list = match key {
        CacheKey::From => &mut build.cache_from,
        CacheKey::To => &mut build.cache_to,
    };
    let name = key.name();
    let keys = &mut build.keys;
    keys.entry(name.to_owned()).or_insert_with(|| at.clone());
    keys.insert(format!("{name}.{}", list.len()), at.clone());
    list.push(text);
}

/// `text` for one service. Names of images have no capitals.
fn fill(text: &str, service: &str, project: &str, kind: Kind) -> String {
    let service = match kind {
        Kind::Registry => service.to_lowercase(),
        Kind::Local => service.to_owned(),
    };
    text.replace(SERVICE, &service).replace(PROJECT, project)
}

impl Reader {
    /// Reads `cache:` of a project, of which `several` services are built.
    pub(super) fn team_caches(&mut self, node: &Node, several: bool) -> TeamCaches {
        self.section(node, &["dev", "prod", "local", "write"]);
        let mut caches = TeamCaches {
            dev: self.place(node, "dev", Kind::Registry, several),
            prod: self.place(node, "prod", Kind::Registry, several),
            local: self.place(node, "local", Kind::Local, several),
            write: Write::default(),
            write_at: None,
        };
        if let Some(write) = node.get("write") {
            caches.write_at = Some(write.span.clone());
            match write.scalar_text().as_deref() {
                Some("dev") => caches.write = Write::Dev,
                Some("prod") => caches.write = Write::Prod,
                Some("none") => caches.write = Write::None,
                _ => self.wrong(
                    write,
                    "is none of the caches that are written",
                    "write `dev`, `prod` or `none`",
                ),
            }
        }
        caches
    }

    fn place(&mut self, node: &Node, key: &str, kind: Kind, several: bool) -> Option<Place> {
        let value = node.get(key)?;
        let mut text = String::new();
        self.text(node, key, &mut text);
        value.as_text().filter(|text| !text.is_empty())?;
        let filled = fill(&text, "service", "project", kind);
        let (what, help) = if filled.contains(['{', '}']) {
            (
                "has a placeholder that is none".to_owned(),
                format!("there are {}", human::list([SERVICE, PROJECT])),
            )
        } else if kind == Kind::Local && filled.contains([',', '"']) {
            (
                "cannot be a directory of a cache".to_owned(),
                "choose one without commas and quotes".to_owned(),
            )
        } else if kind == Kind::Local {
            // Services that share a directory get a part each.
            return Some(Place {
                text,
                at: value.span.clone(),
            });
        } else if let Err(error) = reference::normalize(&filled) {
            (
                format!("names no image: {error}"),
                format!("such as `{key}: registry.example.org/{SERVICE}:{key}cache`"),
            )
        } else if several && !text.contains(SERVICE) {
            (
                "is one place for several services, where only the last would be kept".to_owned(),
                format!("put `{SERVICE}` into it"),
            )
        } else {
            return Some(Place {
                text,
                at: value.span.clone(),
            });
        };
        self.wrong(value, &what, &help);
        None
    }
}
