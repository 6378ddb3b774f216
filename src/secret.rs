//! Values that may be secret: they reach the builder and nothing that people read.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// What is shown instead of a secret.
const MASK: &str = "***";

/// Parts of a variable's name that make its value secret.
const SECRET_NAMES: [&str; 10] = [
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "APIKEY",
    "API_KEY",
    "PRIVATE_KEY",
    "ACCESS_KEY",
    "CREDENTIAL",
];

/// The value of a build argument. Debug output and serialisation mask it when it looks secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ArgValue {
    text: String,
    secret: bool,
}

impl ArgValue {
    /// The value of the argument called `name`. It counts as secret when the name says so, or when
    /// the value is an address with a password in it.
    pub fn new(name: &str, text: impl Into<String>) -> Self {
        let text = text.into();
        let upper = name.to_uppercase();
        let secret = !text.is_empty()
            && (SECRET_NAMES.iter().any(|part| upper.contains(part)) || has_password(&text));
        Self { text, secret }
    }

    /// The value itself, for the builder only.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Whether people may not read it.
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// What people may read.
    pub fn shown(&self) -> &str {
        if self.secret { MASK } else { &self.text }
    }
}

/// A password or a token. It has no form that could be printed or serialised.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for whoever must have it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&Secret> for ArgValue {
    /// A value that is secret whatever its name.
    fn from(secret: &Secret) -> Self {
        Self {
            text: secret.0.clone(),
            secret: true,
        }
    }
}

/// Secret values, and taking them out of texts that somebody else wrote.
#[derive(Clone, Default)]
pub struct Redactor(Vec<Secret>);

impl Redactor {
    /// What is shorter is found in texts that have nothing to do with it.
    const SHORTEST: usize = 5;

    /// Takes in a value. Of one with several lines, as keys have them, each counts.
    pub fn add(&mut self, value: &str) {
        let lines = value.lines().map(str::trim);
        let known = |this: &Self, line: &str| this.0.iter().any(|secret| secret.reveal() == line);
        for line in lines.filter(|line| line.len() >= Self::SHORTEST) {
            if !known(self, line) {
                self.0.push(Secret::new(line));
            }
        }
        // A value may lie in a longer one.
        self.0
            .sort_by_key(|secret| std::cmp::Reverse(secret.reveal().len()));
    }

    /// Whether there is nothing to take out.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Masks the values in `text`.
    pub fn clean(&self, text: &mut String) {
        for secret in &self.0 {
            if text.contains(secret.reveal()) {
                *text = text.replace(secret.reveal(), MASK);
            }
        }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Whether `text` holds `scheme://user:password@host`.
fn has_password(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        authority
            .rsplit_once('@')
            .is_some_and(|(user, _)| user.contains(':'))
    })
}

/// `text` without the password that an address such as `scheme://user:password@host` holds.
pub fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((user, _)) = authority.rsplit_once('@') else {
        return text.to_owned();
    };
    match user.split_once(':') {
        Some((name, _)) => format!("{scheme}://{name}:{MASK}{}", &rest[user.len()..]),
        None => text.to_owned(),
    }
}

/// The same for every address in a sentence.
pub fn without_passwords(text: &str) -> String {
    let words = text.split_inclusive(char::is_whitespace);
    words.map(without_password).collect()
}

impl fmt::Debug for ArgValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.shown())
    }
}

impl Serialize for ArgValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_secret_is_never_shown() {
        for (name, value) in [
            ("NPM_TOKEN", "abc"),
            ("db_password", "abc"),
            ("DATABASE_URL", "postgres://me:abc@db/x"),
        ] {
            let value = ArgValue::new(name, value);
            assert_eq!(value.shown(), "***");
            assert!(!format!("{value:?}").contains("abc"));
            assert!(!serde_json::to_string(&value).expect("text").contains("abc"));
        }
    }

    #[test]
    fn passwords_in_addresses_of_a_sentence_are_masked() {
        assert_eq!(
            without_passwords("Get \"http://me:abc@r/v2/\": refused by tcp://x:y@h:1\nssh://me@h"),
            "Get \"http://me:***@r/v2/\": refused by tcp://x:***@h:1\nssh://me@h"
        );
    }

    #[test]
    fn ordinary_values_are_shown() {
        for (name, value) in [
            ("VERSION", "1.2"),
            ("URL", "https://example.org/a@b:c"),
            ("KEYBOARD", "us"),
            ("NPM_TOKEN", ""),
        ] {
            assert_eq!(ArgValue::new(name, value).shown(), value);
        }
    }
}
