//! The platforms that a service is built for, and whether the engine can run them.
//!
//! As Compose decides it: `build.platforms` when images are built to be kept, one platform when they
//! are to be started.

use super::ability::Builders;
use super::guard::Asked;
use super::request::Request;
use crate::compose::{Build, Service};
use crate::diagnostic::Diagnostic;

/// The platforms of a build; none when the builder decides.
pub(super) fn of(service: &Service, build: &Build, request: &Request) -> Vec<String> {
    let runs = service
        .platform
        .as_ref()
        .or(request.default_platform.as_ref());
    match (runs, build.platforms.as_slice()) {
        (Some(platform), []) => vec![platform.clone()],
        (Some(platform), _) if request.to_start => vec![platform.clone()],
        (None, several) if request.to_start && several.len() > 1 => Vec::new(),
        (_, listed) => listed.to_vec(),
    }
}

/// Why the platform that the environment asks for is none that the service is built for.
pub(super) fn excluded(asked: &Asked<'_>, request: &Request) -> Option<Diagnostic> {
    let Asked { service, build, .. } = asked;
    let default = request
        .default_platform
        .as_deref()
        .filter(|_| service.platform.is_none())?;
    if build.platforms.is_empty() || build.platforms.iter().any(|built| built == default) {
        return None;
    }
    let at = build.keys.get("platforms").unwrap_or(&build.at).clone();
    Some(
        Diagnostic::error(format!(
            "`platforms` of service `{}` has no `{default}`, which DOCKER_DEFAULT_PLATFORM asks for",
            service.name
        ))
        .at(at, "")
        .help(format!("add `{default}`, or unset DOCKER_DEFAULT_PLATFORM")),
    )
}

/// The platforms whose programs the engine cannot run: a `RUN` for them would fail.
///
/// A warning and no error, because a Dockerfile without `RUN` is built for any platform.
pub(super) fn without_emulation(asked: &Asked<'_>, builders: Builders<'_>) -> Option<Diagnostic> {
    let runs = &builders.worker?.platforms;
    let missing: Vec<&str> = asked
        .platforms
        .iter()
        .map(String::as_str)
        .filter(|wanted| !runs.iter().any(|known| same(known, wanted)))
        .collect();
    let first = missing.first()?;
    let Asked { service, build, .. } = asked;
    let at = build.keys.get("platforms").unwrap_or(&build.at).clone();
    let architecture = first.split('/').nth(1).unwrap_or(first);
    Some(
        Diagnostic::warning(format!(
            "the engine cannot run programs for {}: a `RUN` of `{}` would fail there",
            missing.join(", "),
            service.name
        ))
        .at(at, "")
        .help(format!(
            "teach its kernel to: docker run --privileged --rm tonistiigi/binfmt --install {architecture}"
        )),
    )
}

/// Whether two names are those of one platform: `linux/arm64` is `linux/arm64/v8`, and `amd64` alone
/// is one of Linux.
fn same(one: &str, other: &str) -> bool {
    normal(one) == normal(other)
}

/// Source: `platforms.Normalize` of containerd.
fn normal(platform: &str) -> (String, String, String) {
    let lower = platform.to_lowercase();
    let mut parts = lower.split('/');
    let (os, architecture) = match (parts.next(), parts.next()) {
        (Some(os), Some(architecture)) => (os, architecture),
        (Some(architecture), None) => ("linux", architecture),
        (None, _) => ("", ""),
    };
    let variant = parts.next().unwrap_or_default();
    let (architecture, variant) = match (architecture, variant) {
        ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
        ("x86_64" | "x86-64", variant) => ("amd64", variant),
        ("aarch64" | "arm64", "8" | "v8") => ("arm64", ""),
        ("aarch64", variant) => ("arm64", variant),
        ("i386", _) => ("386", ""),
        ("armel", _) => ("arm", "v6"),
        ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
        other => other,
    };
    (os.to_owned(), architecture.to_owned(), variant.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_have_several_names() {
        for (one, other) in [
            ("linux/arm64", "linux/arm64/v8"),
            ("linux/amd64", "amd64"),
            ("linux/x86_64", "linux/amd64"),
            ("linux/arm", "linux/arm/v7"),
        ] {
            assert!(same(one, other), "{one} {other}");
        }
        assert!(!same("linux/amd64", "linux/amd64/v3"));
        assert!(!same("linux/arm/v6", "linux/arm/v7"));
    }
}
