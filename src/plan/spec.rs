//! A service's `build:` section and the request, joined into what the builder is asked for.

use indexmap::IndexMap;
use sha2::{Digest, Sha256};

use super::caches::{self, Parts};
use super::choose::Choice;
use super::guard::{self, Asked, SOURCE_DATE_EPOCH};
use super::{Attempt, Builders, Inputs, Request, contexts, platforms};
use crate::compose::{self, Build, Project, Service};
use crate::diagnostic::Diagnostic;
use crate::docker::{
    BuildSpec, CacheEntry, CacheKey, ContextSource, DockerfileSource, Keeper, NamedContext,
    Network, PullPolicy, Strategy, reference,
};
use crate::dockerfile::Dockerfile;
use crate::failure::{Class, Failure};
use crate::human;
use crate::secret::ArgValue;

/// What stands around the choice of how to build one service.
pub(super) struct Around<'a> {
    pub(super) project: &'a Project,
    pub(super) service: &'a Service,
    pub(super) own: &'a Build,
    pub(super) request: &'a Request,
    pub(super) builders: Builders<'a>,
    /// Directories of caches that several services write.
    pub(super) parts: &'a Parts,
    /// Whether it begins with images that this plan builds.
    pub(super) after_others: bool,
    /// Where its image goes if the builder is not the engine's own.
    pub(super) destination: Keeper,
}

impl Around<'_> {
    /// A choice with everything that its builder is asked for.
    pub(super) fn attempt(&self, choice: &Choice<'_>) -> Result<Attempt, Failure> {
        let build = choice.form.build(self.own);
        Ok(Attempt {
            strategy: choice.strategy.clone(),
            variant: choice.form.variant.as_ref().map(|own| own.marker.clone()),
            because: choice.because.clone(),
            prefix: prefix(self.project, self.service, build),
            spec: self.spec(build, choice)?,
        })
    }

    fn spec(&self, build: &Build, choice: &Choice<'_>) -> Result<BuildSpec, Failure> {
        let request = self.request;
        let contexts = contexts::of(self.project, build, request.separator);
        let named = self.builders.names_contexts(&choice.strategy);
        Ok(BuildSpec {
            context: match &build.context {
                compose::Context::Directory(path) => ContextSource::Directory(path.clone()),
                compose::Context::Remote(url) | compose::Context::Service(url) => {
                    ContextSource::Remote(url.clone())
                }
            },
            dockerfile: dockerfile(build, choice, if named { None } else { Some(&contexts) }),
            dockerfile_name: choice.form.name.clone(),
            target: build.target.clone(),
            args: self.args(build, &choice.strategy),
            labels: labels(self.project, self.service, build),
            tags: tags(self.project, self.service, build, request.separator)?,
            platforms: platforms::of(self.service, build, request),
            cache: request.no_cache.of(self.service, build, choice.form),
            cache_from: self.caches(build, &choice.strategy, CacheKey::From),
            cache_to: self.caches(build, &choice.strategy, CacheKey::To),
            // What this plan builds is in no registry, and a builder that pulls pulls everything.
            pull: if (request.pull || build.pull) && !self.after_others {
                PullPolicy::Always
            } else {
                PullPolicy::Missing
            },
            network: match build.network.as_deref() {
                None | Some("" | "default") => Network::Default,
                Some("host") => Network::Host,
                Some("none") => Network::None,
                Some(other) => Network::Named(other.to_owned()),
            },
            contexts: if named { contexts } else { IndexMap::new() },
            extra_hosts: build.extra_hosts.clone(),
            shm_size: build.shm_size,
            ulimits: build.ulimits.clone(),
            entitlements: entitlements(build),
            output: None,
            attestations: attestations(build),
            secrets: choice.form.given.secrets.clone(),
            ssh: choice.form.given.ssh.clone(),
            destination: match choice.strategy {
                Strategy::Buildx(_) => self.destination,
                Strategy::BuildKit | Strategy::Classic => Keeper::Engine,
            },
        })
    }

    fn caches(&self, build: &Build, strategy: &Strategy, key: CacheKey) -> Vec<CacheEntry> {
        self.caches_of(build, strategy, key).0
    }

    /// What there is to tell of caches that are left out.
    pub(super) fn caches_left_out(&self, build: &Build, strategy: &Strategy) -> Vec<Diagnostic> {
        let keys = [CacheKey::From, CacheKey::To];
        let told = keys.map(|key| self.caches_of(build, strategy, key).1);
        told.concat()
    }

    fn caches_of(
        &self,
        build: &Build,
        strategy: &Strategy,
        key: CacheKey,
    ) -> (Vec<CacheEntry>, Vec<Diagnostic>) {
        let asked = Asked::new(self.service, build, self.request);
        let ground = self.builders.ground();
        caches::of(self.project, self.parts, &asked, key, strategy, ground)
    }

    /// The arguments in Compose's order of strength: the command line, the file, the proxies.
    fn args(&self, build: &Build, strategy: &Strategy) -> IndexMap<String, ArgValue> {
        let request = self.request;
        let mut args: IndexMap<&str, &str> = IndexMap::new();
        let given = build.args.iter().chain(&request.build_args);
        args.extend(given.map(|(name, value)| (name.as_str(), value.as_str())));
        for (name, value) in &request.proxy_args {
            // BuildKit gives a step both spellings with the value of either, whichever it meets last:
            // a value of the user's own must stand under both.
            let own = args.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
            let value = own.map_or(value.as_str(), |(_, value)| *value);
            args.entry(name).or_insert(value);
        }
        let asked = Asked::new(self.service, build, request);
        if let Some(date) = &request.source_date_epoch
            && !guard::is_left_out(SOURCE_DATE_EPOCH, strategy, &asked, self.builders.ground())
        {
            args.entry(SOURCE_DATE_EPOCH).or_insert(date);
        }
        args.into_iter()
            .map(|(name, value)| (name.to_owned(), ArgValue::new(name, value)))
            .collect()
    }
}

