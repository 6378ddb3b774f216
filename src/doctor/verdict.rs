//! What it all amounts to, in one line.

use super::{Ran, Seen, Way};
use crate::diagnostic::Severity;
use crate::human;

/// What it all amounts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether nothing stops the build of this project.
    pub ready: bool,
    /// How many errors were found.
    pub errors: usize,
    /// How many warnings.
    pub warnings: usize,
    /// How many notes.
    pub notes: usize,
    /// The verdict in one line, without its end.
    pub text: String,
}

impl Verdict {
    /// The verdict over what `ran` found in what was `seen`.
    pub fn of(seen: &Seen<'_>, ran: &[Ran]) -> Self {
        let count = |severity| {
            let findings = ran.iter().flat_map(Ran::findings);
            findings.filter(|it| it.severity == severity).count()
        };
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        let mut parts = vec![if errors == 0 {
            format!("ready: {}", what_builds(seen))
        } else {
            format!("not ready: {}", human::count(errors, "error"))
        }];
        if warnings > 0 {
            parts.push(human::count(warnings, "warning"));
        }
        Self {
            ready: errors == 0,
            errors,
            warnings,
            notes: count(Severity::Note),
            text: parts.join(", "),
        }
    }
}

/// What builds here, and with what.
fn what_builds(seen: &Seen<'_>) -> String {
    let engine = seen.facts().ok().map(|facts| &facts.engine);
    let version = engine.map_or(String::new(), |engine| format!(" ({})", engine.version));
    let podman = engine.is_some_and(|engine| engine.podman);
    let ways = match seen.outlook {
        Some(Ok(outlook)) => outlook.ways.as_slice(),
        _ if seen.project.is_none() => return format!("an engine{version}, and no project here"),
        _ => return format!("an engine{version}"),
    };
    let mut builders: Vec<(String, usize)> = Vec::new();
    for Way { builder, .. } in ways {
        let name = called(builder, podman);
        match builders.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => builders.push((name, 1)),
        }
    }
    let verb = if ways.len() == 1 { "builds" } else { "build" };
    let services = human::count(ways.len(), "service");
    match builders.as_slice() {
        [] => format!("nothing to build{version}"),
        [(only, _)] => format!("{services} {verb} with {only}{version}"),
        several => {
            let each = several
                .iter()
                .map(|(name, count)| format!("{count} with {name}"));
            let each = each.collect::<Vec<_>>().join(", ");
            format!("{services} {verb}{version}: {each}")
        }
    }
}

/// A builder as people call it.
fn called(builder: &str, podman: bool) -> String {
    match builder {
        "buildkit" => "BuildKit".to_owned(),
        "classic" if podman => "Podman's builder".to_owned(),
        "classic" => "the classic builder".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;

    use super::*;
    use crate::doctor::testing::Case;
    use crate::doctor::{Outlook, Selection, examine};

    fn verdict(case: &Case) -> Verdict {
        let seen = case.seen();
        Verdict::of(
            &seen,
            &examine(&seen, &Selection::default(), &IndexMap::new()),
        )
    }

    fn ways(builders: &[&str]) -> Outlook {
        let ways = builders.iter().map(|builder| Way {
            service: "web".to_owned(),
            builder: (*builder).to_owned(),
            classic: *builder == "classic",
        });
        Outlook {
            ways: ways.collect(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn the_last_line_says_what_builds_with_what() {
        for (builders, podman, line) in [
            (
                &["buildkit", "buildkit"] as &[&str],
                false,
                "ready: 2 services build with BuildKit (28.5.2)",
            ),
            (
                &["buildkit"],
                false,
                "ready: 1 service builds with BuildKit (28.5.2)",
            ),
            (
                &["classic"],
                true,
                "ready: 1 service builds with Podman's builder (28.5.2)",
            ),
            (
                &["buildkit", "classic", "buildkit"],
                false,
                "ready: 3 services build (28.5.2): 2 with BuildKit, 1 with the classic builder",
            ),
            (&[], false, "ready: nothing to build (28.5.2)"),
        ] {
            let mut case = Case::default();
            case.engine("28.5.2", (1, 51), podman);
            case.outlook = Some(Ok(ways(builders)));
            assert_eq!(verdict(&case).text, line);
        }
    }

    #[test]
    fn warnings_are_counted_and_errors_decide() {
        let mut case = Case::default();
        case.engine("28.5.2", (1, 51), false);
        case.outlook = Some(Ok(ways(&["buildkit"])));
        case.variable("DOCKER_HOST", "unix:///a");
        case.variable("DOCKER_CONTEXT", "b");
        assert_eq!(
            verdict(&case).text,
            "ready: 1 service builds with BuildKit (28.5.2), 1 warning"
        );
        case.variable("DOCKER_BUILDKIT", "perhaps");
        let verdict = verdict(&case);
        assert_eq!(verdict.text, "not ready: 1 error, 1 warning");
        assert!(!verdict.ready);
    }
}
