//! Checks of docker's programs: the CLI, its plugins, its configuration.
//!
//! dcb builds without any of them. They matter for what is handed over to Compose, and for those who
//! also use them by hand.

use std::path::PathBuf;

use super::{Check, Finding, Fix, Found, Seen};
use crate::compose::Project;
use crate::diagnostic::Severity;
use crate::docker::ApiVersion;
use crate::docker::programs::{Form, Program};
use crate::docker::variables;
use crate::human;

/// Docker Compose and buildx in Docker's packages and in those of Debian (13 and later).
pub(super) const COMPOSE_PACKAGES: &[&str; 2] = &["docker-compose-plugin", "docker-compose"];
const BUILDX_PACKAGES: &[&str; 2] = &["docker-buildx-plugin", "docker-buildx"];
/// Whether Compose 2.33 to 2.40 builds through buildx.
const COMPOSE_BAKE: &str = "COMPOSE_BAKE";

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "CLI-01",
        title: "the docker CLI is there",
        worst: Severity::Note,
        early: false,
        about: "dcb needs no docker CLI. Whoever types `docker ps` does, and so does Compose v1, which builds through it.",
        mend: "Install `docker-ce-cli` (Docker's packages) or `docker-cli` (Debian, Ubuntu).",
        find: cli,
    },
    Check {
        id: "CLI-02",
        title: "there is one program of each name on PATH",
        worst: Severity::Note,
        early: false,
        about: "Of several `docker` or `docker-compose` on `PATH` the first is run, which may not be the one that was upgraded.",
        mend: "Remove the one that is not wanted, or change the order of `PATH`.",
        find: several_on_path,
    },
    Check {
        id: "CLI-03",
        title: "there is a Docker Compose to hand over to",
        worst: Severity::Warning,
        early: false,
        about: "dcb builds by itself and hands `up` and every other verb to Docker Compose: the plugin, or a `docker-compose` on `PATH`. Compose v1 is no longer maintained since July 2023.",
        mend: "Install the plugin: `sudo apt-get install docker-compose-plugin` (Docker's packages) or `docker-compose` (Debian 13 and later); `brew install docker-compose` on macOS.",
        find: compose,
    },
    Check {
        id: "CLI-04",
        title: "buildx works where it is installed",
        worst: Severity::Warning,
        early: false,
        about: "dcb does not build with buildx unless a builder of your own is asked for. `docker build` and `docker compose build` do, and with a broken one they end in an error.",
        mend: "Install `docker-buildx-plugin` (Docker's packages) or `docker-buildx` (Debian, Ubuntu); make a plugin executable: `chmod +x FILE`; remove a link to nothing.",
        find: buildx,
    },
    Check {
        id: "CLI-05",
        title: "buildx is new enough for Compose",
        worst: Severity::Warning,
        early: false,
        about: "Compose from 2.37 on builds through buildx 0.17 or later. Up to 2.40 it can also do without, which dcb has it do where Compose builds; from 5.0 on it cannot.",
        mend: "Upgrade buildx to 0.17 or later. With Compose 2.37 to 2.40 `COMPOSE_BAKE=false` helps too, in the environment or in the project's `.env` (the file of `--env-file`, where there is one), where `dcb doctor --fix --only CLI-05` writes it.",
        find: buildx_for_compose,
    },
    Check {
        id: "CLI-06",
        title: "there is one plugin of each name",
        worst: Severity::Note,
        early: false,
        about: "The docker CLI takes the first plugin of a name: `cliPluginsExtraDirs`, then `~/.docker/cli-plugins`, then the directories of packages. An old one at home hides one that packages keep up to date.",
        mend: "Remove the one that is not wanted.",
        find: several_plugins,
    },
    Check {
        id: "CLI-07",
        title: "the docker configuration can be read",
        worst: Severity::Error,
        early: false,
        about: "`config.json` in `$DOCKER_CONFIG` or `~/.docker` says which engine is meant and who you are at registries. dcb does not guess past a mistake in it.",
        mend: "Mend the place that is named, or point `DOCKER_CONFIG` at another directory.",
        find: configuration,
    },
    Check {
        id: "CLI-08",
        title: "the password programs are there",
        worst: Severity::Warning,
        early: false,
        about: "`credsStore` and `credHelpers` in the docker configuration name programs that keep passwords. In a configuration copied from another machine (Docker Desktop's above all) they are often missing: then you are nobody at those registries.",
        mend: "Install the program, or remove the entry from `config.json` and `docker login` again.",
        find: helpers,
    },
    Check {
        id: "CLI-09",
        title: "the docker context in use exists",
        worst: Severity::Error,
        early: false,
        about: "`DOCKER_CONTEXT` or the docker configuration names a context that is not there, so it is not known which engine is meant.",
        mend: "`docker context ls`, then `docker context use NAME`; or `unset DOCKER_CONTEXT`.",
        find: context,
    },
    Check {
        id: "CLI-10",
        title: "docker CLI and engine understand each other",
        worst: Severity::Warning,
        early: false,
        about: "The docker CLIs 29.0 to 29.2 speak to no engine before 25.0. A CLI before 23.0 builds classically on any engine unless told otherwise.",
        mend: "Upgrade the docker CLI.",
        find: cli_and_engine,
    },
];

