//! Golden cases of compose projects: every folder below `tests/compose` is one, and its `README.md`
//! says which rule each is about.
//!
//! A case has compose files, an optional `cmd` (one argument or `NAME=value` a line, and `cd DIR`),
//! and what loading must yield: `expected.json` (what matters of the project, with `$DIR` for the
//! folder) or `expected.txt` (the complaints, one a line). Notes, when there are any, are the
//! `notes` of the JSON. `BLESS=1` writes what came out.

#![allow(
    clippy::disallowed_macros,
    reason = "what was covered is told by the test itself"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests read the environment they are given"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use dcb::compose::{self, Build, Context, Dockerfile, Project, SecretSource, Service, Unloadable};
use serde_json::{Map, Value, json};

#[path = "support/case.rs"]
mod case;

#[test]
fn every_case_yields_what_it_says() {
    let folders = case::folders();
    let failures: Vec<String> = folders
        .iter()
        .filter_map(|folder| run(folder).err())
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The rows of the tables in `tests/compose/README.md`: a rule's number and its cases.
fn rules() -> Vec<(String, Vec<String>)> {
    let text = include_str!("compose/README.md");
    let rows = text.lines().filter_map(|line| {
        let (number, rest) = line.strip_prefix("| ")?.split_once(" | ")?;
        let (_, cases) = rest.trim_end_matches(" |").rsplit_once(" | ")?;
        let is_number = number.starts_with(|c: char| c.is_ascii_digit());
        let cases = cases.split(", ").map(|case| case.trim_matches('`'));
        is_number.then(|| (number.to_owned(), cases.map(str::to_owned).collect()))
    });
    rows.collect()
}

#[test]
fn every_rule_has_a_case_and_every_folder_a_rule() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rules = rules();
    let mut unused: BTreeSet<String> = case::folders()
        .iter()
        .filter_map(|folder| Some(folder.file_name()?.to_string_lossy().into_owned()))
        .collect();
    let folders = unused.clone();
    let mut numbers = BTreeSet::new();
    let mut elsewhere = 0;
    for (number, cases) in &rules {
        assert!(numbers.insert(number), "rule {number} is there twice");
        for case in cases {
            if let Some((file, name)) = case.split_once('#') {
                let text = fs::read_to_string(root.join(file)).expect("a file of tests");
                assert!(
                    text.contains(&format!("fn {name}(")),
                    "rule {number}: no `{case}`"
                );
                elsewhere += 1;
            } else {
                assert!(folders.contains(case), "rule {number}: no folder `{case}`");
                unused.remove(case);
            }
        }
    }
    assert!(unused.is_empty(), "folders without a rule: {unused:?}");
    println!(
        "{} rules, {} folders, {elsewhere} tests elsewhere",
        rules.len(),
        folders.len()
    );
}

fn run(folder: &Path) -> Result<(), String> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let request = case::request(folder);
    let loaded = compose::load(&request).and_then(|project| {
        let named = project.select(&request.services);
        let named = named.map_err(|error| Unloadable::Invalid(vec![error]))?;
        let whole = request.services.is_empty();
        let named = (!whole).then(|| project.with_dependencies(&named));
        Ok((project, named))
    });
    let (file, actual) = match loaded {
        Ok((project, named)) => {
            let mut told = dump(&project);
            if let Some(named) = named {
                told["named"] = json!(named);
            }
            let text = serde_json::to_string_pretty(&told).expect("JSON");
            ("expected.json", text + "\n")
        }
        Err(why) => {
            let errors = why.into_diagnostics();
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
        "ssh": build.ssh.iter().map(|compose::Ssh { id, path, .. }| match path {
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
