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
use std::fmt::Write;
use std::path::Path;

use sha2::{Digest, Sha256};
use support::{Engine, Project, engines, podman, serve};

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

/// The table's columns: head, engine, way.
fn columns() -> Option<Vec<(String, Engine, Way)>> {
    let by_suite: BTreeMap<String, Engine> = engines()
        .into_iter()
        .chain(podman())
        .map(|engine| (engine.suite.clone(), engine))
        .collect();
    let mut columns = Vec::new();
    for (name, suite) in [
        ("20.10", "bookworm"),
        ("26.1", "trixie"),
        ("28.5", "sid"),
        ("28.5, containerd", "containerd"),
    ] {
        let engine = by_suite.get(suite)?;
        columns.push((name.to_owned(), engine.clone(), Way::Alone));
    }
    let podman = by_suite.get("podman")?;
    columns.push(("Podman 4.3".to_owned(), podman.clone(), Way::Alone));
    for (name, suite) in [("20.10", "bookworm"), ("28.5", "sid")] {
        let engine = by_suite[suite].clone();
        columns.push((format!("classic {name}"), engine, Way::Classic));
    }
    for (name, suite) in [("20.10", "bookworm"), ("28.5", "sid"), ("Podman", "podman")] {
        columns.push((format!("pair {name}"), by_suite[suite].clone(), Way::Pair));
    }
    Some(columns)
}

fn table(columns: &[(String, Engine, Way)]) -> String {
    let server = serve::files(BTreeMap::from([("/f".to_owned(), b"f".to_vec())]));
    let sum: String = Sha256::digest(b"f")
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let fill = |text: &str| text.replace("SUM", &sum).replace("SERVER", &server);
    let cells: Vec<Vec<String>> = std::thread::scope(|scope| {
        let columns: Vec<_> = columns
            .iter()
            .map(|(_, engine, way)| {
                let fill = &fill;
                scope.spawn(move || {
                    let cell = |(_, text): &(&str, &str)| cell(engine, &fill(text), *way);
                    FEATURES.iter().map(cell).collect::<Vec<_>>()
                })
            })
            .collect();
        columns
            .into_iter()
            .map(|column| column.join().unwrap_or_default())
            .collect()
    });
    for (cells, (name, ..)) in cells.iter().zip(columns) {
        assert!(
            !cells.is_empty(),
            "the column `{name}` has a cell that is wrong"
        );
    }
    let mut text = String::new();
    let heads: Vec<&str> = columns.iter().map(|(head, ..)| head.as_str()).collect();
    let _ = writeln!(text, "| Dockerfile uses | {} |", heads.join(" | "));
    let _ = writeln!(text, "|---|{}", "---|".repeat(heads.len()));
    for (row, (feature, _)) in FEATURES.iter().enumerate() {
        let cells: Vec<&str> = cells.iter().map(|column| column[row].as_str()).collect();
        let _ = writeln!(text, "| {feature} | {} |", cells.join(" | "));
    }
    text
}

#[test]
fn every_cell_of_the_table_is_as_the_engines_have_it() {
    const BEGIN: &str = "<!-- the matrix begins -->\n";
    const END: &str = "<!-- the matrix ends -->\n";
    // A developer's own engine is none of the table's.
    let Some(columns) = columns() else { return };
    let found = table(&columns);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/choosing.md");
    let page = std::fs::read_to_string(&path).expect("the page");
    let (before, rest) = page.split_once(BEGIN).expect("its begin");
    let (told, after) = rest.split_once(END).expect("its end");
    if std::env::var_os("DCB_TEST_ACCEPT").is_some() {
        let page = format!("{before}{BEGIN}{found}{END}{after}");
        std::fs::write(&path, page).expect("written");
        return;
    }
    support::told::assert_same(&found, told);
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
