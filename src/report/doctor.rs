//! A diagnosis: as text for people, as JSON for programs (`docs/doctor.md` describes the schema), and
//! as Markdown for bug reports.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use console::Style as Paint;
use serde_json::{Value, json};

use super::{Detail, docker, style};
use crate::ambient::Terminal;
use crate::diagnostic::{Diagnostic, Severity, Style};
use crate::doctor::{Check, Finding, GROUPS, Outcome, Ran, Seen, Verdict};
use crate::secret;

/// The version of the JSON schema. It grows by one when a field changes its meaning or goes.
const SCHEMA: u32 = 1;

/// What there is to tell.
#[derive(Debug, Clone, Copy)]
pub struct Diagnosis<'a> {
    /// What was seen.
    pub seen: &'a Seen<'a>,
    /// What came of the checks.
    pub ran: &'a [Ran],
    /// What it amounts to.
    pub verdict: &'a Verdict,
}

/// How grave something is, in a word.
fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn paint(severity: Severity, style: Style) -> Paint {
    let paint = match severity {
        Severity::Error => Paint::new().red(),
        Severity::Warning => Paint::new().yellow(),
        Severity::Note => Paint::new().cyan(),
    };
    paint.bold().force_styling(style == Style::Coloured)
}

impl Diagnosis<'_> {
    /// The text for people: problems by group, then the verdict. A healthy machine gets the verdict
    /// alone.
    pub fn text(&self, detail: Detail, terminal: Terminal) -> String {
        let style = style(terminal);
        let verbose = detail == Detail::Verbose;
        let bold = Paint::new().bold().force_styling(style == Style::Coloured);
        let mut text = String::new();
        if verbose && let Some(machine) = self.seen.machine {
            for (name, value) in docker::rows(machine) {
                let _ = writeln!(text, "{name:10}  {}", secret::without_passwords(&value));
            }
            text.push('\n');
        }
        for group in &GROUPS {
            let of_group = self.ran.iter().filter(|ran| ran.group == group.name);
            let section = if verbose {
                every(of_group, style)
            } else {
                gravest_first(of_group, style)
            };
            if !section.is_empty() {
                let _ = writeln!(text, "{}\n{section}", bold.apply_to(group.name));
            }
        }
        if verbose {
            let looked = self.seen.took.iter();
            let looked = looked.map(|looked| format!("{} {}", looked.what, short(looked.took)));
            let looked: Vec<String> = looked.collect();
            let _ = writeln!(text, "looked at: {}", looked.join(", "));
        }
        let _ = writeln!(text, "{}", self.verdict.text);
        text
    }

    /// The same as JSON.
    pub fn json(&self) -> String {
        let verdict = self.verdict;
        let took = self.seen.took.iter();
        let value = json!({
            "version": SCHEMA,
            "dcb": env!("CARGO_PKG_VERSION"),
            "verdict": {
                "ready": verdict.ready,
                "text": verdict.text,
                "errors": verdict.errors,
                "warnings": verdict.warnings,
                "notes": verdict.notes,
            },
            "checks": self.ran.iter().map(check_json).collect::<Vec<_>>(),
            "looked": took.map(|it| json!({"what": it.what, "ms": millis(it.took)})).collect::<Vec<_>>(),
        });
        format!("{value:#}\n")
    }

    /// The same for a bug report: what was found and what the machine is, with nothing secret in it.
    pub fn markdown(&self) -> String {
        let home = self.seen.ambient.home.as_deref();
        let cell = |text: &str| public(text, home).replace('|', r"\|").replace('\n', " ");
        let mut text = format!(
            "### dcb doctor\n\n**{}** (dcb {})\n",
            public(&self.verdict.text, home),
            env!("CARGO_PKG_VERSION")
        );
        let findings: Vec<(&Check, &Finding)> = self
            .ran
            .iter()
            .flat_map(|ran| {
                ran.findings()
                    .iter()
                    .map(move |finding| (ran.check, finding))
            })
            .collect();
        if !findings.is_empty() {
            text.push_str("\n| Check | | Seen | Remedy |\n|---|---|---|---|\n");
        }
        for (check, finding) in findings {
            let place = finding.place.as_ref().map(|place| format!(" ({place})"));
            let seen = format!("{}{}", finding.evidence, place.unwrap_or_default());
            let remedy = finding
                .remedy
                .first()
                .map(String::as_str)
                .unwrap_or_default();
            let severity = word(finding.severity);
            let _ = writeln!(
                text,
                "| {} | {severity} | {} | {} |",
                check.id,
                cell(&seen),
                cell(remedy)
            );
        }
        let skipped: Vec<String> = self
            .ran
            .iter()
            .filter_map(|ran| match &ran.outcome {
                Outcome::Skipped(why) => Some(format!("{} ({})", ran.check.id, cell(why))),
                Outcome::Ignored(_, why) => {
                    Some(format!("{} (left alone: {})", ran.check.id, cell(why)))
                }
                _ => None,
            })
            .collect();
        if !skipped.is_empty() {
            let _ = writeln!(text, "\nSkipped: {}", skipped.join(", "));
        }
        if let Some(machine) = self.seen.machine {
            text.push_str("\n| Machine | |\n|---|---|\n");
            for (name, value) in docker::rows(machine) {
                let _ = writeln!(text, "| {name} | {} |", cell(&value));
            }
        }
        text
    }
}

/// Text without passwords, and without where this user is at home.
fn public(text: &str, home: Option<&Path>) -> String {
    let text = secret::without_passwords(text);
    match home.and_then(Path::to_str).filter(|home| home.len() > 1) {
        Some(home) => text.replace(home, "~"),
        None => text,
    }
}

