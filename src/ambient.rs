//! The process's surroundings, read once at start: arguments, environment, directory, terminal.
//!
//! Everything else in this crate takes them as values, so that a test can give its own. No other
//! module may ask the operating system for them; `clippy.toml` asserts it.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use indexmap::IndexMap;

/// What the process was started with.
#[derive(Debug, Clone)]
pub struct Ambient {
    /// The command line, the program's own name first.
    pub arguments: Vec<OsString>,
    /// The environment. Entries that are not UTF-8 are left out here and still reach children.
    pub environment: IndexMap<String, String>,
    /// The current directory, physical.
    pub directory: PathBuf,
    /// The home directory, where there is one.
    pub home: Option<PathBuf>,
    /// Memory of this machine in bytes, where it can be known.
    pub memory: Option<u64>,
    /// The name of this machine.
    pub hostname: String,
    /// Whether standard input is a terminal, so that somebody may answer.
    pub stdin_is_terminal: bool,
    /// Standard output.
    pub stdout: Terminal,
    /// Standard error.
    pub stderr: Terminal,
}

/// What is known of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminal {
    /// Columns, when it is a terminal.
    pub columns: Option<usize>,
    /// Whether colour is welcome: a terminal and no `NO_COLOR`, or `CLICOLOR_FORCE`.
    pub colour: bool,
    /// The characters it can show.
    pub signs: Signs,
    /// What happens to long lines when it gets narrower.
    pub narrowing: Narrowing,
}

/// The characters that an output can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signs {
    /// All: its encoding is UTF-8.
    Unicode,
    /// Only those of ASCII surely.
    Ascii,
}

/// What a terminal does with lines that are too long for it after it got narrower. None tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Narrowing {
    /// It breaks them anew, so that they take more rows: nearly all.
    Rewraps,
    /// It cuts them.
    Cuts,
}

impl Terminal {
    /// What is known of an output that nothing is known of.
    pub const UNKNOWN: Self = Self {
        columns: None,
        colour: false,
        signs: Signs::Ascii,
        narrowing: Narrowing::Rewraps,
    };
}

impl Ambient {
    /// Reads the surroundings of this process.
    ///
    /// # Errors
    /// When the current directory no longer exists or may not be read.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the process's surroundings"
    )]
    pub fn capture() -> io::Result<Self> {
        let environment: IndexMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let home = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        let colour = |terminal: bool| {
            let set = |name: &str| environment.get(name).is_some_and(|value| !value.is_empty());
            if set("NO_COLOR") {
                false
            } else if environment.get("CLICOLOR_FORCE").is_some_and(|v| v != "0") {
                true
            } else {
                terminal && environment.get("TERM").is_none_or(|term| term != "dumb")
            }
        };
        let terminal = |is_terminal: bool, term: console::Term| Terminal {
            columns: is_terminal.then(|| usize::from(term.size().1)),
            colour: colour(is_terminal),
            signs: signs(&environment),
            narrowing: narrowing(&environment),
        };
        Ok(Self {
            arguments: std::env::args_os().collect(),
            directory: std::env::current_dir()?,
            home: environment
                .get(home)
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            memory: memory(),
            hostname: hostname(),
            stdin_is_terminal: io::stdin().is_terminal(),
            stdout: terminal(io::stdout().is_terminal(), console::Term::stdout()),
            stderr: terminal(io::stderr().is_terminal(), console::Term::stderr()),
            environment,
        })
    }

    /// The value of a variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Processors this process may use. Asked for when it matters: finding out takes reading a handful
    /// of files.
    pub fn processors(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }

    /// Where dcb keeps what happened: `$XDG_STATE_HOME/dcb`, else `~/.local/state/dcb`.
    pub fn state_directory(&self) -> Option<PathBuf> {
        self.below_home("XDG_STATE_HOME", ".local/state")
    }

    /// Where dcb may keep what it can always find out again: `$XDG_CACHE_HOME/dcb`, else
    /// `~/.cache/dcb`.
    pub fn cache_directory(&self) -> Option<PathBuf> {
        self.below_home("XDG_CACHE_HOME", ".cache")
    }

    /// dcb's own directory below one that a variable names, else below one of the home directory.
    fn below_home(&self, variable: &str, usual: &str) -> Option<PathBuf> {
        self.variable(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| Some(self.home.as_ref()?.join(usual)))
            .map(|path| path.join("dcb"))
    }
}

/// What the locale says, as POSIX reads it: the first of these that is set decides.
fn signs(environment: &IndexMap<String, String>) -> Signs {
    let set = |name: &&str| environment.get(*name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set);
    let utf8 = locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    // The console of Windows takes text, not bytes.
    if utf8 || cfg!(windows) {
        Signs::Unicode
    } else {
        Signs::Ascii
    }
}

/// xterm names itself, and the console of Linux is a kind of terminal of its own.
fn narrowing(environment: &IndexMap<String, String>) -> Narrowing {
    let console = environment.get("TERM").is_some_and(|term| term == "linux");
    if console || environment.contains_key("XTERM_VERSION") {
        Narrowing::Cuts
    } else {
        Narrowing::Rewraps
    }
}

#[cfg(target_os = "linux")]
fn memory() -> Option<u64> {
    let info = rustix::system::sysinfo();
    u64::from(info.mem_unit).checked_mul(info.totalram)
}

#[cfg(not(target_os = "linux"))]
fn memory() -> Option<u64> {
    None
}

#[cfg(unix)]
fn hostname() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

#[cfg(not(unix))]
fn hostname() -> String {
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_of_the_locale_that_is_set_decides_on_signs() {
        for (variables, expected) in [
            (vec![("LANG", "de_DE.UTF-8")], Signs::Unicode),
            (vec![("LANG", "C.utf8")], Signs::Unicode),
            (vec![("LANG", "C.UTF-8"), ("LC_CTYPE", "C")], Signs::Ascii),
            (vec![("LC_ALL", ""), ("LANG", "C.UTF-8")], Signs::Unicode),
            (
                vec![("LC_ALL", "C.UTF-8"), ("LC_CTYPE", "C")],
                Signs::Unicode,
            ),
            (vec![("LANG", "ja_JP.eucJP")], Signs::Ascii),
            (vec![], Signs::Ascii),
        ] {
            let set = variables.iter();
            let environment = set
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            assert_eq!(signs(&environment), expected, "{variables:?}");
        }
    }
}
