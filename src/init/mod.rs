//! `dcb init`: what a repository needs so that everyone in it builds with dcb.
//!
//! ```text
//! repository   the files as they are
//!   script, powershell ──> reading   is a script's work all what dcb does?
//!   command      which commands are Compose's, and which of them build
//! shims, makefile, packages, section   the files as they could be
//! ──> Proposal: changes, and what is left alone and why
//! ```
//!
//! Nothing is written here and nobody is asked: a proposal is made of texts alone, so that it can be shown
//! before anything happens. A project that dcb understands by itself needs nothing, and is told so: only
//! what people type already is looked after, unless a part is named. What is there is replaced only where
//! all that it does is known; what dcb cannot know is named instead.
//! A second run on what the first has written finds nothing to do.

mod command;
mod makefile;
mod packages;
mod powershell;
mod reading;
mod repository;
mod script;
mod section;
mod shims;

use std::ffi::OsStr;

pub use command::Takes;
pub use repository::{Existing, Repository};

use crate::dockerfile::Markers;
use crate::process;
use reading::Reading;
use shims::Shim;

/// What may be proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `x-dcb` in the compose file.
    Section,
    /// `build.sh`.
    Shell,
    /// `build.ps1`.
    PowerShell,
    /// The Makefile.
    Makefile,
    /// `package.json` and `pyproject.toml`.
    Scripts,
}

/// Every part, in the order in which it is shown.
const PARTS: [Part; 5] = [
    Part::Section,
    Part::Shell,
    Part::PowerShell,
    Part::Makefile,
    Part::Scripts,
];

/// What is to be proposed.
pub struct Wanted<'a> {
    /// The parts to propose, be there such a file or not; none for those that are there.
    pub parts: &'a [Part],
    /// Whether scripts that do what dcb cannot know are replaced too.
    pub force: bool,
    /// Flags that choose the project.
    pub project: &'a [String],
    /// What dcb takes.
    pub takes: &'a Takes<'a>,
}

/// What dcb has to be told in the compose file, because it cannot find it out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The markers of Dockerfiles in two forms.
    pub markers: Option<Markers>,
    /// Keys, their values, and the file that has it so.
    pub wishes: Vec<(&'static str, String, String)>,
}

/// A file as it is and as it could be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its name in the repository.
    pub name: String,
    /// Its text; none where there is no such file.
    pub before: Option<String>,
    /// Its text as proposed.
    pub after: String,
    /// Whether it is to be run.
    pub executable: bool,
    /// What it is good for.
    pub why: String,
}

/// Something that stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftAlone {
    /// What it is and why: one line.
    pub what: String,
    /// The particulars.
    pub details: Vec<String>,
    /// What to do about it.
    pub help: Option<String>,
}

/// What could be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposal {
    /// Files that could be written.
    pub changes: Vec<Change>,
    /// What stays as it is although somebody may have expected otherwise.
    pub left_alone: Vec<LeftAlone>,
    /// Whether the compose file needs no word for dcb.
    pub needs_no_section: bool,
    /// How dcb is called here, where there is no script of any kind and so nothing to propose.
    pub by_hand: Option<String>,
}

/// What could be done in `repository`.
pub fn propose(repository: &Repository, wanted: &Wanted<'_>) -> Proposal {
    let mut proposing = Proposing {
        repository,
        wanted,
        proposal: Proposal::default(),
    };
    let shell = proposing.script("build.sh", &repository.shell, script::read);
    let powershell = proposing.script("build.ps1", &repository.powershell, powershell::read);
    let looked_at: Vec<Part> = match wanted.parts {
        [] => PARTS
            .into_iter()
            .filter(|part| part.is_in(repository))
            .collect(),
        named => named.to_vec(),
    };
    for part in &looked_at {
        match part {
            Part::Section => proposing.section(&[&shell, &powershell]),
            Part::Shell => {
                let why = "for those who type `./build.sh`";
                proposing.shim(&shell, why, Shim::posix);
            }
            Part::PowerShell => {
                let why = "for those who type `.\\build.ps1`";
                proposing.shim(&powershell, why, Shim::powershell);
            }
            Part::Makefile => proposing.makefile(),
            Part::Scripts => proposing.scripts(),
        }
    }
    let nothing_to_say =
        proposing.proposal.changes.is_empty() && proposing.proposal.left_alone.is_empty();
    let by_file = [Part::Shell, Part::PowerShell, Part::Makefile];
    if wanted.parts.is_empty()
        && nothing_to_say
        && !by_file.iter().any(|part| part.is_in(repository))
    {
        proposing.proposal.by_hand = Some(format!("dcb{}", proposing.flags()));
    }
    proposing.proposal
}

