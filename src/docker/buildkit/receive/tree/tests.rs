//! What is sent is written as it was sent, and never outside of the destination, whoever sends it.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use proptest::prelude::*;

use super::*;

fn stat(path: &str, mode: u32, link: &str) -> Stat {
    Stat {
        path: path.as_bytes().to_vec(),
        mode,
        link: link.as_bytes().to_vec(),
        modified: 1_000_000_000_123_456_789,
        ..Stat::default()
    }
}

fn directory(path: &str) -> Stat {
    stat(path, mode::DIRECTORY | 0o755, "")
}

fn file(path: &str) -> Stat {
    stat(path, 0o644, "")
}

/// Receives `entries` into `place`; every file holds its own name.
fn receive(place: &Path, entries: &[Stat]) -> io::Result<()> {
    let mut tree = Tree::new(place)?;
    for entry in entries {
        tree.entry(entry.clone())?;
    }
    while let Some(id) = tree.wish() {
        let path = entries[id as usize].path.clone();
        tree.data(id, &path)?;
        tree.data(id, b"")?;
    }
    assert!(tree.is_whole());
    tree.finish()
}

/// Everything below `place` with what it is, links not followed.
fn found(place: &Path) -> BTreeMap<String, String> {
    fn below(root: &Path, directory: &Path, found: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            let metadata = path.symlink_metadata().expect("metadata");
            let what = if metadata.is_dir() {
                below(root, &path, found);
                format!("directory {:o}", metadata.mode() & 0o7777)
            } else if metadata.is_symlink() {
                format!("-> {}", fs::read_link(&path).expect("a link").display())
            } else {
                let text = fs::read_to_string(&path).expect("text");
                format!("{:o} {text}", metadata.mode() & 0o7777)
            };
            let name = path.strip_prefix(root).expect("below");
            found.insert(name.display().to_string(), what);
        }
    }
    let mut all = BTreeMap::new();
    below(place, place, &mut all);
    all
}

fn shown(place: &Path) -> Vec<String> {
    let found = found(place).into_iter();
    found
        .map(|(name, what)| format!("{name}: {what}"))
        .collect()
}

#[test]
fn what_is_sent_is_there_with_modes_times_and_links() {
    let place = tempfile::tempdir().expect("a directory");
    let out = place.path().join("new/out");
    let mut set_user = file("closed/tool");
    set_user.mode = mode::SETUID | 0o755;
    let mut closed = directory("closed");
    closed.mode = mode::DIRECTORY | 0o555;
    let mut shared = directory("z");
    shared.mode = mode::DIRECTORY | mode::STICKY | 0o777;
    receive(
        &out,
        &[
            stat("away", mode::SYMLINK | 0o777, "/nowhere/at all"),
            closed,
            set_user,
            file("closed-file"),
            stat("twin", 0o644, "closed-file"),
            shared,
        ],
    )
    .expect("received");
    assert_eq!(
        shown(&out),
        [
            "away: -> /nowhere/at all",
            "closed: directory 555",
            "closed-file: 644 closed-file",
            "closed/tool: 4755 closed/tool",
            "twin: 644 closed-file",
            "z: directory 1777",
        ]
    );
    let metadata = |name: &str| out.join(name).symlink_metadata().expect("metadata");
    assert_eq!(metadata("twin").ino(), metadata("closed-file").ino());
    for name in ["away", "closed", "closed/tool", "closed-file", "z"] {
        let metadata = metadata(name);
        let time = (metadata.mtime(), metadata.mtime_nsec());
        assert_eq!(time, (1_000_000_000, 123_456_789), "{name}");
    }
    assert_eq!(shown(place.path()).len(), 8, "nothing else is left");
}

#[test]
fn what_is_there_is_replaced_and_what_is_not_sent_stays() {
    let place = tempfile::tempdir().expect("a directory");
    let outside = tempfile::tempdir().expect("a directory");
    let write = |path: &str| fs::write(place.path().join(path), "mine").expect("written");
    fs::create_dir_all(place.path().join("becomes-file/deep")).expect("made");
    write("becomes-file/deep/x");
    write("becomes-directory");
    write("becomes-link");
    write("stays");
    write("replaced");
    std::os::unix::fs::symlink(outside.path(), place.path().join("link")).expect("a link");
    let alias = place.path().join("alias");
    let mine = outside.path().join("mine");
    fs::write(&mine, "mine").expect("written");
    std::os::unix::fs::symlink(&mine, alias).expect("a link");
    receive(
        place.path(),
        &[
            file("alias"),
            directory("becomes-directory"),
            file("becomes-directory/x"),
            file("becomes-file"),
            stat("becomes-link", mode::SYMLINK | 0o777, "stays"),
            directory("link"),
            file("link/x"),
            file("replaced"),
        ],
    )
    .expect("received");
    assert_eq!(
        shown(place.path()),
        [
            "alias: 644 alias",
            "becomes-directory: directory 755",
            "becomes-directory/x: 644 becomes-directory/x",
            "becomes-file: 644 becomes-file",
            "becomes-link: -> stays",
            "link: directory 755",
            "link/x: 644 link/x",
            "replaced: 644 replaced",
            &format!(
                "stays: {:o} mine",
                fs::metadata(place.path().join("stays"))
                    .expect("metadata")
                    .permissions()
                    .mode()
                    & 0o7777
            ),
        ]
    );
    assert_eq!(fs::read_to_string(mine).expect("text"), "mine");
    assert_eq!(shown(outside.path()).len(), 1, "nothing went through links");
}

