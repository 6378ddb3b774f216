//! The caches of a project of which all is taken away, by `clean` or `reset`.
//!
//! Whoever clears a cache by name (`dcb cache clear`) was shown what that costs others. Here it goes with
//! the rest, so only what costs nobody else goes: no records of an engine that would forget those of
//! other projects ([`cache_records`]), and none that another project's image still has.

use std::collections::HashSet;

use super::App;
use super::build::Found;
use super::cache::{Held, SWEEPING, sweep_away};
use crate::cache::{self, Item, Owner, Place, Selection};
use crate::diagnostic::Diagnostic;
use crate::docker::cache_records;
use crate::failure::Failure;
use crate::report::{self, caches as told};

/// The caches of a project, and what of them goes.
pub(super) struct Caches {
    /// Nothing where nothing goes.
    going: Option<(Held, Selection)>,
    staying: Vec<String>,
}

impl Caches {
    /// All of it stays, and `why` says so.
    pub(super) fn stay(why: String) -> Self {
        Self {
            going: None,
            staying: vec![why],
        }
    }

    /// What goes.
    pub(super) fn going(&self) -> (Vec<&Item>, Vec<&Place>) {
        match &self.going {
            Some((held, selection)) => cache::select(&held.ledger, selection, held.looked),
            None => (Vec::new(), Vec::new()),
        }
    }

    /// What stays, and what would remove it: a line each.
    pub(super) fn staying(&self) -> &[String] {
        &self.staying
    }

    /// Removes what goes, when the project's images are gone, and tells what came of it. What cannot be
    /// removed takes room and nothing else: that is a warning.
    pub(super) async fn sweep_away(&self, app: &App<'_>) {
        let Some((held, _)) = &self.going else {
            return;
        };
        let (mut items, places) = self.going();
        let kept = app.waiting(SWEEPING, of_images(held, !items.is_empty()));
        let failure = match kept.await {
            Err(failure) => Some(failure),
            Ok(kept) => {
                let before = items.len();
                items.retain(|item| !kept.contains(&item.record.id));
                report::note(&told::others_have(before - items.len()));
                let sweep = sweep_away(&held.facts, &items, &places);
                let (removal, failure) = app.waiting(SWEEPING, sweep).await;
                report::note(&told::removed(&removal));
                failure
            }
        };
        if let Some(failure) = failure {
            let warning = Diagnostic::warning(failure.to_string());
            report::diagnostics(&[warning], app.ambient.stderr);
        }
    }
}

/// The records that images have too, now.
async fn of_images(held: &Held, has_records: bool) -> Result<HashSet<String>, Failure> {
    if !has_records {
        return Ok(HashSet::new());
    }
    let records = cache_records::records(&held.facts).await?;
    let kept = records.into_iter().filter(|record| record.in_image);
    Ok(kept.map(|record| record.id).collect())
}

impl App<'_> {
    /// What becomes of the caches that `selection` is of, when everything else of the project goes.
    pub(super) async fn caches(&self, found: &Found, selection: Selection) -> Caches {
        let mut held = match self.held(found).await {
            Ok(held) => held,
            Err(failure) => return Caches::stay(format!("stays: the build cache: {failure}")),
        };
        let mut staying = told::kept(&held.ledger, &selection);
        staying.extend(held.notes.iter().map(|note| format!("note: {note}")));
        if held.forgets {
            let is_own = |item: &Item| item.owner == Owner::Project;
            if held.ledger.items.iter().any(is_own) {
                staying.push(told::STAYS.to_owned());
            }
            held.ledger.items.clear();
        }
        Caches {
            going: Some((held, selection)),
            staying,
        }
    }
}
