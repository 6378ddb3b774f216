//! Ignore files that change, that are long and that make no sense.

use std::ffi::OsStr;
use std::process::Command;

use fastrand::Rng;

use crate::images::{contents, emptied};
use crate::reference::{Reference, Service, Step, compose_file};
use crate::support::engines;
use crate::{
    COPY_ALL, Cache, Draws, assert_cached, clean, dcb, fresh, newest_clients, patterns, project,
    tree,
};

#[test]
fn an_ignore_file_that_changes_leaves_nothing_of_the_last_transfer() {
    let Draws { seed, cases } = Draws::asked();
    for engine in engines() {
        let clients = newest_clients(&engine);
        let mut rng = Rng::with_seed(seed);
        for _ in 0..cases.div_ceil(1000) {
            let project = project("changing", &mut fresh())
                .file(
                    "compose.yaml",
                    &compose_file(&[Service::new("one", "tree", "Dockerfile")]),
                )
                .file("tree/Dockerfile", COPY_ALL);
            for name in &tree::NAMES[..10] {
                tree::random(&project.path().join("tree").join(name), &mut rng);
            }
            for round in 0..6 {
                let ignores = patterns::ignores(&mut rng, None) + "!salt\n";
                let what = format!(
                    "DCB_FIDELITY_SEED={seed} {}: round {round}: {ignores:?}",
                    engine.version
                );
                project.write("tree/.dockerignore", &ignores);
                project.write("tree/salt", &format!("{:x}", fastrand::u128(..)));
                // Docker gets a directory that no transfer was made of.
                let copy = format!("copy-{:x}", fastrand::u64(..));
                let copied = Command::new("cp")
                    .args(["-a", "tree", &copy])
                    .current_dir(project.path())
                    .status();
                assert!(copied.expect("cp runs").success());
                let service = Service::new("copy", &copy, "Dockerfile");
                let ran = dcb(&engine, &project, Cache::Use).expect(0);
                let reference = Reference::Build
                    .build(&clients, &project, &[service])
                    .expect(0);
                let ours = format!("{}-one", project.name());
                let (mut docker, ours) = (
                    contents(&engine, &format!("{}-copy:docker", project.name())),
                    contents(&engine, &ours),
                );
                let known = emptied(&mut docker, &ours);
                let differences = tree::differences(("docker", &docker), ("dcb   ", &ours));
                assert!(differences.is_empty(), "{what}: {differences}");
                if known == 0 {
                    let what = format!("{what}: {}", ran.stderr);
                    assert_cached(&Step::of_docker(&reference), 1, &what, &reference);
                }
            }
            clean(&engine, &project);
        }
    }
}

#[test]
fn a_directory_that_was_ignored_for_a_while_comes_back_without_what_is_ignored_by_then() {
    let services = [Service::new("one", "tree", "Dockerfile")];
    for engine in engines() {
        let project = project("back", &mut fresh())
            .file("compose.yaml", &compose_file(&services))
            .file("tree/Dockerfile", COPY_ALL)
            .file("tree/salt", &format!("{:x}", fastrand::u128(..)))
            .file("tree/handle/open", "open")
            .file("tree/handler/open", "open")
            .file("tree/handler/secret", "secret");
        // While `handle` comes `handler` goes, so that an engine may confuse them.
        for (ignored, secret) in [
            ("handle\n", true),
            ("handler\n", false),
            ("handle\nhandler/secret\n", false),
        ] {
            project.write("tree/.dockerignore", &format!(".dockerignore\n{ignored}"));
            drop(dcb(&engine, &project, Cache::Use).expect(0));
            let image = contents(&engine, &format!("{}-one", project.name()));
            let found = image.contains_key(OsStr::new("all/handler/secret"));
            assert_eq!(found, secret, "{}: {ignored:?}: {image:#?}", engine.version);
        }
        clean(&engine, &project);
    }
}

#[test]
fn an_ignore_file_of_thousands_of_lines_is_honoured() {
    let services = [Service::new("one", "tree", "Dockerfile")];
    for engine in engines() {
        let mut rng = fresh();
        let mut ignores: String = (0..5000)
            .map(|line| format!("some/directory/of/a/monorepo/{line}\n"))
            .collect();
        ignores += "last\n";
        let project = project("long", &mut rng)
            .file("compose.yaml", &compose_file(&services))
            .file("tree/Dockerfile", COPY_ALL)
            .file("tree/.dockerignore", &ignores)
            .file("tree/last", "ignored")
            .file("tree/salt", &format!("{:x}", rng.u128(..)));
        drop(
            Reference::Build
                .build(&engine, &project, &services)
                .expect(0),
        );
        let ran = dcb(&engine, &project, Cache::Use).expect(0);
        assert_cached(&Step::of_dcb(&ran), 1, &engine.version, &ran);
        clean(&engine, &project);
    }
}

/// Ignore files that make one or the other builder stop.
const DOUBTFUL: [&str; 8] = [
    "[",
    "a[",
    "[]a]\n",
    "[a-\n",
    "!",
    "\\",
    "x\n!y\n[^]\n",
    "**[\n!salt",
];

#[test]
fn patterns_that_make_no_sense_stop_dcb_where_they_stop_docker() {
    for engine in engines() {
        for ignores in DOUBTFUL {
            let services = [Service::new("one", "tree", "Dockerfile")];
            let mut rng = fresh();
            let project = project("doubtful", &mut rng)
                .file("compose.yaml", &compose_file(&services))
                .file("tree/Dockerfile", COPY_ALL)
                .file("tree/.dockerignore", ignores)
                .file("tree/salt", &format!("{:x}", rng.u128(..)))
                .file("tree/a/b", "");
            let docker = Reference::Build.build(&engine, &project, &services);
            let ours = dcb(&engine, &project, Cache::Use);
            assert_eq!(
                docker.code == Some(0),
                ours.code == Some(0),
                "{}: {ignores:?}\n{}{}",
                engine.version,
                docker.stderr,
                ours.stderr
            );
            if ours.code == Some(0) {
                let steps = Step::of_dcb(&ours);
                assert_cached(
                    &steps,
                    1,
                    &format!("{}: {ignores:?}", engine.version),
                    &ours,
                );
            }
            clean(&engine, &project);
        }
    }
}
