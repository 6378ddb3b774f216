//! What will be built, with which builder and Dockerfile, in which order, and why.
//!
//! [`plan`] is a pure function of the project, the files it names, what is known of the engine, and
//! the request. Everything that is decided is decided here; `run` only carries it out.

mod ability;
mod caches;
mod choose;
mod contexts;
mod forms;
mod given;
mod graph;
mod guard;
mod inputs;
mod no_cache;
mod outputs;
mod own_builder;
mod platforms;
mod request;
mod said;
mod spec;
mod twins;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::compose::{Build, Project, Service};
use crate::diagnostic::Diagnostic;
use crate::docker::{BuildSpec, Engine, Keeper, Strategy};
use crate::event::JobId;
use crate::failure::{Class, Failure, Obstacle};
use crate::human;
use choose::{Choice, Impossible};
use forms::{Form, Problem};
use guard::Asked;

pub use ability::Builders;
pub use caches::named as named_caches;
pub use forms::Role;
pub use guard::{SOURCE_DATE_EPOCH, Verdict, asks_worker};
pub use inputs::{Beside, Inputs, Opened};
pub use no_cache::NoCache;
pub use request::{Fallback, Policy, Request, Set, Wanted};
pub use spec::prefixes;

/// What will be done. `jobs[i].needs` are all below `i`.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The project's name.
    pub project: String,
    /// The project's directory.
    pub directory: PathBuf,
    /// The files it was read from.
    pub files: Vec<PathBuf>,
    /// The engine that will build, when one answered.
    pub engine: Option<Engine>,
    /// What is built, each after what it needs.
    pub jobs: Vec<Job>,
    /// How many jobs run side by side.
    pub parallel: Set<usize>,
    /// Whether a way around a builder that fails is taken.
    pub fallback: Fallback,
    /// Whether the other jobs go on when one fails.
    pub keep_going: bool,
    /// What there is to tell before it begins.
    pub notes: Vec<Diagnostic>,
    /// What becomes of each key with the builders here.
    pub keys: Vec<Verdict>,
}

impl Plan {
    /// The same with how long the services' builds took before, in milliseconds, by name.
    #[must_use]
    pub fn with_times(mut self, times: &HashMap<String, u64>) -> Self {
        for job in &mut self.jobs {
            job.known = times.get(&job.service).copied();
        }
        self
    }
}

/// One image to build.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its place in the plan.
    pub id: JobId,
    /// The service it belongs to.
    pub service: String,
    /// Other services that use the very same image under the very same names.
    pub also: Vec<String>,
    /// The jobs that must be done before it.
    pub needs: Vec<JobId>,
    /// Why it is built.
    pub because: Reason,
    /// How it is built.
    pub attempt: Attempt,
    /// Ways around a builder that fails, best first. At most one of them is taken.
    pub detours: Vec<Detour>,
    /// The names under which the image is pushed when it is built, in full form.
    pub push: Vec<String>,
    /// How long it took before, in milliseconds, where that is known. It decides over the order only.
    pub known: Option<u64>,
}

impl Job {
    /// All services that use its image.
    pub fn services(&self) -> Vec<&str> {
        let also = self.also.iter().map(String::as_str);
        std::iter::once(self.service.as_str()).chain(also).collect()
    }
}

/// One way to build an image. Builder and Dockerfile change together.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The builder.
    pub strategy: Strategy,
    /// Which form of the Dockerfile it is, when there are several: the marker in its name.
    pub variant: Option<String>,
    /// Why this way: completes "because ...".
    pub because: String,
    /// Its place in the engine's memory of transferred files.
    pub prefix: String,
    /// What the builder is asked for.
    pub spec: BuildSpec,
}

/// A way around what stood in the way of the first.
#[derive(Debug, Clone)]
pub struct Detour {
    /// What it is a way around; a way around the whole builder is one around its frontend too.
    pub around: Obstacle,
    /// How it is built then.
    pub attempt: Attempt,
}

/// Why a job is in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Its service was named, or none was.
    Asked,
    /// The image of this service begins with it.
    NeededBy(String),
    /// The job of this service builds the same; this one only gives it another name.
    SameAs(String),
}

impl fmt::Display for Reason {
    /// Completes "it is built because ...".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("it is asked for"),
            Self::NeededBy(service) => write!(f, "`{service}` needs its image"),
            Self::SameAs(service) => write!(
                f,
                "`{service}` is built from the same: this is one more name for it"
            ),
        }
    }
}

