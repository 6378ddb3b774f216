//! Where a run's lines go: a stream, or a terminal with one line at its bottom that tells what runs
//! right now.

use std::io::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::human;

/// Takes lines that stay, and a status that is replaced.
pub(super) trait Screen: Send {
    /// Writes a line.
    fn line(&mut self, text: &str);
    /// Replaces the status; there may be no room for one.
    fn status(&mut self, running: &[Running]);
    /// Removes the status.
    fn end(&mut self);
}

/// A step that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Running {
    pub(super) service: String,
    pub(super) step: String,
    pub(super) since: Duration,
}

impl Screen for Box<dyn Screen> {
    fn line(&mut self, text: &str) {
        (**self).line(text);
    }

    fn status(&mut self, running: &[Running]) {
        (**self).status(running);
    }

    fn end(&mut self) {
        (**self).end();
    }
}

/// A pipe, a file, or a terminal that cannot do more.
pub(super) struct Stream<W>(pub(super) W);

impl<W: Write + Send> Screen for Stream<W> {
    fn line(&mut self, text: &str) {
        // A closed pipe must not stop a build that others wait for.
        let _ = writeln!(self.0, "{text}");
    }

    fn status(&mut self, _: &[Running]) {}

    fn end(&mut self) {}
}

/// A terminal.
pub(super) struct Terminal {
    bar: ProgressBar,
    columns: usize,
}

impl Terminal {
    /// The terminal on standard error.
    pub(super) fn new(columns: usize) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        Self { bar, columns }
    }
}

impl Screen for Terminal {
    fn line(&mut self, text: &str) {
        self.bar.println(text);
    }

    fn status(&mut self, running: &[Running]) {
        // The spinner and the blank after it take two columns, and the last one stays free.
        self.bar
            .set_message(frame(running, self.columns.saturating_sub(3)));
        self.bar.tick();
    }

    fn end(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The status in at most `width` columns: the step that runs longest, and how many others do.
fn frame(running: &[Running], width: usize) -> String {
    let Some(longest) = running.iter().max_by_key(|step| step.since) else {
        return String::new();
    };
    let others = match running.len() - 1 {
        0 => String::new(),
        others => format!("  (and {})", human::count(others, "other step")),
    };
    let time = human::duration(Duration::from_secs(longest.since.as_secs()));
    let text = format!("{} {time}  {}{others}", longest.service, longest.step);
    human::truncate(&text, width).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_that_runs_longest_is_shown_and_the_others_are_counted() {
        let step = |service: &str, step: &str, seconds| Running {
            service: service.into(),
            step: step.into(),
            since: Duration::from_secs(seconds),
        };
        let running = [
            step("web", "[2/3] COPY . .", 1),
            step("worker", "[2/4] RUN cargo build", 75),
        ];
        assert_eq!(frame(&[], 80), "");
        assert_eq!(frame(&running[..1], 80), "web 1.0s  [2/3] COPY . .");
        assert_eq!(
            frame(&running, 80),
            "worker 1m 15s  [2/4] RUN cargo build  (and 1 other step)"
        );
        assert_eq!(frame(&running, 20), "worker 1m 15s  [2/4…");
    }
}
