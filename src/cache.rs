//! What of an engine's build cache is a project's, and what of it may go.
//!
//! An engine does not tell whose a record is. What is known of each is found out so:
//!
//! | Kept | It is the project's when |
//! |---|---|
//! | transfer | it has one of the names under which dcb transfers this project's files: certain |
//! | layer | a step of one of its builds, as the journal has them, made such a layer at that moment |
//! | cache mount | its `id` has the project's name in it; another `id` that its Dockerfiles use is *shared*. Where an engine does not tell ids (before 23.0), a step of the project must have made it too |
//! | directory | a service writes its cache there; those that are only read are *shared* |
//!
//! Everything else is other people's, or cannot be told, and is not touched. When two records could be
//! what a step made, neither is taken for it. [`attribute`] and [`select`] are pure.

mod select;
mod told;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use crate::diagnostic::Span;
use crate::docker::cache_directory::Kept;
use crate::docker::cache_records::{CacheRecord, RecordKind};
use crate::dockerfile::CacheMount;

pub use select::{Kinds, Selection, select};

/// What is known of a project beside the engine's records.
#[derive(Debug, Default)]
pub struct Evidence {
    /// The project's name.
    pub project: String,
    /// The names under which the files of each service are transferred.
    pub prefixes: Vec<(String, String)>,
    /// The cache mounts of each service's Dockerfiles.
    pub mounts: Vec<Declared>,
    /// The steps that ran.
    pub made: Vec<Made>,
    /// The caches outside of the engine.
    pub places: Vec<Place>,
}

/// A cache mount of a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The service.
    pub service: String,
    /// What the engine calls it, without leading slashes.
    pub id: String,
    /// Whether the Dockerfile, or `BUILDKIT_CACHE_MOUNT_NS`, names it; else its target does.
    pub named: bool,
    /// Where it is mounted.
    pub target: String,
    /// What the `RUN` runs.
    pub command: String,
}

impl Declared {
    /// A mount of a service that is built in the namespace `namespace`.
    pub fn new(service: &str, mount: CacheMount<'_>, namespace: Option<&str>) -> Self {
        let id = mount.id.unwrap_or(mount.target);
        let id = match namespace {
            Some(namespace) => format!("{namespace}/{id}"),
            None => id.to_owned(),
        };
        Self {
            service: service.to_owned(),
            id: plain(&id).to_owned(),
            named: mount.id.is_some() || namespace.is_some(),
            target: mount.target.to_owned(),
            command: mount.command,
        }
    }
}

/// An id as engines of all versions have it in common: newer ones put slashes before it.
fn plain(id: &str) -> &str {
    id.trim_start_matches('/')
}

/// A step that ran, on the engine's clock in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The services of its job.
    pub services: Vec<String>,
    /// Its name.
    pub step: String,
    /// When it began.
    pub began: u64,
    /// When it was over.
    pub ended: u64,
}

impl Made {
    /// Whether it went on at that moment. Two numbers that were cut off to whole milliseconds make one of
    /// the journal's.
    fn lasted(&self, moment: u64) -> bool {
        self.began <= moment && moment <= self.ended + 2
    }
}

/// A cache outside of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The services that use it.
    pub services: Vec<String>,
    /// Whether one of them writes it.
    pub written: bool,
    /// What is there.
    pub what: Outside,
    /// Where it is named.
    pub at: Option<Span>,
}

/// What is outside of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outside {
    /// A directory, and what is in it; nothing when there is no cache yet.
    Directory(PathBuf, Option<Kept>),
    /// Any other place, as it is written.
    Elsewhere(String),
}

/// Whose something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The project's.
    Project,
    /// The project uses it, and others may.
    Shared,
    /// Somebody else's, or nobody knows.
    Other,
}

/// A record with what was found out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The record.
    pub record: CacheRecord,
    /// Whose it is.
    pub owner: Owner,
    /// The services that it belongs to.
    pub services: Vec<String>,
    /// What it is, for people: a step, a target with its id.
    pub what: String,
}

impl Item {
    /// The bytes that its removal frees, as far as can be known beforehand: what images have too
    /// stays.
    pub fn frees(&self) -> u64 {
        if self.record.in_image {
            0
        } else {
            self.record.size
        }
    }
}

/// Everything there is.
#[derive(Debug, Default)]
pub struct Ledger {
    /// The engine's records, the least recently used first.
    pub items: Vec<Item>,
    /// Caches outside of the engine.
    pub places: Vec<Place>,
}

