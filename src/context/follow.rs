//! Follow paths: from what a build copies to the patterns that make the walk send it.
//!
//! `COPY current/app /` wants more than the pattern `current/app` when `current` is a link to
//! `releases/7`: the link itself and `releases/7/app`. Each path is taken element by element; where
//! an element is a link, the path so far becomes a pattern and the search goes on at the target.
//! An element may be a wildcard, which stands for the links in its directory that match; files
//! that match need no help, because the pattern itself will match them.
//!
//! Links stay within the context: an absolute target begins at its root and `..` ends there. A
//! link that was followed once is not followed again with another rest: that is how BuildKit's
//! clients end cycles, and it is kept although it loses the second of two paths through one link.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::entry::{native, portable};
use super::glob::Glob;
use super::lexical::{clean, join, split};

/// A place in the context that could not be looked at.
#[derive(Debug, thiserror::Error)]
#[error("failed to follow links at `{}`: {source}", path.display())]
pub struct FollowError {
    /// Where it is.
    pub path: PathBuf,
    /// Why not.
    pub source: io::Error,
}

/// The include patterns for `paths` below `root`, sorted; `None` when they want all of it.
///
/// # Errors
/// A directory or link on the way cannot be read. What does not exist is no error: its pattern
/// matches nothing.
pub fn follow<P: AsRef<[u8]>>(
    root: &Path,
    paths: &[P],
) -> Result<Option<Vec<Vec<u8>>>, FollowError> {
    let mut resolver = Resolver {
        root,
        resolved: BTreeSet::new(),
    };
    for path in paths {
        resolver.follow(path.as_ref())?;
    }
    Ok(without_nested(resolver.resolved))
}

/// Drops patterns that lie below the one before them, since a directory brings all it holds.
/// `None` when one of them is the root. Expects sorted patterns, yet is also used on others,
/// where it drops less; at the start of the list, an absolute path counts as nested.
pub(super) fn without_nested(patterns: impl IntoIterator<Item = Vec<u8>>) -> Option<Vec<Vec<u8>>> {
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for pattern in patterns {
        if pattern == b"." {
            return None;
        }
        let above = kept.last().map(Vec::as_slice).unwrap_or_default();
        let nested = pattern
            .strip_prefix(above)
            .is_some_and(|rest| rest.first() == Some(&b'/'));
        if !nested {
            kept.push(pattern);
        }
    }
    Some(kept)
}

struct Resolver<'a> {
    root: &'a Path,
    resolved: BTreeSet<Vec<u8>>,
}

impl Resolver<'_> {
    /// Follows one path to its end. Works through a stack and not by recursion: how long a chain
    /// of links is, is up to the context.
    fn follow(&mut self, path: &[u8]) -> Result<(), FollowError> {
        let mut waiting = vec![path.to_vec()];
        while let Some(path) = waiting.pop() {
            let targets = self.first_link(&path)?;
            // Depth first in their order, because what was followed first wins.
            waiting.extend(targets.into_iter().rev());
        }
        Ok(())
    }

    /// Records the pattern for `path` up to its first link; gives where to go on from there.
    fn first_link(&mut self, path: &[u8]) -> Result<Vec<Vec<u8>>, FollowError> {
        let path = join(b".", path);
        let mut rest = Some(path.as_slice());
        let mut current = b".".to_vec();
        while let Some(ahead) = rest {
            let (element, after) = match ahead.iter().position(|&byte| byte == b'/') {
                Some(at) => (&ahead[..at], Some(&ahead[at + 1..])),
                None => (ahead, None),
            };
            rest = after;
            current = join(&current, element);
            let targets = self.targets(&current)?;
            if targets.is_empty() {
                continue;
            }
            if !self.resolved.insert(current) {
                return Ok(Vec::new());
            }
            let rest = rest.unwrap_or_default();
            return Ok(targets.iter().map(|target| join(target, rest)).collect());
        }
        self.resolved.insert(current);
        Ok(Vec::new())
    }

    /// Where the links lead that `path` names; none when it names no link.
    fn targets(&self, path: &[u8]) -> Result<Vec<Vec<u8>>, FollowError> {
        let (directory, name) = split(path);
        if !has_wildcard(name) {
            return Ok(self.target(path)?.into_iter().collect());
        }
        let glob = Glob::parse(name);
        let mut targets = Vec::new();
        for name in self.names(directory)? {
            if glob.matches(&name) == Ok(true) {
                targets.extend(self.target(&join(directory, &name))?);
            }
        }
        Ok(targets)
    }

    /// Where the link at `path` leads, as a path that begins at the root.
    fn target(&self, path: &[u8]) -> Result<Option<Vec<u8>>, FollowError> {
        let Some(file) = self.inside(path) else {
            return Ok(None);
        };
        let target = match file.symlink_metadata() {
            Ok(metadata) if !metadata.is_symlink() => return Ok(None),
            Ok(_) => file.read_link(),
            Err(error) => Err(error),
        };
        let Some(target) = found(target, &file)? else {
            return Ok(None);
        };
        let target = clean(&portable(&target));
        if target.starts_with(b"/") {
            return Ok(Some(target));
        }
        Ok(Some(join(b"/", &join(split(path).0, &target))))
    }

    /// The names in `directory`, sorted. A link to a directory has none: it was followed before.
    fn names(&self, directory: &[u8]) -> Result<Vec<Vec<u8>>, FollowError> {
        let Some(file) = self.inside(directory) else {
            return Ok(Vec::new());
        };
        let names = || {
            if directory != b"." && !file.symlink_metadata()?.is_dir() {
                return Ok(Vec::new());
            }
            file.read_dir()?
                .map(|entry| Ok(entry?.file_name().as_encoded_bytes().to_vec()))
                .collect()
        };
        let mut names: Vec<_> = found(names(), &file)?.unwrap_or_default();
        names.sort_unstable();
        Ok(names)
    }

    /// The file that `path` names, unless it is the root or beyond it.
    fn inside(&self, path: &[u8]) -> Option<PathBuf> {
        match path {
            b"." => Some(self.root.to_path_buf()),
            b".." | [b'.', b'.', b'/', ..] => None,
            _ => Some(self.root.join(native(path))),
        }
    }
}

/// What was found at `path`, `None` if there is nothing.
fn found<T>(result: io::Result<T>, path: &Path) -> Result<Option<T>, FollowError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if super::walk::is_gone(&error) => Ok(None),
        Err(source) => Err(FollowError {
            path: path.to_path_buf(),
            source,
        }),
    }
}

fn has_wildcard(name: &[u8]) -> bool {
    let mut bytes = name.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if cfg!(not(windows)) => {
                bytes.next();
            }
            b'*' | b'?' | b'[' => return true,
            _ => {}
        }
    }
    false
}

#[cfg(all(test, unix))]
mod tests;
