//! A Makefile: in the recipes that are there the commands of Compose that build become dcb's, and the
//! targets people expect (`dev`, `build`, `build-fresh`, `help`) come into a block of their own at the
//! end. Nothing else is touched, and the block is all that a second run looks at again.

use std::collections::{BTreeMap, BTreeSet};

use super::command::{Takes, Word, handed_over, split};

/// The lines around the targets that are dcb's own.
const BEGIN: &str = "# --- dcb: these targets are written by `dcb init` ---";
const END: &str = "# --- dcb: end ---";

/// What becomes of a Makefile.
pub(super) struct Made {
    /// Its text.
    pub(super) text: String,
    /// What there is to say of it.
    pub(super) notes: Vec<String>,
}

/// What becomes of the Makefile `text`, whose other parts are `included`; a new one where there is none.
/// `flags` are what dcb is told about the project.
pub(super) fn make(
    text: Option<&str>,
    included: &[String],
    flags: &str,
    takes: &Takes<'_>,
) -> Made {
    let Some(text) = text else {
        return Made {
            text: block(&Target::ALL, flags),
            notes: Vec::new(),
        };
    };
    let mut notes = Vec::new();
    if text.contains(".RECIPEPREFIX") || text.contains(".ONESHELL") {
        notes.push("it changes what a recipe is: its targets are left alone".to_owned());
        return Made {
            text: text.to_owned(),
            notes,
        };
    }
    let (own, block_at) = without_block(text);
    let changed = hand_over(&own, takes);
    let mut defined = targets(&own);
    defined.extend(included.iter().flat_map(|text| targets(text)));
    let missing: Vec<Target> = Target::ALL
        .into_iter()
        .filter(|target| !defined.contains(target.name()))
        .collect();
    let mut whole = changed;
    if !missing.is_empty() {
        let block = block(&missing, flags);
        match block_at {
            Some(at) => {
                let at = line_start(&whole, at);
                whole.insert_str(at, &block);
            }
            None => {
                if !whole.is_empty() {
                    let ends = whole.ends_with('\n');
                    whole.push_str(if ends { "\n" } else { "\n\n" });
                }
                whole.push_str(&block);
            }
        }
    }
    Made { text: whole, notes }
}

/// The text without the block that is dcb's, and the number of the line where that stood.
fn without_block(text: &str) -> (String, Option<usize>) {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let find = |mark: &str| lines.iter().position(|line| line.trim_end() == mark);
    match (find(BEGIN), find(END)) {
        (Some(begin), Some(end)) if begin < end => {
            let kept = lines[..begin].iter().chain(&lines[end + 1..]);
            (kept.copied().collect(), Some(begin))
        }
        _ => (text.to_owned(), None),
    }
}

/// The byte at which a line begins.
fn line_start(text: &str, line: usize) -> usize {
    text.split_inclusive('\n').take(line).map(str::len).sum()
}

/// The text with the recipes that build through Compose handed to dcb.
fn hand_over(text: &str, takes: &Takes<'_>) -> String {
    let programs = programs(text);
    let known = |word: &str| {
        let name = word.strip_prefix("$(")?.strip_suffix(')')?;
        programs.get(name).cloned()
    };
    let mut changed = String::with_capacity(text.len());
    let mut continued = false;
    for line in text.split_inclusive('\n') {
        let body = line.trim_end_matches(['\n', '\r']);
        let recipe = body.strip_prefix('\t');
        // A command that goes on over several lines is not taken apart.
        let alone = !continued && !body.ends_with('\\');
        continued = body.ends_with('\\');
        let instead = recipe.filter(|_| alone).and_then(|recipe| {
            let signs = recipe.len() - recipe.trim_start_matches(['@', '-', '+', ' ']).len();
            let (signs, command) = recipe.split_at(signs);
            let command = handed_over(command, &known, takes)?;
            Some(format!("\t{signs}{command}"))
        });
        match instead {
            Some(instead) => {
                changed.push_str(&instead);
                changed.push_str(&line[body.len()..]);
            }
            None => changed.push_str(line),
        }
    }
    changed
}

/// What variables hold that are set once, to a text without other variables.
fn programs(text: &str) -> BTreeMap<String, Vec<Word>> {
    let mut programs = BTreeMap::new();
    let mut twice = BTreeSet::new();
    for line in text.lines().filter(|line| !line.starts_with('\t')) {
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        let name = name.trim_end_matches([':', '?', '+', ' ']).trim();
        if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let words = split(value.trim());
            if programs.insert(name.to_owned(), words).is_some() {
                twice.insert(name.to_owned());
            }
        }
    }
    programs.retain(|name, words| {
        !twice.contains(name) && words.iter().all(|word| word.fixed().is_some())
    });
    programs
}

/// The targets that a Makefile defines.
fn targets(text: &str) -> BTreeSet<String> {
    let mut targets = BTreeSet::new();
    for line in text.lines() {
        let Some((names, after)) = line.split_once(':') else {
            continue;
        };
        // `:=`, and recipes, comments and variables that have a colon in them.
        if line.starts_with(['\t', ' ', '#', '.']) || after.starts_with('=') || names.contains('=')
        {
            continue;
        }
        targets.extend(names.split_whitespace().map(str::to_owned));
    }
    targets
}

/// The files that a Makefile includes by a plain name, and whether there are others.
pub(super) fn includes(text: &str) -> (Vec<String>, bool) {
    let mut files = Vec::new();
    let mut others = false;
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if matches!(words.next(), Some("include" | "-include" | "sinclude")) {
            for word in words.take_while(|word| !word.starts_with('#')) {
                if word.contains(['$', '*', '?']) {
                    others = true;
                } else {
                    files.push(word.to_owned());
                }
            }
        }
    }
    (files, others)
}

/// A target that people expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Help,
    Dev,
    Build,
    BuildFresh,
}

impl Target {
    const ALL: [Self; 4] = [Self::Help, Self::Dev, Self::Build, Self::BuildFresh];

    fn name(self) -> &'static str {
        match self {
            Self::Help => "help",
            Self::Dev => "dev",
            Self::Build => "build",
            Self::BuildFresh => "build-fresh",
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::Help => "show these targets",
            Self::Dev => "build what has changed, and start it in the background",
            Self::Build => "build what has changed",
            Self::BuildFresh => "build everything, taking nothing from the cache",
        }
    }

    fn command(self) -> Option<&'static str> {
        match self {
            Self::Help => None,
            Self::Dev => Some("dev"),
            Self::Build => Some("build"),
            Self::BuildFresh => Some("fresh"),
        }
    }
}

fn block(targets: &[Target], flags: &str) -> String {
    let names: Vec<&str> = targets.iter().map(|target| target.name()).collect();
    let mut text = format!("{BEGIN}\n.PHONY: {}\n", names.join(" "));
    for target in targets {
        text.push_str(&format!("\n{}:\n", target.name()));
        match target.command() {
            Some(command) => text.push_str(&format!("\tdcb{flags} {command}\n")),
            None => {
                for target in targets {
                    let (name, about) = (target.name(), target.about());
                    text.push_str(&format!("\t@echo 'make {name:<12} {about}'\n"));
                }
            }
        }
    }
    text + END + "\n"
}
