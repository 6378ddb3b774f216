//! Relative paths made absolute, in a tree of long forms.
//!
//! Done once per scope: for the main files, for every included project, and for every file that a
//! service is extended from, each with a directory of its own. What is absolute already stays.

use std::path::Path;

use indexmap::IndexMap;

use super::merge::pairs_to_map;
use super::paths;
use super::tree::{Entry, Map, Node, Value};

/// Gives every build that names no context the project directory.
pub(super) fn defaults(project: &mut Node) {
    for service in section(project, "services") {
        if let Some(build) = service.get_mut("build")
            && let Value::Map(map) = &mut build.value
        {
            let span = &build.span;
            map.entry("context".to_owned())
                .or_insert_with(|| Entry::new(span, Node::text(".", span)));
        }
    }
}

/// Makes the paths of `project` absolute, starting from `directory`.
pub(super) fn absolute(
    project: &mut Node,
    directory: &Path,
    environment: &IndexMap<String, String>,
) {
    let base = Base {
        directory,
        home: environment.get("HOME").map(String::as_str),
    };
    for service in section(project, "services") {
        base.service(service);
    }
    for kind in ["secrets", "configs"] {
        for resource in section(project, kind) {
            base.host_path(resource.get_mut("file"));
        }
    }
    for volume in section(project, "volumes") {
        if is_bind(volume) {
            base.path(
                volume
                    .get_mut("driver_opts")
                    .and_then(|options| options.get_mut("device")),
            );
        }
    }
}

/// The items of the list that `keys` lead to.
fn items<'n>(node: &'n mut Node, keys: &[&str]) -> impl Iterator<Item = &'n mut Node> {
    let list = keys.iter().try_fold(node, |node, key| node.get_mut(key));
    let items = match list.map(|node| &mut node.value) {
        Some(Value::List(items)) => items.as_mut_slice(),
        _ => &mut [],
    };
    items.iter_mut()
}

fn section<'n>(project: &'n mut Node, name: &str) -> impl Iterator<Item = &'n mut Node> {
    let map = project.get_mut(name).and_then(Node::as_map_mut);
    map.into_iter()
        .flat_map(Map::values_mut)
        .map(|entry| &mut entry.node)
}

/// Whether a volume is a directory of this machine by another name.
fn is_bind(volume: &Node) -> bool {
    let text = |keys: &[&str]| volume.at(keys).and_then(Node::as_text);
    text(&["driver"]) == Some("local") && text(&["driver_opts", "o"]) == Some("bind")
}

struct Base<'a> {
    directory: &'a Path,
    home: Option<&'a str>,
}

impl Base<'_> {
    fn service(&self, service: &mut Node) {
        self.path(
            service
                .get_mut("extends")
                .and_then(|extends| extends.get_mut("file")),
        );
        for key in ["env_file", "label_file"] {
            match service.get_mut(key).map(|node| &mut node.value) {
                Some(Value::List(items)) => {
                    for item in items {
                        match item.value {
                            Value::Map(_) => self.path(item.get_mut("path")),
                            _ => self.path(Some(item)),
                        }
                    }
                }
                Some(_) => self.path(service.get_mut(key)),
                None => {}
            }
        }
        for item in items(service, &["volumes"]) {
            let source = item.get("source").and_then(Node::as_text);
            let drive = source.is_some_and(paths::is_drive);
            if item.get("type").and_then(Node::as_text) == Some("bind") && !drive {
                self.path(item.get_mut("source"));
            }
        }
        for item in items(service, &["develop", "watch"]) {
            self.path(item.get_mut("path"));
        }
        let Some(build) = service.get_mut("build") else {
            return;
        };
        self.context(build.get_mut("context"));
        if let Some(contexts) = build
            .get_mut("additional_contexts")
            .and_then(Node::as_map_mut)
        {
            contexts
                .values_mut()
                .for_each(|entry| self.context(Some(&mut entry.node)));
        }
        if let Some(ssh) = build.get_mut("ssh") {
            let span = ssh.span.clone();
            let pairs = std::mem::replace(ssh, Node::new(Value::Null, span));
            *ssh = pairs_to_map(pairs);
            let keys = ssh.as_map_mut().into_iter().flat_map(Map::values_mut);
            keys.for_each(|entry| self.host_path(Some(&mut entry.node)));
        }
    }

    fn context(&self, node: Option<&mut Node>) {
        if let Some(node) = node
            && !node.as_text().is_some_and(paths::is_remote)
        {
            self.path(Some(node));
        }
    }

    /// A file that may be on another kind of machine.
    fn host_path(&self, node: Option<&mut Node>) {
        let text = node.as_ref().and_then(|node| node.as_text());
        if !text.is_some_and(paths::is_windows_absolute) {
            self.path(node);
        }
    }

    /// An empty path stays empty.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers have what `get_mut` gives"
    )]
    fn path(&self, node: Option<&mut Node>) {
        if let Some(Node {
            value: Value::Text(text),
            ..
        }) = node
            && !text.is_empty()
        {
            let expanded = paths::expand_home(text, self.home);
            *text = paths::absolute(self.directory, &expanded)
                .to_string_lossy()
                .into_owned();
        }
    }
}
