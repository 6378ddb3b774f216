//! A run as lines: one per finished step, under its service's name.
//!
//! For pipes, logs and any terminal. A step that takes long says so before it is done, so that
//! silence never looks like a hang. The last lines of every step are kept for the day it fails.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use console::Style as Paint;

use super::Detail;
use super::screen::{Running, Screen};
use crate::diagnostic::Style;
use crate::event::{Event, JobId, Outcome, StepId, StepState};
use crate::human;
use crate::plan::Plan;

/// How long a step runs before it is mentioned, and how much longer until it is again.
const PATIENCE: Duration = Duration::from_secs(3);
const REMINDER: Duration = Duration::from_secs(30);
/// Steps of the builder itself that are worth a line when they take this long.
const SLOW: u64 = 500;
/// How long a step that ended may change its mind.
const SETTLE: Duration = Duration::from_millis(100);
/// Lines kept of each step.
const TAIL: usize = 20;

/// The fold.
pub(super) struct Plain<S> {
    screen: S,
    services: Vec<String>,
    width: usize,
    detail: Detail,
    paint: Paints,
    steps: HashMap<(JobId, StepId), Step>,
    failed: HashMap<JobId, StepId>,
    /// Steps that ended and are not told yet, in the order they ended.
    settling: Vec<(JobId, StepId, StepState, Instant)>,
}

#[derive(Default)]
struct Step {
    name: String,
    /// Since when it runs, and when that was last told.
    running: Option<(Instant, Option<Instant>)>,
    /// Whether its end was told; a later word that its result was there already adds nothing.
    told: bool,
    tail: VecDeque<String>,
}

struct Paints {
    service: Paint,
    dim: Paint,
    good: Paint,
    bad: Paint,
}

