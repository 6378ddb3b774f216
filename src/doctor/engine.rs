//! Checks of the engine.

use super::{Check, Finding, Fix, Found, Seen};
use crate::diagnostic::Severity;
use crate::docker::ApiVersion;
use crate::docker::detect::{BuildKit, ImageStore};
use crate::docker::host::Address;
use crate::docker::programs::Form;
use crate::failure::{Class, Failure};
use crate::human;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "ENG-01",
        title: "it is known where the engine is",
        worst: Severity::Error,
        early: false,
        about: "The address comes from `DOCKER_HOST`, else from the docker context in use, else it is the default socket. One that cannot be understood, or whose certificates are wrong, leads nowhere.",
        mend: "Correct the variable or the context that is named; `unset DOCKER_HOST` or `docker context use default` goes back to the default.",
        find: address,
    },
    Check {
        id: "ENG-02",
        title: "the engine answers",
        worst: Severity::Error,
        early: false,
        about: "The engine is pinged with a limit of two seconds (ten on another machine). It may not run, be stuck, be paused with its virtual machine, or sit behind a proxy that lets nothing through.",
        mend: "Start or restart it: `sudo systemctl start docker`, or Docker Desktop from its menu. Other engines that answer on this machine are named.",
        find: answers,
    },
    Check {
        id: "ENG-03",
        title: "the engine's socket may be opened",
        worst: Severity::Error,
        early: false,
        about: "The socket belongs to root and a group, usually `docker`. Membership counts from the next login on.",
        mend: "`sudo usermod -aG docker $USER`, then log in again; or use a rootless engine. Never make the socket writable for everybody: whoever may write it is root.",
        find: permission,
    },
    Check {
        id: "ENG-04",
        title: "engine and dcb speak a version of the API in common",
        worst: Severity::Error,
        early: false,
        about: "Engines speak a range of versions of their API. `DOCKER_API_VERSION` pins one, which may lie outside.",
        mend: "`unset DOCKER_API_VERSION`; else upgrade the side that is behind.",
        find: api,
    },
    Check {
        id: "ENG-05",
        title: "the engine is of a generation that builds well",
        worst: Severity::Warning,
        early: false,
        about: "Before 18.09 there is no BuildKit at all. Engines before 25.0 build, but get no security fixes any more, and their Dockerfile frontend is old.",
        mend: "Upgrade the engine: see docs.docker.com/engine/install for the system it runs on.",
        find: age,
    },
    Check {
        id: "ENG-06",
        title: "the engine's BuildKit can be reached",
        worst: Severity::Warning,
        early: false,
        about: "BuildKit is opened for a moment, because no version and no header proves that it is there. A proxy in front of the socket may let the Engine API through and BuildKit not.",
        mend: "Let the proxy pass `POST /grpc` and `POST /session`; `unset DOCKER_API_VERSION` when that pins a version before 1.39.",
        find: buildkit,
    },
    Check {
        id: "ENG-07",
        title: "the engine's configuration does not switch BuildKit off",
        worst: Severity::Warning,
        early: false,
        about: "`\"features\": {\"buildkit\": false}` in daemon.json decides only for docker CLIs before 23.0 and for Compose v1, which then build classically. dcb and newer programs do not look at it.",
        mend: "`dcb doctor --fix --only ENG-07` sets it to true and has the engine reload; or remove the key and `sudo systemctl reload docker`.",
        find: features,
    },
    Check {
        id: "ENG-08",
        title: "the engine's image store can keep what is built",
        worst: Severity::Note,
        early: false,
        about: "Images of several platforms and attestations can only be kept by an engine that has its images in containerd: the default of 29.0, a choice since 23.0.",
        mend: "Set `\"features\": {\"containerd-snapshotter\": true}` in daemon.json and restart the engine. Images of the old store are not seen any more until it is switched back, which is why dcb does not do it.",
        find: store,
    },
    Check {
        id: "ENG-09",
        title: "the engine warns of nothing",
        worst: Severity::Note,
        early: false,
        about: "What the engine itself warns of in `docker info`, such as control groups of version 1 or missing kernel features.",
        mend: "Each warning says what it is about; none of them stops a build.",
        find: warnings,
    },
    Check {
        id: "ENG-10",
        title: "the way to the engine is protected",
        worst: Severity::Warning,
        early: true,
        about: "Over TCP without TLS everybody on the way can read what is built, secrets too, and whoever reaches the port is root on the engine's machine.",
        mend: "Use ssh: `docker context create NAME --docker host=ssh://USER@HOST`; or TLS: `DOCKER_TLS_VERIFY=1` with certificates.",
        find: unprotected,
    },
    Check {
        id: "ENG-11",
        title: "the engine could start again with its configuration",
        worst: Severity::Error,
        early: false,
        about: "A running engine does not notice a mistake in daemon.json: it fails at its next start. The file is read, and judged by `dockerd --validate` from 23.0 on.",
        mend: "Mend the place that is named, then `dockerd --validate --config-file FILE`.",
        find: configuration,
    },
];

