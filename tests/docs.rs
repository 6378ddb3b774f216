//! README and docs are true: what they tell people to type can be typed, their compose files load, and what they
//! show is what is printed.
//!
//! A block in front of which stands `<!-- in FOLDER -->` is run in a copy of that folder, on the newest engine or on
//! that of the suite in `<!-- in FOLDER, on SUITE -->`.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use dcb::cli::Cli;
use regex::Regex;
use serde_json::Value;
use support::{Engine, Project, copy, engines};

/// A fenced block of a page.
struct Block {
    /// The page and the line of the block's beginning.
    place: String,
    /// What is said of it in front of it.
    remark: Option<String>,
    /// Its kind, such as `console`.
    kind: String,
    lines: Vec<String>,
}

impl Block {
    /// The commands in it: lines after a prompt, in a script all lines.
    fn commands(&self) -> Vec<&str> {
        let lines = self.lines.iter().map(String::as_str);
        match self.kind.as_str() {
            "console" => lines.filter_map(|line| line.strip_prefix("$ ")).collect(),
            "sh" => lines.collect(),
            _ => Vec::new(),
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README and every page of the docs.
fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs")).expect("docs");
    let mut pages: Vec<PathBuf> = docs.map(|entry| entry.expect("a page").path()).collect();
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages.extend([root().join("README.md"), root().join("examples/README.md")]);
    pages.sort();
    pages
}

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    for page in pages() {
        let name = page.strip_prefix(root()).expect("a page of ours").display();
        let text = fs::read_to_string(&page).expect("a page");
        let mut remark = None;
        let mut open: Option<(usize, Block)> = None;
        for (number, line) in text.lines().enumerate() {
            let indent = line.len() - line.trim_start().len();
            match (&mut open, line.trim_start().strip_prefix("```")) {
                (None, Some(kind)) => {
                    let block = Block {
                        place: format!("{name}:{}", number + 1),
                        remark: remark.take(),
                        kind: kind.to_owned(),
                        lines: Vec::new(),
                    };
                    open = Some((indent, block));
                }
                (Some(_), Some(_)) => blocks.extend(open.take().map(|(_, block)| block)),
                (Some((indent, block)), None) => {
                    let line = line.get(*indent..).unwrap_or_default();
                    block.lines.push(line.to_owned());
                }
                (None, None) => {
                    let said = line.trim().strip_prefix("<!-- in ");
                    let said = said.and_then(|said| said.strip_suffix(" -->"));
                    if said.is_some() || !line.trim().is_empty() {
                        remark = said.map(str::to_owned);
                    }
                }
            }
        }
        assert!(open.is_none(), "a block of {name} has no end");
    }
    blocks
}

/// The words of the commands of dcb in a line, as a shell splits them.
fn words(line: &str) -> Vec<Vec<String>> {
    let word = Regex::new(r#"(?:'[^']*'|"[^"]*"|[^\s'"])+"#).expect("a pattern");
    let line = line.split(" # ").next().unwrap_or_default();
    let line = line.split(" > ").next().unwrap_or_default();
    line.split(['|', ';'])
        .flat_map(|part| part.split("&&"))
        .map(|part| {
            let words = word.find_iter(part).map(|word| word.as_str());
            let words = words.map(|word| word.replace(['\'', '"'], ""));
            let is_assignment = |word: &String| {
                word.split_once('=').is_some_and(|(name, _)| {
                    name.chars()
                        .all(|letter| letter == '_' || letter.is_ascii_uppercase())
                })
            };
            words.skip_while(is_assignment).collect::<Vec<_>>()
        })
        .filter(|words| words.first().is_some_and(|program| program == "dcb"))
        .collect()
}

#[test]
fn every_command_can_be_typed() {
    let mut typed = 0;
    for block in blocks() {
        for line in block.commands() {
            for words in words(line) {
                let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
                let told = match Cli::read(&words) {
                    Ok(_) => None,
                    Err(told) => Some(told).filter(clap::Error::use_stderr),
                };
                assert!(
                    told.is_none(),
                    "{}: `{line}`: {}",
                    block.place,
                    told.expect("a mistake")
                );
                typed += 1;
            }
        }
    }
    assert!(typed > 30, "only {typed} commands were found");
}

#[test]
fn every_compose_file_loads() {
    let mut loaded = 0;
    for block in blocks().iter().filter(|block| block.kind == "yaml") {
        let text = block.lines.join("\n");
        if !text.contains("services:") && !text.starts_with("x-dcb:") {
            continue;
        }
        let project = Project::new("page").file("compose.yaml", &text);
        let ran = project.run_alone(&["config", "--quiet"]);
        assert_eq!(ran.code, Some(0), "{}: {}", block.place, ran.told());
        loaded += 1;
    }
    assert!(loaded > 5, "only {loaded} files were found");
}

/// What a run differs in from the one that is shown.
fn made_comparable(text: &str) -> Vec<String> {
    let mut text = text.to_owned();
    for (pattern, by) in [
        (r"\b(\d+(\.\d+)?(ms|s)|\d+m \d\ds)\b", "<time>"),
        (r"\b[0-9a-f]{12}\b", "<image>"),
        (r"\b\d+(\.\d+)? [KMG]iB\b", "<size>"),
        (r"\b(\d+\.\d+\.\d+)(\+[a-z0-9]+)?", "$1"),
        (r"\d+ side by side \(.*\)", "<number> side by side"),
        (r" {2,}", "  "),
        // What was in the cache there need not be here.
        (r"\bCACHED  \[", "<time>  ["),
        // A step that two builds share, even of two projects, has the name that it has in one of them.
        (r"\[(\S+ )?\d+/\d+\] FROM", "[<step>] FROM"),
        (r"\b\d+/\d+  <size>", "<cached>  <size>"),
    ] {
        let pattern = Regex::new(pattern).expect("a pattern");
        text = pattern.replace_all(&text, by).into_owned();
    }
    text.lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// Gives scripts a comment of their own. The engine joins builds of the same files that go on at the same
/// moment, and of those not every step is told to each.
fn make_unique(directory: &Path, comment: &str) {
    for entry in directory.read_dir().expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            make_unique(&path, comment);
        } else if path.extension().is_some_and(|extension| extension == "sh") {
            let script = fs::read_to_string(&path).expect("a script");
            fs::write(&path, format!("{script}# {comment}\n")).expect("it may be written");
        }
    }
}

/// Runs the commands of a block and looks for every line that it shows.
fn is_shown(block: &Block, folder: &str, engine: &Engine) {
    let called = Path::new(folder)
        .file_name()
        .expect("a folder")
        .to_string_lossy();
    let project = Project::new(&called);
    let directory = project.path().join(called.as_ref());
    copy(&root().join(folder), &directory);
    make_unique(&directory, project.name());
    let mut commands: BTreeMap<usize, &str> = BTreeMap::new();
    for (number, line) in block.lines.iter().enumerate() {
        if let Some(command) = line.strip_prefix("$ ") {
            commands.insert(number, command);
        }
    }
    let ends = commands.keys().skip(1).copied().chain([block.lines.len()]);
    for ((begin, line), end) in commands.iter().zip(ends) {
        let mut shell = project.other_on(engine, "sh");
        let own = Path::new(env!("CARGO_BIN_EXE_dcb"))
            .parent()
            .expect("a directory");
        let path = format!("{}:/usr/bin:/bin", own.display());
        // Where nothing is built, the project is called after its directory, as in what is shown.
        if !["up", "build", "down"]
            .iter()
            .any(|verb| line.contains(verb))
        {
            shell.env_remove("COMPOSE_PROJECT_NAME");
        }
        let line = format!("{{ {line}\n}} 2>&1");
        let ran = project.ran(
            shell
                .args(["-c", &line])
                .env("PATH", path)
                .env("PORT", "0")
                .current_dir(&directory),
        );
        let here = directory.display().to_string();
        let told = ran
            .stdout
            .replace(&here, &format!("/home/me/{called}"))
            .replace(project.name(), &called);
        let told = made_comparable(&told);
        let shown = made_comparable(&block.lines[begin + 1..end].join("\n"));
        for line in shown {
            assert!(
                told.contains(&line),
                "{}: it does not print:\n{line}\nbut:\n{}",
                block.place,
                told.join("\n")
            );
        }
    }
}

#[test]
fn what_is_shown_is_what_is_printed() {
    let engines = engines();
    let mut shown = 0;
    for block in blocks() {
        let Some(remark) = &block.remark else {
            continue;
        };
        let (folder, suite) = match remark.split_once(", on ") {
            Some((folder, suite)) => (folder, suite),
            None => (remark.as_str(), "sid"),
        };
        if let Some(engine) = engines.iter().find(|engine| engine.suite == suite) {
            is_shown(&block, folder, engine);
        }
        shown += 1;
    }
    assert!(
        shown >= 4,
        "only {shown} blocks say where they were recorded"
    );
}

/// The keys of a section, as the schema lists them.
fn in_schema(schema: &Value, definition: &str) -> BTreeSet<String> {
    let properties = &schema["definitions"][definition]["properties"];
    let keys = properties
        .as_object()
        .unwrap_or_else(|| panic!("{definition} has no keys"));
    keys.keys().cloned().collect()
}

#[test]
fn the_schema_has_the_keys_that_are_read() {
    let schema = fs::read_to_string(root().join("docs/x-dcb.schema.json")).expect("the schema");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    for (definition, section) in [
        ("project", "x-dcb: {nonsense-of-ours: 1}"),
        ("variants", "x-dcb: {variants: {nonsense-of-ours: 1}}"),
        ("policy", "x-dcb: {policy: {nonsense-of-ours: 1}}"),
        ("cache", "x-dcb: {cache: {nonsense-of-ours: 1}}"),
        ("doctor", "x-dcb: {doctor: {nonsense-of-ours: 1}}"),
        (
            "service",
            "services: {web: {image: web, x-dcb: {nonsense-of-ours: 1}}}",
        ),
    ] {
        let services = if definition == "service" {
            ""
        } else {
            "services: {web: {image: web}}\n"
        };
        let project =
            Project::new("schema").file("compose.yaml", &format!("{services}{section}\n"));
        let told = project.run_alone(&["plan"]).expect(2);
        let (_, keys) = told
            .stderr
            .split_once("= help: its keys are ")
            .unwrap_or_else(|| panic!("{}", told.told()));
        let keys = keys.lines().next().unwrap_or_default();
        let read: BTreeSet<String> = keys
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        assert_eq!(in_schema(&schema, definition), read, "{definition}");
    }
}
