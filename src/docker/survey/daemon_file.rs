//! The engine's own configuration, `daemon.json`: where it is, and whether the engine can start with it.
//!
//! An engine reads it when it starts and when it is told to reload, so a mistake in it can lie in wait
//! for the next restart. Which file counts is told by the engine's own process: `--config-file`.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::human;
use crate::process::{self, Command};

/// How long the engine's program may take to judge a file that is only looked at.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where it is when nobody says otherwise.
const DEFAULT: &str = "/etc/docker/daemon.json";

/// The engine's configuration file.
#[derive(Debug, Clone, PartialEq)]
pub struct DaemonFile {
    /// Where it is.
    pub path: PathBuf,
    /// What is in it, or why that cannot be understood.
    pub content: Result<Value, String>,
    /// What the engine's program says against it.
    pub refused: Option<String>,
    /// The engine's process.
    pub daemon: Option<Daemon>,
}

/// What an engine says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::docker) enum Judgement {
    /// It would start with it.
    Good,
    /// It would not, and why.
    Bad(String),
    /// Nothing: it is too old to (before 23.0), or its surroundings here are others than its own.
    None,
    /// Nothing in time.
    Late,
}

/// A running engine of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daemon {
    /// Its process.
    pub pid: i32,
    /// Its program.
    pub program: PathBuf,
    /// Its flags.
    pub flags: Vec<String>,
}

impl DaemonFile {
    /// The file of the engine that listens on `socket`; nothing where there is no such file, or where
    /// the engine's process cannot be seen and another file may count.
    pub async fn look(socket: &Path) -> Option<Self> {
        let daemon = Daemon::listening(socket);
        let path = match &daemon {
            Some(daemon) => daemon
                .flag("--config-file")
                .map_or(DEFAULT.into(), PathBuf::from),
            None if is_default(socket) => DEFAULT.into(),
            None => return None,
        };
        let text = std::fs::read_to_string(&path).ok()?;
        let content = read(&text);
        let refused = match (&daemon, &content) {
            (Some(daemon), Ok(_)) if !text.trim().is_empty() && is_newer(&path, socket) => {
                match daemon.judges(&path, PATIENCE).await {
                    Judgement::Bad(why) => Some(why),
                    Judgement::Good | Judgement::None | Judgement::Late => None,
                }
            }
            _ => None,
        };
        Some(Self {
            path,
            content,
            refused,
            daemon,
        })
    }
}

/// Whether the file was changed after the engine made its socket. One that has not been is one that it
/// started with, and need not be judged by a program that takes a tenth of a second to start.
#[cfg(unix)]
fn is_newer(file: &Path, socket: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(file), Ok(socket)) = (file.metadata(), socket.metadata()) else {
        return true;
    };
    // A copy of a file may keep the time at which its content was written, and whoever gives a socket
    // other rights changes only the other of its two.
    (file.ctime(), file.ctime_nsec()) >= (socket.mtime(), socket.mtime_nsec())
}

#[cfg(not(unix))]
fn is_newer(_file: &Path, _socket: &Path) -> bool {
    true
}

