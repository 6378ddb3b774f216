//! dcb sends what Docker's own clients send.
//!
//! The engine caches a step by the content of the files that it uses: names, kinds, modes, owners,
//! attributes, targets and bytes. So when one client has built a tree that never was before, and
//! another finds every step in the cache, both sent the same. What the cache does not see (times,
//! further names of a file) is compared in the images.
//!
//! `DCB_FIDELITY_CASES` is how many random trees each engine gets, `DCB_FIDELITY_SEED` another seed than the usual one.

#![allow(
    clippy::disallowed_methods,
    reason = "tests read the environment they are given"
)]
#![allow(clippy::disallowed_macros, reason = "tests tell their counts")]
#![allow(unreachable_pub, reason = "this crate has no other side")]

mod patterns;
mod reference;
#[path = "../support/mod.rs"]
mod support;
mod tree;

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fastrand::Rng;
use reference::{Reference, Service, Step, compose_file, layers};
use support::relay::Relay;
use support::{Engine, Project, Ran, engines};
use tree::{Listing, Names};

const COPY_ALL: &str = "FROM scratch\nCOPY . /all/\n";

/// What `dcb build -v` and the reference build take beyond the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cache {
    Use,
    Ignore,
}

fn dcb(engine: &Engine, project: &Project, cache: Cache) -> Ran {
    let mut arguments = vec!["build", "-v"];
    if cache == Cache::Ignore {
        arguments.push("--no-cache");
    }
    project.run(engine, &arguments)
}

/// A project whose name no other run has.
fn project(name: &str, rng: &mut Rng) -> Project {
    Project::new(&format!("{name}-{:08x}", rng.u32(..)))
}

fn fresh() -> Rng {
    Rng::with_seed(fastrand::u64(..))
}

/// The steps of `services` times `each`, of which none may come from elsewhere than the cache.
fn assert_cached(steps: &[Step], expected: usize, what: &str, ran: &Ran) {
    let uncached: Vec<_> = steps.iter().filter(|step| !step.cached).collect();
    assert!(
        uncached.is_empty() && steps.len() == expected,
        "{what}: {} of {expected} steps told, not cached: {uncached:#?}\n{}{}",
        steps.len(),
        ran.stdout,
        ran.stderr
    );
}

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

/// The names of a service's image as `docker build` and as dcb made it.
fn images(project: &Project, service: &Service) -> (String, String) {
    let name = format!("{}-{}", project.name(), service.name);
    (format!("{name}:docker"), name)
}

/// In what the images of Docker and dcb differ; what Docker writes into every container left out.
fn compare(engine: &Engine, docker: &str, dcb: &str) -> String {
    let (docker, dcb) = (contents(engine, docker), contents(engine, dcb));
    assert!(!docker.is_empty(), "nothing to compare");
    tree::differences(("docker", &docker), ("dcb   ", &dcb))
}

/// What is in an image.
fn contents(engine: &Engine, image: &str) -> Listing {
    let container = engine.ask(&["create", "--network=none", image, "/none"]);
    let directory = tempfile::tempdir().expect("a directory");
    let mut export = engine.docker();
    let mut export = export
        .args(["export", &container])
        .stdout(Stdio::piped())
        .spawn()
        .expect("docker runs");
    let unpacked = Command::new("tar")
        .args([
            "-x",
            "--warning=no-timestamp",
            "--numeric-owner",
            "--same-permissions",
            "-C",
        ])
        .arg(directory.path())
        .stdin(export.stdout.take().expect("a pipe"))
        .status()
        .expect("tar runs");
    assert!(
        export.wait().expect("docker ends").success() && unpacked.success(),
        "{image}"
    );
    engine.ask(&["rm", &container]);
    // What is in the base image, what Docker puts into each container, and what steps made.
    for made in [
        "bin",
        "dev",
        "etc",
        "home",
        "lib",
        "lib64",
        "list",
        "proc",
        "root",
        "sys",
        "tmp",
        "usr",
        "var",
        ".dockerenv",
    ] {
        let made = directory.path().join(made);
        let _ = std::fs::remove_dir_all(&made).or_else(|_| std::fs::remove_file(&made));
    }
    tree::list(directory.path())
}

/// Removes the images of a project.
fn clean(engine: &Engine, project: &Project) {
    let filter = format!("reference={}*", project.name());
    let listed = engine.ask(&[
        "images",
        "--filter",
        &filter,
        "--format",
        "{{.Repository}}:{{.Tag}}",
    ]);
    let images: Vec<&str> = listed
        .lines()
        .filter(|line| !line.contains("<none>"))
        .collect();
    if !images.is_empty() {
        engine.ask(&[&["rmi", "--force"], images.as_slice()].concat());
    }
}

