//! Verbs that stand for several steps: what teams write into Makefiles and scripts.

use std::time::Duration;

use clap::Args;

use super::{Build, BuildFlags, ComposeUp, Up};

/// What `--no-cache` is where a verb means it.
const ALL: &str = "all";

/// `dcb dev`.
#[derive(Debug, Args)]
pub struct Dev {
    /// All that `dcb up` takes.
    #[command(flatten)]
    pub up: Up,
}

impl Dev {
    /// The same in the words of `dcb up`.
    pub fn into_up(self) -> Up {
        in_background(self.up)
    }
}

/// `dcb fresh`.
#[derive(Debug, Args)]
pub struct Fresh {
    /// All that `dcb build` takes.
    #[command(flatten)]
    pub build: Build,
}

impl Fresh {
    /// The same in the words of `dcb build`.
    pub fn into_build(mut self) -> Build {
        without_cache(&mut self.build.flags);
        self.build
    }
}

/// `dcb rebuild`.
#[derive(Debug, Args)]
pub struct Rebuild {
    /// How to build.
    #[command(flatten)]
    pub flags: BuildFlags,
    /// Look up base images and the images of services that do not build in their registry
    #[arg(long)]
    pub pull: bool,
    /// Print errors only while building
    #[arg(long)]
    pub quiet_build: bool,
    /// Show the plan and what would be run, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// What goes on to Compose.
    #[command(flatten)]
    pub compose: ComposeUp,
    /// Services to build and start anew [default: all]
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
}

impl Rebuild {
    /// Its part that is a `dcb up`.
    pub fn into_up(mut self) -> Up {
        without_cache(&mut self.flags);
        in_background(Up {
            build: true,
            no_build: false,
            flags: self.flags,
            pull: self.pull.then(|| "always".to_owned()),
            quiet_build: self.quiet_build,
            dry_run: self.dry_run,
            compose: self.compose,
            services: self.services,
        })
    }
}

/// `dcb reset`.
#[derive(Debug, Args)]
pub struct Reset {
    /// Do not ask
    #[arg(short = 'y', long)]
    pub yes: bool,
    /// How to build.
    #[command(flatten)]
    pub flags: BuildFlags,
    /// Look up base images and the images of services that do not build in their registry
    #[arg(long)]
    pub pull: bool,
    /// Show what goes, the plan and what would be run, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

impl Reset {
    /// Its part that is a `dcb up`.
    pub fn into_up(self) -> Up {
        Rebuild {
            flags: self.flags,
            pull: self.pull,
            quiet_build: false,
            dry_run: self.dry_run,
            compose: ComposeUp::default(),
            services: Vec::new(),
        }
        .into_up()
    }
}

/// `dcb clean`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are flags")]
pub struct Clean {
    /// Volumes too, with all that is in them
    #[arg(long)]
    pub volumes: bool,
    /// What all Compose projects of the engine have, whoever they belong to
    #[arg(long)]
    pub all_projects: bool,
    /// Do not ask
    #[arg(short = 'y', long)]
    pub yes: bool,
    /// Show what goes, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `dcb verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// Seconds that a service may take until it works
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub timeout: Duration,
    /// Start images as they are, instead of building those of services that do not run
    #[arg(long)]
    pub no_build: bool,
    /// Leave running what was started for it
    #[arg(long)]
    pub keep: bool,
    /// Show what would be started and checked, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Services to verify [default: all]
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
}

fn seconds(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_secs)
}

fn in_background(mut up: Up) -> Up {
    up.compose.detach = true;
    up
}

/// Nothing from the cache, unless something else of it was said.
fn without_cache(flags: &mut BuildFlags) {
    if flags.no_cache.is_empty() {
        flags.no_cache.push(ALL.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::{Cli, Verb};

    fn verb(line: &str) -> Verb {
        let words: Vec<std::ffi::OsString> = line.split(' ').map(Into::into).collect();
        let cli = Cli::read(&words).unwrap_or_else(|error| panic!("{line}: {error}"));
        cli.verb
    }

    #[test]
    fn dev_is_an_up_in_the_background() {
        let Verb::Dev(dev) = verb("dcb dev --no-cache --pull web") else {
            panic!("not dev")
        };
        let up = dev.into_up();
        assert!(up.compose.detach && up.pulls());
        assert_eq!(up.flags.no_cache, ["all"]);
        assert_eq!(up.services, ["web"]);
    }

    #[test]
    fn fresh_and_rebuild_leave_the_cache_aside_unless_they_are_told_how_much_of_it() {
        for (line, expected) in [
            ("dcb fresh web", "all"),
            ("dcb fresh --no-cache web", "all"),
            ("dcb fresh --no-cache=layers web", "layers"),
            ("dcb fresh --no-cache=web:deps web", "web:deps"),
        ] {
            let Verb::Fresh(fresh) = verb(line) else {
                panic!("not fresh")
            };
            let build = fresh.into_build();
            assert_eq!(build.flags.no_cache, [expected], "{line}");
            assert_eq!(build.services, ["web"], "{line}");
        }
        let Verb::Rebuild(rebuild) = verb("dcb rebuild --remove-orphans web") else {
            panic!("not rebuild")
        };
        let up = rebuild.into_up();
        assert_eq!(up.flags.no_cache, ["all"]);
        assert!(up.compose.detach && !up.pulls());
    }
}
