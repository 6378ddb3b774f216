//! What the picture of a run costs: 200 services of 40 steps each, on this terminal.
//!
//! `benches/README.md` tells how to run it. The same run is told twice, first with nothing shown: the
//! difference is the picture, from the state of the run to the bytes on the terminal.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use dcb::ambient::{Ambient, Terminal};
use dcb::event::{
    Event, Events, Frontend, JobId, Opening, Outcome, Planned, RunResult, SCHEMA, StepId,
    StepState, Way,
};
use dcb::report::{Detail, Progress, Reporting, Show};
use dcb::secret::Redactor;
use rustix::time::{ClockId, clock_gettime};

const SERVICES: usize = 200;
const STEPS: usize = 40;
/// How many services run at the same time.
const PARALLEL: usize = 16;
/// How long each step takes: the whole run takes some ten seconds.
const STEP: Duration = Duration::from_millis(20);

fn main() {
    assert!(
        std::io::stderr().is_terminal(),
        "the picture is for a terminal: script -qec 'cargo bench --bench board' /dev/null"
    );
    let ambient = Ambient::capture().expect("a directory");
    let measure = |progress| {
        let began = Instant::now();
        let before = others();
        let built = pretend(ambient.stderr, progress).as_secs_f64();
        let used = (others() - before) * 100.0 / began.elapsed().as_secs_f64();
        (used, built)
    };
    let (fold, unseen) = measure(Progress::Quiet);
    let (all, seen) = measure(Progress::Tty);
    let (rows, columns) = console::Term::stderr().size();
    let text = format!(
        "{rows} rows of {columns} columns: the picture takes {:.2} % of a processor, the events {fold:.2} %; \
         the build took {seen:.2} s with it, {unseen:.2} s without\n",
        all - fold
    );
    dcb::report::result(&text).expect("somebody reads");
}

/// Seconds of a processor that all threads but this one used: this one only tells of events.
fn others() -> f64 {
    used(ClockId::ProcessCPUTime) - used(ClockId::ThreadCPUTime)
}

/// Seconds of a processor.
fn used(clock: ClockId) -> f64 {
    Duration::try_from(clock_gettime(clock))
        .expect("a time")
        .as_secs_f64()
}

/// Tells of a build that nobody does. How long that took: it waits for who does not listen.
fn pretend(terminal: Terminal, progress: Progress) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let (reporting, events) = Reporting::start(Show {
        progress,
        detail: Detail::Normal,
        terminal,
        ci: None,
        github: None,
        estimate: Some(11_000),
        journal: None,
        redactor: Redactor::default(),
    });
    let began = Instant::now();
    runtime.block_on(build(&events));
    let took = began.elapsed();
    drop(events);
    reporting.end();
    took
}

async fn build(events: &Events) {
    let jobs = (0..SERVICES).map(|index| Planned {
        services: vec![format!("service-{index}")],
        needs: Vec::new(),
        way: Way {
            strategy: "buildkit".to_owned(),
            dockerfile: "Dockerfile".to_owned(),
            frontend: Frontend::AsWritten,
            builder: None,
        },
        variant: None,
        unusual: false,
        output: None,
    });
    let opening = Opening {
        schema: SCHEMA,
        dcb: String::new(),
        began: 0,
        verb: "build".to_owned(),
        flags: Vec::new(),
        project: "bench".to_owned(),
        directory: "/".to_owned(),
        engine: None,
        pushes: false,
        parallel: PARALLEL,
        jobs: jobs.collect(),
    };
    events.send(Event::RunStarted(Box::new(opening))).await;
    for first in (0..SERVICES).step_by(PARALLEL) {
        let wave = first..(first + PARALLEL).min(SERVICES);
        for job in wave.clone().map(JobId) {
            events.send(Event::JobStarted { job }).await;
        }
        for number in 1..=STEPS {
            for job in wave.clone().map(JobId) {
                begin(events, job, number).await;
            }
            tokio::time::sleep(STEP).await;
            for job in wave.clone().map(JobId) {
                let (began, ended, took) = (0, 20, 20);
                step(events, job, number, StepState::Done { began, ended, took }).await;
            }
        }
        for job in wave.map(JobId) {
            let outcome = Outcome::Built {
                image: None,
                size: None,
                departures: Vec::new(),
                pushed: Vec::new(),
            };
            let finished = Event::JobFinished {
                job,
                outcome,
                took: 800,
            };
            events.send(finished).await;
        }
    }
    let result = RunResult::Built;
    events
        .send(Event::RunFinished {
            result,
            took: 10_000,
        })
        .await;
}

async fn begin(events: &Events, job: JobId, number: usize) {
    step(events, job, number, StepState::Running { began: 0 }).await;
    for part in 1..=4 {
        let line = format!("compiling part {part} of step {number}, which takes a while");
        let step = StepId(number);
        events.send(Event::Log { job, step, line }).await;
    }
}

async fn step(events: &Events, job: JobId, number: usize, state: StepState) {
    let name = format!("[build {number}/{STEPS}] RUN make part-{number} && make test-{number}");
    let step = Event::Step {
        job,
        step: StepId(number),
        name,
        needs: Vec::new(),
        state,
    };
    events.send(step).await;
}
