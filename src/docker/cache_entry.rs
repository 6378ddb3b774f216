//! One entry of `cache_from:` or `cache_to:`: where steps are taken from, and where they are kept.
//!
//! Entries are written as buildx reads them: fields of comma-separated values, `type=local,src=dir`,
//! or the bare reference of an image. What a builder would ignore in silence, or find out about when
//! everything is built, is refused here: an unknown kind, a `mode` that does not exist, a place that
//! is not told.

use std::fmt;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::reference;
use crate::diagnostic::Span;
use crate::secret::ArgValue;

/// What a cache is kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheKind {
    /// The image itself.
    Inline,
    /// A reference of its own in a registry.
    Registry,
    /// A directory of this machine.
    Local,
    /// The cache of GitHub Actions.
    Gha,
    /// A bucket of S3.
    S3,
    /// A container of Azure's blob storage.
    AzureBlob,
}

impl CacheKind {
    const ALL: [Self; 6] = [
        Self::Inline,
        Self::Registry,
        Self::Local,
        Self::Gha,
        Self::S3,
        Self::AzureBlob,
    ];

    /// The value of `type=`.
    pub fn id(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::Registry => "registry",
            Self::Local => "local",
            Self::Gha => "gha",
            Self::S3 => "s3",
            Self::AzureBlob => "azblob",
        }
    }
}

/// Which of the two keys an entry stands under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheKey {
    /// `cache_from`.
    From,
    /// `cache_to`.
    To,
}

impl CacheKey {
    /// The key as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::From => "cache_from",
            Self::To => "cache_to",
        }
    }

    /// The flag of buildx for it.
    pub fn flag(self) -> &'static str {
        match self {
            Self::From => "--cache-from",
            Self::To => "--cache-to",
        }
    }

    /// The attribute that names the place of a cache of this kind.
    fn place(self, kind: CacheKind) -> Option<&'static str> {
        match (kind, self) {
            (CacheKind::Inline | CacheKind::Gha, _) => None,
            (CacheKind::Registry, _) => Some("ref"),
            (CacheKind::Local, Self::From) => Some("src"),
            (CacheKind::Local, Self::To) => Some("dest"),
            (CacheKind::S3, _) => Some("bucket"),
            (CacheKind::AzureBlob, _) => Some("account_url"),
        }
    }
}

/// One entry. Two are equal when they ask for the same, wherever they are written.
#[derive(Debug, Clone)]
pub struct CacheEntry {
    /// The key that it stands under.
    pub key: CacheKey,
    /// What the cache is kept in.
    pub kind: CacheKind,
    /// Everything else, names in lower case. Passwords and tokens do not show.
    pub attributes: IndexMap<String, ArgValue>,
    /// Where it is written.
    pub at: Option<Span>,
}

impl PartialEq for CacheEntry {
    fn eq(&self, other: &Self) -> bool {
        (self.key, self.kind, &self.attributes) == (other.key, other.kind, &other.attributes)
    }
}

impl Eq for CacheEntry {}

impl CacheEntry {
    /// An entry without a word in a file.
    pub fn new(key: CacheKey, kind: CacheKind) -> Self {
        Self {
            key,
            kind,
            attributes: IndexMap::new(),
            at: None,
        }
    }

    /// The entries that `text` stands for: one, or each of several bare references.
    ///
    /// # Errors
    /// What is wrong with it, and what is expected: a sentence's end after "... of service `web`".
    pub fn parse(key: CacheKey, text: &str) -> Result<Vec<Self>, Mistake> {
        let fields = fields(text)?;
        if fields.iter().all(|field| !field.contains('=')) {
            let references = fields.iter().filter(|field| !field.is_empty());
            return references
                .map(|reference| {
                    let mut entry = Self::new(key, CacheKind::Registry);
                    entry.set("ref", reference);
                    entry.check()?;
                    Ok(entry)
                })
                .collect();
        }
        let mut kind = None;
        let mut attributes = IndexMap::new();
        for field in &fields {
            let Some((name, value)) = field.split_once('=') else {
                return Err(Mistake::new(
                    format!("has `{field}`, which is no NAME=VALUE"),
                    key,
                ));
            };
            match name.to_ascii_lowercase().as_str() {
                "type" => kind = Some(value),
                name => {
                    attributes.insert(name.to_owned(), ArgValue::new(name, value));
                }
            }
        }
        let Some(kind) = kind else {
            return Err(Mistake::new("has no `type`".to_owned(), key));
        };
        let Some(kind) = CacheKind::ALL.into_iter().find(|known| known.id() == kind) else {
            return Err(Mistake::new(
                format!("is of the unknown kind `{kind}`"),
                key,
            ));
        };
        let entry = Self {
            key,
            kind,
            attributes,
            at: None,
        };
        entry.check()?;
        Ok(vec![entry])
    }

