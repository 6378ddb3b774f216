//! Base images from registries: those that work, on every engine and Podman, and what a user sees
//! of those that fail.

mod support;

use std::time::{Duration, Instant};

use support::registry::{self, Fault, Front, Registry};
use support::{Engine, Project, all_engines, engines, on_engines, on_every_engine, side_by_side};

/// What pulling an image by the engine's own client tells, when it fails.
fn pull(engine: &Engine, reference: &str) -> Result<(), String> {
    let output = engine.docker().args(["pull", reference]).output();
    let output = output.expect("docker runs");
    let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    output.status.success().then_some(()).ok_or(told)
}

/// A project whose only service builds from `image`.
fn building_from(project: Project, image: &str) -> Project {
    project
        .file("compose.yaml", "services: { web: { build: . } }\n")
        .file("Dockerfile", &format!("FROM {image}\n"))
}

#[test]
fn every_engine_pulls_from_a_registry_of_this_machine() {
    let Some(registry) = Registry::start() else {
        return;
    };
    for engine in all_engines() {
        let image = registry.push(&engine, "busybox");
        assert!(!engine.has_image(&image), "it is in the registry only");
        assert_eq!(pull(&engine, &image), Ok(()), "{engine:?}");
        assert_eq!(engine.run(&image, &["echo", "hi"]), "hi");
        engine.ask(&["rmi", &image]);
    }
}

#[test]
fn a_build_takes_its_base_image_from_a_registry() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let image = registry.push(&engines()[0], "busybox");
    on_every_engine("from-registry", |engine, project| {
        let project = building_from(project, &image);
        project.run(engine, &["build"]).expect(0);
        let built = project.image(engine, "web");
        assert_eq!(engine.run(&built, &["echo", "hi"]), "hi");
    });
}

#[test]
fn a_registry_with_a_login_wants_it() {
    let Some(registry) = Registry::with_login() else {
        return;
    };
    let image = registry.push(&engines()[0], "busybox");
    on_engines(&all_engines(), "login", |engine, _| {
        let told = pull(engine, &image).expect_err("no login");
        assert!(told.contains("auth"), "{told}");
        let config = registry::login(engine, registry.address());
        let engine = Engine {
            config: config.path().to_owned(),
            ..engine.clone()
        };
        assert_eq!(pull(&engine, &image), Ok(()));
        engine.ask(&["rmi", &image]);
    });
}

#[test]
fn a_front_passes_on_and_fails_as_it_is_told() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let front = Front::of(&registry);
    registry.push(&engines()[0], "busybox");
    let image = front.image("busybox:latest");
    for engine in all_engines() {
        front.fail(Some(Fault::ManifestUnknown));
        let told = pull(&engine, &image).expect_err("a fault");
        assert!(
            told.contains("unknown") || told.contains("not found"),
            "{told}"
        );
        front.fail(None);
        assert_eq!(pull(&engine, &image), Ok(()), "{engine:?}");
        engine.ask(&["rmi", &image]);
    }
    assert!(!front.requests().is_empty());
}

#[test]
fn what_a_registry_answers_is_told_by_its_class() {
    let faults = [
        (Fault::Unauthorized, "registry-denied"),
        (Fault::Forbidden, "registry-denied"),
        (Fault::TooManyRequests, "rate-limited"),
        (Fault::ManifestUnknown, "image-missing"),
        (Fault::ServerError, "registry-unreachable"),
        (Fault::Unavailable, "registry-unreachable"),
        (Fault::Closes, "registry-unreachable"),
    ];
    // Side by side: engines try again after some of these.
    side_by_side(faults, |(fault, class)| {
        fails_as(&Front::failing(fault).image("nothing:latest"), class);
    });
}

#[test]
fn a_registry_that_cannot_be_reached_is_told_so() {
    fails_as(registry::REFUSED, "registry-unreachable");
    fails_as(registry::NO_SUCH_HOST, "registry-unreachable");
}

#[track_caller]
fn fails_as(image: &str, class: &str) {
    on_engines(&all_engines(), "fault", |engine, project| {
        pull(engine, image).expect_err("a fault");
        if !engine.has_buildkit() {
            return;
        }
        let project = building_from(project, image);
        project.run(engine, &["build"]).expect(5).telling(&[class]);
    });
}

#[test]
fn a_registry_that_hangs_is_waited_for() {
    let image = Front::failing(Fault::Hangs).image("nothing:latest");
    on_engines(&all_engines(), "hang", |engine, _| {
        let began = Instant::now();
        let pulled = engine
            .other("timeout")
            .args(["2", "docker", "pull", &image])
            .output();
        assert_eq!(pulled.expect("timeout runs").status.code(), Some(124));
        assert!(began.elapsed() >= Duration::from_secs(2));
    });
}
