//! YAML text to [`Node`] trees. This file and its parts are the only ones that name a YAML crate.
//!
//! libyaml-safer scans and parses, being a port of the same libyaml that go-yaml is; the composer
//! here does what go-yaml does above it: resolves plain scalars, copies what aliases name, expands
//! merge keys and rejects duplicate keys. Serde's YAML is used to write ([`write`]) and not to
//! read: it forgets the places and reads numbers by other rules.
//!
//! Nothing in a file may make this slow: depth and the copies that aliases make are budgeted.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine;
use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};
use indexmap::map::Entry as Slot;
use libyaml_safer::{Error as YamlError, Event, EventData, Mark, Parser, ScalarStyle};

use crate::diagnostic::{Diagnostic, Position, Source, Span};

use super::scalar;
use super::tree::{Directive, Entry, Map, Node, Value};
use super::variables::ERRORS;
use scanner::{bearable, comma_behind_tag, escaped_slashes, without_added_break};

/// Deeper nesting is a mistake or an attack; no compose file comes near.
const DEPTH: usize = 100;
/// How much aliases of a file may copy, as [`Node::weight`] counts; Compose allows as many nodes per
/// document.
const COPIES: usize = 100_000;
/// How much anchors may name: each keeps a copy of its own, and they may be inside each other.
const KEPT: usize = 500_000;

/// How many keys and values the files of a project may have, counting repeated inclusion: those of a file
/// of 10 MiB with thirteen bytes each, in less than 200 MB.
pub(super) const VALUES: usize = 800_000;

/// The documents of `source`.
///
/// `values` counts those of all files of the project. A file that breaks the rules of YAML is one error; duplicate keys and the like are collected.
pub(super) fn documents(
    source: &Arc<Source>,
    values: &mut usize,
) -> Result<Vec<Node>, Vec<Diagnostic>> {
    if let Some(error) = comma_behind_tag(source) {
        return Err(vec![error]);
    }
    let text = bearable(&source.text);
    let mut bytes = text.as_bytes();
    let mut parser = Parser::new();
    parser.set_input_string(&mut bytes);
    let mut composer = Composer {
        source,
        slashes: escaped_slashes(text.as_ref()),
        added_break: matches!(text, Cow::Owned(_)).then(|| text.matches('\n').count() as u64),
        parser,
        anchors: HashMap::new(),
        open: Vec::new(),
        copies: 0,
        kept: 0,
        values,
        errors: Vec::new(),
        misfits: Vec::new(),
    };
    let outcome = composer.stream();
    composer.place_misfits();
    match outcome {
        Ok(documents) if composer.errors.is_empty() => Ok(documents),
        Ok(_) => Err(composer.errors),
        Err(error) => {
            composer.errors.push(*error);
            Err(composer.errors)
        }
    }
}

/// A failure that ends the file, boxed because it travels up through every level.
type Fatal = Box<Diagnostic>;

struct Composer<'s, 'b> {
    source: &'s Arc<Source>,
    parser: Parser<&'s mut &'b [u8]>,
    /// Where the text has `\\/`, in characters.
    slashes: Vec<usize>,
    /// The line behind a line break that the file does not have.
    added_break: Option<u64>,
    /// What the anchors of this file stand for.
    anchors: HashMap<String, (Node, usize)>,
    /// The anchors whose nodes are being read right now.
    open: Vec<String>,
    copies: usize,
    kept: usize,
    values: &'b mut usize,
    errors: Vec<Diagnostic>,
    /// Keys that are no strings, by their errors, and the way to each, from within.
    misfits: Vec<(usize, Vec<String>)>,
}

/// A key as it was read, before it is known whether it may be one.
struct Key {
    /// As it was written; nothing when an alias stands for it.
    raw: Option<String>,
    node: Node,
    merge: bool,
}

impl Composer<'_, '_> {
    fn stream(&mut self) -> Result<Vec<Node>, Fatal> {
        let mut documents = Vec::new();
        loop {
            let event = self.next()?;
            match event.data {
                EventData::StreamEnd => return Ok(documents),
                EventData::DocumentStart {
                    version_directive: Some(version),
                    ..
                } if (version.major, version.minor) != (1, 1) => {
                    return Err(Box::new(
                        Diagnostic::error("found incompatible YAML document")
                            .at(self.span(event.start_mark, event.end_mark), "not 1.1")
                            .help("remove the `%YAML` line"),
                    ));
                }
                // Anchors stay known: Compose lets a document name those of the ones before it.
                EventData::DocumentStart { .. } => {
                    let event = self.next()?;
                    documents.push(self.node(event, 0)?);
                }
                _ => {}
            }
        }
    }

    fn next(&mut self) -> Result<Event, Fatal> {
        self.parser
            .parse()
            .map_err(|error| syntax_error(self.source, &error))
    }

