//! The classic builder, on every engine of this machine: what it builds, tells and leaves behind.
//!
//! Driven through the library, so that what a driver answers can be looked at.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dcb::ambient::Ambient;
use dcb::compose::Ulimit;
use dcb::docker::classic::Classic;
use dcb::docker::config::DockerConfig;
use dcb::docker::credentials::Credentials;
use dcb::docker::host::{Address, Endpoint, Origin};
use dcb::docker::{
    BuildError, BuildSpec, Built, CacheUse, ContextSource, DockerfileSource, Facts, Network,
    Reached, detect,
};
use dcb::event::{Event, Events, JobId, Record, StepState};
use dcb::failure::{Class, Failure};
use dcb::secret::ArgValue;
use indexmap::IndexMap;
use support::{
    Engine, PrivateEngine, Project, all_engines, engines, on_engines, serve, side_by_side, until,
};
use tokio::sync::watch;

fn is_podman(engine: &Engine) -> bool {
    !engine.has_buildkit()
}

/// A build of the project's directory.
fn spec(project: &Project) -> BuildSpec {
    BuildSpec {
        labels: IndexMap::from([(
            "com.docker.compose.project".to_owned(),
            project.name().to_owned(),
        )]),
        tags: vec![tag(project)],
        ..BuildSpec::new(
            ContextSource::Directory(project.path().to_owned()),
            DockerfileSource::File(project.path().join("Dockerfile")),
            "Dockerfile",
        )
    }
}

fn inline(project: &Project, text: &str) -> BuildSpec {
    BuildSpec {
        dockerfile: DockerfileSource::Inline(text.to_owned()),
        ..spec(project)
    }
}

fn tag(project: &Project) -> String {
    format!("docker.io/library/{}:latest", project.name())
}

/// How a build ended and what it told.
struct Run {
    result: Result<Built, BuildError>,
    events: Vec<Event>,
    took: Duration,
}

/// Builds; `watch` sees every event and answers whether to stop.
fn run(engine: &Engine, spec: &BuildSpec, mut watch: impl FnMut(&Event) -> bool) -> Run {
    let endpoint = Endpoint {
        address: Address::Unix(engine.socket().to_owned()),
        origin: Origin::DockerHost,
        pinned: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let facts = Facts {
            engine: detect::engine(&endpoint).await.expect("an engine"),
            endpoint,
        };
        let ambient = Ambient::capture().expect("a process");
        let nobody = Credentials::new(&ambient, &DockerConfig::default());
        let classic = Classic::new(&facts, Arc::new(nobody)).expect("a builder");
        let (sender, mut receiver) = Events::channel(16);
        let (stop, mut stopped) = watch::channel(false);
        let mut events = Vec::new();
        let mut stopping = None;
        let listen = async {
            while let Some(Record { event, .. }) = receiver.recv().await {
                if watch(&event) {
                    stopping.get_or_insert_with(Instant::now);
                    let _ = stop.send(true);
                }
                events.push(event);
            }
        };
        let build = async {
            let sender = sender;
            classic.build(JobId(0), spec, &sender, &mut stopped).await
        };
        let began = Instant::now();
        let (result, ()) = tokio::join!(build, listen);
        Run {
            result,
            events,
            took: stopping.unwrap_or(began).elapsed(),
        }
    })
}

fn build(engine: &Engine, project: &Project, spec: &BuildSpec) -> Run {
    // Marks the project's images on this engine for removal.
    drop(project.other_on(engine, "docker"));
    run(engine, spec, |_| false)
}

impl Run {
    #[track_caller]
    fn built(self) -> Self {
        let logs = self.logs();
        assert!(self.result.is_ok(), "{:?}\n{logs:#?}", self.result);
        self
    }

    #[track_caller]
    fn failure(&self) -> (&Failure, Reached) {
        match &self.result {
            Err(BuildError::Failed { failure, reached }) => (failure, *reached),
            other => panic!("it did not fail: {other:?}"),
        }
    }

