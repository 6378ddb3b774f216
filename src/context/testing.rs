//! Trees to test on.

use std::fs;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

/// A directory that holds what `lines` say: `dir/`, `link -> target`, `name = other` for a hard
/// link, or a file whose content is its path. Directories on the way are made.
pub(super) fn tree(lines: &[&str]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for line in lines {
        let name = line.split([' ', '=']).next().unwrap_or_default();
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if let Some((_, target)) = line.split_once(" -> ") {
            symlink(target, path).unwrap();
        } else if let Some((_, other)) = line.split_once(" = ") {
            fs::hard_link(root.path().join(other), path).unwrap();
        } else if name.ends_with('/') {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::write(path, name).unwrap();
        }
    }
    root
}
