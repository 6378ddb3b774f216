//! What stands for names in a Dockerfile: `additional_contexts:` in the builder's terms.
//!
//! BuildKit has them from 23.0 on. For older engines, the classic builder and Podman, images are
//! written into the Dockerfile in place of the names; what no rewriting can give is refused.

use std::path::PathBuf;

use indexmap::IndexMap;

use super::forms::Form;
use crate::compose::{Build, Context, Project};
use crate::diagnostic::{Diagnostic, Span};
use crate::docker::{NamedContext, reference};
use crate::human;

/// The image without any files, which no registry has.
const SCRATCH: &str = "scratch";

/// The named contexts of `build`, under the names by which BuildKit looks for them.
pub(super) fn of(
    project: &Project,
    build: &Build,
    separator: char,
) -> IndexMap<String, NamedContext> {
    build
        .additional_contexts
        .iter()
        .filter_map(|(name, context)| {
            let context = match context {
                Context::Directory(path) => NamedContext::Directory(path.clone()),
                Context::Service(service) => {
                    let service = project.services.get(service)?;
                    let image = service.image_name(&project.name, separator);
                    NamedContext::Image(reference::normalize(&image).ok()?)
                }
                Context::Remote(address) => match kind(address)? {
                    Kind::Image(image) => NamedContext::Image(image),
                    Kind::OciLayout { directory, image } => NamedContext::OciLayout {
                        directory: project.directory.join(directory),
                        image,
                    },
                    Kind::Fetched => NamedContext::Remote(address.clone()),
                },
            };
            Some((reference::familiar(name)?, context))
        })
        .collect()
}

/// What an address under `additional_contexts:` means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An image by its full name.
    Image(String),
    /// An image in a directory, the path as written.
    OciLayout { directory: PathBuf, image: String },
    /// A git or http address.
    Fetched,
}

/// What `address` means; nothing when BuildKit takes none like it.
pub(super) fn kind(address: &str) -> Option<Kind> {
    if let Some(image) = address.strip_prefix("docker-image://") {
        return match image {
            SCRATCH => Some(Kind::Image(image.to_owned())),
            _ => Some(Kind::Image(reference::normalize(image).ok()?)),
        };
    }
    if let Some(place) = address.strip_prefix("oci-layout://") {
        let path = place.split(['@', ':']).next().unwrap_or(place);
        return Some(Kind::OciLayout {
            directory: path.into(),
            image: place[path.len()..].to_owned(),
        });
    }
    ["git@", "git://", "http://", "https://"]
        .iter()
        .any(|scheme| address.starts_with(scheme))
        .then_some(Kind::Fetched)
}

/// The images that builders without named contexts find written in place of the names.
pub(super) fn renamed(
    contexts: &IndexMap<String, NamedContext>,
) -> impl Fn(&str) -> Option<String> + '_ {
    |name| match contexts.get(&reference::familiar(name)?)? {
        NamedContext::Image(image) if name != SCRATCH => Some(image.clone()),
        _ => None,
    }
}

/// The first named context that BuildKit would put in the place of a stage, which no rewriting can.
pub(super) fn instead_of_stage(build: &Build, form: &Form) -> Option<Diagnostic> {
    let stages = form.dockerfile.stages();
    let is_stage = |name: &&String| {
        let name = reference::familiar(name);
        name.is_some() && stages.iter().any(|stage| stage.name == name)
    };
    let name = build.additional_contexts.keys().find(is_stage)?;
    let message = format!(
        "`additional_contexts` ({name}) takes the place of a stage of `{}`, which only BuildKit from 23.0 on can do",
        form.name
    );
    Some(
        Diagnostic::error(message)
            .at(place(build, name).clone(), "")
            .help("use engine 23.0 or later, or give the stage another name"),
    )
}

/// The named directories of `build` that are none, each with what is near it.
pub(super) fn missing(build: &Build) -> Vec<Diagnostic> {
    let directories =
        build
            .additional_contexts
            .iter()
            .filter_map(|(name, context)| match context {
                Context::Directory(path) if !path.is_dir() => Some((name, path)),
                _ => None,
            });
    directories
        .map(|(name, path)| {
            let what = if path.exists() {
                "is not a directory"
            } else {
                "does not exist"
            };
            let diagnostic = Diagnostic::error(format!(
                "the directory of the context `{name}` {what}: `{}`",
                path.display()
            ))
            .at(place(build, name).clone(), "named here");
            match neighbour(path) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic,
            }
        })
        .collect()
}

/// Where the context called `name` is written.
fn place<'a>(build: &'a Build, name: &str) -> &'a Span {
    let keys = &build.keys;
    keys.get(&format!("additional_contexts.{name}"))
        .or_else(|| keys.get("additional_contexts"))
        .unwrap_or(&build.at)
}

/// A directory beside `path` with a name like its.
fn neighbour(path: &std::path::Path) -> Option<String> {
    let names: Vec<String> = std::fs::read_dir(path.parent()?)
        .ok()?
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let wanted = path.file_name()?.to_string_lossy();
    human::nearest(&wanted, names.iter().map(String::as_str)).map(str::to_owned)
}

/// The images among the named contexts, as people write them; those of services are not among them.
pub(super) fn images(build: &Build) -> impl Iterator<Item = String> + '_ {
    build
        .additional_contexts
        .values()
        .filter_map(|context| match context {
            Context::Remote(address) => match kind(address)? {
                Kind::Image(image) => Some(image),
                _ => None,
            },
            _ => None,
        })
}

/// Whether a context stands for `image`.
pub(super) fn covers(build: &Build, image: &str) -> bool {
    let image = reference::familiar(image);
    image.is_some()
        && build
            .additional_contexts
            .keys()
            .any(|name| reference::familiar(name) == image)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_its_beginning_says() {
        for (address, means) in [
            (
                "docker-image://alpine:3",
                Some(Kind::Image("docker.io/library/alpine:3".into())),
            ),
            (
                "docker-image://scratch",
                Some(Kind::Image("scratch".into())),
            ),
            ("docker-image://Alpine", None),
            (
                "oci-layout://../cache:v1@sha256:ab",
                Some(Kind::OciLayout {
                    directory: "../cache".into(),
                    image: ":v1@sha256:ab".into(),
                }),
            ),
            ("https://example.org/x.git#main:sub", Some(Kind::Fetched)),
            ("git@example.org:x.git", Some(Kind::Fetched)),
            ("ssh://git@example.org/x.git", None),
            ("github.com/acme/x", None),
            ("foo://x", None),
        ] {
            assert_eq!(kind(address), means, "{address}");
        }
    }
}
