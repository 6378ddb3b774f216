//! Engines that are not well: down, hung, forbidden, rootless, short of memory or disk, misconfigured.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::rootless::Rootless;
use crate::support::{PrivateEngine, Project, engines, on_every_engine, until};
use crate::{HERE, all_found, answering, capture, doctor, fine, found, remedy};

#[test]
fn an_engine_that_is_down_or_hung_is_told_within_its_limit() {
    let project = fine(Project::new("down"));
    let socket = project.path().join("none.sock");
    let host = format!("unix://{}", socket.display());
    let ran = project.ran(project.dcb().env("DOCKER_HOST", &host).args([
        "doctor",
        HERE,
        "--skip=programs",
    ]));
    let _ = ran.expect(8).telling(&[
        "error[ENG-02]: no engine is running",
        "= so: its one service cannot be built",
        "= help: start it: ",
        "not ready: 1 error\n",
    ]);
    let _listener = UnixListener::bind(&socket).expect("a socket");
    let ran = doctor(&project, project.dcb().env("DOCKER_HOST", &host)).expect(8);
    assert_eq!(found(&ran), ["error ENG-02", "warning CLI-03"]);
    assert!(ran.took < Duration::from_secs(6), "{:?}", ran.took);
}

#[test]
fn a_socket_that_may_not_be_opened_is_told_with_its_owner() {
    let Some(engine) = engines().into_iter().find(|engine| engine.suite == "sid") else {
        return;
    };
    let project = fine(Project::new("forbidden"));
    let open = |path: &Path, mode| {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("a mode");
    };
    open(project.path(), 0o755);
    open(project.home(), 0o777);
    let dcb = project.path().join("dcb");
    std::fs::copy(env!("CARGO_BIN_EXE_dcb"), &dcb).expect("a copy");
    open(&dcb, 0o755);
    let mut as_nobody = project.other_on(&engine, "setpriv");
    as_nobody
        .args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"])
        .arg(&dcb)
        .args(["doctor", HERE]);
    let _ = project.ran(&mut as_nobody).expect(8).telling(&[
        "error[ENG-03]: ",
        "may not be opened by this user (mode ",
        ", user 0, group ",
        "= so: its one service cannot be built",
        "sudo usermod -aG docker $USER",
        "not ready: 1 error\n",
    ]);
}

#[test]
fn an_engine_with_little_memory_is_told() {
    let project = fine(Project::new("memory"));
    let mut answers = capture("29.7");
    answers["info"]["MemTotal"] = (1u64 << 30).into();
    let host = answering(&project, answers);
    let ran = doctor(&project, project.dcb().env("DOCKER_HOST", host)).expect(0);
    assert!(
        found(&ran).contains(&"warning PLT-07".to_owned()),
        "{}",
        ran.told()
    );
}

#[test]
fn a_rootless_engine_is_known_and_builds() {
    for engine in engines().iter().filter(|engine| engine.suite == "sid") {
        let Some(rootless) = Rootless::like(engine) else {
            continue;
        };
        let project = fine(Project::new("rootless")).file(
            "Dockerfile",
            "FROM busybox\nRUN --mount=type=cache,target=/c touch /c/x && id -u >/who\n",
        );
        let ran = doctor(&project, &mut project.dcb_on(&rootless.engine)).expect(0);
        let all = all_found(&ran);
        // It tells itself which control groups it lacks.
        for note in ["note PLT-03", "note ENG-09"] {
            assert!(all.contains(&note.to_owned()), "{all:?}");
        }
        assert_eq!(found(&ran), [] as [&str; 0]);
        project.run(&rootless.engine, &["build"]).expect(0);
        // A user beyond the range that it was given.
        project.write(
            "Dockerfile",
            "FROM busybox\nCOPY --chown=90000 page /page\n",
        );
        let ran = project.run(&rootless.engine, &["build"]).expect(1);
        let _ = ran.telling(&["invalid argument"]);
    }
}

#[test]
fn a_pinned_api_is_told_by_what_it_does() {
    on_every_engine("pin", |engine, empty| {
        let project = fine(empty);
        let with = |pin: &str| {
            doctor(
                &project,
                project.dcb_on(engine).env("DOCKER_API_VERSION", pin),
            )
        };
        let ran = with("1.99").expect(8);
        assert_eq!(found(&ran), ["error ENG-04"]);
        assert_eq!(remedy(&ran, "ENG-04"), "unset DOCKER_API_VERSION");
        assert_eq!(found(&with("1.38").expect(0)), ["warning ENG-06"]);
        assert_eq!(found(&with("latest").expect(8)), ["error ENV-01"]);
    });
}

#[test]
fn a_full_disk_is_told_before_the_build() {
    for engine in engines().iter().filter(|engine| engine.suite == "sid") {
        let Some(private) = PrivateEngine::with_disk(engine, "200m") else {
            continue;
        };
        let project = fine(Project::new("full"));
        let ran = project
            .run(&private, &["doctor", "--only=disk", "--json"])
            .expect(8);
        assert!(
            found(&ran).contains(&"error DSK-01".to_owned()),
            "{}",
            ran.told()
        );
    }
}

