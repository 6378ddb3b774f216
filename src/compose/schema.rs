//! Whether a tree is what Compose takes: one walk over the tables of [`keys`].
//!
//! A misspelt key anywhere must be an error here as it is in Compose, and with a better hint.

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Span};
use crate::human;

use super::tree::{Map, Node, Path, Value};
use super::variables::ERRORS;

mod keys;
mod resources;

use keys::PROJECT;
use resources::INCLUDE;

use Rule::{Any, Closed, Either, Like, List, Named, Object, OneOf, Scalar, Unique};

/// How many errors may come with a guess at what was meant; guessing takes time.
const HINTS: usize = 200;

const T: u8 = 1;
const I: u8 = 2;
const N: u8 = 4;
const B: u8 = 8;
const NULL: u8 = 16;

/// What a value may be.
pub(super) enum Rule {
    /// Anything.
    Any,
    /// A scalar of one of these kinds.
    Scalar(u8),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A text that fits, and what would fit, in words.
    Like(fn(&str) -> bool, &'static str),
    /// A list of such items.
    List(&'static Rule),
    /// A list of such items, none twice.
    Unique(&'static Rule),
    /// A mapping from anything to such values.
    Map(&'static Rule),
    /// A mapping from names that containers, networks and the like can bear.
    Named(&'static Rule),
    /// A mapping with known keys, and `x-…`.
    Object(&'static [(&'static str, Rule)], &'static [&'static str]),
    /// A mapping with known keys only.
    Closed(&'static [(&'static str, Rule)], &'static [&'static str]),
    /// The first of these that takes the kind of value at hand.
    Either(&'static [Rule]),
}

/// Every place where `project` is not what Compose takes.
pub(super) fn check(project: &Node) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    walk(project, &PROJECT, &Path::ROOT, &mut errors);
    errors
}

/// The same for `include:` alone, which is acted upon before the rest is looked at.
pub(super) fn check_include(include: &Node) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    walk(include, &INCLUDE, &Path::ROOT.join("include"), &mut errors);
    errors
}

fn walk(node: &Node, rule: &Rule, path: &Path<'_>, errors: &mut Vec<Diagnostic>) {
    if !rule.takes(node) {
        errors.push(wrong_kind(node, rule, path));
        return;
    }
    match (rule, &node.value) {
        (Either(rules), _) => {
            if let Some(rule) = rules.iter().find(|rule| rule.takes(node)) {
                walk(node, rule, path, errors);
            }
        }
        (OneOf(words), Value::Text(text)) if !words.contains(&text.as_str()) => {
            errors.push(wrong_word(node, text, words, path));
        }
        (Like(fits, what), Value::Text(text)) if !fits(text) => {
            errors.push(
                Diagnostic::error(format!("{path} must be {what}: `{text}`"))
                    .at(node.span.clone(), ""),
            );
        }
        (List(item) | Unique(item), Value::List(items)) => {
            for (index, child) in items.iter().enumerate() {
                walk(child, item, &path.item(index), errors);
            }
            if matches!(rule, Unique(_)) {
                check_unique(items, path, errors);
            }
        }
        (Rule::Map(value), Value::Map(map)) => {
            for (key, entry) in map {
                walk(&entry.node, value, &path.join(key), errors);
            }
        }
        (Named(value), Value::Map(map)) => {
            for (key, entry) in map {
                check_name(key, entry, path, errors);
                walk(&entry.node, value, &path.join(key), errors);
            }
        }
        (Object(known, required) | Closed(known, required), Value::Map(map)) => {
            let extensible = matches!(rule, Object(..));
            walk_object(map, known, extensible, path, errors);
            let missing = required.iter().filter(|key| !map.contains_key(**key));
            errors.extend(missing.map(|key| {
                Diagnostic::error(format!("{path} needs `{key}`"))
                    .at(node.span.clone(), format!("`{key}` is missing"))
            }));
        }
        _ => {}
    }
}

fn walk_object(
    map: &Map,
    known: &'static [(&'static str, Rule)],
    extensible: bool,
    path: &Path<'_>,
    errors: &mut Vec<Diagnostic>,
) {
    let is_top = known.iter().any(|(name, _)| *name == "services");
    for (key, entry) in map {
        if errors.len() > ERRORS {
            return;
        }
        if extensible && key.starts_with("x-") {
            continue;
        }
        let path = path.join(key);
        match known.iter().find(|(name, _)| name == key) {
            Some((_, rule)) => walk(&entry.node, rule, &path, errors),
            None => {
                let error = Diagnostic::error(format!("unknown key `{path}`"));
                let candidates = known.iter().map(|(name, _)| *name);
                let near = (errors.len() < HINTS)
                    .then(|| human::nearest(key, candidates))
                    .flatten();
                errors.push(match near {
                    Some(near) => error.at(entry.at.clone(), format!("did you mean `{near}`?")),
                    None if is_top && is_service(&entry.node) => error
                        .at(entry.at.clone(), "this looks like a service")
                        .help("services stand one level deeper, below `services:`"),
                    None if extensible => error
                        .at(entry.at.clone(), "compose does not know this key")
                        .help(format!(
                            "keys of your own begin with `x-`: `x-{}`",
                            human::truncate(key, 60)
                        )),
                    None => error.at(entry.at.clone(), "compose does not know this key"),
                });
            }
        }
    }
}

