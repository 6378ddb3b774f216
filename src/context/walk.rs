//! The walk: a context's entries in the order in which both sides compare them.
//!
//! Depth first; names of a directory sorted by their bytes; a directory before what it holds. So
//! `a`, `a/b`, `a-b`: not the order of the paths as strings. An entry that no pattern selects is
//! told all the same when something below it is selected, just before that.
//!
//! Lazy and flat: at any time the walk holds the unvisited names of the directories it is in, and
//! the first name of each file that has several. Directories that patterns rule out are not read.

use std::collections::{HashMap, VecDeque};
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::vec;

use super::entry::{Entry, native, several_names};
use super::follow::{FollowError, follow, without_nested};
use super::ignore::{Inherited, PatternError, Patterns};

/// Which entries of a context are wanted. Empty lists do not filter.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Patterns of what is wanted.
    pub include: Vec<String>,
    /// Patterns of what is not wanted, even if included.
    pub exclude: Vec<String>,
    /// Paths whose links are followed, for more patterns of what is wanted.
    pub follow: Vec<String>,
}

/// Why a walk cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The root is not there.
    #[error("failed to find build context `{}`: {source}", path.display())]
    Root {
        /// The root.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The root is a file or the like.
    #[error("build context `{}` is not a directory", .0.display())]
    NotADirectory(PathBuf),
    /// A directory cannot be listed.
    #[error("failed to read directory `{}`: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// An entry cannot be looked at.
    #[error("failed to read `{}`: {source}", path.display())]
    Entry {
        /// The entry.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A link cannot be followed.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// A pattern makes no sense.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

/// A context and what is wanted of it.
#[derive(Debug)]
pub struct Walk {
    root: PathBuf,
    include: Option<Patterns>,
    exclude: Option<Patterns>,
}

impl Walk {
    /// A walk below `root`, which may be a link, of what passes `filter`. Follow paths are
    /// resolved here, once.
    ///
    /// # Errors
    /// The root is no directory, a pattern is not valid, or a link cannot be followed.
    pub fn new(root: &Path, filter: &Filter) -> Result<Self, WalkError> {
        let root = match root.canonicalize() {
            Ok(resolved) if resolved.is_dir() => resolved,
            Ok(_) => return Err(WalkError::NotADirectory(root.to_path_buf())),
            Err(source) => {
                let path = root.to_path_buf();
                return Err(WalkError::Root { path, source });
            }
        };
        let mut include: Vec<Vec<u8>> = filter
            .include
            .iter()
            .map(|pattern| pattern.clone().into_bytes())
            .collect();
        if !filter.follow.is_empty()
            && let Some(followed) = follow(&root, &filter.follow)?
        {
            include.extend(followed);
            include = without_nested(include).unwrap_or_default();
        }
        Ok(Self {
            include: patterns(&include)?,
            exclude: patterns(&filter.exclude)?,
            root,
        })
    }

    /// A walk below `root`, which may be a link, of all that an ignore file leaves.
    ///
    /// # Errors
    /// The root is no directory.
    pub fn ignoring(root: &Path, ignored: Option<Patterns>) -> Result<Self, WalkError> {
        Ok(Self {
            exclude: ignored,
            ..Self::new(root, &Filter::default())?
        })
    }

    /// The context's directory, without links on the way to it.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether the ignore patterns leave `path` out.
    ///
    /// # Errors
    /// A pattern that had to be tried is broken.
    pub fn ignores(&self, path: &[u8]) -> Result<bool, PatternError> {
        self.exclude
            .as_ref()
            .map_or(Ok(false), |patterns| patterns.matches(path))
    }

    /// The entries, without the root. Ends after the first error.
    pub fn entries(&self) -> Entries<'_> {
        Entries {
            walk: self,
            path: Vec::new(),
            levels: vec![Level::unread(0)],
            first_names: HashMap::new(),
            ready: VecDeque::new(),
        }
    }

    /// Opens the file at the path of an entry, following links as they are now.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(&self, path: &[u8]) -> io::Result<File> {
        File::open(self.local(path))
    }

    fn local(&self, path: &[u8]) -> PathBuf {
        self.root.join(native(path))
    }

    /// What is to be done with the entry at `path` in `level`.
    fn judge(
        &self,
        path: &[u8],
        is_directory: bool,
        level: &Level,
    ) -> Result<Verdict, PatternError> {
        let mut below = Level::unread(path.len());
        if let Some(include) = &self.include {
            let (included, inherited) = consult(include, path, is_directory, &level.include)?;
            if !included && is_directory && !include.may_match_below(path) {
                return Ok(Verdict::Prune);
            }
            below.include = inherited;
            below.told &= included;
        }
        if let Some(exclude) = &self.exclude {
            let (excluded, inherited) = consult(exclude, path, is_directory, &level.exclude)?;
            if excluded && is_directory && !exclude.may_negate_below(path) {
                return Ok(Verdict::Prune);
            }
            below.exclude = inherited;
            below.told &= !excluded;
        }
        Ok(Verdict::Keep(below))
    }
}

