//! Shell patterns over one file name: `*`, `?`, `[a-z]`, `[^a]` and `\`.
//!
//! Used to expand wildcards in follow paths, and as the gatekeeper of ignore patterns, although
//! those are matched by other rules (`ignore`).
//!
//! A pattern is a row of chunks with a `*` between them, and a chunk that is malformed is noticed
//! when matching gets to it: `a[` is bad for names that begin with what stands before it and
//! merely does not match others. A `*` may stop inside a multi-byte character. Both are how Go
//! does it; nobody writes such patterns, but then both sides agree on them.

use super::lexical::rune;

/// A pattern with a class or an escape that does not end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadPattern;

/// A parsed pattern.
#[derive(Debug)]
pub(super) struct Glob(Vec<Chunk>);

/// What stands between two `*`.
#[derive(Debug)]
struct Chunk {
    /// Whether a `*` comes before it.
    floating: bool,
    tokens: Result<Vec<Token>, BadPattern>,
}

/// Something that takes one character.
#[derive(Debug)]
enum Token {
    Byte(u8),
    Any,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Glob {
    /// Parses `pattern`; what is malformed is for [`Glob::matches`] to tell.
    pub(super) fn parse(mut pattern: &[u8]) -> Self {
        let mut chunks = Vec::new();
        while !pattern.is_empty() {
            let stars = pattern.iter().take_while(|&&byte| byte == b'*').count();
            pattern = &pattern[stars..];
            let tokens = tokens(&mut pattern);
            let malformed = tokens.is_err();
            chunks.push(Chunk {
                floating: stars > 0,
                tokens,
            });
            if malformed {
                break;
            }
        }
        Self(chunks)
    }

    /// Whether the whole of `name` matches.
    pub(super) fn matches(&self, name: &[u8]) -> Result<bool, BadPattern> {
        let mut at = 0;
        for (index, chunk) in self.0.iter().enumerate() {
            let is_last = index + 1 == self.0.len();
            let tokens = chunk.tokens.as_ref().map_err(|_| BadPattern)?;
            if chunk.floating && tokens.is_empty() {
                return Ok(!name[at..].contains(&b'/'));
            }
            let within = name[at..].iter().take_while(|&&byte| byte != b'/').count();
            let starts = if chunk.floating {
                at..=at + within
            } else {
                at..=at
            };
            let end = starts
                .filter_map(|start| end(tokens, name, start))
                .find(|&end| !is_last || end == name.len());
            match end {
                Some(end) => at = end,
                None => return Ok(false),
            }
        }
        Ok(at == name.len())
    }
}

/// The tokens up to the next `*`.
fn tokens(pattern: &mut &[u8]) -> Result<Vec<Token>, BadPattern> {
    let mut tokens = Vec::new();
    while let Some((&first, rest)) = pattern.split_first() {
        if first == b'*' {
            break;
        }
        *pattern = rest;
        tokens.push(match first {
            b'?' => Token::Any,
            b'[' => class(pattern)?,
            b'\\' if cfg!(not(windows)) => {
                let (&escaped, rest) = pattern.split_first().ok_or(BadPattern)?;
                *pattern = rest;
                Token::Byte(escaped)
            }
            byte => Token::Byte(byte),
        });
    }
    Ok(tokens)
}

/// Where `tokens` end in `name` when they begin at `at`.
fn end(tokens: &[Token], name: &[u8], at: usize) -> Option<usize> {
    tokens
        .iter()
        .try_fold(at, |at, token| Some(at + token.width(&name[at..])?))
}

impl Token {
    /// How many bytes of `text` this takes, if it takes any.
    fn width(&self, text: &[u8]) -> Option<usize> {
        let (c, width) = rune(text)?;
        match self {
            Self::Byte(byte) => (text[0] == *byte).then_some(1),
            Self::Any => (c != '/').then_some(width),
            Self::Class { negated, ranges } => {
                let inside = ranges.iter().any(|(low, high)| (*low..=*high).contains(&c));
                (inside != *negated).then_some(width)
            }
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
            let glob = Glob::parse(pattern.as_bytes());
            assert_eq!(
                glob.matches(name.as_bytes()),
                Ok(expected),
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn what_does_not_end_is_bad() {
        for pattern in [
            "[", "[]", "[]a]", "[^]", "[a", "[a-]", "[-a]", "[a-b-c]", "a\\", "[\\",
        ] {
            let glob = Glob::parse(pattern.as_bytes());
            assert_eq!(glob.matches(b"."), Err(BadPattern), "{pattern}");
        }
    }

    #[test]
    fn what_is_bad_is_noticed_when_matching_gets_there() {
        let glob = Glob::parse(b"a*[");
        assert_eq!(glob.matches(b"a"), Err(BadPattern));
        assert_eq!(glob.matches(b"."), Ok(false));
    }
}
