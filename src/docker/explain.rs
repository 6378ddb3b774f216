//! Why a build failed: a builder's words read into a class, a place and a remedy.
//!
//! ```text
//! the builder's error ──> TEXTS ──> Class ──> message, place, remedies ──> Failure
//! ```
//!
//! All matching of text is the table [`TEXTS`], each row with sentences of real engines in
//! `tests/sentences.tsv`. Only the error itself is read, never what a step wrote: a `RUN` may print
//! anything. Where a builder names no place, the failing step's name leads to its lines.

mod place;
mod push;
mod remedy;

use super::spec::BuildSpec;
use crate::diagnostic::{Diagnostic, Span};
use crate::dockerfile::{Dockerfile, Feature, frontend_of_flag};
use crate::failure::{Class, Failure};
use crate::human;

pub(super) use place::{lines, text};
pub(super) use push::push;

/// The exit code of a process that was killed.
const KILLED: i32 = 137;

/// What a builder said when a build failed.
pub(super) struct Said<'a> {
    /// Its words.
    pub(super) text: &'a str,
    /// The step that failed, as the builder names it: `[2/3] RUN make`.
    pub(super) step: Option<&'a str>,
    /// The exit code of a `RUN`, when the builder tells it apart from its words.
    pub(super) exit_code: Option<i32>,
    /// The place in the Dockerfile, when the builder names one.
    pub(super) place: Option<Span>,
    /// Who says it.
    pub(super) builder: Builder<'a>,
}

/// Who says why a build failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Builder<'a> {
    /// BuildKit inside the engine.
    Engine,
    /// A builder of buildx, by its name.
    Own(&'a str),
    /// The classic builder.
    Classic,
    /// Podman's, which answers in place of the classic one.
    Podman,
}

impl Builder<'_> {
    /// Whether a frontend reads the Dockerfile, of which there may be a newer one.
    fn has_frontend(self) -> bool {
        matches!(self, Self::Engine | Self::Own(_))
    }
}

/// A builder's words, read.
struct Read<'a> {
    class: Class,
    /// The words without their wrapping.
    text: &'a str,
    /// The step that failed.
    step: Option<&'a str>,
    /// The exit code of a process.
    exit_code: Option<i32>,
    /// The image that it is about.
    image: Option<&'a str>,
    /// Who says it.
    builder: Builder<'a>,
}

impl Said<'_> {
    /// The failure it stands for.
    pub(super) fn failure(self, spec: &BuildSpec) -> Failure {
        let text = plain(self.text);
        let image = image(&text, self.step);
        let exit_code = self.exit_code.or_else(|| exit_code(&text));
        let class = match self.exit_code {
            Some(_) if !text.starts_with(FRONTEND_EXIT) => Class::RunFailed,
            _ => classify(&text),
        };
        let newer = self
            .builder
            .has_frontend()
            .then(|| newer_feature(class, &text, spec))
            .flatten();
        let class = match class {
            Class::RunFailed if exit_code == Some(KILLED) => Class::RunKilled,
            Class::DockerfileSyntax if newer.is_some() => Class::FrontendTooOld,
            Class::RegistryUnreachable
            | Class::RegistryDenied
            | Class::RateLimited
            | Class::ImageMissing
                if self.step.is_some_and(fetches_frontend) =>
            {
                Class::FrontendUnavailable
            }
            class => class,
        };
        let read = Read {
            class,
            text: &text,
            step: self.step,
            exit_code,
            image,
            builder: self.builder,
        };
        let mut failure = Failure::new(class, newer.unwrap_or_else(|| message(&read, spec)));
        failure.exit_code = exit_code.filter(|_| runs(class));
        failure.hints = remedy::hints(&read, spec);
        failure.transient = class.may_pass() && passes(&text);
        let place = self
            .place
            .or_else(|| place::named(&text, spec))
            .or_else(|| place::of_step(self.step?, spec))
            .or_else(|| match class {
                Class::FrontendUnavailable => place::of_syntax(spec),
                _ => place::of_image(image?, spec),
            });
        if let Some(span) = place {
            let diagnostic = Diagnostic::error(failure.message.clone()).at(span, "");
            failure.diagnostics.push(diagnostic);
        }
        failure
    }
}

