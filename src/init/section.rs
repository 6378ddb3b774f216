//! `x-dcb`, where a project needs it: what dcb cannot find out by itself, put into the compose file as
//! text so that comments and form stay.

use super::Settings;

/// The section for `settings`, as lines of YAML; empty when there is nothing to say.
fn section(settings: &Settings) -> String {
    let mut text = String::new();
    if let Some(markers) = &settings.markers {
        text.push_str(&format!(
            "  # {0}.Dockerfile is made for BuildKit, {1}.Dockerfile for every builder.\n  \
             variants: {{ optimised: {0}, traditional: {1} }}\n",
            markers.optimised, markers.traditional
        ));
    }
    for (key, value, whence) in &settings.wishes {
        text.push_str(&format!("  {key}: {value} # as {whence} has it\n"));
    }
    if text.is_empty() {
        text
    } else {
        format!("x-dcb:\n{text}")
    }
}

/// `compose`, the text of a compose file without `x-dcb`, with the section; nothing when there is nothing
/// to say.
///
/// # Errors
/// With the section, when it can only be put there by hand: the file is not written line by line.
pub(super) fn inserted(compose: &str, settings: &Settings) -> Result<Option<String>, String> {
    let section = section(settings);
    if section.is_empty() {
        return Ok(None);
    }
    // In front of the services, and of the comments that belong to them.
    let mut before: usize = 0;
    let mut at: usize = 0;
    for line in compose.split_inclusive('\n') {
        if line.starts_with("services:") {
            let text = format!("{}{section}\n{}", &compose[..before], &compose[before..]);
            return Ok(Some(text));
        }
        at += line.len();
        if !line.starts_with('#') {
            before = at;
        }
    }
    Err(section)
}
