//! What a plan says by itself: every service that gets another builder or another Dockerfile than
//! the one that is named, and why.

use indexmap::IndexMap;

use super::{Job, Reason};
use crate::compose::{self, Build, Project};
use crate::diagnostic::Diagnostic;
use crate::docker::{DockerfileSource, Strategy};
use crate::human;

/// The notes on `jobs`, those that say the same together.
pub(super) fn notes(project: &Project, jobs: &[Job]) -> Vec<Diagnostic> {
    let mut classic: IndexMap<&str, Vec<&str>> = IndexMap::new();
    let mut other: IndexMap<&str, Vec<String>> = IndexMap::new();
    for job in jobs {
        if matches!(job.because, Reason::SameAs(_)) {
            continue;
        }
        let attempt = &job.attempt;
        let service = project.services.get(&job.service);
        let build = service.and_then(|service| service.build.as_ref());
        if attempt.strategy == Strategy::Classic {
            let services = classic.entry(&attempt.because).or_default();
            services.push(&job.service);
        } else if build.is_some_and(|build| !is_named(build, &attempt.spec.dockerfile)) {
            let name = &attempt.spec.dockerfile_name;
            let services = other.entry(&attempt.because).or_default();
            services.push(format!("{} from {name}", job.service));
        }
    }
    let classic = classic.into_iter().map(|(because, services)| {
        let services = human::list(services);
        Diagnostic::note(format!("{services}: classic builder, because {because}"))
    });
    let other = other.into_iter().map(|(because, services)| {
        let services = human::list(services);
        Diagnostic::note(format!("{services}, because {because}"))
    });
    classic.chain(other).collect()
}

/// Whether `source` is the Dockerfile that the service names.
fn is_named(build: &Build, source: &DockerfileSource) -> bool {
    match (&build.dockerfile, source) {
        (
            compose::Dockerfile::File(named),
            DockerfileSource::File(path) | DockerfileSource::Instead(path, _),
        ) => named == path,
        _ => true,
    }
}
