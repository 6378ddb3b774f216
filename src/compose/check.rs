//! What must hold between the parts of a project: names that are defined, circles that are not.
//!
//! Only active services are looked at; the others may be as wrong as they like, as in Compose.

use std::collections::{HashMap, HashSet};

use crate::diagnostic::{Diagnostic, Span};
use crate::human;

use super::tree::{Map, Node, Value};
use super::typed::{self, dependencies};
use super::variables::Findings;

/// The checked tree and who takes part.
pub(super) struct Checked<'a> {
    /// The whole project.
    pub(super) project: &'a Node,
    /// All its services.
    pub(super) services: &'a Map,
    /// The names of those that take part.
    pub(super) active: &'a HashSet<String>,
}

impl Checked<'_> {
    /// Complains about everything that is inconsistent.
    pub(super) fn run(&self, findings: &mut Findings) {
        self.resources(findings);
        let mut names: Vec<&String> = self.active.iter().collect();
        names.sort();
        for name in &names {
            let entry = &self.services[*name];
            self.service(name, &entry.at, &entry.node, findings);
        }
        self.container_names(&names, findings);
        self.circles(
            &names,
            "dependency cycle detected",
            |node| dependencies(node).into_iter().collect(),
            findings,
        );
        self.circles(
            &names,
            "builds need each other's images",
            |node| {
                contexts(node)
                    .map(|(target, span)| (target.to_owned(), span.clone()))
                    .collect()
            },
            findings,
        );
    }

    /// Secrets and configs say exactly one place they come from.
    fn resources(&self, findings: &mut Findings) {
        for (section, sources) in [
            ("secrets", &["file", "environment"][..]),
            ("configs", &["file", "environment", "content"]),
        ] {
            let map = self.project.get(section).and_then(Node::as_map);
            for (name, entry) in map.into_iter().flatten() {
                let given: Vec<&&str> = sources
                    .iter()
                    .filter(|key| is_given(&entry.node, key))
                    .collect();
                if given.len() > 1 {
                    findings.error(
                        Diagnostic::error(format!(
                            "{section}.{name}: `{}` and `{}` exclude each other",
                            given[0], given[1]
                        ))
                        .at(entry.at.clone(), "one of them must go"),
                    );
                }
                let external = entry
                    .node
                    .get("external")
                    .is_some_and(|node| !matches!(node.value, Value::Bool(false) | Value::Null));
                let driven = entry.node.get("driver").is_some();
                if given.is_empty() && !external && !driven {
                    findings.error(
                        Diagnostic::error(format!("{section}.{name} has no source")).at(
                            entry.at.clone(),
                            format!("one of {} is needed", sources.join(", ")),
                        ),
                    );
                }
            }
        }
    }

    /// No two services want the same name for their container.
    fn container_names(&self, names: &[&String], findings: &mut Findings) {
        let mut taken: HashMap<&str, (&Node, &str)> = HashMap::new();
        for name in names {
            let wanted = self.services[*name].node.get("container_name");
            let Some((node, text)) = wanted.and_then(|node| Some((node, node.as_text()?))) else {
                continue;
            };
            if let Some((first, other)) = taken.insert(text, (node, name)) {
                findings.error(
                    Diagnostic::error(format!(
                        "service `{name}` wants a container name that is taken: `{text}`"
                    ))
                    .at(node.span.clone(), "again")
                    .see(first.span.clone(), format!("`{other}` has it")),
                );
            }
        }
    }

    fn service(&self, name: &str, at: &Span, node: &Node, findings: &mut Findings) {
        let has = |key: &str| is_given(node, key);
        if !has("image") && !has("build") && !has("provider") {
            findings.error(
                Diagnostic::error(format!(
                    "service `{name}` has neither an image nor a build context specified"
                ))
                .at(at.clone(), "`image:` or `build:` is missing"),
            );
        }
        if has("network_mode") && has("networks") {
            findings.error(
                Diagnostic::error(format!(
                    "service `{name}` declares mutually exclusive `network_mode` and `networks`"
                ))
                .at(at.clone(), "one of them must go"),
            );
        }
        Self::scale(name, node, findings);
        Self::platforms(name, node, findings);
        Self::limits(name, node, findings);
        self.dependencies(name, node, findings);
        self.contexts(name, node, findings);
        self.references(name, node, findings);
    }

    /// One name is enough for one container only.
    fn scale(name: &str, node: &Node, findings: &mut Findings) {
        let replicas = [
            ("scale", node.get("scale")),
            ("deploy.replicas", node.at(&["deploy", "replicas"])),
        ];
        let many = replicas.into_iter().find_map(|(key, count)| {
            let count = count.filter(|count| matches!(count.value, Value::Int(2..)))?;
            Some((key, count))
        });
        if let Some((key, count)) = many.filter(|_| is_given(node, "container_name")) {
            findings.error(
                Diagnostic::error(format!(
                    "service `{name}` has `container_name` and more than one container"
                ))
                .at(count.span.clone(), format!("`{key}` asks for these")),
            );
        }
    }

    fn platforms(name: &str, node: &Node, findings: &mut Findings) {
        let platform = node.get("platform");
        let list = node.at(&["build", "platforms"]).and_then(Node::as_list);
        if let (Some(platform), Some(list)) = (platform, list)
            && let Some(text) = platform.as_text()
            && !text.is_empty()
            && !list.is_empty()
            && !list.iter().any(|item| item.as_text() == Some(text))
        {
            findings.error(
                Diagnostic::error(format!(
                    "services.{name}.build.platforms must include `{text}`, the service's platform"
                ))
                .at(platform.span.clone(), "the service runs on this")
                .see(list[0].span.clone(), "it is built for these"),
            );
        }
    }

    /// What a service says of its resources in two places is the same in both.
    fn limits(name: &str, node: &Node, findings: &mut Findings) {
        const TWICE: [(&str, &[&str], &str); 5] = [
            ("scale", &["deploy"], "replicas"),
            ("cpus", &["deploy", "resources", "limits"], "cpus"),
            ("mem_limit", &["deploy", "resources", "limits"], "memory"),
            ("pids_limit", &["deploy", "resources", "limits"], "pids"),
            (
                "mem_reservation",
                &["deploy", "resources", "reservations"],
                "memory",
            ),
        ];
        for (key, way, other) in TWICE {
            let short = node.get(key).filter(|node| !node.is_null());
            let (Some(short), Some(section)) = (short, node.at(way)) else {
                continue;
            };
            let long = section.get(other).filter(|node| !node.is_null());
            // An empty section stands for no limit, which is another one; no number of replicas
            // stands for any.
            let same = match long {
                Some(long) => amount(short) == amount(long),
                None => key == "scale" || section.as_map().is_none() || amount(short) == Some(0.0),
            };
            if !same {
                let place = format!("{}.{other}", way.join("."));
                findings.error(
                    Diagnostic::error(format!(
                        "service `{name}` has distinct values of `{key}` and `{place}`"
                    ))
                    .at(short.span.clone(), "one of them must go")
                    .see(long.unwrap_or(section).span.clone(), "the other"),
                );
            }
        }
    }

    fn dependencies(&self, name: &str, node: &Node, findings: &mut Findings) {
        for (target, span) in dependencies(node) {
            let required = node.at(&["depends_on", &target, "required"]);
            let optional = required.is_some_and(|node| matches!(node.value, Value::Bool(false)));
            let known = self.services.contains_key(&target);
            if self.active.contains(&target) || (optional && known) {
                continue;
            }
            let message = if known {
                format!("service `{name}` depends on `{target}`, which no active profile includes")
            } else {
                format!("service `{name}` depends on undefined service `{target}`")
            };
            let error = self.unknown_service(message, &target, span);
            findings.error(match self.services.get(&target) {
                Some(entry) => error.see(entry.at.clone(), "defined here").help(format!(
                    "activate it: name `{target}` too, or use `--profile`"
                )),
                None => error,
            });
        }
    }

    fn unknown_service(&self, message: String, target: &str, span: Span) -> Diagnostic {
        let near = human::nearest(target, self.services.keys().map(String::as_str));
        let label = match near.filter(|near| *near != target) {
            Some(near) => format!("did you mean `{near}`?"),
            None => String::new(),
        };
        Diagnostic::error(message).at(span, label)
    }

    fn contexts(&self, name: &str, node: &Node, findings: &mut Findings) {
        for (target, span) in contexts(node) {
            let build = self
                .services
                .get(target)
                .map(|entry| entry.node.get("build"));
            let problem = match build {
                _ if !self.active.contains(target) => "is unknown or not active",
                Some(None) => "has no `build:`",
                _ => continue,
            };
            findings.error(self.unknown_service(
                format!("service `{name}` takes the image of service `{target}`, which {problem}"),
                target,
                span.clone(),
            ));
        }
    }

    /// Networks, volumes, secrets and configs are defined where a service uses them.
    fn references(&self, name: &str, node: &Node, findings: &mut Findings) {
        let networks = node.get("networks").and_then(Node::as_map);
        for (network, entry) in networks.into_iter().flatten() {
            if network != "default" {
                self.defined("networks", network, &entry.at, name, findings);
            }
        }
        for section in ["secrets", "configs"] {
            for item in node
                .get(section)
                .and_then(Node::as_list)
                .into_iter()
                .flatten()
            {
                let source = item.get("source").unwrap_or(item);
                if let Some(text) = source.as_text() {
                    self.defined(section, text, &source.span, name, findings);
                }
            }
        }
        for item in node
            .get("volumes")
            .and_then(Node::as_list)
            .into_iter()
            .flatten()
        {
            if let Some(volume) = named_volume(item) {
                self.defined("volumes", &volume, &item.span, name, findings);
            }
        }
    }

    fn defined(
        &self,
        section: &str,
        wanted: &str,
        span: &Span,
        service: &str,
        findings: &mut Findings,
    ) {
        let map = self.project.get(section).and_then(Node::as_map);
        if map.is_some_and(|map| map.contains_key(wanted)) {
            return;
        }
        let kind = section.trim_end_matches('s');
        let near = human::nearest(
            wanted,
            map.into_iter().flat_map(Map::keys).map(String::as_str),
        );
        let label = near.map_or(String::new(), |near| format!("did you mean `{near}`?"));
        findings.error(
            Diagnostic::error(format!(
                "service `{service}` refers to undefined {kind} `{wanted}`"
            ))
            .at(span.clone(), label)
            .help(format!("define it under `{section}:` at the top level")),
        );
    }

    /// Follows `edges` from every active service and tells the first circle it finds.
    fn circles(
        &self,
        names: &[&String],
        what: &str,
        edges: impl Fn(&Node) -> Vec<(String, Span)>,
        findings: &mut Findings,
    ) {
        let mut done: HashSet<String> = HashSet::new();
        for start in names {
            // Depth first without recursion: the way here, and for each step the edges left.
            let mut way: Vec<(String, Vec<(String, Span)>)> = Vec::new();
            let mut next = Some((*start).clone());
            loop {
                if let Some(name) = next.take()
                    && !done.contains(&name)
                    && let Some(entry) = self.services.get(&name)
                {
                    let mut targets = edges(&entry.node);
                    targets.reverse();
                    way.push((name, targets));
                }
                let Some((name, targets)) = way.last_mut() else {
                    break;
                };
                let Some((target, span)) = targets.pop() else {
                    done.insert(name.clone());
                    way.pop();
                    continue;
                };
                if let Some(begin) = way.iter().position(|(name, _)| *name == target) {
                    let mut circle: Vec<&str> =
                        way[begin..].iter().map(|(name, _)| name.as_str()).collect();
                    circle.push(&target);
                    findings.error(
                        Diagnostic::error(format!("{what}: {}", circle.join(" -> ")))
                            .at(span, "closes the circle"),
                    );
                    return;
                }
                next = Some(target);
            }
        }
    }
}

