//! Paths as text: the purely lexical operations BuildKit's clients agree on, over bytes with `/`
//! as the only separator.
//!
//! `std::path` keeps `..` and has its own idea of a clean path; patterns and link targets must be
//! cleaned exactly as the other side does it, or they name different files.

/// The shortest path that is lexically the same: no empty or `.` element, and `..` only in front.
/// The empty path is `.`.
pub(super) fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.first() == Some(&b'/');
    let mut kept: Vec<&[u8]> = Vec::new();
    for element in path.split(|&byte| byte == b'/') {
        match element {
            b"" | b"." => {}
            b".." if kept.last().is_some_and(|last| *last != b"..") => {
                kept.pop();
            }
            b".." if rooted => {}
            _ => kept.push(element),
        }
    }
    let joined = kept.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/", joined.as_slice()].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}

/// `base` and `path` put together and cleaned; an absolute `path` is taken to begin at `base`.
pub(super) fn join(base: &[u8], path: &[u8]) -> Vec<u8> {
    match (base, path) {
        (base, b"") => clean(base),
        (b"", path) => clean(path),
        _ => clean(&[base, b"/", path].concat()),
    }
}

/// Splits a clean path before its last element: `(a/b, c)`, or `(., c)` when there is one element.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(0) => (b"/", &path[1..]),
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b".", path),
    }
}

/// The first character and its width. A byte that is not UTF-8 counts as one replacement
/// character, which is how Go ranges over such names.
pub(super) fn rune(text: &[u8]) -> Option<(char, usize)> {
    let first = *text.first()?;
    if first.is_ascii() {
        return Some((char::from(first), 1));
    }
    let window = &text[..text.len().min(4)];
    let valid = match std::str::from_utf8(window) {
        Ok(valid) => valid,
        Err(error) => std::str::from_utf8(&window[..error.valid_up_to()]).unwrap_or_default(),
    };
    Some(
        valid
            .chars()
            .next()
            .map_or((char::REPLACEMENT_CHARACTER, 1), |c| (c, c.len_utf8())),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_path_has_no_detours() {
        for (path, expected) in [
            ("", "."),
            (".", "."),
            ("/", "/"),
            ("a/", "a"),
            ("a//b/./c", "a/b/c"),
            ("a/../b", "b"),
            ("a/..", "."),
            ("../a", "../a"),
            ("a/../../b", "../b"),
            ("/..", "/"),
            ("/../a", "/a"),
            ("!../a", "!../a"),
        ] {
            assert_eq!(clean(path.as_bytes()), expected.as_bytes(), "{path}");
        }
    }

    #[test]
    fn an_absolute_path_joins_below_the_base() {
        assert_eq!(join(b".", b"/a/b"), b"a/b");
        assert_eq!(join(b"/", b"../a"), b"/a");
        assert_eq!(join(b"a", b"../../b"), b"../b");
        assert_eq!(join(b"a", b""), b"a");
    }

    #[test]
    fn bytes_that_are_no_text_count_one_by_one() {
        assert_eq!(rune("éa".as_bytes()), Some(('é', 2)));
        assert_eq!(rune(b"\xffa"), Some((char::REPLACEMENT_CHARACTER, 1)));
        assert_eq!(rune(b"\xc3"), Some((char::REPLACEMENT_CHARACTER, 1)));
        assert_eq!(rune(b""), None);
    }
}
