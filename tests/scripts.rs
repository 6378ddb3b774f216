//! `docs/scripts.md`: what teams' scripts did, with the test that shows that dcb does it.

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;
use support::{Project, engines, on_engines};

#[test]
fn every_line_of_the_guides_names_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_default();
    let page = read("docs/scripts.md");
    let rows: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| Guide"))
        .collect();
    let named = Regex::new(r"`([a-z_]+)::(\w+)` \|$").expect("a pattern");
    let mut guides = BTreeSet::new();
    for row in &rows {
        let names = named
            .captures(row)
            .unwrap_or_else(|| panic!("no test: {row}"));
        let test = format!("#[test]\nfn {}() {{", &names[2]);
        let found = read(&format!("tests/{}.rs", &names[1])).contains(&test);
        assert!(found, "no test `{}::{}`: {row}", &names[1], &names[2]);
        let guide = row.trim_start_matches("| ").split(" |").next();
        guides.extend(guide.into_iter().flat_map(|guide| guide.split(", ")));
    }
    assert_eq!(guides, BTreeSet::from(["1", "2", "3", "4", "5"]));
    assert!(rows.len() > 30, "only {} rows", rows.len());
}

#[test]
fn a_name_from_the_environment_is_the_images() {
    on_engines(&engines()[2..3], "imagename", |engine, project| {
        let name = format!("{}-mine", project.name());
        let text = "services: {dev: {build: ., image: '${IMAGE_NAME:-dev-environment}'}}\n";
        let project = project.file("compose.yaml", text);
        let project = project
            .file("Dockerfile", "FROM busybox\n")
            .variable("IMAGE_NAME", &name);
        project.run(engine, &["build"]).expect(0);
        assert!(engine.has_image(&name));
        let usual = Project::new("imageusual").file("compose.yaml", text);
        let usual = usual.file("Dockerfile", "FROM busybox\n");
        let plan = usual.run_alone(&["plan", "--format", "json"]).expect(0);
        assert!(
            plan.stdout
                .contains("docker.io/library/dev-environment:latest")
        );
    });
}
