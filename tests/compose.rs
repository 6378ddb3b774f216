//! Golden cases of compose projects: every folder below `tests/compose` is one.
//!
//! A case has compose files, an optional `cmd` (one argument or `NAME=value` a line, and `cd DIR`),
//! and what loading must yield: `expected.json` (what matters of the project, with `$DIR` for the
//! folder) or `expected.txt` (the complaints, one a line). Notes, when there are any, are the
//! `notes` of the JSON. `BLESS=1` writes what came out.

#![allow(
    clippy::disallowed_methods,
    reason = "tests read the environment they are given"
)]

use std::fs;
use std::path::{Path, PathBuf};

use dcb::compose::{self, Build, Context, Dockerfile, Project, Request, SecretSource, Service};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};

#[test]
fn every_case_yields_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compose");
    let mut failures = Vec::new();
    let mut cases = 0;
    for entry in fs::read_dir(&root).expect("tests/compose is there") {
        let folder = entry.expect("a readable entry").path();
        assert!(folder.is_dir(), "{} is no case", folder.display());
        cases += 1;
        if let Err(difference) = run(&folder) {
            failures.push(difference);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(cases > 0, "no cases found");
}

fn run(folder: &Path) -> Result<(), String> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let command = fs::read_to_string(folder.join("cmd")).unwrap_or_default();
    let (file, actual) = match compose::load(&request(folder, &command)) {
        Ok(project) => {
            let text = serde_json::to_string_pretty(&dump(&project)).expect("JSON");
            ("expected.json", text + "\n")
        }
        Err(errors) => {
            let lines = errors.iter().map(|error| {
                let help = error.help.iter().map(|help| format!("\n  = {help}"));
                let label = error.primary.iter().map(|(_, label)| label);
                let label = label.filter(|label| !label.is_empty());
                let label = label.map(|label| format!("\n  ^ {label}"));
                format!(
                    "{error}{}{}\n",
                    label.collect::<String>(),
                    help.collect::<String>()
                )
            });
            ("expected.txt", lines.collect())
        }
    };
    let actual = actual.replace(&*folder.to_string_lossy(), "$DIR");
    if std::env::var_os("BLESS").is_some() {
        for stale in ["expected.json", "expected.txt"] {
            let _ = fs::remove_file(folder.join(stale));
        }
        fs::write(folder.join(file), actual).expect("a writable case");
        return Ok(());
    }
    let expected = fs::read_to_string(folder.join(file)).unwrap_or_else(|_| format!("no {file}\n"));
    if expected == actual {
        return Ok(());
    }
    Err(format!("case {name}: expected\n{expected}\ngot\n{actual}"))
}

/// The request that the lines of `command` describe, in `folder`.
fn request(folder: &Path, command: &str) -> Request {
    let mut request = Request {
        directory: folder.to_owned(),
        stdin: fs::read_to_string(folder.join("stdin")).ok(),
        environment: IndexMap::from([("HOME".to_owned(), "/home/user".to_owned())]),
        ..Request::default()
    };
    let folder_text = folder.to_string_lossy().into_owned();
    request.environment.insert("PWD".to_owned(), folder_text);
    let mut lines = command.lines();
    while let Some(line) = lines.next() {
        let mut value = || lines.next().expect("a value").to_owned();
        match line {
            "-f" => request.files.push(value()),
            "-p" => request.project_name = Some(value()),
            "--project-directory" => request.project_directory = Some(PathBuf::from(value())),
            "--env-file" => request.env_files.push(PathBuf::from(value())),
            "--profile" => request.profiles.push(value()),
            _ if line.starts_with("cd ") => {
                request.directory = folder.join(&line[3..]);
                let directory = request.directory.to_string_lossy().into_owned();
                request.environment.insert("PWD".to_owned(), directory);
            }
            _ => match line.split_once('=') {
                Some((name, value)) => {
                    request
                        .environment
                        .insert(name.to_owned(), value.to_owned());
                }
                None => request.services.push(line.to_owned()),
            },
        }
    }
    request
}

