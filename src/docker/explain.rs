//! Why a build failed: a builder's words read into a class, a place and a remedy.
//!
//! All matching of text is the table [`TEXTS`], each row with the sentence of a real engine in the
//! tests. Where a builder names no place, the failing step's name leads to its lines.

use std::path::Path;
use std::sync::Arc;

use super::spec::{BuildSpec, ContextSource, DockerfileSource, PullPolicy};
use crate::diagnostic::{Diagnostic, Source, Span};
use crate::dockerfile::Dockerfile;
use crate::failure::{Class, Failure};
use crate::human;

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
}

impl Said<'_> {
    /// The failure it stands for.
    pub(super) fn failure(self, spec: &BuildSpec) -> Failure {
        let text = plain(self.text);
        let class = match self.exit_code {
            Some(_) => Class::RunFailed,
            None => classify(&text),
        };
        let exit_code = self.exit_code.or_else(|| exit_code(&text));
        let mut failure = Failure::new(class, message(class, &text, self.step, exit_code));
        failure.exit_code = exit_code.filter(|_| class == Class::RunFailed);
        failure.hints = hints(class, &text, exit_code, spec);
        let place = self
            .place
            .or_else(|| span_named(&text, spec))
            .or_else(|| span_of(self.step?, spec));
        if let Some(span) = place {
            let diagnostic = Diagnostic::error(failure.message.clone()).at(span, "");
            failure.diagnostics.push(diagnostic);
        }
        failure
    }
}

/// What the text of an error means. The first row whose words all occur counts, so narrow rows
/// stand above wide ones.
const TEXTS: &[(&[&str], Class)] = &[
    (&["no space left on device"], Class::DiskFull),
    (
        &["failed to read dockerfile", "no such file"],
        Class::DockerfileMissing,
    ),
    (
        &["target stage", "could not be found"],
        Class::TargetMissing,
    ),
    (&["dockerfile parse error"], Class::DockerfileSyntax),
    (&["unknown instruction"], Class::DockerfileSyntax),
    (&["nknown flag"], Class::DockerfileSyntax),
    (&["cannot be empty"], Class::DockerfileSyntax),
    (
        &["no build stage in current context"],
        Class::DockerfileSyntax,
    ),
    (&["unsupported mount type"], Class::DockerfileSyntax),
    (
        &["failed to compute cache key", "not found"],
        Class::CopySource,
    ),
    (
        &["failed to calculate checksum", "not found"],
        Class::CopySource,
    ),
    (&["exit code: "], Class::RunFailed),
    (&["429 Too Many Requests"], Class::RegistryDenied),
    (&["toomanyrequests"], Class::RegistryDenied),
    (&["401 Unauthorized"], Class::RegistryDenied),
    (&["403 Forbidden"], Class::RegistryDenied),
    (&["no basic auth credentials"], Class::RegistryDenied),
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
    (&["pull access denied"], Class::ImageMissing),
    (&["failed to resolve source metadata"], Class::ImageMissing),
    (&["manifest unknown"], Class::ImageMissing),
    (&[": not found"], Class::ImageMissing),
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
    human::sanitize(text)
}

fn classify(text: &str) -> Class {
    TEXTS
        .iter()
        .find(|(words, _)| words.iter().all(|word| text.contains(word)))
        .map_or(Class::BuildFailed, |(_, class)| *class)
}

