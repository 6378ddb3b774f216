//! The library behind the `dcb` binary. Modules are layered as `tests/layers.rs` asserts: a module
//! names only modules of rows above it.

#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::panic,
        clippy::print_stderr,
        clippy::print_stdout,
        clippy::unwrap_used
    )
)]

pub mod ambient;
pub mod app;
pub mod cache;
pub mod cli;
pub mod compose;
pub mod context;
pub mod diagnostic;
pub mod docker;
pub mod dockerfile;
pub mod doctor;
pub mod event;
pub mod failure;
pub mod human;
pub mod init;
pub mod journal;
pub mod pipeline;
pub mod plan;
pub mod process;
pub mod progress;
pub mod report;
pub mod run;
pub mod secret;
pub mod settings;
