//! Secrets and SSH agents: they reach the steps that mount them, and nothing and nobody else.

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use rustix::process::Signal;
use sha2::{Digest, Sha256};
use support::relay::Relay;
use support::{Engine, Project, engines, on_engines, on_every_engine, until};

/// The most that a secret may have.
const LARGEST: usize = 500 << 10;

fn sum(content: &str) -> String {
    let digest = Sha256::digest(content);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

// Secrets

#[test]
fn a_secret_reaches_the_step_that_mounts_it_and_not_the_image() {
    const COMPOSE: &str = "services:\n  web:\n    build:\n      context: .\n      secrets:\n        - file\n        - { source: file, target: renamed }\n        - variable\nsecrets:\n  file: { file: ./kept/file }\n  variable: { environment: TOKEN }\n";
    const DOCKERFILE: &str = "FROM busybox\n\
        RUN --mount=type=secret,id=file,required=true sha256sum </run/secrets/file >>/got\n\
        RUN --mount=type=secret,id=renamed,target=/there,uid=7,gid=8,mode=0440 \
          (stat -c '%u %g %a' /there; sha256sum </there) >>/got\n\
        RUN --mount=type=secret,id=variable,required=true sha256sum </run/secrets/variable >>/got\n\
        RUN --mount=type=secret,id=typed,required=true sha256sum </run/secrets/typed >>/got\n\
        RUN --mount=type=secret,id=nobodys test ! -e /run/secrets/nobodys\n";
    on_every_engine("secret", |engine, project| {
        let [file, variable, typed] = ["from a file\n", "from a variable", "from a flag"];
        let project = project
            .file("compose.yaml", COMPOSE)
            .file("Dockerfile", DOCKERFILE)
            .file(".dockerignore", "kept\n")
            .file("kept/file", file)
            .file("kept/typed", typed)
            .variable("TOKEN", variable);
        project
            .run(engine, &["build", "--secret", "id=typed,src=kept/typed"])
            .expect(0);
        let image = project.image(engine, "web");
        let expected = format!(
            "{}  -\n7 8 440\n{}  -\n{}  -\n{}  -",
            sum(file),
            sum(file),
            sum(variable),
            sum(typed)
        );
        assert_eq!(engine.read(&image, &["/got"]), expected);
        let find = "grep -rF -e 'from a' /got /there /run /root /tmp 2>/dev/null || true";
        assert_eq!(engine.run(&image, &["sh", "-c", find]), "");
        for about in [
            &["history", "--no-trunc", &image] as &[&str],
            &["inspect", &image],
        ] {
            assert!(!engine.ask(about).contains("from a"), "{about:?}");
        }
    });
}

#[test]
fn a_secret_may_be_a_variable_of_its_step_where_the_frontend_knows_that() {
    on_every_engine("secret-env", |engine, project| {
        let project = project
            .file("compose.yaml", "services: { web: { build: . } }\n")
            .file(
                "Dockerfile",
                "FROM busybox\nRUN --mount=type=secret,id=TOKEN,env=INSIDE echo $INSIDE | sha256sum >/got\n",
            )
            .variable("TOKEN", "from a variable");
        let ran = project.run(engine, &["build", "--secret", "id=TOKEN"]);
        if engine.major() < 28 {
            ran.expect(7)
                .telling(&["frontend-too-old", "# syntax=docker/dockerfile:1"]);
            return;
        }
        ran.expect(0);
        let got = project.read(engine, "web", "/got");
        assert_eq!(got, format!("{}  -", sum("from a variable\n")));
    });
}

#[test]
fn services_side_by_side_have_their_own_secret_under_the_same_id() {
    const COMPOSE: &str = "services:\n  a: { build: { context: ., args: [WHO=a], secrets: [{source: one, target: token}] } }\n  b: { build: { context: ., args: [WHO=b], secrets: [{source: two, target: token}] } }\n  c: { build: { context: ., args: [WHO=c], secrets: [token] } }\nsecrets:\n  one: { file: ./one }\n  two: { file: ./two }\n  token: { environment: THREE }\n";
    on_every_engine("secret-own", |engine, project| {
        let project = project
            .file("compose.yaml", COMPOSE)
            .file(
                "Dockerfile",
                "FROM busybox\nARG WHO\nRUN --mount=type=secret,id=token,required=true sleep 1; echo \"$WHO $(cat /run/secrets/token)\" >/got\n",
            )
            .file("one", "first")
            .file("two", "second")
            .variable("THREE", "third");
        project.run(engine, &["build", "--jobs", "3"]).expect(0);
        for (service, content) in [("a", "first"), ("b", "second"), ("c", "third")] {
            let got = project.read(engine, service, "/got");
            assert_eq!(got, format!("{service} {content}"));
        }
    });
}

#[test]
fn a_second_build_transfers_nothing_and_takes_all_from_the_cache_whatever_the_secret_is() {
    const MARK: &[u8] = b"this is in the context";
    on_every_engine("secret-again", |engine, project| {
        // What an earlier run of this test left in the cache would not run again.
        let dockerfile = format!(
            "FROM busybox\nCOPY data /data\nRUN --mount=type=secret,id=token,required=true cp /run/secrets/token /got && : {}\n",
            project.name()
        );
        let project = project
            .file(
                "compose.yaml",
                "services: { web: { build: { context: ., secrets: [token] } } }\nsecrets: { token: { file: ./kept/token } }\n",
            )
            .file("Dockerfile", &dockerfile)
            .file(".dockerignore", "kept\n")
            .file("data", std::str::from_utf8(MARK).expect("text"))
            .file("kept/token", "the first value");
        let relay = Relay::to(engine);
        let through = relay.engine(engine);
        let has = |sent: &[u8], words: &[u8]| sent.windows(words.len()).any(|part| part == words);
        project.run(&through, &["build"]).expect(0);
        let first = relay.sent();
        assert!(has(&first, MARK), "no context in {} bytes", first.len());
        assert!(
            has(&first, b"the first value"),
            "no secret in {} bytes",
            first.len()
        );
        project.write("kept/token", "the second value");
        let again = project.run(&through, &["build", "-v"]).expect(0);
        let second = relay.sent();
        assert!(!has(&second, MARK), "the context again");
        assert!(!has(&second, b"the second value"), "a secret for nothing");
        assert!(again.stderr.contains("CACHED  "), "{}", again.stderr);
        let image = project.image(engine, "web");
        assert_eq!(engine.read(&image, &["/got"]), "the first value");
    });
}

#[test]
fn what_a_secret_is_made_of_is_looked_at_before_anything_is_built() {
    const COMPOSE: &str = "services:\n  web:\n    build:\n      context: .\n      secrets: [gone, unset, large, empty]\nsecrets:\n  gone:\n    file: ./gone.txt\n  unset:\n    environment: NOT_SET\n  large:\n    file: ./large\n  empty:\n    environment: EMPTY\n";
    let project = Project::new("secret-missing")
        .file("compose.yaml", COMPOSE)
        .file("Dockerfile", "FROM busybox\n")
        .file("large", &"x".repeat(LARGEST + 1))
        .variable("EMPTY", "");
    project.run_alone(&["build"]).shows(
        "
exit code 4
--- stderr
error: secret `gone` of service `web` cannot be read: `<dir>/gone.txt`: no such file
 --> compose.yaml:8:11
  |
8 |     file: ./gone.txt
  |           ^^^^^^^^^^
error: secret `unset` of service `web` is the variable `NOT_SET`, which is not set
  --> compose.yaml:10:18
   |
10 |     environment: NOT_SET
   |                  ^^^^^^^
   |
   = help: set it: export NOT_SET=…
error: secret `large` of service `web` has 512001 bytes, and a secret may have 512000 (500 KiB)
  --> compose.yaml:12:11
   |
12 |     file: ./large
   |           ^^^^^^^
error: secrets that the build needs are missing
",
    );
    project
        .run_alone(&["build", "--secret", "id=typed,src=nowhere"])
        .expect(4)
        .telling(&[
            "error: secret `typed` of service `web` cannot be read: `<dir>/nowhere`: no such file\n",
        ]);
    // What is missing for a service that is not built is nobody's business.
    let other = COMPOSE.replace("services:\n", "services:\n  other: { build: . }\n");
    project.write("compose.yaml", &other);
    project.run_alone(&["plan", "other"]).expect(0);
    let fine = COMPOSE.replace("[gone, unset, large, empty]", "[empty]");
    project.write("compose.yaml", &fine);
    project
        .run_alone(&["plan"])
        .expect(0)
        .telling(&["warning: secret `empty` of service `web` is empty\n"]);
}

#[test]
fn the_largest_secret_arrives_whole() {
    on_every_engine("secret-large", |engine, project| {
        let project = project
            .file("compose.yaml", "services: { web: { build: . } }\n")
            .file(
                "Dockerfile",
                "FROM busybox\nRUN --mount=type=secret,id=large,required=true sha256sum </run/secrets/large >/got\n",
            )
            .file(".dockerignore", "large\n")
            .file("large", &"0123456789".repeat(LARGEST / 10));
        project
            .run(engine, &["build", "--secret", "id=large"])
            .expect(0);
        let got = project.read(engine, "web", "/got");
        assert_eq!(
            got,
            format!("{}  -", sum(&"0123456789".repeat(LARGEST / 10)))
        );
    });
}

#[test]
fn a_flag_that_is_no_secret_is_told_without_what_it_says() {
    let project = Project::new("secret-flag")
        .file("compose.yaml", "services: { web: { build: . } }\n")
        .file("Dockerfile", "FROM busybox\n");
    for (flag, why) in [
        ("hunter2", "has a part without `=`"),
        (
            "id=a,value=hunter2",
            "has a part that is none of `id`, `src`, `env` and `type`",
        ),
        ("src=hunter2", "has no id"),
        (
            "id=a,src=hunter2,env=B",
            "gives both a file and a variable for `a`",
        ),
    ] {
        let ran = project.run_alone(&["build", "--secret", flag]).expect(2);
        assert!(!ran.told().contains("hunter2"), "{}", ran.told());
        ran.telling(&[
            &format!("error: `--secret` {why}\n"),
            "= help: write --secret id=NAME,src=FILE or --secret id=NAME,env=VARIABLE",
        ]);
    }
}

#[test]
fn what_a_step_requires_and_the_build_does_not_have_is_named_beside_what_it_has() {
    on_every_engine("secret-other", |engine, project| {
        let project = project
            .file("compose.yaml", "services: { web: { build: . } }\n")
            .file("token", "x");
        let _listening = UnixListener::bind(project.path().join("agent")).expect("a socket");
        for (mount, code, words) in [
            ("secret", 4, "= help: declare it: `secrets: [other]`"),
            (
                "ssh",
                3,
                "= help: declare it: `ssh: [\"other=${SSH_AUTH_SOCK}\"]`",
            ),
        ] {
            let run = format!("RUN --mount=type={mount},id=other,required=true true");
            project.write("Dockerfile", &format!("FROM busybox\n{run}\n"));
            project
                .run(
                    engine,
                    &["build", "--secret", "id=token", "--ssh", "default=agent"],
                )
                .expect(code)
                .telling(&[
                    &format!("web  failed  <time>  {mount}-missing"),
                    words,
                    "Dockerfile:2:1",
                ]);
        }
    });
}

#[test]
fn a_password_for_what_is_added_from_elsewhere_is_a_secret_of_its_hosts_name() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().expect("a handle")).lines();
            let head: Vec<String> = lines
                .by_ref()
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .collect();
            let known = |line: &String| line.eq_ignore_ascii_case("authorization: bearer hunter2");
            let status = if head.iter().any(known) {
                "200 OK"
            } else {
                "401 Unauthorized"
            };
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
            );
        }
    });
    // Older engines do not ask for it.
    let mut newer = engines();
    newer.retain(|engine| engine.major() >= 28);
    on_engines(&newer, "secret-http", |engine, project| {
        let project = project
            .file("compose.yaml", "services: { web: { build: . } }\n")
            .file(
                "Dockerfile",
                &format!("FROM scratch\nADD http://127.0.0.1:{port}/f /f\n"),
            )
            .variable("TOKEN", "hunter2");
        project.run(engine, &["build"]).expect(1).telling(&["401"]);
        let secret = "id=HTTP_AUTH_TOKEN_127.0.0.1,env=TOKEN";
        let ran = project
            .run(engine, &["build", "--secret", secret])
            .expect(0);
        assert!(!ran.told().contains("hunter2"), "{}", ran.told());
    });
}

