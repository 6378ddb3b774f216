//! Where dcb means to differ from Compose, and why.

use super::compare::{Difference, Kind};

/// A difference that is meant.
pub struct Intended {
    /// Its name, for counts.
    pub name: &'static str,
    /// Why dcb is right to differ.
    pub reason: &'static str,
    fits: fn(&Difference) -> bool,
}

/// The intended difference that this one is.
pub fn intended(difference: &Difference) -> Option<&'static Intended> {
    INTENDED.iter().find(|intended| (intended.fits)(difference))
}

const INTENDED: [Intended; 1] = [Intended {
    name: "x- build arguments",
    reason: "Compose takes keys that begin with `x-` for extensions everywhere and loses them; dcb warns and passes them on",
    fits: |found| value_at(found, ".args.#extensions") || value_at(found, ".labels.#extensions"),
}];

fn value_at(found: &Difference, end: &str) -> bool {
    matches!(&found.kind, Kind::Value(unlike) if unlike.place.ends_with(end))
}

fn they_say(found: &Difference, part: &str) -> bool {
    matches!(&found.kind, Kind::TheyRefuse(complaint) if complaint.contains(part))
}
