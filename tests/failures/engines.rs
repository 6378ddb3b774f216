//! Engines that hang, die, fill up or break under a build.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::{PrivateEngine, Project, on_every_engine};
use crate::{failing, simple, tells};

/// Runs `test` with a private engine of every generation.
fn on_private_engines(name: &str, test: impl Fn(&PrivateEngine, Project) + Sync) {
    on_every_engine(name, |engine, project| {
        // Engines that the script did not start are others', and not to be killed.
        if let Some(private) = PrivateEngine::like(engine) {
            test(&private, project);
        }
    });
}

#[test]
fn an_engine_that_hangs_is_told_within_seconds() {
    on_private_engines("hung", |engine, project| {
        let project = simple(project, "FROM busybox\n");
        engine.signal(Signal::STOP);
        // Two of them for the engine's answer; the rest for a machine that is busy with other tests.
        let ran = project
            .start(project.dcb_on(engine).arg("build"))
            .end(Duration::from_secs(8));
        engine.signal(Signal::CONT);
        let ran = ran.expect(3);
        ran.telling(&["accepts connections and does not answer"]);
    });
}

#[test]
fn an_engine_that_is_killed_during_a_step_is_told_at_once() {
    on_private_engines("killed", |engine, project| {
        let project = simple(project, "FROM busybox\nRUN echo started; sleep 60\n");
        let mut running = project.start(project.dcb_on(engine).args(["build", "-v"]));
        running.until_told("  |  started");
        engine.signal(Signal::KILL);
        let ran = running.end(Duration::from_secs(3)).expect(3);
        ran.telling(&[
            "web  failed  <time>  daemon-lost",
            "went away",
            "look into its log: journalctl -u docker",
        ]);
    });
}

#[test]
fn ctrl_c_ends_the_process_even_when_the_engine_hangs_during_a_step() {
    on_private_engines("frozen", |engine, project| {
        let project = simple(project, "FROM busybox\nRUN echo started; sleep 60\n");
        let mut running = project.start(project.dcb_on(engine).args(["build", "-v"]));
        running.until_told("  |  started");
        engine.signal(Signal::STOP);
        running.signal(Signal::INT);
        let ran = running.end(Duration::from_secs(4));
        assert_eq!(ran.signal, Some(Signal::INT.as_raw()), "{}", ran.told());
    });
}

#[test]
fn an_engine_that_is_killed_during_a_transfer_is_told_at_once() {
    on_private_engines("killed2", |engine, project| {
        let project = simple(project, "FROM busybox\nCOPY . /all\n");
        project.write_endless("big");
        let running = project.start(project.dcb_on(engine).arg("build"));
        running.until_it_sends();
        engine.signal(Signal::KILL);
        running
            .end(Duration::from_secs(3))
            .expect(3)
            .telling(&["daemon-lost"]);
    });
}

#[test]
fn an_engine_that_is_told_to_end_during_a_step_is_lost_and_not_short_of_memory() {
    on_private_engines("ended", |engine, project| {
        let project = simple(project, "FROM busybox\nRUN echo started; sleep 60\n");
        let mut running = project.start(project.dcb_on(engine).args(["build", "-v"]));
        running.until_told("  |  started");
        engine.signal(Signal::TERM);
        let ran = running.end(Duration::from_secs(30)).expect(3);
        ran.telling(&["daemon-lost", "went away", "finished steps are kept"]);
        project.run(engine, &["build"]).expect(3);
    });
}

#[test]
fn what_was_built_before_an_engine_died_is_there_when_it_is_back() {
    on_private_engines("back", |engine, project| {
        let steps = "FROM busybox\nRUN echo first\nRUN echo started; sleep 4\n";
        let project = simple(project, steps);
        let mut running = project.start(project.dcb_on(engine).args(["build", "-v"]));
        running.until_told("  |  started");
        engine.signal(Signal::KILL);
        running.end(Duration::from_secs(3)).expect(3);
        engine.restart();
        let ran = project.run(engine, &["build"]).expect(0);
        ran.telling(&["CACHED  [2/3] RUN echo first", "web  built"]);
    });
}

#[test]
fn an_engine_whose_disk_is_full_says_so() {
    on_every_engine("disk", |engine, project| {
        let Some(engine) = PrivateEngine::with_disk(engine, "96m") else {
            return;
        };
        let project = simple(project, "FROM busybox\nCOPY big /\n");
        let big = std::fs::File::create(project.path().join("big")).expect("a file");
        big.set_len(128 << 20).expect("a sparse file");
        tells(
            &failing(&engine, &project, &["build"]),
            &[
                "exit code 6\n",
                "no space left on device",
                "disk-full",
                ": dcb cache prune\n",
            ],
        );
    });
}

#[test]
fn an_engine_whose_storage_is_broken_is_told_apart_from_the_dockerfile() {
    on_private_engines("broken", |engine, project| {
        let directory = engine.socket().parent().expect("a directory").join("data");
        let storage = directory.join("overlay2");
        if engine.has_containerd_store() || !storage.exists() {
            return;
        }
        std::fs::rename(&storage, directory.join("gone")).expect("ours");
        std::fs::write(&storage, "").expect("ours");
        let project = simple(project, "FROM busybox\nCOPY Dockerfile /\n");
        tells(
            &failing(engine, &project, &["build", "--no-fallback"]),
            &[
                "exit code 7\nerror: the builder itself failed: ",
                "not a directory",
                "= help: look into the engine's log: journalctl -u docker",
                "builder-broken",
            ],
        );
    });
}
