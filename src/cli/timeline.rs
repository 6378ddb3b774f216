//! `dcb timeline`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `dcb timeline`.
#[derive(Debug, Args)]
pub struct Timeline {
    /// The run's number, as `dcb history` has it [default: the newest]
    #[arg(value_name = "RUN", conflicts_with = "from")]
    pub run: Option<u64>,
    /// File with the events of a run, as `--progress json` prints them; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// File to write, `-` for standard output [default: `dcb-timeline.html`, `dcb-timeline.json`]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// What to write
    #[arg(long, value_enum, default_value_t)]
    pub format: TimelineFormat,
}

/// What a timeline is written as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum TimelineFormat {
    /// A page for a browser, one file that needs no other
    #[default]
    Html,
    /// A trace for Perfetto, also for Chrome's own viewer
    Trace,
}