    fn logs<'a>(&'a self) -> Vec<&'a str> {
        let line = |event: &'a Event| match event {
            Event::Log { line, .. } => Some(line.as_str()),
            _ => None,
        };
        self.events.iter().filter_map(line).collect()
    }

    /// The steps of the Dockerfile with their last state.
    fn steps(&self) -> Vec<(String, StepState)> {
        let mut steps = BTreeMap::new();
        for event in &self.events {
            if let Event::Step {
                step, name, state, ..
            } = event
            {
                steps.insert(*step, (name.clone(), state.clone()));
            }
        }
        let own = |(name, _): &(String, StepState)| !name.starts_with("[internal]");
        steps.into_values().filter(own).collect()
    }

    fn states(&self) -> Vec<&'static str> {
        let word = |(_, state): &(String, StepState)| match state {
            StepState::Waiting => "waiting",
            StepState::Running { .. } => "running",
            StepState::Cached => "cached",
            StepState::Done { .. } => "done",
            StepState::Failed { .. } => "failed",
        };
        self.steps().iter().map(word).collect()
    }
}

/// The classic builder of the docker CLI.
fn cli(engine: &Engine, project: &Project, arguments: &[&str]) -> String {
    let output = project
        .other_on(engine, "docker")
        .env("DOCKER_BUILDKIT", "0")
        .args(["build", "--force-rm"])
        .args(arguments)
        .output()
        .expect("docker runs");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{error}");
    told
}

/// What `find` sees below a directory of an image, with kind, mode, owner, size and link.
fn listing(engine: &Engine, image: &str, directory: &str) -> String {
    let script = format!(
        "cd {directory} && find . | sort | while read -r f; do stat -c '%n %a %u:%g %F %h' \"$f\"; readlink \"$f\"; \
         [ -f \"$f\" ] && [ ! -L \"$f\" ] && md5sum < \"$f\"; done; true"
    );
    engine.run(image, &["sh", "-c", &script])
}

/// A context with a bit of everything.
fn sundry(project: &Project) {
    let at = |name: &str| project.path().join(name);
    project.write("d/f", "content");
    project.write("d/sub/deep", "deep");
    project.write("ignored/x", "");
    project.write("keep.log", "");
    project.write("drop.log", "");
    project.write("ünïcödé ☃", "name");
    project.write(&format!("long/{0}/{0}", "n".repeat(120)), "long");
    project.write(".dockerignore", "ignored\n*.log\n!keep.log\n");
    fs::set_permissions(at("d/f"), fs::Permissions::from_mode(0o4711)).expect("a mode");
    fs::set_permissions(at("d/sub"), fs::Permissions::from_mode(0o1700)).expect("a mode");
    fs::hard_link(at("d/f"), at("z-hard")).expect("a link");
    symlink("d/f", at("soft")).expect("a link");
    symlink("/nonexistent", at("dangling")).expect("a link");
}

// What is built

#[test]
fn an_image_is_built_and_named_and_every_step_is_told() {
    on_engines(&all_engines(), "classic-built", |engine, project| {
        let text = format!(
            "FROM busybox AS one\nRUN echo {} >/made; echo out; echo err >&2\nFROM busybox\nCOPY --from=one /made /p\nENV A=1\n",
            project.name()
        );
        project.write("Dockerfile", &text);
        let second = tag(&project).replace("latest", "second");
        let mut spec = spec(&project);
        spec.tags.push(second.clone());
        let ran = build(engine, &project, &spec).built();
        let id = ran.result.as_ref().expect("built").image.clone();
        for name in [&spec.tags[0], &second] {
            let inspected = engine.ask(&["image", "inspect", "--format", "{{.Id}}", name]);
            assert_eq!(id.as_deref(), Some(inspected.as_str()), "{name}");
        }
        // The labels are one step more.
        assert_eq!(ran.states(), ["done"; 6], "{:?}", ran.steps());
        let mut logs = ran.logs();
        logs.sort_unstable();
        assert_eq!(logs, ["err", "out"]);
        let sent = ran.events.iter().any(|event| {
            matches!(event, Event::Step { name, state: StepState::Done { .. }, .. } if name == "[internal] load build context")
        });
        assert!(sent);
    });
}

