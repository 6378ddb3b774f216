//! `dcb cache`: what a project keeps, what of it goes, and that what others keep stays; and the caches
//! that a project names once for all its services.
//!
//! Engines of the tests' own: those that all share hold what other tests made.

mod support;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;
use support::registry::Registry;
use support::{Engine, PrivateEngine, Project, Ran, containerd_store, engines, on_engines, podman};

/// Projects of which each has the same steps, with files and a cache mount of its own, and a cache
/// mount that all of them use.
fn project() -> Project {
    let project = Project::new("kept");
    let name = project.name().to_owned();
    let dockerfile = format!(
        "FROM busybox\nCOPY salt /salt\n\
         RUN --mount=type=cache,id={name}-own,target=/own --mount=type=cache,target=/common \
         echo run: last; dd if=/dev/urandom of=/own/x bs=1000 count=300 2>/dev/null; touch /common/y /z\n"
    );
    project
        .file("compose.yaml", "services: {web: {build: .}}\n")
        .file("salt", &name)
        .file("Dockerfile", &dockerfile)
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.told()))
}

/// What a project has in an engine.
fn kept(project: &Project, engine: &Engine) -> Value {
    json(&project.run(engine, &["cache", "--json"]).expect(0))
}

/// Records with these properties, as their ids.
fn ids(kept: &Value, is_it: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    let records = kept["records"].as_array().expect("records");
    let found = records.iter().filter(|record| is_it(record));
    found
        .map(|it| it["id"].as_str().expect("an id").to_owned())
        .collect()
}

fn own(kept: &Value) -> BTreeSet<String> {
    ids(kept, |record| record["owner"] == "project")
}

fn shared(kept: &Value) -> BTreeSet<String> {
    ids(kept, |record| record["owner"] == "shared")
}

fn ran_anew(ran: &Ran) -> bool {
    ran.stderr
        .lines()
        .any(|line| line.trim_end().ends_with("run: last"))
}

#[test]
fn what_a_project_keeps_is_told_and_goes_and_what_others_keep_stays() {
    let private: Vec<PrivateEngine> = engines().iter().filter_map(PrivateEngine::like).collect();
    let engines: Vec<Engine> = private.iter().map(|engine| (**engine).clone()).collect();
    on_engines(&engines, "kept", |engine, _| {
        let (mine, theirs) = (project(), project());
        for project in [&mine, &theirs] {
            project.run(engine, &["build"]).expect(0);
        }
        let before = kept(&mine, engine);
        for (kind, owner, count) in [
            ("layer", "project", 2),
            ("transfer", "project", 3),
            ("mount", "project", 1),
            ("mount", "shared", 1),
        ] {
            let found = ids(&before, |it| it["kind"] == kind && it["owner"] == owner);
            assert!(
                found.len() == count || (kind == "transfer" && found.len() == 2),
                "{kind} {owner}: {before:#}"
            );
        }
        let others = own(&kept(&theirs, engine));
        assert!(others.is_disjoint(&own(&before)), "{before:#}");

        // Nothing goes that was not agreed to.
        let refused = mine.run(engine, &["cache", "clear", "web"]).expect(2);
        // What that engine cannot help is told before.
        let forgets = engine.has_containerd_store();
        let told = "it forgets which steps of other projects it has";
        assert_eq!(refused.stdout.contains(told), forgets, "{}", refused.told());
        refused.telling(&[
            "mount  ",
            "/own (id <project>-own)",
            " COPY salt /salt",
            " in cache mounts that other projects may use, for their ids do not name this one (`/common`): --shared removes them too",
            "say so beforehand: dcb cache clear web --yes",
        ]);
        assert_eq!(own(&kept(&mine, engine)), own(&before));

        let cleared = json(
            &mine
                .run(engine, &["cache", "clear", "web", "--yes", "--json"])
                .expect(0),
        );
        let removed = &cleared["removed"];
        let number = |name: &str| removed[name].as_u64().expect("a number");
        assert_eq!(number("records"), own(&before).len() as u64, "{cleared:#}");
        assert!(number("announced") >= 300_000, "{cleared:#}");
        assert_eq!(number("freed"), number("announced"), "{cleared:#}");
        assert!(number("engine_counts") >= number("freed"), "{cleared:#}");

        let after = kept(&mine, engine);
        assert_eq!((own(&after).len(), shared(&after)), (0, shared(&before)));
        assert_eq!(own(&kept(&theirs, engine)), others, "what others keep");
        let again = theirs.run(engine, &["-v", "build"]).expect(0);
        assert_eq!(ran_anew(&again), forgets, "{}", again.told());
        let again = mine.run(engine, &["-v", "build"]).expect(0);
        assert!(ran_anew(&again), "{}", again.told());

        // Age and size choose among what is the project's; mounts go when they are asked for.
        let listed = |arguments: &[&str]| {
            let arguments = [&["cache", "prune", "--dry-run", "--json"], arguments].concat();
            json(&mine.run(engine, &arguments).expect(0))
        };
        let mounts = |kept: &Value| ids(kept, |it| it["kind"] == "mount").len();
        assert_eq!(mounts(&listed(&[])), 0);
        assert_eq!(mounts(&listed(&["--mounts"])), 1);
        assert_eq!(mounts(&listed(&["--mounts", "--shared"])), 2);
        for nothing in [["--mounts", "--older=24h"], ["--mounts", "--keep=10MB"]] {
            assert_eq!(listed(&nothing)["records"], Value::Array(Vec::new()));
        }
        assert_eq!(mounts(&listed(&["--mounts", "--keep=0"])), 1);
        let everybody = listed(&["--all-projects", "--mounts"]);
        assert!(
            ids(&everybody, |_| true).is_superset(&ids(&kept(&theirs, engine), |it| {
                it["kind"] == "mount" || it["kind"] == "transfer"
            }))
        );

        mine.run(engine, &["cache", "prune", "--mounts", "--shared", "-y"])
            .expect(0)
            .telling(&["[other projects may use it]", "announced, "]);
        let left = kept(&theirs, engine);
        assert_eq!(shared(&left).len(), 0, "as was asked");
        assert_eq!(mounts(&left), 1, "what others keep");
        mine.run(
            engine,
            &["cache", "prune", "--all-projects", "--mounts", "-y"],
        )
        .expect(0)
        .telling(&["(not this project)"]);
        assert_eq!(mounts(&kept(&theirs, engine)), 0, "as was asked");
    });
}

