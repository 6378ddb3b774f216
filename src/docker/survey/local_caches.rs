//! Directories that keep a build's cache: images in the OCI layout, whose `index.json` says what is in
//! them.

use std::path::{Path, PathBuf};

use super::scratch::Directory;

/// A directory that keeps a cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalCache {
    /// Where.
    pub path: PathBuf,
    /// What is wrong with what is in it.
    pub damage: Option<String>,
    /// Why nothing can be written into it, or into the directory that it would be made in.
    pub unwritable: Option<String>,
    /// Whether it is kept in memory and not on a disk.
    pub in_memory: bool,
}

impl LocalCache {
    /// Looks at the directory at `path`, which need not be there.
    pub fn look(path: &Path) -> Self {
        let existing = path
            .ancestors()
            .find(|path| path.symlink_metadata().is_ok());
        let existing = existing.unwrap_or(path);
        let directory = Directory::look(existing);
        Self {
            in_memory: is_in_memory(existing),
            path: path.to_owned(),
            damage: damage(path),
            unwritable: directory.unwritable,
        }
    }
}

#[cfg(target_os = "linux")]
fn is_in_memory(path: &Path) -> bool {
    // `TMPFS_MAGIC` of linux/magic.h.
    rustix::fs::statfs(path).is_ok_and(|told| told.f_type == 0x0102_1994)
}

#[cfg(not(target_os = "linux"))]
fn is_in_memory(_path: &Path) -> bool {
    false
}

/// What is wrong with the cache at `path`; nothing when it is whole, empty or not there.
fn damage(path: &Path) -> Option<String> {
    if path.exists() && !path.is_dir() {
        return Some("it is not a directory".to_owned());
    }
    let index = std::fs::read(path.join("index.json")).ok()?;
    let error = serde_json::from_slice::<serde_json::Value>(&index).err()?;
    Some(format!("`index.json` cannot be understood: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_is_whole_empty_or_damaged() {
        let directory = tempfile::tempdir().expect("a directory");
        let cache = directory.path().join("cache");
        assert_eq!(LocalCache::look(&cache).damage, None, "it is not there yet");
        if cfg!(target_os = "linux") {
            assert!(LocalCache::look(Path::new("/dev/shm/none")).in_memory);
        }
        std::fs::create_dir(&cache).expect("a directory");
        assert_eq!(LocalCache::look(&cache).damage, None);
        for (text, whole) in [
            ("{\"manifests\": []}", true),
            ("{\"manif", false),
            ("", false),
        ] {
            std::fs::write(cache.join("index.json"), text).expect("a file");
            assert_eq!(LocalCache::look(&cache).damage.is_none(), whole, "{text}");
        }
        let file = directory.path().join("file");
        std::fs::write(&file, "").expect("a file");
        let look = LocalCache::look(&file);
        assert_eq!(look.damage.as_deref(), Some("it is not a directory"));
    }
}
