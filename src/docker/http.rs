//! HTTP/1.1 and raw streams on the engine's address: what comes before any protocol of its own.
//!
//! The engine upgrades a request into a stream by answering 101 (`POST /grpc`, `POST /session`).
//! Bytes of the new protocol often arrive together with that answer; hyper's upgrade keeps them.

use std::error::Error;
use std::io;
use std::pin::Pin;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::http::request;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::task::JoinSet;

use super::host::Address;
use super::tls::Protocol;
use crate::failure::Failure;

/// A byte stream to or from the engine.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Stream for T {}

/// Any byte stream to the engine.
pub(super) type BoxStream = Pin<Box<dyn Stream>>;

/// Opens a connection to the engine on which HTTP/2 is spoken from the first byte on.
pub(super) async fn connect(address: &Address) -> io::Result<BoxStream> {
    open(address, Protocol::Http2).await
}

/// Opens a connection to the engine. What an address has to do once before the first is
/// [`prepare`]d without haste: somebody may be typing a password.
async fn open(address: &Address, protocol: Protocol) -> io::Result<BoxStream> {
    prepare(address).await?;
    let open = async {
        match address {
            #[cfg(unix)]
            Address::Unix(path) => {
                Ok(Box::pin(tokio::net::UnixStream::connect(path).await?) as BoxStream)
            }
            #[cfg(not(unix))]
            Address::Unix(_) => Err(io::Error::from(io::ErrorKind::Unsupported)),
            Address::Tcp(host) => {
                let stream = tokio::net::TcpStream::connect(host).await?;
                stream.set_nodelay(true)?;
                Ok(Box::pin(stream) as BoxStream)
            }
            Address::Tls(tls) => tls.connect(protocol).await,
            Address::Ssh(ssh) => ssh.connect().await,
        }
    };
    tokio::time::timeout(address.limits().connect, open)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Does what comes before all connections to `address`: ssh logs in. It has its own limits, and is
/// done only once.
pub(super) async fn prepare(address: &Address) -> io::Result<()> {
    match address {
        Address::Ssh(ssh) => ssh.prepare().await,
        Address::Unix(_) | Address::Tcp(_) | Address::Tls(_) => Ok(()),
    }
}

/// What TLS or ssh had to say of an error, wherever in it that is.
pub(super) fn told<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Failure> {
    if let Some(failure) = error.downcast_ref() {
        return Some(failure);
    }
    // What an I/O error was made of is not its source, but itself.
    let within = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    match within {
        Some(within) => told(within),
        None => told(error.source()?),
    }
}

/// A request without its body.
fn request(method: Method, path: &str, headers: &[(&str, &str)]) -> request::Builder {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "docker")
        .header(
            header::USER_AGENT,
            concat!("dcb/", env!("CARGO_PKG_VERSION")),
        );
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request
}

