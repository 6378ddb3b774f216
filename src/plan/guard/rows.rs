//! The rows of the table, in the order of the Compose specification's keys.

use super::{Needs, Otherwise, Row};
use crate::compose::{Build, Context};
use crate::docker::{ApiVersion, CacheKey, CacheKind};
use crate::plan::caches;

use Needs::{ContainerdStore, Engine, Never, Nothing};
use Otherwise::{LeaveOut, Refuse};

/// What the classic builder cannot do for lack of a session.
const CLASSIC: Needs = Never(
    "is more than the classic builder can do",
    "build with an engine that has BuildKit, or leave it out",
);
/// The same of Podman's builder behind Docker's API.
const PODMAN: Needs = Never(
    "is more than Podman's builder takes over Docker's API",
    "build with an engine that has BuildKit, or leave it out",
);
/// What the classic builders have none of.
const NO_CACHES: Needs = Never(
    "is more than this builder can do, whose only cache is the engine's own",
    "build with an engine that has BuildKit",
);
/// What every image of theirs is.
const NEEDLESS: Needs = Never(
    "is needless here: every image of this builder serves as a cache",
    "read it with `cache_from: [IMAGE]`",
);
/// Caches that the BuildKit inside the engine does not know.
const OWN_BUILDER: Needs = Never(
    "is a kind of cache that the engine's own BuildKit does not have",
    "use `type=registry`, or a builder of your own: docker buildx create --name NAME, then --builder NAME",
);
/// What this dcb cannot do.
const LATER: Needs = Never(
    "is not supported by this dcb yet",
    "build this service with Compose: docker compose build SERVICE",
);

