//! Why a push failed: a builder's words, which are a registry's for the most part.

use super::{Builder, occur, passes, plain, remedy};
use crate::docker::reference;
use crate::failure::{Class, Failure};

/// What the text of an error means. The first row whose words all occur counts.
const TEXTS: &[(&[&str], Class)] = &[
    (&["does not exist locally"], Class::ImageMissing),
    (&["no space left on device"], Class::DiskFull),
    (&["429 Too Many Requests"], Class::RateLimited),
    (&["429 (Too Many Requests)"], Class::RateLimited),
    (&["oomanyrequests"], Class::RateLimited),
    (&["401 Unauthorized"], Class::RegistryDenied),
    (&["403 Forbidden"], Class::RegistryDenied),
    (&["403 (Forbidden)"], Class::RegistryDenied),
    (&["unauthorized"], Class::RegistryDenied),
    (&["no basic auth credentials"], Class::RegistryDenied),
    (&["failed to authorize"], Class::RegistryDenied),
    (&["denied"], Class::RegistryDenied),
];

/// What a registry says that has trouble of its own, and may not have it a moment later.
const TROUBLE: &[&[&str]] = &[
    &["unexpected HTTP status: 5"],
    &["unexpected status from ", ": 5"],
    &["destination repository ", ": 5"],
];

/// What engines that keep images in a graph driver say when they themselves have asked five times, for
/// half a minute: to do that three times over would help nobody.
const TRIED: &str = "received unexpected HTTP status: ";

/// The failure that these words stand for when the image of the full name `name` is pushed: by the
/// engine, or by the builder of that name.
pub(in crate::docker) fn push(text: &str, name: &str, builder: Option<&str>) -> Failure {
    let text = plain(text);
    // What is wrong with a push and has no row is wrong with its registry.
    let class = TEXTS
        .iter()
        .find(|(words, _)| occur(words, &text))
        .map_or(Class::RegistryUnreachable, |(_, class)| *class);
    let trouble = TROUBLE.iter().any(|words| occur(words, &text));
    let mut failure = Failure::new(class, format!("failed to push `{name}`: {text}"));
    failure.transient = class.may_pass() && (trouble || passes(&text)) && !text.starts_with(TRIED);
    if class == Class::DiskFull {
        failure.hints = remedy::room(builder.map_or(Builder::Engine, Builder::Own));
        return failure;
    }
    failure.hints.push(match class {
        Class::ImageMissing => format!("something removed `{name}` after it was built: build again"),
        Class::RegistryDenied => {
            let login = remedy::login(Some(name));
            format!("log in as a user who may push there: {login}")
        }
        Class::RateLimited => match remedy::retry_after(&text) {
            Some(wait) => format!("the registry asks to wait for {wait}"),
            None => "wait, and push again: the registry does not tell how long".to_owned(),
        },
        _ if trouble => {
            "the registry, or a proxy in front of it, has trouble of its own: try again later"
                .to_owned()
        }
        _ => {
            let (who, ask) = match builder {
                None => ("the engine".to_owned(), "docker info".to_owned()),
                Some(builder) => (
                    format!("the builder `{builder}`"),
                    format!("docker buildx inspect {builder}"),
                ),
            };
            let registry = reference::registry(name);
            format!(
                "{who} pushes, so it must reach `{registry}`: check its network, DNS and proxy ({ask})"
            )
        }
    });
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As engines 20.10, 26.1 and 28.5, the last also with the containerd store and as a builder of
    /// buildx, and Podman 4.3 say it.
    const SENTENCES: &[(&str, &str, bool)] = &[
        (
            "An image does not exist locally with the tag: r/web",
            "image-missing",
            false,
        ),
        (
            "write /var/lib/docker/x: no space left on device",
            "disk-full",
            false,
        ),
        (
            "toomanyrequests: You have reached your pull rate limit.",
            "rate-limited",
            false,
        ),
        (
            "unexpected status from HEAD request to http://r/v2/web/blobs/sha256:1: 429 Too Many Requests",
            "rate-limited",
            false,
        ),
        (
            "failed to read from destination repository web: 429 (Too Many Requests)",
            "rate-limited",
            false,
        ),
        (
            "unexpected status from HEAD request to http://r/v2/web/blobs/sha256:1: 401 Unauthorized",
            "registry-denied",
            false,
        ),
        (
            "unexpected status from HEAD request to http://r/v2/web/blobs/sha256:1: 403 Forbidden",
            "registry-denied",
            false,
        ),
        (
            "failed to read from destination repository web: 403 (Forbidden)",
            "registry-denied",
            false,
        ),
        (
            "checking whether a blob sha256:1 exists in r/web: unauthorized: authentication required",
            "registry-denied",
            false,
        ),
        ("no basic auth credentials", "registry-denied", false),
        (
            "failed to authorize: failed to fetch oauth token: unexpected status",
            "registry-denied",
            false,
        ),
        (
            "push access denied, repository does not exist or may require authorization",
            "registry-denied",
            false,
        ),
        (
            "denied: requested access to the resource is denied",
            "registry-denied",
            false,
        ),
        (
            "received unexpected HTTP status: 500 Internal Server Error",
            "registry-unreachable",
            false,
        ),
        (
            "unexpected status from HEAD request to http://r/v2/web/blobs/sha256:1: 503 Service Unavailable",
            "registry-unreachable",
            true,
        ),
        (
            "failed to read from destination repository web: 503 (Service Unavailable)",
            "registry-unreachable",
            true,
        ),
        ("Get \"http://r/v2/\": EOF", "registry-unreachable", true),
        (
            "failed to do request: Head \"https://r/v2/x\": dial tcp 127.0.0.1:1: connect: connection refused",
            "registry-unreachable",
            true,
        ),
        (
            "Get \"https://registry.invalid/v2/\": dial tcp: lookup registry.invalid: no such host",
            "registry-unreachable",
            false,
        ),
        ("manifest unknown", "registry-unreachable", false),
    ];

    #[test]
    fn what_engines_say_of_a_push_is_understood() {
        for (text, class, passes) in SENTENCES {
            let failure = push(text, "r:5000/web:latest", None);
            assert_eq!(
                (failure.class.id(), failure.transient),
                (*class, *passes),
                "{text}"
            );
            let hints = if failure.class == Class::DiskFull {
                3
            } else {
                1
            };
            assert_eq!(failure.hints.len(), hints, "{text}");
        }
    }

    #[test]
    fn who_pushes_is_told() {
        let hint = |text: &str, builder| push(text, "r:5000/web:latest", builder).hints.remove(0);
        let full = "no space left on device";
        assert!(hint("EOF", None).starts_with("the engine pushes, so it must reach `r:5000`"));
        assert!(hint("EOF", Some("far")).starts_with("the builder `far` pushes"));
        assert!(hint(full, Some("far")).ends_with("docker buildx prune --builder far"));
    }

    #[test]
    fn every_row_is_reached() {
        for (words, class) in TEXTS {
            let first = SENTENCES.iter().find(|(text, ..)| {
                TEXTS
                    .iter()
                    .find(|(words, _)| occur(words, text))
                    .map(|(words, _)| words)
                    == Some(words)
            });
            assert!(first.is_some(), "{words:?} ({class:?})");
        }
    }
}
