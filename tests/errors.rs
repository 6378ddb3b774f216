//! What a user sees when something is wrong: everything of it, by the words and the exit code.
//!
//! What is wrong with the project or with this machine is told without an engine; what is wrong
//! with an engine or happens inside one is tried on every engine.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use support::{Engine, PrivateEngine, Project, Ran, on_every_engine, serve, until};

/// A project whose compose file is `text`, with a Dockerfile that is fine.
fn project(name: &str, text: &str) -> Project {
    Project::new(name)
        .file("compose.yaml", text)
        .file("Dockerfile", "FROM busybox\n")
}

const SIMPLE: &str = "services:\n  web:\n    build: .\n";

// The command line

#[test]
fn the_version_is_one_line() {
    Project::new("version")
        .run_alone(&["--version"])
        .shows(&format!(
            "exit code 0\n--- stdout\ndcb {}\n",
            env!("CARGO_PKG_VERSION")
        ));
}

#[test]
fn help_names_every_verb_and_every_verb_its_flags() {
    let project = Project::new("help");
    for (arguments, words) in [
        (
            &["--help"] as &[&str],
            &[
                "build",
                "up",
                "plan",
                "--file",
                "--profile",
                "--env-file",
                "--compatibility",
                "goes to Docker Compose",
            ] as &[&str],
        ),
        (
            &["build", "--help"],
            &[
                "--no-cache",
                "--pull",
                "--build-arg",
                "--jobs",
                "--quiet",
                "--dry-run",
                "[SERVICE]...",
            ],
        ),
        (
            &["up", "--help"],
            &[
                "--detach",
                "--detached",
                "--no-build",
                "--no-cache",
                "--quiet-build",
                "--dry-run",
                "--force-recreate",
                "Handed to Docker Compose",
            ],
        ),
        (
            &["plan", "--help"],
            &["--format", "json", "text", "--no-cache"],
        ),
    ] {
        let ran = project.run_alone(arguments).expect(0).telling(words);
        assert_eq!(ran.stderr, "", "help is a result");
    }
}

#[test]
fn a_flag_that_does_not_exist_is_a_mistake_in_usage() {
    project("flag", SIMPLE)
        .run_alone(&["build", "--no-cash"])
        .shows(
            "
exit code 2
--- stderr
error: unexpected argument '--no-cash' found

  tip: a similar argument exists: '--no-cache'

Usage: dcb build --no-cache [SERVICE]...

For more information, try '--help'.
",
        );
}

#[test]
fn build_and_no_build_contradict_each_other() {
    project("both", SIMPLE)
        .run_alone(&["up", "--build", "--no-build"])
        .expect(2)
        .telling(&["'--build' cannot be used with '--no-build'"]);
}

#[test]
fn a_variable_that_is_no_number_is_named() {
    project("limit", SIMPLE)
        .variable("COMPOSE_PARALLEL_LIMIT", "many")
        .run_alone(&["plan"])
        .shows(
            "
exit code 2
--- stderr
error: COMPOSE_PARALLEL_LIMIT is `many`, which is no whole number
  = help: unset COMPOSE_PARALLEL_LIMIT, or use --jobs N
",
        );
}

// The project

#[test]
fn a_directory_without_a_compose_file() {
    Project::new("nofile").run_alone(&["build"]).shows(
        "
exit code 4
--- stderr
error: no configuration file provided: not found
  = help: write a `compose.yaml` in `<dir>`, or name a file with `-f`
",
    );
}

#[test]
fn a_compose_file_whose_name_is_misspelt() {
    project("misspelt", SIMPLE)
        .run_alone(&["-f", "compsoe.yaml", "build"])
        .shows(
            "
exit code 4
--- stderr
error: failed to read `compsoe.yaml`: no such file
  = help: did you mean `compose.yaml`?
",
        );
}

