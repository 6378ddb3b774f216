//! Certificates, and engines that ask for them.
//!
//! ```text
//! Authority ──> Certificates: ca.pem, cert.pem, key.pem in a directory, as docker's programs look for them
//!         └──> TlsEngine: a private engine that speaks TLS on a port of 127.0.0.1
//! ```

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tempfile::TempDir;

use crate::support::{Engine, PrivateEngine, free_port};

/// Who signs.
pub(crate) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// When a certificate is valid.
#[derive(Clone, Copy)]
pub(crate) enum Valid {
    /// Now.
    Now,
    /// No longer.
    Until2001,
}

impl Authority {
    /// One that nobody knows yet.
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// A directory with its own certificate, and one with its key that is for `names`.
    pub(crate) fn certificates(&self, names: &[&str], valid: Valid) -> Certificates {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        if let Valid::Until2001 = valid {
            params.not_before = date_time_ymd(2000, 1, 1);
            params.not_after = date_time_ymd(2001, 1, 1);
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let certificates = Certificates(
            tempfile::Builder::new()
                .prefix("dcb-tls-")
                .tempdir()
                .expect("a directory"),
        );
        certificates.write("ca.pem", &self.pem);
        certificates.write("cert.pem", &certificate.pem());
        certificates.write("key.pem", &key.serialize_pem());
        certificates
    }
}

/// A directory with certificates.
pub(crate) struct Certificates(TempDir);

impl Certificates {
    /// Where they are.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The path of one of them.
    pub(crate) fn file(&self, name: &str) -> String {
        self.path().join(name).display().to_string()
    }

    /// Replaces one of them.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("a file");
    }

    /// Takes one away.
    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.path().join(name)).expect("a file");
    }

    /// The text of one of them.
    pub(crate) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).expect("a file")
    }
}

/// A private engine that speaks TLS on a port of 127.0.0.1, and takes only clients that its authority
/// has signed.
pub(crate) struct TlsEngine {
    /// The engine itself, on its socket.
    pub(crate) engine: PrivateEngine,
    /// Its port.
    pub(crate) port: u16,
    _certificates: Certificates,
}

impl TlsEngine {
    /// One of the generation of `like`, with these certificates; none when the script did not start
    /// `like`.
    pub(crate) fn like(like: &Engine, certificates: Certificates) -> Option<Self> {
        let port = free_port();
        let files = ["ca.pem", "cert.pem", "key.pem"].map(|name| certificates.file(name));
        let address = format!("tcp://127.0.0.1:{port}");
        let engine = PrivateEngine::with(
            like,
            &[
                "--tlsverify",
                "--tlscacert",
                &files[0],
                "--tlscert",
                &files[1],
                "--tlskey",
                &files[2],
                "-H",
                &address,
            ],
        )?;
        Some(Self {
            engine,
            port,
            _certificates: certificates,
        })
    }

    /// Its address.
    pub(crate) fn address(&self) -> String {
        format!("tcp://127.0.0.1:{}", self.port)
    }
}

/// The address of something that speaks HTTP, without TLS.
pub(crate) fn plain_http() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("tcp://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            std::thread::spawn(move || refuse(client));
        }
    });
    address
}

fn refuse(mut client: TcpStream) -> std::io::Result<()> {
    client.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n400 Bad Request")?;
    client.shutdown(std::net::Shutdown::Write)?;
    client.set_read_timeout(Some(Duration::from_secs(1)))?;
    let _ = client.take(1 << 16).read_to_end(&mut Vec::new());
    Ok(())
}
