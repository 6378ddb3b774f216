//! `dcb plan`: what would be built, decided without any engine.
//!
//! Each folder below `tests/plan` is a case: a project, the command line (`cmd`), and what it shows:
//! `expected.json`, standard output alone, or `expected.txt`, everything the user sees. With
//! `DCB_TEST_ACCEPT=1` what is shown now becomes what is expected; read it before you commit it.

#![allow(
    clippy::disallowed_methods,
    reason = "tests read the environment they are given"
)]

mod support;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::{Project, Ran, on_every_engine, told};

/// The directories in `directory`, sorted.
fn folders(directory: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let mut folders: Vec<PathBuf> = directory
        .read_dir()
        .unwrap_or_else(|error| panic!("`{}`: {error}", directory.display()))
        .map(|entry| entry.expect("a directory").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

/// Runs a line such as `NAME=value dcb plan` in a folder, where no engine is.
fn run(project: &Project, folder: &Path, line: &str) -> Ran {
    let mut command = project.dcb();
    command
        .current_dir(folder)
        .env_remove("COMPOSE_PROJECT_NAME")
        // The number of processors differs from machine to machine.
        .env("COMPOSE_PARALLEL_LIMIT", "4");
    let mut words = line.split_whitespace();
    for word in words.by_ref().take_while(|word| *word != "dcb") {
        let (name, value) = word.split_once('=').expect("a variable before `dcb`");
        command.env(name, value);
    }
    project.ran(command.args(words))
}

fn case(folder: &Path) {
    let line = std::fs::read_to_string(folder.join("cmd")).expect("a case has its `cmd`");
    let project = Project::new("plan");
    let ran = run(&project, folder, &line);
    let mut redactions = project.redactions();
    redactions.add(folder.display(), "<dir>");
    let json = line.contains("json") && ran.code == Some(0);
    let (file, shown) = if json {
        (
            "expected.json",
            redactions.apply(&without_docker(&ran.stdout)),
        )
    } else {
        ("expected.txt", redactions.apply(&ran.told()))
    };
    let file = folder.join(file);
    if std::env::var_os("DCB_TEST_ACCEPT").is_some() {
        std::fs::write(&file, &shown).expect("a file");
    }
    let expected = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("`{}`: {error}; it shows:\n{shown}", file.display()));
    told::assert_same(&shown, &expected);
}

/// The plan without what is true of one machine only; `tests/detect.rs` is about that.
fn without_docker(plan: &str) -> String {
    let mut plan: Value = serde_json::from_str(plan).expect("JSON");
    let docker = plan.as_object_mut().expect("an object").remove("docker");
    assert!(docker.is_some_and(|docker| docker.is_object()));
    format!("{plan:#}\n")
}

#[test]
fn every_folder_is_planned_as_it_says() {
    let folders = folders("tests/plan");
    assert!(folders.len() >= 11, "the cases are gone");
    let failed: Vec<String> = std::thread::scope(|scope| {
        let cases: Vec<_> = folders
            .iter()
            .map(|folder| {
                let name = folder
                    .file_name()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned();
                let thread = std::thread::Builder::new().name(name.clone());
                (
                    name,
                    thread
                        .spawn_scoped(scope, || case(folder))
                        .expect("a thread"),
                )
            })
            .collect();
        cases
            .into_iter()
            .filter_map(|(name, case)| case.join().is_err().then_some(name))
            .collect()
    });
    assert!(failed.is_empty(), "not as expected: {}", failed.join(", "));
}

#[test]
fn no_folder_is_forgotten_and_none_has_two_expectations() {
    for folder in folders("tests/plan") {
        assert!(
            folder.join("cmd").is_file(),
            "`{}` has no `cmd`",
            folder.display()
        );
        let expected = ["expected.json", "expected.txt"].map(|name| folder.join(name).is_file());
        assert_ne!(
            expected[0],
            expected[1],
            "`{}` needs one expectation",
            folder.display()
        );
    }
}

#[test]
fn secrets_are_masked_wherever_a_plan_is_shown() {
    let compose = "services:\n  web:\n    build:\n      context: .\n      args:\n        API_TOKEN: hunter2\n        URL: https://me:hunter2@example.org/\n";
    let project = Project::new("masked")
        .file("compose.yaml", compose)
        .file("Dockerfile", "FROM busybox\n");
    for arguments in [
        &["plan"] as &[&str],
        &["plan", "--format", "json"],
        &["build", "--dry-run"],
        &["plan", "--build-arg", "OTHER_PASSWORD=hunter2"],
    ] {
        let ran = project.run_alone(arguments).expect(0);
        assert!(
            !(ran.stdout + &ran.stderr).contains("hunter2"),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_dry_run_is_the_plan() {
    let project = Project::new("dry")
        .file(
            "compose.yaml",
            "services:\n  web:\n    build: .\n  next:\n    build: .\n",
        )
        .file("Dockerfile", "FROM busybox\n");
    for flags in [&[] as &[&str], &["--no-cache", "--build-arg", "A=1", "web"]] {
        let run = |verb: &[&str]| project.run_alone(&[verb, flags].concat()).expect(0).told();
        told::assert_same(&run(&["build", "--dry-run"]), &run(&["plan"]));
    }
}

#[test]
fn planning_needs_no_engine_and_says_so() {
    Project::new("noengine")
        .file("compose.yaml", "services:\n  web:\n    build: .\n")
        .file("Dockerfile", "FROM busybox\n")
        .variable("COMPOSE_PARALLEL_LIMIT", "1")
        .run_alone(&["plan"])
        .shows(
            "
exit code 0
--- stdout
project  <project> (<dir>)
engine   not reachable
jobs     1 side by side (COMPOSE_PARALLEL_LIMIT)

web
  builder     buildkit: the engine's own BuildKit builds it
  context     <dir>
  dockerfile  Dockerfile
  image       docker.io/library/<project>-web:latest
  labels      com.docker.compose.project=<project> com.docker.compose.service=web
--- stderr
warning: planned without an engine: no engine is running: unix:///nonexistent/docker.sock does not exist
  = help: start it: sudo systemctl start docker
  = help: the address comes from DOCKER_HOST; for the usual engine: unset DOCKER_HOST
",
        );
}

#[test]
fn a_plan_names_the_engine_and_the_names_of_its_compose() {
    on_every_engine("planned", |engine, project| {
        let project = project
            .file("compose.yaml", "services:\n  web:\n    build: .\n")
            .file("Dockerfile", "FROM busybox\n");
        let ran = project.run(engine, &["plan", "--format", "json"]).expect(0);
        assert_eq!(ran.stderr, "");
        let plan: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert_eq!(plan["engine"]["version"], engine.version.as_str());
        let name = format!("docker.io/library/{}:latest", project.image(engine, "web"));
        assert_eq!(plan["jobs"][0]["tags"], serde_json::json!([name]));
        assert!(
            !engine.has_image(&project.image(engine, "web")),
            "a plan built something"
        );
    });
}

#[test]
fn every_example_can_be_planned() {
    let examples = folders("examples");
    assert!(!examples.is_empty(), "no examples");
    for example in examples {
        let files = compose_files(&example);
        assert!(
            !files.is_empty(),
            "`{}` has no compose file",
            example.display()
        );
        for file in files {
            let project = Project::new("example");
            let mut command: Command = project.dcb();
            command
                .current_dir(&example)
                .arg("-f")
                .arg(&file)
                .args(["plan", "--format", "json"]);
            let ran = project.ran(&mut command).expect(0);
            let plan: Value = serde_json::from_str(&ran.stdout).expect("JSON");
            let jobs = plan["jobs"].as_array().expect("jobs");
            assert!(!jobs.is_empty(), "`{}` builds nothing", file.display());
            let notes = plan["notes"].as_array().expect("notes");
            let [note] = notes.as_slice() else {
                panic!("`{}`: {notes:?}", file.display())
            };
            assert!(
                note.to_string().contains("planned without an engine"),
                "{note}"
            );
        }
    }
}

/// The compose files of an example, wherever they lie. Those that only override another are not
/// projects of their own.
fn compose_files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in directory.read_dir().expect("a directory") {
        let path = entry.expect("an entry").path();
        let part = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let (name, extension) = (part(path.file_stem()), part(path.extension()));
        if path.is_dir() {
            found.extend(compose_files(&path));
        } else if name.contains("compose")
            && !name.contains("override")
            && ["yml", "yaml"].contains(&extension.as_str())
        {
            found.push(path);
        }
    }
    found.sort();
    found
}
