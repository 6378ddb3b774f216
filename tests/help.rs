//! `dcb --help`, `dcb help VERB` and the manual pages in `docs/man/`, which say the same: every verb is
//! explained, with examples that work.

mod support;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_mangen::Man;
use dcb::cli::{Cli, Verb, examples, help};
use roff::{Roff, bold, roman};
use support::Project;

/// Columns of the terminal that everything has to fit in.
const WIDTH: usize = 80;

/// Every verb and every verb of a verb, by the words that choose it; dcb itself has none.
fn verbs() -> BTreeMap<String, Command> {
    fn below(path: &str, command: Command, found: &mut BTreeMap<String, Command>) {
        for verb in command.get_subcommands() {
            let path = format!("{path} {}", verb.get_name());
            below(path.trim_start(), verb.clone(), found);
        }
        found.insert(path.to_owned(), command);
    }
    let mut found = BTreeMap::new();
    let mut all = help::bare();
    all.build();
    below("", all, &mut found);
    found
}

/// What `dcb` prints on a terminal of that width.
fn shown(arguments: &[&str]) -> String {
    let project = Project::new("help").variable("COLUMNS", &WIDTH.to_string());
    project.run_alone(arguments).expect(0).stdout
}

#[test]
fn the_first_page_is_short_and_fits_and_every_verb_has_its_place() {
    let page = shown(&["--help"]);
    for line in page.lines() {
        assert!(line.chars().count() <= WIDTH, "too long: {line}");
    }
    assert!(page.lines().count() <= 66, "more than a screen:\n{page}");
    assert_eq!(
        help::ungrouped(&help::bare()),
        [""; 0],
        "they have no group in src/cli/help.rs"
    );
    for verb in verbs()
        .keys()
        .filter(|verb| !verb.contains(' ') && !verb.is_empty())
    {
        let lines = page
            .lines()
            .filter(|line| line.starts_with(&format!("  {verb} ")));
        assert_eq!(lines.count(), 1, "`{verb}`:\n{page}");
    }
    for other in [&["-h"][..], &["help"]] {
        assert_eq!(shown(other), page, "{other:?}");
    }
    // Without colour where nobody looks, with it where it is forced.
    assert!(!page.contains('\u{1b}'));
    for arguments in [&["help"][..], &["help", "build"], &["--help"]] {
        let project = Project::new("help").variable("CLICOLOR_FORCE", "1");
        let coloured = project.run_alone(arguments).expect(0).stdout;
        assert!(
            coloured.contains("\u{1b}[1m\u{1b}[4mExamples:"),
            "{coloured:?}"
        );
    }
}

#[test]
fn the_help_of_every_verb_has_its_examples_however_it_is_asked_for() {
    for (verb, _) in verbs() {
        if verb.is_empty() || verb == "help" {
            continue;
        }
        let words: Vec<&str> = verb.split(' ').collect();
        let page = shown(&[&["help"], &words[..]].concat());
        assert_eq!(page, shown(&[&words[..], &["--help"]].concat()), "{verb}");
        let (_, examples) = page
            .split_once("\nExamples:\n")
            .unwrap_or_else(|| panic!("`{verb}` has no examples: src/cli/examples.rs"));
        for line in examples.lines() {
            assert!(line.chars().count() <= WIDTH, "`{verb}`, too long: {line}");
            // A line that was broken begins again at the first column of the list.
            assert!(
                line.starts_with("  dcb ")
                    || line.starts_with("  eval ")
                    || line.starts_with("    "),
                "`{verb}`: {line}"
            );
        }
    }
}

/// A directory with a `dcb` that keeps what it is given, and programs that swallow what they are
/// given.
fn recorder() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let record = directory.path().join("record");
    let dcb = format!(
        "#!/bin/sh\nprintf '%s\\0' dcb \"$@\" >'{}'\n",
        record.display()
    );
    for (name, script) in [
        ("dcb", dcb.as_str()),
        ("jq", "#!/bin/sh\n"),
        ("source", "#!/bin/sh\n"),
    ] {
        let path = directory.path().join(name);
        std::fs::write(&path, script).expect("written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("set");
    }
    (directory, record)
}

