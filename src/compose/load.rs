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
use super::merge;
use super::rebase;
use super::resets::Resets;
use super::schema;
use super::tree::{Map, Node, Path as Way, Value};
use super::unique;
use super::variables::{Findings, interpolate};
use super::yaml;

/// How many files one project may be made of, counting repeated inclusion.
const FILES: usize = 1000;
/// How much `extends` may copy, as [`Node::weight`] counts: 5,000 services of 150 values, in some
/// 200 MB.
const COPIES: usize = 800_000;

/// What loading one project shares between its files.
pub(super) struct Loader<'r> {
    /// The current directory, for the names of files.
    pub(super) here: &'r Path,
    /// The text of standard input.
    pub(super) stdin: Option<&'r str>,
    /// What was found out so far.
    pub(super) findings: Findings,
    /// Files already read, by path; `None` for those that could not be.
    parsed: HashMap<PathBuf, Option<Rc<Vec<Node>>>>,
    loads: usize,
    copies: usize,
    /// The start of the first file that has nothing but comments in it.
    empty: Option<Span>,
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
            parsed: HashMap::new(),
            loads: 0,
            copies: 0,
            empty: None,
        }
    }

    /// The documents of a file that `asked` wants; errors are told once per file.
    pub(super) fn documents(&mut self, file: &Path, asked: Option<&Span>) -> Option<Rc<Vec<Node>>> {
        if let Some(known) = self.parsed.get(file) {
            return known.clone();
        }
        let source = self.source(file, asked);
        let documents = source.and_then(|source| self.parse(&source));
        let documents = documents.map(Rc::new);
        self.parsed.insert(file.to_owned(), documents.clone());
        documents
    }

    fn source(&mut self, file: &Path, asked: Option<&Span>) -> Option<Arc<Source>> {
        let source = match self.stdin {
            _ if file.as_os_str() != "-" => read_yaml(file, &shown(file, self.here)),
            Some(text) => Ok(Source::new("<stdin>", text)),
            None => Err(Diagnostic::error("failed to read `-`: no standard input")),
        };
        let place = |error| asked_for(error, asked);
        source
            .map_err(|error| self.findings.error(place(error)))
            .ok()
    }

    fn parse(&mut self, source: &Arc<Source>) -> Option<Vec<Node>> {
        let documents = match yaml::documents(source) {
            Ok(documents) => documents,
            Err(errors) => {
                for error in errors {
                    self.findings.error(error);
                }
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
                self.findings.error(
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
                self.findings.error(error.at(at, "nothing is in it"));
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
                self.findings.error(asked_for(error, scope.asked.as_ref()));
                return model;
            }
            let Some(documents) = self.documents(file, scope.asked.as_ref()) else {
                continue;
            };
            for document in documents.iter() {
                model = Some(self.document(document.clone(), file, model, scope));
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
        interpolate(&mut document, &scope.environment, &mut self.findings);
        self.note_version(&document);
        let resets = Resets::take(&mut document);
        include::apply(self, &mut document, file, scope, &resets);
        let mut model =
            model.unwrap_or_else(|| Node::new(Value::Map(Map::new()), document.span.clone()));
        let forgotten = resets.apply(&mut model);
        extends::apply(self, &mut document, file, scope, &resets);
        let mut errors = Vec::new();
        model = merge::merge(model, document, &Way::ROOT, &mut errors);
        forgotten.recall(&mut model);
        unique::deduplicate(&mut model);
        errors.extend(schema::check(&model));
        canonicalise(&mut model, &mut errors);
        unique::deduplicate(&mut model);
        for error in errors {
            self.findings.error(error);
        }
        model
    }

    fn note_version(&mut self, document: &Node) {
        if let Some(entry) = document.as_map().and_then(|map| map.get("version")) {
            self.findings.note(
                Diagnostic::warning("the attribute `version` is obsolete, it is ignored")
                    .at(entry.at.clone(), "remove it"),
            );
        }
    }

    /// A file of which `extends` takes one service: interpolated and in long forms, its paths
    /// absolute, nothing in it extended or included yet.
    pub(super) fn extended_file(&mut self, file: &Path, scope: &Scope) -> Option<(Node, Resets)> {
        let documents = self.documents(file, scope.asked.as_ref())?;
        let mut model: Option<Node> = None;
        let mut all = Resets::default();
        let mut errors = Vec::new();
        for document in documents.iter() {
            let mut document = document.clone();
            interpolate(&mut document, &scope.environment, &mut self.findings);
            let resets = Resets::take(&mut document);
            let mut below =
                model.unwrap_or_else(|| Node::new(Value::Map(Map::new()), document.span.clone()));
            let forgotten = resets.apply(&mut below);
            below = merge::merge(below, document, &Way::ROOT, &mut errors);
            forgotten.recall(&mut below);
            unique::deduplicate(&mut below);
            canonicalise(&mut below, &mut errors);
            unique::deduplicate(&mut below);
            model = Some(below);
            all = resets;
        }
        for error in errors {
            self.findings.error(error);
        }
        let nothing = || {
            let span = scope.asked.clone()?;
            Some(Node::new(Value::Map(Map::new()), span))
        };
        let mut model = model.or_else(nothing)?;
        rebase::absolute(&mut model, &scope.directory, &scope.environment);
        Some((model, all))
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
