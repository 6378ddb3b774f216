//! What the checks of Dockerfiles found, for people and programs (`docs/check.md` describes the JSON).

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{failure, style};
use crate::ambient::Terminal;
use crate::diagnostic::Diagnostic;
use crate::docker::buildkit::{Finding, Findings};
use crate::human;

/// The version of the JSON. It grows by one when a field changes its meaning or goes.
const SCHEMA: u32 = 1;

/// What the check of one Dockerfile came to.
#[derive(Debug)]
pub struct Checked<'a> {
    /// The services that are built from it.
    pub services: Vec<&'a str>,
    /// How it was checked otherwise than it asks for, and why.
    pub otherwise: Option<String>,
    /// What was found.
    pub findings: Findings,
}

/// Prints the findings to standard output, and to standard error why something could not be checked.
///
/// # Errors
/// When standard output cannot be written.
pub fn checked(checked: &[Checked<'_>], stdout: Terminal, stderr: Terminal) -> io::Result<()> {
    for (finding, _) in distinct(checked) {
        super::result(&format!("{}\n", diagnostic(finding).render(style(stdout))))?;
    }
    for one in checked {
        let services = one.services.join(", ");
        if let Some(otherwise) = &one.otherwise {
            let warning = Diagnostic::warning(format!("{services}: {otherwise}"));
            super::diagnostics(&[warning], stderr);
        }
        if let Some(failed) = &one.findings.failure {
            let text = failure::render(failed, style(stderr));
            let _ = write!(io::stderr(), "\n{services}:\n{text}");
        }
    }
    Ok(())
}

/// Tells that nothing was found in what could be checked.
pub fn nothing_found(checked: &[Checked<'_>]) {
    let whole = checked.iter().filter(|one| one.findings.failure.is_none());
    let services: usize = whole.map(|one| one.services.len()).sum();
    if services > 0 {
        let services = human::count(services, "service");
        let _ = writeln!(io::stderr(), "checked {services}: nothing found");
    }
}

/// The same for programs.
pub fn json(checked: &[Checked<'_>]) -> String {
    let findings: Vec<Value> = distinct(checked)
        .into_iter()
        .map(|(finding, services)| {
            let at = finding.at.as_ref();
            json!({
                "rule": finding.rule,
                "message": finding.message,
                "url": finding.url,
                "file": at.map(|at| &at.source.name),
                "line": at.map(|at| at.start.line),
                "end_line": at.map(|at| at.end.line),
                "services": services,
            })
        })
        .collect();
    let failures: Vec<Value> = checked
        .iter()
        .filter_map(|one| {
            let failure = one.findings.failure.as_ref()?;
            Some(json!({"services": one.services, "failure": failure}))
        })
        .collect();
    let value = json!({"version": SCHEMA, "findings": findings, "failures": failures});
    format!("{value:#}\n")
}

/// Every finding once, with the services that it is about: several may be built from one Dockerfile.
pub fn distinct<'a>(checked: &'a [Checked<'_>]) -> Vec<(&'a Finding, Vec<&'a str>)> {
    let mut distinct: Vec<(&Finding, Vec<&str>)> = Vec::new();
    for one in checked {
        for finding in &one.findings.found {
            match distinct.iter_mut().find(|(known, _)| *known == finding) {
                Some((_, services)) => services.extend(&one.services),
                None => distinct.push((finding, one.services.clone())),
            }
        }
    }
    distinct
}

fn diagnostic(finding: &Finding) -> Diagnostic {
    let message = human::sanitize(&finding.message);
    let mut diagnostic = Diagnostic::warning(format!("{}: {message}", finding.rule));
    if let Some(at) = &finding.at {
        diagnostic = diagnostic.at(at.clone(), "");
    }
    match &finding.url {
        Some(url) => diagnostic.help(url.clone()),
        None => diagnostic,
    }
}
