//! Text into instructions and stages.
//!
//! Rules of the language that matter here: `# escape=` and the default backslash continue a line,
//! comments and empty lines inside a continued instruction are skipped, and `<<WORD` begins a
//! here-document that reaches to a line with that word alone.

use std::collections::VecDeque;

/// A Dockerfile, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dockerfile {
    /// The frontend that `# syntax=` asks for, as written.
    pub syntax: Option<String>,
    /// Its instructions, in order.
    pub instructions: Vec<Instruction>,
}

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// Its keyword in upper case.
    pub keyword: String,
    /// What follows the keyword, continued lines joined with spaces, without here-documents.
    pub arguments: String,
    /// The first line, from one.
    pub first_line: usize,
    /// The last line.
    pub last_line: usize,
    /// Whether a here-document follows.
    pub heredoc: bool,
}

/// A stage: `FROM` and what follows until the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage<'a> {
    /// Its name after `AS`, in lower case.
    pub name: Option<String>,
    /// What it begins with, as written.
    pub base: &'a str,
    /// Its instructions, `FROM` first.
    pub instructions: &'a [Instruction],
}

impl Dockerfile {
    /// Reads `text`.
    pub fn parse(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines: VecDeque<(usize, &str)> = text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
            .collect();
        let escape = directive(text, "escape")
            .and_then(|value| value.chars().next())
            .unwrap_or('\\');
        let mut instructions = Vec::new();
        while let Some((first_line, line)) = lines.pop_front() {
            let trimmed = line.trim();
            if !trimmed.is_empty() && !trimmed.starts_with('#') {
                instructions.push(instruction(first_line, trimmed, escape, &mut lines));
            }
        }
        Self {
            syntax: directive(text, "syntax")
                .filter(|syntax| !syntax.is_empty())
                .map(str::to_owned),
            instructions,
        }
    }

    /// The stages in order.
    pub fn stages(&self) -> Vec<Stage<'_>> {
        let from = |instruction: &Instruction| instruction.keyword == "FROM";
        let starts: Vec<usize> = self
            .instructions
            .iter()
            .enumerate()
            .filter(|(_, instruction)| from(instruction))
            .map(|(index, _)| index)
            .collect();
        let ends = starts
            .iter()
            .skip(1)
            .copied()
            .chain([self.instructions.len()]);
        starts
            .iter()
            .zip(ends)
            .map(|(start, end)| stage(&self.instructions[*start..end]))
            .collect()
    }
}

impl Instruction {
    /// The words of its arguments without leading flags.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.arguments
            .split_whitespace()
            .skip_while(|word| word.starts_with("--"))
    }

    /// Whether it has a flag such as `--link`, with or without a value.
    pub(super) fn has_flag(&self, name: &str) -> bool {
        self.arguments
            .split_whitespace()
            .take_while(|word| word.starts_with("--"))
            .filter_map(|word| word.strip_prefix("--"))
            .any(|word| word.split('=').next() == Some(name))
    }

    /// The values of a flag such as `--from=`.
    pub fn flags<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.arguments
            .split_whitespace()
            .take_while(|word| word.starts_with("--"))
            .filter_map(move |word| {
                word.strip_prefix("--")?
                    .strip_prefix(name)?
                    .strip_prefix('=')
            })
    }
}

fn stage(instructions: &[Instruction]) -> Stage<'_> {
    let mut words = instructions[0].words();
    let base = words.next().unwrap_or_default();
    let name = match (words.next(), words.next()) {
        (Some(word), Some(name)) if word.eq_ignore_ascii_case("as") => Some(name.to_lowercase()),
        _ => None,
    };
    Stage {
        name,
        base,
        instructions,
    }
}

/// The value of a parser directive such as `# escape=`; they stand before everything else.
fn directive<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    text.lines()
        .map_while(|line| line.trim().strip_prefix('#')?.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))
        .map(|(_, value)| value.trim())
}

