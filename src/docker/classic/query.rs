//! A build's wishes as the parameters of `POST /build`.
//!
//! The names are the Engine API's. Buildah spells two values differently: hosts and limits are lists
//! of its command line's words, where the engine takes repeated keys and objects.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde_json::json;

use super::Dialect;
use crate::docker::api_version::ApiVersion;
use crate::docker::cache_entry::CacheEntry;
use crate::docker::spec::{BuildSpec, CacheUse, ContextSource, Network, PullPolicy};
use crate::failure::{Class, Failure};

/// What needs no escape in a query.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/')
    .remove(b':');

/// The first API with the parameter `platform`; engines before it would ignore it in silence.
const PLATFORM: ApiVersion = ApiVersion(1, 32);

/// The longest address that the HTTP library sends.
const LONGEST: usize = u16::MAX as usize - 1;

/// The path and query of the request. `dockerfile` is its path in the context.
pub(super) fn path(
    spec: &BuildSpec,
    dockerfile: &[u8],
    dialect: Dialect,
    api: ApiVersion,
) -> Result<String, Failure> {
    if let Some(platform) = spec.platforms.first().filter(|_| api < PLATFORM) {
        return Err(Failure::new(
            Class::Unsupported,
            format!("this engine (API {api}) cannot build for `{platform}`: it knows its own platform only"),
        )
        .hint("leave `platform` out, or use engine 18.02 or later"));
    }
    let mut path = format!("/v{api}/build?");
    for (index, (name, value)) in parameters(spec, dockerfile, dialect).iter().enumerate() {
        if index > 0 {
            path.push('&');
        }
        path.push_str(name);
        path.push('=');
        path.extend(percent_encode(value, ESCAPED));
    }
    if path.len() > LONGEST {
        return Err(Failure::new(
            Class::Unsupported,
            "the build arguments and labels are too long for the classic builder, which takes 64 KiB of them",
        )
        .hint("pass long values as files of the context"));
    }
    Ok(path)
}

