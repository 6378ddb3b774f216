//! Registries on this machine: one that works, with or without a login, and ones that fail as asked.
//!
//! ```text
//! engine ──> Front: passes on, or answers with a Fault ──> Registry: Debian's own, without any network
//! ```
//!
//! All engines reach 127.0.0.1 and take its registries without TLS.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;

use super::{Engine, script, until};

/// A reference that nobody listens for.
pub const REFUSED: &str = "127.0.0.1:1/nothing:latest";
/// A reference whose host has no address (RFC 2606).
pub const NO_SUCH_HOST: &str = "registry.invalid/nothing:latest";

/// Who may log in to a registry with a login.
pub const USER: &str = "dcb";
/// With which password.
pub const PASSWORD: &str = "secret";
/// How the names of images begin that a front with tokens gives to anybody.
pub const PUBLIC: &str = "public-";
/// What a front with tokens takes in place of both.
pub const IDENTITY: &str = "a-long-lived-identity";
/// A token as GitHub's runners have it for their cache, with the name of a branch in it and unsigned.
pub const GITHUB_TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJhYyI6Ilt7XCJTY29wZVwiOlwicmVmcy9oZWFkcy9tYWluXCIsXCJQZXJtaXNzaW9uXCI6M31dIiwiZXhwIjo5OTk5OTk5OTk5LCJuYmYiOjF9.c2ln";
/// `PASSWORD` as htpasswd keeps it.
const HTPASSWD: &str = "dcb:$2b$05$dcbdcbdcbdcbdcbdcbdcbeJVtHNC7zoJkMsEfYX6eIJeRbpjaWtwW\n";
/// `USER:PASSWORD` as docker's configuration keeps it.
pub const AUTH: &str = "ZGNiOnNlY3JldA==";

/// A registry, which ends when this is dropped.
pub struct Registry {
    child: Child,
    directory: TempDir,
    address: String,
}

impl Registry {
    /// One that anybody may use; none on a machine that cannot have it.
    pub fn start() -> Option<Self> {
        Self::with("")
    }

    /// One that wants a login: see [`login`].
    pub fn with_login() -> Option<Self> {
        Self::with("auth: {htpasswd: {realm: dcb, path: htpasswd}}\n")
    }

