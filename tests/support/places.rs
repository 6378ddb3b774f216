//! Where a complaint points: whatever is wrong in a file is told with line and column.

use dcb::compose::Request;
use dcb::diagnostic::Diagnostic;

/// How complaints begin that can be about a command line, the environment or the disk. Where a file
/// asked for what they are about, its place is due all the same.
const ABOUT_NO_FILE: [&str; 7] = [
    "no configuration file provided",
    "no such service",
    "project name must not be empty",
    "invalid project name",
    "`COMPOSE_DISABLE_ENV_FILE` is",
    "compose files from elsewhere are not supported",
    "failed to read ",
];

/// Whether a complaint about the project of `request` tells its place, or is about none in a file.
pub(crate) fn is_placed(complaint: &Diagnostic, request: &Request) -> bool {
    if complaint.primary.is_some() {
        return true;
    }
    let message = &complaint.message;
    let known = ABOUT_NO_FILE.iter().any(|words| message.starts_with(words));
    let Some(about) = message.split('`').nth(1).filter(|_| known) else {
        return known;
    };
    // A default name is looked for by dcb itself.
    let here = request.directory.display().to_string();
    let given = request.files.iter().map(String::as_str);
    let given = given.chain(request.project_name.as_deref());
    let given = given.chain(request.environment.values().map(String::as_str));
    let env_files: Vec<String> = request
        .env_files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let given = given.chain(env_files.iter().map(String::as_str));
    let mut given = given.chain(["COMPOSE_DISABLE_ENV_FILE", "compose.y", ".env", &here]);
    given.any(|given| about.contains(given) || given.contains(about))
}
