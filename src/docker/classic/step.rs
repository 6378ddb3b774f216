//! A builder's text folded into events.
//!
//! The classic builder and Buildah tell their progress as lines for people, between the output of
//! the steps. Both say which step begins; its end is the beginning of the next. The output of a
//! `RUN` may look like anything, also like such a line: the classic builder frames it with the id
//! of the container, and a line of Buildah counts only when its number is the next.

use std::time::Instant;

use super::Dialect;
use super::line::{self, Line};
use super::message::{Message, Progress};
use crate::docker::outcome::Built;
use crate::dockerfile::{Dockerfile, Instruction};
use crate::event::{Clock, Event, JobId, StepId, StepState};

/// The step of sending the context, as BuildKit names it.
const CONTEXT: &str = "[internal] load build context";
/// What is moving in it, likewise.
const TRANSFER: &str = "transferring context:";
/// The longest line put together; what is longer is told in pieces.
const LONGEST_LINE: usize = 16 << 10;

/// What has been told of one build so far.
pub(super) struct Steps {
    job: JobId,
    dialect: Dialect,
    dockerfile: Option<Dockerfile>,
    clock: Clock,
    /// How many steps were heard of.
    count: usize,
    current: Option<Step>,
    /// The place of the last step: its stage, if steps are counted by stage, and its number there.
    place: (usize, usize),
    ran: bool,
    image: Option<String>,
    built: bool,
}

struct Step {
    id: StepId,
    name: String,
    keyword: String,
    began: Instant,
    /// The container whose output follows.
    container: Option<String>,
    /// Whether its result is there: nothing that follows belongs to it.
    over: bool,
    cached: bool,
    /// Unfinished lines of standard output and standard error.
    partial: [String; 2],
}

impl Steps {
    /// Nothing yet of `job`. `dockerfile` is what is built, when it is here.
    pub(super) fn new(
        job: JobId,
        dialect: Dialect,
        dockerfile: Option<Dockerfile>,
        clock: Clock,
    ) -> Self {
        Self {
            job,
            dialect,
            dockerfile,
            clock,
            count: 0,
            current: None,
            place: (0, 0),
            ran: false,
            image: None,
            built: false,
        }
    }

    /// Whether a `RUN` began.
    pub(super) fn ran(&self) -> bool {
        self.ran
    }

    /// Whether a command runs.
    pub(super) fn is_running(&self) -> bool {
        let runs = |step: &Step| step.keyword == "RUN" && !step.over;
        self.current.as_ref().is_some_and(runs)
    }

    /// The image, once the builder said that it is built.
    pub(super) fn built(&self) -> Option<Built> {
        let image = self.image.clone();
        self.built.then(|| Built::here(image))
    }

    /// The name of the step that runs, unless that is not one of the Dockerfile's.
    pub(super) fn name(&self) -> Option<&str> {
        let step = self.current.as_ref().filter(|_| self.place.1 > 0)?;
        Some(&step.name)
    }

    /// The instruction that runs.
    pub(super) fn instruction(&self) -> Option<&Instruction> {
        let step = self.current.as_ref()?;
        let found = self.at(self.place)?;
        (found.keyword == step.keyword).then_some(found)
    }

    fn at(&self, (stage, number): (usize, usize)) -> Option<&Instruction> {
        let dockerfile = self.dockerfile.as_ref()?;
        let index = number.checked_sub(1)?;
        match self.dialect {
            Dialect::Docker => dockerfile.instructions.get(index),
            Dialect::Buildah => dockerfile.stages().get(stage)?.instructions.get(index),
        }
    }

    /// The context begins to be sent.
    pub(super) fn sending(&mut self, now: Instant) -> Vec<Event> {
        let mut events = Vec::new();
        self.begin(CONTEXT.to_owned(), String::new(), now, &mut events);
        events
    }

    /// So many bytes of it were sent.
    pub(super) fn sent(&self, bytes: i64) -> Option<Event> {
        let step = self.current.as_ref().filter(|step| step.name == CONTEXT)?;
        Some(self.progress(step.id, TRANSFER.to_owned(), bytes, 0))
    }

