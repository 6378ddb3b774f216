//! The records of an engine's build cache: listed, and removed one by one.
//!
//! What is removed is named by the id of each record, and by nothing else. The engine has filters for
//! age and size, but their names changed (`keep-storage` up to API 1.47, `reserved-space` and
//! `max-used-space` from 1.48 on), and an engine passes over a parameter that it does not know: with
//! the wrong one of them `POST /build/prune` empties the whole cache, cache mounts and all. Ids are the
//! same for all engines, and what is not on the list cannot go.
//!
//! An engine that keeps its images in containerd forgets more than it is asked to, whoever asks and with
//! whatever filter: after each removal its BuildKit looks through all results that it remembers, and
//! takes those for lost whose base image is in the image store only. The records stay, and the steps of
//! every project that begins with an image run once more (seen with Engine 28.5; not with `FROM scratch`,
//! nor where nothing was removed). So that is told before anything is removed there.
//!
//! The filter `id` is a regular expression for every engine, so one request takes many. A record that
//! another one is built on stays, whatever is asked for.

use std::collections::HashSet;
use std::time::Duration;

use prost_types::Timestamp;
use serde_json::{Value, json};

use super::api_version::ApiVersion;
use super::detect::Facts;
use super::http;
use crate::failure::{Class, Failure};
use crate::human;

/// How long one answer may take: engines go through all their records for each request, and need
/// 15 seconds where there are 20 000.
const LIMIT: Duration = Duration::from_secs(180);
/// The most that is read of an answer; a record takes 400 bytes.
const LARGEST: usize = 64 << 20;
/// Ids in one request, whose address then has some kilobytes.
const TOGETHER: usize = 100;
/// The first API with filters for what is removed.
const FILTERS: ApiVersion = ApiVersion(1, 39);

/// What a record keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// What a step left: a layer.
    Layer,
    /// Files of this machine that were transferred.
    Transfer,
    /// A cache mount.
    Mount,
    /// Anything else: a git checkout, a frontend's own.
    Other,
}

/// One record of a build cache. Times are milliseconds since 1970, sizes bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheRecord {
    /// Its id.
    pub id: String,
    /// What it keeps.
    pub kind: RecordKind,
    /// The records that it is built on.
    pub parents: Vec<String>,
    /// What the engine says of it.
    pub description: String,
    /// What it takes.
    pub size: u64,
    /// Whether a build uses it right now.
    pub in_use: bool,
    /// Whether an image has the same layer: without the record, that stays.
    pub in_image: bool,
    /// When it was made.
    pub created: u64,
    /// When it was last used.
    pub used: u64,
    /// How often.
    pub uses: u64,
}

/// All records of the engine.
///
/// # Errors
/// When it has no build cache, or does not answer.
pub async fn records(facts: &Facts) -> Result<Vec<CacheRecord>, Failure> {
    if facts.engine.podman {
        return Err(none(
            "Podman keeps the steps of builds as images, and has no build cache to list",
            "podman image prune, as the user who runs it",
        ));
    }
    if facts.spoken() < FILTERS {
        return Err(none(
            "this engine cannot be asked for parts of its build cache",
            "it takes Docker 18.09 or later",
        ));
    }
    let path = format!("/v{}/{}", facts.spoken(), listing(facts.spoken()));
    let answer = http::get(&facts.endpoint.address, &path, LARGEST);
    let answer = match tokio::time::timeout(LIMIT, answer).await {
        Err(_) => return Err(failed(&format!("no answer in {}", human::duration(LIMIT)))),
        Ok(Err(error)) => return Err(failed(&error.to_string())),
        Ok(Ok((head, body))) if head.status().is_success() => body,
        Ok(Ok((head, body))) => return Err(failed(&format!("{}: {body}", head.status()))),
    };
    let answer: Value =
        serde_json::from_str(&answer).map_err(|error| failed(&error.to_string()))?;
    Ok(read(&answer))
}