/// Whether `key` says anything: an empty text is as good as none.
fn is_given(node: &Node, key: &str) -> bool {
    let value = node.get(key);
    value.is_some_and(|value| !value.is_null() && value.as_text() != Some(""))
}

/// The services whose images are contexts of this one's build, with the places that say so.
fn contexts(service: &Node) -> impl Iterator<Item = (&str, &Span)> {
    let map = service.at(&["build", "additional_contexts"]);
    map.and_then(Node::as_map)
        .into_iter()
        .flat_map(Map::values)
        .filter_map(|entry| {
            let target = entry.node.as_text()?.strip_prefix("service:")?;
            Some((target, &entry.node.span))
        })
}

/// A number or a size, to compare.
#[expect(clippy::cast_precision_loss, reason = "compared, not counted")]
fn amount(node: &Node) -> Option<f64> {
    match &node.value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Text(text) => match text.parse() {
            Ok(number) => Some(number),
            Err(_) => typed::bytes(text).map(|bytes| bytes as f64),
        },
        _ => None,
    }
}

/// The named volume that an item of `volumes:` mounts, if it mounts one.
fn named_volume(item: &Node) -> Option<String> {
    let kind = item.get("type").and_then(Node::as_text)?;
    let source = item.get("source").and_then(Node::as_text)?;
    (kind == "volume" && !source.is_empty()).then(|| source.to_owned())
}
