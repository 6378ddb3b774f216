//! Taking secret values out of what is told: a command may print what it was given.

use super::{Event, Outcome, Record, StepState};
use crate::failure::Failure;
use crate::secret::Redactor;

impl Record {
    /// Masks what `redactor` knows wherever somebody else's words are told.
    pub fn redact(&mut self, redactor: &Redactor) {
        if redactor.is_empty() {
            return;
        }
        match &mut self.event {
            Event::Log { line, .. } => redactor.clean(line),
            Event::ProgramStarted { command, .. } => redactor.clean(command),
            Event::Warning { message, .. } => redactor.clean(message),
            Event::Step { name, state, .. } => {
                redactor.clean(name);
                if let StepState::Failed { error, .. } = state {
                    redactor.clean(error);
                }
            }
            Event::FellBack { because, .. } => failure(because, redactor),
            Event::JobFinished {
                outcome: Outcome::Failed(why),
                ..
            } => failure(why, redactor),
            Event::Note { diagnostic } => diagnostic.each_text(&|text| redactor.clean(text)),
            _ => {}
        }
    }
}

fn failure(failure: &mut Failure, redactor: &Redactor) {
    redactor.clean(&mut failure.message);
    for hint in &mut failure.hints {
        redactor.clean(hint);
    }
    for diagnostic in &mut failure.diagnostics {
        diagnostic.each_text(&|text| redactor.clean(text));
    }
}
