//! Where in the Dockerfile a failure lies, when the builder does not tell: read from its words, from
//! the name of the failing step, and from the image it was about.

use indexmap::IndexMap;

use crate::diagnostic::{Position, Source, Span};
use crate::docker::reference;
use crate::docker::spec::{BuildSpec, DockerfileSource};
use crate::dockerfile::Dockerfile;

/// What stands before the place in the name of a Dockerfile that stands in a compose file.
const INLINE: &str = "dockerfile_inline at ";

/// The Dockerfile of `spec` as a text; nothing when only the engine has it.
pub(in crate::docker) fn text(spec: &BuildSpec) -> Option<String> {
    match &spec.dockerfile {
        DockerfileSource::File(path) => std::fs::read_to_string(path).ok(),
        DockerfileSource::Inline(text) | DockerfileSource::Instead(_, text) => Some(text.clone()),
        DockerfileSource::InContext(_) => None,
    }
}

/// The lines `first..=last` of the Dockerfile whose text is `text`: in the file that people know it
/// from, which for an inline one is the compose file.
pub(in crate::docker) fn lines(spec: &BuildSpec, text: &str, first: usize, last: usize) -> Span {
    if let DockerfileSource::Inline(_) = spec.dockerfile
        && let Some(name) = spec.dockerfile_name.strip_prefix(INLINE)
    {
        return in_compose_file(name, text, first, last).unwrap_or_else(|| {
            let source = Source::new(format!("{name}: dockerfile_inline"), text);
            Span::lines(&source, first, last)
        });
    }
    Span::lines(&Source::new(&spec.dockerfile_name, text), first, last)
}

/// The lines of a block scalar in its compose file. `place` is that of the scalar: `file:line:column`.
fn in_compose_file(place: &str, text: &str, first: usize, last: usize) -> Option<Span> {
    let (rest, column) = place.rsplit_once(':')?;
    let (path, line) = rest.rsplit_once(':')?;
    let (line, column): (usize, usize) = (line.parse().ok()?, column.parse().ok()?);
    let file = std::fs::read_to_string(path).ok()?;
    let lines: Vec<&str> = file.lines().collect();
    // A literal block keeps its lines, those of a folded one are joined.
    let header = lines.get(line - 1)?.get(column - 1..)?;
    if !header.starts_with('|') {
        return None;
    }
    let block = lines.get(line..)?;
    let indent = indent(block.iter().find(|line| !line.trim().is_empty())?);
    let written = |number: usize| Some(block.get(number - 1)?.get(indent..)?.trim_end());
    for (number, wanted) in (1..=last).zip(text.lines()) {
        // Variables are filled in, so what holds one is not the same in the file.
        let written = written(number).unwrap_or_default();
        if written != wanted.trim_end() && !written.contains('$') {
            return None;
        }
    }
    let source = Source::new(path, file.as_str());
    let end = block.get(last - 1)?.trim_end().chars().count();
    let at = |line, column| Position { line, column };
    Some(Span::new(
        &source,
        at(line + first, indent + 1),
        at(line + last, end + 1),
    ))
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// The line that a builder names when it cannot parse the Dockerfile.
pub(super) fn named(text: &str, spec: &BuildSpec) -> Option<Span> {
    let line = line_named(text)?;
    Some(lines(spec, &self::text(spec)?, line, line))
}

/// The number in `dockerfile parse error line 3: ...`, or `... on line 3: ...`.
pub(super) fn line_named(text: &str) -> Option<usize> {
    let (_, after) = text.split_once("dockerfile parse error ")?;
    let after = after.strip_prefix("on ").unwrap_or(after);
    after.strip_prefix("line ")?.split_once(':')?.0.parse().ok()
}

/// The place that a step's name leads to.
pub(super) fn of_step(step: &str, spec: &BuildSpec) -> Option<Span> {
    let text = text(spec)?;
    let (first, last) = Dockerfile::parse(&text).lines_of(step)?;
    Some(lines(spec, &text, first, last))
}

/// Where the Dockerfile takes from `image`, given in full form.
pub(super) fn of_image(image: &str, spec: &BuildSpec) -> Option<Span> {
    let text = text(spec)?;
    let args: IndexMap<String, String> = spec
        .args
        .iter()
        .map(|(name, value)| (name.clone(), value.reveal().to_owned()))
        .collect();
    let wanted = reference::normalize(image).ok()?;
    let is_it = |name: &str| reference::normalize(name).is_ok_and(|name| name == wanted);
    let (first, last) = Dockerfile::parse(&text).lines_taking(&args, is_it)?;
    Some(lines(spec, &text, first, last))
}

/// The Dockerfile's `# syntax=` line.
pub(super) fn of_syntax(spec: &BuildSpec) -> Option<Span> {
    let text = text(spec)?;
    let syntax = Dockerfile::parse(&text).syntax?;
    let line = text.lines().position(|line| {
        line.split_once('=')
            .is_some_and(|(_, value)| value.trim() == syntax)
    })?;
    Some(lines(spec, &text, line + 1, line + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(file: &str, place: &str, text: &str, first: usize, last: usize) -> Option<String> {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("compose.yaml");
        std::fs::write(&path, file).expect("a file");
        let place = format!("{}:{place}", path.display());
        let span = in_compose_file(&place, text, first, last)?;
        Some(format!(
            "{}:{}-{}:{}",
            span.start.line, span.start.column, span.end.line, span.end.column
        ))
    }

    #[test]
    fn a_line_of_a_block_is_found_in_its_compose_file() {
        let file = "s:\n  d: |\n    FROM a\n\n    RUN x \\\n      y $$HOME\n  e: 1\n";
        let text = "FROM a\n\nRUN x \\\n  y $HOME\n";
        assert_eq!(span(file, "2:6", text, 3, 4).as_deref(), Some("5:5-6:15"));
        assert_eq!(span(file, "2:6", text, 1, 1).as_deref(), Some("3:5-3:11"));
    }

    #[test]
    fn what_is_no_block_or_another_text_has_no_line_in_the_compose_file() {
        assert_eq!(span("d: 'FROM a'\n", "1:4", "FROM a", 1, 1), None);
        assert_eq!(span("d: >\n  FROM a\n", "1:4", "FROM a\n", 1, 1), None);
        assert_eq!(span("d: |\n  FROM b\n", "1:4", "FROM a\n", 1, 1), None);
        assert_eq!(span("d: |\n", "1:4", "FROM a\n", 1, 1), None);
    }

    #[test]
    fn both_ways_to_name_a_line_are_read() {
        assert_eq!(line_named("dockerfile parse error line 3: x"), Some(3));
        assert_eq!(line_named("dockerfile parse error on line 12: x"), Some(12));
        assert_eq!(line_named("x"), None);
    }
}
