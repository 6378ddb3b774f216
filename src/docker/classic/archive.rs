//! A context as a tar archive, byte for byte what the docker CLI makes of it.
//!
//! The engine keys its cache by these headers, so they decide whether what another client built is
//! found again: everything belongs to root, times are whole seconds, of extended attributes only
//! the capabilities are told, sockets are left out, and engines before 23.0 are told the kind of an
//! entry within its mode too, as the docker CLI of their time does.
//!
//! An archive promises a file's size before its content. A file that grows while it is read is cut
//! there; one that shrinks ends the build, since no padding would be its content.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Write};

use tar::{EntryType, Header};

use super::package::{Contents, Instead, Own, unreadable};
use crate::context::{Entry, mode};
use crate::failure::{Class, Failure};

/// How much is read of a file at once.
const CHUNK: usize = 256 << 10;
/// The largest number that a header's field of twelve bytes holds.
const LARGEST: u64 = (1 << 33) - 1;
/// What opening a socket as a file answers: `ENXIO`.
const NO_SUCH_DEVICE: i32 = 6;
/// Archives are made of blocks.
const BLOCK: usize = 512;

/// How modes are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Modes {
    /// Permissions only.
    Plain,
    /// With the kind of the entry, as engines before 23.0 are told.
    WithKind,
}

/// Why an archive was not written to its end.
#[derive(Debug)]
pub(super) enum Broken {
    /// Nobody takes more of it.
    Unwanted,
    /// A file or directory cannot be read.
    Source(Box<Failure>),
}

impl From<io::Error> for Broken {
    /// Only the taking side fails with it.
    fn from(_: io::Error) -> Self {
        Self::Unwanted
    }
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Source(Box::new(failure))
    }
}

/// Writes `contents` into `out`. What comes back tells of files that could not be read and are
/// empty in the archive, as in every other client's.
pub(super) fn write(
    contents: &Contents,
    modes: Modes,
    out: impl Write,
) -> Result<Vec<String>, Broken> {
    let mut archive = Archive {
        out,
        contents,
        modes,
        absent: HashSet::new(),
        told: vec![false; contents.own.len()],
        notes: Vec::new(),
    };
    for entry in contents.walk.entries() {
        archive.entry(&entry.map_err(|error| unreadable(&error))?)?;
    }
    archive.rest()?;
    archive.out.write_all(&[0; 2 * BLOCK])?;
    archive.out.flush()?;
    Ok(archive.notes)
}

struct Archive<'a, W: Write> {
    out: W,
    contents: &'a Contents,
    modes: Modes,
    /// Entries that were left out: no link may lead to them.
    absent: HashSet<Vec<u8>>,
    /// Which of the own files were met on the walk.
    told: Vec<bool>,
    notes: Vec<String>,
}

