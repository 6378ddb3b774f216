//! Checks of the compose project.

use std::collections::BTreeMap;

use super::{Cache, Check, Finding, Found, Place, Seen, caches, cli, ports};
use crate::compose::{Build, Dockerfile, Project, Value};
use crate::diagnostic::{Diagnostic, Severity};
use crate::docker::CacheKey;
use crate::docker::programs::Form;
use crate::docker::variables::DOCKER_BUILDKIT;
use crate::failure::{Class, Failure};
use crate::human;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "CMP-01",
        title: "the compose files can be understood",
        worst: Severity::Error,
        early: false,
        about: "The files are read as Compose reads them: variables, includes, merging, profiles and all keys.",
        mend: "Mend the places that are named; `dcb config` shows the project as it is in the end.",
        find: understood,
    },
    Check {
        id: "CMP-02",
        title: "there is something to build",
        worst: Severity::Warning,
        early: false,
        about: "No active service has a `build:` section. Perhaps a profile is not switched on.",
        mend: "`--profile NAME`, or another file: `-f FILE`.",
        find: something_to_build,
    },
    Check {
        id: "CMP-03",
        title: "no compose file uses DOCKER_BUILDKIT as a variable",
        worst: Severity::Note,
        early: false,
        about: "A warning that `DOCKER_BUILDKIT` is not set comes from a compose file that uses it as a variable; it says nothing about BuildKit.",
        mend: "Take the variable out of the compose file.",
        find: proof,
    },
    Check {
        id: "CMP-04",
        title: "the Compose that starts the services takes these files",
        worst: Severity::Warning,
        early: false,
        about: "dcb builds what this Compose could not, but `up` hands the same files over to it. Compose v1 refuses newer keys of `build:`.",
        mend: "Install a newer Compose: `sudo apt-get install docker-compose-plugin` (Docker's packages).",
        find: taken_by_compose,
    },
    Check {
        id: "CMP-05",
        title: "the builders here can keep and take the caches that are named",
        worst: Severity::Warning,
        early: false,
        about: "An engine that keeps its images in a store of its own can only put a cache into the image (`type=inline`); the classic builder and Podman's keep none. What cannot be kept or taken is left out, and the build goes on.",
        mend: "Have the engine keep its images in containerd (ENG-08), or build with a builder of your own: `dcb build --builder NAME`. The cache inside the engine works without any of it.",
        find: unusable_caches,
    },
    Check {
        id: "CMP-06",
        title: "each service keeps its cache in a place of its own",
        worst: Severity::Note,
        early: false,
        about: "Two services that write the same cache directory or reference overwrite each other. dcb keeps them apart; `docker compose build` does not, and side by side they break each other's files.",
        mend: "Give each service its own: `dest=.cache/web`, `dest=.cache/api`.",
        find: shared_caches,
    },
    Check {
        id: "CMP-07",
        title: "the secrets that builds ask for are there",
        worst: Severity::Error,
        early: false,
        about: "Each secret of `build: secrets:` must be a file that can be read or a variable that is set. Compose takes a variable that is not set for an empty secret, without a word.",
        mend: "Create the file, or `export NAME=…`.",
        find: secrets,
    },
    Check {
        id: "CMP-08",
        title: "the SSH agents that builds ask for answer",
        worst: Severity::Error,
        early: false,
        about: "`build: ssh:` forwards an agent. `SSH_AUTH_SOCK` must name a socket on which one listens, or the key files must be there.",
        mend: "`eval $(ssh-agent) && ssh-add`.",
        find: agents,
    },
    Check {
        id: "CMP-09",
        title: "there is a way to build every service",
        worst: Severity::Error,
        early: false,
        about: "A plan is made as `dcb build` makes it. What a builder here would ignore, build wrongly or die of is refused by name.",
        mend: "Leave out what is named, or build with an engine that can do it; `dcb plan -v` shows what becomes of each key.",
        find: way,
    },
    Check {
        id: "CMP-10",
        title: "the two forms of a Dockerfile make the same image",
        worst: Severity::Warning,
        early: false,
        about: "Where a Dockerfile has an optimised and a traditional form, both should have the stage that is asked for and the same `EXPOSE`: which one is built depends on the machine.",
        mend: "Bring the two files in line.",
        find: forms,
    },
    Check {
        id: "CMP-11",
        title: "the ports of the project are free",
        worst: Severity::Warning,
        early: true,
        about: "A port that another container or program has is no trouble to the build, and ends `up` after it.",
        mend: "Stop the owner, which is named where it is a container, or publish another port.",
        find: ports::find,
    },
    Check {
        id: "CMP-12",
        title: "nothing about the build needs a warning",
        worst: Severity::Warning,
        early: false,
        about: "The warnings and notes that `dcb build` tells before it begins: variables that are not set, keys that are left out, other Dockerfiles than the ones named. Those about caches are told by CMP-05.",
        mend: "Each says what it is about.",
        find: warnings,
    },
];

