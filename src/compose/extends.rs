//! `extends:`: a service that begins as a copy of another.
//!
//! Resolved per document, before it is merged with the files before it; a service of another `-f`
//! file is therefore not in sight.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::diagnostic::Diagnostic;
use crate::human;

use super::files::{directory_of, shown};
use super::load::{Loader, Scope};
use super::merge;
use super::paths;
use super::resets::Resets;
use super::tree::{Entry, Map, Node, Value};

/// A longer chain is a mistake, and resolving is recursive.
const CHAIN: usize = 100;

/// One step of a chain: the file, the service.
type Step = (PathBuf, String);

/// What a service says about what it extends.
struct Base {
    service: String,
    file: Option<String>,
    node: Node,
}

/// Resolves every `extends` of `document`.
pub(super) fn apply(
    loader: &mut Loader<'_>,
    document: &mut Node,
    file: &Path,
    scope: &Scope,
    resets: &Resets,
) {
    let Some(services) = document.get_mut("services").and_then(Node::as_map_mut) else {
        return;
    };
    let names: Vec<String> = services.keys().cloned().collect();
    for name in names {
        let mut chain = Vec::new();
        resolve(
            loader,
            services,
            &name,
            file,
            scope,
            std::slice::from_ref(resets),
            &mut chain,
        );
    }
}

/// Replaces `services[name]` by what it is once everything it extends is merged below it; nothing
/// comes back where there is no such service or no end to what it extends.
fn resolve(
    loader: &mut Loader<'_>,
    services: &mut Map,
    name: &str,
    file: &Path,
    scope: &Scope,
    resets: &[Resets],
    chain: &mut Vec<Step>,
) -> Option<()> {
    let Some(base) = read(loader, &services.get(name)?.node, name) else {
        return Some(());
    };
    let step = (file.to_owned(), name.to_owned());
    if chain.contains(&step) || chain.len() > CHAIN {
        let error = circular(chain, &step, &base.node, loader.here);
        loader.error(error);
        forget(services, name);
        return None;
    }
    chain.push(step);
    let below = match &base.file {
        Some(other) => from_file(loader, &base, other, name, scope, resets, chain),
        None => from_here(loader, services, &base, name, file, scope, resets, chain),
    };
    chain.pop();
    forget(services, name);
    let below = below?;
    if below.is_null() || !loader.may_copy(&below) {
        return Some(());
    }
    let below = resets.iter().fold(below, |service, resets| {
        resets.apply_to_service(name, service)
    });
    let slot = &mut services.get_mut(name)?.node;
    let nothing = Node::new(Value::Null, slot.span.clone());
    let above = std::mem::replace(slot, nothing);
    *slot = loader.merge(below, above, &merge::root().join("services").join(name));
    forget(services, name);
    Some(())
}

/// Removes the `extends` key itself.
fn forget(services: &mut Map, name: &str) {
    if let Some(service) = services
        .get_mut(name)
        .and_then(|entry| entry.node.as_map_mut())
    {
        service.shift_remove("extends");
    }
}

fn read(loader: &mut Loader<'_>, service: &Node, name: &str) -> Option<Base> {
    let node = service.get("extends")?;
    let (reference, file) = match node.as_map() {
        Some(_) => (node.get("service"), node.get("file")),
        None => (Some(node), None),
    };
    let Some(reference) = reference.and_then(Node::as_text) else {
        // A wrong kind of value is the schema's to tell, but the key is gone by then.
        loader.error(
            Diagnostic::error(format!("services.{name}.extends must name a service"))
                .at(node.span.clone(), "no `service` here"),
        );
        return None;
    };
    let unknown = node.as_map().into_iter().flatten();
    for (key, Entry { at, .. }) in
        unknown.filter(|(key, _)| !["service", "file"].contains(&key.as_str()))
    {
        // Compose passes over it without a word.
        loader.findings.note(
            Diagnostic::warning(format!(
                "unknown key `services.{name}.extends.{key}` has no effect"
            ))
            .at(at.clone(), "only `service` and `file` belong here"),
        );
    }
    Some(Base {
        service: reference.to_owned(),
        file: file.and_then(Node::as_text).map(str::to_owned),
        node: node.clone(),
    })
}