/// How many random trees there are in one context.
const GROUP: usize = 100;
/// How many lists of patterns are put to one context of many trees.
const LISTS: usize = 16;
/// How many Dockerfiles copy from random places, and how often each does.
const FOLLOWING: usize = 16;
const COPIES: usize = 2;

/// What is drawn at random: how much, and from which seed.
struct Draws {
    seed: u64,
    cases: usize,
}

impl Draws {
    fn asked() -> Self {
        let number = |name| {
            std::env::var(name)
                .ok()
                .map(|text| text.parse::<u64>().expect("a number"))
        };
        let cases = number("DCB_FIDELITY_CASES").unwrap_or(1000);
        Self {
            seed: number("DCB_FIDELITY_SEED").unwrap_or(1),
            cases: usize::try_from(cases).expect("a number"),
        }
    }
}

/// A project with many contexts of many random trees.
struct Random {
    seed: u64,
    project: Project,
    services: Vec<Service>,
    cases: usize,
}

impl Random {
    fn new() -> Self {
        let Draws { seed, cases } = Draws::asked();
        let groups = cases.div_ceil(GROUP);
        let mut rng = Rng::with_seed(seed);
        let mut random = Self {
            seed,
            project: project("random", &mut fresh()),
            services: Vec::new(),
            cases: 0,
        };
        for group in 0..groups {
            random.group(&format!("g{group}"), &mut rng);
        }
        random.one_context(&mut rng);
        random
            .project
            .write("compose.yaml", &compose_file(&random.services));
        random
    }

    /// A context of many trees, each with patterns of its own in one ignore file.
    fn group(&mut self, name: &str, rng: &mut Rng) {
        let mut ignores = String::new();
        for case in 0..GROUP {
            let prefix = format!("c{case:02}");
            tree::random(&self.project.path().join(name).join(&prefix), rng);
            ignores += &format!("# {prefix}\n{}", patterns::ignores(rng, Some(&prefix)));
        }
        ignores += "!salt\n";
        self.salt(name);
        self.project
            .write(&format!("{name}/.dockerignore"), &ignores);
        self.project.write(&format!("{name}/Dockerfile"), COPY_ALL);
        self.services.push(Service::new(name, name, "Dockerfile"));
        self.cases += GROUP;
    }

    /// A context of many trees, with lists of patterns that are not below a directory, and with
    /// copies of single places.
    fn one_context(&mut self, rng: &mut Rng) {
        let root = self.project.path().join("one");
        for number in 0..27 {
            let directory = tree::NAMES[number % tree::NAMES.len()];
            tree::random(&root.join(directory).join(format!("t{number}")), rng);
        }
        // Some lie in the root itself, for patterns are anchored there.
        for _ in 0..3 {
            tree::random(&root, rng);
        }
        self.salt("one");
        for list in 0..LISTS {
            let name = format!("list{list}");
            let mut ignores = patterns::ignores(rng, None);
            ignores += "!salt\n";
            // Each to a place of its own, or lists that leave the same would cache each other.
            self.one(&name, &format!("FROM scratch\nCOPY . /{name}/\n"), &ignores);
        }
        let places = places(&root);
        for number in 0..FOLLOWING {
            let mut dockerfile = "FROM scratch\nCOPY salt /\n".to_owned();
            for step in 0..COPIES {
                let sources: Vec<String> = (0..2)
                    .map(|_| source(rng.choice(&places).expect("places"), rng))
                    .collect();
                let _ = writeln!(
                    dockerfile,
                    "COPY [\"{}\", \"/to-{step}/\"]",
                    sources.join("\", \"")
                );
            }
            self.one(&format!("follow{number}"), &dockerfile, "");
        }
    }

    fn one(&mut self, name: &str, dockerfile: &str, ignores: &str) {
        let file = format!("{name}.Dockerfile");
        self.project.write(&format!("one/{file}"), dockerfile);
        self.project
            .write(&format!("one/{file}.dockerignore"), ignores);
        self.services.push(Service::new(name, "one", &file));
    }

    /// Makes sure that no other run had the same context.
    fn salt(&self, context: &str) {
        self.project.write(
            &format!("{context}/salt"),
            &format!("{:x}", fastrand::u128(..)),
        );
    }

