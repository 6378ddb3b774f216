//! Interpolation of a whole document, and the casts that Compose does on the way.
//!
//! Every value of the tree, never a key. At some forty places the text that results is read as a
//! number or a boolean, so that `${PORT}` can stand where the schema wants a number.

use std::collections::HashSet;
use std::sync::LazyLock;

use indexmap::IndexMap;

use crate::diagnostic::{Diagnostic, Span};

use super::interpolate::{Fault, TEXT, Variables, substitute, uses};
use super::model::{Setting, Variable};
use super::places::{Place, Rules};
use super::scalar::{self, Spelling};
use super::tree::{Node, Path, Value};

/// What a text is read as.
#[derive(Clone, Copy)]
enum Cast {
    Int,
    Float,
    Bool,
}

/// Where texts are cast. Nothing below `build` is among them.
static CASTS: LazyLock<Rules<Cast>> = LazyLock::new(|| Rules::new(&TABLE));

const TABLE: [(&str, Cast); 50] = [
    ("configs.*.external", Cast::Bool),
    ("networks.*.attachable", Cast::Bool),
    ("networks.*.enable_ipv4", Cast::Bool),
    ("networks.*.enable_ipv6", Cast::Bool),
    ("networks.*.external", Cast::Bool),
    ("networks.*.internal", Cast::Bool),
    ("secrets.*.external", Cast::Bool),
    ("volumes.*.external", Cast::Bool),
    ("services.*.cpu_count", Cast::Int),
    ("services.*.cpu_percent", Cast::Float),
    ("services.*.cpu_period", Cast::Int),
    ("services.*.cpu_quota", Cast::Int),
    ("services.*.cpu_rt_period", Cast::Int),
    ("services.*.cpu_rt_runtime", Cast::Int),
    ("services.*.cpu_shares", Cast::Int),
    ("services.*.cpus", Cast::Float),
    ("services.*.depends_on.*.required", Cast::Bool),
    ("services.*.depends_on.*.restart", Cast::Bool),
    (
        "services.*.deploy.placement.max_replicas_per_node",
        Cast::Int,
    ),
    ("services.*.deploy.replicas", Cast::Int),
    ("services.*.deploy.resources.limits.pids", Cast::Int),
    ("services.*.deploy.restart_policy.max_attempts", Cast::Int),
    (
        "services.*.deploy.rollback_config.max_failure_ratio",
        Cast::Float,
    ),
    ("services.*.deploy.rollback_config.parallelism", Cast::Int),
    (
        "services.*.deploy.update_config.max_failure_ratio",
        Cast::Float,
    ),
    ("services.*.deploy.update_config.parallelism", Cast::Int),
    ("services.*.healthcheck.disable", Cast::Bool),
    ("services.*.healthcheck.retries", Cast::Int),
    ("services.*.init", Cast::Bool),
    ("services.*.mem_swappiness", Cast::Int),
    ("services.*.oom_kill_disable", Cast::Bool),
    ("services.*.oom_score_adj", Cast::Int),
    ("services.*.pids_limit", Cast::Int),
    ("services.*.ports.*.target", Cast::Int),
    ("services.*.privileged", Cast::Bool),
    ("services.*.read_only", Cast::Bool),
    ("services.*.scale", Cast::Int),
    ("services.*.stdin_open", Cast::Bool),
    ("services.*.tty", Cast::Bool),
    ("services.*.ulimits.*", Cast::Int),
    ("services.*.ulimits.*.hard", Cast::Int),
    ("services.*.ulimits.*.soft", Cast::Int),
    ("services.*.volumes.*.bind.create_host_path", Cast::Bool),
    ("services.*.volumes.*.read_only", Cast::Bool),
    ("services.*.volumes.*.tmpfs.size", Cast::Int),
    ("services.*.volumes.*.volume.nocopy", Cast::Bool),
    ("services.*.post_start.*.privileged", Cast::Bool),
    ("services.*.pre_stop.*.privileged", Cast::Bool),
    ("services.*.networks.*.priority", Cast::Int),
    ("services.*.networks.*.gw_priority", Cast::Int),
];

