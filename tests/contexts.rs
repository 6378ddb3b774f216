//! Named contexts (`additional_contexts:`): each kind on each engine works, or is refused by name
//! before anything is built.

mod support;

use std::collections::BTreeMap;

use support::relay::Relay;
use support::{Engine, Project, Ran, all_engines, on_engines, on_every_engine, serve};

/// Whether an engine's builder has named contexts; without them, images are written into the
/// Dockerfile.
fn has_contexts(engine: &Engine) -> bool {
    engine.has_buildkit() && !engine.is_old()
}

/// The same project with the service `web` and these contexts.
fn web(project: Project, contexts: &str, dockerfile: &str) -> Project {
    let compose = format!(
        "services:\n  web:\n    build:\n      context: .\n      additional_contexts:\n        {contexts}\n"
    );
    project
        .file("compose.yaml", &compose)
        .file("Dockerfile", dockerfile)
}

/// What a file of the image of `web` holds.
fn read(project: &Project, engine: &Engine, path: &str) -> String {
    project.read(engine, "web", path)
}

/// The names of the steps that were not taken from the cache.
fn executed(ran: &Ran) -> Vec<&str> {
    let steps = ran.stderr.lines().filter(|line| !line.contains("CACHED"));
    steps
        .filter_map(|line| Some(line.split_once("] ")?.1))
        .filter(|step| step.starts_with("COPY") || step.starts_with("RUN"))
        .collect()
}

/// Refused with exit code 2, at the line of the key, and with a remedy.
#[track_caller]
fn refused(ran: Ran, words: &[&str]) {
    let ran = ran.expect(2).telling(words);
    let told = ran.told();
    assert!(told.contains("--> compose.yaml:5:7"), "no place:\n{told}");
    assert!(told.contains("= help: "), "no remedy:\n{told}");
}

// Directories

#[test]
fn a_named_directory_is_copied_from_and_mounted() {
    on_engines(&all_engines(), "directory", |engine, project| {
        let project = web(
            project,
            "{lib: ../outside, tools: ./tools}",
            "FROM busybox\nCOPY --from=lib page /page\n\
             RUN --mount=type=bind,from=tools,target=/t cat /t/tool > /tool\n",
        )
        .file("tools/tool", "a tool");
        // Beside the project, where the main context cannot reach.
        let outside = tempfile::tempdir().expect("a directory");
        std::fs::write(outside.path().join("page"), project.name()).expect("a file");
        let compose = std::fs::read_to_string(project.path().join("compose.yaml")).expect("it");
        let outside = outside.path().to_str().expect("text");
        project.write("compose.yaml", &compose.replace("../outside", outside));
        let ran = project.run(engine, &["build"]);
        if has_contexts(engine) {
            ran.expect(0);
            assert_eq!(read(&project, engine, "/page"), project.name());
            assert_eq!(read(&project, engine, "/tool"), "a tool");
        } else {
            refused(ran, &["`additional_contexts` (lib="]);
        }
    });
}

#[test]
fn the_ignore_file_of_a_named_directory_counts_for_it_and_no_other() {
    on_every_engine("ignored", |engine, project| {
        if !has_contexts(engine) {
            return;
        }
        let project = web(
            project,
            "{lib: ./lib}",
            "FROM busybox\nCOPY --from=lib . /lib\nCOPY main /main\n",
        )
        .file(".dockerignore", "**/*.txt\n")
        .file("main/a.log", "")
        .file("main/a.txt", "")
        .file("lib/.dockerignore", "**/*.log\n")
        .file("lib/deep/a.log", "")
        .file("lib/a.txt", "");
        project.run(engine, &["build"]).expect(0);
        let image = project.image(engine, "web");
        let list = |place: &str| engine.run(&image, &["find", place, "-type", "f"]);
        assert_eq!(list("/main"), "/main/a.log");
        let mut lib: Vec<String> = list("/lib").lines().map(str::to_owned).collect();
        lib.sort();
        assert_eq!(lib, ["/lib/.dockerignore", "/lib/a.txt"]);
    });
}

