//! The plain Engine API, through bollard: what neither BuildKit's own protocol nor a ping tells.
//!
//! bollard gets its connections from here, so that it reaches every engine that builds do: over TLS
//! with the material of a context, and through the one login of ssh.

use std::time::Duration;

use bollard::errors::Error;
use bollard::query_parameters::RemoveImageOptions;
use bollard::{BollardRequest, ClientVersion, Docker};
use hyper::header::{HOST, HeaderValue};
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Uri};

use super::api_version::ApiVersion;
use super::host::{Address, Endpoint};
use super::http;
use crate::failure::{Class, Failure};
use crate::human;

/// A client of the Engine API at the version the engine is spoken to in.
#[derive(Clone)]
pub struct Api(Docker);

impl Api {
    /// A client for `endpoint`; nothing is sent yet.
    ///
    /// # Errors
    /// When bollard cannot be set up.
    pub fn new(endpoint: &Endpoint, api: ApiVersion) -> Result<Self, Failure> {
        let version = ClientVersion {
            major_version: api.0 as usize,
            minor_version: api.1 as usize,
        };
        let address = endpoint.address.clone();
        let patience = address.limits().answer.as_secs();
        let transport = move |request| carry(address.clone(), request);
        Docker::connect_with_custom_transport(transport, Some("http://docker"), patience, &version)
            .map(Self)
            .map_err(|error| failed("open the Engine API", &error))
    }

    /// bollard's client, for the rest of this room.
    pub(super) fn engine(&self) -> &Docker {
        &self.0
    }

    /// The same for requests that may take so long.
    pub(super) fn patient(&self, limit: Duration) -> Docker {
        self.0.clone().with_timeout(limit)
    }

    /// The address under which containers of the engine reach its machine: the gateway of the default
    /// bridge.
    ///
    /// # Errors
    /// When the engine does not answer or has no such network.
    pub async fn bridge_gateway(&self) -> Result<String, Failure> {
        let network = self
            .0
            .inspect_network("bridge", None)
            .await
            .map_err(|error| failed("look up the network `bridge` for `host-gateway`", &error))?;
        network
            .ipam
            .and_then(|ipam| ipam.config)
            .into_iter()
            .flatten()
            .find_map(|subnet| subnet.gateway)
            .ok_or_else(|| {
                Failure::new(
                    Class::DaemonError,
                    "the engine's network `bridge` has no gateway, so `host-gateway` has no address",
                )
                .hint("write the address itself under `extra_hosts:`")
            })
    }

    /// Removes the name `name` from an image, and the image when it has no other.
    ///
    /// # Errors
    /// When there is no such name, or a container uses it.
    pub async fn remove_image(&self, name: &str) -> Result<(), Failure> {
        let removed = self.0.remove_image(name, None::<RemoveImageOptions>, None);
        let removed = removed.await.map(|_| ());
        removed.map_err(|error| failed(&format!("remove the image `{name}`"), &error))
    }

    /// The id of the image called `name`; nothing when the engine does not have it.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn image_id(&self, name: &str) -> Result<Option<String>, Failure> {
        match self.0.inspect_image(name).await {
            Ok(image) => Ok(image.id),
            Err(Error::DockerResponseServerError {
                status_code: 404, ..
            }) => Ok(None),
            Err(error) => Err(failed(&format!("look up the image `{name}`"), &error)),
        }
    }

    /// Whether the engine has an image of this name. One that does not answer counts as one that has
    /// not.
    pub async fn has_image(&self, image: &str) -> bool {
        self.0.inspect_image(image).await.is_ok()
    }

    /// The size of an image in bytes, as the engine lists it; nothing when it does not tell.
    pub async fn image_size(&self, image: &str) -> Option<u64> {
        let image = self.0.inspect_image(image).await.ok()?;
        u64::try_from(image.size?).ok()
    }
}

/// Sends one of bollard's requests on a connection of ours.
async fn carry(
    address: Address,
    mut request: BollardRequest,
) -> Result<hyper::Response<hyper::body::Incoming>, Error> {
    // On a connection of its own a request names the path only, and the host beside it.
    let path = request.uri().path_and_query().map(PathAndQuery::as_str);
    let path: Result<Uri, _> = path.unwrap_or("/").parse();
    if let Ok(path) = path {
        *request.uri_mut() = path;
    }
    let host = HeaderValue::from_static("docker");
    request.headers_mut().entry(HOST).or_insert(host);
    let request: Request<_> = request;
    let answer = http::carry(&address, request).await;
    answer.map_err(|err| Error::IOError { err })
}

pub(super) fn failed(what: &str, error: &Error) -> Failure {
    let why = error.to_string();
    let why = human::sanitize(why.lines().next().unwrap_or_default());
    Failure::new(Class::DaemonError, format!("failed to {what}: {why}"))
}
