//! From the name BuildKit gives a step back to the lines it came from.
//!
//! Newer engines tell the lines of a failing step; engines before 23 tell only its name, such as
//! `[build 2/4] RUN make`. The number counts the stage's `FROM` and the instructions after it that
//! make a layer.

use super::parse::{Dockerfile, Instruction, Stage};

impl Dockerfile {
    /// The first and last line of the step called `name`, when that is certain.
    pub fn lines_of(&self, name: &str) -> Option<(usize, usize)> {
        let (place, text) = name.strip_prefix('[')?.split_once("] ")?;
        let (stage, number) = match place.rsplit_once(' ') {
            Some((stage, number)) => (Some(stage), number),
            None => (None, place),
        };
        let number: usize = number.split_once('/')?.0.trim().parse().ok()?;
        let keyword = text.split(' ').next()?;
        let stages = self.stages();
        let stage = match stage {
            None => stages.last()?,
            Some(name) => find(&stages, name)?,
        };
        let step = stage
            .instructions
            .iter()
            .filter(|instruction| is_step(instruction))
            .nth(number.checked_sub(1)?)?;
        (step.keyword == keyword).then_some((step.first_line, step.last_line))
    }
}

/// A stage by its name, or by the `stage-0` that nameless ones get. A platform may stand before it.
fn find<'a, 'b>(stages: &'a [Stage<'b>], name: &str) -> Option<&'a Stage<'b>> {
    let name = name.rsplit(' ').next()?;
    stages
        .iter()
        .find(|stage| stage.name.as_deref() == Some(name))
        .or_else(|| stages.get(name.strip_prefix("stage-")?.parse::<usize>().ok()?))
}

fn is_step(instruction: &Instruction) -> bool {
    matches!(
        instruction.keyword.as_str(),
        "FROM" | "RUN" | "COPY" | "ADD" | "WORKDIR"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_found_by_stage_and_number() {
        let file = Dockerfile::parse(
            "FROM a AS build\nENV X=1\nRUN make\nFROM b\nWORKDIR /w\nCOPY --from=build \\\n  /x /y\n",
        );
        assert_eq!(file.lines_of("[build 2/2] RUN make"), Some((3, 3)));
        assert_eq!(
            file.lines_of("[stage-1 3/3] COPY --from=build /x /y"),
            Some((6, 7))
        );
        assert_eq!(
            file.lines_of("[linux/amd64 build 2/2] RUN make"),
            Some((3, 3))
        );
        assert_eq!(file.lines_of("[3/3] COPY --from=build /x /y"), Some((6, 7)));
    }

    #[test]
    fn a_step_that_does_not_fit_is_not_guessed() {
        let file = Dockerfile::parse("FROM a\nRUN make\n");
        for name in [
            "[2/2] COPY x y",
            "[9/9] RUN make",
            "exporting to image",
            "[zzz 2/2] RUN make",
        ] {
            assert_eq!(file.lines_of(name), None, "{name}");
        }
    }
}
