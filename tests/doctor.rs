//! `dcb doctor`: silent on healthy engines, right about what is provoked, and with remedies that work.

mod support;

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use support::{PrivateEngine, Project, Ran, all_engines, engines, on_engines, on_every_engine};

const WEB: &str = "services: { web: { build: . } }\n";

/// A project that is fine.
fn fine(project: Project) -> Project {
    project
        .file("compose.yaml", WEB)
        .file("Dockerfile", "FROM busybox\nCOPY page /page\n")
        .file("page", "hello")
}

/// Everything but what this machine's disk and network are to blame for.
const HERE: &str = "--skip=disk,network,BLD-04";

fn doctor(project: &Project, command: &mut Command) -> Ran {
    project.ran(command.arg("doctor").args([HERE, "--json"]))
}

/// What a diagnosis found, without notes: `SEVERITY ID`.
fn found(ran: &Ran) -> Vec<String> {
    let told: Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.told()));
    let checks = told["checks"].as_array().expect("checks").clone();
    let mut found = Vec::new();
    for check in &checks {
        for finding in check["findings"].as_array().expect("findings") {
            let severity = finding["severity"].as_str().expect("text");
            let id = check["id"].as_str().expect("text");
            if severity != "note" && check["status"] != "ignored" {
                found.push(format!("{severity} {id}"));
            }
        }
    }
    found
}

/// The first remedy of what a check found.
fn remedy(ran: &Ran, id: &str) -> String {
    let told: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let checks = told["checks"].as_array().expect("checks");
    let check = checks.iter().find(|check| check["id"] == id).expect(id);
    check["findings"][0]["remedy"][0]
        .as_str()
        .expect("a remedy")
        .to_owned()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in from.read_dir().expect("a directory").flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).expect("a copy");
        }
    }
}

// Healthy

#[test]
fn a_healthy_engine_gets_one_line_for_every_example() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for (example, directory, services) in [
        ("hello", "", "2 services build"),
        ("monorepo", "", "4 services build"),
        ("python-cache-mounts", "", "1 service builds"),
        ("test-local", "docker", "2 services build"),
    ] {
        on_engines(&all_engines(), "example", |engine, project| {
            copy(&examples.join(example), project.path());
            let mut command = project.dcb_on(engine);
            // Any port will do, so that none can be taken.
            command
                .env("PORT", "0")
                .current_dir(project.path().join(directory));
            let ran = project.ran(command.args(["doctor", HERE])).expect(0);
            let builder = if engine.has_buildkit() {
                "BuildKit"
            } else {
                "Podman's builder"
            };
            let line = format!("ready: {services} with {builder} ({})\n", engine.version);
            assert_eq!(
                (ran.stdout.as_str(), ran.stderr.as_str()),
                (line.as_str(), ""),
                "{example}"
            );
        });
    }
}

#[test]
fn every_captured_product_is_healthy() {
    for file in [
        "28.5-rootless",
        "28.5-userns",
        "29.7",
        "colima",
        "docker-desktop",
        "orbstack",
        "rancher-desktop",
    ] {
        let project = fine(Project::new("product"));
        let host = captured(&project, file);
        let ran = doctor(&project, project.dcb().env("DOCKER_HOST", host));
        // There is no Compose where there are no programs, and no BuildKit behind what was captured.
        let found = found(&ran);
        assert!(
            found
                .iter()
                .all(|it| matches!(it.as_str(), "warning CLI-03" | "warning ENG-06")),
            "{file}: {found:?}"
        );
    }
}

/// A socket that answers what an engine once did, and nothing else.
fn captured(project: &Project, file: &str) -> String {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/engine-answers/{file}.json"));
    let answers: Value =
        serde_json::from_str(&std::fs::read_to_string(path).expect("a capture")).expect("JSON");
    let socket = project.path().join("engine.sock");
    let listener = UnixListener::bind(&socket).expect("a socket");
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let answers = answers.clone();
            std::thread::spawn(move || {
                use std::io::{Read, Write};
                let mut head = vec![0; 4096];
                let length = client.read(&mut head).unwrap_or(0);
                let head = String::from_utf8_lossy(&head[..length]).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default();
                let (status, body) = match path.rsplit('/').next() {
                    Some("_ping") => ("200 OK", "OK".to_owned()),
                    Some(what @ ("info" | "version")) => ("200 OK", answers[what].to_string()),
                    _ => (
                        "404 Not Found",
                        r#"{"message":"page not found"}"#.to_owned(),
                    ),
                };
                let _ = write!(
                    client,
                    "HTTP/1.1 {status}\r\nApi-Version: 1.51\r\nOstype: linux\r\nServer: Docker/28.5.2 (linux)\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
            });
        }
    });
    format!("unix://{}", socket.display())
}

