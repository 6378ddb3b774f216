//! One change to an engine's configuration: BuildKit switched on, and nothing else touched.
//!
//! ```text
//! edited text ─> beside the file ─> dockerd --validate ─> backup ─> rename ─> SIGHUP ─> ping: Builder-Version 2
//!                                                                               └ else: as it was, SIGHUP, ping
//! ```
//!
//! `features` is among what an engine reads anew on SIGHUP, so nothing is restarted and no container
//! stops. Tried on Engines 20.10, 26.1 and 28.5; the first cannot judge a file beforehand, and is caught
//! by what it answers afterwards.

use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::detect;
use super::host::Endpoint;
use super::survey::{Daemon, DaemonFile, Judgement};

/// How long the engine's program may take to judge a text that is to be written.
const JUDGING: Duration = Duration::from_secs(20);

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// Where the file lies as it was.
    pub backup: PathBuf,
}

/// The lines that change when BuildKit is switched on in `text`, and the whole text after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The number of the line, from one.
    pub line: usize,
    /// The line as it is.
    pub before: String,
    /// The line as it will be.
    pub after: String,
    text: String,
}

/// What switching BuildKit on changes in the text of a `daemon.json`; nothing where `features.buildkit` is
/// not `false`.
pub fn switched_on(text: &str) -> Option<Change> {
    let at = value(text, 0, &["features", "buildkit"])?;
    if &text[at.clone()] != "false" {
        return None;
    }
    let edited = format!("{}true{}", &text[..at.start], &text[at.end..]);
    let index = text[..at.start].matches('\n').count();
    let line = |text: &str| text.lines().nth(index).unwrap_or_default().to_owned();
    Some(Change {
        line: index + 1,
        before: line(text),
        after: line(&edited),
        text: edited,
    })
}

/// Switches BuildKit on in `file` and has its engine read it anew.
///
/// # Errors
/// Why nothing was changed, or why it was changed back.
pub async fn switch_on(file: &DaemonFile, endpoint: &Endpoint) -> Result<Edited, String> {
    let path = &file.path;
    let failed = |what: &str, error: io::Error| format!("failed to {what}: {error}");
    let Some(daemon) = &file.daemon else {
        return Err("the engine's process cannot be seen from here".to_owned());
    };
    let text = std::fs::read_to_string(path).map_err(|error| failed("read it", error))?;
    let change = switched_on(&text).ok_or("it does not switch BuildKit off any more")?;
    let fresh = beside(path, &change.text).map_err(|error| failed("write beside it", error))?;
    match daemon.judges(fresh.path(), JUDGING).await {
        Judgement::Good | Judgement::None => {}
        Judgement::Bad(why) => return Err(format!("the engine would refuse it: {why}")),
        Judgement::Late => {
            let limit = JUDGING.as_secs();
            return Err(format!(
                "nothing was changed: `dockerd --validate` did not judge the new text within {limit}s"
            ));
        }
    }
    let backup = backup(path).map_err(|error| failed("keep a copy of it", error))?;
    fresh
        .persist(path)
        .map_err(|error| failed("replace it", error.error))?;
    let Err(why) = reload(daemon, endpoint, Expected::BuildKit).await else {
        return Ok(Edited { backup });
    };
    let restored = beside(path, &text)
        .and_then(|before| before.persist(path).map_err(|error| error.error))
        .map(|_| ());
    if let Err(error) = restored {
        let backup = backup.display();
        return Err(format!(
            "{why}; the file could not be put back ({error}): as it was it is `{backup}`"
        ));
    }
    // The file is as it was, so nobody needs the copy; who keeps it from going loses nothing.
    let _ = std::fs::remove_file(&backup);
    Err(match reload(daemon, endpoint, Expected::Answer).await {
        Ok(()) => format!("{why}; the file is as it was, and the engine answers"),
        Err(_) => format!(
            "{why}; the file is as it was, and the engine does not answer: sudo systemctl restart docker"
        ),
    })
}

/// `text` in a file beside `path`, with its owner and mode.
fn beside(path: &Path, text: &str) -> io::Result<tempfile::NamedTempFile> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let mut fresh = tempfile::Builder::new()
        .prefix(".daemon.json.")
        .tempfile_in(directory)?;
    fresh.write_all(text.as_bytes())?;
    fresh.as_file().sync_all()?;
    let data = path.metadata()?;
    fresh.as_file().set_permissions(data.permissions())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        std::os::unix::fs::fchown(fresh.as_file(), Some(data.uid()), Some(data.gid()))?;
    }
    Ok(fresh)
}

