//! `dcb init`.

use clap::{Args, ValueEnum};

/// `dcb init`.
#[derive(Debug, Args)]
pub struct Init {
    /// Write what is proposed without asking
    #[arg(short, long, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Propose to replace scripts that do what dcb cannot know, too
    #[arg(long)]
    pub force: bool,
    /// What to propose, be it there or not [default: what is there]
    #[arg(value_enum, value_name = "WHAT")]
    pub parts: Vec<InitPart>,
}

/// What may be proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InitPart {
    /// The section of the compose file, where the project needs one
    #[value(name = "x-dcb")]
    Section,
    /// A `build.sh` that takes `--detached`, `--no-cache`, `--pull`
    #[value(name = "build.sh")]
    Shell,
    /// A `build.ps1` that takes `-Detached`, `-NoCache`, `-Pull`
    #[value(name = "build.ps1")]
    PowerShell,
    /// The targets `dev`, `build`, `build-fresh`, `help`
    #[value(name = "makefile")]
    Makefile,
    /// Scripts of `package.json` and `pyproject.toml` that build
    #[value(name = "scripts")]
    Scripts,
}