#[test]
fn all_keys_reach_the_builder() {
    on_engines(&all_engines(), "classic-keys", |engine, project| {
        let text = "FROM busybox AS wanted\nARG A\nARG DB_TOKEN\nLABEL own=1\n\
                    RUN echo \"arg $A $DB_TOKEN\"; cat /etc/hosts; ulimit -n; df -k /dev/shm | tail -1\n\
                    FROM wanted\nRUN exit 9\n";
        let mut spec = inline(&project, text);
        spec.target = Some("wanted".to_owned());
        spec.args = [("A", "a b&c=\"d\""), ("DB_TOKEN", "s3cret")]
            .map(|(name, value)| (name.to_owned(), ArgValue::new(name, value)))
            .into();
        spec.labels.insert("l.m".to_owned(), "n, o".to_owned());
        spec.cache = CacheUse::None;
        spec.extra_hosts = vec![
            ("db".to_owned(), "10.9.8.7".to_owned()),
            ("gate".to_owned(), "host-gateway".to_owned()),
        ];
        spec.shm_size = Some(32 << 20);
        spec.ulimits = vec![Ulimit {
            name: "nofile".to_owned(),
            soft: 77,
            hard: 88,
        }];
        let ran = build(engine, &project, &spec).built();
        let logs = ran.logs();
        let has = |words: &str| logs.iter().any(|line| line.contains(words));
        for words in ["arg a b&c=\"d\" s3cret", "10.9.8.7\tdb", "32768"] {
            assert!(has(words), "no `{words}` in {logs:#?}");
        }
        let gateway = logs.iter().find(|line| line.ends_with("\tgate"));
        let address = gateway.and_then(|line| line.split('\t').next());
        let is_address = |text: &str| text.parse::<std::net::IpAddr>().is_ok();
        assert!(address.is_some_and(is_address), "{logs:#?}");
        assert!(logs.contains(&"77"), "{logs:#?}");
        let labels = engine.ask(&[
            "image",
            "inspect",
            "--format",
            "{{json .Config.Labels}}",
            &spec.tags[0],
        ]);
        assert!(
            labels.contains("\"l.m\":\"n, o\"") && labels.contains("own"),
            "{labels}"
        );
    });
}

#[test]
fn a_build_without_network_has_none() {
    on_engines(&all_engines(), "classic-network", |engine, project| {
        let spec = BuildSpec {
            network: Network::None,
            cache: CacheUse::None,
            ..inline(&project, "FROM busybox\nRUN cat /proc/net/dev\n")
        };
        let ran = build(engine, &project, &spec).built();
        let names: Vec<&str> = ran.logs()[2..]
            .iter()
            .filter_map(|line| Some(line.split_once(':')?.0.trim()))
            .collect();
        assert_eq!(names, ["lo"]);
    });
}

#[test]
fn the_image_holds_the_same_files_as_the_docker_clis() {
    on_engines(&engines(), "classic-same", |engine, project| {
        sundry(&project);
        project.write("Dockerfile", "FROM busybox\nCOPY . /c\n");
        let theirs = format!("{}:theirs", project.name());
        let label = format!("com.docker.compose.project={}", project.name());
        cli(
            engine,
            &project,
            &["--no-cache", "-t", &theirs, "--label", &label, "."],
        );
        let spec = BuildSpec {
            cache: CacheUse::None,
            ..spec(&project)
        };
        build(engine, &project, &spec).built();
        let ours = listing(engine, &spec.tags[0], "/c");
        assert_eq!(ours, listing(engine, &theirs, "/c"));
        for words in ["./d/f 711", "ünïcödé ☃", "./soft 777", "./d/sub 1700"] {
            assert!(ours.contains(words), "no `{words}` in\n{ours}");
        }
        assert!(
            !ours.contains("drop.log") && !ours.contains("ignored"),
            "{ours}"
        );
    });
}

