//! Checks of what everything runs on.

use super::{Check, Finding, Found, Seen};
use crate::compose::Project;
use crate::diagnostic::Severity;
use crate::docker::ApiVersion;
use crate::docker::detect::{BuildKit, Product, Wsl};
use crate::docker::host::Address;
use crate::human;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "PLT-01",
        title: "this is not the first Windows Subsystem for Linux",
        worst: Severity::Warning,
        early: false,
        about: "In WSL 1 no engine can run, files are slow and paths are translated. Builds go to an engine elsewhere.",
        mend: "In Windows: `wsl --set-version DISTRIBUTION 2`.",
        find: wsl,
    },
    Check {
        id: "PLT-02",
        title: "the project is on a Linux disk",
        worst: Severity::Warning,
        early: false,
        about: "In WSL 2 everything below `/mnt/c` is read from Windows through a network protocol: sending a build context takes minutes instead of seconds.",
        mend: "Move the project into the Linux file system, such as `~/projects`.",
        find: windows_disk,
    },
    Check {
        id: "PLT-03",
        title: "the engine runs with all rights",
        worst: Severity::Note,
        early: false,
        about: "A rootless engine, and one that maps users, builds as others do, cache mounts included. Only user ids beyond the range that the engine was given cannot be used in an image.",
        mend: "Nothing, unless a build fails with `invalid argument` at `chown`: then widen the range in `/etc/subuid` and `/etc/subgid`.",
        find: rights,
    },
    Check {
        id: "PLT-04",
        title: "services are built for the engine's own processor",
        worst: Severity::Note,
        early: false,
        about: "For another processor every `RUN` is emulated, ten times slower and more. Often `DOCKER_DEFAULT_PLATFORM` is left over.",
        mend: "Leave `platform:` out, `unset DOCKER_DEFAULT_PLATFORM`, or compile across: `FROM --platform=$BUILDPLATFORM`.",
        find: emulation,
    },
    Check {
        id: "PLT-05",
        title: "the build server offers what builds need",
        worst: Severity::Note,
        early: false,
        about: "On a build server, told by its variables (`CI`, `GITHUB_ACTIONS`, `GITLAB_CI` and the like), progress is told line by line and nobody is asked anything. Its engine is often an old one, one that lets no BuildKit through, or a container that is thrown away with the job, with all that it has cached.",
        mend: "Ask for a runner with an engine of 23.0 or later; keep the cache in a registry: `cache_to: [\"type=registry,ref=REGISTRY/NAME:cache,mode=max\"]`; write a traditional form, `Dockerfile.test`, for runners without BuildKit.",
        find: build_server,
    },
    Check {
        id: "PLT-06",
        title: "the engine stands by itself",
        worst: Severity::Note,
        early: false,
        about: "Docker Desktop, OrbStack, Colima, Rancher Desktop and Lima run the engine in a virtual machine with its own disk and memory; Podman imitates an engine and builds with a builder of its own.",
        mend: "Nothing. Disk and memory are those that the product's settings give its machine.",
        find: product,
    },
    Check {
        id: "PLT-07",
        title: "the engine has memory and processors to build with",
        worst: Severity::Warning,
        early: false,
        about: "Compilers and package managers are killed where there is too little memory, which looks like a failing `RUN` (exit code 137).",
        mend: "Give the virtual machine more (Docker Desktop: Settings, Resources), or build one service at a time: `dcb build --jobs 1`.",
        find: resources,
    },
];

fn wsl(seen: &Seen<'_>) -> Found {
    Ok(match seen.machine()?.wsl {
        Some(Wsl::Wsl1) => vec![
            Finding::warning("this is WSL 1")
                .so("no engine can run here, and sending sources is slow")
                .mend("in Windows: wsl --set-version DISTRIBUTION 2"),
        ],
        _ => Vec::new(),
    })
}

fn windows_disk(seen: &Seen<'_>) -> Found {
    let machine = seen.machine()?;
    let project = seen.project()?;
    let directory = project.directory.to_string_lossy();
    let mut parts = directory
        .strip_prefix("/mnt/")
        .unwrap_or_default()
        .split('/');
    let is_drive = parts.next().is_some_and(|drive| drive.len() == 1);
    if machine.wsl != Some(Wsl::Wsl2) || !is_drive {
        return Ok(Vec::new());
    }
    Ok(vec![
        Finding::warning(format!(
            "the project is on a disk of Windows: `{directory}`"
        ))
        .so("every build reads its context through a slow protocol")
        .mend("move it into the Linux file system, such as ~/projects"),
    ])
}

