//! `dcb builder`: builders of the project's own.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `dcb builder`.
#[derive(Debug, Args)]
pub struct Builder {
    /// What to do.
    #[command(subcommand)]
    pub verb: BuilderVerb,
}

/// What is done with builders.
#[derive(Debug, Subcommand)]
pub enum BuilderVerb {
    /// Show the builders that buildx knows here, and which one dcb builds with
    Ls,
    /// Create a builder of this project's own: `dcb-PROJECT`
    Create(CreateBuilder),
    /// Create a builder of dcb's again, with what it was created with: its cache goes
    Reset(OldBuilder),
    /// Remove a builder of dcb's, and its cache
    Rm(OldBuilder),
}

/// `dcb builder create`.
#[derive(Debug, Args)]
pub struct CreateBuilder {
    /// Its name, which begins with `dcb-` [default: dcb-PROJECT]
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// What it builds with: `docker-container`, `remote` or `kubernetes`
    #[arg(long, default_value = "docker-container", value_name = "DRIVER")]
    pub driver: String,
    /// Option of the driver; repeatable
    #[arg(long = "driver-opt", value_name = "KEY=VALUE")]
    pub driver_options: Vec<String>,
    /// Configuration of its BuildKit: a `buildkitd.toml`
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where it is: a docker context, or for `remote` the address of its BuildKit
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Platforms that it is to build for, whatever it says itself; repeatable
    #[arg(long = "platform", value_name = "PLATFORM")]
    pub platforms: Vec<String>,
    /// Start it at once
    #[arg(long)]
    pub bootstrap: bool,
    /// Show what would be run, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `dcb builder reset` and `dcb builder rm`.
#[derive(Debug, Args)]
pub struct OldBuilder {
    /// Its name, which begins with `dcb-` [default: dcb-PROJECT]
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// Do not ask
    #[arg(short = 'y', long)]
    pub yes: bool,
    /// Show what would be run, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}
