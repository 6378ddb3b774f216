//! One build as an argument vector of `buildx build`.
//!
//! The values of build arguments do not stand in it, for everybody on the machine may read the
//! arguments of a process: `--build-arg NAME` takes the value from the environment, which only its
//! owner reads. Not so where buildx, or what it is made of, would act on a variable of that name: a
//! build argument `DOCKER_HOST` must not send the build elsewhere. Those are spelt out, and where such
//! a value is secret it is refused.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use crate::docker::cache_entry::{CacheEntry, CacheKey, CacheKind, VARIABLES};
use crate::docker::spec::{
    BuildSpec, CacheUse, ContextSource, Destination, DockerfileSource, Keeper, Network, Output,
    PullPolicy, SecretValue, SshAgent,
};
use crate::failure::{Class, Failure};
use crate::process::Command;
use crate::secret::{self, ArgValue};

/// What is known around a build.
pub(super) struct Around<'a> {
    /// buildx.
    pub(super) program: &'a Path,
    /// The builder's name.
    pub(super) builder: &'a str,
    /// A directory that nobody else reads, for what has to be a file.
    pub(super) directory: &'a Path,
    /// The environment that buildx inherits.
    pub(super) environment: &'a IndexMap<String, String>,
    /// The proxy arguments that buildx adds by itself, out of the docker configuration.
    pub(super) proxies: &'a [(String, String)],
}

/// The file in a private directory into which buildx writes what it made.
pub(super) fn metadata(directory: &Path) -> PathBuf {
    directory.join("metadata.json")
}

/// The command that builds `spec` and puts the image into the engine, or into its registry.
///
/// # Errors
/// When a build argument cannot be handed over without being seen, or a file cannot be written.
pub(super) fn command(spec: &BuildSpec, around: &Around<'_>) -> Result<Command, Failure> {
    // Every field by name: a new one that is not handed on here does not compile.
    let BuildSpec {
        context,
        dockerfile,
        dockerfile_name: _,
        target,
        args,
        labels,
        tags,
        platforms,
        cache,
        cache_from,
        cache_to,
        pull,
        network,
        contexts,
        extra_hosts,
        shm_size,
        ulimits,
        entitlements,
        attestations,
        secrets,
        ssh,
        destination,
        output,
    } = spec;
    let mut words = Words::default();
    words.flag("--builder", around.builder);
    words.switch("--progress=rawjson");
    result(output.as_ref(), *destination, around, &mut words)?;
    for tag in tags {
        words.flag("--tag", tag);
    }
    if let Some(target) = target {
        words.flag("--target", target);
    }
    for (name, value) in labels {
        words.flag("--label", &format!("{name}={value}"));
    }
    if !platforms.is_empty() {
        words.flag("--platform", &platforms.join(","));
    }
    match cache {
        CacheUse::Normal => {}
        CacheUse::Without(stages) => stages
            .iter()
            .for_each(|stage| words.flag("--no-cache-filter", stage)),
        // Plans keep `Mounts` away from buildx, which empties them.
        CacheUse::Mounts | CacheUse::None => words.switch("--no-cache"),
    }
    for entry in cache_from.iter().chain(cache_to) {
        words.flag(entry.key.flag(), &cache_entry(entry, around)?);
    }
    if *pull == PullPolicy::Always {
        words.switch("--pull");
    }
    match network {
        Network::Default => {}
        Network::Host => words.flag("--network", "host"),
        Network::None => words.flag("--network", "none"),
        Network::Named(name) => words.flag("--network", name),
    }
    for (host, address) in extra_hosts {
        words.flag("--add-host", &csv(&format!("{host}={address}")));
    }
    if let Some(bytes) = shm_size {
        words.flag("--shm-size", &bytes.to_string());
    }
    for limit in ulimits {
        let limit = format!("{}={}:{}", limit.name, limit.soft, limit.hard);
        words.flag("--ulimit", &limit);
    }
    for entitlement in entitlements {
        words.flag("--allow", entitlement);
    }
    for (name, context) in contexts {
        let context = context.to_string();
        if secret::without_password(&context) != context {
            return Err(in_address("additional_contexts"));
        }
        words.flag("--build-context", &format!("{name}={context}"));
    }
    attest(attestations, &mut words);
    mount(secrets, &mut words);
    forward(ssh, &mut words)?;
    build_args(args, around, &mut words)?;
    dockerfile_words(dockerfile, around.directory, &mut words)?;
    match context {
        ContextSource::Directory(path) => words.arguments.push(path.into()),
        ContextSource::Remote(address) if secret::without_password(address) != *address => {
            return Err(in_address("context"));
        }
        ContextSource::Remote(address) => words.arguments.push(address.into()),
    }
    let mut command = Command::new(around.program)
        .args(["build"])
        .args(words.arguments);
    command.handed = words.handed;
    Ok(command)
}

#[derive(Default)]
struct Words {
    arguments: Vec<OsString>,
    handed: Vec<(String, ArgValue)>,
}