impl Part {
    /// Whether `repository` has the file that it is about: what people type already.
    fn is_in(self, repository: &Repository) -> bool {
        match self {
            // Each of them looks by itself whether there is anything to do.
            Self::Section | Self::Scripts => true,
            Self::Shell => repository.shell != Existing::None,
            Self::PowerShell => repository.powershell != Existing::None,
            Self::Makefile => repository.makefile.1 != Existing::None,
        }
    }
}

struct Proposing<'a> {
    repository: &'a Repository,
    wanted: &'a Wanted<'a>,
    proposal: Proposal,
}

/// A script that people build with.
struct Script<'a> {
    name: &'static str,
    existing: &'a Existing,
    outlook: Outlook,
}

/// What can become of a script.
enum Outlook {
    /// There is none.
    New,
    /// It calls dcb already.
    Done,
    /// A shim can do all that it does.
    Understood(Reading),
    /// It is to be replaced although dcb does not know all that it does.
    Forced(Reading),
    /// It stays.
    Stays(LeftAlone),
}

impl<'a> Proposing<'a> {
    /// Looks at a script.
    fn script(
        &self,
        name: &'static str,
        existing: &'a Existing,
        read: fn(&str, &Takes<'_>) -> Reading,
    ) -> Script<'a> {
        let outlook = match existing {
            Existing::None => Outlook::New,
            Existing::Unreadable(why) => Outlook::Stays(LeftAlone {
                what: format!("{name} is left alone: {why}"),
                details: Vec::new(),
                help: None,
            }),
            Existing::Text(text) if hands_over(text) => Outlook::Done,
            Existing::Text(text) => self.outlook(name, read(text, self.wanted.takes)),
        };
        Script {
            name,
            existing,
            outlook,
        }
    }

    fn outlook(&self, name: &str, mut reading: Reading) -> Outlook {
        let verb = reading.verb();
        for flag in reading.takes.clone() {
            let words = ["dcb", verb, &flag].map(str::to_owned);
            if reading.built && flag != "--help" && !(self.wanted.takes)(&words) {
                let what = format!("`{flag}`, a flag that `dcb {verb}` does not have");
                reading.beyond(0, what);
            }
        }
        if reading.beyond.is_empty() {
            return Outlook::Understood(reading);
        }
        if self.wanted.force {
            return Outlook::Forced(reading);
        }
        let help = if reading.built {
            format!(
                "write `dcb {verb}` there in place of the docker commands; or `dcb init --force` \
                 replaces all of it, and keeps it as {name}.bak"
            )
        } else {
            format!("`dcb init --force` replaces it, and keeps it as {name}.bak")
        };
        Outlook::Stays(LeftAlone {
            what: format!("{name} is left alone: it does what dcb cannot know"),
            details: reading.beyond,
            help: Some(help),
        })
    }

    /// Proposes the shim for a script, as `write` writes it.
    fn shim(&mut self, script: &Script<'_>, why: &str, write: fn(&Shim) -> String) {
        let reading = match &script.outlook {
            Outlook::Done => return,
            Outlook::Stays(left) => return self.proposal.left_alone.push(left.clone()),
            Outlook::New => None,
            // Where it runs no Compose nothing is known of what it is good for.
            Outlook::Understood(reading) | Outlook::Forced(reading) => {
                Some(reading).filter(|reading| reading.built)
            }
        };
        let shim = Shim::new(self.wanted.project, reading);
        self.change(script.name, script.existing, write(&shim), why);
    }

