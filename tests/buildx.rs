//! Builders of the user's own, through buildx, on real engines: a remote builder that is not the
//! engine the image is for. See `support::builder`.

mod support;

use std::time::Duration;

use rustix::process::Signal;
use support::builder::Remote;
use support::registry::{self, Fault, Front, Registry};
use support::{Engine, Project, containerd_store, engines, on_engines, until};

/// The engines whose docker CLI has buildx.
fn with_buildx() -> Vec<Engine> {
    let mut engines = engines();
    engines.retain(|engine| engine.config.join("cli-plugins/docker-buildx").exists());
    // That one is the builder.
    engines.retain(|engine| engine.suite != "containerd");
    engines
}

/// Runs `test` on every engine with buildx, with a remote builder called `far`.
fn with_remote(name: &str, test: impl Fn(&Engine, Project, &Remote) + Sync) {
    let Some(other) = containerd_store() else {
        return;
    };
    on_engines(&with_buildx(), name, |engine, project| {
        let remote = Remote::of(&other);
        remote.create(engine, "far");
        test(engine, project, &remote);
    });
}

const WEB: &str = "services: {web: {build: .}}\n";

#[test]
fn an_image_is_built_elsewhere_and_loaded_into_the_engine() {
    with_remote("bx", |engine, project, remote| {
        project.write(
            "compose.yaml",
            "services:\n  web:\n    build:\n      context: .\n      args: {V: '1 2', NPM_TOKEN: hush, DOCKER_HOST: x}\n      labels: {a: b}\n      extra_hosts: ['db:10.0.0.1']\n      shm_size: 64m\n      ulimits: {nofile: 100}\n",
        );
        project.write(
            "Dockerfile",
            "FROM busybox\nARG V\nARG NPM_TOKEN\nARG DOCKER_HOST\nCOPY a /a\nRUN ulimit -n >> /a && grep -c '10.0.0.1' /etc/hosts >> /a && echo \"$V $NPM_TOKEN $DOCKER_HOST\" >> /a\n",
        );
        project.write("a", "sent\n");
        let mut dcb = remote.dcb(&project, engine);
        let ran = project.ran(dcb.args(["build", "-v", "--builder", "far"]));
        let ran = ran.expect(0).telling(&[
            "note: `web`: builder `far`, because --builder asks for it",
            "NPM_TOKEN='***' V='1 2' ",
            "--build-arg DOCKER_HOST=x",
            "buildx `far` with Dockerfile",
        ]);
        let command = ran
            .stderr
            .lines()
            .find(|line| line.contains("--progress=rawjson"));
        assert!(!command.expect("its command").contains("hush"));
        let image = project.image(engine, "web");
        assert_eq!(engine.read(&image, &["/a"]), "sent\n100\n1\n1 2 hush x");
        let id = engine.ask(&["image", "inspect", "--format", "{{.Id}}", &image]);
        assert!(
            ran.stderr.contains(&id["sha256:".len()..][..12]),
            "{}",
            ran.told()
        );

        let again = project.ran(
            remote
                .dcb(&project, engine)
                .args(["build", "--builder", "far"]),
        );
        again.expect(0).telling(&["CACHED"]);
        let same = engine.ask(&["image", "inspect", "--format", "{{.Id}}", &image]);
        assert_eq!(same, id, "nothing changed");
    });
}

#[test]
fn the_flag_counts_more_than_the_variable_and_that_more_than_the_file() {
    with_remote("bxwho", |engine, project, remote| {
        project.write(
            "compose.yaml",
            "x-dcb: {builder: nobody}\nservices:\n  web: {build: ., x-dcb: {builder: far}}\n",
        );
        project.write("Dockerfile", "FROM scratch\nLABEL a=b\n");
        let plan = |variable: &str, words: &[&str]| {
            let mut dcb = remote.dcb(&project, engine);
            dcb.env("BUILDX_BUILDER", variable);
            project.ran(dcb.arg("plan").args(words)).expect(0).stdout
        };
        assert!(plan("", &[]).contains("buildx `far`: the service's `x-dcb.builder` asks for it"));
        assert!(plan("far", &[]).contains("buildx `far`: BUILDX_BUILDER asks for it"));
        assert!(plan("default", &[]).contains("buildkit: the engine's own BuildKit builds it"));
        let flag = plan("default", &["--builder", "far"]);
        assert!(
            flag.contains("buildx `far`: --builder asks for it"),
            "{flag}"
        );
    });
}