#[test]
fn a_change_in_a_named_directory_sends_that_file_and_rebuilds_what_copies_it() {
    on_every_engine("again", |engine, project| {
        if !has_contexts(engine) {
            return;
        }
        let relay = Relay::to(engine);
        let through = relay.engine(engine);
        let mark = |number: usize| format!("<{}-{number:04}>", project.name());
        let write = |number: usize| {
            let text = format!("{} {}", fastrand::u128(..), mark(number).repeat(40));
            project.write(&format!("lib/{}/{number}", number % 2), &text);
        };
        (0..100).for_each(write);
        let compose = "services:\n  web: &web\n    build: &build\n      context: .\n      \
                       additional_contexts: {lib: ./lib}\n  two:\n    build: {<<: *build, dockerfile: two.Dockerfile}\n";
        project.write("compose.yaml", compose);
        // Each takes another part, so that one transfer for both would evict the other's files.
        project.write(
            "Dockerfile",
            "FROM busybox\nCOPY --from=lib 1 /odd\nCOPY --from=lib 0 /even\n",
        );
        project.write("two.Dockerfile", "FROM busybox\nCOPY --from=lib 1 /odd\n");
        let sent = || -> Vec<usize> {
            let bytes = relay.sent();
            let text = String::from_utf8_lossy(&bytes);
            (0..100).filter(|n| text.contains(&mark(*n))).collect()
        };
        project.run(&through, &["build"]).expect(0);
        assert_eq!(sent().len(), 100);
        let ran = project.run(&through, &["build"]).expect(0);
        assert_eq!(sent(), [0; 0], "nothing changed");
        assert_eq!(executed(&ran), [""; 0], "{}", ran.told());
        write(8);
        let ran = project.run(&through, &["build", "web"]).expect(0);
        assert_eq!(sent(), [8]);
        assert_eq!(
            executed(&ran),
            ["COPY --from=lib 0 /even"],
            "{}",
            ran.told()
        );
    });
}

#[test]
fn a_named_directory_that_is_missing_is_told_with_its_place_and_what_is_near() {
    let project = web(
        Project::new("missing"),
        "shared: ./libary\n        page: ./Dockerfile",
        "FROM busybox\nCOPY --from=shared . /\n",
    )
    .file("library/x", "");
    project.run_alone(&["build"]).shows(
        "
exit code 4
--- stderr
error: the directory of the context `page` is not a directory: `<dir>/Dockerfile`
 --> compose.yaml:7:15
  |
7 |         page: ./Dockerfile
  |               ^^^^^^^^^^^^ named here
error: the directory of the context `shared` does not exist: `<dir>/libary`
 --> compose.yaml:6:17
  |
6 |         shared: ./libary
  |                 ^^^^^^^^ named here
  |
  = help: did you mean `library`?
error: files that the build needs are missing
",
    );
}

// Images

#[test]
fn an_image_stands_for_a_name_on_every_builder() {
    on_engines(&all_engines(), "image", |engine, project| {
        // An image that no registry has: it is taken from the engine.
        let image = format!("{}/other:1", project.name());
        let base = format!(
            "services:\n  other:\n    image: {image}\n    build:\n      context: .\n      \
             dockerfile_inline: |\n        FROM busybox\n        ENV FROM_BASE=yes\n        RUN echo {} > /mark\n",
            project.name()
        );
        project.write("base.yaml", &base);
        project.run(engine, &["-f", "base.yaml", "build"]).expect(0);
        let project = web(
            project,
            &format!(
                "alpine:latest: docker-image://{image}\n        \"docker.io/library/tools:2\": docker-image://{image}"
            ),
            "ARG BASE=alpine\nFROM ${BASE} AS first\nRUN echo $FROM_BASE > /env\n\
             FROM busybox\nCOPY --from=first /env /env\nCOPY --from=tools:2 /mark /mark\n",
        );
        for flags in [&["build"] as &[&str], &["build", "--force-traditional"]] {
            project.run(engine, flags).expect(0);
            assert_eq!(read(&project, engine, "/env"), "yes", "{flags:?}");
            assert_eq!(read(&project, engine, "/mark"), project.name(), "{flags:?}");
        }
    });
}

#[test]
fn a_context_takes_the_place_of_a_stage_or_is_refused() {
    on_engines(&all_engines(), "stage", |engine, project| {
        let project = web(
            project,
            "deps: docker-image://busybox",
            "FROM busybox AS deps\nRUN exit 3\nFROM busybox\nCOPY --from=deps /bin/sh /copied\n",
        );
        let ran = project.run(engine, &["build"]);
        if has_contexts(engine) {
            ran.expect(0);
        } else {
            let ran = ran.expect(2).telling(&[
                "`additional_contexts` (deps) takes the place of a stage of `Dockerfile`",
                "give the stage another name",
            ]);
            assert!(ran.told().contains("compose.yaml:6:"), "{}", ran.told());
        }
    });
}

#[test]
fn an_image_that_another_service_makes_is_made_first() {
    on_every_engine("made", |engine, project| {
        let image = format!("{}/base:1", project.name());
        let compose = format!(
            "services:\n  app:\n    build:\n      context: .\n      additional_contexts: {{ground: \"docker-image://{image}\"}}\n      \
             dockerfile_inline: |\n        FROM ground\n        RUN cp /mark /copy\n  \
             base:\n    image: {image}\n    build:\n      context: .\n      \
             dockerfile_inline: |\n        FROM busybox\n        RUN echo {} > /mark\n",
            project.name()
        );
        project.write("compose.yaml", &compose);
        project.run(engine, &["build", "app"]).expect(0);
        let copy = project.read(engine, "app", "/copy");
        assert_eq!(copy, project.name());
    });
}

