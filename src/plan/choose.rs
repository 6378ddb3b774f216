//! With which builder and in which form a service is built, and what may be tried when the builder
//! itself stands in the way.
//!
//! The rows of the decision, best first: what was asked for by name; the optimised form on BuildKit;
//! the traditional form on BuildKit; the classic builder. Whatever is passed over leaves its reason.

use super::Policy;
use super::ability::Builders;
use super::forms::{Form, Role};
use super::guard::Asked;
use super::request::{Request, Wanted};
use crate::compose::{Build, Service};
use crate::diagnostic::Diagnostic;
use crate::docker::buildx::builders::Kind;
use crate::docker::{Keeper, Strategy};
use crate::dockerfile::{Feature, Use};
use crate::failure::{Class, Failure, Obstacle};

/// One way to build a service.
#[derive(Debug)]
pub(super) struct Choice<'a> {
    pub(super) strategy: Strategy,
    pub(super) form: &'a Form,
    /// Whether `# syntax=` is left aside for the frontend inside the builder.
    pub(super) built_in: bool,
    /// Completes "builds it this way, because ...".
    pub(super) because: String,
    /// What it is a way around; nothing for the first choice.
    pub(super) around: Option<Obstacle>,
}

/// Why there is no way.
pub(super) enum Impossible {
    /// The engine has no BuildKit, or the form asked for is not there.
    Failed(Box<Failure>),
    /// No builder can do what the service asks for.
    Refused(Vec<Diagnostic>),
}

/// The ways to build `service`, best first. Its image goes to `destination` where the builder is not the
/// engine's own.
pub(super) fn choose<'a>(
    service: &Service,
    own: &Build,
    forms: &'a [Form],
    builders: Builders<'_>,
    request: &Request,
    destination: Keeper,
) -> Result<Vec<Choice<'a>>, Impossible> {
    let policy = request.policy(&service.name);
    let mut choices: Vec<Choice<'a>> = Vec::new();
    let mut passed_over: Vec<Vec<Diagnostic>> = Vec::new();
    for strategy in strategies(builders, policy)? {
        for form in wanted(service, forms, &strategy, builders, policy)? {
            let asked = Asked::new(service, form.build(own), request).going_to(destination);
            let mut lacks = builders.lacks(&strategy, &asked, form);
            lacks.extend(forbidden(form, policy));
            if choices
                .iter()
                .any(|choice| choice.strategy == Strategy::Classic)
            {
                // There is nothing behind the last builder.
                break;
            }
            if lacks.is_empty() {
                let because = because(&strategy, form, &passed_over, builders, policy);
                choices.push(Choice {
                    form,
                    built_in: false,
                    because,
                    around: (!choices.is_empty()).then_some(match strategy {
                        Strategy::BuildKit | Strategy::Buildx(_) => Obstacle::Frontend,
                        Strategy::Classic => Obstacle::Builder,
                    }),
                    strategy: strategy.clone(),
                });
            } else {
                passed_over.push(lacks);
            }
        }
    }
    if choices.is_empty() {
        return Err(Impossible::Refused(passed_over.swap_remove(0)));
    }
    if choices[0].strategy == Strategy::BuildKit
        && builders.built_in_suffices(choices[0].form, request)
    {
        let form = choices[0].form;
        choices.insert(
            1,
            Choice {
                strategy: Strategy::BuildKit,
                form,
                built_in: true,
                because: "the engine's own frontend can build it too".to_owned(),
                around: Some(Obstacle::Frontend),
            },
        );
    }
    Ok(choices)
}

/// The builders to consider, best first.
fn strategies(builders: Builders<'_>, policy: &Policy) -> Result<Vec<Strategy>, Impossible> {
    if let Some(name) = &policy.builder.value {
        let from = policy.builder.from;
        match builders.named.and_then(|named| named.get(name)) {
            // The engine's own, by its name in buildx.
            None | Some(Ok(Kind::Engine)) => {}
            // What is asked for by name is not replaced by anything else.
            Some(Ok(Kind::Own(_))) => return Ok(vec![Strategy::Buildx(name.clone())]),
            Some(Err(failure)) => {
                let failure = failure
                    .clone()
                    .hint(format!("or build with the engine: leave out {from}"));
                return Err(Impossible::Failed(Box::new(failure)));
            }
        }
    }
    match (&policy.strategy.value, builders.no_buildkit) {
        (Some(Strategy::BuildKit), Some(failure)) => {
            let failure = failure.clone().hint(format!(
                "or build without it: leave out {}",
                policy.strategy.from
            ));
            Err(Impossible::Failed(Box::new(failure)))
        }
        (Some(only), _) => Ok(vec![only.clone()]),
        (None, Some(_)) => Ok(vec![Strategy::Classic]),
        (None, None) => Ok(vec![Strategy::BuildKit, Strategy::Classic]),
    }
}

