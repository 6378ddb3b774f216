//! The variables of docker's programs: which values they take.
//!
//! A value that a program does not take ends all its commands, often without a word of where it
//! came from. Each is judged here as the program itself judges it; checked with CLI 20.10 to 28.5,
//! Compose 1.29 to 2.40 and buildx 0.13 to 0.29.

use std::fmt;

use indexmap::IndexMap;

use super::api_version::ApiVersion;
use crate::failure::{Class, Failure};

/// The variable that switches BuildKit on and off.
pub const DOCKER_BUILDKIT: &str = "DOCKER_BUILDKIT";

/// A variable with a value that it cannot have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The variable.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// What it may have instead.
    pub expected: &'static str,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is `{}`, not {}",
            self.name, self.value, self.expected
        )
    }
}

/// Whether `DOCKER_BUILDKIT`, whose value is given, switches BuildKit on or off; neither when it is
/// not set or empty.
///
/// # Errors
/// When its value is none that docker takes.
pub fn docker_buildkit(value: Option<&str>) -> Result<Option<bool>, Failure> {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    boolean(value).map(Some).ok_or_else(|| {
        Failure::new(
            Class::Usage,
            format!("DOCKER_BUILDKIT is `{value}`, which is neither true nor false"),
        )
        .hint("unset DOCKER_BUILDKIT")
        .hint("or set it to 1 or 0: docker's own programs refuse anything else too")
    })
}

/// A truth value as docker's programs read it. Source: `strconv.ParseBool` of Go.
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// What a variable may have, and whether a value is that.
type Rule = (&'static str, fn(&str) -> bool, &'static str);

const RULES: [Rule; 8] = [
    (
        DOCKER_BUILDKIT,
        |v| v.is_empty() || boolean(v).is_some(),
        "1 or 0",
    ),
    (
        "BUILDKIT_PROGRESS",
        |v| matches!(v, "" | "auto" | "plain" | "tty" | "quiet" | "rawjson"),
        "auto, plain, tty, quiet or rawjson",
    ),
    (
        "COMPOSE_PROGRESS",
        |v| matches!(v, "" | "auto" | "plain" | "tty" | "quiet" | "json"),
        "auto, plain, tty, quiet or json",
    ),
    // Unlike the others these two may not be empty.
    (
        "COMPOSE_PARALLEL_LIMIT",
        |v| v.parse::<i64>().is_ok(),
        "a whole number",
    ),
    ("COMPOSE_BAKE", |v| boolean(v).is_some(), "true or false"),
    (
        "DOCKER_DEFAULT_PLATFORM",
        |v| v.is_empty() || is_platform(v),
        "a platform such as linux/amd64",
    ),
    (
        "SOURCE_DATE_EPOCH",
        |v| v.is_empty() || v.parse::<i64>().is_ok(),
        "seconds since 1970",
    ),
    (
        "DOCKER_API_VERSION",
        |v| v.is_empty() || ApiVersion::parse(v.strip_prefix('v').unwrap_or(v)).is_some(),
        "a version such as 1.41",
    ),
];

/// The variables of docker's programs that have a value they cannot have.
pub fn invalid(environment: &IndexMap<String, String>) -> Vec<Invalid> {
    RULES
        .into_iter()
        .filter_map(|(name, valid, expected)| {
            let value = environment.get(name).filter(|value| !valid(value))?;
            Some(Invalid {
                name,
                value: value.clone(),
                expected,
            })
        })
        .collect()
}

