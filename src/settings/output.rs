//! `--output` as buildx reads it: `DIR`, `-`, or `type=...,dest=...`.

use std::path::Path;

use indexmap::IndexMap;

use crate::ambient::Ambient;
use crate::docker::{Destination, Output, OutputForm};
use crate::failure::{Class, Failure};
use crate::human;

/// What `text` asks for; nothing when that is what a build does anyway.
///
/// # Errors
/// When it is written wrongly, or asks for what `--output` here does not do.
pub(super) fn read(text: &str, ambient: &Ambient) -> Result<Option<Output>, Failure> {
    let Some(mut fields) = fields(text)? else {
        return Ok(Some(bare(text, ambient)?));
    };
    let kind = fields.shift_remove("type").unwrap_or_default();
    let to = fields.shift_remove("dest");
    let form = match kind.as_str() {
        "local" => OutputForm::Local,
        "tar" => OutputForm::Tar,
        "oci" => OutputForm::Oci,
        "docker" if to.is_some() => OutputForm::Docker,
        "docker" | "image" => return as_ever(&kind, &fields).map(|()| None),
        "registry" => return Err(push()),
        "cacheonly" => {
            return Err(
                usage("--output type=cacheonly is not supported by this dcb")
                    .hint("leave it out: the image is built, and named as the compose file says"),
            );
        }
        _ => return Err(unknown(&kind)),
    };
    if is_true(fields.get("tar").map(String::as_str)) == Some(false) {
        return Err(usage(format!(
            "--output type={kind},tar=false, a directory in OCI's layout, is not supported by this dcb"
        ))
        .hint("leave out tar=false, and unpack the archive"));
    }
    let to = to.filter(|to| !to.is_empty());
    let output = Output {
        form,
        to: match (form, to.as_deref()) {
            (OutputForm::Local, None | Some("-")) => {
                return Err(usage("--output type=local needs a directory")
                    .hint("--output type=local,dest=DIR"));
            }
            (_, None | Some("-")) => stdout(form, ambient)?,
            (_, Some(path)) => place(form, path, ambient)?,
        },
        options: fields,
    };
    Ok(Some(output))
}

/// `DIR` or `-`.
fn bare(text: &str, ambient: &Ambient) -> Result<Output, Failure> {
    let (form, to) = if text == "-" {
        (OutputForm::Tar, stdout(OutputForm::Tar, ambient)?)
    } else {
        let form = OutputForm::Local;
        (form, place(form, text, ambient)?)
    };
    Ok(Output {
        form,
        to,
        options: IndexMap::new(),
    })
}

fn stdout(form: OutputForm, ambient: &Ambient) -> Result<Destination, Failure> {
    if ambient.stdout.columns.is_some() {
        return Err(usage("an archive is not written to a terminal")
            .hint(format!("--output type={form},dest=FILE"))
            .hint("or send it on: dcb build --output - SERVICE | tar -t"));
    }
    Ok(Destination::Stdout)
}

fn place(form: OutputForm, path: &str, ambient: &Ambient) -> Result<Destination, Failure> {
    let path = ambient.directory.join(Path::new(path));
    match (form, path.is_dir(), path.exists()) {
        (OutputForm::Local, false, true) => {
            Err(usage(format!("`{}` is not a directory", path.display()))
                .hint("--output type=tar,dest=FILE writes an archive"))
        }
        (OutputForm::Local, ..) | (_, false, _) => Ok(Destination::Path(path)),
        (_, true, _) => Err(usage(format!("`{}` is a directory", path.display()))
            .hint(format!("name a file in it: --output type={form},dest=FILE"))),
    }
}

/// `type=image`, and `type=docker` without a file: the image becomes one of the engine's.
fn as_ever(kind: &str, fields: &IndexMap<String, String>) -> Result<(), Failure> {
    if is_true(fields.get("push").map(String::as_str)) == Some(true) {
        return Err(push());
    }
    match fields.keys().find(|key| *key != "push") {
        None => Ok(()),
        Some(key) => Err(usage(format!(
            "--output type={kind} with `{key}` is not supported by this dcb"
        ))
        .hint("the image's names are those of the compose file: `image:` and `tags:`")),
    }
}

