//! What is built without the cache: what the command line asks for, and what the files do.

use indexmap::{IndexMap, IndexSet};

use super::choose::Choice;
use super::forms::Form;
use super::{Builders, Job, Set, unknown};
use crate::compose::{Build, Project, Service};
use crate::diagnostic::Diagnostic;
use crate::docker::{ApiVersion, CacheUse, Engine, Strategy};
use crate::failure::{Class, Failure};
use crate::human;

/// What `--no-cache` asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum NoCache {
    /// Nothing: the files say what is taken from the cache.
    #[default]
    AsWritten,
    /// Every step runs again; BuildKit empties the cache mounts of those that do.
    All,
    /// Every step runs again and finds in its cache mounts what was there.
    Layers,
    /// The same as [`NoCache::All`] for these services; for some of their stages where there are any.
    Services(IndexMap<String, Vec<String>>),
}

impl NoCache {
    /// What of the cache a build of `service` may use. The command line counts before the file, but
    /// takes nothing back of what that leaves aside.
    pub(super) fn of(&self, service: &Service, build: &Build, form: &Form) -> CacheUse {
        let named = match self {
            Self::AsWritten => None,
            Self::Layers if form.may_use_cache_mounts() => return CacheUse::Mounts,
            Self::All | Self::Layers => return CacheUse::None,
            Self::Services(services) => services.get(&service.name),
        };
        if build.no_cache || named.is_some_and(Vec::is_empty) {
            return CacheUse::None;
        }
        let mut stages = build.no_cache_filter.clone();
        stages.extend(named.into_iter().flatten().cloned());
        if stages.is_empty() {
            CacheUse::Normal
        } else {
            CacheUse::Without(stages)
        }
    }

    /// Whether the services that are named are there and among those that are `built`.
    pub(super) fn check(
        &self,
        project: &Project,
        built: &[(&Service, &Build)],
    ) -> Result<(), Failure> {
        let Self::Services(services) = self else {
            return Ok(());
        };
        for name in services.keys() {
            if built.iter().any(|(service, _)| service.name == *name) {
                continue;
            }
            let Some(service) = project.services.get(name) else {
                return Err(unknown(project, name)
                    .hint("all of them: --no-cache, or --no-cache=layers to keep cache mounts"));
            };
            let why = match service.build {
                Some(_) => "is not among the services that are built here",
                None => "has no `build:` section",
            };
            let message = format!("`--no-cache={name}`: the service `{name}` {why}");
            return Err(Failure::new(Class::Usage, message).hint("leave it out"));
        }
        Ok(())
    }

    /// Whether what is asked for one service can be had the way that was chosen for it.
    pub(super) fn check_choice(
        &self,
        service: &Service,
        choice: &Choice<'_>,
        builders: Builders<'_>,
    ) -> Result<(), Failure> {
        let form = choice.form;
        match self {
            Self::AsWritten | Self::All => Ok(()),
            Self::Layers if !form.may_use_cache_mounts() => Ok(()),
            Self::Layers => match (&choice.strategy, builders.engine) {
                (Strategy::Buildx(builder), _) => Err(emptied(&service.name, &form.name, builder)),
                (Strategy::BuildKit, Some(engine)) if engine.api < MARKS => {
                    Err(deadly(&service.name, &form.name, engine))
                }
                _ => Ok(()),
            },
            Self::Services(services) => {
                let stages = services.get(&service.name).map_or(&[][..], Vec::as_slice);
                if stages.is_empty() {
                    return Ok(());
                }
                if choice.strategy == Strategy::Classic {
                    let message = format!(
                        "`--no-cache={0}:{1}`: `{0}` is built by a classic builder, which knows no stages in its cache",
                        service.name, stages[0]
                    );
                    let failure = Failure::new(Class::Unsupported, message);
                    return Err(failure.hint(format!("all of it: --no-cache={}", service.name)));
                }
                match form.without_stage(stages) {
                    Some((missing, near)) => {
                        let name = &form.name;
                        let message =
                            format!("`{name}` of `{}` has no stage `{missing}`", service.name);
                        let failure = Failure::new(Class::Usage, message);
                        Err(match near {
                            Some(near) => failure.hint(format!("did you mean `{near}`?")),
                            None => failure.hint(format!("all of it: --no-cache={}", service.name)),
                        })
                    }
                    None => Ok(()),
                }
            }
        }
    }

    /// What there is to tell of the cache mounts of a service that is built without its cache.
    pub(super) fn note(
        &self,
        service: &Service,
        choice: &Choice<'_>,
        builders: Builders<'_>,
    ) -> Option<Diagnostic> {
        let all = match self {
            Self::All => true,
            Self::Services(services) => services.get(&service.name)?.is_empty(),
            Self::AsWritten | Self::Layers => false,
        };
        let mounts = choice.form.dockerfile.cache_mounts();
        let mounts: IndexSet<&str> = mounts.map(|mount| mount.target).collect();
        if !all || mounts.is_empty() {
            return None;
        }
        let (name, mounts) = (&service.name, human::list(mounts));
        if choice.strategy != Strategy::Classic {
            let note = format!("no cache for `{name}`: its cache mounts are emptied too: {mounts}");
            return Some(Diagnostic::note(note).help("keep what is in them: --no-cache=layers"));
        }
        let podman = builders.engine.is_some_and(|engine| engine.podman);
        podman.then(|| {
            Diagnostic::note(format!(
                "no cache for `{name}`: Podman keeps what is in its cache mounts: {mounts}"
            ))
        })
    }
}

/// The engine's API from which on builds side by side may mark a step that they share, one of them as
/// to be run again and the other not.
///
/// The solver of BuildKit before 0.12 loses track of such a step and takes the whole engine with it
/// (`panic: failed to get edge`): 20.10 did in the eighth round of four builds side by side, two of them
/// with marks on the base image that all four begin with. 26.1 did not in sixty builds.
const MARKS: ApiVersion = ApiVersion::V25_0;

/// How many of `jobs` may run side by side, all that are `asked` for or one after another.
pub(super) fn side_by_side(jobs: &[Job], asked: &Set<usize>, builders: Builders<'_>) -> Set<usize> {
    let by_buildkit = |job: &&Job| job.attempt.strategy == Strategy::BuildKit;
    let old = builders.engine.is_some_and(|engine| engine.api < MARKS);
    let mut kinds = jobs
        .iter()
        .filter(by_buildkit)
        .map(|job| &job.attempt.spec.cache);
    let first = kinds.next();
    if old && kinds.any(|kind| Some(kind) != first) {
        return Set {
            value: 1,
            from: "the engine, which can die of builds with and without the cache side by side",
        };
    }
    asked.clone()
}

fn deadly(service: &str, dockerfile: &str, engine: &Engine) -> Failure {
    Failure::new(
        Class::Unsupported,
        format!(
            "`--no-cache=layers`: `{dockerfile}` of `{service}` has cache mounts, and engine {} can die of running their steps again when something else is built beside it",
            engine.version
        ),
    )
    .hint("use engine 25.0 or later")
    .hint("or let the mounts be emptied: --no-cache")
}

fn emptied(service: &str, dockerfile: &str, builder: &str) -> Failure {
    Failure::new(
        Class::Unsupported,
        format!(
            "`--no-cache=layers`: `{service}` is built by `{builder}` through buildx, which empties the cache mounts of `{dockerfile}` with the layers"
        ),
    )
    .hint("build it with the engine: --builder default")
    .hint("or let them be emptied: --no-cache")
}
