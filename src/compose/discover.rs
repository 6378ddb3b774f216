//! Finding a project: which files, which directory, which variables. No YAML is read.
//!
//! The order is Compose's own: a first `.env` may name the files (`COMPOSE_FILE`), the files name
//! the directory, and the directory's `.env` is read after all others.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use crate::diagnostic::{Diagnostic, Span};
use crate::human;

use super::dotenv::{self, Assigned};
use super::files::{directory_of, read_env, shown};
use super::model::Setting;
use super::paths;
use super::request::Request;

/// The names of compose files, best first.
const NAMES: [&str; 4] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
];
/// The names of override files, best first; the order of endings differs from the above.
const OVERRIDES: [&str; 4] = [
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];

/// What discovery found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The compose files in merge order, absolute; `-` is standard input.
    pub files: Vec<PathBuf>,
    /// The project directory, absolute.
    pub directory: PathBuf,
    /// The process's variables, then those of the `.env` files that they do not have.
    pub environment: IndexMap<String, String>,
    /// The `.env` files that were read.
    pub env_files: Vec<PathBuf>,
    /// Every variable with all the values it is given, the one that counts first.
    pub settings: IndexMap<String, Vec<Setting>>,
    /// What discovery has to tell.
    pub notes: Vec<Diagnostic>,
    /// Variables that `.env` files needed and nothing sets, with the places that need them.
    pub(super) unset: IndexMap<String, Vec<Span>>,
}

impl Found {
    /// An error about the value of a variable, at the place in a `.env` file that counts, if any.
    pub(super) fn set_here(&self, error: Diagnostic, variable: &str) -> Diagnostic {
        let winner = self.settings.get(variable).and_then(|all| all.first());
        match winner.and_then(|setting| setting.at.clone()) {
            Some(at) if error.primary.is_none() => error.at(at, "set here"),
            _ => error,
        }
    }
}

/// Why a project was not found.
#[derive(Debug, Clone)]
pub enum Lost {
    /// A compose file is not there.
    Missing(Diagnostic),
    /// What says where it is, a variable or a `.env` file, is wrong.
    Invalid(Diagnostic),
}

impl From<Diagnostic> for Lost {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Invalid(diagnostic)
    }
}

impl Lost {
    fn map(self, change: impl FnOnce(Diagnostic) -> Diagnostic) -> Self {
        match self {
            Self::Missing(diagnostic) => Self::Missing(change(diagnostic)),
            Self::Invalid(diagnostic) => Self::Invalid(change(diagnostic)),
        }
    }
}

/// Whether a compose file of a usual name is in `directory` or above it.
pub fn has_default_file(directory: &Path) -> bool {
    directory
        .ancestors()
        .any(|directory| NAMES.iter().any(|name| directory.join(name).is_file()))
}

/// Finds the project that `request` is about, without reading its YAML.
pub fn discover(request: &Request) -> Result<Found, Lost> {
    let mut search = Search {
        request,
        here: request.working_directory(),
        found: Found {
            files: Vec::new(),
            directory: PathBuf::new(),
            environment: request.environment.clone(),
            env_files: Vec::new(),
            settings: process(&request.environment),
            notes: Vec::new(),
            unset: IndexMap::new(),
        },
    };
    search.files_of(&request.files)?;
    search.first_env_file()?;
    search.files_of_environment()?;
    search.default_files()?;
    search.found.directory = search.directory();
    search.second_env_file()?;
    Ok(search.found)
}

struct Search<'r> {
    request: &'r Request,
    here: PathBuf,
    found: Found,
}

