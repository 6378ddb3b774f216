//! A user at a registry, and the forms in which the Engine API takes that.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::{Map, Value, json};

use super::address;
use crate::secret::Secret;

/// Who the user is at a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::docker) enum Login {
    /// Nobody.
    Anonymous,
    /// A user with a password.
    Password {
        /// The user's name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// An identity token, for which a token server hands out others.
    Identity(Secret),
    /// A token that the registry itself takes.
    Token(Secret),
}

impl Login {
    /// Whether it is a user with a password.
    pub(in crate::docker) fn is_token(&self) -> bool {
        matches!(self, Self::Identity(_) | Self::Token(_))
    }

    /// The Engine API's `AuthConfig`.
    fn auth_config(&self, registry: &str) -> Value {
        let address = address(registry);
        match self {
            Self::Anonymous => json!({}),
            Self::Password { user, password } => json!({
                "username": user,
                "password": password.reveal(),
                "serveraddress": address,
            }),
            Self::Identity(token) => {
                json!({"identitytoken": token.reveal(), "serveraddress": address})
            }
            Self::Token(token) => {
                json!({"registrytoken": token.reveal(), "serveraddress": address})
            }
        }
    }
}

/// The value of `X-Registry-Auth`: who the user is at one registry. Engines before 1.42 of the API
/// want the header of everybody.
pub(in crate::docker) fn registry_auth(registry: &str, login: &Login) -> Secret {
    encode(&login.auth_config(registry))
}

/// The value of `X-Registry-Config`: who the user is at several registries, without those where nobody
/// is.
pub(in crate::docker) fn registry_config(logins: &[(String, Login)]) -> Secret {
    let known = logins
        .iter()
        .filter(|(_, login)| *login != Login::Anonymous)
        .map(|(registry, login)| (address(registry).to_owned(), login.auth_config(registry)));
    encode(&Value::Object(known.collect::<Map<_, _>>()))
}

fn encode(value: &Value) -> Secret {
    Secret::new(URL_SAFE.encode(value.to_string()))
}
