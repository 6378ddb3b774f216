//! What `dcb init` shows before it asks.

use std::fmt::Write as _;

use console::Style as Paint;
use similar::TextDiff;

use super::style;
use crate::ambient::Terminal;
use crate::diagnostic::Style;
use crate::init::{Change, Proposal};

/// What comes before the changes: what needs none, and what is left alone.
pub fn opening(proposal: &Proposal) -> String {
    let mut text = String::new();
    if proposal.needs_no_section {
        text.push_str("dcb builds this project as it is: the compose file needs no `x-dcb`\n");
    }
    for left in &proposal.left_alone {
        let _ = writeln!(text, "{}", left.what);
        for detail in &left.details {
            let _ = writeln!(text, "  {detail}");
        }
        if let Some(help) = &left.help {
            let _ = writeln!(text, "  = help: {help}");
        }
    }
    if let Some(dcb) = &proposal.by_hand {
        let _ = writeln!(
            text,
            "no script or Makefile is needed: type `{dcb} up --detached`\n\
             for those who are used to some: {dcb} init build.sh build.ps1 makefile"
        );
    } else if proposal.changes.is_empty() {
        text.push_str("there is nothing to do\n");
    }
    if !proposal.changes.is_empty() {
        text.push('\n');
    }
    text
}

/// One change: what it is good for, and exactly what it is.
pub fn change(change: &Change, terminal: Terminal) -> String {
    let before = change.before.as_deref().unwrap_or_default();
    let old = match change.before {
        Some(_) => format!("a/{}", change.name),
        None => "/dev/null".to_owned(),
    };
    let diff = TextDiff::from_lines(before, &change.after)
        .unified_diff()
        .header(&old, &format!("b/{}", change.name))
        .to_string();
    let mut text = format!("{}: {}\n", change.name, change.why);
    let coloured = style(terminal) == Style::Coloured;
    for line in diff.lines() {
        let paint = match line.as_bytes().first() {
            Some(b'+') => Paint::new().green(),
            Some(b'-') => Paint::new().red(),
            Some(b'@') => Paint::new().cyan(),
            _ => Paint::new(),
        };
        // A carriage return would move the cursor; what a file has of them is kept.
        let line = line.trim_end_matches('\r');
        let _ = writeln!(text, "{}", paint.force_styling(coloured).apply_to(line));
    }
    text.push('\n');
    text
}
