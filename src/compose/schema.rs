//! The keys Compose knows and the kinds of values they take.
//!
//! Facts of the compose specification as data, walked by one function. dcb itself acts on few of
//! these keys; it knows them all because a misspelt key anywhere must be an error here as it is in
//! Compose, and with a better hint.

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Span};

use super::tree::{Map, Node, Path, Value};

/// What a value may be.
pub(super) enum Rule {
    /// Anything.
    Any,
    /// A scalar of one of these kinds.
    Scalar(u8),
    /// A list of such items.
    List(&'static Rule),
    /// A list of such items, none twice.
    Unique(&'static Rule),
    /// A mapping from anything to such values.
    Map(&'static Rule),
    /// A mapping from names that containers, networks and the like can bear.
    Named(&'static Rule),
    /// A mapping with known keys, and `x-…`.
    Object(&'static [(&'static str, Rule)], &'static [&'static str]),
    /// A mapping with known keys only.
    Closed(&'static [(&'static str, Rule)], &'static [&'static str]),
    /// The first of these that takes the kind of value at hand.
    Either(&'static [Rule]),
}

use Rule::{Any, Closed, Either, List, Named, Object, Scalar, Unique};

const T: u8 = 1;
const I: u8 = 2;
const N: u8 = 4;
const B: u8 = 8;
const NULL: u8 = 16;

const TEXT: Rule = Scalar(T);
const BOOL: Rule = Scalar(B | T);
const INT: Rule = Scalar(I | T);
const NUM: Rule = Scalar(N | T);
const NOTHING: Rule = Scalar(NULL);
const STRICT_BOOL: Rule = Scalar(B);
const TEXTS: Rule = List(&TEXT);
const SET: Rule = Unique(&TEXT);
const TEXT_OR_SET: Rule = Either(&[TEXT, SET]);
const PAIRS: Rule = Either(&[Rule::Map(&Scalar(T | N | B | NULL)), SET]);
const COMMAND: Rule = Either(&[Scalar(T | NULL), TEXTS]);
const OPTIONS: Rule = Rule::Map(&Scalar(T | N));
const HOSTS: Rule = Either(&[Rule::Map(&Either(&[TEXT, TEXTS])), SET]);
const ULIMITS: Rule = Rule::Map(&Either(&[
    INT,
    Object(&[("soft", INT), ("hard", INT)], &["soft", "hard"]),
]));
const MOUNTED: Rule = List(&Either(&[
    TEXT,
    Object(
        &[
            ("source", TEXT),
            ("target", TEXT),
            ("uid", TEXT),
            ("gid", TEXT),
            ("mode", NUM),
        ],
        &[],
    ),
]));
const HOOK: Rule = Object(
    &[
        ("command", COMMAND),
        ("user", TEXT),
        ("privileged", BOOL),
        ("working_dir", TEXT),
        ("environment", PAIRS),
        ("image", TEXT),
    ],
    &["command"],
);
const EXTERNAL: Rule = Either(&[BOOL, Object(&[("name", TEXT)], &[])]);

const BUILD: Rule = Either(&[
    TEXT,
    Object(
        &[
            ("context", TEXT),
            ("dockerfile", TEXT),
            ("dockerfile_inline", TEXT),
            ("entitlements", TEXTS),
            ("args", PAIRS),
            ("ssh", PAIRS),
            ("labels", PAIRS),
            ("cache_from", TEXTS),
            ("cache_to", TEXTS),
            ("no_cache", BOOL),
            ("no_cache_filter", TEXT_OR_SET),
            ("additional_contexts", PAIRS),
            ("network", TEXT),
            ("provenance", BOOL),
            ("sbom", BOOL),
            ("pull", BOOL),
            ("target", TEXT),
            ("shm_size", INT),
            ("extra_hosts", HOSTS),
            ("isolation", TEXT),
            ("privileged", BOOL),
            ("secrets", MOUNTED),
            ("tags", TEXTS),
            ("ulimits", ULIMITS),
            ("platforms", TEXTS),
        ],
        &[],
    ),
]);

