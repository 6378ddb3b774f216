//! What checks say before a build, when it is about to surprise: those that look only at what is known
//! by then.

use super::super::App;
use super::super::build::Found;
use super::contexts::{self, Depth};
use super::sight;
use crate::diagnostic::Diagnostic;
use crate::doctor::{self, Seen};
use crate::plan::Plan;
use crate::report;

impl App<'_> {
    /// What the build of `plan` will stumble over.
    pub(in crate::app) fn forewarnings(&self, found: &Found, plan: &Plan) -> Vec<Diagnostic> {
        let loaded = &found.loaded;
        let dockerfiles = sight::read(&loaded.inputs, &loaded.project, Some(plan));
        let chosen = dockerfiles.iter().filter(|read| read.chosen);
        let contexts = contexts::look(chosen, &Depth::Named);
        let outlook = sight::outlook(plan);
        let seen = Seen {
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
}
