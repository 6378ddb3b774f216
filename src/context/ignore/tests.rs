use super::*;
use proptest::prelude::*;

fn ignored(text: &str, path: &str) -> bool {
    Patterns::parse(text)
        .unwrap()
        .matches(path.as_bytes())
        .unwrap()
}

#[track_caller]
fn check(table: &[(&str, &str, bool)]) {
    for (patterns, path, expected) in table {
        assert_eq!(ignored(patterns, path), *expected, "{patterns:?} {path:?}");
    }
}

#[test]
fn a_pattern_is_anchored_and_takes_what_is_below_along() {
    check(&[
        ("foo", "foo", true),
        ("foo", "foo/bar/baz", true),
        ("foo", "a/foo", false),
        ("foo", "foobar", false),
        ("/foo", "foo", true),
        ("foo/", "foo", true),
        ("./foo/../bar", "bar/x", true),
        ("  foo  ", "foo", true),
        ("Foo", "foo", false),
        (".", "foo", false),
        ("/", "foo", false),
        ("../foo", "foo", false),
    ]);
}

#[test]
fn the_last_match_decides_even_inside_a_matching_directory() {
    check(&[
        ("*\n!a", "a", false),
        ("*\n!a", "b", true),
        ("a\n!a/b", "a/b", false),
        ("a\n!a/b", "a/b/c", false),
        ("a\n!a/b", "a/c", true),
        ("!a\na", "a", true),
        ("a\n!a\na/b", "a/b", true),
        ("*\n! a", "a", false),
        ("*\n!/a", "a", false),
        ("**\n!**/*.md", "x/y.md", false),
    ]);
}

#[test]
fn one_star_stays_within_an_element_and_two_do_not() {
    check(&[
        ("*", "a/b", true),
        ("*/b", "a/b", true),
        ("*/c", "a/b/c", false),
        ("a?c", "abc", true),
        ("a?c", "a/c", false),
        ("a?c", "aéc", true),
        ("*.md", "x.md", true),
        ("*.md", "a/x.md", false),
        ("**/*.md", "x.md", true),
        ("**/*.md", "a/b/x.md", true),
        ("a/**/z", "a/z", true),
        ("a/**/z", "a/b/c/z", true),
        ("a/**/z", "a/bz", false),
        ("a/**", "a/b/c", true),
        ("a/**", "a", false),
        ("**", "anything/at/all", true),
        ("**/", "anything", true),
        ("**/**", "a\nb", false),
        ("**/*", "a\nb", true),
    ]);
}

#[test]
fn two_leading_stars_are_a_test_of_the_end_unless_another_wildcard_follows() {
    check(&[
        ("**foo", "foo", true),
        ("**foo", "xfoo", true),
        ("**foo", "a/xfoo", true),
        ("**/foo", "a/foo", true),
        ("**/foo", "xfoo", false),
        ("**foo*", "foox", true),
        ("**foo*", "a/foox", true),
        ("**foo*", "xfoox", false),
        ("foo**", "foobar/baz", true),
    ]);
}

#[test]
fn brackets_hold_a_class_of_a_regular_expression() {
    check(&[
        ("[a-c]", "b", true),
        ("[^a-c]", "b", false),
        ("[^a]x", "bx", true),
        ("[!a]", "b", false),
        ("[!a]", "!", true),
        ("[[:digit:]]", "7", true),
        ("[[:^digit:]]", "7", false),
        ("[[]", "[", true),
        ("[a&&b]", "&", true),
        ("a[^b]c", "a/c", true),
        // A wildcard in brackets is replaced like any other, which ends the class early.
        ("[*]", "[]", true),
        ("[*]", "*", false),
    ]);
}

