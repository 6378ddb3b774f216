//! Every value in the form that Compose writes: sizes in bytes, lengths of time as Go writes them,
//! pairs as mappings of texts, commands as lists of words.

use std::sync::LazyLock;

use crate::compose::merge::pairs_to_map;
use crate::compose::places::{Place, Rules};
use crate::compose::tree::{Entry, Map, Node, Value};
use crate::compose::{scalar, typed};
use crate::diagnostic::Diagnostic;

use super::words;

/// What a value is written as.
#[derive(Clone, Copy)]
enum Form {
    /// Text, whatever it looks like.
    Text,
    /// A list of texts; one alone is a list of one.
    Texts,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// Any number.
    Number,
    /// Bytes, as text.
    Size,
    /// A length of time.
    Duration,
    /// A list of words.
    Words,
    /// The test of a health check.
    Test,
    /// A mapping of texts; nothing is the empty text.
    Pairs,
    /// A mapping of texts; nothing stays nothing.
    Environment,
    /// A list of `host=address`.
    Hosts,
    /// A list of `id` and `id=path`.
    Keys,
    /// Permissions, in octal.
    Mode,
    /// A request for devices: how many, all when nothing is said.
    Devices,
}

/// The forms, by place.
static FORMS: LazyLock<Rules<Form>> = LazyLock::new(|| Rules::new(&TABLE));

const TABLE: [(&str, Form); 88] = [
    ("configs.*.labels", Form::Pairs),
    ("networks.*.driver_opts", Form::Pairs),
    ("networks.*.ipam.options", Form::Pairs),
    ("networks.*.labels", Form::Pairs),
    ("secrets.*.driver_opts", Form::Pairs),
    ("secrets.*.labels", Form::Pairs),
    ("volumes.*.driver_opts", Form::Pairs),
    ("volumes.*.labels", Form::Pairs),
    ("services.*.annotations", Form::Pairs),
    ("services.*.blkio_config.device_read_bps.*.rate", Form::Size),
    (
        "services.*.blkio_config.device_read_iops.*.rate",
        Form::Size,
    ),
    (
        "services.*.blkio_config.device_write_bps.*.rate",
        Form::Size,
    ),
    (
        "services.*.blkio_config.device_write_iops.*.rate",
        Form::Size,
    ),
    ("services.*.build.additional_contexts", Form::Pairs),
    ("services.*.build.args", Form::Environment),
    ("services.*.build.cache_from", Form::Texts),
    ("services.*.build.cache_to", Form::Texts),
    ("services.*.build.extra_hosts", Form::Hosts),
    ("services.*.build.labels", Form::Pairs),
    ("services.*.attach", Form::Bool),
    ("services.*.build.no_cache", Form::Bool),
    ("services.*.build.privileged", Form::Bool),
    ("services.*.build.pull", Form::Bool),
    ("services.*.build.no_cache_filter", Form::Texts),
    ("services.*.build.provenance", Form::Text),
    ("services.*.build.sbom", Form::Text),
    ("services.*.build.secrets.*.mode", Form::Mode),
    ("services.*.build.shm_size", Form::Size),
    ("services.*.build.ssh", Form::Keys),
    ("services.*.command", Form::Words),
    ("services.*.configs.*.mode", Form::Mode),
    ("services.*.cpu_count", Form::Int),
    ("services.*.cpu_percent", Form::Number),
    ("services.*.cpu_period", Form::Int),
    ("services.*.cpu_quota", Form::Int),
    ("services.*.cpu_rt_period", Form::Int),
    ("services.*.cpu_rt_runtime", Form::Int),
    ("services.*.cpu_shares", Form::Int),
    ("services.*.cpus", Form::Number),
    ("services.*.deploy.labels", Form::Pairs),
    ("services.*.deploy.resources.limits.cpus", Form::Number),
    ("services.*.deploy.resources.limits.memory", Form::Size),
    (
        "services.*.deploy.resources.reservations.cpus",
        Form::Number,
    ),
    (
        "services.*.deploy.resources.reservations.devices.*",
        Form::Devices,
    ),
    (
        "services.*.deploy.resources.reservations.memory",
        Form::Size,
    ),
    ("services.*.deploy.restart_policy.delay", Form::Duration),
    ("services.*.deploy.restart_policy.window", Form::Duration),
    ("services.*.deploy.rollback_config.delay", Form::Duration),
    ("services.*.deploy.rollback_config.monitor", Form::Duration),
    ("services.*.deploy.update_config.delay", Form::Duration),
    ("services.*.deploy.update_config.monitor", Form::Duration),
    ("services.*.develop.watch.*.exec.command", Form::Words),
    (
        "services.*.develop.watch.*.exec.environment",
        Form::Environment,
    ),
    ("services.*.develop.watch.*.ignore", Form::Texts),
    ("services.*.develop.watch.*.include", Form::Texts),
    ("services.*.dns", Form::Texts),
    ("services.*.dns_search", Form::Texts),
    ("services.*.entrypoint", Form::Words),
    ("services.*.environment", Form::Environment),
    ("services.*.expose", Form::Texts),
    ("services.*.extra_hosts", Form::Hosts),
    ("services.*.gpus.*", Form::Devices),
    ("services.*.group_add", Form::Texts),
    ("services.*.healthcheck.interval", Form::Duration),
    ("services.*.healthcheck.retries", Form::Int),
    ("services.*.healthcheck.start_interval", Form::Duration),
    ("services.*.healthcheck.start_period", Form::Duration),
    ("services.*.healthcheck.test", Form::Test),
    ("services.*.healthcheck.timeout", Form::Duration),
    ("services.*.labels", Form::Pairs),
    ("services.*.logging.options", Form::Pairs),
    ("services.*.mem_limit", Form::Size),
    ("services.*.mem_reservation", Form::Size),
    ("services.*.mem_swappiness", Form::Size),
    ("services.*.memswap_limit", Form::Size),
    ("services.*.networks.*.driver_opts", Form::Pairs),
    ("services.*.post_start.*.command", Form::Words),
    ("services.*.post_start.*.environment", Form::Environment),
    ("services.*.pre_stop.*.command", Form::Words),
    ("services.*.pre_stop.*.environment", Form::Environment),
    ("services.*.secrets.*.mode", Form::Mode),
    ("services.*.shm_size", Form::Size),
    ("services.*.stop_grace_period", Form::Duration),
    ("services.*.storage_opt", Form::Pairs),
    ("services.*.sysctls", Form::Pairs),
    ("services.*.tmpfs", Form::Texts),
    ("services.*.volumes.*.tmpfs.size", Form::Size),
    ("services.*.volumes.*.volume.labels", Form::Pairs),
];

