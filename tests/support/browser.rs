//! A real browser, driven as its developer tools drive it: Chromium without a window, and messages in
//! JSON over a pipe, each with a zero byte at its end.
//! <https://chromedevtools.github.io/devtools-protocol/>
//!
//! It is the one that `DCB_TEST_BROWSER` names (`tests/run` sets it), else the first on PATH. A test that
//! finds none fails and says how to get one; with `DCB_TEST_BROWSER=none` there is none to test with.
#![allow(unreachable_pub, reason = "tests take it in as a module of their own")]

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, mkfifoat};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

/// Under these names Debian and others have it. The first is the smallest.
const PROGRAMS: [&str; 4] = [
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
];
/// A page is loaded sooner, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one page.
pub struct Browser {
    child: Child,
    to: File,
    from: BufReader<File>,
    session: Option<String>,
    last: u64,
    /// What it told without being asked.
    events: Vec<Json>,
    _home: TempDir,
}

/// The browser's program; none when the tests are to do without.
fn program() -> Option<PathBuf> {
    match std::env::var("DCB_TEST_BROWSER") {
        Ok(none) if none == "none" => None,
        Ok(path) => Some(path.into()),
        Err(_) => {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let directories: Vec<PathBuf> = std::env::split_paths(&path).collect();
            let found = PROGRAMS.iter().find_map(|name| {
                let places = directories.iter().map(|directory| directory.join(name));
                places.into_iter().find(|place| place.exists())
            });
            Some(found.unwrap_or_else(|| {
                panic!(
                    "no browser to test with: run ./tests/run, or install `{}` (Debian), or set \
                     DCB_TEST_BROWSER to the path of a Chromium, or to `none`",
                    PROGRAMS[0]
                )
            }))
        }
    }
}

impl Browser {
    /// Starts one with an empty page of this size; none when the tests are to do without.
    pub fn start(width: u32, height: u32) -> Option<Self> {
        let program = program()?;
        let home = tempfile::tempdir().expect("a directory");
        let pipe = |name: &str| {
            let path = home.path().join(name);
            mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).expect("a pipe");
            path
        };
        let (commands, answers) = (pipe("commands"), pipe("answers"));
        // The browser takes descriptors 3 and 4, which a shell can hand to it.
        let child = Command::new("sh")
            .args(["-c", r#"exec "$@" 3<"$COMMANDS" 4>"$ANSWERS""#, "sh"])
            .arg(program)
            // As root it refuses to run in its sandbox; what it is shown are our own files.
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
            ])
            .arg("--remote-debugging-pipe")
            .arg(format!(
                "--user-data-dir={}",
                home.path().join("profile").display()
            ))
            .arg(format!("--window-size={width},{height}"))
            .arg("about:blank")
            .env("HOME", home.path())
            .env("COMMANDS", &commands)
            .env("ANSWERS", &answers)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a browser");
        let to = File::options()
            .write(true)
            .open(&commands)
            .expect("its ear");
        let from = BufReader::new(File::open(&answers).expect("its mouth"));
        let mut browser = Self {
            child,
            to,
            from,
            session: None,
            last: 0,
            events: Vec::new(),
            _home: home,
        };
        let targets = browser.call("Target.getTargets", &json!({}));
        let infos = targets["targetInfos"].as_array().expect("targets");
        let page = infos
            .iter()
            .find(|target| target["type"] == "page")
            .expect("a page");
        let attached = json!({"targetId": page["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", &attached)["sessionId"].clone();
        browser.session = session.as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        browser.call("Emulation.setDeviceMetricsOverride", &size);
        Some(browser)
    }

    /// Asks for something and waits for the answer.
    #[track_caller]
    pub fn call(&mut self, method: &str, params: &Json) -> Json {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).expect("the browser runs");
        loop {
            let mut answer = Vec::new();
            self.from
                .read_until(0, &mut answer)
                .expect("the browser runs");
            assert_eq!(answer.pop(), Some(0), "the browser ended");
            let mut answer: Json = serde_json::from_slice(&answer).expect("JSON");
            if answer["id"] != self.last {
                self.events.push(answer);
                continue;
            }
            assert!(answer.get("error").is_none(), "{method}: {answer}");
            return answer["result"].take();
        }
    }

    /// Opens a file and waits until its page is drawn.
    pub fn open(&mut self, file: &Path) {
        self.events.clear();
        self.call(
            "Page.navigate",
            &json!({"url": format!("file://{}", file.display())}),
        );
        let begin = Instant::now();
        while self.eval("document.readyState === 'complete' && location.protocol === 'file:'")
            != true
        {
            assert!(
                begin.elapsed() < PATIENCE,
                "`{}` is not loaded",
                file.display()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        self.drawn();
    }

    /// Waits until everything that is asked for is drawn.
    pub fn drawn(&mut self) {
        self.eval("new Promise((ready) => requestAnimationFrame(() => requestAnimationFrame(() => ready(1))))");
    }

    /// The value of an expression in the page, awaited where it is a promise.
    #[track_caller]
    pub fn eval(&mut self, expression: &str) -> Json {
        let params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let mut answer = self.call("Runtime.evaluate", &params);
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].take()
    }

    /// Presses keys by their names, and waits until the page shows what they do.
    pub fn press(&mut self, keys: &[&str]) {
        for key in keys {
            let code = match *key {
                "Enter" => 13,
                "Escape" => 27,
                "End" => 35,
                "Home" => 36,
                "ArrowLeft" => 37,
                "ArrowUp" => 38,
                "ArrowRight" => 39,
                "ArrowDown" => 40,
                "Tab" => 9,
                _ => 0,
            };
            let mut down = json!({"type": "keyDown", "key": key, "windowsVirtualKeyCode": code});
            match code {
                0 => down["text"] = (*key).into(),
                _ => down["code"] = (*key).into(),
            }
            self.call("Input.dispatchKeyEvent", &down);
            self.call(
                "Input.dispatchKeyEvent",
                &json!({"type": "keyUp", "key": key}),
            );
        }
        self.drawn();
    }

    /// Errors and messages of the page since it was opened, and what it asked of any network.
    pub fn complaints(&self) -> Vec<String> {
        let complaint = |event: &&Json| match event["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded") => true,
            Some("Network.requestWillBeSent") => {
                let url = event["params"]["request"]["url"].as_str();
                !url.is_some_and(|url| url.starts_with("file://"))
            }
            _ => false,
        };
        self.events
            .iter()
            .filter(complaint)
            .map(Json::to_string)
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends with all its processes, which a kill of the first would leave; then the directory goes.
        let _ = self
            .to
            .write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(5) {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
