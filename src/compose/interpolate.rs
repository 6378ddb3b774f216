//! Variables in text: `$NAME`, `${NAME}`, and the six operators of Compose.
//!
//! One engine for compose files and `.env` files. The rules are Compose's to the letter, oddities
//! included: the operator is the first one that occurs in the text, a default reaches to the last
//! brace of the line before braces are counted, and only the branch that is taken is evaluated.

use std::fmt;

/// Defaults nested deeper are refused: they are evaluated by recursion.
const DEPTH: usize = 64;

/// How many bytes all variables of the compose files, or of one `.env` file, may expand to: three
/// times the largest file that is read, and little enough to hold.
pub(super) const TEXT: usize = 32 * 1024 * 1024;

/// Why a text cannot be interpolated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// A `${` that begins nothing.
    Invalid {
        /// The text from the dollar sign on, cut to one line.
        near: String,
    },
    /// `${NAME:?message}` found no value.
    Required {
        /// The variable.
        name: String,
        /// What the file says about it; may be empty.
        message: String,
    },
    /// Defaults inside defaults beyond any sense.
    TooDeep,
    /// The values that were put in add up to more than [`TEXT`].
    TooMuch,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { near } => write!(f, "invalid interpolation format near `{near}`"),
            Self::Required { name, message } if message.is_empty() => {
                write!(f, "required variable `{name}` is missing a value")
            }
            Self::Required { name, message } => {
                write!(
                    f,
                    "required variable `{name}` is missing a value: {message}"
                )
            }
            Self::TooDeep => f.write_str("defaults are nested too deeply"),
            Self::TooMuch => f.write_str("variables expand to too much text"),
        }
    }
}

/// Where values come from, and where missing ones are noted.
pub(super) trait Variables {
    /// The value of a variable, when it is set.
    fn value(&self, name: &str) -> Option<String>;
    /// The bytes that values have taken so far.
    fn spent(&mut self) -> &mut usize;
    /// Told of every variable that is needed, unset, and has no default.
    fn unset(&mut self, name: &str);
}

/// `text` with every variable replaced.
pub(super) fn substitute(text: &str, variables: &mut dyn Variables) -> Result<String, Fault> {
    substitute_at(text, variables, 0)
}

fn substitute_at(text: &str, variables: &mut dyn Variables, depth: usize) -> Result<String, Fault> {
    if depth > DEPTH {
        return Err(Fault::TooDeep);
    }
    let mut out = String::with_capacity(text.len());
    let mut scan = Scan::new(text);
    while let Some(token) = scan.next(&mut out) {
        match token? {
            Token::Dollar => out.push('$'),
            Token::Plain(name) => {
                let value = value_or_blank(name, variables);
                out.push_str(&paid(value, variables)?);
            }
            Token::Braced(inner) => out.push_str(&braced(inner, variables, depth)?),
        }
    }
    Ok(out)
}

fn value_or_blank(name: &str, variables: &mut dyn Variables) -> String {
    variables.value(name).unwrap_or_else(|| {
        variables.unset(name);
        String::new()
    })
}

/// `value`, unless all values together have become too long.
fn paid(value: String, variables: &mut dyn Variables) -> Result<String, Fault> {
    let spent = variables.spent();
    *spent = spent.saturating_add(value.len());
    if *spent > TEXT {
        return Err(Fault::TooMuch);
    }
    Ok(value)
}

/// What stands between `${` and its brace.
fn braced(inner: &str, variables: &mut dyn Variables, depth: usize) -> Result<String, Fault> {
    let end = inner.find(|c: char| !is_name(c)).unwrap_or(inner.len());
    let (name, rest) = inner.split_at(end);
    if rest.is_empty() {
        let value = value_or_blank(name, variables);
        return paid(value, variables);
    }
    let (blank_counts, rest) = match rest.strip_prefix(':') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let value = variables
        .value(name)
        .filter(|value| !(blank_counts && value.is_empty()));
    let operand = &rest[1..];
    match (rest.as_bytes()[0], value) {
        (b'-' | b'?', Some(value)) => paid(value, variables),
        (b'-', None) | (b'+', Some(_)) => substitute_at(operand, variables, depth + 1),
        (b'+', None) => Ok(String::new()),
        (_, _) => Err(Fault::Required {
            name: name.to_owned(),
            message: substitute_at(operand, variables, depth + 1)?,
        }),
    }
}

/// How a text uses a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Use<'t> {
    pub(super) name: &'t str,
    /// One of `-`, `+` and `?` with what stands behind it.
    pub(super) operator: Option<(u8, &'t str)>,
}

