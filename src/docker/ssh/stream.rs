//! A command's standard streams as one connection.
//!
//! ssh and the docker CLI on the other machine tell their troubles on standard error and end. So the
//! end of the stream is told only after the end of the command, as an error when that was a bad one.

use std::io;
use std::pin::Pin;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::destination::Destination;
use super::said;

/// The most that is kept of what a command says on standard error.
const MOST: u64 = 16 << 10;
/// How long the last words of a command that has ended are waited for: what it left in the background
/// may hold the pipe open.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What a command says on standard error, read as it comes.
pub(super) struct Heard {
    text: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Heard {
    pub(super) fn from(pipe: Option<ChildStderr>) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let reader = pipe.map(|pipe| tokio::spawn(read(pipe, Arc::clone(&text))));
        Self { text, reader }
    }

    /// All of it, once the command has ended.
    pub(super) async fn all(self) -> String {
        if let Some(reader) = self.reader {
            let _ = tokio::time::timeout(LAST_WORDS, reader).await;
        }
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// Reads to the end and keeps the beginning, where the reason stands.
async fn read(mut pipe: ChildStderr, text: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = pipe.read(&mut buffer).await {
        let mut text = text.lock().unwrap_or_else(PoisonError::into_inner);
        if (text.len() as u64) < MOST {
            text.extend_from_slice(&buffer[..length]);
        }
    }
}

/// Runs a command whose standard streams lead to the engine.
pub(super) fn open(mut command: Command, destination: &Destination) -> io::Result<Stream> {
    let mut child = command
        .spawn()
        .map_err(|error| io::Error::other(said::unstartable(destination, &error)))?;
    let heard = Heard::from(child.stderr.take());
    Ok(Stream {
        input: child.stdin.take(),
        output: child.stdout.take(),
        end: Box::pin(end(child, heard, destination.clone())),
    })
}

/// Waits for the end of a command; an error when it was a bad one.
async fn end(mut child: Child, heard: Heard, destination: Destination) -> io::Result<()> {
    let status: ExitStatus = child.wait().await?;
    if status.success() {
        return Ok(());
    }
    let failure = said::explain(&heard.all().await, status, &destination);
    Err(io::Error::new(io::ErrorKind::ConnectionAborted, failure))
}

/// A connection to the engine. Dropping it ends the command.
pub(super) struct Stream {
    input: Option<ChildStdin>,
    output: Option<ChildStdout>,
    end: BoxFuture<'static, io::Result<()>>,
}

impl Stream {
    /// The end of the command, as what follows the end of its output.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = ready!(self.end.as_mut().poll(context));
        // Whoever asks again is told of an end and no longer why.
        self.end = std::future::ready(Ok(())).boxed();
        Poll::Ready(ended)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(output) = &mut self.output {
            let before = buffer.filled().len();
            ready!(Pin::new(output).poll_read(context, buffer))?;
            if buffer.filled().len() > before || buffer.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            self.output = None;
        }
        // Nothing can be told to a command any more that has nothing to say.
        self.input = None;
        self.poll_end(context)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(input) = &mut self.input else {
            ready!(self.poll_end(context))?;
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        match ready!(Pin::new(input).poll_write(context, buffer)) {
            Ok(length) => Poll::Ready(Ok(length)),
            Err(_) => {
                self.input = None;
                self.poll_write(context, buffer)
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.input {
            Some(input) => Pin::new(input).poll_flush(context),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Closing the pipe is what tells the other side.
        self.input = None;
        Poll::Ready(Ok(()))
    }
}
