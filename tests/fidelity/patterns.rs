//! Random ignore patterns that are valid everywhere.

use fastrand::Rng;

use crate::tree::NAMES;

const WILD: [&str; 22] = [
    "*", "**", "?", "a*", "*.go", "f??", "[a-c]", "[^a]", "[!a]*", "*[.]*", "\\a", "**a", "a**",
    ".*", "***", "*b", "a?", "[ab]*", "foo*", "**.go", "\\[a\\]", "a\\*",
];

/// The text of an ignore file of a few lines, all below `prefix` when there is one.
pub fn ignores(rng: &mut Rng, prefix: Option<&str>) -> String {
    let mut text = String::new();
    for _ in 0..rng.usize(1..7) {
        match rng.u32(0..24) {
            0 => text += "# a comment\n",
            1 => text += "\n",
            2 => text += &format!("  {} \t\n", line(rng, prefix)),
            3 => text += &format!("{}\r\n", line(rng, prefix)),
            _ => text += &format!("{}\n", line(rng, prefix)),
        }
    }
    text
}

fn line(rng: &mut Rng, prefix: Option<&str>) -> String {
    let pattern = pattern(rng);
    // A `!` before what cleans to nothing is refused by all.
    let something =
        !pattern.contains("..") && pattern.contains(|character| !"./".contains(character));
    let mark = match rng.u32(0..12) {
        0..=3 if something => "!",
        4 if something => "! ",
        _ => "",
    };
    match prefix {
        Some(prefix) => format!("{mark}{prefix}/{pattern}"),
        None => format!("{mark}{pattern}"),
    }
}

fn pattern(rng: &mut Rng) -> String {
    let elements: Vec<&str> = (0..rng.usize(1..5)).map(|_| element(rng)).collect();
    let start = rng
        .choice(["", "", "", "", "", "", "/", "./"])
        .expect("a start");
    let end = rng
        .choice(["", "", "", "", "", "/", "/**", "/*"])
        .expect("an end");
    format!("{start}{}{end}", elements.join("/"))
}

fn element(rng: &mut Rng) -> &'static str {
    match rng.u32(0..30) {
        0 => "..",
        1 => ".",
        2 => "",
        3..=15 => rng.choice(WILD).expect("wildcards"),
        _ => rng.choice(NAMES).expect("names"),
    }
}
