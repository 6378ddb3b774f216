//! Checks of variables.
#![expect(
    clippy::unnecessary_wraps,
    reason = "all checks have one form, and variables can always be looked at"
)]

use indexmap::IndexMap;

use super::{Check, Finding, Found, Seen};
use crate::diagnostic::{Severity, Span};
use crate::docker::programs::{Form, Programs};
use crate::docker::variables::{self, DOCKER_BUILDKIT};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "ENV-01",
        title: "variables have values that they can have",
        worst: Severity::Error,
        early: false,
        about: "`DOCKER_BUILDKIT=yes`, `COMPOSE_PARALLEL_LIMIT=many` and the like end every command of docker's programs in an error, often without a word of where the value comes from. In the project's `.env`, Compose looks for `COMPOSE_BAKE` and `COMPOSE_PARALLEL_LIMIT`, and everybody for `DOCKER_DEFAULT_PLATFORM`.",
        mend: "Unset the variable, or give it a value that is named.",
        find: values,
    },
    Check {
        id: "ENV-02",
        title: "the environment does not switch BuildKit off",
        worst: Severity::Warning,
        early: false,
        about: "`DOCKER_BUILDKIT=0` is often left over in a shell profile or a build server from when BuildKit was new. dcb obeys it: everything is built by the classic builder. `DOCKER_BUILDKIT=1` is no trouble to dcb; docker CLIs from 23.0 on need buildx for it.",
        mend: "`unset DOCKER_BUILDKIT`; for `docker build` by hand install buildx.",
        find: switched_off,
    },
    Check {
        id: "ENV-03",
        title: "no variable is set that means nothing any more",
        worst: Severity::Note,
        early: false,
        about: "`COMPOSE_DOCKER_CLI_BUILD` was for Compose v1, `COMPOSE_BAKE` is for Compose 2.33 to 2.40, `DOCKER_CLI_EXPERIMENTAL` for docker CLIs before 23.0. They do no harm and mislead.",
        mend: "Take them out of the shell profile or the build server's settings.",
        find: dead,
    },
    Check {
        id: "ENV-04",
        title: "progress can be shown as variables ask for",
        worst: Severity::Warning,
        early: false,
        about: "`BUILDKIT_PROGRESS`, `COMPOSE_PROGRESS` and `COMPOSE_ANSI` take few words, and some of them end Compose in an error where there is no terminal.",
        mend: "Unset the variable, or set it to `plain` (`COMPOSE_ANSI`: `auto`).",
        find: progress,
    },
    Check {
        id: "ENV-05",
        title: "one variable says where the engine is",
        worst: Severity::Warning,
        early: true,
        about: "`DOCKER_HOST` goes before `DOCKER_CONTEXT`, so a context that is chosen by variable has no effect while `DOCKER_HOST` is set.",
        mend: "Unset the one that is not meant: `unset DOCKER_HOST` or `unset DOCKER_CONTEXT`.",
        find: two_engines,
    },
];

/// Those that only matter to how progress is shown.
const PROGRESS: [&str; 2] = ["BUILDKIT_PROGRESS", "COMPOSE_PROGRESS"];
/// Those that dcb has no use for: they end what is handed over to Compose.
const COMPOSES: [&str; 3] = ["COMPOSE_BAKE", "BUILDKIT_PROGRESS", "COMPOSE_PROGRESS"];

/// What is asked for where a service names no platform, by dcb too.
const DEFAULT_PLATFORM: &str = "DOCKER_DEFAULT_PLATFORM";
/// Those that count in a `.env` file too.
const IN_FILES: [&str; 3] = ["COMPOSE_BAKE", "COMPOSE_PARALLEL_LIMIT", DEFAULT_PLATFORM];

/// Variables with values that they cannot have; those of progress or all others.
fn invalid(seen: &Seen<'_>, progress: bool) -> Vec<Finding> {
    variables::invalid(&seen.ambient.environment)
        .into_iter()
        .filter(|invalid| PROGRESS.contains(&invalid.name) == progress)
        .map(|invalid| {
            let finding = if COMPOSES.contains(&invalid.name) {
                Finding::warning(invalid.to_string()).so(
                    "dcb builds; Compose, when something is handed over to it, may end in an error",
                )
            } else {
                Finding::error(invalid.to_string()).so(seen.nothing_builds())
            };
            finding.mend(format!("unset {}", invalid.name))
        })
        .collect()
}

