//! Checks of Dockerfiles: of those that will be built, in the stages that they need.

use std::collections::HashMap;

use super::compose::{REFUSED, is_in_dockerfile, refused};
use super::{Check, Finding, Found, Lint, Read, Seen, installs};
use crate::diagnostic::{Severity, Span};
use crate::docker::ApiVersion;
use crate::dockerfile::{Instruction, Stage};
use crate::failure::Class;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "DKF-01",
        title: "the Dockerfiles are there and not empty",
        worst: Severity::Error,
        early: false,
        about: "Each service that builds names a Dockerfile, `Dockerfile` in its context by default. One with Windows line ends builds, but the lines of its here-documents end with a carriage return, over which shells stumble.",
        mend: "Correct `dockerfile:`; a file nearby that was probably meant is named. `sed -i 's/\\r$//' FILE` mends line ends.",
        find: there,
    },
    Check {
        id: "DKF-02",
        title: "the classic builder can build these Dockerfiles",
        worst: Severity::Error,
        early: false,
        about: "Where there is no BuildKit. The classic builder refuses some of what BuildKit knows and drops some without a word, here-documents above all; dcb then refuses to build.",
        mend: "Build with an engine that has BuildKit, or write a traditional form beside it: `Dockerfile.test`.",
        find: classic,
    },
    Check {
        id: "DKF-03",
        title: "the frontend knows all that the Dockerfiles use",
        worst: Severity::Error,
        early: false,
        about: "What a Dockerfile may use depends on the frontend inside the engine: here-documents came with 23.0, `--exclude` and `--parents` later.",
        mend: "`# syntax=docker/dockerfile:1` as the first line fetches the newest frontend; or upgrade the engine.",
        find: frontend,
    },
    Check {
        id: "DKF-04",
        title: "no argument pretends to prove BuildKit",
        worst: Severity::Note,
        early: false,
        about: "`ARG DOCKER_BUILDKIT=1` in a Dockerfile proves nothing: the classic builder prints 1 as well.",
        mend: "Take it out. A `RUN --mount` is a proof: no other builder takes it.",
        find: fake_proof,
    },
    Check {
        id: "DKF-05",
        title: "what is made in a cache mount is copied out of it",
        worst: Severity::Warning,
        early: true,
        about: "A cache mount is not part of the image: what a `RUN` leaves there is gone for `COPY --from`, which ends with `not found`.",
        mend: "Copy it to another place in the same `RUN`: `&& cp /app/target/release/app /usr/local/bin/`, and take it from there.",
        find: left_in_mount,
    },
    Check {
        id: "DKF-06",
        title: "the frontend's own checks find nothing",
        worst: Severity::Error,
        early: false,
        about: "With `--deep` only: the engine's Dockerfile frontend looks at each Dockerfile as it would be built, as `dcb build --check` has it do. Nothing is built; base images are looked up. Engines before 27.0 have no such checks.",
        mend: "`dcb build --check` shows each finding with its lines and where it is explained; `# check=skip=RULE` in the first line of a Dockerfile leaves one out.",
        find: frontend_checks,
    },
    Check {
        id: "DKF-07",
        title: "cache mounts belong to the user who fills them",
        worst: Severity::Warning,
        early: true,
        about: "A cache mount belongs to root unless it says otherwise, whatever `mode=` says. After `USER` a program cannot write into it; pip, for one, then goes on without a cache.",
        mend: "`RUN --mount=type=cache,target=…,uid=1000,gid=1000`, with the numbers of that user.",
        find: owner,
    },
    Check {
        id: "DKF-08",
        title: "what package managers download is kept",
        worst: Severity::Note,
        early: false,
        about: "A `RUN` with pip, npm, cargo, go and the like downloads everything anew whenever it is not taken from the cache, unless a cache mount keeps what was downloaded.",
        mend: "`RUN --mount=type=cache,target=/root/.cache/pip pip install …`; `/root/.npm` for npm, `/usr/local/cargo/registry` for cargo, `/go/pkg/mod` for go.",
        find: installs::downloads,
    },
];

