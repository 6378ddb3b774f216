//! How a run is shown: flags, then variables, then what standard error is and where dcb runs.

use std::path::PathBuf;

use crate::ambient::Ambient;
use crate::cli::{OutputFlags, ProgressKind};
use crate::docker::{SecretValue, detect};
use crate::failure::{Class, Failure};
use crate::journal::Journal;
use crate::plan::{Fallback, Plan};
use crate::report::{Ci, Detail, GitHub, Progress, Show};
use crate::secret::Redactor;

/// The variables that say how progress is shown, Compose's before BuildKit's.
const VARIABLES: [&str; 2] = ["COMPOSE_PROGRESS", "BUILDKIT_PROGRESS"];

/// How a run of `plan` is shown and kept. `quiet` is what `--quiet` of the verb says.
///
/// # Errors
/// When a variable has a value that is no kind of progress, or a picture is asked for by flag where
/// there is no terminal to draw it on.
pub fn show(
    ambient: &Ambient,
    flags: OutputFlags,
    quiet: bool,
    plan: &Plan,
) -> Result<Show, Failure> {
    let server = detect::build_server(&ambient.environment);
    let detail = if flags.verbose {
        Detail::Verbose
    } else {
        Detail::Normal
    };
    let terminal = ambient.stderr.columns.is_some()
        && ambient.variable("TERM").is_none_or(|term| term != "dumb");
    let ci = match server.as_deref() {
        // They read the commands of GitHub.
        Some("github-actions" | "forgejo-actions" | "gitea-actions") => Some(Ci::GitHub),
        Some("gitlab") => Some(Ci::GitLab),
        _ => None,
    };
    let kind = match flags.progress {
        Some(ProgressKind::Tty) if !terminal => {
            let failure = Failure::new(
                Class::Usage,
                "`--progress tty` needs a terminal, and standard error is none",
            );
            return Err(failure.hint("leave it away, or use `--progress plain`"));
        }
        Some(kind) => kind,
        None => variable(ambient)?,
    };
    // A question cannot stand in a picture that is drawn again and again.
    let drawn = terminal && plan.fallback != Fallback::Ask;
    let progress = match kind {
        _ if quiet => Progress::Quiet,
        ProgressKind::Quiet => Progress::Quiet,
        ProgressKind::Json => Progress::Json,
        ProgressKind::Tty if drawn => Progress::Tty,
        ProgressKind::Auto if drawn && server.is_none() => Progress::Tty,
        ProgressKind::Auto | ProgressKind::Plain | ProgressKind::Tty => Progress::Plain,
    };
    let journal = journal(ambient, plan);
    Ok(Show {
        progress,
        detail,
        terminal: ambient.stderr,
        // Nothing is folded where all of it was asked for.
        ci: ci.filter(|_| detail == Detail::Normal),
        github: (ci == Some(Ci::GitHub)).then(|| github(ambient)),
        estimate: journal
            .as_ref()
            .filter(|_| progress == Progress::Tty)
            .and_then(|journal| expected(journal, plan)),
        journal,
        redactor: redactor(plan),
    })
}

/// Where runs of this project are kept.
fn journal(ambient: &Ambient, plan: &Plan) -> Option<Journal> {
    let state = ambient.state_directory()?;
    Some(Journal::of(&state, &plan.project, &plan.directory))
}

/// How long the run is expected to take, by those before it.
fn expected(journal: &Journal, plan: &Plan) -> Option<u64> {
    let jobs = plan.jobs.iter().map(|job| job.service.as_str());
    journal.expected(&jobs.collect::<Vec<_>>())
}

/// The values that the builds of `plan` are given and nobody may read. What cannot be read now, the
/// build will complain about.
fn redactor(plan: &Plan) -> Redactor {
    let mut redactor = Redactor::default();
    for job in &plan.jobs {
        let spec = &job.attempt.spec;
        for value in spec.args.values().filter(|value| value.is_secret()) {
            redactor.add(value.reveal());
        }
        for secret in spec.secrets.values() {
            match secret {
                SecretValue::Variable { value, .. } => redactor.add(value.reveal()),
                SecretValue::File(path) => {
                    redactor.add(&std::fs::read_to_string(path).unwrap_or_default());
                }
            }
        }
    }
    redactor
}

/// What the variables say.
fn variable(ambient: &Ambient) -> Result<ProgressKind, Failure> {
    for name in VARIABLES {
        let Some(value) = ambient.variable(name) else {
            continue;
        };
        return ProgressKind::of(value).ok_or_else(|| {
            let failure = Failure::new(
                Class::Usage,
                format!("{name} is `{value}`, which is no kind of progress"),
            );
            failure.hint(format!(
                "auto, tty, plain, json and quiet are; or unset it: unset {name}"
            ))
        });
    }
    Ok(ProgressKind::Auto)
}

fn github(ambient: &Ambient) -> GitHub {
    let workspace = ambient.variable("GITHUB_WORKSPACE");
    let below = workspace.and_then(|root| ambient.directory.strip_prefix(root).ok());
    GitHub {
        directory: below.map(PathBuf::from).unwrap_or_default(),
        summary: ambient.variable("GITHUB_STEP_SUMMARY").map(PathBuf::from),
    }
}
