//! A build in BuildKit's own terms: the request that asks the Dockerfile frontend for it.

use std::collections::HashMap;

use bollard_buildkit_proto::moby::buildkit::v1::{Exporter, SolveRequest};

use super::caches::Caches;
use super::contexts;
use crate::docker::spec::{
    BuildSpec, CacheUse, ContextSource, DockerfileSource, Network, OutputForm, PullPolicy,
};

/// What a build needs to use the engine's own network.
const HOST_NETWORK: &str = "network.host";

/// The name of the one file in the directory that stands for `dockerfile_inline`.
pub(super) const INLINE_NAME: &str = "Dockerfile";

/// The request for one build, to be answered in `session`.
pub(super) fn request(
    reference: String,
    session: String,
    spec: &BuildSpec,
    caches: &Caches,
) -> SolveRequest {
    let (kind, exporter) = exporter(spec);
    let (frontend, mut attributes) = frontend(spec);
    if let Some(imports) = caches.imports() {
        attributes.insert("cache-imports".to_owned(), imports);
    }
    SolveRequest {
        r#ref: reference,
        session,
        frontend,
        frontend_attrs: attributes,
        entitlements: entitlements(spec),
        // Leaves the build out of the engine's history, whose writing takes a quarter of a build in
        // which nothing changed (20 services: 2.0 s instead of 2.8 s on 28.5, 1.8 s instead of
        // 2.5 s on 26.1).
        internal: true,
        cache: Some(caches.options()),
        // Engines before 26 know only the deprecated pair of fields.
        exporter_deprecated: kind.clone(),
        exporter_attrs_deprecated: exporter.clone(),
        exporters: vec![Exporter {
            r#type: kind,
            attrs: exporter,
        }],
        ..Default::default()
    }
}

/// What makes the result, and what it is told.
fn exporter(spec: &BuildSpec) -> (String, HashMap<String, String>) {
    let names = || ("name".to_owned(), spec.tags.join(","));
    let Some(output) = &spec.output else {
        return ("moby".to_owned(), HashMap::from([names()]));
    };
    let mut attributes: HashMap<String, String> = output.options.clone().into_iter().collect();
    if matches!(output.form, OutputForm::Oci | OutputForm::Docker) {
        attributes.extend([names()]);
    }
    (output.form.to_string(), attributes)
}

/// The frontend and what it is told when it is to check the Dockerfile of `spec` and build nothing.
pub(super) fn check(spec: &BuildSpec) -> (String, HashMap<String, String>) {
    let (frontend, mut attributes) = frontend(spec);
    attributes.insert("requestid".to_owned(), "frontend.lint".to_owned());
    // A frontend that cannot be asked for anything but images would build one.
    let capabilities = attributes.entry("frontend.caps".to_owned()).or_default();
    if !capabilities.is_empty() {
        capabilities.push(',');
    }
    capabilities.push_str("moby.buildkit.frontend.subrequests+forward");
    (frontend, attributes)
}

fn entitlements(spec: &BuildSpec) -> Vec<String> {
    let mut entitlements = spec.entitlements.clone();
    if spec.network == Network::Host && !entitlements.iter().any(|own| own == HOST_NETWORK) {
        entitlements.push(HOST_NETWORK.to_owned());
    }
    entitlements
}

/// The frontend and its attributes. `BUILDKIT_SYNTAX` among the arguments names another frontend,
/// as it does for the docker CLI.
fn frontend(spec: &BuildSpec) -> (String, HashMap<String, String>) {
    let mut attributes = attributes(spec);
    match spec
        .args
        .get("BUILDKIT_SYNTAX")
        .map(|syntax| syntax.reveal().trim())
    {
        Some(syntax) if !syntax.is_empty() => {
            let source = syntax.split(' ').next().unwrap_or(syntax);
            attributes.insert("source".to_owned(), source.to_owned());
            attributes.insert("cmdline".to_owned(), syntax.to_owned());
            ("gateway.v0".to_owned(), attributes)
        }
        _ => ("dockerfile.v0".to_owned(), attributes),
    }
}