impl Paints {
    fn new(style: Style) -> Self {
        let paint = |paint: Paint| match style {
            Style::Plain => paint.force_styling(false),
            Style::Coloured => paint.force_styling(true),
        };
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
    pub(super) fn new(plan: &Plan, screen: S, style: Style, detail: Detail) -> Self {
        let services: Vec<String> = plan.jobs.iter().map(|job| job.service.clone()).collect();
        Self {
            screen,
            width: services
                .iter()
                .map(|name| console::measure_text_width(name))
                .max()
                .unwrap_or(0),
            services,
            detail,
            paint: Paints::new(style),
            steps: HashMap::new(),
            failed: HashMap::new(),
            settling: Vec::new(),
        }
    }

    /// Takes one event.
    pub(super) fn event(&mut self, event: Event) {
        self.settle(|_, since| since.elapsed() >= SETTLE);
        match event {
            Event::JobStarted { .. } | Event::Progress { .. } => {}
            Event::Step {
                job,
                step,
                name,
                state,
            } => self.step(job, step, &name, state),
            Event::Log { job, step, line } => self.log(job, step, &line),
            Event::Warning {
                job, message, line, ..
            } => {
                let place = line.map_or_else(String::new, |line| format!(" (line {line})"));
                let first = message.lines().next().unwrap_or_default();
                self.line(
                    job,
                    "warning",
                    &format!("{}{place}", human::sanitize(first)),
                );
            }
            Event::Note { job, message } => self.line(job, "note", &human::sanitize(&message)),
            Event::FellBack { job, way, because } => {
                self.line(job, "instead", &format!("{way}, because {because}"));
            }
            Event::JobFinished { job, outcome, .. } => self.finished(job, &outcome),
        }
    }

    /// Looks at the clock.
    pub(super) fn tick(&mut self) {
        let now = Instant::now();
        self.show_running(now);
        self.settle(|_, since| since.elapsed() >= SETTLE);
        let mut due = Vec::new();
        for ((job, _), step) in &mut self.steps {
            let Some((since, told)) = &mut step.running else {
                continue;
            };
            let wait = if told.is_some() { REMINDER } else { PATIENCE };
            if now.duration_since(told.unwrap_or(*since)) >= wait {
                *told = Some(now);
                let last = step.tail.back().map(|line| format!(": {line}"));
                due.push((
                    *job,
                    format!(
                        "{} (running for {}){}",
                        step.name,
                        human::duration(now.duration_since(*since)),
                        last.unwrap_or_default()
                    ),
                ));
            }
        }
        for (job, text) in due {
            self.line(job, "...", &text);
        }
    }

    /// Removes what does not stay.
    pub(super) fn end(&mut self) {
        self.screen.end();
    }

    fn show_running(&mut self, now: Instant) {
        if self.detail == Detail::Quiet {
            return;
        }
        let running: Vec<Running> = self
            .steps
            .iter()
            .filter_map(|((job, _), step)| {
                Some(Running {
                    service: self.services.get(job.0)?.clone(),
                    step: step.name.clone(),
                    since: now.duration_since(step.running?.0),
                })
            })
            .collect();
        self.screen.status(&running);
    }

    fn step(&mut self, job: JobId, id: StepId, name: &str, state: StepState) {
        let name = human::sanitize(name);
        let step = self.steps.entry((job, id)).or_default();
        step.name = name;
        self.settling
            .retain(|(of, step, ..)| (*of, *step) != (job, id));
        if state == StepState::Running {
            step.running = step.running.or(Some((Instant::now(), None)));
        } else {
            step.running = None;
            self.settling.push((job, id, state, Instant::now()));
        }
    }

    /// Tells the steps that ended and that `ready` picks. A builder often ends a step twice, first
    /// with its cache key and at once again with the result; only the last word counts.
    fn settle(&mut self, ready: impl Fn(JobId, Instant) -> bool) {
        let (told, kept) = std::mem::take(&mut self.settling)
            .into_iter()
            .partition(|(job, _, _, since)| ready(*job, *since));
        self.settling = kept;
        for (job, id, state, _) in told {
            self.ended(job, id, &state);
        }
    }

    fn ended(&mut self, job: JobId, id: StepId, state: &StepState) {
        let Some(step) = self.steps.get_mut(&(job, id)) else {
            return;
        };
        if std::mem::replace(&mut step.told, true) && *state == StepState::Cached {
            return;
        }
        let name = step.name.clone();
        let own = self.detail == Detail::Verbose || !name.starts_with("[internal]");
        match state {
            StepState::Cached if own => self.line(job, "CACHED", &name),
            StepState::Done { took } if own || *took >= SLOW => {
                let took = human::duration(Duration::from_millis(*took));
                self.line(job, &took, &name);
            }
            StepState::Failed { .. } => {
                self.failed.insert(job, id);
                self.line(job, "FAILED", &name);
            }
            _ => {}
        }
    }

    fn log(&mut self, job: JobId, id: StepId, line: &str) {
        let line = human::sanitize(line);
        if self.detail == Detail::Verbose {
            self.line(job, "|", &line);
        }
        let tail = &mut self.steps.entry((job, id)).or_default().tail;
        if tail.len() == TAIL {
            tail.pop_front();
        }
        tail.push_back(line);
    }

    fn finished(&mut self, job: JobId, outcome: &Outcome) {
        self.settle(|of, _| of == job);
        let failed = match outcome {
            Outcome::Failed(_) => self.failed.get(&job),
            _ => None,
        };
        let tail = failed
            .and_then(|step| self.steps.get(&(job, *step)))
            .map(|step| step.tail.iter().cloned().collect::<Vec<_>>())
            .unwrap_or_default();
        if self.detail != Detail::Verbose && !tail.is_empty() {
            let detail = std::mem::replace(&mut self.detail, Detail::Normal);
            for line in &tail {
                self.line(job, "|", line);
            }
            self.detail = detail;
        }
        self.steps.retain(|(of, _), _| *of != job);
    }

    fn line(&mut self, job: JobId, state: &str, text: &str) {
        if self.detail == Detail::Quiet {
            return;
        }
        let service = self
            .services
            .get(job.0)
            .map(String::as_str)
            .unwrap_or_default();
        let service = console::pad_str(service, self.width, console::Alignment::Left, None);
        let padded = console::pad_str(state, 7, console::Alignment::Right, None);
        let paint = match state {
            "CACHED" => &self.paint.good,
            "FAILED" | "warning" | "instead" => &self.paint.bad,
            _ => &self.paint.dim,
        };
        self.screen.line(&format!(
            "{}  {}  {text}",
            self.paint.service.apply_to(service),
            paint.apply_to(padded),
        ));
    }
}