/// A failure that has its cause in a variable is told there.
const VARIABLE: &str = "a variable has a value that it cannot have (ENV-01)";

fn understood(seen: &Seen<'_>) -> Found {
    match seen.project {
        Some(Err(failure)) if failure.class == Class::Usage => Err(VARIABLE.into()),
        Some(Err(failure)) => Ok(all_of(failure)
            .map(|finding| finding.so("nothing of this project can be built"))
            .collect()),
        Some(Ok(_)) => Ok(Vec::new()),
        None => seen.project().map(|_| Vec::new()),
    }
}

/// Everything that a failure tells, each with its place.
fn all_of(failure: &Failure) -> impl Iterator<Item = Finding> + '_ {
    let placed = failure.diagnostics.iter();
    let placed = placed
        .filter(|it| it.severity == Severity::Error)
        .map(Finding::diagnostic);
    let alone = failure
        .diagnostics
        .is_empty()
        .then(|| Finding::failure(failure));
    placed.chain(alone)
}

fn something_to_build(seen: &Seen<'_>) -> Found {
    let project = seen.project()?;
    if project
        .services
        .values()
        .any(|service| service.build.is_some())
    {
        return Ok(Vec::new());
    }
    let finding = Finding::warning(format!(
        "no active service of `{}` has a `build:` section",
        project.name
    ))
    .so("`dcb build` has nothing to do");
    Ok(vec![if project.disabled.is_empty() {
        finding.mend("name another file: dcb -f FILE doctor")
    } else {
        finding.mend(format!(
            "switch on a profile, which {} wait for: dcb --profile NAME doctor",
            human::list(&project.disabled)
        ))
    }])
}

fn proof(seen: &Seen<'_>) -> Found {
    let project = seen.project()?;
    let Some(variable) = project.variables.get(DOCKER_BUILDKIT) else {
        return Ok(Vec::new());
    };
    let finding = Finding::note(format!(
        "the compose file uses {DOCKER_BUILDKIT} as a variable"
    ))
    .so("a warning that it is not set comes from here, and says nothing about BuildKit")
    .mend("leave it out");
    Ok(vec![match variable.places.first() {
        Some(place) => finding.at(place.clone()),
        None => finding,
    }])
}

/// The keys of `build:` in use that Compose v1 does not know.
fn too_new_for_v1(build: &Build) -> impl Iterator<Item = &str> {
    const KNOWN: [&str; 12] = [
        "context",
        "dockerfile",
        "args",
        "labels",
        "cache_from",
        "network",
        "target",
        "shm_size",
        "isolation",
        "extra_hosts",
        "ulimits",
        "no_cache",
    ];
    let inline = matches!(build.dockerfile, Dockerfile::Inline(..));
    let keys = build.keys.keys().map(String::as_str);
    // What the project says for all services stands below `x-dcb`, which Compose passes over.
    let is_lent = |key: &str| build.keys.contains_key(&format!("{key}.0"));
    keys.filter(move |key| !KNOWN.contains(key) && !key.contains('.') && !is_lent(key))
        .chain(inline.then_some("dockerfile_inline"))
}