fn rights(seen: &Seen<'_>) -> Found {
    let info = seen.info()?;
    let told = [
        (info.rootless, "the engine is rootless"),
        (
            info.userns,
            "the engine maps the users of containers to others",
        ),
    ];
    let consequence =
        "builds go as elsewhere; only user ids beyond its range cannot be used in an image";
    Ok(told
        .into_iter()
        .filter(|(is, _)| *is)
        .map(|(_, evidence)| Finding::note(evidence).so(consequence))
        .collect())
}

fn emulation(seen: &Seen<'_>) -> Found {
    let own = architecture(&seen.info()?.architecture);
    let project = seen.project()?;
    let default = project.environment.get("DOCKER_DEFAULT_PLATFORM");
    let services = project
        .services
        .values()
        .filter(|service| service.build.is_some());
    Ok(services
        .filter_map(|service| {
            let platform = service
                .platform
                .as_ref()
                .or(default)
                .filter(|it| !it.is_empty())?;
            let wanted = platform.split('/').nth(1).unwrap_or(platform);
            let name = &service.name;
            (architecture(wanted) != own).then(|| {
                Finding::note(format!(
                    "`{name}` is built for {platform}, and the engine's processor is {own}"
                ))
                .so("every `RUN` of it is emulated")
            })
        })
        .collect())
}

fn build_server(seen: &Seen<'_>) -> Found {
    let machine = seen.machine()?;
    let Some(server) = &machine.build_server else {
        return Ok(Vec::new());
    };
    let on = match server.as_str() {
        "unknown" => "this is a build server".to_owned(),
        name => format!("this is the build server {name}"),
    };
    let mut found =
        vec![Finding::note(on).so("progress is told line by line, and nobody is asked anything")];
    let engine = &seen.facts()?.engine;
    let is_restricted = matches!(machine.buildkit, Some(BuildKit::None { .. }));
    if !engine.podman && (is_restricted || engine.api < ApiVersion::V23_0) {
        let what = if is_restricted {
            "without BuildKit"
        } else {
            "before 23.0"
        };
        found.push(
            Finding::note(format!("its engine is {}, one {what}", engine.version))
                .so("what a Dockerfile uses beyond that is built otherwise or refused by name")
                .mend("ask for a runner with an engine of 23.0 or later"),
        );
    }
    // An engine beside the job, as `docker:dind` is, comes and goes with it.
    let is_beside = matches!(machine.endpoint.address, Address::Tcp(_) | Address::Tls(_));
    if is_beside && seen.project().is_ok_and(|project| !keeps_cache(project)) {
        found.push(
            Finding::note(format!("its engine is reached at {}", machine.endpoint.address))
                .so("if it goes with the job, so does its cache, and every job builds all steps")
                .mend("keep the cache in a registry: cache_to: [\"type=registry,ref=REGISTRY/NAME:cache,mode=max\"]"),
        );
    }
    Ok(found)
}

/// Whether a service of a project keeps its cache anywhere but in the engine.
fn keeps_cache(project: &Project) -> bool {
    let builds = project.services.values().filter_map(|it| it.build.as_ref());
    builds.into_iter().any(|build| !build.cache_to.is_empty())
}

/// An architecture under one of its names.
fn architecture(name: &str) -> &str {
    match name {
        "x86_64" | "x86-64" => "amd64",
        "aarch64" | "arm64" => "arm64",
        "armv7l" | "armv6l" | "armhf" | "armel" => "arm",
        "i386" | "i686" => "386",
        other => other,
    }
}

fn product(seen: &Seen<'_>) -> Found {
    let info = seen.info()?;
    Ok(match info.product {
        Product::Engine => Vec::new(),
        Product::Podman => {
            vec![Finding::note("the engine is Podman's imitation of one").so(
                "its own builder builds: cache mounts work, secrets and several platforms do not",
            )]
        }
        other => vec![
            Finding::note(format!(
                "the engine is that of {} ({})",
                other.id(),
                info.system
            ))
            .so("disk and memory are those of its virtual machine"),
        ],
    })
}

/// Less memory than this is too little for most compilers. Virtual machines of 2 GiB have a little less.
const LITTLE: u64 = 3 << 29;
/// Less than this is too little for several of them.
const SOME: u64 = 4 << 30;

