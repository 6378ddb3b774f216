//! What real builders said, in `tests/classic`, and what is made of it.

use super::*;
use crate::docker::classic::message::Lines;

const OK: &str = "ARG BASE=busybox\nFROM $BASE AS one\nENV A=1\nRUN echo out; echo err >&2; printf 'no newline'; sleep 0.2\n\
                  FROM busybox\nCOPY --from=one /etc/passwd /h\nCOPY hi /hi\nWORKDIR /w\nCMD [\"x\"]\n";
const EXIT: &str = "FROM busybox\nENV A=1\nRUN echo before; \\\n    echo bad >&2; exit 42\n";

/// What became of a conversation.
struct Folded {
    told: Vec<String>,
    steps: Steps,
    error: Option<(Option<i32>, String)>,
}

fn fold(conversation: &str, dialect: Dialect, dockerfile: &str) -> Folded {
    let dockerfile = Dockerfile::parse(dockerfile);
    let mut steps = Steps::new(JobId(0), dialect, Some(dockerfile), Clock::start());
    let now = Instant::now();
    let mut events = steps.sending(now);
    events.extend(steps.sent(10));
    events.extend(steps.all_sent(now));
    let mut error = None;
    for mut message in Lines::default().take(conversation.as_bytes()) {
        let failure = message.failure();
        events.extend(steps.fold(message, now));
        if let Some(detail) = failure {
            events.extend(steps.fail("why", now));
            error = Some((detail.code, detail.message));
        }
    }
    Folded {
        told: events.iter().map(shown).collect(),
        steps,
        error,
    }
}

fn shown(event: &Event) -> String {
    match event {
        Event::Step {
            step, name, state, ..
        } => {
            let state = match state {
                StepState::Waiting => "waits",
                StepState::Running { .. } => "begins",
                StepState::Cached => "cached",
                StepState::Done { .. } => "done",
                StepState::Failed { .. } => "failed",
            };
            format!("{} {state} {name}", step.0)
        }
        Event::Log { step, line, .. } => format!("{} | {line}", step.0),
        Event::Progress {
            step,
            what,
            current,
            total,
            ..
        } => format!("{} {what} {current}/{total}", step.0),
        Event::Warning { message, .. } => format!("warning {message}"),
        other => format!("{other:?}"),
    }
}

macro_rules! captured {
    ($name:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/classic/",
            $name,
            ".jsonl"
        ))
    };
}

/// Of every engine: success, the same from the cache, and a step that fails.
const DOCKER: [[&str; 3]; 3] = [
    [
        captured!("20.10.ok"),
        captured!("20.10.okcached"),
        captured!("20.10.exit42"),
    ],
    [
        captured!("26.1.ok"),
        captured!("26.1.okcached"),
        captured!("26.1.exit42"),
    ],
    [
        captured!("28.5.ok"),
        captured!("28.5.okcached"),
        captured!("28.5.exit42"),
    ],
];

#[test]
fn the_classic_builders_words_are_steps_with_their_output() {
    for [conversation, ..] in DOCKER {
        let folded = fold(conversation, Dialect::Docker, OK);
        let run = "4/9] RUN echo out; echo err >&2; printf 'no newline'; sleep 0.2";
        let mut told = folded.told;
        // Engines tell both streams in any order.
        if let Some(at) = told.iter().position(|line| line == "5 | err") {
            let line = told.remove(at);
            let run = told.iter().position(|line| line.starts_with("5 begins"));
            told.insert(run.expect("the step") + 1, line);
        }
        let step = |state: &str| format!("5 {state} [{run}");
        let expected = [
            "1 begins [internal] load build context",
            "1 transferring context: 10/0",
            "1 done [internal] load build context",
            "2 begins [1/9] ARG BASE=busybox",
            "2 done [1/9] ARG BASE=busybox",
            "3 begins [2/9] FROM $BASE AS one",
            "3 done [2/9] FROM $BASE AS one",
            "4 begins [3/9] ENV A=1",
            "4 done [3/9] ENV A=1",
            &step("begins"),
            "5 | err",
            "5 | out",
            "5 | no newline",
            &step("done"),
            "6 begins [5/9] FROM busybox",
            "6 done [5/9] FROM busybox",
            "7 begins [6/9] COPY --from=one /etc/passwd /h",
            "7 done [6/9] COPY --from=one /etc/passwd /h",
            "8 begins [7/9] COPY hi /hi",
            "8 done [7/9] COPY hi /hi",
            "9 begins [8/9] WORKDIR /w",
            "9 done [8/9] WORKDIR /w",
            "10 begins [9/9] CMD [\"x\"]",
            "10 done [9/9] CMD [\"x\"]",
        ];
        assert_eq!(told, expected);
        assert!(folded.steps.ran());
        let built = folded.steps.built().expect("success").image.expect("an id");
        assert!(built.starts_with("sha256:") && built.len() == 71, "{built}");
    }
}

#[test]
fn what_comes_from_the_cache_is_told_and_nothing_ran() {
    for [_, cached, _] in DOCKER {
        let folded = fold(cached, Dialect::Docker, OK);
        let count = |state: &str| folded.told.iter().filter(|l| l.contains(state)).count();
        assert_eq!(count(" cached "), 6, "{:?}", folded.told);
        assert_eq!(count(" | "), 0);
        assert!(!folded.steps.ran());
        assert!(folded.steps.built().is_some());
    }
    let folded = fold(captured!("podman-4.3.okcached"), Dialect::Buildah, OK);
    let cached = folded
        .told
        .iter()
        .filter(|l| l.contains(" cached "))
        .count();
    assert_eq!(cached, 6, "{:?}", folded.told);
    assert!(!folded.steps.ran());
}

