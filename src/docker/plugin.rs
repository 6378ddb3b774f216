//! The protocol between the docker CLI and its plugins, on the plugin's side.
//!
//! The docker CLI asks a program called `docker-NAME` what it is, then runs it with its own command
//! line, and tells it to stop by closing a socket. Source: `cli-plugins` of the docker CLI.

use std::io;

use serde_json::json;

/// The only argument with which the docker CLI asks a plugin what it is.
pub const ASKED_WHAT_IT_IS: &str = "docker-cli-plugin-metadata";

/// The first argument with which the docker CLI asks a plugin to complete the rest; the other one
/// wants no explanations.
pub const ASKED_TO_COMPLETE: [&str; 2] = ["__complete", "__completeNoDesc"];

/// The variable that tells a plugin that the docker CLI has started it. Compose and buildx read their
/// command line otherwise when they see it, so they must not see it here.
pub const STARTED_BY_DOCKER: &str = "DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND";

/// The variable with the address of the socket; the docker CLI has it from version 25 on.
pub const SOCKET: &str = "DOCKER_CLI_PLUGIN_SOCKET";

/// What this plugin is. docker needs the first two keys.
pub fn metadata() -> String {
    let metadata = json!({
        "SchemaVersion": "0.1.0",
        "Vendor": "The dcb developers",
        "Version": env!("CARGO_PKG_VERSION"),
        "ShortDescription": "Build and start Compose projects",
    });
    format!("{metadata}\n")
}

/// Waits until the docker CLI closes its end of the socket at `address`: it was asked to stop, or is
/// gone.
///
/// # Errors
/// When nobody listens there.
#[cfg(unix)]
pub fn wait_for_stop(address: &str) -> io::Result<()> {
    use std::io::Read;
    let mut socket = connect(address)?;
    // Nothing is ever sent; anything but silence is the end.
    let _ = socket.read(&mut [0]);
    Ok(())
}

/// The same where dcb cannot reach such a socket: always an error.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub fn wait_for_stop(_address: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Go writes an abstract address of Linux with an `@`.
#[cfg(target_os = "linux")]
fn connect(address: &str) -> io::Result<std::os::unix::net::UnixStream> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixStream};
    match address.strip_prefix('@') {
        Some(name) => UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?),
        None => UnixStream::connect(address),
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn connect(address: &str) -> io::Result<std::os::unix::net::UnixStream> {
    std::os::unix::net::UnixStream::connect(address)
}
