//! `up` and the verbs that are an `up` with something before it: `dev`, `rebuild`, `reset`.
//!
//! ```text
//! up, dev     build ─────────────────────────────────────────────> up
//! rebuild     build ─> pull ─> down ─────────────────────────────> up
//! reset       ask ─> build ─> pull ─> take away all but what was just built ──> up
//! ```
//!
//! What runs is touched when its successor is there: a build that fails costs nothing.

use std::process::ExitCode;

use anyhow::Context;
use indexmap::IndexSet;

use super::build::{Found, exit_code, is_built};
use super::clean::api;
use super::handover::Handover;
use super::outgoing::Caches;
use super::{App, UNWRITTEN};
use crate::cli::{BuildFlags, Up};
use crate::compose::Project;
use crate::diagnostic::Diagnostic;
use crate::docker::api::Api;
use crate::docker::belongings::{Belongings, Unnamed, Whose};
use crate::docker::compose_cli;
use crate::failure::Failure;
use crate::process::Command;
use crate::report::Leave;
use crate::settings::Typed;
use crate::{human, report, settings};

/// What comes between building and starting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Nothing: Compose recreates what has changed.
    Straight,
    /// What runs is taken down.
    Down,
    /// All that the project has is taken away.
    Reset {
        /// Whether nobody is asked.
        yes: bool,
    },
}

/// What `dcb reset` takes away.
struct Outgoing {
    api: Api,
    whose: Whose,
    caches: Caches,
}

