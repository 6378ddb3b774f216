//! What CI systems want to be told beside the lines: folded logs, annotations, a summary of the job.
//!
//! GitHub: <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>.
//! GitLab: <https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections>.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::screen::Screen;
use crate::diagnostic::{Diagnostic, Severity, Style};
use crate::event::{Event, JobId, Outcome, Record};
use crate::human;
use crate::progress::{Job, Run};

/// A CI system that folds logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ci {
    /// GitHub Actions, and what speaks its commands.
    GitHub,
    /// GitLab CI.
    GitLab,
}

/// The most bytes of a service's log that wait to be folded. What comes before is left out of the fold.
const HELD: usize = 4 << 20;

/// Lines to a CI system: those of steps as they come, those of logs in one fold per service when it is
/// done. Services build side by side, and folds cannot lie in each other.
pub(super) struct Folded<W: Write> {
    to: W,
    ci: Ci,
    held: HashMap<JobId, Held>,
}

/// The log of a service that is not done.
#[derive(Default)]
struct Held {
    lines: VecDeque<String>,
    bytes: usize,
    dropped: usize,
}

impl<W: Write> Folded<W> {
    pub(super) fn new(to: W, ci: Ci) -> Self {
        Self {
            to,
            ci,
            held: HashMap::new(),
        }
    }

    /// Holds lines of logs, and writes them when their job is done.
    pub(super) fn take(&mut self, run: &Run, record: &Record) {
        match &record.event {
            Event::Log { job, line, .. } => self.hold(*job, human::sanitize(line)),
            Event::JobFinished { job, .. } => {
                if let (Some(held), Some(job)) = (self.held.remove(job), run.job(*job)) {
                    self.fold(run, job, &held);
                }
            }
            _ => {}
        }
    }

    fn hold(&mut self, job: JobId, line: String) {
        let held = self.held.entry(job).or_default();
        held.bytes += line.len() + 1;
        held.lines.push_back(line);
        while held.bytes > HELD
            && let Some(line) = held.lines.pop_front()
        {
            held.bytes -= line.len() + 1;
            held.dropped += 1;
        }
    }

    fn fold(&mut self, run: &Run, job: &Job, held: &Held) {
        let title = format!(
            "{}: its log, {}",
            job.name(),
            human::count(held.lines.len(), "line")
        );
        let (open, close) = match self.ci {
            Ci::GitHub => (format!("::group::{title}"), "::endgroup::".to_owned()),
            Ci::GitLab => {
                let date = run.opening.as_ref().map_or(0, |opening| opening.began);
                let seconds = (date + run.now) / 1000;
                let name = section(job.name());
                (
                    format!(
                        "\x1b[0Ksection_start:{seconds}:{name}[collapsed=true]\r\x1b[0K{title}"
                    ),
                    format!("\x1b[0Ksection_end:{seconds}:{name}\r\x1b[0K"),
                )
            }
        };
        let mut text = open + "\n";
        if held.dropped > 0 {
            let before = human::count(held.dropped, "line");
            let _ = writeln!(text, "({before} before these are not shown)");
        }
        for line in &held.lines {
            // A command's own output must not command the CI system.
            let shown = if line.starts_with("::") {
                format!(" {line}")
            } else {
                line.clone()
            };
            let _ = writeln!(text, "{shown}");
        }
        let _ = writeln!(self.to, "{text}{close}");
    }
}

impl<W: Write> Screen for Folded<W> {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.to, "{text}");
    }
}

/// A name that GitLab takes for a section.
fn section(service: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("dcb_{}", service.chars().map(plain).collect::<String>())
}

/// Where GitHub shows things.
#[derive(Debug, Clone)]
pub struct GitHub {
    /// The current directory below the repository's, which annotations start from.
    pub directory: PathBuf,
    /// The file that takes the job's summary.
    pub summary: Option<PathBuf>,
}

/// The commands that make GitHub mark the places of failures and warnings.
pub(super) fn annotations(run: &Run, github: &GitHub) -> String {
    let mut text = String::new();
    for note in &run.notes {
        annotate(&mut text, note, "dcb", github);
    }
    for job in &run.jobs {
        for warning in &job.warnings {
            let Some(line) = warning.line else { continue };
            let file = github.directory.join(&job.way.dockerfile);
            command(
                &mut text,
                "warning",
                &file,
                line,
                job.name(),
                &warning.message,
            );
        }
        if let Some(Outcome::Failed(failure)) = job.outcome() {
            for diagnostic in &failure.diagnostics {
                annotate(&mut text, diagnostic, job.name(), github);
            }
        }
    }
    text
}

fn annotate(text: &mut String, diagnostic: &Diagnostic, title: &str, github: &GitHub) {
    let Some((span, _)) = &diagnostic.primary else {
        return;
    };
    let level = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut message = diagnostic.message.clone();
    for help in &diagnostic.help {
        let _ = write!(message, "\n{help}");
    }
    let file = github.directory.join(&span.source.name);
    command(text, level, &file, span.start.line, title, &message);
}

fn command(text: &mut String, level: &str, file: &Path, line: usize, title: &str, message: &str) {
    let data = |text: &str| {
        text.replace('%', "%25")
            .replace('\r', "%0D")
            .replace('\n', "%0A")
    };
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let file = property(&file.display().to_string());
    let (title, message) = (property(title), data(message));
    let _ = writeln!(
        text,
        "::{level} file={file},line={line},title={title}::{message}"
    );
}

/// The run in Markdown, for the summary of a job.
pub(super) fn summary(run: &Run) -> String {
    let mut text = String::from(
        "### dcb\n\n| service | outcome | time | steps cached | image |\n|---|---|--:|--:|---|\n",
    );
    for job in &run.jobs {
        let (outcome, image) = match job.outcome() {
            None => ("not begun", String::new()),
            Some(Outcome::Built { image, .. }) => (
                "✅ built",
                image.as_deref().map_or_else(String::new, |image| {
                    format!("`{}`", super::table::short(image))
                }),
            ),
            Some(Outcome::Failed(failure)) => ("❌ failed", failure.class.id().to_owned()),
            Some(Outcome::Skipped { .. }) => ("⏭ skipped", String::new()),
            Some(Outcome::Stopped) => ("⏹ stopped", String::new()),
        };
        let counts = job.counts();
        let took = job.took().unwrap_or_default();
        let _ = writeln!(
            text,
            "| {} | {outcome} | {} | {}/{} | {image} |",
            job.planned.services.join(", "),
            human::duration(Duration::from_millis(took)),
            counts.cached,
            counts.total,
        );
    }
    for job in &run.jobs {
        if let Some(Outcome::Failed(failure)) = job.outcome() {
            let told = super::failure::render(failure, Style::Plain);
            let _ = write!(text, "\n**{}**\n\n{}\n", job.name(), fenced(&told));
        }
    }
    text
}

/// `text` as a block of code that nothing in it ends.
fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{}\n{fence}\n", text.trim_end())
}
