//! Where credentials are kept: a variable, programs, the docker configuration itself.

use std::collections::BTreeSet;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;
use serde::Deserialize;

use super::helper::Helper;
use super::login::Login;
use super::{address, registry};
use crate::ambient::Ambient;
use crate::docker::config::{self, DockerConfig, Unread};
use crate::failure::{Class, Failure};
use crate::secret::Secret;

/// The variable that goes before everything in the file; the docker CLI reads it from 28.3 on.
const VARIABLE: &str = "DOCKER_AUTH_CONFIG";

/// What a look-up found.
pub(super) struct Found {
    pub(super) login: Login,
    /// What went wrong with it.
    pub(super) trouble: Option<Failure>,
}

/// The places, not read yet.
pub(super) struct Source {
    /// `config.json`.
    file: PathBuf,
    /// Where programs run.
    directory: PathBuf,
    variable: Option<Secret>,
    auths: Unread,
    helpers: Unread,
    store: Unread,
}

/// The entry of one registry under `auths`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    /// `USER:PASSWORD` in base64. It goes before the two written out.
    auth: Secret,
    username: String,
    password: Secret,
    identitytoken: Secret,
    registrytoken: Secret,
}

type Entries = IndexMap<String, Entry>;

/// What [`VARIABLE`] holds.
#[derive(Deserialize)]
struct Variable {
    #[serde(default)]
    auths: Entries,
}

impl Source {
    pub(super) fn new(ambient: &Ambient, config: &DockerConfig) -> Self {
        Self {
            file: config.directory.join(config::FILE),
            directory: ambient.directory.clone(),
            variable: ambient.variable(VARIABLE).map(Secret::new),
            auths: config.auths.clone(),
            helpers: config.cred_helpers.clone(),
            store: config.creds_store.clone(),
        }
    }

    /// Who the user is at `registry`.
    pub(super) async fn look_up(&self, registry: &str) -> Found {
        let variable = self.in_variable(registry);
        if let Ok(Some(login)) = variable {
            return Found {
                login,
                trouble: None,
            };
        }
        let (login, trouble) = match self.kept(registry).await {
            Ok(login) => (login, None),
            Err(failure) => (Login::Anonymous, Some(failure)),
        };
        Found {
            login,
            trouble: variable.err().or(trouble),
        }
    }

    /// The registries that something is written of here, and those that the program for all knows.
    pub(super) async fn registries(&self) -> (BTreeSet<String>, Result<Vec<String>, Failure>) {
        let variable = self.variable().ok().flatten().unwrap_or_default();
        let auths: Entries = self.auths.read().unwrap_or_default();
        let helpers: IndexMap<String, String> = self.helpers.read().unwrap_or_default();
        let keys = variable.keys().chain(auths.keys()).chain(helpers.keys());
        let written = keys.map(|key| registry(key)).collect();
        let listed = match self.store.read::<String>().filter(|name| !name.is_empty()) {
            None => Ok(Vec::new()),
            Some(name) => {
                let helper = Helper(name);
                let listed = helper.list(&self.directory).await;
                listed
                    .map(|keys| keys.iter().map(|key| registry(key)).collect())
                    .map_err(|why| {
                        self.helpers_trouble(&helper, "credsStore", "any registry", &why)
                    })
            }
        };
        (written, listed)
    }

    fn variable(&self) -> Result<Option<Entries>, Failure> {
        let Some(text) = &self.variable else {
            return Ok(None);
        };
        match serde_json::from_str::<Variable>(text.reveal()) {
            Ok(variable) => Ok(Some(variable.auths)),
            // The error itself may quote a password.
            Err(_) => Err(Failure::new(
                Class::HostInvalid,
                format!("{VARIABLE} is not what the docker CLI expects, so it is left aside"),
            )
            .hint(format!(
                "it has the form {{\"auths\": {{\"HOST\": {{\"auth\": \"base64 of USER:PASSWORD\"}}}}}}; or: unset {VARIABLE}"
            ))),
        }
    }

    fn in_variable(&self, registry: &str) -> Result<Option<Login>, Failure> {
        let Some(entries) = self.variable()? else {
            return Ok(None);
        };
        let Some(entry) = pick(entries, registry) else {
            return Ok(None);
        };
        let login = entry
            .login()
            .ok_or_else(|| unreadable(VARIABLE, registry))?;
        Ok(Some(login).filter(|login| *login != Login::Anonymous))
    }

    /// What the configuration says of `registry`.
    async fn kept(&self, registry: &str) -> Result<Login, Failure> {
        let shape = |key| {
            let file = self.file.display();
            Failure::new(
                Class::HostInvalid,
                format!("`{key}` in `{file}` is not what the docker CLI expects"),
            )
            .hint(format!("mend `{key}` in {file}"))
        };
        let helpers: IndexMap<String, String> =
            self.helpers.read().ok_or_else(|| shape("credHelpers"))?;
        let own = pick(helpers, registry).map(|name| (name, "credHelpers"));
        let store: String = self.store.read().ok_or_else(|| shape("credsStore"))?;
        let (name, key) = own.unwrap_or((store, "credsStore"));
        if !name.is_empty() {
            let helper = Helper(name);
            let login = helper.get(address(registry), &self.directory).await;
            return login
                .map_err(|why| self.helpers_trouble(&helper, key, &format!("`{registry}`"), &why));
        }
        let entries: Entries = self.auths.read().ok_or_else(|| shape("auths"))?;
        match pick(entries, registry) {
            None => Ok(Login::Anonymous),
            Some(entry) => entry
                .login()
                .ok_or_else(|| unreadable(&self.file.display().to_string(), registry)),
        }
    }

    /// What is wrong with a program, and how to mend that.
    fn helpers_trouble(&self, helper: &Helper, key: &str, of: &str, why: &str) -> Failure {
        let (program, file) = (helper.program(), self.file.display());
        Failure::new(
            Class::CredentialHelper,
            format!("`{program}`, which `{key}` in `{file}` names, does not tell who you are at {of}: {why}"),
        )
        .hint(format!(
            "install or mend `{program}`, or take it out of `{key}` in {file} and log in anew"
        ))
    }
}

fn unreadable(place: &str, registry: &str) -> Failure {
    Failure::new(
        Class::HostInvalid,
        format!("the `auth` of `{registry}` in {place} is not USER:PASSWORD in base64"),
    )
    .hint(format!("log in anew: docker login {registry}"))
}

/// What stands under the key of `registry`: as the docker CLI writes it, else as it once did.
fn pick<T>(mut entries: IndexMap<String, T>, of: &str) -> Option<T> {
    entries.swap_remove(address(of)).or_else(|| {
        let key = entries.keys().find(|key| registry(key) == of)?.clone();
        entries.swap_remove(&key)
    })
}

impl Entry {
    /// Who that is; nothing when `auth` cannot be understood.
    fn login(self) -> Option<Login> {
        if !self.identitytoken.is_empty() {
            return Some(Login::Identity(self.identitytoken));
        }
        if !self.registrytoken.is_empty() {
            return Some(Login::Token(self.registrytoken));
        }
        let (user, password) = if self.auth.is_empty() {
            (self.username, self.password)
        } else {
            let text = STANDARD.decode(self.auth.reveal().trim()).ok()?;
            let text = String::from_utf8(text).ok()?;
            let (user, password) = text.split_once(':').filter(|(user, _)| !user.is_empty())?;
            // Programs of old filled it up with zeroes.
            let password = password.trim_matches('\0');
            (user.to_owned(), Secret::new(password))
        };
        Some(if password.is_empty() {
            Login::Anonymous
        } else {
            Login::Password { user, password }
        })
    }
}