impl<W: Write> Archive<'_, W> {
    fn entry(&mut self, entry: &Entry) -> Result<(), Broken> {
        let own = self.contents.own.iter();
        if let Some(index) = own.clone().position(|own| own.path == entry.path) {
            self.told[index] = true;
            if let Instead::Extended(more) = &self.contents.own[index].instead {
                return self.extended(entry, more);
            }
        }
        if !entry.has_content() {
            return Ok(self.header(entry, kind(entry), 0)?);
        }
        if !entry.link.is_empty() && !self.absent.contains(&entry.link) {
            return Ok(self.header(entry, EntryType::Link, 0)?);
        }
        match self.open(entry) {
            Ok((file, size)) => self.file(entry, file, size),
            Err(error) if is_absent(&error) => {
                self.absent.insert(entry.path.clone());
                Ok(())
            }
            Err(error) => {
                let path = String::from_utf8_lossy(&entry.path);
                self.notes.push(format!(
                    "`{path}` cannot be read ({error}), so the image gets an empty file: exclude it in `.dockerignore`, or make it readable"
                ));
                Ok(self.header(entry, EntryType::Regular, 0)?)
            }
        }
    }

    /// Its size is asked for once more, since the walk looked at it a while ago.
    fn open(&self, entry: &Entry) -> io::Result<(File, u64)> {
        let file = self.contents.walk.open(&entry.path)?;
        let size = file.metadata()?.len();
        Ok((file, size))
    }

    fn file(&mut self, entry: &Entry, mut file: File, size: u64) -> Result<(), Broken> {
        self.header(entry, EntryType::Regular, size)?;
        let mut buffer = vec![0; CHUNK.min(usize::try_from(size).unwrap_or(CHUNK))];
        let mut left = size;
        while left > 0 {
            let wanted = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
            let length = match file.read(&mut buffer[..wanted]) {
                Ok(0) => return Err(shrank(entry, size - left, size).into()),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(entry, &error).into()),
            };
            self.out.write_all(&buffer[..length])?;
            left -= length as u64;
        }
        Ok(self.pad(size)?)
    }

    /// A file of the context with more text at its end.
    fn extended(&mut self, entry: &Entry, more: &[u8]) -> Result<(), Broken> {
        let mut content = Vec::new();
        self.contents
            .walk
            .open(&entry.path)
            .and_then(|mut file| file.read_to_end(&mut content))
            .map_err(|error| failed(entry, &error))?;
        content.extend_from_slice(more);
        let regular = Entry {
            mode: entry.mode & !mode::KIND,
            link: Vec::new(),
            ..entry.clone()
        };
        Ok(self.bytes(&regular, &content)?)
    }

    /// The own files that the context has not.
    fn rest(&mut self) -> Result<(), Broken> {
        let contents = self.contents;
        for (index, own) in contents.own.iter().enumerate() {
            if !self.told[index] {
                self.bytes(&own_entry(own), &own.content)?;
            }
        }
        Ok(())
    }

    fn bytes(&mut self, entry: &Entry, content: &[u8]) -> io::Result<()> {
        let size = content.len() as u64;
        self.header(entry, EntryType::Regular, size)?;
        self.out.write_all(content)?;
        self.pad(size)
    }

    fn pad(&mut self, size: u64) -> io::Result<()> {
        let over = usize::try_from(size % BLOCK as u64).unwrap_or_default();
        match over {
            0 => Ok(()),
            over => self.out.write_all(&[0; BLOCK][over..]),
        }
    }

    /// Writes the header, after another with what does not fit into it.
    fn header(&mut self, entry: &Entry, kind: EntryType, size: u64) -> io::Result<()> {
        let mut header = Header::new_ustar();
        let mut extended: Vec<(&str, Vec<u8>)> = Vec::new();
        let mut path = entry.path.clone();
        if kind == EntryType::Directory {
            path.push(b'/');
        }
        header.set_entry_type(kind);
        header.set_mode(unix_mode(entry, self.modes));
        header.set_uid(0);
        header.set_gid(0);
        header.set_device_major(u32::try_from(entry.device.0).unwrap_or_default())?;
        header.set_device_minor(u32::try_from(entry.device.1).unwrap_or_default())?;
        number(size, "size", &mut extended, |fits| header.set_size(fits));
        let seconds = entry.modified.div_euclid(1_000_000_000);
        match u64::try_from(seconds) {
            Ok(seconds) => number(seconds, "mtime", &mut extended, |fits| {
                header.set_mtime(fits);
            }),
            Err(_) => extended.push(("mtime", seconds.to_string().into_bytes())),
        }
        if let Some(ustar) = header.as_ustar_mut() {
            text(&path, "path", &mut ustar.name, &mut extended);
            if matches!(kind, EntryType::Symlink | EntryType::Link) {
                text(&entry.link, "linkpath", &mut ustar.linkname, &mut extended);
            }
        }
        if let Some((_, value)) = capability(entry) {
            extended.push(("SCHILY.xattr.security.capability", value.clone()));
        }
        header.set_cksum();
        if !extended.is_empty() {
            self.extended_header(&extended)?;
        }
        self.out.write_all(header.as_bytes())
    }

    /// What is told of the next entry besides its header.
    fn extended_header(&mut self, extended: &[(&str, Vec<u8>)]) -> io::Result<()> {
        let records: Vec<u8> = extended
            .iter()
            .flat_map(|(key, value)| record(key, value))
            .collect();
        let size = records.len() as u64;
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::XHeader);
        header.set_size(size);
        header.set_cksum();
        self.out.write_all(header.as_bytes())?;
        self.out.write_all(&records)?;
        self.pad(size)
    }
}

