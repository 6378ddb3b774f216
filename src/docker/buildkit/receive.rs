//! The file send service: the engine sends what a build results in, and it is written here.
//!
//! One call carries one result. Files of a directory come as in a file sync with the roles turned:
//! the engine tells the entries, we ask for contents by id, and say so when all is there. An archive
//! comes as chunks of bytes until the engine hangs up.
//!
//! ```text
//! engine ──> call (task) ──short queue──> writer thread ──REQ…FIN──> engine
//! ```
//!
//! The queue is what slows a fast engine down to the speed of the disk; memory stays flat.

mod archive;
mod place;
mod tree;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use hyper::{Request, Response};
use prost::bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::server::{Grpc, StreamingService};
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;

use super::serve::Methods;
use super::wire::{Kind, Packet};
use crate::docker::spec::{Destination, Output, OutputForm};
use crate::failure::{Class, Failure};
use archive::Archive;
use tree::Tree;

/// The calls that it answers.
pub(super) const METHODS: [&str; 1] = ["/moby.filesync.v1.FileSend/diffcopy"];

/// Messages that wait to be written.
const QUEUE: usize = 16;
/// Wishes that wait to be sent: more than there ever are at a time.
const WISHES: usize = 64;

/// A piece of an archive: the protocol's `BytesMessage`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Chunk {
    #[prost(bytes = "bytes", tag = "1")]
    data: Bytes,
}

/// The service for one build.
#[derive(Clone)]
pub(super) struct FileSend(Arc<Receipt>);

/// What a build's result is received into, and what became of it.
#[derive(Debug)]
pub(super) struct Receipt {
    output: Output,
    ended: Mutex<Ended>,
    /// Turns true when it cannot be written.
    is_failed: watch::Sender<bool>,
    /// Turns true when the result is not wanted any more.
    given_up: watch::Sender<bool>,
    /// Held by a call until it has written all.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Ended {
    archive: Option<Archive>,
    failed: Option<String>,
}

impl Receipt {
    /// Nothing received so far.
    pub(super) fn new(output: Output) -> Arc<Self> {
        Arc::new(Self {
            output,
            ended: Mutex::default(),
            is_failed: watch::Sender::new(false),
            given_up: watch::Sender::new(false),
            writing: tokio::sync::Mutex::default(),
        })
    }

    /// The service that receives.
    pub(super) fn service(self: &Arc<Self>) -> FileSend {
        FileSend(Arc::clone(self))
    }

