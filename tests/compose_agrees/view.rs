//! What both can tell of a project, in one form: the only place where a difference of spelling is
//! taken for none.
//!
//! A view has, for every active service, a flat list of `place -> value`. Places that begin with
//! `bake.` come from `build --print`, the others from `config --format json`. Left out are: what is
//! empty or off, Compose's version label, `dockerfile` and `secrets` as written (`bake.` has what
//! they come to), the order of ulimits, ssh keys and targets, and dependencies that take no part.
//! A Dockerfile that Compose leaves to the builder is the builder's own choice.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use dcb::compose::{Build, Context, Dockerfile, Node, Project, Request, SecretSource, Service};
use serde_json::{Map, Value, json};

/// One service: places and what is there.
pub type Places = BTreeMap<String, Value>;

/// A project.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct View {
    /// Its name.
    pub name: String,
    /// Its active services.
    pub services: BTreeMap<String, Places>,
}

/// One place where two views are not the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Unlike {
    /// The service; empty for the project itself.
    pub service: String,
    /// The place in it; empty for the service as such.
    pub place: String,
    /// What dcb has there.
    pub ours: Value,
    /// What Compose has there.
    pub theirs: Value,
}

impl View {
    /// Where this, which is dcb's, and `other` differ.
    pub fn unlike(&self, other: &View) -> Vec<Unlike> {
        let mut found = Vec::new();
        let mut add = |service: &str, place: &str, ours: Value, theirs: Value| {
            if ours != theirs {
                let (service, place) = (service.to_owned(), place.to_owned());
                found.push(Unlike {
                    service,
                    place,
                    ours,
                    theirs,
                });
            }
        };
        add("", "name", json!(self.name), json!(other.name));
        let names = self.services.keys().chain(other.services.keys());
        for name in names.collect::<std::collections::BTreeSet<_>>() {
            let (Some(ours), Some(theirs)) = (self.services.get(name), other.services.get(name))
            else {
                let has = |view: &View| json!(view.services.contains_key(name));
                add(name, "", has(self), has(other));
                continue;
            };
            let places = ours.keys().chain(theirs.keys());
            for place in places.collect::<std::collections::BTreeSet<_>>() {
                let at = |places: &Places| places.get(place).cloned().unwrap_or_default();
                add(name, place, at(ours), at(theirs));
            }
        }
        found
    }

    /// With what `build --print` tells alone.
    pub fn only_builds(mut self) -> Self {
        self.name.clear();
        self.services.retain(|_, places| {
            places.retain(|place, _| place.starts_with("bake."));
            !places.is_empty()
        });
        self
    }

    /// With the services alone that `names` has.
    pub fn narrowed(mut self, names: &[String]) -> Self {
        self.services.retain(|name, _| names.contains(name));
        self
    }

    fn without_absent_dependencies(mut self) -> Self {
        let names: Vec<String> = self.services.keys().cloned().collect();
        for places in self.services.values_mut() {
            places.retain(|place, _| {
                let target = place.strip_prefix("depends_on.");
                target.is_none_or(|target| names.iter().any(|name| name == target))
            });
        }
        self
    }

    /// Without what only `build --print` tells.
    pub fn without_builds(mut self) -> Self {
        for places in self.services.values_mut() {
            places.retain(|place, _| !place.starts_with("bake."));
        }
        self
    }
}

/// Keeps `value` unless it is empty or off.
fn put(places: &mut Places, place: impl Into<String>, value: Value) {
    let nothing = match &value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    };
    if !nothing {
        places.insert(place.into(), value);
    }
}

// --- Compose ------------------------------------------------------------------------------------

/// Compose's view: its `config`, and its `build --print` if it has that.
pub fn theirs(config: &Value, builds: Option<&Value>, request: &Request) -> View {
    let config = unescaped(config, "$$", "$");
    let mut view = View {
        name: config["name"].as_str().unwrap_or_default().to_owned(),
        services: BTreeMap::new(),
    };
    for (name, service) in config["services"].as_object().into_iter().flatten() {
        let mut places = Places::new();
        from_config(&mut places, service);
        let target = builds.map(|builds| &builds["target"][name.replace('.', "_")]);
        if let Some(Value::Object(target)) = target {
            from_target(&mut places, target, &request.directory);
        }
        view.services.insert(name.clone(), places);
    }
    view.without_absent_dependencies()
}

