//! What becomes of each key of `build:`, as `docs/keys.md` tells it: every cell of its table is tried on
//! a real engine. Where a key works, what it does is looked at in the image.

#![allow(
    clippy::disallowed_methods,
    reason = "tests read the environment they are given"
)]

mod support;

use std::collections::BTreeSet;
use std::os::unix::net::UnixListener;
use std::process::Stdio;

use serde_json::Value;
use support::builder::Remote;
use support::registry::{GITHUB_TOKEN, Registry};
use support::{Engine, Project, grid, layout, serve};

/// One row: a project that uses the key, and what proves that it was obeyed.
struct Case {
    /// The key, as in the table of `dcb plan -v`.
    key: &'static str,
    /// Which of its values, as there.
    form: &'static str,
    /// What stands below `build:`; `REGISTRY` is the address of one, `SITE` that of a git repository.
    build: &'static str,
    /// A Dockerfile that fails where the key is ignored, if a step can tell.
    dockerfile: &'static str,
    /// What else proves it.
    proof: fn(&Engine, &Project, &str),
}

/// The Dockerfile tells by itself.
fn itself(_: &Engine, _: &Project, _: &str) {}

const CASES: &[Case] = &[
    Case {
        key: "additional_contexts",
        form: "an image or a service",
        build: "additional_contexts: { ground: docker-image://busybox }",
        dockerfile: "FROM ground\nRUN true\nFROM busybox\nCOPY --from=ground /bin/sh /copy\n",
        proof: itself,
    },
    Case {
        key: "additional_contexts",
        form: "an image or a service, with the Dockerfile in a remote context",
        build: "context: SITE\ndockerfile: app/Dockerfile\nadditional_contexts: { ground: docker-image://busybox }",
        dockerfile: "",
        proof: itself,
    },
    Case {
        key: "additional_contexts",
        form: "for one platform",
        build: "platforms: [linux/amd64]\nadditional_contexts: { 'ground::linux/amd64': docker-image://busybox }",
        dockerfile: "FROM ground\nRUN true\n",
        proof: itself,
    },
    Case {
        key: "additional_contexts",
        form: "a directory",
        build: "additional_contexts: { here: . }",
        dockerfile: "FROM busybox\nCOPY --from=here f /copy\n",
        proof: itself,
    },
    Case {
        key: "additional_contexts",
        form: "a git or http address",
        build: "additional_contexts: { site: SITE }",
        dockerfile: "FROM busybox\nCOPY --from=site app/page /page\n",
        proof: itself,
    },
    Case {
        key: "additional_contexts",
        form: "an OCI layout",
        build: "additional_contexts: { layout: oci-layout://./layout }",
        dockerfile: "FROM busybox\nCOPY --from=layout /in-layout /copy\n",
        proof: itself,
    },
    Case {
        key: "additional_contexts",
        form: "another address",
        build: "additional_contexts: { site: github.com/acme/site }",
        dockerfile: "FROM busybox\n",
        proof: itself,
    },
    Case {
        key: "additional_contexts",
        form: "under a name that no image can have",
        build: "additional_contexts: { Here: . }",
        dockerfile: "FROM busybox\n",
        proof: itself,
    },
    Case {
        key: "cache_from",
        form: "registry",
        build: "cache_from: ['REGISTRY/cache:none']",
        dockerfile: "FROM scratch\nCOPY f /f\n",
        proof: itself,
    },
    Case {
        key: "cache_from",
        form: "local",
        build: "cache_from: ['type=local,src=cache']",
        dockerfile: "FROM scratch\nCOPY f /f\n",
        proof: itself,
    },
    Case {
        key: "cache_from",
        form: "gha",
        build: "cache_from: ['type=gha']",
        dockerfile: "FROM scratch\nCOPY f /f\n",
        proof: itself,
    },
    Case {
        key: "cache_from",
        form: "s3",
        build: "cache_from: ['type=s3,bucket=b,region=r']",
        dockerfile: "FROM scratch\nCOPY f /f\n",
        proof: itself,
    },
    Case {
        key: "cache_from",
        form: "azblob",
        build: "cache_from: ['type=azblob,account_url=https://a']",
        dockerfile: "FROM scratch\nCOPY f /f\n",
        proof: itself,
    },
    Case {
        key: "cache_to",
        form: "inline",
        build: "cache_to: ['type=inline']",
        dockerfile: "FROM scratch\nCOPY f /f\n",
        proof: itself,
    },
    Case {
        key: "cache_to",
        form: "registry",
        build: "cache_to: ['type=registry,ref=REGISTRY/cells']",
        dockerfile: "FROM scratch\nCOPY f /f\n",
        proof: itself,
    },
    Case {
        key: "cache_to",
        form: "local",
        build: "cache_to: ['type=local,dest=cache']",
        dockerfile: "FROM scratch\nCOPY f /f\n",
        proof: the_directory_holds_a_cache,
    },
    Case {
        key: "cache_to",
        form: "gha",
        build: "cache_to: ['type=gha']",
        dockerfile: "FROM scratch\nCOPY f /f\n",
        proof: itself,
    },
    Case {
        key: "cache_to",
        form: "s3",
        build: "cache_to: ['type=s3,bucket=b,region=r']",
        dockerfile: "FROM scratch\nCOPY f /f\n",
        proof: itself,
    },
    Case {
        key: "cache_to",
        form: "azblob",
        build: "cache_to: ['type=azblob,account_url=https://a']",
        dockerfile: "FROM scratch\nCOPY f /f\n",
        proof: itself,
    },
    Case {
        key: "context",
        form: "an image, an OCI layout, a service",
        build: "context: docker-image://busybox\ndockerfile_inline: FROM busybox",
        dockerfile: "",
        proof: itself,
    },
    Case {
        key: "entitlements",
        form: "",
        build: "entitlements: [network.host]\nnetwork: host",
        dockerfile: "FROM busybox\nRUN true\n",
        proof: itself,
    },
    Case {
        key: "isolation",
        form: "another than default",
        build: "isolation: hyperv",
        dockerfile: "FROM busybox\n",
        proof: itself,
    },
    Case {
        key: "network",
        form: "one of the engine's",
        build: "network: bridge",
        dockerfile: "FROM busybox\nRUN test -e /sys/class/net/eth0\n",
        proof: itself,
    },
    Case {
        key: "no_cache_filter",
        form: "",
        build: "no_cache_filter: [fresh]",
        dockerfile: "FROM busybox AS fresh\nRUN cat /proc/sys/kernel/random/uuid >/n\nFROM busybox\nRUN cat /proc/sys/kernel/random/uuid >/o\nCOPY --from=fresh /n /n\n",
        proof: only_one_stage_is_built_anew,
    },
    Case {
        key: "platforms",
        form: "one",
        build: "platforms: [linux/arm64]",
        dockerfile: "FROM scratch\nCOPY f /f\n",
        proof: the_image_is_for_arm,
    },
    Case {
        key: "platforms",
        form: "several",
        build: "platforms: [linux/arm64, linux/amd64]",
        dockerfile: "FROM scratch\nCOPY f /f\n",
        proof: the_image_is_for_both,
    },
    Case {
        key: "privileged",
        form: "",
        build: "privileged: true",
        dockerfile: "FROM busybox\nRUN true\n",
        proof: itself,
    },
    Case {
        key: "provenance",
        form: "another than false",
        build: "provenance: mode=max",
        dockerfile: "FROM scratch\nCOPY f /f\n",
        proof: the_image_is_attested,
    },
    Case {
        key: "sbom",
        form: "another than false",
        build: "sbom: generator=REGISTRY/scanner",
        dockerfile: "FROM scratch\nCOPY f /f\n",
        proof: the_image_is_attested,
    },
    Case {
        key: "secrets",
        form: "",
        build: "secrets: [s]",
        dockerfile: "FROM busybox\nRUN --mount=type=secret,id=s,required=true test $(cat /run/secrets/s) = f\n",
        proof: itself,
    },
    Case {
        key: "shm_size",
        form: "",
        build: "shm_size: 12m",
        dockerfile: "FROM busybox\nRUN grep 'shm.*size=12288k' /proc/mounts\n",
        proof: itself,
    },
    Case {
        key: "ssh",
        form: "",
        build: "ssh: [default=./agent]",
        dockerfile: "FROM busybox\nRUN --mount=type=ssh,required=true test -S \"$SSH_AUTH_SOCK\"\n",
        proof: itself,
    },
    Case {
        key: "ulimits",
        form: "",
        build: "ulimits: { nofile: 123 }",
        dockerfile: "FROM busybox\nRUN test $(ulimit -n) = 123\n",
        proof: itself,
    },
    Case {
        key: "--output",
        form: "local or tar",
        build: "",
        dockerfile: "FROM scratch\nCOPY f /f\n",
        proof: the_file_is_written,
    },
    Case {
        key: "--output",
        form: "oci or docker",
        build: "",
        dockerfile: "FROM scratch\nCOPY f /f\n",
        proof: the_layout_is_written,
    },
    Case {
        key: "SOURCE_DATE_EPOCH",
        form: "",
        build: "",
        dockerfile: "FROM scratch\nCOPY f /f\n",
        proof: the_image_is_dated,
    },
];