#[test]
fn what_the_docker_cli_built_is_found_in_the_cache_and_the_other_way_round() {
    on_engines(&engines(), "classic-cache", |engine, project| {
        sundry(&project);
        let text = format!(
            "FROM busybox\nRUN : {}\nCOPY . /c\nRUN true\n",
            project.name()
        );
        project.write("Dockerfile", &text);
        let label = format!("com.docker.compose.project={}", project.name());
        cli(
            engine,
            &project,
            &["-t", project.name(), "--label", &label, "."],
        );
        let ran = build(engine, &project, &spec(&project)).built();
        assert_eq!(ran.states()[..4], ["done", "cached", "cached", "cached"]);
        assert!(ran.logs().is_empty());

        project.write("d/f", "changed");
        let ran = build(engine, &project, &spec(&project)).built();
        assert_eq!(ran.states()[..4], ["done", "cached", "done", "done"]);
        let told = cli(
            engine,
            &project,
            &["-t", project.name(), "--label", &label, "."],
        );
        assert_eq!(told.matches("Using cache").count(), 4, "{told}");
    });
}

// Where the Dockerfile is

/// The files that `COPY . /c` finds in a context of `a`, `x` and what else `files` say.
fn copied(engine: &Engine, project: &Project, spec: &BuildSpec) -> String {
    let spec = BuildSpec {
        cache: CacheUse::None,
        ..spec.clone()
    };
    build(engine, project, &spec).built().logs().join(" ")
}

/// Podman lets nobody attach to a container as the docker CLI does, so the build itself tells.
const COPY_ALL: &str = "FROM busybox\nCOPY . /c\nRUN cd /c && find . -type f | sort\n";

#[test]
fn an_ignored_dockerfile_is_read_and_not_copied() {
    on_engines(&all_engines(), "classic-ignored", |engine, project| {
        let project = project
            .file("a", "")
            .file("x", "")
            .file("Dockerfile", COPY_ALL)
            .file(".dockerignore", "Dockerfile\n.dockerignore\nx\n");
        assert_eq!(copied(engine, &project, &spec(&project)), "./a");
        project.write(".dockerignore", "Dockerfile\nx\n");
        assert_eq!(
            copied(engine, &project, &spec(&project)),
            "./.dockerignore ./a"
        );
        project.write(".dockerignore", "x\n");
        assert_eq!(
            copied(engine, &project, &spec(&project)),
            "./.dockerignore ./Dockerfile ./a"
        );
    });
}

#[test]
fn a_dockerfile_from_elsewhere_is_read_and_not_copied() {
    on_engines(&all_engines(), "classic-elsewhere", |engine, project| {
        let project = project.file("c/a", "").file("other/D", COPY_ALL);
        let context = ContextSource::Directory(project.path().join("c"));
        let outside = BuildSpec {
            context: context.clone(),
            dockerfile: DockerfileSource::File(project.path().join("other/D")),
            ..spec(&project)
        };
        let inline = BuildSpec {
            context,
            ..inline(&project, COPY_ALL)
        };
        for spec in [&outside, &inline] {
            assert_eq!(copied(engine, &project, spec), "./a");
        }
        // Seen where the context has an ignore file of its own, so it must not spoil the cache.
        project.write("c/.dockerignore", "x\n");
        for spec in [&outside, &inline] {
            assert_eq!(copied(engine, &project, spec), "./.dockerignore ./a");
        }
        let again = build(engine, &project, &inline).built();
        assert_eq!(
            again.states()[..2],
            ["done", "cached"],
            "{:?}",
            again.steps()
        );
    });
}

#[test]
fn an_ignore_file_of_the_dockerfiles_own_wins() {
    on_engines(&all_engines(), "classic-own-ignore", |engine, project| {
        let project = project
            .file("a", "")
            .file("x", "")
            .file("Dockerfile", COPY_ALL)
            .file(".dockerignore", "a\n")
            .file("Dockerfile.dockerignore", "x\nDockerfile*\n.dockerignore\n");
        assert_eq!(copied(engine, &project, &spec(&project)), "./a");
    });
}

