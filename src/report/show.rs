//! A run from its events to every place that is told of them: the fold, the view, the CI system.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;

use super::ci::{self, Ci, Folded, GitHub};
use super::plain::Telling;
use super::table::{self, Logs};
use super::views::{Board, FoldedLines, Json, Lines, Silence, View};
use super::{Detail, style};
use crate::ambient::Terminal;
use crate::diagnostic::Diagnostic;
use crate::event::{Clock, Event, Events, JobId, Record, StepId};
use crate::journal::{Journal, RunId, Writer};
use crate::progress::Run;
use crate::secret::Redactor;

/// How often a report looks at the clock when nothing happens, in milliseconds.
const TICK: u64 = 100;
/// Events that wait to be told.
const QUEUE: usize = 4096;
/// The most bytes of a step's log that are told and kept. The engine's BuildKit itself stops at 2 MiB.
const LONGEST_LOG: usize = 16 << 20;

/// How the progress of a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A picture of the run that is drawn again and again.
    Tty,
    /// Lines.
    Plain,
    /// The events themselves, on standard output.
    Json,
    /// Nothing but failures.
    Quiet,
}

/// How a run is shown.
#[derive(Debug, Clone)]
pub struct Show {
    /// The kind of progress.
    pub progress: Progress,
    /// How much of it.
    pub detail: Detail,
    /// What standard error is.
    pub terminal: Terminal,
    /// The CI system it runs in, when that folds logs.
    pub ci: Option<Ci>,
    /// Where GitHub wants to be told more, when it runs there.
    pub github: Option<GitHub>,
    /// How long the run is expected to take, in milliseconds.
    pub estimate: Option<u64>,
    /// Where it is kept, when that is known.
    pub journal: Option<Journal>,
    /// What must not be shown or kept, whoever says it.
    pub redactor: Redactor,
}

/// A report of a run, on its thread.
pub struct Reporting(JoinHandle<()>);

impl Reporting {
    /// Begins to report a run. What happens is to be told to the events.
    pub fn start(show: Show) -> (Self, Events) {
        let (events, received) = Events::channel(QUEUE);
        let clock = events.clock();
        let thread = std::thread::spawn(move || Hub::new(&show, clock).follow(received));
        (Self(thread), events)
    }

    /// Waits until everything is told. All senders of events must be gone.
    pub fn end(self) {
        let _ = self.0.join();
    }
}

/// Everything that is told of a run.
struct Hub<'a> {
    run: Run,
    view: Box<dyn View>,
    show: &'a Show,
    clock: Clock,
    journal: Option<Writer>,
    /// Why the run is not kept.
    trouble: Option<io::Error>,
    /// Bytes of each log so far.
    logged: HashMap<(JobId, StepId), usize>,
}

impl<'a> Hub<'a> {
    fn new(show: &'a Show, clock: Clock) -> Self {
        let journal = show.journal.clone().map(Writer::begin).transpose();
        let (journal, trouble) = match journal {
            Ok(journal) => (journal, None),
            Err(trouble) => (None, Some(trouble)),
        };
        Self {
            run: Run::default(),
            view: show.view(),
            show,
            clock,
            journal,
            trouble,
            logged: HashMap::new(),
        }
    }

    /// Tells what is `received`, to its end.
    fn follow(mut self, mut received: Receiver<Record>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        match runtime {
            Ok(runtime) => runtime.block_on(self.with_clock(&mut received)),
            // Without a clock there is still every event to tell.
            Err(_) => {
                while let Some(record) = received.blocking_recv() {
                    self.hear(record);
                }
            }
        }
        self.end();
    }

    async fn with_clock(&mut self, received: &mut Receiver<Record>) {
        let pause = Duration::from_millis(TICK);
        let mut due = TICK;
        let mut waiting = Vec::new();
        loop {
            let hearing = received.recv_many(&mut waiting, QUEUE);
            if let Ok(0) = tokio::time::timeout(pause, hearing).await {
                break;
            }
            for record in waiting.drain(..) {
                self.hear(record);
            }
            // By the clock and not by the events: a slow terminal gets fewer pictures, each of them new.
            let now = self.clock.now();
            if now >= due {
                // What happened before is heard before: told again, the run comes out the same.
                while let Ok(record) = received.try_recv() {
                    let later = record.at > now;
                    self.hear(record);
                    if later {
                        break;
                    }
                }
                self.tick(now);
                due = self.clock.now() + TICK;
            }
        }
    }

