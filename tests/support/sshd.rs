//! An ssh server on this machine that is a machine of its own to ssh: other users, another PATH.
//!
//! It runs in a mount namespace with its own `/etc/passwd` and `/run`, on a port of 127.0.0.1, with
//! keys of its own; the machine's ssh, its users and their keys are neither read nor touched. ssh does
//! not look into `$HOME/.ssh` but into that of the user database, so `ssh` on the PATH of a test is a
//! wrapper that names the configuration to use.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::support::free_port;
use crate::support::{Engine, Project, script, until};

/// A user without any right on an engine's socket.
pub(crate) const GUEST: &str = "guest";

/// What comes before sshd in its namespace: $1 is its directory, $2 its program.
const ENTER: &str = r#"
mount -t tmpfs none /run
mkdir /run/sshd
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/shadow" /etc/shadow
exec "$2" -D -e -f "$1/sshd_config"
"#;

/// An ssh server, which ends when this is dropped.
pub(crate) struct Sshd {
    child: Child,
    directory: TempDir,
    /// Its port.
    pub(crate) port: u16,
}

impl Sshd {
    /// One on whose machine `docker` is that of `engine` and leads to it; none on a machine that
    /// cannot have it.
    pub(crate) fn of(engine: &Engine) -> Option<Self> {
        Self::with(&engine.bin, &engine.host)
    }

    /// One on whose machine programs are looked for in `bin` first, and the engine is at `host`.
    pub(crate) fn with(bin: &Path, host: &str) -> Option<Self> {
        let programs = PathBuf::from(script(&["ssh"])?.trim());
        let directory = tempfile::Builder::new()
            .prefix("dcb-sshd-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .expect("a directory");
        let port = free_port();
        furnish(directory.path(), &programs, port, bin, host);
        let log = File::create(directory.path().join("log")).expect("a file");
        // It ends by itself if this test is killed.
        let child = Command::new("timeout")
            .args([
                "900", "unshare", "--mount", "/bin/sh", "-euc", ENTER, "sshd",
            ])
            .args([directory.path(), &programs.join("sshd")])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("timeout runs");
        let sshd = Self {
            child,
            directory,
            port,
        };
        until("sshd", Duration::from_secs(20), || {
            sshd.log().contains("Server listening")
        });
        Some(sshd)
    }

    /// Its address as a docker host.
    pub(crate) fn address(&self) -> String {
        self.address_of("root", "")
    }

    /// The same for another user, with the path of a socket.
    pub(crate) fn address_of(&self, user: &str, socket: &str) -> String {
        format!("ssh://{user}@127.0.0.1:{}{socket}", self.port)
    }

    /// Has `command` reach it, and only it, at `address`. What `command` keeps for a while lies in
    /// [`Sshd::temporary`].
    pub(crate) fn point(&self, command: &mut Command, engine: &Engine, address: &str) {
        let bin = self.path("bin");
        command
            .env("DOCKER_HOST", address)
            .env("TMPDIR", self.temporary())
            .env(
                "PATH",
                format!("{}:{}:/usr/bin:/bin", bin.display(), engine.bin.display()),
            );
    }

    /// dcb in a project, with this server between it and `engine`.
    pub(crate) fn dcb(&self, project: &Project, engine: &Engine, arguments: &[&str]) -> Command {
        let mut command = project.dcb_on(engine);
        self.point(&mut command, engine, &self.address());
        command.args(arguments);
        command
    }

    /// Where clients put what they keep for a while.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.path("t")
    }

    /// How often somebody has logged in.
    pub(crate) fn logins(&self) -> usize {
        self.log().matches("Accepted publickey").count()
    }

    /// How often a command was run.
    pub(crate) fn commands(&self) -> usize {
        self.log().matches("Starting session: command").count()
    }

    /// The command lines of the clients that still run.
    pub(crate) fn clients(&self) -> Vec<String> {
        let own = self.directory.path().display().to_string();
        fs::read_dir("/proc")
            .expect("Linux")
            .flatten()
            .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
            .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
            .filter(|line| line.contains(&own) && !line.contains("sshd_config"))
            .collect()
    }

    /// Writes one of its files, or of its clients' anew.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file");
    }

    /// What it has told.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).expect("a log")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // Not a kill: `timeout` has to pass it on.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

/// Writes what the server and its clients read.
fn furnish(directory: &Path, programs: &Path, port: u16, bin: &Path, host: &str) {
    let own = directory.display();
    let write = |name: &str, text: &str| {
        fs::write(directory.join(name), text).expect("a file");
    };
    for key in ["host_key", "client_key", "strange_key"] {
        let made = Command::new(programs.join("ssh-keygen"))
            .args(["-q", "-t", "ed25519", "-N", "", "-C", key, "-f"])
            .arg(directory.join(key))
            .stdin(Stdio::null())
            .status();
        assert!(made.expect("ssh-keygen runs").success(), "no {key}");
    }
    let read = |name: &str| fs::read_to_string(directory.join(name)).expect("a file");
    write("authorized_keys", &read("client_key.pub"));
    write(
        "known_hosts",
        &format!("[127.0.0.1]:{port} {}", read("host_key.pub")),
    );
    write(
        "passwd",
        &format!(
            "root:x:0:0:root:/root:/bin/sh\nsshd:x:110:65534::/run/sshd:/bin/false\n\
             {GUEST}:x:12345:12345::/:/bin/sh\n"
        ),
    );
    write(
        "shadow",
        &format!("root:*:1::::::\nsshd:!:1::::::\n{GUEST}:*:1::::::\n"),
    );
    write(
        "sshd_config",
        &format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {own}/host_key\nPidFile none\nUsePAM no\n\
             AuthorizedKeysFile {own}/authorized_keys\nStrictModes no\nPermitRootLogin yes\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nLogLevel VERBOSE\n\
             SetEnv PATH={}:/usr/bin:/bin DOCKER_HOST={host}\n",
            bin.display()
        ),
    );
    write(
        "ssh_config",
        &format!(
            "Host *\n  IdentityFile {own}/client_key\n  IdentitiesOnly yes\n  IdentityAgent none\n  \
             UserKnownHostsFile {own}/known_hosts\n  GlobalKnownHostsFile /dev/null\n"
        ),
    );
    fs::create_dir(directory.join("t")).expect("a directory");
    fs::create_dir(directory.join("bin")).expect("a directory");
    let ssh = programs.join("ssh");
    write(
        "bin/ssh",
        &format!(
            "#!/bin/sh\nexec {} -F {own}/ssh_config \"$@\"\n",
            ssh.display()
        ),
    );
    let mode = Permissions::from_mode(0o755);
    fs::set_permissions(directory.join("bin/ssh"), mode).expect("a mode");
}
