//! Which ports of this machine are taken, and by which container.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
use std::time::Duration;

use serde_json::Value;

use super::json;
use crate::docker::detect::Facts;
use crate::human;

/// How long listing containers may take.
const LIMIT: Duration = Duration::from_secs(1);

/// A port that a service wants on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The address; none is all of them.
    pub ip: Option<IpAddr>,
    /// The port.
    pub port: u16,
    /// Whether it is one of UDP.
    pub udp: bool,
}

/// A port that a container has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The name of the container.
    pub container: String,
    /// The compose project that it belongs to.
    pub project: Option<String>,
    /// The port.
    pub binding: Binding,
}

/// What is known of the ports of an engine's machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ports {
    /// Those of its running containers.
    pub published: Vec<Published>,
    /// Of the ones that were asked about and none of those, the ones that a program of this machine
    /// listens on. Nothing where the engine is on another machine.
    pub busy: Vec<Binding>,
}

/// Looks at the ports that are `wanted`; `here` is asked whether the engine is on this machine, where
/// one is taken by none of its containers. Nothing when the engine does not list them in time: who has a
/// port could be one of them.
pub async fn ports(
    facts: &Facts,
    wanted: &[Binding],
    here: impl AsyncFnOnce() -> bool,
) -> Option<Ports> {
    let listed = json(facts, "containers/json", LIMIT).await?;
    let published = published(&listed);
    let has = |other: &Published, binding: &Binding| other.binding.collides(binding);
    let others = wanted
        .iter()
        .filter(|binding| !published.iter().any(|other| has(other, binding)));
    let mut busy: Vec<Binding> = others.filter(|it| is_busy(it)).cloned().collect();
    if !busy.is_empty() && !here().await {
        busy.clear();
    }
    Some(Ports { published, busy })
}

fn published(containers: &Value) -> Vec<Published> {
    let ports = |container: &Value| -> Vec<Published> {
        let name = container["Names"][0].as_str().unwrap_or_default();
        let project = container["Labels"]["com.docker.compose.project"].as_str();
        let ports = container["Ports"].as_array().cloned().unwrap_or_default();
        ports
            .iter()
            .filter_map(|port| {
                let number = u16::try_from(port["PublicPort"].as_u64()?).ok()?;
                let ip: Option<IpAddr> = port["IP"].as_str().and_then(|ip| ip.parse().ok());
                Some(Published {
                    container: human::sanitize(name.trim_start_matches('/')),
                    project: project.map(str::to_owned),
                    binding: Binding {
                        ip: ip.filter(|ip| !ip.is_unspecified()),
                        port: number,
                        udp: port["Type"] == "udp",
                    },
                })
            })
            .collect()
    };
    containers
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(ports)
        .collect()
}

impl Binding {
    /// Whether both cannot be had at once.
    pub fn collides(&self, other: &Self) -> bool {
        let overlap = match (self.ip, other.ip) {
            (Some(one), Some(other)) => one == other,
            (None, _) | (_, None) => true,
        };
        self.port == other.port && self.udp == other.udp && overlap
    }
}

/// Whether somebody has it. It is taken for a moment to find out; what this user may not take at all
/// tells nothing.
fn is_busy(binding: &Binding) -> bool {
    let all = [
        IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    ];
    let own = binding.ip.map(|ip| [ip]);
    let addresses: &[IpAddr] = own.as_ref().map_or(&all, |own| own);
    addresses.iter().any(|ip| {
        let taken = if binding.udp {
            UdpSocket::bind((*ip, binding.port)).err()
        } else {
            TcpListener::bind((*ip, binding.port)).err()
        };
        taken.is_some_and(|error| error.kind() == ErrorKind::AddrInUse)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tcp(ip: Option<&str>, port: u16) -> Binding {
        Binding {
            ip: ip.map(|ip| ip.parse().expect("an address")),
            port,
            udp: false,
        }
    }

    #[test]
    fn ports_collide_where_their_addresses_overlap() {
        assert!(tcp(None, 80).collides(&tcp(Some("127.0.0.1"), 80)));
        assert!(tcp(Some("127.0.0.1"), 80).collides(&tcp(Some("127.0.0.1"), 80)));
        assert!(!tcp(Some("127.0.0.1"), 80).collides(&tcp(Some("127.0.0.2"), 80)));
        assert!(!tcp(None, 80).collides(&tcp(None, 81)));
        let udp = Binding {
            udp: true,
            ..tcp(None, 80)
        };
        assert!(!tcp(None, 80).collides(&udp));
    }

    #[test]
    fn a_port_is_busy_while_somebody_listens() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        assert!(is_busy(&tcp(Some("127.0.0.1"), port)));
        assert!(is_busy(&tcp(None, port)));
        let udp = Binding {
            udp: true,
            ..tcp(Some("127.0.0.1"), port)
        };
        assert!(!is_busy(&udp));
        drop(listener);
        assert!(!is_busy(&tcp(Some("127.0.0.1"), port)));
    }

    #[test]
    fn the_ports_of_containers_are_read_with_their_owners() {
        let answer = json!([{
            "Names": ["/shop-web-1"],
            "Labels": {"com.docker.compose.project": "shop"},
            "Ports": [
                {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
                {"PrivatePort": 81, "Type": "tcp"},
            ],
        }, {"Names": ["/x"], "Labels": null, "Ports": null}]);
        let expected = Published {
            container: "shop-web-1".to_owned(),
            project: Some("shop".to_owned()),
            binding: tcp(None, 8080),
        };
        assert_eq!(published(&answer), [expected]);
    }
}
