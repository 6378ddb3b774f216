//! Looking at build contexts: what is taken of them, what is ignored, and how large it is.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::compose::Context;
use crate::context::ignore::Patterns;
use crate::context::walk::Walk;
use crate::diagnostic::Span;
use crate::dockerfile::Instruction;
use crate::doctor::{self, ContextSeen, Lost, Read};

/// How long measuring all contexts may take: what is larger than can be counted in this time is large.
const LIMIT: Duration = Duration::from_millis(200);
/// How many of the largest things in a context are told.
const LARGEST: usize = 3;

/// How closely to look.
pub(super) enum Depth {
    /// At what is named: it costs nothing to speak of.
    Named,
    /// Also at how large contexts are of which all is taken, be it by an instruction or by a builder
    /// that is sent everything, as that of these services is.
    Measured {
        /// Services whose builder is sent everything.
        classic: Vec<String>,
    },
}

/// Looks at the contexts of `dockerfiles`. Blocks.
pub(super) fn look<'a>(
    dockerfiles: impl IntoIterator<Item = &'a Read>,
    depth: &Depth,
) -> Vec<ContextSeen> {
    let until = Instant::now() + LIMIT;
    let mut measured = HashMap::new();
    dockerfiles
        .into_iter()
        .filter_map(|read| {
            let Context::Directory(directory) = &read.build.context else {
                return None;
            };
            let directory = directory.canonicalize().ok()?;
            let (ignore_file, patterns) = ignore(read, &directory);
            let instructions = taking(read);
            let is_whole = |(_, sources): &&(Span, Vec<String>)| {
                sources
                    .iter()
                    .any(|source| matches!(inside(source), "" | "." | "*"))
            };
            let whole = instructions
                .iter()
                .find(is_whole)
                .map(|(place, _)| place.clone());
            let mut seen = ContextSeen {
                service: read.service.clone(),
                lost: lost(&directory, patterns.as_ref(), &instructions),
                clutter: match depth {
                    Depth::Measured { .. } if whole.is_some() => {
                        clutter(&directory, patterns.as_ref(), read)
                    }
                    _ => Vec::new(),
                },
                unlocked: match depth {
                    Depth::Measured { .. } => unlocked(&directory, patterns.as_ref()),
                    Depth::Named => Vec::new(),
                },
                ignore_file,
                whole,
                ..ContextSeen::default()
            };
            if let Depth::Measured { classic } = depth
                && (seen.whole.is_some() || classic.contains(&seen.service))
            {
                let key = (directory.clone(), seen.ignore_file.clone());
                let size = measured
                    .entry(key)
                    .or_insert_with(|| Size::of(&directory, patterns, until));
                seen.bytes = Some(size.bytes);
                seen.complete = size.complete;
                seen.largest.clone_from(&size.largest);
            }
            seen.directory = directory;
            Some(seen)
        })
        .collect()
}

/// The ignore file that counts, and what it says: that of the Dockerfile before that of the context.
fn ignore(read: &Read, directory: &Path) -> (Option<PathBuf>, Option<Patterns>) {
    let own = match &read.build.dockerfile {
        crate::compose::Dockerfile::File(path) => {
            let mut name = path.clone().into_os_string();
            name.push(".dockerignore");
            Some(PathBuf::from(name))
        }
        _ => None,
    };
    let candidates = own.into_iter().chain([directory.join(".dockerignore")]);
    for path in candidates {
        if let Ok(text) = std::fs::read_to_string(&path) {
            return (Some(path), Patterns::parse(&text).ok());
        }
    }
    (None, None)
}

/// The instructions that take something out of the context, in stages that are needed.
fn taking(read: &Read) -> Vec<(Span, Vec<String>)> {
    read.needed_stages()
        .into_iter()
        .flat_map(|(_, stage)| stage.instructions)
        .filter(|it| matches!(it.keyword.as_str(), "COPY" | "ADD"))
        .filter(|it| !it.heredoc && it.flags("from").next().is_none())
        .map(|it| {
            let place = Span::lines(&read.source, it.first_line, it.last_line);
            (place, sources(it))
        })
        .collect()
}

/// The sources of a `COPY`, be it written in words or as a list.
fn sources(instruction: &Instruction) -> Vec<String> {
    let words: Vec<&str> = instruction.words().collect();
    let text = words.join(" ");
    let mut all: Vec<String> = match serde_json::from_str(&text) {
        Ok(list) => list,
        Err(_) => words.into_iter().map(str::to_owned).collect(),
    };
    all.pop();
    all
}

