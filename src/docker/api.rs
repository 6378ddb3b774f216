//! The plain Engine API: what neither BuildKit's own protocol nor a ping tells.
//!
//! Of an answer only what is asked for is read: an engine may say the rest in its own way, and in words
//! that came after this program.

use std::time::Duration;

use hyper::{Method, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::api_version::ApiVersion;
use super::host::{Address, Endpoint};
use super::http;
use crate::failure::{Class, Failure};
use crate::human;

/// The most that is read of an answer: a list of thousands of images has some megabytes.
const LARGEST: usize = 64 << 20;

/// What may not stand in a path as it is. The slashes in the names of images may.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// A client of the Engine API at the version the engine is spoken to in.
#[derive(Debug, Clone)]
pub struct Api {
    address: Address,
    version: ApiVersion,
    limit: Duration,
}

/// Why a request has not what it asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The engine refused it, and why.
    #[error("{1}")]
    Refused(StatusCode, String),
    /// There was no answer, or none that could be read.
    #[error("{0}")]
    Unanswered(String),
}

impl Error {
    /// Whether what the request is about is not there.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Refused(StatusCode::NOT_FOUND, _))
    }
}

impl Api {
    /// A client for `endpoint`; nothing is sent yet.
    pub fn new(endpoint: &Endpoint, version: ApiVersion) -> Self {
        Self {
            address: endpoint.address.clone(),
            version,
            limit: endpoint.address.limits().answer,
        }
    }

    /// The same for requests that may take so long.
    pub(super) fn patient(&self, limit: Duration) -> Self {
        Self {
            limit,
            ..self.clone()
        }
    }

    /// What the engine answers to `GET PATH`.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let answer = self.ask(Method::GET, path).await?;
        serde_json::from_str(&answer).map_err(|error| Error::Unanswered(error.to_string()))
    }

    /// Sends a request for `path`, with its query and without the version; the body of the answer. What
    /// of names stands in a path must be [`escaped`].
    pub(super) async fn ask(&self, method: Method, path: &str) -> Result<String, Error> {
        let path = format!("/v{}/{path}", self.version);
        let answer = http::ask(&self.address, method, &path, &[], LARGEST);
        let (head, body) = tokio::time::timeout(self.limit, answer)
            .await
            .map_err(|_| {
                Error::Unanswered(format!("no answer in {}", human::duration(self.limit)))
            })?
            .map_err(|error| Error::Unanswered(error.to_string()))?;
        if head.status().is_success() {
            return Ok(body);
        }
        let (Ok(why) | Err(why)) = http::sentence(body);
        let why = match why.trim() {
            "" => head.status().to_string(),
            why => why.to_owned(),
        };
        Err(Error::Refused(head.status(), why))
    }

    /// The address under which containers of the engine reach its machine: the gateway of the default
    /// bridge.
    ///
    /// # Errors
    /// When the engine does not answer or has no such network.
    pub async fn bridge_gateway(&self) -> Result<String, Failure> {
        let network: Network = self
            .get("networks/bridge")
            .await
            .map_err(|error| failed("look up the network `bridge` for `host-gateway`", &error))?;
        network
            .addresses
            .and_then(|addresses| addresses.config)
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
        let path = format!("images/{}", escaped(name));
        match self.ask(Method::DELETE, &path).await {
            Ok(_) => Ok(()),
            Err(error) => Err(failed(&format!("remove the image `{name}`"), &error)),
        }
    }

    /// The id of the image called `name`; nothing when the engine does not have it.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn image_id(&self, name: &str) -> Result<Option<String>, Failure> {
        match self.image(name).await {
            Ok(image) => Ok(Some(image.id)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(failed(&format!("look up the image `{name}`"), &error)),
        }
    }

    /// Whether the engine has an image of this name. One that does not answer counts as one that has
    /// not.
    pub async fn has_image(&self, name: &str) -> bool {
        self.image(name).await.is_ok()
    }

    /// The size of an image in bytes, as the engine lists it; nothing when it does not tell.
    pub async fn image_size(&self, name: &str) -> Option<u64> {
        self.image(name).await.ok()?.size
    }

    async fn image(&self, name: &str) -> Result<Image, Error> {
        self.get(&format!("images/{}/json", escaped(name))).await
    }
}

/// A name as it stands in a path.
pub(super) fn escaped(name: &str) -> String {
    utf8_percent_encode(name, ESCAPED).to_string()
}

pub(super) fn failed(what: &str, error: &Error) -> Failure {
    let why = error.to_string();
    let why = human::sanitize(why.lines().next().unwrap_or_default());
    Failure::new(Class::DaemonError, format!("failed to {what}: {why}"))
}

/// Of `GET /images/NAME/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Image {
    id: String,
    size: Option<u64>,
}

/// Of `GET /networks/NAME`.
#[derive(Deserialize)]
struct Network {
    #[serde(rename = "IPAM")]
    addresses: Option<Addresses>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Addresses {
    config: Option<Vec<Subnet>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Subnet {
    gateway: Option<String>,
}
