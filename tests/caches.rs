//! Caches outside of the builder: `cache_from` and `cache_to`, of each kind, on real engines.
//!
//! A hit is real where everything the engine had itself was cleared away before, which only an engine
//! of the test's own bears.

mod support;

use std::path::Path;

use support::registry::{self, Fault, Front, GITHUB_TOKEN, Registry};
use support::{
    Engine, PrivateEngine, Project, Ran, containerd_store, engines, layout, on_every_engine,
    podman, side_by_side,
};

/// A project of one service whose steps no other run has.
fn project(name: &str, caches: &str) -> Project {
    let project = Project::new(name);
    write_caches(&project, caches);
    write_steps(&project, "last");
    project
}

/// Writes a compose file with the caches of the service, lines of YAML.
fn write_caches(project: &Project, caches: &str) {
    let mut compose = "services:\n  web:\n    build:\n      context: .\n".to_owned();
    for line in caches.lines() {
        compose.push_str(&format!("      {line}\n"));
    }
    project.write("compose.yaml", &compose);
}

/// Writes a Dockerfile of two stages whose steps say when they run: the first is `first`, the last as
/// given.
fn write_steps(project: &Project, last: &str) {
    let one = first(project);
    let text =
        format!("{one}FROM busybox\nCOPY --from=one /one /one\nRUN echo run: {last}; touch /two\n");
    project.write("Dockerfile", &text);
}

/// A stage that no other project has.
fn first(project: &Project) -> String {
    let name = project.name();
    format!("FROM busybox AS one\nRUN echo run: first; echo {name} >/one\n")
}

/// An engine that keeps its images in containerd, for what clears its builder; none on a machine that
/// cannot have it.
fn own_containerd() -> Option<PrivateEngine> {
    PrivateEngine::like(&containerd_store()?)
}

/// Clears away all that an engine built.
fn clear(engine: &Engine, project: &Project) {
    let image = project.image(engine, "web");
    engine.ask(&["rmi", "--force", &image]);
    engine.ask(&["builder", "prune", "--all", "--force"]);
}

/// Builds, and tells what steps write.
#[track_caller]
fn build(engine: &Engine, project: &Project) -> Ran {
    project.run(engine, &["-v", "build"]).expect(0)
}

/// Whether a step came from a cache: it is built and did not run. What an engine says of it depends
/// on when its result is fetched.
fn is_cached(ran: &Ran, step: &str) -> bool {
    let wrote = format!("run: {step}");
    let mut lines = ran.stderr.lines();
    !lines.any(|line| line.trim_end().ends_with(&wrote))
}

#[track_caller]
fn hits(ran: &Ran) {
    assert!(is_cached(ran, "last"), "{}", ran.told());
}

#[track_caller]
fn misses(ran: &Ran) {
    assert!(!is_cached(ran, "last"), "{}", ran.told());
}

// What is kept is found again

#[test]
fn an_image_that_holds_its_cache_saves_its_steps_elsewhere() {
    let Some(registry) = Registry::start() else {
        return;
    };
    on_every_engine("inline-own", |like, _| {
        let Some(engine) = PrivateEngine::like(like) else {
            return;
        };
        for asking in [
            "cache_to: ['type=inline']",
            "args: {BUILDKIT_INLINE_CACHE: 1}",
        ] {
            let project = project("inline", asking);
            build(&engine, &project);
            let image = project.image(&engine, "web");
            let pushed = registry.push(&engine, &image);
            clear(&engine, &project);
            write_caches(&project, &format!("cache_from: ['{pushed}']"));
            let ran = build(&engine, &project);
            hits(&ran);
            assert!(!ran.stderr.contains("warning"), "{asking} {}", ran.told());
            // The proof that the cache was needed.
            clear(&engine, &project);
            write_caches(&project, "");
            misses(&build(&engine, &project));
        }
    });
}

