//! Examples of every verb, for its help and its manual page. `tests/help.rs` runs each line in a shell
//! and reads what dcb is given, so none can go stale.

/// A line to type, and what it does.
pub type Example = (&'static str, &'static str);

/// The examples of a verb, by the words that choose it: `history show`; those of dcb as a whole have
/// none.
pub fn of(verb: &str) -> &'static [Example] {
    let mut all = EXAMPLES.iter();
    all.find(|(name, _)| *name == verb)
        .map_or(&[], |(_, examples)| examples)
}

/// In the order of `dcb --help`.
const EXAMPLES: &[(&str, &[Example])] = &[
    (
        "",
        &[
            (
                "dcb up -d",
                "Build what changed, start it in the background",
            ),
            ("dcb plan", "What would be built, how, and why"),
            (
                "dcb logs -f web",
                "Any verb of Compose, on the same project",
            ),
        ],
    ),
    (
        "build",
        &[
            ("dcb build", "All images of the project"),
            ("dcb build web api", "Two of them and what they need"),
            (
                "dcb build --no-cache --pull web",
                "From nothing, on the newest base",
            ),
            (
                "dcb build --build-arg VERSION=1.2 web",
                "With a build argument",
            ),
            ("dcb build --secret id=npm,src=.npmrc", "With a secret"),
            ("dcb build --variant test", "From `web.test.Dockerfile`"),
            (
                "dcb build --output out web",
                "Into a directory, not the engine",
            ),
            ("dcb build --push", "And push what has an `image:`"),
            ("dcb build --check", "Only check the Dockerfiles"),
            (
                "dcb --progress json build > run.jsonl",
                "Each event as JSON",
            ),
        ],
    ),
    (
        "up",
        &[
            (
                "dcb up",
                "Build what changed, start everything, follow the logs",
            ),
            (
                "dcb up -d --wait",
                "In the background, until all is healthy",
            ),
            ("dcb up --no-build web", "Start what is there"),
            ("dcb up --dry-run", "Show the plan and what would be run"),
        ],
    ),
    (
        "dev",
        &[
            ("dcb dev", "Build what changed, start everything"),
            ("dcb dev web", "One service and what it needs"),
        ],
    ),
    (
        "fresh",
        &[
            ("dcb fresh", "All images, with nothing from the cache"),
            ("dcb fresh --pull web", "One, on the newest base"),
            (
                "dcb fresh --no-cache=layers",
                "With what is in cache mounts",
            ),
        ],
    ),
    (
        "rebuild",
        &[
            ("dcb rebuild", "Everything anew; volumes stay"),
            ("dcb rebuild web", "One service; the others go on"),
            ("dcb rebuild --dry-run", "Show what would be done"),
        ],
    ),
    (
        "reset",
        &[
            ("dcb reset --dry-run", "Show what goes"),
            ("dcb reset --yes", "Without being asked"),
        ],
    ),
    (
        "clean",
        &[
            ("dcb clean", "Show what goes, ask, remove it"),
            (
                "dcb clean --volumes --yes",
                "Volumes too, without being asked",
            ),
        ],
    ),
    (
        "verify",
        &[
            ("dcb verify", "Build, start, does everything work?"),
            (
                "dcb verify --timeout 120 web",
                "With two minutes to become so",
            ),
        ],
    ),
    (
        "cache",
        &[
            ("dcb cache", "What there is, and how much room it takes"),
            ("dcb cache prune --older 7d", "What was not used for a week"),
        ],
    ),
    (
        "cache prune",
        &[
            ("dcb cache prune --dry-run", "Show what would go"),
            (
                "dcb cache prune --keep 10GB",
                "The least recently used first",
            ),
            ("dcb cache prune --mounts web", "Cache mounts of `web` too"),
        ],
    ),
    (
        "cache clear",
        &[
            ("dcb cache clear web", "The next build of `web` begins anew"),
            ("dcb cache clear --all --yes", "Of all services, unasked"),
        ],
    ),
    (
        "init",
        &[
            ("dcb init --dry-run", "Show what would be written"),
            ("dcb init build.sh makefile", "Only these two"),
        ],
    ),
    (
        "ci",
        &[
            ("dcb ci github > images.yml", "For GitHub Actions"),
            (
                "dcb ci gitlab --push > .gitlab-ci.yml",
                "And push the images",
            ),
            ("dcb ci jenkins > Jenkinsfile", "For Jenkins"),
        ],
    ),
    (
        "plan",
        &[
            ("dcb plan", "What `dcb build` would do here, and why"),
            (
                "dcb plan --variant test-local web",
                "With another form of the Dockerfile",
            ),
            (
                "dcb plan --format json | jq '.jobs[].services'",
                "For programs",
            ),
        ],
    ),
    (
        "config",
        &[
            ("dcb config", "The project as YAML, everything merged"),
            (
                "dcb config --origin web",
                "Which line set each value, and over what",
            ),
            ("dcb config --services", "The names of the services"),
            ("dcb config -q", "Only check it"),
            (
                "dcb -f compose.yaml -f ci.yaml config --format json",
                "Two files, merged",
            ),
        ],
    ),
    (
        "env",
        &[
            ("dcb env TAG", "In compose files and in each container"),
            (
                "dcb env --service web DATABASE_URL",
                "In the container of one service",
            ),
            (
                "eval \"$(dcb env --shell)\"",
                "Let Docker Compose build as dcb does",
            ),
        ],
    ),
    (
        "history",
        &[
            ("dcb history", "The runs, and what is slower than usual"),
            ("dcb history log web", "What `web` wrote in the newest run"),
            ("dcb history --format json | jq '.runs[0]'", "For programs"),
        ],
    ),
    (
        "history list",
        &[(
            "dcb history list",
            "The runs, and what is slower than usual",
        )],
    ),
    (
        "history show",
        &[
            ("dcb history show", "The newest run again, as it was told"),
            ("dcb history show 12", "Another"),
        ],
    ),
    (
        "history log",
        &[
            ("dcb history log", "Everything that the newest run wrote"),
            ("dcb history log web 'npm ci'", "One step of one service"),
            ("dcb history log --run 12 web", "Of an earlier run"),
        ],
    ),
    (
        "history compare",
        &[
            ("dcb history compare 12", "Run 12 against the newest"),
            ("dcb history compare 12 15", "Against another"),
        ],
    ),
    (
        "timeline",
        &[
            ("dcb timeline", "The newest run, to `dcb-timeline.html`"),
            (
                "dcb timeline 12 -o slow.html",
                "Another run, to another file",
            ),
            ("dcb timeline --from run.jsonl", "A run of another machine"),
            ("dcb timeline --format trace", "For ui.perfetto.dev"),
        ],
    ),
    (
        "doctor",
        &[
            ("dcb doctor", "Is this machine ready, and what mends it"),
            ("dcb doctor --fix", "Mend what is safe, asking first"),
            ("dcb doctor --only engine,disk", "Two groups of checks"),
            (
                "dcb doctor --explain ENG-01",
                "What a check looks at, and why",
            ),
            (
                "dcb doctor --format markdown > report.md",
                "For a bug report",
            ),
        ],
    ),
    (
        "builder",
        &[
            (
                "dcb builder ls",
                "Which there are, and which one dcb builds with",
            ),
            (
                "dcb builder create",
                "One of the project's own: `dcb-PROJECT`",
            ),
        ],
    ),
    (
        "builder ls",
        &[(
            "dcb builder ls",
            "Which there are, and which one dcb builds with",
        )],
    ),
    (
        "builder create",
        &[
            (
                "dcb builder create --bootstrap",
                "In a container, started at once",
            ),
            (
                "dcb builder create dcb-arm --driver remote --endpoint tcp://arm:1234",
                "A BuildKit elsewhere",
            ),
        ],
    ),
    (
        "builder reset",
        &[(
            "dcb builder reset",
            "The project's own again, with an empty cache",
        )],
    ),
    (
        "builder rm",
        &[("dcb builder rm --yes dcb-arm", "Without being asked")],
    ),
    (
        "completion",
        &[
            (
                "eval \"$(dcb completion bash)\"",
                "In ~/.bashrc; zsh is the same",
            ),
            (
                "dcb completion fish | source",
                "In ~/.config/fish/config.fish",
            ),
        ],
    ),
    (
        "help",
        &[
            ("dcb help build", "All of `dcb build`, with examples"),
            ("dcb help history log", "A verb of a verb"),
            ("dcb help logs", "Compose explains its own"),
        ],
    ),
];
