//! Checks of disks and caches.

use super::{Check, Finding, Fix, Found, Seen, Skip, dockerfile};
use crate::diagnostic::Severity;
use crate::docker::buildkit::Collects;
use crate::docker::survey::{Directory, Leftovers, Usage};
use crate::human;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "DSK-01",
        title: "the engine's disk has room to build",
        worst: Severity::Error,
        early: false,
        about: "The disk of the engine's data, where it is one of this machine: the disk of a virtual machine or of another machine cannot be seen. Below 1 GiB hardly any build ends well, and neither where no more files can be made (`df --inodes`).",
        mend: "`docker system df` (`podman system df`) shows what takes the room. `dcb cache prune` frees what this project has in the build cache; `dcb cache prune --all-projects --mounts --older 7d` what nobody's build has used for a week. Both show it first, and ask. Where no project is: `docker builder prune --filter until=168h`; on Podman, which keeps steps as images: `podman image prune`.",
        find: space,
    },
    Check {
        id: "DSK-02",
        title: "the build cache leaves room for others",
        worst: Severity::Warning,
        early: false,
        about: "More than 20 GiB of build cache, and more than half of what is free besides, where less than 100 GiB are. Engines collect it by rules of their own, which are generous.",
        mend: "`dcb cache prune` for what is this project's; `dcb cache prune --all-projects --mounts --older 7d`, or where no project is `docker builder prune --filter until=168h`, for what nobody's build has used for a week. All of them ask before they remove anything.",
        find: cache,
    },
    Check {
        id: "DSK-03",
        title: "cache mounts are not collected between two builds",
        worst: Severity::Note,
        early: false,
        about: "By its default rules an engine drops cache mounts, contexts and checkouts that nobody used for two days, as soon as together they hold more than a seventh of what the cache may keep. Told where this project has cache mounts and the engine's hold more than that. Engines tell their rules from 28.0 on.",
        mend: "Raise what the engine keeps: `\"builder\": {\"gc\": {\"defaultReservedSpace\": \"100GB\"}}` in daemon.json, then restart the engine.",
        find: mounts,
    },
    Check {
        id: "DSK-04",
        title: "the disk has the room that the engine keeps free",
        worst: Severity::Warning,
        early: false,
        about: "Engines from 28.0 on drop build cache until a fifth of the disk is free, down to what is reserved for it. On a disk that others fill, the cache shrinks with every build.",
        mend: "Make room: `docker system df` shows what takes it. Or have the engine keep less free: `\"builder\": {\"gc\": {\"defaultMinFreeSpace\": \"5GB\"}}` in daemon.json, then restart it.",
        find: trimmed,
    },
    Check {
        id: "DSK-05",
        title: "directories that keep caches are whole",
        worst: Severity::Warning,
        early: false,
        about: "`type=local` in `cache_from` and `cache_to`. A build that was killed may leave an `index.json` that is cut off; then neither is the cache used nor can a new one be kept. `/tmp` is often kept in memory, and a cache there with it.",
        mend: "`dcb doctor --fix --only DSK-05` moves what is damaged aside; the next build makes it anew.",
        find: local_caches,
    },
    Check {
        id: "DSK-06",
        title: "temporary files can be written",
        worst: Severity::Warning,
        early: false,
        about: "dcb writes little by itself: versions of programs that it has asked for, and a compose file that came on standard input. Other programs need more of both directories.",
        mend: "Make room, or point `TMPDIR` and `XDG_CACHE_HOME` at directories that can be written into.",
        find: scratch,
    },
    Check {
        id: "DSK-07",
        title: "builds have left nothing behind",
        worst: Severity::Note,
        early: false,
        about: "An image that is built again loses its name to the new one and stays, and the classic builder leaves the container of a step that failed. Neither harms; both take room.",
        mend: "`docker image prune` asks before it removes images without a name; `docker rm NAME` removes a container.",
        find: leftovers,
    },
];

/// Below this hardly any build ends well.
const HARD: u64 = 1 << 30;
/// Below this some will not.
const SOFT: u64 = 5 << 30;
/// With fewer files than this that can still be made hardly any build ends well.
const FEW_FILES: u64 = 1000;
/// With fewer than this a project with many dependencies will not.
const MANY_FILES: u64 = 50_000;
/// On a disk with more room than this no cache bothers anybody, and it need not be counted.
pub const ROOMY: u64 = 100 << 30;
/// A cache below this bothers nobody.
const CACHE: u64 = 20 << 30;
/// A temporary directory needs this much.
const LITTLE: u64 = 50 << 20;

