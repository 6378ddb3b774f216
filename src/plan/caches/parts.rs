//! Directories that several services name for their caches, as an anchor in a compose file makes
//! them do: each service keeps a part of its own below.
//!
//! Two builds that write one directory side by side lose each other's index, and one after the other
//! only the last is kept. Which services write a directory is a matter of the project and not of
//! what is built of it now, so that a part is found again whoever is built alone. Services with the
//! same build are one writer: they are built once.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::written;
use crate::compose::{self, Build, Project};
use crate::diagnostic::Diagnostic;
use crate::docker::{CacheEntry, CacheKey};
use crate::human;
use crate::plan::{Inputs, Job};

/// The directories that are divided, each with the part of every service that writes it.
#[derive(Debug, Default)]
pub(in crate::plan) struct Parts(IndexMap<PathBuf, IndexMap<String, String>>);

impl Parts {
    /// Those of a project, in all forms of its services. Relative directories begin at `base`.
    pub(in crate::plan) fn of(project: &Project, inputs: &Inputs, base: &Path) -> Self {
        let mut writers: IndexMap<PathBuf, IndexMap<&str, &Build>> = IndexMap::new();
        for service in project.services.values() {
            let Some(own) = &service.build else { continue };
            let forms = inputs.forms(&service.name).iter();
            for build in forms.map(|form| form.build(own)) {
                for directory in directories(build, base) {
                    let services = writers.entry(directory).or_default();
                    services.entry(&service.name).or_insert(build);
                }
            }
        }
        let parts = writers.into_iter().map(|(directory, services)| {
            let part = |build: &Build| {
                let mut all = services.iter();
                all.find(|(_, other)| do_the_same(other, build))
                    .map_or_else(String::new, |(name, _)| (*name).to_owned())
            };
            let parts: IndexMap<String, String> = services
                .iter()
                .map(|(name, build)| ((*name).to_owned(), part(build)))
                .collect();
            (directory, parts)
        });
        Self(
            parts
                .filter(|(_, parts)| !parts.values().all(|part| *part == parts[0]))
                .collect(),
        )
    }

    /// `entry` of a service with its own part for the directory; an entry for each part when the
    /// service only reads what others write.
    pub(super) fn divide(&self, entry: CacheEntry, service: &str) -> Vec<CacheEntry> {
        let parts = entry
            .directory()
            .and_then(|path| Some((path, self.0.get(path)?)));
        let Some((path, parts)) = parts else {
            return vec![entry];
        };
        let mut names: Vec<&String> = match parts.get(service) {
            Some(own) => vec![own],
            None => parts.values().collect(),
        };
        names.dedup();
        let entries = names.into_iter().map(|name| {
            let mut part = entry.clone();
            part.move_to(&path.join(name));
            part
        });
        entries.collect()
    }

    /// What there is to tell of those that `jobs` use.
    pub(in crate::plan) fn notes(&self, jobs: &[Job]) -> Vec<Diagnostic> {
        let used = |directory: &Path, parts: &IndexMap<String, String>| {
            let entries = jobs.iter().flat_map(|job| {
                let spec = &job.attempt.spec;
                spec.cache_to.iter().chain(&spec.cache_from)
            });
            entries
                .filter(|entry| {
                    let path = entry.directory();
                    path.is_some_and(|path| parts.values().any(|part| path == directory.join(part)))
                })
                .find_map(|entry| entry.at.clone())
        };
        self.0
            .iter()
            .filter_map(|(directory, parts)| {
                let at = used(directory, parts)?;
                let message = format!(
                    "services {} keep their caches in one directory, `{}`: each in a part of its own, named after it",
                    human::list(parts.keys()),
                    directory.display()
                );
                Some(Diagnostic::note(message).at(at, ""))
            })
            .collect()
    }
}

/// The directories that a build writes.
fn directories(build: &Build, base: &Path) -> Vec<PathBuf> {
    written(build, CacheKey::To)
        .iter()
        .flat_map(|text| CacheEntry::parse(CacheKey::To, text).unwrap_or_default())
        .filter_map(|mut entry| {
            entry.rebase(base);
            entry.directory().map(Path::to_owned)
        })
        .collect()
}

/// Whether two builds are the same work under other names.
fn do_the_same(one: &Build, other: &Build) -> bool {
    let same_file = match (&one.dockerfile, &other.dockerfile) {
        (compose::Dockerfile::Inline(one, _), compose::Dockerfile::Inline(other, _)) => {
            one == other
        }
        (one, other) => one == other,
    };
    let work = |build: &Build| {
        (
            build.context.clone(),
            build.target.clone(),
            build.args.clone(),
            build.additional_contexts.clone(),
            build.platforms.clone(),
        )
    };
    same_file && work(one) == work(other)
}
