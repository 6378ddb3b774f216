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
    // The classic builder and Buildah, where a row of BuildKit's would read them wrongly.
    (&["requires BuildKit"], Class::Unsupported),
    (&["only supports the --"], Class::Unsupported),
    (&["OCI runtime create failed"], Class::RunFailed),
    (&["returned a non-zero code: "], Class::RunFailed),
    (&["while running runtime: exit status "], Class::RunFailed),
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

fn classify(text: &str) -> Class {
    TEXTS
        .iter()
        .find(|(words, _)| words.iter().all(|word| text.contains(word)))
        .map_or(Class::BuildFailed, |(_, class)| *class)
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

fn message(class: Class, text: &str, step: Option<&str>, exit_code: Option<i32>) -> String {
    match (class, step, exit_code) {
        (Class::RunFailed, Some(step), Some(code)) => {
            let command = human::truncate(instruction(step), 100).into_owned();
            format!("`{command}` ended with exit code {code}")
        }
        (Class::RunFailed, Some(step), None) => match not_started(text) {
            Some(why) => {
                let command = human::truncate(instruction(step), 100);
                format!("`{command}` did not start: {why}")
            }
            None => text.to_owned(),
        },
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

/// Why a container's process did not start.
fn not_started(text: &str) -> Option<&str> {
    let (_, why) = text.split_once("unable to start container process: ")?;
    let why = why
        .split_once("container init: ")
        .map_or(why, |(_, why)| why);
    Some(why.strip_suffix(": unknown").unwrap_or(why))
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

fn hints(class: Class, text: &str, exit_code: Option<i32>, spec: &BuildSpec) -> Vec<String> {
    let one = |hint: &str| vec![hint.to_owned()];
    match class {
        Class::RunFailed if not_started(text).is_some_and(|why| why.contains("\"/bin/sh\"")) => {
            one(
                "the image has no shell: write the command as a list, or begin with an image that has one",
            )
        }
        Class::RunFailed => exit_code.and_then(meaning).map(one).unwrap_or_default(),
        Class::Unsupported => one("use an engine with BuildKit, or leave the flag out"),
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
    let (_, after) = text.split_once("dockerfile parse error ")?;
    let after = after.strip_prefix("on ").unwrap_or(after);
    let after = after.strip_prefix("line ")?;
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

    /// Sentences of the classic builder, 20.10 first where it differs, and of Buildah 1.28.
    #[test]
    fn each_class_is_known_by_the_words_of_the_other_builders() {
        for (text, class) in [
            (
                "The command '/bin/sh -c exit 7' returned a non-zero code: 7",
                Class::RunFailed,
            ),
            (
                "building at STEP \"RUN exit 7\": while running runtime: exit status 7\n",
                Class::RunFailed,
            ),
            (
                "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"/bin/sh\": stat /bin/sh: no such file or directory: unknown",
                Class::RunFailed,
            ),
            (
                "the --mount option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how to build images with BuildKit enabled",
                Class::Unsupported,
            ),
            (
                "building at STEP \"RUN --network=none echo\": RUN only supports the --mount flag\n",
                Class::Unsupported,
            ),
            (
                "building at STEP \"COPY --link hi /hi\": COPY only supports the --chmod=<permissions> --chown=<uid:gid> and the --from=<image|stage> flags",
                Class::Unsupported,
            ),
            (
                "COPY failed: file not found in build context or excluded by .dockerignore: stat nope.txt: file does not exist",
                Class::CopySource,
            ),
            (
                "COPY failed: stat etc/nope: file does not exist",
                Class::CopySource,
            ),
            (
                "building at STEP \"COPY nope.txt /x\": checking on sources under \"/var/tmp/libpod_builder1/build\": copier: stat: \"/nope.txt\": no such file or directory\n",
                Class::CopySource,
            ),
            (
                "dockerfile parse error line 2: Unknown flag: link",
                Class::DockerfileSyntax,
            ),
            (
                "the Dockerfile (Dockerfile) cannot be empty",
                Class::DockerfileSyntax,
            ),
            (
                "building at STEP \"FOO \": Build error: Unknown instruction: \"FOO\" &imagebuilder.Step{Env:[]string{}}",
                Class::DockerfileSyntax,
            ),
            (
                "no contents in \"/var/tmp/libpod_builder1958373258/build/Dockerfile\"",
                Class::DockerfileSyntax,
            ),
            ("building: no stages to build", Class::DockerfileSyntax),
            (
                "failed to reach build target zzz in Dockerfile",
                Class::TargetMissing,
            ),
            (
                "The target \"zzz\" was not found in the provided Dockerfile",
                Class::TargetMissing,
            ),
            (
                "Cannot locate specified Dockerfile: Nope",
                Class::DockerfileMissing,
            ),
            (
                "stat /var/tmp/libpod_builder4155935353/build/Nope: no such file or directory",
                Class::DockerfileMissing,
            ),
            (
                "Get \"https://nope.invalid/v2/\": dial tcp: lookup nope.invalid on 10.0.0.53:53: no such host",
                Class::RegistryUnreachable,
            ),
            (
                "creating build container: initializing source docker://nope.invalid/nope:1: pinging container registry nope.invalid: Get \"https://nope.invalid/v2/\": dial tcp: lookup nope.invalid on 10.0.0.53:53: no such host",
                Class::RegistryUnreachable,
            ),
            (
                "ADD failed: Get \"https://nope.invalid/x\": dial tcp: lookup nope.invalid on 10.0.0.53:53: no such host",
                Class::BuildFailed,
            ),
            (
                "invalid from flag value one: image with reference sha256:5591 was found but does not match the specified platform: wanted linux/arm64, actual: linux/amd64",
                Class::ImageMissing,
            ),
        ] {
            assert_eq!(classify(&plain(text)), class, "{text}");
        }
    }

    #[test]
    fn the_other_builders_words_are_read_to_the_point() {
        assert_eq!(
            plain(
                "building at STEP \"FOO \": Build error: Unknown instruction: \"FOO\" &imagebuilder.Step{Env:[]string{}}\n"
            ),
            "Build error: Unknown instruction: \"FOO\""
        );
        for text in [
            "COPY failed: file not found in build context or excluded by .dockerignore: stat a/nope.txt: file does not exist",
            "checking on sources under \"/var/tmp/x/build\": copier: stat: \"/a/nope.txt\": no such file or directory",
        ] {
            assert_eq!(missing_path(text), Some("a/nope.txt"));
        }
        for (text, code) in [
            (
                "The command '/bin/sh -c exit 7' returned a non-zero code: 42",
                42,
            ),
            ("while running runtime: exit status 127", 127),
        ] {
            assert_eq!(exit_code(text), Some(code));
        }
        for text in [
            "runc create failed: unable to start container process: exec: \"/bin/sh\": stat /bin/sh: no such file or directory: unknown",
            "runc create failed: unable to start container process: error during container init: exec: \"/bin/sh\": stat /bin/sh: no such file or directory",
        ] {
            assert_eq!(
                not_started(text),
                Some("exec: \"/bin/sh\": stat /bin/sh: no such file or directory")
            );
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