/// Finds out whose each record is.
pub fn attribute(records: Vec<CacheRecord>, evidence: Evidence) -> Ledger {
    let makers = makers(&records, &evidence.made);
    let unnamed = unnamed(&records, &evidence.made);
    let mut items: Vec<Item> = records
        .into_iter()
        .map(|record| {
            let (owner, services, what) = match record.kind {
                RecordKind::Transfer => transfer(&record, &evidence),
                RecordKind::Mount => mount(&record, &evidence, unnamed.contains(&record.id)),
                RecordKind::Layer => layer(&record, &makers),
                RecordKind::Other => None,
            }
            .unwrap_or_else(|| (Owner::Other, Vec::new(), record.description.clone()));
            Item {
                record,
                owner,
                services,
                what,
            }
        })
        .collect();
    items.sort_by_key(|item| item.record.used);
    Ledger {
        items,
        places: evidence.places,
    }
}

type Found = Option<(Owner, Vec<String>, String)>;

fn transfer(record: &CacheRecord, evidence: &Evidence) -> Found {
    let name = record.description.strip_prefix("local source for ")?;
    let mut services: Vec<String> = Vec::new();
    for (service, prefix) in &evidence.prefixes {
        if name.starts_with(prefix) && !services.contains(service) {
            services.push(service.clone());
        }
    }
    let (_, what) = name.split_once('-')?;
    (!services.is_empty()).then(|| (Owner::Project, services, format!("files for {what}")))
}

/// `made` is whether a step of the project made it, for engines that do not tell its id.
fn mount(record: &CacheRecord, evidence: &Evidence, made: bool) -> Found {
    let told = told::Mount::of(&record.description)?;
    let mounts: Vec<&Declared> = evidence
        .mounts
        .iter()
        .filter(|declared| match told.id {
            Some(id) => told::resembles(&declared.id, plain(id)),
            // Engines before 23 do not tell it: one of another id looks just the same.
            None => {
                (made || !declared.named)
                    && told::resembles(&declared.target, told.target)
                    && told::ran(&declared.command, told.command)
            }
        })
        .collect();
    let first = mounts.first()?;
    let id = told.id.map_or(first.id.as_str(), plain);
    let own = mounts.iter().any(|it| it.named) && has_word(id, &evidence.project);
    let mut services: Vec<String> = Vec::new();
    for declared in &mounts {
        if !services.contains(&declared.service) {
            services.push(declared.service.clone());
        }
    }
    let what = if first.named {
        format!("{} (id {id})", told.target)
    } else {
        told.target.to_owned()
    };
    let owner = if own { Owner::Project } else { Owner::Shared };
    Some((owner, services, what))
}

/// The cache mounts without a told id that steps made, by the record's id.
fn unnamed(records: &[CacheRecord], made: &[Made]) -> HashSet<String> {
    let mounts: Vec<(&CacheRecord, told::Mount<'_>)> = records
        .iter()
        .filter(|record| record.kind == RecordKind::Mount)
        .filter_map(|record| Some((record, told::Mount::of(&record.description)?)))
        .filter(|(_, told)| told.id.is_none())
        .collect();
    let mut found = HashSet::new();
    for (record, told) in &mounts {
        let is_made = made.iter().any(|step| {
            let then = |record: &CacheRecord| step.lasted(record.created);
            let alike = |(other, _): &&(&CacheRecord, _)| {
                other.description == record.description && then(other)
            };
            then(record)
                && told::runs(&step.step, told.command)
                && mounts.iter().filter(alike).count() == 1
        });
        if is_made {
            found.insert(record.id.clone());
        }
    }
    found
}

/// Whether `name` stands in `text` as a word of its own.
fn has_word(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric();
    !name.is_empty()
        && text.match_indices(name).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + name.len()..].chars().next();
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        })
}

fn layer(record: &CacheRecord, makers: &HashMap<String, &Made>) -> Found {
    let made = makers.get(&record.id)?;
    Some((Owner::Project, made.services.clone(), made.step.clone()))
}

/// The steps that made layers, by the record's id.
fn makers<'a>(records: &[CacheRecord], made: &'a [Made]) -> HashMap<String, &'a Made> {
    let mut layers: Vec<&CacheRecord> = records
        .iter()
        .filter(|record| record.kind == RecordKind::Layer)
        .collect();
    layers.sort_by_key(|record| record.created);
    let mut makers = HashMap::new();
    for step in made {
        let first = layers.partition_point(|record| record.created < step.began);
        let mut candidates = layers[first..]
            .iter()
            .take_while(|record| step.lasted(record.created))
            .filter(|record| told::made(&step.step, &record.description));
        if let (Some(record), None) = (candidates.next(), candidates.next()) {
            makers.insert(record.id.clone(), step);
        }
    }
    makers
}

/// Sums over items.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// How many there are.
    pub count: usize,
    /// What they take, without what images have too.
    pub bytes: u64,
    /// What of that no build uses right now.
    pub reclaimable: u64,
}

impl Sum {
    /// The sum of `items`.
    pub fn of<'a>(items: impl IntoIterator<Item = &'a Item>) -> Self {
        let mut sum = Self::default();
        for item in items {
            sum.count += 1;
            sum.bytes += item.frees();
            if !item.record.in_use {
                sum.reclaimable += item.frees();
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests;