#[test]
fn yaml_that_is_broken_is_shown_with_file_line_and_column() {
    project("yaml", "services:\n  web:\n    build: .\n    ports: [80\n")
        .run_alone(&["build"])
        .shows(
            "
exit code 2
--- stderr
error: failed to parse YAML: did not find expected ',' or ']' while parsing a flow sequence
 --> compose.yaml:4:16
  |
4 |     ports: [80
  |               ^
  |
 ::: compose.yaml:4:12
  |
4 |     ports: [80
  |            - it began here
error: the compose project cannot be loaded
",
        );
}

#[test]
fn a_key_that_does_not_exist_is_shown_with_the_one_that_was_meant() {
    project("key", "services:\n  web:\n    biuld: .\n")
        .run_alone(&["build"])
        .shows(
            "
exit code 2
--- stderr
error: unknown key `services.web.biuld`
 --> compose.yaml:3:5
  |
3 |     biuld: .
  |     ^^^^^ did you mean `build`?
error: the compose project cannot be loaded
",
        );
}

#[test]
fn a_dockerfile_that_does_not_exist() {
    project(
        "dockerfile",
        "services:\n  web:\n    build:\n      context: .\n      dockerfile: Dockerfiel\n",
    )
    .run_alone(&["build"])
    .shows(
        "
exit code 4
--- stderr
error: failed to read the Dockerfile of `web`, `<dir>/Dockerfiel`: no such file
 --> compose.yaml:5:7
  |
5 |       dockerfile: Dockerfiel
  |       ^^^^^^^^^^ named here
  |
  = help: did you mean `Dockerfile`?
error: files that the build needs are missing
",
    );
}

#[test]
fn a_context_that_does_not_exist() {
    project("context", "services:\n  web:\n    build: nowhere\n")
        .run_alone(&["build"])
        .shows(
            "
exit code 4
--- stderr
error: the build context of `web` is not a directory: `<dir>/nowhere`
 --> compose.yaml:3:12
  |
3 |     build: nowhere
  |            ^^^^^^^ this directory does not exist
error: files that the build needs are missing
",
        );
}

#[test]
fn all_that_is_missing_is_told_at_once() {
    project(
        "all",
        "services:\n  a:\n    build: nowhere\n  b:\n    build: {context: ., dockerfile: no}\n",
    )
    .run_alone(&["build"])
    .expect(4)
    .telling(&[
        "context of `a` is not a directory",
        "failed to read the Dockerfile of `b`",
    ]);
}

#[test]
fn a_service_that_does_not_exist() {
    let project = project(
        "service",
        "services:\n  web:\n    build: .\n  worker:\n    build: .\n",
    );
    project.run_alone(&["build", "wrokers"]).shows(
        "
exit code 2
--- stderr
error: the project `<project>` has no service `wrokers`
  = help: did you mean `worker`?
",
    );
    project.run_alone(&["plan", "database"]).shows(
        "
exit code 2
--- stderr
error: the project `<project>` has no service `database`
  = help: its services are `web` and `worker`
",
    );
}

#[test]
fn a_service_whose_name_no_image_can_have() {
    project("case", "services:\n  Web:\n    build: .\n")
        .run_alone(&["build"])
        .shows(
            "
exit code 2
--- stderr
error: `<project>-Web` is not an image name: names are lower case
 --> compose.yaml:2:3
  |
2 |   Web:
  |   ^^^
  |
  = help: give it a name: `image: <project>-web`
error: the image of `Web` cannot be named so
",
        );
}

#[test]
fn images_that_begin_with_each_other() {
    project("circle", "services:\n  a:\n    image: t/a\n    build: {context: ., dockerfile_inline: FROM t/b}\n  b:\n    image: t/b\n    build: {context: ., dockerfile_inline: FROM t/a}\n")
        .run_alone(&["build"])
        .shows(
            "
exit code 2
--- stderr
error: images begin with each other: a -> b -> a
  = help: break the circle: let one of their Dockerfiles begin with another image
",
        );
}

#[test]
fn what_cannot_be_built_is_refused_by_name_and_place_before_anything_is() {
    for (key, value, why) in [
        ("secrets", "[token]", "is not supported by this dcb yet"),
        ("ssh", "[default]", "is not supported by this dcb yet"),
        ("cache_from", "[t/web]", "is not supported by this dcb yet"),
        (
            "cache_to",
            "['type=inline']",
            "is not supported by this dcb yet",
        ),
        (
            "additional_contexts",
            "{more: .}",
            "is not supported by this dcb yet",
        ),
        (
            "platforms",
            "[linux/amd64, linux/arm64]",
            "is not supported by this dcb yet",
        ),
        (
            "entitlements",
            "[network.host]",
            "is not supported by this dcb yet",
        ),
        ("privileged", "true", "is not supported by this dcb yet"),
        ("provenance", "true", "is not supported by this dcb yet"),
        ("sbom", "true", "is not supported by this dcb yet"),
        (
            "no_cache_filter",
            "[first]",
            "is not supported by this dcb yet",
        ),
        (
            "network",
            "custom",
            "is `custom`: BuildKit knows `default`, `host` and `none`",
        ),
        (
            "isolation",
            "hyperv",
            "is `hyperv`: BuildKit has no such choice",
        ),
    ] {
        let text = format!(
            "services:\n  web:\n    build:\n      context: .\n      {key}: {value}\nsecrets:\n  token:\n    environment: TOKEN\n"
        );
        let ran = project("refuse", &text)
            .run_alone(&["build"])
            .expect(2)
            .telling(&[
                &format!("error: `{key}` of service `web` {why}\n --> compose.yaml:5:7\n"),
                "error: the project asks for what cannot be built here\n",
            ]);
        assert_eq!(ran.stderr.matches("error: ").count(), 2, "{}", ran.told());
    }
}

#[test]
fn values_that_ask_for_nothing_are_not_refused() {
    project(
        "accept",
        "services:\n  web:\n    build:\n      context: .\n      provenance: false\n      sbom: false\n      privileged: false\n      isolation: default\n      network: default\n      cache_from: []\n      platforms: [linux/amd64]\n",
    )
    .run_alone(&["plan"])
    .expect(0);
}

// Where the engine is

/// What a build with this address of the engine shows.
fn at(host: &str) -> Ran {
    project("host", SIMPLE)
        .variable("DOCKER_HOST", host)
        .run_alone(&["build"])
}

#[test]
fn no_engine_is_running() {
    at("unix:///nonexistent/docker.sock").shows(
        "
exit code 3
--- stderr
error: no engine is running: unix:///nonexistent/docker.sock does not exist
  = help: start it: sudo systemctl start docker
  = help: the address comes from DOCKER_HOST
",
    );
    at("tcp://127.0.0.1:1").shows(
        "
exit code 3
--- stderr
error: no engine is running: nothing listens at tcp://127.0.0.1:1
  = help: start it: sudo systemctl start docker
  = help: the address comes from DOCKER_HOST
",
    );
}

#[test]
fn a_socket_that_nobody_listens_on_any_more() {
    let project = project("refused", SIMPLE);
    let socket = project.path().join("d.sock");
    drop(UnixListener::bind(&socket).expect("a socket"));
    let host = format!("unix://{}", socket.display());
    project
        .variable("DOCKER_HOST", &host)
        .run_alone(&["build"])
        .shows(
            "
exit code 3
--- stderr
error: no engine is running: nothing listens at unix://<dir>/d.sock
  = help: start it: sudo systemctl start docker
  = help: the address comes from DOCKER_HOST
",
        );
}

#[test]
fn addresses_that_are_none_and_ways_that_this_dcb_does_not_know() {
    for (host, code, words) in [
        (
            "bogus",
            3,
            "`bogus` is not the address of an engine; it comes from DOCKER_HOST",
        ),
        (
            "/var/run/docker.sock",
            3,
            "write it as an address: unix:///var/run/docker.sock",
        ),
        (
            "ssh://me@example.org",
            2,
            "over ssh, which this dcb does not speak yet",
        ),
        (
            "https://example.org:2376",
            2,
            "over TLS, which this dcb does not speak yet",
        ),
        (
            "npipe:////./pipe/docker_engine",
            2,
            "over a named pipe, which this dcb does not speak yet",
        ),
    ] {
        at(host).expect(code).telling(&[words]);
    }
    project("tls", SIMPLE)
        .variable("DOCKER_HOST", "tcp://127.0.0.1:1")
        .variable("DOCKER_TLS_VERIFY", "1")
        .run_alone(&["build"])
        .expect(2)
        .telling(&[
            "over TLS, which this dcb does not speak yet",
            "docker compose build",
        ]);
}

#[test]
fn a_docker_context_that_does_not_exist() {
    let ran = project("dockercontext", SIMPLE);
    let ran = ran
        .variable("DOCKER_HOST", "")
        .variable("DOCKER_CONTEXT", "elsewhere");
    ran.run_alone(&["build"]).expect(3).telling(&[
        "error: docker context `elsewhere` (DOCKER_CONTEXT) does not exist",
        "= help: docker context ls",
        "= help: unset DOCKER_CONTEXT",
    ]);
}

#[test]
fn a_docker_configuration_that_is_broken() {
    let project = project("config", SIMPLE).file("docker/config.json", "{\"proxies\":");
    let directory = project.path().join("docker").display().to_string();
    project
        .variable("DOCKER_CONFIG", &directory)
        .run_alone(&["build"])
        .shows(
            "
exit code 3
--- stderr
error: failed to read `<dir>/docker/config.json`: EOF while parsing a value at line 1 column 11
  = help: mend that file, or point DOCKER_CONFIG at another directory
",
        );
}

#[test]
fn a_socket_that_this_user_may_not_open() {
    // Root may open everything, so the test steps down; another user has the case anyway.
    let project = project("forbidden", SIMPLE);
    let socket = project.path().join("d.sock");
    let _listener = UnixListener::bind(&socket).expect("a socket");
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("ours");
    };
    mode(&socket, 0o600);
    mode(project.path(), 0o755);
    let dcb = project.path().join("dcb");
    std::fs::copy(env!("CARGO_BIN_EXE_dcb"), &dcb).expect("a copy that everybody may run");
    let mut command = std::process::Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&dcb)
        .arg("build")
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("DOCKER_HOST", format!("unix://{}", socket.display()))
        .current_dir(project.path());
    if !rustix::process::getuid().is_root() {
        return;
    }
    project.ran(&mut command).shows(
        "
exit code 3
--- stderr
error: unix://<dir>/d.sock may not be opened by this user (mode 600, user 0, group 0)
  = help: join the socket's group and log in again: sudo usermod -aG docker $USER
  = help: or use a rootless engine: dockerd-rootless-setuptool.sh install
",
    );
}

