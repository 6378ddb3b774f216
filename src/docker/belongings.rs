//! What an engine has of Compose projects, and taking it away.
//!
//! Everything that Compose and dcb make for a project carries its name as a label. For containers,
//! networks and volumes that is enough. An image hands its labels on to every image that begins with
//! it, so one is a project's only if it also has a name that the project gives, or no name at all;
//! and only these names are taken away from it. Pulled images have no such label.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use futures_util::future::join_all;
use hyper::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::json;

use super::api::{Api, Error, escaped, failed};
use super::reference;
use crate::failure::Failure;

/// The label with the name of the project.
const PROJECT: &str = "com.docker.compose.project";
/// The label with the name of the service.
const SERVICE: &str = "com.docker.compose.service";

/// The label that says whether a container is one of `docker compose run`.
const ONE_OFF: &str = "com.docker.compose.oneoff";

/// How long an engine may take for one request here: removing an image of many layers takes it a
/// while, and a container has all its `stop_grace_period` to end.
const LONGEST: Duration = Duration::from_secs(600);

/// Whose belongings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Those of one project.
    Project {
        /// Its name.
        name: String,
        /// The names of the images that it builds, in full form.
        images: Vec<String>,
    },
    /// Those of all projects.
    Everybody,
}

/// What an engine has of one project or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Belongings {
    /// Containers, whether they run or not.
    pub containers: Vec<Container>,
    /// Networks.
    pub networks: Vec<Thing>,
    /// Volumes.
    pub volumes: Vec<Thing>,
    /// Images that were built.
    pub images: Vec<Image>,
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The project it belongs to.
    pub project: String,
    /// The service it belongs to.
    pub service: String,
    /// Whether it is one of `docker compose run`, and none of those that make up the service.
    pub one_off: bool,
    /// Its state in the engine's words: `running`, `exited`.
    pub state: String,
}

impl Container {
    /// Whether it is one of those that make up the service.
    pub fn is_of(&self, service: &str) -> bool {
        self.service == service && !self.one_off
    }

    /// Whether its processes run.
    pub fn runs(&self) -> bool {
        self.state == "running"
    }
}

/// A network or a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// Its name.
    pub name: String,
    /// The project it belongs to.
    pub project: String,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its id.
    pub id: String,
    /// The project it belongs to.
    pub project: String,
    /// The names that the project gave it; none when another image has them now.
    pub names: Vec<String>,
    /// Whether it has names beside these, and so stays when it loses them.
    pub has_others: bool,
    /// Its size in bytes, with layers that other images may share.
    pub size: u64,
}

impl Belongings {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.containers.is_empty()
            && self.networks.is_empty()
            && self.volumes.is_empty()
            && self.images.is_empty()
    }

    /// The names of the projects.
    pub fn projects(&self) -> BTreeSet<&str> {
        let things = self.networks.iter().chain(&self.volumes);
        let things = things.map(|thing| thing.project.as_str());
        let containers = self.containers.iter().map(|one| one.project.as_str());
        let images = self.images.iter().map(|one| one.project.as_str());
        things.chain(containers).chain(images).collect()
    }

    /// The part that `earlier` has not: by id, or by name where there is none.
    #[must_use]
    pub fn without(mut self, earlier: &Self) -> Self {
        self.containers
            .retain(|one| earlier.containers.iter().all(|known| known.id != one.id));
        self.networks.retain(|one| !earlier.networks.contains(one));
        self.volumes.retain(|one| !earlier.volumes.contains(one));
        self.images
            .retain(|one| earlier.images.iter().all(|known| known.id != one.id));
        self
    }
}

