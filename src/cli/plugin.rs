//! What the docker CLI gives a plugin: `docker-dcb [DOCKER'S FLAGS] dcb VERB ...`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{ArgAction, Parser, Subcommand};

/// The flags that stand between `docker` and `dcb`. Source: `ClientOptions` of the docker CLI.
#[derive(Debug, Parser)]
#[command(
    name = "docker",
    disable_help_flag = true,
    disable_version_flag = true,
    disable_help_subcommand = true
)]
#[expect(clippy::struct_excessive_bools, reason = "they are flags")]
pub struct DockerFlags {
    /// Directory of the docker configuration
    #[arg(long, value_name = "DIR")]
    pub config: Option<PathBuf>,
    /// Docker context
    #[arg(short = 'c', long, value_name = "NAME")]
    pub context: Option<String>,
    /// Address of the engine
    #[arg(short = 'H', long = "host", value_name = "URL")]
    pub hosts: Vec<String>,
    /// Whether the docker CLI tells more
    #[arg(short = 'D', long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t)]
    pub debug: bool,
    /// How much the docker CLI logs
    #[arg(short = 'l', long, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// TLS without a look at who answers
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t)]
    pub tls: bool,
    /// TLS
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t)]
    pub tlsverify: bool,
    /// Certificate of who signs the engine's
    #[arg(long, value_name = "FILE")]
    pub tlscacert: Option<PathBuf>,
    /// Certificate of the client
    #[arg(long, value_name = "FILE")]
    pub tlscert: Option<PathBuf>,
    /// Key of the client
    #[arg(long, value_name = "FILE")]
    pub tlskey: Option<PathBuf>,
    /// `docker --help dcb`
    #[arg(short = 'h', long, action = ArgAction::SetTrue)]
    pub help: bool,
    /// What follows.
    #[command(subcommand)]
    pub rest: Option<Rest>,
}

/// What follows the flags: the plugin's name, and what is for the plugin.
#[derive(Debug, Subcommand)]
pub enum Rest {
    /// All of it.
    #[command(external_subcommand)]
    Words(Vec<OsString>),
}

/// Whether dcb runs under the name that the docker CLI calls plugins by.
pub fn is_plugin(program: &OsStr) -> bool {
    Path::new(program).file_stem() == Some(OsStr::new("docker-dcb"))
}

impl DockerFlags {
    /// Reads what follows the program's own name.
    ///
    /// # Errors
    /// What clap has to tell of flags that docker does not have.
    pub fn read(arguments: &[OsString]) -> Result<Self, clap::Error> {
        Self::try_parse_from(arguments)
    }
}
