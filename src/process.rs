//! Child processes: argument vectors, never shell strings.
//!
//! Three ways to run one: [`answer`] and [`output`] wait a bounded time for a short answer; [`run`]
//! lends it the terminal; [`replace`] becomes it, so that terminal, signals and exit code are its own.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};

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
}

impl Command {
    /// `program` without arguments.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            input: None,
            environment: Vec::new(),
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

/// Runs the other program on this terminal and waits for its end.
///
/// # Errors
/// When it cannot be started.
pub fn run(command: &Command, directory: &Path) -> io::Result<ExitStatus> {
    prepare(command, directory)?.status()
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
}
