//! The content service: blobs that BuildKit reads from directories of this machine, and writes into
//! them.
//!
//! Local caches and OCI layouts are directories of blobs. A session may have several; each has an
//! id, which a call names in its metadata. Calls are those of containerd's content store, of which
//! BuildKit uses five:
//!
//! ```text
//! Info, Read     a blob's size, and parts of it
//! Write          one blob per call: Stat…Write…Commit, answered step by step
//! Status, Abort  what an earlier call left behind: nothing, ever
//! ```
//!
//! Reading and writing files blocks, so it goes on in threads of its own: the runtime must go on
//! answering health checks. Calls that write the same blob side by side do not know of each other;
//! the last to finish replaces equal content.

mod blob;
mod wire;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use hyper::{Request, Response};
use prost::bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::server::{Grpc, ServerStreamingService, StreamingService, UnaryService};
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;

use blob::Ingest;
pub(super) use blob::{Blobs, Digest};
use wire::{
    Action, Info, InfoRequest, InfoResponse, ReadRequest, ReadResponse, Reference, StatusResponse,
    WriteRequest, WriteResponse,
};

use super::serve::Methods;
use crate::human;

/// The calls that BuildKit makes.
pub(super) const METHODS: [&str; 5] = [
    "/containerd.services.content.v1.Content/Info",
    "/containerd.services.content.v1.Content/Read",
    "/containerd.services.content.v1.Content/Status",
    "/containerd.services.content.v1.Content/Write",
    "/containerd.services.content.v1.Content/Abort",
];

/// The key of a call's metadata that names the directory.
const STORE: &str = "buildkit-attachable-store-id";
/// The most that one message carries to an engine, all of which take 4 MiB.
const CHUNK: usize = 1 << 20;
/// The largest message taken: BuildKit writes in pieces of 1 MiB.
const LARGEST_MESSAGE: usize = 16 << 20;
/// Messages that wait to be sent.
const QUEUE: usize = 4;

/// What BuildKit calls a directory.
pub(super) fn id(path: &Path) -> String {
    human::hex(&Sha256::digest(path.as_os_str().as_encoded_bytes())[..8])
}

/// A directory of blobs, as a session lets an engine use it.
#[derive(Debug)]
pub(super) struct Store {
    blobs: Blobs,
    /// Whether the engine may write.
    writable: bool,
    last: Mutex<Option<Digest>>,
    trouble: Mutex<Option<String>>,
}

impl Store {
    /// The blobs below a directory.
    pub(super) fn new(blobs: Blobs, writable: bool) -> Self {
        Self {
            blobs,
            writable,
            last: Mutex::default(),
            trouble: Mutex::default(),
        }
    }

    /// The last blob that was written, or that was to be written and was there. BuildKit writes what
    /// refers to others after them, so that it is the root of all.
    pub(super) fn last(&self) -> Option<Digest> {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What went wrong with this machine's files.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn wrote(&self, digest: Digest) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(digest);
    }

    /// The status that tells the engine of `error`, which is kept to be told to people too.
    fn failed(&self, error: &io::Error) -> Status {
        let text = error.to_string();
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.clone());
        Status::internal(text)
    }
}

/// The directories of one session, by id.
pub(super) type Stores = HashMap<String, Arc<Store>>;

/// The service.
#[derive(Debug, Clone)]
pub(super) struct Content {
    stores: Arc<Stores>,
}

impl Content {
    /// A service for `stores`.
    pub(super) fn new(stores: Arc<Stores>) -> Self {
        Self { stores }
    }

    fn store(&self, metadata: &MetadataMap) -> Result<Arc<Store>, Status> {
        let id = metadata.get(STORE).and_then(|id| id.to_str().ok());
        id.and_then(|id| self.stores.get(id))
            .map(Arc::clone)
            .ok_or_else(|| Status::not_found(format!("no content store {id:?}")))
    }
}

fn digest(text: &str) -> Result<Digest, Status> {
    Digest::parse(text).ok_or_else(|| Status::invalid_argument(format!("no digest: {text:?}")))
}

fn missing(digest: &Digest) -> Status {
    Status::not_found(format!("content {digest}: not found"))
}

/// Does what blocks in a thread of its own.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Status> + Send + 'static,
) -> Result<T, Status> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Status::internal(error.to_string())))
}

impl UnaryService<InfoRequest> for Content {
    type Response = InfoResponse;
    type Future = BoxFuture<'static, Result<tonic::Response<InfoResponse>, Status>>;

    fn call(&mut self, request: tonic::Request<InfoRequest>) -> Self::Future {
        let store = self.store(request.metadata());
        Box::pin(async move {
            let (store, digest) = (store?, digest(&request.get_ref().digest)?);
            blocking(move || {
                let size = store.blobs.size(&digest).map_err(|_| missing(&digest))?;
                let info = Some(Info {
                    digest: digest.to_string(),
                    size: i64::try_from(size).unwrap_or(i64::MAX),
                });
                Ok(tonic::Response::new(InfoResponse { info }))
            })
            .await
        })
    }
}

