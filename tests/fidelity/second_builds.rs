//! A build after the first sends what changed, and no more.

use crate::reference::{Service, Step, compose_file};
use crate::support::relay::Relay;
use crate::support::{Project, engines};
use crate::{COPY_ALL, Cache, assert_cached, clean, dcb, fresh, project, tree};

/// How many files the projects have that are built again.
const FILES: usize = 500;

fn mark(number: usize) -> String {
    format!("<marked-{number:04}>")
}

/// A project of services that share one context of marked files.
fn marked_project(services: &[Service]) -> Project {
    let project = project("again", &mut fresh()).file("compose.yaml", &compose_file(services));
    for number in 0..FILES {
        write_marked(&project, number);
    }
    project
}

fn write_marked(project: &Project, number: usize) {
    // Many times, because a mark may be split over two frames.
    let text = format!("{} {}", fastrand::u128(..), mark(number).repeat(40));
    project.write(&format!("tree/{}/{number}", number % 7), &text);
}

/// Which marked files were sent.
fn sent(relay: &Relay) -> Vec<usize> {
    let bytes = relay.sent();
    let text = String::from_utf8_lossy(&bytes);
    assert!(
        text.contains("POST /session") || text.contains("PRI * HTTP/2.0"),
        "the relay was not used"
    );
    (0..FILES)
        .filter(|number| text.contains(&mark(*number)))
        .collect()
}

#[test]
fn an_unchanged_project_sends_no_file_and_a_changed_file_is_sent_alone() {
    let services = [Service::new("one", "tree", "Dockerfile")];
    for engine in engines() {
        let relay = Relay::to(&engine);
        let through = relay.engine(&engine);
        let project = marked_project(&services).file("tree/Dockerfile", COPY_ALL);
        let build = || dcb(&through, &project, Cache::Use).expect(0);
        build();
        assert_eq!(sent(&relay).len(), FILES, "{}", engine.version);
        let ran = build();
        assert_eq!(sent(&relay), [0; 0], "{}", engine.version);
        assert_cached(&Step::of_dcb(&ran), 1, &engine.version, &ran);
        let path = project.path().join("tree/0/7");
        tree::touch(&path, 1_700_000_000, 0);
        let ran = build();
        assert_eq!(sent(&relay), [7], "{}: touched", engine.version);
        assert_cached(&Step::of_dcb(&ran), 1, &engine.version, &ran);
        write_marked(&project, 8);
        let ran = build();
        assert_eq!(sent(&relay), [8], "{}: changed", engine.version);
        assert!(!Step::of_dcb(&ran)[0].cached);
        std::fs::remove_file(&path).expect("removed");
        let ran = build();
        assert_eq!(sent(&relay), [0; 0], "{}: removed", engine.version);
        assert!(!Step::of_dcb(&ran)[0].cached);
        clean(&engine, &project);
    }
}

#[test]
fn services_that_share_a_context_do_not_evict_each_others_files() {
    // They want different parts, so each transfer deletes what the other needs if they share.
    let dockerfile = |directories: [u32; 2]| {
        format!(
            "FROM scratch\nCOPY {}/ {}/ /all/\n",
            directories[0], directories[1]
        )
    };
    let services = [
        Service::new("one", "tree", "one.Dockerfile"),
        Service::new("two", "tree", "two.Dockerfile"),
    ];
    for engine in engines() {
        let relay = Relay::to(&engine);
        let through = relay.engine(&engine);
        let project = marked_project(&services)
            .file("tree/one.Dockerfile", &dockerfile([0, 1]))
            .file("tree/two.Dockerfile", &dockerfile([1, 2]));
        let build = |arguments: &[&str]| project.run(&through, arguments).expect(0);
        let all = ["build", "-v"];
        build(&all);
        let first = sent(&relay);
        assert!(
            first.iter().all(|number| number % 7 < 3) && first.len() > FILES / 3,
            "{first:?}"
        );
        for arguments in [
            &all[..],
            &["build", "one"],
            &["build", "two"],
            &["build", "one"],
            &all,
        ] {
            build(arguments);
            assert_eq!(sent(&relay), [0; 0], "{}: {arguments:?}", engine.version);
        }
        write_marked(&project, 8);
        build(&all);
        assert_eq!(sent(&relay), [8], "{}", engine.version);
        clean(&engine, &project);
    }
}

#[test]
fn projects_with_the_same_directory_name_do_not_evict_each_others_files() {
    let services = [Service::new("one", "tree", "Dockerfile")];
    for engine in engines() {
        let relay = Relay::to(&engine);
        let through = relay.engine(&engine);
        let projects = [0, 1].map(|_| marked_project(&services).file("tree/Dockerfile", COPY_ALL));
        for project in &projects {
            drop(dcb(&through, project, Cache::Use).expect(0));
            assert_eq!(sent(&relay).len(), FILES);
        }
        for project in &projects {
            drop(dcb(&through, project, Cache::Use).expect(0));
            assert_eq!(sent(&relay), [0; 0], "{}", engine.version);
            clean(&engine, project);
        }
    }
}