    fn check(&self) -> Result<(), Mistake> {
        let wrong = |message: String| Err(Mistake::new(message, self.key));
        if self.kind == CacheKind::Inline && self.key == CacheKey::From {
            return wrong("is `inline`, which is a way to write a cache only; it is read from the image: type=registry,ref=IMAGE".to_owned());
        }
        if let Some(place) = self.key.place(self.kind)
            && self.attribute(place).is_none_or(str::is_empty)
        {
            return wrong(format!(
                "does not say where: `{}` needs `{place}=`",
                self.kind.id()
            ));
        }
        if let Some(image) = self.reference()
            && let Err(error) = reference::normalize(image)
        {
            return wrong(format!("names no image: {error}"));
        }
        let choices: [(&str, &[&str]); 5] = [
            ("mode", &["min", "max"]),
            ("ignore-error", BOOLEANS),
            ("oci-mediatypes", BOOLEANS),
            ("force-compression", BOOLEANS),
            ("compression", &["uncompressed", "gzip", "estargz", "zstd"]),
        ];
        for (name, values) in choices {
            if let Some(value) = self.attribute(name)
                && !values.contains(&value)
            {
                return wrong(format!(
                    "has `{name}={value}`, which may be {}",
                    crate::human::list(values.iter().take(4))
                ));
            }
        }
        Ok(())
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(ArgValue::reveal)
    }

    /// Gives an attribute a value.
    pub fn set(&mut self, name: &str, value: &str) {
        let value = ArgValue::new(name, value);
        self.attributes.insert(name.to_owned(), value);
    }

    /// The directory of a local cache.
    pub fn directory(&self) -> Option<&Path> {
        let attribute = self.key.place(CacheKind::Local)?;
        let local = self.kind == CacheKind::Local;
        local.then(|| self.attribute(attribute).map(Path::new))?
    }

    /// Names the directory of a local cache from the root on. Relative ones begin at `base`.
    pub fn rebase(&mut self, base: &Path) {
        if let Some(path) = self.directory() {
            let path: PathBuf = base.join(path).components().collect();
            self.move_to(&path);
        }
    }

    /// Gives a local cache another directory.
    pub fn move_to(&mut self, path: &Path) {
        if let Some(name) = self.key.place(self.kind) {
            self.set(name, &path.to_string_lossy());
        }
    }

    /// The image of a cache in a registry.
    pub fn reference(&self) -> Option<&str> {
        (self.kind == CacheKind::Registry)
            .then(|| self.attribute("ref"))
            .flatten()
    }

    /// Takes what it lacks from the environment: the address and the token of GitHub's cache, the
    /// keys of S3. `variable` gives the value of one. An attribute that is written counts more.
    ///
    /// # Errors
    /// The variables without which it cannot be used.
    pub fn complete<'a>(
        &mut self,
        variable: impl Fn(&str) -> Option<&'a ArgValue>,
    ) -> Result<(), &'static [&'static str]> {
        let kind = self.kind;
        let mut take = |name: &str, variables: &[&str]| {
            let value = variables.iter().find_map(|name| variable(name));
            if let (None, Some(value)) = (self.attributes.get(name), value) {
                self.set(name, value.reveal());
            }
        };
        match kind {
            CacheKind::Gha => {
                take("token", &["ACTIONS_RUNTIME_TOKEN"]);
                take("url", &["ACTIONS_CACHE_URL", "ACTIONS_RESULTS_URL"]);
                let second = variable("ACTIONS_CACHE_SERVICE_V2")
                    .is_some_and(|set| TRUE.contains(&set.reveal()));
                let second = match self.attribute("version") {
                    Some(version) => version == "2",
                    None => second,
                };
                if second && self.attribute("url_v2").is_none() {
                    let url = variable("ACTIONS_RESULTS_URL").map(ArgValue::reveal);
                    self.set("url_v2", url.unwrap_or_default());
                }
                let has = |name| self.attribute(name).is_some_and(|value| !value.is_empty());
                if has("token") && (has("url") || has("url_v2")) {
                    Ok(())
                } else {
                    Err(&GHA_VARIABLES)
                }
            }
            CacheKind::S3 => {
                take("access_key_id", &["AWS_ACCESS_KEY_ID"]);
                take("secret_access_key", &["AWS_SECRET_ACCESS_KEY"]);
                take("session_token", &["AWS_SESSION_TOKEN"]);
                Ok(())
            }
            CacheKind::Inline | CacheKind::Registry | CacheKind::Local | CacheKind::AzureBlob => {
                Ok(())
            }
        }
    }
}

