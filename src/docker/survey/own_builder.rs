//! The container in which a builder of buildx runs, when its driver is `docker-container`.
//!
//! Its BuildKit is a container `buildx_buildkit_NODE` of an image that buildx fetches when the builder
//! is used for the first time. Source: `driver/docker-container` of buildx.

use std::time::Duration;

use super::get;
use crate::ambient::Ambient;
use crate::docker::buildx::instance::{self, Node};
use crate::docker::config::DockerConfig;
use crate::docker::detect::{self, Builder, Driver, Facts};
use crate::human;

/// How long the engine may take to answer each of two questions.
const LIMIT: Duration = Duration::from_secs(1);
/// The driver of builders that run in a container.
const DRIVER: &str = "docker-container";
/// What buildx runs when nothing else is asked for.
const IMAGE: &str = "moby/buildkit:buildx-stable-1";

/// The container of a builder on the engine in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnBuilder {
    /// Its name.
    pub container: String,
    /// Its state, such as `running` or `exited`; none where it was not made yet.
    pub state: Option<String>,
    /// The image that it is made of.
    pub image: String,
    /// Whether the engine has that image.
    pub is_here: bool,
}

/// Looks at the container of `builder`; nothing when it has none on the engine in use, or that does
/// not answer in time.
pub async fn own_builder(
    facts: &Facts,
    ambient: &Ambient,
    config: &DockerConfig,
    builder: &Builder,
) -> Option<OwnBuilder> {
    let in_container = matches!(&builder.driver, Ok(Driver::Other(driver)) if driver == DRIVER);
    in_container.then_some(())?;
    let directory = detect::buildx_directory(ambient, config);
    let instance = instance::read(&directory, &builder.name).ok()??;
    let endpoint = &facts.endpoint;
    let address = endpoint.address.to_string();
    let is_here = |node: &Node| [endpoint.context(), &address].contains(&node.endpoint.as_str());
    let node = instance.nodes.into_iter().find(is_here)?;
    let container = format!("buildx_buildkit_{}", node.name);
    let options = node.driver_opts.unwrap_or_default();
    let image = options.get("image").map_or(IMAGE, String::as_str);
    let (made, kept) = tokio::join!(
        exists(facts, format!("containers/{container}/json")),
        exists(facts, format!("images/{image}/json")),
    );
    let state = made?.map(|answer| {
        let value: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
        human::sanitize(value["State"]["Status"].as_str().unwrap_or("unknown"))
    });
    Some(OwnBuilder {
        container: human::sanitize(&container),
        state,
        image: human::sanitize(image),
        is_here: kept?.is_some(),
    })
}

/// What the engine answers of something, or that it is not there; nothing when it does not answer.
async fn exists(facts: &Facts, path: String) -> Option<Option<String>> {
    match get(facts, &path, &[], LIMIT).await {
        Ok((200, body)) => Some(Some(body)),
        Ok((404, _)) => Some(None),
        _ => None,
    }
}