#[test]
fn a_cache_in_a_registry_is_written_and_read() {
    let (Some(registry), Some(engine)) = (Registry::start(), own_containerd()) else {
        return;
    };
    let reference = format!("{}/cache/web", registry.address());
    let project = project(
        "registry",
        &format!(
            "cache_from: ['type=registry,ref={reference}']\ncache_to: ['type=registry,ref={reference},mode=max']"
        ),
    );
    let first = build(&engine, &project);
    misses(&first);
    first.telling(&[
        &format!("warning  `cache_from` `{reference}` (compose.yaml:5:20) is not there (yet); nothing is taken from it"),
    ]);
    clear(&engine, &project);
    let second = build(&engine, &project);
    hits(&second);
    assert!(!second.stderr.contains("warning"), "{}", second.told());
}

#[test]
fn a_cache_with_a_login_is_written_and_read_by_who_has_it() {
    let (Some(registry), Some(engine)) = (Registry::with_login(), own_containerd()) else {
        return;
    };
    let reference = format!("{}/cache/web", registry.address());
    let caches = format!(
        "cache_from: ['{reference}']\ncache_to: ['type=registry,ref={reference},mode=max']"
    );
    let project = project("login", &caches);
    build(&engine, &project).telling(&[
        &format!(
            "is refused by its registry: log in with docker login {}",
            registry.address()
        ),
        "is not written (cache-export)",
    ]);
    let config = registry::login(&engine, registry.address());
    let run = || {
        let mut command = project.dcb_on(&engine);
        command.env("DOCKER_CONFIG", config.path()).arg("build");
        project.ran(&mut command).expect(0)
    };
    run();
    clear(&engine, &project);
    hits(&run());
}

#[test]
fn a_directory_keeps_a_cache_and_does_not_only_grow() {
    let Some(engine) = own_containerd() else {
        return;
    };
    let project = project(
        "local",
        "cache_from: ['type=local,src=cache']\ncache_to: ['type=local,dest=cache,mode=max']",
    );
    build(&engine, &project).telling(&[
        "note  `cache_from` `type=local,src=<dir>/cache` (compose.yaml:5:20) is not there yet",
    ]);
    clear(&engine, &project);
    hits(&build(&engine, &project));

    let cache = project.path().join("cache");
    let first = blobs(&cache);
    write_steps(&project, "changed");
    let ran = build(&engine, &project);
    assert!(is_cached(&ran, "first"), "{}", ran.told());
    ran.telling(&["that nothing refers to any more are removed"]);
    let second = blobs(&cache);
    assert_ne!(first, second);
    assert_eq!(first.len(), second.len(), "it grows");
    assert_eq!(
        std::fs::read_dir(cache.join("ingest")).expect("it").count(),
        0
    );
    let layout = std::fs::read_to_string(cache.join("oci-layout")).expect("a file");
    assert_eq!(layout, r#"{"imageLayoutVersion":"1.0.0"}"#);

    // Every generation of BuildKit reads it, whatever becomes of its keys there.
    write_caches(&project, "cache_from: ['type=local,src=cache']");
    on_every_engine("local-import", |engine, _| {
        let ran = build(engine, &project);
        assert!(
            ran.stderr.contains("importing cache manifest"),
            "{}",
            ran.told()
        );
        assert!(!ran.stderr.contains("warning"), "{}", ran.told());
    });
}

fn blobs(cache: &Path) -> Vec<std::ffi::OsString> {
    let entries = cache.join("blobs/sha256").read_dir().expect("a directory");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("one").file_name())
        .collect();
    names.sort();
    names
}

#[test]
fn a_cache_of_all_stages_has_what_one_of_the_last_lacks() {
    let Some(engine) = own_containerd() else {
        return;
    };
    for (mode, expected) in [("min", false), ("max", true)] {
        let project = project(
            "mode",
            &format!(
                "cache_from: ['type=local,src=cache']\ncache_to: ['type=local,dest=cache,mode={mode}']"
            ),
        );
        build(&engine, &project);
        clear(&engine, &project);
        // Another base for the last stage makes the first one's result needed.
        project.write(
            "Dockerfile",
            &format!(
                "{}FROM busybox\nRUN true\nCOPY --from=one /one /one\n",
                first(&project)
            ),
        );
        let ran = build(&engine, &project);
        assert_eq!(is_cached(&ran, "first"), expected, "{mode}: {}", ran.told());
    }
}

