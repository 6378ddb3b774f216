//! What is kept of runs, on every engine: told again as it was told, compared, bounded, and without
//! secrets.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Project, newest, on_every_engine};

/// Two services, the second after the first; `step` is what the second runs.
fn project(project: Project, step: &str) -> Project {
    let base = format!(
        "FROM busybox\nRUN echo hello from {}; seq 30\n",
        project.name()
    );
    project
        .file(
            "compose.yaml",
            "services:\n  base: { build: base }\n  web:\n    build:\n      context: .\n      additional_contexts: { begin: 'service:base' }\n",
        )
        .file("base/Dockerfile", &base)
        .file("Dockerfile", &format!("FROM begin\n{step}\n"))
}

/// The directory of the only journal below a project's home.
fn journal(project: &Project) -> PathBuf {
    let root = project.home().join(".local/state/dcb");
    let mut journals = root.read_dir().expect("a journal");
    let only = journals.next().expect("a journal").expect("an entry");
    assert!(journals.next().is_none(), "one project has one journal");
    only.path()
}

#[test]
fn a_run_is_told_again_byte_for_byte() {
    on_every_engine("history-again", |engine, bare| {
        let project = project(bare, "RUN echo nearly; echo there; exit 3");
        let told = project.run(engine, &["build"]).expect(1);
        let again = project.run_alone(&["history", "log"]).expect(0);
        assert_eq!(again.stdout, told.stderr);
        assert!(told.stderr.contains("|  there"), "{}", told.stderr);
        // Without logs they follow their failure.
        let shown = project.run_alone(&["history", "show"]).expect(0).stdout;
        assert!(shown.contains("\nweb:\n  | nearly\n  | there\n"), "{shown}");
    });
}

#[test]
fn the_list_tells_how_runs_ended_and_logs_are_found_by_service_and_step() {
    let engine = newest();
    let project = project(Project::new("history-list"), "RUN exit 3");
    project.run(&engine, &["build"]).expect(1);
    project.write("Dockerfile", "FROM begin\nRUN echo better\n");
    project.run(&engine, &["build", "-q"]).expect(0);
    let list = project.run_alone(&["history"]).expect(0).stdout;
    let rows: Vec<&str> = list.lines().collect();
    assert_eq!(rows.len(), 3, "{list}");
    assert!(rows[1].contains("build  failed"), "{list}");
    assert!(
        rows[1].contains("1/2 built") && rows[1].ends_with("web: run-failed"),
        "{list}"
    );
    assert!(rows[2].contains("build  built"), "{list}");
    assert!(rows[2].contains("2/2 built, 1/2 steps cached"), "{list}");

    let log = |words: &[&str]| {
        let all = [&["history", "log"], words].concat();
        project.run_alone(&all).expect(0).stdout
    };
    let numbers: String = (1..=30).map(|number| format!("{number}\n")).collect();
    let expected = format!("hello from {}\n{numbers}", project.name());
    assert_eq!(log(&["--run", "1", "base"]), expected);
    assert_eq!(log(&["web", "echo better"]), "better\n");
    project
        .run_alone(&["history", "log", "web", "nothing"])
        .shows(
            "
exit code 2
--- stderr
error: in run 2 no step of `web` whose name has `nothing` in it wrote anything
  = help: its services and steps: dcb history show 2
",
        );
    project.run_alone(&["history", "show", "7"]).shows(
        "
exit code 2
--- stderr
error: there is no run 7
  = help: the newest is 2; all of them: dcb history
",
    );

    let told = project.run_alone(&["history", "compare", "1", "--format", "json"]);
    let told: Value = serde_json::from_str(&told.expect(0).stdout).expect("JSON");
    assert_eq!((&told["first"], &told["second"]), (&1.into(), &2.into()));
    let base = &told["services"][0];
    assert_eq!(
        (&base["name"], &base["after"]["outcome"]),
        (&"base".into(), &"cached".into())
    );
    let names = told["services"][1]["steps"].as_array().expect("steps");
    let names: Vec<&str> = names
        .iter()
        .filter_map(|step| step["name"].as_str())
        .collect();
    assert_eq!(names, ["RUN echo better", "RUN exit 3"]);
}

