//! `dcb build`: what it promises, on every engine of this machine.
//!
//! What happens inside a build is read from the log of its steps (`--verbose`): a step that prints
//! what it sees shows more when it fails than one that compares.

mod support;

use std::collections::BTreeMap;
use std::process::Command;

use support::{Engine, Project, Ran, on_every_engine, serve, side_by_side};

/// A project with one service, `web`, whose build section has more lines than its context.
fn web(project: Project, keys: &str, dockerfile: &str) -> Project {
    let keys: String = keys.lines().map(|line| format!("      {line}\n")).collect();
    let compose = format!("services:\n  web:\n    build:\n      context: .\n{keys}");
    // Other runs' results are in the engine's cache: the name makes this one's own.
    let dockerfile = dockerfile.replace("RUN ", &format!("RUN : {}; ", project.name()));
    project
        .file("compose.yaml", &compose)
        .file("Dockerfile", &dockerfile)
}

/// Builds and returns what the steps printed.
fn log(project: &Project, engine: &Engine, arguments: &[&str]) -> Vec<String> {
    let mut all = vec!["build", "--verbose"];
    all.extend(arguments);
    let ran = project.run(engine, &all).expect(0);
    ran.stderr
        .lines()
        .filter_map(|line| Some(line.split_once("  |  ")?.1.to_owned()))
        .collect()
}

/// A field of an image.
fn inspect(engine: &Engine, image: &str, field: &str) -> String {
    engine.ask(&[
        "image",
        "inspect",
        "--format",
        &format!("{{{{{field}}}}}"),
        image,
    ])
}

fn id(project: &Project, engine: &Engine, service: &str) -> String {
    inspect(engine, &project.image(engine, service), ".Id")
}

fn lines_with<'a>(ran: &'a Ran, words: &str) -> Vec<&'a str> {
    ran.stderr
        .lines()
        .filter(|line| line.contains(words))
        .collect()
}

// What is shown

#[test]
fn every_step_is_shown_with_its_number_name_and_time_and_when_it_came_from_the_cache() {
    on_every_engine("steps", |engine, project| {
        let project = web(
            project,
            "",
            "FROM busybox\nCOPY page /page\nRUN echo built\n",
        );
        // The content is the project's name, which no other run has: nothing comes from its cache.
        project.write("page", project.name());
        let first = project.run(engine, &["build"]).expect(0);
        for step in ["[2/3] COPY page /page", "[3/3] RUN : "] {
            let [line] = lines_with(&first, step)[..] else {
                panic!("`{step}` is not told once:\n{}", first.told())
            };
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(words[0], "web");
            assert!(words[1].ends_with('s'), "no time: {line}");
        }
        assert_eq!(first.stdout, "", "progress goes to standard error");
        let (_, end) = first
            .stderr
            .split_once("\n\n")
            .expect("a table after the steps");
        let rows: Vec<Vec<&str>> = end
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        let heads = ["SERVICE", "OUTCOME", "TIME", "CACHED", "SIZE", "IMAGE"];
        assert_eq!(rows[0], heads);
        let [service, outcome, _, cached, _, unit, image] = rows[1][..] else {
            panic!("{end}");
        };
        let told = (service, outcome, cached, unit);
        assert_eq!(told, ("web", "built", "0/2", "MiB"), "{end}");
        assert!(id(&project, engine, "web").contains(image), "{end}");
        assert_eq!(rows[2][..4], ["1", "service", "built", "in"]);

        let again = project.run(engine, &["build"]).expect(0);
        for step in ["[2/3] COPY page /page", "[3/3] RUN : "] {
            let [line] = lines_with(&again, step)[..] else {
                panic!("`{step}` is not told once:\n{}", again.told())
            };
            assert!(line.starts_with("web   CACHED  ["), "{line}");
        }
        assert!(again.stderr.contains("  2/2  "), "{}", again.stderr);
        assert_eq!(
            again.stderr.matches("CACHED").count(),
            lines_with(&again, "CACHED").len()
        );
    });
}

