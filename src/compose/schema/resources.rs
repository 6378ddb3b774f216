//! The keys of what services use: networks, volumes, secrets, configs, models, included projects.

use super::I;
use super::Rule::{self, Closed, Either, List, Object, Scalar};
use super::keys::{BOOL, EXTERNAL, NOTHING, OPTIONS, PAIRS, TEXT, TEXT_OR_SET, TEXTS};

pub(super) const NETWORK: Rule = Either(&[
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

pub(super) const VOLUME: Rule = Either(&[
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

pub(super) const SECRET: Rule = Object(
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

pub(super) const CONFIG: Rule = Object(
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

pub(super) const MODEL: Rule = Object(
    &[
        ("name", TEXT),
        ("model", TEXT),
        ("context_size", Scalar(I)),
        ("runtime_flags", TEXTS),
    ],
    &["model"],
);

pub(super) const INCLUDE: Rule = List(&Either(&[
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
