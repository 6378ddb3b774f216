//! The end of a run: what failed and where, a table of services, and one line that sums it up.

use std::fmt::Write;
use std::time::Duration;

use console::{Alignment, Style as Paint};

use super::failure;
use crate::diagnostic::Style;
use crate::event::Outcome;
use crate::human;
use crate::plan::Plan;

/// The whole text.
pub(super) fn render(
    plan: &Plan,
    outcomes: &[(Outcome, Duration)],
    took: Duration,
    style: Style,
) -> String {
    let mut text = String::new();
    for (job, (outcome, _)) in plan.jobs.iter().zip(outcomes) {
        if let Outcome::Failed(failed) = outcome {
            let _ = writeln!(text, "\n{}:", job.service);
            text.push_str(&failure::render(failed, style));
        }
    }
    let rows: Vec<[String; 4]> = plan
        .jobs
        .iter()
        .zip(outcomes)
        .map(|(job, (outcome, took))| {
            let (word, detail) = describe(plan, outcome);
            let took = match outcome {
                Outcome::Skipped { .. } => String::new(),
                _ => human::duration(*took),
            };
            [job.services().join(", "), word.to_owned(), took, detail]
        })
        .collect();
    let heads = ["SERVICE", "OUTCOME", "TIME", "IMAGE"].map(str::to_owned);
    let width = |column: usize| {
        rows.iter()
            .chain([&heads])
            .map(|row| console::measure_text_width(&row[column]))
            .max()
            .unwrap_or(0)
    };
    let widths = [0, 1, 2, 3].map(width);
    text.push('\n');
    for (index, row) in std::iter::once(&heads).chain(&rows).enumerate() {
        let outcome = index.checked_sub(1).map(|index| &outcomes[index].0);
        write_row(&mut text, row, widths, &paint(outcome, style));
    }
    let _ = writeln!(text, "{}", summary(plan, outcomes, took));
    text
}

fn write_row(text: &mut String, row: &[String; 4], widths: [usize; 4], paint: &Paint) {
    let cell = |column: usize, alignment| {
        console::pad_str(&row[column], widths[column], alignment, None).into_owned()
    };
    let line = format!(
        "{}  {}  {}  {}",
        cell(0, Alignment::Left),
        paint.apply_to(cell(1, Alignment::Left)),
        cell(2, Alignment::Right),
        row[3]
    );
    let _ = writeln!(text, "{}", line.trim_end());
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
fn describe(plan: &Plan, outcome: &Outcome) -> (&'static str, String) {
    match outcome {
        Outcome::Built { image } => ("built", image.as_deref().map(short).unwrap_or_default()),
        Outcome::Failed(failure) => ("failed", failure.class.id().to_owned()),
        Outcome::Skipped { because } => (
            "skipped",
            format!("needs `{}`", plan.jobs[because.0].service),
        ),
        Outcome::Stopped => ("stopped", String::new()),
    }
}

/// The first twelve digits of an image's id, as `docker images` shows them.
fn short(image: &str) -> String {
    let digits = image.split_once(':').map_or(image, |(_, digits)| digits);
    digits.chars().take(12).collect()
}

fn summary(plan: &Plan, outcomes: &[(Outcome, Duration)], took: Duration) -> String {
    let number = |wanted: fn(&Outcome) -> bool| {
        let jobs = plan.jobs.iter().zip(outcomes);
        jobs.filter(|(_, (outcome, _))| wanted(outcome))
            .map(|(job, _)| job.services().len())
            .sum()
    };
    let built = number(|outcome| matches!(outcome, Outcome::Built { .. }));
    let mut parts = vec![format!("{} built", human::count(built, "service"))];
    for (number, word) in [
        (number(|o| matches!(o, Outcome::Failed(_))), "failed"),
        (number(|o| matches!(o, Outcome::Skipped { .. })), "skipped"),
        (number(|o| matches!(o, Outcome::Stopped)), "stopped"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    format!("{} in {}", parts.join(", "), human::duration(took))
}
