//! `dcb ci`: pipelines that the build servers' schemas take, and whose commands do what they are for.

mod support;
#[path = "support/validate.rs"]
mod validate;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_yaml::Value;
use support::registry::{PASSWORD, Registry, USER};
use support::{Engine, Project, Ran, containerd_store, engines};

fn project() -> Project {
    let compose =
        "services:\n  web: { build: web, image: \"${IMAGE:-acme/web}\" }\n  job: { build: job }\n";
    Project::new("ci")
        .file("compose.yaml", compose)
        .file("web/Dockerfile", "FROM busybox\nCOPY page /page\n")
        .file("web/page", "hello")
        .file("job/Dockerfile", "FROM busybox\nRUN echo job > /job\n")
}

const SERVERS: [&str; 3] = ["github", "gitlab", "jenkins"];

#[test]
fn every_pipeline_is_one_to_its_build_server() {
    // With caches of its own, of which one is in the repository.
    let own = "services: { web: { build: web, image: acme/web }, job: { build: job } }\n\
               x-dcb: { cache: { local: \".cache/{service}\", write: \"${KIND:-dev}\" } }\n";
    let project = project().file("own.yaml", own);
    for server in SERVERS {
        for options in [
            &[][..],
            &["--push"],
            &["--cache", "registry=r.example.org/acme/shop", "--push"],
            &["--cache", "local"],
            &["--force-traditional"],
            &["--file", "own.yaml", "--push"],
        ] {
            let (flags, options) = match options {
                ["--file", file, options @ ..] => (vec!["--file", file], options),
                options => (Vec::new(), options),
            };
            let arguments = [&flags, &["ci", server][..], options].concat();
            let text = project.run_alone(&arguments).expect(0).stdout;
            match server {
                "github" => validate::follows_schema("vendor.github-workflows", &text),
                "gitlab" => validate::follows_schema("vendor.gitlab-ci", &text),
                _ => validate::parses("groovy", &text),
            }
            assert_eq!(
                text.contains("--force-traditional"),
                arguments.contains(&"--force-traditional")
            );
        }
    }
}

#[test]
fn what_cannot_be_is_refused_with_what_could() {
    let project = project();
    for (arguments, told) in [
        (
            ["gitlab", "--cache", "gha"].as_slice(),
            "`gha` is the cache of GitHub Actions",
        ),
        (
            &["github", "--cache", "s3"],
            "--cache takes gha, registry=IMAGE, local, or none",
        ),
        (
            &["github", "--cache", "registry=A B"],
            "is no name of an image",
        ),
        (
            &["github", "--cache", "local", "--force-traditional"],
            "the classic builder writes no cache",
        ),
    ] {
        let arguments = [&["ci"], arguments].concat();
        project.run_alone(&arguments).expect(2).telling(&[told]);
    }
    let nothing = Project::new("ci").file("compose.yaml", "services: { db: { image: busybox } }\n");
    let told = "no service of this project is built";
    nothing
        .run_alone(&["ci", "github"])
        .expect(2)
        .telling(&[told]);
    Project::new("ci").run_alone(&["ci", "github"]).expect(4);
}

/// A job of a build server: its variables, and where its commands run.
struct Job<'a> {
    engine: &'a Engine,
    project: &'a Project,
    variables: BTreeMap<String, String>,
}

impl<'a> Job<'a> {
    fn new(engine: &'a Engine, project: &'a Project, variables: &[(&str, &str)]) -> Self {
        let bin = Path::new(env!("CARGO_BIN_EXE_dcb"))
            .parent()
            .expect("a directory");
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
        let mut all: BTreeMap<String, String> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        all.insert("PATH".to_owned(), path);
        Self {
            engine,
            project,
            variables: all,
        }
    }

    /// Sets a variable to a value that may name others.
    fn set(&mut self, name: &str, value: &str) {
        let mut value = value.to_owned();
        for (name, known) in self.variables.iter().rev() {
            value = value.replace(&format!("${{{name}}}"), known);
            value = value.replace(&format!("${name}"), known);
        }
        self.variables.insert(name.to_owned(), value);
    }

    /// Runs commands as a build server's shell does.
    fn run(&self, commands: &str) -> Ran {
        let mut command = self.project.other_on(self.engine, "bash");
        command.args(["-e", "-c", commands]).envs(&self.variables);
        self.project.ran(&mut command)
    }
}

/// The commands of a GitHub job in their order, but those that install.
fn github_steps(text: &str) -> Vec<String> {
    let workflow: Value = serde_yaml::from_str(text).expect("YAML");
    let steps = workflow["jobs"]["build"]["steps"]
        .as_sequence()
        .expect("steps");
    let commands = steps.iter().filter_map(|step| step["run"].as_str());
    commands
        .filter(|run| !run.contains("cargo install"))
        .map(str::to_owned)
        .collect()
}

