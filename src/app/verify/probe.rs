//! Trying out whether one service works, again and again until it does or its time is up.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::app::App;
use crate::app::handover::Handover;
use crate::docker::api::Api;
use crate::docker::belongings::Container;
use crate::docker::condition::{Condition, Health};
use crate::human;
use crate::process;
use crate::settings::{Address, Check};

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(200);
/// A service without a health check must run for so long without ending.
const SETTLED: Duration = Duration::from_secs(2);
/// How wide evidence is shown.
const WIDTH: usize = 80;

/// One service, and until when it may be tried.
pub(super) struct Prober<'a> {
    pub(super) app: &'a App<'a>,
    pub(super) handover: &'a Handover<'a>,
    pub(super) api: &'a Api,
    pub(super) service: &'a str,
    pub(super) containers: &'a [&'a Container],
    pub(super) deadline: Instant,
}

/// What an attempt came to.
enum Attempt {
    /// It works, and this shows it.
    Works(String),
    /// It does not, and may yet.
    NotYet(String),
    /// It does not, and will not.
    Never(String),
}

impl Prober<'_> {
    /// What shows that it works, or that it does not.
    pub(super) async fn try_out(&self, check: Option<&Check>) -> Result<String, String> {
        if self.containers.is_empty() {
            return Err("it has no container".to_owned());
        }
        match check {
            None => self.each(async |id| self.steady(id).await).await,
            Some(Check::Ends) => self.each(async |id| self.ends(id).await).await,
            Some(Check::Command(words)) => self.alive(async || self.command(words).await).await,
            Some(Check::Answers(address)) => self.alive(async || self.answers(address).await).await,
        }
    }

    /// All containers of the service at once; what the last one shows, or the first that does not work.
    async fn each(
        &self,
        look: impl AsyncFn(&str) -> Result<String, String>,
    ) -> Result<String, String> {
        let looked = join_all(self.containers.iter().map(|one| look(&one.id))).await;
        let shown: Result<Vec<String>, String> = looked.into_iter().collect();
        Ok(shown?.pop().unwrap_or_default())
    }

    /// Attempts until one works or the time is up.
    async fn until(&self, mut attempt: impl AsyncFnMut() -> Attempt) -> Result<String, String> {
        loop {
            match attempt().await {
                Attempt::Works(evidence) => return Ok(evidence),
                Attempt::Never(why) => return Err(why),
                Attempt::NotYet(why) if Instant::now() + PAUSE > self.deadline => return Err(why),
                Attempt::NotYet(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Attempts as long as its containers live.
    async fn alive(
        &self,
        attempt: impl AsyncFn() -> Result<String, String>,
    ) -> Result<String, String> {
        self.until(async || match attempt().await {
            Ok(evidence) => Attempt::Works(evidence),
            Err(why) => {
                for container in self.containers {
                    match self.api.condition(&container.id).await {
                        Ok(Condition::Ended { code, again: false }) => {
                            return Attempt::Never(format!("it ended with exit code {code}"));
                        }
                        Ok(Condition::Gone) => {
                            return Attempt::Never("its container is gone".into());
                        }
                        _ => {}
                    }
                }
                Attempt::NotYet(why)
            }
        })
        .await
    }

    /// It becomes healthy, or keeps running where it has no health check.
    async fn steady(&self, id: &str) -> Result<String, String> {
        let mut seen: Option<(String, Instant)> = None;
        self.until(async || {
            let (since, health) = match self.api.condition(id).await {
                Ok(Condition::Runs { since, health }) => (since, health),
                Ok(Condition::Ended { code, again }) => {
                    let again = if again { ", again and again" } else { "" };
                    return Attempt::Never(format!("it ended with exit code {code}{again}"));
                }
                Ok(Condition::Gone) => return Attempt::Never("its container is gone".into()),
                Err(failure) => return Attempt::NotYet(failure.to_string()),
            };
            match health {
                Some(Health::Healthy) => Attempt::Works("healthy".into()),
                Some(Health::Starting) => {
                    Attempt::NotYet("its health check never succeeded".into())
                }
                Some(Health::Unhealthy(said)) => {
                    Attempt::Never(format!("unhealthy: {}", line(&said)))
                }
                None => match &seen {
                    Some((known, _)) if *known != since => {
                        Attempt::Never("it does not keep running: it was started again".into())
                    }
                    Some((_, first)) if first.elapsed() >= SETTLED => Attempt::Works(format!(
                        "runs for {}, no health check",
                        human::duration(first.elapsed())
                    )),
                    Some(_) => Attempt::NotYet("it ran too short to tell".into()),
                    None => {
                        seen = Some((since, Instant::now()));
                        Attempt::NotYet("it ran too short to tell".into())
                    }
                },
            }
        })
        .await
    }

    /// It ends by itself with 0.
    async fn ends(&self, id: &str) -> Result<String, String> {
        self.until(async || match self.api.condition(id).await {
            Ok(Condition::Ended {
                code: 0,
                again: false,
            }) => Attempt::Works("exit code 0".into()),
            Ok(Condition::Ended { code, .. }) => {
                Attempt::Never(format!("it ended with exit code {code}"))
            }
            Ok(Condition::Runs { .. }) => Attempt::NotYet("it still runs".into()),
            Ok(Condition::Gone) => Attempt::Never("its container is gone".into()),
            Err(failure) => Attempt::NotYet(failure.to_string()),
        })
        .await
    }

    /// A command in its container ends with 0.
    async fn command(&self, words: &[String]) -> Result<String, String> {
        let command = self.handover.exec(self.service, words);
        let command = command.map_err(|failure| failure.to_string())?;
        let answer = process::answer(&command, &self.app.ambient.directory, self.left()).await;
        let answer = answer.map_err(|error| error.to_string())?;
        if answer.status.success() {
            let said = [&answer.stdout, &answer.stderr];
            let said = said.into_iter().find(|said| !said.trim().is_empty());
            return Ok(said.map_or_else(|| "exit code 0".to_owned(), |said| line(said)));
        }
        let code = answer.status.code().unwrap_or_default();
        let last = answer
            .stderr
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty());
        Err(match last {
            Some(last) => format!("exit code {code}: {}", line(last)),
            None => format!("exit code {code}"),
        })
    }

    /// An address answers.
    async fn answers(&self, address: &Address) -> Result<String, String> {
        let asked = tokio::time::timeout(self.left(), ask(address)).await;
        asked.unwrap_or_else(|_| Err("no answer".to_owned()))
    }

    /// How long an attempt may take: some time even at the end, for the last one has to be one.
    fn left(&self) -> Duration {
        let left = self.deadline.saturating_duration_since(Instant::now());
        left.max(Duration::from_secs(1))
    }
}

/// Takes a connection, and asks for the path where there is one.
async fn ask(address: &Address) -> Result<String, String> {
    let Address { host, port, path } = address;
    let place = format!("{host}:{port}");
    let stream = TcpStream::connect(&place)
        .await
        .map_err(|error| format!("no connection: {error}"))?;
    let Some(path) = path else {
        return Ok("takes a connection".to_owned());
    };
    let failed = |error: hyper::Error| format!("no answer: {error}");
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    let connection = tokio::spawn(connection);
    let request = Request::get(path)
        .header(header::HOST, place)
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let answer = sender.send_request(request).await.map_err(failed);
    connection.abort();
    let status = answer?.status();
    if status.is_client_error() || status.is_server_error() {
        Err(status.to_string())
    } else {
        Ok(status.to_string())
    }
}

/// The first line with anything in it.
fn line(text: &str) -> String {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty());
    human::truncate(&human::sanitize(first.unwrap_or_default()), WIDTH).into_owned()
}
