//! What happened in a run, by service and step: the data of the page and of the trace.
//!
//! The state of a run forgets what is over, such as the log of a step that ended well. A picture is
//! taken of each job just before: when it ends, and when another way is taken for it.

use std::collections::HashMap;

use serde::Serialize;

use crate::diagnostic::{Diagnostic, Style};
use crate::event::{Event, JobId, Outcome, Planned, Record, RunResult, StepId, StepState, Way};
use crate::failure::Failure;
use crate::human;
use crate::progress::{self, Kind, Run};

/// The longest line of a log that is kept, in columns.
const WIDEST: usize = 500;

/// A run.
#[derive(Debug, Serialize)]
pub struct Story {
    pub(super) project: String,
    pub(super) directory: String,
    pub(super) verb: String,
    pub(super) dcb: String,
    pub(super) engine: Option<String>,
    /// When it began, in milliseconds since 1970. All other moments are milliseconds since then.
    pub(super) began: u64,
    pub(super) took: u64,
    pub(super) parallel: usize,
    /// `built`, `failed`, `stopped`, or `unfinished` when its end was not recorded.
    pub(super) result: &'static str,
    pub(super) notes: Vec<String>,
    pub(super) jobs: Vec<JobStory>,
    /// The jobs that it could not have been faster than, first things first.
    pub(super) critical: Vec<JobId>,
}

/// A job of it: an image that is built for one service or several.
#[derive(Debug, Serialize)]
pub(super) struct JobStory {
    pub(super) services: Vec<String>,
    pub(super) needs: Vec<JobId>,
    pub(super) way: String,
    pub(super) variant: Option<String>,
    /// When the last that it needs was done.
    pub(super) ready: u64,
    pub(super) began: Option<u64>,
    pub(super) ended: Option<u64>,
    pub(super) took: u64,
    /// `built`, `failed`, `skipped`, `stopped`, or, in a run without an end, `running` and `waiting`.
    pub(super) outcome: &'static str,
    /// The job that it was not tried for.
    pub(super) because: Option<JobId>,
    pub(super) image: Option<String>,
    pub(super) size: Option<u64>,
    pub(super) pushed: Vec<String>,
    /// What was done otherwise than planned.
    pub(super) departures: Vec<String>,
    /// What there was to say of it, and the programs that were started for it.
    pub(super) notes: Vec<String>,
    pub(super) failure: Option<Failed>,
    pub(super) warnings: Vec<String>,
    /// Steps of the Dockerfile whose result was there already, and all.
    pub(super) cached: usize,
    pub(super) total: usize,
    pub(super) steps: Vec<StepStory>,
}

/// Why a job failed.
#[derive(Debug, Serialize)]
pub(super) struct Failed {
    class: &'static str,
    message: String,
    exit_code: Option<i32>,
    places: Vec<String>,
    hints: Vec<String>,
}

/// A step of a job.
#[derive(Debug, Serialize)]
pub(super) struct StepStory {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// `waiting`, `running`, `cached`, `done`, `failed`.
    pub(super) state: &'static str,
    /// When it began and ended; for a cached one when that was told; none if it never began.
    pub(super) span: Option<(u64, u64)>,
    /// How long it took, without what it waited in between.
    pub(super) took: u64,
    /// The steps it begins with, by their place in the job.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) needs: Vec<usize>,
    /// Whether it is one of the steps that the run could not have been faster than.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) critical: bool,
    /// Which of the ways taken it belongs to, from zero.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) attempt: usize,
    /// Bytes that moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) moved: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// The last lines of its log.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tail: Vec<String>,
    /// How many lines it wrote in all.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) lines: usize,
    /// Whether it wrote more than that, which was not kept.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) cut: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Story {
    /// The story that `records` tell.
    pub fn of(records: impl IntoIterator<Item = Record>) -> Self {
        let mut teller = Teller::default();
        for record in records {
            teller.take(&record);
        }
        teller.end()
    }

    /// When a job began and ended, for those that did.
    pub(super) fn span(&self, job: JobId) -> Option<(u64, u64)> {
        let job = self.jobs.get(job.0)?;
        Some((job.began?, job.ended?))
    }
}

/// Takes records and keeps what is forgotten elsewhere.
#[derive(Default)]
struct Teller {
    run: Run,
    jobs: Vec<Kept>,
}

/// What is kept of a job.
#[derive(Default)]
struct Kept {
    began: Option<u64>,
    /// When each of its steps was last told of, for those that have no times of their own.
    told: HashMap<StepId, u64>,
    steps: Vec<StepStory>,
    attempt: usize,
    departures: Vec<String>,
    notes: Vec<String>,
    cached: usize,
    total: usize,
}

