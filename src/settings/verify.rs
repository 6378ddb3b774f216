//! `x-dcb.verify`: what shows that a service works.
//!
//! ```yaml
//! x-dcb:
//!   verify:
//!     web: http://localhost:8080/health       # must answer with a status below 400
//!     db: tcp://localhost:5432                # must take a connection
//!     worker: [celery, inspect, ping]         # must end with 0, run in its container
//!     seed: ends                              # must end by itself with 0
//!     api: [http://localhost:8081/health, [sqlx, --version]]     # all of these
//! ```

use std::fmt;

use hyper::Uri;
use indexmap::IndexMap;

use super::extension::Reader;
use crate::compose::{Node, Project};
use crate::human;

/// Something that shows that a service works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// A command that ends with 0 in the service's container.
    Command(Vec<String>),
    /// An address that answers.
    Answers(Address),
    /// It ends by itself with 0.
    Ends,
}

/// Where something is to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The host, an address of IPv6 in brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What to ask for by HTTP; nothing where taking a connection is enough.
    pub path: Option<String>,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(words) => f.write_str(&words.join(" ")),
            Self::Answers(address) => address.fmt(f),
            Self::Ends => f.write_str(ENDS),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, path } = self;
        match path {
            Some(path) => write!(f, "http://{host}:{port}{path}"),
            None => write!(f, "tcp://{host}:{port}"),
        }
    }
}

/// The word for a service that does its work and ends.
const ENDS: &str = "ends";
/// What a check is.
const FORMS: &str =
    "write http://HOST:PORT/PATH, tcp://HOST:PORT, a command as a list, `ends`, or a list of these";

/// The checks of each service.
pub(super) fn read(
    node: &Node,
    project: &Project,
    reader: &mut Reader,
) -> IndexMap<String, Vec<Check>> {
    let known: Vec<&str> = project
        .services
        .keys()
        .chain(&project.disabled)
        .map(String::as_str)
        .collect();
    let mut all = IndexMap::new();
    let Some(services) = node.as_map() else {
        let help = format!("its keys are services: {}", human::list(known));
        reader.wrong(node, "is no section", &help);
        return all;
    };
    for (name, entry) in services {
        if !known.contains(&name.as_str()) {
            let help = match human::nearest(name, known.iter().copied()) {
                Some(near) => format!("`{name}` is no service; did you mean `{near}`?"),
                None => format!("`{name}` is no service; there are {}", human::list(&known)),
            };
            reader.wrong(&entry.node, "verifies nothing", &help);
            continue;
        }
        match checks(&entry.node) {
            Some(checks) if !checks.is_empty() => {
                all.insert(name.clone(), checks);
            }
            _ => reader.wrong(&entry.node, "is no check", FORMS),
        }
    }
    all
}

/// One check, or a list of them; a list of words that begins with none is a command.
fn checks(node: &Node) -> Option<Vec<Check>> {
    let Some(list) = node.as_list() else {
        return Some(vec![named(&node.scalar_text()?)?]);
    };
    let first = list.first()?;
    let is_command = first
        .scalar_text()
        .is_some_and(|word| named(&word).is_none());
    if is_command {
        return Some(vec![command(list)?]);
    }
    list.iter()
        .map(|each| match each.as_list() {
            Some(words) => command(words),
            None => named(&each.scalar_text()?),
        })
        .collect()
}

fn command(words: &[Node]) -> Option<Check> {
    let words: Option<Vec<String>> = words.iter().map(Node::scalar_text).collect();
    words.filter(|words| !words.is_empty()).map(Check::Command)
}

fn named(text: &str) -> Option<Check> {
    if text == ENDS {
        return Some(Check::Ends);
    }
    let uri: Uri = text.parse().ok()?;
    let host = uri.host().filter(|host| !host.is_empty())?.to_owned();
    let (port, path) = match uri.scheme_str()? {
        "http" => {
            let path = uri.path_and_query().map_or("/", |path| path.as_str());
            (uri.port_u16().unwrap_or(80), Some(path.to_owned()))
        }
        "tcp" => (uri.port_u16()?, None),
        _ => return None,
    };
    Some(Check::Answers(Address { host, port, path }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_written() {
        for (text, expected) in [
            (
                "http://localhost:8080/health",
                "http://localhost:8080/health",
            ),
            ("http://localhost", "http://localhost:80/"),
            ("http://[::1]:81/a?b=c", "http://[::1]:81/a?b=c"),
            ("tcp://db:5432", "tcp://db:5432"),
            ("ends", "ends"),
        ] {
            let check = named(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(check.to_string(), expected);
        }
        for text in [
            "https://localhost/",
            "tcp://db",
            "localhost:80",
            "pg_isready",
            "",
        ] {
            assert_eq!(named(text), None, "{text}");
        }
    }
}
