//! The verbs that stand for several steps, and what they leave alone: every test that takes something
//! away has a neighbour on the same engine that must keep all it has.

mod support;

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use support::{Engine, PrivateEngine, Project, containerd_store, engines, free_port, on_engines};

/// One engine of each kind of Compose: the Python one, and today's.
fn both_composes() -> Vec<Engine> {
    let engines = engines();
    vec![engines[0].clone(), engines[2].clone()]
}

const SHOP: &str = "
services:
  web:
    build: .
    command: sh -c 'cat /made >/data/made; exec sleep 1000'
    stop_signal: KILL
    volumes: ['data:/data']
  db:
    image: busybox
    command: sleep 1000
    stop_signal: KILL
    network_mode: none
volumes: {data: {}}
";

/// A step that is the same for all projects of a test, called `alike`, and one that draws another number
/// whenever it runs, and counts in a cache mount. No test shares the step with another: where one runs it
/// without the cache while another builds on it, an engine may run it once more for the other.
fn shop(name: &str, alike: &str) -> Project {
    let project = Project::new(name);
    let id = project.name().to_owned();
    project.file("compose.yaml", SHOP).file(
        "Dockerfile",
        &format!(
            "FROM busybox\n\
             RUN echo {alike} >/alike\n\
             RUN --mount=type=cache,id={id},target=/c echo x >>/c/n; wc -l </c/n >/count; head -c 6 /dev/urandom | base64 >/made; echo {id}\n"
        ),
    )
}

/// Everything that carries the name of a project on an engine: what runs, what is kept, and what is in
/// its volume and its image.
fn state(project: &Project, engine: &Engine) -> String {
    let mut all = listed(project, engine);
    if let Some(web) = container(project, engine) {
        all.push(engine.ask(&["exec", &web, "cat", "/data/made", "/count"]));
    }
    all.join("\n")
}

/// The same without what is in them.
fn listed(project: &Project, engine: &Engine) -> Vec<String> {
    let label = format!("label=com.docker.compose.project={}", project.name());
    let ask = |words: &[&str]| {
        let listed = engine.ask(&[words, &["--filter", &label]].concat());
        let mut lines: Vec<&str> = listed.lines().collect();
        lines.sort_unstable();
        lines.join("\n")
    };
    vec![
        ask(&[
            "ps",
            "--all",
            "--no-trunc",
            "--format",
            "{{.ID}} {{.Names}}",
        ]),
        ask(&[
            "network",
            "ls",
            "--no-trunc",
            "--format",
            "{{.ID}} {{.Name}}",
        ]),
        ask(&["volume", "ls", "--format", "{{.Name}}"]),
        ask(&[
            "images",
            "--no-trunc",
            "--format",
            "{{.ID}} {{.Repository}}",
        ]),
    ]
}

/// The id of the running container of `web`.
fn container(project: &Project, engine: &Engine) -> Option<String> {
    let project = format!("label=com.docker.compose.project={}", project.name());
    let filters = [
        "--filter",
        &project,
        "--filter",
        "label=com.docker.compose.service=web",
    ];
    let found = engine.ask(&[&["ps", "--quiet", "--no-trunc"], &filters[..]].concat());
    (!found.is_empty()).then_some(found)
}

/// Engines of a test's own, which hold the caches of its projects alone: an old one, today's, and one that
/// keeps its images in containerd.
fn own_engines() -> Vec<PrivateEngine> {
    let engines = engines();
    let containerd = containerd_store();
    let like = [&engines[0], &engines[2]].into_iter().chain(&containerd);
    like.filter_map(PrivateEngine::like).collect()
}

/// The kind of a record of the build cache, and its id.
type Cached = (String, String);

/// What of the build cache is a project's.
fn caches(project: &Project, engine: &Engine) -> BTreeSet<Cached> {
    let kept = project.run(engine, &["cache", "--json"]).expect(0).stdout;
    let kept: Value = serde_json::from_str(&kept).expect("JSON");
    let records = kept["records"].as_array().expect("records").iter();
    let own = records.filter(|record| record["owner"] == "project");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    own.map(|record| (text(&record["kind"]), text(&record["id"])))
        .collect()
}

/// Those layers of `before` that the engine still has.
fn still_there(before: &BTreeSet<Cached>, project: &Project, engine: &Engine) -> usize {
    let now = caches(project, engine);
    let layers = before.iter().filter(|(kind, _)| kind == "layer");
    layers.filter(|layer| now.contains(layer)).count()
}

