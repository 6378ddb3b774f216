//! What an engine's BuildKit says of itself.

use bollard_buildkit_proto::moby::buildkit::v1::ListWorkersRequest;
use bollard_buildkit_proto::moby::buildkit::v1::types::WorkerRecord;

use super::error;
use super::transport::Control;
use crate::docker::host::Endpoint;
use crate::failure::Failure;

/// The label with the address that `host-gateway` stands for; engines from 23.0 on have it.
const HOST_GATEWAY: &str = "org.mobyproject.buildkit.worker.moby.host-gateway-ip";
/// The label that only a worker over containerd's images has; buildx decides by it too.
const SNAPSHOTTER: &str = "org.mobyproject.buildkit.worker.snapshotter";

/// The part of BuildKit that runs the steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Worker {
    /// Whether the engine keeps its images in containerd.
    pub containerd: bool,
    /// The platforms whose programs it can run.
    pub platforms: Vec<String>,
    /// The address that `host-gateway` stands for, where it tells.
    pub host_gateway: Option<String>,
}

/// Asks for it.
pub(super) async fn ask(control: &Control, endpoint: &Endpoint) -> Result<Worker, Failure> {
    let workers = control
        .client()
        .list_workers(ListWorkersRequest::default())
        .await
        .map_err(|status| error::lost(endpoint, &status))?
        .into_inner();
    Ok(workers.record.first().map(read).unwrap_or_default())
}

fn read(record: &WorkerRecord) -> Worker {
    let platforms = record.platforms.iter().map(|platform| {
        let parts = [&platform.os, &platform.architecture, &platform.variant];
        let parts: Vec<&str> = parts
            .into_iter()
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        parts.join("/")
    });
    Worker {
        containerd: record.labels.contains_key(SNAPSHOTTER),
        platforms: platforms.collect(),
        host_gateway: record.labels.get(HOST_GATEWAY).cloned(),
    }
}
