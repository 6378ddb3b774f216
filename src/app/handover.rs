//! Handing a verb over to Docker Compose: the same project, the same terminal, its exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use super::build::{App, load};
use crate::cli::{ProjectFlags, Up};
use crate::docker::compose_cli::{self, Compose, Kind};
use crate::failure::{Class, Failure};
use crate::process::{self, Command};
use crate::{report, settings};

/// `docker compose up` without building.
pub(super) fn up(app: &App<'_>, compose: &Compose, up: &Up) -> Result<Command, Failure> {
    let mut words: Vec<String> = vec!["up".to_owned()];
    words.extend(up.compose.arguments());
    if let (Some(policy), Kind::Modern) = (&up.pull, compose.kind) {
        words.extend(["--pull".to_owned(), pull_policy(policy).to_owned()]);
    }
    words.push("--no-build".to_owned());
    words.extend(up.services.iter().cloned());
    command(app, compose, words.into_iter().map(Into::into).collect())
}

/// What Compose is to pull. The images that were just built are not in a registry, so `always`
/// would fail on them: base images were looked up while building.
fn pull_policy(policy: &str) -> &str {
    match policy {
        "always" | "build" => "missing",
        other => other,
    }
}

/// The command that runs `words` on this project.
fn command(app: &App<'_>, compose: &Compose, words: Vec<OsString>) -> Result<Command, Failure> {
    let mut arguments = match compose.kind {
        Kind::Modern => typed(&app.flags),
        Kind::V1 => spelt_out(app)?,
    };
    arguments.extend(words);
    Ok(compose.command(arguments))
}

/// The flags as they were typed: Compose finds the rest as dcb did.
fn typed(flags: &ProjectFlags) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = Vec::new();
    let mut add = |flag: &str, value: OsString| arguments.extend([flag.into(), value]);
    for file in &flags.files {
        add("-f", file.into());
    }
    if let Some(name) = &flags.name {
        add("-p", name.into());
    }
    if let Some(directory) = &flags.project_directory {
        add("--project-directory", directory.into());
    }
    for file in &flags.env_files {
        add("--env-file", file.into());
    }
    for profile in &flags.profiles {
        add("--profile", profile.into());
    }
    if flags.compatibility {
        arguments.push("--compatibility".into());
    }
    arguments
}

/// Compose v1 prefers other file names and knows no `name:`, so both are told to it.
fn spelt_out(app: &App<'_>) -> Result<Vec<OsString>, Failure> {
    let request = settings::project(app.ambient, &app.flags, &[])?;
    let project = load(&request)?;
    let flags = ProjectFlags {
        files: project
            .files
            .iter()
            .map(|file| file.display().to_string())
            .collect(),
        name: Some(project.name),
        ..app.flags.clone()
    };
    Ok(typed(&flags))
}

impl App<'_> {
    /// The Docker Compose of this machine.
    pub(super) async fn compose(&self) -> Result<Compose, Failure> {
        compose_cli::find(self.ambient, &self.config)
            .await
            .ok_or_else(compose_cli::missing)
    }

    /// Any verb that dcb does not have.
    pub(super) async fn hand_over(&self, words: Vec<OsString>) -> Result<ExitCode, Failure> {
        let compose = self.compose().await?;
        let command = command(self, &compose, words)?;
        Err(self.become_compose(&command))
    }

    /// Becomes Compose. Returns why that failed.
    pub(super) fn become_compose(&self, command: &Command) -> Failure {
        if self.output.verbose {
            report::command(command);
        }
        let error = process::replace(command, &self.ambient.directory);
        Failure::new(
            Class::ComposeMissing,
            format!("failed to run `{}`: {error}", command.program.display()),
        )
        .hint("is it a program for this machine? reinstall Docker Compose")
    }
}
