//! `x-dcb`: what a project, or one of its services, says to dcb in its compose file.
//!
//! ```yaml
//! x-dcb:
//!   variants: { optimised: fast, traditional: plain }
//!   strategy: auto            # or buildkit, classic
//!   builder: ci               # a builder of buildx
//!   policy: { cache-mounts: false }
//!   doctor: { ignore: { DSK-01: the disk grows by itself } }
//!   verify: { web: http://localhost:8080/health, db: [pg_isready] }
//!   cache: { dev: "r.example/{service}:dev", local: "/tmp/docker-cache/{service}" }
//! services:
//!   web:
//!     x-dcb: { strategy: classic, variant: plain, cache: false }
//! ```

mod caches;

use indexmap::{IndexMap, IndexSet};

use super::verify::{self, Check};

use crate::compose::{Node, Project};
use crate::diagnostic::Diagnostic;
use crate::docker::Strategy;
use crate::dockerfile::Markers;
use crate::doctor;
use crate::failure::{Class, Failure};
use crate::human;

pub use caches::SharedCaches;
use caches::TeamCaches;

/// What a project says.
#[derive(Debug, Default)]
pub struct Extension {
    /// `variants`.
    pub markers: Markers,
    /// What it says of all services.
    pub all: Wishes,
    /// `doctor.ignore`: the reason to leave a check alone, by the check's id.
    pub ignored_checks: IndexMap<String, String>,
    /// `verify`: what shows that a service works, by its name.
    pub verify: IndexMap<String, Vec<Check>>,
    /// `cache`: the caches of all services.
    caches: TeamCaches,
    /// The services that say `cache: false`.
    uncached: IndexSet<String>,
    /// What single services say, by name.
    pub services: IndexMap<String, Wishes>,
}

/// What is said of builders and forms.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Wishes {
    /// `strategy`.
    pub strategy: Option<StrategyWish>,
    /// `builder`.
    pub builder: Option<String>,
    /// `variant`.
    pub variant: Option<String>,
    /// `policy.cache-mounts`.
    pub cache_mounts: Option<bool>,
}

/// Which builder is wished for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StrategyWish {
    /// The best one.
    Auto,
    /// This one.
    Only(Strategy),
}

impl Extension {
    /// Reads the sections of `project`.
    ///
    /// # Errors
    /// With every key that is unknown and every value that is not one.
    pub fn read(project: &Project) -> Result<Self, Failure> {
        let mut reader = Reader::default();
        let mut extension = Self::default();
        if let Some(node) = project.extension("x-dcb") {
            reader.section(
                node,
                &[
                    "variants", "strategy", "builder", "variant", "policy", "doctor", "cache",
                    "verify",
                ],
            );
            if let Some(doctor) = node.get("doctor") {
                reader.section(doctor, &["ignore"]);
                extension.ignored_checks = reader.ignored_checks(doctor);
            }
            if let Some(verify) = node.get("verify") {
                extension.verify = verify::read(verify, project, &mut reader);
            }
            if let Some(variants) = node.get("variants") {
                reader.section(variants, &["optimised", "traditional"]);
                reader.text(variants, "optimised", &mut extension.markers.optimised);
                reader.text(variants, "traditional", &mut extension.markers.traditional);
            }
            if let Some(cache) = node.get("cache") {
                let built = project.services.values().filter(|it| it.build.is_some());
                extension.caches = reader.team_caches(cache, built.count() > 1);
            }
            extension.all = reader.wishes(node);
        }
        for name in project.services.keys() {
            if let Some(node) = project.tree.at(&["services", name, "x-dcb"]) {
                reader.section(node, &["strategy", "builder", "variant", "policy", "cache"]);
                if let Some(cache) = node.get("cache")
                    && reader.switch(cache) == Some(false)
                {
                    extension.uncached.insert(name.clone());
                }
                extension.services.insert(name.clone(), reader.wishes(node));
            }
        }
        if reader.errors.is_empty() {
            Ok(extension)
        } else {
            Err(Failure::found(
                Class::ComposeInvalid,
                "`x-dcb` cannot be understood",
                reader.errors,
            ))
        }
    }

    /// Gives the services of `project` the caches that are said once for all of them.
    pub fn lend_caches(&self, project: &mut Project) {
        self.caches
            .add_to(project, |service| self.uncached.contains(service));
    }

