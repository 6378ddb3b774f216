//! Looking at everything at once, each with a limit of its own.
//!
//! ```text
//! engine, programs ─> daemon.json, cache, leftovers, other engines where none answers ─┐
//! project, plan ────> contexts, images, rules of the cache ────────────────────────────┼─> ports
//! files that lie about ────────────────────────────────────────────────────────────────┘
//! ```

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use indexmap::IndexMap;
use tokio::time::timeout;

use super::super::build::Found;
use super::super::loading::Loading;
use super::super::{App, failure};
use super::fix::Mend;
use super::{contexts, deep, lint};
use crate::ambient::Ambient;
use crate::cli::BuildFlags;
use crate::compose::Project;
use crate::diagnostic::Diagnostic;
use crate::docker::buildkit::{Client, Collects};
use crate::docker::config::DockerConfig;
use crate::docker::detect::{self, Machine};
use crate::docker::host::Endpoint;
use crate::docker::programs::Programs;
use crate::docker::survey::{
    self, Availability, DaemonFile, Images, Installed, Leftovers, LocalCache, OwnBuilder, Ports,
    Scratch, Usage,
};
use crate::docker::{ApiVersion, Facts, Strategy};
use crate::doctor::{
    self, ContextSeen, Lint, Looked, Needed, Outlook, Place, Read, Role, Seen, Selection, Trial,
    Way,
};
use crate::failure::{Class, Failure};
use crate::plan::{Inputs, Plan};
use crate::settings::Typed;

/// Everything that was seen.
#[derive(Default)]
pub(super) struct Sight {
    config: Option<Result<DockerConfig, Failure>>,
    endpoint: Option<Result<Endpoint, Failure>>,
    machine: Option<Machine>,
    programs: Programs,
    installed: Option<Installed>,
    beyond: Beyond,
    ports: Option<Ports>,
    scratch: Option<Scratch>,
    project: ProjectSeen,
    sources: Sources,
    lints: Option<Vec<Lint>>,
    trials: Option<Vec<Trial>>,
    took: Vec<Looked>,
}

/// What was seen of the engine beyond what it is.
#[derive(Default)]
struct Beyond {
    daemon_file: Option<DaemonFile>,
    neighbours: Vec<PathBuf>,
    usage: Option<Usage>,
    leftovers: Option<Leftovers>,
    own_builder: Option<OwnBuilder>,
}

/// What was seen of what the project is built from.
#[derive(Default)]
struct Sources {
    contexts: Option<Vec<ContextSeen>>,
    caches: Option<Vec<LocalCache>>,
    images: Option<Vec<(Needed, Availability)>>,
    collects: Option<Vec<Collects>>,
}

/// What was seen of the project.
#[derive(Default)]
struct ProjectSeen {
    project: Option<Result<Project, Failure>>,
    ignored: IndexMap<String, String>,
    missing: Vec<(Class, Diagnostic)>,
    outlook: Option<Result<Outlook, Failure>>,
    dockerfiles: Vec<Read>,
    /// The engine that it was planned for.
    facts: Option<Facts>,
    /// Its BuildKit, opened.
    client: Option<Client>,
    plan: Option<Plan>,
}

/// Notes how long something took.
async fn timed<T>(what: &'static str, work: impl Future<Output = T>) -> (T, Looked) {
    let began = Instant::now();
    let result = work.await;
    let took = began.elapsed();
    let what = what.to_owned();
    (result, Looked { what, took })
}

/// Runs what reads files on a thread for that.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

