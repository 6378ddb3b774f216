//! `--fix`: what is safe is done, what is not is left alone, and a second run finds nothing.

use std::os::unix::fs::symlink;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::{PrivateEngine, Project, engines, on_every_engine};
use crate::{HERE, all_found, fine};

#[test]
fn buildkit_is_switched_on_in_the_engines_configuration_and_nothing_else_changes() {
    for engine in engines() {
        let Some(private) = PrivateEngine::like(&engine) else {
            continue;
        };
        let project = fine(Project::new("fix"));
        let file = private.directory().join("run/daemon.json");
        let read = || std::fs::read_to_string(&file).expect("its configuration");
        let text = "{\n  // \n}".replace(
            "// ",
            "\"debug\": true,\n\t\"features\" : { \"buildkit\":false }",
        );
        std::fs::write(&file, &text).expect("written");
        let fix = |flags: &[&str]| {
            project
                .run(
                    &private,
                    &[&["doctor", "--only=ENG-07", "--fix"], flags].concat(),
                )
                .expect(0)
        };
        let ran = project.run(&private, &["doctor", "--only=ENG-05,ENG-07", "--json"]);
        let expected: &[&str] = if engine.is_old() {
            &["note ENG-05", "warning ENG-07"]
        } else {
            &["note ENG-07"]
        };
        assert_eq!(all_found(&ran), expected, "whether a program here obeys it");
        let words =
            ["-\t\"features\" : { \"buildkit\":false }\n+\t\"features\" : { \"buildkit\":true }\n"];
        let _ = fix(&["--dry-run"])
            .telling(&words)
            .telling(&["not done: --dry-run"]);
        let _ = fix(&[]).telling(&words).telling(&["nobody agreed"]);
        assert_eq!(read(), text);
        let pid = private.pid();
        let _ = fix(&["--yes"])
            .telling(&words)
            .telling(&["done, the file as it was is `", "ready: "]);
        assert_eq!(read(), text.replace("false", "true"));
        let copy = file.with_file_name("daemon.json.before-dcb.1");
        assert_eq!(std::fs::read_to_string(copy).expect("a copy"), text);
        assert_eq!(private.pid(), pid, "it was not restarted");
        let _ = fix(&["--yes"]).telling(&["there is nothing that dcb can mend by itself"]);
        // What the engine would refuse is not written. One before 23.0 cannot say so beforehand: it goes
        // on with what it had, which shows in its answers.
        let wrong = text.replace("\"debug\": true", "\"no-such-key\": true");
        let why = if engine.is_old() {
            std::fs::write(&file, &text).expect("written");
            private.signal(Signal::HUP);
            std::thread::sleep(Duration::from_millis(500));
            "not done: the engine has not taken it"
        } else {
            "not done: the engine would refuse it: "
        };
        std::fs::write(&file, &wrong).expect("written");
        let ran = fix(&["--yes"]).telling(&[why]);
        assert!(engine.is_old() || ran.stdout.contains("no-such-key"));
        assert_eq!(read(), wrong);
    }
}

