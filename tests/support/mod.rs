//! What integration tests share: the engines to test on, hermetic projects, and dcb as a user runs
//! it.
//!
//! ```text
//! on_every_engine ──> Engine, Project ──> Project::run ──> Ran: everything the user saw, as one text
//! ```
//!
//! A project has a name that no other run of any test has, so tests go on side by side, on engines
//! that others use too. When it is dropped, what carries its name is removed from its engines.
//!
//! [`engines`] are those with BuildKit; [`podman`] is apart, for its builds are others.
//!
//! Engines come from the file that `DCB_TEST_ENGINES` names (`tests/run` writes it), else from
//! `tests/engines/engines list all`, else from the engine that `DOCKER_HOST` or the default socket
//! gives. A test that finds none fails and says how to get one.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test takes in all of it and uses a part"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests read the environment they are given"
)]

pub mod builder;
pub mod grid;
pub mod layout;
pub mod registry;
pub mod relay;
pub mod serve;
pub mod told;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use told::Redactions;

/// No command of a test takes longer; one that does hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// The suites whose engines the script starts; all others are somebody's own.
const SUITES: [&str; 5] = ["bookworm", "trixie", "sid", CONTAINERD, PODMAN];
/// That of the engine which keeps its images in containerd.
const CONTAINERD: &str = "containerd";
/// That of Podman.
const PODMAN: &str = "podman";
/// The suite of an engine of a test's own.
const PRIVATE: &str = "private";

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
        self.ask(&["info", "--format", "{{.DriverStatus}}"])
            .contains("io.containerd.snapshotter")
    }

    /// Whether it has an image of this name.
    pub fn has_image(&self, image: &str) -> bool {
        !self.ask(&["images", "--quiet", image]).is_empty()
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

    /// What `command` prints in a container of `image`.
    pub fn run(&self, image: &str, command: &[&str]) -> String {
        let mut arguments = vec!["run", "--rm", "--network=none", image];
        arguments.extend(command);
        self.ask(&arguments)
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
    listed.lines().map(parse).collect()
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

fn parse(line: &str) -> Engine {
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

/// Runs `test` on all engines side by side, each with a fresh project called after `name`. A
/// failure names its engine: the thread carries its version and suite.
pub fn on_every_engine(name: &str, test: impl Fn(&Engine, Project) + Sync) {
    on_engines(&engines(), name, test);
}

/// The same on some engines only.
pub fn on_engines(engines: &[Engine], name: &str, test: impl Fn(&Engine, Project) + Sync) {
    let test = &test;
    let failed: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = engines
            .iter()
            .map(|engine| {
                let title = format!("{} ({})", engine.version, engine.suite);
                let thread = std::thread::Builder::new()
                    .name(format!("{name} on engine {title}"))
                    .spawn_scoped(scope, || test(engine, Project::new(name)))
                    .expect("a thread");
                (title, thread)
            })
            .collect();
        running
            .into_iter()
            .filter_map(|(title, thread)| thread.join().is_err().then_some(title))
            .collect()
    });
    assert!(
        failed.is_empty(),
        "`{name}` fails on engine {}",
        failed.join(" and ")
    );
}

/// An engine of its own for a test that stops, kills or freezes it.
pub struct PrivateEngine {
    engine: Engine,
    name: String,
    /// The suite that it is made of.
    like: String,
}

impl PrivateEngine {
    /// Starts one of the generation of `like`; none when the script did not start `like`.
    pub fn like(like: &Engine) -> Option<Self> {
        Self::with(like, &[])
    }

    /// The same with more flags for its daemon.
    pub fn with(like: &Engine, flags: &[&str]) -> Option<Self> {
        Self::new(&[], like, flags)
    }

    /// The same with all that it writes on a disk of its own of `size`, such as `96m`, which a
    /// build can fill.
    pub fn with_disk(like: &Engine, size: &str) -> Option<Self> {
        Self::new(&["--disk", size], like, &[])
    }

    fn new(options: &[&str], like: &Engine, flags: &[&str]) -> Option<Self> {
        if !SUITES.contains(&like.suite.as_str()) {
            return None;
        }
        let name = format!("t{}", unique());
        let arguments = [&["new"], options, &[&like.suite, &name], flags].concat();
        let line = script(&arguments).unwrap_or_else(|| panic!("no private engine: {arguments:?}"));
        let mut engine = parse(line.trim_end());
        PRIVATE.clone_into(&mut engine.suite);
        let like = like.suite.clone();
        Some(Self { engine, name, like })
    }

    /// Starts it again after its daemon is gone, with what it had.
    pub fn restart(&self) {
        let arguments = ["new", &self.like, &self.name];
        script(&arguments).unwrap_or_else(|| panic!("it does not start: {arguments:?}"));
    }

    /// Sends a signal to its daemon.
    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.pid(), signal).expect("a signal");
    }

    /// The process of its daemon.
    pub fn pid(&self) -> rustix::process::Pid {
        let directory = self.engine.socket().parent().expect("a directory");
        let text = ["dockerd", "podman"]
            .iter()
            .find_map(|daemon| {
                std::fs::read_to_string(directory.join(format!("run/{daemon}.pid"))).ok()
            })
            .expect("a running daemon");
        let pid = text
            .trim()
            .parse()
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        pid.expect("a process id")
    }
}

