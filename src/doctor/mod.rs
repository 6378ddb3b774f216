//! Is this machine ready to build this project? A table of checks, each a pure decision over what
//! was [`Seen`].
//!
//! ```text
//! Seen: facts captured once ─> Check::find ─> findings ─> Verdict
//! ```
//!
//! A check has a stable id that people can search for, and a page that explains it; `docs/checks.md`
//! is made of these pages. What it finds is an error when it stops the build of this project, a
//! warning when it degrades it, and else a note, which is no reason to bother anybody. A check that
//! lacks what it looks at is skipped and says why: silence is never taken for health.

mod builder;
mod caches;
mod cli;
mod compose;
mod context;
mod disk;
mod dockerfile;
mod engine;
mod environment;
mod finding;
mod images;
mod installs;
mod network;
mod pages;
mod platform;
mod ports;
mod seen;
mod select;
#[cfg(test)]
mod testing;
mod verdict;

use std::time::{Duration, Instant};

use indexmap::IndexMap;

use crate::diagnostic::Severity;

pub use caches::{Cache, Place, caches};
pub use disk::ROOMY;
pub use finding::{Finding, Fix};
pub use images::{Needed, Role, needed};
pub use installs::locks;
pub use pages::{all as pages, page};
pub use ports::published as published_ports;
pub use seen::{ContextSeen, Lint, Looked, Lost, Outlook, Read, Seen, Trial, Way};
pub use select::Selection;
pub use verdict::Verdict;

/// One thing that is looked at.
#[derive(Debug)]
pub struct Check {
    /// Its stable id, such as `ENG-02`.
    pub id: &'static str,
    /// What is true where all is well: `the engine answers`.
    pub title: &'static str,
    /// The gravest that it finds.
    pub worst: Severity,
    /// Whether it also speaks before a build: it costs nothing, and what it finds surprises.
    pub early: bool,
    /// For its page: what it looks at, and why that matters.
    pub about: &'static str,
    /// For its page: what mends it.
    pub mend: &'static str,
    /// Looks.
    find: fn(&Seen<'_>) -> Found,
}

/// What a check found, or why it could not look.
type Found = Result<Vec<Finding>, Skip>;

/// Why a check could not look.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Skip(String);

impl From<&str> for Skip {
    fn from(why: &str) -> Self {
        Self(why.to_owned())
    }
}

impl From<String> for Skip {
    fn from(why: String) -> Self {
        Self(why)
    }
}

/// Checks that look at the same thing.
#[derive(Debug)]
pub struct Group {
    /// Its name, by which it can be chosen.
    pub name: &'static str,
    /// What its checks' ids begin with.
    pub prefix: &'static str,
    /// Its checks.
    pub checks: &'static [Check],
}

/// All checks.
pub const GROUPS: [Group; 10] = [
    group("engine", "ENG", engine::CHECKS),
    group("programs", "CLI", cli::CHECKS),
    group("builder", "BLD", builder::CHECKS),
    group("project", "CMP", compose::CHECKS),
    group("dockerfiles", "DKF", dockerfile::CHECKS),
    group("contexts", "CTX", context::CHECKS),
    group("disk", "DSK", disk::CHECKS),
    group("network", "NET", network::CHECKS),
    group("platform", "PLT", platform::CHECKS),
    group("environment", "ENV", environment::CHECKS),
];

const fn group(name: &'static str, prefix: &'static str, checks: &'static [Check]) -> Group {
    Group {
        name,
        prefix,
        checks,
    }
}

/// Every check.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    GROUPS.iter().flat_map(|group| group.checks)
}

/// The check with this id, in any case of letters.
pub fn check(id: &str) -> Option<&'static Check> {
    checks().find(|check| check.id.eq_ignore_ascii_case(id))
}

/// A check that was run.
#[derive(Debug)]
pub struct Ran {
    /// The check.
    pub check: &'static Check,
    /// The name of its group.
    pub group: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// How long it took to decide.
    pub took: Duration,
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All is well.
    Passed,
    /// It found something.
    Found(Vec<Finding>),
    /// It could not look, and why.
    Skipped(String),
    /// It found something that the project says to leave alone, and why.
    Ignored(Vec<Finding>, String),
}

