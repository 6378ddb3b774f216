//! The page: its text, its script and its data in one file.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::findings::Findings;
use super::story::Story;

/// The frame, with a mark where each of the others goes.
const FRAME: &str = include_str!("page/frame.html");
const STYLE: &str = include_str!("page/style.css");
/// The parts of the script, each after what it uses.
const SCRIPT: &[&str] = &[
    include_str!("page/data.js"),
    include_str!("page/overview.js"),
    include_str!("page/chart.js"),
    include_str!("page/tree.js"),
    include_str!("page/details.js"),
    include_str!("page/print.js"),
    include_str!("page/keys.js"),
];

#[derive(Serialize)]
struct Data<'a> {
    #[serde(flatten)]
    story: &'a Story,
    findings: Findings,
}

/// A run as one HTML page.
///
/// Names and logs come from elsewhere and may be meant badly. They are in the page as JSON only, which
/// cannot end the element that it is in, and reach the screen as text; and the policy of the page
/// names its own script and style by their digests, so that nothing else would run.
pub fn html(story: &Story) -> String {
    around(&data(story))
}

/// The page around its data.
pub(super) fn around(data: &str) -> String {
    let script = format!("\"use strict\";\n(() => {{\n{}}})();\n", SCRIPT.concat());
    let parts = [
        ("@script-digest@", digest(&script)),
        ("@style-digest@", digest(STYLE)),
        ("@style@", STYLE.to_owned()),
        ("@data@", data.to_owned()),
        ("@script@", script),
    ];
    let mut page = String::new();
    let mut rest = FRAME;
    for (mark, text) in &parts {
        let (before, after) = rest.split_once(mark).unwrap_or((rest, ""));
        page.push_str(before);
        page.push_str(text);
        rest = after;
    }
    page.push_str(rest);
    page
}

/// All that the page shows, as JSON that can stand in a script element: there `<` begins the only words
/// that mean anything, and JSON has it in strings only.
pub(super) fn data(story: &Story) -> String {
    let findings = Findings::of(story);
    let data = Data { story, findings };
    let json = serde_json::to_string(&data).unwrap_or_default();
    json.replace('<', "\\u003c")
}

/// What a policy calls a script or a style.
fn digest(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}
