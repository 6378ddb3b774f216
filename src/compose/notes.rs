//! What is no error and surprises people all the same.

use std::collections::HashMap;

use indexmap::IndexMap;

use crate::diagnostic::Diagnostic;

use super::model::{Service, Setting, Variable};
use super::tree::Node;

/// Images that several services build in different ways: the last one to end wins.
pub(super) fn races(services: &IndexMap<String, Service>, tree: &Node) -> Vec<Diagnostic> {
    let mut builders: IndexMap<&str, Vec<&Service>> = IndexMap::new();
    for service in services.values().filter(|service| service.build.is_some()) {
        if let Some(image) = &service.image {
            builders.entry(image).or_default().push(service);
        }
    }
    let mut found = Vec::new();
    for (image, services) in builders {
        let mut seen: HashMap<String, &Service> = HashMap::new();
        for service in services {
            let build = tree.at(&["services", &service.name, "build"]);
            let build = serde_json::to_string(&build).unwrap_or_default();
            if !seen.contains_key(&build)
                && let Some(other) = seen.values().next()
            {
                found.push(race(image, other, service, tree));
                break;
            }
            seen.insert(build, service);
        }
    }
    found
}

fn race(image: &str, one: &Service, other: &Service, tree: &Node) -> Diagnostic {
    let place = |service: &Service| {
        let image = tree.at(&["services", &service.name, "image"]);
        image.map_or(&service.at, |node| &node.span).clone()
    };
    Diagnostic::warning(format!(
        "services `{}` and `{}` build the image `{image}` in different ways",
        one.name, other.name
    ))
    .at(place(other), "the build that ends last keeps the name")
    .see(place(one), "built here too")
    .help("give each service an image of its own")
}

/// Variables that the project uses, and whose value in a `.env` file the process's own hides.
pub(super) fn shadows(
    settings: &IndexMap<String, Vec<Setting>>,
    variables: &IndexMap<String, Variable>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for name in variables.keys() {
        let values = settings.get(name).map(Vec::as_slice).unwrap_or_default();
        let Some((winner, losers)) = values.split_first() else {
            continue;
        };
        let hidden = losers
            .iter()
            .find_map(|loser| Some((loser, loser.at.clone()?)))
            .filter(|(loser, _)| winner.at.is_none() && loser.value != winner.value);
        if let Some((_, at)) = hidden {
            // The place is told without its line, which may hold a secret.
            found.push(
                Diagnostic::note(format!(
                    "`{name}` of the environment hides that of `{at}`, which differs"
                ))
                .help(format!("see both: dcb env {name}")),
            );
        }
    }
    found
}
