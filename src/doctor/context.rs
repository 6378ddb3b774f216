//! Checks of build contexts.

use super::compose::REFUSED;
use super::{Check, Finding, Fix, Found, Seen, Skip, installs};
use crate::diagnostic::Severity;
use crate::failure::Class;
use crate::human;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "CTX-01",
        title: "the contexts are there and of a size that is sent quickly",
        worst: Severity::Error,
        early: false,
        about: "BuildKit fetches what instructions name and no more, so the size of a context matters where a `COPY` takes all of it; the classic builder is sent everything. More than 200 MB of what is not ignored is told, with what is largest.",
        mend: "Name what is large in `.dockerignore`, or copy less: `COPY src/ ./src/` in place of `COPY . .`.",
        find: size,
    },
    Check {
        id: "CTX-02",
        title: "the ignore files leave out what is clutter and nothing that is copied",
        worst: Severity::Error,
        early: true,
        about: "A `COPY . .` without an ignore file takes `.git`, `node_modules` and the like: each commit makes it run anew, and what was made for this machine lands in the image. The other way round, a source that is ignored is not found, though it is there.",
        mend: "Write `.dockerignore`: `dcb doctor --fix --only CTX-02` writes one to begin with. For a source that is ignored and needed, add a line `!SOURCE` at its end.",
        find: ignored,
    },
    Check {
        id: "CTX-03",
        title: "every builder would leave out the same",
        worst: Severity::Note,
        early: false,
        about: "`Dockerfile.dockerignore` beside a Dockerfile goes before `.dockerignore`. The classic builder does not know it; dcb sends it what BuildKit would take, `docker build` does not.",
        mend: "Nothing, when dcb builds; else keep the patterns in `.dockerignore`.",
        find: specific,
    },
    Check {
        id: "CTX-04",
        title: "versions of what is installed are fixed",
        worst: Severity::Note,
        early: false,
        about: "A manifest such as `package.json` or `Cargo.toml` without its lock file (or with one that is ignored) is installed in the versions of the day.",
        mend: "Commit the lock file, copy it with the manifest, and install what it says: `npm ci`, `cargo build --locked`.",
        find: installs::unlocked,
    },
];

/// More than this takes seconds to send and to compare.
const LARGE: u64 = 200 << 20;

fn contexts<'a>(seen: &Seen<'a>) -> Result<&'a [super::ContextSeen], Skip> {
    seen.project()?;
    seen.contexts
        .ok_or_else(|| "contexts were not looked at".into())
}

/// Whether a service is built by a builder that is sent everything.
fn gets_all(seen: &Seen<'_>, service: &str) -> bool {
    let ways = seen.outlook().map(|outlook| outlook.ways.as_slice());
    let mut ways = ways.unwrap_or_default().iter();
    ways.any(|way| way.service == service && way.classic)
}

fn size(seen: &Seen<'_>) -> Found {
    let missing = seen
        .missing
        .iter()
        .filter(|(class, _)| *class == Class::ContextMissing);
    let mut found: Vec<Finding> = missing
        .map(|(_, diagnostic)| Finding::diagnostic(diagnostic).so(REFUSED))
        .collect();
    let mut told = Vec::new();
    for context in contexts(seen)? {
        let Some(bytes) = context.bytes.filter(|bytes| *bytes > LARGE) else {
            continue;
        };
        let service = &context.service;
        let matters = context.whole.is_some() || gets_all(seen, service);
        if !matters || told.contains(&&context.directory) {
            continue;
        }
        told.push(&context.directory);
        let largest = context
            .largest
            .iter()
            .map(|(name, bytes)| format!("{name} {}", human::bytes(*bytes)));
        let largest = largest.collect::<Vec<_>>().join(", ");
        let more = if context.complete { "" } else { " and more" };
        let finding = Finding::warning(format!(
            "the context of `{service}` has {}{more}: {largest}",
            human::bytes(bytes)
        ))
        .so("every build reads all of it, and sends what has changed")
        .mend(format!(
            "name what is not needed in `{}`",
            context.directory.join(".dockerignore").display()
        ));
        found.push(match &context.whole {
            Some(place) => finding.at(place.clone()),
            None => finding,
        });
    }
    Ok(found)
}

fn ignored(seen: &Seen<'_>) -> Found {
    let mut found = Vec::new();
    let mut told = Vec::new();
    for context in contexts(seen)? {
        let service = &context.service;
        for lost in &context.lost {
            let file = context
                .ignore_file
                .as_ref()
                .map_or_else(String::new, |file| file.display().to_string());
            found.push(
                Finding::error(format!(
                    "`{}` is there, and `{file}` leaves it out",
                    lost.source
                ))
                .so(format!(
                    "`{service}` cannot be built: `{}` is not found",
                    lost.source
                ))
                .mend(format!(
                    "add a line to the end of `{file}`: !{}",
                    lost.source.trim_start_matches("./").trim_end_matches('/')
                ))
                .at(lost.place.clone()),
            );
        }
        let Some(place) = context
            .whole
            .as_ref()
            .filter(|_| !context.clutter.is_empty())
        else {
            continue;
        };
        if told.contains(&&context.directory) {
            continue;
        }
        told.push(&context.directory);
        let names = human::list(&context.clutter);
        let finding = Finding::warning(format!(
            "`{service}` takes its whole context, and {names} with it"
        ))
        .so("the step runs anew whenever they change, and they land in the image")
        .at(place.clone());
        let file = context
            .ignore_file
            .clone()
            .unwrap_or_else(|| context.directory.join(".dockerignore"));
        let finding = finding.mend(format!("name them in `{}`", file.display()));
        found.push(if context.ignore_file.is_none() {
            finding.fixed_by(Fix::WriteIgnoreFile(
                context.directory.clone(),
                context.clutter.clone(),
            ))
        } else {
            finding
        });
    }
    Ok(found)
}

