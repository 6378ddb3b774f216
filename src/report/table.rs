//! The end of a run: what failed and where, a table of services, and one line that sums it up.

use std::fmt::Write;
use std::time::Duration;

use console::{Alignment, Style as Paint};

use super::failure;
use crate::diagnostic::Style;
use crate::docker::Strategy;
use crate::dockerfile::Markers;
use crate::event::{Departure, Outcome, Pushed};
use crate::human;
use crate::plan::{Job, Plan};

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
            let (word, detail) = describe(plan, job, outcome);
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
fn describe(plan: &Plan, job: &Job, outcome: &Outcome) -> (&'static str, String) {
    match outcome {
        Outcome::Built {
            image,
            departures,
            pushed,
        } => {
            let built = built(job, image.as_deref(), departures);
            if pushed.is_empty() {
                ("built", built)
            } else {
                ("pushed", format!("{built}  {}", names(pushed)))
            }
        }
        Outcome::Failed(failure) => ("failed", failure.class.id().to_owned()),
        Outcome::Skipped { because } => (
            "skipped",
            format!("needs `{}`", plan.jobs[because.0].service),
        ),
        Outcome::Stopped => ("stopped", String::new()),
    }
}

/// The names under which an image was pushed.
fn names(pushed: &[Pushed]) -> String {
    let names = pushed.iter().map(|pushed| pushed.name.as_str());
    names.collect::<Vec<_>>().join(", ")
}

/// The image, and how it came about when that is not what one expects.
fn built(job: &Job, image: Option<&str>, departures: &[Departure]) -> String {
    let written = job.attempt.spec.output.as_ref().map(ToString::to_string);
    let mut parts: Vec<String> = written.or_else(|| image.map(short)).into_iter().collect();
    let elsewhere = departures
        .iter()
        .any(|departure| matches!(departure, Departure::OtherWay { .. }));
    if !elsewhere && is_unusual(job) {
        parts.push(format!(
            "{} with {}",
            job.attempt.strategy, job.attempt.spec.dockerfile_name
        ));
    }
    parts.extend(departures.iter().map(ToString::to_string));
    parts.join("  ")
}

/// Whether a service was planned on another builder, or in another form, than the usual one.
fn is_unusual(job: &Job) -> bool {
    let optimised = Markers::default().optimised;
    let variant = job.attempt.variant.as_ref();
    job.attempt.strategy != Strategy::BuildKit || variant.is_some_and(|own| *own != optimised)
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
    let pushed = |o: &Outcome| matches!(o, Outcome::Built { pushed, .. } if !pushed.is_empty());
    for (number, word) in [
        (number(pushed), "pushed"),
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

#[cfg(test)]
mod tests {

    use super::*;
    use crate::docker::{BuildSpec, ContextSource, DockerfileSource};
    use crate::event::{Frontend, JobId, Way};
    use crate::failure::Class;
    use crate::plan::{Attempt, Reason};

    fn job(strategy: Strategy, variant: Option<&str>) -> Job {
        Job {
            id: JobId(0),
            service: "web".to_owned(),
            also: Vec::new(),
            needs: Vec::new(),
            because: Reason::Asked,
            attempt: Attempt {
                strategy,
                variant: variant.map(str::to_owned),
                because: String::new(),
                prefix: String::new(),
                spec: BuildSpec::new(
                    ContextSource::Directory("/".into()),
                    DockerfileSource::Inline(String::new()),
                    "web.test.Dockerfile",
                ),
            },
            detours: Vec::new(),
            push: Vec::new(),
        }
    }

    #[test]
    fn an_image_is_told_with_how_it_came_about_when_that_is_unusual() {
        let image = Some("sha256:9ea5f0ad41f5ffff");
        let usual = job(Strategy::BuildKit, Some("test-local"));
        assert_eq!(built(&usual, image, &[]), "9ea5f0ad41f5");
        let classic = job(Strategy::Classic, None);
        assert_eq!(
            built(&classic, image, &[]),
            "9ea5f0ad41f5  classic with web.test.Dockerfile"
        );
        let traditional = job(Strategy::BuildKit, Some("test"));
        assert_eq!(
            built(&traditional, image, &[]),
            "9ea5f0ad41f5  buildkit with web.test.Dockerfile"
        );
        let instead = Departure::OtherWay {
            way: Way {
                strategy: "classic".to_owned(),
                dockerfile: "web.test.Dockerfile".to_owned(),
                frontend: Frontend::AsWritten,
            },
            because: Class::FrontendTooOld,
        };
        assert_eq!(
            built(&traditional, image, &[instead]),
            "9ea5f0ad41f5  instead: classic with web.test.Dockerfile (frontend-too-old)"
        );
    }
}
