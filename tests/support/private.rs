//! Engines of a test's own.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use super::engine::{Engine, PRIVATE, SUITES, parse, script};

/// An engine of its own for a test that stops, kills or freezes it.
pub struct PrivateEngine {
    engine: Engine,
    name: String,
    /// The suite that it is made of.
    like: String,
}

impl PrivateEngine {
    /// Starts one of the generation of `like`; none when the script did not start `like`.
    pub fn like(like: &Engine) -> Option<Self> {
        Self::with(like, &[])
    }

    /// The same with more flags for its daemon.
    pub fn with(like: &Engine, flags: &[&str]) -> Option<Self> {
        Self::new(&[], like, flags)
    }

    /// The same with all that it writes on a disk of its own of `size`, such as `96m`, which a
    /// build can fill.
    pub fn with_disk(like: &Engine, size: &str) -> Option<Self> {
        Self::new(&["--disk", size], like, &[])
    }

    fn new(options: &[&str], like: &Engine, flags: &[&str]) -> Option<Self> {
        if !SUITES.contains(&like.suite.as_str()) {
            return None;
        }
        let name = format!("t{}", unique());
        let arguments = [&["new"], options, &[&like.suite, &name], flags].concat();
        let line = script(&arguments).unwrap_or_else(|| panic!("no private engine: {arguments:?}"));
        let mut engine = parse(line.trim_end());
        PRIVATE.clone_into(&mut engine.suite);
        let like = like.suite.clone();
        Some(Self { engine, name, like })
    }

    /// Starts it again after its daemon is gone, with what it had.
    pub fn restart(&self) {
        let arguments = ["new", &self.like, &self.name];
        script(&arguments).unwrap_or_else(|| panic!("it does not start: {arguments:?}"));
    }

    /// Sends a signal to its daemon.
    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.pid(), signal).expect("a signal");
    }

    /// Where its configuration, its data and its process ids are.
    pub fn directory(&self) -> &Path {
        self.engine.socket().parent().expect("a directory")
    }

    /// The process of its daemon.
    pub fn pid(&self) -> rustix::process::Pid {
        let text = ["dockerd", "podman"]
            .iter()
            .find_map(|daemon| {
                let file = self.directory().join(format!("run/{daemon}.pid"));
                std::fs::read_to_string(file).ok()
            })
            .expect("a running daemon");
        let pid = text
            .trim()
            .parse()
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        pid.expect("a process id")
    }
}

impl std::ops::Deref for PrivateEngine {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl Drop for PrivateEngine {
    fn drop(&mut self) {
        let _ = script(&["rm", &self.name]);
    }
}

/// Eight characters that no other test of this machine has now.
pub fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{:05x}{next:03x}", std::process::id())
}
