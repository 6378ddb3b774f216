//! The file sync service: BuildKit asks for a directory, and gets of it what it does not have.
//!
//! One call transfers one directory. We tell every entry that the call's patterns select, in order;
//! an entry's id is its place in that order. Meanwhile the engine, which compares them with what it
//! kept of the last transfer, asks for the contents it lacks by id. When it has all it says so.
//!
//! ```text
//! walker thread   ──STAT…──STAT(end)──┐
//! reader thread   ──DATA…──DATA(end)──┼──> engine
//! receiver (task) <──REQ──FIN─────────┘
//! ```
//!
//! Threads, because reading files blocks and the runtime must go on answering health checks. Both
//! write into one short queue, so memory stays flat however large the context is; only the paths of
//! files are kept.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper::{Request, Response};
use percent_encoding::percent_decode_str;
use prost::bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::server::{Grpc, StreamingService};
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;

use super::offers::{Offer, Offers, Shared};
use super::serve::Methods;
use super::wire::{Attribute, Kind, Packet, Stat};
use crate::context::Entry;
use crate::context::walk::{Filter, Walk};

/// The most one packet carries. 256 KiB moves 300 MB in 60 % of the time that the 32 KiB of the Go
/// client take; more gains nothing, and engines refuse packets of 4 MiB.
const CHUNK: usize = 256 << 10;
/// Packets that wait to be sent.
const QUEUE: usize = 32;

/// The file that the engine asks for by itself, and keeps apart.
const IGNORE_FILE: &str = ".dockerignore";

/// What opening a socket as a file answers: `ENXIO`.
const NO_SUCH_DEVICE: i32 = 6;

type Outgoing = mpsc::Sender<Result<Packet, Status>>;

/// The service.
#[derive(Clone)]
pub(super) struct FileSync {
    offers: Arc<Offers>,
}

impl FileSync {
    /// A service for what is in `offers`.
    pub(super) fn new(offers: Arc<Offers>) -> Self {
        Self { offers }
    }

    fn diff_copy(
        &self,
        request: tonic::Request<Streaming<Packet>>,
    ) -> Result<tonic::Response<ReceiverStream<Result<Packet, Status>>>, Status> {
        let metadata = request.metadata();
        let name = values(metadata, "dir-name").pop().unwrap_or_default();
        let filter = Filter {
            include: values(metadata, "include-patterns"),
            exclude: values(metadata, "exclude-patterns"),
            follow: values(metadata, "followpaths"),
        };
        let shared = self
            .offers
            .find(&name)
            .ok_or_else(|| Status::not_found(format!("no access allowed to dir {name:?}")))?;
        let (outgoing, packets) = mpsc::channel(QUEUE);
        tokio::spawn(transfer(shared, filter, request.into_inner(), outgoing));
        Ok(tonic::Response::new(ReceiverStream::new(packets)))
    }
}

/// The values of a repeated key. Newer engines percent-encode them and say so in another key.
fn values(metadata: &MetadataMap, key: &str) -> Vec<String> {
    let encoded = metadata.contains_key(format!("{key}-encoded"));
    metadata
        .get_all(key)
        .iter()
        .map(|value| {
            let text = String::from_utf8_lossy(value.as_encoded_bytes()).into_owned();
            if encoded {
                percent_decode_str(&text.replace('+', " "))
                    .decode_utf8_lossy()
                    .into_owned()
            } else {
                text
            }
        })
        .collect()
}

