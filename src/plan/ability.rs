//! What each builder can do with a form, and what it cannot, by name: nothing is ever dropped, or
//! left to a builder that ignores it.

use super::contexts;
use super::forms::Form;
use super::guard::{self, Asked, Ground};
use super::request::Request;
use crate::diagnostic::Diagnostic;
use crate::docker::buildx::builders::Named;
use crate::docker::detect::Builder;
use crate::docker::{ApiVersion, Engine, Strategy, Worker};
use crate::dockerfile::{Feature, Frontend, Use};
use crate::failure::Failure;

/// What is known of the builders here.
#[derive(Debug, Clone, Copy)]
pub struct Builders<'a> {
    /// The engine, when one answered.
    pub engine: Option<&'a Engine>,
    /// Why it has no BuildKit, when it has none.
    pub no_buildkit: Option<&'a Failure>,
    /// What its BuildKit says of itself, where that decides: see [`super::asks_worker`].
    pub worker: Option<&'a Worker>,
    /// The builders of buildx that the request asks for, by name: see [`super::Request::builders`].
    pub named: Option<&'a Named>,
    /// The builder that `docker buildx use` selected, where that is not the engine's own.
    pub selected: Option<&'a Builder>,
}

impl Builders<'_> {
    /// Why `form` cannot be built as `asked` with `strategy`; nothing when it can. Without an engine the newest
    /// one is assumed.
    pub(super) fn lacks(
        self,
        strategy: &Strategy,
        asked: &Asked<'_>,
        form: &Form,
    ) -> Vec<Diagnostic> {
        if asked.request.check {
            return self.lacks_checks(strategy, asked, form);
        }
        let mut lacks = guard::refusals(strategy, asked, self.ground());
        lacks.extend(self.unnamed(strategy, asked, form));
        lacks.extend(
            form.uses
                .iter()
                .filter_map(|used| self.lacks_feature(strategy, form, used)),
        );
        lacks
    }

    /// Why the Dockerfile of `form` cannot be checked. What is not read of it does not matter then: a
    /// platform that the engine could not keep, a cache, a secret.
    fn lacks_checks(self, strategy: &Strategy, asked: &Asked<'_>, form: &Form) -> Vec<Diagnostic> {
        let refused = |why: String, help: &str| {
            let message = format!("`--check` of service `{}` {why}", asked.service.name);
            vec![Diagnostic::error(message).help(help)]
        };
        if let Strategy::Buildx(_) = strategy {
            return refused(
                "is asked of the engine's own BuildKit only".to_owned(),
                "leave the builder out for the check: --builder default",
            );
        }
        if *strategy == Strategy::Classic {
            return refused(
                "is more than this builder can do: the checks are those of BuildKit's frontend"
                    .to_owned(),
                "check with an engine that has BuildKit (27.0 or later)",
            );
        }
        if self
            .frontend(strategy, form)
            .is_some_and(|frontend| frontend.minor < CHECKS)
        {
            let whose = match (&form.dockerfile.syntax, self.engine) {
                (None, Some(engine)) => format!("engine {}", engine.version),
                _ => "its `# syntax=` line".to_owned(),
            };
            return refused(
                format!("needs Dockerfile frontend 1.{CHECKS}, and that of {whose} is older"),
                "write `# syntax=docker/dockerfile:1` into the first line, which fetches the newest, or use engine 27.0 or later",
            );
        }
        let mut lacks = guard::unreadable(strategy, asked, self.ground());
        lacks.extend(self.unnamed(strategy, asked, form));
        lacks
    }

    /// What of the named contexts stands in the way of a builder that cannot be given names.
    fn unnamed(self, strategy: &Strategy, asked: &Asked<'_>, form: &Form) -> Option<Diagnostic> {
        (!self.names_contexts(strategy))
            .then(|| contexts::instead_of_stage(asked.build, form))
            .flatten()
    }

    /// What the verdicts over keys stand on.
    pub(super) fn ground(&self) -> Ground<'_> {
        Ground {
            engine: self.engine,
            worker: self.worker,
        }
    }

    fn lacks_feature(self, strategy: &Strategy, form: &Form, used: &Use) -> Option<Diagnostic> {
        let feature = used.feature;
        let (who, help) = match strategy {
            Strategy::BuildKit | Strategy::Buildx(_) => {
                self.buildkit_lacks(strategy, form, feature)?
            }
            Strategy::Classic => self.classic_lacks(feature)?,
        };
        let message = format!("`{}` uses {}, which {who}", form.name, quoted(feature));
        Some(form.at(used, Diagnostic::error(message).help(help)))
    }

    /// Who does not know `feature`, and what mends it.
    fn buildkit_lacks(
        self,
        strategy: &Strategy,
        form: &Form,
        feature: Feature,
    ) -> Option<(String, String)> {
        let engine = self.engine?;
        if self.frontend(strategy, form)?.has(feature) {
            return None;
        }
        let who = if form.dockerfile.syntax.is_some() {
            "the frontend that its `# syntax=` names does not know".to_owned()
        } else {
            format!("engine {} does not know", engine.version)
        };
        let help = format!(
            "it came with Dockerfile frontend {}: write `# syntax=docker/dockerfile:1` into the first line, which fetches the newest",
            feature.frontend()
        );
        Some((who, help))
    }

    fn classic_lacks(self, feature: Feature) -> Option<(String, String)> {
        let api = self
            .engine
            .map_or(ApiVersion::DIRECT_GRPC, |engine| engine.api);
        let podman = self.engine.filter(|engine| engine.podman);
        let (has, who) = match podman {
            Some(engine) => (
                buildah_has(feature),
                format!("Podman {} does not know", engine.version),
            ),
            None if drops(feature) => {
                (false, "the classic builder drops without a word".to_owned())
            }
            None => (
                classic_has(feature, api),
                "the classic builder does not know".to_owned(),
            ),
        };
        let help = "build with an engine that has BuildKit, or write the Dockerfile without it";
        (!has).then(|| (who, help.to_owned()))
    }

    /// The frontend that BuildKit reads `form` with; nothing when its version cannot be told.
    fn frontend(self, strategy: &Strategy, form: &Form) -> Option<Frontend> {
        match (&form.dockerfile.syntax, strategy) {
            (Some(syntax), _) => Frontend::named(syntax),
            // That of a builder of the user's own is as new as they made it.
            (None, Strategy::Buildx(_)) => None,
            (None, _) => self.engine.map(|engine| built_in(engine.api)),
        }
    }

    /// Whether a builder can be told what stands for a name in a Dockerfile. BuildKit before 23.0
    /// ignores it.
    pub(super) fn names_contexts(self, strategy: &Strategy) -> bool {
        match strategy {
            Strategy::BuildKit => self
                .engine
                .is_none_or(|engine| engine.api >= ApiVersion::V23_0),
            Strategy::Buildx(_) => true,
            Strategy::Classic => false,
        }
    }

    /// Whether BuildKit's own frontend could do for `form` what the one that it names is asked for.
    pub(super) fn built_in_suffices(self, form: &Form, request: &Request) -> bool {
        let built_in = self.engine.map(|engine| built_in(engine.api));
        form.dockerfile.syntax.is_some()
            && built_in.is_some_and(|frontend| {
                form.uses.iter().all(|used| frontend.has(used.feature))
                    && (!request.check || frontend.minor >= CHECKS)
            })
    }
}

