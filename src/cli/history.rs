//! `dcb history`.

use clap::{Args, Subcommand};

use super::PlanFormat;

/// `dcb history`.
#[derive(Debug, Args)]
pub struct History {
    /// What of it [default: the list of runs]
    #[command(subcommand)]
    pub what: Option<HistoryVerb>,
    /// How to print it
    #[arg(long, value_enum, default_value_t, global = true)]
    pub format: PlanFormat,
}

/// What to show of a project's runs.
#[derive(Debug, Subcommand)]
pub enum HistoryVerb {
    /// The runs that are kept, and what is slower than usual
    List,
    /// One run: its steps, and how it ended
    Show {
        /// Its number [default: the newest]
        #[arg(value_name = "RUN")]
        run: Option<u64>,
    },
    /// The log of a run, or of one service, or of one step
    Log {
        /// The service [default: all, as the run told it]
        #[arg(value_name = "SERVICE")]
        service: Option<String>,
        /// A part of the step's name, such as `2/3` or `npm ci`
        #[arg(value_name = "STEP")]
        step: Option<String>,
        /// The run's number [default: the newest]
        #[arg(long, value_name = "RUN")]
        run: Option<u64>,
    },
    /// What became slower from one run to another, and what lost its cache
    Compare {
        /// The earlier run
        #[arg(value_name = "RUN")]
        first: u64,
        /// The later run [default: the newest]
        #[arg(value_name = "RUN")]
        second: Option<u64>,
    },
}
