//! The checks of the Dockerfile frontend: what it finds in a Dockerfile without building it.
//!
//! A frontend answers some questions beside "build this"; what it answers is no image but metadata,
//! which `Control.Solve` does not pass on. So the solve names no frontend. The engine then keeps it
//! open for calls to the bridge that carry its name, and one of them asks the frontend:
//!
//! ```text
//! Control.Solve(ref, no frontend) ───────────────────────────────────> answered last
//!     LLBBridge.Solve(within ref, requestid=frontend.lint) ──> result.json
//!     LLBBridge.Return(within ref)
//! ```
//!
//! The frontend reads the Dockerfile and the ignore file, and looks up the base images, for some checks
//! are about these. Protocol: BuildKit's `frontend/subrequests/lint`, from Dockerfile frontend 1.8 on.

use base64::Engine as _;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::{
    Result as Returned, ReturnRequest, SolveRequest as Question,
};
use bollard_buildkit_proto::moby::buildkit::v1::{CacheOptions, SolveRequest};
use serde::Deserialize;
use tonic::Status;

use super::caches::Caches;
use super::session::random_id;
use super::status::Steps;
use super::transport::within;
use super::{Client, attributes, error, solve};
use crate::diagnostic::Span;
use crate::docker::explain;
use crate::docker::spec::BuildSpec;
use crate::event::{Events, JobId};
use crate::failure::{Class, Failure};

/// What the answer is called.
const ANSWER: &str = "result.json";
/// How a frontend says that it does not know the question.
const NOT_KNOWN: &str = "unsupported request frontend.lint";
/// What it says besides the findings when `# check=error=true` makes errors of them.
const AS_ERRORS: &str = "lint violation found for rules";

/// Something that the frontend advises against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check that found it, such as `StageNameCasing`.
    pub rule: String,
    /// What it found, in the frontend's words.
    pub message: String,
    /// Where the check is explained.
    pub url: Option<String>,
    /// The lines that it is about.
    pub at: Option<Span>,
}

/// What the checks of a Dockerfile came to.
#[derive(Debug, Default)]
pub struct Findings {
    /// What was found, in the order of the lines.
    pub found: Vec<Finding>,
    /// Why it could not be checked to its end: the Dockerfile cannot be read, its base images are not
    /// there, or its frontend has no checks ([`Class::FrontendTooOld`]).
    pub failure: Option<Failure>,
}

impl From<Failure> for Findings {
    fn from(failure: Failure) -> Self {
        Self {
            found: Vec::new(),
            failure: Some(failure),
        }
    }
}

impl Client {
    /// Lets the frontend check the Dockerfile of `spec`. `prefix` is as for [`Client::build`].
    pub async fn check(&self, job: JobId, prefix: &str, spec: &BuildSpec) -> Findings {
        self.try_check(job, prefix, spec)
            .await
            .unwrap_or_else(Findings::from)
    }

    async fn try_check(
        &self,
        job: JobId,
        prefix: &str,
        spec: &BuildSpec,
    ) -> Result<Findings, Failure> {
        let spec = &as_read(spec);
        let session = self.session(spec, &Caches::default()).await?;
        let place = self.place(prefix, spec);
        let _offers = solve::offer(session.offers(), &place, spec);
        let reference = random_id();
        let ask = self.ask(&reference, session.reference(&place), spec);
        // What the engine looks up tells whose fault a failure is, and nobody else.
        let (events, _) = Events::channel(1);
        let mut steps = Steps::new(job, events.clock());
        let never = std::future::pending();
        let answer = self
            .watch(ask, reference.clone(), &mut steps, &events, never)
            .await
            .unwrap_or_else(|| Err(Status::internal("it was stopped")));
        let explain = |status: &Status| {
            let context = error::Context {
                endpoint: self.endpoint(),
                steps: &steps,
                spec,
            };
            error::explain(status, &context)
        };
        let answer = match answer {
            Ok(Some(answer)) => answer,
            Ok(None) => return Err(no_checks(spec)),
            Err(status) if status.message().contains(NOT_KNOWN) => return Err(no_checks(spec)),
            Err(status) => return Err(explain(&status)),
        };
        let answer: Answer = serde_json::from_slice(&answer).map_err(|error| {
            Failure::new(
                Class::BuilderBroken,
                format!("the answer of the Dockerfile's frontend cannot be read: {error}"),
            )
        })?;
        let broken = answer
            .error
            .as_ref()
            .filter(|error| !error.message.contains(AS_ERRORS));
        Ok(Findings {
            found: answer.findings(spec),
            failure: broken.map(|error| error.failure(answer.sources(), spec)),
        })
    }

