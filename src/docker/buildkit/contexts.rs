//! Named contexts in BuildKit's own terms: attributes for the frontend, and directories on the
//! session.
//!
//! An image in a directory is fetched blob by blob; its tag is looked up here, for the engine takes
//! digests only.
//!
//! A directory is a local source like the main context: the frontend first asks for its
//! `.dockerignore`, then for what the build takes of it. The engine keeps what was transferred under
//! the job's prefix and the source's name, so only what changed is sent again.
//!
//! Two instructions that take other parts of one directory are two transfers under one name, and the
//! second would delete what the first needs next time. Such a directory is given whole to both.

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::content::{Blobs, Store, id};
use super::layout::{Layout, Unreadable};
use super::offers::Offer;
use crate::docker::reference;
use crate::docker::spec::{BuildSpec, DockerfileSource, NamedContext};
use crate::dockerfile::Dockerfile;
use crate::failure::{Class, Failure};
use crate::human;

/// What a frontend must know, or it is not asked: one that does not would take the names for images.
const CAPABILITY: &str = "moby.buildkit.frontend.contexts+forward";
/// How ids of directories begin that hold images.
const IMAGES: &str = "oci:";
/// The tag that is meant where none is written.
const LATEST: &str = "latest";

/// The attributes that tell the frontend of the named contexts.
pub(super) fn attributes(spec: &BuildSpec) -> Vec<(String, String)> {
    let mut attributes: Vec<(String, String)> = spec
        .contexts
        .iter()
        .map(|(name, context)| {
            let value = match context {
                NamedContext::Directory(_) => format!("local:{}", source(name, context)),
                NamedContext::OciLayout { directory, image } => {
                    format!("oci-layout://{}{image}", id(directory))
                }
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
                let offer = if is_taken_once(spec, name) {
                    Offer::Directory(path.clone())
                } else {
                    Offer::Whole(path.clone())
                };
                Some((source(name, context), offer))
            }
            _ => None,
        })
}

/// The directories of images that the session serves for them, by id.
pub(super) fn stores(spec: &BuildSpec) -> impl Iterator<Item = (String, Arc<Store>)> + '_ {
    spec.contexts.values().filter_map(|context| match context {
        NamedContext::OciLayout { directory, .. } => {
            let store = Store::new(Blobs::of(directory), false);
            Some((format!("{IMAGES}{}", id(directory)), Arc::new(store)))
        }
        _ => None,
    })
}

/// The digest of the image that `image` names in a layout, as it is written after the directory: a
/// tag, a digest, both or nothing, which stands for the tag `latest` or the only image there is.
/// Reads files.
///
/// # Errors
/// [`Class::ContextMissing`] when there is none.
pub(super) fn pin(name: &str, directory: &Path, image: &str) -> Result<String, Failure> {
    if image.contains('@') {
        return Ok(image.to_owned());
    }
    let layout = Layout::open(directory);
    let tag = image.strip_prefix(':');
    let found = match layout.tagged(tag.unwrap_or(LATEST)) {
        Err(Unreadable::NoTag) if tag.is_none() => layout.only(),
        found => found,
    };
    let place = directory.display();
    let why = match found {
        Ok(digest) => return Ok(format!("{image}@{digest}")),
        Err(Unreadable::Missing) => format!("`{place}` holds no image: it has no `index.json`"),
        Err(Unreadable::NoTag) => {
            format!(
                "`{place}` holds no image with the tag `{}`",
                tag.unwrap_or(LATEST)
            )
        }
        Err(Unreadable::Refused(why)) => format!("`{place}` may not be read: {why}"),
        Err(Unreadable::Damaged(why)) => format!("`{place}` is damaged: {why}"),
    };
    let failure = Failure::new(
        Class::ContextMissing,
        format!("the context `{name}`: {why}"),
    );
    Err(failure.hint("write oci-layout://DIRECTORY:TAG or oci-layout://DIRECTORY@DIGEST"))
}

/// Whether one instruction at most takes from the context called `name`.
fn is_taken_once(spec: &BuildSpec, name: &str) -> bool {
    let text = match &spec.dockerfile {
        DockerfileSource::File(path) => std::fs::read_to_string(path).unwrap_or_default(),
        DockerfileSource::Instead(_, text) | DockerfileSource::Inline(text) => text.clone(),
        DockerfileSource::InContext(_) => return false,
    };
    let wanted = |image: &str| reference::familiar(image).is_some_and(|image| image == name);
    Dockerfile::parse(&text).count_taking(wanted) < 2
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
    use crate::docker::spec::ContextSource;

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
    fn a_directory_that_two_instructions_take_from_is_given_whole() {
        let once = |text: &str| {
            let spec = BuildSpec::new(
                ContextSource::Directory("/src".into()),
                DockerfileSource::Inline(text.into()),
                "Dockerfile",
            );
            is_taken_once(&spec, "lib")
        };
        assert!(once(
            "FROM a\nCOPY --from=lib x /x\nCOPY --from=other y /y\n"
        ));
        assert!(!once(
            "FROM a\nCOPY --from=lib x /x\nRUN --mount=type=bind,from=lib:latest,target=/y cat\n"
        ));
        assert!(!once("FROM lib\nCOPY --from=lib x /x\n"));
    }

    #[test]
    fn another_directory_under_the_same_name_is_another_source() {
        let of = |path: &str| source("lib", &NamedContext::Directory(path.into()));
        assert_eq!(of("/a"), of("/a"));
        assert_ne!(of("/a"), of("/b"));
    }
}
