//! A plan as text for people, and as JSON for programs (`docs/plan.md` describes the schema).

use std::fmt::Write;
use std::path::PathBuf;

use console::Style as Paint;
use serde_json::{Value, json};

use super::{Detail, docker};
use crate::diagnostic::Style;
use crate::docker::detect::Machine;
use crate::docker::{
    BuildSpec, CacheEntry, CacheUse, ContextSource, Destination, DockerfileSource, Keeper,
    NamedContext, Network, PullPolicy, SecretValue, SshAgent,
};
use crate::failure::Obstacle;
use crate::plan::{Attempt, Detour, Job, Plan, Reason, Verdict};

/// The version of the JSON schema. It grows by one when a field changes its meaning or goes.
const SCHEMA: u32 = 1;

/// The plan for people, with the full picture of Docker where it was asked for.
pub(super) fn text(plan: &Plan, machine: Option<&Machine>, detail: Detail, style: Style) -> String {
    let bold = Paint::new().bold().force_styling(style == Style::Coloured);
    let dim = Paint::new().dim().force_styling(style == Style::Coloured);
    let mut text = String::new();
    let _ = writeln!(
        text,
        "project  {} ({})",
        plan.project,
        plan.directory.display()
    );
    let _ = match &plan.engine {
        Some(engine) => writeln!(text, "engine   {} (API {})", engine.version, engine.api),
        None => writeln!(text, "engine   not reachable"),
    };
    let _ = writeln!(
        text,
        "jobs     {} side by side ({})",
        plan.parallel.value.min(plan.jobs.len().max(1)),
        plan.parallel.from
    );
    let mut section = |title: &str, rows: &[(String, String)]| {
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let width = width.max(NAMES);
        let _ = writeln!(text, "\n{}", bold.apply_to(title));
        for (name, value) in rows {
            let _ = writeln!(
                text,
                "  {}  {value}",
                dim.apply_to(format!("{name:width$}"))
            );
        }
    };
    if let Some(machine) = machine {
        section("docker", &owned(docker::rows(machine)));
    }
    for job in &plan.jobs {
        section(&job.service, &owned(rows(plan, job, detail)));
    }
    if detail == Detail::Verbose {
        section("keys", &keys(&plan.keys));
    }
    text
}

fn owned(rows: Vec<(&'static str, String)>) -> Vec<(String, String)> {
    rows.into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The least room for names.
const NAMES: usize = 10;

/// What becomes of each key here.
fn keys(verdicts: &[Verdict]) -> Vec<(String, String)> {
    let told = |verdict: &Verdict, why: &Option<String>| match why {
        None => "works".to_owned(),
        Some(why) if verdict.left_out => format!("left out: {why}"),
        Some(why) => format!("refused: {why}"),
    };
    verdicts
        .iter()
        .map(|verdict| {
            let name = match verdict.form {
                "" => verdict.key.to_owned(),
                form => format!("{} ({form})", verdict.key),
            };
            let fates = [
                ("buildkit", told(verdict, &verdict.buildkit)),
                ("buildx", told(verdict, &verdict.buildx)),
                ("classic", told(verdict, &verdict.classic)),
            ];
            let value = if fates.iter().all(|(_, fate)| *fate == fates[0].1) {
                fates[0].1.clone()
            } else {
                let fates = fates.map(|(builder, fate)| format!("{builder} {fate}"));
                fates.join("; ")
            };
            (name, value)
        })
        .collect()
}

#[expect(
    clippy::too_many_lines,
    reason = "one line for each thing that a job may have"
)]
fn rows(plan: &Plan, job: &Job, detail: Detail) -> Vec<(&'static str, String)> {
    let spec = &job.attempt.spec;
    let mut rows = vec![
        ("builder", format!("{}: {}", job.attempt.strategy, why(job))),
        ("context", context(&spec.context)),
        ("dockerfile", dockerfile(&job.attempt)),
        match &spec.output {
            None => ("image", spec.tags.join(", ")),
            Some(output) => ("output", output.to_string()),
        },
    ];
    let mut add = |name, value: String| {
        if !value.is_empty() {
            rows.push((name, value));
        }
    };
    let join = |pairs: &mut dyn Iterator<Item = String>| pairs.collect::<Vec<_>>().join(" ");
    let cache = |entry: &CacheEntry| match &entry.at {
        Some(at) if detail == Detail::Verbose => format!("{entry} ({at})"),
        _ => entry.to_string(),
    };
    add(
        "push",
        match spec.destination {
            Keeper::Engine => job.push.join(", "),
            Keeper::Registry => {
                format!("{} (from the builder: not loaded)", job.push.join(", "))
            }
        },
    );
    add("target", spec.target.clone().unwrap_or_default());
    add("platforms", spec.platforms.join(", "));
    add("allows", spec.entitlements.join(", "));
    add(
        "secrets",
        join(&mut spec.secrets.iter().map(|(id, value)| match value {
            SecretValue::File(path) => format!("{id}={}", path.display()),
            SecretValue::Variable { name, .. } => format!("{id}=${name}"),
        })),
    );
    add(
        "ssh",
        join(&mut spec.ssh.iter().map(|(id, agent)| match agent {
            SshAgent::Socket(path) => format!("{id}={}", path.display()),
            SshAgent::Keys(paths) => {
                format!("{id}={} (in an agent of dcb's own)", shown(paths).join(","))
            }
        })),
    );
    add(
        "attests",
        join(
            &mut spec
                .attestations
                .iter()
                .map(|(kind, parameters)| format!("{kind} {parameters}").trim_end().to_owned()),
        ),
    );
    add(
        "args",
        join(&mut spec.args.iter().map(|(n, v)| format!("{n}={}", v.shown()))),
    );
    add(
        "labels",
        join(&mut spec.labels.iter().map(|(n, v)| format!("{n}={v}"))),
    );
    add(
        "hosts",
        join(&mut spec.extra_hosts.iter().map(|(n, v)| format!("{n}={v}"))),
    );
    add(
        "shm size",
        spec.shm_size
            .map(|bytes| format!("{bytes} bytes"))
            .unwrap_or_default(),
    );
    add(
        "ulimits",
        join(
            &mut spec
                .ulimits
                .iter()
                .map(|l| format!("{}={}:{}", l.name, l.soft, l.hard)),
        ),
    );
    add("options", options(spec).join(", "));
    add(
        "needs",
        join(
            &mut job
                .needs
                .iter()
                .map(|need| plan.jobs[need.0].service.clone()),
        ),
    );
    add("also for", job.also.join(" "));
    add(
        "contexts",
        join(&mut spec.contexts.iter().map(|(n, v)| format!("{n}={v}"))),
    );
    add("cache from", join(&mut spec.cache_from.iter().map(cache)));
    add("cache to", join(&mut spec.cache_to.iter().map(cache)));
    // The same Dockerfile on another builder goes without saying.
    let other = |detour: &&Detour| {
        detour.attempt.strategy == job.attempt.strategy
            || detour.attempt.spec.dockerfile_name != spec.dockerfile_name
    };
    for detour in job.detours.iter().filter(other) {
        let attempt = &detour.attempt;
        let what = match detour.around {
            Obstacle::Frontend => "its frontend",
            Obstacle::Builder => "the builder",
        };
        // The same builder and the same file again: only its frontend can be another.
        let same = attempt.strategy == job.attempt.strategy
            && attempt.spec.dockerfile_name == spec.dockerfile_name;
        let without = if same { " without its `# syntax=`" } else { "" };
        let else_by = format!(
            "{} with {}{without}, if {what} fails",
            attempt.strategy,
            dockerfile(attempt)
        );
        rows.push(("else", else_by));
    }
    rows
}

