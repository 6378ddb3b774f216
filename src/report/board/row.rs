//! The line of one job: its name, its time, how far it is, and what it does or waits for.

use std::time::Duration;

use super::line::{self, Line, Looks};
use crate::event::Outcome;
use crate::human;
use crate::progress::{Counts, Job, Kind, Moving, Run, State, Step};

/// A place narrower than this has no room for gaps and extras.
const NARROW: usize = 60;
/// The most columns of a name, however wide the place.
const NAME: usize = 32;

/// The widths that all lines of a picture share, so that they can be read downwards.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    /// All of it.
    width: usize,
    gap: &'static str,
    name: usize,
    time: usize,
    steps: usize,
    /// 0 when nothing is cached, or there is no room to tell.
    cached: usize,
}

impl Columns {
    /// Those for these jobs.
    pub(super) fn of<'a>(
        jobs: impl Iterator<Item = &'a Job>,
        waiting: &[&Job],
        width: usize,
        now: u64,
        looks: &Looks,
    ) -> Self {
        let mut columns = Self {
            width,
            gap: if width < NARROW { " " } else { "  " },
            name: 0,
            time: 0,
            steps: 0,
            cached: 0,
        };
        for job in jobs {
            let counts = job.counts();
            columns.name = columns.name.max(line::width(&name(job, looks)));
            columns.time = columns.time.max(time(job, now).len());
            columns.steps = columns.steps.max(steps(counts).len());
            if !columns.narrow() {
                columns.cached = columns.cached.max(cached(counts).len());
            }
        }
        for job in waiting {
            columns.name = columns.name.max(line::width(&name(job, looks)));
        }
        columns.name = columns.name.min(NAME).min(width / 3);
        columns
    }

    /// Whether there is room for the essential only.
    fn narrow(self) -> bool {
        self.width < NARROW
    }
}

/// The line of a job that runs or failed.
pub(super) fn job(job: &Job, now: u64, columns: Columns, looks: &Looks) -> String {
    let (sign, paint) = looks.sign(job);
    let counts = job.counts();
    let mut line = Line::new(columns.width, looks);
    line.push(paint, sign);
    line.cell(&looks.name, &name(job, looks), columns.name);
    line.push(&looks.plain, columns.gap);
    line.number(&looks.plain, &time(job, now), columns.time);
    line.push(&looks.plain, columns.gap);
    if columns.steps > 0 {
        line.number(&looks.plain, &steps(counts), columns.steps);
        line.push(&looks.plain, columns.gap);
    }
    if columns.cached > 0 {
        line.number(&looks.dim, &cached(counts), columns.cached);
        line.push(&looks.plain, columns.gap);
    }
    match job.outcome() {
        Some(Outcome::Failed(failure)) => {
            // The code comes first: the end of a long line is cut.
            let (word, text) = match (failure.exit_code, job.failed_step()) {
                (Some(code), Some(step)) => (format!("exit code {code}: "), title(step, columns)),
                _ => ("failed: ".to_owned(), failure.message.clone()),
            };
            line.push(paint, &word);
            line.push(&looks.plain, &looks.safe(&text));
        }
        _ => doing(job, now, columns, &mut line, looks),
    }
    line.end()
}

/// The line of a job that did not begin.
pub(super) fn waiting(run: &Run, job: &Job, columns: Columns, looks: &Looks) -> String {
    let (sign, paint) = looks.sign(job);
    let mut line = Line::new(columns.width, looks);
    line.push(paint, sign);
    line.cell(&looks.plain, &name(job, looks), columns.name);
    line.push(&looks.plain, columns.gap);
    let needs = job.planned.needs.iter().filter_map(|need| run.job(*need));
    let needs: Vec<&str> = needs
        .filter(|need| need.outcome().is_none())
        .map(Job::name)
        .collect();
    let why = if needs.is_empty() {
        "waits for its turn".to_owned()
    } else {
        format!("waits for {}", looks.safe(&needs.join(", ")))
    };
    line.push(&looks.dim, &why);
    line.end()
}

/// A job in a word or two, for a line of many.
pub(super) fn brief(job: &Job, looks: &Looks) -> String {
    let name = name(job, looks);
    let counts = job.counts();
    match (job.outcome(), job.took()) {
        (Some(Outcome::Built { .. }), _) if counts.total > 0 && counts.cached == counts.total => {
            format!("{name} cached")
        }
        (Some(Outcome::Built { .. }), Some(took)) => {
            format!("{name} {}", human::duration(Duration::from_millis(took)))
        }
        _ => name,
    }
}

/// The last lines of the log of the step that is shown, or of one beside it; of a failed job, of the
/// step that failed. At most `most`.
pub(super) fn log(job: &Job, most: usize) -> Vec<&str> {
    let shown = match job.outcome() {
        Some(_) => job.failed_step(),
        None => current(job),
    };
    let others = job.running().map(|(_, step)| step);
    let Some(step) = shown
        .into_iter()
        .chain(others)
        .find(|step| !step.tail.is_empty())
    else {
        return Vec::new();
    };
    let lines = step.tail.iter().rev().map(String::as_str);
    let mut lines: Vec<&str> = lines
        .filter(|line| !line.trim().is_empty())
        .take(most)
        .collect();
    lines.reverse();
    lines
}

