//! One line of the picture: pieces put beside each other until the line is full.

use std::borrow::Cow;

use console::Style as Paint;

use crate::ambient::Signs;
use crate::diagnostic::Style;
use crate::event::Outcome;
use crate::human;
use crate::progress::{Job, State};

/// The columns that `text`, which holds no escape sequence, takes on a terminal.
pub(super) fn width(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        console::measure_text_width(text)
    }
}

/// How things look at a place: paints, and the characters it can show.
pub(super) struct Looks {
    pub(super) plain: Paint,
    pub(super) bold: Paint,
    pub(super) dim: Paint,
    pub(super) name: Paint,
    good: Paint,
    bad: Paint,
    odd: Paint,
    signs: Signs,
}

impl Looks {
    pub(super) fn new(style: Style, signs: Signs) -> Self {
        let paint = |paint: Paint| paint.force_styling(style == Style::Coloured);
        Self {
            plain: paint(Paint::new()),
            bold: paint(Paint::new().bold()),
            dim: paint(Paint::new().dim()),
            name: paint(Paint::new().cyan()),
            good: paint(Paint::new().green()),
            bad: paint(Paint::new().red().bold()),
            odd: paint(Paint::new().yellow()),
            signs,
        }
    }

    /// The sign of a job, with the space after it, and its paint.
    ///
    /// The signs are none of those which East Asian terminals may show two columns wide.
    pub(super) fn sign(&self, job: &Job) -> (&'static str, &Paint) {
        let (unicode, ascii, paint) = match &job.state {
            State::Waiting => ("◦ ", ". ", &self.dim),
            State::Running { .. } => ("▸ ", "> ", &self.name),
            State::Ended { outcome, .. } => match **outcome {
                Outcome::Built { .. } => ("✓ ", "+ ", &self.good),
                Outcome::Failed(_) => ("✗ ", "x ", &self.bad),
                Outcome::Skipped { .. } | Outcome::Stopped => ("⊘ ", "- ", &self.odd),
            },
        };
        match self.signs {
            Signs::Unicode => (unicode, paint),
            Signs::Ascii => (ascii, paint),
        }
    }

    /// Text that came from elsewhere, as this place can show it, in one piece.
    pub(super) fn safe(&self, text: &str) -> String {
        let text = human::sanitize(text).replace('\t', "    ");
        match self.signs {
            Signs::Ascii if !text.is_ascii() => {
                let known = |c: char| if c.is_ascii() { c } else { '?' };
                text.chars().map(known).collect()
            }
            _ => text,
        }
    }

    /// `text` in at most `columns`; nothing when that says nothing.
    pub(super) fn cut<'t>(&self, text: &'t str, columns: usize) -> Cow<'t, str> {
        if width(text) <= columns {
            return Cow::Borrowed(text);
        }
        match self.signs {
            _ if columns < 3 => Cow::Owned(" ".repeat(columns)),
            Signs::Unicode => human::truncate(text, columns),
            Signs::Ascii => console::truncate_str(text, columns, "..."),
        }
    }
}

/// A line that grows to the right, and stays within its width.
pub(super) struct Line<'a> {
    text: String,
    left: usize,
    looks: &'a Looks,
}

impl<'a> Line<'a> {
    /// An empty line of at most `columns`.
    pub(super) fn new(columns: usize, looks: &'a Looks) -> Self {
        Self {
            text: String::new(),
            left: columns,
            looks,
        }
    }

    /// The columns that are left.
    pub(super) fn room(&self) -> usize {
        self.left
    }

    /// Adds `text`, or as much of it as there is room for.
    pub(super) fn push(&mut self, paint: &Paint, text: &str) {
        let text = self.looks.cut(text, self.left);
        self.left = self.left.saturating_sub(width(&text));
        if text.trim().is_empty() {
            self.text.push_str(&text);
        } else {
            self.text.push_str(&paint.apply_to(text).to_string());
        }
    }

    /// Adds `text` and spaces up to `columns`.
    pub(super) fn cell(&mut self, paint: &Paint, text: &str, columns: usize) {
        let text = self.looks.cut(text, columns);
        let padding = columns - width(&text).min(columns);
        self.push(paint, &text);
        self.push(&self.looks.plain, &" ".repeat(padding));
    }

    /// Adds spaces and `text`, together of `columns`.
    pub(super) fn number(&mut self, paint: &Paint, text: &str, columns: usize) {
        let padding = columns - width(text).min(columns);
        self.push(&self.looks.plain, &" ".repeat(padding));
        self.push(paint, text);
    }

    /// The whole line.
    pub(super) fn end(self) -> String {
        let length = self.text.trim_end().len();
        let mut text = self.text;
        text.truncate(length);
        text
    }
}