const DEPENDS_ON: Rule = Either(&[
    SET,
    Named(&Object(
        &[
            ("restart", BOOL),
            ("required", STRICT_BOOL),
            ("condition", TEXT),
        ],
        &["condition"],
    )),
]);

const HEALTHCHECK: Rule = Object(
    &[
        ("disable", BOOL),
        ("interval", TEXT),
        ("retries", NUM),
        ("test", Either(&[TEXT, TEXTS])),
        ("timeout", TEXT),
        ("start_period", TEXT),
        ("start_interval", TEXT),
    ],
    &[],
);

const DEVELOP: Rule = Either(&[
    NOTHING,
    Object(
        &[(
            "watch",
            List(&Object(
                &[
                    ("ignore", TEXT_OR_SET),
                    ("include", TEXT_OR_SET),
                    ("path", TEXT),
                    ("action", TEXT),
                    ("target", TEXT),
                    ("exec", HOOK),
                    ("initial_sync", STRICT_BOOL),
                ],
                &["path", "action"],
            )),
        )],
        &[],
    ),
]);

const ROLLOUT: Rule = Object(
    &[
        ("parallelism", INT),
        ("delay", TEXT),
        ("failure_action", TEXT),
        ("monitor", TEXT),
        ("max_failure_ratio", NUM),
        ("order", TEXT),
    ],
    &[],
);

const GPU: Rule = Object(
    &[
        ("capabilities", SET),
        ("count", INT),
        ("device_ids", SET),
        ("driver", TEXT),
        ("options", PAIRS),
    ],
    &[],
);

const RESOURCES: Rule = Object(
    &[
        (
            "limits",
            Object(&[("cpus", NUM), ("memory", TEXT), ("pids", INT)], &[]),
        ),
        (
            "reservations",
            Object(
                &[
                    ("cpus", NUM),
                    ("memory", TEXT),
                    (
                        "generic_resources",
                        List(&Object(
                            &[(
                                "discrete_resource_spec",
                                Object(&[("kind", TEXT), ("value", NUM)], &[]),
                            )],
                            &[],
                        )),
                    ),
                    ("devices", List(&GPU)),
                ],
                &[],
            ),
        ),
    ],
    &[],
);

const DEPLOY: Rule = Either(&[
    NOTHING,
    Object(
        &[
            ("mode", TEXT),
            ("endpoint_mode", TEXT),
            ("replicas", INT),
            ("labels", PAIRS),
            ("rollback_config", ROLLOUT),
            ("update_config", ROLLOUT),
            ("resources", RESOURCES),
            (
                "restart_policy",
                Object(
                    &[
                        ("condition", TEXT),
                        ("delay", TEXT),
                        ("max_attempts", INT),
                        ("window", TEXT),
                    ],
                    &[],
                ),
            ),
            (
                "placement",
                Object(
                    &[
                        ("constraints", TEXTS),
                        ("preferences", List(&Object(&[("spread", TEXT)], &[]))),
                        ("max_replicas_per_node", INT),
                    ],
                    &[],
                ),
            ),
        ],
        &[],
    ),
]);

const VOLUME_MOUNT: Rule = Object(
    &[
        ("type", TEXT),
        ("source", TEXT),
        ("target", TEXT),
        ("read_only", BOOL),
        ("consistency", TEXT),
        (
            "bind",
            Object(
                &[
                    ("propagation", TEXT),
                    ("create_host_path", BOOL),
                    ("recursive", TEXT),
                    ("selinux", TEXT),
                ],
                &[],
            ),
        ),
        (
            "volume",
            Object(
                &[("labels", PAIRS), ("nocopy", BOOL), ("subpath", TEXT)],
                &[],
            ),
        ),
        ("tmpfs", Object(&[("size", INT), ("mode", NUM)], &[])),
        ("image", Object(&[("subpath", TEXT)], &[])),
    ],
    &["type"],
);

const SERVICE_NETWORKS: Rule = Either(&[
    SET,
    Named(&Either(&[
        NOTHING,
        Object(
            &[
                ("aliases", SET),
                ("interface_name", TEXT),
                ("ipv4_address", TEXT),
                ("ipv6_address", TEXT),
                ("link_local_ips", SET),
                ("mac_address", TEXT),
                ("driver_opts", OPTIONS),
                ("priority", Scalar(N)),
                ("gw_priority", Scalar(N)),
            ],
            &[],
        ),
    ])),
]);

