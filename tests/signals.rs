//! Being asked to stop: the process ends by the signal that asked, at once, and nothing goes on in
//! the engine.

mod support;

use std::time::Duration;

use rustix::process::Signal;
use support::{Engine, Project, on_every_engine, until};

/// How long a signalled dcb may take to end.
const PROMPT: Duration = Duration::from_secs(2);

/// A number of seconds to sleep that no other process sleeps, so that it can be found.
fn seconds() -> String {
    format!("60.{}", fastrand::u32(100_000_000..))
}

/// Whether any process of this machine sleeps so long: steps of the engines are among them.
fn sleeps(seconds: &str) -> bool {
    std::fs::read_dir("/proc")
        .expect("Linux")
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .any(|line| line == format!("sleep\0{seconds}\0").into_bytes())
}

/// A project whose `web` sleeps while it is built, and whose `next` begins with it.
fn sleeper(project: Project, engine: &Engine, seconds: &str) -> Project {
    let next = format!("FROM {}\n", project.image(engine, "web"));
    project
        .file(
            "compose.yaml",
            "services:\n  next:\n    build: {context: ., dockerfile: next.Dockerfile}\n  web:\n    build: .\n",
        )
        .file("Dockerfile", &format!("FROM busybox\nRUN sleep {seconds}\n"))
        .file("next.Dockerfile", &next)
}

fn a_signal_ends_a_running_step(name: &str, signal: Signal) {
    on_every_engine(name, |engine, project| {
        let seconds = seconds();
        let project = sleeper(project, engine, &seconds);
        let running = project.start(project.dcb_on(engine).arg("build"));
        until("the step to run", Duration::from_secs(30), || {
            sleeps(&seconds)
        });
        running.signal(signal);
        let ran = running.end(PROMPT);
        assert_eq!(
            (ran.code, ran.signal),
            (None, Some(signal.as_raw())),
            "{}",
            ran.told()
        );
        until("the step to be killed", Duration::from_secs(1), || {
            !sleeps(&seconds)
        });
        assert!(
            !engine.has_image(&project.image(engine, "web")),
            "a stopped build has no image"
        );

        let rows: Vec<Vec<&str>> = ran
            .stderr
            .lines()
            .skip_while(|line| !line.starts_with("SERVICE"))
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(rows[1][..2], ["web", "stopped"], "{}", ran.told());
        assert_eq!(rows[2][0], "next", "{}", ran.told());
        assert!(ran.told().contains("0 services built"), "{}", ran.told());

        project.write("Dockerfile", &format!("FROM busybox\nRUN echo {seconds}\n"));
        let again = project
            .start(project.dcb_on(engine).arg("build"))
            .end(Duration::from_secs(20));
        again.expect(0);
    });
}

#[test]
fn ctrl_c_ends_a_running_step_and_the_process() {
    a_signal_ends_a_running_step("int", Signal::INT);
}

#[test]
fn sigterm_ends_a_running_step_and_the_process() {
    a_signal_ends_a_running_step("term", Signal::TERM);
}

#[test]
fn up_that_is_stopped_while_it_builds_starts_nothing() {
    on_every_engine("upint", |engine, project| {
        let seconds = seconds();
        let project = sleeper(project, engine, &seconds);
        let running = project.start(project.dcb_on(engine).args(["up", "-d"]));
        until("the step to run", Duration::from_secs(30), || {
            sleeps(&seconds)
        });
        running.signal(Signal::INT);
        let ran = running.end(PROMPT);
        assert_eq!(ran.signal, Some(Signal::INT.as_raw()), "{}", ran.told());
        let label = format!("label=com.docker.compose.project={}", project.name());
        assert_eq!(
            engine.ask(&["ps", "--all", "--quiet", "--filter", &label]),
            ""
        );
    });
}

#[test]
fn ctrl_c_ends_a_transfer_of_the_context() {
    on_every_engine("transfer", |engine, project| {
        let project = project
            .file("compose.yaml", "services:\n  web:\n    build: .\n")
            .file("Dockerfile", "FROM busybox\nCOPY . /all\n");
        project.write_endless("big");
        let running = project.start(project.dcb_on(engine).arg("build"));
        running.until_it_sends();
        running.signal(Signal::INT);
        let ran = running.end(PROMPT);
        assert_eq!(ran.signal, Some(Signal::INT.as_raw()), "{}", ran.told());
        assert!(ran.stderr.contains("stopped"), "{}", ran.told());

        std::fs::remove_file(project.path().join("big")).expect("there");
        let again = project
            .start(project.dcb_on(engine).arg("build"))
            .end(Duration::from_secs(20));
        again.expect(0);
    });
}

#[test]
fn a_verb_that_compose_runs_is_compose_itself_and_gets_the_signals() {
    on_every_engine("verb", |engine, project| {
        let seconds = seconds();
        let compose = format!(
            "services:\n  web:\n    build: .\n    command: sh -c 'echo ready; exec sleep {seconds}'\n    stop_grace_period: 0s\n"
        );
        let project = project
            .file("compose.yaml", &compose)
            .file("Dockerfile", "FROM busybox\n");
        let mut running = project.start(project.dcb_on(engine).arg("up"));
        until("the container to run", Duration::from_secs(60), || {
            sleeps(&seconds)
        });
        // Compose v1 leaves a container behind that it has not attached to yet.
        running.until_told("ready");
        running.signal(Signal::INT);
        running.end(Duration::from_secs(30));
        until("the container to stop", Duration::from_secs(5), || {
            !sleeps(&seconds)
        });
    });
}
