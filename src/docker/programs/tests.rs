//! Programs are shell scripts in a directory of the test's own.

use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;

struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        let fresh = self.path("fresh");
        std::fs::write(&fresh, text).expect("a file");
        std::fs::set_permissions(&fresh, PermissionsExt::from_mode(0o755)).expect("a mode");
        std::fs::rename(&fresh, &path).expect("a file");
        path
    }

    fn ask(&self, path: &Path, asked: Asked) -> Result<String, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let versions = Versions(Some(self.path("cache")));
        loop {
            let program = runtime.block_on(versions.ask(path, asked));
            match program.version {
                // Another test forked while the script was open for writing.
                Err(why) if why.contains("Text file busy") => {}
                version => return version.map(|version| version.to_string()),
            }
        }
    }

    fn kept(&self) -> Vec<PathBuf> {
        let entries = self.path("cache").read_dir().expect("a cache");
        entries
            .map(|entry| entry.expect("an entry").path())
            .collect()
    }
}

fn plugin(version: &str) -> String {
    format!(
        "#!/bin/sh\necho run >>\"$0.log\"\necho '{{\"SchemaVersion\": \"0.1.0\", \"Version\": \"{version}\"}}'\n"
    )
}

#[test]
fn an_answer_is_kept_until_the_program_changes() {
    let machine = Machine::new();
    let path = machine.script("docker-buildx", &plugin("v0.29.1"));
    let runs = || std::fs::read_to_string(machine.path("docker-buildx.log")).expect("a log");
    for _ in 0..3 {
        assert_eq!(machine.ask(&path, Asked::Plugin), Ok("v0.29.1".into()));
    }
    assert_eq!(runs(), "run\n");
    machine.script("docker-buildx", &plugin("v0.30.0-rc1"));
    assert_eq!(machine.ask(&path, Asked::Plugin), Ok("v0.30.0-rc1".into()));
    assert_eq!(runs(), "run\nrun\n");
    assert_eq!(machine.kept().len(), 1, "a new version replaces the old");
}

#[test]
fn a_kept_file_that_is_broken_counts_as_none_and_is_mended() {
    let machine = Machine::new();
    let path = machine.script("docker-buildx", &plugin("v0.29.1"));
    assert_eq!(machine.ask(&path, Asked::Plugin), Ok("v0.29.1".into()));
    let [file] = machine.kept().try_into().expect("one file");
    let good = std::fs::read(&file).expect("a file");
    let cut = &good[..good.len() - 4];
    for broken in [
        b"" as &[u8],
        b"\xff\xfe",
        cut,
        &[&good[..], b"more\n"].concat(),
    ] {
        std::fs::write(&file, broken).expect("a file");
        assert_eq!(machine.ask(&path, Asked::Plugin), Ok("v0.29.1".into()));
        assert_eq!(std::fs::read(&file).expect("a file"), good);
    }
}

#[test]
fn without_a_cache_directory_programs_are_asked_each_time() {
    let machine = Machine::new();
    let path = machine.script("docker-buildx", &plugin("v0.29.1"));
    std::fs::write(machine.path("cache"), "a file in the way").expect("a file");
    for _ in 0..2 {
        assert_eq!(machine.ask(&path, Asked::Plugin), Ok("v0.29.1".into()));
    }
}

#[test]
fn what_is_broken_says_why() {
    let machine = Machine::new();
    let dangling = machine.path("dangling");
    symlink("/nonexistent/docker-buildx", &dangling).expect("a link");
    let mode = machine.script("mode", &plugin("1.0"));
    std::fs::set_permissions(&mode, PermissionsExt::from_mode(0o644)).expect("a mode");
    let folder = machine.path("folder");
    std::fs::create_dir(&folder).expect("a directory");
    for (path, why) in [
        (
            dangling,
            "it is a link to `/nonexistent/docker-buildx`: No such file",
        ),
        (mode, "it is not executable"),
        (folder, "it is not a file"),
        (machine.script("other", "no program\n"), "Exec format error"),
        (
            machine.script(
                "empty",
                "#!/bin/sh
",
            ),
            "it does not answer as a plugin does",
        ),
        (
            machine.script("words", "#!/bin/sh\necho hello\n"),
            "it does not answer as a plugin does",
        ),
        (
            machine.script("json", "#!/bin/sh\necho '{}'\n"),
            "missing field `Version`",
        ),
        (
            machine.script("nothing", "#!/bin/sh\necho '{\"Version\": \"\"}'\n"),
            "it does not tell its version",
        ),
        (
            machine.script("fails", "#!/bin/sh\necho broken library >&2\nexit 3\n"),
            "exit status: 3: broken library",
        ),
        (
            machine.script("endless", "#!/bin/sh\nexec yes\n"),
            "more than 64 KiB",
        ),
        (
            machine.script("lost", "#!/nonexistent/sh\n"),
            "No such file",
        ),
    ] {
        let said = machine.ask(&path, Asked::Plugin).expect_err("broken");
        assert!(said.contains(why), "`{}`: {said}", path.display());
    }
    assert!(
        !machine.path("cache").exists(),
        "what is broken is not kept"
    );
}
