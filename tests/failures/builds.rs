//! Builds that fail for what they are made of: told with file and line, never tried elsewhere.

use std::collections::BTreeMap;

use crate::support::told::assert_same;
use crate::support::{on_every_engine, serve};
use crate::{failing, simple, tells};

#[test]
fn a_step_that_fails_is_shown_in_the_dockerfile_with_the_end_of_its_log() {
    on_every_engine("run", |engine, project| {
        let dockerfile =
            "FROM busybox\n\nRUN seq 1 50 && \\\n    sleep 1 && \\\n    nosuchcommand\n";
        let project = simple(project, dockerfile);
        let ran = project.run(engine, &["build", "--no-cache"]).expect(1);
        let log: Vec<&str> = ran
            .stderr
            .lines()
            .filter_map(|line| Some(line.split_once("  |  ")?.1))
            .collect();
        assert_eq!(log.len(), 51, "each line once:\n{}", ran.told());
        assert_eq!(log[49], "50");
        assert!(log[50].ends_with("nosuchcommand: not found"), "{log:?}");
        // Where the log was not told as it came, its end stands before the failure.
        let shown = project.run_alone(&["history", "show"]).expect(0);
        let (_, shown) = shown.stdout.split_once("\nweb:\n").expect("a failure");
        let log: Vec<&str> = shown.lines().take(22).collect();
        assert_eq!(log[0], "the last 20 of 51 lines of its log:");
        assert_eq!((log[1], log[19]), ("  | 32", "  | 50"));
        assert!(log[20].ends_with("nosuchcommand: not found"), "{shown}");
        assert!(log[21].starts_with("error: `RUN seq 1 50"), "{shown}");
        let note = "  = note: its whole log: dcb history log --run 1 web\n";
        assert!(shown.contains(note), "{shown}");
        let told = ran.told().replace(note, "");
        assert_same(
            told.split_once("\nweb:\n").expect("a failure").1,
            "\
error: `RUN seq 1 50 &&     sleep 1 &&     nosuchcommand` ended with exit code 127
 --> Dockerfile:3:1
  |
3 | / RUN seq 1 50 && \\
4 | |     sleep 1 && \\
5 | |     nosuchcommand
  | |_________________^
  |
  = help: exit code 127: the command was not found in the image

SERVICE  OUTCOME  TIME  IMAGE
web  failed  <time>  run-failed
0 services built, 1 failed in <time>
once mended: dcb build web
",
        );
    });
}

#[test]
fn a_source_that_is_ignored_and_one_that_is_misspelt_are_told_apart() {
    on_every_engine("copy", |engine, project| {
        let project = simple(project, "FROM busybox\nCOPY notes.txt /\n")
            .file("notes.txt", "")
            .file(".dockerignore", "*.txt\n");
        assert_same(
            &failing(engine, &project, &["build"]),
            "\
exit code 1
error: `notes.txt` is not in the build context, which `COPY notes.txt /` needs
 --> Dockerfile:2:1
  |
2 | COPY notes.txt /
  | ^^^^^^^^^^^^^^^^
  |
  = help: `<dir>/notes.txt` exists, so `.dockerignore` leaves it out

SERVICE  OUTCOME  TIME  IMAGE
web  failed  <time>  copy-source
0 services built, 1 failed in <time>
once mended: dcb build web
",
        );
        project.write(".dockerignore", "");
        project.write("Dockerfile", "FROM busybox\nCOPY ntoes.txt /\n");
        let told = failing(engine, &project, &["build"]);
        assert!(told.contains("= help: did you mean `notes.txt`?"), "{told}");
    });
}