const PORTS: Rule = List(&Either(&[
    NUM,
    Object(
        &[
            ("name", TEXT),
            ("mode", TEXT),
            ("host_ip", TEXT),
            ("target", INT),
            ("published", INT),
            ("protocol", TEXT),
            ("app_protocol", TEXT),
        ],
        &[],
    ),
]));

const BLKIO_LIMITS: Rule = List(&Closed(&[("path", TEXT), ("rate", INT)], &[]));

const ENV_FILE: Rule = Either(&[
    TEXT,
    List(&Either(&[
        TEXT,
        Closed(
            &[("path", TEXT), ("format", TEXT), ("required", BOOL)],
            &["path"],
        ),
    ])),
]);

const SERVICE: Rule = Object(
    &[
        ("annotations", PAIRS),
        ("attach", BOOL),
        (
            "blkio_config",
            Closed(
                &[
                    ("device_read_bps", BLKIO_LIMITS),
                    ("device_read_iops", BLKIO_LIMITS),
                    ("device_write_bps", BLKIO_LIMITS),
                    ("device_write_iops", BLKIO_LIMITS),
                    ("weight", INT),
                    (
                        "weight_device",
                        List(&Closed(&[("path", TEXT), ("weight", INT)], &[])),
                    ),
                ],
                &[],
            ),
        ),
        ("build", BUILD),
        ("cap_add", SET),
        ("cap_drop", SET),
        ("cgroup", TEXT),
        ("cgroup_parent", TEXT),
        ("command", COMMAND),
        ("configs", MOUNTED),
        ("container_name", TEXT),
        ("cpu_count", INT),
        ("cpu_percent", INT),
        ("cpu_period", NUM),
        ("cpu_quota", NUM),
        ("cpu_rt_period", NUM),
        ("cpu_rt_runtime", NUM),
        ("cpu_shares", NUM),
        ("cpus", NUM),
        ("cpuset", TEXT),
        (
            "credential_spec",
            Object(&[("config", TEXT), ("file", TEXT), ("registry", TEXT)], &[]),
        ),
        ("depends_on", DEPENDS_ON),
        ("deploy", DEPLOY),
        ("develop", DEVELOP),
        ("device_cgroup_rules", SET),
        (
            "devices",
            List(&Either(&[
                TEXT,
                Object(
                    &[("source", TEXT), ("target", TEXT), ("permissions", TEXT)],
                    &["source"],
                ),
            ])),
        ),
        ("dns", TEXT_OR_SET),
        ("dns_opt", SET),
        ("dns_search", TEXT_OR_SET),
        ("domainname", TEXT),
        ("entrypoint", COMMAND),
        ("env_file", ENV_FILE),
        ("environment", PAIRS),
        ("expose", Unique(&NUM)),
        (
            "extends",
            Either(&[
                TEXT,
                Closed(&[("service", TEXT), ("file", TEXT)], &["service"]),
            ]),
        ),
        ("external_links", SET),
        ("extra_hosts", HOSTS),
        ("gpus", Either(&[TEXT, List(&GPU)])),
        ("group_add", Unique(&NUM)),
        ("healthcheck", HEALTHCHECK),
        ("hostname", TEXT),
        ("image", TEXT),
        ("init", BOOL),
        ("ipc", TEXT),
        ("isolation", TEXT),
        ("label_file", Either(&[TEXT, TEXTS])),
        ("labels", PAIRS),
        ("links", SET),
        (
            "logging",
            Object(
                &[
                    ("driver", TEXT),
                    ("options", Rule::Map(&Scalar(T | N | NULL))),
                ],
                &[],
            ),
        ),
        ("mac_address", TEXT),
        ("mem_limit", NUM),
        ("mem_reservation", INT),
        ("mem_swappiness", INT),
        ("memswap_limit", NUM),
        (
            "models",
            Either(&[
                SET,
                Rule::Map(&Either(&[
                    NOTHING,
                    Object(&[("endpoint_var", TEXT), ("model_var", TEXT)], &[]),
                ])),
            ]),
        ),
        ("network_mode", TEXT),
        ("networks", SERVICE_NETWORKS),
        ("oom_kill_disable", BOOL),
        ("oom_score_adj", INT),
        ("pid", Scalar(T | NULL)),
        ("pids_limit", NUM),
        ("platform", TEXT),
        ("ports", PORTS),
        ("post_start", List(&HOOK)),
        ("pre_start", List(&HOOK)),
        ("pre_stop", List(&HOOK)),
        ("privileged", BOOL),
        ("profiles", SET),
        (
            "provider",
            Object(&[("type", TEXT), ("options", Rule::Map(&Any))], &["type"]),
        ),
        ("pull_policy", TEXT),
        ("pull_refresh_after", TEXT),
        ("read_only", BOOL),
        ("restart", TEXT),
        ("runtime", TEXT),
        ("scale", INT),
        ("secrets", MOUNTED),
        ("security_opt", SET),
        ("shm_size", NUM),
        ("stdin_open", BOOL),
        ("stop_grace_period", TEXT),
        ("stop_signal", TEXT),
        ("storage_opt", Rule::Map(&Any)),
        ("sysctls", PAIRS),
        ("tmpfs", TEXT_OR_SET),
        ("tty", BOOL),
        ("ulimits", ULIMITS),
        ("use_api_socket", STRICT_BOOL),
        ("user", TEXT),
        ("userns_mode", TEXT),
        ("uts", TEXT),
        ("volumes", Unique(&Either(&[TEXT, VOLUME_MOUNT]))),
        ("volumes_from", SET),
        ("working_dir", TEXT),
    ],
    &[],
);

