//! Where the files of a build are kept in the engine, when the job's own place will not do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::docker::spec::{BuildSpec, ContextSource, DockerfileSource};
use crate::human;

/// The prefix of a transfer under the ignore rules of the moment, for engines before 23.
///
/// Their BuildKit keeps the hashes of what was transferred in a radix tree whose deletion answers
/// "not there" of a node that the same transfer has changed before. So what it hashed below a
/// directory stays when the directory goes right after all others whose names begin as its own do
/// (`foo1/`, then `foo2/`), or right after one such came (`handle/` comes, `handler/` goes). When
/// the directory is back, files that are ignored by then still count, and a step from the cache puts
/// them into the image. Changed rules therefore begin a new transfer; its steps stay cached.
///
/// Directories that are removed from the context meet the same fault, with Docker's own clients as
/// with us: only a walk of the whole context would tell beforehand.
pub(super) fn under_rules(prefix: &str, spec: &BuildSpec) -> String {
    match ignore_rules(spec) {
        Some(rules) => format!("{prefix}{}", human::hex(&Sha256::digest(rules)[..6])),
        None => prefix.to_owned(),
    }
}

/// Which Dockerfile each prefix was first used with on one session.
#[derive(Debug, Clone, Default)]
pub(super) struct Places(Arc<Mutex<HashMap<String, DockerfileSource>>>);

impl Places {
    /// `prefix`, or another one when it was used with another Dockerfile before.
    ///
    /// Within a session an engine never asks for the same name twice: it takes what it was sent
    /// first, be there another Dockerfile by now. Between sessions it asks for what changed, so the
    /// first use keeps the plain prefix and with it what was transferred earlier.
    pub(super) fn of(&self, prefix: &str, spec: &BuildSpec) -> String {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = first
            .entry(prefix.to_owned())
            .or_insert_with(|| spec.dockerfile.clone());
        if *known == spec.dockerfile {
            return prefix.to_owned();
        }
        let other = Sha256::digest(format!("{:?}", spec.dockerfile));
        format!("{prefix}{}", human::hex(&other[..6]))
    }
}

/// What the ignore file holds that the engine will ask for: the Dockerfile's own, else the context's.
fn ignore_rules(spec: &BuildSpec) -> Option<Vec<u8>> {
    let own = match &spec.dockerfile {
        DockerfileSource::File(path) | DockerfileSource::Instead(path, _) => {
            let mut name = path.clone().into_os_string();
            name.push(".dockerignore");
            std::fs::read(name).ok()
        }
        DockerfileSource::InContext(_) | DockerfileSource::Inline(_) => None,
    };
    own.or_else(|| match &spec.context {
        ContextSource::Directory(path) => std::fs::read(path.join(".dockerignore")).ok(),
        ContextSource::Remote(_) => None,
    })
}

#[cfg(test)]
mod tests {

    use super::*;

    fn spec(dockerfile: DockerfileSource, directory: &std::path::Path) -> BuildSpec {
        BuildSpec::new(
            ContextSource::Directory(directory.into()),
            dockerfile,
            "web.Dockerfile",
        )
    }

    #[test]
    fn another_dockerfile_on_the_same_session_has_another_place() {
        let path = std::path::Path::new("/web.Dockerfile");
        let file = spec(DockerfileSource::File(path.into()), path);
        let instead = DockerfileSource::Instead(path.into(), "FROM a\n".to_owned());
        let instead = spec(instead, path);
        let places = Places::default();
        assert_eq!(places.of("ab12", &file), "ab12");
        let other = places.of("ab12", &instead);
        assert!(other.starts_with("ab12") && other != "ab12", "{other}");
        assert_eq!(places.of("ab12", &instead), other);
        assert_eq!(places.of("ab12", &file), "ab12");
        assert_eq!(Places::default().of("ab12", &instead), "ab12");
    }

    #[test]
    fn a_transfer_begins_anew_exactly_when_the_rules_that_count_change() {
        let directory = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| {
            std::fs::write(directory.path().join(name), text).expect("written");
        };
        let file = DockerfileSource::File(directory.path().join("web.Dockerfile"));
        let spec = spec(file, directory.path());
        let prefix = || under_rules("ab12", &spec);
        assert_eq!(prefix(), "ab12");
        write(".dockerignore", "target\n");
        let first = prefix();
        assert!(first.starts_with("ab12") && first != "ab12", "{first}");
        assert_eq!(prefix(), first);
        write(".dockerignore", "target\n.git\n");
        let second = prefix();
        assert_ne!(second, first);
        write("web.Dockerfile.dockerignore", "target\n");
        assert_eq!(prefix(), first, "the Dockerfile's own rules count");
        write(".dockerignore", "");
        assert_eq!(prefix(), first);
        assert!(first.chars().all(|c| c.is_ascii_alphanumeric()), "{first}");
    }
}
