//! `build`, `plan` and `up`: load, look, plan, and carry it out.

use std::process::ExitCode;
use std::time::Instant;

use super::handover;
use super::stop::Stop;
use crate::ambient::Ambient;
use crate::cli::{BuildFlags, OutputFlags, PlanFormat, ProjectFlags, Up};
use crate::compose::{self, Lost, Project};
use crate::docker::buildkit::Client;
use crate::docker::compose_cli::{self, Compose};
use crate::docker::config::DockerConfig;
use crate::docker::host::{self, Endpoint};
use crate::docker::{Facts, detect};
use crate::event::Outcome;
use crate::failure::{Class, Failure};
use crate::plan::{self, Inputs, Plan};
use crate::report::{self, Detail};
use crate::{run, settings};

/// What every verb starts from.
pub(super) struct App<'a> {
    pub(super) ambient: &'a Ambient,
    pub(super) flags: ProjectFlags,
    pub(super) output: OutputFlags,
    pub(super) config: DockerConfig,
}

/// An engine whose BuildKit is open.
struct Open {
    facts: Facts,
    client: Client,
}

/// What loading and looking around found.
struct Found {
    project: Project,
    inputs: Inputs,
    endpoint: Endpoint,
    engine: Result<Open, Failure>,
    compose: Option<Compose>,
}

impl<'a> App<'a> {
    /// Reads the docker configuration.
    pub(super) fn new(
        ambient: &'a Ambient,
        flags: ProjectFlags,
        output: OutputFlags,
    ) -> Result<Self, Failure> {
        Ok(Self {
            config: DockerConfig::load(ambient)?,
            ambient,
            flags,
            output,
        })
    }

    /// `dcb build`.
    pub(super) async fn build(
        &self,
        flags: &BuildFlags,
        services: &[String],
    ) -> Result<ExitCode, Failure> {
        let found = self.look(services).await?;
        let plan = self.plan(flags, services, &found)?;
        let ended = self.execute(&plan, flags, found.engine).await?;
        Ok(exit_code(&ended))
    }

    /// `dcb plan`, and `--dry-run`.
    pub(super) async fn show_plan(
        &self,
        flags: &BuildFlags,
        services: &[String],
        format: PlanFormat,
    ) -> Result<ExitCode, Failure> {
        let found = self.look(services).await?;
        let mut plan = self.plan(flags, services, &found)?;
        if let Err(failure) = &found.engine {
            let mut note = crate::diagnostic::Diagnostic::warning(format!(
                "planned without an engine: {failure}"
            ));
            note.help.clone_from(&failure.hints);
            plan.notes.push(note);
        }
        report::diagnostics(&plan.notes, self.ambient.stderr);
        match format {
            PlanFormat::Text => report::plan(&plan, self.ambient.stdout),
            PlanFormat::Json => report::result(&report::plan_json(&plan)),
        }
        .map_err(|error| unwritten(&error))?;
        Ok(ExitCode::SUCCESS)
    }

    /// `dcb up`.
    pub(super) async fn up(&self, up: &Up) -> Result<ExitCode, Failure> {
        if up.no_build {
            let compose = self.compose().await?;
            let command = handover::up(self, &compose, up)?;
            return Err(self.become_compose(&command));
        }
        let found = self.look(&up.services).await?;
        let compose = found.compose.clone().ok_or_else(compose_cli::missing)?;
        let flags = up.build_flags();
        let plan = self.plan(&flags, &up.services, &found)?;
        let command = handover::up(self, &compose, up)?;
        if up.dry_run {
            report::diagnostics(&plan.notes, self.ambient.stderr);
            report::plan(&plan, self.ambient.stdout)
                .and_then(|()| report::command_only(&command))
                .map_err(|error| unwritten(&error))?;
            return Ok(ExitCode::SUCCESS);
        }
        let ended = self.execute(&plan, &flags, found.engine).await?;
        if ended
            .iter()
            .all(|(outcome, _)| matches!(outcome, Outcome::Built { .. }))
        {
            Err(self.become_compose(&command))
        } else {
            Ok(exit_code(&ended))
        }
    }

