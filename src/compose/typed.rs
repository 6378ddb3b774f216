//! From the finished tree to the model: what a build needs, typed and normalised.

use std::borrow::Cow;
use std::cell::RefCell;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use crate::diagnostic::{Diagnostic, Span};
use crate::human;

use super::model::{Build, Context, Dockerfile, Secret, SecretSource, Service, Ssh, Ulimit};
use super::paths;
use super::scalar;
use super::tree::{Entry, Map, Node, Value};
use super::variables::{Findings, boolean};

/// What the typing of services needs to know of the project.
pub(super) struct Surroundings<'a> {
    /// The variables that null arguments ask.
    pub(super) environment: &'a IndexMap<String, String>,
    /// The current directory: what an empty context means.
    pub(super) here: &'a Path,
    /// The top-level `secrets:`.
    pub(super) secrets: Option<&'a Map>,
    /// The directories of Dockerfiles seen so far.
    pub(super) directories: RefCell<paths::Directories>,
}

/// One service of the tree as the model has it.
pub(super) fn service(
    name: &str,
    entry: &Entry,
    around: &Surroundings<'_>,
    findings: &mut Findings,
) -> Service {
    let node = &entry.node;
    let text = |key: &str| node.get(key).and_then(Node::scalar_text);
    let build = node.get("build").filter(|build| build.as_map().is_some());
    Service {
        name: name.to_owned(),
        at: entry.at.clone(),
        image: text("image").filter(|image| !image.is_empty()),
        build: build.map(|build| {
            Section {
                service: name,
                node: build,
                around,
                findings,
            }
            .build()
        }),
        platform: text("platform").filter(|platform| !platform.is_empty()),
        pull_policy: text("pull_policy")
            .filter(|policy| !policy.is_empty())
            .map(|policy| match policy.as_str() {
                "if_not_present" => "missing".to_owned(),
                _ => policy,
            }),
        depends_on: dependencies(node)
            .into_iter()
            .map(|(name, _)| name)
            .collect(),
    }
}

/// The services a service needs, each with the place that says so: `depends_on` and the keys that
/// imply it.
pub(super) fn dependencies(service: &Node) -> IndexMap<String, Span> {
    let mut found = IndexMap::new();
    let explicit = service.get("depends_on").and_then(Node::as_map);
    for (name, entry) in explicit.into_iter().flatten() {
        found.insert(name.clone(), entry.at.clone());
    }
    let mut imply = |node: &Node, name: &str| {
        found
            .entry(name.to_owned())
            .or_insert_with(|| node.span.clone());
    };
    for key in ["network_mode", "ipc", "pid", "uts", "cgroup"] {
        let node = service.get(key);
        if let Some((node, text)) = node.and_then(|node| Some((node, node.as_text()?)))
            && let Some(name) = text.strip_prefix("service:")
        {
            imply(node, name);
        }
    }
    for item in service
        .get("links")
        .and_then(Node::as_list)
        .into_iter()
        .flatten()
    {
        if let Some(text) = item.as_text() {
            imply(item, text.split(':').next().unwrap_or(text));
        }
    }
    for item in service
        .get("volumes_from")
        .and_then(Node::as_list)
        .into_iter()
        .flatten()
    {
        if let Some(text) = item.as_text()
            && !text.starts_with("container:")
        {
            imply(item, text.split(':').next().unwrap_or(text));
        }
    }
    found
}

/// A `build:` section on its way into the model.
struct Section<'a, 'f> {
    service: &'a str,
    node: &'a Node,
    around: &'a Surroundings<'a>,
    findings: &'f mut Findings,
}