/// How many errors are kept: more are never read, and a large file can have hundreds of thousands.
pub(super) const ERRORS: usize = 1000;

/// What loading finds out besides the tree: complaints, and variables that nothing sets.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) errors: Vec<Diagnostic>,
    pub(super) notes: Vec<Diagnostic>,
    /// Every unset variable with the places that use it.
    pub(super) unset: IndexMap<String, Vec<Span>>,
    /// Every variable that is asked for.
    pub(super) used: IndexMap<String, Variable>,
    /// What the `.env` files of included projects assign.
    pub(super) included: IndexMap<String, Vec<Setting>>,
    /// What has been told already; a list alone would make many errors take quadratic time.
    told: HashSet<String>,
    /// How many bytes variables have expanded to.
    expanded: usize,
}

impl Findings {
    /// Adds an error unless it has been told already: a tree is checked once per file that adds
    /// to it.
    pub(super) fn error(&mut self, error: Diagnostic) {
        if self.errors.len() < ERRORS && self.told.insert(format!("error {error}")) {
            self.errors.push(error);
        }
    }

    /// Adds errors, each unless it has been told already.
    pub(super) fn tell(&mut self, errors: Vec<Diagnostic>) {
        for error in errors {
            self.error(error);
        }
    }

    /// Adds a note unless it has been told already.
    pub(super) fn note(&mut self, note: Diagnostic) {
        if self.told.insert(format!("note {note}")) {
            self.notes.push(note);
        }
    }

    /// Remembers that `name` is used at `span` and nothing sets it.
    pub(super) fn unset(&mut self, name: &str, span: &Span) {
        if self.told.insert(format!("unset {name} {span}")) {
            let places = self.unset.entry(name.to_owned()).or_default();
            places.push(span.clone());
        }
    }

    /// Remembers the variables that `text` asks for.
    pub(super) fn uses(&mut self, text: &str, span: &Span) {
        for found in uses(text) {
            let variable = self.used.entry(found.name.to_owned()).or_default();
            match found.operator {
                Some((b'-', default)) if variable.default.is_empty() => {
                    default.clone_into(&mut variable.default);
                }
                Some((b'+', alternate)) if variable.alternate.is_empty() => {
                    alternate.clone_into(&mut variable.alternate);
                }
                Some((b'?', _)) => variable.required = true,
                _ => {}
            }
            if variable.places.last() != Some(span) {
                variable.places.push(span.clone());
            }
        }
    }

    /// One warning per unset variable.
    pub(super) fn unset_warnings(&mut self) -> Vec<Diagnostic> {
        let warn = |(name, places): (String, Vec<Span>)| {
            let mut warning = Diagnostic::warning(format!(
                "the variable `{name}` is not set, an empty string takes its place"
            ));
            let mut places = places.into_iter();
            if let Some(first) = places.next() {
                warning = warning.at(first, "used here");
            }
            for place in places {
                warning = warning.see(place, "and here");
            }
            warning.help(format!(
                "set it in `.env`, or give it a default: `${{{name}:-…}}`"
            ))
        };
        std::mem::take(&mut self.unset)
            .into_iter()
            .map(warn)
            .collect()
    }
}

/// Interpolates every value of `document` from `environment`.
pub(super) fn interpolate(
    document: &mut Node,
    environment: &IndexMap<String, String>,
    findings: &mut Findings,
) {
    walk(document, &Place::root(&CASTS), environment, findings);
}

