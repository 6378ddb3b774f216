//! What is in an archive, read back by another's reader.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::context::ignore::Patterns;
use crate::context::walk::Walk;

fn contents(root: &Path, ignore: Option<&str>, own: Vec<Own>) -> Contents {
    let patterns = ignore.map(|text| Patterns::parse(text).expect("patterns"));
    Contents {
        walk: Walk::ignoring(root, patterns).expect("a walk"),
        own,
    }
}

fn archive(contents: &Contents, modes: Modes) -> Vec<u8> {
    let mut bytes = Vec::new();
    let notes = write(contents, modes, &mut bytes).expect("an archive");
    assert_eq!(notes, [""; 0]);
    assert_eq!(bytes.len() % BLOCK, 0);
    bytes
}

/// Path, kind, mode, size, link and content of each entry, in order.
type Told = (Vec<u8>, EntryType, u32, u64, Vec<u8>, Vec<u8>);

fn entries(bytes: &[u8]) -> Vec<Told> {
    let mut archive = tar::Archive::new(bytes);
    let entries = archive.entries().expect("entries");
    entries
        .map(|entry| {
            let mut entry = entry.expect("an entry");
            let header = entry.header();
            assert_eq!((header.uid().ok(), header.gid().ok()), (Some(0), Some(0)));
            let (kind, mode) = (header.entry_type(), header.mode().expect("a mode"));
            let link = entry.link_name_bytes().unwrap_or_default().into_owned();
            let mut content = Vec::new();
            let path = entry.path_bytes().into_owned();
            let size = entry.size();
            entry.read_to_end(&mut content).expect("content");
            (path, kind, mode, size, link, content)
        })
        .collect()
}

fn paths(bytes: &[u8]) -> Vec<String> {
    let text = |entry: Told| String::from_utf8_lossy(&entry.0).into_owned();
    entries(bytes).into_iter().map(text).collect()
}

/// A directory with a bit of everything.
fn sundry() -> TempDir {
    let root = tempfile::tempdir().expect("a directory");
    let at = |name: &str| root.path().join(name);
    fs::create_dir(at("d")).expect("a directory");
    fs::write(at("d/f"), "content").expect("a file");
    fs::set_permissions(at("d/f"), fs::Permissions::from_mode(0o4711)).expect("a mode");
    fs::set_permissions(at("d"), fs::Permissions::from_mode(0o1700)).expect("a mode");
    fs::hard_link(at("d/f"), at("hard")).expect("a link");
    symlink("d/f", at("soft")).expect("a link");
    fs::write(at("ünïcödé ☃"), "").expect("a file");
    let name = std::ffi::OsStr::from_bytes(b"bad\xff");
    fs::write(root.path().join(name), "").expect("a file");
    fs::write(at(&"n".repeat(200)), "long").expect("a file");
    symlink("x/".repeat(99), at("far")).expect("a link");
    rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), 0o644.into()).expect("a pipe");
    std::os::unix::net::UnixListener::bind(at("socket")).expect("a socket");
    root
}

#[test]
fn every_kind_of_entry_is_told_as_the_docker_cli_tells_it() {
    let root = sundry();
    let bytes = archive(&contents(root.path(), None, Vec::new()), Modes::Plain);
    let found = entries(&bytes);
    let entry = |path: &[u8], kind, mode, link: &[u8], content: &[u8]| {
        let size = content.len() as u64;
        (
            path.to_vec(),
            kind,
            mode,
            size,
            link.to_vec(),
            content.to_vec(),
        )
    };
    let (long, far) = ("n".repeat(200), "x/".repeat(99));
    assert_eq!(
        found,
        [
            entry(b"bad\xff", EntryType::Regular, 0o644, b"", b""),
            entry(b"d/", EntryType::Directory, 0o1700, b"", b""),
            entry(b"d/f", EntryType::Regular, 0o4711, b"", b"content"),
            entry(b"far", EntryType::Symlink, 0o777, far.as_bytes(), b""),
            entry(b"hard", EntryType::Link, 0o4711, b"d/f", b""),
            entry(long.as_bytes(), EntryType::Regular, 0o644, b"", b"long"),
            entry(b"pipe", EntryType::Fifo, 0o644, b"", b""),
            entry(b"soft", EntryType::Symlink, 0o777, b"d/f", b""),
            entry("ünïcödé ☃".as_bytes(), EntryType::Regular, 0o644, b"", b""),
        ]
    );
}

#[test]
fn engines_of_old_are_told_the_kind_in_the_mode() {
    let root = sundry();
    let bytes = archive(&contents(root.path(), None, Vec::new()), Modes::WithKind);
    let modes: Vec<u32> = entries(&bytes).into_iter().map(|entry| entry.2).collect();
    assert_eq!(
        modes,
        [
            0o100_644, 0o41_700, 0o104_711, 0o120_777, 0o104_711, 0o100_644, 0o10_644, 0o120_777,
            0o100_644
        ]
    );
}

#[test]
fn own_files_come_last_or_extend_those_of_the_context() {
    let root = tempfile::tempdir().expect("a directory");
    fs::write(root.path().join(".dockerignore"), "x").expect("a file");
    fs::write(root.path().join("z"), "").expect("a file");
    let own = |path: &str, instead| Own {
        path: path.into(),
        content: b"own".to_vec(),
        instead,
    };
    let contents = contents(
        root.path(),
        None,
        vec![
            own("added", Instead::Kept),
            own("z", Instead::Kept),
            own(".dockerignore", Instead::Extended(b"\nmore\n".to_vec())),
        ],
    );
    let found: Vec<(Vec<u8>, Vec<u8>)> = entries(&archive(&contents, Modes::Plain))
        .into_iter()
        .map(|entry| (entry.0, entry.5))
        .collect();
    let expected: [(&[u8], &[u8]); 3] = [
        (b".dockerignore", b"x\nmore\n"),
        (b"z", b""),
        (b"added", b"own"),
    ];
    assert_eq!(
        found,
        expected.map(|(path, content)| (path.to_vec(), content.to_vec()))
    );
}

