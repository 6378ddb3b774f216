//! Services whose images are built from the same things: built once, named for each.
//!
//! Compose finds the images of a service by their labels, so each service keeps an image of its own:
//! the first builds, the others are put together from its cached steps. Only where the names are the
//! same too is it one image.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::{Job, Reason};
use crate::diagnostic::Diagnostic;
use crate::docker::{BuildSpec, CacheEntry, CacheKind, CacheUse};
use crate::event::JobId;

/// `jobs` with each that builds the same as an earlier one behind it, or within it.
pub(super) fn join(jobs: Vec<Job>) -> Vec<Job> {
    let mut joined: Vec<Job> = Vec::with_capacity(jobs.len());
    // Where each job went: jobs within others are gone from the plan.
    let mut places: Vec<JobId> = Vec::with_capacity(jobs.len());
    // Families by what few jobs share, so that comparing them whole stays cheap for any number of
    // jobs. The first member builds, the others are its copies.
    let mut families: HashMap<_, Vec<Vec<usize>>> = HashMap::new();
    for mut job in jobs {
        for need in &mut job.needs {
            *need = places[need.0];
        }
        let spec = &job.attempt.spec;
        let key = (
            spec.context.clone(),
            spec.dockerfile.clone(),
            spec.target.clone(),
        );
        let alike = families.entry(key).or_default();
        let family = alike
            .iter()
            .position(|family| same(&joined[family[0]], &job));
        let family = family.unwrap_or_else(|| {
            alike.push(Vec::new());
            alike.len() - 1
        });
        let family = &mut alike[family];
        let namesake = family
            .iter()
            .find(|member| names(&joined[**member]) == names(&job));
        if let Some(namesake) = namesake {
            let namesake = &mut joined[*namesake];
            if namesake.push.is_empty() {
                namesake.push = job.push;
            }
            namesake.also.push(job.service);
            places.push(namesake.id);
            continue;
        }
        if let Some(leader) = family.first() {
            follow(&mut job, &joined[*leader]);
        }
        family.push(joined.len());
        job.id = JobId(joined.len());
        places.push(job.id);
        joined.push(job);
    }
    joined
}

/// What there is to tell of jobs that differ in nothing but the secrets or agents they are given:
/// BuildKit, which tells no step from another by them, runs a step of both once with those of either.
pub(super) fn confusable(jobs: &[Job]) -> Vec<Diagnostic> {
    let is_given = |job: &&Job| {
        let spec = &job.attempt.spec;
        !spec.secrets.is_empty() || !spec.ssh.is_empty()
    };
    let given: Vec<&Job> = jobs.iter().filter(is_given).collect();
    let mut warnings = Vec::new();
    for (index, job) in given.iter().enumerate() {
        let twin = given[..index]
            .iter()
            .find(|twin| !same(twin, job) && same(&ungiven(twin), &ungiven(job)));
        if let Some(twin) = twin {
            let message = format!(
                "`{}` and `{}` differ only in their secrets or SSH agents, and BuildKit does not: what a step makes with those of one may end up in both",
                twin.service, job.service
            );
            warnings.push(Diagnostic::warning(message).help(
                "give them a build argument with different values, and write its ARG before the step",
            ));
        }
    }
    warnings
}

/// `job` without secrets and agents.
fn ungiven(job: &Job) -> Job {
    let mut job = job.clone();
    job.attempt.spec.secrets.clear();
    job.attempt.spec.ssh.clear();
    job
}

/// Whether two jobs do the same work: all but the names and labels of the result is equal.
fn same(one: &Job, other: &Job) -> bool {
    let bare = |job: &Job| BuildSpec {
        tags: Vec::new(),
        labels: IndexMap::new(),
        dockerfile_name: String::new(),
        ..job.attempt.spec.clone()
    };
    one.needs == other.needs
        && one.attempt.strategy == other.attempt.strategy
        && bare(one) == bare(other)
}

/// The names of a job's image, whatever their order.
fn names(job: &Job) -> Vec<&String> {
    let mut names: Vec<&String> = job.attempt.spec.tags.iter().collect();
    names.sort();
    names
}

/// Puts `job` behind the one that does its work: it takes everything from the cache, and has nothing
/// to fall back from.
fn follow(job: &mut Job, leader: &Job) {
    job.needs = vec![leader.id];
    job.because = Reason::SameAs(leader.service.clone());
    job.attempt.prefix.clone_from(&leader.attempt.prefix);
    job.attempt.spec.cache = CacheUse::Normal;
    // What the image holds of a cache, this one has to hold too; the rest is the leader's work.
    let inline = |entry: &CacheEntry| entry.kind == CacheKind::Inline;
    job.attempt.spec.cache_to.retain(inline);
    job.attempt.spec.cache_from.clear();
    job.detours.clear();
}
