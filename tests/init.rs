//! `dcb init`: what teams have around Compose becomes dcb's, and nothing else is touched.

mod support;
#[path = "support/validate.rs"]
mod validate;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use support::{Project, Ran, engines, on_engines};

const COMPOSE: &str = "services: { web: { build: . } }\n";

fn project(name: &str) -> Project {
    Project::new(name)
        .file("compose.yaml", COMPOSE)
        .file(
            "Dockerfile",
            "FROM busybox\nCOPY page /page\nCMD [\"sleep\", \"60\"]\n",
        )
        .file("page", "hello")
}

fn read(project: &Project, name: &str) -> String {
    std::fs::read_to_string(project.path().join(name))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn mode(project: &Project, name: &str) -> u32 {
    let path = project.path().join(name);
    path.metadata().expect("a file").permissions().mode() & 0o777
}

fn names(project: &Project) -> Vec<String> {
    let entries = project.path().read_dir().expect("a directory").flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// `name` with this text of a script, and what is said to it.
fn proposal(name: &str, text: &str) -> Ran {
    let project = project("init").file(name, text);
    project.run_alone(&["init", "--dry-run", name]).expect(0)
}

/// What shells and their critics say.
#[track_caller]
fn is_sound_shell(project: &Project) {
    for (program, arguments) in [("dash", vec!["-n"]), ("shellcheck", vec!["--shell=sh"])] {
        let judged = Command::new(program)
            .args(&arguments)
            .arg(project.path().join("build.sh"))
            .output();
        match judged {
            Ok(output) => assert!(
                output.status.success(),
                "{program}: {}",
                String::from_utf8_lossy(&output.stdout)
            ),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{program}"),
        }
    }
}

#[test]
fn nothing_is_written_unless_somebody_agrees_and_a_second_run_has_nothing_to_do() {
    let project = project("init");
    let before = names(&project);

    let parts = ["build.sh", "build.ps1", "makefile"];
    let line = ["init"].iter().chain(&parts).copied();
    let line: Vec<&str> = line.collect();
    let shown = project.run_alone(&line).expect(2).telling(&[
        "+exec dcb up \"$@\"",
        "nothing was written: there is no terminal on which to ask",
        "to write all of it: dcb init build.sh build.ps1 makefile --yes",
    ]);
    let dry = project.run_alone(&[&line[..], &["--dry-run"]].concat());
    assert_eq!(dry.expect(0).stdout, shown.stdout);
    assert_eq!(names(&project), before);

    project
        .run_alone(&[&line[..], &["--yes"]].concat())
        .expect(0);
    assert_eq!(mode(&project, "build.sh") & 0o111, 0o111);
    assert_eq!(mode(&project, "Makefile") & 0o111, 0);
    is_sound_shell(&project);
    validate::parses("powershell", &read(&project, "build.ps1"));
    assert_eq!(read(&project, "compose.yaml"), COMPOSE);

    project.write("build.sh", "docker compose up --build\n");
    for (answer, written) in [("n", "docker compose up --build\n"), ("y", "#!/bin/sh\n")] {
        // On a terminal somebody is asked.
        let mut asked = project.dcb();
        let dcb = asked.get_program().to_owned();
        asked.env("DCB", dcb).env("ANSWER", answer);
        let mut terminal = Command::new("sh");
        let line = r#"echo "$ANSWER" | script --quiet --command '"$DCB" init build.sh' /dev/null"#;
        terminal
            .args(["-c", line])
            .current_dir(project.path())
            .env_clear();
        terminal.envs(
            asked
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        project
            .ran(&mut terminal)
            .expect(0)
            .telling(&["write build.sh? [y/N]"]);
        assert!(read(&project, "build.sh").starts_with(written), "{answer}");
    }

    let after = names(&project);
    project
        .run_alone(&["init"])
        .expect(0)
        .telling(&["there is nothing to do"]);
    assert_eq!(names(&project), after, "no copies of what did not change");
}

#[test]
fn what_nobody_types_is_made_only_when_it_is_named() {
    let project = project("init");
    let before = names(&project);
    let ran = project.run_alone(&["--profile", "a b", "init", "--yes"]);
    assert_eq!(
        ran.expect(0).stdout,
        "dcb builds this project as it is: the compose file needs no `x-dcb`\n\
         no script or Makefile is needed: type `dcb --profile 'a b' up --detached`\n\
         for those who are used to some: dcb --profile 'a b' init build.sh build.ps1 makefile\n"
    );
    assert_eq!(names(&project), before);

    // Each by itself: one script does not call for another.
    for (file, text) in [
        ("build.sh", "docker compose up --build\n"),
        ("build.ps1", "docker compose up --build\n"),
        ("Makefile", "start:\n\tdocker compose up --build -d\n"),
        (
            "package.json",
            "{\"scripts\": {\"up\": \"docker compose up --build\"}}\n",
        ),
    ] {
        let project = self::project("init").file(file, text);
        project.run_alone(&["init", "--yes"]).expect(0);
        let backup = format!("{file}.bak");
        let mut expected = before.clone();
        expected.extend([file.to_owned(), backup]);
        expected.sort();
        assert_eq!(names(&project), expected);
        project
            .run_alone(&["init", "--yes"])
            .expect(0)
            .telling(&[if file == "package.json" {
                "no script or Makefile is needed"
            } else {
                "there is nothing to do"
            }]);
    }
}

/// What the guides of several teams have, in one repository.
fn with_scripts(project: Project) -> Project {
    project
        .file("build.sh", BUILD_SH)
        .file("build.sh.bak", "of yesterday\n")
        .file("build.ps1", &BUILD_PS1.replace('\n', "\r\n"))
        .file("Makefile", MAKEFILE)
        .file("package.json", PACKAGE_JSON)
        .file("pyproject.toml", PYPROJECT)
}

const BUILD_SH: &str = r#"#!/bin/bash
# Builds with BuildKit.
set -euo pipefail
SCRIPT_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cd "$SCRIPT_DIR"
export DOCKER_BUILDKIT=1
export COMPOSE_DOCKER_CLI_BUILD=1

usage() {
  cat <<'EOF'
Usage: ./build.sh [--no-cache] [--pull] [--detached]
  rm -rf / is only a text here
EOF
}

if docker compose version >/dev/null 2>&1; then
  COMPOSE="docker compose"
else
  COMPOSE="docker-compose"
fi
BUILD_FLAGS=""
DETACH=""
while [[ $# -gt 0 ]]; do
  case "$1" in
    -n|--no-cache) BUILD_FLAGS="$BUILD_FLAGS --no-cache"; shift ;;
    --pull)
      BUILD_FLAGS="$BUILD_FLAGS --pull"
      shift
      ;;
    -d|--detached) DETACH="-d"; shift ;;
    -h|--help) usage; exit 0 ;;
    *) echo "Unknown option: $1" >&2; exit 1 ;;
  esac
