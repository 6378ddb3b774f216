//! `build.ps1` as it is: whether all that it does is what dcb does. As with a script of a shell, every
//! command has to be known, and what is not is named with its line.

use std::collections::{BTreeMap, BTreeSet};

use super::command::{Meaning, Takes, Word, commands, compose, meaning};
use super::reading::{Reading, is_same_everywhere, known_flag};

/// Commands that only prepare or tell, in lower case.
const HARMLESS: [&str; 19] = [
    "write-host",
    "write-output",
    "write-error",
    "write-warning",
    "write-verbose",
    "write-information",
    "get-command",
    "get-help",
    "set-location",
    "push-location",
    "pop-location",
    "out-null",
    "clear-host",
    "set-strictmode",
    "start-sleep",
    "exit",
    "return",
    "throw",
    "echo",
];
/// Words that stand before a block.
const BEFORE: [&str; 9] = [
    "if", "elseif", "else", "try", "catch", "finally", "function", "foreach", "return",
];

/// Reads a script. `takes` says what dcb takes.
pub(super) fn read(text: &str, takes: &Takes<'_>) -> Reading {
    let mut reader = Reader {
        takes,
        reading: Reading::default(),
        depth: 0,
        values: BTreeMap::new(),
        conditional: BTreeSet::new(),
        functions: BTreeSet::new(),
        line: 0,
    };
    let lines = logical_lines(text);
    let body = reader.parameters(&lines);
    for (number, line) in &lines[body..] {
        reader.line = *number;
        reader.line(line);
    }
    reader.finish()
}

/// The lines with their numbers, without comments and here-strings; continued ones joined.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut comment = false;
    let mut until: Option<&str> = None;
    let mut joined = false;
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let mut line = line.trim();
        if let Some(end) = until {
            if line.starts_with(end) {
                until = None;
            }
            continue;
        }
        if line.starts_with("<#") {
            comment = true;
        }
        if comment {
            comment = !line.ends_with("#>");
            continue;
        }
        until = match () {
            () if line.ends_with("@\"") => Some("\"@"),
            () if line.ends_with("@'") => Some("'@"),
            () => None,
        };
        if line.starts_with('#') {
            continue;
        }
        line = line.split(" #").next().unwrap_or(line).trim_end();
        let continues = line.ends_with('`');
        let part = line.trim_end_matches('`');
        match lines.last_mut().filter(|_| joined) {
            Some((_, last)) => {
                last.push(' ');
                last.push_str(part);
            }
            None if part.is_empty() => {}
            None => lines.push((index + 1, part.to_owned())),
        }
        joined = continues;
    }
    lines
}

struct Reader<'t> {
    takes: &'t Takes<'t>,
    reading: Reading,
    /// How many blocks are open.
    depth: usize,
    /// Flags that variables hold, each with the depth at which they are put there.
    values: BTreeMap<String, Vec<(usize, String)>>,
    /// Flags that are given under a condition.
    conditional: BTreeSet<String>,
    functions: BTreeSet<String>,
    line: usize,
}