#[test]
fn something_else_listens_on_the_socket() {
    let project = project("notengine", SIMPLE);
    let socket = project.path().join("d.sock");
    let listener = UnixListener::bind(&socket).expect("a socket");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            serve::answer(stream, |_| None);
        }
    });
    let host = format!("unix://{}", socket.display());
    project
        .variable("DOCKER_HOST", &host)
        .run_alone(&["build"])
        .shows(
            "
exit code 3
--- stderr
error: what answers at unix://<dir>/d.sock is not a healthy engine: 404 Not Found nothing here
  = help: the address comes from DOCKER_HOST
  = help: a proxy in front of the engine must let /_ping, /grpc and /session through
",
        );
}

#[test]
fn a_socket_that_accepts_and_never_answers_costs_two_seconds() {
    let project = project("silent", SIMPLE);
    let socket = project.path().join("d.sock");
    let _listener = UnixListener::bind(&socket).expect("a socket");
    let host = format!("unix://{}", socket.display());
    let project = project.variable("DOCKER_HOST", &host);
    let ran = project
        .start(project.dcb().arg("build"))
        .end(Duration::from_secs(4));
    ran.shows(
        "
exit code 3
--- stderr
error: the engine at unix://<dir>/d.sock accepts connections and does not answer (<time>)
  = help: restart it: sudo systemctl restart docker (Docker Desktop: Restart from its menu)
  = help: a paused Docker Desktop or a suspended machine looks like this too
",
    );
}