    fn span(&self, start: Mark, end: Mark) -> Span {
        Span::new(self.source, position(start), position(end))
    }

    /// The node that `event` begins.
    fn node(&mut self, event: Event, depth: usize) -> Result<Node, Fatal> {
        let start = event.start_mark;
        let span = self.span(start, event.end_mark);
        if depth > DEPTH {
            return Err(Box::new(
                Diagnostic::error(format!("more than {DEPTH} levels of nesting"))
                    .at(span, "too deep"),
            ));
        }
        *self.values += 1;
        if *self.values > VALUES {
            return Err(Box::new(
                Diagnostic::error(format!("project has more than {VALUES} keys and values"))
                    .at(span, "this is one too many"),
            ));
        }
        match event.data {
            EventData::Alias { anchor } => self.alias(&anchor, span),
            EventData::Scalar {
                anchor,
                tag,
                value,
                style,
                ..
            } => {
                if style == ScalarStyle::DoubleQuoted {
                    self.refuse_slash(start, event.end_mark)?;
                }
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let value = if block && self.added_break == Some(event.end_mark.line) {
                    let last_line = self.source.text.rsplit('\n').next();
                    without_added_break(value, last_line.unwrap_or_default())
                } else {
                    value
                };
                let node = self.scalar(value, tag.as_deref(), style, span);
                self.remember(anchor, &node)?;
                Ok(node)
            }
            EventData::SequenceStart { anchor, tag, .. } => {
                self.open.extend(anchor.clone());
                let mut node = self.sequence(start, depth)?;
                self.close(anchor, tag.as_deref(), &mut node)?;
                Ok(node)
            }
            EventData::MappingStart { anchor, tag, .. } => {
                self.open.extend(anchor.clone());
                let mut node = self.mapping(start, depth)?;
                self.close(anchor, tag.as_deref(), &mut node)?;
                Ok(node)
            }
            _ => Err(Box::new(
                Diagnostic::error("failed to parse YAML: a value is missing").at(span, ""),
            )),
        }
    }

    /// The scanner takes JSON's `\\/` between double quotes; Compose's does not.
    fn refuse_slash(&self, start: Mark, end: Mark) -> Result<(), Fatal> {
        let next = self
            .slashes
            .partition_point(|at| (*at as u64) < start.index);
        match self.slashes.get(next) {
            Some(at) if (*at as u64) < end.index => {
                let before: String = self.source.text.chars().take(*at).collect();
                let at = Position {
                    line: before.matches('\n').count() + 1,
                    column: before.chars().rev().take_while(|c| *c != '\n').count() + 1,
                };
                Err(Box::new(
                    Diagnostic::error("failed to parse YAML: found unknown escape character")
                        .at(Span::new(self.source, at, at), "a `/` needs no backslash"),
                ))
            }
            _ => Ok(()),
        }
    }

    /// Ends a collection: its tag takes effect and its anchor can be named.
    fn close(
        &mut self,
        anchor: Option<String>,
        tag: Option<&str>,
        node: &mut Node,
    ) -> Result<(), Fatal> {
        node.directive = directive(tag);
        if node.directive == Some(Directive::Reset) {
            node.value = Value::Null;
        }
        if anchor.is_some() {
            self.open.pop();
        }
        self.remember(anchor, node)
    }

    fn remember(&mut self, anchor: Option<String>, node: &Node) -> Result<(), Fatal> {
        let Some(anchor) = anchor else {
            return Ok(());
        };
        let weight = node.weight();
        self.kept += weight;
        if self.kept > KEPT {
            return Err(Box::new(
                Diagnostic::error("document contains excessive aliasing").at(
                    node.span.clone(),
                    format!("anchors name more than {KEPT} values"),
                ),
            ));
        }
        self.anchors.insert(anchor, (node.clone(), weight));
        Ok(())
    }

    /// A copy of what the anchor stands for.
    fn alias(&mut self, anchor: &str, span: Span) -> Result<Node, Fatal> {
        if self.open.iter().any(|open| open == anchor) {
            return Err(Box::new(
                Diagnostic::error(format!("anchor `{anchor}` contains itself"))
                    .at(span, "used inside of what it names"),
            ));
        }
        let Some((node, weight)) = self.anchors.get(anchor) else {
            return Err(Box::new(
                Diagnostic::error(format!("unknown anchor `{anchor}`"))
                    .at(span, "nothing above is marked with it"),
            ));
        };
        self.copies += weight;
        if self.copies > COPIES {
            return Err(Box::new(
                Diagnostic::error("document contains excessive aliasing")
                    .at(span, format!("aliases copy more than {COPIES} values")),
            ));
        }
        Ok(node.clone())
    }

