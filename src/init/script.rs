//! `build.sh` as it is: whether all that it does is what dcb does, so that a shim can take its place.
//!
//! Every command has to be known for that: one that builds or starts through Compose, or one that only
//! prepares or tells. Everything else is named with its line, and then the script is left alone.

use std::collections::{BTreeMap, BTreeSet};

use super::command::{
    Compose, Meaning, Simple, Takes, Word, assignment, commands, compose, goes_on, meaning, split,
};
use super::reading::{Reading, is_same_everywhere, known_flag};

/// Words that stand before a command without being one.
const BEFORE: [&str; 10] = [
    "if", "then", "else", "elif", "while", "until", "do", "!", "{", "time",
];
/// Commands that only prepare or tell.
const HARMLESS: [&str; 15] = [
    "echo", "printf", "exit", "return", "shift", "break", "continue", "[", "[[", "test", "true",
    ":", "clear", "sleep", "popd",
];

/// Reads a script. `takes` says what dcb takes.
pub(super) fn read(text: &str, takes: &Takes<'_>) -> Reading {
    let mut reader = Reader {
        takes,
        reading: Reading::default(),
        depth: 0,
        cases: 0,
        functions: functions(text),
        values: BTreeMap::new(),
        used: BTreeSet::new(),
        own: BTreeSet::new(),
        loops: 0,
        starts: [0; 2],
        conditional: BTreeSet::new(),
        line: 0,
    };
    for (number, line) in logical_lines(text) {
        reader.line = number;
        reader.line(&line);
    }
    reader.finish()
}

/// The lines with their numbers: continued ones joined, and of here-documents only those that run
/// something.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut joined: Option<(usize, String)> = None;
    let mut document: Option<HereDocument> = None;
    for (index, line) in text.lines().enumerate() {
        if let Some(open) = &document {
            if line.trim() == open.end {
                document = None;
            } else if open.expands && runs_something(line) {
                lines.push((index + 1, line.to_owned()));
            }
            continue;
        }
        let (number, mut whole) = joined.take().unwrap_or((index + 1, String::new()));
        if let Some(part) = line.strip_suffix('\\') {
            whole.push_str(part);
            joined = Some((number, whole));
            continue;
        }
        whole.push_str(line);
        if goes_on(&whole) {
            whole.push('\n');
            joined = Some((number, whole));
            continue;
        }
        document = HereDocument::taken_from(&mut whole);
        lines.push((number, whole));
    }
    lines.extend(joined);
    lines
}

/// A text among the commands.
struct HereDocument {
    /// The line that ends it.
    end: String,
    /// Whether what stands in `$(...)` is run.
    expands: bool,
}

impl HereDocument {
    /// The one that begins after `line`, whose operator is taken out of it.
    fn taken_from(line: &mut String) -> Option<Self> {
        let begin = line.find("<<")?;
        let operator = &line[begin + 2..];
        // `<<<` takes a word, and what stands behind a digit is a shift.
        if operator.starts_with('<') || line.contains("((") {
            return None;
        }
        let word = operator.trim_start_matches(['-', ' ']);
        let length = word.find(|c: char| c.is_whitespace() || ";|&)>".contains(c));
        let word = &word[..length.unwrap_or(word.len())];
        let end = word.replace(['\'', '"', '\\'], "");
        let expands = end == word;
        let length = operator.len() - operator.trim_start_matches(['-', ' ']).len() + word.len();
        line.replace_range(begin..begin + 2 + length, "");
        Some(Self { end, expands })
    }
}

/// The names of functions that the script defines.
fn functions(text: &str) -> BTreeSet<String> {
    let names = text.lines().filter_map(|line| function(line.trim()));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// The name of the function whose definition begins in a line, and what follows the bracket.
fn function(line: &str) -> Option<(&str, &str)> {
    let after = line.strip_prefix("function ").unwrap_or(line);
    let (name, rest) = after.split_once("()").or_else(|| {
        let (name, rest) = after.split_once(' ')?;
        line.starts_with("function ").then_some((name, rest))
    })?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let name = name.trim();
    let body = rest.trim().strip_prefix('{');
    (!name.is_empty() && name.chars().all(plain) && (body.is_some() || rest.trim().is_empty()))
        .then(|| (name, body.unwrap_or_default()))
}

struct Reader<'t> {
    takes: &'t Takes<'t>,
    reading: Reading,
    /// How many conditions, loops and functions are open.
    depth: usize,
    /// How many of them are `case`.
    cases: usize,
    functions: BTreeSet<String>,
    /// What variables are set to, by name.
    values: BTreeMap<String, Vec<(usize, Vec<Word>)>>,
    /// The variables that Compose is given as arguments.
    used: BTreeSet<String>,
    /// The variables that hold the directory of the script.
    own: BTreeSet<String>,
    /// Flags that are given under a condition.
    conditional: BTreeSet<String>,
    /// How many loops are open.
    loops: usize,
    /// How often it starts the project: always, and under a condition.
    starts: [usize; 2],
    line: usize,
}

