//! The project with the forms it has, read off the files while the engine is being asked.

use super::{App, load};
use crate::cli::ProjectFlags;
use crate::compose::{self, Project};
use crate::diagnostic::Diagnostic;
use crate::failure::{Class, Failure};
use crate::human;
use crate::plan::{Beside, Inputs};
use crate::settings::{self, Extension, Given, Pair, Typed};

/// What is to be loaded; it can go to another thread.
pub(super) struct Loading {
    request: compose::Request,
    flags: ProjectFlags,
    /// What the command line gives to all services.
    given: Given,
    /// The traditional form of the whole project.
    traditional: Option<String>,
    /// A form that is asked for by name.
    named: Option<String>,
}

/// A project, loaded.
pub(super) struct Loaded {
    pub(super) project: Project,
    pub(super) extension: Extension,
    pub(super) inputs: Inputs,
    /// What was typed, with the files that were chosen.
    pub(super) flags: ProjectFlags,
    /// What was read from standard input.
    pub(super) stdin: Option<String>,
    traditional: Option<(Project, String)>,
    named: Option<String>,
}

impl Loading {
    /// Chooses the files.
    pub(super) fn prepare(app: &App<'_>, typed: Typed<'_>) -> Result<Self, Failure> {
        let named = typed
            .flags
            .variant
            .as_deref()
            .filter(|name| *name != "auto");
        let pair = settings::pair(app.ambient, &app.flags, named);
        if let (Some(name), None) = (named, &pair)
            && let Some(forms) = settings::pair(app.ambient, &app.flags, None)
        {
            return Err(no_such_form(name, &forms));
        }
        let traditional = settings::begins_traditional(app.ambient, typed.flags)?;
        let mut flags = app.flags.clone();
        let first = pair.as_ref().and_then(|pair| pair.first(traditional));
        flags.files.extend(first.cloned());
        Ok(Self {
            request: settings::project(app.ambient, &flags, typed.services)?,
            traditional: pair
                .filter(|_| named.is_none() && !traditional)
                .and_then(|pair| pair.traditional.filter(|_| pair.optimised.is_some())),
            named: named.map(str::to_owned),
            given: Given::read(typed.flags)?,
            flags,
        })
    }

    /// Reads everything.
    pub(super) fn load(self) -> Result<Loaded, Failure> {
        let mut project = load(&self.request)?;
        self.given.add_to(&mut project);
        let mut traditional = self.traditional.and_then(|file| {
            let request = compose::Request {
                files: vec![file.clone()],
                ..self.request.clone()
            };
            match load(&request) {
                Ok(mut project) => {
                    self.given.add_to(&mut project);
                    Some((project, file))
                }
                Err(failure) => {
                    let note = format!("`{file}` is no way back, because {failure}");
                    project.notes.push(Diagnostic::warning(note));
                    project.notes.extend(failure.diagnostics);
                    None
                }
            }
        });
        let extension = Extension::read(&project)?;
        extension.lend_caches(&mut project);
        if let Some((traditional, _)) = &mut traditional {
            extension.lend_caches(traditional);
        }
        let beside = Beside {
            markers: &extension.markers,
            named: self.named.as_deref(),
            traditional: traditional.as_ref().map(|(project, _)| project),
        };
        Ok(Loaded {
            inputs: Inputs::read(&project, beside),
            extension,
            project,
            flags: self.flags,
            stdin: self.request.stdin,
            traditional,
            named: self.named,
        })
    }
}

/// A form of the compose file that is not there, beside those that are.
fn no_such_form(name: &str, there: &Pair) -> Failure {
    let files = there.optimised.iter().chain(&there.traditional);
    Failure::new(
        Class::ComposeFileMissing,
        format!("there is no compose file for the variant `{name}`"),
    )
    .hint(format!("those that are here: {}", human::list(files)))
}

impl Loaded {
    /// Goes on with the traditional form of the whole project, where it has one.
    pub(super) fn become_traditional(&mut self) {
        let Some((project, file)) = self.traditional.take() else {
            return;
        };
        let beside = Beside {
            markers: &self.extension.markers,
            named: self.named.as_deref(),
            traditional: None,
        };
        self.inputs = Inputs::read(&project, beside);
        self.flags.files = vec![file];
        self.project = project;
    }
}
