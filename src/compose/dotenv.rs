//! `.env` files, by the grammar that Compose's own parser has (which is no shell's and no other
//! dotenv library's).
//!
//! A file is read in one pass from front to back; a value may use variables of the process and
//! those assigned above it.

use std::cell::Cell;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::diagnostic::{Diagnostic, Position, Source, Span};

use super::interpolate::{Variables, substitute};

/// A value and the place that assigns it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Assigned {
    pub(super) value: String,
    pub(super) at: Span,
}

/// The variables of one `.env` file, in the order they were first assigned.
///
/// `outer` is asked first whenever a variable is needed, `earlier` last: it holds what the files
/// read before assigned.
pub(super) fn parse(
    source: &Arc<Source>,
    outer: &IndexMap<String, String>,
    earlier: &IndexMap<String, Assigned>,
    unset: &mut dyn FnMut(&str, Span),
) -> Result<IndexMap<String, Assigned>, Diagnostic> {
    let mut parser = Parser {
        source,
        at: 0,
        assigned: IndexMap::new(),
        outer,
        earlier,
        unset,
        expanded: 0,
        known: Cell::new((0, Position { line: 1, column: 1 })),
    };
    while parser.skip_to_statement() {
        parser.statement()?;
    }
    Ok(parser.assigned)
}

struct Parser<'a> {
    source: &'a Arc<Source>,
    at: usize,
    assigned: IndexMap<String, Assigned>,
    outer: &'a IndexMap<String, String>,
    earlier: &'a IndexMap<String, Assigned>,
    unset: &'a mut dyn FnMut(&str, Span),
    /// How many bytes variables have expanded to.
    expanded: usize,
    /// A byte offset and its position, to count on from rather than from the start of the file.
    known: Cell<(usize, Position)>,
}

/// How a key ended.
enum Separator {
    Value,
    LineEnd,
    FileEnd,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.source.text[self.at..]
    }

    /// Skips blanks, blank lines and comments; false at the end of the file.
    fn skip_to_statement(&mut self) -> bool {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start().len();
            let rest = self.rest();
            if !rest.starts_with('#') {
                return !rest.is_empty();
            }
            self.at += rest.find('\n').unwrap_or(rest.len());
        }
    }

    fn statement(&mut self) -> Result<(), Diagnostic> {
        let rest = self.rest();
        if let Some(after) = rest.strip_prefix("export")
            && after.starts_with(char::is_whitespace)
        {
            let trimmed = after.trim_start_matches(is_blank);
            self.at += rest.len() - trimmed.len();
        }
        let start = self.at;
        let (key, separator) = self.key()?;
        if key.contains(' ') {
            return Err(
                Diagnostic::error("failed to read a variable: key cannot contain a space")
                    .at(self.span(start, start + key.len()), "this name"),
            );
        }
        let at = self.span(start, start + key.len());
        let value = match separator {
            Separator::FileEnd => None,
            Separator::LineEnd => self.lookup(&key),
            Separator::Value => Some(self.value()?),
        };
        if let Some(value) = value {
            self.assigned.insert(key, Assigned { value, at });
        }
        Ok(())
    }

    /// Reads a name up to its separator.
    fn key(&mut self) -> Result<(String, Separator), Diagnostic> {
        let rest = self.rest();
        for (at, c) in rest.char_indices() {
            match c {
                '=' | ':' | '\n' => {
                    self.at += at + 1;
                    let key = rest[..at].trim_end().to_owned();
                    if c == '\n' {
                        return Ok((key, Separator::LineEnd));
                    }
                    let value = self.rest();
                    self.at += value.len() - value.trim_start_matches(is_blank).len();
                    return Ok((key, Separator::Value));
                }
                '_' | '.' | '-' | '[' | ']' => {}
                _ if is_blank(c) || c.is_alphanumeric() => {}
                _ => {
                    let line = rest.lines().next().unwrap_or_default();
                    let place = self.at + at;
                    return Err(Diagnostic::error(format!(
                        "unexpected character `{c}` in variable name `{line}`"
                    ))
                    .at(self.span(place, place + c.len_utf8()), "this character"));
                }
            }
        }
        // A bare name that nothing ends, not even a line break, assigns nothing.
        self.at = self.source.text.len();
        Ok((rest.trim_end().replace(' ', "_"), Separator::FileEnd))
    }

    fn value(&mut self) -> Result<String, Diagnostic> {
        let rest = self.rest();
        let start = self.at;
        if let Some(quote @ ('"' | '\'')) = rest.chars().next() {
            return self.quoted(quote);
        }
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        self.at += (line.len() + 1).min(rest.len());
        let value = line
            .split_once(" #")
            .map_or(line, |(value, _)| value)
            .trim_end();
        self.expand(value, start, start + value.len())
    }

    fn quoted(&mut self, quote: char) -> Result<String, Diagnostic> {
        let rest = self.rest();
        let start = self.at;
        let mut value = String::new();
        let mut escaping = false;
        for (at, c) in rest.char_indices().skip(1) {
            if c == quote && !escaping {
                self.at += at + 1;
                return match quote {
                    '"' => self.expand(&unescape(&value), start, self.at),
                    _ => Ok(value),
                };
            }
            if c == '\\' && !escaping {
                escaping = true;
                continue;
            }
            if escaping && c != quote {
                value.push('\\');
            }
            escaping = false;
            value.push(c);
        }
        let line = rest.lines().next().unwrap_or_default();
        Err(
            Diagnostic::error(format!("unterminated quoted value {line}"))
                .at(self.span(start, start + 1), "this quote is never closed"),
        )
    }

    fn lookup(&self, name: &str) -> Option<String> {
        let assigned = || self.assigned.get(name).or_else(|| self.earlier.get(name));
        match self.outer.get(name) {
            Some(value) => Some(value.clone()),
            None => assigned().map(|assigned| assigned.value.clone()),
        }
    }

    fn expand(&mut self, value: &str, start: usize, end: usize) -> Result<String, Diagnostic> {
        if !value.contains('$') {
            return Ok(value.to_owned());
        }
        let span = self.span(start, end);
        let mut scope = Scope {
            parser: self,
            span: &span,
        };
        substitute(value, &mut scope)
            .map_err(|fault| Diagnostic::error(fault.to_string()).at(span.clone(), "this value"))
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.source, self.position(start), self.position(end))
    }

    fn position(&self, at: usize) -> Position {
        let (mut from, mut position) = self.known.get();
        if at < from {
            (from, position) = (0, Position { line: 1, column: 1 });
        }
        for c in self.source.text[from..at].chars() {
            if c == '\n' {
                position.line += 1;
                position.column = 1;
            } else {
                position.column += 1;
            }
        }
        self.known.set((at, position));
        position
    }
}