fn values(seen: &Seen<'_>) -> Found {
    let mut found = invalid(seen, false);
    found.extend(invalid_in_files(seen));
    Ok(found)
}

/// The same in the project's `.env` files, of which Compose passes only its own variables on to itself.
fn invalid_in_files(seen: &Seen<'_>) -> Vec<Finding> {
    let Ok(project) = seen.project() else {
        return Vec::new();
    };
    let in_files: IndexMap<String, (String, Span)> = IN_FILES
        .iter()
        .filter_map(|name| {
            let setting = project.settings.get(*name)?.first()?;
            let at = setting.at.clone()?;
            Some(((*name).to_owned(), (setting.value.clone(), at)))
        })
        .collect();
    let values = in_files.iter();
    let values = values.map(|(name, (value, _))| (name.clone(), value.clone()));
    variables::invalid(&values.collect())
        .into_iter()
        .map(|invalid| {
            let finding = if invalid.name == DEFAULT_PLATFORM {
                Finding::error(invalid.to_string()).so(seen.nothing_builds())
            } else {
                Finding::warning(invalid.to_string())
                    .so("dcb builds; Compose may end in an error, and with it `up` and all verbs that are handed over to it")
            };
            let (_, at) = &in_files[invalid.name];
            finding
                .mend("correct that line, or take it out")
                .at(at.clone())
        })
        .collect()
}

fn switched_off(seen: &Seen<'_>) -> Found {
    let value = seen.ambient.variable(DOCKER_BUILDKIT);
    Ok(match value.map(|value| (value, variables::boolean(value))) {
        Some((value, Some(false))) => vec![
            Finding::warning(format!("DOCKER_BUILDKIT is `{value}`"))
                .so("everything is built by the classic builder: no cache mounts, no secrets, step by step")
                .mend("unset DOCKER_BUILDKIT"),
        ],
        Some((value, Some(true))) if seen.programs().is_ok_and(needs_buildx) => vec![
            Finding::note(format!("DOCKER_BUILDKIT is `{value}`, and there is no buildx"))
                .so("dcb builds; `docker build` by hand ends in an error")
                .mend("unset DOCKER_BUILDKIT"),
        ],
        _ => Vec::new(),
    })
}

/// Whether the docker CLI builds with BuildKit through buildx alone, and there is none.
fn needs_buildx(programs: &Programs) -> bool {
    let docker = programs.docker.as_ref();
    programs.buildx.is_none() && docker.is_some_and(|docker| docker.is_at_least(23, 0))
}

fn dead(seen: &Seen<'_>) -> Found {
    let programs = seen.programs()?;
    let compose = programs.compose.as_ref();
    let is_modern = compose.is_some_and(|compose| compose.form != Form::V1);
    let is_five = compose.is_some_and(|compose| compose.program.is_at_least(5, 0));
    let is_docker_23 = programs
        .docker
        .as_ref()
        .is_some_and(|docker| docker.is_at_least(23, 0));
    let dead = [
        (
            "COMPOSE_DOCKER_CLI_BUILD",
            is_modern,
            "Compose v2 and later do not look at it",
        ),
        (
            "COMPOSE_BAKE",
            is_five,
            "Compose 5 and later do not look at it",
        ),
        (
            "DOCKER_CLI_EXPERIMENTAL",
            is_docker_23,
            "docker CLIs from 23.0 on do not look at it",
        ),
    ];
    Ok(dead
        .into_iter()
        .filter(|(name, is_dead, _)| *is_dead && seen.ambient.variable(name).is_some())
        .map(|(name, _, why)| {
            Finding::note(format!("{name} is set, and {why}")).mend(format!("unset {name}"))
        })
        .collect())
}

fn progress(seen: &Seen<'_>) -> Found {
    let mut found = invalid(seen, true);
    let terminal = seen.ambient.stderr.columns.is_some();
    if !terminal && seen.ambient.variable("COMPOSE_ANSI") == Some("always") {
        found.push(
            Finding::warning("COMPOSE_ANSI is `always`, and there is no terminal")
                .so("dcb builds; Compose ends in an error when something is handed over to it")
                .mend("unset COMPOSE_ANSI"),
        );
    }
    if !terminal && seen.ambient.variable("BUILDKIT_PROGRESS") == Some("tty") {
        found.push(
            Finding::note("BUILDKIT_PROGRESS is `tty`, and there is no terminal")
                .so("dcb has Compose show plain progress; by hand it ends in an error")
                .mend("unset BUILDKIT_PROGRESS"),
        );
    }
    Ok(found)
}

