//! What becomes of each key of `build:` with each builder: one table.
//!
//! Builders ignore in silence what they do not know, build something else, or die of it. So nothing
//! that a builder cannot do is ever sent to it: it is refused by name, or left out with a warning
//! where the image is the same without it. The table is what `dcb plan -v` and `docs/keys.md` show,
//! and the tests hold it against real engines.

mod rows;

use super::request::Request;
use super::{caches, platforms};
use crate::compose::{Build, Project, Service};
use crate::diagnostic::Diagnostic;
use crate::docker::{ApiVersion, Engine, Keeper, Strategy, Worker};

use rows::ROWS;
pub use rows::SOURCE_DATE_EPOCH;

/// One key, or one kind of its values.
pub(super) struct Row {
    /// The key as it is written.
    pub(super) key: &'static str,
    /// Which of its values, when the row is not about all of them.
    pub(super) form: &'static str,
    /// The first value of this kind in use, as it is told to people; empty where the key says all.
    pub(super) used: fn(&Asked<'_>) -> Option<String>,
    /// What the engine's own BuildKit needs for it.
    pub(super) buildkit: Needs,
    /// What a builder of the user's own needs for it. Its BuildKit is as new as they made it.
    pub(super) buildx: Needs,
    /// What the classic builder needs for it.
    pub(super) classic: Needs,
    /// What Podman's builder needs for it.
    pub(super) podman: Needs,
    /// What happens where that is not there.
    pub(super) otherwise: Otherwise,
}

/// What a builder needs for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing: it has always known it.
    Nothing,
    /// An engine of this API; the version by which people know it.
    Engine(ApiVersion, &'static str),
    /// An engine that keeps its images in containerd.
    ContainerdStore,
    /// The same where the image goes into the engine; nothing where it goes to its registry.
    ContainerdStoreToLoad,
    /// A builder of another kind: what this one does with it, and what would help.
    Never(&'static str, &'static str),
}

/// What happens to a key that a builder cannot honour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Otherwise {
    /// Nothing is built with this builder.
    Refuse,
    /// It is left out, and the user is told: the image is the same.
    LeaveOut,
}

/// The keys that say what a Dockerfile reads.
const CONTEXTS: [&str; 2] = ["additional_contexts", "context"];

/// What is asked for: a build section and what the command adds to it.
#[derive(Debug, Clone)]
pub(super) struct Asked<'a> {
    pub(super) service: &'a Service,
    pub(super) build: &'a Build,
    /// The platforms that it is built for; the builder's own when there is none.
    pub(super) platforms: Vec<String>,
    /// Where the image goes if its builder is not the engine's own.
    pub(super) destination: Keeper,
    pub(super) request: &'a Request,
}

impl<'a> Asked<'a> {
    pub(super) fn new(service: &'a Service, build: &'a Build, request: &'a Request) -> Self {
        Self {
            service,
            build,
            platforms: platforms::of(service, build, request),
            destination: Keeper::Engine,
            request,
        }
    }

    /// The same where the image goes to `destination` if its builder is not the engine's own.
    pub(super) fn going_to(self, destination: Keeper) -> Self {
        Self {
            destination,
            ..self
        }
    }
}

/// What stands on the ground of a verdict.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ground<'a> {
    /// The engine; the newest is assumed when none answered.
    pub(super) engine: Option<&'a Engine>,
    /// What its BuildKit says of itself, when it was asked.
    pub(super) worker: Option<&'a Worker>,
}

/// Why a key cannot be honoured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lack {
    pub(super) why: String,
    pub(super) help: String,
}

/// What becomes of a key with the builders here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The key as it is written.
    pub key: &'static str,
    /// Which of its values, when that makes a difference.
    pub form: &'static str,
    /// Why the engine's own BuildKit cannot honour it; nothing when it can.
    pub buildkit: Option<String>,
    /// Why a builder of the user's own cannot, when its image goes into this engine.
    pub buildx: Option<String>,
    /// Why the classic builder, or Podman's, cannot.
    pub classic: Option<String>,
    /// Whether it is left out then, and not refused.
    pub left_out: bool,
}

/// The whole table, for the builders that `ground` stands for.
pub(super) fn verdicts(ground: Ground<'_>) -> Vec<Verdict> {
    let why = |row: &Row, needs: Needs| {
        let lack = needs.missing(row.key, Keeper::Engine, ground);
        lack.map(|lack| lack.why)
    };
    ROWS.iter()
        .map(|row| Verdict {
            key: row.key,
            form: row.form,
            buildkit: why(row, row.buildkit),
            buildx: why(row, row.buildx),
            classic: why(row, row.classic_here(ground)),
            left_out: row.otherwise == Otherwise::LeaveOut,
        })
        .collect()
}

/// Whether a key is left out with `strategy`.
pub(super) fn is_left_out(
    key: &str,
    strategy: &Strategy,
    asked: &Asked<'_>,
    ground: Ground<'_>,
) -> bool {
    ROWS.iter()
        .filter(|row| row.key == key && row.otherwise == Otherwise::LeaveOut)
        .any(|row| (row.used)(asked).is_some() && row.lack(strategy, asked, ground).is_some())
}

/// Whether `strategy` cannot honour one kind of a key's values.
pub(super) fn lacks_form(
    key: &str,
    form: &str,
    strategy: &Strategy,
    asked: &Asked<'_>,
    ground: Ground<'_>,
) -> bool {
    ROWS.iter()
        .filter(|row| row.key == key && row.form == form)
        .any(|row| row.lack(strategy, asked, ground).is_some())
}

