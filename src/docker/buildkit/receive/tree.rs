//! A directory that is received: entries and contents as the engine sends them, written where they
//! belong and nowhere else.
//!
//! The sender is not trusted. Every path must be plain, in order, and below a directory that was
//! sent before it; what stands there as a symbolic link is replaced, never followed. So nothing is
//! written outside of the destination, whatever links the sender makes or finds there.
//!
//! A file appears under its name when it is whole. A destination that does not exist appears when
//! everything is: until then it is a hidden directory beside its place.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};

use super::super::wire::Stat;
use super::place;
use crate::context::mode;
use crate::human;

/// Files that are received at a time: each has a descriptor open.
const AT_A_TIME: usize = 32;

/// What temporary names begin with.
pub(super) const TEMPORARY: &str = ".dcb-";

/// A directory while it is received.
pub(super) struct Tree {
    destination: PathBuf,
    /// Where it is written: the destination, or the directory that will become it.
    root: PathBuf,
    staged: Option<TempDir>,
    next: u32,
    last: Vec<u8>,
    /// The directories that the last entry lies in, outermost first.
    within: Vec<Vec<u8>>,
    waiting: VecDeque<u32>,
    /// Files that are wanted, by id, with what was received of them.
    files: HashMap<u32, File>,
    receiving: usize,
    /// Every file so far: what further names may be given to.
    names: HashSet<Vec<u8>>,
    /// Further names of files, made when all files are there.
    links: Vec<Stat>,
    /// Directories, which get their modes and times when nothing is written into them any more.
    directories: Vec<Stat>,
}

struct File {
    stat: Stat,
    wished: bool,
    content: Option<NamedTempFile>,
}

impl Tree {
    /// Begins to receive into `destination`.
    pub(super) fn new(destination: &Path) -> io::Result<Self> {
        let staged = if destination.exists() {
            None
        } else {
            let parent = destination.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(parent)?;
            let staged = place::public(0o777).tempdir_in(parent);
            Some(staged.map_err(human::unnamed)?)
        };
        let root = staged.as_ref().map_or(destination, TempDir::path);
        Ok(Self {
            destination: destination.to_owned(),
            root: root.to_owned(),
            staged,
            next: 0,
            last: Vec::new(),
            within: Vec::new(),
            waiting: VecDeque::new(),
            files: HashMap::new(),
            receiving: 0,
            names: HashSet::new(),
            links: Vec::new(),
            directories: Vec::new(),
        })
    }

    /// Takes the next entry.
    pub(super) fn entry(&mut self, stat: Stat) -> io::Result<()> {
        let id = self.next;
        self.next += 1;
        self.check(&stat.path)?;
        self.last.clone_from(&stat.path);
        let path = self.path(&stat.path);
        let context = |error| naming(&self.last, &error);
        match stat.mode & mode::KIND {
            0 if !stat.link.is_empty() => {
                if !self.names.contains(&stat.link) {
                    return Err(refused(&stat.path, "is a link to what was not sent"));
                }
                self.names.insert(stat.path.clone());
                self.links.push(stat);
            }
            0 => {
                self.names.insert(stat.path.clone());
                self.waiting.push_back(id);
                let file = File {
                    stat,
                    wished: false,
                    content: None,
                };
                self.files.insert(id, file);
            }
            mode::DIRECTORY => {
                make_directory(&path).map_err(context)?;
                self.within.push(stat.path.clone());
                self.directories.push(stat);
            }
            mode::SYMLINK => {
                clear(&path)
                    .and_then(|()| place::symlink(&stat, &path))
                    .map_err(context)?;
            }
            _ => {
                clear(&path)
                    .and_then(|()| place::special(&stat, &path))
                    .map_err(context)?;
            }
        }
        Ok(())
    }

    /// The next file whose content is wanted; nothing while enough are on their way.
    pub(super) fn wish(&mut self) -> Option<u32> {
        if self.receiving >= AT_A_TIME {
            return None;
        }
        let id = self.waiting.pop_front()?;
        self.files.get_mut(&id)?.wished = true;
        self.receiving += 1;
        Some(id)
    }

    /// Takes some of the content of a file that was wished for; none ends it.
    pub(super) fn data(&mut self, id: u32, data: &[u8]) -> io::Result<()> {
        let Some(mut file) = self.files.remove(&id).filter(|file| file.wished) else {
            return Err(io::Error::other("the engine sent what nobody asked for"));
        };
        let result = self.take(&mut file, data);
        result.map_err(|error| naming(&file.stat.path, &error))?;
        if !data.is_empty() {
            self.files.insert(id, file);
            return Ok(());
        }
        self.receiving -= 1;
        let path = self.path(&file.stat.path);
        match file.content {
            Some(content) => finish_file(&file.stat, content, &path)
                .map_err(|error| naming(&file.stat.path, &error)),
            None => Ok(()),
        }
    }

