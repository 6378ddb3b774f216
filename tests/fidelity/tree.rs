//! Directory trees: odd ones, random ones, and what is in them.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags, makedev, mknodat, setxattr,
    utimensat,
};
use sha2::{Digest, Sha256};

/// Whether names may be other than UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// Any bytes.
    Bytes,
    /// UTF-8 only.
    Text,
}

/// Fills `root` with one of every kind of file that a context can have. `salt` makes it unlike any
/// other tree.
pub fn odd(root: &Path, salt: &str, names: Names) {
    let root = Root(root);
    root.file("salt", salt);
    root.modes();
    root.links();
    root.specials();
    root.names(names);
    root.sizes_and_times();
    root.ignored();
    let labelled = root.file("attributes/file", "labelled");
    for (name, value) in [
        ("user.dcb.one", "1"),
        ("user.dcb.empty", ""),
        ("user.dcb.ünï", "ö\n"),
    ] {
        attribute(&labelled, name, value.as_bytes());
        attribute(labelled.parent().expect("a parent"), name, value.as_bytes());
    }
    attribute(&labelled, "user.dcb.long", &[b'x'; 1000]);
}

struct Root<'a>(&'a Path);

impl Root<'_> {
    fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        path
    }

    fn file(&self, path: impl AsRef<Path>, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.at(path);
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }

    fn directory(&self, path: &str) -> PathBuf {
        let path = self.at(path);
        fs::create_dir_all(&path).expect("a directory");
        path
    }

    fn symlink(&self, target: impl AsRef<Path>, path: &str) {
        symlink(target, self.at(path)).expect("a link");
    }

    fn hard_link(&self, first: &str, second: &str) {
        let second = self.at(second);
        fs::hard_link(self.0.join(first), second).expect("a link");
    }

    fn modes(&self) {
        for bits in [
            0o000, 0o111, 0o400, 0o600, 0o644, 0o755, 0o777, 0o1644, 0o2755, 0o4755, 0o7777,
        ] {
            chmod(
                &self.file(format!("modes/file-{bits:o}"), format!("{bits:o}")),
                bits,
            );
            self.file(format!("modes/dir-{bits:o}/in-it"), format!("{bits:o}"));
            chmod(&self.0.join(format!("modes/dir-{bits:o}")), bits);
        }
        self.directory("empty/also/empty");
    }

    fn links(&self) {
        self.file("links/z-first", "several names");
        self.hard_link("links/z-first", "a-second");
        self.hard_link("links/z-first", "links/a-third");
        // Its first name in order is not sent.
        self.file("ignored/first", "one name is ignored");
        self.hard_link("ignored/first", "links/second-of-ignored");
        self.hard_link("ignored/first", "links/third-of-ignored");
        self.file("links/target/deep/file", "through a link");
        self.file("links/target/other", "through a link too");
        self.symlink("target", "links/to-directory");
        self.symlink("to-directory/deep", "links/chain");
        self.symlink("target/deep/file", "links/to-file");
        self.symlink("/links/target", "links/absolute");
        self.symlink("/etc/hostname", "links/outside");
        self.symlink("../../../../etc", "links/above");
        self.symlink("nowhere/at/all", "links/dangling");
        self.symlink("loop", "links/loop");
        self.symlink(".", "links/self");
        self.symlink("target/../target//deep/./file", "links/unclean");
        self.symlink("x/".repeat(1000), "links/long");
        self.symlink("ünï ☂", "links/unicode");
        self.hard_link("links/dangling", "links/dangling-again");
    }

    fn specials(&self) {
        let node = |path: &str, kind, mode: u32, device| {
            mknodat(CWD, self.at(path), kind, Mode::from_raw_mode(mode), device).expect("a node");
        };
        node("special/fifo", FileType::Fifo, 0o640, 0);
        self.hard_link("special/fifo", "special/fifo-again");
        drop(UnixListener::bind(self.at("special/socket")).expect("a socket"));
        if rustix::process::geteuid().is_root() {
            node(
                "special/null",
                FileType::CharacterDevice,
                0o666,
                makedev(1, 3),
            );
            node(
                "special/null-again",
                FileType::CharacterDevice,
                0o600,
                makedev(1, 3),
            );
            node(
                "special/loop",
                FileType::BlockDevice,
                0o660,
                makedev(7, 300),
            );
            self.hard_link("special/null", "special/null-linked");
        }
    }

    fn names(&self, names: Names) {
        for name in [
            "a space",
            " leading",
            "trailing ",
            "-dash",
            "--",
            "-f",
            "tab\there",
            "new\nline",
            "quote\"'`",
            "back\\slash",
            "star*",
            "q?",
            "[brackets]",
            "{braces}",
            "#hash",
            "!bang",
            "$VAR",
            "${VAR}",
            "%41",
            "+plus",
            "a:b",
            "c,d",
            "e=f",
            "...",
            "~",
            "&;|<>",
            "\u{1}\u{7f}",
            "ünï",
            "u\u{308}ni",
            "日本語",
            "🦀",
            "\u{202e}rtl",
        ] {
            self.file(format!("names/{name}"), name);
        }
        self.file(format!("names/{}", "n".repeat(255)), "longest");
        self.file(format!("names/{}", "語".repeat(85)), "longest in bytes");
        self.file(vec!["deep-path"; 40].join("/"), "deep");
        self.file("names-a/x", "order");
        self.file("names.txt", "order");
        if names == Names::Bytes {
            self.file(OsStr::from_bytes(b"names/caf\xe9"), "latin-1");
            self.file(OsStr::from_bytes(b"names/\xff\xfe/\x80"), "no text");
            symlink(OsStr::from_bytes(b"caf\xe9"), self.at("names/to-latin-1")).expect("a link");
        }
    }

    fn sizes_and_times(&self) {
        for size in [
            0,
            1,
            32 << 10,
            (256 << 10) - 1,
            256 << 10,
            (256 << 10) + 1,
            1_000_000,
        ] {
            let bytes: Vec<u8> = (0..=250).cycle().take(size).collect();
            self.file(format!("sizes/{size}"), bytes);
        }
        for (name, seconds) in [
            ("epoch", 0),
            ("before-epoch", -12_345),
            ("far", 4_000_000_000),
        ] {
            touch(
                &self.file(format!("times/{name}"), name),
                seconds,
                123_456_789,
            );
        }
    }

    fn ignored(&self) {
        self.file("ignored/keep/file", "negated inside an ignored directory");
        self.file("ignored/keep/not.tmp", "ignored again");
        self.file("ignored/other/file", "ignored");
        self.file("rooted", "ignored: the slash changes nothing");
        self.file("deep/rooted", "sent: patterns are anchored");
        self.file("deep/er/x.skip", "ignored");
        self.file("deep/er/important.skip", "negated");
        self.file("a.tmp", "ignored");
        self.file("deep/a.tmp", "sent");
        self.file("ends-in-slash/file", "ignored");
        self.file(
            "only-ignored/x.skip",
            "ignored, which leaves an empty directory",
        );
    }
}

