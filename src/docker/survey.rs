//! What a diagnosis asks beyond the full picture of [`super::detect::Machine`]: files that lie about,
//! what the engine keeps, ports, images.
//!
//! Every question has its own limit and none is an error: what cannot be found out is left open. Nothing
//! is changed, and nothing is fetched but the description of an image.

mod daemon_file;
mod images;
mod installed;
mod leftovers;
mod local_caches;
mod neighbours;
mod own_builder;
mod ports;
mod scratch;
mod usage;

use std::time::Duration;

use serde_json::Value;

use super::detect::Facts;
use super::http;
use crate::human;

pub(super) use daemon_file::Judgement;
pub use daemon_file::{Daemon, DaemonFile};
pub use images::{Availability, Images};
pub use installed::{Found, Helper, Installed, MissingContext};
pub use leftovers::{Leftovers, leftovers};
pub use local_caches::LocalCache;
pub use neighbours::answering;
pub use own_builder::{OwnBuilder, own_builder};
pub use ports::{Binding, Ports, Published, ports};
pub use scratch::{Directory, Scratch};
pub use usage::{Usage, usage};

/// The most that is read of an answer; an engine with thousands of containers or cache records needs
/// some megabytes.
const LARGEST: usize = 32 << 20;

/// `GET /vX/PATH` in the version that the engine is spoken to in, with headers; its status and what it
/// answers.
async fn get(
    facts: &Facts,
    path: &str,
    headers: &[(&str, &str)],
    limit: Duration,
) -> Result<(u16, String), String> {
    let path = format!("/v{}/{path}", facts.spoken());
    let answer = http::get_with(&facts.endpoint.address, &path, headers, LARGEST);
    match tokio::time::timeout(limit, answer).await {
        Err(_) => Err(format!("no answer in {limit:?}")),
        Ok(Err(error)) => Err(human::sanitize(&error.to_string())),
        Ok(Ok((head, body))) => Ok((head.status().as_u16(), body)),
    }
}

/// The same, of which only JSON with status 200 is of use.
async fn json(facts: &Facts, path: &str, limit: Duration) -> Option<Value> {
    match get(facts, path, &[], limit).await {
        Ok((200, body)) => serde_json::from_str(&body).ok(),
        _ => None,
    }
}
