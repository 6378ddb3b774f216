//! The full picture of Docker for those who show it, and the variables for those who build with
//! Compose.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Context;

use super::App;
use crate::cli::{PlanFormat, ShellKind};
use crate::docker::child_environment::{Situation, Variables, child_environment};
use crate::docker::detect::{self, BuildKit, Builder, Machine};
use crate::docker::host::Endpoint;
use crate::docker::programs::Programs;
use crate::docker::variables::{self, DOCKER_BUILDKIT};
use crate::docker::{Facts, Strategy};
use crate::failure::Failure;
use crate::report::{self, Shell};

/// The verbs of Compose that build images on their way.
const BUILDING: [&str; 6] = ["alpha", "build", "create", "run", "scale", "watch"];

/// Whether these words make Compose build, or may do so.
pub(super) fn may_build(words: &[OsString]) -> bool {
    words
        .first()
        .is_some_and(|verb| BUILDING.iter().any(|building| verb == building))
}

impl App<'_> {
    /// The full picture, when this format shows it.
    pub(super) async fn machine(&self, format: PlanFormat) -> anyhow::Result<Option<Machine>> {
        if format == PlanFormat::Text && !self.output.verbose {
            return Ok(None);
        }
        let endpoint = self.endpoint()?;
        Ok(Some(
            detect::machine(self.ambient, &self.config, endpoint).await,
        ))
    }

    /// The variables with which Compose builds as dcb would.
    ///
    /// Programs, their versions kept, and the engine are asked side by side. An engine that cannot be
    /// asked is Compose's to complain about, and so is one that only Compose can speak to.
    pub(super) async fn building_variables(&self) -> Result<Variables, Failure> {
        let wanted = variables::docker_buildkit(self.ambient.variable(DOCKER_BUILDKIT))?;
        let endpoint = self.endpoint().ok();
        let strategy = async {
            match (wanted, endpoint) {
                (Some(false), _) => Strategy::Classic,
                (_, Some(endpoint)) => strategy_of(endpoint).await,
                (_, None) => Strategy::BuildKit,
            }
        };
        let programs = Programs::find(self.ambient, &self.config);
        let (strategy, programs) = tokio::join!(strategy, programs);
        let builder =
            endpoint.map(|endpoint| Builder::selected(self.ambient, &self.config, endpoint));
        let situation = Situation {
            programs: &programs,
            builder: builder.as_ref(),
            context: endpoint.map_or("default", Endpoint::context),
            environment: &self.ambient.environment,
            terminal: self.ambient.stderr.columns.is_some(),
        };
        Ok(child_environment(&situation, &strategy))
    }

    /// `dcb env --shell`.
    pub(super) async fn show_shell(&self, shell: Option<ShellKind>) -> anyhow::Result<ExitCode> {
        let shell = match shell {
            None | Some(ShellKind::Posix) => Shell::Posix,
            Some(ShellKind::Fish) => Shell::Fish,
            Some(ShellKind::Powershell) => Shell::PowerShell,
        };
        let variables = self.building_variables().await?;
        report::result(&report::assignments(&variables, shell)).context(super::UNWRITTEN)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The builder that an engine has. Of one that does not answer nothing is known, so nothing is said
/// against its BuildKit.
async fn strategy_of(endpoint: &Endpoint) -> Strategy {
    let Ok(engine) = detect::engine(endpoint).await else {
        return Strategy::BuildKit;
    };
    let facts = Facts {
        endpoint: endpoint.clone(),
        engine,
    };
    match detect::buildkit(&facts).await {
        BuildKit::None { .. } => Strategy::Classic,
        _ => Strategy::BuildKit,
    }
}
