//! The context on its way: an archive written by a thread, sent as the body of a request.
//!
//! Between the two lies a short queue, so memory stays flat however large the context is, and a
//! slow engine slows the reading of files. An archive that cannot be finished ends the body with an
//! error, which breaks the connection: the engine never takes half a context for a whole one.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;

use super::archive::{self, Broken, Modes};
use super::package::Contents;
use crate::failure::{Class, Failure};

/// The most that is sent at once.
const CHUNK: usize = 256 << 10;
/// Chunks that wait to be sent.
const QUEUE: usize = 8;

/// The body of a request.
pub(super) type Body = StreamBody<BoxStream<'static, io::Result<Frame<Bytes>>>>;

/// A context that is being sent.
pub(super) struct Upload {
    sent: Arc<Sent>,
    writer: Option<JoinHandle<Result<Vec<String>, Broken>>>,
}

#[derive(Default)]
struct Sent {
    bytes: AtomicU64,
    all: AtomicBool,
}

impl Upload {
    /// Begins to read `contents`; nothing of them when the engine fetches the context itself.
    pub(super) fn start(contents: Option<Contents>, modes: Modes) -> (Self, Body) {
        let sent = Arc::new(Sent::default());
        let Some(contents) = contents else {
            sent.all.store(true, Ordering::Relaxed);
            let body = StreamBody::new(futures_util::stream::empty().boxed());
            return (Self { sent, writer: None }, body);
        };
        let (chunks, queue) = mpsc::channel(QUEUE);
        let writer = tokio::task::spawn_blocking(move || {
            let result = archive::write(&contents, modes, Chunks::new(chunks.clone()));
            if let Err(Broken::Source(_)) = &result {
                let _ = chunks.blocking_send(Err(io::ErrorKind::Interrupted.into()));
            }
            result
        });
        let counted = Arc::clone(&sent);
        let body = ReceiverStream::new(queue).map(move |chunk: io::Result<Bytes>| {
            let chunk = chunk?;
            let length = chunk.len() as u64;
            counted.bytes.fetch_add(length, Ordering::Relaxed);
            Ok(Frame::data(chunk))
        });
        let ended = Arc::clone(&sent);
        let end = futures_util::stream::once(async move {
            ended.all.store(true, Ordering::Relaxed);
            Ok(Frame::data(Bytes::new()))
        });
        let upload = Self {
            sent,
            writer: Some(writer),
        };
        (upload, StreamBody::new(body.chain(end).boxed()))
    }

    /// How many bytes were sent.
    pub(super) fn sent(&self) -> i64 {
        i64::try_from(self.sent.bytes.load(Ordering::Relaxed)).unwrap_or(i64::MAX)
    }

    /// Whether that was all.
    pub(super) fn is_done(&self) -> bool {
        self.sent.all.load(Ordering::Relaxed)
    }

    /// How the reading of files ended, with what people are to be told of it. To be called when
    /// the body is gone or sent, or it is waited for.
    pub(super) async fn end(&mut self) -> Result<Vec<String>, Failure> {
        match self.writer.take() {
            None => Ok(Vec::new()),
            Some(writer) => match writer.await {
                Ok(Ok(notes)) => Ok(notes),
                Ok(Err(Broken::Unwanted)) => Ok(Vec::new()),
                Ok(Err(Broken::Source(failure))) => Err(*failure),
                Err(error) => Err(Failure::new(
                    Class::Internal,
                    format!("the context was not read to its end: {error}"),
                )),
            },
        }
    }
}

/// Takes what is written in chunks to the queue.
struct Chunks {
    chunk: Vec<u8>,
    queue: mpsc::Sender<io::Result<Bytes>>,
}

impl Chunks {
    fn new(queue: mpsc::Sender<io::Result<Bytes>>) -> Self {
        Self {
            chunk: Vec::with_capacity(CHUNK),
            queue,
        }
    }
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..length]);
        if self.chunk.len() == CHUNK {
            self.flush()?;
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        self.queue
            .blocking_send(Ok(Bytes::from(chunk)))
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::context::walk::Walk;

    fn contents(root: &std::path::Path) -> Contents {
        Contents {
            walk: Walk::ignoring(root, None).expect("a walk"),
            own: Vec::new(),
        }
    }

    #[tokio::test]
    async fn a_context_arrives_whole_and_is_counted() {
        let root = tempfile::tempdir().expect("a directory");
        std::fs::write(root.path().join("big"), vec![7; 3 << 20]).expect("a file");
        let (mut upload, body) = Upload::start(Some(contents(root.path())), Modes::Plain);
        let bytes = BodyExt::collect(body).await.expect("a body").to_bytes();
        assert!(upload.is_done());
        assert_eq!(upload.sent(), i64::try_from(bytes.len()).expect("a length"));
        assert_eq!(bytes.len(), 512 + (3 << 20) + 1024);
        assert_eq!(upload.end().await.expect("no failure"), [""; 0]);
    }

    #[tokio::test]
    async fn a_body_that_nobody_takes_ends_the_reading() {
        let root = tempfile::tempdir().expect("a directory");
        let file = std::fs::File::create(root.path().join("huge")).expect("a file");
        file.set_len(1 << 40).expect("a sparse file");
        let (mut upload, body) = Upload::start(Some(contents(root.path())), Modes::Plain);
        drop(body);
        assert!(upload.end().await.is_ok());
        assert!(!upload.is_done());
    }
}
