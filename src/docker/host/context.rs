//! Docker contexts: an address and TLS material, kept by name in the docker configuration.
//!
//! ```text
//! contexts/meta/ID/meta.json           Endpoints.docker: Host, SkipTLSVerify
//! contexts/tls/ID/docker/              ca.pem, cert.pem, key.pem, each of them optional
//! ```
//!
//! ID is the SHA-256 of the name. Source: `cli/context/store` of the docker CLI.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::Origin;
use crate::docker::config::DockerConfig;
use crate::docker::tls::{Trust, Wanted};
use crate::failure::{Class, Failure};
use crate::human;

/// What dcb reads of a context's `meta.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Meta {
    endpoints: MetaEndpoints,
}

#[derive(Deserialize)]
struct MetaEndpoints {
    docker: MetaEndpoint,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct MetaEndpoint {
    host: String,
    #[serde(rename = "SkipTLSVerify")]
    skip_tls_verify: bool,
}

/// The address that the context `name` holds, and the TLS that goes with it.
pub(super) fn read(
    config: &DockerConfig,
    name: &str,
    origin: &Origin,
) -> Result<(String, Option<Wanted>), Failure> {
    let id = human::hex(&Sha256::digest(name));
    let contexts = config.directory.join("contexts");
    let path = contexts.join("meta").join(&id).join("meta.json");
    let text = std::fs::read(&path).map_err(|error| {
        let failure = Failure::new(
            Class::HostInvalid,
            format!(
                "{origin} does not exist: failed to read `{}`: {error}",
                path.display()
            ),
        )
        .hint("docker context ls");
        match origin {
            Origin::ContextVariable(_) => failure.hint("unset DOCKER_CONTEXT"),
            _ => failure.hint("docker context use default"),
        }
    })?;
    let meta: Meta = serde_json::from_slice(&text).map_err(|error| {
        Failure::new(
            Class::HostInvalid,
            format!("{origin} is broken: `{}`: {error}", path.display()),
        )
        .hint(format!("docker context rm {name}"))
    })?;
    let docker = meta.endpoints.docker;
    let directory = contexts.join("tls").join(&id).join("docker");
    // The directory alone means TLS, and so does not wanting to check who answers.
    let tls = directory.is_dir() || docker.skip_tls_verify;
    let wanted = tls.then(|| Wanted {
        directory,
        trust: if docker.skip_tls_verify {
            Trust::Anything
        } else {
            Trust::Authority
        },
        needs_authority: false,
        context: Some(name.to_owned()),
    });
    Ok((docker.host, wanted))
}