/// Where the Dockerfile comes from: the file itself, unless something in it has to be replaced:
/// names of images that its builder cannot be given another way, or a `# syntax=` left aside.
fn dockerfile(
    build: &Build,
    choice: &Choice<'_>,
    rename: Option<&IndexMap<String, NamedContext>>,
) -> DockerfileSource {
    let rename = rename.filter(|names| !names.is_empty());
    let replaced = |text: &str| {
        let file = &choice.form.dockerfile;
        let text = match rename {
            Some(names) => file.renamed(text, &build.args, contexts::renamed(names)),
            None => text.to_owned(),
        };
        if choice.built_in {
            Dockerfile::without_syntax(&text)
        } else {
            text
        }
    };
    match (&build.dockerfile, &choice.form.source) {
        (compose::Dockerfile::File(path), Some(source)) if rename.is_some() || choice.built_in => {
            DockerfileSource::Instead(path.clone(), replaced(&source.text))
        }
        (compose::Dockerfile::File(path), _) => DockerfileSource::File(path.clone()),
        (compose::Dockerfile::InContext(path), _) => DockerfileSource::InContext(path.clone()),
        (compose::Dockerfile::Inline(text, _), _) => DockerfileSource::Inline(replaced(text)),
    }
}

/// The labels of the file, and those by which Compose knows its images.
///
/// Compose also writes its version; dcb does not, so that an update of either leaves images and
/// containers alone.
fn labels(project: &Project, service: &Service, build: &Build) -> IndexMap<String, String> {
    let mut labels = build.labels.clone();
    for (name, value) in [
        ("com.docker.compose.project", &project.name),
        ("com.docker.compose.service", &service.name),
    ] {
        labels.insert(name.to_owned(), value.clone());
    }
    labels
}

/// All names of the image in full form: the additional ones first, as Compose orders them.
fn tags(
    project: &Project,
    service: &Service,
    build: &Build,
    separator: char,
) -> Result<Vec<String>, Failure> {
    let image = service.image_name(&project.name, separator);
    let mut tags: Vec<String> = Vec::new();
    for name in build.tags.iter().chain([&image]) {
        let full = reference::normalize(name).map_err(|error| {
            let written = if *name == image {
                project.tree.at(&["services", &service.name, "image"])
            } else {
                project
                    .tree
                    .at(&["services", &service.name, "build", "tags"])
            };
            let at = written.map_or(&service.at, |node| &node.span).clone();
            let mut diagnostic = Diagnostic::error(error.to_string()).at(at, "");
            if service.image.is_none() && *name == image {
                diagnostic =
                    diagnostic.help(format!("give it a name: `image: {}`", image.to_lowercase()));
            }
            let message = format!("the image of `{}` cannot be named so", service.name);
            Failure::found(Class::ComposeInvalid, message, vec![diagnostic])
        })?;
        if !tags.contains(&full) {
            tags.push(full);
        }
    }
    Ok(tags)
}

/// What `RUN` may do: `privileged` is a short form of one of them.
fn entitlements(build: &Build) -> Vec<String> {
    const INSECURE: &str = "security.insecure";
    let mut entitlements = build.entitlements.clone();
    if build.privileged && !entitlements.iter().any(|own| own == INSECURE) {
        entitlements.push(INSECURE.to_owned());
    }
    entitlements
}

/// What is to be attested. Without a word of it nothing is: an image that says when it was built is
/// another one each time.
fn attestations(build: &Build) -> IndexMap<String, String> {
    [
        ("provenance", build.provenance.as_deref()),
        ("sbom", build.sbom.as_deref()),
    ]
    .into_iter()
    .filter_map(|(kind, value)| {
        let parameters = match value? {
            "false" => return None,
            "true" => "",
            parameters => parameters,
        };
        Some((kind.to_owned(), parameters.to_owned()))
    })
    .collect()
}

/// The names under which an engine keeps what the builds of a project transfer, with the service that
/// each belongs to, in all its forms.
pub fn prefixes(project: &Project, inputs: &Inputs) -> Vec<(String, String)> {
    let builds = project
        .services
        .values()
        .filter_map(|service| Some((service, service.build.as_ref()?)));
    let forms = builds.flat_map(|(service, own)| {
        let forms = inputs.forms(&service.name).iter();
        forms.map(move |form| (service, form.build(own)))
    });
    forms
        .map(|(service, build)| (service.name.clone(), prefix(project, service, build)))
        .collect()
}

/// The name under which the engine keeps what this build transfers. Whatever changes the set of
/// transferred files must change it, or builds evict each other's files.
fn prefix(project: &Project, service: &Service, build: &Build) -> String {
    let mut hash = Sha256::new();
    for part in [
        project.directory.display().to_string(),
        service.name.clone(),
        format!("{:?}", build.context),
        match &build.dockerfile {
            compose::Dockerfile::File(path) => path.display().to_string(),
            compose::Dockerfile::InContext(path) => path.clone(),
            compose::Dockerfile::Inline(..) => String::new(),
        },
        build.target.clone().unwrap_or_default(),
    ] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    human::hex(&hash.finalize()[..6])
}
