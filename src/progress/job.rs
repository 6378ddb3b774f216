//! One job of a run and its steps.

use std::collections::{HashSet, VecDeque};

use indexmap::IndexMap;

use super::kind::{self, Kind};
use crate::event::{JobId, Outcome, Planned, StepId, StepState, Way};

/// Lines kept of each step's log.
pub(super) const TAIL: usize = 20;

/// A job, as far as it is known.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its place in the plan.
    pub id: JobId,
    /// What was planned.
    pub planned: Planned,
    /// How it is built: as planned, unless that was not possible.
    pub way: Way,
    /// How far it is.
    pub state: State,
    /// What its builder advises.
    pub warnings: Vec<Warning>,
    steps: IndexMap<StepId, Step>,
    failed: Option<StepId>,
}

/// How far a job is. Moments are on the clock of the run.
#[derive(Debug, Clone)]
pub enum State {
    /// It did not begin yet.
    Waiting,
    /// It runs.
    Running {
        /// Since when.
        began: u64,
    },
    /// It is over.
    Ended {
        /// How it ended.
        outcome: Box<Outcome>,
        /// When.
        at: u64,
        /// How long it took.
        took: u64,
    },
}

/// Something that a builder advises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What it says, its details in lines of their own.
    pub message: String,
    /// The line of the Dockerfile, from one, when it names one.
    pub line: Option<usize>,
    /// Where it is explained.
    pub url: Option<String>,
}

/// A step, as far as it is known.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its name, as the builder gives it.
    pub name: String,
    /// What it does.
    pub kind: Kind,
    /// The steps it begins with.
    pub needs: Vec<StepId>,
    /// What became of it.
    pub state: StepState,
    /// What moves in it, by name.
    pub moving: IndexMap<String, Moving>,
    /// The last lines of its log.
    pub tail: VecDeque<String>,
    /// How many lines it wrote in all.
    pub lines: usize,
    /// Whether it wrote more than that, which was left out.
    pub cut: bool,
    /// Another step of the same instruction. Services that do the same at the same time share what one of
    /// them does, and the builder tells each of its own step and of the other's.
    twin: Option<StepId>,
    /// When it was told that it runs.
    pub since: u64,
    /// When it was last said that it goes on.
    pub(super) mentioned: Option<u64>,
}

/// How far something is that moves, mostly in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moving {
    /// How far it is.
    pub current: i64,
    /// How far it will go; 0 when that is not known.
    pub total: i64,
}

/// How far the steps of a Dockerfile are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All that are known.
    pub total: usize,
    /// Those that are over, also because their result was there already.
    pub over: usize,
    /// Those whose result was there already.
    pub cached: usize,
}

impl Job {
    pub(super) fn new(id: JobId, planned: &Planned) -> Self {
        Self {
            id,
            way: planned.way.clone(),
            planned: planned.clone(),
            state: State::Waiting,
            warnings: Vec::new(),
            steps: IndexMap::new(),
            failed: None,
        }
    }

    /// The service that gives it its name.
    pub fn name(&self) -> &str {
        self.planned.service()
    }

    /// Its steps, in the order they were first heard of.
    pub fn steps(&self) -> impl Iterator<Item = (StepId, &Step)> {
        self.steps.iter().map(|(id, step)| (*id, step))
    }

    /// Its steps, each after those that it begins with.
    pub fn steps_in_order(&self) -> Vec<(StepId, &Step)> {
        let mut order = Vec::with_capacity(self.steps.len());
        let mut seen = HashSet::with_capacity(self.steps.len());
        // A step, and whether those that it begins with have their place.
        let mut open: Vec<(StepId, bool)> = Vec::new();
        for id in self.steps.keys() {
            open.push((*id, false));
            while let Some((id, ready)) = open.pop() {
                let Some(step) = self.steps.get(&id) else {
                    continue;
                };
                if ready {
                    order.push((id, step));
                } else if seen.insert(id) {
                    open.push((id, true));
                    open.extend(step.needs.iter().rev().map(|need| (*need, false)));
                }
            }
        }
        order
    }

    /// A step.
    pub fn step_of(&self, id: StepId) -> Option<&Step> {
        self.steps.get(&id)
    }

    /// The steps that run.
    pub fn running(&self) -> impl Iterator<Item = (StepId, &Step)> {
        self.steps()
            .filter(|(_, step)| matches!(step.state, StepState::Running { .. }))
    }

    /// The step that failed: the last that did, for one that was stopped may come before.
    pub fn failed_step(&self) -> Option<&Step> {
        self.steps.get(&self.failed?)
    }

