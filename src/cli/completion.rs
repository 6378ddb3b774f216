//! `dcb completion`.

use clap::{Args, ValueEnum};

/// `dcb completion`.
#[derive(Debug, Args)]
pub struct Completion {
    /// The shell that reads it
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: CompletionShell,
}

/// A shell that can be completed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "they are shells")]
pub enum CompletionShell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}
