//! What services were verified by, and how that went: a table.

use std::time::Duration;

use super::columns::{self, Side, columns};
use crate::human;

/// What one check came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The service.
    pub service: String,
    /// What was checked, in a few words.
    pub check: String,
    /// What shows that it works, or that it does not.
    pub outcome: Result<String, String>,
    /// How long it took.
    pub took: Duration,
}

/// The table of what came of the checks.
pub fn verdicts(verdicts: &[Verdict]) -> String {
    let heads = ["SERVICE", "CHECK", "OUTCOME", "TIME", "EVIDENCE"].map(str::to_owned);
    let rows = verdicts.iter().map(|verdict| {
        let (outcome, evidence) = match &verdict.outcome {
            Ok(evidence) => ("works", evidence),
            Err(evidence) => ("FAILS", evidence),
        };
        [
            verdict.service.clone(),
            verdict.check.clone(),
            outcome.to_owned(),
            human::duration(verdict.took),
            evidence.clone(),
        ]
    });
    let rows: Vec<[String; 5]> = std::iter::once(heads).chain(rows).collect();
    let sides = [Side::Left, Side::Left, Side::Left, Side::Right, Side::Left];
    columns(&rows, sides, columns::plain)
}

/// The table of what is to be checked, by service.
pub fn checks_to_do<'a>(checks: impl Iterator<Item = (&'a str, String)>) -> String {
    let heads = ["SERVICE", "CHECK"].map(str::to_owned);
    let rows = checks.map(|(service, check)| [service.to_owned(), check]);
    let rows: Vec<[String; 2]> = std::iter::once(heads).chain(rows).collect();
    columns(&rows, [Side::Left; 2], columns::plain)
}
