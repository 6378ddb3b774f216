//! The caches of one build: what is sent of them, what a session has to serve for them, what becomes
//! of them afterwards.
//!
//! ```text
//! prepare ──> what can be used now ──> entries of the request, stores of the session
//! finish  ──> directories that were written: index, then what nothing refers to any more
//! told    ──> a step about a cache that failed: a sentence for people
//! ```
//!
//! A cache is a help and no condition: what is wrong with one never keeps an image from being built,
//! unless its `ignore-error=false` asks for that. So exports carry `ignore-error=true`; BuildKit then
//! answers with the image and lets the step alone fail.
//!
//! For BuildKit a directory of this machine is an id: its path is nobody's business, and need not be
//! ASCII as metadata has to be.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bollard_buildkit_proto::moby::buildkit::v1::{CacheOptions, CacheOptionsEntry};
use indexmap::IndexMap;
use serde_json::json;

use super::content::{Digest, Store, Stores, id};
use super::layout::{Layout, Unreadable};
use super::status::Steps;
use crate::docker::cache_entry::{CacheEntry, CacheKind};
use crate::docker::spec::{BuildSpec, CacheUse};
use crate::docker::{explain, reference};
use crate::event::{Event, Events, JobId};
use crate::failure::{Class, Failure};
use crate::human;

/// How ids of directories begin that are caches.
const LOCAL: &str = "local:";
/// The tag of a local cache that names none.
const LATEST: &str = "latest";
/// The attribute that lets a build succeed whose cache cannot be written.
const IGNORE_ERROR: &str = "ignore-error";
/// How the engine's answer calls the root of the cache that it wrote.
const MANIFEST: &str = "cache.manifest";

/// The steps in which BuildKit takes and keeps caches begin so.
const TAKING: &str = "importing cache manifest from ";
const KEEPING: &str = "exporting cache";

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// Good to know.
    Note(String),
    /// Not as it was asked for.
    Warning(String),
}

/// The caches of one build.
#[derive(Debug, Default)]
pub(super) struct Caches {
    from: Vec<Sent>,
    /// How many places were named to take from.
    named: usize,
    to: Vec<Sent>,
    directories: IndexMap<PathBuf, Directory>,
}

/// An entry, and how it is sent.
#[derive(Debug)]
struct Sent {
    entry: CacheEntry,
    attributes: HashMap<String, String>,
}

/// A directory in use.
#[derive(Debug)]
struct Directory {
    layout: Layout,
    store: Arc<Store>,
}

impl Caches {
    /// Looks at what `spec` asks for, and makes the directories that will be written.
    ///
    /// # Errors
    /// When a directory cannot be written and its entry wants the build to fail then.
    pub(super) async fn prepare(spec: &BuildSpec) -> (Result<Self, Failure>, Vec<Told>) {
        // Without any cache nothing would be taken from these.
        let from = match spec.cache {
            CacheUse::None | CacheUse::Mounts => Vec::new(),
            CacheUse::Normal | CacheUse::Without(_) => spec.cache_from.clone(),
        };
        let to = spec.cache_to.clone();
        let prepare = move || {
            let mut caches = Self {
                named: from.len(),
                ..Self::default()
            };
            let mut told = Vec::new();
            for entry in from {
                told.extend(caches.take(entry).err());
            }
            let kept = to
                .into_iter()
                .try_for_each(|entry| caches.keep(entry, &mut told));
            (kept.map(|()| caches), told)
        };
        if spec
            .cache_from
            .iter()
            .chain(&spec.cache_to)
            .all(|entry| entry.directory().is_none())
        {
            return prepare();
        }
        tokio::task::spawn_blocking(prepare)
            .await
            .unwrap_or_else(|error| {
                (
                    Err(Failure::new(Class::Internal, error.to_string())),
                    Vec::new(),
                )
            })
    }

