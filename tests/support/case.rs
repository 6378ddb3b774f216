//! The golden cases below `tests/compose`: what a folder asks to be loaded.
#![allow(dead_code, reason = "every test takes in all of it and uses a part")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use dcb::compose::Request;
use indexmap::IndexMap;

/// The folders, by name.
pub(crate) fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compose");
    let entries = fs::read_dir(root).expect("tests/compose is there");
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| !path.ends_with("README.md"))
        .collect();
    folders.sort();
    assert!(!folders.is_empty(), "no cases found");
    for folder in &folders {
        assert!(folder.is_dir(), "{} is no case", folder.display());
    }
    folders
}

/// The request of the case in `folder`: its `cmd` (one argument or `NAME=value` a line, and
/// `cd DIR`) and its `stdin`.
pub(crate) fn request(folder: &Path) -> Request {
    let mut request = Request {
        stdin: fs::read_to_string(folder.join("stdin")).ok(),
        environment: IndexMap::from([("HOME".to_owned(), "/home/user".to_owned())]),
        ..Request::default()
    };
    enter(&mut request, folder.to_owned());
    let command = fs::read_to_string(folder.join("cmd")).unwrap_or_default();
    let mut lines = command.lines();
    while let Some(line) = lines.next() {
        let mut value = || lines.next().expect("a value").to_owned();
        match line {
            "-f" => request.files.push(value()),
            "-p" => request.project_name = Some(value()),
            "--project-directory" => request.project_directory = Some(PathBuf::from(value())),
            "--env-file" => request.env_files.push(PathBuf::from(value())),
            "--profile" => request.profiles.push(value()),
            _ if line.starts_with("cd ") => enter(&mut request, folder.join(&line[3..])),
            _ => match line.split_once('=') {
                Some((name, value)) => {
                    let (name, value) = (name.to_owned(), value.to_owned());
                    request.environment.insert(name, value);
                }
                None => request.services.push(line.to_owned()),
            },
        }
    }
    request
}

fn enter(request: &mut Request, directory: PathBuf) {
    let text = directory.to_string_lossy().into_owned();
    request.environment.insert("PWD".to_owned(), text);
    request.directory = directory;
}

/// What can be read in `folder` besides what is expected and asked, by the path in it.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let told = name.starts_with("expected.") || name == "cmd" || name == "stdin";
            if path.is_dir() && !path.is_symlink() {
                waiting.push(path);
            } else if path.is_file() && !path.is_symlink() && !told {
                let inside = path.strip_prefix(folder).expect("a path inside");
                files.insert(inside.to_owned(), fs::read(&path).expect("a file"));
            }
        }
    }
    files
}

/// The name of `folder` on a line, and then all its files.
pub(crate) fn text(folder: &Path) -> String {
    let mut text = folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    for (name, bytes) in files(folder) {
        let bytes = String::from_utf8_lossy(&bytes);
        text += &format!("\n# {}\n{}", name.display(), bytes.trim_end());
    }
    text
}
