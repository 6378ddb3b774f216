//! The ports that a project publishes, and who has them.

use std::net::IpAddr;

use indexmap::IndexMap;

use super::{Finding, Found, Seen, Skip};
use crate::compose::{Node, Project};
use crate::diagnostic::Span;
use crate::docker::survey::Binding;

/// The ports that services publish, each with its service and place. Those that the engine may choose
/// from a range, or altogether, collide with nothing.
pub fn published(project: &Project) -> Vec<(String, Binding, Span)> {
    let ports = |name: &String| -> Vec<(String, Binding, Span)> {
        let list = project
            .tree
            .at(&["services", name, "ports"])
            .and_then(Node::as_list);
        let starts = project
            .tree
            .at(&["services", name, "scale"])
            .and_then(Node::scalar_text);
        if starts.as_deref() == Some("0") {
            return Vec::new();
        }
        let ports = list.unwrap_or_default().iter();
        ports
            .filter_map(|port| {
                let text = |key: &str| port.get(key).and_then(Node::scalar_text);
                let ip: Option<IpAddr> = text("host_ip").and_then(|ip| ip.parse().ok());
                let binding = Binding {
                    ip: ip.filter(|ip| !ip.is_unspecified()),
                    port: text("published")?.parse().ok().filter(|port| *port != 0)?,
                    udp: text("protocol").as_deref() == Some("udp"),
                };
                Some((name.clone(), binding, port.span.clone()))
            })
            .collect()
    };
    project.services.keys().flat_map(ports).collect()
}

/// Finds the ports of the project that somebody else has.
pub(super) fn find(seen: &Seen<'_>) -> Found {
    let project = seen.project()?;
    let Some(known) = seen.ports else {
        seen.facts()?;
        return Err(Skip(
            "the engine does not list its containers in time".to_owned(),
        ));
    };
    let mut told: IndexMap<(u16, bool), Finding> = IndexMap::new();
    for (service, binding, place) in published(project) {
        let owner = known
            .published
            .iter()
            .find(|other| other.binding.collides(&binding));
        let ours = owner.is_some_and(|owner| owner.project.as_deref() == Some(&project.name));
        let who = match owner {
            Some(_) if ours => continue,
            Some(owner) => match &owner.project {
                Some(project) => format!("container `{}` of project `{project}`", owner.container),
                None => format!("container `{}`", owner.container),
            },
            None if known.busy.contains(&binding) => "a program of this machine".to_owned(),
            None => continue,
        };
        let kind = if binding.udp { "udp" } else { "tcp" };
        let stop = match owner {
            Some(owner) => format!("docker stop {}", owner.container),
            None => format!(
                "find it: sudo ss --listening --processes --{kind} 'sport = :{}'",
                binding.port
            ),
        };
        let finding = Finding::warning(format!(
            "port {}/{kind} of `{service}` is taken by {who}",
            binding.port
        ))
        .so(format!("`dcb up` cannot start `{service}`"))
        .mend(stop)
        .mend("or publish another port")
        .at(place);
        told.entry((binding.port, binding.udp)).or_insert(finding);
    }
    Ok(told.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::survey::{Ports, Published};
    use crate::doctor::testing::Case;

    #[test]
    fn a_port_that_somebody_else_has_is_told_with_its_owner() {
        let text = "name: shop\nservices: { web: { build: ., ports: ['127.0.0.1:8080:80', '9000-9001:9000', '53:53/udp'] }, off: { build: ., scale: 0, ports: ['7000:7000'] } }";
        let mut case = Case::default();
        case.project(text);
        let bindings: Vec<Binding> = published(case.loaded())
            .into_iter()
            .map(|(_, binding, _)| binding)
            .collect();
        let told: Vec<_> = bindings
            .iter()
            .map(|it| (it.port, it.udp, it.ip.is_some()))
            .collect();
        assert_eq!(told, [(8080, false, true), (53, true, false)]);
        case.engine("28.5.2", (1, 51), false);
        case.ports = Some(Ports::default());
        assert!(case.finds("CMP-11").is_empty());
        let container = |project: &str| Published {
            container: "x-web-1".into(),
            project: Some(project.to_owned()),
            binding: Binding {
                ip: None,
                port: 8080,
                udp: false,
            },
        };
        case.ports = Some(Ports {
            published: vec![container("other")],
            busy: bindings.clone(),
        });
        let found = case.finds("CMP-11");
        assert_eq!(found.len(), 2);
        assert!(
            found[0]
                .evidence
                .ends_with("is taken by container `x-web-1` of project `other`")
        );
        assert!(found[1].evidence.contains("53/udp"));
        case.ports = Some(Ports {
            published: vec![container("shop")],
            busy: vec![bindings[0].clone()],
        });
        assert!(
            case.finds("CMP-11").is_empty(),
            "a container of ours is replaced"
        );
    }
}
