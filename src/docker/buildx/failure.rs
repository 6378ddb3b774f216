//! Why buildx failed: the error it prints at the end, the steps before it, and the place it shows.
//!
//! ```text
//! Dockerfile:2
//! --------------------
//!    1 |     FROM busybox
//!    2 | >>> RUN make
//! --------------------
//! ERROR: failed to build: failed to solve: process "/bin/sh -c make" did not complete ...
//! ```
//!
//! What stood in the way before the builder built anything is told apart: it is mended with buildx's
//! own commands, and no Dockerfile is at fault.

use crate::docker::buildkit::Steps;
use crate::docker::explain::{self, Said};
use crate::docker::spec::BuildSpec;
use crate::failure::{Class, Failure};
use crate::human;

/// The steps of buildx's own in which a builder is started or waited for.
const STARTING: [&str; 2] = [
    "[internal] booting buildkit",
    "[internal] waiting for connection",
];

/// What an error begins with when the connection to a builder is not there, or is lost.
const UNREACHABLE: [&str; 6] = [
    "failed to list workers",
    "failed to find driver",
    "failed to initialize builder",
    "failed to receive status",
    "connection error: ",
    "no valid drivers found",
];

/// What is known when a build fails.
pub(super) struct Context<'a> {
    pub(super) builder: &'a str,
    pub(super) spec: &'a BuildSpec,
    pub(super) steps: &'a Steps,
    /// What buildx wrote besides its messages, the last lines of it.
    pub(super) lines: &'a [String],
    /// How it ended, when it said nothing.
    pub(super) status: String,
}

/// The failure of a build.
pub(super) fn explain(context: &Context<'_>) -> Failure {
    let Context {
        builder,
        spec,
        steps,
        ..
    } = context;
    let error =
        error(context.lines).unwrap_or_else(|| format!("buildx ended with {}", context.status));
    let text = without_wrapping(&error);
    let step = steps.failed();
    if text == format!("no builder {builder:?} found") {
        return missing(builder);
    }
    if step.is_some_and(|step| STARTING.contains(&step)) || is_unreachable(text) {
        return unreachable(builder, text);
    }
    if let Some(flag) = text.strip_prefix("unknown flag: ") {
        return too_old(flag);
    }
    if let Some(failure) = unpushed(builder, spec, text) {
        return failure;
    }
    let place = marked(context.lines)
        .and_then(|(first, last)| Some(explain::lines(spec, &explain::text(spec)?, first, last)));
    let said = Said {
        text,
        step,
        exit_code: None,
        place,
        builder: explain::Builder::Own(builder),
    };
    let mut failure = said.failure(spec);
    if failure.class == Class::ImageMissing {
        failure.hints.push(format!(
            "the builder `{builder}` does not see the images of the engine: an image that is only there must be pushed to a registry, or built with the engine (leave --builder out)"
        ));
    }
    failure
}

/// The error at the end, with the lines that belong to it.
fn error(lines: &[String]) -> Option<String> {
    let last = lines.iter().rposition(|line| line.starts_with("ERROR: "))?;
    let text = lines[last..].join("\n");
    text.strip_prefix("ERROR: ").map(str::to_owned)
}

/// The error without what buildx puts before it; what remains BuildKit's own is left.
fn without_wrapping(error: &str) -> &str {
    error.strip_prefix("failed to build: ").unwrap_or(error)
}

fn is_unreachable(text: &str) -> bool {
    UNREACHABLE.iter().any(|words| text.starts_with(words))
        || text.contains("rpc error: code = Unavailable")
        || text.contains("error reading from server: EOF")
}

/// The first and the last line of the Dockerfile that are marked with `>>>`.
fn marked(lines: &[String]) -> Option<(usize, usize)> {
    let number = |line: &String| -> Option<usize> {
        let (number, rest) = line.split_once(" | ")?;
        rest.starts_with(">>>")
            .then(|| number.trim().parse().ok())?
    };
    let mut marked = lines.iter().filter_map(number);
    let first = marked.next()?;
    Some((first, marked.next_back().unwrap_or(first)))
}

/// What to tell when an image was built, and its registry did not take it.
fn unpushed(builder: &str, spec: &BuildSpec, text: &str) -> Option<Failure> {
    let (_, said) = text.split_once("failed to push ")?;
    let (name, why) = said.split_once(": ")?;
    let name = spec.tags.iter().find(|tag| *tag == name)?;
    let failure = explain::push(why, name, Some(builder));
    Some(failure.hint(
        "nothing was loaded into the engine; the builder keeps what it built: the same command again takes it from there",
    ))
}

/// What to tell when there is no builder of this name.
pub(super) fn missing(builder: &str) -> Failure {
    Failure::new(
        Class::BuilderMissing,
        format!("there is no builder `{builder}`"),
    )
    .hint("see which there are: docker buildx ls")
}

/// What to tell when a builder cannot be started or reached.
fn unreachable(builder: &str, why: &str) -> Failure {
    let why = human::sanitize(why);
    let failure = Failure::new(
        Class::BuilderUnreachable,
        format!("the builder `{builder}` does not answer: {why}"),
    )
    .hint(format!(
        "start it and see what it says: docker buildx inspect --bootstrap {builder}"
    ));
    if why.starts_with("Error response from daemon") {
        failure.hint("its image must come from a registry that the engine reaches: docker pull moby/buildkit:buildx-stable-1, or create the builder with --driver-opt image=...")
    } else {
        failure.hint("or build with the engine: leave --builder out")
    }
}

fn too_old(flag: &str) -> Failure {
    Failure::new(
        Class::BuildxMissing,
        format!("this buildx is too old: it does not know `{flag}`"),
    )
    .hint("install a newer one: https://github.com/docker/buildx#installing")
}
