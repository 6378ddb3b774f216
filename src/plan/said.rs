//! What a plan says by itself: every service that gets another builder or another Dockerfile than
//! the one that is named, and why.

use indexmap::IndexMap;

use super::{Job, Reason};
use crate::compose::{self, Build, Project};
use crate::diagnostic::Diagnostic;
use crate::docker::{DockerfileSource, Strategy};

/// The notes on `jobs`, those that say the same together.
pub(super) fn notes(project: &Project, jobs: &[Job]) -> Vec<Diagnostic> {
    let mut said: IndexMap<(&Strategy, &str), Vec<String>> = IndexMap::new();
    for job in jobs {
        let attempt = &job.attempt;
        let service = project.services.get(&job.service);
        let named = service
            .and_then(|service| service.build.as_ref())
            .is_none_or(|build| is_named(build, &attempt.spec.dockerfile));
        let usual = named && attempt.strategy == Strategy::BuildKit;
        if usual || matches!(job.because, Reason::SameAs(_)) {
            continue;
        }
        let key = (&attempt.strategy, attempt.because.as_str());
        let what = if named {
            format!("`{}`", job.service)
        } else {
            format!("`{}` from `{}`", job.service, attempt.spec.dockerfile_name)
        };
        said.entry(key).or_default().push(what);
    }
    said.into_iter()
        .map(|((strategy, because), services)| {
            let services = services.join(", ");
            let builder = match strategy {
                Strategy::BuildKit => String::new(),
                Strategy::Buildx(name) => format!(": builder `{name}`"),
                Strategy::Classic => ": classic builder".to_owned(),
            };
            Diagnostic::note(format!("{services}{builder}, because {because}"))
        })
        .collect()
}

/// The services whose images are built and not pushed although that is asked for.
pub(super) fn not_pushed(project: &Project, jobs: &[Job]) -> Vec<Diagnostic> {
    jobs.iter()
        .filter(|job| job.push.is_empty())
        .flat_map(Job::services)
        .filter_map(|name| project.services.get(name))
        .map(|service| {
            let name = &service.name;
            Diagnostic::note(format!("`{name}` is not pushed: it has no `image:`"))
                .at(service.at.clone(), "")
        })
        .collect()
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
