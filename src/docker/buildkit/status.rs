//! The status stream folded into events.
//!
//! BuildKit tells of *vertexes*, in no order that means anything, some of them several times: a
//! vertex first computes its cache key, then runs, and each is an interval of its own. A step's time
//! is the union of its intervals. Log chunks may split lines; they are put together again here.
//!
//! Its stamps are by the builder's clock, which may be another machine's. The smallest difference ever
//! seen between a stamp and its arrival is that of the clocks, plus what the message took.

use std::collections::HashMap;

use bollard_buildkit_proto::google::protobuf::Timestamp;
use bollard_buildkit_proto::moby::buildkit::v1::{StatusResponse, Vertex, VertexWarning};

use super::caches;
use crate::docker::outcome::Reached;
use crate::event::{Clock, Event, JobId, StepId, StepState};

/// The longest line put together; what is longer is told in pieces.
const LONGEST_LINE: usize = 16 << 10;
/// Up to this many milliseconds a difference is what the messages took, and the clocks are the same.
const SAME_CLOCK: i64 = 500;

/// The step that keeps the image.
const KEEPING: &str = "exporting to image";

/// What has been told of one build so far.
pub(in crate::docker) struct Steps {
    job: JobId,
    clock: Clock,
    /// How many milliseconds the builder's clock is behind, as far as is known.
    behind: Option<i64>,
    all: Vec<Step>,
    by_digest: HashMap<String, usize>,
}

#[derive(Default)]
struct Step {
    name: String,
    error: String,
    /// Nanoseconds by the builder's clock: when an interval began, and when it was over.
    intervals: Vec<(i64, Option<i64>)>,
    told: Option<StepState>,
    /// Whether it was found in a cache. What follows then is a transfer from there.
    found: bool,
    /// Whether it wrote anything.
    wrote: bool,
    /// Unfinished lines of standard output and standard error.
    partial: HashMap<i64, Vec<u8>>,
}

impl Steps {
    /// Nothing yet of `job`.
    pub(in crate::docker) fn new(job: JobId, clock: Clock) -> Self {
        Self {
            job,
            clock,
            behind: None,
            all: Vec::new(),
            by_digest: HashMap::new(),
        }
    }

    /// The job that they belong to.
    pub(super) fn job(&self) -> JobId {
        self.job
    }

    /// Whether anything was told at all.
    pub(in crate::docker) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The name of the vertex called `digest`.
    pub(in crate::docker) fn name(&self, digest: &str) -> Option<&str> {
        let index = *self.by_digest.get(digest)?;
        Some(&self.all[index].name)
    }

    /// The name of the step that failed, when only the steps themselves tell.
    pub(in crate::docker) fn failed(&self) -> Option<&str> {
        self.wrong()
            .find(|step| !caches::is_about_caches(&step.name))
            .map(|step| step.name.as_str())
    }

    /// The steps about caches that failed, with their errors.
    pub(super) fn failed_caches(&self) -> impl Iterator<Item = (&str, &str)> {
        self.wrong()
            .filter(|step| caches::is_about_caches(&step.name))
            .map(|step| (step.name.as_str(), step.error.as_str()))
    }

    fn wrong(&self) -> impl Iterator<Item = &Step> {
        self.all
            .iter()
            .filter(|step| !step.error.is_empty() && !is_cancelled(&step.error))
    }

    /// Whether the engine has kept the image.
    pub(super) fn kept_image(&self) -> bool {
        let is_done = |step: &Step| matches!(step.told, Some(StepState::Done { .. }));
        let mut all = self.all.iter();
        all.any(|step| step.name == KEEPING && is_done(step))
    }

    /// How far a build came that failed. What is not known to run nothing counts as a `RUN`:
    /// frontends name their steps as they like.
    pub(in crate::docker) fn reached(&self) -> Reached {
        let mut all = self.all.iter();
        if !all.any(|step| step.began() && !runs_nothing(&step.name)) {
            Reached::NoRun
        } else if self.failed() == Some(KEEPING) {
            Reached::Image
        } else {
            Reached::Run
        }
    }

