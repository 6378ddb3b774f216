//! What begins when, and what becomes of the rest after a failure.

use proptest::prelude::*;

use super::*;

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
fn a_service_that_was_killed_beside_others_is_offered_alone() {
    for (parallel, offered) in [(2, true), (1, false)] {
        let builder = Scripted::default();
        fails(&builder, 0, "first", Class::RunKilled, Reached::Run, false);
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
    fails(&builder, 0, "first", Class::RunFailed, Reached::Run, false);
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
            Some((Class::RunFailed, Reached::Run, false)),
            Some((Class::RegistryUnreachable, Reached::NoRun, true)),
            Some((Class::BuilderBroken, Reached::Image, true)),
            Some((Class::FrontendTooOld, Reached::NoRun, false)),
        ])), size),
        keep_going in any::<bool>(),
        stop_after in prop::option::of(0u64..200),
    ) -> (Vec<Vec<usize>>, usize, Vec<(u64, Option<(Class, Reached, bool)>)>, bool, Option<u64>) {
        let needs = needs
            .into_iter()
            .enumerate()
            .map(|(id, mut needs)| { needs.retain(|need| *need < id); needs.sort_unstable(); needs.dedup(); needs })
            .collect();
        (needs, parallel, ends, keep_going, stop_after)
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
