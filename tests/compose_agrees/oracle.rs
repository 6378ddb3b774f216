//! The real Composes of this machine, and what they say of a project.
//!
//! They need no engine to load one. Each call has a limit of time and of memory, since a Compose can
//! spin for minutes on input that was made to hurt.
//!
//! Nearly all of the time goes into starting programs, and nothing that is compared comes from any
//! but Compose itself. So two of its costs are taken away: `build --print` starts buildx, only to
//! ask for its version, which a script answers here (92 ms of processor time become 32), and Go's
//! collector does not run in processes this short (42 ms of `config` become 29).

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use dcb::compose::Request;
use serde_json::Value;

/// No call that ends takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(30);
/// Address space a call may take, in KiB; an ordinary one takes 1.5 GiB of it and touches little.
const MEMORY: u64 = 6 * 1024 * 1024;

/// One Compose.
#[derive(Debug, Clone)]
pub struct Compose {
    /// Its version, as far as it matters: `(2, 40)`.
    pub version: (u32, u32),
    program: PathBuf,
    config: PathBuf,
}

/// What a Compose says of a project: the JSON it prints, or its complaint.
pub type Answer = Result<Value, String>;

/// The Composes to compare with, newest first. Fails where there should be some and are not; says
/// what is not covered where there cannot be.
pub fn composes() -> &'static [Compose] {
    static FOUND: OnceLock<Vec<Compose>> = OnceLock::new();
    FOUND.get_or_init(find)
}

fn find() -> Vec<Compose> {
    let told = std::env::var("DCB_TEST_ENGINES").ok();
    let listed = match &told {
        Some(file) => std::fs::read_to_string(file).expect("the file DCB_TEST_ENGINES names"),
        None => script_list(),
    };
    let mut found: Vec<Compose> = listed
        .lines()
        .filter_map(|line| Compose::new(Path::new(line.split('\t').nth(2)?)))
        .filter(|compose| compose.version >= (2, 26) && compose.version < (5, 0))
        .collect();
    found.sort_by_key(|compose| std::cmp::Reverse(compose.version));
    found.dedup_by_key(|compose| compose.version);
    // `tests/run` writes the file even where this machine cannot have the engines.
    assert!(
        told.is_some() || !found.is_empty(),
        "no Compose to agree with: run ./tests/run, or tests/engines/engines up as root on Debian"
    );
    if !found.iter().any(|compose| compose.version >= (2, 40)) {
        println!("NOT COVERED: agreement with Compose 2.40, which this machine cannot have");
    }
    found
}

fn script_list() -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines/engines");
    let output = Command::new(script)
        .arg("list")
        .stdin(Stdio::null())
        .output();
    output.map_or(String::new(), |output| {
        String::from_utf8_lossy(&output.stdout).into_owned()
    })
}

impl Compose {
    fn new(config: &Path) -> Option<Self> {
        let program = config.join("cli-plugins/docker-compose");
        let output = Command::new(&program)
            .args(["version", "--short"])
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut numbers = text
            .trim()
            .trim_start_matches('v')
            .split('.')
            .map_while(|part| part.parse().ok());
        let version = (numbers.next()?, numbers.next()?);
        Some(Self {
            version,
            program,
            config: with_a_quick_buildx(config, version),
        })
    }

    /// Whether it prints what it would build.
    pub fn prints_builds(&self) -> bool {
        self.version >= (2, 40)
    }

    /// The project as it understands it.
    pub fn config(&self, request: &Request) -> Answer {
        let mut arguments = vec!["config", "--format", "json"];
        // Later ones narrow the project to them.
        arguments.extend(request.services.iter().map(String::as_str));
        self.ask(request, &arguments)
    }

    /// What it would build.
    pub fn builds(&self, request: &Request) -> Answer {
        let mut arguments = vec!["build", "--print"];
        arguments.extend(request.services.iter().map(String::as_str));
        self.ask(request, &arguments)
    }

    fn ask(&self, request: &Request, arguments: &[&str]) -> Answer {
        let limited = format!("ulimit -v {MEMORY}; exec \"$@\"");
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", &limited, "sh"])
            .arg(&self.program)
            .args(global_arguments(request))
            .args(arguments)
            .current_dir(&request.directory)
            .env_clear()
            .envs(&request.environment)
            .env("PATH", "/usr/bin:/bin")
            .env("DOCKER_CONFIG", &self.config)
            .env("GOGC", "off")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("a shell");
        let stdin = request.stdin.clone().unwrap_or_default();
        let mut pipe = child.stdin.take().expect("a pipe");
        std::thread::spawn(move || pipe.write_all(stdin.as_bytes()));
        let (status, out, complaint) = collect(&mut child);
        match status {
            // `build --print` with nothing to build.
            Some(0) if out.trim().is_empty() => Ok(Value::Null),
            Some(0) => serde_json::from_str(&out).map_err(|error| format!("no JSON: {error}")),
            Some(code) => Err(format!("exit {code}: {complaint}")),
            None => Err(format!("stopped: {complaint}")),
        }
    }
}

/// A docker configuration whose buildx is a script that says of itself what the real one says.
fn with_a_quick_buildx(config: &Path, (major, minor): (u32, u32)) -> PathBuf {
    let own = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("compose-{major}.{minor}"));
    let plugins = own.join("cli-plugins");
    let told = Command::new(config.join("cli-plugins/docker-buildx"))
        .arg("docker-cli-plugin-metadata")
        .output()
        .expect("the buildx that goes with this Compose");
    let told = String::from_utf8(told.stdout).expect("JSON");
    // Written aside and then moved: another test may be using the one that is there.
    std::fs::create_dir_all(&plugins).expect("a directory");
    let mut script = tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o755))
        .tempfile_in(&own)
        .expect("a file");
    write!(script, "#!/bin/sh\ncat <<'END'\n{told}\nEND\n").expect("a script");
    let script = script.into_temp_path();
    script
        .persist(plugins.join("docker-buildx"))
        .expect("a script");
    own
}

fn global_arguments(request: &Request) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut add = |flag: &str, value: String| arguments.extend([flag.to_owned(), value]);
    for file in &request.files {
        add("-f", file.clone());
    }
    if let Some(name) = &request.project_name {
        add("-p", name.clone());
    }
    if let Some(directory) = &request.project_directory {
        add("--project-directory", directory.display().to_string());
    }
    for file in &request.env_files {
        add("--env-file", file.display().to_string());
    }
    for profile in &request.profiles {
        add("--profile", profile.clone());
    }
    arguments
}

/// Exit code, output and errors; no code for one that had to be stopped.
fn collect(child: &mut Child) -> (Option<i32>, String, String) {
    let out = reader(child.stdout.take());
    let err = reader(child.stderr.take());
    let began = Instant::now();
    let mut code = None;
    let mut pause = Duration::from_millis(2);
    while began.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().expect("a child") {
            code = status.code();
            break;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
    // It may be gone already.
    let _ = child.kill();
    let _ = child.wait();
    let out = out.join().expect("a reader");
    (code, out, without_warnings(&err.join().expect("a reader")))
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before it was stopped is enough.
        let _ = pipe.expect("a pipe").read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn without_warnings(text: &str) -> String {
    let mut kept = String::new();
    for line in text
        .lines()
        .filter(|line| !line.contains("level=warning"))
        .take(12)
    {
        // A String takes all that is written.
        let _ = writeln!(kept, "{line}");
    }
    kept.trim_end().to_owned()
}