done
echo "Building ..."
$COMPOSE build --parallel $BUILD_FLAGS
$COMPOSE up $DETACH
echo "Done: http://localhost:8080"
"#;

const BUILD_PS1: &str = r#"<#
.SYNOPSIS
Builds with BuildKit.
#>
param(
    [switch]$NoCache,
    [switch]$Pull,
    [switch]$Detached
)
$ErrorActionPreference = "Stop"
$env:DOCKER_BUILDKIT = "1"
$env:COMPOSE_DOCKER_CLI_BUILD = "1"
Set-Location $PSScriptRoot

$buildArgs = @()
if ($NoCache) { $buildArgs += "--no-cache" }
if ($Pull) {
    $buildArgs += "--pull"
}
Write-Host "Building ..." -ForegroundColor Cyan
docker-compose build @buildArgs
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
if ($Detached) {
    docker-compose up -d
} else {
    docker-compose up
}
"#;

const MAKEFILE: &str = "\
COMPOSE := docker compose -f compose.yaml
export DOCKER_BUILDKIT := 1

.PHONY: test build clean

test: build ## the tests
	go test ./...

build:
	@echo building
	@DOCKER_BUILDKIT=1 docker compose build --parallel $(SERVICES)

start:
	$(COMPOSE) up --build -d && ./wait.sh

