//! Builders of dcb's own: the commands of buildx that create, remove and list them.
//!
//! A builder whose name begins with [`PREFIX`] is dcb's, every other one is somebody else's and is
//! never touched. None is ever selected with `docker buildx use`: that would change what every other
//! program on the machine builds with.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde::Deserialize;

use super::arguments::csv;
use super::{builders, instance};
use crate::ambient::Ambient;
use crate::docker::config::DockerConfig;
use crate::docker::detect;
use crate::failure::{Class, Failure};
use crate::human;
use crate::process::{Command, quote};

/// What the names of dcb's builders begin with.
pub const PREFIX: &str = "dcb-";

/// How a builder is created.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Creation {
    /// Its name.
    pub name: String,
    /// What it builds with, as buildx calls it.
    pub driver: String,
    /// Its machines, of which all but the first are added.
    pub nodes: Vec<Node>,
}

/// One machine of a builder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Its name, where it has one already.
    pub name: Option<String>,
    /// A docker context, or an address.
    pub endpoint: Option<String>,
    /// `--driver-opt`, as buildx takes it.
    pub options: Vec<String>,
    /// Flags for its BuildKit.
    pub flags: Vec<String>,
    /// Platforms that are its own.
    pub platforms: Vec<String>,
    /// Its BuildKit's configuration.
    pub config: Option<PathBuf>,
}

/// The commands that create a builder.
pub fn create(program: &Path, creation: &Creation, bootstrap: bool) -> Vec<Command> {
    let last = creation.nodes.len().saturating_sub(1);
    let nodes = creation.nodes.iter().enumerate();
    nodes
        .map(|(index, node)| {
            let mut command =
                Command::new(program).args(["create", "--name", creation.name.as_str()]);
            let mut add = |flag: &str, value: &str| {
                command.arguments.extend([flag.into(), value.into()]);
            };
            add("--driver", &creation.driver);
            if let Some(name) = &node.name {
                add("--node", name);
            }
            for option in &node.options {
                add("--driver-opt", option);
            }
            if !node.flags.is_empty() {
                let flags = node.flags.iter().map(|flag| quote(flag.as_ref()));
                add("--buildkitd-flags", &flags.collect::<Vec<_>>().join(" "));
            }
            if !node.platforms.is_empty() {
                add("--platform", &node.platforms.join(","));
            }
            if let Some(config) = &node.config {
                add("--buildkitd-config", &config.to_string_lossy());
            }
            let mut switch = |word: &str| command.arguments.push(word.into());
            if index > 0 {
                switch("--append");
            }
            if bootstrap && index == last {
                switch("--bootstrap");
            }
            node.endpoint.as_deref().map(switch);
            command
        })
        .collect()
}

/// The command that removes a builder, with its container and its cache where they are its own.
pub fn remove(program: &Path, name: &str) -> Command {
    Command::new(program).args(["rm", "--force", name])
}

/// The command that lists all builders, one JSON object each.
pub fn list(program: &Path) -> Command {
    Command::new(program).args(["ls", "--format", "json"])
}

/// `name`, when it can be that of one of dcb's builders.
///
/// # Errors
/// When it is not, for then the builder is somebody else's.
pub fn own_name(name: &str) -> Result<&str, Failure> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match name.strip_prefix(PREFIX) {
        Some(rest) if !rest.is_empty() && rest.chars().all(allowed) => Ok(name),
        Some(_) => Err(Failure::new(
            Class::Usage,
            format!("`{name}` is no name of a builder: letters, digits, `.`, `_` and `-` make one"),
        )),
        None => Err(Failure::new(
            Class::Usage,
            format!(
                "`{name}` is not one of dcb's builders, whose names begin with `{PREFIX}`, and no other is touched"
            ),
        )
        .hint(format!("for this one: docker buildx create, docker buildx rm {name}"))),
    }
}

/// Whether buildx knows a builder of this name.
pub fn exists(name: &str, ambient: &Ambient, config: &DockerConfig) -> bool {
    instance::file(&detect::buildx_directory(ambient, config), name).exists()
}

