//! The journal: every run of a project on this machine, as its events.
//!
//! ```text
//! $XDG_STATE_HOME/dcb/shop-1a2b3c4d/     the project `shop` of one directory
//!     12.jsonl                           the records of run 12, one in a line
//!     12.json                            what came of it, in short
//! ```
//!
//! Runs are numbered from one. A run without its short form was broken off. What is kept is bounded in
//! number, age and size; only the user can read it.

mod read;
mod store;
mod summary;
mod trend;
mod write;

pub use read::{Broken, records};
pub use store::{Journal, RunId};
pub use summary::{ServiceSummary, StepOutcome, StepSummary, Summary};
pub use trend::{Change, Comparison, Trend, compare, trend};
pub use write::Writer;
