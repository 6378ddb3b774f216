//! The sentences of real engines, and what is made of them.

use std::collections::BTreeSet;

use super::*;
use crate::docker::spec::{ContextSource, DockerfileSource};

/// Builder, class, whether it may pass, words.
fn sentences() -> Vec<(&'static str, &'static str, bool, &'static str)> {
    include_str!("../../../tests/sentences.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [builder, class, passes, words] = fields.as_slice() else {
                panic!("`{line}` is no sentence");
            };
            (*builder, *class, *passes == "passes", *words)
        })
        .collect()
}

#[test]
fn each_class_is_known_by_the_words_of_every_builder() {
    for (builder, class, passing, words) in sentences() {
        let text = plain(words);
        assert_eq!(classify(&text).id(), class, "{builder}: {words}");
        let told = classify(&text).may_pass() && passes(&text);
        assert_eq!(told, passing, "{builder}: {words}");
    }
}

/// A row without a sentence is a guess, and one that no sentence reaches is dead.
#[test]
fn every_row_of_the_table_has_a_sentence_or_says_why_not() {
    // Read in the sources of BuildKit or in public threads, as whole words of a longer text.
    let read = [
        "disk quota exceeded",
        "returned a non-zero code: ",
        "reading \"http",
        "ADD failed: stat ",
        "unknown instruction",
        "nknown flag",
        "failed to calculate checksum",
        "undefined build secret",
        "unset ssh forward key",
        "invalid empty ssh agent socket",
        "granting entitlement ",
        "unknown cache importer",
        "cache exporter requires",
        "error writing manifest blob",
        "unknown method ",
        "failed to create temp dir",
        "snapshot",
        "database not open",
        "input/output error",
        "exit code: ",
        "no basic auth credentials",
        "i/o timeout",
        "failed to copy: ",
        "failed to resolve source metadata",
        "manifest unknown",
    ];
    let reached: BTreeSet<usize> = sentences()
        .iter()
        .filter_map(|(.., words)| {
            let text = plain(words);
            TEXTS.iter().position(|(row, _)| occur(row, &text))
        })
        .collect();
    for (index, (row, class)) in TEXTS.iter().enumerate() {
        assert!(
            reached.contains(&index) || read.contains(&row[0]),
            "{row:?} ({class:?}) is reached by no sentence"
        );
    }
}

fn spec(dockerfile: &str) -> BuildSpec {
    BuildSpec::new(
        ContextSource::Directory("/nowhere".into()),
        DockerfileSource::Inline(dockerfile.to_owned()),
        "Dockerfile",
    )
}

fn said(text: &str, step: Option<&str>, exit_code: Option<i32>, spec: &BuildSpec) -> Failure {
    let said = Said {
        text,
        step,
        exit_code,
        place: None,
        builder: Builder::Engine,
    };
    said.failure(spec)
}