#[test]
fn what_an_engine_keeps_and_what_builds_leave_behind_is_told() {
    for engine in engines().iter().filter(|engine| engine.suite == "sid") {
        let project = fine(Project::new("keeps"));
        // Rules that no cache obeys, and which collect nothing while this test lasts.
        let rules = r#"{"builder": {"gc": {"enabled": true, "policy": [
            {"maxUsedSpace": "1KB", "filter": ["type=exec.cachemount", "unused-for=48h"]},
            {"all": true, "filter": ["unused-for=48h"], "reservedSpace": "1KB", "minFreeSpace": "900TB"}]}}}"#;
        project.write("rules.json", rules);
        let file = project.path().join("rules.json");
        let flags = ["--config-file", file.to_str().expect("a name")];
        let Some(private) = PrivateEngine::with(engine, &flags) else {
            continue;
        };
        let build = |made: &str| {
            let text = format!(
                "FROM busybox\nRUN --mount=type=cache,target=/c dd if=/dev/zero of=/c/x bs=64k count=4 && touch /{made}\n"
            );
            project.write("Dockerfile", &text);
            project.run(&private, &["build"]).expect(0);
        };
        let found = || {
            let look = || project.run(&private, &["doctor", "--only=disk", "--json"]);
            let mut ran = look().expect(0);
            // A busy engine may not have told in time what it keeps, which is no finding.
            until(
                "the engine tells what it keeps",
                Duration::from_secs(30),
                || {
                    let is_told = !ran.stdout.contains("does not tell in time");
                    if !is_told {
                        ran = look().expect(0);
                    }
                    is_told
                },
            );
            let mut found = all_found(&ran);
            // How full this machine's disk is.
            found.retain(|it| !it.ends_with("DSK-01"));
            let keeps = private.ask(&["system", "df", "--verbose"]);
            (found, format!("{}\n{keeps}", ran.stdout), ran)
        };
        assert_eq!(found().0, [] as [&str; 0]);
        build("one");
        let (told, seen, _) = found();
        assert_eq!(told, ["note DSK-03", "warning DSK-04"], "{seen}");
        // Another image under the same name, and a step of the classic builder that fails.
        build("two");
        let mut classic = project.other_on(&private, "docker");
        project.write("Failing", "FROM busybox\nRUN touch /new\nRUN false\n");
        classic.env("DOCKER_BUILDKIT", "0");
        let _ = project.ran(classic.args(["build", "--file", "Failing", "."]));
        let (told, seen, ran) = found();
        assert_eq!(
            told,
            [
                "note DSK-03",
                "warning DSK-04",
                "note DSK-07",
                "note DSK-07"
            ],
            "{seen}"
        );
        let telling: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        let checks = telling["checks"].as_array().expect("checks");
        let check = checks.iter().find(|check| check["id"] == "DSK-07");
        let findings = &check.expect("a check")["findings"];
        let words = findings[1]["remedy"][0].as_str().expect("a remedy");
        let words: Vec<_> = words.split(' ').skip(1).collect();
        private.ask(&words);
        private.ask(&["image", "prune", "--force"]);
        let (told, seen, _) = found();
        assert_eq!(told, ["note DSK-03", "warning DSK-04"], "{seen}");
    }
}

#[test]
fn a_mistake_in_the_engines_configuration_is_found_while_the_engine_still_runs() {
    for engine in engines().iter().filter(|engine| engine.suite == "sid") {
        let Some(private) = PrivateEngine::like(engine) else {
            continue;
        };
        let project = fine(Project::new("daemon"));
        let file = private.directory().join("run/daemon.json");
        let whole = std::fs::read_to_string(&file).expect("its configuration");
        let with = |key: &str, value: Value| {
            let mut whole: Value = serde_json::from_str(&whole).expect("JSON");
            whole[key] = value;
            whole.to_string()
        };
        for (text, words) in [
            (with("no-such-key", 1.into()), "no-such-key"),
            (with("debug", "yes".into()), "debug"),
            (whole.replacen('{', "{,", 1), "line 1"),
        ] {
            std::fs::write(&file, text).expect("written");
            let ran = project.run(&private, &["doctor", HERE]).expect(0);
            let _ = ran.telling(&[
                "warning[ENG-11]",
                words,
                "and will not start the next time",
                ", 1 warning\n",
            ]);
        }
        std::fs::write(&file, &whole).expect("written");
        assert_eq!(
            found(&doctor(&project, &mut project.dcb_on(&private))),
            [] as [&str; 0]
        );
        // One that is stuck, and one that its mistake keeps from starting.
        private.signal(Signal::STOP);
        let ran = project.run(&private, &["doctor", HERE]).expect(8);
        let _ = ran.telling(&["error[ENG-02]: the engine at ", " and does not answer ("]);
        private.signal(Signal::CONT);
    }
}
