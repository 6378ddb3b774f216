//! Whatever bytes are in the files of a project, loading it ends, soon, and without a panic; and
//! what is wrong in a file is told with its place.
//!
//! There is no nightly compiler for cargo-fuzz here, so this does by hand what pays most of it: it
//! takes the golden projects, whose files reach every rule, and breaks them at random places with
//! what the composer, the interpolation and `.env` files have rules for. `DCB_CASES` is the number
//! of projects, `DCB_SEED` another seed than the usual one.
#![allow(
    clippy::disallowed_methods,
    reason = "tests read the environment they are given"
)]
#![allow(
    clippy::disallowed_macros,
    reason = "what was covered is told by the test itself"
)]

#[path = "support/case.rs"]
mod case;
#[path = "support/places.rs"]
mod places;
#[path = "support/seeds.rs"]
mod seeds;

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dcb::compose::{self, Request, Unloadable};
use dcb::diagnostic::Style;
use fastrand::Rng;
use seeds::Cases;

/// No project of this size takes nearly as long, even in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// The files of one golden case, by their path in it.
struct Case {
    folder: PathBuf,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

#[test]
fn broken_projects_load_or_are_refused() {
    let cases = Cases::asked(4000);
    let corpus: Vec<Case> = case::folders().into_iter().map(read).collect();
    let loaded = AtomicUsize::new(0);
    seeds::side_by_side(
        cases.count,
        || tempfile::tempdir().expect("a directory"),
        |place, index| {
            let whole = try_one(&mut cases.rng(index), &corpus, place.path());
            loaded.fetch_add(usize::from(whole), Ordering::Relaxed);
        },
    );
    let loaded = loaded.into_inner();
    println!("{loaded} of {} were still projects", cases.count);
}

fn read(folder: PathBuf) -> Case {
    Case {
        files: case::files(&folder),
        folder,
    }
}

/// Loads one broken project in `place`, and tells whether it still was one.
fn try_one(rng: &mut Rng, corpus: &[Case], place: &Path) -> bool {
    let case = &corpus[rng.usize(..corpus.len())];
    let mut files = case.files.clone();
    for _ in 0..=rng.u8(..3) {
        let other = &corpus[rng.usize(..corpus.len())];
        let keys: Vec<PathBuf> = files.keys().cloned().collect();
        let Some(key) = keys.get(rng.usize(..keys.len().max(1))) else {
            break;
        };
        let bytes = files.get_mut(key).expect("a file");
        break_at_random(rng, bytes, other);
    }
    let folder = place.join("proj");
    // It is not there the first time.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a directory");
    for (name, bytes) in &files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, bytes).expect("a file");
    }
    let request = moved(case::request(&case.folder), &case.folder, &folder);
    let began = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| compose::load(&request)));
    let result = result.unwrap_or_else(|_| panic!("a panic: {}", told(&files)));
    assert!(
        began.elapsed() < PATIENCE,
        "{:?}: {}",
        began.elapsed(),
        told(&files)
    );
    let loads = result.is_ok();
    let errors = result.err().map(Unloadable::into_diagnostics);
    for error in errors.iter().flatten() {
        let placed = places::is_placed(error, &request);
        assert!(placed, "no place: {error}: {}", told(&files));
        // Whatever the place is, it can be shown.
        error.render(Style::Plain);
    }
    loads
}

fn moved(mut request: Request, from: &Path, to: &Path) -> Request {
    let inside = request
        .directory
        .strip_prefix(from)
        .unwrap_or(Path::new(""));
    request.directory = to.join(inside);
    if !request.directory.is_dir() {
        request.directory = to.to_owned();
    }
    let pwd = request.directory.to_string_lossy().into_owned();
    request.environment.insert("PWD".to_owned(), pwd);
    request
}

