//! What the picture shows, as people see it: `tests/board/NAME.COLUMNSxROWS.txt`. With
//! `DCB_TEST_ACCEPT=1` what is shown now becomes what is expected; read it before you commit it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::*;
use crate::event::{Event, Frontend, JobId, Opening, Planned, Record, StepId, StepState, Way};
use crate::failure::{Class, Failure};

/// A run as a story: what happens, and when.
struct Story {
    run: Run,
    at: u64,
}

impl Story {
    /// Services and the indexes of those that they need.
    fn of(services: &[(&str, &[usize])]) -> Self {
        let jobs = services.iter().map(|(names, needs)| Planned {
            services: names.split(' ').map(str::to_owned).collect(),
            needs: needs.iter().copied().map(JobId).collect(),
            way: Way {
                strategy: "buildkit".to_owned(),
                dockerfile: "Dockerfile".to_owned(),
                frontend: Frontend::AsWritten,
                builder: None,
            },
            variant: None,
            unusual: false,
            output: None,
        });
        let opening = Opening {
            schema: crate::event::SCHEMA,
            dcb: String::new(),
            began: 0,
            verb: "build".to_owned(),
            flags: Vec::new(),
            project: "shop".to_owned(),
            directory: "/shop".to_owned(),
            engine: None,
            pushes: false,
            parallel: 4,
            jobs: jobs.collect(),
        };
        let mut story = Self {
            run: Run::default(),
            at: 0,
        };
        story.tell(Event::RunStarted(Box::new(opening)));
        story
    }

    fn tell(&mut self, event: Event) {
        let at = self.at;
        self.run.take(&Record { at, event });
    }

    fn at(&mut self, seconds: u64) -> &mut Self {
        self.at = seconds * 1000;
        self
    }

    fn begins(&mut self, job: usize) -> &mut Self {
        self.tell(Event::JobStarted { job: JobId(job) });
        self
    }

    fn step(&mut self, job: usize, step: usize, name: &str, state: StepState) -> &mut Self {
        self.tell(Event::Step {
            job: JobId(job),
            step: StepId(step),
            name: name.to_owned(),
            needs: Vec::new(),
            state,
        });
        self
    }

    fn runs(&mut self, job: usize, step: usize, name: &str) -> &mut Self {
        let began = self.at;
        self.step(job, step, name, StepState::Running { began })
    }

    /// `cached` steps that were there, `done` that were not, and `waiting` that are to come.
    fn steps(&mut self, job: usize, cached: usize, done: usize, waiting: usize) -> &mut Self {
        let (began, ended, took) = (0, 0, 0);
        let done = std::iter::repeat_n(StepState::Done { began, ended, took }, done);
        let states = std::iter::repeat_n(StepState::Cached, cached)
            .chain(done)
            .chain(std::iter::repeat_n(StepState::Waiting, waiting));
        for (index, state) in states.enumerate() {
            self.step(job, 100 + index, &format!("RUN something {index}"), state);
        }
        self
    }

    fn moves(&mut self, job: usize, step: usize, current: i64, total: i64) -> &mut Self {
        self.tell(Event::Progress {
            job: JobId(job),
            step: StepId(step),
            what: "it".to_owned(),
            current,
            total,
        });
        self
    }

    fn logs(&mut self, job: usize, step: usize, lines: &[&str]) -> &mut Self {
        for line in lines {
            self.tell(Event::Log {
                job: JobId(job),
                step: StepId(step),
                line: (*line).to_owned(),
            });
        }
        self
    }

    fn ends(&mut self, job: usize, outcome: Outcome) -> &mut Self {
        let took = match self.run.jobs[job].state {
            State::Running { began } => self.at - began,
            _ => 0,
        };
        let job = JobId(job);
        self.tell(Event::JobFinished { job, outcome, took });
        self
    }

    fn is_built(&mut self, job: usize) -> &mut Self {
        let outcome = Outcome::Built {
            image: None,
            size: None,
            departures: Vec::new(),
            pushed: Vec::new(),
        };
        self.ends(job, outcome)
    }

