//! TLS to an engine: whom to trust, who we are, and what went wrong.
//!
//! ```text
//! ca.pem            whom the engine's certificate must be signed by; the system's authorities without it
//! cert.pem key.pem  who we are, when the engine asks
//! ```
//!
//! Everything is read once, when the address is resolved; nothing of it is touched for other addresses.
//! HTTP/1.1 is spoken without ALPN, as the docker CLI does; gRPC straight on the connection needs `h2`
//! to be agreed on, or the engine takes it for HTTP/1.1. [`failure`] tells what a refusal means.

mod failure;
mod material;
mod stream;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::http::BoxStream;
use crate::failure::{Class, Failure};

/// The certificates to use and how much they matter.
pub(super) struct Wanted {
    /// Where `ca.pem`, `cert.pem` and `key.pem` lie.
    pub(super) directory: PathBuf,
    /// Whom to trust.
    pub(super) trust: Trust,
    /// Whether a missing `ca.pem` is an error.
    pub(super) needs_authority: bool,
    /// The docker context that they belong to.
    pub(super) context: Option<String>,
}

/// Whose certificate is good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// One that an authority has signed: `ca.pem`, or without it one of the system's.
    Authority,
    /// Any at all.
    Anything,
}

/// An engine that speaks TLS.
pub struct Tls {
    host: String,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
    used: Used,
}

/// What a failure has to tell of the certificates.
#[derive(Debug, Clone)]
struct Used {
    directory: PathBuf,
    /// Whether `ca.pem` is there.
    authority: bool,
    /// Whether `cert.pem` and `key.pem` are.
    identity: bool,
    /// The docker context that they belong to.
    context: Option<String>,
}

/// What is spoken inside of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/1.1, which an engine speaks when nothing is agreed on.
    Http1,
    /// HTTP/2.
    Http2,
}

impl Tls {
    /// The engine at `host` (with its port), with what is read from the files.
    ///
    /// # Errors
    /// When a file is missing, cannot be read or does not hold what it should.
    pub(super) fn new(host: String, wanted: &Wanted) -> Result<Self, Failure> {
        let bare = host.rsplit_once(':').map_or(&*host, |(name, _)| name);
        let name =
            ServerName::try_from(bare.trim_matches(['[', ']']).to_owned()).map_err(|_| {
                Failure::new(
                    Class::HostInvalid,
                    format!("`{bare}` is no host name that a certificate could be for"),
                )
            })?;
        let (config, used) = material::read(wanted)?;
        Ok(Self {
            host,
            name,
            config: Arc::new(config),
            used,
        })
    }

    /// Host and port.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Opens a connection on which `protocol` is spoken.
    pub(super) async fn connect(self: &Arc<Self>, protocol: Protocol) -> io::Result<BoxStream> {
        let stream = TcpStream::connect(&self.host).await?;
        stream.set_nodelay(true)?;
        let config = match protocol {
            Protocol::Http1 => Arc::clone(&self.config),
            Protocol::Http2 => {
                let mut config = ClientConfig::clone(&self.config);
                config.alpn_protocols = vec![b"h2".to_vec()];
                Arc::new(config)
            }
        };
        let stream = TlsConnector::from(config)
            .connect(self.name.clone(), stream)
            .await
            .map_err(|error| self.explained(error))?;
        Ok(Box::pin(stream::Explained::new(stream, Arc::clone(self))))
    }

    /// The same error, as a [`Failure`] when it is one of TLS.
    fn explained(&self, error: io::Error) -> io::Error {
        match failure::of(&error) {
            Some(why) => io::Error::new(error.kind(), failure::explain(why, self)),
            None => error,
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("host", &self.host)
            .field("used", &self.used)
            .finish_non_exhaustive()
    }
}
