//! The plain Engine API: what BuildKit's own protocol does not tell.

use hyper::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::api_version::ApiVersion;
use super::host::Endpoint;
use super::http;
use crate::failure::{Class, Failure};
use crate::human;

/// The most that is read of an answer. A network tells of every container in it.
const LARGEST: usize = 4 << 20;

/// What the engine tells of a network.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Network {
    #[serde(rename = "IPAM")]
    ipam: Option<Ipam>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Ipam {
    config: Option<Vec<Subnet>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Subnet {
    gateway: Option<String>,
}

/// What the engine tells of an image.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Image {
    id: String,
}

/// The id of the image called `name`; nothing when the engine does not have it.
///
/// # Errors
/// When the engine does not answer.
pub async fn image_id(
    endpoint: &Endpoint,
    api: ApiVersion,
    name: &str,
) -> Result<Option<String>, Failure> {
    let what = format!("look up the image `{name}`");
    let path = format!("/v{api}/images/{name}/json");
    let image: Option<Image> = get(endpoint, &path, &what).await?;
    Ok(image.map(|image| image.id))
}

/// The address under which containers of the engine reach its machine: the gateway of the default
/// bridge.
///
/// # Errors
/// When the engine does not answer or has no such network.
pub async fn bridge_gateway(endpoint: &Endpoint, api: ApiVersion) -> Result<String, Failure> {
    let what = "look up the network `bridge` for `host-gateway`";
    let path = format!("/v{api}/networks/bridge");
    let network: Option<Network> = get(endpoint, &path, what).await?;
    network
        .and_then(|network| network.ipam)
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

/// What the engine answers at `path`; nothing when there is nothing of that name.
async fn get<T: DeserializeOwned>(
    endpoint: &Endpoint,
    path: &str,
    what: &str,
) -> Result<Option<T>, Failure> {
    let failed = |why: &str| {
        let why = human::sanitize(why.lines().next().unwrap_or_default());
        Failure::new(Class::DaemonError, format!("failed to {what}: {why}"))
    };
    let answer = http::get(&endpoint.address, path, LARGEST);
    let (head, body) = tokio::time::timeout(endpoint.address.limits().answer, answer)
        .await
        .map_err(|_| failed("no answer"))?
        .map_err(|error| failed(&error.to_string()))?;
    match head.status() {
        StatusCode::NOT_FOUND => Ok(None),
        status if !status.is_success() => Err(failed(&format!("{status} {}", body.trim()))),
        _ => serde_json::from_str(&body)
            .map(Some)
            .map_err(|error| failed(&error.to_string())),
    }
}
