//! The session: the services that BuildKit calls back, on one connection for a whole project.
//!
//! Each job offers its directories here under names of its own while it builds. The name is part of
//! the key under which the engine keeps the transferred files, so jobs do not evict each other.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bollard_buildkit_proto::health::health_server::HealthServer;
use bollard_buildkit_proto::moby::filesync::v1::auth_server::AuthServer;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::service::Routes;

use super::auth::Anonymous;
use super::filesync::FileSync;
use super::health::Alive;
use crate::docker::host::hex;
use crate::docker::http::BoxStream;

/// The calls that the engine may make. It compares them without regard to case and calls no other.
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

/// The key under which the engine keeps what `owner` transfers.
pub(super) fn shared_key(owner: &str) -> String {
    hex(&Sha256::digest(owner)[..16])
}

/// How a session introduces itself.
pub(super) struct Identity {
    id: String,
    key: String,
}

impl Identity {
    /// A new session of the owner that `key` stands for.
    pub(super) fn new(key: &str) -> Self {
        Self {
            id: random_id(),
            key: key.to_owned(),
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
            METHODS
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

/// Something that a job lets the engine read.
#[derive(Debug)]
pub(super) enum Offer {
    /// A directory of this machine.
    Directory(PathBuf),
    /// A directory that holds one file, and exists only here.
    File {
        /// The file's name.
        name: String,
        /// What it holds.
        content: String,
    },
}

/// What is offered, by name.
#[derive(Debug, Default)]
pub(super) struct Offers(Mutex<HashMap<String, Arc<Shared>>>);

/// An offer in use.
#[derive(Debug)]
pub(super) struct Shared {
    /// What is offered.
    pub(super) offer: Offer,
    /// What went wrong with single files, for people to read.
    pub(super) notes: Mutex<Vec<String>>,
}

impl Offers {
    /// The offer called `name`. Some engines put the job's prefix before the name twice.
    pub(super) fn find(&self, name: &str) -> Option<Arc<Shared>> {
        let offers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut name = name;
        loop {
            if let Some(offer) = offers.get(name) {
                return Some(Arc::clone(offer));
            }
            name = name.split_once(PREFIX_END)?.1;
        }
    }
}

/// Ends the job's prefix in the name of an offer.
const PREFIX_END: char = '-';

/// An open session. Dropping it closes the connection.
pub(super) struct Session {
    id: String,
    offers: Arc<Offers>,
    tasks: Vec<JoinHandle<()>>,
}

impl Session {
    /// How a job refers to this session so that names of directories get `prefix`.
    pub(super) fn reference(&self, prefix: &str) -> String {
        format!("{prefix}:{}", self.id)
    }

    /// Offers something under the job's prefix until the guard is dropped.
    pub(super) fn offer(&self, prefix: &str, name: &str, offer: Offer) -> Guard {
        let name = format!("{prefix}{PREFIX_END}{name}");
        let shared = Arc::new(Shared {
            offer,
            notes: Mutex::default(),
        });
        let mut offers = self.offers.0.lock().unwrap_or_else(PoisonError::into_inner);
        offers.insert(name.clone(), Arc::clone(&shared));
        Guard {
            name,
            shared,
            offers: Arc::clone(&self.offers),
        }
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

/// Keeps an offer up.
pub(super) struct Guard {
    name: String,
    shared: Arc<Shared>,
    offers: Arc<Offers>,
}

impl Guard {
    /// What went wrong with single files so far.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = self
            .shared
            .notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut notes)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut offers = self.offers.0.lock().unwrap_or_else(PoisonError::into_inner);
        offers.remove(&self.name);
    }
}

/// Serves a session on a connection where the engine is the client.
pub(super) fn serve(identity: Identity, stream: BoxStream) -> Session {
    let offers = Arc::new(Offers::default());
    let routes = Routes::new(HealthServer::new(Alive))
        .add_service(AuthServer::new(Anonymous))
        .add_service(FileSync::new(Arc::clone(&offers)))
        .prepare();
    let task = tokio::spawn(async move {
        // The connection ends when the engine closes it or this task is aborted; either way the
        // calls that depend on it report what they missed.
        let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .max_header_list_size(LARGEST_HEADERS)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes))
            .await;
    });
    Session {
        id: identity.id,
        offers,
        tasks: vec![task],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_found_under_its_prefix_given_once_or_twice() {
        let offers = Arc::new(Offers::default());
        let session = Session {
            id: random_id(),
            offers: Arc::clone(&offers),
            tasks: Vec::new(),
        };
        let guard = session.offer("ab12", "context", Offer::Directory("/src".into()));
        assert!(offers.find("ab12-context").is_some());
        assert!(offers.find("ab12-ab12-context").is_some());
        assert!(offers.find("context").is_none());
        assert!(offers.find("ab12-dockerfile").is_none());
        drop(guard);
        assert!(offers.find("ab12-context").is_none());
    }

    #[test]
    fn identities_never_repeat() {
        let ids: std::collections::HashSet<_> = (0..1000).map(|_| random_id()).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 25));
    }
}
