//! Handing a verb over to Docker Compose: the same project, the same terminal, its exit code.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use super::machine::may_build;
use super::{App, complete};
use crate::cli::{ProjectFlags, Up};
use crate::compose::Project;
use crate::diagnostic::Diagnostic;
use crate::docker::compose_cli::{self, Compose, Kind};
use crate::docker::host::Address;
use crate::failure::{Class, Failure};
use crate::process::{self, Command};
use crate::{cli, human, report};

/// What is handed over: the project as it was typed and, where it was loaded, as it is.
pub(super) struct Handover<'a> {
    pub(super) app: &'a App<'a>,
    pub(super) compose: &'a Compose,
    /// What was typed, with the files that were chosen.
    pub(super) flags: &'a ProjectFlags,
    pub(super) project: Option<&'a Project>,
    /// What was read from standard input, which Compose is to read too.
    pub(super) stdin: Option<&'a str>,
}

impl<'a> Handover<'a> {
    /// Hands over a project that was not loaded.
    pub(super) fn bare(app: &'a App<'a>, compose: &'a Compose, flags: &'a ProjectFlags) -> Self {
        Self {
            app,
            compose,
            flags,
            project: None,
            stdin: None,
        }
    }

    /// `docker compose up` without building.
    pub(super) fn up(&self, up: &Up) -> Result<Command, Failure> {
        let mut words: Vec<String> = vec!["up".to_owned()];
        words.extend(up.compose.arguments());
        // With `always` Compose would replace what was just built by what a registry has.
        if let (Some(policy), Kind::Modern, false) = (&up.pull, self.compose.kind, up.pulls()) {
            words.extend(["--pull".to_owned(), policy.clone()]);
        }
        words.push("--no-build".to_owned());
        words.extend(up.services.iter().cloned());
        self.command(words)
    }

    /// `docker compose pull` of `services`.
    pub(super) fn pull(&self, services: Vec<String>) -> Result<Command, Failure> {
        let mut words = vec!["pull".to_owned()];
        words.extend(services);
        self.command(words)
    }

    /// `docker compose up` of `services` that do not run, in the background; those that do are left as
    /// they are.
    pub(super) fn start(&self, services: &[String]) -> Result<Command, Failure> {
        let words = ["up", "--detach", "--no-build", "--no-recreate"];
        self.command(with(&words, services))
    }

    /// `docker compose exec` of `command` in `service`, without a terminal.
    pub(super) fn exec(&self, service: &str, command: &[String]) -> Result<Command, Failure> {
        self.command(with(&["exec", "-T", service], command))
    }

    /// `docker compose logs` of `services`, their last `lines`.
    pub(super) fn logs(&self, lines: usize, services: &[String]) -> Result<Command, Failure> {
        let lines = format!("--tail={lines}");
        self.command(with(&["logs", "--no-color", &lines], services))
    }

    /// `docker compose down` with `flags`.
    pub(super) fn down(&self, flags: &[&str]) -> Result<Command, Failure> {
        self.command([&["down"], flags].concat())
    }

    /// `docker compose rm` of the containers of `services`, which are stopped first.
    pub(super) fn rm(&self, services: &[String]) -> Result<Command, Failure> {
        self.command(with(&["rm", "--stop", "--force"], services))
    }

    /// The command that runs `words` on this project.
    fn command<S: Into<OsString>>(&self, words: Vec<S>) -> Result<Command, Failure> {
        let mut arguments = match (self.compose.kind, self.project) {
            (Kind::Modern, _) => typed(self.flags),
            (Kind::V1, Some(project)) => spelt_out(self.flags, project),
            (Kind::V1, None) => spelt_out(self.flags, &self.app.load()?),
        };
        arguments.extend(words.into_iter().map(Into::into));
        let mut command = self.compose.command(arguments);
        command.input = self.stdin.map(str::to_owned);
        command.environment.extend(self.engine());
        Ok(command)
    }