#[test]
fn the_first_cache_may_be_missing_when_the_second_is_there() {
    let Some(engine) = own_containerd() else {
        return;
    };
    let project = project("several", "cache_to: ['type=local,dest=main']");
    build(&engine, &project);
    clear(&engine, &project);
    write_caches(
        &project,
        "cache_from: ['127.0.0.1:1/none', 'type=local,src=branch', 'type=local,src=main']",
    );
    let ran = build(&engine, &project);
    hits(&ran);
    ran.telling(&[
        "warning  `cache_from` `127.0.0.1:1/none` (compose.yaml:5:20) cannot be reached",
        "note  `cache_from` `type=local,src=<dir>/branch` (compose.yaml:5:40) is not there yet",
    ]);
}

// What is wrong with a cache keeps no image from being built

#[test]
fn what_is_wrong_with_a_registry_is_told_and_the_image_is_built() {
    let faults = [
        (Some(Fault::ManifestUnknown), "is not there (yet)"),
        (
            Some(Fault::Unauthorized),
            "is refused by its registry: log in with docker login 127.0.0.1:",
        ),
        (Some(Fault::Forbidden), "is refused by its registry: log in"),
        (
            Some(Fault::TooManyRequests),
            "is refused by its registry, which was asked too often",
        ),
        (Some(Fault::ServerError), "cannot be reached: "),
        (None, "cannot be reached: "),
    ];
    side_by_side(faults, |(fault, words)| {
        let reference = match fault {
            Some(fault) => Front::failing(fault).image("cache:latest"),
            None => registry::REFUSED.to_owned(),
        };
        on_every_engine("import", |engine, _| {
            let project = project("import", &format!("cache_from: ['{reference}']"));
            let ran = build(engine, &project);
            assert!(!ran.stderr.contains("FAILED"), "{}", ran.told());
            ran.telling(&[
                &format!("warning  `cache_from` `{reference}` (compose.yaml:5:20) {words}"),
                "nothing is taken from it",
                "1 service built",
            ]);
        });
    });
}

#[test]
fn a_failing_step_is_told_and_not_the_cache_before_it() {
    on_every_engine("blame", |engine, _| {
        let project = project("blame", &format!("cache_from: ['{}']", registry::REFUSED));
        project.write("Dockerfile", "FROM busybox\nRUN exit 3\n");
        project.run(engine, &["build"]).expect(1).telling(&[
            "`RUN exit 3` ended with exit code 3",
            "Dockerfile:2:1",
            "warning  `cache_from`",
        ]);
    });
}

#[test]
fn a_cache_that_cannot_be_written_is_told_and_the_image_is_there() {
    let (Some(registry), Some(engine)) = (Registry::start(), containerd_store()) else {
        return;
    };
    let faults = [
        Fault::ServerError,
        Fault::Unauthorized,
        Fault::TooManyRequests,
    ];
    side_by_side(faults, |fault| {
        let front = Front::of(&registry);
        front.fail(Some(fault));
        let reference = front.image("cache");
        let caches = format!("cache_to: ['type=registry,ref={reference},mode=max']");
        let project = project("export", &caches);
        let ran = build(&engine, &project);
        assert!(!ran.stderr.contains("FAILED"), "{}", ran.told());
        ran.telling(&[
            &format!("warning  `cache_to` `type=registry,ref={reference},mode=max` (compose.yaml:5:18) is not written (cache-export): "),
            "1 service built",
        ]);
        assert!(
            engine.has_image(&project.image(&engine, "web")),
            "{fault:?}"
        );

        write_caches(
            &project,
            &caches.replace("mode=max", "mode=max,ignore-error=false"),
        );
        let ran = project.run(&engine, &["build"]).expect(5);
        ran.telling(&[
            "web  failed",
            "cache-export",
            "leave `ignore-error=false` out",
        ]);
    });
}