#[test]
fn quiet_is_silent_on_success_and_tells_failures_in_full() {
    on_every_engine("quiet", |engine, project| {
        let project = web(project, "", "FROM busybox\nRUN echo fine\n");
        project
            .run(engine, &["build", "--quiet"])
            .shows("exit code 0\n");
        project.write("Dockerfile", "FROM busybox\nRUN exit 9\n");
        project
            .run(engine, &["build", "-q"])
            .expect(1)
            .telling(&["`RUN exit 9` ended with exit code 9", "Dockerfile:2:1"]);
    });
}

#[test]
fn a_project_without_anything_to_build_says_so_and_is_no_failure() {
    on_every_engine("nothing", |engine, project| {
        let project = project.file("compose.yaml", "services:\n  web:\n    image: busybox\n");
        project.run(engine, &["build"]).shows(
            "
exit code 0
--- stderr
warning: no service has a `build:` section: nothing to build
",
        );
    });
}

// The cache

#[test]
fn a_second_build_takes_all_from_the_cache_and_no_cache_takes_nothing() {
    for (name, key, flag) in [
        ("nocache", "", "--no-cache"),
        ("nocachekey", "no_cache: true", ""),
    ] {
        on_every_engine(name, |engine, project| {
            let project = web(
                project,
                "",
                "FROM busybox\nRUN cat /proc/sys/kernel/random/uuid > /id\n",
            );
            project.run(engine, &["build"]).expect(0);
            let first = id(&project, engine, "web");
            project.run(engine, &["build"]).expect(0);
            assert_eq!(id(&project, engine, "web"), first, "the cache was not used");

            let dockerfile = std::fs::read_to_string(project.path().join("Dockerfile"));
            let dockerfile = dockerfile.expect("written above");
            let project = project
                .file(
                    "compose.yaml",
                    &format!("services:\n  web:\n    build:\n      context: .\n      {key}\n"),
                )
                .file("Dockerfile", &dockerfile);
            // Otherwise the base image that is here would do, which is said.
            let mut arguments = vec!["build", "--no-fallback", flag];
            arguments.retain(|argument| !argument.is_empty());
            project.run(engine, &arguments).expect(0);
            assert_ne!(id(&project, engine, "web"), first, "the cache was used");
        });
    }
}

#[test]
fn an_inline_dockerfile_that_changed_without_growing_is_built_anew() {
    on_every_engine("inline", |engine, project| {
        let file = |text: &str| {
            format!(
                "services:\n  web:\n    build:\n      context: .\n      dockerfile_inline: |\n        \
                 FROM busybox\n        RUN echo {text} > /text\n"
            )
        };
        for text in ["aaaa", "bbbb", "aaaa"] {
            project.write("compose.yaml", &file(text));
            project.run(engine, &["build"]).expect(0);
            let image = project.image(engine, "web");
            assert_eq!(engine.read(&image, &["/text"]), text);
        }
    });
}

#[test]
fn a_file_that_changed_without_growing_is_transferred_anew() {
    on_every_engine("changed", |engine, project| {
        let project = web(project, "", "FROM busybox\nCOPY page /page\n");
        for text in ["one", "two"] {
            project.write("page", text);
            project.run(engine, &["build"]).expect(0);
            let image = project.image(engine, "web");
            assert_eq!(engine.read(&image, &["/page"]), text);
        }
    });
}

#[test]
fn pull_asks_the_registry_even_for_an_image_that_is_here() {
    // Side by side: engines try again.
    let ways = [("pull", "", "--pull"), ("pullkey", "pull: true", "")];
    side_by_side(ways, |(name, key, flag)| {
        on_every_engine(name, |engine, project| {
            // Nothing listens on port 1, so this registry can be asked and never answers.
            let base = format!("127.0.0.1:1/{}", project.name());
            engine.ask(&["tag", "busybox", &base]);
            let project = web(project, key, &format!("FROM {base}\nRUN echo built\n"));
            if key.is_empty() {
                project.run(engine, &["build"]).expect(0);
            }
            // Otherwise the base image that is here would do, which is said.
            let mut arguments = vec!["build", "--no-fallback", flag];
            arguments.retain(|argument| !argument.is_empty());
            let ran = project.run(engine, &arguments);
            engine.ask(&["rmi", &base]);
            ran.expect(5).telling(&[
                "web  failed  <time>  registry-unreachable",
                "the engine could not reach the registry",
            ]);
        });
    });
}

// Arguments

