//! Projects that are made to hurt end in an error, quickly and in little memory; large ones load.
//!
//! What counts is what the kernel lets a process have: a second of processor time, not of the clock on the
//! wall, so that a busy machine makes no difference, and the address space of 200 MiB in use. Who wants more is killed.

#![cfg(unix)]

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

/// Seconds of processor time that loading a project may take. Code that is not optimised is slower by
/// this factor.
const SECONDS: u64 = if cfg!(debug_assertions) { 20 } else { 1 };

/// Address space for the binary to load a project in, in KiB: 200 MiB of memory, and what the program and
/// the unused ends of growing lists take up without being there. Without any project one that is not
/// optimised reserves nearly as much.
const MEMORY: u64 = 1024 * if cfg!(debug_assertions) { 400 } else { 256 };

/// Runs a program as long as it stays within so many seconds of processor time, and within [`MEMORY`].
fn limited(seconds: u64, program: &Path, arguments: &[&str], folder: &Path) -> Output {
    Command::new("/bin/sh")
        .arg("-c")
        .arg(format!(
            "ulimit -t {seconds}; ulimit -v {MEMORY}; exec \"$0\" \"$@\""
        ))
        .arg(program)
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("DOCKER_HOST", "unix:///nowhere.sock")
        .output()
        .expect("a shell")
}

