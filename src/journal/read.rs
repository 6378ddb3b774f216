//! Reading the records of a run.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::event::Record;
use crate::progress::Run;

/// Records that cannot be read.
#[derive(Debug)]
pub struct Broken {
    path: PathBuf,
    /// From one; zero when the file as a whole cannot be read.
    line: usize,
    why: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.line {
            0 => write!(f, "{path}: {}", self.why),
            line => write!(f, "{path}:{line}: {}", self.why),
        }
    }
}

impl std::error::Error for Broken {}

/// The records in a file. The last line of a run that was broken off may be cut; it is left out. Events
/// that only a later dcb knows are left out too.
///
/// # Errors
/// When the file cannot be read, or holds something else.
pub fn records(path: &Path) -> Result<Vec<Record>, Broken> {
    let broken = |line: usize, why: String| Broken {
        path: path.to_owned(),
        line,
        why,
    };
    let file = File::open(path).map_err(|error| broken(0, error.to_string()))?;
    from(BufReader::new(file)).map_err(|(line, why)| broken(line, why))
}

/// The same from any source; an error has the number of its line.
fn from(mut source: impl BufRead) -> Result<Vec<Record>, (usize, String)> {
    let mut records = Vec::new();
    for number in 1.. {
        let mut line = Vec::new();
        let read = source.by_ref().take(LONGEST).read_until(b'\n', &mut line);
        match read {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => return Err((number, error.to_string())),
        }
        match serde_json::from_slice(&line) {
            Ok(record) => records.push(record),
            Err(_) if !line.ends_with(b"\n") => break,
            Err(error) => match serde_json::from_slice::<Unknown>(&line) {
                Ok(unknown) if !KNOWN.contains(&unknown.event.as_str()) => {}
                _ => return Err((number, error.to_string())),
            },
        }
    }
    Ok(records)
}

/// No record is longer.
const LONGEST: u64 = 16 << 20;

/// As much of a record as every version has.
#[derive(serde::Deserialize)]
struct Unknown {
    event: String,
}

/// The events of this version.
const KNOWN: [&str; 12] = [
    "run_started",
    "note",
    "job_started",
    "step",
    "step_goes_on",
    "progress",
    "log",
    "log_cut",
    "warning",
    "fell_back",
    "job_finished",
    "run_finished",
];

/// The state that records lead to.
pub(super) fn fold(records: &[Record]) -> Run {
    let mut run = Run::default();
    for record in records {
        run.take(record);
    }
    run
}

impl From<Broken> for io::Error {
    fn from(broken: Broken) -> Self {
        Self::other(broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<usize, usize> {
        from(text.as_bytes())
            .map(|records| records.len())
            .map_err(|(line, _)| line)
    }

    #[test]
    fn a_cut_last_line_and_events_of_the_future_are_left_out_and_nothing_else_is() {
        let one = "{\"at\":1,\"event\":\"job_started\",\"job\":0}\n";
        assert_eq!(read(&one.repeat(2)), Ok(2));
        assert_eq!(read(&format!("{one}{{\"at\":2,\"ev")), Ok(1));
        assert_eq!(
            read(&format!("{{\"at\":1,\"event\":\"danced\"}}\n{one}")),
            Ok(1)
        );
        assert_eq!(
            read(&format!("{one}{{\"at\":1,\"event\":\"log\"}}\n{one}")),
            Err(2)
        );
        assert_eq!(read(&format!("{one}rubbish\n{one}")), Err(2));
        assert_eq!(read(""), Ok(0));
    }
}
