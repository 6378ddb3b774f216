//! `dcb builder`: builders of the project's own, made and unmade by buildx.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use super::{App, UNWRITTEN};
use crate::cli::{Builder, BuilderVerb, CreateBuilder, OldBuilder};
use crate::diagnostic::Diagnostic;
use crate::docker::buildx::builders::{self, Kind};
use crate::docker::buildx::manage::{self, Creation, Node, PREFIX};
use crate::docker::{buildx, host};
use crate::failure::{Class, Failure};
use crate::process::{self, Command};
use crate::{report, settings};

/// How long buildx may take to list the builders: it gives each of them 20 seconds, side by side.
const PATIENCE: Duration = Duration::from_secs(60);

impl App<'_> {
    /// `dcb builder`.
    pub(super) async fn builder(&self, builder: &Builder) -> anyhow::Result<ExitCode> {
        match &builder.verb {
            BuilderVerb::Ls => self.list_builders().await,
            BuilderVerb::Create(create) => self.create_builder(create).await,
            BuilderVerb::Reset(old) => self.reset_builder(old).await,
            BuilderVerb::Rm(old) => self.remove_builder(old).await,
        }
    }

    async fn list_builders(&self) -> anyhow::Result<ExitCode> {
        let program = buildx::program(self.ambient, &self.config).await?;
        let command = manage::list(&program);
        if self.output.verbose {
            report::command(&command);
        }
        let said = process::output(&command, &self.ambient.directory, PATIENCE)
            .await
            .map_err(|error| {
                let message = format!("`docker buildx ls` failed: {error}");
                Failure::new(Class::BuilderUnreachable, message)
            })?;
        let listed = manage::listed(&said)?;
        let endpoint = host::resolve(self.ambient, &self.config)?;
        // Outside of a project only the environment says which.
        let asked = settings::named_builder(self.ambient, self.load().ok().as_ref())?;
        let name = asked.value.as_deref();
        let named = builders::look_up(name.into_iter(), self.ambient, &self.config, &endpoint);
        let (used, why) = match named.first() {
            Some((name, Ok(Kind::Own(_)))) => (name.as_str(), format!("as {} says", asked.from)),
            Some((_, Ok(Kind::Engine))) => (
                endpoint.context(),
                format!("which is the engine, as {} says", asked.from),
            ),
            Some((_, Err(failure))) => return Err(failure.clone().into()),
            None => (
                endpoint.context(),
                "which is the engine: --builder, BUILDX_BUILDER or `x-dcb.builder` name another"
                    .to_owned(),
            ),
        };
        let table = report::builders(&listed, used);
        report::result(&format!("{table}\n* dcb builds with `{used}`, {why}\n"))
            .context(UNWRITTEN)?;
        Ok(ExitCode::SUCCESS)
    }

    async fn create_builder(&self, create: &CreateBuilder) -> anyhow::Result<ExitCode> {
        let name = self.builder_name(create.name.as_deref())?;
        if manage::exists(&name, self.ambient, &self.config) {
            let message = format!("there is a builder `{name}` already");
            let failure = Failure::new(Class::Usage, message)
                .hint(format!("make it anew as it was: dcb builder reset {name}"))
                .hint(format!("or remove it: dcb builder rm {name}"));
            return Err(failure.into());
        }
        let program = buildx::program(self.ambient, &self.config).await?;
        let creation = Creation {
            name,
            driver: create.driver.clone(),
            nodes: vec![Node {
                name: None,
                endpoint: create.endpoint.clone(),
                options: create.driver_options.clone(),
                flags: Vec::new(),
                platforms: create.platforms.clone(),
                config: create.config.clone(),
            }],
        };
        let commands = manage::create(&program, &creation, create.bootstrap);
        let code = self.carry_out(&commands, create.dry_run)?;
        if !create.dry_run && code == ExitCode::SUCCESS {
            let note = Diagnostic::note(format!("nothing builds with `{}` yet", creation.name))
                .help(format!(
                    "build with it: dcb build --builder {}",
                    creation.name
                ))
                .help(format!(
                    "always: `x-dcb: {{ builder: {} }}` in the compose file",
                    creation.name
                ));
            report::diagnostics(&[note], self.ambient.stderr);
        }
        Ok(code)
    }

    async fn reset_builder(&self, old: &OldBuilder) -> anyhow::Result<ExitCode> {
        let name = self.builder_name(old.name.as_deref())?;
        let program = buildx::program(self.ambient, &self.config).await?;
        let private = tempfile::tempdir().context("failed to make a temporary directory")?;
        let creation = manage::recall(&name, self.ambient, &self.config, private.path())?;
        if !old.dry_run {
            self.agreed(
                old.yes,
                &format!("remove the builder `{name}` with its cache, and create it again?"),
            )?;
        }
        let mut commands = vec![manage::remove(&program, &name)];
        commands.extend(manage::create(&program, &creation, false));
        self.carry_out(&commands, old.dry_run)
    }

    async fn remove_builder(&self, old: &OldBuilder) -> anyhow::Result<ExitCode> {
        let name = self.builder_name(old.name.as_deref())?;
        let program = buildx::program(self.ambient, &self.config).await?;
        if !manage::exists(&name, self.ambient, &self.config) {
            return Err(builders::unknown(&name, self.ambient, &self.config).into());
        }
        if !old.dry_run {
            self.agreed(
                old.yes,
                &format!("remove the builder `{name}` with its cache?"),
            )?;
        }
        self.carry_out(&[manage::remove(&program, &name)], old.dry_run)
    }

    /// The name that was typed, else that of the project's own builder.
    fn builder_name(&self, typed: Option<&str>) -> Result<String, Failure> {
        let name = match typed {
            Some(name) => name.to_owned(),
            None => format!("{PREFIX}{}", self.load()?.name),
        };
        Ok(manage::own_name(&name)?.to_owned())
    }

    /// Runs `commands` on this terminal one after another, until one fails; or shows them.
    fn carry_out(&self, commands: &[Command], dry_run: bool) -> anyhow::Result<ExitCode> {
        for command in commands {
            if dry_run {
                report::result(&format!("{command}\n")).context(UNWRITTEN)?;
                continue;
            }
            if self.output.verbose {
                report::command(command);
            }
            let status = process::run(command, &self.ambient.directory).map_err(|error| {
                let program = command.program.display();
                Failure::new(
                    Class::BuildxMissing,
                    format!("failed to run `{program}`: {error}"),
                )
            })?;
            if !status.success() {
                return Ok(ExitCode::from(Class::BuilderUnreachable.exit_code()));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
