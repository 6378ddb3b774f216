//! Sets of characters.

use regex_syntax::hir::{Class as HirClass, HirKind};

use crate::context::lexical::rune;

/// What stands between brackets, or behind `\d` and its like.
#[derive(Debug, Clone, Default)]
pub(super) struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
    /// Classes within this one that are not ranges, as `\D` in `[\Da]`.
    nested: Vec<Class>,
}

impl Class {
    /// The class of one character.
    pub(super) fn of(c: char) -> Self {
        Self {
            ranges: vec![(c, c)],
            ..Self::default()
        }
    }

    fn of_ranges(ranges: &[(char, char)], negated: bool) -> Self {
        Self {
            negated,
            ranges: ranges.to_vec(),
            ..Self::default()
        }
    }

    /// `[^/]`.
    pub(super) fn within_element() -> Self {
        Self::of_ranges(&[('/', '/')], true)
    }

    /// The Unicode category or script with this name; `^` before it negates.
    pub(super) fn category(name: &str, negated: bool) -> Option<Self> {
        let (name, negated) = match name.strip_prefix('^') {
            Some(name) => (name, !negated),
            None => (name, negated),
        };
        // The tables are those of the crate, which is lax about case and the like; Go takes only the proper
        // names.
        let proper = match name.as_bytes() {
            [one] => b"CLMNPSZ".contains(one),
            [first, rest @ ..] => {
                first.is_ascii_uppercase()
                    && rest
                        .iter()
                        .all(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
            }
            [] => false,
        };
        if !proper {
            return None;
        }
        let category = regex_syntax::parse(&format!("\\p{{{name}}}")).ok()?;
        let ranges = match category.kind() {
            HirKind::Class(HirClass::Unicode(class)) => {
                let ranges = class.iter().map(|range| (range.start(), range.end()));
                ranges.collect()
            }
            // One character, as `\p{Zl}` is.
            HirKind::Literal(one) => {
                let one = std::str::from_utf8(&one.0).ok()?;
                one.chars().map(|c| (c, c)).collect()
            }
            _ => Vec::new(),
        };
        Some(Self {
            negated,
            ranges,
            ..Self::default()
        })
    }

    /// Makes this the class of everything else.
    pub(super) fn negate(&mut self) {
        self.negated = !self.negated;
    }

    /// Adds what is in `class`.
    pub(super) fn add(&mut self, class: Self) {
        self.nested.push(class);
    }

    /// Adds the characters from `low` to `high`.
    pub(super) fn add_range(&mut self, low: char, high: char) {
        self.ranges.push((low, high));
    }

    /// Whether `c` is in the class.
    pub(super) fn contains(&self, c: char) -> bool {
        let inside = self
            .ranges
            .iter()
            .any(|(low, high)| (*low..=*high).contains(&c))
            || self.nested.iter().any(|class| class.contains(c));
        inside != self.negated
    }

    /// The width of the first character of `text`, if it is in the class.
    pub(super) fn width(&self, text: &[u8]) -> Option<usize> {
        let (c, width) = rune(text)?;
        self.contains(c).then_some(width)
    }
}

const DIGIT: &[(char, char)] = &[('0', '9')];
const SPACE: &[(char, char)] = &[('\t', '\n'), ('\x0c', '\r'), (' ', ' ')];
const WORD: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];

/// The class behind `\d`, `\s`, `\w` and their opposites: of ASCII only.
pub(super) fn named(name: char) -> Option<Class> {
    let ranges = match name.to_ascii_lowercase() {
        'd' => DIGIT,
        's' => SPACE,
        'w' => WORD,
        _ => return None,
    };
    Some(Class::of_ranges(ranges, name.is_ascii_uppercase()))
}

/// The class called `[:name:]`, of ASCII only; `^` before the name negates.
pub(super) fn posix(name: &str) -> Option<Class> {
    let (name, negated) = match name.strip_prefix('^') {
        Some(name) => (name, true),
        None => (name, false),
    };
    let ranges: &[(char, char)] = match name {
        "alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => &[('A', 'Z'), ('a', 'z')],
        "ascii" => &[('\0', '\x7f')],
        "blank" => &[('\t', '\t'), (' ', ' ')],
        "cntrl" => &[('\0', '\x1f'), ('\x7f', '\x7f')],
        "digit" => DIGIT,
        "graph" => &[('!', '~')],
        "lower" => &[('a', 'z')],
        "print" => &[(' ', '~')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => &[('\t', '\r'), (' ', ' ')],
        "upper" => &[('A', 'Z')],
        "word" => WORD,
        "xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return None,
    };
    Some(Class::of_ranges(ranges, negated))
}
