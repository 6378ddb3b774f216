//! `dcb cache`: find out what there is, show it, and remove what may go.

use std::process::ExitCode;

use anyhow::Context;

use super::build::{Found, Open};
use super::history::now;
use super::{App, UNWRITTEN};
use crate::cache::{self, Declared, Evidence, Item, Ledger, Made, Outside, Place, Selection};
use crate::cli::{BuildFlags, Cache, CacheVerb, SweepFlags};
use crate::compose::Project;
use crate::docker::{CacheEntry, CacheKey, Facts, cache_directory, cache_records};
use crate::event::{Event, Record, StepState};
use crate::failure::{Class, Failure};
use crate::journal::{self, Journal};
use crate::plan::{self, Inputs};
use crate::report::caches::{self as told, Removal};
use crate::{report, settings};

/// The argument that gives the cache mounts of a build a namespace.
const NAMESPACE: &str = "BUILDKIT_CACHE_MOUNT_NS";

/// What is shown while that goes on.
pub(super) const SWEEPING: &str = "removing caches";

/// What a project keeps from build to build.
pub(super) struct Held {
    pub(super) ledger: Ledger,
    /// When it was looked at, in milliseconds since 1970: what is shown then is what goes.
    pub(super) looked: u64,
    /// Why the engine's cache is not in it.
    without_engine: Option<Failure>,
    pub(super) facts: Facts,
    /// Whether the engine forgets layers of other projects when anything is removed: see
    /// [`cache_records`].
    pub(super) forgets: bool,
    /// What there is to tell of what is not seen.
    pub(super) notes: Vec<String>,
}

impl App<'_> {
    /// `dcb cache`.
    pub(super) async fn cache(&self, cache: &Cache) -> anyhow::Result<ExitCode> {
        let flags = BuildFlags::default();
        let found = self.look(self.typed(&flags, &[], false)).await?;
        let project = &found.loaded.project;
        let held = self.held(&found).await?;
        let (selection, sweep) = match &cache.verb {
            None => {
                let text = if cache.json {
                    told::json(project, &held.ledger, &held.notes)
                } else {
                    told::text(project, &held.ledger, &held.notes, self.detail(), now())
                };
                report::result(&text).context(UNWRITTEN)?;
                return Ok(ExitCode::SUCCESS);
            }
            Some(CacheVerb::Prune(prune)) => (settings::pruned(prune, project)?, prune.sweep),
            Some(CacheVerb::Clear(clear)) => (settings::cleared(clear, project)?, clear.sweep),
        };
        self.ask_and_sweep(&held, &selection, sweep, cache.json)
            .await
    }

    /// Shows what is to go, asks, and removes it.
    async fn ask_and_sweep(
        &self,
        held: &Held,
        selection: &Selection,
        sweep: SweepFlags,
        json: bool,
    ) -> anyhow::Result<ExitCode> {
        if let Some(failure) = &held.without_engine
            && !selection.kinds.directories
        {
            return Err(failure.clone().into());
        }
        let (items, places) = cache::select(&held.ledger, selection, held.looked);
        let mut remarks = told::kept(&held.ledger, selection);
        if held.forgets && !items.is_empty() {
            remarks.push(told::FORGETS.to_owned());
        }
        if !json {
            let list = told::list(&items, &places, &remarks, self.detail(), held.looked);
            report::result(&list).context(UNWRITTEN)?;
        }
        let nothing = items.is_empty() && places.is_empty();
        if sweep.dry_run || nothing {
            if json {
                let removal = told::removal_json(&items, &places, &remarks, None);
                report::result(&removal).context(UNWRITTEN)?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        if !sweep.yes {
            let unasked = "this removes caches, and nobody is there to be asked";
            self.asked(!json, "remove them?", unasked, "nothing was removed")?;
        }
        let sweep = sweep_away(&held.facts, &items, &places);
        let (removal, failure) = self.waiting(SWEEPING, sweep).await;
        let text = if json {
            told::removal_json(&items, &places, &remarks, Some(&removal))
        } else {
            told::removed(&removal)
        };
        report::result(&text).context(UNWRITTEN)?;
        match failure {
            Some(failure) => Err(failure.into()),
            None => Ok(ExitCode::SUCCESS),
        }
    }

    /// Finds out what the project keeps.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub(super) async fn held(&self, found: &Found) -> anyhow::Result<Held> {
        let Open { facts, buildkit } = found.engine.as_ref().map_err(Failure::clone)?;
        let forgets = match buildkit {
            Ok(client) => client.worker().await?.containerd,
            Err(_) => false,
        };
        let (project, inputs) = (&found.loaded.project, &found.loaded.inputs);
        let mut notes = Vec::new();
        let asked = cache_records::records(facts);
        let asked = self.waiting("asking the engine for its build cache", asked);
        let (records, without_engine) = match asked.await {
            Ok(records) => (records, None),
            Err(failure) if failure.class == Class::Unsupported => {
                notes.push(failure.to_string());
                (Vec::new(), Some(failure))
            }
            Err(failure) => return Err(failure.into()),
        };
        if let Some(name) = settings::named_builder(self.ambient, Some(project))?.value {
            notes.push(format!(
                "the builder `{name}` has a cache of its own, which is not shown: docker buildx du --builder {name}"
            ));
        }
        let evidence = Evidence {
            project: project.name.clone(),
            prefixes: plan::prefixes(project, inputs),
            mounts: declared(project, inputs),
            made: self.made(project),
            places: places(plan::named_caches(project, inputs, &self.ambient.directory)),
        };
        Ok(Held {
            ledger: cache::attribute(records, evidence),
            looked: now(),
            without_engine,
            facts: facts.clone(),
            forgets,
            notes,
        })
    }

    /// The steps that ran, as far as the journal goes back.
    fn made(&self, project: &Project) -> Vec<Made> {
        let Some(state) = self.ambient.state_directory() else {
            return Vec::new();
        };
        let journal = Journal::of(&state, &project.name, &project.directory);
        let runs = journal.runs().into_iter();
        // A run that cannot be read tells nothing.
        runs.filter_map(|run| journal::records(&journal.records(run)).ok())
            .flat_map(|records| steps(&records))
            .collect()
    }
}