    fn take(&mut self, entry: CacheEntry) -> Result<(), Told> {
        let mut attributes = revealed(&entry);
        if let Some(path) = entry.directory() {
            let digest = self.take_from(path, &entry)?;
            attributes.insert("src".to_owned(), id(path));
            attributes.insert("digest".to_owned(), digest.to_string());
        }
        self.from.push(Sent { entry, attributes });
        Ok(())
    }

    fn keep(&mut self, entry: CacheEntry, told: &mut Vec<Told>) -> Result<(), Failure> {
        let mut attributes = revealed(&entry);
        if entry.kind != CacheKind::Inline {
            attributes
                .entry(IGNORE_ERROR.to_owned())
                .or_insert_with(|| "true".to_owned());
        }
        if let Some(path) = entry.directory() {
            if let Err(error) = self.keep_in(path, &entry, told) {
                let why = Told::Warning(not_kept(&entry, &error.to_string()));
                if must_be_kept(&entry) {
                    return Err(failure(why));
                }
                told.push(why);
                return Ok(());
            }
            attributes.insert("dest".to_owned(), id(path));
        }
        self.to.push(Sent { entry, attributes });
        Ok(())
    }

    /// The root of the local cache that `entry` takes from.
    fn take_from(&mut self, path: &Path, entry: &CacheEntry) -> Result<Digest, Told> {
        let layout = Layout::open(path);
        let found = match entry.attribute("digest").map(Digest::parse) {
            Some(digest) => digest.ok_or(Unreadable::NoTag),
            None => layout.tagged(tag(entry)),
        };
        let found = found.and_then(|root| layout.check(&root).map(|()| root));
        match found {
            Ok(root) => {
                let store = Store::new(layout.blobs().clone(), false);
                let store = Arc::new(store);
                self.directories
                    .insert(path.to_owned(), Directory { layout, store });
                Ok(root)
            }
            Err(Unreadable::Missing) => Err(Told::Note(format!(
                "{} is not there yet: nothing is taken from it",
                named(entry)
            ))),
            Err(Unreadable::Refused(why)) => Err(Told::Warning(format!(
                "{} may not be read ({why}): nothing is taken from it",
                named(entry)
            ))),
            Err(Unreadable::NoTag) => Err(Told::Note(format!(
                "{} has no cache of that name: nothing is taken from it",
                named(entry)
            ))),
            Err(Unreadable::Damaged(why)) => Err(set_aside(layout, &named(entry), &why)),
        }
    }

    /// Gets the directory of `entry` ready to be written.
    fn keep_in(
        &mut self,
        path: &Path,
        entry: &CacheEntry,
        told: &mut Vec<Told>,
    ) -> std::io::Result<()> {
        // Two locks of one process on one file would stand in each other's way.
        self.directories.shift_remove(path);
        let layout = Layout::open(path);
        match layout.tagged(tag(entry)) {
            Err(Unreadable::Damaged(why)) => told.push(set_aside(layout, &named(entry), &why)),
            Err(Unreadable::Refused(why)) => return Err(std::io::Error::other(why)),
            Ok(_) | Err(Unreadable::Missing | Unreadable::NoTag) => {}
        }
        let layout = Layout::create(path)?;
        let store = Arc::new(Store::new(layout.blobs().clone(), true));
        self.directories
            .insert(path.to_owned(), Directory { layout, store });
        Ok(())
    }

    /// The directories that the session serves, by id.
    pub(super) fn stores(&self) -> Stores {
        self.directories
            .iter()
            .map(|(path, directory)| (format!("{LOCAL}{}", id(path)), Arc::clone(&directory.store)))
            .collect()
    }

    /// What the request says of caches.
    pub(super) fn options(&self) -> CacheOptions {
        let entries = |sent: &[Sent]| {
            sent.iter()
                .map(|sent| CacheOptionsEntry {
                    r#type: sent.entry.kind.id().to_owned(),
                    attrs: sent.attributes.clone(),
                })
                .collect()
        };
        CacheOptions {
            imports: entries(&self.from),
            exports: entries(&self.to),
            ..CacheOptions::default()
        }
    }