fn none(message: &str, hint: &str) -> Failure {
    Failure::new(Class::Unsupported, message).hint(hint)
}

fn failed(why: &str) -> Failure {
    let why = human::sanitize(why);
    Failure::new(
        Class::DaemonError,
        format!("the engine does not tell what its build cache holds: {why}"),
    )
}

/// What asks an engine of this API for its records. Before 1.42 it counts everything, which takes seconds
/// on a machine with many containers; from 1.52 on records have to be asked for. Engine 26.1 breaks the
/// connection when it is asked in 1.42 or 1.43, which nobody does who speaks the newest version.
pub(super) fn listing(api: ApiVersion) -> &'static str {
    match api {
        api if api >= ApiVersion(1, 52) => "system/df?type=build-cache&verbose=1",
        api if api >= ApiVersion(1, 42) => "system/df?type=build-cache",
        _ => "system/df",
    }
}

/// The records in its answer.
pub(super) fn items(answer: &Value) -> impl Iterator<Item = &Value> {
    let items = answer["BuildCacheUsage"]["Items"]
        .as_array()
        .or_else(|| answer["BuildCache"].as_array());
    items.into_iter().flatten()
}

fn read(answer: &Value) -> Vec<CacheRecord> {
    items(answer).filter_map(record).collect()
}

fn record(item: &Value) -> Option<CacheRecord> {
    let created = millis(&item["CreatedAt"]).unwrap_or_default();
    // The key has a leading blank from Engine 23 to 29; before it was one parent, and no list.
    let parents = [&item[" Parents"], &item["Parents"]]
        .into_iter()
        .filter_map(Value::as_array)
        .flatten()
        .chain([&item["Parent"]]);
    Some(CacheRecord {
        id: item["ID"].as_str()?.to_owned(),
        kind: match item["Type"].as_str()? {
            "regular" => RecordKind::Layer,
            "source.local" => RecordKind::Transfer,
            "exec.cachemount" => RecordKind::Mount,
            _ => RecordKind::Other,
        },
        parents: parents
            .filter_map(Value::as_str)
            .filter(|parent| !parent.is_empty())
            .map(str::to_owned)
            .collect(),
        description: human::sanitize(item["Description"].as_str().unwrap_or_default()),
        size: item["Size"].as_u64().unwrap_or_default(),
        in_use: item["InUse"] == true,
        in_image: item["Shared"] == true,
        created,
        used: millis(&item["LastUsedAt"]).unwrap_or(created),
        uses: item["UsageCount"].as_u64().unwrap_or_default(),
    })
}

fn millis(value: &Value) -> Option<u64> {
    let time: Timestamp = value.as_str()?.parse().ok()?;
    let seconds = u64::try_from(time.seconds).ok()?;
    Some(seconds * 1000 + u64::try_from(time.nanos).ok()? / 1_000_000)
}

/// What became of records that were to be removed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Removed {
    /// The ids of those that are gone.
    pub ids: HashSet<String>,
    /// The bytes that the engine says it got back.
    pub freed: u64,
}

/// Removes the records of these ids. What is in use, or what others are built on, stays.
///
/// # Errors
/// When the engine refuses or does not answer, with what was removed until then.
pub async fn remove(facts: &Facts, ids: &[&str]) -> (Removed, Result<(), Failure>) {
    let mut removed = Removed::default();
    // What one request leaves because of a record of the next can go when that is gone.
    loop {
        let left: Vec<&str> = ids
            .iter()
            .copied()
            .filter(|id| !removed.ids.contains(*id))
            .collect();
        let before = removed.ids.len();
        for ids in left.chunks(TOGETHER) {
            match remove_some(facts, ids).await {
                Ok(some) => {
                    removed.freed += some.freed;
                    removed.ids.extend(some.ids);
                }
                Err(failure) => return (removed, Err(failure)),
            }
        }
        if left.len() <= TOGETHER || removed.ids.len() == before {
            return (removed, Ok(()));
        }
    }
}