/// How all that BuildKit says begins when a frontend ends instead of answering; of a `RUN` it says
/// which.
const FRONTEND_EXIT: &str = "exit code: ";

/// What the text of an error means. The first row whose words all occur counts, so narrow rows
/// stand above wide ones: the frontend and a failing `RUN` before what their own words may hold, the
/// disk before all that fails for want of it. A word after `^` must stand at the beginning.
const TEXTS: &[(&[&str], Class)] = &[
    (&["^exit code: "], Class::FrontendUnavailable),
    (
        &["^frontend grpc server closed unexpectedly"],
        Class::FrontendUnavailable,
    ),
    (
        &["^executor failed running [", "]: exit code: "],
        Class::RunFailed,
    ),
    (
        &["^process \"", "did not complete successfully: exit code: "],
        Class::RunFailed,
    ),
    (
        &["^The command '", "returned a non-zero code: "],
        Class::RunFailed,
    ),
    (&["no space left on device"], Class::DiskFull),
    (&["disk quota exceeded"], Class::DiskFull),
    // The classic builder and Buildah, where a row of BuildKit's would read them wrongly.
    (&["requires BuildKit"], Class::Unsupported),
    (&["only supports the --"], Class::Unsupported),
    (&["OCI runtime create failed"], Class::RunFailed),
    (&["returned a non-zero code: "], Class::RunFailed),
    (&["while running runtime: exit status "], Class::RunFailed),
    (&["secret required but no secret"], Class::SecretMissing),
    (&["ADD failed: Get "], Class::BuildFailed),
    (&["reading \"http"], Class::BuildFailed),
    (&["failed to reach build target"], Class::TargetMissing),
    (
        &["was not found in the provided Dockerfile"],
        Class::TargetMissing,
    ),
    (
        &["Cannot locate specified Dockerfile"],
        Class::DockerfileMissing,
    ),
    (&["copier: stat: ", "no such file"], Class::CopySource),
    (
        &["stat ", "/libpod_builder", "/build/", "no such file"],
        Class::DockerfileMissing,
    ),
    (&["Unknown instruction"], Class::DockerfileSyntax),
    (&["no contents in "], Class::DockerfileSyntax),
    (&["no stages to build"], Class::DockerfileSyntax),
    (&["file not found in build context"], Class::CopySource),
    (&["COPY failed: stat "], Class::CopySource),
    (&["ADD failed: stat "], Class::CopySource),
    (&["specified platform"], Class::ImageMissing),
    // BuildKit. What is wrong with its own storage is no fault of the Dockerfile that it reads.
    (&["failed to prepare "], Class::BuilderBroken),
    (
        &["failed to read dockerfile", "subdir not supported yet"],
        Class::Unsupported,
    ),
    (
        &["failed to read dockerfile", "no such file"],
        Class::DockerfileMissing,
    ),
    (
        &["target stage", "could not be found"],
        Class::TargetMissing,
    ),
    (&["missing ':' in substitution"], Class::FrontendTooOld),
    (&["unexpected key 'size' in "], Class::FrontendTooOld),
    (&["unexpected key 'env' in "], Class::FrontendTooOld),
    (&["dockerfile parse error"], Class::DockerfileSyntax),
    (&["unknown instruction"], Class::DockerfileSyntax),
    (&["nknown flag"], Class::DockerfileSyntax),
    (&["cannot be empty"], Class::DockerfileSyntax),
    (
        &["no build stage in current context"],
        Class::DockerfileSyntax,
    ),
    (&["unsupported mount type"], Class::DockerfileSyntax),
    (&["^failed to parse stage name "], Class::DockerfileSyntax),
    (
        &["failed to compute cache key", "not found"],
        Class::CopySource,
    ),
    (
        &["failed to calculate checksum", "not found"],
        Class::CopySource,
    ),
    (&["^secret ", "not found"], Class::SecretMissing),
    (&["failed to read secret "], Class::SecretMissing),
    (&["undefined build secret"], Class::SecretMissing),
    (&["no SSH key ", "forwarded"], Class::SshMissing),
    (&["unset ssh forward key"], Class::SshMissing),
    (&["invalid empty ssh agent socket"], Class::SshMissing),
    (&["network.host is not allowed"], Class::Entitlement),
    (&["security.insecure is not allowed"], Class::Entitlement),
    (
        &["granting entitlement ", "is not allowed"],
        Class::Entitlement,
    ),
    (&["exporting manifest lists"], Class::MultiPlatform),
    (&["unknown cache exporter"], Class::CacheConfig),
    (&["unknown cache importer"], Class::CacheConfig),
    (&["cache importer requires"], Class::CacheConfig),
    (&["cache exporter requires"], Class::CacheConfig),
    (&["error writing layer blob"], Class::CacheExport),
    (&["error writing manifest blob"], Class::CacheExport),
    (&["error getting credentials"], Class::CredentialHelper),
    (&["^no default worker"], Class::BuilderBroken),
    (&["^invalid frontend: "], Class::BuilderBroken),
    (&["unknown service moby.buildkit"], Class::BuilderBroken),
    (&["unknown method "], Class::BuilderBroken),
    (&["failed to mount "], Class::BuilderBroken),
    (&["failed to create temp dir"], Class::BuilderBroken),
    (&["layer does not exist"], Class::BuilderBroken),
    // What a builder says of its own earlier steps, when something else has cleared them away.
    (&["^unable to find image \"sha256:"], Class::BuilderBroken),
    (&["^failed to get digest sha256:"], Class::BuilderBroken),
    (
        &["^checking if cached image exists", "layer not known"],
        Class::BuilderBroken,
    ),
    (&["snapshot", "does not exist"], Class::BuilderBroken),
    (&["database not open"], Class::BuilderBroken),
    (&["input/output error"], Class::BuilderBroken),
    (&["exit code: "], Class::RunFailed),
    (&["429 Too Many Requests"], Class::RateLimited),
    (&["oomanyrequests"], Class::RateLimited),
    (&["401 Unauthorized"], Class::RegistryDenied),
    (&["403 Forbidden"], Class::RegistryDenied),
    (&["no basic auth credentials"], Class::RegistryDenied),
    (&["unauthorized"], Class::RegistryDenied),
    (&["^denied"], Class::RegistryDenied),
    (&["reading manifest ", ": denied"], Class::RegistryDenied),
    (&["unexpected HTTP status: 5"], Class::RegistryUnreachable),
    (
        &["unexpected status from ", ": 5"],
        Class::RegistryUnreachable,
    ),
    (
        &["failed with status code [", "]: 5"],
        Class::RegistryUnreachable,
    ),
    (&["failed to do request"], Class::RegistryUnreachable),
    (&["no such host"], Class::RegistryUnreachable),
    (&["i/o timeout"], Class::RegistryUnreachable),
    (&["Get \"http", "/v2/\": "], Class::RegistryUnreachable),
    (
        &["failed to copy: ", "httpReadSeeker"],
        Class::RegistryUnreachable,
    ),
    (&["pull access denied"], Class::ImageMissing),
    (&["failed to resolve source metadata"], Class::ImageMissing),
    (&["manifest unknown"], Class::ImageMissing),
    (&[": not found"], Class::ImageMissing),
];