/// How many of them are to stay: the one that the neighbour's image has too, and all where the engine would
/// forget what others have.
fn stays(before: &BTreeSet<Cached>, engine: &Engine) -> usize {
    let layers = before.iter().filter(|(kind, _)| kind == "layer");
    if engine.has_containerd_store() {
        layers.count()
    } else {
        1
    }
}

/// Whether each step of a build comes from the cache.
fn is_cached(project: &Project, engine: &Engine) -> bool {
    let ran = project.run(engine, &["-v", "build"]).expect(0);
    let steps = ran.stderr.lines().filter(|line| line.contains(" RUN "));
    let (cached, all) = steps.fold((0, 0), |(cached, all), line| {
        (cached + usize::from(line.contains("CACHED")), all + 1)
    });
    assert!(all > 0, "{}", ran.told());
    cached == all
}

/// A project that is up, and must stay as it is. An image that begins with its image is there too.
fn neighbour(engine: &Engine, alike: &str) -> (Project, String) {
    started(shop("neighbour", alike), engine)
}

/// The same with the Dockerfile of `project`, whose layers it shares.
fn twin(project: &Project, engine: &Engine) -> (Project, String) {
    let twin = shop("twin", "twin");
    twin.write("Dockerfile", &dockerfile(project));
    started(twin, engine)
}

fn started(project: Project, engine: &Engine) -> (Project, String) {
    project.run(engine, &["dev"]).expect(0);
    let state = state(&project, engine);
    (project, state)
}

fn dockerfile(project: &Project) -> String {
    std::fs::read_to_string(project.path().join("Dockerfile")).expect("a file")
}

fn made(project: &Project, engine: &Engine) -> String {
    engine.read(&project.image(engine, "web"), &["/made"])
}

#[test]
fn dev_builds_and_starts_in_the_background_and_shows_its_steps_beforehand() {
    on_engines(&both_composes(), "dev", |engine, _| {
        let project = shop("dev", "dev");
        let shown = project.run(engine, &["dev", "--dry-run", "web"]).expect(0);
        shown.telling(&[
            "web",
            "Dockerfile",
            "then run:",
            "up --detach --no-build web",
        ]);
        assert_eq!(container(&project, engine), None, "a dry run");

        project.run(engine, &["dev", "web"]).expect(0);
        let first = container(&project, engine).expect("it runs");
        let again = project.run(engine, &["dev", "web"]).expect(0);
        assert_eq!(
            container(&project, engine).as_ref(),
            Some(&first),
            "nothing has changed:\n{}",
            again.told()
        );

        // Nothing listens on port 1, so this registry can be asked and never answers.
        let base = format!("127.0.0.1:1/{}", project.name());
        engine.ask(&["tag", "busybox", &base]);
        project.write("Dockerfile", &format!("FROM {base}\nRUN date >/made\n"));
        let pulled = project.run(engine, &["dev", "--pull", "--no-fallback", "web"]);
        engine.ask(&["rmi", &base]);
        pulled.expect(5).telling(&["registry-unreachable"]);
        assert_eq!(container(&project, engine), Some(first), "it goes on");
    });
}

#[test]
fn fresh_builds_without_the_cache_and_starts_nothing() {
    on_engines(&engines()[2..3], "fresh", |engine, _| {
        let project = shop("fresh", "fresh");
        project.run(engine, &["build"]).expect(0);
        let first = made(&project, engine);
        let fresh = project.run(engine, &["fresh", "web"]).expect(0);
        assert_ne!(made(&project, engine), first);
        fresh.telling(&["its cache mounts are emptied too: `/c`"]);
        assert_eq!(container(&project, engine), None);
        // As `dev-fresh-verbose` has it: every step with its log.
        let shown = project.run(engine, &["-v", "fresh", "--pull", "--dry-run", "web"]);
        shown.expect(0).telling(&["no cache", "pull base images"]);
    });
}