    /// Takes a message and gives what happened.
    pub(in crate::docker) fn fold(&mut self, message: StatusResponse) -> Vec<Event> {
        let mut events = Vec::new();
        self.compare_clocks(&message.vertexes);
        for vertex in message.vertexes {
            self.vertex(vertex, &mut events);
        }
        for status in message.statuses {
            let step = self.index(&status.vertex);
            events.push(Event::Progress {
                job: self.job,
                step: StepId(step + 1),
                what: if status.name.is_empty() {
                    status.id
                } else {
                    status.name
                },
                current: status.current,
                total: status.total,
            });
        }
        for log in message.logs {
            let step = self.index(&log.vertex);
            self.log(step, log.stream, &log.msg, &mut events);
        }
        for warning in message.warnings {
            events.push(self.warning(&warning));
        }
        events
    }

    fn index(&mut self, digest: &str) -> usize {
        if let Some(index) = self.by_digest.get(digest) {
            return *index;
        }
        let index = self.all.len();
        self.all.push(Step::default());
        self.by_digest.insert(digest.to_owned(), index);
        index
    }

    /// Learns from the newest stamp of a message how far the builder's clock is behind.
    fn compare_clocks(&mut self, vertexes: &[Vertex]) {
        let stamps = vertexes.iter().flat_map(|v| [&v.started, &v.completed]);
        let Some(newest) = stamps.flatten().map(nanoseconds).max() else {
            return;
        };
        let now = i64::try_from(self.clock.now()).unwrap_or(i64::MAX);
        let behind = now.saturating_sub(self.clock.of_date(newest));
        self.behind = Some(self.behind.map_or(behind, |known| known.min(behind)));
    }

    /// A moment of the builder's clock on that of the run.
    fn on_clock(&self, nanoseconds: i64) -> u64 {
        let behind = self.behind.filter(|behind| behind.abs() > SAME_CLOCK);
        let at = self.clock.of_date(nanoseconds) + behind.unwrap_or_default();
        u64::try_from(at).unwrap_or_default().min(self.clock.now())
    }

    fn vertex(&mut self, vertex: Vertex, events: &mut Vec<Event>) {
        let index = self.index(&vertex.digest);
        let needs: Vec<usize> = vertex.inputs.iter().map(|it| self.index(it)).collect();
        let step = &mut self.all[index];
        step.name = vertex.name;
        step.error.clone_from(&vertex.error);
        if let Some(started) = vertex.started.as_ref().map(nanoseconds) {
            let completed = vertex.completed.as_ref().map(nanoseconds);
            step.interval(started, completed);
        }
        let took = step.took();
        let (first, last) = step.bounds();
        let (began, ended) = (self.on_clock(first), self.on_clock(last));
        let step = &mut self.all[index];
        let state = match (vertex.started, vertex.completed) {
            // A step that waits has no time, and none that ran waits again.
            (None, _) if step.told.is_some() => return,
            (None, _) => StepState::Waiting,
            // It is told once that it runs, however often it begins again.
            (Some(_), None) if matches!(step.told, Some(StepState::Running { .. })) => return,
            (Some(_), None) => StepState::Running { began },
            // The image does not hang on a cache: that is told as a warning.
            (Some(_), Some(_))
                if !vertex.error.is_empty() && !caches::is_about_caches(&step.name) =>
            {
                StepState::Failed {
                    error: vertex.error,
                    began,
                    ended,
                    took,
                }
            }
            (Some(_), Some(_)) if vertex.cached || step.found && !step.wrote => {
                step.found = true;
                StepState::Cached
            }
            (Some(_), Some(_)) => StepState::Done { began, ended, took },
        };
        if step.told.as_ref() == Some(&state) {
            return;
        }
        let (job, id) = (self.job, StepId(index + 1));
        if state.is_over() {
            step.flush(job, id, events);
        }
        step.told = Some(state.clone());
        events.push(Event::Step {
            job,
            step: id,
            name: step.name.clone(),
            needs: needs.into_iter().map(|need| StepId(need + 1)).collect(),
            state,
        });
    }

