//! The files in which buildx keeps the builders that it made: `instances/NAME` below its directory, each
//! a piece of JSON. They are read and never written. Source: `store/nodegroup.go` of buildx.

use std::io;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::Deserialize;

/// The folder that has a file for each builder.
pub(in crate::docker) const FOLDER: &str = "instances";

/// What buildx keeps of a builder.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::docker) struct Instance {
    /// What it builds with; empty means the engine.
    #[serde(default)]
    pub(in crate::docker) driver: String,
    /// The machines that it builds on.
    #[serde(default)]
    pub(in crate::docker) nodes: Vec<Node>,
}

/// A machine of a builder.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::docker) struct Node {
    pub(in crate::docker) name: String,
    /// A docker context, or the address of an engine or of a BuildKit.
    #[serde(default)]
    pub(in crate::docker) endpoint: String,
    #[serde(default)]
    pub(super) platforms: Option<Vec<Platform>>,
    #[serde(default)]
    pub(in crate::docker) driver_opts: Option<IndexMap<String, String>>,
    #[serde(default)]
    pub(super) flags: Option<Vec<String>>,
    /// Files that were handed to it, in base64, by their names.
    #[serde(default)]
    pub(super) files: Option<IndexMap<String, String>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Platform {
    os: String,
    architecture: String,
    #[serde(default)]
    variant: String,
}

impl Platform {
    pub(super) fn name(&self) -> String {
        let variant = match self.variant.as_str() {
            "" => String::new(),
            variant => format!("/{variant}"),
        };
        format!("{}/{}{variant}", self.os, self.architecture)
    }
}

/// The file of the builder `name` below buildx's own `directory`.
pub(in crate::docker) fn file(directory: &Path, name: &str) -> PathBuf {
    directory.join(FOLDER).join(name.to_lowercase())
}

/// The builder `name`; nothing when buildx made none of that name.
///
/// # Errors
/// When its file cannot be read or is none of buildx's, with its name.
pub(in crate::docker) fn read(directory: &Path, name: &str) -> Result<Option<Instance>, String> {
    let file = file(directory, name);
    let told = |why: String| format!("failed to read `{}`: {why}", file.display());
    match std::fs::read(&file) {
        Ok(text) => match serde_json::from_slice(&text) {
            Ok(instance) => Ok(Some(instance)),
            Err(error) => Err(told(error.to_string())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(told(error.to_string())),
    }
}
