//! Base images from registries: those that work, on every engine, and what a user sees of those that fail.

mod support;

use support::registry::{self, Fault, Front, Registry};
use support::{Engine, Project, engines, on_engines, podman};

/// Docker engines and Podman.
fn all() -> Vec<Engine> {
    engines().into_iter().chain(podman()).collect()
}

/// What pulling an image by the engine's own client tells.
fn pull(engine: &Engine, reference: &str) -> Result<(), String> {
    let output = engine.docker().args(["pull", reference]).output();
    let output = output.expect("docker runs");
    let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    output.status.success().then_some(()).ok_or(told)
}

#[test]
fn every_engine_pulls_from_a_registry_of_this_machine() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let seed = registry.push(&engines()[0], "busybox");
    on_engines(&all(), "registry", |engine, _| {
        assert_eq!(pull(engine, &seed), Ok(()));
        assert_eq!(engine.run(&seed, &["echo", "hi"]), "hi");
        engine.ask(&["rmi", &seed]);
    });
}

#[test]
fn faults() {
    for fault in Fault::ANSWERING {
        let front = Front::failing(fault);
        let reference = front.image("nothing:latest");
        on_engines(&all(), "fault", |engine, project| {
            let pulled = pull(engine, &reference).expect_err("a fault");
            let project = project
                .file("compose.yaml", "services: { web: { build: . } }\n")
                .file("Dockerfile", &format!("FROM {reference}\n"));
            let ran = project.run(engine, &["build"]);
            eprintln!(
                "== {fault:?} {} {}: {pulled}\n{}\n{:?}",
                engine.version,
                engine.suite,
                ran.told(),
                ran.took
            );
        });
        eprintln!("{:?}", front.requests());
    }
    for reference in [registry::REFUSED, registry::NO_SUCH_HOST] {
        on_engines(&all(), "fault", |engine, project| {
            let pulled = pull(engine, reference).expect_err("a fault");
            let project = project
                .file("compose.yaml", "services: { web: { build: . } }\n")
                .file("Dockerfile", &format!("FROM {reference}\n"));
            let ran = project.run(engine, &["build"]);
            eprintln!(
                "== {reference} {} {}: {pulled}\n{}\n{:?}",
                engine.version,
                engine.suite,
                ran.told(),
                ran.took
            );
        });
    }
}
