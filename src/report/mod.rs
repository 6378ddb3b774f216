//! What people see. The only room that prints.
//!
//! A run's events are folded on a thread of their own, so that a slow terminal delays the screen
//! and not the build's health checks. Progress goes to standard error, results to standard output.

mod belongings;
mod board;
mod builders;
pub mod caches;
mod check;
mod ci;
mod columns;
mod config;
mod docker;
mod doctor;
mod env;
mod failure;
pub mod history;
pub mod init;
mod plain;
mod plan;
mod screen;
mod shell;
mod show;
mod table;
pub mod timeline;
mod verify;
mod views;
mod waiting;

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::ambient::Terminal;
use crate::compose::{Node, Whence};
use crate::diagnostic::{Diagnostic, Style};
use crate::docker::detect::Machine;
use crate::failure::Failure;
use crate::plan::Plan;
use crate::process::Command;

pub use belongings::Leave;
pub use builders::builders;
pub use check::{Checked, checked, distinct, json as checked_json, nothing_found};
pub use ci::{Ci, GitHub};
pub use config::{config_json, origins_json, variables, variables_json};
pub use doctor::{Diagnosis, forewarnings};
pub use env::Secrets;
pub use plan::json as plan_json;
pub use shell::{Shell, assignments};
pub use show::{Progress, Reporting, Show};
pub use verify::{Verdict, checks_to_do, verdicts};
pub use waiting::while_waiting;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What is asked for.
    Normal,
    /// All there is.
    Verbose,
}

/// How a terminal is written to.
pub fn style(terminal: Terminal) -> Style {
    if terminal.colour {
        Style::Coloured
    } else {
        Style::Plain
    }
}

/// Tells a failure; the exit code is its class's.
pub fn failure(failure: &Failure, terminal: Terminal) -> ExitCode {
    let text = failure::render(failure, style(terminal));
    let _ = io::stderr().write_all(text.as_bytes());
    ExitCode::from(failure.class.exit_code())
}

/// How many diagnostics are told of one thing: nobody reads more, and every one takes a search for its
/// place.
const TOLD: usize = 50;

/// Tells warnings and notes.
pub fn diagnostics(diagnostics: &[Diagnostic], terminal: Terminal) {
    for diagnostic in told(diagnostics).iter() {
        let _ = writeln!(io::stderr(), "{}", diagnostic.render(style(terminal)));
    }
}

/// The first of many diagnostics, and how many more there are.
pub fn told(diagnostics: &[Diagnostic]) -> Cow<'_, [Diagnostic]> {
    match diagnostics.get(..TOLD) {
        Some(first) if diagnostics.len() > TOLD => {
            let more = diagnostics.len() - TOLD;
            let mut told = first.to_vec();
            told.push(Diagnostic::note(format!("{more} more are not shown")));
            Cow::Owned(told)
        }
        _ => Cow::Borrowed(diagnostics),
    }
}

/// Prints a plan for people, with the full picture of Docker where there is one.
///
/// # Errors
/// When standard output cannot be written.
pub fn plan(
    plan: &Plan,
    machine: Option<&Machine>,
    detail: Detail,
    terminal: Terminal,
) -> io::Result<()> {
    result(&plan::text(plan, machine, detail, style(terminal)))
}

/// Prints a result as it is. A reader that has seen enough (`| head`) is no error.
///
/// # Errors
/// When standard output cannot be written.
pub fn result(text: &str) -> io::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Tells something that is no result, as it is.
pub fn note(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Every value of a resolved project with its place, for people.
pub fn origins(tree: &Node, terminal: Terminal) -> String {
    config::origins_text(tree, style(terminal))
}

/// Prints where a variable gets its values.
///
/// # Errors
/// When standard output cannot be written.
pub fn env(
    name: &str,
    whence: &Whence<'_>,
    secrets: Secrets,
    terminal: Terminal,
) -> io::Result<()> {
    result(&env::text(name, whence, secrets, style(terminal)))
}

/// Writes a result into a file, whole or not at all.
///
/// # Errors
/// When the file or its directory cannot be written.
pub fn file(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // What a plain `>` would give: the umask takes its part of this.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.prefix(".dcb-").tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Asks a question on standard error; whether the answer on standard input is yes.
///
/// # Errors
/// When either cannot be used.
pub fn ask(question: &str) -> io::Result<bool> {
    io::stderr().write_all(format!("{question} [y/N] ").as_bytes())?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

/// Shows a command before it is run.
pub fn command(command: &Command) {
    let _ = writeln!(io::stderr(), "+ {command}");
}

/// Shows a command instead of running it.
///
/// # Errors
/// When standard output cannot be written.
pub fn command_only(command: &Command) -> io::Result<()> {
    result(&format!("\nthen run: {command}\n"))
}
