//! `docker dcb`: dcb as a plugin of the docker CLI, with the clients of each generation.

mod support;

use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use support::{Engine, Project, engines, on_every_engine, until};

/// A project whose user has linked dcb, and the Compose of this generation, into the docker CLI.
fn with_plugin(project: Project, engine: &Engine) -> Project {
    let plugins = project.home().join(".docker/cli-plugins");
    std::fs::create_dir_all(&plugins).expect("made");
    let link = |target: &std::path::Path, name: &str| {
        std::os::unix::fs::symlink(target, plugins.join(name)).expect("linked");
    };
    link(env!("CARGO_BIN_EXE_dcb").as_ref(), "docker-dcb");
    let compose = engine.config.join("cli-plugins/docker-compose");
    if compose.exists() {
        link(&compose, "docker-compose");
    }
    project
}

/// The docker CLI with that user's configuration, and no variable that says where the engine is.
fn docker(project: &Project, engine: &Engine) -> Command {
    let mut docker = project.other_on(engine, "docker");
    docker
        .env_remove("DOCKER_HOST")
        .env("DOCKER_CONFIG", project.home().join(".docker"));
    docker
}

#[test]
fn docker_dcb_builds_where_docker_s_own_flags_say_and_hands_over_to_compose() {
    on_every_engine("plugin", |engine, project| {
        let project = with_plugin(project, engine)
            .file(
                "compose.yaml",
                "services:\n  web:\n    build: .\n    command: sleep 1000\n    network_mode: none\n    stop_grace_period: 0s\n",
            )
            .file("Dockerfile", "FROM busybox\nRUN echo plugin\n");
        let run = |arguments: &[&str]| project.ran(docker(&project, engine).args(arguments));

        run(&["--help"]).telling(&["dcb*", "Build and start Compose projects"]);
        run(&["dcb", "--help"])
            .expect(0)
            .telling(&["Usage: docker dcb [OPTIONS] VERB"]);
        let page = run(&["help", "dcb", "build"]).expect(0);
        assert_eq!(
            page.stdout,
            run(&["dcb", "build", "--help"]).expect(0).stdout
        );
        page.telling(&["Usage: docker dcb build [OPTIONS] [SERVICE]..."]);

        // Before the word `dcb` docker has flags of its own.
        run(&["--host", &engine.host, "dcb", "build"])
            .expect(0)
            .telling(&["web  built", "1 service built"]);
        assert!(engine.has_image(&project.image(engine, "web")));
        let context = [
            "context",
            "create",
            "far",
            "--docker",
            &format!("host={}", engine.host),
        ];
        run(&context).expect(0);
        let mut elsewhere = docker(&project, engine);
        elsewhere
            .args(["--context", "far", "-D", "dcb", "up", "-d", "--dry-run"])
            .env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
        project
            .ran(&mut elsewhere)
            .expect(0)
            .telling(&["up --detach --no-build"]);

        let run_here = |arguments: &[&str]| run(&[&["-c", "far"], arguments].concat());
        run_here(&["dcb", "up", "-d"]).expect(0);
        run_here(&["dcb", "ps"]).expect(0).telling(&["sleep 1000"]);
        run_here(&["dcb", "exec", "-T", "web", "sh", "-c", "exit 7"]).expect(7);

        run(&["--tlscert", "a.pem", "dcb", "build"])
            .expect(2)
            .telling(&["cannot take `--tlscert` from docker", "DOCKER_CERT_PATH"]);
    });
}

#[test]
fn docker_completes_what_follows_docker_dcb() {
    let Some(engine) = newest() else { return };
    let project = with_plugin(Project::new("plugin-completion"), &engine).file(
        "compose.yaml",
        "services: {web: {build: .}, db: {image: postgres}}\n",
    );
    let offered = |words: &[&str]| {
        let mut docker = docker(&project, &engine);
        project
            .ran(docker.arg("__complete").args(words))
            .expect(0)
            .stdout
    };
    assert_eq!(
        offered(&["dcb", "build", ""]),
        "web\tbuilt from <dir>\n:4\n".replace("<dir>", &name_of(&project))
    );
    assert!(offered(&["dcb", "tim"]).starts_with("timeline\t"));
}

fn name_of(project: &Project) -> String {
    let name = project.path().file_name().expect("a name");
    name.to_string_lossy().into_owned()
}

/// An engine whose docker CLI tells its plugins to stop.
fn newest() -> Option<Engine> {
    engines().into_iter().find(|engine| engine.major() > 24)
}

#[test]
fn a_signal_to_docker_stops_the_build_that_its_plugin_runs() {
    let Some(engine) = newest() else { return };
    let seconds = format!("61.{}", fastrand::u32(100_000_000..));
    let project = with_plugin(Project::new("plugin-stop"), &engine)
        .file("compose.yaml", "services: {web: {build: .}}\n")
        .file(
            "Dockerfile",
            &format!("FROM busybox\nRUN sleep {seconds}\n"),
        );
    let mut docker = docker(&project, &engine);
    let mut running = project.start(docker.args(["--host", &engine.host, "dcb", "build"]));
    running.until_told("[2/2] RUN sleep");
    running.signal(Signal::TERM);
    let ran = running.end(Duration::from_secs(5)).expect(143);
    ran.telling(&["web  stopped", "0 services built"]);
    until("the step to be killed", Duration::from_secs(2), || {
        !sleeps(&seconds)
    });
}

/// Whether any process of this machine sleeps so long: steps of the engines are among them.
fn sleeps(seconds: &str) -> bool {
    let processes = std::fs::read_dir("/proc").expect("Linux").flatten();
    processes
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .any(|line| line == format!("sleep\0{seconds}\0").into_bytes())
}