/// The steps of a run that made something on the engine.
fn steps(records: &[Record]) -> Vec<Made> {
    let Some(opening) = records.iter().find_map(|record| match &record.event {
        Event::RunStarted(opening) => Some(opening),
        _ => None,
    }) else {
        return Vec::new();
    };
    let mut last = indexmap::IndexMap::new();
    for record in records {
        if let Event::Step {
            job,
            step,
            name,
            state: StepState::Done { began, ended, .. },
            ..
        } = &record.event
            && let Some(planned) = opening.jobs.get(job.0)
        {
            let made = Made {
                services: planned.services.clone(),
                step: name.clone(),
                began: opening.began + began,
                ended: opening.began + ended,
            };
            // A step that begins again is told again.
            last.insert((*job, *step), made);
        }
    }
    last.into_values().collect()
}

fn declared(project: &Project, inputs: &Inputs) -> Vec<Declared> {
    inputs
        .opened(project)
        .flat_map(|opened| {
            let namespace = opened.build.args.get(NAMESPACE).map(String::as_str);
            let mounts = opened.dockerfile.cache_mounts();
            mounts.map(move |mount| Declared::new(opened.service, mount, namespace))
        })
        .collect()
}

/// Each place once, with all services that use it.
fn places(named: Vec<(String, CacheEntry)>) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for (service, entry) in named {
        let what = match (entry.directory(), entry.reference()) {
            (Some(path), _) => Outside::Directory(path.to_owned(), cache_directory::measure(path)),
            (None, Some(reference)) => Outside::Elsewhere(reference.to_owned()),
            (None, None) => Outside::Elsewhere(entry.to_string()),
        };
        let written = entry.key == CacheKey::To;
        match places.iter_mut().find(|place| place.what == what) {
            Some(place) => {
                place.written |= written;
                if !place.services.contains(&service) {
                    place.services.push(service);
                }
            }
            None => places.push(Place {
                services: vec![service],
                written,
                what,
                at: entry.at,
            }),
        }
    }
    places
}

/// Removes these and asks nobody: what came of it, and the first thing that stood in the way.
pub(super) async fn sweep_away(
    facts: &Facts,
    items: &[&Item],
    places: &[&Place],
) -> (Removal, Option<Failure>) {
    let mut failure = None;
    let ids: Vec<&str> = items.iter().map(|item| item.record.id.as_str()).collect();
    let mut removal = Removal {
        announced: items.iter().map(|item| item.frees()).sum(),
        records: items.len(),
        ..Removal::default()
    };
    if !ids.is_empty() {
        let (removed, ended) = cache_records::remove(facts, &ids).await;
        removal.removed = removed.ids.len();
        let gone = |item: &&&Item| removed.ids.contains(&item.record.id);
        removal.freed = items.iter().filter(gone).map(|item| item.frees()).sum();
        removal.counted = removed.freed;
        failure = ended.err();
    }
    for place in places {
        let Outside::Directory(path, Some(kept)) = &place.what else {
            continue;
        };
        removal.announced_files += kept.bytes;
        match cache_directory::clear(path) {
            Ok(freed) => removal.freed_files += freed,
            Err(error) => {
                let message = format!("the cache in `{}` stays: {error}", path.display());
                failure.get_or_insert_with(|| Failure::new(Class::CacheStays, message));
            }
        }
    }
    (removal, failure)
}