impl Reader<'_> {
    /// Reads the parameters; the number of the first line behind them.
    fn parameters(&mut self, lines: &[(usize, String)]) -> usize {
        let begins = |line: &str| line.to_lowercase().starts_with("param");
        let Some(first) = lines.iter().position(|(_, line)| begins(line)) else {
            return 0;
        };
        let only_attributes = lines[..first].iter().all(|(_, line)| line.starts_with('['));
        if !only_attributes {
            return 0;
        }
        let mut open = 0_usize;
        for (index, (number, line)) in lines.iter().enumerate().skip(first) {
            for parameter in line.split(',') {
                self.parameter(*number, parameter);
            }
            open += line.matches('(').count();
            open = open.saturating_sub(line.matches(')').count());
            if open == 0 {
                return index + 1;
            }
        }
        lines.len()
    }

    /// One parameter as it is declared: `[switch]$NoCache = $false`.
    fn parameter(&mut self, number: usize, declared: &str) {
        let Some((kind, name)) = declared.split_once('$') else {
            return;
        };
        let name = variable_name(name);
        let flag = match name.to_lowercase().as_str() {
            "detached" | "detach" | "d" => "--detached",
            "nocache" => "--no-cache",
            "pull" => "--pull",
            "help" | "h" => "--help",
            // Names of services go on as they are.
            "services" | "service" | "rest" | "args" if kind.to_lowercase().contains("[string") => {
                return;
            }
            _ => {
                let what = format!("`-{name}`, a parameter that dcb does not have");
                return self.reading.beyond(number, what);
            }
        };
        self.reading.takes.insert(flag.to_owned());
    }

    fn line(&mut self, line: &str) {
        let closed = line.matches('}').count();
        let opened = line.matches('{').count();
        // `} else {` ends one block and begins another: what stands in it is no deeper.
        let leading = line.len() - line.trim_start_matches('}').len();
        self.depth = self.depth.saturating_sub(leading);
        let inner = self.depth + usize::from(opened > 0 && !line.ends_with('{'));
        let outer = std::mem::replace(&mut self.depth, inner);
        for statement in statements(line) {
            self.statement(&statement, line);
        }
        self.depth = (outer + opened).saturating_sub(closed - leading.min(closed));
    }

    fn statement(&mut self, statement: &str, line: &str) {
        let statement = statement.trim();
        let is_function = statement.to_lowercase().starts_with("function ");
        let statement = if is_function {
            statement
        } else {
            without_condition(statement)
        };
        if statement.is_empty() || statement.starts_with('[') {
            return;
        }
        if let Some(name) = statement.strip_prefix("function ") {
            let name = name.split(['(', ' ']).next().unwrap_or_default();
            self.functions.insert(name.to_lowercase());
            return;
        }
        if let Some((name, value)) = assignment(statement) {
            return match name.strip_prefix("env:") {
                Some(name) => self.export(name, value.trim_matches(['"', '\'']).to_owned()),
                None => self.assign(name, value, line),
            };
        }
        let statement = statement.trim_start_matches('&').trim_start();
        // `@name` hands on what `$name` holds.
        let posix = statement.replace('@', "$");
        let parsed = commands(&posix);
        let none = |_: &str| None;
        if let Some(compose) = parsed.first().and_then(|command| compose(command, &none)) {
            if compose.redirected || parsed.len() > 1 || !compose.taken(self.takes) {
                return self.beyond(line);
            }
            self.reading.built = true;
            self.reading.starts |= compose.verb == "up";
            let project = compose
                .flags
                .iter()
                .map(|flag| flag.written().to_owned())
                .collect();
            let known = self
                .reading
                .project
                .get_or_insert_with(|| Vec::clone(&project));
            if *known != project {
                self.beyond(line);
            }
            for argument in &compose.arguments {
                match argument {
                    Word::Fixed(flag) => self.given(self.depth, flag, line),
                    Word::Open(variable) => self.handed(variable.trim_start_matches('$'), line),
                }
            }
            return;
        }
        let first = statement.split_whitespace().next().unwrap_or_default();
        let first = first.split('(').next().unwrap_or_default().to_lowercase();
        let looks = [
            "docker version",
            "docker info",
            "docker --version",
            "docker-compose --version",
            "docker compose version",
            "docker-compose version",
            "docker compose ps",
            "docker-compose ps",
        ];
        let harmless = HARMLESS.contains(&first.as_str()) && !statement.contains("$(")
            || looks.iter().any(|look| statement.starts_with(look))
            || self.functions.contains(&first);
        if !harmless {
            self.beyond(line);
        }
    }

    fn beyond(&mut self, line: &str) {
        let shown = crate::human::truncate(line, 100).into_owned();
        self.reading.beyond(self.line, format!("`{shown}`"));
    }

    fn export(&mut self, name: &str, value: String) {
        let word = Word::Fixed(value);
        match meaning(name, &word) {
            Meaning::Needless => {}
            Meaning::Heeded => {
                let value = word.written().to_owned();
                self.reading.exported.insert(name.to_owned(), value);
            }
            Meaning::Unknown => self.reading.beyond(
                self.line,
                format!("`{name}`, which it sets for what it runs"),
            ),
        }
    }

    fn assign(&mut self, name: &str, value: &str, line: &str) {
        let calls = value.contains("$(") || value.starts_with('&') || value.starts_with("docker");
        let own = value.contains("PSScriptRoot") || value.contains("MyInvocation");
        let asks = value.starts_with("Get-Command") || value.starts_with("Get-Location");
        if calls && !own && !asks {
            return self.beyond(line);
        }
        let words = value.split(|c: char| c.is_whitespace() || ",()@\"'".contains(c));
        let held = self.values.entry(name.to_lowercase()).or_default();
        let kept = words.filter(|word| !word.is_empty() && !word.starts_with('$'));
        held.extend(kept.map(|word| (self.depth, word.to_owned())));
    }

    /// A variable whose values Compose gets.
    fn handed(&mut self, name: &str, line: &str) {
        let name = name.trim_matches(['{', '}']).to_lowercase();
        for (depth, word) in self.values.get(&name).cloned().unwrap_or_default() {
            // The verb may be the first word of the list.
            self.given(depth, &word, line);
        }
    }

    fn given(&mut self, depth: usize, flag: &str, line: &str) {
        match known_flag(flag) {
            Some(flag) if is_same_everywhere(flag) => {}
            Some(flag) if depth == 0 => {
                self.reading.always.insert(flag.to_owned());
            }
            Some(flag) => {
                self.conditional.insert(flag.to_owned());
            }
            None => self.beyond(line),
        }
    }

    fn finish(mut self) -> Reading {
        for flag in std::mem::take(&mut self.conditional) {
            if !self.reading.takes.contains(&flag) {
                self.reading
                    .beyond(0, format!("`{flag}`, given under a condition of its own"));
            }
        }
        self.reading.finish()
    }
}

/// The name of a variable at which `text` begins, without its sign.
fn variable_name(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
    &text[..end.unwrap_or(text.len())]
}

/// `$NAME = VALUE` and `$NAME += VALUE`.
fn assignment(statement: &str) -> Option<(&str, &str)> {
    let text = statement.strip_prefix('$')?;
    let name = variable_name(text);
    let rest = text[name.len()..].trim_start();
    let value = rest.strip_prefix("+=").or_else(|| rest.strip_prefix('='))?;
    Some((name, value.trim()))
}

/// The statements of a line, without the brackets of blocks. Quotes are understood.
fn statements(line: &str) -> Vec<String> {
    let mut statements = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, ';' | '{' | '}') => {
                statements.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = statements.last_mut() {
            last.push(c);
        }
    }
    statements
}

/// A statement without what decides whether it is run.
fn without_condition(statement: &str) -> &str {
    let word = statement
        .split(|c: char| !c.is_ascii_alphabetic())
        .next()
        .unwrap_or_default();
    if !BEFORE.contains(&word.to_lowercase().as_str()) {
        return statement;
    }
    // A condition or the name of a function: nothing of it is a command that builds.
    let rest = statement[word.len()..].trim_start();
    if rest.contains("docker") && !rest.contains("Get-Command") {
        return rest;
    }
    ""
}