#[test]
fn a_remote_context_is_fetched_by_the_engine() {
    on_engines(&engines(), "classic-remote", |engine, project| {
        let mut archive = tar::Builder::new(Vec::new());
        let mut add = |path: &str, text: &str| {
            let mut header = tar::Header::new_ustar();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            archive
                .append_data(&mut header, path, text.as_bytes())
                .expect("an entry");
        };
        add("sub/D", COPY_ALL);
        add("a", "");
        let bytes = archive.into_inner().expect("an archive");
        let address = serve::files([("/context.tar".to_owned(), bytes)].into());
        let spec = BuildSpec {
            context: ContextSource::Remote(format!("{address}/context.tar")),
            dockerfile: DockerfileSource::InContext("sub/D".to_owned()),
            ..spec(&project)
        };
        assert_eq!(copied(engine, &project, &spec), "./a ./sub/D");
    });
}

#[test]
fn names_that_are_not_utf_8_arrive() {
    on_engines(&all_engines(), "classic-bytes", |engine, project| {
        let name = std::ffi::OsStr::from_bytes(b"bad\xff");
        fs::write(project.path().join(name), "").expect("a file");
        let text = "FROM busybox\nCOPY . /c\nRUN cd /c && for f in *; do printf %s \"$f\" | od -An -tx1; done\n";
        let spec = BuildSpec {
            cache: CacheUse::None,
            ..inline(&project, text)
        };
        let ran = build(engine, &project, &spec).built();
        assert_eq!(ran.logs().concat().trim(), "62 61 64 ff");
    });
}

// How it fails

#[test]
fn a_failing_command_is_told_with_its_code_and_its_lines_and_leaves_no_container() {
    on_engines(&all_engines(), "classic-failing", |engine, project| {
        let text = format!(
            // An image that another build has too goes when that one's does.
            "FROM busybox\nENV A={0}\nRUN echo before; \\\n  : {0}; exit 42\n",
            project.name()
        );
        project.write("Dockerfile", &text);
        let ran = build(engine, &project, &spec(&project));
        let (failure, reached) = ran.failure();
        assert_eq!(
            (failure.class, failure.exit_code),
            (Class::RunFailed, Some(42))
        );
        assert!(
            failure.message.ends_with("ended with exit code 42"),
            "{failure}"
        );
        assert_eq!(reached, Reached::Run);
        let place = failure.diagnostics.first().expect("a place").to_string();
        assert!(place.contains("Dockerfile:3:1"), "{place}");
        assert_eq!(ran.logs()[0], "before");
        assert_eq!(ran.states().last(), Some(&"failed"));
        let left = engine.ask(&["ps", "--all", "--no-trunc", "--format", "{{.Command}}"]);
        assert!(!left.contains(project.name()), "{left}");
    });
}

#[test]
fn each_kind_of_failure_has_its_class_and_nothing_ran() {
    on_engines(&all_engines(), "classic-classes", |engine, project| {
        for (text, class) in [
            ("FROM busybox\nCOPY nope.txt /x\n", Class::CopySource),
            ("FROM busybox\nFOO bar\n", Class::DockerfileSyntax),
            ("", Class::DockerfileSyntax),
            ("ARG A=1\n", Class::DockerfileSyntax),
            ("FROM nope.invalid/nope:1\n", Class::RegistryUnreachable),
        ] {
            let ran = build(engine, &project, &inline(&project, text));
            let (failure, reached) = ran.failure();
            assert_eq!(failure.class, class, "{text:?}: {failure}");
            assert_eq!(reached, Reached::NoRun, "{text:?}");
        }
        let spec = BuildSpec {
            target: Some("zzz".to_owned()),
            ..inline(&project, COPY_ALL)
        };
        assert_eq!(
            build(engine, &project, &spec).failure().0.class,
            Class::TargetMissing
        );
        let ran = build(
            engine,
            &project,
            &inline(&project, "FROM busybox\nRUN --network=none x\n"),
        );
        let expected = if engine.is_old() && !is_podman(engine) {
            Class::DockerfileSyntax
        } else {
            Class::Unsupported
        };
        assert_eq!(ran.failure().0.class, expected, "{}", ran.failure().0);
    });
}

