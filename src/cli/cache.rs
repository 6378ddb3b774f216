//! `dcb cache`: what a project keeps from build to build.

use clap::{ArgGroup, Args, Subcommand};

/// `dcb cache`.
#[derive(Debug, Args)]
pub struct Cache {
    /// What to do [default: show what there is]
    #[command(subcommand)]
    pub verb: Option<CacheVerb>,
    /// Print JSON; docs/caches.md describes it
    #[arg(long, global = true)]
    pub json: bool,
}

/// What is done with caches.
#[derive(Debug, Subcommand)]
pub enum CacheVerb {
    /// Remove what takes room: layers without an image, files that were transferred
    Prune(PruneCache),
    /// Remove all that services have, so that their next build begins anew
    Clear(ClearCache),
}

/// `dcb cache prune`.
#[derive(Debug, Args)]
pub struct PruneCache {
    /// Only what belongs to these services [default: to any of the project]
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
    /// Only what no build has used for so long: `90m`, `24h`, `7d`
    #[arg(long, value_name = "AGE")]
    pub older: Option<String>,
    /// Only until no more than this is left, the least recently used first: `500MB`, `10GB`
    #[arg(long, value_name = "SIZE")]
    pub keep: Option<String>,
    /// Cache mounts too
    #[arg(long)]
    pub mounts: bool,
    /// Among them those that other projects may use as well
    #[arg(long, requires = "mounts")]
    pub shared: bool,
    /// Of all projects of this engine, and of whoever else built on it
    #[arg(long, conflicts_with = "services")]
    pub all_projects: bool,
    /// How it is done.
    #[command(flatten)]
    pub sweep: SweepFlags,
}

/// `dcb cache clear`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("whose").args(["services", "all"]).required(true)))]
pub struct ClearCache {
    /// The services
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
    /// All services of the project
    #[arg(long)]
    pub all: bool,
    /// Cache mounts too that other projects may use as well
    #[arg(long)]
    pub shared: bool,
    /// How it is done.
    #[command(flatten)]
    pub sweep: SweepFlags,
}

/// How something is removed.
#[derive(Debug, Clone, Copy, Args)]
pub struct SweepFlags {
    /// Do not ask
    #[arg(short = 'y', long)]
    pub yes: bool,
    /// Show what would be removed, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}
