//! `dcb config` and `dcb env`: the project as it is in the end, and where its values come from.
//!
//! Each folder below `tests/config` is a case: a project, the command line (`cmd`), and everything
//! that it shows (`expected.txt`). With `DCB_TEST_ACCEPT=1` what is shown now becomes what is
//! expected; read it before you commit it.

#![allow(
    clippy::disallowed_methods,
    reason = "tests read the environment they are given"
)]

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Engine, Project, engines, told};

fn folders() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    let entries = directory.read_dir().expect("tests/config");
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a folder").path())
        .collect();
    folders.sort();
    folders
}

/// What `cmd` of a folder shows there, where no engine is.
fn shown(folder: &Path) -> String {
    let line = std::fs::read_to_string(folder.join("cmd")).expect("a case has its `cmd`");
    let project = Project::new("config");
    let mut command = project.dcb();
    command
        .current_dir(folder)
        .env_remove("COMPOSE_PROJECT_NAME");
    let mut words = line.split_whitespace();
    for word in words.by_ref().take_while(|word| *word != "dcb") {
        let (name, value) = word.split_once('=').expect("a variable before `dcb`");
        command.env(name, value);
    }
    let ran = project.ran(command.args(words));
    let mut redactions = project.redactions();
    redactions.add(folder.display(), "<dir>");
    let shown = redactions.apply(&ran.told());
    if line.contains("--origin") {
        return told::columns(&shown);
    }
    shown
}

#[test]
fn every_folder_shows_what_it_says() {
    let folders = folders();
    assert!(folders.len() >= 20, "the cases are gone");
    let mut wrong = Vec::new();
    for folder in folders {
        let shown = shown(&folder);
        let file = folder.join("expected.txt");
        if std::env::var_os("DCB_TEST_ACCEPT").is_some() {
            std::fs::write(&file, &shown).expect("a file");
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        if shown != expected {
            wrong.push((shown, expected));
        }
    }
    for (shown, expected) in wrong {
        told::assert_same(&shown, &expected);
    }
}

#[test]
fn a_file_is_written_whole_with_ordinary_permissions() {
    let project = Project::new("output").file("compose.yaml", "services: {a: {image: x}}\n");
    let ran = project.run_alone(&["config", "-o", "out.yaml"]).expect(0);
    assert_eq!(ran.stdout, "");
    let written = std::fs::read_to_string(project.path().join("out.yaml")).expect("the file");
    assert!(written.contains("image: x"), "{written}");
    let names: Vec<_> = project.path().read_dir().expect("a directory").collect();
    assert_eq!(names.len(), 2, "{names:?}");
    let again = project
        .run_alone(&["-f", "out.yaml", "config", "-q"])
        .expect(0);
    assert_eq!(again.stdout, "");
    project
        .run_alone(&["config", "-o", "no/such/directory"])
        .expect(6);
}

#[test]
fn what_is_written_is_a_project_with_the_same_meaning() {
    for folder in cases() {
        let config = |arguments: &[&str]| {
            let project = Project::new("again");
            let mut command = project.dcb();
            command
                .current_dir(&folder)
                .env_remove("COMPOSE_PROJECT_NAME");
            project.ran(command.args(arguments)).expect(0).stdout
        };
        let written = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(written.path(), config(&["config"])).expect("written");
        let file = written.path().to_str().expect("a path");
        let again = config(&[
            "-f",
            file,
            "--project-directory",
            ".",
            "--profile",
            "*",
            "config",
        ]);
        told::assert_same(&again, &config(&["config"]));
    }
}

/// Folders with projects that can be shown.
fn cases() -> impl Iterator<Item = PathBuf> {
    folders().into_iter().filter(|folder| {
        let line = std::fs::read_to_string(folder.join("cmd")).expect("a `cmd`");
        line.trim_end().ends_with("dcb config") && !folder.ends_with("env-file-missing")
    })
}

#[test]
fn compose_reads_the_same_project() {
    // The Compose of 26.1, 2.26, reads the permissions `"0440"` as a decimal number.
    let modern: Vec<Engine> = engines()
        .into_iter()
        .filter(|engine| !engine.has_compose_v1() && engine.major() > 26)
        .collect();
    for engine in modern {
        for folder in cases() {
            let project = Project::new("same");
            let mut command = project.dcb();
            command.current_dir(&folder).env("B", "bb");
            let ours = project.ran(command.args(["config"])).expect(0).stdout;
            project.write("ours.yaml", &ours);
            let json = |file: &Path| {
                let mut command = project.other_on(&engine, "docker");
                command
                    .current_dir(&folder)
                    .env("B", "bb")
                    .args(["compose", "--project-directory", ".", "-f"])
                    .arg(file)
                    .args(["config", "--format", "json"]);
                let ran = project.ran(&mut command).expect(0);
                serde_json::from_str::<Value>(&ran.stdout).expect("JSON")
            };
            let base = folder.join("compose.yaml");
            let upper = folder.join("compose.override.yaml");
            if upper.exists() {
                continue;
            }
            let (theirs, ours) = (json(&base), json(&project.path().join("ours.yaml")));
            assert_eq!(theirs, ours, "{} on {}", folder.display(), engine.version);
        }
    }
}
