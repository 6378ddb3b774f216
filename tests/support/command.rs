//! Commands as a user runs them, and what the user sees of them.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::told::{self, Redactions};
use super::until;

/// No command of a test takes longer; one that does hangs.
pub const PATIENCE: Duration = Duration::from_secs(120);

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
    pub fn start(command: &mut Command, redactions: Redactions) -> Self {
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
pub fn hermetic(command: &mut Command, home: &Path) {
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", home)
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null());
}
