//! What this machine is besides its Docker: build server, WSL, free disk.
//!
//! All of it is decided from what was read; only [`Disk::of`] asks the system.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::info::Info;

/// What a build server sets, and its name. The general ones come last.
const SERVERS: [(&str, &str); 16] = [
    ("GITHUB_ACTIONS", "github-actions"),
    ("GITLAB_CI", "gitlab"),
    ("JENKINS_URL", "jenkins"),
    ("BUILDKITE", "buildkite"),
    ("TF_BUILD", "azure-pipelines"),
    ("CIRCLECI", "circleci"),
    ("TRAVIS", "travis"),
    ("TEAMCITY_VERSION", "teamcity"),
    ("BITBUCKET_BUILD_NUMBER", "bitbucket"),
    ("CODEBUILD_BUILD_ID", "codebuild"),
    ("DRONE", "drone"),
    ("APPVEYOR", "appveyor"),
    ("CIRRUS_CI", "cirrus"),
    ("SEMAPHORE", "semaphore"),
    ("FORGEJO_ACTIONS", "forgejo-actions"),
    ("GITEA_ACTIONS", "gitea-actions"),
];

/// The build server that this runs on: its name, `unknown` when it only says that it is one.
pub fn build_server(environment: &IndexMap<String, String>) -> Option<String> {
    let set = |name: &str| {
        let value = environment.get(name).map(String::as_str);
        value.filter(|value| !matches!(*value, "" | "0" | "false"))
    };
    // These two call themselves GitHub as well, for the sake of its actions.
    let imitator = SERVERS[14..].iter().find(|(name, _)| set(name).is_some());
    let server = imitator.or_else(|| SERVERS.iter().find(|(name, _)| set(name).is_some()));
    match (server, set("CI")) {
        (Some((_, name)), _) => Some((*name).to_owned()),
        (None, Some("woodpecker")) => Some("woodpecker".to_owned()),
        (None, Some(_)) => Some("unknown".to_owned()),
        (None, None) => None,
    }
}

/// The Windows Subsystem for Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wsl {
    /// Linux calls are translated; no engine can run inside.
    Wsl1,
    /// A Linux kernel in a virtual machine.
    Wsl2,
}

impl Wsl {
    /// Reads the kernel's release, such as `5.15.90.1-microsoft-standard-WSL2`.
    pub(super) fn of(release: &str) -> Option<Self> {
        let release = release.to_ascii_lowercase();
        if release.contains("microsoft-standard") || release.contains("wsl2") {
            Some(Self::Wsl2)
        } else if release.contains("microsoft") {
            Some(Self::Wsl1)
        } else {
            None
        }
    }
}

/// The release of the kernel, where it tells it.
pub(super) fn kernel_release() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/osrelease");
    text.unwrap_or_default().trim().to_owned()
}

/// The disk of the engine's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// The directory on it.
    pub path: PathBuf,
    /// Bytes free for others than root.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
    /// How many files can still be made on it, where that has a limit.
    pub files: Option<u64>,
}

impl Disk {
    /// The disk of the engine's data, when it is a disk of this machine.
    pub(super) fn of(
        info: &Info,
        socket: Option<&Path>,
        hostname: &str,
        kernel: &str,
    ) -> Option<Self> {
        let path = info.root_dir.as_deref()?;
        if !is_here(info, socket, hostname, kernel) {
            return None;
        }
        space(path)
    }
}

/// Whether the engine that says `info` of itself at `socket` runs on this machine, and not behind a
/// forwarded socket or in a virtual machine: it has the same name and the same kernel. A container
/// that was lent the engine's socket has another name, and sees other disks and ports.
pub(super) fn is_here(info: &Info, socket: Option<&Path>, hostname: &str, kernel: &str) -> bool {
    socket.is_some()
        && !info.product.is_virtual()
        && !hostname.is_empty()
        && info.name == hostname
        && info.kernel == kernel
}

#[cfg(unix)]
fn space(path: &Path) -> Option<Disk> {
    let told = rustix::fs::statvfs(path).ok()?;
    Some(Disk {
        path: path.to_owned(),
        free: told.f_bavail.checked_mul(told.f_frsize)?,
        total: told.f_blocks.checked_mul(told.f_frsize)?,
        files: (told.f_files > 0).then_some(told.f_favail),
    })
}

#[cfg(not(unix))]
fn space(_path: &Path) -> Option<Disk> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_servers_are_known_by_their_variables() {
        for (variables, server) in [
            ("", None),
            ("CI=true", Some("unknown")),
            ("CI=false", None),
            ("CI=woodpecker", Some("woodpecker")),
            ("CI=true GITHUB_ACTIONS=true", Some("github-actions")),
            (
                "CI=true GITHUB_ACTIONS=true GITEA_ACTIONS=true",
                Some("gitea-actions"),
            ),
            ("GITLAB_CI=true CI=true", Some("gitlab")),
            ("JENKINS_URL=http://ci/", Some("jenkins")),
            ("TF_BUILD=True", Some("azure-pipelines")),
            ("TRAVIS=", None),
        ] {
            let environment = variables
                .split_whitespace()
                .filter_map(|word| word.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            assert_eq!(build_server(&environment).as_deref(), server, "{variables}");
        }
    }

    #[test]
    fn both_kinds_of_wsl_are_told_by_the_kernel() {
        for (release, wsl) in [
            ("4.4.0-19041-Microsoft", Some(Wsl::Wsl1)),
            ("4.19.84-microsoft-standard", Some(Wsl::Wsl2)),
            ("5.15.90.1-microsoft-standard-WSL2", Some(Wsl::Wsl2)),
            ("6.6.36-custom-WSL2+", Some(Wsl::Wsl2)),
            ("6.1.0-28-amd64", None),
            ("", None),
        ] {
            assert_eq!(Wsl::of(release), wsl, "{release}");
        }
    }

    #[test]
    fn only_an_engine_of_this_machine_has_its_disk() {
        let info = |name: &str, system: &str| {
            let info = serde_json::json!({
                "Name": name, "KernelVersion": "6.1", "OperatingSystem": system, "DockerRootDir": "/"
            });
            Info::read(&info, &serde_json::Value::Null)
        };
        let socket = Some(Path::new("/run/docker.sock"));
        let here = Disk::of(&info("me", "Debian"), socket, "me", "6.1");
        assert!(here.is_none_or(|disk| disk.total >= disk.free && disk.total > 0));
        for (info, socket, kernel) in [
            (info("other", "Debian"), socket, "6.1"),
            (info("me", "Docker Desktop"), socket, "6.1"),
            (info("me", "Debian"), None, "6.1"),
            (info("me", "Debian"), socket, "6.2"),
        ] {
            assert_eq!(Disk::of(&info, socket, "me", kernel), None);
        }
    }
}
