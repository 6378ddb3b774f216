//! Completing a command line: what a shell asks for when TAB is pressed.
//!
//! The scripts of `dcb completion` call dcb with [`VARIABLE`] set and the words typed so far; the docker
//! CLI asks as [`for_docker`] says. clap knows verbs and flags. What depends on the place is added here,
//! read from files alone: no engine is asked, no program is started, nothing is written, and what cannot
//! be read is silently no candidate, for an error message would land in the middle of the user's line.

use std::ffi::OsString;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Arg, Command, FromArgMatches};
use clap_complete::engine::{self, ArgValueCandidates, CompletionCandidate};
use clap_complete::env::{EnvCompleter, Shells};

use crate::ambient::Ambient;
use crate::cli::{CompletionShell, ProjectFlags, help};
use crate::compose;
use crate::docker::buildx::{builders, manage};
use crate::docker::config::DockerConfig;
use crate::event::RunResult;
use crate::journal::{Journal, Summary};
use crate::{doctor, human, report, settings};

/// The variable that a script sets to the name of its shell.
pub(super) const VARIABLE: &str = "DCB_COMPLETE";

/// Runs that are offered.
const RUNS: usize = 30;

/// No services, one, or any.
const NONE: usize = 0;
const ONE: usize = 1;
const ANY: usize = usize::MAX;

/// Compose's own verbs, what they do, and how many services they take.
const COMPOSE: &[(&str, &str, usize)] = &[
    ("attach", "Attach to a service's container", ONE),
    ("cp", "Copy files from and to a container", NONE),
    ("create", "Create containers", ANY),
    ("down", "Stop and remove containers and networks", ANY),
    ("events", "Show events of containers", ANY),
    ("exec", "Run a command in a running container", ONE),
    ("images", "List the images of containers", ANY),
    ("kill", "Kill containers", ANY),
    ("logs", "Show the logs of containers", ANY),
    ("ls", "List running projects", NONE),
    ("pause", "Pause services", ANY),
    ("port", "Print where a port is published", ONE),
    ("ps", "List containers", ANY),
    ("pull", "Pull images", ANY),
    ("push", "Push images", ANY),
    ("restart", "Restart containers", ANY),
    ("rm", "Remove stopped containers", ANY),
    ("run", "Run a command in a new container", ONE),
    ("scale", "Change the number of containers", NONE),
    ("start", "Start services", ANY),
    ("stats", "Show what containers use", ONE),
    ("stop", "Stop services", ANY),
    ("top", "Show processes", ANY),
    ("unpause", "Unpause services", ANY),
    ("version", "Show the version of Compose", NONE),
    ("wait", "Wait until containers stop", ANY),
    ("watch", "Rebuild and update when files change", ANY),
];

/// The verbs of Compose that are completed: those that people type.
pub(super) fn composes_verbs() -> impl Iterator<Item = &'static str> {
    COMPOSE.iter().map(|(name, ..)| *name)
}

/// Completes what a script of [`script`] asks for. It never fails: there is nobody to be told.
pub(super) fn for_shell(ambient: &Ambient, shell: &str) -> ExitCode {
    let words = ambient.arguments.iter().skip_while(|word| *word != "--");
    let words: Vec<OsString> = words.skip(1).cloned().collect();
    let text = quietly(|| {
        let shells = Shells::builtins();
        let shell = shells.completer(shell)?;
        let mut command = command(ambient, &words);
        let mut text = Vec::new();
        shell
            .write_complete(&mut command, words, Some(&ambient.directory), &mut text)
            .ok()?;
        String::from_utf8(text).ok()
    });
    let _ = report::result(&text.unwrap_or_default());
    ExitCode::SUCCESS
}

/// Completes what the docker CLI asks of a plugin, whose name is the first of `words`: a candidate and
/// what it is in each line, then a number. Source: `__complete` of cobra.
pub(super) fn for_docker(ambient: &Ambient, words: &[OsString]) -> String {
    // Nothing but these; and no space behind it.
    const NO_FILES: u8 = 4;
    const NO_SPACE: u8 = 2;
    let words = words.to_vec();
    let candidates = quietly(|| {
        let mut command = command(ambient, &words);
        let last = words.len().checked_sub(1)?;
        engine::complete(&mut command, words, last, Some(&ambient.directory)).ok()
    });
    let mut text = String::new();
    let mut directive = NO_FILES;
    for candidate in candidates.unwrap_or_default() {
        let value = candidate.get_value().to_string_lossy();
        if value.ends_with(['=', '/']) {
            directive |= NO_SPACE;
        }
        text.push_str(&value);
        if let Some(help) = candidate.get_help() {
            let help = help.to_string();
            text.push_str(&format!("\t{}", help.lines().next().unwrap_or_default()));
        }
        text.push('\n');
    }
    text + &format!(":{directive}\n")
}

