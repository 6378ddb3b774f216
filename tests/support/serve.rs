//! A small web server for what a build or dcb fetches.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Project;

/// Serves `files` by path. See [`serve`].
pub fn files(files: BTreeMap<String, Vec<u8>>) -> String {
    serve(move |path| files.get(path).cloned())
}

/// Serves the files of a directory. See [`serve`].
pub fn directory(root: &Path) -> String {
    let root: PathBuf = root.to_owned();
    serve(move |path| std::fs::read(root.join(path.trim_start_matches('/'))).ok())
}

/// Serves a git repository with `page` at its top and in `app`, made in a project's directory.
pub fn repository(project: &Project) -> String {
    project.write("work/page", "from the root");
    project.write("work/app/page", "from app");
    let git = |directory: &str, arguments: &[&str]| {
        let output = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@t"])
            .args(arguments)
            .current_dir(project.path().join(directory))
            .output()
            .expect("git runs");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    };
    git("work", &["init", "--quiet", "--initial-branch=main"]);
    git("work", &["add", "."]);
    git("work", &["commit", "--quiet", "--message=first"]);
    git(".", &["clone", "--quiet", "--bare", "work", "site.git"]);
    git("site.git", &["update-server-info"]);
    format!("{}/site.git", directory(project.path()))
}

/// Serves what `find` finds on 127.0.0.1, where the engines of the tests reach it, until the tests
/// end. The answer is its address, such as `http://127.0.0.1:4711`.
fn serve(find: impl Fn(&str) -> Option<Vec<u8>> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream, &find);
        }
    });
    address
}

/// Answers one request: with what `find` finds at its path, else that there is nothing.
pub fn answer(mut stream: impl Read + Write, find: impl FnOnce(&str) -> Option<Vec<u8>>) {
    let mut reader = BufReader::new(&mut stream);
    let mut request = String::new();
    let _ = reader.read_line(&mut request);
    let mut header = String::new();
    while reader.read_line(&mut header).is_ok_and(|length| length > 2) {
        header.clear();
    }
    let mut words = request.split(' ');
    let head_only = words.next() == Some("HEAD");
    let path = words.next().unwrap_or_default();
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let (status, body) = match find(path) {
        Some(body) => ("200 OK", body),
        None => ("404 Not Found", b"nothing here".to_vec()),
    };
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    if !head_only {
        let _ = stream.write_all(&body);
    }
}
