//! Texts that Compose takes apart: command lines into words, and lengths of time.

/// The words of a command line, by the rules of the library that Compose splits with. They are no
/// shell's: what follows an operator such as `;` or `&&` is dropped.
pub(super) fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut begun = false;
    let mut open: Option<char> = None;
    let mut escaped = false;
    for c in line.chars() {
        if escaped {
            word.push(c);
            (escaped, begun) = (false, true);
            continue;
        }
        match c {
            '\\' if open != Some('\'') => escaped = true,
            ' ' | '\t' | '\r' | '\n' if open.is_none() => {
                if begun {
                    words.push(std::mem::take(&mut word));
                    begun = false;
                }
            }
            '"' | '\'' if open.is_none() => (open, begun) = (Some(c), true),
            '"' | '\'' if open == Some(c) => open = None,
            '`' if open.is_none() || open == Some('`') => {
                open = if open.is_none() { Some('`') } else { None };
                word.push(c);
                begun = true;
            }
            '(' if open.is_none() && word.ends_with('$') => {
                open = Some(')');
                word.push(c);
            }
            '(' if open.is_none() => return Err("`(` belongs to nothing".to_owned()),
            ')' if open == Some(')') => {
                open = None;
                word.push(c);
            }
            ';' | '&' | '|' | '<' | '>' if open.is_none() => break,
            _ => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    match (open, escaped) {
        (Some(c), _) => Err(format!("`{c}` is missing")),
        (None, true) => Err("nothing follows the last backslash".to_owned()),
        (None, false) => Ok(words),
    }
}

/// Units of time in nanoseconds.
const UNITS: [(&str, u64); 9] = [
    ("w", 7 * 24 * 3_600_000_000_000),
    ("d", 24 * 3_600_000_000_000),
    ("h", 3_600_000_000_000),
    ("ms", 1_000_000),
    ("m", 60_000_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("ns", 1),
    ("s", 1_000_000_000),
];

/// A length of time as Go writes it: `90s` is `1m30s`.
pub(in crate::compose) fn duration(text: &str) -> Option<String> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some("0s".to_owned());
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(end);
        let (unit, length) = UNITS.iter().find(|(unit, _)| after.starts_with(unit))?;
        rest = &after[unit.len()..];
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let whole: u64 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        total = total.checked_add(whole.checked_mul(*length)?)?;
        let mut scale = *length;
        for digit in fraction.chars() {
            scale /= 10;
            total = total.checked_add(u64::from(digit.to_digit(10)?) * scale)?;
        }
    }
    let sign = if negative && total > 0 { "-" } else { "" };
    Some(format!("{sign}{}", go_duration(total)))
}

fn go_duration(nanoseconds: u64) -> String {
    let fraction = |value: u64, unit: u64| {
        let digits = unit.ilog10() as usize;
        let text = format!("{}.{:0digits$}", value / unit, value % unit);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    match nanoseconds {
        0 => "0s".to_owned(),
        1..1_000 => format!("{nanoseconds}ns"),
        1_000..1_000_000 => format!("{}µs", fraction(nanoseconds, 1_000)),
        1_000_000..1_000_000_000 => format!("{}ms", fraction(nanoseconds, 1_000_000)),
        _ => {
            let minutes = nanoseconds / 60_000_000_000;
            let seconds = fraction(nanoseconds % 60_000_000_000, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{seconds}s"),
                (0, minutes) => format!("{minutes}m{seconds}s"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_are_split_as_compose_splits_them() {
        for (line, words) in [
            (
                "a \"b c\" d\\ e 'x y' $X",
                &["a", "b c", "d e", "x y", "$X"][..],
            ),
            ("echo a && echo b", &["echo", "a"]),
            (
                "x `ls a` $(b c) \"a\\tb\"",
                &["x", "`ls a`", "$(b c)", "atb"],
            ),
            ("", &[]),
            ("''", &[""]),
        ] {
            let words = words.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(split(line), Ok(words), "{line}");
        }
        assert!(split("'a").is_err());
        assert!(split("a\\").is_err());
    }

    #[test]
    fn lengths_of_time_are_written_as_go_writes_them() {
        for (text, wanted) in [
            ("90s", Some("1m30s")),
            ("1500ms", Some("1.5s")),
            ("1ms", Some("1ms")),
            ("1.5h", Some("1h30m0s")),
            ("1d2h", Some("26h0m0s")),
            ("0", Some("0s")),
            ("0s", Some("0s")),
            ("1h1s", Some("1h0m1s")),
            ("-5s", Some("-5s")),
            ("5", None),
            ("", None),
            ("s", None),
            ("5x", None),
        ] {
            assert_eq!(duration(text).as_deref(), wanted, "{text}");
        }
    }
}
