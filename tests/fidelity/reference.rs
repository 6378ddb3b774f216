//! Docker's own builders, and what they and dcb say of the steps they took.

use std::collections::BTreeMap;
use std::process::Command;

use crate::support::{Engine, Project, Ran};

/// Which of Docker's clients builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// `docker build`: the client's own BuildKit code before 23, buildx since.
    Build,
    /// Compose of the engine's generation: v1 through `docker build`, v2 itself or through Bake.
    Compose,
}

impl Reference {
    /// The two.
    pub const ALL: [Self; 2] = [Self::Build, Self::Compose];

    /// Builds services of a project, from its `compose.yaml`. Each is named with its Dockerfile,
    /// and its context is the project's directory.
    pub fn build(self, engine: &Engine, project: &Project, services: &[Service]) -> Ran {
        match self {
            Self::Compose => compose(engine, project, services),
            Self::Build => services
                .iter()
                .map(|service| build(engine, project, service))
                .reduce(|all, ran| all.then(&ran))
                .expect("a service"),
        }
    }
}

/// A service of a test's project.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its context, relative to the project's directory.
    pub context: String,
    /// Its Dockerfile, relative to the context.
    pub dockerfile: String,
}

impl Service {
    /// A service.
    pub fn new(name: &str, context: &str, dockerfile: &str) -> Self {
        Self {
            name: name.to_owned(),
            context: context.to_owned(),
            dockerfile: dockerfile.to_owned(),
        }
    }
}

/// A compose file of `services`. The images are named, for Compose v1 would name them otherwise.
pub fn compose_file(services: &[Service]) -> String {
    let mut text = "services:\n".to_owned();
    for Service {
        name,
        context,
        dockerfile,
    } in services
    {
        text += &format!(
            "  {name}:\n    image: ${{COMPOSE_PROJECT_NAME}}-{name}\n    build: {{context: {context}, dockerfile: {dockerfile}}}\n"
        );
    }
    text
}

fn build(engine: &Engine, project: &Project, service: &Service) -> Ran {
    let context = project.path().join(&service.context);
    let mut command = engine.docker();
    command
        .args(["build", "--progress=plain", "-t"])
        .arg(format!("{}-{}:docker", project.name(), service.name))
        .arg("-f")
        .arg(context.join(&service.dockerfile))
        .arg(&context);
    finish(command, project)
}

fn compose(engine: &Engine, project: &Project, services: &[Service]) -> Ran {
    let mut command = engine.docker();
    if engine.major() < 23 {
        let docker = std::mem::replace(&mut command, Command::new("docker-compose"));
        let variables = docker.get_envs();
        command.env_clear();
        command.envs(variables.filter_map(|(name, value)| Some((name, value?))));
    } else {
        command.args(["compose", "--progress=plain"]);
    }
    command
        .arg("build")
        .args(services.iter().map(|service| &service.name));
    finish(command, project)
}

fn finish(mut command: Command, project: &Project) -> Ran {
    command
        .current_dir(project.path())
        .env("COMPOSE_PROJECT_NAME", project.name())
        .env("DOCKER_BUILDKIT", "1")
        .env("COMPOSE_DOCKER_CLI_BUILD", "1")
        .env("BUILDKIT_PROGRESS", "plain")
        .env("BUILDX_NO_DEFAULT_ATTESTATIONS", "1")
        .stdin(std::process::Stdio::null());
    project.ran(&mut command)
}

/// A step of a Dockerfile other than `FROM`, and whether it came from the cache.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// Its service, where the builder tells.
    pub service: String,
    /// What it does, without its number.
    pub text: String,
    /// Whether it came from the cache.
    pub cached: bool,
}

impl Step {
    /// The step that `name`, such as `[web build 2/3] COPY . /`, stands for.
    fn of(service: &str, name: &str, cached: bool) -> Option<Self> {
        let (place, text) = name.strip_prefix('[')?.split_once("] ")?;
        let (at, of) = place.rsplit(' ').next()?.split_once('/')?;
        let numbers = at.parse::<u32>().is_ok() && of.parse::<u32>().is_ok();
        (numbers && !text.starts_with("FROM ")).then(|| Self {
            service: service.to_owned(),
            text: text.to_owned(),
            cached,
        })
    }

    /// The steps that `dcb build -v` told. It may tell one twice; the last word counts.
    pub fn of_dcb(ran: &Ran) -> Vec<Self> {
        let mut steps: Vec<Self> = Vec::new();
        for line in ran.stderr.lines() {
            let step = line.split_once("  ").and_then(|(service, rest)| {
                let (state, name) = rest.trim_start().split_once("  ")?;
                Self::of(service.trim_end(), name, state == "CACHED")
            });
            if let Some(step) = step {
                steps.retain(|told| (&told.service, &told.text) != (&step.service, &step.text));
                steps.push(step);
            }
        }
        steps
    }

    /// The steps that one of Docker's clients told.
    pub fn of_docker(ran: &Ran) -> Vec<Self> {
        let mut steps = Vec::new();
        let mut open = BTreeMap::new();
        for line in ran.stdout.lines().chain(ran.stderr.lines()) {
            let Some((number, text)) = line.strip_prefix('#').and_then(|line| line.split_once(' '))
            else {
                continue;
            };
            if text.starts_with('[') {
                open.insert(number, text);
            } else if (text == "CACHED" || text.starts_with("DONE "))
                && let Some(name) = open.remove(number)
            {
                steps.extend(Self::of("", name, text == "CACHED"));
            }
        }
        steps
    }
}

/// The layers of an image, by the digests of what is in them.
pub fn layers(engine: &Engine, image: &str) -> String {
    engine.ask(&[
        "image",
        "inspect",
        "--format",
        "{{json .RootFS.Layers}}",
        image,
    ])
}
