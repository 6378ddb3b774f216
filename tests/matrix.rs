//! Which builder builds what, as `docs/choosing.md` tells it: every cell of its table is tried on a
//! real engine, and what was built is looked at by the Dockerfile itself.
//!
//! With `DCB_TEST_ACCEPT=1` the table becomes what was found; read it before you commit it.

#![allow(
    clippy::disallowed_methods,
    reason = "tests read the environment they are given"
)]

mod support;

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use support::{Engine, Project, grid, serve};

/// A feature as the table names it, and a Dockerfile that fails where it is not obeyed.
const FEATURES: &[(&str, &str)] = &[
    (
        "nothing special",
        "FROM busybox\nCOPY f /f\nRUN test -e /f\n",
    ),
    (
        "`RUN --mount=type=cache`",
        "FROM busybox\nRUN --mount=type=cache,target=/c touch /c/x\nRUN test ! -e /c/x\n",
    ),
    (
        "`RUN --mount`",
        "FROM busybox\nRUN --mount=type=bind,target=/b test -e /b/f\n",
    ),
    (
        "`RUN --network`",
        "FROM busybox\nRUN --network=none test ! -e /sys/class/net/eth0\n",
    ),
    (
        "`RUN --security`",
        "FROM busybox\nRUN --security=sandbox true\n",
    ),
    (
        "`--chmod`",
        "FROM busybox\nCOPY --chmod=711 f /f\nRUN test -x /f\n",
    ),
    (
        "`--chmod` with letters",
        "FROM busybox\nCOPY --chmod=u=rwx,go=x f /f\nRUN test -x /f\n",
    ),
    (
        "`--link`",
        "FROM busybox\nCOPY --link f /f\nRUN test -e /f\n",
    ),
    (
        "here-documents",
        "FROM busybox\nRUN <<EOF\ntouch /x\nEOF\nRUN test -e /x\n",
    ),
    (
        "`ADD --checksum`",
        "FROM busybox\nADD --checksum=sha256:SUM SERVER/f /f\nRUN test -e /f\n",
    ),
    (
        "`ADD --unpack`",
        "FROM busybox\nADD --unpack=false f /f\nRUN test -e /f\n",
    ),
    (
        "`--exclude`",
        "FROM busybox\nCOPY --exclude=f d /d\nRUN test -e /d/g -a ! -e /d/f\n",
    ),
    (
        "`COPY --parents`",
        "FROM busybox\nCOPY --parents d/f /p/\nRUN test -e /p/d/f\n",
    ),
    (
        "platform arguments",
        "FROM --platform=$BUILDPLATFORM busybox\nARG TARGETARCH\nRUN test -n \"$TARGETARCH\"\n",
    ),
    (
        "`# syntax=`, not to be fetched",
        "# syntax=docker/dockerfile:1\nFROM busybox\nRUN --mount=type=cache,target=/c true\n",
    ),
];

/// What a column of the table tries.
#[derive(Clone, Copy)]
enum Way {
    /// `dcb build` of a service with one Dockerfile.
    Alone,
    /// `dcb build --force-traditional` of the same.
    Classic,
    /// `dcb build` where a traditional form stands beside.
    Pair,
}

/// What became of it.
fn cell(engine: &Engine, dockerfile: &str, way: Way) -> String {
    let project = Project::new("matrix")
        .file("f", "f")
        .file("d/f", "f")
        .file("d/g", "g")
        .file(
            "compose.yaml",
            "services:\n  web:\n    build: { context: ., dockerfile: web.test-local.Dockerfile }\n",
        );
    project.write("web.test-local.Dockerfile", dockerfile);
    if matches!(way, Way::Pair) {
        project.write("web.test.Dockerfile", "FROM busybox\nRUN true\n");
    }
    let mut arguments = vec!["build"];
    if matches!(way, Way::Classic) {
        arguments.extend(["--variant", "test-local", "--force-traditional"]);
    }
    let ran = project.run(engine, &arguments);
    let told = ran.told();
    let detour = told.contains("instead");
    match (ran.code, way) {
        (Some(0), Way::Pair) if told.contains("`web` from `web.test.Dockerfile`") => {
            "`.test`".into()
        }
        (Some(0), Way::Pair) if told.contains("with web.test.Dockerfile") => {
            "`.test`, instead".into()
        }
        (Some(0), Way::Pair) if detour => "`.test-local`, instead".into(),
        (Some(0), Way::Pair) => "`.test-local`".into(),
        (Some(0), _) if detour => "yes, instead".into(),
        (Some(0), _) => "yes".into(),
        (Some(2), _) if told.contains(" uses ") => "refused".into(),
        _ => panic!("neither built nor refused by name:\n{dockerfile}\n{told}"),
    }
}

#[test]
fn every_cell_of_the_table_is_as_the_engines_have_it() {
    let columns = grid::columns([
        ("20.10", "bookworm", Way::Alone),
        ("26.1", "trixie", Way::Alone),
        ("28.5", "sid", Way::Alone),
        ("28.5, containerd", "containerd", Way::Alone),
        ("Podman 4.3", "podman", Way::Alone),
        ("classic 20.10", "bookworm", Way::Classic),
        ("classic 28.5", "sid", Way::Classic),
        ("pair 20.10", "bookworm", Way::Pair),
        ("pair 28.5", "sid", Way::Pair),
        ("pair Podman", "podman", Way::Pair),
    ]);
    let Some(columns) = columns else { return };
    let server = serve::files(BTreeMap::from([("/f".to_owned(), b"f".to_vec())]));
    let sum: String = Sha256::digest(b"f")
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let found = grid::fill(
        "Dockerfile uses",
        &columns,
        FEATURES,
        |(feature, _)| (*feature).to_owned(),
        |column, (_, text)| {
            let text = text.replace("SUM", &sum).replace("SERVER", &server);
            cell(&column.engine, &text, column.how)
        },
    );
    grid::assert_told("docs/choosing.md", &found);
}

#[test]
fn building_needs_no_program_of_dockers() {
    // No docker CLI, no buildx, no Compose, nothing on PATH at all.
    support::on_every_engine("alone", |engine, project| {
        let project = project
            .file("compose.yaml", "services:\n  web: { build: . }\n")
            .file("Dockerfile", "FROM busybox\nRUN true\n");
        let empty = project.path().join("empty");
        std::fs::create_dir(&empty).expect("a directory");
        let alone = |arguments: &[&str]| {
            let mut command = project.dcb_on(engine);
            command
                .args(arguments)
                .env("PATH", &empty)
                .env("DOCKER_CONFIG", &empty);
            project.ran(&mut command)
        };
        for flags in [&["build"] as &[&str], &["build", "--force-traditional"]] {
            alone(flags).expect(0).telling(&["1 service built"]);
        }
        alone(&["up"])
            .expect(3)
            .telling(&["no Docker Compose found"]);
    });
}
