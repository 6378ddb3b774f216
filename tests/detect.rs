//! What dcb finds out about Docker on this machine: true of every engine and its clients, quick
//! where nothing answers, and right about programs that are missing, old or broken.

mod support;

use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use support::{Engine, Project, on_every_engine};

fn project(project: Project) -> Project {
    project
        .file("compose.yaml", "services: { web: { build: . } }")
        .file("Dockerfile", "FROM busybox\n")
}

/// The object `docker` of a plan.
fn docker(project: &Project, command: &mut Command) -> Value {
    let ran = project.ran(command.args(["plan", "--format", "json"]));
    let plan: Value = serde_json::from_str(&ran.expect(0).stdout).expect("JSON");
    plan["docker"].clone()
}

fn on(engine: &Engine, project: &Project) -> Value {
    docker(project, &mut project.dcb_on(engine))
}

// Real engines

#[test]
fn what_is_told_of_each_engine_and_its_clients_is_true() {
    on_every_engine("told", |engine, empty| {
        let project = project(empty);
        let told = on(engine, &project);
        for (pointer, format) in [
            ("/api/offered", "version {{.Server.APIVersion}}"),
            ("/api/spoken", "version {{.Server.APIVersion}}"),
            ("/api/minimum", "version {{.Server.MinAPIVersion}}"),
            ("/info/image_store/driver", "info {{.Driver}}"),
            ("/info/processors", "info {{.NCPU}}"),
            ("/info/memory", "info {{.MemTotal}}"),
            ("/info/root_dir", "info {{.DockerRootDir}}"),
            ("/info/system", "info {{.OperatingSystem}}"),
            ("/info/architecture", "info {{.Architecture}}"),
            ("/info/cgroup", "info {{.CgroupVersion}}"),
            ("/info/name", "info {{.Name}}"),
        ] {
            let (verb, format) = format.split_once(' ').expect("two words");
            let value = told.pointer(pointer).expect(pointer);
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            assert_eq!(value, engine.ask(&[verb, "--format", format]), "{pointer}");
        }
        assert_eq!(told["address"], engine.host.as_str());
        assert_eq!(told["from"], "DOCKER_HOST");
        assert_eq!(told["buildkit"]["kind"], "hijacked");
        let store = if engine.has_containerd_store() {
            "containerd"
        } else {
            "graph_driver"
        };
        assert_eq!(told["info"]["image_store"]["kind"], store);
        assert_eq!(told["info"]["product"], "engine");
        let builder = json!({"name": "default", "driver": "docker", "broken": null, "from": "the docker context"});
        assert_eq!(told["builder"], builder);
        assert_eq!(
            (&told["invalid"], &told["problems"]),
            (&json!([]), &json!([]))
        );
        let disk = &told["disk"];
        assert!(disk["free"].as_u64() > Some(0) && disk["free"].as_u64() < disk["total"].as_u64());
    });
}

#[test]
fn versions_are_those_that_the_programs_tell() {
    on_every_engine("versions", |engine, empty| {
        let project = project(empty);
        let told = on(engine, &project);
        let version = |name: &str| told[name]["version"].as_str().unwrap_or("none").to_owned();
        let cli = engine.ask(&["--version"]);
        assert!(
            cli.contains(&format!("version {},", version("cli"))),
            "{cli}"
        );
        if engine.has_compose_v1() {
            assert_eq!(told["compose"]["form"], "v1");
            let mut compose = project.other_on(engine, "docker-compose");
            let short = project.ran(compose.args(["version", "--short"])).expect(0);
            assert_eq!(short.stdout.trim(), version("compose"));
            assert_eq!(told["buildx"], Value::Null);
        } else {
            assert_eq!(told["compose"]["form"], "plugin");
            assert_eq!(
                engine.ask(&["compose", "version", "--short"]),
                version("compose")
            );
            let buildx = engine.ask(&["buildx", "version"]);
            assert!(buildx.contains(&version("buildx")), "{buildx}");
        }
        // The second time it is read from what was kept, with the same result.
        assert_eq!(on(engine, &project)["compose"], told["compose"]);
        // A variable that ends every docker command does not hide the programs.
        let told = docker(
            &project,
            project.dcb_on(engine).env("COMPOSE_BAKE", "perhaps"),
        );
        assert_eq!(told["cli"]["broken"], Value::Null);
        assert_eq!(told["invalid"][0]["name"], "COMPOSE_BAKE");
    });
}