    /// Takes what was sent: without secrets, and without what makes a log endless.
    fn hear(&mut self, mut record: Record) {
        record.redact(&self.show.redactor);
        if let Event::Log { job, step, line } = &record.event {
            let (job, step) = (*job, *step);
            let logged = self.logged.entry((job, step)).or_default();
            let before = *logged;
            *logged = before.saturating_add(line.len() + 1);
            match (before > LONGEST_LOG, *logged > LONGEST_LOG) {
                (true, _) => return,
                (false, true) => record.event = Event::LogCut { job, step },
                (false, false) => {}
            }
        }
        self.take(&record);
    }

    fn take(&mut self, record: &Record) {
        self.run.take(record);
        if let Some(journal) = &mut self.journal {
            journal.take(record);
        }
        self.view.take(&self.run, record);
    }

    fn tick(&mut self, now: u64) {
        for (job, step, since) in self.run.overdue(now) {
            let event = Event::StepGoesOn { job, step, since };
            self.take(&Record { at: now, event });
        }
        self.view.tick(&self.run, now);
        if let Some(journal) = &mut self.journal {
            journal.flush();
        }
    }

    fn end(mut self) {
        self.view.end(&self.run);
        // A run that never began has nothing to sum up.
        if self.run.opening.is_none() {
            return;
        }
        let number = self.journal.as_ref().map(Writer::run);
        if let Some(Err(trouble)) = self.journal.take().map(|journal| journal.end(&self.run)) {
            self.trouble = Some(trouble);
        }
        if let Some(text) = self.show.closing(&self.run, number) {
            let _ = io::stderr().write_all(text.as_bytes());
        }
        if let Some(trouble) = &self.trouble
            && self.show.progress != Progress::Quiet
        {
            let warning = Diagnostic::warning(format!("this run is not kept: {trouble}"));
            let warning =
                warning.help("`dcb history` keeps runs below $XDG_STATE_HOME, else ~/.local/state");
            super::diagnostics(&[warning], self.show.terminal);
        }
        if let Some(path) = self.show.github.as_ref().and_then(|it| it.summary.as_ref()) {
            let file = OpenOptions::new().create(true).append(true).open(path);
            // The summary is an extra: the build does not depend on it.
            let _ = file.and_then(|mut file| file.write_all(ci::summary(&self.run).as_bytes()));
        }
    }
}

impl Show {
    fn view(&self) -> Box<dyn View> {
        let style = style(self.terminal);
        let verbose = self.detail == Detail::Verbose;
        match (self.progress, self.ci) {
            (Progress::Quiet, _) => Box::new(Silence),
            (Progress::Json, _) => Box::new(Json::new(io::stdout())),
            (Progress::Tty, _) => {
                let telling = if verbose {
                    Telling::Everything
                } else {
                    Telling::Surprises
                };
                Box::new(Board::new(self.terminal, self.estimate, telling))
            }
            (Progress::Plain, Some(ci)) => {
                let to = Folded::new(io::stderr(), ci);
                Box::new(FoldedLines::new(to, style, Telling::Steps))
            }
            (Progress::Plain, None) => {
                let telling = if verbose {
                    Telling::Everything
                } else {
                    Telling::Logs
                };
                Box::new(Lines::new(io::stderr(), style, telling))
            }
        }
    }

    /// What is told when the run is over.
    fn closing(&self, run: &Run, number: Option<RunId>) -> Option<String> {
        let logs = match (self.progress, self.ci) {
            (Progress::Json, _) => return None,
            (Progress::Quiet, _) if run.is_built() => return None,
            (Progress::Plain, None) => Logs::Mixed,
            _ => Logs::All,
        };
        let mut text = table::render(run, logs, number, style(self.terminal));
        if let Some(github) = &self.github {
            text.push_str(&ci::annotations(run, github));
        }
        Some(text)
    }
}
