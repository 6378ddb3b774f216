//! Ports in short form: `[IP:][PUBLISHED:]TARGET[/PROTOCOL]`, each a number or a range.

use std::net::IpAddr;

use crate::compose::tree::{Entry, Map, Node, Value};
use crate::diagnostic::Diagnostic;

/// A port in its parts.
#[derive(Debug, PartialEq)]
struct Port {
    host_ip: Option<String>,
    target: u16,
    published: Option<String>,
    protocol: String,
}

/// Every port of `list` in long form; a range becomes as many ports as it has.
pub(super) fn canonical(mut list: Node, errors: &mut Vec<Diagnostic>) -> Node {
    let Value::List(items) = &mut list.value else {
        return list;
    };
    for item in std::mem::take(items) {
        let Some(text) = item.scalar_text() else {
            items.push(long(item));
            continue;
        };
        match parse(&text) {
            Ok(ports) => items.extend(ports.into_iter().map(|port| port.node(&item))),
            Err(why) => {
                errors.push(
                    Diagnostic::error(format!("invalid port `{text}`: {why}"))
                        .at(item.span.clone(), "write `published:target`"),
                );
                items.push(item);
            }
        }
    }
    list
}

/// A long form with what is meant when nothing is said.
fn long(mut item: Node) -> Node {
    let span = item.span.clone();
    if let Some(map) = item.as_map_mut() {
        if let Some(entry) = map.get_mut("published")
            && let Some(text) = entry.node.scalar_text()
        {
            entry.node.value = Value::Text(text);
        }
        for (key, value) in [("mode", "ingress"), ("protocol", "tcp")] {
            map.entry(key.to_owned())
                .or_insert_with(|| Entry::new(&span, Node::text(value, &span)));
        }
    }
    item
}

fn parse(text: &str) -> Result<Vec<Port>, String> {
    let (rest, protocol) = match text.split_once('/') {
        Some((rest, protocol)) => (rest, protocol.to_lowercase()),
        None => (text, "tcp".to_owned()),
    };
    if !["tcp", "udp", "sctp"].contains(&protocol.as_str()) {
        return Err(format!("`{protocol}` is no protocol"));
    }
    let (before, target) = rest.rsplit_once(':').unwrap_or(("", rest));
    let (host_ip, published) = match before.rsplit_once(':') {
        Some((ip, published)) => (address(ip)?, published),
        None => (None, before),
    };
    if target.is_empty() {
        return Err("it has no port of the container".to_owned());
    }
    let (first, last) = range(target)?;
    let host = match published {
        "" => None,
        _ => Some(range(published)?),
    };
    let width = last - first;
    if host.is_some_and(|(from, to)| to - from != width && width != 0) {
        return Err("its ranges have different lengths".to_owned());
    }
    let mut ports: Vec<Port> = (0..=width)
        .map(|step| Port {
            host_ip: host_ip.clone(),
            target: first + step,
            published: host.map(|(from, to)| match width {
                0 if from != to => format!("{from}-{to}"),
                _ => (from + step).to_string(),
            }),
            protocol: protocol.clone(),
        })
        .collect();
    // Compose's order is that of their texts.
    ports.sort_by_key(|port| port.target.to_string());
    Ok(ports)
}

/// The address to listen at; that of IPv6 may stand in brackets.
fn address(text: &str) -> Result<Option<String>, String> {
    let inner = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let bare = inner.unwrap_or(text);
    if bare.is_empty() {
        return Ok(None);
    }
    match bare.parse::<IpAddr>() {
        Ok(_) => Ok(Some(bare.to_owned())),
        Err(_) => Err(format!("`{bare}` is no address")),
    }
}

fn range(text: &str) -> Result<(u16, u16), String> {
    let number = |text: &str| {
        text.parse::<u16>()
            .map_err(|_| format!("`{text}` is no port"))
    };
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (number(first)?, number(last)?),
        None => (number(text)?, number(text)?),
    };
    if last < first {
        return Err(format!("`{text}` runs backwards"));
    }
    Ok((first, last))
}

impl Port {
    fn node(&self, item: &Node) -> Node {
        let span = &item.span;
        let entry = |key: &str, value: Value| {
            let node = Node::new(value, span.clone());
            (key.to_owned(), Entry::new(span, node))
        };
        let text = |key: &str, text: &str| entry(key, Value::Text(text.to_owned()));
        let mut map = Map::from_iter([text("mode", "ingress")]);
        map.extend(self.host_ip.as_ref().map(|ip| text("host_ip", ip)));
        map.extend([entry("target", Value::Int(i128::from(self.target)))]);
        map.extend(self.published.as_ref().map(|port| text("published", port)));
        map.extend([text("protocol", &self.protocol)]);
        let mut node = Node::new(Value::Map(map), span.clone());
        node.overrode.clone_from(&item.overrode);
        node
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        let show = |port: Port| {
            let ip = port.host_ip.map(|ip| format!("{ip} ")).unwrap_or_default();
            let published = port.published.unwrap_or("-".to_owned());
            format!("{ip}{published} {}/{}", port.target, port.protocol)
        };
        match parse(text) {
            Ok(ports) => ports.into_iter().map(show).collect::<Vec<_>>().join(", "),
            Err(why) => why,
        }
    }

    #[test]
    fn short_ports_are_read_as_compose_reads_them() {
        for (text, wanted) in [
            ("80", "- 80/tcp"),
            ("8080:80", "8080 80/tcp"),
            ("8080:80/UDP", "8080 80/udp"),
            ("127.0.0.1:8080:80", "127.0.0.1 8080 80/tcp"),
            ("127.0.0.1::80", "127.0.0.1 - 80/tcp"),
            ("[::1]:5:6", "::1 5 6/tcp"),
            ("::1:5:6", "::1 5 6/tcp"),
            ("9-11:9-11", "10 10/tcp, 11 11/tcp, 9 9/tcp"),
            ("8000-8010:80", "8000-8010 80/tcp"),
            (":80", "- 80/tcp"),
            ("80-81:1-3", "its ranges have different lengths"),
            ("80:", "it has no port of the container"),
            ("x:80:80", "`x` is no address"),
            ("80/icmp", "`icmp` is no protocol"),
            ("81-80", "`81-80` runs backwards"),
            ("70000", "`70000` is no port"),
        ] {
            assert_eq!(parsed(text), wanted, "{text}");
        }
    }
}