/// A matcher for a list, `None` for an empty one. A list of blanks is not empty and matches
/// nothing.
fn patterns<P: AsRef<[u8]>>(list: &[P]) -> Result<Option<Patterns>, PatternError> {
    (!list.is_empty())
        .then(|| Patterns::compile(list))
        .transpose()
}

/// Whether `path` matches, and what entries inherit if it is a directory.
fn consult(
    patterns: &Patterns,
    path: &[u8],
    is_directory: bool,
    above: &Inherited,
) -> Result<(bool, Inherited), PatternError> {
    if is_directory {
        return patterns.enter(path, above);
    }
    let matched = patterns.matches_in(path, above)?;
    Ok((matched, Inherited::default()))
}

enum Verdict {
    /// Neither this nor anything below.
    Prune,
    /// This if it is to be told, and what is below if it is a directory.
    Keep(Level),
}

/// A directory the walk is in.
#[derive(Debug)]
struct Level {
    /// How much of [`Entries::path`] is the directory's own.
    length: usize,
    /// The names that were not visited yet; `None` before the directory was read.
    names: Option<vec::IntoIter<Name>>,
    include: Inherited,
    exclude: Inherited,
    /// Whether its own entry was told, or is about to be.
    told: bool,
}

#[derive(Debug)]
struct Name {
    name: OsString,
    is_directory: bool,
}

impl Level {
    fn unread(length: usize) -> Self {
        Self {
            length,
            names: None,
            include: Inherited::default(),
            exclude: Inherited::default(),
            told: true,
        }
    }
}

/// The entries of a [`Walk`], in order.
#[derive(Debug)]
pub struct Entries<'a> {
    walk: &'a Walk,
    /// The directory or entry that is visited.
    path: Vec<u8>,
    levels: Vec<Level>,
    first_names: HashMap<(u64, u64), Vec<u8>>,
    ready: VecDeque<Entry>,
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, WalkError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                return Some(Ok(entry));
            }
            match self.next_name() {
                Ok(None) => self.leave()?,
                Ok(Some(name)) => {
                    if let Err(error) = self.visit(&name) {
                        return Some(Err(self.end(error)));
                    }
                }
                Err(error) => return Some(Err(self.end(error))),
            }
        }
    }
}

