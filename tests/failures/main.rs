//! Every class of failure that this machine can provoke, on every engine: class, exit code, the place
//! in the file, and what mends it.
//!
//! What is wrong before a build begins (flags, compose files, addresses of engines) is in `errors`.

#![allow(unreachable_pub, reason = "this crate has no other side")]

mod builds;
mod classes;
mod engines;
mod registries;
#[path = "../support/mod.rs"]
mod support;

use support::{Engine, Project};

const SIMPLE: &str = "services:\n  web:\n    build: .\n";

/// A project of one service with this Dockerfile.
fn simple(project: Project, dockerfile: &str) -> Project {
    project
        .file("compose.yaml", SIMPLE)
        .file("Dockerfile", dockerfile)
}

/// What a failing build shows after the lines of its steps, and its exit code.
#[track_caller]
fn failing(engine: &Engine, project: &Project, arguments: &[&str]) -> String {
    let ran = project.run(engine, arguments);
    let told = ran.told();
    let (_, end) = told
        .split_once("\nweb:\n")
        .unwrap_or_else(|| panic!("no failure:\n{told}"));
    format!("exit code {}\n{end}", ran.code.unwrap_or_default())
}

/// `told` must hold each of `words`.
#[track_caller]
fn tells(told: &str, words: &[&str]) {
    for words in words {
        assert!(told.contains(words), "it does not tell `{words}`:\n{told}");
    }
}
