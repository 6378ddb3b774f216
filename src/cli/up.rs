//! `dcb up`: its own flags, and those that go on to Compose.

use std::ffi::OsString;

use clap::Args;

use super::BuildFlags;

/// `dcb up`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are flags")]
pub struct Up {
    /// Build before starting (the default; accepted because Compose has it)
    #[arg(long, conflicts_with = "no_build")]
    pub build: bool,
    /// Start what is there, build nothing
    #[arg(long)]
    pub no_build: bool,
    /// How to build.
    #[command(flatten)]
    pub flags: BuildFlags,
    /// Look up base images and the images of services that do not build in their registry; a
    /// policy other than `always` is Compose's alone
    #[arg(
        long,
        value_name = "POLICY",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "always",
        value_parser = PULL_POLICIES
    )]
    pub pull: Option<String>,
    /// Print errors only while building
    #[arg(long)]
    pub quiet_build: bool,
    /// Show the plan and what would be run, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// What goes on to Compose.
    #[command(flatten)]
    pub compose: ComposeUp,
    /// Services to build and start [default: all]
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
}

/// The policies that `--pull` takes.
const PULL_POLICIES: [&str; 5] = ["always", "missing", "never", "build", "policy"];

impl Up {
    /// Whether images are looked up in their registry even if they are here.
    pub fn pulls(&self) -> bool {
        self.pull.as_deref() == Some("always")
    }

    /// Whether what the services depend on is left alone.
    pub fn leaves_dependencies(&self) -> bool {
        self.compose.no_deps
    }
}

/// Flags of `docker compose up` that are Compose's alone.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Handed to Docker Compose")]
#[expect(clippy::struct_excessive_bools, reason = "they are Compose's flags")]
pub struct ComposeUp {
    /// Start in the background
    #[arg(short = 'd', long, visible_alias = "detached")]
    pub detach: bool,
    /// Recreate containers even if nothing changed
    #[arg(long)]
    force_recreate: bool,
    /// Keep containers that exist
    #[arg(long)]
    no_recreate: bool,
    /// Recreate the containers of dependencies too
    #[arg(long)]
    always_recreate_deps: bool,
    /// Renew anonymous volumes
    #[arg(short = 'V', long)]
    renew_anon_volumes: bool,
    /// Remove containers of services that are gone
    #[arg(long)]
    remove_orphans: bool,
    /// Create without starting
    #[arg(long)]
    no_start: bool,
    /// Leave dependencies alone
    #[arg(long)]
    no_deps: bool,
    /// Wait until services are running or healthy
    #[arg(long)]
    wait: bool,
    /// Seconds to wait
    #[arg(long, value_name = "SECONDS")]
    wait_timeout: Option<String>,
    /// Seconds until a container is killed
    #[arg(short, long, value_name = "SECONDS")]
    timeout: Option<String>,
    /// Number of containers of a service
    #[arg(long, value_name = "SERVICE=N")]
    scale: Vec<String>,
    /// Stop all when one ends
    #[arg(long)]
    abort_on_container_exit: bool,
    /// Stop all when one fails
    #[arg(long)]
    abort_on_container_failure: bool,
    /// End with the exit code of this service
    #[arg(long, value_name = "SERVICE")]
    exit_code_from: Option<String>,
    /// Attach to this service only
    #[arg(long, value_name = "SERVICE")]
    attach: Vec<String>,
    /// Do not attach to this service
    #[arg(long, value_name = "SERVICE")]
    no_attach: Vec<String>,
    /// Attach to dependencies too
    #[arg(long)]
    attach_dependencies: bool,
    /// No colours in the logs
    #[arg(long)]
    no_color: bool,
    /// No service names in the logs
    #[arg(long)]
    no_log_prefix: bool,
    /// Times in the logs
    #[arg(long)]
    timestamps: bool,
    /// Pull without progress
    #[arg(long)]
    quiet_pull: bool,
    /// Watch the sources and update
    #[arg(short = 'w', long)]
    watch: bool,
    /// Shortcuts while attached
    #[arg(long)]
    menu: bool,
    /// Answer every question with yes
    #[arg(short = 'y', long = "yes", visible_alias = "y")]
    yes: bool,
}

impl ComposeUp {
    /// The flags as Compose takes them.
    pub fn arguments(&self) -> Vec<String> {
        let switches = [
            (self.detach, "--detach"),
            (self.force_recreate, "--force-recreate"),
            (self.no_recreate, "--no-recreate"),
            (self.always_recreate_deps, "--always-recreate-deps"),
            (self.renew_anon_volumes, "--renew-anon-volumes"),
            (self.remove_orphans, "--remove-orphans"),
            (self.no_start, "--no-start"),
            (self.no_deps, "--no-deps"),
            (self.wait, "--wait"),
            (self.abort_on_container_exit, "--abort-on-container-exit"),
            (
                self.abort_on_container_failure,
                "--abort-on-container-failure",
            ),
            (self.attach_dependencies, "--attach-dependencies"),
            (self.no_color, "--no-color"),
            (self.no_log_prefix, "--no-log-prefix"),
            (self.timestamps, "--timestamps"),
            (self.quiet_pull, "--quiet-pull"),
            (self.watch, "--watch"),
            (self.menu, "--menu"),
            (self.yes, "--yes"),
        ];
        let values = [
            ("--wait-timeout", self.wait_timeout.as_slice()),
            ("--timeout", self.timeout.as_slice()),
            ("--exit-code-from", self.exit_code_from.as_slice()),
            ("--scale", &self.scale),
            ("--attach", &self.attach),
            ("--no-attach", &self.no_attach),
        ];
        let switches = switches
            .into_iter()
            .filter(|(on, _)| *on)
            .map(|(_, flag)| flag.to_owned());
        let values = values.into_iter().flat_map(|(flag, values)| {
            values
                .iter()
                .flat_map(move |value| [flag.to_owned(), value.clone()])
        });
        switches.chain(values).collect()
    }
}

/// Joins `--pull missing` into `--pull=missing` after `up` and `dev`.
///
/// Compose's flag takes a policy, dcb's may stand alone before a service; only a word that is a
/// policy belongs to it.
pub(super) fn join_pull_policy(arguments: &[OsString]) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::with_capacity(arguments.len());
    let mut up = false;
    for argument in arguments {
        let policy = argument
            .to_str()
            .filter(|word| PULL_POLICIES.contains(word));
        match (policy, joined.last_mut()) {
            (Some(policy), Some(last)) if up && *last == "--pull" => {
                last.push("=");
                last.push(policy);
            }
            _ => joined.push(argument.clone()),
        }
        up |= argument == "up" || argument == "dev";
    }
    joined
}
