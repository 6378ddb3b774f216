//! What the scanner cannot bear, and what it takes that Compose's does not: looked for in the text
//! before it is scanned.

use std::borrow::Cow;
use std::sync::Arc;

use libyaml_safer::{Error as YamlError, EventData, Parser};

use super::syntax_error;
use crate::diagnostic::{Diagnostic, Source};

/// The text as the scanner can bear it: at the end of the input it looks for a line break behind
/// block scalars and backslashes without checking that there is one.
pub(super) fn bearable(text: &str) -> Cow<'_, str> {
    if text.is_empty() || text.ends_with(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("{text}\n"))
    }
}

/// The places, counted in characters, of backslashes that would escape a `/`.
pub(super) fn escaped_slashes(text: &str) -> Vec<usize> {
    if !text.contains("\\/") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut escapes = false;
    for (at, c) in text.chars().enumerate() {
        if c == '/' && escapes {
            found.push(at - 1);
        }
        escapes = c == '\\' && !escapes;
    }
    found
}

/// A block scalar that ran up to a line break which [`bearable`] added, without that break.
pub(super) fn without_added_break(mut value: String, last_line: &str) -> String {
    let body = value.strip_suffix('\n').unwrap_or(&value);
    let blank_content = || {
        let last = body.rsplit('\n').next().unwrap_or(body);
        !last.is_empty() && last.trim().is_empty()
    };
    if !last_line.trim().is_empty() || body.ends_with('\n') || blank_content() {
        value.truncate(body.len());
    }
    value
}

/// How many characters may be scanned to tell tags from texts with a `!` in them.
const PROBED: usize = 20_000_000;

/// The scanner panics on a comma right behind a tag in a flow (`[!!str, b]`).
///
/// Where the text looks as if it had one, a private character takes the comma's place and the
/// scanner tries that: behind a tag it is an error, not a panic. Any other error that it makes
/// (`['!x', b]`) gives the comma back, and the scanner tries again.
pub(super) fn comma_behind_tag(source: &Arc<Source>) -> Option<Diagnostic> {
    let mut suspects = commas_behind_tags(&source.text);
    let mut left = PROBED;
    while !suspects.is_empty() {
        let error = first_error(&source.text, &suspects)?;
        if error.context() == Some("while scanning a tag") || left < source.text.len() {
            return Some(*syntax_error(source, &error));
        }
        left -= source.text.len();
        let index = error.problem_mark().map(|mark| mark.index)?;
        let before = suspects.iter().rposition(|at| *at as u64 <= index)?;
        suspects.remove(before);
    }
    None
}

/// The places, counted in characters, of commas that may stand right behind a tag.
fn commas_behind_tags(text: &str) -> Vec<usize> {
    if !text.contains('!') || !text.contains(['[', '{']) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut before = ' ';
    let mut in_tag = false;
    for (at, c) in text.chars().enumerate() {
        match c {
            '!' => in_tag |= !before.is_alphanumeric(),
            ',' if in_tag => found.push(at),
            '[' | ']' | '{' | '}' | '"' => in_tag = false,
            _ if c.is_whitespace() => in_tag = false,
            _ => {}
        }
        before = c;
    }
    found
}

/// What is wrong with `text` when the characters at `suspects` are no commas.
fn first_error(text: &str, suspects: &[usize]) -> Option<YamlError> {
    let mut next = suspects.iter().peekable();
    let replaced = text.chars().enumerate().map(|(at, c)| {
        let suspect = next.next_if(|suspect| **suspect == at);
        suspect.map_or(c, |_| '\u{E000}')
    });
    let probe: String = replaced.collect();
    let probe = bearable(&probe);
    let mut bytes = probe.as_bytes();
    let mut parser = Parser::new();
    parser.set_input_string(&mut bytes);
    loop {
        match parser.parse() {
            Ok(event) if matches!(event.data, EventData::StreamEnd) => return None,
            Ok(_) => {}
            Err(error) => return Some(error),
        }
    }
}
