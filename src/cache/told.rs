//! What engines say of their records, and which step of a build it fits.
//!
//! ```text
//! mount / from exec /bin/sh -c npm ci                          RUN, all engines
//! [2/3] COPY . .                                               COPY, ADD, WORKDIR, from 23.0 on
//! fileop target                                                the same before
//! cached mount /c from exec /bin/sh -c x with id "/c"          a cache mount; before 23.0 without its id
//! ```
//!
//! A command stands there as it was written, and in the name of its step with its arguments filled in.

/// How descriptions of layers begin that a `RUN` made.
const RUN: &str = "mount / from exec ";
/// The description of other layers before 23.0.
const FILES: &str = "fileop target";
/// The shell that a `RUN` has when none is chosen.
const SHELL: &str = "/bin/sh -c ";

/// What is said of a cache mount.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount<'a> {
    pub(super) target: &'a str,
    pub(super) command: &'a str,
    pub(super) id: Option<&'a str>,
}

impl<'a> Mount<'a> {
    pub(super) fn of(description: &'a str) -> Option<Self> {
        let rest = description.strip_prefix("cached mount ")?;
        let (target, rest) = rest.split_once(" from exec ")?;
        let id = rest.rsplit_once(" with id \"");
        let (command, id) = match id.and_then(|(rest, id)| Some((rest, id.strip_suffix('"')?))) {
            Some((command, id)) => (command, Some(id)),
            None => (rest, None),
        };
        Some(Self {
            target,
            command,
            id,
        })
    }
}

/// Whether a step called `step` makes what is described so.
pub(super) fn made(step: &str, description: &str) -> bool {
    if description.starts_with('[') {
        return step == description;
    }
    if description == FILES {
        return matches!(instruction(step).0, "COPY" | "ADD" | "WORKDIR");
    }
    let command = description.strip_prefix(RUN);
    command.is_some_and(|command| runs(step, command))
}

/// Whether a step called `step` runs `command`.
pub(super) fn runs(step: &str, command: &str) -> bool {
    let (keyword, rest) = instruction(step);
    let words = rest
        .split_whitespace()
        .skip_while(|word| word.starts_with("--"));
    keyword == "RUN" && ran(&words.collect::<Vec<_>>().join(" "), command)
}

/// The keyword of a step's instruction, and the rest.
fn instruction(step: &str) -> (&str, &str) {
    let instruction = match step
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "))
    {
        Some((_, instruction)) => instruction,
        None => step,
    };
    instruction.split_once(' ').unwrap_or((instruction, ""))
}

/// Whether a `RUN` with this text runs `command`.
pub(super) fn ran(text: &str, command: &str) -> bool {
    let command = command.strip_prefix(SHELL).unwrap_or(command);
    if let Some((_, first)) = text
        .strip_prefix("<<")
        .and_then(|rest| rest.split_once('('))
    {
        let first = first.trim_end_matches(')').trim_end_matches("...");
        return !first.is_empty() && words(command).starts_with(&words(first));
    }
    // `RUN ["a", "b"]` runs `a b`.
    let list = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let text = list.map_or_else(|| text.to_owned(), |list| list.replace(['"', ','], " "));
    let (text, command) = (words(&text), words(command));
    resembles(&command, &text) || resembles(&text, &command)
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether `text` is `pattern` with something in the place of its `$VARIABLES`.
pub(super) fn resembles(pattern: &str, text: &str) -> bool {
    let mut pieces = pieces(pattern).into_iter();
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for piece in pieces {
        if let Some(before) = last.replace(piece) {
            let Some(at) = rest.find(before) else {
                return false;
            };
            rest = &rest[at + before.len()..];
        }
    }
    match last {
        Some(last) => rest.ends_with(last),
        None => rest.is_empty(),
    }
}

/// What stands between the `$VARIABLES` of a text.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let after = &rest[at + 1..];
        let length = if after.starts_with('{') {
            after.find('}').map_or(after.len(), |end| end + 1)
        } else {
            let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            after.find(|c| !part(c)).unwrap_or(after.len())
        };
        pieces.push(&rest[..at]);
        rest = &after[length..];
    }
    pieces.push(rest);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_known_by_its_step() {
        for (step, description) in [
            ("[2/3] COPY . .", "[2/3] COPY . ."),
            ("[2/3] WORKDIR /app", "fileop target"),
            (
                "[web 3/3] RUN --mount=type=cache,target=/c  npm ci   && x",
                "mount / from exec /bin/sh -c npm ci   && x",
            ),
            (
                "[2/2] RUN echo joe > /n",
                "mount / from exec /bin/sh -c echo $NAME > /n",
            ),
            (
                "[2/2] RUN echo joe/1",
                "mount / from exec /bin/sh -c echo ${NAME:-x}/1",
            ),
            (
                "[2/2] RUN [\"make\", \"all\"]",
                "mount / from exec make all",
            ),
            (
                "[2/2] RUN <<EOF (echo hello...)",
                "mount / from exec /bin/sh -c echo hello echo more",
            ),
        ] {
            assert!(made(step, description), "{step}");
        }
        for (step, description) in [
            ("[2/3] COPY . .", "[2/4] COPY . ."),
            ("[2/3] RUN x", "fileop target"),
            ("[2/3] RUN make", "mount / from exec /bin/sh -c make all"),
            ("[2/3] RUN make all", "mount / from exec /bin/sh -c make"),
            (
                "[2/2] RUN echo joe > /n",
                "mount / from exec /bin/sh -c echo $NAME > /m",
            ),
            (
                "[2/2] RUN <<EOF (echo hello...)",
                "mount / from exec /bin/sh -c echo",
            ),
            ("[2/3] RUN x", "pulled from docker.io/library/busybox"),
        ] {
            assert!(!made(step, description), "{step} {description}");
        }
    }

    #[test]
    fn a_mount_is_read_with_its_id_where_that_is_told() {
        let told = Mount::of("cached mount /c from exec /bin/sh -c echo \"x\" with id \"//c\"");
        let told = told.expect("a mount");
        assert_eq!((told.target, told.id), ("/c", Some("//c")));
        assert_eq!(told.command, "/bin/sh -c echo \"x\"");
        let told = Mount::of("cached mount /c from exec touch /c/x").expect("a mount");
        assert_eq!((told.command, told.id), ("touch /c/x", None));
    }
}
