use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::{Story, html, page, trace};
use crate::event::{Reader, Record};

fn story(lines: &[Json]) -> Story {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let mut reader = Reader::new(text.as_bytes());
    let records = std::iter::from_fn(|| reader.next_record().expect("a record"));
    Story::of(records.collect::<Vec<Record>>())
}

fn data(story: &Story) -> Json {
    serde_json::from_str(&page::data(story)).expect("JSON")
}

fn planned(service: &str, needs: &[usize]) -> Json {
    json!({
        "services": [service], "needs": needs, "variant": null,
        "way": {"strategy": "buildkit", "dockerfile": "Dockerfile", "frontend": "as_written"},
    })
}

fn opening(parallel: usize, jobs: &[Json]) -> Json {
    json!({
        "at": 0, "event": "run_started", "schema": 1, "dcb": "0.1.0", "began": 5, "verb": "build",
        "project": "shop", "directory": "/shop", "engine": "Docker 28.5.2", "parallel": parallel,
        "jobs": jobs,
    })
}

fn started(at: u64, job: usize) -> Json {
    json!({"at": at, "event": "job_started", "job": job})
}

fn done(job: usize, step: usize, name: &str, needs: &[usize], began: u64, ended: u64) -> Json {
    json!({
        "at": ended, "event": "step", "job": job, "step": step, "name": name, "needs": needs,
        "state": "done", "began": began, "ended": ended, "took": ended - began,
    })
}

fn cached(at: u64, job: usize, step: usize, name: &str) -> Json {
    json!({
        "at": at, "event": "step", "job": job, "step": step, "name": name, "state": "cached",
    })
}

fn log(at: u64, job: usize, step: usize, line: &str) -> Json {
    json!({"at": at, "event": "log", "job": job, "step": step, "line": line})
}

fn built(at: u64, job: usize, took: u64) -> Json {
    json!({
        "at": at, "event": "job_finished", "job": job, "outcome": "built", "image": "sha256:1",
        "size": 5, "departures": [], "pushed": [], "took": took,
    })
}

fn finished(at: u64) -> Json {
    json!({"at": at, "event": "run_finished", "result": "built", "took": at})
}

/// `base`, and `web` and `docs` that need it, two at once.
fn shop() -> Vec<Json> {
    vec![
        opening(
            2,
            &[
                planned("base", &[]),
                planned("web", &[0]),
                planned("docs", &[0]),
            ],
        ),
        started(10, 0),
        done(
            0,
            1,
            "[internal] load build definition from Dockerfile",
            &[],
            10,
            20,
        ),
        done(0, 2, "[1/2] FROM alpine", &[], 20, 400),
        json!({"at": 300, "event": "progress", "job": 0, "step": 2, "what": "sha256:2", "current": 4096, "total": 4096}),
        done(0, 3, "[2/2] RUN apk add make", &[2], 400, 900),
        built(1_000, 0, 990),
        started(1_001, 1),
        cached(1_010, 1, 1, "[1/3] FROM base"),
        cached(1_010, 1, 2, "[2/3] COPY package.json ."),
        done(1, 3, "[internal] load build context", &[], 1_005, 1_030),
        log(1_500, 1, 4, "a line that nobody told of a step for"),
        json!({
            "at": 1_100, "event": "step", "job": 1, "step": 4, "name": "[3/3] RUN make", "needs": [2],
            "state": "running", "began": 1_100,
        }),
        log(1_600, 1, 4, "\u{1b}[32mmade\u{1b}[0m"),
        done(1, 4, "[3/3] RUN make", &[2], 1_100, 3_000),
        built(3_010, 1, 2_009),
        started(3_011, 2),
        done(2, 1, "[2/2] COPY . .", &[], 3_020, 3_030),
        built(3_100, 2, 89),
        finished(3_101),
    ]
}

#[test]
fn the_page_has_what_happened_and_when() {
    let data = data(&story(&shop()));
    let web = &data["jobs"][1];
    assert_eq!(
        *web,
        json!({
            "services": ["web"], "needs": [0], "way": "buildkit with Dockerfile", "variant": null,
            "ready": 1_000, "began": 1_001, "ended": 3_010, "took": 2_009, "outcome": "built",
            "because": null, "image": "sha256:1", "size": 5, "pushed": [], "departures": [], "notes": [],
            "failure": null, "warnings": [], "cached": 1, "total": 2,
            "steps": [
                {"name": "[1/3] FROM base", "kind": "base", "state": "cached", "span": [1_010, 1_010], "took": 0},
                {"name": "[2/3] COPY package.json .", "kind": "instruction", "state": "cached",
                    "span": [1_010, 1_010], "took": 0},
                {"name": "[internal] load build context", "kind": "transfer", "state": "done",
                    "span": [1_005, 1_030], "took": 25},
                {"name": "[3/3] RUN make", "kind": "instruction", "state": "done", "span": [1_100, 3_000],
                    "took": 1_900, "needs": [1], "tail": ["made"], "lines": 1},
            ],
        })
    );
    let pulled = &data["jobs"][0]["steps"][1];
    assert_eq!(pulled["moved"], 4096);
    assert_eq!(
        (&data["took"], &data["result"]),
        (&json!(3_101), &json!("built"))
    );
}

