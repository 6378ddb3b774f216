//! From verb to work.
//!
//! ```text
//! arguments ─> cli ─> settings ─┬─> compose::load ──┬─> plan ─> run ─> report ─> exit code
//!                               └─> engine, BuildKit┘
//! ```
//!
//! Loading the project and opening the engine go on side by side: neither needs the other.

mod build;
mod builder;
mod cache;
mod check;
mod ci;
mod clean;
mod complete;
mod config;
mod consent;
mod doctor;
mod drivers;
mod handover;
mod history;
mod init;
mod loading;
mod machine;
mod outgoing;
mod plugin;
mod stop;
mod timeline;
mod up;
mod verify;

use std::cell::OnceCell;
use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use up::Way;

use crate::ambient::{Ambient, Terminal};
use crate::cli::{Build, BuildFlags, Cli, OutputFlags, PlanFormat, ProjectFlags, Verb};
use crate::compose::{self, Project, Unloadable};
use crate::docker::config::DockerConfig;
use crate::docker::credentials::Credentials;
use crate::docker::host::{self, Endpoint};
use crate::failure::{Class, Failure};
use crate::settings::Typed;
use crate::{cli, report, settings};

/// What to tell when a result cannot be printed.
const UNWRITTEN: &str = "failed to write to standard output";

/// Runs the program.
pub fn main() -> ExitCode {
    let mut ambient = match Ambient::capture().context("failed to look at the current directory") {
        Ok(ambient) => ambient,
        Err(error) => return report::failure(&failure(error), Terminal::UNKNOWN),
    };
    if let Some(shell) = ambient.variable(complete::VARIABLE) {
        return complete::for_shell(&ambient, shell);
    }
    match plugin::answer(&mut ambient) {
        Some(Ok(code)) => return code,
        Some(Err(failure)) => return report::failure(&failure, ambient.stderr),
        None => {}
    }
    let cli = match Cli::read(&ambient.arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    dispatch(&ambient, cli).unwrap_or_else(|error| report::failure(&failure(error), ambient.stderr))
}

/// Waits for what takes its time elsewhere: an engine, another program. The runtime that it takes is
/// started here and not for every verb, because `config` and `env` have nothing to wait for.
fn wait<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start the runtime")?;
    let result = runtime.block_on(work);
    // Threads that still read files for a build that is over are not waited for.
    runtime.shutdown_background();
    result
}

/// The failure in an error; everything that was not foreseen is ours.
fn failure(error: anyhow::Error) -> Failure {
    error
        .downcast::<Failure>()
        .unwrap_or_else(|error| Failure::new(Class::Internal, format!("{error:#}")))
}

fn dispatch(ambient: &Ambient, cli: Cli) -> anyhow::Result<ExitCode> {
    let Cli {
        project,
        output,
        verb,
    } = cli;
    let (config, broken) = match DockerConfig::load(ambient) {
        Ok(config) => (config, None),
        // What is wrong with it is what the doctor is asked about; others do without.
        Err(failure) if matches!(verb, Verb::Doctor(_) | Verb::Completion(_) | Verb::Help(_)) => {
            (DockerConfig::default(), Some(failure))
        }
        Err(failure) => return Err(failure.into()),
    };
    let app = App {
        credentials: Arc::new(Credentials::new(ambient, &config)),
        config,
        ambient,
        flags: project,
        output,
        endpoint: OnceCell::new(),
    };
    match verb {
        Verb::Build(build) => app.start_build("build", &build),
        Verb::Fresh(fresh) => app.start_build("fresh", &fresh.into_build()),
        Verb::Plan(plan) => {
            let typed = Typed {
                push: plan.push,
                ..app.typed(&plan.flags, &plan.services, plan.pull)
            };
            wait(app.show_plan(typed, plan.format))
        }
        Verb::Up(up) => wait(app.up("up", &up, Way::Straight)),
        Verb::Dev(dev) => wait(app.up("dev", &dev.into_up(), Way::Straight)),
        Verb::Rebuild(rebuild) => wait(app.up("rebuild", &rebuild.into_up(), Way::Down)),
        Verb::Reset(reset) => {
            let yes = reset.yes;
            wait(app.up("reset", &reset.into_up(), Way::Reset { yes }))
        }
        Verb::Clean(clean) => wait(app.clean(&clean)),
        Verb::Verify(verify) => wait(app.verify(&verify)),
        Verb::Config(config) => app.show_config(&config),
        Verb::Env(env) => app.show_env(&env),
        Verb::Doctor(doctor) => wait(app.doctor(&doctor, broken)),
        Verb::Builder(builder) => wait(app.builder(&builder)),
        Verb::Cache(cache) => wait(app.cache(&cache)),
        Verb::History(history) => app.show_history(&history),
        Verb::Ci(ci) => app.ci(&ci),
        Verb::Init(init) => app.init(&init),
        Verb::Timeline(timeline) => app.show_timeline(&timeline),
        Verb::Compose(words) => wait(app.hand_over(words)),
        Verb::Completion(completion) => {
            report::result(&complete::script(completion.shell)).context(UNWRITTEN)?;
            Ok(ExitCode::SUCCESS)
        }
        Verb::Help(asked) => app.explain(asked.topic),
    }
}