// SSH

/// Asks an agent for its keys, lets each sign, and tries what no step may.
const ASK: &str = r#"sub ask {
  my ($request) = @_;
  socket(my $agent, 1, 1, 0) or die; # a stream between processes of Linux
  connect($agent, pack('Sa108', 1, $ENV{SSH_AUTH_SOCK})) or die "connect: $!";
  syswrite $agent, pack('N/a*', $request);
  my $answer = '';
  while (length $answer < 4 || length $answer < 4 + unpack 'N', $answer) {
    sysread($agent, $answer, 4096, length $answer) or die 'no answer';
  }
  return substr $answer, 4;
}
my (undef, $count, $rest) = unpack 'CNa*', ask(chr 11);
for (1 .. $count) {
  (my $key, undef, $rest) = unpack 'N/a* N/a* a*', $rest;
  my $signed = unpack 'C', ask(chr(13) . pack('N/a* N/a* N', $key, 'data', 4));
  print unpack('N/a*', $key), ' ', $signed == 14 ? 'signs' : 'refuses', "\n";
}
print "remove: ", unpack('C', ask(chr 19)), ", lock: ", unpack('C', ask(chr(22) . pack('N/a*', 'x'))), "\n";
"#;
/// What it prints of all that no step may.
const NO_MORE: &str = "remove: 5, lock: 5";