fn exit_code(text: &str) -> Option<i32> {
    let (_, after) = text.rsplit_once("exit code: ")?;
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

fn message(class: Class, text: &str, step: Option<&str>, exit_code: Option<i32>) -> String {
    match (class, step, exit_code) {
        (Class::RunFailed, Some(step), Some(code)) => {
            let command = human::truncate(instruction(step), 100).into_owned();
            format!("`{command}` ended with exit code {code}")
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
        (Class::RegistryUnreachable, ..) => unreachable_image(text).unwrap_or(text.to_owned()),
        _ => text.to_owned(),
    }
}

/// What could not be looked up and why, without the request's whole story.
fn unreachable_image(text: &str) -> Option<String> {
    let (_, image) = text.split_once("failed to resolve source metadata for ")?;
    let (image, why) = image.split_once(": failed to do request: ")?;
    let why = why.split_once("dial tcp: ").map_or(why, |(_, why)| why);
    Some(format!(
        "failed to look up `{image}` in its registry: {why}"
    ))
}

/// The path that a missing source names: quoted, relative to the context.
fn missing_path(text: &str) -> Option<&str> {
    let end = text
        .rfind("\": not found")
        .or_else(|| text.rfind("\" not found"))?;
    let start = text[..end].rfind('"')?;
    Some(text[start + 1..end].trim_start_matches('/'))
}

fn hints(class: Class, text: &str, exit_code: Option<i32>, spec: &BuildSpec) -> Vec<String> {
    let one = |hint: &str| vec![hint.to_owned()];
    match class {
        Class::RunFailed => exit_code.and_then(meaning).map(one).unwrap_or_default(),
        Class::CopySource => missing_path(text)
            .and_then(|path| source_hint(path, spec))
            .into_iter()
            .collect(),
        Class::DockerfileSyntax if text.contains("nknown") => one(
            "a here-document or a flag that this engine does not know yet looks like this too; `# syntax=docker/dockerfile:1` as the first line fetches a newer frontend",
        ),
        Class::RegistryUnreachable if text.contains(" status ") => {
            one("the registry, or a proxy in front of it, has trouble of its own: try again later")
        }
        Class::RegistryUnreachable => {
            let mut hints = one(
                "the engine could not reach the registry: check its network, DNS and proxy (docker info)",
            );
            if spec.pull == PullPolicy::Always {
                hints.push("without --pull, base images that the engine has are used".to_owned());
            }
            hints
        }
        Class::RegistryDenied if text.contains("oomanyrequests") || text.contains("429") => {
            one("log in to raise the limit: docker login")
        }
        Class::RegistryDenied => one(
            "this dcb pulls anonymously; pull the image first: docker pull IMAGE, then build again",
        ),
        Class::ImageMissing => one(
            "check name and tag; for a private image: docker login, docker pull IMAGE, then build again",
        ),
        Class::BuildFailed if text.contains("invalid UTF-8") => one(
            "this engine takes no file names that are not UTF-8: leave them out in `.dockerignore`, or rename them (LC_ALL=C.UTF-8 find . | grep -axv '.*' lists them)",
        ),
        Class::DiskFull => one("see what can go: docker system df; then: docker builder prune"),
        _ => Vec::new(),
    }
}

/// What an exit code commonly means.
fn meaning(code: i32) -> Option<&'static str> {
    match code {
        126 => Some("exit code 126: the file was found and is not executable"),
        127 => Some("exit code 127: the command was not found in the image"),
        137 => Some("exit code 137: killed, most often because memory ran out"),
        139 => Some("exit code 139: the program crashed (segmentation fault)"),
        _ => None,
    }
}

/// Why a source is not in the context.
fn source_hint(path: &str, spec: &BuildSpec) -> Option<String> {
    let ContextSource::Directory(root) = &spec.context else {
        return None;
    };
    let full = root.join(path);
    if full.symlink_metadata().is_ok() {
        return Some(format!(
            "`{}` exists, so `.dockerignore` leaves it out",
            full.display()
        ));
    }
    let wanted = full.file_name()?.to_string_lossy().into_owned();
    let names: Vec<String> = std::fs::read_dir(full.parent()?)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let near = human::nearest(&wanted, names.iter().map(String::as_str));
    Some(match near {
        Some(name) => format!(
            "did you mean `{}`?",
            Path::new(path).with_file_name(name).display()
        ),
        None => format!("sources are looked up in the context, `{}`", root.display()),
    })
}

/// The line that an old engine names when it cannot parse the Dockerfile.
fn span_named(text: &str, spec: &BuildSpec) -> Option<Span> {
    let (_, after) = text.split_once("dockerfile parse error line ")?;
    let line = after.split_once(':')?.0.parse().ok()?;
    Some(Span::lines(&dockerfile_text(spec)?, line, line))
}

/// The place in the Dockerfile that a step's name leads to.
fn span_of(step: &str, spec: &BuildSpec) -> Option<Span> {
    let source = dockerfile_text(spec)?;
    let (first, last) = Dockerfile::parse(&source.text).lines_of(step)?;
    Some(Span::lines(&source, first, last))
}

fn dockerfile_text(spec: &BuildSpec) -> Option<Arc<Source>> {
    let text = match &spec.dockerfile {
        DockerfileSource::File(path) => std::fs::read_to_string(path).ok()?,
        DockerfileSource::Inline(text) | DockerfileSource::Instead(_, text) => text.clone(),
        DockerfileSource::InContext(_) => return None,
    };
    Some(Source::new(&spec.dockerfile_name, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sentences of real engines, 20.10 first where it differs.
    #[test]
    fn each_class_is_known_by_the_words_of_every_generation() {
        for (text, class) in [
            (
                "executor failed running [/bin/sh -c exit 7]: exit code: 7",
                Class::RunFailed,
            ),
            (
                "process \"/bin/sh -c exit 7\" did not complete successfully: exit code: 7",
                Class::RunFailed,
            ),
            (
                "failed to compute cache key: \"/nope.txt\" not found: not found",
                Class::CopySource,
            ),
            (
                "failed to compute cache key: failed to calculate checksum of ref x::y: \"/nope.txt\": not found",
                Class::CopySource,
            ),
            (
                "dockerfile parse error line 3: unknown instruction: FOO",
                Class::DockerfileSyntax,
            ),
            (
                "dockerfile parse error on line 3: unknown instruction: FOO (did you mean FROM?)",
                Class::DockerfileSyntax,
            ),
            (
                "failed to read dockerfile: open Dockerfile: no such file or directory",
                Class::DockerfileMissing,
            ),
            (
                "failed to read dockerfile: failed to load cache key: subdir not supported yet",
                Class::BuildFailed,
            ),
            ("target stage zzz could not be found", Class::TargetMissing),
            (
                "target stage \"zzz\" could not be found",
                Class::TargetMissing,
            ),
            (
                "failed to do request: Head https://r/v2/: dial tcp: lookup r: no such host",
                Class::RegistryUnreachable,
            ),
            (
                "nope: failed to resolve source metadata for docker.io/library/nope:latest: failed to do request: Head",
                Class::RegistryUnreachable,
            ),
            (
                "pulling from host 127.0.0.1:5000 failed with status code [manifests latest]: 500 Internal Server Error",
                Class::RegistryUnreachable,
            ),
            (
                "127.0.0.1:5000/x:latest: failed to resolve source metadata for 127.0.0.1:5000/x:latest: unexpected status from HEAD request to http://127.0.0.1:5000/v2/x/manifests/latest: 503 Service Unavailable",
                Class::RegistryUnreachable,
            ),
            (
                "failed to authorize: failed to fetch anonymous token: 401 Unauthorized",
                Class::RegistryDenied,
            ),
            (
                "docker.io/library/nope:latest: not found",
                Class::ImageMissing,
            ),
            ("write /var/lib/x: no space left on device", Class::DiskFull),
            ("something new", Class::BuildFailed),
        ] {
            assert_eq!(classify(text), class, "{text}");
        }
    }

    #[test]
    fn wrappers_of_old_engines_are_taken_off() {
        assert_eq!(
            plain(
                "failed to solve with frontend dockerfile.v0: failed to create LLB definition: dockerfile parse error line 3: x"
            ),
            "dockerfile parse error line 3: x"
        );
    }

    #[test]
    fn an_image_that_cannot_be_looked_up_is_named_with_the_reason() {
        let text = "busybox: failed to resolve source metadata for docker.io/library/busybox:latest: \
                    failed to do request: Head \"https://r/v2/library/busybox/manifests/latest\": \
                    dial tcp: lookup r on 10.0.0.53:53: no such host";
        assert_eq!(
            message(Class::RegistryUnreachable, text, None, None),
            "failed to look up `docker.io/library/busybox:latest` in its registry: \
             lookup r on 10.0.0.53:53: no such host"
        );
    }

    #[test]
    fn a_missing_source_is_named_without_its_wrapping() {
        for text in [
            "failed to compute cache key: \"/a/nope.txt\" not found: not found",
            "failed to calculate checksum of ref x: \"/a/nope.txt\": not found",
        ] {
            assert_eq!(missing_path(text), Some("a/nope.txt"));
        }
    }
}