/// Decides what to build and how.
///
/// # Errors
/// When a service is unknown, a file is missing, an image's name is not one, services begin with
/// each other, or something is asked for that no builder here can do.
pub fn plan(
    project: &Project,
    inputs: &Inputs,
    builders: Builders<'_>,
    request: &Request,
) -> Result<Plan, Failure> {
    let graph = graph::Graph::new(project, inputs, request);
    let order = graph.order(&selected(project, &request.services)?)?;
    let services: Vec<(&Service, &Build)> = order
        .keys()
        .filter_map(|name| {
            let service = &project.services[name.as_str()];
            Some((service, service.build.as_ref()?))
        })
        .collect();
    variant_exists(&services, inputs, request)?;
    let bases = graph.bases(services.iter().map(|(service, _)| service.name.as_str()));
    let destination = |service: &Service| own_builder::destination(service, &bases, request);
    request.no_cache.check(project, &services)?;
    let choices = choices(&services, inputs, builders, request, &graph, destination)?;
    caches::check(project, &services, inputs)?;
    let parts = &caches::Parts::of(project, inputs, &request.directory);
    let mut jobs: Vec<Job> = Vec::new();
    let mut warnings: Vec<Diagnostic> = Vec::new();
    for ((service, build), choices) in services.into_iter().zip(choices) {
        let place = |name: &str| {
            jobs.iter()
                .find(|job| job.service == name)
                .map(|job| job.id)
        };
        let needs: Vec<JobId> = graph.needs(&service.name).filter_map(place).collect();
        let because = order[service.name.as_str()].clone();
        let around = spec::Around {
            project,
            service,
            own: build,
            request,
            builders,
            parts,
            after_others: !needs.is_empty(),
            destination: destination(service),
        };
        let mut attempts = choices
            .iter()
            .map(|choice| Ok((choice.around, around.attempt(choice)?)))
            .collect::<Result<Vec<_>, Failure>>()?
            .into_iter();
        let Some((_, attempt)) = attempts.next() else {
            continue;
        };
        let push = if request.pushes(service) {
            attempt.spec.tags.clone()
        } else {
            Vec::new()
        };
        let asked = Asked::new(service, choices[0].form.build(build), request)
            .going_to(destination(service));
        warnings.extend(around.caches_left_out(asked.build, &attempt.strategy));
        warnings.extend(caveats(&choices[0], &asked, builders));
        jobs.push(Job {
            id: JobId(jobs.len()),
            service: service.name.clone(),
            also: Vec::new(),
            needs,
            because,
            attempt,
            detours: attempts
                .filter_map(|(around, attempt)| {
                    Some(Detour {
                        around: around?,
                        attempt,
                    })
                })
                .collect(),
            push,
            known: None,
        });
    }
    let jobs = twins::join(outputs::assign(jobs, request)?);
    warnings.extend(caches::conflicts(&jobs)?);
    warnings.extend(parts.notes(&jobs));
    let mut notes = project.notes.clone();
    notes.extend(each_once(warnings));
    notes.extend(twins::confusable(&jobs));
    notes.extend(said::notes(project, &jobs));
    notes.extend(own_builder::passed_over(builders, request));
    if request.push {
        notes.extend(said::not_pushed(project, &jobs));
    }
    if jobs.is_empty() {
        notes.push(Diagnostic::warning(
            "no service has a `build:` section: nothing to build",
        ));
    }
    Ok(Plan {
        project: project.name.clone(),
        directory: project.directory.clone(),
        files: project.files.clone(),
        engine: builders.engine.cloned(),
        parallel: no_cache::side_by_side(&jobs, &request.parallel, builders),
        jobs,
        fallback: request.fallback.value,
        keep_going: request.keep_going,
        notes,
        keys: guard::verdicts(builders.ground()),
    })
}

/// What the project says once for all services is told once.
fn each_once(diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut once: Vec<Diagnostic> = Vec::new();
    for diagnostic in diagnostics {
        if !once.contains(&diagnostic) {
            once.push(diagnostic);
        }
    }
    once
}

/// What is left out of a build that was chosen, and what may go wrong with it.
fn caveats(choice: &Choice<'_>, asked: &Asked<'_>, builders: Builders<'_>) -> Vec<Diagnostic> {
    let mut caveats = guard::left_out(&choice.strategy, asked, builders.ground());
    if choice.strategy.builder().is_none() {
        caveats.extend(platforms::without_emulation(asked, builders));
    }
    caveats.extend(choice.form.without_stages(asked));
    let no_cache = &asked.request.no_cache;
    caveats.extend(no_cache.note(asked.service, choice, builders));
    caveats.extend(choice.form.given.warnings(&asked.service.name));
    caveats
}

/// The services that were named, or all.
fn selected<'a>(project: &'a Project, names: &[String]) -> Result<Vec<&'a Service>, Failure> {
    if names.is_empty() {
        return Ok(project.services.values().collect());
    }
    names
        .iter()
        .map(|name| {
            project
                .services
                .get(name)
                .ok_or_else(|| unknown(project, name))
        })
        .collect()
}

/// Whether `names` are services of the project.
///
/// # Errors
/// When one is not, with what was probably meant.
pub fn check_services(project: &Project, names: &[String]) -> Result<(), Failure> {
    selected(project, names).map(|_| ())
}

