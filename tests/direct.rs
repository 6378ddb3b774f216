//! Engines from API 1.53 on speak gRPC straight on their socket, without upgrading a request.
//!
//! None of that age can be had from Debian yet. A translator stands before the newest engine there
//! is: it says API 1.53 to `/_ping`, takes HTTP/2 at once, refuses `/grpc` and `/session`, and
//! carries the calls, the session's among them, to the BuildKit behind.

mod support;

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread;

use support::{Engine, Project, Ran, newest};

const PING: &str = "HTTP/1.1 200 OK\r\nApi-Version: 1.53\r\nOstype: linux\r\n\
                    Server: Docker/29.2-like (linux)\r\nContent-Length: 2\r\n\r\nOK";
const GONE: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

/// Listens like an engine of API 1.53 in front of `engine`; the socket's path.
fn translate(engine: &Engine, directory: &Project) -> PathBuf {
    let path = directory.path().join("direct.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    let behind = engine.socket().to_owned();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let behind = behind.clone();
            thread::spawn(move || serve(client, &behind));
        }
    });
    path
}

fn serve(mut client: UnixStream, behind: &std::path::Path) -> Option<()> {
    let mut head = vec![0; 4096];
    let length = client.read(&mut head).ok()?;
    let head = &head[..length];
    if head.starts_with(b"GET /_ping") {
        return client.write_all(PING.as_bytes()).ok();
    }
    if !head.starts_with(b"PRI * HTTP/2.0") {
        return client.write_all(GONE.as_bytes()).ok();
    }
    let mut engine = UnixStream::connect(behind).ok()?;
    engine
        .write_all(
            b"POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        )
        .ok()?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        engine.read_exact(&mut byte).ok()?;
        answer.push(byte[0]);
    }
    engine.write_all(head).ok()?;
    let (mut from_client, mut to_engine) = (client.try_clone().ok()?, engine.try_clone().ok()?);
    thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_engine);
        let _ = to_engine.shutdown(std::net::Shutdown::Write);
    });
    let _ = std::io::copy(&mut engine, &mut client);
    client.shutdown(std::net::Shutdown::Both).ok()
}

#[test]
fn a_project_builds_where_grpc_is_spoken_straight_on_the_socket() {
    let engine = newest();
    let project = Project::new("direct")
        .file(
            "compose.yaml",
            "services:\n  a: { build: . }\n  b: { build: { context: ., target: one } }\n",
        )
        .file(
            "Dockerfile",
            "FROM busybox AS one\nCOPY data /data\nFROM one\nRUN cat /data\n",
        )
        .file("data", &"0123456789".repeat(100_000));
    let socket = translate(&engine, &project);
    let build = || {
        let output = project
            .dcb_on(&engine)
            .env("DOCKER_HOST", format!("unix://{}", socket.display()))
            .args(["build", "-v"])
            .output()
            .expect("dcb runs");
        Ran::of(&output).expect(0)
    };
    build();
    let again = build();
    assert!(
        again.stderr.contains("CACHED  [2/2] COPY data /data")
            || again.stderr.contains("CACHED  [one 2/2] COPY data /data"),
        "{}",
        again.stderr
    );
    let images = [
        format!("{}-a", project.name()),
        format!("{}-b", project.name()),
    ];
    assert_eq!(
        engine.run(&images[0], &["wc", "-c", "/data"]),
        "1000000 /data"
    );
    engine.ask(&["rmi", &images[0], &images[1]]);
}
