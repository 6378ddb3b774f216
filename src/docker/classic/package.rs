//! What is sent for a build: the context as its ignore file leaves it, and the Dockerfile.
//!
//! The engine reads the Dockerfile from the context, so it travels even when it is ignored, lies
//! elsewhere, or is no file at all. After reading it, the engine removes it from the context if the
//! context's `.dockerignore` says so, and the `.dockerignore` likewise. A Dockerfile from elsewhere
//! therefore comes under a name of its own, as a line of `.dockerignore`; the docker CLI does the
//! same. Its name is made of its content, not of chance: it is seen by `COPY . .` where there is a
//! `.dockerignore` of the user's own, which then has one line more, and must not spoil the cache.
//!
//! Buildah instead leaves out of each `COPY` what `.containerignore` names, which goes before
//! `.dockerignore`: it gets one with exactly what must not be seen.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Dialect;
use crate::context::ignore::Patterns;
use crate::context::walk::{Walk, WalkError};
use crate::docker::spec::{BuildSpec, ContextSource, DockerfileSource};
use crate::dockerfile::Dockerfile;
use crate::failure::{Class, Failure};
use crate::human;

/// The ignore file that the engine reads.
pub(super) const IGNORE: &str = ".dockerignore";
/// The one that Buildah prefers.
const BUILDAHS_IGNORE: &str = ".containerignore";

/// What is sent for one build.
#[derive(Debug)]
pub(super) struct Package {
    /// The Dockerfile's path in the context, for the request.
    pub(super) dockerfile: Vec<u8>,
    /// Its text, when it is here.
    pub(super) text: Option<String>,
    /// The files; nothing when the engine fetches them.
    pub(super) contents: Option<Contents>,
}

/// The files of a context.
#[derive(Debug)]
pub(super) struct Contents {
    /// What the ignore file leaves.
    pub(super) walk: Walk,
    /// What is sent instead of, or after, what the walk finds.
    pub(super) own: Vec<Own>,
}

/// A file that dcb puts into the context.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Own {
    /// Where.
    pub(super) path: Vec<u8>,
    /// What is in it, when the context has no file of that path.
    pub(super) content: Vec<u8>,
    /// What is in it when the context has one.
    pub(super) instead: Instead,
}

/// What becomes of a file of the context that has the path of an [`Own`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Instead {
    /// It stays as it is.
    Kept,
    /// It gets more text at its end.
    Extended(Vec<u8>),
}

/// Where the ignore patterns come from.
struct Ignore {
    patterns: Patterns,
    /// Whether they are of this Dockerfile only, which an engine does not know of.
    specific: bool,
}

impl Package {
    /// Reads what decides what is sent. Blocks.
    pub(super) fn read(spec: &BuildSpec, dialect: Dialect) -> Result<Self, Failure> {
        let root = match (&spec.context, &spec.dockerfile) {
            (ContextSource::Remote(_), DockerfileSource::InContext(path)) => {
                return Ok(Self {
                    dockerfile: path.clone().into_bytes(),
                    text: None,
                    contents: None,
                });
            }
            (ContextSource::Remote(_), _) => return Err(elsewhere(spec)),
            (ContextSource::Directory(root), _) => root,
        };
        let content = dockerfile(spec, root)?;
        let ignore = ignore(spec, root)?;
        let specific = ignore.as_ref().is_some_and(|ignore| ignore.specific);
        let filtered = ignore.is_some();
        let walk = Walk::ignoring(root, ignore.map(|ignore| ignore.patterns))
            .map_err(|error| unreadable(&error))?;
        let place = place(spec, &walk, specific)?;
        let own = match dialect {
            Dialect::Docker => for_docker(&place, &content, &walk)?,
            Dialect::Buildah if exists(&walk, BUILDAHS_IGNORE) => {
                for_docker(&place, &content, &walk)?
            }
            Dialect::Buildah => for_buildah(&place, &content, filtered),
        };
        Ok(Self {
            dockerfile: place.path(&content).into_owned(),
            text: Some(String::from_utf8_lossy(&content).into_owned()),
            contents: Some(Contents { walk, own }),
        })
    }
}

fn elsewhere(spec: &BuildSpec) -> Failure {
    Failure::new(
        Class::Unsupported,
        format!(
            "`{}` is on this machine and its context is not, which the classic builder cannot join",
            spec.dockerfile_name
        ),
    )
    .hint("use an engine with BuildKit, or put the Dockerfile into the remote context")
}

/// Why the context cannot be sent.
pub(super) fn unreadable(error: &WalkError) -> Failure {
    let class = match error {
        WalkError::Root { .. } | WalkError::NotADirectory(_) => Class::ContextMissing,
        _ => Class::BuildFailed,
    };
    Failure::new(class, error.to_string())
}

/// The Dockerfile's text.
fn dockerfile(spec: &BuildSpec, root: &Path) -> Result<Vec<u8>, Failure> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|error| {
            Failure::new(
                Class::DockerfileMissing,
                format!("failed to read `{}`: {error}", spec.dockerfile_name),
            )
        })
    };
    let content = match &spec.dockerfile {
        DockerfileSource::File(path) => read(path)?,
        DockerfileSource::InContext(path) => read(&root.join(path))?,
        DockerfileSource::Inline(text) | DockerfileSource::Instead(_, text) => {
            text.clone().into_bytes()
        }
    };
    let parsed = Dockerfile::parse(&String::from_utf8_lossy(&content));
    // Every engine breaks off the connection over a Dockerfile of nothing but `ARG`.
    if parsed.stages().is_empty() && !parsed.instructions.is_empty() {
        let message = format!("`{}` has no `FROM`", spec.dockerfile_name);
        return Err(Failure::new(Class::DockerfileSyntax, message));
    }
    Ok(content)
}

