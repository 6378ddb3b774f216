//! Words for people: durations, sizes, counts, and text cut to a width.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

/// `340ms`, `1.2s`, `2m 03s`, `1h 02m`.
pub fn duration(value: Duration) -> String {
    let millis = value.as_millis();
    let seconds = (millis + 500) / 1000;
    match millis {
        0..1_000 => format!("{millis}ms"),
        1_000..59_950 => format!("{:.1}s", value.as_secs_f64()),
        59_950..3_599_500 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Milliseconds as a clock shows them that goes on: `34s`, `2m 03s`, `1h 02m`.
pub fn seconds(millis: u64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// How long ago something was, roughly: `just now`, `5 minutes ago`, `3 days ago`.
pub fn ago(since: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [
        (86_400, "day"),
        (3_600, "hour"),
        (60, "minute"),
        (1, "second"),
    ];
    let seconds = since.as_secs();
    let unit = UNITS.iter().find(|(length, _)| seconds >= *length);
    match unit {
        Some((length, noun)) if seconds >= 10 => {
            let number = usize::try_from(seconds / length).unwrap_or(usize::MAX);
            format!("{} ago", count(number, noun))
        }
        _ => "just now".to_owned(),
    }
}

/// `512 B`, `1.5 KiB`, `23.5 GiB`.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if number < 1024 {
        return format!("{number} B");
    }
    // In tenths, so that no number needs a fraction.
    let (mut tenths, mut unit) = (u128::from(number) * 10, 0);
    while (tenths + 512) / 1024 >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    let tenths = (tenths + 512) / 1024;
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// `2 services`, `1 service`.
pub fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// Names joined for a sentence: `` `a`, `b` and `c` ``.
pub fn list<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let names: Vec<String> = names
        .into_iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    match names.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// `error` without the name of a temporary file, which tempfile puts behind it and only we know.
pub fn unnamed(error: io::Error) -> io::Error {
    match error.to_string().rsplit_once(" at path \"") {
        Some((cause, _)) => io::Error::new(error.kind(), cause),
        None => error,
    }
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

/// `text` in at most `width` columns, its middle of no interest: cut at the end with an ellipsis.
pub fn truncate(text: &str, width: usize) -> Cow<'_, str> {
    console::truncate_str(text, width, "…")
}

/// Text that came from elsewhere, made safe for a terminal: control characters are dropped, of a
/// line that was rewritten with carriage returns only the last state is kept, colours are removed, and
/// so is what would turn the direction of the text around it.
pub fn sanitize(text: &str) -> String {
    let text = text.trim_end_matches(['\r', '\n']);
    let last = text.rsplit('\r').next().unwrap_or_default();
    console::strip_ansi_codes(last)
        .chars()
        .filter(|c| *c == '\t' || !c.is_control())
        .filter(|c| !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .collect()
}

/// The name among `known` that `word` is most likely a misspelling of, if any is near enough; `-`
/// and `_` count as the same.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    let allowed = (length / 3).max(1);
    known
        .into_iter()
        .filter(|name| name.chars().count().abs_diff(length) <= allowed)
        .map(|name| (distance(word, name), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many letters have to be inserted, removed, changed or swapped with their neighbour.
fn distance(one: &str, other: &str) -> usize {
    let letters = |word: &str| word.replace('-', "_").chars().collect::<Vec<char>>();
    let (one, other) = (letters(one), letters(other));
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for i in 1..=one.len() {
        let mut next = vec![i];
        for j in 1..=other.len() {
            let changed = usize::from(one[i - 1] != other[j - 1]);
            let mut best = (row[j - 1] + changed).min(row[j] + 1).min(next[j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_two_or_three_figures() {
        for (millis, text) in [
            (0, "0ms"),
            (999, "999ms"),
            (1_000, "1.0s"),
            (59_949, "59.9s"),
            (59_950, "1m 00s"),
            (123_456, "2m 03s"),
            (3_599_500, "1h 00m"),
            (3_720_000, "1h 02m"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn a_clock_shows_only_what_is_over() {
        for (millis, text) in [
            (999, "0s"),
            (59_999, "59s"),
            (60_000, "1m 00s"),
            (3_599_999, "59m 59s"),
            (3_720_000, "1h 02m"),
        ] {
            assert_eq!(seconds(millis), text);
        }
    }

    #[test]
    fn what_was_long_ago_is_told_roughly() {
        for (seconds, text) in [
            (0, "just now"),
            (9, "just now"),
            (10, "10 seconds ago"),
            (60, "1 minute ago"),
            (7_300, "2 hours ago"),
            (200_000, "2 days ago"),
        ] {
            assert_eq!(ago(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn bytes_have_one_decimal_and_a_unit() {
        for (number, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (1024 * 1024 - 1, "1.0 MiB"),
            (25_276_502_016, "23.5 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(bytes(number), text, "{number}");
        }
    }

    #[test]
    fn text_from_a_build_cannot_move_the_cursor() {
        assert_eq!(sanitize("10%\r55%\r100%\r\n"), "100%");
        assert_eq!(sanitize("\u{1b}[31mred\u{1b}[0m\u{7}"), "red");
        assert_eq!(sanitize("\u{1b}[2J\u{1b}[Hhome"), "home");
        assert_eq!(sanitize("\u{202e}txt.exe\u{202c}"), "txt.exe");
    }

    #[test]
    fn a_misspelt_name_finds_its_neighbour_and_a_strange_one_does_not() {
        let known = ["web", "worker", "database"];
        assert_eq!(nearest("wrokers", known), Some("worker"));
        assert_eq!(nearest("wbe", known), Some("web"));
        assert_eq!(nearest("cache", known), None);
        let keys = ["dockerfile", "additional_contexts", "image", "init"];
        for (written, meant) in [
            ("dokerfile", Some("dockerfile")),
            ("additional-contexts", Some("additional_contexts")),
            ("imgae", Some("image")),
            ("zzz", None),
        ] {
            assert_eq!(nearest(written, keys), meant, "{written}");
        }
    }
}
