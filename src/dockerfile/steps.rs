//! From the name BuildKit gives a step back to the lines it came from.
//!
//! Newer engines tell the lines of a failing step; engines before 23 tell only its name, such as
//! `[build 2/4] RUN make`. The number counts the instructions that make a layer. The stage's `FROM`
//! is one when it names an image, and none when it names `scratch` or another stage; that may hang
//! on a variable, so the total tells.

use super::parse::{Dockerfile, Instruction, Stage};

impl Dockerfile {
    /// The first and last line of the step called `name`, when that is certain.
    pub fn lines_of(&self, name: &str) -> Option<(usize, usize)> {
        let (place, text) = name.strip_prefix('[')?.split_once("] ")?;
        let (stage, number) = match place.rsplit_once(' ') {
            Some((stage, number)) => (Some(stage), number),
            None => (None, place),
        };
        let (number, total) = number.split_once('/')?;
        let number: usize = number.trim().parse().ok()?;
        let total: usize = total.trim().parse().ok()?;
        let keyword = text.split(' ').next()?;
        let stages = self.stages();
        let stage = match stage {
            None => stages.last()?,
            Some(name) => find(&stages, name)?,
        };
        let mut steps = stage.instructions.iter().filter(|step| is_step(step));
        let uncounted = steps.clone().count().checked_sub(total)?;
        if uncounted > 1 {
            return None;
        }
        let step = steps.nth(uncounted + number.checked_sub(1)?)?;
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
    fn a_stage_from_scratch_or_from_another_stage_begins_with_its_second_instruction() {
        let file = Dockerfile::parse(
            "ARG V=scratch\nFROM scratch AS one\nCOPY a /\nCOPY b /\nFROM one AS two\nCOPY c /\nFROM $V\nCOPY d /\n",
        );
        assert_eq!(file.lines_of("[one 1/2] COPY a /"), Some((3, 3)));
        assert_eq!(file.lines_of("[one 2/2] COPY b /"), Some((4, 4)));
        assert_eq!(file.lines_of("[two 1/1] COPY c /"), Some((6, 6)));
        assert_eq!(file.lines_of("[stage-2 1/1] COPY d /"), Some((8, 8)));
    }

    #[test]
    fn a_step_that_does_not_fit_is_not_guessed() {
        let file = Dockerfile::parse("FROM a\nRUN make\n");
        for name in [
            "[2/2] COPY x y",
            "[9/9] RUN make",
            "exporting to image",
            "[zzz 2/2] RUN make",
            "[2/3] RUN make",
        ] {
            assert_eq!(file.lines_of(name), None, "{name}");
        }
    }
}