impl std::ops::Deref for PrivateEngine {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl Drop for PrivateEngine {
    fn drop(&mut self) {
        let _ = script(&["rm", &self.name]);
    }
}

/// Eight characters that no other test of this machine has now.
fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{:05x}{next:03x}", std::process::id())
}

/// A project in a directory of its own, under a name of its own.
pub struct Project {
    directory: TempDir,
    home: TempDir,
    name: String,
    variables: BTreeMap<String, String>,
    /// Where it may have left images and containers.
    touched: Mutex<BTreeMap<String, Engine>>,
}

impl Project {
    /// An empty project called after the test.
    pub fn new(name: &str) -> Self {
        let temporary = |prefix| {
            tempfile::Builder::new()
                .prefix(prefix)
                .tempdir()
                .expect("a directory")
        };
        Self {
            directory: temporary("dcb-"),
            home: temporary("dcb-home-"),
            name: format!("t-{name}-{}", unique()),
            variables: BTreeMap::new(),
            touched: Mutex::default(),
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

    /// Writes a file that no engine takes in before it or dcb is stopped. It is sparse and compresses
    /// to nothing, so it costs no disk.
    pub fn write_endless(&self, path: &str) {
        let file = std::fs::File::create(self.path().join(path)).expect("a file");
        file.set_len(64 << 30).expect("a sparse file");
    }

    /// The project's directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The home directory of the user who runs dcb in it.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The project's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of a service's image for the Compose that goes with `engine`.
    pub fn image(&self, engine: &Engine, service: &str) -> String {
        let separator = if engine.has_compose_v1() { '_' } else { '-' };
        format!("{}{separator}{service}", self.name)
    }

    /// dcb in this project without any engine, ready for arguments.
    pub fn dcb(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dcb"));
        hermetic(&mut command, self.home.path());
        command
            .current_dir(self.path())
            .env("COMPOSE_PROJECT_NAME", &self.name)
            .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
            .envs(&self.variables);
        command
    }

    /// dcb in this project on an engine, ready for arguments.
    pub fn dcb_on(&self, engine: &Engine) -> Command {
        let mut command = self.dcb();
        self.point(&mut command, engine);
        command
    }

    /// Another program in this project on an engine, such as `docker-compose`.
    pub fn other_on(&self, engine: &Engine, program: &str) -> Command {
        // Looked up in the engine's own programs: PATH of this process does not matter.
        let own = engine.bin.join(program);
        let mut command = Command::new(if own.exists() {
            own.as_path()
        } else {
            Path::new(program)
        });
        hermetic(&mut command, self.home.path());
        command
            .current_dir(self.path())
            .env("COMPOSE_PROJECT_NAME", &self.name);
        self.point(&mut command, engine);
        command
    }

    fn point(&self, command: &mut Command, engine: &Engine) {
        self.touched
            .lock()
            .expect("no panic")
            .insert(engine.host.clone(), engine.clone());
        engine.point(command);
        command.envs(&self.variables);
    }

    /// Runs dcb on an engine.
    pub fn run(&self, engine: &Engine, arguments: &[&str]) -> Ran {
        self.ran(self.dcb_on(engine).args(arguments))
    }

    /// Runs dcb where there is no engine.
    pub fn run_alone(&self, arguments: &[&str]) -> Ran {
        self.ran(self.dcb().args(arguments))
    }

    /// Runs a command of this project to its end.
    pub fn ran(&self, command: &mut Command) -> Ran {
        self.start(command).end(PATIENCE)
    }

    /// Starts a command of this project.
    pub fn start(&self, command: &mut Command) -> Running {
        Running::start(command, self.redactions())
    }

    /// What differs from run to run in the texts about this project.
    pub fn redactions(&self) -> Redactions {
        let mut redactions = Redactions::default();
        redactions.add(self.path().display(), "<dir>");
        redactions.add(self.home.path().display(), "<home>");
        redactions.add(&self.name, "<project>");
        for engine in self.touched.lock().expect("no panic").values() {
            redactions.add(&engine.host, "<engine>");
            redactions.add(&engine.version, "<version>");
        }
        redactions
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // What a private engine has goes with it, and it may be frozen or gone.
        let touched = self.touched.get_mut().expect("no panic").values();
        for engine in touched.filter(|engine| engine.suite != PRIVATE) {
            clean(engine, &self.name);
        }
    }
}

/// Removes what carries the label of a project. An engine that is gone keeps it. Two kinds of engine
/// keep the images, for they cannot build while others go: Podman looks through all of them and fails
/// with `layer not known`, and the classic builder on containerd's store loses the image of the step
/// before with `unable to find image`.
fn clean(engine: &Engine, project: &str) {
    let label = format!("label=com.docker.compose.project={project}");
    let kinds: [(&[&str], &[&str]); 3] = [
        (&["ps", "--all"], &["rm", "--force", "--volumes"]),
        (&["network", "ls"], &["network", "rm"]),
        (&["images"], &["rmi", "--force"]),
    ];
    let kept = usize::from(engine.suite == PODMAN || engine.suite == CONTAINERD);
    for (list, remove) in &kinds[..kinds.len() - kept] {
        let Ok(found) = engine
            .docker()
            .args(*list)
            .args(["--quiet", "--filter", &label])
            .output()
        else {
            return;
        };
        let found = String::from_utf8_lossy(&found.stdout).into_owned();
        if !found.trim().is_empty() {
            let _ = engine
                .docker()
                .args(*remove)
                .args(found.split_whitespace())
                .output();
        }
    }
}

/// A command that runs.
pub struct Running {
    child: Child,
    stdout: Pipe,
    stderr: Pipe,
    redactions: Redactions,
}

/// What a command has written so far, read as it comes.
struct Pipe {
    text: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Pipe {
    fn read(mut from: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                shared
                    .lock()
                    .expect("no panic")
                    .extend_from_slice(&buffer[..length]);
            }
        });
        Self { text, reader }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().expect("no panic")).into_owned()
    }

    fn end(self) -> String {
        self.reader.join().expect("no panic");
        String::from_utf8_lossy(&self.text.lock().expect("no panic")).into_owned()
    }
}

