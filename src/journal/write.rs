//! Writing a run into the journal while it goes on.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};

use super::store::{Journal, RunId};
use super::summary::Summary;
use crate::event::{Event, JobId, Record, StepId};
use crate::progress::Run;

/// How much of what moves is kept: a word in so many milliseconds for each thing that does.
const MOVES: u64 = 500;

/// Writes one run. What cannot be written ends the journal of this run and not the run.
#[derive(Debug)]
pub struct Writer {
    journal: Journal,
    run: RunId,
    file: Option<BufWriter<File>>,
    trouble: Option<io::Error>,
    moved: HashMap<(JobId, StepId, String), u64>,
}

impl Writer {
    /// Begins a run.
    ///
    /// # Errors
    /// When its file cannot be made.
    pub fn begin(journal: Journal) -> io::Result<Self> {
        let (run, file) = journal.begin()?;
        Ok(Self {
            journal,
            run,
            file: Some(BufWriter::with_capacity(1 << 16, file)),
            trouble: None,
            moved: HashMap::new(),
        })
    }

    /// Its number.
    pub fn run(&self) -> RunId {
        self.run
    }

    /// Keeps a record.
    pub fn take(&mut self, record: &Record) {
        if !self.wanted(record) {
            return;
        }
        self.write(|file| {
            serde_json::to_writer(&mut *file, record)?;
            file.write_all(b"\n")
        });
    }

    /// Brings what was kept so far to the file, so that little is lost with the process.
    pub fn flush(&mut self) {
        self.write(Write::flush);
    }

    /// Ends the run with its short form, and makes room where older ones take too much.
    ///
    /// # Errors
    /// When anything of the run could not be kept.
    pub fn end(mut self, run: &Run) -> io::Result<()> {
        self.flush();
        if let Some(trouble) = self.trouble {
            return Err(trouble);
        }
        let summary = serde_json::to_vec(&Summary::of(self.run, run))?;
        let path = self.journal.summary_file(self.run);
        let directory = path.parent().unwrap_or(&path);
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(&summary)?;
        file.persist(&path).map_err(|error| error.error)?;
        self.journal.tidy();
        Ok(())
    }

    /// Whether a record tells enough to be kept.
    fn wanted(&mut self, record: &Record) -> bool {
        let Event::Progress {
            job,
            step,
            what,
            current,
            total,
        } = &record.event
        else {
            return true;
        };
        let key = (*job, *step, what.clone());
        let soon = self
            .moved
            .get(&key)
            .is_some_and(|last| record.at < last + MOVES);
        let wanted = !soon || (*total > 0 && current == total);
        if wanted {
            self.moved.insert(key, record.at);
        }
        wanted
    }

    fn write(&mut self, what: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) {
        if let Some(file) = &mut self.file
            && let Err(trouble) = what(file)
        {
            self.trouble = Some(trouble);
            // Its buffer would be written once more otherwise.
            self.file.take().map(BufWriter::into_parts);
        }
    }
}