    fn log(&mut self, index: usize, stream: i64, bytes: &[u8], events: &mut Vec<Event>) {
        self.all[index].wrote = true;
        let partial = self.all[index].partial.entry(stream).or_default();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            partial.extend_from_slice(piece);
            if piece.ends_with(b"\n") || partial.len() > LONGEST_LINE {
                events.push(line(self.job, StepId(index + 1), partial));
                partial.clear();
            }
        }
    }

    fn warning(&self, warning: &VertexWarning) -> Event {
        let mut message = String::from_utf8_lossy(&warning.short).into_owned();
        for detail in &warning.detail {
            message.push('\n');
            message.push_str(&String::from_utf8_lossy(detail));
        }
        let line = warning
            .ranges
            .first()
            .and_then(|range| range.start)
            .and_then(|start| usize::try_from(start.line).ok());
        Event::Warning {
            job: self.job,
            message,
            line,
            url: Some(warning.url.clone()).filter(|url| !url.is_empty()),
        }
    }
}

impl Step {
    /// Whether it did anything: what was there already did not, although computing its cache key is
    /// told as an interval of its own before.
    fn began(&self) -> bool {
        let cached = matches!(
            self.told,
            None | Some(StepState::Waiting | StepState::Cached)
        );
        !cached || self.wrote
    }

    fn interval(&mut self, started: i64, completed: Option<i64>) {
        match self
            .intervals
            .iter_mut()
            .find(|(start, _)| *start == started)
        {
            Some((_, end)) => *end = completed.or(*end),
            None => self.intervals.push((started, completed)),
        }
    }

    /// When the first interval began and the last one known was over, in nanoseconds.
    fn bounds(&self) -> (i64, i64) {
        let first = self.intervals.iter().map(|(start, _)| *start).min();
        let last = self.intervals.iter().filter_map(|(_, end)| *end).max();
        let first = first.unwrap_or_default();
        (first, last.unwrap_or(first))
    }

    /// Milliseconds covered by the intervals.
    fn took(&self) -> u64 {
        let mut closed: Vec<(i64, i64)> = self
            .intervals
            .iter()
            .filter_map(|(start, end)| Some((*start, (*end)?)))
            .collect();
        closed.sort_unstable();
        let mut total = 0;
        let mut covered = i64::MIN;
        for (start, end) in closed {
            total += (end - start.max(covered)).max(0);
            covered = covered.max(end);
        }
        u64::try_from(total / 1_000_000).unwrap_or_default()
    }

    fn flush(&mut self, job: JobId, id: StepId, events: &mut Vec<Event>) {
        for (_, rest) in self.partial.drain() {
            if !rest.is_empty() {
                events.push(line(job, id, &rest));
            }
        }
    }
}

fn line(job: JobId, step: StepId, bytes: &[u8]) -> Event {
    let text = String::from_utf8_lossy(bytes);
    Event::Log {
        job,
        step,
        line: text.trim_end_matches(['\r', '\n']).to_owned(),
    }
}

fn nanoseconds(time: &Timestamp) -> i64 {
    time.seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(i64::from(time.nanos))
}

/// Whether a step of this name is known to run no command of the Dockerfile.
fn runs_nothing(name: &str) -> bool {
    let own = match name
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "))
    {
        // `[internal] load metadata for ...`, `[auth] ...`, `[context base] ...`
        Some((place, _)) if !place.ends_with(|last: char| last.is_ascii_digit()) => return true,
        // `[build 2/4] COPY . .`
        Some((_, instruction)) => instruction,
        None => name,
    };
    [
        "FROM ",
        "COPY ",
        "ADD ",
        "WORKDIR ",
        "ONBUILD COPY ",
        "ONBUILD ADD ",
        "resolve image config for ",
        "docker-image://",
        "local://",
        "git://",
        "http://",
        "https://",
        "copy ",
        "merging ",
        "exporting ",
        "importing to docker",
        "importing cache ",
    ]
    .iter()
    .any(|known| own.starts_with(known))
}

