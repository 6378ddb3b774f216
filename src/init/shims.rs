//! The scripts that take the place of a team's own: the same names, the same flags, and dcb behind them.

use std::ffi::OsStr;

use super::reading::Reading;
use crate::process;

/// What is told where dcb is not installed.
const INSTALL: &str = "cargo install --locked dcb";

/// What a shim does.
pub(super) struct Shim {
    verb: &'static str,
    /// Flags before the verb.
    project: Vec<String>,
    always: Vec<String>,
    aliases: Vec<(String, String)>,
    exported: Vec<(String, String)>,
}

impl Shim {
    /// One for a project that is chosen by `project`, in the place of a script that was understood so.
    pub(super) fn new(project: &[String], reading: Option<&Reading>) -> Self {
        let Some(reading) = reading else {
            return Self {
                verb: "up",
                project: project.to_vec(),
                always: Vec::new(),
                aliases: Vec::new(),
                exported: Vec::new(),
            };
        };
        let own = reading.project.clone().unwrap_or_default();
        let exported = reading.exported.iter();
        Self {
            verb: reading.verb(),
            // What is typed now counts more than what the script has.
            project: if project.is_empty() {
                own
            } else {
                project.to_vec()
            },
            always: reading.always.iter().cloned().collect(),
            aliases: reading.aliases.clone(),
            exported: exported.map(|(n, v)| (n.clone(), v.clone())).collect(),
        }
    }

    /// The verb with what stands before and behind it, each word through `quote`.
    fn words(&self, quote: &dyn Fn(&str) -> String) -> String {
        let project = self.project.iter().map(|word| quote(word));
        let always = self.always.iter().map(|word| quote(word));
        project
            .chain([self.verb.to_owned()])
            .chain(always)
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn about(&self) -> &'static str {
        match self.verb {
            "up" => "Builds what has changed, and starts this project",
            _ => "Builds the images of this project",
        }
    }

    /// For a POSIX shell.
    pub(super) fn posix(&self) -> String {
        let quote = |word: &str| process::quote(OsStr::new(word));
        let words = self.words(&quote);
        let mut text = format!(
            "#!/bin/sh\n# {} with dcb. Flags are those of `dcb {}`:\n# {}.\nset -eu\nCDPATH='' cd -- \"$(dirname -- \"$0\")\"\n",
            self.about(),
            self.verb,
            self.flags("--detached, --no-cache, --pull", "--no-cache, --pull"),
        );
        for (name, value) in &self.exported {
            text.push_str(&format!("export {name}={}\n", quote(value)));
        }
        text.push_str(&format!(
            "if ! command -v dcb >/dev/null 2>&1; then\n  \
             echo 'build.sh: dcb is not installed: {INSTALL}' >&2\n  exit 127\nfi\n"
        ));
        if !self.aliases.is_empty() {
            text.push_str("for word do\n  shift\n  case $word in\n");
            for (alias, flag) in &self.aliases {
                text.push_str(&format!("    {alias}) word={flag} ;;\n"));
            }
            text.push_str("  esac\n  set -- \"$@\" \"$word\"\ndone\n");
        }
        text + &format!("exec dcb {words} \"$@\"\n")
    }

    /// For PowerShell, of Windows and others.
    pub(super) fn powershell(&self) -> String {
        let quote = |word: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=\\".contains(c);
            if word.chars().all(plain) {
                word.to_owned()
            } else {
                format!("'{}'", word.replace('\'', "''"))
            }
        };
        let words = self.words(&quote);
        let starts = self.verb == "up";
        let mut text = format!(
            "# {} with dcb. Flags are {}, and those of `dcb {}`.\n\
             [CmdletBinding(PositionalBinding = $false)]\nparam(\n",
            self.about(),
            self.flags("-Detached, -NoCache, -Pull", "-NoCache, -Pull"),
            self.verb,
        );
        if starts {
            text.push_str("    [Alias('Detach', 'd')][switch] $Detached,\n");
        }
        text.push_str(
            "    [switch] $NoCache,\n    [switch] $Pull,\n    [Alias('h')][switch] $Help,\n    \
             [Parameter(ValueFromRemainingArguments = $true)][string[]] $Rest\n)\n\n\
             if (-not (Get-Command dcb -ErrorAction SilentlyContinue)) {\n    \
             [Console]::Error.WriteLine('build.ps1: dcb is not installed: ",
        );
        text.push_str(INSTALL);
        text.push_str("')\n    exit 127\n}\n");
        for (name, value) in &self.exported {
            text.push_str(&format!("$env:{name} = '{}'\n", value.replace('\'', "''")));
        }
        text.push_str("$flags = @()\n");
        if starts {
            text.push_str("if ($Detached) { $flags += '--detached' }\n");
        }
        text.push_str(
            "if ($NoCache) { $flags += '--no-cache' }\nif ($Pull) { $flags += '--pull' }\n\
             if ($Help) { $flags += '--help' }\n\
             if ($Rest) { $flags += $Rest }\n\
             Push-Location -LiteralPath $PSScriptRoot\ntry {\n",
        );
        text.push_str(&format!("    & dcb {words} @flags\n"));
        text + "    $code = $LASTEXITCODE\n} finally {\n    Pop-Location\n}\nexit $code\n"
    }

    fn flags(&self, of_up: &'static str, of_build: &'static str) -> &'static str {
        if self.verb == "up" { of_up } else { of_build }
    }
}
