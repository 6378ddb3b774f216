//! Directories that `type=local` keeps caches in: what they take, and how they are emptied.
//!
//! A directory is named by whoever wrote the compose file, and may hold anything. Only what belongs to
//! a cache is counted and removed: the files of an image layout, in a directory that is one.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// The file that makes a directory an image layout; whoever uses it holds a lock on it.
const LAYOUT: &str = "oci-layout";
/// The index, which is written last.
const INDEX: &str = "index.json";
/// Everything of a layout, the index first: without it nothing else is looked at.
const PARTS: [&str; 5] = [INDEX, "dcb-checked", "ingest", "blobs", LAYOUT];

/// What a directory keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Bytes in its files.
    pub bytes: u64,
    /// When it was last written, in milliseconds since 1970.
    pub written: Option<u64>,
}

/// What the cache in `path` takes; nothing when there is none.
pub fn measure(path: &Path) -> Option<Kept> {
    path.join(LAYOUT).is_file().then(|| Kept {
        bytes: PARTS.iter().map(|part| bytes(&path.join(part))).sum(),
        written: written(&path.join(INDEX)),
    })
}

fn written(path: &Path) -> Option<u64> {
    let modified: SystemTime = path.metadata().ok()?.modified().ok()?;
    let since = modified.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}

/// What a file, or all files below a directory, take. Links are not followed.
fn bytes(path: &Path) -> u64 {
    let Ok(metadata) = path.symlink_metadata() else {
        return 0;
    };
    if !metadata.is_dir() {
        return metadata.len();
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| bytes(&entry.path())).sum()
}

/// Removes the cache in `path`, and the directory when nothing else is in it; the bytes that were freed.
///
/// # Errors
/// When a build uses it right now, or files cannot be removed.
pub fn clear(path: &Path) -> io::Result<u64> {
    let Some(kept) = measure(path) else {
        return Ok(0);
    };
    let lock = File::open(path.join(LAYOUT))?;
    if lock.try_lock().is_err() {
        return Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            "a build uses it right now",
        ));
    }
    for part in PARTS {
        let part = path.join(part);
        let removed = match part.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&part),
            Ok(_) => fs::remove_file(&part),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    // What else is in it is somebody's.
    let _ = fs::remove_dir(path);
    Ok(kept.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_belongs_to_a_cache_is_counted_and_removed() {
        let directory = tempfile::tempdir().expect("a directory");
        let cache = directory.path().join("cache");
        fs::create_dir_all(cache.join("blobs/sha256")).expect("a directory");
        fs::write(cache.join("blobs/sha256/ab"), "12345").expect("a file");
        fs::write(cache.join("mine"), "mine").expect("a file");
        assert_eq!(measure(&cache), None, "it is no layout");
        assert_eq!(clear(&cache).expect("nothing to do"), 0);
        fs::write(cache.join(LAYOUT), "{}").expect("a file");
        assert_eq!(measure(&cache).map(|kept| kept.bytes), Some(7));

        let user = File::open(cache.join(LAYOUT)).expect("a file");
        user.lock_shared().expect("a lock");
        assert!(clear(&cache).is_err(), "a build uses it");
        assert!(cache.join("blobs/sha256/ab").exists());
        drop(user);

        assert_eq!(clear(&cache).expect("cleared"), 7);
        let left: Vec<_> = fs::read_dir(&cache).expect("a directory").collect();
        assert_eq!(left.len(), 1);
        fs::remove_file(cache.join("mine")).expect("removed");
        fs::write(cache.join(LAYOUT), "{}").expect("a file");
        clear(&cache).expect("cleared");
        assert!(!cache.exists());
    }
}
