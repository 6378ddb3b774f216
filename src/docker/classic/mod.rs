//! The classic builder: `POST /build` of the Engine API, for engines without BuildKit.
//!
//! Podman answers the same request with Buildah, which takes some parameters in other forms and
//! tells its progress in other words; what differs is a [`Dialect`].
//!
//! ```text
//! BuildSpec ── query ────> parameters ─┐
//!     └── package ── archive ── upload ┴─> POST /build ── message ── line ── step ──> events
//! ```
//!
//! The request is made here and not by `bollard`, whose options hold one tag, 2 GiB of `/dev/shm`
//! and no limits, and whose patience for the first word of an answer would also bound the sending of
//! the context. Dropping the connection is what stops a build: the engine then kills the running
//! step and removes its container.
//!
//! What the classic builder would build wrongly without a word (here-documents, `COPY --link`) is
//! refused in the plan, before anything reaches this module.

mod archive;
mod build;
mod credentials;
mod line;
pub(super) mod message;
mod package;
mod query;
mod step;
mod upload;

use std::borrow::Cow;
use std::sync::Arc;

use super::api::Api;
use super::api_version::ApiVersion;
use super::credentials::Credentials;
use super::detect::Facts;
use super::host::Endpoint;
use super::reference;
use super::spec::BuildSpec;
use crate::failure::{Class, Failure};

pub(super) use credentials::no_tokens;

/// The word for the engine's machine under `extra_hosts:`.
const HOST_GATEWAY: &str = "host-gateway";

/// Whose builder answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// The engine's own.
    Docker,
    /// Podman's.
    Buildah,
}

/// An engine's classic builder, or what Podman has in its place.
#[derive(Clone)]
pub struct Classic {
    endpoint: Endpoint,
    credentials: Arc<Credentials>,
    api: ApiVersion,
    dialect: Dialect,
}

impl Classic {
    /// The builder of an engine, which gets `credentials` with each build. Nothing is sent yet.
    ///
    /// # Errors
    /// When the engine builds images for Windows.
    pub fn new(facts: &Facts, credentials: Arc<Credentials>) -> Result<Self, Failure> {
        let engine = &facts.engine;
        if engine.os == "windows" {
            return Err(Failure::new(
                Class::Unsupported,
                "the engine builds Windows images, which this dcb does not",
            )
            .hint("docker compose build"));
        }
        Ok(Self {
            endpoint: facts.endpoint.clone(),
            credentials,
            api: facts.spoken(),
            dialect: if engine.podman {
                Dialect::Buildah
            } else {
                Dialect::Docker
            },
        })
    }

    /// Leaves images out of `cache_from` that the engine does not have, and says so. Of those it gets
    /// it takes nothing else: with one that is not there, nothing at all would come from any cache.
    async fn drop_missing_caches(&self, spec: &mut BuildSpec) -> Vec<String> {
        let mut missing = Vec::new();
        let api = Api::new(&self.endpoint, self.api);
        for entry in std::mem::take(&mut spec.cache_from) {
            let image = entry
                .reference()
                .and_then(|name| reference::normalize(name).ok());
            let has = match image {
                Some(image) => api.has_image(&image).await,
                None => false,
            };
            if has {
                spec.cache_from.push(entry);
            } else {
                let at = entry.at.as_ref();
                let at = at.map_or_else(String::new, |at| format!(" ({at})"));
                missing.push(format!(
                    "`cache_from` `{entry}`{at} is no image of this engine, and the classic builder takes no others: nothing is taken from it"
                ));
            }
        }
        missing
    }

    /// `spec` with `host-gateway` replaced by its address. The classic builder knows the word;
    /// Buildah before 1.31 would write it into `/etc/hosts` as it is.
    async fn resolve_hosts<'a>(&self, spec: &'a BuildSpec) -> Result<Cow<'a, BuildSpec>, Failure> {
        let stands_for_host = |(_, address): &(String, String)| address == HOST_GATEWAY;
        if self.dialect == Dialect::Docker || !spec.extra_hosts.iter().any(stands_for_host) {
            return Ok(Cow::Borrowed(spec));
        }
        let gateway = Api::new(&self.endpoint, self.api).bridge_gateway().await?;
        let mut spec = spec.clone();
        for host in spec.extra_hosts.iter_mut().filter(|h| stands_for_host(h)) {
            host.1.clone_from(&gateway);
        }
        Ok(Cow::Owned(spec))
    }
}