/// The part of Compose's view that its `build --print` tells.
pub fn of_builds(builds: &Value, request: &Request) -> View {
    let mut view = View::default();
    for (name, target) in builds["target"].as_object().into_iter().flatten() {
        let mut places = Places::new();
        if let Value::Object(target) = target {
            from_target(&mut places, target, &request.directory);
        }
        view.services.insert(name.clone(), places);
    }
    view
}

/// What `value` was before every `wanted` in it was written as `escape`.
fn unescaped(value: &Value, escape: &str, wanted: &str) -> Value {
    match value {
        Value::String(escaped) => Value::String(escaped.replace(escape, wanted)),
        Value::Array(items) => items
            .iter()
            .map(|item| unescaped(item, escape, wanted))
            .collect(),
        Value::Object(map) => {
            let entries = map.iter();
            entries
                .map(|(key, value)| {
                    let key = key.replace(escape, wanted);
                    (key, unescaped(value, escape, wanted))
                })
                .collect()
        }
        other => other.clone(),
    }
}

fn from_config(places: &mut Places, service: &Value) {
    for key in ["image", "platform", "pull_policy", "profiles"] {
        put(places, key, service[key].clone());
    }
    for (name, dependency) in service["depends_on"].as_object().into_iter().flatten() {
        put(
            places,
            format!("depends_on.{name}"),
            dependency["condition"].clone(),
        );
    }
    for (key, value) in service["build"].as_object().into_iter().flatten() {
        let place = format!("build.{key}");
        match (key.as_str(), value) {
            ("dockerfile" | "secrets" | "ssh" | "context", _) => {}
            (_, _) if key.starts_with("x-") => {}
            (_, Value::Object(map)) => {
                for (name, value) in map {
                    let value = if key == "ulimits" {
                        limit(value)
                    } else {
                        value.clone()
                    };
                    // An empty argument is an argument.
                    places.insert(format!("{place}.{name}"), value);
                }
            }
            _ => put(places, place, value.clone()),
        }
    }
}

/// A limit as `soft:hard`.
fn limit(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let of = |key: &str| map.get(key).and_then(Value::as_i64).unwrap_or_default();
            json!(format!("{}:{}", of("soft"), of("hard")))
        }
        single => json!(format!("{single}:{single}")),
    }
}

fn from_target(places: &mut Places, target: &Map<String, Value>, here: &Path) {
    // The builder takes its own current directory for a context that is not there.
    let context = target.get("context").cloned().unwrap_or(json!(here));
    let inline = target.contains_key("dockerfile-inline");
    let dockerfile = target.get("dockerfile").and_then(Value::as_str);
    match (context.as_str(), dockerfile) {
        (Some(context), dockerfile) if !inline && context.starts_with('/') => {
            let file = match dockerfile {
                // Collecting leaves out each `.` that was joined.
                Some(file) => Path::new(context).join(file).components().collect(),
                None => clean(&Path::new(context).join("Dockerfile")),
            };
            places.insert("bake.dockerfile".to_owned(), json!(file));
        }
        (_, None) if inline => {}
        (_, dockerfile) => {
            put(
                places,
                "bake.dockerfile",
                json!(dockerfile.unwrap_or("Dockerfile")),
            );
        }
    }
    places.insert("bake.context".to_owned(), context);
    for (key, value) in target {
        let place = format!("bake.{key}");
        let value = match key.as_str() {
            "args" | "dockerfile-inline" => unescaped(value, "$${", "${"),
            _ => value.clone(),
        };
        match (key.as_str(), &value) {
            ("context" | "dockerfile", _) => {}
            ("ulimits", Value::Array(items)) => {
                let mut items: Vec<Value> = items.iter().map(bake_limit).collect();
                items.sort_by_key(ToString::to_string);
                put(places, place, Value::Array(items));
            }
            ("ssh", Value::Array(items)) => {
                let mut items = items.clone();
                items.sort_by_key(ToString::to_string);
                put(places, place, Value::Array(items));
            }
            (_, Value::Object(map)) => {
                for (name, value) in map {
                    if name != "com.docker.compose.version" {
                        places.insert(format!("{place}.{name}"), value.clone());
                    }
                }
            }
            _ => put(places, place, value),
        }
    }
}