/// What in the text of an error about a registry says that it may pass in seconds. A name without an
/// address, a certificate and a refusal do not.
const PASSING: &[&[&str]] = &[
    &["unexpected status from ", ": 5"],
    &["failed with status code [", "]: 5"],
    &["unexpected HTTP status: 5"],
    &["^unable to find image \"sha256:"],
    &["^failed to get digest sha256:"],
    &["layer not known"],
    // containerd collected what an export was about to build on; the next one makes it anew.
    &["parent snapshot ", " does not exist"],
    &["connection refused"],
    &["connection reset by peer"],
    &["broken pipe"],
    &["timeout"],
    &["deadline exceeded"],
    &["Client.Timeout"],
    &["Temporary failure in name resolution"],
    &["server misbehaving"],
    &[": EOF"],
    &["unexpected EOF"],
];

/// The text of an error without what engines wrap around it.
pub(super) fn plain(message: &str) -> String {
    let mut text = message.trim();
    for wrapper in [
        "failed to solve with frontend dockerfile.v0: ",
        "failed to solve with frontend gateway.v0: ",
        "rpc error: code = Unknown desc = ",
        "failed to solve: ",
        "failed to create LLB definition: ",
    ] {
        text = text.strip_prefix(wrapper).unwrap_or(text);
    }
    human::sanitize(buildahs(text))
}