clean:
	docker compose down -v
	docker system prune -f
";

const PACKAGE_JSON: &str = r#"{
  "name": "shop", "docker compose build": "no script",
  "scripts": {
    "test": "jest",
    "docker": "COMPOSE_DOCKER_CLI_BUILD=1 DOCKER_BUILDKIT=1 docker compose build && npm test",
    "start": "docker-compose -f compose.yaml up -d"
  }
}
"#;

const PYPROJECT: &str = r#"[project]
name = "shop" # docker compose build

[tool.pdm.scripts]
# docker compose build stays in a comment
dev-fresh = { shell = "COMPOSE_DOCKER_CLI_BUILD=1 DOCKER_BUILDKIT=1 docker compose build --no-cache --parallel" }
slow = { shell = "DOCKER_BUILDKIT=0 docker compose build" }
limited = { shell = "docker compose build --memory 1g" }
lint = "ruff check"

[tool.other]
x = "docker compose build"
"#;

#[test]
fn what_is_understood_is_replaced_and_what_was_there_is_kept() {
    let project = with_scripts(project("init"));
    let sh = project.path().join("build.sh");
    std::fs::set_permissions(&sh, PermissionsExt::from_mode(0o750)).expect("a mode");
    project.run_alone(&["init", "--yes"]).expect(0);

    let shim = read(&project, "build.sh");
    assert!(shim.ends_with("exec dcb up \"$@\"\n"), "{shim}");
    assert!(shim.contains("    -n) word=--no-cache ;;\n"), "{shim}");
    is_sound_shell(&project);
    assert_eq!(read(&project, "build.sh.bak"), "of yesterday\n");
    assert_eq!(read(&project, "build.sh.bak.1"), BUILD_SH);
    assert_eq!(
        (mode(&project, "build.sh"), mode(&project, "build.sh.bak.1")),
        (0o750, 0o750)
    );

    let shim = read(&project, "build.ps1");
    assert!(shim.contains("& dcb up @flags\r\n"), "{shim}");
    assert_eq!(shim.matches('\n').count(), shim.matches("\r\n").count());
    assert_eq!(
        read(&project, "build.ps1.bak").replace("\r\n", "\n"),
        BUILD_PS1
    );

    let makefile = read(&project, "Makefile");
    let expected = MAKEFILE
        .replace("@DOCKER_BUILDKIT=1 docker compose build", "@dcb build")
        .replace("$(COMPOSE) up", "dcb -f compose.yaml up");
    let (own, block) = makefile.split_once("\n# --- dcb").expect("a block");
    assert_eq!(own, expected);
    assert!(block.contains(".PHONY: help dev build-fresh\n"), "{block}");

    let replaced = PACKAGE_JSON
        .replace(
            "COMPOSE_DOCKER_CLI_BUILD=1 DOCKER_BUILDKIT=1 docker compose",
            "dcb",
        )
        .replace("docker-compose -f", "dcb -f");
    assert_eq!(read(&project, "package.json"), replaced);
    let replaced = PYPROJECT
        .replace(
            "COMPOSE_DOCKER_CLI_BUILD=1 DOCKER_BUILDKIT=1 docker compose",
            "dcb",
        )
        .replace("DOCKER_BUILDKIT=0 docker compose", "DOCKER_BUILDKIT=0 dcb");
    assert_eq!(read(&project, "pyproject.toml"), replaced);
    assert_eq!(read(&project, "package.json.bak"), PACKAGE_JSON);

    project
        .run_alone(&["init", "--yes"])
        .expect(0)
        .telling(&["there is nothing to do"]);
}

