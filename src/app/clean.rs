//! `dcb clean`: what the project has on the engine, shown first and then taken away.

use std::process::ExitCode;

use anyhow::Context;

use super::build::Found;
use super::handover::Handover;
use super::outgoing::Caches;
use super::{App, UNWRITTEN};
use crate::cli::{BuildFlags, Clean};
use crate::diagnostic::Diagnostic;
use crate::docker::api::Api;
use crate::docker::belongings::{Belongings, Unnamed, Whose};
use crate::docker::reference;
use crate::failure::{Class, Failure};
use crate::report::Leave;
use crate::{report, settings};

/// What is said of caches when all projects are meant.
const OF_OTHERS: &str = "stays: the build cache of all projects: dcb cache prune --all-projects";

impl App<'_> {
    /// `dcb clean`.
    pub(super) async fn clean(&self, clean: &Clean) -> anyhow::Result<ExitCode> {
        let flags = BuildFlags::default();
        let found = self.look(self.typed(&flags, &[], false)).await?;
        let whose = if clean.all_projects {
            Whose::Everybody
        } else {
            self.own(&found)
        };
        let mut goes = self.belongings(&found, &whose).await?;
        let mut stays = Belongings::default();
        if !clean.volumes {
            stays.volumes = std::mem::take(&mut goes.volumes);
        }
        let caches = if clean.all_projects {
            Caches::stay(OF_OTHERS.to_owned())
        } else {
            let selection = settings::outgoing(true, !goes.images.is_empty());
            self.caches(&found, selection).await
        };
        let leave = Leave {
            goes: &goes,
            stays: &stays,
            everybody: clean.all_projects,
            project: &found.loaded.project.name,
            caches: caches.going(),
            remarks: caches.staying(),
        };
        let list = leave.list();
        let goes_by_compose = !clean.all_projects && !clean.volumes && !goes.containers.is_empty();
        let down = match &found.compose {
            // Compose knows in which order the services of its project end.
            // But of volumes it takes those that other projects share, and leaves those without a name.
            Some(compose) if goes_by_compose => {
                let handover = Handover {
                    compose,
                    flags: &found.loaded.flags,
                    project: Some(&found.loaded.project),
                    stdin: found.loaded.stdin.as_deref(),
                    app: self,
                };
                Some(handover.down(&["--remove-orphans"])?)
            }
            _ => None,
        };
        if clean.dry_run {
            report::result(&list).context(UNWRITTEN)?;
            if let Some(command) = &down {
                report::command_only(command).context(UNWRITTEN)?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        report::note(&list);
        if leave.is_empty() {
            report::note("nothing to remove\n");
            return Ok(ExitCode::SUCCESS);
        }
        let short = leave.in_short();
        let of = if clean.all_projects {
            " of ALL projects"
        } else {
            ""
        };
        self.agreed(clean.yes, &format!("remove {short}{of}?"))?;
        if let Some(command) = &down
            && let Some(code) = self.run_compose(command)?
        {
            return Ok(code);
        }
        let unnamed = if clean.volumes {
            Unnamed::Remove
        } else {
            Unnamed::Keep
        };
        let taken = self.take_away(&api(&found)?, &goes, unnamed).await;
        caches.sweep_away(self).await;
        taken?;
        Ok(ExitCode::SUCCESS)
    }

    /// What the engine has of `whose`.
    pub(super) async fn belongings(
        &self,
        found: &Found,
        whose: &Whose,
    ) -> Result<Belongings, Failure> {
        api(found)?.belongings(whose).await
    }

    /// This project, with the names of the images that it builds.
    pub(super) fn own(&self, found: &Found) -> Whose {
        let mut images = Vec::new();
        let project = &found.loaded.project;
        let separator = settings::separator(&self.flags, self.ambient, found.compose.as_ref());
        for service in project.services.values() {
            let Some(build) = &service.build else {
                continue;
            };
            let name = service.image_name(&project.name, separator);
            let names = build.tags.iter().chain([&name]);
            images.extend(names.filter_map(|name| reference::normalize(name).ok()));
        }
        Whose::Project {
            name: project.name.clone(),
            images,
        }
    }

    /// Takes `goes` away.
    ///
    /// # Errors
    /// When the engine keeps some of it; each is told with the engine's reason.
    pub(super) async fn take_away(
        &self,
        api: &Api,
        goes: &Belongings,
        unnamed: Unnamed,
    ) -> Result<(), Failure> {
        let taken = api.take_away(goes, unnamed);
        let kept = self.waiting("taking away what is there", taken).await;
        if kept.is_empty() {
            return Ok(());
        }
        let told: Vec<Diagnostic> = kept
            .iter()
            .map(|failure| Diagnostic::warning(failure.to_string()))
            .collect();
        report::diagnostics(&told, self.ambient.stderr);
        let message = "the engine keeps some of what was to go; the rest is gone";
        Err(Failure::new(Class::DaemonError, message))
    }
}

/// The engine that was found, for everything but building.
pub(super) fn api(found: &Found) -> Result<Api, Failure> {
    let open = found.engine.as_ref().map_err(Failure::clone)?;
    Ok(Api::new(&open.facts.endpoint, open.facts.spoken()))
}
