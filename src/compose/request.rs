//! What is asked of the loader: everything the process knows, as values.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

/// A project to load.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The current directory, with symbolic links resolved.
    pub directory: PathBuf,
    /// The process's environment.
    pub environment: IndexMap<String, String>,
    /// `-f`: compose files, later over earlier; `-` is standard input.
    pub files: Vec<String>,
    /// `--project-directory`.
    pub project_directory: Option<PathBuf>,
    /// `-p`.
    pub project_name: Option<String>,
    /// `--env-file`.
    pub env_files: Vec<PathBuf>,
    /// `--profile`.
    pub profiles: Vec<String>,
    /// The services named on the command line; naming one activates it.
    pub services: Vec<String>,
    /// The text of standard input, for `-f -`.
    pub stdin: Option<String>,
}

impl Request {
    /// The current directory as Compose sees it: `$PWD` when that names the same directory, so
    /// that someone who went through a symbolic link gets the name of the link.
    pub(super) fn working_directory(&self) -> PathBuf {
        let Some(pwd) = self.environment.get("PWD").map(Path::new) else {
            return self.directory.clone();
        };
        if pwd.is_absolute() && same_directory(pwd, &self.directory) {
            return pwd.to_owned();
        }
        self.directory.clone()
    }
}

/// Whether both paths lead to one directory.
fn same_directory(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}
