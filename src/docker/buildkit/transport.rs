//! The two connections: ours to BuildKit, and the session on which it calls back.
//!
//! Engines before API 1.53 hand out both by upgrading an HTTP/1.1 request (`POST /grpc`,
//! `POST /session`). Later ones speak gRPC straight on their socket, and the session's bytes travel
//! inside a call, `Control.Session`. On an upgraded `/session` the roles swap: the engine is the
//! HTTP/2 client.

use std::io;
use std::task::{Context, Poll};

use bollard_buildkit_proto::moby::buildkit::v1::BytesMessage;
use bollard_buildkit_proto::moby::buildkit::v1::control_client::ControlClient;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::llb_bridge_client::LlbBridgeClient;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::{Request, Response, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::body::Body;
use tonic::metadata::{Ascii, MetadataValue};

use super::session::{self, Common, Identity, Own, Session};
use crate::docker::ApiVersion;
use crate::docker::detect::{Facts, unreachable};
use crate::docker::http::{self, BoxStream, Upgrade};
use crate::failure::{Class, Failure};

/// The largest message taken from the engine. Status messages carry whole log chunks.
const LARGEST_MESSAGE: usize = 64 << 20;
/// The most one read of the session's tunnel carries.
const TUNNEL_CHUNK: usize = 256 << 10;

/// Our side of the connection, cheap to clone: calls share it.
#[derive(Clone)]
pub(super) struct Control(Http2);

impl Control {
    /// A client for calls to BuildKit.
    pub(super) fn client(&self) -> ControlClient<Http2> {
        ControlClient::with_origin(self.0.clone(), origin())
            .max_decoding_message_size(LARGEST_MESSAGE)
    }

    /// A client for calls within a solve: what a frontend has to answer beside images.
    pub(super) fn bridge(&self) -> LlbBridgeClient<Http2> {
        LlbBridgeClient::with_origin(self.0.clone(), origin())
            .max_decoding_message_size(LARGEST_MESSAGE)
    }
}

/// In which solve a call to the bridge belongs.
const WITHIN: &str = "buildkit-controlapi-buildid";

/// A call to the bridge within the solve called `reference`.
pub(super) fn within<T>(reference: &str, message: T) -> Result<tonic::Request<T>, Status> {
    let mut request = tonic::Request::new(message);
    let reference: MetadataValue<Ascii> = reference
        .parse()
        .map_err(|_| Status::internal("the name of a solve is no header"))?;
    request.metadata_mut().insert(WITHIN, reference);
    Ok(request)
}

/// The host of every call, which nobody looks at.
fn origin() -> Uri {
    Uri::from_static("http://docker")
}

/// Opens both connections in the way this engine offers.
pub(super) async fn open(facts: &Facts, common: &Common) -> Result<(Control, Session), Failure> {
    let spoken = facts.spoken();
    if spoken < ApiVersion::BUILDKIT {
        Err(too_old(facts, spoken))
    } else if is_direct(facts) {
        let stream = http::connect(&facts.endpoint.address)
            .await
            .map_err(|error| io_failure(facts, &error))?;
        let control = control(facts, stream).await?;
        let session = session(facts, &control, common, Own::default()).await?;
        Ok((control, session))
    } else {
        let control = async {
            let answer = http::upgrade(&facts.endpoint.address, "/grpc", &[]).await;
            control(facts, upgraded(facts, "/grpc", answer)?).await
        };
        tokio::try_join!(control, hijacked(facts, common, Own::default()))
    }
}

/// Opens one more session, for a build that has something of its own.
pub(super) async fn session(
    facts: &Facts,
    control: &Control,
    common: &Common,
    own: Own,
) -> Result<Session, Failure> {
    if is_direct(facts) {
        tunnelled(facts, control, common, own).await
    } else {
        hijacked(facts, common, own).await
    }
}

fn is_direct(facts: &Facts) -> bool {
    facts.spoken() >= ApiVersion::DIRECT_GRPC
}

async fn control(facts: &Facts, stream: BoxStream) -> Result<Control, Failure> {
    let connection = Http2::handshake(stream).await;
    Ok(Control(
        connection.map_err(|error| io_failure(facts, &error))?,
    ))
}

async fn hijacked(facts: &Facts, common: &Common, own: Own) -> Result<Session, Failure> {
    let identity = Identity::new(&common.key, &own);
    let headers = identity.headers();
    let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let answer = http::upgrade(&facts.endpoint.address, "/session", &headers).await;
    let stream = upgraded(facts, "/session", answer)?;
    Ok(session::serve(identity, common, own, stream))
}

fn upgraded(facts: &Facts, path: &str, answer: io::Result<Upgrade>) -> Result<BoxStream, Failure> {
    match answer {
        Ok(Upgrade::Done(stream)) => Ok(stream),
        Ok(Upgrade::Refused(status, reason)) => Err(no_buildkit(facts, path, status, &reason)),
        Err(error) => Err(io_failure(facts, &error)),
    }
}

async fn tunnelled(
    facts: &Facts,
    control: &Control,
    common: &Common,
    own: Own,
) -> Result<Session, Failure> {
    let identity = Identity::new(&common.key, &own);
    let (ours, theirs) = tokio::io::duplex(TUNNEL_CHUNK);
    let (mut from_session, mut to_session) = tokio::io::split(theirs);
    let (sender, outgoing) = tokio::sync::mpsc::channel(4);
    let mut request = tonic::Request::new(ReceiverStream::new(outgoing));
    identity
        .write_metadata(request.metadata_mut())
        .map_err(|error| Failure::new(Class::Internal, error.to_string()))?;

    let outgoing = tokio::spawn(async move {
        let mut buffer = vec![0; TUNNEL_CHUNK];
        while let Ok(length @ 1..) = from_session.read(&mut buffer).await {
            let data = buffer[..length].to_vec();
            if sender.send(BytesMessage { data }).await.is_err() {
                break;
            }
        }
    });
    // The session must be served before the call is answered: the engine speaks first inside it.
    let mut session = session::serve(identity, common, own, Box::pin(ours));
    let mut incoming = control
        .client()
        .session(request)
        .await
        .map_err(|status| super::error::lost(&facts.endpoint, &status))?
        .into_inner();
    let incoming = tokio::spawn(async move {
        while let Some(Ok(message)) = incoming.next().await {
            if to_session.write_all(&message.data).await.is_err() {
                break;
            }
        }
    });
    session.also_stop([outgoing, incoming]);
    Ok(session)
}

fn io_failure(facts: &Facts, error: &io::Error) -> Failure {
    unreachable(&facts.endpoint, error)
}

fn no_buildkit(facts: &Facts, path: &str, status: hyper::StatusCode, reason: &str) -> Failure {
    let what = if facts.engine.podman {
        format!("Podman {} has no BuildKit", facts.engine.version)
    } else {
        let reason = crate::human::sanitize(reason.lines().next().unwrap_or_default());
        format!(
            "engine {} (API {}) does not open its BuildKit: POST {path} answered {status} {reason}",
            facts.engine.version, facts.engine.api
        )
    };
    Failure::new(Class::NoBuildKit, what)
        .hint("engines from 19.03 on have BuildKit; a proxy in front of one must let /grpc and /session through")
        .hint("docker compose build")
}

fn too_old(facts: &Facts, spoken: ApiVersion) -> Failure {
    let buildkit = ApiVersion::BUILDKIT;
    if facts.endpoint.pinned.is_some() {
        Failure::new(
            Class::NoBuildKit,
            format!("DOCKER_API_VERSION pins API {spoken}, and BuildKit needs {buildkit}"),
        )
        .hint("unset DOCKER_API_VERSION")
    } else {
        Failure::new(
            Class::NoBuildKit,
            format!(
                "engine {} speaks API {spoken}, and BuildKit needs {buildkit}",
                facts.engine.version
            ),
        )
        .hint("engines from 18.09 on have BuildKit")
        .hint("docker compose build")
    }
}

/// A gRPC client's transport: one HTTP/2 connection.
#[derive(Clone)]
pub(super) struct Http2(SendRequest<Body>);

impl Http2 {
    async fn handshake(stream: BoxStream) -> io::Result<Self> {
        let (sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
            .adaptive_window(true)
            .max_header_list_size(session::LARGEST_HEADERS)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }
}

impl tower_service::Service<Request<Body>> for Http2 {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}