#[test]
fn where_the_classic_builder_is_to_build_only_the_flag_means_another() {
    with_remote("bxold", |engine, project, remote| {
        project.write(
            "compose.yaml",
            "x-dcb: {builder: far}\nservices: {web: {build: .}}\n",
        );
        project.write("Dockerfile", "FROM busybox\nLABEL a=b\n");
        let plan = |words: &[&str]| {
            let mut dcb = remote.dcb(&project, engine);
            dcb.env("DOCKER_BUILDKIT", "0").env("BUILDX_BUILDER", "far");
            project.ran(dcb.arg("plan").args(words)).expect(0).stdout
        };
        assert!(
            plan(&[]).contains("classic: DOCKER_BUILDKIT=0"),
            "{}",
            plan(&[])
        );
        let flag = plan(&["--builder", "far"]);
        assert!(
            flag.contains("buildx `far`: --builder asks for it"),
            "{flag}"
        );
    });
}

#[test]
fn secrets_and_named_contexts_reach_the_builder_and_nobody_else() {
    with_remote("bxsec", |engine, project, remote| {
        project.write(
            "compose.yaml",
            "services:\n  web:\n    build:\n      context: .\n      secrets: [one, two]\n      additional_contexts: {other: other}\nsecrets:\n  one: {file: one.txt}\n  two: {environment: TWO}\n",
        );
        project.write(
            "Dockerfile",
            "FROM busybox\nRUN --mount=type=secret,id=one --mount=type=secret,id=two cat /run/secrets/one /run/secrets/two | md5sum > /it\nCOPY --from=other a /a\n",
        );
        project.write("one.txt", "whisper ");
        project.write("other/a", "other");
        let mut dcb = remote.dcb(&project, engine);
        dcb.env("TWO", "hush");
        let ran = project
            .ran(dcb.args(["build", "-v", "--builder", "far"]))
            .expect(0);
        let told = ran.told();
        assert!(
            !told.contains("hush") && !told.contains("whisper"),
            "{told}"
        );
        assert!(
            told.contains("--secret id=two,env=DCB_BUILD_SECRET_1"),
            "{told}"
        );
        let image = project.image(engine, "web");
        let sum = engine.run(&image, &["sh", "-c", "printf 'whisper hush' | md5sum"]);
        assert_eq!(engine.read(&image, &["/it"]), sum);
        assert_eq!(engine.read(&image, &["/a"]), "other");
    });
}

/// Removes what the builder put among the images of its own engine, as a `buildkitd` would not.
fn forget(image: &str) {
    let other = containerd_store().expect("the builder");
    other.ask(&["rmi", "--force", image]);
}

#[test]
fn what_is_pushed_goes_from_the_builder_to_its_registry_with_the_users_login() {
    let Some(registry) = Registry::with_login() else {
        return;
    };
    with_remote("bxpush", |engine, project, remote| {
        let host = registry.address();
        let image = format!("{host}/{}", project.name());
        project.write(
            "compose.yaml",
            &format!(
                "services:\n  web: {{build: {{context: ., tags: ['{image}:1']}}, image: '{image}'}}\n  tool: {{build: .}}\n"
            ),
        );
        let run = format!("RUN : {}; echo pushed > /it", project.name());
        project.write("Dockerfile", &format!("FROM busybox\n{run}\n"));
        let words = ["build", "-v", "--push", "--builder", "far"];

        let ran = project.ran(remote.dcb(&project, engine).args(words));
        ran.expect(5).telling(&[
            &format!("failed to push `{host}/<project>:1`: "),
            &format!("log in as a user who may push there: docker login {host}"),
            "nothing was loaded into the engine; the builder keeps what it built",
            "registry-denied",
        ]);

        let config = registry::login(engine, registry.address());
        let mut dcb = remote.dcb(&project, engine);
        let ran = project.ran(dcb.env("DOCKER_CONFIG", config.path()).args(words));
        ran.expect(0).telling(&[
            " --push --metadata-file ",
            "`tool` is not pushed: it has no `image:`",
            &format!("{host}/<project>:1, {host}/<project>:latest"),
            "2 services built, 1 pushed",
        ]);
        assert!(!engine.has_image(&image), "it is not loaded");
        assert!(
            engine.has_image(&project.image(engine, "tool")),
            "the other one is"
        );
        forget(&image);
        forget(&format!("{image}:1"));
        for tag in ["1", "latest"] {
            let name = format!("{image}:{tag}");
            let pulled = engine
                .docker()
                .env("DOCKER_CONFIG", config.path())
                .args(["pull", "--quiet", &name])
                .output();
            assert!(pulled.expect("docker runs").status.success(), "{name}");
            assert_eq!(engine.read(&name, &["/it"]), "pushed");
            engine.ask(&["rmi", "--force", &name]);
        }
    });
}