#[test]
fn a_directory_without_a_project_has_its_machine_examined() {
    on_every_engine("none", |engine, project| {
        let ran = project.run(engine, &["doctor", HERE]).expect(0);
        let line = format!(
            "ready: an engine ({}), and no project here\n",
            engine.version
        );
        assert_eq!(ran.stdout, line);
        // One that was asked for and is not there is another matter.
        let ran = project
            .run(engine, &["-f", "gone.yaml", "doctor", HERE])
            .expect(8);
        let _ = ran.telling(&["error[CMP-01]", "gone.yaml", "not ready: 1 error"]);
    });
}

// Engines that are not well

#[test]
fn an_engine_that_is_down_or_hung_is_told_within_its_limit() {
    let project = fine(Project::new("down"));
    let socket = project.path().join("none.sock");
    let host = format!("unix://{}", socket.display());
    let ran = project.ran(project.dcb().env("DOCKER_HOST", &host).args([
        "doctor",
        HERE,
        "--skip=programs",
    ]));
    let _ = ran.expect(8).telling(&[
        "error[ENG-02]: no engine is running",
        "= so: its one service cannot be built",
        "= help: start it: ",
        "not ready: 1 error\n",
    ]);
    let _listener = UnixListener::bind(&socket).expect("a socket");
    let ran = doctor(&project, project.dcb().env("DOCKER_HOST", &host)).expect(8);
    assert_eq!(found(&ran), ["error ENG-02", "warning CLI-03"]);
    assert!(ran.took < Duration::from_secs(6), "{:?}", ran.took);
}

#[test]
fn a_pinned_api_is_told_by_what_it_does() {
    on_every_engine("pin", |engine, empty| {
        let project = fine(empty);
        let with = |pin: &str| {
            doctor(
                &project,
                project.dcb_on(engine).env("DOCKER_API_VERSION", pin),
            )
        };
        let ran = with("1.99").expect(8);
        assert_eq!(found(&ran), ["error ENG-04"]);
        assert_eq!(remedy(&ran, "ENG-04"), "unset DOCKER_API_VERSION");
        assert_eq!(found(&with("1.38").expect(0)), ["warning ENG-06"]);
        assert_eq!(found(&with("latest").expect(8)), ["error ENV-01"]);
    });
}

#[test]
fn a_full_disk_is_told_before_the_build() {
    for engine in engines().iter().filter(|engine| engine.suite == "sid") {
        let Some(private) = PrivateEngine::with_disk(engine, "200m") else {
            continue;
        };
        let project = fine(Project::new("full"));
        let ran = project
            .run(&private, &["doctor", "--only=disk", "--json"])
            .expect(8);
        assert!(
            found(&ran).contains(&"error DSK-01".to_owned()),
            "{}",
            ran.told()
        );
    }
}

#[test]
fn a_mistake_in_the_engines_configuration_is_found_while_the_engine_still_runs() {
    for engine in engines().iter().filter(|engine| engine.suite == "sid") {
        let Some(private) = PrivateEngine::like(engine) else {
            continue;
        };
        let project = fine(Project::new("daemon"));
        let file = private.directory().join("run/daemon.json");
        let whole = std::fs::read_to_string(&file).expect("its configuration");
        let with = |key: &str, value: Value| {
            let mut whole: Value = serde_json::from_str(&whole).expect("JSON");
            whole[key] = value;
            whole.to_string()
        };
        for (text, words) in [
            (with("no-such-key", 1.into()), "no-such-key"),
            (with("debug", "yes".into()), "debug"),
            (whole.replacen('{', "{,", 1), "line 1"),
        ] {
            std::fs::write(&file, text).expect("written");
            let ran = project.run(&private, &["doctor", HERE]).expect(0);
            let _ = ran.telling(&[
                "warning[ENG-11]",
                words,
                "and will not start the next time",
                ", 1 warning\n",
            ]);
        }
        std::fs::write(&file, whole).expect("written");
        assert_eq!(
            found(&doctor(&project, &mut project.dcb_on(&private))),
            [] as [&str; 0]
        );
    }
}

