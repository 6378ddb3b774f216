//! Compose files that stand beside each other as two forms of one project, for those who keep no
//! plain one: `docker-compose.test.yml` and `docker-compose.test-local.yml`.

use std::path::Path;

use super::builders::wanted;
use crate::ambient::Ambient;
use crate::cli::ProjectFlags;
use crate::compose;
use crate::dockerfile::Markers;
use crate::plan::Wanted;

/// The two forms of a project's compose file, relative to the current directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Made for today's builders.
    pub optimised: Option<String>,
    /// What every builder can build.
    pub traditional: Option<String>,
}

/// The pair that stands for the project when nothing names one: no `-f`, no `COMPOSE_FILE`, and no
/// compose file of a usual name here or above.
pub fn pair(ambient: &Ambient, flags: &ProjectFlags, named: Option<&str>) -> Option<Pair> {
    let asked = !flags.files.is_empty() || ambient.variable("COMPOSE_FILE").is_some();
    if asked || flags.project_directory.is_some() {
        return None;
    }
    let plain = compose::has_default_file(&ambient.directory);
    if named.is_none() && plain {
        return None;
    }
    let markers = Markers::default();
    let find = |marker: &str| {
        ["", "docker/"].into_iter().find_map(|directory| {
            names(marker)
                .into_iter()
                .map(|name| format!("{directory}{name}"))
                .find(|file| ambient.directory.join(Path::new(file)).is_file())
        })
    };
    // What is neither typed nor of a usual name can still be named by a `.env`.
    let named_elsewhere = || {
        let request = super::project(ambient, flags, &[]);
        !plain && request.is_ok_and(|request| compose::discover(&request).is_ok())
    };
    if let Some(Wanted::Named(named)) = named.map(|name| wanted(name, &markers)) {
        let file = find(&named).filter(|_| !named_elsewhere())?;
        return Some(Pair {
            optimised: Some(file),
            traditional: None,
        });
    }
    let pair = Pair {
        optimised: find(&markers.optimised),
        traditional: find(&markers.traditional),
    };
    let found = pair.optimised.is_some() || pair.traditional.is_some();
    (found && !named_elsewhere()).then_some(pair)
}

fn names(marker: &str) -> [String; 4] {
    [
        format!("docker-compose.{marker}.yml"),
        format!("docker-compose.{marker}.yaml"),
        format!("compose.{marker}.yaml"),
        format!("compose.{marker}.yml"),
    ]
}

impl Pair {
    /// The file to begin with.
    pub fn first(&self, traditional: bool) -> Option<&String> {
        if traditional {
            self.traditional.as_ref().or(self.optimised.as_ref())
        } else {
            self.optimised.as_ref().or(self.traditional.as_ref())
        }
    }
}