/// Writes a new private key.
fn key(path: &Path, kind: &str, passphrase: &str) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", kind, "-N", passphrase, "-f"])
        .arg(path)
        .status()
        .expect("ssh-keygen runs");
    assert!(made.success());
}

/// An agent of a user's own.
struct UsersAgent(Child);

impl UsersAgent {
    fn start(socket: &Path, keys: &[&Path]) -> Self {
        let agent = Command::new("ssh-agent")
            .args([Path::new("-D"), Path::new("-a"), socket])
            .stdout(Stdio::null())
            .spawn()
            .expect("ssh-agent runs");
        let agent = Self(agent);
        until("the agent", Duration::from_secs(10), || socket.exists());
        let added = Command::new("ssh-add")
            .arg("-q")
            .args(keys)
            .env("SSH_AUTH_SOCK", socket)
            .status();
        assert!(added.expect("ssh-add runs").success());
        agent
    }
}

impl Drop for UsersAgent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A directory for keys and sockets, whose names must be short.
fn keys() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("dcb-keys-")
        .tempdir()
        .expect("a directory")
}

/// Puts this machine's perl below `perl/`, for an image: the engines of the tests can fetch none.
fn write_perl(project: &Project) {
    const PERL: &str = "/usr/bin/perl";
    let needed = Command::new("ldd").arg(PERL).output().expect("ldd runs");
    let needed = String::from_utf8_lossy(&needed.stdout).into_owned();
    let libraries = needed
        .split_whitespace()
        .filter(|word| word.starts_with('/'));
    for file in libraries.chain([PERL]) {
        let to = project.path().join("perl").join(&file[1..]);
        std::fs::create_dir_all(to.parent().expect("a parent")).expect("a directory");
        std::fs::copy(file, to).expect("a copy");
    }
}