fn there(seen: &Seen<'_>) -> Found {
    let mut found: Vec<Finding> = seen
        .missing
        .iter()
        .filter(|(class, _)| *class == Class::DockerfileMissing)
        .map(|(_, diagnostic)| Finding::diagnostic(diagnostic).so(REFUSED))
        .collect();
    for read in seen.chosen()? {
        let Read {
            source,
            dockerfile,
            service,
            ..
        } = read;
        let name = &source.name;
        if dockerfile.instructions.is_empty() {
            found.push(
                Finding::error(format!("`{name}` is empty"))
                    .so(format!("`{service}` cannot be built"))
                    .mend("write at least `FROM`"),
            );
        }
        let heredoc = dockerfile
            .instructions
            .iter()
            .find(|instruction| instruction.heredoc);
        if let (Some(heredoc), true) = (heredoc, source.text.contains("\r\n")) {
            found.push(
                Finding::warning(format!(
                    "`{name}` has Windows line ends and a here-document"
                ))
                .so("each line of it ends with a carriage return, over which shells stumble")
                .mend(format!("sed -i 's/\\r$//' {name}"))
                .at(place(read, heredoc)),
            );
        }
    }
    Ok(found)
}

fn place(read: &Read, instruction: &Instruction) -> Span {
    Span::lines(&read.source, instruction.first_line, instruction.last_line)
}

/// Whether the engine has no BuildKit.
fn is_classic(seen: &Seen<'_>) -> bool {
    let by_machine = seen.machine.and_then(|machine| machine.buildkit.as_ref());
    matches!(
        by_machine,
        Some(crate::docker::detect::BuildKit::None { .. })
    )
}

/// What the plan refuses of Dockerfiles.
fn refused_in_dockerfiles(seen: &Seen<'_>) -> Found {
    seen.project()?;
    let refused = refused(seen).into_iter();
    Ok(refused
        .filter(|diagnostic| is_in_dockerfile(seen, diagnostic))
        .map(|diagnostic| Finding::diagnostic(diagnostic).so(REFUSED))
        .collect())
}

fn classic(seen: &Seen<'_>) -> Found {
    if is_classic(seen) {
        return refused_in_dockerfiles(seen);
    }
    let ways = &seen.outlook()?.ways;
    if ways.iter().any(|way| way.classic) {
        return Ok(Vec::new());
    }
    Err("nothing is built by the classic builder".into())
}

fn frontend(seen: &Seen<'_>) -> Found {
    if is_classic(seen) {
        return Err("there is no BuildKit (DKF-02)".into());
    }
    refused_in_dockerfiles(seen)
}

fn frontend_checks(seen: &Seen<'_>) -> Found {
    seen.project()?;
    if seen.facts()?.engine.api < ApiVersion::V27_0 {
        return Err("the frontend of engines before 27.0 has no checks".into());
    }
    let Some(lints) = seen.lints else {
        return Err("frontends are not asked without --deep".into());
    };
    let mut found: Vec<Finding> = Vec::new();
    for Lint { service, findings } in lints {
        let advised = findings.found.iter().map(|advice| {
            let finding = Finding::warning(format!("{}: {}", advice.rule, advice.message));
            let url = advice
                .url
                .iter()
                .map(|url| format!("it is explained at {url}"));
            let finding = url.fold(finding, Finding::mend);
            match &advice.at {
                Some(place) => finding.at(place.clone()),
                None => finding,
            }
        });
        // That an image cannot be had is told by others.
        let broken = findings.failure.iter();
        let broken = broken.filter(|failure| failure.class == Class::DockerfileSyntax);
        let broken = broken.map(|failure| {
            let consequence = format!("`{service}` cannot be built");
            match failure.diagnostics.first() {
                Some(diagnostic) => Finding::diagnostic(diagnostic).so(consequence),
                None => Finding::failure(failure).so(consequence),
            }
        });
        for finding in advised.chain(broken) {
            if !found.contains(&finding) {
                found.push(finding);
            }
        }
    }
    Ok(found)
}

fn fake_proof(seen: &Seen<'_>) -> Found {
    let proofs = seen.chosen()?.flat_map(|read| {
        let instructions = read.dockerfile.instructions.iter();
        let fake = |it: &&Instruction| {
            it.keyword == "ARG"
                && it
                    .words()
                    .any(|word| word.split('=').next() == Some("DOCKER_BUILDKIT"))
        };
        instructions.filter(fake).map(move |it| {
            Finding::note("`ARG DOCKER_BUILDKIT` proves nothing")
                .so("the classic builder prints the same")
                .mend("take it out")
                .at(place(read, it))
        })
    });
    Ok(proofs.collect())
}

