//! What a loaded project can be asked, and how the place it is loaded from shows.

use std::fs;
use std::path::Path;

use dcb::compose::{self, Request, Unloadable};
use indexmap::IndexMap;

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    fs::write(path, text).expect("a file");
}

fn request(folder: &Path) -> Request {
    Request {
        directory: folder.canonicalize().expect("a real path"),
        ..Request::default()
    }
}

const CHAIN: &str = "services:
  web: {build: ., depends_on: [api]}
  api: {build: ., depends_on: [db, cache]}
  cache: {image: c}
  db: {image: d}
  tool: {build: ., profiles: [tools]}
x-dcb: {jobs: 3}
";

#[test]
fn services_are_selected_by_name_and_pattern() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "compose.yaml", CHAIN);
    let project = compose::load(&request(folder.path())).unwrap();
    let select = |patterns: &[&str]| {
        let patterns: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
        project
            .select(&patterns)
            .map_err(|error| (error.message, error.help))
    };
    assert_eq!(select(&[]).unwrap(), ["api", "cache", "db", "web"]);
    assert_eq!(select(&["web", "*a*"]).unwrap(), ["api", "cache", "web"]);
    let (message, help) = select(&["wbe"]).unwrap_err();
    assert_eq!(message, "no such service: wbe");
    assert_eq!(help, ["did you mean `web`?"]);
    assert!(select(&["tool"]).unwrap_err().1[0].contains("--profile"));
}

#[test]
fn dependencies_come_before_what_needs_them() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "compose.yaml", CHAIN);
    let project = compose::load(&request(folder.path())).unwrap();
    let order = project.with_dependencies(&["web".to_owned(), "db".to_owned()]);
    assert_eq!(order, ["db", "cache", "api", "web"]);
}

#[test]
fn sections_of_the_users_own_stay_in_the_tree() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "compose.yaml", CHAIN);
    let project = compose::load(&request(folder.path())).unwrap();
    let jobs = project
        .extension("x-dcb")
        .and_then(|node| node.get("jobs"))
        .unwrap();
    assert_eq!(jobs.scalar_text().as_deref(), Some("3"));
    assert_eq!(jobs.span.to_string(), "compose.yaml:7:15");
}

#[test]
fn naming_a_service_activates_it() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "compose.yaml", CHAIN);
    let mut request = request(folder.path());
    request.services = vec!["tool".to_owned()];
    let project = compose::load(&request).unwrap();
    assert!(project.services.contains_key("tool"));
    assert!(project.disabled.is_empty());
}

#[test]
fn images_are_named_by_project_and_service() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "compose.yaml",
        "name: p\nservices:\n  a: {build: .}\n  b: {image: i}\n",
    );
    let project = compose::load(&request(folder.path())).unwrap();
    assert_eq!(project.services["a"].image_name(&project.name, '-'), "p-a");
    assert_eq!(project.services["a"].image_name(&project.name, '_'), "p_a");
    assert_eq!(project.services["b"].image_name(&project.name, '-'), "i");
}

#[cfg(unix)]
#[test]
fn a_project_entered_through_a_link_has_the_links_name() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "real/compose.yaml",
        "services: {a: {build: .}}",
    );
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("real", &link).unwrap();
    let mut request = request(&folder.path().join("real"));
    assert_eq!(compose::load(&request).unwrap().name, "real");

    let pwd = link.to_string_lossy().into_owned();
    request.environment = IndexMap::from([("PWD".to_owned(), pwd)]);
    let project = compose::load(&request).unwrap();
    assert_eq!(project.name, "link");
    assert_eq!(project.directory, link);
    assert!(
        project.notes[0].message.contains("symlink"),
        "{:?}",
        project.notes
    );
}

#[test]
fn files_from_elsewhere_are_left_to_compose() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "https://github.com/a/b.git",
        "oci://registry/x:y",
        "git@host:a/b",
    ] {
        let mut request = request(folder.path());
        request.files = vec![name.to_owned()];
        let error = Unloadable::from(compose::discover(&request).unwrap_err());
        let error = error.into_diagnostics().remove(0);
        assert!(error.message.contains("not supported"), "{error}");
        assert!(error.help[0].contains("docker compose"), "{error:?}");
    }
}

#[test]
fn discovery_reads_no_yaml() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "compose.yaml", "[not: {yaml");
    write(folder.path(), ".env", "A=1\n");
    let found = compose::discover(&request(folder.path())).unwrap();
    assert_eq!(found.files.len(), 1);
    assert_eq!(found.environment["A"], "1");
}

#[test]
fn an_unset_variable_is_told_once_with_all_its_places() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "compose.yaml",
        "services:\n  a: {image: a$X}\n  b: {image: b$X}\n",
    );
    let project = compose::load(&request(folder.path())).unwrap();
    assert_eq!(project.notes.len(), 1);
    assert_eq!(project.notes[0].related.len(), 1);
}

#[test]
fn a_file_in_utf16_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let text = "\u{feff}services: {a: {image: é}}\n";
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(folder.path().join("compose.yaml"), bytes).unwrap();
    let project = compose::load(&request(folder.path())).unwrap();
    assert_eq!(project.services["a"].image.as_deref(), Some("é"));
}
