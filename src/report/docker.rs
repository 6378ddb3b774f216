//! The full picture of this machine's Docker, as text for people and as JSON for programs
//! (`docs/plan.md` describes the schema).

use serde_json::{Value, json};

use crate::docker::detect::{BuildKit, Driver, ImageStore, Info, Machine, Wsl};
use crate::docker::programs::{Form, Program};
use crate::human;

/// Names and values, for people.
pub(super) fn rows(machine: &Machine) -> Vec<(&'static str, String)> {
    let endpoint = &machine.endpoint;
    let mut rows = vec![(
        "address",
        format!("{} ({})", endpoint.address, endpoint.origin),
    )];
    let mut add = |name, value: Option<String>| rows.extend(value.map(|value| (name, value)));
    add("api", api(machine));
    add("buildkit", machine.buildkit.as_ref().map(buildkit));
    if let Some(info) = &machine.info {
        add("product", Some(product(info)));
        add("images", info.image_store.as_ref().map(image_store));
        add("resources", resources(info));
    }
    add(
        "disk",
        machine.disk.as_ref().map(|disk| {
            let (free, total) = (human::bytes(disk.free), human::bytes(disk.total));
            format!("{free} free of {total} at {}", disk.path.display())
        }),
    );
    let programs = &machine.programs;
    add("docker", Some(program(programs.docker.as_ref(), "")));
    add("buildx", Some(program(programs.buildx.as_ref(), "")));
    let compose = programs.compose.as_ref();
    let form = compose.map_or("", |compose| form(compose.form));
    add(
        "compose",
        Some(program(compose.map(|compose| &compose.program), form)),
    );
    let builder = &machine.builder;
    let driver = match &builder.driver {
        Ok(driver) => driver.id(),
        Err(why) => why,
    };
    let (name, by) = (&builder.name, builder.chosen_by.id());
    add(
        "builder",
        Some(format!("{name} ({driver}), chosen by {by}")),
    );
    add("runs on", machine.build_server.clone());
    add("wsl", machine.wsl.map(|wsl| wsl_number(wsl).to_string()));
    for warning in machine.info.iter().flat_map(|info| &info.warnings) {
        add("warning", Some(warning.clone()));
    }
    for invalid in &machine.invalid {
        add("variable", Some(invalid.to_string()));
    }
    for problem in &machine.problems {
        add("problem", Some(problem.clone()));
    }
    rows
}

fn api(machine: &Machine) -> Option<String> {
    let facts = machine.engine.as_ref().ok()?;
    let oldest = machine.info.as_ref().and_then(|info| info.min_api);
    let oldest = oldest
        .map(|oldest| format!("{oldest} to "))
        .unwrap_or_default();
    let offered = facts.engine.api;
    let spoken = match facts.endpoint.pinned {
        Some(pinned) => format!(", spoken in {pinned} (DOCKER_API_VERSION)"),
        None if facts.spoken() == offered => String::new(),
        None => format!(", spoken in {}", facts.spoken()),
    };
    Some(format!("{oldest}{offered}{spoken}"))
}

fn buildkit(buildkit: &BuildKit) -> String {
    match buildkit {
        BuildKit::Hijacked => "through POST /grpc".to_owned(),
        BuildKit::Direct => "straight on the socket".to_owned(),
        BuildKit::None { status, reason } => {
            let status = status.map(|status| format!("POST /grpc answered {status} "));
            format!("none: {}{reason}", status.unwrap_or_default())
                .trim_end()
                .to_owned()
        }
        BuildKit::Unknown(why) => format!("not known: {why}"),
    }
}

fn product(info: &Info) -> String {
    let mut parts = vec![info.product.id()];
    if info.rootless {
        parts.push("rootless");
    }
    if info.userns {
        parts.push("users mapped");
    }
    let place = [info.system.as_str(), info.architecture.as_str()];
    let place: Vec<&str> = place.into_iter().filter(|part| !part.is_empty()).collect();
    if place.is_empty() {
        parts.join(", ")
    } else {
        format!("{} on {}", parts.join(", "), place.join(", "))
    }
}

fn image_store(store: &ImageStore) -> String {
    match store {
        ImageStore::GraphDriver(driver) => format!("{driver} (graph driver)"),
        ImageStore::Containerd(snapshotter) => format!("{snapshotter} (containerd)"),
    }
}