/// Every check in a line, with all that it found.
fn every<'a>(all: impl Iterator<Item = &'a Ran>, style: Style) -> String {
    let mut text = String::new();
    for ran in all {
        let _ = writeln!(text, "{}", line(ran));
        for finding in ran.findings() {
            text.push_str(&told(ran.check, finding, style));
        }
    }
    text
}

/// Errors, then warnings.
fn gravest_first<'a>(all: impl Iterator<Item = &'a Ran>, style: Style) -> String {
    let mut found: Vec<(&Check, &Finding)> = all
        .flat_map(|ran| ran.findings().iter().map(move |it| (ran.check, it)))
        .filter(|(_, finding)| finding.severity >= Severity::Warning)
        .collect();
    found.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.severity));
    let told = found
        .into_iter()
        .map(|(check, finding)| told(check, finding, style));
    told.collect()
}

/// A check in a line.
fn line(ran: &Ran) -> String {
    let (id, title) = (ran.check.id, ran.check.title);
    let status = status(ran);
    match &ran.outcome {
        Outcome::Passed | Outcome::Found(_) => {
            format!("  {status:8} {id}  {title} ({})", short(ran.took))
        }
        Outcome::Skipped(why) | Outcome::Ignored(_, why) => {
            format!("  {status:8} {id}  {title}: {why}")
        }
    }
}

/// What came of a check, in a word.
fn status(ran: &Ran) -> &'static str {
    match &ran.outcome {
        Outcome::Passed => "ok",
        Outcome::Found(findings) => {
            let worst = findings.iter().map(|finding| finding.severity).max();
            worst.map_or("ok", word)
        }
        Outcome::Skipped(_) => "skipped",
        Outcome::Ignored(..) => "ignored",
    }
}

/// A finding, for people.
fn told(check: &Check, finding: &Finding, style: Style) -> String {
    let bold = Paint::new().bold().force_styling(style == Style::Coloured);
    let severity = word(finding.severity);
    let heading = paint(finding.severity, style).apply_to(format!("{severity}[{}]", check.id));
    let evidence = secret::without_passwords(&finding.evidence);
    let mut text = format!("  {heading}{}\n", bold.apply_to(format!(": {evidence}")));
    if let Some(place) = &finding.place {
        let _ = writeln!(text, "    --> {place}");
    }
    if !finding.consequence.is_empty() {
        let _ = writeln!(text, "    = so: {}", finding.consequence);
    }
    let command = format!("dcb doctor --fix --only {}", check.id);
    let is_said = finding.remedy.iter().any(|it| it.contains(&command));
    let by_itself = finding.fix.is_some() && !is_said;
    let by_itself = by_itself.then(|| format!("or let dcb do it: {command}"));
    for remedy in finding.remedy.iter().chain(&by_itself) {
        let _ = writeln!(text, "    = help: {}", secret::without_passwords(remedy));
    }
    text
}

fn check_json(ran: &Ran) -> Value {
    let (findings, why) = match &ran.outcome {
        Outcome::Passed => (&[] as &[Finding], None),
        Outcome::Found(findings) => (findings.as_slice(), None),
        Outcome::Skipped(why) => (&[] as &[Finding], Some(why)),
        Outcome::Ignored(findings, why) => (findings.as_slice(), Some(why)),
    };
    json!({
        "id": ran.check.id,
        "group": ran.group,
        "title": ran.check.title,
        "status": status(ran),
        "why": why,
        "ms": millis(ran.took),
        "page": format!("docs/checks.md#{}", ran.check.id.to_lowercase()),
        "findings": findings.iter().map(finding_json).collect::<Vec<_>>(),
    })
}

fn finding_json(finding: &Finding) -> Value {
    let place = finding.place.as_ref().map(|place| {
        json!({"file": place.source.name, "line": place.start.line, "column": place.start.column})
    });
    let remedy = finding
        .remedy
        .iter()
        .map(|remedy| secret::without_passwords(remedy));
    json!({
        "severity": word(finding.severity),
        "evidence": secret::without_passwords(&finding.evidence),
        "consequence": finding.consequence,
        "remedy": remedy.collect::<Vec<_>>(),
        "place": place,
        "fix": finding.fix.is_some(),
    })
}

/// Milliseconds, to the microsecond.
fn millis(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e6).round() / 1e3
}

fn short(took: Duration) -> String {
    if took < Duration::from_millis(10) {
        format!("{:.2}ms", took.as_secs_f64() * 1e3)
    } else {
        crate::human::duration(took)
    }
}

/// What is said before a build: diagnostics that name their check.
pub fn forewarnings(said: &[(&Check, Finding)]) -> Vec<Diagnostic> {
    said.iter()
        .map(|(check, finding)| {
            let message = secret::without_passwords(&finding.evidence);
            let mut diagnostic = match finding.severity {
                Severity::Error => Diagnostic::error(message),
                Severity::Warning => Diagnostic::warning(message),
                Severity::Note => Diagnostic::note(message),
            };
            if let Some(place) = &finding.place {
                diagnostic = diagnostic.at(place.clone(), "");
            }
            if !finding.consequence.is_empty() {
                diagnostic = diagnostic.help(format!("else {}", finding.consequence));
            }
            diagnostic
                .help
                .extend(finding.remedy.iter().take(1).cloned());
            diagnostic.help(format!("why: dcb doctor {} --explain", check.id))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_and_no_home_is_public() {
        let home = Some(Path::new("/home/me"));
        assert_eq!(
            public("http://user:word@proxy:3128 at /home/me/.docker", home),
            "http://user:***@proxy:3128 at ~/.docker"
        );
        assert_eq!(public("/root", Some(Path::new("/"))), "/root");
    }
}
