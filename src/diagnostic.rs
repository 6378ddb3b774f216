//! What is told to people about a place in a file: spans, diagnostics, and their rendering with a
//! source excerpt.
//!
//! A [`Diagnostic`] is data. Rows above make it; only `report` prints it. Positions count from
//! one, columns in characters, as editors do.

use std::fmt;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How many of the other places are drawn: a variable may be used in thousands.
const RELATED: usize = 10;
/// No file of a project has more lines than this; a kept span that says so is not believed.
const MOST_LINES: usize = 1 << 20;

/// A text that spans point into, under the name its reader knows it by.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as it is told to people, or a name such as `<stdin>`.
    pub name: String,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// A source called `name` that holds `text`.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            text: text.into(),
        })
    }

    /// Where the lines begin and end that hold the bytes `from..to`.
    fn lines_around(&self, from: usize, to: usize) -> (usize, usize) {
        let first = self.text[..from].rfind('\n').map_or(0, |at| at + 1);
        let last = self.text[to..].find('\n');
        (first, last.map_or(self.text.len(), |at| to + at + 1))
    }

    /// The byte offset of a position; those past the end are at the end of the last line.
    fn offset(&self, at: Position) -> usize {
        let mut start = 0;
        for (index, line) in self.text.split_inclusive('\n').enumerate() {
            if index + 1 == at.line {
                let column = line
                    .char_indices()
                    .nth(at.column.saturating_sub(1))
                    .map_or(line.trim_end_matches(['\n', '\r']).len(), |(byte, _)| byte);
                return start + column;
            }
            start += line.len();
        }
        self.text.trim_end_matches(['\n', '\r']).len()
    }
}

/// A place in a text: line and column, both from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Line, from one.
    pub line: usize,
    /// Column in characters, from one.
    pub column: usize,
}

/// A stretch of a [`Source`]; `end` is exclusive and may equal `start`.
#[derive(Clone, PartialEq, Eq)]
pub struct Span {
    /// The text it lies in.
    pub source: Arc<Source>,
    /// Where it begins.
    pub start: Position,
    /// Where it ends.
    pub end: Position,
}

impl Span {
    /// The span between two positions of `source`.
    pub fn new(source: &Arc<Source>, start: Position, end: Position) -> Self {
        Self {
            source: Arc::clone(source),
            start,
            end,
        }
    }

    /// The whole lines `first..=last` of `source`, counted from one.
    pub fn lines(source: &Arc<Source>, first: usize, last: usize) -> Self {
        let width = source
            .text
            .lines()
            .nth(last.saturating_sub(1))
            .map_or(0, |line| line.trim_end().chars().count());
        Self::new(
            source,
            Position {
                line: first,
                column: 1,
            },
            Position {
                line: last,
                column: width + 1,
            },
        )
    }
}

impl fmt::Display for Span {
    /// `file:line:column`, which editors and terminals open.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}",
            self.source.name, self.start.line, self.start.column
        )
    }
}

/// A span as it is kept: with the lines it lies in, and not the whole text.
#[derive(Serialize, Deserialize)]
struct Excerpt {
    file: String,
    start: Position,
    end: Position,
    lines: String,
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let from = self.source.offset(self.start);
        let to = self.source.offset(self.end).max(from);
        let (first, last) = self.source.lines_around(from, to);
        let excerpt = Excerpt {
            file: self.source.name.clone(),
            start: self.start,
            end: self.end,
            lines: self.source.text[first..last].to_owned(),
        };
        excerpt.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let excerpt = Excerpt::deserialize(deserializer)?;
        // The lines before it are gone; empty ones keep it in its place.
        let before = "\n".repeat(excerpt.start.line.saturating_sub(1).min(MOST_LINES));
        let source = Source::new(excerpt.file, before + &excerpt.lines);
        Ok(Self::new(&source, excerpt.start, excerpt.end))
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Span({self})")
    }
}

/// How grave a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know; nothing is wrong.
    Note,
    /// The build goes on, and may not be what was meant.
    Warning,
    /// The work cannot be done.
    Error,
}

/// One thing to tell: what happened, where, and what mends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// A lowercase fragment without a full stop.
    pub message: String,
    /// Where it is, when it is in a file, and what to write beside that place (may be empty).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub primary: Option<(Span, String)>,
    /// Other places that explain it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub related: Vec<(Span, String)>,
    /// What mends it, best first; a command where there is one.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub help: Vec<String>,
}

impl Diagnostic {
    fn new(severity: Severity, message: impl Into<String>) -> Self {
        Self {
            severity,
            message: message.into(),
            primary: None,
            related: Vec::new(),
            help: Vec::new(),
        }
    }

    /// A diagnostic that stops the work.
    pub fn error(message: impl Into<String>) -> Self {
        Self::new(Severity::Error, message)
    }

