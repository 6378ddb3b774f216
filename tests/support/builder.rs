//! A remote builder of buildx: a real BuildKit behind a socket of its own.
//!
//! It is the BuildKit inside an engine that keeps its images in containerd, which speaks BuildKit's
//! whole protocol once a connection is opened with `POST /grpc`. What connects to the socket is
//! connected to that, so buildx takes it for any `buildkitd`. Images that it builds have to be loaded
//! into the engine of the test, which is another one.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Engine, Project};

/// A BuildKit that stands alone, and buildx's knowledge of it. Both are gone when this is dropped.
pub struct Remote {
    directory: TempDir,
}

impl Remote {
    /// One that builds with the BuildKit of `engine`.
    pub fn of(engine: &Engine) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("dcb-builder-")
            .tempdir()
            .expect("a directory");
        let remote = Self { directory };
        let listener = UnixListener::bind(remote.socket()).expect("a socket");
        let target = engine.socket().to_owned();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                connect(client, &target);
            }
        });
        remote
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("buildkitd.sock")
    }

    /// Where buildx keeps its builders for this test alone.
    pub fn state(&self) -> PathBuf {
        self.directory.path().join("buildx")
    }

    /// Tells buildx of it under `name`.
    pub fn create(&self, engine: &Engine, name: &str) {
        let address = format!("unix://{}", self.socket().display());
        self.create_at(engine, name, &address);
    }

    /// Tells buildx of a remote builder at `address`, be there one or not.
    pub fn create_at(&self, engine: &Engine, name: &str, address: &str) {
        let output = engine
            .docker()
            .env("BUILDX_CONFIG", self.state())
            .args([
                "buildx", "create", "--name", name, "--driver", "remote", address,
            ])
            .output()
            .expect("buildx runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// dcb in `project` on `engine`, with these builders.
    pub fn dcb(&self, project: &Project, engine: &Engine) -> Command {
        let mut command = project.dcb_on(engine);
        command.env("BUILDX_CONFIG", self.state());
        command
    }
}

fn connect(mut client: UnixStream, target: &Path) {
    let mut engine = UnixStream::connect(target).expect("an engine");
    engine
        .write_all(b"POST /grpc HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        .expect("an open connection");
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        engine.read_exact(&mut byte).expect("an answer");
        answer.push(byte[0]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "), "it has no BuildKit");
    let mut up = client.try_clone().expect("a handle");
    let mut into = engine.try_clone().expect("a handle");
    std::thread::spawn(move || pump(&mut up, &mut into));
    std::thread::spawn(move || pump(&mut engine, &mut client));
}

/// Copies until the end, and passes the end on.
fn pump(from: &mut UnixStream, to: &mut UnixStream) {
    let _ = std::io::copy(from, to);
    let _ = to.shutdown(Shutdown::Write);
}
