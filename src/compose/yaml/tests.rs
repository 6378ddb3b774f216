//! What the composer makes of YAML, as a specification.

use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Result<Vec<Node>, Vec<Diagnostic>> {
    documents(&Source::new("f.yaml", text), &mut 0)
}

/// The single document as compact text, keys in order.
fn shape(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Text(text) => format!("{text:?}"),
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(shape).collect();
            format!("[{}]", items.join(","))
        }
        Value::Map(map) => {
            let entry = |(key, entry): (&String, &Entry)| format!("{key}:{}", shape(&entry.node));
            let entries: Vec<_> = map.iter().map(entry).collect();
            format!("{{{}}}", entries.join(","))
        }
        _ => node.scalar_text().unwrap_or_default(),
    }
}

fn one(text: &str) -> String {
    let documents = read(text).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
    assert_eq!(documents.len(), 1, "{text}");
    shape(&documents[0])
}

fn complaints(text: &str) -> Vec<String> {
    match read(text) {
        Ok(documents) => panic!("{text} is taken for {documents:?}"),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_document_becomes_a_tree() {
    for (text, wanted) in [
        ("a: 1\nb: [x, 'y']\n", "{a:1,b:[\"x\",\"y\"]}"),
        ("a:\tx", "{a:\"x\"}"),
        ("a: [\nb\n]", "{a:[\"b\"]}"),
        ("a: |\n  one\n  two\n", "{a:\"one\\ntwo\\n\"}"),
        ("a: |\n  x", "{a:\"x\"}"),
        ("a: |\n  x\n", "{a:\"x\\n\"}"),
        ("a: |\n  x", "{a:\"x\"}"),
        ("a: |-\n  x", "{a:\"x\"}"),
        ("a: |+\n  x", "{a:\"x\"}"),
        ("a: >\n  x\n  y", "{a:\"x y\"}"),
        ("a: |\n  x\n  ", "{a:\"x\\n\"}"),
        ("a: |+\n  x\n  ", "{a:\"x\\n\"}"),
        ("a: |\n  x\n    ", "{a:\"x\\n  \"}"),
        ("a: |\n  x\n# c", "{a:\"x\\n\"}"),
        ("a: |", "{a:\"\"}"),
        (
            "a: !!str 010\nb: !!int '010'\nc: !!float 1",
            "{a:\"010\",b:8,c:1}",
        ),
        ("a: !!binary aGk=\nb: !foo bar", "{a:\"hi\",b:\"bar\"}"),
        (
            "a: [\"b!\"]\nc: [\"!d\", e]",
            "{a:[\"b!\"],c:[\"!d\",\"e\"]}",
        ),
        (
            "{a: ['!b', c], d: e!, f: '!', g: h}",
            "{a:[\"!b\",\"c\"],d:\"e!\",f:\"!\",g:\"h\"}",
        ),
        ("on: x\n\"1\": y", "{on:\"x\",1:\"y\"}"),
        ("a: &x {k: v}\nb: *x", "{a:{k:\"v\"},b:{k:\"v\"}}"),
        ("a: &x 1\nb: &x 2\nc: *x", "{a:1,b:2,c:2}"),
    ] {
        assert_eq!(one(text), wanted, "{text}");
    }
}

#[test]
fn merge_keys_fill_what_the_mapping_leaves_open() {
    for (text, wanted) in [
        (
            "b: &b {x: 1, y: 1}\na: {<<: *b, y: 2}",
            "{b:{x:1,y:1},a:{y:2,x:1}}",
        ),
        ("<<: [{x: 1}, {x: 2, y: 2}]", "{x:1,y:2}"),
        (
            "l: &l [{x: 1}, {x: 2}]\na: {<<: *l}",
            "{l:[{x:1},{x:2}],a:{x:1}}",
        ),
        ("n: {s: {k: 1}, <<: {s: {o: 2}}}", "{n:{s:{k:1}}}"),
        ("\"<<\": {x: 1}", "{<<:{x:1}}"),
    ] {
        assert_eq!(one(text), wanted, "{text}");
    }
}

#[test]
fn every_value_and_key_knows_its_place() {
    let documents = read("a:\n  é: [x, y]\n").unwrap();
    let inner = &documents[0].as_map().unwrap()["a"].node;
    let entry = &inner.as_map().unwrap()["é"];
    assert_eq!(entry.at.to_string(), "f.yaml:2:3");
    let item = &entry.node.as_list().unwrap()[1];
    assert_eq!(item.span.to_string(), "f.yaml:2:10");
}

#[test]
fn what_go_yaml_refuses_is_refused_where_it_stands() {
    for (text, wanted) in [
        (
            "a: 1\na: 2",
            "f.yaml:2:1: mapping key `a` already defined at line 1",
        ),
        (
            "{a: 1, \"a\": 2}",
            "f.yaml:1:8: mapping key `a` already defined at line 1",
        ),
        (
            "<<: {}\n<<: {}",
            "f.yaml:2:1: mapping key `<<` already defined at line 1",
        ),
        ("1: x", "f.yaml:1:1: non-string key: 1"),
        ("a: *x", "f.yaml:1:4: unknown anchor `x`"),
        ("a: &x [*x]", "f.yaml:1:8: anchor `x` contains itself"),
        (
            "<<: null",
            "f.yaml:1:1: map merge requires map or sequence of maps as the value",
        ),
        (
            "%YAML 1.2\n---\na: 1",
            "f.yaml:1:1: found incompatible YAML document",
        ),
        ("a: !!int x", "f.yaml:1:4: cannot read `x` as `!!int`"),
    ] {
        assert_eq!(complaints(text), [wanted], "{text}");
    }
    assert_eq!(complaints("a: {b: 1, b: 2, b: 3}\nx: *y").len(), 3);
}

#[test]
fn a_comma_behind_a_tag_is_an_error_and_no_panic() {
    for text in [
        "[!!str, b]",
        "['!x', !y, z]",
        "[a, 'it''s !b', !c, d]",
        "{a: 'b'!c, d: e}",
    ] {
        assert_eq!(complaints(text).len(), 1, "{text}");
    }
}

#[test]
fn syntax_errors_point_at_the_character() {
    for (text, place) in [
        ("a:\n\tb: x", "f.yaml:2:1"),
        ("a: [x", "f.yaml:2:1"),
        ("a: \"x\ty\u{1}\"", "f.yaml:1:8"),
    ] {
        let found = complaints(text);
        assert!(found[0].starts_with(place), "{text}: {found:?}");
    }
}

#[test]
fn an_alias_bomb_is_defused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let alias = format!("*a{}, ", level - 1).repeat(10);
        text += &format!("a{level}: &a{level} [{alias}]\n");
    }
    assert!(complaints(&text)[0].contains("excessive aliasing"));
}