#[test]
fn build_arguments_come_from_the_file_the_environment_and_the_command_line_in_that_order() {
    on_every_engine("args", |engine, project| {
        let project = web(
            project,
            "args:\n  FILE: from the file\n  EMPTY: ''\n  NUMBER: 8\n  ENVIRONMENT:\n  DOTENV:\n  UNSET:\n  TYPED: no\n  NAMED: no",
            "FROM busybox\nARG FILE\nARG EMPTY=default\nARG NUMBER\nARG ENVIRONMENT\nARG DOTENV\nARG UNSET=default\nARG TYPED\nARG NAMED\nARG ALONE=default\n\
             RUN for name in FILE EMPTY NUMBER ENVIRONMENT DOTENV UNSET TYPED NAMED ALONE; do eval \"echo $name=\\$$name.\"; done\n",
        )
        .file(".env", "DOTENV=from .env\n")
        .variable("ENVIRONMENT", "from the environment")
        .variable("NAMED", "by its name");
        let log = log(
            &project,
            engine,
            &[
                "--build-arg",
                "TYPED=a=b",
                "--build-arg",
                "NAMED",
                "--build-arg",
                "ALONE",
            ],
        );
        assert_eq!(
            log,
            [
                "FILE=from the file.",
                "EMPTY=.",
                "NUMBER=8.",
                "ENVIRONMENT=from the environment.",
                "DOTENV=from .env.",
                "UNSET=default.",
                "TYPED=a=b.",
                "NAMED=by its name.",
                "ALONE=default.",
            ]
        );
    });
}

#[test]
fn proxies_of_the_docker_configuration_reach_the_steps_and_not_the_image() {
    on_every_engine("proxy", |engine, project| {
        let config =
            r#"{"proxies": {"default": {"httpProxy": "http://proxy:1", "noProxy": "local"}}}"#;
        let project = web(
            project,
            "args:\n  no_proxy: own",
            "FROM busybox\nRUN echo $HTTP_PROXY $http_proxy $NO_PROXY $no_proxy\n",
        )
        .file("docker/config.json", config);
        let directory = project.path().join("docker").display().to_string();
        let project = project.variable("DOCKER_CONFIG", &directory);
        assert_eq!(
            log(&project, engine, &[]),
            ["http://proxy:1 http://proxy:1 own own"]
        );
        let environment = inspect(engine, &project.image(engine, "web"), ".Config.Env");
        assert!(!environment.contains("proxy"), "{environment}");
    });
}

// What the image becomes

#[test]
fn an_image_has_the_labels_by_which_compose_knows_it_and_those_of_the_file() {
    on_every_engine("labels", |engine, project| {
        let project = web(
            project,
            "labels:\n  org.example.team: blue, green",
            "FROM busybox\nLABEL a=b\n",
        );
        project.run(engine, &["build"]).expect(0);
        let labels = inspect(engine, &project.image(engine, "web"), "json .Config.Labels");
        let labels: BTreeMap<String, String> = serde_json::from_str(&labels).expect("labels");
        let mut expected = BTreeMap::from([
            ("a".to_owned(), "b".to_owned()),
            ("org.example.team".to_owned(), "blue, green".to_owned()),
            ("com.docker.compose.service".to_owned(), "web".to_owned()),
        ]);
        expected.insert(
            "com.docker.compose.project".to_owned(),
            project.name().to_owned(),
        );
        assert_eq!(labels, expected);
    });
}

#[test]
fn a_target_is_built_and_no_stage_after_it() {
    on_every_engine("target", |engine, project| {
        let dockerfile = "FROM busybox AS first\nENV stage=first\nFROM first AS second\nENV stage=second\nRUN exit 1\n";
        let project = web(project, "target: first", dockerfile);
        project.run(engine, &["build"]).expect(0);
        let environment = inspect(engine, &project.image(engine, "web"), ".Config.Env");
        assert!(environment.contains("stage=first"), "{environment}");
    });
}

