//! The buildx builder that Compose would build with, read from buildx's own files.
//!
//! The order is buildx's: `BUILDX_BUILDER`, the file `current` that `docker buildx use` writes, the
//! choice kept per endpoint in `defaults/`, else the builder that each docker context has by itself.
//! No process is started: `docker buildx ls` takes 90 to 180 ms. Source: `store` and `storeutil` of
//! buildx.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::ambient::Ambient;
use crate::docker::buildx::instance;
use crate::docker::config::DockerConfig;
use crate::docker::host::Endpoint;
use crate::human;

/// A builder of buildx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Builder {
    /// Its name.
    pub name: String,
    /// What it builds with, or why that is not known.
    pub driver: Result<Driver, String>,
    /// Who chose it.
    pub chosen_by: Chooser,
}

/// What a builder builds with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Driver {
    /// The BuildKit inside the engine.
    Docker,
    /// One of its own: `docker-container`, `kubernetes`, `remote` or `cloud`.
    Other(String),
}

impl Driver {
    /// Its name in buildx.
    pub fn id(&self) -> &str {
        match self {
            Self::Docker => "docker",
            Self::Other(name) => name,
        }
    }
}

/// Who chose a builder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chooser {
    /// `BUILDX_BUILDER`.
    Variable,
    /// `docker buildx use`.
    Use,
    /// Nobody: it is the context's own.
    Context,
}

impl Chooser {
    /// Who it is, as people know it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Variable => BUILDX_BUILDER,
            Self::Use => "docker buildx use",
            Self::Context => "the docker context",
        }
    }
}

impl Builder {
    /// The builder that buildx would take here.
    pub fn selected(ambient: &Ambient, config: &DockerConfig, endpoint: &Endpoint) -> Self {
        Self::select(
            ambient.variable(BUILDX_BUILDER),
            &directory(ambient, config),
            config,
            endpoint,
        )
    }

    fn select(
        variable: Option<&str>,
        directory: &Path,
        config: &DockerConfig,
        endpoint: &Endpoint,
    ) -> Self {
        let (name, chosen_by) = match (variable, used(directory, endpoint)) {
            (Some(name), _) => (name.to_owned(), Chooser::Variable),
            (None, Some(name)) => (name, Chooser::Use),
            (None, None) => (endpoint.context().to_owned(), Chooser::Context),
        };
        let driver = match chosen_by {
            Chooser::Context => Ok(Driver::Docker),
            Chooser::Variable | Chooser::Use => driver(directory, config, &name),
        };
        Self {
            name,
            driver,
            chosen_by,
        }
    }

    /// Whether it builds with something else than the engine's own BuildKit.
    pub fn is_foreign(&self) -> bool {
        matches!(self.driver, Ok(Driver::Other(_)))
    }
}

/// The variable that names a builder.
pub const BUILDX_BUILDER: &str = "BUILDX_BUILDER";

/// The directory in which buildx keeps its builders.
pub(in crate::docker) fn directory(ambient: &Ambient, config: &DockerConfig) -> PathBuf {
    match ambient.variable("BUILDX_CONFIG") {
        Some(directory) => ambient.directory.join(directory),
        None => config.directory.join("buildx"),
    }
}

/// What `docker buildx use` writes.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Current {
    key: String,
    name: String,
    global: bool,
}

