//! What the file of a private key says of itself in its first bytes; the key is not read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// What a file is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KeyFile {
    /// A private key that everybody who reads it can use.
    Open,
    /// One that takes a passphrase.
    Encrypted,
    /// No private key.
    None,
}

/// As much of a file as tells: its first line and how the second begins.
const HEAD: u64 = 80;
/// How OpenSSH's own format begins: its name, then the cipher's with four bytes for its length.
const OPENSSH: &[u8] = b"openssh-key-v1\0";
/// The cipher of a key without a passphrase.
const NO_CIPHER: &[u8] = b"\0\0\0\x04none";

/// Looks at the file at `path`.
///
/// # Errors
/// When it cannot be read.
pub(super) fn look(path: &Path) -> io::Result<KeyFile> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD).read_to_end(&mut head)?;
    Ok(read(&String::from_utf8_lossy(&head)))
}

fn read(head: &str) -> KeyFile {
    let mut lines = head.lines();
    let kind = lines
        .next()
        .and_then(|line| line.trim_end().strip_prefix("-----BEGIN "))
        .and_then(|line| line.strip_suffix("PRIVATE KEY-----"));
    let next = lines.next().unwrap_or_default();
    match kind {
        None => KeyFile::None,
        Some("ENCRYPTED ") => KeyFile::Encrypted,
        Some("OPENSSH ") if !is_without_cipher(next) => KeyFile::Encrypted,
        Some(_) if next.starts_with("Proc-Type: 4,ENCRYPTED") => KeyFile::Encrypted,
        Some(_) => KeyFile::Open,
    }
}

fn is_without_cipher(base64: &str) -> bool {
    // Four characters are three bytes.
    let whole = (OPENSSH.len() + NO_CIPHER.len()).div_ceil(3) * 4;
    let bytes = base64
        .get(..whole)
        .and_then(|text| STANDARD_NO_PAD.decode(text).ok())
        .unwrap_or_default();
    bytes
        .strip_prefix(OPENSSH)
        .is_some_and(|rest| rest.starts_with(NO_CIPHER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_in_its_first_lines_whether_it_takes_a_passphrase() {
        // As ssh-keygen and openssl write them.
        for (head, kind) in [
            (
                "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAA",
                KeyFile::Open,
            ),
            (
                "-----BEGIN OPENSSH PRIVATE KEY-----\r\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAA",
                KeyFile::Open,
            ),
            (
                "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYm",
                KeyFile::Encrypted,
            ),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA",
                KeyFile::Open,
            ),
            ("-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEI", KeyFile::Open),
            ("-----BEGIN PRIVATE KEY-----\nMC4CAQAw", KeyFile::Open),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,",
                KeyFile::Encrypted,
            ),
            (
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIFHD",
                KeyFile::Encrypted,
            ),
            (
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI me@here",
                KeyFile::None,
            ),
            ("-----BEGIN PUBLIC KEY-----\nMIIB", KeyFile::None),
            ("", KeyFile::None),
        ] {
            assert_eq!(read(head), kind, "{head}");
        }
    }
}