#[test]
fn bottomless_nesting_is_refused() {
    for text in [
        "[".repeat(100_000),
        "a: {".repeat(10_000),
        "- ".repeat(5_000),
    ] {
        assert!(complaints(&text)[0].contains("nesting"));
    }
}

#[test]
fn the_scanner_is_kept_from_what_it_panics_on() {
    assert!(complaints("a: [!!str, b]")[0].contains("tag"));
    assert_eq!(one("a: [\"x !y,z\"]"), "{a:[\"x !y,z\"]}");
    assert!(read("a: \"x\\").is_err());
    // The same where commas behind tags are looked for first.
    assert!(read("\"!,[\\").is_err());
    assert!(read("|\n\n  {!, ").is_ok());
    assert_eq!(one("a: x\\"), "{a:\"x\\\\\"}");
}

/// What the composer has rules for: most sequences of these are nearly YAML.
const PIECES: [&str; 40] = [
    "a: ",
    "b:",
    "1: ",
    "\"a\": ",
    "? ",
    "- ",
    "-\n",
    "\n",
    "\n  ",
    "\n    ",
    " ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "x",
    "010",
    "1.5",
    "null",
    "~",
    "'y'",
    "\"z\\n\"",
    "\"\\/\"",
    "|\n",
    ">-\n",
    "&m ",
    "*m",
    "<<: ",
    "<<: *m\n",
    "!reset ",
    "!override ",
    "!!str ",
    "!!binary aGk=",
    "!",
    "# c\n",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "\t",
];

/// `PROPTEST_CASES` may ask for more.
fn many() -> ProptestConfig {
    ProptestConfig::with_cases(ProptestConfig::default().cases.max(2000))
}

proptest! {
    #![proptest_config(many())]

    #[test]
    fn what_is_nearly_yaml_is_read_or_refused(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40),
    ) {
        let _ = read(&pieces.concat());
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[\\[\\]{}!&*<>|%@`'\",:#?\\-a1x~ \t\n\\\\\r\u{feff}é]{0,60}") {
        let _ = read(&text);
    }

    #[test]
    fn any_characters_are_read_or_refused(text in any::<String>()) {
        let _ = read(&text);
    }

    #[test]
    fn quoted_text_comes_back(text in "[ -~é\n]{0,30}") {
        let quoted = serde_json::to_string(&text).unwrap();
        let documents = read(&format!("a: {quoted}")).unwrap();
        prop_assert_eq!(documents[0].get("a").unwrap().as_text(), Some(text.as_str()));
    }
}