/// One transfer from its first entry to the engine's `Finish`.
async fn transfer(
    shared: Arc<Shared>,
    mut filter: Filter,
    mut incoming: Streaming<Packet>,
    outgoing: Outgoing,
) {
    if let Offer::Whole(_) = shared.offer
        && filter.follow != [IGNORE_FILE]
    {
        filter.follow.clear();
    }
    let directory = match &shared.offer {
        Offer::Directory(root) | Offer::Whole(root) => match Walk::new(root, &filter) {
            Ok(walk) => Directory::Real(walk),
            Err(error) => {
                for packet in refusal(error.to_string()) {
                    let _ = outgoing.send(packet).await;
                }
                return;
            }
        },
        Offer::Files(files) => Directory::Made(
            files
                .iter()
                .map(|(name, content)| (one_entry(name, content), content.clone()))
                .collect(),
        ),
    };
    let source = Arc::new(Source {
        directory,
        files: Mutex::default(),
        shared: Arc::clone(&shared),
    });
    let walker = {
        let (source, outgoing) = (Arc::clone(&source), outgoing.clone());
        tokio::task::spawn_blocking(move || tell_entries(&source, &outgoing))
    };
    let mut reader: Option<std::sync::mpsc::Sender<u32>> = None;
    while let Ok(Some(packet)) = incoming.message().await {
        match Kind::try_from(packet.kind) {
            Ok(Kind::Request) => {
                let wishes = reader.get_or_insert_with(|| start_reader(&source, &outgoing));
                // The reader ends early only when the engine hung up.
                let _ = wishes.send(packet.id);
            }
            Ok(Kind::Finish) => {
                let _ = outgoing.send(Ok(Packet::of(Kind::Finish))).await;
                break;
            }
            Ok(Kind::Error) => {
                let why = String::from_utf8_lossy(&packet.data).into_owned();
                let _ = outgoing.send(Err(Status::unknown(why))).await;
                break;
            }
            _ => {}
        }
    }
    drop(outgoing);
    // Both threads end by themselves once nobody takes their packets.
    let _ = walker.await;
}

/// What tells the engine that the transfer cannot be done, and ends the call.
fn refusal(why: String) -> [Result<Packet, Status>; 2] {
    let packet = Packet {
        data: Bytes::from(why.clone()),
        ..Packet::of(Kind::Error)
    };
    [Ok(packet), Err(Status::unknown(why))]
}

/// What is transferred, and the paths that ids stand for.
struct Source {
    directory: Directory,
    /// By id; nothing for entries without content.
    files: Mutex<Vec<Option<Box<[u8]>>>>,
    shared: Arc<Shared>,
}

enum Directory {
    Real(Walk),
    /// Files of its top level with what they hold, by name.
    Made(Vec<(Entry, String)>),
}

impl Source {
    fn path(&self, id: u32) -> Option<Box<[u8]>> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.get(usize::try_from(id).ok()?)?.clone()
    }

    fn remember(&self, entry: &Entry) {
        let path = entry
            .has_content()
            .then(|| entry.path.clone().into_boxed_slice());
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.push(path);
    }

    /// A file that cannot be read arrives empty, as with every other client; here it is told too.
    fn note(&self, path: &[u8], error: &io::Error) {
        if error.raw_os_error() == Some(NO_SUCH_DEVICE) {
            // A socket has no content; every client sends it as an empty file.
            return;
        }
        let path = String::from_utf8_lossy(path);
        let mut notes = self
            .shared
            .notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        notes.push(format!(
            "`{path}` cannot be read ({error}), so the image gets an empty file: exclude it in `.dockerignore`, or make it readable"
        ));
    }
}

fn tell_entries(source: &Source, outgoing: &Outgoing) {
    let send = |packet: Result<Packet, Status>| outgoing.blocking_send(packet).map_err(|_| Gone);
    let tell = |entry: Entry| {
        source.remember(&entry);
        send(Ok(Packet {
            stat: Some(stat(entry)),
            ..Packet::of(Kind::Stat)
        }))
    };
    let told = match &source.directory {
        Directory::Made(files) => files.iter().try_for_each(|(entry, _)| tell(entry.clone())),
        Directory::Real(walk) => walk.entries().try_for_each(|entry| match entry {
            Ok(entry) => tell(entry),
            Err(error) => {
                for packet in refusal(error.to_string()) {
                    send(packet)?;
                }
                Err(Gone)
            }
        }),
    };
    if told.is_ok() {
        let _ = send(Ok(Packet::of(Kind::Stat)));
    }
}

fn stat(entry: Entry) -> Stat {
    Stat {
        mode: entry.mode,
        size: i64::try_from(entry.size).unwrap_or(i64::MAX),
        modified: entry.modified,
        link: entry.link,
        major: entry.device.0,
        minor: entry.device.1,
        attributes: entry
            .attributes
            .into_iter()
            .map(|(name, value)| Attribute { name, value })
            .collect(),
        path: entry.path,
    }
}