/// An absolute path without `..`.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(clean.pop()),
            other => clean.push(other),
        }
    }
    clean
}

/// `n=1` as `n=1:1`.
fn bake_limit(item: &Value) -> Value {
    let text = item.as_str().unwrap_or_default();
    match text.split_once('=') {
        Some((_, limits)) if !limits.contains(':') => json!(format!("{text}:{limits}")),
        _ => item.clone(),
    }
}

// --- dcb ----------------------------------------------------------------------------------------

/// dcb's view.
pub fn ours(project: &Project) -> View {
    let services = project.services.values().map(|service| {
        let mut places = Places::new();
        let node = project.tree.at(&["services", &service.name]);
        of_service(&mut places, service, node);
        if let Some(build) = &service.build {
            of_build(&mut places, build);
            of_target(&mut places, build, service, project);
        }
        (service.name.clone(), places)
    });
    View {
        name: project.name.clone(),
        services: services.collect(),
    }
}

fn of_service(places: &mut Places, service: &Service, node: Option<&Node>) {
    put(places, "image", json!(service.image));
    put(places, "platform", json!(service.platform));
    put(places, "pull_policy", json!(service.pull_policy));
    let profiles = node.and_then(|node| node.get("profiles")?.as_list());
    let profiles = profiles.into_iter().flatten().filter_map(Node::as_text);
    put(places, "profiles", profiles.collect());
    for name in &service.depends_on {
        let condition = node.and_then(|node| node.at(&["depends_on", name, "condition"]));
        let condition = condition
            .and_then(Node::as_text)
            .unwrap_or("service_started");
        places.insert(format!("depends_on.{name}"), json!(condition));
    }
}

fn of_build(places: &mut Places, build: &Build) {
    for (name, value) in &build.args {
        places.insert(format!("build.args.{name}"), json!(value));
    }
    for (name, value) in &build.labels {
        places.insert(format!("build.labels.{name}"), json!(value));
    }
    for (name, context) in &build.additional_contexts {
        places.insert(
            format!("build.additional_contexts.{name}"),
            context_text(context, "service:"),
        );
    }
    for limit in &build.ulimits {
        let value = format!("{}:{}", limit.soft, limit.hard);
        places.insert(format!("build.ulimits.{}", limit.name), json!(value));
    }
    let mut hosts: Vec<String> = build
        .extra_hosts
        .iter()
        .map(|(host, ip)| format!("{host}={ip}"))
        .collect();
    hosts.sort();
    for (key, value) in [
        ("target", json!(build.target)),
        ("tags", json!(build.tags)),
        ("platforms", json!(build.platforms)),
        ("no_cache", json!(build.no_cache)),
        ("pull", json!(build.pull)),
        ("network", json!(build.network)),
        ("extra_hosts", json!(hosts)),
        (
            "shm_size",
            json!(build.shm_size.map(|size| size.to_string())),
        ),
        ("isolation", json!(build.isolation)),
        ("privileged", json!(build.privileged)),
        ("entitlements", json!(build.entitlements)),
        ("cache_from", json!(build.cache_from)),
        ("cache_to", json!(build.cache_to)),
        ("no_cache_filter", json!(build.no_cache_filter)),
        ("provenance", json!(build.provenance)),
        ("sbom", json!(build.sbom)),
    ] {
        put(places, format!("build.{key}"), value);
    }
    if let Dockerfile::Inline(text, _) = &build.dockerfile {
        put(places, "build.dockerfile_inline", json!(text));
    }
}

fn context_text(context: &Context, service: &str) -> Value {
    match context {
        Context::Directory(path) => json!(path),
        Context::Remote(address) => json!(address),
        Context::Service(name) => json!(format!("{service}{name}")),
    }
}