impl UnaryService<Reference> for Content {
    type Response = StatusResponse;
    type Future = std::future::Ready<Result<tonic::Response<StatusResponse>, Status>>;

    fn call(&mut self, request: tonic::Request<Reference>) -> Self::Future {
        let reference = &request.get_ref().reference;
        std::future::ready(Err(Status::not_found(format!(
            "nothing was left of {reference:?}"
        ))))
    }
}

type Pieces = ReceiverStream<Result<ReadResponse, Status>>;

impl ServerStreamingService<ReadRequest> for Content {
    type Response = ReadResponse;
    type ResponseStream = Pieces;
    type Future = BoxFuture<'static, Result<tonic::Response<Pieces>, Status>>;

    fn call(&mut self, request: tonic::Request<ReadRequest>) -> Self::Future {
        let store = self.store(request.metadata());
        Box::pin(async move {
            let store = store?;
            let reading = blocking(move || Reading::open(&store, request.get_ref())).await?;
            let (pieces, answer) = mpsc::channel(QUEUE);
            tokio::task::spawn_blocking(move || reading.send(&pieces));
            Ok(tonic::Response::new(ReceiverStream::new(answer)))
        })
    }
}

/// A part of a blob that is being read.
struct Reading {
    file: File,
    offset: u64,
    rest: u64,
}

impl Reading {
    fn open(store: &Store, request: &ReadRequest) -> Result<Self, Status> {
        let digest = digest(&request.digest)?;
        let size = store.blobs.size(&digest).map_err(|_| missing(&digest))?;
        let beyond = || Status::out_of_range(format!("read past object length {size} bytes"));
        let offset = u64::try_from(request.offset).map_err(|_| beyond())?;
        let rest = size.checked_sub(offset).ok_or_else(beyond)?;
        // More than there is may be asked for: whoever asks need not know the size.
        let rest = match u64::try_from(request.size) {
            Ok(0) | Err(_) => rest,
            Ok(wanted) => wanted.min(rest),
        };
        let open = || {
            let mut file = File::open(store.blobs.path(&digest))?;
            file.seek(SeekFrom::Start(offset))?;
            Ok(file)
        };
        Ok(Self {
            file: open().map_err(|error| store.failed(&error))?,
            offset,
            rest,
        })
    }

    fn send(mut self, pieces: &mpsc::Sender<Result<ReadResponse, Status>>) {
        while self.rest > 0 {
            let length = usize::try_from(self.rest).unwrap_or(CHUNK).min(CHUNK);
            let mut data = vec![0; length];
            let piece = match self.file.read_exact(&mut data) {
                Ok(()) => Ok(ReadResponse {
                    offset: i64::try_from(self.offset).unwrap_or(i64::MAX),
                    data: Bytes::from(data),
                }),
                Err(error) => Err(Status::data_loss(error.to_string())),
            };
            self.offset += length as u64;
            self.rest -= length as u64;
            let over = piece.is_err();
            if pieces.blocking_send(piece).is_err() || over {
                return;
            }
        }
    }
}

type Answers = ReceiverStream<Result<WriteResponse, Status>>;

impl StreamingService<WriteRequest> for Content {
    type Response = WriteResponse;
    type ResponseStream = Answers;
    type Future = BoxFuture<'static, Result<tonic::Response<Answers>, Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<WriteRequest>>) -> Self::Future {
        let store = self.store(request.metadata());
        Box::pin(async move {
            let store = store?;
            if !store.writable {
                return Err(Status::permission_denied("this store is read only"));
            }
            let (answers, answer) = mpsc::channel(QUEUE);
            tokio::spawn(async move {
                if let Err(status) = write(store, request.into_inner(), &answers).await {
                    let _ = answers.send(Err(status)).await;
                }
            });
            Ok(tonic::Response::new(ReceiverStream::new(answer)))
        })
    }
}

/// One blob from its first message to its commit. Whatever ends the call earlier leaves nothing.
async fn write(
    store: Arc<Store>,
    mut incoming: Streaming<WriteRequest>,
    answers: &mpsc::Sender<Result<WriteResponse, Status>>,
) -> Result<(), Status> {
    let mut writing: Option<Writing> = None;
    while let Some(request) = incoming.message().await? {
        let step = {
            let store = Arc::clone(&store);
            let writing = writing.take();
            blocking(move || {
                match writing {
                    Some(writing) => writing,
                    None => Writing::begin(store, &request)?,
                }
                .step(&request)
            })
        };
        let (going_on, answer) = step.await?;
        if answers.send(Ok(answer)).await.is_err() || going_on.is_none() {
            return Ok(());
        }
        writing = going_on;
    }
    Ok(())
}