/// Every variable that `text` may ask for, those in branches that are not taken included.
pub(super) fn uses(text: &str) -> Vec<Use<'_>> {
    let mut found = Vec::new();
    let mut waiting = vec![(text, 0)];
    while let Some((text, depth)) = waiting.pop() {
        let mut scan = Scan::new(text);
        let mut rest = String::new();
        while let Some(Ok(token)) = scan.next(&mut rest) {
            let inner = match token {
                Token::Dollar => continue,
                Token::Plain(name) | Token::Braced(name) => name,
            };
            let (name, rest) = inner.split_at(name_length(inner));
            let rest = rest.strip_prefix(':').unwrap_or(rest);
            let operator = rest.bytes().next().map(|operator| (operator, &rest[1..]));
            found.push(Use { name, operator });
            if let Some((_, operand)) = operator
                && depth < DEPTH
            {
                waiting.push((operand, depth + 1));
            }
        }
    }
    found
}

/// One thing that begins with a dollar sign.
enum Token<'t> {
    /// `$$`.
    Dollar,
    /// `$NAME`.
    Plain(&'t str),
    /// The inside of `${…}`: a name, or a name with operator and operand.
    Braced(&'t str),
}

/// Cuts a text into tokens and what stands between them.
struct Scan<'t> {
    text: &'t str,
    at: usize,
    /// The line in hand: where it ends, and its last closing brace. Kept because looking for them
    /// at every dollar sign would take time quadratic in the length of the line.
    line_end: usize,
    last_brace: Option<usize>,
}

impl<'t> Scan<'t> {
    fn new(text: &'t str) -> Self {
        let mut scan = Self {
            text,
            at: 0,
            line_end: 0,
            last_brace: None,
        };
        scan.see_line(0);
        scan
    }

    fn see_line(&mut self, from: usize) {
        let rest = &self.text[from..];
        self.line_end = from + rest.find('\n').unwrap_or(rest.len());
        self.last_brace = self.text[from..self.line_end]
            .rfind('}')
            .map(|at| from + at);
    }

    /// The next token; what stands before it goes to `out` as it is.
    fn next(&mut self, out: &mut String) -> Option<Result<Token<'t>, Fault>> {
        loop {
            let Some(found) = self.text[self.at..].find('$') else {
                out.push_str(&self.text[self.at..]);
                self.at = self.text.len();
                return None;
            };
            let dollar = self.at + found;
            out.push_str(&self.text[self.at..dollar]);
            let rest = &self.text[dollar + 1..];
            match rest.chars().next() {
                Some('$') => {
                    self.at = dollar + 2;
                    return Some(Ok(Token::Dollar));
                }
                Some('{') => return Some(self.braced(dollar)),
                Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                    let name = &rest[..name_length(rest)];
                    self.at = dollar + 1 + name.len();
                    return Some(Ok(Token::Plain(name)));
                }
                _ => {
                    out.push('$');
                    self.at = dollar + 1;
                }
            }
        }
    }

    fn braced(&mut self, dollar: usize) -> Result<Token<'t>, Fault> {
        let invalid = || {
            let line = self.text[dollar..].lines().next().unwrap_or_default();
            Err(Fault::Invalid {
                near: line.chars().take(40).collect(),
            })
        };
        let start = dollar + 2;
        let name = name_length(&self.text[start..]);
        if name == 0 || self.text.as_bytes()[start].is_ascii_digit() {
            return invalid();
        }
        let after = &self.text[start + name..];
        if after.starts_with('}') {
            self.at = start + name + 1;
            return Ok(Token::Braced(&self.text[start..start + name]));
        }
        if !after.trim_start_matches(':').starts_with(['-', '+', '?']) || after.starts_with("::") {
            return invalid();
        }
        if dollar > self.line_end {
            self.see_line(dollar);
        }
        let Some(last) = self.last_brace.filter(|last| *last >= start + name) else {
            return invalid();
        };
        let end = closing_brace(&self.text[dollar..=last]).map_or(last, |at| dollar + at);
        self.at = end + 1;
        Ok(Token::Braced(&self.text[start..end]))
    }
}

