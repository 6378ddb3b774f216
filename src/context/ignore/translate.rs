//! From a pattern to the regular expression it stands for.
//!
//! The other side writes an expression as text and hands it to a regular expression compiler.
//! What a pattern means is therefore what that text means, including the cases nobody intended:
//! an escaped letter becomes a class (`\d`), and a `*` inside brackets is replaced there too. So
//! the text is made here in the same way, and [`super::expression`] reads it.

use crate::context::lexical::rune;

/// How a pattern is to be matched.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Translation {
    /// By comparing.
    Exact,
    /// By what stands before the final `**`.
    Prefix,
    /// By what stands after the leading `**`.
    Suffix,
    /// By this expression.
    Expression(String),
}

/// A path element's worth of anything.
pub(super) const ELEMENT: &str = "[^/]*";
/// Any number of directories, also none.
pub(super) const DIRECTORIES: &str = "(.*/)?";
/// All the rest.
pub(super) const REST: &str = ".*";

/// Translates a cleaned pattern without its `!`.
pub(super) fn translate(pattern: &[u8]) -> Translation {
    let mut characters = characters(pattern).into_iter().peekable();
    let mut expression = String::from("^");
    let mut kind = Translation::Exact;
    let general = Translation::Expression(String::new());
    let mut leading = true;
    while let Some(c) = characters.next() {
        match c {
            '*' if characters.next_if_eq(&'*').is_some() => {
                characters.next_if_eq(&'/');
                if characters.peek().is_some() {
                    expression.push_str(DIRECTORIES);
                    kind = Translation::Expression(String::new());
                } else if kind == Translation::Exact {
                    kind = Translation::Prefix;
                } else {
                    expression.push_str(REST);
                    kind = Translation::Expression(String::new());
                }
                if leading {
                    kind = Translation::Suffix;
                }
            }
            '*' => {
                expression.push_str(ELEMENT);
                kind = Translation::Expression(String::new());
            }
            '?' => {
                expression.push_str("[^/]");
                kind = Translation::Expression(String::new());
            }
            // Not `|` and `{`: the other side means to escape them too, and by a slip does not.
            '.' | '+' | '(' | ')' | '$' => {
                expression.push('\\');
                expression.push(c);
            }
            '\\' => {
                expression.push('\\');
                if let Some(escaped) = characters.next() {
                    expression.push(escaped);
                    kind = Translation::Expression(String::new());
                }
            }
            '[' | ']' => {
                expression.push(c);
                kind = Translation::Expression(String::new());
            }
            _ => expression.push(c),
        }
        leading = false;
    }
    if kind == general {
        expression.push('$');
        return Translation::Expression(expression);
    }
    kind
}

/// The characters of a pattern; a byte order mark in front of it is not one of them.
fn characters(mut pattern: &[u8]) -> Vec<char> {
    let mut characters = Vec::with_capacity(pattern.len());
    while let Some((c, width)) = rune(pattern) {
        characters.push(c);
        pattern = &pattern[width..];
    }
    if characters.first() == Some(&'\u{feff}') {
        characters.remove(0);
    }
    characters
}
