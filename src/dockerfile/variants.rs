//! Dockerfiles that stand beside each other as two forms of one thing, told apart by a marker in
//! their names: `web.test.Dockerfile` and `web.test-local.Dockerfile`.

/// The words by which the two forms of a pair are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Markers {
    /// The form made for today's builders.
    pub optimised: String,
    /// The form that every builder can build.
    pub traditional: String,
}

impl Default for Markers {
    fn default() -> Self {
        Self {
            optimised: "test-local".to_owned(),
            traditional: "test".to_owned(),
        }
    }
}

/// A Dockerfile's name without its marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The name of the plain file.
    pub plain: String,
    /// The marker that was taken out.
    pub marker: Option<String>,
}

impl Name {
    /// Takes the first of `markers` that occurs out of `name`; nothing when `name` is no name of a
    /// Dockerfile that could have one.
    pub fn read<'a>(name: &str, markers: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let marked = markers.into_iter().find_map(|marker| {
            Some(Self {
                plain: unmarked(name, marker)?,
                marker: Some(marker.to_owned()),
            })
        });
        marked.or_else(|| {
            (stem(name).is_some() || is_dockerfile(name)).then(|| Self {
                plain: name.to_owned(),
                marker: None,
            })
        })
    }

    /// The names under which the form called `marker` may stand beside this one.
    pub fn with(&self, marker: &str) -> Vec<String> {
        match stem(&self.plain) {
            Some((stem, ending)) => vec![format!("{stem}.{marker}{ending}")],
            None => vec![
                format!("{}.{marker}", self.plain),
                format!("{marker}.{}", self.plain),
            ],
        }
    }
}

/// `name` without `marker`, if it has it.
fn unmarked(name: &str, marker: &str) -> Option<String> {
    if let Some((stem, ending)) = stem(name) {
        if stem == marker {
            return Some(ending.trim_start_matches('.').to_owned());
        }
        let stem = stem.strip_suffix(marker)?.strip_suffix('.')?;
        return (!stem.is_empty()).then(|| format!("{stem}{ending}"));
    }
    let plain = name.strip_suffix(marker)?.strip_suffix('.')?;
    is_dockerfile(plain).then(|| plain.to_owned())
}

/// `web` and `.Dockerfile` of `web.Dockerfile`.
fn stem(name: &str) -> Option<(&str, &str)> {
    let at = name.len().checked_sub(".Dockerfile".len())?;
    let (stem, ending) = (name.get(..at)?, name.get(at..)?);
    (!stem.is_empty() && ending.eq_ignore_ascii_case(".Dockerfile")).then_some((stem, ending))
}

/// `Dockerfile`, `Dockerfile.web`.
fn is_dockerfile(name: &str) -> bool {
    name.split('.')
        .next()
        .is_some_and(|first| first.eq_ignore_ascii_case("Dockerfile"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str) -> Option<(String, Option<String>)> {
        Name::read(name, ["test-local", "test"]).map(|name| (name.plain, name.marker))
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is what `read` gives")]
    fn some(plain: &str, marker: Option<&str>) -> Option<(String, Option<String>)> {
        Some((plain.to_owned(), marker.map(str::to_owned)))
    }

    #[test]
    fn a_marker_is_found_in_every_place_where_names_have_one() {
        for (name, expected) in [
            ("web.test.Dockerfile", some("web.Dockerfile", Some("test"))),
            (
                "web.test-local.Dockerfile",
                some("web.Dockerfile", Some("test-local")),
            ),
            ("Dockerfile.test", some("Dockerfile", Some("test"))),
            (
                "Dockerfile.web.test-local",
                some("Dockerfile.web", Some("test-local")),
            ),
            ("test.Dockerfile", some("Dockerfile", Some("test"))),
            ("web.Dockerfile", some("web.Dockerfile", None)),
            ("Dockerfile", some("Dockerfile", None)),
            ("latest.dockerfile", some("latest.dockerfile", None)),
            ("Containerfile", None),
            ("web.test", None),
            ("Dockerfiletest", None),
        ] {
            assert_eq!(read(name), expected, "{name}");
        }
    }

    #[test]
    fn the_other_form_stands_beside_under_the_same_pattern() {
        let with = |name: &str| {
            Name::read(name, ["test-local", "test"])
                .map(|name| name.with("test-local"))
                .unwrap_or_default()
        };
        assert_eq!(with("web.test.Dockerfile"), ["web.test-local.Dockerfile"]);
        assert_eq!(
            with("Dockerfile"),
            ["Dockerfile.test-local", "test-local.Dockerfile"]
        );
        assert_eq!(with("web.dockerfile"), ["web.test-local.dockerfile"]);
    }
}
