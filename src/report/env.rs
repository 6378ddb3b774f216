//! Where a variable gets its values, for people.

use std::fmt::Write;

use console::Style as Paint;

use crate::compose::{By, Given, Setting, Whence};
use crate::diagnostic::Style;
use crate::secret::ArgValue;

/// Whether values that look secret are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// As `***`.
    Masked,
    /// As they are.
    Shown,
}

/// One line: a value, its place, and what to say about it.
struct Row(String, String, &'static str);

/// All that is known of the variable `name`.
pub(super) fn text(name: &str, whence: &Whence<'_>, secrets: Secrets, style: Style) -> String {
    let show = |value: &str| shown(name, value, secrets);
    let mut blocks = vec![(
        format!("${{{name}}} in compose files"),
        interpolation(whence, &show),
    )];
    for container in &whence.containers {
        let rows = container.values.iter().enumerate();
        blocks.push((
            format!("container of {}", container.service),
            rows.map(|(index, value)| given(index, value, &show))
                .collect(),
        ));
    }
    let width = |column: fn(&Row) -> &str| {
        let rows = blocks.iter().flat_map(|(_, rows)| rows);
        let widths = rows.map(|row| column(row).chars().count());
        widths.filter(|width| *width <= 60).max().unwrap_or(0)
    };
    let (first, second) = (width(|row| &row.0), width(|row| &row.1));
    let bold = Paint::new().bold().force_styling(style == Style::Coloured);
    let mut text = String::new();
    for (title, rows) in &blocks {
        let _ = writeln!(text, "{}", bold.apply_to(title));
        for Row(value, place, remark) in rows {
            let line = format!("  {value:first$}  {place:second$}  {remark}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    if let Some(used) = whence.used {
        let places: Vec<String> = used.places.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "used at {}", places.join(", "));
    }
    text
}

fn interpolation(whence: &Whence<'_>, show: &dyn Fn(&str) -> String) -> Vec<Row> {
    let settings = whence.interpolation;
    let beaten = !settings.is_empty();
    let included = whence.included.iter().filter_map(|setting| {
        let remark = if beaten {
            "overridden"
        } else {
            "in the included project"
        };
        let place = setting.at.as_ref()?.to_string();
        Some(Row(show(&setting.value), place, remark))
    });
    if settings.is_empty() && whence.included.is_empty() {
        return vec![Row("not set".to_owned(), String::new(), "")];
    }
    let row = |(index, setting): (usize, &Setting)| {
        let place = setting.at.as_ref().map(ToString::to_string);
        let place = place.unwrap_or_else(|| "the environment".to_owned());
        Row(
            show(&setting.value),
            place,
            if index == 0 { "" } else { "overridden" },
        )
    };
    settings
        .iter()
        .enumerate()
        .map(row)
        .chain(included)
        .collect()
}

fn given(index: usize, given: &Given, show: &dyn Fn(&str) -> String) -> Row {
    let value = given.value.as_deref().map_or("not set".to_owned(), show);
    let remark = match (index, given.by) {
        (0, By::Environment) => "environment",
        (0, By::PassedThrough) => "environment, by name: the value is that of compose files",
        (0, By::File) => "env_file",
        (_, By::Environment | By::PassedThrough) => "environment, overridden",
        (_, By::File) => "env_file, overridden",
    };
    Row(value, given.at.to_string(), remark)
}

/// A value on one line.
fn shown(name: &str, value: &str, secrets: Secrets) -> String {
    let value = ArgValue::new(name, value);
    let text = match secrets {
        Secrets::Masked => value.shown(),
        Secrets::Shown => value.reveal(),
    };
    if text.is_empty() || text.contains(char::is_control) || text.trim() != text {
        format!("{text:?}")
    } else {
        text.to_owned()
    }
}
