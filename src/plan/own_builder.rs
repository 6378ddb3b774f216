//! What a builder of the user's own cannot do because it is not the engine, where its image goes, and
//! the one that was selected and is not used.

use std::collections::HashSet;

use super::ability::Builders;
use super::graph::Graph;
use super::request::Request;
use crate::compose::{Build, Service};
use crate::diagnostic::Diagnostic;
use crate::docker::Keeper;

/// The word for the engine's machine under `extra_hosts:`.
const HOST_GATEWAY: &str = "host-gateway";

/// Where the image of `service` goes if a builder of the user's own builds it: straight to its registry
/// where it is pushed, but what others of this plan begin with (`bases`) must be in the engine before
/// they are built.
pub(super) fn destination(service: &Service, bases: &HashSet<&str>, request: &Request) -> Keeper {
    if request.pushes(service) && !bases.contains(service.name.as_str()) {
        Keeper::Registry
    } else {
        Keeper::Engine
    }
}

/// Why the builder called `name` cannot build `service`.
pub(super) fn refusals(
    name: &str,
    service: &Service,
    build: &Build,
    graph: &Graph,
) -> Vec<Diagnostic> {
    let at = |key: &str| build.keys.get(key).unwrap_or(&build.at).clone();
    let needs = graph.needs(&service.name).map(|base| {
        let message = format!(
            "the image of `{}` begins with that of `{base}`, which only the engine will have: the builder `{name}` does not see it",
            service.name
        );
        Diagnostic::error(message)
            .at(at("additional_contexts"), "")
            .help(format!(
                "build `{}` with the engine (`x-dcb: {{ builder: default }}` under it), or push the image of `{base}` to a registry and begin with that",
                service.name
            ))
    });
    let gateway = build
        .extra_hosts
        .iter()
        .find(|(_, address)| address == HOST_GATEWAY)
        .map(|(host, _)| {
            let message = format!(
                "`extra_hosts` of service `{}` has `{host}` at `{HOST_GATEWAY}`, an address that only the engine has: the builder `{name}` runs elsewhere",
                service.name
            );
            Diagnostic::error(message)
                .at(at("extra_hosts"), "")
                .help("write the address itself, or build with the engine")
        });
    needs.chain(gateway).collect()
}

/// The note on a builder that `docker buildx use` selected, where nobody asks for one.
///
/// Compose would build with it. dcb does not: it leaves its images where neither `up` nor `docker
/// run` finds them, sees none of the engine's, and its cache is another; who once typed `buildx use`
/// rarely knows.
pub(super) fn passed_over(builders: Builders<'_>, request: &Request) -> Option<Diagnostic> {
    let selected = builders.selected?;
    if request.builders().next().is_some() {
        return None;
    }
    let name = &selected.name;
    let driver = selected.driver.as_ref().ok()?.id();
    let note = Diagnostic::note(format!(
        "`docker buildx use` selected the builder `{name}` ({driver}), which dcb builds with only where it is asked to"
    ));
    Some(
        note.help(format!("build with it: --builder {name}"))
            .help("or take that choice back: docker buildx use default"),
    )
}
