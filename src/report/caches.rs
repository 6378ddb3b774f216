//! What a project keeps from build to build, what of it is to go, and what came of it.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::Detail;
use super::columns::{self, Side, columns};
use crate::cache::{Item, Ledger, Outside, Owner, Place, Selection, Sum};
use crate::compose::Project;
use crate::docker::cache_records::RecordKind;
use crate::human;

/// The version of the JSON schema. It grows by one when a field changes its meaning or goes.
const SCHEMA: u32 = 1;

/// What was removed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Removal {
    /// How many records were to go.
    pub records: usize,
    /// How many went.
    pub removed: usize,
    /// The bytes that the records said they take.
    pub announced: u64,
    /// The bytes of those of them that went.
    pub freed: u64,
    /// The bytes that the engine says it got back: with layers that images keep.
    pub counted: u64,
    /// The bytes that directories were found to take.
    pub announced_files: u64,
    /// The bytes of files that are removed.
    pub freed_files: u64,
}

fn kind(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Layer => "layer",
        RecordKind::Transfer => "transfer",
        RecordKind::Mount => "mount",
        RecordKind::Other => "other",
    }
}

type Row = [String; 6];

fn header() -> Row {
    ["KIND", "SERVICE", "SIZE", "LAST USED", "USES", "WHAT"].map(str::to_owned)
}

fn row(item: &Item, now: u64) -> Row {
    let record = &item.record;
    let mut what = item.what.clone();
    for (is_so, word) in [
        (record.in_image, "an image has it too"),
        (record.in_use, "in use"),
        (item.owner == Owner::Shared, "other projects may use it"),
    ] {
        if is_so {
            let _ = write!(what, " [{word}]");
        }
    }
    [
        kind(record.kind).to_owned(),
        services(&item.services),
        human::bytes(record.size),
        ago(record.used, now),
        record.uses.to_string(),
        what,
    ]
}

fn place_row(place: &Place, now: u64) -> Row {
    let at = place.at.as_ref();
    let at = at.map_or_else(String::new, |at| format!(" ({at})"));
    let (kind, size, used, what) = match &place.what {
        Outside::Directory(path, kept) => (
            "directory",
            kept.map_or_else(|| "-".to_owned(), |kept| human::bytes(kept.bytes)),
            kept.and_then(|kept| kept.written),
            path.display().to_string(),
        ),
        Outside::Elsewhere(what) => ("remote", "-".to_owned(), None, what.clone()),
    };
    let only = if place.written { "" } else { " [read only]" };
    [
        kind.to_owned(),
        services(&place.services),
        size,
        used.map_or_else(|| "-".to_owned(), |used| ago(used, now)),
        "-".to_owned(),
        format!("{what}{only}{at}"),
    ]
}

fn services(names: &[String]) -> String {
    if names.is_empty() {
        "-".to_owned()
    } else {
        names.join(",")
    }
}

fn ago(then: u64, now: u64) -> String {
    human::ago(Duration::from_millis(now.saturating_sub(then)))
}

fn table(rows: &[Row]) -> String {
    use Side::{Left, Right};
    columns(rows, [Left, Left, Right, Left, Right, Left], columns::plain)
}

/// One row for many items.
fn sum_row<'a>(
    of: RecordKind,
    service: &str,
    items: impl Iterator<Item = &'a Item> + Clone,
    now: u64,
) -> Option<Row> {
    let sum = Sum::of(items.clone());
    let used = items.clone().map(|item| item.record.used).max()?;
    let in_images = items.filter(|item| item.record.in_image).count();
    let mut what = human::count(sum.count, "record");
    if in_images > 0 {
        let _ = write!(
            what,
            ", {in_images} of them not counted: images have them too"
        );
    }
    Some([
        kind(of).to_owned(),
        service.to_owned(),
        human::bytes(sum.bytes),
        ago(used, now),
        "-".to_owned(),
        what,
    ])
}