fn resources(info: &Info) -> Option<String> {
    let processors = info
        .processors
        .and_then(|number| usize::try_from(number).ok());
    let parts: Vec<String> = [
        processors.map(|number| human::count(number, "processor")),
        info.memory.map(human::bytes),
        info.cgroup
            .as_ref()
            .map(|version| format!("cgroup v{version}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn program(program: Option<&Program>, form: &str) -> String {
    let form = if form.is_empty() {
        String::new()
    } else {
        format!(" ({form})")
    };
    match program {
        None => "none".to_owned(),
        Some(Program {
            path,
            version: Ok(version),
        }) => format!("{version}{form} at {}", path.display()),
        Some(Program {
            path,
            version: Err(why),
        }) => format!("broken{form} at {}: {why}", path.display()),
    }
}

fn form(form: Form) -> &'static str {
    match form {
        Form::Plugin => "plugin",
        Form::Standalone => "standalone",
        Form::V1 => "v1",
    }
}

fn wsl_number(wsl: Wsl) -> u8 {
    match wsl {
        Wsl::Wsl1 => 1,
        Wsl::Wsl2 => 2,
    }
}

/// The same for programs.
pub(super) fn json(machine: &Machine) -> Value {
    let facts = machine.engine.as_ref().ok();
    let builder = &machine.builder;
    let programs = &machine.programs;
    json!({
        "address": machine.endpoint.address.to_string(),
        "from": machine.endpoint.origin.to_string(),
        "api": facts.map(|facts| json!({
            "offered": facts.engine.api.to_string(),
            "minimum": machine.info.as_ref().and_then(|info| info.min_api).map(|api| api.to_string()),
            "pinned": facts.endpoint.pinned.map(|api| api.to_string()),
            "spoken": facts.spoken().to_string(),
        })),
        "buildkit": machine.buildkit.as_ref().map(buildkit_json),
        "info": machine.info.as_ref().map(info_json),
        "cli": programs.docker.as_ref().map(|program| program_json(program, None)),
        "buildx": programs.buildx.as_ref().map(|program| program_json(program, None)),
        "compose": programs.compose.as_ref()
            .map(|compose| program_json(&compose.program, Some(form(compose.form)))),
        "builder": {
            "name": builder.name,
            "driver": builder.driver.as_ref().ok().map(Driver::id),
            "broken": builder.driver.as_ref().err(),
            "from": builder.chosen_by.id(),
        },
        "disk": machine.disk.as_ref()
            .map(|disk| json!({"path": disk.path, "free": disk.free, "total": disk.total})),
        "build_server": machine.build_server,
        "wsl": machine.wsl.map(wsl_number),
        "invalid": machine.invalid.iter()
            .map(|it| json!({"name": it.name, "value": it.value, "expected": it.expected}))
            .collect::<Vec<_>>(),
        "problems": machine.problems,
    })
}

fn buildkit_json(buildkit: &BuildKit) -> Value {
    let (kind, status, reason) = match buildkit {
        BuildKit::Hijacked => ("hijacked", None, None),
        BuildKit::Direct => ("direct", None, None),
        BuildKit::None { status, reason } => ("none", *status, Some(reason)),
        BuildKit::Unknown(why) => ("unknown", None, Some(why)),
    };
    json!({"kind": kind, "status": status, "reason": reason})
}

fn info_json(info: &Info) -> Value {
    let store = info.image_store.as_ref().map(|store| match store {
        ImageStore::GraphDriver(driver) => json!({"kind": "graph_driver", "driver": driver}),
        ImageStore::Containerd(driver) => json!({"kind": "containerd", "driver": driver}),
    });
    json!({
        "product": info.product.id(),
        "image_store": store,
        "rootless": info.rootless,
        "userns": info.userns,
        "processors": info.processors,
        "memory": info.memory,
        "root_dir": info.root_dir,
        "cgroup": info.cgroup,
        "name": info.name,
        "system": info.system,
        "architecture": info.architecture,
        "kernel": info.kernel,
        "warnings": info.warnings,
    })
}

fn program_json(program: &Program, form: Option<&str>) -> Value {
    let mut value = json!({
        "path": program.path,
        "version": program.version.as_ref().ok().map(ToString::to_string),
        "broken": program.version.as_ref().err(),
    });
    if let Some(form) = form {
        value["form"] = form.into();
    }
    value
}