fn only_one_stage_is_built_anew(engine: &Engine, project: &Project, image: &str) {
    let first = engine.read(image, &["/n", "/o"]);
    project.run(engine, &["build"]).expect(0);
    let second = engine.read(image, &["/n", "/o"]);
    let lines = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
    let (first, second) = (lines(&first), lines(&second));
    assert_ne!(first[0], second[0], "the stage that is named");
    assert_eq!(first[1], second[1], "the other one");
}

fn the_directory_holds_a_cache(_: &Engine, project: &Project, _: &str) {
    assert!(project.path().join("cache/index.json").exists());
}

fn the_image_is_for_arm(engine: &Engine, _: &Project, image: &str) {
    let found = engine.ask(&["image", "inspect", "--format", "{{.Architecture}}", image]);
    assert_eq!(found, "arm64");
}

fn the_image_is_for_both(engine: &Engine, _: &Project, image: &str) {
    let platforms = platforms(engine, image);
    assert_eq!(platforms, BTreeSet::from(["amd64".into(), "arm64".into()]));
}

fn the_image_is_attested(engine: &Engine, _: &Project, image: &str) {
    assert!(
        platforms(engine, image).contains("unknown"),
        "an attestation"
    );
}

fn the_file_is_written(_: &Engine, project: &Project, _: &str) {
    let written = std::fs::read_to_string(project.path().join("out/f")).expect("a file");
    assert_eq!(written, "f");
}