    /// Whether Docker, given the same files in a directory that it never saw, finds what dcb built.
    /// For services that share a context, Docker's clients share the engine's copy of it, and
    /// engines before 23 at times hash what an earlier transfer left there.
    fn agrees_with_a_fresh_transfer(
        &self,
        engine: &Engine,
        clients: &Engine,
        service: &Service,
    ) -> bool {
        let fresh = format!("fresh-{:x}", fastrand::u64(..));
        let copied = Command::new("cp")
            .args(["-a", &service.context, &fresh])
            .current_dir(self.project.path())
            .status();
        assert!(copied.expect("cp runs").success());
        let fresh = Service {
            context: fresh,
            ..service.clone()
        };
        let ran = Reference::Build
            .build(clients, &self.project, &[fresh])
            .expect(0);
        let (docker, ours) = images(&self.project, service);
        engine.major() < 23
            && Step::of_docker(&ran).iter().all(|step| step.cached)
            && layers(engine, &docker) == layers(engine, &ours)
    }

    /// Of each step that was not cached: what differs, and the patterns it differs with. Counts the
    /// files that [`emptied`] explains.
    fn explain(&self, engine: &Engine, clients: &Engine, steps: &[Step]) -> (String, usize) {
        let mut text = String::new();
        let mut known = 0;
        for service in &self.services {
            if !steps
                .iter()
                .any(|step| step.service == service.name && !step.cached)
            {
                continue;
            }
            drop(
                Reference::Build
                    .build(clients, &self.project, std::slice::from_ref(service))
                    .expect(0),
            );
            let (docker, ours) = images(&self.project, service);
            let mut docker = contents(engine, &docker);
            let ours = contents(engine, &ours);
            let emptied = emptied(&mut docker, &ours);
            known += emptied;
            let mut differences = tree::differences(("docker", &docker), ("dcb   ", &ours));
            let same = differences.is_empty();
            if same && (emptied > 0 || self.agrees_with_a_fresh_transfer(engine, clients, service))
            {
                continue;
            }
            if same {
                differences = "in nothing that shows\n".to_owned();
            }
            let context = self.project.path().join(&service.context);
            let ignores = [
                ".dockerignore".to_owned(),
                format!("{}.dockerignore", service.dockerfile),
            ]
            .iter()
            .filter_map(|file| std::fs::read_to_string(context.join(file)).ok())
            .collect::<String>();
            let differs = |line: &&str| {
                let case = (0..GROUP)
                    .map(|case| format!("c{case:02}/"))
                    .find(|prefix| line.contains(prefix));
                case.is_none_or(|prefix| differences.contains(&prefix))
            };
            let ignores: Vec<&str> = ignores.lines().filter(differs).collect();
            let _ = writeln!(
                text,
                "{} on {} differs: {differences}  ignoring {ignores:#?}",
                service.name, engine.version
            );
        }
        (text, known)
    }
}

/// Takes out of Docker's listing, and counts, what Docker's clients get wrong: where a file is
/// included again inside a directory that two patterns exclude, one before and one after, they tell
/// the file and then refuse themselves to open it. It arrives empty. dcb sends what is in it.
fn emptied(docker: &mut Listing, ours: &Listing) -> usize {
    let beside_content = |line: &str| {
        let parts = line.split(", ").filter(|part| !part.contains(" bytes "));
        parts.map(str::to_owned).collect::<Vec<_>>()
    };
    let mut count = 0;
    for (path, line) in docker {
        if let Some(our_line) = ours.get(path)
            && line != our_line
            && line.contains(", 0 bytes ")
            && beside_content(line) == beside_content(our_line)
        {
            line.clone_from(our_line);
            count += 1;
        }
    }
    count
}

/// The clients of the newest engine, for another engine: the language of patterns is the client's,
/// and that of clients before 23 was another.
fn newest_clients(engine: &Engine) -> Engine {
    let newest = engines()
        .into_iter()
        .max_by_key(Engine::major)
        .expect("engines");
    Engine {
        host: engine.host.clone(),
        ..newest
    }
}

/// Paths in a context that exist, also such that lead through links, without those that a
/// Dockerfile would take for patterns.
fn places(root: &Path) -> Vec<PathBuf> {
    let root = &root.canonicalize().expect("a directory");
    let mut found = Vec::new();
    let mut waiting = vec![(PathBuf::new(), 0)];
    while let Some((below, depth)) = waiting.pop() {
        let Ok(entries) = std::fs::read_dir(root.join(&below)) else {
            continue;
        };
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        names.sort();
        for name in names {
            let path = below.join(name);
            let plain = path
                .to_str()
                .is_some_and(|text| !text.contains(['*', '[', '\\']));
            let inside = root
                .join(&path)
                .canonicalize()
                .is_ok_and(|place| place.starts_with(root) && place != **root);
            if plain && inside && depth < 7 {
                waiting.push((path.clone(), depth + 1));
                found.push(path);
            }
        }
    }
    found
}

