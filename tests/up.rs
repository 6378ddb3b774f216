//! `dcb up` and the verbs that Docker Compose runs, with the Compose of each engine's generation.

mod support;

use std::net::TcpListener;

use support::{Engine, Project, free_port, on_every_engine};

/// A project with two services that run until they are stopped: `web` has a page in its image,
/// `side` a note.
fn site(project: Project) -> Project {
    let service = |name: &str| {
        format!(
            "  {name}:\n    build: {name}\n    command: sleep 1000\n    stop_grace_period: 0s\n    \
             network_mode: none\n"
        )
    };
    project
        .file(
            "compose.yaml",
            &format!("services:\n{}{}", service("web"), service("side")),
        )
        .file("web/Dockerfile", "FROM busybox\nCOPY page /page\n")
        .file("web/page", "one")
        .file("side/Dockerfile", "FROM busybox\nCOPY note /note\n")
        .file("side/note", "note")
}

/// The id of the running container of a service.
fn container(project: &Project, engine: &Engine, service: &str) -> String {
    engine.ask(&[
        "ps",
        "--quiet",
        "--no-trunc",
        "--filter",
        &format!("label=com.docker.compose.project={}", project.name()),
        "--filter",
        &format!("label=com.docker.compose.service={service}"),
    ])
}

fn nothing_runs(project: &Project, engine: &Engine) {
    for service in ["web", "side"] {
        assert_eq!(
            container(project, engine, service),
            "",
            "`{service}` was started"
        );
    }
}

#[test]
fn up_builds_and_starts_and_what_runs_is_what_was_built() {
    on_every_engine("up", |engine, project| {
        let project = site(project);
        let ran = project.run(engine, &["up", "-d"]).expect(0);
        ran.telling(&["2 services built in", "web  built"]);
        let web = container(&project, engine, "web");
        assert_eq!(engine.ask(&["exec", &web, "cat", "/page"]), "one");
        assert_ne!(container(&project, engine, "side"), "");
    });
}

#[test]
fn a_service_whose_files_changed_is_recreated_and_no_other() {
    on_every_engine("up-changed", |engine, project| {
        let project = site(project);
        project.run(engine, &["up", "--detach"]).expect(0);
        let (web, side) = (
            container(&project, engine, "web"),
            container(&project, engine, "side"),
        );

        project.run(engine, &["up", "--detach"]).expect(0);
        assert_eq!(
            container(&project, engine, "web"),
            web,
            "unchanged, and recreated"
        );
        assert_eq!(
            container(&project, engine, "side"),
            side,
            "unchanged, and recreated"
        );

        project.write("web/page", "two");
        project.run(engine, &["up", "--detach"]).expect(0);
        let fresh = container(&project, engine, "web");
        assert_ne!(fresh, web, "changed, and still the old container");
        assert_eq!(engine.ask(&["exec", &fresh, "cat", "/page"]), "two");
        assert_eq!(
            container(&project, engine, "side"),
            side,
            "unchanged, and recreated"
        );
    });
}

#[test]
fn who_has_a_port_is_told_before_anything_is_built() {
    on_every_engine("up-port", |engine, first| {
        let port = free_port();
        let compose = format!(
            "services:\n  web:\n    build: .\n    command: sleep 1000\n    stop_signal: KILL\n    \
             ports: ['127.0.0.1:{port}:80']\n  quiet:\n    build: .\n    network_mode: none\n"
        );
        let project = |project: Project| {
            project
                .file("compose.yaml", &compose)
                .file("Dockerfile", "FROM busybox\n")
        };
        let (first, second) = (project(first), project(Project::new("up-port-second")));
        first.run(engine, &["up", "-d", "web"]).expect(0);
        let again = first.run(engine, &["up", "-d", "--force-recreate", "web"]);
        let told = again.expect(0).told();
        assert!(!told.contains("is taken by"), "its own:\n{told}");

        let ran = second.run(engine, &["up", "-d"]);
        let told = ran.told();
        let owner = format!("is taken by container `{}", first.name());
        let (who, built) = (told.find(&owner), told.find(" built in "));
        assert!(who.is_some() && who < built, "{told}");
        assert_ne!(ran.code, Some(0), "{told}");
        ran.telling(&[
            "compose.yaml:6:13",
            "`dcb up` cannot start `web`",
            "docker stop ",
        ]);

        first.run(engine, &["down"]).expect(0);
        let _taken = TcpListener::bind(("127.0.0.1", port)).expect("it is free");
        let told = second.run(engine, &["up", "-d", "quiet"]).expect(0).told();
        assert!(!told.contains("is taken by"), "not asked for:\n{told}");
        second
            .run(engine, &["up", "-d"])
            .telling(&["is taken by a program of this machine", "sudo ss "]);
    });
}

