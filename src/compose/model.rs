//! A compose project as dcb understands it: what a build needs is typed, everything else stays in
//! the tree it was read from.
//!
//! Pure data. Every path is absolute, every variable is resolved, every short form is long.

use std::path::PathBuf;

use indexmap::IndexMap;

use crate::diagnostic::{Diagnostic, Span};

use super::tree::Node;

/// A loaded project.
#[derive(Debug, Clone)]
pub struct Project {
    /// The name that images, containers and networks carry.
    pub name: String,
    /// The directory that relative paths of the main files start from.
    pub directory: PathBuf,
    /// The directory that names of files are told from.
    pub here: PathBuf,
    /// The files it was read from, in merge order; `-` is standard input.
    pub files: Vec<PathBuf>,
    /// The variables it was interpolated with: the process's, then those of the `.env` files.
    pub environment: IndexMap<String, String>,
    /// The `.env` files that were read, in that order.
    pub env_files: Vec<PathBuf>,
    /// Every variable with all the values it is given, the one that counts first.
    pub settings: IndexMap<String, Vec<Setting>>,
    /// What the `.env` files of included projects assign. It counts in these projects only, and
    /// only where `settings` has no value.
    pub included: IndexMap<String, Vec<Setting>>,
    /// The variables that interpolation asks for, by name.
    pub variables: IndexMap<String, Variable>,
    /// The services that are active under the chosen profiles, in Compose's order (by name).
    pub services: IndexMap<String, Service>,
    /// Names of the services that the profiles leave out.
    pub disabled: Vec<String>,
    /// What loading has to tell: warnings and notes.
    pub notes: Vec<Diagnostic>,
    /// The whole project as one tree: merged, in long forms, with absolute paths. It has what the
    /// types leave out, such as `x-…` sections.
    pub tree: Node,
}

impl Project {
    /// A section of the user's own at the top level, such as `x-dcb`.
    pub fn extension(&self, key: &str) -> Option<&Node> {
        self.tree.get(key)
    }
}

/// A value that a variable is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The value.
    pub value: String,
    /// The place in a file that assigns it; none when the process has it.
    pub at: Option<Span>,
}

/// A variable that the compose files ask for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Variable {
    /// `${NAME:?}`: loading fails without it.
    pub required: bool,
    /// `${NAME:-default}`, the first that is given.
    pub default: String,
    /// `${NAME:+alternate}`, the first that is given.
    pub alternate: String,
    /// The values that use it.
    pub places: Vec<Span>,
}

/// One service.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its key under `services:`.
    pub name: String,
    /// Where that key stands.
    pub at: Span,
    /// `image:`, as written after interpolation.
    pub image: Option<String>,
    /// `build:`, when it has one.
    pub build: Option<Build>,
    /// `platform:`.
    pub platform: Option<String>,
    /// `pull_policy:`.
    pub pull_policy: Option<String>,
    /// The services named by `depends_on:` and its kin.
    pub depends_on: Vec<String>,
}

impl Service {
    /// The name under which the image is kept: `image:`, else project and service joined by
    /// `separator` (`-`; `_` for Compose 1 and its compatibility mode).
    pub fn image_name(&self, project: &str, separator: char) -> String {
        match &self.image {
            Some(image) => image.clone(),
            None => format!("{project}{separator}{}", self.name),
        }
    }
}

/// A `build:` section in its long form.
#[derive(Debug, Clone)]
pub struct Build {
    /// Where the section stands.
    pub at: Span,
    /// `context:`.
    pub context: Context,
    /// `dockerfile:` or `dockerfile_inline:`.
    pub dockerfile: Dockerfile,
    /// `args:` with null values already resolved from the project's environment; those that no
    /// variable gives a value are left out, as Compose does.
    pub args: IndexMap<String, String>,
    /// `labels:`.
    pub labels: IndexMap<String, String>,
    /// `target:`.
    pub target: Option<String>,
    /// `tags:`, as written.
    pub tags: Vec<String>,
    /// `platforms:`.
    pub platforms: Vec<String>,
    /// `no_cache:`.
    pub no_cache: bool,
    /// `pull:`.
    pub pull: bool,
    /// `network:`.
    pub network: Option<String>,
    /// `extra_hosts:` as (host, address), in Compose's order; a host may occur twice.
    pub extra_hosts: Vec<(String, String)>,
    /// `shm_size:` in bytes.
    pub shm_size: Option<u64>,
    /// `ulimits:`.
    pub ulimits: Vec<Ulimit>,
    /// `isolation:`.
    pub isolation: Option<String>,
    /// `privileged:`.
    pub privileged: bool,
    /// `entitlements:`.
    pub entitlements: Vec<String>,
    /// `additional_contexts:` as (name, where it comes from).
    pub additional_contexts: IndexMap<String, Context>,
    /// `cache_from:`, as written.
    pub cache_from: Vec<String>,
    /// `cache_to:`, as written.
    pub cache_to: Vec<String>,
    /// `no_cache_filter:`.
    pub no_cache_filter: Vec<String>,
    /// `secrets:`, joined with the project's definitions.
    pub secrets: Vec<Secret>,
    /// `ssh:`.
    pub ssh: Vec<Ssh>,
    /// `provenance:`, as text.
    pub provenance: Option<String>,
    /// `sbom:`, as text.
    pub sbom: Option<String>,
    /// Where each key of the section stands, by its name; also each entry of `additional_contexts:`,
    /// as `additional_contexts.NAME`, and each cache that the project names for all services, as
    /// `cache_from.INDEX`.
    pub keys: IndexMap<String, Span>,
}

/// Where the files of a build come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Context {
    /// A directory, absolute.
    Directory(PathBuf),
    /// A git or http address, `docker-image://`, `oci-layout://`, as written.
    Remote(String),
    /// The image of another service of this project.
    Service(String),
}

/// Where the Dockerfile comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dockerfile {
    /// A file of this machine, absolute; its directory part has symbolic links resolved as Compose
    /// resolves them.
    File(PathBuf),
    /// A path inside a remote context, as written.
    InContext(String),
    /// The text itself, and where it stands.
    Inline(String, Span),
}

/// One `ulimits:` entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ulimit {
    /// Its name, such as `nofile`.
    pub name: String,
    /// The soft limit.
    pub soft: i64,
    /// The hard limit; equal to `soft` when one number was given.
    pub hard: i64,
}

/// A secret that a build asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// The id that `RUN --mount=type=secret` names.
    pub id: String,
    /// Where its value is.
    pub from: SecretSource,
    /// The place that says where its value is; none when the command line does.
    pub at: Option<Span>,
}

/// Where a secret's value is. The value itself is never read while loading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A file, absolute.
    File(PathBuf),
    /// A variable of the project's environment.
    Environment(String),
}

/// An SSH agent that a build asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    /// The id that `RUN --mount=type=ssh` names.
    pub id: String,
    /// The path of an agent's socket, or of private keys joined by `,`; the user's own agent when
    /// there is none.
    pub path: Option<String>,
    /// The place that asks for it; none when the command line does.
    pub at: Option<Span>,
}
