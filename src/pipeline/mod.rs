//! `dcb ci`: a pipeline for a project on a build server. What is printed is a file of the team's own: short
//! enough to read, and with nothing in it that is for other projects.
//!
//! All three do the same, in this order: dcb is installed, where it is not kept from the run before; the
//! registries that the project needs are logged in to; the build cache is given a place that outlives the
//! machine; the doctor looks; the images are built; the run is kept as a picture and as its journal.
//!
//! Where the project says itself which caches its services share (`x-dcb.cache`), these are used. Elsewhere
//! the cache comes as one more compose file, because the files of the project are for people's machines. It
//! names each service, as `gha` is no place for `x-dcb.cache`, and entries of a service's own come before
//! what a project says for all: so a `--cache` that is typed is the one that counts.

mod github;
mod gitlab;
mod jenkins;

use std::ffi::OsStr;

use crate::process;

pub use github::github;
pub use gitlab::gitlab;
pub use jenkins::jenkins;

/// Where the build cache is kept between two runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cache {
    /// The cache of GitHub Actions.
    GitHub,
    /// A registry, under this name.
    Registry(String),
    /// A directory that the build server keeps.
    Directory,
    /// Only in the engine.
    Engine,
    /// Where the project says in its compose file.
    Project {
        /// The variable that says which of them is written: `prod` for what is pushed, else `dev`.
        chosen_by: Option<String>,
        /// Directories that are the only place, as paths from where a job begins.
        directories: Vec<String>,
    },
}

impl Cache {
    /// Whether the engine has to keep its images in containerd to write it.
    fn needs_containerd(&self) -> bool {
        *self != Self::Engine
    }
}

/// What is known of a project, and what is wished for.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// The services that are built.
    pub services: Vec<String>,
    /// The compose files by their names in the repository; none where dcb finds them by itself.
    pub files: Vec<String>,
    /// Other flags that choose the project.
    pub flags: Vec<String>,
    /// Where the cache is kept.
    pub cache: Cache,
    /// Whether the project says in its compose file that it is kept elsewhere.
    pub said_elsewhere: bool,
    /// The registries that have to know who asks.
    pub registries: Vec<String>,
    /// Whether images are pushed, but for changes that are only proposed.
    pub push: bool,
    /// Whether the classic builder is used.
    pub traditional: bool,
    /// The version of dcb.
    pub version: &'static str,
}

impl Pipeline {
    /// `dcb` with its flags and `words`.
    fn dcb(&self, words: &str) -> String {
        let flags = self.flags.iter();
        let flags: String = flags
            .map(|flag| format!(" {}", process::quote(OsStr::new(flag))))
            .collect();
        format!("dcb{flags} {words}")
    }

    fn build(&self) -> String {
        let how = if self.traditional {
            " --force-traditional"
        } else {
            ""
        };
        self.dcb(&format!("build{how}"))
    }

    /// The lines of a shell that build, and push where the condition `released` holds. What is pushed
    /// begins with the caches of production, where the project has such.
    fn build_and_push(&self, released: &str) -> Vec<String> {
        let build = self.build();
        let kind = self.chosen_by();
        let kind = kind.map_or(String::new(), |variable| format!("{variable}=prod "));
        vec![
            format!("if {released}; then"),
            format!("  {kind}{build} --push"),
            "else".to_owned(),
            format!("  {build}"),
            "fi".to_owned(),
        ]
    }

    /// The variable that says which of the project's own caches is written. A job sets it to `dev`.
    fn chosen_by(&self) -> Option<&str> {
        match &self.cache {
            Cache::Project { chosen_by, .. } => chosen_by.as_deref(),
            _ => None,
        }
    }

    /// The command that installs dcb, without where to.
    fn install(&self) -> String {
        format!("cargo install --locked dcb@{}", self.version)
    }

