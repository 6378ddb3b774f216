//! What was typed, and nothing else: flags and arguments as clap reads them.
//!
//! Flags that Compose has too mean here what they mean there. A definition may not do anything;
//! what a value means on this machine is `settings`' to say.

mod builder;
mod cache;
mod ci;
mod config;
mod doctor;
mod history;
mod init;
mod timeline;
mod up;
mod workflow;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use builder::{Builder, BuilderVerb, CreateBuilder, OldBuilder};
pub use cache::{Cache, CacheVerb, ClearCache, PruneCache, SweepFlags};
pub use ci::{Ci, Server};
pub use config::{ComposeConfig, Config, ConfigFormat, Env, ShellKind};
pub use doctor::{Doctor, DoctorFormat};
pub use history::{History, HistoryVerb};
pub use init::{Init, InitPart};
pub use timeline::{Timeline, TimelineFormat};
pub use up::{ComposeUp, Up};
pub use workflow::{Clean, Dev, Fresh, Rebuild, Reset, Verify};

/// Builds and starts Docker Compose projects on any Docker, through the engine's own BuildKit.
#[derive(Debug, Parser)]
#[command(
    name = "dcb",
    version,
    propagate_version = false,
    disable_help_subcommand = true,
    after_help = "Every other verb (ps, logs, exec, down, run, ...) goes to Docker Compose with the same project."
)]
pub struct Cli {
    /// Which project.
    #[command(flatten)]
    pub project: ProjectFlags,
    /// How much is told.
    #[command(flatten)]
    pub output: OutputFlags,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Flags that choose the project; Compose has the same.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Project")]
pub struct ProjectFlags {
    /// Compose file; repeat it to merge several, `-` reads standard input
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub files: Vec<String>,
    /// Project name
    #[arg(short = 'p', long = "project-name", value_name = "NAME")]
    pub name: Option<String>,
    /// Directory that relative paths start from [default: that of the first file]
    #[arg(long, value_name = "DIR")]
    pub project_directory: Option<PathBuf>,
    /// File with variables, instead of `.env`; repeatable
    #[arg(long = "env-file", value_name = "FILE")]
    pub env_files: Vec<PathBuf>,
    /// Profile to switch on; repeatable
    #[arg(long = "profile", value_name = "NAME")]
    pub profiles: Vec<String>,
    /// How many things are done side by side, as Compose has it; -1 is no limit
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub parallel: Option<i64>,
    /// Name images and containers as Compose v1 did (`project_service`)
    #[arg(long)]
    pub compatibility: bool,
}

/// Flags that choose what is printed.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputFlags {
    /// Show what is run, and the log of every step
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// How progress is shown [default: `tty` on a terminal, else `plain`]
    #[arg(long, global = true, value_enum, value_name = "KIND")]
    pub progress: Option<ProgressKind>,
}

/// How progress is shown; Compose has the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressKind {
    /// A picture on a terminal, else lines
    Auto,
    /// A picture of the run
    Tty,
    /// Lines
    Plain,
    /// One event as JSON in each line, on standard output; docs/events.md describes them
    #[value(alias = "rawjson")]
    Json,
    /// Errors only
    Quiet,
}

