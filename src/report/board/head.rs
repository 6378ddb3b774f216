//! The first line of the picture: how far the whole run is, and how long it takes.

use super::line::{self, Line, Looks};
use crate::event::Outcome;
use crate::human;
use crate::progress::{Run, State};

/// The services by how far they are.
#[derive(Default)]
struct Tally {
    all: usize,
    built: usize,
    failed: usize,
    skipped: usize,
    stopped: usize,
    running: usize,
    waiting: usize,
}

impl Tally {
    fn of(run: &Run) -> Self {
        let mut tally = Self::default();
        for job in &run.jobs {
            let number = job.planned.services.len();
            tally.all += number;
            *match &job.state {
                State::Waiting => &mut tally.waiting,
                State::Running { .. } => &mut tally.running,
                State::Ended { outcome, .. } => match **outcome {
                    Outcome::Built { .. } => &mut tally.built,
                    Outcome::Failed(_) => &mut tally.failed,
                    Outcome::Skipped { .. } => &mut tally.skipped,
                    Outcome::Stopped => &mut tally.stopped,
                },
            } += number;
        }
        tally
    }

    /// What follows the number of those that are built: the `first` of these, the most important
    /// first.
    fn others(&self, first: usize) -> String {
        [
            (self.failed, "failed"),
            (self.running, "running"),
            (self.waiting, "waiting"),
            (self.skipped, "skipped"),
            (self.stopped, "stopped"),
        ]
        .iter()
        .take(first)
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!(", {number} {word}"))
        .collect()
    }
}

/// The line, in the longest form that fits into `width` columns.
pub(super) fn line(
    run: &Run,
    now: u64,
    estimate: Option<u64>,
    width: usize,
    looks: &Looks,
) -> String {
    let tally = Tally::of(run);
    let Tally { all, built, .. } = tally;
    let project = run.opening.as_ref().map_or("", |opening| &opening.project);
    let project = looks.safe(project);
    let others = tally.others(usize::MAX);
    let elapsed = human::seconds(now);
    let time = estimate.map_or_else(
        || elapsed.clone(),
        |whole| format!("{elapsed}, {}", left(whole, now)),
    );
    let sentence = format!("{built} of {} built{others}", human::count(all, "service"));
    let short = format!("{built}/{all} built{others}");
    let forms = [
        (format!("{project}  {sentence}"), &time),
        (sentence, &time),
        (short.clone(), &time),
        (short, &elapsed),
        (format!("{built}/{all} built{}", tally.others(2)), &elapsed),
        (format!("{built}/{all} built"), &elapsed),
    ];
    let fits = |form: &&(String, &String)| line::width(&form.0) + 2 + form.1.len() <= width;
    let mut line = Line::new(width, looks);
    if let Some((counts, time)) = forms.iter().find(fits) {
        line.push(&looks.bold, counts);
        line.push(&looks.dim, "  ");
        line.push(&looks.dim, time);
    } else {
        line.push(&looks.bold, &format!("{built}/{all}"));
    }
    line.end()
}

/// What is left of a run that is expected to take `whole` milliseconds. Nobody can know it to the
/// second, and a number that jumps is read again and again.
fn left(whole: u64, now: u64) -> String {
    let Some(rest @ 1..) = whole.checked_sub(now) else {
        return "longer than usual".to_owned();
    };
    let grain = if rest > 60_000 { 10_000 } else { 5_000 };
    let rest = rest.div_ceil(grain) * grain;
    format!("about {} left", human::seconds(rest))
}