/// The script that makes a shell ask.
pub(super) fn script(shell: CompletionShell) -> String {
    use clap_complete::env::{Bash, Elvish, Fish, Powershell, Zsh};
    let completer: &dyn EnvCompleter = match shell {
        CompletionShell::Bash => &Bash,
        CompletionShell::Elvish => &Elvish,
        CompletionShell::Fish => &Fish,
        CompletionShell::Powershell => &Powershell,
        CompletionShell::Zsh => &Zsh,
    };
    let mut script = Vec::new();
    // Writing into memory does not fail.
    let _ = completer.write_registration(VARIABLE, "dcb", "dcb", "dcb", &mut script);
    let mut script = format!("{}\n", String::from_utf8_lossy(&script).trim());
    if shell == CompletionShell::Zsh {
        // As a file on `fpath` it is called for the very first TAB, which it would only prepare for.
        script.push_str("[[ ${funcstack[1]} != _dcb ]] || _clap_dynamic_completer_dcb \"$@\"\n");
    }
    script
}

/// What `work` finds; nothing, and not a word, when it goes wrong.
fn quietly<T>(work: impl FnOnce() -> Option<T>) -> Option<T> {
    panic::set_hook(Box::new(|_| {}));
    panic::catch_unwind(AssertUnwindSafe(work)).ok().flatten()
}

/// The command line with all that can be completed, for the words typed.
fn command(ambient: &Ambient, words: &[OsString]) -> Command {
    let here = Arc::new(Here {
        ambient: ambient.clone(),
        flags: flags(words),
        found: OnceLock::new(),
    });
    let mut command = help::bare();
    // With all that clap adds itself. What comes later, Compose's verbs, has no flags of dcb's.
    command.build();
    for &(name, about, most) in COMPOSE {
        // What dcb has itself is not Compose's.
        if command.find_subcommand(name).is_none() {
            let services = Arg::new("services")
                .value_name("SERVICE")
                .num_args(0..=most);
            let services = (most > NONE).then_some(services);
            command = command.subcommand(
                Command::new(name)
                    .about(about)
                    .disable_help_flag(true)
                    .args(services),
            );
        }
    }
    let verbs: Vec<String> = command
        .get_subcommands()
        .map(|verb| verb.get_name().to_owned())
        .collect();
    command = command.mut_subcommand("help", |help| {
        help.mut_arg("topic", |topic| {
            let verbs = move || verbs.iter().map(CompletionCandidate::new).collect();
            topic.add(ArgValueCandidates::new(verbs))
        })
    });
    with_candidates(command, "", &here)
}

/// The flags before the verb. What is half typed or wrong is left out.
fn flags(words: &[OsString]) -> ProjectFlags {
    let command = help::bare().ignore_errors(true);
    let matches = command.try_get_matches_from(words).ok();
    matches
        .and_then(|matches| ProjectFlags::from_arg_matches(&matches).ok())
        .unwrap_or_default()
}

/// The same with candidates for each argument that names something of this place. Arguments are known
/// by the name of their value, which the same things have in all verbs.
fn with_candidates(command: Command, parent: &str, here: &Arc<Here>) -> Command {
    let name = command.get_name().to_owned();
    let command = command.mut_subcommands(|verb| with_candidates(verb, &name, here));
    command.mut_args(|arg| {
        let find = candidates(&arg, &name, parent);
        // What is hidden is offered where nothing else is: flags, once one begins with `-`.
        let arg = arg.hide(true);
        let Some(find) = find else { return arg };
        let here = Arc::clone(here);
        arg.add(ArgValueCandidates::new(move || find(&here)))
    })
}

type Find = fn(&Here) -> Vec<CompletionCandidate>;

fn candidates(arg: &Arg, verb: &str, parent: &str) -> Option<Find> {
    let value = arg.get_value_names().and_then(|names| names.first())?;
    Some(match (value.as_str(), arg.get_id().as_str()) {
        ("SERVICE", _) if matches!(verb, "build" | "plan") => Here::built,
        ("SERVICE", _) => Here::services,
        ("RUN", _) => Here::runs,
        ("CHECK", "checks") => |_| checks(),
        ("CHECK", _) => |_| groups().chain(checks()).collect(),
        ("NAME", "profiles") => Here::profiles,
        ("NAME", "variant") => |_| ["auto", "test", "test-local"].map(Into::into).into(),
        ("NAME", "builder") => Here::builders,
        ("NAME", _) if parent == "builder" && verb != "create" => Here::own_builders,
        ("NAME", _) if verb == "env" => Here::variables,
        _ => return None,
    })
}