#[test]
fn a_step_may_use_the_agents_and_keys_that_it_names_to_list_and_to_sign() {
    let directory = keys();
    let path = |name: &str| directory.path().join(name);
    for kind in ["ed25519", "rsa", "ecdsa"] {
        key(&path(kind), kind, "");
    }
    let _agent = UsersAgent::start(&path("agent"), &[&path("ed25519")]);
    let compose = format!(
        "services:\n  web:\n    build:\n      context: .\n      ssh:\n        - default\n        - files={0}/rsa,{0}/ecdsa\n        - socket={0}/agent\n",
        directory.path().display()
    );
    on_every_engine("ssh", |engine, project| {
        write_perl(&project);
        let run = |mount: &str| {
            format!("RUN --mount=type=ssh{mount},required=true perl /ask.pl >>/got\n")
        };
        let project = project
            .file("compose.yaml", &compose)
            .file(
                "Dockerfile",
                &[
                    "FROM busybox\nCOPY perl ask.pl /\n",
                    &run(""),
                    &run(",id=files"),
                    &run(",id=socket"),
                    &run(",id=typed"),
                ]
                .concat(),
            )
            .file("ask.pl", ASK)
            .variable("SSH_AUTH_SOCK", &path("agent").display().to_string())
            .variable("TMPDIR", &project_tmp(&directory, engine));
        let typed = format!("typed={}", path("ed25519").display());
        project.run(engine, &["build", "--ssh", &typed]).expect(0);
        let got = project.read(engine, "web", "/got");
        let one = format!("ssh-ed25519 signs\n{NO_MORE}\n");
        let two = format!("ssh-rsa signs\necdsa-sha2-nistp256 signs\n{NO_MORE}\n");
        assert_eq!(got + "\n", [one.as_str(), &two, &one, &one].concat());
        let left = std::fs::read_dir(project_tmp(&directory, engine)).expect("a directory");
        assert_eq!(left.count(), 0, "something is left behind");
    });
}