/// The text as the engine reads it: an empty one is an empty object.
fn read(text: &str) -> Result<Value, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err("it is no JSON object".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn is_default(socket: &Path) -> bool {
    matches!(
        socket.to_str(),
        Some("/var/run/docker.sock" | "/run/docker.sock")
    )
}

impl Daemon {
    /// The engine that listens on `socket`, by the flags that it was started with.
    fn listening(socket: &Path) -> Option<Self> {
        let entries = std::fs::read_dir("/proc").ok()?.flatten();
        let daemons = entries.filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let directory = entry.path();
            let name = std::fs::read_to_string(directory.join("comm")).ok()?;
            (name.trim() == "dockerd").then_some(())?;
            let line = std::fs::read(directory.join("cmdline")).ok()?;
            let mut words = line
                .split(|byte| *byte == 0)
                .map(|word| String::from_utf8_lossy(word).into_owned());
            let program = words.next()?;
            Some(Self {
                pid,
                program: directory
                    .join("exe")
                    .read_link()
                    .unwrap_or_else(|_| program.into()),
                flags: words.filter(|word| !word.is_empty()).collect(),
            })
        });
        let wanted = socket.to_string_lossy();
        daemons.into_iter().find(|daemon| {
            let hosts = daemon.hosts();
            hosts
                .iter()
                .any(|host| host.strip_prefix("unix://") == Some(&wanted))
                || (is_default(socket) && hosts.iter().all(|host| host.starts_with("fd://")))
        })
    }

    /// The value of a flag, be it `--flag value` or `--flag=value`.
    fn flag(&self, name: &str) -> Option<&str> {
        let at = self.flags.iter().position(|flag| {
            flag.strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        })?;
        match self.flags[at].split_once('=') {
            Some((_, value)) => Some(value),
            None => self.flags.get(at + 1).map(String::as_str),
        }
    }

    /// The addresses that it listens on, as far as its flags tell.
    fn hosts(&self) -> Vec<&str> {
        let next = self.flags.iter().skip(1).map(Some).chain([None]);
        let pairs = self.flags.iter().zip(next);
        pairs
            .filter_map(|(flag, next)| match flag.as_str() {
                "-H" | "--host" => next.map(String::as_str),
                flag => flag
                    .strip_prefix("--host=")
                    .or_else(|| flag.strip_prefix("-H=")),
            })
            .collect()
    }

    /// Whether it would start with the file at `path`, each time it is asked within `limit`.
    ///
    /// Its flags are judged together with the file, for both may say the same thing and must not. What
    /// it also says of an empty file is not the file's fault but that of the surroundings here, which
    /// are others than its own.
    pub(in crate::docker) async fn judges(&self, path: &Path, limit: Duration) -> Judgement {
        let why = match self.validate(path, limit).await {
            Judgement::Bad(why) => why,
            other => return other,
        };
        let empty = tempfile::NamedTempFile::new()
            .and_then(|mut empty| empty.write_all(b"{}").map(|()| empty));
        let Ok(empty) = empty else {
            return Judgement::None;
        };
        match self.validate(empty.path(), limit).await {
            Judgement::Good => Judgement::Bad(why),
            Judgement::Bad(_) | Judgement::None => Judgement::None,
            Judgement::Late => Judgement::Late,
        }
    }

    async fn validate(&self, path: &Path, limit: Duration) -> Judgement {
        let mut command = Command::new(&self.program)
            .args(["--validate", "--config-file"])
            .args([path])
            .args(self.other_flags());
        // Its helpers lie beside it, wherever this process looks for programs.
        let environ = std::fs::read(format!("/proc/{}/environ", self.pid)).unwrap_or_default();
        let mut variables = environ.split(|byte| *byte == 0);
        let path = variables.find_map(|it| it.strip_prefix(b"PATH="));
        if let Some(path) = path.and_then(|path| std::str::from_utf8(path).ok()) {
            command.environment = vec![("PATH".to_owned(), Some(path.to_owned()))];
        }
        let answer = match process::answer(&command, Path::new("/"), limit).await {
            Ok(answer) => answer,
            Err(error) if error.kind() == ErrorKind::TimedOut => return Judgement::Late,
            Err(_) => return Judgement::None,
        };
        if answer.stderr.contains("unknown flag: --validate") {
            return Judgement::None;
        }
        if answer.status.success() {
            return Judgement::Good;
        }
        let said = answer.stderr.trim().lines().last().unwrap_or_default();
        Judgement::Bad(human::sanitize(said))
    }

    /// Its flags without the file that it was started with.
    fn other_flags(&self) -> Vec<&str> {
        let mut flags = self.flags.iter().map(String::as_str);
        let mut others = Vec::new();
        while let Some(flag) = flags.next() {
            match flag {
                "--config-file" => {
                    flags.next();
                }
                flag if flag.starts_with("--config-file=") => {}
                flag => others.push(flag),
            }
        }
        others
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn daemon(flags: &[&str]) -> Daemon {
        Daemon {
            pid: 1,
            program: "dockerd".into(),
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
        }
    }

    #[test]
    fn flags_are_read_in_both_forms() {
        let one = daemon(&["--config-file=/a", "-H", "fd://", "--host=unix:///b"]);
        assert_eq!(one.flag("--config-file"), Some("/a"));
        assert_eq!(one.hosts(), ["fd://", "unix:///b"]);
        let other = daemon(&["--config-file", "/a", "--host", "unix:///b"]);
        assert_eq!(other.flag("--config-file"), Some("/a"));
        assert_eq!(other.flag("--config"), None);
        assert_eq!(other.hosts(), ["unix:///b"]);
        assert_eq!(one.other_flags(), ["-H", "fd://", "--host=unix:///b"]);
        assert_eq!(other.other_flags(), ["--host", "unix:///b"]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_judgement_is_none_where_the_surroundings_or_the_time_are_to_blame() {
        let directory = tempfile::tempdir().expect("a directory");
        let (program, file) = (directory.path().join("dockerd"), directory.path().join("f"));
        std::fs::write(&file, r#"{"bad": 1}"#).expect("written");
        let daemon = Daemon {
            program: program.clone(),
            ..daemon(&[])
        };
        for (script, limit, expected) in [
            ("exit 0", 20_000, Judgement::Good),
            (
                "grep -q bad $3 && echo no such key >&2 && exit 1; exit 0",
                20_000,
                Judgement::Bad("no such key".to_owned()),
            ),
            ("echo no iptables >&2; exit 1", 20_000, Judgement::None),
            (
                "echo unknown flag: --validate >&2; exit 125",
                20_000,
                Judgement::None,
            ),
            ("exec sleep 60", 50, Judgement::Late),
        ] {
            let text = directory.path().join("text");
            std::fs::write(&text, format!("#!/bin/sh\n{script}\n")).expect("written");
            // By another process: what this one has open for writing, the child of another thread may
            // still have, and then it cannot be run.
            let install = std::process::Command::new("install")
                .args([&text, &program])
                .status();
            assert!(install.is_ok_and(|status| status.success()));
            let limit = Duration::from_millis(limit);
            assert_eq!(daemon.judges(&file, limit).await, expected, "{script}");
        }
    }

    #[test]
    fn the_file_is_read_as_the_engine_reads_it() {
        assert!(read("").is_ok());
        assert!(read("\u{feff}{\"debug\": true}\n").is_ok());
        for (text, why) in [
            ("[]", "no JSON object"),
            ("{\"a\": 1,}", "line 1"),
            ("{\n  a: 1\n}", "line 2"),
        ] {
            let told = read(text).expect_err("wrong");
            assert!(told.contains(why), "{told}");
        }
    }
}
