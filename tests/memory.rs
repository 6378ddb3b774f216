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

use support::{Engine, PrivateEngine, Project, engines, newest};

/// The most that dcb may ever have in memory, in KiB.
const LIMIT: u64 = 64 << 10;

/// Runs `test` on an engine that may be filled: a private one of the newest generation, which is
/// deleted with all it has, or else the newest there is.
fn on_an_ample_engine(test: impl FnOnce(&Engine)) {
    let newest = newest();
    if let Some(private) = PrivateEngine::like(&newest) {
        return test(&private);
    }
    test(&newest);
    // No other cache is as large, and losing it costs no more than one transfer.
    newest.ask(&["builder", "prune", "--force", "--filter=type=source.local"]);
}

/// Runs `dcb build` and returns the most memory it had at any time, in KiB.
fn peak(project: &Project, engine: &Engine, arguments: &[&str]) -> u64 {
    let mut command: Command = project.dcb_on(engine);
    // A file, and no pipe that nobody reads meanwhile.
    let told = project.home().join("told");
    let mut child = command
        .args(["build", "-v"])
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(fs::File::create(&told).expect("a file"))
        .spawn()
        .expect("dcb runs");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        // Of a process that has ended there is nothing to read.
        peak = peak.max(high_water(&status).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    let told = fs::read_to_string(told).expect("text");
    let end = told
        .get(told.len().saturating_sub(2_000)..)
        .unwrap_or(&told);
    assert!(end.contains("1 service built"), "{end}");
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
    Project::new(name)
        .file(
            "compose.yaml",
            "services: {one: {build: {context: tree, dockerfile: ../Dockerfile}}}\n",
        )
        .file("Dockerfile", &dockerfile)
}

fn assert_flat(name: &str, project: &Project) {
    on_an_ample_engine(|engine| {
        for run in ["first", "unchanged"] {
            let peak = peak(project, engine, &[]);
            println!("{name}, {run}: {} MiB at most", peak >> 10);
            assert!(peak > 1024, "measured nothing: {peak} KiB");
            assert!(peak < LIMIT, "{name}, {run}: {peak} KiB");
        }
    });
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

/// BuildKit stops at 2 MiB of a step's log by itself; the classic builder has no end.
#[test]
fn a_log_of_200_mib_is_cut_in_the_journal_and_takes_no_more_than_64_mib() {
    let newest = engines()
        .into_iter()
        .filter(|engine| !engine.has_containerd_store())
        .max_by_key(Engine::major)
        .expect("engines");
    let name = "endless-log";
    let project = Project::new(name)
        .file("compose.yaml", "services: {one: {build: .}}\n")
        .file("Dockerfile", "FROM busybox\nRUN yes 'a line of some length, as logs have them' | head -c 209715200\n");
    let peak = peak(&project, &newest, &["--force-traditional", "--no-cache"]);
    println!("{name}: {} MiB at most", peak >> 10);
    assert!((1024..LIMIT).contains(&peak), "{peak} KiB");
    let journal = project.home().join(".local/state/dcb");
    let kept: u64 = files(&journal)
        .map(|file| file.metadata().expect("a file").len())
        .sum();
    println!("{name}: {} MiB kept", kept >> 20);
    assert!(kept < 64 << 20, "{kept} bytes");
    assert!(kept > 16 << 20, "{kept} bytes");
    let told = project
        .run_alone(&["history", "log", "one"])
        .expect(0)
        .stdout;
    assert!(told.ends_with("\n(the rest of this log is left out)\n"));
}

/// All files below a directory.
fn files(directory: &Path) -> Box<dyn Iterator<Item = std::path::PathBuf>> {
    let entries = directory.read_dir().expect("a directory");
    Box::new(entries.flat_map(|entry| {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path)
        } else {
            Box::new(std::iter::once(path)) as Box<dyn Iterator<Item = _>>
        }
    }))
}
