//! What jobs let the engine read of this machine, by name, while they build.
//!
//! A name is the job's prefix and what it stands for: `3fa2c1-context`. It is part of the key under
//! which the engine keeps the transferred files, so jobs do not evict each other's.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Something that a job lets the engine read.
#[derive(Debug)]
pub(super) enum Offer {
    /// A directory of this machine.
    Directory(PathBuf),
    /// A directory of this machine that is asked for part by part, and given whole each time.
    Whole(PathBuf),
    /// A directory that exists only here: its files with what they hold, in the order of their names.
    Files(Vec<(String, String)>),
}

/// What is offered, by name.
#[derive(Debug, Default)]
pub(super) struct Offers(Mutex<HashMap<String, Arc<Shared>>>);

/// An offer in use.
#[derive(Debug)]
pub(super) struct Shared {
    /// What is offered.
    pub(super) offer: Offer,
    /// What went wrong with single files, for people to read.
    pub(super) notes: Mutex<Vec<String>>,
}

impl Offers {
    /// Offers something under the job's prefix until the guard is dropped.
    pub(super) fn put(self: &Arc<Self>, prefix: &str, name: &str, offer: Offer) -> Guard {
        let name = format!("{prefix}{PREFIX_END}{name}");
        let shared = Arc::new(Shared {
            offer,
            notes: Mutex::default(),
        });
        let mut offers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        offers.insert(name.clone(), Arc::clone(&shared));
        Guard {
            name,
            shared,
            offers: Arc::clone(self),
        }
    }

    /// The offer called `name`. Some engines put the job's prefix before the name twice.
    pub(super) fn find(&self, name: &str) -> Option<Arc<Shared>> {
        let offers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut name = name;
        loop {
            if let Some(offer) = offers.get(name) {
                return Some(Arc::clone(offer));
            }
            name = name.split_once(PREFIX_END)?.1;
        }
    }
}

/// Ends the job's prefix in the name of an offer.
const PREFIX_END: char = '-';

/// Keeps an offer up.
pub(super) struct Guard {
    name: String,
    shared: Arc<Shared>,
    offers: Arc<Offers>,
}

impl Guard {
    /// What went wrong with single files so far.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = self
            .shared
            .notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut notes)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut offers = self.offers.0.lock().unwrap_or_else(PoisonError::into_inner);
        offers.remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_found_under_its_prefix_given_once_or_twice() {
        let offers = Arc::new(Offers::default());
        let guard = offers.put("ab12", "context", Offer::Directory("/src".into()));
        assert!(offers.find("ab12-context").is_some());
        assert!(offers.find("ab12-ab12-context").is_some());
        assert!(offers.find("context").is_none());
        assert!(offers.find("ab12-dockerfile").is_none());
        drop(guard);
        assert!(offers.find("ab12-context").is_none());
    }
}