fn space(seen: &Seen<'_>) -> Found {
    let podman = seen.facts()?.engine.podman;
    let Some(disk) = &seen.machine()?.disk else {
        return Err("the engine's disk is not one of this machine".into());
    };
    let evidence = format!(
        "{} are free at `{}`",
        human::bytes(disk.free),
        disk.path.display()
    );
    let files = disk.files.filter(|files| *files < MANY_FILES);
    let evidence = match files {
        Some(files) => format!(
            "{evidence}, and {} can be made there",
            human::count(usize::try_from(files).unwrap_or_default(), "more file")
        ),
        None => evidence,
    };
    let evidence = match seen.usage {
        Some(usage) if usage.reclaimable > 0 => format!(
            "{evidence}; the build cache has {}, {} of it in cache mounts",
            human::bytes(usage.reclaimable),
            human::bytes(usage.mounts)
        ),
        _ => evidence,
    };
    let finding = if disk.free < HARD || files.is_some_and(|files| files < FEW_FILES) {
        Finding::error(evidence).so("builds end with `no space left on device`")
    } else if disk.free < SOFT || files.is_some() {
        Finding::warning(evidence).so("a large build may end with `no space left on device`")
    } else {
        return Ok(Vec::new());
    };
    if podman {
        return Ok(vec![
            finding.mend("podman system df").mend("podman image prune"),
        ]);
    }
    Ok(vec![freed(seen, finding.mend("docker system df"))])
}

/// `finding` with what makes room in a build cache: what is this project's, then what nobody's build has
/// used for a week.
fn freed(seen: &Seen<'_>, finding: Finding) -> Finding {
    if seen.project().is_ok() {
        finding
            .mend("what is this project's: dcb cache prune")
            .mend("what nobody has used for a week: dcb cache prune --all-projects --mounts --older 7d")
    } else {
        finding.mend("docker builder prune --filter until=168h")
    }
}

fn cache(seen: &Seen<'_>) -> Found {
    seen.facts()?;
    let Some(disk) = &seen.machine()?.disk else {
        return Err("the engine's disk is not one of this machine".into());
    };
    let Some(usage) = seen.usage else {
        return if disk.free >= ROOMY {
            Ok(Vec::new())
        } else {
            Err("the engine does not tell in time what its build cache holds".into())
        };
    };
    if usage.total <= CACHE || usage.total <= disk.free / 2 {
        return Ok(Vec::new());
    }
    let finding = Finding::warning(format!(
        "the build cache holds {}, {} of it in cache mounts, and {} are free besides",
        human::bytes(usage.total),
        human::bytes(usage.mounts),
        human::bytes(disk.free)
    ));
    let finding = finding.so("the engine will drop parts of it, cache mounts first");
    Ok(vec![freed(seen, finding)])
}

/// The rules by which the engine collects its cache, and what that holds.
fn collection<'a>(seen: &Seen<'a>) -> Result<(&'a [Collects], &'a Usage), Skip> {
    seen.facts()?;
    let rules = match seen.collects {
        Some([]) => return Err("the engine does not tell by which rules it collects".into()),
        Some(rules) => rules,
        None => return Err("the engine's BuildKit was not asked".into()),
    };
    let usage = seen.usage;
    let usage = usage.ok_or("the engine does not tell in time what its build cache holds")?;
    Ok((rules, usage))
}

fn mounts(seen: &Seen<'_>) -> Found {
    let mut own = seen
        .chosen()?
        .flat_map(|read| &read.dockerfile.instructions);
    if !own.any(dockerfile::mounts_cache) {
        return Ok(Vec::new());
    }
    let (rules, usage) = collection(seen)?;
    let is_of_mounts = |rule: &&Collects| rule.kinds.iter().any(|kind| kind == "exec.cachemount");
    let Some(rule) = rules.iter().find(is_of_mounts) else {
        return Ok(Vec::new());
    };
    let most = rule.most.max(rule.reserved);
    if usage.mounts <= most {
        return Ok(Vec::new());
    }
    Ok(vec![
        Finding::note(format!(
            "cache mounts hold {}, and the engine drops those beyond {} that nobody used for {} hours",
            human::bytes(usage.mounts),
            human::bytes(most),
            rule.unused.as_secs() / 3600
        ))
        .so("after some days without a build, package managers download everything anew")
        .mend("raise \"builder\": {\"gc\": {\"defaultReservedSpace\": \"100GB\"}} in daemon.json and restart the engine"),
    ])
}

