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
        let nobody = || {
            Failure::new(
                Class::Usage,
                format!("{question} nobody is there to answer"),
            )
            .hint(format!("say so beforehand: {} --yes", self.command_line()))
        };
        if !self.ambient.stdin_is_terminal || self.ambient.stderr.columns.is_none() {
            return Err(nobody());
        }
        match report::ask(question) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Failure::new(Class::Usage, "nothing was changed")),
            Err(_) => Err(nobody()),
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