    /// Waits until it cannot be written. Some engines wait for ever when they are told.
    pub(super) async fn failed(&self) {
        let mut is_failed = self.is_failed.subscribe();
        if is_failed.wait_for(|failed| *failed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Ends it: an archive gets its name when `built`, everything unfinished goes.
    ///
    /// # Errors
    /// [`Class::OutputFailed`] when it could not be written, whatever the engine made of that.
    pub(super) async fn settle(&self, built: bool) -> Result<(), Failure> {
        self.given_up.send_replace(!built);
        let _all_written = self.writing.lock().await;
        let Ended { archive, failed } =
            std::mem::take(&mut *self.ended.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(why) = failed {
            return Err(self.failure(&why));
        }
        match archive {
            Some(archive) if built => archive
                .keep()
                .map_err(|error| self.failure(&error.to_string())),
            _ => Ok(()),
        }
    }

    fn failure(&self, why: &str) -> Failure {
        let message = format!("failed to write the result to {}: {why}", self.output.to);
        let failure = Failure::new(Class::OutputFailed, message);
        match &self.output.to {
            Destination::Stdout => failure,
            Destination::Path(_) => {
                failure.hint("make room there, or choose another place: --output dest=PATH")
            }
        }
    }

    fn fail(&self, error: &io::Error) -> Status {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.failed.get_or_insert_with(|| error.to_string());
        self.is_failed.send_replace(true);
        Status::aborted(error.to_string())
    }
}

/// Feeds what arrives to `writer`, which runs on a thread of its own, until the engine hangs up, the
/// result is given up, or the writer ends. Whether the engine ended it well.
async fn feed<T: Send + 'static>(
    receipt: &Receipt,
    mut incoming: Streaming<T>,
    messages: mpsc::Sender<T>,
) -> bool {
    let mut given_up = receipt.given_up.subscribe();
    loop {
        let message = tokio::select! {
            message = incoming.message() => message,
            _ = given_up.wait_for(|given_up| *given_up) => return false,
            // The engine may have sent all that it has to say by then, and wait for us.
            () = messages.closed() => return false,
        };
        match message {
            Ok(Some(message)) => {
                if messages.send(message).await.is_err() {
                    return false;
                }
            }
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// Receives a directory.
async fn receive_tree(
    receipt: Arc<Receipt>,
    incoming: Streaming<Packet>,
    outgoing: mpsc::Sender<Result<Packet, Status>>,
) {
    let _writing = receipt.writing.lock().await;
    let (messages, work) = mpsc::channel(QUEUE);
    let writer = {
        let (receipt, outgoing) = (Arc::clone(&receipt), outgoing.clone());
        tokio::task::spawn_blocking(move || write_tree(&receipt.output, work, &outgoing))
    };
    feed(&receipt, incoming, messages).await;
    if let Ok(Err(error)) = writer.await {
        let _ = outgoing.send(Err(receipt.fail(&error))).await;
    }
}

fn write_tree(
    output: &Output,
    mut work: mpsc::Receiver<Packet>,
    outgoing: &mpsc::Sender<Result<Packet, Status>>,
) -> io::Result<()> {
    let Destination::Path(destination) = &output.to else {
        return Err(io::Error::other("a directory cannot be a stream"));
    };
    let mut tree = Tree::new(destination)?;
    let mut all_told = false;
    // A call that breaks off leaves nothing behind: what is not whole goes with the tree.
    while let Some(packet) = work.blocking_recv() {
        match Kind::try_from(packet.kind) {
            Ok(Kind::Stat) => match packet.stat {
                Some(stat) => tree.entry(stat)?,
                None => all_told = true,
            },
            Ok(Kind::Data) => tree.data(packet.id, &packet.data)?,
            Ok(Kind::Error) => return Ok(()),
            _ => {}
        }
        while let Some(id) = tree.wish() {
            let wish = Packet {
                id,
                ..Packet::of(Kind::Request)
            };
            if outgoing.blocking_send(Ok(wish)).is_err() {
                return Ok(());
            }
        }
        if all_told && tree.is_whole() {
            tree.finish()?;
            let _ = outgoing.blocking_send(Ok(Packet::of(Kind::Finish)));
            // The engine answers that, and hangs up.
            while work.blocking_recv().is_some() {}
            return Ok(());
        }
    }
    Ok(())
}

/// Receives an archive.
async fn receive_archive(receipt: Arc<Receipt>, incoming: Streaming<Chunk>) -> Result<(), Status> {
    let _writing = receipt.writing.lock().await;
    let (messages, mut work) = mpsc::channel::<Chunk>(QUEUE);
    let writer = {
        let receipt = Arc::clone(&receipt);
        tokio::task::spawn_blocking(move || {
            let mut archive = Archive::new(&receipt.output.to)?;
            while let Some(chunk) = work.blocking_recv() {
                archive.write(&chunk.data)?;
            }
            archive.flush()?;
            Ok(archive)
        })
    };
    let whole = feed(&receipt, incoming, messages).await;
    match writer.await {
        Ok(Ok(archive)) if whole => {
            let mut ended = receipt.ended.lock().unwrap_or_else(PoisonError::into_inner);
            ended.archive = Some(archive);
            Ok(())
        }
        Ok(Err(error)) => Err(receipt.fail(&error)),
        Ok(Ok(_)) | Err(_) => Err(Status::aborted("it broke off")),
    }
}

impl Methods for FileSend {
    const NAME: &'static str = "moby.filesync.v1.FileSend";

    async fn answer(self, method: &str, request: Request<Body>) -> Response<Body> {
        if !method.eq_ignore_ascii_case("diffcopy") {
            return Status::unimplemented("only diffcopy").into_http();
        }
        match self.0.output.form {
            OutputForm::Local => {
                let mut grpc = Grpc::new(ProstCodec::<Packet, Packet>::default());
                grpc.streaming(Directory(self.0), request).await
            }
            OutputForm::Tar | OutputForm::Oci | OutputForm::Docker => {
                let mut grpc = Grpc::new(ProstCodec::<Chunk, Chunk>::default());
                grpc.streaming(Stream(self.0), request).await
            }
        }
    }
}

/// A call that carries a directory.
struct Directory(Arc<Receipt>);

impl StreamingService<Packet> for Directory {
    type Response = Packet;
    type ResponseStream = ReceiverStream<Result<Packet, Status>>;
    type Future = BoxFuture<'static, Result<tonic::Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<Packet>>) -> Self::Future {
        let (outgoing, packets) = mpsc::channel(WISHES);
        let receipt = Arc::clone(&self.0);
        tokio::spawn(receive_tree(receipt, request.into_inner(), outgoing));
        Box::pin(std::future::ready(Ok(tonic::Response::new(
            ReceiverStream::new(packets),
        ))))
    }
}

/// A call that carries an archive.
struct Stream(Arc<Receipt>);

impl StreamingService<Chunk> for Stream {
    type Response = Chunk;
    type ResponseStream = tokio_stream::Empty<Result<Chunk, Status>>;
    type Future = BoxFuture<'static, Result<tonic::Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<Chunk>>) -> Self::Future {
        let receipt = Arc::clone(&self.0);
        Box::pin(async move {
            // A task of its own: it cleans up even when the engine hangs up and this is dropped.
            let received = tokio::spawn(receive_archive(receipt, request.into_inner()));
            received
                .await
                .unwrap_or_else(|error| Err(Status::internal(error.to_string())))?;
            Ok(tonic::Response::new(tokio_stream::empty()))
        })
    }
}
