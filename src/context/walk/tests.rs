use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use proptest::prelude::*;

use super::*;
use crate::context::mode;
use crate::context::testing::tree;

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

fn entries(root: &Path, filter: &Filter) -> Vec<Entry> {
    let walk = Walk::new(root, filter).unwrap();
    walk.entries().collect::<Result<_, _>>().unwrap()
}

/// The paths a walk of `lines` tells.
fn told(lines: &[&str], include: &[&str], exclude: &[&str], follow: &[&str]) -> Vec<String> {
    let root = tree(lines);
    let filter = Filter {
        include: strings(include),
        exclude: strings(exclude),
        follow: strings(follow),
    };
    let paths = entries(root.path(), &filter).into_iter();
    paths
        .map(|entry| String::from_utf8(entry.path).unwrap())
        .collect()
}

fn everything(lines: &[&str]) -> Vec<Entry> {
    entries(tree(lines).path(), &Filter::default())
}

#[test]
fn names_are_sorted_by_bytes_and_contents_follow_their_directory() {
    let lines = ["a/b", "a-b", "a.txt", "A", "é", "a/", "B/", "a/B", "_"];
    assert_eq!(
        told(&lines, &[], &[], &[]),
        ["A", "B", "_", "a", "a/B", "a/b", "a-b", "a.txt", "é"]
    );
}

#[test]
fn parents_are_told_before_what_is_included_below_them_and_only_then() {
    let lines = ["a/b/c/x", "a/b/y", "a/z", "d/e/x", "f/"];
    assert_eq!(
        told(&lines, &["**/x"], &[], &[]),
        ["a", "a/b", "a/b/c", "a/b/c/x", "d", "d/e", "d/e/x"]
    );
    assert_eq!(
        told(&lines, &["a/b"], &[], &[]),
        ["a", "a/b", "a/b/c", "a/b/c/x", "a/b/y"]
    );
    assert_eq!(told(&lines, &["nothing"], &[], &[]), [""; 0]);
    assert_eq!(told(&lines, &[" "], &[], &[]), [""; 0]);
}

#[test]
fn a_negation_brings_back_what_lies_in_an_excluded_directory() {
    let lines = ["a/b/x", "a/b/y", "a/z", "c"];
    for (exclude, expected) in [
        (&["a"][..], &["c"][..]),
        (&["a", "!a/b/x"], &["a", "a/b", "a/b/x", "c"]),
        (&["*", "!a"], &["a", "a/b", "a/b/x", "a/b/y", "a/z"]),
        (&["*", "!**/x"], &["a", "a/b", "a/b/x"]),
        (&["**/x", "!a"], &["a", "a/b", "a/b/y", "a/z", "c"]),
        // Pruned although it would match: `a/*/**` is taken to be about `a` itself only.
        (&["*", "!a/*/**"], &[]),
        (&["a/**", "!a/*/**"], &["a", "c"]),
    ] {
        assert_eq!(told(&lines, &[], exclude, &[]), expected, "{exclude:?}");
    }
}

#[test]
fn what_is_excluded_stays_out_even_if_it_is_included() {
    let lines = ["a/x", "a/y"];
    assert_eq!(told(&lines, &["a"], &["a/x"], &[]), ["a", "a/y"]);
}

#[test]
fn a_follow_path_brings_the_link_and_what_it_leads_to() {
    let lines = ["current -> releases/7", "releases/7/app", "releases/6/app"];
    assert_eq!(
        told(&lines, &[], &[], &["current/app"]),
        ["current", "releases", "releases/7", "releases/7/app"]
    );
    assert_eq!(told(&lines, &[], &[], &["."]).len(), 6);
    // The whole context is wanted, so what else is wanted does not matter ...
    assert_eq!(told(&lines, &["current"], &[], &["."]), ["current"]);
    // ... unless it was asked for by a pattern.
    assert_eq!(told(&lines, &["."], &[], &["current"]).len(), 6);
}

#[test]
fn a_further_name_links_to_the_first_that_was_told() {
    let tree = || tree(&["a", "b = a", "c = a"]);
    let all = entries(tree().path(), &Filter::default());
    let links: Vec<_> = all.iter().map(|entry| entry.link.as_slice()).collect();
    assert_eq!(links, [&b""[..], b"a", b"a"]);
    assert!(
        all.iter()
            .all(|entry| entry.size == 1 && entry.has_content())
    );

    let filter = Filter {
        exclude: strings(&["a"]),
        ..Filter::default()
    };
    let some = entries(tree().path(), &filter);
    let links: Vec<_> = some.iter().map(|entry| entry.link.as_slice()).collect();
    assert_eq!(links, [&b""[..], b"b"]);
}

