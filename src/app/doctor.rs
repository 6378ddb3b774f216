//! `dcb doctor`: look at everything, let the checks decide, and tell; and what of that is told before a
//! build.

mod contexts;
mod deep;
mod early;
mod fix;
mod lint;
mod sight;

use std::process::ExitCode;

use anyhow::Context;

use super::{App, UNWRITTEN};
use crate::cli::{Doctor, DoctorFormat};
use crate::doctor::{self, Check, Selection, Verdict};
use crate::failure::{Class, Failure};
use crate::report::{self, Diagnosis};
use sight::Sight;

/// The exit code where something is wrong.
const NOT_READY: u8 = 8;

impl App<'_> {
    /// `dcb doctor`. `broken` is why the docker configuration cannot be read, when it cannot.
    pub(super) async fn doctor(
        &self,
        asked: &Doctor,
        broken: Option<Failure>,
    ) -> anyhow::Result<ExitCode> {
        if asked.explain {
            let pages = pages(&asked.checks)?;
            report::result(&pages).context(UNWRITTEN)?;
            return Ok(ExitCode::SUCCESS);
        }
        let selection = Selection::new(&asked.only, &asked.skip)
            .map_err(|(word, near)| unknown(&word, near))?;
        let mut sight = self.examined(broken.clone(), &selection).await;
        if asked.fix && self.mend(asked, &sight, &selection).await? {
            sight = self.examined(broken, &selection).await;
        }
        if asked.deep {
            if selection.takes("dockerfiles") {
                sight.lint().await;
            }
            if selection.takes("builder") {
                let trials = sight.try_builders(self);
                self.waiting("building something small", trials).await;
            }
        }
        let seen = sight.seen(self.ambient);
        let ran = doctor::examine(&seen, &selection, sight.ignored());
        let verdict = Verdict::of(&seen, &ran);
        let diagnosis = Diagnosis {
            seen: &seen,
            ran: &ran,
            verdict: &verdict,
        };
        let text = match asked.format() {
            DoctorFormat::Text => diagnosis.text(self.detail(), self.ambient.stdout),
            DoctorFormat::Json => diagnosis.json(),
            DoctorFormat::Markdown => diagnosis.markdown(),
        };
        report::result(&text).context(UNWRITTEN)?;
        let ready = verdict.ready && (verdict.warnings == 0 || !asked.strict);
        Ok(if ready {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(NOT_READY)
        })
    }
}

impl App<'_> {
    async fn examined(&self, broken: Option<Failure>, selection: &Selection) -> Sight {
        let sight = Box::pin(Sight::look(self, broken, selection));
        self.waiting(
            "looking at the engine, the project and its registries",
            sight,
        )
        .await
    }

    /// Mends what can be mended, one by one; whether anything was touched.
    async fn mend(
        &self,
        asked: &Doctor,
        sight: &Sight,
        selection: &Selection,
    ) -> anyhow::Result<bool> {
        let ran = doctor::examine(&sight.seen(self.ambient), selection, sight.ignored());
        let mends = fix::mends(&ran, selection);
        if mends.is_empty() {
            report::result("there is nothing that dcb can mend by itself\n\n")
                .context(UNWRITTEN)?;
        }
        let mut touched = false;
        for mend in mends {
            let id = mend.check.id;
            let told = match mend.shown() {
                Ok(shown) => {
                    report::result(&format!("{id}: {shown}")).context(UNWRITTEN)?;
                    if asked.dry_run {
                        "not done: --dry-run".to_owned()
                    } else if !asked.yes && !self.agree("mend it?").await {
                        "not done: nobody agreed (--yes does)".to_owned()
                    } else {
                        touched = true;
                        match sight.mend(&mend).await {
                            Ok(told) => format!("done{told}"),
                            Err(why) => format!("not done: {why}"),
                        }
                    }
                }
                Err(why) => format!("{id}: not done: {why}"),
            };
            report::result(&format!("{told}\n\n")).context(UNWRITTEN)?;
        }
        Ok(touched)
    }

    /// Whether the user says yes; nobody does where there is no terminal.
    async fn agree(&self, question: &str) -> bool {
        if !self.ambient.stdin_is_terminal {
            return false;
        }
        let question = question.to_owned();
        let answer = tokio::task::spawn_blocking(move || report::ask(&question)).await;
        matches!(answer, Ok(Ok(true)))
    }
}

/// The pages of the checks with these ids; all when there is none.
fn pages(ids: &[String]) -> Result<String, Failure> {
    if ids.is_empty() {
        return Ok(doctor::pages());
    }
    let pages = ids.iter().map(|id| {
        let near = || Selection::new(std::slice::from_ref(id), &[]).err();
        doctor::check(id)
            .map(doctor::page)
            .ok_or_else(|| unknown(id, near().and_then(|(_, near)| near)))
    });
    Ok(pages.collect::<Result<Vec<_>, _>>()?.join("\n"))
}

fn unknown(word: &str, near: Option<&str>) -> Failure {
    let failure = Failure::new(Class::Usage, format!("there is no check `{word}`"));
    match near {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => {
            let ids: Vec<&str> = doctor::checks().map(|check: &Check| check.id).collect();
            failure.hint(format!("there are {}", ids.join(", ")))
        }
    }
}
