//! `dcb doctor`.

use clap::{Args, ValueEnum};

/// `dcb doctor`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are flags")]
pub struct Doctor {
    /// How to print it [default: text]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<DoctorFormat>,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Run only these checks or groups of checks, such as `engine,NET-01`
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Leave these checks or groups of checks out
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    pub skip: Vec<String>,
    /// Fail where there is a warning, too
    #[arg(long)]
    pub strict: bool,
    /// Mend what can be mended safely: show exactly what changes, ask, do it, and look again
    #[arg(long, conflicts_with_all = ["format", "json"])]
    pub fix: bool,
    /// Do not ask
    #[arg(short, long, requires = "fix")]
    pub yes: bool,
    /// Show what would be changed, and change nothing
    #[arg(long, requires = "fix", conflicts_with = "yes")]
    pub dry_run: bool,
    /// Also have the frontend check the Dockerfiles, and try every builder with a small image
    #[arg(long)]
    pub deep: bool,
    /// Explain the checks named, or all of them, and look at nothing
    #[arg(long)]
    pub explain: bool,
    /// Checks to explain
    #[arg(value_name = "CHECK", requires = "explain")]
    pub checks: Vec<String>,
}

impl Doctor {
    /// How to print it.
    pub fn format(&self) -> DoctorFormat {
        match self.format {
            Some(format) => format,
            None if self.json => DoctorFormat::Json,
            None => DoctorFormat::Text,
        }
    }
}

/// How a diagnosis is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DoctorFormat {
    /// For people
    Text,
    /// For programs; docs/doctor.md describes it
    Json,
    /// For bug reports, with nothing secret in it
    Markdown,
}