    /// How it ended.
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.state {
            State::Ended { outcome, .. } => Some(outcome),
            _ => None,
        }
    }

    /// When it ended, in milliseconds of the run.
    pub fn ended_at(&self) -> Option<u64> {
        match self.state {
            State::Ended { at, .. } => Some(at),
            _ => None,
        }
    }

    /// How long it took, in milliseconds.
    pub fn took(&self) -> Option<u64> {
        match self.state {
            State::Ended { took, .. } => Some(took),
            _ => None,
        }
    }

    /// How far the steps of its Dockerfile are. Base images are none: they are never built.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        let own = |step: &&Step| step.kind == Kind::Instruction;
        for (id, step) in self.steps.iter().filter(|(_, step)| own(step)) {
            if step.twin.is_some_and(|twin| twin < *id) {
                continue;
            }
            let state = &self.steps[&self.told_by(*id)].state;
            counts.total += 1;
            counts.over += usize::from(state.is_over());
            counts.cached += usize::from(*state == StepState::Cached);
        }
        counts
    }

    /// The step that tells of this one: itself, or its twin that ran in its place, or was taken from the
    /// cache while this one was left waiting.
    pub fn told_by(&self, id: StepId) -> StepId {
        let told = |step: &Step| match step.state {
            StepState::Waiting => 0,
            StepState::Cached => 1,
            StepState::Running { .. } => 2,
            StepState::Done { .. } | StepState::Failed { .. } => 3,
        };
        let Some(step) = self.steps.get(&id) else {
            return id;
        };
        let twin = step
            .twin
            .and_then(|twin| Some((twin, self.steps.get(&twin)?)));
        match twin {
            // What was done twice was not the same.
            Some((_, twin)) if told(step) == 3 || told(step) > told(twin) => id,
            Some((other, twin)) if told(step) < told(twin) => other,
            Some((other, _)) => id.min(other),
            None => id,
        }
    }

    pub(super) fn start(&mut self, at: u64) {
        self.state = State::Running { began: at };
    }

    pub(super) fn step(
        &mut self,
        id: StepId,
        name: &str,
        needs: &[StepId],
        state: &StepState,
        at: u64,
    ) {
        let kind = Kind::of(name);
        let twin = match kind {
            Kind::Instruction if !self.steps.contains_key(&id) => self.named(name),
            _ => None,
        };
        if let Some(twin) = twin.and_then(|twin| self.steps.get_mut(&twin)) {
            twin.twin = Some(id);
        }
        let step = self.steps.entry(id).or_insert_with(|| Step {
            twin,
            name: String::new(),
            kind,
            needs: Vec::new(),
            state: StepState::Waiting,
            moving: IndexMap::new(),
            tail: VecDeque::new(),
            lines: 0,
            cut: false,
            since: at,
            mentioned: None,
        });
        if step.name != name {
            name.clone_into(&mut step.name);
            step.kind = kind;
        }
        needs.clone_into(&mut step.needs);
        if matches!(state, StepState::Running { .. }) {
            step.since = at;
            step.mentioned = None;
        }
        if matches!(state, StepState::Failed { .. }) {
            self.failed = Some(id);
        }
        step.state = state.clone();
    }

    /// The step of this name.
    fn named(&self, name: &str) -> Option<StepId> {
        let mut steps = self.steps.iter();
        steps.find(|(_, step)| step.name == name).map(|(id, _)| *id)
    }

    pub(super) fn mention(&mut self, id: StepId, at: u64) {
        if let Some(step) = self.steps.get_mut(&id) {
            step.mentioned = Some(at);
        }
    }

    pub(super) fn moved(&mut self, id: StepId, what: &str, current: i64, total: i64) {
        if let Some(step) = self.steps.get_mut(&id) {
            let moving = Moving { current, total };
            match step.moving.get_mut(what) {
                Some(known) => *known = moving,
                None => drop(step.moving.insert(what.to_owned(), moving)),
            }
        }
    }

    pub(super) fn log(&mut self, id: StepId, line: &str) {
        if let Some(step) = self.steps.get_mut(&id) {
            step.lines += 1;
            if step.tail.len() == TAIL {
                step.tail.pop_front();
            }
            step.tail.push_back(line.to_owned());
        }
    }

    pub(super) fn cut(&mut self, id: StepId) {
        if let Some(step) = self.steps.get_mut(&id) {
            step.cut = true;
        }
    }

    pub(super) fn warn(&mut self, message: &str, line: Option<usize>, url: Option<&str>) {
        let warning = Warning {
            message: message.to_owned(),
            line,
            url: url.map(str::to_owned),
        };
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// The other way begins anew, so what was told of the first does not count.
    pub(super) fn fall_back(&mut self, way: &Way) {
        way.clone_into(&mut self.way);
        self.steps.clear();
        self.failed = None;
    }

    pub(super) fn finish(&mut self, outcome: &Outcome, at: u64, took: u64) {
        self.state = State::Ended {
            outcome: Box::new(outcome.clone()),
            at,
            took,
        };
        for (id, step) in &mut self.steps {
            step.moving = IndexMap::new();
            if self.failed != Some(*id) {
                step.tail = VecDeque::new();
            }
        }
    }
}

impl Step {
    /// The instruction of the Dockerfile, without its place, when it is one.
    pub fn instruction(&self) -> Option<&str> {
        kind::instruction(&self.name)
    }

    /// The stage of the Dockerfile it belongs to, with its platform, when there are several.
    pub fn stage(&self) -> Option<&str> {
        kind::stage(&self.name)
    }

    /// For how long it runs by `now`, in milliseconds.
    pub fn runs_for(&self, now: u64) -> u64 {
        now.saturating_sub(self.since)
    }

    /// How far everything in it is that moves, taken together. The total is 0 when one is not known.
    pub fn moved(&self) -> Option<Moving> {
        let mut all = Moving::default();
        let mut known = true;
        // What did not begin to move, as a layer that is yet to be unpacked, hides no total.
        let begun = |moving: &&Moving| **moving != Moving::default();
        for moving in self.moving.values().filter(begun) {
            all.current += moving.current;
            all.total += moving.total;
            known &= moving.total > 0;
        }
        if !known {
            all.total = 0;
        }
        (all.current > 0).then_some(all)
    }
}
