//! Versions of programs as they really look, made comparable.
//!
//! Neither the docker CLI nor its plugins keep to semantic versioning: distributions add `-4`,
//! `+ds1` and `+dfsg4`, years have leading zeros (`18.09.1`), builds from source call themselves `dev`.
//! Only the leading numbers are compared; the text stays as the program told it. BuildKit's own version is never looked at.

use std::fmt;

/// A program's version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    text: String,
    numbers: Option<semver::Version>,
}

impl Version {
    /// Finds the version in what a program said, be it `v0.36.1` or a sentence such as
    /// `docker-compose version 1.29.2, build unknown`.
    pub fn read(said: &str) -> Self {
        let words = said.split_whitespace().map(|word| word.trim_matches(','));
        let found = words
            .into_iter()
            .find_map(|word| Some((word, numbers(word)?)));
        match found {
            Some((word, numbers)) => Self {
                text: word.to_owned(),
                numbers: Some(numbers),
            },
            None => Self {
                text: said.trim().lines().next().unwrap_or_default().to_owned(),
                numbers: None,
            },
        }
    }

    /// Whether it is older than `major.minor`. A version without numbers is a build of today.
    pub fn is_before(&self, major: u64, minor: u64) -> bool {
        let first = semver::Version::new(major, minor, 0);
        self.numbers.as_ref().is_some_and(|own| *own < first)
    }
}

impl fmt::Display for Version {
    /// As the program told it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The numbers that a word begins with, at least two; a third that is missing is 0.
fn numbers(word: &str) -> Option<semver::Version> {
    let word = word.strip_prefix('v').unwrap_or(word);
    let (major, rest) = number(word)?;
    let (minor, rest) = number(rest.strip_prefix('.')?)?;
    let patch = rest.strip_prefix('.').and_then(number);
    let patch = patch.map_or(0, |(patch, _)| patch);
    Some(semver::Version::new(major, minor, patch))
}

fn number(text: &str) -> Option<(u64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_really_say() {
        for (said, text, numbers) in [
            ("2.26.1-4\n", "2.26.1-4", Some((2, 26, 1))),
            ("v0.36.1", "v0.36.1", Some((0, 36, 1))),
            ("28.5.2+dfsg4", "28.5.2+dfsg4", Some((28, 5, 2))),
            ("0.29.1+ds1", "0.29.1+ds1", Some((0, 29, 1))),
            (
                "docker-compose version 1.29.2, build unknown\ndocker-py version: 5.0.3\n",
                "1.29.2",
                Some((1, 29, 2)),
            ),
            (
                "Docker version 20.10.24+dfsg1, build 297e128",
                "20.10.24+dfsg1",
                Some((20, 10, 24)),
            ),
            (
                "Docker Compose version v2.40.3-desktop.1",
                "v2.40.3-desktop.1",
                Some((2, 40, 3)),
            ),
            ("v5.0.0-rc.2", "v5.0.0-rc.2", Some((5, 0, 0))),
            ("0.9", "0.9", Some((0, 9, 0))),
            ("18.09.1", "18.09.1", Some((18, 9, 1))),
            ("dev\n", "dev", None),
            ("", "", None),
        ] {
            let version = Version::read(said);
            assert_eq!(
                (version.to_string().as_str(), version.numbers),
                (text, numbers.map(|(a, b, c)| semver::Version::new(a, b, c)))
            );
        }
    }

    #[test]
    fn versions_compare_as_numbers_and_a_build_of_today_is_never_old() {
        for (version, before) in [
            ("0.9.1", true),
            ("v0.16.99", true),
            ("0.17.0~ds1", false),
            ("0.17.0-rc1", false),
            ("1.0", false),
            ("dev", false),
        ] {
            assert_eq!(Version::read(version).is_before(0, 17), before, "{version}");
        }
    }
}
