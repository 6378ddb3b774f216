//! `init`: what is proposed is shown, asked about, and written.

mod write;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::{App, UNWRITTEN};
use crate::cli::{Cli, Init, InitPart};
use crate::compose::{self, Project};
use crate::failure::{Class, Failure};
use crate::init::{self, Change, Part, Repository, Wanted};
use crate::{process, report, settings};

impl App<'_> {
    /// `dcb init`.
    pub(super) fn init(&self, asked: &Init) -> anyhow::Result<ExitCode> {
        let project = self.load().map_err(not_yet)?;
        settings::Extension::read(&project)?;
        let root = self.root(&project);
        let parts: Vec<Part> = asked.parts.iter().copied().map(part).collect();
        let flags = self.project_words();
        let takes = |words: &[String]| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            Cli::read(&words).is_ok()
        };
        let proposal = init::propose(
            &Repository::read(&root, &project),
            &Wanted {
                parts: &parts,
                force: asked.force,
                project: &flags,
                takes: &takes,
            },
        );
        report::result(&report::init::opening(&proposal)).context(UNWRITTEN)?;
        let may_ask = self.ambient.stdin_is_terminal && !asked.dry_run;
        for change in &proposal.changes {
            let shown = report::init::change(change, self.ambient.stdout);
            report::result(&shown).context(UNWRITTEN)?;
            let agreed = asked.yes
                || may_ask && report::ask(&format!("write {}?", change.name)).context(UNWRITTEN)?;
            if agreed {
                let told = put(&root, change)?;
                report::result(&told).context(UNWRITTEN)?;
            }
        }
        if proposal.changes.is_empty() || asked.yes || asked.dry_run || may_ask {
            return Ok(ExitCode::SUCCESS);
        }
        Err(self.nobody_agreed().into())
    }

    /// Where the files of the project's people are: beside the compose file that was found, and where
    /// dcb is run when one was named.
    fn root(&self, project: &Project) -> PathBuf {
        let here = &self.ambient.directory;
        let found = compose::has_default_file(here)
            && self.flags.files.is_empty()
            && self.ambient.variable("COMPOSE_FILE").is_none();
        let file = project.files.first().filter(|_| found);
        let beside = file.and_then(|file| file.parent());
        beside.unwrap_or(here).to_path_buf()
    }

    /// The flags that chose the project, as they were typed.
    fn project_words(&self) -> Vec<String> {
        let files = self.flags.files.iter();
        files
            .flat_map(|file| ["--file".to_owned(), file.clone()])
            .chain(self.words_but_files())
            .collect()
    }

    /// The same without the compose files.
    pub(super) fn words_but_files(&self) -> Vec<String> {
        let flags = &self.flags;
        let path = |path: &PathBuf| path.display().to_string();
        let name = flags
            .name
            .iter()
            .map(|name| ("--project-name", name.clone()));
        let directory = flags.project_directory.iter();
        let directory = directory.map(|directory| ("--project-directory", path(directory)));
        let env_files = flags
            .env_files
            .iter()
            .map(|file| ("--env-file", path(file)));
        let profiles = flags
            .profiles
            .iter()
            .map(|name| ("--profile", name.clone()));
        let valued = name.chain(directory).chain(env_files).chain(profiles);
        let mut words: Vec<String> = valued
            .flat_map(|(flag, value)| [flag.to_owned(), value])
            .collect();
        if flags.compatibility {
            words.push("--compatibility".to_owned());
        }
        words
    }

    fn nobody_agreed(&self) -> Failure {
        let typed = self.ambient.arguments.iter().skip(1);
        let words: Vec<String> = std::iter::once("dcb".to_owned())
            .chain(typed.map(|word| process::quote(word)))
            .chain(["--yes".to_owned()])
            .collect();
        let failure = Failure::new(
            Class::Usage,
            "nothing was written: there is no terminal on which to ask",
        );
        failure.hint(format!("to write all of it: {}", words.join(" ")))
    }
}

/// Writes one change; what there is to tell then.
fn put(root: &Path, change: &Change) -> Result<String, Failure> {
    match write::put(root, change) {
        Ok(None) => Ok(format!("wrote {}\n\n", change.name)),
        Ok(Some(backup)) => {
            let backup = backup
                .file_name()
                .unwrap_or(OsStr::new(""))
                .to_string_lossy();
            Ok(format!(
                "wrote {}; as it was it is in {backup}\n\n",
                change.name
            ))
        }
        Err(error) => Err(super::unwritten(Path::new(&change.name), &error)),
    }
}

/// A project that cannot be loaded yet.
fn not_yet(failure: Failure) -> Failure {
    match failure.class {
        Class::ComposeFileMissing => failure
            .hint("dcb builds Docker Compose projects: run `dcb init` where the compose file is"),
        _ => failure.hint("mend that first; `dcb config` shows the project when it can be loaded"),
    }
}

fn part(part: InitPart) -> Part {
    match part {
        InitPart::Section => Part::Section,
        InitPart::Shell => Part::Shell,
        InitPart::PowerShell => Part::PowerShell,
        InitPart::Makefile => Part::Makefile,
        InitPart::Scripts => Part::Scripts,
    }
}