impl Entries<'_> {
    /// Leaves the innermost directory; `None` when there is none.
    fn leave(&mut self) -> Option<()> {
        self.levels.pop().map(drop)
    }

    fn end(&mut self, error: WalkError) -> WalkError {
        self.levels.clear();
        self.ready.clear();
        error
    }

    /// The next name in the innermost directory, which is read if it was not yet.
    fn next_name(&mut self) -> Result<Option<Name>, WalkError> {
        let Some(level) = self.levels.last_mut() else {
            return Ok(None);
        };
        self.path.truncate(level.length);
        if level.names.is_none() {
            let directory = self.walk.local(&self.path);
            let names = match list(&directory) {
                Ok(names) => names,
                Err(error) if is_gone(&error) && level.length > 0 => Vec::new(),
                // Nothing of it is wanted so far, so perhaps nothing is missed.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied && !level.told => {
                    Vec::new()
                }
                Err(source) => {
                    return Err(WalkError::Directory {
                        path: directory,
                        source,
                    });
                }
            };
            level.names = Some(names.into_iter());
        }
        Ok(level.names.as_mut().and_then(Iterator::next))
    }

    fn visit(&mut self, name: &Name) -> Result<(), WalkError> {
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name.name.as_encoded_bytes());
        let Some(level) = self.levels.last() else {
            return Ok(());
        };
        let verdict = self.walk.judge(&self.path, name.is_directory, level)?;
        let Verdict::Keep(below) = verdict else {
            return Ok(());
        };
        // By now it may be something else than when it was listed, such as a link.
        let is_directory = if below.told {
            self.tell()?
        } else {
            name.is_directory
        };
        if is_directory && name.is_directory {
            self.levels.push(below);
        }
        Ok(())
    }

    /// Makes the visited entry ready, after the directories above that were not told. Gives
    /// whether it is a directory. When it is gone, nothing is told and the walk goes on with the
    /// next name.
    fn tell(&mut self) -> Result<bool, WalkError> {
        let Some((mut entry, metadata)) = self.read(self.path.len())? else {
            return Ok(false);
        };
        for index in 0..self.levels.len() {
            if self.levels[index].told {
                continue;
            }
            match self.read(self.levels[index].length)? {
                Some((directory, _)) if directory.is_directory() => {
                    self.levels[index].told = true;
                    self.ready.push_back(directory);
                }
                _ => return Ok(false),
            }
        }
        let is_directory = entry.is_directory();
        self.link(&mut entry, &metadata);
        self.ready.push_back(entry);
        Ok(is_directory)
    }

    /// The entry at the first `length` bytes of the path; `None` if it is gone.
    fn read(&self, length: usize) -> Result<Option<(Entry, Metadata)>, WalkError> {
        let path = &self.path[..length];
        let file = self.walk.local(path);
        match Entry::read(&file, path) {
            Ok(read) => Ok(Some(read)),
            Err(error) if is_gone(&error) => Ok(None),
            Err(source) => Err(WalkError::Entry { path: file, source }),
        }
    }

    /// Tells that a file came before under another name. Only names that were told count: the
    /// other side refuses a link to a file it has not heard of.
    fn link(&mut self, entry: &mut Entry, metadata: &Metadata) {
        if entry.is_directory() || entry.is_symlink() {
            return;
        }
        let Some(file) = several_names(metadata) else {
            return;
        };
        match self.first_names.get(&file) {
            Some(first) => entry.link.clone_from(first),
            None => {
                self.first_names.insert(file, entry.path.clone());
            }
        }
    }
}

/// The names in a directory, sorted by their bytes.
fn list(directory: &Path) -> io::Result<Vec<Name>> {
    let mut names = Vec::new();
    for entry in directory.read_dir()? {
        let entry = entry?;
        let is_directory = match entry.file_type() {
            Ok(kind) => kind.is_dir(),
            Err(error) if is_gone(&error) => continue,
            Err(error) => return Err(error),
        };
        names.push(Name {
            name: entry.file_name(),
            is_directory,
        });
    }
    names.sort_unstable_by(|a, b| a.name.as_encoded_bytes().cmp(b.name.as_encoded_bytes()));
    Ok(names)
}

/// Whether something was removed, or replaced by something of another kind, since it was listed.
pub(super) fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

#[cfg(all(test, unix))]
mod tests;
