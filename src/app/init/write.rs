//! Writing what was agreed to: whole or not at all, with the mode that the file has, and never without a
//! copy of what was there.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::human;
use crate::init::Change;

/// Writes a change below `root`; where the file as it was is kept, if there was one.
pub(super) fn put(root: &Path, change: &Change) -> io::Result<Option<PathBuf>> {
    let path = root.join(&change.name);
    let Some(before) = &change.before else {
        let mode = if change.executable { 0o777 } else { 0o666 };
        let file = beside(&path, &change.after, Mode::Usual(mode))?;
        // Whoever wrote one in the meantime keeps it.
        file.persist_noclobber(&path).map_err(|error| error.error)?;
        return Ok(None);
    };
    // What a link leads to is changed, and the link stays.
    let path = path.canonicalize()?;
    if std::fs::read_to_string(&path)? != *before {
        return Err(io::Error::other("it has changed since it was read"));
    }
    let permissions = path.metadata()?.permissions();
    let file = beside(&path, &change.after, Mode::Same(permissions.clone()))?;
    let backup = keep(&path, before, permissions)?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(Some(backup))
}

/// Who may do what with a file.
enum Mode {
    /// What the umask leaves of this.
    Usual(#[cfg_attr(not(unix), expect(dead_code, reason = "files have no mode there"))] u32),
    /// As with the file that it replaces.
    Same(Permissions),
}

/// A file beside `path` that nobody knows yet.
fn beside(path: &Path, text: &str, mode: Mode) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    if let Mode::Usual(mode) = mode {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(Permissions::from_mode(mode));
    }
    let directory = path.parent().unwrap_or(Path::new("."));
    let file = builder.prefix(".dcb-").tempfile_in(directory);
    let mut file = file.map_err(human::unnamed)?;
    file.write_all(text.as_bytes())?;
    if let Mode::Same(permissions) = mode {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    Ok(file)
}

/// A copy of `path` under a name that nothing has: `NAME.bak`, `NAME.bak.1`, and so on.
fn keep(path: &Path, text: &str, permissions: Permissions) -> io::Result<PathBuf> {
    let mut number = 0;
    loop {
        let mut name = path.as_os_str().to_owned();
        name.push(".bak");
        if number > 0 {
            name.push(format!(".{number}"));
        }
        let backup = PathBuf::from(name);
        match File::create_new(&backup) {
            Ok(mut file) => {
                file.write_all(text.as_bytes())?;
                file.set_permissions(permissions)?;
                return Ok(backup);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}
