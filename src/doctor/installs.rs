//! What Dockerfiles install with package managers: whether its downloads are kept, and whether its
//! versions are fixed.

use super::seen::Read;
use super::{Finding, Found, Seen};
use crate::diagnostic::Span;
use crate::dockerfile::Instruction;

/// A package manager: its program, the words by which it downloads, what a cache mount for it is named by,
/// its manifest, and the files that fix versions.
struct Manager {
    program: &'static str,
    verbs: &'static [&'static str],
    cache: &'static [&'static str],
    manifest: &'static str,
    locks: &'static [&'static str],
}

const NPM_LOCKS: &[&str] = &[
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
];

const MANAGERS: &[Manager] = &[
    Manager {
        program: "pip",
        verbs: &["install", "wheel", "download"],
        cache: &["pip", ".cache"],
        manifest: "",
        locks: &[],
    },
    Manager {
        program: "npm",
        verbs: &["ci", "install", "i"],
        cache: &["npm", ".cache"],
        manifest: "package.json",
        locks: NPM_LOCKS,
    },
    Manager {
        program: "yarn",
        verbs: &["install"],
        cache: &["yarn", ".cache"],
        manifest: "package.json",
        locks: NPM_LOCKS,
    },
    Manager {
        program: "pnpm",
        verbs: &["install", "i", "fetch"],
        cache: &["pnpm"],
        manifest: "package.json",
        locks: NPM_LOCKS,
    },
    Manager {
        program: "cargo",
        verbs: &["build", "install", "fetch", "test"],
        cache: &["cargo", "target"],
        manifest: "Cargo.toml",
        locks: &["Cargo.lock"],
    },
    Manager {
        program: "go",
        verbs: &["build", "mod", "install", "test"],
        cache: &["go"],
        manifest: "go.mod",
        locks: &["go.sum"],
    },
    Manager {
        program: "bundle",
        verbs: &["install"],
        cache: &["bundle", "gem"],
        manifest: "Gemfile",
        locks: &["Gemfile.lock"],
    },
    Manager {
        program: "composer",
        verbs: &["install"],
        cache: &["composer", ".cache"],
        manifest: "composer.json",
        locks: &["composer.lock"],
    },
];

/// The files that fix versions, by the manifest that they belong to.
pub fn locks() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    let with = MANAGERS.iter().filter(|manager| !manager.locks.is_empty());
    with.map(|manager| (manager.manifest, manager.locks))
}

impl Manager {
    /// Whether a `RUN` has it download something. Here-documents are not looked into.
    fn is_run_by(&self, instruction: &Instruction) -> bool {
        let words: Vec<&str> = instruction.words().collect();
        let is_it = |word: &str| {
            let name = word.rsplit('/').next().unwrap_or(word);
            name == self.program || (self.program == "pip" && name == "pip3")
        };
        instruction.keyword == "RUN"
            && words.iter().enumerate().any(|(at, word)| {
                let verb = words[at + 1..].iter().find(|word| !word.starts_with('-'));
                is_it(word) && verb.is_some_and(|verb| self.verbs.contains(verb))
            })
    }

    fn is_cached(&self, instruction: &Instruction) -> bool {
        instruction.flags("mount").any(|mount| {
            let cache = mount.split(',').any(|field| field == "type=cache");
            cache && self.cache.iter().any(|name| mount.contains(name))
        })
    }
}

/// Instructions of stages that are needed which run a package manager.
fn installs(read: &Read) -> Vec<(&'static Manager, Instruction)> {
    let needed = read
        .dockerfile
        .needed_stages(read.build.target.as_deref(), &read.build.args);
    let stages = read.dockerfile.stages().into_iter().enumerate();
    let instructions = stages
        .filter(|(number, _)| needed.contains(number))
        .flat_map(|(_, stage)| stage.instructions.to_vec());
    instructions
        .filter_map(|it| {
            let manager = MANAGERS.iter().find(|manager| manager.is_run_by(&it))?;
            Some((manager, it))
        })
        .collect()
}

