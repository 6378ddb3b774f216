//! Which image begins with which: Compose does not know, and builds in the wrong order.
//!
//! A service needs another when its Dockerfile begins with, copies from or mounts an image that the
//! other one makes, or when `additional_contexts:` names the other one or its image.

use std::collections::HashSet;

use indexmap::IndexMap;

use super::{Inputs, Reason, Request, contexts};
use crate::compose::{Build, Context, Project, Service};
use crate::docker::reference;
use crate::failure::{Class, Failure};

/// The services that build and what each needs.
pub(super) struct Graph(IndexMap<String, Vec<String>>);

impl Graph {
    /// Reads the needs of every service of `project` that builds.
    pub(super) fn new(project: &Project, inputs: &Inputs, request: &Request) -> Self {
        let makers = makers(project, request.separator);
        let needs = |service: &Service| -> Vec<String> {
            let Some(own) = &service.build else {
                return Vec::new();
            };
            let mut names: Vec<String> = Vec::new();
            for form in inputs.forms(&service.name) {
                let build = form.build(own);
                let mut args = build.args.clone();
                args.extend(request.build_args.clone());
                let images = form.dockerfile.images(build.target.as_deref(), &args);
                let made = images
                    .iter()
                    .filter(|image| !contexts::covers(build, image))
                    .cloned()
                    .chain(contexts::images(build))
                    .filter_map(|image| makers.get(&reference::normalize(&image).ok()?).cloned())
                    .filter(|maker| *maker != service.name);
                names.extend(made);
                names.extend(services(build).map(str::to_owned));
            }
            names.sort();
            names.dedup();
            names
        };
        Self(
            project
                .services
                .values()
                .filter(|service| service.build.is_some())
                .map(|service| (service.name.clone(), needs(service)))
                .collect(),
        )
    }

    /// The services that the image of `service` begins with.
    pub(super) fn needs(&self, service: &str) -> impl Iterator<Item = &str> {
        self.0
            .get(service)
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// The services that the images of `services` begin with.
    pub(super) fn bases<'a>(&self, services: impl Iterator<Item = &'a str>) -> HashSet<&str> {
        services.flat_map(|service| self.needs(service)).collect()
    }

    /// What to build for the services in `asked`, each after what it needs, and why.
    ///
    /// # Errors
    /// When services need each other.
    pub(super) fn order(&self, asked: &[&Service]) -> Result<IndexMap<String, Reason>, Failure> {
        let mut order = IndexMap::new();
        for service in asked {
            if self.0.contains_key(&service.name) {
                self.visit(&service.name, Reason::Asked, &mut Vec::new(), &mut order)?;
            }
        }
        for service in asked {
            if let Some(reason) = order.get_mut(&service.name) {
                *reason = Reason::Asked;
            }
        }
        Ok(order)
    }

    fn visit(
        &self,
        name: &str,
        reason: Reason,
        path: &mut Vec<String>,
        order: &mut IndexMap<String, Reason>,
    ) -> Result<(), Failure> {
        if order.contains_key(name) {
            return Ok(());
        }
        path.push(name.to_owned());
        if path[..path.len() - 1].iter().any(|above| above == name) {
            return Err(cycle(path));
        }
        for need in self.needs(name) {
            self.visit(need, Reason::NeededBy(name.to_owned()), path, order)?;
        }
        path.pop();
        order.insert(name.to_owned(), reason);
        Ok(())
    }
}

fn cycle(path: &[String]) -> Failure {
    Failure::new(
        Class::ComposeInvalid,
        format!("images begin with each other: {}", path.join(" -> ")),
    )
    .hint("break the circle: let one of their Dockerfiles begin with another image")
}

/// The services among the named contexts of a build.
fn services(build: &Build) -> impl Iterator<Item = &str> {
    build
        .additional_contexts
        .values()
        .filter_map(|context| match context {
            Context::Service(service) => Some(service.as_str()),
            Context::Directory(_) | Context::Remote(_) => None,
        })
}

/// Which service makes which image, by full name.
fn makers(project: &Project, separator: char) -> IndexMap<String, String> {
    let mut makers = IndexMap::new();
    for service in project.services.values() {
        let Some(build) = &service.build else {
            continue;
        };
        let image = service.image_name(&project.name, separator);
        for name in build.tags.iter().chain([&image]) {
            if let Ok(full) = reference::normalize(name) {
                makers.entry(full).or_insert_with(|| service.name.clone());
            }
        }
    }
    makers
}