impl Sight {
    /// Looks at everything that the checks of `selection` need.
    pub(super) async fn look(
        app: &App<'_>,
        broken: Option<Failure>,
        selection: &Selection,
    ) -> Self {
        let endpoint = match &broken {
            // Which engine is meant stands in the configuration.
            Some(_) => None,
            None => Some(app.endpoint().cloned()),
        };
        let engine = async {
            let (seen, took) = timed(
                "engine and programs",
                Box::pin(machine(app, endpoint.as_ref())),
            )
            .await;
            let known = endpoint.as_ref().and_then(|it| it.as_ref().ok());
            let beyond = beyond(app, selection, known, seen.0.as_ref());
            let (beyond, later) = timed("engine's files and cache", Box::pin(beyond)).await;
            (seen, beyond, [took, later])
        };
        let project = async {
            let (project, took) = timed(
                "project and plan",
                Box::pin(project(app, endpoint.as_ref())),
            )
            .await;
            let (sources, later) =
                timed("contexts and images", sources(app, selection, &project)).await;
            (project, sources, [took, later])
        };
        let (engine, project, files) = tokio::join!(engine, project, timed("files", files(app)));
        let ((machine, programs), beyond, asked) = engine;
        let (project, sources, read) = project;
        let ((installed, scratch), looked) = files;
        let mut sight = Self {
            config: Some(broken.map_or_else(|| Ok(app.config.clone()), Err)),
            endpoint,
            machine,
            programs,
            installed,
            beyond,
            scratch,
            project,
            sources,
            took: asked.into_iter().chain(read).chain([looked]).collect(),
            ..Self::default()
        };
        let (ports, took) = timed("ports", sight.ports()).await;
        sight.ports = ports;
        sight.took.push(took);
        sight
    }

    fn facts(&self) -> Option<&Facts> {
        facts(self.machine.as_ref()?)
    }

    async fn ports(&self) -> Option<Ports> {
        let published = doctor::published_ports(self.project.loaded()?);
        let wanted: Vec<_> = published.into_iter().map(|(_, port, _)| port).collect();
        let here = self.machine.as_ref()?.disk.is_some();
        survey::ports(self.facts()?, &wanted, async || here).await
    }

    /// The checks that the project says to leave alone, with its reasons.
    pub(super) fn ignored(&self) -> &IndexMap<String, String> {
        &self.project.ignored
    }

    /// Has the engine's frontend look at the Dockerfiles of the project, as they would be built.
    pub(super) async fn lint(&mut self) {
        let (Some(client), Some(plan)) = (&self.project.client, &self.project.plan) else {
            return;
        };
        let (lints, took) = timed("build checks", lint::found(client, plan)).await;
        self.lints = Some(lints);
        self.took.push(took);
    }

    /// Tries every builder with a small build, from a base image of the project that the engine has.
    pub(super) async fn try_builders(&mut self, app: &App<'_>) {
        let images = self.sources.images.iter().flatten();
        let mut here = images.filter(|(needed, availability)| {
            needed.role == Role::Base && *availability == Availability::Here
        });
        let base = here.next().map(|(needed, _)| needed.image.clone());
        let Some(Ok(endpoint)) = &self.endpoint else {
            return;
        };
        // Why an engine cannot be asked is told by others.
        let Ok(trials) = deep::tried(app, endpoint, base.as_deref()).await else {
            return;
        };
        for trial in &trials {
            let builder = &trial.builder;
            let first = trial.first.as_ref().ok().copied();
            let times = [("", first), (" again", trial.again)];
            self.took
                .extend(times.into_iter().filter_map(|(again, took)| {
                    let what = format!("small build with {builder}{again}");
                    Some(Looked { what, took: took? })
                }));
        }
        self.trials = Some(trials);
    }

    /// Mends one thing; what there is to tell then.
    pub(super) async fn mend(&self, mend: &Mend<'_>) -> Result<String, String> {
        let endpoint = self.endpoint.as_ref().and_then(|it| it.as_ref().ok());
        mend.done(self.beyond.daemon_file.as_ref(), endpoint).await
    }

