//! The vocabulary of a run: everything that happens is one of these events.
//!
//! `run` and `docker` emit them, `report` folds them. They serialise with serde; times are whole
//! milliseconds.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::failure::{Class, Failure};

/// Where events go. It is bounded, so that a slow reader slows the reading of the status and
/// nothing else.
pub type Events = tokio::sync::mpsc::Sender<Event>;

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
    /// are counted from the other end, so that they are none of the builder's.
    pub fn of_push(index: usize) -> Self {
        Self(usize::MAX - index)
    }
}

/// Something that happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The builder began with a job.
    JobStarted {
        /// The job.
        job: JobId,
    },
    /// A step changed its state.
    Step {
        /// The job it belongs to.
        job: JobId,
        /// The step.
        step: StepId,
        /// Its name as the builder gives it, such as `[2/3] RUN make`.
        name: String,
        /// What became of it.
        state: StepState,
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
        outcome: Outcome,
        /// How long it took, in milliseconds.
        took: u64,
    },
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum StepState {
    /// It runs.
    Running,
    /// Its result was there already.
    Cached,
    /// It ran to its end.
    Done {
        /// How long it took, in milliseconds, by the builder's clock.
        took: u64,
    },
    /// It failed, or was stopped.
    Failed {
        /// What the builder says of it.
        error: String,
        /// How long it took, in milliseconds, by the builder's clock.
        took: u64,
    },
}

/// How a job ended.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The image exists under its names.
    Built {
        /// What the engine calls the image: `sha256:...`.
        image: Option<String>,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pushed {
    /// Its full name.
    pub name: String,
    /// The digest under which the registry has it, when the engine tells it: `sha256:...`.
    pub digest: Option<String>,
}

/// One way to build an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Way {
    /// The builder: `buildkit` or `classic`.
    pub strategy: String,
    /// The Dockerfile.
    pub dockerfile: String,
    /// What reads it.
    pub frontend: Frontend,
}

/// What reads a Dockerfile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
        write!(f, "{} with {}", self.strategy, self.dockerfile)?;
        match self.frontend {
            Frontend::AsWritten => Ok(()),
            Frontend::BuiltIn => f.write_str(" without its `# syntax=`"),
        }
    }
}

/// Something that was done otherwise than planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
            dockerfile: "Dockerfile".to_owned(),
            frontend: Frontend::BuiltIn,
        };
        let outcome = Outcome::Built {
            image: None,
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
            r#"{"outcome":"built","image":null,"departures":[{"departure":"other_way","way":{"strategy":"buildkit","dockerfile":"Dockerfile","frontend":"built_in"},"because":"frontend-unavailable"},{"departure":"local_bases","because":"registry-unreachable"}],"pushed":[{"name":"ghcr.io/acme/web:1","digest":"sha256:1"}]}"#
        );
    }
}
