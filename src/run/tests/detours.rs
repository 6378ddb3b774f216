//! What is tried again, what is tried another way, and how that is told.

use super::*;

#[test]
fn a_broken_builder_leads_to_another_builder_and_an_old_frontend_to_another_form() {
    for (class, expected) in [
        (Class::BuilderBroken, "other builder"),
        (Class::FrontendTooOld, "other form"),
    ] {
        let builder = Scripted::default();
        fails(&builder, 0, "first", class, Reached::NoRun, false);
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
    for (class, reached) in [
        (Class::RunFailed, Reached::Run),
        (Class::CopySource, Reached::NoRun),
        (Class::ImageMissing, Reached::NoRun),
        (Class::BuilderBroken, Reached::Run),
    ] {
        let builder = Scripted::default();
        fails(&builder, 0, "first", class, reached, true);
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
fn an_image_of_steps_that_are_built_is_made_again_from_the_cache_and_nowhere_else() {
    let (broken, again) = (Class::BuilderBroken, Reached::NoRun);
    for (ends, expected, builds) in [
        (vec![], None, 2),
        // What stumbles before any `RUN` this time had all of them built before.
        (vec![(broken, again, true)], None, 3),
        (vec![(broken, Reached::Image, true); 3], Some(broken), 3),
        (vec![(broken, again, false)], Some(broken), 2),
        // The cache did not have all of it.
        (
            vec![(Class::RunFailed, Reached::Run, true)],
            Some(Class::RunFailed),
            2,
        ),
    ] {
        let builder = Scripted::default();
        fails(&builder, 0, "first", broken, Reached::Image, true);
        for (class, reached, transient) in ends {
            fails(&builder, 0, "first", class, reached, transient);
        }
        let mut plan = plan(&[vec![]], 1);
        plan.jobs[0].attempt.spec.cache = CacheUse::None;
        let ended = run(&plan, &builder, None);
        assert_eq!(class_of(&ended[0]), expected);
        let mut caches = vec![CacheUse::Normal; builds];
        caches[0] = CacheUse::None;
        assert_eq!(*builder.caches.borrow(), caches);
        assert_eq!(attempts(&builder), vec!["firstMissing"; builds]);
    }
}

#[test]
fn at_most_one_detour_is_taken() {
    let builder = Scripted::default();
    fails(
        &builder,
        0,
        "first",
        Class::FrontendTooOld,
        Reached::NoRun,
        false,
    );
    fails(
        &builder,
        0,
        "other form",
        Class::BuilderBroken,
        Reached::NoRun,
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
        fails(
            &builder,
            0,
            "first",
            Class::BuilderBroken,
            Reached::NoRun,
            false,
        );
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
            Reached::NoRun,
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
        Reached::NoRun,
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
    fails(
        &builder,
        0,
        "first",
        Class::BuilderBroken,
        Reached::NoRun,
        false,
    );
    fails(
        &builder,
        0,
        "other builder",
        Class::RegistryUnreachable,
        Reached::NoRun,
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
            Reached::NoRun,
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
    for (second, reached, expected) in [
        (
            Class::ImageMissing,
            Reached::NoRun,
            Class::RegistryUnreachable,
        ),
        (Class::RunFailed, Reached::Run, Class::RunFailed),
    ] {
        let builder = Scripted::default();
        fails(
            &builder,
            0,
            "first",
            Class::RegistryUnreachable,
            Reached::NoRun,
            false,
        );
        fails(&builder, 0, "first", second, reached, false);
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
            fails(
                &builder,
                0,
                name,
                Class::FrontendUnavailable,
                Reached::NoRun,
                true,
            );
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