#[test]
fn an_image_has_the_name_and_the_tags_of_the_file() {
    on_every_engine("tags", |engine, project| {
        let name = project.name().to_owned();
        let project = project
            .file(
                "compose.yaml",
                &format!(
                    "services:\n  web:\n    image: {name}/named:1\n    build:\n      context: .\n      \
                     tags: [\"{name}/more\", \"localhost:5000/{name}/more:2\"]\n"
                ),
            )
            .file("Dockerfile", &format!("FROM busybox\nLABEL n={name}\n"));
        project.run(engine, &["build"]).expect(0);
        let image = inspect(engine, &format!("{name}/named:1"), ".Id");
        for tag in [
            format!("{name}/more:latest"),
            format!("localhost:5000/{name}/more:2"),
        ] {
            assert_eq!(inspect(engine, &tag, ".Id"), image);
        }
        assert!(
            !engine.has_image(&project.image(engine, "web")),
            "`image:` replaces the default"
        );
    });
}

#[test]
fn the_one_platform_of_the_file_is_built_for() {
    for (name, compose) in [
        (
            "platforms",
            "    build:\n      context: .\n      platforms: [linux/s390x]\n",
        ),
        ("platform", "    platform: linux/s390x\n    build: .\n"),
    ] {
        on_every_engine(name, |engine, project| {
            let project = project
                .file("compose.yaml", &format!("services:\n  web:\n{compose}"))
                .file("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n");
            project.run(engine, &["build"]).expect(0);
            let image = project.image(engine, "web");
            assert_eq!(inspect(engine, &image, ".Architecture"), "s390x");
        });
    }
}

// Where the files come from

#[test]
fn a_dockerfile_may_lie_outside_its_context() {
    on_every_engine("outside", |engine, project| {
        let project = project
            .file(
                "compose.yaml",
                "services:\n  web:\n    build:\n      context: app\n      dockerfile: ../docker/web.Dockerfile\n",
            )
            .file("docker/web.Dockerfile", "FROM busybox\nCOPY . /app\nRUN ls /app > /list\n")
            .file("app/only", "");
        project.run(engine, &["build"]).expect(0);
        assert_eq!(project.read(engine, "web", "/list"), "only");
    });
}

#[test]
fn the_ignore_file_of_the_dockerfile_replaces_that_of_the_context() {
    on_every_engine("ignore", |engine, project| {
        let project = web(project, "dockerfile: web.Dockerfile", "")
            .file("web.Dockerfile", "FROM busybox\nCOPY . /app\n")
            .file(".dockerignore", "b\n")
            .file("web.Dockerfile.dockerignore", "*\n!b\n!c\n")
            .file("a", "")
            .file("b", "")
            .file("c", "");
        project.run(engine, &["build"]).expect(0);
        let image = project.image(engine, "web");
        assert_eq!(engine.run(&image, &["ls", "/app"]), "b\nc");

        std::fs::remove_file(project.path().join("web.Dockerfile.dockerignore")).expect("there");
        project.run(engine, &["build"]).expect(0);
        let list = engine.run(&image, &["ls", "-a", "/app"]);
        assert!(list.contains("\na\n") && !list.contains("\nb\n"), "{list}");
    });
}

#[test]
fn a_context_may_be_an_archive_or_a_dockerfile_at_a_web_address() {
    on_every_engine("http", |engine, project| {
        let project = project
            .file("served/Dockerfile", "FROM busybox\nCOPY page /page\n")
            .file("served/page", "from the archive");
        let tar = Command::new("tar")
            .args(["-cf", "-", "-C", "served", "."])
            .current_dir(project.path())
            .output()
            .expect("tar runs");
        let alone = format!("FROM busybox\nRUN echo {} > /page\n", project.name());
        let address = serve::files(BTreeMap::from([
            ("/site.tar".to_owned(), tar.stdout),
            ("/Dockerfile".to_owned(), alone.into_bytes()),
        ]));
        let compose = format!(
            "services:\n  archive:\n    build: {address}/site.tar\n  alone:\n    build: {address}/Dockerfile\n"
        );
        let project = project.file("compose.yaml", &compose);
        project.run(engine, &["build"]).expect(0);
        let page = |service| project.read(engine, service, "/page");
        assert_eq!(page("archive"), "from the archive");
        assert_eq!(page("alone"), project.name());
    });
}

