//! What is pushed of what was built.

use super::*;

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
    fails(&builder, 0, "first", Class::RunFailed, Reached::Run, false);
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
            Reached::NoRun,
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
            fails(&builder, 0, "r/a:1", class, Reached::NoRun, transient);
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