#[test]
fn several_platforms_need_no_engine_that_keeps_them_where_they_are_pushed() {
    let Some(registry) = Registry::start() else {
        return;
    };
    with_remote("bxmulti", |engine, project, remote| {
        let image = format!("{}/{}", registry.address(), project.name());
        project.write(
            "compose.yaml",
            &format!(
                "services: {{web: {{build: {{context: ., provenance: mode=max, platforms: [linux/amd64, linux/arm64]}}, image: '{image}'}}}}\n"
            ),
        );
        project.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n");
        let words = ["build", "--builder", "far"];
        let ran = project.ran(remote.dcb(&project, engine).args(words));
        ran.expect(2).telling(&[
            "`platforms` (linux/amd64, linux/arm64) of service `web` needs images in containerd",
            "or push it, which loads nothing: --push",
        ]);
        let mut dcb = remote.dcb(&project, engine);
        let ran = project.ran(dcb.args(words).arg("--push")).expect(0);
        ran.telling(&["1 service built, 1 pushed"]);
        forget(&image);
        let index = engine.ask(&["buildx", "imagetools", "inspect", "--raw", &image]);
        for part in ["amd64", "arm64", "attestation-manifest"] {
            assert!(index.contains(part), "{part}: {index}");
        }
    });
}

#[test]
fn a_registry_that_takes_nothing_is_told_as_of_a_push() {
    with_remote("bxnopush", |engine, project, remote| {
        let front = Front::failing(Fault::Forbidden);
        let image = front.image("web:latest");
        project.write(
            "compose.yaml",
            &format!("services: {{web: {{build: ., image: '{image}'}}}}\n"),
        );
        project.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n");
        let mut dcb = remote.dcb(&project, engine);
        let ran = project.ran(dcb.args(["build", "--push", "--builder", "far"]));
        ran.expect(5)
            .telling(&[&format!("failed to push `{image}`: "), "registry-denied"]);
        assert!(!front.requests().is_empty(), "the builder asked it");
        forget(&image);
    });
}

#[test]
fn what_the_engine_builds_upon_is_loaded_and_pushed_from_there() {
    let Some(registry) = Registry::start() else {
        return;
    };
    with_remote("bxmixed", |engine, project, remote| {
        let image = format!("{}/{}", registry.address(), project.name());
        project.write(
            "compose.yaml",
            &format!(
                "services:\n  base: {{build: {{context: ., dockerfile_inline: \"FROM busybox\\nRUN echo base > /it\\n\"}}, image: '{image}', x-dcb: {{builder: far}}}}\n  web: {{build: {{context: ., dockerfile_inline: \"FROM {image}\\nRUN cat /it\\n\"}}}}\n"
            ),
        );
        let mut dcb = remote.dcb(&project, engine);
        let plan = dcb.args(["plan", "--push", "--format", "json"]);
        let plan = project.ran(plan).expect(0).stdout;
        let plan: serde_json::Value = serde_json::from_str(&plan).expect("JSON");
        assert_eq!(plan["jobs"][0]["builder"], "far");
        assert_eq!(plan["jobs"][0]["pushed_by"], "engine");
        assert_eq!(plan["jobs"][1]["strategy"], "buildkit");
        let mut dcb = remote.dcb(&project, engine);
        let ran = project.ran(dcb.args(["build", "--push"])).expect(0);
        ran.telling(&["2 services built, 1 pushed"]);
        engine.ask(&["rmi", "--force", &image]);
    });
}

#[test]
fn the_builder_that_buildx_use_selected_is_told_and_not_used() {
    with_remote("bxuse", |engine, project, remote| {
        project.write("compose.yaml", WEB);
        project.write("Dockerfile", "FROM scratch\nLABEL a=b\n");
        let used = engine
            .docker()
            .env("BUILDX_CONFIG", remote.state())
            .args(["buildx", "use", "far"])
            .status();
        assert!(used.expect("buildx runs").success());
        let plan = project
            .ran(remote.dcb(&project, engine).arg("plan"))
            .expect(0);
        plan.telling(&[
            "note: `docker buildx use` selected the builder `far` (remote), which dcb builds with only where it is asked to",
            "build with it: --builder far",
            "buildkit: the engine's own BuildKit builds it",
        ]);
        let mut asked = remote.dcb(&project, engine);
        let asked = project
            .ran(asked.env("BUILDX_BUILDER", "default").arg("plan"))
            .expect(0);
        assert_eq!(asked.stderr, "", "{}", asked.told());
    });
}

