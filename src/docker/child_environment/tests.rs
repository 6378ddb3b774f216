//! The decision table: programs and variables on the left, what Compose is told on the right.

use super::*;
use crate::docker::Version;
use crate::docker::detect::Driver;

/// Programs such as `docker=28.5.2 buildx=! plugin=2.40.3`; `!` is broken.
fn programs(text: &str) -> Programs {
    let mut programs = Programs::default();
    for word in text.split_whitespace() {
        let (name, version) = word.split_once('=').expect("a version");
        let program = Program {
            path: format!("/bin/{name}").into(),
            version: match version {
                "!" => Err("broken".to_owned()),
                version => Ok(Version::read(version)),
            },
        };
        let form = match name {
            "docker" => {
                programs.docker = Some(program);
                continue;
            }
            "buildx" => {
                programs.buildx = Some(program);
                continue;
            }
            "v1" => Form::V1,
            "alone" => Form::Standalone,
            _ => Form::Plugin,
        };
        programs.compose = Some(Compose { form, program });
    }
    programs
}

fn told(
    strategy: &Strategy,
    installed: &str,
    builder: (&str, Chooser),
    variables: &str,
    terminal: bool,
) -> String {
    let environment = variables
        .split_whitespace()
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let driver = match builder.0 {
        "docker" => Driver::Docker,
        other => Driver::Other(other.to_owned()),
    };
    let situation = Situation {
        programs: &programs(installed),
        builder: Some(&Builder {
            name: "chosen".to_owned(),
            driver: Ok(driver),
            chosen_by: builder.1,
        }),
        context: "default",
        environment: &environment,
        terminal,
    };
    let told =
        child_environment(&situation, strategy)
            .into_iter()
            .map(|(name, value)| match value {
                Some(value) => format!("{name}={value}"),
                None => format!("-{name}"),
            });
    told.collect::<Vec<_>>().join(" ")
}

