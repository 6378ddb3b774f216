//! Where dcb means to differ from Compose, and why.

use super::compare::{BothSay, Difference, Kind};
use super::view::Unlike;

/// A difference that is meant.
pub struct Intended {
    /// Its name, for counts.
    pub name: &'static str,
    /// Why dcb is right to differ.
    pub reason: &'static str,
    fits: fn(&Difference) -> bool,
}

/// The intended difference that this one is.
pub fn intended(difference: &Difference) -> Option<&'static Intended> {
    let Kind::Unnamed(BothSay { ours, theirs }, _) = &difference.kind else {
        return INTENDED.iter().find(|intended| (intended.fits)(difference));
    };
    // Each complains of something else when one of them complains of what the other takes.
    let alone = [
        Kind::TheyRefuse(theirs.clone()),
        Kind::WeRefuse(ours.clone()),
    ];
    alone.into_iter().find_map(|kind| {
        let alone = Difference {
            kind,
            ..difference.clone()
        };
        intended(&alone)
    })
}

/// All of them.
pub const INTENDED: &[Intended] = &[
    Intended {
        name: "arguments and ssh keys that begin with x-",
        reason: "Compose takes them for extensions and loses them; dcb passes them on and warns",
        fits: |found| {
            value(found, |at| {
                let key = at.place.rsplit('.').next().unwrap_or_default();
                let ssh = at.place == "bake.ssh" && at.theirs.to_string().contains("#extensions");
                key == "#extensions" || key.starts_with("x-") || ssh
            })
        },
    },
    Intended {
        name: "a default that is not used",
        reason: "2.40 evaluates it, v5 does not: `:?` inside of one is no error",
        fits: |found| {
            they_say(found, &["error while interpolating", "is missing a value"])
                || (they_say(found, &["invalid interpolation format"])
                    || they_say(found, &["Invalid template"]))
                    && is_operand(found)
        },
    },
    Intended {
        name: "included services",
        reason: "v5 lets them be extended and overridden by the file that includes them; 2.40 cannot",
        fits: |found| {
            they_say(found, &["conflicts with imported resource"])
                || (they_say(found, &["cannot extend service", "not found"])
                    && found.text.contains("include"))
        },
    },
    Intended {
        name: "dates",
        reason: "2.40 cannot read an unquoted date; 2.26 and v5 can",
        fits: |found| they_say(found, &["invalid jsonType time.Time"]),
    },
    Intended {
        name: "no_cache_filter",
        reason: "a key of v5",
        fits: |found| they_say(found, &["no_cache_filter", " allowed"]),
    },
    Intended {
        name: "images in a circle",
        reason: "Compose leaves it to bake, which fails later and says less",
        fits: |found| we_say(found, &["builds need each other's images"]),
    },
    Intended {
        name: "the Dockerfile in a remote context",
        reason: "2.40 takes addresses it does not know for directories; v5 does not",
        fits: |found| {
            value(found, |at| {
                at.place == "bake.dockerfile" && text(&at.theirs).contains(":/")
            })
        },
    },
    Intended {
        name: "an argument reset where the others are a list",
        reason: "Compose overlooks it without a word",
        fits: |found| is_folder(found, "reset-args-in-list-form"),
    },
    Intended {
        name: "!reset below !override",
        reason: "2.40 takes what is left for null there, which v5 refuses; dcb says so, as v5 does",
        fits: |found| {
            we_say(found, &[" must be "])
                && found.text.contains("reset")
                && found.text.contains("override")
        },
    },
    Intended {
        name: "an empty additional context",
        reason: "Compose passes the empty path on; BuildKit's client takes the current directory",
        fits: |found| {
            value(found, |at| {
                at.place.contains("contexts.") && text(&at.theirs).is_empty()
            })
        },
    },
    Intended {
        name: "a host without an address",
        reason: "Compose passes an empty one on, which no builder takes; dcb passes none",
        fits: |found| {
            value(found, |at| {
                at.place.starts_with("bake.extra-hosts.") && at.ours.is_null() && at.theirs == ""
            })
        },
    },
    Intended {
        name: "an unlimited ulimit",
        reason: "2.40 loses a single -1 on the way to the builder",
        fits: |found| {
            value(found, |at| {
                at.place == "bake.ulimits" && at.ours.to_string().contains("=-1:-1")
            })
        },
    },
    Intended {
        name: "a size written as a float",
        reason: "2.40 takes `1e3` and loses it",
        fits: |found| {
            value(found, |at| {
                at.place.ends_with("shm_size") || at.place.ends_with("shm-size")
            }) && found.text.contains("shm_size: 1e3")
        },
    },
    Intended {
        name: "a build that is a list",
        reason: "Compose overlooks it in an override",
        fits: |found| {
            matches!(&found.kind, Kind::WeRefuse(complaint)
                if complaint.contains("cannot override services.") && complaint.rsplit('.').next() == Some("build"))
        },
    },
    Intended {
        name: "attestations of a wrong kind in an extended file",
        reason: "Compose makes text of them before it looks: `map[a:1]`",
        fits: |found| {
            we_say(found, &["must be a string or a boolean"])
                && (we_say(found, &["build.provenance"]) || we_say(found, &["build.sbom"]))
        },
    },
    Intended {
        name: "wrong kinds in an extended file",
        reason: "dcb looks at what is left after merging, where a service that extends may replace them",
        fits: |found| {
            they_say(found, &["invalid type", " for "])
                || they_say(found, &["unexpected type"])
                || they_say(found, &["invalid value", "expected key=value"])
                    && found.text.contains("extends")
        },
    },
    Intended {
        name: "wrong kinds where pairs are merged",
        reason: "Compose makes text of them (`A=[1]`) or drops them before it looks",
        fits: |found| {
            let pairs = [
                ".args",
                ".labels",
                ".environment",
                ".additional_contexts",
                ".extra_hosts",
            ];
            pairs
                .iter()
                .any(|place| we_say(found, &[place, " must be "]))
        },
    },
    Intended {
        name: "a negative size",
        reason: "Compose passes `-1` on, which no builder takes",
        fits: |found| we_say(found, &["shm_size is no size: `-"]),
    },
    Intended {
        name: "a mode of a secret that is none",
        reason: "no build looks at modes",
        fits: |found| they_say(found, &["decoding failed", "mode'"]),
    },
    Intended {
        name: "an empty path of a secret",
        reason: "Compose takes the project's directory for it",
        fits: |found| {
            we_say(found, &["secrets.", "has no source"]) && found.text.contains("file: \"\"")
        },
    },
    Intended {
        name: "an empty path of an ssh key in an extended file",
        reason: "Compose takes the directory of that file for it",
        fits: |found| {
            value(found, |at| at.place == "bake.ssh") && found.text.contains("default: \"\"")
        },
    },
    Intended {
        name: "wrong values of services that take no part",
        reason: "Compose decodes them; dcb leaves them alone as other checks do",
        fits: |found| they_say(found, &["decoding failed"]) && found.text.contains("profiles"),
    },
    Intended {
        name: "a panic",
        reason: "Compose dies of it; dcb does not",
        fits: |found| they_say(found, &["exit 2: panic:"]),
    },
    Intended {
        name: "minus zero",
        reason: "`-0` is 0 for 2.40 and -0 for v5",
        fits: |found| {
            value(found, |at| {
                text(&at.ours) == "-0" && text(&at.theirs) == "0"
            })
        },
    },
    Intended {
        name: "2.26: attestations",
        reason: "it does not know `provenance` and `sbom`",
        fits: |found| {
            found.version < (2, 40)
                && (they_say(found, &["Additional property provenance"])
                    || they_say(found, &["Additional property sbom"]))
        },
    },
    Intended {
        name: "2.26: paths of ssh keys",
        reason: "it cannot write them as JSON, and has no `build --print`",
        fits: |found| {
            found.version < (2, 40) && they_say(found, &["MarshalJSON for type types.SSHKey"])
        },
    },
    Intended {
        name: "2.26: sizes and policies",
        reason: "its Docker reads fewer spellings of sizes, and it knows no `every_12h`",
        fits: |found| {
            found.version < (2, 40)
                && (they_say(found, &["invalid size"])
                    || they_say(found, &["pull_policy must be one of"]))
        },
    },
    Intended {
        name: "2.26: empty lists and mappings",
        reason: "merging makes nothing of them, which it then refuses",
        fits: |found| {
            found.version < (2, 40)
                && (found.text.contains("[]") || found.text.contains("{}"))
                && (they_say(found, &["validating ", ".build.", " must be a list"])
                    || they_say(found, &["validating ", ".build.", " must be a mapping"]))
        },
    },
    Intended {
        name: "2.26: sections of one's own",
        reason: "it replaces them where later ones merge them",
        fits: |found| found.version < (2, 40) && we_say(found, &["cannot override ", ".x-"]),
    },
    Intended {
        name: "2.26: infinite numbers",
        reason: "it cannot write them where it looks at the whole",
        fits: |found| found.version < (2, 40) && they_say(found, &["unsupported value: +Inf"]),
    },
    Intended {
        name: "2.26: patterns of services",
        reason: "it takes names only",
        fits: |found| {
            found.version < (2, 40)
                && they_say(found, &["no such service: "])
                && is_folder(found, "services-glob")
        },
    },
    Intended {
        name: "2.26: names of containers",
        reason: "it looks at them when it starts them",
        fits: |found| found.version < (2, 40) && we_say(found, &["container"]),
    },
    Intended {
        name: "2.26: .env files",
        reason: "it reads one less, cannot be told inside of one to read none, lets later files see \
                 the first value of a variable only, and dies of a name that ends the file",
        fits: |found| {
            let mut folders = [
                "parent-directory",
                "env-file-disabled-inside",
                "env-files-order",
                "dotenv-last-line-bare",
            ]
            .into_iter();
            found.version < (2, 40) && folders.any(|folder| is_folder(found, folder))
        },
    },
];

fn value(found: &Difference, fits: impl Fn(&Unlike) -> bool) -> bool {
    matches!(&found.kind, Kind::Value(unlike) if fits(unlike))
}

/// Whether what Compose could not interpolate, the last line of its complaint, is a default.
fn is_operand(found: &Difference) -> bool {
    let Kind::TheyRefuse(complaint) = &found.kind else {
        return false;
    };
    let last = complaint.lines().last().unwrap_or_default();
    let template = match last.split_once("Invalid template: ") {
        Some((_, quoted)) => quoted.trim_matches('"'),
        None => last,
    };
    ["-", "+", "?"]
        .iter()
        .any(|operator| found.text.contains(&format!("{operator}{template}")))
}

/// Whether the golden folder of this name shows the difference.
fn is_folder(found: &Difference, name: &str) -> bool {
    found.text.lines().next() == Some(name)
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn they_say(found: &Difference, parts: &[&str]) -> bool {
    matches!(&found.kind, Kind::TheyRefuse(complaint) if parts.iter().all(|part| complaint.contains(part)))
}

fn we_say(found: &Difference, parts: &[&str]) -> bool {
    matches!(&found.kind, Kind::WeRefuse(complaint) if parts.iter().all(|part| complaint.contains(part)))
}
