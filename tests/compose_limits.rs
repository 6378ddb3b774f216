//! Projects that are made to hurt end in an error, and quickly.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use dcb::compose::{self, Request};
use dcb::diagnostic::Diagnostic;

/// The complaints about a project of these files, which must come within seconds even in a debug
/// build on a busy machine.
fn complaints(files: &[(&str, String)]) -> Vec<Diagnostic> {
    let folder = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    let began = Instant::now();
    let result = compose::load(&request(folder.path()));
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
    result.err().unwrap_or_default()
}

fn request(folder: &Path) -> Request {
    Request {
        directory: folder.to_owned(),
        ..Request::default()
    }
}

fn only(files: &[(&str, String)]) -> String {
    let errors = complaints(files);
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors[0].message.clone()
}

#[test]
fn a_file_beyond_all_measure_is_not_read() {
    let text = "#".repeat(11 * 1024 * 1024);
    let message = only(&[("compose.yaml", text)]);
    assert_eq!(
        message,
        "failed to read `compose.yaml`: it is larger than 10 MiB"
    );
}

#[test]
fn inclusion_does_not_explode() {
    let mut files = vec![("compose.yaml", "include: [f0.yaml, f0.yaml]\n".to_owned())];
    let names: Vec<String> = (0..30).map(|index| format!("f{index}.yaml")).collect();
    for (index, name) in names.iter().enumerate() {
        let next = format!("f{}.yaml", index + 1);
        let text = match index {
            29 => "services: {a: {image: x}}\n".to_owned(),
            _ => format!("include: [{next}, {next}]\n"),
        };
        files.push((name, text));
    }
    assert_eq!(only(&files), "project includes more than 1000 files");
}

#[test]
fn extending_does_not_explode() {
    let labels: String = (0..2000).map(|index| format!("l{index}: x, ")).collect();
    let mut text = format!("services:\n  s0: {{image: x, labels: {{{labels}}}}}\n");
    for index in 1..2000 {
        text += &format!("  s{index}: {{extends: s0}}\n");
    }
    let errors = complaints(&[("compose.yaml", text)]);
    assert!(
        errors[0].message.contains("`extends` copies more than"),
        "{errors:?}"
    );
}

#[test]
fn a_long_chain_of_extends_is_refused() {
    let mut text = "services:\n".to_owned();
    for index in 0..5000 {
        text += &format!("  s{index}: {{extends: s{}}}\n", index + 1);
    }
    text += "  s5000: {image: x}\n";
    let errors = complaints(&[("compose.yaml", text)]);
    assert!(errors[0].message.contains("extend"), "{errors:?}");
}

#[test]
fn many_services_and_values_are_no_trouble() {
    let mut text = "services:\n  s1000: {image: x}\n".to_owned();
    for index in 0..1000 {
        text += &format!(
            "  s{index}:\n    build: {{context: ./s{index}, args: {{A: \"${{V:-x}}\", B: 1.10}}}}\n    \
             depends_on: [s{}]\n",
            index + 1
        );
    }
    let errors = complaints(&[("compose.yaml", text)]);
    assert_eq!(errors, []);
}

#[test]
fn many_mistakes_take_no_quadratic_time() {
    let mut text = "services:\n  a:\n    image: x$U\n".to_owned();
    for index in 0..20_000 {
        text += &format!("    key{index}: $U\n");
    }
    assert_eq!(complaints(&[("compose.yaml", text)]).len(), 20_000);
}

#[test]
fn a_large_env_file_takes_no_quadratic_time() {
    let line = "A=$NOTHING-${B:-x} # comment\n".repeat(50_000);
    let compose = "services: {a: {image: x}}".to_owned();
    assert_eq!(complaints(&[("compose.yaml", compose), (".env", line)]), []);
}
