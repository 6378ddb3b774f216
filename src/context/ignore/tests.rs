use super::*;

fn ignored(text: &str, path: &str) -> bool {
    Patterns::parse(text)
        .unwrap()
        .matches(path.as_bytes())
        .unwrap()
}

#[test]
fn a_pattern_is_anchored_and_takes_what_is_below_along() {
    for (pattern, path, expected) in [
        ("foo", "foo", true),
        ("foo", "foo/bar/baz", true),
        ("foo", "a/foo", false),
        ("foo", "foobar", false),
        ("/foo", "foo", true),
        ("foo/", "foo", true),
        ("./foo/../bar", "bar/x", true),
        ("  foo  ", "foo", true),
    ] {
        assert_eq!(ignored(pattern, path), expected, "{pattern} {path}");
    }
}
