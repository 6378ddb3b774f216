//! What a project and its environment do wrong, and the registries that it needs.

use std::time::Duration;

use crate::support::registry::{Fault, Front, Registry};
use crate::support::{Project, newest, on_engines, on_every_engine};
use crate::{WEB, all_engines, all_found, doctor, fine, found};

#[test]
fn what_is_missing_is_told_by_its_own_check_and_once() {
    let compose = "services: { web: { build: { context: ., secrets: [token], ssh: [default] } } }\nsecrets: { token: { environment: NO_SUCH_TOKEN } }\n";
    on_every_engine("missing", |engine, empty| {
        let project = fine(empty);
        let found = |text: &str| {
            project.write("compose.yaml", text);
            let mut found = found(&doctor(&project, &mut project.dcb_on(engine)).expect(8));
            // Which is true besides: Compose v1 takes neither.
            found.retain(|it| it != "warning CMP-04");
            found
        };
        assert_eq!(found(compose), ["error CMP-07", "error CMP-08"]);
        assert_eq!(
            found("services: { web: { build: { context: ., dockerfile: Gone } } }"),
            ["error DKF-01"]
        );
        assert_eq!(
            found("services: { web: { build: gone } }")[..1],
            ["error CTX-01"]
        );
        assert_eq!(found("services: { web: { biuld: . } }"), ["error CMP-01"]);
        let isolated = "services: { web: { build: { context: ., isolation: hyperv } } }";
        assert_eq!(found(isolated), ["error CMP-09"]);
    });
}

#[test]
fn a_variable_that_no_program_takes_is_told_once() {
    on_every_engine("variable", |engine, empty| {
        let project = fine(empty);
        for (name, value, code, expected) in [
            ("DOCKER_BUILDKIT", "yes", 8, "error ENV-01"),
            ("COMPOSE_PARALLEL_LIMIT", "many", 8, "error ENV-01"),
            ("BUILDKIT_PROGRESS", "loud", 0, "warning ENV-04"),
            ("COMPOSE_ANSI", "always", 0, "warning ENV-04"),
            ("DOCKER_CONTEXT", "other", 0, "warning ENV-05"),
            ("DOCKER_BUILDKIT", "0", 0, "warning ENV-02"),
        ] {
            let ran = doctor(&project, project.dcb_on(engine).env(name, value)).expect(code);
            assert_eq!(found(&ran), [expected], "{name}={value}");
        }
        // Compose looks for its own in `.env` too.
        project.write(".env", "PORT=80\nCOMPOSE_PARALLEL_LIMIT=many\n");
        let ran = doctor(&project, &mut project.dcb_on(engine)).expect(0);
        assert_eq!(found(&ran), ["warning ENV-01"]);
        let _ = ran.telling(&["\"file\": \".env\"", "\"line\": 2"]);
    });
}

#[test]
fn a_cache_that_the_builder_here_cannot_keep_is_told_and_the_build_goes_on() {
    let text = "services: { web: { build: { context: ., cache_to: ['type=local,dest=cache'] } } }";
    on_engines(&all_engines(), "keep", |engine, empty| {
        let project = fine(empty).file("compose.yaml", text);
        let ran = doctor(&project, &mut project.dcb_on(engine)).expect(0);
        let kept = engine.suite == "containerd";
        let expected: &[&str] = if kept { &[] } else { &["warning CMP-05"] };
        let mut found = found(&ran);
        // Which is true besides: Compose v1 does not know the key.
        found.retain(|it| it != "warning CMP-04");
        assert_eq!(found, expected, "{}", ran.told());
        project.run(engine, &["build"]).expect(0);
        assert_eq!(project.path().join("cache/index.json").exists(), kept);
    });
}

#[test]
fn a_build_server_is_noted_and_nothing_is_asked_there() {
    on_every_engine("server", |engine, empty| {
        let project = fine(empty).variable("GITLAB_CI", "true");
        let ran = doctor(&project, &mut project.dcb_on(engine)).expect(0);
        let told = all_found(&ran);
        let told: Vec<_> = told.iter().filter(|it| *it == "note PLT-05").collect();
        // The engine of this generation is one before 23.0.
        assert_eq!(
            told.len(),
            if engine.is_old() { 2 } else { 1 },
            "{}",
            ran.told()
        );
        assert_eq!(found(&ran), [] as [&str; 0]);
    });
}

