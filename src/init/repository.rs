//! The files of a repository that people build with, as they are.

use std::io::ErrorKind;
use std::path::Path;

use crate::compose::{self, Project};
use crate::dockerfile::{self, Dockerfile, Markers};

use super::makefile;

/// A file that may be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Existing {
    /// It is not.
    None,
    /// Its text.
    Text(String),
    /// It is and is no text, or may not be read: why.
    Unreadable(String),
}

/// What a repository has.
#[derive(Debug, Clone)]
pub struct Repository {
    /// `build.sh`.
    pub shell: Existing,
    /// `build.ps1`.
    pub powershell: Existing,
    /// The Makefile under the name that make would take.
    pub makefile: (String, Existing),
    /// The texts that the Makefile includes.
    pub included: Vec<String>,
    /// Whether it includes others that only make can find.
    pub includes_more: bool,
    /// The files with scripts.
    pub scripts: Vec<(String, Existing)>,
    /// The first compose file, by its name in the repository; none outside of it.
    pub compose: Option<(String, Existing)>,
    /// Whether the project has `x-dcb` already.
    pub has_section: bool,
    /// The markers of Dockerfiles in two forms that dcb does not know by itself.
    pub markers: Option<Markers>,
}

/// The names of a Makefile, in the order in which GNU make looks for them.
const MAKEFILES: [&str; 3] = ["GNUmakefile", "makefile", "Makefile"];
/// Files with scripts.
const SCRIPTS: [&str; 2] = ["package.json", "pyproject.toml"];
/// Words for Dockerfiles that are made for BuildKit, and for those that every builder can build.
const OPTIMISED: [&str; 6] = [
    "buildkit",
    "fast",
    "cached",
    "optimized",
    "optimised",
    "local",
];
const TRADITIONAL: [&str; 6] = [
    "classic",
    "slow",
    "plain",
    "traditional",
    "legacy",
    "nobuildkit",
];

impl Repository {
    /// Reads what is in `root`, the directory of `project`.
    pub fn read(root: &Path, project: &Project) -> Self {
        let name = MAKEFILES.iter().find(|name| root.join(name).exists());
        let makefile_name = (*name.unwrap_or(&"Makefile")).to_owned();
        let makefile = read(root, &makefile_name);
        let (names, mut includes_more) = match &makefile {
            Existing::Text(text) => makefile::includes(text),
            _ => (Vec::new(), false),
        };
        let mut included = Vec::new();
        for name in &names {
            match read(root, name) {
                Existing::Text(text) => included.push(text),
                Existing::None => {}
                Existing::Unreadable(_) => includes_more = true,
            }
        }
        let compose = project.files.first().and_then(|file| {
            let name = file.strip_prefix(root).ok()?.to_str()?.to_owned();
            let text = read(root, &name);
            Some((name, text))
        });
        Self {
            shell: read(root, "build.sh"),
            powershell: read(root, "build.ps1"),
            makefile: (makefile_name, makefile),
            included,
            includes_more,
            scripts: SCRIPTS
                .iter()
                .map(|name| ((*name).to_owned(), read(root, name)))
                .collect(),
            compose,
            has_section: project.extension("x-dcb").is_some(),
            markers: markers(project),
        }
    }
}

fn read(root: &Path, name: &str) -> Existing {
    match std::fs::read(root.join(name)) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Existing::Text(text),
            Err(_) => Existing::Unreadable("it is not UTF-8".to_owned()),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Existing::None,
        Err(error) => Existing::Unreadable(format!("it cannot be read: {error}")),
    }
}

/// The markers by which the Dockerfiles of `project` stand beside each other in two forms: usual words
/// for such forms, of which the one uses cache mounts and the other does not.
fn markers(project: &Project) -> Option<Markers> {
    let mut dockerfiles = project.services.values().filter_map(|service| {
        let build = service.build.as_ref()?;
        match &build.dockerfile {
            compose::Dockerfile::File(path) => Some(path),
            _ => None,
        }
    });
    dockerfiles.find_map(|path| {
        let name = path.file_name()?.to_str()?;
        let read = |marker: &'static str| dockerfile::Name::read(name, [marker]);
        for optimised in OPTIMISED {
            for traditional in TRADITIONAL {
                let marked = [optimised, traditional].map(|marker| {
                    read(marker)
                        .filter(|name| name.marker.is_some())
                        .map(|name| name.plain)
                });
                let Some(plain) = marked.into_iter().flatten().next() else {
                    continue;
                };
                let plain = dockerfile::Name {
                    plain,
                    marker: None,
                };
                let form = |marker: &str| {
                    let mut names = plain.with(marker).into_iter();
                    names.find_map(|name| std::fs::read_to_string(path.with_file_name(name)).ok())
                };
                if let (Some(one), Some(other)) = (form(optimised), form(traditional))
                    && mounts_caches(&one)
                    && !mounts_caches(&other)
                {
                    return Some(Markers {
                        optimised: optimised.to_owned(),
                        traditional: traditional.to_owned(),
                    });
                }
            }
        }
        None
    })
}

fn mounts_caches(text: &str) -> bool {
    let features = Dockerfile::parse(text).features();
    features
        .iter()
        .any(|used| used.feature == dockerfile::Feature::CacheMount)
}
