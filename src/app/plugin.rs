//! `docker dcb`: dcb as a plugin of the docker CLI.
//!
//! ```text
//! docker --context far dcb build web
//!   └─ docker-dcb --context far dcb build web       this module: flags become variables
//!        └─ docker-dcb dcb build web                dcb as ever, DOCKER_CONTEXT=far
//! ```
//!
//! The second process is there because the variables count for dcb and for all that it starts, and
//! because Compose and buildx must not take themselves for the plugin that docker has called.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use super::complete;
use crate::ambient::Ambient;
use crate::cli::plugin::{DockerFlags, Rest, is_plugin};
use crate::docker::plugin::{
    ASKED_TO_COMPLETE, ASKED_WHAT_IT_IS, SOCKET, STARTED_BY_DOCKER, metadata, wait_for_stop,
};
use crate::failure::{Class, Failure};
use crate::process::{self, Command};
use crate::report;

/// The name by which docker calls dcb.
const NAME: &str = "dcb";

/// What the docker CLI asked for, done; nothing when dcb goes on with its arguments, which are then
/// those that it has without docker.
pub(super) fn answer(ambient: &mut Ambient) -> Option<Result<ExitCode, Failure>> {
    let first = ambient.arguments.get(1).and_then(|word| word.to_str());
    if first == Some(ASKED_WHAT_IT_IS) {
        return Some(Ok(printed(&metadata())));
    }
    if !is_plugin(ambient.arguments.first()?) {
        return None;
    }
    if first.is_some_and(|word| ASKED_TO_COMPLETE.contains(&word)) {
        let words = ambient.arguments.get(2..).unwrap_or_default();
        return Some(Ok(printed(&complete::for_docker(ambient, words))));
    }
    let flags = match DockerFlags::read(&ambient.arguments) {
        Ok(flags) => flags,
        Err(error) => return Some(Ok(super::usage(&error))),
    };
    let variables = match variables(&flags, ambient) {
        Ok(variables) => variables,
        Err(failure) => return Some(Err(failure)),
    };
    let words = words(flags);
    if variables.is_empty() {
        ambient.arguments.truncate(1);
        ambient.arguments.extend(words);
        return None;
    }
    let mut command = Command::new(ambient.arguments.first()?);
    command.arguments = vec![NAME.into()];
    command.arguments.extend(words);
    command.environment = variables;
    Some(go_on(&command, ambient))
}

fn printed(text: &str) -> ExitCode {
    match report::result(text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// The variables that say what docker's flags say; nothing stands for one that must not be there.
fn variables(
    flags: &DockerFlags,
    ambient: &Ambient,
) -> Result<Vec<(String, Option<String>)>, Failure> {
    for (flag, file) in [
        ("--tlscacert", &flags.tlscacert),
        ("--tlscert", &flags.tlscert),
        ("--tlskey", &flags.tlskey),
    ] {
        if file.is_some() {
            let message = format!("dcb cannot take `{flag}` from docker");
            return Err(Failure::new(Class::Usage, message).hint(
                "with ca.pem, cert.pem and key.pem in a directory: export DOCKER_CERT_PATH=DIRECTORY",
            ));
        }
    }
    let mut variables = Vec::new();
    let mut set =
        |name: &str, value: &str| variables.push((name.to_owned(), Some(value.to_owned())));
    if let Some(directory) = &flags.config {
        set("DOCKER_CONFIG", &directory.to_string_lossy());
    }
    if let Some(host) = flags.hosts.last() {
        set("DOCKER_HOST", host);
    }
    if flags.tlsverify {
        set("DOCKER_TLS_VERIFY", "1");
    } else if flags.tls {
        set("DOCKER_TLS", "1");
    }
    if let Some(context) = &flags.context {
        set("DOCKER_CONTEXT", context);
        // The flag counts more than the variable, except that `default` is what the variable says.
        if context != "default" {
            variables.push(("DOCKER_HOST".to_owned(), None));
        }
    }
    if ambient.variable(STARTED_BY_DOCKER).is_some() {
        variables.push((STARTED_BY_DOCKER.to_owned(), None));
    }
    Ok(variables)
}

/// What dcb is asked for, in its own words.
fn words(flags: DockerFlags) -> Vec<OsString> {
    let mut words = match flags.rest {
        Some(Rest::Words(words)) => words,
        None => Vec::new(),
    };
    // `docker help dcb build`
    let named = usize::from(words.first().is_some_and(|word| word == "help"));
    if words.get(named).is_some_and(|word| word == NAME) {
        words.remove(named);
    }
    if flags.debug {
        words.insert(0, "--verbose".into());
    }
    if flags.help {
        words.push("--help".into());
    }
    words
}

/// Goes on as `command`, until it ends or docker is asked to stop.
fn go_on(command: &Command, ambient: &Ambient) -> Result<ExitCode, Failure> {
    let directory: &Path = &ambient.directory;
    let error = match ambient.variable(SOCKET) {
        None => process::replace(command, directory),
        Some(socket) => {
            let socket = socket.to_owned();
            let stop = move || wait_for_stop(&socket).is_ok();
            match process::run_until(command, directory, stop) {
                Ok(code) => return Ok(ExitCode::from(code)),
                Err(error) => error,
            }
        }
    };
    let program = command.program.display();
    Err(Failure::new(
        Class::Internal,
        format!("failed to run `{program}`: {error}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> DockerFlags {
        let words: Vec<OsString> = line.split(' ').map(Into::into).collect();
        DockerFlags::read(&words).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    #[test]
    fn docker_s_own_words_are_taken_off_and_nothing_else_is() {
        for (line, expected) in [
            ("docker-dcb dcb build dcb --help", "build dcb --help"),
            ("docker-dcb help dcb build", "help build"),
            ("docker-dcb --help dcb build", "build --help"),
            ("docker-dcb -D -l warn dcb ps -a", "--verbose ps -a"),
            (
                "docker-dcb --debug=false dcb -f a.yaml logs",
                "-f a.yaml logs",
            ),
            ("docker-dcb build", "build"),
            ("docker-dcb help build", "help build"),
            ("docker-dcb", ""),
        ] {
            assert_eq!(
                words(read(line)).join(&OsString::from(" ")),
                expected,
                "{line}"
            );
        }
    }

    #[test]
    fn docker_s_flags_become_the_variables_that_say_the_same() {
        let ambient = Ambient::capture().expect("surroundings");
        let set = |line: &str| -> Vec<String> {
            let variables = variables(&read(line), &ambient).expect("known");
            let shown = |(name, value): (String, Option<String>)| match value {
                Some(value) => format!("{name}={value}"),
                None => format!("no {name}"),
            };
            variables.into_iter().map(shown).collect()
        };
        assert_eq!(
            set("docker-dcb --config cfg -c far dcb build"),
            ["DOCKER_CONFIG=cfg", "DOCKER_CONTEXT=far", "no DOCKER_HOST"]
        );
        assert_eq!(
            set("docker-dcb --context=default dcb build"),
            ["DOCKER_CONTEXT=default"]
        );
        assert_eq!(
            set("docker-dcb --tlsverify -H tcp://far:2376 dcb build"),
            ["DOCKER_HOST=tcp://far:2376", "DOCKER_TLS_VERIFY=1"]
        );
        let refused = variables(&read("docker-dcb --tlscert a.pem dcb build"), &ambient);
        assert!(
            refused
                .expect_err("refused")
                .to_string()
                .contains("--tlscert")
        );
    }
}