#[test]
fn a_directory_that_cannot_be_written_is_told_before_the_build() {
    let Some(engine) = containerd_store() else {
        return;
    };
    let project = project(
        "unwritable",
        "cache_to: ['type=local,dest=Dockerfile/cache']",
    );
    build(&engine, &project).telling(&[
        "warning  `cache_to` `type=local,dest=<dir>/Dockerfile/cache` (compose.yaml:5:18) is not written (cache-export): Not a directory",
        "1 service built",
    ]);
    write_caches(
        &project,
        "cache_to: ['type=local,dest=Dockerfile/cache,ignore-error=false']",
    );
    let ran = project.run(&engine, &["build"]).expect(5);
    assert!(
        !ran.stderr.contains("run: "),
        "nothing is built: {}",
        ran.told()
    );
}

#[test]
fn a_damaged_directory_is_set_aside_and_the_image_built_without_it() {
    let Some(engine) = own_containerd() else {
        return;
    };
    let caches =
        "cache_from: ['type=local,src=cache']\ncache_to: ['type=local,dest=cache,mode=max']";
    let damages: [(Damage, &str); 3] = [
        (
            |cache| std::fs::write(cache.join("index.json"), "{").expect("a file"),
            "is no JSON",
        ),
        (
            |cache| for_largest_blob(cache, |blob| blob[200] ^= 1),
            "holds something else",
        ),
        (
            |cache| for_largest_blob(cache, |blob| blob.truncate(20)),
            "is missing or cut off",
        ),
    ];
    for (damage, words) in damages {
        let project = project("damaged", caches);
        build(&engine, &project);
        damage(&project.path().join("cache"));
        clear(&engine, &project);
        let ran = build(&engine, &project);
        misses(&ran);
        ran.telling(&[words, "it is now `<dir>/cache.corrupt-", "1 service built"]);
        clear(&engine, &project);
        hits(&build(&engine, &project));
    }
}

/// What is done to the directory of a cache.
type Damage = fn(&Path);

/// Changes the largest blob of a cache.
fn for_largest_blob(cache: &Path, change: impl Fn(&mut Vec<u8>)) {
    let names = blobs(cache);
    let paths = names
        .iter()
        .map(|name| cache.join("blobs/sha256").join(name));
    let size = |path: &std::path::PathBuf| path.metadata().expect("a blob").len();
    let path = paths.max_by_key(size).expect("a blob");
    let mut content = std::fs::read(&path).expect("a blob");
    change(&mut content);
    std::fs::remove_file(&path).expect("removed");
    std::fs::write(&path, content).expect("a blob");
}

// What a builder cannot do is left out, and said

#[test]
fn what_an_engine_cannot_write_is_left_out_with_what_would_help() {
    on_every_engine("left-out", |engine, _| {
        let project = project(
            "left-out",
            "cache_to: ['type=local,dest=cache', 'type=registry,ref=127.0.0.1:1/x', 'type=s3,bucket=b,region=r']",
        );
        let ran = build(engine, &project);
        let containerd = engine.has_containerd_store();
        for kind in ["local,dest=cache", "registry,ref=127.0.0.1:1/x"] {
            let words = format!(
                "warning: `cache_to` (type={kind}) of service `web` needs images in containerd"
            );
            let words = words.replace("type=registry,ref=", "");
            assert_eq!(ran.stderr.contains(&words), !containerd, "{}", ran.told());
        }
        ran.telling(&["`cache_to` (type=s3,bucket=b,region=r) of service `web` is a kind of cache that the engine's own BuildKit does not have, and is left out"]);
        assert_eq!(project.path().join("cache/index.json").exists(), containerd);
    });
}

