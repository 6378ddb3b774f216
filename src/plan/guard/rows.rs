//! The rows of the table, in the order of the Compose specification's keys.

use super::{Asked, Needs, Otherwise, Row};
use crate::compose::{Context, Dockerfile};
use crate::docker::{ApiVersion, CacheKey, CacheKind, OutputForm, reference};
use crate::plan::caches;
use crate::plan::contexts::{self, Kind};

use Needs::{ContainerdStore, ContainerdStoreToLoad, Engine, Never, Nothing};
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
/// A named directory, for builders that have only one.
const COPIED: Needs = Never(
    "is more than this builder can do",
    "build with an engine that has BuildKit (23.0 or later), or put the directory into the context and write COPY without --from",
);
/// An address that the frontend refuses, or takes for something else.
const NO_ADDRESS: Needs = Never(
    "is no context that BuildKit knows",
    "write a path, https://..., git@HOST:PATH.git, docker-image://IMAGE or service:NAME",
);
/// A name by which the frontend can look for nothing.
const NO_NAME: Needs = Never(
    "has a name that no Dockerfile can use: it is looked up like an image's",
    "names are of a-z, 0-9 and single . _ - / between them",
);
/// What is no directory of files, as Compose says too.
const NOT_MAIN: Needs = Never(
    "can only be a context beside the main one",
    "move it to additional_contexts: {NAME: ...}, and write COPY --from=NAME in the Dockerfile",
);
/// A name that buildx itself takes for a broken one.
const ONE_PLATFORM: Needs = Never(
    "has a name for one platform, which buildx does not take",
    "build this service with the engine (`x-dcb: { builder: default }` under it), or leave `::` and what follows it out",
);
/// A network that only the engine knows.
const NO_NETWORK: Needs = Never(
    "is none that BuildKit knows: it has `default`, `host` and `none`",
    "leave it out, or build on the classic builder: --force-traditional",
);
/// Podman's builder reads a secret only from a file that comes with the context.
const PODMAN_SECRETS: Needs = Never(
    "would reach Podman as a file of the build context only, which it keeps on its disk",
    "build with an engine that has BuildKit, or leave it out",
);
/// A result that no image of the engine becomes.
const UNWRITTEN: Needs = Never(
    "is more than this builder can do: it makes images in the engine only",
    "build with an engine that has BuildKit, or leave it out and use docker save",
);

/// The flag that sends the result somewhere else.
const OUTPUT: &str = "--output";

