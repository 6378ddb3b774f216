//! The engine's own BuildKit, driven natively: no docker CLI, no buildx.
//!
//! BuildKit speaks gRPC in both directions. We call it (`Solve`, `Status`) over one HTTP/2
//! connection, and it calls us back over another, the *session*, for the files of the context and
//! for credentials. One connection and one session serve a whole project:
//!
//! ```text
//! Client ── transport ──> POST /grpc     (we are the HTTP/2 client)   solve, status
//!    │                    POST /session  (we are the HTTP/2 server)   filesync, auth, health
//!    └── build(spec) ──> solve ──┬──> status: typed events
//!                                └──> error: the detail of a failure
//! ```
//!
//! From API 1.53 on gRPC is spoken straight on the socket and the session is a call of its own.
//!
//! Invariants:
//! - No message-valued map is ever sent: engines before 28 die of one.
//! - The runtime is never blocked: an engine gives a session ten seconds to answer its health check.
//! - A frontend attribute an engine does not know is ignored by it in silence, so what it cannot do
//!   is refused in the plan, before anything is sent.

mod attributes;
mod auth;
mod error;
mod filesync;
mod health;
mod offers;
mod prefix;
mod session;
mod solve;
mod status;
mod transport;
mod wire;

use std::borrow::Cow;
use std::sync::Arc;

use bollard_buildkit_proto::moby::buildkit::v1::ListWorkersRequest;

use super::api;
use super::api_version::ApiVersion;
use super::detect::Facts;
use super::host::Endpoint;
use super::spec::BuildSpec;
use crate::failure::Failure;
use tokio::sync::OnceCell;
use transport::Control;

/// The worker label with the address that `host-gateway` stands for.
const HOST_GATEWAY: &str = "org.mobyproject.buildkit.worker.moby.host-gateway-ip";

/// The word for the engine's machine under `extra_hosts:`.
const HOST_GATEWAY_NAME: &str = "host-gateway";

/// An open connection to an engine's BuildKit, with a session for its callbacks.
#[derive(Clone)]
pub struct Client {
    control: Control,
    session: Arc<session::Session>,
    endpoint: Endpoint,
    api: ApiVersion,
    host_gateway: Arc<OnceCell<String>>,
    places: prefix::Places,
}

impl Client {
    /// Opens BuildKit on the engine. `owner` tells this machine and project from others: the engine
    /// keeps the transferred contexts under it, so the same owner transfers only what changed.
    ///
    /// # Errors
    /// [`crate::failure::Class::NoBuildKit`] when the engine refuses, others when it went away.
    pub async fn connect(facts: &Facts, owner: &str) -> Result<Self, Failure> {
        let key = session::shared_key(owner);
        let (control, session) = transport::open(facts, &key).await?;
        Ok(Self {
            control,
            session: Arc::new(session),
            endpoint: facts.endpoint.clone(),
            api: facts.spoken(),
            host_gateway: Arc::default(),
            places: prefix::Places::default(),
        })
    }

    /// `spec` with `host-gateway` replaced by its address, which BuildKit does not know by itself.
    async fn resolve_hosts<'a>(&self, spec: &'a BuildSpec) -> Result<Cow<'a, BuildSpec>, Failure> {
        let stands_for_host = |(_, address): &(String, String)| address == HOST_GATEWAY_NAME;
        if !spec.extra_hosts.iter().any(stands_for_host) {
            return Ok(Cow::Borrowed(spec));
        }
        let gateway = self
            .host_gateway
            .get_or_try_init(|| self.host_gateway())
            .await?;
        let mut spec = spec.clone();
        for host in spec
            .extra_hosts
            .iter_mut()
            .filter(|host| stands_for_host(host))
        {
            host.1.clone_from(gateway);
        }
        Ok(Cow::Owned(spec))
    }

    /// The address that `host-gateway` stands for on this engine: BuildKit tells it from 23.0 on,
    /// before that the Engine API.
    async fn host_gateway(&self) -> Result<String, Failure> {
        let workers = self
            .control
            .client()
            .list_workers(ListWorkersRequest::default())
            .await
            .map_err(|status| error::lost(&self.endpoint, &status))?
            .into_inner();
        let label = workers
            .record
            .into_iter()
            .find_map(|worker| worker.labels.get(HOST_GATEWAY).cloned());
        match label {
            Some(address) => Ok(address),
            None => api::bridge_gateway(&self.endpoint, self.api).await,
        }
    }
}