/// Brings every value of `tree` into its form.
pub(super) fn apply(tree: &mut Node, errors: &mut Vec<Diagnostic>) {
    walk(tree, &Place::root(&FORMS), errors);
}

fn walk(node: &mut Node, place: &Place<'_, Form>, errors: &mut Vec<Diagnostic>) {
    if let Some(form) = place.rule()
        && !node.is_null()
        && let Err(why) = form.apply(node)
    {
        let shown = node.scalar_text().unwrap_or_default();
        errors
            .push(Diagnostic::error(format!("{place} {why}: `{shown}`")).at(node.span.clone(), ""));
    }
    if !place.goes_on() {
        return;
    }
    match &mut node.value {
        Value::Map(map) => {
            for (key, entry) in map {
                walk(&mut entry.node, &place.join(key), errors);
            }
        }
        Value::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                walk(item, &place.item(index), errors);
            }
        }
        _ => {}
    }
}

impl Form {
    fn apply(self, node: &mut Node) -> Result<(), String> {
        match self {
            Self::Text => text(node),
            Self::Texts => items(node, |items| items.iter_mut().for_each(text)),
            Self::Bool => {
                let read = node.as_text().map(scalar::boolean);
                if let Some(read) = read {
                    node.value = Value::Bool(read.ok_or("is no boolean")?.0);
                }
            }
            Self::Int | Self::Number => return number(node, self),
            Self::Size => return size(node),
            Self::Duration => {
                let written = node.scalar_text().unwrap_or_default();
                let duration = words::duration(&written).ok_or("is no length of time")?;
                node.value = Value::Text(duration);
            }
            Self::Words => return command(node),
            Self::Test => {
                if node.as_text().is_some() {
                    let shell = Node::text("CMD-SHELL", &node.span);
                    items(node, |items| items.insert(0, shell));
                }
            }
            Self::Pairs | Self::Environment => pairs(node, self),
            Self::Hosts => hosts(node),
            Self::Keys => keys(node),
            Self::Mode => {
                if let Value::Int(mode) = node.value {
                    node.value = Value::Text(format!("{mode:04o}"));
                }
            }
            Self::Devices => devices(node),
        }
        Ok(())
    }
}

fn text(node: &mut Node) {
    if let Some(text) = node.scalar_text() {
        node.value = Value::Text(text);
    }
}