fn written(files: &[(&str, String)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

/// What `dcb config -q` tells of a project of these files.
fn told(files: &[(&str, String)]) -> String {
    let folder = written(files);
    let dcb = Path::new(env!("CARGO_BIN_EXE_dcb"));
    let output = limited(SECONDS, dcb, &["config", "-q"], folder.path());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code().is_some(), "{:?} {said}", output.status);
    assert!(!said.contains("panicked"), "{said}");
    let said: String = said.chars().take(2000).collect();
    assert!(!said.contains("memory allocation"), "{said}");
    said
}

#[test]
fn who_goes_beyond_the_limits_is_killed() {
    let folder = written(&[]);
    let sh = Path::new("/bin/sh");
    let busy = limited(1, sh, &["-c", "while :; do :; done"], folder.path());
    assert!(busy.status.signal().is_some(), "{:?}", busy.status);
    let greedy = limited(
        1,
        sh,
        &["-c", "x=0123456789; while :; do x=$x$x; done"],
        folder.path(),
    );
    assert!(!greedy.status.success(), "{:?}", greedy.status);
}

#[test]
fn values_that_double_are_refused() {
    let mut variables = "A0=0123456789\n".to_owned();
    for level in 1..60 {
        variables += &format!("A{level}=$A{0}$A{0}\n", level - 1);
    }
    let compose = "services: {a: {image: \"$A59\"}}\n".to_owned();
    let said = told(&[("compose.yaml", compose), (".env", variables)]);
    assert!(said.contains("too much text"), "{said}");
}

#[test]
fn a_large_value_in_many_places_is_refused() {
    let variables = format!("BIG={}\n", "x".repeat(1_000_000));
    let labels: String = (0..5000)
        .map(|index| format!("      l{index}: $BIG\n"))
        .collect();
    let compose = format!("services:\n  a:\n    image: x\n    labels:\n{labels}");
    let said = told(&[("compose.yaml", compose), (".env", variables)]);
    assert!(said.contains("too much text"), "{said}");
}

#[test]
fn a_large_text_behind_many_aliases_is_refused() {
    let text = "x".repeat(1_000_000);
    let compose = format!("x-a: &a {text}\nx-b: [{}]\n", "*a, ".repeat(5000));
    let said = told(&[("compose.yaml", compose)]);
    assert!(said.contains("excessive aliasing"), "{said}");
}

#[test]
fn anchors_around_anchors_are_refused() {
    let text = "x".repeat(8_000_000);
    let mut compose = "x-a: ".to_owned();
    for level in 0..90 {
        compose += &format!("&a{level} [");
    }
    compose += &text;
    compose += &"]".repeat(90);
    let said = told(&[("compose.yaml", compose)]);
    assert!(said.contains("excessive aliasing"), "{said}");
}

#[test]
fn aliases_in_many_documents_are_refused() {
    let document = format!(
        "x-a: &a {}\nx-b: [{}]\n",
        "x".repeat(1000),
        "*a, ".repeat(5000)
    );
    let compose = vec![document; 150].join("---\n");
    let said = told(&[("compose.yaml", compose)]);
    assert!(said.contains("excessive aliasing"), "{said}");
}

#[test]
fn a_large_text_in_many_extended_services_is_refused() {
    let text = "x".repeat(1_000_000);
    let mut compose = format!("services:\n  s: {{image: x, labels: {{l: {text}}}}}\n");
    for index in 0..5000 {
        compose += &format!("  s{index}: {{extends: s}}\n");
    }
    let said = told(&[("compose.yaml", compose)]);
    assert!(said.contains("`extends` copies more than"), "{said}");
}

#[test]
fn a_text_as_large_as_a_file_may_be_is_no_trouble() {
    let text = "x${HOME:-y}".repeat(800_000);
    let compose = format!("services: {{a: {{image: x, labels: {{l: \"{text}\"}}}}}}\n");
    assert_eq!(told(&[("compose.yaml", compose)]), "");
}

#[test]
fn nesting_beyond_all_measure_is_refused() {
    for text in [
        "[".repeat(5_000_000),
        "{a: ".repeat(2_000_000),
        "- ".repeat(4_000_000),
    ] {
        let said = told(&[("compose.yaml", text)]);
        assert!(said.contains("levels of nesting"), "{said}");
    }
}

#[test]
fn merge_keys_do_not_explode() {
    let mut compose = "x-0: &a0 {k0: v}\n".to_owned();
    for level in 1..200 {
        let aliases = format!("*a{}, ", level - 1).repeat(50);
        compose += &format!("x-{level}: &a{level} {{k{level}: v, <<: [{aliases}]}}\n");
    }
    compose += "services: {a: {image: x}}\n";
    let said = told(&[("compose.yaml", compose)]);
    assert!(said.contains("excessive aliasing"), "{said}");
}

#[test]
fn files_that_include_each_other_are_refused() {
    let main = "include: [other.yaml]\n".to_owned();
    let other = "include: [compose.yaml]\n".to_owned();
    let said = told(&[("compose.yaml", main), ("other.yaml", other)]);
    assert!(said.contains("include cycle"), "{said}");
}

#[test]
fn five_thousand_services_are_no_trouble() {
    let mut text = "services:\n  base: {build: {context: ., args: {A: 1}}}\n".to_owned();
    for index in 0..5000 {
        text += &format!(
            "  s{index}:\n    extends: base\n    build: {{context: ./s{index}, args: {{B: \"${{V:-x}}\"}}}}\n"
        );
    }
    assert_eq!(told(&[("compose.yaml", text)]), "");
}

#[test]
fn a_file_as_large_as_it_may_be_is_no_trouble() {
    let mut text = "services:\n  a:\n    image: x\n    labels:\n".to_owned();
    let mut index = 0;
    while text.len() < 10 * 1024 * 1024 - 100 {
        text +=
            &format!("      label-number-{index}: the value of this label is ${{V:-{index}}}\n");
        index += 1;
    }
    assert_eq!(told(&[("compose.yaml", text)]), "");
}

#[test]
fn a_file_beyond_all_measure_is_not_read() {
    let text = "#".repeat(11 * 1024 * 1024);
    let said = told(&[("compose.yaml", text)]);
    assert!(
        said.starts_with("error: failed to read `compose.yaml`: it is larger than 10 MiB\n"),
        "{said}"
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
    let said = told(&files);
    assert!(
        said.starts_with("error: project includes more than 1000 files\n"),
        "{said}"
    );
}

#[test]
fn extending_does_not_explode() {
    let labels: String = (0..2000).map(|index| format!("l{index}: x, ")).collect();
    let mut text = format!("services:\n  s0: {{image: x, labels: {{{labels}}}}}\n");
    for index in 1..2000 {
        text += &format!("  s{index}: {{extends: s0}}\n");
    }
    let said = told(&[("compose.yaml", text)]);
    assert!(said.contains("`extends` copies more than"), "{said}");
}

#[test]
fn a_long_chain_of_extends_is_refused() {
    let mut text = "services:\n".to_owned();
    for index in 0..5000 {
        text += &format!("  s{index}: {{extends: s{}}}\n", index + 1);
    }
    text += "  s5000: {image: x}\n";
    let said = told(&[("compose.yaml", text)]);
    assert!(
        said.contains("a chain of more than 100 `extends`"),
        "{said}"
    );
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
    assert_eq!(told(&[("compose.yaml", text)]), "");
}

#[test]
fn many_mistakes_take_no_quadratic_time() {
    let mut text = "services:\n  a:\n    image: x$U\n".to_owned();
    for index in 0..20_000 {
        text += &format!("    key{index}: $U\n");
    }
    let said = told(&[("compose.yaml", text)]);
    assert!(
        said.contains("`services.a.key0`") || said.contains("`U` is not set"),
        "{said}"
    );
}

#[test]
fn many_keys_that_are_there_twice_are_no_trouble() {
    let text = format!(
        "services: {{a: {{image: x}}}}\nx-a:\n{}",
        " k: v\n".repeat(1_000_000)
    );
    let said = told(&[("compose.yaml", text)]);
    assert!(said.contains("mapping key `k` already defined"), "{said}");
}

#[test]
fn values_beyond_all_measure_are_refused() {
    let text = format!("x-a: [{}]\n", "a,".repeat(5_000_000));
    let said = told(&[("compose.yaml", text)]);
    assert!(said.contains("more than 800000 keys and values"), "{said}");
}

#[test]
fn a_key_as_large_as_a_file_is_not_told_in_full() {
    let text = format!(
        "services: {{a: {{image: x}}}}\n? {}\n: v\n",
        "k".repeat(9_000_000)
    );
    let said = told(&[("compose.yaml", text)]);
    assert!(said.contains("unknown key `kkkk"), "{said}");
}

#[test]
fn a_large_env_file_takes_no_quadratic_time() {
    let line = "A=$NOTHING-${B:-x} # comment\n".repeat(50_000);
    let compose = "services: {a: {image: x}}".to_owned();
    let said = told(&[("compose.yaml", compose), (".env", line)]);
    assert!(said.contains("`NOTHING` is not set"), "{said}");
}