#[test]
fn what_is_not_here_is_not_sent() {
    on_engines(&engines()[..1], "classic-missing", |engine, project| {
        let ran = build(engine, &project, &spec(&project));
        assert_eq!(ran.failure().0.class, Class::DockerfileMissing);
        let spec = BuildSpec {
            context: ContextSource::Directory(project.path().join("nope")),
            ..inline(&project, COPY_ALL)
        };
        assert_eq!(
            build(engine, &project, &spec).failure().0.class,
            Class::ContextMissing
        );
    });
}

#[test]
fn half_a_context_is_never_taken_for_a_whole_one() {
    on_engines(&all_engines(), "classic-half", |engine, project| {
        let file = fs::File::create(project.path().join("big")).expect("a file");
        file.set_len(8 << 30).expect("a sparse file");
        let ran = run(engine, &inline(&project, COPY_ALL), |event| {
            if matches!(event, Event::Progress { .. }) {
                file.set_len(0).expect("a shorter file");
            }
            false
        });
        let (failure, reached) = ran.failure();
        assert!(
            failure
                .message
                .starts_with("`big` shrank from 8589934592 to "),
            "{failure}"
        );
        assert_eq!(reached, Reached::NoRun);
        assert!(!engine.has_image(project.name()));
        assert!(ran.took < Duration::from_secs(20), "{:?}", ran.took);
    });
}

/// Whether a process of this machine has `words` on its command line.
fn runs(words: &str) -> bool {
    let processes = Path::new("/proc").read_dir().expect("processes");
    processes.flatten().any(|process| {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(words)
    })
}

#[test]
fn a_stopped_build_leaves_no_process_and_no_container() {
    on_engines(&all_engines(), "classic-stopped", |engine, project| {
        let text = format!(
            "FROM busybox\nRUN echo go; : {}; sleep 20; true\n",
            project.name()
        );
        let spec = inline(&project, &text);
        let ran = run(
            engine,
            &spec,
            |event| matches!(event, Event::Log { line, .. } if line == "go"),
        );
        assert!(
            matches!(ran.result, Err(BuildError::Stopped)),
            "{:?}",
            ran.result
        );
        assert!(ran.took < Duration::from_millis(500), "{:?}", ran.took);
        if is_podman(engine) {
            // Nothing that Podman offers ends a command of Buildah's: that is said.
            let warned = |event: &Event| matches!(event, Event::Warning { message, .. } if message.contains("goes on"));
            assert!(ran.events.iter().any(warned));
            return;
        }
        until("the end of the process", Duration::from_secs(1), || {
            !runs(project.name())
        });
        until("the end of the container", Duration::from_secs(2), || {
            let left = engine.ask(&["ps", "--all", "--no-trunc", "--format", "{{.Command}}"]);
            !left.contains(project.name())
        });
    });
}

#[test]
fn an_engine_that_goes_away_is_not_the_commands_fault() {
    use rustix::process::Signal;
    side_by_side([Signal::KILL, Signal::TERM], |signal| {
        on_engines(&engines(), "classic-lost", |engine, project| {
            let Some(private) = PrivateEngine::like(engine) else {
                return;
            };
            let text = "FROM busybox\nRUN echo go; sleep 30; true\n";
            let ran = run(&private, &inline(&project, text), |event| {
                if matches!(event, Event::Log { line, .. } if line == "go") {
                    private.signal(signal);
                }
                false
            });
            let (failure, reached) = ran.failure();
            assert_eq!(failure.class, Class::DaemonLost, "{signal:?}: {failure}");
            assert_eq!(reached, Reached::Run);
        });
    });
}
