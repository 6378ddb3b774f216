//! Commands of a shell, as far as they can be told without running them: where one ends and the next
//! begins, its words, and whether it is one of Compose's that dcb takes over.

use std::ops::Range;

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// It says the same whenever it is run.
    Fixed(String),
    /// What it says is known only then; as it is written.
    Open(String),
}

impl Word {
    /// What it says, when that is known.
    pub(super) fn fixed(&self) -> Option<&str> {
        match self {
            Self::Fixed(text) => Some(text),
            Self::Open(_) => None,
        }
    }

    /// As it is written, but for quotes.
    pub(super) fn written(&self) -> &str {
        match self {
            Self::Fixed(text) | Self::Open(text) => text,
        }
    }
}

/// A command without those that it is joined to.
#[derive(Debug, Clone)]
pub(super) struct Simple {
    /// Its words, each with where it stands in the text.
    pub(super) words: Vec<(Word, Range<usize>)>,
    /// Whether its output goes into a file or to another command.
    pub(super) redirected: bool,
    /// Whether it is run only when the one before fails.
    pub(super) instead: bool,
}

impl Simple {
    fn empty(instead: bool) -> Self {
        Self {
            words: Vec::new(),
            redirected: false,
            instead,
        }
    }
}

/// The commands of one line. Quotes are understood, and what stands in `$(...)` is a part of its word.
pub(super) fn commands(line: &str) -> Vec<Simple> {
    let mut commands = Vec::new();
    let mut current = Simple::empty(false);
    let mut at = 0;
    while at < line.len() {
        let rest = &line[at..];
        let Some(first) = rest.chars().next() else {
            break;
        };
        if first.is_whitespace() {
            at += first.len_utf8();
        } else if first == '#' {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if let Some(length) = joint(rest) {
            current.redirected |= &rest[..length] == "|";
            let next = Simple::empty(&rest[..length] == "||");
            commands.push(std::mem::replace(&mut current, next));
            at += length;
        } else if let Some((length, harmless)) = redirection(rest) {
            current.redirected |= !harmless;
            at += length;
        } else {
            let (word, length) = word(rest);
            current.words.push((word, at..at + length));
            at += length;
        }
    }
    commands.push(current);
    commands.retain(|command| !command.words.is_empty());
    commands
}

/// The length of what joins two commands.
fn joint(rest: &str) -> Option<usize> {
    ["&&", "||", ";;", ";", "|", "&"]
        .iter()
        .find(|joint| rest.starts_with(**joint) && !rest.starts_with("&>"))
        .map(|joint| joint.len())
}

/// The length of a redirection with its target, and whether nothing is kept of what it takes.
fn redirection(rest: &str) -> Option<(usize, bool)> {
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let sign = ["&>>", "&>", ">>", ">&", ">", "<"]
        .iter()
        .find(|sign| rest[digits..].starts_with(**sign))?;
    if *sign == "<" && rest[digits..].starts_with("<<") {
        return None;
    }
    let after = digits + sign.len();
    let blank = rest[after..].len() - rest[after..].trim_start().len();
    let (target, length) = word(&rest[after + blank..]);
    let harmless = matches!(target.written(), "/dev/null" | "1" | "2" | "&1" | "&2");
    Some((after + blank + length, harmless))
}

/// The first word of `rest`, which begins with no blank, and its length.
fn word(rest: &str) -> (Word, usize) {
    let (word, length, _) = scanned(rest);
    (word, length)
}

/// The same, and whether every quote and bracket that begins in it ends in it.
fn scanned(rest: &str) -> (Word, usize, bool) {
    let mut text = String::new();
    let mut open = false;
    let mut quote = None;
    // The quotes around each bracket that is open: in `"$("x")"` the inner ones are others.
    let mut around: Vec<Option<char>> = Vec::new();
    let mut chars = rest.char_indices();
    let mut end = rest.len();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some(begun), c) if begun == c => {
                quote = None;
                if !around.is_empty() {
                    text.push(c);
                }
            }
            (Some('\''), _) => text.push(c),
            (_, '\\') => {
                if let Some((_, next)) = chars.next() {
                    text.push(next);
                }
            }
            (_, '$') => {
                open = true;
                text.push(c);
                if rest[at + 1..].starts_with('(') {
                    chars.next();
                    text.push('(');
                    around.push(quote.take());
                }
            }
            (_, '`') => {
                open = true;
                text.push(c);
            }
            (Some(_), _) => text.push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                if !around.is_empty() {
                    text.push(c);
                }
            }
            (None, '(') => {
                around.push(None);
                text.push(c);
            }
            (None, ')') => {
                quote = around.pop().flatten();
                text.push(c);
            }
            (None, _) if around.is_empty() && (c.is_whitespace() || ";&|<>".contains(c)) => {
                end = at;
                break;
            }
            (None, _) => {
                open |= "*?[{~".contains(c);
                text.push(c);
            }
        }
    }
    let word = if open {
        Word::Open(text)
    } else {
        Word::Fixed(text)
    };
    // A sign that nothing begins with still has to be passed.
    let length = end.max(1).min(rest.len().max(1));
    (word, length, quote.is_none() && around.is_empty())
}

