//! The picture of a run that goes on, for a terminal: a pure function of the run, the terminal and the
//! time.

use std::time::Duration;

use console::Style as Paint;

use crate::diagnostic::Style;
use crate::event::Outcome;
use crate::human;
use crate::progress::{Job, Run, State};

/// Where the picture goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Columns of the terminal.
    pub(super) columns: usize,
    /// Rows of the terminal.
    pub(super) rows: usize,
    /// Whether colour is welcome.
    pub(super) style: Style,
}

/// The lines of the picture at `now`, in milliseconds of the run.
pub(super) fn frame(run: &Run, place: Place, now: u64) -> Vec<String> {
    let width = place.columns.saturating_sub(1);
    let mut lines = vec![head(run, now)];
    let running = run
        .jobs
        .iter()
        .filter(|job| matches!(job.state, State::Running { .. }));
    let room = place.rows.saturating_sub(2);
    lines.extend(running.map(|job| line(job, now)).take(room));
    let paint = |line: &String| {
        let cut = human::truncate(line, width).into_owned();
        let paint = Paint::new().force_styling(place.style == Style::Coloured);
        paint.apply_to(cut).to_string()
    };
    lines.iter().map(paint).collect()
}

fn head(run: &Run, now: u64) -> String {
    let done = run.services(
        |state| matches!(state, State::Ended { outcome, .. } if matches!(**outcome, Outcome::Built { .. })),
    );
    let all = run.services(|_| true);
    let time = human::duration(Duration::from_secs(now / 1000));
    format!("{done}/{} built  {time}", human::count(all, "service"))
}

fn line(job: &Job, now: u64) -> String {
    let counts = job.counts();
    let step = job.running().max_by_key(|(_, step)| step.runs_for(now));
    let step = step.map_or_else(String::new, |(_, step)| {
        let time = human::duration(Duration::from_secs(step.runs_for(now) / 1000));
        format!("{}  {time}", human::sanitize(&step.name))
    });
    format!("{}  {}/{}  {step}", job.name(), counts.over, counts.total)
}
