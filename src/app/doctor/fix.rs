//! `dcb doctor --fix`: what can be mended safely is shown exactly, asked about, and done; then everything
//! is looked at again.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::docker::daemon_edit;
use crate::docker::host::Endpoint;
use crate::docker::survey::DaemonFile;
use crate::doctor::{Check, Fix, Ran, Selection};

/// One thing that can be mended.
pub(super) struct Mend<'a> {
    /// The check that found it.
    pub(super) check: &'a Check,
    fix: &'a Fix,
}

/// What can be mended of what was found, each once.
pub(super) fn mends<'a>(ran: &'a [Ran], selection: &Selection) -> Vec<Mend<'a>> {
    let mut mends: Vec<Mend<'_>> = Vec::new();
    for ran in ran {
        let fixes = ran.findings().iter();
        for fix in fixes.filter_map(|finding| finding.fix.as_ref()) {
            let is_asked = !fix.must_be_named() || selection.names(ran.check);
            if is_asked && !mends.iter().any(|known| known.fix == fix) {
                mends.push(Mend {
                    check: ran.check,
                    fix,
                });
            }
        }
    }
    mends
}

impl Mend<'_> {
    /// Exactly what will change, as text with a line break at its end.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub(super) fn shown(&self) -> Result<String, String> {
        Ok(match self.fix {
            Fix::SwitchBuildKitOn(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
                let change = daemon_edit::switched_on(&text)
                    .ok_or("it does not switch BuildKit off any more")?;
                format!(
                    "change `{path}`, keep a copy of it, and have the engine read it anew:\n--- {path}\n+++ {path}\n@@ -{line} +{line} @@\n-{}\n+{}\n",
                    change.before,
                    change.after,
                    path = path.display(),
                    line = change.line,
                )
            }
            Fix::WriteIgnoreFile(directory, names) => {
                let path = directory.join(".dockerignore");
                let lines: String = names.iter().map(|name| format!("+{name}\n")).collect();
                format!(
                    "write `{path}`:\n--- /dev/null\n+++ {path}\n{lines}",
                    path = path.display()
                )
            }
            Fix::MoveAside(path) => {
                let aside = aside(path);
                format!("move it aside: mv {} {}\n", path.display(), aside.display())
            }
            Fix::MakeExecutable(path) => {
                format!("make it executable: chmod +x {}\n", path.display())
            }
            Fix::RemoveLink(path) => {
                let target = path.read_link().map_err(|error| error.to_string())?;
                format!(
                    "remove a link to nothing: rm {} (it leads to `{}`)\n",
                    path.display(),
                    target.display()
                )
            }
            Fix::SwitchBakeOff(path) => {
                let text = text_of(path).map_err(|error| error.to_string())?;
                let line = text.lines().count();
                format!(
                    "add a line to `{path}`:\n--- {path}\n+++ {path}\n@@ -{line},0 +{next} @@\n+{NO_BAKE}\n",
                    path = path.display(),
                    next = line + 1,
                )
            }
        })
    }

    /// Does it; what there is to tell then.
    ///
    /// # Errors
    /// Why it was not done.
    pub(super) async fn done(
        &self,
        daemon_file: Option<&DaemonFile>,
        endpoint: Option<&Endpoint>,
    ) -> Result<String, String> {
        match self.fix {
            Fix::SwitchBuildKitOn(_) => {
                let (Some(file), Some(endpoint)) = (daemon_file, endpoint) else {
                    return Err("the engine is not there any more".to_owned());
                };
                let edited = daemon_edit::switch_on(file, endpoint).await?;
                Ok(format!(
                    ", the file as it was is `{}`",
                    edited.backup.display()
                ))
            }
            Fix::WriteIgnoreFile(directory, names) => {
                let text: String = names.iter().map(|name| format!("{name}\n")).collect();
                let written = write_new(&directory.join(".dockerignore"), &text);
                written
                    .map(|()| String::new())
                    .map_err(|error| error.to_string())
            }
            Fix::MoveAside(path) => {
                let done = std::fs::rename(path, aside(path));
                done.map(|()| String::new())
                    .map_err(|error| error.to_string())
            }
            Fix::MakeExecutable(path) => {
                let done = make_executable(path);
                done.map(|()| String::new())
                    .map_err(|error| error.to_string())
            }
            Fix::RemoveLink(path) => {
                let done = remove_link(path);
                done.map(|()| String::new())
                    .map_err(|error| error.to_string())
            }
            Fix::SwitchBakeOff(path) => {
                let done = add_line(path, NO_BAKE);
                done.map(|()| String::new())
                    .map_err(|error| error.to_string())
            }
        }
    }
}

/// What has Compose 2.37 to 2.40 build without buildx.
const NO_BAKE: &str = "COMPOSE_BAKE=false";

/// What is in a file; nothing when there is none.
fn text_of(path: &Path) -> io::Result<String> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read,
    }
}

/// Adds a line at the end of a file, which is made when there is none.
fn add_line(path: &Path, line: &str) -> io::Result<()> {
    let text = text_of(path)?;
    let open = !text.is_empty() && !text.ends_with('\n');
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)?;
    let before = if open { "\n" } else { "" };
    file.write_all(format!("{before}{line}\n").as_bytes())
}

/// A name beside `path` that nothing has yet.
fn aside(path: &Path) -> PathBuf {
    let name = |number: usize| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".damaged.{number}"));
        PathBuf::from(name)
    };
    let mut number = 1;
    while name(number).exists() {
        number += 1;
    }
    name(number)
}

/// Never writes over a file that has come to be in the meantime.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = std::fs::File::create_new(path)?;
    file.write_all(text.as_bytes())
}

#[cfg(unix)]
fn make_executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut permissions = path.metadata()?.permissions();
    // Whoever may read it may run it.
    let mode = permissions.mode();
    permissions.set_mode(mode | (mode & 0o444) >> 2);
    std::fs::set_permissions(path, permissions)
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Only a link, and only while it leads to nothing.
fn remove_link(path: &Path) -> io::Result<()> {
    let is_link = path.symlink_metadata()?.is_symlink();
    if !is_link || path.exists() {
        return Err(io::Error::other("it is no link to nothing any more"));
    }
    std::fs::remove_file(path)
}