fn place(failure: &Failure) -> Option<String> {
    Some(failure.diagnostics.first()?.primary.as_ref()?.0.to_string())
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
fn a_frontend_that_cannot_be_fetched_is_no_missing_base_image() {
    let spec = spec("# syntax=docker/dockerfile:1\nFROM docker/dockerfile:1\n");
    let refused = "failed to do request: Head \"https://r/v2/docker/dockerfile/manifests/1\": dial tcp 10.0.0.1:443: connect: connection refused";
    for (step, class, at) in [
        (
            "resolve image config for docker.io/docker/dockerfile:1",
            Class::FrontendUnavailable,
            "Dockerfile:1:1",
        ),
        (
            "resolve image config for docker-image://docker.io/docker/dockerfile:1",
            Class::FrontendUnavailable,
            "Dockerfile:1:1",
        ),
        (
            "[internal] load metadata for docker.io/docker/dockerfile:1",
            Class::RegistryUnreachable,
            "Dockerfile:2:1",
        ),
    ] {
        let failure = said(refused, Some(step), None, &spec);
        assert_eq!(failure.class, class, "{step}");
        assert!(failure.transient);
        assert!(
            failure.message.contains("`docker.io/docker/dockerfile:1`"),
            "{failure}"
        );
        assert_eq!(place(&failure).as_deref(), Some(at));
    }
}

#[test]
fn what_is_named_as_a_frontend_and_is_none_is_no_failing_run() {
    let spec = spec("# syntax=busybox\nFROM busybox\n");
    for code in [None, Some(1)] {
        let failure = said("failed to solve: exit code: 1", None, code, &spec);
        assert_eq!(failure.class, Class::FrontendUnavailable);
        assert_eq!(failure.exit_code, None);
        assert!(!failure.transient);
    }
}

#[test]
fn a_feature_of_a_newer_frontend_is_no_mistake_in_the_dockerfile() {
    let text = "FROM a\nRUN <<EOT\necho\nEOT\nFOO\n";
    for (words, class) in [
        (
            "dockerfile parse error line 2: Unknown flag: link",
            Class::FrontendTooOld,
        ),
        (
            "dockerfile parse error on line 2: unknown flag: --parents",
            Class::FrontendTooOld,
        ),
        (
            "dockerfile parse error on line 2: unknown flag: --patents",
            Class::DockerfileSyntax,
        ),
        (
            "dockerfile parse error line 3: unknown instruction: ECHO",
            Class::FrontendTooOld,
        ),
        (
            "dockerfile parse error line 5: unknown instruction: FOO",
            Class::DockerfileSyntax,
        ),
    ] {
        let failure = said(words, None, None, &spec(text));
        assert_eq!(failure.class, class, "{words}");
    }
}

#[test]
fn a_process_that_was_killed_is_a_class_of_its_own() {
    let spec = spec("FROM a\nRUN make\n");
    let failure = said(
        "process \"/bin/sh -c make\" did not complete successfully: exit code: 137",
        Some("[2/2] RUN make"),
        None,
        &spec,
    );
    assert_eq!(failure.class, Class::RunKilled);
    assert_eq!(failure.exit_code, Some(137));
    assert_eq!(failure.message, "`RUN make` was killed (exit code 137)");
    assert_eq!(place(&failure).as_deref(), Some("Dockerfile:2:1"));
}

#[test]
fn an_image_that_cannot_be_looked_up_is_named_with_the_reason_and_shown_at_its_from() {
    let spec = spec("ARG T=latest\nFROM a\nCOPY --from=busybox:$T /a /b\n");
    for (text, step) in [
        (
            "busybox: failed to resolve source metadata for docker.io/library/busybox:latest: \
             failed to do request: Head \"https://r/v2/library/busybox/manifests/latest\": \
             dial tcp: lookup r on 10.0.0.53:53: no such host",
            None,
        ),
        (
            "failed to load cache key: failed to do request: Head \"https://r/v2/library/busybox/manifests/latest\": \
             dial tcp: lookup r on 10.0.0.53:53: no such host",
            Some("FROM docker.io/library/busybox:latest"),
        ),
    ] {
        let failure = said(text, step, None, &spec);
        assert_eq!(failure.class, Class::RegistryUnreachable);
        assert!(!failure.transient);
        assert_eq!(
            failure.message,
            "failed to look up `docker.io/library/busybox:latest` in its registry: \
             lookup r on 10.0.0.53:53: no such host"
        );
        assert_eq!(place(&failure).as_deref(), Some("Dockerfile:3:1"));
    }
}

#[test]
fn an_image_that_is_not_there_is_named_once() {
    let failure = said(
        "127.0.0.1:5000/x:latest: not found",
        Some("[internal] load metadata for 127.0.0.1:5000/x:latest"),
        None,
        &spec("FROM 127.0.0.1:5000/x\n"),
    );
    assert_eq!(
        failure.message,
        "failed to look up `127.0.0.1:5000/x:latest` in its registry: not found"
    );
}

#[test]
fn a_stage_that_is_not_there_is_told_with_those_that_are() {
    for (dockerfile, hint) in [
        ("FROM a AS pord\n", "did you mean `pord`?"),
        (
            "FROM a AS one\nFROM b AS two\n",
            "its stages are `one` and `two`",
        ),
        (
            "FROM a\n",
            "no stage of `Dockerfile` has a name: write `FROM ... AS prod`",
        ),
    ] {
        let mut spec = spec(dockerfile);
        spec.target = Some("prod".to_owned());
        let failure = said("target stage prod could not be found", None, None, &spec);
        assert_eq!(failure.hints, [hint]);
    }
}

#[test]
fn a_missing_source_is_named_without_its_wrapping() {
    for text in [
        "failed to compute cache key: \"/a/nope.txt\" not found: not found",
        "failed to calculate checksum of ref x: \"/a/nope.txt\": not found",
        "COPY failed: file not found in build context or excluded by .dockerignore: stat a/nope.txt: file does not exist",
        "checking on sources under \"/var/tmp/x/build\": copier: stat: \"/a/nope.txt\": no such file or directory",
    ] {
        assert_eq!(missing_path(text), Some("a/nope.txt"));
    }
}

#[test]
fn an_export_whose_layers_were_collected_meanwhile_may_be_made_again() {
    let spec = spec("FROM a\nRUN make\n");
    let failure = said(
        "failed to prepare extraction snapshot \"extract-155946834-HNdJ sha256:ab\": \
         parent snapshot sha256:cd does not exist: not found",
        Some("exporting to image"),
        None,
        &spec,
    );
    assert_eq!(failure.class, Class::BuilderBroken);
    assert!(failure.transient);
}
