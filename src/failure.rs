//! What can go wrong, in classes: each has a stable id and an exit code.
//!
//! The exit codes are one table, [`Class::exit_code`]; `docs/exit-codes.md` tells them to people.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::diagnostic::Diagnostic;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// A `RUN` ended with another exit code than 0.
    RunFailed,
    /// A file that `COPY` or `ADD` names is not in the context.
    CopySource,
    /// The Dockerfile cannot be understood.
    DockerfileSyntax,
    /// The stage to build does not exist.
    TargetMissing,
    /// The build failed in a way that has no class of its own.
    BuildFailed,
    /// A flag, an argument or a variable is wrong.
    Usage,
    /// The compose files cannot be understood.
    ComposeInvalid,
    /// The project asks for what this engine or this dcb cannot do.
    Unsupported,
    /// `DOCKER_HOST`, a context or the docker configuration is wrong.
    HostInvalid,
    /// Nothing listens at the engine's address.
    DaemonDown,
    /// The engine's socket may not be opened.
    SocketForbidden,
    /// The engine accepts the connection and does not answer.
    DaemonHung,
    /// What answers is not a Docker engine, or answers with an error.
    DaemonError,
    /// The engine does not speak the version of its API that is asked for.
    ApiRange,
    /// The engine went away during the build.
    DaemonLost,
    /// The engine has no BuildKit.
    NoBuildKit,
    /// No Docker Compose to hand over to.
    ComposeMissing,
    /// There is no compose file.
    ComposeFileMissing,
    /// The Dockerfile does not exist.
    DockerfileMissing,
    /// The context directory does not exist.
    ContextMissing,
    /// The form of a Dockerfile that was asked for does not exist.
    VariantMissing,
    /// The frontend that a Dockerfile names cannot be fetched.
    FrontendUnavailable,
    /// The builder's frontend is too old for the Dockerfile.
    FrontendTooOld,
    /// The builder itself failed.
    BuilderBroken,
    /// A registry cannot be reached.
    RegistryUnreachable,
    /// A registry refuses.
    RegistryDenied,
    /// An image does not exist, or not for this user.
    ImageMissing,
    /// The engine's disk is full.
    DiskFull,
    /// dcb is at fault.
    Internal,
}

impl Class {
    /// The stable name: what `--format json` carries and people search for.
    pub fn id(self) -> &'static str {
        match self {
            Self::RunFailed => "run-failed",
            Self::CopySource => "copy-source",
            Self::DockerfileSyntax => "dockerfile-syntax",
            Self::TargetMissing => "target-missing",
            Self::BuildFailed => "build-failed",
            Self::Usage => "usage",
            Self::ComposeInvalid => "compose-invalid",
            Self::Unsupported => "unsupported",
            Self::HostInvalid => "host-invalid",
            Self::DaemonDown => "daemon-down",
            Self::SocketForbidden => "socket-forbidden",
            Self::DaemonHung => "daemon-hung",
            Self::DaemonError => "daemon-error",
            Self::ApiRange => "api-range",
            Self::DaemonLost => "daemon-lost",
            Self::NoBuildKit => "no-buildkit",
            Self::ComposeMissing => "compose-missing",
            Self::ComposeFileMissing => "compose-file-missing",
            Self::DockerfileMissing => "dockerfile-missing",
            Self::ContextMissing => "context-missing",
            Self::VariantMissing => "variant-missing",
            Self::FrontendUnavailable => "frontend-unavailable",
            Self::FrontendTooOld => "frontend-too-old",
            Self::BuilderBroken => "builder-broken",
            Self::RegistryUnreachable => "registry-unreachable",
            Self::RegistryDenied => "registry-denied",
            Self::ImageMissing => "image-missing",
            Self::DiskFull => "disk-full",
            Self::Internal => "internal",
        }
    }

    /// The exit code of a run that failed this way.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::RunFailed
            | Self::CopySource
            | Self::DockerfileSyntax
            | Self::TargetMissing
            | Self::BuildFailed => 1,
            Self::Usage | Self::ComposeInvalid | Self::Unsupported => 2,
            Self::HostInvalid
            | Self::DaemonDown
            | Self::SocketForbidden
            | Self::DaemonHung
            | Self::DaemonError
            | Self::ApiRange
            | Self::DaemonLost
            | Self::NoBuildKit
            | Self::ComposeMissing => 3,
            Self::ComposeFileMissing
            | Self::DockerfileMissing
            | Self::ContextMissing
            | Self::VariantMissing => 4,
            Self::RegistryUnreachable
            | Self::RegistryDenied
            | Self::ImageMissing
            | Self::FrontendUnavailable => 5,
            Self::DiskFull => 6,
            Self::FrontendTooOld | Self::BuilderBroken => 7,
            Self::Internal => 70,
        }
    }

    /// What stood in the way, when that was the builder and not what it was given. Everything else,
    /// a failing `RUN` above all, is never built a second time elsewhere.
    pub fn obstacle(self) -> Option<Obstacle> {
        match self {
            Self::FrontendUnavailable | Self::FrontendTooOld => Some(Obstacle::Frontend),
            Self::BuilderBroken => Some(Obstacle::Builder),
            _ => None,
        }
    }
}

/// What of a builder stood in the way of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The frontend that reads the Dockerfile: another form of it may do.
    Frontend,
    /// The builder as a whole: only another one will do.
    Builder,
}

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// One failure, with everything a person needs to mend it.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// Its class.
    pub class: Class,
    /// What happened: a lowercase fragment.
    pub message: String,
    /// Places in files, each with its own message and remedies.
    #[serde(serialize_with = "as_lines")]
    pub diagnostics: Vec<Diagnostic>,
    /// The exit code of the command that failed, when one did.
    pub exit_code: Option<i32>,
    /// What mends it, best first; a command where there is one.
    pub hints: Vec<String>,
    /// Whether the same may well succeed a moment later.
    pub transient: bool,
}

impl Failure {
    /// A failure of `class`.
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            diagnostics: Vec::new(),
            exit_code: None,
            hints: Vec::new(),
            transient: false,
        }
    }

    /// A failure that consists of what was found in files.
    pub fn found(class: Class, message: impl Into<String>, diagnostics: Vec<Diagnostic>) -> Self {
        Self {
            diagnostics,
            ..Self::new(class, message)
        }
    }

    /// The same with one more remedy.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

fn as_lines<S: Serializer>(diagnostics: &[Diagnostic], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(diagnostics.iter().map(ToString::to_string))
}
