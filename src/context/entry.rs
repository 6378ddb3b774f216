//! One entry of a context, told as BuildKit wants to hear it.

use std::borrow::Cow;
use std::fs::Metadata;
use std::io;
use std::path::Path;

/// The bits of [`Entry::mode`] above the permissions: Go's `FileMode`, not the system's.
pub mod mode {
    /// Read, write and execute for owner, group and others.
    pub const PERMISSIONS: u32 = 0o777;
    /// A directory.
    pub const DIRECTORY: u32 = 1 << 31;
    /// A symbolic link.
    pub const SYMLINK: u32 = 1 << 27;
    /// A device; a block device unless [`CHARACTER`] is set too.
    pub const DEVICE: u32 = 1 << 26;
    /// A named pipe.
    pub const PIPE: u32 = 1 << 25;
    /// Set user id on execution.
    pub const SETUID: u32 = 1 << 23;
    /// Set group id on execution.
    pub const SETGID: u32 = 1 << 22;
    /// With [`DEVICE`]: a character device.
    pub const CHARACTER: u32 = 1 << 21;
    /// Only owners may remove what is in the directory.
    pub const STICKY: u32 = 1 << 20;
    /// Set in everything that is not a regular file.
    pub const KIND: u32 = DIRECTORY | SYMLINK | DEVICE | PIPE | CHARACTER;
}

/// A file, directory, link or other thing in a context.
///
/// Who owns it is not told: in a build everything belongs to root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Where it is, relative to the root. Raw bytes: a name need not be UTF-8.
    pub path: Vec<u8>,
    /// Permissions and kind, see [`mode`]. A socket has no kind and so looks like an empty file.
    pub mode: u32,
    /// Bytes of a file, also of a hard link; length of a symbolic link's target; 0 for
    /// directories.
    pub size: u64,
    /// When the content changed last, in nanoseconds since 1970.
    pub modified: i64,
    /// The target of a symbolic link as it was written; or, for a further name of a file that has
    /// several, the name under which it came first. Else empty.
    pub link: Vec<u8>,
    /// Of a device: major and minor number.
    pub device: (i64, i64),
    /// Extended attributes, without those of macOS.
    pub attributes: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Entry {
    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.mode & mode::DIRECTORY != 0
    }

    /// Whether it is a symbolic link.
    pub fn is_symlink(&self) -> bool {
        self.mode & mode::SYMLINK != 0
    }

    /// Whether its content may be asked for. Both sides go by the mode alone, so that is also
    /// true of hard links and sockets, although nobody asks for those.
    pub fn has_content(&self) -> bool {
        self.mode & mode::KIND == 0
    }

    /// What there is at `file`, to be called `path`. Hard links are not told apart here.
    pub(super) fn read(file: &Path, path: &[u8]) -> io::Result<(Self, Metadata)> {
        let metadata = file.symlink_metadata()?;
        let mode = platform::mode(&metadata);
        let mut entry = Self {
            path: path.to_vec(),
            mode,
            modified: platform::modified(&metadata),
            device: platform::device(&metadata),
            ..Self::default()
        };
        if !entry.is_directory() {
            entry.size = metadata.len();
        }
        if entry.is_symlink() {
            entry.link = portable(&file.read_link()?).into_owned();
        }
        entry.attributes = platform::attributes(file)?;
        Ok((entry, metadata))
    }
}

/// What names a file that has several names; `None` when it has one.
pub(super) fn several_names(metadata: &Metadata) -> Option<(u64, u64)> {
    platform::several_names(metadata)
}

/// A path of this system as bytes with `/` between elements.
pub(super) fn portable(path: &Path) -> Cow<'_, [u8]> {
    let bytes = path.as_os_str().as_encoded_bytes();
    if cfg!(windows) && bytes.contains(&b'\\') {
        let slashed = bytes.iter().map(|&b| if b == b'\\' { b'/' } else { b });
        return Cow::Owned(slashed.collect());
    }
    Cow::Borrowed(bytes)
}

pub(super) use platform::native;

#[cfg(unix)]
mod platform {
    use std::borrow::Cow;
    use std::ffi::OsStr;
    use std::fs::Metadata;
    use std::io;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    use std::path::Path;

    use super::mode;

