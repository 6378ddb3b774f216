//! The builders of this machine, as a table.

use super::columns::{self, Side, columns};
use crate::docker::buildx::manage::Listed;

/// How many platforms are named before the rest is counted.
const NAMED: usize = 3;

/// One row each; `used` is the one that dcb builds with.
pub fn builders(listed: &[Listed], used: &str) -> String {
    let header = ["BUILDER", "DRIVER", "STATE", "BUILDKIT", "PLATFORMS"].map(str::to_owned);
    let rows = listed.iter().map(|builder| {
        let mark = if builder.name == used { " *" } else { "" };
        [
            format!("{}{mark}", builder.name),
            told(&builder.driver),
            told(&builder.state),
            told(&builder.version),
            match &builder.problem {
                Some(problem) => problem.clone(),
                None => told(&platforms(&builder.platforms)),
            },
        ]
    });
    let table: Vec<[String; 5]> = std::iter::once(header).chain(rows).collect();
    columns(&table, [Side::Left; 5], columns::plain)
}

/// A cell is never empty.
fn told(word: &str) -> String {
    if word.is_empty() { "-" } else { word }.to_owned()
}

fn platforms(platforms: &[String]) -> String {
    let named = platforms.iter().take(NAMED).cloned().collect::<Vec<_>>();
    let rest = platforms.len().saturating_sub(NAMED);
    let more = if rest > 0 {
        format!(" (+{rest})")
    } else {
        String::new()
    };
    format!("{}{more}", named.join(", "))
}
