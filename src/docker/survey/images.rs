//! Whether an image can be had: from the engine, else from its registry.
//!
//! The registry is asked by the engine, from its network and with its mirrors and certificates: what
//! it answers is what a build will meet. `GET /distribution/NAME/json` describes an image and fetches
//! nothing of it; engines answer it since API 1.30, Podman does not.

use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;

use super::get;
use crate::docker::credentials::{Credentials, registry_auth};
use crate::docker::detect::Facts;
use crate::docker::reference;
use crate::human;

/// How long an image may take: registries are asked side by side.
const LIMIT: Duration = Duration::from_secs(2);

/// What may not stand in a path.
const PATH: &AsciiSet = &CONTROLS.add(b' ').add(b'?').add(b'#').add(b'%');

/// Whether an image can be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// The engine has it.
    Here,
    /// Its registry has it.
    There,
    /// Its registry says that there is none.
    Missing(String),
    /// Its registry refuses this user.
    Denied(String),
    /// Its registry has been asked too often.
    Limited(String),
    /// Its registry cannot be reached.
    Unreachable(String),
    /// That cannot be found out.
    Unknown(String),
}

/// Asks for images.
#[derive(Clone)]
pub struct Images {
    facts: Facts,
    credentials: Arc<Credentials>,
}

impl Images {
    /// Of an engine, with the user's credentials.
    pub fn new(facts: &Facts, credentials: Arc<Credentials>) -> Self {
        Self {
            facts: facts.clone(),
            credentials,
        }
    }

    /// Whether the image of the full name `name` can be had.
    pub async fn availability(&self, name: &str) -> Availability {
        match self.is_here(name).await {
            Ok(true) => Availability::Here,
            Err(why) => Availability::Unknown(why),
            Ok(false) if self.facts.engine.podman => {
                Availability::Unknown("Podman does not ask registries without fetching".to_owned())
            }
            Ok(false) => self.is_there(name).await,
        }
    }

    async fn is_here(&self, name: &str) -> Result<bool, String> {
        let path = format!("images/{}/json", utf8_percent_encode(name, PATH));
        match get(&self.facts, &path, &[], LIMIT).await? {
            (200, _) => Ok(true),
            (404, _) => Ok(false),
            (status, body) => Err(format!("the engine answers {status}: {}", message(&body))),
        }
    }

    async fn is_there(&self, name: &str) -> Availability {
        let registry = reference::registry(name);
        let login = registry_auth(registry, &self.credentials.of(registry).await);
        let headers = [("x-registry-auth", login.reveal())];
        let path = format!("distribution/{}/json", utf8_percent_encode(name, PATH));
        match get(&self.facts, &path, &headers, LIMIT).await {
            Ok((200, _)) => Availability::There,
            Ok((status, body)) => judge(status, message(&body)),
            Err(why) => Availability::Unreachable(format!("{registry}: {why}")),
        }
    }
}

/// The sentence in an engine's answer.
fn message(body: &str) -> String {
    let said = serde_json::from_str::<Value>(body).ok();
    let said = said.as_ref().and_then(|value| value["message"].as_str());
    human::sanitize(
        said.unwrap_or(body)
            .trim()
            .lines()
            .next()
            .unwrap_or_default(),
    )
}

/// What an answer means. Engines answer 500 for much that a registry says, so the words count too;
/// they are those of Engines 20.10 to 28.5.
fn judge(status: u16, said: String) -> Availability {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if status == 429 || has(&["toomanyrequests", "Too Many Requests", "pull rate limit"]) {
        Availability::Limited(said)
    } else if has(&[
        "no such host",
        "connection refused",
        "i/o timeout",
        "deadline exceeded",
        "server misbehaving",
        "network is unreachable",
        "no route to host",
        "Temporary failure",
        "x509",
        "tls:",
        "HTTP response to HTTPS",
        "EOF",
        "Client.Timeout",
    ]) {
        Availability::Unreachable(said)
    } else if matches!(status, 401 | 403)
        || has(&[
            "no basic auth credentials",
            "unauthorized",
            "denied",
            "401",
            "403",
        ])
    {
        Availability::Denied(said)
    } else if status == 404 && has(&["page not found"]) {
        Availability::Unknown("the engine does not ask registries".to_owned())
    } else if status == 404 || has(&["manifest unknown", "not found", "name unknown"]) {
        Availability::Missing(said)
    } else {
        Availability::Unknown(format!("{status} {said}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_engines_say_of_registries_is_understood() {
        use Availability::{Denied, Limited, Missing, Unknown, Unreachable};
        for (status, said, kind) in [
            (
                500,
                "Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io: no such host",
                Unreachable(String::new()),
            ),
            (
                500,
                "Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused",
                Unreachable(String::new()),
            ),
            (
                500,
                "Get \"https://r/v2/\": http: server gave HTTP response to HTTPS client",
                Unreachable(String::new()),
            ),
            (
                500,
                "Head \"http://r/v2/a/manifests/1\": no basic auth credentials",
                Denied(String::new()),
            ),
            (
                403,
                "denied: requested access to the resource is denied",
                Denied(String::new()),
            ),
            (
                401,
                "unauthorized: incorrect username or password",
                Denied(String::new()),
            ),
            (
                404,
                "manifest unknown: manifest unknown",
                Missing(String::new()),
            ),
            (404, "page not found", Unknown(String::new())),
            (
                429,
                "toomanyrequests: You have reached your pull rate limit",
                Limited(String::new()),
            ),
            (500, "something else", Unknown(String::new())),
        ] {
            let judged = judge(status, said.to_owned());
            assert_eq!(
                std::mem::discriminant(&judged),
                std::mem::discriminant(&kind),
                "{status} {said}: {judged:?}"
            );
        }
    }
}
