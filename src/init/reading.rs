//! What was understood of a script that builds, whatever language it is written in.

use std::collections::{BTreeMap, BTreeSet};

use super::command::{Meaning, Word, meaning};

/// A script, understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// Whether it builds or starts through Compose at all.
    pub(super) built: bool,
    /// Whether it starts what it has built.
    pub(super) starts: bool,
    /// Flags before the verb: which project.
    pub(super) project: Option<Vec<String>>,
    /// Flags that it takes.
    pub(super) takes: BTreeSet<String>,
    /// Other names that it has for flags it takes.
    pub(super) aliases: Vec<(String, String)>,
    /// Flags that Compose always gets.
    pub(super) always: BTreeSet<String>,
    /// Variables that dcb heeds.
    pub(super) exported: BTreeMap<String, String>,
    /// What it does that dcb cannot know, each with its line.
    pub(super) beyond: Vec<String>,
}

impl Reading {
    /// The verb of dcb that does the same.
    pub(super) fn verb(&self) -> &'static str {
        if self.starts { "up" } else { "build" }
    }

    /// Notes what dcb cannot know; line 0 is none.
    pub(super) fn beyond(&mut self, line: usize, what: String) {
        let told = match line {
            0 => what,
            line => format!("line {line}: {what}"),
        };
        if !self.beyond.contains(&told) {
            self.beyond.push(told);
        }
    }

    /// Notes a variable that it sets for what it runs, `always` or under a condition.
    pub(super) fn export(&mut self, line: usize, always: bool, name: &str, value: &Word) {
        match meaning(name, value) {
            Meaning::Needless => {}
            Meaning::Heeded if always => {
                let value = value.written().to_owned();
                self.exported.insert(name.to_owned(), value);
            }
            Meaning::Heeded | Meaning::Unknown => {
                self.beyond(line, format!("`{name}`, which it sets for what it runs"));
            }
        }
    }

    /// Notes how often it starts the project, always and under a condition. Two branches that both start
    /// are one start; what is in a single one may not happen.
    pub(super) fn started(&mut self, starts: [usize; 2]) {
        if starts == [0, 1] {
            let what = "`docker compose up`, run under a condition of its own";
            self.beyond(0, what.to_owned());
        }
    }

    /// What is known once all of it was read.
    pub(super) fn finish(mut self) -> Self {
        if !self.built {
            self.beyond(
                0,
                "it runs no `docker compose build` and no `docker compose up`".to_owned(),
            );
        }
        if !self.starts {
            self.always.remove("--detached");
        }
        let twice = self.always.intersection(&self.takes).cloned();
        for flag in twice.collect::<Vec<_>>() {
            self.beyond(0, format!("`{flag}`, which it takes and always gives"));
        }
        self
    }
}

/// The usual name of a flag that means the same in every such script.
pub(super) fn known_flag(flag: &str) -> Option<&'static str> {
    Some(match flag {
        "-d" | "--detach" | "--detached" => "--detached",
        "--no-cache" => "--no-cache",
        "--pull" => "--pull",
        "-h" | "--help" => "--help",
        "-v" | "--verbose" => "--verbose",
        "--build" => "--build",
        "--parallel" => "--parallel",
        "--force-recreate" => "--force-recreate",
        "--remove-orphans" => "--remove-orphans",
        _ => return None,
    })
}

/// Whether a flag asks for what dcb does anyway.
pub(super) fn is_same_everywhere(flag: &str) -> bool {
    matches!(flag, "--build" | "--parallel")
}
