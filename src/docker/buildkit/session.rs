//! The session: the services that BuildKit calls back, on one connection for a whole project.
//!
//! What the engine may read of this machine is in [`Offers`]; each job puts up its own.

use std::sync::Arc;

use bollard_buildkit_proto::health::health_server::HealthServer;
use bollard_buildkit_proto::moby::buildkit::secrets::v1::secrets_server::SecretsServer;
use bollard_buildkit_proto::moby::filesync::v1::auth_server::AuthServer;
use bollard_buildkit_proto::moby::sshforward::v1::ssh_server::SshServer;
use hyper_util::rt::{TokioExecutor, TokioIo};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};

use super::auth::User;
use super::caches::Caches;
use super::content::{self, Content, Stores};
use super::contexts;
use super::filesync::FileSync;
use super::health::Alive;
use super::offers::Offers;
use super::receive::{self, Receipt};
use super::secrets::{self, Declared};
use super::serve::{Served, Services};
use super::ssh::{self, Agents, KeyAgent};
use crate::docker::credentials::Credentials;
use crate::docker::http::BoxStream;
use crate::docker::spec::BuildSpec;
use crate::failure::Failure;
use crate::human;

/// The calls that an engine may make on every session. It compares them without regard to case and
/// calls no other.
const METHODS: [&str; 5] = [
    "/grpc.health.v1.Health/Check",
    "/moby.filesync.v1.FileSync/DiffCopy",
    "/moby.filesync.v1.Auth/Credentials",
    "/moby.filesync.v1.Auth/FetchToken",
    "/moby.filesync.v1.Auth/GetTokenAuthority",
];

/// The most that the headers of a call may take, both ways: what Go's gRPC allows. The patterns of
/// a `.dockerignore` come as headers, and so do the details of an error; hyper's own 16 KiB are used
/// up by some 200 patterns.
pub(super) const LARGEST_HEADERS: u32 = 16 << 20;

/// What a session has that belongs to one build only, beyond files and credentials.
#[derive(Debug, Default)]
pub(super) struct Own {
    secrets: Option<Declared>,
    ssh: Option<Agents>,
    /// The agents among them that are dcb's own.
    started: Vec<KeyAgent>,
    /// Directories of blobs, by id.
    stores: Stores,
    /// Where the result goes when the engine is to send it.
    receipt: Option<Arc<Receipt>>,
}

impl Own {
    /// What `spec` asks for; nothing when the session of all others does.
    ///
    /// # Errors
    /// When something of it cannot be had.
    pub(super) async fn of(spec: &BuildSpec, caches: &Caches) -> Result<Option<Self>, Failure> {
        let mut own = Self {
            stores: caches
                .stores()
                .into_iter()
                .chain(contexts::stores(spec))
                .collect(),
            ..Self::default()
        };
        if !spec.secrets.is_empty() {
            own.secrets = Some(Declared(spec.secrets.clone()));
        }
        if !spec.ssh.is_empty() {
            let (agents, started) = Agents::start(&spec.ssh).await?;
            own.ssh = Some(agents);
            own.started = started;
        }
        own.receipt = spec.output.clone().map(Receipt::new);
        let is_any = own.secrets.is_some()
            || own.ssh.is_some()
            || own.receipt.is_some()
            || !own.stores.is_empty();
        Ok(is_any.then_some(own))
    }

    /// The calls that the engine may make for it.
    fn methods(&self) -> Vec<&'static str> {
        let mut methods = Vec::new();
        if self.secrets.is_some() {
            methods.extend(secrets::METHODS);
        }
        if self.ssh.is_some() {
            methods.extend(ssh::METHODS);
        }
        if !self.stores.is_empty() {
            methods.extend(content::METHODS);
        }
        if self.receipt.is_some() {
            methods.extend(receive::METHODS);
        }
        methods
    }
}

/// What all sessions of a client have.
#[derive(Clone)]
pub(super) struct Common {
    /// The key under which the engine keeps what is transferred.
    pub(super) key: String,
    /// Who the user is at registries.
    pub(super) credentials: Arc<Credentials>,
}