/// Whether the last command of `text` goes on in the next line: a quote or bracket is still open.
pub(super) fn goes_on(text: &str) -> bool {
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let blank = rest.len() - rest.trim_start().len();
        if blank > 0 {
            at += blank;
        } else if rest.starts_with('#') {
            at += rest.find('\n').unwrap_or(rest.len());
        } else {
            let (_, length, closed) = scanned(rest);
            if !closed {
                return true;
            }
            at += length;
        }
    }
    false
}

/// `NAME=VALUE`, and whether the value is known.
pub(super) fn assignment(word: &Word) -> Option<(&str, &str)> {
    let (name, value) = word.written().split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()))
        .then_some((name, value))
}

/// `docker compose build` or `docker compose up`, which dcb takes over.
#[derive(Debug, Clone)]
pub(super) struct Compose {
    /// Variables that are set for it, with where that is written.
    pub(super) variables: Vec<(String, Word, Range<usize>)>,
    /// Flags before the verb: which project.
    pub(super) flags: Vec<Word>,
    /// `build` or `up`.
    pub(super) verb: String,
    /// What follows the verb.
    pub(super) arguments: Vec<Word>,
    /// From the first variable to the end of the program's name.
    pub(super) program: Range<usize>,
    /// Whether its output is needed, or it stands in for another command: more than a build.
    pub(super) entangled: bool,
}

/// Compose's flags before the verb that take a value.
const VALUED: [&str; 9] = [
    "-f",
    "--file",
    "-p",
    "--project-name",
    "--profile",
    "--env-file",
    "--project-directory",
    "--parallel",
    "--progress",
];

/// The command as one of Compose's that builds. `known` says what a variable that stands in the place of
/// the program holds.
pub(super) fn compose(
    command: &Simple,
    known: &dyn Fn(&str) -> Option<Vec<Word>>,
) -> Option<Compose> {
    let mut rest = command.words.as_slice();
    let mut begin = None;
    let mut variables = Vec::new();
    while let [(word, range), after @ ..] = rest {
        match word {
            Word::Fixed(text) if text == "exec" => {}
            _ => match assignment(word) {
                Some((name, value)) => {
                    let value = match word {
                        Word::Fixed(_) => Word::Fixed(value.to_owned()),
                        Word::Open(_) => Word::Open(value.to_owned()),
                    };
                    variables.push((name.to_owned(), value, range.clone()));
                    begin.get_or_insert(range.start);
                }
                None => break,
            },
        }
        rest = after;
    }
    let [(first, range), after @ ..] = rest else {
        return None;
    };
    let begin = begin.unwrap_or(range.start);
    let (end, mut flags, after) = match (first.fixed(), after) {
        (Some("docker-compose"), after) => (range.end, Vec::new(), after),
        (Some("docker"), [(Word::Fixed(second), range), after @ ..]) if second == "compose" => {
            (range.end, Vec::new(), after)
        }
        (None, after) => {
            let held = known(first.written())?;
            let flags = program_flags(&held)?;
            (range.end, flags, after)
        }
        _ => return None,
    };
    let mut words = after.iter().map(|(word, _)| word);
    let verb = loop {
        let word = words.next()?;
        let text = word.fixed()?;
        if !text.starts_with('-') {
            break text.to_owned();
        }
        flags.push(word.clone());
        if VALUED.contains(&text) {
            flags.push(words.next()?.clone());
        }
    };
    matches!(verb.as_str(), "build" | "up").then(|| Compose {
        variables,
        flags,
        verb,
        arguments: words.cloned().collect(),
        program: begin..end,
        entangled: command.redirected || command.instead,
    })
}

