//! Where lines go: a stream, or a terminal with a picture of the run below them.
//!
//! A terminal that is slow, or that its user stopped, must not hold the build. Lines and pictures are
//! therefore left for a thread of its own, which takes all there is whenever the terminal took what
//! came before:
//!
//! ```text
//! the report's thread ──line, show──> Waiting ──take──> Painter ──one write──> standard error
//! ```
//!
//! A picture that was not painted yet is replaced by the next one. Lines are kept, up to a bound; those
//! beyond it are counted and left out.

mod painter;

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use console::Term;
use painter::Painter;

use crate::ambient::Narrowing;
use crate::human;

/// Takes lines that stay.
pub(super) trait Screen {
    /// Writes a line.
    fn line(&mut self, text: &str);
}

/// A pipe, a file, or a terminal that cannot do more.
pub(super) struct Stream<W>(pub(super) W);

impl<W: Write> Screen for Stream<W> {
    fn line(&mut self, text: &str) {
        // A closed pipe must not stop a build that others wait for.
        let _ = writeln!(self.0, "{text}");
    }
}

/// How large a terminal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Size {
    /// That of the terminal on standard error at this moment.
    pub(super) fn now() -> Self {
        let (rows, columns) = Term::stderr().size();
        Self {
            columns: usize::from(columns),
            rows: usize::from(rows),
        }
    }
}

/// The most bytes of lines that wait for a slow terminal.
const HELD: usize = 1 << 20;

/// The terminal on standard error.
pub(super) struct Terminal {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    more: Condvar,
}

/// What the terminal did not take yet.
#[derive(Default)]
struct Waiting {
    lines: Vec<String>,
    bytes: usize,
    /// Lines that found no room.
    left_out: usize,
    picture: Option<(Vec<String>, Size)>,
    /// Whether the picture is to be removed, and nothing comes after it.
    over: bool,
}

impl Terminal {
    /// The terminal, with no picture yet.
    pub(super) fn new(narrowing: Narrowing) -> Self {
        Self::on(io::stderr(), narrowing)
    }

    fn on(to: impl Write + Send + 'static, narrowing: Narrowing) -> Self {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        Self {
            shared,
            thread: Some(std::thread::spawn(move || {
                theirs.follow(Painter::new(narrowing), to);
            })),
        }
    }

    /// Replaces the picture by one that was made for a terminal of this size.
    pub(super) fn show(&self, picture: Vec<String>, size: Size) {
        self.shared.lock().picture = Some((picture, size));
        self.shared.more.notify_one();
    }

    /// Removes it, and waits until everything is written.
    pub(super) fn clear(&mut self) {
        self.shared.lock().over = true;
        self.shared.more.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Terminal {
    /// A report that panics leaves a terminal as it was, too.
    fn drop(&mut self) {
        self.clear();
    }
}

impl Screen for Terminal {
    fn line(&mut self, text: &str) {
        let mut waiting = self.shared.lock();
        if waiting.bytes + text.len() > HELD {
            waiting.left_out += 1;
        } else {
            waiting.bytes += text.len();
            waiting.lines.push(text.to_owned());
        }
        drop(waiting);
        self.shared.more.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Paints whatever comes, until there is nothing more to come.
    fn follow(&self, mut painter: Painter, mut to: impl Write) {
        loop {
            let waiting = self.next();
            let mut lines = waiting.lines;
            if waiting.left_out > 0 {
                lines.push(format!(
                    "({} not shown: this terminal is too slow for them)",
                    human::count(waiting.left_out, "line")
                ));
            }
            let text = match (waiting.over, waiting.picture) {
                (true, _) => painter.clear(&lines, Size::now()),
                (false, Some((picture, size))) => painter.paint(&lines, picture, size),
                (false, None) => painter.above(&lines, Size::now()),
            };
            // A terminal that is gone must not stop a build that others wait for.
            let _ = to.write_all(text.as_bytes());
            if waiting.over {
                return;
            }
        }
    }

    /// Takes all there is, and waits until there is something.
    fn next(&self) -> Waiting {
        let nothing = |waiting: &mut Waiting| {
            !waiting.over && waiting.lines.is_empty() && waiting.picture.is_none()
        };
        let waiting = self.more.wait_while(self.lock(), nothing);
        std::mem::take(&mut *waiting.unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests;