impl<'a> Section<'a, '_> {
    fn build(mut self) -> Build {
        let context = self.context();
        let dockerfile = self.dockerfile(&context);
        Build {
            at: self.node.span.clone(),
            dockerfile,
            context,
            args: self.args(),
            labels: self.labels(),
            target: self.text("target"),
            tags: self.texts("tags"),
            platforms: self.texts("platforms"),
            no_cache: self.flag("no_cache"),
            pull: self.flag("pull"),
            network: self.text("network"),
            extra_hosts: self.extra_hosts(),
            shm_size: self.shm_size(),
            ulimits: self.ulimits(),
            isolation: self.text("isolation"),
            privileged: self.flag("privileged"),
            entitlements: self.texts("entitlements"),
            additional_contexts: self.additional_contexts(),
            cache_from: self.texts("cache_from"),
            cache_to: self.texts("cache_to"),
            no_cache_filter: self.texts("no_cache_filter"),
            secrets: self.secrets(),
            ssh: self.ssh(),
            provenance: self.text("provenance"),
            sbom: self.text("sbom"),
            keys: self.keys(),
        }
    }

    fn get(&self, key: &str) -> Option<&'a Node> {
        self.node.get(key)
    }

    fn error(&mut self, node: &Node, message: String, label: &str) {
        self.findings
            .error(Diagnostic::error(message).at(node.span.clone(), label));
    }

    fn place(&self, key: &str) -> String {
        format!("services.{}.build.{key}", self.service)
    }

    /// A scalar as text; an empty one is as good as none.
    fn text(&self, key: &str) -> Option<String> {
        let text = self.get(key)?.scalar_text()?;
        (!text.is_empty()).then_some(text)
    }

    fn texts(&self, key: &str) -> Vec<String> {
        match self.get(key).map(|node| (node, node.as_list())) {
            Some((_, Some(items))) => items.iter().filter_map(Node::scalar_text).collect(),
            Some((node, None)) => node.scalar_text().into_iter().collect(),
            None => Vec::new(),
        }
    }

    fn flag(&mut self, key: &str) -> bool {
        let Some(node) = self.get(key) else {
            return false;
        };
        match &node.value {
            Value::Bool(value) => *value,
            Value::Text(text) => match boolean(text, &node.span, self.findings) {
                Some(value) => value,
                None => {
                    let message = format!("{} is no boolean: `{text}`", self.place(key));
                    self.error(node, message, "`true` or `false` belongs here");
                    false
                }
            },
            _ => false,
        }
    }

    fn context(&self) -> Context {
        match self.get("context").and_then(Node::as_text) {
            Some("") | None => Context::Directory(self.around.here.to_owned()),
            Some(text) if paths::is_remote(text) => Context::Remote(text.to_owned()),
            Some(text) => Context::Directory(PathBuf::from(text)),
        }
    }

    fn dockerfile(&mut self, context: &Context) -> Dockerfile {
        let inline = self.get("dockerfile_inline");
        let named = self.get("dockerfile");
        let filled = |node: &&Node| node.as_text().is_some_and(|text| !text.is_empty());
        if let Some(text) = inline.filter(filled) {
            if let Some(other) = named.filter(filled) {
                self.findings.error(
                    Diagnostic::error(format!(
                        "services.{}.build has both `dockerfile` and `dockerfile_inline`",
                        self.service
                    ))
                    .at(text.span.clone(), "one of them must go")
                    .see(other.span.clone(), "the other")
                    .help("to drop what another file says, write `dockerfile: !reset null`"),
                );
            }
            let content = text.as_text().unwrap_or_default().to_owned();
            return Dockerfile::Inline(content, text.span.clone());
        }
        let name = named
            .filter(filled)
            .and_then(Node::as_text)
            .unwrap_or("Dockerfile");
        match context {
            Context::Directory(directory) => {
                let file = paths::absolute(directory, name);
                Dockerfile::File(self.around.directories.borrow_mut().resolve(&file))
            }
            Context::Remote(_) | Context::Service(_) => Dockerfile::InContext(name.to_owned()),
        }
    }

    /// The entries of a mapping, by name.
    fn entries(&self, key: &str) -> Vec<(&'a String, &'a Entry)> {
        let map = self.get(key).and_then(Node::as_map);
        let mut entries: Vec<_> = map.into_iter().flatten().collect();
        entries.sort_by_key(|(name, _)| *name);
        entries
    }

    fn args(&mut self) -> IndexMap<String, String> {
        let mut args = IndexMap::new();
        for (name, entry) in self.entries("args") {
            let value = entry
                .node
                .scalar_text()
                .or_else(|| self.around.environment.get(name).cloned());
            if name.starts_with("x-") {
                self.findings.note(
                    Diagnostic::warning(format!(
                        "docker compose loses the build argument `{name}`: it takes keys that \
                         begin with `x-` for extensions"
                    ))
                    .at(entry.at.clone(), "dcb passes it on")
                    .help(format!("write the arguments as a list: `- {name}=…`")),
                );
            }
            if let Some(value) = value {
                args.insert(name.clone(), value);
            }
        }
        args
    }

    fn labels(&self) -> IndexMap<String, String> {
        let entries = self.entries("labels").into_iter();
        entries
            .map(|(name, entry)| (name.clone(), entry.node.scalar_text().unwrap_or_default()))
            .collect()
    }

    /// Every host with one address each, by host.
    fn extra_hosts(&mut self) -> Vec<(String, String)> {
        let mut hosts = Vec::new();
        if let Some(map) = self.get("extra_hosts").and_then(Node::as_map) {
            for (host, entry) in map {
                let one = std::slice::from_ref(&entry.node);
                let items = entry.node.as_list().unwrap_or(one);
                for item in items {
                    self.host(
                        &mut hosts,
                        item,
                        host,
                        &item.scalar_text().unwrap_or_default(),
                    );
                }
            }
        }
        for item in self
            .get("extra_hosts")
            .and_then(Node::as_list)
            .into_iter()
            .flatten()
        {
            let text = item.scalar_text().unwrap_or_default();
            match text.split_once('=').or_else(|| text.split_once(':')) {
                Some((host, addresses)) => self.host(&mut hosts, item, host, addresses),
                None => {
                    let message =
                        format!("{} has no address for `{text}`", self.place("extra_hosts"));
                    self.error(item, message, "write `host=address`");
                }
            }
        }
        hosts.sort_by(|(one, _), (other, _): &(String, String)| one.cmp(other));
        hosts
    }

    fn host(&mut self, hosts: &mut Vec<(String, String)>, at: &Node, host: &str, addresses: &str) {
        if host.is_empty() || host.contains([':', '=']) {
            self.error(
                at,
                format!("bad host name `{host}`"),
                "a name without `:` and `=` belongs here",
            );
            return;
        }
        for address in addresses.split(',') {
            let bare = address
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            let address = bare.filter(|bare| !bare.is_empty()).unwrap_or(address);
            hosts.push((host.to_owned(), address.to_owned()));
        }
    }

    fn shm_size(&mut self) -> Option<u64> {
        let node = self.get("shm_size")?;
        let size = match &node.value {
            Value::Int(number) => u64::try_from(*number).ok(),
            Value::Float(number) => whole(*number),
            Value::Text(text) => bytes(text),
            _ => None,
        };
        if size.is_none() {
            let shown = node.scalar_text().unwrap_or_default();
            let message = format!("{} is no size: `{shown}`", self.place("shm_size"));
            self.error(
                node,
                message,
                "write bytes, or a number with `k`, `m` or `g`",
            );
        }
        size.filter(|size| *size != 0)
    }

    fn ulimits(&mut self) -> Vec<Ulimit> {
        let mut limits = Vec::new();
        for (name, entry) in self.entries("ulimits") {
            let node = &entry.node;
            let (soft, hard) = match node.as_map() {
                Some(_) => (node.get("soft"), node.get("hard")),
                None => (Some(node), Some(node)),
            };
            let soft = soft.and_then(|node| self.limit(name, node));
            let hard = hard.and_then(|node| self.limit(name, node));
            if let (Some(soft), Some(hard)) = (soft, hard) {
                limits.push(Ulimit {
                    name: name.clone(),
                    soft,
                    hard,
                });
            }
        }
        limits
    }

    fn limit(&mut self, name: &str, node: &Node) -> Option<i64> {
        let number = match &node.value {
            Value::Int(number) => i64::try_from(*number).ok(),
            Value::Float(number) if number.fract() == 0.0 => whole(number.abs())
                .and_then(|size| i64::try_from(size).ok())
                .map(|size| if *number < 0.0 { -size } else { size }),
            _ => None,
        };
        if number.is_none() {
            let shown = node.scalar_text().unwrap_or_default();
            let message = format!(
                "{}.{name} is no whole number: `{shown}`",
                self.place("ulimits")
            );
            self.error(node, message, "a number without quotes belongs here");
        }
        number
    }

    fn additional_contexts(&mut self) -> IndexMap<String, Context> {
        let mut contexts = IndexMap::new();
        for (name, entry) in self.entries("additional_contexts") {
            let Some(text) = entry.node.as_text() else {
                let message = format!(
                    "{}.{name} names no context",
                    self.place("additional_contexts")
                );
                self.error(&entry.node, message, "write `name=path-or-address`");
                continue;
            };
            let context = match text.strip_prefix("service:") {
                Some(service) => Context::Service(service.to_owned()),
                None if paths::is_remote(text) => Context::Remote(text.to_owned()),
                None if text.is_empty() => Context::Directory(self.around.here.to_owned()),
                None => Context::Directory(PathBuf::from(text)),
            };
            contexts.insert(name.clone(), context);
        }
        contexts
    }

    fn ssh(&self) -> Vec<Ssh> {
        let entries = self.entries("ssh").into_iter();
        entries
            .map(|(id, entry)| Ssh {
                id: id.clone(),
                path: entry.node.scalar_text().filter(|path| !path.is_empty()),
                at: Some(entry.at.clone()),
            })
            .collect()
    }

    fn secrets(&mut self) -> Vec<Secret> {
        let mut secrets = Vec::new();
        for item in self
            .get("secrets")
            .and_then(Node::as_list)
            .into_iter()
            .flatten()
        {
            let Some(source) = item.get("source").and_then(Node::as_text) else {
                let message = format!("{} has an item without `source`", self.place("secrets"));
                self.error(item, message, "which secret?");
                continue;
            };
            let target = item.get("target").and_then(Node::as_text);
            let id = target.filter(|target| !target.is_empty()).unwrap_or(source);
            if let Some((from, at)) = self.secret_source(source, item) {
                self.warn_of_attributes(item, id);
                secrets.push(Secret {
                    id: id.to_owned(),
                    from,
                    at: Some(at),
                });
            }
        }
        secrets
    }

    /// Who may read a secret is said by the `RUN` that mounts it.
    fn warn_of_attributes(&mut self, item: &Node, id: &str) {
        for key in ["uid", "gid", "mode"] {
            let Some(entry) = item.as_map().and_then(|map| map.get(key)) else {
                continue;
            };
            self.findings.note(
                Diagnostic::warning(format!(
                    "`{key}` of secret `{id}` means nothing while building"
                ))
                .at(entry.at.clone(), "left out")
                .help(format!(
                    "write it where it is mounted: `RUN --mount=type=secret,id={id},{key}=…`"
                )),
            );
        }
    }

    /// Where the project says the secret is; external ones are nowhere for a build.
    fn secret_source(&mut self, name: &str, item: &Node) -> Option<(SecretSource, Span)> {
        let Some(entry) = self.around.secrets.and_then(|secrets| secrets.get(name)) else {
            let known = self.around.secrets.into_iter().flat_map(Map::keys);
            let near = human::nearest(name, known.map(String::as_str));
            let label = near.map_or("no such secret".to_owned(), |near| {
                format!("did you mean `{near}`?")
            });
            self.findings.error(
                Diagnostic::error(format!(
                    "service `{}` refers to undefined build secret `{name}`",
                    self.service
                ))
                .at(item.span.clone(), label)
                .help(format!(
                    "define it at the top level: `secrets: {{{name}: {{file: …}}}}`"
                )),
            );
            return None;
        };
        let filled = |key: &str| {
            let node = entry.node.get(key)?;
            let text = node.scalar_text().filter(|text| !text.is_empty())?;
            Some((text, node.span.clone()))
        };
        if let Some((variable, at)) = filled("environment") {
            return Some((SecretSource::Environment(variable), at));
        }
        if let Some((file, at)) = filled("file") {
            return Some((SecretSource::File(PathBuf::from(file)), at));
        }
        self.findings.note(
            Diagnostic::warning(format!(
                "secret `{name}` is external; a build cannot read it"
            ))
            .at(item.span.clone(), "left out")
            .see(entry.at.clone(), "defined here"),
        );
        None
    }

    fn keys(&self) -> IndexMap<String, Span> {
        let map = self.node.as_map().into_iter().flatten();
        let keys = map.map(|(key, entry)| (key.clone(), entry.at.clone()));
        let contexts = self.entries("additional_contexts").into_iter();
        keys.chain(contexts.map(|(name, entry)| {
            (
                format!("additional_contexts.{name}"),
                entry.node.span.clone(),
            )
        }))
        .collect()
    }
}

