//! The regular expressions that patterns stand for, read as Go's `regexp` reads them.
//!
//! Not the `regex` crate: its classes nest and know set operations, `\d` and `\b` are Unicode,
//! `\<` is an anchor, and a name that is not UTF-8 never matches `[^/]`. What patterns can be
//! translated into is small (no group but one, repetition of single characters only), so a matcher
//! that walks over tokens does, and a list of patterns is ready as soon as it is read.

mod class;
mod parse;

use super::translate::{DIRECTORIES, ELEMENT, REST};
use crate::context::lexical::rune;
use class::Class;

/// A parsed expression: it matches where one of its alternatives does.
#[derive(Debug)]
pub(super) struct Expression(Vec<Sequence>);

#[derive(Debug)]
struct Sequence {
    tokens: Vec<Token>,
    /// How many tokens may match at more than one length.
    branches: usize,
}

#[derive(Debug)]
enum Token {
    /// These bytes.
    Literal(Vec<u8>),
    /// `[^/]`.
    One,
    /// `[^/]*`.
    Element,
    /// `(.*/)?`.
    Directories,
    /// `.*`.
    Rest,
    /// A bracketed or named class.
    Class(Class),
    /// The same, any number of times: what `[*]` turns into.
    Classes(Class),
    /// The same, at most once.
    Maybe(Class),
    /// `^` or `\A`.
    Start,
    /// `$` or `\z`.
    End,
    /// `\b`, or `\B` when false.
    Boundary(bool),
}

impl Token {
    fn branches(&self) -> bool {
        matches!(
            self,
            Self::Element | Self::Directories | Self::Rest | Self::Classes(_) | Self::Maybe(_)
        )
    }
}

impl Expression {
    /// Reads `source`, or says why it is no expression.
    pub(super) fn parse(source: &str) -> Result<Self, &'static str> {
        let alternatives = parse::alternatives(source)?.into_iter();
        let sequences = alternatives.map(|tokens| Sequence {
            branches: tokens.iter().filter(|token| token.branches()).count(),
            tokens,
        });
        Ok(Self(sequences.collect()))
    }

    /// Whether `path` matches.
    pub(super) fn matches(&self, path: &[u8]) -> bool {
        self.0.iter().any(|sequence| sequence.matches(path))
    }
}

impl Sequence {
    fn matches(&self, path: &[u8]) -> bool {
        // Nearly all paths fail here: most patterns end in a name or an extension.
        if let [.., Token::Literal(end), Token::End] = self.tokens.as_slice()
            && !path.ends_with(end)
        {
            return false;
        }
        // With one or two branches the work is bounded by the square of a short length anyway.
        let failed = if self.branches > 2 {
            vec![false; self.tokens.len() * (path.len() + 1)]
        } else {
            Vec::new()
        };
        let mut attempt = Attempt {
            tokens: &self.tokens,
            path,
            failed,
        };
        if let Some(Token::Start) = self.tokens.first() {
            return attempt.run(0, 0);
        }
        let mut at = 0;
        loop {
            if attempt.run(0, at) {
                return true;
            }
            match rune(&path[at..]) {
                Some((_, width)) => at += width,
                None => return false,
            }
        }
    }
}

/// One try at one path.
struct Attempt<'a> {
    tokens: &'a [Token],
    path: &'a [u8],
    /// For each branching token and position, whether going on from there has failed; empty when
    /// that is not worth remembering.
    failed: Vec<bool>,
}

impl Attempt<'_> {
    /// Whether the tokens from `token` on match from `at` on. Recurses once per branching token,
    /// not per character.
    fn run(&mut self, mut token: usize, mut at: usize) -> bool {
        let tokens = self.tokens;
        while let Some(next) = tokens.get(token) {
            let rest = &self.path[at..];
            let width = match next {
                Token::Literal(bytes) => rest.starts_with(bytes).then_some(bytes.len()),
                Token::One => rune(rest).and_then(|(c, width)| (c != '/').then_some(width)),
                Token::Class(class) => class.width(rest),
                Token::Start => (at == 0).then_some(0),
                Token::End => rest.is_empty().then_some(0),
                Token::Boundary(wanted) => (self.boundary(at) == *wanted).then_some(0),
                branching => return self.branch(branching, token, at),
            };
            let Some(width) = width else { return false };
            at += width;
            token += 1;
        }
        true
    }

    fn branch(&mut self, kind: &Token, token: usize, start: usize) -> bool {
        if let Some(failed) = self.failed.get_mut(token * (self.path.len() + 1) + start)
            && std::mem::replace(failed, true)
        {
            return false;
        }
        let mut at = start;
        if self.run(token + 1, at) {
            return true;
        }
        while let Some((c, width)) = rune(&self.path[at..]) {
            let goes_on = match kind {
                Token::Element => c != '/',
                Token::Directories | Token::Rest => c != '\n',
                Token::Classes(class) | Token::Maybe(class) => class.contains(c),
                _ => false,
            };
            if !goes_on {
                return false;
            }
            at += width;
            let may_stop = !matches!(kind, Token::Directories) || c == '/';
            if may_stop && self.run(token + 1, at) {
                return true;
            }
            if matches!(kind, Token::Maybe(_)) {
                return false;
            }
        }
        false
    }

    fn boundary(&self, at: usize) -> bool {
        let word = |byte: Option<&u8>| {
            byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        };
        let before = at.checked_sub(1).and_then(|at| self.path.get(at));
        word(before) != word(self.path.get(at))
    }
}