/// The ignore file that goes with [`odd`].
pub const ODD_IGNORES: &str = "\u{feff}# a comment
ignored
!ignored/keep
ignored/keep/*.tmp
/rooted
ends-in-slash/
**/*.skip
!**/important.skip

   *.tmp  
 # not a comment
";

/// Puts about a dozen things below `root`, of names that [`super::patterns`] knows.
pub fn random(root: &Path, rng: &mut Rng) {
    fs::create_dir_all(root).expect("a directory");
    let mut directories = vec![root.to_owned()];
    let mut files: Vec<PathBuf> = Vec::new();
    for _ in 0..rng.usize(4..18) {
        let parent = rng.choice(&directories).expect("the root").clone();
        let path = parent.join(name(rng));
        if path.symlink_metadata().is_ok() {
            continue;
        }
        match rng.u32(0..20) {
            0..=6 if directories.len() < 12 => {
                fs::create_dir(&path).expect("a directory");
                directories.push(path);
            }
            7..=8 => symlink(target(rng), &path).expect("a link"),
            9 if !files.is_empty() => {
                fs::hard_link(rng.choice(&files).expect("files"), &path).expect("a link");
            }
            10 => {
                mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o644), 0).expect("a pipe");
            }
            kind => {
                fs::write(&path, vec![b'x'; rng.usize(0..40)]).expect("a file");
                chmod(&path, if kind > 17 { 0o755 } else { 0o644 });
                files.push(path);
            }
        }
    }
}

