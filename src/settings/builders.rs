//! Which builder and which form: flags over variables over the project's `x-dcb`.

use std::path::Path;

use indexmap::IndexMap;

use super::Typed;
use super::extension::{Extension, StrategyWish, Wishes};
use crate::ambient::Ambient;
use crate::cli::{BuildFlags, ProjectFlags, WhenToFallBack};
use crate::compose::Project;
use crate::docker::Strategy;
use crate::docker::detect::BUILDX_BUILDER;
use crate::docker::variables::{DOCKER_BUILDKIT, docker_buildkit};
use crate::dockerfile::Markers;
use crate::failure::Failure;
use crate::plan::{Fallback, Policy, Role, Set, Wanted};

/// What counts for all services, and what counts for those that say otherwise.
///
/// # Errors
/// When `DOCKER_BUILDKIT` has a value that it cannot have.
pub(super) fn policies(
    ambient: &Ambient,
    typed: Typed<'_>,
    project: &Project,
    extension: &Extension,
) -> Result<(Policy, IndexMap<String, Policy>), Failure> {
    let flags = typed.flags;
    let strategy = strategy(ambient, flags)?;
    let traditional = project
        .files
        .iter()
        .any(|file| is_marked(file, &extension.markers.traditional));
    let policy = |own: &Wishes, from: &From| {
        let mut policy = Policy::default();
        if traditional {
            policy.variant = Set {
                value: Wanted::Role(Role::Traditional),
                from: "the compose file's name",
            };
        }
        wish(
            &mut policy,
            &extension.all,
            &extension.markers,
            &FROM_PROJECT,
        );
        wish(&mut policy, own, &extension.markers, from);
        if let Some(strategy) = &strategy {
            policy.strategy = strategy.clone();
            policy.strict = flags.force_traditional;
        }
        name_builder(ambient, flags, &mut policy);
        if let Some(name) = flags.variant.as_deref() {
            policy.variant = Set {
                value: wanted(name, &extension.markers),
                from: "--variant",
            };
        }
        policy
    };
    let all = policy(&Wishes::default(), &FROM_PROJECT);
    let own = extension
        .services
        .iter()
        .map(|(name, wishes)| (name.clone(), policy(wishes, &FROM_SERVICE)))
        .collect();
    Ok((all, own))
}

/// Who says what a section of `x-dcb` says.
struct From {
    strategy: &'static str,
    builder: &'static str,
    variant: &'static str,
    cache_mounts: &'static str,
}

const FROM_PROJECT: From = From {
    strategy: "`x-dcb.strategy`",
    builder: "`x-dcb.builder`",
    variant: "`x-dcb.variant`",
    cache_mounts: "`x-dcb.policy.cache-mounts`",
};
const FROM_SERVICE: From = From {
    strategy: "the service's `x-dcb.strategy`",
    builder: "the service's `x-dcb.builder`",
    variant: "the service's `x-dcb.variant`",
    cache_mounts: "the service's `x-dcb.policy.cache-mounts`",
};

fn wish(policy: &mut Policy, wishes: &Wishes, markers: &Markers, from: &From) {
    if let Some(wish) = &wishes.strategy {
        policy.strategy = Set {
            value: match wish {
                StrategyWish::Auto => None,
                StrategyWish::Only(strategy) => Some(strategy.clone()),
            },
            from: from.strategy,
        };
    }
    if let Some(name) = &wishes.builder {
        use_builder(policy, name, from.builder);
    }
    if let Some(name) = &wishes.variant {
        policy.variant = Set {
            value: wanted(name, markers),
            from: from.variant,
        };
    }
    if let Some(value) = wishes.cache_mounts {
        policy.cache_mounts = Set {
            value,
            from: from.cache_mounts,
        };
    }
}

/// The builder of buildx that a project is built with when no flag names one; without a project the
/// one that the environment names.
///
/// # Errors
/// When `DOCKER_BUILDKIT` has a value that it cannot have, or `x-dcb` cannot be understood.
pub fn named_builder(
    ambient: &Ambient,
    project: Option<&Project>,
) -> Result<Set<Option<String>>, Failure> {
    let flags = BuildFlags::default();
    let Some(project) = project else {
        let mut policy = Policy::default();
        name_builder(ambient, &flags, &mut policy);
        return Ok(policy.builder);
    };
    let typed = Typed {
        flags: &flags,
        project: &ProjectFlags::default(),
        services: &[],
        pull: false,
        push: false,
        output: None,
        check: false,
        to_start: false,
    };
    let (policy, _) = policies(ambient, typed, project, &Extension::read(project)?)?;
    Ok(policy.builder)
}

