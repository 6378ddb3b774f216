//! Projects that use every key that shapes an image: what Compose builds with buildx, and what dcb
//! builds after it, are the same layers, the same configuration and the same names.
//!
//! The engine gives dcb a step of Compose's only where both asked for the very same: the arguments,
//! hosts, limits, platforms and files of a step are all part of what it is found by.

use serde_json::Value;

use crate::support::{Engine, engines, on_engines};
use crate::{fresh, project};

/// The engines with a Compose that hands all of these keys to the builder: 2.26 knows no
/// `provenance` and loses limits on the way.
fn with_todays_compose() -> Vec<Engine> {
    let mut engines = engines();
    engines.retain(|engine| engine.major() >= 28);
    engines
}

/// What is compared of an image, and its names. Compose also writes its version into a label, which
/// dcb leaves out so that an update changes no image.
fn image(engine: &Engine, name: &str) -> Value {
    let all: Value = serde_json::from_str(&engine.ask(&["image", "inspect", name])).expect("JSON");
    let mut image = all[0].clone();
    let config = &mut image["Config"];
    if let Some(labels) = config["Labels"].as_object_mut() {
        labels.remove("com.docker.compose.version");
    }
    serde_json::json!({
        "config": config,
        "architecture": image["Architecture"],
        "os": image["Os"],
        "layers": image["RootFS"],
        "names": image["RepoTags"],
    })
}

const COMPOSE: &str = r#"
services:
  everything:
    image: NAME/everything
    build:
      context: .
      dockerfile: docker/everything.Dockerfile
      target: final
      args: { VERSION: "1.2", EMPTY: "", FROM_ENV: }
      labels: { org.example.team: blue, quoted: 'a "b"' }
      tags: ["NAME/also:1", "NAME/also:2"]
      extra_hosts: ["db=10.1.2.3"]
      shm_size: 12m
      ulimits: { nofile: { soft: 100, hard: 200 }, nproc: 77 }
      network: none
      additional_contexts:
        shared: ./shared
        tools: docker-image://busybox
      secrets: [token]
      provenance: false
      sbom: false
  inline:
    image: NAME/inline
    build:
      context: ./shared
      network: host
      entitlements: [network.host]
      dockerfile_inline: |
        FROM busybox
        COPY ["one", "/in line/"]
        RUN echo inline >/x
      provenance: false
  arm:
    image: NAME/arm
    platform: linux/arm64
    build:
      context: ./shared
      dockerfile: ../docker/arm.Dockerfile
      provenance: false
secrets:
  token: { environment: TOKEN }
"#;

const EVERYTHING: &str = r#"
FROM busybox AS base
RUN : NAME
ARG VERSION
ARG EMPTY
ARG FROM_ENV=unset
RUN echo "$VERSION-$EMPTY-$FROM_ENV" >/args
RUN grep '10.1.2.3' /etc/hosts >/hosts
RUN ulimit -n >/limits; ulimit -Hn >>/limits
RUN --mount=type=secret,id=token wc -c </run/secrets/token >/length
FROM base AS final
COPY --from=shared / /shared/
COPY --from=tools /bin/true /true
COPY . /src/
ENV V=$VERSION
ENTRYPOINT ["/true"]
CMD ["a", "b c"]
EXPOSE 80
VOLUME /data
USER 12:34
WORKDIR /src
STOPSIGNAL SIGINT
HEALTHCHECK --interval=5s CMD true
FROM base AS later
RUN false
"#;

#[test]
fn a_project_with_every_key_is_the_same_image_by_image() {
    on_engines(&with_todays_compose(), "whole", |engine, _| {
        let mut rng = fresh();
        let project = project("whole", &mut rng)
            .variable("FROM_ENV", "env")
            .variable("TOKEN", "12345");
        // Steps that no earlier run of this test made.
        let everything = EVERYTHING.replace("NAME", project.name());
        let project = project
            .file(".dockerignore", "docker\n*.log\n")
            .file("docker/everything.Dockerfile", &everything)
            .file(
                "docker/arm.Dockerfile",
                "FROM scratch\nARG TARGETARCH\nCOPY one /$TARGETARCH\n",
            )
            .file("shared/one", &format!("{}", rng.u64(..)))
            .file("shared/deep/two", "2")
            .file("noise.log", "ignored")
            .file("main", "main");
        project.write("compose.yaml", &COMPOSE.replace("NAME", project.name()));
        let compose = project.ran(
            project
                .other_on(engine, "docker")
                .args(["compose", "build"]),
        );
        assert_eq!(compose.code, Some(0), "{}", compose.told());
        let names =
            ["everything", "inline", "arm"].map(|name| format!("{}/{name}", project.name()));
        let theirs = names.each_ref().map(|name| image(engine, name));
        let ran = project.run(engine, &["build", "-v"]).expect(0);
        let told = ran.told();
        let run: Vec<&str> = told
            .lines()
            .filter(|line| line.contains("] RUN ") || line.contains("] COPY "))
            .filter(|line| !line.contains("CACHED"))
            .collect();
        assert!(run.is_empty(), "not asked for as Compose did: {run:#?}");
        for (name, theirs) in names.iter().zip(theirs) {
            let version = r#"{{index .Config.Labels "com.docker.compose.version"}}"#;
            let version = engine.ask(&["image", "inspect", "--format", version, name]);
            assert_eq!(version, "", "`{name}` is still Compose's");
            assert_eq!(image(engine, name), theirs, "{name}");
        }
    });
}