type Parameter = (&'static str, Vec<u8>);

fn parameters(spec: &BuildSpec, dockerfile: &[u8], dialect: Dialect) -> Vec<Parameter> {
    let mut all: Vec<Parameter> = vec![
        ("version", b"1".to_vec()),
        ("dockerfile", dockerfile.to_vec()),
        ("rm", b"1".to_vec()),
        // Without it a failed step leaves its container, and with that the data it wrote.
        ("forcerm", b"1".to_vec()),
    ];
    let mut set = |name, value: String| all.push((name, value.into_bytes()));
    if let ContextSource::Remote(url) = &spec.context {
        set("remote", url.clone());
    }
    for tag in &spec.tags {
        set("t", tag.clone());
    }
    if !spec.args.is_empty() {
        let args = spec.args.iter().map(|(name, arg)| (name, arg.reveal()));
        set("buildargs", object(args));
    }
    if !spec.labels.is_empty() {
        set(
            "labels",
            object(
                spec.labels
                    .iter()
                    .map(|(name, value)| (name, value.as_str())),
            ),
        );
    }
    if let Some(target) = &spec.target {
        set("target", target.clone());
    }
    if let Some(platform) = spec.platforms.first() {
        set("platform", platform.clone());
    }
    // Docker's classic builder has no cache mounts, and Podman's never empties its own.
    if matches!(spec.cache, CacheUse::None | CacheUse::Mounts) {
        set("nocache", "1".to_owned());
    }
    let caches: Vec<&str> = spec
        .cache_from
        .iter()
        .filter_map(CacheEntry::reference)
        .collect();
    if !caches.is_empty() {
        set("cachefrom", json!(caches).to_string());
    }
    if spec.pull == PullPolicy::Always {
        set("pull", "1".to_owned());
    }
    match &spec.network {
        Network::Default => {}
        Network::Host => set("networkmode", "host".to_owned()),
        // Podman 4.3 ignores `none` in silence.
        Network::None if dialect == Dialect::Buildah => {
            set("networkmode", "NetworkDisabled".to_owned());
        }
        Network::None => set("networkmode", "none".to_owned()),
        Network::Named(name) => set("networkmode", name.clone()),
    }
    if let Some(bytes) = spec.shm_size {
        set("shmsize", bytes.to_string());
    }
    hosts_and_limits(spec, dialect, set);
    all
}

fn hosts_and_limits(spec: &BuildSpec, dialect: Dialect, mut set: impl FnMut(&'static str, String)) {
    let hosts = spec.extra_hosts.iter().map(|(h, ip)| format!("{h}:{ip}"));
    match dialect {
        Dialect::Docker => hosts.for_each(|host| set("extrahosts", host)),
        Dialect::Buildah if spec.extra_hosts.is_empty() => {}
        Dialect::Buildah => set("extrahosts", json!(hosts.collect::<Vec<_>>()).to_string()),
    }
    if spec.ulimits.is_empty() {
        return;
    }
    let limits: Vec<serde_json::Value> = spec
        .ulimits
        .iter()
        .map(|limit| match dialect {
            Dialect::Docker => {
                json!({ "Name": limit.name, "Soft": limit.soft, "Hard": limit.hard })
            }
            Dialect::Buildah => json!(format!("{}={}:{}", limit.name, limit.soft, limit.hard)),
        })
        .collect();
    set("ulimits", json!(limits).to_string());
}

/// A JSON object, its keys sorted.
fn object<'a>(pairs: impl Iterator<Item = (&'a String, &'a str)>) -> String {
    json!(pairs.collect::<BTreeMap<_, _>>()).to_string()
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;
    use percent_encoding::percent_decode_str;

    use super::*;
    use crate::compose::Ulimit;
    use crate::docker::DockerfileSource;
    use crate::secret::ArgValue;

    fn plain() -> BuildSpec {
        BuildSpec::new(
            ContextSource::Directory("/src".into()),
            DockerfileSource::Inline("FROM scratch".into()),
            "Dockerfile",
        )
    }

    fn full() -> BuildSpec {
        BuildSpec {
            context: ContextSource::Remote("https://h/r.git#main:sub".into()),
            target: Some("prod".into()),
            args: [("B_TOKEN", "s3&=+ \n"), ("A", "ü")]
                .map(|(name, value)| (name.into(), ArgValue::new(name, value)))
                .into(),
            labels: IndexMap::from([("a.b".into(), "c".into())]),
            tags: vec!["docker.io/x:1".into(), "docker.io/x:2".into()],
            platforms: vec!["linux/arm64".into()],
            cache: CacheUse::None,
            pull: PullPolicy::Always,
            network: Network::None,
            extra_hosts: vec![("db".into(), "10.0.0.1".into()), ("x".into(), "::1".into())],
            shm_size: Some(64 << 30),
            ulimits: vec![Ulimit {
                name: "nofile".into(),
                soft: 1,
                hard: 2,
            }],
            ..plain()
        }
    }

    fn told(spec: &BuildSpec, dialect: Dialect) -> Vec<String> {
        let path = path(spec, b"d \xff", dialect, ApiVersion(1, 41)).expect("a path");
        let query = path.strip_prefix("/v1.41/build?").expect("the version");
        let parts = query.split('&');
        parts
            .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
            .collect()
    }

    #[test]
    fn a_plain_build_says_nothing_needless() {
        let expected = ["version=1", "dockerfile=d \u{fffd}", "rm=1", "forcerm=1"];
        assert_eq!(told(&plain(), Dialect::Docker), expected);
        assert_eq!(told(&plain(), Dialect::Buildah), expected);
    }

    #[test]
    fn every_key_has_its_parameter() {
        let told = told(&full(), Dialect::Docker);
        assert_eq!(
            told[4..],
            [
                "remote=https://h/r.git#main:sub",
                "t=docker.io/x:1",
                "t=docker.io/x:2",
                "buildargs={\"A\":\"ü\",\"B_TOKEN\":\"s3&=+ \\n\"}",
                "labels={\"a.b\":\"c\"}",
                "target=prod",
                "platform=linux/arm64",
                "nocache=1",
                "pull=1",
                "networkmode=none",
                "shmsize=68719476736",
                "extrahosts=db:10.0.0.1",
                "extrahosts=x:::1",
                "ulimits=[{\"Hard\":2,\"Name\":\"nofile\",\"Soft\":1}]",
            ]
        );
    }

    #[test]
    fn buildah_takes_hosts_and_limits_as_lists() {
        let told = told(&full(), Dialect::Buildah);
        assert_eq!(told[13], "networkmode=NetworkDisabled");
        assert_eq!(
            told[15..],
            [
                "extrahosts=[\"db:10.0.0.1\",\"x:::1\"]",
                "ulimits=[\"nofile=1:2\"]",
            ]
        );
    }

    #[test]
    fn what_would_be_ignored_or_cannot_be_sent_is_refused() {
        let class = |spec: &BuildSpec, api| {
            path(spec, b"D", Dialect::Docker, api).map_err(|failure| failure.class)
        };
        let old = ApiVersion(1, 31);
        assert_eq!(class(&full(), old), Err(Class::Unsupported));
        assert!(class(&plain(), old).is_ok());
        let long = BuildSpec {
            args: IndexMap::from([("A".into(), ArgValue::new("A", "x".repeat(70_000)))]),
            ..plain()
        };
        assert_eq!(class(&long, PLATFORM), Err(Class::Unsupported));
    }
}
