//! Docker's programs as they lie about: which of several is taken, and what a configuration names that
//! is not there.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use crate::ambient::Ambient;
use crate::docker::config::{self, DockerConfig};
use crate::docker::programs;
use crate::human;

/// What lies about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installed {
    /// Programs and plugins of which there are several, the one that is taken first.
    pub several: Vec<Found>,
    /// Password programs that the configuration names.
    pub helpers: Vec<Helper>,
    /// Plugins of the user's own that cannot be run, and why.
    pub unusable: Vec<(PathBuf, String)>,
    /// The docker context in use, when it does not exist.
    pub missing_context: Option<MissingContext>,
}

/// A docker context that is named and not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingContext {
    /// Its name.
    pub name: String,
    /// Whether `DOCKER_CONTEXT` names it, and not the configuration.
    pub by_variable: bool,
}

/// Several programs of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The name.
    pub name: &'static str,
    /// Whether it is a plugin of the docker CLI.
    pub plugin: bool,
    /// Where they lie, the one that is taken first.
    pub paths: Vec<PathBuf>,
}

/// A password program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helper {
    /// Its name.
    pub program: String,
    /// The registry that it is for; none when it is for all others.
    pub registry: Option<String>,
    /// Whether it is on `PATH`.
    pub found: bool,
}

impl Installed {
    /// Looks around.
    pub fn look(ambient: &Ambient, config: &DockerConfig) -> Self {
        let on_path = ["docker", "docker-compose"].map(|name| Found {
            name,
            plugin: false,
            paths: distinct(all_on_path(ambient, name)),
        });
        let plugins = ["docker-buildx", "docker-compose"].map(|name| Found {
            name,
            plugin: true,
            paths: distinct(config.plugin_candidates(name)),
        });
        let own = config.directory.join("cli-plugins");
        let unusable = plugins
            .iter()
            .flat_map(|found| &found.paths)
            .filter(|path| path.starts_with(&own))
            .filter_map(|path| Some((path.clone(), programs::unusable(path)?)));
        Self {
            unusable: unusable.collect(),
            several: on_path
                .into_iter()
                .chain(plugins)
                .filter(|found| found.paths.len() > 1)
                .collect(),
            helpers: helpers(ambient, config),
            missing_context: missing_context(ambient, config),
        }
    }
}

/// The context that says where the engine is, when it should and cannot.
fn missing_context(ambient: &Ambient, config: &DockerConfig) -> Option<MissingContext> {
    if ambient.variable("DOCKER_HOST").is_some() {
        return None;
    }
    let variable = ambient.variable("DOCKER_CONTEXT");
    let name = variable.unwrap_or(&config.current_context);
    let there = matches!(name, "" | "default") || config.context_file(name).is_file();
    (!there).then(|| MissingContext {
        name: human::sanitize(name),
        by_variable: variable.is_some(),
    })
}

fn all_on_path(ambient: &Ambient, name: &str) -> impl Iterator<Item = PathBuf> {
    let path = ambient.variable("PATH").unwrap_or_default();
    let directories: Vec<PathBuf> = path.split(':').map(PathBuf::from).collect();
    let name = name.to_owned();
    directories
        .into_iter()
        .map(move |directory| directory.join(&name))
        .filter(|path| config::is_program(path))
}

/// Each file once, however many ways lead to it.
fn distinct(paths: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut found: IndexMap<PathBuf, PathBuf> = IndexMap::new();
    for path in paths {
        found.entry(real(&path)).or_insert(path);
    }
    found.into_values().collect()
}

fn helpers(ambient: &Ambient, config: &DockerConfig) -> Vec<Helper> {
    let store: Option<String> = config.creds_store.read();
    let by_registry: Option<IndexMap<String, String>> = config.cred_helpers.read();
    let store = store
        .filter(|name| !name.is_empty())
        .map(|name| (None, name));
    let each = by_registry.unwrap_or_default().into_iter();
    store
        .into_iter()
        .chain(each.map(|(registry, name)| (Some(registry), name)))
        .map(|(registry, name)| {
            let program = human::sanitize(&format!("docker-credential-{name}"));
            Helper {
                found: programs::on_path(ambient, &program).is_some(),
                program,
                registry,
            }
        })
        .collect()
}