    /// Asks the frontend; nothing when it answers something else.
    async fn ask(
        &self,
        reference: &str,
        session: String,
        spec: &BuildSpec,
    ) -> Result<tonic::Response<Option<Vec<u8>>>, Status> {
        let request = SolveRequest {
            r#ref: reference.to_owned(),
            session,
            internal: true,
            cache: Some(CacheOptions::default()),
            ..Default::default()
        };
        let (frontend, frontend_opt) = attributes::check(spec);
        let question = Question {
            frontend,
            frontend_opt,
            allow_result_return: true,
            allow_result_array_ref: true,
            ..Default::default()
        };
        let end = ReturnRequest {
            result: Some(Returned::default()),
            ..Default::default()
        };
        let mut control = self.control.client();
        let mut bridge = self.control.bridge();
        let mut solve = std::pin::pin!(control.solve(request));
        let answer = tokio::select! {
            biased;
            answer = bridge.solve(within(reference, question)?) => answer?,
            ended = &mut solve => {
                let why = ended.err();
                return Err(why.unwrap_or_else(|| Status::internal("it ended before it was told to")));
            }
        };
        // The answer is here: how the solve ends tells nothing more.
        if bridge.r#return(within(reference, end)?).await.is_ok() {
            let _ = solve.await;
        }
        Ok(answer.map(|answer| answer.result.unwrap_or_default().metadata.remove(ANSWER)))
    }
}

/// What of `spec` decides over how its Dockerfile reads.
fn as_read(spec: &BuildSpec) -> BuildSpec {
    BuildSpec {
        target: spec.target.clone(),
        args: spec.args.clone(),
        platforms: spec.platforms.clone(),
        pull: spec.pull,
        contexts: spec.contexts.clone(),
        ..BuildSpec::new(
            spec.context.clone(),
            spec.dockerfile.clone(),
            &spec.dockerfile_name,
        )
    }
}

fn no_checks(spec: &BuildSpec) -> Failure {
    Failure::new(
        Class::FrontendTooOld,
        format!("the frontend of `{}` has no checks", spec.dockerfile_name),
    )
    .hint("they came with Dockerfile frontend 1.8: write `# syntax=docker/dockerfile:1` into the first line, which fetches the newest")
}

/// What the frontend answers.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    warnings: Option<Vec<Warning>>,
    #[serde(default)]
    sources: Option<Vec<Source>>,
    #[serde(default, rename = "buildError")]
    error: Option<Broken>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Warning {
    rule_name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    location: Option<Location>,
}

#[derive(Deserialize)]
struct Source {
    /// The Dockerfile, in base64.
    #[serde(default)]
    data: String,
}

/// What kept the frontend from reading the whole Dockerfile.
#[derive(Deserialize)]
struct Broken {
    message: String,
    #[serde(default)]
    location: Option<Location>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    #[serde(default)]
    source_index: usize,
    #[serde(default)]
    ranges: Vec<Range>,
}

#[derive(Deserialize)]
struct Range {
    #[serde(default)]
    start: Line,
    #[serde(default)]
    end: Line,
}

#[derive(Default, Deserialize)]
struct Line {
    #[serde(default)]
    line: usize,
}

impl Answer {
    fn sources(&self) -> &[Source] {
        self.sources.as_deref().unwrap_or_default()
    }

    fn findings(&self, spec: &BuildSpec) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self
            .warnings
            .iter()
            .flatten()
            .map(|warning| Finding {
                rule: warning.rule_name.clone(),
                message: match warning.detail.as_str() {
                    "" => warning.description.clone(),
                    detail => detail.to_owned(),
                },
                url: Some(warning.url.clone()).filter(|url| !url.is_empty()),
                at: warning
                    .location
                    .as_ref()
                    .and_then(|location| location.span(self.sources(), spec)),
            })
            .collect();
        let place = |finding: &Finding| finding.at.as_ref().map(|at| at.start);
        findings.sort_by(|one, other| (place(one), &one.rule).cmp(&(place(other), &other.rule)));
        findings
    }
}

impl Broken {
    fn failure(&self, sources: &[Source], spec: &BuildSpec) -> Failure {
        let said = explain::Said {
            text: &self.message,
            step: None,
            exit_code: None,
            place: self
                .location
                .as_ref()
                .and_then(|location| location.span(sources, spec)),
            builder: explain::Builder::Engine,
        };
        said.failure(spec)
    }
}

impl Location {
    /// The whole lines that it names, in the file that people know.
    fn span(&self, sources: &[Source], spec: &BuildSpec) -> Option<Span> {
        let first = self.ranges.iter().map(|range| range.start.line).min()?;
        let last = self.ranges.iter().map(|range| range.end.line).max()?;
        if first == 0 {
            return None;
        }
        let source = sources.get(self.source_index)?;
        let text = base64::engine::general_purpose::STANDARD
            .decode(&source.data)
            .ok()?;
        let text = String::from_utf8_lossy(&text);
        Some(explain::lines(spec, &text, first, last.max(first)))
    }
}
