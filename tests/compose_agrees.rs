//! Whether dcb and the real Composes of this machine understand projects alike.
//!
//! ```text
//! golden folders, generated cases
//!   oracle    what a Compose says: `config --format json`, `build --print`
//!   view      what both say, in one form
//!   compare   the two views; many cases in one call
//!   differences   those that are meant, each with its reason
//! ```
//!
//! `DCB_CASES` is the number of generated cases, `DCB_SEED` another seed than the usual one.
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
#[path = "compose_agrees/view.rs"]
mod view;
#[path = "compose_agrees/yaml.rs"]
mod yaml;

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use compare::{Difference, Kind, Tally, Verdict};
use differences::{INTENDED, Intended};
use fastrand::Rng;
use generate::{Case, Shape};
use oracle::Compose;

/// How many cases one call of a Compose is about.
const BATCH: usize = 40;
/// How many workers: a Compose uses more than one processor itself.
const WORKERS: usize = 2;

#[test]
fn generated_projects_agree() {
    let seed = number("DCB_SEED").unwrap_or(1);
    let cases = usize::try_from(number("DCB_CASES").unwrap_or(2000)).expect("a count");
    println!("seed {seed}, {cases} cases (DCB_SEED, DCB_CASES)");
    for compose in oracle::composes() {
        if compose.version >= (2, 40) {
            report(&run(compose, seed, cases), compose);
        }
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}: `{text}` is no number")),
    )
}

fn run(compose: &Compose, seed: u64, cases: usize) -> Tally {
    let total = Mutex::new(Tally::default());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let batch = next.fetch_add(1, Ordering::Relaxed);
                    if batch * BATCH >= cases {
                        return;
                    }
                    let mut rng =
                        Rng::with_seed(seed.wrapping_mul(1_000_003).wrapping_add(batch as u64));
                    let shape = Shape::new(&mut rng);
                    let cases: Vec<Case> = (0..BATCH)
                        .map(|id| Case::new(&mut rng, id, &shape))
                        .collect();
                    let mut tally = Tally::default();
                    compare::compare(&shape, &cases, compose, &mut tally);
                    total.lock().expect("no panic").add(tally);
                }
            });
        }
    });
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

#[test]
fn golden_cases_agree() {
    let folders = case::folders();
    for compose in oracle::composes() {
        let next = AtomicUsize::new(0);
        let found = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(|| {
                    while let Some(folder) = folders.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let differences = golden(folder, compose);
                        found.lock().expect("no panic").extend(differences);
                    }
                });
            }
        });
        let mut found = found.into_inner().expect("no panic");
        found.sort();
        println!(
            "Compose {:?}: {} golden cases",
            compose.version,
            folders.len()
        );
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

fn golden(folder: &std::path::Path, compose: &Compose) -> Vec<String> {
    let request = case::request(folder);
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let Verdict::Differ(kinds) = compare::verdict(&request, compose) else {
        return Vec::new();
    };
    let unexplained = kinds.into_iter().filter_map(|kind: Kind| {
        let difference = Difference {
            version: compose.version,
            kind,
            text: name.to_string(),
        };
        differences::intended(&difference)
            .is_none()
            .then(|| format!("{difference}"))
    });
    unexplained.collect()
}