/// A path, or a pattern that it matches, as a source of `COPY`.
fn source(place: &Path, rng: &mut Rng) -> String {
    let text = place.to_str().expect("UTF-8").to_owned();
    let Some((above, name)) = text.rsplit_once('/') else {
        return text;
    };
    match (rng.u32(0..4), name.chars().next()) {
        (0, Some(first)) => format!("{above}/{first}*"),
        (1, Some(_)) => format!("{above}/*"),
        _ => text,
    }
}

#[test]
fn random_trees_under_random_patterns_that_docker_built_are_cached_for_dcb() {
    let random = Random::new();
    let mut failures = String::new();
    let (following, others): (Vec<_>, Vec<_>) = random
        .services
        .iter()
        .cloned()
        .partition(|service| service.name.starts_with("follow"));
    for engine in engines() {
        let clients = newest_clients(&engine);
        let first = Reference::Compose
            .build(&clients, &random.project, &others)
            .expect(0);
        let new = Step::of_docker(&first)
            .iter()
            .filter(|step| !step.cached)
            .count();
        assert_eq!(new, others.len(), "{first:#?}");
        // A random path through links may lead nowhere; then it leads nowhere for both.
        let follows = |service: &&Service| {
            Reference::Build
                .build(&clients, &random.project, std::slice::from_ref(service))
                .code
                == Some(0)
        };
        let followed: Vec<&Service> = following.iter().filter(follows).collect();
        // About half of them lead somewhere, so a draw with fewer than two shows a broken generator.
        assert!(followed.len() > 1, "nothing followed: {followed:?}");

        let second = dcb(&engine, &random.project, Cache::Use);
        let built = |service: &Service| {
            let outcome = second
                .stderr
                .lines()
                .rev()
                .find(|line| line.starts_with(&format!("{} ", service.name)));
            outcome.and_then(|line| line.split_whitespace().nth(1)) == Some("built")
        };
        for service in &random.services {
            let expected = !service.name.starts_with("follow")
                || followed
                    .iter()
                    .any(|followed| followed.name == service.name);
            assert_eq!(
                built(service),
                expected,
                "{}: {}: {}",
                engine.version,
                service.name,
                second.stderr
            );
        }
        let steps = Step::of_dcb(&second);
        let steps: Vec<Step> = steps
            .into_iter()
            .filter(|step| {
                random
                    .services
                    .iter()
                    .any(|service| service.name == step.service && built(service))
            })
            .collect();
        for service in others.iter().chain(followed.iter().copied()) {
            let expected = if service.name.starts_with("follow") {
                COPIES + 1
            } else {
                1
            };
            let told: Vec<_> = steps
                .iter()
                .filter(|step| step.service == service.name)
                .collect();
            assert_eq!(
                told.len(),
                expected,
                "{}: {told:?} {}",
                service.name,
                second.stderr
            );
        }
        let (differing, emptied) = random.explain(&engine, &clients, &steps);
        failures += &differing;
        println!(
            "{}: {} trees with patterns of their own, {LISTS} lists on one context, {} of {FOLLOWING} Dockerfiles followed, {} steps; docker emptied {emptied} files",
            engine.version,
            random.cases,
            followed.len(),
            steps.len()
        );
        clean(&engine, &random.project);
    }
    assert!(
        failures.is_empty(),
        "DCB_FIDELITY_SEED={}\n{failures}",
        random.seed
    );
}

#[test]
fn an_image_of_random_trees_is_the_same_down_to_times_and_further_names() {
    let mut random = Random::new();
    random.services.retain(|service| {
        ["g0", "list0", "list1", "list2", "list3"].contains(&service.name.as_str())
    });
    random
        .project
        .write("compose.yaml", &compose_file(&random.services));
    for engine in engines() {
        let clients = newest_clients(&engine);
        drop(
            Reference::Build
                .build(&clients, &random.project, &random.services)
                .expect(0),
        );
        drop(dcb(&engine, &random.project, Cache::Ignore).expect(0));
        for service in &random.services {
            let (docker, ours) = images(&random.project, service);
            let (mut docker, ours) = (contents(&engine, &docker), contents(&engine, &ours));
            emptied(&mut docker, &ours);
            let differences = tree::differences(("docker", &docker), ("dcb   ", &ours));
            let seed = random.seed;
            assert!(
                differences.is_empty(),
                "DCB_FIDELITY_SEED={seed} {}: {}: {differences}",
                engine.version,
                service.name
            );
        }
        clean(&engine, &random.project);
    }
}

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

/// How many files the projects have that are built again.
const FILES: usize = 500;

fn mark(number: usize) -> String {
    format!("<marked-{number:04}>")
}