fn resources(seen: &Seen<'_>) -> Found {
    let info = seen.info()?;
    let mut found = Vec::new();
    if let Some(memory) = info.memory.filter(|memory| *memory < SOME) {
        let evidence = format!("the engine has {} of memory", human::bytes(memory));
        let finding = if memory < LITTLE {
            Finding::warning(evidence).so("a `RUN` that needs more is killed (exit code 137)")
        } else {
            Finding::note(evidence).so("several builds side by side may not fit")
        };
        found
            .push(finding.mend("give it more, or build one service at a time: dcb build --jobs 1"));
    }
    if info.processors == Some(1) {
        found.push(
            Finding::note("the engine has one processor")
                .so("builds side by side do not save time"),
        );
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::testing::Case;

    fn case() -> Case {
        let mut case = Case::default();
        case.engine("28.5.2", (1, 51), false);
        case.project("services: { web: { build: . } }");
        case
    }

    #[test]
    fn wsl_is_told_by_its_kind_and_by_where_the_project_is() {
        let mut case = case();
        assert!(case.finds("PLT-01").is_empty() && case.finds("PLT-02").is_empty());
        case.machine().wsl = Some(Wsl::Wsl1);
        assert_eq!(case.only("PLT-01").severity, Severity::Warning);
        case.machine().wsl = Some(Wsl::Wsl2);
        assert!(case.finds("PLT-01").is_empty());
        for (directory, slow) in [
            ("/mnt/c/Users/me/shop", true),
            ("/mnt/data/shop", false),
            ("/home/me/shop", false),
            ("/mnt/c", true),
        ] {
            case.moved_to(directory);
            assert_eq!(!case.finds("PLT-02").is_empty(), slow, "{directory}");
        }
        case.machine().wsl = None;
        case.moved_to("/mnt/c/Users/me/shop");
        assert!(case.finds("PLT-02").is_empty());
    }

    #[test]
    fn limits_and_products_are_noted() {
        let mut case = case();
        assert!(case.finds("PLT-03").is_empty() && case.finds("PLT-06").is_empty());
        case.info().rootless = true;
        assert_eq!(case.only("PLT-03").severity, Severity::Note);
        for product in [Product::DockerDesktop, Product::Colima, Product::Podman] {
            case.info().product = product;
            assert_eq!(case.only("PLT-06").severity, Severity::Note, "{product:?}");
        }
    }

    #[test]
    fn a_build_server_is_noted_with_what_its_engine_lacks() {
        let mut case = case();
        assert!(case.finds("PLT-05").is_empty());
        case.machine().build_server = Some("gitlab".into());
        assert_eq!(
            case.only("PLT-05").evidence,
            "this is the build server gitlab"
        );
        case.machine().buildkit = Some(BuildKit::None {
            status: Some(403),
            reason: String::new(),
        });
        assert!(
            case.finds("PLT-05")[1]
                .evidence
                .contains("without BuildKit")
        );
        case.machine().buildkit = Some(BuildKit::Hijacked);
        case.machine().endpoint.address = Address::Tcp("docker:2375".into());
        assert!(case.finds("PLT-05")[1].remedy[0].contains("type=registry"));
        case.project("services: { web: { build: { context: ., cache_to: ['type=inline'] } } }");
        assert_eq!(case.finds("PLT-05").len(), 1);
        case.engine("20.10.24", (1, 41), false);
        case.machine().build_server = Some("unknown".into());
        assert!(case.finds("PLT-05")[1].evidence.contains("before 23.0"));
    }

    #[test]
    fn another_processor_means_emulation() {
        let mut case = case();
        case.info().architecture = "x86_64".into();
        assert!(case.finds("PLT-04").is_empty());
        for (platform, emulated) in [
            ("linux/amd64", false),
            ("linux/arm64", true),
            ("arm64", true),
        ] {
            case.project(&format!(
                "services: {{ web: {{ platform: {platform}, build: . }} }}"
            ));
            assert_eq!(!case.finds("PLT-04").is_empty(), emulated, "{platform}");
        }
    }

    #[test]
    fn little_memory_is_a_warning() {
        let mut case = case();
        for (memory, severity) in [
            (1 << 30, Some(Severity::Warning)),
            (3 << 30, Some(Severity::Note)),
            (8 << 30, None),
        ] {
            case.info().memory = Some(memory);
            assert_eq!(
                case.finds("PLT-07").first().map(|it| it.severity),
                severity,
                "{memory}"
            );
        }
        case.info().processors = Some(1);
        assert_eq!(case.only("PLT-07").severity, Severity::Note);
    }
}
