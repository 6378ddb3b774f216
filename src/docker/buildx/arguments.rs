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
mod tests {
    use super::*;
    use crate::compose::Ulimit;
    use crate::docker::spec::NamedContext;
    use crate::secret::Secret;

    fn spec() -> BuildSpec {
        BuildSpec {
            tags: vec!["docker.io/library/shop-web:latest".into()],
            ..BuildSpec::new(
                ContextSource::Directory("/src".into()),
                DockerfileSource::File("/src/web.Dockerfile".into()),
                "web.Dockerfile",
            )
        }
    }

    /// The command as it would be typed, in an environment and with proxies added.
    fn typed(spec: &BuildSpec, environment: &[(&str, &str)]) -> Result<String, Failure> {
        let directory = tempfile::tempdir().expect("a directory");
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let around = Around {
            program: Path::new("buildx"),
            builder: "mine",
            directory: directory.path(),
            environment: &environment.iter().map(owned).collect(),
            proxies: &[("HTTP_PROXY".into(), "http://u:p@proxy".into())],
        };
        let told = command(spec, &around)?.to_string();
        Ok(told.replace(&directory.path().display().to_string(), "<private>"))
    }

    #[test]
    fn a_plain_build_is_loaded_and_attests_nothing() {
        assert_eq!(
            typed(&spec(), &[]).expect("a command"),
            "buildx build --builder mine --progress=rawjson --load --tag docker.io/library/shop-web:latest \
             --attest type=provenance,disabled=true --file /src/web.Dockerfile /src"
        );
    }

    #[test]
    fn what_is_to_be_pushed_is_not_loaded() {
        let spec = BuildSpec {
            destination: Keeper::Registry,
            ..spec()
        };
        let told = typed(&spec, &[]).expect("a command");
        assert!(
            told.contains(" --push --metadata-file <private>/metadata.json --tag "),
            "{told}"
        );
        assert!(!told.contains("--load"), "{told}");
    }

    #[test]
    fn every_key_has_its_flag() {
        let spec = BuildSpec {
            context: ContextSource::Remote("https://example.org/a.git".into()),
            dockerfile: DockerfileSource::InContext("x/Dockerfile".into()),
            target: Some("prod".into()),
            labels: IndexMap::from([("a.b".into(), "c d".into())]),
            tags: Vec::new(),
            platforms: vec!["linux/amd64".into(), "linux/arm64".into()],
            cache: CacheUse::Without(vec!["deps".into()]),
            pull: PullPolicy::Always,
            network: Network::None,
            extra_hosts: vec![("db".into(), "::1".into())],
            shm_size: Some(64 << 20),
            ulimits: vec![Ulimit {
                name: "nofile".into(),
                soft: 1,
                hard: 2,
            }],
            entitlements: vec!["security.insecure".into()],
            attestations: IndexMap::from([
                ("provenance".into(), "mode=max".into()),
                ("sbom".into(), String::new()),
            ]),
            ..spec()
        };
        assert_eq!(
            typed(&spec, &[]).expect("a command"),
            "buildx build --builder mine --progress=rawjson --load --target prod --label 'a.b=c d' \
             --platform linux/amd64,linux/arm64 --no-cache-filter deps --pull --network none \
             --add-host db=::1 --shm-size 67108864 --ulimit nofile=1:2 --allow security.insecure \
             --attest type=provenance,mode=max --attest type=sbom --file x/Dockerfile \
             https://example.org/a.git"
        );
    }

    /// What becomes of one build argument: the variables and the words.
    fn arg(name: &str, value: &str, environment: &[(&str, &str)]) -> Result<String, Class> {
        let spec = BuildSpec {
            args: IndexMap::from([(name.into(), ArgValue::new(name, value))]),
            ..spec()
        };
        let told = typed(&spec, environment).map_err(|failure| failure.class)?;
        let (variables, rest) = told.split_once("buildx build").expect("a command");
        let words = rest.split_once("--build-arg ").map_or("", |(_, rest)| {
            rest.split_once(" --file").expect("a file").0
        });
        Ok(format!("{variables}{words}"))
    }

