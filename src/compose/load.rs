//! From files to one merged, canonical tree.
//!
//! Per document: interpolate, include, forget what `!reset` names, extend, merge onto what the
//! documents before it made, check the whole, and bring it into long forms. Errors are collected
//! as far as a later step still makes sense without the earlier one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::diagnostic::{Diagnostic, Position, Source, Span};

use super::canonical::canonicalise;
use super::extends;
use super::files::{read_yaml, shown};
use super::include;
use super::merge::{self, Where};
use super::rebase;
use super::resets::Resets;
use super::schema;
use super::tree::{Map, Node, Value};
use super::unique;
use super::variables::{Findings, interpolate, note_uses};
use super::yaml;

/// How many files one project may be made of, counting repeated inclusion.
const FILES: usize = 1000;
/// How much `extends` may copy, as [`Node::weight`] counts: 5,000 services of 100 values, in some
/// 150 MB.
const COPIES: usize = 500_000;

/// What loading one project shares between its files.
pub(super) struct Loader<'r> {
    /// The current directory, for the names of files.
    pub(super) here: &'r Path,
    /// The text of standard input.
    pub(super) stdin: Option<&'r str>,
    /// What was found out so far.
    pub(super) findings: Findings,
    /// What becomes of the variables in values.
    pub(super) variables: Variables,
    /// Files already read, by path; `None` for those that could not be.
    read: HashMap<PathBuf, Option<File>>,
    /// Files that services were extended from, by path.
    extended: HashMap<PathBuf, Rc<Extended>>,
    loads: usize,
    values: usize,
    copies: usize,
    /// The start of the first file that has nothing but comments in it.
    empty: Option<Span>,
}

/// What becomes of the variables in values.
#[derive(Clone, Copy)]
pub(super) enum Variables {
    /// Their values take their places.
    Expanded,
    /// They stay as they are written, and are only noted.
    AsWritten,
}

/// A file that was read.
struct File {
    source: Arc<Source>,
    /// Its documents, until they go into a model: nearly always that is the only use of them, and
    /// copying a tree takes a third of the time of making it.
    documents: Option<Vec<Node>>,
}

/// A file of which `extends` takes services.
pub(super) struct Extended {
    /// Where its values came from.
    environment: Rc<IndexMap<String, String>>,
    /// Interpolated and in long forms, its paths absolute, nothing in it extended or included.
    pub(super) model: Node,
    /// What its last document asks to be forgotten.
    pub(super) resets: Resets,
}

/// What the files of one model have in common: the main files, or those of one `include`.
#[derive(Clone)]
pub(super) struct Scope {
    /// Where relative paths start.
    pub(super) directory: PathBuf,
    /// Where values come from.
    pub(super) environment: Rc<IndexMap<String, String>>,
    /// The files whose inclusion led here.
    pub(super) chain: Vec<PathBuf>,
    /// The place in a file that asks for these files.
    pub(super) asked: Option<Span>,
}

impl<'r> Loader<'r> {
    pub(super) fn new(here: &'r Path, stdin: Option<&'r str>) -> Self {
        Self {
            here,
            stdin,
            findings: Findings::default(),
            variables: Variables::Expanded,
            read: HashMap::new(),
            extended: HashMap::new(),
            loads: 0,
            values: 0,
            copies: 0,
            empty: None,
        }
    }

    /// The documents of a file that `asked` wants, to look at; errors are told once per file.
    pub(super) fn documents(&mut self, file: &Path, asked: Option<&Span>) -> Option<&[Node]> {
        if self.values > yaml::VALUES {
            return None;
        }
        if !self.read.contains_key(file) {
            let read = self.source(file, asked).and_then(|source| {
                let documents = Some(self.parse(&source)?);
                Some(File { source, documents })
            });
            self.read.insert(file.to_owned(), read);
        }
        let read = self.read.get(file)?.as_ref()?;
        if read.documents.is_none() {
            let source = Arc::clone(&read.source);
            let documents = self.parse(&source);
            let again = File { source, documents };
            self.read.insert(file.to_owned(), Some(again));
        }
        self.read.get(file)?.as_ref()?.documents.as_deref()
    }

    /// The same, to have.
    fn take_documents(&mut self, file: &Path, asked: Option<&Span>) -> Option<Vec<Node>> {
        self.documents(file, asked)?;
        self.read.get_mut(file)?.as_mut()?.documents.take()
    }

    fn source(&mut self, file: &Path, asked: Option<&Span>) -> Option<Arc<Source>> {
        let source = match self.stdin {
            _ if file.as_os_str() != "-" => read_yaml(file, &shown(file, self.here)),
            Some(text) => Ok(Source::new("<stdin>", text)),
            None => Err(Diagnostic::error("failed to read `-`: no standard input")),
        };
        source
            .map_err(|error| self.error(asked_for(error, asked)))
            .ok()
    }

    fn parse(&mut self, source: &Arc<Source>) -> Option<Vec<Node>> {
        let documents = match yaml::documents(source, &mut self.values) {
            Ok(documents) => documents,
            Err(errors) => {
                self.findings.tell(errors);
                return None;
            }
        };
        if documents.is_empty() {
            let start = Position { line: 1, column: 1 };
            self.empty
                .get_or_insert_with(|| Span::new(source, start, start));
        }
        let mut whole = true;
        for document in &documents {
            if document.as_map().is_none() {
                whole = false;
                let label = format!("this is {}", document.kind());
                self.error(
                    Diagnostic::error("top-level object must be a mapping")
                        .at(document.span.clone(), label),
                );
            }
        }
        whole.then_some(documents)
    }