/// Names that patterns often hit.
pub const NAMES: [&str; 22] = [
    "a",
    "b",
    "ab",
    "abc",
    "foo",
    "foobar",
    "foo.go",
    "a.go",
    "b.txt",
    "src",
    "node_modules",
    ".git",
    ".hidden",
    "a-b",
    "a.b",
    "x y",
    "ü",
    "[a]",
    "a*",
    "a\\b",
    "-a",
    "A",
];

fn name(rng: &mut Rng) -> &'static str {
    rng.choice(NAMES).expect("names")
}

fn target(rng: &mut Rng) -> String {
    let mut parts: Vec<&str> = (0..rng.usize(1..4)).map(|_| name(rng)).collect();
    if rng.u32(0..4) == 0 {
        parts.insert(0, "..");
    }
    parts.join("/")
}

fn chmod(path: &Path, bits: u32) {
    fs::set_permissions(path, Permissions::from_mode(bits)).expect("a mode");
}

fn attribute(path: &Path, name: &str, value: &[u8]) {
    setxattr(path, name, value, XattrFlags::empty()).expect("an attribute: is this a tmpfs?");
}

/// Sets when something was modified.
pub fn touch(path: &Path, seconds: i64, nanoseconds: i64) {
    let time = Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds,
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).expect("a time");
}

/// What is below a directory: a line for each path.
pub type Listing = BTreeMap<OsString, String>;

/// Lists what is below `root`: kind, mode, owner, size, time, target, device, other names, content.
pub fn list(root: &Path) -> Listing {
    let mut listing = Listing::new();
    let mut first_names = HashMap::new();
    add(root, Path::new(""), &mut listing, &mut first_names);
    listing
}

fn add(root: &Path, below: &Path, listing: &mut Listing, first_names: &mut HashMap<u64, PathBuf>) {
    let directory = root.join(below);
    let entries =
        fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut names: Vec<OsString> = entries
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    for name in names {
        let path = below.join(&name);
        let file = root.join(&path);
        let metadata = file.symlink_metadata().expect("metadata");
        let kind = metadata.file_type();
        let mut line = format!(
            "mode {:o}, owner {}:{}",
            metadata.mode(),
            metadata.uid(),
            metadata.gid()
        );
        // Old engines make directories anew.
        if !kind.is_dir() {
            line += &format!(", modified {}", metadata.mtime());
        }
        if kind.is_symlink() {
            line += &format!(
                ", to `{}`",
                fs::read_link(&file).expect("a target").display()
            );
        } else if kind.is_file() {
            let content = Sha256::digest(fs::read(&file).expect("content"));
            let content = u64::from_be_bytes(content[..8].try_into().expect("eight bytes"));
            line += &format!(", {} bytes {content:016x}", metadata.len());
        } else if kind.is_char_device() || kind.is_block_device() {
            line += &format!(", device {:x}", metadata.rdev());
        }
        if !kind.is_dir() && metadata.nlink() > 1 {
            let first = first_names
                .entry(metadata.ino())
                .or_insert_with(|| path.clone());
            line += &format!(", first called `{}`", first.display());
        }
        listing.insert(
            OsString::from_vec(path.as_os_str().as_bytes().to_vec()),
            line,
        );
        if kind.is_dir() {
            add(root, &path, listing, first_names);
        }
    }
}

/// The first differences of two listings, for people; empty when they are the same.
pub fn differences(left: (&str, &Listing), right: (&str, &Listing)) -> String {
    let paths: std::collections::BTreeSet<_> = left.1.keys().chain(right.1.keys()).collect();
    let differing: Vec<String> = paths
        .into_iter()
        .filter(|path| left.1.get(*path) != right.1.get(*path))
        .map(|path| {
            let side = |side: (&str, &Listing)| {
                format!(
                    "    {}: {}\n",
                    side.0,
                    side.1.get(path).map_or("nothing", String::as_str)
                )
            };
            format!("  `{}`\n{}{}", path.display(), side(left), side(right))
        })
        .collect();
    let shown: String = differing.iter().take(20).map(String::as_str).collect();
    match differing.len() {
        0 => String::new(),
        count => format!("{count} paths differ:\n{shown}"),
    }
}
