//! A file that is received: an archive of the result, or standard output.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::place;
use crate::docker::spec::Destination;
use crate::human;

/// Where the bytes go.
#[derive(Debug)]
pub(super) enum Archive {
    /// A file that gets its name when it is whole.
    File(NamedTempFile, PathBuf),
    /// What is there and no plain file, such as a pipe: it is written as it comes.
    Special(File),
    /// Standard output, written as it comes.
    Stdout,
}

impl Archive {
    /// Begins to write to `destination`.
    pub(super) fn new(destination: &Destination) -> io::Result<Self> {
        let Destination::Path(path) = destination else {
            return Ok(Self::Stdout);
        };
        // What a link leads to is written, not the link.
        let path = path.canonicalize().unwrap_or_else(|_| path.clone());
        match fs::metadata(&path) {
            Ok(there) if !there.is_file() => {
                Ok(Self::Special(OpenOptions::new().write(true).open(&path)?))
            }
            _ => {
                let parent = path.parent().unwrap_or(Path::new("."));
                fs::create_dir_all(parent)?;
                let temporary = place::public(0o666).tempfile_in(parent);
                let temporary = temporary.map_err(human::unnamed)?;
                Ok(Self::File(temporary, path))
            }
        }
    }

    /// Writes some more.
    pub(super) fn write(&mut self, data: &[u8]) -> io::Result<()> {
        match self {
            Self::File(file, _) => file.write_all(data),
            Self::Special(file) => file.write_all(data),
            Self::Stdout => io::stdout().write_all(data),
        }
    }

    /// Nothing more is written.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file, _) => file.flush(),
            Self::Special(file) => file.flush(),
            Self::Stdout => io::stdout().flush(),
        }
    }

    /// Gives the file its name.
    pub(super) fn keep(self) -> io::Result<()> {
        match self {
            Self::File(file, path) => file.persist(path).map(drop).map_err(|error| error.error),
            Self::Special(_) | Self::Stdout => Ok(()),
        }
    }
}