#[test]
fn a_failing_step_is_named_with_its_place_and_code() {
    for [.., failing] in DOCKER {
        let folded = fold(failing, Dialect::Docker, EXIT);
        assert_eq!(
            folded.told.last().expect("events"),
            "4 failed [3/3] RUN echo before;     echo bad >&2; exit 42"
        );
        assert_eq!(folded.error.expect("an error").0, Some(42));
        let place = folded.steps.instruction().expect("a place");
        assert_eq!((place.first_line, place.last_line), (3, 4));
        assert!(folded.steps.ran());
        assert!(folded.steps.built().is_none());
    }
}

#[test]
fn a_missing_source_fails_its_step_before_any_command() {
    for conversation in [
        captured!("20.10.copy"),
        captured!("26.1.copy"),
        captured!("28.5.copy"),
    ] {
        let folded = fold(
            conversation,
            Dialect::Docker,
            "FROM busybox\nCOPY nope.txt /x\n",
        );
        assert_eq!(folded.steps.name(), Some("[2/2] COPY nope.txt /x"));
        assert!(!folded.steps.ran());
    }
    let folded = fold(
        captured!("podman-4.3.copy"),
        Dialect::Buildah,
        "FROM busybox\nCOPY nope.txt /x\n",
    );
    assert_eq!(folded.steps.name(), Some("[2/2] COPY nope.txt /x"));
    assert!(!folded.steps.ran());
}

#[test]
fn buildahs_words_are_steps_counted_by_stage() {
    let folded = fold(captured!("podman-4.3.ok"), Dialect::Buildah, OK);
    let run = "[one 3/3] RUN echo out; echo err >&2; printf 'no newline'; sleep 0.2";
    let expected = [
        "1 begins [internal] load build context",
        "1 transferring context: 10/0",
        "1 done [internal] load build context",
        "2 begins [one 1/3] FROM busybox AS one",
        "2 done [one 1/3] FROM busybox AS one",
        "3 begins [one 2/3] ENV A=1",
        "3 cached [one 2/3] ENV A=1",
        &format!("4 begins {run}"),
        "4 | err",
        "4 | out",
        "4 | no newline",
        &format!("4 done {run}"),
        "5 begins [stage-1 1/5] FROM busybox",
        "5 done [stage-1 1/5] FROM busybox",
        "6 begins [stage-1 2/5] COPY --from=one /etc/passwd /h",
        "6 done [stage-1 2/5] COPY --from=one /etc/passwd /h",
        "7 begins [stage-1 3/5] COPY hi /hi",
        "7 done [stage-1 3/5] COPY hi /hi",
        "8 begins [stage-1 4/5] WORKDIR /w",
        "8 done [stage-1 4/5] WORKDIR /w",
        "9 begins [stage-1 5/5] CMD [\"x\"]",
        "9 done [stage-1 5/5] CMD [\"x\"]",
    ];
    assert_eq!(folded.told, expected);
    let built = folded.steps.built().expect("success").image.expect("an id");
    assert!(built.starts_with("sha256:"), "{built}");

    let folded = fold(captured!("podman-4.3.exit42"), Dialect::Buildah, EXIT);
    let place = folded.steps.instruction().expect("a place");
    assert_eq!((place.first_line, place.last_line), (3, 4));
    assert!(folded.steps.ran());
}

#[test]
fn a_command_that_prints_a_builders_words_is_a_command_that_prints() {
    let conversation = "{\"stream\":\"STEP 1/2: FROM busybox\\n\"}\n{\"stream\":\"STEP 2/2: RUN x\\n\"}\n\
                        {\"stream\":\"STEP 1/2: RUN y\\n\"}\n{\"stream\":\"Successfully built 123456789012\\n\"}\n";
    let folded = fold(conversation, Dialect::Buildah, "FROM busybox\nRUN x\n");
    assert!(folded.told.contains(&"3 | STEP 1/2: RUN y".to_owned()));
    assert!(folded.steps.built().is_none());
}

/// Engine 26.1, pulling a layer of 2 MB.
#[test]
fn a_pull_moves_and_its_result_is_said() {
    let conversation = r#"{"stream":"Step 1/1 : FROM busybox:1"}
{"stream":"\n"}
{"status":"Pulling from library/busybox","id":"1"}
{"status":"Pulling fs layer","progressDetail":{},"id":"5cc84ad355aa"}
{"status":"Downloading","progressDetail":{"current":23,"total":2156},"progress":"[>    ]","id":"5cc84ad355aa"}
{"status":"Extracting","progressDetail":{"current":2156,"total":2156},"progress":"[=====>]","id":"5cc84ad355aa"}
{"status":"Pull complete","progressDetail":{},"id":"5cc84ad355aa"}
{"status":"Status: Downloaded newer image for busybox:1"}
{"stream":" ---\u003e beae173ccac6\n"}
"#;
    let folded = fold(conversation, Dialect::Docker, "FROM busybox:1\n");
    assert_eq!(
        folded.told[4..],
        [
            "2 downloading 5cc84ad355aa 23/2156",
            "2 extracting 5cc84ad355aa 2156/2156",
            "2 | Status: Downloaded newer image for busybox:1",
        ]
    );
}
