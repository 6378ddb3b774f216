//! How a build ends, whichever builder it was.

use crate::event::Pushed;
use crate::failure::Failure;

/// An image that was built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Built {
    /// Its id as the engine lists it.
    pub image: Option<String>,
    /// Its size in bytes, where the engine was asked for it.
    pub size: Option<u64>,
    /// The names under which the builder itself put it into a registry.
    pub pushed: Vec<Pushed>,
}

impl Built {
    /// An image in the engine.
    pub fn here(image: Option<String>) -> Self {
        Self {
            image,
            ..Self::default()
        }
    }
}

/// Why there is no image.
#[derive(Debug, Clone)]
pub enum BuildError {
    /// The build failed.
    Failed {
        /// Why.
        failure: Box<Failure>,
        /// How far it came.
        reached: Reached,
    },
    /// The user stopped it.
    Stopped,
}

impl BuildError {
    /// A failure before any `RUN` began.
    pub(super) fn before_any_step(failure: Failure) -> Self {
        Self::Failed {
            failure: Box::new(failure),
            reached: Reached::NoRun,
        }
    }
}

/// How far a build came that failed: what may be built a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// No `RUN` had begun: all of it may be, elsewhere too.
    NoRun,
    /// A `RUN` had begun: nothing may be, because a command may have acted on the world.
    Run,
    /// Every step was built, and only no image could be made of them: that may be done again, of
    /// what is in the builder's cache by now.
    Image,
}