/// Why a job is built, and why this way.
fn why(job: &Job) -> String {
    match &job.because {
        Reason::Asked => job.attempt.because.clone(),
        Reason::NeededBy(service) => {
            format!(
                "the image of `{service}` begins with it; {}",
                job.attempt.because
            )
        }
        Reason::SameAs(service) => {
            format!("`{service}` is built from the same, this is one more name for it")
        }
    }
}

fn shown(paths: &[PathBuf]) -> Vec<String> {
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect()
}

/// The Dockerfile by name, with what is left aside of it.
fn dockerfile(attempt: &Attempt) -> String {
    let name = &attempt.spec.dockerfile_name;
    match &attempt.variant {
        Some(variant) => format!("{name} (variant {variant})"),
        None => name.clone(),
    }
}

fn options(spec: &BuildSpec) -> Vec<String> {
    let mut options = Vec::new();
    match &spec.cache {
        CacheUse::Normal => {}
        CacheUse::Without(stages) => options.push(format!("no cache for {}", stages.join(", "))),
        CacheUse::Mounts => options.push("no cache, cache mounts kept".to_owned()),
        CacheUse::None => options.push("no cache".to_owned()),
    }
    if spec.pull == PullPolicy::Always {
        options.push("pull base images".to_owned());
    }
    match &spec.network {
        Network::Default => {}
        Network::Host => options.push("network of the host".to_owned()),
        Network::None => options.push("no network".to_owned()),
        Network::Named(name) => options.push(format!("network {name}")),
    }
    options
}

fn context(source: &ContextSource) -> String {
    match source {
        ContextSource::Directory(path) => path.display().to_string(),
        ContextSource::Remote(url) => url.clone(),
    }
}