#[test]
fn a_target_that_does_not_exist_is_told_with_the_one_that_was_meant() {
    on_every_engine("notarget", |engine, project| {
        let compose = "services:\n  web:\n    build: {context: ., target: prod}\n";
        let project = project
            .file("compose.yaml", compose)
            .file("Dockerfile", "FROM busybox AS pord\n");
        assert_same(
            &failing(engine, &project, &["build"]),
            "\
exit code 1
error: the stage `prod`, which is to be built, is not in `Dockerfile`
  = help: did you mean `pord`?

SERVICE  OUTCOME  TIME  IMAGE
web  failed  <time>  target-missing
0 services built, 1 failed in <time>
once mended: dcb build web
",
        );
    });
}

#[test]
fn a_dockerfile_that_cannot_be_understood() {
    on_every_engine("syntax", |engine, project| {
        let project = simple(project, "FROM busybox\n\nCOPPY a b\n");
        let told = failing(engine, &project, &["build"]);
        for words in [
            "exit code 1\n",
            "unknown instruction: COPPY",
            " --> Dockerfile:3:1\n",
            "3 | COPPY a b\n",
            "dockerfile-syntax",
        ] {
            assert!(told.contains(words), "it does not tell `{words}`:\n{told}");
        }
    });
}

#[test]
fn an_inline_dockerfile_that_fails_is_shown_in_its_compose_file() {
    on_every_engine("inlinefail", |engine, project| {
        let build = "services:\n  web:\n    build:\n      context: .\n      dockerfile_inline: ";
        let block = format!("{build}|\n        FROM busybox\n        RUN exit 5\n");
        let project = project.file("compose.yaml", &block);
        tells(
            &failing(engine, &project, &["build"]),
            &[" --> compose.yaml:7:9\n", "7 |         RUN exit 5\n"],
        );
        project.write(
            "compose.yaml",
            &format!("{build}\"FROM busybox\\nRUN exit 5\\n\"\n"),
        );
        tells(
            &failing(engine, &project, &["build"]),
            &[
                " --> compose.yaml:5:26: dockerfile_inline:2:1\n",
                "2 | RUN exit 5\n",
            ],
        );
    });
}

#[test]
fn what_a_step_prints_is_never_taken_for_the_reason() {
    on_every_engine("prints", |engine, project| {
        for words in [
            "no space left on device",
            "failed to solve: dockerfile parse error line 1: unknown instruction: FOO",
            "failed to do request: 429 Too Many Requests: dial tcp: lookup r: no such host",
        ] {
            project.write("compose.yaml", crate::SIMPLE);
            let dockerfile = format!("FROM busybox\nRUN echo '{words}'; exit 9\n");
            project.write("Dockerfile", &dockerfile);
            tells(
                &failing(engine, &project, &["build"]),
                &["exit code 1\n", "ended with exit code 9", "run-failed"],
            );
        }
    });
}

#[test]
fn a_step_that_was_killed_beside_others_is_offered_alone() {
    on_every_engine("memory", |engine, project| {
        let project = project
            .file(
                "compose.yaml",
                "services:\n  other:\n    build: {context: ., dockerfile: other.Dockerfile}\n  web:\n    build: .\n",
            )
            .file(
                "Dockerfile",
                "FROM busybox\nRUN sleep 1; sh -c 'kill -9 $$' || exit $?\n",
            )
            .file("other.Dockerfile", "FROM busybox\nRUN sleep 2\n");
        let ran = project.run(engine, &["build", "--jobs", "2", "--no-cache"]);
        ran.expect(1).telling(&[
            "was killed (exit code 137)\n --> Dockerfile:2:1\n",
            "= help: exit code 137: killed, most often because memory ran out",
            "build it alone: dcb build --jobs 1 web\n",
            "web  failed  <time>  run-killed",
        ]);
        let alone = failing(engine, &project, &["build", "--jobs", "1", "web"]);
        assert!(!alone.contains("build it alone"), "{alone}");
    });
}