fn unknown(project: &Project, name: &str) -> Failure {
    let failure = Failure::new(
        Class::Usage,
        format!("the project `{}` has no service `{name}`", project.name),
    );
    let known = project.services.keys().map(String::as_str);
    match human::nearest(name, known.clone()) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint(format!("its services are {}", human::list(known))),
    }
}

/// A form that is asked for by its name must be there for one service at least.
fn variant_exists(
    services: &[(&Service, &Build)],
    inputs: &Inputs,
    request: &Request,
) -> Result<(), Failure> {
    let Set {
        value: Wanted::Named(name),
        from,
    } = &request.policy.variant
    else {
        return Ok(());
    };
    let forms = || {
        services
            .iter()
            .flat_map(|(service, _)| inputs.forms(&service.name))
    };
    if forms().any(|form| form.is_called(name)) {
        return Ok(());
    }
    let mut known: Vec<&str> = forms()
        .filter_map(|form| Some(form.variant.as_ref()?.marker.as_str()))
        .collect();
    known.sort_unstable();
    known.dedup();
    let failure = Failure::new(
        Class::VariantMissing,
        format!("{from} asks for `{name}`, and no Dockerfile here is called so"),
    );
    Err(match human::nearest(name, known.iter().copied()) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None if known.is_empty() => failure.hint(format!(
            "a variant stands beside the plain file: `Dockerfile.{name}`, `web.{name}.Dockerfile`"
        )),
        None => failure.hint(format!("there are {}", human::list(known))),
    })
}

/// The ways to build each service, or everything that is wrong before a build begins, at once.
fn choices<'a>(
    services: &[(&Service, &Build)],
    inputs: &'a Inputs,
    builders: Builders<'_>,
    request: &Request,
    graph: &graph::Graph,
    destination: impl Fn(&Service) -> Keeper,
) -> Result<Vec<Vec<Choice<'a>>>, Failure> {
    let mut missing = Vec::new();
    let mut refused = Vec::new();
    let mut choices = Vec::new();
    for (service, build) in services {
        let forms = inputs.forms(&service.name);
        missing.extend(
            forms
                .iter()
                .flat_map(|form| form.problems(&service.name, build)),
        );
        match choose::choose(
            service,
            build,
            forms,
            builders,
            request,
            destination(service),
        ) {
            Ok(mut found) => {
                if request.fallback.value == Fallback::Never {
                    found.truncate(1);
                }
                request
                    .no_cache
                    .check_choice(service, &found[0], builders)?;
                if let Some(name) = found[0].strategy.builder() {
                    refused.extend(own_builder::refusals(name, service, build, graph));
                }
                for problem in chosen_forms(&found)
                    .into_iter()
                    // A check runs nothing, so nothing can use what is given.
                    .filter(|_| !request.check)
                    .flat_map(|form| form.given.problems(&service.name))
                {
                    match problem.class {
                        Class::Unsupported => refused.push(problem.diagnostic),
                        _ => missing.push(problem),
                    }
                }
                choices.push(found);
            }
            Err(Impossible::Failed(failure)) => return Err(*failure),
            Err(Impossible::Refused(why)) => refused.extend(why),
        }
        let asked = Asked::new(service, build, request);
        refused.extend(platforms::excluded(&asked, request));
    }
    if let Some(class) = worst(&missing) {
        let message = match class {
            Class::SecretMissing => "secrets that the build needs are missing",
            Class::SshMissing => "SSH keys that the build needs are missing",
            _ => "files that the build needs are missing",
        };
        let mut found: Vec<Diagnostic> = missing.into_iter().map(|it| it.diagnostic).collect();
        found.extend(refused);
        return Err(Failure::found(class, message, found));
    }
    if !refused.is_empty() {
        return Err(Failure::found(
            Class::Unsupported,
            "the project asks for what cannot be built here",
            refused,
        ));
    }
    Ok(choices)
}

/// The forms that may be built, each once.
fn chosen_forms<'a>(choices: &[Choice<'a>]) -> Vec<&'a Form> {
    let mut forms: Vec<&Form> = Vec::new();
    for choice in choices {
        if !forms.iter().any(|form| std::ptr::eq(*form, choice.form)) {
            forms.push(choice.form);
        }
    }
    forms
}

/// The class that stands for all that is missing: that of files before all others.
fn worst(missing: &[Problem]) -> Option<Class> {
    const FIRST: [Class; 4] = [
        Class::ContextMissing,
        Class::DockerfileMissing,
        Class::SecretMissing,
        Class::SshMissing,
    ];
    let is_there = |class: &Class| missing.iter().any(|problem| problem.class == *class);
    FIRST.into_iter().find(is_there)
}

/// `path` as it is told to people: relative to `directory` when it lies below it.
fn told(path: &Path, directory: &Path) -> String {
    match path.strip_prefix(directory) {
        Ok(relative) if !relative.as_os_str().is_empty() => relative.display().to_string(),
        _ => path.display().to_string(),
    }
}
