//! The untyped tree of a compose file: what every stage between the YAML text and the typed model
//! reads and rewrites.
//!
//! Every node and every key knows where it was written, and keeps that place through
//! interpolation, merging, `extends` and `include`, so that a complaint about the final project
//! still points at the line a person typed.

use std::fmt;

use indexmap::IndexMap;
use serde::{Serialize, Serializer};

use crate::diagnostic::{Position, Source, Span};
use crate::human;

use super::scalar::go_float;

/// A value and the place it was written at.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it stands.
    pub span: Span,
    /// `!reset` or `!override`, until merging has acted on it.
    pub(super) directive: Option<Directive>,
    /// What it replaced, the latest last: values of earlier files, of extended services and of
    /// included projects. Empty for nearly all nodes, and then free of cost.
    pub overrode: Vec<Overridden>,
}

/// A value that another one replaced.
#[derive(Debug, Clone, PartialEq)]
pub struct Overridden {
    /// The value.
    pub value: Value,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of values YAML has for Compose.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing: `null`, `~` or an empty value.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number; wide enough for what fits 64 bits with or without a sign.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order it was written.
    Map(Map),
}

/// A mapping whose keys know their places, in the order they were written.
///
/// The standard library's hasher took a fifth of the time of loading; this one is seeded anew in
/// every process too, so that no file can be written to make look-ups slow.
pub type Map = IndexMap<String, Entry, foldhash::fast::RandomState>;

/// One entry of a [`Map`].
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Where the key stands.
    pub at: Span,
    /// What it maps to.
    pub node: Node,
}

/// What a tag asks the merge to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Directive {
    /// `!reset`: the value of the earlier files goes, and nothing replaces it.
    Reset,
    /// `!override`: the value of the earlier files goes, and this one replaces it unmerged.
    Override,
}

impl Node {
    /// A node without a directive.
    pub fn new(value: Value, span: Span) -> Self {
        Self {
            value,
            span,
            directive: None,
            overrode: Vec::new(),
        }
    }

    /// The same node, which took the place of `old`.
    pub(super) fn instead_of(mut self, old: Node) -> Self {
        let mut overrode = old.overrode;
        if !matches!(old.value, Value::Null) && old.span != self.span {
            overrode.push(Overridden {
                value: old.value,
                span: old.span,
            });
        }
        overrode.append(&mut self.overrode);
        self.overrode = overrode;
        self
    }

    /// A text node.
    pub fn text(text: impl Into<String>, span: &Span) -> Self {
        Self::new(Value::Text(text.into()), span.clone())
    }

    /// The text, when it is text.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The entries, when it is a mapping.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The entries, when it is a mapping.
    pub(super) fn as_map_mut(&mut self) -> Option<&mut Map> {
        match &mut self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The items, when it is a list.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// What `key` maps to, when this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key).map(|entry| &entry.node)
    }

    /// What `key` maps to, when this is a mapping that has it.
    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.as_map_mut()?.get_mut(key).map(|entry| &mut entry.node)
    }

    /// Follows `keys` from here.
    pub fn at<'a>(&'a self, keys: &[&str]) -> Option<&'a Node> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// A scalar as the text Go prints for it; nothing for null, lists and mappings.
    pub fn scalar_text(&self) -> Option<String> {
        match &self.value {
            Value::Bool(value) => Some(value.to_string()),
            Value::Int(value) => Some(value.to_string()),
            Value::Float(value) => Some(go_float(*value)),
            Value::Text(text) => Some(text.clone()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The kind of value with its article, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::Text(_) => "a string",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// The same with every dollar sign of its texts doubled, so that a compose file can hold it.
    /// Keys stay as they are: nothing interpolates them.
    #[must_use]
    pub fn escaped(&self) -> Self {
        let mut node = self.clone();
        node.escape();
        node
    }

    fn escape(&mut self) {
        match &mut self.value {
            Value::Text(text) if text.contains('$') => *text = text.replace('$', "$$"),
            Value::List(items) => items.iter_mut().for_each(Self::escape),
            Value::Map(map) => map.values_mut().for_each(|entry| entry.node.escape()),
            _ => {}
        }
    }

    /// How much a copy of this tree costs: one for every node, and for every so many bytes of text.
    pub(super) fn weight(&self) -> usize {
        let text = |text: &str| text.len() / BYTES_PER_NODE;
        match &self.value {
            Value::Text(value) => 1 + text(value),
            Value::List(items) => 1 + items.iter().map(Node::weight).sum::<usize>(),
            Value::Map(map) => {
                let entries = map.iter();
                1 + entries
                    .map(|(key, entry)| text(key) + entry.node.weight())
                    .sum::<usize>()
            }
            _ => 1,
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(value) => match (i64::try_from(*value), u64::try_from(*value)) {
                (Ok(value), _) => serializer.serialize_i64(value),
                (_, Ok(value)) => serializer.serialize_u64(value),
                _ => serializer.serialize_i128(*value),
            },
            Value::Float(value) => match whole(*value) {
                Some(value) => serializer.serialize_i64(value),
                None => serializer.serialize_f64(*value),
            },
            Value::Text(text) => serializer.serialize_str(text),
            Value::List(items) => serializer.collect_seq(items),
            Value::Map(map) => {
                serializer.collect_map(map.iter().map(|(key, entry)| (key, &entry.node)))
            }
        }
    }
}

/// A float that is a whole number, as Go writes those: without a fraction.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the range is checked, the fraction is nothing"
)]
fn whole(value: f64) -> Option<i64> {
    let fits =
        value.fract() == 0.0 && value.abs() < 1e15 && !(value == 0.0 && value.is_sign_negative());
    fits.then_some(value as i64)
}

/// How much text takes as much memory as a node of a mapping.
const BYTES_PER_NODE: usize = 200;

impl Default for Node {
    /// Nothing, written nowhere: for projects that are made by hand, in tests.
    fn default() -> Self {
        let start = Position { line: 1, column: 1 };
        Self::new(Value::Null, Span::new(&Source::new("", ""), start, start))
    }
}

impl Entry {
    /// An entry whose key stands at `at`.
    pub(super) fn new(at: &Span, node: Node) -> Self {
        Self {
            at: at.clone(),
            node,
        }
    }
}

/// The way from the root to a node, for messages.
///
/// A chain of borrowed links, so that walking a tree does not allocate.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

/// How many characters of a key a message shows.
const KEY: usize = 200;

/// One step of a way.
#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    /// The way to the root itself.
    pub(super) const ROOT: Path<'static> = Path {
        parent: None,
        step: Step::Key(""),
    };

    /// The way to what `key` maps to below this.
    pub(super) fn join(&'a self, key: &'a str) -> Path<'a> {
        Path {
            parent: Some(self),
            step: Step::Key(key),
        }
    }

    /// The way to an item of the list that is here.
    pub(super) fn item(&'a self, index: usize) -> Path<'a> {
        Path {
            parent: Some(self),
            step: Step::Index(index),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            if parent.parent.is_some() {
                write!(f, "{parent}.")?;
            }
            match self.step {
                Step::Key(key) if key.len() <= KEY => f.write_str(key)?,
                Step::Key(key) => f.write_str(&human::truncate(key, KEY))?,
                Step::Index(index) => write!(f, "{index}")?,
            }
        }
        Ok(())
    }
}