    /// A path made of bytes as this system takes it.
    pub(in crate::context) fn native(path: &[u8]) -> Cow<'_, Path> {
        Cow::Borrowed(Path::new(OsStr::from_bytes(path)))
    }

    pub(super) fn mode(metadata: &Metadata) -> u32 {
        let kind = metadata.file_type();
        let kind = if kind.is_dir() {
            mode::DIRECTORY
        } else if kind.is_symlink() {
            mode::SYMLINK
        } else if kind.is_block_device() {
            mode::DEVICE
        } else if kind.is_char_device() {
            mode::DEVICE | mode::CHARACTER
        } else if kind.is_fifo() {
            mode::PIPE
        } else {
            0
        };
        let special = [
            (0o4000, mode::SETUID),
            (0o2000, mode::SETGID),
            (0o1000, mode::STICKY),
        ];
        special
            .iter()
            .filter(|(bit, _)| metadata.mode() & bit != 0)
            .fold(
                kind | metadata.mode() & mode::PERMISSIONS,
                |mode, (_, go)| mode | go,
            )
    }

    pub(super) fn modified(metadata: &Metadata) -> i64 {
        metadata
            .mtime()
            .wrapping_mul(1_000_000_000)
            .wrapping_add(metadata.mtime_nsec())
    }

    pub(super) fn device(metadata: &Metadata) -> (i64, i64) {
        let kind = metadata.file_type();
        if !kind.is_block_device() && !kind.is_char_device() {
            return (0, 0);
        }
        let number = metadata.rdev().cast_signed();
        (
            (number >> 8) & 0xfff,
            (number & 0xff) | ((number >> 12) & 0xf_ff00),
        )
    }

    pub(super) fn several_names(metadata: &Metadata) -> Option<(u64, u64)> {
        (metadata.nlink() > 1).then(|| (metadata.dev(), metadata.ino()))
    }

    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    pub(super) fn attributes(file: &Path) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        use rustix::fs::{lgetxattr, llistxattr};
        use rustix::io::Errno;

        let listed = grow(|buffer| llistxattr(file, buffer));
        let names = match listed {
            Ok(names) => names,
            // The file system has none.
            Err(Errno::NOTSUP) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let names = names.split(|&byte| byte == 0);
        let wanted = names.filter(|name| !name.is_empty() && !name.starts_with(b"com.apple."));
        // One that cannot be read is left out: some may be listed by anyone and read by root.
        Ok(wanted
            .filter_map(|name| {
                let value = grow(|buffer| lgetxattr(file, name, buffer)).ok()?;
                Some((name.to_vec(), value))
            })
            .collect())
    }

    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    pub(super) fn attributes(_file: &Path) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        Ok(Vec::new())
    }

    /// Calls `read` with a buffer that is large enough. The first is on the stack: of most files
    /// there is nothing to read, and this is called for each. To rustix an empty buffer is no
    /// question for the length, so the others are guessed.
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    fn grow(read: impl Fn(&mut [u8]) -> rustix::io::Result<usize>) -> rustix::io::Result<Vec<u8>> {
        let mut small = [0; 256];
        let mut result = read(&mut small);
        if let Ok(length) = result {
            return Ok(small[..length].to_vec());
        }
        let mut large = Vec::new();
        while result == Err(rustix::io::Errno::RANGE) {
            large.resize(1024.max(large.len() * 4), 0);
            result = read(&mut large);
        }
        large.truncate(result?);
        Ok(large)
    }
}

#[cfg(not(unix))]
mod platform {
    use std::borrow::Cow;
    use std::fs::Metadata;
    use std::io;
    use std::path::{Path, PathBuf};
    use std::time::UNIX_EPOCH;

    use super::mode;

    /// A path made of bytes as this system takes it.
    pub(in crate::context) fn native(path: &[u8]) -> Cow<'_, Path> {
        Cow::Owned(PathBuf::from(String::from_utf8_lossy(path).into_owned()))
    }

    /// There are no permissions to tell, so everything is executable.
    pub(super) fn mode(metadata: &Metadata) -> u32 {
        let kind = metadata.file_type();
        let permissions = if metadata.permissions().readonly() {
            0o555
        } else {
            0o755
        };
        permissions
            | match () {
                () if kind.is_dir() => mode::DIRECTORY,
                () if kind.is_symlink() => mode::SYMLINK,
                () => 0,
            }
    }

    pub(super) fn modified(metadata: &Metadata) -> i64 {
        let since = metadata.modified().ok();
        let since = since.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        since.map_or(0, |since| {
            i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
        })
    }

    pub(super) fn device(_metadata: &Metadata) -> (i64, i64) {
        (0, 0)
    }

    pub(super) fn several_names(_metadata: &Metadata) -> Option<(u64, u64)> {
        None
    }

    #[expect(clippy::unnecessary_wraps, reason = "the other systems can fail here")]
    pub(super) fn attributes(_file: &Path) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        Ok(Vec::new())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::fs::{XattrFlags, setxattr};

    use super::*;

    #[test]
    fn attributes_of_any_length_and_number_are_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("file");
        std::fs::write(&file, "").expect("a file");
        let mut expected = Vec::new();
        for length in [0, 1, 255, 256, 257, 1000, 1025] {
            let (name, value) = (format!("user.dcb-{length:0>80}"), vec![b'x'; length]);
            if setxattr(&file, &name, &value, XattrFlags::empty()).is_err() {
                return; // The file system has none.
            }
            expected.push((name.into_bytes(), value));
        }
        let (mut entry, _) = Entry::read(&file, b"file").expect("an entry");
        entry.attributes.sort();
        assert_eq!(entry.attributes, expected);
    }
}
