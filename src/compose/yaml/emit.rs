//! Trees to YAML text, through Serde's YAML.
//!
//! That one leaves a text without quotes when it itself would read it as text, but its rules are
//! YAML 1.2's: Compose would read `010`, `1_000` or `2001-01-01` as something else. So what was
//! written is read again, event by event, beside the tree, and every text that would come back
//! different is put in quotes.

use libyaml_safer::{EventData, Parser, ScalarStyle};

use crate::compose::scalar;
use crate::compose::tree::{Node, Value};

/// `node` as a YAML document that Compose reads the same values from.
///
/// # Errors
/// What Serde's YAML has to tell.
pub fn write(node: &Node) -> Result<String, String> {
    let text = serde_yaml::to_string(node).map_err(|error| error.to_string())?;
    let mut leaves = Vec::new();
    collect(node, &mut leaves);
    quote(&text, &leaves)
}

/// One scalar of the tree, in the order of writing.
enum Leaf<'n> {
    Text(&'n str),
    Other,
}

fn collect<'n>(node: &'n Node, leaves: &mut Vec<Leaf<'n>>) {
    match &node.value {
        Value::Text(text) => leaves.push(Leaf::Text(text)),
        Value::Map(map) => {
            for (key, entry) in map {
                leaves.push(Leaf::Text(key));
                collect(&entry.node, leaves);
            }
        }
        Value::List(items) => items.iter().for_each(|item| collect(item, leaves)),
        _ => leaves.push(Leaf::Other),
    }
}

/// Puts the scalars of `text` that do not read as their leaves in quotes.
fn quote(text: &str, leaves: &[Leaf<'_>]) -> Result<String, String> {
    // The scanner counts these as ends of lines, wherever they are.
    let breaks = ['\n', '\u{85}', '\u{2028}', '\u{2029}'];
    let mut lines: Vec<String> = text.split_inclusive(breaks).map(str::to_owned).collect();
    let mut bytes = text.as_bytes();
    let mut parser = Parser::new();
    parser.set_input_string(&mut bytes);
    let mut leaves = leaves.iter();
    // How many characters the line in hand has grown by; quotes are put in from left to right.
    let mut grown = (0, 0);
    loop {
        let event = parser.parse().map_err(|error| error.to_string())?;
        let EventData::Scalar { value, style, .. } = event.data else {
            match event.data {
                EventData::StreamEnd => return Ok(lines.concat()),
                _ => continue,
            }
        };
        let leaf = leaves.next();
        if let Some(Leaf::Text(wanted)) = leaf
            && style == ScalarStyle::Plain
            && misread(wanted, &value)
        {
            let line = usize::try_from(event.start_mark.line).unwrap_or(usize::MAX);
            let start = usize::try_from(event.start_mark.column).unwrap_or(usize::MAX);
            if grown.0 != line {
                grown = (line, 0);
            }
            if let Some(line) = lines.get_mut(line) {
                let from = start + grown.1;
                put_quotes(line, from, from + value.chars().count());
            }
            grown.1 += 2;
        }
    }
}

/// Whether some reader of compose files takes a plain `text` for something else.
fn misread(wanted: &str, text: &str) -> bool {
    scalar::resolve(text.to_owned()) != Value::Text(wanted.to_owned()) || is_old(text)
}

/// What YAML 1.1 reads as no text: its booleans, numbers to the base of 60, and the signs for
/// merging and for a default.
fn is_old(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let sixties = text.contains(':')
        && text
            .trim_start_matches(['-', '+'])
            .split([':', '.'])
            .all(digits);
    sixties || matches!(text, "<<" | "=" | "y" | "Y" | "n" | "N") || {
        let old = scalar::boolean(text);
        old.is_some_and(|(_, spelling)| spelling == scalar::Spelling::Old)
    }
}

/// Puts the characters `from..to` of a line in single quotes.
fn put_quotes(line: &mut String, from: usize, to: usize) {
    for at in [to, from] {
        let byte = line
            .char_indices()
            .nth(at)
            .map_or(line.len(), |(byte, _)| byte);
        line.insert(byte, '\'');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::compose::tree::{Entry, Map};
    use crate::diagnostic::Source;

    fn read(text: &str) -> Node {
        let source = Source::new("t", text);
        let documents = super::super::documents(&source, &mut 0);
        documents
            .unwrap_or_else(|errors| panic!("{errors:?}\n{text}"))
            .remove(0)
    }

    /// The values of a tree without the places.
    fn values(node: &Node) -> serde_json::Value {
        serde_json::to_value(node).expect("JSON")
    }

    fn map(entries: Vec<(String, Node)>) -> Node {
        let place = Node::default().span;
        let entries = entries
            .into_iter()
            .map(|(key, node)| (key, Entry::new(&place, node)));
        Node::new(Value::Map(entries.collect::<Map>()), place)
    }

    fn node() -> impl Strategy<Value = Node> {
        let place = || Node::default().span;
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(|number| Value::Int(number.into())),
            (-1e18..1e18).prop_map(Value::Float),
            any::<String>().prop_map(Value::Text),
            "[-+0-9_.:eExXboTZ ]{0,12}".prop_map(Value::Text),
            "[ \n\t#:'\"a-c>|%@`!&*?,\\[\\]\\{\\}-]{0,12}".prop_map(Value::Text),
            prop::sample::select(&ODD[..]).prop_map(|text| Value::Text(text.to_owned())),
        ];
        let leaf = leaf.prop_map(move |value| Node::new(value, place()));
        leaf.prop_recursive(4, 24, 5, move |inner| {
            let key = prop_oneof![
                "[a-z$ :#-]{1,6}",
                prop::sample::select(&ODD[..]).prop_map(str::to_owned)
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5)
                    .prop_map(move |items| Node::new(Value::List(items), place())),
                prop::collection::vec((key, inner), 0..5).prop_map(map),
            ]
        })
    }

    const ODD: [&str; 32] = [
        "010",
        "0o10",
        "0x1F",
        "0b11",
        "08",
        "1_000",
        "1e3",
        "1.",
        ".5",
        "+1",
        "-0",
        ".inf",
        ".NaN",
        "yes",
        "On",
        "n",
        "NO",
        "true",
        "True",
        "null",
        "Null",
        "~",
        "",
        "2001-01-01",
        "2001-12-14T21:59:43.10Z",
        "2001-1-1 1:1:1",
        "12:30:45",
        "22:22",
        "<<",
        "=",
        "- a",
        "a: b",
    ];

    #[test]
    fn texts_that_look_like_something_else_are_quoted() {
        for text in ODD {
            let entries = vec![("k".to_owned(), Node::text(text, &Node::default().span))];
            let written = write(&map(entries)).expect("YAML");
            assert!(written.contains(['\'', '"']), "{written}");
            assert_eq!(read(&written).get("k").and_then(Node::as_text), Some(text));
        }
    }

    #[test]
    fn ordinary_texts_are_left_alone() {
        for text in [
            "a",
            "a b",
            "x:y",
            "shop/web:2",
            "1.2.3",
            "/a/b",
            "é",
            "a\"b",
            "0.0.0.0",
        ] {
            let entries = vec![("k".to_owned(), Node::text(text, &Node::default().span))];
            assert_eq!(write(&map(entries)).expect("YAML"), format!("k: {text}\n"));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(node in node()) {
            // A project is a mapping; what begins a file must not look like a byte order mark.
            let node = map(vec![("root".to_owned(), node)]);
            let written = write(&node).map_err(TestCaseError::fail)?;
            prop_assert_eq!(values(&read(&written)), values(&node), "{}", written);
        }
    }
}
