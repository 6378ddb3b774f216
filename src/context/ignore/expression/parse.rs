//! From the text of an expression to tokens.

use super::class::{Class, named, posix};
use super::{DIRECTORIES, ELEMENT, REST, Token};

const ESCAPE: &str = "its `\\` escape has no meaning";
const RANGE: &str = "its `[..]` holds a range that runs backwards or an unknown class";
const BRACKET: &str = "its `[` is not closed";
const OTHER: &str = "it makes no expression";

/// The tokens of `source`.
pub(super) fn tokens(mut source: &str) -> Result<Vec<Token>, &'static str> {
    let mut tokens = Vec::new();
    while let Some(c) = source.chars().next() {
        let token = match c {
            '^' => take(&mut source, "^", Token::Start),
            '$' => take(&mut source, "$", Token::End),
            '(' => take(&mut source, DIRECTORIES, Token::Directories),
            '.' => take(&mut source, REST, Token::Rest),
            '[' => bracket(&mut source).map(Some)?,
            '\\' => match escaped(&mut source)? {
                Escaped::Text(text) => {
                    text.chars().for_each(|c| literal(&mut tokens, c));
                    continue;
                }
                Escaped::Token(token) => Some(token),
            },
            '*' | '+' | '?' | '|' | ')' | '{' => None,
            _ => {
                literal(&mut tokens, c);
                source = &source[c.len_utf8()..];
                continue;
            }
        };
        tokens.push(token.ok_or(OTHER)?);
    }
    Ok(tokens)
}

fn take(source: &mut &str, text: &str, token: Token) -> Option<Token> {
    *source = source.strip_prefix(text)?;
    Some(token)
}

/// Appends a character, to the literal before it if there is one.
fn literal(tokens: &mut Vec<Token>, c: char) {
    if c == char::REPLACEMENT_CHARACTER {
        // It also stands for a byte that is no text, so it cannot be compared as bytes.
        tokens.push(Token::Class(Class::of(c)));
        return;
    }
    if !matches!(tokens.last(), Some(Token::Literal(_))) {
        tokens.push(Token::Literal(Vec::new()));
    }
    if let Some(Token::Literal(bytes)) = tokens.last_mut() {
        bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// A class in brackets, and the `*` behind it.
fn bracket(source: &mut &str) -> Result<Token, &'static str> {
    if let Some(rest) = source.strip_prefix(ELEMENT) {
        *source = rest;
        return Ok(Token::Element);
    }
    if let Some(rest) = source.strip_prefix("[^/]") {
        *source = rest;
        return Ok(Token::One);
    }
    let class = members(source)?;
    Ok(match source.strip_prefix('*') {
        Some(rest) => {
            *source = rest;
            Token::Classes(class)
        }
        None => Token::Class(class),
    })
}

fn members(source: &mut &str) -> Result<Class, &'static str> {
    let mut rest = &source[1..];
    let mut class = Class::default();
    if let Some(after) = rest.strip_prefix('^') {
        class.negate();
        rest = after;
    }
    let mut first = true;
    while first || !rest.starts_with(']') {
        first = false;
        if rest.is_empty() {
            return Err(BRACKET);
        }
        if rest.starts_with("[:")
            && let Some(length) = rest[2..].find(":]")
        {
            class.add(posix(&rest[2..2 + length]).ok_or(RANGE)?);
            rest = &rest[length + 4..];
            continue;
        }
        if let Some((named, after)) = named_class(rest)? {
            class.add(named);
            rest = after;
            continue;
        }
        let low = member(&mut rest)?;
        let mut high = low;
        if rest.len() >= 2 && rest.starts_with('-') && !rest.starts_with("-]") {
            rest = &rest[1..];
            high = member(&mut rest)?;
            if high < low {
                return Err(RANGE);
            }
        }
        class.add_range(low, high);
    }
    *source = &rest[1..];
    Ok(class)
}

fn member(rest: &mut &str) -> Result<char, &'static str> {
    if rest.starts_with('\\') {
        return escaped_character(rest);
    }
    let c = rest.chars().next().ok_or(BRACKET)?;
    *rest = &rest[c.len_utf8()..];
    Ok(c)
}

/// `\d` and its like, and `\pL`, at the start of `source`.
fn named_class(source: &str) -> Result<Option<(Class, &str)>, &'static str> {
    let Some(name) = source.strip_prefix('\\') else {
        return Ok(None);
    };
    let Some(c) = name.chars().next() else {
        return Ok(None);
    };
    if matches!(c, 'p' | 'P') {
        let category = name[1..].chars().next().ok_or(ESCAPE)?;
        let class = Class::category(category, c == 'P').ok_or(RANGE)?;
        return Ok(Some((class, &name[1 + category.len_utf8()..])));
    }
    Ok(named(c).map(|class| (class, &name[c.len_utf8()..])))
}

/// What an escape outside of brackets stands for.
enum Escaped<'a> {
    Text(std::borrow::Cow<'a, str>),
    Token(Token),
}

fn escaped<'a>(source: &mut &'a str) -> Result<Escaped<'a>, &'static str> {
    let rest = &source[1..];
    let anchor = match rest.as_bytes().first() {
        Some(b'A') => Some(Token::Start),
        Some(b'z') => Some(Token::End),
        Some(b'b') => Some(Token::Boundary(true)),
        Some(b'B') => Some(Token::Boundary(false)),
        Some(b'Q') => {
            let (text, after) = rest[1..].split_once("\\E").unwrap_or((&rest[1..], ""));
            *source = after;
            return Ok(Escaped::Text(text.into()));
        }
        _ => None,
    };
    if let Some(anchor) = anchor {
        *source = &rest[1..];
        return Ok(Escaped::Token(anchor));
    }
    if let Some((class, after)) = named_class(source)? {
        *source = after;
        return Ok(Escaped::Token(Token::Class(class)));
    }
    let c = escaped_character(source)?;
    Ok(Escaped::Text(c.to_string().into()))
}

/// An escape that stands for one character.
fn escaped_character(source: &mut &str) -> Result<char, &'static str> {
    let rest = &source[1..];
    let c = rest.chars().next().ok_or(ESCAPE)?;
    let after = &rest[c.len_utf8()..];
    let octal = |text: &str| {
        text.bytes()
            .take_while(|b| (b'0'..=b'7').contains(b))
            .count()
    };
    let (value, after) = match c {
        '0'..='7' if c == '0' || octal(after) > 0 => {
            let digits = 1 + octal(after).min(2);
            (u32::from_str_radix(&rest[..digits], 8), &rest[digits..])
        }
        'x' => {
            let digits = after.get(..2).ok_or(ESCAPE)?;
            if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(ESCAPE);
            }
            (u32::from_str_radix(digits, 16), &after[2..])
        }
        'a' => (Ok(7), after),
        'f' => (Ok(12), after),
        'n' => (Ok(10), after),
        'r' => (Ok(13), after),
        't' => (Ok(9), after),
        'v' => (Ok(11), after),
        _ if c.is_ascii() && !c.is_ascii_alphanumeric() => (Ok(u32::from(c)), after),
        _ => return Err(ESCAPE),
    };
    *source = after;
    value.ok().and_then(char::from_u32).ok_or(ESCAPE)
}
