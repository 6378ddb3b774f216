use proptest::prelude::*;
use tempfile::TempDir;
use tonic::Code;

use super::*;

fn store() -> (TempDir, Arc<Store>) {
    let directory = tempfile::tempdir().expect("a directory");
    let blobs = Blobs::of(directory.path());
    blobs.create().expect("a store");
    (directory, Arc::new(Store::new(blobs, true)))
}

fn name(content: &[u8]) -> String {
    format!("sha256:{}", human::hex(&Sha256::digest(content)))
}

fn request(action: Action, offset: usize, data: &[u8]) -> WriteRequest {
    WriteRequest {
        action: action.into(),
        reference: "ref".to_owned(),
        total: 0,
        expected: String::new(),
        offset: i64::try_from(offset).expect("small"),
        data: Bytes::copy_from_slice(data),
    }
}

/// A length as it is told over gRPC.
fn length(content: &[u8]) -> i64 {
    i64::try_from(content.len()).expect("a length")
}

/// Writes a blob in pieces of `size`, which must succeed.
fn write(store: &Arc<Store>, content: &[u8], size: usize) {
    let announced = WriteRequest {
        total: i64::try_from(content.len()).expect("small"),
        expected: name(content),
        ..request(Action::Stat, 0, b"")
    };
    let mut writing = Writing::begin(Arc::clone(store), &announced).expect("a new blob");
    for (index, piece) in content.chunks(size).enumerate() {
        let step = request(Action::Write, index * size, piece);
        let (next, answer) = writing.step(&step).expect("a piece");
        assert_eq!(
            answer.offset,
            length(&content[..index * size + piece.len()])
        );
        writing = next.expect("going on");
    }
    let commit = request(Action::Commit, content.len(), b"");
    let (next, answer) = writing.step(&commit).expect("a blob");
    assert!(next.is_none());
    assert_eq!(answer.digest, name(content));
}

fn read(store: &Store, content: &[u8], offset: i64, size: i64) -> Result<Vec<u8>, Code> {
    let request = ReadRequest {
        digest: name(content),
        offset,
        size,
    };
    let reading = Reading::open(store, &request).map_err(|status| status.code())?;
    let (pieces, mut answer) = mpsc::channel(QUEUE);
    let reader = std::thread::spawn(move || reading.send(&pieces));
    let mut all = Vec::new();
    while let Some(piece) = answer.blocking_recv() {
        let piece = piece.expect("a piece");
        assert_eq!(piece.offset, offset + length(&all));
        all.extend_from_slice(&piece.data);
    }
    reader.join().expect("no panic");
    Ok(all)
}

fn files(directory: &TempDir, below: &str) -> usize {
    let entries = directory.path().join(below).read_dir();
    entries.expect("a directory").count()
}

#[test]
fn a_blob_appears_whole_or_not_at_all() {
    let (directory, store) = store();
    let content = vec![7; 3 << 20];
    let mut writing =
        Writing::begin(Arc::clone(&store), &request(Action::Stat, 0, b"")).expect("one");
    writing = writing
        .step(&request(Action::Write, 0, &content[..1 << 20]))
        .expect("a piece")
        .0
        .expect("going on");
    assert_eq!(files(&directory, "blobs/sha256"), 0);
    assert_eq!(files(&directory, "ingest"), 1);
    drop(writing);
    assert_eq!(files(&directory, "ingest"), 0, "nothing is left behind");
    write(&store, &content, 1 << 20);
    assert_eq!(files(&directory, "blobs/sha256"), 1);
    assert_eq!(files(&directory, "ingest"), 0);
    assert_eq!(read(&store, &content, 0, 0), Ok(content));
}

#[test]
fn what_is_not_as_announced_is_refused() {
    let (directory, store) = store();
    for (total, expected) in [(4, ""), (0, name(b"other").as_str()), (3, &name(b"other"))] {
        let first = WriteRequest {
            total,
            expected: expected.to_owned(),
            ..request(Action::Stat, 0, b"")
        };
        let writing = Writing::begin(Arc::clone(&store), &first).expect("a new blob");
        let status = writing.step(&request(Action::Commit, 0, b"abc")).map(drop);
        assert_eq!(
            status.expect_err("refused").code(),
            Code::FailedPrecondition
        );
    }
    assert_eq!(files(&directory, "blobs/sha256"), 0);
    assert_eq!(files(&directory, "ingest"), 0);
}

#[test]
fn a_blob_that_is_there_is_not_written_again_unless_it_is_cut_off() {
    let (directory, store) = store();
    write(&store, b"hello", 5);
    let again = WriteRequest {
        total: 5,
        expected: name(b"hello"),
        ..request(Action::Stat, 0, b"")
    };
    let status = Writing::begin(Arc::clone(&store), &again).map(drop);
    assert_eq!(status.expect_err("there").code(), Code::AlreadyExists);
    assert_eq!(store.last(), Digest::parse(&name(b"hello")));
    let path = directory
        .path()
        .join("blobs")
        .join(name(b"hello").replace(':', "/"));
    std::fs::remove_file(&path).expect("removed");
    std::fs::write(&path, "hel").expect("a file");
    write(&store, b"hello", 2);
    assert_eq!(std::fs::read(&path).expect("a blob"), b"hello");
}