/// Lines behind `docker compose build` in a script of three lines, and what is said of them.
const BEYOND_IN_A_SHELL: &[(&str, &str)] = &[
    (
        "aws ecr get-login-password | docker login --password-stdin r.example.org",
        "line 4: `aws ecr",
    ),
    (
        "docker compose exec db migrate",
        "line 4: `docker compose exec db migrate`",
    ),
    (
        "docker system prune -af",
        "line 4: `docker system prune -af`",
    ),
    (
        "export TAG=7",
        "line 4: `TAG`, which it sets for what it runs",
    ),
    (
        "docker compose build --memory 1g",
        "line 4: `docker compose build --memory 1g`",
    ),
    ("docker compose up web", "line 4: `docker compose up web`"),
    (
        "docker compose up | tee log",
        "line 4: `docker compose up | tee log`",
    ),
    (
        "case $1 in\n--seed) X=1 ;;\nesac",
        "line 5: `--seed`, a flag that dcb does not have",
    ),
    (
        "case $1 in --fast) ./fast;; esac",
        "line 4: `case $1 in --fast) ./fast;; esac`",
    ),
    (
        "if [ -n \"$CI\" ]; then\n  docker compose build --no-cache\nfi",
        "`--no-cache`, given under a condition",
    ),
    (
        "FLAGS=\"--build-arg A=1\"\ndocker compose build $FLAGS",
        "`--build-arg` in `$FLAGS`",
    ),
    ("echo \"$(./deploy)\"", "line 4: `echo"),
    ("cat <<END\n$(./deploy)\nEND", "line 5: `$(./deploy)`"),
    ("cat > x.yaml <<'END'\na: 1\nEND", "line 4: `cat > x.yaml"),
    (
        "if [ $? -ne 0 ]; then export DOCKER_BUILDKIT=0; fi",
        "line 4: `DOCKER_BUILDKIT`, which it sets",
    ),
    ("cd \"$(dirname \"$0\")\" && ./deploy", "line 4: `cd"),
    ("echo \"a\nb\" && ./deploy", "line 4: `echo"),
    (
        "docker compose build || docker compose build --no-cache",
        "line 4: `docker compose build ||",
    ),
    (
        "for s in web db; do docker compose build $s; done",
        "line 4: `for s in web db",
    ),
    (
        "SERVICE=${1:-web}\ndocker compose build $SERVICE",
        "`${1:-web}` in `$SERVICE`",
    ),
    ("[ -z \"$RUN\" ] || docker compose up", "line 4: `[ -z"),
    (
        "if [ -n \"$RUN\" ]; then docker compose up -d; fi",
        "run under a condition of its own",
    ),
    (
        "cd \"$PROJECT_ROOT/deploy\"",
        "line 4: `cd \"$PROJECT_ROOT/deploy\"`",
    ),
    ("cd \"$(dirname \"$0\")/deploy\"", "line 4: `cd"),
    ("declare -x TAG=1", "line 4: `declare -x TAG=1`"),
    ("cd /srv && make all", "line 4: `cd /srv && make all`"),
    ("set -a; . ./.env", "line 4: `set -a; . ./.env`"),
    ("echo done > /etc/state", "line 4: `echo done > /etc/state`"),
];

/// The same for scripts of PowerShell.
const BEYOND_IN_POWERSHELL: &[(&str, &str)] = &[
    (
        "param([switch]$Seed)\ndocker-compose build",
        "`-Seed`, a parameter that dcb does not have",
    ),
    (
        "docker-compose build\nInvoke-WebRequest https://example.org",
        "line 2: `Invoke-WebRequest",
    ),
    ("docker-compose build\n$env:TAG = '7'", "line 2: `TAG`"),
    (
        "docker-compose build\nif ($x) { Remove-Item -Recurse out }",
        "line 2: `if ($x) { Remove-Item",
    ),
    (
        "docker-compose build\nWrite-Host (./deploy)",
        "line 2: `Write-Host (./deploy)`",
    ),
    (
        "docker-compose build\nif ($a -and (./deploy)) { exit 1 }",
        "line 2: `if ($a -and (./deploy))",
    ),
    ("docker-compose build\n$x.Delete()", "line 2: `$x.Delete()`"),
    (
        "docker-compose build\n[IO.File]::Delete('x')",
        "line 2: `[IO.File]::Delete('x')`",
    ),
    (
        "docker-compose build\nSet-Location deploy",
        "line 2: `Set-Location deploy`",
    ),
    (
        "docker-compose build\n$x = ./deploy",
        "line 2: `$x = ./deploy`",
    ),
    ("docker-compose build\n./deploy", "line 2: `./deploy`"),
    (
        "docker-compose build\nwhile ($x) { docker-compose up }",
        "line 2: `while ($x)",
    ),
    (
        "docker-compose build --memory 1g",
        "line 1: `docker-compose build --memory 1g`",
    ),
    (
        "$a = $(./deploy.ps1)\ndocker-compose build",
        "line 1: `$a = $(./deploy.ps1)`",
    ),
];