#[test]
fn a_context_may_be_a_git_repository() {
    on_every_engine("git", |engine, project| {
        let project = project
            .file("work/app/Dockerfile", "FROM busybox\nCOPY page /page\n")
            .file("work/Dockerfile", "FROM busybox\nCOPY page /page\n");
        let address = serve::repository(&project);
        let compose = |place: &str| format!("services:\n  web:\n    build: {address}#{place}\n");
        project.write("compose.yaml", &compose("main"));
        project.run(engine, &["build"]).expect(0);
        assert_eq!(project.read(engine, "web", "/page"), "from the root");

        project.write("compose.yaml", &compose("main:app"));
        if engine.is_old() {
            let failed = project.run(engine, &["build"]).expect(2);
            failed.telling(&[
                "this engine builds from the top of a git repository only",
                "= help: name the directory in `dockerfile:` instead",
            ]);
        } else {
            project.run(engine, &["build"]).expect(0);
            assert_eq!(project.read(engine, "web", "/page"), "from app");
        }
    });
}

// The surroundings of a step

#[test]
fn a_step_has_the_network_that_the_file_gives_it() {
    on_every_engine("network", |engine, project| {
        let interfaces = |network: &str| {
            let keys = format!("network: {network}");
            let project = web(
                Project::new("network"),
                &keys,
                "FROM busybox\nRUN sed -n 's/ *\\([^:]*\\):.*/\\1/p' /proc/net/dev\n",
            );
            let mut names = log(&project, engine, &[]);
            names.retain(|name| name != "sit0");
            names
        };
        drop(project);
        assert_eq!(interfaces("none"), ["lo"]);
        assert!(interfaces("default").contains(&"eth0".to_owned()));
        let own = std::fs::read_to_string("/proc/net/dev").expect("Linux");
        let bridge = own.lines().find_map(|line| {
            let (name, _) = line.split_once(':')?;
            name.trim()
                .starts_with("dcbe")
                .then(|| name.trim().to_owned())
        });
        if let Some(bridge) = bridge {
            assert!(
                interfaces("host").contains(&bridge),
                "not the engine's own network"
            );
        }
    });
}

#[test]
fn a_step_knows_the_hosts_of_the_file_and_the_machine_itself() {
    on_every_engine("hosts", |engine, project| {
        let project = web(
            project,
            "extra_hosts:\n  - db=10.1.2.3\n  - six=[::9]\n  - machine=host-gateway",
            "FROM busybox\nRUN grep -E 'db|six|machine' /etc/hosts\n",
        );
        let log = log(&project, engine, &[]);
        let address = |host: &str| {
            log.iter()
                .filter_map(|line| line.split_once(char::is_whitespace))
                .find(|(_, name)| name.trim() == host)
                .map(|(address, _)| address.to_owned())
        };
        assert_eq!(address("db").as_deref(), Some("10.1.2.3"), "{log:?}");
        assert_eq!(address("six").as_deref(), Some("::9"), "{log:?}");
        let gateway = engine.ask(&[
            "network",
            "inspect",
            "bridge",
            "--format",
            "{{range .IPAM.Config}}{{println .Gateway}}{{end}}",
        ]);
        let machine = address("machine").expect("resolved");
        assert!(
            gateway.lines().any(|line| line == machine),
            "{machine} is none of {gateway}"
        );
    });
}

#[test]
fn shm_size_and_ulimits_are_obeyed_by_one_builder_or_the_other() {
    on_every_engine("limits", |engine, project| {
        let project = web(
            project,
            "shm_size: 96m\nulimits:\n  nofile: {soft: 123, hard: 456}\n  core: 0",
            "FROM busybox\nRUN df -k /dev/shm | tail -1 | awk '{print $2}'; ulimit -Sn; ulimit -Hn; ulimit -c\n",
        );
        assert_eq!(log(&project, engine, &[]), ["98304", "123", "456", "0"]);
        if !engine.is_old() {
            return;
        }
        // Its BuildKit would ignore them, its classic builder does not.
        project.run(engine, &["plan"]).telling(&[
            "note: `web`: classic builder, because `shm_size` of service `web` would be ignored in silence by engine",
        ]);
        project.run(engine, &["build", "--force-buildkit"]).shows(
            "
exit code 2
--- stderr
error: `shm_size` of service `web` would be ignored in silence by engine <version> (API <api>)
 --> compose.yaml:5:7
  |
5 |       shm_size: 96m
  |       ^^^^^^^^
  |
  = help: use engine 23.0 or later, or leave `shm_size` out
error: `ulimits` of service `web` would be ignored in silence by engine <version> (API <api>)
 --> compose.yaml:6:7
  |
6 |       ulimits:
  |       ^^^^^^^
  |
  = help: use engine 23.0 or later, or leave `ulimits` out
error: the project asks for what cannot be built here
",
        );
    });
}