/// The table.
pub(in crate::plan) const ROWS: &[Row] = &[
    Row {
        key: "additional_contexts",
        form: "an image, a directory, an address",
        used: |asked| some(has_other_contexts(asked.build)),
        buildkit: LATER,
        classic: CLASSIC,
        podman: PODMAN,
        otherwise: Refuse,
    },
    Row {
        key: "cache_from",
        form: "registry",
        used: |asked| caches::first(asked.build, CacheKey::From, CacheKind::Registry),
        buildkit: Nothing,
        classic: Nothing,
        podman: NO_CACHES,
        otherwise: LeaveOut,
    },
    Row {
        key: "cache_from",
        form: "local",
        used: |asked| caches::first(asked.build, CacheKey::From, CacheKind::Local),
        buildkit: Nothing,
        classic: NO_CACHES,
        podman: NO_CACHES,
        otherwise: LeaveOut,
    },
    Row {
        key: "cache_from",
        form: "gha",
        used: |asked| caches::first(asked.build, CacheKey::From, CacheKind::Gha),
        buildkit: ContainerdStore,
        classic: NO_CACHES,
        podman: NO_CACHES,
        otherwise: LeaveOut,
    },
    Row {
        key: "cache_from",
        form: "s3",
        used: |asked| caches::first(asked.build, CacheKey::From, CacheKind::S3),
        buildkit: OWN_BUILDER,
        classic: NO_CACHES,
        podman: NO_CACHES,
        otherwise: LeaveOut,
    },
    Row {
        key: "cache_from",
        form: "azblob",
        used: |asked| caches::first(asked.build, CacheKey::From, CacheKind::AzureBlob),
        buildkit: OWN_BUILDER,
        classic: NO_CACHES,
        podman: NO_CACHES,
        otherwise: LeaveOut,
    },
    Row {
        key: "cache_to",
        form: "inline",
        used: |asked| caches::first(asked.build, CacheKey::To, CacheKind::Inline),
        buildkit: Nothing,
        classic: NEEDLESS,
        podman: NEEDLESS,
        otherwise: LeaveOut,
    },
    Row {
        key: "cache_to",
        form: "registry",
        used: |asked| caches::first(asked.build, CacheKey::To, CacheKind::Registry),
        buildkit: ContainerdStore,
        classic: NO_CACHES,
        podman: NO_CACHES,
        otherwise: LeaveOut,
    },
    Row {
        key: "cache_to",
        form: "local",
        used: |asked| caches::first(asked.build, CacheKey::To, CacheKind::Local),
        buildkit: ContainerdStore,
        classic: NO_CACHES,
        podman: NO_CACHES,
        otherwise: LeaveOut,
    },
    Row {
        key: "cache_to",
        form: "gha",
        used: |asked| caches::first(asked.build, CacheKey::To, CacheKind::Gha),
        buildkit: ContainerdStore,
        classic: NO_CACHES,
        podman: NO_CACHES,
        otherwise: LeaveOut,
    },
    Row {
        key: "cache_to",
        form: "s3",
        used: |asked| caches::first(asked.build, CacheKey::To, CacheKind::S3),
        buildkit: OWN_BUILDER,
        classic: NO_CACHES,
        podman: NO_CACHES,
        otherwise: LeaveOut,
    },
    Row {
        key: "cache_to",
        form: "azblob",
        used: |asked| caches::first(asked.build, CacheKey::To, CacheKind::AzureBlob),
        buildkit: OWN_BUILDER,
        classic: NO_CACHES,
        podman: NO_CACHES,
        otherwise: LeaveOut,
    },
    Row {
        key: "context",
        form: "an image, an OCI layout, a target",
        used: |asked| some(is_special(&asked.build.context)),
        buildkit: LATER,
        classic: CLASSIC,
        podman: PODMAN,
        otherwise: Refuse,
    },
    Row {
        key: "entitlements",
        form: "",
        used: |asked| some(!asked.build.entitlements.is_empty()),
        buildkit: Nothing,
        classic: CLASSIC,
        podman: PODMAN,
        otherwise: Refuse,
    },
    Row {
        key: "isolation",
        form: "another than default",
        used: |asked| {
            let isolation = asked.build.isolation.as_deref()?;
            (isolation != "default").then(|| isolation.to_owned())
        },
        buildkit: ISOLATION,
        classic: ISOLATION,
        podman: ISOLATION,
        otherwise: Refuse,
    },
    Row {
        key: "network",
        form: "one of the engine's",
        used: |asked| {
            let network = asked.build.network.as_deref()?;
            (!matches!(network, "" | "default" | "host" | "none")).then(|| network.to_owned())
        },
        buildkit: Never(
            "is none that BuildKit knows: it has `default`, `host` and `none`",
            "leave it out, or build on the classic builder: --force-traditional",
        ),
        classic: Nothing,
        podman: Nothing,
        otherwise: Refuse,
    },
    Row {
        key: "no_cache_filter",
        form: "",
        used: |asked| some(!asked.build.no_cache_filter.is_empty()),
        buildkit: Nothing,
        classic: CLASSIC,
        podman: PODMAN,
        otherwise: Refuse,
    },
    Row {
        key: "platforms",
        form: "one",
        used: |asked| some(asked.platforms.len() == 1),
        buildkit: Nothing,
        classic: Engine(ApiVersion(1, 32), "18.04"),
        podman: Nothing,
        otherwise: Refuse,
    },
    Row {
        key: "platforms",
        form: "several",
        used: |asked| (asked.platforms.len() > 1).then(|| asked.platforms.join(", ")),
        buildkit: ContainerdStore,
        classic: CLASSIC,
        podman: PODMAN,
        otherwise: Refuse,
    },
    Row {
        key: "privileged",
        form: "",
        used: |asked| some(asked.build.privileged),
        buildkit: Nothing,
        classic: CLASSIC,
        podman: PODMAN,
        otherwise: Refuse,
    },
    Row {
        key: "provenance",
        form: "another than false",
        used: |asked| attests(asked.build.provenance.as_ref()),
        buildkit: ContainerdStore,
        classic: CLASSIC,
        podman: PODMAN,
        otherwise: Refuse,
    },
    Row {
        key: "sbom",
        form: "another than false",
        used: |asked| attests(asked.build.sbom.as_ref()),
        buildkit: ContainerdStore,
        classic: CLASSIC,
        podman: PODMAN,
        otherwise: Refuse,
    },
    Row {
        key: "secrets",
        form: "",
        used: |asked| some(!asked.build.secrets.is_empty()),
        buildkit: LATER,
        classic: CLASSIC,
        podman: PODMAN,
        otherwise: Refuse,
    },
    Row {
        key: "shm_size",
        form: "",
        used: |asked| some(asked.build.shm_size.is_some()),
        buildkit: Engine(ApiVersion::V23_0, "23.0"),
        classic: Nothing,
        podman: Nothing,
        otherwise: Refuse,
    },
    Row {
        key: "ssh",
        form: "",
        used: |asked| some(!asked.build.ssh.is_empty()),
        buildkit: LATER,
        classic: CLASSIC,
        podman: PODMAN,
        otherwise: Refuse,
    },
    Row {
        key: "ulimits",
        form: "",
        used: |asked| some(!asked.build.ulimits.is_empty()),
        buildkit: Engine(ApiVersion::V23_0, "23.0"),
        classic: Nothing,
        podman: Nothing,
        otherwise: Refuse,
    },
    // A variable of whoever builds: it dates the image and nothing in it.
    Row {
        key: SOURCE_DATE_EPOCH,
        form: "",
        used: |asked| asked.request.source_date_epoch.clone(),
        buildkit: Engine(ApiVersion::V24_0, "24.0"),
        classic: UNDATED,
        podman: UNDATED,
        otherwise: LeaveOut,
    },
];

/// The variable that dates an image, in seconds since 1970. Source: reproducible-builds.org.
pub const SOURCE_DATE_EPOCH: &str = "SOURCE_DATE_EPOCH";

const UNDATED: Needs = Never(
    "means nothing to the classic builder",
    "build with an engine that has BuildKit, or unset SOURCE_DATE_EPOCH",
);

const ISOLATION: Needs = Never(
    "is a choice that Linux does not have",
    "leave it out, or write `default`",
);

/// The key in use, whose values go without saying.
fn some(used: bool) -> Option<String> {
    used.then(String::new)
}

/// An attestation that is asked for.
fn attests(value: Option<&String>) -> Option<String> {
    value.filter(|value| *value != "false").cloned()
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
