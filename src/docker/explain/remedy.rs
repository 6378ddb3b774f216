//! What mends a failure, by its class: exact commands where there are any.

use std::path::Path;

use super::{Builder, Read};
use crate::docker::reference;
use crate::docker::spec::{BuildSpec, ContextSource, PullPolicy};
use crate::dockerfile::Dockerfile;
use crate::failure::Class;
use crate::human;

/// What mends it, best first.
pub(super) fn hints(read: &Read<'_>, spec: &BuildSpec) -> Vec<String> {
    let one = |hint: &str| vec![hint.to_owned()];
    let text = read.text;
    match read.class {
        Class::RunFailed
            if super::not_started(text).is_some_and(|why| why.contains("\"/bin/sh\"")) =>
        {
            one(
                "the image has no shell: write the command as a list, or begin with an image that has one",
            )
        }
        Class::RunFailed => read
            .exit_code
            .and_then(meaning)
            .map(one)
            .unwrap_or_default(),
        Class::RunKilled => {
            one("exit code 137: killed, most often because memory ran out (free -m, docker stats)")
        }
        Class::CopySource => super::missing_path(text)
            .and_then(|path| source_hint(path, spec))
            .into_iter()
            .collect(),
        Class::TargetMissing => stages(spec).into_iter().collect(),
        // Whoever suggests an instruction knows here-documents.
        Class::DockerfileSyntax
            if text.contains("unknown instruction") && text.contains("(did you mean ") =>
        {
            Vec::new()
        }
        Class::DockerfileSyntax if text.contains("nknown") => one(
            "a here-document or a flag that this engine does not know yet looks like this too; `# syntax=docker/dockerfile:1` as the first line fetches a newer frontend",
        ),
        Class::FrontendTooOld => one(
            "write `# syntax=docker/dockerfile:1` into the first line, which fetches the newest frontend",
        ),
        Class::FrontendUnavailable => frontend(read),
        Class::RegistryUnreachable if text.contains(" status ") => {
            one("the registry, or a proxy in front of it, has trouble of its own: try again later")
        }
        Class::RegistryUnreachable => {
            let mut hints = one(
                "the engine could not reach the registry: check its network, DNS and proxy (docker info)",
            );
            if spec.pull == PullPolicy::Always {
                hints.push("without --pull, base images that the engine has are used".to_owned());
            }
            hints
        }
        Class::RateLimited => {
            let mut hints = one(&format!("log in to raise the limit: {}", login(read.image)));
            hints.insert(
                0,
                match retry_after(text) {
                    Some(wait) => format!("the registry asks to wait for {wait}"),
                    None => "wait, and build again: the registry does not tell how long".to_owned(),
                },
            );
            hints
        }
        Class::RegistryDenied => {
            vec![format!(
                "log in as a user who may: {}, then build again",
                login(read.image)
            )]
        }
        Class::ImageMissing => {
            vec![format!(
                "check name and tag; for a private image: {}, then build again",
                login(read.image)
            )]
        }
        Class::BuildFailed if text.contains("invalid UTF-8") => one(
            "this engine takes no file names that are not UTF-8: leave them out in `.dockerignore`, or rename them (LC_ALL=C.UTF-8 find . | grep -axv '.*' lists them)",
        ),
        Class::SecretMissing => secret(text),
        Class::SshMissing => agent(text),
        Class::DiskFull => room(read.builder),
        class => fixed(class, text, spec),
    }
}

/// How a secret is declared that a `RUN` asks for.
fn secret(text: &str) -> Vec<String> {
    if text.starts_with("failed to read") {
        return vec!["it was there when the build began: build again".to_owned()];
    }
    let id = secret_id(text).unwrap_or("ID");
    vec![
        format!(
            "declare it: `secrets: [{id}]` under the service's `build:`, and at the top level of the compose file `secrets: {{ {id}: {{ file: ./{id} }} }}`"
        ),
        format!("or give it to this build: --secret id={id},src=FILE"),
    ]
}

/// The id in what a builder says of a secret that it was not given.
fn secret_id(text: &str) -> Option<&str> {
    let (_, after) = ["no secret with id ", "secret "]
        .into_iter()
        .find_map(|words| text.split_once(words))?;
    let end = after.find([' ', ':'])?;
    Some(&after[..end])
}

/// How an agent is declared that a `RUN` asks for.
fn agent(text: &str) -> Vec<String> {
    let id = text.split('"').nth(1).filter(|id| !id.is_empty());
    let declared = match id {
        None | Some("default") => "default".to_owned(),
        Some(id) => format!("\"{id}=${{SSH_AUTH_SOCK}}\""),
    };
    vec![
        format!("declare it: `ssh: [{declared}]` under the service's `build:`"),
        "start an agent with the key: eval $(ssh-agent) && ssh-add".to_owned(),
    ]
}

/// What makes room where a builder keeps its steps.
pub(super) fn room(builder: Builder<'_>) -> Vec<String> {
    let hints: &[&str] = match builder {
        Builder::Engine => &[
            "see what takes the room: docker system df",
            "free what this project has in the build cache: dcb cache prune",
            "or what everybody has there: dcb cache prune --all-projects",
        ],
        Builder::Classic => &[
            "see what takes the room: docker system df",
            "remove images without a name, which is how this builder keeps steps: docker image prune",
        ],
        Builder::Podman => &[
            "as the user who runs Podman, see what takes the room: podman system df",
            "remove images without a name, which is how it keeps steps: podman image prune",
        ],
        Builder::Own(name) => {
            return vec![format!(
                "make room in its cache: docker buildx prune --builder {name}"
            )];
        }
    };
    hints.iter().map(|hint| (*hint).to_owned()).collect()
}