/// Buildah's text without the step's name before it, and without the parser's insides after it.
fn buildahs(text: &str) -> &str {
    let text = match text.strip_prefix("building at STEP \"") {
        Some(rest) => rest.split_once("\": ").map_or(text, |(_, why)| why),
        None => text,
    };
    text.split(" &imagebuilder.").next().unwrap_or(text)
}

/// What kind of failure the text of an error stands for.
pub(super) fn class(text: &str) -> Class {
    classify(&plain(text))
}

fn classify(text: &str) -> Class {
    TEXTS
        .iter()
        .find(|(words, _)| occur(words, text))
        .map_or(Class::BuildFailed, |(_, class)| *class)
}

fn passes(text: &str) -> bool {
    PASSING.iter().any(|words| occur(words, text))
}

fn occur(words: &[&str], text: &str) -> bool {
    words.iter().all(|word| match word.strip_prefix('^') {
        Some(beginning) => text.starts_with(beginning),
        None => text.contains(word),
    })
}

/// Whether a failure of this class is that of a process with an exit code.
fn runs(class: Class) -> bool {
    matches!(class, Class::RunFailed | Class::RunKilled)
}

/// The failure of a builder that does not do what it was asked for.
pub(super) fn broken(text: &str, spec: &BuildSpec) -> Failure {
    let text = plain(text);
    let read = Read {
        class: Class::BuilderBroken,
        text: &text,
        step: None,
        exit_code: None,
        image: None,
        builder: Builder::Engine,
    };
    let mut failure = Failure::new(read.class, message(&read, spec));
    failure.hints = remedy::hints(&read, spec);
    failure
}

fn exit_code(text: &str) -> Option<i32> {
    let (_, after) = ["exit code: ", "non-zero code: ", "exit status "]
        .into_iter()
        .find_map(|words| text.rsplit_once(words))?;
    let end = after
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(after.len());
    after[..end].parse().ok()
}

/// The instruction in a step's name.
fn instruction(step: &str) -> &str {
    step.split_once("] ")
        .map_or(step, |(_, instruction)| instruction)
}

/// Whether a step fetches the frontend that `# syntax=` names. A base image of the same name is
/// looked up by a step of another name.
fn fetches_frontend(step: &str) -> bool {
    step.starts_with("resolve image config for ") || step.starts_with("docker-image://")
}

/// The image that a failure is about, without its digest.
fn image<'a>(text: &'a str, step: Option<&'a str>) -> Option<&'a str> {
    let told = text.split_once("failed to resolve source metadata for ");
    let image = match (told, step) {
        (Some((_, rest)), _) => rest.split_once(": ")?.0,
        (None, Some(step)) => [
            "[internal] load metadata for ",
            "resolve image config for docker-image://",
            "resolve image config for ",
            "docker-image://",
        ]
        .iter()
        .find_map(|before| step.strip_prefix(before))
        .or_else(|| instruction(step).strip_prefix("FROM "))?,
        (None, None) => return None,
    };
    Some(image.split_once('@').map_or(image, |(name, _)| name))
}