#[test]
fn what_a_script_does_beyond_building_is_named_and_the_script_left_alone() {
    let sh = |line: &str| format!("#!/bin/bash\nset -e\ndocker compose build\n{line}\n");
    for (line, told) in BEYOND_IN_A_SHELL {
        let text = sh(line);
        let ran = proposal("build.sh", &text);
        ran.telling(&[
            "build.sh is left alone: it does what dcb cannot know",
            told,
            "`dcb init --force` replaces all of it",
            "there is nothing to do",
        ]);
    }
    proposal("build.sh", "#!/bin/sh\ncargo build\n")
        .telling(&["it runs no `docker compose build` and no `docker compose up`"]);

    for (line, told) in BEYOND_IN_POWERSHELL {
        proposal("build.ps1", line).telling(&["build.ps1 is left alone", told]);
    }

    let project = project("init").file("build.sh", &sh("./deploy"));
    project
        .run_alone(&["init", "--yes", "--force", "build.sh"])
        .expect(0);
    assert_eq!(read(&project, "build.sh.bak"), sh("./deploy"));
    // The script built and started nothing: so does the shim.
    assert!(read(&project, "build.sh").ends_with("exec dcb build \"$@\"\n"));
}

#[test]
fn a_section_is_proposed_only_for_what_dcb_cannot_find_out() {
    let compose = "\
name: shop # ours

# Everything that runs.
services:
  web:   # the page
    build: {context: ., dockerfile: web.fast.Dockerfile}
";
    let project = Project::new("init")
        .file("compose.yaml", compose)
        .file(
            "web.fast.Dockerfile",
            "FROM busybox\nRUN --mount=type=cache,target=/c true\n",
        )
        .file("web.slow.Dockerfile", "FROM busybox\nRUN true\n")
        .file(
            "build.sh",
            "#!/bin/sh\nexport DOCKER_BUILDKIT=0\ndocker-compose up --build -d\n",
        );
    project
        .run_alone(&["init", "--yes", "x-dcb", "build.sh"])
        .expect(0);

    let section = "\
x-dcb:
  # fast.Dockerfile is made for BuildKit, slow.Dockerfile for every builder.
  variants: { optimised: fast, traditional: slow }
  strategy: classic # as build.sh has it

";
    let expected = compose.replace("# Everything", &format!("{section}# Everything"));
    assert_eq!(read(&project, "compose.yaml"), expected);
    assert_eq!(read(&project, "compose.yaml.bak"), compose);
    let shim = read(&project, "build.sh");
    assert!(shim.contains("export DOCKER_BUILDKIT=0\n"), "{shim}");
    assert!(shim.ends_with("exec dcb up --detached \"$@\"\n"), "{shim}");
    is_sound_shell(&project);
    project.run_alone(&["config", "--quiet"]).expect(0);
    project
        .run_alone(&["init", "--dry-run", "x-dcb", "build.sh"])
        .expect(0)
        .telling(&["there is nothing to do"]);

    let braces = Project::new("init")
        .file("compose.yaml", "{services: {web: {build: .}}}\n")
        .file(
            "build.sh",
            "docker compose build\nexport BUILDX_BUILDER=ours\n",
        );
    braces
        .run_alone(&["init", "--dry-run"])
        .expect(0)
        .telling(&[
            "compose.yaml is left alone: it is not written line by line",
            "builder: ours # as build.sh has it",
            "add these lines by hand",
        ]);
}