/// `dcb cache`.
pub fn text(
    project: &Project,
    ledger: &Ledger,
    notes: &[String],
    detail: Detail,
    now: u64,
) -> String {
    let held = |owner| {
        let items = ledger.items.iter();
        items.filter(move |item| item.owner == owner)
    };
    let mut rows = vec![header()];
    // Layers and transfers are many and alike: a row for each service. Mounts are one each.
    for of in [RecordKind::Layer, RecordKind::Transfer] {
        let of_kind = held(Owner::Project).filter(|item| item.record.kind == of);
        if detail == Detail::Verbose {
            rows.extend(of_kind.map(|item| row(item, now)));
            continue;
        }
        let mut groups: Vec<&[String]> = of_kind.clone().map(|item| &*item.services).collect();
        groups.sort_unstable();
        groups.dedup();
        for group in groups {
            let items = of_kind.clone().filter(|item| item.services == group);
            rows.extend(sum_row(of, &services(group), items, now));
        }
    }
    for owner in [Owner::Project, Owner::Shared] {
        let mounts = held(owner).filter(|item| item.record.kind == RecordKind::Mount);
        rows.extend(mounts.map(|item| row(item, now)));
    }
    rows.extend(ledger.places.iter().map(|place| place_row(place, now)));
    let mut text = format!(
        "project  {} ({})\n\n",
        project.name,
        project.directory.display()
    );
    if rows.len() == 1 {
        text.push_str("nothing is kept\n");
    } else {
        text.push_str(&table(&rows));
    }
    let sum = |owner| Sum::of(held(owner));
    let (own, shared, other) = (sum(Owner::Project), sum(Owner::Shared), sum(Owner::Other));
    let _ = writeln!(
        text,
        "\nin the engine: {} of this project, {} of it reclaimable; {} in cache mounts that other projects may use; {} of others, or unknown ({})",
        human::bytes(own.bytes),
        human::bytes(own.reclaimable),
        human::bytes(shared.bytes),
        human::bytes(other.bytes),
        human::count(other.count, "record"),
    );
    text.push_str(ESTIMATES);
    for note in notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

const ESTIMATES: &str = "layers are told by when dcb's steps ran (dcb history): what Compose, docker build or an older dcb made counts as unknown.
sizes are the engine's: what an image has too is not freed with its record, and what others are built on stays.
";

/// What goes with a removal on engines that keep their images in containerd.
pub const FORGETS: &str = "note: this engine keeps its images in containerd, and when anything is removed it forgets which steps of other projects it has: their layers stay, and each such step runs once more";

/// Why caches stay there when everything else of a project goes.
pub const STAYS: &str = "stays: the build cache. This engine keeps its images in containerd, and a removal makes it run steps of other projects once more that it has: `dcb cache clear --all` removes this project's all the same";

/// What goes with all else of a project, and its size: layers and transfers as a number.
pub fn in_short(items: &[&Item], places: &[&Place]) -> Vec<[String; 2]> {
    let mut rows = Vec::new();
    for of in [RecordKind::Layer, RecordKind::Transfer] {
        let of_kind = items.iter().filter(|item| item.record.kind == of);
        let sum = Sum::of(of_kind.copied());
        if sum.count > 0 {
            let what = human::count(sum.count, kind(of));
            rows.push([what, human::bytes(sum.bytes)]);
        }
    }
    let mounts = items
        .iter()
        .filter(|item| item.record.kind == RecordKind::Mount);
    rows.extend(mounts.map(|item| {
        let size = human::bytes(item.frees());
        [format!("mount {}", item.what), size]
    }));
    for place in places {
        if let Outside::Directory(path, kept) = &place.what {
            let size = human::bytes(kept.map_or(0, |kept| kept.bytes));
            rows.push([format!("directory {}", path.display()), size]);
        }
    }
    rows
}

/// What is to go, and `remarks` about it.
pub fn list(
    items: &[&Item],
    places: &[&Place],
    remarks: &[String],
    detail: Detail,
    now: u64,
) -> String {
    let mut text = String::new();
    let mut rows = vec![header()];
    let is_mine = |item: &&&Item| item.owner != Owner::Other || detail == Detail::Verbose;
    rows.extend(items.iter().filter(is_mine).map(|item| row(item, now)));
    for of in [
        RecordKind::Layer,
        RecordKind::Transfer,
        RecordKind::Mount,
        RecordKind::Other,
    ] {
        let others = items
            .iter()
            .filter(|item| !is_mine(item) && item.record.kind == of);
        rows.extend(sum_row(of, "(not this project)", others.copied(), now));
    }
    rows.extend(places.iter().map(|place| place_row(place, now)));
    if rows.len() > 1 {
        text.push_str(&table(&rows));
        let bytes: u64 = items.iter().map(|item| item.frees()).sum();
        let _ = writeln!(
            text,
            "\n{}, {} with what images do not have{}",
            human::count(items.len(), "record"),
            human::bytes(bytes),
            directories(places)
        );
    } else {
        text.push_str("there is nothing to remove\n");
    }
    for line in remarks {
        let _ = writeln!(text, "{line}");
    }
    text
}

fn directories(places: &[&Place]) -> String {
    let kept = places.iter().filter_map(|place| match &place.what {
        Outside::Directory(_, kept) => *kept,
        Outside::Elsewhere(_) => None,
    });
    let bytes: u64 = kept.map(|kept| kept.bytes).sum();
    match places.len() {
        0 => String::new(),
        1 => format!("; 1 directory, {}", human::bytes(bytes)),
        many => format!("; {many} directories, {}", human::bytes(bytes)),
    }
}

/// What somebody might expect to go, and does not: in a sentence each, with what would do it.
pub fn kept(ledger: &Ledger, selection: &Selection) -> Vec<String> {
    let mut lines = Vec::new();
    let is_asked = |services: &[String]| {
        selection.services.is_empty() || services.iter().any(|it| selection.services.contains(it))
    };
    if selection.kinds.mounts && !selection.shared && !selection.everybody {
        let shared = ledger.items.iter().filter(|item| {
            item.owner == Owner::Shared
                && item.record.kind == RecordKind::Mount
                && is_asked(&item.services)
        });
        let sum = Sum::of(shared.clone());
        let mut names: Vec<&str> = shared.map(|item| item.what.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        if sum.count > 0 {
            lines.push(format!(
                "stays: {} in cache mounts that other projects may use, for their ids do not name this one ({}): --shared removes them too",
                human::bytes(sum.bytes),
                human::list(names)
            ));
        }
    }
    if selection.kinds.directories {
        let others = ledger
            .places
            .iter()
            .filter(|place| is_asked(&place.services));
        for place in others {
            match &place.what {
                Outside::Directory(path, Some(_)) if !place.written => lines.push(format!(
                    "stays: `{}`, which is only read here",
                    path.display()
                )),
                Outside::Elsewhere(what) => {
                    lines.push(format!("stays: `{what}`, which is not on this machine"));
                }
                Outside::Directory(..) => {}
            }
        }
    }
    lines
}

/// What came of it.
pub fn removed(removal: &Removal) -> String {
    let mut text = String::new();
    if removal.records > 0 {
        let _ = write!(
            text,
            "removed {} of {}: {} announced, {} freed",
            removal.removed,
            human::count(removal.records, "record"),
            human::bytes(removal.announced),
            human::bytes(removal.freed),
        );
        if removal.counted != removal.freed {
            let counted = human::bytes(removal.counted);
            let _ = write!(
                text,
                " (the engine counts {counted}, with what images keep)"
            );
        }
        text.push('\n');
    }
    if removal.removed < removal.records {
        text.push_str("the rest is in use, or something that stays is built on it\n");
    }
    if removal.announced_files > 0 {
        let _ = writeln!(
            text,
            "removed from directories: {} announced, {} freed",
            human::bytes(removal.announced_files),
            human::bytes(removal.freed_files),
        );
    }
    text
}

/// That records stay because other images have them too.
pub fn others_have(records: usize) -> String {
    match records {
        0 => String::new(),
        many => format!(
            "kept of the build cache, for images that stay have it too: {}\n",
            human::count(many, "record")
        ),
    }
}

fn item_json(item: &Item) -> Value {
    let record = &item.record;
    json!({
        "kind": kind(record.kind),
        "owner": match item.owner {
            Owner::Project => "project",
            Owner::Shared => "shared",
            Owner::Other => "other",
        },
        "id": record.id,
        "services": item.services,
        "what": item.what,
        "bytes": record.size,
        "frees": item.frees(),
        "in_use": record.in_use,
        "in_image": record.in_image,
        "created": record.created,
        "used": record.used,
        "uses": record.uses,
    })
}

fn place_json(place: &Place) -> Value {
    let (kind, what, kept) = match &place.what {
        Outside::Directory(path, kept) => ("directory", path.display().to_string(), *kept),
        Outside::Elsewhere(what) => ("remote", what.clone(), None),
    };
    json!({
        "kind": kind,
        "services": place.services,
        "what": what,
        "written_here": place.written,
        "at": place.at.as_ref().map(ToString::to_string),
        "bytes": kept.map(|kept| kept.bytes),
        "used": kept.and_then(|kept| kept.written),
    })
}

/// `dcb cache --json`.
pub fn json(project: &Project, ledger: &Ledger, notes: &[String]) -> String {
    let held = |owner| ledger.items.iter().filter(move |item| item.owner == owner);
    let sum = |owner| {
        let sum = Sum::of(held(owner));
        json!({"records": sum.count, "bytes": sum.bytes, "reclaimable": sum.reclaimable})
    };
    let known = ledger
        .items
        .iter()
        .filter(|item| item.owner != Owner::Other);
    line(&json!({
        "schema": SCHEMA,
        "project": project.name,
        "directory": project.directory,
        "records": known.map(item_json).collect::<Vec<_>>(),
        "places": ledger.places.iter().map(place_json).collect::<Vec<_>>(),
        "sums": {
            "project": sum(Owner::Project),
            "shared": sum(Owner::Shared),
            "other": sum(Owner::Other),
        },
        "notes": notes,
    }))
}

/// What is to go, or what went, as JSON.
pub fn removal_json(
    items: &[&Item],
    places: &[&Place],
    remarks: &[String],
    removal: Option<&Removal>,
) -> String {
    line(&json!({
        "schema": SCHEMA,
        "records": items.iter().map(|item| item_json(item)).collect::<Vec<_>>(),
        "places": places.iter().map(|place| place_json(place)).collect::<Vec<_>>(),
        "remarks": remarks,
        "removed": removal.map(|removal| json!({
            "records": removal.removed,
            "announced": removal.announced,
            "freed": removal.freed,
            "engine_counts": removal.counted,
            "announced_files": removal.announced_files,
            "freed_files": removal.freed_files,
        })),
    }))
}

fn line(value: &Value) -> String {
    format!("{value:#}\n")
}