/// Prints the dump of the project described by `DUMP_DIR` and `DUMP_CMD` to `DUMP_OUT`: how the
/// differential checks ask for dcb's view.
#[test]
#[ignore = "a tool, not a test"]
fn dump_one() {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let jobs = fs::read_to_string(variable("DUMP_JOBS")).expect("a list of jobs");
    let mut all = Map::new();
    for folder in jobs.lines() {
        let command = fs::read_to_string(Path::new(folder).join("cmd")).unwrap_or_default();
        let result = match compose::load(&request(Path::new(folder), &command)) {
            Ok(project) => json!({"ok": dump(&project)}),
            Err(errors) => {
                let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
                json!({"error": errors})
            }
        };
        all.insert(folder.to_owned(), result);
    }
    let text = serde_json::to_string(&Value::Object(all)).expect("JSON");
    fs::write(variable("DUMP_OUT"), text).expect("a writable output");
}

fn dump(project: &Project) -> Value {
    let services: Map<String, Value> = project
        .services
        .values()
        .map(|service| (service.name.clone(), dump_service(project, service)))
        .collect();
    prune(json!({
        "name": project.name,
        "directory": project.directory,
        "files": project.files,
        "services": services,
        "disabled": project.disabled,
        "notes": project.notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
    }))
}

fn dump_service(project: &Project, service: &Service) -> Value {
    prune(json!({
        "at": service.at.to_string(),
        "image_name": service.image_name(&project.name, '-'),
        "platform": service.platform,
        "pull_policy": service.pull_policy,
        "depends_on": service.depends_on,
        "build": service.build.as_ref().map(dump_build),
    }))
}

fn dump_build(build: &Build) -> Value {
    let pair = |(one, other): &(String, String)| format!("{one}={other}");
    let contexts = build.additional_contexts.iter();
    prune(json!({
        "context": dump_context(&build.context),
        "dockerfile": match &build.dockerfile {
            Dockerfile::File(path) => json!(path),
            Dockerfile::InContext(path) => json!({"in_context": path}),
            Dockerfile::Inline(text, span) => json!({"inline": text, "at": span.to_string()}),
        },
        "args": build.args,
        "labels": build.labels,
        "target": build.target,
        "tags": build.tags,
        "platforms": build.platforms,
        "no_cache": build.no_cache,
        "pull": build.pull,
        "network": build.network,
        "extra_hosts": build.extra_hosts.iter().map(pair).collect::<Vec<_>>(),
        "shm_size": build.shm_size,
        "ulimits": build.ulimits.iter()
            .map(|limit| format!("{}={}:{}", limit.name, limit.soft, limit.hard))
            .collect::<Vec<_>>(),
        "isolation": build.isolation,
        "privileged": build.privileged,
        "entitlements": build.entitlements,
        "additional_contexts": contexts
            .map(|(name, context)| (name.clone(), dump_context(context)))
            .collect::<Map<_, _>>(),
        "cache_from": build.cache_from,
        "cache_to": build.cache_to,
        "no_cache_filter": build.no_cache_filter,
        "secrets": build.secrets.iter().map(|secret| match &secret.from {
            SecretSource::File(path) => format!("{}: file {}", secret.id, path.display()),
            SecretSource::Environment(name) => format!("{}: env {name}", secret.id),
        }).collect::<Vec<_>>(),
        "ssh": build.ssh.iter().map(|(id, path)| match path {
            Some(path) => format!("{id}={path}"),
            None => id.clone(),
        }).collect::<Vec<_>>(),
        "provenance": build.provenance,
        "sbom": build.sbom,
    }))
}

fn dump_context(context: &Context) -> Value {
    match context {
        Context::Directory(path) => json!(path),
        Context::Remote(address) => json!({"remote": address}),
        Context::Service(name) => json!({"service": name}),
    }
}

/// Leaves out what is empty or off.
fn prune(value: Value) -> Value {
    let Value::Object(map) = value else {
        return value;
    };
    let kept = map.into_iter().filter(|(_, value)| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    });
    Value::Object(kept.collect())
}
