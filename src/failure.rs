//! What can go wrong, in classes: each has a stable id and an exit code.
//!
//! The classes are one table, the only place that gives them names and exit codes;
//! `docs/failures.md` tells it to people, and a test holds both against each other. What a builder's
//! words mean is told by `docker::explain`, what may be done about it by [`Class::obstacle`] and
//! [`Failure::transient`].

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::diagnostic::Diagnostic;

/// The classes: what each means, its name, its stable id, its exit code.
macro_rules! classes {
    ($($(#[$means:meta])* $name:ident $id:literal $code:literal)*) => {
        /// What kind of failure it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Class {
            $($(#[$means])* $name,)*
        }

        impl Class {
            /// Every class, by exit code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable name: what `--format json` carries and people search for.
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// The exit code of a run that failed this way.
            pub fn exit_code(self) -> u8 {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

classes! {
    /// A `RUN` ended with another exit code than 0.
    RunFailed "run-failed" 1
    /// A `RUN` was killed, most often because memory ran out.
    RunKilled "run-killed" 1
    /// A file that `COPY` or `ADD` names is not in the context.
    CopySource "copy-source" 1
    /// The Dockerfile cannot be understood.
    DockerfileSyntax "dockerfile-syntax" 1
    /// The stage to build does not exist.
    TargetMissing "target-missing" 1
    /// The checks of the Dockerfiles found something.
    CheckFound "check-found" 1
    /// A service does not work as it should.
    VerifyFailed "verify-failed" 1
    /// The build failed in a way that has no class of its own.
    BuildFailed "build-failed" 1

    /// A flag, an argument or a variable is wrong.
    Usage "usage" 2
    /// The compose files cannot be understood.
    ComposeInvalid "compose-invalid" 2
    /// The project asks for what this engine or this dcb cannot do.
    Unsupported "unsupported" 2
    /// The engine cannot keep an image of several platforms.
    MultiPlatform "multi-platform" 2
    /// A place to keep the cache at is written wrongly, or of a kind the engine does not know.
    CacheConfig "cache-config" 2

    /// `DOCKER_HOST`, a context or the docker configuration is wrong.
    HostInvalid "host-invalid" 3
    /// Nothing listens at the engine's address.
    DaemonDown "daemon-down" 3
    /// A certificate or a key is wrong, on either side, or TLS is spoken where there is none.
    TlsFailed "tls-failed" 3
    /// ssh does not reach the engine's machine, or no docker CLI there.
    SshFailed "ssh-failed" 3
    /// The engine's socket may not be opened.
    SocketForbidden "socket-forbidden" 3
    /// The engine accepts the connection and does not answer.
    DaemonHung "daemon-hung" 3
    /// What answers is not a Docker engine, or answers with an error.
    DaemonError "daemon-error" 3
    /// The engine does not speak the version of its API that is asked for.
    ApiRange "api-range" 3
    /// The engine went away during the build.
    DaemonLost "daemon-lost" 3
    /// The engine has no BuildKit.
    NoBuildKit "no-buildkit" 3
    /// No Docker Compose to hand over to.
    ComposeMissing "compose-missing" 3
    /// No buildx for a builder of the user's own, or one that cannot be used.
    BuildxMissing "buildx-missing" 3
    /// There is no builder of the name that is asked for.
    BuilderMissing "builder-missing" 3
    /// The builder that is asked for cannot be started or reached.
    BuilderUnreachable "builder-unreachable" 3
    /// The program that keeps the registry passwords cannot be run.
    CredentialHelper "credential-helper" 3
    /// A `RUN` needs a key of an SSH agent, and none is offered.
    SshMissing "ssh-missing" 3
    /// The engine's configuration forbids what a `RUN` asks for.
    Entitlement "entitlement" 3

    /// There is no compose file.
    ComposeFileMissing "compose-file-missing" 4
    /// The Dockerfile does not exist.
    DockerfileMissing "dockerfile-missing" 4
    /// The context directory does not exist.
    ContextMissing "context-missing" 4
    /// The form of a Dockerfile that was asked for does not exist.
    VariantMissing "variant-missing" 4
    /// A `RUN` needs a secret that is not given.
    SecretMissing "secret-missing" 4

    /// A registry cannot be reached.
    RegistryUnreachable "registry-unreachable" 5
    /// A registry refuses.
    RegistryDenied "registry-denied" 5
    /// A registry has been asked too often.
    RateLimited "rate-limited" 5
    /// An image does not exist, or not for this user.
    ImageMissing "image-missing" 5
    /// The frontend that a Dockerfile names cannot be fetched, or does not work.
    FrontendUnavailable "frontend-unavailable" 5
    /// The cache cannot be written to where it is to be kept; the image may exist.
    CacheExport "cache-export" 5

    /// The engine's disk is full.
    DiskFull "disk-full" 6
    /// The result cannot be written to where `--output` says.
    OutputFailed "output-failed" 6
    /// A cache of this machine cannot be removed.
    CacheStays "cache-stays" 6

    /// The builder's frontend is too old for the Dockerfile.
    FrontendTooOld "frontend-too-old" 7
    /// The builder itself failed.
    BuilderBroken "builder-broken" 7

    /// dcb is at fault.
    Internal "internal" 70
}

impl Class {
    /// What stood in the way, when that was the builder and not what it was given. Everything else,
    /// a failing `RUN` above all, is never built a second time elsewhere.
    pub fn obstacle(self) -> Option<Obstacle> {
        match self {
            Self::FrontendUnavailable | Self::FrontendTooOld => Some(Obstacle::Frontend),
            Self::BuilderBroken => Some(Obstacle::Builder),
            _ => None,
        }
    }

    /// Whether a failure of this class can pass by itself: some of a registry's trouble, and of what
    /// a builder does to itself. [`Failure::transient`] tells which.
    pub fn may_pass(self) -> bool {
        matches!(
            self,
            Self::RegistryUnreachable | Self::FrontendUnavailable | Self::BuilderBroken
        )
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

impl<'de> Deserialize<'de> for Class {
    /// A class that only a later dcb knows is one without a name of its own.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?;
        let known = Self::ALL.iter().find(|class| class.id() == id);
        Ok(known.copied().unwrap_or(Self::BuildFailed))
    }
}

/// One failure, with everything a person needs to mend it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Failure {
    /// Its class.
    pub class: Class,
    /// What happened: a lowercase fragment.
    pub message: String,
    /// Places in files, each with its own message and remedies.
    pub diagnostics: Vec<Diagnostic>,
    /// The exit code of the command that failed, when one did.
    pub exit_code: Option<i32>,
    /// What mends it, best first; a command where there is one.
    pub hints: Vec<String>,
    /// Whether the same may well succeed a moment later: a registry's trouble of the kind that
    /// passes in seconds, and nothing else.
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