fn trimmed(seen: &Seen<'_>) -> Found {
    let (rules, usage) = collection(seen)?;
    let Some(disk) = &seen.machine()?.disk else {
        return Err("the engine's disk is not one of this machine".into());
    };
    let is_hit = |rule: &&Collects| {
        rule.kinds.is_empty() && rule.free > disk.free && usage.total > rule.reserved
    };
    // Of two rules the one that takes more decides.
    let Some(rule) = rules.iter().filter(is_hit).max_by_key(|rule| rule.free) else {
        return Ok(Vec::new());
    };
    let left = usage.total.saturating_sub(rule.free - disk.free);
    Ok(vec![
        Finding::warning(format!(
            "{} are free at `{}`, and the engine wants {} free",
            human::bytes(disk.free),
            disk.path.display(),
            human::bytes(rule.free)
        ))
        .so(format!(
            "with the next builds it shrinks its build cache from {} to {}, and steps run anew",
            human::bytes(usage.total),
            human::bytes(left.max(rule.reserved))
        ))
        .mend("docker system df")
        .mend("or set \"builder\": {\"gc\": {\"defaultMinFreeSpace\": \"5GB\"}} in daemon.json and restart the engine"),
    ])
}

fn leftovers(seen: &Seen<'_>) -> Found {
    let podman = seen.facts()?.engine.podman;
    let program = if podman { "podman" } else { "docker" };
    let Some(Leftovers { images, containers }) = seen.leftovers else {
        return Err("the engine does not tell in time what it holds".into());
    };
    let images = (*images > 0).then(|| {
        let verb = if *images == 1 { "has" } else { "have" };
        Finding::note(format!("{} {verb} no name any more", human::count(*images, "image")))
            .so("each build that changes something leaves the image before it behind; its layers take room")
            .mend(format!("see them: {program} images --filter dangling=true"))
            .mend(format!("{program} image prune"))
    });
    let containers = (!containers.is_empty()).then(|| {
        let (verb, were) = if containers.len() == 1 {
            ("is left", "was")
        } else {
            ("are left", "were")
        };
        Finding::note(format!(
            "{} {verb} that {were} made from images without a name",
            human::count(containers.len(), "stopped container")
        ))
        .so("failed steps of the classic builder leave such containers, which keep their images")
        .mend(format!("{program} rm {}", containers.join(" ")))
    });
    Ok(images.into_iter().chain(containers).collect())
}

fn local_caches(seen: &Seen<'_>) -> Found {
    seen.project()?;
    let Some(caches) = seen.caches else {
        return Err("directories were not looked at".into());
    };
    let trouble = caches.iter().filter_map(|cache| {
        let path = cache.path.display();
        match (&cache.damage, &cache.unwritable) {
            (Some(why), _) => Some(
                Finding::warning(format!("the cache `{path}` is damaged: {why}"))
                    .so("it is not used, and a new one cannot be kept there")
                    .mend(format!("mv {path} {path}.damaged"))
                    .fixed_by(Fix::MoveAside(cache.path.clone())),
            ),
            (None, Some(why)) => Some(
                Finding::warning(format!("the cache `{path}` cannot be written: {why}"))
                    .so("the cache cannot be kept there")
                    .mend("mend the rights of that directory"),
            ),
            (None, None) if cache.in_memory => Some(
                Finding::note(format!("the cache `{path}` lies in memory"))
                    .so("it takes memory from builds, and is gone with the next start of this machine")
                    .mend("keep it on a disk, such as `dest=.cache/NAME` beside the compose file"),
            ),
            (None, None) => None,
        }
    });
    Ok(trouble.collect())
}