/// Whether this names a platform. A single word must be a system or an architecture that is known.
/// Source: `platforms.Parse` of containerd.
fn is_platform(text: &str) -> bool {
    const KNOWN: &[&str] = &[
        // Systems
        "aix",
        "android",
        "darwin",
        "dragonfly",
        "freebsd",
        "hurd",
        "illumos",
        "ios",
        "js",
        "linux",
        "macos",
        "nacl",
        "netbsd",
        "openbsd",
        "plan9",
        "solaris",
        "windows",
        "zos",
        // Architectures, and what is also said for them
        "386",
        "aarch64",
        "amd64",
        "amd64p32",
        "arm",
        "arm64",
        "arm64be",
        "armbe",
        "armel",
        "armhf",
        "i386",
        "loong64",
        "mips",
        "mips64",
        "mips64le",
        "mips64p32",
        "mips64p32le",
        "mipsle",
        "ppc",
        "ppc64",
        "ppc64le",
        "riscv",
        "riscv64",
        "s390",
        "s390x",
        "sparc",
        "sparc64",
        "wasm",
        "x86-64",
        "x86_64",
    ];
    let word = |part: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        !part.is_empty() && part.chars().all(fits)
    };
    // A version of the system may follow it in brackets: `windows(10.0.17763)/amd64`.
    let (system, rest) = text.split_once('/').unwrap_or((text, ""));
    let system = match system.strip_suffix(')').and_then(|s| s.split_once('(')) {
        Some((system, version)) if word(version) => system,
        Some(_) => return false,
        None => system,
    };
    match rest
        .split('/')
        .filter(|_| text.contains('/'))
        .collect::<Vec<_>>()
        .as_slice()
    {
        [] => KNOWN.contains(&system.to_ascii_lowercase().as_str()),
        parts => parts.len() <= 2 && word(system) && parts.iter().all(|part| word(part)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_buildkit_is_read_as_go_reads_truth() {
        for value in ["1", "t", "T", "TRUE", "true", "True"] {
            assert_eq!(
                docker_buildkit(Some(value)).expect("valid"),
                Some(true),
                "{value}"
            );
        }
        for value in ["0", "f", "F", "FALSE", "false", "False"] {
            assert_eq!(
                docker_buildkit(Some(value)).expect("valid"),
                Some(false),
                "{value}"
            );
        }
        for value in [None, Some("")] {
            assert_eq!(docker_buildkit(value).expect("valid"), None, "{value:?}");
        }
        for value in ["yes", "2", "on", "tRUE", " 1", "1 ", "y"] {
            let failure = docker_buildkit(Some(value)).expect_err("invalid");
            assert_eq!(failure.class, Class::Usage, "{value}");
            assert!(
                failure
                    .message
                    .contains(&format!("DOCKER_BUILDKIT is `{value}`"))
            );
        }
    }

    #[test]
    fn values_are_judged_as_dockers_programs_judge_them() {
        for (name, good, bad) in [
            (
                "DOCKER_BUILDKIT",
                &["", "1", "false"] as &[&str],
                &["yes", "2"] as &[&str],
            ),
            (
                "BUILDKIT_PROGRESS",
                &["", "auto", "rawjson"],
                &["none", "json", "TTY"],
            ),
            (
                "COMPOSE_PROGRESS",
                &["", "json", "quiet"],
                &["rawjson", "bogus"],
            ),
            (
                "COMPOSE_PARALLEL_LIMIT",
                &["4", "-3", "0"],
                &["", "1.5", "many"],
            ),
            ("COMPOSE_BAKE", &["true", "0"], &["", "yes"]),
            (
                "DOCKER_DEFAULT_PLATFORM",
                &[
                    "",
                    "amd64",
                    "linux",
                    "linux/amd64",
                    "linux/arm/v7",
                    "Linux/x86_64",
                    "windows(10.0.17763)/amd64",
                ],
                &[
                    "foo",
                    "linux/",
                    "linux/amd64/v2/x",
                    "linux/am d64",
                    "/amd64",
                    "windows(/amd64",
                ],
            ),
            (
                "SOURCE_DATE_EPOCH",
                &["", "0", "-1", "1700000000"],
                &["today", "1.5"],
            ),
            (
                "DOCKER_API_VERSION",
                &["", "1.41", "v1.45"],
                &["latest", "1"],
            ),
        ] {
            let judged = |value: &str| {
                let environment = IndexMap::from([(name.to_owned(), value.to_owned())]);
                invalid(&environment)
            };
            for value in good {
                assert_eq!(judged(value), [], "{name}={value}");
            }
            for value in bad {
                let [found] = judged(value).try_into().expect("one invalid value");
                assert_eq!((found.name, found.value.as_str()), (name, *value));
            }
        }
        assert_eq!(invalid(&IndexMap::new()), []);
    }
}
