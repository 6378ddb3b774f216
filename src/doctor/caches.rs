//! Where builds keep their caches: `cache_from:` and `cache_to:` as far as checks look at them.

use std::path::{Path, PathBuf};

use crate::compose::{Build, Project, Service};
use crate::diagnostic::Span;
use crate::docker::{CacheEntry, CacheKey, reference};

/// A place that a service keeps its cache at, or takes it from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// The service.
    pub service: String,
    /// Whether it is written, and not only read.
    pub written: bool,
    /// Where.
    pub place: Place,
    /// Where that is said.
    pub at: Span,
}

/// Where a cache is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a directory, absolute.
    Directory(PathBuf),
    /// In a registry, under this full name.
    Registry(String),
}

/// The directories and registries in which the services of `project` keep their caches. Relative
/// directories begin at `base`. What is written wrongly is told by the plan.
pub fn caches(project: &Project, base: &Path) -> Vec<Cache> {
    let services = project.services.values();
    let builds = services.filter_map(|service| Some((service, service.build.as_ref()?)));
    builds
        .flat_map(|(service, build)| {
            [CacheKey::From, CacheKey::To].map(|key| entries(service, build, key, base))
        })
        .flatten()
        .collect()
}

fn entries(service: &Service, build: &Build, key: CacheKey, base: &Path) -> Vec<Cache> {
    let list = match key {
        CacheKey::From => &build.cache_from,
        CacheKey::To => &build.cache_to,
    };
    let at = build.keys.get(key.name()).unwrap_or(&build.at);
    let entries = list
        .iter()
        .flat_map(|text| CacheEntry::parse(key, text).unwrap_or_default());
    entries
        .filter_map(|mut entry| {
            entry.rebase(base);
            Some(Cache {
                service: service.name.clone(),
                written: key == CacheKey::To,
                place: place(&entry)?,
                at: at.clone(),
            })
        })
        .collect()
}

fn place(entry: &CacheEntry) -> Option<Place> {
    if let Some(path) = entry.directory() {
        return Some(Place::Directory(path.to_owned()));
    }
    let name = reference::normalize(entry.reference()?).ok()?;
    Some(Place::Registry(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::testing::Case;

    #[test]
    fn places_are_read_in_every_form() {
        let mut case = Case::default();
        case.project(
            "services: { web: { build: { context: ., cache_from: ['type=local,src=c', acme/web, 'type=gha'], cache_to: ['type=registry,ref=r.example/c:1,mode=max', 'type=local,dest=/d', 'type=nonsense'] } } }",
        );
        let places: Vec<_> = caches(case.loaded(), Path::new("/shop"))
            .into_iter()
            .map(|it| (it.written, it.place))
            .collect();
        assert_eq!(
            places,
            [
                (false, Place::Directory("/shop/c".into())),
                (false, Place::Registry("docker.io/acme/web:latest".into())),
                (true, Place::Registry("r.example/c:1".into())),
                (true, Place::Directory("/d".into())),
            ]
        );
    }
}