impl Words {
    fn flag(&mut self, flag: &str, value: &str) {
        self.arguments.extend([flag.into(), value.into()]);
    }

    fn switch(&mut self, flag: &str) {
        self.arguments.push(flag.into());
    }
}

/// A field as flags that take lists of comma-separated values need it.
pub(super) fn csv(field: &str) -> String {
    if field.contains([',', '"']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// What is to be attested. buildx attests the provenance of its own accord, with the time of the
/// build in it; only what is asked for is wanted, so that nothing built anew is nothing changed.
fn attest(attestations: &IndexMap<String, String>, words: &mut Words) {
    for (kind, parameters) in attestations {
        let comma = if parameters.is_empty() { "" } else { "," };
        words.flag("--attest", &format!("type={kind}{comma}{parameters}"));
    }
    if !attestations.contains_key("provenance") {
        words.flag("--attest", "type=provenance,disabled=true");
    }
}

/// The secrets, from their files and from variables of names that nobody else has.
fn mount(secrets: &IndexMap<String, SecretValue>, words: &mut Words) {
    for (index, (id, value)) in secrets.iter().enumerate() {
        let source = match value {
            SecretValue::File(path) => format!("src={}", path.display()),
            SecretValue::Variable { value, .. } => {
                let variable = format!("DCB_BUILD_SECRET_{index}");
                words.handed.push((variable.clone(), value.into()));
                format!("env={variable}")
            }
        };
        words.flag(
            "--secret",
            &format!("{},{}", csv(&format!("id={id}")), csv(&source)),
        );
    }
}

/// The SSH agents: a socket, or keys that buildx makes an agent of.
fn forward(agents: &IndexMap<String, SshAgent>, words: &mut Words) -> Result<(), Failure> {
    for (id, agent) in agents {
        let paths = match agent {
            SshAgent::Socket(path) => std::slice::from_ref(path),
            SshAgent::Keys(paths) => paths.as_slice(),
        };
        let paths: Vec<String> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        if let Some(path) = paths.iter().find(|path| path.contains(',')) {
            return Err(Failure::new(
                Class::Unsupported,
                format!("`{path}` under `ssh:` has a comma in it, at which buildx would cut it"),
            )
            .hint("move or link it to a path without one"));
        }
        words.flag("--ssh", &format!("{id}={}", paths.join(",")));
    }
    Ok(())
}

/// What to tell of an address that everybody could read among buildx's arguments.
/// What becomes of what was built.
fn result(
    output: Option<&Output>,
    destination: Keeper,
    around: &Around<'_>,
    words: &mut Words,
) -> Result<(), Failure> {
    match (output, destination) {
        (Some(output), _) => words.flag("--output", &output_words(output)?),
        (None, Keeper::Engine) => words.switch("--load"),
        (None, Keeper::Registry) => {
            words.switch("--push");
            let path = metadata(around.directory);
            words
                .arguments
                .extend(["--metadata-file".into(), path.into()]);
        }
    }
    Ok(())
}

/// What buildx writes instead of an image of the engine.
fn output_words(output: &Output) -> Result<String, Failure> {
    let Destination::Path(path) = &output.to else {
        let failure = Failure::new(
            Class::Unsupported,
            "a builder of your own cannot write to standard output through dcb",
        );
        return Err(failure.hint("write a file: --output type=tar,dest=FILE"));
    };
    let mut fields = vec![
        format!("type={}", output.form),
        csv(&format!("dest={}", path.display())),
    ];
    let options = output.options.iter();
    fields.extend(options.map(|(name, value)| csv(&format!("{name}={value}"))));
    Ok(fields.join(","))
}

/// A cache as buildx reads it. What it was completed with from the environment, buildx finds there
/// itself. A cache that cannot be written costs no image, unless the entry says so.
fn cache_entry(entry: &CacheEntry, around: &Around<'_>) -> Result<String, Failure> {
    let mut fields = vec![format!("type={}", entry.kind.id())];
    for (name, value) in &entry.attributes {
        let text = value.reveal();
        let is_there = |variable: &&str| {
            around
                .environment
                .get(*variable)
                .is_some_and(|own| own == text)
        };
        if VARIABLES.iter().any(is_there) {
            continue;
        }
        if value.is_secret() {
            let failure = Failure::new(
                Class::Unsupported,
                format!(
                    "`{name}` under `{}` is secret, and there is no way to hand it to buildx unseen",
                    entry.key.name()
                ),
            );
            return Err(failure.hint("leave it out, and set the variable that buildx reads it from, such as AWS_SECRET_ACCESS_KEY"));
        }
        fields.push(csv(&format!("{name}={text}")));
    }
    if entry.key == CacheKey::To
        && entry.kind != CacheKind::Inline
        && entry.attribute("ignore-error").is_none()
    {
        fields.push("ignore-error=true".to_owned());
    }
    Ok(fields.join(","))
}

fn in_address(key: &str) -> Failure {
    Failure::new(
        Class::Unsupported,
        format!(
            "an address under `{key}` has a password in it, and there is no way to hand it to buildx unseen"
        ),
    )
    .hint("write the address without it, and give the token as the secret `GIT_AUTH_TOKEN` under `secrets:`")
}

fn build_args(
    args: &IndexMap<String, ArgValue>,
    around: &Around<'_>,
    words: &mut Words,
) -> Result<(), Failure> {
    for (name, value) in args {
        let text = value.reveal();
        let is_there = around.environment.get(name).is_some_and(|own| own == text);
        let is_added = around
            .proxies
            .iter()
            .any(|(own, proxy)| own == name && proxy == text);
        if is_there {
            words.flag("--build-arg", name);
        } else if !acts(name) {
            words.flag("--build-arg", name);
            words.handed.push((name.clone(), value.clone()));
        } else if is_added {
            // buildx reads it where dcb did.
        } else if value.is_secret() {
            return Err(unseen(name));
        } else {
            words.flag("--build-arg", &format!("{name}={text}"));
        }
    }
    Ok(())
}

/// Variables that buildx, the docker libraries, git, the network and the loader act on.
const ACTING: [&str; 33] = [
    "ALL_PROXY",
    "FTP_PROXY",
    "GODEBUG",
    "GOGC",
    "GOMAXPROCS",
    "GOMEMLIMIT",
    "GOTRACEBACK",
    "HOME",
    "HOMEDRIVE",
    "HOMEPATH",
    "HOSTALIASES",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "KUBECONFIG",
    "LOCALAPPDATA",
    "LOCALDOMAIN",
    "NO_COLOR",
    "NO_PROXY",
    "PATH",
    "PATHEXT",
    "PROGRAMDATA",
    "PWD",
    "RES_OPTIONS",
    "SOURCE_DATE_EPOCH",
    "SSH_AUTH_SOCK",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "SYSTEMROOT",
    "TEMP",
    "TERM",
    "TMP",
    "TMPDIR",
    "USERPROFILE",
];

/// Beginnings of the names of more of them.
const ACTING_BEGINNINGS: [&str; 15] = [
    "ACTIONS_",
    "AWS_",
    "AZURE_",
    "BUILDKIT_",
    "BUILDX_",
    "COMPOSE_",
    "DOCKER_",
    "DYLD_",
    "EXPERIMENTAL_BUILDKIT_",
    "GIT_",
    "GOOGLE_",
    "KUBERNETES_",
    "LD_",
    "OTEL_",
    "XDG_",
];

/// Whether buildx would act on a variable of this name, or none can have it. On Windows, and of the
/// proxies everywhere, the case of a name does not count.
fn acts(name: &str) -> bool {
    let upper = name.to_uppercase();
    name.is_empty()
        || name.contains(['=', '\0'])
        || ACTING.contains(&upper.as_str())
        || ACTING_BEGINNINGS
            .iter()
            .any(|beginning| upper.starts_with(beginning))
}

fn unseen(name: &str) -> Failure {
    Failure::new(
        Class::Unsupported,
        format!(
            "the build argument `{name}` looks secret, and there is no way to hand it to buildx unseen: it would act on a variable of that name itself"
        ),
    )
    .hint("declare it under `secrets:` and mount it where it is needed: RUN --mount=type=secret")
    .hint(format!(
        "or export it with that value, so that nothing changes for buildx: export {name}"
    ))
}

/// Names the Dockerfile, written into `directory` where it is not a file as it is.
fn dockerfile_words(
    source: &DockerfileSource,
    directory: &Path,
    words: &mut Words,
) -> Result<(), Failure> {
    let path = match source {
        DockerfileSource::File(path) => path.clone(),
        DockerfileSource::InContext(path) => PathBuf::from(path),
        DockerfileSource::Instead(path, text) => in_its_place(path, text, directory)?,
        DockerfileSource::Inline(text) => write(directory.join("Dockerfile"), text)?,
    };
    words.arguments.extend(["--file".into(), path.into()]);
    Ok(())
}

/// `text` in a file of the name that `path` has, with the ignore file that goes with it.
fn in_its_place(path: &Path, text: &str, directory: &Path) -> Result<PathBuf, Failure> {
    let name = path.file_name().unwrap_or_default();
    let mut ignore = name.to_owned();
    ignore.push(".dockerignore");
    if let Ok(text) = std::fs::read_to_string(path.with_file_name(&ignore)) {
        write(directory.join(&ignore), &text)?;
    }
    write(directory.join(name), text)
}

fn write(path: PathBuf, text: &str) -> Result<PathBuf, Failure> {
    std::fs::write(&path, text).map_err(|error| unwritten(&path, &error))?;
    Ok(path)
}

/// What to tell when a file for buildx cannot be written.
pub(super) fn unwritten(path: &Path, error: &io::Error) -> Failure {
    Failure::new(
        Class::Internal,
        format!("failed to write `{}` for buildx: {error}", path.display()),
    )
    .hint("is the disk of the temporary directory full? TMPDIR names another")
}

#[cfg(test)]
mod tests;