fn groups() -> impl Iterator<Item = CompletionCandidate> {
    doctor::GROUPS.iter().map(|group| group.name.into())
}

fn checks() -> Vec<CompletionCandidate> {
    let candidate =
        |check: &doctor::Check| CompletionCandidate::new(check.id).help(Some(check.title.into()));
    doctor::checks().map(candidate).collect()
}

/// Where the user is, looked at when it matters.
struct Here {
    ambient: Ambient,
    flags: ProjectFlags,
    found: OnceLock<Option<Found>>,
}

/// What of a project can be completed.
struct Found {
    /// Its services, what they are made from, and whether they are built.
    services: Vec<(String, String, bool)>,
    profiles: Vec<String>,
    variables: Vec<String>,
    journal: Option<Journal>,
}

impl Here {
    fn found(&self) -> Option<&Found> {
        self.found.get_or_init(|| self.look()).as_ref()
    }

    fn look(&self) -> Option<Found> {
        let mut flags = self.flags.clone();
        // Standard input is the user's terminal.
        flags.files.retain(|file| file != "-");
        if let Some(pair) = settings::pair(&self.ambient, &flags, None) {
            flags.files.extend(pair.first(false).cloned());
        }
        // A service that is named needs no profile.
        flags.profiles = vec!["*".to_owned()];
        let request = settings::project(&self.ambient, &flags, &[]).ok()?;
        let project = compose::load(&request).ok()?;
        let state = self.ambient.state_directory();
        Some(Found {
            services: project.services.values().map(described).collect(),
            profiles: project.profiles().into_iter().collect(),
            variables: project.variables.keys().cloned().collect(),
            journal: state.map(|state| Journal::of(&state, &project.name, &project.directory)),
        })
    }

    fn services(&self) -> Vec<CompletionCandidate> {
        self.those(|_| true)
    }

    fn built(&self) -> Vec<CompletionCandidate> {
        self.those(|built| built)
    }

    fn those(&self, wanted: fn(bool) -> bool) -> Vec<CompletionCandidate> {
        let services = self.found().map_or(&[][..], |found| &found.services);
        let services = services.iter().filter(|(_, _, built)| wanted(*built));
        services
            .map(|(name, about, _)| CompletionCandidate::new(name).help(Some(about.into())))
            .collect()
    }

    fn profiles(&self) -> Vec<CompletionCandidate> {
        self.names(|found| &found.profiles)
    }

    fn variables(&self) -> Vec<CompletionCandidate> {
        self.names(|found| &found.variables)
    }

    fn names(&self, of: fn(&Found) -> &[String]) -> Vec<CompletionCandidate> {
        let names = self.found().map_or(&[][..], of);
        names.iter().map(CompletionCandidate::new).collect()
    }

    /// The newest run first.
    fn runs(&self) -> Vec<CompletionCandidate> {
        let journal = self.found().and_then(|found| found.journal.as_ref());
        let runs = journal.map_or_else(Vec::new, |journal| journal.summaries(RUNS));
        let candidate = |(order, run): (usize, &Summary)| {
            CompletionCandidate::new(run.run.to_string())
                .help(Some(told(run).into()))
                .display_order(Some(order))
        };
        runs.iter().rev().enumerate().map(candidate).collect()
    }

    fn builders(&self) -> Vec<CompletionCandidate> {
        let config = DockerConfig::load(&self.ambient).unwrap_or_default();
        let names = builders::names(&self.ambient, &config);
        names.into_iter().map(CompletionCandidate::new).collect()
    }

    fn own_builders(&self) -> Vec<CompletionCandidate> {
        let mut builders = self.builders();
        builders.retain(|name| {
            name.get_value()
                .to_string_lossy()
                .starts_with(manage::PREFIX)
        });
        builders
    }
}

/// A service, what it is made from, and whether it is built.
fn described(service: &compose::Service) -> (String, String, bool) {
    let about = match (&service.build, &service.image) {
        (Some(build), _) => match &build.context {
            compose::Context::Directory(directory) => {
                let name = directory.file_name().unwrap_or(directory.as_os_str());
                format!("built from {}", name.to_string_lossy())
            }
            _ => "built".to_owned(),
        },
        (None, Some(image)) => format!("image {image}"),
        (None, None) => String::new(),
    };
    (
        service.name.clone(),
        human::sanitize(&about),
        service.build.is_some(),
    )
}

/// A run in a few words: `build, 3 minutes ago: built`.
fn told(run: &Summary) -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH + Duration::from_millis(run.began))
        .unwrap_or_default();
    let result = match run.result {
        Some(RunResult::Built) => "built",
        Some(RunResult::Failed) => "failed",
        Some(RunResult::Stopped) => "stopped",
        None => "broken off",
    };
    format!("{}, {}: {result}", run.verb, human::ago(since))
}
