//! The views of a run that goes on: a picture on a terminal, lines, JSON, or nothing.

use std::io::Write;

use super::board;
use super::ci::Folded;
use super::plain::{Plain, Telling};
use super::screen::{Size, Stream, Terminal};
use super::style;
use crate::ambient;
use crate::diagnostic::Style;
use crate::event::Record;
use crate::progress::Run;

/// Shows a run while it goes on.
pub(super) trait View {
    /// Takes a record that `run` took already.
    fn take(&mut self, run: &Run, record: &Record);
    /// Looks at the clock, ten times a second when nothing else happens.
    fn tick(&mut self, run: &Run, now: u64);
    /// Removes what does not stay.
    fn end(&mut self, run: &Run);
}

/// Lines only.
pub(super) struct Lines<W: Write>(Plain<Stream<W>>);

impl<W: Write> Lines<W> {
    pub(super) fn new(to: W, style: Style, telling: Telling) -> Self {
        Self(Plain::new(Stream(to), style, telling))
    }
}

impl<W: Write> View for Lines<W> {
    fn take(&mut self, run: &Run, record: &Record) {
        self.0.take(run, record);
    }

    fn tick(&mut self, run: &Run, now: u64) {
        self.0.tick(run, now);
    }

    fn end(&mut self, _: &Run) {}
}

/// Lines, and the log of each service folded after it.
pub(super) struct FoldedLines<W: Write>(Plain<Folded<W>>);

impl<W: Write> FoldedLines<W> {
    pub(super) fn new(to: Folded<W>, style: Style, telling: Telling) -> Self {
        Self(Plain::new(to, style, telling))
    }
}

impl<W: Write> View for FoldedLines<W> {
    fn take(&mut self, run: &Run, record: &Record) {
        self.0.take(run, record);
        self.0.screen().take(run, record);
    }

    fn tick(&mut self, run: &Run, now: u64) {
        self.0.tick(run, now);
    }

    fn end(&mut self, _: &Run) {}
}

/// A picture of the run, and lines above it.
pub(super) struct Board {
    lines: Plain<Terminal>,
    terminal: ambient::Terminal,
    estimate: Option<u64>,
    /// When it is drawn next.
    due: u64,
}

/// A picture is drawn again after this many milliseconds, and not at all of a run that is over sooner:
/// nobody could read it.
const REDRAW: u64 = 100;

impl Board {
    /// A picture on `terminal`, which is standard error, of a run that is expected to take `estimate`
    /// milliseconds.
    pub(super) fn new(
        terminal: ambient::Terminal,
        estimate: Option<u64>,
        telling: Telling,
    ) -> Self {
        let screen = Terminal::new(terminal.narrowing);
        Self {
            lines: Plain::new(screen, style(terminal), telling),
            terminal,
            estimate,
            due: REDRAW,
        }
    }

    fn draw(&mut self, run: &Run, now: u64) {
        if now < self.due {
            return;
        }
        self.due = now + REDRAW;
        let size = Size::now();
        let place = board::Place {
            columns: size.columns,
            rows: size.rows,
            style: style(self.terminal),
            signs: self.terminal.signs,
            estimate: self.estimate,
        };
        self.lines
            .screen()
            .show(board::frame(run, place, now), size);
    }
}

impl View for Board {
    fn take(&mut self, run: &Run, record: &Record) {
        self.lines.take(run, record);
        self.draw(run, record.at);
    }

    fn tick(&mut self, run: &Run, now: u64) {
        self.lines.tick(run, now);
        self.draw(run, now);
    }

    fn end(&mut self, _: &Run) {
        self.lines.screen().clear();
    }
}

/// The records themselves, one object in a line. `docs/events.md` describes them.
pub(super) struct Json<W: Write> {
    to: W,
    /// Whether somebody still reads.
    open: bool,
}

impl<W: Write> Json<W> {
    pub(super) fn new(to: W) -> Self {
        Self { to, open: true }
    }
}

impl<W: Write> View for Json<W> {
    fn take(&mut self, _: &Run, record: &Record) {
        if self.open {
            // A reader that is gone must not stop a build that others wait for.
            self.open = serde_json::to_writer(&mut self.to, record).is_ok()
                && self.to.write_all(b"\n").is_ok()
                && self.to.flush().is_ok();
        }
    }

    fn tick(&mut self, _: &Run, _: u64) {}

    fn end(&mut self, _: &Run) {}
}

/// Nothing.
pub(super) struct Silence;

impl View for Silence {
    fn take(&mut self, _: &Run, _: &Record) {}
    fn tick(&mut self, _: &Run, _: u64) {}
    fn end(&mut self, _: &Run) {}
}