    #[test]
    fn secrets_and_agents_are_named_and_not_shown() {
        let variable = SecretValue::Variable {
            name: "TOKEN".into(),
            value: Secret::new("hush"),
        };
        let spec = BuildSpec {
            secrets: IndexMap::from([
                ("file".into(), SecretValue::File("/s/a,b".into())),
                ("token".into(), variable),
            ]),
            ssh: IndexMap::from([
                ("default".into(), SshAgent::Socket("/run/agent".into())),
                (
                    "git".into(),
                    SshAgent::Keys(vec!["/k/a".into(), "/k/b".into()]),
                ),
            ]),
            contexts: IndexMap::from([
                ("src".into(), NamedContext::Directory("/other".into())),
                (
                    "base".into(),
                    NamedContext::Image("docker.io/library/a:1".into()),
                ),
            ]),
            ..spec()
        };
        let told = typed(&spec, &[]).expect("a command");
        for words in [
            "DCB_BUILD_SECRET_1='***' buildx",
            "--build-context src=/other --build-context base=docker-image://docker.io/library/a:1",
            r#"--secret 'id=file,"src=/s/a,b"' --secret id=token,env=DCB_BUILD_SECRET_1"#,
            "--ssh default=/run/agent --ssh git=/k/a,/k/b",
        ] {
            assert!(told.contains(words), "{words}: {told}");
        }
        assert!(!told.contains("hush"));
    }

    #[test]
    fn a_password_in_an_address_is_refused() {
        let address = "https://me:hush@example.org/a.git".to_owned();
        let context = BuildSpec {
            context: ContextSource::Remote(address.clone()),
            ..spec()
        };
        let named = BuildSpec {
            contexts: IndexMap::from([("a".into(), NamedContext::Remote(address))]),
            ..spec()
        };
        for spec in [context, named] {
            let failure = typed(&spec, &[]).expect_err("a refusal");
            assert_eq!(failure.class, Class::Unsupported);
            assert!(!failure.message.contains("hush"));
        }
    }

    #[test]
    fn values_of_arguments_go_through_the_environment() {
        assert_eq!(
            arg("VERSION", "1 2", &[]).as_deref(),
            Ok("VERSION='1 2' VERSION")
        );
        assert_eq!(arg("a.b", "", &[]).as_deref(), Ok("a.b='' a.b"));
        assert_eq!(
            arg("NPM_TOKEN", "abc", &[]).as_deref(),
            Ok("NPM_TOKEN='***' NPM_TOKEN")
        );
    }

    #[test]
    fn a_variable_that_buildx_acts_on_is_left_as_it_is() {
        assert_eq!(arg("DOCKER_HOST", "x", &[]).as_deref(), Ok("DOCKER_HOST=x"));
        assert_eq!(
            arg("http_proxy", "http://p", &[]).as_deref(),
            Ok("http_proxy=http://p")
        );
        assert_eq!(
            arg("PATH", "/bin", &[("PATH", "/bin")]).as_deref(),
            Ok("PATH")
        );
        let key = "AWS_SECRET_ACCESS_KEY";
        assert_eq!(arg(key, "abc", &[]), Err(Class::Unsupported));
        assert_eq!(arg(key, "abc", &[(key, "abc")]).as_deref(), Ok(key));
    }

    #[test]
    fn the_proxies_of_the_docker_configuration_are_buildxs_own_to_add() {
        assert_eq!(
            arg("HTTP_PROXY", "http://u:p@proxy", &[]).as_deref(),
            Ok("")
        );
        assert_eq!(
            arg("HTTP_PROXY", "http://u:p@other", &[]),
            Err(Class::Unsupported)
        );
    }

    #[test]
    fn a_dockerfile_that_is_no_file_becomes_one() {
        let inline = BuildSpec {
            dockerfile: DockerfileSource::Inline("FROM a".into()),
            ..spec()
        };
        let told = typed(&inline, &[]).expect("a command");
        assert!(told.ends_with("--file <private>/Dockerfile /src"), "{told}");
    }
}
