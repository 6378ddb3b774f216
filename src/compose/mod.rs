//! Compose projects: from the files people write to a typed [`Project`].
//!
//! ```text
//! discover   which files, which directory, which variables (.env)
//!   yaml       text -> tree with positions; anchors, merge keys, duplicate keys
//!   name       the project's name
//!   load       per document:
//!     variables   interpolate every value
//!     include     other projects, loaded the same way, go below this document
//!     merge       !reset and !override act on what came before
//!     extends     services begin as copies of others
//!     merge       onto what came before
//!     schema      is it what compose takes?
//!     canonical   short forms -> long forms
//! rebase     relative paths -> absolute
//! profiles   who takes part
//! check      names are defined, nothing goes in circles
//! typed      tree -> model
//! select     the services a command line names, and what they depend on
//! resolved   the project as Compose would write it, on request
//! ```
//!
//! The order is Compose's own, and decides more about the outcome than any single rule. All of it
//! but the last step works on an untyped tree whose every node knows its place in a file. The room
//! reads files; it knows no process environment, no clock, no terminal and no Docker: what it needs
//! of these comes in a [`Request`].

mod canonical;
mod check;
mod discover;
mod dotenv;
mod extends;
mod files;
mod include;
mod interpolate;
mod load;
mod merge;
mod model;
mod name;
mod notes;
mod origin;
mod paths;
mod places;
mod profiles;
mod rebase;
mod request;
mod resets;
mod resolved;
mod scalar;
mod schema;
mod select;
mod tree;
mod typed;
mod unique;
mod variables;
mod whence;
mod yaml;

use std::cell::RefCell;
use std::rc::Rc;

use indexmap::IndexMap;

use crate::diagnostic::Diagnostic;

pub use discover::{Found, Lost, discover, has_default_file};
pub use model::{
    Build, Context, Dockerfile, Project, Secret, SecretSource, Service, Setting, Ssh, Ulimit,
    Variable,
};
pub use origin::{Origin, origins};
pub use request::Request;
pub use tree::{Entry, Map, Node, Overridden, Value};
pub use typed::bytes;
pub use whence::{By, Container, Given, Whence};
pub use yaml::write as to_yaml;

/// Why a project cannot be loaded.
#[derive(Debug, Clone)]
pub enum Unloadable {
    /// A compose file is not there.
    Missing(Diagnostic),
    /// All that is wrong with what is there.
    Invalid(Vec<Diagnostic>),
}

impl From<Lost> for Unloadable {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Missing(diagnostic) => Self::Missing(diagnostic),
            Lost::Invalid(diagnostic) => Self::Invalid(vec![diagnostic]),
        }
    }
}

impl Unloadable {
    /// What there is to tell.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        match self {
            Self::Missing(diagnostic) => vec![diagnostic],
            Self::Invalid(diagnostics) => diagnostics,
        }
    }
}

/// Loads the project that `request` is about.
///
/// # Errors
/// When there is no project, and with everything that is wrong with the one there is.
pub fn load(request: &Request) -> Result<Project, Unloadable> {
    let mut found = discover(request)?;
    let here = request.working_directory();
    let mut loader = load::Loader::new(&here, request.stdin.as_deref());
    loader.findings.notes = std::mem::take(&mut found.notes);
    loader.findings.unset = std::mem::take(&mut found.unset);

    let name = project_name(request, &found, &mut loader);
    found
        .environment
        .insert("COMPOSE_PROJECT_NAME".to_owned(), name.clone());
    let scope = load::Scope {
        directory: found.directory.clone(),
        environment: Rc::new(found.environment),
        chain: Vec::new(),
        asked: None,
    };
    let tree = loader.project(&found.files, &scope);
    let mut findings = loader.findings;
    let Some(mut tree) = tree.filter(|_| findings.errors.is_empty()) else {
        return Err(Unloadable::Invalid(findings.errors));
    };
    rebase::defaults(&mut tree);
    rebase::absolute(&mut tree, &scope.directory, &scope.environment);
    // Two ways to write one path are the same file only now.
    unique::deduplicate(&mut tree);

    let (services, disabled) =
        services(request, &here, &mut tree, &scope.environment, &mut findings);
    if !findings.errors.is_empty() {
        return Err(Unloadable::Invalid(findings.errors));
    }
    let included = std::mem::take(&mut findings.included);
    let mut variables = std::mem::take(&mut findings.used);
    variables.sort_keys();
    let mut notes = findings.unset_warnings();
    notes.splice(0..0, findings.notes);
    notes.extend(notes::shadows(&found.settings, &variables));
    notes.extend(notes::races(&services, &tree));
    Ok(Project {
        name,
        directory: scope.directory,
        here,
        files: found.files,
        environment: Rc::unwrap_or_clone(scope.environment),
        env_files: found.env_files,
        settings: found.settings,
        included,
        variables,
        services,
        disabled,
        notes,
        tree,
    })
}

