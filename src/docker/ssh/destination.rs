//! `ssh://[user@]host[:port][/path/of/socket]`, read as the docker CLI reads it.
//!
//! Source: `ParseURL` in `cli/connhelper/ssh` of the docker CLI.

use std::fmt;

use percent_encoding::percent_decode_str;

/// Where ssh is to go, and what to look for there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::docker) struct Destination {
    /// As it was written.
    written: String,
    pub(super) user: Option<String>,
    pub(super) host: String,
    pub(super) port: Option<String>,
    /// The engine's socket there, when it is not the one that the docker CLI there takes by itself.
    pub(super) socket: Option<String>,
}

impl Destination {
    /// Reads what follows `ssh://`.
    ///
    /// # Errors
    /// Why it cannot be used, to follow "... cannot be used: ".
    pub(in crate::docker) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.contains(['?', '#']) {
            return Err("`?` and `#` mean nothing in it");
        }
        let (authority, path) = match text.find('/') {
            Some(slash) => text.split_at(slash),
            None => (text, ""),
        };
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        if user.is_some_and(|user| user.contains(':')) {
            return Err("ssh takes no password from an address; use a key (ssh-copy-id HOST)");
        }
        let (host, port) = host_and_port(host)?;
        if host.is_empty() {
            return Err("it names no host");
        }
        let path = decode(path)?;
        Ok(Self {
            written: format!("ssh://{text}"),
            user: user
                .map(decode)
                .transpose()?
                .filter(|user| !user.is_empty()),
            host: host.to_owned(),
            port: port.map(str::to_owned),
            socket: Some(path).filter(|path| !path.trim_matches('/').is_empty()),
        })
    }

    /// Whom ssh logs in as, and where, as people type it.
    pub(super) fn login(&self) -> String {
        match &self.user {
            Some(user) => format!("{user}@{}", self.host),
            None => self.host.clone(),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// `host:port`, where either may be missing and the host may be `[::1]`.
fn host_and_port(text: &str) -> Result<(&str, Option<&str>), &'static str> {
    let (host, rest) = match text.strip_prefix('[') {
        Some(inner) => inner
            .split_once(']')
            .ok_or("the bracket of its host is not closed")?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    match rest.strip_prefix(':') {
        None if rest.is_empty() => Ok((host, None)),
        Some("") => Ok((host, None)),
        Some(port) if port.parse::<u16>().is_ok() => Ok((host, Some(port))),
        _ => Err("its port is no number"),
    }
}

fn decode(text: &str) -> Result<String, &'static str> {
    let text = percent_decode_str(text).decode_utf8();
    let text = text.map_err(|_| "it is not UTF-8")?;
    if text.contains(char::is_control) {
        return Err("there are control characters in it");
    }
    Ok(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_read_and_may_be_missing() {
        for (text, user, host, port, socket) in [
            ("host", None, "host", None, None),
            ("me@host:22", Some("me"), "host", Some("22"), None),
            ("me@host/", Some("me"), "host", None, None),
            (
                "host/run/user/1000/docker.sock",
                None,
                "host",
                None,
                Some("/run/user/1000/docker.sock"),
            ),
            ("[::1]:2222", None, "::1", Some("2222"), None),
            ("a%40b@host/a%20b", Some("a@b"), "host", None, Some("/a b")),
            ("host:", None, "host", None, None),
        ] {
            let read = Destination::parse(text).expect(text);
            assert_eq!(read.user.as_deref(), user, "{text}");
            assert_eq!(read.host, host, "{text}");
            assert_eq!(read.port.as_deref(), port, "{text}");
            assert_eq!(read.socket.as_deref(), socket, "{text}");
            assert_eq!(read.to_string(), format!("ssh://{text}"));
        }
    }

    #[test]
    fn what_ssh_cannot_use_is_refused() {
        for text in [
            "",
            "@",
            "me@",
            "me:pw@host",
            "host:x",
            "[::1",
            "host?a",
            "host#a",
            "host/%0A",
        ] {
            assert!(Destination::parse(text).is_err(), "{text}");
        }
    }
}