/// Whether this is what a service has, and nothing else.
fn is_service(node: &Node) -> bool {
    node.get("build").is_some() || node.get("image").is_some()
}

fn check_name(
    key: &str,
    entry: &super::tree::Entry,
    path: &Path<'_>,
    errors: &mut Vec<Diagnostic>,
) {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if key.is_empty() || !key.chars().all(fits) {
        errors.push(
            Diagnostic::error(format!("invalid name `{key}` in {path}"))
                .at(entry.at.clone(), "letters, digits, `.`, `_` and `-` only"),
        );
    }
}

fn check_unique(items: &[Node], path: &Path<'_>, errors: &mut Vec<Diagnostic>) {
    let mut seen = HashMap::new();
    for item in items {
        let Some(text) = item.scalar_text() else {
            continue;
        };
        if let Some(first) = seen.get(&text) {
            let first: &Span = first;
            errors.push(
                Diagnostic::error(format!("{path} names `{text}` twice"))
                    .at(item.span.clone(), "again")
                    .see(first.clone(), "first here"),
            );
        } else {
            seen.insert(text, item.span.clone());
        }
    }
}

fn wrong_word(node: &Node, text: &str, words: &[&str], path: &Path<'_>) -> Diagnostic {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    let label = match human::nearest(text, words.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => String::new(),
    };
    Diagnostic::error(format!("{path} must be one of {}", quoted.join(", ")))
        .at(node.span.clone(), label)
}

fn wrong_kind(node: &Node, rule: &Rule, path: &Path<'_>) -> Diagnostic {
    let mut wanted = Vec::new();
    rule.describe(&mut wanted);
    wanted.dedup();
    let list = match wanted.as_slice() {
        [] => "something else".to_owned(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    };
    let label = match node.value {
        Value::Null => "empty".to_owned(),
        _ => format!("this is {}", node.kind()),
    };
    let place = match path.to_string() {
        root if root.is_empty() => "top-level object".to_owned(),
        path => path,
    };
    Diagnostic::error(format!("{place} must be {list}")).at(node.span.clone(), label)
}

impl Rule {
    /// Whether this is the rule for a value of that kind, whatever is inside of it.
    fn takes(&self, node: &Node) -> bool {
        let kinds = match &node.value {
            Value::Null => NULL,
            Value::Bool(_) => B,
            Value::Int(_) => I | N,
            Value::Float(number) if number.fract() == 0.0 => I | N,
            Value::Float(_) => N,
            Value::Text(_) => T,
            Value::List(_) => return self.takes_list(),
            Value::Map(_) => return self.takes_map(),
        };
        match self {
            Any => true,
            Scalar(taken) => taken & kinds != 0,
            OneOf(_) | Like(..) => kinds == T,
            Either(rules) => rules.iter().any(|rule| rule.takes(node)),
            _ => false,
        }
    }

    fn takes_list(&self) -> bool {
        match self {
            Any | List(_) | Unique(_) => true,
            Either(rules) => rules.iter().any(Rule::takes_list),
            _ => false,
        }
    }

    fn takes_map(&self) -> bool {
        match self {
            Any | Rule::Map(_) | Named(_) | Object(..) | Closed(..) => true,
            Either(rules) => rules.iter().any(Rule::takes_map),
            _ => false,
        }
    }

    /// What it takes, in words.
    fn describe(&self, words: &mut Vec<&'static str>) {
        match self {
            Any => words.push("anything"),
            Scalar(kinds) => {
                let names = [
                    (T, "a string"),
                    (I, "a whole number"),
                    (N, "a number"),
                    (B, "a boolean"),
                    (NULL, "empty"),
                ];
                let taken = names.iter().filter(|(kind, _)| kinds & kind != 0);
                words.extend(taken.map(|(_, name)| *name));
            }
            OneOf(_) | Like(..) => words.push("a string"),
            List(_) | Unique(_) => words.push("a list"),
            Rule::Map(_) | Named(_) | Object(..) | Closed(..) => words.push("a mapping"),
            Either(rules) => rules.iter().for_each(|rule| rule.describe(words)),
        }
    }
}
