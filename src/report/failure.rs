//! A failure as text: every place with its excerpt, then what happened, then what mends it.

use std::fmt::Write;

use crate::diagnostic::{Diagnostic, Style};
use crate::failure::Failure;

/// The whole text, with a line break at its end.
pub(super) fn render(failure: &Failure, style: Style) -> String {
    let mut text = String::new();
    let mut closing = Diagnostic::error(failure.message.clone());
    closing.help.clone_from(&failure.hints);
    let mut places = super::told(&failure.diagnostics).into_owned();
    // One place that says the same is the failure itself.
    match places.as_mut_slice() {
        [only] if only.message == failure.message => only.help.append(&mut closing.help),
        _ => places.push(closing),
    }
    for place in &places {
        let _ = writeln!(text, "{}", place.render(style));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Source, Span};
    use crate::failure::Class;

    #[test]
    fn a_failure_with_one_place_is_told_once() {
        let source = Source::new("Dockerfile", "FROM x\nRUN make\n");
        let mut failure =
            Failure::new(Class::RunFailed, "`RUN make` ended with exit code 127").hint("not found");
        let place = Diagnostic::error(failure.message.clone()).at(Span::lines(&source, 2, 2), "");
        failure.diagnostics.push(place);
        assert_eq!(
            render(&failure, Style::Plain),
            "error: `RUN make` ended with exit code 127\n \
             --> Dockerfile:2:1\n  |\n2 | RUN make\n  | ^^^^^^^^\n  |\n  = help: not found\n"
        );
    }

    #[test]
    fn several_places_are_followed_by_what_they_amount_to() {
        let places = vec![Diagnostic::error("one"), Diagnostic::error("two")];
        let failure = Failure::found(Class::ComposeInvalid, "both are wrong", places);
        assert_eq!(
            render(&failure, Style::Plain),
            "error: one\nerror: two\nerror: both are wrong\n"
        );
    }
}