/// A record of an extended header: its own length, the key and the value.
fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + digits(rest);
    length = rest + digits(length);
    let mut record = format!("{length} {key}=").into_bytes();
    record.extend_from_slice(value);
    record.push(b'\n');
    record
}

fn digits(number: usize) -> usize {
    number.to_string().len()
}

/// Puts a number into its field, or among the extended ones when it is too large for it.
fn number(
    value: u64,
    name: &'static str,
    extended: &mut Vec<(&'static str, Vec<u8>)>,
    set: impl FnOnce(u64),
) {
    if value <= LARGEST {
        set(value);
    } else {
        set(0);
        extended.push((name, value.to_string().into_bytes()));
    }
}

/// Puts text into its field. What is too long or no ASCII goes among the extended ones, and the
/// field gets what it can hold of it.
fn text(
    value: &[u8],
    name: &'static str,
    field: &mut [u8; 100],
    extended: &mut Vec<(&'static str, Vec<u8>)>,
) {
    if value.len() > field.len() || !value.is_ascii() {
        extended.push((name, value.to_vec()));
    }
    let ascii = value.iter().filter(|byte| byte.is_ascii());
    for (slot, byte) in field.iter_mut().zip(ascii) {
        *slot = *byte;
    }
}

fn capability(entry: &Entry) -> Option<&(Vec<u8>, Vec<u8>)> {
    let mut attributes = entry.attributes.iter();
    attributes.find(|(name, _)| name == b"security.capability")
}

fn kind(entry: &Entry) -> EntryType {
    match entry.mode & mode::KIND {
        mode::DIRECTORY => EntryType::Directory,
        mode::SYMLINK => EntryType::Symlink,
        mode::PIPE => EntryType::Fifo,
        mode::DEVICE => EntryType::Block,
        0 => EntryType::Regular,
        _ => EntryType::Char,
    }
}

/// The mode as a Unix system tells it.
fn unix_mode(entry: &Entry, modes: Modes) -> u32 {
    let special = [
        (mode::SETUID, 0o4000),
        (mode::SETGID, 0o2000),
        (mode::STICKY, 0o1000),
    ];
    let told = special
        .iter()
        .filter(|(go, _)| entry.mode & go != 0)
        .fold(entry.mode & mode::PERMISSIONS, |told, (_, bit)| told | bit);
    match (modes, kind(entry)) {
        (Modes::Plain, _) => told,
        (Modes::WithKind, EntryType::Directory) => told | 0o40_000,
        (Modes::WithKind, EntryType::Symlink) => told | 0o120_000,
        (Modes::WithKind, EntryType::Fifo) => told | 0o10_000,
        (Modes::WithKind, EntryType::Block) => told | 0o60_000,
        (Modes::WithKind, EntryType::Char) => told | 0o20_000,
        (Modes::WithKind, _) => told | 0o100_000,
    }
}

/// Whether there is nothing to send: it was removed since, or is a socket.
fn is_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory) || error.raw_os_error() == Some(NO_SUCH_DEVICE)
}

fn own_entry(own: &Own) -> Entry {
    Entry {
        path: own.path.clone(),
        mode: 0o600,
        ..Entry::default()
    }
}

fn shrank(entry: &Entry, read: u64, size: u64) -> Failure {
    let path = String::from_utf8_lossy(&entry.path);
    Failure::new(
        Class::BuildFailed,
        format!("`{path}` shrank from {size} to {read} bytes while it was sent"),
    )
    .hint(
        "build again when nothing writes to it, or leave it out of the context in `.dockerignore`",
    )
}

fn failed(entry: &Entry, error: &io::Error) -> Failure {
    let path = String::from_utf8_lossy(&entry.path);
    Failure::new(
        Class::BuildFailed,
        format!("failed to read `{path}`: {error}"),
    )
}

#[cfg(all(test, unix))]
mod tests;
