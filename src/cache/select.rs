//! What of a ledger may go.

use std::collections::HashSet;
use std::time::Duration;

use super::{Item, Ledger, Outside, Owner, Place};
use crate::docker::cache_records::RecordKind;

/// What is to go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only what belongs to these services; all of the project when empty.
    pub services: Vec<String>,
    /// Which kinds.
    pub kinds: Kinds,
    /// Also cache mounts that other projects may use.
    pub shared: bool,
    /// Of whatever project.
    pub everybody: bool,
    /// Only what nobody used for so long.
    pub older: Option<Duration>,
    /// Only as much that no more than these bytes are left, the least recently used first.
    pub keep: Option<u64>,
}

/// Which kinds go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kinds {
    /// Layers that images have too, so that the next build begins anew.
    pub in_images: bool,
    /// Cache mounts.
    pub mounts: bool,
    /// Directories that caches are kept in.
    pub directories: bool,
}

impl Selection {
    fn wants(&self, item: &Item, now: u64) -> bool {
        let record = &item.record;
        let age = Duration::from_millis(now.saturating_sub(record.used));
        !record.in_use
            && self.owns(item)
            && (self.kinds.mounts || record.kind != RecordKind::Mount)
            && (self.kinds.in_images || !record.in_image)
            && self.older.is_none_or(|older| age >= older)
    }

    fn owns(&self, item: &Item) -> bool {
        let mine = match item.owner {
            Owner::Project => true,
            Owner::Shared => self.shared || self.everybody,
            Owner::Other => self.everybody,
        };
        mine && self.names(&item.services)
    }

    fn names(&self, services: &[String]) -> bool {
        self.services.is_empty() || services.iter().any(|name| self.services.contains(name))
    }
}

/// What is to go of `ledger`, the least recently used first. `now` is in milliseconds since 1970.
pub fn select<'a>(
    ledger: &'a Ledger,
    selection: &Selection,
    now: u64,
) -> (Vec<&'a Item>, Vec<&'a Place>) {
    let mut items: Vec<&Item> = ledger
        .items
        .iter()
        .filter(|item| selection.wants(item, now))
        .collect();
    if let Some(keep) = selection.keep {
        let owned = ledger.items.iter().filter(|item| selection.owns(item));
        let held: u64 = owned.map(Item::frees).sum();
        let mut over = held.saturating_sub(keep);
        items.retain(|item| {
            let goes = over > 0;
            over = over.saturating_sub(item.frees());
            goes
        });
    }
    let places = ledger.places.iter().filter(|place| {
        let here = matches!(place.what, Outside::Directory(_, Some(_)));
        selection.kinds.directories && here && place.written && selection.names(&place.services)
    });
    (without_foundations(ledger, items), places.collect())
}

/// The engine keeps what others are built on, so that is not announced either.
fn without_foundations<'a>(ledger: &Ledger, mut items: Vec<&'a Item>) -> Vec<&'a Item> {
    loop {
        let going: HashSet<&str> = items.iter().map(|item| item.record.id.as_str()).collect();
        let staying = ledger
            .items
            .iter()
            .filter(|item| !going.contains(item.record.id.as_str()));
        let needed: HashSet<&str> = staying
            .flat_map(|item| item.record.parents.iter().map(String::as_str))
            .collect();
        let before = items.len();
        items.retain(|item| !needed.contains(item.record.id.as_str()));
        if items.len() == before {
            return items;
        }
    }
}