impl App<'_> {
    /// `dcb build`, or what it is asked for in its place; `verb` is the one that was typed.
    fn start_build(&self, verb: &str, build: &Build) -> anyhow::Result<ExitCode> {
        if build.dry_run {
            let typed = Typed {
                push: build.push,
                output: build.output.as_deref(),
                ..self.typed(&build.flags, &build.services, build.pull)
            };
            wait(self.show_plan(typed, PlanFormat::Text))
        } else if build.check {
            wait(self.check(build))
        } else {
            wait(self.build(verb, build))
        }
    }
}

/// What every verb starts from.
struct App<'a> {
    ambient: &'a Ambient,
    flags: ProjectFlags,
    output: OutputFlags,
    config: DockerConfig,
    credentials: Arc<Credentials>,
    /// Where the engine is, once somebody asked. All share it, and with it a connection of ssh.
    endpoint: OnceCell<Endpoint>,
}

impl App<'_> {
    /// Where the engine is.
    fn endpoint(&self) -> Result<&Endpoint, Failure> {
        if let Some(endpoint) = self.endpoint.get() {
            return Ok(endpoint);
        }
        let endpoint = host::resolve(self.ambient, &self.config)?;
        Ok(self.endpoint.get_or_init(|| endpoint))
    }

    /// Ends what would outlive this process when it ends by a signal or becomes another program.
    fn close(&self) {
        if let Some(endpoint) = self.endpoint.get() {
            endpoint.close();
        }
    }

    /// What comes of `work`, and `what` at the terminal while it goes on.
    fn waiting<T>(&self, what: &str, work: impl Future<Output = T>) -> impl Future<Output = T> {
        report::while_waiting(self.ambient.stderr, what, work)
    }

    /// `dcb help`: what dcb does not have is Compose's to explain.
    fn explain(&self, topic: Vec<String>) -> anyhow::Result<ExitCode> {
        let name = cli::name(&self.ambient.arguments);
        let Some(page) = cli::help::of(name, &topic) else {
            let words = topic.into_iter().chain(["--help".to_owned()]);
            return wait(self.hand_over(words.map(Into::into).collect()));
        };
        let page = if self.ambient.stdout.colour {
            page.ansi().to_string()
        } else {
            page.to_string()
        };
        report::result(&page).context(UNWRITTEN)?;
        Ok(ExitCode::SUCCESS)
    }

    /// Loads the project alone.
    fn load(&self) -> Result<Project, Failure> {
        let request = settings::project(self.ambient, &self.project_flags()?, &[])?;
        load(&request)
    }

    /// What was typed about the project, with the compose file of a pair where there is no plain one.
    fn project_flags(&self) -> Result<ProjectFlags, Failure> {
        let mut flags = self.flags.clone();
        if let Some(pair) = settings::pair(self.ambient, &flags, None) {
            let traditional = settings::begins_traditional(self.ambient, &BuildFlags::default())?;
            flags.files.extend(pair.first(traditional).cloned());
        }
        Ok(flags)
    }
}

/// Loads a project.
fn load(request: &compose::Request) -> Result<Project, Failure> {
    compose::load(request).map_err(unloadable)
}

/// What is not there is another matter than what is wrong.
fn unloadable(why: Unloadable) -> Failure {
    match why {
        Unloadable::Missing(missing) => Failure::found(
            Class::ComposeFileMissing,
            missing.message.clone(),
            vec![missing],
        ),
        Unloadable::Invalid(diagnostics) => Failure::found(
            Class::ComposeInvalid,
            "the compose project cannot be loaded",
            diagnostics,
        ),
    }
}

/// Mistakes in the command line, and what was asked for with `--help` and `--version`.
fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() {
        ExitCode::from(Class::Usage.exit_code())
    } else {
        ExitCode::SUCCESS
    }
}
