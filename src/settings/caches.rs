//! `dcb cache prune` and `dcb cache clear`: what is to go.

use std::time::Duration;

use crate::cache::{Kinds, Selection};
use crate::cli::{ClearCache, PruneCache};
use crate::compose::{self, Project};
use crate::failure::{Class, Failure};
use crate::human;

/// What `dcb cache prune` is to remove.
///
/// # Errors
/// When an age or a size is none, or a service is unknown.
pub fn pruned(prune: &PruneCache, project: &Project) -> Result<Selection, Failure> {
    let older = prune.older.as_deref().map(|text| {
        let wrong = || is_no("--older", text, "age, such as 90m, 24h or 7d");
        age(text).ok_or_else(wrong)
    });
    let keep = prune.keep.as_deref().map(|text| {
        let wrong = || is_no("--keep", text, "size, such as 500MB or 10GB");
        compose::bytes(text).ok_or_else(wrong)
    });
    Ok(Selection {
        services: known(&prune.services, project)?,
        kinds: Kinds {
            mounts: prune.mounts,
            ..Kinds::default()
        },
        shared: prune.shared,
        everybody: prune.all_projects,
        older: older.transpose()?,
        keep: keep.transpose()?,
    })
}

/// What `dcb cache clear` is to remove.
///
/// # Errors
/// When a service is unknown.
pub fn cleared(clear: &ClearCache, project: &Project) -> Result<Selection, Failure> {
    Ok(Selection {
        shared: clear.shared,
        ..everything(known(&clear.services, project)?)
    })
}

/// What goes of caches with all else that a project has. `directories` go unless a build has written them anew
/// by then, and what images have too goes only when the project has `images` that go.
pub fn outgoing(directories: bool, images: bool) -> Selection {
    let mut selection = everything(Vec::new());
    selection.kinds.directories = directories;
    selection.kinds.in_images = images;
    selection
}

/// All that `services` have, or the whole project when there are none; nothing that others may use.
fn everything(services: Vec<String>) -> Selection {
    Selection {
        services,
        kinds: Kinds {
            in_images: true,
            mounts: true,
            directories: true,
        },
        ..Selection::default()
    }
}

fn known(names: &[String], project: &Project) -> Result<Vec<String>, Failure> {
    for name in names {
        if !project.services.contains_key(name) {
            let message = format!("the project `{}` has no service `{name}`", project.name);
            let known = project.services.keys().map(String::as_str);
            return Err(Failure::new(Class::Usage, message).hint(
                match human::nearest(name, known.clone()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("its services are {}", human::list(known)),
                },
            ));
        }
    }
    Ok(names.to_vec())
}

fn is_no(flag: &str, text: &str, what: &str) -> Failure {
    Failure::new(Class::Usage, format!("`{flag} {text}` is no {what}"))
}

/// `1w`, `7d`, `24h`, `90m`, `30s`, or several of them one after another.
fn age(text: &str) -> Option<Duration> {
    let mut seconds: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].chars().next()?;
        let length = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 7 * 86_400,
            _ => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(length)?)?;
        rest = &rest[digits + 1..];
    }
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("24h", 86_400),
            ("7d", 604_800),
            ("1h30m", 5_400),
            ("0s", 0),
        ] {
            assert_eq!(age(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "24", "h", "1y", "1.5h", "99999999999999999999h", "1é"] {
            assert_eq!(age(text), None, "{text}");
        }
    }
}
