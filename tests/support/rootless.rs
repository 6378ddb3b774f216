//! A rootless engine: dockerd of a user without rights, as `dockerd-rootless.sh` starts it.
//!
//! It runs in a mount namespace of its own, where `/etc/subuid` and `/etc/subgid` give `nobody` a range
//! of ids and everybody may open `/dev/net/tun`, as on any machine that is set up for rootless engines.
//! The machine's own files are neither read nor touched.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::support::{Engine, Project, script, until};

/// The user `nobody`.
pub(crate) const NOBODY: u32 = 65534;

/// What comes before dockerd in its namespace: $1 is its directory, $2 that of rootlesskit, $3 that of
/// the daemons.
const ENTER: &str = r#"
printf 'nobody:700000:65536\n' >"$1/range"
mount --bind "$1/range" /etc/subuid
mount --bind "$1/range" /etc/subgid
mknod -m 666 "$1/tun" c 10 200
mount --bind "$1/tun" /dev/net/tun
cd /
exec setpriv --reuid=nobody --regid=nogroup --clear-groups env -i HOME="$1/home" XDG_RUNTIME_DIR="$1/run" \
  PATH="$2:$3:/usr/sbin:/usr/bin:/sbin:/bin" rootlesskit --state-dir="$1/run/rootlesskit" --net=slirp4netns \
  --mtu=65520 --disable-host-loopback --port-driver=builtin --copy-up=/etc --copy-up=/run --propagation=rslave \
  sh -c 'rm -f /run/docker /run/containerd /run/xtables.lock; exec "$@"' sh \
  dockerd --rootless --storage-driver=vfs --iptables=false --data-root="$1/data" --exec-root="$1/run/docker" \
  --pidfile="$1/run/docker.pid" --host="unix://$1/run/docker.sock"
"#;

/// A rootless engine, which ends when this is dropped.
pub(crate) struct Rootless {
    child: Child,
    directory: TempDir,
    /// How it is reached.
    pub(crate) engine: Engine,
}

impl Rootless {
    /// One of the generation of `like`, with busybox in it; none where user namespaces are not allowed.
    pub(crate) fn like(like: &Engine) -> Option<Self> {
        let allowed = Command::new("setpriv")
            .args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"])
            .args(["unshare", "--user", "--map-root-user", "true"])
            .stderr(Stdio::null())
            .status();
        allowed.is_ok_and(|status| status.success()).then_some(())?;
        let programs = script(&["rootless", &like.suite])?;
        let (own, daemons) = programs.trim().split_once('\n')?;
        let directory = tempfile::Builder::new()
            .prefix("dcb-rl-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .expect("a directory");
        let path = directory.path();
        for (name, mode) in [("run", 0o700), ("data", 0o700), ("home", 0o755)] {
            let own = path.join(name);
            fs::create_dir(&own).expect("a directory");
            fs::set_permissions(&own, Permissions::from_mode(mode)).expect("a mode");
            chown(&own, Some(NOBODY), Some(NOBODY)).expect("an owner");
        }
        let log = File::create(path.join("log")).expect("a file");
        // All of it ends with its first process, and by itself if this test is killed.
        let child = Command::new("timeout")
            .args([
                "900",
                "unshare",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
            ])
            .args(["/bin/sh", "-euc", ENTER, "rootless"])
            .args([path, Path::new(own), Path::new(daemons)])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a handle"))
            .stderr(log)
            .spawn()
            .expect("it runs");
        let engine = Engine {
            host: format!("unix://{}", path.join("run/docker.sock").display()),
            suite: "own".to_owned(),
            ..like.clone()
        };
        let rootless = Self {
            child,
            directory,
            engine,
        };
        until("a rootless engine", Duration::from_secs(30), || {
            rootless.docker(&["version"])
        });
        rootless.furnish(like);
        Some(rootless)
    }

    /// Puts busybox into it.
    fn furnish(&self, like: &Engine) {
        let tar = self.directory.path().join("busybox.tar");
        let tar = tar.to_str().expect("a name");
        let project = Project::new("rootless");
        let mut save = project.other_on(like, "docker");
        let saved = save.args(["save", "--output", tar, "busybox"]).status();
        assert!(saved.expect("it runs").success());
        assert!(self.docker(&["load", "--input", tar]), "{}", self.log());
    }

    fn docker(&self, arguments: &[&str]) -> bool {
        let mut docker = Command::new(self.engine.bin.join("docker"));
        let docker = docker.args(["--host", &self.engine.host]).args(arguments);
        let status = docker.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Rootless {
    fn drop(&mut self) {
        // `timeout` passes it on to `unshare`, whose end is that of the whole namespace.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}
