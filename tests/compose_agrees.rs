//! Whether dcb and the real Composes of this machine understand projects alike.
//!
//! ```text
//! golden folders, generated cases
//!   oracle    what a Compose says: `config --format json`, `build --print`
//!   view      what both say, in one form
//!   refusals  what both say where both refuse
//!   compare   the two views; many cases in one call
//!   differences   those that are meant, each with its reason
//! ```
//!
//! `DCB_CASES` is the number of generated cases, `DCB_SEED` another seed than the usual one, and
//! `DCB_COMPOSE` another version of Compose than 2.40 to ask about them: `2.26`.
#![allow(
    unreachable_pub,
    reason = "the modules of a test have no other way to be pub"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests read the environment they are given"
)]
#![allow(
    clippy::disallowed_macros,
    reason = "what was covered is told by the test itself"
)]

#[path = "support/case.rs"]
mod case;
#[path = "compose_agrees/compare.rs"]
mod compare;
#[path = "compose_agrees/differences.rs"]
mod differences;
#[path = "compose_agrees/generate.rs"]
mod generate;
#[path = "compose_agrees/oracle.rs"]
mod oracle;
#[path = "support/places.rs"]
mod places;
#[path = "compose_agrees/refusals.rs"]
mod refusals;
#[path = "support/seeds.rs"]
mod seeds;
#[path = "compose_agrees/view.rs"]
mod view;
#[path = "compose_agrees/yaml.rs"]
mod yaml;

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::Mutex;

use compare::{Difference, Tally, Verdict};
use differences::{INTENDED, Intended};
use generate::{Case, Shape};
use oracle::Compose;
use seeds::Cases;

/// How many cases one call of a Compose is about.
const BATCH: usize = 40;
#[test]
fn generated_projects_agree() {
    let cases = Cases::asked(2000);
    let wanted = std::env::var("DCB_COMPOSE").unwrap_or("2.40".to_owned());
    for compose in oracle::composes() {
        let (major, minor) = compose.version;
        if format!("{major}.{minor}") == wanted {
            report(&run(compose, cases), compose);
        }
    }
}

fn run(compose: &Compose, cases: Cases) -> Tally {
    let total = Mutex::new(Tally::default());
    seeds::side_by_side(
        cases.count.div_ceil(BATCH),
        || (),
        |(), batch| {
            let mut rng = cases.rng(batch);
            let shape = Shape::new(&mut rng);
            let cases: Vec<Case> = (0..BATCH)
                .map(|id| Case::new(&mut rng, id, &shape))
                .collect();
            let mut tally = Tally::default();
            compare::compare(&shape, &cases, compose, &mut tally);
            total.lock().expect("no panic").add(tally);
        },
    );
    total.into_inner().expect("no panic")
}

/// Tells the counts, and fails with the simplest form of each kind of difference.
fn report(tally: &Tally, compose: &Compose) {
    println!(
        "Compose {:?}: {} cases of {} services, {} refused by both, {} unexplained differences; meant:",
        compose.version,
        tally.cases,
        tally.services,
        tally.refused,
        tally.found.len()
    );
    for Intended { name, reason, .. } in INTENDED {
        if let Some(times) = tally.intended.get(name) {
            println!("  {times} {name}: {reason}");
        }
    }
    let mut told = HashSet::new();
    let mut shown = String::new();
    for (shape, case, difference) in &tally.found {
        if told.len() < 12 && told.insert(difference.signature()) {
            let (_, simplest) = compare::shrink(shape, case, difference, compose, 150);
            shown += &format!("\n=== {simplest}\n{shape:?}\n");
        }
    }
    assert!(
        shown.is_empty(),
        "{} unexplained differences: {shown}",
        tally.found.len()
    );
}

/// What the golden folders show.
#[derive(Default)]
struct Shown {
    unexplained: Vec<String>,
    intended: BTreeSet<&'static str>,
}

#[test]
fn golden_cases_agree() {
    let folders = case::folders();
    let shown = Mutex::new(Shown::default());
    for compose in oracle::composes() {
        seeds::side_by_side(
            folders.len(),
            || (),
            |(), index| golden(&folders[index], compose, &shown),
        );
        println!(
            "Compose {:?}: {} golden cases",
            compose.version,
            folders.len()
        );
    }
    let mut shown = shown.into_inner().expect("no panic");
    shown.unexplained.sort();
    assert!(
        shown.unexplained.is_empty(),
        "{}",
        shown.unexplained.join("\n")
    );
    if oracle::composes().len() > 1 {
        let all = INTENDED.iter().map(|intended| intended.name);
        let stale: Vec<&str> = all.filter(|name| !shown.intended.contains(name)).collect();
        assert!(
            stale.is_empty(),
            "meant, but no golden folder shows it: {}",
            stale.join("; ")
        );
    }
}

fn golden(folder: &Path, compose: &Compose, shown: &Mutex<Shown>) {
    let request = case::request(folder);
    let Verdict::Differ(kinds) = compare::verdict(&request, compose) else {
        return;
    };
    for kind in kinds {
        let difference = Difference {
            version: compose.version,
            kind,
            text: case::text(folder),
        };
        let mut shown = shown.lock().expect("no panic");
        match differences::intended(&difference) {
            Some(intended) => drop(shown.intended.insert(intended.name)),
            None => shown.unexplained.push(difference.to_string()),
        }
    }
}