fn message(read: &Read<'_>, spec: &BuildSpec) -> String {
    let text = read.text;
    match (read.class, read.step, read.exit_code) {
        (Class::RunFailed, Some(step), Some(code)) => {
            let command = human::truncate(instruction(step), 100);
            format!("`{command}` ended with exit code {code}")
        }
        (Class::RunFailed, Some(step), None) => match not_started(text) {
            Some(why) => {
                let command = human::truncate(instruction(step), 100);
                format!("`{command}` did not start: {why}")
            }
            None => text.to_owned(),
        },
        (Class::RunKilled, Some(step), _) => {
            let command = human::truncate(instruction(step), 100);
            format!("`{command}` was killed (exit code {KILLED})")
        }
        (Class::CopySource, step, _) => {
            let place = match step {
                Some(step) => format!(", which `{}` needs", human::truncate(instruction(step), 80)),
                None => String::new(),
            };
            match missing_path(text) {
                Some(path) => format!("`{path}` is not in the build context{place}"),
                None => text.to_owned(),
            }
        }
        (Class::TargetMissing, ..) => match &spec.target {
            Some(target) => format!(
                "the stage `{target}`, which is to be built, is not in `{}`",
                spec.dockerfile_name
            ),
            None => text.to_owned(),
        },
        (Class::FrontendUnavailable, ..) => match read.image {
            Some(image) => format!(
                "failed to fetch the frontend `{image}`, which `# syntax=` names: {}",
                why(text, image)
            ),
            None => format!("what `# syntax=` names does not work as a frontend: {text}"),
        },
        (
            Class::RegistryUnreachable
            | Class::RegistryDenied
            | Class::RateLimited
            | Class::ImageMissing,
            ..,
        ) => match read.image {
            Some(image) => format!(
                "failed to look up `{image}` in its registry: {}",
                why(text, image)
            ),
            None => text.to_owned(),
        },
        (Class::BuilderBroken, ..) => format!("the builder itself failed: {text}"),
        (Class::Unsupported, ..) if text.contains("subdir") => {
            "this engine builds from the top of a git repository only, not from a directory in it"
                .to_owned()
        }
        _ => text.to_owned(),
    }
}

/// Why a container's process did not start.
fn not_started(text: &str) -> Option<&str> {
    let (_, why) = text.split_once("unable to start container process: ")?;
    let why = why
        .split_once("container init: ")
        .map_or(why, |(_, why)| why);
    Some(why.strip_suffix(": unknown").unwrap_or(why))
}

/// Why `image` could not be had, without the request's whole story.
fn why<'a>(text: &'a str, image: &str) -> &'a str {
    let lookup = format!("failed to resolve source metadata for {image}: ");
    let text = text.split_once(&lookup).map_or(text, |(_, why)| why);
    let mut why = text;
    for before in [
        "failed to load cache key: ",
        "failed to do request: ",
        "dial tcp: ",
    ] {
        why = why.split_once(before).map_or(why, |(_, rest)| rest);
    }
    why.strip_prefix(image)
        .and_then(|rest| rest.strip_prefix(": "))
        .unwrap_or(why)
}

/// The path that a missing source names: quoted, relative to the context.
fn missing_path(text: &str) -> Option<&str> {
    if let Some((_, path)) = text.split_once("excluded by .dockerignore: stat ") {
        return path.strip_suffix(": file does not exist");
    }
    if let Some((_, path)) = text.split_once("copier: stat: \"/") {
        return path.strip_suffix("\": no such file or directory");
    }
    let end = text
        .rfind("\": not found")
        .or_else(|| text.rfind("\" not found"))?;
    let start = text[..end].rfind('"')?;
    Some(text[start + 1..end].trim_start_matches('/'))
}

/// What the frontend refuses, when a newer one would not: a message.
fn newer_feature(class: Class, text: &str, spec: &BuildSpec) -> Option<String> {
    if class != Class::DockerfileSyntax {
        return None;
    }
    let (what, since) = match text.split_once("nknown flag: ") {
        Some((_, flag)) => {
            let flag = flag.split_whitespace().next()?.trim_start_matches('-');
            (format!("`--{flag}`"), frontend_of_flag(flag)?)
        }
        // An older frontend takes the lines of a here-document for instructions.
        None if text.contains("unknown instruction") => {
            let line = place::line_named(text)?;
            let dockerfile = Dockerfile::parse(&place::text(spec)?);
            dockerfile.instructions.iter().find(|instruction| {
                instruction.heredoc
                    && (instruction.first_line..=instruction.last_line).contains(&line)
            })?;
            ("here-documents".to_owned(), Feature::Heredoc.frontend())
        }
        None => return None,
    };
    Some(format!(
        "the frontend that reads `{}` does not know {what}, which came with Dockerfile frontend {since}",
        spec.dockerfile_name
    ))
}

#[cfg(test)]
mod tests;
