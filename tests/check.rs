//! `dcb build --check`: what BuildKit's frontend finds, with its place; nothing is built.

mod support;

use std::collections::BTreeSet;

use serde_json::Value;
use support::{Engine, Project, engines, on_engines, on_every_engine, podman};

const ONE: &str = "services:\n  web:\n    build: .\n";
/// Two findings: line 1 (twice) and line 3.
const FAULTY: &str = "FROM busybox as Foo\nRUN true\nCMD echo hello\n";

/// Whether the frontend inside its BuildKit has checks.
fn has_checks(engine: &Engine) -> bool {
    engine.major() >= 27
}

fn those_with_checks() -> Vec<Engine> {
    let mut engines = engines();
    engines.retain(has_checks);
    engines
}

fn service(name: &str, dockerfile: &str) -> String {
    let dockerfile = dockerfile.replace('\n', "\n        ");
    format!(
        "  {name}:\n    build:\n      context: .\n      dockerfile_inline: |\n        {dockerfile}\n"
    )
}

#[test]
fn findings_are_told_with_their_place_their_name_and_where_they_are_explained() {
    on_engines(&those_with_checks(), "findings", |engine, project| {
        let compose = format!("{ONE}{}", service("worker", "FROM busybox\nMAINTAINER me"));
        let project = project
            .file("compose.yaml", &compose)
            .file("Dockerfile", FAULTY);
        let ran = project.run(engine, &["build", "--check"]).expect(1);
        assert_eq!(
            ran.stdout,
            "\
warning: FromAsCasing: 'as' and 'FROM' keywords' casing do not match
 --> Dockerfile:1:1
  |
1 | FROM busybox as Foo
  | ^^^^^^^^^^^^^^^^^^^
  |
  = help: https://docs.docker.com/go/dockerfile/rule/from-as-casing/
warning: StageNameCasing: Stage name 'Foo' should be lowercase
 --> Dockerfile:1:1
  |
1 | FROM busybox as Foo
  | ^^^^^^^^^^^^^^^^^^^
  |
  = help: https://docs.docker.com/go/dockerfile/rule/stage-name-casing/
warning: JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals
 --> Dockerfile:3:1
  |
3 | CMD echo hello
  | ^^^^^^^^^^^^^^
  |
  = help: https://docs.docker.com/go/dockerfile/rule/json-args-recommended/
warning: MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label
 --> compose.yaml:9:9
  |
9 |         MAINTAINER me
  |         ^^^^^^^^^^^^^
  |
  = help: https://docs.docker.com/go/dockerfile/rule/maintainer-deprecated/
"
        );
        assert_eq!(
            ran.stderr,
            "\
error: 4 findings in 2 files
  = help: a check can be left out by its name: `# check=skip=RULE` in the first line of the Dockerfile
"
        );
        for name in ["web", "worker"] {
            let image = project.image(engine, name);
            assert!(!engine.has_image(&image), "nothing is built");
        }
    });
}

#[test]
fn programs_get_the_same_as_json_each_finding_once() {
    on_engines(&those_with_checks(), "json", |engine, project| {
        let compose = format!(
            "{ONE}  twin:\n    build: {{context: ., args: {{A: b}}}}\n{}",
            service("broken", "FROM busybox\nRUNN true")
        );
        let project = project
            .file("compose.yaml", &compose)
            .file("Dockerfile", "FROM busybox AS Foo\n");
        let arguments = ["build", "--check", "--format", "json"];
        let ran = project.run(engine, &arguments).expect(1);
        assert_eq!(ran.stderr, "", "all is in the answer");
        let answer: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert_eq!(
            answer["findings"],
            serde_json::json!([{
                "rule": "StageNameCasing",
                "message": "Stage name 'Foo' should be lowercase",
                "url": "https://docs.docker.com/go/dockerfile/rule/stage-name-casing/",
                "file": "Dockerfile",
                "line": 1,
                "end_line": 1,
                "services": ["twin", "web"],
            }])
        );
        let [failed] = answer["failures"].as_array().expect("a list").as_slice() else {
            panic!("{}", ran.told());
        };
        assert_eq!(failed["services"], serde_json::json!(["broken"]));
        assert_eq!(failed["failure"]["class"], "dockerfile-syntax");
        project
            .run_alone(&["build", "--format", "json"])
            .expect(2)
            .telling(&["--check"]);
    });
}

