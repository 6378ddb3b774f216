//! `dcb config` and `dcb env`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

/// `dcb config`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").multiple(false))]
#[expect(clippy::struct_excessive_bools, reason = "they are flags")]
pub struct Config {
    /// How to print it [default: yaml]
    #[arg(long, value_enum)]
    pub format: Option<ConfigFormat>,
    /// Say where each value was set, and what it overrode
    #[arg(long, group = "what")]
    pub origin: bool,
    /// Print the names of the services
    #[arg(long, group = "what")]
    pub services: bool,
    /// Print the names of the images
    #[arg(long, group = "what")]
    pub images: bool,
    /// Print the variables that the files use, with their defaults
    #[arg(long, group = "what")]
    pub variables: bool,
    /// Print the variables that are there to be used, with their values
    #[arg(long, group = "what")]
    pub environment: bool,
    /// Print the names of the profiles
    #[arg(long, group = "what")]
    pub profiles: bool,
    /// Print the names of the networks
    #[arg(long, group = "what")]
    pub networks: bool,
    /// Print the names of the volumes
    #[arg(long, group = "what")]
    pub volumes: bool,
    /// Only check the project
    #[arg(short, long)]
    pub quiet: bool,
    /// File to write instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// What Docker Compose does.
    #[command(flatten)]
    pub compose: ComposeConfig,
    /// Services to show, with those they depend on [default: all]
    #[arg(value_name = "SERVICE")]
    pub names: Vec<String>,
}

/// Flags with which Docker Compose does the work.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Done by Docker Compose")]
#[expect(clippy::struct_excessive_bools, reason = "they are flags")]
pub struct ComposeConfig {
    /// Print the hash of a service's configuration
    #[arg(long, value_name = "SERVICE")]
    pub hash: Option<String>,
    /// Write an override file with the digests of images
    #[arg(long)]
    pub lock_image_digests: bool,
    /// Write images with their digests
    #[arg(long)]
    pub resolve_image_digests: bool,
    /// Print the names of the models
    #[arg(long)]
    pub models: bool,
    /// Leave variables as they are
    #[arg(long)]
    pub no_interpolate: bool,
    /// Leave out what nobody wrote
    #[arg(long)]
    pub no_normalize: bool,
    /// Leave paths as they are
    #[arg(long)]
    pub no_path_resolution: bool,
    /// Leave `env_file` as it is
    #[arg(long)]
    pub no_env_resolution: bool,
    /// Check no names
    #[arg(long)]
    pub no_consistency: bool,
}

/// How a project is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ConfigFormat {
    /// As a compose file
    #[default]
    Yaml,
    /// For programs; docs/config.md describes it
    Json,
}

impl ConfigFormat {
    fn word(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
        }
    }
}

impl Config {
    /// The words for Docker Compose, when this asks for what only that can do.
    pub fn for_compose(&self) -> Option<Vec<OsString>> {
        let compose = &self.compose;
        let flags = [
            (compose.lock_image_digests, "--lock-image-digests"),
            (compose.resolve_image_digests, "--resolve-image-digests"),
            (compose.models, "--models"),
            (compose.no_interpolate, "--no-interpolate"),
            (compose.no_normalize, "--no-normalize"),
            (compose.no_path_resolution, "--no-path-resolution"),
            (compose.no_env_resolution, "--no-env-resolution"),
            (compose.no_consistency, "--no-consistency"),
        ];
        if compose.hash.is_none() && flags.iter().all(|(set, _)| !set) {
            return None;
        }
        let own = [
            (self.services, "--services"),
            (self.images, "--images"),
            (self.variables, "--variables"),
            (self.environment, "--environment"),
            (self.profiles, "--profiles"),
            (self.networks, "--networks"),
            (self.volumes, "--volumes"),
            (self.quiet, "--quiet"),
        ];
        let mut words: Vec<OsString> = vec!["config".into()];
        let set = flags.into_iter().chain(own).filter(|(set, _)| *set);
        words.extend(set.map(|(_, flag)| flag.into()));
        if let Some(service) = &compose.hash {
            words.extend(["--hash".into(), service.into()]);
        }
        if let Some(format) = self.format {
            words.extend(["--format".into(), format.word().into()]);
        }
        if let Some(file) = &self.output {
            words.extend(["--output".into(), file.into()]);
        }
        words.extend(self.names.iter().map(Into::into));
        Some(words)
    }
}

/// `dcb env`.
#[derive(Debug, Args)]
pub struct Env {
    /// The variable
    #[arg(value_name = "NAME", required_unless_present = "shell")]
    pub name: Option<String>,
    /// Look into the containers of this service only; repeatable
    #[arg(long = "service", value_name = "SERVICE")]
    pub services: Vec<String>,
    /// Show values that look secret
    #[arg(long)]
    pub show: bool,
    /// Print the variables with which Docker Compose builds as dcb does, for `eval`
    #[arg(
        long,
        value_enum,
        value_name = "SHELL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "posix",
        conflicts_with_all = ["name", "services", "show"]
    )]
    pub shell: Option<ShellKind>,
}

/// A shell that variables are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShellKind {
    /// sh, bash, zsh and the like
    Posix,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
}