#[test]
fn the_cache_of_github_is_left_out_where_its_variables_are_missing() {
    let Some(engine) = containerd_store() else {
        return;
    };
    let project = project(
        "gha",
        "cache_from: ['type=gha']\ncache_to: ['type=gha,mode=max']",
    );
    build(&engine, &project).telling(&[
        "warning: `cache_from` (type=gha) of service `web` needs `ACTIONS_RUNTIME_TOKEN` and `ACTIONS_RESULTS_URL`, which are not set, and is left out",
        " --> compose.yaml:5:20",
        "warning: `cache_to` (type=gha,mode=max) of service `web` needs",
    ]);
}

#[test]
fn the_cache_of_github_is_asked_with_the_token_that_nobody_sees() {
    let Some(engine) = containerd_store() else {
        return;
    };
    let github = Front::failing(Fault::ManifestUnknown);
    let project = project("gha", "cache_from: ['type=gha']\ncache_to: ['type=gha']")
        .variable("ACTIONS_RUNTIME_TOKEN", GITHUB_TOKEN)
        .variable(
            "ACTIONS_CACHE_URL",
            &format!("http://{}/", github.address()),
        );
    let plan = project
        .run(&engine, &["plan", "--format", "json"])
        .expect(0);
    let verbose = project.run(&engine, &["-v", "build"]).expect(0);
    for ran in [&plan, &verbose] {
        assert!(!ran.told().contains(GITHUB_TOKEN), "{}", ran.told());
    }
    assert!(
        plan.stdout.contains("type=gha,token=***,url=http://"),
        "{}",
        plan.told()
    );
    let asked = github.requests();
    assert!(
        asked
            .iter()
            .any(|line| line.contains("/_apis/artifactcache/")),
        "{asked:?}\n{}",
        verbose.told()
    );
}

#[test]
fn a_cache_that_the_engine_refuses_at_once_is_told_and_the_image_is_built() {
    let Some(engine) = containerd_store() else {
        return;
    };
    let project = project("refused", "cache_to: ['type=gha', 'type=local,dest=cache']")
        .variable("ACTIONS_RUNTIME_TOKEN", "no-token-of-github")
        .variable("ACTIONS_CACHE_URL", "http://127.0.0.1:1/");
    build(&engine, &project).telling(&[
        "warning  `cache_to` `type=gha,token=***,url=http://127.0.0.1:1/` (compose.yaml:5:18) is not written (cache-export): ",
        "1 service built",
    ]);
    assert!(project.path().join("cache/index.json").exists());
}

#[test]
fn the_classic_builder_takes_images_that_are_here() {
    on_every_engine("classic", |engine, _| {
        let project = project("classic", "");
        let force = |project: &Project| {
            project
                .run(engine, &["-v", "build", "--force-traditional"])
                .expect(0)
        };
        force(&project);
        let image = project.image(engine, "web");
        write_caches(
            &project,
            &format!(
                "cache_from: ['{image}', 'none/of:these', 'type=local,src=x']\ncache_to: ['type=inline']"
            ),
        );
        let ran = force(&project);
        hits(&ran);
        ran.telling(&[
            "warning  `cache_from` `none/of:these` (compose.yaml:5:",
            "is no image of this engine",
            "warning: `cache_from` (type=local,src=x) of service `web` is more than this builder can do",
            "warning: `cache_to` (type=inline) of service `web` is needless here",
        ]);
        // An image that is not there would take the engine's own cache away.
        write_caches(&project, "cache_from: ['none/of:these']");
        hits(&force(&project));
    });
}

#[test]
fn podman_gets_no_caches() {
    let Some(engine) = podman() else { return };
    let project = project(
        "podman",
        "cache_from: ['busybox']\ncache_to: ['type=inline']",
    );
    build(&engine, &project).telling(&[
        "warning: `cache_from` (busybox) of service `web` is more than this builder can do",
        "warning: `cache_to` (type=inline) of service `web` is needless here",
    ]);
}

// What is written wrongly