#[test]
fn rebuild_takes_down_what_runs_only_when_its_successor_is_built() {
    on_engines(&both_composes(), "rebuild", |engine, _| {
        let (other, as_it_was) = neighbour(engine, "rebuild");
        let project = shop("rebuild", "rebuild");
        project.run(engine, &["dev"]).expect(0);
        let before = state(&project, engine);

        let good = dockerfile(&project);
        project.write("Dockerfile", &format!("{good}RUN exit 3\n"));
        project.run(engine, &["rebuild"]).expect(1);
        assert_eq!(
            state(&project, engine),
            before,
            "a build that fails costs nothing"
        );

        project.write("Dockerfile", &good);
        let shown = project.run(engine, &["rebuild", "--dry-run"]).expect(0);
        let steps = &shown.stdout;
        let place = |words: &str| {
            steps
                .find(words)
                .unwrap_or_else(|| panic!("{words}:\n{steps}"))
        };
        assert!(place("no cache") < place(" down\n"));
        assert!(place(" down\n") < place("up --detach --no-build"));
        assert_eq!(state(&project, engine), before, "a dry run");

        let volume = engine.ask(&[
            "volume",
            "ls",
            "--quiet",
            "--filter",
            &format!("name={}", project.name()),
        ]);
        let (first, old) = (container(&project, engine), made(&project, engine));
        project.run(engine, &["rebuild"]).expect(0);
        assert_ne!(made(&project, engine), old, "built without the cache");
        assert_ne!(container(&project, engine), first);
        assert!(container(&project, engine).is_some(), "it runs again");
        let kept = engine.ask(&[
            "volume",
            "ls",
            "--quiet",
            "--filter",
            &format!("name={}", project.name()),
        ]);
        assert_eq!(kept, volume, "volumes stay");

        // One service: the other goes on.
        let db = engine.ask(&[
            "ps",
            "--quiet",
            "--filter",
            &format!("name={}.db", project.name()),
        ]);
        project.run(engine, &["rebuild", "web"]).expect(0);
        let still = engine.ask(&[
            "ps",
            "--quiet",
            "--filter",
            &format!("name={}.db", project.name()),
        ]);
        assert_eq!(still, db);
        assert_eq!(state(&other, engine), as_it_was, "the neighbour");
    });
}

#[test]
fn reset_shows_what_goes_and_without_an_answer_nothing_does() {
    let private = own_engines();
    let engines: Vec<Engine> = private.iter().map(|engine| (**engine).clone()).collect();
    on_engines(&engines, "reset", |engine, _| {
        let project = shop("reset", "reset");
        project.run(engine, &["dev"]).expect(0);
        let (other, as_it_was) = neighbour(engine, "reset");
        let (cached, others) = (caches(&project, engine), caches(&other, engine));
        let web = container(&project, engine).expect("it runs");
        engine.ask(&["exec", &web, "touch", "/data/precious"]);
        let before = state(&project, engine);

        let refused = project.run(engine, &["reset", "--pull"]).expect(2);
        let volume = format!("volume     {}_data", project.name());
        assert!(refused.stderr.contains(&volume), "{}", refused.told());
        refused.telling(&[
            "what goes of `<project>`:",
            "container",
            "network",
            "with all that is in it",
            "image",
            if engine.has_containerd_store() {
                "stays: the build cache. This engine keeps its images in containerd"
            } else {
                "cache      1 layer"
            },
            "nobody is there to answer",
            "say so beforehand: dcb reset --pull --yes",
        ]);
        project.run(engine, &["reset", "--dry-run"]).expect(0);
        let good = dockerfile(&project);
        project.write("Dockerfile", "FROM busybox\nRUN exit 3\n");
        project.run(engine, &["reset", "--yes"]).expect(1);
        assert_eq!(state(&project, engine), before, "all of it is still there");

        project.write("Dockerfile", &good);
        project.run(engine, &["reset", "--yes"]).expect(0);
        let web = container(&project, engine).expect("it runs again");
        assert!(
            !in_container(engine, &web, &["ls", "/data/precious"]),
            "its volume is a new one"
        );
        assert_eq!(
            still_there(&cached, &project, engine),
            stays(&cached, engine)
        );
        assert_eq!(state(&other, engine), as_it_was, "the neighbour");
        assert_eq!(caches(&other, engine), others, "what it keeps");
        assert!(is_cached(&other, engine), "what it keeps is of use");
    });
}

fn in_container(engine: &Engine, container: &str, command: &[&str]) -> bool {
    let mut docker: Command = engine.docker();
    let output = docker.args(["exec", container]).args(command).output();
    output.expect("docker runs").status.success()
}

