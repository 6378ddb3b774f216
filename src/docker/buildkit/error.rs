//! Why a build failed: what BuildKit attaches to its errors, read.
//!
//! gRPC codes tell nothing here, nearly all are `Unknown`. Engines from 23.0 on attach details:
//! the exit code, the Dockerfile with the lines, the vertex. They are JSON although their envelope
//! says protobuf. Older engines have only the text.

use base64::Engine as _;
use bollard_buildkit_proto::google::rpc;
use prost::Message;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tonic::{Code, Status};

use super::status::Steps;
use crate::diagnostic::Span;
use crate::docker::detect;
use crate::docker::explain::{self, Said};
use crate::docker::host::Endpoint;
use crate::docker::spec::BuildSpec;
use crate::failure::{Class, Failure};

/// What is known when a build fails.
pub(super) struct Context<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) steps: &'a Steps,
    pub(super) spec: &'a BuildSpec,
}

/// The failure behind a build's error.
pub(super) fn explain(status: &Status, context: &Context<'_>) -> Failure {
    if is_lost(status) {
        return lost(context.endpoint, status);
    }
    let details = Details::read(status);
    let step = details
        .vertex
        .as_deref()
        .and_then(|digest| context.steps.name(digest))
        .or_else(|| context.steps.failed());
    let said = Said {
        text: status.message(),
        step,
        exit_code: details.exit_code,
        place: details.span(context.spec),
        builder: explain::Builder::Engine,
    };
    let failure = said.failure(context.spec);
    match (failure.class, status.code()) {
        // What the user caused is `Unknown`, whatever it is.
        (Class::BuildFailed, Code::Unimplemented | Code::Internal) => {
            explain::broken(status.message(), context.spec)
        }
        _ => failure,
    }
}

/// The engine went away.
pub(super) fn lost(endpoint: &Endpoint, status: &Status) -> Failure {
    detect::lost(endpoint, &explain::plain(status.message()))
}

/// Whether the connection broke, rather than the build.
fn is_lost(status: &Status) -> bool {
    use std::error::Error;
    status.source().is_some() || status.code() == Code::Unavailable
}

/// What newer engines attach to an error.
#[derive(Default)]
struct Details {
    exit_code: Option<i32>,
    vertex: Option<String>,
    source: Option<SourceDetail>,
}

#[derive(Deserialize)]
struct ExitDetail {
    #[serde(rename = "Code", default)]
    code: i64,
}

#[derive(Deserialize)]
struct VertexDetail {
    digest: String,
}

#[derive(Deserialize)]
struct SourceDetail {
    info: SourceInfo,
    #[serde(default)]
    ranges: Vec<Range>,
}

#[derive(Deserialize)]
struct SourceInfo {
    #[serde(default)]
    data: String,
}

#[derive(Deserialize)]
struct Range {
    start: Line,
    end: Line,
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    line: usize,
}

impl Details {
    fn read(status: &Status) -> Self {
        let mut details = Self::default();
        let any = rpc::Status::decode(status.details()).unwrap_or_default();
        for detail in any.details {
            let name = detail.type_url.rsplit('/').next().unwrap_or_default();
            match name {
                "gatewayapi.ExitMessage+json" | "moby.buildkit.v1.frontend.ExitMessage+json" => {
                    details.exit_code = json::<ExitDetail>(&detail.value)
                        .and_then(|exit| i32::try_from(exit.code).ok());
                }
                "errdefs.Vertex+json" => {
                    details.vertex = json::<VertexDetail>(&detail.value).map(|v| v.digest);
                }
                "errdefs.Source+json" => details.source = json(&detail.value),
                _ => {}
            }
        }
        details
    }

    /// The place in the Dockerfile that the engine names.
    fn span(&self, spec: &BuildSpec) -> Option<Span> {
        let detail = self.source.as_ref()?;
        // An instruction of several lines has a range for each of them.
        let first = detail.ranges.iter().map(|range| range.start.line).min()?;
        let last = detail.ranges.iter().map(|range| range.end.line).max()?;
        if first == 0 {
            return None;
        }
        let data = base64::engine::general_purpose::STANDARD
            .decode(&detail.info.data)
            .ok()?;
        let text = String::from_utf8_lossy(&data);
        Some(explain::lines(spec, &text, first, last.max(first)))
    }
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(bytes).ok()
}
