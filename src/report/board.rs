//! The picture of a run that goes on, for a terminal: a pure function of the run, the place and the
//! time.
//!
//! ```text
//! head       shop  3 of 12 services built, 1 failed, 2 running, 6 waiting  1m 12s, about 40s left
//! failures   ✗ mail    8s  3/4  `RUN go build` ended with exit code 1
//! built      ✓ 3 built: docs 1s, cart 8s, base cached
//! running    ▸ web    34s  7/12  4 cached  build: RUN npm ci  31s
//!                | added 812 packages
//! waiting    ◦ gateway  waits for web
//!            ◦ and 5 more wait: admin, search and 3 more
//! ```
//!
//! Invariants: it never has more lines than the place has rows, less one for the cursor; no line is
//! wider than the place; every line has a sign and words, so that colour only repeats what they say.
//! Only lines that are seen are composed, so that its cost follows the terminal and not the project.

mod head;
mod line;
mod row;

use line::{Line, Looks};
use row::Columns;

use crate::ambient::Signs;
use crate::diagnostic::Style;
use crate::event::Outcome;
use crate::progress::{Job, Run, State};

/// Where the picture goes, and what is known beforehand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Columns of the terminal.
    pub(super) columns: usize,
    /// Rows of the terminal.
    pub(super) rows: usize,
    /// Whether colour is welcome.
    pub(super) style: Style,
    /// The characters it can show.
    pub(super) signs: Signs,
    /// How long the whole run is expected to take, in milliseconds.
    pub(super) estimate: Option<u64>,
}

/// The most lines of a running service's log, and of a failed one's.
const LOG: usize = 6;
const LAST_WORDS: usize = 3;
/// With fewer lines than this, what is over has no line of its own: the head counts it.
const CRAMPED: usize = 6;

/// The lines of the picture at `now`, in milliseconds of the run.
pub(super) fn frame(run: &Run, place: Place, now: u64) -> Vec<String> {
    let lines = place.rows.saturating_sub(1).max(1);
    let board = Board {
        run,
        now,
        groups: Groups::of(run),
        // Many terminals break a line already when its last column is written.
        width: place.columns.saturating_sub(1),
        looks: Looks::new(place.style, place.signs),
    };
    let mut picture = vec![head::line(
        run,
        now,
        place.estimate,
        board.width,
        &board.looks,
    )];
    board.rest(lines.saturating_sub(1), &mut picture);
    picture.truncate(lines);
    picture
}

/// The jobs by how far they are, each group in the order of its lines.
#[derive(Default)]
struct Groups<'a> {
    failed: Vec<&'a Job>,
    /// The last that was built comes first: it is news.
    built: Vec<&'a Job>,
    skipped: Vec<&'a Job>,
    stopped: Vec<&'a Job>,
    /// The one that began first comes first, so that lines move up and never change places.
    running: Vec<&'a Job>,
    waiting: Vec<&'a Job>,
}

impl<'a> Groups<'a> {
    fn of(run: &'a Run) -> Self {
        let mut groups = Self::default();
        for job in &run.jobs {
            let group = match &job.state {
                State::Waiting => &mut groups.waiting,
                State::Running { .. } => &mut groups.running,
                State::Ended { outcome, .. } => match **outcome {
                    Outcome::Built { .. } => &mut groups.built,
                    Outcome::Failed(_) => &mut groups.failed,
                    Outcome::Skipped { .. } => &mut groups.skipped,
                    Outcome::Stopped => &mut groups.stopped,
                },
            };
            group.push(job);
        }
        groups.running.sort_by_key(|job| match job.state {
            State::Running { began } => began,
            _ => 0,
        });
        groups.failed.sort_by_key(|job| job.ended_at());
        groups.built.sort_by_key(|job| job.ended_at());
        groups.built.reverse();
        groups
    }
}

struct Board<'a> {
    run: &'a Run,
    now: u64,
    groups: Groups<'a>,
    width: usize,
    looks: Looks,
}

/// A line per job, and the lines of its log below.
struct Shown<'a> {
    job: &'a Job,
    log: Vec<&'a str>,
    /// How many of them there is room for.
    fits: usize,
}

impl<'a> Shown<'a> {
    fn new(job: &'a Job) -> Self {
        Self {
            job,
            log: row::log(job, LOG),
            fits: 0,
        }
    }
}