#[test]
fn podman_is_told_to_have_no_build_cache() {
    let Some(engine) = podman() else { return };
    let project = project();
    project.run(&engine, &["cache"]).expect(0).telling(&[
        "nothing is kept",
        "note: Podman keeps the steps of builds as images",
    ]);
    project
        .run(&engine, &["cache", "prune", "--yes"])
        .expect(2)
        .telling(&["has no build cache to list", "podman image prune"]);
}

// Caches for all services

const TEAM: &str = "
services:
  web: {build: {context: ., dockerfile_inline: FROM x}}
  Api: {build: {context: ., dockerfile_inline: FROM y}, image: acme/api}
  own: {build: {context: ., dockerfile_inline: FROM z, cache_from: [acme/own]}}
  out: {build: {context: ., dockerfile_inline: FROM a}, x-dcb: {cache: false}}
x-dcb:
  cache:
    dev: r.example/{project}/{service}:devcache
    prod: r.example/{project}/{service}:buildcache
    local: cache/{service}
    write: ${WRITE:-dev}
";

#[test]
fn caches_are_said_once_and_only_production_writes_those_of_production() {
    let plan = |write: &str| {
        let project = Project::new("team")
            .file("compose.yaml", TEAM)
            .variable("WRITE", write);
        let plan = project.run_alone(&["plan", "-v"]).expect(0);
        project.redactions().apply(&plan.stdout)
    };
    let lines = |text: &str, service: &str| -> Vec<String> {
        let (_, section) = text
            .split_once(&format!("\n{service}\n"))
            .expect("a section");
        let section = section.split("\n\n").next().expect("lines");
        let lines = section.lines().map(str::trim);
        let caches = lines.filter(|line| line.starts_with("cache "));
        caches.map(str::to_owned).collect()
    };
    let dev = plan("dev");
    assert_eq!(
        lines(&dev, "Api"),
        [
            "cache from  r.example/<project>/api:devcache (compose.yaml:9:10) r.example/<project>/api:buildcache (compose.yaml:10:11) type=local,src=<dir>/cache/Api (compose.yaml:11:12)",
            "cache to    type=registry,ref=r.example/<project>/api:devcache,mode=max (compose.yaml:9:10) type=local,dest=<dir>/cache/Api,mode=max (compose.yaml:11:12)",
        ]
    );
    assert_eq!(
        lines(&dev, "own"),
        ["cache from  acme/own (compose.yaml:5:69)"]
    );
    assert_eq!(lines(&dev, "out"), [""; 0]);
    let prod = lines(&plan("prod"), "web").join("\n");
    assert!(
        !prod.contains("devcache") && prod.contains("web:buildcache,mode=max"),
        "{prod}"
    );
    let none = lines(&plan("none"), "web").join("\n");
    assert!(
        none.contains("devcache") && !none.contains("registry"),
        "{none}"
    );
}

