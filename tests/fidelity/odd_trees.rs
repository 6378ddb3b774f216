//! Every kind of file that a context can have arrives as from Docker's clients.

use crate::images::{contents, images};
use crate::reference::{Reference, Service, Step, compose_file, layers};
use crate::support::{Engine, Project, engines};
use crate::tree::{self, Names};
use crate::{Cache, assert_cached, clean, dcb, fresh, project};

const ODD: &str = "FROM busybox
COPY . /all/
COPY names/ /names/
COPY [\"names/a space\", \"names/-dash\", \"names/\u{65e5}\u{672c}\u{8a9e}\", \"/picked/\"]
COPY links/to-directory/ /through/
RUN find /all | sort > /list
";

/// Here no step takes all, so that links must be followed.
const ODD_FOLLOWING: &str = "FROM busybox
COPY salt links/chain/f* links/to-file /wild/
COPY links/to-directory/deep /deep/
COPY links/absolute/other links/unclean /places/
COPY links/t* /star/
COPY links/self/z-first ignored/keep modes/file-4755 /more/
";

/// A project around the odd tree, with two services: one that takes all of it and one that takes
/// some through links.
fn odd_project(engine: &Engine, name: &str) -> (Project, Vec<Service>) {
    // BuildKit 0.2x refuses, with every client, names that are not UTF-8.
    let names = if engine.major() < 28 {
        Names::Bytes
    } else {
        Names::Text
    };
    let mut rng = fresh();
    let services = vec![
        Service::new("all", "tree", "docker/all.Dockerfile"),
        Service::new("some", "tree", "docker/some.Dockerfile"),
    ];
    let project = project(name, &mut rng)
        .file("compose.yaml", &compose_file(&services))
        .file("tree/.dockerignore", "**\n")
        .file("tree/docker/all.Dockerfile", ODD)
        .file("tree/docker/all.Dockerfile.dockerignore", tree::ODD_IGNORES)
        .file("tree/docker/some.Dockerfile", ODD_FOLLOWING)
        .file(
            "tree/docker/some.Dockerfile.dockerignore",
            tree::ODD_IGNORES,
        );
    tree::odd(
        &project.path().join("tree"),
        &format!("{:x}", rng.u128(..)),
        names,
    );
    (project, services)
}

const ODD_STEPS: usize = 5 + 5;

#[test]
fn a_tree_with_every_odd_kind_of_file_that_docker_built_is_cached_for_dcb() {
    for engine in engines() {
        for reference in Reference::ALL {
            let (project, services) = odd_project(&engine, "odd-docker");
            let first = reference.build(&engine, &project, &services).expect(0);
            let uncached = Step::of_docker(&first);
            assert!(
                uncached.len() == ODD_STEPS && !uncached.iter().any(|step| step.cached),
                "{first:#?}"
            );
            let second = dcb(&engine, &project, Cache::Use).expect(0);
            let what = format!("dcb after {reference:?} on {}", engine.version);
            assert_cached(&Step::of_dcb(&second), ODD_STEPS, &what, &second);
            clean(&engine, &project);
        }
    }
}

#[test]
fn a_tree_with_every_odd_kind_of_file_that_dcb_built_is_cached_for_docker() {
    for engine in engines() {
        for reference in Reference::ALL {
            let (project, services) = odd_project(&engine, "odd-dcb");
            let first = dcb(&engine, &project, Cache::Use).expect(0);
            let uncached = Step::of_dcb(&first);
            assert!(
                uncached.len() == ODD_STEPS && !uncached.iter().any(|step| step.cached),
                "{first:#?}"
            );
            let second = reference.build(&engine, &project, &services).expect(0);
            let what = format!("{reference:?} after dcb on {}", engine.version);
            assert_cached(&Step::of_docker(&second), ODD_STEPS, &what, &second);
            clean(&engine, &project);
        }
    }
}

#[test]
fn an_image_of_odd_files_is_the_same_down_to_times_and_further_names() {
    for engine in engines() {
        let (project, services) = odd_project(&engine, "odd-image");
        drop(
            Reference::Build
                .build(&engine, &project, &services)
                .expect(0),
        );
        drop(dcb(&engine, &project, Cache::Ignore).expect(0));
        for service in &services {
            let (docker, ours) = images(&project, service);
            assert_ne!(layers(&engine, &docker), "[]");
            let differences = compare(&engine, &docker, &ours);
            assert!(
                differences.is_empty(),
                "{}: {}: {differences}",
                engine.version,
                service.name
            );
        }
        clean(&engine, &project);
    }
}

/// In what the images of Docker and dcb differ; what Docker writes into every container left out.
fn compare(engine: &Engine, docker: &str, dcb: &str) -> String {
    let (docker, dcb) = (contents(engine, docker), contents(engine, dcb));
    assert!(!docker.is_empty(), "nothing to compare");
    tree::differences(("docker", &docker), ("dcb   ", &dcb))
}