/// A cache mount of a `RUN`.
struct Mount<'a> {
    target: &'a str,
    owned: bool,
}

/// The cache mounts of an instruction whose target is written out.
fn cache_mounts(instruction: &Instruction) -> impl Iterator<Item = Mount<'_>> {
    let mounts = instruction
        .flags("mount")
        .filter(|_| instruction.keyword == "RUN");
    mounts.filter_map(|mount| {
        let field = |names: &[&str]| {
            mount.split(',').find_map(|field| {
                let (name, value) = field.split_once('=')?;
                names.contains(&name).then_some(value)
            })
        };
        let target = field(&["target", "dst", "destination"])?;
        let plain = target.starts_with('/') && !target.contains('$');
        (field(&["type"]) == Some("cache") && plain).then(|| Mount {
            target: target.trim_end_matches('/'),
            owned: field(&["uid"]).is_some(),
        })
    })
}

/// Whether an instruction keeps something in a cache mount.
pub(super) fn mounts_cache(instruction: &Instruction) -> bool {
    cache_mounts(instruction).next().is_some()
}

/// Whether `path` is `directory` or below it.
fn is_within(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Where `COPY` and `ADD` put things, and `WORKDIR` goes.
fn written(instruction: &Instruction) -> Option<&str> {
    match instruction.keyword.as_str() {
        "COPY" | "ADD" | "WORKDIR" => instruction.words().last(),
        _ => None,
    }
}

/// Whether something under `target` may be in the image of `stage` all the same: it was copied there, or
/// a `RUN` without the mount speaks of it.
fn may_be_in_image(stage: &Stage<'_>, target: &str) -> bool {
    stage.instructions.iter().any(|instruction| {
        let to = written(instruction).map(|to| to.trim_end_matches('/'));
        let copied = to.is_some_and(|to| {
            instruction.keyword != "WORKDIR"
                && (is_within(to, target) || is_within(target, to) || !to.starts_with('/'))
        });
        let mounted = cache_mounts(instruction).any(|mount| is_within(target, mount.target));
        let spoken_of = instruction.keyword == "RUN"
            && !mounted
            && instruction.arguments.contains(last(target));
        copied || spoken_of
    })
}

/// The last element of a path.
fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn left_in_mount(seen: &Seen<'_>) -> Found {
    let mut found = Vec::new();
    for read in seen.chosen()? {
        let stages = read.dockerfile.stages();
        for (_, reader) in read.needed_stages() {
            for copy in reader.instructions.iter().filter(|it| it.keyword == "COPY") {
                let from = copy.flags("from").next().map(str::to_lowercase);
                let is_it = |stage: &&Stage<'_>| from.is_some() && stage.name == from;
                let Some(stage) = stages.iter().find(is_it) else {
                    continue;
                };
                // What the stage begins with may have it: only of an image of others is that unlikely.
                if stages
                    .iter()
                    .any(|other| other.name.as_deref() == Some(&stage.base.to_lowercase()))
                {
                    continue;
                }
                let words: Vec<&str> = copy.words().collect();
                let sources = words
                    .split_last()
                    .map(|(_, sources)| sources)
                    .unwrap_or_default();
                let lost = sources.iter().find_map(|source| {
                    let mut mounts = stage.instructions.iter().flat_map(cache_mounts);
                    let mount = mounts
                        .find(|mount| is_within(source.trim_end_matches('/'), mount.target))?;
                    (!may_be_in_image(stage, mount.target)).then_some((*source, mount.target))
                });
                if let Some((source, target)) = lost {
                    found.push(
                        Finding::warning(format!("`{source}` is below the cache mount `{target}`, which is not part of the image"))
                            .so(format!("`{}` will fail: `{source}` is not found", read.service))
                            .mend(format!("copy it to another place in the RUN that makes it: && cp {source} /usr/local/bin/"))
                            .at(place(read, copy)),
                    );
                }
            }
        }
    }
    Ok(found)
}

/// Who runs what comes at the end of a stage, as far as the file says; root where it does not.
fn is_root(user: &str) -> bool {
    let name = user.split(':').next().unwrap_or(user);
    matches!(name, "" | "root" | "0") || user.contains('$')
}

fn owner(seen: &Seen<'_>) -> Found {
    let mut found = Vec::new();
    for read in seen.chosen()? {
        let mut users: HashMap<String, String> = HashMap::new();
        let needed = read.needed_stages().into_iter();
        let needed: Vec<usize> = needed.map(|(number, _)| number).collect();
        for (number, stage) in read.dockerfile.stages().into_iter().enumerate() {
            let mut user = users
                .get(&stage.base.to_lowercase())
                .cloned()
                .unwrap_or_default();
            for instruction in stage.instructions {
                if instruction.keyword == "USER" {
                    user.clone_from(&instruction.arguments);
                }
                let foreign = |mount: &Mount<'_>| !mount.owned && !is_root(&user);
                let sudo = instruction.arguments.contains("sudo ");
                let mount = cache_mounts(instruction).find(foreign);
                if let Some(mount) = mount.filter(|_| !sudo && needed.contains(&number)) {
                    found.push(
                        Finding::warning(format!(
                            "the cache mount `{}` belongs to root, and `{user}` is to fill it",
                            mount.target
                        ))
                        .so(format!(
                            "`{}` is built without that cache, or fails: permission denied",
                            read.service
                        ))
                        .mend("add the user's numbers to the mount: uid=1000,gid=1000")
                        .at(place(read, instruction)),
                    );
                }
            }
            if let Some(name) = stage.name {
                users.insert(name, user);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostic;
    use crate::docker::buildkit::{Finding as Advice, Findings};
    use crate::docker::detect::BuildKit;
    use crate::doctor::testing::Case;
    use crate::failure::Failure;

    fn with(dockerfile: &str) -> Case {
        let mut case = Case::default();
        case.project("services: { web: { build: . } }");
        case.dockerfile("web", dockerfile);
        case
    }

    fn finds(id: &str, dockerfile: &str) -> usize {
        with(dockerfile).finds(id).len()
    }

    #[test]
    fn a_dockerfile_must_be_there_and_say_something() {
        assert_eq!(finds("DKF-01", "FROM a\r\nRUN x\r\n"), 0);
        assert_eq!(finds("DKF-01", "# nothing\n"), 1);
        assert_eq!(finds("DKF-01", "FROM a\r\nRUN <<EOF\r\nx\r\nEOF\r\n"), 1);
        let mut case = with("FROM a\n");
        case.missing = vec![(Class::DockerfileMissing, Diagnostic::error("no such file"))];
        assert_eq!(case.only("DKF-01").severity, Severity::Error);
    }

    #[test]
    fn what_the_plan_refuses_of_a_dockerfile_belongs_to_the_builder_that_there_is() {
        let mut case = with("FROM a\nRUN <<EOF\nx\nEOF\n");
        let source = std::sync::Arc::clone(&case.dockerfiles[0].source);
        let refused = Diagnostic::error("uses a here-document").at(Span::lines(&source, 2, 2), "");
        let failure = Failure::found(Class::Unsupported, "cannot be built here", vec![refused]);
        case.outlook = Some(Err(failure));
        case.engine("20.10.24", (1, 41), false);
        assert_eq!(case.only("DKF-03").place.expect("a place").start.line, 2);
        assert!(case.finds("CMP-09").is_empty(), "told once");
        case.machine().buildkit = Some(BuildKit::None {
            status: Some(404),
            reason: String::new(),
        });
        assert_eq!(case.only("DKF-02").severity, Severity::Error);
        assert!(case.skips("DKF-03").contains("DKF-02"));
    }

    #[test]
    fn an_argument_is_no_proof() {
        assert_eq!(finds("DKF-04", "FROM a\nARG DOCKER_BUILDKIT=1\n"), 1);
        assert_eq!(
            finds(
                "DKF-04",
                "FROM a\nARG VERSION=1\nRUN echo DOCKER_BUILDKIT\n"
            ),
            0
        );
    }

    #[test]
    fn what_the_frontend_finds_is_told_once_with_where_it_is_explained() {
        let mut case = with("FROM a as b\n");
        case.engine("26.1.5", (1, 45), false);
        assert!(case.skips("DKF-06").contains("27.0"));
        case.engine("28.5.2", (1, 51), false);
        assert!(case.skips("DKF-06").contains("--deep"));
        let lint = |found: Vec<Advice>, failure: Option<Failure>| Lint {
            service: "web".into(),
            findings: Findings { found, failure },
        };
        case.lints = Some(vec![lint(Vec::new(), None)]);
        assert!(case.finds("DKF-06").is_empty());
        let advice = || Advice {
            rule: "FromAsCasing".into(),
            message: "casing does not match".into(),
            url: Some("https://example.com/from-as".into()),
            at: Some(Span::lines(&case.dockerfiles[0].source, 1, 1)),
        };
        let twice = vec![lint(vec![advice()], None), lint(vec![advice()], None)];
        case.lints = Some(twice);
        let found = case.only("DKF-06");
        assert_eq!(found.severity, Severity::Warning);
        assert_eq!(found.evidence, "FromAsCasing: casing does not match");
        assert_eq!(found.place.expect("a place").start.line, 1);
        for (class, told) in [(Class::DockerfileSyntax, 1), (Class::ImageMissing, 0)] {
            case.lints = Some(vec![lint(Vec::new(), Some(Failure::new(class, "wrong")))]);
            assert_eq!(case.finds("DKF-06").len(), told, "{class:?}");
        }
    }

    #[test]
    fn what_is_left_in_a_cache_mount_is_found() {
        let build = "FROM rust AS build\nCOPY . /src\nRUN --mount=type=cache,target=/app/target cargo build";
        assert_eq!(
            finds(
                "DKF-05",
                &format!("{build}\nFROM a\nCOPY --from=build /app/target/release/x /x\n")
            ),
            1
        );
        for fine in [
            format!("{build} && cp /app/target/release/x /x\nFROM a\nCOPY --from=build /x /x\n"),
            // It may have been there before.
            format!("{build}\nRUN make /app/target/y\nFROM a\nCOPY --from=build /app/target/y /y\n"),
            "FROM rust AS build\nCOPY target /app/target\nRUN --mount=type=cache,target=/app/target x\nFROM a\nCOPY --from=build /app/target/y /y\n".to_owned(),
            "FROM a AS base\nFROM base AS build\nRUN --mount=type=cache,target=/c x\nFROM a\nCOPY --from=build /c/y /y\n".to_owned(),
            "FROM a AS build\nRUN --mount=type=cache,target=/cache x\nFROM a\nCOPY --from=build /cached /y\n".to_owned(),
            // A stage that nobody asks for.
            format!("{build}\nFROM a AS other\nCOPY --from=build /app/target/x /x\nFROM a\n"),
        ] {
            assert_eq!(finds("DKF-05", &fine), 0, "{fine}");
        }
    }

    #[test]
    fn a_cache_mount_of_another_user_is_found() {
        for (dockerfile, count) in [
            (
                "FROM a\nUSER app\nRUN --mount=type=cache,target=/c pip install x\n",
                1,
            ),
            (
                "FROM a\nUSER 1000:1000\nRUN --mount=type=cache,target=/c,mode=0777 x\n",
                1,
            ),
            (
                "FROM a AS base\nUSER app\nFROM base\nRUN --mount=type=cache,target=/c x\n",
                1,
            ),
            (
                "FROM a\nUSER app\nRUN --mount=type=cache,target=/c,uid=1000 x\n",
                0,
            ),
            ("FROM a\nRUN --mount=type=cache,target=/c x\nUSER app\n", 0),
            (
                "FROM a\nUSER app\nUSER root\nRUN --mount=type=cache,target=/c x\n",
                0,
            ),
            (
                "FROM a\nUSER $USER\nRUN --mount=type=cache,target=/c x\n",
                0,
            ),
            (
                "FROM a\nUSER app\nRUN --mount=type=cache,target=/c sudo apt-get install x\n",
                0,
            ),
            ("FROM a\nUSER app\nRUN --mount=type=bind,target=/c x\n", 0),
        ] {
            assert_eq!(finds("DKF-07", dockerfile), count, "{dockerfile}");
        }
    }
}
