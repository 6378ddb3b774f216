//! An agent of dcb's own for private keys in files.
//!
//! It is OpenSSH's `ssh-agent`, and `ssh-add` reads the keys: they know every kind of key there is,
//! and no key is ever in this process. Reading keys and signing here would take a dozen crates, the
//! one for RSA without a release that is free of RUSTSEC-2023-0071.
//!
//! ```text
//! ssh-agent -a DIRECTORY/agent cat     an agent that ends within ten seconds of `cat`,
//!                                      which ends with dcb, however that ends
//! ssh-add -q -                         once for each file, which it gets as standard input
//! ```

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use crate::failure::{Class, Failure};
use crate::human;

/// How long one of the programs may take. Both take 5 ms.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running agent. Dropping it makes the agent forget its keys at once.
pub(in crate::docker::buildkit) struct KeyAgent {
    socket: PathBuf,
    /// What the agent lives as long as.
    _companion: Child,
    /// The socket's directory, which nobody else may enter.
    _directory: TempDir,
}

impl fmt::Debug for KeyAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyAgent({})", self.socket.display())
    }
}

impl KeyAgent {
    /// Starts an agent with the keys in the files `paths`.
    ///
    /// # Errors
    /// [`Class::SshMissing`] when OpenSSH is not installed, or does not take a key.
    pub(super) async fn start(paths: &[PathBuf]) -> Result<Self, Failure> {
        let agent = limited(launch())
            .await
            .map_err(|error| unstartable("ssh-agent", &error))?;
        for path in paths {
            agent.add(path).await?;
        }
        Ok(agent)
    }

    /// Where it listens.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    async fn add(&self, path: &Path) -> Result<(), Failure> {
        let file = std::fs::File::open(path).map_err(|error| refused(path, &error.to_string()))?;
        let run = quiet("ssh-add")
            .args(["-q", "-"])
            .env("SSH_AUTH_SOCK", &self.socket)
            .stdin(file)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .output();
        let output = limited(run)
            .await
            .map_err(|error| unstartable("ssh-add", &error))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().last().map(human::sanitize);
        Err(refused(
            path,
            last.as_deref().unwrap_or("ssh-add does not take it"),
        ))
    }
}

impl Drop for KeyAgent {
    fn drop(&mut self) {
        // It would be gone in ten seconds anyway, so what fails here is no matter.
        #[cfg(unix)]
        {
            use std::io::Write;
            /// A request to forget all keys.
            const FORGET: [u8; 5] = [0, 0, 0, 1, 19];
            let agent = std::os::unix::net::UnixStream::connect(&self.socket);
            let _ = agent.and_then(|mut agent| agent.write_all(&FORGET));
        }
    }
}

async fn launch() -> io::Result<KeyAgent> {
    let directory = tempfile::Builder::new().prefix("dcb-ssh-").tempdir()?;
    let socket = directory.path().join("agent");
    let mut companion = quiet("ssh-agent")
        .args([OsStr::new("-a"), socket.as_os_str(), OsStr::new("cat")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    // The agent listens before it starts its companion: what comes back says that it does.
    if let (Some(input), Some(output)) = (&mut companion.stdin, &mut companion.stdout) {
        input.write_all(b"\n").await?;
        output.read_exact(&mut [0]).await?;
    }
    Ok(KeyAgent {
        socket,
        _companion: companion,
        _directory: directory,
    })
}

/// A program that asks nobody for a passphrase, and ends with its handle.
fn quiet(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env("SSH_ASKPASS", "false")
        .env("SSH_ASKPASS_REQUIRE", "force")
        .env("DISPLAY", "none")
        .kill_on_drop(true);
    command
}

async fn limited<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn refused(path: &Path, why: &str) -> Failure {
    let path = path.display();
    Failure::new(
        Class::SshMissing,
        format!("the SSH key `{path}` cannot be used: {why}"),
    )
    .hint(format!(
        "see what OpenSSH says of it: ssh-keygen -y -f {path}"
    ))
}

fn unstartable(program: &str, error: &io::Error) -> Failure {
    Failure::new(
        Class::SshMissing,
        format!("keys in files need OpenSSH's `{program}`, which does not run: {error}"),
    )
    .hint("install it: apt-get install openssh-client")
    .hint("or name the socket of an agent that has the keys: `ssh: [default]`")
}
