//! `dcb build --push`: what is pushed and under which names, with and without a login, and what a user
//! sees when a registry refuses or has trouble. On every engine, builder and image store.

mod support;

use support::registry::{self, Fault, Front, Registry};
use support::{Engine, Project, all_engines, on_engines, side_by_side};

/// A project whose service `web` is called `image`, and which shares no step with any other.
fn called(image: &str) -> Project {
    let project = Project::new("push");
    let run = format!("RUN : {}; echo pushed > /it", project.name());
    project
        .file(
            "compose.yaml",
            &format!("services: {{ web: {{ build: ., image: '{image}' }} }}\n"),
        )
        .file("Dockerfile", &format!("FROM busybox\n{run}\n"))
}

/// What an image of a registry prints, which `engine` has to pull for it.
fn pulled(engine: &Engine, image: &str) -> String {
    engine.ask(&["rmi", "--force", image]);
    engine.ask(&["pull", image]);
    let told = engine.read(image, &["/it"]);
    engine.ask(&["rmi", "--force", image]);
    told
}

#[test]
fn an_image_is_pushed_under_all_its_names_and_then_anybody_has_it() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let host = registry.address();
    on_engines(&all_engines(), "push", |engine, project| {
        let unique = project.name();
        let image = format!("{host}/{unique}");
        project.write(
            "compose.yaml",
            &format!(
                "services:\n  web:\n    image: {image}\n    build:\n      context: .\n      tags: ['{image}:1', '{image}:1.2']\n\
                 \n  tool:\n    build: .\n"
            ),
        );
        project.write("Dockerfile", "FROM busybox\nRUN echo pushed > /it\n");
        let ran = project.run(engine, &["build", "--push"]).expect(0);
        let ran = ran.telling(&[
            "note: `tool` is not pushed: it has no `image:`\n --> compose.yaml:",
            &format!("push {host}/<project>:1.2\n"),
            &format!("{host}/<project>:1, {host}/<project>:1.2, {host}/<project>:latest\n"),
            "2 services built, 1 pushed in ",
        ]);
        assert!(!ran.stderr.contains("push docker.io"), "{}", ran.told());
        for tag in ["1", "1.2", "latest"] {
            assert_eq!(pulled(engine, &format!("{image}:{tag}")), "pushed");
        }
        // With nothing to do, everything is there already.
        project
            .run(engine, &["build", "--push", "-v", "web"])
            .expect(0)
            .telling(&["digest: sha256:"]);
    });
}

#[test]
fn without_the_flag_nothing_is_pushed() {
    let front = Front::failing(Fault::Forbidden);
    on_engines(&all_engines(), "no-push", |engine, _| {
        let project = called(&front.image("web"));
        project.run(engine, &["build"]).expect(0);
    });
    assert_eq!(front.requests(), [""; 0]);
}

#[test]
fn the_plan_tells_what_would_be_pushed_and_pushes_nothing() {
    let project = Project::new("plan").file(
        "compose.yaml",
        "services:\n  web: { build: {context: ., tags: ['ghcr.io/a/web:1']}, image: ghcr.io/a/web }\n  tool: { build: . }\n",
    );
    project.write("Dockerfile", "FROM busybox\nRUN true\n");
    for words in [
        &["plan", "--push"] as &[&str],
        &["build", "--push", "--dry-run"],
    ] {
        let told = project.run_alone(words).expect(0);
        told.telling(&[
            "push        ghcr.io/a/web:1, ghcr.io/a/web:latest\n",
            "`tool` is not pushed",
        ]);
    }
    let json = |words: &[&str]| {
        let ran = project.run_alone(words).expect(0);
        let plan: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
        let jobs = plan["jobs"].as_array().expect("jobs").iter();
        let names = jobs.map(|job| format!("{} {}", job["service"], job["push"]));
        names
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        json(&["plan", "--push", "--format", "json"]),
        [
            r#""tool" []"#,
            r#""web" ["ghcr.io/a/web:1","ghcr.io/a/web:latest"]"#
        ]
    );
    assert_eq!(
        json(&["plan", "--format", "json"]),
        [r#""tool" []"#, r#""web" []"#]
    );
}

#[test]
fn a_registry_with_a_login_takes_it_from_who_is_logged_in_and_from_nobody_else() {
    let Some(registry) = Registry::with_login() else {
        return;
    };
    let host = registry.address();
    on_engines(&all_engines(), "login", |engine, project| {
        let image = format!("{host}/{}", project.name());
        let project = called(&image);
        let ran = project.run(engine, &["build", "--push"]).expect(5);
        ran.telling(&[
            &format!("error: failed to push `{image}:latest`: "),
            &format!("help: log in as a user who may push there: docker login {host}\n"),
            &format!("help: the image is built and here as `{image}:latest`; to push it later: dcb build --push web\n"),
            "web  failed  <time>  registry-denied\n",
            "0 services built, 1 failed",
        ]);
        assert!(engine.has_image(&image));

        let config = registry::login(engine, host);
        let engine = Engine {
            config: config.path().to_owned(),
            ..engine.clone()
        };
        let ran = project.run(&engine, &["build", "--push"]).expect(0);
        ran.telling(&["web  pushed  "]);
        assert_eq!(pulled(&engine, &image), "pushed");
    });
}

#[test]
fn what_a_registry_answers_to_a_push_is_told_by_its_class() {
    // Side by side: engines and dcb try again after some of these.
    let at = |fault| Front::failing(fault).image("web:latest");
    let cases = [
        (at(Fault::Unauthorized), "registry-denied", false),
        (at(Fault::Forbidden), "registry-denied", false),
        (at(Fault::TooManyRequests), "rate-limited", false),
        (at(Fault::ServerError), "registry-unreachable", true),
        (at(Fault::Unavailable), "registry-unreachable", true),
        (at(Fault::Closes), "registry-unreachable", true),
        (
            "127.0.0.1:1/pushed:latest".to_owned(),
            "registry-unreachable",
            true,
        ),
        (
            "registry.invalid/pushed:latest".to_owned(),
            "registry-unreachable",
            false,
        ),
    ];
    side_by_side(cases, |(image, class, passes)| {
        fails_as(&image, class, passes);
    });
}

#[track_caller]
fn fails_as(image: &str, class: &str, passes: bool) {
    on_engines(&all_engines(), "push-fault", |engine, _| {
        let ran = called(image).run(engine, &["build", "--push"]).expect(5);
        let ran = ran.telling(&[
            &format!("error: failed to push `{image}`: "),
            &format!("web  failed  <time>  {class}\n"),
            "the image is built and here as ",
        ]);
        // Engines with a graph driver have tried a server's error five times themselves.
        let server = ran.stderr.contains("unexpected HTTP status: 5");
        let passes = passes && !server;
        let again = ran.stderr.matches("; trying again in ").count();
        assert_eq!(again, if passes { 2 } else { 0 }, "{class}: {}", ran.told());
    });
}

#[test]
fn a_push_can_be_stopped() {
    use rustix::process::Signal;
    use std::time::Duration;
    on_engines(&all_engines(), "stop", |engine, _| {
        let image = Front::failing(Fault::Hangs).image("web:latest");
        let project = called(&image);
        let mut running = project.start(project.dcb_on(engine).args(["build", "--push"]));
        running.until_told(&format!("push {image} (running for"));
        running.signal(Signal::INT);
        let ran = running.end(Duration::from_secs(4));
        assert_eq!(ran.signal, Some(Signal::INT.as_raw()), "{}", ran.told());
        ran.telling(&["web  stopped"]);
    });
}