/// The flags in what a variable holds for Compose: `docker compose -f FILE`.
fn program_flags(held: &[Word]) -> Option<Vec<Word>> {
    let fixed: Vec<Option<&str>> = held.iter().map(Word::fixed).collect();
    match fixed.as_slice() {
        [Some("docker-compose"), ..] => Some(held[1..].to_vec()),
        [Some("docker"), Some("compose"), ..] => Some(held[2..].to_vec()),
        _ => None,
    }
}

/// The words of a value that is split when it is used.
pub(super) fn split(value: &str) -> Vec<Word> {
    let commands = commands(value);
    let words = commands.into_iter().flat_map(|command| command.words);
    words.map(|(word, _)| word).collect()
}

/// What a build is told by its variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// What dcb does anyway.
    Needless,
    /// dcb heeds it.
    Heeded,
    /// Nobody knows who reads it.
    Unknown,
}

/// What a variable that a script sets says to dcb.
pub(super) fn meaning(name: &str, value: &Word) -> Meaning {
    match (name, value.fixed()) {
        ("DOCKER_BUILDKIT", Some("1" | "true"))
        | ("COMPOSE_DOCKER_CLI_BUILD" | "COMPOSE_BAKE", Some(_))
        | ("BUILDKIT_PROGRESS" | "COMPOSE_PROGRESS", Some("plain" | "auto")) => Meaning::Needless,
        ("DOCKER_BUILDKIT" | "BUILDX_BUILDER" | "COMPOSE_PARALLEL_LIMIT", Some(_)) => {
            Meaning::Heeded
        }
        _ => Meaning::Unknown,
    }
}

/// What is asked of the command line: whether dcb takes these words, its own name first.
pub type Takes<'a> = dyn Fn(&[String]) -> bool + 'a;

impl Compose {
    /// Whether dcb takes all that is fixed of it.
    pub(super) fn taken(&self, takes: &Takes<'_>) -> bool {
        let word = |word: &Word| word.fixed().unwrap_or("x").to_owned();
        // An open word may be several flags or none; alone it may also be the name of a service.
        let arguments = self.arguments.iter().filter(|word| word.fixed().is_some());
        let words: Vec<String> = std::iter::once("dcb".to_owned())
            .chain(self.flags.iter().map(word))
            .chain([self.verb.clone()])
            .chain(arguments.map(word))
            .collect();
        takes(&words)
    }
}

/// `text` with every command of Compose's that builds handed to dcb, and all else as it is; nothing
/// when there is none.
pub(super) fn handed_over(
    text: &str,
    known: &dyn Fn(&str) -> Option<Vec<Word>>,
    takes: &Takes<'_>,
) -> Option<String> {
    let found: Vec<Compose> = commands(text)
        .iter()
        .filter_map(|command| compose(command, known))
        .filter(|compose| compose.taken(takes))
        .collect();
    if found.is_empty() {
        return None;
    }
    let mut changed = text.to_owned();
    for compose in found.iter().rev() {
        let mut instead = String::new();
        for (name, value, range) in &compose.variables {
            if meaning(name, value) != Meaning::Needless {
                instead.push_str(&text[range.clone()]);
                instead.push(' ');
            }
        }
        instead.push_str("dcb");
        let own = compose.flags.iter();
        // Flags that a variable held are gone with it; those that stand behind the program stay.
        let held = own.take(compose.flags.len() - behind(text, compose));
        for flag in held {
            instead.push(' ');
            instead.push_str(flag.written());
        }
        changed.replace_range(compose.program.clone(), &instead);
    }
    Some(changed)
}

/// How many of the flags of `compose` stand behind the program in `text`.
fn behind(text: &str, compose: &Compose) -> usize {
    let words = split(&text[compose.program.end..]);
    words
        .iter()
        .position(|word| word.fixed() == Some(&compose.verb))
        .unwrap_or(0)
        .min(compose.flags.len())
}
