//! What is asked of a builder for one image: everything decided, nothing left to look up.

use std::fmt;
use std::path::PathBuf;

use indexmap::IndexMap;

use super::cache_entry::CacheEntry;
use crate::compose::Ulimit;
use crate::secret::{ArgValue, Secret};

/// Which builder builds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// The engine's own BuildKit.
    BuildKit,
    /// The builder of buildx that has this name, which is not the engine's own.
    Buildx(String),
    /// The classic builder behind `POST /build`; Podman's builder where the engine is Podman.
    Classic,
}

impl Strategy {
    /// Its kind, as programs know it.
    pub fn id(&self) -> &'static str {
        match self {
            Self::BuildKit => "buildkit",
            Self::Buildx(_) => "buildx",
            Self::Classic => "classic",
        }
    }

    /// The name of the builder, where there are several of its kind.
    pub fn builder(&self) -> Option<&str> {
        match self {
            Self::Buildx(name) => Some(name),
            Self::BuildKit | Self::Classic => None,
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())?;
        match self.builder() {
            Some(name) => write!(f, " `{name}`"),
            None => Ok(()),
        }
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
    /// What stands for names in the Dockerfile, by name in BuildKit's spelling: short, and without
    /// `:latest`.
    pub contexts: IndexMap<String, NamedContext>,
    /// Lines for `/etc/hosts` as (host, address); `host-gateway` is still to be resolved.
    pub extra_hosts: Vec<(String, String)>,
    /// The size of `/dev/shm` in bytes.
    pub shm_size: Option<u64>,
    /// Limits of the processes of `RUN`.
    pub ulimits: Vec<Ulimit>,
    /// What `RUN` may do beyond what every step may, such as `security.insecure`.
    pub entitlements: Vec<String>,
    /// Where the result goes instead of the engine's images.
    pub output: Option<Output>,
    /// What is to be attested of the image, by kind (`provenance`, `sbom`), with its parameters.
    pub attestations: IndexMap<String, String>,
    /// The secrets that `RUN` may mount, by id.
    pub secrets: IndexMap<String, SecretValue>,
    /// The SSH agents that `RUN` may use, by id.
    pub ssh: IndexMap<String, SshAgent>,
    /// Where the image goes.
    pub destination: Keeper,
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
            output: None,
            attestations: IndexMap::new(),
            secrets: IndexMap::new(),
            ssh: IndexMap::new(),
            destination: Keeper::Engine,
        }
    }
}

/// Where an image goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Keeper {
    /// Into the engine.
    Engine,
    /// From the builder to its registry, under all its names, and not into the engine. Only a builder
    /// that is not the engine's own can.
    Registry,
}

/// Where the files of a build come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ContextSource {
    /// A directory of this machine.
    Directory(PathBuf),
    /// A git or http address, fetched by the engine.
    Remote(String),
}

/// What stands for a name in the Dockerfile: what stages begin with, copy from and mount.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NamedContext {
    /// A directory of this machine.
    Directory(PathBuf),
    /// An image by its full name, or `scratch`; the engine's own is taken before a registry's.
    Image(String),
    /// A git or http address, fetched by the engine.
    Remote(String),
    /// An image in a directory of this machine in OCI's layout.
    OciLayout {
        /// The directory.
        directory: PathBuf,
        /// What follows it as written: `:TAG`, `@DIGEST`, both or nothing.
        image: String,
    },
}

impl fmt::Display for NamedContext {
    /// As Compose writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => path.display().fmt(f),
            Self::Image(name) => write!(f, "docker-image://{name}"),
            Self::Remote(address) => f.write_str(address),
            Self::OciLayout { directory, image } => {
                write!(f, "oci-layout://{}{image}", directory.display())
            }
        }
    }
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

/// Where the result of a build goes when it is to be no image of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// In which form.
    pub form: OutputForm,
    /// To which place; never a stream for [`OutputForm::Local`].
    pub to: Destination,
    /// What else the exporter is told, as written.
    pub options: IndexMap<String, String>,
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.form, self.to)
    }
}

/// The form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputForm {
    /// Its files, in a directory.
    Local,
    /// Its files, in one archive.
    Tar,
    /// The image in OCI's layout, in one archive.
    Oci,
    /// The image as `docker load` takes it, in one archive.
    Docker,
}

impl fmt::Display for OutputForm {
    /// As buildx calls it, and BuildKit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "local",
            Self::Tar => "tar",
            Self::Oci => "oci",
            Self::Docker => "docker",
        })
    }
}

/// Where a result is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A directory or file of this machine, absolute.
    Path(PathBuf),
    /// Standard output.
    Stdout,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Stdout => f.write_str("standard output"),
        }
    }
}

/// Where the value of a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretValue {
    /// In a file of this machine, which is read when a step asks for it.
    File(PathBuf),
    /// Here: what the variable called `name` is set to.
    Variable {
        /// The variable.
        name: String,
        /// Its value.
        value: Secret,
    },
}

impl SecretValue {
    /// The most bytes that a secret may have: the engine's own clients send no more.
    pub const LARGEST: usize = 500 << 10;
}

/// What answers for an SSH agent inside a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SshAgent {
    /// The agent that listens on this socket.
    Socket(PathBuf),
    /// An agent of our own that has the private keys in these files.
    Keys(Vec<PathBuf>),
}

/// What may be taken from the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheUse {
    /// Everything.
    Normal,
    /// Everything but these stages.
    Without(Vec<String>),
    /// Nothing but what is in cache mounts: every step runs again, and finds them as they were.
    Mounts,
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