impl Ran {
    /// What it found, unless that is to be left alone.
    pub fn findings(&self) -> &[Finding] {
        match &self.outcome {
            Outcome::Found(findings) => findings,
            _ => &[],
        }
    }
}

/// Runs the checks of `selection`. `ignored` has the project's reasons to leave checks alone, by id.
pub fn examine(
    seen: &Seen<'_>,
    selection: &Selection,
    ignored: &IndexMap<String, String>,
) -> Vec<Ran> {
    let mut all = Vec::new();
    for group in &GROUPS {
        for check in group.checks {
            let began = Instant::now();
            let outcome = match selection.leaves_out(group, check) {
                Some(why) => Outcome::Skipped(why.to_owned()),
                None => outcome(check, seen, ignored),
            };
            all.push(Ran {
                check,
                group: group.name,
                outcome,
                took: began.elapsed(),
            });
        }
    }
    all
}

fn outcome(check: &Check, seen: &Seen<'_>, ignored: &IndexMap<String, String>) -> Outcome {
    match ((check.find)(seen), ignored.get(check.id)) {
        (Err(Skip(why)), _) => Outcome::Skipped(why),
        (Ok(findings), _) if findings.is_empty() => Outcome::Passed,
        (Ok(findings), Some(reason)) => Outcome::Ignored(findings, reason.clone()),
        (Ok(findings), None) => Outcome::Found(findings),
    }
}

/// What there is to say before a build: the errors and warnings of the checks that cost nothing.
pub fn early(
    seen: &Seen<'_>,
    ignored: &IndexMap<String, String>,
) -> Vec<(&'static Check, Finding)> {
    checks()
        .filter(|check| check.early)
        .flat_map(|check| match outcome(check, seen, ignored) {
            Outcome::Found(findings) => findings.into_iter().map(|it| (check, it)).collect(),
            _ => Vec::new(),
        })
        .filter(|(_, finding)| finding.severity >= Severity::Warning)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_begin_with_their_groups() {
        let mut known = BTreeSet::new();
        for group in &GROUPS {
            assert!(!group.checks.is_empty(), "{}", group.name);
            for check in group.checks {
                assert!(known.insert(check.id), "{} twice", check.id);
                let number = check.id.strip_prefix(group.prefix);
                let number = number.and_then(|rest| rest.strip_prefix('-'));
                assert!(
                    number.is_some_and(|n| n.len() == 2 && n.parse::<u8>().is_ok()),
                    "{}",
                    check.id
                );
            }
        }
    }

    #[test]
    fn every_check_has_a_page() {
        for check in checks() {
            for text in [check.title, check.about, check.mend] {
                assert!(!text.is_empty(), "{}", check.id);
            }
            assert!(check.about.ends_with('.'), "{}: {}", check.id, check.about);
            assert!(check.mend.ends_with('.'), "{}: {}", check.id, check.mend);
            assert!(
                check.title.starts_with(|c: char| !c.is_uppercase()) && !check.title.ends_with('.'),
                "{}: {}",
                check.id,
                check.title
            );
        }
    }

    #[test]
    fn where_nothing_was_seen_no_check_finds_anything() {
        let case = testing::Case::default();
        for ran in examine(&case.seen(), &Selection::default(), &IndexMap::new()) {
            assert!(
                ran.findings().is_empty(),
                "{}: {:?}",
                ran.check.id,
                ran.outcome
            );
        }
    }

    #[test]
    fn a_check_that_is_to_be_left_alone_says_why() {
        let mut case = testing::Case::default();
        case.variable("DOCKER_HOST", "unix:///a");
        case.variable("DOCKER_CONTEXT", "b");
        let ignored = IndexMap::from([("ENV-05".to_owned(), "both are wanted".to_owned())]);
        let all = examine(&case.seen(), &Selection::default(), &ignored);
        let ran = all
            .iter()
            .find(|ran| ran.check.id == "ENV-05")
            .expect("run");
        let Outcome::Ignored(findings, reason) = &ran.outcome else {
            panic!("{:?}", ran.outcome)
        };
        assert_eq!((findings.len(), reason.as_str()), (1, "both are wanted"));
        assert!(ran.findings().is_empty());
    }
}