// Engines that fail

/// Runs `test` with a private engine of every generation.
fn on_private_engines(name: &str, test: impl Fn(&PrivateEngine, Project) + Sync) {
    on_every_engine(name, |engine, project| {
        // Engines that the script did not start are others', and not to be killed.
        if let Some(private) = PrivateEngine::like(engine) {
            test(&private, project);
        }
    });
}

fn simple(project: Project, dockerfile: &str) -> Project {
    project
        .file("compose.yaml", SIMPLE)
        .file("Dockerfile", dockerfile)
}

#[test]
fn an_engine_that_hangs_is_told_within_seconds() {
    on_private_engines("hung", |engine, project| {
        let project = simple(project, "FROM busybox\n");
        engine.signal(Signal::STOP);
        let ran = project
            .start(project.dcb_on(engine).arg("build"))
            .end(Duration::from_secs(4));
        engine.signal(Signal::CONT);
        let ran = ran.expect(3);
        ran.telling(&["accepts connections and does not answer"]);
    });
}

#[test]
fn an_engine_that_is_killed_during_a_step_is_told_at_once() {
    on_private_engines("killed", |engine, project| {
        let project = simple(project, "FROM busybox\nRUN echo started; sleep 60\n");
        let mut running = project.start(project.dcb_on(engine).args(["build", "-v"]));
        running.until_told("  |  started");
        engine.signal(Signal::KILL);
        let ran = running.end(Duration::from_secs(3)).expect(3);
        ran.telling(&[
            "web  failed  <time>  daemon-lost",
            "went away",
            "look into its log: journalctl -u docker",
        ]);
    });
}

