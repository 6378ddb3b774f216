//! The images that a project's builds need from elsewhere.

use std::collections::BTreeSet;

use super::caches::{Place, caches};
use super::seen::Read;
use crate::compose::{Build, Context, Project};
use crate::docker::reference;

/// An image that builds need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// Its full name.
    pub image: String,
    /// What for.
    pub role: Role,
    /// The services that need it.
    pub services: Vec<String>,
}

/// What an image is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A Dockerfile begins with it, or copies from it.
    Base,
    /// A `# syntax=` line names it.
    Frontend,
    /// It is a cache, which may be missing.
    Cache,
}

/// What `dockerfiles` need that no service of `project` makes, each image once.
pub fn needed<'a>(
    project: &Project,
    dockerfiles: impl IntoIterator<Item = &'a Read>,
) -> Vec<Needed> {
    let made = made(project);
    let mut all: Vec<Needed> = Vec::new();
    for read in dockerfiles {
        let build = &read.build;
        let images = read.dockerfile.images(build.target.as_deref(), &build.args);
        let images = images.into_iter().filter(|image| !is_context(build, image));
        let images = images
            .chain(contexts(build))
            .map(|image| (image, Role::Base));
        let syntax = read.dockerfile.syntax.as_deref();
        let frontend = syntax.and_then(|line| line.split_whitespace().next());
        for (image, role) in images.chain(frontend.map(|image| (image.to_owned(), Role::Frontend)))
        {
            let Ok(image) = reference::normalize(&image) else {
                continue;
            };
            if made.contains(&image) {
                continue;
            }
            let known = all
                .iter_mut()
                .find(|known| known.image == image && known.role == role);
            match known {
                Some(known) => known.services.push(read.service.clone()),
                None => all.push(Needed {
                    image,
                    role,
                    services: vec![read.service.clone()],
                }),
            }
        }
    }
    for cache in caches(project, &project.directory) {
        if let Place::Registry(image) = cache.place
            && !all.iter().any(|known| known.image == image)
        {
            all.push(Needed {
                image,
                role: Role::Cache,
                services: vec![cache.service],
            });
        }
    }
    all
}

/// The images that services of the project make, under every name that Compose may give them.
fn made(project: &Project) -> BTreeSet<String> {
    let services = project.services.values();
    services
        .filter_map(|service| Some((service, service.build.as_ref()?)))
        .flat_map(|(service, build)| {
            let own = ['-', '_'].map(|separator| service.image_name(&project.name, separator));
            own.into_iter().chain(build.tags.iter().cloned())
        })
        .filter_map(|name| reference::normalize(&name).ok())
        .collect()
}

/// Whether a named context stands for `image`.
fn is_context(build: &Build, image: &str) -> bool {
    let image = reference::familiar(image);
    let mut names = build.additional_contexts.keys();
    image.is_some() && names.any(|name| reference::familiar(name) == image)
}

/// The images among the named contexts.
fn contexts(build: &Build) -> impl Iterator<Item = String> + '_ {
    build
        .additional_contexts
        .values()
        .filter_map(|context| match context {
            Context::Remote(address) => address
                .strip_prefix("docker-image://")
                .filter(|image| *image != "scratch")
                .map(str::to_owned),
            Context::Directory(_) | Context::Service(_) => None,
        })
}

#[cfg(test)]
mod tests {
    use super::Role;
    use crate::doctor::testing::Case;

    #[test]
    fn images_of_the_project_and_named_contexts_are_not_needed_from_elsewhere() {
        let mut case = Case::default();
        case.project(
            "services:\n  base: { image: acme/base, build: . }\n  web:\n    build:\n      context: .\n      \
             additional_contexts: { tools: docker-image://alpine:3, lib: . }\n",
        );
        case.dockerfile("base", "FROM busybox\n");
        case.dockerfile(
            "web",
            "# syntax=docker/dockerfile:1\nFROM acme/base\nCOPY --from=tools /a /a\nCOPY --from=lib /b /b\nCOPY --from=busybox /c /c\n",
        );
        let needed = super::needed(case.loaded(), &case.dockerfiles);
        let names: Vec<_> = needed
            .iter()
            .map(|it| (it.image.as_str(), it.role, it.services.join(" ")))
            .collect();
        assert_eq!(
            names,
            [
                (
                    "docker.io/library/busybox:latest",
                    Role::Base,
                    "base web".to_owned()
                ),
                ("docker.io/library/alpine:3", Role::Base, "web".to_owned()),
                (
                    "docker.io/docker/dockerfile:1",
                    Role::Frontend,
                    "web".to_owned()
                ),
            ]
        );
    }
}