#[test]
fn what_a_project_does_wrong_is_told_by_its_own_check() {
    let engine = newest();
    let build = |keys: &str| format!("services: {{ web: {{ build: {{ context: ., {keys} }} }} }}");
    let to = "{ build: { context: ., cache_to: ['type=registry,ref=127.0.0.1:9/c'] } }";
    let copying = "FROM busybox\nCOPY page /page\n";
    for (expected, compose, dockerfile, beside) in [
        (
            "warning CMP-02",
            "services: { web: { image: busybox } }".to_owned(),
            copying,
            None,
        ),
        (
            "note CMP-03",
            build("args: { A: '${DOCKER_BUILDKIT:-1}' }"),
            copying,
            None,
        ),
        (
            "note CMP-06",
            format!("services: {{ a: {to}, b: {to} }}"),
            copying,
            None,
        ),
        (
            "warning NET-04",
            format!("services: {{ a: {to} }}"),
            copying,
            None,
        ),
        (
            "warning CMP-10",
            WEB.to_owned(),
            "FROM busybox\nEXPOSE 80\n",
            Some(("Dockerfile.test", "FROM busybox\n")),
        ),
        (
            "warning CMP-12",
            build("args: { A: '${NOT_SET}' }"),
            copying,
            None,
        ),
        (
            "note ENG-08",
            build("platforms: [linux/amd64, linux/arm64]"),
            copying,
            None,
        ),
        (
            "note PLT-04",
            "services: { web: { build: ., platform: linux/s390x } }".to_owned(),
            copying,
            None,
        ),
        (
            "note DKF-04",
            WEB.to_owned(),
            "FROM busybox\nARG DOCKER_BUILDKIT=1\n",
            None,
        ),
        (
            "note DKF-08",
            WEB.to_owned(),
            "FROM busybox\nRUN pip install x\n",
            None,
        ),
        (
            "note CTX-04",
            WEB.to_owned(),
            "FROM busybox\nCOPY . .\nRUN npm install\n",
            Some(("package.json", "{}")),
        ),
    ] {
        let project = fine(Project::new("wrong"))
            .file("compose.yaml", &compose)
            .file("Dockerfile", dockerfile);
        if let Some((name, text)) = beside {
            project.write(name, text);
        }
        let ran = project.run(&engine, &["doctor", "--json"]);
        let all = all_found(&ran);
        assert!(all.contains(&expected.to_owned()), "{expected}: {all:?}");
    }
    // What `Dockerfile.dockerignore` says is not known to the builder that is asked for.
    let project = fine(Project::new("wrong")).file("Dockerfile.dockerignore", "x\n");
    let mut classic = project.dcb_on(&engine);
    let ran = doctor(&project, classic.env("DOCKER_BUILDKIT", "0"));
    assert!(all_found(&ran).contains(&"note CTX-03".to_owned()));
}

#[test]
fn a_port_that_is_taken_is_told() {
    on_every_engine("port", |engine, empty| {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let text = format!("services: {{ web: {{ build: ., ports: ['{port}:80'] }} }}");
        let project = fine(empty).file("compose.yaml", &text);
        let ran = doctor(&project, &mut project.dcb_on(engine)).expect(0);
        assert_eq!(found(&ran), ["warning CMP-11"]);
        drop(listener);
        assert!(found(&doctor(&project, &mut project.dcb_on(engine))).is_empty());
    });
}

#[test]
fn what_a_dockerfile_does_wrong_fails_as_it_says_and_the_remedy_helps() {
    on_every_engine("dockerfile", |engine, empty| {
        let project = fine(empty);
        let found = || found(&doctor(&project, &mut project.dcb_on(engine)));
        // A source that is ignored.
        project.write(".dockerignore", "page\n");
        assert_eq!(found(), ["error CTX-02"]);
        let ran = project.run(engine, &["build"]).expect(1);
        let _ = ran.telling(&["leaves it out", "why: dcb doctor CTX-02 --explain"]);
        project.write(".dockerignore", "page\n!page\n");
        assert_eq!(found(), [] as [&str; 0]);
        let ran = project.run(engine, &["build"]).expect(0);
        assert!(!ran.stderr.contains("--explain"), "{}", ran.stderr);
        // What is made in a cache mount.
        let made = "FROM busybox AS build\nRUN --mount=type=cache,target=/made touch /made/x";
        project.write(
            "Dockerfile",
            &format!("{made}\nFROM busybox\nCOPY --from=build /made/x /x\n"),
        );
        assert_eq!(found(), ["warning DKF-05"]);
        let _ = project
            .run(engine, &["build"])
            .expect(1)
            .telling(&["DKF-05"]);
        project.write(
            "Dockerfile",
            &format!("{made} && cp /made/x /x\nFROM busybox\nCOPY --from=build /x /x\n"),
        );
        assert_eq!(found(), [] as [&str; 0]);
        project.run(engine, &["build"]).expect(0);
        // A cache mount that its user cannot write.
        let user = |options: &str| {
            let text = format!(
                "FROM busybox\nUSER 1000\nRUN --mount=type=cache,id={},target=/c{options} touch /c/x\n",
                project.name()
            );
            project.write("Dockerfile", &text);
        };
        user("");
        assert_eq!(found(), ["warning DKF-07"]);
        let _ = project
            .run(engine, &["build"])
            .expect(1)
            .telling(&["DKF-07"]);
        user(",uid=1000,gid=1000");
        assert_eq!(found(), [] as [&str; 0]);
        project.run(engine, &["build"]).expect(0);
    });
}