    /// All of it, for the checks.
    pub(super) fn seen<'a>(&'a self, ambient: &'a Ambient) -> Seen<'a> {
        let project = &self.project;
        Seen {
            config: self.config.as_ref().map(Result::as_ref),
            endpoint: self.endpoint.as_ref().map(Result::as_ref),
            engine: self.machine.as_ref().map(|machine| machine.engine.as_ref()),
            machine: self.machine.as_ref(),
            programs: Some(&self.programs),
            installed: self.installed.as_ref(),
            daemon_file: self.beyond.daemon_file.as_ref(),
            neighbours: &self.beyond.neighbours,
            usage: self.beyond.usage.as_ref(),
            leftovers: self.beyond.leftovers.as_ref(),
            own_builder: self.beyond.own_builder.as_ref(),
            collects: self.sources.collects.as_deref(),
            ports: self.ports.as_ref(),
            scratch: self.scratch.as_ref(),
            caches: self.sources.caches.as_deref(),
            project: project.project.as_ref().map(Result::as_ref),
            missing: &project.missing,
            outlook: project.outlook.as_ref().map(Result::as_ref),
            dockerfiles: &project.dockerfiles,
            contexts: self.sources.contexts.as_deref(),
            images: self.sources.images.as_deref(),
            lints: self.lints.as_deref(),
            trials: self.trials.as_deref(),
            took: &self.took,
            ..Seen::nothing(ambient)
        }
    }
}

impl ProjectSeen {
    fn loaded(&self) -> Option<&Project> {
        self.project.as_ref()?.as_ref().ok()
    }

    /// The Dockerfiles that will be built; all where nothing could be chosen.
    fn chosen(&self) -> impl Iterator<Item = &Read> {
        let any = self.dockerfiles.iter().any(|read| read.chosen);
        self.dockerfiles
            .iter()
            .filter(move |read| read.chosen || !any)
    }

    /// The services that are built by a builder which is sent everything.
    fn classic(&self) -> Vec<String> {
        let outlook = self.outlook.as_ref().and_then(|it| it.as_ref().ok());
        let ways = outlook.into_iter().flat_map(|outlook| &outlook.ways);
        ways.filter(|way| way.classic)
            .map(|way| way.service.clone())
            .collect()
    }
}

fn facts(machine: &Machine) -> Option<&Facts> {
    machine.engine.as_ref().ok()
}

/// Whether counting what the build cache holds can be worth the wait: it takes an engine before 23.0
/// seconds, for it counts everything else as well.
fn is_counted(facts: &Facts, machine: &Machine) -> bool {
    let disk = machine.disk.as_ref();
    facts.spoken() >= ApiVersion::V23_0 || disk.is_some_and(|disk| disk.free < doctor::ROOMY)
}

/// Looks at what an engine that was asked led to.
async fn beyond(
    app: &App<'_>,
    selection: &Selection,
    endpoint: Option<&Endpoint>,
    machine: Option<&Machine>,
) -> Beyond {
    let facts = machine.and_then(facts);
    let daemon_file = async {
        let endpoint = endpoint.filter(|_| selection.takes("engine"))?;
        let local = machine.is_none_or(is_plain);
        DaemonFile::look(endpoint.socket().filter(|_| local)?).await
    };
    let neighbours = async {
        match (endpoint, facts) {
            (Some(_), None) => survey::answering(app.ambient, endpoint).await,
            _ => Vec::new(),
        }
    };
    let usage = async {
        let (facts, machine) = (facts?, machine?);
        let asked = selection.takes("disk") && is_counted(facts, machine);
        survey::usage(Some(facts).filter(|_| asked)?).await
    };
    let leftovers = async {
        let facts = facts.filter(|_| selection.takes("disk"))?;
        survey::leftovers(facts).await
    };
    let own_builder = async {
        let builder = &machine.filter(|_| selection.takes("builder"))?.builder;
        survey::own_builder(facts?, app.ambient, &app.config, builder).await
    };
    let (daemon_file, neighbours, usage, leftovers, own_builder) =
        tokio::join!(daemon_file, neighbours, usage, leftovers, own_builder);
    Beyond {
        daemon_file,
        neighbours,
        usage,
        leftovers,
        own_builder,
    }
}

