//! Asking before something is removed.

use super::App;
use crate::failure::{Class, Failure};
use crate::process;
use crate::report;

impl App<'_> {
    /// Goes on when the user agrees, or did so beforehand.
    ///
    /// # Errors
    /// When the answer is no, or nobody is there to answer; with the command that needs no answer.
    pub(super) fn agreed(&self, beforehand: bool, question: &str) -> Result<(), Failure> {
        if beforehand {
            return Ok(());
        }
        let unasked = format!("{question} nobody is there to answer");
        self.asked(true, question, &unasked, "nothing was changed")
    }

    /// Asks, unless it `may` not; fails with `unasked` where nobody answers, with `declined` after a no.
    pub(super) fn asked(
        &self,
        may: bool,
        question: &str,
        unasked: &str,
        declined: &str,
    ) -> Result<(), Failure> {
        let is_there = self.ambient.stdin_is_terminal && self.ambient.stderr.columns.is_some();
        let answer = (may && is_there).then(|| report::ask(question));
        match answer {
            Some(Ok(true)) => Ok(()),
            Some(Ok(false)) => Err(Failure::new(Class::Usage, declined)),
            Some(Err(_)) | None => Err(Failure::new(Class::Usage, unasked)
                .hint(format!("say so beforehand: {} --yes", self.command_line()))),
        }
    }

    /// The command line of this run.
    fn command_line(&self) -> String {
        let arguments = self.ambient.arguments.iter().skip(1);
        let words = arguments.map(|word| process::quote(word));
        std::iter::once("dcb".to_owned())
            .chain(words)
            .collect::<Vec<_>>()
            .join(" ")
    }
}
