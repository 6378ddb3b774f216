//! A run as lines: one per finished step, under its service's name, and the logs as they come.
//!
//! For pipes, files and CI systems. It depends on the records alone, so that a journal gives the same
//! lines again. A step that takes long says so before it is done, so that silence never looks like a
//! hang.

use std::collections::HashSet;
use std::time::Duration;

use console::Style as Paint;

use super::screen::Screen;
use crate::diagnostic::Style;
use crate::event::{Event, JobId, Planned, Record, StepId, StepState};
use crate::human;
use crate::progress::{Kind, Run};

/// Steps of the builder itself that are worth a line when they take this long, in milliseconds.
const SLOW: u64 = 500;
/// How long a step that ended may change its mind, in milliseconds.
const SETTLE: u64 = 100;

/// What is told of a run as it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Telling {
    /// Only what was not expected: warnings, and other ways than planned.
    Surprises,
    /// The steps of the Dockerfiles too.
    Steps,
    /// Their logs too.
    Logs,
    /// The builder's own steps too.
    Everything,
}

/// The fold.
pub(super) struct Plain<S> {
    screen: S,
    telling: Telling,
    style: Style,
    paint: Paints,
    /// The columns of the longest name of a service.
    width: usize,
    /// Steps that ended and are not told yet, in the order they ended.
    settling: Vec<(JobId, StepId, u64)>,
    /// Steps whose end was told; a later word that the result was there already adds nothing.
    told: HashSet<(JobId, StepId)>,
}

struct Paints {
    service: Paint,
    dim: Paint,
    good: Paint,
    bad: Paint,
}

impl Paints {
    fn new(style: Style) -> Self {
        let paint = |paint: Paint| paint.force_styling(style == Style::Coloured);
        Self {
            service: paint(Paint::new().cyan()),
            dim: paint(Paint::new().dim()),
            good: paint(Paint::new().green()),
            bad: paint(Paint::new().red().bold()),
        }
    }
}

impl<S: Screen> Plain<S> {
    /// A fold that writes to `screen`.
    pub(super) fn new(screen: S, style: Style, telling: Telling) -> Self {
        Self {
            screen,
            telling,
            style,
            paint: Paints::new(style),
            width: 0,
            settling: Vec::new(),
            told: HashSet::new(),
        }
    }

    /// Where the lines go.
    pub(super) fn screen(&mut self) -> &mut S {
        &mut self.screen
    }

    /// Takes a record that `run` took already.
    pub(super) fn take(&mut self, run: &Run, record: &Record) {
        self.settle(run, |_, ended| ended + SETTLE <= record.at);
        match &record.event {
            Event::RunStarted(opening) => {
                let names = opening.jobs.iter().map(Planned::service);
                self.width = names.map(console::measure_text_width).max().unwrap_or(0);
            }
            Event::Note { diagnostic } => self.screen.line(&diagnostic.render(self.style)),
            Event::ProgramStarted { job, command } if self.telling == Telling::Everything => {
                self.line(run, *job, "+", &human::sanitize(command));
            }
            Event::Step {
                job, step, state, ..
            } if self.telling >= Telling::Steps => {
                self.settling
                    .retain(|(of, id, _)| (*of, *id) != (*job, *step));
                if state.is_over() {
                    self.settling.push((*job, *step, record.at));
                }
            }
            Event::StepGoesOn { job, step, since } if self.telling >= Telling::Steps => {
                self.goes_on(run, *job, *step, *since);
            }
            Event::Log { job, line, .. } if self.telling >= Telling::Logs => {
                self.line(run, *job, "|", &human::sanitize(line));
            }
            Event::LogCut { job, .. } if self.telling >= Telling::Logs => {
                self.line(run, *job, "|", "(the rest of this log is left out)");
            }
            Event::Warning {
                job, message, line, ..
            } => {
                let place = line.map_or_else(String::new, |line| format!(" (line {line})"));
                let first = human::sanitize(message.lines().next().unwrap_or_default());
                self.line(run, *job, "warning", &format!("{first}{place}"));
            }
            Event::JobNote { job, message } => {
                self.line(run, *job, "note", &human::sanitize(message));
            }
            Event::FellBack { job, way, because } => {
                self.line(run, *job, "instead", &format!("{way}, because {because}"));
            }
            Event::JobFinished { job, .. } => self.settle(run, |of, _| of == *job),
            _ => {}
        }
    }

    /// Looks at the clock.
    pub(super) fn tick(&mut self, run: &Run, now: u64) {
        self.settle(run, |_, ended| ended + SETTLE <= now);
    }

    /// Tells the steps that ended and that `ready` picks. A builder often ends a step twice, first
    /// with its cache key and at once again with the result; only the last word counts.
    fn settle(&mut self, run: &Run, ready: impl Fn(JobId, u64) -> bool) {
        let (told, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.settling)
            .into_iter()
            .partition(|(job, _, ended)| ready(*job, *ended));
        self.settling = kept;
        for (job, step, _) in told {
            self.ended(run, job, step);
        }
    }

    fn ended(&mut self, run: &Run, job: JobId, id: StepId) {
        let Some(of) = run.job(job) else {
            return;
        };
        let teller = of.told_by(id);
        let Some(step) = of.step_of(teller).filter(|step| step.state.is_over()) else {
            return;
        };
        let again = !self.told.insert((job, teller));
        if again && (teller != id || step.state == StepState::Cached) {
            return;
        }
        let name = human::sanitize(&step.name);
        let own = matches!(step.kind, Kind::Instruction | Kind::Base | Kind::Export)
            || !name.starts_with("[internal]")
            || self.telling == Telling::Everything;
        match &step.state {
            StepState::Cached if own => self.line(run, job, "CACHED", &name),
            StepState::Done { took, .. } if own || *took >= SLOW => {
                let took = human::duration(Duration::from_millis(*took));
                self.line(run, job, &took, &name);
            }
            StepState::Failed { .. } => self.line(run, job, "FAILED", &name),
            _ => {}
        }
    }

    fn goes_on(&mut self, run: &Run, job: JobId, id: StepId, since: u64) {
        let Some(step) = run.job(job).and_then(|job| job.step_of(id)) else {
            return;
        };
        let last = step.tail.back().map(|line| human::sanitize(line));
        let last = last.map_or_else(String::new, |line| format!(": {line}"));
        let name = human::sanitize(&step.name);
        let since = human::duration(Duration::from_millis(since));
        self.line(
            run,
            job,
            "...",
            &format!("{name} (running for {since}){last}"),
        );
    }

    fn line(&mut self, run: &Run, job: JobId, state: &str, text: &str) {
        let service = run.job(job).map_or("", |job| job.name());
        let service = console::pad_str(service, self.width, console::Alignment::Left, None);
        let padded = console::pad_str(state, 7, console::Alignment::Right, None);
        let paint = match state {
            "CACHED" => &self.paint.good,
            "FAILED" | "warning" | "instead" => &self.paint.bad,
            _ => &self.paint.dim,
        };
        let line = format!(
            "{}  {}  {text}",
            self.paint.service.apply_to(service),
            paint.apply_to(padded),
        );
        self.screen.line(line.trim_end());
    }
}
