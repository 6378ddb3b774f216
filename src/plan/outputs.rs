//! Results that are to be no images of the engine: which jobs have one, and where it goes.
//!
//! Only the services that are asked for are written. What they begin with is built into the engine
//! as ever; a service that is asked for and that another begins with is both.

use std::path::{Component, Path, PathBuf};

use super::{Job, Reason, Request};
use crate::docker::{Destination, Output, OutputForm};
use crate::event::JobId;
use crate::failure::{Class, Failure};
use crate::human;

/// What stands for the name of the service in a destination.
const SERVICE: &str = "{service}";

/// `jobs` with the outputs that `request` asks for.
///
/// # Errors
/// When several results would be written to one place.
pub(super) fn assign(mut jobs: Vec<Job>, request: &Request) -> Result<Vec<Job>, Failure> {
    let Some(output) = &request.output else {
        return Ok(jobs);
    };
    let asked: Vec<JobId> = jobs
        .iter()
        .filter(|job| job.because == Reason::Asked)
        .map(|job| job.id)
        .collect();
    if asked.len() > 1 && !may_be_several(output) {
        let services = asked.iter().map(|id| jobs[id.0].service.as_str());
        return Err(several(output, services));
    }
    for id in &asked {
        let output = of(output, &jobs[id.0].service, asked.len() > 1);
        if jobs.iter().any(|other| other.needs.contains(id)) {
            let mut copy = jobs[id.0].clone();
            copy.id = JobId(jobs.len());
            copy.needs = vec![*id];
            set(&mut copy, output);
            jobs.push(copy);
        } else {
            set(&mut jobs[id.0], output);
        }
    }
    Ok(jobs)
}

fn set(job: &mut Job, output: Output) {
    for detour in &mut job.detours {
        detour.attempt.spec.output = Some(output.clone());
    }
    job.attempt.spec.output = Some(output);
}

/// Whether results of several services have places of their own.
fn may_be_several(output: &Output) -> bool {
    match &output.to {
        Destination::Stdout => false,
        Destination::Path(path) => output.form == OutputForm::Local || names_service(path),
    }
}

fn names_service(path: &Path) -> bool {
    path.to_string_lossy().contains(SERVICE)
}

/// The output of one service: in a directory of its own when there are several.
fn of(output: &Output, service: &str, several: bool) -> Output {
    let to = match &output.to {
        Destination::Path(path) if names_service(path) => {
            let path = path.to_string_lossy().replace(SERVICE, &name(service));
            Destination::Path(path.into())
        }
        Destination::Path(path) if several => Destination::Path(path.join(name(service))),
        to => to.clone(),
    };
    Output {
        to,
        ..output.clone()
    }
}

/// A service's name as that of a directory; Compose allows `..` for one.
fn name(service: &str) -> String {
    let path = PathBuf::from(service);
    match path.components().next() {
        Some(Component::Normal(_)) => service.to_owned(),
        _ => format!("_{service}"),
    }
}

fn several<'a>(output: &Output, services: impl Iterator<Item = &'a str>) -> Failure {
    let services: Vec<&str> = services.collect();
    let example = match &output.to {
        Destination::Stdout => format!("type={},dest={SERVICE}.tar", output.form),
        Destination::Path(path) => {
            let suffix = path.extension().unwrap_or_default().to_string_lossy();
            let path = path.with_extension("");
            format!(
                "type={},dest={}-{SERVICE}.{suffix}",
                output.form,
                path.display()
            )
        }
    };
    Failure::new(
        Class::Usage,
        format!(
            "--output names one place, and the results are several: {}",
            human::list(&services)
        ),
    )
    .hint(format!(
        "give each a file of its own: --output {}",
        example.trim_end_matches('.')
    ))
    .hint(format!(
        "or name one service: dcb build ... {}",
        services[0]
    ))
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;

    use super::*;

    fn local(path: &str) -> Output {
        Output {
            form: OutputForm::Local,
            to: Destination::Path(path.into()),
            options: IndexMap::new(),
        }
    }

    #[test]
    fn several_results_have_a_directory_each() {
        for (path, service, several, place) in [
            ("/out", "web", false, "/out"),
            ("/out", "web", true, "/out/web"),
            ("/out/{service}/files", "web", true, "/out/web/files"),
            ("/out/{service}", "web", false, "/out/web"),
            ("/out", "..", true, "/out/_.."),
        ] {
            let output = of(&local(path), service, several);
            assert_eq!(output.to, Destination::Path(place.into()), "{path}");
        }
    }
}