#[test]
fn sockets_are_left_out_under_all_their_names() {
    let root = tempfile::tempdir().expect("a directory");
    let at = |name: &str| root.path().join(name);
    let listener = std::os::unix::net::UnixListener::bind(at("a")).expect("a socket");
    fs::hard_link(at("a"), at("b")).expect("a link");
    drop(listener);
    let bytes = archive(&contents(root.path(), None, Vec::new()), Modes::Plain);
    assert_eq!(paths(&bytes), [""; 0]);
}

/// Takes what is written, and does something when the first byte of content comes.
struct Meddling<F: FnMut()>(Vec<u8>, F);

impl<F: FnMut()> Write for Meddling<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            (self.1)();
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_file_that_shrinks_ends_the_archive_without_its_end() {
    let root = tempfile::tempdir().expect("a directory");
    let file = root.path().join("f");
    fs::write(&file, vec![1; 1000]).expect("a file");
    let shrink = || drop(File::create(&file).expect("a file"));
    let mut out = Meddling(Vec::new(), shrink);
    let error = write(
        &contents(root.path(), None, Vec::new()),
        Modes::Plain,
        &mut out,
    );
    let Err(Broken::Source(failure)) = error else {
        panic!("{error:?}");
    };
    assert_eq!(
        failure.message,
        "`f` shrank from 1000 to 0 bytes while it was sent"
    );
    assert!(!out.0.ends_with(&[0; 2 * BLOCK]) || out.0.len() == BLOCK);
}

#[test]
fn a_file_that_grows_is_cut_where_its_header_says() {
    let root = tempfile::tempdir().expect("a directory");
    let file = root.path().join("f");
    fs::write(&file, "short").expect("a file");
    let grow = || fs::write(&file, "shorter no more").expect("a file");
    let mut out = Meddling(Vec::new(), grow);
    write(
        &contents(root.path(), None, Vec::new()),
        Modes::Plain,
        &mut out,
    )
    .expect("an archive");
    assert_eq!(entries(&out.0)[0].5, b"short");
}

#[test]
fn numbers_too_large_for_their_field_are_told_in_words() {
    assert_eq!(record("size", b"8589934592"), b"19 size=8589934592\n");
    // The length counts itself, also where it gets a digit more by that.
    assert_eq!(record("k", &[b'x'; 93]).len(), 99);
    assert!(record("k", &[b'x'; 93]).starts_with(b"99 k="));
    assert!(record("k", &[b'x'; 94]).starts_with(b"101 k="));
    assert_eq!(record("k", &[b'x'; 94]).len(), 101);
}

/// What a directory holds: kind and content by path.
fn tree(root: &Path) -> BTreeMap<Vec<u8>, (char, Vec<u8>)> {
    fn below(root: &Path, directory: &Path, found: &mut BTreeMap<Vec<u8>, (char, Vec<u8>)>) {
        for entry in directory.read_dir().expect("a directory") {
            let path = entry.expect("an entry").path();
            let name = path
                .strip_prefix(root)
                .expect("below")
                .as_os_str()
                .as_bytes()
                .to_vec();
            let metadata = path.symlink_metadata().expect("metadata");
            let what = if metadata.is_dir() {
                below(root, &path, found);
                ('d', Vec::new())
            } else if metadata.is_symlink() {
                (
                    'l',
                    path.read_link()
                        .expect("a link")
                        .as_os_str()
                        .as_bytes()
                        .to_vec(),
                )
            } else {
                ('f', fs::read(&path).expect("a file"))
            };
            found.insert(name, what);
        }
    }
    let mut found = BTreeMap::new();
    below(root, root, &mut found);
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The walk is proven against BuildKit's own elsewhere; what it selects must arrive.
    #[test]
    fn the_archive_unpacked_is_what_the_walk_selects(
        files in prop::collection::btree_map("[ab]{1,2}(/[ab]{1,60}){0,3}", ("[x-z]{0,700}", 0..3), 0..12),
        ignore in "([!]?[ab*]{1,3}(/[ab*]{1,2})?\n){0,3}",
    ) {
        let root = tempfile::tempdir().expect("a directory");
        let mut first: Option<std::path::PathBuf> = None;
        for (name, (content, kind)) in &files {
            let path = root.path().join(name);
            if fs::create_dir_all(path.parent().expect("a parent")).is_err() || path.exists() {
                continue;
            }
            match (kind, &first) {
                (1, _) => symlink(content.get(..9).unwrap_or("x"), &path).expect("a link"),
                (2, Some(first)) => fs::hard_link(first, &path).expect("a link"),
                _ => {
                    fs::write(&path, content).expect("a file");
                    first.get_or_insert(path);
                }
            }
        }
        prop_assume!(Patterns::parse(&ignore).is_ok());
        let contents = contents(root.path(), Some(&ignore), Vec::new());
        prop_assume!(contents.walk.entries().all(|entry| entry.is_ok()));
        let unpacked = tempfile::tempdir().expect("a directory");
        tar::Archive::new(archive(&contents, Modes::Plain).as_slice())
            .unpack(unpacked.path())
            .expect("it unpacks");
        let whole = tree(root.path());
        let expected: BTreeMap<_, _> = contents
            .walk
            .entries()
            .map(|entry| entry.expect("an entry").path)
            .map(|path| (path.clone(), whole[&path].clone()))
            .collect();
        prop_assert_eq!(tree(unpacked.path()), expected);
    }
}