    fn with(settings: &str) -> Option<Self> {
        let program = script(&["registry"])?;
        let directory = temporary("dcb-registry-");
        let write = |name, text: &str| {
            std::fs::write(directory.path().join(name), text).expect("a file");
        };
        write("htpasswd", HTPASSWD);
        write(
            "config.yaml",
            &format!(
                "version: 0.1\nstorage: {{filesystem: {{rootdirectory: data}}, delete: {{enabled: true}}}}\n\
                 http: {{addr: '127.0.0.1:0', secret: dcb}}\n{settings}"
            ),
        );
        let log = directory.path().join("log");
        // It ends by itself if this test is killed.
        let child = Command::new("timeout")
            .args(["900", program.trim(), "serve", "config.yaml"])
            .current_dir(directory.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a file"))
            .spawn()
            .expect("timeout runs");
        let mut registry = Self {
            child,
            directory,
            address: String::new(),
        };
        until("the registry", Duration::from_secs(20), || {
            let told = std::fs::read_to_string(&log).expect("a log");
            let address = told.split_once("listening on ").map(|(_, rest)| rest);
            registry.address = address
                .and_then(|rest| rest.split(['"', ' ', '\n']).next())
                .unwrap_or_default()
                .to_owned();
            registry.address.starts_with("127.0.0.1:")
        });
        Some(registry)
    }

    /// Its address, such as `127.0.0.1:4711`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Puts an engine's image into it, named as there: `busybox` becomes `127.0.0.1:4711/busybox`.
    /// The answer is the reference; the engine itself has forgotten it.
    pub fn push(&self, engine: &Engine, image: &str) -> String {
        self.push_as(engine, image, image)
    }

    /// The same under another name.
    pub fn push_as(&self, engine: &Engine, image: &str, name: &str) -> String {
        let reference = format!("{}/{name}", self.address);
        let config = login(engine, &self.address);
        engine.ask(&["tag", image, &reference]);
        let pushed = engine
            .docker()
            .env("DOCKER_CONFIG", config.path())
            .args(["push", &reference])
            .output()
            .expect("docker runs");
        engine.ask(&["rmi", &reference]);
        let told = String::from_utf8_lossy(&pushed.stderr);
        assert!(pushed.status.success(), "push of {reference}: {told}");
        reference
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // Not a kill: `timeout` has to pass it on.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

/// A docker configuration like that of `engine`, but logged in to a registry.
pub fn login(engine: &Engine, address: &str) -> TempDir {
    configured(
        engine,
        &format!(r#"{{"auths": {{"{address}": {{"auth": "{AUTH}"}}}}}}"#),
    )
}

/// A docker configuration like that of `engine`, but with this `config.json`.
pub fn configured(engine: &Engine, text: &str) -> TempDir {
    let config = temporary("dcb-login-");
    std::fs::write(config.path().join("config.json"), text).expect("a file");
    let plugins = engine.config.join("cli-plugins");
    std::os::unix::fs::symlink(plugins, config.path().join("cli-plugins")).expect("a link");
    config
}

/// The first byte of a client that speaks TLS.
const TLS_HANDSHAKE: u8 = 0x16;

/// What can be wrong with a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 401: a login is wanted, and none is good enough.
    Unauthorized,
    /// 403: this user may not have it.
    Forbidden,
    /// 404: there is no such image.
    ManifestUnknown,
    /// 429 with `Retry-After: 1`.
    TooManyRequests,
    /// 500 with a body that no registry sends.
    ServerError,
    /// 503, as of a proxy whose server is gone.
    Unavailable,
    /// It takes requests and never answers.
    Hangs,
    /// It closes the connection without an answer.
    Closes,
}

impl Fault {
    /// All but those which never end.
    pub const ANSWERING: [Self; 7] = [
        Self::Unauthorized,
        Self::Forbidden,
        Self::ManifestUnknown,
        Self::TooManyRequests,
        Self::ServerError,
        Self::Unavailable,
        Self::Closes,
    ];

    /// The status line, more headers and the body.
    fn answer(self) -> Option<(&'static str, &'static str, String)> {
        let error = |code: &str, message: &str| {
            format!(r#"{{"errors":[{{"code":"{code}","message":"{message}","detail":null}}]}}"#)
        };
        let json = "Content-Type: application/json\r\n";
        Some(match self {
            Self::Unauthorized => (
                "401 Unauthorized",
                "Content-Type: application/json\r\nWWW-Authenticate: Basic realm=\"dcb\"\r\n",
                error("UNAUTHORIZED", "authentication required"),
            ),
            Self::Forbidden => (
                "403 Forbidden",
                json,
                error("DENIED", "requested access to the resource is denied"),
            ),
            Self::ManifestUnknown => (
                "404 Not Found",
                json,
                error("MANIFEST_UNKNOWN", "manifest unknown"),
            ),
            Self::TooManyRequests => (
                "429 Too Many Requests",
                "Content-Type: application/json\r\nRetry-After: 1\r\n",
                error("TOOMANYREQUESTS", "You have reached your pull rate limit."),
            ),
            Self::ServerError => (
                "500 Internal Server Error",
                "Content-Type: text/html\r\n",
                "<html>the test broke it</html>".to_owned(),
            ),
            Self::Unavailable => (
                "503 Service Unavailable",
                "Content-Type: text/plain\r\n",
                "no server is available".to_owned(),
            ),
            Self::Hangs | Self::Closes => return None,
        })
    }

    /// Whether a registry with this fault still says at `/v2/` that it is one.
    fn spares_the_greeting(self) -> bool {
        !matches!(self, Self::Unauthorized | Self::Hangs | Self::Closes)
    }
}

/// A port in front of a registry, or of none, that answers as it is told, until the tests end.
pub struct Front {
    address: String,
    fault: Arc<Mutex<Option<Fault>>>,
    /// The requests it got.
    requests: Arc<Mutex<Vec<String>>>,
}

impl Front {
    /// One that passes everything on to `registry` until [`Front::fail`].
    pub fn of(registry: &Registry) -> Self {
        Self::new(None, Some(registry.address.clone()), false)
    }

    /// The same, which wants a token that it hands out itself, as Docker Hub does: to [`USER`] with
    /// [`PASSWORD`], for the identity token [`IDENTITY`], and to anybody for [`PUBLIC`] images.
    pub fn with_tokens(registry: &Registry) -> Self {
        Self::new(None, Some(registry.address.clone()), true)
    }

    /// One without any registry behind it.
    pub fn failing(fault: Fault) -> Self {
        Self::new(Some(fault), None, false)
    }

    fn new(fault: Option<Fault>, registry: Option<String>, tokens: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let front = Self {
            address: listener.local_addr().expect("an address").to_string(),
            fault: Arc::new(Mutex::new(fault)),
            requests: Arc::default(),
        };
        let (fault, requests) = (Arc::clone(&front.fault), Arc::clone(&front.requests));
        let realm = tokens.then(|| front.address.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (fault, requests) = (Arc::clone(&fault), Arc::clone(&requests));
                let (registry, realm) = (registry.clone(), realm.clone());
                std::thread::spawn(move || {
                    let behind = (registry.as_deref(), realm.as_deref());
                    let _ = serve(client, behind, &fault, &requests);
                });
            }
        });
        front
    }

    /// From now on, it answers with `fault`, or passes on again.
    pub fn fail(&self, fault: Option<Fault>) {
        *self.fault.lock().expect("no panic") = fault;
    }

    /// Its address, such as `127.0.0.1:4711`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The reference of an image in it.
    pub fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// The first lines of all requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no panic").clone()
    }
}

/// Answers the first request of a connection, which is then closed so that the next is asked about too.
fn serve(
    mut client: TcpStream,
    (registry, realm): (Option<&str>, Option<&str>),
    fault: &Mutex<Option<Fault>>,
    requests: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    // Engines try TLS first, and take this answer for a server without it.
    if reader.fill_buf()?.first() == Some(&TLS_HANDSHAKE) {
        return reply(&mut client, "", "400 Bad Request", "", "");
    }
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut head = request.clone();
    let (mut authorization, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        match line.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                // The registry behind knows nothing of tokens.
                value.trim_end().clone_into(&mut authorization);
                if realm.is_some() {
                    continue;
                }
            }
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim_end().parse().unwrap_or(0);
            }
            _ => {}
        }
        if !line.to_ascii_lowercase().starts_with("connection:") {
            head.push_str(&line);
        }
    }
    head.push_str("Connection: close\r\n\r\n");
    requests
        .lock()
        .expect("no panic")
        .push(request.trim().to_owned());

    let fault = *fault.lock().expect("no panic");
    let greeting = request.split(' ').nth(1) == Some("/v2/");
    if let Some(fault) = fault.filter(|fault| !greeting || !fault.spares_the_greeting()) {
        return match fault.answer() {
            Some((status, headers, body)) => reply(&mut client, &request, status, headers, &body),
            None if fault == Fault::Closes => client.shutdown(Shutdown::Both),
            // Until the client gives up.
            None => std::io::copy(&mut client, &mut std::io::sink()).map(drop),
        };
    }
    if let Some(realm) = realm
        && let Some(answer) = token(realm, &request, &authorization, &mut reader, length)?
    {
        let (status, headers, body) = answer;
        return reply(&mut client, &request, status, &headers, body);
    }
    let Some(registry) = registry else {
        return reply(&mut client, &request, "200 OK", "", "{}");
    };
    let mut upstream = TcpStream::connect(registry)?;
    upstream.write_all(head.as_bytes())?;
    let (mut answers, mut back) = (upstream.try_clone()?, client.try_clone()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut reader, &mut upstream);
    });
    std::io::copy(&mut answers, &mut back)?;
    client.shutdown(Shutdown::Both)
}