impl Api {
    /// What the engine has of `whose`.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn belongings(&self, whose: &Whose) -> Result<Belongings, Failure> {
        let label = match whose {
            Whose::Project { name, .. } => format!("{PROJECT}={name}"),
            Whose::Everybody => PROJECT.to_owned(),
        };
        let filters = json!({ "label": [label] }).to_string();
        let filters = utf8_percent_encode(&filters, NON_ALPHANUMERIC);
        let engine = self.patient(LONGEST);
        let containers = format!("containers/json?all=true&filters={filters}");
        let networks = format!("networks?filters={filters}");
        let volumes = format!("volumes?filters={filters}");
        let images = format!("images/json?filters={filters}");
        let (containers, networks, volumes, images) = tokio::try_join!(
            engine.get::<Vec<ListedContainer>>(&containers),
            engine.get::<Vec<Listed>>(&networks),
            engine.get::<ListedVolumes>(&volumes),
            engine.get::<Vec<ListedImage>>(&images),
        )
        .map_err(|error| failed("list what the project has", &error))?;
        let label = |labels: &Option<HashMap<String, String>>, name| {
            let labels = labels.as_ref();
            labels
                .and_then(|labels| labels.get(name).cloned())
                .unwrap_or_default()
        };
        let thing = |one: Listed| Thing {
            project: label(&one.labels, PROJECT),
            name: one.name,
        };
        let mut found = Belongings {
            containers: containers
                .into_iter()
                .map(|one| {
                    let name = one.names.and_then(|names| names.into_iter().next());
                    Container {
                        id: one.id,
                        name: name.unwrap_or_default().trim_start_matches('/').to_owned(),
                        project: label(&one.labels, PROJECT),
                        service: label(&one.labels, SERVICE),
                        one_off: label(&one.labels, ONE_OFF).eq_ignore_ascii_case("true"),
                        state: one.state,
                    }
                })
                .collect(),
            networks: networks.into_iter().map(thing).collect(),
            volumes: volumes.volumes.into_iter().flatten().map(thing).collect(),
            images: images
                .into_iter()
                .filter_map(|one| {
                    let project = label(&one.labels, PROJECT);
                    let service = label(&one.labels, SERVICE);
                    let tags = one.repo_tags.unwrap_or_default();
                    image(one.id, &tags, project, &service, one.size, whose)
                })
                .collect(),
        };
        found
            .containers
            .sort_by(|one, other| one.name.cmp(&other.name));
        found
            .networks
            .sort_by(|one, other| one.name.cmp(&other.name));
        found
            .volumes
            .sort_by(|one, other| one.name.cmp(&other.name));
        found
            .images
            .sort_by(|one, other| other.names.cmp(&one.names));
        Ok(found)
    }

    /// Asks the processes of a container to end, and ends them when they take too long: ten seconds, or
    /// what its `stop_grace_period` says.
    ///
    /// # Errors
    /// When the engine does not.
    pub async fn stop(&self, container: &Container) -> Result<(), Failure> {
        if !container.runs() {
            return Ok(());
        }
        let path = format!("containers/{}/stop", escaped(&container.id));
        let stopped = self.patient(LONGEST).ask(Method::POST, &path).await;
        told(stopped, &format!("stop the container `{}`", container.name))
    }

    /// Takes `belongings` away, in the order in which one keeps another in use; containers are asked to
    /// end first. What the engine keeps comes back with its reason.
    pub async fn take_away(&self, belongings: &Belongings, unnamed: Unnamed) -> Vec<Failure> {
        let engine = self.patient(LONGEST);
        let remove = async |path: String, what: String| {
            let removed = engine.ask(Method::DELETE, &path).await;
            told(removed, &format!("remove the {what}"))
        };
        let mut kept = Vec::new();
        let containers = belongings.containers.iter().map(async |one| {
            self.stop(one).await?;
            let path = format!(
                "containers/{}?force=true&v={}",
                escaped(&one.id),
                unnamed == Unnamed::Remove
            );
            remove(path, format!("container `{}`", one.name)).await
        });
        let removed = join_all(containers).await;
        kept.extend(removed.into_iter().filter_map(Result::err));
        for Thing { name, .. } in &belongings.networks {
            let path = format!("networks/{}", escaped(name));
            kept.extend(remove(path, format!("network `{name}`")).await.err());
        }
        for Thing { name, .. } in &belongings.volumes {
            let path = format!("volumes/{}", escaped(name));
            kept.extend(remove(path, format!("volume `{name}`")).await.err());
        }
        for image in &belongings.images {
            let by: Vec<&String> = if image.names.is_empty() {
                vec![&image.id]
            } else {
                image.names.iter().collect()
            };
            for name in by {
                let path = format!("images/{}", escaped(name));
                kept.extend(remove(path, format!("image `{name}`")).await.err());
            }
        }
        kept
    }
}