/// The plan for programs.
pub fn json(plan: &Plan, machine: Option<&Machine>, detail: Detail) -> String {
    let value = json!({
        "version": SCHEMA,
        "project": {
            "name": plan.project,
            "directory": plan.directory,
            "files": plan.files,
        },
        "engine": plan.engine.as_ref().map(|engine| json!({
            "version": engine.version,
            "api": engine.api.to_string(),
            "os": engine.os,
        })),
        "docker": machine.map(docker::json),
        "parallel": {
            "value": plan.parallel.value.min(plan.jobs.len().max(1)),
            "from": plan.parallel.from,
        },
        "jobs": plan.jobs.iter().map(|job| job_json(plan, job)).collect::<Vec<_>>(),
        "keys": (detail == Detail::Verbose).then(|| plan.keys.iter().map(|verdict| json!({
            "key": verdict.key,
            "form": verdict.form,
            "buildkit": verdict.buildkit,
            "buildx": verdict.buildx,
            "classic": verdict.classic,
            "left_out": verdict.left_out,
        })).collect::<Vec<_>>()),
        "notes": plan.notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    format!("{value:#}\n")
}

fn context_json(context: &NamedContext) -> Value {
    match context {
        NamedContext::Directory(path) => json!({"kind": "directory", "value": path}),
        NamedContext::Image(name) => json!({"kind": "image", "value": name}),
        NamedContext::Remote(address) => json!({"kind": "remote", "value": address}),
        NamedContext::OciLayout { directory, image } => {
            json!({"kind": "oci_layout", "value": directory, "image": image})
        }
    }
}

fn job_json(plan: &Plan, job: &Job) -> Value {
    let spec = &job.attempt.spec;
    json!({
        "service": job.service,
        "also": job.also,
        "strategy": job.attempt.strategy.id(),
        "builder": job.attempt.strategy.builder(),
        "variant": job.attempt.variant,
        "because": why(job),
        "else": job.detours.iter().map(|detour| json!({
            "strategy": detour.attempt.strategy.id(),
            "variant": detour.attempt.variant,
            "dockerfile": detour.attempt.spec.dockerfile_name,
            "because": detour.attempt.because,
            "around": match detour.around {
                Obstacle::Frontend => "frontend",
                Obstacle::Builder => "builder",
            },
        })).collect::<Vec<_>>(),
        "needs": job.needs.iter().map(|need| &plan.jobs[need.0].service).collect::<Vec<_>>(),
        "context": match &spec.context {
            ContextSource::Directory(path) => json!({"kind": "directory", "value": path}),
            ContextSource::Remote(url) => json!({"kind": "remote", "value": url}),
        },
        "dockerfile": match &spec.dockerfile {
            DockerfileSource::File(path) => json!({"kind": "file", "value": path}),
            DockerfileSource::Instead(path, text) => {
                json!({"kind": "rewritten", "value": path, "text": text})
            }
            DockerfileSource::InContext(path) => json!({"kind": "in_context", "value": path}),
            DockerfileSource::Inline(text) => json!({"kind": "inline", "value": text}),
        },
        "target": spec.target,
        "args": spec.args,
        "labels": spec.labels,
        "tags": spec.tags,
        "push": job.push,
        "pushed_by": (!job.push.is_empty()).then_some(match spec.destination {
            Keeper::Engine => "engine",
            Keeper::Registry => "builder",
        }),
        "output": spec.output.as_ref().map(|output| json!({
            "form": output.form.to_string(),
            "path": match &output.to {
                Destination::Path(path) => Some(path),
                Destination::Stdout => None,
            },
            "options": output.options,
        })),
        "platforms": spec.platforms,
        "entitlements": spec.entitlements,
        "attestations": spec.attestations,
        "secrets": spec.secrets.iter().map(|(id, value)| match value {
            SecretValue::File(path) => json!({"id": id, "kind": "file", "value": path}),
            SecretValue::Variable { name, .. } => json!({"id": id, "kind": "variable", "value": name}),
        }).collect::<Vec<_>>(),
        "ssh": spec.ssh.iter().map(|(id, agent)| match agent {
            SshAgent::Socket(path) => json!({"id": id, "kind": "socket", "value": [path]}),
            SshAgent::Keys(paths) => json!({"id": id, "kind": "keys", "value": paths}),
        }).collect::<Vec<_>>(),
        "no_cache": matches!(spec.cache, CacheUse::Mounts | CacheUse::None),
        "cache_mounts_kept": spec.cache == CacheUse::Mounts,
        "no_cache_filter": match &spec.cache {
            CacheUse::Without(stages) => stages.as_slice(),
            CacheUse::Normal | CacheUse::Mounts | CacheUse::None => &[],
        },
        "cache_from": spec.cache_from.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "cache_to": spec.cache_to.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "pull": spec.pull == PullPolicy::Always,
        "network": match &spec.network {
            Network::Default => "default",
            Network::Host => "host",
            Network::None => "none",
            Network::Named(name) => name,
        },
        "contexts": spec.contexts.iter()
            .map(|(name, context)| (name.clone(), context_json(context)))
            .collect::<serde_json::Map<_, _>>(),
        "extra_hosts": spec.extra_hosts.iter()
            .map(|(host, address)| json!({"host": host, "address": address}))
            .collect::<Vec<_>>(),
        "shm_size": spec.shm_size,
        "ulimits": spec.ulimits.iter()
            .map(|limit| json!({"name": limit.name, "soft": limit.soft, "hard": limit.hard}))
            .collect::<Vec<_>>(),
    })
}