#[test]
fn ctrl_c_ends_the_process_even_when_the_engine_hangs_during_a_step() {
    on_private_engines("frozen", |engine, project| {
        let project = simple(project, "FROM busybox\nRUN echo started; sleep 60\n");
        let mut running = project.start(project.dcb_on(engine).args(["build", "-v"]));
        running.until_told("  |  started");
        engine.signal(Signal::STOP);
        running.signal(Signal::INT);
        let ran = running.end(Duration::from_secs(4));
        assert_eq!(ran.signal, Some(Signal::INT.as_raw()), "{}", ran.told());
    });
}

#[test]
fn an_engine_that_is_killed_during_a_transfer_is_told_at_once() {
    on_private_engines("killed2", |engine, project| {
        let project = simple(project, "FROM busybox\nCOPY . /all\n");
        let big = std::fs::File::create(project.path().join("big")).expect("a file");
        big.set_len(64 << 30).expect("a sparse file");
        let running = project.start(project.dcb_on(engine).arg("build"));
        let counters = format!("/proc/{}/io", running.id());
        until(
            "the transfer to be going on",
            Duration::from_secs(30),
            || {
                let counters = std::fs::read_to_string(&counters).expect("it runs");
                let read = counters
                    .lines()
                    .find_map(|line| line.strip_prefix("rchar: ")?.parse().ok());
                read.is_some_and(|read: u64| read > 32 << 20)
            },
        );
        engine.signal(Signal::KILL);
        running
            .end(Duration::from_secs(3))
            .expect(3)
            .telling(&["daemon-lost"]);
    });
}

// Builds that fail

/// What a build of this Dockerfile shows after the lines of its steps.
fn failing(engine: &Engine, project: &Project) -> String {
    let ran = project.run(engine, &["build"]);
    let told = ran.told();
    let (_, end) = told
        .split_once("\nweb:\n")
        .unwrap_or_else(|| panic!("no failure:\n{told}"));
    format!("exit code {}\n{end}", ran.code.unwrap_or_default())
}

#[test]
fn a_step_that_fails_is_shown_in_the_dockerfile_with_the_end_of_its_log() {
    on_every_engine("run", |engine, project| {
        let dockerfile =
            "FROM busybox\n\nRUN seq 1 50 && \\\n    sleep 1 && \\\n    nosuchcommand\n";
        let project = simple(project, dockerfile);
        let ran = project.run(engine, &["build", "--no-cache"]).expect(1);
        let log: Vec<&str> = ran
            .stderr
            .lines()
            .filter_map(|line| Some(line.split_once("  |  ")?.1))
            .collect();
        assert_eq!(
            log.len(),
            20,
            "the last lines, and no more:\n{}",
            ran.told()
        );
        assert_eq!(log[18], "50");
        assert!(log[19].ends_with("nosuchcommand: not found"), "{log:?}");
        support::told::assert_same(
            ran.told().split_once("\nweb:\n").expect("a failure").1,
            "\
error: `RUN seq 1 50 &&     sleep 1 &&     nosuchcommand` ended with exit code 127
 --> Dockerfile:3:1
  |
3 | / RUN seq 1 50 && \\
4 | |     sleep 1 && \\
5 | |     nosuchcommand
  | |_________________^
  |
  = help: exit code 127: the command was not found in the image

SERVICE  OUTCOME  TIME  IMAGE
web  failed  <time>  run-failed
0 services built, 1 failed in <time>
",
        );
    });
}

