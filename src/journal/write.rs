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
    moved: HashMap<(JobId, StepId), HashMap<String, Moved>>,
}

/// What was told of a thing that moves.
#[derive(Debug, Default)]
struct Moved {
    /// When it was last kept.
    kept: Option<u64>,
    /// What was told since, and is kept when its step is over: that is how far it went.
    held: Option<Record>,
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
        match &record.event {
            Event::Progress { .. } if !self.wanted(record) => return,
            Event::Step {
                job, step, state, ..
            } if state.is_over() => self.keep_held(|(a, b)| (a, b) == (*job, *step)),
            Event::JobFinished { job, .. } => self.keep_held(|(of, _)| of == *job),
            _ => {}
        }
        self.keep(record);
    }

    fn keep(&mut self, record: &Record) {
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

    /// Keeps what was held back of some steps.
    fn keep_held(&mut self, of: impl Fn((JobId, StepId)) -> bool) {
        let over: Vec<HashMap<String, Moved>> = self
            .moved
            .extract_if(|id, _| of(*id))
            .map(|(_, moved)| moved)
            .collect();
        let mut held: Vec<Record> = over
            .into_iter()
            .flat_map(HashMap::into_values)
            .filter_map(|moved| moved.held)
            .collect();
        held.sort_by_key(|record| record.at);
        for record in &held {
            self.keep(record);
        }
    }

    /// Whether a record tells enough to be kept at once; what moves is held back where it does not.
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
        let moved = self.moved.entry((*job, *step)).or_default();
        let moved = moved.entry(what.clone()).or_default();
        let soon = moved.kept.is_some_and(|kept| record.at < kept + MOVES);
        let wanted = !soon || (*total > 0 && current == total);
        if wanted {
            moved.kept = Some(record.at);
        }
        moved.held = (!wanted).then(|| record.clone());
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::event::StepState;
    use crate::journal::read;

    fn moved(at: u64, current: i64) -> Record {
        let event = Event::Progress {
            job: JobId(0),
            step: StepId(1),
            what: "transferring".to_owned(),
            current,
            total: 0,
        };
        Record { at, event }
    }

    #[test]
    fn of_what_moves_little_is_kept_and_how_far_it_went() {
        let state = tempfile::tempdir().expect("a directory");
        let journal = Journal::of(state.path(), "shop", Path::new("/shop"));
        let mut writer = Writer::begin(journal).expect("a journal");
        let file = {
            let journal = Journal::of(state.path(), "shop", Path::new("/shop"));
            journal.records(writer.run())
        };
        let opening = r#"{"at":0,"event":"run_started","schema":1,"dcb":"1","began":0,"verb":"build","project":"shop","directory":"/shop","engine":null,"parallel":1,"jobs":[]}"#;
        writer.take(&serde_json::from_str(opening).expect("a record"));
        for at in 1..=1_100 {
            writer.take(&moved(at, i64::try_from(at).expect("small")));
        }
        let state = StepState::Done {
            began: 0,
            ended: 1_100,
            took: 1_100,
        };
        let event = Event::Step {
            job: JobId(0),
            step: StepId(1),
            name: "[internal] load build context".to_owned(),
            needs: Vec::new(),
            state,
        };
        writer.take(&Record { at: 1_101, event });
        writer.flush();
        let kept = read::records(&file).expect("records");
        let amounts: Vec<i64> = kept
            .iter()
            .filter_map(|record| match record.event {
                Event::Progress { current, .. } => Some(current),
                _ => None,
            })
            .collect();
        assert_eq!(amounts, [1, 501, 1_001, 1_100]);
    }
}
