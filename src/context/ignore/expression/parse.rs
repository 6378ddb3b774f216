//! From the text of an expression to tokens.

use super::class::{Class, named, posix};
use super::{DIRECTORIES, ELEMENT, REST, Token};

const ESCAPE: &str = "its `\\` escape has no meaning";
const RANGE: &str = "its `[..]` holds a range that runs backwards or an unknown class";
const BRACKET: &str = "its `[` is not closed";
const REPEAT: &str = "its `{..}` repeats nothing or too often";
const OTHER: &str = "it makes no expression";

/// The alternatives of `source`, each as tokens.
pub(super) fn alternatives(mut source: &str) -> Result<Vec<Vec<Token>>, &'static str> {
    let mut alternatives = Vec::new();
    let mut tokens = Vec::new();
    while let Some(c) = source.chars().next() {
        let token = match c {
            '^' => take(&mut source, "^", Token::Start),
            '$' => take(&mut source, "$", Token::End),
            '(' => take(&mut source, DIRECTORIES, Token::Directories),
            '.' => take(&mut source, REST, Token::Rest),
            '[' => Some(bracket(&mut source)?),
            '|' => {
                source = &source[1..];
                alternatives.push(std::mem::take(&mut tokens));
                continue;
            }
            '{' if let Some((count, after)) = count(source) => {
                source = after;
                repeat(&mut tokens, count?)?;
                // One repetition cannot follow another.
                if self::count(source).is_some() {
                    return Err(REPEAT);
                }
                continue;
            }
            '\\' => match escaped(&mut source)? {
                Escaped::Text(text) => {
                    text.chars().for_each(|c| literal(&mut tokens, c));
                    continue;
                }
                Escaped::Token(token) => Some(token),
            },
            '*' | '+' | '?' | ')' => None,
            _ => {
                literal(&mut tokens, c);
                source = &source[c.len_utf8()..];
                continue;
            }
        };
        tokens.push(token.ok_or(OTHER)?);
    }
    alternatives.push(tokens);
    Ok(alternatives)
}

/// How often: at least, and at most if there is a limit.
type Count = (usize, Option<usize>);

/// A `{n}`, `{n,}` or `{n,m}` at the start of `source`, and what follows. Anything else in braces
/// is text.
fn count(source: &str) -> Option<(Result<Count, &'static str>, &str)> {
    let (inside, after) = source.strip_prefix('{')?.split_once('}')?;
    let number = |text: &str| {
        let canonical = !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && (text.len() == 1 || !text.starts_with('0'));
        canonical.then(|| text.parse().unwrap_or(usize::MAX))
    };
    let (least, most) = match inside.split_once(',') {
        None => (number(inside)?, Some(number(inside)?)),
        Some((least, "")) => (number(least)?, None),
        Some((least, most)) => (number(least)?, Some(number(most)?)),
    };
    let sane = least.max(most.unwrap_or(least)) <= 1000 && most.is_none_or(|most| least <= most);
    Some((sane.then_some((least, most)).ok_or(REPEAT), after))
}

/// Repeats the last character, class or anchor.
fn repeat(tokens: &mut Vec<Token>, (least, most): Count) -> Result<(), &'static str> {
    let class = match tokens.pop() {
        Some(Token::Literal(mut bytes)) => {
            let text = String::from_utf8_lossy(&bytes);
            let c = text.chars().next_back().ok_or(REPEAT)?;
            bytes.truncate(bytes.len() - c.len_utf8());
            if !bytes.is_empty() {
                tokens.push(Token::Literal(bytes));
            }
            Class::of(c)
        }
        Some(Token::One) => Class::within_element(),
        Some(Token::Class(class)) => class,
        Some(anchor @ (Token::Start | Token::End | Token::Boundary(_))) => {
            tokens.extend((least > 0).then_some(anchor));
            return Ok(());
        }
        _ => return Err(REPEAT),
    };
    tokens.extend((0..least).map(|_| Token::Class(class.clone())));
    match most {
        Some(most) => tokens.extend((least..most).map(|_| Token::Maybe(class.clone()))),
        None => tokens.push(Token::Classes(class)),
    }
    Ok(())
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
        let name = &name[1..];
        let (category, after) = match name.strip_prefix('{') {
            Some(braced) => braced.split_once('}').ok_or(RANGE)?,
            None => name.split_at(name.chars().next().ok_or(ESCAPE)?.len_utf8()),
        };
        let class = Class::category(category, c == 'P').ok_or(RANGE)?;
        return Ok(Some((class, after)));
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
        'x' if after.starts_with('{') => {
            let (digits, after) = after[1..].split_once('}').ok_or(ESCAPE)?;
            if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(ESCAPE);
            }
            (u32::from_str_radix(digits, 16), after)
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