fn push() -> Failure {
    usage("--output pushes nothing").hint("dcb build --push")
}

fn unknown(kind: &str) -> Failure {
    const KNOWN: [&str; 5] = ["local", "tar", "oci", "docker", "image"];
    let failure = usage(match kind {
        "" => "--output needs a `type=`".to_owned(),
        _ => format!("--output does not know `type={kind}`"),
    });
    match human::nearest(kind, KNOWN) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("type=local, tar, oci or docker, with dest=PATH"),
    }
}

fn usage(message: impl Into<String>) -> Failure {
    Failure::new(Class::Usage, message)
}

/// As Go reads a boolean.
fn is_true(text: Option<&str>) -> Option<bool> {
    match text? {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// The fields of a list such as `type=tar,"dest=a,b.tar"`; nothing when it is no such list.
fn fields(text: &str) -> Result<Option<IndexMap<String, String>>, Failure> {
    if !text.contains('=') {
        return Ok(None);
    }
    let mut fields = IndexMap::new();
    let mut quoted = false;
    let parts = text.split(|c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    for part in parts {
        let part = match part.strip_prefix('"').and_then(|p| p.strip_suffix('"')) {
            Some(inner) => inner.replace("\"\"", "\""),
            None => part.to_owned(),
        };
        let Some((name, value)) = part.split_once('=') else {
            return Err(
                usage(format!("--output has `{part}`, which is no NAME=VALUE"))
                    .hint("--output type=local,dest=DIR"),
            );
        };
        fields.insert(name.trim().to_lowercase(), value.to_owned());
    }
    Ok(Some(fields))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::Terminal;

    fn read(text: &str) -> Result<Option<Output>, Failure> {
        let terminal = Terminal::UNKNOWN;
        let ambient = Ambient {
            arguments: Vec::new(),
            environment: IndexMap::new(),
            directory: "/here".into(),
            home: None,
            memory: None,
            hostname: String::new(),
            stdin_is_terminal: false,
            stdout: terminal,
            stderr: terminal,
        };
        super::read(text, &ambient)
    }

    #[test]
    fn every_spelling_of_buildx_is_understood() {
        for (text, means) in [
            ("out", "local to /here/out"),
            ("/out", "local to /out"),
            ("-", "tar to standard output"),
            ("type=local,dest=out", "local to /here/out"),
            ("type=tar,dest=a.tar", "tar to /here/a.tar"),
            ("type=tar,dest=-", "tar to standard output"),
            ("type=tar", "tar to standard output"),
            ("type=oci,dest=a.tar", "oci to /here/a.tar"),
            ("type=docker,dest=a.tar", "docker to /here/a.tar"),
            ("\"dest=a,b.tar\",type=tar", "tar to /here/a,b.tar"),
            ("Type=tar, dest=a", "tar to /here/a"),
        ] {
            let output = read(text).expect(text).expect(text);
            assert_eq!(output.to_string(), means, "{text}");
        }
        for text in ["type=image", "type=docker", "type=image,push=false"] {
            assert_eq!(read(text).expect(text), None, "{text}");
        }
        let output = read("type=oci,dest=a,compression=zstd")
            .expect("it")
            .expect("it");
        assert_eq!(output.options["compression"], "zstd");
    }

    #[test]
    fn what_is_not_understood_is_told_with_what_to_write() {
        for (text, why) in [
            ("dest=out", "--output needs a `type=`"),
            ("type=local", "--output type=local needs a directory"),
            ("type=local,dest=-", "--output type=local needs a directory"),
            ("type=locl,dest=x", "--output does not know `type=locl`"),
            ("type=registry", "--output pushes nothing"),
            ("type=image,push=true", "--output pushes nothing"),
            ("type=tar,x", "--output has `x`, which is no NAME=VALUE"),
            ("type=tar,dest=/", "`/` is a directory"),
        ] {
            let failure = read(text).expect_err(text);
            assert_eq!(failure.message, why, "{text}");
            assert!(!failure.hints.is_empty(), "{text}");
        }
    }
}