/// Of `GET /containers/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedContainer {
    id: String,
    names: Option<Vec<String>>,
    labels: Option<HashMap<String, String>>,
    #[serde(default)]
    state: String,
}

/// A network or a volume in its list.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    name: String,
    labels: Option<HashMap<String, String>>,
}

/// Of `GET /volumes`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedVolumes {
    volumes: Option<Vec<Listed>>,
}

/// Of `GET /images/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedImage {
    id: String,
    repo_tags: Option<Vec<String>>,
    labels: Option<HashMap<String, String>>,
    #[serde(default)]
    size: u64,
}

/// What becomes of volumes without a name, which nothing but their container knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unnamed {
    /// They stay.
    Keep,
    /// They go with it.
    Remove,
}

/// What is gone already needs no removing, and what has ended no stopping.
fn told(done: Result<String, Error>, what: &str) -> Result<(), Failure> {
    match done {
        Ok(_) | Err(Error::Refused(StatusCode::NOT_MODIFIED | StatusCode::NOT_FOUND, _)) => Ok(()),
        Err(error) => Err(failed(what, &error)),
    }
}

/// An image with the label of `project`, if it is the project's.
fn image(
    id: String,
    tags: &[String],
    project: String,
    service: &str,
    size: u64,
    whose: &Whose,
) -> Option<Image> {
    let tags: Vec<&String> = tags
        .iter()
        .filter(|tag| !tag.starts_with("<none>"))
        .collect();
    let given = |tag: &str| {
        // Podman keeps short names under a registry of its own.
        let short = tag.strip_prefix("localhost/").unwrap_or(tag);
        let Ok(full) = reference::normalize(short) else {
            return false;
        };
        let is = |name: &str| reference::normalize(name).is_ok_and(|name| name == full);
        is(&format!("{project}-{service}"))
            || is(&format!("{project}_{service}"))
            || matches!(whose, Whose::Project { images, .. } if images.contains(&full))
    };
    let names: Vec<String> = tags
        .iter()
        .filter(|tag| given(tag))
        .map(|tag| (*tag).clone())
        .collect();
    let has_others = names.len() < tags.len();
    (tags.is_empty() || !names.is_empty()).then_some(Image {
        id,
        project,
        names,
        has_others,
        size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(tags: &[&str], whose: &Whose) -> Option<(Vec<String>, bool)> {
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let found = image("sha256:1".into(), &tags, "shop".into(), "web", 1, whose);
        found.map(|image| (image.names, image.has_others))
    }

    #[test]
    fn an_image_is_a_projects_by_label_and_name_and_one_that_begins_with_it_is_not() {
        let shop = Whose::Project {
            name: "shop".into(),
            images: vec!["docker.io/acme/web:1".into()],
        };
        let own = |names: &[&str], others| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            Some((names, others))
        };
        for whose in [&shop, &Whose::Everybody] {
            assert_eq!(
                of(&["shop-web:latest"], whose),
                own(&["shop-web:latest"], false)
            );
            assert_eq!(
                of(&["shop_web:latest"], whose),
                own(&["shop_web:latest"], false)
            );
            assert_eq!(of(&[], whose), own(&[], false));
            assert_eq!(of(&["<none>:<none>"], whose), own(&[], false));
            assert_eq!(of(&["mine/derived:latest"], whose), None);
            assert_eq!(
                of(&["mine/derived:latest", "shop-web:latest"], whose),
                own(&["shop-web:latest"], true)
            );
            assert_eq!(
                of(&["localhost/shop-web:latest"], whose),
                own(&["localhost/shop-web:latest"], false)
            );
        }
        assert_eq!(of(&["acme/web:1"], &shop), own(&["acme/web:1"], false));
        assert_eq!(of(&["acme/web:1"], &Whose::Everybody), None);
    }
}
