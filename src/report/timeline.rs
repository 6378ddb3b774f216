//! A run as a picture in time: a page for a browser, and a trace for Perfetto and `chrome://tracing`.
//!
//! ```text
//! records ─> story (what happened, by service and step) ─┬─> findings (where the time went) ─> page
//!                                                        └─> trace
//! ```
//!
//! Both are made of the records alone, so they can be made of any run again later. The page is one file
//! that needs no other and asks no network: what it says is in it as JSON, and its policy lets nothing
//! run but its own script.

mod findings;
mod page;
mod story;
mod trace;

#[cfg(test)]
mod tests;

pub use page::html;
pub use story::Story;
pub use trace::trace;