/// The forms to consider for a builder, best first.
fn wanted<'a>(
    service: &Service,
    forms: &'a [Form],
    strategy: &Strategy,
    builders: Builders<'_>,
    policy: &Policy,
) -> Result<Vec<&'a Form>, Impossible> {
    let of = |role| forms.iter().find(|form| form.is(role));
    let named = match &policy.variant.value {
        Wanted::Auto => None,
        Wanted::Role(role) => Some(of(*role)),
        Wanted::Named(name) => forms.iter().find(|form| form.is_called(name)).map(Some),
    };
    let found = match (named, forms) {
        (Some(form), _) if forms.len() > 1 => form.into_iter().collect(),
        (_, [only])
            if !policy.strict || !only.is(Role::Optimised) || is_asked_for(only, policy) =>
        {
            vec![only]
        }
        _ => {
            let podman = builders.engine.is_some_and(|engine| engine.podman);
            let roles: &[Role] = match strategy {
                Strategy::Classic if policy.strict => &[Role::Traditional],
                Strategy::Classic if !podman => &[Role::Traditional, Role::Optimised],
                _ => &[Role::Optimised, Role::Traditional],
            };
            roles.iter().copied().filter_map(of).collect::<Vec<_>>()
        }
    };
    if found.is_empty() {
        let failure = no_such_form(service, forms, policy);
        return Err(Impossible::Failed(Box::new(failure)));
    }
    Ok(found)
}

fn no_such_form(service: &Service, forms: &[Form], policy: &Policy) -> Failure {
    let from = if policy.strict {
        policy.strategy.from
    } else {
        policy.variant.from
    };
    let names = crate::human::list(forms.iter().map(|form| form.name.as_str()));
    Failure::new(
        Class::VariantMissing,
        format!(
            "{from} asks for a form of `{}` that is not there: there is only {names}",
            service.name
        ),
    )
    .hint("write that Dockerfile beside it, or leave the choice to dcb")
}

/// What the project itself forbids.
fn forbidden(form: &Form, policy: &Policy) -> Option<Diagnostic> {
    if policy.cache_mounts.value {
        return None;
    }
    let cached = |used: &&Use| used.feature == Feature::CacheMount;
    let used = form.uses.iter().find(cached)?;
    let message = format!(
        "`{}` uses a cache mount, which {} forbids",
        form.name, policy.cache_mounts.from
    );
    Some(form.at(used, Diagnostic::error(message)))
}

/// Why this way and no better one.
fn because(
    strategy: &Strategy,
    form: &Form,
    passed_over: &[Vec<Diagnostic>],
    builders: Builders<'_>,
    policy: &Policy,
) -> String {
    let first = passed_over.iter().flatten().next();
    match (strategy, &policy.strategy.value, builders.no_buildkit) {
        (Strategy::Buildx(_), ..) => format!("{} asks for it", policy.builder.from),
        (Strategy::Classic, None, Some(failure)) => failure.message.clone(),
        (_, Some(_), _) => format!("{} asks for it", policy.strategy.from),
        (Strategy::Classic, None, None) => first.map_or_else(
            || "it is the last resort".to_owned(),
            |first| first.message.clone(),
        ),
        (Strategy::BuildKit, None, _) => match first {
            _ if is_asked_for(form, policy) => {
                format!("{} asks for this form", policy.variant.from)
            }
            Some(first) => first.message.clone(),
            None if form.is(Role::Optimised) => {
                "the engine's own BuildKit builds the optimised form".to_owned()
            }
            None => "the engine's own BuildKit builds it".to_owned(),
        },
    }
}

fn is_asked_for(form: &Form, policy: &Policy) -> bool {
    match &policy.variant.value {
        Wanted::Auto => false,
        Wanted::Role(role) => form.is(*role),
        Wanted::Named(name) => form.is_called(name),
    }
}
