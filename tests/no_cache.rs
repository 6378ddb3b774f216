//! `--no-cache`, and how much of the cache it means: layers and cache mounts, layers alone, a service,
//! a stage. Steps tell how often they ran by counting in their cache mounts.

mod support;

use support::{Engine, Project, engines, on_engines, on_every_engine, podman};

/// A step before others, and two with cache mounts: one that begins empty, one on a directory that
/// the frontend makes for its `mode`.
fn counting() -> Project {
    let project = Project::new("nocache");
    let id = project.name().to_owned();
    // The step that makes the directory is the same for all who ask for the same owner, and a build of
    // somebody else without the cache, at the same time, would make it anew for all.
    let owner = 100_000
        + id.bytes()
            .fold(0_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 900_000);
    let count = |name: &str| {
        format!("n=$(cat /c/n 2>/dev/null || echo 0); echo $((n+1)) >/c/n; cp /c/n /{name}")
    };
    project
        .file(
            "compose.yaml",
            "services:\n  web:\n    build: .\n  api:\n    build: {context: ., target: deps}\n",
        )
        .file(
            "Dockerfile",
            &format!(
                "FROM busybox AS deps\n\
                 RUN echo {id}; head -c 6 /dev/urandom | base64 >/random\n\
                 FROM deps AS app\n\
                 RUN --mount=type=cache,id={id}-plain,target=/c {}\n\
                 RUN --mount=type=cache,id={id}-mode,target=/c,mode=0755,uid={owner} {}\n\
                 RUN cat /plain /mode /random | tr '\\n' ' ' >/all\n",
                count("plain"),
                count("mode"),
            ),
        )
}

/// How often the steps with mounts ran since these were empty, and what the first step drew.
fn counts(project: &Project, engine: &Engine) -> (u32, u32, String) {
    let all = engine.read(&project.image(engine, "web"), &["/all"]);
    let mut words = all.split_whitespace();
    let mut next = || words.next().expect("a word").to_owned();
    let number = |word: String| word.parse().expect("a number");
    (number(next()), number(next()), next())
}

#[test]
fn alone_it_empties_cache_mounts_and_with_layers_it_keeps_them() {
    on_every_engine("nocache", |engine, _| {
        let project = counting();
        let build = |flags: &[&str]| {
            let ran = project.run(engine, &[&["build"], flags, &["web"]].concat());
            (ran.expect(0), counts(&project, engine))
        };
        let (_, first) = build(&[]);
        assert_eq!((first.0, first.1), (1, 1));

        let before = if engine.is_old() {
            let words = ["build", "--no-cache=layers", "web"];
            let refused = project.run(engine, &words).expect(2);
            refused.telling(&["has cache mounts, and engine <version> can die", "25.0"]);
            first
        } else {
            let (ran, layers) = build(&["--no-cache=layers"]);
            assert_eq!((layers.0, layers.1), (2, 2), "ran again, with their mounts");
            assert_ne!(layers.2, first.2, "the step without a mount ran again");
            assert!(!ran.told().contains("emptied"), "{}", ran.told());
            layers
        };
        // What Docker Compose, or anybody else, builds next is what was built last.
        let (_, next) = build(&[]);
        assert_eq!(next, before, "all from the cache");

        let (ran, none) = build(&["--no-cache"]);
        // Before 27.4 the engine leaves mounts alone that begin with a directory.
        let mode = if engine.major() < 28 { before.1 + 1 } else { 1 };
        assert_eq!(
            (none.0, none.1),
            (1, mode),
            "ran again without their mounts"
        );
        assert_ne!(none.2, before.2);
        ran.telling(&[
            "its cache mounts are emptied too: `/c`",
            "--no-cache=layers",
        ]);
    });
}

#[test]
fn a_stage_is_built_anew_with_all_that_begins_with_it_and_only_its_own_mounts_are_emptied() {
    on_engines(&engines()[1..2], "nocachestage", |engine, _| {
        let project = counting();
        let build = |flags: &[&str]| {
            project.run(engine, &[&["build"], flags].concat()).expect(0);
            counts(&project, engine)
        };
        let first = build(&[]);
        let deps = build(&["--no-cache=web:deps"]);
        assert_eq!((deps.0, deps.1), (2, 2), "what begins with it ran again");
        assert_ne!(deps.2, first.2);
        let app = build(&["--no-cache=web:app"]);
        assert_eq!(app.0, 1, "its mount was emptied");
        assert_eq!(app.2, deps.2, "and `deps` is from the cache");
    });
}

