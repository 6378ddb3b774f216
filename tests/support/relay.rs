//! A relay between dcb and an engine that keeps what dcb sends.
//!
//! Nothing on these connections is encrypted or compressed, so a file that was transferred is there
//! to be found by what it contains.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::Engine;

/// A socket that leads to an engine. It is gone when this is dropped.
pub struct Relay {
    directory: TempDir,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Relay {
    /// A relay to `engine`.
    pub fn to(engine: &Engine) -> Self {
        let relay = Self {
            directory: tempfile::Builder::new()
                .prefix("dcb-relay-")
                .tempdir()
                .expect("a directory"),
            sent: Arc::default(),
        };
        let listener = UnixListener::bind(relay.socket()).expect("a socket");
        let (target, sent) = (engine.socket().to_owned(), Arc::clone(&relay.sent));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                connect(client, &target, &sent);
            }
        });
        relay
    }

    /// The same engine, reached through this relay.
    pub fn engine(&self, engine: &Engine) -> Engine {
        Engine {
            host: format!("unix://{}", self.socket().display()),
            ..engine.clone()
        }
    }

    /// What was sent to the engine since this was asked last.
    pub fn sent(&self) -> Vec<u8> {
        std::mem::take(&mut self.sent.lock().expect("no panic"))
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("docker.sock")
    }
}

fn connect(client: UnixStream, target: &Path, sent: &Arc<Mutex<Vec<u8>>>) {
    let engine = UnixStream::connect(target).expect("an engine");
    let (up, down) = (client.try_clone(), engine.try_clone());
    let (mut up, mut down) = (up.expect("a handle"), down.expect("a handle"));
    let (mut client, mut engine) = (client, engine);
    let sent = Arc::clone(sent);
    std::thread::spawn(move || {
        pump(&mut up, &mut engine, |bytes| {
            sent.lock().expect("no panic").extend_from_slice(bytes);
        });
    });
    std::thread::spawn(move || pump(&mut down, &mut client, |_| {}));
}

/// Copies until the end, and passes the end on.
fn pump(from: &mut UnixStream, to: &mut UnixStream, mut note: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        note(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
