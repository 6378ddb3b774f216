//! What was seen, made up for tests: a machine and a project of one's own.

use std::path::PathBuf;

use indexmap::IndexMap;

use super::{
    ContextSeen, Finding, Lint, Needed, Outcome, Outlook, Read, Seen, Selection, Trial, check,
    examine,
};
use crate::ambient::{Ambient, Terminal};
use crate::compose::{self, Project};
use crate::diagnostic::{Diagnostic, Source};
use crate::docker::buildkit::Collects;
use crate::docker::config::DockerConfig;
use crate::docker::detect::{
    BuildKit, Builder, Chooser, Driver, ImageStore, Info, Machine, Product,
};
use crate::docker::host::{Address, Endpoint, Origin};
use crate::docker::programs::{Compose, Form, Program, Programs};
use crate::docker::survey::{
    Availability, DaemonFile, Installed, Leftovers, LocalCache, OwnBuilder, Ports, Scratch, Usage,
};
use crate::docker::{ApiVersion, Engine, Facts, Version};
use crate::dockerfile::Dockerfile;
use crate::failure::{Class, Failure};

/// A machine and a project. By default nothing of either is known.
pub(super) struct Case {
    ambient: Ambient,
    pub(super) config: Option<Result<DockerConfig, Failure>>,
    pub(super) endpoint: Option<Result<Endpoint, Failure>>,
    engine: Option<Result<Facts, Failure>>,
    machine: Option<Machine>,
    programs: Option<Programs>,
    pub(super) installed: Option<Installed>,
    pub(super) daemon_file: Option<DaemonFile>,
    pub(super) neighbours: Vec<PathBuf>,
    pub(super) usage: Option<Usage>,
    pub(super) leftovers: Option<Leftovers>,
    pub(super) own_builder: Option<OwnBuilder>,
    pub(super) collects: Option<Vec<Collects>>,
    pub(super) ports: Option<Ports>,
    pub(super) scratch: Option<Scratch>,
    pub(super) caches: Option<Vec<LocalCache>>,
    pub(super) project: Option<Result<Project, Failure>>,
    pub(super) missing: Vec<(Class, Diagnostic)>,
    pub(super) outlook: Option<Result<Outlook, Failure>>,
    pub(super) dockerfiles: Vec<Read>,
    pub(super) contexts: Option<Vec<ContextSeen>>,
    pub(super) images: Option<Vec<(Needed, Availability)>>,
    pub(super) lints: Option<Vec<Lint>>,
    pub(super) trials: Option<Vec<Trial>>,
}

impl Default for Case {
    fn default() -> Self {
        let terminal = Terminal::UNKNOWN;
        Self {
            ambient: Ambient {
                arguments: Vec::new(),
                environment: IndexMap::new(),
                directory: "/".into(),
                home: None,
                memory: None,
                hostname: String::new(),
                stdin_is_terminal: false,
                stdout: terminal,
                stderr: terminal,
            },
            config: None,
            endpoint: None,
            engine: None,
            machine: None,
            programs: None,
            installed: None,
            daemon_file: None,
            neighbours: Vec::new(),
            usage: None,
            leftovers: None,
            own_builder: None,
            collects: None,
            ports: None,
            scratch: None,
            caches: None,
            project: None,
            missing: Vec::new(),
            outlook: None,
            dockerfiles: Vec::new(),
            contexts: None,
            images: None,
            lints: None,
            trials: None,
        }
    }
}