/// A directory for temporary files on one engine.
fn project_tmp(directory: &tempfile::TempDir, engine: &Engine) -> String {
    let path = directory.path().join(&engine.suite);
    std::fs::create_dir_all(&path).expect("a directory");
    path.display().to_string()
}

#[test]
fn an_agent_for_keys_in_files_ends_with_dcb_even_if_that_is_killed() {
    let directory = keys();
    key(&directory.path().join("key"), "ed25519", "");
    let engine = engines().pop().expect("an engine");
    let project = Project::new("ssh-killed")
        .file("compose.yaml", "services: { web: { build: . } }\n")
        .file(
            "Dockerfile",
            "FROM busybox\nRUN --mount=type=ssh echo $SSH_AUTH_SOCK; sleep 60\n",
        )
        .variable("TMPDIR", &directory.path().display().to_string());
    let ssh = format!("default={}/key", directory.path().display());
    let mut running =
        project.start(
            project
                .dcb_on(&engine)
                .args(["build", "--no-cache", "-v", "--ssh", &ssh]),
        );
    running.until_told("/run/buildkit/ssh_agent");
    let marker = format!("{}/dcb-ssh-", directory.path().display());
    let agents = || {
        processes()
            .into_iter()
            .filter(|line| line.contains(&marker))
            .count()
    };
    assert_eq!(agents(), 1);
    running.signal(Signal::KILL);
    running.end(Duration::from_secs(10));
    until("the agent's end", Duration::from_secs(15), || agents() == 0);
}

#[test]
fn what_a_step_would_sign_with_is_looked_at_before_anything_is_built() {
    let directory = keys();
    let path = |name: &str| directory.path().join(name);
    key(&path("open"), "ed25519", "");
    key(&path("locked"), "ed25519", "a passphrase");
    drop(UnixListener::bind(path("dead")).expect("a socket"));
    let _listening = UnixListener::bind(path("agent")).expect("a socket");
    let project = Project::new("ssh-missing").file("Dockerfile", "FROM busybox\n");
    project.write(
        "compose.yaml",
        "services:\n  web:\n    build:\n      context: .\n      ssh: [default]\n",
    );
    project.run_alone(&["build"]).shows(
        "
exit code 3
--- stderr
error: `ssh: default` of service `web` needs the agent of SSH_AUTH_SOCK, which is not set
 --> compose.yaml:5:13
  |
5 |       ssh: [default]
  |             ^^^^^^^
  |
  = help: start an agent with the key: eval $(ssh-agent) && ssh-add
error: SSH keys that the build needs are missing
",
    );
    let at = |name: &str| path(name).display().to_string();
    for (given, why, help) in [
        (
            at("dead"),
            "nothing answers at",
            "eval $(ssh-agent) && ssh-add",
        ),
        (
            at("locked"),
            "which has a passphrase",
            &format!(
                "ssh-add {}, then write `git=${{SSH_AUTH_SOCK}}`",
                at("locked")
            ),
        ),
        (at("open.pub"), "which is no private key", "ssh-keygen"),
        (
            at("nowhere"),
            "no such file",
            "a private key, or an agent's socket",
        ),
        (
            format!("{},{}", at("open"), at("agent")),
            "names a socket beside other paths",
            "only private keys",
        ),
    ] {
        project.write(
            "compose.yaml",
            &format!(
                "services:\n  web:\n    build:\n      context: .\n      ssh: [\"git={given}\"]\n"
            ),
        );
        project.run_alone(&["build"]).expect(3).telling(&[
            "error: `ssh: git` of service `web` ",
            why,
            help,
            " --> compose.yaml:5:",
        ]);
    }
}