#[test]
fn where_there_is_nothing_to_find_it_says_so_and_exits_0() {
    on_engines(&those_with_checks(), "clean", |engine, project| {
        let project = project
            .file("compose.yaml", ONE)
            .file("Dockerfile", "FROM busybox\nRUN true\n");
        let ran = project.run(engine, &["build", "--check"]).expect(0);
        assert_eq!(
            (&*ran.stdout, &*ran.stderr),
            ("", "checked 1 service: nothing found\n")
        );
        let quiet = project
            .run(engine, &["build", "--check", "--quiet"])
            .expect(0);
        assert_eq!((&*quiet.stdout, &*quiet.stderr), ("", ""));
        // A line in the Dockerfile leaves a check out.
        project.write(
            "Dockerfile",
            &format!("# check=skip=FromAsCasing,StageNameCasing,JSONArgsRecommended\n{FAULTY}"),
        );
        project.run(engine, &["build", "--check"]).expect(0);
        // One that makes errors of findings changes nothing here.
        project.write("Dockerfile", &format!("# check=error=true\n{FAULTY}"));
        let ran = project.run(engine, &["build", "--check"]).expect(1);
        ran.telling(&["error: 3 findings in 1 file", "Dockerfile:4:1"]);
    });
}

#[test]
fn what_a_check_does_not_need_is_not_asked_for() {
    on_engines(&those_with_checks(), "needs", |engine, project| {
        let project = project
            .file(
                "compose.yaml",
                "services:\n  web:\n    build:\n      context: .\n      args: { FROM: busybox }\n      \
                 platforms: [linux/amd64, linux/arm64]\n      secrets: [token]\n      provenance: true\n\
                 secrets: { token: { file: ./not-here } }\n",
            )
            .file("Dockerfile", "ARG FROM=\nFROM $FROM\nRUN false\n");
        let ran = project.run(engine, &["build", "--check"]).expect(1);
        ran.telling(&["InvalidDefaultArgInFrom", "error: 1 finding in 1 file"]);
    });
}

#[test]
fn what_cannot_be_checked_is_a_failure_with_its_place() {
    on_engines(&those_with_checks(), "failures", |engine, project| {
        let base = format!("{}/base:1", project.name());
        let compose = format!(
            "services:\n  base:\n    image: {base}\n    build:\n      dockerfile_inline: FROM scratch\n{}{}",
            service("web", &format!("FROM {base}\nENV A=b")),
            service(
                "broken",
                "FROM busybox as base\nRUN true\nCOPY --from=base /a /b"
            ),
        );
        let project = project.file("compose.yaml", &compose);
        let ran = project
            .run(engine, &["build", "--check", "broken"])
            .expect(1);
        ran.telling(&[
            "FromAsCasing",
            "circular dependency detected on stage: base",
            "--> compose.yaml:18:9",
        ]);
        let ran = project.run(engine, &["build", "--check", "web"]).expect(5);
        ran.telling(&[
            "--> compose.yaml:10:9",
            "= help: some checks look at the base image, which may not be built yet: dcb build base",
        ]);
        project.run(engine, &["build", "base"]).expect(0);
        project.run(engine, &["build", "--check", "web"]).expect(0);
    });
}