impl Teller {
    fn take(&mut self, record: &Record) {
        let at = record.at;
        match &record.event {
            Event::RunStarted(opening) => {
                self.jobs = opening.jobs.iter().map(|_| Kept::default()).collect();
            }
            Event::JobStarted { job } => {
                if let Some(kept) = self.jobs.get_mut(job.0) {
                    kept.began.get_or_insert(at);
                }
            }
            Event::Step { job, step, .. } => {
                if let Some(kept) = self.jobs.get_mut(job.0) {
                    kept.told.insert(*step, at);
                }
            }
            Event::FellBack { job, way, because } => {
                self.keep(*job, at);
                if let Some(kept) = self.jobs.get_mut(job.0) {
                    kept.fall_back(way, because);
                }
            }
            Event::JobNote { job, message } => self.note(*job, message),
            Event::ProgramStarted { job, command } => self.note(*job, &format!("`{command}`")),
            Event::JobFinished { job, .. } => self.keep(*job, at),
            _ => {}
        }
        self.run.take(record);
    }

    fn note(&mut self, job: JobId, message: &str) {
        if let Some(kept) = self.jobs.get_mut(job.0) {
            kept.notes.push(human::sanitize(message));
        }
    }

    /// Keeps the steps of a job as they are at this moment.
    fn keep(&mut self, id: JobId, now: u64) {
        if let (Some(job), Some(kept)) = (self.run.job(id), self.jobs.get_mut(id.0)) {
            kept.steps_of(job, now);
        }
    }

    fn end(mut self) -> Story {
        let now = self.run.now;
        let open: Vec<JobId> = self.run.jobs.iter().map(|job| job.id).collect();
        for id in open {
            if self.run.job(id).is_some_and(|job| job.outcome().is_none()) {
                self.keep(id, now);
            }
        }
        let critical: Vec<JobId> = self.run.critical_path().iter().map(|job| job.id).collect();
        let jobs = std::mem::take(&mut self.jobs);
        let mut jobs: Vec<JobStory> = self
            .run
            .jobs
            .iter()
            .zip(jobs)
            .map(|(job, kept)| kept.story(job, &self.run))
            .collect();
        for id in &critical {
            mark_critical(&mut jobs[id.0].steps);
        }
        let (result, took) = match self.run.finished {
            Some((RunResult::Built, took)) => ("built", took),
            Some((RunResult::Failed, took)) => ("failed", took),
            Some((RunResult::Stopped, took)) => ("stopped", took),
            None => ("unfinished", now),
        };
        let opening = self.run.opening.as_ref();
        let text = |of: fn(&crate::event::Opening) -> &String| {
            opening
                .map(|opening| human::sanitize(of(opening)))
                .unwrap_or_default()
        };
        Story {
            project: text(|opening| &opening.project),
            directory: text(|opening| &opening.directory),
            verb: text(|opening| &opening.verb),
            dcb: text(|opening| &opening.dcb),
            engine: opening.and_then(|opening| opening.engine.clone()),
            began: opening.map_or(0, |opening| opening.began),
            took,
            parallel: opening.map_or(0, |opening| opening.parallel),
            result,
            notes: self.run.notes.iter().map(place).collect(),
            jobs,
            critical,
        }
    }
}

impl Kept {
    fn fall_back(&mut self, way: &Way, because: &Failure) {
        self.attempt += 1;
        self.told.clear();
        self.departures.push(format!(
            "built with {way} instead, because of {}: {}",
            because.class.id(),
            human::sanitize(&because.message)
        ));
    }

    fn steps_of(&mut self, job: &progress::Job, now: u64) {
        let counts = job.counts();
        (self.cached, self.total) = (counts.cached, counts.total);
        let first = self.steps.len();
        let steps = job.steps_in_order();
        let places: HashMap<StepId, usize> = steps.iter().map(|(id, _)| *id).zip(first..).collect();
        let attempt = self.attempt;
        for (id, step) in steps {
            let told = self.told.get(&id).copied().unwrap_or(now);
            let needs = step.needs.iter().filter_map(|need| places.get(need));
            let needs = needs.copied().collect();
            self.steps.push(StepStory {
                needs,
                attempt,
                ..step_story(step, told, now)
            });
        }
        self.date_cached(first);
    }

    /// A builder may tell late that a step was cached: it was before those that begin with it. Each
    /// step stands after those it begins with.
    fn date_cached(&mut self, first: usize) {
        for place in (first..self.steps.len()).rev() {
            let Some((began, _)) = self.steps[place].span else {
                continue;
            };
            for need in self.steps[place].needs.clone() {
                let need = &mut self.steps[need];
                if need.state == "cached" {
                    need.span = need.span.map(|(at, _)| (at.min(began), at.min(began)));
                }
            }
        }
    }