    /// All of it was sent.
    pub(super) fn all_sent(&mut self, now: Instant) -> Vec<Event> {
        let mut events = Vec::new();
        if self.current.as_ref().is_some_and(|s| s.name == CONTEXT) {
            self.finish(now, &mut events);
        }
        events
    }

    /// Takes a message and gives what happened.
    pub(super) fn fold(&mut self, message: Message, now: Instant) -> Vec<Event> {
        let mut events = Vec::new();
        if let Some(id) = message.aux.and_then(|aux| aux.id) {
            self.image = Some(id);
        }
        if let Some(status) = message.status {
            self.pull(&status, message.id, message.progress_detail, &mut events);
        }
        if let Some(text) = message.stream {
            self.text(&text, now, &mut events);
        }
        events
    }

    /// The build failed: so did the step that runs.
    pub(super) fn fail(&mut self, error: &str, now: Instant) -> Vec<Event> {
        let mut events = Vec::new();
        if let Some(mut step) = self.current.take() {
            self.flush(&mut step, &mut events);
            let (began, ended) = self.interval(&step, now);
            let state = StepState::Failed {
                error: error.to_owned(),
                began,
                ended,
                took: ended - began,
            };
            events.push(self.state(&step, state));
            self.current = Some(step);
        }
        events
    }

    fn text(&mut self, text: &str, now: Instant, events: &mut Vec<Event>) {
        let container = self.current.as_ref().and_then(|s| s.container.as_deref());
        let line = match self.dialect {
            Dialect::Docker => line::docker(text, container),
            Dialect::Buildah => line::buildah(text),
        };
        match line {
            Line::Step {
                stage,
                number,
                total,
                text: instruction,
            } if self.is_next(stage, number) => {
                self.step(stage, number, total, instruction, now, events);
            }
            Line::Cached => self.cached(events),
            Line::Container(id) => self.container(id),
            Line::ContainerGone => {
                if let Some(mut step) = self.current.take() {
                    step.container = None;
                    self.flush(&mut step, events);
                    self.current = Some(step);
                }
            }
            Line::Result => {
                if let Some(step) = &mut self.current {
                    step.over = true;
                }
            }
            Line::Built => {
                // A `RUN` under Buildah can say so too; but then its step still runs.
                self.built |= self.dialect == Dialect::Docker || self.current.is_none();
                self.finish(now, events);
            }
            Line::Id(id) if self.current.is_none() => {
                self.image.get_or_insert_with(|| format!("sha256:{id}"));
            }
            Line::Id(id) => self.output(0, id, events),
            Line::Commit => self.finish(now, events),
            Line::Warning(message) => events.push(Event::Warning {
                job: self.job,
                message,
                line: None,
                url: None,
            }),
            Line::Nothing => {}
            Line::Output { stream, text } => self.output(stream, text, events),
            // The output of a step that looks like a step.
            Line::Step { .. } => self.output(0, text, events),
        }
    }

    /// Whether a step of this number can begin now.
    fn is_next(&self, stage: Option<usize>, number: usize) -> bool {
        let stage = stage.unwrap_or(self.place.0);
        number == self.place.1 + 1 && stage == self.place.0 || number == 1 && stage > self.place.0
    }

    fn step(
        &mut self,
        stage: Option<usize>,
        number: usize,
        total: Option<usize>,
        text: &str,
        now: Instant,
        events: &mut Vec<Event>,
    ) {
        self.place = (stage.unwrap_or(self.place.0), number);
        let total = total.map_or_else(|| "?".to_owned(), |total| total.to_string());
        let name = match stage {
            None => format!("[{number}/{total}] {text}"),
            Some(stage) => format!("[{} {number}/{total}] {text}", self.stage_name(stage)),
        };
        let keyword = text.split_whitespace().next().unwrap_or_default();
        self.begin(name, keyword.to_ascii_uppercase(), now, events);
    }

    /// A stage's name as BuildKit gives it.
    fn stage_name(&self, stage: usize) -> String {
        let dockerfile = self.dockerfile.as_ref();
        dockerfile
            .and_then(|dockerfile| dockerfile.stages().get(stage)?.name.clone())
            .unwrap_or_else(|| format!("stage-{stage}"))
    }