#[test]
fn links_are_told_as_they_are_written() {
    for target in ["/etc/passwd", "../../x", "nowhere", ".", "a//b/"] {
        let [entry] = &everything(&[&format!("l -> {target}")])[..] else {
            panic!("one entry");
        };
        assert_eq!(entry.link, target.as_bytes());
        assert_eq!(entry.size, target.len() as u64);
        assert_eq!(entry.mode & mode::KIND, mode::SYMLINK);
        assert!(!entry.has_content());
    }
}

#[test]
fn modes_are_those_of_go() {
    let root = tree(&["file", "dir/"]);
    let told = |name: &str, permissions| {
        let path = root.path().join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(permissions)).unwrap();
        let all = entries(root.path(), &Filter::default());
        let mut entry = all
            .into_iter()
            .filter(|entry| entry.path == name.as_bytes());
        entry.next().unwrap().mode
    };
    assert_eq!(told("file", 0o640), 0o640);
    assert_eq!(told("file", 0o4755), 0o755 | mode::SETUID);
    assert_eq!(told("file", 0o2755), 0o755 | mode::SETGID);
    assert_eq!(told("dir", 0o1777), 0o777 | mode::STICKY | mode::DIRECTORY);
}

#[test]
fn a_socket_looks_like_an_empty_file_and_a_pipe_does_not() {
    let root = tree(&[]);
    let _listener = std::os::unix::net::UnixListener::bind(root.path().join("s")).unwrap();
    let pipe = root.path().join("p");
    let permissions = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        permissions,
        0,
    )
    .unwrap();
    let [pipe, socket] = &entries(root.path(), &Filter::default())[..] else {
        panic!("two entries");
    };
    assert_eq!(pipe.mode, 0o600 | mode::PIPE);
    assert!(!pipe.has_content());
    assert_eq!(socket.mode & mode::KIND, 0);
    assert!(socket.has_content() && socket.size == 0);
}

#[test]
fn times_before_1970_and_nanoseconds_are_told() {
    let root = tree(&["f"]);
    let at = |seconds, nanoseconds| {
        let time = rustix::fs::Timespec {
            tv_sec: seconds,
            tv_nsec: nanoseconds,
        };
        let times = rustix::fs::Timestamps {
            last_access: time,
            last_modification: time,
        };
        let file = root.path().join("f");
        let flags = rustix::fs::AtFlags::empty();
        rustix::fs::utimensat(rustix::fs::CWD, &file, &times, flags).unwrap();
        entries(root.path(), &Filter::default())[0].modified
    };
    assert_eq!(at(1_234_567_890, 123_456_789), 1_234_567_890_123_456_789);
    assert_eq!(at(-2, 500_000_000), -1_500_000_000);
}