    /// The merged tree of the main files. One of them may be empty, such as an override that is
    /// commented out, but not all.
    pub(super) fn project(&mut self, files: &[PathBuf], scope: &Scope) -> Option<Node> {
        let model = self.model(files, scope);
        let said = model.as_ref().and_then(Node::as_map);
        if said.is_none_or(Map::is_empty) && self.findings.errors.is_empty() {
            let at = model.as_ref().map(|model| model.span.clone());
            if let Some(at) = at.or(self.empty.take()) {
                let name = &at.source.name;
                let error = Diagnostic::error(format!("empty compose file: `{name}`"));
                self.error(error.at(at, "nothing is in it"));
            }
        }
        model
    }

    /// The merged tree of `files`, in long forms; errors are in the findings.
    pub(super) fn model(&mut self, files: &[PathBuf], scope: &Scope) -> Option<Node> {
        let mut model: Option<Node> = None;
        for file in files {
            self.loads += 1;
            if self.loads > FILES {
                let error = Diagnostic::error(format!("project includes more than {FILES} files"));
                self.error(asked_for(error, scope.asked.as_ref()));
                return model;
            }
            let documents = self.take_documents(file, scope.asked.as_ref());
            for document in documents.unwrap_or_default() {
                model = Some(self.document(document, file, model, scope));
            }
        }
        model
    }

    /// Adds one document to what the ones before it made.
    fn document(
        &mut self,
        mut document: Node,
        file: &Path,
        model: Option<Node>,
        scope: &Scope,
    ) -> Node {
        self.interpolate(&mut document, scope);
        self.note_version(&document);
        let resets = Resets::take(&mut document);
        include::apply(self, &mut document, file, scope, &resets);
        let mut model =
            model.unwrap_or_else(|| Node::new(Value::Map(Map::default()), document.span.clone()));
        let forgotten = resets.apply(&mut model);
        extends::apply(self, &mut document, file, scope, &resets);
        let mut errors = Vec::new();
        model = merge::merge(model, document, &merge::root(), &mut errors);
        forgotten.recall(&mut model);
        unique::deduplicate(&mut model);
        errors.extend(schema::check(&model));
        canonicalise(&mut model, &mut errors);
        unique::deduplicate(&mut model);
        self.findings.tell(errors);
        model
    }

    fn interpolate(&mut self, document: &mut Node, scope: &Scope) {
        match self.variables {
            Variables::Expanded => interpolate(document, &scope.environment, &mut self.findings),
            Variables::AsWritten => note_uses(document, &mut self.findings),
        }
    }

    /// `above` merged onto `below` at a place of the project.
    pub(super) fn merge(&mut self, below: Node, above: Node, place: &Where<'_>) -> Node {
        let mut errors = Vec::new();
        let merged = merge::merge(below, above, place, &mut errors);
        self.findings.tell(errors);
        merged
    }

    /// Adds an error unless it has been told already.
    pub(super) fn error(&mut self, error: Diagnostic) {
        self.findings.error(error);
    }

    fn note_version(&mut self, document: &Node) {
        if let Some(entry) = document.as_map().and_then(|map| map.get("version")) {
            self.findings.note(
                Diagnostic::warning("the attribute `version` is obsolete, it is ignored")
                    .at(entry.at.clone(), "remove it"),
            );
        }
    }

    /// A file of which `extends` takes a service; many services may extend those of one file.
    pub(super) fn extended_file(&mut self, file: &Path, scope: &Scope) -> Option<Rc<Extended>> {
        if let Some(known) = self.extended.get(file)
            && Rc::ptr_eq(&known.environment, &scope.environment)
        {
            return Some(Rc::clone(known));
        }
        let extended = Rc::new(self.extended_model(file, scope)?);
        self.extended.insert(file.to_owned(), Rc::clone(&extended));
        Some(extended)
    }

    fn extended_model(&mut self, file: &Path, scope: &Scope) -> Option<Extended> {
        let mut model: Option<Node> = None;
        let mut all = Resets::default();
        let mut errors = Vec::new();
        for mut document in self.take_documents(file, scope.asked.as_ref())? {
            self.interpolate(&mut document, scope);
            let resets = Resets::take(&mut document);
            let mut below = model
                .unwrap_or_else(|| Node::new(Value::Map(Map::default()), document.span.clone()));
            let forgotten = resets.apply(&mut below);
            below = merge::merge(below, document, &merge::root(), &mut errors);
            forgotten.recall(&mut below);
            unique::deduplicate(&mut below);
            canonicalise(&mut below, &mut errors);
            unique::deduplicate(&mut below);
            model = Some(below);
            all = resets;
        }
        self.findings.tell(errors);
        let nothing = || {
            let span = scope.asked.clone()?;
            Some(Node::new(Value::Map(Map::default()), span))
        };
        let mut model = model.or_else(nothing)?;
        rebase::absolute(&mut model, &scope.directory, &scope.environment);
        Some(Extended {
            environment: Rc::clone(&scope.environment),
            model,
            resets: all,
        })
    }

    /// Whether `extends` may still copy so much; beyond the budget it is an error.
    pub(super) fn may_copy(&mut self, node: &Node) -> bool {
        self.copies += node.weight();
        if self.copies > COPIES {
            self.findings.error(
                Diagnostic::error(format!("`extends` copies more than {COPIES} values"))
                    .at(node.span.clone(), "this among others"),
            );
        }
        self.copies <= COPIES
    }
}

/// The same error at the place that asks for what it is about, unless it has one of its own.
pub(super) fn asked_for(error: Diagnostic, asked: Option<&Span>) -> Diagnostic {
    match asked {
        Some(span) if error.primary.is_none() => error.at(span.clone(), "asked for here"),
        _ => error,
    }
}