#[test]
fn a_failure_has_its_class_and_its_place() {
    with_remote("bxfail", |engine, project, remote| {
        project.write(
            "compose.yaml",
            "services:\n  run: {build: {context: ., dockerfile: run.Dockerfile}}\n  copy: {build: {context: ., dockerfile: copy.Dockerfile}}\n  word: {build: {context: ., dockerfile: word.Dockerfile}}\n  base: {build: {context: ., dockerfile: base.Dockerfile}}\n  inline: {build: {context: ., dockerfile_inline: \"FROM busybox\\nRUN exit 5\\n\"}}\n",
        );
        project.write(
            "run.Dockerfile",
            "FROM busybox\nRUN echo oh && \\\n  exit 7\n",
        );
        project.write("copy.Dockerfile", "FROM scratch\nCOPY nothing /\n");
        project.write("word.Dockerfile", "FROM scratch\nCOPI a /\n");
        // A name of its own: the builder's engine has images of other tests.
        let base = format!("FROM 127.0.0.1:1/{}\n", project.name());
        project.write("base.Dockerfile", &base);
        for (service, code, words) in [
            (
                "run",
                1,
                [
                    "ended with exit code 7",
                    "--> run.Dockerfile:2:1",
                    "run-failed",
                ],
            ),
            (
                "copy",
                1,
                [
                    "`nothing` is not in the build context",
                    "--> copy.Dockerfile:2:1",
                    "copy-source",
                ],
            ),
            (
                "word",
                1,
                [
                    "unknown instruction: COPI",
                    "--> word.Dockerfile:2:1",
                    "dockerfile-syntax",
                ],
            ),
            (
                "base",
                5,
                [
                    "failed to look up `127.0.0.1:1/<project>:latest`",
                    "--> base.Dockerfile:1:1",
                    "registry-unreachable",
                ],
            ),
            (
                "inline",
                1,
                [
                    "ended with exit code 5",
                    "dockerfile_inline:2:1",
                    "run-failed",
                ],
            ),
        ] {
            let mut dcb = remote.dcb(&project, engine);
            let ran = project.ran(dcb.args(["build", "--builder", "far", service]));
            ran.expect(code).telling(&words);
        }
    });
}

#[test]
fn a_builder_that_is_not_there_is_told_with_what_is() {
    with_remote("bxnone", |engine, project, remote| {
        project.write("compose.yaml", WEB);
        project.write("Dockerfile", "FROM scratch\nLABEL a=b\n");
        let mut dcb = remote.dcb(&project, engine);
        let ran = project.ran(dcb.args(["build", "--builder", "fra"]));
        ran.expect(3).telling(&[
            "there is no builder `fra`",
            "did you mean `far`?",
            "docker buildx ls",
        ]);
        let mut dcb = remote.dcb(&project, engine);
        let named = dcb.env("BUILDX_BUILDER", "nope").arg("plan");
        project.ran(named).expect(3).telling(&[
            "there is no builder `nope`",
            "or build with the engine: leave out BUILDX_BUILDER",
        ]);
        remote.create_at(engine, "gone", "unix:///nonexistent/buildkitd.sock");
        let mut dcb = remote.dcb(&project, engine);
        let ran = project.ran(dcb.args(["build", "--builder", "gone"]));
        ran.expect(3).telling(&[
            "the builder `gone` does not answer",
            "docker buildx inspect --bootstrap gone",
            "builder-unreachable",
        ]);
    });
}

#[test]
fn a_container_that_cannot_be_started_is_no_fault_of_the_dockerfile() {
    on_engines(&with_buildx(), "bxboot", |engine, project| {
        project.write("compose.yaml", WEB);
        project.write("Dockerfile", "FROM scratch\nLABEL a=b\n");
        let dcb = |words: &[&str]| {
            let mut dcb = project.dcb_on(engine);
            dcb.env("BUILDX_CONFIG", project.path().join("state"));
            project.ran(dcb.args(words))
        };
        let option = "image=127.0.0.1:1/buildkit";
        dcb(&["builder", "create", "--driver-opt", option, "dcb-boot"]).expect(0);
        let ran = dcb(&["build", "--builder", "dcb-boot"]);
        ran.expect(3).telling(&[
            "the builder `dcb-boot` does not answer",
            "docker buildx inspect --bootstrap dcb-boot",
            "its image must come from a registry that the engine reaches",
            "builder-unreachable",
        ]);
        dcb(&["builder", "rm", "--yes", "dcb-boot"]).expect(0);
    });
}