#[test]
fn attributes_of_any_length_are_told() {
    let root = tree(&["f"]);
    let file = root.path().join("f");
    let long = vec![7; 1000];
    let set = |name: &str, value: &[u8]| {
        rustix::fs::setxattr(&file, name, value, rustix::fs::XattrFlags::empty())
    };
    if set("user.long", &long).is_err() {
        return; // Not every file system has them.
    }
    set("user.com.apple.x", b"kept").unwrap();
    let mut told = entries(root.path(), &Filter::default())
        .remove(0)
        .attributes;
    told.retain(|(name, _)| name.starts_with(b"user."));
    told.sort();
    let expected = [
        (b"user.com.apple.x".to_vec(), b"kept".to_vec()),
        (b"user.long".to_vec(), long),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_name_that_is_no_text_keeps_its_bytes_and_can_be_opened() {
    let root = tree(&[]);
    let name = b"a\xffb";
    if fs::write(root.path().join(std::ffi::OsStr::from_bytes(name)), "x").is_err() {
        return; // Not every file system takes it.
    }
    let walk = Walk::new(root.path(), &Filter::default()).unwrap();
    let entry = walk.entries().next().unwrap().unwrap();
    assert_eq!(entry.path, name);
    let content = io::read_to_string(walk.open(&entry.path).unwrap()).unwrap();
    assert_eq!(content, "x");
}

#[test]
fn the_root_may_be_a_link_and_must_be_a_directory() {
    let root = tree(&["real/f", "link -> real"]);
    let all = entries(&root.path().join("link"), &Filter::default());
    assert_eq!(all.len(), 1);

    let error = |name| Walk::new(&root.path().join(name), &Filter::default()).unwrap_err();
    assert!(matches!(error("real/f"), WalkError::NotADirectory(_)));
    assert!(matches!(error("nowhere"), WalkError::Root { .. }));
    assert!(error("nowhere").to_string().contains("nowhere"));
}

#[test]
fn what_vanishes_during_the_walk_is_passed_over_and_the_rest_is_told() {
    let root = tree(&["a", "b", "c/x", "d"]);
    let walk = Walk::new(root.path(), &Filter::default()).unwrap();
    let mut entries = walk.entries();
    assert_eq!(entries.next().unwrap().unwrap().path, b"a");
    fs::remove_file(root.path().join("b")).unwrap();
    assert_eq!(entries.next().unwrap().unwrap().path, b"c");
    fs::remove_dir_all(root.path().join("c")).unwrap();
    let rest: Vec<_> = entries.map(|entry| entry.unwrap().path).collect();
    assert_eq!(rest, [b"d"]);
}

#[test]
fn a_directory_that_became_a_link_is_not_entered() {
    let root = tree(&["a", "b/x", "elsewhere/secret"]);
    let walk = Walk::new(root.path(), &Filter::default()).unwrap();
    let mut entries = walk.entries();
    entries.next();
    fs::remove_dir_all(root.path().join("b")).unwrap();
    symlink("elsewhere", root.path().join("b")).unwrap();
    let rest: Vec<_> = entries.map(|entry| entry.unwrap().path).collect();
    assert_eq!(rest, [&b"b"[..], b"elsewhere", b"elsewhere/secret"]);
}

#[test]
fn a_directory_that_cannot_be_read_is_an_error_only_when_it_is_wanted() {
    let root = tree(&["open/x", "shut/x"]);
    let shut = root.path().join("shut");
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&shut).is_ok() {
        return; // Nothing is shut to root.
    }
    let walk = |exclude: &[&str]| {
        let exclude = strings(exclude);
        let filter = Filter {
            exclude,
            ..Filter::default()
        };
        let walk = Walk::new(root.path(), &filter).unwrap();
        walk.entries().collect::<Vec<_>>()
    };
    let all = walk(&[]);
    assert_eq!(
        all.len(),
        4,
        "open, open/x, shut and the error, then no more"
    );
    assert!(matches!(all[3], Err(WalkError::Directory { .. })));
    assert!(walk(&["shut"]).iter().all(Result::is_ok));
    assert!(walk(&["shut", "!shut/x"]).iter().all(Result::is_ok));
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_broken_pattern_ends_the_walk_when_it_is_needed() {
    let root = tree(&["a", "b"]);
    let filter = Filter {
        exclude: strings(&["a", "\\o"]),
        ..Filter::default()
    };
    let walk = Walk::new(root.path(), &filter).unwrap();
    let all: Vec<_> = walk.entries().collect();
    assert!(matches!(all[..], [Err(WalkError::Pattern(_))]), "{all:?}");
}

fn trees() -> impl Strategy<Value = Vec<String>> {
    let file = prop::collection::vec("[ab.é-]{1,2}", 1..4).prop_map(|path| path.join("/"));
    let file = file.prop_filter("inside", |path| {
        path.split('/').all(|e| e != "." && e != "..")
    });
    prop::collection::vec(file, 0..12)
}

/// As much of `files` as can be: a name cannot be a file and a directory.
fn grow(files: &[String]) -> tempfile::TempDir {
    let root = tree(&[]);
    for file in files {
        let file = root.path().join(file);
        if fs::create_dir_all(file.parent().unwrap()).is_ok() {
            let _ = fs::write(file, "");
        }
    }
    root
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_is_that_of_the_lists_of_names(files in trees()) {
        let root = grow(&files);
        let told = entries(root.path(), &Filter::default());
        let names: Vec<Vec<&[u8]>> =
            told.iter().map(|entry| entry.path.split(|byte| *byte == b'/').collect()).collect();
        prop_assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    }

    #[test]
    fn pruning_changes_nothing(
        files in trees(),
        exclude in prop::collection::vec("(\\*\\*/)?[ab.*]{1,2}(/[ab]{1,2})?", 0..4),
    ) {
        let root = grow(&files);
        let patterns = Patterns::compile(&exclude).unwrap();
        let mut expected = entries(root.path(), &Filter::default());
        expected.retain(|entry| !patterns.matches(&entry.path).unwrap());
        let filter = Filter { exclude, ..Filter::default() };
        prop_assert_eq!(entries(root.path(), &filter), expected);
    }

    #[test]
    fn every_entry_comes_after_its_parent(
        files in trees(),
        include in prop::collection::vec("!?(\\*\\*/)?[ab.*]{1,2}(/[ab]{1,2})?", 0..3),
        exclude in prop::collection::vec("!?(\\*\\*/)?[ab.*]{1,2}(/[ab]{1,2})?", 0..4),
    ) {
        let root = grow(&files);
        let filter = Filter { include, exclude, ..Filter::default() };
        let mut seen = std::collections::HashSet::new();
        for entry in entries(root.path(), &filter) {
            if let Some(at) = entry.path.iter().rposition(|byte| *byte == b'/') {
                prop_assert!(seen.contains(&entry.path[..at]), "{:?}", entry.path);
            }
            prop_assert!(seen.insert(entry.path));
        }
    }
}
