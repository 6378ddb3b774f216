//! The programs that keep passwords: `docker-credential-NAME get` reads a registry's address on
//! standard input and answers with JSON. Their protocol is that of `docker-credential-helpers`.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::login::Login;
use crate::human;
use crate::process::{self, Answer, Command};
use crate::secret::Secret;

/// How long a program may take: it may have to ask a person to unlock the passwords.
const PATIENCE: Duration = Duration::from_secs(30);

/// The answers that say that nothing is known. They come with a failure.
const UNKNOWN: [&str; 3] = [
    "credentials not found in native keychain",
    "no credentials server URL",
    "no credentials username",
];

/// The user's name that marks an identity token.
const IDENTITY: &str = "<token>";

/// A program by its name without `docker-credential-`.
pub(super) struct Helper(pub(super) String);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answered {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: Secret,
}

impl Helper {
    /// The program.
    pub(super) fn program(&self) -> String {
        format!("docker-credential-{}", self.0)
    }

    /// Who the user is at `address`, or why that was not told. `directory` is where it runs.
    pub(super) async fn get(&self, address: &str, directory: &Path) -> Result<Login, String> {
        let answer = self.ask("get", address, directory).await?;
        let said = answer.stdout.trim();
        if !answer.status.success() && UNKNOWN.contains(&said) {
            return Ok(Login::Anonymous);
        }
        let Answered { username, secret } = understood(&answer)?;
        Ok(match username.as_str() {
            _ if secret.is_empty() => Login::Anonymous,
            IDENTITY => Login::Identity(secret),
            _ => Login::Password {
                user: username,
                password: secret,
            },
        })
    }

    /// The addresses that it knows a user of; it answers with the users' names too.
    pub(super) async fn list(&self, directory: &Path) -> Result<Vec<String>, String> {
        let answer = self.ask("list", "", directory).await?;
        let known: BTreeMap<String, String> = understood(&answer)?;
        Ok(known.into_keys().collect())
    }

    async fn ask(&self, verb: &str, input: &str, directory: &Path) -> Result<Answer, String> {
        let mut command = Command::new(self.program()).args([verb]);
        command.input = Some(input.to_owned());
        process::answer(&command, directory, PATIENCE)
            .await
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => "there is no such program on PATH".to_owned(),
                _ => error.to_string(),
            })
    }
}

/// What the program answered. What it wrote is told only when it failed and that is no answer: an
/// answer holds the password, and so do the errors of those who read one.
fn understood<T: DeserializeOwned>(answer: &Answer) -> Result<T, String> {
    if answer.status.success() {
        return serde_json::from_str(&answer.stdout)
            .map_err(|_| "its answer is not what such a program answers".to_owned());
    }
    let said = [&answer.stdout, &answer.stderr]
        .into_iter()
        .filter_map(|text| text.trim().lines().last())
        .find(|line| !line.contains('{'))
        .map(|line| format!(": {}", human::truncate(&human::sanitize(line), 200)))
        .unwrap_or_default();
    Err(format!("{}{said}", answer.status))
}
