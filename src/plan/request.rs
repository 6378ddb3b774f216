//! What is asked for, as values: the words of the command line and the settings behind them.

use std::path::PathBuf;

use indexmap::IndexMap;

use super::forms::Role;
use super::no_cache::NoCache;
use crate::compose::Service;
use crate::docker::{Output, Strategy};
use crate::secret::ArgValue;

/// What is asked for.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "they are flags")]
pub struct Request {
    /// The services named; all when empty.
    pub services: Vec<String>,
    /// `--no-cache`.
    pub no_cache: NoCache,
    /// `--pull`.
    pub pull: bool,
    /// `--build-arg`, values resolved.
    pub build_args: IndexMap<String, String>,
    /// The arguments for proxies that the docker configuration adds.
    pub proxy_args: Vec<(String, String)>,
    /// How many jobs run side by side.
    pub parallel: Set<usize>,
    /// The character between project and service in an image's name.
    pub separator: char,
    /// `DOCKER_DEFAULT_PLATFORM`.
    pub default_platform: Option<String>,
    /// `--output`: where the results go instead of the engine's images.
    pub output: Option<Output>,
    /// `--check`: whether the Dockerfiles are checked, and nothing is built.
    pub check: bool,
    /// `--push`: whether the images that have a name of their own go to their registries.
    pub push: bool,
    /// `SOURCE_DATE_EPOCH`: when the images are said to be made.
    pub source_date_epoch: Option<String>,
    /// Variables that caches outside of this machine are reached with.
    pub cache_variables: IndexMap<String, ArgValue>,
    /// Whether the images are to be started here: they have one platform then.
    pub to_start: bool,
    /// The directory that paths are told relative to.
    pub directory: PathBuf,
    /// What is said of builders and forms for all services.
    pub policy: Policy,
    /// What single services say of them, where nobody above them did.
    pub own_policies: IndexMap<String, Policy>,
    /// Whether another way is taken when the builder stands in the way of the first.
    pub fallback: Set<Fallback>,
    /// Whether the others go on when one fails.
    pub keep_going: bool,
}

impl Request {
    /// The builders that are asked for by name.
    pub fn builders(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.policy)
            .chain(self.own_policies.values())
            .filter_map(|policy| policy.builder.value.as_deref())
    }

    /// Whether the image of `service` is to be pushed. As Compose has it: a name that nobody gave is
    /// none to publish under.
    pub(super) fn pushes(&self, service: &Service) -> bool {
        self.push && service.image.is_some()
    }

    /// What counts for one service.
    pub(super) fn policy(&self, service: &str) -> &Policy {
        self.own_policies.get(service).unwrap_or(&self.policy)
    }
}

/// What is said of builders and forms.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The builder, when one is asked for.
    pub strategy: Set<Option<Strategy>>,
    /// The builder of buildx that is asked for by its name.
    pub builder: Set<Option<String>>,
    /// Whether the classic builder gets the traditional form or nothing.
    pub strict: bool,
    /// The form.
    pub variant: Set<Wanted>,
    /// Whether a Dockerfile may use cache mounts.
    pub cache_mounts: Set<bool>,
}

impl Default for Policy {
    fn default() -> Self {
        let from = "the default";
        Self {
            strategy: Set { value: None, from },
            builder: Set { value: None, from },
            strict: false,
            variant: Set {
                value: Wanted::Auto,
                from,
            },
            cache_mounts: Set { value: true, from },
        }
    }
}

/// Which form of a service is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The best one that its builder can build.
    Auto,
    /// One of a pair.
    Role(Role),
    /// The one whose name has this marker; services without one are built as they are.
    Named(String),
}

/// Whether another way is taken when the builder stands in the way of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// It is, and said.
    Auto,
    /// It is when the user agrees.
    Ask,
    /// It is not.
    Never,
}

/// A value and who set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set<T> {
    /// The value.
    pub value: T,
    /// Who set it: a flag, a variable, or a default, as people know it.
    pub from: &'static str,
}
