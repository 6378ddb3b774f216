//! The vocabulary of a run: everything that happens is one of these events.
//!
//! `run` and `docker` emit them; [`crate::progress`] folds them into the state of a run, and everything
//! that is shown or kept comes from there. They serialise with serde, each with the moment it happened
//! at: that is what `--progress json` prints and the journal keeps (`docs/events.md`). Times are whole
//! milliseconds on the clock of the run.

mod read;
mod redact;
mod stream;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;
use crate::failure::{Class, Failure};

pub use read::{LeftOut, Reader, Unreadable};
pub use stream::{Clock, Events, Record};

/// The version of this vocabulary. It grows when a reader of the one before would go wrong; what only
/// adds to it leaves it as it is.
pub const SCHEMA: u32 = 1;

/// Which job of the plan, from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub usize);

/// Which step of a job, in the order they were first heard of, from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub usize);

impl StepId {
    /// The step that pushes the `index`th name of a job's image. Builders count theirs from one; these
    /// begin where no builder comes to.
    pub fn of_push(index: usize) -> Self {
        Self(1_000_000 + index)
    }
}

/// Something that happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first of all: what is going to be done.
    RunStarted(Box<Opening>),
    /// Something to tell of the project, found before anything is built.
    Note {
        /// It.
        diagnostic: Diagnostic,
    },
    /// The builder began with a job.
    JobStarted {
        /// The job.
        job: JobId,
    },
    /// A program of this machine was started for it.
    ProgramStarted {
        /// The job.
        job: JobId,
        /// Its command as it would be typed, secrets masked.
        command: String,
    },
    /// A step changed its state.
    Step {
        /// The job it belongs to.
        job: JobId,
        /// The step.
        step: StepId,
        /// Its name as the builder gives it, such as `[2/3] RUN make`.
        name: String,
        /// The steps it begins with, as far as the builder tells.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        needs: Vec<StepId>,
        /// What became of it.
        #[serde(flatten)]
        state: StepState,
    },
    /// A step runs and nothing was told of it for long, so that silence never looks like a hang.
    StepGoesOn {
        /// The job it belongs to.
        job: JobId,
        /// The step.
        step: StepId,
        /// For how long it runs, in milliseconds.
        since: u64,
    },
    /// A transfer or pull within a step moved on.
    Progress {
        /// The job it belongs to.
        job: JobId,
        /// The step.
        step: StepId,
        /// What is moving, as the builder names it.
        what: String,
        /// How far it is, in the builder's unit (bytes for transfers).
        current: i64,
        /// How far it will go; 0 when that is not known.
        total: i64,
    },
    /// A step wrote a line.
    Log {
        /// The job it belongs to.
        job: JobId,
        /// The step.
        step: StepId,
        /// The line as written, without its end.
        line: String,
    },
    /// A step wrote so much that the rest of its log is left out.
    LogCut {
        /// The job it belongs to.
        job: JobId,
        /// The step.
        step: StepId,
    },
    /// The builder has an advice about the Dockerfile.
    Warning {
        /// The job it belongs to.
        job: JobId,
        /// What it says.
        message: String,
        /// The line of the Dockerfile, from one, when it names one.
        line: Option<usize>,
        /// Where it is explained.
        url: Option<String>,
    },
    /// Something that is good to know of a job, and nothing wrong.
    JobNote {
        /// The job it belongs to.
        job: JobId,
        /// What it says.
        message: String,
    },
    /// The builder stood in the way, and another way is taken.
    FellBack {
        /// The job.
        job: JobId,
        /// How it is built from now on.
        way: Way,
        /// What stood in the way.
        because: Box<Failure>,
    },
    /// A job is over.
    JobFinished {
        /// The job.
        job: JobId,
        /// How it ended.
        #[serde(flatten)]
        outcome: Outcome,
        /// How long it took, in milliseconds.
        took: u64,
    },
    /// The last of all.
    RunFinished {
        /// How it ended.
        result: RunResult,
        /// How long it took, in milliseconds.
        took: u64,
    },
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunResult {
    /// Every job ended well.
    Built,
    /// One at least did not.
    Failed,
    /// The user stopped it.
    Stopped,
}

/// What a run is going to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The version of dcb.
    pub dcb: String,
    /// When it began, in milliseconds since 1970.
    pub began: u64,
    /// The verb that was typed: `build`, `up`, or one of their kin.
    pub verb: String,
    /// The flags that chose the project, as they were typed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// The project's name.
    pub project: String,
    /// The project's directory.
    pub directory: String,
    /// The engine: its product and version.
    pub engine: Option<String>,
    /// Whether images are pushed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pushes: bool,
    /// How many jobs run side by side.
    pub parallel: usize,
    /// The jobs, each after what it needs.
    pub jobs: Vec<Planned>,
}

