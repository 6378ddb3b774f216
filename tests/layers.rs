//! The shape of the house: a module names only modules of rows above its own.
//!
//! Read from the sources as text: what a file names is every `crate::module` outside of comments,
//! be it in a `use`, in a group of one, or in the middle of a line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex::Regex;

/// The rows, topmost first. `docs/` and DESIGN tell what lives in each.
const ROWS: &[&[&str]] = &[
    &["human", "ambient", "process", "diagnostic", "secret"],
    &["event", "failure", "compose", "dockerfile", "context"],
    &["docker", "progress"],
    &["plan", "doctor", "journal", "cache", "init", "pipeline"],
    &["run", "report", "cli"],
    &["settings"],
    &["app"],
];

/// What a module may name although it stands in its own row, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "event",
        "failure",
        "a job ends with its failure, and an event without it would be a second vocabulary of failures",
    ),
    (
        "process",
        "secret",
        "what a program is handed in confidence must not be shown with the rest of its command",
    ),
];

/// Where the text, style and script of the timeline's page are. They name no modules.
const PAGE: &str = "report/timeline/page";

/// The row of a module.
fn row(module: &str) -> usize {
    ROWS.iter()
        .position(|row| row.contains(&module))
        .unwrap_or_else(|| panic!("`{module}` is in no row of the table"))
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source file with the module that it belongs to.
fn files() -> Vec<(String, PathBuf)> {
    fn below(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in directory.read_dir().expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                below(&path, found);
            } else if !path.parent().is_some_and(|parent| parent.ends_with(PAGE)) {
                assert_eq!(
                    path.extension().unwrap_or_default(),
                    "rs",
                    "`{}`",
                    path.display()
                );
                found.push(path);
            }
        }
    }
    let root = sources();
    let mut found = Vec::new();
    below(&root, &mut found);
    found
        .into_iter()
        .map(|path| {
            let first = path.strip_prefix(&root).expect("below").components().next();
            let first = first
                .expect("a name")
                .as_os_str()
                .to_string_lossy()
                .into_owned();
            (first.trim_end_matches(".rs").to_owned(), path)
        })
        .collect()
}

/// The modules of this crate that a source text names, with the line of the first mention.
fn named(source: &str) -> BTreeMap<String, usize> {
    let comment = Regex::new(r"(?m)//.*$").expect("a pattern");
    let path = Regex::new(r"\bcrate::(\{|[a-z_]+)").expect("a pattern");
    let source = comment.replace_all(source, "");
    let mut found = BTreeMap::new();
    for name in path.captures_iter(&source) {
        let begin = name.get(0).expect("the whole").start();
        let line = source[..begin].matches('\n').count() + 1;
        let modules = match &name[1] {
            "{" => group(&source[begin + "crate::{".len()..]),
            module => vec![module.to_owned()],
        };
        for module in modules {
            found.entry(module).or_insert(line);
        }
    }
    found
}

/// The first names of the items of `{a, b::c, d::{e, f}}`, whose first bracket is taken off.
fn group(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => items.push(String::new()),
            _ if depth == 0 => items.last_mut().expect("one").push(c),
            _ => {}
        }
    }
    items
        .iter()
        .filter_map(|item| item.trim().split("::").next())
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether `module` may name `other`.
fn may_name(module: &str, other: &str) -> bool {
    module == other
        || row(other) < row(module)
        || EXCEPTIONS
            .iter()
            .any(|(from, to, _)| (*from, *to) == (module, other))
}

#[test]
fn a_module_names_only_modules_of_rows_above_it() {
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for (module, path) in files() {
        if matches!(module.as_str(), "lib" | "main") {
            continue;
        }
        let source = std::fs::read_to_string(&path).expect("a source");
        for (other, line) in named(&source) {
            if !may_name(&module, &other) {
                let path = path
                    .strip_prefix(sources())
                    .expect("below")
                    .display()
                    .to_string();
                wrong.push(format!("src/{path}:{line}: `{module}` names `{other}`"));
            }
            used.insert((module.clone(), other));
        }
    }
    assert!(wrong.is_empty(), "against the rows:\n{}", wrong.join("\n"));
    for (from, to, why) in EXCEPTIONS {
        let needed = used.contains(&((*from).to_owned(), (*to).to_owned()));
        assert!(
            needed,
            "nothing needs the exception for `{from}` and `{to}` any more ({why})"
        );
    }
}

#[test]
fn run_and_report_know_each_other_only_as_events() {
    for (module, other) in [
        ("run", "report"),
        ("report", "run"),
        ("cli", "run"),
        ("cli", "report"),
    ] {
        assert!(!may_name(module, other), "`{module}` may name `{other}`");
    }
}

#[test]
fn everything_in_src_is_in_the_table_and_all_of_the_table_in_src() {
    let there: BTreeSet<String> = files()
        .into_iter()
        .map(|(module, _)| module)
        .filter(|m| m != "lib" && m != "main")
        .collect();
    let table: BTreeSet<String> = ROWS
        .iter()
        .copied()
        .flatten()
        .map(|m| (*m).to_owned())
        .collect();
    assert_eq!(there, table);
}

#[test]
fn main_names_nothing_but_app() {
    let main = std::fs::read_to_string(sources().join("main.rs")).expect("a source");
    let names: Vec<&str> = main
        .match_indices("dcb::")
        .map(|(at, _)| {
            main[at + 5..]
                .split(|c: char| !c.is_alphanumeric())
                .next()
                .unwrap_or("")
        })
        .collect();
    assert_eq!(names, ["app"]);
}

#[test]
fn every_way_to_name_a_module_is_seen() {
    let source = "\
        use crate::human;\n\
        use crate::{run, settings::{a, b}, plan::Plan};\n\
        // use crate::comment;\n\
        fn f() -> crate::event::Event { (crate::cli::Cli)() }\n";
    let names = named(source);
    let names: Vec<&str> = names.keys().map(String::as_str).collect();
    assert_eq!(names, ["cli", "event", "human", "plan", "run", "settings"]);
}

#[test]
fn an_arrow_the_wrong_way_is_found() {
    for (module, other, allowed) in [
        ("docker", "plan", false),
        ("plan", "docker", true),
        ("compose", "dockerfile", false),
        ("event", "failure", true),
        ("failure", "event", false),
        ("settings", "app", false),
        ("human", "process", false),
    ] {
        assert_eq!(may_name(module, other), allowed, "{module} -> {other}");
    }
}