fn specific(seen: &Seen<'_>) -> Found {
    let is_specific = |context: &&super::ContextSeen| {
        let name = context
            .ignore_file
            .as_ref()
            .and_then(|file| file.file_name());
        name.is_some_and(|name| name != ".dockerignore")
    };
    let contexts = contexts(seen)?.iter().filter(is_specific);
    let found = contexts
        .filter(|context| gets_all(seen, &context.service))
        .map(|context| {
            let file = context
                .ignore_file
                .as_ref()
                .map_or_else(String::new, |file| file.display().to_string());
            Finding::note(format!(
                "`{}` is built by the classic builder, which does not know `{file}`",
                context.service
            ))
            .so("dcb sends what it leaves; `docker build` would not")
        });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Diagnostic, Source, Span};
    use crate::doctor::testing::Case;
    use crate::doctor::{ContextSeen, Lost, Outlook, Way};

    fn case(context: ContextSeen) -> Case {
        let mut case = Case::default();
        case.project("services: { web: { build: . } }");
        case.contexts = Some(vec![context]);
        case
    }

    fn span() -> Span {
        Span::lines(&Source::new("Dockerfile", "FROM a\nCOPY . .\n"), 2, 2)
    }

    fn web() -> ContextSeen {
        ContextSeen {
            service: "web".into(),
            directory: "/src".into(),
            complete: true,
            ..ContextSeen::default()
        }
    }

    #[test]
    fn a_large_context_matters_where_all_of_it_is_taken() {
        let large = ContextSeen {
            bytes: Some(300 << 20),
            largest: vec![("data".into(), 299 << 20)],
            ..web()
        };
        assert!(case(large.clone()).finds("CTX-01").is_empty());
        let whole = ContextSeen {
            whole: Some(span()),
            ..large.clone()
        };
        assert!(
            case(whole.clone())
                .only("CTX-01")
                .evidence
                .contains("data 299.0 MiB")
        );
        assert!(
            case(ContextSeen {
                bytes: Some(100 << 20),
                ..whole
            })
            .finds("CTX-01")
            .is_empty()
        );
        let mut classic = case(large);
        let way = Way {
            service: "web".into(),
            builder: "classic".into(),
            classic: true,
        };
        classic.outlook = Some(Ok(Outlook {
            ways: vec![way],
            notes: Vec::new(),
        }));
        assert_eq!(classic.only("CTX-01").severity, Severity::Warning);
        let mut missing = case(web());
        missing.missing = vec![(Class::ContextMissing, Diagnostic::error("not a directory"))];
        assert_eq!(missing.only("CTX-01").severity, Severity::Error);
    }

    #[test]
    fn clutter_and_what_is_ignored_by_mistake() {
        assert!(case(web()).finds("CTX-02").is_empty());
        let clutter = ContextSeen {
            clutter: vec![".git".into()],
            ..web()
        };
        assert!(
            case(clutter.clone()).finds("CTX-02").is_empty(),
            "nobody takes it"
        );
        let whole = ContextSeen {
            whole: Some(span()),
            ..clutter
        };
        let found = case(whole.clone()).only("CTX-02");
        assert_eq!(found.severity, Severity::Warning);
        assert!(matches!(found.fix, Some(Fix::WriteIgnoreFile(..))));
        let has_file = ContextSeen {
            ignore_file: Some("/src/.dockerignore".into()),
            ..whole
        };
        assert_eq!(
            case(has_file).only("CTX-02").fix,
            None,
            "a file of the user's own is left alone"
        );
        let lost = ContextSeen {
            ignore_file: Some("/src/.dockerignore".into()),
            lost: vec![Lost {
                source: "./dist/".into(),
                place: span(),
            }],
            ..web()
        };
        let found = case(lost).only("CTX-02");
        assert_eq!(found.severity, Severity::Error);
        assert_eq!(
            found.remedy,
            ["add a line to the end of `/src/.dockerignore`: !dist"]
        );
    }

    #[test]
    fn a_specific_ignore_file_is_noted_on_the_classic_builder() {
        let file = ContextSeen {
            ignore_file: Some("/src/Dockerfile.dockerignore".into()),
            ..web()
        };
        let mut case = case(file);
        assert!(case.finds("CTX-03").is_empty());
        let way = Way {
            service: "web".into(),
            builder: "classic".into(),
            classic: true,
        };
        case.outlook = Some(Ok(Outlook {
            ways: vec![way],
            notes: Vec::new(),
        }));
        assert_eq!(case.only("CTX-03").severity, Severity::Note);
    }
}