    /// The same of what is taken, as the frontend reads it: it solves in its own name, and passes on
    /// what it was told.
    pub(super) fn imports(&self) -> Option<String> {
        let entries: Vec<_> = self
            .from
            .iter()
            .map(|sent| json!({ "Type": sent.entry.kind.id(), "Attrs": sent.attributes }))
            .collect();
        (!entries.is_empty()).then(|| json!(entries).to_string())
    }

    /// Completes the directories that the engine has written.
    pub(super) async fn finish(self, response: &HashMap<String, String>) -> Vec<Told> {
        if !response.contains_key(MANIFEST) {
            return Vec::new();
        }
        let complete = move || {
            let entries = self.to.iter().map(|sent| &sent.entry);
            entries.filter_map(|entry| self.complete(entry)).collect()
        };
        tokio::task::spawn_blocking(complete)
            .await
            .unwrap_or_default()
    }

    fn complete(&self, entry: &CacheEntry) -> Option<Told> {
        let Directory { layout, store } = self.directories.get(entry.directory()?)?;
        let root = store.last()?;
        if let Err(error) = layout.put(tag(entry), &root) {
            return Some(Told::Warning(not_kept(entry, &error.to_string())));
        }
        match layout.sweep() {
            0 => None,
            freed => Some(Told::Note(format!(
                "{}: {} that nothing refers to any more are removed",
                named(entry),
                human::bytes(freed)
            ))),
        }
    }

    /// What to tell of steps that failed, given with their errors.
    pub(super) fn failed<'a>(&self, steps: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Told> {
        steps
            .filter_map(|(step, error)| self.told(step, error))
            .collect()
    }

    /// Leaves out what an engine refuses at once, before any step, with `error`; what there is to
    /// tell of it. Nothing when it refuses something else.
    pub(super) fn leave_out(&mut self, error: &str) -> Option<Told> {
        let (_, refusal) = error.split_once("failed to configure ")?;
        let (kind, why) = refusal.split_once(" cache exporter: ")?;
        let refused = |sent: &Sent| sent.entry.kind.id() == kind && !must_be_kept(&sent.entry);
        let sent = self.to.iter().find(|sent| refused(sent))?;
        let told = Told::Warning(not_kept(&sent.entry, why));
        self.to.retain(|sent| !refused(sent));
        Some(told)
    }

    /// What a build comes to that failed with nothing wrong but a cache that is not written; nothing
    /// when it failed otherwise. The last of `told` is about that cache.
    ///
    /// # Errors
    /// When the cache was wanted more than the image. Where it was not, only an engine that does not
    /// know `ignore-error` fails, after it has kept the image.
    pub(super) fn unwritten(
        &self,
        steps: &Steps,
        told: &mut Vec<Told>,
    ) -> Option<Result<(), Failure>> {
        let (step, _) = steps.failed_caches().last()?;
        if !is_keeping(step) || steps.failed().is_some() {
            return None;
        }
        if self.to.iter().any(|sent| must_be_kept(&sent.entry)) {
            return told.pop().map(failure).map(Err);
        }
        steps.kept_image().then_some(Ok(()))
    }

    fn told(&self, step: &str, error: &str) -> Option<Told> {
        if let Some(place) = step.strip_prefix(TAKING) {
            let of_place = |sent: &&Sent| match sent.entry.reference() {
                Some(reference) => reference == place,
                None => place.split(':').next() == Some(sent.entry.kind.id()),
            };
            let entry = self.from.iter().find(of_place).map(|sent| &sent.entry);
            let named = entry.map_or_else(|| format!("`cache_from` `{place}`"), named);
            let why = not_taken(&named, place, error);
            // Of several the first that is there counts; that others are not is as it was meant.
            let is_missing = explain::class(&explain::plain(error)) == Class::ImageMissing;
            return Some(if is_missing && self.named > 1 {
                Told::Note(why)
            } else {
                Told::Warning(why)
            });
        }
        if !is_keeping(step) {
            return None;
        }
        let mut of_kind = self
            .to
            .iter()
            .map(|sent| &sent.entry)
            .filter(|entry| match entry.kind {
                CacheKind::Registry => step.ends_with("to registry"),
                CacheKind::Local => step.ends_with("to client directory"),
                CacheKind::Inline => false,
                CacheKind::Gha | CacheKind::S3 | CacheKind::AzureBlob => true,
            });
        let entry = of_kind.next();
        let trouble = entry
            .and_then(|entry| self.directories.get(entry.directory()?))
            .and_then(|directory| directory.store.trouble());
        let why = trouble.unwrap_or_else(|| explain::plain(error));
        Some(Told::Warning(match entry {
            Some(entry) => not_kept(entry, &why),
            None => format!("the cache is not kept (cache-export): {why}"),
        }))
    }
}

