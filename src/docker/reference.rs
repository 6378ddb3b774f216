//! Image references in the form the engine stores them under.
//!
//! The `moby` exporter takes full names only; people write short ones. The rules are those of the
//! `distribution/reference` grammar: `web` is `docker.io/library/web:latest`.

use thiserror::Error;

/// Why a text is no image reference.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ReferenceError {
    /// Upper case where none may be.
    #[error("`{0}` is not an image name: names are lower case")]
    UpperCase(String),
    /// Another character than the grammar allows.
    #[error("`{0}` is not an image name: {1}")]
    Invalid(String, &'static str),
}

/// The full form of `text`: registry, path and tag (or digest) spelt out.
///
/// # Errors
/// When it is not a reference that an image can be tagged with.
pub fn normalize(text: &str) -> Result<String, ReferenceError> {
    let invalid = |why| Err(ReferenceError::Invalid(text.to_owned(), why));
    let (name, digest) = match text.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (text, None),
    };
    let (path, tag) = match name.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
        _ => (name, None),
    };
    let (domain, rest) = split_domain(path);
    if rest.chars().any(|c| c.is_ascii_uppercase()) {
        return Err(ReferenceError::UpperCase(text.to_owned()));
    }
    if rest.is_empty() || !rest.split('/').all(is_component) {
        return invalid("a path consists of a-z, 0-9 and single . _ - between them");
    }
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return invalid(
            "a tag consists of at most 128 of A-Z a-z 0-9 _ . - and begins with none of the last two",
        );
    }
    let full = format!("{domain}/{rest}");
    Ok(match (tag, digest) {
        (Some(tag), Some(digest)) => format!("{full}:{tag}@{digest}"),
        (Some(tag), None) => format!("{full}:{tag}"),
        (None, Some(digest)) => format!("{full}@{digest}"),
        (None, None) => format!("{full}:latest"),
    })
}

/// The registry of a full name.
pub fn registry(full: &str) -> &str {
    full.split_once('/').map_or(full, |(registry, _)| registry)
}

/// `text` as people write it, in the one form by which BuildKit looks for named contexts: without
/// what goes without saying, `docker.io/library/` and `:latest`. A platform may follow after `::`.
/// Nothing when it is no reference.
pub fn familiar(text: &str) -> Option<String> {
    let (text, platform) = match text.split_once("::") {
        Some((name, platform)) => (name, Some(platform)),
        None => (text, None),
    };
    let full = normalize(text).ok()?;
    let short = full
        .strip_prefix("docker.io/library/")
        .or_else(|| full.strip_prefix("docker.io/"))
        .unwrap_or(&full);
    let short = short.strip_suffix(":latest").unwrap_or(short);
    Some(match platform {
        Some(platform) => format!("{short}::{platform}"),
        None => short.to_owned(),
    })
}

/// Registry and path. The first part is a registry when it looks like a host.
fn split_domain(path: &str) -> (&str, String) {
    match path.split_once('/') {
        Some((host, rest))
            if host.contains(['.', ':'])
                || host == "localhost"
                || host.chars().any(|c| c.is_ascii_uppercase()) =>
        {
            let host = if host == "index.docker.io" {
                "docker.io"
            } else {
                host
            };
            if host == "docker.io" && !rest.contains('/') {
                (host, format!("library/{rest}"))
            } else {
                (host, rest.to_owned())
            }
        }
        Some(_) => ("docker.io", path.to_owned()),
        None => ("docker.io", format!("library/{path}")),
    }
}

/// `[a-z0-9]+` joined by `.`, `_`, `__` or any number of `-`.
fn is_component(part: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    part.starts_with(alphanumeric)
        && part.ends_with(alphanumeric)
        && part
            .split(alphanumeric)
            .filter(|gap| !gap.is_empty())
            .all(|gap| matches!(gap, "." | "_" | "__") || gap.chars().all(|c| c == '-'))
}

fn is_tag(tag: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (1..=128).contains(&tag.len())
        && tag.starts_with(word)
        && tag.chars().all(|c| word(c) || c == '.' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_spelt_out() {
        for (short, full) in [
            ("web", "docker.io/library/web:latest"),
            ("acme/web:1.0", "docker.io/acme/web:1.0"),
            ("localhost/web", "localhost/web:latest"),
            ("localhost:5000/a/web", "localhost:5000/a/web:latest"),
            ("docker.io/web", "docker.io/library/web:latest"),
            ("shop-web__x:T.1", "docker.io/library/shop-web__x:T.1"),
            ("ghcr.io/a/b@sha256:ab", "ghcr.io/a/b@sha256:ab"),
        ] {
            assert_eq!(normalize(short).as_deref(), Ok(full), "{short}");
        }
    }

    #[test]
    fn what_goes_without_saying_is_left_out_of_the_name_of_a_context() {
        for (written, short) in [
            ("base", Some("base")),
            ("alpine:latest", Some("alpine")),
            ("docker.io/library/alpine:3", Some("alpine:3")),
            ("docker.io/acme/web", Some("acme/web")),
            ("ghcr.io/a/b:latest", Some("ghcr.io/a/b")),
            ("base::linux/arm64", Some("base::linux/arm64")),
            ("Base", None),
        ] {
            assert_eq!(familiar(written).as_deref(), short, "{written}");
        }
    }

    #[test]
    fn names_that_no_image_can_have_are_refused() {
        for name in [
            "", "Web", "-web", "web-", "a//b", "web:", "web:.x", "a b", "a..b",
        ] {
            assert!(normalize(name).is_err(), "{name}");
        }
    }
}