#[test]
fn every_example_is_a_command_line_that_dcb_takes() {
    let (directory, record) = recorder();
    for (verb, _) in verbs() {
        let examples = examples::of(&verb);
        assert!(
            !examples.is_empty(),
            "`{verb}` has none: src/cli/examples.rs"
        );
        for (line, says) in examples {
            assert!(!says.is_empty() && !says.ends_with('.'), "{line}: {says}");
            let status = std::process::Command::new("/bin/sh")
                .args(["-c", line])
                .current_dir(directory.path())
                .env_clear()
                .env("PATH", directory.path())
                .status()
                .expect("a shell");
            assert!(status.success(), "{line}");
            let given = std::fs::read(&record).unwrap_or_else(|_| panic!("no dcb in `{line}`"));
            std::fs::remove_file(&record).expect("removed");
            let words = given
                .strip_suffix(&[0])
                .expect("words")
                .split(|byte| *byte == 0);
            let words: Vec<OsString> = words
                .map(|word| OsString::from_vec(word.to_vec()))
                .collect();
            let cli = Cli::read(&words).unwrap_or_else(|error| panic!("{line}: {error}"));
            if !verb.is_empty() {
                assert!(
                    !matches!(cli.verb, Verb::Compose(_)),
                    "`{line}` goes to Compose"
                );
                let mut words = words.iter();
                for word in verb.split(' ') {
                    assert!(
                        words.any(|other| other == word),
                        "`{line}` is none of `{verb}`"
                    );
                }
            }
        }
    }
}

#[test]
fn what_compose_does_is_compose_s_to_explain_and_mistakes_are_told() {
    let project = Project::new("help-others");
    let engine = support::engines()
        .into_iter()
        .find(|engine| !engine.has_compose_v1());
    if let Some(engine) = engine {
        let ran = project.run(&engine, &["help", "logs"]).expect(0);
        ran.telling(&["View output from containers"]);
    }
    project
        .run_alone(&["build", "--nonsense"])
        .expect(2)
        .telling(&["--nonsense", "dcb build"]);
}

/// The name of a verb's manual page.
fn page_of(verb: &str) -> String {
    format!("dcb {verb}").trim_end().replace(' ', "-")
}

/// The manual page of a verb: what clap knows of it, and its examples.
fn manual(verb: &str, command: &Command) -> String {
    let man = Man::new(command.clone())
        .title(page_of(verb).to_uppercase())
        .source(concat!("dcb ", env!("CARGO_PKG_VERSION")))
        .manual("User Commands");
    let mut page = Vec::new();
    let written = man
        .render_title(&mut page)
        .and_then(|()| man.render_name_section(&mut page))
        .and_then(|()| man.render_synopsis_section(&mut page))
        .and_then(|()| man.render_description_section(&mut page))
        .and_then(|()| man.render_options_section(&mut page));
    written.expect("into memory");
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)
            .expect("into memory");
    }
    let mut rest = Roff::new();
    rest.control("SH", ["EXAMPLES"]);
    for (line, says) in examples::of(verb) {
        rest.control("TP", [])
            .text([bold(*line)])
            .text([roman(*says)]);
    }
    rest.control("SH", ["SEE ALSO"]);
    let other = match verb.rsplit_once(' ') {
        Some((parent, _)) => page_of(parent),
        None if verb.is_empty() => "docker".to_owned(),
        None => "dcb".to_owned(),
    };
    rest.text([bold(other), roman("(1)")]);
    rest.to_writer(&mut page).expect("into memory");
    String::from_utf8(page).expect("text")
}

/// `DCB_UPDATE=1 cargo test --test help` writes them anew.
#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "tests read the environment they are given"
)]
fn the_manual_pages_are_up_to_date() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/man");
    let pages: BTreeMap<String, String> = verbs()
        .iter()
        .map(|(verb, command)| (format!("{}.1", page_of(verb)), manual(verb, command)))
        .collect();
    if std::env::var_os("DCB_UPDATE").is_some() {
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).expect("made");
        for (file, page) in &pages {
            std::fs::write(directory.join(file), page).expect("written");
        }
    }
    let entries = std::fs::read_dir(&directory)
        .into_iter()
        .flatten()
        .flatten();
    let kept: BTreeMap<String, String> = entries
        .map(|entry| {
            let page = std::fs::read_to_string(entry.path()).unwrap_or_default();
            (entry.file_name().to_string_lossy().into_owned(), page)
        })
        .collect();
    assert!(
        kept == pages,
        "`docs/man` is out of date: DCB_UPDATE=1 cargo test --test help"
    );
}