const NETWORK: Rule = Either(&[
    NOTHING,
    Object(
        &[
            ("name", TEXT),
            ("driver", TEXT),
            ("driver_opts", OPTIONS),
            (
                "ipam",
                Object(
                    &[
                        ("driver", TEXT),
                        (
                            "config",
                            List(&Object(
                                &[
                                    ("subnet", TEXT),
                                    ("ip_range", TEXT),
                                    ("gateway", TEXT),
                                    ("aux_addresses", Rule::Map(&TEXT)),
                                ],
                                &[],
                            )),
                        ),
                        ("options", Rule::Map(&TEXT)),
                    ],
                    &[],
                ),
            ),
            ("external", EXTERNAL),
            ("internal", BOOL),
            ("enable_ipv4", BOOL),
            ("enable_ipv6", BOOL),
            ("attachable", BOOL),
            ("labels", PAIRS),
        ],
        &[],
    ),
]);

const VOLUME: Rule = Either(&[
    NOTHING,
    Object(
        &[
            ("name", TEXT),
            ("driver", TEXT),
            ("driver_opts", OPTIONS),
            ("external", EXTERNAL),
            ("labels", PAIRS),
        ],
        &[],
    ),
]);

const SECRET: Rule = Object(
    &[
        ("name", TEXT),
        ("environment", TEXT),
        ("file", TEXT),
        ("external", EXTERNAL),
        ("labels", PAIRS),
        ("driver", TEXT),
        ("driver_opts", OPTIONS),
        ("template_driver", TEXT),
    ],
    &[],
);

const CONFIG: Rule = Object(
    &[
        ("name", TEXT),
        ("content", TEXT),
        ("environment", TEXT),
        ("file", TEXT),
        ("external", EXTERNAL),
        ("labels", PAIRS),
        ("template_driver", TEXT),
    ],
    &[],
);

const MODEL: Rule = Object(
    &[
        ("name", TEXT),
        ("model", TEXT),
        ("context_size", Scalar(I)),
        ("runtime_flags", TEXTS),
    ],
    &["model"],
);

const INCLUDE: Rule = List(&Either(&[
    TEXT,
    Closed(
        &[
            ("path", TEXT_OR_SET),
            ("env_file", TEXT_OR_SET),
            ("project_directory", TEXT),
        ],
        &[],
    ),
]));

