//! What a build is given of this machine beside its files: secrets, and agents for SSH. They are
//! looked at before the plan is made, so that what is missing is told with its place and before
//! anything is built. No value of a secret is read here but that of a variable.

mod key;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::forms::Problem;
use crate::compose::{self, Build, Project, SecretSource};
use crate::diagnostic::{Diagnostic, Span};
use crate::docker::{SecretValue, SshAgent};
use crate::failure::Class;
use crate::secret::Secret;
use key::KeyFile;

/// The variable with the socket of the user's own agent.
const SSH_AUTH_SOCK: &str = "SSH_AUTH_SOCK";

/// What mends a missing agent.
const START_AGENT: &str = "start an agent with the key: eval $(ssh-agent) && ssh-add";

/// What one build is given.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) secrets: IndexMap<String, SecretValue>,
    pub(super) ssh: IndexMap<String, SshAgent>,
    lacks: Vec<Lack>,
}

/// Something that cannot be given, or is not worth much.
#[derive(Debug)]
struct Lack {
    /// What kind of failure it is; none when it is only worth a warning.
    class: Option<Class>,
    /// What it is about, such as "secret `token`".
    what: String,
    /// Completes "`what` of service `web`".
    why: String,
    at: Option<Span>,
    help: Option<String>,
}

impl Given {
    /// Looks at what `build` asks for.
    pub(super) fn read(project: &Project, build: &Build) -> Self {
        let mut given = Self::default();
        for secret in &build.secrets {
            given.secret(project, secret);
        }
        for ssh in &build.ssh {
            given.agent(project, ssh);
        }
        given
    }

    fn secret(&mut self, project: &Project, secret: &compose::Secret) {
        let looked = match &secret.from {
            SecretSource::File(path) => size(path)
                .map(|size| (SecretValue::File(path.clone()), size))
                .map_err(|error| {
                    (
                        format!("cannot be read: `{}`: {}", path.display(), why(&error)),
                        None,
                    )
                }),
            SecretSource::Environment(name) => match project.environment.get(name) {
                Some(value) => {
                    let size = value.len() as u64;
                    let (name, value) = (name.clone(), Secret::new(value));
                    Ok((SecretValue::Variable { name, value }, size))
                }
                None => Err((
                    format!("is the variable `{name}`, which is not set"),
                    Some(format!("set it: export {name}=…")),
                )),
            },
        };
        let mut lack = |class, why, help| {
            self.lacks.push(Lack {
                class,
                what: format!("secret `{}`", secret.id),
                why,
                at: secret.at.clone(),
                help,
            });
        };
        match looked {
            Err((why, help)) => lack(Some(Class::SecretMissing), why, help),
            Ok((_, size)) if size > SecretValue::LARGEST as u64 => {
                let why = format!(
                    "has {size} bytes, and a secret may have {} (500 KiB)",
                    SecretValue::LARGEST
                );
                lack(Some(Class::Unsupported), why, None);
            }
            Ok((value, size)) => {
                if size == 0 {
                    lack(None, "is empty".to_owned(), None);
                }
                self.secrets.insert(secret.id.clone(), value);
            }
        }
    }

    fn agent(&mut self, project: &Project, ssh: &compose::Ssh) {
        match agent(project, ssh) {
            Ok(agent) => {
                self.ssh.insert(ssh.id.clone(), agent);
            }
            Err((why, help)) => self.lacks.push(Lack {
                class: Some(Class::SshMissing),
                what: format!("`ssh: {}`", ssh.id),
                why,
                at: ssh.at.clone(),
                help: Some(help),
            }),
        }
    }

    /// What cannot be given to the build of `service`.
    pub(super) fn problems<'a>(&'a self, service: &'a str) -> impl Iterator<Item = Problem> + 'a {
        self.lacks.iter().filter_map(move |lack| {
            Some(Problem {
                class: lack.class?,
                diagnostic: lack.told(service, Diagnostic::error),
            })
        })
    }