impl<'a> Board<'a> {
    /// What comes below the head, in `room` lines.
    fn rest(&self, room: usize, picture: &mut Vec<String>) {
        let groups = &self.groups;
        let cramped = room + 1 < CRAMPED;
        let most = (room / 4).max(1);
        let failed = match groups.failed.as_slice() {
            few if few.len() <= most => few,
            _ => &[],
        };
        let folded = [
            groups.failed.len() > failed.len(),
            !cramped && !groups.built.is_empty(),
            !cramped && !groups.skipped.is_empty(),
            !cramped && !groups.stopped.is_empty(),
        ];
        let folds = folded.iter().filter(|folded| **folded).count();
        let room = room.saturating_sub(failed.len() + folds);

        let wait = usize::from(!groups.waiting.is_empty());
        let (running, hidden) = first(&groups.running, room.saturating_sub(wait));
        let room = room.saturating_sub(running.len() + usize::from(!hidden.is_empty()));
        let mut failed: Vec<Shown<'a>> = failed.iter().map(|job| Shown::new(job)).collect();
        let mut running: Vec<Shown<'a>> = running.iter().map(|job| Shown::new(job)).collect();
        // Logs tell more than a list of what did not begin, but shall not push all of it away.
        let spare = room.saturating_sub(wait);
        let unlisted = groups.waiting.len() - wait;
        let mut logs = (spare / 2).max(spare.saturating_sub(unlisted));
        let before = logs;
        hand_out(&mut failed, LAST_WORDS, &mut logs);
        hand_out(&mut running, LOG, &mut logs);
        let (waiting, behind) = first(&groups.waiting, room - (before - logs));

        let jobs = failed.iter().chain(&running).map(|shown| shown.job);
        let columns = Columns::of(jobs, waiting, self.width, self.now, &self.looks);
        self.jobs(&failed, columns, picture);
        if folded[0] {
            self.fold(&groups.failed, "failed", picture);
        }
        for (group, word) in [
            (&groups.built, "built"),
            (&groups.skipped, "skipped"),
            (&groups.stopped, "stopped"),
        ] {
            if !cramped && !group.is_empty() {
                self.fold(group, word, picture);
            }
        }
        self.jobs(&running, columns, picture);
        self.more(hidden, running.len(), ["run", "runs"], picture);
        for job in waiting {
            picture.push(row::waiting(self.run, job, columns, &self.looks));
        }
        self.more(behind, waiting.len(), ["wait", "waits"], picture);
    }

    fn jobs(&self, jobs: &[Shown<'_>], columns: Columns, picture: &mut Vec<String>) {
        for shown in jobs {
            picture.push(row::job(shown.job, self.now, columns, &self.looks));
            for text in &shown.log[shown.log.len() - shown.fits..] {
                let mut line = Line::new(self.width, &self.looks);
                line.push(&self.looks.dim, "    | ");
                line.push(&self.looks.dim, &self.looks.safe(text));
                picture.push(line.end());
            }
        }
    }

    /// A whole group in one line.
    fn fold(&self, jobs: &[&Job], word: &str, picture: &mut Vec<String>) {
        let head = format!("{} {word}: ", services(jobs));
        let (sign, paint) = self.looks.sign(jobs[0]);
        let mut line = Line::new(self.width, &self.looks);
        line.push(paint, sign);
        line.push(paint, &head);
        self.names(line, jobs, picture);
    }

    /// What there is no room for, in one line after the `before` lines of its kind.
    fn more(&self, jobs: &[&Job], before: usize, verb: [&str; 2], picture: &mut Vec<String>) {
        let Some(first) = jobs.first() else { return };
        let number = services(jobs);
        let (and, more) = if before > 0 {
            ("and ", " more")
        } else {
            ("", "")
        };
        let verb = verb[usize::from(number == 1)];
        let mut line = Line::new(self.width, &self.looks);
        line.push(&self.looks.dim, self.looks.sign(first).0);
        line.push(&self.looks.plain, &format!("{and}{number}{more} {verb}: "));
        self.names(line, jobs, picture);
    }

    /// The line with as many names as it has room for, and how many more there are.
    fn names(&self, mut line: Line<'_>, jobs: &[&Job], picture: &mut Vec<String>) {
        for (index, job) in jobs.iter().enumerate() {
            let name = row::brief(job, &self.looks);
            let comma = if index == 0 { "" } else { ", " };
            let rest = match services(&jobs[index + 1..]) {
                0 => String::new(),
                left => format!(" and {left} more"),
            };
            if index > 0 && comma.len() + line::width(&name) + rest.len() > line.room() {
                let left = services(&jobs[index..]);
                line.push(&self.looks.dim, &format!(" and {left} more"));
                break;
            }
            line.push(&self.looks.dim, comma);
            line.push(&self.looks.dim, &name);
        }
        picture.push(line.end());
    }
}

/// How many services these jobs are for.
fn services(jobs: &[&Job]) -> usize {
    jobs.iter().map(|job| job.planned.services.len()).sum()
}

/// Those of `jobs` that get one of `lines` lines each, and those that share the last.
fn first<'a, 'b>(jobs: &'b [&'a Job], lines: usize) -> (&'b [&'a Job], &'b [&'a Job]) {
    if jobs.len() <= lines {
        (jobs, &[])
    } else {
        jobs.split_at(lines.saturating_sub(1))
    }
}

/// Gives up to `most` lines of `room` to each log, as many to one as to the other.
fn hand_out(shown: &mut [Shown<'_>], most: usize, room: &mut usize) {
    for round in 0..most {
        let more = |shown: &&mut Shown<'_>| shown.log.len() > round;
        let wanted = shown.iter_mut().filter(more).count();
        if wanted > *room {
            return;
        }
        *room -= wanted;
        shown
            .iter_mut()
            .filter(more)
            .for_each(|shown| shown.fits += 1);
    }
}

#[cfg(test)]
mod tests;