fn taken_by_compose(seen: &Seen<'_>) -> Found {
    let project = seen.project()?;
    let Some(compose) = &seen.programs()?.compose else {
        return Err("there is no Docker Compose (CLI-03)".into());
    };
    if compose.form != Form::V1 {
        return Ok(Vec::new());
    }
    let builds = project
        .services
        .values()
        .filter_map(|service| Some((service, service.build.as_ref()?)));
    Ok(builds
        .filter_map(|(service, build)| {
            let mut keys: Vec<&str> = too_new_for_v1(build).collect();
            keys.sort_unstable();
            keys.dedup();
            let first = keys.first()?;
            let at = build.keys.get(*first).unwrap_or(&build.at);
            Some(
                Finding::warning(format!(
                    "Compose v1 does not know {} of `{}`",
                    human::list(&keys),
                    service.name
                ))
                .so("`dcb build` works; `dcb up` hands over to a Compose that refuses the file")
                .install(cli::COMPOSE_PACKAGES)
                .at(at.clone()),
            )
        })
        .collect())
}

fn shared_caches(seen: &Seen<'_>) -> Found {
    let mut known: Vec<Cache> = Vec::new();
    let mut found = Vec::new();
    for cache in caches(seen.project()?, &seen.ambient.directory)
        .into_iter()
        .filter(|cache| cache.written)
    {
        let same = |other: &&Cache| other.place == cache.place && other.service != cache.service;
        match known.iter().find(same) {
            Some(other) => {
                let place = match &cache.place {
                    Place::Directory(path) => path.display().to_string(),
                    Place::Registry(name) => name.clone(),
                };
                found.push(
                    Finding::note(format!(
                        "`{}` and `{}` both keep their cache at `{place}`",
                        other.service, cache.service
                    ))
                    .so("dcb keeps them apart; with `docker compose build` the one that ends last overwrites the other's")
                    .mend("give each service a place of its own")
                    .at(cache.at),
                );
            }
            None => known.push(cache),
        }
    }
    Ok(found)
}

/// What is missing of one class.
fn missing(seen: &Seen<'_>, class: Class) -> Found {
    seen.project()?;
    let of_class = seen.missing.iter().filter(|(own, _)| *own == class);
    Ok(of_class
        .map(|(_, diagnostic)| Finding::diagnostic(diagnostic).so(REFUSED))
        .collect())
}

/// What follows from what a plan refuses.
pub(super) const REFUSED: &str = "`dcb build` refuses it before anything is built";

fn secrets(seen: &Seen<'_>) -> Found {
    missing(seen, Class::SecretMissing)
}

fn agents(seen: &Seen<'_>) -> Found {
    missing(seen, Class::SshMissing)
}

/// What the plan refuses, without what other checks tell of.
pub(super) fn refused<'a>(seen: &Seen<'a>) -> Vec<&'a Diagnostic> {
    let Some(Err(failure)) = seen.outlook else {
        return Vec::new();
    };
    let is_missing = |it: &Diagnostic| seen.missing.iter().any(|(_, missing)| missing == it);
    let all = failure.diagnostics.iter();
    all.filter(|it| it.severity == Severity::Error && !is_missing(it))
        .collect()
}

/// Whether a diagnostic points into a Dockerfile.
pub(super) fn is_in_dockerfile(seen: &Seen<'_>, diagnostic: &Diagnostic) -> bool {
    let Some((span, _)) = &diagnostic.primary else {
        return false;
    };
    seen.dockerfiles
        .iter()
        .any(|read| read.source.name == span.source.name)
}

fn way(seen: &Seen<'_>) -> Found {
    seen.project()?;
    let failure = match seen.outlook {
        Some(Err(failure)) => failure,
        Some(Ok(_)) => return Ok(Vec::new()),
        None => return Err("no plan was made".into()),
    };
    match failure.class {
        Class::Usage => return Err(VARIABLE.into()),
        // Nothing says that a build would fail; it would be as slow.
        Class::DaemonHung => {
            return Ok(vec![Finding {
                severity: Severity::Warning,
                ..Finding::failure(failure)
            }]);
        }
        _ => {}
    }
    if failure.diagnostics.is_empty() {
        return Ok(vec![Finding::failure(failure)]);
    }
    let refused = refused(seen).into_iter();
    Ok(refused
        .filter(|diagnostic| !is_in_dockerfile(seen, diagnostic))
        .map(|diagnostic| Finding::diagnostic(diagnostic).so(REFUSED))
        .collect())
}

