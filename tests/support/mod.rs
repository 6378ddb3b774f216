//! What integration tests share: the engines to test on, hermetic projects, and dcb as a user runs
//! it.
//!
//! Engines come from the file that `DCB_TEST_ENGINES` names (`tests/run` writes it), else from
//! `tests/engines/engines list`, else from the engine that `DOCKER_HOST` or the default socket
//! gives. A test that finds none fails and says how to get one.
#![allow(dead_code, unreachable_pub, reason = "every test uses a part of it")]
#![allow(clippy::disallowed_methods, reason = "tests read the environment they are given")]

pub mod relay;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A Docker engine to test on.
#[derive(Debug, Clone)]
pub struct Engine {
    /// Its version as it answers it.
    pub version: String,
    /// Its address.
    pub host: String,
    /// The docker configuration that goes with it, with that generation's plugins.
    pub config: PathBuf,
    /// The directory with that generation's client programs.
    pub bin: PathBuf,
    /// Where it comes from: the name of the suite, or `default`.
    pub suite: String,
}

impl Engine {
    /// The engine that a line of `tests/engines/engines list` tells of.
    pub fn listed(line: &str) -> Self {
        let fields: Vec<&str> = line.split('\t').collect();
        let [version, socket, config, bin, suite] = fields.as_slice() else {
            panic!("`{line}` does not tell of an engine");
        };
        Self {
            version: (*version).to_owned(),
            host: format!("unix://{socket}"),
            config: config.into(),
            bin: bin.into(),
            suite: (*suite).to_owned(),
        }
    }

    /// Its major version.
    pub fn major(&self) -> u32 {
        self.version
            .split('.')
            .next()
            .and_then(|major| major.parse().ok())
            .unwrap_or_else(|| panic!("`{}` is no version", self.version))
    }

    /// Its socket.
    pub fn socket(&self) -> &Path {
        Path::new(self.host.strip_prefix("unix://").expect("a socket"))
    }

    /// The docker CLI of its generation, ready for arguments.
    pub fn docker(&self) -> Command {
        let mut command = Command::new("docker");
        hermetic(&mut command, Path::new("/nonexistent"));
        self.point(&mut command);
        command
    }

    /// Points a command at this engine and its generation's programs.
    pub fn point(&self, command: &mut Command) {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.bin.display());
        command
            .env("DOCKER_HOST", &self.host)
            .env("DOCKER_CONFIG", &self.config)
            .env("PATH", path);
    }

    /// Standard output of a docker command that must succeed.
    pub fn ask(&self, arguments: &[&str]) -> String {
        let output = self.docker().args(arguments).output().expect("docker runs");
        assert!(
            output.status.success(),
            "docker {arguments:?} on {}: {}",
            self.version,
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// What `command` prints in a container of `image`.
    pub fn run(&self, image: &str, command: &[&str]) -> String {
        let mut arguments = vec!["run", "--rm", "--network=none", image];
        arguments.extend(command);
        self.ask(&arguments)
    }
}

/// All engines of this machine.
pub fn engines() -> Vec<Engine> {
    let listed = match std::env::var("DCB_TEST_ENGINES") {
        Ok(file) => std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("DCB_TEST_ENGINES: `{file}`: {error}")),
        Err(_) => script(&["list"]).unwrap_or_default(),
    };
    let mut engines: Vec<Engine> = listed.lines().map(Engine::listed).collect();
    if engines.is_empty() {
        engines.extend(default_engine());
    }
    assert!(
        !engines.is_empty(),
        "no engine to test on: run ./tests/run, or tests/engines/engines up as root on Debian, or start Docker"
    );
    engines
}

/// What the script that brings engines up answers.
pub fn script(arguments: &[&str]) -> Option<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines/engines");
    let output = Command::new(script).args(arguments).stdin(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn default_engine() -> Option<Engine> {
    let host = std::env::var("DOCKER_HOST").unwrap_or("unix:///var/run/docker.sock".to_owned());
    let config = std::env::var("DOCKER_CONFIG").unwrap_or("/root/.docker".to_owned());
    let output = Command::new("docker")
        .args(["version", "--format", "{{.Server.Version}}"])
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(Engine {
        version: String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        host,
        config: config.into(),
        bin: "/usr/bin".into(),
        suite: "default".to_owned(),
    })
}

/// A project in a directory of its own, under a name of its own.
pub struct Project {
    directory: TempDir,
    home: TempDir,
    name: String,
    variables: BTreeMap<String, String>,
}

impl Project {
    /// An empty project called after the test.
    pub fn new(name: &str) -> Self {
        Self {
            directory: tempfile::Builder::new().prefix("dcb-").tempdir().expect("a directory"),
            home: tempfile::Builder::new().prefix("dcb-home-").tempdir().expect("a directory"),
            name: format!("t-{name}"),
            variables: BTreeMap::new(),
        }
    }

    /// The same with one more file.
    #[must_use]
    pub fn file(self, path: &str, text: &str) -> Self {
        self.write(path, text);
        self
    }

    /// The same with one more variable in dcb's environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Writes a file into the project.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }

    /// The project's directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The project's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// dcb in this project without any engine, ready for arguments.
    pub fn dcb(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dcb"));
        hermetic(&mut command, self.home.path());
        command
            .current_dir(self.path())
            .env("COMPOSE_PROJECT_NAME", &self.name)
            .envs(&self.variables);
        command
    }

    /// dcb in this project on an engine, ready for arguments.
    pub fn dcb_on(&self, engine: &Engine) -> Command {
        let mut command = self.dcb();
        engine.point(&mut command);
        command.envs(&self.variables);
        command
    }

    /// Runs dcb on an engine.
    pub fn run(&self, engine: &Engine, arguments: &[&str]) -> Ran {
        Ran::new(self.dcb_on(engine).args(arguments).output().expect("dcb runs"))
    }
}

/// What a user saw of a command.
#[derive(Debug)]
pub struct Ran {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exit code, when it ended by itself.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

impl Ran {
    /// Reads the output of a finished command.
    pub fn new(output: Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        Self {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
            signal: output.status.signal(),
        }
    }

    /// The same, which must have ended with `code`.
    #[must_use]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// A command that sees nothing of the machine it runs on but its programs.
fn hermetic(command: &mut Command, home: &Path) {
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", home)
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null());
}
