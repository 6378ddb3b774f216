//! One build from request to image.

use std::io;
use std::pin::pin;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Response, StatusCode};
use tokio::sync::watch;

use super::archive::Modes;
use super::message::{ErrorDetail, Lines, Message};
use super::package::Package;
use super::step::Steps;
use super::upload::{Body, Upload};
use super::{Classic, Dialect, query};
use crate::diagnostic::{Source, Span};
use crate::docker::api_version::ApiVersion;
use crate::docker::detect;
use crate::docker::explain::{Builder, Said};
use crate::docker::http::{self, Exchange};
use crate::docker::outcome::{BuildError, Built, Reached};
use crate::docker::spec::{BuildSpec, ContextSource};
use crate::dockerfile::Dockerfile;
use crate::event::{Event, Events, JobId};
use crate::failure::{Class, Failure};

/// How often the sending of the context is told of.
const TICK: Duration = Duration::from_millis(100);

/// What a killed process ends with.
const KILLED: i32 = 137;

/// How long an engine that shuts down may go on answering after it killed a step.
const SHUTDOWN: Duration = Duration::from_millis(300);

/// Why a build ended without an image.
enum Ended {
    /// The builder said why.
    Said(ErrorDetail),
    /// What answers is not a builder, or refuses to be one.
    Refused(Failure),
    /// The connection could not be opened.
    Unreachable(io::Error),
    /// It broke, or was over too early.
    Broken(String),
}

impl Classic {
    /// Builds one image and tells `events` what happens. When `stop` turns true the connection is
    /// dropped, which makes the engine kill the running step and remove its container.
    ///
    /// # Errors
    /// [`BuildError::Failed`] with its cause, [`BuildError::Stopped`] after `stop`.
    pub async fn build(
        &self,
        job: JobId,
        spec: &BuildSpec,
        events: &Events,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Built, BuildError> {
        let (mut spec, package) = self
            .prepare(spec)
            .await
            .map_err(BuildError::before_any_step)?;
        let missing = self.drop_missing_caches(&mut spec).await;
        let path = query::path(&spec, &package.dockerfile, self.dialect, self.api)
            .map_err(BuildError::before_any_step)?;
        let modes = if self.api < ApiVersion::V23_0 && self.dialect == Dialect::Docker {
            Modes::WithKind
        } else {
            Modes::Plain
        };
        let credentials = self.registry_config(&spec, package.text.as_deref()).await;
        let parsed = package.text.as_deref().map(Dockerfile::parse);
        let sends = package.contents.is_some();
        let (upload, body) = Upload::start(package.contents, modes);
        let mut build = Build {
            classic: self,
            spec: &spec,
            registries: credentials.reveal(),
            text: package.text,
            steps: Steps::new(job, self.dialect, parsed, events.clock()),
            upload,
            job,
            events,
        };
        for cache in missing {
            build.warn(cache).await;
        }
        if sends {
            let told = build.steps.sending(Instant::now());
            build.tell(told).await;
        }
        let ended = tokio::select! {
            biased;
            Ok(_) = stop.wait_for(|stop| *stop) => None,
            ended = build.converse(&path, body) => Some(ended),
        };
        match ended {
            Some(Ok(built)) => Ok(built),
            Some(Err(ended)) => Err(build.failed(ended).await),
            None => {
                build.stopped().await;
                Err(BuildError::Stopped)
            }
        }
    }

    async fn prepare(&self, spec: &BuildSpec) -> Result<(BuildSpec, Package), Failure> {
        let spec = self.resolve_hosts(spec).await?.into_owned();
        let dialect = self.dialect;
        let read = move || Package::read(&spec, dialect).map(|package| (spec, package));
        tokio::task::spawn_blocking(read)
            .await
            .unwrap_or_else(|error| {
                let message = format!("the context was not looked at: {error}");
                Err(Failure::new(Class::Internal, message))
            })
    }
}

/// A build that goes on.
struct Build<'a> {
    classic: &'a Classic,
    spec: &'a BuildSpec,
    /// Who the user is at registries, as the header has it.
    registries: &'a str,
    /// The Dockerfile, when it is here.
    text: Option<String>,
    steps: Steps,
    upload: Upload,
    job: JobId,
    events: &'a Events,
}