fn cli(seen: &Seen<'_>) -> Found {
    let programs = seen.programs()?;
    Ok(match &programs.docker {
        None => vec![
            Finding::note("there is no `docker` on PATH")
                .so("dcb needs none")
                .install(&["docker-ce-cli", "docker-cli"]),
        ],
        Some(Program {
            path,
            version: Err(why),
        }) => vec![
            Finding::note(format!("`{}` cannot be used: {why}", path.display()))
                .so("dcb needs none"),
        ],
        Some(_) => Vec::new(),
    })
}

fn several(seen: &Seen<'_>, plugin: bool) -> Found {
    let found = seen
        .installed()?
        .several
        .iter()
        .filter(|found| found.plugin == plugin);
    Ok(found
        .map(|found| {
            let others = found.paths[1..]
                .iter()
                .map(|path| path.display().to_string());
            Finding::note(format!(
                "`{}` is taken, and there {} also {}",
                found.paths[0].display(),
                if found.paths.len() == 2 { "is" } else { "are" },
                human::list(others)
            ))
            .mend("remove the one that is not wanted")
        })
        .collect())
}

fn several_on_path(seen: &Seen<'_>) -> Found {
    several(seen, false)
}

fn several_plugins(seen: &Seen<'_>) -> Found {
    several(seen, true)
}

/// What follows where Compose cannot be handed over to.
const NO_COMPOSE: &str =
    "`dcb build` works; `dcb up` and every other verb have nobody to hand over to";

fn compose(seen: &Seen<'_>) -> Found {
    Ok(match &seen.programs()?.compose {
        None => vec![
            Finding::warning(
                "there is no Docker Compose: neither the plugin nor a `docker-compose` on PATH",
            )
            .so(NO_COMPOSE)
            .install(COMPOSE_PACKAGES),
        ],
        Some(compose) => match (&compose.program.version, compose.form) {
            (Err(why), _) => vec![
                Finding::warning(format!(
                    "`{}` cannot be used: {why}",
                    compose.program.path.display()
                ))
                .so(NO_COMPOSE)
                .mend("install it again: sudo apt-get install --reinstall docker-compose-plugin"),
            ],
            (Ok(version), Form::V1) => vec![
                Finding::note(format!(
                    "Docker Compose is {version}, which is not maintained since July 2023"
                ))
                .so("names are joined with `_` as it does")
                .install(COMPOSE_PACKAGES),
            ],
            (Ok(_), _) => Vec::new(),
        },
    })
}

fn buildx(seen: &Seen<'_>) -> Found {
    let programs = seen.programs()?;
    let Some(buildx) = &programs.buildx else {
        let compose = programs.compose.as_ref();
        let finding = Finding::note("there is no buildx");
        let from_five = compose.is_some_and(|compose| compose.program.is_at_least(5, 0));
        return Ok(vec![
            finding
                .so(if from_five {
                    "dcb needs none; `docker compose build` takes the classic builder without it"
                } else {
                    "dcb needs none"
                })
                .install(BUILDX_PACKAGES),
        ]);
    };
    let Err(why) = &buildx.version else {
        return Ok(Vec::new());
    };
    let path = buildx.path.display();
    let finding = Finding::warning(format!("`{path}` cannot be used: {why}"))
        .so("dcb builds without it; `docker build` and `docker compose build` end in an error");
    let own = seen.installed().ok();
    let own = own.and_then(|it| it.unusable.iter().find(|(path, _)| *path == buildx.path));
    Ok(vec![match own {
        Some((_, why)) if why.contains("not executable") => finding
            .mend(format!("chmod +x {path}"))
            .fixed_by(Fix::MakeExecutable(buildx.path.clone())),
        Some((_, why)) if why.contains("a link to") => finding
            .mend(format!("rm {path}"))
            .fixed_by(Fix::RemoveLink(buildx.path.clone())),
        Some(_) | None => finding.mend("sudo apt-get install --reinstall docker-buildx-plugin"),
    }])
}

