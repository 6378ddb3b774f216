//! A build as somebody sees it who sits before a terminal: the picture while it goes on, and what is
//! left when it is over.

mod support;

use std::fs::File;
use std::io::Read;
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use support::{Engine, PrivateEngine, Project, newest, on_every_engine, until};

const PATIENCE: Duration = Duration::from_secs(30);

/// dcb on a terminal of its own, and what that terminal shows.
struct Session {
    child: Child,
    master: Arc<OwnedFd>,
    terminal: Arc<Mutex<vt100::Parser>>,
}

fn length(number: u16) -> NonZero<u16> {
    NonZero::new(number).expect("not nothing")
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

impl Session {
    fn start(mut command: Command, rows: u16, columns: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).expect("allowed");
        unlockpt(&master).expect("allowed");
        tcsetwinsize(&master, size(rows, columns)).expect("a size");
        let name = ptsname(&master, Vec::new()).expect("a name");
        let slave = File::options()
            .read(true)
            .write(true)
            .open(name.to_str().expect("UTF-8"))
            .expect("its other side");
        let child = command
            // The terminal of this test cuts lines when it gets narrower, as that of Linux does.
            .env("TERM", "linux")
            .stdout(slave.try_clone().expect("a descriptor"))
            .stderr(slave.try_clone().expect("a descriptor"))
            .stdin(slave)
            .spawn()
            .expect("dcb starts");
        drop(command);
        let parser = vt100::Parser::new(length(rows), length(columns), 1000);
        let session = Self {
            child,
            master: Arc::new(master),
            terminal: Arc::new(Mutex::new(parser)),
        };
        session.read();
        session
    }

    fn read(&self) {
        let (terminal, master) = (Arc::clone(&self.terminal), Arc::clone(&self.master));
        std::thread::spawn(move || {
            let mut from = File::from(master.try_clone().expect("a descriptor"));
            let (mut buffer, mut written) = ([0; 8192], Vec::new());
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                written.extend(&buffer[..length]);
                let mut terminal = terminal.lock().expect("no panic");
                let (_, columns) = terminal.screen().size();
                terminal.process(&without_wrapping(&mut written, usize::from(columns.get())));
            }
            terminal.lock().expect("no panic").process(&written);
        });
    }

    /// Types `text`.
    fn keys(&self, text: &str) {
        rustix::io::write(&*self.master, text.as_bytes()).expect("a terminal that takes keys");
    }

    fn resize(&self, rows: u16, columns: u16) {
        let mut terminal = self.terminal.lock().expect("no panic");
        let screen = terminal.screen_mut();
        screen.set_size(length(rows), length(columns));
        tcsetwinsize(&*self.master, size(rows, columns)).expect("a size");
    }

    /// The rows of the terminal that are not empty.
    fn shown(&self) -> Vec<String> {
        let terminal = self.terminal.lock().expect("no panic");
        let contents = terminal.screen().contents();
        contents.lines().map(str::to_owned).collect()
    }

    fn until_shown(&self, what: &str) -> Vec<String> {
        let began = Instant::now();
        loop {
            let shown = self.shown();
            if shown.iter().any(|line| line.contains(what)) {
                return shown;
            }
            assert!(began.elapsed() < PATIENCE, "no `{what}` in {shown:#?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for the end; what is left on the terminal, whose cursor must be as it was.
    fn end(mut self) -> (ExitStatus, Vec<String>) {
        until("its end", PATIENCE, || {
            self.child.try_wait().expect("a child").is_some()
        });
        let status = self.child.wait().expect("a child");
        // What was written last may still be on its way.
        std::thread::sleep(Duration::from_millis(200));
        let terminal = self.terminal.lock().expect("no panic");
        assert!(!terminal.screen().hide_cursor(), "the cursor is visible");
        drop(terminal);
        (status, self.shown())
    }
}

/// Takes what may be shown out of `written`, and cuts what must not wrap to `columns`: the emulator of
/// this test does not know of terminals that are told not to wrap, and what was painted for a wider one
/// may come just after it got narrower. What must not wrap is whole, or it stays.
fn without_wrapping(written: &mut Vec<u8>, columns: usize) -> Vec<u8> {
    const OFF: &[u8] = b"\x1b[?7l";
    const ON: &[u8] = b"\x1b[?7h";
    let find = |text: &[u8], word: &[u8]| text.windows(word.len()).position(|it| it == word);
    let mut shown = Vec::new();
    while let Some(begin) = find(written, OFF) {
        let Some(length) = find(&written[begin..], ON) else {
            shown.extend(written.drain(..begin));
            return shown;
        };
        shown.extend(written.drain(..begin));
        let within: Vec<u8> = written.drain(..length).collect();
        let within = String::from_utf8(within).expect("UTF-8");
        let lines = within.split('\n');
        let cut: Vec<_> = lines
            .map(|line| console::truncate_str(line, columns, ""))
            .collect();
        shown.extend(cut.join("\n").into_bytes());
    }
    // The end may be the beginning of the words that are looked for.
    let rest = written.len().saturating_sub(OFF.len());
    let escape = written[rest..].iter().position(|byte| *byte == 0x1b);
    shown.extend(written.drain(..escape.map_or(written.len(), |at| rest + at)));
    shown
}

/// Three services, of which one needs another; what each does takes `seconds`.
fn project(project: Project, engine: &Engine, seconds: &str) -> Project {
    let number = fastrand::u64(..);
    let base = project.image(engine, "base");
    project
        .file(
            "compose.yaml",
            "services:\n  base:\n    build: ./base\n  web:\n    build: ./web\n  worker:\n    build: ./worker\n    environment:\n      NAME: ${NOT_SET_ANYWHERE}\n",
        )
        .file(
            "base/Dockerfile",
            &format!("FROM busybox\nRUN echo {number} from base && sleep {seconds}\n"),
        )
        .file("web/Dockerfile", &format!("FROM {base}\nRUN echo web && sleep {seconds}\n"))
        .file(
            "worker/Dockerfile",
            &format!("FROM busybox\nRUN echo {number} from worker && sleep {seconds}\n"),
        )
}

fn build(project: &Project, engine: &Engine) -> Command {
    let mut command = project.dcb_on(engine);
    command.args(["build", "--no-cache"]);
    command
}

/// Nothing of a picture, only what is to stay: a warning, and the table.
fn assert_clean(shown: &[String], project: &Project) {
    let text = shown.join("\n");
    assert!(shown[0].starts_with("warning: "), "{text}");
    let head = |line: &&String| line.starts_with("SERVICE ");
    let heads = shown.iter().filter(head).count();
    assert_eq!(heads, 1, "one table:\n{text}");
    for rubbish in [" running", "waits for", "▸", "◦", "    | "] {
        assert!(!text.contains(rubbish), "`{rubbish}` is left:\n{text}");
    }
    let name = format!("{}  ", project.name());
    assert!(!text.contains(&name), "the head is left:\n{text}");
}

#[test]
fn a_build_is_seen_while_it_goes_on_and_leaves_only_what_is_to_stay() {
    on_every_engine("seen", |engine, empty| {
        let project = project(empty, engine, "2");
        let session = Session::start(build(&project, engine), 24, 100);
        let shown = session.until_shown("waits for base").join("\n");
        assert!(shown.contains("0 of 3 services built, "), "{shown}");
        assert!(shown.starts_with("warning: "), "{shown}");
        session.until_shown("RUN echo web");
        session.until_shown("| web");
        let (status, shown) = session.end();
        assert!(status.success(), "{shown:#?}");
        assert_clean(&shown, &project);
        assert!(
            shown.join("\n").contains("3 services built in "),
            "{shown:#?}"
        );
    });
}

#[test]
fn a_terminal_that_changes_its_size_has_no_rubbish_left() {
    on_every_engine("resize", |engine, empty| {
        let project = project(empty, engine, "2");
        let session = Session::start(build(&project, engine), 24, 100);
        session.until_shown("0 of 3 services built");
        session.resize(24, 40);
        let shown = session.until_shown("0/3 built").join("\n");
        assert!(!shown.contains("services built"), "{shown}");
        session.resize(30, 120);
        session.until_shown("services built");
        let (status, shown) = session.end();
        assert!(status.success(), "{shown:#?}");
        assert_clean(&shown, &project);
    });
}

#[test]
fn ctrl_c_leaves_a_clean_terminal() {
    on_every_engine("keys", |engine, empty| {
        let project = project(empty, engine, "60");
        let session = Session::start(build(&project, engine), 24, 100);
        session.until_shown("| ");
        let pid = rustix::process::Pid::from_child(&session.child);
        rustix::process::kill_process(pid, Signal::INT).expect("a signal");
        let (status, shown) = session.end();
        assert!(!status.success(), "{shown:#?}");
        assert_clean(&shown, &project);
        assert!(shown.join("\n").contains("stopped"), "{shown:#?}");
    });
}

#[test]
fn what_removes_something_asks_and_only_a_yes_lets_it_go_on() {
    let Some(engine) = PrivateEngine::like(&newest()) else {
        return;
    };
    let project = project(Project::new("asked"), &engine, "0");
    project.run(&engine, &["build", "--quiet"]).expect(0);
    let image = project.image(&engine, "web");
    for (verb, answer) in [
        (&["clean"][..], "n\n"),
        (&["clean"], "\n"),
        // The end of the input.
        (&["clean"], "\u{4}"),
        (&["reset"], "what?\n"),
        (&["cache", "clear", "--all"], "no\n"),
        (&["clean"], "y\n"),
    ] {
        let mut command = project.dcb_on(&engine);
        command.args(verb);
        let session = Session::start(command, 40, 100);
        let asked = session.until_shown("[y/N]");
        session.keys(answer);
        let (status, shown) = session.end();
        let agreed = answer == "y\n";
        let told = shown.iter().any(|line| {
            line.contains("nothing was changed") || line.contains("nothing was removed")
        });
        assert_eq!(told, !agreed, "{verb:?} {answer:?}: {shown:#?}");
        assert_eq!(status.success(), agreed, "{verb:?} {answer:?}: {shown:#?}");
        assert_eq!(engine.has_image(&image), !agreed, "{asked:#?}");
    }
}

#[test]
fn what_takes_its_time_is_said_while_it_does_and_no_longer() {
    let engine = newest();
    let project = Project::new("waits").file(
        "compose.yaml",
        "services: {db: {image: busybox, command: sleep 1000, network_mode: none, stop_signal: KILL}}\n",
    );
    let mut command = project.dcb_on(&engine);
    command.arg("verify");
    let session = Session::start(command, 40, 100);
    session.until_shown(" checking ");
    let (status, shown) = session.end();
    assert!(status.success(), "{shown:#?}");
    assert!(
        shown.iter().any(|line| line.contains("works")),
        "{shown:#?}"
    );
    assert!(
        !shown.iter().any(|line| line.contains(" checking ")),
        "{shown:#?}"
    );
}