#[test]
fn a_backslash_takes_the_meaning_from_punctuation_and_gives_one_to_letters() {
    check(&[
        ("\\*", "*", true),
        ("\\*", "a", false),
        ("\\!a", "!a", true),
        ("\\#a", "#a", true),
        ("\\d", "d", false),
        ("\\d", "7", true),
        ("\\bin", "in", true),
        ("\\x41", "A", true),
        ("\\<", "<", true),
        ("a\\Q*", "a[^/]*$", true),
        ("\\pL", "é", true),
        ("\\PL", "é", false),
        ("\\p{^Greek}", "α", false),
        ("\\p{Zl}", "\u{2028}", true),
    ]);
}

#[test]
fn signs_of_regular_expressions_are_text_but_not_all() {
    check(&[
        ("a.b*", "axb", false),
        ("(a)+*", "(a)+", true),
        ("$x*", "$x", true),
        ("a|b", "a|b", true),
        ("a{2}", "a{2}", true),
        ("a^b", "a^b", true),
        // With a wildcard beside them, three are not: BuildKit's clients miss them.
        ("?|b", "b", true),
        ("?|b", "xx/b", true),
        ("?a|b", "xaxx", true),
        ("?a{2}", "xaa", true),
        ("?{a}", "x{a}", true),
        ("?a^b", "xa^b", false),
    ]);
}

#[test]
fn lines_are_read_as_buildkit_reads_them() {
    check(&[
        ("\u{feff}foo", "foo", true),
        ("#foo", "#foo", false),
        (" #foo", "#foo", true),
        ("foo\r\nbar\r\n", "foo", true),
        ("\n\n\t\nfoo", "foo", true),
        ("a{b,c}", "ab", false),
    ]);
}

#[test]
fn a_list_from_buildkit_is_taken_as_it_is() {
    let matches = |pattern, path: &str| {
        let patterns = Patterns::compile(&[pattern]).unwrap();
        patterns.matches(path.as_bytes()).unwrap()
    };
    assert!(!matches("/foo", "foo"));
    assert!(matches("#foo", "#foo"));
    assert!(matches(" foo/ ", "foo"));
    assert!(!matches("", "foo"));
}

