//! A team's own story: `docker/docker-compose.test.yml` and `.test-local.yml`, three services with
//! both Dockerfiles, and `dcb up` on whatever engine there is.

mod support;

use support::{Engine, Project, on_every_engine, podman};

const SERVICES: [&str; 3] = ["orchestration", "ruby-worker", "rust-worker"];

/// The project; `special` is one more line of ruby-worker's optimised Dockerfile.
fn story(project: Project, special: &str) -> Project {
    let compose = |marker: &str| {
        let service = |name: &str| {
            format!(
                "  {name}:\n    build: {{ context: .., dockerfile: docker/build/{name}.{marker}.Dockerfile }}\n    \
                 command: sleep 1000\n    network_mode: none\n    stop_grace_period: 0s\n"
            )
        };
        format!("services:\n{}", SERVICES.map(service).concat())
    };
    let mut project = project
        .file("docker/docker-compose.test.yml", &compose("test"))
        .file(
            "docker/docker-compose.test-local.yml",
            &compose("test-local"),
        );
    for name in SERVICES {
        let path = |marker: &str| format!("docker/build/{name}.{marker}.Dockerfile");
        let special = if name == "ruby-worker" { special } else { "" };
        project = project
            .file(&path("test"), "FROM busybox\nRUN echo traditional >/form\n")
            .file(
                &path("test-local"),
                &format!("{special}FROM busybox\nRUN --mount=type=cache,target=/c echo optimised >/form\n"),
            );
    }
    project
}

/// Which form each service's image is.
fn forms(project: &Project, engine: &Engine) -> [String; 3] {
    SERVICES.map(|name| project.read(engine, name, "/form"))
}

#[test]
fn where_the_optimised_form_can_be_built_it_is_and_up_starts_it() {
    on_every_engine("story", |engine, project| {
        let project = story(project, "");
        project.run(engine, &["up", "--detached"]).expect(0);
        assert_eq!(forms(&project, engine), ["optimised"; 3]);
        project.run(engine, &["ps"]).expect(0);
        for name in SERVICES {
            let ran = project
                .run(engine, &["exec", "-T", name, "cat", "/form"])
                .expect(0);
            assert_eq!(ran.stdout.trim(), "optimised");
        }
        project.run(engine, &["down", "--timeout", "0"]).expect(0);
    });
}

#[test]
fn where_it_cannot_the_traditional_form_of_that_one_service_is_built_and_said() {
    // No released frontend inside an engine of the table knows `--parents`, so this one service has
    // to go the old way everywhere.
    let special = "FROM busybox AS first\nCOPY --parents docker/build /x/\n";
    on_every_engine("story-old", |engine, project| {
        let project = story(project, special);
        let ran = project.run(engine, &["build"]).expect(0);
        ran.telling(&[
            "note: `ruby-worker` from `docker/build/ruby-worker.test.Dockerfile`, because `docker/build/ruby-worker.test-local.Dockerfile` uses `COPY --parents`",
        ]);
        assert_eq!(
            forms(&project, engine),
            ["optimised", "traditional", "optimised"]
        );
    });
}

#[test]
fn where_the_builder_fails_on_its_own_account_another_way_is_taken_once_and_said() {
    // The frontend that it names cannot be fetched here, and the engine's own cannot build it.
    let special =
        "# syntax=docker/dockerfile:1\nFROM busybox AS first\nCOPY --parents docker/build /x/\n";
    on_every_engine("story-broken", |engine, project| {
        let project = story(project, special);
        let ran = project.run(engine, &["build"]).expect(0);
        ran.telling(&[
            "instead",
            "ruby-worker.test.Dockerfile",
            "frontend-unavailable",
        ]);
        assert_eq!(
            forms(&project, engine),
            ["optimised", "traditional", "optimised"]
        );
        let ran = project.run(engine, &["build", "--no-fallback"]).expect(5);
        ran.telling(&["frontend-unavailable", "2 services built, 1 failed"]);
    });
}

#[test]
fn by_hand_all_of_it_is_traditional() {
    on_every_engine("story-hand", |engine, project| {
        let project = story(project, "");
        for flags in [
            &["build", "--variant", "test"] as &[&str],
            &["build", "--force-traditional"],
            &["-f", "docker/docker-compose.test.yml", "build"],
        ] {
            project.run(engine, flags).expect(0);
            assert_eq!(forms(&project, engine), ["traditional"; 3], "{flags:?}");
            project.run(engine, &["build"]).expect(0);
            assert_eq!(forms(&project, engine), ["optimised"; 3]);
        }
        let mut command = project.dcb_on(engine);
        let ran = project.ran(command.args(["build"]).env("DOCKER_BUILDKIT", "0"));
        ran.expect(0).telling(&[
            "classic builder, because DOCKER_BUILDKIT=0 in the environment asks for it",
        ]);
        assert_eq!(forms(&project, engine), ["traditional"; 3]);
    });
}

#[test]
fn podman_builds_what_its_builder_can() {
    let Some(engine) = podman() else { return };
    let project = story(Project::new("story-podman"), "");
    let project = project.file(
        "docker/build/rust-worker.test-local.Dockerfile",
        "FROM busybox\nRUN <<EOF\necho optimised >/form\nEOF\n",
    );
    project.run(&engine, &["build"]).expect(0).telling(&[
        "`rust-worker` from `docker/build/rust-worker.test.Dockerfile`: classic builder, because Podman",
    ]);
    let form = |service: &str| {
        let image = project.image(&engine, service);
        let made = engine.ask(&[
            "image",
            "history",
            "--no-trunc",
            "--format",
            "{{.CreatedBy}}",
            &image,
        ]);
        if made.contains("traditional") {
            "traditional"
        } else {
            "optimised"
        }
    };
    assert_eq!(
        SERVICES.map(form),
        ["optimised", "optimised", "traditional"]
    );
}
