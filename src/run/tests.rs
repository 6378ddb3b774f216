//! Scheduling and detours with a builder that ends as it is told to.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use proptest::prelude::*;

use super::*;
use crate::docker::{BuildSpec, ContextSource, DockerfileSource, PullPolicy, Strategy};
use crate::failure::{Class, Failure, Obstacle};
use crate::plan::{Detour, Fallback, Reason, Set};

/// How one attempt of one job ends, after how many milliseconds of the paused clock.
type Ends = HashMap<(usize, String), Vec<(u64, Result<(), (Class, bool, bool)>)>>;

/// A builder that notes what is asked of it.
#[derive(Default)]
struct Scripted {
    ends: RefCell<Ends>,
    running: RefCell<BTreeSet<usize>>,
    most: RefCell<usize>,
    /// Jobs in the order they began, with the name of the attempt.
    began: RefCell<Vec<(usize, String)>>,
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
            Err((class, ran, transient)) => {
                let mut failure = Failure::new(class, "told to fail");
                failure.transient = transient;
                Err(BuildError::Failed {
                    failure: Box::new(failure),
                    ran,
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
            Err((class, ran, transient)) => {
                let mut failure = Failure::new(class, "told to fail");
                failure.transient = transient;
                Err(BuildError::Failed {
                    failure: Box::new(failure),
                    ran,
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

fn fails(builder: &Scripted, job: usize, attempt: &str, class: Class, ran: bool, transient: bool) {
    builder
        .ends
        .borrow_mut()
        .entry((job, attempt.to_owned()))
        .or_default()
        .push((5, Err((class, ran, transient))));
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

#[test]
fn what_took_long_before_begins_before_what_is_followed_by_more() {
    let times = [("0", 100), ("1", 100), ("2", 60_000)];
    let times = times.map(|(service, took)| (service.to_owned(), took));
    let plan = plan(&[vec![], vec![0], vec![]], 1).with_times(&times.into());
    let order: Vec<usize> = by_urgency(&plan).iter().map(|job| job.id.0).collect();
    assert_eq!(order, [2, 0, 1]);
}

#[test]
fn the_longest_path_begins_first() {
    let plan = plan(&[vec![], vec![], vec![1], vec![2]], 1);
    let builder = Scripted::default();
    run(&plan, &builder, None);
    let order: Vec<usize> = builder.began.borrow().iter().map(|(job, _)| *job).collect();
    assert_eq!(order, [1, 2, 0, 3]);
}

#[test]
fn a_broken_builder_leads_to_another_builder_and_an_old_frontend_to_another_form() {
    for (class, expected) in [
        (Class::BuilderBroken, "other builder"),
        (Class::FrontendTooOld, "other form"),
    ] {
        let builder = Scripted::default();
        fails(&builder, 0, "first", class, false, false);
        let ended = run(&plan(&[vec![]], 1), &builder, None);
        assert!(matches!(ended[0], Outcome::Built { .. }), "{class:?}");
        assert_eq!(
            attempts(&builder),
            ["firstMissing".to_owned(), format!("{expected}Missing")]
        );
    }
}

#[test]
fn what_the_user_caused_and_what_has_run_is_never_built_a_second_time() {
    for (class, ran) in [
        (Class::RunFailed, true),
        (Class::CopySource, false),
        (Class::ImageMissing, false),
        (Class::BuilderBroken, true),
    ] {
        let builder = Scripted::default();
        fails(&builder, 0, "first", class, ran, true);
        let ended = run(&plan(&[vec![]], 1), &builder, None);
        if class == Class::ImageMissing || class == Class::CopySource {
            // Told to be transient, so it may be tried again, but nowhere else.
            assert!(
                attempts(&builder)
                    .iter()
                    .all(|name| name.starts_with("first"))
            );
        } else {
            assert_eq!(class_of(&ended[0]), Some(class));
            assert_eq!(attempts(&builder).len(), 1, "{class:?}");
        }
    }
}

#[test]
fn at_most_one_detour_is_taken() {
    let builder = Scripted::default();
    fails(&builder, 0, "first", Class::FrontendTooOld, false, false);
    fails(
        &builder,
        0,
        "other form",
        Class::BuilderBroken,
        false,
        false,
    );
    let ended = run(&plan(&[vec![]], 1), &builder, None);
    assert_eq!(class_of(&ended[0]), Some(Class::BuilderBroken));
    assert_eq!(attempts(&builder).len(), 2);
}

#[test]
fn a_detour_that_needs_consent_is_taken_only_with_it() {
    for agrees in [true, false] {
        let builder = Scripted {
            agrees,
            ..Scripted::default()
        };
        fails(&builder, 0, "first", Class::BuilderBroken, false, false);
        let plan = Plan {
            fallback: Fallback::Ask,
            ..plan(&[vec![]], 1)
        };
        let ended = run(&plan, &builder, None);
        assert_eq!(matches!(ended[0], Outcome::Built { .. }), agrees);
    }
}

#[test]
fn a_registry_that_stumbles_is_asked_three_times_in_all() {
    let builder = Scripted::default();
    for _ in 0..5 {
        fails(
            &builder,
            0,
            "first",
            Class::RegistryUnreachable,
            false,
            true,
        );
    }
    let ended = run(&plan(&[vec![]], 1), &builder, None);
    assert_eq!(class_of(&ended[0]), Some(Class::RegistryUnreachable));
    assert_eq!(attempts(&builder).len(), 3);
}

#[test]
fn without_a_registry_the_base_images_that_are_here_will_do() {
    let builder = Scripted::default();
    fails(
        &builder,
        0,
        "first",
        Class::RegistryUnreachable,
        false,
        false,
    );
    let mut plan = plan(&[vec![]], 1);
    plan.jobs[0].attempt.spec.pull = PullPolicy::Always;
    let ended = run(&plan, &builder, None);
    assert!(matches!(ended[0], Outcome::Built { .. }));
    assert_eq!(attempts(&builder), ["firstAlways", "firstMissing"]);
}

fn departures(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Built { departures, .. } => departures.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn what_was_done_otherwise_is_part_of_the_outcome() {
    let builder = Scripted::default();
    fails(&builder, 0, "first", Class::BuilderBroken, false, false);
    fails(
        &builder,
        0,
        "other builder",
        Class::RegistryUnreachable,
        false,
        false,
    );
    let mut plan = plan(&[vec![]], 1);
    plan.jobs[0].detours[1].attempt.spec.pull = PullPolicy::Always;
    let ended = run(&plan, &builder, None);
    assert_eq!(
        departures(&ended[0]),
        [
            "instead: classic with  (builder-broken)",
            "with the base images that are here (registry-unreachable)"
        ]
    );
}

#[test]
fn base_images_that_are_here_will_not_do_where_nothing_may_be_done_otherwise() {
    for (fallback, agrees, expected) in [
        (Fallback::Never, true, 1),
        (Fallback::Ask, false, 1),
        (Fallback::Ask, true, 2),
    ] {
        let builder = Scripted {
            agrees,
            ..Scripted::default()
        };
        fails(
            &builder,
            0,
            "first",
            Class::RegistryUnreachable,
            false,
            false,
        );
        let mut plan = plan(&[vec![]], 1);
        plan.fallback = fallback;
        plan.jobs[0].attempt.spec.pull = PullPolicy::Always;
        run(&plan, &builder, None);
        assert_eq!(attempts(&builder).len(), expected, "{fallback:?}");
    }
}

#[test]
fn without_the_base_images_the_registry_is_to_blame_and_with_them_the_run_is() {
    for (second, ran, expected) in [
        (Class::ImageMissing, false, Class::RegistryUnreachable),
        (Class::RunFailed, true, Class::RunFailed),
    ] {
        let builder = Scripted::default();
        fails(
            &builder,
            0,
            "first",
            Class::RegistryUnreachable,
            false,
            false,
        );
        fails(&builder, 0, "first", second, ran, false);
        let mut plan = plan(&[vec![]], 1);
        plan.jobs[0].attempt.spec.pull = PullPolicy::Always;
        let ended = run(&plan, &builder, None);
        assert_eq!(class_of(&ended[0]), Some(expected));
    }
}

#[test]
fn a_registry_is_asked_again_twice_over_all_attempts() {
    let builder = Scripted::default();
    for name in ["first", "other form"] {
        for _ in 0..3 {
            fails(&builder, 0, name, Class::FrontendUnavailable, false, true);
        }
    }
    run(&plan(&[vec![]], 1), &builder, None);
    assert_eq!(
        attempts(&builder),
        [
            "firstMissing",
            "firstMissing",
            "firstMissing",
            "other formMissing"
        ]
    );
}

#[test]
fn a_service_that_was_killed_beside_others_is_offered_alone() {
    for (parallel, offered) in [(2, true), (1, false)] {
        let builder = Scripted::default();
        fails(&builder, 0, "first", Class::RunKilled, true, false);
        let ended = run(&plan(&[vec![], vec![]], parallel), &builder, None);
        let Outcome::Failed(failure) = &ended[0] else {
            panic!("it was told to fail");
        };
        let told = failure.hints.concat();
        assert_eq!(
            told.contains("dcb build --jobs 1 0"),
            offered,
            "{parallel}: {told}"
        );
    }
}

#[test]
fn the_first_failure_stops_all_when_that_is_wanted() {
    let builder = Scripted::default();
    fails(&builder, 0, "first", Class::RunFailed, true, false);
    builder
        .ends
        .borrow_mut()
        .insert((1, "first".to_owned()), vec![(1000, Ok(()))]);
    let plan = Plan {
        keep_going: false,
        ..plan(&[vec![], vec![], vec![]], 2)
    };
    let ended = run(&plan, &builder, None);
    assert_eq!(class_of(&ended[0]), Some(Class::RunFailed));
    assert!(matches!(ended[1], Outcome::Stopped));
    assert!(matches!(ended[2], Outcome::Skipped { because: JobId(0) }));
}

prop_compose! {
    /// A graph, how many run at once, how jobs end, and whether the first failure stops all.
    fn any_run()(size in 1usize..24)(
        needs in (0..size).map(|id| prop::collection::vec(0..id.max(1), 0..4)).collect::<Vec<_>>(),
        parallel in 1usize..6,
        ends in prop::collection::vec((0u64..40, prop::sample::select(vec![
            None,
            None,
            None,
            Some((Class::RunFailed, true, false)),
            Some((Class::RegistryUnreachable, false, true)),
            Some((Class::BuilderBroken, false, false)),
            Some((Class::FrontendTooOld, false, false)),
        ])), size),
        keep_going in any::<bool>(),
        stop_after in prop::option::of(0u64..200),
    ) -> (Vec<Vec<usize>>, usize, Vec<(u64, Option<(Class, bool, bool)>)>, bool, Option<u64>) {
        let needs = needs
            .into_iter()
            .enumerate()
            .map(|(id, mut needs)| { needs.retain(|need| *need < id); needs.sort_unstable(); needs.dedup(); needs })
            .collect();
        (needs, parallel, ends, keep_going, stop_after)
    }
}

/// A plan of one job whose image is pushed under two names.
fn pushing() -> Plan {
    let mut plan = plan(&[vec![]], 1);
    plan.jobs[0].push = vec!["r/a:1".to_owned(), "r/a:2".to_owned()];
    plan
}

#[test]
fn an_image_is_pushed_under_each_name_when_it_is_built_and_only_then() {
    let builder = Scripted::default();
    let ended = run(&pushing(), &builder, None);
    let Outcome::Built { pushed, .. } = &ended[0] else {
        panic!("{:?}", ended[0])
    };
    let names: Vec<&str> = pushed.iter().map(|pushed| pushed.name.as_str()).collect();
    assert_eq!(names, ["r/a:1", "r/a:2"]);

    let builder = Scripted::default();
    fails(&builder, 0, "first", Class::RunFailed, true, false);
    assert!(matches!(
        run(&pushing(), &builder, None)[0],
        Outcome::Failed(_)
    ));
    assert_eq!(builder.began.borrow().len(), 1, "nothing is pushed");
}

#[test]
fn what_the_builder_itself_pushed_is_not_pushed_again() {
    let builder = Scripted {
        pushes: true,
        ..Scripted::default()
    };
    let Outcome::Built { pushed, .. } = &run(&pushing(), &builder, None)[0] else {
        panic!("it was not built")
    };
    assert_eq!(pushed[0].name, "by the builder");
    assert_eq!(builder.began.borrow().len(), 1);
}

#[test]
fn a_push_is_tried_again_where_that_may_help_and_the_build_is_not() {
    let builder = Scripted::default();
    for _ in 0..2 {
        fails(
            &builder,
            0,
            "r/a:1",
            Class::RegistryUnreachable,
            false,
            true,
        );
    }
    assert!(matches!(
        run(&pushing(), &builder, None)[0],
        Outcome::Built { .. }
    ));
    assert_eq!(builder.began.borrow().len(), 1 + 3 + 1);

    for (class, transient, tries) in [
        (Class::RegistryUnreachable, true, 3),
        (Class::RegistryDenied, false, 1),
    ] {
        let builder = Scripted::default();
        for _ in 0..3 {
            fails(&builder, 0, "r/a:1", class, false, transient);
        }
        let Outcome::Failed(failure) = &run(&pushing(), &builder, None)[0] else {
            panic!("it was pushed")
        };
        assert_eq!(failure.class, class);
        let told = "the image is built and here as `r/a:1`; to push it later: dcb build --push 0";
        assert_eq!(failure.hints.last().map(String::as_str), Some(told));
        assert_eq!(
            builder.began.borrow().len(),
            1 + tries,
            "the second name is not tried"
        );
    }
}

proptest! {
    #[test]
    fn any_graph_ends_within_its_limit_and_nothing_is_built_on_a_failure(
        (needs, parallel, ends, keep_going, stop_after) in any_run()
    ) {
        let plan = Plan { keep_going, ..plan(&needs, parallel) };
        let builder = Scripted::default();
        for (job, (delay, end)) in ends.iter().enumerate() {
            let end = end.map_or(Ok(()), Err);
            builder.ends.borrow_mut().insert((job, "first".to_owned()), vec![(*delay, end)]);
        }
        let ended = run(&plan, &builder, stop_after);
        prop_assert_eq!(ended.len(), needs.len());
        prop_assert!(*builder.most.borrow() <= parallel);
        prop_assert!(builder.running.borrow().is_empty());
        let began: BTreeSet<usize> = builder.began.borrow().iter().map(|(job, _)| *job).collect();
        for (job, needs) in needs.iter().enumerate() {
            let all_built = needs.iter().all(|need| matches!(ended[*need], Outcome::Built { .. }));
            if began.contains(&job) {
                prop_assert!(all_built, "{job} began without its needs");
            }
            match &ended[job] {
                Outcome::Skipped { because } => {
                    prop_assert!(!began.contains(&job));
                    let built = matches!(ended[because.0], Outcome::Built { .. });
                    prop_assert!(!built);
                }
                Outcome::Built { .. } => prop_assert!(began.contains(&job)),
                Outcome::Stopped => prop_assert!(stop_after.is_some() || !keep_going),
                Outcome::Failed(_) => {}
            }
            // Without a stop, and with the others going on, whatever can be built is built.
            if stop_after.is_none() && keep_going && all_built {
                prop_assert!(began.contains(&job));
            }
        }
    }
}
