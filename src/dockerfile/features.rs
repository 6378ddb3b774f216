//! What a Dockerfile asks of its builder beyond what every builder has.
//!
//! Each [`Feature`] knows the frontend that brought it, so that a Dockerfile can be held against a
//! builder before anything is sent. Source: the release notes of `docker/dockerfile`, verified on
//! Engines 20.10, 26.1 and 28.5.

use super::parse::{Dockerfile, Instruction};

/// Something that not every builder can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// `RUN --mount=type=cache`.
    CacheMount,
    /// `RUN --mount` of another type.
    Mount,
    /// `RUN --network`.
    RunNetwork,
    /// `RUN --security`.
    RunSecurity,
    /// `COPY --chmod`, `ADD --chmod`.
    Chmod,
    /// `--chmod` with letters, `u=rwx,go=r`, which older frontends drop without a word.
    SymbolicChmod,
    /// `COPY --link`, `ADD --link`.
    Link,
    /// A here-document.
    Heredoc,
    /// `ADD --checksum`.
    Checksum,
    /// `ADD --unpack`.
    Unpack,
    /// `COPY --exclude`, `ADD --exclude`.
    Exclude,
    /// `COPY --parents`.
    Parents,
    /// The arguments that BuildKit sets by itself: `TARGETARCH`, `BUILDPLATFORM` and the like.
    PlatformArguments,
}

/// A place that uses a feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// What it uses.
    pub feature: Feature,
    /// The line, from one.
    pub line: usize,
}

/// A version of the Dockerfile frontend, all of which are `1.minor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frontend {
    /// The number after `1.`.
    pub minor: u32,
    /// Whether it is of the `labs` channel, which has features earlier.
    pub labs: bool,
}

impl Feature {
    /// The first frontend with it, and the first of the `labs` channel if that was earlier.
    fn since(self) -> (u32, Option<u32>) {
        match self {
            Self::PlatformArguments => (0, None),
            Self::CacheMount | Self::Mount | Self::Chmod => (2, Some(0)),
            Self::RunNetwork => (3, Some(1)),
            Self::Link | Self::Heredoc => (4, Some(3)),
            Self::Checksum => (6, Some(5)),
            Self::SymbolicChmod => (14, None),
            Self::Unpack => (17, None),
            Self::Exclude => (19, Some(7)),
            Self::Parents => (20, Some(7)),
            Self::RunSecurity => (20, Some(1)),
        }
    }

    /// How a Dockerfile writes it.
    pub fn written(self) -> &'static str {
        match self {
            Self::CacheMount => "RUN --mount=type=cache",
            Self::Mount => "RUN --mount",
            Self::RunNetwork => "RUN --network",
            Self::RunSecurity => "RUN --security",
            Self::Chmod => "--chmod",
            Self::SymbolicChmod => "--chmod with letters",
            Self::Unpack => "ADD --unpack",
            Self::Link => "--link",
            Self::Heredoc => "a here-document",
            Self::Checksum => "ADD --checksum",
            Self::Exclude => "--exclude",
            Self::Parents => "COPY --parents",
            Self::PlatformArguments => "a platform argument",
        }
    }

    /// The first frontend with it, as people write it: `1.4`.
    pub fn frontend(self) -> String {
        format!("1.{}", self.since().0)
    }
}

/// The first frontend, as people write it, that knows the flag called `name`, if that was not the
/// first of all: a frontend that refuses such a flag is older.
pub fn frontend_of_flag(name: &str) -> Option<String> {
    let feature = match name {
        "mount" => Feature::Mount,
        "network" => Feature::RunNetwork,
        "security" => Feature::RunSecurity,
        "chmod" => Feature::Chmod,
        "link" => Feature::Link,
        "checksum" => Feature::Checksum,
        "unpack" => Feature::Unpack,
        "exclude" => Feature::Exclude,
        "parents" => Feature::Parents,
        // Flags that every builder of today knows, and so no feature to choose one by.
        "keep-git-dir" => return Some("1.1".to_owned()),
        "start-interval" => return Some("1.6".to_owned()),
        _ => return None,
    };
    Some(feature.frontend())
}

impl Frontend {
    /// The frontend that `# syntax=` names, when its version can be told from the name; the newest
    /// one of the channel when the name leaves it open.
    pub fn named(syntax: &str) -> Option<Self> {
        let image = syntax.split_whitespace().next()?;
        let (name, tag) = image.split_once(':').unwrap_or((image, "latest"));
        if !matches!(
            name,
            "docker/dockerfile" | "docker.io/docker/dockerfile" | "docker/dockerfile-upstream"
        ) {
            return None;
        }
        let tag = tag.split('@').next().unwrap_or(tag);
        let (version, labs) = match tag.strip_suffix("-labs") {
            Some(version) => (version, true),
            None => (tag, matches!(tag, "labs" | "experimental" | "master-labs")),
        };
        let minor = version
            .split('.')
            .nth(1)
            .map_or(Some(u32::MAX), |minor| minor.parse().ok())?;
        Some(Self { minor, labs })
    }

    /// Whether it has `feature`.
    pub fn has(self, feature: Feature) -> bool {
        let (stable, labs) = feature.since();
        self.minor >= stable || (self.labs && labs.is_some_and(|labs| self.minor >= labs))
    }
}

impl Dockerfile {
    /// Everything it uses that not every builder has, each with its first line.
    pub fn features(&self) -> Vec<Use> {
        let mut uses: Vec<Use> = Vec::new();
        for instruction in &self.instructions {
            for feature in features(instruction) {
                if !uses.iter().any(|known| known.feature == feature) {
                    uses.push(Use {
                        feature,
                        line: instruction.first_line,
                    });
                }
            }
        }
        uses
    }
}