#[test]
fn places_that_cannot_be_meant_are_refused_together() {
    let compose = "services: {web: {build: .}, api: {build: .}}\n\
                   x-dcb:\n  cache:\n    dev: r.example/cache:dev\n    prod: r.example/{image}:p\n    local: 'a,b'\n    write: always\n    share: x\n";
    let project = Project::new("wrong").file("compose.yaml", compose);
    project.run_alone(&["plan"]).expect(2).telling(&[
        "`r.example/cache:dev` is one place for several services, where only the last would be kept",
        "put `{service}` into it",
        "`r.example/{image}:p` has a placeholder that is none",
        "there are `{service}` and `{project}`",
        "`a,b` cannot be a directory of a cache",
        "`always` is none of the caches that are written",
        "`x-dcb` has no key `share`",
    ]);
}

#[test]
fn an_engine_that_cannot_keep_them_says_so_once_for_all_services() {
    let mut engines = engines().into_iter();
    let has_own_store = |engine: &Engine| !engine.has_containerd_store();
    let engine = engines.rfind(has_own_store).expect("an engine");
    let compose = "services:\n  web: {build: {context: ., dockerfile_inline: FROM busybox}}\n  \
                   api: {build: {context: ., dockerfile_inline: 'FROM busybox AS b'}}\nx-dcb:\n  cache:\n    local: cache/{service}\n";
    let project = Project::new("cannot").file("compose.yaml", compose);
    let ran = project.run(&engine, &["build"]).expect(0);
    let warning = "warning: `cache_to` (local) of `x-dcb.cache` needs images in containerd";
    assert_eq!(ran.stderr.matches(warning).count(), 1, "{}", ran.told());
}

#[test]
fn a_team_reads_what_development_wrote_then_what_production_wrote() {
    let (Some(registry), Some(engine)) = (
        Registry::start(),
        containerd_store().and_then(|engine| PrivateEngine::like(&engine)),
    ) else {
        return;
    };
    let compose = format!(
        "services: {{web: {{build: .}}}}\nx-dcb:\n  cache:\n    dev: {0}/{{service}}:devcache\n    prod: {0}/{{service}}:buildcache\n    local: cache/{{service}}\n    write: ${{WRITE:-dev}}\n",
        registry.address()
    );
    let project = project().file("compose.yaml", &compose);
    let build = |write: &str| {
        let ran = project.ran(
            project
                .dcb_on(&engine)
                .args(["-v", "build"])
                .env("WRITE", write),
        );
        let ran = ran.expect(0);
        assert!(!ran.stderr.contains("warning"), "{}", ran.told());
        engine.ask(&["rmi", "--force", &project.image(&engine, "web")]);
        engine.ask(&["builder", "prune", "--all", "--force"]);
        ran_anew(&ran)
    };
    let forget = || {
        let cleared = project
            .run(&engine, &["cache", "clear", "web", "--yes"])
            .expect(0);
        assert!(
            !project.path().join("cache/web").exists(),
            "{}",
            cleared.told()
        );
        cleared.telling(&[
            "removed from directories",
            "web:devcache`, which is not on this machine",
        ]);
    };
    assert!(build("prod"), "nothing is there");
    assert_eq!(tags(&registry), ["buildcache"]);
    forget();
    assert!(!build("dev"), "from production's");
    assert_eq!(tags(&registry), ["buildcache", "devcache"]);
    // What only development has serves development, and never production.
    project.write("salt", "another");
    forget();
    assert!(build("dev"));
    forget();
    assert!(!build("none"));
    forget();
    assert!(build("prod"));
    assert!(!build("prod"), "from this machine's");
}

/// The tags of the image `web` that a registry has.
fn tags(registry: &Registry) -> Vec<String> {
    let mut stream = TcpStream::connect(registry.address()).expect("the registry");
    let request = "GET /v2/web/tags/list HTTP/1.0\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let answer: Value = serde_json::from_str(body).expect("JSON");
    let tags = answer["tags"].as_array().expect("tags").iter();
    let mut tags: Vec<String> = tags
        .map(|tag| tag.as_str().expect("a tag").to_owned())
        .collect();
    tags.sort();
    tags
}
