//! One job: its build, again where that can help, and at most one way around its builder; then the
//! push of its image.
//!
//! Only what is not the user's doing is tried again. A registry that stumbled is asked twice more,
//! over all attempts; base images that cannot be looked up are taken as they are here, unless
//! nothing may be done otherwise than planned; and where the builder itself was the obstacle, another
//! way is taken if the plan has one. Once a `RUN` has begun, nothing is but an image of steps that
//! are all built.

use std::time::Duration;

use tokio::sync::watch;

use super::Builder;
use crate::docker::{BuildError, Built, CacheUse, PullPolicy, Reached};
use crate::event::{Departure, Event, Events, Frontend, Outcome, Pushed, Way};
use crate::failure::{Class, Failure, Obstacle};
use crate::plan::{Attempt, Detour, Fallback, Job};

/// How long to wait before what failed is tried again.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];

/// Builds `job` until it is done, cannot be done, or `stop` turns true.
pub(super) async fn carry_out(
    fallback: Fallback,
    job: &Job,
    builder: &impl Builder,
    events: &Events,
    stop: watch::Receiver<bool>,
) -> Outcome {
    let mut work = Work {
        fallback,
        job,
        builder,
        events,
        stop,
        pauses: PAUSES.iter().copied(),
        departures: Vec::new(),
    };
    let built = async {
        let mut built = work.best().await?;
        if built.pushed.is_empty() {
            built.pushed = work.pushed().await?;
        }
        Ok(built)
    };
    match built.await {
        Ok(built) => Outcome::Built {
            image: built.image,
            size: built.size,
            departures: work.departures,
            pushed: built.pushed,
        },
        Err(BuildError::Failed { failure, .. }) => Outcome::Failed(failure),
        Err(BuildError::Stopped) => Outcome::Stopped,
    }
}

/// A job being built.
struct Work<'a, B> {
    fallback: Fallback,
    job: &'a Job,
    builder: &'a B,
    events: &'a Events,
    stop: watch::Receiver<bool>,
    /// What is left of the waits.
    pauses: std::iter::Copied<std::slice::Iter<'static, Duration>>,
    /// What was done otherwise than planned.
    departures: Vec<Departure>,
}

