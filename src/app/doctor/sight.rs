//! Looking at everything at once, each with a limit of its own.
//!
//! ```text
//! engine, BuildKit, programs ─┐             ┌ daemon.json, cache, ports
//! project, plan ──────────────┼─ then ──────┤ contexts, images
//! files that lie about ───────┘             └ other engines, where none answers
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
use super::{contexts, deep};
use crate::ambient::Ambient;
use crate::cli::BuildFlags;
use crate::compose::Project;
use crate::diagnostic::Diagnostic;
use crate::docker::config::DockerConfig;
use crate::docker::detect::{self, Machine};
use crate::docker::host::Endpoint;
use crate::docker::programs::Programs;
use crate::docker::survey::{
    self, Availability, DaemonFile, Images, Installed, LocalCache, Ports, Scratch, Usage,
};
use crate::docker::{Facts, Strategy};
use crate::doctor::{
    self, ContextSeen, Looked, Needed, Outlook, Place, Read, Role, Seen, Selection, Trial, Way,
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
    daemon_file: Option<DaemonFile>,
    neighbours: Vec<PathBuf>,
    usage: Option<Usage>,
    ports: Option<Ports>,
    scratch: Option<Scratch>,
    caches: Option<Vec<LocalCache>>,
    project: ProjectSeen,
    contexts: Option<Vec<ContextSeen>>,
    images: Option<Vec<(Needed, Availability)>>,
    trials: Option<Vec<Trial>>,
    took: Vec<Looked>,
}

