//! `dcb doctor --deep`: an image of a step or two is really built, with every builder that there is.
//!
//! Built twice, the second must come from the cache. With BuildKit a third has another file, so that its
//! `RUN` runs again and finds in a cache mount what the first left there. The images are removed again;
//! what the engine keeps of them in its build cache is some bytes, which it collects by itself.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::super::App;
use super::super::build::Open;
use crate::docker::api::Api;
use crate::docker::classic::Classic;
use crate::docker::host::Endpoint;
use crate::docker::{BuildError, BuildSpec, ContextSource, DockerfileSource, Strategy};
use crate::doctor::Trial;
use crate::event::{Event, Events, JobId, StepState};
use crate::failure::{Class, Failure};

/// How long one build may take: it has nothing to fetch.
const LIMIT: Duration = Duration::from_secs(30);
/// Events that wait to be looked at.
const QUEUE: usize = 1024;

/// Tries every builder of the engine. `base` is an image that the engine has.
pub(super) async fn tried(
    app: &App<'_>,
    endpoint: &Endpoint,
    base: Option<&str>,
) -> Result<Vec<Trial>, Failure> {
    let open = app.open(endpoint).await?;
    let classic = Classic::new(&open.facts, Arc::clone(&app.credentials));
    let api = Api::new(endpoint, open.facts.spoken());
    let mut trials = Vec::new();
    let strategies = [
        open.buildkit.is_ok().then_some(Strategy::BuildKit),
        classic.is_ok().then_some(Strategy::Classic),
    ];
    for strategy in strategies.into_iter().flatten() {
        let workshop = Workshop {
            open: &open,
            classic: classic.as_ref().ok(),
            directory: tempfile::tempdir().map_err(|error| {
                Failure::new(
                    Class::Internal,
                    format!("failed to make a directory: {error}"),
                )
            })?,
            name: format!("dcb-doctor-{:08x}", fastrand::u32(..)),
            strategy,
        };
        trials.push(workshop.trial(base).await);
        // It may not be there, and it is of no use to anybody.
        let _ = api.remove_image(&workshop.tag()).await;
    }
    Ok(trials)
}

/// Where one builder is tried.
struct Workshop<'a> {
    open: &'a Open,
    classic: Option<&'a Classic>,
    directory: tempfile::TempDir,
    /// A name that nothing else has.
    name: String,
    strategy: Strategy,
}

/// A build that succeeded.
struct Made {
    took: Duration,
    /// Whether the last of its steps was there already.
    cached: bool,
}

impl Workshop<'_> {
    async fn trial(&self, base: Option<&str>) -> Trial {
        // An image without a shell cannot run anything, and proves nothing against the builder.
        let mut base = base;
        let mut first = self.build(base, "1").await;
        if first.is_err() && base.take().is_some() {
            first = self.build(None, "1").await;
        }
        let mut trial = Trial {
            builder: self.strategy.to_string(),
            first: first.map(|made| made.took),
            again: None,
            cached: false,
            kept: None,
        };
        if trial.first.is_err() {
            return trial;
        }
        if let Ok(made) = self.build(base, "1").await {
            trial.again = Some(made.took);
            trial.cached = made.cached;
        }
        if base.is_some() && self.strategy == Strategy::BuildKit {
            trial.kept = Some(self.build(base, "2").await.is_ok());
        }
        trial
    }

    fn tag(&self) -> String {
        format!("docker.io/library/{}:latest", self.name)
    }

    fn dockerfile(&self, base: Option<&str>) -> String {
        let from = base.unwrap_or("scratch");
        let copied = format!("FROM {from}\nCOPY stamp /dcb-stamp\n");
        match (base, self.strategy == Strategy::BuildKit) {
            (None, _) => copied,
            (Some(_), false) => format!("{copied}USER 0\nRUN test -e /dcb-stamp\n"),
            (Some(_), true) => format!(
                "{copied}USER 0\nRUN --mount=type=cache,id={},target=/dcb-cache \
                 if test \"$(cat /dcb-stamp)\" = 1; then touch /dcb-cache/kept; else test -e /dcb-cache/kept; fi\n",
                self.name
            ),
        }
    }

    async fn build(&self, base: Option<&str>, stamp: &str) -> Result<Made, Failure> {
        let broken = |why: String| Failure::new(Class::Internal, why);
        let directory = self.directory.path();
        write(directory, stamp).map_err(|error| broken(error.to_string()))?;
        let context = ContextSource::Directory(directory.to_owned());
        let dockerfile = DockerfileSource::Inline(self.dockerfile(base));
        let mut spec = BuildSpec::new(context, dockerfile, "Dockerfile");
        spec.tags = vec![self.tag()];
        let (events, mut told) = Events::channel(QUEUE);
        let (_go_on, mut stop) = watch::channel(false);
        let began = Instant::now();
        let build = async {
            let built = match (&self.open.buildkit, self.classic) {
                (Ok(client), _) if self.strategy == Strategy::BuildKit => {
                    let build = client.build(JobId(0), &self.name, &spec, &events, &mut stop);
                    Box::pin(build).await
                }
                (_, Some(classic)) => {
                    let build = classic.build(JobId(0), &spec, &events, &mut stop);
                    Box::pin(build).await
                }
                _ => return Err(broken("there is no such builder".to_owned())),
            };
            drop(events);
            built.map_err(|error| match error {
                BuildError::Failed { failure, .. } => *failure,
                BuildError::Stopped => broken("it was stopped".to_owned()),
            })
        };
        let cached = async {
            let mut cached = false;
            while let Some(record) = told.recv().await {
                if let Event::Step { name, state, .. } = record.event
                    && is_own_step(&name)
                {
                    cached = state == StepState::Cached;
                }
            }
            cached
        };
        let ended = tokio::time::timeout(LIMIT, async { tokio::join!(build, cached) }).await;
        let (built, cached) =
            ended.map_err(|_| broken(format!("it took longer than {LIMIT:?}")))?;
        built.map(|_| Made {
            took: began.elapsed(),
            cached,
        })
    }
}

/// Whether a step is one of the Dockerfile that does something.
fn is_own_step(name: &str) -> bool {
    name.contains("COPY stamp") || name.contains("RUN ")
}

fn write(directory: &Path, stamp: &str) -> std::io::Result<()> {
    std::fs::write(directory.join("stamp"), stamp)
}