    /// The compose file that gives every service its cache; `directory` is where the build server keeps
    /// one. No line when there is none.
    fn cache_file(&self, directory: &str) -> Vec<String> {
        let silenced = self.cache == Cache::Engine && self.said_elsewhere;
        if !silenced && matches!(self.cache, Cache::Engine | Cache::Project { .. }) {
            return Vec::new();
        }
        let mut lines = vec!["services:".to_owned()];
        for service in &self.services {
            if silenced {
                lines.push(format!(
                    "  {}: {{ x-dcb: {{ cache: false }} }}",
                    key(service)
                ));
                continue;
            }
            let (from, to) = match &self.cache {
                Cache::GitHub => {
                    let place = format!("type=gha,scope={service}");
                    (place.clone(), format!("{place},mode=max"))
                }
                Cache::Registry(name) => {
                    let place = format!("type=registry,ref={}", tagged(name, service));
                    (place.clone(), format!("{place},mode=max"))
                }
                Cache::Directory | Cache::Engine | Cache::Project { .. } => (
                    format!("type=local,src={directory}/{service}"),
                    format!("type=local,dest={directory}/{service},mode=max"),
                ),
            };
            lines.push(format!("  {}:", key(service)));
            lines.push("    build:".to_owned());
            lines.push(format!("      cache_from: [\"{from}\"]"));
            lines.push(format!("      cache_to: [\"{to}\"]"));
        }
        lines
    }

    /// The commands of a shell that write `lines` into `file`.
    fn written(lines: &[String], file: &str) -> Vec<String> {
        let mut commands = vec![format!("cat > \"{file}\" <<'YAML'")];
        commands.extend(lines.iter().cloned());
        commands.push("YAML".to_owned());
        commands
    }

    /// What `COMPOSE_FILE` has to be, with `more` behind the files of the project; none when dcb finds
    /// them by itself.
    fn compose_file(&self, more: Option<&str>) -> Option<String> {
        let files: Vec<&str> = self.files.iter().map(String::as_str).chain(more).collect();
        (more.is_some() || !files.is_empty()).then(|| files.join(":"))
    }
}

/// The name of a service as a key of YAML, where one of digits alone would be a number.
fn key(service: &str) -> String {
    if service.starts_with(|c: char| c.is_ascii_alphabetic()) {
        service.to_owned()
    } else {
        format!("\"{service}\"")
    }
}

/// The name of a service's cache beside those of others: the service is a part of the tag.
fn tagged(name: &str, service: &str) -> String {
    let tag = name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'));
    match tag {
        Some((name, tag)) => format!("{name}:{tag}-{service}"),
        None => format!("{name}:cache-{service}"),
    }
}

/// The beginning of the names of a registry's variables and secrets: `registry.example.org` is
/// `REGISTRY_EXAMPLE_ORG`. An address gets a word in front, as names of variables need.
fn variable(registry: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    let name: String = registry.chars().map(plain).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("REGISTRY_{name}")
    } else {
        name
    }
}

/// The command of a shell that puts logins into the file that dcb and docker read; each is a registry and
/// the variables of user and password, all as a shell expands them. The password is in no argument: `printf`
/// is the shell's own.
fn login(logins: &[(String, String, String)]) -> Vec<String> {
    let mut commands = vec!["mkdir -p \"$DOCKER_CONFIG\"".to_owned()];
    let auths: Vec<&str> = logins.iter().map(|_| r#""%s":{"auth":"%s"}"#).collect();
    let arguments: String = logins
        .iter()
        .map(|(registry, user, password)| {
            format!(
                " \\\n  \"{registry}\" \"$(printf '%s' \"${user}:${password}\" | base64 | tr -d '\\n')\""
            )
        })
        .collect();
    commands.push(format!(
        "(umask 077 && printf '{{\"auths\":{{{}}}}}'{arguments} \\\n  > \"$DOCKER_CONFIG/config.json\")",
        auths.join(",")
    ));
    commands.join("\n").lines().map(str::to_owned).collect()
}

/// `lines` with `indent` blanks in front of each.
fn indented(lines: &[String], indent: usize) -> String {
    lines
        .iter()
        .map(|line| format!("{:indent$}{line}\n", ""))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_has_a_cache_of_its_own() {
        for (name, expected) in [
            ("ghcr.io/acme/shop:ci", "ghcr.io/acme/shop:ci-web"),
            ("ghcr.io/acme/shop", "ghcr.io/acme/shop:cache-web"),
            ("localhost:5000/shop", "localhost:5000/shop:cache-web"),
            ("$CI_REGISTRY_IMAGE", "$CI_REGISTRY_IMAGE:cache-web"),
        ] {
            assert_eq!(tagged(name, "web"), expected);
        }
    }
}
