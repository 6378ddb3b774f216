//! Registries that fail, and frontends that have to come from one.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::registry::{Fault, Front, NO_SUCH_HOST, REFUSED, Registry};
use crate::support::{Engine, Project, on_every_engine, side_by_side};
use crate::{failing, simple, tells};

#[test]
fn what_a_registry_answers_is_told_at_the_from_with_what_mends_it() {
    let denied = [
        "registry-denied",
        "help: log in as a user who may: docker login 127.0.0.1:",
    ];
    let trouble = ["registry-unreachable", "has trouble of its own"];
    let gone = ["registry-unreachable", "check its network, DNS and proxy"];
    // Side by side: engines and dcb try again after some of these.
    let at = |fault| Front::failing(fault).image("nothing:latest");
    let cases = [
        (at(Fault::Unauthorized), denied, false),
        (at(Fault::Forbidden), denied, false),
        (
            at(Fault::ManifestUnknown),
            ["image-missing", "check name and tag"],
            false,
        ),
        (
            at(Fault::TooManyRequests),
            ["rate-limited", "docker login"],
            false,
        ),
        (at(Fault::ServerError), trouble, true),
        (at(Fault::Unavailable), trouble, true),
        (at(Fault::Closes), gone, true),
        (REFUSED.to_owned(), gone, true),
        (NO_SUCH_HOST.to_owned(), gone, false),
    ];
    side_by_side(cases, |(image, words, passes)| {
        fails_as(&image, &words, passes);
    });
}

#[track_caller]
fn fails_as(image: &str, words: &[&str], passes: bool) {
    on_every_engine("fault", |engine, project| {
        let project = simple(project, &format!("FROM {image}\n"));
        let ran = project.run(engine, &["build"]).expect(5).telling(words);
        let looked_up = format!("error: failed to look up `{image}` in its registry: ");
        let ran = ran.telling(&[&looked_up, "\n --> Dockerfile:1:1\n"]);
        let again = ran.stderr.matches("; trying again in ").count();
        assert_eq!(again, if passes { 2 } else { 0 }, "{}", ran.told());
    });
}

#[test]
fn a_registry_that_hangs_shows_what_is_waited_for_and_can_be_left() {
    on_every_engine("hang", |engine, project| {
        let image = Front::failing(Fault::Hangs).image("nothing:latest");
        let project = simple(project, &format!("FROM {image}\n"));
        let mut running = project.start(project.dcb_on(engine).arg("build"));
        running.until_told(&format!("load metadata for {image} (running for"));
        running.signal(Signal::INT);
        let ran = running.end(Duration::from_secs(4));
        assert_eq!(ran.signal, Some(Signal::INT.as_raw()), "{}", ran.told());
    });
}

#[test]
fn trouble_that_passes_is_waited_out_and_told() {
    let Some(registry) = Registry::start() else {
        return;
    };
    on_every_engine("passes", |engine, project| {
        registry.push(engine, "busybox");
        let front = Front::of(&registry);
        front.fail(Some(Fault::Unavailable));
        let image = front.image("busybox:latest");
        let project = simple(project, &format!("FROM {image}\n"));
        let mut running = project.start(project.dcb_on(engine).arg("build"));
        running.until_told("503 Service Unavailable; trying again in 1s");
        front.fail(None);
        let ran = running.end(Duration::from_secs(60)).expect(0);
        ran.telling(&["web  built"]);
        let _ = engine.docker().args(["rmi", &image]).output();
    });
}

/// An image of `engine` under a name that leads nowhere, while `test` runs.
fn with_local_base(engine: &Engine, project: &Project, test: impl Fn(&str)) {
    let image = format!("registry.invalid/{}:1", project.name());
    engine.ask(&["tag", "busybox", &image]);
    test(&image);
    engine.ask(&["rmi", &image]);
}

#[test]
fn pulling_without_a_network_goes_on_with_local_images_and_says_so() {
    on_every_engine("offline", |engine, project| {
        with_local_base(engine, &project, |image| {
            project.write("compose.yaml", crate::SIMPLE);
            project.write("Dockerfile", &format!("FROM {image}\n"));
            project
                .run(engine, &["build", "--pull"])
                .expect(0)
                .telling(&[
                    "going on with the base images that are here, however old",
                    "with the base images that are here (registry-unreachable)\n",
                ]);
            for flag in ["--no-fallback", "--fallback=ask"] {
                let told = failing(engine, &project, &["build", "--pull", flag]);
                tells(
                    &told,
                    &[
                        "exit code 5\n",
                        "without --pull, base images that the engine has are used",
                    ],
                );
            }
        });
    });
}

#[test]
fn a_frontend_that_cannot_be_fetched_is_left_aside_and_that_is_said() {
    on_every_engine("frontend", |engine, project| {
        let dockerfile = "# syntax=registry.invalid/front:1\nFROM busybox\nRUN echo built > /it\n";
        let project = simple(project, dockerfile);
        project.run(engine, &["plan"]).expect(0).telling(&[
            "buildkit with Dockerfile without its `# syntax=`, if its frontend fails\n",
        ]);
        for flag in ["--no-fallback", "--fallback=ask"] {
            tells(
                &failing(engine, &project, &["build", flag]),
                &[
                    "exit code 5\nerror: failed to fetch the frontend `registry.invalid/front:1`, which `# syntax=` names: ",
                    "no such host\n --> Dockerfile:1:1\n",
                    "= help: fetch it where the registry can be reached: docker pull registry.invalid/front:1\n",
                    "= help: leave the `# syntax=` line out",
                    "web  failed  <time>  frontend-unavailable\n",
                ],
            );
        }
        let ran = project.run(engine, &["build"]).expect(0);
        ran.telling(&[
            "instead  buildkit with Dockerfile without its `# syntax=`, because failed to fetch the frontend",
            "\nweb  built  <time>  ",
            "  <image-id>  instead: buildkit with Dockerfile without its `# syntax=` (frontend-unavailable)\n",
        ]);
        let image = project.image(engine, "web");
        assert_eq!(engine.read(&image, &["/it"]), "built");
    });
}

#[test]
fn a_frontend_that_is_none_is_no_failing_step() {
    on_every_engine("nofrontend", |engine, project| {
        let project = simple(project, "# syntax=busybox\nFROM busybox\n");
        tells(
            &failing(engine, &project, &["build", "--no-fallback"]),
            &[
                "exit code 5\nerror: what `# syntax=` names does not work as a frontend: exit code: 1\n --> Dockerfile:1:1\n",
                "= help: name a frontend for Dockerfiles: `# syntax=docker/dockerfile:1`\n",
                "frontend-unavailable",
            ],
        );
        project
            .run(engine, &["build"])
            .expect(0)
            .telling(&["instead: "]);
    });
}