async fn remove_some(facts: &Facts, ids: &[&str]) -> Result<Removed, Failure> {
    let path = path(facts.spoken(), ids).ok_or_else(|| not_removed("a record has no plain id"))?;
    let answer = http::post(&facts.endpoint.address, &path, LARGEST);
    let (head, body) = match tokio::time::timeout(LIMIT, answer).await {
        Err(_) => {
            return Err(not_removed(&format!(
                "no answer in {}",
                human::duration(LIMIT)
            )));
        }
        Ok(answer) => answer.map_err(|error| not_removed(&error.to_string()))?,
    };
    if !head.status().is_success() {
        return Err(not_removed(&body));
    }
    let answer: Value =
        serde_json::from_str(&body).map_err(|error| not_removed(&error.to_string()))?;
    let gone = answer["CachesDeleted"].as_array();
    Ok(Removed {
        ids: gone
            .into_iter()
            .flatten()
            .filter_map(|id| Some(id.as_str()?.to_owned()))
            .collect(),
        freed: answer["SpaceReclaimed"].as_u64().unwrap_or_default(),
    })
}

fn not_removed(why: &str) -> Failure {
    let why = human::sanitize(why.trim());
    Failure::new(
        Class::DaemonError,
        format!("the engine does not remove what it was asked to: {why}"),
    )
}

/// The address that removes these and no others; nothing when an id is none, for then the expression
/// could mean more than was asked for.
fn path(api: ApiVersion, ids: &[&str]) -> Option<String> {
    let plain = |id: &&str| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric());
    if ids.is_empty() || !ids.iter().all(plain) {
        return None;
    }
    let filters = json!({ "id": [format!("^({})$", ids.join("|"))] }).to_string();
    let filters: String = filters
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect();
    // Without `all` the engine passes over layers that images have too.
    Some(format!("/v{api}/build/prune?all=1&filters={filters}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_in_every_form_that_engines_gave_them() {
        let old = json!({"BuildCache": [{"ID": "a", "Parent": "p", "Type": "exec.cachemount",
            "Description": "cached mount /c from exec /bin/sh -c x", "InUse": false, "Shared": false,
            "Size": 7, "CreatedAt": "2026-11-21T18:34:58.055324384Z", "LastUsedAt": null, "UsageCount": 2}]});
        let new = json!({"BuildCacheUsage": {"Items": [{"ID": "b", " Parents": ["q", "r"],
            "Type": "regular", "InUse": true, "Shared": true, "Size": 1,
            "CreatedAt": "2026-11-21T18:34:58Z", "LastUsedAt": "2026-11-21T18:34:59.5Z"}]}});
        let old = read(&old).remove(0);
        assert_eq!(
            (old.kind, old.parents),
            (RecordKind::Mount, vec!["p".to_owned()])
        );
        assert_eq!(
            (old.created, old.used),
            (1_795_286_098_055, 1_795_286_098_055)
        );
        let new = read(&new).remove(0);
        assert_eq!(
            (new.kind, new.in_use, new.in_image),
            (RecordKind::Layer, true, true)
        );
        assert_eq!((new.parents.len(), new.used - new.created), (2, 1500));
        assert_eq!(read(&json!({"BuildCache": null})), []);
    }

    #[test]
    fn what_is_removed_is_named_by_whole_ids_and_nothing_else() {
        let path = |ids| path(ApiVersion(1, 41), ids);
        assert_eq!(
            path(&["a1", "b2"]).as_deref(),
            Some(
                "/v1.41/build/prune?all=1&filters=%7B%22id%22%3A%5B%22%5E%28a1%7Cb2%29%24%22%5D%7D"
            )
        );
        for ids in [&[][..], &[""], &["a", ".*"], &["a|b"]] {
            assert_eq!(path(ids), None, "{ids:?}");
        }
    }
}