const PROJECT: Rule = Object(
    &[
        ("version", TEXT),
        ("name", TEXT),
        ("include", INCLUDE),
        ("services", Named(&SERVICE)),
        ("models", Rule::Map(&MODEL)),
        ("networks", Rule::Map(&NETWORK)),
        ("volumes", Named(&VOLUME)),
        ("secrets", Named(&SECRET)),
        ("configs", Named(&CONFIG)),
    ],
    &[],
);

/// Every place where `project` is not what Compose takes.
pub(super) fn check(project: &Node) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    walk(project, &PROJECT, &Path::ROOT, &mut errors);
    errors
}

/// The same for `include:` alone, which is acted upon before the rest is looked at.
pub(super) fn check_include(include: &Node) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    walk(include, &INCLUDE, &Path::ROOT.join("include"), &mut errors);
    errors
}

fn walk(node: &Node, rule: &Rule, path: &Path<'_>, errors: &mut Vec<Diagnostic>) {
    if !rule.takes(node) {
        errors.push(wrong_kind(node, rule, path));
        return;
    }
    match (rule, &node.value) {
        (Either(rules), _) => {
            if let Some(rule) = rules.iter().find(|rule| rule.takes(node)) {
                walk(node, rule, path, errors);
            }
        }
        (List(item) | Unique(item), Value::List(items)) => {
            for (index, child) in items.iter().enumerate() {
                walk(child, item, &path.join(&index.to_string()), errors);
            }
            if matches!(rule, Unique(_)) {
                check_unique(items, path, errors);
            }
        }
        (Rule::Map(value), Value::Map(map)) => {
            for (key, entry) in map {
                walk(&entry.node, value, &path.join(key), errors);
            }
        }
        (Named(value), Value::Map(map)) => {
            for (key, entry) in map {
                check_name(key, entry, path, errors);
                walk(&entry.node, value, &path.join(key), errors);
            }
        }
        (Object(known, required) | Closed(known, required), Value::Map(map)) => {
            let extensible = matches!(rule, Object(..));
            walk_object(map, known, extensible, path, errors);
            let missing = required.iter().filter(|key| !map.contains_key(**key));
            errors.extend(missing.map(|key| {
                Diagnostic::error(format!("{path} needs `{key}`"))
                    .at(node.span.clone(), format!("`{key}` is missing"))
            }));
        }
        _ => {}
    }
}

fn walk_object(
    map: &Map,
    known: &'static [(&'static str, Rule)],
    extensible: bool,
    path: &Path<'_>,
    errors: &mut Vec<Diagnostic>,
) {
    for (key, entry) in map {
        if extensible && key.starts_with("x-") {
            continue;
        }
        let path = path.join(key);
        match known.iter().find(|(name, _)| name == key) {
            Some((_, rule)) => walk(&entry.node, rule, &path, errors),
            None => {
                let error = Diagnostic::error(format!("unknown key `{path}`"));
                let near = nearest(key, known.iter().map(|(name, _)| *name));
                let error = match near {
                    Some(near) => error.at(entry.at.clone(), format!("did you mean `{near}`?")),
                    None => error.at(entry.at.clone(), "compose does not know this key"),
                };
                errors.push(if extensible {
                    error.help(format!("keys of your own begin with `x-`: `x-{key}`"))
                } else {
                    error
                });
            }
        }
    }
}

fn check_name(
    key: &str,
    entry: &super::tree::Entry,
    path: &Path<'_>,
    errors: &mut Vec<Diagnostic>,
) {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if key.is_empty() || !key.chars().all(fits) {
        errors.push(
            Diagnostic::error(format!("invalid name `{key}` in {path}"))
                .at(entry.at.clone(), "letters, digits, `.`, `_` and `-` only"),
        );
    }
}

fn check_unique(items: &[Node], path: &Path<'_>, errors: &mut Vec<Diagnostic>) {
    let mut seen = HashMap::new();
    for item in items {
        let Some(text) = item.scalar_text() else {
            continue;
        };
        if let Some(first) = seen.get(&text) {
            let first: &Span = first;
            errors.push(
                Diagnostic::error(format!("{path} names `{text}` twice"))
                    .at(item.span.clone(), "again")
                    .see(first.clone(), "first here"),
            );
        } else {
            seen.insert(text, item.span.clone());
        }
    }
}