    fn begin(&mut self, name: String, keyword: String, now: Instant, events: &mut Vec<Event>) {
        self.finish(now, events);
        self.count += 1;
        let step = Step {
            id: StepId(self.count),
            name,
            keyword,
            began: now,
            container: None,
            over: false,
            cached: false,
            partial: [String::new(), String::new()],
        };
        let began = self.clock.of(now);
        events.push(self.state(&step, StepState::Running { began }));
        self.current = Some(step);
    }

    fn cached(&mut self, events: &mut Vec<Event>) {
        if let Some(step) = self.current.as_mut().filter(|step| !step.cached) {
            step.cached = true;
            step.over = true;
        } else {
            return;
        }
        if let Some(step) = &self.current {
            events.push(self.state(step, StepState::Cached));
        }
    }

    /// A container was made for the step. The classic builder makes one for `ENV` too; below a
    /// `FROM` it is that of an inherited `ONBUILD`.
    fn container(&mut self, id: &str) {
        if let Some(step) = &mut self.current {
            step.container = Some(id.to_owned());
            self.ran |= matches!(step.keyword.as_str(), "RUN" | "FROM");
        }
    }

    /// Ends the step that runs, if one does.
    fn finish(&mut self, now: Instant, events: &mut Vec<Event>) {
        let Some(mut step) = self.current.take() else {
            return;
        };
        self.flush(&mut step, events);
        if step.cached {
            return;
        }
        // Buildah does not tell when a command begins: without a word on the cache, it did.
        self.ran |= self.dialect == Dialect::Buildah && step.keyword == "RUN";
        let (began, ended) = self.interval(&step, now);
        let took = ended - began;
        events.push(self.state(&step, StepState::Done { began, ended, took }));
    }

    fn output(&mut self, stream: usize, text: &str, events: &mut Vec<Event>) {
        let Some(mut step) = self.current.take() else {
            return;
        };
        if self.dialect == Dialect::Buildah && step.keyword == "RUN" && !step.over {
            self.ran = true;
        }
        for piece in text.split_inclusive('\n') {
            let partial = &mut step.partial[stream];
            partial.push_str(piece);
            if piece.ends_with('\n') || partial.len() > LONGEST_LINE {
                events.push(self.log(step.id, &std::mem::take(partial)));
            }
        }
        self.current = Some(step);
    }

    fn flush(&self, step: &mut Step, events: &mut Vec<Event>) {
        for partial in &mut step.partial {
            if !partial.is_empty() {
                events.push(self.log(step.id, &std::mem::take(partial)));
            }
        }
    }

    /// Layers move; what has no layer is said once, like a log.
    fn pull(
        &mut self,
        status: &str,
        id: Option<String>,
        progress: Option<Progress>,
        events: &mut Vec<Event>,
    ) {
        let Some(step) = &self.current else {
            return;
        };
        match (id, progress) {
            (Some(layer), Some(progress)) if progress.current > 0 || progress.total > 0 => {
                let what = format!("{} {layer}", status.to_lowercase());
                events.push(self.progress(step.id, what, progress.current, progress.total));
            }
            (Some(_), _) => {}
            (None, _) => events.push(self.log(step.id, status)),
        }
    }

    /// When a step that ends `now` began and ended, on the clock of the run.
    fn interval(&self, step: &Step, now: Instant) -> (u64, u64) {
        let began = self.clock.of(step.began);
        (began, self.clock.of(now).max(began))
    }

    fn state(&self, step: &Step, state: StepState) -> Event {
        Event::Step {
            job: self.job,
            step: step.id,
            name: step.name.clone(),
            needs: Vec::new(),
            state,
        }
    }

    fn progress(&self, step: StepId, what: String, current: i64, total: i64) -> Event {
        Event::Progress {
            job: self.job,
            step,
            what,
            current,
            total,
        }
    }

    fn log(&self, step: StepId, line: &str) -> Event {
        Event::Log {
            job: self.job,
            step,
            line: line.trim_end_matches(['\r', '\n']).to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