// Several services

/// Three services: `app` begins with the image of `base`, `other` with neither.
fn family(engine: &Engine, project: Project, base: &str) -> Project {
    let compose = "services:\n  app:\n    build: {context: ., dockerfile: app.Dockerfile}\n  \
                   base:\n    build: {context: ., dockerfile: base.Dockerfile}\n  \
                   other:\n    build: {context: ., dockerfile: other.Dockerfile}\n";
    let app = format!(
        "FROM {}\nRUN cat /base > /app\n",
        project.image(engine, "base")
    );
    let other = format!("FROM busybox\nRUN sleep 1; echo {}\n", project.name());
    project
        .file("compose.yaml", compose)
        .file("app.Dockerfile", &app)
        .file("base.Dockerfile", base)
        .file("other.Dockerfile", &other)
}

#[test]
fn an_image_that_another_one_begins_with_is_built_before_it() {
    on_every_engine("order", |engine, project| {
        let project = family(engine, project, "FROM busybox\nRUN echo first > /base\n");
        // Only the dependent is named: its base is built all the same, and nothing else.
        project.run(engine, &["build", "app"]).expect(0);
        let app = project.image(engine, "app");
        assert_eq!(engine.read(&app, &["/app"]), "first");
        assert!(!engine.has_image(&project.image(engine, "other")));

        project.write("base.Dockerfile", "FROM busybox\nRUN echo second > /base\n");
        project.run(engine, &["build"]).expect(0);
        assert_eq!(engine.read(&app, &["/app"]), "second");
        assert!(engine.has_image(&project.image(engine, "other")));
    });
}

#[test]
fn a_service_that_fails_stops_those_that_need_it_and_no_other() {
    on_every_engine("failing", |engine, project| {
        let project = family(engine, project, "FROM busybox\nRUN exit 3\n");
        let ran = project.run(engine, &["build", "-j", "2"]).expect(1);
        let (_, table) = ran.stderr.split_once("SERVICE").expect("a table");
        let outcomes: Vec<Vec<&str>> = table
            .lines()
            .skip(1)
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(
            outcomes[0],
            ["base", "failed", outcomes[0][2], "run-failed"]
        );
        assert_eq!(outcomes[1], ["app", "skipped", "needs", "`base`"]);
        assert_eq!(outcomes[2][..2], ["other", "built"]);
        assert!(
            table.contains("\n1 service built, 1 failed, 1 skipped in "),
            "{table}"
        );
        assert!(engine.has_image(&project.image(engine, "other")));
    });
}

#[test]
fn as_many_services_as_asked_for_build_side_by_side() {
    on_every_engine("parallel", |engine, project| {
        let step = "RUN : NAME; cut -d' ' -f1 /proc/uptime; sleep 2; cut -d' ' -f1 /proc/uptime";
        let file = |service: &str| {
            let step = step.replace("NAME", &format!("{service} {}", project.name()));
            format!(
                "  {service}:\n    build:\n      context: .\n      dockerfile_inline: |\n        FROM busybox\n        {step}\n"
            )
        };
        project.write(
            "compose.yaml",
            &format!("services:\n{}{}", file("one"), file("two")),
        );
        for (jobs, side_by_side) in [("2", true), ("1", false)] {
            let ran = project
                .run(engine, &["build", "--no-cache", "-v", "-j", jobs])
                .expect(0);
            let times = |service: &str| -> Vec<f64> {
                ran.stderr
                    .lines()
                    .filter(|line| line.starts_with(service))
                    .filter_map(|line| line.split_once("  |  ")?.1.parse().ok())
                    .collect()
            };
            let (one, two) = (times("one"), times("two"));
            let overlap = one[0] < two[1] && two[0] < one[1];
            assert_eq!(overlap, side_by_side, "with -j {jobs}: {one:?}, {two:?}");
        }
    });
}