fn buildx_for_compose(seen: &Seen<'_>) -> Found {
    let programs = seen.programs()?;
    let Some(compose) = &programs.compose else {
        return Err("there is no Docker Compose (CLI-03)".into());
    };
    let Some(buildx) = programs
        .buildx
        .as_ref()
        .filter(|buildx| buildx.version.is_ok())
    else {
        return Err("there is no buildx that works (CLI-04)".into());
    };
    if !compose.program.is_at_least(2, 37) || !buildx.is_before(0, 17) {
        return Ok(Vec::new());
    }
    let version = |program: &Program| {
        let version = program.version.as_ref().map(ToString::to_string);
        version.unwrap_or_default()
    };
    let evidence = format!(
        "Compose {} builds through buildx 0.17 or later, and buildx is {}",
        version(&compose.program),
        version(buildx)
    );
    if compose.program.is_at_least(5, 0) {
        let finding = Finding::warning(evidence).so(
            "dcb builds; verbs of Compose that build, such as `run` and `watch`, end in an error",
        );
        return Ok(vec![finding.install(BUILDX_PACKAGES)]);
    }
    let project = seen.project().ok();
    let value = match seen.ambient.variable(COMPOSE_BAKE) {
        None => project.and_then(|project| project.environment.get(COMPOSE_BAKE)),
        Some(_) => None,
    };
    let value = seen
        .ambient
        .variable(COMPOSE_BAKE)
        .or(value.map(String::as_str));
    if value.and_then(variables::boolean) == Some(false) {
        return Ok(Vec::new());
    }
    let finding = Finding::note(evidence)
        .so("dcb builds, and tells Compose to do without; `docker compose build` by hand ends in an error")
        .install(BUILDX_PACKAGES);
    let file = project.filter(|_| value.is_none()).and_then(env_file);
    Ok(vec![match (file, project) {
        (Some(file), Some(project)) => {
            let own = project.directory.join(".env");
            let remedy = if file == own {
                "or have Compose do without, by COMPOSE_BAKE=false in the project's .env: dcb doctor --fix --only CLI-05".to_owned()
            } else {
                format!(
                    "or have Compose do without, by COMPOSE_BAKE=false in `{}`: `--fix --only CLI-05` behind this command",
                    file.display()
                )
            };
            finding.mend(remedy).fixed_by(Fix::SwitchBakeOff(file))
        }
        _ => finding.mend("or have Compose do without: export COMPOSE_BAKE=false"),
    }])
}

/// The file in which a variable for this project is written down: of those that are read the one that
/// counts most, else `.env`; none where no such file is read.
fn env_file(project: &Project) -> Option<PathBuf> {
    let disabled = project.environment.get("COMPOSE_DISABLE_ENV_FILE");
    let disabled = disabled.and_then(|value| variables::boolean(value));
    match project.env_files.last() {
        Some(file) => Some(file.clone()),
        None if disabled == Some(true) => None,
        None => Some(project.directory.join(".env")),
    }
}

fn configuration(seen: &Seen<'_>) -> Found {
    match seen.config {
        Some(Err(failure)) => Ok(vec![Finding::failure(failure).so(seen.nothing_builds())]),
        Some(Ok(_)) => Ok(Vec::new()),
        None => seen.config().map(|_| Vec::new()),
    }
}

fn helpers(seen: &Seen<'_>) -> Found {
    seen.config()?;
    let missing = seen
        .installed()?
        .helpers
        .iter()
        .filter(|helper| !helper.found);
    Ok(missing
        .map(|helper| {
            let (key, whose) = match &helper.registry {
                Some(registry) => ("credHelpers", format!("at `{registry}`")),
                None => (
                    "credsStore",
                    "at every registry without a program of its own".to_owned(),
                ),
            };
            Finding::warning(format!(
                "`{key}` names `{}`, which is not on PATH",
                helper.program
            ))
            .so(format!(
                "you are nobody {whose}: images that need a login cannot be had"
            ))
            .mend(format!(
                "install {}, or remove it from config.json and log in again: docker login",
                helper.program
            ))
        })
        .collect())
}

