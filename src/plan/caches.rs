//! The caches that services name: read, completed, and left to what each builder can do.
//!
//! What is written wrongly is refused with its place. What a builder cannot do is left out, as the
//! table of keys has it; so is the cache of GitHub Actions outside of it. And two builds of one run
//! never write one place: of two indexes one would be lost. Of a directory each gets a part.

mod parts;

use std::path::Path;

use super::guard::{self, Asked, Ground};
use super::{Inputs, Job, Request};
use crate::compose::{Build, Project, Service, Value};
use crate::diagnostic::{Diagnostic, Span};
use crate::docker::cache_entry::Mistake;
use crate::docker::{CacheEntry, CacheKey, CacheKind, Strategy};
use crate::failure::{Class, Failure};

pub(super) use parts::Parts;

/// The argument that asks for the cache in the image, from before `cache_to` could.
const INLINE_ARGUMENT: &str = "BUILDKIT_INLINE_CACHE";

/// Refuses what is written wrongly, all of it at once.
pub(super) fn check(
    project: &Project,
    services: &[(&Service, &Build)],
    inputs: &Inputs,
) -> Result<(), Failure> {
    let builds = services.iter().flat_map(|(service, own)| {
        let forms = inputs.forms(&service.name).iter();
        forms.map(|form| (*service, form.build(own)))
    });
    let mut wrong = Vec::new();
    for (service, build) in builds {
        for key in [CacheKey::From, CacheKey::To] {
            for (index, text) in written(build, key).iter().enumerate() {
                let Err(Mistake { message, help }) = CacheEntry::parse(key, text) else {
                    continue;
                };
                let name = &service.name;
                let message = format!("`{}` of service `{name}` {message}", key.name());
                let at = place(project, service, build, key, index);
                wrong.push(Diagnostic::error(message).at(at, "").help(help));
            }
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let message = "caches are written wrongly";
    Err(Failure::found(Class::CacheConfig, message, wrong))
}

/// The entries of a service under `key` that `strategy` can use, and what there is to tell of those
/// left out that is not in the table of keys.
pub(super) fn of(
    project: &Project,
    parts: &Parts,
    asked: &Asked<'_>,
    key: CacheKey,
    strategy: &Strategy,
    ground: Ground<'_>,
) -> (Vec<CacheEntry>, Vec<Diagnostic>) {
    let Asked {
        service,
        build,
        request,
        ..
    } = asked;
    let mut usable: Vec<CacheEntry> = Vec::new();
    let mut told = Vec::new();
    for (index, text) in written(build, key).iter().enumerate() {
        for mut entry in CacheEntry::parse(key, text).unwrap_or_default() {
            if guard::lacks_form(key.name(), entry.kind.id(), strategy, asked, ground) {
                continue;
            }
            let at = place(project, service, build, key, index);
            entry.rebase(&request.directory);
            if let Err(variables) = entry.complete(|name| request.cache_variables.get(name)) {
                told.push(without(service, &entry, variables, at));
                continue;
            }
            entry.at = Some(at);
            for part in parts.divide(entry, &service.name) {
                if !usable.contains(&part) {
                    usable.push(part);
                }
            }
        }
    }
    let inline = CacheEntry::new(key, CacheKind::Inline);
    if key == CacheKey::To
        && asks_inline(build, request)
        && *strategy == Strategy::BuildKit
        && !usable.contains(&inline)
    {
        usable.push(inline);
    }
    (usable, told)
}

/// The caches that the services of a project name, with their places, whatever the builder here can do
/// with them. Relative directories begin at `base`.
pub fn named(project: &Project, inputs: &Inputs, base: &Path) -> Vec<(String, CacheEntry)> {
    let parts = Parts::of(project, inputs, base);
    let mut named: Vec<(String, CacheEntry)> = Vec::new();
    for service in project.services.values() {
        let Some(own) = &service.build else { continue };
        for form in inputs.forms(&service.name) {
            let build = form.build(own);
            for key in [CacheKey::From, CacheKey::To] {
                for (index, text) in written(build, key).iter().enumerate() {
                    for mut entry in CacheEntry::parse(key, text).unwrap_or_default() {
                        entry.rebase(base);
                        entry.at = Some(place(project, service, build, key, index));
                        let divided = parts.divide(entry, &service.name).into_iter();
                        named.extend(divided.map(|entry| (service.name.clone(), entry)));
                    }
                }
            }
        }
    }
    named
}

/// The first entry of a kind that a build names, as it is told to people.
pub(super) fn first(build: &Build, key: CacheKey, kind: CacheKind) -> Option<String> {
    written(build, key)
        .iter()
        .filter_map(|text| CacheEntry::parse(key, text).ok())
        .flatten()
        .find(|entry| entry.kind == kind)
        .map(|entry| entry.to_string())
}

/// Where the project names caches of this kind for all services, when those of a build come from there.
pub(super) fn lent<'a>(build: &'a Build, key: &str, kind: &str) -> Option<&'a Span> {
    let key = [CacheKey::From, CacheKey::To]
        .into_iter()
        .find(|known| known.name() == key)?;
    let is_it = |text: &String| {
        let entries = CacheEntry::parse(key, text).unwrap_or_default();
        entries.iter().any(|entry| entry.kind.id() == kind)
    };
    let index = written(build, key).iter().position(is_it)?;
    build.keys.get(&format!("{}.{index}", key.name()))
}

