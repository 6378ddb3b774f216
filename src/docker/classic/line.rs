//! The lines by which builders tell people how far they are, read.
//!
//! All matching of their text is here; the sentences of real builders are in the tests of
//! [`super::step`].

/// What a piece of a builder's text says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A step begins.
    Step {
        /// Its stage from zero, where steps are counted by stage and there are several.
        stage: Option<usize>,
        /// Its number from one.
        number: usize,
        /// How many there are; old Buildah does not tell.
        total: Option<usize>,
        /// The instruction.
        text: &'a str,
    },
    /// The step's result was there already.
    Cached,
    /// A container was made for the step; its output follows.
    Container(&'a str),
    /// That container was removed.
    ContainerGone,
    /// The step has its result.
    Result,
    /// The last step is over.
    Commit,
    /// The image is built.
    Built,
    /// Its id, in Buildah's words.
    Id(&'a str),
    /// An advice.
    Warning(String),
    /// Nothing that is not known already.
    Nothing,
    /// What the step wrote, to standard output or (1) standard error.
    Output {
        /// Which of both.
        stream: usize,
        /// The text, which may end in the middle of a line.
        text: &'a str,
    },
}

/// Reads a message of the classic builder. `container` is the one that runs.
pub(super) fn docker<'a>(text: &'a str, container: Option<&str>) -> Line<'a> {
    if let Some(container) = container {
        // Engines before 23.0 say it the other way, be it with an arrow or without.
        let gone = ["Removed", "Removing"].iter().any(|verb| {
            let line = text.trim_start_matches(" ---> ");
            let id = line.strip_prefix(verb).map(str::trim_end);
            id.and_then(|rest| rest.strip_prefix(" intermediate container ")) == Some(container)
        });
        return if gone {
            Line::ContainerGone
        } else {
            output(text)
        };
    }
    if let Some(rest) = text.strip_prefix(" ---> ") {
        return arrow(rest.trim_end());
    }
    if let Some(step) = text.strip_prefix("Step ").and_then(docker_step) {
        return step;
    }
    if text.starts_with("Successfully built ") {
        return Line::Built;
    }
    if text.trim().is_empty()
        || text.starts_with("Successfully tagged ")
        || text.starts_with("Removing intermediate container ")
    {
        return Line::Nothing;
    }
    match text.split_once("[Warning] ") {
        Some((_, warning)) => Line::Warning(warning.trim_end().to_owned()),
        None => output(text),
    }
}

/// What follows ` ---> `.
fn arrow(text: &str) -> Line<'_> {
    if text == "Using cache" {
        return Line::Cached;
    }
    if let Some(id) = text.strip_prefix("Running in ") {
        return Line::Container(id);
    }
    if let Some(warning) = text.strip_prefix("[Warning] ") {
        return Line::Warning(warning.to_owned());
    }
    if is_hex(text) {
        return Line::Result;
    }
    Line::Nothing
}

/// `2/4 : RUN make`; the end of the line is a message of its own.
fn docker_step(text: &str) -> Option<Line<'_>> {
    let (place, text) = text.split_once(" : ")?;
    let (number, total) = place.split_once('/')?;
    (!text.ends_with('\n')).then_some(Line::Step {
        stage: None,
        number: number.parse().ok()?,
        total: Some(total.parse().ok()?),
        text,
    })
}

/// Text of a step. Engines colour what went to standard error.
fn output(text: &str) -> Line<'_> {
    let red = text
        .strip_prefix("\u{1b}[91m")
        .and_then(|text| text.strip_suffix("\u{1b}[0m"));
    match red {
        Some(text) => Line::Output { stream: 1, text },
        None => Line::Output { stream: 0, text },
    }
}

/// Reads a message of Buildah.
pub(super) fn buildah(text: &str) -> Line<'_> {
    let output = Line::Output { stream: 0, text };
    let Some(line) = text.strip_suffix('\n').filter(|line| !line.contains('\n')) else {
        return output;
    };
    let (stage, rest) = stage(line);
    if let Some(step) = rest
        .strip_prefix("STEP ")
        .and_then(|rest| buildah_step(stage, rest))
    {
        return step;
    }
    if rest.starts_with("COMMIT") {
        return Line::Commit;
    }
    if let Some(rest) = line.strip_prefix("--> ") {
        return match rest.strip_prefix("Using cache ") {
            Some(_) => Line::Cached,
            None if is_hex(rest) => Line::Result,
            None => output,
        };
    }
    if line.starts_with("Successfully built ") {
        return Line::Built;
    }
    if line.starts_with("Successfully tagged ") {
        return Line::Nothing;
    }
    if line.len() == 64 && is_hex(line) {
        return Line::Id(line);
    }
    match line.split_once(" level=warning msg=") {
        Some((time, warning)) if time.starts_with("time=") => {
            Line::Warning(warning.trim_matches('"').replace("\\\"", "\""))
        }
        _ => output,
    }
}

/// The `[1/2] ` before a line of a build of several stages, as the first stage's number from zero.
fn stage(line: &str) -> (Option<usize>, &str) {
    let found = line.strip_prefix('[').and_then(|line| {
        let (place, rest) = line.split_once("] ")?;
        let (number, _) = place.split_once('/')?;
        Some((number.parse::<usize>().ok()?.checked_sub(1)?, rest))
    });
    match found {
        Some((stage, rest)) => (Some(stage), rest),
        None => (None, line),
    }
}

/// `2/4: RUN make`, or `2: RUN make` of old.
fn buildah_step(stage: Option<usize>, text: &str) -> Option<Line<'_>> {
    let (place, text) = text.split_once(": ")?;
    let (number, total) = match place.split_once('/') {
        Some((number, total)) => (number, Some(total.parse().ok()?)),
        None => (place, None),
    };
    Some(Line::Step {
        stage,
        number: number.parse().ok()?,
        total,
        text,
    })
}

fn is_hex(text: &str) -> bool {
    text.len() >= 11 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steps_output_is_never_taken_for_the_builders_word() {
        for text in [
            "Step 3/3 : RUN x",
            " ---> Using cache\n",
            " ---> Removed intermediate container 999\n",
            "Successfully built 1234\n",
        ] {
            assert_eq!(
                docker(text, Some("abc")),
                Line::Output { stream: 0, text },
                "{text}"
            );
        }
        for end in [
            " ---> Removed intermediate container abc\n",
            "Removing intermediate container abc\n",
        ] {
            assert_eq!(docker(end, Some("abc")), Line::ContainerGone, "{end}");
        }
    }

    #[test]
    fn standard_error_loses_the_colour_that_the_engine_put_on() {
        assert_eq!(
            docker("\u{1b}[91ma\u{1b}[31mb\n\u{1b}[0m", Some("abc")),
            Line::Output {
                stream: 1,
                text: "a\u{1b}[31mb\n"
            }
        );
    }

    #[test]
    fn advice_of_both_builders_is_known() {
        assert_eq!(
            docker(
                "[Warning] One or more build-args [X] were not consumed\n",
                None
            ),
            Line::Warning("One or more build-args [X] were not consumed".to_owned())
        );
        assert_eq!(
            buildah("time=\"2026\" level=warning msg=\"missing \\\"A\\\" build argument\"\n"),
            Line::Warning("missing \"A\" build argument".to_owned())
        );
    }
}