fn attributes(spec: &BuildSpec) -> HashMap<String, String> {
    let mut attributes = HashMap::new();
    let mut set = |name: &str, value: String| {
        attributes.insert(name.to_owned(), value);
    };
    if let ContextSource::Remote(url) = &spec.context {
        set("context", url.clone());
    }
    match &spec.dockerfile {
        DockerfileSource::File(path) | DockerfileSource::Instead(path, _) => {
            let name = path.file_name().unwrap_or_default();
            set("filename", name.to_string_lossy().into_owned());
        }
        DockerfileSource::InContext(path) => set("filename", path.clone()),
        DockerfileSource::Inline(_) => set("filename", INLINE_NAME.to_owned()),
    }
    if matches!(
        (&spec.context, &spec.dockerfile),
        (
            ContextSource::Remote(_),
            DockerfileSource::Inline(_) | DockerfileSource::Instead(..) | DockerfileSource::File(_)
        )
    ) {
        set("dockerfilekey", "dockerfile".to_owned());
    }
    for (name, value) in &spec.args {
        set(&format!("build-arg:{name}"), value.reveal().to_owned());
    }
    for (name, value) in &spec.labels {
        set(&format!("label:{name}"), value.clone());
    }
    for (name, value) in contexts::attributes(spec) {
        set(&name, value);
    }
    if let Some(target) = &spec.target {
        set("target", target.clone());
    }
    if !spec.platforms.is_empty() {
        set("platform", spec.platforms.join(","));
    }
    match &spec.cache {
        // What runs again without its mounts being emptied is no matter of the frontend.
        CacheUse::Normal | CacheUse::Mounts => {}
        CacheUse::Without(stages) => set("no-cache", stages.join(",")),
        CacheUse::None => set("no-cache", String::new()),
    }
    for (kind, parameters) in &spec.attestations {
        set(&format!("attest:{kind}"), parameters.clone());
    }
    let resolve = match spec.pull {
        PullPolicy::Missing => "local",
        PullPolicy::Always => "pull",
    };
    set("image-resolve-mode", resolve.to_owned());
    match &spec.network {
        Network::Default | Network::Named(_) => {}
        Network::Host => set("force-network-mode", "host".to_owned()),
        Network::None => set("force-network-mode", "none".to_owned()),
    }
    if !spec.extra_hosts.is_empty() {
        let hosts = spec.extra_hosts.iter().map(|(h, ip)| format!("{h}={ip}"));
        set("add-hosts", csv(hosts));
    }
    if let Some(bytes) = spec.shm_size {
        set("shm-size", bytes.to_string());
    }
    if !spec.ulimits.is_empty() {
        let limits = spec
            .ulimits
            .iter()
            .map(|limit| format!("{}={}:{}", limit.name, limit.soft, limit.hard));
        set("ulimit", csv(limits));
    }
    attributes
}

/// Fields as one line of comma-separated values.
fn csv(fields: impl Iterator<Item = String>) -> String {
    fields
        .map(|field| {
            if field.contains([',', '"', '\n']) {
                format!("\"{}\"", field.replace('"', "\"\""))
            } else {
                field
            }
        })
        .collect::<Vec<_>>()
        .join(",")
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;

    use super::*;
    use crate::compose::Ulimit;
    use crate::docker::spec::NamedContext;
    use crate::secret::ArgValue;

    fn spec() -> BuildSpec {
        BuildSpec {
            tags: vec!["docker.io/library/shop-web:latest".into()],
            ..BuildSpec::new(
                ContextSource::Directory("/src".into()),
                DockerfileSource::File("/src/docker/web.Dockerfile".into()),
                "docker/web.Dockerfile",
            )
        }
    }

    fn sorted(spec: &BuildSpec) -> Vec<String> {
        let mut lines: Vec<_> = attributes(spec)
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        lines.sort();
        lines
    }

    #[test]
    fn a_plain_build_sends_the_dockerfiles_name_and_nothing_an_old_engine_would_miss() {
        assert_eq!(
            sorted(&spec()),
            ["filename=web.Dockerfile", "image-resolve-mode=local"]
        );
    }

    #[test]
    fn every_key_has_its_attribute() {
        let spec = BuildSpec {
            target: Some("prod".into()),
            args: IndexMap::from([("V".into(), ArgValue::new("V", "1"))]),
            labels: IndexMap::from([("a.b".into(), "c".into())]),
            platforms: vec!["linux/arm64".into(), "linux/amd64".into()],
            cache: CacheUse::Without(vec!["deps".into(), "test".into()]),
            attestations: IndexMap::from([("provenance".into(), "mode=max".into())]),
            pull: PullPolicy::Always,
            network: Network::None,
            extra_hosts: vec![("db".into(), "10.0.0.1".into()), ("x".into(), "::1".into())],
            shm_size: Some(64 << 20),
            ulimits: vec![Ulimit {
                name: "nofile".into(),
                soft: 1,
                hard: 2,
            }],
            ..spec()
        };
        assert_eq!(
            sorted(&spec),
            [
                "add-hosts=db=10.0.0.1,x=::1",
                "attest:provenance=mode=max",
                "build-arg:V=1",
                "filename=web.Dockerfile",
                "force-network-mode=none",
                "image-resolve-mode=pull",
                "label:a.b=c",
                "no-cache=deps,test",
                "platform=linux/arm64,linux/amd64",
                "shm-size=67108864",
                "target=prod",
                "ulimit=nofile=1:2",
            ]
        );
    }

    #[test]
    fn a_frontend_that_is_to_check_must_know_that_it_can_be_asked_to() {
        let mut spec = spec();
        let capabilities = |spec: &BuildSpec| check(spec).1["frontend.caps"].clone();
        assert_eq!(
            capabilities(&spec),
            "moby.buildkit.frontend.subrequests+forward"
        );
        let image = NamedContext::Image("docker.io/library/busybox:latest".into());
        spec.contexts.insert("base".into(), image);
        assert_eq!(
            capabilities(&spec),
            "moby.buildkit.frontend.contexts+forward,moby.buildkit.frontend.subrequests+forward"
        );
    }

    #[test]
    fn a_frontend_named_by_argument_is_asked_for() {
        let syntax = "docker/dockerfile:1 --debug";
        let spec = BuildSpec {
            args: IndexMap::from([("BUILDKIT_SYNTAX".into(), ArgValue::new("", syntax))]),
            ..spec()
        };
        let (name, attributes) = frontend(&spec);
        assert_eq!(name, "gateway.v0");
        assert_eq!(attributes["source"], "docker/dockerfile:1");
        assert_eq!(attributes["cmdline"], syntax);
    }
}