    fn makefile(&mut self) {
        let (name, existing) = &self.repository.makefile;
        let text = match existing {
            Existing::None => None,
            Existing::Text(text) => Some(text.as_str()),
            Existing::Unreadable(why) => {
                let what = format!("{name} is left alone: {why}");
                return self.leave(what, Vec::new(), None);
            }
        };
        let flags = self.flags();
        let unix = text.map(|text| text.replace("\r\n", "\n"));
        let made = makefile::make(
            unix.as_deref(),
            &self.repository.included,
            &flags,
            self.wanted.takes,
        );
        for note in made.notes {
            self.leave(format!("{name}: {note}"), Vec::new(), None);
        }
        if self.repository.includes_more {
            let what = format!("{name} includes files by names that only make knows");
            let help = "look whether they have targets of the same names";
            self.leave(what, Vec::new(), Some(help.to_owned()));
        }
        self.change(name, existing, made.text, "for those who type `make dev`");
    }

    fn scripts(&mut self) {
        for (name, existing) in &self.repository.scripts {
            match existing {
                Existing::None => {}
                Existing::Unreadable(why) => {
                    self.leave(format!("{name} is left alone: {why}"), Vec::new(), None);
                }
                Existing::Text(text) => {
                    let after = packages::hand_over(name, text, self.wanted.takes);
                    self.change(name, existing, after, "its scripts build with dcb");
                }
            }
        }
    }

    fn section(&mut self, scripts: &[&Script<'_>]) {
        let settings = Settings {
            markers: self.repository.markers.clone(),
            wishes: wishes(scripts),
        };
        if settings == Settings::default() || self.repository.has_section {
            self.proposal.needs_no_section = !self.repository.has_section;
            return;
        }
        let Some((name, existing)) = &self.repository.compose else {
            return;
        };
        let Existing::Text(text) = existing else {
            return;
        };
        let unix = text.replace("\r\n", "\n");
        match section::inserted(&unix, &settings) {
            Ok(Some(after)) => {
                self.change(name, existing, after, "what dcb cannot find out by itself");
            }
            Ok(None) => {}
            Err(section) => self.leave(
                format!("{name} is left alone: it is not written line by line"),
                section.lines().map(str::to_owned).collect(),
                Some("add these lines by hand".to_owned()),
            ),
        }
    }

    fn leave(&mut self, what: String, details: Vec<String>, help: Option<String>) {
        self.proposal.left_alone.push(LeftAlone {
            what,
            details,
            help,
        });
    }

    /// Proposes `after` with the line ends that the file has, unless that is what it is already.
    fn change(&mut self, name: &str, existing: &Existing, after: String, why: &str) {
        let before = match existing {
            Existing::Text(text) => Some(text.clone()),
            _ => None,
        };
        let dos = before.as_ref().is_some_and(|text| text.contains("\r\n"));
        let after = if dos && !after.contains("\r\n") {
            after.replace('\n', "\r\n")
        } else {
            after
        };
        if before.as_ref() != Some(&after) {
            self.proposal.changes.push(Change {
                name: name.to_owned(),
                before,
                after,
                executable: name == "build.sh",
                why: why.to_owned(),
            });
        }
    }

    /// The flags that choose the project, as a shell needs them, each with a blank in front.
    fn flags(&self) -> String {
        let quoted = self.wanted.project.iter();
        quoted
            .map(|word| format!(" {}", process::quote(OsStr::new(word))))
            .collect()
    }
}

/// What scripts that are understood say to the builder. The shims say it too; in the compose file it is
/// there for those who type `dcb`.
fn wishes(scripts: &[&Script<'_>]) -> Vec<(&'static str, String, String)> {
    let mut wishes: Vec<(&'static str, String, String)> = Vec::new();
    for script in scripts {
        let (Outlook::Understood(reading) | Outlook::Forced(reading)) = &script.outlook else {
            continue;
        };
        for (variable, value) in &reading.exported {
            let (key, value) = match (variable.as_str(), value.as_str()) {
                ("DOCKER_BUILDKIT", "0" | "false") => ("strategy", "classic"),
                ("BUILDX_BUILDER", name) => ("builder", name),
                _ => continue,
            };
            if !wishes.iter().any(|(known, ..)| *known == key) {
                wishes.push((key, value.to_owned(), script.name.to_owned()));
            }
        }
    }
    wishes
}

/// Whether a script calls dcb already.
fn hands_over(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start();
        let line = line
            .strip_prefix("exec ")
            .or(line.strip_prefix("& "))
            .unwrap_or(line);
        line == "dcb" || line.starts_with("dcb ")
    })
}