/// What a registry answers when it is asked for an image.
fn status(registry: &Registry, name: &str, tag: &str) -> String {
    let kinds = [
        "oci.image.index.v1",
        "oci.image.manifest.v1",
        "docker.distribution.manifest.v2",
    ];
    let kinds = kinds
        .map(|kind| format!("application/vnd.{kind}+json"))
        .join(", ");
    let answer = Command::new("curl")
        .args([
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "--noproxy",
            "*",
            "-H",
        ])
        .arg(format!("Accept: {kinds}"))
        .arg(format!(
            "http://{}/v2/{name}/manifests/{tag}",
            registry.address()
        ))
        .output()
        .expect("curl");
    String::from_utf8_lossy(&answer.stdout).into_owned()
}

/// Runs the steps of a workflow for a push; where they put what is kept, and what they told.
fn run_on_github(engine: &Engine, project: &Project, text: &str) -> (tempfile::TempDir, String) {
    let temporary = tempfile::tempdir().expect("a directory");
    let place = temporary.path().to_str().expect("text").to_owned();
    let written = temporary.path().join("env");
    let steps = github_steps(text);
    assert_eq!(steps.len(), 4, "{text}");
    let mut told = String::new();
    for step in &steps {
        // What steps write into this file is in the environment of those that follow.
        let lines = std::fs::read_to_string(&written).unwrap_or_default();
        let own = [
            ("RUNNER_TEMP", place.as_str()),
            ("GITHUB_ENV", written.to_str().expect("text")),
            ("GITHUB_EVENT_NAME", "push"),
        ];
        let set = lines.lines().filter_map(|line| line.split_once('='));
        let variables: Vec<(&str, &str)> = set.chain(own).collect();
        told += &Job::new(engine, project, &variables)
            .run(step)
            .expect(0)
            .told();
    }
    (temporary, told)
}

#[test]
fn the_steps_for_github_build_and_push_and_keep_the_cache_in_a_registry() {
    let (Some(engine), Some(registry)) = (containerd_store(), Registry::start()) else {
        return;
    };
    let address = registry.address();
    let project = project().variable("IMAGE", &format!("{address}/acme/web"));
    let cache = format!("registry={address}/acme/cache");
    let text = project
        .run_alone(&["ci", "github", "--push", "--cache", &cache])
        .expect(0)
        .stdout;
    let (temporary, told) = run_on_github(&engine, &project, &text);
    assert!(told.contains("ready: 2 services build"), "{told}");
    assert!(told.contains("2 services built"), "{told}");
    let kept = temporary.path().join("dcb");
    let page = std::fs::read_to_string(kept.join("timeline.html")).expect("a page");
    assert!(page.contains("job"));
    let journal = kept.read_dir().expect("a directory").flatten();
    assert!(
        journal.into_iter().any(|entry| entry.path().is_dir()),
        "the journal is there"
    );
    for (name, tag) in [
        ("cache", "cache-web"),
        ("cache", "cache-job"),
        ("web", "latest"),
    ] {
        assert_eq!(
            status(&registry, &format!("acme/{name}"), tag),
            "200",
            "{name}:{tag}"
        );
    }

    // A project that says itself where they are needs no second file: what is pushed has the caches of
    // production, and what is only typed still counts more.
    let said = |write: &str| {
        format!(
            "x-dcb:\n  cache:\n    dev: \"{address}/own/{{service}}:dev\"\n    \
             prod: \"{address}/own/{{service}}:prod\"\n    write: {write}\n"
        )
    };
    let own = self::project().variable("IMAGE", &format!("{address}/acme/own"));
    let compose = std::fs::read_to_string(own.path().join("compose.yaml")).expect("a file");
    own.write("compose.yaml", &(compose.clone() + &said("${KIND:-dev}")));
    let text = own.run_alone(&["ci", "github", "--push"]).expect(0).stdout;
    assert!(!text.contains("COMPOSE_FILE"), "{text}");
    assert!(text.contains(&format!("registry: {address}\n")), "{text}");
    let (_kept, told) = run_on_github(&engine, &own, &text);
    assert!(told.contains("2 services built"), "{told}");
    for (tag, expected) in [("prod", "200"), ("dev", "404")] {
        for service in ["web", "job"] {
            let found = status(&registry, &format!("own/{service}"), tag);
            assert_eq!(found, expected, "{service}:{tag}");
        }
    }
    let none = ["ci", "github", "--cache", "none"];
    let text = own.run_alone(&none).expect(0).stdout;
    assert!(
        text.contains("  web: { x-dcb: { cache: false } }\n"),
        "{text}"
    );
    own.write("compose.yaml", &(compose + &said("dev")));
    own.run_alone(&["ci", "jenkins", "--push"])
        .expect(0)
        .telling(&["compose.yaml:7", "write: ${BUILD_KIND:-dev}"]);
}

