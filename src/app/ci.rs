//! `ci`: what a pipeline has to know of the project, and its text.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

use super::{App, UNWRITTEN};
use crate::cli::{BuildFlags, Ci, ProjectFlags, Server};
use crate::compose::{self, Project};
use crate::diagnostic::Diagnostic;
use crate::docker::{CacheEntry, CacheKey, reference};
use crate::dockerfile::Dockerfile;
use crate::failure::{Class, Failure};
use crate::pipeline::{self, Cache, Pipeline};
use crate::settings::SharedCaches;
use crate::{report, settings};

/// Registries from which everybody may pull.
const PUBLIC: [&str; 8] = [
    "docker.io",
    "ghcr.io",
    "quay.io",
    "gcr.io",
    "mcr.microsoft.com",
    "public.ecr.aws",
    "registry.k8s.io",
    "nvcr.io",
];

impl App<'_> {
    /// `dcb ci`.
    pub(super) fn ci(&self, asked: &Ci) -> anyhow::Result<ExitCode> {
        let flags = self.files_for(asked)?;
        let request = settings::project(self.ambient, &flags, &[])?;
        let project = super::load(&request)?;
        let extension = settings::Extension::read(&project)?;
        let said = extension.shared_caches(&project);
        let said_elsewhere = said.is_some() && asked.cache.is_some();
        // What is typed counts, and the classic builder writes none.
        let shared = said.filter(|_| asked.cache.is_none() && !asked.force_traditional);
        let cache = match &shared {
            Some(shared) => self.of_project(shared, asked.push),
            None => cache(asked)?,
        };
        let built = project.services.values().filter(|it| it.build.is_some());
        let services: Vec<String> = built.map(|service| service.name.clone()).collect();
        if services.is_empty() {
            return Err(Failure::new(
                Class::ComposeInvalid,
                "no service of this project is built: there is nothing for a pipeline to do",
            )
            .hint("give a service a `build:` section")
            .into());
        }
        let mut registries = registries(&project, &cache, asked);
        if let Some(shared) = &shared {
            registries.extend(shared.images.iter().filter_map(|name| registry(name)));
        }
        // Files are only named where dcb would not find the same by itself.
        let alone = match &cache {
            Cache::Engine => !said_elsewhere,
            Cache::Project { .. } => true,
            Cache::GitHub | Cache::Registry(_) | Cache::Directory => false,
        };
        let files = if !alone || !self.flags.files.is_empty() {
            self.in_repository(&project)?
        } else {
            Vec::new()
        };
        let pipeline = Pipeline {
            services,
            files,
            flags: self.words_but_files(),
            registries: registries.into_iter().collect(),
            cache,
            said_elsewhere,
            push: asked.push,
            traditional: asked.force_traditional,
            version: env!("CARGO_PKG_VERSION"),
        };
        let text = match asked.server {
            Server::GitHub => pipeline::github(&pipeline),
            Server::GitLab => pipeline::gitlab(&pipeline),
            Server::Jenkins => pipeline::jenkins(&pipeline),
        };
        report::result(&text).context(UNWRITTEN)?;
        Ok(ExitCode::SUCCESS)
    }

    /// The caches that the project says itself, and what there is to tell of them.
    fn of_project(&self, shared: &SharedCaches, push: bool) -> Cache {
        if let Some(at) = shared.prod_unwritten.as_ref().filter(|_| push) {
            let message = "this cache of production is never written: `write` does not say `prod`, \
                           and has no variable in which a pipeline could";
            let warning = Diagnostic::warning(message)
                .at(at.clone(), "")
                .help("write: ${BUILD_KIND:-dev}");
            report::diagnostics(&[warning], self.ambient.stderr);
        }
        let directories = shared.directories.iter();
        let directories = directories.map(|it| from_here(it, &self.ambient.directory));
        Cache::Project {
            chosen_by: shared.chosen_by.clone(),
            // What a registry has too need not be kept twice.
            directories: directories.filter(|_| shared.images.is_empty()).collect(),
        }
    }

    /// What was typed about the project, with the form of its compose file that goes with the builder.
    fn files_for(&self, asked: &Ci) -> Result<ProjectFlags, Failure> {
        let how = BuildFlags {
            force_traditional: asked.force_traditional,
            ..BuildFlags::default()
        };
        let mut flags = self.flags.clone();
        if let Some(pair) = settings::pair(self.ambient, &flags, None) {
            let traditional = settings::begins_traditional(self.ambient, &how)?;
            flags.files.extend(pair.first(traditional).cloned());
        }
        Ok(flags)
    }

    /// The names of the compose files from here, where a job begins.
    fn in_repository(&self, project: &Project) -> Result<Vec<String>, Failure> {
        let name = |file: &std::path::PathBuf| {
            let name = file.strip_prefix(&self.ambient.directory).ok();
            let name = name.and_then(|name| name.to_str());
            let plain = |name: &&str| !name.contains([':', '"', '$', '\\', '`', '\n']);
            name.filter(plain).map(str::to_owned).ok_or_else(|| {
                let shown = file.display();
                Failure::new(
                    Class::Usage,
                    format!("`{shown}` cannot be named in a pipeline for this directory"),
                )
                .hint("run `dcb ci` in the directory of the repository in which a job begins")
            })
        };
        project.files.iter().map(name).collect()
    }
}