/// A copy of the file under a name that nothing has yet.
fn backup(path: &Path) -> io::Result<PathBuf> {
    let mut number = 1;
    let copy = loop {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".before-dcb.{number}"));
        let copy = PathBuf::from(name);
        if !copy.exists() {
            break copy;
        }
        number += 1;
    };
    std::fs::copy(path, &copy)?;
    Ok(copy)
}

/// What must come of a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// The engine answers.
    Answer,
    /// It also says that BuildKit is its builder. One that refuses a file goes on with what it had, and
    /// says so in its log alone.
    BuildKit,
}

/// How long an engine may take to read its configuration, which takes it some milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is asked whether it has.
const PAUSE: Duration = Duration::from_millis(50);

/// Has the engine read its configuration anew, and waits for what is expected of it.
async fn reload(daemon: &Daemon, endpoint: &Endpoint, expected: Expected) -> Result<(), String> {
    hang_up(daemon).map_err(|error| format!("the engine cannot be told to read it: {error}"))?;
    let until = Instant::now() + PATIENCE;
    loop {
        let builder = detect::builder_version(endpoint)
            .await
            .map_err(|failure| format!("the engine does not answer after it: {failure}"))?;
        if expected == Expected::Answer || builder.as_deref() == Some("2") {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(
                "the engine has not taken it; its log says why: journalctl -u docker".into(),
            );
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(unix)]
fn hang_up(daemon: &Daemon) -> io::Result<()> {
    let pid = rustix::process::Pid::from_raw(daemon.pid)
        .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    Ok(rustix::process::kill_process(
        pid,
        rustix::process::Signal::HUP,
    )?)
}

#[cfg(not(unix))]
fn hang_up(_daemon: &Daemon) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Where the value of the key at the end of `path` stands in `text`, which is JSON. `at` is where the
/// object begins that the path starts from, or blanks before it.
fn value(text: &str, at: usize, path: &[&str]) -> Option<Range<usize>> {
    let (wanted, below) = path.split_first()?;
    let mut at = blanks(text, at);
    if !text[at..].starts_with('{') {
        return None;
    }
    loop {
        at = blanks(text, at + 1);
        let end = string(text, at)?;
        let key: String = serde_json::from_str(&text[at..end]).ok()?;
        at = blanks(text, blanks(text, end) + 1);
        let end = skip(text, at)?;
        if key == *wanted {
            return match below {
                [] => Some(at..end),
                below => value(text, at, below),
            };
        }
        at = blanks(text, end);
        if !text[at..].starts_with(',') {
            return None;
        }
    }
}

/// The first place from `at` on that is not blank; a byte order mark counts as blank.
fn blanks(text: &str, at: usize) -> usize {
    let blank = |c: char| c.is_ascii_whitespace() || c == '\u{feff}';
    text.len() - text[at..].trim_start_matches(blank).len()
}

/// The end of the string that begins at `at`.
fn string(text: &str, at: usize) -> Option<usize> {
    let mut escaped = false;
    let rest = text.get(at..)?.strip_prefix('"')?;
    let end = rest.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    Some(at + 1 + end + 1)
}

/// The end of the value that begins at `at`.
fn skip(text: &str, at: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut here = at;
    while here < text.len() {
        match text.as_bytes()[here] {
            b'"' => {
                here = string(text, here)?;
                if depth == 0 {
                    return Some(here);
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => return Some(here),
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(here + 1);
                }
            }
            _ => {}
        }
        here += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_changes_and_all_else_stays_as_it_is_written() {
        for (text, line, after) in [
            (
                r#"{"features":{"buildkit":false}}"#,
                1,
                r#"{"features":{"buildkit":true}}"#,
            ),
            (
                "\u{feff}{\n\t\"debug\" : true,\n\t\"x\": {\"features\": {\"buildkit\": false}, \"y\": [\"}\", \"\\\"\"]},\n\t\"features\" : { \"a\": false , \"buildkit\" : false }\n}\n",
                4,
                "\t\"features\" : { \"a\": false , \"buildkit\" : true }",
            ),
        ] {
            let change = switched_on(text).expect("a change");
            assert_eq!((change.line, change.after.as_str()), (line, after));
            assert_eq!(
                change
                    .text
                    .replacen("\"buildkit\" : true", "\"buildkit\" : false", 1)
                    .replacen("\"buildkit\":true", "\"buildkit\":false", 1),
                text
            );
        }
    }

    #[test]
    fn what_is_not_switched_off_is_not_touched() {
        for text in [
            "{}",
            "",
            "[]",
            r#"{"features": {"buildkit": true}}"#,
            r#"{"features": {}}"#,
            r#"{"features": null, "buildkit": false}"#,
            r#"{"buildkit": false}"#,
        ] {
            assert_eq!(switched_on(text), None, "{text}");
        }
    }
}
