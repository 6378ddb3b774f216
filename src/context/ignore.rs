//! Ignore patterns: the language of `.dockerignore` and of BuildKit's include and exclude lists.
//!
//! It looks like `.gitignore` and is not. Patterns are anchored at the root; the last pattern that
//! matches decides; a pattern that matches a directory also matches all that is in it; `*` and `?`
//! stay within a path element, `**` does not. Under the hood there are four ways to match
//! (`Kind`), and which one a pattern gets is visible in what it matches: `**foo` is a test of
//! the end of the whole path, while `**foo*` wants `foo` to begin an element.
//!
//! A pattern that BuildKit refuses only on use is refused only on use here too (`Kind::Broken`):
//! a list that builds elsewhere must build.

mod expression;
mod translate;

use super::glob::Glob;
use super::lexical::clean;
use expression::Expression;
use translate::Translation;

/// A pattern that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid pattern `{pattern}`{}: {reason}", line.map(|line| format!(" on line {line}")).unwrap_or_default())]
pub struct PatternError {
    /// The pattern as it was written.
    pub pattern: String,
    /// The line it is on, from one, when it came from an ignore file.
    pub line: Option<usize>,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// A list of patterns, ready to match.
#[derive(Debug)]
pub struct Patterns {
    list: Vec<Pattern>,
    below_plain: Option<Vec<Vec<u8>>>,
    below_negated: Option<Vec<Vec<u8>>>,
}

/// Which patterns matched a directory. Handed down to its entries, so that no directory is
/// matched again for each of them. The default is for entries of the root.
#[derive(Debug, Clone, Default)]
pub struct Inherited(Vec<bool>);

#[derive(Debug)]
struct Pattern {
    /// Cleaned, without the `!`.
    text: Vec<u8>,
    line: Option<usize>,
    negated: bool,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The path itself.
    Exact,
    /// Anything that begins with the text before a final `**`.
    Prefix,
    /// Anything that ends with the text after a leading `**`.
    Suffix,
    /// Whatever the regular expression says that the pattern stands for.
    Expression(Expression),
    /// Not a regular expression; matching it is an error.
    Broken(&'static str),
}

impl Patterns {
    /// Reads the text of a `.dockerignore`.
    ///
    /// # Errors
    /// A line that is not a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut list = Vec::new();
        for (index, line) in text.split('\n').enumerate() {
            if let Some(pattern) = ignore_line(line) {
                list.extend(Pattern::new(&pattern, Some(index + 1))?);
            }
        }
        Ok(Self::new(list))
    }

    /// Takes a list as BuildKit sends it. Such patterns are used as they are: a leading `/` is
    /// not dropped and `#` begins no comment.
    ///
    /// # Errors
    /// An entry that is not a pattern.
    pub fn compile<P: AsRef<[u8]>>(patterns: &[P]) -> Result<Self, PatternError> {
        let mut list = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            list.extend(Pattern::new(pattern.as_ref(), None)?);
        }
        Ok(Self::new(list))
    }

    fn new(list: Vec<Pattern>) -> Self {
        let below = |negated| {
            list.iter()
                .filter(|pattern: &&Pattern| pattern.negated == negated)
                .map(Pattern::plain_prefix)
                .collect()
        };
        Self {
            below_plain: below(false),
            below_negated: below(true),
            list,
        }
    }

    /// Whether `path`, or a directory above it, matches.
    ///
    /// # Errors
    /// A pattern that had to be tried is broken.
    pub fn matches(&self, path: &[u8]) -> Result<bool, PatternError> {
        let mut matched = false;
        for pattern in &self.list {
            if pattern.negated == matched
                && (pattern.matches(path)? || pattern.matches_above(path)?)
            {
                matched = !pattern.negated;
            }
        }
        Ok(matched)
    }

    /// Whether `path` matches, knowing what matched its directory.
    ///
    /// # Errors
    /// A pattern that had to be tried is broken.
    pub fn matches_in(&self, path: &[u8], directory: &Inherited) -> Result<bool, PatternError> {
        self.evaluate(path, directory, |_| {})
    }

    /// Whether the directory `path` matches, and what its entries inherit.
    ///
    /// # Errors
    /// A pattern that had to be tried is broken.
    pub fn enter(
        &self,
        path: &[u8],
        directory: &Inherited,
    ) -> Result<(bool, Inherited), PatternError> {
        let mut inherited = Vec::with_capacity(self.list.len());
        let matched = self.evaluate(path, directory, |matched| inherited.push(matched))?;
        Ok((matched, Inherited(inherited)))
    }

    /// A pattern that cannot change the outcome is not tried and counts as not matching, also
    /// for what lies below: part of the language, if by accident.
    fn evaluate(
        &self,
        path: &[u8],
        directory: &Inherited,
        mut record: impl FnMut(bool),
    ) -> Result<bool, PatternError> {
        let mut matched = false;
        for (index, pattern) in self.list.iter().enumerate() {
            let hit = directory.0.get(index).copied().unwrap_or(false)
                || (pattern.negated == matched && pattern.matches(path)?);
            if hit {
                matched = !pattern.negated;
            }
            record(hit);
        }
        Ok(matched)
    }