impl App<'_> {
    /// `dcb up` and its kin; `verb` is the one that was typed.
    pub(super) async fn up(&self, verb: &str, up: &Up, way: Way) -> anyhow::Result<ExitCode> {
        if up.no_build {
            return self.up_without_building(up).await;
        }
        let found = self
            .look(self.typed(&up.flags, &up.services, up.pulls()))
            .await?;
        let compose = found.compose.as_ref().ok_or_else(compose_cli::missing)?;
        let project = &found.loaded.project;
        let services = started(project, up);
        let typed = Typed {
            to_start: true,
            ..self.typed(&up.flags, &services, up.pulls())
        };
        let mut plan = self.plan(typed, &found).await?;
        let handover = Handover {
            compose,
            flags: &found.loaded.flags,
            project: Some(project),
            stdin: found.loaded.stdin.as_deref(),
            app: self,
        };
        let pulled = pulled(project, &services);
        let pull = (up.pulls() && !pulled.is_empty()).then(|| handover.pull(pulled));
        let between: Vec<Command> = pull
            .into_iter()
            .chain(down(way, &handover, &up.services))
            .collect::<Result<_, Failure>>()?;
        let command = handover.up(up)?;
        let outgoing = match way {
            Way::Reset { yes } => Some(self.agree_to_reset(&found, up, yes).await?),
            Way::Straight | Way::Down => None,
        };
        if up.dry_run {
            report::diagnostics(&plan.notes, self.ambient.stderr);
            report::plan(&plan, None, self.detail(), self.ambient.stdout).context(UNWRITTEN)?;
            for command in between.iter().chain([&command]) {
                report::command_only(command).context(UNWRITTEN)?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        let ports = self.ports(&found, &services).await;
        plan.notes
            .extend(self.forewarnings(&found, &plan, ports.as_ref()));
        let ended = self
            .execute(verb, &plan, up.quiet_build, found.engine)
            .await?;
        if !ended.iter().all(is_built) {
            return Ok(exit_code(&ended));
        }
        for command in &between {
            if let Some(code) = self.run_compose(command)? {
                return Ok(code);
            }
        }
        if let Some(outgoing) = outgoing {
            self.take_away_before(outgoing).await?;
        }
        Err(self.become_compose(&command).into())
    }

    /// `dcb up --no-build`: all of it is Compose's work.
    async fn up_without_building(&self, up: &Up) -> anyhow::Result<ExitCode> {
        let compose = self.compose().await?;
        let flags = self.project_flags()?;
        let command = Handover::bare(self, &compose, &flags).up(up)?;
        if up.dry_run {
            report::command_only(&command).context(UNWRITTEN)?;
            return Ok(ExitCode::SUCCESS);
        }
        Err(self.become_compose(&command).into())
    }

    /// Lists what `dcb reset` takes away and asks, unless it is only to be shown.
    async fn agree_to_reset(&self, found: &Found, up: &Up, yes: bool) -> anyhow::Result<Outgoing> {
        let (api, whose) = (api(found)?, self.own(found));
        let goes = api.belongings(&whose).await?;
        let caches = self.caches_before(found, &goes, &up.flags).await;
        let outgoing = Outgoing { api, whose, caches };
        let leave = Leave {
            goes: &goes,
            stays: &Belongings::default(),
            everybody: false,
            project: &found.loaded.project.name,
            caches: outgoing.caches.going(),
            remarks: outgoing.caches.staying(),
        };
        if up.dry_run {
            report::result(&leave.list()).context(UNWRITTEN)?;
        } else if !leave.is_empty() {
            report::note(&leave.list());
            let short = leave.in_short();
            let question = format!("build everything anew, then remove {short} and start again?");
            self.agreed(yes, &question)?;
        }
        Ok(outgoing)
    }

    /// What becomes of the caches that earlier builds left. A directory is written anew by the build of
    /// `reset`, and what that build takes from the cache is not to go.
    async fn caches_before(&self, found: &Found, goes: &Belongings, flags: &BuildFlags) -> Caches {
        if settings::builds_all_anew(flags) {
            let selection = settings::outgoing(false, !goes.images.is_empty());
            self.caches(found, selection).await
        } else {
            let how = flags.no_cache.iter().map(|of| format!("--no-cache={of}"));
            let how = human::list(how);
            Caches::stay(format!("stays: the build cache, which {how} uses"))
        }
    }

    /// Takes away what was there before the images were built that are to be started.
    async fn take_away_before(&self, outgoing: Outgoing) -> Result<(), Failure> {
        let Outgoing { api, whose, caches } = outgoing;
        let mut rest = api.belongings(&whose).await?;
        rest.images.retain(|image| image.names.is_empty());
        if let Err(failure) = self.take_away(&api, &rest, Unnamed::Remove).await {
            // Nothing runs now, and that is worse than something that is left over.
            let warning = Diagnostic::warning(failure.to_string());
            report::diagnostics(&[warning], self.ambient.stderr);
        }
        caches.sweep_away(self).await;
        Ok(())
    }
}

/// What takes down the containers of `services`, or of the whole project.
fn down(
    way: Way,
    handover: &Handover<'_>,
    services: &[String],
) -> Option<Result<Command, Failure>> {
    match way {
        // What reset takes away goes with its volumes, and Compose would take those that others share.
        Way::Straight | Way::Reset { .. } => None,
        Way::Down if services.is_empty() => Some(handover.down(&[])),
        Way::Down => Some(handover.rm(services)),
    }
}

/// The services that `up` starts: those named and what they depend on, all when none is named.
fn started(project: &Project, up: &Up) -> Vec<String> {
    if up.leaves_dependencies() {
        return up.services.clone();
    }
    with_dependencies(project, &up.services)
}

/// `services` and all that they depend on.
pub(super) fn with_dependencies(project: &Project, services: &[String]) -> Vec<String> {
    let mut names: IndexSet<String> = services.iter().cloned().collect();
    let mut next = 0;
    while next < names.len() {
        if let Some(service) = project.services.get(&names[next]) {
            names.extend(service.depends_on.iter().cloned());
        }
        next += 1;
    }
    names.into_iter().collect()
}

/// The services of `names` (all when empty) whose images come from a registry.
fn pulled(project: &Project, names: &[String]) -> Vec<String> {
    project
        .services
        .values()
        .filter(|service| service.build.is_none())
        .map(|service| service.name.clone())
        .filter(|name| names.is_empty() || names.contains(name))
        .collect()
}
