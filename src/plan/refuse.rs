//! What cannot be built here, by name: never dropped, never left to an engine that ignores it.

use crate::compose::{Build, Context, Service};
use crate::diagnostic::Diagnostic;
use crate::docker::{ApiVersion, Engine};

/// Why each key that BuildKit cannot honour cannot be.
pub(super) fn by_buildkit(
    service: &Service,
    build: &Build,
    engine: Option<&Engine>,
) -> Vec<Diagnostic> {
    let mut refusals = Refusals::of(service, build);
    refusals.common();
    if let Some(engine) = engine {
        for key in ignored_keys(build, engine.api) {
            refusals.add(
                key,
                &format!(
                    "would be ignored in silence by engine {} (API {})",
                    engine.version, engine.api
                ),
                format!("use engine 23.0 or later, or leave `{key}` out"),
            );
        }
    }
    let network = build.network.as_deref();
    if let Some(network) = network.filter(|network| !is_network(network)) {
        refusals.add(
            "network",
            &format!("is `{network}`: BuildKit knows `default`, `host` and `none`"),
            "leave it out, or build on the classic builder: --force-traditional".to_owned(),
        );
    }
    refusals.found
}

/// Why each key that the classic builder cannot honour cannot be.
pub(super) fn by_classic(
    service: &Service,
    build: &Build,
    engine: Option<&Engine>,
) -> Vec<Diagnostic> {
    let mut refusals = Refusals::of(service, build);
    refusals.common();
    if let (Some(engine), true) = (
        engine,
        build.platforms.len() == 1 || service.platform.is_some(),
    ) && engine.api < ApiVersion(1, 32)
    {
        refusals.add(
            "platforms",
            &format!("is more than engine {} knows", engine.version),
            "use engine 18.04 or later, or leave it out".to_owned(),
        );
    }
    refusals.found
}

/// Refusals of one service, as they are found.
struct Refusals<'a> {
    service: &'a Service,
    build: &'a Build,
    found: Vec<Diagnostic>,
}

impl<'a> Refusals<'a> {
    fn of(service: &'a Service, build: &'a Build) -> Self {
        Self {
            service,
            build,
            found: Vec::new(),
        }
    }

    fn add(&mut self, key: &str, why: &str, help: String) {
        let at = self.build.keys.get(key).unwrap_or(&self.build.at).clone();
        let message = format!("`{key}` of service `{}` {why}", self.service.name);
        self.found
            .push(Diagnostic::error(message).at(at, "").help(help));
    }

    /// What no builder of Linux images honours, and what a later dcb will.
    fn common(&mut self) {
        let isolation = self.build.isolation.as_deref();
        if let Some(isolation) = isolation.filter(|isolation| *isolation != "default") {
            self.add(
                "isolation",
                &format!("is `{isolation}`, and Linux has no such choice"),
                "leave it out, or write `default`".to_owned(),
            );
        }
        for key in later_keys(self.build) {
            let help = format!(
                "build this service with Compose: docker compose build {}",
                self.service.name
            );
            self.add(key, "is not supported by this dcb yet", help);
        }
    }
}

/// Why the platform that the environment asks for is none that the service is built for.
pub(super) fn excluded_platform(
    service: &Service,
    build: &Build,
    default: Option<&str>,
) -> Option<Diagnostic> {
    let default = default.filter(|_| service.platform.is_none())?;
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

/// The networks that a build can have.
pub(super) fn is_network(name: &str) -> bool {
    matches!(name, "" | "default" | "host" | "none")
}

/// Keys in use that a later dcb will honour.
fn later_keys(build: &Build) -> impl Iterator<Item = &'static str> {
    let attests = |value: &Option<String>| value.as_deref().is_some_and(|v| v != "false");
    [
        ("secrets", !build.secrets.is_empty()),
        ("ssh", !build.ssh.is_empty()),
        ("cache_from", !build.cache_from.is_empty()),
        ("cache_to", !build.cache_to.is_empty()),
        ("additional_contexts", has_other_contexts(build)),
        ("context", is_special(&build.context)),
        ("platforms", build.platforms.len() > 1),
        ("entitlements", !build.entitlements.is_empty()),
        ("privileged", build.privileged),
        ("provenance", attests(&build.provenance)),
        ("sbom", attests(&build.sbom)),
        ("no_cache_filter", !build.no_cache_filter.is_empty()),
    ]
    .into_iter()
    .filter(|(_, used)| *used)
    .map(|(key, _)| key)
}

/// Whether a named context is something else than a service.
fn has_other_contexts(build: &Build) -> bool {
    build
        .additional_contexts
        .values()
        .any(|context| !matches!(context, Context::Service(_)))
}

fn is_special(context: &Context) -> bool {
    match context {
        Context::Directory(_) => false,
        Context::Service(_) => true,
        Context::Remote(address) => ["docker-image://", "oci-layout://", "target:"]
            .iter()
            .any(|scheme| address.starts_with(scheme)),
    }
}

/// Keys in use that an engine of this API accepts and does not act on.
///
/// Measured: BuildKit 0.8 of Engine 20.10 ignores frontend attributes it does not know.
fn ignored_keys(build: &Build, api: ApiVersion) -> impl Iterator<Item = &'static str> {
    let old = api < ApiVersion::V23_0;
    [
        ("shm_size", old && build.shm_size.is_some()),
        ("ulimits", old && !build.ulimits.is_empty()),
    ]
    .into_iter()
    .filter(|(_, ignored)| *ignored)
    .map(|(key, _)| key)
}
