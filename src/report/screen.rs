//! Where lines go: a stream, or a terminal with a picture of the run below them.

use std::io::Write;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Takes lines that stay.
pub(super) trait Screen {
    /// Writes a line.
    fn line(&mut self, text: &str);
}

/// A pipe, a file, or a terminal that cannot do more.
pub(super) struct Stream<W>(pub(super) W);

impl<W: Write> Screen for Stream<W> {
    fn line(&mut self, text: &str) {
        // A closed pipe must not stop a build that others wait for.
        let _ = writeln!(self.0, "{text}");
    }
}

/// The terminal on standard error.
pub(super) struct Terminal {
    bar: ProgressBar,
}

impl Terminal {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// Replaces the picture.
    pub(super) fn show(&self, frame: &[String]) {
        self.bar.set_message(frame.join("\n"));
        self.bar.tick();
    }

    /// Removes it.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Screen for Terminal {
    fn line(&mut self, text: &str) {
        self.bar.println(text);
    }
}