#[test]
fn a_configuration_after_which_the_engine_does_not_answer_is_put_back() {
    for engine in engines().iter().filter(|engine| engine.suite == "sid") {
        let Some(private) = PrivateEngine::like(engine) else {
            continue;
        };
        let project = fine(Project::new("back"));
        let directory = private.socket().parent().expect("a directory").join("run");
        let file = directory.join("daemon.json");
        let text = "{ \"features\": { \"buildkit\": false } }\n";
        std::fs::write(&file, text).expect("written");
        let fix = ["doctor", "--only=ENG-02,ENG-07", "--fix", "--yes"];
        // The engine is stopped as soon as there is something to become its new configuration.
        let is_new = |name: &str| name.starts_with(".daemon.json.");
        let names = || {
            let entries = directory.read_dir().expect("a directory").flatten();
            entries
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect::<Vec<_>>()
        };
        let once = |signal: Signal| {
            while !names().iter().any(|name| is_new(name)) {
                std::thread::sleep(Duration::from_millis(1));
            }
            private.signal(signal);
        };
        let says = |wanted: bool| {
            let wanted = format!("\"buildkit\": {wanted}");
            while !std::fs::read_to_string(&file).is_ok_and(|text| text.contains(&wanted)) {
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        let ran = std::thread::scope(|scope| {
            scope.spawn(|| {
                once(Signal::STOP);
                says(true);
                says(false);
                private.signal(Signal::CONT);
            });
            project.run(&private, &fix).expect(0)
        });
        let _ = ran.telling(&[
            "not done: the engine does not answer after it: ",
            "; the file is as it was, and the engine answers\n",
            "ready: ",
        ]);
        assert_eq!(std::fs::read_to_string(&file).expect("a file"), text);
        let copies = || {
            names()
                .iter()
                .any(|name| name.contains("before-dcb") || is_new(name))
        };
        assert!(!copies(), "{:?}", names());
        // One that is gone altogether does not come back by itself.
        let ran = std::thread::scope(|scope| {
            scope.spawn(|| once(Signal::KILL));
            project.run(&private, &fix).expect(8)
        });
        let _ = ran.telling(&[
            "; the file is as it was, and the engine does not answer: sudo systemctl restart docker\n",
            "error[ENG-02]",
        ]);
        assert_eq!(std::fs::read_to_string(&file).expect("a file"), text);
        assert!(!copies(), "{:?}", names());
    }
}

#[test]
fn plugins_and_caches_that_are_broken_are_mended() {
    on_every_engine("mended", |engine, empty| {
        let project = fine(empty);
        let config = project.home().join("config");
        std::fs::create_dir_all(config.join("cli-plugins")).expect("a directory");
        let buildx = config.join("cli-plugins/docker-buildx");
        symlink("/nonexistent/docker-buildx", &buildx).expect("a link");
        let cached =
            "services: { web: { build: { context: ., cache_from: ['type=local,src=cache'] } } }";
        project.write("compose.yaml", cached);
        project.write("cache/index.json", "{\"manif");
        let mut command = project.dcb_on(engine);
        command.env("DOCKER_CONFIG", &config);
        let fix = ["doctor", "--only=CLI-04,DSK-05", "--fix", "--yes"];
        let ran = project.ran(command.args(fix)).expect(0);
        let _ = ran.telling(&[
            "CLI-04: remove a link to nothing: rm <home>/config/cli-plugins/docker-buildx",
            "DSK-05: move it aside: mv <dir>/cache <dir>/cache.damaged.1",
        ]);
        assert!(buildx.symlink_metadata().is_err() && !project.path().join("cache").exists());
        assert!(project.path().join("cache.damaged.1/index.json").exists());
        let _ = project
            .ran(&mut command)
            .telling(&["there is nothing that dcb can mend"]);
    });
}

#[test]
fn an_ignore_file_to_begin_with_is_written_and_none_is_written_over() {
    on_every_engine("ignore", |engine, empty| {
        let project = fine(empty)
            .file(".git/HEAD", "ref: x")
            .file("Dockerfile", "FROM busybox\nCOPY . /all\n");
        let fix = ["doctor", HERE, "--fix", "--yes"];
        let ran = project.run(engine, &fix).expect(0);
        let _ = ran.telling(&[
            "CTX-02: write `<dir>/.dockerignore`:\n",
            "+.git\n",
            "done\n",
            "ready: 1 service builds",
        ]);
        let file = project.path().join(".dockerignore");
        assert_eq!(std::fs::read_to_string(&file).expect("a file"), ".git\n");
        let _ = project
            .run(engine, &fix)
            .telling(&["there is nothing that dcb can mend"]);
        project.write(".dockerignore", "# mine\n");
        let _ = project
            .run(engine, &fix)
            .telling(&["there is nothing that dcb can mend", "1 warning"]);
        assert_eq!(std::fs::read_to_string(&file).expect("a file"), "# mine\n");
    });
}