#[test]
fn entries_that_are_written_wrongly_are_refused_with_their_place() {
    project("wrong", "cache_from:\n  - good\n  - type=locl,src=x\ncache_to: ['type=local']")
        .run_alone(&["build"])
        .shows(
            "
exit code 2
--- stderr
error: `cache_from` of service `web` is of the unknown kind `locl`
 --> compose.yaml:7:11
  |
7 |         - type=locl,src=x
  |           ^^^^^^^^^^^^^^^
  |
  = help: write one of IMAGE, type=registry,ref=IMAGE, type=local,src=DIRECTORY, type=gha, type=s3,bucket=NAME,region=NAME or type=azblob,account_url=URL
error: `cache_to` of service `web` does not say where: `local` needs `dest=`
 --> compose.yaml:8:18
  |
8 |       cache_to: ['type=local']
  |                  ^^^^^^^^^^^^
  |
  = help: write one of type=inline, type=registry,ref=IMAGE, type=local,dest=DIRECTORY, type=gha, type=s3,bucket=NAME,region=NAME or type=azblob,account_url=URL
error: caches are written wrongly
",
        );
}

/// Two services that build different things and keep their caches as told.
fn two(one: &str, other: &str) -> Project {
    let service = |cache: &str, text: &str| {
        format!("{{build: {{context: ., dockerfile_inline: FROM {text}, cache_to: ['{cache}']}}}}")
    };
    let compose = format!(
        "services:\n  one: {}\n  two: {}\n",
        service(one, "a"),
        service(other, "b")
    );
    Project::new("two").file("compose.yaml", &compose)
}

#[test]
fn services_that_name_one_directory_keep_a_part_of_it_each() {
    let plan = |project: &Project, arguments: &[&str]| {
        let arguments = [&["plan"], arguments].concat();
        project.run_alone(&arguments).expect(0)
    };
    let project = two("type=local,dest=cache", "type=local,dest=./cache,mode=max");
    plan(&project, &[]).telling(&[
        "note: services `one` and `two` keep their caches in one directory, `<dir>/cache`: each in a part of its own, named after it\n --> compose.yaml:2:",
        "cache to    type=local,dest=<dir>/cache/one\n",
        "cache to    type=local,dest=<dir>/cache/two,mode=max\n",
    ]);
    // Whoever is built alone.
    plan(&project, &["two"]).telling(&["note: services `one` and `two`", "<dir>/cache/two,"]);

    let apart = two("type=local,dest=cache/one", "type=local,dest=cache/two");
    let told = plan(&apart, &[]);
    assert!(!told.stderr.contains("note"), "{}", told.told());
}

/// Three services: two that are built from the same, and one that is not.
fn three(last: &str) -> Project {
    let compose = format!(
        "
x-cache: &cache
  cache_from: ['type=local,src=cache']
  cache_to: ['type=local,dest=cache,mode=max']
services:
  web: {{build: {{context: ., <<: *cache}}}}
  worker: {{build: {{context: ., <<: *cache}}}}
  last: {{build: {{context: ., {last}}}}}
"
    );
    Project::new("three").file("compose.yaml", &compose)
}

#[test]
fn services_that_are_built_from_the_same_have_one_part() {
    let steps = |project: &Project| write_steps(project, "last");
    let project = three("dockerfile_inline: FROM x");
    steps(&project);
    let plan = project.run_alone(&["plan"]).expect(0).telling(&[
        "cache to    type=local,dest=<dir>/cache,mode=max\n",
        "`web` is built from the same",
    ]);
    assert!(!plan.told().contains("in one directory"), "{}", plan.told());

    let project = three("dockerfile_inline: FROM x, <<: *cache");
    steps(&project);
    project.run_alone(&["plan", "worker"]).expect(0).telling(&[
        "cache from  type=local,src=<dir>/cache/web\n",
        "cache to    type=local,dest=<dir>/cache/web,mode=max\n",
    ]);
    // Who only reads it may need any part.
    let project =
        three("dockerfile_inline: FROM x, cache_from: ['type=local,src=cache'], target: y");
    steps(&project);
    let other = "  other: {build: {context: ., dockerfile_inline: FROM z, <<: *cache}}\n";
    let compose = std::fs::read_to_string(project.path().join("compose.yaml")).expect("a file");
    project.write("compose.yaml", &format!("{compose}{other}"));
    project.run_alone(&["plan", "last"]).expect(0).telling(&[
        "cache from  type=local,src=<dir>/cache/other type=local,src=<dir>/cache/web\n",
    ]);
}

