//! Other engines of this machine that answer while the one in use does not. They are told of and never
//! chosen: which engine is meant is the user's to say.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::join_all;

use crate::ambient::Ambient;
use crate::docker::detect;
use crate::docker::host::{Address, Endpoint, Origin};

/// How long one may take to answer.
const LIMIT: Duration = Duration::from_millis(300);

/// Where engines listen, below the home directory.
const AT_HOME: [&str; 6] = [
    ".docker/run/docker.sock",
    ".docker/desktop/docker.sock",
    ".colima/default/docker.sock",
    ".orbstack/run/docker.sock",
    ".rd/docker.sock",
    ".local/share/containers/podman/machine/podman.sock",
];

/// The sockets on which an engine answers, without that of `endpoint`.
pub async fn answering(ambient: &Ambient, endpoint: Option<&Endpoint>) -> Vec<PathBuf> {
    let runtime = ambient.variable("XDG_RUNTIME_DIR").map(PathBuf::from);
    let candidates = [PathBuf::from("/var/run/docker.sock")]
        .into_iter()
        .chain(runtime.iter().flat_map(|directory| {
            ["docker.sock", "podman/podman.sock"].map(|name| directory.join(name))
        }))
        .chain([PathBuf::from("/run/podman/podman.sock")])
        .chain(
            ambient
                .home
                .iter()
                .flat_map(|home| AT_HOME.map(|path| home.join(path))),
        )
        .filter(|path| {
            path.exists() && Some(path.as_path()) != endpoint.and_then(Endpoint::socket)
        });
    let asked = candidates.map(|path| async move {
        let endpoint = Endpoint {
            address: Address::Unix(path.clone()),
            origin: Origin::Default,
            pinned: None,
        };
        let answer = tokio::time::timeout(LIMIT, detect::engine(&endpoint)).await;
        matches!(answer, Ok(Ok(_))).then_some(path)
    });
    join_all(asked).await.into_iter().flatten().collect()
}
