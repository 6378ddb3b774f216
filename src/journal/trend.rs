//! Runs against each other: what became slower, and what lost its cache.

use super::summary::{ServiceSummary, StepOutcome, StepSummary, Summary};
use crate::progress::Kind;

/// What is slower than so many times the median is worth a word,
const SLOWER: f64 = 1.5;
/// when it is so many milliseconds too.
const WORTH: u64 = 1_000;
/// A median takes so many runs.
const ENOUGH: usize = 3;
/// And goes so many back.
const WINDOW: usize = 20;

/// A service that took unusually long.
#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    /// The service.
    pub service: String,
    /// How many times its median it took.
    pub factor: f64,
    /// That median, in milliseconds.
    pub median: u64,
    /// The first step that was there already in most runs before, and had to run.
    pub lost: Option<String>,
}

/// The services of `run` that took longer than usual, by the runs `before` it, slowest first.
pub fn trend(before: &[Summary], run: &Summary) -> Vec<Trend> {
    let mut trends: Vec<Trend> = run
        .services
        .iter()
        .filter(|service| service.built)
        .filter_map(|service| of_service(before, service))
        .collect();
    trends.sort_by(|one, other| other.factor.total_cmp(&one.factor));
    trends
}

fn of_service(before: &[Summary], service: &ServiceSummary) -> Option<Trend> {
    let known: Vec<&ServiceSummary> = before
        .iter()
        .rev()
        .filter_map(|run| run.service(service.name()))
        .filter(|known| known.built)
        .take(WINDOW)
        .collect();
    if known.len() < ENOUGH {
        return None;
    }
    let median = median(known.iter().map(|known| known.took).collect())?;
    if service.took < median + WORTH {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
    let factor = service.took as f64 / median.max(1) as f64;
    let usually_cached = |step: &&StepSummary| {
        let was = |known: &&&ServiceSummary| {
            let same = known.steps.iter().find(|it| it.key() == step.key());
            same.is_some_and(|it| it.outcome == StepOutcome::Cached)
        };
        step.outcome == StepOutcome::Done && known.iter().filter(was).count() * 2 > known.len()
    };
    (factor >= SLOWER).then(|| Trend {
        service: service.name().to_owned(),
        factor,
        median,
        lost: service
            .steps
            .iter()
            .find(usually_cached)
            .map(|step| step.name.clone()),
    })
}

/// The middle one of some values; nothing when there are none.
pub(super) fn median(mut values: Vec<u64>) -> Option<u64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

/// Two runs side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The services of either, in the order of the second run; those that only the first has come last.
    pub services: Vec<Change>,
}

/// A service, or a step of one, in two runs. Times are milliseconds; one that it is not in has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The service or the step.
    pub name: String,
    /// In the first run.
    pub before: Option<(u64, StepOutcome)>,
    /// In the second run.
    pub after: Option<(u64, StepOutcome)>,
    /// For a service, its steps that differ.
    pub steps: Vec<Change>,
}

impl Change {
    /// Whether its result was there already before, and had to be made again.
    pub fn lost_cache(&self) -> bool {
        let cached = |side: Option<(u64, StepOutcome)>| {
            side.is_some_and(|(_, outcome)| outcome == StepOutcome::Cached)
        };
        cached(self.before) && !cached(self.after) && self.after.is_some()
    }

    /// Whether the sides differ enough to be worth a line.
    fn matters(&self) -> bool {
        match (self.before, self.after) {
            (Some((before, was)), Some((after, is))) => {
                was != is || before.abs_diff(after) * 5 > before.max(after).max(250)
            }
            _ => true,
        }
    }
}

/// What differs between two runs.
pub fn compare(first: &Summary, second: &Summary) -> Comparison {
    let only_first = first
        .services
        .iter()
        .filter(|service| second.service(service.name()).is_none());
    let services = second.services.iter().chain(only_first);
    Comparison {
        services: services
            .map(|service| {
                let name = service.name();
                change(name, first.service(name), second.service(name))
            })
            .collect(),
    }
}

