//! What an engine's build cache holds, in sums.

use std::time::Duration;

use serde_json::Value;

use super::json;
use crate::docker::cache_records::{items, listing};
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
    Some(read(&json(facts, listing(facts.spoken()), LIMIT).await?))
}

fn read(answer: &Value) -> Usage {
    let mut usage = Usage::default();
    // What is shared is part of an image too, and is not freed with the record.
    for item in items(answer).filter(|item| item["Shared"] != true) {
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