/// Whether a vertex failed only because the build was stopped.
fn is_cancelled(error: &str) -> bool {
    error.ends_with("context canceled")
}

#[cfg(test)]
mod tests {
    use bollard_buildkit_proto::moby::buildkit::v1::VertexLog;

    use super::*;

    fn at(millis: i32) -> Timestamp {
        Timestamp {
            seconds: 1_700_000_000,
            nanos: millis * 1_000_000,
        }
    }

    fn vertex(
        started: impl Into<Option<Timestamp>>,
        completed: impl Into<Option<Timestamp>>,
    ) -> Vertex {
        let (started, completed) = (started.into(), completed.into());
        Vertex {
            digest: "sha256:a".into(),
            name: "[2/2] RUN make".into(),
            started,
            completed,
            ..Default::default()
        }
    }

    fn fold(steps: &mut Steps, vertex: Vertex) -> Vec<StepState> {
        steps
            .fold(StatusResponse {
                vertexes: vec![vertex],
                ..Default::default()
            })
            .into_iter()
            .filter_map(|event| match event {
                Event::Step { state, .. } => Some(without_dates(state)),
                _ => None,
            })
            .collect()
    }

    /// What these tests do not look at is zero.
    fn without_dates(state: StepState) -> StepState {
        match state {
            StepState::Running { .. } => RUNNING,
            StepState::Done { took, .. } => done(took),
            other => other,
        }
    }

    const RUNNING: StepState = StepState::Running { began: 0 };

    fn done(took: u64) -> StepState {
        let (began, ended) = (0, 0);
        StepState::Done { began, ended, took }
    }

    #[test]
    fn a_steps_time_is_the_union_of_its_intervals() {
        let mut steps = Steps::new(JobId(0), Clock::start());
        assert_eq!(fold(&mut steps, vertex(None, None)), [StepState::Waiting]);
        assert_eq!(fold(&mut steps, vertex(at(0), None)), [RUNNING]);
        let first = fold(&mut steps, vertex(at(0), at(100)));
        assert_eq!(first, [done(100)]);
        let second = fold(&mut steps, vertex(at(50), at(300)));
        assert_eq!(second, [done(300)]);
    }

    /// Whether anything ran after steps of these names went through these states.
    fn ran(name: &str, states: &[(bool, bool)], log: bool) -> bool {
        let mut steps = Steps::new(JobId(0), Clock::start());
        for (moment, (completed, cached)) in (0i32..).zip(states) {
            let vertex = Vertex {
                name: name.into(),
                cached: *cached,
                ..vertex(at(moment), completed.then(|| at(moment)))
            };
            fold(&mut steps, vertex);
        }
        if log {
            steps.fold(StatusResponse {
                logs: vec![VertexLog {
                    vertex: "sha256:a".into(),
                    msg: b"hi".to_vec(),
                    ..Default::default()
                }],
                ..Default::default()
            });
        }
        steps.reached() == Reached::Run
    }

    #[test]
    fn only_a_run_that_did_something_has_run() {
        let (running, done, cached) = ((false, false), (true, false), (true, true));
        assert!(!ran("[2/2] RUN make", &[], false), "announced only");
        assert!(ran("[2/2] RUN make", &[running], false));
        assert!(ran("[2/2] RUN make", &[running, done], false));
        assert!(!ran("[2/2] RUN make", &[cached], false));
        // The cache key of a `RUN` with bind mounts is computed first.
        assert!(!ran("[2/2] RUN make", &[running, done, cached], false));
        assert!(ran("[2/2] RUN make", &[running, done, cached], true));
        assert!(ran(
            "[linux/amd64 build 12/20] RUN a] COPY b",
            &[done],
            false
        ));
        assert!(ran("[2/2] ONBUILD RUN make", &[done], false));
        assert!(ran("a step of some frontend", &[done], false));
    }