    fn scalar(&mut self, text: String, tag: Option<&str>, style: ScalarStyle, span: Span) -> Node {
        let plain = style == ScalarStyle::Plain;
        let value = match tag.and_then(core_tag) {
            // What is to go is not looked at.
            _ if directive(tag) == Some(Directive::Reset) => Value::Null,
            Some("str") => Value::Text(text),
            Some("binary") => match binary(&text) {
                Some(text) => Value::Text(text),
                None => {
                    self.errors.push(
                        Diagnostic::error("`!!binary` value contains invalid base64 data")
                            .at(span.clone(), ""),
                    );
                    Value::Null
                }
            },
            Some(kind @ ("int" | "float" | "bool" | "null")) => self.forced(kind, text, &span),
            // Any tag of its own makes a scalar text: `!override 1.10` stays `1.10`.
            _ if plain && tag.is_none() => scalar::resolve(text),
            _ => Value::Text(text),
        };
        let mut node = Node::new(value, span);
        node.directive = directive(tag);
        node
    }

    /// A scalar whose tag names its type.
    fn forced(&mut self, kind: &str, text: String, span: &Span) -> Value {
        let value = scalar::resolve(text.clone());
        match (kind, value) {
            ("int", value @ Value::Int(_))
            | ("float", value @ (Value::Int(_) | Value::Float(_)))
            | ("bool", value @ Value::Bool(_))
            | ("null", value @ Value::Null) => value,
            _ => {
                self.errors.push(
                    Diagnostic::error(format!("cannot read `{text}` as `!!{kind}`"))
                        .at(span.clone(), "the tag does not fit"),
                );
                Value::Text(text)
            }
        }
    }

    fn sequence(&mut self, start: Mark, depth: usize) -> Result<Node, Fatal> {
        let mut items = Vec::new();
        let mut end = start;
        loop {
            let event = self.next()?;
            if matches!(event.data, EventData::SequenceEnd) {
                // A list of one would keep room for four.
                items.shrink_to_fit();
                return Ok(Node::new(Value::List(items), self.span(start, end)));
            }
            let item = self.node(event, depth + 1)?;
            end = mark_of(&item, end);
            items.push(item);
        }
    }

    fn mapping(&mut self, start: Mark, depth: usize) -> Result<Node, Fatal> {
        let mut map = Map::default();
        // Keys that are in no map: `<<`, and what is no string. And those in it that an alias named:
        // the same key in plain letters takes their place.
        let mut odd: HashMap<String, Span> = HashMap::new();
        let mut aliased: HashSet<String> = HashSet::new();
        let mut merges = Vec::new();
        let mut end = start;
        loop {
            let event = self.next()?;
            if matches!(event.data, EventData::MappingEnd) {
                break;
            }
            let key = self.key(event, depth)?;
            let event = self.next()?;
            let known = self.misfits.len();
            let node = self.node(event, depth + 1)?;
            for (_, way) in &mut self.misfits[known..] {
                way.push(key.node.as_text().unwrap_or("?").to_owned());
            }
            end = mark_of(&node, end);
            let name = match key.node.value {
                Value::Text(name) if !key.merge => Some(name),
                _ => None,
            };
            let first = match &name {
                _ if key.raw.is_none() => None,
                Some(name) if aliased.remove(name) => None,
                Some(name) => map.get(name).map(|entry| &entry.at),
                None => key.raw.as_ref().and_then(|raw| odd.get(raw)),
            };
            if let Some(first) = first {
                self.errors.push(
                    Diagnostic::error(format!(
                        "mapping key `{}` already defined at line {}",
                        key.raw.unwrap_or_default(),
                        first.start.line
                    ))
                    .at(key.node.span, "defined again")
                    .see(first.clone(), "first defined here"),
                );
                if self.errors.len() > ERRORS {
                    return Err(Box::new(Diagnostic::error("and more of the same")));
                }
                continue;
            }
            let entry = Entry::new(&key.node.span, node);
            match (name, key.raw) {
                (Some(name), Some(_)) => {
                    map.insert(name, entry);
                }
                (Some(name), None) => {
                    if map.insert(name.clone(), entry).is_none() {
                        aliased.insert(name);
                    }
                }
                (None, raw) => {
                    odd.extend(raw.map(|raw| (raw, key.node.span.clone())));
                    if key.merge {
                        merges.push((key.node.span, entry.node));
                    }
                }
            }
        }
        for (at, node) in merges {
            self.merge(&mut map, &at, node);
        }
        Ok(Node::new(Value::Map(map), self.span(start, end)))
    }