#[test]
fn the_findings_say_where_the_time_went() {
    let data = data(&story(&shop()));
    assert_eq!(
        data["findings"],
        json!({
            "critical": 1_079,
            "slow": [[1, 3], [0, 2], [0, 1], [1, 2], [0, 0]],
            "lost": [{"job": 1, "step": 3, "cost": 1_900}],
            "losers": 1,
            "alone": [
                {"job": 1, "from": 1_001, "to": 3_010, "waiting": 1},
                {"job": 0, "from": 10, "to": 1_000, "waiting": 2},
            ],
            "peak": 1,
            "busy": 990 + 2_009 + 89,
            "queued": {"jobs": 1, "longest": 2_011},
        })
    );
    assert_eq!(data["critical"], json!([0, 2]));
    let critical = |job: usize| -> Vec<&str> {
        let steps = data["jobs"][job]["steps"].as_array().expect("steps");
        let on_path = steps.iter().filter(|step| step["critical"] == true);
        on_path.filter_map(|step| step["name"].as_str()).collect()
    };
    assert_eq!(
        critical(0),
        [
            "[internal] load build definition from Dockerfile",
            "[1/2] FROM alpine",
            "[2/2] RUN apk add make"
        ]
    );
    assert!(critical(1).is_empty(), "nothing had to wait for it");
}

#[test]
fn what_was_told_late_to_be_cached_stands_before_what_begins_with_it() {
    let mut copied = cached(900, 0, 1, "[2/3] COPY . .");
    copied["needs"] = json!([3]);
    let data = data(&story(&[
        opening(1, &[planned("web", &[])]),
        started(0, 0),
        done(0, 2, "[3/3] RUN make", &[1], 100, 800),
        copied,
        done(0, 3, "[1/3] FROM alpine", &[], 90, 90),
        built(1_000, 0, 1_000),
        finished(1_000),
    ]));
    let steps = data["jobs"][0]["steps"].as_array().expect("steps");
    let moments: Vec<(&str, &Json)> = steps
        .iter()
        .map(|step| (step["name"].as_str().expect("a name"), &step["span"][0]))
        .collect();
    assert_eq!(
        moments,
        [
            ("[1/3] FROM alpine", &json!(90)),
            ("[2/3] COPY . .", &json!(100)),
            ("[3/3] RUN make", &json!(100)),
        ]
    );
    let on_path = steps.iter().filter(|step| step["critical"] == true);
    let on_path: Vec<&Json> = on_path.map(|step| &step["name"]).collect();
    assert_eq!(
        on_path,
        ["[3/3] RUN make"],
        "nobody waits for what is cached"
    );
}

#[test]
fn of_a_log_the_last_twenty_lines_are_kept_also_when_the_step_ended_well() {
    let mut lines = vec![
        opening(1, &[planned("web", &[])]),
        started(0, 0),
        done(0, 1, "[1/1] RUN make", &[], 0, 1),
    ];
    lines.extend((0..50).map(|number| log(2, 0, 1, &number.to_string())));
    lines.extend([built(3, 0, 3), finished(3)]);
    let data = data(&story(&lines));
    let step = &data["jobs"][0]["steps"][0];
    let tail: Vec<String> = (30..50).map(|number| number.to_string()).collect();
    assert_eq!((&step["tail"], &step["lines"]), (&json!(tail), &json!(50)));
}

#[test]
fn a_job_that_took_another_way_shows_both() {
    let way =
        json!({"strategy": "classic", "dockerfile": "test.Dockerfile", "frontend": "as_written"});
    let because = json!({
        "class": "frontend-unavailable", "message": "no frontend", "diagnostics": [], "exit_code": null,
        "hints": [], "transient": false,
    });
    let data = data(&story(&[
        opening(1, &[planned("web", &[])]),
        started(0, 0),
        done(
            0,
            1,
            "resolve image config for docker-image://x",
            &[],
            0,
            50,
        ),
        json!({"at": 60, "event": "fell_back", "job": 0, "way": way, "because": because}),
        done(0, 1, "[1/2] FROM alpine", &[], 60, 70),
        done(0, 2, "[2/2] RUN make", &[1], 70, 90),
        built(100, 0, 100),
        finished(100),
    ]));
    let job = &data["jobs"][0];
    assert_eq!(job["way"], "classic with test.Dockerfile");
    assert_eq!(
        job["departures"],
        json!([
            "built with classic with test.Dockerfile instead, because of frontend-unavailable: no frontend"
        ])
    );
    let steps = job["steps"].as_array().expect("steps");
    let attempts: Vec<u64> = steps
        .iter()
        .map(|step| step["attempt"].as_u64().unwrap_or(0))
        .collect();
    assert_eq!(attempts, [0, 1, 1]);
    assert_eq!(
        steps[2]["needs"],
        json!([1]),
        "places, and not the builder's numbers"
    );
}

