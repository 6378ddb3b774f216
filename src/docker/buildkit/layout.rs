//! A directory in OCI image layout: blobs, and an `index.json` that says which of them are meant.
//!
//! Local caches are kept so, and images may be. Of the index only what names its entries matters
//! here: a digest, and a tag as annotation. Everything else in it stays as it is.
//!
//! Whoever uses a layout holds a shared lock on its `oci-layout` file, and nobody removes a blob
//! without holding it alone: another run may be about to refer to blobs that nothing refers to yet.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::content::{Blobs, Digest};

/// The annotation that is an entry's tag.
const TAG: &str = "org.opencontainers.image.ref.name";
const INDEX: &str = "index.json";
const LAYOUT: &str = "oci-layout";
/// The file that says which entry was found sound, by its own time.
const CHECKED: &str = "dcb-checked";
/// What an entry is when it does not say so itself.
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

/// A layout in use.
#[derive(Debug)]
pub(super) struct Layout {
    root: PathBuf,
    blobs: Blobs,
    lock: Option<File>,
}

/// Why a layout cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// There is none.
    Missing,
    /// It may not be read, which is no damage.
    Refused(String),
    /// It has no entry of this tag.
    NoTag,
    /// What is there is not what it says to be: a fragment.
    Damaged(String),
}

impl Layout {
    /// The layout in a directory, as it is.
    pub(super) fn open(root: &Path) -> Self {
        let mut layout = Self {
            root: root.to_owned(),
            blobs: Blobs::of(root),
            lock: None,
        };
        layout.hold();
        layout
    }

    /// The same, which is made where there is none.
    ///
    /// # Errors
    /// When it cannot be written to.
    pub(super) fn create(root: &Path) -> io::Result<Self> {
        let mut layout = Self::open(root);
        layout.blobs.create()?;
        if !root.join(LAYOUT).exists() {
            let text = json!({ "imageLayoutVersion": "1.0.0" }).to_string();
            layout.blobs.replace(LAYOUT, &text)?;
        }
        layout.hold();
        Ok(layout)
    }

    /// Its blobs.
    pub(super) fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// Keeps others from removing blobs. A file system without locks has no other users either.
    fn hold(&mut self) {
        if self.lock.is_none() {
            let file = File::open(self.root.join(LAYOUT)).ok();
            self.lock = file.filter(|file| file.lock_shared().is_ok());
        }
    }

    /// The entries of the index.
    fn entries(&self) -> Result<Vec<Value>, Unreadable> {
        let text = match std::fs::read(self.root.join(INDEX)) {
            Ok(text) => text,
            Err(error) => return Err(unreadable(&error)),
        };
        let damaged = |why: String| Unreadable::Damaged(format!("`{INDEX}` {why}"));
        let mut index: Value = serde_json::from_slice(&text)
            .map_err(|error| damaged(format!("is no JSON: {error}")))?;
        match index["manifests"].take() {
            Value::Array(entries) => Ok(entries),
            Value::Null => Ok(Vec::new()),
            _ => Err(damaged("has no list of `manifests`".to_owned())),
        }
    }

    /// The entry of a tag.
    pub(super) fn tagged(&self, tag: &str) -> Result<Digest, Unreadable> {
        let entries = self.entries()?;
        let entry = entries.iter().find(|entry| is_tagged(entry, tag));
        let entry = entry.ok_or(Unreadable::NoTag)?;
        digest(entry).ok_or_else(|| Unreadable::Damaged(format!("`{INDEX}` names no digest")))
    }

    /// The only entry, whatever its tag.
    pub(super) fn only(&self) -> Result<Digest, Unreadable> {
        let entries = self.entries()?;
        let digests: HashSet<_> = entries.iter().filter_map(digest).collect();
        let mut digests = digests.into_iter();
        match (digests.next(), digests.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(Unreadable::NoTag),
        }
    }

    /// Whether everything that `root` refers to is there and sound. An engine that finds out by itself
    /// fails the build, or takes minutes to give up. What was found sound is not read again until it
    /// is written again.
    pub(super) fn check(&self, root: &Digest) -> Result<(), Unreadable> {
        let checked = self.checked(root);
        for blob in self.reachable(root)? {
            let digest = &blob.digest;
            if self.blobs.size(digest).ok() != Some(blob.size) {
                return Err(Unreadable::Damaged(format!(
                    "the blob {digest} is missing or cut off"
                )));
            }
            let is_known = checked.is_some_and(|time| {
                let written = self.blobs.written(digest);
                written.is_ok_and(|written| written <= time)
            });
            if !is_known && !self.blobs.is_sound(digest) {
                return Err(Unreadable::Damaged(format!(
                    "the blob {digest} holds something else"
                )));
            }
        }
        // A directory that may only be read is read again each time.
        let _ = std::fs::write(self.root.join(CHECKED), root.to_string());
        Ok(())
    }

