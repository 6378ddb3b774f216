//! What BuildKit's own clients answered, recorded once, against what `dcb` answers.
//!
//! The answers come from Go's `tonistiigi/fsutil` (2025-12-11) and `moby/patternmatcher` 0.6.0,
//! on random trees and patterns; of about two million comparisons these few are kept. One case a
//! line: `tests/context/patterns.jsonl` for patterns, `tests/context/walks.jsonl` for trees.

#![cfg(unix)]

use std::fs;
use std::path::Path;

use dcb::context::ignore::Patterns;
use dcb::context::walk::{Filter, Walk};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
struct PatternCase {
    /// As BuildKit sends it, or ...
    list: Option<Vec<String>>,
    /// ... as a `.dockerignore` has it.
    text: Option<String>,
    paths: Vec<String>,
    /// For each path `T`, `F`, or `E` for an error; `ERR` if the patterns are refused.
    expected: String,
}

#[derive(Deserialize)]
struct Tree {
    /// Path, kind and target of what there is.
    tree: Vec<(String, String, String)>,
    walks: Vec<WalkCase>,
}

#[derive(Debug, Deserialize)]
struct WalkCase {
    include: Vec<String>,
    exclude: Vec<String>,
    follow: Vec<String>,
    /// Path and, for links, target; nothing when the walk fails.
    told: Option<Vec<Vec<String>>>,
}

fn cases<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/context")
        .join(name);
    let text = fs::read_to_string(file).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn answer(case: &PatternCase) -> String {
    let patterns = match (&case.list, &case.text) {
        (Some(list), _) => Patterns::compile(list),
        (None, text) => Patterns::parse(text.as_deref().unwrap_or_default()),
    };
    let Ok(patterns) = patterns else {
        return "ERR".to_owned();
    };
    let verdicts = case.paths.iter();
    verdicts
        .map(|path| match patterns.matches(path.as_bytes()) {
            Ok(true) => 'T',
            Ok(false) => 'F',
            Err(_) => 'E',
        })
        .collect()
}

#[test]
fn patterns_match_what_they_match_for_buildkit() {
    let cases = cases::<PatternCase>("patterns.jsonl");
    assert!(cases.len() > 500);
    for case in cases {
        let patterns = (&case.list, &case.text);
        assert_eq!(
            answer(&case),
            case.expected,
            "{patterns:?} on {:?}",
            case.paths
        );
    }
}

fn grow(root: &Path, tree: &[(String, String, String)]) {
    for (path, kind, target) in tree {
        let path = root.join(path);
        match kind.as_str() {
            "directory" => fs::create_dir(path),
            "file" => fs::write(path, "x"),
            "hardlink" => fs::hard_link(root.join(target), path),
            "symlink" => std::os::unix::fs::symlink(target, path),
            other => panic!("unknown kind `{other}`"),
        }
        .unwrap();
    }
}

fn walk(root: &Path, case: &WalkCase) -> Option<Vec<Vec<String>>> {
    let filter = Filter {
        include: case.include.clone(),
        exclude: case.exclude.clone(),
        follow: case.follow.clone(),
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let walk = Walk::new(root, &filter).ok()?;
    walk.entries()
        .map(|entry| {
            let entry = entry.ok()?;
            let mut told = vec![text(entry.path)];
            told.extend((!entry.link.is_empty()).then(|| text(entry.link)));
            Some(told)
        })
        .collect()
}

#[test]
fn walks_tell_what_they_tell_buildkit() {
    let trees = cases::<Tree>("walks.jsonl");
    assert!(trees.len() > 20);
    for tree in trees {
        let root = tempfile::tempdir().unwrap();
        grow(root.path(), &tree.tree);
        for case in &tree.walks {
            assert_eq!(walk(root.path(), case), case.told, "{case:?}");
        }
    }
}
