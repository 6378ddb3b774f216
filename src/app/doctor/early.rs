//! What checks say before a build, when it is about to surprise: those that look only at what is known
//! by then.

use super::super::App;
use super::super::build::Found;
use super::contexts::{self, Depth};
use super::sight;
use crate::diagnostic::Diagnostic;
use crate::docker::detect;
use crate::docker::survey::{self, Ports};
use crate::doctor::{self, Seen};
use crate::plan::Plan;
use crate::report;

impl App<'_> {
    /// What the build of `plan` will stumble over, and the start after it: where `ports` are those that
    /// it wants.
    pub(in crate::app) fn forewarnings(
        &self,
        found: &Found,
        plan: &Plan,
        ports: Option<&Ports>,
    ) -> Vec<Diagnostic> {
        let loaded = &found.loaded;
        let dockerfiles = sight::read(&loaded.inputs, &loaded.project, Some(plan));
        let chosen = dockerfiles.iter().filter(|read| read.chosen);
        let contexts = contexts::look(chosen, &Depth::Named);
        let outlook = sight::outlook(plan);
        let seen = Seen {
            ports,
            config: Some(Ok(&self.config)),
            endpoint: Some(Ok(&found.endpoint)),
            project: Some(Ok(&loaded.project)),
            outlook: Some(Ok(&outlook)),
            dockerfiles: &dockerfiles,
            contexts: Some(&contexts),
            ..Seen::nothing(self.ambient)
        };
        let said = doctor::early(&seen, &loaded.extension.ignored_checks);
        report::forewarnings(&said)
    }

    /// The ports that `services` (all when empty) want, where somebody has them.
    pub(in crate::app) async fn ports(&self, found: &Found, services: &[String]) -> Option<Ports> {
        let facts = &found.engine.as_ref().ok()?.facts;
        let wanted: Vec<_> = doctor::published_ports(&found.loaded.project)
            .into_iter()
            .filter(|(service, ..)| services.is_empty() || services.contains(service))
            .map(|(_, binding, _)| binding)
            .collect();
        if wanted.is_empty() {
            return None;
        }
        let here = async || detect::runs_here(self.ambient, facts).await;
        let mut ports = survey::ports(facts, &wanted, here).await?;
        ports
            .published
            .retain(|other| wanted.iter().any(|it| other.binding.collides(it)));
        Some(ports)
    }
}