#[test]
fn a_service_stands_for_a_name_on_every_builder() {
    on_engines(&all_engines(), "service", |engine, project| {
        let compose = format!(
            "services:\n  web:\n    build:\n      context: .\n      additional_contexts: {{ground: \"service:base\"}}\n  \
             base:\n    build:\n      context: .\n      \
             dockerfile_inline: |\n        FROM busybox\n        RUN echo {} > /mark\n",
            project.name()
        );
        project.write("compose.yaml", &compose);
        project.write(
            "Dockerfile",
            "FROM ground AS one\nFROM busybox\nCOPY --from=one /mark /one\nCOPY --from=ground /mark /two\n",
        );
        project.run(engine, &["build", "web"]).expect(0);
        assert_eq!(read(&project, engine, "/one"), project.name());
        assert_eq!(read(&project, engine, "/two"), project.name());
    });
}

// Addresses

#[test]
fn a_git_repository_stands_for_a_name() {
    on_engines(&all_engines(), "git", |engine, project| {
        let address = serve::repository(&project);
        let project = web(
            project,
            &format!("top: {address}#main\n        app: {address}#main:app"),
            "FROM busybox\nCOPY --from=top page /top\nCOPY --from=app page /app\n",
        )
        .file(".dockerignore", "work\nsite.git\n");
        let ran = project.run(engine, &["build"]);
        if has_contexts(engine) {
            ran.expect(0);
            assert_eq!(read(&project, engine, "/top"), "from the root");
            assert_eq!(read(&project, engine, "/app"), "from app");
        } else {
            refused(ran, &["`additional_contexts` (app=http://"]);
        }
    });
}

#[test]
fn a_file_of_the_web_stands_for_a_name() {
    on_engines(&all_engines(), "file", |engine, project| {
        let file = serve::files(BTreeMap::from([(
            "/page".to_owned(),
            project.name().as_bytes().to_vec(),
        )]));
        let project = web(
            project,
            &format!("file: {file}/page"),
            "FROM busybox\nCOPY --from=file / /file\n",
        );
        let ran = project.run(engine, &["build"]);
        if engine.major() == 28 {
            // BuildKit 0.25 takes nothing but git repositories here, from its own clients neither.
            ran.expect(1)
                .telling(&["invalid argument", "Dockerfile:2:1"]);
        } else if has_contexts(engine) {
            ran.expect(0);
            let image = project.image(engine, "web");
            assert_eq!(
                engine.run(&image, &["sh", "-c", "cat /file/*"]),
                project.name()
            );
        } else {
            refused(ran, &["`additional_contexts` (file=http://"]);
        }
    });
}

#[test]
fn what_no_builder_takes_is_refused_by_name() {
    for (contexts, words) in [
        (
            "{x: 'ssh://git@example.org/x.git'}",
            "`additional_contexts` (x=ssh://git@example.org/x.git) of service `web` is no context that BuildKit knows",
        ),
        (
            "{x: 'docker-image://Alpine'}",
            "(x=docker-image://Alpine) of service `web` is no context",
        ),
        (
            "{Upper: .}",
            "`additional_contexts` (Upper) of service `web` has a name that no Dockerfile can use",
        ),
    ] {
        let project = web(Project::new("none"), contexts, "FROM busybox\n");
        refused(project.run_alone(&["build"]), &[words]);
    }
}

#[test]
fn a_main_context_that_compose_does_not_take_either_is_refused_with_the_way_to_write_it() {
    for context in ["docker-image://busybox", "oci-layout:///x", "service:other"] {
        let compose = format!(
            "services:\n  web:\n    build:\n      context: {context}\n      dockerfile_inline: FROM busybox\n  \
             other: {{image: busybox}}\n"
        );
        let project = Project::new("main").file("compose.yaml", &compose);
        project.run_alone(&["build"]).expect(2).telling(&[
            &format!("error: `context` ({context}) of service `web` can only be a context beside the main one"),
            " --> compose.yaml:4:7",
            "move it to additional_contexts: {NAME: ...}, and write COPY --from=NAME in the Dockerfile",
        ]);
    }
}

// The plan

#[test]
fn services_that_differ_in_their_contexts_alone_are_built_apart() {
    on_every_engine("twins", |engine, project| {
        if !has_contexts(engine) {
            return;
        }
        let service = |name: &str| {
            format!(
                "  {name}:\n    build:\n      context: .\n      additional_contexts: {{lib: ./{name}}}\n"
            )
        };
        let compose = format!("services:\n{}{}", service("one"), service("two"));
        let project = project
            .file("compose.yaml", &compose)
            .file("Dockerfile", "FROM busybox\nCOPY --from=lib page /page\n")
            .file("one/page", "one")
            .file("two/page", "two");
        project.run(engine, &["build"]).expect(0);
        for name in ["one", "two"] {
            let page = project.read(engine, name, "/page");
            assert_eq!(page, name);
        }
    });
}
