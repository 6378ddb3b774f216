//! What an engine's BuildKit says of itself.

use std::time::Duration;

use bollard_buildkit_proto::moby::buildkit::v1::ListWorkersRequest;
use bollard_buildkit_proto::moby::buildkit::v1::types::{GcPolicy, WorkerRecord};

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
    /// The rules by which it collects its cache, in order; engines before 28.0 do not tell them.
    pub collects: Vec<Collects>,
}

/// A rule by which a build cache is collected. Source: `client.PruneInfo` of BuildKit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collects {
    /// The kinds of records that it is about, such as `exec.cachemount`; all where there is none.
    pub kinds: Vec<String>,
    /// How long a record must not have been used.
    pub unused: Duration,
    /// Bytes of these records below which nothing is collected.
    pub reserved: u64,
    /// Bytes of these records above which they are; none where it is 0.
    pub most: u64,
    /// Bytes that are to be free on the disk, to which end they are; none where it is 0.
    pub free: u64,
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
        collects: record.gc_policy.iter().map(rule).collect(),
    }
}

fn rule(policy: &GcPolicy) -> Collects {
    let bytes = |told: i64| u64::try_from(told).unwrap_or_default();
    let kinds = policy
        .filters
        .iter()
        .flat_map(|filter| filter.split(','))
        .filter_map(|term| Some(term.strip_prefix("type==")?.to_owned()));
    Collects {
        kinds: kinds.collect(),
        unused: Duration::from_nanos(bytes(policy.keep_duration)),
        reserved: bytes(policy.reserved_space),
        most: bytes(policy.max_used_space),
        free: bytes(policy.min_free_space),
    }
}
