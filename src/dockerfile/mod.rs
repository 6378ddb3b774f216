//! Dockerfiles as text: instructions with their lines, stages, and the images they begin with.
//!
//! The engine's frontend is the judge of what a Dockerfile means; this reads just enough to point
//! at a line, to see which images a build needs, and which builder can build it at all. It never refuses a file.

mod features;
mod images;
mod mounts;
mod parse;
mod rewrite;
mod steps;
mod variants;

pub use features::{Feature, Frontend, Use, frontend_of_flag};
pub use mounts::CacheMount;
pub use parse::{Dockerfile, Instruction, Stage};
pub use variants::{Markers, Name};
