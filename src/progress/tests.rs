use super::*;
use crate::event::{Frontend, Planned, StepState, Way};

/// A job that needs `needs`.
fn planned(service: &str, needs: &[usize]) -> Planned {
    Planned {
        services: vec![service.to_owned()],
        needs: needs.iter().copied().map(JobId).collect(),
        way: Way {
            strategy: "buildkit".to_owned(),
            builder: None,
            dockerfile: "Dockerfile".to_owned(),
            frontend: Frontend::AsWritten,
        },
        output: None,
        variant: None,
        unusual: false,
    }
}

fn run(jobs: Vec<Planned>) -> Run {
    let mut run = Run::default();
    let opening = Opening {
        schema: crate::event::SCHEMA,
        dcb: String::new(),
        began: 0,
        verb: "build".to_owned(),
        flags: Vec::new(),
        project: "shop".to_owned(),
        directory: "/shop".to_owned(),
        engine: None,
        pushes: false,
        parallel: 2,
        jobs,
    };
    take(&mut run, 0, Event::RunStarted(Box::new(opening)));
    run
}

fn take(run: &mut Run, at: u64, event: Event) {
    run.take(&Record { at, event });
}

fn step(job: usize, step: usize, name: &str, state: StepState) -> Event {
    Event::Step {
        job: JobId(job),
        step: StepId(step),
        name: name.to_owned(),
        needs: Vec::new(),
        state,
    }
}

fn built(job: usize, took: u64) -> Event {
    Event::JobFinished {
        job: JobId(job),
        outcome: Outcome::Built {
            image: None,
            size: None,
            departures: Vec::new(),
            pushed: Vec::new(),
        },
        took,
    }
}

#[test]
fn steps_of_the_dockerfile_are_counted_and_those_of_the_builder_are_not() {
    let mut run = run(vec![planned("web", &[])]);
    for event in [
        step(0, 1, "[internal] load build context", StepState::Cached),
        step(0, 2, "[1/3] FROM busybox", StepState::Cached),
        step(0, 3, "[2/3] RUN make", StepState::Running { began: 5 }),
        step(0, 4, "[3/3] RUN test", StepState::Waiting),
    ] {
        take(&mut run, 5, event);
    }
    let counts = Counts {
        total: 2,
        over: 0,
        cached: 0,
    };
    assert_eq!(run.jobs[0].counts(), counts);
}

#[test]
fn steps_stand_after_what_they_begin_with_whichever_is_heard_of_first() {
    let mut run = run(vec![planned("web", &[])]);
    for (id, needs) in [(1, vec![2]), (2, vec![3]), (3, vec![]), (4, vec![1, 9])] {
        let event = Event::Step {
            job: JobId(0),
            step: StepId(id),
            name: id.to_string(),
            needs: needs.into_iter().map(StepId).collect(),
            state: StepState::Waiting,
        };
        take(&mut run, 0, event);
    }
    let order = run.jobs[0].steps_in_order();
    let order: Vec<usize> = order.iter().map(|(id, _)| id.0).collect();
    assert_eq!(order, [3, 2, 1, 4]);
}

#[test]
fn a_step_that_runs_long_is_mentioned_and_again_much_later() {
    let mut run = run(vec![planned("web", &[])]);
    take(&mut run, 0, Event::JobStarted { job: JobId(0) });
    let running = StepState::Running { began: 100 };
    take(&mut run, 100, step(0, 1, "[1/1] RUN make", running));
    assert_eq!(run.overdue(3_099), []);
    let due = [(JobId(0), StepId(1), 3_000)];
    assert_eq!(run.overdue(3_100), due);
    let goes_on = Event::StepGoesOn {
        job: JobId(0),
        step: StepId(1),
        since: 3_000,
    };
    take(&mut run, 3_100, goes_on);
    assert_eq!(run.overdue(33_099), []);
    assert_eq!(run.overdue(33_100).len(), 1);
}

#[test]
fn the_critical_path_leads_back_from_what_ended_last() {
    let mut run = run(vec![
        planned("base", &[]),
        planned("tools", &[]),
        planned("web", &[0, 1]),
        planned("docs", &[]),
    ]);
    for (at, job, took) in [(100, 0, 100), (300, 1, 300), (250, 3, 250), (900, 2, 600)] {
        take(&mut run, at, built(job, took));
    }
    let path: Vec<&str> = run.critical_path().iter().map(|job| job.name()).collect();
    assert_eq!(path, ["tools", "web"]);
}

#[test]
fn of_a_log_only_the_end_is_kept() {
    let mut run = run(vec![planned("web", &[])]);
    let running = StepState::Running { began: 0 };
    take(&mut run, 0, step(0, 1, "[1/1] RUN make", running));
    for number in 0..1_000 {
        let event = Event::Log {
            job: JobId(0),
            step: StepId(1),
            line: number.to_string(),
        };
        take(&mut run, 1, event);
    }
    let step = run.jobs[0].step_of(StepId(1)).expect("a step");
    assert_eq!((step.tail.len(), step.lines), (20, 1_000));
    assert_eq!(step.tail.back().map(String::as_str), Some("999"));
    take(&mut run, 2, built(0, 2));
    let step = run.jobs[0].step_of(StepId(1)).expect("a step");
    assert!(step.tail.is_empty(), "nobody asks for it any more");
}

#[test]
fn a_step_that_services_share_is_counted_once_and_told_once() {
    let done = || StepState::Done {
        began: 1,
        ended: 5,
        took: 4,
    };
    let running = || StepState::Running { began: 1 };
    for (states, over, cached, tellers) in [
        ([done(), StepState::Cached], 1, 0, [1, 1]),
        ([StepState::Cached, done()], 1, 0, [2, 2]),
        ([StepState::Cached, StepState::Cached], 1, 1, [1, 1]),
        ([StepState::Cached, running()], 0, 0, [2, 2]),
        // One that was joined with another build's is left waiting for ever.
        ([StepState::Waiting, StepState::Cached], 1, 1, [2, 2]),
        ([StepState::Waiting, done()], 1, 0, [2, 2]),
        ([done(), done()], 1, 0, [1, 2]),
    ] {
        let mut run = run(vec![planned("web", &[])]);
        for (id, state) in states.iter().cloned().enumerate() {
            take(&mut run, 5, step(0, id + 1, "[2/3] RUN make", state));
        }
        let job = &run.jobs[0];
        let counts = Counts {
            total: 1,
            over,
            cached,
        };
        assert_eq!(job.counts(), counts, "{states:?}");
        let told = [1, 2].map(|id| job.told_by(StepId(id)).0);
        assert_eq!(told, tellers, "{states:?}");
    }
}
