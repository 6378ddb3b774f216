//! Scripts of `package.json` and `pyproject.toml` (PDM): the commands of Compose that build become dcb's,
//! in their place in the text. Everything else in these files stays as it is, to the byte.

use std::ops::Range;

use super::command::{Takes, handed_over};

/// `text` of a file of this name with its scripts handed over; the same where nothing is to be done.
pub(super) fn hand_over(name: &str, text: &str, takes: &Takes<'_>) -> String {
    let section = if name == "package.json" {
        json_scripts(text)
    } else {
        pdm_scripts(text)
    };
    let Some(section) = section else {
        return text.to_owned();
    };
    let mut changed = text.to_owned();
    for range in strings(text, section).into_iter().rev() {
        let Some(instead) = handed_over(&text[range.clone()], &|_| None, takes) else {
            continue;
        };
        changed.replace_range(range, &instead);
    }
    changed
}

/// Where the object `scripts` of a JSON text is.
fn json_scripts(text: &str) -> Option<Range<usize>> {
    let parsed: serde_json::Value = serde_json::from_str(text).ok()?;
    parsed.get("scripts")?.as_object()?;
    // The one at the top is the only one that stands one bracket deep.
    let mut depth = 0_usize;
    let mut begin = None;
    let mut key = false;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let c = rest.chars().next()?;
        match c {
            '"' => {
                let length = quoted(rest)?;
                key = depth == 1 && &rest[1..length - 1] == "scripts" || key && depth > 1;
                at += length;
                continue;
            }
            '{' | '[' => {
                if key && depth == 1 && begin.is_none() {
                    begin = Some(at);
                }
                depth += 1;
            }
            '}' | ']' => {
                depth = depth.checked_sub(1)?;
                if let Some(begin) = begin.filter(|_| depth == 1) {
                    return Some(begin..at);
                }
            }
            _ => {}
        }
        at += c.len_utf8();
    }
    None
}

/// The length of a string with its quotes, at which `rest` begins.
fn quoted(rest: &str) -> Option<usize> {
    let quote = rest.chars().next()?;
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            c if c == quote => return Some(at + 1),
            '\n' => return None,
            _ => {}
        }
    }
    None
}

/// Where the lines of `[tool.pdm.scripts]` are.
fn pdm_scripts(text: &str) -> Option<Range<usize>> {
    let mut begin = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let header = line.trim().split('#').next().unwrap_or_default().trim();
        match begin {
            None if header == "[tool.pdm.scripts]" => begin = Some(at + line.len()),
            Some(begin) if header.starts_with('[') => return Some(begin..at),
            _ => {}
        }
        at += line.len();
    }
    begin.map(|begin| begin..at)
}

/// The strings in a part of a text, without their quotes. Those with escapes are left out: what stands
/// in them is not what is run.
fn strings(text: &str, part: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = part.start;
    while let Some(rest) = text.get(at..part.end).filter(|rest| !rest.is_empty()) {
        let c = rest.chars().next().unwrap_or_default();
        match c {
            '"' | '\'' => match quoted(rest) {
                Some(length) => {
                    let inner = at + 1..at + length - 1;
                    if !text[inner.clone()].contains('\\') {
                        found.push(inner);
                    }
                    at += length;
                }
                None => at += 1,
            },
            '#' => at += rest.find('\n').unwrap_or(rest.len()),
            c => at += c.len_utf8(),
        }
    }
    found
}
