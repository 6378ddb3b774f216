//! `dcb timeline`: what it reads and writes, and its page in a real browser.

#![allow(
    clippy::disallowed_methods,
    reason = "tests read the environment they are given"
)]

#[path = "support/browser.rs"]
mod browser;
mod support;

use std::path::PathBuf;

use browser::Browser;
use serde_json::{Value as Json, json};
use support::{Project, on_every_engine};

const FILE: &str = "run.jsonl";

/// The events of a run: `base`, and `web` and `docs` that need it.
fn shop(web: &str) -> Vec<Json> {
    let planned = |service: &str, needs: &[usize]| {
        json!({
            "services": [service], "needs": needs, "variant": null,
            "way": {"strategy": "buildkit", "dockerfile": "Dockerfile", "frontend": "as_written"},
        })
    };
    let done = |job: usize, step: usize, name: &str, began: u64, ended: u64| {
        json!({
            "at": ended, "event": "step", "job": job, "step": step, "name": name,
            "state": "done", "began": began, "ended": ended, "took": ended - began,
        })
    };
    let built = |at: u64, job: usize, took: u64| {
        json!({
            "at": at, "event": "job_finished", "job": job, "outcome": "built", "image": "sha256:1",
            "size": 5, "departures": [], "pushed": [], "took": took,
        })
    };
    let started = |at: u64, job: usize| json!({"at": at, "event": "job_started", "job": job});
    vec![
        json!({
            "at": 0, "event": "run_started", "schema": 1, "dcb": "0.1.0", "began": 0, "verb": "build",
            "project": "shop", "directory": "/shop", "engine": null, "parallel": 2,
            "jobs": [planned("base", &[]), planned(web, &[0]), planned("docs", &[0])],
        }),
        started(0, 0),
        done(0, 1, "[1/2] FROM alpine", 0, 400),
        done(0, 2, "[2/2] RUN apk add make", 400, 900),
        built(1_000, 0, 1_000),
        started(1_000, 1),
        started(1_000, 2),
        done(1, 1, "[1/1] RUN make", 1_000, 3_000),
        json!({"at": 1_500, "event": "log", "job": 1, "step": 1, "line": format!("made {web}")}),
        done(2, 1, "[1/1] COPY . .", 1_000, 1_200),
        built(1_300, 2, 300),
        built(3_000, 1, 2_000),
        json!({"at": 3_000, "event": "run_finished", "result": "built", "took": 3_000}),
    ]
}

