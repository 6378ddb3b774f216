//! Shell patterns over one file name: `*`, `?`, `[a-z]`, `[^a]` and `\`.
//!
//! Used to expand wildcards in follow paths, and as the gatekeeper of ignore patterns: what does
//! not parse here is refused before any file is looked at, although matching is done by other
//! rules (`ignore`). A `*` may stop inside a multi-byte character, as it does in Go; nobody
//! writes such patterns, but then both sides agree on them.

use super::lexical::rune;

/// A pattern with a class or an escape that does not end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadPattern;

/// A parsed pattern.
#[derive(Debug)]
pub(super) struct Glob(Vec<Token>);

#[derive(Debug)]
enum Token {
    Byte(u8),
    One,
    Many,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Glob {
    /// Parses `pattern`.
    pub(super) fn parse(mut pattern: &[u8]) -> Result<Self, BadPattern> {
        let mut tokens = Vec::new();
        while let Some((&first, rest)) = pattern.split_first() {
            pattern = rest;
            tokens.push(match first {
                b'*' => Token::Many,
                b'?' => Token::One,
                b'[' => class(&mut pattern)?,
                b'\\' if cfg!(not(windows)) => {
                    let (&escaped, rest) = pattern.split_first().ok_or(BadPattern)?;
                    pattern = rest;
                    Token::Byte(escaped)
                }
                byte => Token::Byte(byte),
            });
        }
        Ok(Self(tokens))
    }

    /// Whether the whole of `name` matches.
    pub(super) fn matches(&self, name: &[u8]) -> bool {
        let (mut token, mut at) = (0, 0);
        // Where to go on after the last `*` when what follows it did not fit.
        let mut retry: Option<(usize, usize)> = None;
        loop {
            match self.0.get(token) {
                None if at == name.len() => return true,
                Some(Token::Many) => {
                    token += 1;
                    retry = Some((token, at));
                    continue;
                }
                Some(single) => {
                    if let Some(width) = single.width(&name[at..]) {
                        token += 1;
                        at += width;
                        continue;
                    }
                }
                None => {}
            }
            match retry {
                Some((after, from)) if from < name.len() && name[from] != b'/' => {
                    retry = Some((after, from + 1));
                    (token, at) = (after, from + 1);
                }
                _ => return false,
            }
        }
    }
}

impl Token {
    /// How many bytes of `text` this takes, if it takes any.
    fn width(&self, text: &[u8]) -> Option<usize> {
        let (c, width) = rune(text)?;
        match self {
            Self::Byte(byte) => (text[0] == *byte).then_some(1),
            Self::One => (c != '/').then_some(width),
            Self::Class { negated, ranges } => {
                let inside = ranges.iter().any(|(low, high)| (*low..=*high).contains(&c));
                (inside != *negated).then_some(width)
            }
            Self::Many => None,
        }
    }
}

/// The class whose `[` was just taken.
fn class(pattern: &mut &[u8]) -> Result<Token, BadPattern> {
    let negated = pattern.first() == Some(&b'^');
    if negated {
        *pattern = &pattern[1..];
    }
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && pattern.first() == Some(&b']') {
            *pattern = &pattern[1..];
            return Ok(Token::Class { negated, ranges });
        }
        let low = member(pattern)?;
        let high = match pattern.split_first() {
            Some((b'-', rest)) => {
                *pattern = rest;
                member(pattern)?
            }
            _ => low,
        };
        ranges.push((low, high));
    }
}

/// One character of a class; something must follow it.
fn member(pattern: &mut &[u8]) -> Result<char, BadPattern> {
    match pattern.first() {
        None | Some(b'-' | b']') => return Err(BadPattern),
        Some(b'\\') if cfg!(not(windows)) => *pattern = &pattern[1..],
        Some(_) => {}
    }
    let (c, width) = rune(pattern).ok_or(BadPattern)?;
    let broken = c == char::REPLACEMENT_CHARACTER && width == 1;
    *pattern = &pattern[width..];
    if broken || pattern.is_empty() {
        return Err(BadPattern);
    }
    Ok(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_in_a_shell() {
        for (pattern, name, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("*.rs", "lib.rs", true),
            ("*.rs", "lib.rs.orig", false),
            ("a*b*c", "aXbYbZc", true),
            ("?", "é", true),
            ("??", "é", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[!a]", "a", true),
            ("[!a]", "b", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("[\\]]", "]", true),
            ("*", "a/b", false),
            ("]", "]", true),
        ] {
            let glob = Glob::parse(pattern.as_bytes()).unwrap();
            assert_eq!(glob.matches(name.as_bytes()), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn what_does_not_end_is_bad() {
        for pattern in [
            "[", "[]", "[]a]", "[^]", "[a", "[a-]", "[-a]", "[a-b-c]", "a\\", "[\\",
        ] {
            assert_eq!(
                Glob::parse(pattern.as_bytes()).err(),
                Some(BadPattern),
                "{pattern}"
            );
        }
    }
}