fn the_layout_is_written(_: &Engine, project: &Project, _: &str) {
    let file = std::fs::File::open(project.path().join("out.tar")).expect("a file");
    let mut archive = tar::Archive::new(file);
    let mut entries = archive.entries().expect("an archive");
    let is_index = |entry: std::io::Result<tar::Entry<'_, _>>| {
        entry
            .expect("an entry")
            .path()
            .expect("a path")
            .ends_with("index.json")
    };
    assert!(entries.any(is_index), "the index of a layout");
}

fn the_image_is_dated(engine: &Engine, _: &Project, image: &str) {
    let found = engine.ask(&["image", "inspect", "--format", "{{.Created}}", image]);
    assert_eq!(found, "2001-09-09T01:46:40Z");
}

/// The architectures of an image's manifests; `unknown` is that of an attestation.
fn platforms(engine: &Engine, image: &str) -> BTreeSet<String> {
    let mut save = engine
        .docker()
        .args(["image", "save", image])
        .stdout(Stdio::piped())
        .spawn()
        .expect("docker runs");
    let mut archive = tar::Archive::new(save.stdout.take().expect("piped"));
    let mut architectures = BTreeSet::new();
    for entry in archive.entries().expect("an archive") {
        let entry = entry.expect("an entry");
        let index: Option<Value> = serde_json::from_reader(entry).ok();
        let manifests = index
            .as_ref()
            .and_then(|index| index["manifests"].as_array());
        for manifest in manifests.into_iter().flatten() {
            let architecture = manifest["platform"]["architecture"].as_str();
            architectures.extend(architecture.map(str::to_owned));
        }
    }
    assert!(save.wait().expect("an end").success());
    architectures
}

/// How a column builds.
#[derive(Clone, Copy)]
enum How {
    /// As dcb chooses.
    Chosen,
    /// On the classic builder.
    Classic,
    /// With a builder of the user's own, whose image is loaded into the engine.
    Own,
}

/// Puts an image into `registry` that writes down what it finds in another: nothing.
fn push_scanner(registry: &Registry, engine: &Engine) {
    const WRITE: &str = r#"ENTRYPOINT ["sh", "-c", "echo '{\"_type\":\"https://in-toto.io/Statement/v0.1\",\"predicateType\":\"https://spdx.dev/Document\",\"predicate\":{\"SPDXID\":\"SPDXRef-DOCUMENT\"}}' >$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json"]"#;
    let compose = "services: {s: {image: scanner, build: .}}\n";
    let project = Project::new("scanner")
        .file("compose.yaml", compose)
        .file("Dockerfile", &format!("FROM busybox\n{WRITE}\n"));
    project.run(engine, &["build"]).expect(0);
    registry.push(engine, "scanner");
}