fn walk(
    node: &mut Node,
    place: &Place<'_, Cast>,
    environment: &IndexMap<String, String>,
    findings: &mut Findings,
) {
    match &mut node.value {
        Value::Map(map) => {
            for (key, entry) in map {
                walk(&mut entry.node, &place.join(key), environment, findings);
            }
        }
        Value::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                walk(item, &place.item(index), environment, findings);
            }
        }
        Value::Text(text) => {
            if text.contains('$') {
                findings.uses(text, &node.span);
            }
            if text.contains('$') && findings.expanded <= TEXT {
                match expand(text, &node.span, environment, findings) {
                    Ok(expanded) => *text = expanded,
                    Err(fault) => return findings.error(refusal(&fault, place.path(), &node.span)),
                }
            }
            cast(node, place, findings);
        }
        _ => {}
    }
}

/// Notes the variables that the values of `document` ask for, and leaves the values as they are. The
/// project's name does not count: Compose has put the real one there by then.
pub(super) fn note_uses(document: &Node, findings: &mut Findings) {
    let map = document.as_map().into_iter().flatten();
    for (_, entry) in map.filter(|(key, _)| *key != "name") {
        note_uses_below(&entry.node, findings);
    }
}

fn note_uses_below(node: &Node, findings: &mut Findings) {
    match &node.value {
        Value::Map(map) => map
            .values()
            .for_each(|entry| note_uses_below(&entry.node, findings)),
        Value::List(items) => items
            .iter()
            .for_each(|item| note_uses_below(item, findings)),
        Value::Text(text) if text.contains('$') => findings.uses(text, &node.span),
        _ => {}
    }
}

/// One text, interpolated.
pub(super) fn expand(
    text: &str,
    span: &Span,
    environment: &IndexMap<String, String>,
    findings: &mut Findings,
) -> Result<String, Fault> {
    let mut scope = Scope {
        environment,
        findings,
        span,
    };
    substitute(text, &mut scope)
}

/// How a fault at `path` is told.
pub(super) fn refusal(fault: &Fault, path: &Path<'_>, span: &Span) -> Diagnostic {
    match fault {
        Fault::Invalid { near } => {
            Diagnostic::error(format!("invalid interpolation format for {path}"))
                .at(span.clone(), format!("near `{near}`"))
                .help("to write a dollar sign, double it: `$$`")
        }
        Fault::Required { name, .. } => Diagnostic::error(fault.to_string())
            .at(span.clone(), format!("{path} needs it"))
            .help(format!("set it: `export {name}=…`, or in `.env`")),
        Fault::TooDeep | Fault::TooMuch => {
            Diagnostic::error(fault.to_string()).at(span.clone(), "")
        }
    }
}

struct Scope<'a> {
    environment: &'a IndexMap<String, String>,
    findings: &'a mut Findings,
    span: &'a Span,
}

impl Variables for Scope<'_> {
    fn value(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }
    fn spent(&mut self) -> &mut usize {
        &mut self.findings.expanded
    }
    fn unset(&mut self, name: &str) {
        self.findings.unset(name, self.span);
    }
}

fn cast(node: &mut Node, place: &Place<'_, Cast>, findings: &mut Findings) {
    let Some(cast) = place.rule() else {
        return;
    };
    let Value::Text(text) = &node.value else {
        return;
    };
    let (value, kind) = match cast {
        Cast::Int => (text.parse().ok().map(Value::Int), "whole number"),
        Cast::Float => (scalar::float(text).map(Value::Float), "number"),
        Cast::Bool => {
            let read = boolean(text, &node.span, findings);
            (read.map(Value::Bool), "boolean")
        }
    };
    match value {
        Some(value) => node.value = value,
        None => findings.error(
            Diagnostic::error(format!("{place} is no {kind}: `{text}`"))
                .at(node.span.clone(), format!("a {kind} belongs here")),
        ),
    }
}

/// A boolean written as text; YAML 1.1's spellings come with a warning.
pub(super) fn boolean(text: &str, span: &Span, findings: &mut Findings) -> Option<bool> {
    let (value, spelling) = scalar::boolean(text)?;
    if spelling == Spelling::Old {
        findings.note(
            Diagnostic::warning(format!("`{text}` for a boolean is not YAML 1.2"))
                .at(span.clone(), format!("write `{value}`")),
        );
    }
    Some(value)
}