impl ProgressKind {
    /// The kind of this name, as the flag takes it.
    pub fn of(name: &str) -> Option<Self> {
        Self::from_str(name, true).ok()
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Build the images of the project, or of the services named
    Build(Build),
    /// Build what has changed, then start the services through Docker Compose
    Up(Box<Up>),
    /// Build what has changed and start it in the background: `dcb up --detach`
    Dev(Box<Dev>),
    /// Build everything anew, with nothing from the cache: `dcb build --no-cache`. Nothing is started
    ///
    /// Cache mounts are emptied too; `--no-cache=layers` keeps what is in them. `--pull` looks up base
    /// images as well.
    Fresh(Fresh),
    /// Build everything anew; then, when that worked, take down what runs and start it
    ///
    /// A build that fails leaves what runs alone. Volumes stay. With services named, only these are
    /// taken down.
    Rebuild(Box<Rebuild>),
    /// Build everything anew, then remove what the project has, volumes included, and start it
    ///
    /// Shows first what goes (containers, networks, volumes with all that is in them, images) and asks.
    /// A build that fails leaves all of it alone. Other projects are not touched.
    Reset(Reset),
    /// Remove what the project has: containers, networks and the images that were built for it
    ///
    /// Shows first what goes, and asks. Volumes stay unless `--volumes` is said, and images that were
    /// pulled stay. Caches stay too (`dcb cache clear --all`), and so do the runs that `dcb history`
    /// tells of, and builders (`dcb builder rm`).
    Clean(Clean),
    /// Start the services that do not run, check that they all work, and take those down again
    ///
    /// A service is checked as `x-dcb.verify` says: by a command in it, or by an address that must
    /// answer. Without that it must become healthy, and without a health check keep running.
    Verify(Verify),
    /// Show what would be built, how, and why
    Plan(Plan),
    /// Show the project as it is in the end, and where its values come from
    Config(Config),
    /// Show where a variable gets its value, and what it overrode; or what to set for Compose
    Env(Env),
    /// Tell whether this machine is ready to build the project, and what mends it where not
    Doctor(Doctor),
    /// Show, create, reset and remove builders of the project's own (docs/builders.md)
    Builder(Builder),
    /// Show what the project keeps from build to build, and remove it (docs/caches.md)
    Cache(Cache),
    /// Show the runs of this project: what they did, their logs, and what became slower
    History(History),
    /// Show a run as a picture in time: where it was slow, what lost its cache, what waited for what
    Timeline(Timeline),
    /// Propose what a repository needs so that everyone builds with dcb: `build.sh`, `build.ps1`,
    /// targets of make, and `x-dcb` where there is something to say (docs/init.md)
    Init(Init),
    /// Print a pipeline that builds this project on a build server (docs/ci.md)
    Ci(Ci),
    /// Any other verb, with its arguments: Docker Compose runs it.
    #[command(external_subcommand)]
    Compose(Vec<OsString>),
}

/// `dcb build`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are flags")]
pub struct Build {
    /// How to build.
    #[command(flatten)]
    pub flags: BuildFlags,
    /// Look up base images in their registry, even those that are here
    #[arg(long)]
    pub pull: bool,
    /// Write the result there instead of into the engine: `DIR`, `type=tar,dest=FILE`, `-` for an
    /// archive on standard output; `oci` and `docker` are images in a file
    #[arg(short, long, value_name = "DEST", conflicts_with = "push")]
    pub output: Option<String>,
    /// Push the images of services that have an `image:`, under it and all `tags:`
    #[arg(long)]
    pub push: bool,
    /// Check the Dockerfiles and build nothing: what BuildKit advises against, with its place; exit
    /// code 1 when there is any
    #[arg(long, conflicts_with_all = ["push", "output", "dry_run"])]
    pub check: bool,
    /// How `--check` prints what it finds
    #[arg(long, value_enum, default_value_t, requires = "check")]
    pub format: CheckFormat,
    /// Accepted because Compose v1 had it: services always build side by side
    #[arg(long)]
    pub parallel: bool,
    /// Show the plan and build nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print errors only
    #[arg(short, long)]
    pub quiet: bool,
    /// Services to build [default: all that have a `build:` section]
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
}

/// Flags that `build`, `up` and `plan` share.
#[derive(Debug, Clone, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are flags")]
pub struct BuildFlags {
    /// Run every step again. Alone it also empties the cache mounts in use, as Docker has it; `layers`
    /// keeps what is in them; `SERVICE` and `SERVICE:STAGE` are for these only; repeatable
    #[arg(
        long,
        value_name = "WHAT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "all",
        value_delimiter = ','
    )]
    pub no_cache: Vec<String>,
    /// Set a build argument of every service; without `=VALUE` from the environment
    #[arg(long = "build-arg", value_name = "NAME[=VALUE]")]
    pub build_args: Vec<String>,
    /// Give every service that is built a secret: `id=NAME,src=FILE`, `id=NAME,env=VARIABLE`, or
    /// `id=NAME` for the variable or file of that name; repeatable
    #[arg(long = "secret", value_name = "SECRET")]
    pub secrets: Vec<String>,
    /// Forward an SSH agent to every service that is built: `default`, `NAME=SOCKET`, or
    /// `NAME=KEY[,KEY]`; repeatable
    #[arg(long = "ssh", value_name = "SSH")]
    pub ssh: Vec<String>,
    /// How many services build side by side [default: from processors and memory]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: Option<u32>,
    /// Stop everything at the first failure
    #[arg(long, conflicts_with = "keep_going")]
    pub fail_fast: bool,
    /// Build what does not depend on a failure (the default)
    #[arg(long)]
    pub keep_going: bool,
    /// Which form of compose files and Dockerfiles: `auto`, `test`, `test-local`, or another marker
    /// in their names
    #[arg(long, value_name = "NAME", help_heading = "Builder")]
    pub variant: Option<String>,
    /// Build with this builder of buildx and no other (`docker buildx ls`)
    #[arg(long, value_name = "NAME", help_heading = "Builder")]
    pub builder: Option<String>,
    /// Use the classic builder and traditional Dockerfiles
    #[arg(long, conflicts_with_all = ["force_buildkit", "builder"], help_heading = "Builder")]
    pub force_traditional: bool,
    /// Use BuildKit or fail
    #[arg(long, help_heading = "Builder")]
    pub force_buildkit: bool,
    /// When the builder itself stands in the way: take another way, ask, or fail
    #[arg(long, value_enum, value_name = "WHEN", help_heading = "Builder")]
    pub fallback: Option<WhenToFallBack>,
    /// Never take another way than planned
    #[arg(long, conflicts_with = "fallback", help_heading = "Builder")]
    pub no_fallback: bool,
}