// What nobody may see

/// The command lines of all processes.
fn processes() -> Vec<String> {
    let all = std::fs::read_dir("/proc").expect("processes");
    all.flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .collect()
}

/// The files below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn no_value_is_told_written_or_seen_in_a_command_line() {
    on_every_engine("leak", |engine, project| {
        let kept = keys();
        let at = |name: &str| kept.path().join(name).display().to_string();
        let value = |name: &str| sum(&format!("{name} {}", project.name()));
        let [file, variable, typed] = ["file", "variable", "typed"].map(value);
        std::fs::write(at("file"), &file).expect("written");
        key(Path::new(&at("key")), "ed25519", "");
        let key = std::fs::read_to_string(at("key")).expect("a key");
        let lines = key
            .lines()
            .filter(|line| line.len() > 60 && !line.starts_with('-'));
        let mut values: Vec<String> = lines.map(str::to_owned).collect();
        assert!(!values.is_empty());
        for plain in [&file, &variable, &typed] {
            values.push(plain.clone());
            values.push(STANDARD.encode(plain));
            values.push(STANDARD_NO_PAD.encode(plain));
        }
        let compose = format!(
            "services:\n  web:\n    build:\n      context: .\n      secrets: [file, variable]\n      ssh: [\"default={}\"]\nsecrets:\n  file: {{ file: {} }}\n  variable: {{ environment: SEEN }}\n",
            at("key"),
            at("file")
        );
        std::fs::create_dir(kept.path().join("tmp")).expect("a directory");
        let project = project
            .file("compose.yaml", &compose)
            .file(
                "Dockerfile",
                "FROM busybox\nENV SHOWN=shown\nRUN --mount=type=ssh --mount=type=secret,id=file,required=true --mount=type=secret,id=variable,required=true --mount=type=secret,id=typed,required=true env; sleep 2; exit 3\n",
            )
            .variable("SEEN", &variable)
            .variable("TYPED", &typed)
            .variable("RUST_BACKTRACE", "full")
            .variable("TMPDIR", &at("tmp"));
        let flags = ["--secret", "id=typed,env=TYPED", "-v"];
        let mut told = BTreeSet::new();
        for verb in [
            &["plan"] as &[&str],
            &["plan", "--format", "json"],
            &["build", "--dry-run"],
        ] {
            told.insert(
                project
                    .run(engine, &[verb, &flags].concat())
                    .expect(0)
                    .told(),
            );
        }
        let plan = told.iter().cloned().collect::<String>();
        for shown in ["typed=$TYPED", "variable=$SEEN", &at("file"), &at("key")] {
            assert!(
                plan.contains(shown),
                "where `{shown}` comes from is not told:\n{plan}"
            );
        }
        let arguments = [&["build", "--no-cache"] as &[&str], &flags].concat();
        let mut running = project.start(project.dcb_on(engine).args(&arguments));
        running.until_told("SHOWN=shown");
        told.extend(processes());
        told.extend(
            files(&kept.path().join("tmp"))
                .iter()
                .map(|path| path.display().to_string()),
        );
        let ran = running.end(Duration::from_secs(60)).expect(1);
        told.insert(ran.stdout.clone() + &ran.stderr);
        for path in files(project.home())
            .into_iter()
            .chain(files(&kept.path().join("tmp")))
        {
            let content = std::fs::read(path).unwrap_or_default();
            told.insert(String::from_utf8_lossy(&content).into_owned());
        }
        for text in &told {
            for value in &values {
                assert!(!text.contains(value.as_str()), "`{value}` is in:\n{text}");
            }
        }
    });
}
