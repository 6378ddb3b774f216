//! What is to be written so that a terminal shows one picture after another, below lines that stay.
//!
//! It is plain text in, plain text out; only it knows escape sequences. Invariants:
//!
//! - Between two writes the terminal is as any program expects it: the cursor is visible, at the
//!   beginning of the line below the picture, and lines wrap. So there is nothing to restore, however
//!   the process ends: by a second Ctrl-C, a panic or a kill.
//! - Nothing is written when nothing changed, and of a picture only the lines that did.
//! - What is written for one picture is one text in a synchronised update, which terminals that know
//!   it show at once, and others ignore.
//! - The picture does not wrap. Terminals disagree about the width of some characters, and one row
//!   more than was counted would leave rubbish behind.
//!
//! indicatif 0.18 paints each picture anew, counts rows by the width that was, and holds the one who
//! draws as long as the terminal does.

use std::fmt::Write;

use super::Size;
use crate::ambient::Narrowing;

/// Begins a synchronised update without cursor and wrapping, and the reverse.
const BEGIN: &str = "\x1b[?2026h\x1b[?25l\x1b[?7l";
const END: &str = "\x1b[?7h\x1b[?25h\x1b[?2026l";
/// Wrapping on and off, for the lines that stay.
const WRAP: &str = "\x1b[?7h";
const NO_WRAP: &str = "\x1b[?7l";
/// Erases the rest of the line; all from the cursor on.
const ERASE_LINE: &str = "\x1b[K";
const ERASE_BELOW: &str = "\x1b[J";

/// What the terminal shows.
pub(super) struct Painter {
    narrowing: Narrowing,
    picture: Vec<String>,
    size: Option<Size>,
}

impl Painter {
    /// A terminal that shows no picture.
    pub(super) fn new(narrowing: Narrowing) -> Self {
        Self {
            narrowing,
            picture: Vec::new(),
            size: None,
        }
    }

    /// Writes lines above the picture and replaces it by one for a terminal of this size.
    pub(super) fn paint(&mut self, lines: &[String], picture: Vec<String>, size: Size) -> String {
        let resized = self.size.is_some_and(|known| known != size);
        if lines.is_empty() && !resized && picture == self.picture {
            self.size = Some(size);
            return String::new();
        }
        let mut text = String::from(BEGIN);
        if lines.is_empty() && !resized {
            self.change(&picture, &mut text);
        } else {
            self.replace(lines, &picture, size, &mut text);
        }
        text.push_str(END);
        self.picture = picture;
        self.size = Some(size);
        text
    }

    /// Writes lines above the picture.
    pub(super) fn above(&mut self, lines: &[String], size: Size) -> String {
        let picture = self.picture.clone();
        self.paint(lines, picture, size)
    }

    /// Writes lines and removes the picture.
    pub(super) fn clear(&mut self, lines: &[String], size: Size) -> String {
        self.paint(lines, Vec::new(), size)
    }

    /// Writes the lines that differ over those that are there.
    fn change(&self, picture: &[String], text: &mut String) {
        up(self.picture.len(), text);
        for (index, line) in picture.iter().enumerate() {
            if self.picture.get(index) != Some(line) {
                text.push_str(line);
                text.push_str(ERASE_LINE);
            }
            // Not a movement: below the last line of the terminal there has to come a new one.
            text.push('\n');
        }
        // Lines that are no more, and what was typed below.
        text.push_str(ERASE_BELOW);
    }

    /// Removes all that is there and writes everything anew.
    fn replace(&self, lines: &[String], picture: &[String], size: Size, text: &mut String) {
        up(self.height(size), text);
        text.push_str(ERASE_BELOW);
        if !lines.is_empty() {
            text.push_str(WRAP);
            for line in lines {
                text.push_str(line);
                text.push('\n');
            }
            text.push_str(NO_WRAP);
        }
        for line in picture {
            text.push_str(line);
            text.push('\n');
        }
    }

    /// The rows that the picture takes now that the terminal has this size.
    fn height(&self, size: Size) -> usize {
        let narrower = self.size.is_some_and(|known| size.columns < known.columns);
        if !narrower || self.narrowing == Narrowing::Cuts {
            return self.picture.len();
        }
        let columns = size.columns.max(1);
        let rows = |line: &String| console::measure_text_width(line).div_ceil(columns).max(1);
        self.picture.iter().map(rows).sum()
    }
}

/// To the beginning of the line `rows` above.
fn up(rows: usize, text: &mut String) {
    text.push('\r');
    if rows > 0 {
        let _ = write!(text, "\x1b[{rows}A");
    }
}

#[cfg(test)]
mod tests;
