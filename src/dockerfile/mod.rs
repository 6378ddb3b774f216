//! Dockerfiles as text: instructions with their lines, stages, and the images they begin with.
//!
//! The engine's frontend is the judge of what a Dockerfile means; this reads just enough to point
//! at a line and to see which images a build needs. It never refuses a file.

mod images;
mod parse;
mod steps;

pub use parse::{Dockerfile, Instruction, Stage};
