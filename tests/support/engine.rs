//! The engines of this machine, and what a test asks of one.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::command::{PATIENCE, hermetic};

/// The suites whose engines the script starts; all others are somebody's own.
pub const SUITES: [&str; 5] = ["bookworm", "trixie", "sid", CONTAINERD, PODMAN];
/// That of the engine which keeps its images in containerd.
pub const CONTAINERD: &str = "containerd";
/// That of Podman.
pub const PODMAN: &str = "podman";
/// The suite of an engine of a test's own.
pub const PRIVATE: &str = "private";

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
    /// Where it comes from: the name of the suite, or `own`.
    pub suite: String,
}

impl Engine {
    /// Its major version.
    pub fn major(&self) -> u32 {
        self.version
            .split('.')
            .next()
            .and_then(|major| major.parse().ok())
            .unwrap_or_else(|| panic!("`{}` is no version", self.version))
    }

    /// Whether the Compose that goes with it is the Python one, which joins names with `_`.
    pub fn has_compose_v1(&self) -> bool {
        !self.has_compose_plugin()
    }

    fn has_compose_plugin(&self) -> bool {
        [
            self.config.as_path(),
            Path::new("/usr/libexec/docker"),
            Path::new("/usr/lib/docker"),
        ]
        .iter()
        .any(|directory| directory.join("cli-plugins/docker-compose").exists())
    }

    /// Whether its BuildKit is from before 23.0: texts without details, some keys ignored.
    pub fn is_old(&self) -> bool {
        self.major() < 23
    }

    /// Whether it can build with BuildKit: all but Podman, whose versions are far below Docker's.
    pub fn has_buildkit(&self) -> bool {
        self.major() > 17
    }

    /// Whether it keeps its images in containerd, where an image's id is its digest.
    pub fn has_containerd_store(&self) -> bool {
        let info = self.call("GET", "/info", None).expect("an answer");
        String::from_utf8_lossy(&info).contains("io.containerd.snapshotter")
    }

    /// Whether it has an image of this name.
    pub fn has_image(&self, image: &str) -> bool {
        let images = self.list("/images/json?", "reference", image);
        !images.expect("an answer").is_empty()
    }

    /// Its socket.
    pub fn socket(&self) -> &Path {
        Path::new(self.host.strip_prefix("unix://").expect("a socket"))
    }

    /// The docker CLI of its generation, ready for arguments.
    pub fn docker(&self) -> Command {
        self.other("docker")
    }

    /// Another program that finds this engine, such as `timeout` with a docker command.
    pub fn other(&self, program: &str) -> Command {
        let mut command = Command::new(program);
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

    /// What `command` prints in a container of `image`, where it must succeed. It is read when the container
    /// has ended: a client that listens meanwhile gets nothing, now and then, of one that is quick.
    pub fn run(&self, image: &str, command: &[&str]) -> String {
        let begin = ["run", "--detach", "--network=none", image];
        let container = self.ask(&[&begin, command].concat());
        let code = self.ask(&["wait", &container]);
        let printed = self.ask(&["logs", &container]);
        self.ask(&["rm", &container]);
        assert_eq!(code, "0", "{command:?} in {image}: {printed}");
        printed
    }

    /// What these files of an image hold, one after the other; taken out of a container that is never
    /// started, which costs a tenth of running `cat`.
    pub fn read(&self, image: &str, paths: &[&str]) -> String {
        let mut text = String::new();
        self.with_container(image, |container| {
            for path in paths {
                let archive = self.call("GET", &format!("{container}/archive?path={path}"), None);
                let archive = archive.unwrap_or_else(|| panic!("no `{path}` in `{image}`"));
                let mut archive = tar::Archive::new(&archive[..]);
                let mut entries = archive.entries().expect("an archive");
                let mut file = entries.next().expect("a file").expect("an entry");
                file.read_to_string(&mut text).expect("text");
            }
        });
        text.trim().to_owned()
    }

    /// An archive of all that a container of `image` has before it is started.
    pub fn export(&self, image: &str) -> Vec<u8> {
        self.with_container(image, |container| {
            let archive = self.call("GET", &format!("{container}/export"), None);
            archive.expect("an archive")
        })
    }

    fn with_container<T>(&self, image: &str, look: impl FnOnce(&str) -> T) -> T {
        let wanted = json!({"Image": image, "Cmd": ["none"], "NetworkDisabled": true});
        let made = self.call("POST", "/containers/create", Some(&wanted));
        let made = made.unwrap_or_else(|| panic!("no `{image}` on {}", self.version));
        let made: Value = serde_json::from_slice(&made).expect("JSON");
        let container = format!("/containers/{}", made["Id"].as_str().expect("an id"));
        let seen = look(&container);
        self.call("DELETE", &format!("{container}?force=1&v=1"), None);
        seen
    }

    /// What it has of a kind, such as `/networks?`, by a filter; nothing where it is gone.
    pub fn list(&self, kind: &str, filter: &str, value: &str) -> Option<Vec<Value>> {
        let filters = json!({filter: [value]}).to_string();
        let filters = utf8_percent_encode(&filters, NON_ALPHANUMERIC);
        let answer = self.call("GET", &format!("{kind}filters={filters}"), None)?;
        // A list of nothing may be `null`.
        Some(
            serde_json::from_slice::<Option<_>>(&answer)
                .ok()?
                .unwrap_or_default(),
        )
    }

    /// What its API answers to a request, without the 40 ms of CPU that starting docker costs; nothing
    /// where it refuses, or there is no engine any more.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Vec<u8>> {
        let body = body.map(Value::to_string).unwrap_or_default();
        // Of HTTP 1.0, so that the answer comes in one piece and its end is that of the connection.
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: engine\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut answer = Vec::new();
        let mut engine = UnixStream::connect(self.socket()).ok()?;
        engine.set_read_timeout(Some(PATIENCE)).ok()?;
        engine.write_all(request.as_bytes()).ok()?;
        engine.read_to_end(&mut answer).ok()?;
        let head = answer.windows(4).position(|end| end == b"\r\n\r\n")?;
        let succeeded = answer.get(9) == Some(&b'2');
        succeeded.then(|| answer.split_off(head + 4))
    }
}

