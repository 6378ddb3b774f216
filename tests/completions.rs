//! The completion scripts in `completions/` are those of the command line as it is.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::{Shell, generate};

/// `DCB_UPDATE=1 cargo test --test completions` writes them anew.
#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "tests read the environment they are given"
)]
fn the_scripts_are_up_to_date() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    for (shell, file) in [
        (Shell::Bash, "dcb.bash"),
        (Shell::Zsh, "_dcb"),
        (Shell::Fish, "dcb.fish"),
        (Shell::PowerShell, "_dcb.ps1"),
    ] {
        let mut script = Vec::new();
        generate(shell, &mut dcb::cli::Cli::command(), "dcb", &mut script);
        let path = directory.join(file);
        if std::env::var_os("DCB_UPDATE").is_some() {
            std::fs::write(&path, &script).expect("written");
        }
        let kept = std::fs::read(&path).unwrap_or_default();
        assert!(
            kept == script,
            "`completions/{file}` is out of date: DCB_UPDATE=1 cargo test --test completions"
        );
    }
}