/// A blob that is being written.
struct Writing {
    store: Arc<Store>,
    ingest: Ingest,
    /// Its size, when that is known.
    total: u64,
    expected: Option<Digest>,
}

impl Writing {
    fn begin(store: Arc<Store>, first: &WriteRequest) -> Result<Self, Status> {
        if first.reference.is_empty() {
            return Err(Status::invalid_argument(
                "the first message must have a reference",
            ));
        }
        let total = u64::try_from(first.total)
            .map_err(|_| Status::invalid_argument("a size below zero"))?;
        let expected = match first.expected.as_str() {
            "" => None,
            expected => Some(digest(expected)?),
        };
        if let Some(expected) = &expected
            && let Ok(size) = store.blobs.size(expected)
            && (total == 0 || size == total)
        {
            store.wrote(expected.clone());
            return Err(Status::already_exists(format!("content {expected}")));
        }
        Ok(Self {
            ingest: store.blobs.begin().map_err(|error| store.failed(&error))?,
            store,
            total,
            expected,
        })
    }

    /// Takes a message; what is to go on with, and the answer.
    fn step(mut self, request: &WriteRequest) -> Result<(Option<Self>, WriteResponse), Status> {
        let action = Action::try_from(request.action)
            .map_err(|_| Status::invalid_argument("an unknown action"))?;
        if action == Action::Stat {
            let answer = self.answer(action);
            return Ok((Some(self), answer));
        }
        self.write(request)?;
        if action == Action::Write {
            let answer = self.answer(action);
            return Ok((Some(self), answer));
        }
        self.check(request)?;
        let answer = self.answer(action);
        let digest = self
            .ingest
            .commit(&self.store.blobs)
            .map_err(|error| self.store.failed(&error))?;
        self.store.wrote(digest);
        Ok((None, answer))
    }

    fn write(&mut self, request: &WriteRequest) -> Result<(), Status> {
        let at = self.ingest.length();
        match u64::try_from(request.offset) {
            Ok(offset) if offset == at => {}
            // To write from the beginning again is the one way back.
            Ok(0) => self
                .ingest
                .truncate()
                .map_err(|error| self.store.failed(&error))?,
            _ => {
                let wanted = request.offset;
                return Err(Status::out_of_range(format!(
                    "write @{wanted} must occur at current offset {at}"
                )));
            }
        }
        self.ingest
            .write(&request.data)
            .map_err(|error| self.store.failed(&error))
    }

    /// Whether what was written is what was announced, first or now.
    fn check(&mut self, request: &WriteRequest) -> Result<(), Status> {
        if let Ok(total @ 1..) = u64::try_from(request.total) {
            self.total = total;
        }
        if !request.expected.is_empty() {
            self.expected = Some(digest(&request.expected)?);
        }
        let (length, written) = (self.ingest.length(), self.ingest.digest());
        if self.total > 0 && self.total != length {
            let total = self.total;
            return Err(Status::failed_precondition(format!(
                "unexpected commit size {length}, expected {total}"
            )));
        }
        match &self.expected {
            Some(expected) if *expected != written => Err(Status::failed_precondition(format!(
                "unexpected commit digest {written}, expected {expected}"
            ))),
            _ => Ok(()),
        }
    }

    fn answer(&self, action: Action) -> WriteResponse {
        WriteResponse {
            action: action.into(),
            offset: i64::try_from(self.ingest.length()).unwrap_or(i64::MAX),
            total: i64::try_from(self.total).unwrap_or(i64::MAX),
            digest: self.ingest.digest().to_string(),
        }
    }
}

impl Methods for Content {
    const NAME: &'static str = "containerd.services.content.v1.Content";

    async fn answer(self, method: &str, request: Request<Body>) -> Response<Body> {
        match method {
            "Info" => {
                let codec = ProstCodec::<InfoResponse, InfoRequest>::default();
                Grpc::new(codec).unary(self, request).await
            }
            "Read" => {
                let codec = ProstCodec::<ReadResponse, ReadRequest>::default();
                Grpc::new(codec).server_streaming(self, request).await
            }
            "Write" => {
                let codec = ProstCodec::<WriteResponse, WriteRequest>::default();
                Grpc::new(codec)
                    .max_decoding_message_size(LARGEST_MESSAGE)
                    .streaming(self, request)
                    .await
            }
            "Status" | "Abort" => {
                let codec = ProstCodec::<StatusResponse, Reference>::default();
                Grpc::new(codec).unary(self, request).await
            }
            other => Status::unimplemented(format!("no {other} here")).into_http(),
        }
    }
}

#[cfg(test)]
mod tests;