impl Running {
    fn start(command: &mut Command, redactions: Redactions) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self {
            stdout: Pipe::read(child.stdout.take().expect("piped")),
            stderr: Pipe::read(child.stderr.take().expect("piped")),
            child,
            redactions,
        }
    }

    /// Waits until it is sending its context: nothing else makes it read so much.
    pub fn until_it_sends(&self) {
        let counters = format!("/proc/{}/io", self.id());
        until(
            "the transfer to be going on",
            Duration::from_secs(30),
            || {
                let counters = std::fs::read_to_string(&counters).expect("it runs");
                let read = counters
                    .lines()
                    .find_map(|line| line.strip_prefix("rchar: ")?.parse().ok());
                read.is_some_and(|read: u64| read > 32 << 20)
            },
        );
    }

    /// Waits until one of its outputs holds `words`.
    pub fn until_told(&mut self, words: &str) {
        until(&format!("`{words}`"), PATIENCE, || {
            let told = self.stdout.so_far() + &self.stderr.so_far();
            if let Some(status) = self.child.try_wait().expect("a child") {
                assert!(told.contains(words), "it ended before, {status}:\n{told}");
            }
            told.contains(words)
        });
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("a signal");
    }

    /// Waits for its end, at most for `limit`.
    pub fn end(mut self, limit: Duration) -> Ran {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            if began.elapsed() > limit {
                let _ = self.child.kill();
                panic!(
                    "it still runs after {limit:?}, having told:\n{}",
                    self.stderr.so_far()
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let took = began.elapsed();
        Ran {
            took,
            ..Ran::new(
                status,
                self.stdout.end(),
                self.stderr.end(),
                self.redactions,
            )
        }
    }
}

/// Waits until `reached`, at most for `limit`.
pub fn until(what: &str, limit: Duration, mut reached: impl FnMut() -> bool) {
    let began = Instant::now();
    while !reached() {
        assert!(began.elapsed() < limit, "waited {limit:?} for {what}");
        std::thread::sleep(Duration::from_millis(20));
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
    /// How long its end was waited for.
    pub took: Duration,
    redactions: Redactions,
}

impl Ran {
    fn new(status: ExitStatus, stdout: String, stderr: String, redactions: Redactions) -> Self {
        use std::os::unix::process::ExitStatusExt;
        Self {
            stdout,
            stderr,
            code: status.code(),
            signal: status.signal(),
            took: Duration::ZERO,
            redactions,
        }
    }

    /// What another command printed, for comparison.
    pub fn of(output: &Output) -> Self {
        Self::new(
            output.status,
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
            Redactions::default(),
        )
    }

    /// Everything the user saw as one text, without what differs from run to run.
    pub fn told(&self) -> String {
        let mut text = match (self.code, self.signal) {
            (Some(code), _) => format!("exit code {code}\n"),
            (None, signal) => format!("ended by signal {}\n", signal.unwrap_or_default()),
        };
        for (name, stream) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !stream.is_empty() {
                text.push_str(&format!("--- {name}\n{}", self.redactions.apply(stream)));
            }
        }
        text
    }

    /// This, followed by what another command told.
    #[must_use]
    pub fn then(mut self, next: &Self) -> Self {
        self.code = self.code.max(next.code);
        self.signal = self.signal.or(next.signal);
        self.stdout.push_str(&next.stdout);
        self.stderr.push_str(&next.stderr);
        self
    }

    /// The same, which must have ended with `code`.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.told());
        self
    }

    /// The same, which must have told the user each of `words`.
    #[track_caller]
    pub fn telling(self, words: &[&str]) -> Self {
        let told = self.told();
        for word in words {
            assert!(told.contains(word), "it does not tell `{word}`:\n{told}");
        }
        self
    }

    /// The user must have seen exactly `expected`, whose first line may be empty.
    #[track_caller]
    pub fn shows(&self, expected: &str) {
        told::assert_same(
            &self.told(),
            expected.strip_prefix('\n').unwrap_or(expected),
        );
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
