//! The images that a Dockerfile begins with or copies from.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::parse::{Dockerfile, Instruction, Stage};

impl Dockerfile {
    /// The lines of the first instruction that takes something from an image for which `is_it`
    /// holds. It is asked with the arguments before the first `FROM` filled in.
    pub fn lines_taking(
        &self,
        args: &IndexMap<String, String>,
        is_it: impl Fn(&str) -> bool,
    ) -> Option<(usize, usize)> {
        let globals = self.global_arguments(args);
        let is_it = |name: &str| is_it(&expand(name, &globals));
        self.stages().iter().find_map(|stage| {
            let takes = |instruction: &&Instruction| {
                (instruction.keyword == "FROM" && is_it(stage.base))
                    || instruction.flags("from").any(is_it)
                    || mounted(instruction).any(is_it)
            };
            let found = stage.instructions.iter().find(takes)?;
            Some((found.first_line, found.last_line))
        })
    }

    /// How many instructions take something from an image for which `is_it` holds, by its name as
    /// written.
    pub fn count_taking(&self, is_it: impl Fn(&str) -> bool) -> usize {
        let stages = self.stages();
        let sources = stages.iter().flat_map(sources);
        sources.filter(|name| is_it(name)).count()
    }

    /// The images that building `target` (the last stage when there is none) needs, as written with
    /// the arguments before the first `FROM` filled in. Names of stages are not among them.
    pub fn images(
        &self,
        target: Option<&str>,
        args: &IndexMap<String, String>,
    ) -> BTreeSet<String> {
        self.reach(target, args).1
    }

    /// The numbers of the stages that building `target` (the last stage when there is none) needs,
    /// itself among them.
    pub fn needed_stages(
        &self,
        target: Option<&str>,
        args: &IndexMap<String, String>,
    ) -> BTreeSet<usize> {
        self.reach(target, args).0
    }

    /// The stages and the images that building `target` needs.
    fn reach(
        &self,
        target: Option<&str>,
        args: &IndexMap<String, String>,
    ) -> (BTreeSet<usize>, BTreeSet<String>) {
        let stages = self.stages();
        let globals = self.global_arguments(args);
        let (mut seen, mut images) = (BTreeSet::new(), BTreeSet::new());
        let Some(last) = stages.len().checked_sub(1) else {
            return (seen, images);
        };
        let start = match target {
            None => Some(last),
            Some(name) => position(&stages, &name.to_lowercase(), stages.len()),
        };
        let mut waiting: Vec<usize> = start.into_iter().collect();
        while let Some(index) = waiting.pop() {
            if !seen.insert(index) {
                continue;
            }
            for name in sources(&stages[index]) {
                let name = expand(name, &globals);
                match position(&stages, &name.to_lowercase(), index) {
                    Some(stage) => waiting.push(stage),
                    None if name == "scratch" || name.is_empty() => {}
                    None => {
                        images.insert(name);
                    }
                }
            }
        }
        (seen, images)
    }

    /// The arguments declared before the first `FROM`, which are all that `FROM` may use.
    pub(super) fn global_arguments(
        &self,
        args: &IndexMap<String, String>,
    ) -> IndexMap<String, String> {
        let mut globals = IndexMap::new();
        let before_first_stage = self
            .instructions
            .iter()
            .take_while(|instruction| instruction.keyword != "FROM")
            .filter(|instruction| instruction.keyword == "ARG");
        for word in before_first_stage.flat_map(|i| i.arguments.split_whitespace()) {
            let (name, default) = word.split_once('=').unwrap_or((word, ""));
            let value = match args.get(name) {
                Some(value) => value.clone(),
                None => expand(default.trim_matches(['"', '\'']), &globals),
            };
            globals.insert(name.to_owned(), value);
        }
        globals
    }
}

/// What a stage takes files from: its base, `COPY --from` and `RUN --mount=...,from=`.
fn sources<'a>(stage: &Stage<'a>) -> Vec<&'a str> {
    let mut sources = vec![stage.base];
    for instruction in stage.instructions {
        sources.extend(instruction.flags("from"));
        sources.extend(mounted(instruction));
    }
    sources
}

fn mounted(instruction: &Instruction) -> impl Iterator<Item = &str> {
    instruction
        .flags("mount")
        .flat_map(|mount| mount.split(','))
        .filter_map(|field| field.strip_prefix("from="))
}

/// The stage called `name`, by name or number, among those before `end`. The last one of that name
/// wins.
pub(super) fn position(stages: &[Stage<'_>], name: &str, end: usize) -> Option<usize> {
    let before = &stages[..end];
    before
        .iter()
        .rposition(|stage| stage.name.as_deref() == Some(name))
        .or_else(|| name.parse().ok().filter(|index| *index < end))
}

/// `text` with `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}` filled in.
pub(super) fn expand(text: &str, values: &IndexMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (expression, tail) = match after.strip_prefix('{').and_then(|a| a.split_once('}')) {
            Some((expression, tail)) => (expression, tail),
            None => {
                let end = after
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(after.len());
                after.split_at(end)
            }
        };
        out.push_str(&value_of(expression, values));
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn value_of(expression: &str, values: &IndexMap<String, String>) -> String {
    let end = expression
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(expression.len());
    let (name, operator) = expression.split_at(end);
    let value = values.get(name).map(String::as_str).unwrap_or_default();
    let word = operator
        .trim_start_matches(':')
        .get(1..)
        .unwrap_or_default();
    match operator.trim_start_matches(':').chars().next() {
        Some('-') if value.is_empty() => expand(word, values),
        Some('+') if !value.is_empty() => expand(word, values),
        Some('+') => String::new(),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(text: &str, target: Option<&str>, args: &[(&str, &str)]) -> Vec<String> {
        let args = args
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Dockerfile::parse(text)
            .images(target, &args)
            .into_iter()
            .collect()
    }

    #[test]
    fn only_what_the_target_needs_counts() {
        let text = "FROM rust AS build\nFROM node AS ui\nFROM scratch\nCOPY --from=build /x /\n\
                    RUN --mount=type=bind,from=tools,target=/t x\n";
        assert_eq!(images(text, None, &[]), ["rust", "tools"]);
        assert_eq!(images(text, Some("ui"), &[]), ["node"]);
    }

    #[test]
    fn arguments_before_the_first_stage_are_filled_in() {
        let text = "ARG BASE=acme/base\nARG TAG\nFROM ${BASE}:${TAG:-latest}\n";
        assert_eq!(images(text, None, &[]), ["acme/base:latest"]);
        assert_eq!(images(text, None, &[("TAG", "2"), ("BASE", "b")]), ["b:2"]);
    }

    #[test]
    fn a_stage_may_be_named_like_the_image_it_begins_with() {
        assert_eq!(
            images("FROM base AS base\nFROM base\n", None, &[]),
            ["base"]
        );
    }
}
