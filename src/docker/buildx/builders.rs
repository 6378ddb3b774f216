//! The builders that buildx knows here, read from its own files: no process is started, and nothing
//! is changed.
//!
//! A builder is a file `instances/NAME` below buildx's directory; every docker context besides has one
//! of its own name, which is its engine. Source: `store` and `builder` of buildx.

use std::collections::BTreeSet;
use std::path::Path;

use indexmap::IndexMap;
use serde::Deserialize;

use super::instance;
use crate::ambient::Ambient;
use crate::docker::config::DockerConfig;
use crate::docker::detect::{self, Driver};
use crate::docker::host::Endpoint;
use crate::failure::{Class, Failure};
use crate::human;

/// Builders by name, each with what builds there, or why it cannot be used.
pub type Named = IndexMap<String, Result<Kind, Failure>>;

/// What a builder builds with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The BuildKit of the very engine that dcb builds on, which needs no buildx.
    Engine,
    /// A BuildKit of its own, with this driver: `docker-container`, `remote`, `kubernetes`, `cloud`.
    Own(String),
}

/// What is known of the builders in `names`, on the engine at `endpoint`.
pub fn look_up<'a>(
    names: impl Iterator<Item = &'a str>,
    ambient: &Ambient,
    config: &DockerConfig,
    endpoint: &Endpoint,
) -> Named {
    let directory = detect::buildx_directory(ambient, config);
    names
        .map(|name| (name.to_owned(), kind(name, &directory, config, endpoint)))
        .collect()
}

fn kind(
    name: &str,
    directory: &Path,
    config: &DockerConfig,
    endpoint: &Endpoint,
) -> Result<Kind, Failure> {
    match detect::builder_driver(directory, config, name) {
        Ok(Driver::Other(driver)) => Ok(Kind::Own(driver)),
        Ok(Driver::Docker) => {
            let engine = engine_of(directory, name);
            if [endpoint.context(), &endpoint.address.to_string()].contains(&engine.as_str()) {
                Ok(Kind::Engine)
            } else {
                Err(elsewhere(name, &engine, endpoint))
            }
        }
        Err(why) => Err(missing(name, &why, &known(directory, config))),
    }
}

/// The context or address whose engine the builder `name` is.
fn engine_of(directory: &Path, name: &str) -> String {
    let instance = instance::read(directory, name).ok().flatten();
    let node = instance.and_then(|instance| instance.nodes.into_iter().next());
    // One that has no file is that of the context by its name.
    node.map_or_else(|| name.to_owned(), |node| node.endpoint)
}

/// The names of all builders.
fn known(directory: &Path, config: &DockerConfig) -> BTreeSet<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Meta {
        name: String,
    }
    let below = |directory: &Path| -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    };
    let instances = below(&directory.join(instance::FOLDER));
    let instances = instances
        .iter()
        .filter_map(|path| path.file_name()?.to_str())
        .map(str::to_owned);
    let contexts = below(&config.directory.join("contexts/meta"));
    let contexts = contexts.iter().filter_map(|path| {
        let meta = std::fs::read(path.join("meta.json")).ok()?;
        Some(serde_json::from_slice::<Meta>(&meta).ok()?.name)
    });
    instances
        .chain(contexts)
        .chain(["default".to_owned()])
        .map(|name| human::sanitize(&name))
        .collect()
}

/// The names of all builders, those of contexts too.
pub fn names(ambient: &Ambient, config: &DockerConfig) -> BTreeSet<String> {
    known(&detect::buildx_directory(ambient, config), config)
}

/// What to tell of a builder that is not there.
pub fn unknown(name: &str, ambient: &Ambient, config: &DockerConfig) -> Failure {
    let directory = detect::buildx_directory(ambient, config);
    let why = format!("there is no builder `{name}`");
    missing(name, &why, &known(&directory, config))
}