#[test]
fn a_bad_pattern_is_told_with_its_line() {
    let error = Patterns::parse("ok\n\n!\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid pattern `!` on line 3: nothing follows the `!`"
    );
    let error = Patterns::compile(&["[a"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid pattern `[a`: a `[` or a `\\` is not closed"
    );
}

#[test]
fn a_pattern_that_is_bad_only_as_an_expression_fails_only_when_it_is_tried() {
    for bad in ["\\o", "[b-a]", "\\1", "x*{2}", "a*[", "\\pa", "\\pp"] {
        let patterns = Patterns::parse(&format!("a\n{bad}")).unwrap();
        assert_eq!(patterns.matches(b"a"), Ok(true), "{bad}");
        assert_eq!(patterns.matches(b"b").unwrap_err().line, Some(2), "{bad}");
    }
}

#[test]
fn names_that_are_no_text_match_byte_by_byte() {
    let matches = |pattern: &[u8], path: &[u8]| {
        Patterns::compile(&[pattern])
            .unwrap()
            .matches(path)
            .unwrap()
    };
    assert!(matches(b"a?c", b"a\xffc"));
    assert!(!matches(b"a?c", b"a\xc3\xc3c"));
    assert!(matches(b"*", b"\xff\xfe"));
    assert!(matches(b"\xff", b"\xff/below"));
    assert!(matches("?\u{fffd}".as_bytes(), b"a\xff"));
}

#[test]
fn a_negation_of_a_directory_is_lost_for_entries_when_the_directory_was_not_excluded() {
    let patterns = Patterns::compile(&["a/f", "!a"]).unwrap();
    assert_eq!(patterns.matches(b"a/f"), Ok(false));
    let (matched, inherited) = patterns.enter(b"a", &Inherited::default()).unwrap();
    assert!(!matched);
    assert_eq!(patterns.matches_in(b"a/f", &inherited), Ok(true));
}

#[test]
fn a_directory_can_be_pruned_when_no_plain_negation_lies_in_it() {
    for (patterns, directory, expected) in [
        (&["a"][..], "a", false),
        (&["a", "!a/b"], "a", true),
        (&["a", "!a/b"], "a/b", true),
        (&["a", "!a/b"], "a/c", false),
        (&["a", "!ab"], "a", false),
        (&["a", "!a/*"], "a", true),
        (&["a", "!a/**"], "a", true),
        (&["a", "!a/*/**"], "a/b", false),
        (&["a", "!**/x"], "a/b", true),
        (&["a", "!b/[x]"], "a", true),
    ] {
        let list = Patterns::compile(patterns).unwrap();
        let may = list.may_negate_below(directory.as_bytes());
        assert_eq!(may, expected, "{patterns:?} {directory}");
    }
    let list = Patterns::compile(&["a/b/c", "!x"]).unwrap();
    assert!(list.may_match_below(b"a/b"));
    assert!(!list.may_match_below(b"x"));
}

#[test]
fn a_pattern_of_many_wildcards_takes_no_time() {
    let pattern = "**/a*a*a*a*a*a*a*a*".repeat(8) + "b";
    let path = "a/".repeat(1000) + &"a".repeat(200);
    assert!(!ignored(&pattern, &path));
}

/// Paths of a few short elements, with what matters to patterns among their characters.
fn paths() -> impl Strategy<Value = String> {
    let element = "[abé.*?\\[\\]^!\\\\{}|$+ -]{1,4}".prop_filter("an element", |element| {
        element != "." && element != ".." && element.trim() == element
    });
    prop::collection::vec(element, 1..4).prop_map(|elements| elements.join("/"))
}

fn patterns() -> impl Strategy<Value = String> {
    let element = prop_oneof![
        "[ab]{1,2}",
        Just("*".to_owned()),
        Just("**".to_owned()),
        Just("*b".to_owned()),
        Just("[ab]".to_owned()),
        Just("?".to_owned()),
        Just("**a".to_owned()),
    ];
    prop::collection::vec(element, 1..4).prop_map(|elements| elements.join("/"))
}

/// The pattern for exactly this path.
fn quoted(path: &str) -> String {
    let quote = |c: char| match c {
        _ if c.is_ascii_punctuation() && c != '/' => format!("\\{c}"),
        _ => c.to_string(),
    };
    path.chars().map(quote).collect()
}

proptest! {
    #[test]
    fn a_quoted_path_matches_itself_and_what_is_below(path in paths(), other in paths()) {
        let patterns = Patterns::compile(&[quoted(&path)]).unwrap();
        let below = format!("{path}/x");
        prop_assert!(patterns.matches(path.as_bytes()).unwrap());
        prop_assert!(patterns.matches(below.as_bytes()).unwrap());
        let related = other == path || other.starts_with(&format!("{path}/"));
        prop_assert_eq!(patterns.matches(other.as_bytes()).unwrap(), related);
    }

    #[test]
    fn without_negations_handing_down_changes_nothing(
        list in prop::collection::vec(patterns(), 1..4),
        path in "[ab]{1,2}(/[ab]{1,2}){0,4}",
    ) {
        let patterns = Patterns::compile(&list).unwrap();
        let mut inherited = Inherited::default();
        for (at, _) in path.match_indices('/') {
            let directory = &path.as_bytes()[..at];
            let (matched, below) = patterns.enter(directory, &inherited).unwrap();
            prop_assert_eq!(matched, patterns.matches(directory).unwrap());
            inherited = below;
        }
        prop_assert_eq!(
            patterns.matches_in(path.as_bytes(), &inherited).unwrap(),
            patterns.matches(path.as_bytes()).unwrap()
        );
    }

    #[test]
    fn nothing_panics(text in "[-\\x00-\\x7fé\u{fffd}]{0,24}", path in any::<Vec<u8>>()) {
        if let Ok(patterns) = Patterns::parse(&text) {
            let _ = patterns.matches(&path);
            let _ = patterns.may_match_below(&path);
        }
    }
}
