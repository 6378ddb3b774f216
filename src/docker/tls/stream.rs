//! A TLS connection whose errors say what they mean.
//!
//! In TLS 1.3 an engine tells that it refuses a client's certificate only after the handshake, and
//! closes. Whoever is still writing then sees a broken pipe; the reason lies unread behind it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::Tls;

/// A connection to an engine that speaks TLS.
pub(super) struct Explained {
    stream: TlsStream<TcpStream>,
    tls: Arc<Tls>,
}

impl Explained {
    pub(super) fn new(stream: TlsStream<TcpStream>, tls: Arc<Tls>) -> Self {
        Self { stream, tls }
    }

    /// Why it broke while something was written: what the engine said last, when it said anything.
    fn broken(&mut self, context: &mut Context<'_>, error: io::Error) -> io::Error {
        let mut rest = [0; 256];
        let read = Pin::new(&mut self.stream).poll_read(context, &mut ReadBuf::new(&mut rest));
        match read {
            Poll::Ready(Err(said)) => self.tls.explained(said),
            _ => self.tls.explained(error),
        }
    }
}

impl AsyncRead for Explained {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        Poll::Ready(read.map_err(|error| self.tls.explained(error)))
    }
}

impl AsyncWrite for Explained {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, buffer));
        Poll::Ready(written.map_err(|error| self.broken(context, error)))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(context));
        Poll::Ready(flushed.map_err(|error| self.broken(context, error)))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