// Programs and their configuration

#[test]
fn what_is_wrong_with_docker_programs_is_told_and_its_remedy_works() {
    on_every_engine("programs", |engine, empty| {
        let project = fine(empty);
        let config = project.home().join("config");
        let plugins = config.join("cli-plugins");
        std::fs::create_dir_all(&plugins).expect("a directory");
        let with = || {
            doctor(
                &project,
                project.dcb_on(engine).env("DOCKER_CONFIG", &config),
            )
        };
        let write = |text: &str| std::fs::write(config.join("config.json"), text).expect("written");

        write("{,}");
        assert_eq!(found(&with().expect(8)), ["error CLI-07"]);
        write(r#"{"currentContext": "gone"}"#);
        let mut command = project.dcb_on(engine);
        command
            .env("DOCKER_CONFIG", &config)
            .env_remove("DOCKER_HOST");
        let ran = doctor(&project, &mut command).expect(8);
        assert!(
            found(&ran).contains(&"error CLI-09".to_owned()),
            "{}",
            ran.told()
        );
        assert!(
            !found(&ran).contains(&"error ENG-01".to_owned()),
            "it is told once"
        );
        write(r#"{"credsStore": "gone"}"#);
        assert!(found(&with()).contains(&"warning CLI-08".to_owned()));
        write("{}");

        let buildx = plugins.join("docker-buildx");
        symlink("/nonexistent/docker-buildx", &buildx).expect("a link");
        let ran = with().expect(0);
        assert!(
            found(&ran).contains(&"warning CLI-04".to_owned()),
            "{}",
            ran.told()
        );
        run(&remedy(&ran, "CLI-04"));
        assert!(!found(&with()).contains(&"warning CLI-04".to_owned()));
        let metadata = r#"{"SchemaVersion":"0.1.0","Vendor":"t","Version":"v0.29.1"}"#;
        std::fs::write(&buildx, format!("#!/bin/sh\necho '{metadata}'\n")).expect("a program");
        std::fs::set_permissions(&buildx, PermissionsExt::from_mode(0o644)).expect("a mode");
        let ran = with().expect(0);
        assert!(
            found(&ran).contains(&"warning CLI-04".to_owned()),
            "{}",
            ran.told()
        );
        run(&remedy(&ran, "CLI-04"));
        assert!(!found(&with()).contains(&"warning CLI-04".to_owned()));
    });
}

/// Runs a remedy that is one command.
fn run(remedy: &str) {
    let mut words = remedy.split(' ');
    let status = Command::new(words.next().expect("a program"))
        .args(words)
        .status();
    assert!(status.expect("it runs").success(), "{remedy}");
}

// The project

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
    });
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

// Registries

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
        let Some(registry) = support::registry::Registry::start() else {
            return;
        };
        let missing = format!("FROM {}/none:1\n", registry.address());
        assert_eq!(found(&missing), (Some(8), vec!["error NET-01".to_owned()]));
    });
}

// Mending

#[test]
fn buildkit_is_switched_on_in_the_engines_configuration_and_nothing_else_changes() {
    for engine in engines() {
        let Some(private) = PrivateEngine::like(&engine) else {
            continue;
        };
        let project = fine(Project::new("fix"));
        let file = private.directory().join("run/daemon.json");
        let read = || std::fs::read_to_string(&file).expect("its configuration");
        let text = "{\n  // \n}".replace(
            "// ",
            "\"debug\": true,\n\t\"features\" : { \"buildkit\":false }",
        );
        std::fs::write(&file, &text).expect("written");
        let fix = |flags: &[&str]| {
            project
                .run(
                    &private,
                    &[&["doctor", "--only=ENG-07", "--fix"], flags].concat(),
                )
                .expect(0)
        };
        let words =
            ["-\t\"features\" : { \"buildkit\":false }\n+\t\"features\" : { \"buildkit\":true }\n"];
        let _ = fix(&["--dry-run"])
            .telling(&words)
            .telling(&["not done: --dry-run"]);
        let _ = fix(&[]).telling(&words).telling(&["nobody agreed"]);
        assert_eq!(read(), text);
        let pid = private.pid();
        let _ = fix(&["--yes"])
            .telling(&words)
            .telling(&["done, the file as it was is `", "ready: "]);
        assert_eq!(read(), text.replace("false", "true"));
        let copy = file.with_file_name("daemon.json.before-dcb.1");
        assert_eq!(std::fs::read_to_string(copy).expect("a copy"), text);
        assert_eq!(private.pid(), pid, "it was not restarted");
        let _ = fix(&["--yes"]).telling(&["there is nothing that dcb can mend by itself"]);
        // What the engine would refuse is not written.
        let wrong = text.replace("\"debug\": true", "\"no-such-key\": true");
        std::fs::write(&file, &wrong).expect("written");
        if !engine.is_old() {
            let _ =
                fix(&["--yes"]).telling(&["not done: the engine would refuse it: ", "no-such-key"]);
            assert_eq!(read(), wrong);
        }
    }
}