/// The configuration of a BuildKit among the files that buildx keeps of a node.
const CONFIG: &str = "buildkitd.toml";

/// How the builder `name` was created. Configurations of its BuildKit are written into `directory`.
///
/// # Errors
/// When there is no such builder, or it was created with what buildx does not give back.
pub fn recall(
    name: &str,
    ambient: &Ambient,
    config: &DockerConfig,
    directory: &Path,
) -> Result<Creation, Failure> {
    let broken = |why: String| {
        Failure::new(Class::BuilderMissing, why).hint(format!(
            "remove it, and create it anew: dcb builder rm {name}"
        ))
    };
    let buildx = detect::buildx_directory(ambient, config);
    let instance = instance::read(&buildx, name)
        .map_err(broken)?
        .ok_or_else(|| builders::unknown(name, ambient, config))?;
    let nodes = instance.nodes.into_iter().map(|node| {
        let files = node.files.unwrap_or_default();
        if let Some(other) = files.keys().find(|file| *file != CONFIG) {
            return Err(Failure::new(
                Class::Unsupported,
                format!("`{name}` was created with `{other}`, which buildx does not give back"),
            )
            .hint(format!(
                "dcb builder rm {name}, then dcb builder create with its own --config"
            )));
        }
        let config = match files.get(CONFIG) {
            Some(text) => {
                let written = write(text, &node.name, directory);
                Some(
                    written
                        .map_err(|why| broken(format!("failed to keep its `{CONFIG}`: {why}")))?,
                )
            }
            None => None,
        };
        let options = node.driver_opts.unwrap_or_default();
        Ok(Node {
            name: Some(node.name),
            endpoint: Some(node.endpoint).filter(|endpoint| !endpoint.is_empty()),
            options: options
                .iter()
                .map(|(key, value)| csv(&format!("{key}={value}")))
                .collect(),
            flags: flags(node.flags.unwrap_or_default()),
            platforms: node
                .platforms
                .unwrap_or_default()
                .iter()
                .map(instance::Platform::name)
                .collect(),
            config,
        })
    });
    Ok(Creation {
        name: name.to_owned(),
        driver: instance.driver,
        nodes: nodes.collect::<Result<_, _>>()?,
    })
}

/// The flags of a BuildKit without the one that buildx gives every one of its own accord; handed back,
/// it would be there twice.
fn flags(mut flags: Vec<String>) -> Vec<String> {
    flags.retain(|flag| flag != "--allow-insecure-entitlement=network.host");
    flags
}

fn write(base64: &str, node: &str, directory: &Path) -> Result<PathBuf, String> {
    let text = base64::engine::general_purpose::STANDARD
        .decode(base64)
        .map_err(|error| error.to_string())?;
    let path = directory.join(format!("{node}.toml"));
    std::fs::write(&path, text).map_err(|error| error.to_string())?;
    Ok(path)
}

/// A builder as buildx lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// What it builds with.
    pub driver: String,
    /// What it does: `running`, `inactive`, of several machines each.
    pub state: String,
    /// The version of its BuildKit, where it runs.
    pub version: String,
    /// The platforms that it builds for.
    pub platforms: Vec<String>,
    /// Why it cannot be used.
    pub problem: Option<String>,
}

