use std::time::Duration;

use super::*;

/// A record of `kind`, made at `created` and used since.
fn record(id: &str, kind: RecordKind, created: u64, description: &str) -> CacheRecord {
    CacheRecord {
        id: id.to_owned(),
        kind,
        parents: Vec::new(),
        description: description.to_owned(),
        size: 10,
        in_use: false,
        in_image: false,
        created,
        used: created + 100,
        uses: 1,
    }
}

fn made(service: &str, step: &str, began: u64, ended: u64) -> Made {
    Made {
        services: vec![service.to_owned()],
        step: step.to_owned(),
        began,
        ended,
    }
}

fn owners(ledger: &Ledger) -> Vec<(&str, Owner)> {
    let mut owners: Vec<_> = ledger
        .items
        .iter()
        .map(|item| (item.record.id.as_str(), item.owner))
        .collect();
    owners.sort_by_key(|(id, _)| *id);
    owners
}

const RUN: &str = "mount / from exec /bin/sh -c make";

#[test]
fn a_layer_is_the_projects_when_a_step_of_it_made_one_then_and_nobody_else_did() {
    use Owner::{Other, Project};
    use RecordKind::Layer;
    let evidence = Evidence {
        made: vec![
            made("web", "[2/3] RUN make", 1000, 2000),
            made("web", "[3/3] COPY . .", 2000, 2100),
            made("api", "[2/2] RUN make", 5000, 6000),
        ],
        ..Evidence::default()
    };
    let records = vec![
        record("a", Layer, 1500, RUN),
        record("before", Layer, 900, RUN),
        record("after", Layer, 2003, RUN),
        record("other", Layer, 1500, "mount / from exec /bin/sh -c other"),
        record("copy", Layer, 2050, "[3/3] COPY . ."),
        record("one", Layer, 5100, RUN),
        record("two", Layer, 5200, RUN),
    ];
    let ledger = attribute(records, evidence);
    assert_eq!(
        owners(&ledger),
        [
            ("a", Project),
            ("after", Other),
            ("before", Other),
            ("copy", Project),
            ("one", Other),
            ("other", Other),
            ("two", Other),
        ]
    );
}

/// A mount of the service `web`, as its Dockerfile has it.
fn declared(id: Option<&str>, namespace: Option<&str>) -> Declared {
    let mount = CacheMount {
        id,
        target: "/root/.npm",
        command: "npm ci".to_owned(),
        line: 1,
    };
    Declared::new("web", mount, namespace)
}

#[test]
fn a_mount_is_the_projects_when_its_id_names_it_and_shared_when_it_is_used() {
    let owner = |declared: Declared, description: &str| {
        let evidence = Evidence {
            project: "shop".to_owned(),
            mounts: vec![declared],
            ..Evidence::default()
        };
        let records = vec![record("m", RecordKind::Mount, 1, description)];
        attribute(records, evidence).items[0].owner
    };
    let told = |id: &str| format!("cached mount /root/.npm from exec /bin/sh -c x with id {id:?}");
    let named = declared(Some("shop-npm"), None);
    assert_eq!(owner(named.clone(), &told("/shop-npm")), Owner::Project);
    assert_eq!(owner(named.clone(), &told("/workshop-npm")), Owner::Other);
    let common = declared(Some("npm"), None);
    assert_eq!(owner(common, &told("/npm")), Owner::Shared);
    let plain = declared(None, None);
    assert_eq!(owner(plain.clone(), &told("//root/.npm")), Owner::Shared);
    let within = declared(None, Some("shop"));
    assert_eq!(owner(within, &told("shop//root/.npm")), Owner::Project);
    // Engines before 23 do not tell the id: others may have the same target and command.
    let old = "cached mount /root/.npm from exec /bin/sh -c npm ci";
    assert_eq!(owner(named.clone(), old), Owner::Other);
    assert_eq!(owner(plain, old), Owner::Shared);
    let other = "cached mount /root/.npm from exec /bin/sh -c npm install";
    assert_eq!(owner(named, other), Owner::Other);
}

#[test]
fn a_mount_without_a_told_id_is_the_projects_when_a_step_of_it_made_it() {
    use Owner::{Other, Project};
    let told = "cached mount /root/.npm from exec /bin/sh -c npm ci";
    let ledger = |records: &[(&str, u64)]| {
        let evidence = Evidence {
            project: "shop".to_owned(),
            mounts: vec![declared(Some("shop-npm"), None)],
            made: vec![made("web", "[2/2] RUN --mount=x npm ci", 1000, 2000)],
            ..Evidence::default()
        };
        let mount = |(id, at): &(&str, u64)| record(id, RecordKind::Mount, *at, told);
        attribute(records.iter().map(mount).collect(), evidence)
    };
    let alone = ledger(&[("a", 1500), ("b", 3000)]);
    assert_eq!(owners(&alone), [("a", Project), ("b", Other)]);
    let both = ledger(&[("a", 1500), ("b", 1600)]);
    assert_eq!(owners(&both), [("a", Other), ("b", Other)]);
}

fn item(id: &str, owner: Owner, kind: RecordKind, used: u64) -> Item {
    Item {
        record: record(id, kind, used - 100, ""),
        owner,
        services: vec!["web".to_owned()],
        what: String::new(),
    }
}

#[test]
fn what_goes_is_what_was_asked_for_and_nothing_that_others_are_built_on() {
    use Owner::{Other, Project, Shared};
    use RecordKind::{Layer, Mount};
    let mut ledger = Ledger {
        items: vec![
            item("base", Project, Layer, 100),
            item("old", Project, Layer, 200),
            item("mount", Project, Mount, 300),
            item("common", Shared, Mount, 400),
            item("theirs", Other, Layer, 500),
            item("in-image", Project, Layer, 600),
            item("in-use", Project, Layer, 700),
            item("new", Project, Layer, 5000),
        ],
        places: Vec::new(),
    };
    ledger.items[4].record.parents = vec!["base".to_owned()];
    ledger.items[5].record.in_image = true;
    ledger.items[6].record.in_use = true;
    let ids = |selection: &Selection| -> Vec<&str> {
        let (items, _) = select(&ledger, selection, 6000);
        items.iter().map(|item| item.record.id.as_str()).collect()
    };
    let plain = Selection::default();
    assert_eq!(ids(&plain), ["old", "new"]);
    let older = Some(Duration::from_secs(2));
    assert_eq!(
        ids(&Selection {
            older,
            ..plain.clone()
        }),
        ["old"]
    );
    let keep = |keep| Selection {
        keep: Some(keep),
        ..plain.clone()
    };
    // What is held is 50: base, old, mount, in-use and new.
    assert_eq!(ids(&keep(50)), [""; 0]);
    assert_eq!(ids(&keep(35)), ["old"]);
    let kinds = Kinds {
        in_images: true,
        mounts: true,
        directories: true,
    };
    let all = Selection { kinds, ..plain };
    assert_eq!(ids(&all), ["old", "mount", "in-image", "new"]);
    let shared = Selection {
        shared: true,
        ..all.clone()
    };
    assert_eq!(ids(&shared), ["old", "mount", "common", "in-image", "new"]);
    let everybody = Selection {
        everybody: true,
        ..all.clone()
    };
    assert_eq!(
        ids(&everybody),
        [
            "base", "old", "mount", "common", "theirs", "in-image", "new"
        ]
    );
    let api = Selection {
        services: vec!["api".to_owned()],
        ..all
    };
    assert_eq!(ids(&api), [""; 0]);
}
