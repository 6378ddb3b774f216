//! What a user sees when something is wrong before a build begins: everything of it, by the words
//! and the exit code. `failures` is about what an engine says and does.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use support::{Project, Ran, serve};

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
                "go to Docker Compose",
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

Usage: dcb build --no-cache[=<WHAT>] [SERVICE]...

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
 --> compose.yaml:4:15
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
        (
            "additional_contexts",
            "{more: 'github.com/acme/web'}",
            " (more=github.com/acme/web) of service `web` is no context that BuildKit knows",
        ),
        (
            "isolation",
            "hyperv",
            " (hyperv) of service `web` is a choice that Linux does not have",
        ),
    ] {
        let text =
            format!("services:\n  web:\n    build:\n      context: .\n      {key}: {value}\n");
        let ran = project("refuse", &text)
            .run_alone(&["build"])
            .expect(2)
            .telling(&[
                &format!("error: `{key}`{why}\n --> compose.yaml:5:7\n"),
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
  = help: the address comes from DOCKER_HOST; for the usual engine: unset DOCKER_HOST
",
    );
    at("tcp://127.0.0.1:1").shows(
        "
exit code 3
--- stderr
error: no engine is running: nothing listens at tcp://127.0.0.1:1
  = help: start it: sudo systemctl start docker
  = help: the address comes from DOCKER_HOST; for the usual engine: unset DOCKER_HOST
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
  = help: the address comes from DOCKER_HOST; for the usual engine: unset DOCKER_HOST
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
            "ssh://me@example.org?port=22",
            3,
            "`ssh://me@example.org?port=22` cannot be used: `?` and `#` mean nothing in it",
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
        .expect(3)
        .telling(&[
            "TLS is asked for, and there is no `<home>/.docker/ca.pem`",
            "unset DOCKER_TLS_VERIFY",
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
  = help: the address comes from DOCKER_HOST; for the usual engine: unset DOCKER_HOST
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
  = help: restart it: sudo systemctl restart docker
  = help: Docker Desktop restarts from its menu; a paused one, or a suspended machine, looks like this too
",
    );
}
