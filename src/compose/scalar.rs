//! What a plain YAML scalar means to Compose, and how Compose prints numbers.
//!
//! Compose reads YAML with go-yaml, whose rules are its own mixture: YAML 1.1 octals and
//! underscores, YAML 1.2 booleans, no base 60. Values become the arguments of builds as text, so
//! the printing of floats follows Go as well (`1.10` is "1.1", `1234567.0` is "1.234567e+06").

use super::tree::Value;

/// The value of a plain scalar.
pub(super) fn resolve(text: String) -> Value {
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Value::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float(f64::NEG_INFINITY),
        _ => {}
    }
    match text.as_bytes()[0] {
        b'.' => float(&text).map_or_else(|| Value::Text(text), Value::Float),
        b'+' | b'-' | b'0'..=b'9' => number_or_date(text),
        _ => Value::Text(text),
    }
}

/// A scalar that starts like a number.
fn number_or_date(text: String) -> Value {
    if let Some(date) = timestamp(&text) {
        return Value::Text(date);
    }
    if text == "-0" {
        return Value::Float(-0.0);
    }
    let plain = text.replace('_', "");
    if let Some(number) = integer(&plain) {
        return Value::Int(number);
    }
    match float(&plain) {
        Some(number) => Value::Float(number),
        None => Value::Text(text),
    }
}

/// A Go integer literal that fits 64 bits, with or without sign.
pub(super) fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    let value = if negative { -value } else { value };
    (i128::from(i64::MIN)..=i128::from(u64::MAX))
        .contains(&value)
        .then_some(value)
}