#[test]
fn the_commands_for_gitlab_log_in_and_keep_what_the_next_run_needs() {
    let (Some(engine), Some(registry)) = (containerd_store(), Registry::with_login()) else {
        return;
    };
    let address = registry.address();
    let project = project().variable("IMAGE", &format!("{address}/acme/web"));
    let text = project
        .run_alone(&["ci", "gitlab", "--push", "--cache", "local"])
        .expect(0)
        .stdout;
    let pipeline: Value = serde_yaml::from_str(&text).expect("YAML");
    let job = &pipeline["images"];
    let id = project.name().to_owned();
    let name = format!("REGISTRY_{}", address.replace(['.', ':'], "_"));
    let (user, password) = (format!("{name}_USERNAME"), format!("{name}_PASSWORD"));
    let given = [
        ("CI_JOB_ID", id.as_str()),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_DEFAULT_BRANCH", "main"),
        (user.as_str(), USER),
        (password.as_str(), PASSWORD),
    ];
    let mut running = Job::new(&engine, &project, &given);
    for (name, value) in job["variables"].as_mapping().expect("variables") {
        let name = name.as_str().expect("text");
        // Where the engine is, is another matter here.
        let engines = [
            "DOCKER_HOST",
            "DOCKER_TLS_CERTDIR",
            "DOCKER_TLS_VERIFY",
            "DOCKER_CERT_PATH",
        ];
        if !engines.contains(&name) {
            running.set(name, value.as_str().expect("text"));
        }
    }
    let commands = |key: &str| -> String {
        let list = job[key].as_sequence().expect("commands").iter();
        list.map(|line| format!("{}\n", line.as_str().expect("text")))
            .collect()
    };
    // GitLab runs the first two in one shell.
    let ran = running.run(&(commands("before_script") + &commands("script")));
    ran.expect(0)
        .telling(&["2 services build", "2 services built"]);
    running.run(&commands("after_script")).expect(0);
    let kept = [
        "dcb-timeline.html",
        ".dcb/dcb",
        ".dcb/cache/web/index.json",
        ".dcb/cache/job/index.json",
    ];
    for kept in kept {
        assert!(project.path().join(kept).exists(), "{kept}");
    }
    assert!(
        !Path::new(&format!("/tmp/docker-{id}")).exists(),
        "the login is gone"
    );
    let mut search = project.other_on(&engine, "grep");
    project
        .ran(search.args(["-r", PASSWORD, ".dcb", "dcb-timeline.html"]))
        .expect(1);
}

/// The variables of a Jenkinsfile, and its commands in their order.
fn jenkins_steps(text: &str) -> (Vec<(String, String)>, Vec<String>) {
    let mut variables = Vec::new();
    let mut steps = Vec::new();
    let mut lines = text.lines();
    let unescaped = |text: &str| text.replace("\\'", "'").replace("\\\\", "\\");
    while let Some(line) = lines.next() {
        let line = line.trim();
        if let Some(begin) = line.strip_prefix("sh '''") {
            let body = lines.by_ref().take_while(|line| *line != "'''");
            let body: String = body.map(|line| format!("{line}\n")).collect();
            steps.push(unescaped(&format!("{begin}\n{body}")));
        } else if let Some(one) = line.strip_prefix("sh '") {
            steps.push(unescaped(one.strip_suffix('\'').expect("an end")));
        } else if let Some((name, value)) = line.split_once(" = \"") {
            variables.push((name.to_owned(), value.trim_end_matches('"').to_owned()));
        }
    }
    (variables, steps)
}

#[test]
fn the_steps_for_jenkins_build_without_buildkit_too() {
    let engine = engines().into_iter().next().expect("an engine");
    let project = project();
    let text = project
        .run_alone(&["ci", "jenkins", "--force-traditional"])
        .expect(0)
        .stdout;
    let temporary = tempfile::tempdir().expect("a directory");
    let place = temporary.path().to_str().expect("text").to_owned();
    let mut job = Job::new(&engine, &project, &[("WORKSPACE_TMP", &place)]);
    let (variables, steps) = jenkins_steps(&text);
    for (name, value) in &variables {
        job.set(name, value);
    }
    let (clean, steps) = steps.split_last().expect("steps");
    let mut told = String::new();
    for step in steps {
        told += &job.run(step).expect(0).told();
    }
    assert!(told.contains("2 services built"), "{told}");
    assert!(project.path().join("dcb-timeline.html").exists());
    assert!(project.path().join("dcb-journal").is_dir());
    job.run(clean).expect(0);
    assert!(!project.path().join("dcb-journal").exists());
}