impl<B: Builder> Work<'_, B> {
    /// The planned attempt, else the way around what stood in its way.
    async fn best(&mut self) -> Result<Built, BuildError> {
        let first = self.patiently(&self.job.attempt).await;
        let Err(BuildError::Failed {
            failure,
            reached: Reached::NoRun,
        }) = &first
        else {
            return first;
        };
        let Some(detour) = way_around(self.job, failure) else {
            return first;
        };
        let way = way(&detour.attempt, Some(&self.job.attempt));
        if !self.may(failure, &format!("build with {way}")).await {
            return first;
        }
        self.departures.push(Departure::OtherWay {
            way: way.clone(),
            because: failure.class,
        });
        self.events
            .send(Event::FellBack {
                job: self.job.id,
                way,
                because: failure.clone(),
            })
            .await;
        self.patiently(&detour.attempt).await
    }

    /// One attempt, repeated where the trouble may pass.
    async fn patiently(&mut self, attempt: &Attempt) -> Result<Built, BuildError> {
        let failure = loop {
            match self.build(attempt).await {
                Err(BuildError::Failed {
                    failure,
                    reached: Reached::NoRun,
                }) => {
                    if !failure.transient || !self.pause(&failure).await? {
                        break failure;
                    }
                }
                Err(BuildError::Failed {
                    failure,
                    reached: Reached::Image,
                }) => return self.image_again(attempt, failure).await,
                ended => return ended,
            }
        };
        // A builder of the user's own does not see the images that are here.
        let lookup_failed = attempt.strategy.builder().is_none()
            && failure.class == Class::RegistryUnreachable
            && attempt.spec.pull == PullPolicy::Always;
        if lookup_failed
            && self
                .may(&failure, "build with the base images that are here")
                .await
        {
            return self.with_local_bases(attempt, failure).await;
        }
        Err(BuildError::Failed {
            failure,
            reached: Reached::NoRun,
        })
    }

    /// An image once more of the steps that `attempt` has built, as long as what `failure` says may
    /// pass. They come from the cache, after `--no-cache` too: they have just been built.
    async fn image_again(
        &mut self,
        attempt: &Attempt,
        mut failure: Box<Failure>,
    ) -> Result<Built, BuildError> {
        let mut kept = attempt.clone();
        kept.spec.cache = CacheUse::Normal;
        while failure.transient && self.pause(&failure).await? {
            match self.build(&kept).await {
                Err(BuildError::Failed {
                    failure: again,
                    reached: Reached::NoRun | Reached::Image,
                }) => failure = again,
                ended => return ended,
            }
        }
        Err(BuildError::Failed {
            failure,
            reached: Reached::Image,
        })
    }

    /// The same without looking up the base images, which `failure` made impossible. Where they are
    /// not all here, that failure stands.
    async fn with_local_bases(
        &mut self,
        attempt: &Attempt,
        failure: Box<Failure>,
    ) -> Result<Built, BuildError> {
        self.tell(format!(
            "{failure}; going on with the base images that are here, however old"
        ))
        .await;
        let mut offline = attempt.clone();
        offline.spec.pull = PullPolicy::Missing;
        self.departures.push(Departure::LocalBases {
            because: failure.class,
        });
        match self.build(&offline).await {
            Err(BuildError::Failed {
                failure: again,
                reached: Reached::NoRun,
            }) if matches!(
                again.class,
                Class::RegistryUnreachable | Class::ImageMissing
            ) =>
            {
                Err(BuildError::Failed {
                    failure,
                    reached: Reached::NoRun,
                })
            }
            ended => ended,
        }
    }

    /// The image under all its names in their registries. The first that fails is the end: the others
    /// would most often fail alike.
    async fn pushed(&mut self) -> Result<Vec<Pushed>, BuildError> {
        let mut pushed = Vec::with_capacity(self.job.push.len());
        for (index, name) in self.job.push.iter().enumerate() {
            let done = loop {
                let stop = self.stop.clone();
                let (id, events) = (self.job.id, self.events);
                match self.builder.push(id, index, name, events, stop).await {
                    Err(BuildError::Failed { failure, .. }) => {
                        if !failure.transient || !self.pause(&failure).await? {
                            return Err(unpushed(self.job, name, *failure));
                        }
                    }
                    ended => break ended?,
                }
            };
            pushed.push(done);
        }
        Ok(pushed)
    }

    async fn build(&self, attempt: &Attempt) -> Result<Built, BuildError> {
        let stop = self.stop.clone();
        self.builder
            .build(self.job.id, attempt, self.events, stop)
            .await
    }

    /// Whether `otherwise` may be done, now that `failure` is in the way of what was planned.
    async fn may(&self, failure: &Failure, otherwise: &str) -> bool {
        match self.fallback {
            Fallback::Auto => true,
            Fallback::Never => false,
            Fallback::Ask => {
                let service = &self.job.service;
                let question = format!("{service}: {failure}; {otherwise} instead?");
                self.builder.agree(&question).await
            }
        }
    }

    async fn tell(&self, message: String) {
        self.events
            .send(Event::Warning {
                job: self.job.id,
                message,
                line: None,
                url: None,
            })
            .await;
    }

    /// Waits before what failed is tried again; false when that was done often enough.
    async fn pause(&mut self, failure: &Failure) -> Result<bool, BuildError> {
        let Some(pause) = self.pauses.next() else {
            return Ok(false);
        };
        self.tell(format!("{failure}; trying again in {pause:?}"))
            .await;
        if self.stopped_within(pause).await {
            return Err(BuildError::Stopped);
        }
        Ok(true)
    }

    /// Waits for `pause`; whether it was stopped before that was over.
    async fn stopped_within(&self, pause: Duration) -> bool {
        let mut stop = self.stop.clone();
        let asked = stop.wait_for(|stop| *stop);
        tokio::time::timeout(pause, asked)
            .await
            .is_ok_and(|asked| asked.is_ok())
    }
}

/// The first way around what `failure` says stood in the way.
fn way_around<'a>(job: &'a Job, failure: &Failure) -> Option<&'a Detour> {
    let obstacle = failure.class.obstacle()?;
    job.detours
        .iter()
        .find(|detour| obstacle == Obstacle::Frontend || detour.around == obstacle)
}

/// A push that failed, with what there is all the same.
fn unpushed(job: &Job, name: &str, failure: Failure) -> BuildError {
    let failure = failure.hint(format!(
        "the image is built and here as `{name}`; to push it later: dcb build --push {}",
        job.service
    ));
    BuildError::Failed {
        failure: Box::new(failure),
        reached: Reached::NoRun,
    }
}

/// How `attempt` builds what `planned` was to build.
pub(super) fn way(attempt: &Attempt, planned: Option<&Attempt>) -> Way {
    // The same builder and the same file again: only its frontend can be another.
    let same = planned.is_some_and(|planned| {
        planned.strategy == attempt.strategy
            && planned.spec.dockerfile_name == attempt.spec.dockerfile_name
    });
    Way {
        strategy: attempt.strategy.id().to_owned(),
        builder: attempt.strategy.builder().map(str::to_owned),
        dockerfile: attempt.spec.dockerfile_name.clone(),
        frontend: if same {
            Frontend::BuiltIn
        } else {
            Frontend::AsWritten
        },
    }
}