#[test]
fn a_plan_shows_it_to_people_when_asked() {
    on_every_engine("people", |engine, empty| {
        let project = project(empty);
        let told = project.run(engine, &["plan", "-v"]).expect(0);
        let _ = told.telling(&[
            "buildkit    through POST /grpc",
            "product     engine on ",
            if engine.has_containerd_store() {
                "images      overlayfs (containerd)"
            } else {
                "images      overlay2 (graph driver)"
            },
            "builder     default (docker), chosen by the docker context",
        ]);
        let short = project.run(engine, &["plan"]).expect(0);
        assert!(!short.stdout.contains("POST /grpc"), "{}", short.stdout);
    });
}

#[test]
fn a_pinned_api_is_spoken_and_one_that_the_engine_lacks_is_refused() {
    on_every_engine("pin", |engine, empty| {
        let project = project(empty);
        let pinned = |pin: &str| {
            let mut command = project.dcb_on(engine);
            command.env("DOCKER_API_VERSION", pin);
            command
        };
        let told = docker(&project, &mut pinned("1.40"));
        assert_eq!(
            (&told["api"]["pinned"], &told["api"]["spoken"]),
            (&json!("1.40"), &json!("1.40"))
        );
        assert_ne!(told["api"]["offered"], "1.40");
        project.ran(pinned("1.40").args(["build", "-q"])).expect(0);

        let offered = engine.ask(&["version", "--format", "{{.Server.APIVersion}}"]);
        let minimum = engine.ask(&["version", "--format", "{{.Server.MinAPIVersion}}"]);
        for (pin, code, words) in [
            ("1.99", 3, format!("speaks {offered} and older")),
            ("1.2", 3, format!("speaks {minimum} to {offered}")),
            ("latest", 2, "DOCKER_API_VERSION is `latest`".to_owned()),
        ] {
            let ran = project.ran(pinned(pin).args(["build", "-q"])).expect(code);
            // Versions of the API are redacted where a whole text is shown.
            assert!(ran.stderr.contains(&words), "{pin}: {}", ran.stderr);
            assert!(
                ran.stderr.contains("help: unset DOCKER_API_VERSION"),
                "{}",
                ran.stderr
            );
        }
        let told = docker(&project, &mut pinned("1.38"));
        assert_eq!(told["buildkit"]["kind"], "none");
        let ran = project.ran(pinned("1.38").arg("build")).expect(0);
        let words =
            "classic builder, because DOCKER_API_VERSION pins API 1.38, and BuildKit needs 1.39";
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    });
}

// Engines that are none, or others

/// A socket that answers each request with what `answer` makes of its first line; with nothing it
/// closes the connection, and without an end of that it keeps it open.
fn engine_that(
    project: &Project,
    answer: impl Fn(&str) -> Answer + Send + Clone + 'static,
) -> String {
    let path = project.path().join("engine.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || serve(client, answer));
        }
    });
    format!("unix://{}", path.display())
}

enum Answer {
    Bytes(Vec<u8>),
    Close,
    Never,
}

fn serve(mut client: UnixStream, answer: impl Fn(&str) -> Answer) -> Option<()> {
    let mut head = vec![0; 4096];
    let length = client.read(&mut head).ok()?;
    let head = String::from_utf8_lossy(&head[..length]).into_owned();
    match answer(head.lines().next()?) {
        Answer::Bytes(bytes) => client.write_all(&bytes).ok(),
        Answer::Close => None,
        Answer::Never => {
            let _ = client.read(&mut [0]);
            None
        }
    }
}

fn http(status: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    Answer::Bytes(text.into_bytes())
}

fn ping(api: &str) -> Answer {
    let headers = format!("Api-Version: {api}\r\nOstype: linux\r\nServer: Docker/99 (linux)\r\n");
    http("200 OK", &headers, "OK")
}