fn change(name: &str, before: Option<&ServiceSummary>, after: Option<&ServiceSummary>) -> Change {
    let side = |service: &ServiceSummary| {
        let (cached, all) = service.cached();
        let outcome = match service.built {
            true if all > 0 && cached == all => StepOutcome::Cached,
            true => StepOutcome::Done,
            false if service.class.is_some() => StepOutcome::Failed,
            false => StepOutcome::Open,
        };
        (service.took, outcome)
    };
    let steps = |service: Option<&ServiceSummary>| {
        service.map_or_else(Vec::new, |service| service.steps.clone())
    };
    let (was, is) = (steps(before), steps(after));
    let find = |steps: &[StepSummary], name: &str| {
        let step = steps.iter().find(|step| step.key() == name)?;
        Some((step.took, step.outcome))
    };
    let gone = was.iter().filter(|step| find(&is, step.key()).is_none());
    // A base image that is here is looked at or cached, which means the same.
    let here = |step: &&StepSummary| {
        let sides = [find(&was, step.key()), find(&is, step.key())];
        let long = sides.into_iter().flatten().any(|(took, _)| took > WORTH);
        step.kind == Kind::Base && !long
    };
    let steps = is.iter().chain(gone).filter(|step| !here(step));
    let changes = steps.map(|step| Change {
        name: step.key().to_owned(),
        before: find(&was, step.key()),
        after: find(&is, step.key()),
        steps: Vec::new(),
    });
    Change {
        name: name.to_owned(),
        before: before.map(side),
        after: after.map(side),
        steps: changes.filter(Change::matters).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(took: u64, steps: &[(&str, StepOutcome, u64)]) -> Summary {
        let steps = steps.iter().map(|(name, outcome, took)| StepSummary {
            name: (*name).to_owned(),
            kind: Kind::Instruction,
            outcome: *outcome,
            took: *took,
        });
        Summary {
            run: 1,
            began: 0,
            verb: "build".to_owned(),
            engine: None,
            result: None,
            took,
            services: vec![ServiceSummary {
                names: vec!["web".to_owned()],
                built: true,
                class: None,
                took,
                way: "buildkit with Dockerfile".to_owned(),
                size: None,
                steps: steps.collect(),
            }],
        }
    }

    #[test]
    fn a_service_that_is_slower_than_usual_is_told_with_the_step_that_lost_its_cache() {
        let usual = run(
            1_000,
            &[
                ("[1/2] FROM x", StepOutcome::Cached, 0),
                ("[2/2] RUN make", StepOutcome::Cached, 0),
            ],
        );
        let before = [usual.clone(), usual.clone(), usual.clone()];
        assert_eq!(trend(&before, &usual), []);
        let slow = run(
            3_100,
            &[
                ("[1/2] FROM x", StepOutcome::Cached, 0),
                ("[2/2] RUN make", StepOutcome::Done, 2_900),
            ],
        );
        let told = trend(&before, &slow);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].service, "web");
        assert_eq!(format!("{:.1}", told[0].factor), "3.1");
        assert_eq!(told[0].lost.as_deref(), Some("[2/2] RUN make"));
        assert_eq!(trend(&before[..2], &slow), [], "two runs are no habit");
    }

    #[test]
    fn a_comparison_has_the_steps_that_differ_and_no_other() {
        let first = run(
            900,
            &[
                ("a", StepOutcome::Cached, 0),
                ("b", StepOutcome::Done, 500),
                ("gone", StepOutcome::Done, 1),
            ],
        );
        let second = run(
            1_900,
            &[
                ("a", StepOutcome::Done, 1_000),
                ("b", StepOutcome::Done, 510),
                ("new", StepOutcome::Done, 1),
            ],
        );
        let compared = compare(&first, &second);
        let steps = &compared.services[0].steps;
        let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["a", "new", "gone"]);
        assert!(steps[0].lost_cache());
        assert!(!steps[1].lost_cache());
    }
}