/// A source as a path in the context.
fn inside(source: &str) -> &str {
    let source = source.trim_start_matches('/');
    source
        .strip_prefix("./")
        .unwrap_or(source)
        .trim_end_matches('/')
}

/// The sources that are there and ignored, of those that are written out.
fn lost(
    directory: &Path,
    patterns: Option<&Patterns>,
    instructions: &[(Span, Vec<String>)],
) -> Vec<Lost> {
    let Some(patterns) = patterns else {
        return Vec::new();
    };
    let is_lost = |source: &str| {
        let path = inside(source);
        let plain = !source.contains(['$', '*', '?', '[', '\\', '"']) && !source.contains("://");
        let leads_out = path.split('/').any(|part| matches!(part, "" | "." | ".."));
        if !plain || leads_out {
            return false;
        }
        let Ok(data) = directory.join(path).symlink_metadata() else {
            return false;
        };
        let ignored = patterns.matches(path.as_bytes()).unwrap_or(false);
        ignored && !(data.is_dir() && patterns.may_negate_below(path.as_bytes()))
    };
    instructions
        .iter()
        .flat_map(|(place, sources)| sources.iter().map(move |source| (place, source)))
        .filter(|(_, source)| is_lost(source))
        .map(|(place, source)| Lost {
            source: source.clone(),
            place: place.clone(),
        })
        .collect()
}

/// Directories that hardly belong into an image, and what must lie beside each for it to be what its name
/// says.
const CLUTTER: [(&str, &[&str]); 8] = [
    (".git", &[]),
    ("node_modules", &["package.json"]),
    (".venv", &[]),
    ("venv", &["venv/pyvenv.cfg"]),
    ("__pycache__", &[]),
    (".tox", &[]),
    (".gradle", &[]),
    ("target", &["Cargo.toml", "pom.xml"]),
];

/// Those that are there and not ignored.
fn clutter(directory: &Path, patterns: Option<&Patterns>, read: &Read) -> Vec<String> {
    let is_ignored = |name: &str| {
        patterns.is_some_and(|patterns| patterns.matches(name.as_bytes()).unwrap_or(true))
    };
    let asks_git = read
        .dockerfile
        .instructions
        .iter()
        .any(|it| it.arguments.contains("git "));
    CLUTTER
        .into_iter()
        .filter(|(name, beside)| {
            directory.join(name).exists()
                && (beside.is_empty() || beside.iter().any(|file| directory.join(file).exists()))
        })
        // Some builds ask it for their version.
        .filter(|(name, _)| *name != ".git" || !asks_git)
        .map(|(name, _)| name)
        .filter(|name| !is_ignored(name))
        .map(str::to_owned)
        .collect()
}

/// The manifests of package managers that are there without a file that fixes their versions.
fn unlocked(directory: &Path, patterns: Option<&Patterns>) -> Vec<String> {
    let is_sent = |name: &str| {
        let ignored = patterns.is_some_and(|it| it.matches(name.as_bytes()).unwrap_or(false));
        directory.join(name).is_file() && !ignored
    };
    let mut found: Vec<String> = doctor::locks()
        .filter(|(manifest, locks)| is_sent(manifest) && !locks.iter().any(|lock| is_sent(lock)))
        .map(|(manifest, _)| manifest.to_owned())
        .collect();
    found.dedup();
    found
}

/// How large a context is.
struct Size {
    bytes: u64,
    complete: bool,
    largest: Vec<(String, u64)>,
}

impl Size {
    /// What is not ignored, as far as it can be counted until then.
    fn of(directory: &Path, patterns: Option<Patterns>, until: Instant) -> Self {
        let mut size = Self {
            bytes: 0,
            complete: true,
            largest: Vec::new(),
        };
        let mut parts: HashMap<Vec<u8>, u64> = HashMap::new();
        let Ok(walk) = Walk::ignoring(directory, patterns) else {
            return size;
        };
        for entry in walk.entries() {
            let Ok(entry) = entry else {
                // What cannot be read is told by the build.
                break;
            };
            if entry.has_content() && entry.link.is_empty() {
                let first = entry
                    .path
                    .split(|byte| *byte == b'/')
                    .next()
                    .unwrap_or_default();
                *parts.entry(first.to_owned()).or_default() += entry.size;
                size.bytes += entry.size;
            }
            if Instant::now() > until {
                size.complete = false;
                break;
            }
        }
        size.largest = parts
            .into_iter()
            .map(|(name, bytes)| (String::from_utf8_lossy(&name).into_owned(), bytes))
            .collect();
        size.largest
            .sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(&other.0)));
        size.largest.truncate(LARGEST);
        size
    }
}
