//! dcb's memory stays flat, however large the context is.
//!
//! Linux only: the peak is read from `/proc`.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_macros, reason = "tests tell their measurements")]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::{Engine, Project, Ran, engines, script};

/// The most that dcb may ever have in memory, in KiB.
const LIMIT: u64 = 64 << 10;

/// An engine that may be filled: a private one of the newest suite, which is deleted with all it
/// has, or else the newest there is.
struct Ample {
    engine: Engine,
    private: Option<String>,
}

impl Ample {
    fn new(name: &str) -> Self {
        let newest = engines()
            .into_iter()
            .max_by_key(Engine::major)
            .expect("engines");
        let name = format!("{name}-{}", std::process::id());
        match script(&["new", &newest.suite, &name]) {
            Some(line) => Self {
                engine: Engine::listed(line.trim_end()),
                private: Some(name),
            },
            None => Self {
                engine: newest,
                private: None,
            },
        }
    }
}

impl Drop for Ample {
    fn drop(&mut self) {
        match &self.private {
            Some(name) => drop(script(&["rm", name])),
            // No other cache is as large, and losing it costs no more than one transfer.
            None => drop(
                self.engine
                    .docker()
                    .args(["builder", "prune", "--force", "--filter=type=source.local"])
                    .output(),
            ),
        }
    }
}

/// Runs `dcb build` and returns the most memory it had at any time, in KiB.
fn peak(project: &Project, engine: &Engine) -> u64 {
    let mut command: Command = project.dcb_on(engine);
    let mut child = command
        .args(["build", "-v"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("dcb runs");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        // Of a process that has ended there is nothing to read.
        peak = peak.max(high_water(&status).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    let ran = Ran::new(child.wait_with_output().expect("output")).expect(0);
    assert!(ran.stderr.contains("1 service built"), "{}", ran.stderr);
    peak
}

fn high_water(status: &str) -> Option<u64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// A project whose only step looks at its whole context and must find what `check` says. The
/// context is mounted and not copied, so the engine's disk has it once.
fn project(name: &str, check: &str) -> Project {
    let dockerfile = format!("FROM busybox\nRUN --mount=type=bind,target=/context {check}\n");
    Project::new(&format!("{name}-{}", std::process::id()))
        .file(
            "compose.yaml",
            "services: {one: {build: {context: tree, dockerfile: ../Dockerfile}}}\n",
        )
        .file("Dockerfile", &dockerfile)
}

fn assert_flat(name: &str, project: &Project) {
    let ample = Ample::new(name);
    for run in ["first", "unchanged"] {
        let peak = peak(project, &ample.engine);
        println!("{name}, {run}: {} MiB at most", peak >> 10);
        assert!(peak > 1024, "measured nothing: {peak} KiB");
        assert!(peak < LIMIT, "{name}, {run}: {peak} KiB");
    }
    let image = format!("{}-one", project.name());
    let _ = ample
        .engine
        .docker()
        .args(["rmi", "--force", &image])
        .output();
}

#[test]
fn a_hundred_thousand_files_take_no_more_than_64_mib() {
    let project = project("many", "test $(find /context -type f | wc -l) = 100000");
    let tree = project.path().join("tree");
    for directory in 0..100 {
        let directory = tree.join(format!("a-directory-{directory:03}/with/some/depth"));
        fs::create_dir_all(&directory).expect("a directory");
        for file in 0..1000 {
            fs::write(directory.join(format!("a-file-{file:04}.txt")), [b'x'; 64]).expect("a file");
        }
    }
    assert_flat("many", &project);
}

#[test]
fn a_context_of_2_gib_takes_no_more_than_64_mib() {
    let project = project("large", "test $(stat -c %s /context/zeros) = 2147483648");
    let file: &Path = &project.path().join("tree/zeros");
    project.write("tree/other", "other");
    // Takes no room here, yet all of it is read and sent.
    fs::File::create(file)
        .and_then(|file| file.set_len(2 << 30))
        .expect("a file");
    assert_flat("large", &project);
}
