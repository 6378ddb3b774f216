use super::*;
use crate::context::testing::tree;

/// The patterns that follow from `paths` in a tree of `lines`; `["."]` for all.
#[track_caller]
fn check(lines: &[&str], paths: &[&str], expected: &[&str]) {
    let root = tree(lines);
    let patterns = follow(root.path(), paths).unwrap();
    let patterns = patterns.unwrap_or_else(|| vec![b".".to_vec()]);
    let patterns: Vec<_> = patterns
        .iter()
        .map(|p| String::from_utf8_lossy(p))
        .collect();
    assert_eq!(patterns, expected, "{lines:?} {paths:?}");
}

#[test]
fn a_path_without_links_is_its_own_pattern() {
    check(&["a/b"], &["a/b"], &["a/b"]);
    check(&["a/b"], &["/a//b/../b/"], &["a/b"]);
    check(&[], &["not/there"], &["not/there"]);
    check(&["a/b"], &["."], &["."]);
    check(&["a/b"], &["a", "/"], &["."]);
}

#[test]
fn patterns_are_sorted_and_not_nested() {
    check(&[], &["c", "a/b", "a"], &["a", "c"]);
    // Sorted as text, another pattern may stand between a directory and what is in it.
    check(&[], &["a/b", "a", "a-b"], &["a", "a-b", "a/b"]);
}

#[test]
fn links_are_followed_wherever_they_are_on_the_way() {
    check(&["l -> a/b"], &["l"], &["a/b", "l"]);
    check(&["l -> a/b"], &["l/c/d"], &["a/b/c/d", "l"]);
    check(
        &["a/l -> ../b", "b/m -> ./c"],
        &["a/l/m"],
        &["a/l", "b/c", "b/m"],
    );
    check(&["a -> b", "b -> c", "c"], &["a"], &["a", "b", "c"]);
}

#[test]
fn links_stay_in_the_context() {
    check(&["l -> /etc/x"], &["l"], &["etc/x", "l"]);
    check(&["a/l -> ../../../x"], &["a/l"], &["a/l", "x"]);
    check(&["l -> .."], &["l"], &["."]);
    check(&["l -> /"], &["l/a"], &["a", "l"]);
    check(&["l -> x"], &["../l"], &["../l"]);
}

#[test]
fn cycles_end() {
    check(&["l -> l"], &["l"], &["l"]);
    check(&["a -> b", "b -> a"], &["a/x"], &["a", "b"]);
    check(&["a -> a/a"], &["a"], &["a"]);
}

#[test]
fn a_wildcard_stands_for_the_links_that_match_it() {
    let lines = ["a/l -> /x", "a/m -> /y", "a/n", "l* -> z"];
    check(&lines, &["a/*"], &["a/*", "x", "y"]);
    check(&lines, &["a/l*"], &["a/l*", "x"]);
    check(&lines, &["a/[lm]/q"], &["a/[lm]", "x/q", "y/q"]);
    check(&lines, &["a/n*"], &["a/n*"]);
    check(&lines, &["*/n"], &["*", "z/n"]);
    check(&lines, &["nowhere/*"], &["nowhere/*"]);
    check(&lines, &["a/["], &["a/["]);
    // Links behind a wildcard directory are not found.
    check(&["a/l -> /x"], &["*/l"], &["*/l"]);
}

#[test]
fn a_link_is_followed_once_and_a_second_path_through_it_is_lost() {
    check(&["l -> d"], &["l/a", "l/b"], &["d/a", "l"]);
}

#[test]
fn a_long_chain_of_links_is_no_matter() {
    let lines: Vec<_> = (0..3000)
        .map(|i| format!("{i:04} -> {:04}", i + 1))
        .collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let root = tree(&lines);
    let patterns = follow(root.path(), &["0000"]).unwrap().unwrap();
    assert_eq!(patterns.len(), 3001);
}