/// The builder that was chosen for this endpoint, if any.
fn used(directory: &Path, endpoint: &Endpoint) -> Option<String> {
    // A context is known by its name, an address by itself.
    let key = match endpoint.context() {
        "default" => endpoint.address.to_string(),
        name => name.to_owned(),
    };
    let current = std::fs::read(directory.join("current")).unwrap_or_default();
    let current: Current = serde_json::from_slice(&current).unwrap_or_default();
    if !current.name.is_empty() && (current.global || current.key == key) {
        return Some(current.name);
    }
    let kept = &human::hex(&Sha256::digest(&key))[..20];
    let name = std::fs::read_to_string(directory.join("defaults").join(kept)).ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// The driver of the builder `name`: what its file says, else the name must be that of a context.
pub(in crate::docker) fn driver(
    directory: &Path,
    config: &DockerConfig,
    name: &str,
) -> Result<Driver, String> {
    let lower = name.to_lowercase();
    if lower.is_empty() || lower.contains(['/', '\\']) || lower == ".." {
        return Err(format!("`{name}` is no name of a builder"));
    }
    match instance::read(directory, name)? {
        Some(instance) => Ok(match instance.driver.as_str() {
            "" | "docker" => Driver::Docker,
            other => Driver::Other(human::sanitize(other)),
        }),
        None if name == "default" || context_file(config, name).is_file() => Ok(Driver::Docker),
        None => Err(format!("there is no builder `{name}`")),
    }
}

fn context_file(config: &DockerConfig, name: &str) -> PathBuf {
    let id = human::hex(&Sha256::digest(name));
    config
        .directory
        .join("contexts/meta")
        .join(id)
        .join("meta.json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::host::{Address, Origin};

    /// A docker configuration with these files below it.
    fn config(files: &[(&str, &str)]) -> (tempfile::TempDir, DockerConfig) {
        let directory = tempfile::tempdir().expect("a directory");
        for (path, text) in files {
            let path = directory.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            std::fs::write(path, text).expect("a file");
        }
        let config = DockerConfig {
            directory: directory.path().to_owned(),
            ..DockerConfig::default()
        };
        (directory, config)
    }

    fn selected(variable: Option<&str>, origin: Origin, files: &[(&str, &str)]) -> Builder {
        let (directory, config) = config(files);
        let endpoint = Endpoint {
            address: Address::Unix("/run/d.sock".into()),
            origin,
            pinned: None,
        };
        Builder::select(
            variable,
            &directory.path().join("buildx"),
            &config,
            &endpoint,
        )
    }

    const MINE: (&str, &str) = (
        "buildx/instances/mine",
        r#"{"Name":"mine","Driver":"docker-container","Nodes":[{"Name":"mine0"}],"Dynamic":false}"#,
    );

    #[test]
    fn without_any_choice_it_is_that_of_the_context() {
        let own = selected(None, Origin::Default, &[]);
        assert_eq!(
            (own.name.as_str(), own.chosen_by),
            ("default", Chooser::Context)
        );
        assert!(!own.is_foreign());
        let context = Origin::CurrentContext("colima".into());
        assert_eq!(selected(None, context, &[]).name, "colima");
    }

    #[test]
    fn buildx_use_counts_for_its_own_endpoint_and_globally_for_all() {
        let here = r#"{"Key":"unix:///run/d.sock","Name":"mine","Global":false}"#;
        let elsewhere = r#"{"Key":"colima","Name":"mine","Global":false}"#;
        let global = r#"{"Key":"colima","Name":"mine","Global":true}"#;
        for (current, origin, name) in [
            (here, Origin::Default, "mine"),
            (here, Origin::DockerHost, "mine"),
            (elsewhere, Origin::Default, "default"),
            (elsewhere, Origin::CurrentContext("colima".into()), "mine"),
            (global, Origin::Default, "mine"),
            ("broken", Origin::Default, "default"),
            (
                r#"{"Key":"","Name":"","Global":false}"#,
                Origin::Default,
                "default",
            ),
        ] {
            let builder = selected(None, origin, &[MINE, ("buildx/current", current)]);
            assert_eq!(builder.name, name, "{current}");
            assert_eq!(builder.is_foreign(), name == "mine", "{current}");
        }
    }

    #[test]
    fn a_choice_kept_per_endpoint_counts_when_there_is_no_newer() {
        let id = human::hex(&Sha256::digest("unix:///run/d.sock"));
        let kept = format!("buildx/defaults/{}", &id[..20]);
        let builder = selected(None, Origin::Default, &[MINE, (&kept, "mine")]);
        assert_eq!(
            (builder.name.as_str(), builder.chosen_by),
            ("mine", Chooser::Use)
        );
    }

    #[test]
    fn the_variable_wins_and_may_name_a_context_or_nothing() {
        let id = human::hex(&Sha256::digest("there"));
        let meta = format!("contexts/meta/{id}/meta.json");
        let here = r#"{"Key":"unix:///run/d.sock","Name":"mine","Global":false}"#;
        let files = [MINE, ("buildx/current", here), (meta.as_str(), "{}")];
        for (variable, driver) in [
            ("Mine", Ok(Driver::Other("docker-container".into()))),
            ("default", Ok(Driver::Docker)),
            ("there", Ok(Driver::Docker)),
            ("nope", Err("there is no builder `nope`".into())),
            ("../../x", Err("`../../x` is no name of a builder".into())),
        ] {
            let builder = selected(Some(variable), Origin::Default, &files);
            assert_eq!(builder.driver, driver, "{variable}");
            assert_eq!(builder.chosen_by, Chooser::Variable);
        }
        let broken = selected(
            Some("mine"),
            Origin::Default,
            &[("buildx/instances/mine", "{")],
        );
        assert!(
            broken
                .driver
                .expect_err("broken")
                .contains("instances/mine")
        );
    }
}
