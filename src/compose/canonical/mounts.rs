//! Mounts in short form: `SOURCE:TARGET:OPTIONS` of `volumes:`, and `devices:`.
//!
//! The rules are Compose's: a colon behind a single letter at the start of a part belongs to a
//! Windows drive, on every system, and options that are not known are passed over.

use std::path::Path;

use crate::compose::paths::clean;
use crate::compose::tree::{Entry, Map, Node, Value};
use crate::diagnostic::Diagnostic;

/// How mounts spread between host and container.
const PROPAGATIONS: [&str; 6] = [
    "private", "rprivate", "shared", "rshared", "slave", "rslave",
];

/// A mount in its parts.
#[derive(Debug, Default, PartialEq)]
struct Mount<'t> {
    source: Option<&'t str>,
    target: &'t str,
    read_only: bool,
    nocopy: bool,
    propagation: Option<&'t str>,
    selinux: Option<&'t str>,
}

/// Brings an item of `volumes:` into its long form.
pub(super) fn canonical(item: &mut Node, errors: &mut Vec<Diagnostic>) {
    if let Some(text) = item.as_text() {
        match parse(text) {
            Ok(mount) => item.value = Value::Map(mount.entries(item)),
            Err(why) => errors.push(
                Diagnostic::error(format!("invalid volume `{text}`: {why}")).at(
                    item.span.clone(),
                    "write `source:target` or `source:target:ro`",
                ),
            ),
        }
    }
    if let Some(Value::Text(target)) = item.get_mut("target").map(|node| &mut node.value) {
        *target = clean_target(target);
    }
}

/// Where a mount in short form goes.
pub(in crate::compose) fn target(text: &str) -> Option<String> {
    parse(text).ok().map(|mount| clean_target(mount.target))
}

/// An absolute target without detours.
fn clean_target(target: &str) -> String {
    if target.starts_with('/') {
        clean(Path::new(target)).to_string_lossy().into_owned()
    } else {
        target.to_owned()
    }
}

/// Brings an item of `devices:` into its long form.
pub(super) fn canonical_device(item: &mut Node) {
    let Some(text) = item.as_text() else {
        return;
    };
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, permissions) = match parts.as_slice() {
        [source, target, permissions] => (*source, *target, *permissions),
        [source, target] => (*source, *target, "rwm"),
        // A name alone of a registry of devices (`vendor.com/class=gpu`) is written the same way.
        _ => (text, text, "rwm"),
    };
    let part = |value: &str| Entry::new(&item.span, Node::text(value, &item.span));
    item.value = Value::Map(Map::from_iter([
        ("source".to_owned(), part(source)),
        ("target".to_owned(), part(target)),
        ("permissions".to_owned(), part(permissions)),
    ]));
}

fn parse(text: &str) -> Result<Mount<'_>, &'static str> {
    let mut mount = Mount::default();
    if text.chars().count() <= 2 {
        mount.target = text;
        return if text.is_empty() {
            Err("it is empty")
        } else {
            Ok(mount)
        };
    }
    let parts = parts(text);
    if parts.iter().any(|part| part.is_empty()) {
        return Err("nothing stands between two colons");
    }
    match *parts.as_slice() {
        [target] => mount.target = target,
        [source, target] => (mount.source, mount.target) = (Some(source), target),
        [source, target, options] => {
            (mount.source, mount.target) = (Some(source), target);
            options.split(',').for_each(|option| mount.option(option));
        }
        _ => return Err("it has too many colons"),
    }
    Ok(mount)
}

/// The parts between colons that are not those of a drive.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        if c == ':' && !is_letter(&text[start..at]) {
            parts.push(&text[start..at]);
            start = at + 1;
        }
    }
    parts.push(&text[start..]);
    parts
}

fn is_letter(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
}

/// Whether a source is a path rather than the name of a volume.
fn is_path(source: &str) -> bool {
    let drive = source
        .split_once(':')
        .is_some_and(|(drive, _)| is_letter(drive));
    source.starts_with(['.', '/', '~']) || source.starts_with("\\\\") || drive
}

impl<'t> Mount<'t> {
    fn option(&mut self, option: &'t str) {
        match option {
            "ro" => self.read_only = true,
            "rw" => self.read_only = false,
            "nocopy" => self.nocopy = true,
            "z" | "Z" => self.selinux = Some(option),
            _ if PROPAGATIONS.contains(&option) => self.propagation = Some(option),
            _ => {}
        }
    }

    fn entries(&self, item: &Node) -> Map {
        let span = &item.span;
        let entry = |key: &str, value: Value| {
            let node = Node::new(value, span.clone());
            (key.to_owned(), Entry::new(span, node))
        };
        let text = |key: &str, text: &str| entry(key, Value::Text(text.to_owned()));
        let binds = self.source.is_some_and(is_path);
        let mut map = Map::from_iter([text("type", if binds { "bind" } else { "volume" })]);
        map.extend(self.source.map(|source| text("source", source)));
        map.extend([text("target", self.target)]);
        if self.read_only {
            map.extend([entry("read_only", Value::Bool(true))]);
        }
        let mut bind = Map::default();
        bind.extend(self.propagation.map(|value| text("propagation", value)));
        bind.extend(self.selinux.map(|value| text("selinux", value)));
        if binds {
            bind.extend([entry("create_host_path", Value::Bool(true))]);
        }
        if !bind.is_empty() {
            map.extend([entry("bind", Value::Map(bind))]);
        }
        let mut volume = Map::default();
        if self.nocopy {
            volume.extend([entry("nocopy", Value::Bool(true))]);
        }
        if !binds || self.nocopy {
            map.extend([entry("volume", Value::Map(volume))]);
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        match parse(text) {
            Ok(mount) => format!(
                "{} {} {}{}{}{}",
                mount.source.unwrap_or("-"),
                mount.target,
                if mount.read_only { "ro" } else { "rw" },
                if mount.nocopy { " nocopy" } else { "" },
                mount.propagation.unwrap_or_default(),
                mount.selinux.unwrap_or_default()
            ),
            Err(why) => why.to_owned(),
        }
    }

    #[test]
    fn short_mounts_are_read_as_compose_reads_them() {
        for (text, wanted) in [
            ("/x", "- /x rw"),
            ("name:/x", "name /x rw"),
            ("./a:/x:ro", "./a /x ro"),
            ("./a:/x:ro,Z", "./a /x roZ"),
            ("name:/x:nocopy,unknown", "name /x rw nocopy"),
            ("v:/v", "- v:/v rw"),
            ("c:\\data:/x", "c:\\data /x rw"),
            ("c:\\data:d:\\x:ro", "c:\\data d:\\x ro"),
            ("a:", "- a: rw"),
            ("ab:", "nothing stands between two colons"),
            ("", "it is empty"),
            ("aa:bb:cc:dd", "it has too many colons"),
        ] {
            assert_eq!(parsed(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_path_is_told_from_a_name() {
        for (source, path) in [
            ("./a", true),
            ("/a", true),
            ("~", true),
            ("c:\\a", true),
            ("\\\\.\\pipe", true),
            ("name", false),
            ("a/b", false),
        ] {
            assert_eq!(is_path(source), path, "{source}");
        }
    }
}