/// Names a builder of buildx, which is no classic one.
fn use_builder(policy: &mut Policy, name: &str, from: &'static str) {
    policy.builder = Set {
        value: Some(name.to_owned()),
        from,
    };
    if policy.strategy.value == Some(Strategy::Classic) {
        policy.strategy = Policy::default().strategy;
    }
}

/// The builder of buildx: the flag counts more than everything, the variable more than the file. But
/// where the classic builder is to build, only the flag means another.
fn name_builder(ambient: &Ambient, flags: &BuildFlags, policy: &mut Policy) {
    if let Some(name) = &flags.builder {
        use_builder(policy, name, "--builder");
    } else if policy.strategy.value == Some(Strategy::Classic) {
        policy.builder = Policy::default().builder;
    } else if let Some(name) = ambient.variable(BUILDX_BUILDER) {
        use_builder(policy, name, BUILDX_BUILDER);
    }
}

/// The builder that the command line or the environment asks for.
///
/// `DOCKER_BUILDKIT=1` asks for what dcb does anyway: it is no order to fail without BuildKit.
fn strategy(
    ambient: &Ambient,
    flags: &BuildFlags,
) -> Result<Option<Set<Option<Strategy>>>, Failure> {
    let set = |value, from| {
        Some(Set {
            value: Some(value),
            from,
        })
    };
    Ok(match (flags.force_traditional, flags.force_buildkit) {
        (true, _) => set(Strategy::Classic, "--force-traditional"),
        (_, true) => set(Strategy::BuildKit, "--force-buildkit"),
        _ if flags.builder.is_some() => None,
        _ if docker_buildkit(ambient.variable(DOCKER_BUILDKIT))? == Some(false) => {
            set(Strategy::Classic, "DOCKER_BUILDKIT=0 in the environment")
        }
        _ => None,
    })
}

/// Whether a compose file's name has this marker: `docker-compose.test.yml`.
fn is_marked(file: &Path, marker: &str) -> bool {
    let name = file.file_stem().and_then(|stem| stem.to_str());
    name.and_then(|stem| stem.strip_suffix(marker))
        .is_some_and(|stem| stem.ends_with('.'))
}

/// The form that a name stands for.
pub(super) fn wanted(name: &str, markers: &Markers) -> Wanted {
    match name {
        "auto" => Wanted::Auto,
        "optimised" | "optimized" => Wanted::Role(Role::Optimised),
        "traditional" => Wanted::Role(Role::Traditional),
        name if name == markers.optimised => Wanted::Role(Role::Optimised),
        name if name == markers.traditional => Wanted::Role(Role::Traditional),
        name => Wanted::Named(name.to_owned()),
    }
}

/// When another way than planned is taken.
pub(super) fn fallback(flags: &BuildFlags) -> Set<Fallback> {
    let (value, from) = match (flags.no_fallback, flags.fallback) {
        (true, _) => (Fallback::Never, "--no-fallback"),
        (_, Some(WhenToFallBack::Never)) => (Fallback::Never, "--fallback=never"),
        (_, Some(WhenToFallBack::Ask)) => (Fallback::Ask, "--fallback=ask"),
        (_, Some(WhenToFallBack::Auto)) => (Fallback::Auto, "--fallback=auto"),
        (_, None) => (Fallback::Auto, "the default"),
    };
    Set { value, from }
}

/// Whether the traditional form of the whole project is the one to begin with.
///
/// # Errors
/// When `DOCKER_BUILDKIT` has a value that it cannot have.
pub fn begins_traditional(ambient: &Ambient, flags: &BuildFlags) -> Result<bool, Failure> {
    let wanted = flags
        .variant
        .as_deref()
        .map(|name| wanted(name, &Markers::default()));
    Ok(match wanted {
        Some(Wanted::Role(role)) => role == Role::Traditional,
        _ => matches!(
            strategy(ambient, flags)?,
            Some(Set {
                value: Some(Strategy::Classic),
                ..
            })
        ),
    })
}
