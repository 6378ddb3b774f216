//! The docker configuration: `config.json` and what lies beside it.
//!
//! Read as the docker CLI reads it: `$DOCKER_CONFIG`, else `~/.docker`. A file that is missing is an
//! empty configuration; one that cannot be read or understood is an error, because guessing would
//! send a build to the wrong engine.

use std::fmt;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::ambient::Ambient;
use crate::failure::{Class, Failure};
use crate::human;

/// The file's name in its directory.
pub(super) const FILE: &str = "config.json";

/// What dcb uses of `config.json`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DockerConfig {
    /// The directory it lies in.
    #[serde(skip)]
    pub directory: PathBuf,
    /// The context in use when neither `DOCKER_HOST` nor `DOCKER_CONTEXT` says otherwise.
    pub current_context: String,
    /// Proxies for builds and containers, by engine address or `default`.
    pub proxies: IndexMap<String, Proxies>,
    /// Directories with plugins, looked in before all others.
    pub cli_plugins_extra_dirs: Vec<PathBuf>,
    /// Who the user is at registries, by address.
    pub(super) auths: Unread,
    /// The programs that keep passwords, by registry.
    pub(super) cred_helpers: Unread,
    /// The program that keeps those of all other registries.
    pub(super) creds_store: Unread,
}

/// A part of the file that may hold passwords. It is understood when it is needed and not before, so
/// that a mistake in it is no trouble to those who need no registry; and it cannot be printed.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Unread(serde_json::Value);

impl Unread {
    /// What it holds; nothing when it is of another form. Why that is so is not told, for such errors
    /// quote what they do not expect.
    pub(super) fn read<'a, T: Deserialize<'a> + Default>(&'a self) -> Option<T> {
        Option::deserialize(&self.0)
            .ok()
            .map(Option::unwrap_or_default)
    }
}

impl fmt::Debug for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The proxies of one engine.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Proxies {
    #[serde(rename = "httpProxy")]
    http: String,
    #[serde(rename = "httpsProxy")]
    https: String,
    #[serde(rename = "noProxy")]
    no: String,
    #[serde(rename = "ftpProxy")]
    ftp: String,
    #[serde(rename = "allProxy")]
    all: String,
}

impl DockerConfig {
    /// Reads the configuration that the docker CLI would use here.
    ///
    /// # Errors
    /// When the file exists and cannot be read or is not JSON of the expected form.
    pub fn load(ambient: &Ambient) -> Result<Self, Failure> {
        let directory = match (ambient.variable("DOCKER_CONFIG"), &ambient.home) {
            (Some(directory), _) => ambient.directory.join(directory),
            (None, Some(home)) => home.join(".docker"),
            (None, None) => return Ok(Self::default()),
        };
        let path = directory.join(FILE);
        let broken = |why: String| {
            Failure::new(
                Class::HostInvalid,
                format!("failed to read `{}`: {why}", path.display()),
            )
            .hint("mend that file, or point DOCKER_CONFIG at another directory")
        };
        let config = match std::fs::read(&path) {
            Ok(text) if text.trim_ascii().is_empty() => Self::default(),
            Ok(text) => serde_json::from_slice(&text).map_err(|error| broken(error.to_string()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(broken(error.to_string())),
        };
        Ok(Self {
            directory,
            ..config
        })
    }

    /// The build arguments that the docker CLI adds for proxies, each in upper and lower case, for
    /// the engine at `address`.
    ///
    /// Source: `ParseProxyConfig` of the docker CLI.
    pub fn proxy_arguments(&self, address: &str) -> Vec<(String, String)> {
        let Some(proxies) = self
            .proxies
            .get(address)
            .or_else(|| self.proxies.get("default"))
        else {
            return Vec::new();
        };
        [
            ("HTTP_PROXY", &proxies.http),
            ("HTTPS_PROXY", &proxies.https),
            ("NO_PROXY", &proxies.no),
            ("FTP_PROXY", &proxies.ftp),
            ("ALL_PROXY", &proxies.all),
        ]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .flat_map(|(name, value)| {
            [
                (name.to_owned(), value.clone()),
                (name.to_lowercase(), value.clone()),
            ]
        })
        .collect()
    }

    /// Where the docker context called `name` is described: below the SHA-256 of its name.
    pub(super) fn context_file(&self, name: &str) -> PathBuf {
        let id = human::hex(&Sha256::digest(name));
        let contexts = self.directory.join("contexts/meta");
        contexts.join(id).join("meta.json")
    }

    /// The path of a CLI plugin such as `docker-compose`, found in the order the docker CLI looks:
    /// the first that can be run.
    pub fn plugin(&self, name: &str) -> Option<PathBuf> {
        self.plugin_candidates(name).find(|path| is_program(path))
    }

    /// Everything that lies where a plugin of this name would, in the order the docker CLI looks,
    /// be it a program or a link to nothing. The docker CLI takes the first for the plugin.
    pub(super) fn plugin_candidates(&self, name: &str) -> impl Iterator<Item = PathBuf> {
        let file = if cfg!(windows) {
            format!("{name}.exe")
        } else {
            name.to_owned()
        };
        let own = self.directory.join("cli-plugins");
        let extra = self.cli_plugins_extra_dirs.iter().cloned();
        extra
            .chain([own])
            .chain(SYSTEM_PLUGINS.iter().map(PathBuf::from))
            .map(move |directory| directory.join(&file))
            .filter(|path| path.symlink_metadata().is_ok_and(|data| !data.is_dir()))
    }
}

/// Where packages put plugins.
const SYSTEM_PLUGINS: [&str; 4] = [
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
];

/// Whether this user may run it, as far as its mode tells.
#[cfg(unix)]
pub(super) fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// Whether it is there.
#[cfg(not(unix))]
pub(super) fn is_program(path: &Path) -> bool {
    path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_of_this_engine_win_over_the_default_ones() {
        let config: DockerConfig = serde_json::from_str(
            r#"{"proxies": {
                "default": {"httpProxy": "http://one:3128", "noProxy": "localhost"},
                "tcp://two:2375": {"httpsProxy": "http://two:3128"}}}"#,
        )
        .expect("valid");
        let names = |address| {
            config
                .proxy_arguments(address)
                .into_iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names("unix:///var/run/docker.sock"),
            [
                "HTTP_PROXY=http://one:3128",
                "http_proxy=http://one:3128",
                "NO_PROXY=localhost",
                "no_proxy=localhost"
            ]
        );
        assert_eq!(
            names("tcp://two:2375"),
            ["HTTPS_PROXY=http://two:3128", "https_proxy=http://two:3128"]
        );
    }
}
