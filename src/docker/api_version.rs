//! Versions of the Engine API: those an engine offers, and the one that `DOCKER_API_VERSION` pins.
//!
//! What an engine can do is told by the version it *offers*; how it is spoken to by the pinned one.
//! They are kept apart: a pin makes no engine older, it only takes away what came later.

use std::fmt;

use serde::Serialize;

use super::host::Endpoint;
use crate::failure::{Class, Failure};

/// A version of the Engine API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ApiVersion(pub u32, pub u32);

impl ApiVersion {
    /// Engine 18.09, the first with a BuildKit that needs no experiments switched on.
    pub const BUILDKIT: Self = Self(1, 39);
    /// Engine 23.0, with BuildKit 0.10: `shm-size` and `ulimit` are obeyed, errors carry details.
    pub const V23_0: Self = Self(1, 42);
    /// Engine 24.0, with BuildKit 0.11: `SOURCE_DATE_EPOCH` is obeyed.
    pub const V24_0: Self = Self(1, 43);
    /// Engine 25.0, with BuildKit 0.12: builds side by side may differ in what they take from the cache.
    pub const V25_0: Self = Self(1, 44);
    /// Since 27.0: the Dockerfile frontend has checks.
    pub const V27_0: Self = Self(1, 46);
    /// Engine 29.2: gRPC straight on the socket.
    pub const DIRECT_GRPC: Self = Self(1, 53);
    /// The newest whose meaning is known here. A newer engine is spoken to in this one.
    pub const NEWEST: Self = Self(1, 56);

    /// Reads `1.41`.
    pub fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.trim().split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// The version that `DOCKER_API_VERSION` pins.
///
/// # Errors
/// When its value is no version.
pub(super) fn pinned(value: Option<&str>) -> Result<Option<ApiVersion>, Failure> {
    let Some(value) = value else { return Ok(None) };
    // The docker CLI takes off the letter too.
    match ApiVersion::parse(value.strip_prefix('v').unwrap_or(value)) {
        Some(version) => Ok(Some(version)),
        None => Err(Failure::new(
            Class::Usage,
            format!("DOCKER_API_VERSION is `{value}`, which is no version of the Engine API"),
        )
        .hint(UNPIN)
        .hint("versions look like 1.41")),
    }
}

const UNPIN: &str = "unset DOCKER_API_VERSION";

/// What to tell when the engine does not speak the pinned version. `said` is its own answer.
pub(super) fn refused(
    endpoint: &Endpoint,
    pinned: ApiVersion,
    offered: ApiVersion,
    said: &str,
) -> Failure {
    let speaks = match minimum(said) {
        Some(minimum) => format!("{minimum} to {offered}"),
        None => format!("{offered} and older"),
    };
    Failure::new(
        Class::ApiRange,
        format!(
            "DOCKER_API_VERSION pins API {pinned}, and the engine at {} speaks {speaks}",
            endpoint.address
        ),
    )
    .hint(UNPIN)
}

/// The oldest version that the engine speaks, in its own words. Those of 20.10 to 29 are
/// `client version 1.5 is too old. Minimum supported API version is 1.24, please upgrade ...`.
fn minimum(said: &str) -> Option<ApiVersion> {
    let (_, rest) = said.split_once("Minimum supported API version is ")?;
    let end = rest.find(|c: char| c != '.' && !c.is_ascii_digit());
    ApiVersion::parse(rest[..end.unwrap_or(rest.len())].trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_versions_compare_as_numbers() {
        assert!(ApiVersion::parse("1.9") < ApiVersion::parse("1.41"));
        assert_eq!(ApiVersion::parse("two"), None);
    }

    #[test]
    fn a_pin_is_read_as_the_docker_cli_reads_it() {
        for (value, version) in [
            (None, Ok(None)),
            (Some("1.41"), Ok(Some(ApiVersion(1, 41)))),
            (Some("v1.41"), Ok(Some(ApiVersion(1, 41)))),
            (Some("latest"), Err(Class::Usage)),
            (Some("1"), Err(Class::Usage)),
        ] {
            assert_eq!(pinned(value).map_err(|failure| failure.class), version);
        }
    }

    #[test]
    fn the_oldest_version_is_read_from_the_refusal() {
        let said = "client version 1.5 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version";
        assert_eq!(minimum(said), Some(ApiVersion(1, 24)));
        let said = r#"{"message":"client version 1.39 is too old. Minimum supported API version is 1.40"}"#;
        assert_eq!(minimum(said), Some(ApiVersion(1, 40)));
        assert_eq!(minimum("page not found"), None);
    }
}