#[test]
fn nothing_was_built_yet() {
    let project = project(Project::new("history-none"), "RUN true");
    project.run_alone(&["history"]).shows(
        "
exit code 2
--- stderr
error: nothing was built here yet
  = help: build: dcb build
",
    );
}

#[test]
fn only_the_user_reads_the_journal_and_no_secret_is_in_it() {
    const VALUES: [&str; 3] = [
        "s3cret-of-a-file",
        "s3cret-of-a-variable",
        "s3cret-of-an-argument",
    ];
    on_every_engine("history-secret", |engine, project| {
        let project = project
            .file(
                "compose.yaml",
                "services:\n  web:\n    build:\n      context: .\n      args: { API_TOKEN: s3cret-of-an-argument }\n      secrets: [one, two]\nsecrets:\n  one: { file: ./one }\n  two: { environment: TWO }\n",
            )
            .file(
                "Dockerfile",
                &format!(
                    "FROM busybox\nARG API_TOKEN\nRUN --mount=type=secret,id=one --mount=type=secret,id=two : {}; echo $API_TOKEN; cat /run/secrets/*; exit 3\n",
                    "x"
                ),
            )
            .file("one", VALUES[0])
            .variable("TWO", VALUES[1]);
        let told = project
            .run(engine, &["build", "--progress", "json"])
            .expect(1);
        assert!(told.stdout.contains("***"), "{}", told.stdout);
        let journal = journal(&project);
        for file in journal.read_dir().expect("a directory") {
            let file = file.expect("an entry").path();
            let text = std::fs::read_to_string(&file).expect("text");
            let mode = file.metadata().expect("a file").permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}", file.display());
            for value in VALUES {
                assert!(!text.contains(value), "{value} in {}", file.display());
                assert!(
                    !told.stdout.contains(value) && !told.stderr.contains(value),
                    "{value}"
                );
            }
        }
        let mode = journal
            .metadata()
            .expect("a directory")
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0);
    });
}

#[test]
fn a_journal_that_cannot_be_written_spoils_no_build() {
    let engine = newest();
    let project = project(Project::new("history-full"), "RUN true")
        .variable("XDG_STATE_HOME", "/proc/nowhere");
    let told = project.run(&engine, &["build"]).expect(0).stderr;
    assert!(told.contains("warning: this run is not kept: "), "{told}");
    let told = project
        .run(&engine, &["build", "--progress", "json"])
        .expect(0);
    assert!(
        told.stdout
            .contains(r#""event":"run_finished","result":"built""#),
        "{}",
        told.stdout
    );
}

#[test]
fn what_was_broken_off_is_told_as_far_as_it_went() {
    let engine = newest();
    let project = project(Project::new("history-broken"), "RUN true");
    project.run(&engine, &["build"]).expect(0);
    let journal = journal(&project);
    let records = journal.join("1.jsonl");
    std::fs::remove_file(journal.join("1.json")).expect("a summary");
    cut(&records, 3);
    let list = project.run_alone(&["history"]).expect(0).stdout;
    assert!(
        list.lines().nth(1).expect("a run").contains("broken off"),
        "{list}"
    );
    project.run_alone(&["history", "show"]).expect(0);
    // What is no journal at all is said to be none, with its place.
    let text = std::fs::read_to_string(&records).expect("text");
    std::fs::write(&records, format!("rubbish\n{text}")).expect("a file");
    let told = project.run_alone(&["history", "show"]).expect(2).stderr;
    assert!(told.contains("run 1 cannot be read: "), "{told}");
    assert!(told.contains("1.jsonl:1: "), "{told}");
}

/// Leaves `lines` lines of a file and half of the next.
fn cut(path: &Path, lines: usize) {
    let text = std::fs::read_to_string(path).expect("text");
    let mut ends = text.match_indices('\n').map(|(at, _)| at + 1);
    let end = ends.nth(lines - 1).expect("so many lines");
    std::fs::write(path, &text[..end + 20]).expect("a file");
}
