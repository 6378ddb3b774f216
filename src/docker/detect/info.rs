//! What an engine tells of itself in `/info` and `/version`.
//!
//! Read field by field and not as a whole: engines, their imitations and the products around them
//! leave out fields, add others and change types, and none of that may hide the rest. Either answer
//! may be missing: a rootless engine on the host's network closes the connection on `/version` while
//! all else is fine.

use std::path::PathBuf;

use serde_json::Value;

use crate::docker::api_version::ApiVersion;
use crate::human;

/// What an engine tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// What it comes with.
    pub product: Product,
    /// Where it keeps images.
    pub image_store: Option<ImageStore>,
    /// Whether it runs without root.
    pub rootless: bool,
    /// Whether users of containers are mapped to others of the machine.
    pub userns: bool,
    /// Processors it may use.
    pub processors: Option<u64>,
    /// Bytes of memory it has.
    pub memory: Option<u64>,
    /// The directory of its data, as it sees it.
    pub root_dir: Option<PathBuf>,
    /// The oldest API it speaks.
    pub min_api: Option<ApiVersion>,
    /// The version of its control groups, `1` or `2`.
    pub cgroup: Option<String>,
    /// The name of its machine.
    pub name: String,
    /// The system it runs on, as people call it.
    pub system: String,
    /// The release of its kernel.
    pub kernel: String,
    /// The architecture it runs on, as the kernel names it.
    pub architecture: String,
    /// What it warns of.
    pub warnings: Vec<String>,
}

/// What an engine comes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// An engine by itself.
    Engine,
    /// Docker Desktop.
    DockerDesktop,
    /// `OrbStack`.
    OrbStack,
    /// Colima.
    Colima,
    /// Rancher Desktop.
    RancherDesktop,
    /// Lima, on which Colima and Rancher Desktop stand too.
    Lima,
    /// Podman's imitation of an engine.
    Podman,
}

impl Product {
    /// Its stable name.
    pub fn id(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::DockerDesktop => "docker-desktop",
            Self::OrbStack => "orbstack",
            Self::Colima => "colima",
            Self::RancherDesktop => "rancher-desktop",
            Self::Lima => "lima",
            Self::Podman => "podman",
        }
    }

    /// Whether its engine runs in a virtual machine of its own, whose disk is not this one.
    pub fn is_virtual(self) -> bool {
        !matches!(self, Self::Engine | Self::Podman)
    }

    fn of(system: &str, name: &str, components: &[&str]) -> Self {
        if components.contains(&"Podman Engine") {
            Self::Podman
        } else if system.starts_with("Docker Desktop") {
            Self::DockerDesktop
        } else if system.contains("OrbStack") {
            Self::OrbStack
        } else if system.contains("Rancher Desktop") || name.contains("rancher-desktop") {
            Self::RancherDesktop
        } else if name == "colima" || name.starts_with("colima-") {
            Self::Colima
        } else if name.starts_with("lima-") {
            Self::Lima
        } else {
            Self::Engine
        }
    }
}

/// Where an engine keeps images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageStore {
    /// In its own store, with this driver: one platform per image, no cache export.
    GraphDriver(String),
    /// In containerd's, with this snapshotter.
    Containerd(String),
}

