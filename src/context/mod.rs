//! Build contexts: which files of a directory a build gets, in which order, and what is told
//! about each.
//!
//! BuildKit decides what it wants (include patterns, exclude patterns, follow paths) and the
//! client walks. Both sides keep an ordered list of the same tree and compare them, so the walk
//! here repeats the reference client's: the same entries, the same order, the same modes, down to
//! the quirks of its pattern language. A file that is sent needlessly costs a cache hit; a file
//! that is missing fails a build that works elsewhere.
//!
//! [`ignore`] matches patterns, [`follow`] turns follow paths into patterns, [`walk`] puts them to
//! work.
//!
//! Paths of entries are bytes, relative to the context's root, with `/` between elements: a name
//! need not be UTF-8, and its bytes are what BuildKit puts into the image.

mod entry;
pub mod follow;
mod glob;
pub mod ignore;
mod lexical;
#[cfg(all(test, unix))]
mod testing;
pub mod walk;

pub use entry::{Entry, mode};