#[test]
fn plugins_and_caches_that_are_broken_are_mended() {
    on_every_engine("mended", |engine, empty| {
        let project = fine(empty);
        let config = project.home().join("config");
        std::fs::create_dir_all(config.join("cli-plugins")).expect("a directory");
        let buildx = config.join("cli-plugins/docker-buildx");
        symlink("/nonexistent/docker-buildx", &buildx).expect("a link");
        let cached =
            "services: { web: { build: { context: ., cache_from: ['type=local,src=cache'] } } }";
        project.write("compose.yaml", cached);
        project.write("cache/index.json", "{\"manif");
        let mut command = project.dcb_on(engine);
        command.env("DOCKER_CONFIG", &config);
        let fix = ["doctor", "--only=CLI-04,DSK-05", "--fix", "--yes"];
        let ran = project.ran(command.args(fix)).expect(0);
        let _ = ran.telling(&[
            "CLI-04: remove a link to nothing: rm <home>/config/cli-plugins/docker-buildx",
            "DSK-05: move it aside: mv <dir>/cache <dir>/cache.damaged.1",
        ]);
        assert!(buildx.symlink_metadata().is_err() && !project.path().join("cache").exists());
        assert!(project.path().join("cache.damaged.1/index.json").exists());
        let _ = project
            .ran(&mut command)
            .telling(&["there is nothing that dcb can mend"]);
    });
}

#[test]
fn an_ignore_file_to_begin_with_is_written_and_none_is_written_over() {
    on_every_engine("ignore", |engine, empty| {
        let project = fine(empty)
            .file(".git/HEAD", "ref: x")
            .file("Dockerfile", "FROM busybox\nCOPY . /all\n");
        let fix = ["doctor", HERE, "--fix", "--yes"];
        let ran = project.run(engine, &fix).expect(0);
        let _ = ran.telling(&[
            "CTX-02: write `<dir>/.dockerignore`:\n",
            "+.git\n",
            "done\n",
            "ready: 1 service builds",
        ]);
        let file = project.path().join(".dockerignore");
        assert_eq!(std::fs::read_to_string(&file).expect("a file"), ".git\n");
        let _ = project
            .run(engine, &fix)
            .telling(&["there is nothing that dcb can mend"]);
        project.write(".dockerignore", "# mine\n");
        let _ = project
            .run(engine, &fix)
            .telling(&["there is nothing that dcb can mend", "1 warning"]);
        assert_eq!(std::fs::read_to_string(&file).expect("a file"), "# mine\n");
    });
}

// Really building

#[test]
fn a_small_build_is_tried_with_every_builder_and_leaves_no_image() {
    on_engines(&all_engines(), "deep", |engine, empty| {
        let project = fine(empty);
        let ours = || engine.ask(&["images", "--format", "{{.Repository}}"]);
        let ran = project
            .run(engine, &["doctor", "--deep", "--skip=disk", "-v"])
            .expect(0);
        let ran = ran.telling(&["ok       BLD-05"]);
        let builders: &[&str] = if engine.has_buildkit() {
            &["buildkit", "classic"]
        } else {
            &["classic"]
        };
        for builder in builders {
            let again = format!("small build with {builder} again ");
            assert!(ran.stdout.contains(&again), "{}", ran.stdout);
        }
        assert!(!ours().contains("dcb-doctor-"), "{}", ours());
    });
}

// How it is told

