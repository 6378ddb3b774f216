//! What a step does, as far as its name tells.

use serde::{Deserialize, Serialize};

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An instruction of the Dockerfile runs or copies.
    Instruction,
    /// A base image comes from a registry, or is taken as it is here.
    Base,
    /// Files go from this machine to the builder.
    Transfer,
    /// The image is written, named or pushed.
    Export,
    /// The builder's own: it reads the Dockerfile, looks up names, fetches a frontend.
    Internal,
}

impl Kind {
    /// The kind of a step of this name. Builders name them in the language of BuildKit:
    /// `[internal] load build context`, `[build 2/4] COPY . .`, `exporting to image`.
    pub fn of(name: &str) -> Self {
        if let Some(instruction) = instruction(name) {
            return match instruction.split_whitespace().next() {
                Some("FROM") => Self::Base,
                _ => Self::Instruction,
            };
        }
        match name {
            "[internal] load build context" => Self::Transfer,
            _ if name.starts_with("[context ") || name.starts_with("local://") => Self::Transfer,
            _ if ["exporting ", "push ", "pushing ", "writing image"]
                .iter()
                .any(|word| name.starts_with(word)) =>
            {
                Self::Export
            }
            _ if name.starts_with('[') => Self::Internal,
            _ if name.contains("://") || name.starts_with("resolve image config for ") => {
                Self::Internal
            }
            _ => Self::Instruction,
        }
    }
}

/// The instruction in the name of a step of the Dockerfile: what follows `[stage 2/4]`.
pub fn instruction(name: &str) -> Option<&str> {
    Some(parts(name)?.1)
}

/// The stage in it, with its platform when there are several. BuildKit counts stages that have no
/// name, which tells nothing.
pub(super) fn stage(name: &str) -> Option<&str> {
    let (stage, _) = parts(name)?.0.rsplit_once(' ')?;
    let unnamed = |word: &str| {
        let number = word.strip_prefix("stage-");
        number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    match stage.rsplit_once(' ') {
        Some((platform, name)) if unnamed(name) => Some(platform),
        None if unnamed(stage) => None,
        _ => Some(stage),
    }
}

/// `stage 2/4` and the instruction.
fn parts(name: &str) -> Option<(&str, &str)> {
    let (place, instruction) = name.strip_prefix('[')?.split_once("] ")?;
    let (number, total) = place.rsplit(' ').next()?.split_once('/')?;
    let counts = number.bytes().all(|byte| byte.is_ascii_digit())
        && (total == "?" || total.bytes().all(|byte| byte.is_ascii_digit()));
    (counts && !number.is_empty()).then_some((place, instruction))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_the_stage_when_there_are_several() {
        let platform = stage("[linux/amd64 build 12/20] COPY . .");
        assert_eq!(platform, Some("linux/amd64 build"));
        assert_eq!(stage("[build 2/4] RUN make"), Some("build"));
        assert_eq!(stage("[stage-1 2/3] RUN make"), None);
        let unnamed = stage("[linux/arm64 stage-1 2/3] RUN make");
        assert_eq!(unnamed, Some("linux/arm64"));
        assert_eq!(stage("[2/3] RUN make"), None);
        assert_eq!(stage("[internal] load build context"), None);
    }

    #[test]
    fn the_name_tells_what_a_step_does() {
        for (name, kind) in [
            ("[2/3] RUN make", Kind::Instruction),
            ("[linux/amd64 build 12/20] COPY . .", Kind::Instruction),
            ("[1/?] RUN make", Kind::Instruction),
            ("a step of some frontend", Kind::Instruction),
            ("[1/3] FROM docker.io/library/busybox", Kind::Base),
            ("[internal] load build context", Kind::Transfer),
            ("[context base] load from client", Kind::Transfer),
            ("[internal] load .dockerignore", Kind::Internal),
            ("[auth] library/busybox:pull token", Kind::Internal),
            (
                "docker-image://docker.io/docker/dockerfile:1",
                Kind::Internal,
            ),
            ("resolve image config for docker-image://x", Kind::Internal),
            ("exporting to image", Kind::Export),
            ("push docker.io/acme/web:1", Kind::Export),
        ] {
            assert_eq!(Kind::of(name), kind, "{name}");
        }
    }
}