/// What `docker buildx ls --format json` said: one object a builder.
///
/// # Errors
/// When it is not that.
pub fn listed(said: &str) -> Result<Vec<Listed>, Failure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Builder {
        name: String,
        #[serde(default)]
        driver: String,
        #[serde(default)]
        nodes: Option<Vec<Machine>>,
        #[serde(default)]
        err: Option<String>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Machine {
        #[serde(default)]
        status: String,
        #[serde(default)]
        version: String,
        #[serde(default)]
        platforms: Option<Vec<String>>,
        #[serde(default)]
        err: Option<String>,
    }
    let builders = serde_json::Deserializer::from_str(said).into_iter::<Builder>();
    let listed = builders.map(|builder| {
        let builder = builder?;
        let machines = builder.nodes.unwrap_or_default();
        let joined = |of: fn(&Machine) -> &str| {
            let mut words: Vec<&str> = machines.iter().map(of).filter(|w| !w.is_empty()).collect();
            words.dedup();
            human::sanitize(&words.join(", "))
        };
        let mut platforms: Vec<String> = Vec::new();
        for platform in machines.iter().flat_map(|m| m.platforms.iter().flatten()) {
            let platform = human::sanitize(platform);
            if !platforms.contains(&platform) {
                platforms.push(platform);
            }
        }
        let problem = builder
            .err
            .or_else(|| machines.iter().find_map(|m| m.err.clone()));
        Ok(Listed {
            state: joined(|machine| &machine.status),
            version: joined(|machine| &machine.version),
            name: human::sanitize(&builder.name),
            driver: human::sanitize(&builder.driver),
            platforms,
            problem: problem.map(|problem| human::sanitize(&problem)),
        })
    });
    listed
        .collect::<Result<_, serde_json::Error>>()
        .map_err(|error| {
            Failure::new(
                Class::BuildxMissing,
                format!("what `docker buildx ls` says cannot be understood: {error}"),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(creation: &Creation, bootstrap: bool) -> Vec<String> {
        let commands = create(Path::new("buildx"), creation, bootstrap);
        commands.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_builder_is_created_and_never_selected() {
        let creation = Creation {
            name: "dcb-shop".into(),
            driver: "docker-container".into(),
            nodes: vec![Node {
                options: vec!["network=host".into()],
                platforms: vec!["linux/amd64".into(), "linux/arm64".into()],
                config: Some("b.toml".into()),
                ..Node::default()
            }],
        };
        assert_eq!(
            typed(&creation, true),
            [
                "buildx create --name dcb-shop --driver docker-container --driver-opt network=host \
              --platform linux/amd64,linux/arm64 --buildkitd-config b.toml --bootstrap"
            ]
        );
    }

    #[test]
    fn each_further_machine_is_appended() {
        let node = |name: &str| Node {
            name: Some(name.into()),
            endpoint: Some(format!("tcp://{name}:1234")),
            flags: vec!["--debug".into(), "a b".into()],
            ..Node::default()
        };
        let creation = Creation {
            name: "dcb-farm".into(),
            driver: "remote".into(),
            nodes: vec![node("one"), node("two")],
        };
        assert_eq!(
            typed(&creation, false),
            [
                r"buildx create --name dcb-farm --driver remote --node one --buildkitd-flags '--debug '\''a b'\''' tcp://one:1234",
                r"buildx create --name dcb-farm --driver remote --node two --buildkitd-flags '--debug '\''a b'\''' --append tcp://two:1234",
            ]
        );
    }

    #[test]
    fn only_names_with_the_prefix_are_dcbs() {
        assert!(own_name("dcb-shop_1.2").is_ok());
        for name in ["default", "mine", "dcb", "dcb-", "dcb-a/../b", "dcb-a b"] {
            let failure = own_name(name).expect_err(name);
            assert_eq!(failure.class, Class::Usage, "{name}");
        }
    }

    #[test]
    fn a_list_of_builders_is_read_whatever_state_they_are_in() {
        let said = r#"{"Name":"a","Driver":"docker-container","Nodes":[{"Status":"inactive"}]}
{"Name":"b","Driver":"remote","Nodes":[
 {"Status":"running","Version":"v0.17","Platforms":["linux/amd64","linux/386"]},
 {"Status":"running","Version":"v0.17","Platforms":["linux/arm64"]}]}
{"Name":"c","Driver":"docker","Err":"cannot connect"}"#;
        let listed = listed(said).expect("a list");
        assert_eq!(
            (listed[0].state.as_str(), listed[0].version.as_str()),
            ("inactive", "")
        );
        assert_eq!(
            listed[1].platforms,
            ["linux/amd64", "linux/386", "linux/arm64"]
        );
        assert_eq!(listed[1].version, "v0.17");
        assert_eq!(listed[2].problem.as_deref(), Some("cannot connect"));
        assert!(super::listed("no JSON").is_err());
    }
}
