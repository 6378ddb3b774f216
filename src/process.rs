//! Child processes: argument vectors, never shell strings.
//!
//! Four ways to run one: [`answer`] and [`output`] wait a bounded time for a short answer; [`follow`]
//! hears what it says while it works, and stops it; [`run`] lends it the terminal; [`replace`] becomes
//! it, so that terminal, signals and exit code are its own.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::future::OptionFuture;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::secret::ArgValue;

/// A program and its arguments, not yet run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program, as a path or a name on `PATH`.
    pub program: PathBuf,
    /// Its arguments, without the program's own name.
    pub arguments: Vec<OsString>,
    /// What it reads on standard input, instead of that of this process.
    pub input: Option<String>,
    /// Variables that it sees otherwise than this process; none takes one away.
    pub environment: Vec<(String, Option<String>)>,
    /// Variables that it sees besides, whose values not everybody may read.
    pub handed: Vec<(String, ArgValue)>,
}

impl Command {
    /// `program` without arguments.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            input: None,
            environment: Vec::new(),
            handed: Vec::new(),
        }
    }

    /// The same with more arguments.
    #[must_use]
    pub fn args<S: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }
}

impl fmt::Display for Command {
    /// As a person would type it in a POSIX shell.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut unset = self.environment.iter().filter(|(_, v)| v.is_none());
        if let Some((first, _)) = unset.next() {
            write!(f, "env -u {first} ")?;
            unset.try_for_each(|(name, _)| write!(f, "-u {name} "))?;
        }
        for (name, value) in &self.environment {
            if let Some(value) = value {
                write!(f, "{name}={} ", quote(OsStr::new(value)))?;
            }
        }
        for (name, value) in &self.handed {
            write!(f, "{name}={} ", quote(OsStr::new(value.shown())))?;
        }
        f.write_str(&quote(self.program.as_os_str()))?;
        for argument in &self.arguments {
            write!(f, " {}", quote(argument))?;
        }
        Ok(())
    }
}

/// A word as a POSIX shell needs it written.
pub fn quote(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The most that is read of a short answer.
const SHORT: u64 = 64 << 10;

/// How a program ended, and what it wrote.
pub struct Answer {
    /// Its exit code, or the signal.
    pub status: ExitStatus,
    /// What it wrote on standard output.
    pub stdout: String,
    /// What it wrote on standard error.
    pub stderr: String,
}

/// How a program ends that is run in `directory`, without standard input unless it is given one.
///
/// # Errors
/// When it cannot be started, answers more than 64 KiB, or takes longer than `limit`; it is killed in
/// the last two cases.
pub async fn answer(command: &Command, directory: &Path, limit: Duration) -> io::Result<Answer> {
    let mut prepared = prepare(command, directory)?;
    if command.input.is_none() {
        prepared.stdin(Stdio::null());
    }
    let mut child = tokio::process::Command::from(prepared)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let run = async {
        let (stdout, stderr) = tokio::try_join!(short(stdout), short(stderr))?;
        Ok(Answer {
            status: child.wait().await?,
            stdout,
            stderr,
        })
    };
    tokio::time::timeout(limit, run)
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, format!("no answer in {limit:?}")))?
}

/// What a program answers on standard output, run in `directory`.
///
/// # Errors
/// Those of [`answer`], and when it exits with another status than 0.
pub async fn output(command: &Command, directory: &Path, limit: Duration) -> io::Result<String> {
    let answer = answer(command, directory, limit).await?;
    if answer.status.success() {
        return Ok(answer.stdout);
    }
    let said = answer.stderr.lines().last().unwrap_or_default();
    let colon = if said.is_empty() { "" } else { ": " };
    Err(io::Error::other(format!("{}{colon}{said}", answer.status)))
}