fn address(seen: &Seen<'_>) -> Found {
    match seen.endpoint {
        Some(Err(failure)) if failure.class == Class::Usage => {
            Err("a variable has a value that it cannot have (ENV-01)".into())
        }
        Some(Err(failure)) if seen.missing_context().is_none() => {
            Ok(vec![Finding::failure(failure).so(seen.nothing_builds())])
        }
        Some(Err(_)) => Err("the docker context does not exist (CLI-09)".into()),
        Some(Ok(_)) => Ok(Vec::new()),
        None => seen.endpoint().map(|_| Vec::new()),
    }
}

/// What the engine's failure tells, when it is of one of these classes.
fn failed(seen: &Seen<'_>, classes: &[Class]) -> Result<Option<Finding>, super::Skip> {
    seen.endpoint()?;
    match seen.engine {
        Some(Err(failure)) if classes.contains(&failure.class) => {
            Ok(Some(Finding::failure(failure).so(seen.nothing_builds())))
        }
        Some(Err(failure)) if is_unanswered(failure) => Err("no engine answers (ENG-02)".into()),
        Some(_) => Ok(None),
        None => Err("the engine was not asked".into()),
    }
}

const UNANSWERED: &[Class] = &[
    Class::DaemonDown,
    Class::DaemonHung,
    Class::DaemonError,
    Class::DaemonLost,
    Class::TlsFailed,
    Class::SshFailed,
];

fn is_unanswered(failure: &Failure) -> bool {
    UNANSWERED.contains(&failure.class)
}

fn answers(seen: &Seen<'_>) -> Found {
    let neighbours = seen.neighbours.iter().map(|socket| {
        let socket = socket.display();
        format!("an engine answers at {socket}: export DOCKER_HOST=unix://{socket}")
    });
    let found = failed(seen, UNANSWERED)?.map(|mut finding| {
        finding.remedy.extend(neighbours);
        finding
    });
    Ok(found.into_iter().collect())
}

fn permission(seen: &Seen<'_>) -> Found {
    Ok(failed(seen, &[Class::SocketForbidden])?
        .into_iter()
        .collect())
}

fn api(seen: &Seen<'_>) -> Found {
    if let Some(finding) = failed(seen, &[Class::ApiRange])? {
        return Ok(vec![finding]);
    }
    let oldest = seen.info().ok().and_then(|info| info.min_api);
    let newest = ApiVersion::NEWEST;
    Ok(oldest
        .filter(|oldest| *oldest > newest)
        .map(|oldest| {
            Finding::error(format!(
                "the engine speaks API {oldest} and later, this dcb {newest} and earlier"
            ))
            .so(seen.nothing_builds())
            .mend("upgrade dcb")
        })
        .into_iter()
        .collect())
}

fn age(seen: &Seen<'_>) -> Found {
    let engine = &seen.facts()?.engine;
    if engine.podman {
        return Err("Podman has versions of its own".into());
    }
    let evidence = format!("the engine is {} (API {})", engine.version, engine.api);
    Ok(if engine.api < ApiVersion::BUILDKIT {
        vec![
            Finding::warning(evidence)
                .so("it has no BuildKit: everything is built by the classic builder")
                .mend("upgrade the engine to 23.0 or later"),
        ]
    } else if engine.api < ApiVersion(1, 44) {
        vec![
            Finding::note(evidence)
                .so("engines before 25.0 get no security fixes any more")
                .mend("upgrade the engine"),
        ]
    } else {
        Vec::new()
    })
}