#[test]
fn what_a_named_service_depends_on_is_built_and_started_with_it() {
    on_every_engine("up-depends", |engine, project| {
        let project = site(project);
        let compose = std::fs::read_to_string(project.path().join("compose.yaml"));
        let compose = compose.expect("written above");
        let depends = "    build: web\n    depends_on: [side]\n";
        project.write(
            "compose.yaml",
            &compose.replacen("    build: web\n", depends, 1),
        );
        project.run(engine, &["up", "-d", "web"]).expect(0);
        for service in ["web", "side"] {
            assert_ne!(
                container(&project, engine, service),
                "",
                "`{service}` was not started"
            );
        }
    });
}

#[test]
fn a_compose_file_on_standard_input_is_built_and_started() {
    on_every_engine("up-stdin", |engine, project| {
        let project = site(project);
        let file = project.path().join("compose.yaml");
        let input = project.path().join("elsewhere");
        std::fs::rename(&file, &input).expect("a file");
        let stdin = std::fs::File::open(&input).expect("a file");
        let mut command = project.dcb_on(engine);
        project
            .ran(command.args(["-f", "-", "up", "-d", "web"]).stdin(stdin))
            .expect(0);
        let web = container(&project, engine, "web");
        assert_eq!(engine.ask(&["exec", &web, "cat", "/page"]), "one");
    });
}

#[test]
fn no_build_starts_what_is_there() {
    on_every_engine("up-nobuild", |engine, project| {
        let project = site(project);
        let ran = project.run(engine, &["up", "-d", "--no-build"]);
        assert_ne!(
            ran.code,
            Some(0),
            "there was nothing to start:\n{}",
            ran.told()
        );
        nothing_runs(&project, engine);

        project.run(engine, &["build"]).expect(0);
        project.write("web/page", "two");
        let ran = project.run(engine, &["up", "-d", "--no-build"]).expect(0);
        assert!(!ran.stderr.contains("SERVICE  OUTCOME"), "{}", ran.told());
        let web = container(&project, engine, "web");
        assert_eq!(engine.ask(&["exec", &web, "cat", "/page"]), "one");
    });
}

#[test]
fn no_cache_and_build_arguments_reach_the_build_of_up() {
    on_every_engine("up-nocache", |engine, project| {
        let project = site(project);
        project.write(
            "web/Dockerfile",
            "FROM busybox\nARG WORD=unset\nRUN echo $WORD > /word; cat /proc/sys/kernel/random/uuid > /id\n",
        );
        let up = |arguments: &[&str]| {
            let mut all = vec!["up", "-d"];
            all.extend(arguments);
            project.run(engine, &all).expect(0);
            let web = container(&project, engine, "web");
            engine.ask(&["exec", &web, "cat", "/word", "/id"])
        };
        let first = up(&["--build-arg", "WORD=typed", "web"]);
        assert!(first.starts_with("typed\n"), "{first}");
        assert_eq!(
            up(&["--build-arg=WORD=typed", "web"]),
            first,
            "the cache was not used"
        );
        assert_ne!(up(&["--no-cache", "--build-arg=WORD=typed", "web"]), first);
        assert_eq!(
            container(&project, engine, "side"),
            "",
            "`side` was not asked for"
        );
    });
}

#[test]
fn a_build_that_fails_starts_nothing_and_stops_nothing() {
    on_every_engine("up-fails", |engine, project| {
        let project = site(project);
        project.write("web/Dockerfile", "FROM busybox\nRUN exit 4\n");
        project.run(engine, &["up", "--detached"]).expect(1);
        nothing_runs(&project, engine);

        project.write("web/Dockerfile", "FROM busybox\n");
        project.run(engine, &["up", "--detached"]).expect(0);
        let web = container(&project, engine, "web");
        project.write("web/Dockerfile", "FROM busybox\nRUN exit 4\n");
        project.run(engine, &["up", "--detached"]).expect(1);
        assert_eq!(container(&project, engine, "web"), web);
    });
}

#[test]
fn a_dry_run_tells_what_would_be_done_and_does_nothing() {
    on_every_engine("up-dry", |engine, project| {
        let project = site(project);
        let ran = project.run(engine, &["up", "-d", "--dry-run"]).expect(0);
        assert!(
            ran.stdout.contains("\nweb\n  builder     buildkit"),
            "{}",
            ran.told()
        );
        let last = ran.stdout.lines().last().expect("a last line");
        assert!(
            last.starts_with("then run: ") && last.ends_with(" up --detach --no-build"),
            "{last}"
        );
        nothing_runs(&project, engine);
        for service in ["web", "side"] {
            assert!(
                !engine.has_image(&project.image(engine, service)),
                "`{service}` was built"
            );
        }
    });
}

