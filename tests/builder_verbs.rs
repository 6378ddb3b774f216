//! `dcb builder`: what it runs, whom it spares, and that the examples of `docs/builders.md` are true.

mod support;

use std::path::Path;
use std::process::Command;

use support::builder::Remote;
use support::{Engine, Project, containerd_store, engines};

/// The newest engine with buildx, whose docker CLI knows all that is in the examples.
fn newest() -> Engine {
    let mut engines = engines();
    engines.retain(|engine| engine.config.join("cli-plugins/docker-buildx").exists());
    engines.pop().expect("an engine with buildx")
}

fn shop() -> Project {
    Project::new("bv")
        .file("compose.yaml", "services: {web: {build: .}}\n")
        .file("Dockerfile", "FROM scratch\nLABEL a=b\n")
}

/// dcb with builders of this project alone.
fn dcb(project: &Project, engine: &Engine) -> Command {
    let mut command = project.dcb_on(engine);
    command.env("BUILDX_CONFIG", project.path().join("state"));
    command
}

/// What buildx keeps of a builder.
fn kept(project: &Project, name: &str) -> String {
    std::fs::read_to_string(project.path().join("state/instances").join(name)).unwrap_or_default()
}

#[test]
fn a_builder_is_called_after_its_project_and_nothing_is_selected() {
    let (engine, project) = (newest(), shop());
    let name = format!("dcb-{}", project.name());
    let run = |words: &[&str]| project.ran(dcb(&project, &engine).args(words));
    let shown = run(&["builder", "create", "--dry-run", "--bootstrap"])
        .expect(0)
        .stdout;
    let expected =
        format!("docker-buildx create --name {name} --driver docker-container --bootstrap\n");
    assert!(shown.ends_with(&expected), "{shown}");
    assert_eq!(kept(&project, &name), "", "a dry run");

    run(&["builder", "create"])
        .expect(0)
        .telling(&["dcb build --builder dcb-<project>"]);
    assert!(kept(&project, &name).contains(r#""Driver":"docker-container""#));
    assert!(
        !project.path().join("state/current").exists(),
        "nothing is selected"
    );
    run(&["builder", "create"])
        .expect(2)
        .telling(&["already", "dcb builder reset"]);

    let list = run(&["builder", "ls"]).expect(0);
    let row = |of: &str| {
        list.stdout
            .lines()
            .find(|line| line.starts_with(of))
            .map(str::to_owned)
    };
    assert!(
        row(&name).is_some_and(|row| row.contains("docker-container  inactive")),
        "{}",
        list.told()
    );
    assert!(
        row("default *").is_some_and(|row| row.contains("running")),
        "{}",
        list.told()
    );
    project.write(
        "compose.yaml",
        &format!("x-dcb: {{builder: {name}}}\nservices: {{web: {{build: .}}}}\n"),
    );
    let list = run(&["builder", "ls"]).expect(0);
    list.telling(&["* dcb builds with `dcb-<project>`, as `x-dcb.builder` says"]);

    run(&["builder", "rm"])
        .expect(2)
        .telling(&["nobody is there to answer", "--yes"]);
    assert_ne!(kept(&project, &name), "", "nobody agreed");
    run(&["builder", "rm", "--yes"]).expect(0);
    assert_eq!(kept(&project, &name), "", "it is gone");
    run(&["builder", "rm", "--yes"])
        .expect(3)
        .telling(&["there is no builder `dcb-<project>`"]);
}

#[test]
fn a_builder_is_made_again_with_all_that_it_had() {
    let (engine, project) = (newest(), shop());
    let run = |words: &[&str]| project.ran(dcb(&project, &engine).args(words)).expect(0);
    project.write(
        "b.toml",
        "[registry.\"docker.io\"]\n  mirrors = [\"mirror.example.org\"]\n",
    );
    run(&[
        "builder",
        "create",
        "--config",
        "b.toml",
        "--driver-opt",
        "network=host,env.A=b",
        "--driver-opt",
        "\"env.C=d,e\"",
        "--platform",
        "linux/amd64",
        "--platform",
        "linux/arm64",
        "dcb-a",
    ]);
    let before = kept(&project, "dcb-a");
    for part in [
        r#""env.A":"b""#,
        r#""env.C":"d,e""#,
        "buildkitd.toml",
        "arm64",
    ] {
        assert!(before.contains(part), "{before}");
    }
    // The driver for containers takes one node an engine.
    let another = &engines()[0].host;
    let second = engine
        .docker()
        .env("BUILDX_CONFIG", project.path().join("state"))
        .args([
            "buildx", "create", "--append", "--name", "dcb-a", "--node", "two",
        ])
        .args([
            "--buildkitd-flags",
            "--debug",
            "--driver-opt",
            "image=x",
            another,
        ])
        .status();
    assert!(second.expect("buildx runs").success());
    let before = kept(&project, "dcb-a");
    run(&["builder", "reset", "--yes", "dcb-a"]);
    assert_eq!(kept(&project, "dcb-a"), before);
}

/// All that buildx keeps of what is selected: the files besides the builders themselves.
fn selection(state: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for path in ["current", "defaults"] {
        let path = state.join(path);
        let below = path.read_dir().into_iter().flatten().flatten();
        for path in below.map(|entry| entry.path()).chain([path]) {
            if let Ok(text) = std::fs::read_to_string(&path) {
                files.push((path.display().to_string(), text));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn whatever_is_done_the_users_selection_stays() {
    let (engine, project) = (newest(), shop());
    let other = containerd_store().expect("an engine with images in containerd");
    let remote = Remote::of(&other);
    remote.create(&engine, "mine");
    let run = |words: &[&str]| {
        let mut dcb = remote.dcb(&project, &engine);
        project.ran(dcb.args(words)).expect(0)
    };
    for selected in ["mine", "dcb-a"] {
        run(&["builder", "create", "dcb-a"]);
        let used = engine
            .docker()
            .env("BUILDX_CONFIG", remote.state())
            .args(["buildx", "use", selected])
            .status();
        assert!(used.expect("buildx runs").success());
        let before = selection(&remote.state());
        assert!(before[0].1.contains(selected), "{before:?}");
        for words in [
            &["builder", "create", "dcb-b"] as &[&str],
            &["builder", "ls"],
            &["plan", "--builder", "mine"],
            &["build", "--builder", "mine"],
            &["build"],
            &["builder", "reset", "--yes", "dcb-b"],
            &["builder", "reset", "--yes", "dcb-a"],
            &["builder", "rm", "--yes", "dcb-b"],
        ] {
            run(words);
            assert_eq!(selection(&remote.state()), before, "{words:?}");
        }
        run(&["builder", "rm", "--yes", "dcb-a"]);
    }
}

#[test]
fn a_builder_of_somebody_elses_is_never_touched() {
    let (engine, project) = (newest(), shop());
    let other = containerd_store().expect("an engine with images in containerd");
    let remote = Remote::of(&other);
    remote.create(&engine, "mine");
    let state =
        || std::fs::read_to_string(remote.state().join("instances/mine")).expect("a builder");
    let before = state();
    for words in [
        ["builder", "rm", "--yes", "mine"],
        ["builder", "reset", "--yes", "mine"],
        ["builder", "create", "--bootstrap", "mine"],
    ] {
        let ran = project.ran(remote.dcb(&project, &engine).args(words));
        ran.expect(2)
            .telling(&["`mine` is not one of dcb's builders", "no other is touched"]);
    }
    assert_eq!(state(), before);
    let list = project
        .ran(remote.dcb(&project, &engine).args(["builder", "ls"]))
        .expect(0);
    list.telling(&["mine", "remote", "linux/amd64"]);
}

/// The examples: for each the driver and the commands.
fn examples() -> Vec<(String, Vec<String>)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/builders.md");
    let page = std::fs::read_to_string(page).expect("a page");
    let parts = page.split("<!-- plan: ").skip(1);
    parts
        .map(|part| {
            let (driver, rest) = part.split_once(" -->").expect("a driver");
            let (_, rest) = rest.split_once("```console\n").expect("commands");
            let (commands, _) = rest.split_once("```").expect("an end");
            let commands = commands.lines().filter_map(|line| line.strip_prefix("$ "));
            (driver.to_owned(), commands.map(str::to_owned).collect())
        })
        .collect()
}

#[test]
fn the_examples_of_the_page_are_planned_as_it_says() {
    let engine = newest();
    let examples = examples();
    assert!(examples.len() >= 5, "the examples are gone");
    for (driver, commands) in examples {
        let project = shop();
        project.write("buildkitd.toml", "[worker.oci]\n  gc = true\n");
        for line in commands {
            let words: Vec<&str> = line.split(' ').collect();
            let (program, words) = words.split_first().expect("a program");
            // What Kubernetes and a cloud have to say when a builder is created is theirs.
            let theirs = matches!(driver.as_str(), "kubernetes" | "cloud");
            if words[0] == "plan" {
                let name = words.last().expect("a name");
                if theirs {
                    let file = format!(
                        r#"{{"Name":"{name}","Driver":"{driver}","Nodes":[{{"Name":"n","Endpoint":""}}]}}"#
                    );
                    project.write(&format!("state/instances/{name}"), &file);
                }
                let plan = project.ran(dcb(&project, &engine).args(words)).expect(0);
                plan.telling(&[&format!("buildx `{name}`: --builder asks for it")]);
                assert!(
                    kept(&project, name).contains(&format!(r#""Driver":"{driver}""#)),
                    "{line}"
                );
            } else if theirs {
                let ran = project
                    .ran(dcb(&project, &engine).args(words).arg("--dry-run"))
                    .expect(0);
                ran.telling(&["create --name dcb-k8s --driver kubernetes --driver-opt namespace=builds,replicas=2"]);
            } else if *program == "dcb" {
                project.ran(dcb(&project, &engine).args(words)).expect(0);
            } else {
                let docker = engine
                    .docker()
                    .env("BUILDX_CONFIG", project.path().join("state"))
                    .args(words)
                    .status();
                assert!(docker.expect("docker runs").success(), "{line}");
            }
        }
    }
}
