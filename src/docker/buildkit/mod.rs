//! The engine's own BuildKit, driven natively: no docker CLI, no buildx.
//!
//! BuildKit speaks gRPC in both directions. We call it (`Solve`, `Status`) over one HTTP/2
//! connection, and it calls us back over another, the *session*, for the files of the context and
//! for credentials. One connection serves a whole project, and so does one session; a build that asks
//! for what is its own, such as secrets, has a session to itself:
//!
//! ```text
//! Client ── transport ──> POST /grpc     (we are the HTTP/2 client)   solve, status
//!    │                    POST /session  (we are the HTTP/2 server)   filesync, auth, health
//!    ├── build(spec) ──> solve ──┬──> status: typed events
//!    │                           └──> error: the detail of a failure
//!    └── check(spec) ──> solve, and the frontend's checks within it
//! ```
//!
//! From API 1.53 on gRPC is spoken straight on the socket and the session is a call of its own.
//!
//! Invariants:
//! - No message-valued map is ever sent: engines before 28 die of one.
//! - The runtime is never blocked: an engine gives a session ten seconds to answer its health check.
//! - A frontend attribute an engine does not know is ignored by it in silence, so what it cannot do
//!   is refused in the plan, before anything is sent.

mod anew;
mod attributes;
mod auth;
mod caches;
mod check;
mod content;
mod contexts;
mod error;
mod filesync;
mod health;
mod layout;
mod offers;
mod prefix;
mod receive;
mod secrets;
mod serve;
mod session;
mod solve;
mod ssh;
mod status;
mod transport;
mod wire;
mod worker;

use std::borrow::Cow;
use std::sync::Arc;

use super::api::Api;
use super::credentials::Credentials;
use super::detect::Facts;
use super::host::Endpoint;
use super::spec::{BuildSpec, NamedContext};
use crate::failure::{Class, Failure};
use caches::Caches;
use session::{Common, Own, Session};
use tokio::sync::OnceCell;
use transport::Control;

pub use check::{Finding, Findings};
pub(super) use status::Steps;
pub use worker::{Collects, Worker};

/// The word for the engine's machine under `extra_hosts:`.
const HOST_GATEWAY_NAME: &str = "host-gateway";

/// An open connection to an engine's BuildKit, with a session for its callbacks.
#[derive(Clone)]
pub struct Client {
    facts: Arc<Facts>,
    common: Common,
    control: Control,
    /// The session of all builds that need none of their own.
    shared: Arc<Session>,
    worker: Arc<OnceCell<Worker>>,
    places: prefix::Places,
}

impl Client {
    /// Opens BuildKit on the engine. `owner` tells this machine and project from others: the engine
    /// keeps the transferred contexts under it, so the same owner transfers only what changed.
    /// `credentials` are told to the engine when a registry asks for them.
    ///
    /// # Errors
    /// [`crate::failure::Class::NoBuildKit`] when the engine refuses, others when it went away.
    pub async fn connect(
        facts: &Facts,
        owner: &str,
        credentials: Arc<Credentials>,
    ) -> Result<Self, Failure> {
        let common = Common {
            key: session::shared_key(owner),
            credentials,
        };
        let (control, session) = transport::open(facts, &common).await?;
        Ok(Self {
            facts: Arc::new(facts.clone()),
            common,
            control,
            shared: Arc::new(session),
            worker: Arc::default(),
            places: prefix::Places::default(),
        })
    }

    /// What the engine's BuildKit says of itself. It is asked once.
    ///
    /// # Errors
    /// [`crate::failure::Class::DaemonLost`] when it does not answer.
    pub async fn worker(&self) -> Result<&Worker, Failure> {
        self.worker
            .get_or_try_init(|| worker::ask(&self.control, self.endpoint()))
            .await
    }

    /// The session on which a build is answered.
    async fn session(&self, spec: &BuildSpec, caches: &Caches) -> Result<Arc<Session>, Failure> {
        match Own::of(spec, caches).await? {
            None => Ok(Arc::clone(&self.shared)),
            Some(own) => {
                let session =
                    transport::session(&self.facts, &self.control, &self.common, own).await?;
                Ok(Arc::new(session))
            }
        }
    }

    /// `spec` with everything looked up that BuildKit cannot look up by itself.
    async fn resolve<'a>(&self, spec: &'a BuildSpec) -> Result<Cow<'a, BuildSpec>, Failure> {
        let spec = self.resolve_hosts(spec).await?;
        let is_layout = |context: &NamedContext| matches!(context, NamedContext::OciLayout { .. });
        if !spec.contexts.values().any(is_layout) {
            return Ok(spec);
        }
        let mut spec = spec.into_owned();
        let pin = move || {
            for (name, context) in &mut spec.contexts {
                if let NamedContext::OciLayout { directory, image } = context {
                    *image = contexts::pin(name, directory, image)?;
                }
            }
            Ok(Cow::Owned(spec))
        };
        tokio::task::spawn_blocking(pin)
            .await
            .unwrap_or_else(|error| Err(Failure::new(Class::Internal, error.to_string())))
    }

    fn endpoint(&self) -> &Endpoint {
        &self.facts.endpoint
    }

    /// `spec` with `host-gateway` replaced by its address, which BuildKit does not know by itself.
    async fn resolve_hosts<'a>(&self, spec: &'a BuildSpec) -> Result<Cow<'a, BuildSpec>, Failure> {
        let stands_for_host = |(_, address): &(String, String)| address == HOST_GATEWAY_NAME;
        if !spec.extra_hosts.iter().any(stands_for_host) {
            return Ok(Cow::Borrowed(spec));
        }
        let gateway = self.host_gateway().await?;
        let mut spec = spec.clone();
        for host in spec
            .extra_hosts
            .iter_mut()
            .filter(|host| stands_for_host(host))
        {
            host.1.clone_from(&gateway);
        }
        Ok(Cow::Owned(spec))
    }

    /// The address that `host-gateway` stands for on this engine: BuildKit tells it from 23.0 on,
    /// before that the Engine API.
    async fn host_gateway(&self) -> Result<String, Failure> {
        match &self.worker().await?.host_gateway {
            Some(address) => Ok(address.clone()),
            None => {
                Api::new(self.endpoint(), self.facts.spoken())
                    .bridge_gateway()
                    .await
            }
        }
    }
}
