//! `dcb doctor`: silent on healthy engines, right about what is provoked, and with remedies that work.

#[path = "doctor/engine.rs"]
mod engine;
#[path = "doctor/mending.rs"]
mod mending;
#[path = "doctor/programs.rs"]
mod programs;
#[path = "doctor/project.rs"]
mod project;
#[path = "support/rootless.rs"]
mod rootless;
mod support;

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::{Project, Ran, all_engines, copy, on_engines, on_every_engine};

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
    let mut found = all_found(ran);
    found.retain(|it| !it.starts_with("note "));
    found
}

/// All that a diagnosis found.
fn all_found(ran: &Ran) -> Vec<String> {
    let told: Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.told()));
    let checks = told["checks"].as_array().expect("checks").clone();
    let mut found = Vec::new();
    for check in &checks {
        for finding in check["findings"].as_array().expect("findings") {
            let severity = finding["severity"].as_str().expect("text");
            let id = check["id"].as_str().expect("text");
            if check["status"] != "ignored" {
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
        let host = answering(&project, capture(file));
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

/// What an engine once answered.
fn capture(file: &str) -> Value {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/engine-answers/{file}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("a capture")).expect("JSON")
}

/// A socket that answers this, and nothing else.
fn answering(project: &Project, answers: Value) -> String {
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

/// The text of a test: of the function called `name` in `sources`.
fn body<'a>(sources: &'a str, name: &str) -> &'a str {
    let begins = format!("fn {name}(");
    let at = sources
        .find(&begins)
        .unwrap_or_else(|| panic!("there is no test `{name}`"));
    let rest = &sources[at..];
    let end = rest.find("#[test]").unwrap_or(rest.len());
    &rest[..end]
}

/// The text of every file below a directory.
fn sources(directory: &Path) -> String {
    let entries = directory.read_dir().expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let texts = paths.map(|path| {
        if path.is_dir() {
            sources(&path)
        } else {
            std::fs::read_to_string(path).expect("a file")
        }
    });
    texts.collect()
}

#[test]
fn every_check_is_tried_by_the_tests_that_the_table_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("tests/doctor.tsv")).expect("a table");
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    let rows: Vec<Vec<&str>> = rows.map(|line| line.split('\t').collect()).collect();
    let listed: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    let known: Vec<&str> = dcb::doctor::checks().map(|check| check.id).collect();
    assert_eq!(listed, known, "tests/doctor.tsv");
    let here = sources(&root.join("tests/doctor"));
    let units = sources(&root.join("src/doctor"));
    for row in &rows {
        let [id, unit, provoked, fixed] = row[..] else {
            panic!("{row:?}")
        };
        assert!(
            body(&units, unit).contains(&format!("\"{id}\"")),
            "{unit} does not try {id}"
        );
        for test in [provoked, fixed].into_iter().filter(|test| *test != "-") {
            assert!(body(&here, test).contains(id), "{test} does not try {id}");
        }
    }
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