    /// Reads a key; one that is not a string is an error, and comes back as null.
    fn key(&mut self, event: Event, depth: usize) -> Result<Key, Fatal> {
        let (raw, merge) = match &event.data {
            EventData::Scalar {
                value, tag, style, ..
            } => (
                Some(value.clone()),
                value == "<<"
                    && (*style == ScalarStyle::Plain && tag.is_none()
                        || tag.as_deref().and_then(core_tag) == Some("merge")),
            ),
            _ => (None, false),
        };
        let mut node = self.node(event, depth + 1)?;
        if !matches!(node.value, Value::Text(_)) {
            let shown = node
                .scalar_text()
                .or_else(|| raw.clone())
                .unwrap_or_else(|| node.kind().to_owned());
            self.misfits.push((self.errors.len(), Vec::new()));
            self.errors.push(
                Diagnostic::error(format!("non-string key: {shown}"))
                    .at(node.span.clone(), "keys must be strings")
                    .help(format!("put it in quotes: `\"{shown}\"`")),
            );
            node.value = Value::Null;
        }
        Ok(Key { raw, node, merge })
    }

    /// Tells of keys that are no strings which mapping they are in.
    fn place_misfits(&mut self) {
        for (error, mut way) in self.misfits.drain(..) {
            way.reverse();
            let message = &mut self.errors[error].message;
            if !way.is_empty() {
                *message = message.replacen("key:", &format!("key in {}:", way.join(".")), 1);
            }
        }
    }

    /// Adds what a `<<` names, where the mapping itself says nothing.
    fn merge(&mut self, map: &mut Map, at: &Span, node: Node) {
        let sources = match node.value {
            Value::List(items) => items,
            _ => vec![node],
        };
        for source in sources {
            let Value::Map(entries) = source.value else {
                self.errors.push(
                    Diagnostic::error("map merge requires map or sequence of maps as the value")
                        .at(at.clone(), format!("this merges {}", source.kind())),
                );
                continue;
            };
            for (name, entry) in entries {
                if let Slot::Vacant(slot) = map.entry(name) {
                    slot.insert(entry);
                }
            }
        }
    }
}

/// A scanner's or parser's complaint at its place.
fn syntax_error(source: &Arc<Source>, error: &YamlError) -> Fatal {
    let context = error.context().map(|context| format!(" {context}"));
    let diagnostic = Diagnostic::error(format!(
        "failed to parse YAML: {}{}",
        error.problem(),
        context.unwrap_or_default()
    ));
    let Some(mark) = error.problem_mark() else {
        return Box::new(unreadable(source, diagnostic));
    };
    let at = position(mark);
    let line = source.text.lines().nth(at.line - 1).unwrap_or_default();
    let diagnostic = match line.chars().nth(at.column - 1) {
        Some('\t') => diagnostic.at(
            Span::new(source, at, at),
            "a tab: YAML takes only spaces here",
        ),
        _ => diagnostic.at(Span::new(source, at, at), ""),
    };
    let start = error
        .context_mark()
        .map(position)
        .filter(|start| *start != at);
    Box::new(match start {
        Some(start) => diagnostic.see(Span::new(source, start, start), "it began here"),
        None => diagnostic,
    })
}

/// The reader tells no line; all it refuses in valid UTF-8 is a control character, or a first
/// character that begins like a byte order mark.
fn unreadable(source: &Arc<Source>, diagnostic: Diagnostic) -> Diagnostic {
    let found = source.text.lines().enumerate().find_map(|(line, text)| {
        let column = text.chars().position(|c| {
            (c.is_control() && !matches!(c, '\t' | '\r' | '\u{85}'))
                || matches!(c, '\u{FFFE}' | '\u{FFFF}')
        })?;
        Some(Position {
            line: line + 1,
            column: column + 1,
        })
    });
    let at = found.unwrap_or(Position { line: 1, column: 1 });
    diagnostic.at(Span::new(source, at, at), "this character")
}

fn position(mark: Mark) -> Position {
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX - 1) + 1;
    Position {
        line: count(mark.line),
        column: count(mark.column),
    }
}

/// Where a collection ends that ends with this node; block collections say so only at the next
/// token, lines below.
fn mark_of(last: &Node, before: Mark) -> Mark {
    let mut mark = before;
    let end = last.span.end;
    let (line, column) = (end.line as u64 - 1, end.column as u64 - 1);
    if (line, column) > (mark.line, mark.column) {
        mark.line = line;
        mark.column = column;
    }
    mark
}

fn directive(tag: Option<&str>) -> Option<Directive> {
    match tag {
        Some("!reset") => Some(Directive::Reset),
        Some("!override") => Some(Directive::Override),
        _ => None,
    }
}

/// The name of a tag of YAML's own (`!!str`).
fn core_tag(tag: &str) -> Option<&str> {
    tag.strip_prefix("tag:yaml.org,2002:")
}

/// Decodes the text of a `!!binary`; bytes that are no UTF-8 are replaced.
fn binary(text: &str) -> Option<String> {
    let digits: String = text.split_ascii_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(digits)
        .ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

mod emit;
mod scanner;

pub use emit::write;

#[cfg(test)]
mod tests;