impl Info {
    /// Reads both answers; one that there is not is null.
    pub(super) fn read(info: &Value, version: &Value) -> Self {
        let text = |key: &str| human::sanitize(info[key].as_str().unwrap_or_default());
        let optional = |key: &str| Some(text(key)).filter(|text| !text.is_empty());
        let listed = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let components = listed(&version["Components"]);
        let components: Vec<&str> = components
            .iter()
            .filter_map(|c| c["Name"].as_str())
            .collect();
        let options = listed(&info["SecurityOptions"]);
        let has_option = |name: &str| {
            let mut parts = options
                .iter()
                .filter_map(Value::as_str)
                .flat_map(|o| o.split(','));
            parts.any(|part| part.strip_prefix("name=") == Some(name))
        };
        let (name, system) = (text("Name"), text("OperatingSystem"));
        Self {
            product: Product::of(&system, &name, &components),
            image_store: optional("Driver").map(|driver| {
                let status = listed(&info["DriverStatus"]);
                let of_containerd = |pair: &Value| {
                    let kind = "io.containerd.snapshotter.v1";
                    pair[0] == "driver-type" && pair[1] == kind
                };
                if status.iter().any(of_containerd) {
                    ImageStore::Containerd(driver)
                } else {
                    ImageStore::GraphDriver(driver)
                }
            }),
            rootless: has_option("rootless") || components.contains(&"rootlesskit"),
            userns: has_option("userns"),
            processors: info["NCPU"].as_u64().filter(|count| *count > 0),
            memory: info["MemTotal"].as_u64().filter(|bytes| *bytes > 0),
            root_dir: optional("DockerRootDir").map(PathBuf::from),
            min_api: version["MinAPIVersion"]
                .as_str()
                .and_then(ApiVersion::parse),
            cgroup: optional("CgroupVersion"),
            kernel: text("KernelVersion"),
            architecture: text("Architecture"),
            warnings: listed(&info["Warnings"])
                .iter()
                .filter_map(Value::as_str)
                .map(human::sanitize)
                .collect(),
            name,
            system,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers of engines, by the name of their file; those of one engine stand in one file.
    fn captured(file: &str) -> Info {
        let path = format!(
            "{}/tests/engine-answers/{file}.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("`{path}`: {e}"));
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("`{path}`: {e}"));
        Info::read(&value["info"], &value["version"])
    }

    #[test]
    fn every_product_is_known_by_what_it_answers() {
        use ImageStore::{Containerd, GraphDriver};
        let overlay2 = || Some(GraphDriver("overlay2".into()));
        let containerd = || Some(Containerd("overlayfs".into()));
        for (file, product, store, rootless, userns) in [
            ("20.10", Product::Engine, overlay2(), false, false),
            ("28.5-rootless", Product::Engine, overlay2(), true, false),
            ("28.5-userns", Product::Engine, overlay2(), false, true),
            ("29.7", Product::Engine, containerd(), false, false),
            ("colima", Product::Colima, overlay2(), false, false),
            (
                "docker-desktop",
                Product::DockerDesktop,
                containerd(),
                false,
                false,
            ),
            (
                "docker-desktop-windows",
                Product::DockerDesktop,
                Some(GraphDriver("windowsfilter".into())),
                false,
                false,
            ),
            ("orbstack", Product::OrbStack, overlay2(), false, false),
            (
                "podman-4.3",
                Product::Podman,
                Some(GraphDriver("overlay".into())),
                false,
                false,
            ),
            (
                "rancher-desktop",
                Product::RancherDesktop,
                overlay2(),
                false,
                false,
            ),
        ] {
            let info = captured(file);
            assert_eq!(info.product, product, "{file}");
            assert_eq!(info.image_store, store, "{file}");
            assert_eq!((info.rootless, info.userns), (rootless, userns), "{file}");
            assert!(info.processors.is_some() && info.memory.is_some(), "{file}");
            assert!(
                info.root_dir.is_some() && !info.architecture.is_empty(),
                "{file}"
            );
        }
    }

    #[test]
    fn all_of_an_answer_is_read() {
        let info = captured("28.5-rootless");
        assert_eq!(info.min_api, Some(ApiVersion(1, 24)));
        assert_eq!(
            (info.processors, info.memory),
            (Some(8), Some(16_567_013_376))
        );
        assert_eq!(info.root_dir, Some("/home/me/.local/share/docker".into()));
        assert_eq!(info.cgroup.as_deref(), Some("2"));
        assert_eq!(info.system, "Ubuntu 24.04.1 LTS");
        assert_eq!(info.warnings, ["WARNING: No cpuset support"]);
        assert_eq!(captured("29.7").min_api, Some(ApiVersion(1, 40)));
        assert_eq!(captured("20.10").min_api, Some(ApiVersion(1, 12)));
    }

    #[test]
    fn what_is_missing_or_of_another_type_hides_nothing_else() {
        let version: Value =
            serde_json::json!({"MinAPIVersion": "1.24", "Components": [{"Name": "rootlesskit"}]});
        let only_version = Info::read(&Value::Null, &version);
        assert_eq!(only_version.min_api, Some(ApiVersion(1, 24)));
        assert!(only_version.rootless);
        assert_eq!(only_version.image_store, None);
        let odd = serde_json::json!({
            "NCPU": "two", "Driver": null, "SecurityOptions": null, "Warnings": "none",
            "DriverStatus": {"a": 1}, "Name": 5, "MemTotal": 1024, "OperatingSystem": "Linux\u{1b}[31m"
        });
        let info = Info::read(&odd, &Value::Null);
        assert_eq!((info.processors, info.memory), (None, Some(1024)));
        assert_eq!(info.system, "Linux");
        assert_eq!(info.min_api, None);
    }
}