/// Whether a step is about a cache: what becomes of it is no verdict on the build.
pub(super) fn is_about_caches(step: &str) -> bool {
    step.starts_with(TAKING) || is_keeping(step)
}

/// Whether a step keeps a cache.
fn is_keeping(step: &str) -> bool {
    step.starts_with(KEEPING)
}

fn revealed(entry: &CacheEntry) -> HashMap<String, String> {
    let attributes = entry.attributes.iter();
    attributes
        // The name of an entry of `index.json` is our side's business.
        .filter(|(name, _)| *name != "tag" || entry.kind != CacheKind::Local)
        .map(|(name, value)| (name.clone(), value.reveal().to_owned()))
        .collect()
}

fn must_be_kept(entry: &CacheEntry) -> bool {
    entry
        .attribute(IGNORE_ERROR)
        .is_some_and(|value| matches!(value, "false" | "False" | "FALSE" | "f" | "F" | "0"))
}

fn tag(entry: &CacheEntry) -> &str {
    entry.attribute("tag").unwrap_or(LATEST)
}

/// An entry as people know it: key, value, place.
fn named(entry: &CacheEntry) -> String {
    let at = entry.at.as_ref();
    let at = at.map_or_else(String::new, |at| format!(" ({at})"));
    format!("`{}` `{entry}`{at}", entry.key.name())
}

fn set_aside(layout: Layout, named: &str, why: &str) -> Told {
    Told::Warning(match layout.set_aside() {
        Ok(path) => format!(
            "{named} is damaged ({why}): it is now `{}`, and nothing is taken from it",
            path.display()
        ),
        Err(error) => format!(
            "{named} is damaged ({why}), and cannot be moved out of the way ({error}): nothing is taken from it"
        ),
    })
}

fn not_taken(named: &str, place: &str, error: &str) -> String {
    let text = explain::plain(error);
    let host = reference::normalize(place).unwrap_or_default();
    let host = host.split('/').next().unwrap_or_default();
    let why = match explain::class(&text) {
        Class::ImageMissing => "is not there (yet)".to_owned(),
        Class::RegistryDenied if host == "docker.io" => {
            "is refused by its registry: log in with docker login".to_owned()
        }
        Class::RegistryDenied => {
            format!("is refused by its registry: log in with docker login {host}")
        }
        Class::RateLimited => "is refused by its registry, which was asked too often".to_owned(),
        Class::RegistryUnreachable => format!("cannot be reached: {text}"),
        _ => format!("cannot be used: {text}"),
    };
    format!("{named} {why}; nothing is taken from it")
}

fn not_kept(entry: &CacheEntry, why: &str) -> String {
    format!(
        "{} is not written (cache-export): {why}; the image does not depend on it",
        named(entry)
    )
}