#[test]
fn other_verbs_are_composes_own_with_their_output_and_exit_code() {
    on_every_engine("verbs", |engine, project| {
        let project = site(project);
        project.write(
            "web/Dockerfile",
            "FROM busybox\nCOPY page /page\nCMD echo from the log; sleep 1000\n",
        );
        let compose = std::fs::read_to_string(project.path().join("compose.yaml"));
        let compose = compose.expect("written above");
        project.write(
            "compose.yaml",
            &compose.replacen("    command: sleep 1000\n", "", 1),
        );
        project.run(engine, &["up", "-d"]).expect(0);

        let ran = project.run(
            engine,
            &["exec", "-T", "web", "sh", "-c", "cat /page; exit 7"],
        );
        assert_eq!(
            (ran.stdout.as_str(), ran.code),
            ("one", Some(7)),
            "{}",
            ran.stderr
        );
        let ran = project.run(engine, &["ps"]).expect(0);
        assert!(ran.stdout.contains("sleep 1000"), "{}", ran.told());
        support::until("the log", std::time::Duration::from_secs(10), || {
            project
                .run(engine, &["logs", "web"])
                .expect(0)
                .stdout
                .contains("from the log")
        });
        let ran = project
            .run(engine, &["run", "--rm", "side", "cat", "/note"])
            .expect(0);
        assert_eq!(ran.stdout.trim(), "note", "{}", ran.told());
        let ran = project.run(engine, &["--profile", "x", "frobnicate"]);
        assert_ne!(ran.code, Some(0), "{}", ran.told());
        // What nobody has and looks like something is told with what that is.
        let ran = project.run(engine, &["lgos"]);
        assert_ne!(ran.code, Some(0), "{}", ran.told());
        ran.telling(&["`lgos` is no verb of dcb", "did you mean `dcb logs`?"]);

        project.run(engine, &["down"]).expect(0);
        nothing_runs(&project, engine);
    });
}

#[test]
fn flags_for_the_project_reach_compose_as_they_were_given() {
    on_every_engine("flags", |engine, project| {
        let project = site(project);
        std::fs::rename(
            project.path().join("compose.yaml"),
            project.path().join("main.yml"),
        )
        .expect("a file");
        let project = project
            .file(
                "override.yml",
                "services:\n  web:\n    environment:\n      WORD: ${WORD}\n",
            )
            .file("my.env", "WORD=from my.env\n");
        let name = project.name().to_owned();
        let flags = [
            "-f",
            "main.yml",
            "-f",
            "override.yml",
            "--env-file",
            "my.env",
            "-p",
            name.as_str(),
        ];
        let dcb = |arguments: &[&str]| {
            project.ran(
                project
                    .dcb_on(engine)
                    .env_remove("COMPOSE_PROJECT_NAME")
                    .args(flags)
                    .args(arguments),
            )
        };
        dcb(&["up", "-d", "web"]).expect(0);
        let ran = dcb(&["exec", "-T", "web", "sh", "-c", "echo $WORD"]).expect(0);
        assert_eq!(ran.stdout.trim(), "from my.env");
        assert_eq!(container(&project, engine, "side"), "");
    });
}

// Names

#[test]
fn compose_alone_finds_the_images_that_dcb_built() {
    on_every_engine("names", |engine, project| {
        let project = site(project);
        project.run(engine, &["build"]).expect(0);
        // Without a Dockerfile Compose could not build: it starts what it finds.
        std::fs::remove_file(project.path().join("web/Dockerfile")).expect("there");
        std::fs::remove_file(project.path().join("side/Dockerfile")).expect("there");
        let ran = project.ran(
            project
                .other_on(engine, "docker-compose")
                .args(["up", "-d"]),
        );
        let ran = ran.expect(0);
        let web = container(&project, engine, "web");
        assert_eq!(
            engine.ask(&["exec", &web, "cat", "/page"]),
            "one",
            "{}",
            ran.told()
        );
    });
}

#[test]
fn compatibility_gives_the_names_of_compose_v1_on_every_generation() {
    on_every_engine("compatible", |engine, project| {
        let project = site(project);
        project
            .run(engine, &["--compatibility", "up", "-d"])
            .expect(0);
        assert!(engine.has_image(&format!("{}_web", project.name())));
        assert!(!engine.has_image(&format!("{}-web", project.name())));
        let name = format!("{}_web_1", project.name());
        assert_eq!(engine.ask(&["exec", &name, "cat", "/page"]), "one");
    });
}

#[test]
fn compose_takes_the_images_of_dcb_away_again() {
    on_every_engine("rmi", |engine, project| {
        let project = site(project);
        project.run(engine, &["up", "-d"]).expect(0);
        project.run(engine, &["down", "--rmi", "local"]).expect(0);
        assert!(!engine.has_image(&project.image(engine, "web")));
    });
}

#[test]
fn without_compose_a_build_works_and_up_says_what_is_missing_before_it_builds() {
    on_every_engine("nocompose", |engine, project| {
        let project = site(project);
        let dcb = |verb: &str| {
            project.ran(
                project
                    .dcb_on(engine)
                    .env("PATH", "/nonexistent")
                    .env("DOCKER_CONFIG", project.home())
                    .arg(verb),
            )
        };
        // A plugin in a system directory is found whatever the environment says.
        if std::path::Path::new("/usr/libexec/docker/cli-plugins/docker-compose").exists() {
            return;
        }
        dcb("up")
            .expect(3)
            .telling(&["no Docker Compose found", "docker-compose-plugin"]);
        dcb("ps").expect(3).telling(&["no Docker Compose found"]);
        assert!(!engine.has_image(&project.image(engine, "web")));
        dcb("build").expect(0);
    });
}
