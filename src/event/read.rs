//! Records read back: what `--progress json` printed, a line for each.
//!
//! Later versions may tell of more. What this one does not know is counted and left out; what is no
//! record at all, or one that lacks what it must have, is an error with its line.

use std::io::{self, BufRead, Read};

use serde::Deserialize;

use super::{Event, Record, SCHEMA};

/// No record is longer, in bytes.
const LONGEST: u64 = 16 << 20;

/// The records of one run, read line by line.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    line: usize,
    schema: Option<u32>,
    /// What was left out.
    pub left_out: LeftOut,
}

/// What a reader left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Lines that a later version wrote.
    pub unknown: usize,
    /// Whether the last line ends in its middle, as that of a run does whose writer was killed.
    pub cut: bool,
}

/// Why a line is none of a run.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The file itself cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is no record.
    #[error("no event: {0}")]
    Broken(serde_json::Error),
    /// What comes before the first event of a run belongs to none.
    #[error("an event before `run_started`")]
    Headless,
    /// A run is over when the next begins.
    #[error("a second run begins here")]
    Second,
}

/// What is enough of a line to know whether it is a record.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Name {
    RunStarted {
        schema: u32,
    },
    Note,
    JobStarted,
    ProgramStarted,
    Step,
    StepGoesOn,
    Progress,
    Log,
    LogCut,
    Warning,
    JobNote,
    FellBack,
    JobFinished,
    RunFinished,
    #[serde(other)]
    Unknown,
}

impl<R: BufRead> Reader<R> {
    /// Reads `from`.
    pub fn new(from: R) -> Self {
        Self {
            from,
            line: 0,
            schema: None,
            left_out: LeftOut::default(),
        }
    }

    /// The number of the last line that was read, from one.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The next record; none at the end.
    ///
    /// # Errors
    /// When the next line is no part of the run, or cannot be read. [`Self::line`] is its number.
    pub fn next_record(&mut self) -> Result<Option<Record>, Unreadable> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut from = self.from.by_ref().take(LONGEST);
            if from.read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
            self.line += 1;
            if line.trim_ascii().is_empty() {
                continue;
            }
            match serde_json::from_slice::<Record>(&line) {
                Ok(record) => return self.in_order(record).map(Some),
                Err(_) if !line.ends_with(b"\n") => {
                    self.left_out.cut = true;
                    return Ok(None);
                }
                Err(why) if self.is_newer(&line) => {
                    drop(why);
                    self.left_out.unknown += 1;
                }
                Err(why) => return Err(Unreadable::Broken(why)),
            }
        }
    }

    fn in_order(&mut self, record: Record) -> Result<Record, Unreadable> {
        match (&record.event, self.schema) {
            (Event::RunStarted(opening), None) => self.schema = Some(opening.schema),
            (Event::RunStarted(_), Some(_)) => return Err(Unreadable::Second),
            (_, None) => return Err(Unreadable::Headless),
            (_, Some(_)) => {}
        }
        Ok(record)
    }

    /// Whether a line that is no record of this version may be one of a later version.
    fn is_newer(&self, line: &[u8]) -> bool {
        match serde_json::from_slice::<Name>(line) {
            Ok(Name::Unknown) => true,
            Ok(Name::RunStarted { schema }) => schema > SCHEMA,
            Ok(_) => self.schema.is_some_and(|schema| schema > SCHEMA),
            Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENING: &str = r#"{"at":0,"event":"run_started","schema":1,"dcb":"0.1.0","began":0,"verb":"build","project":"shop","directory":"/shop","engine":null,"parallel":2,"jobs":[]}"#;
    const STARTED: &str = r#"{"at":1,"event":"job_started","job":0}"#;

    /// How many records there are, what was left out, and where and why it ended early.
    fn read(text: &str) -> (usize, LeftOut, Option<(usize, String)>) {
        let mut reader = Reader::new(text.as_bytes());
        let mut records = 0;
        loop {
            match reader.next_record() {
                Ok(Some(_)) => records += 1,
                Ok(None) => return (records, reader.left_out, None),
                Err(why) => {
                    let place = Some((reader.line(), why.to_string()));
                    return (records, reader.left_out, place);
                }
            }
        }
    }

    #[test]
    fn what_a_later_version_wrote_is_left_out_and_counted() {
        let later = r#"{"at":2,"event":"moon_rose","phase":"full"}"#;
        let text = format!("{OPENING}\n\n{later}\n{STARTED}\n");
        let left_out = LeftOut {
            unknown: 1,
            cut: false,
        };
        assert_eq!(read(&text), (2, left_out, None));
        let schema = OPENING.replace(r#""schema":1"#, r#""schema":2"#);
        let changed = r#"{"at":1,"event":"job_started","job":"web"}"#;
        let (records, left_out, end) = read(&format!("{schema}\n{changed}\n{STARTED}\n"));
        assert_eq!((records, left_out.unknown, end), (2, 1, None));
    }

    #[test]
    fn every_event_that_is_written_down_is_known() {
        let page = include_str!("../../docs/events.md");
        let (_, table) = page
            .split_once("| `event` | Fields |\n|---|---|\n")
            .expect("the events");
        let names = table
            .lines()
            .map_while(|row| row.strip_prefix("| `")?.split_once('`'));
        let names: Vec<&str> = names.map(|(name, _)| name).collect();
        assert!(names.len() >= 14, "{names:?}");
        for name in names {
            let line = format!(r#"{{"event":"{name}","schema":1}}"#);
            let known = serde_json::from_str::<Name>(&line).expect("a name");
            assert!(!matches!(known, Name::Unknown), "{name}");
        }
    }

    #[test]
    fn what_is_no_event_is_told_with_its_line() {
        for (text, line, why) in [
            ("hello\n", 1, "no event: expected value"),
            (
                &format!("{OPENING}\n{{\"at\":1,\"event\":\"log\",\"job\":0}}\n"),
                2,
                "no event: missing field `step`",
            ),
            (&format!("{OPENING}\n[]\n"), 2, "no event: invalid"),
            (&format!("{STARTED}\n"), 1, "an event before `run_started`"),
            (
                &format!("{OPENING}\n{STARTED}\n{OPENING}\n"),
                3,
                "a second run begins here",
            ),
        ] {
            let (_, _, end) = read(text);
            let (at, told) = end.expect("an error");
            assert_eq!(at, line, "{text}");
            assert!(told.starts_with(why), "{told}");
        }
    }

    #[test]
    fn a_run_whose_writer_was_killed_is_read_up_to_there() {
        let text = format!("{OPENING}\n{STARTED}\n{}", &STARTED[..20]);
        let left_out = LeftOut {
            unknown: 0,
            cut: true,
        };
        assert_eq!(read(&text), (2, left_out, None));
        let whole = format!("{OPENING}\n{STARTED}");
        assert_eq!(read(&whole), (2, LeftOut::default(), None));
    }
}
