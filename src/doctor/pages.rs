//! The page of each check; `docs/checks.md` is all of them.

use super::{Check, GROUPS};
use crate::diagnostic::Severity;

/// How grave something is, in a word.
fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// The page of `check` as Markdown.
pub fn page(check: &Check) -> String {
    let early = if check.early {
        " It is also told before `build` and `up`, where they know it."
    } else {
        ""
    };
    let worst = word(check.worst);
    let article = if worst == "error" { "an" } else { "a" };
    format!(
        "### {}\n\n*All is well when {}.* {} At worst {article} {worst}.{early}\n\n**What to do:** {}\n",
        check.id, check.title, check.about, check.mend
    )
}

/// All pages as Markdown.
pub fn all() -> String {
    let mut text = "# Checks\n\n\
        What `dcb doctor` looks at ([doctor.md](doctor.md)). Every check has a stable id;\n\
        `dcb doctor ID --explain` shows its page. This file is made from the checks themselves.\n\n\
        An *error* stops the build of the project, a *warning* degrades it or what follows, a *note* is good to know\n\
        and shown with `-v` only.\n"
        .to_owned();
    for group in &GROUPS {
        text.push_str(&format!("\n## {}\n", group.name));
        for check in group.checks {
            text.push_str(&format!("\n{}", page(check)));
        }
    }
    text
}