fn context(seen: &Seen<'_>) -> Found {
    let config = seen.config()?;
    seen.installed()?;
    let Some(context) = seen.missing_context() else {
        return Ok(Vec::new());
    };
    let name = &context.name;
    let from = if context.by_variable {
        "DOCKER_CONTEXT".to_owned()
    } else {
        format!("`{}`", config.directory.join("config.json").display())
    };
    let finding = Finding::error(format!(
        "{from} names the docker context `{name}`, which does not exist"
    ))
    .so(seen.nothing_builds())
    .mend("docker context ls");
    Ok(vec![finding.mend(if context.by_variable {
        "unset DOCKER_CONTEXT"
    } else {
        "docker context use default"
    })])
}

fn cli_and_engine(seen: &Seen<'_>) -> Found {
    let engine = &seen.facts()?.engine;
    let programs = seen.programs()?;
    let Some(docker) = programs.docker.as_ref() else {
        return Err("there is no docker CLI (CLI-01)".into());
    };
    let Ok(version) = &docker.version else {
        return Err("the docker CLI cannot be used (CLI-01)".into());
    };
    if engine.podman {
        return Err("Podman has versions of its own".into());
    }
    let evidence = format!("the docker CLI is {version}, the engine {}", engine.version);
    let strict = docker.is_at_least(29, 0) && docker.is_before(29, 3);
    Ok(if strict && engine.api < ApiVersion(1, 44) {
        vec![
            Finding::warning(evidence)
                .so("dcb speaks to it; the docker CLI does not, for it needs an engine of 25.0 or later")
                .mend("upgrade the docker CLI to 29.3 or later, or the engine"),
        ]
    } else if docker.is_before(23, 0) && engine.api >= ApiVersion::V23_0 {
        vec![
            Finding::note(evidence)
                .so("dcb builds with BuildKit; `docker build` by hand needs DOCKER_BUILDKIT=1")
                .mend("upgrade the docker CLI"),
        ]
    } else {
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::survey::{Found as Several, Helper, Installed, MissingContext};
    use crate::doctor::testing::Case;
    use crate::failure::{Class, Failure};

    fn severity(case: &Case, id: &str) -> Option<Severity> {
        case.finds(id).first().map(|it| it.severity)
    }

    #[test]
    fn a_missing_compose_matters_and_a_missing_cli_does_not() {
        let mut case = Case::default();
        case.programs("28.5.2", Some("0.29.1"), Some((Form::Plugin, "2.40.3")));
        for id in ["CLI-01", "CLI-03", "CLI-04", "CLI-05"] {
            assert_eq!(severity(&case, id), None, "{id}");
        }
        case.programs("", None, None);
        for (id, expected) in [
            ("CLI-01", Severity::Note),
            ("CLI-03", Severity::Warning),
            ("CLI-04", Severity::Note),
        ] {
            assert_eq!(severity(&case, id), Some(expected), "{id}");
        }
        case.programs("20.10.24", None, Some((Form::V1, "1.29.2")));
        assert_eq!(severity(&case, "CLI-03"), Some(Severity::Note));
    }

    #[test]
    fn a_program_that_is_broken_is_named_with_what_mends_it() {
        let mut case = Case::default();
        case.programs("28.5.2", Some("0.29.1"), Some((Form::Plugin, "2.40.3")));
        let buildx = PathBuf::from("/home/me/.docker/cli-plugins/docker-buildx");
        for (why, remedy) in [
            (
                "it is not executable",
                "chmod +x /home/me/.docker/cli-plugins/docker-buildx",
            ),
            (
                "it is a link to `/x`: No such file",
                "rm /home/me/.docker/cli-plugins/docker-buildx",
            ),
        ] {
            case.break_buildx(&buildx, why);
            case.installed = Some(Installed {
                unusable: vec![(buildx.clone(), why.to_owned())],
                ..Installed::default()
            });
            let found = case.only("CLI-04");
            assert_eq!(
                (found.severity, found.remedy),
                (Severity::Warning, vec![remedy.to_owned()])
            );
        }
        case.break_compose("exec format error");
        assert_eq!(severity(&case, "CLI-03"), Some(Severity::Warning));
    }

    #[test]
    fn an_old_buildx_matters_where_compose_cannot_do_without() {
        let mut case = Case::default();
        for (compose, buildx, expected) in [
            ("2.36.0", "0.13.1", None),
            ("2.40.3", "0.13.1", Some(Severity::Note)),
            ("2.40.3", "0.17.0", None),
            ("5.0.0", "0.16.2", Some(Severity::Warning)),
            ("5.0.0", "0.29.1", None),
        ] {
            case.programs("28.5.2", Some(buildx), Some((Form::Plugin, compose)));
            assert_eq!(
                severity(&case, "CLI-05"),
                expected,
                "Compose {compose}, buildx {buildx}"
            );
        }
    }

    #[test]
    fn bake_is_switched_off_in_the_file_that_is_read() {
        let mut case = Case::default();
        case.programs("28.5.2", Some("0.13.1"), Some((Form::Plugin, "2.40.3")));
        case.project("services: { web: { image: busybox } }");
        let own = case.loaded().directory.join(".env");
        let fix = |case: &Case| case.only("CLI-05").fix;
        assert_eq!(fix(&case), Some(Fix::SwitchBakeOff(own)));
        let files = ["ci.env".into(), "mine.env".into()];
        case.loaded_mut().env_files = files.to_vec();
        assert_eq!(fix(&case), Some(Fix::SwitchBakeOff("mine.env".into())));
        assert!(case.only("CLI-05").remedy[2].contains("in `mine.env`"));

        let project = case.loaded_mut();
        project.env_files.clear();
        let name = "COMPOSE_DISABLE_ENV_FILE".to_owned();
        project.environment.insert(name, "1".to_owned());
        assert_eq!(fix(&case), None);
        assert!(case.only("CLI-05").remedy[2].ends_with("export COMPOSE_BAKE=false"));
    }

    #[test]
    fn of_several_programs_the_one_that_is_taken_is_named() {
        let mut case = Case::default();
        case.installed = Some(Installed::default());
        assert_eq!(
            (severity(&case, "CLI-02"), severity(&case, "CLI-06")),
            (None, None)
        );
        let several = |name, plugin| Several {
            name,
            plugin,
            paths: vec!["/a/x".into(), "/b/x".into()],
        };
        case.installed = Some(Installed {
            several: vec![several("docker", false), several("docker-buildx", true)],
            ..Installed::default()
        });
        for id in ["CLI-02", "CLI-06"] {
            assert_eq!(
                case.only(id).evidence,
                "`/a/x` is taken, and there is also `/b/x`"
            );
        }
    }

    #[test]
    fn a_configuration_that_is_broken_or_names_what_is_missing_is_told() {
        let mut case = Case::default();
        case.config = Some(Err(Failure::new(
            Class::HostInvalid,
            "failed to read `config.json`",
        )));
        assert_eq!(severity(&case, "CLI-07"), Some(Severity::Error));
        assert!(case.skips("CLI-08").contains("CLI-07"));
        case.config = Some(Ok(crate::docker::config::DockerConfig::default()));
        assert_eq!(severity(&case, "CLI-07"), None);
        let helper = |found| Installed {
            helpers: vec![Helper {
                program: "docker-credential-desktop".into(),
                registry: None,
                found,
            }],
            ..Installed::default()
        };
        case.installed = Some(helper(true));
        assert_eq!(severity(&case, "CLI-08"), None);
        case.installed = Some(helper(false));
        assert_eq!(severity(&case, "CLI-08"), Some(Severity::Warning));
    }

    #[test]
    fn a_context_that_is_not_there_is_told_by_who_names_it() {
        let mut case = Case::default();
        case.config = Some(Ok(crate::docker::config::DockerConfig::default()));
        case.installed = Some(Installed::default());
        assert_eq!(severity(&case, "CLI-09"), None);
        for (by_variable, remedy) in [
            (true, "unset DOCKER_CONTEXT"),
            (false, "docker context use default"),
        ] {
            let missing_context = Some(MissingContext {
                name: "gone".into(),
                by_variable,
            });
            case.installed = Some(Installed {
                missing_context,
                ..Installed::default()
            });
            assert_eq!(case.only("CLI-09").remedy[1], remedy);
        }
    }

    #[test]
    fn clis_and_engines_of_different_generations() {
        let mut case = Case::default();
        for (cli, api, expected) in [
            ("28.5.2", (1, 41), None),
            ("29.1.0", (1, 41), Some(Severity::Warning)),
            ("29.1.0", (1, 44), None),
            ("29.4.0", (1, 41), None),
            ("20.10.24", (1, 41), None),
            ("20.10.24", (1, 51), Some(Severity::Note)),
        ] {
            case.engine("x", api, false);
            case.programs(cli, None, None);
            assert_eq!(severity(&case, "CLI-10"), expected, "{cli} on {api:?}");
        }
    }
}