fn wrong_kind(node: &Node, rule: &Rule, path: &Path<'_>) -> Diagnostic {
    let mut wanted = Vec::new();
    rule.describe(&mut wanted);
    wanted.dedup();
    let list = match wanted.as_slice() {
        [] => "something else".to_owned(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    };
    let label = match node.value {
        Value::Null => "empty".to_owned(),
        _ => format!("this is {}", node.kind()),
    };
    let place = match path.to_string() {
        root if root.is_empty() => "top-level object".to_owned(),
        path => path,
    };
    Diagnostic::error(format!("{place} must be {list}")).at(node.span.clone(), label)
}

impl Rule {
    /// Whether this is the rule for a value of that kind, whatever is inside of it.
    fn takes(&self, node: &Node) -> bool {
        let kinds = match &node.value {
            Value::Null => NULL,
            Value::Bool(_) => B,
            Value::Int(_) => I | N,
            Value::Float(number) if number.fract() == 0.0 => I | N,
            Value::Float(_) => N,
            Value::Text(_) => T,
            Value::List(_) => return self.takes_list(),
            Value::Map(_) => return self.takes_map(),
        };
        match self {
            Any => true,
            Scalar(taken) => taken & kinds != 0,
            Either(rules) => rules.iter().any(|rule| rule.takes(node)),
            _ => false,
        }
    }

    fn takes_list(&self) -> bool {
        match self {
            Any | List(_) | Unique(_) => true,
            Either(rules) => rules.iter().any(Rule::takes_list),
            _ => false,
        }
    }

    fn takes_map(&self) -> bool {
        match self {
            Any | Rule::Map(_) | Named(_) | Object(..) | Closed(..) => true,
            Either(rules) => rules.iter().any(Rule::takes_map),
            _ => false,
        }
    }

    /// What it takes, in words.
    fn describe(&self, words: &mut Vec<&'static str>) {
        match self {
            Any => words.push("anything"),
            Scalar(kinds) => {
                let names = [
                    (T, "a string"),
                    (I, "a whole number"),
                    (N, "a number"),
                    (B, "a boolean"),
                    (NULL, "empty"),
                ];
                let taken = names.iter().filter(|(kind, _)| kinds & kind != 0);
                words.extend(taken.map(|(_, name)| *name));
            }
            List(_) | Unique(_) => words.push("a list"),
            Rule::Map(_) | Named(_) | Object(..) | Closed(..) => words.push("a mapping"),
            Either(rules) => rules.iter().for_each(|rule| rule.describe(words)),
        }
    }
}

/// The candidate that `word` is most likely a misspelling of, if any is near enough.
pub(super) fn nearest<'c>(
    word: &str,
    candidates: impl Iterator<Item = &'c str>,
) -> Option<&'c str> {
    let allowed = (word.chars().count() / 3).max(1);
    candidates
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters have to be inserted, removed, changed or swapped with their neighbour.
fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one
        .chars()
        .map(|c| if c == '-' { '_' } else { c })
        .collect();
    let other: Vec<char> = other
        .chars()
        .map(|c| if c == '-' { '_' } else { c })
        .collect();
    if one.len().abs_diff(other.len()) > 4 {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for i in 1..=one.len() {
        let mut next = vec![i];
        for j in 1..=other.len() {
            let same = usize::from(one[i - 1] != other[j - 1]);
            let mut best = (row[j - 1] + same).min(row[j] + 1).min(next[j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_finds_its_neighbour() {
        for (written, meant) in [
            ("dokerfile", Some("dockerfile")),
            ("additional-contexts", Some("additional_contexts")),
            ("imgae", Some("image")),
            ("zzz", None),
        ] {
            let known = ["dockerfile", "additional_contexts", "image", "init"];
            assert_eq!(nearest(written, known.into_iter()), meant, "{written}");
        }
    }
}