#[test]
fn without_a_usable_buildx_it_says_so_before_anything_is_built() {
    let Some(engine) = engines().into_iter().find(Engine::is_old) else {
        return;
    };
    let project = Project::new("bxmiss")
        .file("compose.yaml", WEB)
        .file("Dockerfile", "FROM scratch\n");
    project.write(
        "state/instances/far",
        r#"{"Name":"far","Driver":"remote","Nodes":[{"Name":"n","Endpoint":"unix:///x"}]}"#,
    );
    let plan = || {
        let mut dcb = project.dcb_on(&engine);
        dcb.env("BUILDX_CONFIG", project.path().join("state"))
            .env("DOCKER_CONFIG", project.path().join("config"));
        project
            .ran(dcb.args(["plan", "--builder", "far"]))
            .expect(3)
    };
    plan().telling(&[
        "needs buildx, and there is none",
        ": sudo apt-get install docker-buildx-plugin\n",
    ]);
    let plugin = project.path().join("config/cli-plugins/docker-buildx");
    project.write(
        "config/cli-plugins/docker-buildx",
        "#!/bin/sh\necho '{\"SchemaVersion\":\"0.1.0\",\"Vendor\":\"x\",\"Version\":\"v0.12.1\"}'\n",
    );
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&plugin, mode).expect("a mode");
    plan().telling(&[
        "buildx v0.12.1 (`",
        "is too old for a builder of your own: it takes 0.13",
    ]);
}

#[test]
fn what_only_the_engine_has_is_refused_before_anything_is_built() {
    with_remote("bxbase", |engine, project, remote| {
        project.write(
            "compose.yaml",
            &format!(
                "services:\n  base: {{build: {{context: ., dockerfile_inline: \"FROM scratch\\nLABEL a=b\\n\"}}, image: {0}-base}}\n  web: {{build: {{context: ., dockerfile_inline: \"FROM {0}-base\\n\", extra_hosts: ['h:host-gateway']}}}}\n",
                project.name()
            ),
        );
        let mut dcb = remote.dcb(&project, engine);
        let ran = project.ran(dcb.args(["build", "--builder", "far"]));
        ran.expect(2).telling(&[
            "the image of `web` begins with that of `base`, which only the engine will have: the builder `far` does not see it",
            "`extra_hosts` of service `web` has `h` at `host-gateway`",
        ]);
    });
}

#[test]
fn a_build_that_is_stopped_leaves_nothing_running() {
    with_remote("bxstop", |engine, project, remote| {
        project.write("compose.yaml", WEB);
        project.write("Dockerfile", "FROM busybox\nRUN echo begun && sleep 600\n");
        let mut dcb = remote.dcb(&project, engine);
        let temporary = project.path().join("tmp");
        std::fs::create_dir(&temporary).expect("a directory");
        dcb.env("TMPDIR", &temporary);
        let mut running = project.start(dcb.args(["build", "-v", "--builder", "far"]));
        running.until_told("|  begun");
        let child = children(running.id());
        assert_eq!(child.len(), 1, "buildx alone");
        running.signal(Signal::TERM);
        let ran = running.end(Duration::from_secs(15));
        assert_eq!(ran.signal, Some(15), "{}", ran.told());
        until("buildx to be gone", Duration::from_secs(5), || {
            !std::path::Path::new(&format!("/proc/{}", child[0])).exists()
        });
        let left = temporary.read_dir().expect("a directory").count();
        assert_eq!(left, 0, "temporary files");
    });
}

/// The processes that `parent` started.
fn children(parent: u32) -> Vec<u32> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let text = std::fs::read_to_string(path).expect("it runs");
    text.split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

#[test]
fn a_service_is_started_from_what_was_built_elsewhere() {
    with_remote("bxup", |engine, project, remote| {
        project.write(
            "compose.yaml",
            "services: {web: {build: ., init: true, network_mode: none, command: cat /a}}\n",
        );
        project.write("Dockerfile", "FROM busybox\nCOPY a /a\n");
        project.write("a", "from elsewhere\n");
        let mut dcb = remote.dcb(&project, engine);
        let ran = project.ran(dcb.args([
            "up",
            "--builder",
            "far",
            "--no-color",
            "--abort-on-container-exit",
        ]));
        ran.expect(0).telling(&["from elsewhere"]);
    });
}
