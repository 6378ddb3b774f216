//! The cache mounts of a Dockerfile: `RUN --mount=type=cache`.
//!
//! A mount without `id` is known by its target, to every Dockerfile that an engine builds: that is why
//! the two are kept apart here.

use super::parse::{Dockerfile, Instruction};

/// One cache mount of one `RUN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheMount<'a> {
    /// Its `id`, as written.
    pub id: Option<&'a str>,
    /// Where it is mounted, as written.
    pub target: &'a str,
    /// What the `RUN` runs, as written.
    pub command: String,
    /// The first line of the `RUN`, from one.
    pub line: usize,
}

impl Dockerfile {
    /// All cache mounts, in order.
    pub fn cache_mounts(&self) -> impl Iterator<Item = CacheMount<'_>> {
        let runs = self.instructions.iter().filter(|it| it.keyword == "RUN");
        runs.flat_map(|run| run.flags("mount").filter_map(|mount| read(run, mount)))
    }
}

fn read<'a>(run: &'a Instruction, mount: &'a str) -> Option<CacheMount<'a>> {
    let mut fields = mount.split(',');
    if !fields.clone().any(|field| field == "type=cache") {
        return None;
    }
    let value = |names: &[&str]| {
        mount.split(',').find_map(|field| {
            let (name, value) = field.split_once('=')?;
            names.contains(&name).then_some(value)
        })
    };
    let target = value(&["target", "dst", "destination"]);
    let target = target.or_else(|| fields.find(|field| field.starts_with('/')))?;
    Some(CacheMount {
        id: value(&["id"]).filter(|id| !id.is_empty()),
        target,
        command: run.words().collect::<Vec<_>>().join(" "),
        line: run.first_line,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_read_with_their_ids_and_what_runs() {
        let text = "FROM a\nRUN --mount=type=cache,target=/root/.npm \\\n  npm ci\n\
                    RUN --mount=type=bind,target=/s --mount=id=x,type=cache,dst=/c --network=none make  all\n\
                    RUN echo --mount=type=cache,target=/no\n";
        let dockerfile = Dockerfile::parse(text);
        let mounts: Vec<_> = dockerfile
            .cache_mounts()
            .map(|it| (it.id, it.target, it.command, it.line))
            .collect();
        assert_eq!(
            mounts,
            [
                (None, "/root/.npm", "npm ci".to_owned(), 2),
                (Some("x"), "/c", "make all".to_owned(), 4),
            ]
        );
    }
}
