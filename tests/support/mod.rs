//! What integration tests share: the engines to test on, hermetic projects, and dcb as a user runs
//! it.
//!
//! ```text
//! on_every_engine ──> Engine, Project ──> Project::run ──> Ran: everything the user saw, as one text
//! ```
//!
//! A project has a name that no other run of any test has, so tests go on side by side, on engines
//! that others use too. When it is dropped, what carries its name is removed from its engines.
//!
//! [`engines`] are those with BuildKit; [`podman`] is apart, for its builds are others.
//!
//! Engines come from the file that `DCB_TEST_ENGINES` names (`tests/run` writes it), else from
//! `tests/engines/engines list all`, else from the engine that `DOCKER_HOST` or the default socket
//! gives. A test that finds none fails and says how to get one.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "every test takes in all of it and uses a part"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests read the environment they are given"
)]

pub mod builder;
mod command;
mod engine;
pub mod grid;
pub mod layout;
mod private;
mod project;
pub mod registry;
pub mod relay;
pub mod serve;
pub mod told;

use std::net::TcpListener;
use std::time::{Duration, Instant};

pub use command::{Ran, Running};
pub use engine::{Engine, all_engines, containerd_store, engines, newest, podman, script};
pub use private::PrivateEngine;
pub use project::{Project, copy};

/// A port that nobody listened on just now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Runs `test` on all engines side by side, each with a fresh project called after `name`. A
/// failure names its engine: the thread carries its version and suite.
pub fn on_every_engine(name: &str, test: impl Fn(&Engine, Project) + Sync) {
    on_engines(&engines(), name, test);
}

/// The same on some engines only.
pub fn on_engines(engines: &[Engine], name: &str, test: impl Fn(&Engine, Project) + Sync) {
    let test = &test;
    let failed: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = engines
            .iter()
            .map(|engine| {
                let title = format!("{} ({})", engine.version, engine.suite);
                let thread = std::thread::Builder::new()
                    .name(format!("{name} on engine {title}"))
                    .spawn_scoped(scope, || test(engine, Project::new(name)))
                    .expect("a thread");
                (title, thread)
            })
            .collect();
        running
            .into_iter()
            .filter_map(|(title, thread)| thread.join().is_err().then_some(title))
            .collect()
    });
    assert!(
        failed.is_empty(),
        "`{name}` fails on engine {}",
        failed.join(" and ")
    );
}

/// Runs `test` on all `cases` at once, for what waits more than it works.
pub fn side_by_side<T: Send>(cases: impl IntoIterator<Item = T>, test: impl Fn(T) + Sync) {
    let test = &test;
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || test(case));
        }
    });
}

/// Waits until `reached`, at most for `limit`.
pub fn until(what: &str, limit: Duration, mut reached: impl FnMut() -> bool) {
    let began = Instant::now();
    while !reached() {
        assert!(began.elapsed() < limit, "waited {limit:?} for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