/// The services of a job.
fn name(job: &Job, looks: &Looks) -> String {
    let name = looks.safe(job.name());
    match job.planned.services.len() {
        0 | 1 => name,
        several => format!("{name} +{}", several - 1),
    }
}

/// For how long it runs, or ran.
fn time(job: &Job, now: u64) -> String {
    match job.state {
        State::Waiting => String::new(),
        State::Running { began } => human::seconds(now.saturating_sub(began)),
        State::Ended { took, .. } => human::duration(Duration::from_millis(took)),
    }
}

fn steps(counts: Counts) -> String {
    match counts.total {
        0 => String::new(),
        total => format!("{}/{total}", counts.over),
    }
}

fn cached(counts: Counts) -> String {
    match counts.cached {
        0 => String::new(),
        cached => format!("{cached} cached"),
    }
}

/// The running step that is worth most to see: one of the Dockerfile, a transfer or an export before
/// the builder's own, and of those the one that runs longest.
fn current(job: &Job) -> Option<&Step> {
    let running = job.running().map(|(_, step)| step);
    running.min_by_key(|step| (step.kind == Kind::Internal, step.since))
}

/// What a running job does: the step, what it moves, how long it runs.
fn doing(job: &Job, now: u64, columns: Columns, line: &mut Line<'_>, looks: &Looks) {
    let Some(step) = current(job) else {
        let counts = job.counts();
        let idle = match counts.total {
            0 => "starts",
            total if counts.over == total => "finishes",
            _ => "waits for the builder",
        };
        line.push(&looks.dim, idle);
        return;
    };
    let gap = columns.gap;
    let mut more = String::new();
    if let Some(moving) = step.moved() {
        more = format!("{gap}{}", amount(moving, columns));
    }
    if !columns.narrow() {
        let others = job.running().count() - 1;
        if others > 0 && line.room() >= NARROW {
            more.push_str(&format!("{gap}and {}", human::count(others, "more step")));
        }
        let took = step.runs_for(now);
        if took >= 1_000 {
            more.push_str(&format!("{gap}{}", human::seconds(took)));
        }
    }
    let text = looks.safe(&title(step, columns));
    let room = line.room().saturating_sub(more.len());
    if room >= line::width(&text).min(FEW) {
        line.push(&looks.plain, &looks.cut(&text, room));
        line.push(&looks.dim, &more);
    } else {
        line.push(&looks.plain, &text);
    }
}

/// With fewer columns than this a step's name says nothing.
const FEW: usize = 5;

/// `12.3 of 40.0 MiB`, or `12.3 MiB` when nobody knows how much there will be.
fn amount(moving: Moving, columns: Columns) -> String {
    let bytes = |number: i64| human::bytes(u64::try_from(number).unwrap_or_default());
    let current = bytes(moving.current);
    if moving.total < moving.current {
        return current;
    }
    if columns.narrow() {
        let percent = i128::from(moving.current) * 100 / i128::from(moving.total.max(1));
        return format!("{percent}%");
    }
    let total = bytes(moving.total);
    match (current.split_once(' '), total.split_once(' ')) {
        (Some((number, unit)), Some((_, same))) if unit == same => format!("{number} of {total}"),
        _ => format!("{current} of {total}"),
    }
}

/// The name of a step as people would say it: the instruction after the stage it belongs to, `RUN`
/// without its flags, images without what every image has, and no more spaces than words need.
fn title(step: &Step, columns: Columns) -> String {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(instruction) = step.instruction() {
        let instruction = match instruction.strip_prefix("RUN ") {
            Some(command) => format!("RUN {}", words(without_flags(command))),
            None if step.kind == Kind::Base => image(instruction),
            None => words(instruction),
        };
        return match step.stage() {
            Some(stage) if !columns.narrow() => format!("{stage}: {instruction}"),
            _ => instruction,
        };
    }
    match (step.kind, step.name.as_str()) {
        (Kind::Transfer, "[internal] load build context") => "sends the context".to_owned(),
        (_, name) => words(name.strip_prefix("[internal] ").unwrap_or(name)),
    }
}

/// The command of a `RUN`, without the mounts and such before it.
fn without_flags(mut command: &str) -> &str {
    loop {
        command = command.trim_start();
        match command.split_once(char::is_whitespace) {
            Some((flag, rest)) if flag.starts_with("--") => command = rest,
            _ => return command,
        }
    }
}

/// `FROM` an image, by its short name and without its digest.
fn image(instruction: &str) -> String {
    let short = instruction
        .replace("docker.io/library/", "")
        .replace("docker.io/", "");
    let end = short.find("@sha256:").unwrap_or(short.len());
    short[..end].to_owned()
}