#[test]
fn checks_are_chosen_and_explained_and_a_wrong_name_is_refused() {
    let project = fine(Project::new("words"));
    let page = project
        .run_alone(&["doctor", "eng-02", "--explain"])
        .expect(0)
        .stdout;
    assert!(
        page.starts_with("### ENG-02\n\n*All is well when the engine answers.* "),
        "{page}"
    );
    for arguments in [
        &["doctor", "--only=ENG-99"] as &[&str],
        &["doctor", "--skip=enigne"],
        &["doctor", "--explain", "x"],
    ] {
        let _ = project
            .run_alone(arguments)
            .expect(2)
            .telling(&["there is no check `"]);
    }
    let _ = project.run_alone(&["doctor", "ENG-02"]).expect(2);
    let only = project.run_alone(&["doctor", "--only=ENV-05"]).expect(0);
    assert!(only.stdout.starts_with("ready: "), "{}", only.stdout);
}

#[test]
fn a_warning_fails_when_that_is_asked_for_and_one_that_is_left_alone_does_not() {
    on_every_engine("strict", |engine, empty| {
        let project = fine(empty).variable("DOCKER_BUILDKIT", "0");
        project.run(engine, &["doctor", HERE]).expect(0);
        project.run(engine, &["doctor", HERE, "--strict"]).expect(8);
        let ignore = |text: &str| {
            project.write(
                "compose.yaml",
                &format!("{WEB}x-dcb: {{ doctor: {{ ignore: {{ {text} }} }} }}\n"),
            );
        };
        ignore("ENV-02: we compare builders");
        project.run(engine, &["doctor", HERE, "--strict"]).expect(0);
        let ran = project.run(engine, &["doctor", HERE, "-v"]).expect(0);
        let _ = ran.telling(&["ignored  ENV-02", "we compare builders"]);
        for (text, words) in [
            ("ENV-2: x", "did you mean `ENV-02`?"),
            ("ENV-02: ''", "is no reason"),
        ] {
            ignore(text);
            let _ = project
                .run(engine, &["doctor", HERE])
                .expect(8)
                .telling(&["CMP-01", words]);
        }
    });
}

#[test]
fn all_checks_are_shown_with_their_times_and_programs_get_all_of_it() {
    on_every_engine("verbose", |engine, empty| {
        let project = fine(empty);
        let ran = project.run(engine, &["doctor", HERE, "-v"]).expect(0);
        let json = doctor(&project, &mut project.dcb_on(engine)).expect(0);
        let told: Value = serde_json::from_str(&json.stdout).expect("JSON");
        let checks = told["checks"].as_array().expect("checks");
        for check in checks {
            let id = check["id"].as_str().expect("text");
            assert!(
                ran.stdout.contains(&format!(" {id}  ")),
                "{id}: {}",
                ran.stdout
            );
            let skipped = check["status"] == "skipped";
            assert_eq!(skipped, check["why"].is_string(), "{check}");
            assert!(check["ms"].is_number(), "{check}");
        }
        assert_eq!(checks.len(), dcb::doctor::checks().count());
        assert_eq!(told["version"], 1);
        assert_eq!(told["verdict"]["ready"], true);
        assert!(
            ran.stdout.contains("\nlooked at: engine and programs "),
            "{}",
            ran.stdout
        );
    });
}

#[test]
fn a_bug_report_has_nothing_secret_in_it() {
    let project = fine(Project::new("report"));
    let mut command = project.dcb();
    command
        .env("DOCKER_HOST", "tcp://127.0.0.1:9")
        .env("HTTPS_PROXY", "http://me:word@proxy:3128")
        .env(
            "DOCKER_AUTH_CONFIG",
            r#"{"auths":{"r":{"auth":"d29yZDp3b3Jk"}}}"#,
        );
    let ran = project
        .ran(command.args(["doctor", "--format=markdown"]))
        .expect(8);
    for secret in [
        "word",
        "d29yZDp3b3Jk",
        &project.home().display().to_string(),
    ] {
        assert!(!ran.stdout.contains(secret), "{secret}: {}", ran.stdout);
    }
    let _ = ran.telling(&["### dcb doctor\n\n**not ready: ", "| ENG-02 | error | "]);
}

/// `DCB_UPDATE=1 cargo test --test doctor` writes them anew.
#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "tests read the environment they are given"
)]
fn the_pages_are_those_of_the_checks() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/checks.md");
    let pages = dcb::doctor::pages();
    if std::env::var_os("DCB_UPDATE").is_some() {
        std::fs::write(&path, &pages).expect("written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == pages,
        "`docs/checks.md` is out of date: DCB_UPDATE=1 cargo test --test doctor"
    );
}