/// Works on the items of a list; what is no list becomes one.
fn items(node: &mut Node, by: impl FnOnce(&mut Vec<Node>)) {
    let mut items = match std::mem::replace(&mut node.value, Value::Null) {
        Value::List(items) => items,
        value => vec![Node::new(value, node.span.clone())],
    };
    by(&mut items);
    node.value = Value::List(items);
}

fn number(node: &mut Node, form: Form) -> Result<(), String> {
    let Value::Text(text) = &node.value else {
        return Ok(());
    };
    node.value = match form {
        Form::Int => Value::Int(text.parse().map_err(|_| "is no whole number")?),
        _ => Value::Float(scalar::float(text).ok_or("is no number")?),
    };
    Ok(())
}

fn size(node: &mut Node) -> Result<(), String> {
    let written = node.scalar_text().unwrap_or_default();
    let bytes = match &node.value {
        // No limit. Compose writes it as text, which Compose cannot read.
        Value::Int(number) if *number < 0 => return Ok(()),
        Value::Int(number) => number.to_string(),
        _ => typed::bytes(&written).ok_or("is no size")?.to_string(),
    };
    node.value = Value::Text(bytes);
    Ok(())
}

fn command(node: &mut Node) -> Result<(), String> {
    if let Some(line) = node.as_text() {
        let words = words::split(line).map_err(|why| format!("cannot be split, {why}"))?;
        let words = words.into_iter().map(|word| Node::text(word, &node.span));
        node.value = Value::List(words.collect());
    }
    items(node, |items| items.iter_mut().for_each(text));
    Ok(())
}

fn pairs(node: &mut Node, form: Form) {
    let nothing = Node::new(Value::Null, node.span.clone());
    let mut map = pairs_to_map(std::mem::replace(node, nothing));
    for entry in map.as_map_mut().into_iter().flat_map(Map::values_mut) {
        match (form, &entry.node.value) {
            (Form::Pairs, Value::Null) => entry.node.value = Value::Text(String::new()),
            _ => text(&mut entry.node),
        }
    }
    if let Some(map) = map.as_map_mut() {
        map.sort_keys();
    }
    *node = map;
}

/// `host=address`, one address each, by host.
fn hosts(node: &mut Node) {
    let mut hosts: Vec<(String, Node)> = Vec::new();
    let mut add = |host: &str, addresses: &Node, text: &str| {
        for address in text.split(',') {
            let inner = address
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            let text = format!("{host}={}", inner.unwrap_or(address));
            // Compose writes a pair that two files have twice, and cannot read that.
            if hosts.iter().any(|(_, node)| node.as_text() == Some(&text)) {
                continue;
            }
            hosts.push((host.to_owned(), Node::text(text, &addresses.span)));
        }
    };
    match &node.value {
        Value::Map(map) => {
            for (host, entry) in map {
                let one = std::slice::from_ref(&entry.node);
                for item in entry.node.as_list().unwrap_or(one) {
                    add(host, item, &item.scalar_text().unwrap_or_default());
                }
            }
        }
        Value::List(items) => {
            for item in items {
                let text = item.scalar_text().unwrap_or_default();
                let (host, addresses) = text
                    .split_once('=')
                    .or_else(|| text.split_once(':'))
                    .unwrap_or((&text, ""));
                add(host, item, addresses);
            }
        }
        _ => {}
    }
    hosts.sort_by(|(one, _), (other, _)| one.cmp(other));
    node.value = Value::List(hosts.into_iter().map(|(_, node)| node).collect());
}

fn keys(node: &mut Node) {
    let Value::Map(map) = &mut node.value else {
        return;
    };
    let items = std::mem::take(map)
        .into_iter()
        .map(|(id, Entry { node, .. })| {
            let text = match node.scalar_text().filter(|path| !path.is_empty()) {
                Some(path) => format!("{id}={path}"),
                None => id,
            };
            Node::text(text, &node.span)
        });
    node.value = Value::List(items.collect());
}

fn devices(node: &mut Node) {
    let all = |node: &Node| node.as_text() == Some("all");
    let span = node.span.clone();
    let unlimited = node.get("device_ids").is_none();
    let Some(map) = node.as_map_mut() else {
        return;
    };
    let count = || Entry::new(&span, Node::new(Value::Int(-1), span.clone()));
    if unlimited {
        map.entry("count".to_owned()).or_insert_with(count);
    }
    if let Some(entry) = map.get_mut("count") {
        if all(&entry.node) {
            entry.node.value = Value::Int(-1);
        }
        if let Some(Ok(number)) = entry.node.as_text().map(str::parse) {
            entry.node.value = Value::Int(number);
        }
    }
    if let Some(options) = map.get_mut("options") {
        pairs(&mut options.node, Form::Pairs);
    }
}
