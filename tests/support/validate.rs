//! Others' judgement on what dcb writes: the schemas of build servers, and grammars of languages whose
//! own programs are not at hand.
//!
//! They are Python packages in a directory that `DCB_TEST_VALIDATORS` names (`tests/run` fills and sets
//! it), else in `target/validators`. A test that finds none fails and says how to get them; with
//! `DCB_TEST_VALIDATORS=none` there are none.
#![allow(
    unreachable_pub,
    dead_code,
    reason = "tests take it in as a module of their own"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests read the environment they are given"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Parses a file with a grammar of tree-sitter, and prints where it does not fit.
const PARSE: &str = "
import importlib, sys
from tree_sitter import Language, Parser
grammar = importlib.import_module('tree_sitter_' + sys.argv[1])
tree = Parser(Language(grammar.language())).parse(open(sys.argv[2], 'rb').read())
def wrong(node):
    if node.is_error or node.is_missing:
        yield f'{node.start_point.row + 1}: {node.text.decode()}'
    for child in node.children:
        yield from wrong(child)
found = list(wrong(tree.root_node))
print('\\n'.join(found))
sys.exit(1 if found else 0)
";

fn directory() -> Option<PathBuf> {
    let directory = match std::env::var("DCB_TEST_VALIDATORS") {
        Ok(none) if none == "none" => return None,
        Ok(directory) => PathBuf::from(directory),
        Err(_) => Path::new(env!("CARGO_MANIFEST_DIR")).join("target/validators"),
    };
    assert!(
        directory.join("bin/check-jsonschema").exists(),
        "no validators in `{}`: run ./tests/run, or set DCB_TEST_VALIDATORS to `none`",
        directory.display()
    );
    Some(directory)
}

/// `text` must be what the schema of this name takes, of those that come with check-jsonschema.
#[track_caller]
pub fn follows_schema(schema: &str, text: &str) {
    run("yml", text, |bin, file| {
        let mut command = Command::new(bin.join("check-jsonschema"));
        command.args(["--builtin-schema", schema]).arg(file);
        command
    });
}

/// `text` must be of this language.
#[track_caller]
pub fn parses(language: &str, text: &str) {
    run("txt", text, |bin, file| {
        let mut command = Command::new(bin.join("python"));
        command.args(["-c", PARSE, language]).arg(file);
        command
    });
}

#[track_caller]
fn run(ending: &str, text: &str, command: impl FnOnce(&Path, &Path) -> Command) {
    let Some(directory) = directory() else {
        return;
    };
    let mut file = tempfile::Builder::new();
    let file = file
        .suffix(&format!(".{ending}"))
        .tempfile()
        .expect("a file");
    std::fs::write(file.path(), text).expect("written");
    let output = command(&directory.join("bin"), file.path())
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "{}{}\n{text}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
