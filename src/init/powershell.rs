//! `build.ps1` as it is: whether all that it does is what dcb does. As with a script of a shell, every
//! command has to be known, and what is not is named with its line.

use std::collections::{BTreeMap, BTreeSet};

use super::command::{Takes, Word, commands, compose};
use super::reading::{Reading, is_same_everywhere, known_flag};

/// Commands that only prepare or tell, in lower case.
const HARMLESS: [&str; 12] = [
    "write-host",
    "write-output",
    "write-error",
    "write-warning",
    "write-verbose",
    "write-information",
    "get-help",
    "pop-location",
    "clear-host",
    "set-strictmode",
    "start-sleep",
    "echo",
];
/// Commands whose answers may be asked for: they change nothing.
const LOOKS: [&str; 6] = [
    "get-command",
    "get-location",
    "split-path",
    "join-path",
    "test-path",
    "resolve-path",
];
/// Commands of docker's that only look.
const DOCKER_LOOKS: [&str; 8] = [
    "docker version",
    "docker info",
    "docker --version",
    "docker-compose --version",
    "docker compose version",
    "docker-compose version",
    "docker compose ps",
    "docker-compose ps",
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
        own: BTreeSet::new(),
        starts: [0; 2],
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
    /// The variables that hold the directory of the script.
    own: BTreeSet<String>,
    /// How often it starts the project: always, and under a condition.
    starts: [usize; 2],
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
        let (first, rest) = first_word(statement);
        let known = match first.as_str() {
            "" if rest.is_empty() => true,
            "function" => {
                let (name, _) = first_word(rest);
                self.functions.insert(name);
                true
            }
            "if" | "elseif" | "else" | "try" | "catch" | "finally" | "exit" | "return"
            | "throw" => runs_nothing(rest, false),
            "set-location" | "push-location" | "cd" => self.is_own_directory(rest),
            _ => match assignment(statement) {
                Some((name, value)) => match name.strip_prefix("env:") {
                    Some(name) => {
                        self.export(name, value.trim_matches(['"', '\'']).to_owned());
                        true
                    }
                    None => self.assigned(name, value),
                },
                None => self.compose(statement, line) || self.is_harmless(statement, &first, rest),
            },
        };
        if !known {
            self.beyond(line);
        }
    }

    /// Reads a command of Compose's that builds; whether it is one that a shim can do.
    fn compose(&mut self, statement: &str, line: &str) -> bool {
        // `@name` hands on what `$name` holds.
        let posix = statement.trim_start_matches('&').replace('@', "$");
        let parsed = commands(&posix);
        let [command] = parsed.as_slice() else {
            return false;
        };
        let Some(compose) = compose(command, &|_: &str| None) else {
            return false;
        };
        if compose.entangled || !compose.taken(self.takes) {
            return false;
        }
        self.reading.built = true;
        if compose.verb == "up" {
            self.reading.starts = true;
            self.starts[usize::from(self.depth > 0)] += 1;
        }
        for argument in &compose.arguments {
            match argument {
                Word::Fixed(flag) => self.given(self.depth, flag, line),
                Word::Open(variable) => self.handed(variable.trim_start_matches('$'), line),
            }
        }
        let flags = compose.flags.iter();
        let flags: Vec<String> = flags.map(|flag| flag.written().to_owned()).collect();
        *self.reading.project.get_or_insert_with(|| flags.clone()) == flags
    }

    /// Whether it is a command that only prepares or tells.
    fn is_harmless(&self, statement: &str, first: &str, rest: &str) -> bool {
        if HARMLESS.contains(&first) || LOOKS.contains(&first) || self.functions.contains(first) {
            return runs_nothing(rest, true);
        }
        let look = DOCKER_LOOKS
            .iter()
            .find_map(|look| statement.strip_prefix(look));
        look.is_some_and(|rest| runs_nothing(rest, true))
    }

    /// Whether a place is the directory of the script.
    fn is_own_directory(&self, place: &str) -> bool {
        let place = place
            .trim_start_matches("-LiteralPath")
            .trim_start_matches("-Path")
            .trim();
        let place = place.trim_matches('"');
        let held = place.strip_prefix('$').map(str::to_lowercase);
        held.is_some_and(|name| self.own.contains(&name)) || is_own_directory(place)
    }

    fn beyond(&mut self, line: &str) {
        let shown = crate::human::truncate(line, 100).into_owned();
        self.reading.beyond(self.line, format!("`{shown}`"));
    }

    fn export(&mut self, name: &str, value: String) {
        let (line, always) = (self.line, self.depth == 0);
        self.reading.export(line, always, name, &Word::Fixed(value));
    }

    /// Whether what a variable is set to is known to be no command.
    fn assigned(&mut self, name: &str, value: &str) -> bool {
        let name = name.to_lowercase();
        if is_own_directory(value) {
            self.own.insert(name);
            return true;
        }
        self.own.remove(&name);
        let words = value.split(|c: char| c.is_whitespace() || ",()@\"'".contains(c));
        let held = self.values.entry(name).or_default();
        let kept = words.filter(|word| !word.is_empty() && !word.starts_with('$'));
        held.extend(kept.map(|word| (self.depth, word.to_owned())));
        runs_nothing(value, false)
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
        self.reading.started(self.starts);
        for flag in std::mem::take(&mut self.conditional) {
            if !self.reading.takes.contains(&flag) && !self.reading.always.contains(&flag) {
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

/// The first word in lower case, and what follows it.
fn first_word(statement: &str) -> (String, &str) {
    let end = statement.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let (word, rest) = statement.split_at(end.unwrap_or(statement.len()));
    (word.to_lowercase(), rest.trim())
}

/// Whether it is the directory of the script, told in one of the usual ways and with nothing behind it.
fn is_own_directory(text: &str) -> bool {
    let plain = text.replace(['(', ')', '"'], " ");
    let words: Vec<&str> = plain.split_whitespace().collect();
    matches!(
        words.as_slice(),
        ["$PSScriptRoot"]
            | [
                "Split-Path",
                "$MyInvocation.MyCommand.Path" | "$MyInvocation.MyCommand.Definition"
            ]
            | [
                "Split-Path",
                "-Parent",
                "$MyInvocation.MyCommand.Path" | "$MyInvocation.MyCommand.Definition"
            ]
    )
}

/// Whether nothing in an expression is run but what only looks. `arguments` when it is what follows a
/// command, so that words may stand alone.
fn runs_nothing(text: &str, arguments: bool) -> bool {
    if text.contains("$(") || text.contains("::") || text.contains('`') {
        return false;
    }
    // For each bracket that is open, whether words in it are arguments.
    let mut inside = vec![arguments];
    let mut word = String::new();
    let mut quote = None;
    let mut before = ' ';
    let mut piped = false;
    for c in text.chars().chain([' ']) {
        if let Some(open) = quote {
            quote = quote.filter(|_| c != open);
        } else if matches!(c, '"' | '\'') {
            quote = Some(c);
        } else if c.is_whitespace() || "(),!@".contains(c) {
            let is_call = c == '(' && before.is_ascii_alphanumeric();
            let Some(arguments) = inside.last_mut() else {
                return false;
            };
            if is_call || !is_plain(&word.to_lowercase(), arguments, &mut piped) {
                return false;
            }
            word.clear();
            match c {
                '(' => inside.push(false),
                ')' => {
                    inside.pop();
                }
                _ => {}
            }
        } else {
            word.push(c);
        }
        before = c;
    }
    true
}

/// Whether a word of an expression runs nothing. `piped` is set while only what throws an output away may
/// follow.
fn is_plain(word: &str, arguments: &mut bool, piped: &mut bool) -> bool {
    if word.is_empty() {
        return true;
    }
    if std::mem::take(piped) {
        return matches!(word, "out-null" | "$null");
    }
    *piped = matches!(word, "|" | ">" | "2>" | "*>");
    if LOOKS.contains(&word) {
        *arguments = true;
    }
    let number = word.chars().all(|c| c.is_ascii_digit() || c == '.');
    let kind = word.starts_with('[') && word.ends_with(']');
    *piped
        || *arguments && !word.contains(['|', '>', ';', '&'])
        || word.starts_with(['$', '-'])
        || matches!(word, "+" | "2>&1")
        || number
        || kind
}