/// All Docker engines of this machine, each with BuildKit.
pub fn engines() -> Vec<Engine> {
    let mut engines = listed();
    engines.retain(|engine| engine.suite != PODMAN);
    if engines.is_empty() {
        engines.extend(default_engine());
    }
    assert!(
        !engines.is_empty(),
        "no engine to test on: run ./tests/run, or tests/engines/engines up as root on Debian, or start Docker"
    );
    engines
}

/// The same and Podman, where there is one.
pub fn all_engines() -> Vec<Engine> {
    engines().into_iter().chain(podman()).collect()
}

/// The newest of them; of two that are as new, the one with its images in Docker's own store.
pub fn newest() -> Engine {
    let all = engines().into_iter();
    let newest = all.max_by_key(|engine| (engine.major(), engine.suite != CONTAINERD));
    newest.expect("an engine")
}

/// Podman, which has no BuildKit; none on a machine that cannot have it.
pub fn podman() -> Option<Engine> {
    on_request(PODMAN)
}

/// The newest Docker engine with its images in containerd; none on a machine that cannot have it.
pub fn containerd_store() -> Option<Engine> {
    on_request(CONTAINERD)
}

/// The engine of a suite, started where it does not run yet.
fn on_request(suite: &str) -> Option<Engine> {
    let running = listed().into_iter().find(|engine| engine.suite == suite);
    running.or_else(|| script(&["up", suite])?.lines().next().map(parse))
}

fn listed() -> Vec<Engine> {
    let listed = match std::env::var("DCB_TEST_ENGINES") {
        Ok(file) => std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("DCB_TEST_ENGINES: `{file}`: {error}")),
        Err(_) => script(&["list", "all"]).unwrap_or_default(),
    };
    let listed: Vec<Engine> = listed.lines().map(parse).collect();
    listed.iter().for_each(hold);
    listed
}

/// Has the script leave alone what it started, until this process ends: `engines up` begins some anew
/// when no test is running.
fn hold(engine: &Engine) {
    static HELD: OnceLock<Option<File>> = OnceLock::new();
    if SUITES.contains(&engine.suite.as_str()) {
        HELD.get_or_init(|| {
            let home = engine.socket().ancestors().nth(3)?;
            let file = File::open(home.join("locks/tests")).ok()?;
            file.lock_shared().ok()?;
            Some(file)
        });
    }
}

/// What the script that brings engines up answers.
pub fn script(arguments: &[&str]) -> Option<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines/engines");
    let output = Command::new(script)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The engine of a line of `engines list`.
pub fn parse(line: &str) -> Engine {
    let fields: Vec<&str> = line.split('\t').collect();
    let [version, socket, config, bin, suite] = fields.as_slice() else {
        panic!("`{line}` does not tell of an engine");
    };
    Engine {
        version: (*version).to_owned(),
        host: format!("unix://{socket}"),
        config: config.into(),
        bin: bin.into(),
        suite: (*suite).to_owned(),
    }
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
        suite: "own".to_owned(),
    })
}