/// The variables of the environment that entries are completed from.
pub const VARIABLES: [&str; 7] = [
    "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_CACHE_URL",
    "ACTIONS_RESULTS_URL",
    "ACTIONS_CACHE_SERVICE_V2",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

/// Those without which the cache of GitHub Actions cannot be reached.
const GHA_VARIABLES: [&str; 2] = ["ACTIONS_RUNTIME_TOKEN", "ACTIONS_RESULTS_URL"];

/// The words that Go reads as true.
const TRUE: [&str; 6] = ["1", "t", "T", "TRUE", "true", "True"];
/// Those and their opposites, the usual ones first.
const BOOLEANS: &[&str] = &[
    "true", "false", "1", "0", "t", "f", "T", "F", "TRUE", "FALSE", "True", "False",
];

impl fmt::Display for CacheEntry {
    /// As it may be written in a compose file; what is secret does not show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(reference), 1) = (self.reference(), self.attributes.len()) {
            return f.write_str(reference);
        }
        write!(f, "type={}", self.kind.id())?;
        for (name, value) in &self.attributes {
            write!(f, ",{name}={}", value.shown())?;
        }
        Ok(())
    }
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Completes "`cache_from` of service `web` ...".
    pub message: String,
    /// What is expected.
    pub help: String,
}

impl Mistake {
    fn new(message: String, key: CacheKey) -> Self {
        let kinds = match key {
            CacheKey::From => {
                "IMAGE, type=registry,ref=IMAGE, type=local,src=DIRECTORY, type=gha, type=s3,bucket=NAME,region=NAME or type=azblob,account_url=URL"
            }
            CacheKey::To => {
                "type=inline, type=registry,ref=IMAGE, type=local,dest=DIRECTORY, type=gha, type=s3,bucket=NAME,region=NAME or type=azblob,account_url=URL"
            }
        };
        Self {
            message,
            help: format!("write one of {kinds}"),
        }
    }
}

/// The fields of one line of comma-separated values (RFC 4180).
fn fields(text: &str) -> Result<Vec<String>, Mistake> {
    let wrong = |what: &str| Mistake {
        message: format!("is written wrongly: {what}"),
        help: "separate fields with commas; put a field that holds one in double quotes".to_owned(),
    };
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        if let Some(mut quoted) = rest.strip_prefix('"') {
            let mut field = String::new();
            loop {
                let end = quoted
                    .find('"')
                    .ok_or_else(|| wrong("a quote is not closed"))?;
                field.push_str(&quoted[..end]);
                quoted = &quoted[end + 1..];
                match quoted.strip_prefix('"') {
                    Some(after) => {
                        field.push('"');
                        quoted = after;
                    }
                    None => break,
                }
            }
            fields.push(field);
            rest = quoted;
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            if rest[..end].contains('"') {
                return Err(wrong("a quote stands within a field"));
            }
            fields.push(rest[..end].to_owned());
            rest = &rest[end..];
        }
        if rest.is_empty() {
            return Ok(fields);
        }
        rest = rest
            .strip_prefix(',')
            .ok_or_else(|| wrong("text follows a closing quote"))?;
    }
}

#[cfg(test)]
mod tests;
