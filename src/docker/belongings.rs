//! What an engine has of Compose projects, and taking it away.
//!
//! Everything that Compose and dcb make for a project carries its name as a label. For networks and
//! volumes that is enough. An image hands its labels on to every image that begins with it, so one is a
//! project's only if it also has a name that the project gives, or no name at all; and only these names
//! are taken away from it. Pulled images have no such label. Containers that somebody makes from an image
//! have its labels too: those of Compose also have one with the hash of their configuration, or say that
//! they are of `docker compose run`.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use bollard::errors::Error;
use bollard::query_parameters::{
    ListContainersOptions, ListImagesOptions, ListNetworksOptions, ListVolumesOptions,
    RemoveContainerOptions, RemoveImageOptions, RemoveVolumeOptions, StopContainerOptions,
};
use futures_util::future::join_all;

use super::api::{Api, failed};
use super::reference;
use crate::failure::Failure;

/// The label with the name of the project.
const PROJECT: &str = "com.docker.compose.project";
/// The label with the name of the service.
const SERVICE: &str = "com.docker.compose.service";

/// The label that every container of `docker compose up` has, and no image.
const CONFIG_HASH: &str = "com.docker.compose.config-hash";
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
        let filters = || Some(HashMap::from([("label".to_owned(), vec![label.clone()])]));
        let engine = self.patient(LONGEST);
        let containers = ListContainersOptions {
            all: true,
            filters: filters(),
            ..Default::default()
        };
        let networks = ListNetworksOptions { filters: filters() };
        let volumes = ListVolumesOptions { filters: filters() };
        let images = ListImagesOptions {
            filters: filters(),
            ..Default::default()
        };
        let (containers, networks, volumes, images) = tokio::try_join!(
            engine.list_containers(Some(containers)),
            engine.list_networks(Some(networks)),
            engine.list_volumes(Some(volumes)),
            engine.list_images(Some(images)),
        )
        .map_err(|error| failed("list what the project has", &error))?;
        let label =
            |labels: &HashMap<String, String>, name| labels.get(name).cloned().unwrap_or_default();
        let mut found = Belongings {
            containers: containers
                .into_iter()
                .filter_map(|one| {
                    let labels = one.labels.unwrap_or_default();
                    let name = one.names.and_then(|names| names.into_iter().next());
                    let one_off = label(&labels, ONE_OFF).eq_ignore_ascii_case("true");
                    let is_composes = one_off || labels.contains_key(CONFIG_HASH);
                    is_composes.then(|| Container {
                        id: one.id.unwrap_or_default(),
                        name: name.unwrap_or_default().trim_start_matches('/').to_owned(),
                        project: label(&labels, PROJECT),
                        service: label(&labels, SERVICE),
                        one_off,
                        state: one
                            .state
                            .map_or_else(String::new, |state| state.to_string()),
                    })
                })
                .collect(),
            networks: networks
                .into_iter()
                .map(|one| Thing {
                    name: one.name.unwrap_or_default(),
                    project: label(&one.labels.unwrap_or_default(), PROJECT),
                })
                .collect(),
            volumes: volumes
                .volumes
                .unwrap_or_default()
                .into_iter()
                .map(|one| Thing {
                    name: one.name,
                    project: label(&one.labels, PROJECT),
                })
                .collect(),
            images: images
                .into_iter()
                .filter_map(|one| {
                    let project = label(&one.labels, PROJECT);
                    let service = label(&one.labels, SERVICE);
                    let size = u64::try_from(one.size).unwrap_or_default();
                    image(one.id, &one.repo_tags, project, &service, size, whose)
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
        let engine = self.patient(LONGEST);
        let stopped = engine.stop_container(&container.id, None::<StopContainerOptions>);
        told(
            stopped.await,
            &format!("stop the container `{}`", container.name),
        )
    }

    /// Takes `belongings` away, in the order in which one keeps another in use; containers are asked to
    /// end first. What the engine keeps comes back with its reason.
    pub async fn take_away(&self, belongings: &Belongings, unnamed: Unnamed) -> Vec<Failure> {
        let engine = self.patient(LONGEST);
        let mut kept = Vec::new();
        let containers = belongings.containers.iter().map(async |one| {
            self.stop(one).await?;
            let options = RemoveContainerOptions {
                force: true,
                v: unnamed == Unnamed::Remove,
                ..Default::default()
            };
            let removed = engine.remove_container(&one.id, Some(options));
            told(
                removed.await,
                &format!("remove the container `{}`", one.name),
            )
        });
        kept.extend(
            join_all(containers)
                .await
                .into_iter()
                .filter_map(Result::err),
        );
        for network in &belongings.networks {
            let removed = engine.remove_network(&network.name).await;
            kept.extend(told(removed, &format!("remove the network `{}`", network.name)).err());
        }
        for volume in &belongings.volumes {
            let removed = engine.remove_volume(&volume.name, None::<RemoveVolumeOptions>);
            kept.extend(
                told(
                    removed.await,
                    &format!("remove the volume `{}`", volume.name),
                )
                .err(),
            );
        }
        for image in &belongings.images {
            let by: Vec<&String> = if image.names.is_empty() {
                vec![&image.id]
            } else {
                image.names.iter().collect()
            };
            for name in by {
                let removed = engine.remove_image(name, None::<RemoveImageOptions>, None);
                let removed = removed.await.map(|_| ());
                kept.extend(told(removed, &format!("remove the image `{name}`")).err());
            }
        }
        kept
    }
}

/// What becomes of volumes without a name, which nothing but their container knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unnamed {
    /// They stay.
    Keep,
    /// They go with it.
    Remove,
}

/// What is gone already needs no removing.
fn told(done: Result<(), Error>, what: &str) -> Result<(), Failure> {
    match done {
        Ok(())
        | Err(Error::DockerResponseServerError {
            status_code: 304 | 404,
            ..
        }) => Ok(()),
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
