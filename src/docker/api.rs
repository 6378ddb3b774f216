//! The plain Engine API: what BuildKit's own protocol does not tell.

use serde::Deserialize;

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

/// The address under which containers of the engine reach its machine: the gateway of the default
/// bridge.
///
/// # Errors
/// When the engine does not answer or has no such network.
pub async fn bridge_gateway(endpoint: &Endpoint, api: ApiVersion) -> Result<String, Failure> {
    let failed = |why: &str| {
        Failure::new(
            Class::DaemonError,
            format!(
                "failed to look up the network `bridge` for `host-gateway`: {}",
                human::sanitize(why.lines().next().unwrap_or_default())
            ),
        )
    };
    let path = format!("/v{api}/networks/bridge");
    let answer = http::get(&endpoint.address, &path, LARGEST);
    let (head, body) = tokio::time::timeout(endpoint.address.limits().answer, answer)
        .await
        .map_err(|_| failed("no answer"))?
        .map_err(|error| failed(&error.to_string()))?;
    if !head.status().is_success() {
        return Err(failed(&format!("{} {}", head.status(), body.trim())));
    }
    let network: Network =
        serde_json::from_str(&body).map_err(|error| failed(&error.to_string()))?;
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
