//! Where dcb finds the engine: `DOCKER_HOST`, docker contexts, and which of them wins.

mod support;

use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::thread;

use sha2::{Digest, Sha256};
use support::{Engine, Project, on_every_engine};

/// Listens on TCP in front of an engine's socket; its address.
fn tcp(engine: &Engine) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("tcp://{}", listener.local_addr().expect("an address"));
    let socket = engine.socket().to_owned();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let socket = socket.clone();
            thread::spawn(move || carry(client, &socket));
        }
    });
    address
}

fn carry(mut client: TcpStream, socket: &Path) -> std::io::Result<()> {
    let mut engine = UnixStream::connect(socket)?;
    let (mut from_client, mut to_engine) = (client.try_clone()?, engine.try_clone()?);
    thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_engine);
        let _ = to_engine.shutdown(Shutdown::Write);
    });
    let _ = std::io::copy(&mut engine, &mut client);
    client.shutdown(Shutdown::Both)
}

/// A project that builds, and a docker configuration of its own with the context `there`.
fn with_context(project: Project, engine: &Engine, config: &str) -> Project {
    let id: String = Sha256::digest("there")
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let meta = format!(
        r#"{{"Name":"there","Metadata":{{}},"Endpoints":{{"docker":{{"Host":"{}","SkipTLSVerify":false}}}}}}"#,
        engine.host
    );
    project
        .file("compose.yaml", "services: { web: { build: . } }")
        .file("Dockerfile", "FROM busybox\n")
        .file("docker/config.json", config)
        .file(&format!("docker/contexts/meta/{id}/meta.json"), &meta)
}

/// dcb in the project, with its own docker configuration and nothing that names an engine.
fn dcb(project: &Project, engine: &Engine) -> Command {
    let mut command = project.dcb_on(engine);
    command
        .env_remove("DOCKER_HOST")
        .env("DOCKER_CONFIG", project.path().join("docker"))
        .args(["build", "-q"]);
    command
}

#[test]
fn an_engine_on_tcp_builds() {
    on_every_engine("tcp", |engine, project| {
        let project = project
            .file("compose.yaml", "services: { web: { build: . } }")
            .file("Dockerfile", "FROM busybox\nCOPY page /page\n")
            .file("page", "over tcp");
        let mut command = project.dcb_on(engine);
        command
            .env("DOCKER_HOST", tcp(engine))
            .args(["build", "-q"]);
        project.ran(&mut command).expect(0);
        let image = project.image(engine, "web");
        assert_eq!(engine.read(&image, &["/page"]), "over tcp");
    });
}

#[test]
fn the_context_in_use_leads_to_its_engine() {
    on_every_engine("context", |engine, project| {
        let project = with_context(project, engine, r#"{"currentContext":"there"}"#);
        project.ran(&mut dcb(&project, engine)).expect(0);
    });
}

#[test]
fn docker_context_wins_over_the_context_in_use_and_docker_host_over_both() {
    on_every_engine("wins", |engine, project| {
        let project = with_context(project, engine, r#"{"currentContext":"nowhere"}"#);
        let named = project
            .ran(dcb(&project, engine).env("DOCKER_CONTEXT", "there"))
            .expect(0);
        assert_eq!(named.stderr, "");
        project
            .ran(
                dcb(&project, engine)
                    .env("DOCKER_CONTEXT", "nowhere")
                    .env("DOCKER_HOST", &engine.host),
            )
            .expect(0);
        let _ = project.ran(&mut dcb(&project, engine)).expect(3).telling(&[
            "docker context `nowhere` does not exist",
            "docker context use default",
        ]);
    });
}