fn of_target(places: &mut Places, build: &Build, service: &Service, project: &Project) {
    places.insert(
        "bake.context".to_owned(),
        context_text(&build.context, "service:"),
    );
    for (name, context) in &build.additional_contexts {
        let text = match context {
            Context::Service(name) => json!(format!("target:{}", name.replace('.', "_"))),
            other => context_text(other, ""),
        };
        places.insert(format!("bake.contexts.{name}"), text);
    }
    match &build.dockerfile {
        Dockerfile::File(path) => put(places, "bake.dockerfile", json!(path)),
        Dockerfile::InContext(path) => put(places, "bake.dockerfile", json!(path)),
        Dockerfile::Inline(text, _) => put(places, "bake.dockerfile-inline", json!(text)),
    }
    for (name, value) in &build.args {
        places.insert(format!("bake.args.{name}"), json!(value));
    }
    let own = [
        ("com.docker.compose.project", project.name.clone()),
        ("com.docker.compose.service", service.name.clone()),
    ];
    let labels = build
        .labels
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()));
    for (name, value) in labels.chain(own) {
        places.insert(format!("bake.labels.{name}"), json!(value));
    }
    for (host, address) in &build.extra_hosts {
        let slot = places.entry(format!("bake.extra-hosts.{host}"));
        let value = slot.or_insert_with(|| json!(""));
        let before = value.as_str().unwrap_or_default();
        *value = json!(if before.is_empty() {
            address.clone()
        } else {
            format!("{before},{address}")
        });
    }
    for (key, value) in flat_target(build, service, project) {
        put(places, format!("bake.{key}"), value);
    }
}

/// The fields of a target that are no mappings.
fn flat_target(build: &Build, service: &Service, project: &Project) -> Vec<(&'static str, Value)> {
    let image = service.image_name(&project.name, '-');
    let tags: Vec<&String> = build.tags.iter().chain([&image]).collect();
    let ambient = project.environment.get("DOCKER_DEFAULT_PLATFORM");
    let platforms = match build.platforms.as_slice() {
        [] => service
            .platform
            .iter()
            .chain(ambient.filter(|_| service.platform.is_none()))
            .collect(),
        many => many.iter().collect::<Vec<_>>(),
    };
    let mut entitlements = build.entitlements.clone();
    if build.privileged {
        entitlements.push("security.insecure".to_owned());
    }
    let mut ulimits: Vec<String> = build
        .ulimits
        .iter()
        .map(|limit| format!("{}={}:{}", limit.name, limit.soft, limit.hard))
        .collect();
    ulimits.sort();
    let secrets = build.secrets.iter().map(|secret| match &secret.from {
        SecretSource::File(path) => format!("id={},type=file,src={}", secret.id, path.display()),
        SecretSource::Environment(name) => format!("id={},type=env,env={name}", secret.id),
    });
    let mut ssh: Vec<String> = build
        .ssh
        .iter()
        .map(|ssh| format!("{}={}", ssh.id, ssh.path.as_deref().unwrap_or_default()))
        .collect();
    ssh.sort();
    let output = if platforms.len() > 1 {
        "type=image,push=false"
    } else {
        "type=docker"
    };
    vec![
        ("tags", json!(tags)),
        ("platforms", json!(platforms)),
        ("entitlements", json!(entitlements)),
        ("ulimits", json!(ulimits)),
        ("secret", json!(secrets.collect::<Vec<_>>())),
        ("ssh", json!(ssh)),
        ("output", json!([output])),
        ("cache-from", json!(build.cache_from)),
        ("cache-to", json!(build.cache_to)),
        ("target", json!(build.target)),
        ("pull", json!(build.pull)),
        ("no-cache", json!(build.no_cache)),
        ("network", json!(build.network)),
        (
            "shm-size",
            json!(build.shm_size.map(|size| size.to_string())),
        ),
        ("attest", json!(attestations(build))),
    ]
}

fn attestations(build: &Build) -> Vec<String> {
    let pairs = [("provenance", &build.provenance), ("sbom", &build.sbom)];
    pairs
        .into_iter()
        .filter_map(|(kind, setting)| match setting.as_deref()? {
            "true" => Some(format!("type={kind}")),
            "false" => None,
            more => Some(format!("type={kind},{more}")),
        })
        .collect()
}