impl Build<'_> {
    /// Sends the request and follows the answer to its end.
    async fn converse(&mut self, path: &str, body: Body) -> Result<Built, Ended> {
        let address = &self.classic.endpoint.address;
        let mut exchange = Exchange::open(address).await.map_err(Ended::Unreachable)?;
        let headers = [
            ("content-type", "application/x-tar"),
            ("x-registry-config", self.registries),
        ];
        let response = self.send(exchange.post(path, &headers, body)).await?;
        let told = self.steps.all_sent(Instant::now());
        self.tell(told).await;
        if !response.status().is_success() {
            return Err(refused(response).await);
        }
        self.follow(response.into_body()).await?;
        // An engine need not have taken the context to its last byte; nobody waits for the rest.
        drop(exchange);
        for message in self.upload.end().await.map_err(Ended::Refused)? {
            self.warn(message).await;
        }
        let early = || Ended::Broken("its answer ended too early".to_owned());
        self.steps.built().ok_or_else(early)
    }

    /// Waits for the head of the answer, telling how far the context is.
    async fn send(
        &mut self,
        answer: impl Future<Output = io::Result<Response<Incoming>>>,
    ) -> Result<Response<Incoming>, Ended> {
        let mut answer = pin!(answer);
        let mut tick = tokio::time::interval(TICK);
        let mut told = 0;
        loop {
            tokio::select! {
                biased;
                answer = &mut answer => {
                    return answer.map_err(|error| Ended::Broken(error.to_string()));
                }
                _ = tick.tick() => {}
            }
            let sent = self.upload.sent();
            if sent > told {
                told = sent;
                let progress = self.steps.sent(sent);
                self.tell(progress).await;
            }
            if self.upload.is_done() {
                let done = self.steps.all_sent(Instant::now());
                self.tell(done).await;
            }
        }
    }

    /// Follows the builder's messages to their end.
    async fn follow(&mut self, mut body: Incoming) -> Result<(), Ended> {
        let mut lines = Lines::default();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Ended::Broken(error.to_string()))?;
            if let Some(bytes) = frame.data_ref() {
                for message in lines.take(bytes) {
                    self.take(message).await?;
                }
            }
        }
        match lines.end() {
            Some(message) => self.take(message).await,
            None => Ok(()),
        }
    }

    async fn take(&mut self, mut message: Message) -> Result<(), Ended> {
        let failure = message.failure();
        let told = self.steps.fold(message, Instant::now());
        self.tell(told).await;
        failure.map_or(Ok(()), |detail| Err(Ended::Said(detail)))
    }

    async fn tell(&self, told: impl IntoIterator<Item = Event>) {
        for event in told {
            self.events.send(event).await;
        }
    }

    /// The connection was dropped, because the user stopped the build.
    async fn stopped(&mut self) {
        let told = self.steps.fail("context canceled", Instant::now());
        self.tell(told).await;
        // Buildah hears of it only when the command is over, and Podman offers nothing to end one.
        if self.classic.dialect == Dialect::Buildah && self.steps.is_running() {
            self.warn("the running command goes on until it ends by itself: Podman cannot stop it")
                .await;
        }
    }

    async fn warn(&self, message: impl Into<String>) {
        let warning = Event::Warning {
            job: self.job,
            message: message.into(),
            line: None,
            url: None,
        };
        self.tell([warning]).await;
    }

    /// Why there is no image.
    async fn failed(&mut self, ended: Ended) -> BuildError {
        let failure = self.cause(ended).await;
        let told = self.steps.fail(&failure.message, Instant::now());
        self.tell(told).await;
        BuildError::Failed {
            failure: Box::new(failure),
            reached: if self.steps.ran() {
                Reached::Run
            } else {
                Reached::NoRun
            },
        }
    }

    async fn cause(&mut self, ended: Ended) -> Failure {
        match ended {
            Ended::Refused(failure) => failure,
            Ended::Unreachable(error) => detect::unreachable(&self.classic.endpoint, &error),
            // A step that the engine killed when it shut down looks like one that ran out of
            // memory.
            Ended::Said(detail) if exit_code(&detail) == Some(KILLED) => match self.ping().await {
                Err(lost) => lost,
                Ok(()) => self.said(&detail),
            },
            Ended::Said(detail) => self.said(&detail),
            // A context that cannot be read breaks the connection too, and knows better why.
            Ended::Broken(why) => match self.upload.end().await {
                Err(failure) => failure,
                Ok(_) => self.broken(&why).await,
            },
        }
    }

    /// The connection broke: because the engine went away, or because it broke it off.
    async fn broken(&self, why: &str) -> Failure {
        if detect::engine(&self.classic.endpoint).await.is_err() {
            return detect::lost(&self.classic.endpoint, why);
        }
        Failure::new(
            Class::DaemonError,
            format!(
                "the engine at {} broke off the build: {why}",
                self.classic.endpoint.address
            ),
        )
        .hint("look into its log: journalctl -u docker --since -5min")
    }

    /// Whether the engine is still there, now and when it had time to go.
    async fn ping(&self) -> Result<(), Failure> {
        for wait in [Duration::ZERO, SHUTDOWN] {
            tokio::time::sleep(wait).await;
            if let Err(failure) = detect::engine(&self.classic.endpoint).await {
                return Err(detect::lost(&self.classic.endpoint, &failure.message));
            }
        }
        Ok(())
    }

    fn said(&self, detail: &ErrorDetail) -> Failure {
        let said = Said {
            text: &detail.message,
            step: self.steps.name(),
            exit_code: exit_code(detail),
            place: self.place(),
            builder: match self.classic.dialect {
                Dialect::Buildah => Builder::Podman,
                Dialect::Docker => Builder::Classic,
            },
        };
        let mut failure = said.failure(self.spec);
        let remote = matches!(self.spec.context, ContextSource::Remote(_));
        if remote && self.classic.dialect == Dialect::Buildah {
            failure.hints.push(
                "some versions of Podman ignore remote contexts: fetch it, and name its directory"
                    .to_owned(),
            );
        }
        failure
    }

    /// The lines of the instruction that runs.
    fn place(&self) -> Option<Span> {
        let instruction = self.steps.instruction()?;
        let source = Source::new(&self.spec.dockerfile_name, self.text.as_deref()?);
        Some(Span::lines(
            &source,
            instruction.first_line,
            instruction.last_line,
        ))
    }
}

fn exit_code(detail: &ErrorDetail) -> Option<i32> {
    detail.code.filter(|code| *code != 0).or_else(|| {
        let (_, code) = detail
            .message
            .rsplit_once("while running runtime: exit status ")?;
        code.trim().parse().ok()
    })
}

/// What an answer other than 200 means: the Dockerfile or a parameter is wrong, or what answers
/// does not let anybody build.
async fn refused(response: Response<Incoming>) -> Ended {
    let status = response.status();
    match (status, http::refusal(response).await) {
        (StatusCode::BAD_REQUEST | StatusCode::INTERNAL_SERVER_ERROR, Ok(message)) => {
            Ended::Said(ErrorDetail {
                code: None,
                message,
            })
        }
        (_, Ok(words) | Err(words)) => {
            let why = crate::human::sanitize(words.lines().next().unwrap_or_default());
            let failure = Failure::new(
                Class::DaemonError,
                format!("the engine does not build: {status} {why}").trim_end(),
            );
            Ended::Refused(
                failure.hint("a proxy in front of the engine must let POST /build through"),
            )
        }
    }
}
