//! What is asked of a builder for one image: everything decided, nothing left to look up.

use std::fmt;
use std::path::PathBuf;

use indexmap::IndexMap;

use super::cache_entry::CacheEntry;
use crate::compose::Ulimit;
use crate::secret::ArgValue;

/// Which builder builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// The engine's own BuildKit.
    BuildKit,
    /// The classic builder behind `POST /build`; Podman's builder where the engine is Podman.
    Classic,
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BuildKit => "buildkit",
            Self::Classic => "classic",
        })
    }
}

/// One build. Names follow the `build:` section of the compose file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildSpec {
    /// Where the files come from.
    pub context: ContextSource,
    /// Where the Dockerfile comes from.
    pub dockerfile: DockerfileSource,
    /// The Dockerfile as it is named to people.
    pub dockerfile_name: String,
    /// The stage to build; the last one when there is none.
    pub target: Option<String>,
    /// Build arguments, values resolved.
    pub args: IndexMap<String, ArgValue>,
    /// Labels of the image.
    pub labels: IndexMap<String, String>,
    /// The image's names in full form.
    pub tags: Vec<String>,
    /// The platforms to build for; the engine's own when there is none.
    pub platforms: Vec<String>,
    /// What may be taken from the cache.
    pub cache: CacheUse,
    /// Where else steps are taken from.
    pub cache_from: Vec<CacheEntry>,
    /// Where steps are kept beyond the builder's own cache.
    pub cache_to: Vec<CacheEntry>,
    /// Whether base images are looked up anew.
    pub pull: PullPolicy,
    /// The network of `RUN`.
    pub network: Network,
    /// Images of this machine that stand for names in the Dockerfile: (name, full image name).
    pub contexts: IndexMap<String, String>,
    /// Lines for `/etc/hosts` as (host, address); `host-gateway` is still to be resolved.
    pub extra_hosts: Vec<(String, String)>,
    /// The size of `/dev/shm` in bytes.
    pub shm_size: Option<u64>,
    /// Limits of the processes of `RUN`.
    pub ulimits: Vec<Ulimit>,
    /// What `RUN` may do beyond what every step may, such as `security.insecure`.
    pub entitlements: Vec<String>,
    /// What is to be attested of the image, by kind (`provenance`, `sbom`), with its parameters.
    pub attestations: IndexMap<String, String>,
}

impl BuildSpec {
    /// A build of `context` with the Dockerfile called `name`, and nothing else asked for.
    pub fn new(context: ContextSource, dockerfile: DockerfileSource, name: &str) -> Self {
        Self {
            context,
            dockerfile,
            dockerfile_name: name.to_owned(),
            target: None,
            args: IndexMap::new(),
            labels: IndexMap::new(),
            tags: Vec::new(),
            platforms: Vec::new(),
            cache: CacheUse::Normal,
            cache_from: Vec::new(),
            cache_to: Vec::new(),
            pull: PullPolicy::Missing,
            network: Network::Default,
            contexts: IndexMap::new(),
            extra_hosts: Vec::new(),
            shm_size: None,
            ulimits: Vec::new(),
            entitlements: Vec::new(),
            attestations: IndexMap::new(),
        }
    }
}

/// Where the files of a build come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ContextSource {
    /// A directory of this machine.
    Directory(PathBuf),
    /// A git or http address, fetched by the engine.
    Remote(String),
}

/// Where the Dockerfile comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DockerfileSource {
    /// A file of this machine.
    File(PathBuf),
    /// A text that stands in for a file of this machine, whose `.dockerignore` still counts.
    Instead(PathBuf, String),
    /// A path inside a remote context.
    InContext(String),
    /// The text itself.
    Inline(String),
}

/// What may be taken from the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheUse {
    /// Everything.
    Normal,
    /// Everything but these stages.
    Without(Vec<String>),
    /// Nothing; cache mounts are emptied too, which is what BuildKit does with `no-cache`.
    None,
}

/// Whether base images are looked up in their registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullPolicy {
    /// Only those that the engine does not have.
    Missing,
    /// All of them.
    Always,
}

/// The network of `RUN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Network {
    /// A sandbox with access to the outside.
    Default,
    /// The engine's own network.
    Host,
    /// No network.
    None,
    /// A network of the engine, which only the classic builder can use.
    Named(String),
}
