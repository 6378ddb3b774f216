//! `timeline`: a run that was recorded, as a picture.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

use super::App;
use super::history::known;
use crate::cli::{Timeline, TimelineFormat};
use crate::diagnostic::Diagnostic;
use crate::event::{LeftOut, Reader, Record, Unreadable};
use crate::failure::{Class, Failure};
use crate::human;
use crate::journal::RunId;
use crate::report;
use crate::report::timeline::{Story, html, trace};

/// Stands for standard input and standard output.
const DASH: &str = "-";

impl App<'_> {
    /// `dcb timeline`.
    pub(super) fn show_timeline(&self, timeline: &Timeline) -> anyhow::Result<ExitCode> {
        let story = match &timeline.from {
            Some(from) => self.story(from),
            None => self.story_of_run(timeline.run),
        }?;
        let text = match timeline.format {
            TimelineFormat::Html => html(&story),
            TimelineFormat::Trace => trace(&story),
        };
        let usual = match timeline.format {
            TimelineFormat::Html => Path::new("dcb-timeline.html"),
            TimelineFormat::Trace => Path::new("dcb-timeline.json"),
        };
        let output = timeline.output.as_deref().unwrap_or(usual);
        if output == Path::new(DASH) {
            report::result(&text).context(super::UNWRITTEN)?;
            return Ok(ExitCode::SUCCESS);
        }
        let path = self.ambient.directory.join(output);
        report::file(&path, &text).map_err(|error| super::unwritten(output, &error))?;
        let size = human::bytes(u64::try_from(text.len()).unwrap_or(u64::MAX));
        let written = Diagnostic::note(format!("wrote `{}` ({size})", output.display()));
        report::diagnostics(&[written], self.ambient.stderr);
        Ok(ExitCode::SUCCESS)
    }

    /// The story of a run that the journal has.
    fn story_of_run(&self, run: Option<RunId>) -> Result<Story, Failure> {
        let journal = self.journal()?;
        let run = known(&journal, run)?;
        self.story(&journal.records(run))
    }

    /// The story that a file tells.
    fn story(&self, from: &Path) -> Result<Story, Failure> {
        if from == Path::new(DASH) {
            return self.read("<stdin>", io::stdin().lock());
        }
        let file = File::open(self.ambient.directory.join(from)).map_err(|why| {
            Failure::new(
                Class::Usage,
                format!("failed to read `{}`: {why}", from.display()),
            )
            .hint("record a run: dcb --progress json build > run.jsonl")
        })?;
        self.read(&from.display().to_string(), BufReader::new(file))
    }

    /// Reads records one by one: the logs of a long run need not fit into memory.
    fn read(&self, name: &str, from: impl BufRead) -> Result<Story, Failure> {
        let mut records = Records {
            reader: Reader::new(from),
            read: 0,
            end: None,
        };
        let story = Story::of(&mut records);
        match records.end {
            Some(why) => return Err(unreadable(name, records.reader.line(), &why)),
            None if records.read == 0 => {
                return Err(Failure::new(
                    Class::Usage,
                    format!("`{name}` has no events"),
                ));
            }
            None => {}
        }
        report::diagnostics(&notes(name, records.reader.left_out), self.ambient.stderr);
        Ok(story)
    }
}

/// The records of a reader, up to the first line that is none.
struct Records<R> {
    reader: Reader<R>,
    read: usize,
    end: Option<Unreadable>,
}

impl<R: BufRead> Iterator for Records<R> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        if self.end.is_some() {
            return None;
        }
        match self.reader.next_record() {
            Ok(record) => {
                self.read += usize::from(record.is_some());
                record
            }
            Err(why) => {
                self.end = Some(why);
                None
            }
        }
    }
}

fn unreadable(name: &str, line: usize, why: &Unreadable) -> Failure {
    let failure = Failure::new(Class::Usage, format!("{name}:{line}: {why}"));
    match why {
        Unreadable::Second => {
            failure.hint("a timeline shows one run: keep each in a file of its own")
        }
        Unreadable::Broken(_) | Unreadable::Headless => failure.hint(
            "it is to be what `dcb --progress json build` prints on standard output, all of it",
        ),
        Unreadable::Read(_) => failure,
    }
}

/// What there is to say of lines that were left out.
fn notes(name: &str, left_out: LeftOut) -> Vec<Diagnostic> {
    let mut notes = Vec::new();
    if left_out.unknown > 0 {
        let events = human::count(left_out.unknown, "event");
        notes.push(Diagnostic::note(format!(
            "{events} of `{name}` that only a later dcb knows left out"
        )));
    }
    if left_out.cut {
        notes.push(Diagnostic::note(format!(
            "the last line of `{name}` ends in its middle, and is left out"
        )));
    }
    notes
}
