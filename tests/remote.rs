//! Engines of other machines: over TLS and through ssh, and what is told when they cannot be reached.

mod support;

#[path = "support/sshd.rs"]
mod sshd;
#[path = "support/tls.rs"]
mod tls;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use sha2::{Digest, Sha256};
use sshd::{GUEST, Sshd};
use support::{Engine, Project, free_port, newest, on_every_engine, until};
use tls::{Authority, Certificates, TlsEngine, Valid, plain_http};

/// What a service that is built over a network brings along.
const PAGE: &str = "from afar";

fn furnished(project: Project) -> Project {
    project
        .file("compose.yaml", "services: { web: { build: . } }")
        .file(
            "Dockerfile",
            "FROM busybox\nCOPY page /page\nRUN cp /page /copy\n",
        )
        .file("page", PAGE)
}

/// The image must be in the engine, and hold what was sent.
#[track_caller]
fn built(project: &Project, engine: &Engine) {
    let image = project.image(engine, "web");
    assert_eq!(engine.read(&image, &["/copy"]), PAGE);
}

/// dcb on an engine that speaks TLS, with the certificates of a directory.
fn dcb(project: &Project, engine: &TlsEngine, certificates: &Certificates) -> Command {
    let mut command = project.dcb_on(&engine.engine);
    command
        .env("DOCKER_HOST", engine.address())
        .env("DOCKER_TLS_VERIFY", "1")
        .env("DOCKER_CERT_PATH", certificates.path())
        .args(["build", "-q"]);
    command
}

#[test]
fn every_engine_builds_over_tls() {
    let authority = Authority::new("ours");
    on_every_engine("tls", |like, project| {
        let project = furnished(project);
        let server = authority.certificates(&["127.0.0.1"], Valid::Now);
        let Some(engine) = TlsEngine::like(like, server) else {
            return;
        };
        let client = authority.certificates(&["me"], Valid::Now);
        project.ran(&mut dcb(&project, &engine, &client)).expect(0);
        built(&project, &engine.engine);
        let mut classic = dcb(&project, &engine, &client);
        project.ran(classic.arg("--force-traditional")).expect(0);
    });
}

#[test]
fn a_context_brings_its_certificates() {
    let authority = Authority::new("ours");
    let server = authority.certificates(&["127.0.0.1"], Valid::Now);
    let Some(engine) = TlsEngine::like(&newest(), server) else {
        return;
    };
    let project = furnished(Project::new("tls-context"));
    let client = authority.certificates(&["me"], Valid::Now);
    let strange = Authority::new("another").certificates(&["x"], Valid::Now);
    for (name, ca, skip) in [("checked", &client, false), ("unchecked", &strange, true)] {
        let (id, tls) = context(&project, name, &engine.address(), skip);
        project.write(&format!("{tls}/ca.pem"), &ca.text("ca.pem"));
        for file in ["cert.pem", "key.pem"] {
            project.write(&format!("{tls}/{file}"), &client.text(file));
        }
        let ran = |name: &str| {
            let mut command = project.dcb_on(&engine.engine);
            command
                .env_remove("DOCKER_HOST")
                .env("DOCKER_CONFIG", project.path().join("docker"))
                .env("DOCKER_CONTEXT", name)
                .args(["build", "-q"]);
            project.ran(&mut command)
        };
        ran(name).expect(0);
        fs::remove_dir_all(project.path().join(format!("docker/contexts/tls/{id}")))
            .expect("there");
        let ran = ran(name).expect(3);
        let _ = if skip {
            ran.telling(&[
                "wants a client's certificate",
                "docker context update unchecked --docker host=",
            ])
        } else {
            ran.telling(&[
                "speaks TLS, and it was not asked for",
                "docker context update checked --docker host=",
            ])
        };
    }
}

/// Writes a docker context; its id, and the directory of its certificates.
fn context(project: &Project, name: &str, host: &str, skip: bool) -> (String, String) {
    let id: String = Sha256::digest(name)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let meta = format!(
        r#"{{"Name":"{name}","Metadata":{{}},"Endpoints":{{"docker":{{"Host":"{host}","SkipTLSVerify":{skip}}}}}}}"#
    );
    project.write(&format!("docker/contexts/meta/{id}/meta.json"), &meta);
    let tls = format!("docker/contexts/tls/{id}/docker");
    (id, tls)
}

