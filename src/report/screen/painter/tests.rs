use std::num::NonZero;

use super::*;

const SIZE: Size = Size {
    columns: 20,
    rows: 8,
};

fn length(number: usize) -> NonZero<u16> {
    u16::try_from(number)
        .ok()
        .and_then(NonZero::new)
        .expect("a length")
}

fn picture(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

/// A terminal that cuts lines when it gets narrower.
struct Seen {
    painter: Painter,
    terminal: vt100::Parser,
}

impl Seen {
    fn new() -> Self {
        Self {
            painter: Painter::new(Narrowing::Cuts),
            terminal: vt100::Parser::new(length(8), length(20), 100),
        }
    }

    fn resize(&mut self, size: Size) {
        let screen = self.terminal.screen_mut();
        screen.set_size(length(size.rows), length(size.columns));
    }

    /// Everything on the terminal after this.
    fn after(&mut self, lines: &[&str], next: &[&str], size: Size) -> String {
        let text = self.painter.paint(&picture(lines), picture(next), size);
        // As the terminal's driver does.
        self.terminal.process(text.replace('\n', "\r\n").as_bytes());
        let screen = self.terminal.screen();
        assert!(!screen.hide_cursor(), "the cursor is visible: {text:?}");
        assert_eq!(screen.cursor_position().1, 0, "at the beginning of a line");
        screen.contents()
    }
}

#[test]
fn a_picture_replaces_the_one_before_and_lines_stay_above() {
    let mut seen = Seen::new();
    assert_eq!(seen.after(&[], &["a", "b", "c"], SIZE), "a\nb\nc");
    assert_eq!(seen.after(&[], &["a", "B"], SIZE), "a\nB");
    assert_eq!(seen.after(&["one"], &["a", "B"], SIZE), "one\na\nB");
    let more = seen.after(&["two", "three"], &["a", "b", "c", "d"], SIZE);
    assert_eq!(more, "one\ntwo\nthree\na\nb\nc\nd");
    // The first line scrolls away when there is no room, and nothing else does.
    let full = seen.after(&["four"], &["a", "b", "c", "d"], SIZE);
    assert_eq!(full, "two\nthree\nfour\na\nb\nc\nd");
    assert_eq!(seen.after(&[], &[], SIZE), "two\nthree\nfour");
}

#[test]
fn a_long_line_wraps_and_a_picture_does_not() {
    let mut seen = Seen::new();
    let long = "0123456789012345678901234";
    seen.after(&[], &["a", "b"], SIZE);
    let shown = seen.after(&[long], &["a", "b"], SIZE);
    assert_eq!(shown, format!("{long}\na\nb"));
    assert_eq!(seen.after(&[], &["b"], SIZE), format!("{long}\nb"));

    let mut painter = Painter::new(Narrowing::Rewraps);
    let text = painter.paint(&picture(&[long]), picture(&["a"]), SIZE);
    let expected = format!("{BEGIN}\r\x1b[J{WRAP}{long}\n{NO_WRAP}a\n{END}");
    assert_eq!(text, expected);
}

#[test]
fn what_was_typed_below_goes_with_the_next_picture() {
    let mut seen = Seen::new();
    seen.after(&[], &["a"], SIZE);
    seen.terminal.process(b"^C");
    assert_eq!(seen.after(&[], &["b"], SIZE), "b");
}

#[test]
fn only_lines_that_changed_are_written_and_nothing_when_none_did() {
    let mut painter = Painter::new(Narrowing::Rewraps);
    let first = painter.paint(&[], picture(&["one", "two", "three"]), SIZE);
    assert!(
        first.starts_with(BEGIN) && first.ends_with(END),
        "{first:?}"
    );
    assert_eq!(
        painter.paint(&[], picture(&["one", "two", "three"]), SIZE),
        ""
    );
    let next = painter.paint(&[], picture(&["one", "TWO", "three"]), SIZE);
    assert_eq!(next, format!("{BEGIN}\r\x1b[3A\nTWO\x1b[K\n\n\x1b[J{END}"));
    assert_eq!(painter.above(&[], SIZE), "");
}

#[test]
fn a_narrower_terminal_has_nothing_left_of_the_wider_picture() {
    let narrow = Size { columns: 8, ..SIZE };
    let wide = ["0123456789012345678", "\u{1b}[1mshort\u{1b}[0m"];
    // Its first line took three rows after the terminal broke it anew.
    let mut painter = Painter::new(Narrowing::Rewraps);
    painter.paint(&[], picture(&wide), SIZE);
    let next = painter.paint(&[], picture(&["a"]), narrow);
    assert_eq!(next, format!("{BEGIN}\r\x1b[4A\x1b[Ja\n{END}"));

    let mut seen = Seen::new();
    seen.after(&["above"], &wide, SIZE);
    seen.resize(narrow);
    assert_eq!(seen.after(&[], &["a", "b"], narrow), "above\na\nb");
    seen.resize(SIZE);
    assert_eq!(seen.after(&[], &["wide again"], SIZE), "above\nwide again");
}