#[test]
fn the_frontend_is_asked_for_its_own_checks_when_that_is_wanted() {
    on_every_engine("lint", |engine, empty| {
        let project = fine(empty);
        let with = |dockerfile: &str| {
            project.write("Dockerfile", dockerfile);
            project.run(engine, &["doctor", "--only=DKF-06", "--deep", "--json"])
        };
        let has_checks = engine.major() >= 27;
        let fine = with("FROM busybox\nCOPY page /page\n").expect(0);
        assert_eq!(found(&fine), [] as [&str; 0]);
        assert_eq!(
            fine.stdout.contains("before 27.0 has no checks"),
            !has_checks
        );
        let ran = with("FROM busybox as Foo\nCMD echo hello\n").expect(0);
        let expected: &[&str] = if has_checks {
            &["warning DKF-06"; 3]
        } else {
            &[]
        };
        assert_eq!(found(&ran), expected, "{}", ran.told());
        assert!(!has_checks || ran.stdout.contains("JSONArgsRecommended: "));
    });
}

#[test]
fn clutter_that_is_copied_is_told() {
    on_every_engine("clutter", |engine, empty| {
        let project = fine(empty)
            .file(".git/HEAD", "ref: x")
            .file("Dockerfile", "FROM busybox\nCOPY . /all\n");
        let found = || found(&doctor(&project, &mut project.dcb_on(engine)).expect(0));
        assert_eq!(found(), ["warning CTX-02"]);
        project.write(".dockerignore", ".git\n");
        assert_eq!(found(), [] as [&str; 0]);
        let large = std::fs::File::create(project.path().join("large")).expect("a file");
        large.set_len(300 << 20).expect("a sparse file");
        assert_eq!(found(), ["warning CTX-01"]);
        project.write(".dockerignore", ".git\nlarge\n");
        assert_eq!(found(), [] as [&str; 0]);
    });
}

#[test]
fn a_dockerfile_that_no_builder_here_knows_is_told_at_its_line() {
    let heredoc = "FROM busybox\nRUN <<EOF\ntrue\nEOF\n";
    on_engines(&all_engines(), "heredoc", |engine, empty| {
        let project = fine(empty).file("Dockerfile", heredoc);
        let ran = doctor(&project, &mut project.dcb_on(engine));
        let expected: &[&str] = match engine {
            engine if !engine.has_buildkit() => &["error DKF-02"],
            engine if engine.is_old() => &["error DKF-03"],
            _ => &[],
        };
        assert_eq!(found(&ran), expected, "{}", ran.told());
    });
}

#[test]
fn an_image_that_cannot_be_had_is_told_by_its_registry() {
    on_every_engine("images", |engine, empty| {
        let project = fine(empty);
        let found = |dockerfile: &str| {
            project.write("Dockerfile", dockerfile);
            let ran = project.run(engine, &["doctor", "--only=network,BLD-04", "--json"]);
            (ran.code, found(&ran))
        };
        assert_eq!(found("FROM busybox\n"), (Some(0), Vec::new()));
        let (code, told) = found("FROM 127.0.0.1:9/none:1\n");
        assert_eq!((code, told), (Some(8), vec!["error NET-01".to_owned()]));
        let (code, told) = found("# syntax=127.0.0.1:9/none:1\nFROM busybox\n");
        assert_eq!((code, told), (Some(0), vec!["warning BLD-04".to_owned()]));
        let Some(registry) = Registry::start() else {
            return;
        };
        let missing = format!("FROM {}/none:1\n", registry.address());
        assert_eq!(found(&missing), (Some(8), vec!["error NET-01".to_owned()]));
        let Some(registry) = Registry::with_login() else {
            return;
        };
        let denied = format!("FROM {}/none:1\n", registry.address());
        assert_eq!(found(&denied), (Some(8), vec!["error NET-02".to_owned()]));
    });
}

#[test]
fn registries_that_do_not_answer_are_waited_for_side_by_side() {
    let engine = newest();
    let front = Front::failing(Fault::Hangs);
    let services = (0..8).map(|number| {
        let image = front.image(&format!("base-{number}"));
        format!("  s{number}: {{ build: {{ context: ., dockerfile_inline: 'FROM {image}' }} }}\n")
    });
    let compose = format!("services:\n{}", services.collect::<String>());
    let project = fine(Project::new("silent")).file("compose.yaml", &compose);
    let ran = project
        .run(&engine, &["doctor", "--only=network", "--json"])
        .expect(0);
    assert_eq!(found(&ran), ["warning NET-01"; 8]);
    assert!(ran.took < Duration::from_secs(6), "{:?}", ran.took);
}
