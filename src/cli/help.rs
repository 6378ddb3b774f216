//! What `dcb --help` and `dcb help VERB` show: the verbs by what they are for, and examples.
//!
//! clap writes the rest. The verbs of the first page are listed here and not by clap, which knows no
//! groups of them.

use clap::builder::StyledStr;
use clap::builder::styling::Styles;
use clap::{Args, Command, CommandFactory};

use super::Cli;
use super::examples::{self, Example};

/// `dcb help`.
#[derive(Debug, Args)]
pub struct Help {
    /// The verb
    #[arg(value_name = "VERB")]
    pub topic: Vec<String>,
}

/// The verbs by what they are for.
const GROUPS: &[(&str, &[&str])] = &[
    (
        "Build and start",
        &["build", "up", "plan", "dev", "fresh", "rebuild", "verify"],
    ),
    ("Understand the project", &["config", "env"]),
    ("Look back", &["history", "timeline"]),
    ("Remove", &["reset", "clean", "cache"]),
    (
        "Set up",
        &["init", "ci", "doctor", "builder", "completion", "help"],
    ),
];

/// The column in which what an example does begins, where its line leaves room.
const EXPLAINED: usize = 38;

/// The command line as it is defined.
pub fn bare() -> Command {
    // `dcb help history log` explains these as well.
    Cli::command().mut_subcommands(|verb| verb.disable_help_subcommand(true))
}

/// The command line with its help, under the name that it is typed by.
pub fn command(name: &str) -> Command {
    let bare = bare();
    let template = format!(
        "{{about}}\n\n{{usage-heading}} {{usage}}\n\n{}\n{{all-args}}{{after-help}}",
        verbs(&bare)
    );
    let command = with_examples(bare, "").mut_subcommands(|verb| verb.hide(true));
    command
        .help_template(template)
        .bin_name(name)
        .override_usage(format!("{name} [OPTIONS] VERB [ARGS]..."))
        // The first page is short however it is asked for.
        .long_about(None::<&str>)
}

/// The verbs that have no place in the list of `dcb --help`, which then shows them last.
pub fn ungrouped(command: &Command) -> Vec<&str> {
    let verbs = command.get_subcommands().map(Command::get_name);
    verbs
        .filter(|name| GROUPS.iter().all(|(_, verbs)| !verbs.contains(name)))
        .collect()
}

/// The list of verbs.
fn verbs(command: &Command) -> String {
    let header = *Styles::default().get_header();
    let literal = *Styles::default().get_literal();
    let width = command
        .get_subcommands()
        .map(|verb| verb.get_name().len())
        .max()
        .unwrap_or_default();
    let others = ungrouped(command);
    let mut groups: Vec<(&str, &[&str])> = GROUPS.to_vec();
    if !others.is_empty() {
        groups.push(("Other", &others));
    }
    let mut text = String::new();
    for (title, names) in groups {
        text.push_str(&format!("{header}{title}:{header:#}\n"));
        let verbs = names
            .iter()
            .filter_map(|name| command.find_subcommand(name));
        for verb in verbs {
            let (name, about) = (verb.get_name(), verb.get_about().map(plain));
            let about = about.unwrap_or_default();
            text.push_str(&format!("  {literal}{name:width$}{literal:#}  {about}\n"));
        }
        text.push('\n');
    }
    text.push_str(&format!(
        "{header}Everything else:{header:#}\n  {literal}ps{literal:#}, {literal}logs{literal:#}, \
         {literal}exec{literal:#}, {literal}down{literal:#}, {literal}run{literal:#}, ... go to \
         Docker Compose with the same project\n"
    ));
    text
}

fn plain(text: &StyledStr) -> String {
    text.to_string()
}

/// The same with examples below the help of each verb. `path` are the words that choose it.
fn with_examples(command: Command, path: &str) -> Command {
    let command = command.mut_subcommands(|verb| {
        let name = verb.get_name();
        let path = if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path} {name}")
        };
        with_examples(verb, &path)
    });
    match examples::of(path) {
        [] => command,
        examples => command.after_help(listed(examples)),
    }
}

/// Examples below each other: what a line does stands beside it, or below where it is long.
fn listed(examples: &[Example]) -> String {
    let header = *Styles::default().get_header();
    let literal = *Styles::default().get_literal();
    let longest = examples.iter().map(|(line, _)| line.len());
    let column = longest
        .filter(|length| *length <= EXPLAINED)
        .max()
        .unwrap_or_default();
    let lines = examples.iter().map(|(line, says)| {
        if line.len() <= column {
            format!("  {literal}{line:column$}{literal:#}  {says}")
        } else {
            format!("  {literal}{line}{literal:#}\n  {:column$}  {says}", "")
        }
    });
    let lines: Vec<String> = lines.collect();
    format!("{header}Examples:{header:#}\n{}", lines.join("\n"))
}

/// The help of the verb that `topic` names, as its `--help` shows it; of dcb itself when it names
/// none. Nothing when dcb has no such verb.
pub fn of(name: &str, topic: &[String]) -> Option<StyledStr> {
    let mut command = command(name);
    let mut verb = &command;
    for word in topic {
        verb = verb.find_subcommand(word)?;
    }
    let words = topic.iter().map(String::as_str);
    let words = [name].into_iter().chain(words).chain(["--help"]);
    let shown = command.try_get_matches_from_mut(words).err()?;
    Some(shown.render())
}