/// A directory as a job names it that begins `here`.
fn from_here(directory: &Path, here: &Path) -> String {
    let below = directory.strip_prefix(here).unwrap_or(directory);
    below.display().to_string()
}

/// `--cache`, or what the build server has.
fn cache(asked: &Ci) -> Result<Cache, Failure> {
    let wrong = |message: String| Failure::new(Class::Usage, message);
    let Some(text) = &asked.cache else {
        return Ok(match asked.server {
            _ if asked.force_traditional => Cache::Engine,
            Server::GitHub => Cache::GitHub,
            Server::GitLab => Cache::Registry("${CI_REGISTRY_IMAGE}".to_owned()),
            Server::Jenkins => Cache::Engine,
        });
    };
    let cache = match text.as_str() {
        "gha" if asked.server != Server::GitHub => {
            let failure = wrong("`gha` is the cache of GitHub Actions".to_owned());
            return Err(failure.hint("--cache registry=IMAGE, or --cache local"));
        }
        "gha" => Cache::GitHub,
        "local" => Cache::Directory,
        "none" => Cache::Engine,
        text => match text.strip_prefix("registry=") {
            Some(name) if name.contains('$') || reference::normalize(name).is_ok() => {
                Cache::Registry(name.to_owned())
            }
            Some(name) => {
                let failure = wrong(format!("`{name}` is no name of an image"));
                return Err(failure.hint("such as --cache registry=ghcr.io/acme/shop:cache"));
            }
            None => {
                let failure = wrong(format!("`{text}` is no place for a cache"));
                return Err(failure.hint("--cache takes gha, registry=IMAGE, local, or none"));
            }
        },
    };
    if asked.force_traditional && cache != Cache::Engine {
        let failure = wrong("the classic builder writes no cache".to_owned());
        return Err(failure.hint("leave out --cache or --force-traditional"));
    }
    Ok(cache)
}

/// The registries that have to know who asks: private ones of base images and of caches that services
/// read, and all that something is written to.
fn registries(project: &Project, cache: &Cache, asked: &Ci) -> BTreeSet<String> {
    let mut registries = BTreeSet::new();
    for service in project.services.values() {
        let Some(build) = &service.build else {
            continue;
        };
        let text = match &build.dockerfile {
            compose::Dockerfile::File(path) => std::fs::read_to_string(path).unwrap_or_default(),
            compose::Dockerfile::Inline(text, _) => text.clone(),
            compose::Dockerfile::InContext(_) => String::new(),
        };
        let images = Dockerfile::parse(&text).images(build.target.as_deref(), &build.args);
        let pulled = images.iter().filter_map(|name| registry(name));
        registries.extend(pulled.filter(|registry| !PUBLIC.contains(&registry.as_str())));
        for (key, entries) in [
            (CacheKey::From, &build.cache_from),
            (CacheKey::To, &build.cache_to),
        ] {
            // The classic builder asks no registry.
            let entries = entries.iter().filter(|_| !asked.force_traditional);
            let entries = entries.flat_map(|text| CacheEntry::parse(key, text).unwrap_or_default());
            let named = entries.filter_map(|entry| registry(entry.reference()?));
            let written = key == CacheKey::To;
            registries.extend(named.filter(|it| written || !PUBLIC.contains(&it.as_str())));
        }
        if asked.push {
            let pushed = service.image.iter().chain(&build.tags);
            registries.extend(pushed.filter_map(|name| registry(name)));
        }
    }
    if let Cache::Registry(name) = cache
        && !name.contains('$')
    {
        registries.extend(registry(name));
    }
    registries
}

fn registry(name: &str) -> Option<String> {
    let full = reference::normalize(name).ok()?;
    Some(reference::registry(&full).to_owned())
}