fn scratch(seen: &Seen<'_>) -> Found {
    let Some(scratch) = seen.scratch else {
        return Err("directories were not looked at".into());
    };
    let trouble = |directory: &Directory, variable: &str, consequence: &str| {
        let path = directory.path.display();
        let why = match (&directory.unwritable, directory.free) {
            (Some(why), _) => format!("`{path}` cannot be written into: {why}"),
            (None, Some(free)) if free < LITTLE => {
                format!("{} are free at `{path}`", human::bytes(free))
            }
            _ => return None,
        };
        let mend = format!("make room, or point {variable} at another directory");
        Some(Finding::warning(why).so(consequence).mend(mend))
    };
    let temporary = trouble(
        &scratch.temporary,
        "TMPDIR",
        "what needs a temporary file fails",
    );
    let cache = scratch.cache.as_ref();
    let cache = cache.and_then(|it| {
        trouble(
            it,
            "XDG_CACHE_HOME",
            "dcb asks programs for their versions anew each time",
        )
    });
    Ok(temporary.into_iter().chain(cache).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::detect::Disk;
    use crate::docker::survey::{LocalCache, Scratch};
    use crate::doctor::testing::Case;

    fn with_free(free: u64) -> Case {
        let mut case = Case::default();
        case.engine("28.5.2", (1, 51), false);
        case.machine().disk = Some(Disk {
            path: "/var/lib/docker".into(),
            free,
            total: 1 << 40,
            files: Some(1 << 20),
        });
        case
    }

    #[test]
    fn a_disk_that_is_nearly_full_is_told_with_what_could_be_freed() {
        for (free, severity) in [
            (100 << 20, Some(Severity::Error)),
            (2 << 30, Some(Severity::Warning)),
            (6 << 30, None),
        ] {
            assert_eq!(
                with_free(free)
                    .finds("DSK-01")
                    .first()
                    .map(|it| it.severity),
                severity,
                "{free}"
            );
        }
        for (files, severity) in [(10, Severity::Error), (2000, Severity::Warning)] {
            let mut case = with_free(1 << 40);
            case.machine().disk.as_mut().expect("a disk").files = Some(files);
            let found = case.only("DSK-01");
            assert_eq!(found.severity, severity);
            assert!(
                found
                    .evidence
                    .ends_with(&format!("{files} more files can be made there"))
            );
        }
        let mut case = with_free(1);
        case.usage = Some(Usage {
            total: 4 << 30,
            reclaimable: 3 << 30,
            mounts: 1 << 30,
        });
        let found = case.only("DSK-01");
        let held = "the build cache has 3.0 GiB, 1.0 GiB of it in cache mounts";
        assert!(found.evidence.ends_with(held), "{}", found.evidence);
        let [_, freed] = found.remedy.as_slice() else {
            panic!("{:?}", found.remedy)
        };
        assert_eq!(freed, "docker builder prune --filter until=168h");
        // `dcb cache` needs a project, and an engine that has a build cache.
        case.project("services: { web: { image: busybox } }");
        assert!(case.only("DSK-01").remedy[1].ends_with(": dcb cache prune"));
        case.facts().engine.podman = true;
        let podmans = ["podman system df", "podman image prune"];
        assert_eq!(case.only("DSK-01").remedy, podmans);
        case.machine().disk = None;
        assert!(case.skips("DSK-01").contains("not one of this machine"));
    }

    #[test]
    fn a_large_cache_is_told_when_it_takes_others_room() {
        for (total, free, told) in [
            (10u64 << 30, 1 << 30, false),
            (30 << 30, 90 << 30, false),
            (30 << 30, 40 << 30, true),
        ] {
            let mut case = with_free(free);
            case.usage = Some(Usage {
                total,
                reclaimable: total,
                mounts: 0,
            });
            assert_eq!(!case.finds("DSK-02").is_empty(), told, "{total} {free}");
        }
    }

    fn holding(free: u64, total: u64, mounts: u64) -> Case {
        let mut case = with_free(free);
        case.usage = Some(Usage {
            total,
            reclaimable: total,
            mounts,
        });
        case
    }

    /// The rules of Engine 28.5 on a disk of 250 GiB.
    fn rules() -> Vec<Collects> {
        let short = Collects {
            kinds: vec!["source.local".into(), "exec.cachemount".into()],
            unused: std::time::Duration::from_secs(48 * 3600),
            most: 3 << 30,
            ..Collects::default()
        };
        let all = Collects {
            reserved: 24 << 30,
            most: 188 << 30,
            free: 47 << 30,
            ..Collects::default()
        };
        vec![short, all]
    }

    #[test]
    fn cache_mounts_beyond_what_the_engine_keeps_are_told_to_who_has_some() {
        let mounting = "FROM a\nRUN --mount=type=cache,target=/c x\n";
        for (dockerfile, mounts, told) in [
            (mounting, 2 << 30, false),
            (mounting, 5 << 30, true),
            ("FROM a\n", 5 << 30, false),
        ] {
            let mut case = holding(1 << 40, 9 << 30, mounts);
            case.collects = Some(rules());
            case.project("services: { web: { build: . } }");
            case.dockerfile("web", dockerfile);
            let found = case.finds("DSK-03");
            assert_eq!(!found.is_empty(), told, "{dockerfile} {mounts}");
            case.collects = Some(Vec::new());
            if dockerfile == mounting {
                assert!(case.skips("DSK-03").contains("rules"));
            }
        }
    }

    #[test]
    fn a_cache_that_shrinks_with_every_build_is_told() {
        for (free, total, left) in [
            (60u64 << 30, 40u64 << 30, None),
            (40 << 30, 20 << 30, None),
            (40 << 30, 40 << 30, Some("from 40.0 GiB to 33.0 GiB")),
            (10 << 30, 40 << 30, Some("from 40.0 GiB to 24.0 GiB")),
        ] {
            let mut case = holding(free, total, 0);
            assert!(case.skips("DSK-04").contains("not asked"));
            case.collects = Some(rules());
            let found = case.finds("DSK-04");
            match left {
                Some(words) => assert!(found[0].consequence.contains(words), "{found:?}"),
                None => assert_eq!(found, [], "{free} {total}"),
            }
        }
    }

    #[test]
    fn what_builds_leave_behind_is_noted_with_what_removes_it() {
        let mut case = with_free(1 << 40);
        assert!(case.skips("DSK-07").contains("in time"));
        case.leftovers = Some(Leftovers::default());
        assert!(case.finds("DSK-07").is_empty());
        case.leftovers = Some(Leftovers {
            images: 1,
            containers: vec!["old".into(), "older".into()],
        });
        let found = case.finds("DSK-07");
        assert_eq!(found[0].evidence, "1 image has no name any more");
        assert_eq!(found[1].remedy, ["docker rm old older"]);
        assert_eq!(found[1].severity, Severity::Note);
    }

    #[test]
    fn a_cache_that_is_damaged_or_cannot_be_written_is_told() {
        let cache = |damage: Option<&str>, unwritable: Option<&str>| LocalCache {
            path: "/c".into(),
            damage: damage.map(str::to_owned),
            unwritable: unwritable.map(str::to_owned),
            in_memory: false,
        };
        let mut case = Case::default();
        case.project("services: { web: { build: . } }");
        case.caches = Some(vec![cache(None, None)]);
        assert!(case.finds("DSK-05").is_empty());
        case.caches = Some(vec![cache(Some("cut off"), None)]);
        assert_eq!(case.only("DSK-05").fix, Some(Fix::MoveAside("/c".into())));
        case.caches = Some(vec![cache(None, Some("permission denied"))]);
        assert_eq!(case.only("DSK-05").fix, None);
        case.caches = Some(vec![LocalCache {
            in_memory: true,
            ..cache(None, None)
        }]);
        assert_eq!(case.only("DSK-05").severity, Severity::Note);
    }

    #[test]
    fn directories_must_be_writable_and_have_room() {
        let directory = |unwritable: Option<&str>, free| Directory {
            path: "/tmp".into(),
            unwritable: unwritable.map(str::to_owned),
            free: Some(free),
        };
        for (temporary, told) in [
            (directory(None, 1 << 30), false),
            (directory(None, 1 << 20), true),
            (directory(Some("permission denied"), 1 << 30), true),
        ] {
            let mut case = Case::default();
            case.scratch = Some(Scratch {
                temporary,
                cache: None,
            });
            assert_eq!(!case.finds("DSK-06").is_empty(), told);
        }
    }
}