impl Case {
    pub(super) fn seen(&self) -> Seen<'_> {
        Seen {
            ambient: &self.ambient,
            config: self.config.as_ref().map(Result::as_ref),
            endpoint: self.endpoint.as_ref().map(Result::as_ref),
            engine: self.engine.as_ref().map(Result::as_ref),
            machine: self.machine.as_ref(),
            programs: self.programs.as_ref(),
            installed: self.installed.as_ref(),
            daemon_file: self.daemon_file.as_ref(),
            neighbours: &self.neighbours,
            usage: self.usage.as_ref(),
            leftovers: self.leftovers.as_ref(),
            own_builder: self.own_builder.as_ref(),
            collects: self.collects.as_deref(),
            ports: self.ports.as_ref(),
            scratch: self.scratch.as_ref(),
            caches: self.caches.as_deref(),
            project: self.project.as_ref().map(Result::as_ref),
            missing: &self.missing,
            outlook: self.outlook.as_ref().map(Result::as_ref),
            dockerfiles: &self.dockerfiles,
            contexts: self.contexts.as_deref(),
            images: self.images.as_deref(),
            lints: self.lints.as_deref(),
            trials: self.trials.as_deref(),
            took: &[],
        }
    }

    /// What came of a check.
    fn outcome(&self, id: &str) -> Outcome {
        let selection = Selection::new(&[id.to_owned()], &[]).expect("a check");
        let all = examine(&self.seen(), &selection, &IndexMap::new());
        let ran = all.into_iter().find(|ran| ran.check.id == id);
        ran.expect("it is run").outcome
    }

    /// What a check finds; it must have looked.
    pub(super) fn finds(&self, id: &str) -> Vec<Finding> {
        match self.outcome(id) {
            Outcome::Passed => Vec::new(),
            Outcome::Found(findings) => {
                let worst = check(id).expect("a check").worst;
                let severities = findings.iter().map(|it| it.severity);
                assert!(
                    severities.max() <= Some(worst),
                    "{id} is graver than its page says"
                );
                findings
            }
            other => panic!("{id}: {other:?}"),
        }
    }

    /// The one thing that a check finds.
    pub(super) fn only(&self, id: &str) -> Finding {
        let found = self.finds(id);
        let [only] = found
            .try_into()
            .unwrap_or_else(|all| panic!("{id}: {all:?}"));
        only
    }

    /// Why a check is skipped.
    pub(super) fn skips(&self, id: &str) -> String {
        match self.outcome(id) {
            Outcome::Skipped(why) => why,
            other => panic!("{id}: {other:?}"),
        }
    }

    pub(super) fn variable(&mut self, name: &str, value: &str) {
        self.ambient
            .environment
            .insert(name.to_owned(), value.to_owned());
    }

    /// Where the engine is.
    pub(super) fn at(&mut self, address: Address) {
        self.endpoint = Some(Ok(Endpoint {
            address,
            origin: Origin::Default,
            pinned: None,
        }));
    }

    /// No engine, for this reason.
    pub(super) fn no_engine(&mut self, failure: Failure) {
        self.at(Address::Unix("/run/docker.sock".into()));
        self.engine = Some(Err(failure));
        self.machine = None;
    }

    /// A healthy engine.
    pub(super) fn engine(&mut self, version: &str, (major, minor): (u32, u32), podman: bool) {
        self.at(Address::Unix("/run/docker.sock".into()));
        let endpoint = self.endpoint.clone().expect("set").expect("an address");
        let facts = Facts {
            endpoint: endpoint.clone(),
            engine: Engine {
                version: version.to_owned(),
                api: ApiVersion(major, minor),
                os: "linux".to_owned(),
                podman,
            },
        };
        self.engine = Some(Ok(facts.clone()));
        self.machine = Some(Machine {
            endpoint,
            engine: Ok(facts),
            buildkit: Some(BuildKit::Hijacked),
            info: Some(healthy()),
            programs: Programs::default(),
            builder: Builder {
                name: "default".to_owned(),
                driver: Ok(Driver::Docker),
                chosen_by: Chooser::Context,
            },
            disk: None,
            build_server: None,
            wsl: None,
            invalid: Vec::new(),
            problems: Vec::new(),
        });
    }

    pub(super) fn facts(&mut self) -> &mut Facts {
        let engine = self.engine.as_mut().expect("an engine");
        engine.as_mut().expect("an engine")
    }

    pub(super) fn machine(&mut self) -> &mut Machine {
        self.machine.as_mut().expect("an engine")
    }

    pub(super) fn info(&mut self) -> &mut Info {
        self.machine().info.as_mut().expect("an engine")
    }

    /// The docker CLI (none where its version is empty), buildx and Compose.
    pub(super) fn programs(
        &mut self,
        docker: &str,
        buildx: Option<&str>,
        compose: Option<(Form, &str)>,
    ) {
        self.programs = Some(Programs {
            docker: (!docker.is_empty()).then(|| program("docker", docker)),
            buildx: buildx.map(|version| program("docker-buildx", version)),
            compose: compose.map(|(form, version)| Compose {
                form,
                program: program("docker-compose", version),
            }),
        });
    }

    pub(super) fn break_buildx(&mut self, path: &std::path::Path, why: &str) {
        self.programs.as_mut().expect("set").buildx = Some(Program {
            path: path.to_owned(),
            version: Err(why.to_owned()),
        });
    }

    pub(super) fn break_compose(&mut self, why: &str) {
        let compose = self.programs.as_mut().expect("set").compose.as_mut();
        compose.expect("set").program.version = Err(why.to_owned());
    }

    /// The project that a compose file makes.
    pub(super) fn project(&mut self, text: &str) {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("compose.yaml"), text).expect("a file");
        let request = compose::Request {
            directory: directory.path().to_owned(),
            ..compose::Request::default()
        };
        let project = compose::load(&request).unwrap_or_else(|why| panic!("{text}: {why:?}"));
        self.project = Some(Ok(project));
    }

    pub(super) fn loaded(&self) -> &Project {
        let project = self.project.as_ref().expect("a project");
        project.as_ref().expect("a project")
    }

    /// The project lies elsewhere.
    pub(super) fn moved_to(&mut self, directory: &str) {
        self.loaded_mut().directory = directory.into();
    }

    pub(super) fn loaded_mut(&mut self) -> &mut Project {
        let project = self.project.as_mut().expect("a project");
        project.as_mut().expect("a project")
    }

    /// One more Dockerfile that is built for a service.
    pub(super) fn dockerfile(&mut self, service: &str, text: &str) {
        let build = self.loaded().services[service].build.clone();
        self.dockerfiles.push(Read {
            service: service.to_owned(),
            source: Source::new("Dockerfile", text),
            dockerfile: Dockerfile::parse(text),
            build: build.expect("it builds"),
            chosen: true,
        });
    }
}

fn program(name: &str, version: &str) -> Program {
    Program {
        path: PathBuf::from("/usr/bin").join(name),
        version: Ok(Version::read(version)),
    }
}

fn healthy() -> Info {
    Info {
        product: Product::Engine,
        image_store: Some(ImageStore::GraphDriver("overlay2".to_owned())),
        rootless: false,
        userns: false,
        processors: Some(8),
        memory: Some(16 << 30),
        root_dir: Some("/var/lib/docker".into()),
        min_api: Some(ApiVersion(1, 24)),
        cgroup: Some("2".to_owned()),
        name: "machine".to_owned(),
        system: "Debian GNU/Linux 12".to_owned(),
        kernel: "6.1".to_owned(),
        architecture: "x86_64".to_owned(),
        warnings: Vec::new(),
    }
}