fn written(build: &Build, key: CacheKey) -> &[String] {
    match key {
        CacheKey::From => &build.cache_from,
        CacheKey::To => &build.cache_to,
    }
}

/// Whether the arguments ask for the cache in the image.
fn asks_inline(build: &Build, request: &Request) -> bool {
    let value = request
        .build_args
        .get(INLINE_ARGUMENT)
        .or_else(|| build.args.get(INLINE_ARGUMENT));
    value.is_some_and(|value| matches!(value.as_str(), "1" | "t" | "T" | "true" | "TRUE" | "True"))
}

/// Where an entry is written: the item itself, else what the project says for all services, else its
/// key. A build may come from another file than the project, which has other items.
fn place(project: &Project, service: &Service, build: &Build, key: CacheKey, index: usize) -> Span {
    let path = ["services", &service.name, "build", key.name()];
    let item = project.tree.at(&path).and_then(|node| match &node.value {
        Value::List(items) => items.get(index),
        _ => None,
    });
    let same = |text: String| Some(&text) == written(build, key).get(index);
    match item {
        Some(item) if item.scalar_text().is_some_and(same) => item.span.clone(),
        _ => {
            let keys = &build.keys;
            let entry = keys.get(&format!("{}.{index}", key.name()));
            let at = entry.or_else(|| keys.get(key.name()));
            at.unwrap_or(&build.at).clone()
        }
    }
}

fn without(service: &Service, entry: &CacheEntry, variables: &[&str], at: Span) -> Diagnostic {
    let message = format!(
        "`{}` ({entry}) of service `{}` needs {}, which are not set, and is left out",
        entry.key.name(),
        service.name,
        crate::human::list(variables)
    );
    Diagnostic::warning(message).at(at, "").help(
        "it works in GitHub Actions only, where a step has to hand these variables on; or write them as `token=` and `url=`",
    )
}

/// Refuses jobs that would write one directory, and warns of those that write one place elsewhere:
/// the last to be done would be all that is kept.
pub(super) fn conflicts(jobs: &[Job]) -> Result<Vec<Diagnostic>, Failure> {
    let mut refused = Vec::new();
    let mut told = Vec::new();
    let mut seen: Vec<(&Job, &CacheEntry)> = Vec::new();
    for job in jobs {
        for entry in &job.attempt.spec.cache_to {
            let other = seen
                .iter()
                .find(|(other, kept)| other.id != job.id && same_place(kept, entry));
            if let Some((other, kept)) = other {
                let (one, two) = (&other.service, &job.service);
                let (list, message) = if entry.kind == CacheKind::Local {
                    let directory = entry.directory().unwrap_or(Path::new("")).display();
                    let text = format!(
                        "services `{one}` and `{two}` would write their caches into one directory, `{directory}`"
                    );
                    (&mut refused, Diagnostic::error(text))
                } else {
                    let text = format!(
                        "services `{one}` and `{two}` write their caches to one place, where only the last is kept: {entry}"
                    );
                    (&mut told, Diagnostic::warning(text))
                };
                list.push(at_both(message, entry, kept).help(remedy(entry, two)));
            }
            seen.push((job, entry));
        }
    }
    if refused.is_empty() {
        return Ok(told);
    }
    let message = "caches of different services stand in each other's way";
    Err(Failure::found(Class::CacheConfig, message, refused))
}

fn at_both(diagnostic: Diagnostic, entry: &CacheEntry, other: &CacheEntry) -> Diagnostic {
    match (&entry.at, &other.at) {
        (Some(at), Some(other)) if at != other => diagnostic
            .at(at.clone(), "")
            .see(other.clone(), "written here too"),
        (Some(at), _) => diagnostic.at(at.clone(), ""),
        (None, _) => diagnostic,
    }
}

fn remedy(entry: &CacheEntry, service: &str) -> String {
    match entry.kind {
        CacheKind::Local => {
            let own = entry.directory().unwrap_or(Path::new("")).join(service);
            format!(
                "give each service a directory of its own: type=local,dest={}",
                own.display()
            )
        }
        CacheKind::Gha => {
            format!("give each service a scope of its own: type=gha,scope={service}")
        }
        _ => format!("give each service a place of its own, such as one named after `{service}`"),
    }
}

/// Whether two entries write the same place.
fn same_place(one: &CacheEntry, other: &CacheEntry) -> bool {
    let places: &[&str] = match one.kind {
        CacheKind::Inline => return false,
        CacheKind::Registry => &["ref"],
        CacheKind::Local => &["dest"],
        CacheKind::Gha => &["scope"],
        CacheKind::S3 => &["bucket", "prefix", "name"],
        CacheKind::AzureBlob => &["account_url", "container", "prefix", "name"],
    };
    one.kind == other.kind
        && places
            .iter()
            .all(|place| one.attribute(place) == other.attribute(place))
}
