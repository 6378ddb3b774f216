//! Reading the records of a run.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::event::{Reader, Record};
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
fn from(source: impl BufRead) -> Result<Vec<Record>, (usize, String)> {
    let mut reader = Reader::new(source);
    let mut records = Vec::new();
    loop {
        match reader.next_record() {
            Ok(Some(record)) => records.push(record),
            Ok(None) => return Ok(records),
            Err(why) => return Err((reader.line(), why.to_string())),
        }
    }
}

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
        let opening = r#"{"at":0,"event":"run_started","schema":1,"dcb":"1","began":0,"verb":"build","project":"shop","directory":"/shop","engine":null,"parallel":1,"jobs":[]}"#;
        let one = "{\"at\":1,\"event\":\"job_started\",\"job\":0}\n";
        let begun = format!("{opening}\n{one}");
        assert_eq!(read(&begun), Ok(2));
        assert_eq!(read(&format!("{begun}{{\"at\":2,\"ev")), Ok(2));
        assert_eq!(
            read(&format!("{begun}{{\"at\":1,\"event\":\"danced\"}}\n{one}")),
            Ok(3)
        );
        assert_eq!(
            read(&format!("{begun}{{\"at\":1,\"event\":\"log\"}}\n{one}")),
            Err(3)
        );
        assert_eq!(read(&format!("{begun}rubbish\n{one}")), Err(3));
        assert_eq!(read(""), Ok(0));
    }
}