/// What the plan remarks; what is about caches, or all else.
fn remarks(seen: &Seen<'_>, caches: bool) -> Found {
    let project = seen.project()?;
    let notes = match seen.outlook {
        Some(Ok(outlook)) => &outlook.notes,
        _ => &project.notes,
    };
    let wanted = notes
        .iter()
        .filter(|it| is_about_caches(project, it) == caches);
    Ok(wanted.map(Finding::diagnostic).collect())
}

fn unusable_caches(seen: &Seen<'_>) -> Found {
    seen.outlook()?;
    let found = remarks(seen, true)?.into_iter();
    Ok(found
        .map(|it| it.so("the build goes on, with the cache that the engine keeps"))
        .collect())
}

fn warnings(seen: &Seen<'_>) -> Found {
    remarks(seen, false)
}

/// Whether a diagnostic points at `cache_from:`, `cache_to:` or an item of one.
fn is_about_caches(project: &Project, diagnostic: &Diagnostic) -> bool {
    let Some((place, _)) = &diagnostic.primary else {
        return false;
    };
    let builds = project.services.values();
    let builds = builds.filter_map(|service| Some((&service.name, service.build.as_ref()?)));
    builds
        .flat_map(|it| [CacheKey::From, CacheKey::To].map(|key| (it, key.name())))
        .any(|((service, build), key)| {
            let path = ["services", service, "build", key];
            let is_item = match project.tree.at(&path).map(|node| &node.value) {
                Some(Value::List(items)) => items.iter().any(|item| item.span == *place),
                _ => false,
            };
            is_item || build.keys.get(key) == Some(place)
        })
}

fn forms(seen: &Seen<'_>) -> Found {
    seen.project()?;
    let mut services: BTreeMap<&str, Vec<&super::Read>> = BTreeMap::new();
    for read in seen.dockerfiles {
        services.entry(&read.service).or_default().push(read);
    }
    let mut found = Vec::new();
    for (service, reads) in services.into_iter().filter(|(_, reads)| reads.len() > 1) {
        let exposed: Vec<(&str, Vec<String>)> = reads
            .iter()
            .map(|read| (read.source.name.as_str(), exposed(read)))
            .collect();
        let (first, ports) = &exposed[0];
        if let Some((other, others)) = exposed.iter().find(|(_, others)| others != ports) {
            let told = |ports: &[String]| match ports {
                [] => "nothing".to_owned(),
                ports => ports.join(", "),
            };
            found.push(
                Finding::warning(format!(
                    "`{first}` exposes {}, and `{other}` {}",
                    told(ports),
                    told(others)
                ))
                .so(format!(
                    "which of the two `{service}` is depends on the machine"
                ))
                .mend("bring the two files in line"),
            );
        }
    }
    Ok(found)
}

/// The ports that the stage to be built exposes by itself, in order.
fn exposed(read: &super::Read) -> Vec<String> {
    let stages = read.dockerfile.stages();
    let target = read.build.target.as_deref().map(str::to_lowercase);
    let stage = match target {
        Some(target) => stages
            .iter()
            .find(|stage| stage.name.as_deref() == Some(&target)),
        None => stages.last(),
    };
    let instructions = stage.map(|stage| stage.instructions).unwrap_or_default();
    let mut ports: Vec<String> = instructions
        .iter()
        .filter(|instruction| instruction.keyword == "EXPOSE")
        .flat_map(|instruction| instruction.arguments.split_whitespace())
        .map(|port| port.trim_end_matches("/tcp").to_owned())
        .collect();
    ports.sort();
    ports.dedup();
    ports
}

#[cfg(test)]
mod tests;
