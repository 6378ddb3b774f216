//! A Dockerfile's text with something else in its place, every line where it was.

use super::parse::{Dockerfile, Instruction};

/// A stretch of a line and what to write there.
type Edit = (usize, std::ops::Range<usize>, String);

impl Dockerfile {
    /// `text` without what its `# syntax=` line says.
    ///
    /// The line stays a directive, of a name that means nothing: a comment would end the directives,
    /// and `# escape=` may follow.
    pub fn without_syntax(text: &str) -> String {
        let mut done = false;
        text.split_inclusive('\n')
            .map(|line| match syntax_value(line).filter(|_| !done) {
                Some(value) => {
                    done = true;
                    format!("# unused={value}")
                }
                None => line.to_owned(),
            })
            .collect()
    }

    /// `text`, which this was read from, with the images renamed for which `rename` has another
    /// name: what stages begin with, copy from and mount. It is asked with the arguments before the
    /// first `FROM` filled in, and not about names of stages.
    pub fn renamed(
        &self,
        text: &str,
        args: &indexmap::IndexMap<String, String>,
        rename: impl Fn(&str) -> Option<String>,
    ) -> String {
        let globals = self.global_arguments(args);
        let stages = self.stages();
        let mut before = 0;
        let mut edits: Vec<Edit> = Vec::new();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for instruction in &self.instructions {
            let new = |word: &str| {
                let name = super::images::expand(word, &globals);
                let stage = super::images::position(&stages, &name.to_lowercase(), before);
                if stage.is_some() { None } else { rename(&name) }
            };
            edits.extend(edits_of(instruction, &lines, new));
            before += usize::from(instruction.keyword == "FROM");
        }
        let mut lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
        for (line, range, new) in edits.into_iter().rev() {
            lines[line].replace_range(range, &new);
        }
        lines.concat()
    }
}

/// What follows the `=` of a `# syntax=` line.
fn syntax_value(line: &str) -> Option<&str> {
    let comment = line.trim_start_matches('\u{feff}').trim_start();
    let (name, value) = comment.strip_prefix('#')?.split_once('=')?;
    name.trim().eq_ignore_ascii_case("syntax").then_some(value)
}

/// The edits that one instruction needs, in the order of its text.
fn edits_of(
    instruction: &Instruction,
    lines: &[&str],
    new: impl Fn(&str) -> Option<String>,
) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut keyword = true;
    let range = instruction.first_line - 1..instruction.last_line.min(lines.len());
    for (index, line) in lines.iter().enumerate().take(range.end).skip(range.start) {
        if line.trim().starts_with('#') {
            continue;
        }
        for (start, word) in words(line) {
            if std::mem::take(&mut keyword) || matches!(word, "\\" | "`") {
                continue;
            }
            let place = match instruction.keyword.as_str() {
                "FROM" if !word.starts_with("--") => Some(0..word.len()),
                "COPY" | "ADD" => word
                    .strip_prefix("--from=")
                    .map(|_| "--from=".len()..word.len()),
                "RUN" if word.starts_with("--mount=") => mounted(word),
                _ => None,
            };
            if let Some(place) = place
                && let Some(new) = new(&word[place.clone()])
            {
                edits.push((index, start + place.start..start + place.end, new));
            }
            if !word.starts_with("--") {
                return edits;
            }
        }
    }
    edits
}

/// Where `from=` has its value in a mount.
fn mounted(word: &str) -> Option<std::ops::Range<usize>> {
    let mut at = "--mount=".len();
    for field in word[at..].split(',') {
        if field.starts_with("from=") {
            return Some(at + "from=".len()..at + field.len());
        }
        at += field.len() + 1;
    }
    None
}

/// The words of a line, each with the byte it begins at.
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    line.split_whitespace()
        .map(move |word| (word.as_ptr().addr() - line.as_ptr().addr(), word))
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;
    use proptest::prelude::*;

    use super::*;

    fn renamed(text: &str) -> String {
        Dockerfile::parse(text).renamed(text, &IndexMap::new(), |name| {
            (name == "base").then(|| "shop-base:latest".to_owned())
        })
    }

    #[test]
    fn an_image_is_renamed_wherever_a_stage_takes_files_from_it() {
        let text = "ARG B=base\nFROM --platform=linux/amd64 base AS one\nFROM $B\nCOPY --chmod=1 \\\n  # note\n  --from=base /base base\n\
                    RUN --mount=type=bind,from=base,target=/b \\\n    echo --from=base base\nFROM baseline\n";
        assert_eq!(
            renamed(text),
            "ARG B=base\nFROM --platform=linux/amd64 shop-base:latest AS one\nFROM shop-base:latest\nCOPY --chmod=1 \\\n  # note\n  --from=shop-base:latest /base base\n\
             RUN --mount=type=bind,from=shop-base:latest,target=/b \\\n    echo --from=base base\nFROM baseline\n"
        );
    }

    #[test]
    fn a_stage_of_that_name_is_left_alone() {
        let text = "FROM base AS base\nFROM base\nCOPY --from=base /x /\n";
        assert_eq!(
            renamed(text),
            "FROM shop-base:latest AS base\nFROM base\nCOPY --from=base /x /\n"
        );
    }

    #[test]
    fn the_syntax_line_goes_and_every_other_line_stays() {
        assert_eq!(
            Dockerfile::without_syntax("# syntax=docker/dockerfile:1\n# escape=`\nFROM a\n"),
            "# unused=docker/dockerfile:1\n# escape=`\nFROM a\n"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_rewritten_without_panic_and_keeps_its_lines(text in "(?s)(FROM base|RUN --mount=from=base,x|COPY --from=base|[a-z \\\\\n<#-]{0,9}|é|\r\n){0,12}") {
            prop_assert_eq!(renamed(&text).lines().count(), text.lines().count());
        }
    }
}