/// What was seen of the project.
#[derive(Default)]
struct ProjectSeen {
    project: Option<Result<Project, Failure>>,
    ignored: IndexMap<String, String>,
    missing: Vec<(Class, Diagnostic)>,
    outlook: Option<Result<Outlook, Failure>>,
    dockerfiles: Vec<Read>,
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
        let mut sight = Self::default();
        let endpoint = match &broken {
            // Which engine is meant stands in the configuration.
            Some(_) => None,
            None => Some(app.endpoint().cloned()),
        };
        sight.config = Some(broken.map_or_else(|| Ok(app.config.clone()), Err));
        let (machine, project, files) = tokio::join!(
            timed("engine and programs", machine(app, endpoint.as_ref())),
            timed("project and plan", project(app, endpoint.as_ref())),
            timed("files", files(app)),
        );
        sight.took = vec![machine.1, project.1, files.1];
        (sight.machine, sight.programs) = machine.0;
        sight.project = project.0;
        (sight.installed, sight.scratch) = files.0;
        sight.endpoint = endpoint;
        sight.look_closer(app, selection).await;
        sight
    }

    /// Looks at what the first look led to.
    async fn look_closer(&mut self, app: &App<'_>, selection: &Selection) {
        let facts = self.facts();
        let project = self
            .project
            .project
            .as_ref()
            .and_then(|it| it.as_ref().ok());
        let endpoint = self.endpoint.as_ref().and_then(|it| it.as_ref().ok());
        let (engine, contexts, images) = tokio::join!(
            timed("engine's files, cache and ports", async {
                let daemon_file = async {
                    let endpoint = endpoint.filter(|_| selection.takes("engine"))?;
                    let local = self.machine.as_ref().is_none_or(is_plain);
                    DaemonFile::look(endpoint.socket().filter(|_| local)?).await
                };
                let neighbours = async {
                    match (endpoint, facts) {
                        (Some(_), None) => survey::answering(app.ambient, endpoint).await,
                        _ => Vec::new(),
                    }
                };
                let usage = async {
                    let disk = self.machine.as_ref()?.disk.as_ref()?;
                    let asked = selection.takes("disk") && disk.free < doctor::ROOMY;
                    survey::usage(facts.filter(|_| asked)?).await
                };
                let ports = async {
                    let published = doctor::published_ports(project?);
                    let wanted: Vec<_> = published.into_iter().map(|(_, port, _)| port).collect();
                    let here = self
                        .machine
                        .as_ref()
                        .is_some_and(|machine| machine.disk.is_some());
                    survey::ports(facts?, &wanted, here).await
                };
                tokio::join!(daemon_file, neighbours, usage, ports)
            }),
            timed("contexts", self.contexts(selection)),
            timed("images", self.images(app, facts, project, selection)),
        );
        let took = [engine.1, contexts.1, images.1];
        let local = project.map(|project| local_caches(project, &app.ambient.directory));
        let (daemon_file, neighbours, usage, ports) = engine.0;
        self.caches = local;
        (self.contexts, self.images) = (contexts.0, images.0);
        (self.daemon_file, self.neighbours, self.usage, self.ports) =
            (daemon_file, neighbours, usage, ports);
        self.took.extend(took);
    }

    fn facts(&self) -> Option<&Facts> {
        self.machine.as_ref()?.engine.as_ref().ok()
    }

    async fn contexts(&self, selection: &Selection) -> Option<Vec<ContextSeen>> {
        self.project.project.as_ref()?.as_ref().ok()?;
        if !selection.takes("contexts") {
            return None;
        }
        let dockerfiles = self.chosen().cloned().collect();
        let classic = self.classic();
        blocking(move || contexts::look(dockerfiles, &contexts::Depth::Measured { classic })).await
    }

    /// The services that the classic builder builds.
    fn classic(&self) -> Vec<String> {
        let outlook = self
            .project
            .outlook
            .as_ref()
            .and_then(|it| it.as_ref().ok());
        let ways = outlook
            .map(|outlook| outlook.ways.as_slice())
            .unwrap_or_default();
        ways.iter()
            .filter(|way| way.classic)
            .map(|way| way.service.clone())
            .collect()
    }

    /// The Dockerfiles that will be built; all where nothing could be chosen.
    fn chosen(&self) -> impl Iterator<Item = &Read> {
        let any = self.project.dockerfiles.iter().any(|read| read.chosen);
        self.project
            .dockerfiles
            .iter()
            .filter(move |read| read.chosen || !any)
    }

    async fn images(
        &self,
        app: &App<'_>,
        facts: Option<&Facts>,
        project: Option<&Project>,
        selection: &Selection,
    ) -> Option<Vec<(Needed, Availability)>> {
        if !selection.takes("network") && !selection.takes("builder") {
            return None;
        }
        let images = Images::new(facts?, Arc::clone(&app.credentials));
        let needed = doctor::needed(project?, self.chosen());
        let asked = needed.into_iter().map(|needed| async {
            let availability = images.availability(&needed.image).await;
            (needed, availability)
        });
        Some(join_all(asked).await)
    }

    /// The checks that the project says to leave alone, with its reasons.
    pub(super) fn ignored(&self) -> &IndexMap<String, String> {
        &self.project.ignored
    }

    /// Tries every builder with a small build, from a base image of the project that the engine has.
    pub(super) async fn try_builders(&mut self, app: &App<'_>) {
        let images = self.images.iter().flatten();
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
        mend.done(self.daemon_file.as_ref(), endpoint).await
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
            daemon_file: self.daemon_file.as_ref(),
            neighbours: &self.neighbours,
            usage: self.usage.as_ref(),
            ports: self.ports.as_ref(),
            scratch: self.scratch.as_ref(),
            caches: self.caches.as_deref(),
            project: project.project.as_ref().map(Result::as_ref),
            missing: &project.missing,
            outlook: project.outlook.as_ref().map(Result::as_ref),
            dockerfiles: &project.dockerfiles,
            contexts: self.contexts.as_deref(),
            images: self.images.as_deref(),
            trials: self.trials.as_deref(),
            took: &self.took,
            ..Seen::nothing(ambient)
        }
    }
}

/// Whether an engine stands by itself on Linux, with a file for its configuration.
fn is_plain(machine: &Machine) -> bool {
    let info = machine.info.as_ref();
    info.is_none_or(|info| info.product == detect::Product::Engine)
}

/// The directories that builds keep their caches in, each looked at once.
fn local_caches(project: &Project, base: &Path) -> Vec<LocalCache> {
    let mut paths: Vec<PathBuf> = doctor::caches(project, base)
        .into_iter()
        .filter_map(|cache| match cache.place {
            Place::Directory(path) => Some(path),
            Place::Registry(_) => None,
        })
        .collect();
    paths.sort();
    paths.dedup();
    paths.iter().map(|path| LocalCache::look(path)).collect()
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
        // An engine that is stuck half-way is told of by what it answered to others.
        Err(_) => loaded(app, typed).await,
    }
}

/// How long a plan may take with an engine of this machine, which answers a ping in two seconds.
const HERE: Duration = Duration::from_secs(5);
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
    seen.outlook = Some(plan.map(|plan| outlook(&plan)));
    seen.project = Some(Ok(loaded.project));
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
            outlook: None,
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
