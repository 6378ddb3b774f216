//! The builders of this machine, as a table.

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
            builder.driver.clone(),
            builder.state.clone(),
            builder.version.clone(),
            match &builder.problem {
                Some(problem) => problem.clone(),
                None => platforms(&builder.platforms),
            },
        ]
    });
    let table: Vec<[String; 5]> = std::iter::once(header).chain(rows).collect();
    let widths: Vec<usize> = (0..5)
        .map(|column| {
            let cells = table
                .iter()
                .map(|row| console::measure_text_width(&row[column]));
            cells.max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in &table {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            let cell = if cell.is_empty() { "-" } else { cell };
            console::pad_str(cell, *width, console::Alignment::Left, None).into_owned()
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
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
