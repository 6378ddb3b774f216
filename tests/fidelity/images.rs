//! What is in images.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::reference::Service;
use crate::support::{Engine, Project};
use crate::tree::{self, Listing};

/// The names of a service's image as `docker build` and as dcb made it.
pub fn images(project: &Project, service: &Service) -> (String, String) {
    let name = format!("{}-{}", project.name(), service.name);
    (format!("{name}:docker"), name)
}

/// What is in an image.
pub fn contents(engine: &Engine, image: &str) -> Listing {
    let directory = tempfile::tempdir().expect("a directory");
    let mut unpack = Command::new("tar")
        .args([
            "-x",
            "--warning=no-timestamp",
            "--numeric-owner",
            "--same-permissions",
            "-C",
        ])
        .arg(directory.path())
        .stdin(Stdio::piped())
        .spawn()
        .expect("tar runs");
    let mut into = unpack.stdin.take().expect("a pipe");
    into.write_all(&engine.export(image)).expect("tar reads");
    drop(into);
    assert!(unpack.wait().expect("an end").success(), "{image}");
    // What is in the base image, what Docker puts into each container, and what steps made.
    for made in [
        "bin",
        "dev",
        "etc",
        "home",
        "lib",
        "lib64",
        "list",
        "proc",
        "root",
        "sys",
        "tmp",
        "usr",
        "var",
        ".dockerenv",
    ] {
        let made = directory.path().join(made);
        let _ = std::fs::remove_dir_all(&made).or_else(|_| std::fs::remove_file(&made));
    }
    tree::list(directory.path())
}

/// Takes out of Docker's listing, and counts, what Docker's clients get wrong: where a file is
/// included again inside a directory that two patterns exclude, one before and one after, they tell
/// the file and then refuse themselves to open it. It arrives empty. dcb sends what is in it.
pub fn emptied(docker: &mut Listing, ours: &Listing) -> usize {
    let beside_content = |line: &str| {
        let parts = line.split(", ").filter(|part| !part.contains(" bytes "));
        parts.map(str::to_owned).collect::<Vec<_>>()
    };
    let mut count = 0;
    for (path, line) in docker {
        if let Some(our_line) = ours.get(path)
            && line != our_line
            && line.contains(", 0 bytes ")
            && beside_content(line) == beside_content(our_line)
        {
            line.clone_from(our_line);
            count += 1;
        }
    }
    count
}
