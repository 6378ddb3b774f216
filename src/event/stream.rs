//! Events on their way: the clock of a run, and the channel that stamps what happens with it.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::Event;

/// An event and when it happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// Milliseconds since the run began.
    pub at: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// The clock of a run: it starts with the run, and never goes back.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Instant,
    /// When that was, in nanoseconds since 1970.
    date: i128,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            began: Instant::now(),
            date: since.map_or(0, |since| i128::try_from(since.as_nanos()).unwrap_or(0)),
        }
    }

    /// Milliseconds since it was started.
    pub fn now(&self) -> u64 {
        self.of(Instant::now())
    }

    /// A moment of this process on it.
    pub fn of(&self, moment: Instant) -> u64 {
        let since = moment.saturating_duration_since(self.began);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// A date, in nanoseconds since 1970, on it; negative before it was started.
    pub fn of_date(&self, nanoseconds: i64) -> i64 {
        let since = (i128::from(nanoseconds) - self.date) / 1_000_000;
        i64::try_from(since).unwrap_or(i64::MAX)
    }

    /// When it was started, in milliseconds since 1970.
    pub fn date(&self) -> u64 {
        u64::try_from(self.date / 1_000_000).unwrap_or_default()
    }
}

/// Where events go. It is bounded, so that a slow reader slows the reading of the status and
/// nothing else.
#[derive(Debug, Clone)]
pub struct Events {
    to: mpsc::Sender<Record>,
    clock: Clock,
}

impl Events {
    /// A channel that holds `waiting` events which nobody has read yet, on a clock that starts now.
    pub fn channel(waiting: usize) -> (Self, mpsc::Receiver<Record>) {
        let (to, from) = mpsc::channel(waiting);
        let clock = Clock::start();
        (Self { to, clock }, from)
    }

    /// Tells what happens now. A reader that is gone must not stop a build, so there is no error.
    pub async fn send(&self, event: Event) {
        let at = self.clock.now();
        let _ = self.to.send(Record { at, event }).await;
    }

    /// The clock of the run.
    pub fn clock(&self) -> Clock {
        self.clock
    }
}