#[test]
fn a_frontend_that_cannot_be_fetched_is_replaced_by_the_engines_own_if_that_may_be() {
    on_every_engine("syntax", |engine, project| {
        let project = project.file("compose.yaml", ONE).file(
            "Dockerfile",
            "# syntax=docker/dockerfile:1\nFROM busybox AS Foo\n",
        );
        let missing = "failed to fetch the frontend `docker.io/docker/dockerfile:1`";
        if has_checks(engine) {
            let ran = project.run(engine, &["build", "--check"]).expect(1);
            ran.telling(&[
                &format!("warning: web: {missing}"),
                "checked with the engine's own frontend",
                "StageNameCasing",
                "--> Dockerfile:2:1",
            ]);
        }
        let ran = project.run(engine, &["build", "--check", "--no-fallback"]);
        ran.expect(5).telling(&[missing, "--> Dockerfile:1:1"]);
    });
}

#[test]
fn builders_without_checks_are_refused_by_name() {
    let project = |project: Project| project.file("compose.yaml", ONE).file("Dockerfile", FAULTY);
    on_every_engine("refused", |engine, own| {
        let project = project(own);
        if !has_checks(engine) {
            let ran = project.run(engine, &["build", "--check"]).expect(2);
            ran.telling(&[
                "error: `--check` of service `web` needs Dockerfile frontend 1.8, and that of engine <version> is older",
                "use engine 27.0 or later",
            ]);
            project.write(
                "Dockerfile",
                &format!("# syntax=docker/dockerfile:1.7\n{FAULTY}"),
            );
            let ran = project.run(engine, &["build", "--check"]).expect(2);
            ran.telling(&["and that of its `# syntax=` line is older"]);
        }
        let ran = project.run(engine, &["build", "--check", "--force-traditional"]);
        ran.expect(2)
            .telling(&["error: `--check` of service `web` is more than this builder can do"]);
    });
    let podman: Vec<Engine> = podman().into_iter().collect();
    on_engines(&podman, "podman", |engine, own| {
        let ran = project(own).run(engine, &["build", "--check"]).expect(2);
        ran.telling(&["error: `--check` of service `web` is more than this builder can do"]);
    });
}

#[test]
fn it_finds_what_dockers_own_client_finds() {
    const DOCKERFILE: &str = "FROM busybox as Foo\nMAINTAINER me\nENV A b\nENV TOKEN=x\nWORKDIR rel\nEXPOSE 80/TCP\n\
        RUN echo \\\n\n  $UNSET\nFROM --platform=linux/amd64 busybox\nCOPY --from=foo /etc/passwd $NOPE/\nCMD a\nCMD b\n";
    on_engines(&those_with_checks(), "same", |engine, project| {
        let project = project
            .file("compose.yaml", ONE)
            .file("Dockerfile", DOCKERFILE);
        let docker = project
            .other_on(engine, "docker")
            .args(["buildx", "build", "--call=lint,format=json", "."])
            .output()
            .expect("docker runs");
        let theirs: Value = serde_json::from_slice(&docker.stdout)
            .unwrap_or_else(|error| panic!("{error}: {docker:?}"));
        let theirs: BTreeSet<(String, u64)> = theirs["warnings"]
            .as_array()
            .expect("warnings")
            .iter()
            .map(|warning| {
                let line = &warning["location"]["ranges"][0]["start"]["line"];
                let rule = warning["ruleName"].as_str().expect("a rule");
                (rule.to_owned(), line.as_u64().expect("a line"))
            })
            .collect();
        let ran = project
            .run(engine, &["build", "--check", "--format=json"])
            .expect(1);
        let ours: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        let ours: BTreeSet<(String, u64)> = ours["findings"]
            .as_array()
            .expect("findings")
            .iter()
            .map(|finding| {
                let rule = finding["rule"].as_str().expect("a rule");
                (rule.to_owned(), finding["line"].as_u64().expect("a line"))
            })
            .collect();
        assert!(ours.len() > 7, "{ours:?}");
        assert_eq!(ours, theirs);
    });
}