/// The minor version of the first Dockerfile frontend with checks.
const CHECKS: u32 = 8;

fn quoted(feature: Feature) -> String {
    match feature {
        Feature::Heredoc | Feature::PlatformArguments => feature.written().to_owned(),
        _ => format!("`{}`", feature.written()),
    }
}

/// The frontend inside the BuildKit of an engine. Engines of one API may differ by a few minors: the
/// lowest counts, unless all that is known of was measured on the highest.
fn built_in(api: ApiVersion) -> Frontend {
    let minor = match api {
        ApiVersion(1, ..=40) => 0,    // 18.09, 19.03
        ApiVersion(1, 41) => 2,       // 20.10
        ApiVersion(1, 42 | 43) => 5,  // 23.0, 24.0
        ApiVersion(1, 44) => 6,       // 25.0
        ApiVersion(1, 45) => 7,       // 26.0, 26.1
        ApiVersion(1, 46 | 47) => 8,  // 27.0 to 27.5
        ApiVersion(1, 48..=50) => 14, // 28.0 to 28.2
        ApiVersion(1, 51 | 52) => 19, // 28.5
        ApiVersion(..) => 20,         // 29.2
    };
    Frontend { minor, labs: false }
}

/// What the classic builder builds right. From 23.0 on it reads `--link` and copies without it,
/// which gives the same files.
fn classic_has(feature: Feature, api: ApiVersion) -> bool {
    feature == Feature::Link && api >= ApiVersion::V23_0
}

/// What the classic builders of some engines read and then build as if it were not there: the image
/// is another one, and the build a success. Measured on 26.1 and 28.5.
fn drops(feature: Feature) -> bool {
    matches!(
        feature,
        Feature::Heredoc | Feature::Checksum | Feature::Exclude | Feature::PlatformArguments
    )
}

/// What Podman's builder has. Measured on 4.3.
fn buildah_has(feature: Feature) -> bool {
    matches!(
        feature,
        Feature::CacheMount | Feature::Mount | Feature::Chmod | Feature::PlatformArguments
    )
}
