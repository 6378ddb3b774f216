//! `build` and `plan`: load, look, plan, and carry it out.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;

use super::drivers::Drivers;
use super::handover;
use super::loading::{Loaded, Loading};
use super::stop::Stop;
use super::{App, UNWRITTEN};
use crate::cli::{Build, BuildFlags, PlanFormat};
use crate::diagnostic::Diagnostic;
use crate::docker::buildkit::Client;
use crate::docker::buildx::builders::{self, Kind, Named};
use crate::docker::compose_cli::{self, Compose};
use crate::docker::detect::Builder;
use crate::docker::host::Endpoint;
use crate::docker::{Destination, Facts, buildx, detect};
use crate::event::{Event, Outcome};
use crate::failure::{Class, Failure};
use crate::plan::{self, Builders, Job, Plan, Request};
use crate::report::{self, Detail, Progress, Reporting, Show};
use crate::settings::Typed;
use crate::{run, settings};

/// An engine that answered, with its BuildKit where it has one.
pub(super) struct Open {
    pub(super) facts: Facts,
    /// Why it has none.
    pub(super) buildkit: Result<Client, Failure>,
}

/// What loading and looking around found.
pub(super) struct Found {
    pub(super) loaded: Loaded,
    pub(super) endpoint: Endpoint,
    pub(super) engine: Result<Open, Failure>,
    pub(super) compose: Option<Compose>,
}

impl Found {
    /// What loading the project has to tell.
    pub(super) fn notes(&self) -> &[Diagnostic] {
        &self.loaded.project.notes
    }

    fn builders(&self) -> Builders<'_> {
        let open = self.engine.as_ref().ok();
        Builders {
            engine: open.map(|open| &open.facts.engine),
            no_buildkit: open.and_then(|open| open.buildkit.as_ref().err()),
            worker: None,
            named: None,
            selected: None,
        }
    }
}