#[test]
fn what_breaks_off_leaves_nothing_half_written() {
    let place = tempfile::tempdir().expect("a directory");
    let out = place.path().join("out");
    let begin = |destination: &Path| {
        let mut tree = Tree::new(destination).expect("a tree");
        tree.entry(file("one")).expect("an entry");
        tree.entry(file("two")).expect("an entry");
        let (one, two) = (tree.wish().expect("a wish"), tree.wish().expect("a wish"));
        tree.data(one, b"whole").expect("data");
        tree.data(one, b"").expect("data");
        tree.data(two, b"ha").expect("data");
        tree
    };
    drop(begin(&out));
    assert_eq!(
        shown(place.path()),
        [""; 0],
        "a new directory never appears"
    );
    fs::create_dir(&out).expect("made");
    drop(begin(&out));
    assert_eq!(shown(&out), ["one: 644 whole"]);
}

#[test]
fn a_sender_that_does_not_keep_the_rules_is_refused() {
    let link = |path: &str, target: &str| stat(path, mode::SYMLINK | 0o777, target);
    let hard = |path: &str, target: &str| stat(path, 0o644, target);
    for (why, entries) in [
        ("is no plain path", vec![file("../x")]),
        ("is no plain path", vec![file("/x")]),
        ("is no plain path", vec![file("")]),
        ("is no plain path", vec![directory("a"), file("a/./x")]),
        ("is no plain path", vec![directory("a"), file("a//x")]),
        ("is no plain path", vec![directory("a"), file("a/../../x")]),
        ("is no plain path", vec![file("a\0b")]),
        (
            "is in no directory that was sent",
            vec![link("a", "/tmp"), file("a/x")],
        ),
        (
            "is in no directory that was sent",
            vec![file("a"), file("a/x")],
        ),
        ("is in no directory that was sent", vec![file("a/x")]),
        ("is out of order", vec![link("a", "/tmp"), directory("a")]),
        ("is out of order", vec![file("b"), file("a")]),
        ("is out of order", vec![file("a-b"), directory("a")]),
        (
            "is a link to what was not sent",
            vec![hard("a", "../../etc/passwd")],
        ),
        (
            "is a link to what was not sent",
            vec![link("a", "/etc"), hard("b", "a/passwd")],
        ),
        (
            "is a link to what was not sent",
            vec![link("a", "/etc/passwd"), hard("b", "a")],
        ),
    ] {
        let place = tempfile::tempdir().expect("a directory");
        let error = receive(&place.path().join("out"), &entries).expect_err(why);
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(shown(place.path()), [""; 0]);
    }
    let place = tempfile::tempdir().expect("a directory");
    let mut tree = Tree::new(place.path()).expect("a tree");
    tree.entry(file("a")).expect("an entry");
    assert!(tree.data(0, b"x").is_err(), "nobody asked");
    assert!(tree.data(7, b"x").is_err(), "there is no such file");
}

/// An entry of a hostile sender.
fn any_entry() -> impl Strategy<Value = Stat> {
    let path = "(\\.\\./|/|\\./)?[ab](/[ab]|/\\.\\.|//|/\\.){0,3}";
    let kind = prop::sample::select(vec![
        mode::DIRECTORY | 0o755,
        mode::DIRECTORY,
        mode::SYMLINK | 0o777,
        0o644,
        0,
    ]);
    let link = prop::sample::select(vec!["", "a", "b", "a/b", "..", "../outside", "/", "../.."]);
    (path, kind, link).prop_map(|(path, kind, link)| stat(&path, kind, link))
}

proptest! {
    #[test]
    fn nothing_is_ever_written_outside(
        sent in prop::collection::vec(any_entry(), 1..12),
        sort in any::<bool>(),
        there in prop::sample::select(vec!["", "a", "b"]),
    ) {
        let mut sent = sent;
        if sort {
            sent.sort_by(|one, other| order(&one.path, &other.path));
            sent.dedup_by(|one, other| one.path == other.path);
        }
        let place = tempfile::tempdir().expect("a directory");
        let out = place.path().join("out");
        fs::create_dir(place.path().join("outside")).expect("made");
        fs::write(place.path().join("outside/a"), "mine").expect("written");
        if !there.is_empty() {
            fs::create_dir(&out).expect("made");
            std::os::unix::fs::symlink("../outside", out.join(there)).expect("a link");
        }
        let mut tree = Tree::new(&out).expect("a tree");
        // Each entry by itself: one that is refused does not end the attack.
        for entry in sent {
            let _ = tree.entry(entry);
            while let Some(id) = tree.wish() {
                let _ = tree.data(id, b"theirs");
                let _ = tree.data(id, b"");
            }
        }
        let _ = tree.finish();
        let mut around = found(place.path());
        around.retain(|name, _| name.starts_with("outside"));
        let around: Vec<(String, String)> = around.into_iter().collect();
        prop_assert_eq!(around.len(), 2);
        prop_assert!(around[1].1.ends_with("mine"));
        let names = fs::read_dir(place.path()).expect("a directory");
        for name in names {
            let name = name.expect("an entry").file_name();
            prop_assert!(name == "out" || name == "outside", "{:?}", name);
        }
    }
}