/// What a front with tokens answers by itself: a token to who may have one, and a demand for one to
/// who has none.
#[allow(clippy::type_complexity, reason = "the parts of an answer")]
fn token(
    realm: &str,
    request: &str,
    authorization: &str,
    body: &mut impl Read,
    length: u64,
) -> std::io::Result<Option<(&'static str, String, &'static str)>> {
    const TOKEN: &str = "Bearer handed-out";
    const ANSWER: &str = r#"{"token":"handed-out","access_token":"handed-out","expires_in":300}"#;
    let mut form = String::new();
    let denied = |headers| Ok(Some(("401 Unauthorized", headers, "{}")));
    if request.contains(" /token") {
        body.take(length).read_to_string(&mut form)?;
        let refreshes = form.contains(&format!("refresh_token={IDENTITY}"));
        let logs_in = authorization == format!("Basic {AUTH}")
            || form.contains(&format!("username={USER}")) && form.contains(PASSWORD);
        let anybody =
            authorization.is_empty() && request.contains(&format!("repository%3A{PUBLIC}"));
        if refreshes || logs_in || anybody {
            return Ok(Some((
                "200 OK",
                "Content-Type: application/json\r\n".to_owned(),
                ANSWER,
            )));
        }
        return denied(String::new());
    }
    if authorization == TOKEN {
        return Ok(None);
    }
    denied(format!(
        "WWW-Authenticate: Bearer realm=\"http://{realm}/token\",service=\"dcb\"\r\n"
    ))
}

fn reply(
    client: &mut TcpStream,
    request: &str,
    status: &str,
    headers: &str,
    body: &str,
) -> std::io::Result<()> {
    let length = body.len();
    let body = if request.starts_with("HEAD ") {
        ""
    } else {
        body
    };
    write!(
        client,
        "HTTP/1.1 {status}\r\nDocker-Distribution-Api-Version: registry/2.0\r\n{headers}\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    // What is left unread would make the kernel reset the connection and lose the answer.
    client.shutdown(Shutdown::Write)?;
    client.set_read_timeout(Some(Duration::from_secs(1)))?;
    let _ = client.take(1 << 20).read_to_end(&mut Vec::new());
    Ok(())
}

fn temporary(prefix: &str) -> TempDir {
    tempfile::Builder::new()
        .prefix(prefix)
        .tempdir()
        .expect("a directory")
}
