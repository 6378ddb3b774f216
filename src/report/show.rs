//! A run from its events to every place that is told of them: the fold, the view, the CI system.

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
use crate::event::{Clock, Event, Events, Record};
use crate::progress::Run;

/// How often a report looks at the clock when nothing happens, in milliseconds.
const TICK: u64 = 100;
/// Events that wait to be told.
const QUEUE: usize = 4096;

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
}

impl<'a> Hub<'a> {
    fn new(show: &'a Show, clock: Clock) -> Self {
        Self {
            run: Run::default(),
            view: show.view(),
            show,
            clock,
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
                    self.take(&record);
                }
            }
        }
        self.end();
    }

    async fn with_clock(&mut self, received: &mut Receiver<Record>) {
        let pause = Duration::from_millis(TICK);
        let mut due = TICK;
        loop {
            let now = match tokio::time::timeout(pause, received.recv()).await {
                Ok(Some(record)) => {
                    self.take(&record);
                    record.at
                }
                Ok(None) => break,
                Err(_) => self.clock.now(),
            };
            if now >= due {
                self.tick(now);
                due = now + TICK;
            }
        }
    }

    fn take(&mut self, record: &Record) {
        self.run.take(record);
        self.view.take(&self.run, record);
    }

    fn tick(&mut self, now: u64) {
        for (job, step, since) in self.run.overdue(now) {
            let event = Event::StepGoesOn { job, step, since };
            self.take(&Record { at: now, event });
        }
        self.view.tick(&self.run, now);
    }

    fn end(mut self) {
        self.view.end(&self.run);
        // A run that never began has nothing to sum up.
        if self.run.opening.is_none() {
            return;
        }
        if let Some(text) = self.show.closing(&self.run) {
            let _ = io::stderr().write_all(text.as_bytes());
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
    fn closing(&self, run: &Run) -> Option<String> {
        let logs = match (self.progress, self.ci) {
            (Progress::Json, _) => return None,
            (Progress::Quiet, _) if run.is_built() => return None,
            (Progress::Plain, None) => Logs::Mixed,
            _ => Logs::All,
        };
        let mut text = table::render(run, logs, style(self.terminal));
        if let Some(github) = &self.github {
            text.push_str(&ci::annotations(run, github));
        }
        Some(text)
    }
}
