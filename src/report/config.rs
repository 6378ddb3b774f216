//! A resolved project for people and programs (`docs/config.md` describes the JSON).

use std::fmt::Write;

use console::Style as Paint;
use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use crate::compose::{Node, Origin, Variable, origins};
use crate::diagnostic::{Span, Style};

/// The version of the JSON of origins. It grows by one when a field changes its meaning or goes.
const SCHEMA: u32 = 1;
/// Columns are aligned up to these widths.
const WIDTHS: (usize, usize) = (60, 48);

/// The project as JSON, as Compose writes it.
pub fn config_json(tree: &Node) -> String {
    pretty(&json!(tree))
}

fn pretty(value: &Json) -> String {
    format!("{value:#}\n")
}

/// The variables that the files use, in Compose's columns.
pub fn variables(variables: &IndexMap<String, Variable>) -> String {
    let mut rows = vec![[
        "NAME".to_owned(),
        "REQUIRED".to_owned(),
        "DEFAULT VALUE".to_owned(),
        "ALTERNATE VALUE".to_owned(),
    ]];
    rows.extend(variables.iter().map(|(name, variable)| {
        [
            name.clone(),
            variable.required.to_string(),
            variable.default.clone(),
            variable.alternate.clone(),
        ]
    }));
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count() + 3);
        widths.max().unwrap_or_default().max(20)
    };
    let widths = [width(0), width(1), width(2)];
    let mut text = String::new();
    for [name, required, default, alternate] in &rows {
        let [a, b, c] = widths;
        let line = format!("{name:a$}{required:b$}{default:c$}{alternate}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// The same as JSON, with Compose's keys.
pub fn variables_json(variables: &IndexMap<String, Variable>) -> String {
    let object: serde_json::Map<String, Json> = variables
        .iter()
        .map(|(name, variable)| {
            let value = json!({
                "Name": name,
                "DefaultValue": variable.default,
                "PresenceValue": variable.alternate,
                "Required": variable.required,
            });
            (name.clone(), value)
        })
        .collect();
    pretty(&Json::Object(object))
}

/// Every value with its place and those it overrode.
pub(super) fn origins_text(tree: &Node, style: Style) -> String {
    let dim = Paint::new().dim().force_styling(style == Style::Coloured);
    let origins = origins(tree);
    let rows: Vec<[String; 2]> = origins
        .iter()
        .map(|origin| [origin.way(), shown(&origin.value)])
        .collect();
    let width = |column: usize, most: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.filter(|width| *width <= most).max().unwrap_or(0)
    };
    let (first, second) = (width(0, WIDTHS.0), width(1, WIDTHS.1));
    let mut text = String::new();
    for (origin, [way, value]) in origins.iter().zip(&rows) {
        let place = place(origin.at).unwrap_or_else(|| "default".to_owned());
        let over: Vec<String> = origin
            .over
            .iter()
            .map(|(value, at)| format!("{at} {}", shown(value)))
            .collect();
        let over = match over.as_slice() {
            [] => String::new(),
            over => format!("  (over {})", over.join(", over ")),
        };
        let _ = writeln!(
            text,
            "{way:first$}  {value:second$}  {}",
            dim.apply_to(format!("{place}{over}"))
        );
    }
    text
}

/// The same as JSON.
pub fn origins_json(project: &str, tree: &Node) -> String {
    let values: Vec<Json> = origins(tree).iter().map(origin_json).collect();
    pretty(&json!({"version": SCHEMA, "project": project, "values": values}))
}

fn origin_json(origin: &Origin<'_>) -> Json {
    let over: Vec<Json> = origin
        .over
        .iter()
        .map(|(value, at)| json!({"value": value, "at": at_json(Some(at))}))
        .collect();
    json!({
        "path": origin.keys,
        "value": origin.value,
        "at": at_json(origin.at),
        "over": over,
    })
}

fn at_json(at: Option<&Span>) -> Json {
    at.map_or(Json::Null, |at| {
        json!({
            "file": at.source.name,
            "line": at.start.line,
            "column": at.start.column,
        })
    })
}

fn place(at: Option<&Span>) -> Option<String> {
    at.map(ToString::to_string)
}

/// A value on one line.
fn shown(value: &Json) -> String {
    match value {
        Json::String(text) if !text.is_empty() && !text.contains(char::is_control) => text.clone(),
        other => other.to_string(),
    }
}
