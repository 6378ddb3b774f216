//! dcb sends what Docker's own clients send.
//!
//! The engine caches a step by the content of the files that it uses: names, kinds, modes, owners,
//! attributes, targets and bytes. So when one client has built a tree that never was before, and
//! another finds every step in the cache, both sent the same. What the cache does not see (times,
//! further names of a file) is compared in the images.
//!
//! `DCB_FIDELITY_CASES` is how many random trees each engine gets, `DCB_FIDELITY_SEED` another seed than the usual one.

#![allow(
    clippy::disallowed_methods,
    reason = "tests read the environment they are given"
)]
#![allow(clippy::disallowed_macros, reason = "tests tell their counts")]
#![allow(unreachable_pub, reason = "this crate has no other side")]

mod ignore_files;
mod images;
mod odd_trees;
mod patterns;
mod random_trees;
mod reference;
mod second_builds;
#[path = "../support/mod.rs"]
mod support;
mod tree;
mod whole_projects;

use fastrand::Rng;
use reference::Step;
use support::{Engine, Project, Ran, newest};

const COPY_ALL: &str = "FROM scratch\nCOPY . /all/\n";

/// What `dcb build -v` and the reference build take beyond the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cache {
    Use,
    Ignore,
}

fn dcb(engine: &Engine, project: &Project, cache: Cache) -> Ran {
    let mut arguments = vec!["build", "-v"];
    if cache == Cache::Ignore {
        arguments.push("--no-cache");
    }
    project.run(engine, &arguments)
}

/// A project whose name no other run has.
fn project(name: &str, rng: &mut Rng) -> Project {
    Project::new(&format!("{name}-{:08x}", rng.u32(..)))
}

fn fresh() -> Rng {
    Rng::with_seed(fastrand::u64(..))
}

/// The steps of `services` times `each`, of which none may come from elsewhere than the cache.
fn assert_cached(steps: &[Step], expected: usize, what: &str, ran: &Ran) {
    let uncached: Vec<_> = steps.iter().filter(|step| !step.cached).collect();
    assert!(
        uncached.is_empty() && steps.len() == expected,
        "{what}: {} of {expected} steps told, not cached: {uncached:#?}\n{}{}",
        steps.len(),
        ran.stdout,
        ran.stderr
    );
}

/// Removes the images of a project.
fn clean(engine: &Engine, project: &Project) {
    let images = engine.list(
        "/images/json?",
        "reference",
        &format!("{}*", project.name()),
    );
    for image in images.expect("an answer") {
        for name in image["RepoTags"].as_array().into_iter().flatten() {
            let name = name.as_str().expect("text");
            engine.call("DELETE", &format!("/images/{name}?force=1"), None);
        }
    }
}

/// What is drawn at random: how much, and from which seed.
struct Draws {
    seed: u64,
    cases: usize,
}

impl Draws {
    fn asked() -> Self {
        let number = |name| {
            std::env::var(name)
                .ok()
                .map(|text| text.parse::<u64>().expect("a number"))
        };
        let cases = number("DCB_FIDELITY_CASES").unwrap_or(1000);
        Self {
            seed: number("DCB_FIDELITY_SEED").unwrap_or(1),
            cases: usize::try_from(cases).expect("a number"),
        }
    }
}

/// The clients of the newest engine, for another engine: the language of patterns is the client's,
/// and that of clients before 23 was another.
fn newest_clients(engine: &Engine) -> Engine {
    let newest = newest();
    Engine {
        host: engine.host.clone(),
        ..newest
    }
}