    fn fails(&mut self, job: usize, step: usize, name: &str, message: &str) -> &mut Self {
        let state = StepState::Failed {
            error: String::new(),
            began: 0,
            ended: 0,
            took: 0,
        };
        self.step(job, step, name, state);
        let mut failure = Failure::new(Class::RunFailed, message);
        failure.exit_code = Some(1);
        self.ends(job, Outcome::Failed(Box::new(failure)))
    }

    /// The picture, of which every line must fit.
    fn seen(&self, place: Place) -> Vec<String> {
        let picture = frame(&self.run, place, self.at);
        assert!(picture.len() < place.rows.max(2), "{picture:#?}");
        for line in &picture {
            let width = console::measure_text_width(line);
            assert!(width < place.columns.max(1), "{width} columns: {line}");
            assert_eq!(line.trim_end(), line);
        }
        picture
    }
}

fn place(columns: usize, rows: usize) -> Place {
    Place {
        columns,
        rows,
        style: Style::Plain,
        signs: Signs::Unicode,
        estimate: None,
    }
}

const MIB: i64 = 1 << 20;

/// A shop of twelve services in the middle of its build.
fn shop() -> Story {
    let mut story = Story::of(&[
        ("base", &[]),
        ("auth", &[0]),
        ("cart", &[0]),
        ("web", &[0]),
        ("worker scheduler", &[0]),
        ("search", &[]),
        ("mail", &[]),
        ("gateway", &[3, 4]),
        ("admin", &[3]),
        ("docs", &[]),
        ("reports", &[4]),
        ("metrics", &[]),
    ]);
    story.at(0).begins(0).begins(5).begins(6).begins(9);
    story.steps(0, 4, 0, 0).at(1).is_built(0);
    story.begins(3).begins(4).steps(3, 4, 2, 5);
    story.steps(9, 1, 6, 0).at(12).is_built(9);
    story.begins(1).steps(1, 2, 5, 0).at(31).is_built(1);
    let npm = "[build 4/6] RUN --mount=type=cache,target=/root/.npm   npm ci --omit=dev";
    story.at(41).runs(3, 1, npm);
    let log = [
        "npm warn deprecated inflight@1.0.6: This module is not supported, and leaks memory.",
        "npm warn deprecated glob@7.2.3: Glob versions prior to v9 are no longer supported",
        "",
        "added 812 packages, and audited 813 packages in 28s",
        "\u{1b}[32m96 packages\u{1b}[0m are looking for funding\r\n",
    ];
    story.logs(3, 1, &log).steps(4, 0, 2, 6).at(66);
    let context = "[internal] load build context";
    story.runs(4, 2, context).moves(4, 2, 12 * MIB, 0);
    let base = "[1/5] FROM docker.io/library/golang:1.24@sha256:0123456789";
    story.runs(5, 1, base).moves(5, 1, 120 * MIB, 298 * MIB);
    let test = "[test 3/3] RUN go test ./...";
    story.runs(6, 7, test).steps(6, 1, 2, 1).at(72);
    story.logs(
        6,
        7,
        &["ok  \tshop/mail\t0.41s", "ok  \tshop/mail/queue\t2.80s"],
    );
    story
}

/// The same a little later, after a service failed.
fn failure() -> Story {
    let mut story = shop();
    story.at(75).logs(
        6,
        7,
        &[
            "--- FAIL: TestRetry (0.02s)",
            "    retry_test.go:41: got 2 tries, want 3",
            "FAIL\tshop/mail/smtp\t0.08s",
        ],
    );
    let message = "`RUN go test ./...` ended with exit code 1";
    story.fails(6, 7, "[test 3/3] RUN go test ./...", message);
    story.at(80);
    story
}

