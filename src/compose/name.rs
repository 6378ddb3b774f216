//! The name of a project, which its images and containers carry.

use indexmap::IndexMap;

use crate::diagnostic::Diagnostic;

use super::discover::Found;
use super::request::Request;
use super::tree::{self, Node};
use super::variables::{Findings, expand, refusal};

/// The name as Compose would write it: lower case, letters, digits, `_` and `-`, starting with a
/// letter or digit.
pub(super) fn normalise(name: &str) -> String {
    let lower = name.to_lowercase();
    let kept: String = lower
        .chars()
        .filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
        .collect();
    kept.trim_start_matches(['_', '-']).to_owned()
}

/// Chooses the name: `-p`, `COMPOSE_PROJECT_NAME`, the last `name:` that is `written`, the directory.
pub(super) fn choose(
    request: &Request,
    found: &Found,
    written: &[Node],
    findings: &mut Findings,
) -> String {
    let (environment, directory) = (&found.environment, &found.directory);
    let given = request
        .project_name
        .as_deref()
        .filter(|name| !name.is_empty());
    let variable = environment.get("COMPOSE_PROJECT_NAME").map(String::as_str);
    if let Some(name) = given.or(variable.filter(|name| !name.is_empty())) {
        if normalise(name) != name {
            let error = invalid(name);
            findings.error(match given {
                Some(_) => error,
                None => found.set_here(error, "COMPOSE_PROJECT_NAME"),
            });
        }
        return name.to_owned();
    }
    if let Some(name) = name_of_files(environment, written, findings) {
        return name;
    }
    let base = directory.file_name().unwrap_or_default().to_string_lossy();
    let name = normalise(&base);
    if name.is_empty() && findings.errors.is_empty() {
        findings.error(
            Diagnostic::error("project name must not be empty")
                .help("name it with `-p`, or write `name:` at the top of the compose file"),
        );
    }
    if directory.is_symlink() {
        findings.note(
            Diagnostic::warning(format!(
                "project has been loaded without an explicit name from a symlink; its name is `{name}`"
            ))
            .help(format!("write `name: {name}` at the top of the compose file")),
        );
    }
    name
}

fn invalid(name: &str) -> Diagnostic {
    let error = Diagnostic::error(format!(
        "invalid project name `{name}`: it must consist of lower case letters, digits, `-` and \
         `_`, and start with a letter or digit"
    ));
    match normalise(name) {
        better if better.is_empty() => error,
        better => error.help(format!("`{better}` would do")),
    }
}

/// The last `name:` of the files that is not empty. It is interpolated before the name is known, so that
/// `COMPOSE_PROJECT_NAME` in it is the incoming one.
fn name_of_files(
    environment: &IndexMap<String, String>,
    written: &[Node],
    findings: &mut Findings,
) -> Option<String> {
    let given = |node: &&Node| node.as_text().is_some_and(|text| !text.is_empty());
    let node = written.iter().rfind(given)?;
    let text = node.as_text()?;
    match expand(text, &node.span, environment, findings) {
        Ok(name) => Some(normalise(&name)).filter(|name| !name.is_empty()),
        Err(fault) => {
            let path = tree::Path::ROOT;
            findings.error(refusal(&fault, &path.join("name"), &node.span));
            Some(String::new())
        }
    }
}