fn buildkit(seen: &Seen<'_>) -> Found {
    let engine = &seen.facts()?.engine;
    let buildkit = seen.machine()?.buildkit.as_ref();
    if engine.podman {
        return Err("Podman builds without BuildKit".into());
    }
    if engine.api < ApiVersion::BUILDKIT {
        return Err("the engine is too old to have one (ENG-05)".into());
    }
    let classic =
        "what can be is built by the classic builder: no cache mounts, no secrets, step by step";
    Ok(match buildkit {
        Some(BuildKit::None { .. }) if engine.os == "windows" => {
            vec![Finding::note("engines for Windows containers have no BuildKit").so(classic)]
        }
        Some(BuildKit::None { status, reason }) => {
            let answer = status.map_or(String::new(), |status| {
                format!("POST /grpc answered {status}: ")
            });
            let finding = Finding::warning(format!("{answer}{reason}")).so(classic);
            vec![if status.is_some() {
                finding
                    .mend("let the proxy in front of the socket pass POST /grpc and POST /session")
            } else {
                finding.mend("unset DOCKER_API_VERSION")
            }]
        }
        // It was asked twice, and answered the plan.
        Some(BuildKit::Unknown(_)) if is_planned_with(seen, "buildkit") => Vec::new(),
        Some(BuildKit::Unknown(why)) => vec![
            Finding::warning(format!("BuildKit cannot be asked: {why}"))
                .so("the build may fail as it begins")
                .mend("look into the engine's log: journalctl -u docker --since -5min"),
        ],
        Some(BuildKit::Hijacked | BuildKit::Direct) | None => Vec::new(),
    })
}

/// Whether a service will be built by this builder, which was opened for that.
fn is_planned_with(seen: &Seen<'_>, builder: &str) -> bool {
    let ways = seen.outlook().map(|outlook| outlook.ways.as_slice());
    let mut ways = ways.unwrap_or_default().iter();
    ways.any(|way| way.builder == builder)
}

fn features(seen: &Seen<'_>) -> Found {
    let Some(file) = seen.daemon_file else {
        return Err("the engine has no daemon.json that can be read here".into());
    };
    let Ok(content) = &file.content else {
        return Err("daemon.json cannot be understood (ENG-11)".into());
    };
    if content.pointer("/features/buildkit") != Some(&serde_json::Value::Bool(false)) {
        return Ok(Vec::new());
    }
    let programs = seen.programs()?;
    let compose = programs.compose.as_ref();
    let obeys = compose.is_some_and(|compose| compose.form == Form::V1)
        || programs
            .docker
            .as_ref()
            .is_some_and(|docker| docker.is_before(23, 0));
    let path = file.path.display();
    let evidence = format!("`{path}` has \"features\": {{\"buildkit\": false}}");
    let finding = if obeys {
        Finding::warning(evidence)
            .so("`docker build` and `docker-compose build` of this machine build classically; dcb does not obey it")
    } else {
        Finding::note(evidence).so("no program of this machine obeys it any more")
    };
    Ok(vec![
        finding
            .mend(format!(
                "set it to true in `{path}`, then: sudo systemctl reload docker"
            ))
            .fixed_by(Fix::SwitchBuildKitOn(file.path.clone())),
    ])
}

fn store(seen: &Seen<'_>) -> Found {
    let info = seen.info()?;
    let project = seen.project()?;
    let Some(ImageStore::GraphDriver(driver)) = &info.image_store else {
        return Ok(Vec::new());
    };
    let attests = |value: &Option<String>| value.as_ref().is_some_and(|value| value != "false");
    let services = project.services.values().filter(|service| {
        service.build.as_ref().is_some_and(|build| {
            build.platforms.len() > 1 || attests(&build.provenance) || attests(&build.sbom)
        })
    });
    let names: Vec<&str> = services.map(|service| service.name.as_str()).collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![
        Finding::note(format!("the engine keeps images in its own store ({driver})"))
            .so(format!(
                "it cannot keep several platforms or attestations, which {} ask for",
                human::list(names)
            ))
            .mend("set \"features\": {\"containerd-snapshotter\": true} in daemon.json and restart the engine: images of its own store are not seen then"),
    ])
}

fn warnings(seen: &Seen<'_>) -> Found {
    let warnings = seen.info()?.warnings.iter();
    Ok(warnings
        .map(|warning| Finding::note(warning.trim_start_matches("WARNING: ")))
        .collect())
}