#[expect(
    clippy::too_many_arguments,
    reason = "one step of a recursion, with all it stands in"
)]
fn from_here(
    loader: &mut Loader<'_>,
    services: &mut Map,
    base: &Base,
    name: &str,
    file: &Path,
    scope: &Scope,
    resets: &[Resets],
    chain: &mut Vec<Step>,
) -> Option<Node> {
    if !services.contains_key(&base.service) {
        let known = services.keys().map(String::as_str);
        loader.error(not_found(base, name, &shown(file, loader.here), known));
        return None;
    }
    resolve(loader, services, &base.service, file, scope, resets, chain)?;
    Some(services.get(&base.service)?.node.clone())
}

fn from_file(
    loader: &mut Loader<'_>,
    base: &Base,
    other: &str,
    name: &str,
    scope: &Scope,
    resets: &[Resets],
    chain: &mut Vec<Step>,
) -> Option<Node> {
    let path = paths::absolute(&scope.directory, other);
    let shown_name = shown(&path, loader.here);
    if !path.exists() {
        loader.error(
            Diagnostic::error(format!("failed to read `{shown_name}`: no such file")).at(
                base.node.span.clone(),
                format!("`{name}` extends a service of it"),
            ),
        );
        return None;
    }
    let scope = Scope {
        directory: directory_of(&path),
        environment: Rc::clone(&scope.environment),
        chain: scope.chain.clone(),
        asked: Some(base.node.span.clone()),
    };
    let extended = loader.extended_file(&path, &scope)?;
    let all = extended.model.get("services").and_then(Node::as_map);
    let Some(entry) = all.and_then(|all| all.get(&base.service)) else {
        let known = all.into_iter().flat_map(Map::keys).map(String::as_str);
        let error = not_found(base, name, &shown_name, known);
        loader.error(error);
        return None;
    };
    if entry.node.get("extends").is_none() {
        return Some(entry.node.clone());
    }
    let mut services = all.cloned().unwrap_or_default();
    let resets = [resets, std::slice::from_ref(&extended.resets)].concat();
    resolve(
        loader,
        &mut services,
        &base.service,
        &path,
        &scope,
        &resets,
        chain,
    )?;
    services.swap_remove(&base.service).map(|entry| entry.node)
}

fn not_found<'k>(
    base: &Base,
    name: &str,
    file: &str,
    known: impl Iterator<Item = &'k str>,
) -> Diagnostic {
    let wanted = &base.service;
    let error = Diagnostic::error(format!(
        "cannot extend service `{name}`: service `{wanted}` not found in `{file}`"
    ));
    match human::nearest(wanted, known) {
        Some(near) => error.at(base.node.span.clone(), format!("did you mean `{near}`?")),
        None => error
            .at(base.node.span.clone(), "no such service")
            .help("a service of another compose file needs `extends: {file: …, service: …}`"),
    }
}

fn circular(chain: &[Step], last: &Step, node: &Node, here: &Path) -> Diagnostic {
    let Some(begin) = chain.iter().position(|step| step == last) else {
        return Diagnostic::error(format!("a chain of more than {CHAIN} `extends`"))
            .at(node.span.clone(), "goes on from here");
    };
    let way: Vec<String> = chain[begin..]
        .iter()
        .chain(std::iter::once(last))
        .map(|(file, service)| format!("{service} in {}", shown(file, here)))
        .collect();
    let shown = match way.len() {
        0..=12 => way.join(" -> "),
        _ => format!("{} -> … -> {}", way[..5].join(" -> "), way[way.len() - 1]),
    };
    Diagnostic::error(format!("services extend each other in a circle: {shown}"))
        .at(node.span.clone(), "closes the circle")
}
