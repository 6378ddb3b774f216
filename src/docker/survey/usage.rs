//! What an engine's build cache holds.
//!
//! `GET /system/df` has changed with the API: before 1.42 it counts everything, which takes seconds on
//! a machine with many containers; from 1.52 on the records have to be asked for. Engine 26.1 breaks
//! the connection when it is asked in 1.42 or 1.43, which nobody does who speaks the newest version.

use std::time::Duration;

use serde_json::Value;

use super::json;
use crate::docker::api_version::ApiVersion;
use crate::docker::detect::Facts;

/// How long counting may take: an engine at work on a large cache can need seconds.
const LIMIT: Duration = Duration::from_millis(150);

/// What a build cache holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes in all.
    pub total: u64,
    /// Bytes of what no build uses right now.
    pub reclaimable: u64,
    /// Bytes in cache mounts.
    pub mounts: u64,
}

/// Asks the engine; nothing when it does not answer in time or has no build cache.
pub async fn usage(facts: &Facts) -> Option<Usage> {
    if facts.engine.podman {
        return None;
    }
    let path = match facts.spoken() {
        api if api >= ApiVersion(1, 52) => "system/df?type=build-cache&verbose=1",
        api if api >= ApiVersion(1, 42) => "system/df?type=build-cache",
        _ => "system/df",
    };
    Some(read(&json(facts, path, LIMIT).await?))
}

fn read(answer: &Value) -> Usage {
    let items = answer["BuildCacheUsage"]["Items"]
        .as_array()
        .or_else(|| answer["BuildCache"].as_array());
    let mut usage = Usage::default();
    // What is shared is part of an image too, and is not freed with the record.
    for item in items
        .into_iter()
        .flatten()
        .filter(|item| item["Shared"] != true)
    {
        let size = item["Size"].as_u64().unwrap_or_default();
        usage.total += size;
        if item["InUse"] != true {
            usage.reclaimable += size;
        }
        if item["Type"] == "exec.cachemount" {
            usage.mounts += size;
        }
    }
    usage
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_forms_of_the_answer_are_counted_without_what_is_shared() {
        let items = json!([
            {"Type": "regular", "Size": 100, "InUse": false, "Shared": false},
            {"Type": "regular", "Size": 1000, "InUse": false, "Shared": true},
            {"Type": "exec.cachemount", "Size": 10, "InUse": true, "Shared": false},
        ]);
        let expected = Usage {
            total: 110,
            reclaimable: 100,
            mounts: 10,
        };
        assert_eq!(read(&json!({"BuildCache": items})), expected);
        assert_eq!(
            read(&json!({"BuildCacheUsage": {"Items": items}})),
            expected
        );
        assert_eq!(read(&json!({"BuildCache": null})), Usage::default());
    }
}