/// The patterns in force: those of `<Dockerfile>.dockerignore`, else those of the context.
fn ignore(spec: &BuildSpec, root: &Path) -> Result<Option<Ignore>, Failure> {
    let mut found = None;
    if let DockerfileSource::File(path) | DockerfileSource::Instead(path, _) = &spec.dockerfile {
        let mut name = path.clone().into_os_string();
        name.push(IGNORE);
        found = patterns(Path::new(&name))?.map(|patterns| (patterns, true));
    }
    if found.is_none() {
        found = patterns(&root.join(IGNORE))?.map(|patterns| (patterns, false));
    }
    Ok(found.map(|(patterns, specific)| Ignore { patterns, specific }))
}

fn patterns(path: &Path) -> Result<Option<Patterns>, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => {
            let message = format!("failed to read `{}`: {error}", path.display());
            return Err(Failure::new(Class::BuildFailed, message));
        }
    };
    let patterns = Patterns::parse(&text).map_err(|error| {
        let message = format!("`{}` cannot be understood: {error}", path.display());
        Failure::new(Class::BuildFailed, message)
    })?;
    Ok(Some(patterns))
}

fn is_missing(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

/// Where the Dockerfile is to be found by the engine.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// In the context, and sent with it.
    Sent(Vec<u8>),
    /// In the context, and ignored by the `.dockerignore` that the engine reads too.
    Ignored(Vec<u8>),
    /// It must be added under a name of its own.
    Added,
}

impl Place {
    fn path(&self, content: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Sent(path) | Self::Ignored(path) => Cow::Borrowed(path),
            Self::Added => Cow::Owned(added_name(content)),
        }
    }
}

/// The name of a Dockerfile that comes from elsewhere.
fn added_name(content: &[u8]) -> Vec<u8> {
    let digest = human::hex(&Sha256::digest(content)[..10]);
    format!(".dockerfile.{digest}").into_bytes()
}

fn place(spec: &BuildSpec, walk: &Walk, specific: bool) -> Result<Place, Failure> {
    let file = match &spec.dockerfile {
        DockerfileSource::File(path) => path.clone(),
        DockerfileSource::InContext(path) => walk.root().join(path),
        DockerfileSource::Inline(_) | DockerfileSource::Instead(..) => return Ok(Place::Added),
    };
    // Links are followed here, since what they lead to may not be sent.
    let real = file.canonicalize().unwrap_or(file);
    let Ok(inside) = real.strip_prefix(walk.root()) else {
        return Ok(Place::Added);
    };
    let path = portable(inside);
    let ignored = walk
        .ignores(&path)
        .map_err(|error| unreadable(&error.into()))?;
    Ok(match (ignored, specific) {
        (false, _) => Place::Sent(path),
        (true, false) => Place::Ignored(path),
        (true, true) => Place::Added,
    })
}

/// A path with `/` between its elements.
fn portable(path: &Path) -> Vec<u8> {
    let elements: Vec<&[u8]> = path.iter().map(std::ffi::OsStr::as_encoded_bytes).collect();
    elements.join(&b'/')
}

fn for_docker(place: &Place, content: &[u8], walk: &Walk) -> Result<Vec<Own>, Failure> {
    let ignore = |content: Vec<u8>, instead| Own {
        path: IGNORE.into(),
        content,
        instead,
    };
    let dockerfile = |path: Vec<u8>| Own {
        path,
        content: content.to_vec(),
        instead: Instead::Kept,
    };
    Ok(match place {
        Place::Sent(_) => Vec::new(),
        Place::Ignored(path) => {
            let own = walk.root().join(IGNORE);
            let text = std::fs::read(&own).map_err(|error| {
                let message = format!("failed to read `{}`: {error}", own.display());
                Failure::new(Class::BuildFailed, message)
            })?;
            vec![dockerfile(path.clone()), ignore(text, Instead::Kept)]
        }
        Place::Added => {
            let name = added_name(content);
            let line = [b"\n", name.as_slice(), b"\n"].concat();
            let alone = [name.as_slice(), b"\n", IGNORE.as_bytes(), b"\n"].concat();
            vec![dockerfile(name), ignore(alone, Instead::Extended(line))]
        }
    })
}

fn for_buildah(place: &Place, content: &[u8], filtered: bool) -> Vec<Own> {
    let mut own = Vec::new();
    let mut hidden = BUILDAHS_IGNORE.as_bytes().to_vec();
    if let Place::Ignored(_) | Place::Added = place {
        let path = place.path(content).into_owned();
        hidden.push(b'\n');
        hidden.extend_from_slice(&path);
        own.push(Own {
            path,
            content: content.to_vec(),
            instead: Instead::Kept,
        });
    }
    // Without it, Buildah would apply the context's `.dockerignore` once more.
    if filtered || !own.is_empty() {
        hidden.push(b'\n');
        own.push(Own {
            path: BUILDAHS_IGNORE.into(),
            content: hidden,
            instead: Instead::Kept,
        });
    }
    own
}

fn exists(walk: &Walk, name: &str) -> bool {
    let path: PathBuf = walk.root().join(name);
    path.symlink_metadata().is_ok()
}