#[test]
fn a_step_that_failed_is_not_built_again_in_another_form() {
    on_every_engine("again", |engine, project| {
        let project = project
            .file(
                "compose.yaml",
                "services:\n  web:\n    build: {context: ., dockerfile: web.test-local.Dockerfile}\n",
            )
            .file("web.test-local.Dockerfile", "FROM busybox\nRUN exit 3\n")
            .file("web.test.Dockerfile", "FROM busybox\n");
        let told = failing(engine, &project, &["build", "--fallback", "auto"]);
        tells(
            &told,
            &[
                "exit code 1\n",
                "web.test-local.Dockerfile:2:1",
                "run-failed",
            ],
        );
        assert!(!told.contains("instead"), "{told}");
    });
}

#[test]
fn what_a_step_needs_and_is_not_given_is_told_by_its_name() {
    on_every_engine("needs", |engine, project| {
        for (run, code, words) in [
            (
                "RUN --mount=type=secret,id=token,required=true true",
                4,
                [
                    "token",
                    "secret-missing",
                    "= help: declare it: `secrets: [token]`",
                ],
            ),
            (
                "RUN --mount=type=ssh,required=true true",
                3,
                [
                    "no SSH key",
                    "ssh-missing",
                    "= help: declare it: `ssh: [default]`",
                ],
            ),
            (
                "RUN --network=host true",
                3,
                [
                    "network.host",
                    "entitlement",
                    "= help: allow it in the engine's daemon.json",
                ],
            ),
        ] {
            if run.contains("network") && engine.is_old() {
                continue;
            }
            project.write("compose.yaml", crate::SIMPLE);
            project.write("Dockerfile", &format!("FROM busybox\n{run}\n"));
            let told = failing(engine, &project, &["build"]);
            tells(&told, &[&format!("exit code {code}\n")]);
            tells(&told, &words);
        }
    });
}

#[test]
fn a_dockerfile_that_only_the_engine_sees_may_be_too_new_or_not_there() {
    on_every_engine("remote", |engine, project| {
        let file = b"FROM busybox\nCOPY --parents a b /\n".to_vec();
        let address = serve::files(BTreeMap::from([("/Dockerfile".to_owned(), file)]));
        let compose = format!("services:\n  web:\n    build: {address}/Dockerfile\n");
        let project = project.file("compose.yaml", &compose);
        tells(
            &failing(engine, &project, &["build", "--no-fallback"]),
            &[
                "exit code 7\n",
                "does not know `--parents`, which came with Dockerfile frontend 1.20",
                "= help: write `# syntax=docker/dockerfile:1` into the first line",
                "frontend-too-old",
            ],
        );
    });
}

#[test]
fn a_flag_that_no_scan_knows_may_be_too_new_for_the_engine() {
    on_every_engine("interval", |engine, project| {
        let dockerfile = "FROM busybox\nHEALTHCHECK --start-interval=1s CMD true\n";
        let project = simple(project, dockerfile);
        if !engine.is_old() {
            project.run(engine, &["build"]).expect(0);
            return;
        }
        tells(
            &failing(engine, &project, &["build", "--no-fallback"]),
            &[
                "exit code 7\n",
                "does not know `--start-interval`, which came with Dockerfile frontend 1.6\n --> Dockerfile:2:1\n",
                "frontend-too-old",
            ],
        );
    });
}

#[test]
fn dockerfiles_that_are_none_are_the_users_to_mend() {
    on_every_engine("none", |engine, project| {
        for (dockerfile, words) in [
            ("", "cannot be empty"),
            ("RUN true\n", "no build stage in current context"),
            ("FROM bad:::image\n", "failed to parse stage name"),
            (
                "FROM busybox\nRUN --mount=type=bogus,target=/x true\n",
                "unsupported mount type",
            ),
        ] {
            project.write("compose.yaml", crate::SIMPLE);
            project.write("Dockerfile", dockerfile);
            tells(
                &failing(engine, &project, &["build"]),
                &["exit code 1\n", words, "dockerfile-syntax"],
            );
        }
    });
}