#[test]
fn a_repository_without_a_project_or_with_a_broken_one_is_told_what_to_do() {
    let empty = Project::new("init");
    empty.run_alone(&["init", "--yes"]).expect(4).telling(&[
        "no configuration file provided",
        "run `dcb init` where the compose file is",
    ]);
    assert!(names(&empty).is_empty());

    let broken = Project::new("init").file("compose.yaml", "services:\n  web: {biuld: .}\n");
    broken
        .run_alone(&["init", "--yes"])
        .expect(2)
        .telling(&["compose.yaml:2", "mend that first"]);
    assert_eq!(names(&broken), ["compose.yaml"]);
}

#[test]
fn files_that_are_named_are_named_in_what_is_written_and_a_directory_below_finds_the_root() {
    let project = project("init").file("deploy/one.yaml", "services: { web: { build: .. } }\n");
    project
        .run_alone(&[
            "-f",
            "deploy/one.yaml",
            "--profile",
            "it's",
            "init",
            "--yes",
            "build.sh",
            "build.ps1",
            "makefile",
        ])
        .expect(0);
    let flags = r"dcb --file deploy/one.yaml --profile 'it'\''s'";
    assert!(read(&project, "build.sh").contains(&format!("{flags} up")));
    assert!(read(&project, "Makefile").contains(&format!("\t{flags} fresh\n")));
    assert!(read(&project, "build.ps1").contains("--profile 'it''s' up"));

    let below = self::project("init").file("web/x", "");
    let mut dcb = below.dcb();
    dcb.current_dir(below.path().join("web"));
    below.ran(dcb.args(["init", "--yes", "build.sh"])).expect(0);
    assert!(below.path().join("build.sh").exists());
}

#[test]
fn the_scripts_and_targets_build_and_start() {
    let engines: Vec<_> = engines().into_iter().take(1).collect();
    on_engines(&engines, "init-run", |engine, project| {
        project.write("compose.yaml", COMPOSE);
        project.write(
            "Dockerfile",
            "FROM busybox\nCOPY page /page\nCMD [\"sleep\", \"60\"]\n",
        );
        project.write("page", "hello");
        let parts = ["init", "--yes", "build.sh", "build.ps1", "makefile"];
        project.run(engine, &parts).expect(0);
        let bin = Path::new(env!("CARGO_BIN_EXE_dcb"))
            .parent()
            .expect("a directory");
        let run = |program: &str, arguments: &[&str], directory: &Path| {
            let mut command = project.other_on(engine, program);
            let path = format!(
                "{}:{}:/usr/local/bin:/usr/bin:/bin",
                bin.display(),
                engine.bin.display()
            );
            command
                .env("PATH", path)
                .current_dir(directory)
                .args(arguments);
            project.ran(&mut command)
        };
        let sh = project.path().join("build.sh");
        let sh = sh.to_str().expect("text");
        // From elsewhere, through a shell that is no bash.
        let up = run("dash", &[sh, "--no-cache", "--detached"], Path::new("/"));
        up.expect(0).telling(&["web", "1 service built"]);
        let running = engine.ask(&[
            "ps",
            "--quiet",
            "--filter",
            &format!("label=com.docker.compose.project={}", project.name()),
        ]);
        assert_eq!(running.lines().count(), 1);

        run("make", &["dev"], project.path()).expect(0);
        run("make", &["build-fresh"], project.path())
            .expect(0)
            .telling(&["1 service built"]);
        run("make", &["help"], project.path())
            .expect(0)
            .telling(&["make build-fresh"]);
        if let Ok(pwsh) = which::which("pwsh") {
            let pwsh = pwsh.to_str().expect("text").to_owned();
            run(
                &pwsh,
                &["-NoProfile", "-File", "build.ps1", "-Detached", "-NoCache"],
                project.path(),
            )
            .expect(0)
            .telling(&["1 service built"]);
        }

        let mut without = Command::new("sh");
        without.arg(sh).env_clear().env("PATH", "/usr/bin:/bin");
        project
            .ran(&mut without)
            .expect(127)
            .telling(&["cargo install --locked dcb"]);
    });
}
