//! Where the time of a run went: what an engineer asks first.
//!
//! Four answers: which steps were slow, where the cache was lost and what that cost, where fewer
//! services were built side by side than could have been, and which services the run had to wait for.

use serde::Serialize;

use super::story::{JobStory, Story};
use crate::event::JobId;
use crate::progress::Kind;

/// How many of each are told.
const MOST: usize = 5;
/// What took less is of no interest, in milliseconds.
const WORTH: u64 = 50;

/// The answers. Times are milliseconds.
#[derive(Debug, Default, Serialize)]
pub(super) struct Findings {
    /// How long the jobs of the critical path took together.
    critical: u64,
    /// The steps that took longest: job and place in it.
    slow: Vec<(JobId, usize)>,
    lost: Vec<Lost>,
    /// How many services lost their cache, also those that are not told of.
    losers: usize,
    alone: Vec<Alone>,
    /// How many services were built side by side at most.
    peak: usize,
    /// How long the jobs took together: divided by the time of the run, how many there were at once.
    busy: u64,
    /// Jobs that could have begun, and how long one waited at most for others to make room.
    queued: Queued,
}

/// A job that took some of its steps from the cache, and others not.
#[derive(Debug, Serialize)]
struct Lost {
    job: JobId,
    /// The first step that had to run.
    step: usize,
    /// How long the steps of the Dockerfile took that had to run.
    cost: u64,
}

/// A time in which one job alone was built while others waited for it.
#[derive(Debug, Serialize)]
struct Alone {
    job: JobId,
    from: u64,
    to: u64,
    /// How many jobs could not begin.
    waiting: usize,
}

#[derive(Debug, Default, Serialize)]
struct Queued {
    jobs: usize,
    longest: u64,
}

impl Findings {
    /// The answers for a run.
    pub(super) fn of(story: &Story) -> Self {
        let spans = spans(story);
        let mut lost = lost(story);
        let losers = lost.len();
        lost.truncate(MOST);
        let critical = story
            .critical
            .iter()
            .filter_map(|job| story.jobs.get(job.0));
        Self {
            critical: critical.map(|job| job.took).sum(),
            slow: slow(story),
            lost,
            losers,
            alone: alone(story, &spans),
            peak: peak(&spans),
            busy: spans.iter().map(|(_, (from, to))| to - from).sum(),
            queued: queued(story),
        }
    }
}

/// When each job was built.
fn spans(story: &Story) -> Vec<(JobId, (u64, u64))> {
    let jobs = (0..story.jobs.len()).map(JobId);
    jobs.filter_map(|job| Some((job, story.span(job)?)))
        .collect()
}

fn slow(story: &Story) -> Vec<(JobId, usize)> {
    let mut steps: Vec<(u64, JobId, usize)> = Vec::new();
    for (id, job) in story.jobs.iter().enumerate() {
        let worth = |(_, step): &(usize, &super::story::StepStory)| step.took > 0;
        let all = job.steps.iter().enumerate().filter(worth);
        steps.extend(all.map(|(place, step)| (step.took, JobId(id), place)));
    }
    steps.sort_by_key(|(took, job, place)| (std::cmp::Reverse(*took), *job, *place));
    let most = steps.into_iter().take(MOST);
    most.map(|(_, job, place)| (job, place)).collect()
}

/// The jobs that lost their cache, the dearest first.
fn lost(story: &Story) -> Vec<Lost> {
    let jobs = story.jobs.iter().enumerate();
    let mut lost: Vec<Lost> = jobs
        .filter_map(|(id, job)| {
            let (step, cost) = loss(job)?;
            Some(Lost {
                job: JobId(id),
                step,
                cost,
            })
        })
        .collect();
    lost.sort_by_key(|lost| (std::cmp::Reverse(lost.cost), lost.job));
    lost
}

/// The first step that a job had to run although others were cached, and how long those took that it
/// had to run.
fn loss(job: &JobStory) -> Option<(usize, u64)> {
    let own = |kind: Kind| matches!(kind, Kind::Instruction);
    let any_cached = job
        .steps
        .iter()
        .any(|step| own(step.kind) && step.state == "cached");
    if !any_cached {
        return None;
    }
    let ran =
        job.steps.iter().enumerate().filter(|(_, step)| {
            own(step.kind) && matches!(step.state, "done" | "failed" | "running")
        });
    let (mut first, mut cost) = (None, 0);
    for (place, step) in ran {
        let began = step.span.map_or(u64::MAX, |(from, _)| from);
        if first.is_none_or(|(earliest, _)| began < earliest) {
            first = Some((began, place));
        }
        cost += step.took;
    }
    first.map(|(_, place)| (place, cost))
}

/// The longest times in which one job alone was built, and others could not begin.
fn alone(story: &Story, spans: &[(JobId, (u64, u64))]) -> Vec<Alone> {
    let mut moments: Vec<u64> = spans
        .iter()
        .flat_map(|(_, (from, to))| [*from, *to])
        .collect();
    moments.sort_unstable();
    moments.dedup();
    let mut found: Vec<Alone> = Vec::new();
    // Jobs in the order in which they begin, so that each is looked at while it is built and never
    // again: `running` holds those that are.
    let mut ordered: Vec<&(JobId, (u64, u64))> = spans.iter().collect();
    ordered.sort_by_key(|(_, (from, _))| *from);
    let (mut next, mut running) = (0, Vec::new());
    for pair in moments.windows(2) {
        let [from, to] = [pair[0], pair[1]];
        while ordered
            .get(next)
            .is_some_and(|(_, (began, _))| *began <= from)
        {
            running.push(ordered[next]);
            next += 1;
        }
        running.retain(|(_, (_, ended))| *ended > from);
        let ([(job, _)], true) = (running.as_slice(), story.parallel > 1) else {
            continue;
        };
        let waiting = ordered.len() - next + never_begun(story);
        match found.last_mut() {
            Some(last) if last.job == *job && last.to == from && last.waiting == waiting => {
                last.to = to;
            }
            _ if waiting > 0 => found.push(Alone {
                job: *job,
                from,
                to,
                waiting,
            }),
            _ => {}
        }
    }
    found.retain(|alone| alone.to - alone.from >= WORTH);
    found.sort_by_key(|alone| std::cmp::Reverse(alone.to - alone.from));
    found.truncate(MOST);
    found
}

fn never_begun(story: &Story) -> usize {
    story.jobs.iter().filter(|job| job.began.is_none()).count()
}

/// How many jobs were built at once at most.
fn peak(spans: &[(JobId, (u64, u64))]) -> usize {
    let mut changes: Vec<(u64, bool)> = Vec::new();
    for (_, (from, to)) in spans {
        changes.push((*from, true));
        changes.push((*to, false));
    }
    // At the same moment one ends before the next begins.
    changes.sort_unstable();
    let (mut now, mut most) = (0_usize, 0);
    for (_, begins) in changes {
        now = if begins {
            now + 1
        } else {
            now.saturating_sub(1)
        };
        most = most.max(now);
    }
    most
}

fn queued(story: &Story) -> Queued {
    let mut queued = Queued::default();
    for job in &story.jobs {
        let waited = job.began.map_or(0, |began| began.saturating_sub(job.ready));
        if waited >= WORTH {
            queued.jobs += 1;
            queued.longest = queued.longest.max(waited);
        }
    }
    queued
}
