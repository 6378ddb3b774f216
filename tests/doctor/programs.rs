//! Docker's programs, their configuration, and what else lies about on a machine.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use crate::support::{Engine, Project, engines, newest, on_every_engine};
use crate::{all_found, answering, capture, doctor, fine, found, remedy};

#[test]
fn what_is_wrong_with_docker_programs_is_told_and_its_remedy_works() {
    on_every_engine("programs", |engine, empty| {
        let project = fine(empty);
        let config = project.home().join("config");
        let plugins = config.join("cli-plugins");
        std::fs::create_dir_all(&plugins).expect("a directory");
        let with = || {
            doctor(
                &project,
                project.dcb_on(engine).env("DOCKER_CONFIG", &config),
            )
        };
        let write = |text: &str| std::fs::write(config.join("config.json"), text).expect("written");

        write("{,}");
        assert_eq!(found(&with().expect(8)), ["error CLI-07"]);
        write(r#"{"currentContext": "gone"}"#);
        let mut command = project.dcb_on(engine);
        command
            .env("DOCKER_CONFIG", &config)
            .env_remove("DOCKER_HOST");
        let ran = doctor(&project, &mut command).expect(8);
        assert!(
            found(&ran).contains(&"error CLI-09".to_owned()),
            "{}",
            ran.told()
        );
        assert!(
            !found(&ran).contains(&"error ENG-01".to_owned()),
            "it is told once"
        );
        write(r#"{"credsStore": "gone"}"#);
        assert!(found(&with()).contains(&"warning CLI-08".to_owned()));
        write("{}");

        let buildx = plugins.join("docker-buildx");
        symlink("/nonexistent/docker-buildx", &buildx).expect("a link");
        let ran = with().expect(0);
        assert!(
            found(&ran).contains(&"warning CLI-04".to_owned()),
            "{}",
            ran.told()
        );
        run(&remedy(&ran, "CLI-04"));
        assert!(!found(&with()).contains(&"warning CLI-04".to_owned()));
        let metadata = r#"{"SchemaVersion":"0.1.0","Vendor":"t","Version":"v0.29.1"}"#;
        std::fs::write(&buildx, format!("#!/bin/sh\necho '{metadata}'\n")).expect("a program");
        std::fs::set_permissions(&buildx, PermissionsExt::from_mode(0o644)).expect("a mode");
        let ran = with().expect(0);
        assert!(
            found(&ran).contains(&"warning CLI-04".to_owned()),
            "{}",
            ran.told()
        );
        run(&remedy(&ran, "CLI-04"));
        assert!(!found(&with()).contains(&"warning CLI-04".to_owned()));
    });
}

#[test]
fn without_compose_the_build_goes_on_and_up_says_what_is_missing() {
    on_every_engine("alone", |engine, empty| {
        let project = fine(empty);
        let dcb = || {
            let mut dcb = project.dcb();
            dcb.env("DOCKER_HOST", &engine.host)
                .env("PATH", "/nonexistent");
            dcb
        };
        let ran = doctor(&project, &mut dcb()).expect(0);
        assert_eq!(found(&ran), ["warning CLI-03"]);
        let all = all_found(&ran);
        for note in ["note CLI-01", "note CLI-04"] {
            assert!(all.contains(&note.to_owned()), "{all:?}");
        }
        assert!(remedy(&ran, "CLI-03").contains(": sudo apt-get install docker-compose"));
        project.ran(dcb().arg("build")).expect(0);
        let _ = project
            .ran(dcb().args(["up", "-d"]))
            .expect(3)
            .telling(&["no Docker Compose found: "]);
    });
}

#[test]
fn a_buildx_too_old_for_compose_is_told_and_bake_is_switched_off_when_that_is_named() {
    for engine in engines().iter().filter(|engine| engine.suite == "sid") {
        let project = fine(Project::new("bake")).file(".env", "PORT=80");
        let plugins = project.home().join("config/cli-plugins");
        std::fs::create_dir_all(&plugins).expect("a directory");
        let compose = engine.config.join("cli-plugins/docker-compose");
        symlink(&compose, plugins.join("docker-compose")).expect("a link");
        let metadata = r#"{"SchemaVersion":"0.1.0","Vendor":"t","Version":"v0.12.1"}"#;
        let buildx = plugins.join("docker-buildx");
        std::fs::write(&buildx, format!("#!/bin/sh\necho '{metadata}'\n")).expect("a program");
        std::fs::set_permissions(&buildx, PermissionsExt::from_mode(0o755)).expect("a mode");
        let config = project.home().join("config");
        let with = |arguments: &[&str]| {
            let mut dcb = project.dcb_on(engine);
            project.ran(dcb.env("DOCKER_CONFIG", &config).args(arguments))
        };
        let by_hand = || {
            let mut docker = project.other_on(engine, "docker");
            project.ran(
                docker
                    .env("DOCKER_CONFIG", &config)
                    .args(["compose", "build"]),
            )
        };
        let named = ["doctor", "--only=CLI-05", "--json"];
        assert_eq!(all_found(&with(&named).expect(0)), ["note CLI-05"]);
        let _ = by_hand().telling(&["requires buildx 0.17 or later"]);
        // Only when it is asked for by name.
        let _ = with(&["doctor", "--only=programs", "--fix", "--yes"])
            .telling(&["there is nothing that dcb can mend by itself"]);
        let fix = ["doctor", "--only=CLI-05", "--fix", "--yes"];
        let _ = with(&fix)
            .expect(0)
            .telling(&["@@ -1,0 +2 @@\n+COMPOSE_BAKE=false\n", "done\n"]);
        let text = std::fs::read_to_string(project.path().join(".env")).expect("a file");
        assert_eq!(text, "PORT=80\nCOMPOSE_BAKE=false\n");
        assert_eq!(all_found(&with(&named).expect(0)), [] as [&str; 0]);
        by_hand().expect(0);
        let _ = with(&fix).telling(&["there is nothing that dcb can mend by itself"]);
    }
}

#[test]
fn a_builder_whose_container_cannot_be_made_or_does_not_run_is_told() {
    for engine in engines().iter().filter(|engine| engine.suite == "sid") {
        let project = fine(Project::new("container"));
        let buildx = project.home().join("buildx");
        let builder = project.name();
        let docker = |arguments: &[&str]| {
            let mut docker = project.other_on(engine, "docker");
            project
                .ran(docker.env("BUILDX_CONFIG", &buildx).args(arguments))
                .expect(0)
        };
        let of = |chosen: &[(&str, &str)]| {
            let mut dcb = project.dcb_on(engine);
            dcb.env("BUILDX_CONFIG", &buildx)
                .envs(chosen.iter().copied());
            let ran = project
                .ran(dcb.args(["doctor", "--only=BLD-02,BLD-03", "--json"]))
                .expect(0);
            (all_found(&ran), ran)
        };
        docker(&[
            "buildx",
            "create",
            "--name",
            builder,
            "--driver",
            "docker-container",
        ]);
        let variable = [("BUILDX_BUILDER", builder)];
        let (found, ran) = of(&variable);
        assert_eq!(found, ["warning BLD-03"]);
        assert_eq!(
            remedy(&ran, "BLD-03"),
            "docker pull moby/buildkit:buildx-stable-1"
        );
        docker(&["buildx", "use", builder]);
        assert_eq!(of(&[]).0, ["note BLD-02", "note BLD-03"]);
        // One that is made of an image which is here, and paused.
        let container = format!("buildx_buildkit_{builder}0");
        docker(&[
            "run", "--detach", "--name", &container, "busybox", "sleep", "600",
        ]);
        assert_eq!(of(&variable).0, [] as [&str; 0]);
        docker(&["pause", &container]);
        let (found, ran) = of(&variable);
        assert_eq!(found, ["warning BLD-03"]);
        let words = remedy(&ran, "BLD-03");
        docker(&words.split(' ').skip(1).collect::<Vec<_>>());
        assert_eq!(of(&variable).0, [] as [&str; 0]);
        docker(&["rm", "--force", &container]);
    }
}

/// Runs a remedy that is one command.
fn run(remedy: &str) {
    let mut words = remedy.split(' ');
    let status = Command::new(words.next().expect("a program"))
        .args(words)
        .status();
    assert!(status.expect("it runs").success(), "{remedy}");
}

#[test]
fn what_lies_about_on_a_machine_is_told_by_its_own_check() {
    let engine = newest();
    let project = fine(Project::new("machine"));
    let home = project.home().to_owned();
    let at_home = |path: &str| home.join(path).display().to_string();
    let plugin = |path: &str| {
        std::fs::create_dir_all(home.join(path)).expect("a directory");
        let path = home.join(path).join("docker-buildx");
        std::fs::write(&path, "#!/bin/sh\necho '{\"Version\":\"v0.29.1\"}'\n").expect("a program");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("a mode");
    };
    plugin("config/cli-plugins");
    plugin("more");
    let extra = format!("{{\"cliPluginsExtraDirs\": [\"{}\"]}}", at_home("more"));
    std::fs::write(home.join("config/config.json"), extra).expect("written");
    std::fs::create_dir_all(home.join("buildx")).expect("a directory");
    let current = r#"{"Key": "", "Name": "gone", "Global": true}"#;
    std::fs::write(home.join("buildx/current"), current).expect("written");
    std::fs::create_dir_all(home.join("bin")).expect("a directory");
    std::fs::copy(engine.bin.join("docker"), home.join("bin/docker")).expect("a copy");
    let twice = format!("{}:{}:/usr/bin:/bin", at_home("bin"), engine.bin.display());
    let mut rows = vec![
        ("note CLI-02", "PATH", twice),
        ("note CLI-06", "DOCKER_CONFIG", at_home("config")),
        ("warning BLD-01", "BUILDX_CONFIG", at_home("buildx")),
        ("warning DSK-06", "TMPDIR", at_home("none")),
        (
            "note NET-03",
            "HTTPS_PROXY",
            "http://proxy.invalid:3128".to_owned(),
        ),
        (
            "note ENV-03",
            "DOCKER_CLI_EXPERIMENTAL",
            "enabled".to_owned(),
        ),
        (
            "warning ENG-10",
            "DOCKER_HOST",
            "tcp://engine.invalid:2375".to_owned(),
        ),
        ("error ENG-01", "DOCKER_HOST", "foo://x".to_owned()),
    ];
    if let Some(old) = engines().into_iter().find(Engine::is_old) {
        let path = format!("{}:/usr/bin:/bin", old.bin.display());
        rows.push(("note CLI-10", "PATH", path));
    }
    for (expected, name, value) in rows {
        let mut dcb = project.dcb_on(&engine);
        dcb.env(name, value);
        let ran = project.ran(dcb.args(["doctor", "--json"]));
        let all = all_found(&ran);
        assert!(all.contains(&expected.to_owned()), "{expected}: {all:?}");
    }
    let host = answering(&project, capture("docker-desktop"));
    let ran = doctor(&project, project.dcb().env("DOCKER_HOST", host));
    assert!(all_found(&ran).contains(&"note PLT-06".to_owned()));
}