/// When another way than planned is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WhenToFallBack {
    /// Whenever the builder is to blame, and say so
    Auto,
    /// When the user agrees
    Ask,
    /// Never
    Never,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For people
    #[default]
    Text,
    /// For programs; docs/check.md describes it
    Json,
}

/// `dcb plan`.
#[derive(Debug, Args)]
pub struct Plan {
    /// How to build.
    #[command(flatten)]
    pub flags: BuildFlags,
    /// Look up base images in their registry, even those that are here
    #[arg(long)]
    pub pull: bool,
    /// Plan to push the images too
    #[arg(long)]
    pub push: bool,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    pub format: PlanFormat,
    /// Services to plan for [default: all that have a `build:` section]
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
}

/// How a plan is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// For people
    #[default]
    Text,
    /// For programs; docs/plan.md describes it
    Json,
}

impl Cli {
    /// Reads a command line, the program's name first.
    ///
    /// # Errors
    /// What clap has to tell: a mistake, the help text, or the version.
    pub fn read(arguments: &[OsString]) -> Result<Self, clap::Error> {
        Self::try_parse_from(up::join_pull_policy(arguments))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn read(line: &str) -> Cli {
        let words: Vec<OsString> = line.split(' ').map(Into::into).collect();
        Cli::read(&words).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn another_verb_keeps_its_arguments_untouched() {
        let cli = read("dcb -p shop exec -T web sh -c ls --no-cache");
        let Verb::Compose(words) = cli.verb else {
            panic!("not handed over")
        };
        assert_eq!(words, ["exec", "-T", "web", "sh", "-c", "ls", "--no-cache"]);
        assert_eq!(cli.project.name.as_deref(), Some("shop"));
    }

    #[test]
    fn detach_has_three_spellings() {
        for flag in ["-d", "--detach", "--detached"] {
            let Verb::Up(up) = read(&format!("dcb up {flag} web")).verb else {
                panic!("not up")
            };
            assert!(up.compose.detach, "{flag}");
            assert_eq!(up.services, ["web"]);
        }
    }

    #[test]
    fn pull_takes_a_policy_when_one_follows_and_a_service_is_left_alone() {
        let policy = |line: &str| {
            let Verb::Up(up) = read(line).verb else {
                panic!("not up")
            };
            (up.pull, up.services)
        };
        assert_eq!(policy("dcb up web"), (None, vec!["web".into()]));
        assert_eq!(
            policy("dcb up --pull web"),
            (Some("always".into()), vec!["web".into()])
        );
        assert_eq!(
            policy("dcb up --pull missing web"),
            (Some("missing".into()), vec!["web".into()])
        );
    }
}