/// Strategy, programs, variables that are set, and what Compose is told.
const TABLE: &[(Strategy, &str, &str, &str)] = &[
    // No Compose, nothing to tell.
    (
        Strategy::BuildKit,
        "docker=28.5.2 buildx=0.29.1",
        "DOCKER_BUILDKIT=0",
        "",
    ),
    // v1 in front of a CLI with a client of its own: classic unless told otherwise.
    (
        Strategy::BuildKit,
        "docker=20.10.24+dfsg1 v1=1.29.2",
        "",
        "DOCKER_BUILDKIT=1",
    ),
    (
        Strategy::BuildKit,
        "docker=20.10.24 v1=1.29.2",
        "DOCKER_BUILDKIT=1",
        "",
    ),
    (
        Strategy::BuildKit,
        "docker=20.10.24 v1=1.29.2",
        "DOCKER_BUILDKIT=true COMPOSE_DOCKER_CLI_BUILD=0",
        "COMPOSE_DOCKER_CLI_BUILD=1",
    ),
    (
        Strategy::BuildKit,
        "docker=20.10.24 v1=1.29.2",
        "DOCKER_BUILDKIT=1 BUILDKIT_PROGRESS=quiet",
        "BUILDKIT_PROGRESS=plain",
    ),
    (
        Strategy::BuildKit,
        "docker=20.10.24 v1=1.29.2",
        "DOCKER_BUILDKIT=1 BUILDKIT_PROGRESS=tty",
        "",
    ),
    // v1 in front of a CLI that needs buildx.
    (
        Strategy::BuildKit,
        "docker=28.5.2 buildx=0.29.1 v1=1.29.2",
        "",
        "",
    ),
    (
        Strategy::BuildKit,
        "docker=28.5.2 buildx=0.29.1 v1=1.29.2",
        "BUILDKIT_PROGRESS=tty",
        "BUILDKIT_PROGRESS=plain",
    ),
    (
        Strategy::BuildKit,
        "docker=28.5.2 v1=1.29.2",
        "",
        "DOCKER_BUILDKIT=1",
    ),
    (
        Strategy::BuildKit,
        "docker=28.5.2 buildx=! v1=1.29.2",
        "",
        "DOCKER_BUILDKIT=1",
    ),
    // A v2 with a client of its own.
    (Strategy::BuildKit, "plugin=2.26.1-4", "", ""),
    (Strategy::BuildKit, "plugin=2.26.1-4 buildx=0.13.1", "", ""),
    (
        Strategy::BuildKit,
        "plugin=2.26.1-4",
        "DOCKER_BUILDKIT=0",
        "DOCKER_BUILDKIT=1",
    ),
    (
        Strategy::BuildKit,
        "plugin=2.26.1-4",
        "BUILDKIT_PROGRESS=tty",
        "BUILDKIT_PROGRESS=plain",
    ),
    (Strategy::BuildKit, "plugin=2.35.0 buildx=0.13.1", "", ""),
    (
        Strategy::BuildKit,
        "plugin=2.35.0 buildx=0.13.1",
        "COMPOSE_BAKE=true",
        "COMPOSE_BAKE=false",
    ),
    // A v2 that bakes.
    (
        Strategy::BuildKit,
        "plugin=2.40.3-3 buildx=0.29.1+ds1",
        "",
        "",
    ),
    (
        Strategy::BuildKit,
        "plugin=2.40.3-3 buildx=0.29.1+ds1",
        "COMPOSE_BAKE=true",
        "",
    ),
    (
        Strategy::BuildKit,
        "plugin=2.40.3-3 buildx=0.13.1+ds1",
        "",
        "COMPOSE_BAKE=false",
    ),
    (
        Strategy::BuildKit,
        "alone=2.37.0 buildx=0.16.2",
        "",
        "COMPOSE_BAKE=false",
    ),
    (Strategy::BuildKit, "plugin=2.40.3-3 buildx=0.17.0", "", ""),
    (
        Strategy::BuildKit,
        "plugin=2.40.3-3 buildx=!",
        "DOCKER_BUILDKIT=1",
        "COMPOSE_BAKE=false",
    ),
    (
        Strategy::BuildKit,
        "plugin=2.40.3-3 buildx=!",
        "COMPOSE_BAKE=0",
        "",
    ),
    (Strategy::BuildKit, "plugin=2.40.3-3", "", ""),
    // v5 knows nothing else than bake.
    (Strategy::BuildKit, "plugin=5.0.1 buildx=0.13.1", "", ""),
    (
        Strategy::BuildKit,
        "plugin=5.0.1 buildx=0.30.1",
        "DOCKER_BUILDKIT=f",
        "DOCKER_BUILDKIT=1",
    ),
    // A Compose that does not tell its version is left alone.
    (Strategy::BuildKit, "plugin=! buildx=!", "", ""),
    // Classic.
    (
        Strategy::Classic,
        "plugin=2.40.3 buildx=0.29.1",
        "",
        "DOCKER_BUILDKIT=0",
    ),
    (
        Strategy::Classic,
        "plugin=2.40.3 buildx=!",
        "DOCKER_BUILDKIT=1 COMPOSE_BAKE=true BUILDX_BUILDER=x",
        "DOCKER_BUILDKIT=0",
    ),
    (
        Strategy::Classic,
        "plugin=5.0.1",
        "DOCKER_BUILDKIT=false",
        "",
    ),
    (
        Strategy::Classic,
        "docker=20.10.24 v1=1.29.2",
        "",
        "COMPOSE_DOCKER_CLI_BUILD=0 DOCKER_BUILDKIT=0",
    ),
    (
        Strategy::Classic,
        "docker=20.10.24 v1=1.29.2",
        "COMPOSE_DOCKER_CLI_BUILD=0",
        "DOCKER_BUILDKIT=0",
    ),
];

#[test]
fn compose_is_told_what_it_needs_and_no_more() {
    for (strategy, programs, variables, expected) in TABLE {
        let own = ("docker", Chooser::Context);
        let told = told(strategy, programs, own, variables, false);
        assert_eq!(told, *expected, "{strategy:?}, {programs}, {variables}");
    }
}

#[test]
fn a_builder_with_a_cache_of_its_own_is_replaced_unless_it_was_named_for_this() {
    let programs = "plugin=2.40.3 buildx=0.29.1";
    for (programs, builder, expected) in [
        (
            programs,
            ("docker-container", Chooser::Use),
            "BUILDX_BUILDER=default",
        ),
        (programs, ("docker-container", Chooser::Variable), ""),
        (programs, ("docker", Chooser::Use), ""),
        (
            "plugin=2.26.1",
            ("remote", Chooser::Use),
            "BUILDX_BUILDER=default",
        ),
        // v1 runs `docker build`, which takes the context's own.
        (
            "docker=28.5.2 buildx=0.29.1 v1=1.29.2",
            ("remote", Chooser::Use),
            "",
        ),
    ] {
        let told = told(&Strategy::BuildKit, programs, builder, "", false);
        assert_eq!(told, expected, "{programs}, {builder:?}");
    }
}

#[test]
fn progress_on_a_terminal_stays_as_it_is() {
    let programs = "plugin=2.40.3 buildx=0.29.1";
    let own = ("docker", Chooser::Context);
    let told = told(
        &Strategy::BuildKit,
        programs,
        own,
        "BUILDKIT_PROGRESS=tty",
        true,
    );
    assert_eq!(told, "");
}