impl Search<'_> {
    /// The project directory as far as it is known by now.
    fn directory(&self) -> PathBuf {
        if let Some(directory) = &self.request.project_directory {
            return paths::clean(&self.here.join(directory));
        }
        let first = self.found.files.iter().find(|file| file.as_os_str() != "-");
        first.map_or_else(|| self.here.clone(), |file| directory_of(file))
    }

    fn files_of(&mut self, names: &[String]) -> Result<(), Lost> {
        for name in names {
            let file = self.file(name)?;
            self.found.files.push(file);
        }
        Ok(())
    }

    /// A file that was named rather than found.
    fn file(&self, name: &str) -> Result<PathBuf, Lost> {
        if name == "-" {
            return Ok(PathBuf::from("-"));
        }
        let path = paths::clean(&self.here.join(name));
        if path.exists() {
            return Ok(path);
        }
        if is_remote(name) {
            return Err(Diagnostic::error(format!(
                "compose files from elsewhere are not supported: `{name}`"
            ))
            .help(format!(
                "let Compose fetch it: `docker compose -f {name} config > compose.yaml`"
            ))
            .into());
        }
        let error = Diagnostic::error(format!("failed to read `{name}`: no such file"));
        Err(Lost::Missing(match nearest_file(&path) {
            Some(near) => error.help(format!("did you mean `{}`?", shown(&near, &self.here))),
            None => error,
        }))
    }

    /// `COMPOSE_FILE`: every item counts, even an empty one.
    fn files_of_environment(&mut self) -> Result<(), Lost> {
        if !self.found.files.is_empty() {
            return Ok(());
        }
        let Some(list) = self.found.environment.get("COMPOSE_FILE").cloned() else {
            return Ok(());
        };
        let separator = match self.found.environment.get("COMPOSE_PATH_SEPARATOR") {
            Some(separator) if !separator.is_empty() => separator.clone(),
            _ if cfg!(windows) => ";".to_owned(),
            _ => ":".to_owned(),
        };
        let names: Vec<String> = list.split(&separator).map(str::to_owned).collect();
        self.files_of(&names).map_err(|lost| {
            let found = &self.found;
            lost.map(|error| {
                let error = found.set_here(error, "COMPOSE_FILE");
                error.help("this comes from `COMPOSE_FILE`")
            })
        })
    }

    /// Looks for the names everyone uses, here and then upwards.
    fn default_files(&mut self) -> Result<(), Lost> {
        if !self.found.files.is_empty() {
            return Ok(());
        }
        let start = self.directory();
        for directory in start.ancestors() {
            let bases = present(directory, &NAMES);
            if let Some(base) = bases.first() {
                self.found.files.push(base.clone());
                self.note_several("config", &bases);
                let overrides = present(directory, &OVERRIDES);
                self.found.files.extend(overrides.first().cloned());
                self.note_several("override", &overrides);
                return Ok(());
            }
        }
        let error = Diagnostic::error("no configuration file provided: not found");
        Err(Lost::Missing(match present(&start, &OVERRIDES).first() {
            Some(alone) => error.help(format!(
                "`{}` only adds to a compose file; there is none",
                shown(alone, &self.here)
            )),
            None if start.join("Dockerfile").is_file() => error.help(format!(
                "write `services: {{ app: {{ build: . }} }}` into `{}` to build the Dockerfile there, or name a file with `-f`",
                start.join(NAMES[0]).display()
            )),
            None => error.help(format!(
                "write a `compose.yaml` in `{}`, or name a file with `-f`",
                start.display()
            )),
        }))
    }

    fn note_several(&mut self, kind: &str, files: &[PathBuf]) {
        if files.len() < 2 {
            return;
        }
        let names: Vec<String> = files
            .iter()
            .map(|file| format!("`{}`", shown(file, &self.here)))
            .collect();
        self.found.notes.push(
            Diagnostic::warning(format!(
                "found multiple {kind} files with supported names: {}",
                names.join(", ")
            ))
            .help(format!(
                "only {} is used; remove the others or use `-f`",
                names[0]
            )),
        );
    }

    /// The explicit `.env` files, or the one that lies where the search starts.
    fn first_env_file(&mut self) -> Result<(), Diagnostic> {
        let explicit = self.explicit_env_files();
        if !explicit.is_empty() {
            return self.read_env_files(&explicit);
        }
        if disabled(&self.found)? {
            return Ok(());
        }
        let Some(file) = default_env_file(&self.directory()) else {
            return Ok(());
        };
        self.read_env_files(&[file])?;
        if disabled(&self.found)? {
            // The switch stands in the very file: Compose has by then taken its own settings
            // from there, and takes nothing else.
            let outer = &self.request.environment;
            let stays = |name: &String| outer.contains_key(name) || name.starts_with("COMPOSE_");
            self.found.environment.retain(|name, _| stays(name));
            self.found.settings = process(outer);
            for (name, value) in &self.found.environment {
                let settings = self.found.settings.entry(name.clone()).or_default();
                if settings.is_empty() {
                    settings.push(Setting {
                        value: value.clone(),
                        at: None,
                    });
                }
            }
        }
        Ok(())
    }

    /// The `.env` of the project directory, once that is known.
    fn second_env_file(&mut self) -> Result<(), Diagnostic> {
        if !self.explicit_env_files().is_empty() || disabled(&self.found)? {
            return Ok(());
        }
        match default_env_file(&self.found.directory) {
            Some(file) if !self.found.env_files.contains(&file) => self.read_env_files(&[file]),
            _ => Ok(()),
        }
    }

    /// `--env-file`, else `COMPOSE_ENV_FILES` of the process.
    fn explicit_env_files(&self) -> Vec<PathBuf> {
        let home = self.request.environment.get("HOME").map(String::as_str);
        let place = |name: &str| paths::absolute(&self.here, &paths::expand_home(name, home));
        if !self.request.env_files.is_empty() {
            let names = self.request.env_files.iter();
            return names.map(|name| place(&name.to_string_lossy())).collect();
        }
        match self.request.environment.get("COMPOSE_ENV_FILES") {
            Some(list) if !list.is_empty() => list.split(',').map(place).collect(),
            _ => Vec::new(),
        }
    }

    /// Reads files of which later ones win over earlier, and the environment over all.
    fn read_env_files(&mut self, files: &[PathBuf]) -> Result<(), Diagnostic> {
        let assigned = read_env_files(
            files,
            &self.here,
            &self.found.environment,
            &mut self.found.unset,
        )?;
        for (name, values) in assigned {
            let settings = self.found.settings.entry(name.clone()).or_default();
            let values = values.into_iter().rev();
            settings.extend(values.map(|Assigned { value, at }| Setting {
                value,
                at: Some(at),
            }));
            if let Some(winner) = settings.first() {
                let value = winner.value.clone();
                self.found.environment.entry(name).or_insert(value);
            }
        }
        self.found.env_files.extend_from_slice(files);
        Ok(())
    }
}

