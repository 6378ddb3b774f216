//! What was typed, and nothing else: flags and arguments as clap reads them.
//!
//! Flags that Compose has too mean here what they mean there. A definition may not do anything;
//! what a value means on this machine is `settings`' to say.

mod builder;
mod cache;
mod ci;
mod completion;
mod config;
mod doctor;
pub mod examples;
pub mod help;
mod history;
mod init;
pub mod plugin;
mod timeline;
mod up;
mod workflow;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, FromArgMatches, Parser, Subcommand, ValueEnum, ValueHint};

pub use builder::{Builder, BuilderVerb, CreateBuilder, OldBuilder};
pub use cache::{Cache, CacheVerb, ClearCache, PruneCache, SweepFlags};
pub use ci::{Ci, Server};
pub use completion::{Completion, CompletionShell};
pub use config::{ComposeConfig, Config, ConfigFormat, Env, ShellKind};
pub use doctor::{Doctor, DoctorFormat};
pub use help::Help;
pub use history::{History, HistoryVerb};
pub use init::{Init, InitPart};
pub use timeline::{Timeline, TimelineFormat};
pub use up::{ComposeUp, Up};
pub use workflow::{Clean, Dev, Fresh, Rebuild, Reset, Verify};

/// Builds and starts Docker Compose projects on any Docker
///
/// The images are built through the BuildKit inside the engine, without buildx and without the docker
/// CLI; then Docker Compose starts the services. Every verb that is not among these goes to Docker
/// Compose with the same project.
#[derive(Debug, Parser)]
#[command(
    name = "dcb",
    version,
    propagate_version = false,
    disable_help_subcommand = true
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
    /// Compose file, `-` for stdin; repeatable
    #[arg(short = 'f', long = "file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files: Vec<String>,
    /// Project name
    #[arg(short = 'p', long = "project-name", value_name = "NAME")]
    pub name: Option<String>,
    /// Where relative paths start
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub project_directory: Option<PathBuf>,
    /// Variables, instead of `.env`; repeatable
    #[arg(long = "env-file", value_name = "FILE")]
    pub env_files: Vec<PathBuf>,
    /// Profile to switch on; repeatable
    #[arg(long = "profile", value_name = "NAME")]
    pub profiles: Vec<String>,
    /// How much goes on side by side; -1 is no limit
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub parallel: Option<i64>,
    /// Names as Compose v1 has: `project_service`
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
    /// How progress is shown: auto, tty, plain, json, quiet
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "KIND",
        hide_possible_values = true
    )]
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
    /// Build what changed, then start the services through Compose
    Up(Box<Up>),
    /// Build what changed and start it in the background
    Dev(Box<Dev>),
    /// Build everything anew, with nothing from the cache
    ///
    /// It is `dcb build --no-cache`: nothing is started.
    /// Cache mounts are emptied too; `--no-cache=layers` keeps what is in them. `--pull` looks up base
    /// images as well.
    Fresh(Fresh),
    /// Build everything anew, then start it in place of what runs
    ///
    /// A build that fails leaves what runs alone. Volumes stay. With services named, only these are
    /// taken down.
    Rebuild(Box<Rebuild>),
    /// Build everything anew, then start it with empty volumes
    ///
    /// Removes what the project had, and shows first what goes (containers, networks, volumes with all
    /// that is in them, images, build cache) and asks.
    /// A build that fails leaves all of it alone. Other projects are not touched.
    Reset(Reset),
    /// Remove what the project has on the engine
    ///
    /// Containers, networks, built images and the build cache: shows first what goes, and asks. Volumes
    /// stay unless `--volumes` is said, and images that were pulled stay. So do the runs that
    /// `dcb history` tells of, builders (`dcb builder rm`), and of the build cache what others may use.
    Clean(Clean),
    /// Build, start, check that it works, take it down again
    ///
    /// What runs already is checked as it runs, and goes on.
    /// A service is checked as `x-dcb.verify` says: by a command in it, or by an address that must
    /// answer. Without that it must become healthy, and without a health check keep running.
    Verify(Verify),
    /// Show what would be built, how, and why
    Plan(Plan),
    /// Show the project as it is in the end, and what set each value
    Config(Config),
    /// Show where a variable gets its value, and what it overrode
    ///
    /// With `--shell` it prints the variables with which Docker Compose builds here as dcb does.
    Env(Env),
    /// Tell whether this machine is ready, and mend what is not
    ///
    /// It looks at everything that building the project takes: the engine, programs, files, disk and
    /// registries. For what is wrong it tells what mends it; `--fix` does what is safe.
    Doctor(Doctor),
    /// Show, create, reset and remove builders of the project's own
    ///
    /// They are beside the engine's own builder, with caches of their own (docs/builders.md).
    Builder(Builder),
    /// Show what the project keeps from build to build, and remove it
    ///
    /// docs/caches.md tells what that is.
    Cache(Cache),
    /// Show past runs: what they did, and what became slower
    History(History),
    /// Write a run as a picture in time
    ///
    /// It shows where the run was slow, what lost its cache, and what waited for what.
    Timeline(Timeline),
    /// Print a script that completes dcb's command line
    ///
    /// It completes services, profiles, builders, checks and runs besides verbs and flags. Compose's
    /// own verbs are completed too.
    Completion(Completion),
    /// Explain a verb, with examples
    Help(Help),
    /// Propose what a repository needs so that all build with dcb
    ///
    /// Scripts `build.sh` and `build.ps1`, targets of make, and `x-dcb` where there is something to say
    /// (docs/init.md).
    Init(Init),
    /// Print a pipeline that builds this project on a build server
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
        let mut command = help::command(name(arguments));
        let matches = command.try_get_matches_from_mut(up::join_pull_policy(arguments))?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }
}

/// What a user types to run this program, which `arguments` begin with.
pub fn name(arguments: &[OsString]) -> &'static str {
    match arguments.first() {
        Some(program) if plugin::is_plugin(program) => "docker dcb",
        _ => "dcb",
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