fn two_engines(seen: &Seen<'_>) -> Found {
    let (host, context) = ("DOCKER_HOST", "DOCKER_CONTEXT");
    let name = seen.ambient.variable(context);
    Ok(match (seen.ambient.variable(host), name) {
        (Some(_), Some(name)) => vec![
            Finding::warning(format!(
                "DOCKER_HOST and DOCKER_CONTEXT are both set (`{name}`)"
            ))
            .so("DOCKER_HOST goes first: the context has no effect")
            .mend("unset DOCKER_HOST, or unset DOCKER_CONTEXT"),
        ],
        _ => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::testing::Case;

    fn found(id: &str, variables: &[(&str, &str)]) -> Vec<Severity> {
        let mut case = Case::default();
        case.programs("28.5.2", None, Some((Form::Plugin, "5.0.0")));
        for (name, value) in variables {
            case.variable(name, value);
        }
        case.finds(id).iter().map(|it| it.severity).collect()
    }

    #[test]
    fn a_value_that_stops_a_build_is_an_error_and_one_that_stops_compose_a_warning() {
        assert_eq!(
            found(
                "ENV-01",
                &[("DOCKER_BUILDKIT", "1"), ("COMPOSE_PARALLEL_LIMIT", "4")]
            ),
            []
        );
        assert_eq!(
            found("ENV-01", &[("DOCKER_BUILDKIT", "yes")]),
            [Severity::Error]
        );
        assert_eq!(
            found("ENV-01", &[("COMPOSE_BAKE", "perhaps")]),
            [Severity::Warning]
        );
        assert_eq!(found("ENV-01", &[("BUILDKIT_PROGRESS", "loud")]), []);
        assert_eq!(
            found("ENV-04", &[("BUILDKIT_PROGRESS", "loud")]),
            [Severity::Warning]
        );
    }

    #[test]
    fn buildkit_switched_off_is_told() {
        assert_eq!(
            found("ENV-02", &[("DOCKER_BUILDKIT", "0")]),
            [Severity::Warning]
        );
        assert_eq!(
            found("ENV-02", &[("DOCKER_BUILDKIT", "1")]),
            [Severity::Note]
        );
        for value in ["", "yes"] {
            assert_eq!(
                found("ENV-02", &[("DOCKER_BUILDKIT", value)]),
                [],
                "{value}"
            );
        }
    }

    #[test]
    fn variables_of_the_past_are_noted_where_they_are_dead() {
        assert_eq!(found("ENV-03", &[]), []);
        let all = [
            ("COMPOSE_DOCKER_CLI_BUILD", "1"),
            ("COMPOSE_BAKE", "true"),
            ("DOCKER_CLI_EXPERIMENTAL", "enabled"),
        ];
        assert_eq!(found("ENV-03", &all), [Severity::Note; 3]);
        let mut case = Case::default();
        case.programs("20.10.24", None, Some((Form::V1, "1.29.2")));
        case.variable("COMPOSE_DOCKER_CLI_BUILD", "1");
        assert!(case.finds("ENV-03").is_empty());
    }

    #[test]
    fn without_a_terminal_some_words_end_compose() {
        assert_eq!(
            found("ENV-04", &[("COMPOSE_ANSI", "always")]),
            [Severity::Warning]
        );
        assert_eq!(
            found("ENV-04", &[("BUILDKIT_PROGRESS", "tty")]),
            [Severity::Note]
        );
        assert_eq!(
            found(
                "ENV-04",
                &[("BUILDKIT_PROGRESS", "plain"), ("COMPOSE_ANSI", "auto")]
            ),
            []
        );
    }

    #[test]
    fn only_both_at_once_contradict_each_other() {
        assert_eq!(found("ENV-05", &[("DOCKER_HOST", "unix:///a")]), []);
        assert_eq!(
            found(
                "ENV-05",
                &[("DOCKER_HOST", "unix:///a"), ("DOCKER_CONTEXT", "b")]
            ),
            [Severity::Warning]
        );
    }
}