fn missing(name: &str, why: &str, known: &BTreeSet<String>) -> Failure {
    let failure = Failure::new(Class::BuilderMissing, why);
    let known = || known.iter().map(String::as_str);
    let failure = match human::nearest(name, known()) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint(format!("there are {}", human::list(known()))),
    };
    failure.hint("see what they are: docker buildx ls")
}

fn elsewhere(name: &str, engine: &str, endpoint: &Endpoint) -> Failure {
    let address = &endpoint.address;
    let failure = Failure::new(
        Class::Unsupported,
        format!(
            "the builder `{name}` is the engine of `{engine}`, and the images are to be in the engine at {address}"
        ),
    );
    if engine.contains("://") {
        failure.hint(format!(
            "build on that engine: DOCKER_HOST={engine} dcb build"
        ))
    } else {
        failure.hint(format!(
            "build on that engine: DOCKER_CONTEXT={engine} dcb build"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::host::{Address, Origin};

    /// What the builder `name` is, where `docker-container` `mine` and `docker` `again` and `far` are
    /// builders and `colima` is a context.
    fn of(name: &str, origin: Origin) -> Result<Kind, Failure> {
        let home = tempfile::tempdir().expect("a directory");
        let write = |path: &str, text: &str| {
            let path = home.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            std::fs::write(path, text).expect("a file");
        };
        for (name, driver, endpoint) in [
            ("mine", "docker-container", "unix:///run/d.sock"),
            ("again", "docker", "unix:///run/d.sock"),
            ("far", "docker", "tcp://far:2375"),
        ] {
            write(
                &format!("buildx/instances/{name}"),
                &format!(
                    r#"{{"Name":"{name}","Driver":"{driver}","Nodes":[{{"Name":"n","Endpoint":"{endpoint}"}}]}}"#
                ),
            );
        }
        let id = "f24fd3749c1368328e2b149bec149cb6795619f244c5b584e844961215dadd16";
        write(
            &format!("contexts/meta/{id}/meta.json"),
            r#"{"Name":"colima","Endpoints":{"docker":{"Host":"unix:///c.sock"}}}"#,
        );
        let config = DockerConfig {
            directory: home.path().to_owned(),
            ..DockerConfig::default()
        };
        let endpoint = Endpoint {
            address: Address::Unix("/run/d.sock".into()),
            origin,
            pinned: None,
        };
        kind(name, &home.path().join("buildx"), &config, &endpoint)
    }

    #[test]
    fn the_engines_own_builder_has_several_names() {
        assert_eq!(of("default", Origin::Default).ok(), Some(Kind::Engine));
        assert_eq!(of("again", Origin::DockerHost).ok(), Some(Kind::Engine));
        let context = Origin::CurrentContext("colima".into());
        assert_eq!(of("colima", context).ok(), Some(Kind::Engine));
        let own = Kind::Own("docker-container".into());
        assert_eq!(of("mine", Origin::Default).ok(), Some(own));
    }

    #[test]
    fn another_engines_builder_is_refused_with_the_way_to_it() {
        for (name, hint) in [
            ("far", "DOCKER_HOST=tcp://far:2375"),
            ("colima", "DOCKER_CONTEXT=colima"),
        ] {
            let failure = of(name, Origin::Default).expect_err("another engine");
            assert_eq!(failure.class, Class::Unsupported);
            assert!(failure.hints[0].contains(hint), "{:?}", failure.hints);
        }
    }

    #[test]
    fn an_unknown_builder_is_told_with_those_that_are_there() {
        let failure = of("nobody", Origin::Default).expect_err("no builder");
        assert_eq!(failure.class, Class::BuilderMissing);
        assert_eq!(
            failure.hints[0],
            "there are `again`, `colima`, `default`, `far` and `mine`"
        );
        let near = of("mien", Origin::Default).expect_err("no builder");
        assert_eq!(near.hints[0], "did you mean `mine`?");
    }
}
