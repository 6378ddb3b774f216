//! Named contexts in BuildKit's own terms: attributes for the frontend, and directories on the
//! session.
//!
//! A directory is a local source like the main context: the frontend first asks for its
//! `.dockerignore`, then for what the build takes of it. The engine keeps what was transferred under
//! the job's prefix and the source's name, so only what changed is sent again.

use sha2::{Digest, Sha256};

use super::offers::Offer;
use crate::docker::spec::{BuildSpec, NamedContext};
use crate::human;

/// What a frontend must know, or it is not asked: one that does not would take the names for images.
const CAPABILITY: &str = "moby.buildkit.frontend.contexts+forward";

/// The attributes that tell the frontend of the named contexts.
pub(super) fn attributes(spec: &BuildSpec) -> Vec<(String, String)> {
    let mut attributes: Vec<(String, String)> = spec
        .contexts
        .iter()
        .map(|(name, context)| {
            let value = match context {
                NamedContext::Directory(_) => format!("local:{}", source(name, context)),
                other => other.to_string(),
            };
            (format!("context:{name}"), value)
        })
        .collect();
    if !attributes.is_empty() {
        attributes.push(("frontend.caps".to_owned(), CAPABILITY.to_owned()));
    }
    attributes
}

/// What the engine may read for them, by the source's name.
pub(super) fn offers(spec: &BuildSpec) -> impl Iterator<Item = (String, Offer)> + '_ {
    spec.contexts
        .iter()
        .filter_map(|(name, context)| match context {
            NamedContext::Directory(path) => {
                Some((source(name, context), Offer::Directory(path.clone())))
            }
            _ => None,
        })
}

/// What a directory is called on the session: another directory under the same name is another
/// source, or its transfer would replace what the engine keeps of the first.
fn source(name: &str, context: &NamedContext) -> String {
    let digest = Sha256::digest(context.to_string());
    format!("named-{}-{name}", human::hex(&digest[..6]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::spec::{ContextSource, DockerfileSource};

    #[test]
    fn every_kind_has_its_attribute_and_a_directory_its_offer() {
        let mut spec = BuildSpec::new(
            ContextSource::Directory("/src".into()),
            DockerfileSource::Inline(String::new()),
            "Dockerfile",
        );
        assert!(attributes(&spec).is_empty());
        let image = NamedContext::Image("docker.io/library/alpine:3".into());
        spec.contexts.insert("base".into(), image);
        let directory = NamedContext::Directory("/lib".into());
        spec.contexts.insert("lib".into(), directory);
        let remote = NamedContext::Remote("https://example.org/x.git#main:sub".into());
        spec.contexts.insert("x".into(), remote);
        let offers: Vec<String> = offers(&spec).map(|(name, _)| name).collect();
        let [source] = offers.as_slice() else {
            panic!("{offers:?}")
        };
        let told: Vec<String> = attributes(&spec)
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(
            told,
            [
                "context:base=docker-image://docker.io/library/alpine:3".to_owned(),
                format!("context:lib=local:{source}"),
                "context:x=https://example.org/x.git#main:sub".to_owned(),
                format!("frontend.caps={CAPABILITY}"),
            ]
        );
    }

    #[test]
    fn another_directory_under_the_same_name_is_another_source() {
        let of = |path: &str| source("lib", &NamedContext::Directory(path.into()));
        assert_eq!(of("/a"), of("/a"));
        assert_ne!(of("/a"), of("/b"));
    }
}
