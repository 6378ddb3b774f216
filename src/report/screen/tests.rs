use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// A terminal that says when a write came, and takes it when it is permitted.
struct Slow {
    came: Sender<()>,
    permits: Receiver<()>,
    written: Arc<Mutex<Vec<String>>>,
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.came.send(());
        // When nobody gives permits any more, everything is taken.
        let _ = self.permits.recv();
        let text = String::from_utf8_lossy(bytes).into_owned();
        self.written.lock().expect("no panic").push(text);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The other end of it.
struct Driver {
    came: Receiver<()>,
    permit: Sender<()>,
    written: Arc<Mutex<Vec<String>>>,
}

impl Driver {
    fn until_it_writes(&self) {
        let patience = std::time::Duration::from_secs(10);
        self.came.recv_timeout(patience).expect("a write");
    }
}

fn slow() -> (Terminal, Driver) {
    let ((came, comes), (permit, permits)) = (channel(), channel());
    let written = Arc::new(Mutex::new(Vec::new()));
    let to = Slow {
        came,
        permits,
        written: Arc::clone(&written),
    };
    let driver = Driver {
        came: comes,
        permit,
        written,
    };
    (Terminal::on(to, Narrowing::Rewraps), driver)
}

const SIZE: Size = Size {
    columns: 80,
    rows: 24,
};

#[test]
fn a_terminal_that_takes_nothing_holds_nobody_and_shows_the_newest_picture_later() {
    let (mut terminal, driver) = slow();
    terminal.show(vec!["picture 0".to_owned()], SIZE);
    driver.until_it_writes();
    for number in 1..10_000 {
        terminal.show(vec![format!("picture {number}")], SIZE);
    }
    terminal.line("a line");
    driver.permit.send(()).expect("a writer");
    driver.until_it_writes();
    drop(driver.permit);
    terminal.clear();
    let written = driver.written.lock().expect("no panic");
    let [first, second, _cleared] = written.as_slice() else {
        panic!("{written:#?}");
    };
    assert!(first.contains("picture 0"), "{first:?}");
    assert!(second.contains("a line\n"), "{second:?}");
    assert!(second.contains("picture 9999\n"), "{second:?}");
}

#[test]
fn lines_for_a_slow_terminal_are_bounded_and_those_left_out_are_counted() {
    let (mut terminal, driver) = slow();
    terminal.line("the first");
    driver.until_it_writes();
    let long = "x".repeat(HELD / 4);
    for _ in 0..1000 {
        terminal.line(&long);
    }
    drop(driver.permit);
    terminal.clear();
    let written = driver.written.lock().expect("no panic");
    assert!(written[0].contains("the first\n"), "{:?}", written[0]);
    let rest = written[1..].concat();
    assert!(rest.len() < HELD + 1000, "{} bytes", rest.len());
    assert!(rest.contains("(996 lines not shown: this terminal is too slow for them)\n"));
}