impl Row {
    /// Why `strategy` cannot honour it as `asked`; nothing when it can.
    fn lack(&self, strategy: &Strategy, asked: &Asked<'_>, ground: Ground<'_>) -> Option<Lack> {
        let needs = match strategy {
            Strategy::BuildKit => self.buildkit,
            Strategy::Buildx(_) => self.buildx,
            Strategy::Classic => self.classic_here(ground),
        };
        needs.missing(self.key, asked.destination, ground)
    }

    /// What the builder behind `POST /build` needs for it.
    fn classic_here(&self, ground: Ground<'_>) -> Needs {
        if ground.engine.is_some_and(|engine| engine.podman) {
            self.podman
        } else {
            self.classic
        }
    }

    /// Whether it is written in a compose file.
    fn is_key(&self) -> bool {
        self.key.starts_with(|c: char| c.is_ascii_lowercase())
    }

    fn diagnostic(&self, asked: &Asked<'_>, value: &str, lack: Lack) -> Diagnostic {
        let Asked { service, build, .. } = asked;
        // What is said once for all services is told once.
        if let Some(at) = caches::lent(build, self.key, self.form) {
            let message = format!(
                "`{}` ({}) of `x-dcb.cache` {}, and is left out",
                self.key, self.form, lack.why
            );
            return Diagnostic::warning(message)
                .at(at.clone(), "")
                .help(lack.help);
        }
        let value = match value {
            "" => String::new(),
            value => format!(" ({value})"),
        };
        let message = format!(
            "`{}`{value} of service `{}` {}",
            self.key, service.name, lack.why
        );
        let diagnostic = match self.otherwise {
            Otherwise::Refuse => Diagnostic::error(message),
            Otherwise::LeaveOut => Diagnostic::warning(format!("{message}, and is left out")),
        };
        // A flag or a variable stands in no file.
        let diagnostic = if self.is_key() {
            let at = build.keys.get(self.key).unwrap_or(&build.at);
            diagnostic.at(at.clone(), "")
        } else {
            diagnostic
        };
        diagnostic.help(lack.help)
    }
}

impl Needs {
    fn missing(self, key: &str, destination: Keeper, ground: Ground<'_>) -> Option<Lack> {
        let engine = ground.engine;
        match self {
            Self::Nothing => None,
            Self::ContainerdStoreToLoad if destination == Keeper::Registry => None,
            Self::Engine(api, version) => {
                let engine = engine.filter(|engine| engine.api < api)?;
                Some(Lack {
                    why: format!(
                        "would be ignored in silence by engine {} (API {})",
                        engine.version, engine.api
                    ),
                    help: format!("use engine {version} or later, or leave `{key}` out"),
                })
            }
            Self::ContainerdStore | Self::ContainerdStoreToLoad => {
                ground.worker.filter(|worker| !worker.containerd)?;
                let version = engine.map_or("", |engine| engine.version.as_str());
                let around = if self == Self::ContainerdStore {
                    "build with a builder of your own and push: --builder NAME --push"
                } else {
                    "push it, which loads nothing: --push"
                };
                Some(Lack {
                    why: format!(
                        "needs images in containerd, and engine {version} keeps them in its own store"
                    ),
                    help: format!(
                        "switch on `\"features\": {{\"containerd-snapshotter\": true}}` in the engine's daemon.json (23.0 and later), or {around}"
                    ),
                })
            }
            Self::Never(why, help) => Some(Lack {
                why: why.to_owned(),
                help: help.to_owned(),
            }),
        }
    }
}

/// What `strategy` cannot honour of a service's build: what is refused.
pub(super) fn refusals(
    strategy: &Strategy,
    asked: &Asked<'_>,
    ground: Ground<'_>,
) -> Vec<Diagnostic> {
    found(ROWS.iter(), strategy, asked, ground, Otherwise::Refuse)
}

/// What `strategy` cannot honour of what a service's Dockerfile reads: its contexts.
pub(super) fn unreadable(
    strategy: &Strategy,
    asked: &Asked<'_>,
    ground: Ground<'_>,
) -> Vec<Diagnostic> {
    let rows = ROWS.iter().filter(|row| CONTEXTS.contains(&row.key));
    found(rows, strategy, asked, ground, Otherwise::Refuse)
}

/// What `strategy` leaves out of a service's build.
pub(super) fn left_out(
    strategy: &Strategy,
    asked: &Asked<'_>,
    ground: Ground<'_>,
) -> Vec<Diagnostic> {
    found(ROWS.iter(), strategy, asked, ground, Otherwise::LeaveOut)
}

fn found<'a>(
    rows: impl Iterator<Item = &'a Row>,
    strategy: &Strategy,
    asked: &Asked<'_>,
    ground: Ground<'_>,
    otherwise: Otherwise,
) -> Vec<Diagnostic> {
    rows.filter(|row| row.otherwise == otherwise)
        .filter_map(|row| {
            let value = (row.used)(asked)?;
            let lack = row.lack(strategy, asked, ground)?;
            Some(row.diagnostic(asked, &value, lack))
        })
        .collect()
}

/// Whether what the engine's BuildKit says of itself decides over what can be built of `project`.
pub fn asks_worker(project: &Project, request: &Request) -> bool {
    project
        .services
        .values()
        .filter_map(|service| Some((service, service.build.as_ref()?)))
        .map(|(service, build)| Asked::new(service, build, request))
        .any(|asked| {
            !asked.platforms.is_empty()
                || ROWS
                    .iter()
                    .filter(|row| row.buildkit == Needs::ContainerdStore)
                    .any(|row| (row.used)(&asked).is_some())
        })
}