/// Looks at what a project is built from.
async fn sources(app: &App<'_>, selection: &Selection, project: &ProjectSeen) -> Sources {
    let contexts = async {
        project.loaded().filter(|_| selection.takes("contexts"))?;
        let dockerfiles: Vec<Read> = project.chosen().cloned().collect();
        let classic = project.classic();
        let depth = contexts::Depth::Measured { classic };
        blocking(move || contexts::look(&dockerfiles, &depth)).await
    };
    let caches = async {
        let paths = cache_directories(project.loaded()?, &app.ambient.directory);
        blocking(move || paths.iter().map(|path| LocalCache::look(path)).collect()).await
    };
    let collects = async {
        let client = project.client.as_ref();
        let client = client.filter(|_| selection.takes("disk"))?;
        let worker = timeout(HERE, client.worker()).await.ok()?.ok()?;
        Some(worker.collects.clone())
    };
    let (contexts, caches, images, collects) =
        tokio::join!(contexts, caches, images(app, selection, project), collects);
    Sources {
        contexts,
        caches,
        images,
        collects,
    }
}

async fn images(
    app: &App<'_>,
    selection: &Selection,
    project: &ProjectSeen,
) -> Option<Vec<(Needed, Availability)>> {
    if !selection.takes("network") && !selection.takes("builder") {
        return None;
    }
    let images = Images::new(project.facts.as_ref()?, Arc::clone(&app.credentials));
    let needed = doctor::needed(project.loaded()?, project.chosen());
    let asked = needed.into_iter().map(|needed| async {
        let availability = images.availability(&needed.image).await;
        (needed, availability)
    });
    Some(join_all(asked).await)
}

/// Whether an engine stands by itself on Linux, with a file for its configuration.
fn is_plain(machine: &Machine) -> bool {
    let info = machine.info.as_ref();
    info.is_none_or(|info| info.product == detect::Product::Engine)
}

