//! Who the user is at a registry, as the docker CLI finds it.
//!
//! ```text
//! host ─> DOCKER_AUTH_CONFIG ─> credHelpers[host] ─> credsStore ─> auths[host] ─> Login
//! ```
//!
//! The first that is configured for a registry answers, and its "I do not know" counts: the docker CLI
//! looks no further either. Nothing is read before a registry is asked for, each registry is looked up
//! once in a process, and those who ask meanwhile wait for the same answer.
//!
//! A look-up that fails leaves the user anonymous, where the docker CLI ends the build: a public image
//! needs nobody, and a password program that is gone (a configuration copied from another machine) is
//! common. The trouble is told as a warning, and again where a registry then refuses.

mod helper;
mod login;
mod source;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OnceCell};

use super::config::DockerConfig;
use super::reference;
use crate::ambient::Ambient;
use crate::event::{Event, Events, JobId};
use crate::failure::{Class, Failure};

pub(super) use login::{Login, registry_auth, registry_config};
use source::{Found, Source};

/// The registry that names without a host mean, as image names have it.
const HUB: &str = "docker.io";

/// Other hosts of it.
const HUBS_HOSTS: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];

/// What it is called in the docker configuration, and what its password is asked for as.
pub(super) const HUBS_ADDRESS: &str = "https://index.docker.io/v1/";

/// The registry that a key of the docker configuration or a host stands for: the host of an address,
/// and one name for all of Docker Hub's.
fn registry(key: &str) -> String {
    let host = key.split_once("://").map_or(key, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    if HUBS_HOSTS.contains(&host) {
        HUB.to_owned()
    } else {
        host.to_owned()
    }
}

/// What a registry is called in the docker configuration.
pub(super) fn address(registry: &str) -> &str {
    if registry == HUB {
        HUBS_ADDRESS
    } else {
        registry
    }
}

/// The user's credentials at all registries, looked up when they are needed.
pub struct Credentials {
    source: Source,
    known: Mutex<HashMap<String, Arc<OnceCell<Login>>>>,
    troubles: Mutex<Troubles>,
    news: Notify,
}

/// What went wrong with look-ups.
#[derive(Default)]
struct Troubles {
    /// By registry, in the order they came up; without one when they concern all.
    all: Vec<(String, Failure)>,
    /// How many of them were told.
    told: usize,
}

/// What a lock guards is whole at any time, also after a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Credentials {
    /// Those of the docker configuration and of `DOCKER_AUTH_CONFIG`. Nothing is read yet.
    pub fn new(ambient: &Ambient, config: &DockerConfig) -> Self {
        Self {
            source: Source::new(ambient, config),
            known: Mutex::default(),
            troubles: Mutex::default(),
            news: Notify::new(),
        }
    }

    /// Who the user is at `host`; anonymous when nothing is known, or when that cannot be found out.
    pub(super) async fn of(&self, host: &str) -> Login {
        let registry = registry(host);
        let known = Arc::clone(lock(&self.known).entry(registry.clone()).or_default());
        let look_up = || async {
            let Found { login, trouble } = self.source.look_up(&registry).await;
            if let Some(trouble) = trouble {
                self.trouble(host, trouble);
            }
            login
        };
        known.get_or_init(look_up).await.clone()
    }

    /// The registries that something may be known of.
    pub(super) async fn registries(&self) -> BTreeSet<String> {
        let (mut registries, listed) = self.source.registries().await;
        match listed {
            Ok(listed) => registries.extend(listed),
            Err(failure) => self.trouble("", failure),
        }
        registries
    }

    /// Notes what is wrong with the credentials of `host`, once.
    pub(super) fn trouble(&self, host: &str, failure: Failure) {
        let registry = registry(host);
        let mut troubles = lock(&self.troubles);
        let known =
            |(of, known): &(String, Failure)| *of == registry && known.message == failure.message;
        if !troubles.all.iter().any(known) {
            troubles.all.push((registry, failure));
            self.news.notify_one();
        }
    }

    /// Tells what goes wrong with look-ups while `work` goes on, as warnings about `job`. Each is told
    /// once, whichever jobs it concerns.
    pub async fn telling<T>(
        &self,
        job: JobId,
        events: &Events,
        work: impl Future<Output = T>,
    ) -> T {
        let tell = async {
            loop {
                self.tell(job, events).await;
                self.news.notified().await;
            }
        };
        let done = tokio::select! {
            biased;
            done = work => done,
            never = tell => never,
        };
        self.tell(job, events).await;
        done
    }

    async fn tell(&self, job: JobId, events: &Events) {
        let untold: Vec<Failure> = {
            let mut troubles = lock(&self.troubles);
            let known = troubles.all.len();
            let told = std::mem::replace(&mut troubles.told, known);
            let untold = troubles.all[told..].iter();
            untold.map(|(_, failure)| failure.clone()).collect()
        };
        for failure in untold {
            let warning = Event::Warning {
                job,
                message: failure.message,
                line: None,
                url: None,
            };
            events.send(warning).await;
        }
    }

    /// A registry's refusal with what is wrong with the credentials for it, if anything is: then that
    /// is what has to be mended.
    #[must_use]
    pub fn explain(&self, mut failure: Failure) -> Failure {
        let refused = matches!(failure.class, Class::RegistryDenied | Class::ImageMissing);
        let troubles = lock(&self.troubles);
        let cause = troubles
            .all
            .iter()
            .find(|(of, _)| refused && (of.is_empty() || is_about(&failure.message, of)));
        if let Some((_, trouble)) = cause {
            if failure.class == Class::RegistryDenied {
                failure.class = trouble.class;
            }
            let why = std::iter::once(&trouble.message).chain(&trouble.hints);
            failure.hints.splice(0..0, why.cloned());
        }
        failure
    }
}

/// Whether `message` names an image of `registry`.
fn is_about(message: &str, of: &str) -> bool {
    message
        .split(|c: char| c.is_whitespace() || "`\"',".contains(c))
        .map(|word| word.trim_end_matches(':'))
        .filter(|word| word.contains('/') && !word.contains("://"))
        .filter_map(|word| reference::normalize(word).ok())
        .any(|image| reference::registry(&image) == of)
}

#[cfg(test)]
mod tests;
