//! What both say of a project that both refuse: dcb must name whatever Compose names.

use std::path::Path;
use std::sync::LazyLock;

use dcb::diagnostic::Diagnostic;
use regex::Regex;

/// What Compose names and none of dcb's complaints does.
pub fn unnamed(ours: &[Diagnostic], theirs: &str, directory: &Path) -> Vec<String> {
    let told: Vec<String> = ours.iter().map(told).collect();
    names(theirs, directory)
        .into_iter()
        .filter(|name| !told.iter().any(|told| tells(told, name)))
        .collect()
}

/// Everything that a complaint says, on one line.
fn told(complaint: &Diagnostic) -> String {
    let places = complaint.primary.iter().chain(&complaint.related);
    let labels = places.map(|(span, label)| format!(" {} {label}", span.source.name));
    complaint.message.clone() + &labels.collect::<String>() + " " + &complaint.help.join(" ")
}

/// The paths, variables, files and quoted names in a complaint of Compose.
fn names(complaint: &str, directory: &Path) -> Vec<String> {
    static NAMES: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r#""((?:[^"\\\n]|\\.){1,60})"|\B'((?:[^'\\\n]|\\.){1,60})'|`([^`\n]{1,60})`"#,
            r"|\b((?:services|secrets|networks|volumes|configs|include)[.\[][^\s:,]*[^\s:,.'])",
            r"|\brequired variable (\w+)",
            r"|(?:^|\s)(/[^\s:,]+)",
        ))
        .expect("a pattern")
    });
    let inside = format!("{}/", directory.display());
    let said = NOT_NAMES
        .iter()
        .fold(complaint.to_owned(), |said, (pattern, _)| {
            let pattern = Regex::new(pattern).expect("a pattern");
            pattern.replace_all(&said, "").into_owned()
        });
    let found = NAMES.captures_iter(&said).filter_map(|captures| {
        let name = captures.iter().skip(1).flatten().next()?.as_str();
        let name = name.strip_prefix(&inside).unwrap_or(name);
        Some(name.replace("\\\"", "\"").replace("\\'", "'"))
    });
    found.collect()
}

/// What Compose says that names nothing a user could look for, and why dcb need not say it.
const NOT_NAMES: [(&str, &str); 9] = [
    (r"(?s)panic: .*", "Compose died; that is no complaint"),
    (
        r"validating \S+: ",
        "the file that was read last; dcb tells the one where the value stands",
    ),
    (
        r" in /\S+:",
        "the file where extending began; dcb tells the one where it failed",
    ),
    (
        r"does not match pattern '.*'",
        "dcb says in words what a name may be",
    ),
    (
        r"must be one of the following: .*",
        "all words there are; dcb tells those of today",
    ),
    (
        r"\bservices\.x\.",
        "a slip of Compose where services extend each other: it calls all of them x",
    ),
    (
        r"(?s)You may need to escape any \$ with another \$\..*",
        "the text at fault once more; dcb shows it where it stands",
    ),
    (
        r"cycle detected: node at path .*",
        "the paths where an endless tree was left; dcb names the anchor",
    ),
    (
        r#"is already in use by service \{\}""#,
        "a slip of Compose: the other service is missing",
    ),
];

/// Whether `told` is about `name`: of a path, the service and the last key.
fn tells(told: &str, name: &str) -> bool {
    let parts: Vec<&str> = name
        .split(['.', '[', ']'])
        .filter(|part| !part.is_empty() && part.parse::<usize>().is_err())
        .collect();
    match parts.as_slice() {
        ["services" | "secrets", name, .., last] => told.contains(name) && told.contains(last),
        ["services" | "secrets", name] => told.contains(name),
        _ => told.contains(name),
    }
}

#[test]
fn names_are_found_in_complaints_of_compose() {
    let here = Path::new("/p");
    for (complaint, wanted) in [
        (
            "exit 1: service \"a\" depends on undefined service \"b\": invalid compose project",
            &["a", "b"] as &[&str],
        ),
        (
            "exit 1: validating /p/c.yaml: services.a.build.tags must be a list",
            &["services.a.build.tags"],
        ),
        (
            "exit 1: error while interpolating services.a.image: required variable TAG is missing a value",
            &["services.a.image", "TAG"],
        ),
        ("exit 1: stat /p/sub/x.yaml: no such file", &["sub/x.yaml"]),
        (
            "exit 1: unexpected character \"\\\"\" in variable name \"\\\"b\\\"\"",
            &["\"", "\"b\""],
        ),
        ("exit 2: panic: interface \"x\"\ngoroutine 1", &[]),
    ] {
        assert_eq!(names(complaint, here), wanted, "{complaint}");
    }
}
