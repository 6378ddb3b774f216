//! Where runs are kept: their numbers, their files, and how many.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use super::read;
use super::summary::{ServiceSummary, Summary};
use super::trend::median;
use crate::event::RunResult;
use crate::human;

/// The most runs of a project that are kept.
const RUNS: usize = 100;
/// For how long a run is kept.
const AGE: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// The most bytes that the runs of a project take.
const SIZE: u64 = 512 << 20;

/// So many runs are looked at for how long the next may take.
const EXPECTED_FROM: usize = 10;

/// The number of a run, from one.
pub type RunId = u64;

/// The runs of one project.
#[derive(Debug, Clone)]
pub struct Journal {
    directory: PathBuf,
}

impl Journal {
    /// The journal of the project called `name` in `directory`, below dcb's own directory for what it
    /// keeps. Nothing is read or made yet.
    pub fn of(state: &Path, name: &str, directory: &Path) -> Self {
        // Two checkouts of one project have a history each.
        let place = Sha256::digest(directory.as_os_str().as_encoded_bytes());
        let place = human::hex(&place[..4]);
        Self {
            directory: state.join(format!("{name}-{place}")),
        }
    }

    /// The file with the records of a run.
    pub fn records(&self, run: RunId) -> PathBuf {
        self.directory.join(format!("{run}.jsonl"))
    }

    /// The file with the short form of a run.
    pub(super) fn summary_file(&self, run: RunId) -> PathBuf {
        self.directory.join(format!("{run}.json"))
    }

    /// The numbers of the runs that are kept, oldest first.
    pub fn runs(&self) -> Vec<RunId> {
        let entries = fs::read_dir(&self.directory)
            .into_iter()
            .flatten()
            .flatten();
        let number = |name: &str| name.strip_suffix(".jsonl")?.parse().ok();
        let mut runs: Vec<RunId> = entries
            .filter_map(|entry| number(entry.file_name().to_str()?))
            .collect();
        runs.sort_unstable();
        runs
    }

    /// The short form of a run; that of one that was broken off is made from its records.
    ///
    /// # Errors
    /// When the run cannot be read.
    pub fn summary(&self, run: RunId) -> io::Result<Summary> {
        match fs::read_to_string(self.summary_file(run)) {
            Ok(text) => serde_json::from_str(&text).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let records = read::records(&self.records(run)).map_err(io::Error::other)?;
                Ok(Summary::of(run, &read::fold(&records)))
            }
            Err(error) => Err(error),
        }
    }

    /// The newest `most` runs that can be read, oldest first.
    pub fn summaries(&self, most: usize) -> Vec<Summary> {
        let runs = self.runs();
        let newest = &runs[runs.len().saturating_sub(most)..];
        let summaries = newest.iter().filter_map(|run| self.summary(*run).ok());
        summaries.collect()
    }

    /// How long a run of these jobs is expected to take, in milliseconds: the median of the newest that
    /// built the same. What was in the cache then may not be now, so it is a guess.
    pub fn expected(&self, services: &[&str]) -> Option<u64> {
        let runs = self.summaries(EXPECTED_FROM);
        let same = runs.iter().filter(|run| {
            run.result == Some(RunResult::Built)
                && run
                    .services
                    .iter()
                    .map(ServiceSummary::name)
                    .eq(services.iter().copied())
        });
        median(same.map(|run| run.took).collect())
    }

    /// How long the services' builds take, in milliseconds: the median of the newest runs in which they
    /// were built.
    pub fn times(&self) -> HashMap<String, u64> {
        let mut all: HashMap<String, Vec<u64>> = HashMap::new();
        for run in self.summaries(EXPECTED_FROM) {
            for service in run.services.into_iter().filter(|service| service.built) {
                let name = service.name().to_owned();
                all.entry(name).or_default().push(service.took);
            }
        }
        let medians = all.into_iter();
        medians
            .filter_map(|(name, took)| Some((name, median(took)?)))
            .collect()
    }

    /// A number and a file for a new run.
    ///
    /// # Errors
    /// When the directory or the file cannot be made.
    pub(super) fn begin(&self) -> io::Result<(RunId, File)> {
        let mut directory = DirBuilder::new();
        directory.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut directory, 0o700);
        directory.create(&self.directory)?;
        let mut run = self.runs().last().map_or(1, |last| last + 1);
        loop {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            match options.open(self.records(run)) {
                Ok(file) => return Ok((run, file)),
                // Another run of the project began at the same moment.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => run += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Removes the oldest runs until what is left is within bounds. The newest stays whatever it takes.
    pub(super) fn tidy(&self) {
        let mut size = 0;
        for (index, run) in self.runs().into_iter().rev().enumerate() {
            let Ok(metadata) = self.records(run).metadata() else {
                continue;
            };
            size += metadata.len();
            let written = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let old = written.elapsed().is_ok_and(|age| age > AGE);
            if index > 0 && (index >= RUNS || size > SIZE || old) {
                // What cannot be removed now is tried again after the next run.
                let _ = fs::remove_file(self.summary_file(run));
                let _ = fs::remove_file(self.records(run));
            }
        }
    }
}