/// The failure of a build that was to fail when its cache cannot be written.
fn failure(told: Told) -> Failure {
    let (Told::Note(message) | Told::Warning(message)) = told;
    Failure::new(Class::CacheExport, message)
        .hint("leave `ignore-error=false` out to get the image all the same")
}

/// Tells what there is to tell.
pub(super) async fn tell(told: Vec<Told>, job: JobId, events: &Events) {
    for told in told {
        let event = match told {
            Told::Note(message) => Event::JobNote { job, message },
            Told::Warning(message) => Event::Warning {
                job,
                message,
                line: None,
                url: None,
            },
        };
        events.send(event).await;
    }
}

#[cfg(test)]
mod tests {
    use bollard_buildkit_proto::google::protobuf::Timestamp;
    use bollard_buildkit_proto::moby::buildkit::v1::{StatusResponse, Vertex};

    use super::*;
    use crate::docker::cache_entry::CacheKey;
    use crate::event::Clock;

    fn keeping(text: &str) -> Caches {
        let entries = CacheEntry::parse(CacheKey::To, text).expect("an entry");
        let sent = |entry: CacheEntry| Sent {
            attributes: revealed(&entry),
            entry,
        };
        Caches {
            to: entries.into_iter().map(sent).collect(),
            ..Caches::default()
        }
    }

    /// Steps that are over, with their errors.
    fn steps(all: &[(&str, &str)]) -> Steps {
        let mut steps = Steps::new(JobId(0), Clock::start());
        let now = Timestamp {
            seconds: 1,
            nanos: 0,
        };
        let vertexes = all.iter().map(|(name, error)| Vertex {
            digest: (*name).to_owned(),
            name: (*name).to_owned(),
            error: (*error).to_owned(),
            started: Some(now),
            completed: Some(now),
            ..Vertex::default()
        });
        steps.fold(StatusResponse {
            vertexes: vertexes.collect(),
            ..StatusResponse::default()
        });
        steps
    }

    /// What a build that failed comes to.
    fn outcome(caches: &Caches, steps: &Steps) -> Option<Result<(), Class>> {
        let mut told = caches.failed(steps.failed_caches());
        let outcome = caches.unwritten(steps, &mut told)?;
        Some(outcome.map_err(|failure| failure.class))
    }

    #[test]
    fn what_is_refused_at_once_is_left_out_alone() {
        let error = "failed to configure registry cache exporter: some reason";
        let mut caches = keeping("type=registry,ref=r.io/c");
        let told = caches.leave_out(error).expect("a word");
        assert!(matches!(told, Told::Warning(text) if text.contains("some reason")));
        assert!(caches.options().exports.is_empty());

        let mut other = keeping("type=gha,token=t,url=u");
        assert_eq!(other.leave_out(error), None);
        assert_eq!(other.leave_out("failed to solve: gha"), None);
        let mut must = keeping("type=registry,ref=r.io/c,ignore-error=false");
        assert_eq!(must.leave_out(error), None);
        assert_eq!(must.options().exports.len(), 1);
    }

    const IMAGE: (&str, &str) = ("exporting to image", "");
    const CACHE: (&str, &str) = ("exporting cache to registry", "500 Internal Server Error");

    #[test]
    fn an_image_without_its_cache_is_an_image_unless_the_cache_is_a_must() {
        let caches = keeping("type=registry,ref=r.io/c");
        assert_eq!(outcome(&caches, &steps(&[IMAGE, CACHE])), Some(Ok(())));
        assert_eq!(outcome(&caches, &steps(&[CACHE])), None, "no image");
        let broken = ("exporting to image", "no space left on device");
        assert_eq!(outcome(&caches, &steps(&[broken, CACHE])), None);
        assert_eq!(outcome(&caches, &steps(&[IMAGE])), None, "another fault");

        let must = keeping("type=registry,ref=r.io/c,ignore-error=false");
        let outcome = outcome(&must, &steps(&[IMAGE, CACHE]));
        assert_eq!(outcome, Some(Err(Class::CacheExport)));
    }
}
