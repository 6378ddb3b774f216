//! Projects made at random, from a seed: a [`Shape`] that says which files there are, and many small
//! [`Case`]s that each have services of their own in them, so that one call of a Compose is about
//! many cases and a difference still belongs to one of them.
//!
//! Most of what is made is valid. Some cases have one value replaced by junk.

use std::fmt::Write as _;
use std::path::Path;

use dcb::compose::Request;
use fastrand::Rng;
use indexmap::IndexMap;

use super::yaml::{Kind, Style, Yaml, list, map, raw, text};

/// A place for definitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// The main file.
    Main,
    /// A second document of the main file.
    Second,
    /// The override file.
    Over,
    /// One more override file.
    Third,
    /// A file that services extend.
    Base,
    /// A file that services of [`Slot::Base`] extend.
    Deep,
    /// An included file.
    Inc,
    /// Its override.
    IncOver,
}

/// What all cases of a project share.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is there at random, whatever the others are"
)]
#[derive(Debug, Clone)]
pub struct Shape {
    second: bool,
    over: bool,
    /// `-f` for each file instead of Compose's own search.
    flags: bool,
    third: bool,
    named: u8,
    profile: u8,
    include: u8,
    dotenv: bool,
    /// Compose cannot write `config` as JSON of a project with an ssh key that has a path.
    ssh: bool,
}

/// A definition in a file.
#[derive(Debug, Clone)]
pub struct Part {
    slot: Slot,
    section: &'static str,
    name: String,
    yaml: Yaml,
}

/// Services that have to do with each other and with no others.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its number; its services begin with `k` and this.
    pub id: usize,
    parts: Vec<Part>,
    dotenv: Vec<String>,
}

const NAME: &str = "proj";

impl Shape {
    /// One at random.
    pub fn new(rng: &mut Rng) -> Self {
        let flags = rng.u8(..4) == 0;
        Self {
            second: rng.u8(..4) == 0,
            over: rng.u8(..3) > 0,
            flags,
            third: flags && rng.bool(),
            named: rng.u8(..5),
            profile: rng.u8(..5),
            include: rng.u8(..6),
            dotenv: rng.u8(..5) > 0,
            ssh: rng.u8(..6) == 0,
        }
    }

    fn slots(&self) -> Vec<Slot> {
        let there = [
            (self.second, Slot::Second),
            (self.over, Slot::Over),
            (self.third, Slot::Third),
        ];
        there
            .into_iter()
            .filter(|(there, _)| *there)
            .map(|(_, slot)| slot)
            .collect()
    }