/// The same after all is over: one failed, and what needs it was not tried.
fn end() -> Story {
    let mut story = failure();
    story.at(90).is_built(3).is_built(5).at(95).is_built(4);
    story.begins(2).begins(11).at(104).is_built(2);
    let because = JobId(6);
    story.ends(7, Outcome::Skipped { because });
    story.ends(8, Outcome::Skipped { because });
    story.ends(10, Outcome::Skipped { because });
    story.ends(11, Outcome::Stopped);
    story
}

/// Two hundred services, sixteen at a time.
fn many() -> Story {
    let names: Vec<String> = (0..200).map(|index| format!("service-{index}")).collect();
    let services: Vec<(&str, &[usize])> =
        names.iter().map(|name| (name.as_str(), &[][..])).collect();
    let mut story = Story::of(&services);
    for job in 0..56 {
        story.begins(job).steps(job, 3, 7, 30);
        story.runs(job, 1, "[2/2] RUN make all");
        story.logs(job, 1, &["cc -c main.c", "cc -c more.c"]);
    }
    for job in 0..40 {
        story.at(job as u64).is_built(job);
    }
    story
}

/// Names and logs of all kinds.
fn strange() -> Story {
    let mut story = Story::of(&[
        ("データベース", &[]),
        ("\u{1b}[31mred\u{1b}[2J", &[]),
        (
            "a-service-whose-name-is-longer-than-anybody-would-type-twice",
            &[],
        ),
        ("größe", &[0]),
    ]);
    story.begins(0).begins(1).begins(2);
    story.runs(
        0,
        1,
        "[2/2] RUN echo 日本語のとても長い名前のステップはどこかで切られます 終わり",
    );
    story.logs(0, 1, &["進捗 50%\r進捗 100%", "\tindented\tby tabs"]);
    story.runs(1, 1, "[2/2] RUN printf '\u{1b}[2J\u{7}'");
    story.at(3);
    story
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/board")
}

#[test]
fn what_people_see() {
    let ascii = |columns, rows| Place {
        signs: Signs::Ascii,
        ..place(columns, rows)
    };
    let expected = |columns, rows, estimate| Place {
        estimate: Some(estimate),
        ..place(columns, rows)
    };
    let cases = [
        ("mid-build", shop(), expected(80, 24, 142_000)),
        ("mid-build", shop(), expected(40, 10, 142_000)),
        ("mid-build", shop(), expected(200, 50, 142_000)),
        ("mid-build-ascii", shop(), ascii(80, 24)),
        ("mid-build", shop(), place(100, 5)),
        ("failure", failure(), expected(80, 24, 79_000)),
        ("failure", failure(), place(40, 10)),
        ("failure", failure(), place(200, 50)),
        ("end", end(), place(80, 24)),
        ("end", end(), place(40, 10)),
        ("end-ascii", end(), ascii(80, 24)),
        ("many", many(), place(80, 24)),
        ("many", many(), place(200, 50)),
        ("many", many(), place(40, 10)),
        ("strange", strange(), place(80, 24)),
        ("strange", strange(), place(40, 10)),
        ("strange-ascii", strange(), ascii(80, 24)),
    ];
    let mut files = BTreeSet::new();
    let mut wrong = Vec::new();
    for (name, story, place) in cases {
        let file = folder().join(format!("{name}.{}x{}.txt", place.columns, place.rows));
        let shown = story.seen(place).join("\n") + "\n";
        if place.signs == Signs::Ascii {
            assert!(shown.is_ascii(), "{shown}");
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "asked for by whoever runs the test"
        )]
        if std::env::var_os("DCB_TEST_ACCEPT").is_some() {
            std::fs::write(&file, &shown).expect("a file");
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        if shown != expected {
            wrong.push(format!(
                "{}\n{shown}--- expected\n{expected}",
                file.display()
            ));
        }
        files.insert(file);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let there = folder().read_dir().expect("a directory");
    let there: BTreeSet<PathBuf> = there.map(|entry| entry.expect("a file").path()).collect();
    assert_eq!(files, there, "a file that no case names, or the reverse");
}
