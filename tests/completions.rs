//! Completion in a shell: the scripts in `completions/`, and what bash offers with one of them.

mod support;

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use support::{Project, engines};

/// `DCB_UPDATE=1 cargo test --test completions` writes them anew.
#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "tests read the environment they are given"
)]
fn the_scripts_are_up_to_date() {
    let project = Project::new("completions-scripts");
    for (shell, file) in [
        ("bash", "dcb.bash"),
        ("elvish", "dcb.elv"),
        ("fish", "dcb.fish"),
        ("powershell", "_dcb.ps1"),
        ("zsh", "_dcb"),
    ] {
        let script = project.run_alone(&["completion", shell]).expect(0).stdout;
        let path = kept(file);
        if std::env::var_os("DCB_UPDATE").is_some() {
            std::fs::write(&path, &script).expect("written");
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == script,
            "`completions/{file}` is out of date: DCB_UPDATE=1 cargo test --test completions"
        );
    }
}

fn kept(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("completions")
        .join(file)
}

/// A project with services in and out of profiles, built and not.
fn shop(name: &str) -> Project {
    Project::new(name)
        .file(
            "compose.yaml",
            "services:\n  web:\n    build: web\n    image: \"shop/web:${TAG:-1}\"\n  \
             worker:\n    build: worker\n    profiles: [jobs]\n  db:\n    image: postgres\n",
        )
        .file("other.yaml", "services: {other: {image: busybox}}\n")
        .file("web/Dockerfile", "FROM busybox\n")
        .file("worker/Dockerfile", "FROM busybox\n")
}

/// What bash offers when TAB is pressed at the end of `line`. Anything that is told is a failure.
#[track_caller]
fn offered(project: &Project, line: &str) -> Vec<String> {
    // The words as readline gives them, without those that `=` and `:` would make of one.
    let press = r#"
        . "$1"
        IFS=' ' read -ra COMP_WORDS <<<"$2"
        [[ $2 != *' ' ]] || COMP_WORDS+=('')
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$2 COMP_POINT=${#2} COMP_TYPE=9
        complete=$(complete -p dcb)
        [[ $complete =~ -F\ ([^ ]+) ]]
        "${BASH_REMATCH[1]}" dcb "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let bin = Path::new(env!("CARGO_BIN_EXE_dcb"))
        .parent()
        .expect("a directory");
    let dcb = project.dcb();
    let mut bash = std::process::Command::new("bash");
    bash.args(["--norc", "-c", press, "bash"])
        .args([kept("dcb.bash").as_os_str(), line.as_ref()])
        .current_dir(project.path())
        .env_clear()
        .envs(
            dcb.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    let ran = project.ran(&mut bash).expect(0);
    assert_eq!(ran.stderr, "", "{line}");
    let offered = ran.stdout.lines().filter(|line| !line.is_empty());
    offered.map(str::to_owned).collect()
}

#[test]
fn bash_offers_what_is_in_this_project_and_this_docker_configuration() {
    let project = shop("completions-bash");
    std::fs::create_dir_all(project.home().join(".docker/buildx/instances")).expect("made");
    for name in ["dcb-shop", "mine"] {
        let file = format!(".docker/buildx/instances/{name}");
        std::fs::write(project.home().join(file), "{}").expect("written");
    }
    for (line, expected) in [
        ("dcb build ", &["web", "worker"][..]),
        ("dcb build web w", &["web", "worker"]),
        ("dcb logs ", &["db", "web", "worker"]),
        ("dcb exec web ", &[]),
        ("dcb -f other.yaml up ", &["other"]),
        ("dcb --profile ", &["jobs"]),
        ("dcb build --builder ", &["dcb-shop", "default", "mine"]),
        ("dcb builder rm ", &["dcb-shop"]),
        ("dcb build --no-", &["--no-cache", "--no-fallback"]),
        ("dcb env T", &["TAG"]),
        ("dcb doctor --only disk,netw", &["disk,network"]),
        ("dcb doctor --explain ENG-01", &["ENG-01"]),
        ("dcb completion z", &["zsh"]),
        ("dcb help ti", &["timeline"]),
        ("dcb rest", &["restart"]),
        ("dcb config -o comp", &["compose.yaml"]),
    ] {
        assert_eq!(offered(&project, line), expected, "{line}");
    }
}

#[test]
fn the_runs_that_are_kept_are_offered_newest_first() {
    let engines = engines();
    let project = shop("completions-runs");
    for _ in 0..2 {
        project.run(&engines[0], &["build", "web"]).expect(0);
    }
    for line in [
        "dcb timeline ",
        "dcb history show ",
        "dcb history compare 1 ",
    ] {
        assert_eq!(offered(&project, line), ["2", "1"], "{line}");
    }
}

/// How often completing is measured.
const RUNS: u32 = 20;

/// What completing [`RUNS`] times takes of a processor, which on a busy machine is less than it takes
/// of the day.
fn processor_time(project: &Project) -> Duration {
    let many = format!(
        r#"i=0; while [ $i -lt {RUNS} ]; do "$0" -- dcb build '' >/dev/null; i=$((i + 1)); done; times"#
    );
    let dcb = project.dcb();
    let mut shell = std::process::Command::new("/bin/sh");
    shell
        .args(["-c", &many, env!("CARGO_BIN_EXE_dcb")])
        .current_dir(project.path())
        .env_clear()
        .envs(
            dcb.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("DCB_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", "2");
    let times = project.ran(&mut shell).expect(0).stdout;
    // The second line is that of what the shell has started: `0m0.012s 0m0.034s`.
    let line = times.lines().nth(1).expect("two lines");
    let seconds = line.split_whitespace().map(|time| {
        let (minutes, seconds) = time.trim_end_matches('s').split_once('m').expect("minutes");
        let (minutes, seconds): (f64, f64) = (
            minutes.parse().expect("a number"),
            seconds.parse().expect("a number"),
        );
        60.0 * minutes + seconds
    });
    Duration::from_secs_f64(seconds.sum())
}

#[test]
fn completing_is_quick_asks_no_engine_writes_nothing_and_never_complains() {
    let project = shop("completions-quiet");
    let socket = project.home().join("docker.sock");
    let engine = UnixListener::bind(&socket).expect("a socket");
    engine.set_nonblocking(true).expect("set");
    let ask = |words: &[&str]| {
        let mut command = project.dcb();
        command
            .env("DOCKER_HOST", format!("unix://{}", socket.display()))
            .env("DCB_COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
            .arg("--")
            .args(words);
        let ran = project.ran(&mut command).expect(0);
        assert_eq!(ran.stderr, "", "{words:?}");
        ran
    };
    let each = processor_time(&project) / RUNS;
    assert!(each < Duration::from_millis(30), "{each:?}");
    ask(&["dcb", "build", "--builder", ""]);
    ask(&["dcb", "-f", "-", "build", ""]);
    ask(&["dcb", "--nonsense", "build", "=", "\u{7}", ""]);
    ask(&["dcb"]);
    assert_eq!(
        ask(&["dcb", "-f", "missing.yaml", "build", ""])
            .stdout
            .find("web"),
        None
    );
    project.write("compose.yaml", "services: [broken\n");
    std::fs::create_dir(project.home().join(".docker")).expect("made");
    std::fs::write(project.home().join(".docker/config.json"), "{").expect("written");
    ask(&["dcb", "build", ""]);
    ask(&["dcb", "build", "--builder", ""]);

    assert!(engine.accept().is_err(), "an engine was asked");
    let mut left: Vec<_> = std::fs::read_dir(project.home())
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    left.sort();
    assert_eq!(left, [".docker", "docker.sock"]);
}