    /// When all that `root` refers to was found sound.
    fn checked(&self, root: &Digest) -> Option<SystemTime> {
        let path = self.root.join(CHECKED);
        let same = std::fs::read_to_string(&path).ok()? == root.to_string();
        same.then(|| path.metadata().ok()?.modified().ok())?
    }

    /// All that `root` refers to, but itself.
    fn reachable(&self, root: &Digest) -> Result<Vec<Blob>, Unreadable> {
        let mut found: Vec<Blob> = Vec::new();
        let mut manifests = vec![root.clone()];
        while let Some(digest) = manifests.pop() {
            let damaged = || Unreadable::Damaged(format!("the manifest {digest} is not sound"));
            let text = self.blobs.read(&digest).ok_or_else(damaged)?;
            let manifest: Value = serde_json::from_slice(&text).map_err(|_| damaged())?;
            for (blob, media_type) in referred(&manifest) {
                if found.contains(&blob) {
                    continue;
                }
                if media_type.contains("manifest") || media_type.contains("image.index") {
                    manifests.push(blob.digest.clone());
                }
                found.push(blob);
            }
        }
        Ok(found)
    }

    /// Makes `root` the entry of a tag; entries of other tags stay.
    ///
    /// # Errors
    /// When it is no manifest that is there, or the index cannot be written.
    pub(super) fn put(&self, tag: &str, root: &Digest) -> io::Result<()> {
        let text = self.blobs.read(root).ok_or(io::ErrorKind::InvalidData)?;
        let manifest: Value = serde_json::from_slice(&text)?;
        if manifest["schemaVersion"] != 2 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut entries = self.entries().unwrap_or_default();
        entries.retain(|entry| !is_tagged(entry, tag));
        entries.push(json!({
            "mediaType": manifest["mediaType"].as_str().unwrap_or(INDEX_TYPE),
            "digest": root.to_string(),
            "size": text.len(),
            "annotations": { TAG: tag },
        }));
        let index = json!({
            "schemaVersion": 2,
            "mediaType": INDEX_TYPE,
            "manifests": entries,
        });
        self.blobs.replace(INDEX, &index.to_string())
    }

    /// Removes blobs that no entry refers to, unless somebody else uses the layout; how many bytes
    /// that freed.
    pub(super) fn sweep(&self) -> u64 {
        let Some(lock) = &self.lock else { return 0 };
        if lock.try_lock().is_err() {
            return 0;
        }
        let swept = self.entries().and_then(|entries| {
            let mut keep = HashSet::new();
            for root in entries.iter().filter_map(digest) {
                keep.extend(self.reachable(&root)?.into_iter().map(|blob| blob.digest));
                keep.insert(root);
            }
            Ok(self.blobs.sweep(|blob| keep.contains(blob)))
        });
        let _ = lock.lock_shared();
        // What cannot be followed to its end is left alone.
        swept.unwrap_or(0)
    }

    /// Names the directory otherwise, so that a fresh one can take its place; its new name.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub(super) fn set_aside(self) -> io::Result<PathBuf> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let mut name = self.root.clone().into_os_string();
        name.push(format!(".corrupt-{}", now.unwrap_or_default().as_secs()));
        std::fs::rename(&self.root, &name)?;
        Ok(name.into())
    }
}

/// What an index is that cannot be read.
fn unreadable(error: &io::Error) -> Unreadable {
    match error.kind() {
        io::ErrorKind::NotFound => Unreadable::Missing,
        io::ErrorKind::PermissionDenied => Unreadable::Refused(format!("`{INDEX}`: {error}")),
        _ => Unreadable::Damaged(format!("`{INDEX}`: {error}")),
    }
}

/// A blob that is referred to.
#[derive(Debug, PartialEq, Eq)]
struct Blob {
    digest: Digest,
    size: u64,
}

/// What a manifest or an index refers to, with its media type.
fn referred(manifest: &Value) -> impl Iterator<Item = (Blob, &str)> {
    let lists = ["manifests", "layers"];
    let listed = lists
        .into_iter()
        .filter_map(|key| manifest[key].as_array())
        .flatten();
    listed
        .chain([&manifest["config"], &manifest["subject"]])
        .filter_map(|entry| {
            let blob = Blob {
                digest: digest(entry)?,
                size: entry["size"].as_u64()?,
            };
            Some((blob, entry["mediaType"].as_str().unwrap_or_default()))
        })
}

fn digest(entry: &Value) -> Option<Digest> {
    Digest::parse(entry["digest"].as_str()?)
}

fn is_tagged(entry: &Value, tag: &str) -> bool {
    entry["annotations"][TAG].as_str() == Some(tag)
}

#[cfg(test)]
mod tests;