    fn take(&self, file: &mut File, data: &[u8]) -> io::Result<()> {
        let content = match &mut file.content {
            Some(content) => content,
            none => {
                let path = self.path(&file.stat.path);
                let directory = path.parent().unwrap_or(&self.root);
                self.is_inside(directory)?;
                let fresh = place::public(0o600).tempfile_in(directory);
                none.insert(fresh.map_err(human::unnamed)?)
            }
        };
        content.write_all(data)
    }

    /// Whether `directory` is one below the root that no link leads to. Where names differ in case
    /// only, a later entry may have taken the place of an earlier one.
    fn is_inside(&self, directory: &Path) -> io::Result<()> {
        let above = directory
            .ancestors()
            .take_while(|above| *above != self.root);
        for above in above {
            if !fs::symlink_metadata(above)?.is_dir() {
                return Err(io::Error::other("its directory was replaced"));
            }
        }
        Ok(())
    }

    /// Whether every content that is wanted is there.
    pub(super) fn is_whole(&self) -> bool {
        self.files.is_empty()
    }

    /// Makes what waits for all else, and puts the directory in its place.
    pub(super) fn finish(self) -> io::Result<()> {
        for stat in &self.links {
            let (path, first) = (self.path(&stat.path), self.path(&stat.link));
            self.is_inside(path.parent().unwrap_or(&self.root))
                .and_then(|()| self.is_inside(first.parent().unwrap_or(&self.root)))
                .and_then(|()| clear(&path))
                .and_then(|()| fs::hard_link(first, &path))
                .map_err(|error| naming(&stat.path, &error))?;
        }
        // The innermost first: a directory that may not be written cannot be changed below.
        for stat in self.directories.iter().rev() {
            let path = self.path(&stat.path);
            self.is_inside(&path)
                .and_then(|()| place::dress(stat, &path))
                .map_err(|error| naming(&stat.path, &error))?;
        }
        if let Some(staged) = self.staged {
            fs::rename(staged.path(), &self.destination)?;
            // It is no temporary directory any more.
            let _ = staged.keep();
        }
        Ok(())
    }

    fn path(&self, path: &[u8]) -> PathBuf {
        self.root.join(place::native(path))
    }

    /// Whether an entry may have this path now.
    fn check(&mut self, path: &[u8]) -> io::Result<()> {
        let plain = |part: &[u8]| !matches!(part, b"" | b"." | b"..") && place::is_name(part);
        if !path.split(|&byte| byte == b'/').all(plain) {
            return Err(refused(path, "is no plain path"));
        }
        if !self.last.is_empty() && order(&self.last, path) != Ordering::Less {
            return Err(refused(path, "is out of order"));
        }
        let parent = path.iter().rposition(|&byte| byte == b'/');
        let parent = parent.map_or(&b""[..], |end| &path[..end]);
        while let Some(directory) = self.within.last() {
            if directory == parent {
                return Ok(());
            }
            self.within.pop();
        }
        if parent.is_empty() {
            return Ok(());
        }
        Err(refused(path, "is in no directory that was sent"))
    }
}

/// The order of a walk: a directory, what is in it, then what comes after it.
fn order(one: &[u8], other: &[u8]) -> Ordering {
    let slash = |byte: &u8| *byte == b'/';
    one.split(slash).cmp(other.split(slash))
}

/// A directory at `path` that can be written into; anything else there goes.
fn make_directory(path: &Path) -> io::Result<()> {
    let there = fs::symlink_metadata(path).is_ok_and(|there| there.is_dir());
    if !there {
        clear(path)?;
        fs::create_dir(path)?;
    }
    place::open_up(path)
}

/// Removes what is at `path`, if anything is. Links are removed, not followed.
fn clear(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(there) if there.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    }
}

fn finish_file(stat: &Stat, mut content: NamedTempFile, path: &Path) -> io::Result<()> {
    content.flush()?;
    place::dress(stat, content.path())?;
    if fs::symlink_metadata(path).is_ok_and(|there| there.is_dir()) {
        fs::remove_dir_all(path)?;
    }
    content.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn refused(path: &[u8], why: &str) -> io::Error {
    let path = String::from_utf8_lossy(path);
    io::Error::other(format!("the engine sent `{path}`, which {why}"))
}

fn naming(path: &[u8], error: &io::Error) -> io::Error {
    let path = String::from_utf8_lossy(path);
    io::Error::new(error.kind(), format!("`{path}`: {error}"))
}

#[cfg(all(test, unix))]
mod tests;