#[test]
fn what_is_wrong_with_a_certificate_is_told_with_its_file() {
    let authority = Authority::new("ours");
    let server = authority.certificates(&["127.0.0.1"], Valid::Now);
    let Some(engine) = TlsEngine::like(&newest(), server) else {
        return;
    };
    let project = furnished(Project::new("tls-wrong"));
    let client = || authority.certificates(&["me"], Valid::Now);
    let another = Authority::new("another").certificates(&["me"], Valid::Now);
    let told = |certificates: &Certificates, words: &[&str]| {
        let ran = project.ran(&mut dcb(&project, &engine, certificates));
        let ran = ran.expect(3);
        assert!(!ran.stderr.contains("PRIVATE KEY"), "{}", ran.told());
        let path = certificates.path().display().to_string();
        let words: Vec<String> = words
            .iter()
            .map(|word| word.replace("DIR", &path))
            .collect();
        let _ = ran.telling(&words.iter().map(String::as_str).collect::<Vec<_>>());
    };

    let certificates = client();
    certificates.remove("ca.pem");
    told(
        &certificates,
        &["there is no `DIR/ca.pem`", "DOCKER_CERT_PATH"],
    );
    certificates.write(
        "ca.pem",
        "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
    );
    told(&certificates, &["`DIR/ca.pem` cannot be used"]);
    certificates.write("ca.pem", "nothing\n");
    told(
        &certificates,
        &["`DIR/ca.pem` cannot be used: there is no certificate in it"],
    );
    certificates.write("ca.pem", &another.text("ca.pem"));
    told(
        &certificates,
        &["is not signed by an authority of `DIR/ca.pem`"],
    );

    let certificates = client();
    certificates.write("key.pem", &another.text("key.pem"));
    told(
        &certificates,
        &["`DIR/key.pem` is not the key of the certificate in `DIR/cert.pem`"],
    );
    certificates.write(
        "key.pem",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    told(&certificates, &["the key in `DIR/key.pem` is encrypted"]);
    certificates.write("key.pem", "nothing\n");
    told(
        &certificates,
        &["`DIR/key.pem` cannot be used: there is no private key in it"],
    );
    certificates.remove("key.pem");
    fs::create_dir(certificates.path().join("key.pem")).expect("a directory");
    told(&certificates, &["failed to read `DIR/key.pem`"]);

    let certificates = client();
    certificates.remove("cert.pem");
    told(
        &certificates,
        &["wants a client's certificate, and `DIR` has no `cert.pem`"],
    );
    another.write("ca.pem", &client().text("ca.pem"));
    told(&another, &["refuses the certificate in `DIR/cert.pem`"]);
    let old = authority.certificates(&["me"], Valid::Until2001);
    told(
        &old,
        &[
            "refuses the certificate in `DIR/cert.pem`",
            "not be expired",
        ],
    );
}

#[test]
fn an_engine_whose_certificate_is_not_its_own_or_has_expired_is_not_spoken_to() {
    let authority = Authority::new("ours");
    let client = authority.certificates(&["me"], Valid::Now);
    let project = furnished(Project::new("tls-server"));
    for (names, valid, words) in [
        (
            ["engine.example.org"],
            Valid::Now,
            [
                "not for `127.0.0.1`, but for `engine.example.org`",
                "DOCKER_HOST=tcp://engine.example.org:",
            ],
        ),
        (["127.0.0.1"], Valid::Until2001, ["has expired", "days ago"]),
    ] {
        let server = authority.certificates(&names, valid);
        let Some(engine) = TlsEngine::like(&newest(), server) else {
            return;
        };
        let ran = project.ran(&mut dcb(&project, &engine, &client));
        let _ = ran.expect(3).telling(&words);
        // What is not checked is not told of.
        let mut unchecked = dcb(&project, &engine, &client);
        unchecked
            .env_remove("DOCKER_TLS_VERIFY")
            .env("DOCKER_TLS", "1");
        project.ran(&mut unchecked).expect(0);
    }
}

#[test]
fn tls_where_there_is_none_and_none_where_there_is_are_told_apart() {
    let authority = Authority::new("ours");
    let client = authority.certificates(&["me"], Valid::Now);
    let project = furnished(Project::new("tls-plain"));
    let mut command = project.dcb();
    command
        .env("DOCKER_HOST", plain_http())
        .env("DOCKER_TLS_VERIFY", "0")
        .env("DOCKER_CERT_PATH", client.path())
        .args(["build"]);
    let _ = project
        .ran(&mut command)
        .expect(3)
        .telling(&["does not speak TLS", "unset DOCKER_TLS_VERIFY"]);
    let server = authority.certificates(&["127.0.0.1"], Valid::Now);
    let Some(engine) = TlsEngine::like(&newest(), server) else {
        return;
    };
    let mut command = dcb(&project, &engine, &client);
    command.env_remove("DOCKER_TLS_VERIFY");
    let _ = project.ran(&mut command).expect(3).telling(&[
        "speaks TLS, and it was not asked for",
        "export DOCKER_TLS_VERIFY=1",
    ]);
}

#[test]
fn every_engine_builds_through_ssh_with_one_login() {
    on_every_engine("ssh", |engine, project| {
        let project = furnished(project);
        let Some(sshd) = Sshd::of(engine) else {
            return;
        };
        project
            .ran(&mut sshd.dcb(&project, engine, &["build", "-q"]))
            .expect(0);
        built(&project, engine);
        assert_eq!(sshd.logins(), 1, "{}", sshd.log());
        assert!(sshd.commands() >= 3, "{}", sshd.log());
        leaves_nothing(&sshd);
        project
            .ran(&mut sshd.dcb(&project, engine, &["build", "-q", "--force-traditional"]))
            .expect(0);
        project
            .ran(&mut sshd.dcb(&project, engine, &["plan", "--format", "json"]))
            .expect(0)
            .telling(&[&sshd.address()]);
        // The docker CLI of 20.10 asks its engine even to tell its own version.
        let by_docker = usize::from(engine.is_old());
        assert_eq!(sshd.logins(), 3 + by_docker, "{}", sshd.log());
        leaves_nothing(&sshd);
    });
}

/// Neither a process nor a file of a client is there any more.
#[track_caller]
fn leaves_nothing(sshd: &Sshd) {
    until("the clients of ssh to end", Duration::from_secs(3), || {
        sshd.clients().is_empty()
    });
    let rest: Vec<_> = fs::read_dir(sshd.temporary())
        .expect("a directory")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    assert!(rest.is_empty(), "{rest:?}");
}

#[test]
fn a_socket_elsewhere_is_found_by_its_path() {
    let engine = newest();
    let project = furnished(Project::new("ssh-path"));
    let Some(sshd) = Sshd::with(&engine.bin, "unix:///nonexistent.sock") else {
        return;
    };
    let mut command = sshd.dcb(&project, &engine, &["build", "-q"]);
    let socket = engine.socket().display().to_string();
    command.env("DOCKER_HOST", sshd.address_of("root", &socket));
    project.ran(&mut command).expect(0);
    built(&project, &engine);
}

#[test]
fn a_connection_of_the_users_own_is_used_and_left_alone() {
    let engine = newest();
    let project = furnished(Project::new("ssh-own"));
    let Some(sshd) = Sshd::of(&engine) else {
        return;
    };
    let own = sshd.temporary().join("own");
    let sharing = format!(
        "ControlMaster auto\nControlPath {}\nControlPersist 60\n",
        own.display()
    );
    let config = sshd.temporary().with_file_name("ssh_config");
    let text = fs::read_to_string(&config).expect("a configuration");
    sshd.write("ssh_config", &format!("{sharing}{text}"));
    for _ in 0..2 {
        project
            .ran(&mut sshd.dcb(&project, &engine, &["build", "-q"]))
            .expect(0);
        assert!(own.exists(), "the user's connection was ended");
    }
    assert_eq!(sshd.logins(), 1, "{}", sshd.log());
    let mut exit = Command::new(sshd.temporary().with_file_name("bin/ssh"));
    let ended = exit
        .args(["-O", "exit", "-p", &sshd.port.to_string(), "root@127.0.0.1"])
        .output();
    assert!(ended.expect("ssh runs").status.success());
    leaves_nothing(&sshd);
}

#[test]
fn what_keeps_ssh_from_the_engine_is_told_apart() {
    let engine = newest();
    let project = furnished(Project::new("ssh-wrong"));
    let Some(sshd) = Sshd::of(&engine) else {
        return;
    };
    let at = |address: &str| {
        let mut command = sshd.dcb(&project, &engine, &["build"]);
        command.env("DOCKER_HOST", address);
        let ran = project.ran(&mut command).expect(3);
        assert!(ran.took < Duration::from_secs(20), "{:?}", ran.took);
        ran
    };
    let _ = at(&sshd.address_of(GUEST, ""))
        .telling(&["may not be opened by this user", "usermod -aG docker"]);
    let _ = at(&sshd.address_of("root", "/nonexistent/d.sock"))
        .telling(&["no engine is running there", "systemctl start docker"]);
    let _ = at("ssh://root@host.invalid").telling(&["there is no host `host.invalid`"]);
    let _ = at(&format!("ssh://root@127.0.0.1:{}", free_port()))
        .telling(&["no ssh server can be reached"]);
    let _ = at("ssh://root:pw@127.0.0.1")
        .telling(&["ssh takes no password from an address", "ssh://root:***@"]);

    let known = fs::read_to_string(sshd.temporary().with_file_name("known_hosts")).expect("known");
    sshd.write("known_hosts", "");
    let _ = at(&sshd.address()).telling(&[
        "is not known to ssh",
        &format!("ssh -p {} root@127.0.0.1", sshd.port),
    ]);
    let strange =
        fs::read_to_string(sshd.temporary().with_file_name("strange_key.pub")).expect("a key");
    sshd.write(
        "known_hosts",
        &format!("[127.0.0.1]:{} {strange}", sshd.port),
    );
    let _ = at(&sshd.address()).telling(&[
        "is another than the one that was known",
        "ssh-keygen -R '[127.0.0.1]:",
    ]);
    sshd.write("known_hosts", &known);

    sshd.write("authorized_keys", &strange);
    let _ = at(&sshd.address()).telling(&["no key or password of yours is taken", "ssh-copy-id"]);
    leaves_nothing(&sshd);
}

#[test]
fn a_machine_without_docker_is_told_of() {
    let engine = newest();
    let project = furnished(Project::new("ssh-bare"));
    let Some(sshd) = Sshd::with(Path::new("/nonexistent"), &engine.host) else {
        return;
    };
    let mut command = sshd.dcb(&project, &engine, &["build"]);
    let ran = project.ran(&mut command).expect(3);
    let _ = ran.telling(&[
        "`docker` cannot be run on `127.0.0.1`",
        "install the docker CLI there",
    ]);
    leaves_nothing(&sshd);
}

#[test]
fn a_machine_without_ssh_is_told_of() {
    let project = furnished(Project::new("ssh-none"));
    let mut command = project.dcb();
    command
        .env("DOCKER_HOST", "ssh://host")
        .env("PATH", "/nonexistent")
        .arg("build");
    let _ = project
        .ran(&mut command)
        .expect(3)
        .telling(&["ssh://host needs `ssh`", "install openssh-client"]);
}

#[test]
fn a_stopped_build_leaves_no_ssh_behind() {
    let engine = newest();
    for signal in [Signal::INT, Signal::TERM] {
        let project = Project::new("ssh-stop")
            .file("compose.yaml", "services: { web: { build: . } }")
            .file("Dockerfile", "FROM busybox\nRUN echo begun && sleep 60\n");
        let Some(sshd) = Sshd::of(&engine) else {
            return;
        };
        let mut running =
            project.start(&mut sshd.dcb(&project, &engine, &["build", "-v", "--no-cache"]));
        running.until_told("begun");
        running.signal(signal);
        let ran = running.end(Duration::from_secs(4));
        assert_eq!(ran.signal, Some(signal.as_raw()), "{}", ran.told());
        leaves_nothing(&sshd);
    }
}

#[test]
fn a_killed_dcb_leaves_no_ssh_for_long() {
    let engine = newest();
    let project = Project::new("ssh-kill")
        .file("compose.yaml", "services: { web: { build: . } }")
        .file("Dockerfile", "FROM busybox\nRUN echo begun && sleep 60\n");
    let Some(sshd) = Sshd::of(&engine) else {
        return;
    };
    let mut running =
        project.start(&mut sshd.dcb(&project, &engine, &["build", "-v", "--no-cache"]));
    running.until_told("begun");
    running.signal(Signal::KILL);
    running.end(Duration::from_secs(2));
    until("the connection to end", Duration::from_secs(20), || {
        sshd.clients().is_empty()
    });
}

#[test]
fn compose_goes_the_same_way() {
    let engine = newest();
    let project = furnished(Project::new("ssh-ps"));
    let Some(sshd) = Sshd::of(&engine) else {
        return;
    };
    project
        .ran(&mut sshd.dcb(&project, &engine, &["ps"]))
        .expect(0);
    project
        .ran(&mut sshd.dcb(&project, &engine, &["up", "-d"]))
        .expect(0);
    leaves_nothing(&sshd);
    project
        .ran(&mut sshd.dcb(&project, &engine, &["down"]))
        .expect(0);
}
