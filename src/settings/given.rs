//! `--secret` and `--ssh`: what the command line gives to every service that is built. They act as if
//! the compose file said so, after all that it says itself.

use std::path::{Path, PathBuf};

use crate::cli::BuildFlags;
use crate::compose::{Project, Secret, SecretSource, Ssh};
use crate::failure::{Class, Failure};

/// What the command line gives.
#[derive(Debug, Clone, Default)]
pub struct Given {
    secrets: Vec<(String, From)>,
    ssh: Vec<Ssh>,
}

/// Where the command line says that a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum From {
    File(PathBuf),
    Variable(String),
    /// In the variable of this name, or else in the file.
    Either(String),
}

impl Given {
    /// Reads the flags.
    ///
    /// # Errors
    /// When one cannot be understood. What it says is not repeated: it may be the secret itself.
    pub fn read(flags: &BuildFlags) -> Result<Self, Failure> {
        Ok(Self {
            secrets: flags
                .secrets
                .iter()
                .map(|flag| secret(flag).map_err(|why| unreadable(&why)))
                .collect::<Result<_, _>>()?,
            ssh: flags.ssh.iter().map(|flag| ssh(flag)).collect(),
        })
    }

    /// Adds it to all services of `project` that build. What has the same id there is replaced.
    pub fn add_to(&self, project: &mut Project) {
        let secrets: Vec<Secret> = self
            .secrets
            .iter()
            .map(|(id, from)| Secret {
                id: id.clone(),
                from: from.resolved(project),
                at: None,
            })
            .collect();
        for build in project
            .services
            .values_mut()
            .filter_map(|service| service.build.as_mut())
        {
            build
                .secrets
                .retain(|own| secrets.iter().all(|given| given.id != own.id));
            build.secrets.extend(secrets.iter().cloned());
            build
                .ssh
                .retain(|own| self.ssh.iter().all(|given| given.id != own.id));
            build.ssh.extend(self.ssh.iter().cloned());
        }
    }
}

impl From {
    fn resolved(&self, project: &Project) -> SecretSource {
        let file = |path: &Path| SecretSource::File(project.here.join(path));
        match self {
            Self::File(path) => file(path),
            Self::Variable(name) => SecretSource::Environment(name.clone()),
            Self::Either(name) if project.environment.contains_key(name) => {
                SecretSource::Environment(name.clone())
            }
            Self::Either(name) => file(Path::new(name)),
        }
    }
}

fn unreadable(why: &str) -> Failure {
    Failure::new(Class::Usage, format!("`--secret` {why}"))
        .hint("write --secret id=NAME,src=FILE or --secret id=NAME,env=VARIABLE")
}

/// One `--secret`, in the forms that buildx takes. The error completes "`--secret` ...".
fn secret(flag: &str) -> Result<(String, From), String> {
    let (mut id, mut source, mut variable, mut kind) = (None, None, None, None);
    for field in fields(flag)? {
        let (key, value) = field.split_once('=').ok_or("has a part without `=`")?;
        let key = key.to_lowercase();
        let place = match key.as_str() {
            "id" => &mut id,
            "src" | "source" => &mut source,
            "env" => &mut variable,
            "type" if matches!(value, "file" | "env") => &mut kind,
            "type" => return Err("has another type than `file` and `env`".to_owned()),
            _ => return Err("has a part that is none of `id`, `src`, `env` and `type`".to_owned()),
        };
        *place = Some(value.to_owned()).filter(|value| !value.is_empty());
    }
    let id = id.ok_or("has no id")?;
    if kind.as_deref() == Some("env") && variable.is_none() {
        variable = source.take();
    }
    match (source, variable) {
        (Some(_), Some(_)) => Err(format!("gives both a file and a variable for `{id}`")),
        (Some(path), None) => Ok((id, From::File(path.into()))),
        (None, Some(name)) => Ok((id, From::Variable(name))),
        (None, None) => Ok((id.clone(), From::Either(id))),
    }
}

/// The parts of a flag between its commas. A part in quotation marks may hold commas, and a
/// quotation mark as two.
fn fields(flag: &str) -> Result<Vec<String>, String> {
    let mut fields = Vec::new();
    let mut rest = flag;
    loop {
        let mut field = String::new();
        if let Some(mut quoted) = rest.strip_prefix('"') {
            loop {
                let (part, after) = quoted
                    .split_once('"')
                    .ok_or("has a quotation mark without its other")?;
                field.push_str(part);
                match after.strip_prefix('"') {
                    Some(more) => {
                        field.push('"');
                        quoted = more;
                    }
                    None => {
                        rest = after;
                        break;
                    }
                }
            }
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            field.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        fields.push(field);
        rest = match rest.strip_prefix(',') {
            Some(more) => more,
            None if rest.is_empty() => return Ok(fields),
            None => return Err("has text after a quotation mark".to_owned()),
        };
    }
}

/// One `--ssh`; nothing at all means `default`, as Compose reads it.
fn ssh(flag: &str) -> Ssh {
    let (id, path) = match flag.split_once('=') {
        Some((id, path)) => (id, Some(path)),
        None => (flag, None),
    };
    Ssh {
        id: if id.is_empty() { "default" } else { id }.to_owned(),
        path: path.filter(|path| !path.is_empty()).map(str::to_owned),
        at: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_as_buildx_reads_it() {
        let file = |path: &str| From::File(path.into());
        let variable = |name: &str| From::Variable(name.to_owned());
        for (flag, from) in [
            ("id=a,src=f", file("f")),
            ("id=a,source=f", file("f")),
            ("type=file,id=a,src=f", file("f")),
            ("ID=a,env=E", variable("E")),
            ("id=a,type=env,src=E", variable("E")),
            ("type=env,id=a,env=E", variable("E")),
            ("id=a", From::Either("a".to_owned())),
            ("id=a,src=", From::Either("a".to_owned())),
            ("id=a,src=f=g", file("f=g")),
            (r#"id=a,"src=f,""g""""#, file(r#"f,"g""#)),
        ] {
            assert_eq!(secret(flag), Ok(("a".to_owned(), from)), "{flag}");
        }
    }

    #[test]
    fn a_secret_that_is_no_flag_is_not_repeated() {
        for flag in [
            "hunter2",
            "id=a,value=hunter2",
            "id=a,type=hunter2",
            "src=hunter2",
            "\"id=a",
            "\"id=a\"hunter2",
        ] {
            let failure = secret(flag)
                .map_err(|why| unreadable(&why))
                .expect_err(flag);
            assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
        }
    }

    #[test]
    fn an_agent_has_an_id_and_may_have_a_path() {
        for (flag, id, path) in [
            ("default", "default", None),
            ("", "default", None),
            ("git=a,b", "git", Some("a,b")),
            ("git=", "git", None),
        ] {
            let read = ssh(flag);
            assert_eq!(
                (read.id.as_str(), read.path.as_deref()),
                (id, path),
                "{flag}"
            );
        }
    }
}
