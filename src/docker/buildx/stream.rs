//! What buildx writes on standard error, put apart: the messages of BuildKit, and lines of text.
//!
//! With `--progress=rawjson` each message is a JSON object: indented over many lines by buildx 0.13,
//! on a line of its own by later ones. Either way it begins with `{` and ends with `}` in the first
//! column or on that very line. Everything else is text for people: warnings before, the error after.

/// The longest message and the longest line that is put together. A message holds what a step wrote
/// in one go, 32 KiB at most, and for a warning the Dockerfile.
const LONGEST: usize = 8 << 20;

/// One piece of what was said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A message, as JSON.
    Message(Vec<u8>),
    /// A line of text, without its end.
    Text(String),
}

/// Puts bytes together, as they come.
#[derive(Default)]
pub(super) struct Pieces {
    /// The lines of a message that has begun.
    message: Vec<u8>,
    /// A line that has not ended.
    line: Vec<u8>,
}

impl Pieces {
    /// Takes more bytes and gives what is whole now.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Piece> {
        let mut whole = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") || self.line.len() > LONGEST {
                self.end_line(&mut whole);
            }
        }
        whole
    }

    /// What is left when nothing more comes.
    pub(super) fn end(mut self) -> Vec<Piece> {
        let mut whole = Vec::new();
        self.end_line(&mut whole);
        self.give_up(&mut whole);
        whole
    }

    fn end_line(&mut self, whole: &mut Vec<Piece>) {
        let line = std::mem::take(&mut self.line);
        if self.message.is_empty() && !line.starts_with(b"{") {
            whole.extend(text(&line));
            return;
        }
        let ends = self.message.is_empty() || line.starts_with(b"}");
        self.message.extend_from_slice(&line);
        if ends && is_json(&self.message) {
            whole.push(Piece::Message(std::mem::take(&mut self.message)));
        } else if self.message.len() > LONGEST {
            self.give_up(whole);
        }
    }

    /// Takes what looked like a message for text.
    fn give_up(&mut self, whole: &mut Vec<Piece>) {
        let message = std::mem::take(&mut self.message);
        whole.extend(message.split(|byte| *byte == b'\n').filter_map(text));
    }
}

fn text(line: &[u8]) -> Option<Piece> {
    let text = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
    (!text.is_empty()).then_some(Piece::Text(text))
}

fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces of `said`, however it is cut: messages as `{}`.
    fn pieces(said: &str) -> Vec<String> {
        let cut = |at: usize| {
            let mut pieces = Pieces::default();
            let mut whole = Vec::new();
            for bytes in said.as_bytes().chunks(at) {
                whole.extend(pieces.feed(bytes));
            }
            whole.extend(pieces.end());
            let told = whole.into_iter().map(|piece| match piece {
                Piece::Message(json) => {
                    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
                    json.to_string()
                }
                Piece::Text(text) => format!("text {text}"),
            });
            told.collect::<Vec<_>>()
        };
        let whole = cut(usize::MAX);
        for at in [1, 2, 7] {
            assert_eq!(cut(at), whole);
        }
        whole
    }

    #[test]
    fn messages_of_both_forms_are_told_from_text() {
        let indented = "{\n  \"logs\": [\n    {\n      \"data\": \"fQo=\"\n    }\n  ]\n}\n";
        let said = format!("WARNING: a\r\n{indented}{{\"a\":1}}\n{{\"b\":2}}\nERROR: {{\nno end");
        assert_eq!(
            pieces(&said),
            [
                "text WARNING: a",
                r#"{"logs":[{"data":"fQo="}]}"#,
                r#"{"a":1}"#,
                r#"{"b":2}"#,
                "text ERROR: {",
                "text no end",
            ]
        );
    }

    #[test]
    fn what_only_looks_like_a_message_is_not_lost() {
        assert_eq!(
            pieces("{ not json\nERROR: x\n"),
            ["text { not json", "text ERROR: x"]
        );
    }
}