/// The process's variables as settings.
fn process(environment: &IndexMap<String, String>) -> IndexMap<String, Vec<Setting>> {
    let setting = |value: &String| Setting {
        value: value.clone(),
        at: None,
    };
    environment
        .iter()
        .map(|(name, value)| (name.clone(), vec![setting(value)]))
        .collect()
}

/// The variables that a row of `.env` files assigns, each with all its values: that of the last
/// file, which counts, is the last.
pub(super) fn read_env_files(
    files: &[PathBuf],
    here: &Path,
    outer: &IndexMap<String, String>,
    unset: &mut IndexMap<String, Vec<Span>>,
) -> Result<IndexMap<String, Vec<Assigned>>, Diagnostic> {
    let mut latest = IndexMap::new();
    let mut all: IndexMap<String, Vec<Assigned>> = IndexMap::new();
    for file in files {
        let name = shown(file, here);
        if file.is_dir() {
            return Err(Diagnostic::error(format!(
                "failed to read env file `{name}`: it is a directory"
            )));
        }
        let source = read_env(file, &name)?;
        let mut note =
            |name: &str, span: Span| unset.entry(name.to_owned()).or_default().push(span);
        for (name, assigned) in dotenv::parse(&source, outer, &latest, &mut note)? {
            latest.insert(name.clone(), assigned.clone());
            all.entry(name).or_default().push(assigned);
        }
    }
    Ok(all)
}

/// Those of `names` that exist in `directory`; directories count, as in Compose.
fn present(directory: &Path, names: &[&str]) -> Vec<PathBuf> {
    let files = names.iter().map(|name| directory.join(name));
    files.filter(|file| file.exists()).collect()
}

pub(super) fn default_env_file(directory: &Path) -> Option<PathBuf> {
    let file = directory.join(".env");
    (file.exists() && !file.is_dir()).then_some(file)
}

/// `COMPOSE_DISABLE_ENV_FILE`, in Go's spelling of booleans.
fn disabled(found: &Found) -> Result<bool, Diagnostic> {
    const NAME: &str = "COMPOSE_DISABLE_ENV_FILE";
    match found.environment.get(NAME).map(String::as_str) {
        None | Some("0" | "f" | "F" | "false" | "False" | "FALSE") => Ok(false),
        Some("1" | "t" | "T" | "true" | "True" | "TRUE") => Ok(true),
        Some(other) => {
            let error = Diagnostic::error(format!("`{NAME}` is `{other}`, which is no boolean"));
            Err(found.set_here(error.help("set it to `true` or `false`"), NAME))
        }
    }
}

/// Whether a file name is an address that Compose would fetch.
fn is_remote(name: &str) -> bool {
    name.contains("://") || name.starts_with("git@") || name.starts_with("github.com/")
}

/// The file whose name looks most like the one that is missing.
fn nearest_file(missing: &Path) -> Option<PathBuf> {
    let wanted = missing.file_name()?.to_str()?;
    let entries = missing.parent()?.read_dir().ok()?;
    let names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| matches!(name.rsplit('.').next(), Some("yml" | "yaml")))
        .collect();
    let near = human::nearest(wanted, names.iter().map(String::as_str))?;
    Some(missing.with_file_name(near))
}
