//! GitHub Actions: <https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax>.

use super::{Cache, Pipeline, indented, variable};

/// Where a run keeps what is not for the repository; it is outside of every build context.
const PLACE: &str = "$RUNNER_TEMP/dcb";
const CACHE: &str = "$RUNNER_TEMP/dcb-cache";
/// GitHub's own registry, where a job is known already.
const GHCR: &str = "ghcr.io";

/// The workflow, for `.github/workflows/images.yml`.
pub fn github(pipeline: &Pipeline) -> String {
    let mut text = String::from(
        "# Written by `dcb ci github` for .github/workflows/images.yml; yours to change.\n\
         name: images\n\non:\n  push:\n    branches: [main, master]\n  pull_request:\n\n\
         permissions:\n  contents: read\n",
    );
    if pipeline.registries.iter().any(|registry| registry == GHCR) {
        text.push_str("  packages: write\n");
    }
    text.push_str(
        "\nconcurrency:\n  group: images-${{ github.ref }}\n  cancel-in-progress: true\n\n\
         jobs:\n  build:\n    runs-on: ubuntu-latest\n    timeout-minutes: 60\n",
    );
    if let Some(variable) = pipeline.chosen_by() {
        text.push_str(&format!(
            "    env:\n      # What others propose from a fork may write no cache.\n      \
             {variable}: ${{{{ github.event.pull_request.head.repo.fork && 'none' || 'dev' }}}}\n"
        ));
    }
    text.push_str("    steps:\n      - uses: actions/checkout@v6\n");
    if pipeline.cache.needs_containerd() {
        text.push_str(
            "\n      # To write a cache, the engine has to keep its images in containerd.\n      \
             - uses: docker/setup-docker-action@v5\n        with:\n          daemon-config: |\n            \
             { \"features\": { \"containerd-snapshotter\": true } }\n",
        );
    }
    for registry in &pipeline.registries {
        text.push_str(&login(registry));
    }
    text.push_str(&install(pipeline));
    text.push_str(&places(pipeline));
    text.push_str(&format!(
        "\n      - name: Is everything ready?\n        run: {}\n",
        pipeline.dcb("doctor")
    ));
    text.push_str("\n      - name: Build\n        id: build\n");
    if pipeline.push {
        let lines = pipeline.build_and_push("[ \"$GITHUB_EVENT_NAME\" = push ]");
        text.push_str("        run: |\n");
        text.push_str(&indented(&lines, 10));
    } else {
        text.push_str(&format!("        run: {}\n", pipeline.build()));
    }
    let ran = "${{ !cancelled() && steps.build.outcome != 'skipped' }}";
    text.push_str(&format!(
        "\n      - name: The run as a picture\n        if: {ran}\n        \
         run: {} --output \"{PLACE}/timeline.html\"\n\n      \
         - uses: actions/upload-artifact@v6\n        if: {ran}\n        with:\n          \
         name: dcb\n          path: ${{{{ runner.temp }}}}/dcb\n",
        pipeline.dcb("timeline"),
    ));
    text
}

fn login(registry: &str) -> String {
    if registry == GHCR {
        return format!(
            "\n      - uses: docker/login-action@v4\n        with:\n          registry: {registry}\n          \
             username: ${{{{ github.actor }}}}\n          password: ${{{{ secrets.GITHUB_TOKEN }}}}\n"
        );
    }
    let name = variable(registry);
    format!(
        "\n      - uses: docker/login-action@v4\n        # What others propose from a fork is built without secrets.\n        \
         if: ${{{{ !github.event.pull_request.head.repo.fork }}}}\n        with:\n          registry: {registry}\n          \
         username: ${{{{ secrets.{name}_USERNAME }}}}\n          password: ${{{{ secrets.{name}_PASSWORD }}}}\n"
    )
}

fn install(pipeline: &Pipeline) -> String {
    format!(
        "\n      - uses: actions/cache@v5\n        id: dcb\n        with:\n          path: ~/.cargo/bin/dcb\n          \
         key: dcb-{}-${{{{ runner.os }}}}-${{{{ runner.arch }}}}\n      \
         - name: Install dcb\n        if: ${{{{ steps.dcb.outputs.cache-hit != 'true' }}}}\n        run: {}\n",
        pipeline.version,
        pipeline.install(),
    )
}

/// Where the journal and the cache are, for all steps that follow.
fn places(pipeline: &Pipeline) -> String {
    let mut text = String::new();
    match &pipeline.cache {
        Cache::GitHub => text.push_str(
            "\n      # Steps that run commands do not get these by themselves.\n      \
             - uses: actions/github-script@v8\n        with:\n          script: |\n            \
             for (const name of ['ACTIONS_RUNTIME_TOKEN', 'ACTIONS_RESULTS_URL', 'ACTIONS_CACHE_SERVICE_V2']) {\n              \
             core.exportVariable(name, process.env[name] ?? '')\n            }\n",
        ),
        Cache::Directory => text.push_str(
            "\n      - uses: actions/cache@v5\n        with:\n          path: ${{ runner.temp }}/dcb-cache\n          \
             key: dcb-cache-${{ github.run_id }}\n          restore-keys: dcb-cache-\n",
        ),
        Cache::Project { directories, .. } if !directories.is_empty() => text.push_str(&format!(
            "\n      - uses: actions/cache@v5\n        with:\n          path: |\n{}          \
             key: dcb-cache-${{{{ github.run_id }}}}\n          restore-keys: dcb-cache-\n",
            indented(directories, 12)
        )),
        Cache::Registry(_) | Cache::Engine | Cache::Project { .. } => {}
    }
    let mut commands = vec![
        format!("mkdir -p \"{PLACE}\""),
        "echo \"XDG_STATE_HOME=$RUNNER_TEMP\" >> \"$GITHUB_ENV\"".to_owned(),
    ];
    let file = "$RUNNER_TEMP/dcb-cache.yaml";
    let lines = pipeline.cache_file("${RUNNER_TEMP}/dcb-cache");
    let more = (!lines.is_empty()).then_some(file);
    if more.is_some() {
        commands.extend(Pipeline::written(&lines, file));
    }
    if pipeline.cache == Cache::Directory {
        commands.insert(0, format!("mkdir -p \"{CACHE}\""));
    }
    if let Some(files) = pipeline.compose_file(more) {
        commands.push(format!("echo \"COMPOSE_FILE={files}\" >> \"$GITHUB_ENV\""));
    }
    text.push_str("\n      - name: Where the journal and the cache are\n        run: |\n");
    text + &indented(&commands, 10)
}
