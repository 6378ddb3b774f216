//! The end of a run: what failed and where, a table of services, and one line that sums it up.

use std::ffi::OsStr;
use std::fmt::Write;
use std::time::Duration;

use console::Style as Paint;

use super::columns::Side::{self, Left, Right};
use super::columns::columns;
use super::failure;
use crate::diagnostic::Style;
use crate::event::{Departure, Outcome, Planned, Pushed};
use crate::human;
use crate::journal::RunId;
use crate::process;
use crate::progress::{Job, Run, State, Step};

/// The columns of the table; one in which no row has anything is left out.
const HEADS: [&str; 6] = ["SERVICE", "OUTCOME", "TIME", "CACHED", "SIZE", "IMAGE"];
/// Numbers stand on the right.
const SIDES: [Side; 6] = [Left, Left, Right, Right, Right, Left];
/// The column with the outcome, which has a colour.
const OUTCOME: usize = 1;

/// Which logs of failed steps are shown again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Logs {
    /// All: they were not shown as they came.
    All,
    /// Those of a run with several services: what stood between them is easily lost.
    Mixed,
}

/// The whole text; `number` is the run's in the journal.
pub(super) fn render(run: &Run, logs: Logs, number: Option<RunId>, style: Style) -> String {
    let mut text = String::new();
    for job in &run.jobs {
        if let Some(Outcome::Failed(failed)) = job.outcome() {
            let _ = writeln!(text, "\n{}:", job.name());
            let shown = logs == Logs::All || run.jobs.len() > 1;
            if let Some(step) = job.failed_step().filter(|_| shown) {
                write_log(&mut text, step);
            }
            text.push_str(&failure::render(failed, style));
            if let (Some(step), Some(number)) = (job.failed_step(), number)
                && step.lines > step.tail.len()
            {
                let _ = writeln!(
                    text,
                    "  = note: its whole log: {}",
                    dcb(
                        run,
                        &["history", "log", "--run", &number.to_string(), job.name()]
                    )
                );
            }
        }
    }
    let rows = run.jobs.iter().map(|job| row(run, job));
    let rows: Vec<[String; 6]> = std::iter::once(HEADS.map(str::to_owned))
        .chain(rows)
        .collect();
    text.push('\n');
    text.push_str(&columns(&rows, SIDES, |row, column, cell| {
        let job = row.checked_sub(1).map(|job| &run.jobs[job]);
        match column {
            OUTCOME => paint(job.and_then(Job::outcome), style)
                .apply_to(cell)
                .to_string(),
            _ => cell,
        }
    }));
    if let Some(path) = critical_path(run) {
        let _ = writeln!(text, "{path}");
    }
    let _ = writeln!(text, "{}", summary(run));
    if let Some(again) = again(run) {
        let _ = writeln!(text, "once mended: {again}");
    }
    text
}

/// What builds the rest of a run that failed.
fn again(run: &Run) -> Option<String> {
    let is_open = |job: &&Job| {
        let outcome = job.outcome();
        matches!(outcome, Some(Outcome::Failed(_) | Outcome::Skipped { .. }))
    };
    let open: Vec<&str> = run.jobs.iter().filter(is_open).map(Job::name).collect();
    let pushes = run.opening.as_ref().is_some_and(|opening| opening.pushes);
    let verb: &[&str] = if pushes {
        &["build", "--push"]
    } else {
        &["build"]
    };
    (!open.is_empty()).then(|| dcb(run, &[verb, &open].concat()))
}

/// A command about the project of a run.
fn dcb(run: &Run, words: &[&str]) -> String {
    let flags = run.opening.iter().flat_map(|opening| &opening.flags);
    let words = flags.map(String::as_str).chain(words.iter().copied());
    let words = words.map(|word| process::quote(OsStr::new(word)));
    let command: Vec<String> = std::iter::once("dcb".to_owned()).chain(words).collect();
    command.join(" ")
}

/// The last lines of a step that failed.
fn write_log(text: &mut String, step: &Step) {
    if step.lines > step.tail.len() {
        let number = step.tail.len();
        let _ = writeln!(
            text,
            "the last {number} of {} lines of its log:",
            step.lines
        );
    }
    for line in &step.tail {
        let _ = writeln!(
            text,
            "{}",
            format!("  | {}", human::sanitize(line)).trim_end()
        );
    }
}

fn row(run: &Run, job: &Job) -> [String; 6] {
    let (word, detail) = describe(run, job);
    let took = match job.outcome() {
        Some(Outcome::Skipped { .. }) | None => String::new(),
        _ => human::duration(Duration::from_millis(job.took().unwrap_or_default())),
    };
    let counts = job.counts();
    let built = matches!(job.outcome(), Some(Outcome::Built { .. }));
    let cached = match counts.total {
        total if built && total > 0 => format!("{}/{total}", counts.cached),
        _ => String::new(),
    };
    let size = match job.outcome() {
        Some(Outcome::Built {
            size: Some(size), ..
        }) => human::bytes(*size),
        _ => String::new(),
    };
    let services = job.planned.services.join(", ");
    [services, word.to_owned(), took, cached, size, detail]
}

