//! The directories that programs of this machine write into on their way.

use std::path::{Path, PathBuf};

use crate::ambient::Ambient;

/// The directories that programs write into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scratch {
    /// That for temporary files.
    pub temporary: Directory,
    /// That of dcb's own cache.
    pub cache: Option<Directory>,
}

/// A directory that is to be written into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Where.
    pub path: PathBuf,
    /// Why it cannot be written into.
    pub unwritable: Option<String>,
    /// Bytes free on its disk, where that can be known.
    pub free: Option<u64>,
}

impl Scratch {
    /// Looks at them; an empty file is made in each and removed again.
    pub fn look(ambient: &Ambient) -> Self {
        let temporary = ambient.variable("TMPDIR").unwrap_or("/tmp");
        Self {
            temporary: Directory::look(&ambient.directory.join(temporary)),
            cache: ambient
                .cache_directory()
                .as_deref()
                .and_then(nearest)
                .map(Directory::look),
        }
    }
}

/// The directory itself, or the nearest above it that is there: it will be made when it is needed.
fn nearest(path: &Path) -> Option<&Path> {
    path.ancestors()
        .find(|path| path.symlink_metadata().is_ok())
}

impl Directory {
    pub(super) fn look(path: &Path) -> Self {
        let tried = tempfile::Builder::new().prefix(".dcb-").tempfile_in(path);
        Self {
            path: path.to_owned(),
            unwritable: tried.err().map(|error| reason(&error)),
            free: free(path),
        }
    }
}

/// The system's own words, without the path that `tempfile` adds.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "it does not exist".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::NotADirectory => "it is not a directory".to_owned(),
        kind => kind.to_string(),
    }
}

#[cfg(unix)]
fn free(path: &Path) -> Option<u64> {
    let told = rustix::fs::statvfs(path).ok()?;
    told.f_bavail.checked_mul(told.f_frsize)
}

#[cfg(not(unix))]
fn free(_path: &Path) -> Option<u64> {
    None
}