fn features(instruction: &Instruction) -> Vec<Feature> {
    let mut found = Vec::new();
    let copies = matches!(instruction.keyword.as_str(), "COPY" | "ADD");
    for (keyword, flag, feature) in [
        ("RUN", "network", Feature::RunNetwork),
        ("RUN", "security", Feature::RunSecurity),
        ("COPY", "chmod", Feature::Chmod),
        ("COPY", "link", Feature::Link),
        ("COPY", "exclude", Feature::Exclude),
        ("COPY", "parents", Feature::Parents),
        ("ADD", "checksum", Feature::Checksum),
        ("ADD", "unpack", Feature::Unpack),
    ] {
        let applies = instruction.keyword == keyword || (keyword == "COPY" && copies);
        if applies && instruction.has_flag(flag) {
            found.push(feature);
        }
    }
    let octal = |mode: &str| mode.bytes().all(|byte| byte.is_ascii_digit()) || mode.contains('$');
    if copies && instruction.flags("chmod").any(|mode| !octal(mode)) {
        found.push(Feature::SymbolicChmod);
    }
    if instruction.keyword == "RUN" {
        for mount in instruction.flags("mount") {
            let cache = mount.split(',').any(|field| field == "type=cache");
            found.push(if cache {
                Feature::CacheMount
            } else {
                Feature::Mount
            });
        }
    }
    if instruction.heredoc {
        found.push(Feature::Heredoc);
    }
    if uses_platform(instruction) {
        found.push(Feature::PlatformArguments);
    }
    found
}

/// Whether an instruction relies on an argument that only BuildKit sets.
fn uses_platform(instruction: &Instruction) -> bool {
    match instruction.keyword.as_str() {
        "FROM" => instruction.flags("platform").any(|platform| {
            PLATFORM_ARGUMENTS
                .iter()
                .any(|name| platform.contains(name) && platform.contains('$'))
        }),
        "ARG" => instruction
            .words()
            .any(|word| PLATFORM_ARGUMENTS.contains(&word)),
        _ => false,
    }
}

const PLATFORM_ARGUMENTS: [&str; 8] = [
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETARCH",
    "TARGETVARIANT",
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDARCH",
    "BUILDVARIANT",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Vec<(Feature, usize)> {
        Dockerfile::parse(text)
            .features()
            .into_iter()
            .map(|used| (used.feature, used.line))
            .collect()
    }

    #[test]
    fn every_feature_is_found_where_it_is_first_used() {
        let text = "FROM --platform=$BUILDPLATFORM a\nARG TARGETARCH\n\
                    RUN --mount=type=cache,target=/c --mount=type=bind,target=/b x\nRUN --network=none x\n\
                    RUN --security=insecure x\nCOPY --link --chmod=755 a b\nADD --chmod=1 --checksum=sha256:0 a b\n\
                    COPY --exclude=*.md --parents a b\nRUN <<EOF\nx\nEOF\nADD --unpack --chmod=a+x a b\n";
        assert_eq!(
            scan(text),
            [
                (Feature::PlatformArguments, 1),
                (Feature::CacheMount, 3),
                (Feature::Mount, 3),
                (Feature::RunNetwork, 4),
                (Feature::RunSecurity, 5),
                (Feature::Chmod, 6),
                (Feature::Link, 6),
                (Feature::Checksum, 7),
                (Feature::Exclude, 8),
                (Feature::Parents, 8),
                (Feature::Heredoc, 9),
                (Feature::Unpack, 12),
                (Feature::SymbolicChmod, 12),
            ]
        );
    }

    #[test]
    fn words_that_only_look_like_features_are_none() {
        let text = "FROM a\nRUN echo --mount=type=cache --network=x\nRUN echo $((1<<3)) <<<here\n\
                    RUN tool --link\nARG TARGETARCH=amd64\nENV A=TARGETARCH\nCOPY a --link\n";
        assert_eq!(scan(text), []);
    }

    #[test]
    fn the_frontend_is_read_from_its_name() {
        let frontend = |syntax| Frontend::named(syntax).map(|f| (f.minor, f.labs));
        assert_eq!(frontend("docker/dockerfile:1"), Some((u32::MAX, false)));
        assert_eq!(frontend("docker/dockerfile:1.4"), Some((4, false)));
        assert_eq!(frontend("docker/dockerfile:1.7-labs"), Some((7, true)));
        assert_eq!(
            frontend("docker/dockerfile:1.4.2@sha256:00"),
            Some((4, false))
        );
        assert_eq!(frontend("docker/dockerfile"), Some((u32::MAX, false)));
        assert_eq!(frontend("acme/own:1"), None);
    }

    #[test]
    fn the_labs_channel_has_features_earlier() {
        let at = |minor, labs| Frontend { minor, labs };
        assert!(!at(2, false).has(Feature::Heredoc));
        assert!(at(4, false).has(Feature::Heredoc));
        assert!(!at(7, false).has(Feature::Parents));
        assert!(at(7, true).has(Feature::Parents));
        assert!(at(0, false).has(Feature::PlatformArguments));
    }

    #[test]
    fn the_syntax_line_counts_only_among_the_directives() {
        let syntax = |text: &str| Dockerfile::parse(text).syntax;
        assert_eq!(
            syntax("# escape=`\n# Syntax = docker/dockerfile:1\nFROM a\n").as_deref(),
            Some("docker/dockerfile:1")
        );
        assert_eq!(syntax("\n# syntax=docker/dockerfile:1\nFROM a\n"), None);
        assert_eq!(syntax("# a comment\n# syntax=x\nFROM a\n"), None);
    }
}
