use super::*;
use crate::diagnostic::{Source, Span};
use crate::doctor::Outlook;
use crate::doctor::testing::Case;

fn with(text: &str) -> Case {
    let mut case = Case::default();
    case.project(text);
    case
}

const WEB: &str = "services: { web: { build: . } }";

#[test]
fn what_cannot_be_loaded_is_told_place_by_place() {
    let mut case = Case::default();
    let source = Source::new("compose.yaml", "a\nb\n");
    let error = |line| Diagnostic::error("wrong").at(Span::lines(&source, line, line), "");
    let failure = Failure::found(
        Class::ComposeInvalid,
        "cannot be loaded",
        vec![error(1), error(2)],
    );
    case.project = Some(Err(failure));
    let found = case.finds("CMP-01");
    assert_eq!(found.len(), 2);
    assert!(
        found
            .iter()
            .all(|it| it.severity == Severity::Error && it.place.is_some())
    );
    assert!(case.skips("CMP-02").contains("CMP-01"));
    assert!(with(WEB).finds("CMP-01").is_empty());
}

#[test]
fn a_project_that_builds_nothing_is_told_with_its_profiles() {
    assert!(with(WEB).finds("CMP-02").is_empty());
    assert_eq!(
        with("services: { web: { image: a } }")
            .only("CMP-02")
            .severity,
        Severity::Warning
    );
    let found =
        with("services: { web: { build: ., profiles: [dev] }, db: { image: a } }").only("CMP-02");
    assert!(found.remedy[0].contains("`web`"), "{:?}", found.remedy);
}

#[test]
fn a_variable_that_proves_nothing_is_noted() {
    assert!(with(WEB).finds("CMP-03").is_empty());
    let case =
        with("services: { web: { build: { context: ., args: { A: '${DOCKER_BUILDKIT}' } } } }");
    assert_eq!(case.only("CMP-03").place.expect("a place").start.line, 1);
}

#[test]
fn compose_v1_refuses_keys_that_it_does_not_know() {
    let new = "services: { web: { build: { context: ., platforms: [linux/amd64] } } }";
    for (text, form, warned) in [
        (new, Form::V1, true),
        (new, Form::Plugin, false),
        (WEB, Form::V1, false),
    ] {
        let mut case = with(text);
        case.programs("28.5.2", None, Some((form, "1.29.2")));
        assert_eq!(!case.finds("CMP-04").is_empty(), warned, "{text} {form:?}");
    }
}

#[test]
fn two_services_do_not_share_what_they_write() {
    let project = |web: &str, api: &str| {
        let service = |to: &str| format!("{{ build: {{ context: ., cache_to: ['{to}'] }} }}");
        with(&format!(
            "services: {{ web: {}, api: {} }}",
            service(web),
            service(api)
        ))
    };
    let local = |path: &str| format!("type=local,dest={path}");
    assert!(project(&local("a"), &local("b")).finds("CMP-06").is_empty());
    let found = project(&local("a"), &local("a")).only("CMP-06");
    assert_eq!(found.severity, Severity::Note);
    let registry = "type=registry,ref=r.example/c";
    assert_eq!(project(registry, registry).finds("CMP-06").len(), 1);
}

#[test]
fn what_is_missing_is_told_by_the_check_it_belongs_to() {
    let mut case = with(WEB);
    let secret =
        Diagnostic::error("secret `token` of service `web` is not set").help("export TOKEN=…");
    case.missing = vec![(Class::SecretMissing, secret.clone())];
    case.outlook = Some(Err(Failure::found(
        Class::SecretMissing,
        "missing",
        vec![secret],
    )));
    assert_eq!(case.only("CMP-07").remedy, ["export TOKEN=…"]);
    assert!(case.finds("CMP-08").is_empty() && case.finds("CMP-09").is_empty());
    case.missing = vec![(Class::SshMissing, Diagnostic::error("no agent"))];
    assert_eq!(case.only("CMP-08").severity, Severity::Error);
}

#[test]
fn what_the_plan_refuses_is_an_error_and_what_it_remarks_is_not() {
    let mut case = with(WEB);
    let refused = vec![
        Diagnostic::warning("a note"),
        Diagnostic::error("`ssh` is more than it can do"),
    ];
    case.outlook = Some(Err(Failure::found(
        Class::Unsupported,
        "cannot be built here",
        refused,
    )));
    assert_eq!(case.only("CMP-09").evidence, "`ssh` is more than it can do");
    case.outlook = Some(Err(
        Failure::new(Class::NoBuildKit, "no BuildKit").hint("unset it")
    ));
    assert_eq!(case.only("CMP-09").remedy, ["unset it"]);
    case.outlook = Some(Err(Failure::new(Class::DaemonHung, "no plan in time")));
    assert_eq!(case.only("CMP-09").severity, Severity::Warning);
    let notes = vec![Diagnostic::warning("left out"), Diagnostic::note("classic")];
    case.outlook = Some(Ok(Outlook {
        ways: Vec::new(),
        notes,
    }));
    assert!(case.finds("CMP-09").is_empty());
    let severities: Vec<_> = case.finds("CMP-12").iter().map(|it| it.severity).collect();
    assert_eq!(severities, [Severity::Warning, Severity::Note]);
}

#[test]
fn what_is_remarked_of_caches_has_a_check_of_its_own() {
    let mut case = with(
        "services:\n  web:\n    build:\n      context: .\n      cache_to:\n        - type=local,dest=c\n        - type=gha\n",
    );
    assert!(case.skips("CMP-05").contains("no plan"));
    let build = case.loaded().services["web"].build.as_ref();
    let key = build.expect("a build").keys["cache_to"].clone();
    let path = ["services", "web", "build", "cache_to"];
    let node = case.loaded().tree.at(&path).expect("a list");
    let Value::List(items) = &node.value else {
        panic!("{node:?}")
    };
    let item = items[1].span.clone();
    let told = |message: &str, place| Diagnostic::warning(message).at(place, "");
    let notes = vec![
        told("needs images in containerd", key),
        told("needs variables", item),
        Diagnostic::warning("something else"),
    ];
    let outlook = |notes| {
        let ways = Vec::new();
        Some(Ok(Outlook { ways, notes }))
    };
    case.outlook = outlook(notes);
    assert_eq!(case.finds("CMP-05").len(), 2);
    assert_eq!(case.only("CMP-12").evidence, "something else");
    case.outlook = outlook(Vec::new());
    assert!(case.finds("CMP-05").is_empty());
}

#[test]
fn two_forms_expose_the_same() {
    let mut case = with(WEB);
    case.dockerfile("web", "FROM a\nEXPOSE 80 443/tcp\n");
    case.dockerfile("web", "FROM a\nEXPOSE 443\nEXPOSE 80/tcp\n");
    assert!(case.finds("CMP-10").is_empty());
    case.dockerfile("web", "FROM a\nEXPOSE 80\n");
    assert_eq!(case.only("CMP-10").severity, Severity::Warning);
}