#[test]
fn classic_builders_have_no_mounts_to_empty_and_podman_keeps_its_own() {
    let newest = &engines()[2];
    let plain = Project::new("nocacheclassic")
        .file("compose.yaml", "services: {web: {build: .}}\n")
        .file(
            "Dockerfile",
            "FROM busybox\nRUN head -c 6 /dev/urandom | base64 >/random\n",
        );
    let random = |flags: &[&str]| {
        let words = [&["build", "--force-traditional", "web"], flags].concat();
        plain.run(newest, &words).expect(0);
        newest.run(&plain.image(newest, "web"), &["cat", "/random"])
    };
    let first = random(&[]);
    assert_eq!(random(&[]), first);
    let again = random(&["--no-cache=layers"]);
    assert_ne!(again, first, "all layers are built anew");
    let stage = plain.run(
        newest,
        &["build", "--force-traditional", "--no-cache=web:stage-0"],
    );
    stage.expect(2).telling(&["knows no stages in its cache"]);

    let Some(podman) = podman() else { return };
    let project = counting();
    let build = |flags: &[&str]| {
        let ran = project.run(&podman, &[&["build"], flags, &["web"]].concat());
        (ran.expect(0), counts(&project, &podman))
    };
    let (_, first) = build(&[]);
    let (ran, second) = build(&["--no-cache"]);
    assert_eq!(second.0, first.0 + 1, "{}", ran.told());
    assert_ne!(second.2, first.2);
    ran.telling(&["Podman keeps what is in its cache mounts: `/c`"]);
}

#[test]
fn what_it_cannot_mean_is_refused_before_anything_is_built() {
    let project = Project::new("nocacherefused")
        .file(
            "compose.yaml",
            "services:\n  web: {build: .}\n  api: {build: .}\n  db: {image: postgres}\n",
        )
        .file(
            "Dockerfile",
            "FROM busybox AS base\nRUN --mount=type=cache,target=/c true\n",
        );
    for (words, told) in [
        (&["--no-cache=wbe"][..], "did you mean `web`?"),
        (&["--no-cache=db"], "has no `build:` section"),
        (
            &["--no-cache=api", "web"],
            "is not among the services that are built here",
        ),
        (&["--no-cache=web:bsae"], "did you mean `base`?"),
        (&["--no-cache=web:"], "names nothing"),
        (
            &["--no-cache", "--no-cache=layers"],
            "`--no-cache=layers` keeps them",
        ),
        (
            &["--no-cache=layers,web"],
            "is for all services that are built",
        ),
    ] {
        let ran = project.run_alone(&[&["plan"], words].concat());
        ran.expect(2).telling(&[told]);
    }
    // What follows it is a service, as ever.
    let ran = project.run_alone(&["plan", "--no-cache", "web"]).expect(0);
    assert!(ran.stdout.contains("no cache"), "{}", ran.told());
    assert!(!ran.stdout.contains("api"), "{}", ran.told());
    let ran = project.run_alone(&["plan", "--no-cache=layers"]).expect(0);
    assert!(
        ran.stdout.contains("no cache, cache mounts kept"),
        "{}",
        ran.told()
    );
}

#[test]
fn a_builder_of_the_users_own_that_would_empty_mounts_is_told_so() {
    let Some(engine) = support::containerd_store() else {
        return;
    };
    let own = support::builder::Remote::of(&engine);
    own.create(&engine, "far");
    let project = counting();
    let mut command = own.dcb(&project, &engine);
    command.args(["plan", "--builder", "far", "--no-cache=layers", "web"]);
    project.ran(&mut command).expect(2).telling(&[
        "`--no-cache=layers`: `web` is built by `far` through buildx, which empties the cache mounts",
        "--builder default",
    ]);
}
