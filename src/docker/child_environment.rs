//! With which variables Docker Compose builds as dcb would.
//!
//! Compose chooses its builder by its version, the plugins it finds and variables. Where that choice
//! would differ from dcb's, or fail, a variable says so; where it would not, nothing is set, so that
//! what a user exported stays as it is. Each rule was tried on Compose 1.29, 2.26 and 2.40. Not
//! among them are `COMPOSE_BAKE` and `BUILDX_BUILDER` on the classic builder, which does not look at
//! them.

use indexmap::IndexMap;

use super::detect::{Builder, Chooser};
use super::programs::{Compose, Form, Program, Programs};
use super::spec::Strategy;
use super::variables::{self, DOCKER_BUILDKIT};

/// What the variables are decided by.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The programs that would build.
    pub programs: &'a Programs,
    /// The builder that Compose would choose, where that is known.
    pub builder: Option<&'a Builder>,
    /// The builder of the docker context in use, which is the engine's own.
    pub context: &'a str,
    /// The environment that the child would see.
    pub environment: &'a IndexMap<String, String>,
    /// Whether the child writes its progress to a terminal.
    pub terminal: bool,
}

/// Variables with their values; one without a value is to be taken away.
pub type Variables = Vec<(String, Option<String>)>;

/// The variables that make Docker Compose build with `strategy`: those that are needed, no more.
pub fn child_environment(situation: &Situation<'_>, strategy: &Strategy) -> Variables {
    let Some(compose) = &situation.programs.compose else {
        return Vec::new();
    };
    let mut variables = match (strategy, compose.form) {
        (Strategy::Classic, Form::V1) => {
            let mut variables = classic(situation);
            variables.extend(situation.unless("COMPOSE_DOCKER_CLI_BUILD", false));
            variables
        }
        (Strategy::Classic, _) => classic(situation),
        (_, Form::V1) => v1(situation),
        (_, _) => modern(situation, compose),
    };
    variables.sort();
    variables
}

impl Situation<'_> {
    fn variable(&self, name: &str) -> Option<&str> {
        let value = self.environment.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// `name` as this truth value, unless it has it already.
    fn unless(&self, name: &str, value: bool) -> Option<(String, Option<String>)> {
        let has = self.variable(name).and_then(variables::boolean);
        (has != Some(value)).then(|| set(name, if value { "1" } else { "0" }))
    }

    /// `DOCKER_BUILDKIT=1` where it is off: on is what the child takes it for when it is not set.
    fn not_off(&self) -> Option<(String, Option<String>)> {
        let off = self.variable(DOCKER_BUILDKIT).and_then(variables::boolean) == Some(false);
        off.then(|| set(DOCKER_BUILDKIT, "1"))
    }
}

fn set(name: &str, value: &str) -> (String, Option<String>) {
    (name.to_owned(), Some(value.to_owned()))
}

fn classic(situation: &Situation<'_>) -> Variables {
    situation
        .unless(DOCKER_BUILDKIT, false)
        .into_iter()
        .collect()
}

/// Compose v1 runs `docker build`, unless it is told not to; then it always builds classically.
fn v1(situation: &Situation<'_>) -> Variables {
    let mut variables = Variables::new();
    let docker = situation.programs.docker.as_ref();
    let old_cli = docker.is_some_and(|docker| docker.is_before(23, 0));
    let buildx = situation
        .programs
        .buildx
        .as_ref()
        .is_some_and(|b| b.version.is_ok());
    if !old_cli && buildx {
        variables.extend(situation.not_off());
    } else {
        // The old CLI builds classically unless told otherwise. So does a newer one whose buildx is
        // missing; told otherwise it ends with an error, which is better than another image.
        variables.extend(situation.unless(DOCKER_BUILDKIT, true));
    }
    let off = situation
        .variable("COMPOSE_DOCKER_CLI_BUILD")
        .and_then(variables::boolean);
    if off == Some(false) {
        variables.push(set("COMPOSE_DOCKER_CLI_BUILD", "1"));
    }
    let progress = situation.variable("BUILDKIT_PROGRESS");
    if old_cli && matches!(progress, Some("quiet" | "rawjson")) {
        variables.push(set("BUILDKIT_PROGRESS", "plain"));
    } else if !old_cli {
        variables.extend(progress_without_terminal(situation));
    }
    variables
}

fn modern(situation: &Situation<'_>, compose: &Compose) -> Variables {
    let mut variables: Variables = situation.not_off().into_iter().collect();
    if bakes(situation, &compose.program) && is_in_the_way(situation.programs.buildx.as_ref()) {
        variables.push(set("COMPOSE_BAKE", "false"));
    }
    // A builder that the user named for this is theirs to name. One that was once chosen for `docker
    // buildx` keeps its own cache, does not see the engine's images and leaves none there.
    let chosen = |builder: &Builder| builder.is_foreign() && builder.chosen_by == Chooser::Use;
    if situation.builder.is_some_and(chosen) {
        variables.push(set("BUILDX_BUILDER", situation.context));
    }
    variables.extend(progress_without_terminal(situation));
    variables
}

/// Whether this Compose builds through `buildx bake` and can also do without: 2.37 to 2.40 unless
/// told otherwise, 2.33 to 2.36 if they are told to.
fn bakes(situation: &Situation<'_>, compose: &Program) -> bool {
    let told = situation
        .variable("COMPOSE_BAKE")
        .and_then(variables::boolean);
    if compose.version.is_err() || !compose.is_before(5, 0) || compose.is_before(2, 33) {
        false
    } else if compose.is_before(2, 37) {
        told == Some(true)
    } else {
        told != Some(false)
    }
}

/// Whether Compose finds a buildx that it fails with: older than 0.17, or broken. One that is
/// missing does no harm.
fn is_in_the_way(buildx: Option<&Program>) -> bool {
    buildx.is_some_and(|buildx| !buildx.is_at_least(0, 17))
}

/// `BUILDKIT_PROGRESS=tty` is an error where there is no terminal.
fn progress_without_terminal(situation: &Situation<'_>) -> Option<(String, Option<String>)> {
    let tty = situation.variable("BUILDKIT_PROGRESS") == Some("tty");
    (tty && !situation.terminal).then(|| set("BUILDKIT_PROGRESS", "plain"))
}

#[cfg(test)]
mod tests;