    #[test]
    fn what_is_fetched_from_a_cache_has_not_run() {
        let (running, done, cached) = ((false, false), (true, false), (true, true));
        let fetched = [running, cached, running, done];
        assert!(!ran("[2/2] RUN make", &fetched, false));
        assert!(ran("[2/2] RUN make", &fetched, true), "it wrote");
        let mut steps = Steps::new(JobId(0), Clock::start());
        let found = Vertex {
            cached: true,
            ..vertex(at(0), at(1))
        };
        assert_eq!(fold(&mut steps, found), [StepState::Cached]);
        assert_eq!(fold(&mut steps, vertex(at(2), None)), [RUNNING]);
        assert_eq!(fold(&mut steps, vertex(at(2), at(90))), [StepState::Cached]);
    }

    #[test]
    fn what_fetches_and_copies_has_not_run() {
        for name in [
            "[internal] load build definition from Dockerfile",
            "[internal] load metadata for docker.io/library/busybox:latest",
            "[auth] library/busybox:pull token for registry-1.docker.io",
            "[context base] load metadata for base",
            "[1/2] FROM docker.io/library/busybox:latest",
            "[build 2/4] COPY a] RUN b /",
            "FROM 127.0.0.1:1/nothing:latest",
            "resolve image config for docker-image://docker.io/docker/dockerfile:1",
            "docker-image://docker.io/docker/dockerfile:1",
            "http://127.0.0.1:1/a",
            "copy /context /",
            "exporting to image",
        ] {
            assert!(!ran(name, &[(true, false)], false), "{name}");
        }
    }

    #[test]
    fn a_build_that_ran_and_has_no_image_has_reached_its_image() {
        let export = |error: &str| Vertex {
            digest: "sha256:b".into(),
            name: "exporting to image".into(),
            error: error.into(),
            ..vertex(at(20), at(30))
        };
        for (run, error, expected) in [
            (vertex(at(1), at(10)), "parent snapshot", Reached::Image),
            (vertex(at(1), at(10)), "", Reached::Run),
            (vertex(at(1), None), "", Reached::Run),
            (vertex(None, None), "parent snapshot", Reached::NoRun),
        ] {
            let mut steps = Steps::new(JobId(0), Clock::start());
            fold(&mut steps, run);
            fold(&mut steps, export(error));
            assert_eq!(steps.reached(), expected);
        }
    }

    #[test]
    fn a_state_is_told_once() {
        let mut steps = Steps::new(JobId(0), Clock::start());
        assert_eq!(fold(&mut steps, vertex(at(0), None)).len(), 1);
        assert_eq!(fold(&mut steps, vertex(at(0), None)).len(), 0);
    }

    #[test]
    fn lines_are_put_together_and_the_last_one_is_not_lost() {
        let mut steps = Steps::new(JobId(0), Clock::start());
        let log = |msg: &str| StatusResponse {
            logs: vec![VertexLog {
                vertex: "sha256:a".into(),
                stream: 1,
                msg: msg.into(),
                ..Default::default()
            }],
            ..Default::default()
        };
        let mut lines = Vec::new();
        let mut collect = |events: Vec<Event>| {
            for event in events {
                if let Event::Log { line, .. } = event {
                    lines.push(line);
                }
            }
        };
        collect(steps.fold(log("one\ntw")));
        collect(steps.fold(log("o\r\nthr")));
        collect(steps.fold(StatusResponse {
            vertexes: vec![vertex(at(0), at(1))],
            ..Default::default()
        }));
        assert_eq!(lines, ["one", "two", "thr"]);
    }
}