/// Finds what is downloaded anew whenever its step runs.
pub(super) fn downloads(seen: &Seen<'_>) -> Found {
    let mut found = Vec::new();
    for read in seen.chosen()? {
        for (manager, it) in installs(read) {
            if manager.is_cached(&it) {
                continue;
            }
            let finding = Finding::note(format!(
                "`{}` downloads with {} and keeps nothing of it",
                read.service, manager.program
            ));
            found.push(
                finding
                    .so("whenever this step runs anew, everything is downloaded anew")
                    .mend("RUN --mount=type=cache,target=… with the directory that it caches in")
                    .at(Span::lines(&read.source, it.first_line, it.last_line)),
            );
        }
    }
    Ok(found)
}

/// Finds what is installed in versions of the day.
pub(super) fn unlocked(seen: &Seen<'_>) -> Found {
    let Some(contexts) = seen.contexts else {
        seen.project()?;
        return Err("contexts were not looked at".into());
    };
    let mut found = Vec::new();
    for read in seen.chosen()? {
        let context = contexts
            .iter()
            .find(|context| context.service == read.service);
        let manifests = context.map(|context| context.unlocked.as_slice());
        let manifests = manifests.unwrap_or_default();
        let missing = installs(read).into_iter().find(|(manager, _)| {
            manifests
                .iter()
                .any(|manifest| manifest == manager.manifest)
        });
        if let Some((manager, it)) = missing {
            let finding = Finding::note(format!(
                "`{}` installs by `{}` with {}, and no {} fixes the versions",
                read.service,
                manager.manifest,
                manager.program,
                manager.locks.join(" or ")
            ));
            found.push(
                finding
                    .so("two builds of the same sources may differ")
                    .mend("commit the file that fixes the versions, and do not ignore it")
                    .at(Span::lines(&read.source, it.first_line, it.last_line)),
            );
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use crate::doctor::ContextSeen;
    use crate::doctor::testing::Case;

    fn with(dockerfile: &str) -> Case {
        let mut case = Case::default();
        case.project("services: { web: { build: . } }");
        case.dockerfile("web", dockerfile);
        case
    }

    #[test]
    fn a_package_manager_without_a_cache_mount_is_noted() {
        for (run, noted) in [
            ("pip install -r r.txt", true),
            ("python3 -m pip --quiet install x", true),
            (
                "--mount=type=cache,target=/root/.cache/pip pip install x",
                false,
            ),
            (
                "--mount=type=cache,target=/var/cache/apt pip install x",
                true,
            ),
            ("npm ci", true),
            ("npm run build", false),
            ("--mount=type=cache,target=/root/.npm npm ci", false),
            ("cargo build --release", true),
            ("--mount=type=cache,target=/app/target cargo build", false),
            ("go mod download", true),
            ("go version", false),
            ("echo pip install", true),
            ("make install", false),
        ] {
            let case = with(&format!("FROM a\nRUN {run}\n"));
            assert_eq!(!case.finds("DKF-08").is_empty(), noted, "{run}");
        }
        // In a stage that nobody asks for.
        assert!(
            with("FROM a AS x\nRUN npm ci\nFROM a\n")
                .finds("DKF-08")
                .is_empty()
        );
    }

    #[test]
    fn a_manifest_without_its_lock_is_noted_where_it_is_used() {
        for (run, unlocked, noted) in [
            ("npm install", "package.json", true),
            ("npm install", "Cargo.toml", false),
            ("cargo build", "Cargo.toml", true),
            ("make", "package.json", false),
        ] {
            let mut case = with(&format!("FROM a\nRUN {run}\n"));
            case.contexts = Some(vec![ContextSeen {
                service: "web".into(),
                unlocked: vec![unlocked.into()],
                ..ContextSeen::default()
            }]);
            assert_eq!(!case.finds("CTX-04").is_empty(), noted, "{run} {unlocked}");
        }
    }
}
