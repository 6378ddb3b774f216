//! Pieces of compose files that can be written in several ways and taken apart again.

use std::fmt::Write as _;

/// A value and how it is written.
#[derive(Debug, Clone, Default)]
pub struct Yaml {
    /// `!reset` and `!override`, without the mark.
    pub tag: Option<&'static str>,
    /// `&name`.
    pub anchor: Option<String>,
    /// `{…}` and `[…]` instead of lines.
    pub flow: bool,
    /// What it is.
    pub kind: Kind,
}

/// What a [`Yaml`] is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Exactly this text: numbers, `null`, `*alias`, what has a tag of its own.
    Raw(String),
    /// A string.
    Text(String, Style),
    /// Entries, in order.
    Map(Vec<(String, Yaml)>),
    /// Items.
    List(Vec<Yaml>),
}

/// How a string is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes, where that is possible.
    Plain,
    /// In single quotes.
    Single,
    /// In double quotes.
    Double,
    /// As a block of lines, where that is possible.
    Block,
}

impl Default for Kind {
    fn default() -> Self {
        Kind::Raw("null".to_owned())
    }
}

impl From<Kind> for Yaml {
    fn from(kind: Kind) -> Self {
        Self {
            kind,
            ..Self::default()
        }
    }
}

/// A value that is written exactly so.
pub fn raw(text: impl Into<String>) -> Yaml {
    Kind::Raw(text.into()).into()
}

/// A string in double quotes.
pub fn text(text: impl Into<String>) -> Yaml {
    Kind::Text(text.into(), Style::Double).into()
}