#[test]
fn calls_that_make_no_sense_are_refused() {
    let (_directory, store) = store();
    let refused = |request: WriteRequest| {
        Writing::begin(Arc::clone(&store), &request)
            .and_then(|writing| writing.step(&request).map(drop))
            .expect_err("refused")
            .code()
    };
    let plain = || request(Action::Write, 0, b"x");
    let unnamed = WriteRequest {
        reference: String::new(),
        ..plain()
    };
    assert_eq!(refused(unnamed), Code::InvalidArgument);
    let negative = WriteRequest {
        total: -1,
        ..plain()
    };
    assert_eq!(refused(negative), Code::InvalidArgument);
    let ahead = WriteRequest {
        offset: 1,
        ..plain()
    };
    assert_eq!(refused(ahead), Code::OutOfRange);
    let before = WriteRequest {
        offset: -1,
        ..plain()
    };
    assert_eq!(refused(before), Code::OutOfRange);
    let unknown = WriteRequest {
        action: 9,
        ..plain()
    };
    assert_eq!(refused(unknown), Code::InvalidArgument);
    for digest in ["sha256:../../../etc/passwd", "sha512:00", "", "sha256:AB"] {
        assert_eq!(Digest::parse(digest), None, "{digest}");
        let escaping = WriteRequest {
            expected: digest.to_owned(),
            ..plain()
        };
        if !digest.is_empty() {
            assert_eq!(refused(escaping), Code::InvalidArgument, "{digest}");
        }
    }
}

#[test]
fn one_blob_written_by_many_at_once_is_one_blob() {
    let (directory, store) = store();
    let content: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
    std::thread::scope(|scope| {
        for size in [10_000, 70_000, 1_200_000, 33_333] {
            let (store, content) = (&store, &content);
            scope.spawn(move || {
                let mut writing =
                    Writing::begin(Arc::clone(store), &request(Action::Stat, 0, b"")).expect("one");
                for (index, piece) in content.chunks(size).enumerate() {
                    let step = request(Action::Write, index * size, piece);
                    writing = writing.step(&step).expect("a piece").0.expect("going on");
                }
                let commit = request(Action::Commit, content.len(), b"");
                writing.step(&commit).expect("a blob");
            });
        }
    });
    assert_eq!(files(&directory, "blobs/sha256"), 1);
    assert_eq!(files(&directory, "ingest"), 0);
    assert_eq!(read(&store, &content, 0, 0), Ok(content));
}

proptest! {
    #[test]
    fn any_part_of_a_blob_can_be_read(
        content in prop::collection::vec(any::<u8>(), 1..5000),
        offset in -2i64..6000,
        size in -2i64..6000,
    ) {
        let (_directory, store) = store();
        write(&store, &content, 997);
        let rest = usize::try_from(offset).ok().and_then(|offset| content.get(offset..));
        let expected = match (rest, usize::try_from(size)) {
            (None, _) => Err(Code::OutOfRange),
            (Some(rest), Ok(size @ 1..)) => Ok(rest[..size.min(rest.len())].to_vec()),
            (Some(rest), _) => Ok(rest.to_vec()),
        };
        prop_assert_eq!(read(&store, &content, offset, size), expected);
    }

    /// Whatever is sent in whatever order: a blob under a name holds what the name says.
    #[test]
    fn no_order_of_messages_makes_a_wrong_blob(
        messages in prop::collection::vec((0i32..4, 0usize..12, prop::collection::vec(any::<u8>(), 0..6)), 1..12),
        announced in prop::option::of(prop::collection::vec(any::<u8>(), 0..8)),
    ) {
        let (directory, store) = store();
        let first = WriteRequest {
            expected: announced.as_deref().map(name).unwrap_or_default(),
            ..request(Action::Stat, 0, b"")
        };
        let mut writing = Writing::begin(Arc::clone(&store), &first).ok();
        for (action, offset, data) in messages {
            let Some(now) = writing.take() else { break };
            let message = WriteRequest { action, ..request(Action::Write, offset, &data) };
            writing = now.step(&message).ok().and_then(|(next, _)| next);
        }
        drop(writing);
        for entry in directory.path().join("blobs/sha256").read_dir().expect("a directory") {
            let entry = entry.expect("an entry");
            let content = std::fs::read(entry.path()).expect("a blob");
            let hex = entry.file_name().into_string().expect("hex");
            prop_assert_eq!(format!("sha256:{hex}"), name(&content));
            if let Some(announced) = &announced {
                prop_assert_eq!(&content, announced);
            }
        }
        prop_assert_eq!(files(&directory, "ingest"), 0);
    }
}
