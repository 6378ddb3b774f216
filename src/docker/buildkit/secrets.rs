//! The secrets service: the values of what a build declares, and of nothing else.
//!
//! An engine asks for a secret when a step that mounts it is about to run, never for a step that is
//! taken from the cache. Files are read at that moment and what was read goes straight into the
//! answer; dcb keeps no copy. `ADD https://` and git contexts ask here too, for `HTTP_AUTH_…` and
//! `GIT_AUTH_…` of their host: what nobody declared is not there, which is an answer and no error.

use std::io::{self, Read};
use std::path::Path;

use bollard_buildkit_proto::moby::buildkit::secrets::v1::secrets_server::Secrets;
use bollard_buildkit_proto::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use indexmap::IndexMap;
use tonic::{Request, Response, Status};

use crate::docker::spec::SecretValue;

/// The calls of this service.
pub(super) const METHODS: [&str; 1] = ["/moby.buildkit.secrets.v1.Secrets/GetSecret"];

/// The secrets of one build, by id.
#[derive(Debug)]
pub(super) struct Declared(pub(super) IndexMap<String, SecretValue>);

#[tonic::async_trait]
impl Secrets for Declared {
    async fn get_secret(
        &self,
        request: Request<GetSecretRequest>,
    ) -> Result<Response<GetSecretResponse>, Status> {
        let id = request.into_inner().id;
        let data = match self.0.get(&id) {
            None => return Err(Status::not_found(format!("secret {id}: not found"))),
            Some(SecretValue::Variable { value, .. }) => value.reveal().as_bytes().to_vec(),
            Some(SecretValue::File(path)) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || read(&path)).await;
                read.map_err(io::Error::other).flatten().map_err(|error| {
                    Status::unknown(format!("failed to read secret {id}: {error}"))
                })?
            }
        };
        Ok(Response::new(GetSecretResponse { data }))
    }
}

/// What the file at `path` holds. It was looked at before the build and may have changed since.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    let most = SecretValue::LARGEST as u64;
    std::fs::File::open(path)?
        .take(most + 1)
        .read_to_end(&mut data)?;
    if data.len() > SecretValue::LARGEST {
        return Err(io::Error::other(format!(
            "it has more than {most} bytes by now"
        )));
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;
    use crate::secret::Secret;

    async fn ask(declared: &Declared, id: &str) -> Result<Vec<u8>, Status> {
        let request = GetSecretRequest {
            id: id.to_owned(),
            ..GetSecretRequest::default()
        };
        let answer = declared.get_secret(Request::new(request)).await?;
        Ok(answer.into_inner().data)
    }

    #[tokio::test]
    async fn only_what_is_declared_is_told_and_a_file_as_it_is_now() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("token");
        let declared = Declared(IndexMap::from([
            ("file".to_owned(), SecretValue::File(path.clone())),
            (
                "variable".to_owned(),
                SecretValue::Variable {
                    name: "TOKEN".to_owned(),
                    value: Secret::new("from the environment"),
                },
            ),
        ]));
        for content in [b"one".to_vec(), b"\xff\0two\n".to_vec()] {
            std::fs::write(&path, &content).expect("written");
            assert_eq!(ask(&declared, "file").await.expect("told"), content);
        }
        let told = ask(&declared, "variable").await.expect("told");
        assert_eq!(told, b"from the environment");
        for unknown in ["", "TOKEN", "HTTP_AUTH_TOKEN_example.org", "FILE"] {
            let refused = ask(&declared, unknown).await.expect_err("not declared");
            assert_eq!(refused.code(), Code::NotFound, "{unknown}");
        }
        std::fs::write(&path, vec![0; SecretValue::LARGEST + 1]).expect("written");
        let grown = ask(&declared, "file").await.expect_err("too large");
        assert!(
            grown.message().contains("more than 512000 bytes"),
            "{grown}"
        );
    }
}