/// The key under which the engine keeps what `owner` transfers.
pub(super) fn shared_key(owner: &str) -> String {
    human::hex(&Sha256::digest(owner)[..16])
}

/// How a session introduces itself.
pub(super) struct Identity {
    id: String,
    key: String,
    methods: Vec<&'static str>,
}

impl Identity {
    /// A new session of the owner that `key` stands for.
    pub(super) fn new(key: &str, own: &Own) -> Self {
        Self {
            id: random_id(),
            key: key.to_owned(),
            methods: METHODS.into_iter().chain(own.methods()).collect(),
        }
    }

    /// The headers of `POST /session`.
    pub(super) fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("x-docker-expose-session-uuid", self.id.clone()),
            ("x-docker-expose-session-name", String::new()),
            ("x-docker-expose-session-sharedkey", self.key.clone()),
        ];
        headers.extend(
            self.methods
                .iter()
                .map(|method| ("x-docker-expose-session-grpc-method", (*method).to_owned())),
        );
        headers
    }

    /// The same as metadata of `Control.Session`.
    pub(super) fn write_metadata(
        &self,
        metadata: &mut MetadataMap,
    ) -> Result<(), tonic::metadata::errors::InvalidMetadataValue> {
        for (name, value) in self.headers() {
            metadata.append(name, value.parse::<MetadataValue<Ascii>>()?);
        }
        Ok(())
    }
}

/// 25 characters of 0-9 and a-z, as the engine's own clients take.
pub(super) fn random_id() -> String {
    std::iter::repeat_with(|| fastrand::digit(36))
        .take(25)
        .collect()
}

/// An open session. Dropping it closes the connection.
pub(super) struct Session {
    id: String,
    offers: Arc<Offers>,
    receipt: Option<Arc<Receipt>>,
    tasks: Vec<JoinHandle<()>>,
    /// Agents that end with it.
    _started: Vec<KeyAgent>,
}

impl Session {
    /// How a job refers to this session so that names of directories get `prefix`.
    pub(super) fn reference(&self, prefix: &str) -> String {
        format!("{prefix}:{}", self.id)
    }

    /// What jobs offer on it.
    pub(super) fn offers(&self) -> &Arc<Offers> {
        &self.offers
    }

    /// What the result is received into, when the engine sends it.
    pub(super) fn receipt(&self) -> Option<&Receipt> {
        self.receipt.as_deref()
    }

    /// Tasks that end with this session.
    pub(super) fn also_stop(&mut self, tasks: impl IntoIterator<Item = JoinHandle<()>>) {
        self.tasks.extend(tasks);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Serves a session on a connection where the engine is the client.
pub(super) fn serve(identity: Identity, common: &Common, own: Own, stream: BoxStream) -> Session {
    let offers = Arc::new(Offers::default());
    let mut services = Services::default()
        .with(HealthServer::new(Alive))
        .with(AuthServer::new(User(Arc::clone(&common.credentials))))
        .with(Served(FileSync::new(Arc::clone(&offers))))
        .with(Served(Content::new(Arc::new(own.stores))));
    if let Some(secrets) = own.secrets {
        services = services.with(SecretsServer::new(secrets));
    }
    if let Some(agents) = own.ssh {
        services = services.with(SshServer::new(agents));
    }
    if let Some(receipt) = &own.receipt {
        services = services.with(Served(receipt.service()));
    }
    let task = tokio::spawn(async move {
        // The connection ends when the engine closes it or this task is aborted; either way the
        // calls that depend on it report what they missed.
        let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .max_header_list_size(LARGEST_HEADERS)
            .serve_connection(TokioIo::new(stream), services)
            .await;
    });
    Session {
        id: identity.id,
        offers,
        receipt: own.receipt,
        tasks: vec![task],
        _started: own.started,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_never_repeat() {
        let ids: std::collections::HashSet<_> = (0..1000).map(|_| random_id()).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 25));
    }
}
