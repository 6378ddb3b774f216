//! An engine behind ssh: `docker system dial-stdio` on the other machine, its standard streams ours.
//!
//! ```text
//! Ssh::prepare ─> Share   one connection, logged in to once, kept by a master of ssh's own
//! Ssh::connect ─> Stream  one more command on it for each connection to the engine
//! ```
//!
//! The commands are those of the docker CLI (`cli/connhelper`), so the other machine needs a docker CLI
//! of its own and nothing else. The CLI logs in anew for each connection; dcb opens three to six of them
//! and does it once. Only the login may ask questions, on the terminal where there is one; what comes
//! after it runs in process groups of its own, so that Ctrl-C reaches dcb and not what it speaks through.

mod command;
mod destination;
mod said;
mod share;
mod stream;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::http::BoxStream;
use super::programs;
use crate::ambient::Ambient;
use crate::failure::{Class, Failure};

use command::Commands;
pub(super) use destination::Destination;
use share::Share;

/// An engine behind ssh.
pub struct Ssh {
    destination: Destination,
    /// The program, where there is one.
    program: Option<PathBuf>,
    /// Whether somebody is there to be asked.
    interactive: bool,
    /// The commands that open streams, once there is a connection to open them on.
    ready: OnceCell<Result<Commands, Failure>>,
    /// The connection, when it is ours to close.
    share: Mutex<Option<Share>>,
}

impl Ssh {
    /// The engine at `destination`; nothing is run yet.
    pub(super) fn new(destination: Destination, ambient: &Ambient) -> Self {
        Self {
            destination,
            program: programs::on_path(ambient, "ssh"),
            interactive: ambient.stderr.columns.is_some(),
            ready: OnceCell::new(),
            share: Mutex::new(None),
        }
    }

    /// Where it leads.
    pub(super) fn destination(&self) -> &Destination {
        &self.destination
    }

    /// Logs in, unless that is done.
    ///
    /// # Errors
    /// When there is no ssh, or it cannot log in.
    pub(super) async fn prepare(&self) -> io::Result<()> {
        self.commands().await.map(drop)
    }

    /// Opens a stream to the engine.
    pub(super) async fn connect(&self) -> io::Result<BoxStream> {
        let command = self.commands().await?.dial();
        stream::open(command, &self.destination).map(|stream| Box::pin(stream) as BoxStream)
    }

    /// Closes the connection that streams share, and with it all of them. Nothing can be opened
    /// afterwards.
    pub(super) fn close(&self) {
        let mut share = self.share.lock().unwrap_or_else(PoisonError::into_inner);
        drop(share.take());
    }

    async fn commands(&self) -> io::Result<&Commands> {
        let ready = self.ready.get_or_init(|| self.log_in()).await;
        ready
            .as_ref()
            .map_err(|failure| io::Error::other(failure.clone()))
    }

    async fn log_in(&self) -> Result<Commands, Failure> {
        let Some(program) = &self.program else {
            return Err(Failure::new(
                Class::SshFailed,
                format!(
                    "{} needs `ssh`, and there is none on PATH",
                    self.destination
                ),
            )
            .hint("install it: sudo apt-get install openssh-client"));
        };
        let commands = Commands::new(program, &self.destination, self.interactive);
        let (commands, share) = share::open(commands, &self.destination).await?;
        *self.share.lock().unwrap_or_else(PoisonError::into_inner) = share;
        Ok(commands)
    }
}

impl fmt::Debug for Ssh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ssh").field(&self.destination).finish()
    }
}