/// The brace that closes the first one, as Compose counts: the character right behind an opening
/// brace is never looked at.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'}' => {
                open = open.saturating_sub(1);
                if open == 0 {
                    return Some(at);
                }
            }
            b'{' => {
                open += 1;
                bytes.next();
            }
            _ => {}
        }
    }
    None
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn name_length(text: &str) -> usize {
    text.find(|c: char| !is_name(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Table(Vec<String>, usize);

    impl Variables for Table {
        fn value(&self, name: &str) -> Option<String> {
            match name {
                "V" => Some("value".to_owned()),
                "EMPTY" => Some(String::new()),
                "D" => Some("$V".to_owned()),
                _ => None,
            }
        }
        fn spent(&mut self) -> &mut usize {
            &mut self.1
        }
        fn unset(&mut self, name: &str) {
            self.0.push(name.to_owned());
        }
    }

    fn run(text: &str) -> Result<String, Fault> {
        substitute(text, &mut Table(Vec::new(), 0))
    }

    #[test]
    fn variables_are_replaced_as_compose_does() {
        for (text, wanted) in [
            ("$V", "value"),
            ("${V}", "value"),
            ("a$V.b", "avalue.b"),
            ("$$V", "$V"),
            ("$$$V", "$value"),
            ("$1 $(date) $? $", "$1 $(date) $? $"),
            ("$É", "$É"),
            ("$D", "$V"),
            ("${X}", ""),
            ("${X-d}", "d"),
            ("${EMPTY-d}", ""),
            ("${EMPTY:-d}", "d"),
            ("${V:-d}", "value"),
            ("${V+a}", "a"),
            ("${EMPTY+a}", "a"),
            ("${EMPTY:+a}", ""),
            ("${X+a}", ""),
            ("${V?no}", "value"),
            ("${EMPTY?no}", ""),
            ("${X:-${Y:-${V}}}", "value"),
            ("${X:-$V}", "value"),
            ("${X:-}b}", "b}"),
            ("${X:-{\"k\":1}}", "{\"k\":1}"),
            ("${X:-x}-${V:-y}-z", "x-value-z"),
            ("${X:-a:-b}", "a:-b"),
            ("${X-a:?b}", "a:?b"),
            ("${V:-${MISSING:?never}}", "value"),
            ("${X:-$$}", "$"),
            ("${X:-a}\n${Y:-b}", "a\nb"),
            ("${X:-{}", "{"),
        ] {
            assert_eq!(run(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn the_variables_of_a_text_are_found_in_every_branch() {
        let found: Vec<String> = uses("$A ${B} ${C:-x${D?why}} ${E+y} $$F")
            .into_iter()
            .map(|found| match found.operator {
                Some((operator, operand)) => {
                    format!("{} {}{operand}", found.name, char::from(operator))
                }
                None => found.name.to_owned(),
            })
            .collect();
        assert_eq!(found, ["A", "B", "C -x${D?why}", "E +y", "D ?why"]);
    }

    #[test]
    fn what_begins_like_a_variable_and_is_none_is_an_error() {
        for text in [
            "${}",
            "${V }",
            "${1}",
            "${V.x}",
            "${V:=x}",
            "${V//a/b}",
            "${V",
            "${V:-x",
            "${X:-a\nb}",
            "a ${",
            "${ V}",
            "${V:}",
            "${V::-x}",
        ] {
            assert!(matches!(run(text), Err(Fault::Invalid { .. })), "{text}");
        }
    }

    #[test]
    fn a_required_variable_tells_why() {
        assert_eq!(
            run("${X:?set $V}"),
            Err(Fault::Required {
                name: "X".to_owned(),
                message: "set value".to_owned()
            })
        );
        assert!(run("${EMPTY:?}").is_err());
    }

    #[test]
    fn only_plain_misses_are_noted() {
        let mut table = Table(Vec::new(), 0);
        substitute("$A ${B} ${C-} ${D1+x} ${V:-$E}", &mut table).unwrap();
        assert_eq!(table.0, ["A", "B"]);
    }

    #[test]
    fn bottomless_defaults_end_in_an_error() {
        let text = "${X:-".repeat(100_000) + &"}".repeat(100_000);
        assert_eq!(run(&text), Err(Fault::TooDeep));
    }

    #[test]
    fn a_long_line_takes_no_quadratic_time() {
        let text = "${X:-a}".repeat(200_000);
        assert_eq!(run(&text).unwrap().len(), 200_000);
    }

    /// What expressions are made of.
    const PIECES: [&str; 20] = [
        "$", "$$", "{", "}", "${", "${V", "${X", "${EMPTY", ":-", "-", ":+", "+", ":?", "?", "V",
        "X", "\n", " ", "é", "x",
    ];

    proptest! {
        #[test]
        fn what_is_nearly_an_expression_is_replaced_or_refused(
            pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40),
        ) {
            let _ = run(&pieces.concat());
        }

        #[test]
        fn any_text_is_replaced_or_refused(text in "[$\\{\\}:?+a-cV \n\\-é]{0,40}") {
            let _ = run(&text);
        }

        #[test]
        fn doubling_dollars_quotes_any_text(text in any::<String>()) {
            prop_assert_eq!(run(&text.replace('$', "$$")), Ok(text));
        }
    }
}