    /// Whether a pattern may match something below `directory`, which itself does not match.
    pub fn may_match_below(&self, directory: &[u8]) -> bool {
        any_below(self.below_plain.as_deref(), directory)
    }

    /// Whether a `!` pattern may match something below `directory`, which itself matches.
    pub fn may_negate_below(&self, directory: &[u8]) -> bool {
        any_below(self.below_negated.as_deref(), directory)
    }
}

/// Whether one of `prefixes` is `directory` or lies in it. `None` stands for anything.
fn any_below(prefixes: Option<&[Vec<u8>]>, directory: &[u8]) -> bool {
    prefixes.is_none_or(|prefixes| {
        prefixes.iter().any(|prefix| {
            prefix
                .strip_prefix(directory)
                .is_some_and(|rest| rest.first().is_none_or(|&byte| byte == b'/'))
        })
    })
}

/// The pattern on a line of an ignore file, if there is one.
fn ignore_line(line: &str) -> Option<Vec<u8>> {
    // Only in the first column: an indented `#` is a pattern.
    if line.starts_with('#') {
        return None;
    }
    let line = line.trim();
    let (mark, pattern) = match line.strip_prefix('!') {
        Some(pattern) => ("!", pattern.trim()),
        None => ("", line),
    };
    if pattern.is_empty() {
        return (!mark.is_empty()).then(|| b"!".to_vec());
    }
    let pattern = clean(&native_separators(pattern.as_bytes()));
    let anchored = match pattern.as_slice() {
        [b'/', rest @ ..] if !rest.is_empty() => rest,
        whole => whole,
    };
    Some([mark.as_bytes(), anchored].concat())
}

/// On Windows a backslash separates path elements and escapes nothing.
fn native_separators(pattern: &[u8]) -> Vec<u8> {
    let mut pattern = pattern.to_vec();
    if cfg!(windows) {
        for byte in &mut pattern {
            if *byte == b'\\' {
                *byte = b'/';
            }
        }
    }
    pattern
}

fn trim(pattern: &[u8]) -> &[u8] {
    match std::str::from_utf8(pattern) {
        Ok(text) => text.trim().as_bytes(),
        Err(_) => pattern.trim_ascii(),
    }
}

impl Pattern {
    /// The pattern that `written` stands for; `None` when it is blank.
    fn new(written: &[u8], line: Option<usize>) -> Result<Option<Self>, PatternError> {
        let trimmed = trim(written);
        if trimmed.is_empty() {
            return Ok(None);
        }
        let error = |reason| PatternError {
            pattern: String::from_utf8_lossy(trimmed).into_owned(),
            line,
            reason,
        };
        let cleaned = clean(&native_separators(trimmed));
        let (negated, text) = match cleaned.strip_prefix(b"!") {
            Some([]) => return Err(error("nothing follows the `!`")),
            Some(text) => (true, text.to_vec()),
            None => (false, cleaned),
        };
        // All that is asked of a pattern beforehand, so what is refused depends on this name.
        Glob::parse(&text)
            .matches(b".")
            .map_err(|_| error("a `[` or a `\\` is not closed"))?;
        let kind = match translate::translate(&text) {
            Translation::Exact => Kind::Exact,
            Translation::Prefix => Kind::Prefix,
            Translation::Suffix => Kind::Suffix,
            Translation::Expression(source) => {
                Expression::parse(&source).map_or_else(Kind::Broken, Kind::Expression)
            }
        };
        Ok(Some(Self {
            text,
            line,
            negated,
            kind,
        }))
    }

    fn matches(&self, path: &[u8]) -> Result<bool, PatternError> {
        Ok(match &self.kind {
            Kind::Exact => path == self.text,
            Kind::Prefix => path.starts_with(&self.text[..self.text.len() - 2]),
            Kind::Suffix => {
                let suffix = &self.text[2..];
                path.ends_with(suffix) || suffix.strip_prefix(b"/") == Some(path)
            }
            Kind::Expression(expression) => expression.matches(path),
            Kind::Broken(reason) => return Err(self.broken(reason)),
        })
    }

    fn matches_above(&self, path: &[u8]) -> Result<bool, PatternError> {
        for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            if self.matches(&path[..at])? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn broken(&self, reason: &'static str) -> PatternError {
        let mark = if self.negated { "!" } else { "" };
        PatternError {
            pattern: format!("{mark}{}", String::from_utf8_lossy(&self.text)),
            line: self.line,
            reason,
        }
    }

    /// The directory or file that everything this may match lies at or below, if there is one
    /// that can be told from the text. `a/*/**` is told to lie below `a`, at depth one: too
    /// narrow, and how BuildKit's clients prune.
    fn plain_prefix(&self) -> Option<Vec<u8>> {
        let text = self.text.strip_suffix(b"/**").unwrap_or(&self.text);
        let text = text.strip_suffix(b"/*").unwrap_or(text);
        let special: &[u8] = if cfg!(windows) { b"*[]?^" } else { b"*[]?^\\" };
        let plain = !text.iter().any(|byte| special.contains(byte));
        plain.then(|| text.to_vec())
    }
}

#[cfg(test)]
mod tests;
