//! Runs with a builder that ends as it is told to, on a clock that is paused.

mod detours;
mod order;
mod pushes;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use super::*;
use crate::docker::{
    BuildSpec, CacheUse, ContextSource, DockerfileSource, PullPolicy, Reached, Strategy,
};
use crate::failure::{Class, Failure, Obstacle};
use crate::plan::{Detour, Fallback, Reason, Set};

/// How one attempt of one job ends, after how many milliseconds of the paused clock.
type Ends = HashMap<(usize, String), Vec<(u64, Result<(), (Class, Reached, bool)>)>>;

/// A builder that notes what is asked of it.
#[derive(Default)]
struct Scripted {
    ends: RefCell<Ends>,
    running: RefCell<BTreeSet<usize>>,
    most: RefCell<usize>,
    /// Jobs in the order they began, with the name of the attempt.
    began: RefCell<Vec<(usize, String)>>,
    /// How each of those may use the cache.
    caches: RefCell<Vec<CacheUse>>,
    agrees: bool,
    /// Whether building is pushing.
    pushes: bool,
}

impl Builder for Scripted {
    async fn build(
        &self,
        job: JobId,
        attempt: &Attempt,
        _events: &Events,
        mut stop: watch::Receiver<bool>,
    ) -> Result<Built, BuildError> {
        let name = format!("{}{:?}", attempt.because, attempt.spec.pull);
        self.began.borrow_mut().push((job.0, name));
        self.caches.borrow_mut().push(attempt.spec.cache.clone());
        self.running.borrow_mut().insert(job.0);
        let most = (*self.most.borrow()).max(self.running.borrow().len());
        self.most.replace(most);
        let key = (job.0, attempt.because.clone());
        let (delay, end) = match self.ends.borrow_mut().get_mut(&key) {
            Some(ends) if !ends.is_empty() => ends.remove(0),
            _ => (1, Ok(())),
        };
        let stopped = tokio::time::timeout(Duration::from_millis(delay), stop.wait_for(|s| *s));
        let stopped = matches!(stopped.await, Ok(Ok(_)));
        self.running.borrow_mut().remove(&job.0);
        match end {
            _ if stopped => Err(BuildError::Stopped),
            Ok(()) if self.pushes => Ok(Built {
                pushed: vec![Pushed {
                    name: "by the builder".to_owned(),
                    digest: None,
                }],
                ..Built::default()
            }),
            Ok(()) => Ok(Built::default()),
            Err((class, reached, transient)) => {
                let mut failure = Failure::new(class, "told to fail");
                failure.transient = transient;
                Err(BuildError::Failed {
                    failure: Box::new(failure),
                    reached,
                })
            }
        }
    }

    async fn push(
        &self,
        job: JobId,
        _index: usize,
        name: &str,
        _events: &Events,
        _stop: watch::Receiver<bool>,
    ) -> Result<Pushed, BuildError> {
        self.began.borrow_mut().push((job.0, name.to_owned()));
        let key = (job.0, name.to_owned());
        let end = match self.ends.borrow_mut().get_mut(&key) {
            Some(ends) if !ends.is_empty() => ends.remove(0).1,
            _ => Ok(()),
        };
        match end {
            Ok(()) => Ok(Pushed {
                name: name.to_owned(),
                digest: None,
            }),
            Err((class, reached, transient)) => {
                let mut failure = Failure::new(class, "told to fail");
                failure.transient = transient;
                Err(BuildError::Failed {
                    failure: Box::new(failure),
                    reached,
                })
            }
        }
    }

    async fn agree(&self, _question: &str) -> bool {
        self.agrees
    }
}

fn attempt(name: &str, strategy: Strategy) -> Attempt {
    Attempt {
        strategy,
        variant: None,
        because: name.to_owned(),
        prefix: String::new(),
        spec: BuildSpec::new(
            ContextSource::Directory("/".into()),
            DockerfileSource::Inline(String::new()),
            "",
        ),
    }
}

/// A plan whose jobs need those that are listed.
fn plan(needs: &[Vec<usize>], parallel: usize) -> Plan {
    let detour = |around, name, strategy| Detour {
        around,
        attempt: attempt(name, strategy),
    };
    Plan {
        project: String::new(),
        directory: "/".into(),
        files: Vec::new(),
        engine: None,
        jobs: needs
            .iter()
            .enumerate()
            .map(|(id, needs)| Job {
                id: JobId(id),
                service: id.to_string(),
                also: Vec::new(),
                needs: needs.iter().copied().map(JobId).collect(),
                because: Reason::Asked,
                attempt: attempt("first", Strategy::BuildKit),
                detours: vec![
                    detour(Obstacle::Frontend, "other form", Strategy::BuildKit),
                    detour(Obstacle::Builder, "other builder", Strategy::Classic),
                ],
                push: Vec::new(),
                known: None,
            })
            .collect(),
        parallel: Set {
            value: parallel,
            from: "the test",
        },
        fallback: Fallback::Auto,
        keep_going: true,
        notes: Vec::new(),
        keys: Vec::new(),
    }
}

/// Runs `plan` on a paused clock; how each job ended.
fn run(plan: &Plan, builder: &Scripted, stop_after: Option<u64>) -> Vec<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let (events, mut heard) = Events::channel(64);
        let (ask, stop) = watch::channel(false);
        let stopper = async {
            if let Some(after) = stop_after {
                tokio::time::sleep(Duration::from_millis(after)).await;
                let _ = ask.send(true);
            }
            std::future::pending::<()>().await;
        };
        let listener = async { while heard.recv().await.is_some() {} };
        let run = async {
            let ended = execute(plan, builder, &events, &stop).await;
            drop(events);
            ended
        };
        let work = async { tokio::join!(run, listener).0 };
        tokio::select! {
            ended = work => ended.into_iter().map(|(outcome, _)| outcome).collect(),
            () = stopper => unreachable!("it never ends"),
        }
    })
}

fn fails(
    builder: &Scripted,
    job: usize,
    attempt: &str,
    class: Class,
    reached: Reached,
    transient: bool,
) {
    builder
        .ends
        .borrow_mut()
        .entry((job, attempt.to_owned()))
        .or_default()
        .push((5, Err((class, reached, transient))));
}

fn class_of(outcome: &Outcome) -> Option<Class> {
    match outcome {
        Outcome::Failed(failure) => Some(failure.class),
        _ => None,
    }
}

fn attempts(builder: &Scripted) -> Vec<String> {
    builder
        .began
        .borrow()
        .iter()
        .map(|(_, name)| name.clone())
        .collect()
}