/// The table.
pub(in crate::plan) const ROWS: &[Row] = &[
    Row {
        key: "additional_contexts",
        form: "an image or a service",
        used: |asked| named(asked, image),
        buildkit: Nothing,
        buildx: Nothing,
        classic: Nothing,
        podman: Nothing,
        otherwise: Refuse,
    },
    Row {
        key: "additional_contexts",
        form: "an image or a service, with the Dockerfile in a remote context",
        used: |asked| {
            let remote = matches!(asked.build.dockerfile, Dockerfile::InContext(_));
            named(asked, |context| remote && image(context))
        },
        buildkit: Engine(ApiVersion::V23_0, "23.0"),
        buildx: Nothing,
        classic: CLASSIC,
        podman: PODMAN,
        otherwise: Refuse,
    },
    Row {
        key: "additional_contexts",
        form: "for one platform",
        used: |asked| {
            let names = asked.build.additional_contexts.keys();
            names.into_iter().find(|name| name.contains("::")).cloned()
        },
        buildkit: Engine(ApiVersion::V23_0, "23.0"),
        buildx: ONE_PLATFORM,
        classic: CLASSIC,
        podman: PODMAN,
        otherwise: Refuse,
    },
    Row {
        key: "additional_contexts",
        form: "a directory",
        used: |asked| named(asked, |context| matches!(context, Context::Directory(_))),
        buildkit: Engine(ApiVersion::V23_0, "23.0"),
        buildx: Nothing,
        classic: COPIED,
        podman: COPIED,
        otherwise: Refuse,
    },
    Row {
        key: "additional_contexts",
        form: "a git or http address",
        used: |asked| named(asked, |context| address(context) == Some(Kind::Fetched)),
        buildkit: Engine(ApiVersion::V23_0, "23.0"),
        buildx: Nothing,
        classic: CLASSIC,
        podman: PODMAN,
        otherwise: Refuse,
    },
    Row {
        key: "additional_contexts",
        form: "an OCI layout",
        used: |asked| {
            named(asked, |context| {
                matches!(address(context), Some(Kind::OciLayout { .. }))
            })
        },
        buildkit: ContainerdStore,
        buildx: Nothing,
        classic: CLASSIC,
        podman: PODMAN,
        otherwise: Refuse,
    },
    Row {
        key: "additional_contexts",
        form: "another address",
        used: |asked| {
            named(asked, |context| {
                matches!(context, Context::Remote(_)) && address(context).is_none()
            })
        },
        buildkit: NO_ADDRESS,
        buildx: NO_ADDRESS,
        classic: NO_ADDRESS,
        podman: NO_ADDRESS,
        otherwise: Refuse,
    },
    Row {
        key: "additional_contexts",
        form: "under a name that no image can have",
        used: |asked| {
            let names = asked.build.additional_contexts.keys();
            names
                .into_iter()
                .find(|name| reference::familiar(name).is_none())
                .cloned()
        },
        buildkit: NO_NAME,
        buildx: NO_NAME,
        classic: NO_NAME,
        podman: NO_NAME,
        otherwise: Refuse,
    },
    Row {
        key: "cache_from",
        form: "registry",
        used: |asked| caches::first(asked.build, CacheKey::From, CacheKind::Registry),
        buildkit: Nothing,
        buildx: Nothing,
        classic: Nothing,
        podman: NO_CACHES,
        otherwise: LeaveOut,
    },
    Row {
        key: "cache_from",
        form: "local",
        used: |asked| caches::first(asked.build, CacheKey::From, CacheKind::Local),
        buildkit: Nothing,
        buildx: Nothing,
        classic: NO_CACHES,
        podman: NO_CACHES,
        otherwise: LeaveOut,
    },
    Row {
        key: "cache_from",
        form: "gha",
        used: |asked| caches::first(asked.build, CacheKey::From, CacheKind::Gha),
        buildkit: ContainerdStore,
        buildx: Nothing,
        classic: NO_CACHES,
        podman: NO_CACHES,
        otherwise: LeaveOut,
    },
    Row {
        key: "cache_from",
        form: "s3",
        used: |asked| caches::first(asked.build, CacheKey::From, CacheKind::S3),
        buildkit: OWN_BUILDER,
        buildx: Nothing,
        classic: NO_CACHES,
        podman: NO_CACHES,
        otherwise: LeaveOut,
    },
    Row {
        key: "cache_from",
        form: "azblob",
        used: |asked| caches::first(asked.build, CacheKey::From, CacheKind::AzureBlob),
        buildkit: OWN_BUILDER,
        buildx: Nothing,
        classic: NO_CACHES,
        podman: NO_CACHES,
        otherwise: LeaveOut,
    },
    Row {
        key: "cache_to",
        form: "inline",
        used: |asked| caches::first(asked.build, CacheKey::To, CacheKind::Inline),
        buildkit: Nothing,
        buildx: Nothing,
        classic: NEEDLESS,
        podman: NEEDLESS,
        otherwise: LeaveOut,
    },
    Row {
        key: "cache_to",
        form: "registry",
        used: |asked| caches::first(asked.build, CacheKey::To, CacheKind::Registry),
        buildkit: ContainerdStore,
        buildx: Nothing,
        classic: NO_CACHES,
        podman: NO_CACHES,
        otherwise: LeaveOut,
    },
    Row {
        key: "cache_to",
        form: "local",
        used: |asked| caches::first(asked.build, CacheKey::To, CacheKind::Local),
        buildkit: ContainerdStore,
        buildx: Nothing,
        classic: NO_CACHES,
        podman: NO_CACHES,
        otherwise: LeaveOut,
    },
    Row {
        key: "cache_to",
        form: "gha",
        used: |asked| caches::first(asked.build, CacheKey::To, CacheKind::Gha),
        buildkit: ContainerdStore,
        buildx: Nothing,
        classic: NO_CACHES,
        podman: NO_CACHES,
        otherwise: LeaveOut,
    },
    Row {
        key: "cache_to",
        form: "s3",
        used: |asked| caches::first(asked.build, CacheKey::To, CacheKind::S3),
        buildkit: OWN_BUILDER,
        buildx: Nothing,
        classic: NO_CACHES,
        podman: NO_CACHES,
        otherwise: LeaveOut,
    },
    Row {
        key: "cache_to",
        form: "azblob",
        used: |asked| caches::first(asked.build, CacheKey::To, CacheKind::AzureBlob),
        buildkit: OWN_BUILDER,
        buildx: Nothing,
        classic: NO_CACHES,
        podman: NO_CACHES,
        otherwise: LeaveOut,
    },
    Row {
        key: "context",
        form: "an image, an OCI layout, a service",
        used: |asked| special(&asked.build.context),
        buildkit: NOT_MAIN,
        buildx: NOT_MAIN,
        classic: NOT_MAIN,
        podman: NOT_MAIN,
        otherwise: Refuse,
    },
    Row {
        key: "entitlements",
        form: "",
        used: |asked| some(!asked.build.entitlements.is_empty()),
        buildkit: Nothing,
        buildx: Nothing,
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
        buildx: ISOLATION,
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
        buildkit: NO_NETWORK,
        buildx: NO_NETWORK,
        classic: Nothing,
        podman: Nothing,
        otherwise: Refuse,
    },
    Row {
        key: "no_cache_filter",
        form: "",
        used: |asked| some(!asked.build.no_cache_filter.is_empty()),
        buildkit: Nothing,
        buildx: Nothing,
        classic: CLASSIC,
        podman: PODMAN,
        otherwise: Refuse,
    },
    Row {
        key: "platforms",
        form: "one",
        used: |asked| some(asked.platforms.len() == 1),
        buildkit: Nothing,
        buildx: Nothing,
        classic: Engine(ApiVersion(1, 32), "18.04"),
        podman: Nothing,
        otherwise: Refuse,
    },
    Row {
        key: "platforms",
        form: "several",
        used: |asked| (asked.platforms.len() > 1).then(|| asked.platforms.join(", ")),
        buildkit: ContainerdStore,
        buildx: ContainerdStoreToLoad,
        classic: CLASSIC,
        podman: PODMAN,
        otherwise: Refuse,
    },
    Row {
        key: "privileged",
        form: "",
        used: |asked| some(asked.build.privileged),
        buildkit: Nothing,
        buildx: Nothing,
        classic: CLASSIC,
        podman: PODMAN,
        otherwise: Refuse,
    },
    Row {
        key: "provenance",
        form: "another than false",
        used: |asked| attests(asked.build.provenance.as_ref()),
        buildkit: ContainerdStore,
        buildx: ContainerdStoreToLoad,
        classic: CLASSIC,
        podman: PODMAN,
        otherwise: Refuse,
    },
    Row {
        key: "sbom",
        form: "another than false",
        used: |asked| attests(asked.build.sbom.as_ref()),
        buildkit: ContainerdStore,
        buildx: ContainerdStoreToLoad,
        classic: CLASSIC,
        podman: PODMAN,
        otherwise: Refuse,
    },
    Row {
        key: "secrets",
        form: "",
        used: |asked| some(!asked.build.secrets.is_empty()),
        buildkit: Nothing,
        buildx: Nothing,
        classic: CLASSIC,
        podman: PODMAN_SECRETS,
        otherwise: Refuse,
    },
    Row {
        key: "shm_size",
        form: "",
        used: |asked| some(asked.build.shm_size.is_some()),
        buildkit: Engine(ApiVersion::V23_0, "23.0"),
        buildx: Nothing,
        classic: Nothing,
        podman: Nothing,
        otherwise: Refuse,
    },
    Row {
        key: "ssh",
        form: "",
        used: |asked| some(!asked.build.ssh.is_empty()),
        buildkit: Nothing,
        buildx: Nothing,
        classic: CLASSIC,
        podman: PODMAN,
        otherwise: Refuse,
    },
    Row {
        key: "ulimits",
        form: "",
        used: |asked| some(!asked.build.ulimits.is_empty()),
        buildkit: Engine(ApiVersion::V23_0, "23.0"),
        buildx: Nothing,
        classic: Nothing,
        podman: Nothing,
        otherwise: Refuse,
    },
    Row {
        key: OUTPUT,
        form: "local or tar",
        used: |asked| written(asked, &[OutputForm::Local, OutputForm::Tar]),
        buildkit: Nothing,
        buildx: Nothing,
        classic: UNWRITTEN,
        podman: UNWRITTEN,
        otherwise: Refuse,
    },
    Row {
        key: OUTPUT,
        form: "oci or docker",
        used: |asked| written(asked, &[OutputForm::Oci, OutputForm::Docker]),
        buildkit: ContainerdStore,
        buildx: Nothing,
        classic: UNWRITTEN,
        podman: UNWRITTEN,
        otherwise: Refuse,
    },
    // A variable of whoever builds: it dates the image and nothing in it.
    Row {
        key: SOURCE_DATE_EPOCH,
        form: "",
        used: |asked| asked.request.source_date_epoch.clone(),
        buildkit: Engine(ApiVersion::V24_0, "24.0"),
        buildx: Nothing,
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

/// The output that is asked for, when it has one of these forms.
fn written(asked: &Asked<'_>, forms: &[OutputForm]) -> Option<String> {
    let output = asked.request.output.as_ref()?;
    forms
        .contains(&output.form)
        .then(|| format!("type={}", output.form))
}

/// The key in use, whose values go without saying.
fn some(used: bool) -> Option<String> {
    used.then(String::new)
}

/// An attestation that is asked for.
fn attests(value: Option<&String>) -> Option<String> {
    value.filter(|value| *value != "false").cloned()
}

/// The first named context that is of a kind, as it is written.
fn named(asked: &Asked<'_>, is_of_kind: impl Fn(&Context) -> bool) -> Option<String> {
    let mut contexts = asked.build.additional_contexts.iter();
    let (name, context) = contexts.find(|(_, context)| is_of_kind(context))?;
    Some(match context {
        Context::Directory(path) => format!("{name}={}", path.display()),
        Context::Remote(address) => format!("{name}={address}"),
        Context::Service(service) => format!("{name}=service:{service}"),
    })
}

/// Whether a named context is an image, of a service or of somebody else's.
fn image(context: &Context) -> bool {
    matches!(context, Context::Service(_)) || matches!(address(context), Some(Kind::Image(_)))
}

/// What the address of a named context means.
fn address(context: &Context) -> Option<Kind> {
    match context {
        Context::Remote(address) => contexts::kind(address),
        Context::Directory(_) | Context::Service(_) => None,
    }
}

/// A main context that no builder takes as one, Compose's neither.
fn special(context: &Context) -> Option<String> {
    match context {
        Context::Directory(_) => None,
        Context::Service(service) => Some(format!("service:{service}")),
        Context::Remote(address) => ["docker-image://", "oci-layout://", "service:"]
            .iter()
            .any(|scheme| address.starts_with(scheme))
            .then(|| address.clone()),
    }
}
