//! One connection for all streams: ssh's own multiplexing.
//!
//! Whose connection it is depends on the user's configuration (`ssh -G`). A connection that is there
//! already, such as one that took a second factor to make, is used; a configuration that keeps
//! connections open is left to do so; everywhere else dcb makes one of its own and ends it. What a
//! server refuses to carry on one connection, ssh carries on one more by itself.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;

use super::command::{Commands, Over};
use super::destination::Destination;
use super::said;
use super::stream::Heard;
use crate::failure::{Class, Failure};

/// Seconds that a connection of dcb's stays without streams, when dcb was killed and cannot end it.
const LINGER: u8 = 10;
/// How long a login may take where nobody is asked anything. ssh itself gives up on a machine that does
/// not answer after 30 seconds.
const LOGIN: Duration = Duration::from_secs(60);
/// The longest path of a socket that every system takes. ssh makes it under a name that is 17 longer.
const LONGEST_PATH: usize = 103 - 17;

/// A connection that dcb has made; it ends when this is dropped.
pub(super) struct Share {
    commands: Commands,
    directory: TempDir,
}

impl Drop for Share {
    fn drop(&mut self) {
        // It ends by itself a little later where this fails.
        let _ = self.commands.exit(&socket(&self.directory)).status();
    }
}

fn socket(directory: &TempDir) -> PathBuf {
    directory.path().join("s")
}

/// Logs in; the commands that open streams, and what is to be closed in the end.
pub(super) async fn open(
    mut commands: Commands,
    destination: &Destination,
) -> Result<(Commands, Option<Share>), Failure> {
    // Windows' ssh has no multiplexing: each stream logs in.
    if cfg!(windows) {
        return Ok((commands, None));
    }
    let output = run(commands.configuration(), destination, true).await?;
    match Configured::read(&output) {
        Configured::Shared => commands.over = Over::Configured,
        Configured::Sharing => {
            run(commands.configured_master(), destination, false).await?;
            commands.over = Over::Configured;
        }
        Configured::Nothing => {
            let directory = directory().map_err(|error| no_directory(&error))?;
            let socket = socket(&directory);
            run(commands.master(&socket, LINGER), destination, false).await?;
            let share = Share {
                commands: commands.clone(),
                directory,
            };
            commands.over = Over::Socket(socket);
            return Ok((commands, Some(share)));
        }
    }
    Ok((commands, None))
}

/// What the user's configuration says of shared connections.
#[derive(Debug, PartialEq, Eq)]
enum Configured {
    /// There is one.
    Shared,
    /// The first login makes one that stays.
    Sharing,
    /// Nothing that helps: none, or one that ends together with the first stream.
    Nothing,
}

impl Configured {
    /// Reads what `ssh -G` prints: `name value` lines, names in lower case.
    fn read(text: &str) -> Self {
        let value = |name: &str| {
            text.lines()
                .filter_map(|line| line.split_once(' '))
                .find_map(|(found, value)| (found == name).then_some(value.trim()))
        };
        let Some(path) = value("controlpath").filter(|path| *path != "none") else {
            return Self::Nothing;
        };
        let no = |name: &str| matches!(value(name), None | Some("no" | "false"));
        if Path::new(path).exists() {
            Self::Shared
        } else if no("controlmaster") || no("controlpersist") {
            Self::Nothing
        } else {
            Self::Sharing
        }
    }
}

/// A directory that nobody else can look into, with a path that is short enough for a socket.
fn directory() -> std::io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("dcb-");
    let directory = builder.tempdir()?;
    if socket(&directory).as_os_str().len() <= LONGEST_PATH {
        return Ok(directory);
    }
    builder.tempdir_in("/tmp")
}

fn no_directory(error: &std::io::Error) -> Failure {
    Failure::new(
        Class::SshFailed,
        format!("failed to make a directory for the connection's socket: {error}"),
    )
    .hint("is the disk full? df /tmp")
}

/// Runs a command of ssh to its end, which must be a good one; what it printed.
async fn run(
    mut command: Command,
    destination: &Destination,
    printing: bool,
) -> Result<String, Failure> {
    let mut child = command
        .spawn()
        .map_err(|error| said::unstartable(destination, &error))?;
    let heard = Heard::from(child.stderr.take());
    let printed = async {
        let mut text = String::new();
        if let Some(mut stdout) = child.stdout.take().filter(|_| printing) {
            use tokio::io::AsyncReadExt;
            let _ = stdout.read_to_string(&mut text).await;
        }
        (text, child.wait().await)
    };
    let (text, ended) = tokio::time::timeout(LOGIN, printed)
        .await
        .map_err(|_| said::stuck(destination, LOGIN))?;
    match ended {
        Ok(status) if status.success() => Ok(text),
        Ok(status) => Err(said::explain(&heard.all().await, status, destination)),
        Err(error) => Err(said::unstartable(destination, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_of_the_users_is_used_when_it_helps() {
        let here = env!("CARGO_MANIFEST_DIR");
        for (text, expected) in [
            (
                "controlmaster auto\ncontrolpersist 600\n",
                Configured::Nothing,
            ),
            (
                "controlpath none\ncontrolmaster auto\ncontrolpersist 600\n",
                Configured::Nothing,
            ),
            (
                "controlpath /none/such\ncontrolmaster auto\ncontrolpersist 600\n",
                Configured::Sharing,
            ),
            (
                "controlpath /none/such\ncontrolmaster auto\ncontrolpersist no\n",
                Configured::Nothing,
            ),
            (
                "controlpath /none/such\ncontrolmaster false\ncontrolpersist 600\n",
                Configured::Nothing,
            ),
            (
                &format!("controlmaster false\ncontrolpath {here}\n"),
                Configured::Shared,
            ),
        ] {
            assert_eq!(Configured::read(text), expected, "{text}");
        }
    }
}
