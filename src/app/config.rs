//! `config` and `env`: what the project is, and where its values come from.

use std::collections::BTreeSet;
use std::mem::ManuallyDrop;
use std::process::ExitCode;

use anyhow::Context;

use super::{App, load, unloadable, wait};
use crate::cli::{Config, ConfigFormat, Env};
use crate::compose::{self, Node, Project};
use crate::diagnostic::Diagnostic;
use crate::docker::compose_cli;
use crate::failure::{Class, Failure};
use crate::{human, report, settings};

impl App<'_> {
    /// `dcb config`.
    pub(super) fn show_config(&self, config: &Config) -> anyhow::Result<ExitCode> {
        if let Some(words) = config.for_compose() {
            return wait(self.hand_over(words));
        }
        let request = settings::project(self.ambient, &self.project_flags()?, &config.names)?;
        if config.variables && !config.quiet {
            let variables = compose::variables(&request).map_err(unloadable)?;
            let text = match config.format {
                Some(ConfigFormat::Json) => report::variables_json(&variables),
                _ => report::variables(&variables),
            };
            return self.write(config, &text);
        }
        // Taking trees of many thousand nodes apart is left to the end of the process.
        let project = ManuallyDrop::new(load(&request)?);
        project.select(&config.names).map_err(no_such_service)?;
        report::diagnostics(&project.notes, self.ambient.stderr);
        let tree = project.resolved(&config.names).map_err(|diagnostics| {
            Failure::found(
                Class::ComposeInvalid,
                "the compose project cannot be resolved",
                diagnostics,
            )
        });
        let tree = ManuallyDrop::new(tree?);
        if config.quiet {
            return Ok(ExitCode::SUCCESS);
        }
        let text = self.config_text(config, &project, &tree)?;
        self.write(config, &text)
    }

    fn write(&self, config: &Config, text: &str) -> anyhow::Result<ExitCode> {
        match &config.output {
            Some(file) => report::file(&self.ambient.directory.join(file), text)
                .map_err(|error| super::unwritten(file, &error))?,
            None => report::result(text).context(super::UNWRITTEN)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// `dcb env`.
    pub(super) fn show_env(&self, env: &Env) -> anyhow::Result<ExitCode> {
        let Some(name) = &env.name else {
            return wait(self.show_shell(env.shell));
        };
        let request = settings::project(self.ambient, &self.project_flags()?, &env.services)?;
        let project = load(&request)?;
        let whence = project
            .whence(name, &env.services)
            .map_err(no_such_service)?;
        let secrets = if env.show {
            report::Secrets::Shown
        } else {
            report::Secrets::Masked
        };
        report::env(name, &whence, secrets, self.ambient.stdout).context(super::UNWRITTEN)?;
        report::diagnostics(&whence.notes, self.ambient.stderr);
        let known = project.variables.keys().map(String::as_str);
        if whence.used.is_none()
            && !whence.is_set()
            && let Some(near) = human::nearest(name, known)
        {
            let note = Diagnostic::note(format!("no compose file uses `{name}`"));
            let note = note.help(format!("did you mean `{near}`?"));
            report::diagnostics(&[note], self.ambient.stderr);
        }
        Ok(if whence.is_set() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn config_text(
        &self,
        config: &Config,
        project: &Project,
        tree: &Node,
    ) -> anyhow::Result<String> {
        let json = config.format == Some(ConfigFormat::Json);
        let keys = |section: &str| lines(keys_of(tree, section));
        Ok(match config {
            Config { origin: true, .. } if json => report::origins_json(&project.name, tree),
            Config { origin: true, .. } => report::origins(tree, self.ambient.stdout),
            Config { services: true, .. } => keys("services"),
            Config { networks: true, .. } => keys("networks"),
            Config { volumes: true, .. } => keys("volumes"),
            Config { images: true, .. } => self.images(project, tree)?,
            Config { profiles: true, .. } => lines(project.profiles()),
            Config {
                environment: true, ..
            } => {
                let pairs = project.environment.iter();
                let sorted: BTreeSet<String> = pairs
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                lines(sorted)
            }
            _ if json => report::config_json(&tree.escaped()),
            _ => compose::to_yaml(&tree.escaped())
                .map_err(|why| anyhow::anyhow!("failed to write the project as YAML: {why}"))?,
        })
    }

    /// The images of the services shown, each once, by name.
    fn images(&self, project: &Project, tree: &Node) -> anyhow::Result<String> {
        let compose = wait(async { Ok(compose_cli::find(self.ambient, &self.config).await) })?;
        let separator = settings::separator(&self.flags, self.ambient, compose.as_ref());
        let services = keys_of(tree, "services");
        let names: BTreeSet<String> = services
            .filter_map(|name| project.services.get(&name))
            .map(|service| service.image_name(&project.name, separator))
            .collect();
        Ok(lines(names))
    }
}

fn no_such_service(unknown: Diagnostic) -> Failure {
    Failure {
        hints: unknown.help,
        ..Failure::new(Class::Usage, unknown.message)
    }
}

fn keys_of(tree: &Node, section: &str) -> impl Iterator<Item = String> {
    let map = tree.get(section).and_then(Node::as_map);
    map.into_iter().flat_map(|map| map.keys().cloned())
}

fn lines(items: impl IntoIterator<Item = String>) -> String {
    items.into_iter().map(|item| item + "\n").collect()
}