/// Sends one request without a body on a fresh connection and returns the head of the answer; its
/// body can still be read.
async fn send(
    address: &Address,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> io::Result<Response<Incoming>> {
    let request = request(method, path, headers)
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    let stream = open(address, Protocol::Http1).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(connection.with_upgrades());
    sender.send_request(request).await.map_err(io::Error::other)
}

/// A connection that carries one request with a streamed body. Dropping it closes the connection
/// at once, whatever is on its way.
pub(super) struct Exchange<B> {
    sender: SendRequest<B>,
    _connection: JoinSet<()>,
}

impl<B> Exchange<B>
where
    B: Body<Data = Bytes, Error = io::Error> + Send + 'static,
{
    /// Opens the connection.
    pub(super) async fn open(address: &Address) -> io::Result<Self> {
        let stream = open(address, Protocol::Http1).await?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        let mut task = JoinSet::new();
        task.spawn(async move {
            // What breaks a connection is told to whoever waits for the answer.
            let _ = connection.await;
        });
        Ok(Self {
            sender,
            _connection: task,
        })
    }

    /// `POST path`; the head of the answer, whose body can still be read. An engine may answer
    /// before it has taken all of `body`.
    pub(super) async fn post(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: B,
    ) -> io::Result<Response<Incoming>> {
        let request = request(Method::POST, path, headers)
            .body(body)
            .map_err(io::Error::other)?;
        self.sender
            .send_request(request)
            .await
            .map_err(io::Error::other)
    }
}

/// The most that is read of an answer of a line or two: a ping's, a refusal's.
pub(super) const SHORT: usize = 64 << 10;

/// `GET path`; the answer's head and its body as text, which may have `largest` bytes.
pub(super) async fn get(
    address: &Address,
    path: &str,
    largest: usize,
) -> io::Result<(Response<()>, String)> {
    get_with(address, path, &[], largest).await
}

/// The same with headers of its own.
pub(super) async fn get_with(
    address: &Address,
    path: &str,
    headers: &[(&str, &str)],
    largest: usize,
) -> io::Result<(Response<()>, String)> {
    ask(address, Method::GET, path, headers, largest).await
}

/// `POST path` without a body; the answer's head and its body as text, which may have `largest` bytes.
pub(super) async fn post(
    address: &Address,
    path: &str,
    largest: usize,
) -> io::Result<(Response<()>, String)> {
    ask(address, Method::POST, path, &[], largest).await
}

/// A request without a body; the answer's head and its body as text, which may have `largest` bytes.
pub(super) async fn ask(
    address: &Address,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    largest: usize,
) -> io::Result<(Response<()>, String)> {
    let (head, body) = send(address, method, path, headers).await?.into_parts();
    let body = text(body, largest).await?;
    Ok((Response::from_parts(head, ()), body))
}

/// Whether HTTP/2 is spoken on a fresh connection without any upgrade: its server side begins with
/// a SETTINGS frame, whatever is asked afterwards.
pub(super) async fn speaks_http2(address: &Address) -> io::Result<bool> {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const EMPTY_SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    const KIND: usize = 3;
    let mut stream = connect(address).await?;
    stream
        .write_all(&[PREFACE, EMPTY_SETTINGS].concat())
        .await?;
    let mut frame = [0; 9];
    match stream.read_exact(&mut frame).await {
        Ok(_) => Ok(frame[KIND] == EMPTY_SETTINGS[KIND] && frame[5..] == EMPTY_SETTINGS[5..]),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// What the engine answered to a request for an upgrade.
pub(super) enum Upgrade {
    /// The stream speaks the new protocol.
    Done(BoxStream),
    /// It refused: status and the reason it gave.
    Refused(StatusCode, String),
}

/// `POST path`, asking for HTTP/2 on this connection.
pub(super) async fn upgrade(
    address: &Address,
    path: &str,
    headers: &[(&str, &str)],
) -> io::Result<Upgrade> {
    let mut all = vec![("connection", "Upgrade"), ("upgrade", "h2c")];
    all.extend_from_slice(headers);
    let response = send(address, Method::POST, path, &all).await?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let upgraded = hyper::upgrade::on(response)
            .await
            .map_err(io::Error::other)?;
        Ok(Upgrade::Done(Box::pin(TokioIo::new(upgraded))))
    } else {
        let (head, body) = response.into_parts();
        // A reason that cannot be read is none; that it refused is what counts.
        let reason = text(body, SHORT).await.unwrap_or_default();
        Ok(Upgrade::Refused(head.status, reason))
    }
}

/// Why an answer refuses: the engine's own sentence, or, where what answers is no engine, all that it says.
pub(super) async fn refusal(response: Response<Incoming>) -> Result<String, String> {
    let text = text(response.into_body(), SHORT).await.unwrap_or_default();
    sentence(text)
}

/// The sentence in the body of a refusal; all of the body where there is none.
pub(super) fn sentence(body: String) -> Result<String, String> {
    #[derive(Deserialize)]
    struct Words {
        #[serde(alias = "cause")]
        message: String,
    }
    match serde_json::from_str::<Words>(&body) {
        Ok(words) => Ok(words.message),
        Err(_) => Err(body),
    }
}

/// The rest of an answer as text, which may have `largest` bytes.
pub(super) async fn text(body: Incoming, largest: usize) -> io::Result<String> {
    let body = http_body_util::Limited::new(body, largest);
    let body = body.collect().await.map_err(io::Error::other)?;
    Ok(String::from_utf8_lossy(&body.to_bytes()).into_owned())
}