async fn short(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let Some(pipe) = pipe else {
        return Ok(String::new());
    };
    let mut text = Vec::new();
    pipe.take(SHORT + 1).read_to_end(&mut text).await?;
    if text.len() as u64 > SHORT {
        return Err(io::Error::other("an answer of more than 64 KiB"));
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// How long a program that was asked to end may still take.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// How a program ended that was [followed](follow).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// By itself.
    Ended(ExitStatus),
    /// Because it was asked to.
    Stopped,
}

/// Runs the other program in `directory`, without a standard input of its own unless it is given one,
/// and gives `hear` what it writes on standard error, piece by piece. Standard output is thrown away.
///
/// When `stop` is done the program is asked to end as Ctrl-C asks (SIGINT), and is still heard while
/// it does; after ten seconds it is killed. It never outlives this call.
///
/// # Errors
/// When it cannot be started.
pub async fn follow(
    command: &Command,
    directory: &Path,
    stop: impl Future,
    mut hear: impl AsyncFnMut(&[u8]),
) -> io::Result<Followed> {
    let mut prepared = prepare(command, directory)?;
    if command.input.is_none() {
        prepared.stdin(Stdio::null());
    }
    let mut child = tokio::process::Command::from(prepared)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut stderr = child.stderr.take();
    let mut stop = std::pin::pin!(stop);
    let mut patience = std::pin::pin!(tokio::time::sleep(Duration::MAX));
    let mut stopped = false;
    let mut piece = vec![0; 64 << 10];
    loop {
        // What it wrote is read to its end before its own end counts.
        let silent = stderr.is_none();
        let said = OptionFuture::from(stderr.as_mut().map(|pipe| pipe.read(&mut piece)));
        tokio::select! {
            Some(read) = said => match read {
                Ok(length @ 1..) => hear(&piece[..length]).await,
                Ok(0) | Err(_) => stderr = None,
            },
            status = child.wait(), if silent => {
                let status = status?;
                return Ok(if stopped { Followed::Stopped } else { Followed::Ended(status) });
            }
            _ = &mut stop, if !stopped => {
                stopped = true;
                interrupt(&mut child);
                patience.as_mut().reset(tokio::time::Instant::now() + LAST_WORDS);
            }
            () = &mut patience => {
                child.kill().await?;
                return Ok(Followed::Stopped);
            }
        }
    }
}

#[cfg(unix)]
fn interrupt(child: &mut tokio::process::Child) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok());
    if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
        // One that is gone already needs no asking.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
    }
}

#[cfg(not(unix))]
fn interrupt(child: &mut tokio::process::Child) {
    // Another process cannot be sent Ctrl-C alone there.
    let _ = child.start_kill();
}

/// Runs the other program on this terminal and waits for its end.
///
/// # Errors
/// When it cannot be started.
pub fn run(command: &Command, directory: &Path) -> io::Result<ExitStatus> {
    prepare(command, directory)?.status()
}