/// A size as Docker reads it: a number, a unit of 1024s, and an optional `b` or `ib`.
pub fn bytes(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let last = lower.rfind(|c: char| c.is_ascii_digit() || matches!(c, '.' | ' '))?;
    let (number, unit) = lower.split_at(last + 1);
    let number = number.strip_suffix(' ').unwrap_or(number);
    let power = match unit {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        "p" | "pb" | "pib" => 5,
        _ => return None,
    };
    whole(scalar::float(&without_underscores(number))? * 1024_f64.powi(power))
}

/// A number without the underscores that Go takes between digits.
fn without_underscores(number: &str) -> Cow<'_, str> {
    let is_digit = |c: Option<&u8>| c.is_some_and(u8::is_ascii_digit);
    let bytes = number.as_bytes();
    let mut places = number.match_indices('_').map(|(at, _)| at).peekable();
    if places.peek().is_none() {
        return Cow::Borrowed(number);
    }
    let between = places.all(|at| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        is_digit(before) && is_digit(bytes.get(at + 1))
    });
    if between {
        Cow::Owned(number.replace('_', ""))
    } else {
        Cow::Borrowed(number)
    }
}

/// The whole part of a number that is not negative, and no larger than a count of bytes can be.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "cutting off the fraction is what is asked for; the rest is checked"
)]
fn whole(number: f64) -> Option<u64> {
    (0.0..=9e18).contains(&number).then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_docker_reads_them() {
        for (text, size) in [
            ("64m", Some(64 << 20)),
            ("1.5gb", Some(3 << 29)),
            ("2 GiB", Some(2 << 30)),
            ("100", Some(100)),
            ("32b", Some(32)),
            ("1_000", Some(1000)),
            ("1e3k", Some(1_024_000)),
            ("1_", None),
            ("_1", None),
            ("1ib", None),
            ("0x10", None),
            ("", None),
            ("-1", None),
            ("64mm", None),
            ("m", None),
        ] {
            assert_eq!(bytes(text), size, "{text}");
        }
    }
}
