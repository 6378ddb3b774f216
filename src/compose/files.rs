//! Reading the texts of a project: bounded, decoded, and named the way people would name them.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Position, Source, Span};

/// Larger files are refused: a compose file of this size is a mistake.
const LIMIT: u64 = 10 * 1024 * 1024;

/// The short name of `path` for someone who stands in `directory`.
pub(super) fn shown(path: &Path, directory: &Path) -> String {
    match path.strip_prefix(directory) {
        Ok(below) if !below.as_os_str().is_empty() => below.display().to_string(),
        _ => path.display().to_string(),
    }
}

/// A YAML file's text: UTF-8, or UTF-16 that says so with a byte order mark.
pub(super) fn read_yaml(path: &Path, name: &str) -> Result<Arc<Source>, Diagnostic> {
    let bytes = read(path, name)?;
    decode_yaml(bytes, name)
}

fn decode_yaml(bytes: Vec<u8>, name: &str) -> Result<Arc<Source>, Diagnostic> {
    let utf16 = |unit: fn([u8; 2]) -> u16| {
        let units = bytes[2..]
            .chunks_exact(2)
            .map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units)
            .collect::<Result<String, _>>()
            .ok()
    };
    let text = match bytes.as_slice() {
        [0xFF, 0xFE, ..] => utf16(u16::from_le_bytes),
        [0xFE, 0xFF, ..] => utf16(u16::from_be_bytes),
        _ => return decode_utf8(bytes, name),
    };
    text.map(|text| Source::new(name, text)).ok_or_else(|| {
        let source = Source::new(name, String::from_utf8_lossy(&bytes));
        let start = Position { line: 1, column: 1 };
        Diagnostic::error(format!("failed to read `{name}`: it is not valid UTF-16"))
            .at(Span::new(&source, start, start), "its mark says UTF-16")
    })
}

fn decode_utf8(bytes: Vec<u8>, name: &str) -> Result<Arc<Source>, Diagnostic> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(
            name,
            text.strip_prefix('\u{feff}').unwrap_or(&text),
        )),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes());
            let before = &text[..valid];
            let at = Position {
                line: before.matches('\n').count() + 1,
                column: before.chars().rev().take_while(|c| *c != '\n').count() + 1,
            };
            let source = Source::new(name, text.as_ref());
            Err(
                Diagnostic::error(format!("failed to read `{name}`: it is not valid UTF-8"))
                    .at(Span::new(&source, at, at), "this byte"),
            )
        }
    }
}

/// A `.env` file's text; bytes that are no UTF-8 are replaced.
pub(super) fn read_env(path: &Path, name: &str) -> Result<Arc<Source>, Diagnostic> {
    let bytes = read(path, name)?;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    Ok(Source::new(name, String::from_utf8_lossy(bytes)))
}

fn read(path: &Path, name: &str) -> Result<Vec<u8>, Diagnostic> {
    let failed = |why: &str| Diagnostic::error(format!("failed to read `{name}`: {why}"));
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes))
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => failed("no such file"),
            ErrorKind::PermissionDenied => failed("permission denied"),
            ErrorKind::IsADirectory => failed("it is a directory"),
            _ => failed(&error.to_string().to_lowercase()),
        })?;
    if bytes.len() as u64 > LIMIT {
        return Err(failed("it is larger than 10 MiB"));
    }
    Ok(bytes)
}

/// The parent of a file, as a path that is never empty.
pub(super) fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) => PathBuf::from("."),
        None => PathBuf::from("/"),
    }
}