#[test]
fn a_run_without_an_end_is_shown_up_to_there() {
    let lines = shop();
    let data = data(&story(&lines[..13]));
    assert_eq!(data["result"], "unfinished");
    let outcome = |job: usize| data["jobs"][job]["outcome"].clone();
    assert_eq!(
        [outcome(0), outcome(1), outcome(2)],
        ["built", "running", "waiting"]
    );
    let make = &data["jobs"][1]["steps"][3];
    assert_eq!(
        (&make["state"], &make["span"]),
        (&json!("running"), &json!([1_100, 1_500]))
    );
}

#[test]
fn what_a_build_wrote_cannot_leave_its_place_in_the_page() {
    let evil = "</script><img src=x onerror=alert(1)><!--<script>@script@@data@";
    let page = html(&story(&[
        opening(1, &[planned(evil, &[])]),
        started(0, 0),
        done(0, 1, &format!("[1/1] RUN {evil}"), &[], 0, 1),
        log(1, 0, 1, evil),
        built(2, 0, 2),
        finished(2),
    ]));
    assert!(
        !page.contains("<img"),
        "it stands in the page as it was written"
    );
    assert_eq!(
        page.matches("</script>").count(),
        2,
        "the data's end, and the script's"
    );
    assert_eq!(page.matches("<script").count(), 2);
    let (_, rest) = page.split_once("id=\"data\">").expect("the data");
    let (json, _) = rest.split_once("</script>").expect("its end");
    let data: Json = serde_json::from_str(json).expect("JSON");
    assert_eq!(data["jobs"][0]["services"], json!([evil]));
    assert_eq!(data["jobs"][0]["steps"][0]["tail"], json!([evil]));
}

#[test]
fn the_page_asks_nobody_for_anything() {
    let page = html(&story(&shop()));
    assert!(page.contains("default-src 'none'; script-src 'sha256-"));
    for word in [
        "http://",
        "https://",
        "src=",
        "url(",
        "@import",
        "fetch(",
        "innerHTML",
    ] {
        assert!(!page.contains(word), "it has `{word}`");
    }
}

/// Viewers drop slices of a thread that overlap without lying within each other.
#[test]
fn slices_of_a_thread_lie_within_each_other_or_apart() {
    let mut lines = shop();
    // Two stages side by side, one of them by a clock that is a little ahead.
    lines.insert(6, done(0, 4, "[docs 1/1] RUN man", &[2], 500, 1_200));
    let trace: Json = serde_json::from_str(&trace(&story(&lines))).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("events");
    let mut threads: BTreeMap<u64, Vec<(u64, u64)>> = BTreeMap::new();
    for event in events.iter().filter(|event| event["ph"] == "X") {
        let number = |key: &str| event[key].as_u64().expect(key);
        let span = (number("ts"), number("ts") + number("dur"));
        threads.entry(number("tid")).or_default().push(span);
    }
    assert_eq!(
        threads.len(),
        4,
        "one for each service, and one more for what overlaps"
    );
    for spans in threads.values() {
        for (from, to) in spans {
            let crossed = spans.iter().find(|(a, b)| from < a && a < to && to < b);
            assert_eq!(crossed, None, "{from}..{to}");
        }
    }
}

#[test]
fn an_arrow_of_the_trace_leads_from_each_service_to_those_that_need_it() {
    let trace: Json = serde_json::from_str(&trace(&story(&shop()))).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("events");
    let arrows: Vec<(&str, u64, u64)> = events
        .iter()
        .filter(|event| event["cat"] == "needs")
        .map(|event| {
            let number = |key: &str| event[key].as_u64().expect(key);
            (
                event["ph"].as_str().expect("ph"),
                number("tid"),
                number("ts"),
            )
        })
        .collect();
    let end = 1_000_000 - 1;
    assert_eq!(
        arrows,
        [
            ("s", 1, end),
            ("f", 2, 1_001_000),
            ("s", 1, end),
            ("f", 3, 3_011_000)
        ]
    );
    let names = events.iter().filter(|event| event["ph"] == "M");
    let names: Vec<&str> = names
        .filter_map(|event| event["args"]["name"].as_str())
        .collect();
    assert_eq!(names, ["dcb build shop", "base", "web", "docs"]);
}

/// A run of `examples/`, as the page in `docs` shows it; `DCB_UPDATE=1 cargo test example_page` writes the
/// page anew around the same data.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "asked of the person who runs the test, not of a user"
)]
fn the_example_page_in_the_docs_is_what_is_written_today() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/timeline-example.html");
    let kept = fs::read_to_string(&path).expect("the example");
    let (_, rest) = kept
        .split_once(r#"id="data">"#)
        .expect("the beginning of the data");
    let (data, _) = rest.split_once("</script>").expect("the end of the data");
    let page = page::around(data);
    if std::env::var_os("DCB_UPDATE").is_some() {
        fs::write(&path, &page).expect("the example is writable");
    }
    assert!(
        page == fs::read_to_string(&path).expect("the example"),
        "out of date: DCB_UPDATE=1 cargo test example_page"
    );
}
