//! What an error of TLS means, and what mends it.

use std::io;

use tokio_rustls::rustls::pki_types::UnixTime;
use tokio_rustls::rustls::{AlertDescription, CertificateError, Error};

use super::Tls;
use crate::failure::{Class, Failure};
use crate::human;

/// The error of TLS inside of one of a stream.
pub(super) fn of(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// Tells it to people.
pub(super) fn explain(error: &Error, tls: &Tls) -> Failure {
    match error {
        Error::InvalidCertificate(why) => certificate(why, tls),
        Error::AlertReceived(alert) => alerted(*alert, tls),
        Error::InvalidMessage(_) => failed(format!("what listens at {} does not speak TLS", tls.host))
            .hint("speak without TLS, where the engine is meant to be open to all: unset DOCKER_TLS_VERIFY DOCKER_TLS")
            .hint("or correct the port: engines speak TLS on 2376 by custom, and without it on 2375"),
        Error::PeerIncompatible(why) => failed(format!(
            "the engine at {} and dcb have no version or cipher of TLS in common: {why:?}",
            tls.host
        ))
        .hint("dcb speaks TLS 1.2 and 1.3, as engines from 18.09 on do"),
        error => failed(format!("TLS with the engine at {} fails: {error}", tls.host)),
    }
}

/// What is wrong with the engine's certificate.
fn certificate(why: &CertificateError, tls: &Tls) -> Failure {
    let host = &tls.host;
    match why {
        CertificateError::UnknownIssuer => unknown_issuer(tls),
        CertificateError::NotValidForName => wrong_name(tls, &[]),
        CertificateError::NotValidForNameContext { presented, .. } => wrong_name(tls, presented),
        CertificateError::Expired => expired(tls, None),
        CertificateError::ExpiredContext { time, not_after } => {
            expired(tls, Some((*time, *not_after)))
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => failed(
            format!("the certificate of the engine at {host} is not valid yet"),
        )
        .hint("is this machine's clock right? date"),
        CertificateError::Other(_) => failed(format!(
            "the certificate of the engine at {host} cannot be its own authority: it is one (`CA:TRUE`), and servers must have another"
        ))
        .hint("make one for the engine that the authority signs, and give it to dockerd: --tlscert, --tlskey"),
        why => failed(format!("the certificate of the engine at {host} is not valid: {why}")),
    }
}

fn unknown_issuer(tls: &Tls) -> Failure {
    let Tls { host, used, .. } = tls;
    let directory = used.directory.display();
    if used.authority {
        failed(format!(
            "the certificate of the engine at {host} is not signed by an authority of `{directory}/ca.pem`"
        ))
        .hint(format!("see who signed it: openssl s_client -connect {host} </dev/null"))
        .hint("take over the ca.pem that the engine was set up with (dockerd --tlscacert)")
    } else {
        failed(format!(
            "the certificate of the engine at {host} is not signed by an authority that this machine knows"
        ))
        .hint(format!("take the ca.pem that the engine was set up with; {}", tls.put("ca=ca.pem")))
    }
}

fn wrong_name(tls: &Tls, presented: &[String]) -> Failure {
    let names: Vec<String> = presented.iter().map(|name| plain_name(name)).collect();
    let (name, port) = tls.host.rsplit_once(':').unwrap_or((&tls.host, "2376"));
    if names.is_empty() {
        return failed(format!(
            "the certificate of the engine is not for `{name}`; it names no host at all"
        ))
        .hint("make one that does: subjectAltName = DNS:NAME,IP:ADDRESS (a common name does not count)");
    }
    failed(format!(
        "the certificate of the engine is not for `{name}`, but for {}",
        human::list(&names)
    ))
    .hint(format!(
        "call it by that name: DOCKER_HOST=tcp://{}:{port}",
        names[0]
    ))
    .hint("or make a certificate with this name: subjectAltName = DNS:NAME,IP:ADDRESS")
}

/// A name as people write it, out of `DnsName("engine")` and `IpAddress(127.0.0.1)`.
fn plain_name(name: &str) -> String {
    let inner = name
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    human::sanitize(inner.unwrap_or(name).trim_matches('"'))
}

fn expired(tls: &Tls, when: Option<(UnixTime, UnixTime)>) -> Failure {
    let since = when.map(|(now, end)| now.as_secs().saturating_sub(end.as_secs()) / 86_400);
    let ago = match since {
        Some(0) => " today".to_owned(),
        Some(days) => format!(" {days} {} ago", if days == 1 { "day" } else { "days" }),
        None => String::new(),
    };
    failed(format!(
        "the certificate of the engine at {} has expired{ago}",
        tls.host
    ))
    .hint("make a new one and give it to dockerd: --tlscert, --tlskey")
    .hint("or is this machine's clock wrong? date")
}

/// What the engine has against us.
fn alerted(alert: AlertDescription, tls: &Tls) -> Failure {
    let Tls { host, used, .. } = tls;
    let directory = used.directory.display();
    match alert {
        AlertDescription::CertificateRequired
        | AlertDescription::BadCertificate
        | AlertDescription::HandshakeFailure
            if !used.identity =>
        {
            failed(format!(
                "the engine at {host} wants a client's certificate, and `{directory}` has no `cert.pem` with its `key.pem`"
            ))
            .hint(tls.put("ca=ca.pem,cert=cert.pem,key=key.pem"))
        }
        AlertDescription::CertificateRequired
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => failed(format!(
            "the engine at {host} refuses the certificate in `{directory}/cert.pem` ({alert:?})"
        ))
        .hint("it must be signed by the authority that the engine trusts (dockerd --tlscacert), and not be expired")
        .hint(format!("see whose it is: openssl x509 -in {directory}/cert.pem -noout -issuer -dates")),
        alert => failed(format!("the engine at {host} refuses TLS with dcb ({alert:?})"))
            .hint("dcb speaks TLS 1.2 and 1.3, as engines from 18.09 on do"),
    }
}

impl Tls {
    /// How certificates get to where they are looked for: files written as docker contexts take them.
    fn put(&self, files: &str) -> String {
        match &self.used.context {
            Some(name) => format!(
                "give them to the context: docker context update {name} --docker host=tcp://{},{files}",
                self.host
            ),
            None => "name the directory with ca.pem, cert.pem and key.pem: export DOCKER_CERT_PATH=DIRECTORY"
                .to_owned(),
        }
    }
}

fn failed(message: String) -> Failure {
    Failure::new(Class::TlsFailed, message)
}

#[cfg(test)]
mod tests {
    use super::plain_name;

    #[test]
    fn the_names_of_a_certificate_are_told_as_people_write_them() {
        for (presented, plain) in [
            ("DnsName(\"engine.example.org\")", "engine.example.org"),
            ("IpAddress(127.0.0.1)", "127.0.0.1"),
            ("odd", "odd"),
        ] {
            assert_eq!(plain_name(presented), plain);
        }
    }
}