    /// The caches that are said once for all services of `project`, to which none was lent yet.
    pub fn shared_caches(&self, project: &Project) -> Option<SharedCaches> {
        let services = project.services.values();
        let services: Vec<&str> = services
            .filter(|service| {
                let build = service.build.as_ref();
                build.is_some_and(|build| build.cache_from.is_empty() && build.cache_to.is_empty())
            })
            .map(|service| service.name.as_str())
            .filter(|name| !self.uncached.contains(*name))
            .collect();
        self.caches.shared(project, &services)
    }
}

/// Reads sections, and keeps what is wrong with them.
#[derive(Default)]
pub(super) struct Reader {
    errors: Vec<Diagnostic>,
}

impl Reader {
    /// Complains of keys that are not among `known`.
    pub(super) fn section(&mut self, node: &Node, known: &[&str]) {
        let Some(map) = node.as_map() else {
            self.wrong(
                node,
                "is no section",
                &format!("its keys are {}", human::list(known)),
            );
            return;
        };
        for (key, entry) in map {
            if known.contains(&key.as_str()) {
                continue;
            }
            let error = Diagnostic::error(format!("`x-dcb` has no key `{key}`"));
            let help = match human::nearest(key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its keys are {}", human::list(known)),
            };
            self.errors.push(error.at(entry.at.clone(), "").help(help));
        }
    }

    fn wishes(&mut self, node: &Node) -> Wishes {
        let mut wishes = Wishes::default();
        if let Some(strategy) = node.get("strategy") {
            match strategy.as_text() {
                Some("auto") => wishes.strategy = Some(StrategyWish::Auto),
                Some("buildkit") => {
                    wishes.strategy = Some(StrategyWish::Only(Strategy::BuildKit));
                }
                Some("classic") => {
                    wishes.strategy = Some(StrategyWish::Only(Strategy::Classic));
                }
                _ => self.wrong(
                    strategy,
                    "is no builder",
                    "write `auto`, `buildkit` or `classic`",
                ),
            }
        }
        if let Some(builder) = node.get("builder") {
            let mut name = String::new();
            self.text(node, "builder", &mut name);
            wishes.builder = Some(name).filter(|name| !name.is_empty());
            if wishes.strategy == Some(StrategyWish::Only(Strategy::Classic)) {
                self.wrong(
                    builder,
                    "is a builder of buildx, and `strategy: classic` asks for another",
                    "leave one of them out",
                );
            }
        }
        if let Some(variant) = node.get("variant") {
            let mut name = String::new();
            self.text(node, "variant", &mut name);
            if variant.as_text().is_some() {
                wishes.variant = Some(name);
            }
        }
        if let Some(policy) = node.get("policy") {
            self.section(policy, &["cache-mounts"]);
            if let Some(allowed) = policy.get("cache-mounts") {
                wishes.cache_mounts = self.switch(allowed);
            }
        }
        wishes
    }

    fn switch(&mut self, node: &Node) -> Option<bool> {
        match node.scalar_text().as_deref() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => {
                self.wrong(node, "is neither true nor false", "write `true` or `false`");
                None
            }
        }
    }

    /// Checks that are left alone: each must be one, and needs a reason.
    fn ignored_checks(&mut self, node: &Node) -> IndexMap<String, String> {
        let mut ignored = IndexMap::new();
        let Some(ignore) = node.get("ignore") else {
            return ignored;
        };
        let ids: Vec<&str> = doctor::checks().map(|check| check.id).collect();
        self.section(ignore, &ids);
        for (id, entry) in ignore.as_map().into_iter().flatten() {
            match entry.node.as_text().map(str::trim) {
                Some(reason) if !reason.is_empty() => {
                    ignored.insert(id.clone(), reason.to_owned());
                }
                _ => self.wrong(&entry.node, "is no reason", "write why it is left alone"),
            }
        }
        ignored
    }

    fn text(&mut self, node: &Node, key: &str, into: &mut String) {
        match node.get(key).map(|value| (value, value.as_text())) {
            None => {}
            Some((_, Some(text))) if !text.is_empty() => text.clone_into(into),
            Some((value, _)) => self.wrong(value, "is no name", "write a word"),
        }
    }

    pub(super) fn wrong(&mut self, node: &Node, what: &str, help: &str) {
        let shown = node.scalar_text().unwrap_or_else(|| node.kind().to_owned());
        self.errors.push(
            Diagnostic::error(format!("`{shown}` {what}"))
                .at(node.span.clone(), "")
                .help(help),
        );
    }
}
