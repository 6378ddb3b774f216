//! The commands: what ssh is run with.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::destination::Destination;
use crate::process;

/// What all commands to one destination have in common.
#[derive(Debug, Clone)]
pub(super) struct Commands {
    program: PathBuf,
    /// `[-l USER] [-p PORT] -- HOST`.
    target: Vec<String>,
    /// What is run on the other machine: one line, for ssh hands it to a shell there.
    remote: String,
    interactive: bool,
    /// The connection that streams go over.
    pub(super) over: Over,
}

/// The connection that streams go over.
#[derive(Debug, Clone)]
pub(super) enum Over {
    /// One for each.
    Own,
    /// The one behind this socket.
    Socket(PathBuf),
    /// What the user's configuration says; a connection that is there is used, none is made to stay.
    Configured,
}

impl Commands {
    pub(super) fn new(program: &Path, destination: &Destination, interactive: bool) -> Self {
        let mut target = Vec::new();
        for (flag, value) in [("-l", &destination.user), ("-p", &destination.port)] {
            if let Some(value) = value {
                target.extend([flag.to_owned(), value.clone()]);
            }
        }
        target.extend(["--".to_owned(), destination.host.clone()]);
        let mut remote = vec!["docker".to_owned()];
        if let Some(socket) = &destination.socket {
            remote.push(process::quote(OsStr::new(&format!(
                "--host=unix://{socket}"
            ))));
        }
        remote.extend(["system".to_owned(), "dial-stdio".to_owned()]);
        Self {
            program: program.to_owned(),
            target,
            remote: remote.join(" "),
            interactive,
            over: Over::Own,
        }
    }

    /// ssh with `flags`, which nobody waits for once dcb has lost interest.
    fn ssh<S: AsRef<OsStr>>(&self, flags: &[S]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(flags)
            .args(["-o", "ConnectTimeout=30", "-T"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Tells what the user's configuration says of the destination.
    pub(super) fn configuration(&self) -> Command {
        let mut command = self.ssh(&["-G"]);
        command.stdout(Stdio::piped()).args(&self.target);
        command
    }

    /// Logs in and leaves a connection behind the socket `path`, in the background: it ends by itself
    /// `linger` seconds after the last stream. Ends when the connection is there.
    pub(super) fn master(&self, path: &Path, linger: u8) -> Command {
        let mut command = self.ssh::<&str>(&[]);
        command
            .args(["-N", "-M", "-o"])
            .arg(format!("ControlPersist={linger}"))
            // Those of the user's configuration are for the user's own logins.
            .args(["-o", "ClearAllForwardings=yes", "-S"])
            .arg(path);
        ask_or_not(&mut command, self.interactive);
        command.args(&self.target);
        command
    }

    /// Logs in as the user's configuration says, which leaves a connection in the background.
    pub(super) fn configured_master(&self) -> Command {
        let mut command = self.ssh(&["-N", "-f"]);
        ask_or_not(&mut command, self.interactive);
        command.args(&self.target);
        command
    }

    /// Ends the connection behind the socket `path`.
    pub(super) fn exit(&self, path: &Path) -> std::process::Command {
        let mut command = std::process::Command::new(&self.program);
        command
            .args(["-O", "exit", "-S"])
            .arg(path)
            .args(&self.target)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Opens a stream to the engine.
    pub(super) fn dial(&self) -> Command {
        let mut command = self.ssh::<&str>(&[]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        match &self.over {
            Over::Own => {}
            Over::Socket(path) => {
                command
                    .args([
                        "-o",
                        "ControlMaster=no",
                        "-o",
                        "ClearAllForwardings=yes",
                        "-S",
                    ])
                    .arg(path);
            }
            Over::Configured => {
                command.args(["-o", "ControlMaster=no"]);
            }
        }
        // A process group that is not the terminal's would be stopped when it asks something.
        #[cfg(unix)]
        command.process_group(0);
        ask_or_not(&mut command, self.interactive && cfg!(not(unix)));
        command.args(&self.target).arg(&self.remote);
        command
    }
}

/// Without somebody to answer, a question would be waited on for ever.
fn ask_or_not(command: &mut Command, ask: bool) {
    if !ask {
        command.args(["-o", "BatchMode=yes"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &Command) -> String {
        let command = command.as_std();
        let words: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
        words.join(" ")
    }

    #[test]
    fn a_stream_is_opened_as_the_docker_cli_opens_it() {
        let destination = Destination::parse("me@host:2222").expect("valid");
        let commands = Commands::new(Path::new("ssh"), &destination, false);
        assert_eq!(
            words(&commands.dial()),
            "-o ConnectTimeout=30 -T -o BatchMode=yes -l me -p 2222 -- host docker system dial-stdio"
        );
    }

    #[test]
    fn the_path_of_a_socket_is_one_word_for_the_shell_there() {
        let destination = Destination::parse("-oProxyCommand=x/a%20b;c").expect("valid");
        let mut commands = Commands::new(Path::new("ssh"), &destination, true);
        commands.over = Over::Socket("/tmp/s".into());
        assert_eq!(
            words(&commands.dial()),
            "-o ConnectTimeout=30 -T -o ControlMaster=no -o ClearAllForwardings=yes -S /tmp/s \
             -o BatchMode=yes -- -oProxyCommand=x docker '--host=unix:///a b;c' system dial-stdio"
        );
    }

    #[test]
    fn only_the_login_asks_and_only_where_somebody_is() {
        let destination = Destination::parse("host").expect("valid");
        for interactive in [true, false] {
            let commands = Commands::new(Path::new("ssh"), &destination, interactive);
            let asks = |command: Command| !words(&command).contains("BatchMode=yes");
            assert_eq!(asks(commands.master(Path::new("/tmp/s"), 1)), interactive);
            assert_eq!(asks(commands.configured_master()), interactive);
            assert_eq!(asks(commands.dial()), interactive && cfg!(not(unix)));
        }
    }
}
