//! What ssh, or the docker CLI on the other machine, said before it ended.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use super::destination::Destination;
use crate::failure::{Class, Failure};
use crate::human;

/// The exit code of ssh's own failures.
const SSH_FAILED: i32 = 255;
/// The exit code of a shell that finds no program.
const NOT_FOUND: i32 = 127;
/// The exit code of a shell that may not run a program.
const NOT_RUNNABLE: i32 = 126;

/// Tells why a command ended as it did, from what it said on standard error.
pub(super) fn explain(said: &str, status: ExitStatus, destination: &Destination) -> Failure {
    let lines: Vec<String> = said
        .lines()
        .map(|line| human::sanitize(line.trim()))
        .filter(|line| !line.is_empty())
        .collect();
    let told = Told {
        all: lines.join("\n"),
        last: lines.last().cloned().unwrap_or_else(|| status.to_string()),
        to: destination,
    };
    match status.code() {
        Some(SSH_FAILED) => told.by_ssh(),
        Some(NOT_FOUND | NOT_RUNNABLE) => told.no_docker(),
        _ => told.by_docker(),
    }
}

/// What was said, and where.
struct Told<'a> {
    all: String,
    last: String,
    to: &'a Destination,
}

impl Told<'_> {
    fn has(&self, words: &[&str]) -> bool {
        let all = self.all.to_lowercase();
        words.iter().any(|word| all.contains(word))
    }

    /// The command that shows the same to a person.
    fn try_it(&self) -> String {
        let port = self.to.port.as_deref().map(|port| format!("-p {port} "));
        format!("ssh {}{}", port.unwrap_or_default(), self.to.login())
    }

    fn failed(&self, what: &str) -> Failure {
        Failure::new(Class::SshFailed, format!("{}: {what}", self.to))
    }

    fn by_ssh(&self) -> Failure {
        let host = &self.to.host;
        let try_it = self.try_it();
        if self.has(&["remote host identification has changed"]) {
            self.failed(&format!(
                "the key of `{host}` is another than the one that was known"
            ))
            .hint(
                "somebody may be in between; ask who runs that machine whether its key was changed",
            )
            .hint(format!(
                "if it was, forget the old one: ssh-keygen -R {}",
                self.known_as()
            ))
        } else if self.has(&[
            "host key verification failed",
            "no matching host key",
            "host key is known",
        ]) {
            self.failed(&format!(
                "`{host}` is not known to ssh, and nobody is there to say that its key is right"
            ))
            .hint(format!("log in once, and compare the key: {try_it}"))
        } else if self.has(&["could not resolve hostname", "name or service not known"]) {
            self.failed(&format!("there is no host `{host}`"))
                .hint("correct the name, or give it an address under `Host` in ~/.ssh/config")
        } else if self.has(&[
            "permission denied",
            "too many authentication failures",
            "no more authentication methods",
        ]) {
            self.failed(&format!("no key or password of yours is taken ({})", self.last))
                .hint(format!("look with which you can log in: {try_it}"))
                .hint(format!("then let ssh have it without asking: ssh-copy-id {}, or ssh-add for a key with a passphrase", self.login_words()))
        } else if self.has(&[
            "connection refused",
            "timed out",
            "timeout",
            "no route to host",
            "network is unreachable",
        ]) {
            self.failed(&format!("no ssh server can be reached ({})", self.last))
                .hint(format!("is it running, and is the port right? {try_it}"))
        } else {
            self.failed(&self.last)
                .hint(format!("try it alone: {try_it}"))
        }
    }

    fn no_docker(&self) -> Failure {
        self.failed(&format!(
            "`docker` cannot be run on `{}` ({})",
            self.to.host, self.last
        ))
        .hint("install the docker CLI there; the engine alone is not enough for ssh")
        .hint(format!(
            "is it on the PATH of commands, which may be another than that of logins? {} 'echo $PATH; docker version'",
            self.try_it()
        ))
    }

    fn by_docker(&self) -> Failure {
        let to = self.to;
        let try_it = self.try_it();
        if self.has(&["permission denied"]) {
            Failure::new(
                Class::SocketForbidden,
                format!("{to}: the engine's socket there may not be opened by this user"),
            )
            .hint(format!(
                "join its group there and log in again: {try_it} 'sudo usermod -aG docker $USER'"
            ))
        } else if self.has(&[
            "is the docker daemon running",
            "no such file or directory",
            "connection refused",
            "cannot connect to the docker daemon",
            "failed to connect to the docker api",
        ]) {
            Failure::new(
                Class::DaemonDown,
                format!("{to}: no engine is running there ({})", self.last),
            )
            .hint(format!(
                "start it there: {try_it} sudo systemctl start docker"
            ))
            .hint(
                "a rootless engine has its socket elsewhere: ssh://HOST/run/user/1000/docker.sock",
            )
        } else if self.has(&["is not a docker command", "unknown command"]) {
            self.failed("the docker CLI there is older than 18.09, or is not Docker's")
                .hint(format!("see which it is: {try_it} docker version"))
        } else {
            self.failed(&self.last)
                .hint(format!("try it alone: {try_it} docker version"))
        }
    }

    /// The host as `known_hosts` has it.
    fn known_as(&self) -> String {
        match self.to.port.as_deref() {
            None | Some("22") => self.to.host.clone(),
            Some(port) => format!("'[{}]:{port}'", self.to.host),
        }
    }

    fn login_words(&self) -> String {
        let port = self.to.port.as_deref().map(|port| format!("-p {port} "));
        format!("{}{}", port.unwrap_or_default(), self.to.login())
    }
}

