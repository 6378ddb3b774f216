//! What a user saw, made comparable: what differs from run to run is replaced here and nowhere else.

use std::fmt::Display;

use regex::Regex;

/// Texts to replace, in the order they were added.
#[derive(Debug, Clone, Default)]
pub struct Redactions(Vec<(String, String)>);

/// Replaced in every text: durations, image ids, digests, API versions.
///
/// Their width differs from run to run too, and with it the padding beside them: see [`columns`].
const PATTERNS: &[(&str, &str)] = &[
    (r"\b(\d+(\.\d+)?(ms|s)|\d+m \d\ds)\b", "<time>"),
    (r"sha256:[0-9a-f]{64}", "sha256:<digest>"),
    (r"\b[0-9a-f]{12}\b", "<image-id>"),
    (r"API \d\.\d+", "API <api>"),
];

impl Redactions {
    /// Replaces `text` by `by`.
    pub fn add(&mut self, text: impl Display, by: &str) {
        self.0.push((text.to_string(), by.to_owned()));
    }

    /// `text` with everything replaced.
    pub fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in &self.0 {
            text = text.replace(from, to);
        }
        for (pattern, by) in PATTERNS {
            let pattern = Regex::new(pattern).expect("a pattern");
            text = pattern.replace_all(&text, *by).into_owned();
        }
        if text.contains("OUTCOME") {
            text = columns(&text);
        }
        text
    }
}

/// The text of a table with two spaces between columns, whatever their width.
pub fn columns(text: &str) -> String {
    let gap = Regex::new(r"(\S) {2,}").expect("a pattern");
    let excerpt = Regex::new(r"^(error: | *(\d+ )?[|=] )").expect("a pattern");
    text.split_inclusive('\n')
        .map(|line| {
            if excerpt.is_match(line) {
                line.to_owned()
            } else {
                gap.replace_all(line, "$1  ").into_owned()
            }
        })
        .collect()
}

/// Two texts must be the same; shows both in full when they are not.
#[track_caller]
pub fn assert_same(told: &str, expected: &str) {
    if told == expected {
        return;
    }
    let mut report = String::new();
    let (told_lines, expected_lines): (Vec<&str>, Vec<&str>) =
        (told.lines().collect(), expected.lines().collect());
    for index in 0..told_lines.len().max(expected_lines.len()) {
        match (told_lines.get(index), expected_lines.get(index)) {
            (Some(a), Some(b)) if a == b => report.push_str(&format!("  {a}\n")),
            (a, b) => {
                for (mark, line) in [("- ", b), ("+ ", a)] {
                    if let Some(line) = line {
                        report.push_str(&format!("{mark}{line}\n"));
                    }
                }
            }
        }
    }
    panic!("it tells something else (- expected, + told):\n{report}\ntold:\n{told}");
}