/// A project of services that share one context of marked files.
fn marked_project(services: &[Service]) -> Project {
    let project = project("again", &mut fresh()).file("compose.yaml", &compose_file(services));
    for number in 0..FILES {
        write_marked(&project, number);
    }
    project
}

fn write_marked(project: &Project, number: usize) {
    // Many times, because a mark may be split over two frames.
    let text = format!("{} {}", fastrand::u128(..), mark(number).repeat(40));
    project.write(&format!("tree/{}/{number}", number % 7), &text);
}

/// Which marked files were sent.
fn sent(relay: &Relay) -> Vec<usize> {
    let bytes = relay.sent();
    let text = String::from_utf8_lossy(&bytes);
    assert!(
        text.contains("POST /session") || text.contains("PRI * HTTP/2.0"),
        "the relay was not used"
    );
    (0..FILES)
        .filter(|number| text.contains(&mark(*number)))
        .collect()
}

#[test]
fn an_unchanged_project_sends_no_file_and_a_changed_file_is_sent_alone() {
    let services = [Service::new("one", "tree", "Dockerfile")];
    for engine in engines() {
        let relay = Relay::to(&engine);
        let through = relay.engine(&engine);
        let project = marked_project(&services).file("tree/Dockerfile", COPY_ALL);
        let build = || dcb(&through, &project, Cache::Use).expect(0);
        build();
        assert_eq!(sent(&relay).len(), FILES, "{}", engine.version);
        let ran = build();
        assert_eq!(sent(&relay), [0; 0], "{}", engine.version);
        assert_cached(&Step::of_dcb(&ran), 1, &engine.version, &ran);
        let path = project.path().join("tree/0/7");
        tree::touch(&path, 1_700_000_000, 0);
        let ran = build();
        assert_eq!(sent(&relay), [7], "{}: touched", engine.version);
        assert_cached(&Step::of_dcb(&ran), 1, &engine.version, &ran);
        write_marked(&project, 8);
        let ran = build();
        assert_eq!(sent(&relay), [8], "{}: changed", engine.version);
        assert!(!Step::of_dcb(&ran)[0].cached);
        std::fs::remove_file(&path).expect("removed");
        let ran = build();
        assert_eq!(sent(&relay), [0; 0], "{}: removed", engine.version);
        assert!(!Step::of_dcb(&ran)[0].cached);
        clean(&engine, &project);
    }
}

#[test]
fn services_that_share_a_context_do_not_evict_each_others_files() {
    // They want different parts, so each transfer deletes what the other needs if they share.
    let dockerfile = |directories: [u32; 2]| {
        format!(
            "FROM scratch\nCOPY {}/ {}/ /all/\n",
            directories[0], directories[1]
        )
    };
    let services = [
        Service::new("one", "tree", "one.Dockerfile"),
        Service::new("two", "tree", "two.Dockerfile"),
    ];
    for engine in engines() {
        let relay = Relay::to(&engine);
        let through = relay.engine(&engine);
        let project = marked_project(&services)
            .file("tree/one.Dockerfile", &dockerfile([0, 1]))
            .file("tree/two.Dockerfile", &dockerfile([1, 2]));
        let build = |arguments: &[&str]| project.run(&through, arguments).expect(0);
        let all = ["build", "-v"];
        build(&all);
        let first = sent(&relay);
        assert!(
            first.iter().all(|number| number % 7 < 3) && first.len() > FILES / 3,
            "{first:?}"
        );
        for arguments in [
            &all[..],
            &["build", "one"],
            &["build", "two"],
            &["build", "one"],
            &all,
        ] {
            build(arguments);
            assert_eq!(sent(&relay), [0; 0], "{}: {arguments:?}", engine.version);
        }
        write_marked(&project, 8);
        build(&all);
        assert_eq!(sent(&relay), [8], "{}", engine.version);
        clean(&engine, &project);
    }
}

#[test]
fn projects_with_the_same_directory_name_do_not_evict_each_others_files() {
    let services = [Service::new("one", "tree", "Dockerfile")];
    for engine in engines() {
        let relay = Relay::to(&engine);
        let through = relay.engine(&engine);
        let projects = [0, 1].map(|_| marked_project(&services).file("tree/Dockerfile", COPY_ALL));
        for project in &projects {
            drop(dcb(&through, project, Cache::Use).expect(0));
            assert_eq!(sent(&relay).len(), FILES);
        }
        for project in &projects {
            drop(dcb(&through, project, Cache::Use).expect(0));
            assert_eq!(sent(&relay), [0; 0], "{}", engine.version);
            clean(&engine, project);
        }
    }
}
