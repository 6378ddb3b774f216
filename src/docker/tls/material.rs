//! Reading `ca.pem`, `cert.pem` and `key.pem`.
//!
//! As the docker CLI: of `cert.pem` and `key.pem` one without the other is as good as none; a
//! `ca.pem` that is there must hold a certificate; encrypted keys are not taken.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, InconsistentKeys, RootCertStore, SignatureScheme,
};

use super::{Trust, Used, Wanted};
use crate::failure::{Class, Failure};

/// What the files hold, ready for connections.
pub(super) fn read(wanted: &Wanted) -> Result<(ClientConfig, Used), Failure> {
    let directory = &wanted.directory;
    let file = |name: &str| directory.join(name);
    let authorities = certificates(&file("ca.pem"))?;
    if authorities.is_none() && wanted.needs_authority {
        return Err(no_authority(directory));
    }
    let chain = certificates(&file("cert.pem"))?;
    let key = key(&file("key.pem"))?;
    let used = Used {
        directory: directory.clone(),
        authority: authorities.is_some(),
        identity: chain.is_some() && key.is_some(),
        context: wanted.context.clone(),
    };
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| internal(&error))?;
    let builder = match (wanted.trust, authorities) {
        (Trust::Anything, _) => {
            let anyone = Arc::new(Anyone::new(&provider));
            builder.dangerous().with_custom_certificate_verifier(anyone)
        }
        (Trust::Authority, Some(authorities)) => {
            builder.with_root_certificates(store(authorities, &file("ca.pem"))?)
        }
        (Trust::Authority, None) => builder.with_root_certificates(of_the_system()?),
    };
    let config = match (chain, key) {
        (Some(chain), Some(key)) => builder
            .with_client_auth_cert(chain, key)
            .map_err(|error| unusable(&error, directory))?,
        _ => builder.with_no_client_auth(),
    };
    Ok((config, used))
}

/// The certificates in a file, which has at least one; nothing when there is no file.
fn certificates(path: &Path) -> Result<Option<Vec<CertificateDer<'static>>>, Failure> {
    let Some(text) = text(path)? else {
        return Ok(None);
    };
    let found = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    match found {
        Ok(found) if !found.is_empty() => Ok(Some(found)),
        Ok(_) => Err(broken(path, "there is no certificate in it")),
        Err(error) => Err(broken(path, &error.to_string())),
    }
}

/// The key in a file; nothing when there is no file.
fn key(path: &Path) -> Result<Option<PrivateKeyDer<'static>>, Failure> {
    const ENCRYPTED: [&str; 2] = ["BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"];
    let Some(bytes) = text(path)? else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&bytes);
    if ENCRYPTED.iter().any(|mark| text.contains(mark)) {
        let path = path.display();
        return Err(Failure::new(
            Class::TlsFailed,
            format!("the key in `{path}` is encrypted, which docker's programs do not take either"),
        )
        .hint(format!("keep it without a passphrase, readable by you alone: openssl pkey -in {path} -out key.pem")));
    }
    // What is wrong with a key is not repeated: it might be a part of the key.
    PrivateKeyDer::from_pem_slice(&bytes)
        .map(Some)
        .map_err(|_| broken(path, "there is no private key in it"))
}

fn text(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match std::fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::new(
            Class::TlsFailed,
            format!("failed to read `{}`: {error}", path.display()),
        )
        .hint(format!(
            "make it readable for you: ls -l {}",
            path.display()
        ))),
    }
}

/// The certificates as authorities. One in a form that is not understood is left out, as the docker
/// CLI does, as long as there is another.
fn store(found: Vec<CertificateDer<'static>>, path: &Path) -> Result<RootCertStore, Failure> {
    let mut store = RootCertStore::empty();
    let mut why = None;
    for certificate in found {
        if let Err(error) = store.add(certificate) {
            why = Some(error);
        }
    }
    match why {
        Some(error) if store.is_empty() => Err(broken(path, &error.to_string())),
        _ => Ok(store),
    }
}

fn of_the_system() -> Result<RootCertStore, Failure> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(found.certs);
    if !store.is_empty() {
        return Ok(store);
    }
    let why = found.errors.first().map(ToString::to_string);
    Err(Failure::new(
        Class::TlsFailed,
        format!(
            "this machine has no certificate authorities{}",
            why.map(|why| format!(": {why}")).unwrap_or_default()
        ),
    )
    .hint("install them: sudo apt-get install ca-certificates")
    .hint("or put the engine's own into ca.pem, and name its directory: DOCKER_CERT_PATH"))
}

fn no_authority(directory: &Path) -> Failure {
    let directory = directory.display();
    Failure::new(
        Class::TlsFailed,
        format!("TLS is asked for, and there is no `{directory}/ca.pem`"),
    )
    .hint("name the directory with ca.pem, cert.pem and key.pem: export DOCKER_CERT_PATH=DIRECTORY")
    .hint("or speak without TLS: unset DOCKER_TLS_VERIFY DOCKER_TLS")
}

fn broken(path: &Path, why: &str) -> Failure {
    let path = path.display();
    Failure::new(Class::TlsFailed, format!("`{path}` cannot be used: {why}")).hint(format!(
        "it must be PEM, as OpenSSL writes it: openssl x509 -in {path} -noout -text (a key: openssl pkey)"
    ))
}

fn unusable(error: &Error, directory: &Path) -> Failure {
    let directory = directory.display();
    match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => Failure::new(
            Class::TlsFailed,
            format!("`{directory}/key.pem` is not the key of the certificate in `{directory}/cert.pem`"),
        )
        .hint(format!(
            "these two print the same for a pair: openssl x509 -in {directory}/cert.pem -noout -pubkey; openssl pkey -in {directory}/key.pem -pubout"
        )),
        error => Failure::new(
            Class::TlsFailed,
            format!("`{directory}/cert.pem` and `{directory}/key.pem` cannot be used: {error}"),
        )
        .hint("keys are RSA from 2048 bits on, ECDSA P-256 or P-384, or Ed25519"),
    }
}

fn internal(error: &Error) -> Failure {
    Failure::new(Class::Internal, format!("TLS cannot be set up: {error}"))
}

/// Takes every certificate, as `DOCKER_TLS` and a context's `SkipTLSVerify` want it. That who answers
/// has the certificate's key is checked all the same.
#[derive(Debug)]
struct Anyone(WebPkiSupportedAlgorithms);

impl Anyone {
    fn new(provider: &CryptoProvider) -> Self {
        Self(provider.signature_verification_algorithms)
    }
}

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        tokio_rustls::rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        tokio_rustls::rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
