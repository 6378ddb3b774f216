//! The plain Engine API, through bollard: what BuildKit's own protocol does not tell.

use bollard::{ClientVersion, Docker};

use super::api_version::ApiVersion;
use super::host::{Address, Endpoint};
use crate::failure::{Class, Failure};

/// Seconds an answer may take.
const PATIENCE: u64 = 30;

/// A client of the Engine API at the version the engine is spoken to in.
pub struct Api(Docker);

impl Api {
    /// A client for `endpoint`; nothing is sent yet.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn new(endpoint: &Endpoint, api: ApiVersion) -> Result<Self, Failure> {
        let version = ClientVersion {
            major_version: api.0 as usize,
            minor_version: api.1 as usize,
        };
        match &endpoint.address {
            Address::Unix(path) => {
                Docker::connect_with_socket(&path.to_string_lossy(), PATIENCE, &version)
            }
            Address::Tcp(host) => Docker::connect_with_http(host, PATIENCE, &version),
        }
        .map(Self)
        .map_err(|error| failed("open the Engine API", &error))
    }

    /// The id of the image called `name`; nothing when the engine does not have it.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn image_id(&self, name: &str) -> Result<Option<String>, Failure> {
        match self.0.inspect_image(name).await {
            Ok(image) => Ok(image.id),
            Err(bollard::errors::Error::DockerResponseServerError {
                status_code: 404, ..
            }) => Ok(None),
            Err(error) => Err(failed(&format!("look up the image `{name}`"), &error)),
        }
    }

    /// The address under which containers reach this machine: the gateway of the default bridge.
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
            .find_map(|config| config.gateway)
            .ok_or_else(|| {
                Failure::new(
                    Class::DaemonError,
                    "the engine's network `bridge` has no gateway, so `host-gateway` has no address",
                )
                .hint("write the address itself under `extra_hosts:`")
            })
    }
}

fn failed(what: &str, error: &bollard::errors::Error) -> Failure {
    Failure::new(Class::DaemonError, format!("failed to {what}: {error}"))
}