fn paint(outcome: Option<&Outcome>, style: Style) -> Paint {
    let paint = match outcome {
        None => Paint::new(),
        Some(Outcome::Built { .. }) => Paint::new().green(),
        Some(Outcome::Failed(_)) => Paint::new().red().bold(),
        Some(Outcome::Skipped { .. } | Outcome::Stopped) => Paint::new().yellow(),
    };
    paint.force_styling(style == Style::Coloured)
}

/// A word for the outcome, and what more there is to say.
fn describe(run: &Run, job: &Job) -> (&'static str, String) {
    match job.outcome() {
        Some(Outcome::Built {
            image,
            departures,
            pushed,
            ..
        }) => {
            let built = built(&job.planned, image.as_deref(), departures);
            if pushed.is_empty() {
                ("built", built)
            } else {
                ("pushed", format!("{built}  {}", names(pushed)))
            }
        }
        Some(Outcome::Failed(failure)) => ("failed", failure.class.id().to_owned()),
        Some(Outcome::Skipped { because }) => {
            let needed = run.job(*because).map_or("", Job::name);
            ("skipped", format!("needs `{needed}`"))
        }
        Some(Outcome::Stopped) | None => ("stopped", String::new()),
    }
}

/// The names under which an image was pushed.
fn names(pushed: &[Pushed]) -> String {
    let names = pushed.iter().map(|pushed| pushed.name.as_str());
    names.collect::<Vec<_>>().join(", ")
}

/// The image, and how it came about when that is not what one expects.
fn built(planned: &Planned, image: Option<&str>, departures: &[Departure]) -> String {
    let written = planned.output.clone();
    let mut parts: Vec<String> = written.or_else(|| image.map(short)).into_iter().collect();
    let elsewhere = departures
        .iter()
        .any(|departure| matches!(departure, Departure::OtherWay { .. }));
    if !elsewhere && planned.unusual {
        parts.push(planned.way.to_string());
    }
    parts.extend(departures.iter().map(ToString::to_string));
    parts.join("  ")
}

/// The first twelve digits of an image's id, as `docker images` shows them.
pub(super) fn short(image: &str) -> String {
    let digits = image.split_once(':').map_or(image, |(_, digits)| digits);
    digits.chars().take(12).collect()
}

/// What the run could not have been faster than, when that is more than one service and worth a word.
fn critical_path(run: &Run) -> Option<String> {
    let (_, whole) = run.finished?;
    let path = run.critical_path();
    if path.len() < 2 || whole < WORTH {
        return None;
    }
    let took = path.iter().filter_map(|job| job.took()).sum::<u64>();
    let names: Vec<String> = path
        .iter()
        .map(|job| {
            let took = Duration::from_millis(job.took().unwrap_or_default());
            format!("{} {}", job.name(), human::duration(took))
        })
        .collect();
    let share = (took * 100 / whole).min(100);
    Some(format!(
        "critical path: {} ({share}% of the time)",
        names.join(", then ")
    ))
}

/// Nobody makes a run faster that took less, in milliseconds.
const WORTH: u64 = 2_000;

fn summary(run: &Run) -> String {
    let number = |wanted: fn(&Outcome) -> bool| {
        run.services(|state| matches!(state, State::Ended { outcome, .. } if wanted(outcome)))
    };
    let built = number(|outcome| matches!(outcome, Outcome::Built { .. }));
    let mut parts = vec![format!("{} built", human::count(built, "service"))];
    let pushed = |o: &Outcome| matches!(o, Outcome::Built { pushed, .. } if !pushed.is_empty());
    let unbegun = run.services(|state| !matches!(state, State::Ended { .. }));
    for (number, word) in [
        (number(pushed), "pushed"),
        (number(|o| matches!(o, Outcome::Failed(_))), "failed"),
        (number(|o| matches!(o, Outcome::Skipped { .. })), "skipped"),
        (
            number(|o| matches!(o, Outcome::Stopped)) + unbegun,
            "stopped",
        ),
    ] {
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    let took = run.finished.map_or(run.now, |(_, took)| took);
    let took = human::duration(Duration::from_millis(took));
    format!("{} in {took}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Frontend, Way};
    use crate::failure::Class;

    fn planned(strategy: &str, unusual: bool) -> Planned {
        Planned {
            services: vec!["web".to_owned()],
            needs: Vec::new(),
            way: Way {
                strategy: strategy.to_owned(),
                builder: None,
                dockerfile: "web.test.Dockerfile".to_owned(),
                frontend: Frontend::AsWritten,
            },
            output: None,
            variant: None,
            unusual,
        }
    }

    #[test]
    fn an_image_is_told_with_how_it_came_about_when_that_is_unusual() {
        let image = Some("sha256:9ea5f0ad41f5ffff");
        assert_eq!(
            built(&planned("buildkit", false), image, &[]),
            "9ea5f0ad41f5"
        );
        let classic = planned("classic", true);
        assert_eq!(
            built(&classic, image, &[]),
            "9ea5f0ad41f5  classic with web.test.Dockerfile"
        );
        let instead = Departure::OtherWay {
            way: classic.way.clone(),
            because: Class::FrontendTooOld,
        };
        assert_eq!(
            built(&classic, image, &[instead]),
            "9ea5f0ad41f5  instead: classic with web.test.Dockerfile (frontend-too-old)"
        );
    }
}