/// A captured answer: `info` or `version` of a file.
fn captured(file: &str, what: &str) -> Answer {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine-answers");
    let text = std::fs::read_to_string(path.join(file)).expect("a capture");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    http(
        "200 OK",
        "Content-Type: application/json\r\n",
        &value[what].to_string(),
    )
}

fn with_engine(project: &Project, host: &str) -> Value {
    docker(project, project.dcb().env("DOCKER_HOST", host))
}

#[test]
fn an_engine_that_never_answers_costs_two_seconds_with_all_probes() {
    for pings in [false, true] {
        let project = project(Project::new("hung"));
        let host = engine_that(&project, move |line| {
            if pings && line.contains("/_ping") {
                ping("1.51")
            } else {
                Answer::Never
            }
        });
        let mut command = project.dcb();
        command.env("DOCKER_HOST", host).args(["env", "--shell"]);
        let shell = project.ran(&mut command).expect(0);
        assert_eq!(shell.stdout, "");
        assert!(shell.took < Duration::from_millis(4500), "{:?}", shell.took);
        if pings {
            // Opening BuildKit for the plan itself would wait for good.
            continue;
        }
        let mut command = project.dcb();
        command.env("DOCKER_HOST", project_host(&project));
        let ran = project.ran(command.args(["plan", "-v"])).expect(0);
        assert!(ran.took >= Duration::from_millis(1900), "{:?}", ran.took);
        assert!(ran.took < Duration::from_millis(3800), "{:?}", ran.took);
        let _ = ran.telling(&[
            "accepts connections and does not answer",
            "builder     default",
        ]);
    }
}

fn project_host(project: &Project) -> String {
    format!("unix://{}", project.path().join("engine.sock").display())
}