    /// Loads the project and opens the engine, side by side.
    async fn look(&self, services: &[String]) -> Result<Found, Failure> {
        let request = settings::project(self.ambient, &self.flags, services)?;
        let endpoint = host::resolve(self.ambient, &self.config)?;
        let load = tokio::task::spawn_blocking(move || {
            load(&request).map(|project| {
                let inputs = Inputs::read(&project);
                (project, inputs)
            })
        });
        let open = self.open(&endpoint);
        let compose = compose_cli::find(self.ambient, &self.config);
        let (loaded, engine, compose) = tokio::join!(load, open, compose);
        let (project, inputs) =
            loaded.map_err(|error| Failure::new(Class::Internal, error.to_string()))??;
        Ok(Found {
            project,
            inputs,
            endpoint,
            engine,
            compose,
        })
    }

    async fn open(&self, endpoint: &Endpoint) -> Result<Open, Failure> {
        let facts = Facts {
            endpoint: endpoint.clone(),
            engine: detect::engine(endpoint).await?,
        };
        let client = Client::connect(&facts, &self.ambient.hostname).await?;
        Ok(Open { facts, client })
    }

    fn plan(
        &self,
        flags: &BuildFlags,
        services: &[String],
        found: &Found,
    ) -> Result<Plan, Failure> {
        let docker = settings::Docker {
            config: &self.config,
            endpoint: &found.endpoint,
            separator: settings::separator(&self.flags, self.ambient, found.compose.as_ref()),
        };
        let request = settings::request(self.ambient, flags, services, &found.project, &docker)?;
        let engine = found.engine.as_ref().ok().map(|open| &open.facts.engine);
        plan::plan(&found.project, &found.inputs, engine, &request).map_err(|mut failure| {
            // A variable that is not set is often what made the rest wrong.
            let notes = found.project.notes.iter().cloned();
            failure.diagnostics.splice(0..0, notes);
            failure
        })
    }

    /// Carries out the plan and reports it. Ends the process when a signal asks for it.
    async fn execute(
        &self,
        plan: &Plan,
        flags: &BuildFlags,
        engine: Result<Open, Failure>,
    ) -> Result<Vec<run::Ended>, Failure> {
        let detail = match (flags.quiet, self.output.verbose) {
            (true, _) => Detail::Quiet,
            (false, true) => Detail::Verbose,
            (false, false) => Detail::Normal,
        };
        if detail != Detail::Quiet {
            report::diagnostics(&plan.notes, self.ambient.stderr);
        }
        if plan.jobs.is_empty() {
            return Ok(Vec::new());
        }
        let client = engine?.client;
        let stop = Stop::watch().map_err(|error| {
            Failure::new(
                Class::Internal,
                format!("failed to watch for signals: {error}"),
            )
        })?;
        let began = Instant::now();
        let (reporting, events) = report::Run::start(plan, self.ambient.stderr, detail);
        let ended = run::execute(plan, &client, &events, stop.asked()).await;
        drop(events);
        reporting.end();
        let failed = !ended
            .iter()
            .all(|(outcome, _)| matches!(outcome, Outcome::Built { .. }));
        if failed || detail != Detail::Quiet {
            report::outcomes(plan, &ended, began.elapsed(), self.ambient.stderr);
        }
        stop.obey();
        Ok(ended)
    }
}

/// Loads the project.
pub(super) fn load(request: &compose::Request) -> Result<Project, Failure> {
    compose::load(request).map_err(|diagnostics| {
        // What is not there is another matter than what is wrong: looking again tells which it is.
        match compose::discover(request) {
            Err(Lost::Missing(missing)) => {
                Failure::found(Class::ComposeFileMissing, missing.message, diagnostics)
            }
            _ => Failure::found(
                Class::ComposeInvalid,
                "the compose project cannot be loaded",
                diagnostics,
            ),
        }
    })
}

/// The exit code of a run: that of its failures when they agree, else 1.
fn exit_code(ended: &[run::Ended]) -> ExitCode {
    let mut codes = ended.iter().filter_map(|(outcome, _)| match outcome {
        Outcome::Failed(failure) => Some(failure.class.exit_code()),
        _ => None,
    });
    match codes.next() {
        None if ended
            .iter()
            .all(|(o, _)| matches!(o, Outcome::Built { .. })) =>
        {
            ExitCode::SUCCESS
        }
        None => ExitCode::FAILURE,
        Some(first) if codes.all(|code| code == first) => ExitCode::from(first),
        Some(_) => ExitCode::FAILURE,
    }
}

fn unwritten(error: &std::io::Error) -> Failure {
    Failure::new(
        Class::Internal,
        format!("failed to write to standard output: {error}"),
    )
}