#[test]
fn clean_takes_what_the_project_has_and_nothing_that_only_looks_like_it() {
    let private = own_engines();
    let engines: Vec<Engine> = private.iter().map(|engine| (**engine).clone()).collect();
    on_engines(&engines, "clean", |engine, _| {
        let project = shop("clean", "clean");
        project.run(engine, &["dev"]).expect(0);
        let (other, as_it_was) = twin(&project, engine);
        let (cached, others) = (caches(&project, engine), caches(&other, engine));
        // An image that was made from a container of the project has its labels, and is somebody's own.
        let web = container(&project, engine).expect("it runs");
        let derived = format!("{}/derived", project.name());
        engine.ask(&["commit", &web, &derived]);
        // So has a container that somebody made from an image of it.
        let own = format!("{}-own", project.name());
        let image = project.image(engine, "web");
        engine.ask(&["create", "--name", &own, "--network=none", &image]);
        let shown = project.run(engine, &["clean", "--dry-run"]).expect(0);
        assert!(!shown.stdout.contains(&own), "{}", shown.told());
        engine.ask(&["rm", &own]);
        let before = state(&project, engine);

        let refused = project
            .run(engine, &["-p", project.name(), "clean"])
            .expect(2);
        refused.telling(&[
            "what goes of `<project>`:",
            "what stays: 1 volume, unless --volumes is said: `<project>_data`",
            if engine.has_containerd_store() {
                "remove 2 containers, 1 network and 1 image? nobody is there to answer"
            } else {
                "remove 2 containers, 1 network, 1 image and the build cache? nobody is there to answer"
            },
            "say so beforehand: dcb -p <project> clean --yes",
        ]);
        let shown = project.run(engine, &["clean", "--dry-run"]).expect(0);
        shown.telling(&["then run:", "down --remove-orphans"]);
        assert_eq!(state(&project, engine), before, "nothing was agreed to");
        let everybody = project.run(engine, &["clean", "--all-projects"]).expect(2);
        let first = everybody.stderr.lines().next().unwrap_or_default();
        assert!(first.starts_with("of ALL "), "{first}");
        for name in [project.name(), other.name()] {
            assert!(first.contains(name), "{first}");
        }
        everybody.telling(&["of ALL projects? nobody is there to answer"]);

        let cleaned = project.run(engine, &["clean", "--yes"]).expect(0);
        if !engine.has_containerd_store() {
            // All its layers are the other's too.
            cleaned
                .telling(&["kept of the build cache, for images that stay have it too: 2 records"]);
        }
        let volume = format!("{}_data", project.name());
        assert_eq!(container(&project, engine), None);
        assert!(!engine.has_image(&project.image(engine, "web")));
        assert!(engine.has_image(&derived), "somebody's own image");
        assert!(engine.has_image("busybox"), "an image that was not built");
        assert!(engine.ask(&["volume", "ls", "--quiet"]).contains(&volume));
        let history = project.run(engine, &["history"]).expect(0);
        assert!(history.stdout.contains("dev"), "{}", history.told());

        project
            .run(engine, &["clean", "--volumes", "--yes"])
            .expect(0);
        assert!(!engine.ask(&["volume", "ls", "--quiet"]).contains(&volume));
        project
            .run(engine, &["clean"])
            .expect(0)
            .telling(&["nothing to remove"]);
        assert_eq!(still_there(&cached, &project, engine), 2);
        engine.ask(&["rmi", &derived]);
        assert_eq!(state(&other, engine), as_it_was, "the neighbour");
        assert_eq!(caches(&other, engine), others, "what it keeps");
        assert!(is_cached(&other, engine), "what it keeps is of use");
    });
}

#[test]
fn clean_takes_what_all_projects_have_when_that_is_said_and_nothing_of_no_project() {
    let Some(engine) = PrivateEngine::like(&engines()[2]) else {
        return;
    };
    let (one, two) = (shop("one", "both"), shop("two", "both"));
    for project in [&one, &two] {
        project.run(&engine, &["dev", "web"]).expect(0);
    }
    engine.ask(&[
        "run",
        "--detach",
        "--name=alone",
        "--network=none",
        "busybox",
        "sleep",
        "1000",
    ]);
    let words = ["clean", "--all-projects", "--volumes", "--yes"];
    one.run(&engine, &words).expect(0);
    for project in [&one, &two] {
        assert_eq!(state(project, &engine), "\n\n\n");
    }
    assert_eq!(engine.ask(&["ps", "--format", "{{.Names}}"]), "alone");
    engine.ask(&["rm", "--force", "alone"]);
}

