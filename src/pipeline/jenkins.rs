//! Jenkins, declarative: <https://www.jenkins.io/doc/book/pipeline/syntax/>.

use super::{Cache, Pipeline, indented, login, variable};

/// The pipeline, for a `Jenkinsfile`.
pub fn jenkins(pipeline: &Pipeline) -> String {
    let file = "$DCB/cache.yaml";
    let lines = pipeline.cache_file("${DCB_CACHE}");
    let more = (!lines.is_empty()).then_some(file);
    let mut text = String::from(
        "// Written by `dcb ci jenkins` for a Jenkinsfile; yours to change.\n\
         pipeline {\n  // An agent with Docker, and with Rust or dcb.\n  agent { label 'docker' }\n  \
         options {\n    timeout(time: 1, unit: 'HOURS')\n    disableConcurrentBuilds()\n  }\n  \
         environment {\n    // Beside the workspace, and so outside of every build context.\n    \
         DCB = \"${WORKSPACE_TMP}/dcb\"\n    XDG_STATE_HOME = \"${WORKSPACE_TMP}/dcb\"\n    \
         PATH = \"${WORKSPACE_TMP}/dcb-install/bin:${PATH}\"\n",
    );
    if let Some(variable) = pipeline.chosen_by() {
        text.push_str(&format!("    {variable} = \"dev\"\n"));
    }
    if pipeline.cache == Cache::Directory {
        text.push_str("    DCB_CACHE = \"${WORKSPACE_TMP}/dcb-cache\"\n");
    }
    if !pipeline.registries.is_empty() {
        text.push_str("    DOCKER_CONFIG = \"${WORKSPACE_TMP}/docker\"\n");
    }
    if let Some(files) = pipeline.compose_file(more.map(|_| "${WORKSPACE_TMP}/dcb/cache.yaml")) {
        text.push_str(&format!("    COMPOSE_FILE = \"{files}\"\n"));
    }
    text.push_str("  }\n  stages {\n");
    let mut prepare = vec![
        "rm -rf \"$DCB\"".to_owned(),
        "mkdir -p \"$DCB\"".to_owned(),
        format!(
            "command -v dcb || {} --root \"$WORKSPACE_TMP/dcb-install\"",
            pipeline.install()
        ),
    ];
    if more.is_some() {
        prepare.extend(Pipeline::written(&lines, file));
    }
    text.push_str(&stage("Prepare", &shell(&prepare, 8)));
    if !pipeline.registries.is_empty() {
        text.push_str(&stage("Log in", &logins(pipeline)));
    }
    text.push_str(&stage("Doctor", &shell(&[pipeline.dcb("doctor")], 8)));
    let build = if pipeline.push {
        // A change that is only proposed has this.
        pipeline.build_and_push("[ -z \"${CHANGE_ID:-}\" ]")
    } else {
        vec![pipeline.build()]
    };
    text.push_str(&stage("Build", &shell(&build, 8)));
    let mut keep = vec![
        format!(
            "{} --output dcb-timeline.html || true",
            pipeline.dcb("timeline")
        ),
        "if [ -d \"$DCB/dcb\" ]; then cp -R \"$DCB/dcb\" dcb-journal; fi".to_owned(),
    ];
    if !pipeline.registries.is_empty() {
        keep.insert(0, "rm -rf \"$DOCKER_CONFIG\"".to_owned());
    }
    text.push_str("  }\n  post {\n    always {\n");
    text.push_str(&shell(&keep, 6));
    text.push_str(
        "      archiveArtifacts artifacts: 'dcb-timeline.html,dcb-journal/**', allowEmptyArchive: true\n    }\n    \
         cleanup {\n",
    );
    text.push_str(&shell(
        &["rm -rf dcb-timeline.html dcb-journal".to_owned()],
        6,
    ));
    text + "    }\n  }\n}\n"
}

fn stage(name: &str, steps: &str) -> String {
    format!("    stage('{name}') {{\n      steps {{\n{steps}      }}\n    }}\n")
}

/// A step that runs commands. Groovy takes the text as it is but for backslashes, and quotes where one
/// ends it.
fn shell(commands: &[String], indent: usize) -> String {
    let literal = |text: &str| text.replace('\\', "\\\\");
    match commands {
        [one] => format!("{:indent$}sh '{}'\n", "", literal(one).replace('\'', "\\'")),
        many => {
            // Here-documents end at the beginning of a line: none of these is indented.
            let lines: Vec<String> = many.iter().map(|line| literal(line)).collect();
            format!(
                "{:indent$}sh '''#!/bin/sh -e\n{}'''\n",
                "",
                indented(&lines, 0)
            )
        }
    }
}

fn logins(pipeline: &Pipeline) -> String {
    let mut names = Vec::new();
    let mut credentials = Vec::new();
    for registry in &pipeline.registries {
        let name = variable(registry);
        credentials.push(format!(
            "          usernamePassword(credentialsId: '{registry}', usernameVariable: '{name}_USERNAME', passwordVariable: '{name}_PASSWORD')"
        ));
        let (user, password) = (format!("{name}_USERNAME"), format!("{name}_PASSWORD"));
        names.push((registry.clone(), user, password));
    }
    format!(
        "        withCredentials([\n{}\n        ]) {{\n{}        }}\n",
        credentials.join(",\n"),
        shell(&login(&names), 10)
    )
}