    /// The command line for the project in `directory`.
    pub fn request(&self, directory: &Path) -> Request {
        let directory = directory.join(NAME);
        let pwd = directory.to_string_lossy().into_owned();
        let mut environment: IndexMap<String, String> = [
            ("HOME", "/home/user"),
            ("PWD", &pwd),
            ("SET", "value"),
            ("EMPTY", ""),
            ("NUM", "8"),
            ("BOOL", "true"),
            ("SPACED", "a b"),
            ("DOLLAR", "x$SET-${NUM}"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let mut request = Request {
            directory,
            ..Request::default()
        };
        match self.profile {
            0 => request.profiles = vec!["p".to_owned()],
            1 => request.profiles = vec!["p".to_owned(), "q".to_owned()],
            2 => drop(environment.insert("COMPOSE_PROFILES".to_owned(), "q, r".to_owned())),
            3 => request.profiles = vec!["*".to_owned()],
            _ => {}
        }
        match self.named {
            0 => request.project_name = Some("flagged".to_owned()),
            1 => drop(environment.insert("COMPOSE_PROJECT_NAME".to_owned(), "var".to_owned())),
            _ => {}
        }
        request.environment = environment;
        if self.flags {
            request.files.push("compose.yaml".to_owned());
            request
                .files
                .extend(self.over.then(|| "compose.override.yaml".to_owned()));
            request
                .files
                .extend(self.third.then(|| "sub/third.yaml".to_owned()));
        }
        request
    }

    /// The files of a project of these cases: path and text.
    pub fn files(&self, cases: &[&Case]) -> Vec<(String, String)> {
        let file = |slot: Slot, head: &str| {
            let mut out = head.to_owned();
            for section in ["x", "services", "secrets"] {
                write_section(&mut out, section, slot, cases);
            }
            out
        };
        let includes = cases
            .iter()
            .any(|case| case.parts.iter().any(|part| part.slot == Slot::Inc));
        let mut main = file(Slot::Main, &self.head(includes));
        if self.second {
            main.push_str("---\n");
            main.push_str(&file(Slot::Second, "x-second: 1\n"));
        }
        let mut files = vec![("compose.yaml".to_owned(), main)];
        let mut add = |path: &str, text: String| files.push((path.to_owned(), text));
        if self.over {
            add("compose.override.yaml", file(Slot::Over, "x-over: 1\n"));
        }
        if self.third {
            add("sub/third.yaml", file(Slot::Third, "x-third: 1\n"));
        }
        add("base/base.yaml", file(Slot::Base, "x-base: 1\n"));
        add("base/deep/deep.yaml", file(Slot::Deep, "x-deep: 1\n"));
        if includes {
            add("inc/compose.yaml", file(Slot::Inc, "x-inc: 1\n"));
            add("inc/over.yaml", file(Slot::IncOver, "x-inc-over: 1\n"));
            add("inc/.env", "INCLUDED=from-inc\nSET=not-this\n".to_owned());
            add("inc/other.env", "INCLUDED=from-other\n".to_owned());
        }
        if self.dotenv {
            let lines = cases.iter().flat_map(|case| &case.dotenv);
            let lines = lines.fold(String::new(), |all, line| all + line + "\n");
            add(
                ".env",
                format!("FILED=filed\nSET=hidden\nQUOTED=\"a $NUM b\"\n{lines}"),
            );
        }
        for (path, text) in &mut files {
            if !path.ends_with("env") && !text.contains("services:") {
                text.push_str("services: {}\n");
            }
        }
        files
    }

    fn head(&self, includes: bool) -> String {
        let mut head = String::new();
        head.push_str(match self.named {
            2 => "name: in-file\n",
            3 => "name: ${SET}-x\n",
            _ => "",
        });
        if includes {
            head.push_str(match self.include {
                0 => "include: [{path: [inc/compose.yaml, inc/over.yaml]}]\n",
                1 => "include:\n  - path: ./inc/compose.yaml\n    project_directory: other\n",
                2 => "include: [{path: inc/compose.yaml, env_file: inc/other.env}]\n",
                3 => "include: [{path: inc/compose.yaml, env_file: /dev/null}]\n",
                _ => "include: [inc/compose.yaml]\n",
            });
        }
        head
    }
}

fn write_section(out: &mut String, section: &str, slot: Slot, cases: &[&Case]) {
    let parts = cases.iter().flat_map(|case| &case.parts);
    let mut entries = Vec::new();
    for part in parts.filter(|part| part.slot == slot && part.section == section) {
        entries.push((part.name.clone(), part.yaml.clone()));
    }
    if entries.is_empty() {
        return;
    }
    let indent = if section == "x" { 0 } else { 2 };
    if indent > 0 {
        let _ = writeln!(out, "{section}:");
    }
    Yaml::from(Kind::Map(entries)).write_entries(indent, out);
}

impl Case {
    /// One at random.
    pub fn new(rng: &mut Rng, id: usize, shape: &Shape) -> Self {
        let mut maker = Maker {
            rng,
            id,
            shape,
            parts: Vec::new(),
            dotenv: Vec::new(),
        };
        maker.case();
        let (mut parts, dotenv) = (maker.parts, maker.dotenv);
        if rng.u8(..12) == 0 {
            let part = rng.usize(..parts.len());
            let weight = parts[part].yaml.weight();
            if weight > 0 {
                let junk = junk(rng);
                parts[part].yaml.replace(&mut rng.usize(..weight), &junk);
            }
        }
        Self { id, parts, dotenv }
    }

    /// What the names of its services begin with, up to the role.
    fn prefix(&self) -> String {
        format!("k{}", self.id)
    }

    /// Whether a service of it is mentioned.
    pub fn is_named_in(&self, complaint: &str) -> bool {
        let prefix = self.prefix();
        let mut after = complaint.split(&prefix).skip(1);
        after.any(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
    }

    /// How many services it defines, counting each place.
    pub fn services(&self) -> usize {
        self.parts
            .iter()
            .filter(|part| part.section == "services")
            .count()
    }

    /// How many ways [`Case::simplified`] knows.
    pub fn simplifications(&self) -> usize {
        let parts: usize = self
            .parts
            .iter()
            .map(|part| 1 + part.yaml.simplifications())
            .sum();
        parts + self.dotenv.len()
    }

    /// This case made simpler in the `n`th way.
    pub fn simplified(&self, mut n: usize) -> Self {
        let mut simpler = self.clone();
        for index in 0..simpler.parts.len() {
            let inside = simpler.parts[index].yaml.simplifications();
            match n {
                0 => drop(simpler.parts.remove(index)),
                _ if n <= inside => simpler.parts[index].yaml.simplify(n - 1),
                _ => {
                    n -= inside + 1;
                    continue;
                }
            }
            return simpler;
        }
        simpler.dotenv.remove(n);
        simpler
    }
}

fn junk(rng: &mut Rng) -> Yaml {
    let kinds = [
        raw("null"),
        raw("5"),
        raw("-1"),
        raw("1.5"),
        raw("true"),
        raw("[]"),
        raw("{}"),
        raw("[null]"),
        raw("[1]"),
        raw("{a: 1}"),
        raw("{a: null}"),
        raw("[{a: b}]"),
        raw("[[a]]"),
        text(""),
        text("junk"),
        text("a=b"),
        text("$"),
        text("${NUM}"),
        raw("[a, a]"),
        raw("[x-a=1]"),
    ];
    kinds[rng.usize(..kinds.len())].clone()
}

struct Maker<'a> {
    rng: &'a mut Rng,
    id: usize,
    shape: &'a Shape,
    parts: Vec<Part>,
    dotenv: Vec<String>,
}

impl Maker<'_> {
    fn chance(&mut self, percent: u8) -> bool {
        self.rng.u8(..100) < percent
    }

    fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.rng.usize(..choices.len())].clone()
    }

    fn some<T>(&mut self, most: usize, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.rng.usize(..=most)).map(|_| make(self)).collect()
    }

    fn name(&self, role: char) -> String {
        format!("k{}{role}", self.id)
    }

    fn define(&mut self, slot: Slot, section: &'static str, name: String, yaml: Yaml) {
        self.parts.push(Part {
            slot,
            section,
            name,
            yaml,
        });
    }

    fn serve(&mut self, slot: Slot, role: char, yaml: Yaml) {
        self.define(slot, "services", self.name(role), yaml);
    }

    // --- cases ------------------------------------------------------------------------------

    fn case(&mut self) {
        if self.shape.dotenv && self.chance(40) {
            self.dotenv_lines();
        }
        let anchors = self.chance(20);
        if anchors {
            self.anchors();
        }
        let mut main = self.service(Slot::Main);
        if anchors {
            self.use_anchors(&mut main);
        }
        if self.chance(30) {
            self.extend(&mut main);
        }
        if self.chance(15) {
            let other = self.service(Slot::Main);
            self.serve(Slot::Main, 'b', other);
            self.depend(&mut main, 'b');
        }
        self.serve(Slot::Main, 'a', main);
        for slot in self.shape.slots() {
            if self.chance(60) {
                let mut over = self.overriding(slot);
                if self.chance(8) {
                    self.extend(&mut over);
                }
                self.serve(slot, 'a', over);
            }
        }
        if self.chance(12) {
            self.include();
        }
        if self.chance(25) {
            self.secrets();
        }
    }

    fn extend(&mut self, service: &mut Yaml) {
        let (role, slot) = self.pick(&[('s', Slot::Main), ('e', Slot::Base), ('e', Slot::Base)]);
        if self.parts.iter().any(|part| part.name == self.name(role)) {
            return;
        }
        let name = self.name(role);
        let here = match slot {
            Slot::Main if self.chance(50) => text(&name),
            Slot::Main => map([("service", text(&name))]),
            _ => map([
                ("service", text(&name)),
                ("file", self.spelled("base/base.yaml")),
            ]),
        };
        service.add("extends", here);
        let mut base = self.service(slot);
        if slot == Slot::Base && self.chance(40) {
            let deep = self.service(Slot::Deep);
            self.serve(Slot::Deep, 'd', deep);
            let deep = [
                ("service", text(self.name('d'))),
                ("file", text("./deep/deep.yaml")),
            ];
            base.add("extends", map(deep));
        } else if slot == Slot::Base && self.chance(20) {
            let near = self.service(slot);
            self.serve(slot, 'f', near);
            base.add("extends", text(self.name('f')));
        }
        self.serve(slot, role, base);
    }

    fn include(&mut self) {
        let included = self.service(Slot::Inc);
        self.serve(Slot::Inc, 'i', included);
        if self.shape.include == 0 && self.chance(60) {
            let over = self.overriding(Slot::IncOver);
            self.serve(Slot::IncOver, 'i', over);
        }
        if self.shape.over && self.chance(50) {
            let over = self.overriding(Slot::Over);
            self.serve(Slot::Over, 'i', over);
        }
    }

    fn secrets(&mut self) {
        let name = self.name('x');
        let source = match self.rng.u8(..4) {
            0 => map([("environment", text("SET"))]),
            1 => map([("environment", self.string())]),
            _ => map([("file", self.path())]),
        };
        self.define(Slot::Main, "secrets", name.clone(), source);
        let item = match self.rng.u8(..4) {
            0 => text(&name),
            1 => map([("source", text(&name)), ("target", text("t"))]),
            2 => map([
                ("source", text(&name)),
                ("mode", raw("0440")),
                ("uid", text("1")),
            ]),
            _ => map([("source", text(&name))]),
        };
        let owner = self.name('a');
        for part in &mut self.parts {
            if part.name == owner
                && let Kind::Map(entries) = &mut part.yaml.kind
            {
                for (key, build) in entries {
                    if key == "build" {
                        build.add("secrets", list([item.clone()]));
                    }
                }
            }
        }
    }

    fn anchors(&mut self) {
        let mut build = self.build(Slot::Main);
        build.anchor = Some(format!("b{}", self.id));
        let mut args = self.args();
        args.anchor = Some(format!("v{}", self.id));
        let whole = map([("build", build), ("args", args)]);
        self.define(Slot::Main, "x", format!("x-k{}", self.id), whole);
    }

    fn use_anchors(&mut self, service: &mut Yaml) {
        let id = self.id;
        let alias = raw(format!("*b{id}"));
        let Kind::Map(entries) = &mut service.kind else {
            return;
        };
        entries.retain(|(key, _)| key != "build");
        let mut build = self.build(Slot::Main);
        build.flow = false;
        let merge = match self.rng.u8(..4) {
            0 => return service.add("build", alias),
            1 => list([alias]),
            2 => raw(format!("[{{target: first}}, *b{id}]")),
            _ => alias,
        };
        if let Kind::Map(entries) = &mut build.kind {
            let at = self.rng.usize(..=entries.len());
            entries.insert(at, ("<<".to_owned(), merge));
        }
        if self.chance(50) {
            build.add("args", raw(format!("*v{id}")));
        }
        service.add("build", build);
    }

    fn depend(&mut self, service: &mut Yaml, role: char) {
        let name = self.name(role);
        let dependency = match self.rng.u8(..8) {
            0 => return service.add("links", list([text(format!("{name}:alias"))])),
            1 => return service.add("network_mode", text(format!("service:{name}"))),
            2 => return service.add("volumes_from", list([text(name)])),
            3 => return service.add("ipc", text(format!("service:{name}"))),
            4 => map([(name.as_str(), map([("condition", text("service_healthy"))]))]),
            5 => {
                let required = self.pick(&[raw("false"), raw("true")]);
                map([(
                    name.as_str(),
                    map([
                        ("condition", text("service_completed_successfully")),
                        ("required", required),
                    ]),
                )])
            }
            _ => list([text(name)]),
        };
        service.add("depends_on", dependency);
    }

    // --- services ---------------------------------------------------------------------------

    fn service(&mut self, slot: Slot) -> Yaml {
        let mut service = self.common(slot);
        if self.chance(90) {
            let build = self.build(slot);
            service.add("build", build);
        }
        if !matches!(&service.kind, Kind::Map(entries) if entries.iter().any(|(key, _)| key == "build"))
        {
            let image = self.string();
            service.add("image", image);
        }
        service
    }

    fn overriding(&mut self, slot: Slot) -> Yaml {
        let mut service = self.common(slot);
        match self.rng.u8(..12) {
            0 => {}
            1 => service.add("build", raw("null")),
            2 => service.add("build", raw("!reset null")),
            _ => {
                let mut build = self.build(slot);
                if self.chance(4) {
                    build.tag = Some("override");
                }
                self.direct(&mut build);
                service.add("build", build);
            }
        }
        self.direct(&mut service);
        service
    }

    /// Marks one entry `!reset` or `!override`, now and then.
    fn direct(&mut self, node: &mut Yaml) {
        let Kind::Map(entries) = &mut node.kind else {
            return;
        };
        if entries.is_empty() || self.rng.u8(..6) > 0 {
            return;
        }
        let at = self.rng.usize(..entries.len());
        if self.rng.bool() {
            entries[at].1 = raw("!reset null");
        } else if !matches!(&entries[at].1.kind, Kind::Raw(text) if text.starts_with(['!', '*'])) {
            entries[at].1.tag = Some("override");
        }
    }

    fn common(&mut self, slot: Slot) -> Yaml {
        let mut service = map([]);
        if self.chance(25) {
            let image = self.string();
            service.add("image", image);
        }
        if self.chance(10) {
            service.add("platform", text("linux/amd64"));
        }
        if self.chance(10) {
            let policy = self.pick(&["build", "always", "never", "missing", "if_not_present"]);
            service.add("pull_policy", text(policy));
        }
        if self.chance(12) {
            let profiles = self.some(2, |maker| text(maker.pick(&["p", "q", "r"])));
            service.add("profiles", list(unique(profiles)));
        }
        if self.chance(25) {
            let (key, value) = self.noise();
            service.add(key, value);
        }
        if slot != Slot::Inc && self.chance(3) {
            service.add("x-own", self.args());
        }
        service
    }

    /// Keys that have nothing to do with building, in forms that Compose takes.
    fn noise(&mut self) -> (&'static str, Yaml) {
        let value = self.string();
        match self.rng.u8(..12) {
            0 => ("environment", self.args()),
            1 => ("labels", self.args()),
            2 => (
                "command",
                self.pick(&[text("run it"), raw("[run, it]"), raw("null")]),
            ),
            3 => ("entrypoint", self.pick(&[text("sh -c"), raw("[sh]")])),
            4 => ("container_name", value),
            5 => (
                "healthcheck",
                self.pick(&[
                    raw("{disable: \"true\"}"),
                    raw("{test: [CMD, x], retries: 3, interval: 5s}"),
                ]),
            ),
            6 => (
                "ports",
                self.pick(&[
                    raw("[\"80:80\"]"),
                    raw("[8080]"),
                    raw("[{target: 80, published: \"8080\"}]"),
                ]),
            ),
            7 => (
                "init",
                self.pick(&[raw("true"), text("${BOOL}"), text("no")]),
            ),
            8 => ("cap_add", list([value])),
            9 => (
                "dns",
                self.pick(&[text("1.1.1.1"), raw("[1.1.1.1, 8.8.8.8]")]),
            ),
            10 => (
                "deploy",
                raw("{replicas: 2, resources: {limits: {memory: 50M}}}"),
            ),
            _ => ("restart", text("always")),
        }
    }

    // --- build ------------------------------------------------------------------------------

    fn build(&mut self, slot: Slot) -> Yaml {
        if self.chance(12) {
            return self.context();
        }
        let mut build = map([]);
        if self.chance(65) {
            let context = self.context();
            build.add("context", context);
        }
        let over = matches!(
            slot,
            Slot::Over | Slot::Second | Slot::Third | Slot::IncOver
        );
        match self.rng.u8(..10) {
            0..=2 => {
                let file = self.pick(&[
                    "Dockerfile.dev",
                    "../other/D",
                    "/abs/D",
                    "",
                    "./sub/../D",
                    "~/D",
                    "D$$x",
                    "${FILED-D}",
                ]);
                let file = self.styled(file.to_owned());
                build.add("dockerfile", file);
            }
            3 if !over => {
                let lines = self.pick(&[
                    "FROM scratch\nRUN a\n",
                    "FROM x\nCOPY $${A} b",
                    "FROM ${SET}",
                ]);
                build.add(
                    "dockerfile_inline",
                    Kind::Text(lines.to_owned(), Style::Block).into(),
                );
            }
            _ => {}
        }
        for _ in 0..self.rng.u8(..5) {
            let (key, value) = self.build_key();
            build.add(key, value);
        }
        build.flow = self.chance(10);
        build
    }

    fn build_key(&mut self) -> (&'static str, Yaml) {
        match self.rng.u8(..24) {
            0..=4 => ("args", self.args()),
            5 => ("labels", self.args()),
            6 => ("target", self.string()),
            7 => ("tags", self.strings(3)),
            8 => ("platforms", self.platforms()),
            9 => ("no_cache", self.flag()),
            10 => ("pull", self.flag()),
            11 => ("privileged", self.flag()),
            12 => ("network", self.string()),
            13 => ("extra_hosts", self.hosts()),
            14 => ("shm_size", self.size()),
            15 => ("ulimits", self.ulimits()),
            16 => ("isolation", self.string()),
            17 => ("entitlements", self.strings(2)),
            18 => ("additional_contexts", self.contexts()),
            19 => ("cache_from", self.strings(2)),
            20 => ("cache_to", self.strings(2)),
            21 if self.shape.ssh => ("ssh", self.ssh()),
            22 => ("provenance", self.attestation()),
            _ => self.rare_key(),
        }
    }

    fn rare_key(&mut self) -> (&'static str, Yaml) {
        match self.rng.u8(..3) {
            0 => ("x-own", self.args()),
            _ => ("sbom", self.attestation()),
        }
    }

    fn context(&mut self) -> Yaml {
        match self.rng.u8(..10) {
            0 => text(self.pick(&[
                "https://x.org/y.git#main:sub",
                "git@x.org:y.git",
                "ssh://x/y",
                "github.com/a/b",
            ])),
            1 => text(self.pick(&[
                "docker-image://alpine",
                "oci-layout://./x",
                "https://x/y.tar.gz",
            ])),
            _ => self.path(),
        }
    }

    fn path(&mut self) -> Yaml {
        let path = self.pick(&[
            ".",
            "./x",
            "x/y",
            "../up",
            "/abs/dir",
            "/a/../b",
            "~/home",
            "./a/../b",
            "x/",
            "~root/x",
            "-",
            "..",
            "~",
            "${SET}/x",
            "./${FILED:-d}",
            "a b",
            "é",
            "C:\\x",
            "./x:y",
            "service",
        ]);
        self.styled(path.to_owned())
    }

    fn args(&mut self) -> Yaml {
        let keys = [
            "A", "B", "C", "SET", "NUM", "FILED", "EMPTY", "U", "a.b", "D-E",
        ];
        if self.chance(40) {
            let items = self.some(4, |maker| {
                let key = maker.pick(&keys);
                let key = if maker.chance(10) { "${SET}" } else { key };
                if maker.chance(20) {
                    return text(key);
                }
                let value = maker.words();
                maker.styled(format!("{key}={value}"))
            });
            return list(unique(items));
        }
        let mut args = map([]);
        for _ in 0..self.rng.u8(..5) {
            let key = self.pick(&keys);
            let value = self.scalar();
            args.add(key, value);
        }
        args.flow = self.chance(20);
        args
    }

    fn strings(&mut self, most: usize) -> Yaml {
        let items = self.some(most, Self::string);
        list(unique(items))
    }

    fn platforms(&mut self) -> Yaml {
        let items = self.some(2, |maker| {
            text(maker.pick(&["linux/amd64", "linux/arm64", "${P:-linux/arm/v7}"]))
        });
        list(unique(items))
    }

    fn flag(&mut self) -> Yaml {
        self.pick(&[
            raw("true"),
            raw("false"),
            text("true"),
            text("${BOOL}"),
            raw("yes"),
            raw("off"),
            text("N"),
        ])
    }

    fn attestation(&mut self) -> Yaml {
        self.pick(&[
            raw("true"),
            raw("false"),
            text("mode=max"),
            text("true"),
            text("${BOOL}"),
            text("generator=x,y=z"),
        ])
    }

    fn size(&mut self) -> Yaml {
        self.pick(&[
            raw("64"),
            raw("0"),
            text("64m"),
            text("1.5gb"),
            text("2 GB"),
            text("1KiB"),
            text("10"),
            text("${NUM}m"),
            raw("1e3"),
            text("3b"),
            text("1.0001k"),
            text(".5g"),
            raw("1_000"),
            text("5T"),
            text("1p"),
            text("0x10"),
        ])
    }

    fn hosts(&mut self) -> Yaml {
        if self.chance(50) {
            let items = self.some(3, |maker| {
                let item = maker.pick(&[
                    "h=1.1.1.1",
                    "h:2.2.2.2",
                    "i=[::1]",
                    "j:::1",
                    "h=3.3.3.3,4.4.4.4",
                    "${SET}=5.5.5.5",
                    "l=host-gateway",
                ]);
                text(item)
            });
            return list(unique(items));
        }
        let mut hosts = map([]);
        for _ in 0..self.rng.u8(..3) {
            let host = self.pick(&["h", "i", "m"]);
            let address = self.pick(&[
                text("1.1.1.1"),
                text("6.6.6.6"),
                raw("[7.7.7.7, 8.8.8.8]"),
                text("::1"),
            ]);
            hosts.add(host, address);
        }
        hosts
    }

    fn ulimits(&mut self) -> Yaml {
        let mut limits = map([]);
        for _ in 0..self.rng.u8(..3) {
            let name = self.pick(&["nofile", "nproc", "core"]);
            let limit = self.pick(&[
                raw("5"),
                raw("-1"),
                raw("0x10"),
                raw("{soft: 1, hard: 2}"),
                raw("{hard: 010, soft: 3}"),
            ]);
            limits.add(name, limit);
        }
        limits
    }

    fn contexts(&mut self) -> Yaml {
        let keys = ["one", "two", "base"];
        if self.chance(40) {
            let items = self.some(2, |maker| {
                let key = maker.pick(&keys);
                let value = maker.pick(&[
                    "./c",
                    "docker-image://x",
                    "https://x/y.git",
                    "a=b",
                    "~/c",
                    "",
                ]);
                text(format!("{key}={value}"))
            });
            return list(unique(items));
        }
        let mut contexts = map([]);
        for _ in 0..self.rng.u8(..3) {
            let key = self.pick(&keys);
            let value = self.context();
            contexts.add(key, value);
        }
        contexts
    }

    fn ssh(&mut self) -> Yaml {
        match self.rng.u8(..4) {
            0 => {
                let mut keys = map([("default", self.pick(&[raw("null"), text("")]))]);
                let path = self.path();
                keys.add("k", path);
                keys
            }
            1 => list([text("default")]),
            2 => list([text("k=./key"), text("l=/abs/key")]),
            _ => list([text("default"), text("k=~/key")]),
        }
    }

    // --- text -------------------------------------------------------------------------------

    /// Another way to write a relative path.
    fn spelled(&mut self, path: &str) -> Yaml {
        let spelled = match self.rng.u8(..3) {
            0 => format!("./{path}"),
            1 => format!("x/../{path}"),
            _ => path.to_owned(),
        };
        text(spelled)
    }

    fn styled(&mut self, text: String) -> Yaml {
        let style = self.pick(&[
            Style::Plain,
            Style::Plain,
            Style::Single,
            Style::Double,
            Style::Block,
        ]);
        Kind::Text(text, style).into()
    }

    /// A scalar of any kind, where all kinds are taken.
    fn scalar(&mut self) -> Yaml {
        if self.chance(55) {
            return self.string();
        }
        raw(self.pick(&[
            "1",
            "010",
            "0o10",
            "0x1F",
            "0b11",
            "-0b11",
            "08",
            "09.5",
            "1_000",
            "1_000.5",
            "1.10",
            "1.0",
            "1.",
            ".5",
            "1e3",
            "100000000.0",
            "0.00001",
            "0.1e-7",
            "1234567.0",
            "123456789012345678901234567890",
            "1e400",
            "0x1p4",
            "0o8",
            "12:30:45",
            "22:22",
            "null",
            "~",
            "Null",
            "true",
            "True",
            "FALSE",
            "yes",
            "on",
            "off",
            "No",
            "y",
            "+1",
            "-1",
            "-0",
            "!!str 010",
            "'010'",
            "!!int \"010\"",
            "!!float 1",
            "!!binary aGk=",
            "!foo bar",
            "\"\"",
            "1e-3",
            "-.5",
            "+.5",
            "0x_1",
            "1__0",
            "-0x1F",
            "0.1",
            "1E5",
            "1e+2",
            "9223372036854775808",
            "18446744073709551615",
            "18446744073709551616",
            "-9223372036854775808",
            "-9223372036854775809",
            "0b2",
            "1.5e300",
            "123456.789",
            "0777",
            "1e21",
            "-1e-7",
            "0X1F",
            "0B1",
            "0O7",
            "tRUE",
            "''",
        ]))
    }

    fn string(&mut self) -> Yaml {
        let text = self.words();
        let text = if text.is_empty() {
            "w".to_owned()
        } else {
            text
        };
        self.styled(text)
    }

    fn words(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..=self.rng.u8(..3) {
            let piece = match self.rng.u8(..10) {
                0..=4 => self.pick(&["a", "b/c", "x-y", "1.10", "val"]).to_owned(),
                5..=8 => self.expression(0),
                _ => self
                    .pick(&[
                        "=", " ", ":", "#", "é", "'", "\"", "\\", "@", ",", "}", "{", "%", "*",
                        "&", "!",
                    ])
                    .to_owned(),
            };
            text.push_str(&piece);
        }
        text
    }

    fn expression(&mut self, depth: u8) -> String {
        let own = [
            format!("K{}A", self.id),
            format!("K{}B", self.id),
            format!("U{}", self.id),
        ];
        let name = match self.rng.u8(..8) {
            0 | 1 => self.pick(&own),
            _ => self
                .pick(&[
                    "SET",
                    "EMPTY",
                    "NUM",
                    "FILED",
                    "QUOTED",
                    "DOLLAR",
                    "SPACED",
                    "INCLUDED",
                    "COMPOSE_PROJECT_NAME",
                ])
                .to_owned(),
        };
        let default = match self.rng.u8(..6) {
            0 if depth < 3 => self.expression(depth + 1),
            1 if depth < 3 => format!("x{}y", self.expression(depth + 1)),
            2 => self
                .pick(&["", "{\"k\":1}", "a}b", "a:b", "a-b", "?", "$", "$$"])
                .to_owned(),
            _ => "dflt".to_owned(),
        };
        match self.rng.u8(..16) {
            0 | 1 => format!("${name}"),
            2 | 3 => format!("${{{name}}}"),
            4 | 5 => format!("${{{name}:-{default}}}"),
            6 | 7 => format!("${{{name}-{default}}}"),
            8 => format!("${{{name}:+{default}}}"),
            9 => format!("${{{name}+{default}}}"),
            10 => format!("${{SET:?{default}}}"),
            11 => "$$".to_owned(),
            12 => format!("$${name}"),
            13 => format!("$${{{name}}}"),
            14 => self.pick(&["$1", "$(x)", "$-", "$ ", "$é"]).to_owned(),
            _ if self.chance(20) => self
                .pick(&["${", "${}", "${A b}", "${NOPE:?}", "${1}", "${A:=x}"])
                .to_owned(),
            _ => "${EMPTY?gone}".to_owned(),
        }
    }

    fn dotenv_lines(&mut self) {
        for suffix in ['A', 'B'] {
            let key = format!("K{}{suffix}", self.id);
            let value = match self.rng.u8(..8) {
                0 => format!(
                    "'{}'",
                    self.pick(&["a b", "$SET", "a\\'b", "a\"b", "\\n", "#"])
                ),
                1 | 2 => format!(
                    "\"{}\"",
                    self.pick(&[
                        "a b",
                        "$SET",
                        "\\$SET",
                        "a\\nb",
                        "\\\"",
                        "${NUM:-x}",
                        "\\t\\q",
                        "# x",
                        "a\nb",
                        "\\\\"
                    ])
                ),
                3 => self
                    .pick(&[
                        "a # b",
                        "#c",
                        "a#b",
                        " spaced  ",
                        "a\\nb",
                        "a\\$SET",
                        "it's",
                        "a\"b\"",
                        "",
                        "'a' # b",
                        "\"a\" x",
                    ])
                    .to_owned(),
                _ => self.expression(1),
            };
            let separator = self.pick(&["=", "=", "=", "=", ": ", " = "]);
            let export = if self.chance(10) { "export " } else { "" };
            if self.chance(90) {
                self.dotenv.push(format!("{export}{key}{separator}{value}"));
            } else {
                self.dotenv.push(key);
            }
        }
    }
}

/// Without the items that are written like an earlier one, which most lists do not take twice.
fn unique(items: Vec<Yaml>) -> Vec<Yaml> {
    let mut seen = std::collections::HashSet::new();
    items
        .into_iter()
        .filter(|item| match &item.kind {
            Kind::Text(text, _) | Kind::Raw(text) => seen.insert(text.clone()),
            _ => true,
        })
        .collect()
}