impl Reader<'_> {
    fn line(&mut self, line: &str) {
        let line = line.trim();
        let mut rest = line;
        if let Some((_, body)) = function(line) {
            self.depth += 1;
            rest = body;
        }
        if self.cases > 0
            && let Some((labels, after)) = label(line)
        {
            self.label(&labels);
            rest = after;
        }
        for command in commands(rest) {
            self.command(command, rest);
        }
    }

    /// The flags of one branch of a `case`.
    fn label(&mut self, labels: &[String]) {
        // `*` and `-*` are for what the script does not know, `--` for what comes after the flags.
        let named: Vec<&String> = labels
            .iter()
            .filter(|label| !label.contains(['*', '?']) && !matches!(label.as_str(), "" | "--"))
            .collect();
        let flags: Vec<&String> = named
            .iter()
            .copied()
            .filter(|l| l.starts_with('-'))
            .collect();
        if flags.is_empty() {
            for word in named {
                self.reading
                    .beyond(self.line, format!("`{word}`, a word that it takes"));
            }
            return;
        }
        let known: Vec<&str> = flags.iter().filter_map(|flag| known_flag(flag)).collect();
        let same = known.windows(2).all(|pair| pair[0] == pair[1]);
        match known.first() {
            Some(known) if same => {
                self.reading.takes.insert((*known).to_owned());
                for flag in flags.iter().filter(|flag| known_flag(flag).is_none()) {
                    let alias = ((*flag).clone(), (*known).to_owned());
                    self.reading.aliases.push(alias);
                }
            }
            _ => {
                let flags: Vec<&str> = flags.iter().map(|flag| flag.as_str()).collect();
                let named = flags.join("|");
                self.reading.beyond(
                    self.line,
                    format!("`{named}`, a flag that dcb does not have"),
                );
            }
        }
    }

    fn command(&mut self, mut command: Simple, line: &str) {
        while let Some((word, _)) = command.words.first() {
            let text = word.written().to_owned();
            match text.as_str() {
                "if" => self.depth += 1,
                "while" | "until" => {
                    self.depth += 1;
                    self.loops += 1;
                }
                "done" => self.loops = self.loops.saturating_sub(1),
                "for" | "case" => {
                    self.depth += 1;
                    self.cases += usize::from(text == "case");
                    self.loops += usize::from(text == "for");
                    let words = command.words.iter().map(|(word, _)| word.written());
                    let more_than_words = words.clone().any(runs_something)
                        || text == "case"
                            && words.clone().nth(2) == Some("in")
                            && words.count() > 3;
                    if more_than_words {
                        self.reading.beyond(self.line, format!("`{}`", shown(line)));
                    }
                    return;
                }
                "esac" => self.cases = self.cases.saturating_sub(1),
                _ => {}
            }
            if matches!(text.as_str(), "fi" | "done" | "esac" | "}") {
                self.depth = self.depth.saturating_sub(1);
                command.words.remove(0);
            } else if BEFORE.contains(&text.as_str()) {
                command.words.remove(0);
            } else {
                break;
            }
        }
        if command.words.is_empty() {
            return;
        }
        let known = |word: &str| self.held(word);
        if let Some(compose) = compose(&command, &known) {
            self.compose(&compose, line);
        } else if !self.is_harmless(&command) {
            self.reading.beyond(self.line, format!("`{}`", shown(line)));
        }
    }

    /// What the variable in a word holds, when all that it is ever set to is known.
    fn held(&self, word: &str) -> Option<Vec<Word>> {
        let name = variable(word)?;
        let values = self.values.get(&name)?;
        let mut values = values.iter().map(|(_, value)| value);
        let first = values.next()?;
        let fixed = |value: &Vec<Word>| value.iter().all(|word| word.fixed().is_some());
        // `docker compose` on one machine and `docker-compose` on another are the same to dcb.
        let program = |value: &Vec<Word>| {
            let words: Vec<&str> = value.iter().filter_map(Word::fixed).collect();
            matches!(
                words.as_slice(),
                ["docker", "compose", ..] | ["docker-compose", ..]
            )
        };
        (fixed(first) && program(first) && values.all(|v| program(v) && v.len() <= 2 || v == first))
            .then(|| first.clone())
    }

    fn compose(&mut self, compose: &Compose, line: &str) {
        let beyond = |reading: &mut Reading, number: usize| {
            reading.beyond(number, format!("`{}`", shown(line)));
        };
        if compose.entangled || self.loops > 0 {
            return beyond(&mut self.reading, self.line);
        }
        for (name, value, _) in &compose.variables {
            self.export(name, value);
        }
        self.reading.built = true;
        if compose.verb == "up" {
            self.reading.starts = true;
            self.starts[usize::from(self.depth > 0)] += 1;
        }
        let mut arguments = compose.arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument {
                Word::Fixed(flag) if flag == "--progress" => {
                    arguments.next();
                }
                Word::Fixed(flag) => match known_flag(flag) {
                    Some(flag) if self.depth == 0 && !is_same_everywhere(flag) => {
                        self.reading.always.insert(flag.to_owned());
                    }
                    Some(flag) if !is_same_everywhere(flag) => {
                        self.conditional.insert(flag.to_owned());
                    }
                    Some(_) => {}
                    None if flag.starts_with("--progress=") => {}
                    None => return beyond(&mut self.reading, self.line),
                },
                Word::Open(written) => match variable(written) {
                    Some(name) => {
                        self.used.insert(name);
                    }
                    None => return beyond(&mut self.reading, self.line),
                },
            }
        }
        let flags: Option<Vec<String>> = compose
            .flags
            .iter()
            .map(|flag| flag.fixed().map(str::to_owned))
            .collect();
        match flags {
            Some(flags) if compose.taken(self.takes) => {
                let same = self.reading.project.as_ref().is_none_or(|p| *p == flags);
                if !same {
                    beyond(&mut self.reading, self.line);
                }
                self.reading.project.get_or_insert(flags);
            }
            _ => beyond(&mut self.reading, self.line),
        }
    }

    fn export(&mut self, name: &str, value: &Word) {
        let (line, always) = (self.line, self.depth == 0);
        self.reading.export(line, always, name, value);
    }

    fn is_harmless(&mut self, command: &Simple) -> bool {
        let words: Vec<&Word> = command.words.iter().map(|(word, _)| word).collect();
        let [first, rest @ ..] = words.as_slice() else {
            return true;
        };
        if words.iter().all(|word| assignment(word).is_some()) {
            return words.iter().all(|word| self.assigned(word));
        }
        if command.redirected {
            return false;
        }
        let name = first.written();
        let plain = !rest.iter().any(|word| runs_something(word.written()));
        match (name, rest) {
            ("export", rest) => {
                for word in rest {
                    if let Some((name, value)) = assignment(word) {
                        let value = match word {
                            Word::Fixed(_) => Word::Fixed(value.to_owned()),
                            Word::Open(_) => Word::Open(value.to_owned()),
                        };
                        self.export(name, &value);
                    } else if !matches!(
                        word.written(),
                        "DOCKER_BUILDKIT" | "COMPOSE_DOCKER_CLI_BUILD"
                    ) {
                        return false;
                    }
                }
                true
            }
            ("set", rest) => rest.iter().all(|word| {
                let word = word.written();
                !(word == "allexport" || word.starts_with('-') && word.contains('a'))
            }),
            ("cd" | "pushd", rest) => rest
                .iter()
                .all(|word| self.is_own_directory(word.written())),
            ("local" | "readonly" | "declare", rest) => rest.iter().all(|word| {
                assignment(word).map_or(!word.written().starts_with('-'), |_| self.assigned(word))
            }),
            ("command" | "which" | "type" | "hash", _) => plain,
            // Of a here-document, which is gone by now.
            ("cat", rest) => rest.is_empty(),
            ("docker" | "docker-compose", rest) => is_look(rest),
            (name, _) if HARMLESS.contains(&name) => plain,
            (name, _) => self.functions.contains(name),
        }
    }

    fn is_own_directory(&self, text: &str) -> bool {
        let held = variable(text).is_some_and(|name| self.own.contains(&name));
        held || is_own_directory(text)
    }

    /// Whether what a variable is set to is known to be no command.
    fn assigned(&mut self, word: &Word) -> bool {
        let Some((name, value)) = assignment(word) else {
            return false;
        };
        let own = is_own_directory(value);
        if runs_something(value) && !own || name == "PATH" {
            return false;
        }
        if own {
            self.own.insert(name.to_owned());
            return true;
        }
        self.own.remove(name);
        if name.starts_with("COMPOSE_") || name.starts_with("DOCKER_") || name.starts_with("BUILD")
        {
            let variable = Word::Fixed(value.to_owned());
            // Not exported it still counts where the environment has the variable already.
            if matches!(word, Word::Fixed(_)) && meaning(name, &variable) != Meaning::Unknown {
                self.export(name, &variable);
                return true;
            }
        }
        let list = value.trim_start_matches('(').trim_end_matches(')');
        let entry = self.values.entry(name.to_owned()).or_default();
        entry.push((self.depth, split(list)));
        true
    }

    /// What is known once all of it was read.
    fn finish(mut self) -> Reading {
        for name in std::mem::take(&mut self.used) {
            for (depth, value) in self.values.get(&name).cloned().unwrap_or_default() {
                for word in value {
                    let conditional = depth > 0;
                    match word {
                        Word::Fixed(flag) => match known_flag(&flag) {
                            Some(flag) if is_same_everywhere(flag) => {}
                            Some(flag) if conditional => {
                                self.conditional.insert(flag.to_owned());
                            }
                            _ => self.reading.beyond(0, format!("`{flag}` in `${name}`")),
                        },
                        // What was typed, or what it held before.
                        Word::Open(written) if variable(&written).is_some() => {}
                        Word::Open(written) => {
                            self.reading.beyond(0, format!("`{written}` in `${name}`"));
                        }
                    }
                }
            }
        }
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

/// The labels of a branch of `case`, and what follows them.
fn label(line: &str) -> Option<(Vec<String>, &str)> {
    let end = line.find(')')?;
    let labels = line[..end].trim_start_matches('(');
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_*?|\"' ".contains(c);
    if !labels.chars().all(plain) || labels.trim().contains(' ') && !labels.contains('|') {
        return None;
    }
    let labels = labels
        .split('|')
        .map(|label| label.trim().trim_matches(['"', '\'']).to_owned())
        .collect();
    Some((labels, &line[end + 1..]))
}

/// The variable that a word is: `$NAME`, `${NAME}`, `${NAME[@]}`, `${NAME:-}`; `@` for what was typed.
fn variable(word: &str) -> Option<String> {
    let name = word.strip_prefix('$')?;
    let name = match name.strip_prefix('{') {
        Some(name) => {
            let name = name.strip_suffix('}')?;
            let end = name.find([':', '[', '-', '+']).unwrap_or(name.len());
            let rest = &name[end..];
            matches!(rest, "" | "[@]" | "[*]" | ":-" | "-").then_some(&name[..end])?
        }
        None => name,
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (name == "@" || name == "*" || !name.is_empty() && name.chars().all(plain))
        .then(|| name.to_owned())
}

fn runs_something(text: &str) -> bool {
    let text = text.replace("$(pwd)", "").replace("$(date)", "");
    text.contains("$(") || text.contains('`')
}

/// Whether it is the directory of the script, told in one of the usual ways and with nothing behind it.
fn is_own_directory(text: &str) -> bool {
    const SCRIPT: [&str; 5] = [
        "$0",
        "${0}",
        "${BASH_SOURCE[0]}",
        "$BASH_SOURCE",
        "${BASH_SOURCE}",
    ];
    const AROUND: [&str; 15] = [
        "cd",
        "--",
        "dirname",
        "readlink",
        "realpath",
        "-f",
        "pwd",
        "-P",
        "&&",
        ">/dev/null",
        "2>&1",
        "&>/dev/null",
        "&>",
        ">",
        "/dev/null",
    ];
    if matches!(
        text,
        "." | "${0%/*}" | "${BASH_SOURCE%/*}" | "${BASH_SOURCE[0]%/*}"
    ) {
        return true;
    }
    let text = text.replace("$(", " ").replace([')', '"', '`'], " ");
    let words: Vec<&str> = text.split_whitespace().collect();
    words.iter().any(|word| SCRIPT.contains(word))
        && words.contains(&"dirname")
        && words
            .iter()
            .all(|word| SCRIPT.contains(word) || AROUND.contains(word))
}

/// Whether a docker command only looks whether docker is there.
fn is_look(arguments: &[&Word]) -> bool {
    let words: Vec<&str> = arguments.iter().map(|word| word.written()).collect();
    matches!(
        words.as_slice(),
        ["version" | "info" | "--version" | "ps", ..]
            | ["compose" | "buildx", "version" | "ps" | "ls", ..]
    )
}

fn shown(line: &str) -> String {
    crate::human::truncate(line.trim().trim_end_matches(";;").trim_end(), 100).into_owned()
}
