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
        /// Whether a `RUN` had begun: from then on nothing may be built a second time, because a
        /// command may have acted on the world.
        ran: bool,
    },
    /// The user stopped it.
    Stopped,
}

impl BuildError {
    /// A failure before any `RUN` began.
    pub(super) fn before_any_step(failure: Failure) -> Self {
        Self::Failed {
            failure: Box::new(failure),
            ran: false,
        }
    }
}