/// ssh itself cannot be run.
pub(super) fn unstartable(to: &Destination, error: &io::Error) -> Failure {
    Failure::new(
        Class::SshFailed,
        format!("{to}: `ssh` cannot be run: {error}"),
    )
    .hint("install it: sudo apt-get install openssh-client")
}

/// It neither logs in nor gives up.
pub(super) fn stuck(to: &Destination, limit: Duration) -> Failure {
    Failure::new(
        Class::SshFailed,
        format!(
            "{to}: ssh is not logged in after {}",
            human::duration(limit)
        ),
    )
    .hint(format!("look what keeps it: ssh -v {}", to.login()))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn class(said: &str, code: i32) -> (Class, String) {
        let destination = Destination::parse("me@host:2222").expect("valid");
        let failure = explain(said, ExitStatus::from_raw(code << 8), &destination);
        (failure.class, failure.message)
    }

    #[test]
    fn what_ssh_says_is_told_apart() {
        for (said, words) in [
            (
                "ssh: Could not resolve hostname host: Name or service not known",
                "there is no host `host`",
            ),
            (
                "ssh: connect to host host port 22: Connection refused",
                "no ssh server can be reached",
            ),
            (
                "ssh: connect to host host port 22: Connection timed out",
                "no ssh server can be reached",
            ),
            (
                "me@host: Permission denied (publickey).",
                "no key or password of yours is taken",
            ),
            (
                "No ED25519 host key is known for [host]:2222 and you have requested strict checking.\nHost key verification failed.",
                "is not known to ssh",
            ),
            (
                "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
                "is another than the one that was known",
            ),
            (
                "kex_exchange_identification: Connection closed by remote host",
                "kex_exchange_identification",
            ),
        ] {
            let (class, message) = class(said, 255);
            assert_eq!(class, Class::SshFailed, "{said}");
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn what_the_docker_cli_there_says_is_told_apart() {
        for (said, code, expected) in [
            (
                "bash: line 1: docker: command not found",
                127,
                Class::SshFailed,
            ),
            (
                "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get \"http://docker/x\": dial unix /var/run/docker.sock: connect: permission denied",
                1,
                Class::SocketForbidden,
            ),
            (
                "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
                1,
                Class::DaemonDown,
            ),
            (
                "failed to open the raw stream connection: dial unix /x.sock: connect: no such file or directory",
                1,
                Class::DaemonDown,
            ),
            (
                "docker: 'system' is not a docker command.",
                1,
                Class::SshFailed,
            ),
            ("", 1, Class::SshFailed),
        ] {
            assert_eq!(class(said, code).0, expected, "{said}");
        }
    }
}