/// The remedies that depend on nothing but the class.
fn fixed(class: Class, text: &str, spec: &BuildSpec) -> Vec<String> {
    let hints: &[&str] = match class {
        Class::BuilderBroken => &[
            "look into the engine's log: journalctl -u docker --since -5min",
            "restart it: sudo systemctl restart docker; if that does not help: docker builder prune --all",
        ],
        Class::Entitlement if text.contains("network.host") => &[
            "allow it in the engine's daemon.json and restart it: {\"builder\": {\"Entitlements\": {\"network-host\": true}}}",
        ],
        Class::Entitlement => &[
            "allow it in the engine's daemon.json and restart it: {\"builder\": {\"Entitlements\": {\"security-insecure\": true}}}",
        ],
        Class::MultiPlatform => &[
            "build one platform, or let the engine keep its images in containerd (daemon.json: {\"features\": {\"containerd-snapshotter\": true}})",
        ],
        Class::CacheConfig => &["correct `cache_from` and `cache_to` of the service's `build:`"],
        Class::CredentialHelper => &[
            "correct `credsStore` and `credHelpers` in ~/.docker/config.json, or install that program",
        ],
        Class::Unsupported if text.contains("subdir") => &[
            "name the directory in `dockerfile:` instead (`context: URL#ref`, `dockerfile: DIR/Dockerfile`), or clone the repository and build from there",
        ],
        Class::Unsupported => &["use an engine with BuildKit, or leave the flag out"],
        Class::CacheExport => {
            let tag = spec.tags.last().map_or("IMAGE", String::as_str);
            return vec![format!(
                "only the cache is not kept; the image may be there: docker image inspect {tag}"
            )];
        }
        _ => &[],
    };
    hints.iter().map(|hint| (*hint).to_owned()).collect()
}

/// The command that logs in to the registry of `image`.
pub(super) fn login(image: Option<&str>) -> String {
    let full = image.and_then(|image| reference::normalize(image).ok());
    match full.as_deref().map(reference::registry) {
        None | Some("docker.io") => "docker login".to_owned(),
        Some(registry) => format!("docker login {registry}"),
    }
}

fn frontend(read: &Read<'_>) -> Vec<String> {
    let own = "leave the `# syntax=` line out to build with the engine's own frontend".to_owned();
    match read.image {
        Some(image) => vec![
            format!("fetch it where the registry can be reached: docker pull {image}"),
            own,
        ],
        None => vec![
            "name a frontend for Dockerfiles: `# syntax=docker/dockerfile:1`".to_owned(),
            own,
        ],
    }
}

/// How long a registry asks to wait, in its own words: `retry-after: 1.5s, allowed: ...`.
pub(super) fn retry_after(text: &str) -> Option<&str> {
    let (_, after) = text.split_once("retry-after: ")?;
    let end = after.find([',', ' ', '\n']).unwrap_or(after.len());
    Some(&after[..end])
}

/// What an exit code commonly means.
fn meaning(code: i32) -> Option<&'static str> {
    match code {
        126 => Some("exit code 126: the file was found and is not executable"),
        127 => Some("exit code 127: the command was not found in the image"),
        139 => Some("exit code 139: the program crashed (segmentation fault)"),
        _ => None,
    }
}

/// The stage that was meant, or all there are.
fn stages(spec: &BuildSpec) -> Option<String> {
    let text = super::place::text(spec)?;
    let dockerfile = Dockerfile::parse(&text);
    let names: Vec<String> = dockerfile
        .stages()
        .into_iter()
        .filter_map(|stage| stage.name)
        .collect();
    let target = spec.target.as_deref()?.to_lowercase();
    let name = &spec.dockerfile_name;
    Some(
        match human::nearest(&target, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => {
                format!("no stage of `{name}` has a name: write `FROM ... AS {target}`")
            }
            None => format!("its stages are {}", human::list(&names)),
        },
    )
}

/// Why a source is not in the context.
fn source_hint(path: &str, spec: &BuildSpec) -> Option<String> {
    let ContextSource::Directory(root) = &spec.context else {
        return None;
    };
    let full = root.join(path);
    if full.symlink_metadata().is_ok() {
        return Some(format!(
            "`{}` exists, so `.dockerignore` leaves it out",
            full.display()
        ));
    }
    let wanted = full.file_name()?.to_string_lossy().into_owned();
    let names: Vec<String> = std::fs::read_dir(full.parent()?)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let near = human::nearest(&wanted, names.iter().map(String::as_str));
    Some(match near {
        Some(name) => format!(
            "did you mean `{}`?",
            Path::new(path).with_file_name(name).display()
        ),
        None => format!("sources are looked up in the context, `{}`", root.display()),
    })
}

#[cfg(test)]
mod tests {
    use super::{retry_after, secret_id};

    #[test]
    fn the_secret_that_is_missing_is_named() {
        for text in [
            "secret tok not found: not found",
            "secret tok: not found",
            "resolving mountpoints for container \"d2e3\": secret required but no secret with id tok found",
        ] {
            assert_eq!(secret_id(text), Some("tok"), "{text}");
        }
    }

    #[test]
    fn the_wait_that_a_registry_asks_for_is_read() {
        let text = "toomanyrequests: retry-after: 1.5s, allowed: 44000/minute";
        assert_eq!(retry_after(text), Some("1.5s"));
        assert_eq!(retry_after("429 Too Many Requests"), None);
    }
}