/// A mapping in lines.
pub fn map<'k>(entries: impl IntoIterator<Item = (&'k str, Yaml)>) -> Yaml {
    let entries = entries.into_iter();
    Kind::Map(
        entries
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
    .into()
}

/// A list in lines.
pub fn list(items: impl IntoIterator<Item = Yaml>) -> Yaml {
    Kind::List(items.into_iter().collect()).into()
}

impl Yaml {
    /// Adds an entry to a mapping, unless it has that key.
    pub fn add(&mut self, key: &str, value: Yaml) {
        if let Kind::Map(entries) = &mut self.kind
            && entries.iter().all(|(known, _)| known != key)
        {
            entries.push((key.to_owned(), value));
        }
    }

    /// Writes the entries of a mapping, each on a line of its own.
    pub fn write_entries(&self, indent: usize, out: &mut String) {
        let Kind::Map(entries) = &self.kind else {
            return;
        };
        for (key, value) in entries {
            let _ = write!(out, "{:indent$}{}:", "", key_text(key));
            value.write_after(indent, out);
        }
    }

    /// Writes it behind `key:` or `-`, which stand at `indent`, to the end of the line at least.
    fn write_after(&self, indent: usize, out: &mut String) {
        self.write_properties(out);
        match &self.kind {
            Kind::Map(entries) if !self.flow && !entries.is_empty() => {
                out.push('\n');
                self.write_entries(indent + 2, out);
            }
            Kind::List(items) if !self.flow && !items.is_empty() => {
                out.push('\n');
                for item in items {
                    let _ = write!(out, "{:1$}-", "", indent + 2);
                    item.write_after(indent + 2, out);
                }
            }
            Kind::Text(text, Style::Block) if fits_block(text) => {
                out.push_str(if text.ends_with('\n') {
                    " |\n"
                } else {
                    " |-\n"
                });
                for line in text.lines() {
                    let _ = writeln!(out, "{:1$}{line}", "", indent + 2);
                }
            }
            Kind::Text(text, Style::Plain) if fits_plain(text, "") => {
                let _ = writeln!(out, " {text}");
            }
            _ => {
                out.push(' ');
                self.write_flow_body(out);
                out.push('\n');
            }
        }
    }

    fn write_properties(&self, out: &mut String) {
        if let Some(anchor) = &self.anchor {
            let _ = write!(out, " &{anchor}");
        }
        if let Some(tag) = self.tag {
            let _ = write!(out, " !{tag}");
        }
    }

    fn write_flow(&self, out: &mut String) {
        let before = out.len();
        self.write_properties(out);
        if out.len() > before {
            out.push(' ');
        }
        self.write_flow_body(out);
    }

    fn write_flow_body(&self, out: &mut String) {
        match &self.kind {
            Kind::Raw(text) => out.push_str(text),
            Kind::Text(text, style) => out.push_str(&quoted(text, *style)),
            Kind::Map(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if index > 0 { ", " } else { "" });
                    let _ = write!(out, "{}: ", key_text(key));
                    value.write_flow(out);
                }
                out.push('}');
            }
            Kind::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index > 0 { ", " } else { "" });
                    item.write_flow(out);
                }
                out.push(']');
            }
        }
    }

    /// How many ways [`Yaml::simplify`] knows.
    pub fn simplifications(&self) -> usize {
        let own = usize::from(self.tag.is_some()) + usize::from(self.anchor.is_some());
        own + match &self.kind {
            Kind::Map(entries) => entries
                .iter()
                .map(|(_, value)| 1 + value.simplifications())
                .sum(),
            Kind::List(items) => items.iter().map(|item| 1 + item.simplifications()).sum(),
            Kind::Text(text, _) => usize::from(text.len() > 1),
            Kind::Raw(_) => 0,
        }
    }

    /// Makes it simpler in the `n`th way: without its tag, its anchor, an entry or an item, or with
    /// a shorter string.
    pub fn simplify(&mut self, mut n: usize) {
        for property in [self.tag.is_some(), self.anchor.is_some()] {
            match (property, n) {
                (false, _) => {}
                (true, 0) if self.tag.take().is_some() => return,
                (true, 0) => {
                    self.anchor = None;
                    return;
                }
                (true, _) => n -= 1,
            }
        }
        match &mut self.kind {
            Kind::Map(entries) => {
                for index in 0..entries.len() {
                    let inside = entries[index].1.simplifications();
                    match n {
                        0 => drop(entries.remove(index)),
                        _ if n <= inside => entries[index].1.simplify(n - 1),
                        _ => {
                            n -= inside + 1;
                            continue;
                        }
                    }
                    return;
                }
            }
            Kind::List(items) => {
                for index in 0..items.len() {
                    let inside = items[index].simplifications();
                    match n {
                        0 => drop(items.remove(index)),
                        _ if n <= inside => items[index].simplify(n - 1),
                        _ => {
                            n -= inside + 1;
                            continue;
                        }
                    }
                    return;
                }
            }
            Kind::Text(text, _) => {
                let half = text.chars().count() / 2;
                *text = text.chars().take(half.max(1)).collect();
            }
            Kind::Raw(_) => {}
        }
    }

    /// Replaces the `n`th value inside by `other`, counting in the order of writing.
    pub fn replace(&mut self, n: &mut usize, other: &Yaml) {
        let values: Vec<&mut Yaml> = match &mut self.kind {
            Kind::Map(entries) => entries.iter_mut().map(|(_, value)| value).collect(),
            Kind::List(items) => items.iter_mut().collect(),
            _ => return,
        };
        for value in values {
            if *n == 0 {
                *value = other.clone();
                *n = usize::MAX;
                return;
            }
            *n -= 1;
            value.replace(n, other);
            if *n == usize::MAX {
                return;
            }
        }
    }

    /// How many values are inside.
    pub fn weight(&self) -> usize {
        match &self.kind {
            Kind::Map(entries) => entries.iter().map(|(_, value)| 1 + value.weight()).sum(),
            Kind::List(items) => items.iter().map(|item| 1 + item.weight()).sum(),
            _ => 0,
        }
    }
}

fn key_text(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./<".contains(c);
    // A key that was given with its quotes keeps them.
    if key.starts_with(['"', '\'']) || (!key.is_empty() && key.chars().all(plain)) {
        return key.to_owned();
    }
    serde_json::Value::from(key).to_string()
}

fn fits_block(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with([' ', '\n', '\t'])
        && !text.ends_with("\n\n")
        && !text.contains(['\r', '\t'])
        && text.lines().all(|line| !line.is_empty())
}

/// Whether `text` can stand without quotes where none of `barred` may occur.
fn fits_plain(text: &str, barred: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || "$/.~_".contains(c))
        && text.chars().all(|c| c.is_ascii_graphic() || c == ' ')
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.contains(|c| barred.contains(c))
}

fn quoted(text: &str, style: Style) -> String {
    match style {
        Style::Plain if fits_plain(text, "{}[],:#") => text.to_owned(),
        Style::Single if text.chars().all(|c| c.is_ascii_graphic() || c == ' ') => {
            format!("'{}'", text.replace('\'', "''"))
        }
        _ => serde_json::Value::from(text).to_string(),
    }
}