/// A project for a case, with the addresses of a registry and of a git repository.
fn project(case: &Case, registry: &str, site: &str) -> Project {
    let mut build = "services:\n  web:\n    build:\n".to_owned();
    if !case.build.starts_with("context:") {
        build.push_str("      context: .\n");
    }
    let project = Project::new("keys").file("f", "f");
    for line in case.build.lines() {
        let line = line.replace("REGISTRY", registry);
        let line = line.replace("SITE", site);
        build.push_str(&format!("      {line}\n"));
    }
    match case.key {
        "secrets" => build.push_str("secrets: { s: { file: ./f } }\n"),
        "ssh" => {
            let agent = UnixListener::bind(project.path().join("agent")).expect("a socket");
            // It listens as long as the tests go on.
            std::mem::forget(agent);
        }
        _ => {}
    }
    let project = project
        .file("compose.yaml", &build)
        .file("Dockerfile", case.dockerfile);
    if case.build.contains("oci-layout") {
        layout::make(&project.path().join("layout"), None, "in-layout", "f");
    }
    if case.form == "gha" {
        // As in a run of GitHub Actions whose cache is out of order.
        return project
            .variable("ACTIONS_RUNTIME_TOKEN", GITHUB_TOKEN)
            .variable("ACTIONS_CACHE_URL", "http://127.0.0.1:1/");
    }
    if case.key == "SOURCE_DATE_EPOCH" {
        return project.variable("SOURCE_DATE_EPOCH", "1000000000");
    }
    project
}

fn cell(engine: &Engine, how: How, mut project: Project, case: &Case, own: &Remote) -> String {
    let mut arguments = vec!["build"];
    match how {
        How::Chosen => {}
        How::Classic => arguments.push("--force-traditional"),
        How::Own => {
            let state = own.state().display().to_string();
            project = project
                .variable("BUILDX_BUILDER", "far")
                .variable("BUILDX_CONFIG", &state);
        }
    }
    arguments.extend(match (case.key, case.form) {
        ("--output", "local or tar") => Some("--output=out"),
        ("--output", _) => Some("--output=type=oci,dest=out.tar"),
        _ => None,
    });
    let ran = project.run(engine, &arguments);
    let told = ran.told();
    let named = |verb: &str| told.contains(&format!("{verb}: `{}`", case.key));
    match ran.code {
        Some(2) if named("error") => "refused".to_owned(),
        Some(3) if told.contains("entitlement") => "as the engine allows".to_owned(),
        // The builder here is the BuildKit of an engine, which lacks what one on its own has.
        Some(2) if matches!(how, How::Own) && told.contains("unknown cache exporter") => {
            "as the builder allows".to_owned()
        }
        Some(0) if named("warning") && told.contains("is left out") => "left out".to_owned(),
        Some(0) => {
            (case.proof)(engine, &project, &project.image(engine, "web"));
            let chosen = matches!(how, How::Chosen) && engine.has_buildkit();
            if chosen && told.contains(": classic builder, because") {
                "classic".to_owned()
            } else {
                "works".to_owned()
            }
        }
        _ => panic!(
            "`{}` neither works nor is refused by name:\n{told}",
            case.key
        ),
    }
}

#[test]
fn every_cell_of_the_table_is_as_the_engines_have_it() {
    let columns = grid::columns([
        ("20.10", "bookworm", How::Chosen),
        ("26.1", "trixie", How::Chosen),
        ("28.5", "sid", How::Chosen),
        ("28.5, containerd", "containerd", How::Chosen),
        ("own builder, 28.5", "sid", How::Own),
        ("own builder, containerd", "containerd", How::Own),
        ("classic 20.10", "bookworm", How::Classic),
        ("classic 28.5", "sid", How::Classic),
        ("Podman 4.3", "podman", How::Chosen),
    ]);
    let (Some(columns), Some(registry)) = (columns, Registry::start()) else {
        return;
    };
    push_scanner(&registry, &columns[2].engine);
    let repository =
        Project::new("keys-site").file("work/app/Dockerfile", "FROM ground\nRUN true\n");
    let site = serve::repository(&repository);
    let own = Remote::of(&columns[3].engine);
    own.create(&columns[3].engine, "far");
    let found = grid::fill(
        "Key",
        &columns,
        CASES,
        |case| match case.form {
            "" => format!("`{}`", case.key),
            form => format!("`{}`: {form}", case.key),
        },
        |column, case| {
            let project = project(case, registry.address(), &site);
            cell(&column.engine, column.how, project, case, &own)
        },
    );
    grid::assert_told("docs/keys.md", &found);
}

#[test]
fn the_table_of_the_page_is_the_one_in_the_code() {
    let project = project(&CASES[0], "", "");
    let plan = project.run_alone(&["-v", "plan", "--format", "json"]);
    let plan: Value = serde_json::from_str(&plan.stdout).expect("JSON");
    let in_code: BTreeSet<(String, String)> = plan["keys"]
        .as_array()
        .expect("the table")
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().expect("text").to_owned();
            (text("key"), text("form"))
        })
        .collect();
    let tried = CASES
        .iter()
        .map(|case| (case.key.to_owned(), case.form.to_owned()))
        .collect();
    assert_eq!(in_code, tried);
}