/// Services of all kinds, and what shows that they work.
fn services(port: u16) -> Project {
    let dockerfile = "FROM busybox\nRUN mkdir /www && echo good day >/www/hello\n";
    Project::new("verify").file("Dockerfile", dockerfile).file(
        "compose.yaml",
        &format!(
            "
x-dcb:
  verify:
    web: [http://127.0.0.1:{port}/hello, [cat, /www/hello]]
services:
  web:
    build: .
    command: httpd -f -p 80 -h /www
    stop_signal: KILL
    ports: ['127.0.0.1:{port}:80']
    volumes: ['data:/data']
  db:
    image: busybox
    command: sleep 1000
    stop_signal: KILL
    network_mode: none
    healthcheck: {{test: ['CMD', 'true'], interval: 300ms}}
  idle: &idle
    image: busybox
    command: sleep 1000
    stop_signal: KILL
    network_mode: none
  broken:
    <<: *idle
    command: sh -c 'echo no licence found; exit 3'
    profiles: [bad]
volumes: {{data: {{}}}}
"
        ),
    )
}

#[test]
fn verify_checks_every_service_and_takes_down_only_what_it_started() {
    on_engines(&both_composes(), "verify", |engine, _| {
        let (other, as_it_was) = neighbour(engine, "verify");
        let project = services(free_port());
        let good = dockerfile(&project);
        project.write("Dockerfile", "FROM busybox\nRUN exit 3\n");
        project
            .run(engine, &["verify"])
            .expect(1)
            .telling(&["ended with exit code 3", "Dockerfile:2:1"]);
        let nothing = "\n\n\n";
        assert_eq!(state(&project, engine), nothing, "nothing was started");
        project.write("Dockerfile", &good);

        let shown = project.run(engine, &["verify", "--dry-run"]).expect(0);
        shown.telling(&[
            "/hello",
            "docker.io/library/<project>",
            "cat /www/hello",
            "up --detach --no-build --no-recreate db idle web",
        ]);
        let works = project.run(engine, &["verify"]).expect(0);
        let row = |service: &str, evidence: &str| {
            let is = |line: &&str| line.starts_with(service) && line.contains("works");
            let found = works
                .stdout
                .lines()
                .filter(is)
                .any(|line| line.contains(evidence));
            assert!(found, "{service}: {evidence}\n{}", works.told());
        };
        row("web", "200 OK");
        row("web", "good day");
        row("db", "healthy");
        row("idle", "no health check");
        let image = project.image(engine, "web");
        assert!(engine.has_image(&image), "what was built stays");
        engine.ask(&["rmi", &image]);
        assert_eq!(state(&project, engine), nothing, "all else is taken down");

        // What ran before goes on as it is, and what was kept stays.
        project.run(engine, &["dev", "web"]).expect(0);
        project.write("Dockerfile", "FROM busybox\nRUN exit 3\n");
        let web = container(&project, engine);
        let up = listed(&project, engine);
        project.run(engine, &["verify"]).expect(0);
        assert_eq!(container(&project, engine), web);
        engine.ask(&["stop", web.as_deref().expect("it runs")]);
        project
            .run(engine, &["verify", "web"])
            .expect(0)
            .telling(&["`web` has a stopped container, which is started as it is"]);
        engine.ask(&["start", web.as_deref().expect("it runs")]);
        assert_eq!(listed(&project, engine), up);

        let bad = ["--profile", "bad", "verify", "--timeout", "5", "broken"];
        let fails = project.run(engine, &bad).expect(1);
        fails.telling(&[
            "FAILS",
            "it ended with exit code 3",
            "no licence found",
            "1 of 1 checks failed",
        ]);
        assert_eq!(listed(&project, engine), up);

        project.run(engine, &["verify", "--keep", "idle"]).expect(0);
        assert_ne!(listed(&project, engine), up, "it is kept");
        assert_eq!(state(&other, engine), as_it_was, "the neighbour");
    });
}

#[test]
fn a_check_that_is_none_is_refused_with_its_place() {
    let project = Project::new("verifywrong").file(
        "compose.yaml",
        "services: {web: {image: busybox}}\nx-dcb:\n  verify:\n    wbe: ends\n    web: [http://localhost/, https://localhost/]\n",
    );
    project.run_alone(&["plan"]).expect(2).telling(&[
        "compose.yaml:4:10",
        "did you mean `web`?",
        "compose.yaml:5:10",
        "http://HOST:PORT/PATH",
    ]);
}