#[test]
fn a_part_of_a_directory_is_found_again() {
    let Some(engine) = own_containerd() else {
        return;
    };
    let project =
        three("dockerfile_inline: \"FROM busybox\\nRUN echo run: else; touch /else\", <<: *cache");
    write_steps(&project, "last");
    build(&engine, &project);
    for service in ["web", "worker", "last"] {
        let image = project.image(&engine, service);
        engine.ask(&["rmi", "--force", &image]);
    }
    engine.ask(&["builder", "prune", "--all", "--force"]);
    let ran = build(&engine, &project);
    hits(&ran);
    assert!(is_cached(&ran, "else"), "{}", ran.told());
}

#[test]
fn two_builds_of_one_run_never_write_one_directory() {
    two("type=local,dest=cache", "type=local,dest=cache/one")
        .run_alone(&["plan"])
        .expect(0);
    let three = "
services:
  one: {build: {context: ., dockerfile_inline: FROM a, cache_to: ['type=local,dest=cache']}}
  two: {build: {context: ., dockerfile_inline: FROM b, cache_to: ['type=local,dest=cache']}}
  three: {build: {context: ., dockerfile_inline: FROM c, cache_to: ['type=local,dest=cache/one']}}
";
    Project::new("three")
        .file("compose.yaml", three)
        .run_alone(&["plan"])
        .expect(2)
        .telling(&[
            "error: services `one` and `three` would write their caches into one directory, `<dir>/cache/one`\n --> compose.yaml:5:",
            "compose.yaml:3:",
            "give each service a directory of its own: type=local,dest=<dir>/cache/one/three",
        ]);
}

#[test]
fn two_services_that_write_one_place_are_warned_of() {
    two("type=registry,ref=r.io/cache", "type=registry,ref=r.io/cache,mode=max")
        .run_alone(&["plan"])
        .expect(0)
        .telling(&["warning: services `one` and `two` write their caches to one place, where only the last is kept"]);
}

// Images in directories

#[test]
fn an_image_in_a_directory_is_a_context() {
    for engine in engines() {
        for (tag, written) in [(Some("latest"), ""), (None, ""), (Some("v1"), ":v1")] {
            let project = Project::new("layout").file(
                "compose.yaml",
                &format!("services:\n  web:\n    build:\n      context: .\n      additional_contexts: {{ base: 'oci-layout://./layout{written}' }}\n"),
            );
            let text = project.name().to_owned();
            layout::make(&project.path().join("layout"), tag, "in-layout", &text);
            project.write(
                "Dockerfile",
                "FROM busybox\nCOPY --from=base /in-layout /it\n",
            );
            let ran = project.run(&engine, &["build"]);
            if engine.has_containerd_store() {
                ran.expect(0);
                let image = project.image(&engine, "web");
                assert_eq!(engine.read(&image, &["/it"]), text);
            } else {
                ran.expect(2).telling(&["needs images in containerd"]);
            }
        }
    }
}

#[test]
fn an_image_that_is_not_in_the_directory_is_told_by_name() {
    let Some(engine) = containerd_store() else {
        return;
    };
    let project = project(
        "no-layout",
        "additional_contexts: { base: 'oci-layout://./layout:v2' }",
    );
    project
        .run(&engine, &["build"])
        .expect(4)
        .telling(&["the context `base`: `<dir>/./layout` holds no image: it has no `index.json`"]);
    layout::make(&project.path().join("layout"), Some("v1"), "f", "f");
    project.run(&engine, &["build"]).expect(4).telling(&[
        "holds no image with the tag `v2`",
        "write oci-layout://DIRECTORY:TAG or oci-layout://DIRECTORY@DIGEST",
    ]);
}