fn instruction(
    first_line: usize,
    line: &str,
    escape: char,
    lines: &mut VecDeque<(usize, &str)>,
) -> Instruction {
    let mut last_line = first_line;
    let mut joined = String::new();
    let mut current = line;
    while let Some(continued) = current.trim_end().strip_suffix(escape) {
        joined.push_str(continued);
        joined.push(' ');
        current = loop {
            match lines.pop_front() {
                Some((_, next)) if next.trim().is_empty() || next.trim().starts_with('#') => {}
                Some((number, next)) => {
                    last_line = number;
                    break next;
                }
                None => break "",
            }
        };
    }
    joined.push_str(current);
    let (keyword, arguments) = joined
        .trim()
        .split_once(char::is_whitespace)
        .unwrap_or((joined.trim(), ""));
    let keyword = keyword.to_ascii_uppercase();
    let mut heredoc = false;
    if matches!(keyword.as_str(), "RUN" | "COPY" | "ADD") {
        for word in heredocs(arguments) {
            heredoc = true;
            last_line = skip_heredoc(&word, lines).unwrap_or(last_line);
        }
    }
    Instruction {
        arguments: arguments.split_whitespace().collect::<Vec<_>>().join(" "),
        keyword,
        first_line,
        last_line,
        heredoc,
    }
}

/// A here-document's closing word.
struct Heredoc {
    word: String,
    strip_tabs: bool,
}

fn heredocs(arguments: &str) -> Vec<Heredoc> {
    arguments
        .split_whitespace()
        .filter_map(|word| {
            let word = word.trim_start_matches(|c: char| c.is_ascii_digit());
            let rest = word
                .strip_prefix("<<")
                .filter(|rest| !rest.starts_with('<'))?;
            let strip_tabs = rest.starts_with('-');
            let word = rest
                .trim_start_matches('-')
                .trim_matches(['"', '\''])
                .to_owned();
            let is_word = word.starts_with(|c: char| c.is_alphabetic() || c == '_');
            is_word.then_some(Heredoc { word, strip_tabs })
        })
        .collect()
}

/// Drops the lines of a here-document; the number of its last one.
fn skip_heredoc(heredoc: &Heredoc, lines: &mut VecDeque<(usize, &str)>) -> Option<usize> {
    let mut last = None;
    while let Some((number, line)) = lines.pop_front() {
        last = Some(number);
        let line = if heredoc.strip_tabs {
            line.trim_start_matches('\t')
        } else {
            line
        };
        if line == heredoc.word {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(text: &str) -> Vec<(String, usize, usize)> {
        Dockerfile::parse(text)
            .instructions
            .into_iter()
            .map(|i| (i.keyword, i.first_line, i.last_line))
            .collect()
    }

    fn expect(keyword: &str, first: usize, last: usize) -> (String, usize, usize) {
        (keyword.to_owned(), first, last)
    }

    #[test]
    fn an_instruction_knows_all_its_lines() {
        let text = "# syntax=docker/dockerfile:1\nFROM busybox as Base\n\nRUN a \\\n # note\n\n  b\n\
                    RUN <<EOF cat\nFROM x\nEOF\ncopy <<-A <<B /x/\n1\n\tA\n2\nB\nCMD x";
        assert_eq!(
            lines(text),
            [
                expect("FROM", 2, 2),
                expect("RUN", 4, 7),
                expect("RUN", 8, 10),
                expect("COPY", 11, 15),
                expect("CMD", 16, 16),
            ]
        );
    }

    #[test]
    fn the_escape_character_can_be_chosen() {
        let text = "# escape=`\nFROM x\nRUN dir c:\\\nRUN a `\n b\n";
        assert_eq!(
            lines(text),
            [
                expect("FROM", 2, 2),
                expect("RUN", 3, 3),
                expect("RUN", 4, 5)
            ]
        );
    }

    #[test]
    fn stages_have_names_and_bases() {
        let file = Dockerfile::parse(
            "ARG V=1\nFROM --platform=linux/amd64 rust:$V AS Build\nRUN x\nFROM scratch\nCOPY a b\n",
        );
        let stages = file.stages();
        assert_eq!(stages.len(), 2);
        assert_eq!(stages[0].name.as_deref(), Some("build"));
        assert_eq!(stages[0].base, "rust:$V");
        assert_eq!(stages[1].name, None);
        assert_eq!(stages[1].instructions.len(), 2);
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_lines_never_run_backwards(text in "(?s).{0,300}") {
            let mut previous = 0;
            for instruction in Dockerfile::parse(&text).instructions {
                prop_assert!(instruction.first_line > previous);
                prop_assert!(instruction.last_line >= instruction.first_line);
                previous = instruction.last_line;
            }
        }
    }
}
