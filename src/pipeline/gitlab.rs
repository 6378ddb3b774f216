//! GitLab CI: <https://docs.gitlab.com/ci/yaml/>.

use super::{Cache, Pipeline, indented, login, variable};

/// The registry that belongs to the project on GitLab, and how a job is known there.
const OWN: [&str; 3] = ["$CI_REGISTRY", "CI_REGISTRY_USER", "CI_REGISTRY_PASSWORD"];

/// The pipeline, for `.gitlab-ci.yml`.
pub fn gitlab(pipeline: &Pipeline) -> String {
    let file = "$DCB/cache.yaml";
    let lines = pipeline.cache_file("${DCB}/cache");
    let more = (!lines.is_empty()).then_some(file);
    let mut text = String::from(
        "# Written by `dcb ci gitlab` for .gitlab-ci.yml; yours to change.\n\
         # The runner needs `privileged = true` and the volume `/certs/client`, for an engine in a container.\n\
         images:\n  image: rust:1\n  services:\n    - docker:29-dind\n  timeout: 1h\n  variables:\n    \
         DOCKER_HOST: tcp://docker:2376\n    DOCKER_TLS_CERTDIR: /certs\n    DOCKER_TLS_VERIFY: \"1\"\n    \
         DOCKER_CERT_PATH: /certs/client\n    \
         # Outside of the repository, and so of every build context.\n    \
         DCB: /tmp/dcb-$CI_JOB_ID\n    XDG_STATE_HOME: /tmp/dcb-$CI_JOB_ID\n",
    );
    if let Some(variable) = pipeline.chosen_by() {
        text.push_str(&format!("    {variable}: dev\n"));
    }
    let logins = logins(pipeline);
    if !logins.is_empty() {
        text.push_str("    DOCKER_CONFIG: /tmp/docker-$CI_JOB_ID\n");
    }
    if let Some(files) = pipeline.compose_file(more.map(|_| "/tmp/dcb-$CI_JOB_ID/cache.yaml")) {
        text.push_str(&format!("    COMPOSE_FILE: \"{files}\"\n"));
    }
    text.push_str(&format!(
        "  cache:\n    key: dcb-{}-$CI_COMMIT_REF_SLUG\n    fallback_keys: [dcb-{0}-$CI_DEFAULT_BRANCH]\n{}  \
         before_script:\n    \
         - if [ -d .dcb ]; then mv .dcb \"$DCB\"; fi\n    \
         # The journal of the run before would be taken for that of this one.\n    \
         - rm -rf \"$DCB/dcb\"\n    - mkdir -p \"$DCB\"\n    \
         - export PATH=\"$DCB/bin:$PATH\"\n    \
         - command -v dcb || {} --root \"$DCB\"\n",
        pipeline.version,
        kept(&pipeline.cache),
        pipeline.install(),
    ));
    if !logins.is_empty() {
        text.push_str("    - |\n");
        text.push_str(&indented(&login(&logins), 6));
    }
    if more.is_some() {
        text.push_str("    - |\n");
        text.push_str(&indented(&Pipeline::written(&lines, file), 6));
    }
    text.push_str(&format!("  script:\n    - {}\n", pipeline.dcb("doctor")));
    if pipeline.push {
        let main = "[ \"$CI_COMMIT_BRANCH\" = \"$CI_DEFAULT_BRANCH\" ]";
        text.push_str("    - |\n");
        text.push_str(&indented(&pipeline.build_and_push(main), 6));
    } else {
        text.push_str(&format!("    - {}\n", pipeline.build()));
    }
    text.push_str(&format!(
        "  after_script:\n{}    \
         - PATH=\"$DCB/bin:$PATH\" {} --output dcb-timeline.html || true\n    \
         # `dcb` of these is the journal; the rest is for the next run.\n    \
         - mv \"$DCB\" .dcb\n  artifacts:\n    when: always\n    paths:\n      \
         - dcb-timeline.html\n      - .dcb/dcb\n    expire_in: 4 weeks\n",
        if logins.is_empty() {
            ""
        } else {
            "    - rm -rf \"$DOCKER_CONFIG\"\n"
        },
        pipeline.dcb("timeline"),
    ));
    text
}

/// What GitLab keeps from run to run: it takes nothing outside of the repository.
fn kept(cache: &Cache) -> String {
    let mut text = String::new();
    let mut paths = vec![".dcb/".to_owned()];
    if let Cache::Project { directories, .. } = cache {
        for directory in directories {
            if directory.starts_with('/') {
                text.push_str(&format!(
                    "    # GitLab keeps nothing outside of the repository, and so not {directory}.\n"
                ));
            } else {
                paths.push(format!("{directory}/"));
            }
        }
    }
    let paths: Vec<String> = paths
        .iter()
        .map(|path| format!("      - {path}\n"))
        .collect();
    text + "    paths:\n" + &paths.concat()
}

fn logins(pipeline: &Pipeline) -> Vec<(String, String, String)> {
    let mut logins = Vec::new();
    let own = matches!(&pipeline.cache, Cache::Registry(name) if name.contains("CI_REGISTRY"));
    if own {
        logins.push(OWN.map(str::to_owned).into());
    }
    for registry in &pipeline.registries {
        let name = variable(registry);
        let user = format!("{name}_USERNAME");
        logins.push((registry.clone(), user, format!("{name}_PASSWORD")));
    }
    logins
}