/// Runs the other program on this terminal and waits for its end, which it is asked for (SIGTERM)
/// when `stop` returns true. Ctrl-C on the terminal reaches it too, so this process waits for what it
/// makes of that. Gives its exit code; that of a signal is the one that shells give.
///
/// # Errors
/// When it cannot be started.
#[cfg(unix)]
pub fn run_until(
    command: &Command,
    directory: &Path,
    stop: impl FnOnce() -> bool + Send + 'static,
) -> io::Result<u8> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use std::os::unix::process::ExitStatusExt;
    // Caught, not ignored: what is ignored the other program would ignore as well.
    signal_hook::flag::register(SIGINT, std::sync::Arc::default())?;
    let mut asked = signal_hook::iterator::Signals::new([SIGTERM])?;
    let mut child = prepare(command, directory)?.spawn()?;
    let pid = rustix::process::Pid::from_child(&child);
    let ask = move || {
        // One that is gone already needs no asking.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    };
    std::thread::spawn(move || asked.forever().for_each(|_| ask()));
    std::thread::spawn(move || {
        if stop() {
            ask();
        }
    });
    let status = child.wait()?;
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// The same where another process cannot be asked to end: it ends by itself.
///
/// # Errors
/// When it cannot be started.
#[cfg(not(unix))]
pub fn run_until(
    command: &Command,
    directory: &Path,
    _stop: impl FnOnce() -> bool + Send + 'static,
) -> io::Result<u8> {
    let code = run(command, directory)?.code();
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// Becomes the other program. Returns only when that failed.
#[cfg(unix)]
pub fn replace(command: &Command, directory: &Path) -> io::Error {
    use std::os::unix::process::CommandExt;
    match prepare(command, directory) {
        Ok(mut command) => command.exec(),
        Err(error) => error,
    }
}

/// Runs the other program and ends with its exit code. Returns only when that failed.
#[cfg(not(unix))]
#[expect(
    clippy::exit,
    reason = "stands in for exec, after which nothing runs either"
)]
pub fn replace(command: &Command, directory: &Path) -> io::Error {
    match run(command, directory) {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}

fn prepare(command: &Command, directory: &Path) -> io::Result<std::process::Command> {
    let mut prepared = std::process::Command::new(&command.program);
    prepared.args(&command.arguments).current_dir(directory);
    for (name, value) in &command.environment {
        match value {
            Some(value) => prepared.env(name, value),
            None => prepared.env_remove(name),
        };
    }
    let handed = command.handed.iter();
    prepared.envs(handed.map(|(name, value)| (name, value.reveal())));
    if let Some(input) = &command.input {
        // A file without a name, not a pipe: nobody is left to fill a pipe after `exec`.
        let mut file = tempfile::tempfile()?;
        file.write_all(input.as_bytes())?;
        file.rewind()?;
        prepared.stdin(file);
    }
    Ok(prepared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let command = Command::new("docker-compose").args(["-p", "it's", "up", "", "a b"]);
        assert_eq!(
            command.to_string(),
            r"docker-compose -p 'it'\''s' up '' 'a b'"
        );
        let mut command = Command::new("docker-compose").args(["run", "web"]);
        command.environment = vec![
            ("A".into(), Some("1 2".into())),
            ("B".into(), None),
            ("C".into(), None),
        ];
        assert_eq!(
            command.to_string(),
            "env -u B -u C A='1 2' docker-compose run web"
        );
    }

    #[test]
    fn what_is_handed_over_in_confidence_is_not_shown() {
        let mut command = Command::new("buildx");
        for (name, value) in [("V", "1"), ("NPM_TOKEN", "abc")] {
            command
                .handed
                .push((name.into(), ArgValue::new(name, value)));
        }
        assert_eq!(command.to_string(), "V=1 NPM_TOKEN='***' buildx");
        assert!(!format!("{command:?}").contains("abc"));
    }

    /// What a shell's script says on standard error, and how it ends.
    #[cfg(unix)]
    async fn followed(script: &str, stop: impl Future) -> (Followed, String) {
        let command = Command::new("/bin/sh").args(["-c", script]);
        let mut heard = Vec::new();
        let ended = follow(&command, Path::new("/"), stop, async |piece: &[u8]| {
            heard.extend_from_slice(piece);
        })
        .await
        .expect("a shell");
        (ended, String::from_utf8_lossy(&heard).into_owned())
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn all_that_a_program_says_is_heard_before_its_end() {
        let script = "echo one >&2; echo nobody hears this; printf two >&2; exit 3";
        let (ended, heard) = followed(script, std::future::pending::<()>()).await;
        let Followed::Ended(status) = ended else {
            panic!("stopped")
        };
        assert_eq!((status.code(), heard.as_str()), (Some(3), "one\ntwo"));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_program_that_is_stopped_may_say_why_it_ends() {
        let (begun, begin) = tokio::sync::oneshot::channel::<()>();
        let mut begun = Some(begun);
        let script =
            "trap 'echo over >&2; exit 1' INT; echo here >&2; while :; do sleep 0.01; done";
        let command = Command::new("/bin/sh").args(["-c", script]);
        let mut heard = String::new();
        let ended = follow(&command, Path::new("/"), begin, async |piece: &[u8]| {
            heard.push_str(&String::from_utf8_lossy(piece));
            drop(begun.take());
        })
        .await
        .expect("a shell");
        assert_eq!((ended, heard.as_str()), (Followed::Stopped, "here\nover\n"));
    }
}