struct Scope<'p, 'a> {
    parser: &'p mut Parser<'a>,
    span: &'p Span,
}

impl Variables for Scope<'_, '_> {
    fn value(&self, name: &str) -> Option<String> {
        self.parser.lookup(name)
    }
    fn spent(&mut self) -> &mut usize {
        &mut self.parser.expanded
    }
    fn unset(&mut self, name: &str) {
        (self.parser.unset)(name, self.span.clone());
    }
}

/// White space that does not end a line.
fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\t' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{85}' | '\u{a0}'
    )
}

/// The escapes of a double-quoted value; a quoted dollar sign becomes what interpolation takes for
/// one. What is no escape stays as it is.
fn unescape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let plain = match rest.chars().next() {
            Some('a') => Some("\u{7}"),
            Some('b') => Some("\u{8}"),
            Some('f') => Some("\u{c}"),
            Some('n') => Some("\n"),
            Some('r') => Some("\r"),
            Some('t') => Some("\t"),
            Some('v') => Some("\u{b}"),
            Some('$') => Some("$$"),
            Some('"') => Some("\""),
            Some('\\') => Some("\\"),
            _ => None,
        };
        if let Some(plain) = plain {
            out.push_str(plain);
            rest = &rest[1..];
        } else if let Some(after) = rest.strip_prefix('0') {
            let count = after.bytes().take(3).take_while(u8::is_ascii_digit).count();
            let digits = &after[..count];
            match u8::from_str_radix(digits, 8) {
                Ok(code) if count == 3 => out.push(char::from(code)),
                _ => {
                    out.push('\\');
                    out.push_str(digits);
                }
            }
            rest = &after[count..];
        } else {
            out.push('\\');
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, String> {
        let outer = IndexMap::from([("OS".to_owned(), "os".to_owned())]);
        let source = Source::new(".env", text);
        let place = Position { line: 1, column: 1 };
        let earlier = Assigned {
            value: "earlier".to_owned(),
            at: Span::new(&source, place, place),
        };
        let earlier = IndexMap::from([("EARLIER".to_owned(), earlier)]);
        match parse(&source, &outer, &earlier, &mut |_, _| {}) {
            Ok(assigned) => Ok(assigned
                .into_iter()
                .map(|(name, assigned)| (name, assigned.value))
                .collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The grammar of section 2.1 of the reference, one line each.
    #[test]
    fn a_line_assigns_what_compose_reads_from_it() {
        for (text, name, value) in [
            ("A=b", "A", "b"),
            ("  A = b  ", "A", "b"),
            ("export A=b", "A", "b"),
            ("export\tA=b", "A", "b"),
            ("A: b", "A", "b"),
            ("A=b\r\n", "A", "b"),
            ("A=", "A", ""),
            ("A= # c", "A", "# c"),
            ("A=#c", "A", "#c"),
            ("A=a#b", "A", "a#b"),
            ("A=a #b", "A", "a"),
            ("A=a;b", "A", "a;b"),
            ("A=a\\nb", "A", "a\\nb"),
            ("A=a\"b\"", "A", "a\"b\""),
            ("1A=x", "1A", "x"),
            ("a.b-c[0]=x", "a.b-c[0]", "x"),
            ("É=x", "É", "x"),
            ("A='$OS \\n'", "A", "$OS \\n"),
            ("A='it\\'s'", "A", "it's"),
            ("A='x\ny'", "A", "x\ny"),
            ("A=\"$OS\\n\"", "A", "os\n"),
            ("A=\"\\$OS $$OS\"", "A", "$OS $OS"),
            ("A=\"a\\\"b\"", "A", "a\"b"),
            ("A=\"\\q\\x41\\c\"", "A", "\\q\\x41\\c"),
            ("A=\"\\0101\\0\"", "A", "A\\"),
            ("A=\"\\\\n\"", "A", "\\n"),
            ("A=\"a\" # c", "A", "a"),
            ("A=\"a\"b\n", "A", "a"),
            ("A=$OS-$EARLIER", "A", "os-earlier"),
            ("A=${NONE:-d}", "A", "d"),
            ("A=a\\$OS", "A", "a\\os"),
            ("A=1\nA=2", "A", "2"),
            ("OS\n", "OS", "os"),
        ] {
            let assigned = read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let found = assigned.iter().find(|(key, _)| key == name);
            assert_eq!(
                found.map(|(_, value)| value.as_str()),
                Some(value),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_value_sees_what_was_assigned_above_it() {
        let assigned = read("A=$B\nB=1\nC=$B\nOS=mine\nD=$OS").unwrap();
        let values: Vec<&str> = assigned.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["", "1", "1", "mine", "os"]);
    }

    /// What the grammar has rules for.
    const PIECES: [&str; 28] = [
        "A", "B", "OS", "EARLIER", "a.b", "=", ": ", " = ", "export ", "'", "\"", "\\", "\\'",
        "\\\"", "\\n", "\\0101", "$A", "${B", "${B:-", "${A:?", "}", "$$", " # c", "#", "\n",
        "\r\n", " ", "\u{feff}",
    ];

    #[test]
    fn lines_that_assign_nothing_leave_no_trace() {
        for text in ["", "\n\n", "# c", "  # c\n", "NONE\n", "A"] {
            assert_eq!(read(text), Ok(Vec::new()), "{text:?}");
        }
    }

    #[test]
    fn a_mistake_is_told_at_its_place() {
        for (text, wanted) in [
            (
                "A=1\nB!=2",
                ".env:2:2: unexpected character `!` in variable name `B!=2`",
            ),
            (
                "A B=1",
                ".env:1:1: failed to read a variable: key cannot contain a space",
            ),
            ("A=\"x", ".env:1:3: unterminated quoted value \"x"),
            (
                "A=\"x\" \"y\"",
                ".env:1:7: unexpected character `\"` in variable name `\"y\"`",
            ),
            (
                "A=${X:?why}",
                ".env:1:3: required variable `X` is missing a value: why",
            ),
            ("A=${", ".env:1:3: invalid interpolation format near `${`"),
        ] {
            assert_eq!(read(text), Err(wanted.to_owned()), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_nearly_a_file_of_variables_is_read_or_refused(
            pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..30),
        ) {
            let _ = read(&pieces.concat());
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[A-C=:#'\"$\\{\\}\\\\ \t\r\né0-]{0,60}") {
            let _ = read(&text);
        }

        #[test]
        fn any_characters_are_read_or_refused(text in any::<String>()) {
            let _ = read(&text);
        }

        #[test]
        fn single_quotes_keep_any_text_without_quotes(text in "[^'\\\\]{0,30}") {
            let assigned = read(&format!("A='{text}'"));
            prop_assert_eq!(assigned, Ok(vec![("A".to_owned(), text)]));
        }
    }
}
