//! What a build is told of the user at registries.
//!
//! The docker CLI sends everything it knows to every engine. What a Dockerfile begins with and copies
//! from is known here, so the engine gets the passwords of those registries and of no other; only
//! where the Dockerfile itself is elsewhere, or an image's name cannot be made out, all. An image that
//! a base image's `ONBUILD` names is pulled anonymously, unless its registry is among the others.

use std::collections::BTreeSet;

use super::{Classic, Dialect};
use crate::docker::credentials::registry_config;
use crate::docker::reference;
use crate::docker::spec::BuildSpec;
use crate::dockerfile::Dockerfile;
use crate::failure::{Class, Failure};
use crate::secret::Secret;

impl Classic {
    /// `X-Registry-Config` for a build of `spec`, whose Dockerfile is `text` when it is here.
    pub(super) async fn registry_config(&self, spec: &BuildSpec, text: Option<&str>) -> Secret {
        let registries = match text.and_then(|text| registries(spec, text)) {
            Some(registries) => registries,
            None => self.credentials.registries().await,
        };
        let mut logins = Vec::with_capacity(registries.len());
        for registry in registries {
            let login = self.credentials.of(&registry).await;
            if login.is_token() && self.dialect == Dialect::Buildah {
                self.credentials.trouble(&registry, no_tokens(&registry));
            } else {
                logins.push((registry, login));
            }
        }
        registry_config(&logins)
    }
}

/// The registries of the images that a build takes something from; nothing when one of them cannot be
/// made out.
fn registries(spec: &BuildSpec, text: &str) -> Option<BTreeSet<String>> {
    let args = spec.args.iter();
    let args = args
        .map(|(name, value)| (name.clone(), value.reveal().to_owned()))
        .collect();
    let images = Dockerfile::parse(text).images(spec.target.as_deref(), &args);
    let images = images.iter().map(|image| reference::normalize(image).ok());
    images
        .map(|image| Some(reference::registry(&image?).to_owned()))
        .collect()
}

/// Podman 4.3 takes the name and the password out of what it is sent, and nothing else.
pub(in crate::docker) fn no_tokens(registry: &str) -> Failure {
    Failure::new(
        Class::RegistryDenied,
        format!("Podman takes a user and a password, and what is known of `{registry}` is a token"),
    )
    .hint(format!("log in with a password: docker login {registry}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::spec::{ContextSource, DockerfileSource};
    use crate::secret::ArgValue;

    #[test]
    fn only_registries_that_the_build_pulls_from_are_told_their_passwords() {
        let mut spec = BuildSpec::new(
            ContextSource::Directory("/".into()),
            DockerfileSource::Inline(String::new()),
            "Dockerfile",
        );
        let base = ArgValue::new("BASE", "ghcr.io/acme/base:1");
        spec.args.insert("BASE".to_owned(), base);
        let found = |text| registries(&spec, text).map(|r| r.into_iter().collect::<Vec<_>>());
        assert_eq!(
            found("ARG BASE\nFROM $BASE AS base\nFROM base\nCOPY --from=localhost:5000/x /x /x\n"),
            Some(vec!["ghcr.io".to_owned(), "localhost:5000".to_owned()])
        );
        assert_eq!(found("FROM scratch\n"), Some(Vec::new()));
        assert_eq!(found("FROM busybox\n"), Some(vec!["docker.io".to_owned()]));
        assert_eq!(found("FROM $UNKNOWN/base\n"), None, "it may be any");
    }
}