impl App<'_> {
    /// `dcb build` and `dcb fresh`; `verb` is the one that was typed.
    pub(super) async fn build(&self, verb: &str, build: &Build) -> anyhow::Result<ExitCode> {
        let typed = Typed {
            push: build.push,
            output: build.output.as_deref(),
            ..self.typed(&build.flags, &build.services, build.pull)
        };
        let found = self.look(typed).await?;
        let mut plan = self.plan(typed, &found).await?;
        plan.notes.extend(self.forewarnings(&found, &plan, None));
        let ended = self.execute(verb, &plan, build.quiet, found.engine).await?;
        Ok(exit_code(&ended))
    }

    /// `dcb plan`, and `--dry-run`.
    pub(super) async fn show_plan(
        &self,
        typed: Typed<'_>,
        format: PlanFormat,
    ) -> anyhow::Result<ExitCode> {
        let (found, machine) = tokio::try_join!(self.look(typed), self.machine(format))?;
        let machine = machine.as_ref();
        let mut plan = self.plan(typed, &found).await?;
        if let Err(failure) = &found.engine {
            let mut note = Diagnostic::warning(format!("planned without an engine: {failure}"));
            note.help.clone_from(&failure.hints);
            plan.notes.push(note);
        }
        report::diagnostics(&plan.notes, self.ambient.stderr);
        match format {
            PlanFormat::Text => report::plan(&plan, machine, self.detail(), self.ambient.stdout),
            PlanFormat::Json => report::result(&report::plan_json(&plan, machine, self.detail())),
        }
        .context(UNWRITTEN)?;
        Ok(ExitCode::SUCCESS)
    }

    /// Loads the project and opens the engine, side by side.
    pub(super) async fn look(&self, typed: Typed<'_>) -> anyhow::Result<Found> {
        let loading = Loading::prepare(self, typed)?;
        let endpoint = self.endpoint()?;
        let load = tokio::task::spawn_blocking(move || loading.load());
        let open = self.open(endpoint);
        let compose = compose_cli::find(self.ambient, &self.config);
        let (loaded, engine, compose) = tokio::join!(load, open, compose);
        let mut found = Found {
            loaded: loaded.context("failed to load the project")??,
            endpoint: endpoint.clone(),
            engine,
            compose,
        };
        let podman = found.builders().engine.is_some_and(|engine| engine.podman);
        if found.builders().no_buildkit.is_some()
            && !podman
            && !typed.flags.force_buildkit
            && typed.flags.builder.is_none()
        {
            found.loaded.become_traditional();
        }
        Ok(found)
    }

    pub(super) fn typed<'a>(
        &'a self,
        flags: &'a BuildFlags,
        services: &'a [String],
        pull: bool,
    ) -> Typed<'a> {
        Typed {
            flags,
            project: &self.flags,
            services,
            pull,
            push: false,
            output: None,
            check: false,
            to_start: false,
        }
    }

    pub(super) async fn open(&self, endpoint: &Endpoint) -> Result<Open, Failure> {
        let facts = Facts {
            endpoint: endpoint.clone(),
            engine: detect::engine(endpoint).await?,
        };
        let buildkit = match Client::connect(
            &facts,
            &self.ambient.hostname,
            Arc::clone(&self.credentials),
        )
        .await
        {
            Err(failure) if failure.class != Class::NoBuildKit => return Err(failure),
            opened => opened,
        };
        Ok(Open { facts, buildkit })
    }

    pub(super) async fn plan(&self, typed: Typed<'_>, found: &Found) -> Result<Plan, Failure> {
        let Loaded {
            project,
            inputs,
            extension,
            ..
        } = &found.loaded;
        let docker = settings::Docker {
            config: &self.config,
            endpoint: &found.endpoint,
            separator: settings::separator(&self.flags, self.ambient, found.compose.as_ref()),
        };
        let request = settings::request(self.ambient, typed, project, extension, &docker)?;
        let mut builders = found.builders();
        if let Ok(Open {
            buildkit: Ok(client),
            ..
        }) = &found.engine
            && (self.output.verbose || plan::asks_worker(project, &request))
        {
            builders.worker = Some(client.worker().await?);
        }
        let named = self.named_builders(&request, &found.endpoint).await;
        let selected = Builder::selected(self.ambient, &self.config, &found.endpoint);
        builders.named = Some(&named);
        builders.selected = Some(&selected).filter(|selected| selected.is_foreign());
        plan::plan(project, inputs, builders, &request).map_err(|mut failure| {
            // A variable that is not set is often what made the rest wrong.
            let notes = project.notes.iter().cloned();
            failure.diagnostics.splice(0..0, notes);
            failure
        })
    }

    /// What is known of the builders of buildx that the request names.
    async fn named_builders(&self, request: &Request, endpoint: &Endpoint) -> Named {
        let mut named = builders::look_up(request.builders(), self.ambient, &self.config, endpoint);
        let is_own = |kind: &Result<Kind, Failure>| matches!(kind, Ok(Kind::Own(_)));
        if named.values().any(is_own)
            && let Err(failure) = buildx::program(self.ambient, &self.config).await
        {
            for kind in named.values_mut().filter(|kind| is_own(kind)) {
                *kind = Err(failure.clone());
            }
        }
        named
    }

    pub(super) fn detail(&self) -> Detail {
        if self.output.verbose {
            Detail::Verbose
        } else {
            Detail::Normal
        }
    }

    /// How a run is shown.
    pub(super) fn showing(&self, quiet: bool, plan: &Plan) -> Result<Show, Failure> {
        settings::show(self.ambient, self.output, quiet, plan)
    }

    /// Carries out the plan and reports it. Ends the process when a signal asks for it.
    pub(super) async fn execute(
        &self,
        verb: &str,
        plan: &Plan,
        quiet: bool,
        engine: Result<Open, Failure>,
    ) -> anyhow::Result<Vec<run::Ended>> {
        let show = self.showing(quiet, plan)?;
        if show.progress == Progress::Json && plan.jobs.iter().any(is_for_stdout) {
            return Err(stdout_is_taken().into());
        }
        if plan.jobs.is_empty() {
            if show.progress != Progress::Quiet {
                report::diagnostics(&plan.notes, self.ambient.stderr);
            }
            return Ok(Vec::new());
        }
        let timed;
        let plan = match &show.journal {
            // Only who has to wait for a place is put in an order.
            Some(journal) if plan.jobs.len() > plan.parallel.value => {
                timed = plan.clone().with_times(&journal.times());
                &timed
            }
            _ => plan,
        };
        let credentials = Arc::clone(&self.credentials);
        let drivers = Drivers::new(plan, engine?, credentials, self.ambient, &self.config).await;
        let stop = Stop::watch().context("failed to watch for signals")?;
        let (reporting, events) = Reporting::start(show);
        let clock = events.clock();
        let flags = handover::typed(&self.flags);
        events.send(run::opening(plan, verb, &flags, clock)).await;
        for diagnostic in report::told(&plan.notes).iter().cloned() {
            events.send(Event::Note { diagnostic }).await;
        }
        let ended = run::execute(plan, &drivers, &events, stop.asked()).await;
        let stopped = *stop.asked().borrow();
        events.send(run::closing(&ended, stopped, clock)).await;
        drop(events);
        reporting.end();
        stop.obey(|| self.close());
        Ok(ended)
    }
}

/// Whether the result of a job goes to standard output.
fn is_for_stdout(job: &Job) -> bool {
    let output = job.attempt.spec.output.as_ref();
    output.is_some_and(|output| output.to == Destination::Stdout)
}

fn stdout_is_taken() -> Failure {
    Failure::new(
        Class::Usage,
        "`--progress json` and `--output` would both write to standard output",
    )
    .hint("name a file: --output type=tar,dest=FILE")
}

pub(super) fn is_built((outcome, _): &run::Ended) -> bool {
    matches!(outcome, Outcome::Built { .. })
}

/// The exit code of a run: that of its failures when they agree, else 1.
pub(super) fn exit_code(ended: &[run::Ended]) -> ExitCode {
    let mut codes = ended.iter().filter_map(|(outcome, _)| match outcome {
        Outcome::Failed(failure) => Some(failure.class.exit_code()),
        _ => None,
    });
    match codes.next() {
        None if ended.iter().all(is_built) => ExitCode::SUCCESS,
        Some(first) if codes.all(|code| code == first) => ExitCode::from(first),
        None | Some(_) => ExitCode::FAILURE,
    }
}
