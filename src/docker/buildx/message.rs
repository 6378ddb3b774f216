//! A message of BuildKit as buildx writes it in JSON, read into the form that BuildKit itself sends,
//! so that one folder ([`Steps`](crate::docker::buildkit::Steps)) tells of both.
//!
//! Source: `SolveStatus` in `client/graph.go` of BuildKit. Bytes are base64, times RFC 3339: those of
//! the builder in UTC, those of buildx's own steps in the zone of this machine.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard_buildkit_proto::google::protobuf::Timestamp;
use bollard_buildkit_proto::moby::buildkit::v1::{
    StatusResponse, Vertex, VertexLog, VertexStatus, VertexWarning,
};
use bollard_buildkit_proto::pb;
use serde::{Deserialize, Deserializer};

/// The message in `json`; nothing when it is none.
pub(super) fn read(json: &[u8]) -> Option<StatusResponse> {
    let status: SolveStatus = serde_json::from_slice(json).ok()?;
    Some(StatusResponse {
        vertexes: status.vertexes.into_iter().map(Into::into).collect(),
        statuses: status.statuses.into_iter().map(Into::into).collect(),
        logs: status.logs.into_iter().map(Into::into).collect(),
        warnings: status.warnings.into_iter().map(Into::into).collect(),
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SolveStatus {
    vertexes: Vec<Step>,
    statuses: Vec<Status>,
    logs: Vec<Log>,
    warnings: Vec<Warning>,
}

#[derive(Deserialize)]
struct Step {
    digest: String,
    #[serde(default)]
    name: String,
    started: Option<Time>,
    completed: Option<Time>,
    #[serde(default)]
    cached: bool,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
struct Status {
    id: String,
    vertex: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    current: i64,
    #[serde(default)]
    total: i64,
}

#[derive(Deserialize)]
struct Log {
    vertex: String,
    #[serde(default)]
    stream: i64,
    #[serde(default)]
    data: Bytes,
}

#[derive(Deserialize)]
struct Warning {
    #[serde(default)]
    vertex: String,
    #[serde(default)]
    level: i64,
    #[serde(default)]
    short: Bytes,
    #[serde(default)]
    detail: Vec<Bytes>,
    #[serde(default)]
    url: String,
    #[serde(default)]
    range: Vec<Range>,
}

#[derive(Deserialize)]
struct Range {
    #[serde(default)]
    start: Position,
    #[serde(default)]
    end: Position,
}

#[derive(Default, Deserialize)]
struct Position {
    #[serde(default)]
    line: i32,
    #[serde(default)]
    character: i32,
}

#[derive(Default)]
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
        let bytes = STANDARD.decode(text).map_err(serde::de::Error::custom)?;
        Ok(Self(bytes))
    }
}

struct Time(Timestamp);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time: prost_types::Timestamp = text.parse().map_err(serde::de::Error::custom)?;
        Ok(Self(Timestamp {
            seconds: time.seconds,
            nanos: time.nanos,
        }))
    }
}

impl From<Step> for Vertex {
    fn from(step: Step) -> Self {
        Self {
            digest: step.digest,
            name: step.name,
            started: step.started.map(|time| time.0),
            completed: step.completed.map(|time| time.0),
            cached: step.cached,
            error: step.error,
            ..Self::default()
        }
    }
}

impl From<Status> for VertexStatus {
    fn from(status: Status) -> Self {
        Self {
            id: status.id,
            vertex: status.vertex,
            name: status.name,
            current: status.current,
            total: status.total,
            ..Self::default()
        }
    }
}

impl From<Log> for VertexLog {
    fn from(log: Log) -> Self {
        Self {
            vertex: log.vertex,
            stream: log.stream,
            msg: log.data.0,
            ..Self::default()
        }
    }
}

impl From<Warning> for VertexWarning {
    fn from(warning: Warning) -> Self {
        Self {
            vertex: warning.vertex,
            level: warning.level,
            short: warning.short.0,
            detail: warning.detail.into_iter().map(|bytes| bytes.0).collect(),
            url: warning.url,
            ranges: warning.range.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }
}

impl From<Range> for pb::Range {
    fn from(range: Range) -> Self {
        Self {
            start: Some(range.start.into()),
            end: Some(range.end.into()),
        }
    }
}

impl From<Position> for pb::Position {
    fn from(position: Position) -> Self {
        Self {
            line: position.line,
            character: position.character,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_any_zone_are_one_moment() {
        let at = |time: &str| {
            let json = format!(r#"{{"vertexes":[{{"digest":"d","started":"{time}"}}]}}"#);
            let message = read(json.as_bytes()).expect("a message");
            let started = message.vertexes[0].started.expect("a time");
            (started.seconds, started.nanos)
        };
        let moment = (1_795_263_770, 915_443_358);
        assert_eq!(at("2026-11-21T12:22:50.915443358Z"), moment);
        assert_eq!(at("2026-11-21T14:22:50.915443358+02:00"), moment);
    }

    #[test]
    fn what_is_no_message_is_none() {
        assert!(read(b"{\"vertexes\": 1}").is_none());
        assert!(read(br#"{"logs":[{"vertex":"d","data":"*"}]}"#).is_none());
    }
}