#[test]
fn podman_is_known_and_has_no_buildkit() {
    let project = project(Project::new("podman"));
    let host = engine_that(&project, |line| {
        let headers = "Api-Version: 1.41\r\nBuilder-Version: \r\nLibpod-Api-Version: 4.3.1\r\nServer: Libpod/4.3.1 (linux)\r\n";
        match line.split(' ').nth(1).unwrap_or_default() {
            "/_ping" => http("200 OK", headers, "OK"),
            "/v1.41/info" => captured("podman-4.3.json", "info"),
            "/v1.41/version" => captured("podman-4.3.json", "version"),
            _ => http("404 Not Found", "", r#"{"message":"Not Found"}"#),
        }
    });
    let told = with_engine(&project, &host);
    assert_eq!(told["info"]["product"], "podman");
    assert_eq!(
        (&told["buildkit"]["kind"], &told["buildkit"]["status"]),
        (&json!("none"), &json!(404))
    );
}

#[test]
fn a_rootless_engine_whose_version_fails_is_not_called_down() {
    let project = project(Project::new("rootless"));
    let host = engine_that(&project, |line| {
        match line.split(' ').nth(1).unwrap_or_default() {
            "/_ping" => ping("1.51"),
            "/v1.51/info" => captured("28.5-rootless.json", "info"),
            "/v1.51/version" => Answer::Close,
            _ => http("403 Forbidden", "", "by the proxy"),
        }
    });
    let told = with_engine(&project, &host);
    assert_eq!(told["info"]["rootless"], true);
    assert_eq!(told["api"]["offered"], "1.51");
    assert_eq!(told["api"]["minimum"], Value::Null);
    assert_eq!(told["buildkit"]["status"], 403);
    assert_eq!(told["problems"].as_array().map(Vec::len), Some(1));
    assert!(
        told["problems"][0]
            .as_str()
            .expect("text")
            .starts_with("GET /v1.51/version: ")
    );
}

#[test]
fn a_direct_engine_is_known_by_what_it_speaks() {
    for (api, speaks, kind) in [
        ("1.53", true, "direct"),
        ("1.53", false, "none"),
        ("1.99", true, "direct"),
    ] {
        let project = project(Project::new("straight"));
        let host = engine_that(&project, move |line| match line {
            "PRI * HTTP/2.0" if speaks => Answer::Bytes(vec![0, 0, 0, 4, 0, 0, 0, 0, 0]),
            line if line.starts_with("GET /_ping") => ping(api),
            _ => http("400 Bad Request", "", "no"),
        });
        // Building through what is no engine behind fails; only what is found out counts.
        let told = with_engine(&project, &host);
        assert_eq!(told["buildkit"]["kind"], kind, "{api}");
        assert_eq!(told["api"]["offered"], api);
        let spoken = if api == "1.99" { "1.56" } else { api };
        assert_eq!(told["api"]["spoken"], spoken);
    }
}

// Programs

/// A docker configuration below the project with these plugins.
fn with_plugin(project: &Project, name: &str, text: &str, mode: u32) -> PathBuf {
    let path = format!("docker/cli-plugins/{name}");
    project.write(&path, text);
    let path = project.path().join(path);
    std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("a mode");
    path
}

fn plugin(version: &str) -> String {
    format!(
        "#!/bin/sh\n[ \"$1\" != docker-cli-plugin-metadata ] || {{ echo '{{\"SchemaVersion\":\"0.1.0\",\"Version\":\"{version}\"}}'; exit; }}\nenv | sort\n"
    )
}

fn configured(project: &Project) -> Command {
    let mut command = project.dcb();
    command.env("DOCKER_CONFIG", project.path().join("docker"));
    command
}

#[test]
fn broken_plugins_are_told_from_missing_ones_with_the_reason() {
    for (text, mode, why) in [
        ("x", 0o644, "not executable"),
        ("no program\n", 0o755, "Exec format error"),
        (
            "#!/bin/sh\necho hello\n",
            0o755,
            "does not answer as a plugin does",
        ),
        (
            "#!/bin/sh\necho no library >&2\nexit 127\n",
            0o755,
            "exit status: 127: no library",
        ),
    ] {
        let project = project(Project::new("broken"));
        let path = with_plugin(&project, "docker-buildx", text, mode);
        let told = docker(&project, &mut configured(&project));
        let buildx = &told["buildx"];
        assert_eq!(buildx["path"], path.display().to_string());
        assert_eq!(buildx["version"], Value::Null);
        assert!(
            buildx["broken"].as_str().expect("a reason").contains(why),
            "{buildx}"
        );
    }
    let project = project(Project::new("dangling"));
    let plugins = project.path().join("docker/cli-plugins");
    std::fs::create_dir_all(&plugins).expect("a directory");
    symlink("/nonexistent/buildx", plugins.join("docker-buildx")).expect("a link");
    let told = docker(&project, &mut configured(&project));
    let broken = told["buildx"]["broken"].as_str().expect("a reason");
    assert!(
        broken.contains("a link to `/nonexistent/buildx`"),
        "{broken}"
    );

    std::fs::remove_file(plugins.join("docker-buildx")).expect("removed");
    let system = ["local/lib", "local/libexec", "lib", "libexec"];
    let installed =
        |place: &str| Path::new(&format!("/usr/{place}/docker/cli-plugins/docker-buildx")).exists();
    if !system.iter().any(|place| installed(place)) {
        let told = docker(&project, &mut configured(&project));
        assert_eq!(told["buildx"], Value::Null);
    }
}

#[test]
fn a_builder_that_was_chosen_is_told_without_starting_anything() {
    let project = project(Project::new("builder"));
    let selects = |name: &str| {
        let text = format!(
            r#"{{"Key":"unix:///nonexistent/docker.sock","Name":"{name}","Global":false}}"#
        );
        project.write("docker/buildx/current", &text);
    };
    selects("mine");
    project.write(
        "docker/buildx/instances/mine",
        r#"{"Name":"mine","Driver":"docker-container"}"#,
    );
    let told = docker(&project, &mut configured(&project));
    assert_eq!(told["builder"]["name"], "mine");
    assert_eq!(told["builder"]["driver"], "docker-container");
    assert_eq!(told["builder"]["from"], "docker buildx use");
    selects("nope");
    let told = docker(&project, &mut configured(&project));
    assert_eq!(told["builder"]["broken"], "there is no builder `nope`");
}

#[test]
fn two_at_once_share_what_they_find_out() {
    let project = project(Project::new("twice"));
    with_plugin(&project, "docker-buildx", &plugin("0.29.1"), 0o755);
    let (sender, found): (_, Receiver<Value>) = channel();
    thread::scope(|scope| {
        for _ in 0..8 {
            let (project, sender) = (&project, sender.clone());
            scope.spawn(move || sender.send(docker(project, &mut configured(project))));
        }
    });
    drop(sender);
    let found: Vec<Value> = found.iter().collect();
    assert_eq!(found.len(), 8);
    assert!(
        found
            .iter()
            .all(|told| told["buildx"]["version"] == "0.29.1")
    );
    let kept = project.home().join(".cache/dcb/programs");
    for file in kept.read_dir().expect("a cache") {
        let text = std::fs::read_to_string(file.expect("an entry").path()).expect("text");
        assert_eq!(text.lines().count(), 2, "{text}");
    }
}

// What Compose is told

#[test]
fn a_verb_that_may_build_gets_the_variables_that_it_needs_and_others_none() {
    let project = project(Project::new("handover"));
    with_plugin(&project, "docker-compose", &plugin("2.40.3"), 0o755);
    with_plugin(&project, "docker-buildx", &plugin("0.13.1"), 0o755);
    let run = |arguments: &[&str]| project.ran(configured(&project).args(arguments)).expect(0);
    let told = run(&["-v", "run", "web"]);
    assert!(
        told.stdout.contains("COMPOSE_BAKE=false\n"),
        "{}",
        told.stdout
    );
    assert!(
        told.stderr.starts_with("+ COMPOSE_BAKE=false /"),
        "{}",
        told.stderr
    );
    assert!(!run(&["ps"]).stdout.contains("COMPOSE_BAKE"));

    assert_eq!(
        run(&["env", "--shell"]).stdout,
        "export COMPOSE_BAKE=false\n"
    );
    assert_eq!(
        run(&["env", "--shell=fish"]).stdout,
        "set -gx COMPOSE_BAKE 'false'\n"
    );
    assert_eq!(
        run(&["env", "--shell=powershell"]).stdout,
        "$env:COMPOSE_BAKE = 'false'\n"
    );

    let mut command = configured(&project);
    command.env("DOCKER_BUILDKIT", "yes").args(["run", "web"]);
    let _ = project.ran(&mut command).expect(2).telling(&[
        "DOCKER_BUILDKIT is `yes`, which is neither true nor false",
        "unset DOCKER_BUILDKIT",
    ]);
}

#[test]
fn an_engine_without_buildkit_gets_the_classic_builder() {
    let project = project(Project::new("classic"));
    with_plugin(&project, "docker-compose", &plugin("2.40.3"), 0o755);
    let host = engine_that(&project, |line| {
        if line.contains("/_ping") {
            ping("1.41")
        } else {
            http("404 Not Found", "", "page not found")
        }
    });
    let mut command = configured(&project);
    command.env("DOCKER_HOST", host).args(["env", "--shell"]);
    assert_eq!(
        project.ran(&mut command).expect(0).stdout,
        "export DOCKER_BUILDKIT=0\n"
    );
}

#[test]
fn compose_builds_with_a_buildx_that_it_would_fail_with() {
    on_every_engine("broken-buildx", |engine, empty| {
        let project = project(empty);
        with_plugin(&project, "docker-buildx", "#!/bin/sh\nexit 1\n", 0o755);
        let compose = engine.config.join("cli-plugins/docker-compose");
        if compose.exists() {
            let plugins = project.path().join("docker/cli-plugins");
            symlink(compose, plugins.join("docker-compose")).expect("a link");
        }
        let mut command = project.dcb_on(engine);
        command
            .env("DOCKER_CONFIG", project.path().join("docker"))
            .args(["create"]);
        project.ran(&mut command).expect(0);
        assert!(engine.has_image(&project.image(engine, "web")));
    });
}