    /// A diagnostic that lets the work go on.
    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, message)
    }

    /// A diagnostic that only informs.
    pub fn note(message: impl Into<String>) -> Self {
        Self::new(Severity::Note, message)
    }

    /// The same, pointing at `span`; `label` is written beside it.
    #[must_use]
    pub fn at(mut self, span: Span, label: impl Into<String>) -> Self {
        self.primary = Some((span, label.into()));
        self
    }

    /// The same, with another place that explains it.
    #[must_use]
    pub fn see(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }

    /// The same, with one more remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Changes every text in it: messages, remedies, and the sources it points into.
    pub fn each_text(&mut self, change: &dyn Fn(&mut String)) {
        change(&mut self.message);
        self.help.iter_mut().for_each(change);
        for (span, label) in self.primary.iter_mut().chain(&mut self.related) {
            change(label);
            let mut text = span.source.text.clone();
            change(&mut text);
            if text != span.source.text {
                span.source = Source::new(span.source.name.clone(), text);
            }
        }
    }

    /// The text a person reads: message, excerpt, remedies. Ends without a line break.
    pub fn render(&self, style: Style) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let mut group = level
            .primary_title(self.message.as_str())
            .elements(std::iter::empty::<
                Snippet<'_, annotate_snippets::Annotation<'_>>,
            >());
        let primary = self
            .primary
            .iter()
            .map(|place| (place, AnnotationKind::Primary));
        let related = self
            .related
            .iter()
            .take(RELATED)
            .map(|place| (place, AnnotationKind::Context));
        for ((span, label), kind) in primary.chain(related) {
            let from = span.source.offset(span.start);
            let to = span.source.offset(span.end).max(from);
            // Only these lines: the renderer would go through all of them.
            let (first, last) = span.source.lines_around(from, to);
            group = group.element(
                Snippet::source(&span.source.text[first..last])
                    .line_start(span.source.text[..first].matches('\n').count() + 1)
                    .path(span.source.name.as_str())
                    .fold(true)
                    .annotation(kind.span(from - first..to - first).label(label.as_str())),
            );
        }
        let more = self.related.len().saturating_sub(RELATED);
        if more > 0 {
            group = group.element(Level::NOTE.message(format!("and at {more} more places")));
        }
        for help in &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let text = match style {
            Style::Plain => Renderer::plain(),
            Style::Coloured => Renderer::styled(),
        }
        .render(&[group]);
        if self.primary.is_none() && self.related.is_empty() {
            without_gutter(&text)
        } else {
            text
        }
    }
}

impl fmt::Display for Diagnostic {
    /// One line: `file:line:column: message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((span, _)) = &self.primary {
            write!(f, "{span}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

/// `text` without the empty line that sets an excerpt apart from what follows, which is no use where
/// there is no excerpt; its remedies stand where they stand below one.
fn without_gutter(text: &str) -> String {
    let gutter = |line: &str| console::strip_ansi_codes(line).trim() == "|";
    let mut lines = text.lines();
    let mut out =
        lines
            .by_ref()
            .take_while(|line| !gutter(line))
            .fold(String::new(), |mut out, line| {
                if !out.is_empty() {
                    out.push('\n');
                }
                out.push_str(line);
                out
            });
    for line in lines {
        out.push_str("\n ");
        out.push_str(line);
    }
    out
}

/// Whether a rendering may carry colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// No escape sequences.
    Plain,
    /// ANSI colours.
    Coloured,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_the_line_it_speaks_of() {
        let source = Source::new("compose.yaml", "services:\n  wéb:\n    imagé: x\n");
        let span = Span::new(
            &source,
            Position { line: 3, column: 5 },
            Position {
                line: 3,
                column: 10,
            },
        );
        let text = Diagnostic::error("unknown key `imagé`")
            .at(span, "did you mean `image`?")
            .help("see the compose specification")
            .render(Style::Plain);
        assert_eq!(
            text,
            "error: unknown key `imagé`\n \
             --> compose.yaml:3:5\n  |\n\
             3 |     imagé: x\n  |     ^^^^^ did you mean `image`?\n  |\n  \
             = help: see the compose specification"
        );
    }

    #[test]
    fn what_was_kept_is_told_as_it_was() {
        let source = Source::new("Dockerfile", "FROM x\n\nRUN wéb \\\n  make\nCMD x\n");
        let told = Diagnostic::error("it failed")
            .at(Span::lines(&source, 3, 4), "here")
            .help("mend it");
        let kept = serde_json::to_string(&told).expect("JSON");
        assert!(!kept.contains("FROM x"), "{kept}");
        let again: Diagnostic = serde_json::from_str(&kept).expect("a diagnostic");
        assert_eq!(again.render(Style::Plain), told.render(Style::Plain));
    }

    #[test]
    fn help_without_an_excerpt_follows_the_message() {
        let diagnostic = Diagnostic::error("no engine is running")
            .help("start it: systemctl start docker")
            .help("or point\nelsewhere");
        assert_eq!(
            diagnostic.render(Style::Plain),
            "error: no engine is running\n  = help: start it: systemctl start docker\n  \
             = help: or point\n          elsewhere"
        );
        let coloured = diagnostic.render(Style::Coloured);
        assert_eq!(
            console::strip_ansi_codes(&coloured),
            diagnostic.render(Style::Plain)
        );
        assert_eq!(Diagnostic::error("a").render(Style::Plain), "error: a");
    }

    #[test]
    fn a_span_past_the_end_of_its_text_is_drawn_at_the_end() {
        let source = Source::new("f", "one line");
        let span = Span::lines(&source, 7, 9);
        let text = Diagnostic::error("too far")
            .at(span, "")
            .render(Style::Plain);
        assert!(text.contains("one line"), "{text}");
    }
}
