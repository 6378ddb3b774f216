//! Images that are made from each other's and from the same things, on every engine and with both of
//! its builders.

mod support;

use std::collections::BTreeSet;

use support::{Engine, Project, on_every_engine};

/// The builders of an engine, as flags.
const BUILDERS: [&[&str]; 2] = [&[], &["--force-traditional"]];

fn build(project: &Project, engine: &Engine, flags: &[&str]) -> support::Ran {
    project.run(engine, &[&["build"], flags].concat())
}

#[test]
fn an_image_may_begin_with_a_service_under_any_name() {
    // `toolbox` is no image anywhere: only the project says what it is.
    let compose = "services:\n  base: { build: base }\n  web:\n    build:\n      context: .\n      \
                   additional_contexts: { toolbox: \"service:base\", spare: \"service:base\" }\n";
    let dockerfile = "ARG FROM=toolbox\nFROM toolbox AS one\nRUN cat /base >/one\nFROM $FROM\n\
                      COPY --from=one /one /one\nCOPY --from=spare /base /two\n";
    on_every_engine("contexts", |engine, project| {
        let project = project
            .file("compose.yaml", compose)
            .file("Dockerfile", dockerfile)
            .file("base/Dockerfile", "FROM busybox\nCOPY base /base\n");
        for (content, flags) in ["first", "second"].iter().zip(BUILDERS) {
            project.write("base/base", content);
            build(&project, engine, &[flags, &["web"]].concat())
                .expect(0)
                .telling(&["2 services built"]);
            let image = project.image(engine, "web");
            let read = engine.read(&image, &["/one", "/two", "/base"]);
            assert_eq!(read, content.repeat(3), "{flags:?}");
        }
    });
}

#[test]
fn a_mount_may_come_from_a_service() {
    let compose = "services:\n  base: { build: base }\n  web:\n    build:\n      context: .\n      \
                   additional_contexts: { toolbox: \"service:base\" }\n";
    on_every_engine("contexts-mount", |engine, project| {
        let project = project
            .file("compose.yaml", compose)
            .file(
                "Dockerfile",
                "FROM busybox\nRUN --mount=type=bind,from=toolbox,target=/t cat /t/base >/got\n",
            )
            .file("base/Dockerfile", "FROM busybox\nCOPY base /base\n")
            .file("base/base", "mounted");
        build(&project, engine, &[]).expect(0);
        let image = project.image(engine, "web");
        assert_eq!(engine.read(&image, &["/got"]), "mounted");
    });
}

#[test]
fn what_begins_with_a_service_is_not_looked_for_in_a_registry() {
    // No registry is to be reached here, and `--pull` must not send the engine to one for what this
    // project makes.
    let compose = "services:\n  base: { build: base }\n  web: { build: { context: ., args: { BASE: \
                   \"NAME\" } } }\n";
    on_every_engine("pull-own", |engine, project| {
        let base = project.image(engine, "base");
        let project = project
            .file("compose.yaml", &compose.replace("NAME", &base))
            .file("Dockerfile", "ARG BASE\nFROM $BASE\nRUN true\n")
            .file("base/Dockerfile", "FROM scratch\nCOPY base /base\n")
            .file("base/base", "b");
        let ran = project
            .run(engine, &["plan", "--pull", "--format", "json"])
            .expect(0);
        let plan: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert_eq!(plan["jobs"][0]["pull"], true);
        assert_eq!(plan["jobs"][1]["pull"], false);
    });
}

#[test]
fn services_that_are_built_from_the_same_are_built_once_and_stay_services() {
    let service = |name: u32| format!("  s{name}: {{ build: ., command: sleep 1000 }}\n");
    let compose = format!(
        "services:\n{}",
        (1..=4).map(service).collect::<Vec<_>>().concat()
    );
    on_every_engine("copies", |engine, project| {
        let project = project
            .file("compose.yaml", &compose)
            // What it writes is another thing every time.
            .file(
                "Dockerfile",
                "FROM busybox\nRUN cat /proc/sys/kernel/random/uuid >/made\n",
            );
        for flags in [
            &[] as &[&str],
            &["--no-cache"],
            &["--no-cache", "--force-traditional"],
        ] {
            build(&project, engine, flags)
                .expect(0)
                .telling(&["4 services built"]);
            let made: BTreeSet<String> = (1..=4)
                .map(|name| project.read(engine, &format!("s{name}"), "/made"))
                .collect();
            assert_eq!(made.len(), 1, "{flags:?}: built {} times", made.len());
        }
        // Compose tells images of services by their labels: all of them go with the project.
        project.run(engine, &["up", "--detach"]).expect(0);
        project
            .run(engine, &["down", "--timeout", "0", "--rmi", "local"])
            .expect(0);
        for name in 1..=4 {
            let image = project.image(engine, &format!("s{name}"));
            assert!(!engine.has_image(&image), "`{image}` is still there");
        }
    });
}

#[test]
fn one_image_for_several_services_is_one_job() {
    on_every_engine("one-image", |engine, project| {
        let image = format!("{}-app", project.name());
        let compose = format!(
            "x-app: &app {{ image: {image}, build: . }}\nservices: {{ a: *app, b: *app, c: *app }}\n"
        );
        let project = project
            .file("compose.yaml", &compose)
            .file("Dockerfile", "FROM busybox\nRUN true\n");
        let ran = build(&project, engine, &[]).expect(0);
        ran.telling(&["3 services built"]);
        assert!(engine.has_image(&image));
        engine.ask(&["image", "rm", &image]);
    });
}

#[test]
fn what_needs_a_failure_is_skipped_and_the_rest_goes_on() {
    let compose = "services:\n  base: { build: base }\n  web: { build: { context: ., \
                   additional_contexts: { b: \"service:base\" } } }\n  side: { build: side }\n";
    on_every_engine("skipped", |engine, project| {
        let project = project
            .file("compose.yaml", compose)
            .file("Dockerfile", "FROM b\n")
            .file("base/Dockerfile", "FROM busybox\nRUN false\n")
            .file("side/Dockerfile", "FROM busybox\nRUN true\n");
        let ran = build(&project, engine, &[]).expect(1);
        ran.telling(&["needs `base`", "1 service built, 1 failed, 1 skipped"]);
        assert!(engine.has_image(&project.image(engine, "side")));
    });
}