/// The directories that builds keep their caches in, each once.
fn cache_directories(project: &Project, base: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = doctor::caches(project, base)
        .into_iter()
        .filter_map(|cache| match cache.place {
            Place::Directory(path) => Some(path),
            Place::Registry(_) => None,
        })
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

async fn machine(
    app: &App<'_>,
    endpoint: Option<&Result<Endpoint, Failure>>,
) -> (Option<Machine>, Programs) {
    match endpoint {
        Some(Ok(endpoint)) => {
            let machine = detect::machine(app.ambient, &app.config, endpoint).await;
            let programs = machine.programs.clone();
            (Some(machine), programs)
        }
        _ => (None, Programs::find(app.ambient, &app.config).await),
    }
}

async fn files(app: &App<'_>) -> (Option<Installed>, Option<Scratch>) {
    let (ambient, config) = (app.ambient.clone(), app.config.clone());
    let looked = blocking(move || (Installed::look(&ambient, &config), Scratch::look(&ambient)));
    looked.await.unzip()
}

/// Loads the project and plans its build, as far as either can be done.
async fn project(app: &App<'_>, endpoint: Option<&Result<Endpoint, Failure>>) -> ProjectSeen {
    let flags = BuildFlags::default();
    let typed = app.typed(&flags, &[], false);
    let Some(Ok(endpoint)) = endpoint else {
        return loaded(app, typed).await;
    };
    let plan = async {
        match app.look(typed).await {
            Ok(found) => {
                let plan = app.plan(typed, &found).await;
                planned(found, plan)
            }
            Err(error) => unloaded(app, failure(error)),
        }
    };
    let limit = if endpoint.address.is_here() {
        HERE
    } else {
        AWAY
    };
    match timeout(limit, plan).await {
        Ok(seen) => seen,
        Err(_) => ProjectSeen {
            outlook: Some(Err(late(limit))),
            ..loaded(app, typed).await
        },
    }
}

/// An engine that is stuck half-way, or a machine that is at its limits.
fn late(limit: Duration) -> Failure {
    let message = format!("no plan could be made within {}s", limit.as_secs());
    Failure::new(Class::DaemonHung, message).hint("what took how long: dcb doctor -v")
}

/// How long a plan may take with an engine of this machine, which answers a ping in two seconds. Compose
/// v1 needs a good part of it to start where other builds keep the machine busy.
const HERE: Duration = Duration::from_secs(20);
/// How long with one of another machine, to which somebody may be logging in.
const AWAY: Duration = Duration::from_secs(60);

fn planned(found: Found, plan: Result<Plan, Failure>) -> ProjectSeen {
    let loaded = found.loaded;
    let mut seen = ProjectSeen {
        ignored: loaded.extension.ignored_checks,
        missing: loaded.inputs.missing(&loaded.project),
        dockerfiles: read(&loaded.inputs, &loaded.project, plan.as_ref().ok()),
        ..ProjectSeen::default()
    };
    seen.outlook = Some(plan.as_ref().map(outlook).map_err(Failure::clone));
    seen.plan = plan.ok();
    seen.project = Some(Ok(loaded.project));
    if let Ok(open) = found.engine {
        seen.facts = Some(open.facts);
        seen.client = open.buildkit.ok();
    }
    seen
}

/// The project alone, where it is not known which engine is meant.
async fn loaded(app: &App<'_>, typed: Typed<'_>) -> ProjectSeen {
    let loading = match Loading::prepare(app, typed) {
        Ok(loading) => loading,
        Err(failure) => return unloaded(app, failure),
    };
    match blocking(move || loading.load()).await {
        Some(Ok(loaded)) => ProjectSeen {
            missing: loaded.inputs.missing(&loaded.project),
            dockerfiles: read(&loaded.inputs, &loaded.project, None),
            ignored: loaded.extension.ignored_checks,
            project: Some(Ok(loaded.project)),
            ..ProjectSeen::default()
        },
        Some(Err(failure)) => unloaded(app, failure),
        None => ProjectSeen::default(),
    }
}

/// A directory without any compose file is no project, unless one was asked for.
fn unloaded(app: &App<'_>, failure: Failure) -> ProjectSeen {
    let asked = !app.flags.files.is_empty() || app.ambient.variable("COMPOSE_FILE").is_some();
    let none = failure.class == Class::ComposeFileMissing && !asked;
    ProjectSeen {
        project: (!none).then_some(Err(failure)),
        ..ProjectSeen::default()
    }
}

/// What of a plan the checks look at.
pub(super) fn outlook(plan: &Plan) -> Outlook {
    let ways = plan.jobs.iter().flat_map(|job| {
        job.services().into_iter().map(|service| Way {
            service: service.to_owned(),
            builder: job.attempt.strategy.to_string(),
            classic: job.attempt.strategy == Strategy::Classic,
        })
    });
    Outlook {
        ways: ways.collect(),
        notes: plan.notes.clone(),
    }
}

/// The Dockerfiles of a project, those marked that `plan` has chosen.
pub(super) fn read(inputs: &Inputs, project: &Project, plan: Option<&Plan>) -> Vec<Read> {
    let is_chosen = |service: &str, name: &str| {
        let mut jobs = plan.into_iter().flat_map(|plan| &plan.jobs);
        jobs.any(|job| {
            job.services().contains(&service) && job.attempt.spec.dockerfile_name == name
        })
    };
    let opened = inputs.opened(project);
    opened
        .map(|opened| Read {
            service: opened.service.to_owned(),
            source: Arc::clone(opened.source),
            dockerfile: opened.dockerfile.clone(),
            build: opened.build.clone(),
            chosen: is_chosen(opened.service, &opened.source.name),
        })
        .collect()
}