/// Starts the thread that reads files. Most transfers want none, so it starts with the first wish.
fn start_reader(source: &Arc<Source>, outgoing: &Outgoing) -> std::sync::mpsc::Sender<u32> {
    let (wishes, wanted) = std::sync::mpsc::channel();
    let (source, outgoing) = (Arc::clone(source), outgoing.clone());
    tokio::task::spawn_blocking(move || {
        for id in wanted {
            if send_content(&source, id, &outgoing).is_err() {
                return;
            }
        }
    });
    wishes
}

/// Nobody takes packets any more.
struct Gone;

fn send_content(source: &Source, id: u32, outgoing: &Outgoing) -> Result<(), Gone> {
    let send = |data: Bytes| {
        let packet = Packet {
            id,
            data,
            ..Packet::of(Kind::Data)
        };
        outgoing.blocking_send(Ok(packet)).map_err(|_| Gone)
    };
    if let Some(path) = source.path(id) {
        match &source.directory {
            Directory::Made(files) => {
                let content = files.iter().find(|(entry, _)| *entry.path == *path);
                if let Some((_, content)) = content {
                    send(Bytes::copy_from_slice(content.as_bytes()))?;
                }
            }
            Directory::Real(walk) => {
                if let Err(error) = walk
                    .open(&path)
                    .and_then(|file| read_chunks(file, |chunk| send(chunk).is_ok()))
                {
                    source.note(&path, &error);
                }
            }
        }
    }
    send(Bytes::new())
}

/// Reads a file in chunks until its end, or until `take` wants no more.
fn read_chunks(mut file: impl Read, mut take: impl FnMut(Bytes) -> bool) -> io::Result<()> {
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        let length = file.by_ref().take(CHUNK as u64).read_to_end(&mut chunk)?;
        if length == 0 || !take(Bytes::from(chunk)) {
            return Ok(());
        }
    }
}

/// The entry of a file that exists only here. The engine compares size and time, not content, so
/// the time is made of the content.
fn one_entry(name: &str, content: &str) -> Entry {
    let digest = Sha256::digest(content);
    let mut seed = [0; 8];
    seed.copy_from_slice(&digest[..8]);
    let within_thirty_years = u64::from_be_bytes(seed) % (30 * 365 * 86_400);
    let modified = Duration::from_secs(1_000_000_000 + within_thirty_years);
    Entry {
        path: name.as_bytes().to_vec(),
        mode: 0o600,
        size: content.len() as u64,
        modified: i64::try_from(modified.as_nanos()).unwrap_or_default(),
        ..Entry::default()
    }
}

impl Methods for FileSync {
    const NAME: &'static str = "moby.filesync.v1.FileSync";

    async fn answer(self, method: &str, request: Request<Body>) -> Response<Body> {
        if method != "DiffCopy" {
            return Status::unimplemented("only DiffCopy").into_http();
        }
        let mut grpc = Grpc::new(ProstCodec::<Packet, Packet>::default());
        grpc.streaming(self, request).await
    }
}

impl StreamingService<Packet> for FileSync {
    type Response = Packet;
    type ResponseStream = ReceiverStream<Result<Packet, Status>>;
    type Future = BoxFuture<'static, Result<tonic::Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<Packet>>) -> Self::Future {
        Box::pin(std::future::ready(self.diff_copy(request)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_newer_engines_are_decoded() {
        let mut metadata = MetadataMap::new();
        metadata.append("followpaths", "a%20b%2Bc".parse().expect("ascii"));
        metadata.append("followpaths", "d+e".parse().expect("ascii"));
        assert_eq!(values(&metadata, "followpaths"), ["a%20b%2Bc", "d+e"]);
        metadata.insert("followpaths-encoded", "1".parse().expect("ascii"));
        assert_eq!(values(&metadata, "followpaths"), ["a b+c", "d e"]);
    }

    #[test]
    fn an_inline_file_looks_changed_exactly_when_it_is() {
        let entry = |content| one_entry("Dockerfile", content);
        assert_eq!(entry("FROM a"), entry("FROM a"));
        assert_ne!(entry("FROM a").modified, entry("FROM b").modified);
    }
}
