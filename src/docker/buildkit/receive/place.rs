//! What the system calls the things that are received: names, links, devices, modes, times.

use std::fs;
use std::io;
use std::path::Path;

use tempfile::Builder;

use super::super::wire::Stat;
use super::tree::TEMPORARY;
use crate::context::mode;

pub(super) use platform::{dress, is_name, native, open_up, public, special, symlink};

#[cfg(unix)]
mod platform {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::PermissionsExt;

    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

    use super::{Builder, Path, Stat, TEMPORARY, fs, io, mode};

    /// A temporary name for what will be no secret: the umask takes its part of `permissions`.
    pub(in super::super) fn public(permissions: u32) -> Builder<'static, 'static> {
        let mut builder = Builder::new();
        builder
            .prefix(TEMPORARY)
            .permissions(fs::Permissions::from_mode(permissions));
        builder
    }

    /// Whether one part of a path is a name here.
    pub(in super::super) fn is_name(part: &[u8]) -> bool {
        !part.contains(&0)
    }

    /// A path of plain parts as this system takes it.
    pub(in super::super) fn native(path: &[u8]) -> &Path {
        Path::new(OsStr::from_bytes(path))
    }

    /// Makes a symbolic link.
    pub(in super::super) fn symlink(stat: &Stat, path: &Path) -> io::Result<()> {
        std::os::unix::fs::symlink(native(&stat.link), path)?;
        set_time(stat, path)
    }

    /// Makes a device or a pipe.
    #[cfg(target_os = "linux")]
    pub(in super::super) fn special(stat: &Stat, path: &Path) -> io::Result<()> {
        use rustix::fs::{FileType, Mode, makedev, mknodat};

        let kind = match stat.mode & mode::KIND {
            mode::PIPE => FileType::Fifo,
            mode::DEVICE => FileType::BlockDevice,
            _ => FileType::CharacterDevice,
        };
        let number = |part: i64| u32::try_from(part).unwrap_or_default();
        let device = makedev(number(stat.major), number(stat.minor));
        mknodat(CWD, path, kind, Mode::from_raw_mode(0o600), device)?;
        dress(stat, path)
    }

    /// Makes a device or a pipe.
    #[cfg(not(target_os = "linux"))]
    pub(in super::super) fn special(_stat: &Stat, _path: &Path) -> io::Result<()> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "devices and pipes cannot be written here",
        ))
    }

    /// Lets the owner write into a directory until it is dressed.
    pub(in super::super) fn open_up(path: &Path) -> io::Result<()> {
        let permissions = fs::symlink_metadata(path)?.permissions().mode();
        fs::set_permissions(path, fs::Permissions::from_mode(permissions | 0o700))
    }

    /// Gives a file or directory its attributes, mode and time. It belongs to who writes it.
    pub(in super::super) fn dress(stat: &Stat, path: &Path) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
        for attribute in &stat.attributes {
            // Some are for root alone, and some file systems have none: what can be kept is.
            let flags = rustix::fs::XattrFlags::empty();
            let _ = rustix::fs::lsetxattr(path, &attribute.name[..], &attribute.value, flags);
        }
        let special = [
            (0o4000, mode::SETUID),
            (0o2000, mode::SETGID),
            (0o1000, mode::STICKY),
        ];
        let bits = special
            .iter()
            .filter(|(_, go)| stat.mode & go != 0)
            .fold(stat.mode & mode::PERMISSIONS, |bits, (bit, _)| bits | bit);
        fs::set_permissions(path, fs::Permissions::from_mode(bits))?;
        set_time(stat, path)
    }

    fn set_time(stat: &Stat, path: &Path) -> io::Result<()> {
        let modified = Timespec {
            tv_sec: stat.modified.div_euclid(1_000_000_000),
            tv_nsec: stat.modified.rem_euclid(1_000_000_000) as _,
        };
        let times = Timestamps {
            last_access: modified,
            last_modification: modified,
        };
        Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
    }
}

#[cfg(not(unix))]
mod platform {
    use std::borrow::Cow;
    use std::path::PathBuf;

    use super::{Builder, Path, Stat, TEMPORARY, fs, io, mode};

    pub(in super::super) fn public(_permissions: u32) -> Builder<'static, 'static> {
        let mut builder = Builder::new();
        builder.prefix(TEMPORARY);
        builder
    }

    pub(in super::super) fn is_name(part: &[u8]) -> bool {
        !part.iter().any(|byte| b"\0\\:*?\"<>|".contains(byte))
    }

    pub(in super::super) fn native(path: &[u8]) -> PathBuf {
        let text: Cow<'_, str> = String::from_utf8_lossy(path);
        PathBuf::from(text.into_owned())
    }

    pub(in super::super) fn symlink(_stat: &Stat, _path: &Path) -> io::Result<()> {
        Err(unsupported("symbolic links"))
    }

    pub(in super::super) fn special(_stat: &Stat, _path: &Path) -> io::Result<()> {
        Err(unsupported("devices and pipes"))
    }

    pub(in super::super) fn open_up(_path: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(in super::super) fn dress(stat: &Stat, path: &Path) -> io::Result<()> {
        let mut permissions = fs::symlink_metadata(path)?.permissions();
        permissions.set_readonly(stat.mode & mode::PERMISSIONS & 0o200 == 0);
        fs::set_permissions(path, permissions)
    }

    fn unsupported(what: &str) -> io::Error {
        io::Error::new(
            io::ErrorKind::Unsupported,
            format!("{what} cannot be written here: use --output type=tar"),
        )
    }
}
