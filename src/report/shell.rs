//! Variables as a shell sets them, for `eval`.

use std::ffi::OsStr;

use crate::process;

/// A shell that variables are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// sh, bash, zsh and the like.
    Posix,
    /// fish.
    Fish,
    /// `PowerShell`.
    PowerShell,
}

/// One line for each variable; one without a value is taken away.
pub fn assignments(variables: &[(String, Option<String>)], shell: Shell) -> String {
    variables
        .iter()
        .map(|(name, value)| assignment(name, value.as_deref(), shell) + "\n")
        .collect()
}

fn assignment(name: &str, value: Option<&str>, shell: Shell) -> String {
    match (shell, value) {
        (Shell::Posix, Some(value)) => {
            format!("export {name}={}", process::quote(OsStr::new(value)))
        }
        (Shell::Posix, None) => format!("unset {name}"),
        (Shell::Fish, Some(value)) => {
            let value = value.replace('\\', r"\\").replace('\'', r"\'");
            format!("set -gx {name} '{value}'")
        }
        (Shell::Fish, None) => format!("set -e {name}"),
        (Shell::PowerShell, Some(value)) => {
            format!("$env:{name} = '{}'", value.replace('\'', "''"))
        }
        (Shell::PowerShell, None) => format!("Remove-Item -ErrorAction Ignore Env:{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_reads_back_what_is_written() {
        let variables = [
            ("A".to_owned(), Some("1".to_owned())),
            ("B".to_owned(), Some(r"it's \ two".to_owned())),
            ("C".to_owned(), None),
        ];
        for (shell, text) in [
            (
                Shell::Posix,
                "export A=1\nexport B='it'\\''s \\ two'\nunset C\n",
            ),
            (
                Shell::Fish,
                "set -gx A '1'\nset -gx B 'it\\'s \\\\ two'\nset -e C\n",
            ),
            (
                Shell::PowerShell,
                "$env:A = '1'\n$env:B = 'it''s \\ two'\nRemove-Item -ErrorAction Ignore Env:C\n",
            ),
        ] {
            assert_eq!(assignments(&variables, shell), text);
        }
    }
}