fn text(events: &[Json]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

/// A project with the page of these events.
fn page(events: &[Json]) -> (Project, PathBuf) {
    let project = Project::new("timeline").file(FILE, &text(events));
    let ran = project.run_alone(&["timeline", "--from", FILE]);
    ran.expect(0).telling(&["wrote `dcb-timeline.html`"]);
    let page = project.path().join("dcb-timeline.html");
    (project, page)
}

/// What the row says that the keys are at.
fn row(browser: &mut Browser) -> String {
    let label = browser.eval(
        "document.getElementById(document.getElementById('tree').getAttribute('aria-activedescendant'))\
         ?.getAttribute('aria-label') ?? ''",
    );
    label.as_str().expect("a label").to_owned()
}

fn details(browser: &mut Browser) -> String {
    let text = browser.eval("document.getElementById('details').textContent");
    text.as_str().expect("text").to_owned()
}

// ---- what it reads and writes -----------------------------------------------------------------

#[test]
fn a_run_of_every_engine_becomes_a_page_and_a_trace() {
    on_every_engine("timeline", |engine, project| {
        project.write("compose.yaml", "services: { web: { build: . } }\n");
        project.write("Dockerfile", "FROM busybox\nRUN echo hello\n");
        let built = project
            .run(engine, &["--progress", "json", "build", "--no-cache"])
            .expect(0);
        project.write(FILE, &built.stdout);
        // The journal has the same run, and it is the newest.
        project.run_alone(&["timeline"]).expect(0);
        let newest = std::fs::read_to_string(project.path().join("dcb-timeline.html"));
        let ran = project.run_alone(&["timeline", "2"]).expect(2);
        ran.telling(&["there is no run 2", "dcb history"]);
        project
            .run_alone(&["timeline", "--from", FILE, "-o", "page.html"])
            .expect(0);
        let page = std::fs::read_to_string(project.path().join("page.html")).expect("a page");
        assert!(page.contains("RUN echo hello") && page.contains(&engine.version));
        // Not compared by `assert_eq`, which would print both pages.
        assert!(
            newest.is_ok_and(|newest| newest == page),
            "the journal's, and what was printed"
        );
        let trace =
            project.run_alone(&["timeline", "--from", FILE, "-o", "-", "--format", "trace"]);
        let trace: Json = serde_json::from_str(&trace.expect(0).stdout).expect("JSON");
        let slices = trace["traceEvents"].as_array().expect("events").iter();
        let mut names = slices
            .filter(|event| event["ph"] == "X")
            .filter_map(|event| event["name"].as_str());
        assert!(names.any(|name| name.contains("RUN echo hello")), "{trace}");
    });
}

#[test]
fn events_of_a_later_version_are_left_out_with_a_note() {
    let mut events = shop("web");
    events.insert(3, json!({"at": 5, "event": "moon_rose", "phase": "full"}));
    let cut = text(&events).trim_end().to_owned();
    let project = Project::new("timeline").file(FILE, &cut[..cut.len() - 9]);
    let ran = project.run_alone(&["timeline", "--from", FILE]).expect(0);
    ran.telling(&[
        "note: 1 event of `run.jsonl` that only a later dcb knows left out\n",
        "note: the last line of `run.jsonl` ends in its middle, and is left out\n",
    ]);
}

#[test]
fn a_line_that_is_no_event_is_told_with_its_place() {
    let mut lines = text(&shop("web"));
    lines.insert_str(0, "+ docker compose build\n");
    let project = Project::new("timeline").file(FILE, &lines);
    project.run_alone(&["timeline", "--from", FILE]).shows(
        "
exit code 2
--- stderr
error: run.jsonl:1: no event: expected value at line 1 column 1
  = help: it is to be what `dcb --progress json build` prints on standard output, all of it
",
    );
    assert!(!project.path().join("dcb-timeline.html").exists());
    let twice = text(&shop("web")).repeat(2);
    project.write(FILE, &twice);
    let ran = project.run_alone(&["timeline", "--from", FILE]).expect(2);
    ran.telling(&["run.jsonl:14: a second run begins here"]);
    project.write(FILE, "");
    let ran = project.run_alone(&["timeline", "--from", FILE]).expect(2);
    ran.telling(&["`run.jsonl` has no events"]);
    let ran = project
        .run_alone(&["timeline", "--from", "nowhere.jsonl"])
        .expect(2);
    ran.telling(&[
        "failed to read `nowhere.jsonl`",
        "record a run: dcb --progress json build > run.jsonl",
    ]);
}

// ---- its page in a browser --------------------------------------------------------------------

#[test]
fn the_page_opens_from_a_file_without_a_complaint_and_without_a_network() {
    let Some(mut browser) = Browser::start(1440, 900) else {
        return;
    };
    let (_project, page) = page(&shop("web"));
    browser.open(&page);
    assert_eq!(browser.complaints(), [""; 0]);
    assert_eq!(
        browser.eval("document.title"),
        "shop: built in 3.0s · dcb timeline"
    );
    let findings = browser.eval("document.getElementById('findings').innerText");
    let findings = findings.as_str().expect("text");
    for words in [
        "Critical path\n100 %",
        "Slowest steps\n2.0s",
        "base alone, 2 waiting",
    ] {
        assert!(findings.contains(words), "`{words}` in {findings}");
    }
    // Something is drawn, and in more than one colour.
    let colours = browser.eval(
        "(() => { const chart = document.getElementById('chart'); \
         const pixels = new Uint32Array(chart.getContext('2d').getImageData(0, 0, chart.width, chart.height).data.buffer); \
         return new Set(pixels).size; })()",
    );
    assert!(colours.as_u64() > Some(8), "{colours} colours");
    // Everything that can be operated has a name for those who do not see it.
    let nameless = browser.eval(
        "[...document.querySelectorAll('button, input, select, [role=tree], aside')]\
         .filter((element) => !(element.textContent.trim() || element.labels?.length || element.getAttribute('aria-label'))).length",
    );
    assert_eq!(nameless, 0);
}

#[test]
fn the_keys_walk_the_services_and_steps() {
    let Some(mut browser) = Browser::start(1440, 900) else {
        return;
    };
    let (_project, page) = page(&shop("web"));
    browser.open(&page);
    browser.eval("document.getElementById('tree').focus()");
    browser.press(&["ArrowDown"]);
    assert_eq!(
        row(&mut browser),
        "base, built, 1.0s, 0 of 1 step from the cache, on the critical path"
    );
    browser.press(&["ArrowLeft", "ArrowDown"]);
    assert!(
        row(&mut browser).starts_with("web, built"),
        "its steps are closed"
    );
    browser.press(&["ArrowRight", "ArrowDown"]);
    browser.press(&["ArrowUp", "ArrowRight"]);
    assert_eq!(
        row(&mut browser),
        "[1/1] RUN make, executed, 2.0s, on the critical path, 1 line of log"
    );
    let text = details(&mut browser);
    assert!(
        text.contains("made web") && text.contains("67 % of the run"),
        "{text}"
    );
    browser.press(&["ArrowLeft"]);
    assert!(row(&mut browser).starts_with("web, built"));
    browser.press(&["End"]);
    assert!(row(&mut browser).starts_with("[1/1] COPY . ."));
    browser.press(&["Escape"]);
    assert_eq!(row(&mut browser), "");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn search_the_critical_path_and_help_have_keys() {
    let Some(mut browser) = Browser::start(1440, 900) else {
        return;
    };
    let (_project, page) = page(&shop("web"));
    browser.open(&page);
    let rows = |browser: &mut Browser| browser.eval("document.querySelectorAll('.row.job').length");
    browser.press(&["/", "a", "p", "k", "Enter"]);
    assert_eq!(rows(&mut browser), 1);
    assert_eq!(
        browser.eval("document.getElementById('found').textContent"),
        "1 service, 1 step"
    );
    assert!(row(&mut browser).starts_with("[2/2] RUN apk add make"));
    browser.press(&["Escape", "c"]);
    assert_eq!(rows(&mut browser), 2, "base and web");
    browser.press(&["c", "?"]);
    assert_eq!(browser.eval("document.getElementById('keys').open"), true);
    browser.press(&["Escape", "t"]);
    assert_eq!(
        browser.eval("document.documentElement.dataset.theme"),
        "dark"
    );
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn zoom_keeps_the_moment_under_the_pointer_and_fit_shows_the_whole_run() {
    let Some(mut browser) = Browser::start(1440, 900) else {
        return;
    };
    let (_project, page) = page(&shop("web"));
    browser.open(&page);
    // What stands on the ruler where the pointer is: the picture tells, so it is read from there.
    let picture = "document.getElementById('ruler').toDataURL()";
    let whole = browser.eval(picture);
    let wheel = |x: i32| json!({"type": "mouseWheel", "x": x, "y": 500, "deltaX": 0, "deltaY": -300, "modifiers": 2});
    browser.call("Input.dispatchMouseEvent", &wheel(700));
    browser.drawn();
    let near = browser.eval(picture);
    assert_ne!(near, whole);
    assert_eq!(
        browser.eval("scrollY + document.getElementById('scroller').scrollTop"),
        0,
        "the page stays"
    );
    browser.press(&["0"]);
    browser.call(
        "Input.dispatchMouseEvent",
        &json!({"type": "mouseMoved", "x": 5, "y": 5}),
    );
    browser.drawn();
    assert_eq!(browser.eval(picture), whole);
}

#[test]
fn the_page_is_dark_where_the_desktop_is_and_white_on_paper() {
    let Some(mut browser) = Browser::start(1440, 900) else {
        return;
    };
    let (_project, page) = page(&shop("web"));
    let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
    browser.call("Emulation.setEmulatedMedia", &dark);
    browser.open(&page);
    assert_eq!(
        browser.eval("document.documentElement.dataset.theme"),
        "dark"
    );
    browser.eval("dispatchEvent(new Event('beforeprint'))");
    let printed = browser.eval(
        "document.documentElement.dataset.theme + ' ' + document.querySelectorAll('#print .sheet .lane .sign').length",
    );
    assert_eq!(
        printed, "light 10",
        "four steps, in their services and in rows of their own, and the path of two services"
    );
    browser.eval("dispatchEvent(new Event('afterprint'))");
    assert_eq!(
        browser.eval("document.documentElement.dataset.theme"),
        "dark"
    );
    let pdf = browser.call("Page.printToPDF", &json!({"printBackground": true}));
    assert!(
        pdf["data"]
            .as_str()
            .is_some_and(|data| data.starts_with("JVBERi")),
        "a PDF"
    );
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn names_and_logs_that_are_meant_badly_are_shown_and_not_run() {
    let Some(mut browser) = Browser::start(1440, 900) else {
        return;
    };
    let evil = "</script><img src=x onerror=\"window.struck=1\"><script>window.struck=1</script>";
    let (_project, page) = page(&shop(evil));
    browser.open(&page);
    browser.press(&["/", "R", "U", "N", " ", "m", "a", "k", "Enter"]);
    let text = details(&mut browser);
    assert!(text.contains(&format!("made {evil}")), "{text}");
    assert_eq!(
        browser.eval("[typeof window.struck, document.images.length].join()"),
        "undefined,0"
    );
    assert_eq!(browser.complaints(), [""; 0]);
}

/// The events of 500 services with 40 steps each, and two lines of log to a step.
fn large() -> Vec<Json> {
    let name = |job: usize| format!("service-{job:03}");
    let jobs: Vec<Json> = (0..500)
        .map(|job| {
            let needs: Vec<usize> = (job >= 8).then_some(job / 8).into_iter().collect();
            json!({
                "services": [name(job)], "needs": needs, "variant": null,
                "way": {"strategy": "buildkit", "dockerfile": "Dockerfile", "frontend": "as_written"},
            })
        })
        .collect();
    let mut events = vec![json!({
        "at": 0, "event": "run_started", "schema": 1, "dcb": "0.1.0", "began": 0, "verb": "build",
        "project": "large", "directory": "/large", "engine": null, "parallel": 16, "jobs": jobs,
    })];
    for job in 0..500_usize {
        let began = u64::try_from(job / 16).expect("small") * 20_000;
        events.push(json!({"at": began, "event": "job_started", "job": job}));
        for step in 1..=40_u64 {
            let (from, to) = (began + step * 400, began + step * 400 + 100 + step * 7);
            let state = if step < 8 { "cached" } else { "done" };
            events.push(json!({
                "at": to, "event": "step", "job": job, "step": step,
                "name": format!("[{step}/40] RUN make part-{step}"),
                "state": state, "began": from, "ended": to, "took": to - from,
            }));
            for line in 0..2 {
                let line = format!("compiling a part of service {job}: line {line} of step {step}");
                events.push(
                    json!({"at": to, "event": "log", "job": job, "step": step, "line": line}),
                );
            }
        }
        events.push(json!({
            "at": began + 17_000, "event": "job_finished", "job": job, "outcome": "built",
            "image": null, "size": null, "departures": [], "pushed": [], "took": 17_000,
        }));
    }
    events
        .push(json!({"at": 640_000, "event": "run_finished", "result": "built", "took": 640_000}));
    events
}

/// How long the page works for each of 60 frames, in milliseconds of its processor, while `change` is
/// done in each. The time from frame to frame would be that of whatever else the machine does.
fn work(browser: &mut Browser, change: &str) -> f64 {
    let spent = |browser: &mut Browser| -> f64 {
        let metrics = browser.call("Performance.getMetrics", &json!({}));
        let metrics = metrics["metrics"].as_array().expect("metrics");
        let tasks = metrics
            .iter()
            .find(|metric| metric["name"] == "TaskDuration");
        tasks
            .and_then(|metric| metric["value"].as_f64())
            .expect("seconds")
    };
    let before = spent(browser);
    browser.eval(&format!(
        "(async () => {{ const scroller = document.getElementById('scroller'); \
         const box = scroller.getBoundingClientRect(); \
         for (let i = 0; i < 60; i += 1) {{ {change}; await new Promise(requestAnimationFrame); }} }})()"
    ));
    (spent(browser) - before) * 1_000.0 / 60.0
}

#[test]
fn five_hundred_services_of_forty_steps_stay_smooth() {
    let Some(mut browser) = Browser::start(1440, 900) else {
        return;
    };
    let (_project, page) = page(&large());
    browser.open(&page);
    let clock = json!({"timeDomain": "threadTicks"});
    browser.call("Performance.enable", &clock);
    browser.press(&["e"]);
    let height = browser.eval("document.getElementById('scroller').scrollHeight");
    assert!(
        height.as_u64() > Some(490_000),
        "all steps are open: {height}"
    );
    for (what, change) in [
        ("scrolling", "scroller.scrollTop += 40 * i"),
        (
            "zooming",
            "scroller.dispatchEvent(new WheelEvent('wheel', { ctrlKey: true, deltaY: i < 30 ? -30 : 30, \
             clientX: 800, clientY: box.top + 60, bubbles: true, cancelable: true }))",
        ),
        (
            "pointing",
            "scroller.dispatchEvent(new PointerEvent('pointermove', { clientX: 400 + 4 * i, \
             clientY: box.top + 4 * i, bubbles: true }))",
        ),
    ] {
        let frame = work(&mut browser, change);
        // 60 frames in a second leave 16.7 ms for each.
        assert!(frame < 16.7, "{what}: {frame} ms of work for a frame");
    }
    let rows = browser.eval("document.getElementById('tree').children.length");
    assert!(rows.as_u64() < Some(80), "{rows} rows are in the document");
    assert_eq!(browser.complaints(), [""; 0]);
}