fn told(files: &BTreeMap<PathBuf, Vec<u8>>) -> String {
    let shown = files.iter();
    shown
        .map(|(name, bytes)| {
            format!(
                "\n# {}\n{:?}",
                name.display(),
                String::from_utf8_lossy(bytes)
            )
        })
        .collect()
}

/// What rules are about.
const TOKENS: [&str; 74] = [
    "!reset ",
    "!override ",
    "!!str ",
    "!!int ",
    "!!float ",
    "!!binary ",
    "!",
    "!<",
    "&a ",
    "*a",
    "<<: ",
    "<<: *a\n",
    "- ",
    ": ",
    "? ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\"",
    "'",
    "|",
    ">",
    "|2-\n",
    "#",
    "%YAML 1.1\n",
    "---\n",
    "...\n",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "  ",
    "\0",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "é",
    "\u{10ffff}",
    "${",
    "${A",
    "${A:-",
    "${A:?",
    "}",
    "$",
    "$$",
    "${A:-${B}}",
    "~",
    "null",
    "true",
    "1e999",
    "-9223372036854775809",
    "0x",
    ".nan",
    "2001-01-01",
    "1:2",
    "services:\n",
    "  a:\n",
    "    build:\n",
    "include: [compose.yaml]\n",
    "extends: a\n",
    "extends: {service: a, file: compose.yaml}\n",
    "depends_on: [a]\n",
    "additional_contexts: {a: 'service:a'}\n",
    "secrets: [s]\n",
    "name: ",
    "export ",
    "A=",
    "\\",
    "\\u00e9",
    "\\x",
    "=",
    "profiles: [p]\n",
];

fn break_at_random(rng: &mut Rng, bytes: &mut Vec<u8>, other: &Case) {
    let sources: Vec<&Vec<u8>> = other.files.values().collect();
    let Some(source) = sources.get(rng.usize(..sources.len().max(1))) else {
        return;
    };
    let at = rng.usize(..=bytes.len());
    let end = at + rng.usize(..=(bytes.len() - at).min(40));
    let token = TOKENS[rng.usize(..TOKENS.len())].as_bytes();
    match rng.u8(..12) {
        0 if at < bytes.len() => bytes[at] = rng.u8(..),
        1 => drop(bytes.drain(at..end)),
        2 => {
            let part = bytes[at..end].repeat(1 + rng.usize(..30));
            bytes.splice(at..at, part);
        }
        3 => {
            let part = bytes[at..end].to_vec();
            let to = rng.usize(..=bytes.len());
            bytes.splice(to..to, part);
        }
        4 => {
            let from = rng.usize(..=source.len());
            bytes.splice(at..end, source[from..].iter().copied());
        }
        // What leaves most of the syntax whole reaches the rules behind it.
        5 | 6 => {
            let (from, to) = around(bytes, at, is_word);
            let (other_from, other_to) = around(source, rng.usize(..=source.len()), is_word);
            bytes.splice(from..to, source[other_from..other_to].iter().copied());
        }
        7 => {
            let (from, to) = around(bytes, at, is_word);
            bytes.splice(from..to, token.iter().copied());
        }
        8 => {
            let (from, to) = around(bytes, at, |byte| byte != b'\n');
            let (other_from, other_to) =
                around(source, rng.usize(..=source.len()), |byte| byte != b'\n');
            let to = if rng.bool() { to } else { from };
            let line = [&source[other_from..other_to], b"\n"].concat();
            bytes.splice(from..to, line);
        }
        _ => drop(bytes.splice(at..at, token.iter().copied())),
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_$./-".contains(&byte)
}

/// The run of bytes around `at` that fit.
fn around(bytes: &[u8], at: usize, fits: impl Fn(u8) -> bool) -> (usize, usize) {
    let before = bytes[..at]
        .iter()
        .rev()
        .take_while(|byte| fits(**byte))
        .count();
    let behind = bytes[at..].iter().take_while(|byte| fits(**byte)).count();
    (at - before, at + behind)
}