    /// Where the engine is, for a Compose that does not look into contexts. One that cannot be found is
    /// told of by whoever builds; certificates of a context have no variables.
    fn engine(&self) -> Option<(String, Option<String>)> {
        if self.compose.kind != Kind::V1 {
            return None;
        }
        let endpoint = self.app.endpoint().ok()?;
        let is_named = endpoint.context() != "default";
        let is_plain = !matches!(endpoint.address, Address::Tls(_));
        (is_named && is_plain)
            .then(|| ("DOCKER_HOST".to_owned(), Some(endpoint.address.to_string())))
    }
}

fn with(words: &[&str], more: &[String]) -> Vec<String> {
    let words = words.iter().map(|word| (*word).to_owned());
    words.chain(more.iter().cloned()).collect()
}

/// The flags as they were typed: Compose finds the rest as dcb did.
pub(super) fn typed(flags: &ProjectFlags) -> Vec<OsString> {
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
    if let Some(limit) = flags.parallel {
        add("--parallel", limit.to_string().into());
    }
    if flags.compatibility {
        arguments.push("--compatibility".into());
    }
    arguments
}

/// Compose v1 prefers other file names and knows no `name:`, so both are told to it.
fn spelt_out(flags: &ProjectFlags, project: &Project) -> Vec<OsString> {
    let path = |file: &PathBuf| file.display().to_string();
    typed(&ProjectFlags {
        files: project.files.iter().map(path).collect(),
        name: Some(project.name.clone()),
        ..flags.clone()
    })
}

/// The verb that was typed, and the one that it looks like, where it is none that is known.
fn meant(word: &OsStr) -> Option<(String, String)> {
    let typed = word.to_str()?;
    // What is typed all day: dcb's own verbs are not put together for that.
    if complete::composes_verbs().any(|verb| verb == typed) {
        return None;
    }
    let mut known = cli::verbs();
    if known.iter().any(|verb| verb == typed) {
        return None;
    }
    known.extend(complete::composes_verbs().map(str::to_owned));
    let near = human::nearest(typed, known.iter().map(String::as_str))?;
    Some((typed.to_owned(), near.to_owned()))
}

impl App<'_> {
    /// The Docker Compose of this machine.
    pub(super) async fn compose(&self) -> Result<Compose, Failure> {
        compose_cli::find(self.ambient, &self.config)
            .await
            .ok_or_else(compose_cli::missing)
    }

    /// Any verb that dcb does not have.
    pub(super) async fn hand_over(&self, words: Vec<OsString>) -> anyhow::Result<ExitCode> {
        let compose = self.compose().await?;
        let environment = if may_build(&words) {
            self.building_variables().await?
        } else {
            Vec::new()
        };
        let flags = self.project_flags()?;
        let meant = words.first().and_then(|word| meant(word));
        let mut command = Handover::bare(self, &compose, &flags).command(words)?;
        command.environment.extend(environment);
        let Some((typed, meant)) = meant else {
            return Err(self.become_compose(&command).into());
        };
        // A newer Compose may have it: whether it is a verb is Compose's to say.
        let refused = self.run_compose(&command)?;
        if refused.is_some() {
            let note = format!("`{typed}` is no verb of dcb, so Docker Compose was asked");
            let note = Diagnostic::note(note).help(format!("did you mean `dcb {meant}`?"));
            report::diagnostics(&[note], self.ambient.stderr);
        }
        Ok(refused.unwrap_or(ExitCode::SUCCESS))
    }

    /// Runs Compose and waits for it; its exit code when that is not 0.
    pub(super) fn run_compose(&self, command: &Command) -> Result<Option<ExitCode>, Failure> {
        self.show(command);
        let status = process::run(command, &self.ambient.directory)
            .map_err(|error| unstartable(command, &error))?;
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Ok((!status.success()).then(|| code.map_or(ExitCode::FAILURE, ExitCode::from)))
    }

    /// Becomes Compose. Returns why that failed.
    pub(super) fn become_compose(&self, command: &Command) -> Failure {
        self.show(command);
        self.close();
        unstartable(command, &process::replace(command, &self.ambient.directory))
    }

    fn show(&self, command: &Command) {
        if self.output.verbose {
            report::command(command);
        }
    }
}

fn unstartable(command: &Command, error: &io::Error) -> Failure {
    Failure::new(
        Class::ComposeMissing,
        format!("failed to run `{}`: {error}", command.program.display()),
    )
    .hint("is it a program for this machine? reinstall Docker Compose")
}
