//! Why a push failed: an engine's words, which are a registry's for the most part.

use super::{occur, passes, plain, remedy};
use crate::docker::reference;
use crate::failure::{Class, Failure};

/// What the text of an error means. The first row whose words all occur counts.
const TEXTS: &[(&[&str], Class)] = &[
    (&["429 Too Many Requests"], Class::RateLimited),
    (&["oomanyrequests"], Class::RateLimited),
    (&["no space left on device"], Class::DiskFull),
    (&["unauthorized"], Class::RegistryDenied),
    (&["401 Unauthorized"], Class::RegistryDenied),
    (&["403 Forbidden"], Class::RegistryDenied),
    (&["authentication required"], Class::RegistryDenied),
    (&["authorization failed"], Class::RegistryDenied),
    (&["no basic auth credentials"], Class::RegistryDenied),
    (&["denied"], Class::RegistryDenied),
];

/// The failure that an engine's words stand for when the image of the full name `name` is pushed.
pub(in crate::docker) fn push(text: &str, name: &str) -> Failure {
    let text = plain(text);
    // What is wrong with a push and has no row is wrong with its registry.
    let class = TEXTS
        .iter()
        .find(|(words, _)| occur(words, &text))
        .map_or(Class::RegistryUnreachable, |(_, class)| *class);
    let mut failure = Failure::new(class, format!("failed to push `{name}`: {text}"));
    failure.transient = class.may_pass() && passes(&text);
    failure.hints = hints(class, &text, name);
    failure
}

fn hints(class: Class, text: &str, name: &str) -> Vec<String> {
    let login = remedy::login(Some(name));
    match class {
        Class::RateLimited => {
            let wait = remedy::retry_after(text);
            vec![match wait {
                Some(wait) => format!("the registry asks to wait for {wait}"),
                None => "wait, and push again: the registry does not tell how long".to_owned(),
            }]
        }
        Class::RegistryDenied => vec![format!("log in as a user who may push there: {login}")],
        Class::DiskFull => {
            vec!["see what can go: docker system df; then: docker builder prune".to_owned()]
        }
        _ => vec![format!(
            "the engine pushes, so it must reach `{}`: check its network, DNS and proxy (docker info)",
            reference::registry(name)
        )],
    }
}