fn unprotected(seen: &Seen<'_>) -> Found {
    let endpoint = seen.endpoint()?;
    Ok(match &endpoint.address {
        Address::Tcp(host) if !endpoint.address.is_here() => vec![
            Finding::warning(format!("the engine at {host} is reached over TCP without TLS ({})", endpoint.origin))
                .so("sources, build arguments and secrets of this project go over the network in the clear")
                .mend(format!("docker context create NAME --docker host=ssh://USER@{}", host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name))),
        ],
        _ => Vec::new(),
    })
}

fn configuration(seen: &Seen<'_>) -> Found {
    let Some(file) = seen.daemon_file else {
        return Err("the engine has no daemon.json that can be read here".into());
    };
    let path = file.path.display();
    let why = match (&file.content, &file.refused) {
        (Err(why), _) => format!("`{path}` cannot be understood: {why}"),
        (Ok(_), Some(why)) => format!("the engine refuses `{path}`: {why}"),
        (Ok(_), None) => return Ok(Vec::new()),
    };
    let runs = matches!(seen.engine, Some(Ok(_)));
    let finding = if runs {
        Finding::warning(why).so("the engine runs, and will not start the next time")
    } else {
        Finding::error(why).so("the engine cannot start")
    };
    Ok(vec![finding.mend(format!(
        "mend it, then: dockerd --validate --config-file {path}"
    ))])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::docker::survey::DaemonFile;
    use crate::doctor::testing::Case;
    use crate::doctor::{Outlook, Way};

    #[test]
    fn an_engine_that_does_not_answer_is_told_with_what_mends_it_and_who_else_answers() {
        let mut case = Case::default();
        case.project("services: { a: { build: . }, b: { build: . } }");
        case.no_engine(Failure::new(Class::DaemonDown, "no engine is running").hint("start it"));
        case.neighbours = vec!["/run/other.sock".into()];
        let found = case.only("ENG-02");
        assert_eq!(found.severity, Severity::Error);
        assert_eq!(found.consequence, "none of its 2 services can be built");
        assert_eq!(
            found.remedy,
            [
                "start it",
                "an engine answers at /run/other.sock: export DOCKER_HOST=unix:///run/other.sock"
            ]
        );
        assert!(case.skips("ENG-03").contains("ENG-02"));
        case.no_engine(Failure::new(Class::SocketForbidden, "may not be opened"));
        assert_eq!(case.only("ENG-03").severity, Severity::Error);
        assert!(case.finds("ENG-02").is_empty());
        case.no_engine(Failure::new(Class::ApiRange, "speaks 1.40"));
        assert_eq!(case.only("ENG-04").severity, Severity::Error);
    }

    #[test]
    fn only_an_engine_without_buildkit_is_too_old_to_build_well() {
        let mut case = Case::default();
        for (api, severity) in [
            ((1, 38), Some(Severity::Warning)),
            ((1, 41), Some(Severity::Note)),
            ((1, 44), None),
            ((1, 56), None),
        ] {
            case.engine("x", api, false);
            assert_eq!(
                case.finds("ENG-05").first().map(|it| it.severity),
                severity,
                "{api:?}"
            );
        }
        case.engine("4.3.1", (1, 41), true);
        assert!(case.skips("ENG-05").contains("Podman"));
    }

    #[test]
    fn buildkit_behind_a_proxy_or_a_pin_is_missed() {
        let mut case = Case::default();
        case.engine("28.5.2", (1, 51), false);
        assert!(case.finds("ENG-06").is_empty());
        case.machine().buildkit = Some(BuildKit::None {
            status: Some(403),
            reason: "Forbidden".into(),
        });
        let found = case.only("ENG-06");
        assert_eq!(
            (found.severity, found.evidence.as_str()),
            (Severity::Warning, "POST /grpc answered 403: Forbidden")
        );
        case.machine().buildkit = Some(BuildKit::None {
            status: None,
            reason: "pinned".into(),
        });
        assert_eq!(case.only("ENG-06").remedy, ["unset DOCKER_API_VERSION"]);
        case.machine().buildkit = Some(BuildKit::Unknown("no answer in 2s".into()));
        assert_eq!(case.only("ENG-06").severity, Severity::Warning);
        case.project("services: { web: { build: . } }");
        let way = Way {
            service: "web".into(),
            builder: "buildkit".into(),
            classic: false,
        };
        case.outlook = Some(Ok(Outlook {
            ways: vec![way],
            notes: Vec::new(),
        }));
        assert!(case.finds("ENG-06").is_empty(), "it answered the plan");
        case.engine("28.5.1", (1, 51), false);
        case.facts().engine.os = "windows".into();
        case.machine().buildkit = Some(BuildKit::None {
            status: Some(404),
            reason: String::new(),
        });
        assert_eq!(case.only("ENG-06").severity, Severity::Note);
    }

    #[test]
    fn a_feature_that_is_off_matters_to_programs_that_obey_it() {
        let mut case = Case::default();
        case.engine("28.5.2", (1, 51), false);
        let file = |content| DaemonFile {
            path: "/etc/docker/daemon.json".into(),
            content: Ok(content),
            refused: None,
            daemon: None,
        };
        case.daemon_file = Some(file(json!({"features": {"buildkit": false}})));
        case.programs("28.5.2", Some("0.29.1"), Some((Form::Plugin, "2.40.3")));
        assert_eq!(case.only("ENG-07").severity, Severity::Note);
        case.programs("20.10.24", None, Some((Form::V1, "1.29.2")));
        let found = case.only("ENG-07");
        assert_eq!(found.severity, Severity::Warning);
        assert_eq!(
            found.fix,
            Some(Fix::SwitchBuildKitOn("/etc/docker/daemon.json".into()))
        );
        for content in [json!({}), json!({"features": {"buildkit": true}})] {
            case.daemon_file = Some(file(content));
            assert!(case.finds("ENG-07").is_empty());
        }
    }

    #[test]
    fn a_configuration_that_the_engine_refuses_is_found_before_its_next_start() {
        let mut case = Case::default();
        case.engine("28.5.2", (1, 51), false);
        let mut file = DaemonFile {
            path: "/d.json".into(),
            content: Ok(json!({})),
            refused: None,
            daemon: None,
        };
        case.daemon_file = Some(file.clone());
        assert!(case.finds("ENG-11").is_empty());
        file.refused = Some("unknown key".into());
        case.daemon_file = Some(file.clone());
        assert_eq!(case.only("ENG-11").severity, Severity::Warning);
        file.content = Err("trailing comma at line 2 column 1".into());
        case.daemon_file = Some(file);
        case.no_engine(Failure::new(Class::DaemonDown, "down"));
        let found = case.only("ENG-11");
        assert_eq!(found.severity, Severity::Error);
        assert!(found.evidence.contains("line 2"), "{}", found.evidence);
    }

    #[test]
    fn plain_tcp_is_a_matter_only_to_another_machine() {
        let mut case = Case::default();
        for (host, warned) in [
            ("127.0.0.1:2375", false),
            ("localhost:2375", false),
            ("build.acme.example:2375", true),
        ] {
            case.at(Address::Tcp(host.to_owned()));
            assert_eq!(!case.finds("ENG-10").is_empty(), warned, "{host}");
        }
    }

    #[test]
    fn a_store_is_told_of_when_the_project_needs_the_other() {
        let mut case = Case::default();
        case.engine("28.5.2", (1, 51), false);
        case.project(
            "services: { web: { build: { context: ., platforms: [linux/amd64, linux/arm64] } } }",
        );
        assert!(case.only("ENG-08").consequence.contains("`web`"));
        case.info().image_store = Some(ImageStore::Containerd("overlayfs".into()));
        assert!(case.finds("ENG-08").is_empty());
        case.info().image_store = Some(ImageStore::GraphDriver("overlay2".into()));
        case.project("services: { web: { build: . } }");
        assert!(case.finds("ENG-08").is_empty());
    }

    #[test]
    fn what_the_engine_warns_of_is_passed_on() {
        let mut case = Case::default();
        case.engine("28.5.2", (1, 51), false);
        assert!(case.finds("ENG-09").is_empty());
        case.info().warnings = vec!["WARNING: No swap limit support".into()];
        assert_eq!(case.only("ENG-09").evidence, "No swap limit support");
    }

    #[test]
    fn an_address_that_leads_nowhere_is_told() {
        let mut case = Case::default();
        case.endpoint = Some(Err(Failure::new(
            Class::HostInvalid,
            "`foo://x` is no address",
        )));
        assert_eq!(case.only("ENG-01").evidence, "`foo://x` is no address");
        assert!(case.skips("ENG-02").contains("ENG-01"));
        case.at(Address::Unix("/run/docker.sock".into()));
        assert!(case.finds("ENG-01").is_empty());
    }
}
