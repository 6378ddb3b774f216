//! Random trees under random patterns arrive as from Docker's clients.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use fastrand::Rng;

use crate::images::{contents, emptied, images};
use crate::reference::{Reference, Service, Step, compose_file, layers};
use crate::support::{Engine, Project, engines};
use crate::{COPY_ALL, Cache, Draws, clean, dcb, fresh, newest_clients, patterns, project, tree};

/// How many random trees there are in one context.
const GROUP: usize = 100;
/// How many lists of patterns are put to one context of many trees.
const LISTS: usize = 16;
/// How many Dockerfiles copy from random places, and how often each does.
const FOLLOWING: usize = 16;
const COPIES: usize = 2;

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
