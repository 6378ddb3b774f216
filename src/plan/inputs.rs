//! The files of this machine that a plan depends on, read once before it is made.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::forms::{Form, Problem, Role};
use crate::compose::{self, Build, Project};
use crate::diagnostic::{Diagnostic, Source};
use crate::dockerfile::{Dockerfile, Markers, Name};
use crate::failure::Class;

/// What was found of each service's build.
#[derive(Debug, Default)]
pub struct Inputs(HashMap<String, Vec<Form>>);

/// A Dockerfile that could be read.
#[derive(Debug, Clone, Copy)]
pub struct Opened<'a> {
    /// The service that may be built from it.
    pub service: &'a str,
    /// Its text, under its name.
    pub source: &'a Arc<Source>,
    /// What it says.
    pub dockerfile: &'a Dockerfile,
    /// The build section that goes with it.
    pub build: &'a Build,
}

/// Where else to look for forms.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    /// The markers of pairs.
    pub markers: &'a Markers,
    /// One more marker that is asked for by name.
    pub named: Option<&'a str>,
    /// The traditional form of the whole project, when its compose file has one beside it.
    pub traditional: Option<&'a Project>,
}

impl Inputs {
    /// Reads what the services of `project` need, in every form they have.
    pub fn read(project: &Project, beside: Beside<'_>) -> Self {
        let forms = |service: &compose::Service| {
            let build = service.build.as_ref()?;
            let other = beside
                .traditional
                .and_then(|project| project.services.get(&service.name)?.build.as_ref());
            let forms = match other {
                Some(other) => vec![
                    Form::read(project, build).of(Role::Optimised, &beside.markers.optimised),
                    Form::read(project, other)
                        .of(Role::Traditional, &beside.markers.traditional)
                        .with(other.clone()),
                ],
                None => pair(project, build, beside),
            };
            Some((service.name.clone(), forms))
        };
        Self(project.services.values().filter_map(forms).collect())
    }

    /// What the services of `project` ask for that is missing, each told once, with its class.
    pub fn missing(&self, project: &Project) -> Vec<(Class, Diagnostic)> {
        let mut missing = Vec::new();
        for (service, build, form) in self.all(project) {
            let name = &service.name;
            let problems = form.problems(name, build);
            for Problem { class, diagnostic } in
                problems.into_iter().chain(form.given.problems(name))
            {
                if !missing.contains(&(class, diagnostic.clone())) {
                    missing.push((class, diagnostic));
                }
            }
        }
        missing
    }

    /// The Dockerfiles of `project` that could be read, every form of them.
    pub fn opened<'a>(&'a self, project: &'a Project) -> impl Iterator<Item = Opened<'a>> {
        self.all(project).filter_map(|(service, build, form)| {
            Some(Opened {
                service: &service.name,
                source: form.source.as_ref()?,
                dockerfile: &form.dockerfile,
                build: form.build(build),
            })
        })
    }

    /// Every form with its service and the service's own build section.
    fn all<'a>(
        &'a self,
        project: &'a Project,
    ) -> impl Iterator<Item = (&'a compose::Service, &'a Build, &'a Form)> {
        let services = project.services.values();
        services
            .filter_map(|service| Some((service, service.build.as_ref()?)))
            .flat_map(|(service, build)| {
                let forms = self.forms(&service.name).iter();
                forms.map(move |form| (service, build, form))
            })
    }

    /// The forms of a service, the optimised one first; none when it does not build.
    pub(super) fn forms(&self, service: &str) -> &[Form] {
        self.0.get(service).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The form whose name has no marker.
const PLAIN: &str = "plain";

/// The forms that stand beside the Dockerfile of `build`, itself among them.
fn pair(project: &Project, build: &Build, beside: Beside<'_>) -> Vec<Form> {
    let compose::Dockerfile::File(path) = &build.dockerfile else {
        return vec![Form::read(project, build)];
    };
    let Markers {
        optimised,
        traditional,
    } = beside.markers;
    let named = beside
        .named
        .filter(|named| *named != optimised && *named != traditional);
    let markers = [optimised.as_str(), traditional.as_str()];
    let name = path
        .file_name()
        .and_then(|name| Name::read(name.to_str()?, named.into_iter().chain(markers)));
    let Some(name) = name else {
        return vec![Form::read(project, build)];
    };
    let own = || {
        let form = Form::read(project, build);
        match name.marker.as_deref() {
            Some(marker) if marker == optimised => form.of(Role::Optimised, marker),
            Some(marker) if marker == traditional => form.of(Role::Traditional, marker),
            Some(marker) => form.of(Role::Named, marker),
            None => form,
        }
    };
    let beside_it = |names: Vec<String>| {
        names
            .into_iter()
            .map(|name| path.with_file_name(name))
            .find(|path| path.is_file())
    };
    let there = There {
        own: name.marker.as_deref(),
        plain: beside_it(vec![name.plain.clone()]),
        optimised: beside_it(name.with(optimised)),
        traditional: beside_it(name.with(traditional)),
    };
    let mut found = there.roles(beside.markers, beside.named.is_some());
    if let Some(marker) = named {
        let path = beside_it(name.with(marker));
        found.extend(path.map(|path| (Role::Named, marker, path)));
    }
    if found.is_empty() {
        return vec![own()];
    }
    let mut forms: Vec<Form> = found
        .into_iter()
        .map(|(role, marker, path)| {
            let build = Build {
                dockerfile: compose::Dockerfile::File(path),
                ..build.clone()
            };
            Form::read(project, &build).of(role, marker).with(build)
        })
        .collect();
    let is_own = |form: &Form| form.build(build).dockerfile == build.dockerfile;
    if !forms.iter().any(is_own) {
        forms.push(own());
    }
    forms
}

/// Which files of one family are there.
struct There<'a> {
    /// The marker of the file that the project names.
    own: Option<&'a str>,
    plain: Option<PathBuf>,
    optimised: Option<PathBuf>,
    traditional: Option<PathBuf>,
}

impl There<'_> {
    /// Which file is which form; none when there is but one.
    ///
    /// The file that the project names always takes part, unless a form is `asked` for by name. A
    /// plain file that it does not name is taken for the traditional form of an optimised one and
    /// for nothing else: beside a `Dockerfile.test` there often lies a `Dockerfile` that makes
    /// another image altogether.
    fn roles(self, markers: &Markers, asked: bool) -> Vec<(Role, &str, PathBuf)> {
        let optimised = |path| (Role::Optimised, markers.optimised.as_str(), path);
        let traditional = |path| (Role::Traditional, markers.traditional.as_str(), path);
        let is_optimised = self.own == Some(markers.optimised.as_str());
        match (self.optimised, self.traditional, self.plain) {
            (Some(one), Some(other), _) if self.own.is_some() || asked => {
                vec![optimised(one), traditional(other)]
            }
            (Some(one), None, Some(plain)) if self.own.is_none() || is_optimised => {
                vec![optimised(one), (Role::Traditional, PLAIN, plain)]
            }
            (None, Some(other), Some(plain)) if self.own.is_none() => {
                vec![(Role::Optimised, PLAIN, plain), traditional(other)]
            }
            _ => Vec::new(),
        }
    }
}
