//! A run in the trace event format, which Perfetto and `chrome://tracing` open.
//!
//! The run is a process, each service a thread. What lies on one thread must lie within each other, and
//! stages of a Dockerfile do not: what overlaps goes to further threads of the same name. An arrow leads
//! from each service to those that need it.
//! <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>

use serde_json::{Value as Json, json};

use super::story::{JobStory, StepStory, Story};
use crate::event::JobId;
use crate::progress::Kind;

/// The run is one process.
const PID: usize = 1;

/// A run as a trace, in JSON.
pub fn trace(story: &Story) -> String {
    let mut events = vec![meta("process_name", 0, &title(story))];
    let mut threads = 0;
    let mut first = Vec::new();
    for job in &story.jobs {
        threads += 1;
        first.push(threads);
        threads += job_events(job, threads, &mut events);
    }
    arrows(story, &first, &mut events);
    let trace = json!({
        "displayTimeUnit": "ms",
        "otherData": {
            "dcb": story.dcb,
            "engine": story.engine,
            "began": story.began,
            "result": story.result,
        },
        "traceEvents": events,
    });
    format!("{trace}\n")
}

fn title(story: &Story) -> String {
    format!("dcb {} {}", story.verb, story.project)
}

fn meta(what: &str, thread: usize, name: &str) -> Json {
    json!({"ph": "M", "name": what, "pid": PID, "tid": thread, "args": {"name": name}})
}

fn slice(name: &str, category: &str, thread: usize, (from, to): (u64, u64), args: &Json) -> Json {
    json!({
        "ph": "X", "name": name, "cat": category, "pid": PID, "tid": thread,
        "ts": from * 1_000, "dur": (to - from) * 1_000, "args": args,
    })
}

/// The slices of a job, the first of its threads being `thread`; gives how many more it took.
fn job_events(job: &JobStory, thread: usize, events: &mut Vec<Json>) -> usize {
    let name = job.services.join(", ");
    events.push(thread_name(thread, &name));
    let Some((began, ended)) = job.began.zip(job.ended) else {
        return 0;
    };
    let args = json!({
        "outcome": job.outcome, "way": job.way, "image": job.image,
        "cached": job.cached, "steps": job.total,
    });
    events.push(slice(&name, "service", thread, (began, ended), &args));
    let mut lanes: Vec<Vec<(u64, u64)>> = vec![Vec::new()];
    for step in by_time(job) {
        let (from, to) = step.span.unwrap_or_default();
        // The builder's clock may be a little off; what is on the thread of its job lies within it.
        let span = (from.clamp(began, ended), to.clamp(began, ended));
        let lane = lanes.iter_mut().position(|lane| fits(lane, span));
        let lane = lane.unwrap_or_else(|| {
            lanes.push(vec![span]);
            events.push(thread_name(thread + lanes.len() - 1, &name));
            lanes.len() - 1
        });
        events.push(slice(
            &step.name,
            kind(step),
            thread + lane,
            span,
            &detail(step),
        ));
    }
    lanes.len() - 1
}

fn thread_name(thread: usize, name: &str) -> Json {
    meta("thread_name", thread, name)
}

/// The steps that began, in that order; of those that began together the longest first.
fn by_time(job: &JobStory) -> Vec<&StepStory> {
    let mut steps: Vec<&StepStory> = job
        .steps
        .iter()
        .filter(|step| step.span.is_some())
        .collect();
    steps.sort_by_key(|step| step.span.map(|(from, to)| (from, std::cmp::Reverse(to))));
    steps
}

/// Puts a span on a lane when it lies apart from, or within, everything that is still open there.
fn fits(lane: &mut Vec<(u64, u64)>, (from, to): (u64, u64)) -> bool {
    lane.retain(|(_, end)| *end > from);
    let fits = lane.iter().all(|(_, end)| to <= *end);
    if fits {
        lane.push((from, to));
    }
    fits
}

fn kind(step: &StepStory) -> &'static str {
    match (step.state, step.kind) {
        ("cached", _) => "cached",
        (_, Kind::Instruction) => "executed",
        (_, Kind::Base) => "pulled",
        (_, Kind::Transfer) => "transferred",
        (_, Kind::Export) => "exported",
        (_, Kind::Internal) => "internal",
    }
}

fn detail(step: &StepStory) -> Json {
    let mut args = json!({"state": step.state, "critical": step.critical});
    if let Some(moved) = step.moved {
        args["bytes"] = moved.into();
    }
    if let Some(error) = &step.error {
        args["error"] = error.as_str().into();
    }
    if !step.tail.is_empty() {
        args["log"] = step.tail.join("\n").into();
    }
    args
}

/// An arrow from the end of each job to the beginning of each that needs it. `first` has the thread of
/// every job.
fn arrows(story: &Story, first: &[usize], events: &mut Vec<Json>) {
    let mut id = 0;
    for (job, thread) in story.jobs.iter().zip(first) {
        let Some(began) = job.began else { continue };
        for need in &job.needs {
            let Some((from, to)) = story.span(JobId(need.0)) else {
                continue;
            };
            id += 1;
            // An arrow belongs to the slice that its end lies in, and the end of a slice is not in it.
            let leaves = (to * 1_000).saturating_sub(1).max(from * 1_000);
            let arrow = |ph: &str, thread: usize, ts: u64| {
                json!({
                    "ph": ph, "id": id, "name": "needs", "cat": "needs",
                    "pid": PID, "tid": thread, "ts": ts, "bp": "e",
                })
            };
            events.push(arrow("s", first[need.0], leaves));
            events.push(arrow("f", *thread, began * 1_000));
        }
    }
}
