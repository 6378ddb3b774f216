//! Being asked to stop: `SIGINT` and `SIGTERM` while a build runs.
//!
//! The first one stops the build, so that no step goes on in the engine and the report is complete;
//! then the process ends by that very signal, which is what shells and CI systems look for. A second
//! one ends it at once.

use tokio::sync::watch;

/// Watches for signals.
pub(super) struct Stop {
    asked: watch::Receiver<bool>,
    by: watch::Receiver<Option<i32>>,
}

impl Stop {
    /// Begins to watch.
    #[cfg(unix)]
    pub(super) fn watch() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let (ask, asked) = watch::channel(false);
        let (name, by) = watch::channel(None);
        tokio::spawn(async move {
            let mut next = async || {
                tokio::select! {
                    _ = interrupt.recv() => SignalKind::interrupt().as_raw_value(),
                    _ = terminate.recv() => SignalKind::terminate().as_raw_value(),
                }
            };
            let first = next().await;
            let _ = name.send(Some(first));
            let _ = ask.send(true);
            let second = next().await;
            end_by(second);
        });
        Ok(Self { asked, by })
    }

    /// Begins to watch.
    #[cfg(not(unix))]
    pub(super) fn watch() -> std::io::Result<Self> {
        let (ask, asked) = watch::channel(false);
        let (_, by) = watch::channel(None);
        tokio::spawn(async move {
            let _ = tokio::signal::ctrl_c().await;
            let _ = ask.send(true);
        });
        Ok(Self { asked, by })
    }

    /// Turns true when the build is to stop.
    pub(super) fn asked(&self) -> &watch::Receiver<bool> {
        &self.asked
    }

    /// Ends the process by the signal that stopped the build, if one did; `before` that, nothing else
    /// is tidied up.
    pub(super) fn obey(&self, before: impl FnOnce()) {
        if let Some(signal) = *self.by.borrow() {
            before();
            end_by(signal);
        }
    }
}

/// Ends the process as that signal does when nobody watches for it.
#[cfg(unix)]
fn end_by(signal: i32) {
    // Cannot fail for the two signals that are watched for.
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}

#[cfg(not(unix))]
fn end_by(_signal: i32) {
    std::process::exit(130);
}