#[test]
fn a_source_that_is_ignored_and_one_that_is_misspelt_are_told_apart() {
    on_every_engine("copy", |engine, project| {
        let project = simple(project, "FROM busybox\nCOPY notes.txt /\n")
            .file("notes.txt", "")
            .file(".dockerignore", "*.txt\n");
        support::told::assert_same(
            &failing(engine, &project),
            "\
exit code 1
error: `notes.txt` is not in the build context, which `COPY notes.txt /` needs
 --> Dockerfile:2:1
  |
2 | COPY notes.txt /
  | ^^^^^^^^^^^^^^^^
  |
  = help: `<dir>/notes.txt` exists, so `.dockerignore` leaves it out

SERVICE  OUTCOME  TIME  IMAGE
web  failed  <time>  copy-source
0 services built, 1 failed in <time>
",
        );
        project.write(".dockerignore", "");
        project.write("Dockerfile", "FROM busybox\nCOPY ntoes.txt /\n");
        let told = failing(engine, &project);
        assert!(told.contains("= help: did you mean `notes.txt`?"), "{told}");
    });
}

#[test]
fn a_target_that_does_not_exist() {
    on_every_engine("notarget", |engine, project| {
        let project = project
            .file(
                "compose.yaml",
                "services:\n  web:\n    build: {context: ., target: prod}\n",
            )
            .file("Dockerfile", "FROM busybox AS pord\n");
        let told = failing(engine, &project);
        assert!(
            told.starts_with("exit code 1\nerror: target stage"),
            "{told}"
        );
        assert!(
            told.contains("prod") && told.contains("target-missing"),
            "{told}"
        );
    });
}

#[test]
fn a_dockerfile_that_cannot_be_understood() {
    on_every_engine("syntax", |engine, project| {
        let project = simple(project, "FROM busybox\n\nCOPPY a b\n");
        let told = failing(engine, &project);
        for words in [
            "exit code 1\n",
            "unknown instruction: COPPY",
            " --> Dockerfile:3:1\n",
            "3 | COPPY a b\n",
            "dockerfile-syntax",
        ] {
            assert!(told.contains(words), "it does not tell `{words}`:\n{told}");
        }
    });
}

#[test]
fn an_inline_dockerfile_that_fails_is_shown_where_it_stands() {
    on_every_engine("inlinefail", |engine, project| {
        let project = project.file(
            "compose.yaml",
            "services:\n  web:\n    build:\n      context: .\n      dockerfile_inline: |\n        FROM busybox\n        RUN exit 5\n",
        );
        let told = failing(engine, &project);
        assert!(told.contains("2 | RUN exit 5\n"), "{told}");
        assert!(
            told.contains("dockerfile_inline at compose.yaml:5:"),
            "{told}"
        );
    });
}

#[test]
fn a_base_image_that_cannot_be_fetched() {
    on_every_engine("base", |engine, project| {
        let project = simple(project, "FROM 127.0.0.1:1/nowhere\n");
        let told = failing(engine, &project);
        for words in [
            "exit code 5\n",
            "127.0.0.1:1",
            "registry-unreachable",
            "connection refused",
        ] {
            assert!(told.contains(words), "it does not tell `{words}`:\n{told}");
        }
    });
}

#[test]
fn an_engine_whose_disk_is_full_says_so() {
    on_every_engine("disk", |engine, project| {
        let Some(engine) = PrivateEngine::with_disk(engine, "64m") else {
            return;
        };
        let project = simple(project, "FROM busybox\nCOPY big /\n");
        let big = std::fs::File::create(project.path().join("big")).expect("a file");
        big.set_len(96 << 20).expect("a sparse file");
        let told = failing(&engine, &project);
        for words in [
            "exit code 6\n",
            "no space left on device",
            "disk-full",
            "docker builder prune",
        ] {
            assert!(told.contains(words), "it does not tell `{words}`:\n{told}");
        }
    });
}
