//! How a run is told: as JSON, to CI systems, to nobody; and who decides.

mod support;

use serde_json::Value;
use support::{Project, newest, on_every_engine};

/// A service that builds, and one that fails after it wrote something.
fn project(project: Project) -> Project {
    let good = format!("FROM busybox\nRUN echo hello from {}\n", project.name());
    project
        .file(
            "compose.yaml",
            "services:\n  bad: { build: bad }\n  good: { build: good }\n",
        )
        .file("good/Dockerfile", &good)
        .file(
            "bad/Dockerfile",
            "FROM busybox\nRUN echo ::error::mine; exit 3\n",
        )
}

fn events(text: &str) -> Vec<Value> {
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    lines.collect()
}

fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events
        .iter()
        .filter(|event| event["event"] == kind)
        .collect()
}

#[test]
fn json_is_every_event_from_the_first_to_the_last() {
    on_every_engine("progress-json", |engine, bare| {
        let project = project(bare);
        let ran = project
            .run(engine, &["build", "--progress", "json"])
            .expect(1);
        assert_eq!(ran.stderr, "", "results go to standard output only");
        let events = events(&ran.stdout);
        let (first, last) = (&events[0], &events[events.len() - 1]);
        assert_eq!(first["event"], "run_started");
        assert_eq!(first["schema"], 1);
        assert_eq!(first["jobs"][0]["services"][0], "bad");
        assert_eq!(
            (&last["event"], &last["result"]),
            (&"run_finished".into(), &"failed".into())
        );
        let told = include_str!("../docs/events.md");
        for event in &events {
            let kind = event["event"].as_str().expect("a name");
            assert!(
                told.contains(&format!("\n| `{kind}` |")),
                "{kind} is not documented"
            );
        }
        let moments: Vec<u64> = events
            .iter()
            .filter_map(|event| event["at"].as_u64())
            .collect();
        assert_eq!(moments.len(), events.len());
        assert!(moments.is_sorted(), "{moments:?}");

        let ends = of(&events, "job_finished");
        let failed = ends
            .iter()
            .find(|end| end["job"] == 0)
            .expect("the end of `bad`");
        assert_eq!(
            (&failed["outcome"], &failed["class"]),
            (&"failed".into(), &"run-failed".into())
        );
        assert_eq!(failed["exit_code"], 3);
        let place = &failed["diagnostics"][0]["primary"][0];
        assert!(
            place["file"]
                .as_str()
                .is_some_and(|file| file.ends_with("bad/Dockerfile")),
            "{failed}"
        );
        assert_eq!(place["start"]["line"], 2);
        let built = ends
            .iter()
            .find(|end| end["job"] == 1)
            .expect("the end of `good`");
        assert_eq!(built["outcome"], "built");
        assert!(
            built["size"].as_u64().is_some_and(|size| size > 100_000),
            "{built}"
        );

        // A step's interval lies within the run, on its clock.
        let took = last["took"].as_u64().expect("a time");
        for step in of(&events, "step")
            .iter()
            .filter(|step| step["state"] == "done")
        {
            let (began, ended) = (&step["began"], &step["ended"]);
            let (began, ended) = (
                began.as_u64().expect("a time"),
                ended.as_u64().expect("a time"),
            );
            assert!(began <= ended && ended <= took, "{step}");
        }
    });
}

#[test]
fn github_gets_folds_annotations_and_a_summary() {
    let engine = newest();
    let project = project(Project::new("progress-github"));
    let summary = project.path().join("summary.md");
    let mut command = project.dcb_on(&engine);
    command
        .args(["build", "--jobs", "1", "--keep-going"])
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_WORKSPACE", project.path())
        .env("GITHUB_STEP_SUMMARY", &summary);
    let told = project.ran(&mut command).expect(1).stderr;
    let folded = format!(
        "::group::good: its log, 1 line\nhello from {}\n::endgroup::\n",
        project.name()
    );
    assert!(told.contains(&folded), "{told}");
    // The output of a command gives no commands.
    assert!(
        told.contains("::group::bad: its log, 1 line\n ::error::mine\n::endgroup::\n"),
        "{told}"
    );
    let annotated = told.lines().any(|line| {
        line.starts_with("::error file=bad/Dockerfile,line=2,title=bad::")
            && line.contains("exit code 3")
    });
    assert!(annotated, "{told}");
    let summary = std::fs::read_to_string(summary).expect("a summary");
    assert!(
        summary.contains("| bad | ❌ failed |") && summary.contains("| good | ✅ built |"),
        "{summary}"
    );
    assert!(
        summary.contains("RUN echo ::error::mine; exit 3"),
        "{summary}"
    );
}

#[test]
fn gitlab_gets_sections() {
    let engine = newest();
    let project = project(Project::new("progress-gitlab"));
    let mut command = project.dcb_on(&engine);
    command.args(["build"]).env("GITLAB_CI", "true");
    let told = project.ran(&mut command).expect(1).stderr;
    let open = told.find(":dcb_good[collapsed=true]\r\u{1b}[0Kgood: its log, 1 line\nhello from");
    let close = told.find(":dcb_good\r\u{1b}[0K\n");
    assert!(open.is_some() && close > open, "{told}");
}

#[test]
fn flags_and_variables_decide_and_what_is_none_is_named() {
    let engine = newest();
    let project = project(Project::new("progress-kind"));
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = project.dcb_on(&engine);
        command.args(["build", "good"]).args(arguments);
        command.envs(variables.iter().copied());
        project.ran(&mut command)
    };
    let json = |text: &str| text.starts_with("{\"at\":");
    assert!(json(
        &run(&[], &[("BUILDKIT_PROGRESS", "rawjson")])
            .expect(0)
            .stdout
    ));
    assert!(json(
        &run(&[], &[("COMPOSE_PROGRESS", "json")]).expect(0).stdout
    ));
    let both = run(&["--progress", "plain"], &[("COMPOSE_PROGRESS", "json")]).expect(0);
    assert!(
        both.stdout.is_empty() && both.stderr.contains("CACHED"),
        "{}",
        both.told()
    );
    let quiet = run(&["--progress", "quiet"], &[]).expect(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    run(&["--progress", "tty"], &[]).shows(
        "
exit code 2
--- stderr
error: `--progress tty` needs a terminal, and standard error is none
  = help: leave it away, or use `--progress plain`
",
    );
    run(&[], &[("BUILDKIT_PROGRESS", "fancy")]).shows(
        "
exit code 2
--- stderr
error: BUILDKIT_PROGRESS is `fancy`, which is no kind of progress
  = help: auto, tty, plain, json and quiet are; or unset it: unset BUILDKIT_PROGRESS
",
    );
}

#[test]
fn a_reader_that_is_gone_ends_nothing() {
    let engine = newest();
    let project = project(Project::new("progress-pipe"));
    for kind in ["json", "plain"] {
        let mut command = project.dcb_on(&engine);
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let other = writer.try_clone().expect("a handle");
        command.args(["build", "good", "--no-cache", "--progress", kind]);
        let status = command
            .stdout(writer)
            .stderr(other)
            .status()
            .expect("dcb runs");
        assert_eq!(status.code(), Some(0), "{kind}");
    }
}