    fn story(self, job: &progress::Job, run: &Run) -> JobStory {
        let planned: &Planned = &job.planned;
        let ended = job.ended_at();
        let needed = planned.needs.iter().filter_map(|need| run.job(*need));
        let outcome = job.outcome();
        let mut story = JobStory {
            services: planned
                .services
                .iter()
                .map(|it| human::sanitize(it))
                .collect(),
            needs: planned.needs.clone(),
            way: job.way.to_string(),
            variant: planned.variant.clone(),
            ready: needed
                .filter_map(progress::Job::ended_at)
                .max()
                .unwrap_or(0),
            began: self.began,
            ended: self.began.map(|began| ended.unwrap_or(run.now).max(began)),
            took: 0,
            outcome: match outcome {
                Some(Outcome::Built { .. }) => "built",
                Some(Outcome::Failed(_)) => "failed",
                Some(Outcome::Skipped { .. }) => "skipped",
                Some(Outcome::Stopped) => "stopped",
                None if run.finished.is_some() => "stopped",
                None if self.began.is_some() => "running",
                None => "waiting",
            },
            because: None,
            image: None,
            size: None,
            pushed: Vec::new(),
            departures: self.departures,
            notes: self.notes,
            failure: None,
            warnings: job.warnings.iter().map(warning).collect(),
            cached: self.cached,
            total: self.total,
            steps: self.steps,
        };
        let open = story
            .began
            .zip(story.ended)
            .map(|(began, ended)| ended - began);
        story.took = job.took().or(open).unwrap_or(0);
        match outcome {
            Some(Outcome::Built {
                image,
                size,
                departures,
                pushed,
            }) => {
                story.image.clone_from(image);
                story.size = *size;
                story.pushed = pushed.iter().map(|pushed| pushed.name.clone()).collect();
                if story.departures.is_empty() {
                    story.departures = departures.iter().map(ToString::to_string).collect();
                }
            }
            Some(Outcome::Failed(why)) => story.failure = Some(failed(why)),
            Some(Outcome::Skipped { because }) => story.because = Some(*because),
            Some(Outcome::Stopped) | None => {}
        }
        story
    }
}

/// A step that was last told of at `told`, and of which nothing is known after `now`.
fn step_story(step: &progress::Step, told: u64, now: u64) -> StepStory {
    let (state, span, took) = match &step.state {
        StepState::Waiting => ("waiting", None, 0),
        StepState::Running { began } => {
            let ended = now.max(*began);
            ("running", Some((*began, ended)), ended - began)
        }
        StepState::Cached => ("cached", Some((told, told)), 0),
        StepState::Done { began, ended, took } => ("done", Some((*began, *ended)), *took),
        StepState::Failed {
            began, ended, took, ..
        } => ("failed", Some((*began, *ended)), *took),
    };
    let error = match &step.state {
        StepState::Failed { error, .. } => Some(human::sanitize(error)),
        _ => None,
    };
    StepStory {
        name: human::sanitize(&step.name),
        kind: step.kind,
        state,
        span: span.map(|(from, to)| (from, to.max(from))),
        took,
        needs: Vec::new(),
        critical: false,
        attempt: 0,
        moved: step
            .moved()
            .and_then(|moved| u64::try_from(moved.current).ok()),
        error,
        tail: step.tail.iter().map(|line| log_line(line)).collect(),
        lines: step.lines,
        cut: step.cut,
    }
}

fn log_line(line: &str) -> String {
    human::truncate(&human::sanitize(line), WIDEST).into_owned()
}

fn warning(warning: &progress::Warning) -> String {
    let message = human::sanitize(&warning.message.replace('\n', " "));
    match warning.line {
        Some(line) => format!("line {line}: {message}"),
        None => message,
    }
}

fn failed(failure: &Failure) -> Failed {
    Failed {
        class: failure.class.id(),
        message: human::sanitize(&failure.message),
        exit_code: failure.exit_code,
        places: failure.diagnostics.iter().map(place).collect(),
        hints: failure
            .hints
            .iter()
            .map(|hint| human::sanitize(hint))
            .collect(),
    }
}

/// A diagnostic as it stands on a terminal, with its excerpt.
fn place(diagnostic: &Diagnostic) -> String {
    let text = diagnostic.render(Style::Plain);
    text.lines()
        .map(human::sanitize)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Marks the steps that their job could not have been faster than: the one that ended last, before it
/// the one that it waited for longest, and so on. Where a builder does not tell what a step begins
/// with, it is what ended last before it began.
fn mark_critical(steps: &mut [StepStory]) {
    let Some(last) = steps.iter().map(|step| step.attempt).max() else {
        return;
    };
    // Nobody waits for what was there already.
    let counts = |step: &StepStory| step.attempt == last && step.state != "cached";
    let span = |place: usize| steps[place].span.filter(|_| counts(&steps[place]));
    let ended = |place: &usize| span(*place).map(|(_, to)| to);
    let all = 0..steps.len();
    let mut path: Vec<usize> = Vec::new();
    let mut next = all
        .clone()
        .filter(|place| span(*place).is_some())
        .max_by_key(ended);
    while let Some(place) = next {
        path.push(place);
        let began = span(place).map_or(0, |(from, _)| from);
        let fits = |other: &usize| {
            !path.contains(other)
                && span(*other).is_some_and(|(from, to)| from <= began && to <= began + SLACK)
        };
        let needs = steps[place]
            .needs
            .iter()
            .copied()
            .filter(fits)
            .max_by_key(ended);
        next = needs.or_else(|| all.clone().filter(fits).max_by_key(ended));
    }
    for place in path {
        steps[place].critical = true;
    }
}

/// How much later than the step that waits for it a step may seem to end, in milliseconds: its end and
/// the other's beginning are rounded apart.
const SLACK: u64 = 1;