    /// What is worth a warning.
    pub(super) fn warnings<'a>(
        &'a self,
        service: &'a str,
    ) -> impl Iterator<Item = Diagnostic> + 'a {
        let lacks = self.lacks.iter().filter(|lack| lack.class.is_none());
        lacks.map(move |lack| lack.told(service, Diagnostic::warning))
    }
}

impl Lack {
    fn told(&self, service: &str, kind: fn(String) -> Diagnostic) -> Diagnostic {
        let mut told = kind(format!("{} of service `{service}` {}", self.what, self.why));
        if let Some(at) = &self.at {
            told = told.at(at.clone(), "");
        }
        match &self.help {
            Some(help) => told.help(help.clone()),
            None => told,
        }
    }
}

/// The size of a file that can be read.
fn size(path: &Path) -> io::Result<u64> {
    let metadata = File::open(path)?.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(metadata.len())
}

/// The agent that `ssh` names, or why there is none and what mends it.
fn agent(project: &Project, ssh: &compose::Ssh) -> Result<SshAgent, (String, String)> {
    let Some(path) = &ssh.path else {
        let socket = project.environment.get(SSH_AUTH_SOCK);
        let Some(socket) = socket.filter(|path| !path.is_empty()) else {
            let why = format!("needs the agent of {SSH_AUTH_SOCK}, which is not set");
            return Err((why, START_AGENT.to_owned()));
        };
        return listening(Path::new(socket)).map_err(|why| {
            (
                format!("needs the agent of {SSH_AUTH_SOCK}, and {why}"),
                START_AGENT.to_owned(),
            )
        });
    };
    // As the engine's own clients read it: each path by itself, those after the first from here.
    let paths: Vec<PathBuf> = path
        .split(',')
        .map(|path| project.here.join(path))
        .collect();
    match paths.as_slice() {
        [socket] if is_socket(socket) => {
            listening(socket).map_err(|why| (why, START_AGENT.to_owned()))
        }
        paths if paths.iter().any(|path| is_socket(path)) => Err((
            "names a socket beside other paths".to_owned(),
            "name one agent's socket, or only private keys".to_owned(),
        )),
        _ => {
            paths.iter().try_for_each(|path| usable(&ssh.id, path))?;
            Ok(SshAgent::Keys(paths))
        }
    }
}

/// The agent at `socket`, or why it is none.
fn listening(socket: &Path) -> Result<SshAgent, String> {
    #[cfg(unix)]
    let answer = std::os::unix::net::UnixStream::connect(socket).map(drop);
    #[cfg(not(unix))]
    let answer: io::Result<()> = Err(io::Error::other(
        "agents are forwarded from their sockets on Unix only",
    ));
    match answer {
        Ok(()) => Ok(SshAgent::Socket(socket.to_owned())),
        Err(error) => {
            let socket = socket.display();
            Err(format!("nothing answers at `{socket}`: {}", why(&error)))
        }
    }
}

#[cfg(unix)]
fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    path.metadata()
        .is_ok_and(|metadata| metadata.file_type().is_socket())
}

#[cfg(not(unix))]
fn is_socket(_: &Path) -> bool {
    false
}

/// Whether the file at `path` has a key that an agent can be given, or why not and what mends it.
fn usable(id: &str, path: &Path) -> Result<(), (String, String)> {
    let shown = path.display();
    match key::look(path) {
        Ok(KeyFile::Open) => Ok(()),
        Ok(KeyFile::Encrypted) => Err((
            format!("names the key `{shown}`, which has a passphrase"),
            format!(
                "let your own agent hold it: ssh-add {shown}, then write `{id}=${{SSH_AUTH_SOCK}}`"
            ),
        )),
        Ok(KeyFile::None) => Err((
            format!("names `{shown}`, which is no private key"),
            "name the file that `ssh-keygen` wrote beside its `.pub`, or an agent's socket"
                .to_owned(),
        )),
        Err(error) => Err((
            format!("names `{shown}`, which cannot be read: {}", why(&error)),
            "name a private key, or an agent's socket".to_owned(),
        )),
    }
}

fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        _ => error.to_string(),
    }
}
