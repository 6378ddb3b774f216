//! What the engine answers while it builds or pushes: one JSON object after the other, a line each.

use serde::Deserialize;

/// The longest line taken in. Engines tell a step's output in pieces of 32 KiB, six times that when
/// every byte is escaped.
const LONGEST: usize = 4 << 20;

/// One message.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::docker) struct Message {
    /// Text: of the builder, or of a step.
    pub(in crate::docker) stream: Option<String>,
    /// What a pull or a push is doing.
    pub(in crate::docker) status: Option<String>,
    /// What of: a layer, a tag.
    pub(in crate::docker) id: Option<String>,
    /// How far it is.
    pub(in crate::docker) progress_detail: Option<Progress>,
    /// The id of a finished stage's image, or the digest of a pushed one.
    pub(in crate::docker) aux: Option<Aux>,
    /// Why it failed.
    pub(in crate::docker) error_detail: Option<ErrorDetail>,
    /// The same for clients of old.
    pub(in crate::docker) error: Option<String>,
}

/// How far a pull or a push is, in bytes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::docker) struct Progress {
    pub(in crate::docker) current: i64,
    pub(in crate::docker) total: i64,
}

/// What comes beside the text.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::docker) struct Aux {
    /// The id of an image.
    #[serde(rename = "ID")]
    pub(in crate::docker) id: Option<String>,
    /// The digest under which a registry has an image.
    #[serde(rename = "Digest")]
    pub(in crate::docker) digest: Option<String>,
}

/// Why a build or a push failed.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(in crate::docker) struct ErrorDetail {
    /// The exit code of a `RUN`.
    pub(in crate::docker) code: Option<i32>,
    /// In words.
    pub(in crate::docker) message: String,
}

impl Message {
    /// Why it failed, when this message tells that.
    pub(in crate::docker) fn failure(&mut self) -> Option<ErrorDetail> {
        let error = self.error.take();
        match self.error_detail.take() {
            Some(detail) if !detail.message.is_empty() => Some(detail),
            detail => error.map(|message| ErrorDetail {
                message,
                ..detail.unwrap_or_default()
            }),
        }
    }
}

/// Puts lines together from what the connection delivers.
#[derive(Debug, Default)]
pub(in crate::docker) struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// Takes some bytes and gives the messages that they complete. What is not JSON is an error in
    /// words: a proxy's, or a crash.
    pub(in crate::docker) fn take(&mut self, bytes: &[u8]) -> Vec<Message> {
        let mut messages = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.partial.len() > LONGEST {
                messages.extend(parse(&self.partial));
                self.partial.clear();
            }
        }
        messages
    }

    /// The last message, when its line was not ended.
    pub(in crate::docker) fn end(&mut self) -> Option<Message> {
        parse(&std::mem::take(&mut self.partial))
    }
}

fn parse(line: &[u8]) -> Option<Message> {
    let line = line.trim_ascii();
    if line.is_empty() {
        return None;
    }
    Some(serde_json::from_slice(line).unwrap_or_else(|_| Message {
        error: Some(format!(
            "the engine answered with what is not a message: {}",
            String::from_utf8_lossy(&line[..line.len().min(200)])
        )),
        ..Message::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_put_together_from_pieces() {
        let mut lines = Lines::default();
        assert!(lines.take(b"{\"stream\":\"a\\n").is_empty());
        let messages = lines.take(b"\"}\r\n{\"aux\":{\"ID\":\"sha256:1\"}}\r\n{\"status\"");
        assert_eq!(messages[0].stream.as_deref(), Some("a\n"));
        let id = messages[1].aux.as_ref().and_then(|aux| aux.id.as_deref());
        assert_eq!(id, Some("sha256:1"));
        assert!(lines.take(b":\"x\",\"new\":1}").is_empty());
        let last = lines.end().expect("a message");
        assert_eq!(last.status.as_deref(), Some("x"));
    }

    #[test]
    fn an_error_is_known_with_and_without_its_detail() {
        let parsed = |text: &str| parse(text.as_bytes()).expect("a message").failure();
        let error = |code, message: &str| {
            Some(ErrorDetail {
                code,
                message: message.to_owned(),
            })
        };
        assert_eq!(
            parsed(r#"{"errorDetail":{"code":42,"message":"m"},"error":"m"}"#),
            error(Some(42), "m")
        );
        assert_eq!(parsed(r#"{"error":"m"}"#), error(None, "m"));
        assert_eq!(
            parsed("<html>"),
            error(
                None,
                "the engine answered with what is not a message: <html>"
            )
        );
        assert_eq!(parsed(r#"{"stream":"m"}"#), None);
    }
}
