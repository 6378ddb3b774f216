//! Paths as Compose computes them: Go's `Clean` and `Join`, the home directory, and what is no
//! path of this machine at all.
//!
//! The standard library neither removes `..` nor joins the way Go does, and a project's identity
//! (its name, the keys of its caches) hangs on the exact result.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

/// The shortest path that means the same, without asking the file system.
pub(super) fn clean(path: &Path) -> PathBuf {
    let mut out: Vec<Component<'_>> = Vec::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match out.last() {
                Some(Component::Normal(_)) => {
                    out.pop();
                }
                Some(Component::RootDir | Component::Prefix(_)) => {}
                _ => out.push(component),
            },
            _ => out.push(component),
        }
    }
    if out.is_empty() {
        return PathBuf::from(".");
    }
    out.iter().collect()
}

/// `path` below `base`, cleaned; an absolute `path` stays exactly as it is.
pub(super) fn absolute(base: &Path, path: &str) -> PathBuf {
    if Path::new(path).is_absolute() {
        return PathBuf::from(path);
    }
    clean(&base.join(path))
}

/// A leading `~` replaced by the home directory, when there is one.
pub(super) fn expand_home(path: &str, home: Option<&str>) -> String {
    match (path.strip_prefix('~'), home) {
        (Some(rest), Some(home)) => {
            let rest = rest.trim_start_matches('/');
            let joined = if rest.is_empty() {
                PathBuf::from(home)
            } else {
                Path::new(home).join(rest)
            };
            clean(&joined).to_string_lossy().into_owned()
        }
        _ => path.to_owned(),
    }
}

/// Whether a path is absolute on Windows: files of secrets and keys may be given so to an engine
/// that runs there.
pub(super) fn is_windows_absolute(path: &str) -> bool {
    let is_slash = |byte: &u8| matches!(byte, b'/' | b'\\');
    match path.as_bytes() {
        [drive, b':', slash, ..] => drive.is_ascii_alphabetic() && is_slash(slash),
        [b'\\', b'\\', rest @ ..] => rest.iter().filter(|byte| is_slash(byte)).count() > 1,
        _ => false,
    }
}

/// Whether a context is an address rather than a path: a URL, a forge's short form, or another
/// service.
pub(super) fn is_remote(context: &str) -> bool {
    context.contains("://")
        || [
            "service:",
            "https:",
            "http://",
            "git://",
            "ssh://",
            "github.com/",
            "git@",
        ]
        .iter()
        .any(|prefix| context.starts_with(prefix))
}

/// Whether a path begins with a Windows drive, on whatever system.
pub(super) fn is_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic())
}

/// Directories whose symbolic links have been resolved. The services of a project name the same few
/// over and over, and resolving one takes a question to the system for every part of it.
#[derive(Default)]
pub(super) struct Directories(HashMap<PathBuf, Option<PathBuf>>);

impl Directories {
    /// `path` with the symbolic links of its directory part resolved, where that exists. As in Go,
    /// the directory is cleaned before its links are looked at.
    pub(super) fn resolve(&mut self, path: &Path) -> PathBuf {
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return path.to_owned();
        };
        let real = match self.0.get(directory) {
            Some(known) => known,
            None => {
                let real = clean(directory).canonicalize().ok();
                self.0.entry(directory.to_owned()).or_insert(real)
            }
        };
        match real {
            Some(real) => real.join(name),
            None => path.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_go_cleans_them() {
        for (written, cleaned) in [
            ("", "."),
            ("./x/", "x"),
            ("/a/../b", "/b"),
            ("/..", "/"),
            ("../a/..", ".."),
            ("a//b/./c", "a/b/c"),
            ("a/..", "."),
            ("-", "-"),
        ] {
            assert_eq!(clean(Path::new(written)), Path::new(cleaned), "{written}");
        }
    }

    #[test]
    fn an_absolute_path_is_kept_uncleaned() {
        assert_eq!(absolute(Path::new("/p"), "/a/../b").as_os_str(), "/a/../b");
        assert_eq!(absolute(Path::new("/p"), "./x/").as_os_str(), "/p/x");
        assert_eq!(absolute(Path::new("/p"), "-").as_os_str(), "/p/-");
    }

    #[test]
    fn windows_has_absolute_paths_of_its_own() {
        for path in ["C:\\x", "c:/x", "\\\\host\\share\\x"] {
            assert!(is_windows_absolute(path), "{path}");
        }
        for path in ["C:x", "é:\\x", "\\x", "\\\\host", "x"] {
            assert!(!is_windows_absolute(path), "{path}");
        }
    }

    #[test]
    fn a_tilde_is_home_whoever_is_named() {
        assert_eq!(expand_home("~/x", Some("/h")), "/h/x");
        assert_eq!(expand_home("~root/x", Some("/h")), "/h/root/x");
        assert_eq!(expand_home("a~", Some("/h")), "a~");
    }
}
