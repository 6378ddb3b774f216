//! The keys Compose knows and the kinds of values they take: facts of the compose specification as
//! data, in its order.
//!
//! dcb itself acts on few of them; it knows them all so that no typing mistake goes unseen.

use super::Rule::{self, Any, Closed, Either, Like, List, Named, Object, OneOf, Scalar, Unique};
use super::{B, I, N, NULL, T};

use super::resources::{CONFIG, INCLUDE, MODEL, NETWORK, SECRET, VOLUME};
use crate::compose::resolved::words;

pub(super) const TEXT: Rule = Scalar(T);
pub(super) const BOOL: Rule = Scalar(B | T);
const INT: Rule = Scalar(I | T);
const NUM: Rule = Scalar(N | T);
pub(super) const NOTHING: Rule = Scalar(NULL);
const STRICT_BOOL: Rule = Scalar(B);
const DURATION: Rule = Like(is_duration, "a length of time such as `1m30s`");
const ORDER: Rule = OneOf(&["start-first", "stop-first"]);
const PULL_POLICY: Rule = Like(
    is_pull_policy,
    "`always`, `missing`, `never`, `build`, `daily`, `weekly` or `every_…`",
);
const CONTAINER: Rule = Like(
    is_container,
    "at least two letters, digits, `_`, `.` and `-`",
);
pub(super) const TEXTS: Rule = List(&TEXT);
const SET: Rule = Unique(&TEXT);
pub(super) const TEXT_OR_SET: Rule = Either(&[TEXT, SET]);
pub(super) const PAIRS: Rule = Either(&[Rule::Map(&Scalar(T | N | B | NULL)), SET]);
const COMMAND: Rule = Either(&[Scalar(T | NULL), TEXTS]);
pub(super) const OPTIONS: Rule = Rule::Map(&Scalar(T | N));
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
pub(super) const EXTERNAL: Rule = Either(&[BOOL, Object(&[("name", TEXT)], &[])]);

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
            (
                "condition",
                OneOf(&[
                    "service_started",
                    "service_healthy",
                    "service_completed_successfully",
                ]),
            ),
        ],
        &["condition"],
    )),
]);

const HEALTHCHECK: Rule = Object(
    &[
        ("disable", BOOL),
        ("interval", DURATION),
        ("retries", NUM),
        ("test", Either(&[TEXT, TEXTS])),
        ("timeout", DURATION),
        ("start_period", DURATION),
        ("start_interval", DURATION),
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
                    (
                        "action",
                        OneOf(&["rebuild", "sync", "restart", "sync+restart", "sync+exec"]),
                    ),
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
        ("delay", DURATION),
        ("failure_action", TEXT),
        ("monitor", DURATION),
        ("max_failure_ratio", NUM),
        ("order", ORDER),
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
                        ("delay", DURATION),
                        ("max_attempts", INT),
                        ("window", DURATION),
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
        (
            "type",
            OneOf(&["bind", "volume", "tmpfs", "cluster", "npipe", "image"]),
        ),
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
                    (
                        "recursive",
                        OneOf(&["enabled", "disabled", "writable", "readonly"]),
                    ),
                    ("selinux", OneOf(&["z", "Z"])),
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
        ("cgroup", OneOf(&["host", "private"])),
        ("cgroup_parent", TEXT),
        ("command", COMMAND),
        ("configs", MOUNTED),
        ("container_name", CONTAINER),
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
        ("pull_policy", PULL_POLICY),
        ("pull_refresh_after", TEXT),
        ("read_only", BOOL),
        ("restart", TEXT),
        ("runtime", TEXT),
        ("scale", INT),
        ("secrets", MOUNTED),
        ("security_opt", SET),
        ("shm_size", NUM),
        ("stdin_open", BOOL),
        ("stop_grace_period", DURATION),
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

pub(super) const PROJECT: Rule = Object(
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

fn is_duration(text: &str) -> bool {
    words::duration(text).is_some()
}

fn is_pull_policy(text: &str) -> bool {
    match text.strip_prefix("every_") {
        Some(rest) => is_duration(rest),
        None => matches!(
            text,
            "always"
                | "never"
                | "build"
                | "if_not_present"
                | "missing"
                | "refresh"
                | "daily"
                | "weekly"
        ),
    }
}

/// Compose looks for two such characters anywhere; Docker takes nothing else at all.
fn is_container(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let mut pairs = text.as_bytes().windows(2);
    pairs.any(|pair| pair[0].is_ascii_alphanumeric() && fits(pair[1]))
}