/// A job as it was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The services that use its image; the first gives it its name.
    pub services: Vec<String>,
    /// The jobs that must be done before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<JobId>,
    /// How it is to be built.
    pub way: Way,
    /// Where the result goes instead of the engine's images: `local to /home/me/out`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Which form of the Dockerfile it is, when there are several: the marker in its name.
    pub variant: Option<String>,
    /// Whether that is another builder or form than the usual one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unusual: bool,
}

impl Planned {
    /// The service that gives the job its name.
    pub fn service(&self) -> &str {
        self.services.first().map_or("", String::as_str)
    }
}

/// What became of a step. `began` and `ended` are by the builder's clock, put on the run's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum StepState {
    /// It is known and has not begun.
    Waiting,
    /// It runs.
    Running {
        /// When it began.
        began: u64,
    },
    /// Its result was there already.
    Cached,
    /// It ran to its end.
    Done {
        /// When it began.
        began: u64,
        /// When it was over.
        ended: u64,
        /// How long it took, without what it waited in between.
        took: u64,
    },
    /// It failed, or was stopped.
    Failed {
        /// What the builder says of it.
        error: String,
        /// When it began.
        began: u64,
        /// When it was over.
        ended: u64,
        /// How long it took, without what it waited in between.
        took: u64,
    },
}

impl StepState {
    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        !matches!(self, Self::Waiting | Self::Running { .. })
    }
}

/// How a job ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The image exists under its names.
    Built {
        /// What the engine calls the image: `sha256:...`.
        image: Option<String>,
        /// Its size in bytes, as the engine counts it.
        size: Option<u64>,
        /// What was done otherwise than planned, in order.
        departures: Vec<Departure>,
        /// The names that were pushed, in order.
        pushed: Vec<Pushed>,
    },
    /// It failed.
    Failed(Box<Failure>),
    /// It was not tried, because a job that it needs did not end well.
    Skipped {
        /// That job.
        because: JobId,
    },
    /// The user stopped it.
    Stopped,
}

/// An image that its registry has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushed {
    /// Its full name.
    pub name: String,
    /// The digest under which the registry has it, when the engine tells it: `sha256:...`.
    pub digest: Option<String>,
}

/// One way to build an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// The builder: `buildkit`, `buildx` or `classic`.
    pub strategy: String,
    /// The name of the builder of buildx.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builder: Option<String>,
    /// The Dockerfile.
    pub dockerfile: String,
    /// What reads it.
    pub frontend: Frontend,
}

/// What reads a Dockerfile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frontend {
    /// What its `# syntax=` line names, else the builder's own.
    AsWritten,
    /// The builder's own, whatever the Dockerfile names.
    BuiltIn,
}

impl fmt::Display for Way {
    /// Completes "build with ...".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.strategy)?;
        if let Some(name) = &self.builder {
            write!(f, " `{name}`")?;
        }
        write!(f, " with {}", self.dockerfile)?;
        match self.frontend {
            Frontend::AsWritten => Ok(()),
            Frontend::BuiltIn => f.write_str(" without its `# syntax=`"),
        }
    }
}

/// Something that was done otherwise than planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "departure", rename_all = "snake_case")]
pub enum Departure {
    /// The builder stood in the way, and another way was taken.
    OtherWay {
        /// How it was built.
        way: Way,
        /// What stood in the way.
        because: Class,
    },
    /// Base images were to be looked up anew, and those of this machine were taken.
    LocalBases {
        /// Why they could not be looked up.
        because: Class,
    },
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherWay { way, because } => write!(f, "instead: {way} ({})", because.id()),
            Self::LocalBases { because } => {
                write!(f, "with the base images that are here ({})", because.id())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_otherwise_is_part_of_the_event() {
        let way = Way {
            strategy: "buildkit".to_owned(),
            builder: None,
            dockerfile: "Dockerfile".to_owned(),
            frontend: Frontend::BuiltIn,
        };
        let outcome = Outcome::Built {
            image: None,
            size: Some(5),
            departures: vec![
                Departure::OtherWay {
                    way,
                    because: Class::FrontendUnavailable,
                },
                Departure::LocalBases {
                    because: Class::RegistryUnreachable,
                },
            ],
            pushed: vec![Pushed {
                name: "ghcr.io/acme/web:1".to_owned(),
                digest: Some("sha256:1".to_owned()),
            }],
        };
        assert_eq!(
            serde_json::to_string(&outcome).expect("JSON"),
            r#"{"outcome":"built","image":null,"size":5,"departures":[{"departure":"other_way","way":{"strategy":"buildkit","dockerfile":"Dockerfile","frontend":"built_in"},"because":"frontend-unavailable"},{"departure":"local_bases","because":"registry-unreachable"}],"pushed":[{"name":"ghcr.io/acme/web:1","digest":"sha256:1"}]}"#
        );
    }
}
