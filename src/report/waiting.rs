//! What an engine or the network takes its time for: a line with a clock at the terminal, which is gone
//! when it is over. What is quick shows nothing.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::timeout;

use crate::ambient::{Signs, Terminal};

/// How long nobody wonders what goes on.
const PATIENCE: Duration = Duration::from_millis(400);
/// The time from one picture to the next.
const TICK: Duration = Duration::from_millis(100);
const LINE: &str = "{spinner} {wide_msg}{elapsed:>5}";

/// What comes of `work`; while it goes on, `terminal` says `what`.
pub fn while_waiting<T>(
    terminal: Terminal,
    what: &str,
    work: impl Future<Output = T>,
) -> impl Future<Output = T> {
    let mut work = Box::pin(work);
    async move {
        if let Ok(done) = timeout(PATIENCE, &mut work).await {
            return done;
        }
        let _line = Line::begin(terminal, what);
        work.await
    }
}

/// A line that is gone when this is dropped.
struct Line(ProgressBar);

impl Line {
    fn begin(terminal: Terminal, what: &str) -> Self {
        let target = match terminal.columns {
            Some(_) => ProgressDrawTarget::stderr(),
            None => ProgressDrawTarget::hidden(),
        };
        let spinner = match terminal.signs {
            Signs::Unicode => "⠋⠙⠸⠴⠦⠇ ",
            Signs::Ascii => "|/-\\ ",
        };
        let style = ProgressStyle::with_template(LINE);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::with_draw_target(None, target)
            .with_style(style.tick_chars(spinner))
            .with_elapsed(PATIENCE)
            .with_message(what.to_owned());
        bar.enable_steady_tick(TICK);
        Self(bar)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