/// The variables that the files of a project use, by name. As in Compose the values are left as they
/// are written, so that one which is missing is no error.
///
/// # Errors
/// When there is no project, and when its files cannot be read and merged.
pub fn variables(request: &Request) -> Result<IndexMap<String, Variable>, Unloadable> {
    let found = discover(request)?;
    let here = request.working_directory();
    let mut loader = load::Loader::new(&here, request.stdin.as_deref());
    loader.variables = load::Variables::AsWritten;
    let scope = load::Scope {
        directory: found.directory,
        environment: Rc::new(found.environment),
        chain: Vec::new(),
        asked: None,
    };
    loader.project(&found.files, &scope);
    let mut findings = loader.findings;
    if !findings.errors.is_empty() {
        return Err(Unloadable::Invalid(findings.errors));
    }
    findings.used.sort_keys();
    Ok(findings.used)
}

fn project_name(request: &Request, found: &Found, loader: &mut load::Loader<'_>) -> String {
    let mut written = Vec::new();
    for file in &found.files {
        let documents = loader.documents(file, None).unwrap_or_default();
        written.extend(
            documents
                .iter()
                .filter_map(|node| node.get("name").cloned()),
        );
    }
    name::choose(request, found, &written, &mut loader.findings)
}

/// The active services, typed and by name, and the names of the others.
fn services(
    request: &Request,
    here: &std::path::Path,
    tree: &mut Node,
    environment: &IndexMap<String, String>,
    findings: &mut variables::Findings,
) -> (IndexMap<String, Service>, Vec<String>) {
    let profiles = profiles::requested(&request.profiles, environment);
    label_files(request, here, tree, &profiles, findings);
    let none = Map::default();
    let tree = &*tree;
    let all = tree.get("services").and_then(Node::as_map).unwrap_or(&none);
    let active = profiles::active(all, &profiles, &request.services);
    check::Checked {
        project: tree,
        services: all,
        active: &active,
    }
    .run(findings);
    let around = typed::Surroundings {
        environment,
        here,
        secrets: tree.get("secrets").and_then(Node::as_map),
        directories: RefCell::default(),
    };
    let mut services = IndexMap::new();
    let mut disabled = Vec::new();
    for (name, entry) in all {
        if !active.contains(name) {
            disabled.push(name.clone());
            continue;
        }
        let mut service = typed::service(name, entry, &around, findings);
        service.depends_on.retain(|name| active.contains(name));
        services.insert(name.clone(), service);
    }
    services.sort_keys();
    disabled.sort();
    (services, disabled)
}

/// Reads the labels of active services that stand in files.
fn label_files(
    request: &Request,
    here: &std::path::Path,
    tree: &mut Node,
    profiles: &[String],
    findings: &mut variables::Findings,
) {
    let Some(all) = tree.get_mut("services").and_then(Node::as_map_mut) else {
        return;
    };
    let active = profiles::active(all, profiles, &request.services);
    for (name, entry) in all.iter_mut().filter(|(name, _)| active.contains(*name)) {
        if let Err(error) = resolved::environment::labels(name, &mut entry.node, here) {
            findings.error(error);
        }
    }
}
