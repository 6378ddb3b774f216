//! What a check found: what was seen, what follows from it for this project, and what mends it.

use std::path::PathBuf;

use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::failure::Failure;

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How grave it is for this project.
    pub severity: Severity,
    /// What was seen: a lowercase fragment.
    pub evidence: String,
    /// What follows from it for this project; empty where the evidence says it.
    pub consequence: String,
    /// What mends it, best first; a command where there is one.
    pub remedy: Vec<String>,
    /// Where it is, when it is in a file.
    pub place: Option<Span>,
    /// What dcb can do about it by itself.
    pub fix: Option<Fix>,
}

/// Something that `--fix` does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    /// Merges `{"features": {"buildkit": true}}` into the engine's configuration.
    SwitchBuildKitOn(PathBuf),
    /// Writes a starting `.dockerignore` into this directory, which leaves these names out.
    WriteIgnoreFile(PathBuf, Vec<String>),
    /// Moves this directory aside, which keeps a damaged cache.
    MoveAside(PathBuf),
    /// Lets this plugin of the user's own be run.
    MakeExecutable(PathBuf),
    /// Removes this plugin of the user's own, which is a link to nothing.
    RemoveLink(PathBuf),
    /// Adds `COMPOSE_BAKE=false` to this `.env` file of the project.
    SwitchBakeOff(PathBuf),
}

impl Fix {
    /// Whether it is done only for a check that is named: it changes a file of the project that others
    /// read too, for the sake of what is typed without dcb.
    pub fn must_be_named(&self) -> bool {
        matches!(self, Self::SwitchBakeOff(_))
    }
}

impl Finding {
    fn new(severity: Severity, evidence: impl Into<String>) -> Self {
        Self {
            severity,
            evidence: evidence.into(),
            consequence: String::new(),
            remedy: Vec::new(),
            place: None,
            fix: None,
        }
    }

    /// It stops the build of this project.
    pub(super) fn error(evidence: impl Into<String>) -> Self {
        Self::new(Severity::Error, evidence)
    }

    /// It degrades the build of this project, or what comes after it.
    pub(super) fn warning(evidence: impl Into<String>) -> Self {
        Self::new(Severity::Warning, evidence)
    }

    /// It is good to know.
    pub(super) fn note(evidence: impl Into<String>) -> Self {
        Self::new(Severity::Note, evidence)
    }

    /// What a failure tells.
    pub(super) fn failure(failure: &Failure) -> Self {
        Self {
            remedy: failure.hints.clone(),
            ..Self::error(failure.message.clone())
        }
    }

    /// What a diagnostic tells, as grave as it says.
    pub(super) fn diagnostic(diagnostic: &Diagnostic) -> Self {
        Self {
            remedy: diagnostic.help.clone(),
            place: diagnostic.primary.as_ref().map(|(span, _)| span.clone()),
            ..Self::new(diagnostic.severity, diagnostic.message.clone())
        }
    }

    /// The same with what follows from it.
    #[must_use]
    pub(super) fn so(mut self, consequence: impl Into<String>) -> Self {
        self.consequence = consequence.into();
        self
    }

    /// The same with one more remedy.
    #[must_use]
    pub(super) fn mend(mut self, remedy: impl Into<String>) -> Self {
        self.remedy.push(remedy.into());
        self
    }

    /// The same with one remedy for each kind of packages.
    #[must_use]
    pub(super) fn install(mut self, packages: &[&str; 2]) -> Self {
        let [dockers, debians] = packages;
        self.remedy.extend([
            format!("from Docker's packages: sudo apt-get install {dockers}"),
            format!("from Debian's, 13 and later: sudo apt-get install {debians}"),
        ]);
        self
    }

    /// The same, at a place.
    #[must_use]
    pub(super) fn at(mut self, place: Span) -> Self {
        self.place = Some(place);
        self
    }

    /// The same, which dcb can mend.
    #[must_use]
    pub(super) fn fixed_by(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }
}