/// A decimal number with an optional fraction and exponent, when a float can hold it.
pub(super) fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, fraction),
        None => (mantissa, ""),
    };
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let exponent_holds = exponent.is_none_or(|text| {
        let text = text.strip_prefix(['+', '-']).unwrap_or(text);
        !text.is_empty() && digits(text)
    });
    if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) || !exponent_holds {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A date or time in one of the four spellings go-yaml knows, as Go prints it.
fn timestamp(text: &str) -> Option<String> {
    let mut rest = text;
    let year = digits(&mut rest, 4..=4)?;
    let month = punctuated(&mut rest, "-", 1..=2)?;
    let day = punctuated(&mut rest, "-", 1..=2)?;
    if !(1..=12).contains(&month) || day == 0 || day > days(year, month) {
        return None;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    if rest.is_empty() {
        return Some(format!("{date} 00:00:00 +0000 UTC"));
    }
    let zoned = rest.starts_with(['T', 't']);
    rest = rest.strip_prefix(['T', 't', ' '])?;
    let hour = digits(&mut rest, 1..=2)?;
    let minute = punctuated(&mut rest, ":", 1..=2)?;
    let second = punctuated(&mut rest, ":", 1..=2)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut fraction = String::new();
    if let Some(after) = rest.strip_prefix('.') {
        let end = after.bytes().take_while(u8::is_ascii_digit).count();
        if end == 0 || end > 9 {
            return None;
        }
        fraction = format!(".{}", after[..end].trim_end_matches('0'));
        fraction.truncate(fraction.trim_end_matches('.').len());
        rest = &after[end..];
    }
    let zone = zone(rest, zoned)?;
    Some(format!(
        "{date} {hour:02}:{minute:02}:{second:02}{fraction} {zone}"
    ))
}

/// The zone part of a timestamp: `Z` or an offset after `T`, nothing after a blank.
fn zone(text: &str, zoned: bool) -> Option<String> {
    match (zoned, text) {
        (false, "") | (true, "Z") => Some("+0000 UTC".to_owned()),
        (true, offset) => {
            let mut rest = offset.strip_prefix(['+', '-'])?;
            let hours = digits(&mut rest, 2..=2)?;
            let minutes = punctuated(&mut rest, ":", 2..=2)?;
            let sign = &offset[..1];
            (rest.is_empty() && hours < 24 && minutes < 60)
                .then(|| format!("{sign}{hours:02}{minutes:02} {sign}{hours:02}{minutes:02}"))
        }
        (false, _) => None,
    }
}

/// Takes a number of so many digits off the front.
fn digits(rest: &mut &str, count: std::ops::RangeInclusive<usize>) -> Option<u32> {
    let end = rest
        .bytes()
        .take(*count.end())
        .take_while(u8::is_ascii_digit)
        .count();
    if end < *count.start() {
        return None;
    }
    let value = rest[..end].parse().ok();
    *rest = &rest[end..];
    value
}

/// Takes a separator and a number off the front.
fn punctuated(
    rest: &mut &str,
    separator: &str,
    count: std::ops::RangeInclusive<usize>,
) -> Option<u32> {
    *rest = rest.strip_prefix(separator)?;
    digits(rest, count)
}

/// Days of a month of the Gregorian calendar.
fn days(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A float as Go's `%v` prints it: the shortest digits that read back the same, with an exponent
/// below 1e-4 and from 1e6 on.
pub(super) fn go_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    // Rust's exponent form has the same shortest digits: `1.234567e6`.
    let shortest = format!("{value:e}");
    let (digits, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// Compose's reading of a boolean written as text, and whether it frowns upon the spelling.
pub(super) fn boolean(text: &str) -> Option<(bool, Spelling)> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some((true, Spelling::Proper)),
        "false" => Some((false, Spelling::Proper)),
        "y" | "yes" | "on" => Some((true, Spelling::Old)),
        "n" | "no" | "off" => Some((false, Spelling::Old)),
        _ => None,
    }
}

/// Whether a boolean is spelt in a way that Compose still takes but asks to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// `true` or `false`.
    Proper,
    /// YAML 1.1's `yes`, `off` and their kin.
    Old,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::tree::Node;
    use crate::diagnostic::{Position, Source, Span};

    fn printed(text: &str) -> String {
        let place = Position { line: 1, column: 1 };
        let span = Span::new(&Source::new("t", ""), place, place);
        let node = Node::new(resolve(text.to_owned()), span);
        match node.scalar_text() {
            Some(printed) => format!("{}:{printed}", node.kind().rsplit(' ').next().unwrap()),
            None => "null".to_owned(),
        }
    }

    /// The table of section 3.2 of the reference.
    #[test]
    fn plain_scalars_mean_what_go_yaml_takes_them_for() {
        for (written, meant) in [
            ("true", "boolean:true"),
            ("TRUE", "boolean:true"),
            ("tRue", "string:tRue"),
            ("yes", "string:yes"),
            ("on", "string:on"),
            ("y", "string:y"),
            ("010", "number:8"),
            ("0o10", "number:8"),
            ("08", "number:8"),
            ("09.5", "number:9.5"),
            ("0x1F", "number:31"),
            ("0b11", "number:3"),
            ("-0b11", "number:-3"),
            ("1_000", "number:1000"),
            ("1_000.5", "number:1000.5"),
            ("1.10", "number:1.1"),
            ("1.0", "number:1"),
            ("1.", "number:1"),
            (".5", "number:0.5"),
            ("1e3", "number:1000"),
            ("100000000.0", "number:1e+08"),
            ("0.00001", "number:1e-05"),
            ("0.1e-7", "number:1e-08"),
            ("123456.0", "number:123456"),
            ("1234567.0", "number:1.234567e+06"),
            ("18446744073709551615", "number:18446744073709551615"),
            (
                "123456789012345678901234567890",
                "number:1.2345678901234568e+29",
            ),
            ("1e400", "string:1e400"),
            ("0x1p4", "string:0x1p4"),
            ("0o8", "string:0o8"),
            ("12:30:45", "string:12:30:45"),
            ("22:22", "string:22:22"),
            ("", "null"),
            ("~", "null"),
            ("Null", "null"),
            ("+1", "number:1"),
            ("-0", "number:-0"),
            (".inf", "number:+Inf"),
            (".nan", "number:NaN"),
            ("2001-01-01", "string:2001-01-01 00:00:00 +0000 UTC"),
            (
                "2001-12-14T21:59:43.10Z",
                "string:2001-12-14 21:59:43.1 +0000 UTC",
            ),
            ("2001-13-01", "string:2001-13-01"),
            ("1.2.3", "string:1.2.3"),
            ("-", "string:-"),
            (".", "string:."),
            ("1e", "string:1e"),
        ] {
            assert_eq!(printed(written), meant, "{written}");
        }
    }
}
